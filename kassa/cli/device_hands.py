"""`kassa device scan` and `kassa device check`: what is done beside the core, and what the core says instead."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

import click
import msgspec

from kassa.cli.journal_access import own_journal, reach
from kassa.config import Config, load
from kassa.errors import KassaError
from kassa.home import Home

if TYPE_CHECKING:
    from kassa.workbench import Seen


def by_core(name: str, status: dict[str, Any]) -> dict[str, Any]:
    """The verdict on a device by the running core's status."""
    own = [one for one in status["conditions"] if one["code"].startswith(name)]
    problems = [
        f"{one['text']} ({one['detail']}): {one['remedy']}"
        if one["detail"]
        else f"{one['text']}: {one['remedy']}"
        for one in own
    ]
    if not status[name] and not problems:
        problems = ["the core has not found it yet: look again in a minute"]
    is_good = bool(status[name]) and not any(one["stops_cash"] for one in own)
    facts = status["registrar_facts"] if name == "registrar" else []
    return {"device": name, "ok": is_good, "found": status[name], "facts": facts, "problems": problems}


def by_hand(
    home: Home, *, is_told: bool, has_hands: bool, with_note: bool, with_cassette: bool
) -> dict[str, Any]:
    """Test the validator while no core can start; each step is told as it is done. The verdict."""
    from kassa import workbench

    config, held = load(home.config), None
    if home.journal.exists():
        with own_journal(home) as journal:
            held = journal.open_intent()
    return workbench.check_validator(
        config,
        home,
        held,
        click.echo if is_told else lambda words: None,
        has_hands=has_hands,
        with_note=with_note,
        with_cassette=with_cassette,
    )


def scanned(home: Home, named: tuple[str, ...]) -> list[Seen]:
    """Look at the ports one after the other; what is being tried is told on stderr."""
    from kassa import workbench

    config = _config(home)
    configured = () if config is None else (config.validator.port, config.registrar.port)
    seen: list[Seen] = []
    with _core_stays_away(home) as runs:
        taken = workbench.owned(config, home) if runs else frozenset()
        for port in workbench.ports(named, configured, home):
            if port.real in taken:
                one: Seen | None = workbench.belongs_to_core(port)
            else:
                one = workbench.see(port, config, partial(_tell_progress, port.name))
            if one is not None:
                click.echo(f"{one.port}: {one.what}", err=True)
                seen.append(one)
    return seen


def _tell_progress(port: str, tried: str) -> None:
    click.echo(f"{port}: {tried} ...", err=True)


def _config(home: Home) -> Config | None:
    """A scan is for those, too, who have no kassa.toml yet, or none that can be used."""
    if not home.config.exists():
        return None
    try:
        return load(home.config)
    except KassaError as error:
        click.echo(f"left aside: {error}", err=True)
        return None


@contextmanager
def _core_stays_away(home: Home) -> Iterator[bool]:
    """Whether a core runs here; if none does, none can start meanwhile."""
    if not home.run.is_dir():
        yield False
        return
    with reach(home) as core:
        yield core is not None


def as_fields(seen: Seen) -> dict[str, Any]:
    """What was seen, for machines."""
    fields = asdict(seen)
    found = seen.found
    if found is not None:
        line = found.line
        fields["found"] = msgspec.to_builtins(found) | {
            "line": {"speed": line.speed, "parity": line.parity, "stop_bits": line.stop_bits}
        }
    return fields
