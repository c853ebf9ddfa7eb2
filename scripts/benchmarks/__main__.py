"""`scripts/bench`: measure the parts, print a table, and say whether each bound holds."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec
import subscribers
import terminal
import yardstick
from figures import Figure
from rich.console import Console
from rich.table import Table

from kassa.demo.stage import Stage

PARTS = ("yardstick", "import", "terminal")
TABLE_WIDTH = 150
"""A figure and its measurements stand on one line, in a log file too."""
BUILD = Path(__file__).resolve().parent.parent.parent / "build" / "bench"


@click.command()
@click.argument("part", type=click.Choice(PARTS), required=False)
@click.option(
    "--json", "json_file", type=click.Path(path_type=Path, dir_okay=False), help="Write them here, too."
)
def bench(part: str | None, json_file: Path | None) -> None:
    """Print figures of speed and size; exit code 1 when one is beyond its bound. The machine's noise is in them."""
    BUILD.mkdir(parents=True, exist_ok=True)
    table = Table("part", "figure", "value", "unit", "bound", "", "measurements")
    found = []
    for figure in _measure(part):
        click.echo(f"{figure.part}: {figure.name}: {figure.value} {figure.unit}", err=True)
        found.append(figure)
        table.add_row(*_cells(figure))
    Console(width=TABLE_WIDTH).print(table)
    if json_file is not None:
        json_file.write_bytes(msgspec.json.format(msgspec.json.encode(found)))
    if any(figure.holds is False for figure in found):
        raise SystemExit(1)


def _measure(part: str | None) -> Iterator[Figure]:
    if part in (None, "yardstick"):
        yield from yardstick.measure(BUILD)
    if part == "yardstick":
        return
    folder = Path(tempfile.mkdtemp(prefix="kassa-bench-"))
    stage = Stage(folder)
    try:
        if part == "terminal":
            subscribers.import_into(stage.home, subscribers.make_file(BUILD))
        else:
            yield from subscribers.measure(BUILD, stage.home)
        if part != "import":
            yield from terminal.measure(stage)
    finally:
        stage.close()
        shutil.rmtree(folder)


def _cells(figure: Figure) -> tuple[str, ...]:
    bound = "" if figure.at_most is None else f"<= {figure.at_most:g}"
    verdict = {None: "", True: "holds", False: "DOES NOT HOLD"}[figure.holds]
    return figure.part, figure.name, f"{figure.value:g}", figure.unit, bound, verdict, figure.detail


if __name__ == "__main__":
    bench()
