"""`kassa init`: a new terminal's folder."""

from __future__ import annotations

import re
from pathlib import Path

import click

from kassa.config import load
from kassa.errors import KassaError
from kassa.files import write_durably
from kassa.home import Home, data_folder

DEMO_SETTINGS = {
    ("validator", "port"): '"run/validator"',
    ("registrar", "port"): '"run/registrar"',
    ("ui", "fullscreen"): "false",
}
"""A demonstration has simulators behind links in its own folder, and a window among others."""


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--demo", is_flag=True, help="For simulated devices at links in run/, and a screen in a window."
)
def init(folder: Path, demo: bool) -> None:
    """Make FOLDER a terminal's home, with a documented kassa.toml to fill in."""
    home = Home(folder.absolute())
    if home.config.exists():
        raise KassaError(f"{home.config} is there already; a terminal's folder is never made twice")
    text = (data_folder() / "examples" / "kassa.toml").read_text(encoding="utf-8")
    home.make()
    for (section, key), value in DEMO_SETTINGS.items() if demo else ():
        text = _set(text, section, key, value)
    with write_durably(home.config) as file:
        file.write(text.encode("utf-8"))
    load(home.config)
    click.echo(f"{home.path} is ready. Next:")
    for line in _next_steps(home, demo):
        click.echo(f"  {line}")


def _next_steps(home: Home, demo: bool) -> tuple[str, ...]:
    if demo:
        return (
            f"python -m devices.ccnet.simulator --pty {home.run / 'validator'}",
            f"python -m devices.shtrih.simulator --pty {home.run / 'registrar'}",
            f"kassa --home {home.path} run",
        )
    return (f"fill in {home.config}", f"kassa --home {home.path} doctor")


def _set(text: str, section: str, key: str, value: str) -> str:
    """Change one value of the example, keeping its comment."""
    pattern = rf"(^\[{section}\]$(?:\n(?!\[).*)*?\n{key} = )(\S+)"
    changed, count = re.subn(pattern, rf"\g<1>{value}", text, count=1, flags=re.MULTILINE)
    assert count == 1, f"data/examples/kassa.toml has no {section}.{key}"
    return changed
