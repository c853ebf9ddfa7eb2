"""`python tests/recorder`: record a real terminal, judge it, and keep the figures where the reports look for them."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click
import msgspec
from judge import Figures, judge
from recorded_terminal import record_visits

FIGURES = Path(__file__).resolve().parents[2] / "build" / "figures" / "recorder.json"


@click.command()
@click.option(
    "--seed", type=int, default=1, show_default=True, help="Where the cuts fall and what they leave."
)
@click.option(
    "--json", "json_file", type=click.Path(path_type=Path, dir_okay=False), default=FIGURES, show_default=True
)
def main(seed: int, json_file: Path) -> None:
    """Print what the recording of a few visits holds; exit code 1 when a promise was broken."""
    with tempfile.TemporaryDirectory(prefix="kassa-recorder-") as folder:
        figures = judge(record_visits(Path(folder).resolve()), seed)
    json_file.parent.mkdir(parents=True, exist_ok=True)
    json_file.write_bytes(msgspec.json.format(msgspec.json.encode(figures)) + b"\n")
    _print(figures)
    raise SystemExit(1 if figures.problems else 0)


def _print(figures: Figures) -> None:
    words = ", ".join(f"{count} x {sort}" for sort, count in sorted(figures.words.items()))
    click.echo(
        f"{figures.records} records of a real run: {figures.entries} entries, {figures.payment_files} payment files\n"
        f"said to devices and callers: {words}; too early: {figures.spoken_too_early}\n"
        f"{figures.cut_points} cut points, {figures.crash_states} crash states ({figures.distinct_states} distinct), seed "
        f"{figures.seed}; {figures.acknowledged_entries} entries acknowledged, lost: {figures.lost_acknowledged}; "
        f"other problems: {figures.other_problems}"
    )
    for problem in figures.problems:
        click.echo(f"FAILED {problem}")


if __name__ == "__main__":
    main()
