"""`scripts/bench`: measure the parts, print a table, say whether each bound holds and what got worse."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import baseline
import click
import exports
import journals
import lines
import msgspec
import registrar
import subscribers
import terminal
import yardstick
from baseline import Trend
from figures import Figure
from long_journal import copy_of, long_journal
from rich.console import Console
from rich.table import Table

from kassa.demo.stage import Stage

TABLE_WIDTH = 170
"""A figure and its measurements stand on one line, in a log file too."""
BUILD = Path(__file__).resolve().parent.parent.parent / "build"
KEPT = BUILD / "bench"
"""What takes long to make and is made once."""


@click.command()
@click.argument(
    "part",
    type=click.Choice(["yardstick", "import", "terminal", "devices", "fiscal", "export", "journal"]),
    required=False,
)
@click.option(
    "--set-baseline", is_flag=True, help="Make the measured ratios the ones that later runs are held to."
)
def bench(part: str | None, set_baseline: bool) -> None:
    """Print figures of speed and size, each beside a yardstick of the same run; build/bench.json has them for machines.

    Exit code 1 when a figure is beyond its bound, or its ratio is worse than the baseline's by more than its tolerance.
    The machine's noise is in them.
    """
    KEPT.mkdir(parents=True, exist_ok=True)
    known = baseline.read()
    figures, judged = [], []
    for figure in _measure(part):
        click.echo(f"{figure.key}: {figure.value:g} {figure.unit}", err=True)
        figures.append(figure)
        judged.append((figure, baseline.compare(figure, known)))
    table = Table("part", "figure", "value", "unit", "bound", "", "ratio", "to", "baseline", "measurements")
    for figure, trend in judged:
        table.add_row(*_cells(figure, trend, known))
    Console(width=TABLE_WIDTH).print(table)
    (BUILD / "bench.json").write_bytes(
        msgspec.json.format(msgspec.json.encode([_for_machines(*one) for one in judged]))
    )
    if set_baseline:
        baseline.write(figures)
    got_worse = not set_baseline and any(trend is Trend.WORSE for _, trend in judged)
    if got_worse or any(figure.holds is False for figure in figures):
        raise SystemExit(1)


def _measure(part: str | None) -> Iterator[Figure]:
    if part in (None, "yardstick"):
        yield from yardstick.measure(KEPT)
    if part in (None, "import", "terminal"):
        with _stage() as stage:
            if part == "terminal":
                subscribers.import_into(stage.home, subscribers.make_file(KEPT))
            else:
                yield from subscribers.measure(KEPT, stage.home)
            if part != "import":
                yield from terminal.measure(stage)
    if part in (None, "devices"):
        with _stage() as stage:
            yield from lines.measure(stage, KEPT)
    if part in (None, "fiscal"):
        yield from registrar.measure()
    if part in (None, "export", "journal"):
        with _long_journal() as journal:
            exported = list(exports.measure(journal))  # the journal's own figures are those of a life's end
            yield from exported if part != "journal" else ()
            if part != "export":
                with _stage() as stage:
                    yield from journals.measure(stage, journal, KEPT)


@contextmanager
def _stage() -> Iterator[Stage]:
    folder = Path(tempfile.mkdtemp(prefix="kassa-bench-"))
    stage = Stage(folder)
    try:
        yield stage
    finally:
        stage.close()
        shutil.rmtree(folder)


@contextmanager
def _long_journal() -> Iterator[Path]:
    """A copy that may be changed, on the disk itself."""
    kept = long_journal(KEPT)
    with tempfile.TemporaryDirectory(dir=KEPT, prefix="copy-") as folder:
        copy = Path(folder) / "journal.db"
        copy_of(kept, copy)
        os.sync()
        yield copy


def _cells(figure: Figure, trend: Trend | None, known: dict[str, baseline.Reached]) -> tuple[str, ...]:
    bounds = [f"<= {figure.at_most:g} {figure.unit}"] if figure.at_most is not None else []
    bounds += [f"ratio <= {figure.ratio_at_most:g}"] if figure.ratio_at_most is not None else []
    verdict = {None: "", True: "holds", False: "DOES NOT HOLD"}[figure.holds]
    ratio, to, was = "", "", ""
    if figure.ratio is not None and figure.yardstick is not None and trend is not None:
        ratio, to = f"{figure.ratio:.3g}", f"{figure.yardstick.value:.3g}: {figure.yardstick.name}"
        was = trend.value if trend is Trend.NEW else f"{trend.value}: {known[figure.key].ratio:g}"
    value = f"{figure.value:g}"
    return (
        figure.part,
        figure.name,
        value,
        figure.unit,
        ", ".join(bounds),
        verdict,
        ratio,
        to,
        was,
        figure.detail,
    )


def _for_machines(figure: Figure, trend: Trend | None) -> dict[str, object]:
    judged = {"ratio": figure.ratio, "holds": figure.holds, "trend": trend.name.lower() if trend else None}
    return {**msgspec.to_builtins(figure), **judged}


if __name__ == "__main__":
    bench()
