"""`scripts/soak`: a whole terminal of real processes for hours, with everything that can befall it."""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.table import Table
from soak import Figures, Soak
from watching import MEMORY_GROWTH_MAX

FIGURES = Path(__file__).resolve().parents[2] / "build" / "figures" / "soak.json"
TABLE_WIDTH = 150
MINUTES = 60.0


@click.command()
@click.option("--hours", type=click.FloatRange(min=0.01), help="How long; a night is 10.")
@click.option(
    "--minutes", type=click.FloatRange(min=1), help=f"The same, for short ones. Default: {MINUTES:g}."
)
@click.option("--seed", type=int, help="Who comes and what befalls the terminal; default: by the clock.")
@click.option(
    "--json", "json_file", type=click.Path(path_type=Path, dir_okay=False), default=FIGURES, show_default=True
)
def main(hours: float | None, minutes: float | None, seed: int | None, json_file: Path) -> None:
    """Print what a soak found out; exit code 1 when a promise did not hold, or memory or descriptors grew."""
    if hours is not None and minutes is not None:
        raise click.UsageError("either --hours or --minutes")
    lasts = hours * 60 if hours is not None else minutes or MINUTES
    folder = Path(tempfile.mkdtemp(prefix="kassa-soak-"))
    chosen = seed if seed is not None else time.time_ns() % 1_000_000
    click.echo(f"seed {chosen}, {lasts:g} minutes, in {folder}", err=True)
    figures = Soak(folder / "terminal", chosen, lasts, lambda line: click.echo(line, err=True)).run()
    json_file.parent.mkdir(parents=True, exist_ok=True)
    json_file.write_bytes(msgspec.json.format(msgspec.json.encode(figures)) + b"\n")
    _print(figures)
    if figures.failures:
        click.echo(f"what is left of the terminal lies in {folder}")
        raise SystemExit(1)
    shutil.rmtree(folder)


def _print(figures: Figures) -> None:
    console = Console(width=TABLE_WIDTH)
    befell = Table("trouble", "times", title=f"seed {figures.seed}, {figures.minutes} minutes")
    for name, times in figures.troubles.items():
        befell.add_row(name, str(times))
    console.print(befell)
    processes = Table(
        "process", "hours", "rests", "RSS MB", "PSS MB", "own MB first", "last", "growth %/h", "90 % between",
        f"<= {MEMORY_GROWTH_MAX:g} %/h", "descriptors", "threads", "CPU %",
    )  # fmt: skip
    for one in figures.memory:
        growth = "-" if one.percent_an_hour is None else f"{one.percent_an_hour:+.2f}"
        between = "-" if one.low is None else f"{one.low:+.2f} and {one.high:+.2f}"
        processes.add_row(
            one.process, f"{one.hours:.2f}", str(one.rests), str(one.rss_mb), str(one.pss_mb),
            str(one.own_mb_first), str(one.own_mb_last), growth, between, one.verdict, str(one.descriptors), str(one.threads),
            str(one.cpu_percent),
        )  # fmt: skip
    console.print(processes)
    click.echo(
        f"{sum(figures.visits.values())} visits ({figures.visits}), {figures.notes_in_box} notes of {figures.box_total} "
        f"in the box, {figures.payments} payments, {figures.documents} receipts, {figures.files} payment files\n"
        f"{figures.polls} polls while nothing was done to the validator, at most {figures.longest_poll_gap_s} s apart "
        f"(bound {figures.poll_gap_max_s} s); at rest after {figures.longest_rest_s} s at the latest"
    )
    for failure in figures.failures:
        click.echo(f"FAILED {failure}")
    if any(one.verdict == "not shown" for one in figures.memory):
        click.echo("Too short to say how memory grows: run it for hours.")


if __name__ == "__main__":
    main()
