"""`scripts/faults`: one fault at any moment, the whole matrix, and a page that shows it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "rigs"))

import click
from matrix import Matrix, bad, page, run
from notes import NOTES
from receipts_made import RECEIPTS_MADE

EXIT_ERROR = 1


@click.group()
def faults() -> None:
    """What becomes of a note, or of a receipt, when one thing goes wrong."""


def _command(matrix: Matrix) -> click.Command:
    def command(only: tuple[str, ...], named: str, file: Path, jobs: int) -> None:
        chosen = [number for number, fault in enumerate(matrix.faults) if named in fault.name]
        if not chosen:
            names = ", ".join(fault.name for fault in matrix.faults)
            raise click.UsageError(f"no fault is called {named!r}; there are: {names}")
        found = run(matrix, only or matrix.units, chosen, jobs)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("\n".join(page(matrix, found)) + "\n", encoding="utf-8")
        wrong = list(bad(matrix, found))
        for line in wrong:
            click.echo(line)
        runs = sum(map(len, found.values()))
        click.echo(f"{runs} {matrix.things}, {len(wrong)} not as it must be; see {file}")
        if wrong:
            raise SystemExit(EXIT_ERROR)

    default = Path("build", matrix.file)
    return click.Command(
        matrix.name,
        callback=command,
        help=matrix.help,
        params=[
            click.Option(
                ["--only"],
                type=click.Choice(list(matrix.units)),
                multiple=True,
                help="Only this one; default: all.",
            ),
            click.Option(
                ["--fault", "named"], default="", help="Only the faults with these words in their name."
            ),
            click.Option(
                ["--page", "file"],
                type=click.Path(path_type=Path),
                default=default,
                help=f"Where the table goes; default {default}.",
            ),
            click.Option(
                ["--jobs"],
                type=click.IntRange(1),
                default=os.cpu_count() or 1,
                help="Processes; default: all processors.",
            ),
        ],
    )


for one in (NOTES, RECEIPTS_MADE):
    faults.add_command(_command(one))

if __name__ == "__main__":
    faults()
