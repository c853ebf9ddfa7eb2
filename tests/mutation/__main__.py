"""`scripts/mutation`: change the code that handles money in every small way, and see whether a test notices."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import click
import msgspec
from mutmut.utils.file_utils import walk_mutatable_files
from rich.console import Console
from rich.table import Table
from verdicts import Mutant, Verdict, keep_tests_of_the_part, mutants_of

KILLED_MIN = 90.0
"""Percent; the project's own promise (docs/reliability.md)."""
TESTS = {
    "kassa.money.": ("tests/kassa/test_money.py",),
    "kassa.collection.": ("tests/kassa/test_collection.py",),
    "kassa.rules.": ("tests/kassa/rules/",),
    "kassa.journal.": ("tests/kassa/journal/",),
    "kassa.export.": ("tests/kassa/export/",),
    "kassa.fiscal.": ("tests/kassa/fiscal/",),
}
"""Which tests have to notice a change of which part."""
FIGURES = Path("build", "figures", "mutation.json")
SURVIVORS = Path(__file__).with_name("survivors.toml")
TABLE_WIDTH = 150


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts of verdicts and the percentage, by source file and of all."""

    modules: dict[str, dict[str, float]]
    total: dict[str, float]


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
@click.option("--again", is_flag=True, help="Try only what changed and what survived last time.")
@click.option("--report", "only_report", is_flag=True, help="Try nothing: the figures of the last run.")
@click.option("--processes", default=1, show_default=True, help="How many mutants at once.")
def mutation(as_json: bool, again: bool, only_report: bool, processes: int) -> None:
    """Print how many mutants the tests kill; exit code 1 below 90 %, or when a survivor has no reason in survivors.toml."""
    if not only_report:
        _try_mutants(again, processes)
    found = {str(source): list(mutants_of(source)) for source in sorted(walk_mutatable_files())}
    found = {source: mutants for source, mutants in found.items() if mutants}
    figures = _figures(found)
    FIGURES.parent.mkdir(parents=True, exist_ok=True)
    FIGURES.write_bytes(msgspec.json.format(msgspec.json.encode(figures)) + b"\n")
    if figures.total["untried"]:
        raise click.ClickException("the last run was cut short; go on with scripts/mutation --again")
    reasons = _reasons()
    survivors = [one for mutants in found.values() for one in mutants if one.verdict is Verdict.SURVIVED]
    unlisted = [one for one in survivors if one.key not in reasons]
    if as_json:
        click.echo(FIGURES.read_text(encoding="utf-8"), nl=False)
    else:
        _print(found, figures)
        _tell(unlisted, reasons.keys() - {one.key for one in survivors})
    if figures.total["percent"] < KILLED_MIN or unlisted:
        raise SystemExit(1)


def _try_mutants(again: bool, processes: int) -> None:
    if not again:
        shutil.rmtree("mutants", ignore_errors=True)
    # One mutant first: mutmut then knows which test passes through which function.
    _mutmut("kassa.money.x_total__mutmut_1", processes=1)
    keep_tests_of_the_part(TESTS)
    # A time-out may be the doing of a busy machine, and it counts as noticed: so it is never taken over from last time.
    open_ones = {Verdict.UNTRIED, Verdict.SURVIVED, Verdict.TIMED_OUT}
    names = [
        one.name
        for source in walk_mutatable_files()
        for one in mutants_of(source)
        if one.verdict in open_ones
    ]
    if names:
        _mutmut(*names, processes=processes)


def _mutmut(*names: str, processes: int) -> None:
    command = [str(Path(sys.executable).with_name("mutmut")), "run", "--max-children", str(processes), *names]
    subprocess.run(command, check=True, stdout=sys.stderr)


def _figures(found: dict[str, list[Mutant]]) -> Figures:
    every = [one for mutants in found.values() for one in mutants]
    return Figures({source: _counted(mutants) for source, mutants in found.items()}, _counted(every))


def _counted(mutants: Iterable[Mutant]) -> dict[str, float]:
    counts = Counter(one.verdict for one in mutants)
    noticed = counts[Verdict.KILLED] + counts[Verdict.TIMED_OUT]
    tried = noticed + counts[Verdict.SURVIVED]
    percent = round(100 * noticed / tried, 1) if tried else 100.0
    return {
        "mutants": tried,
        **{verdict.value.replace(" ", "_"): counts[verdict] for verdict in Verdict},
        "percent": percent,
    }


def _print(found: dict[str, list[Mutant]], figures: Figures) -> None:
    table = Table("module", *(heading.replace("_", " ") for heading in figures.total))
    for source, counted in {**figures.modules, "all": figures.total}.items():
        table.add_row(source, *(str(value) for value in counted.values()))
    Console(width=TABLE_WIDTH).print(table)


def _tell(unlisted: list[Mutant], gone: Iterable[tuple[str, str, str]]) -> None:
    for one in unlisted:
        click.echo(
            f"survived without a reason in {SURVIVORS.name}: {one.where}\n  - {one.was}\n  + {one.became}"
        )
    for where, was, became in sorted(gone):
        click.echo(
            f"no longer survives, so {SURVIVORS.name} need not name it: {where}\n  - {was}\n  + {became}"
        )


def _reasons() -> dict[tuple[str, str, str], str]:
    """Reasons by the mutant's key."""
    listed = tomllib.loads(SURVIVORS.read_text(encoding="utf-8"))["reason"]
    return {
        (where, was, became): reason["why"] for reason in listed for where, was, became in reason["survivors"]
    }


if __name__ == "__main__":
    mutation()
