"""`scripts/faults`: one fault at any moment, the whole matrix, and a page that shows it."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "rigs"))

import click
from validator_faults import FAULTS, MEANINGS, Fault, Moment, is_allowed, moments, outcome
from validators import UNITS

PAGE = Path("build", "faults.md")
EXIT_ERROR = 1
Outcomes = list[tuple[Moment, str]]


@click.group()
def faults() -> None:
    """What becomes of a note when one thing goes wrong."""


@faults.command()
@click.option(
    "--protocol", type=click.Choice(list(UNITS)), multiple=True, help="Only this one; default: all."
)
@click.option("--fault", "named", help="Only the faults with these words in their name.", default="")
@click.option(
    "--page", type=click.Path(path_type=Path), default=PAGE, help=f"Where the table goes; default {PAGE}."
)
@click.option(
    "--jobs", type=click.IntRange(1), default=os.cpu_count() or 1, help="Processes; default: all processors."
)
def validators(protocol: tuple[str, ...], named: str, page: Path, jobs: int) -> None:
    """Every fault at every moment of a note's way, with every protocol; exit code 1 when a note is lost, doubled or otherwise not as it must be."""
    chosen = [number for number, fault in enumerate(FAULTS) if named in fault.name]
    if not chosen:
        names = ", ".join(fault.name for fault in FAULTS)
        raise click.UsageError(f"no fault is called {named!r}; there are: {names}")
    tasks = [(name, number) for name in protocol or UNITS for number in chosen]
    with ProcessPoolExecutor(jobs) as pool:
        found = dict(zip(tasks, pool.map(_run, tasks), strict=True))
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text("\n".join(_page(found)) + "\n", encoding="utf-8")
    bad = list(_bad(found))
    for line in bad:
        click.echo(line)
    runs = sum(map(len, found.values()))
    click.echo(f"{runs} notes, {len(bad)} not as it must be; see {page}")
    if bad:
        raise SystemExit(EXIT_ERROR)


def _run(task: tuple[str, int]) -> Outcomes:
    unit, fault = UNITS[task[0]], FAULTS[task[1]]
    return [(moment, outcome(unit, fault, moment)) for moment in moments(unit, fault)]


def _bad(found: dict[tuple[str, int], Outcomes]) -> Iterator[str]:
    for (unit, fault), outcomes in found.items():
        for moment, became in outcomes:
            if not is_allowed(FAULTS[fault], moment, became):
                yield f"{unit}: {FAULTS[fault].name}, {moment.at_s:.4f} s on its way {moment.way} ({moment.state}): {became}"


def _page(found: dict[tuple[str, int], Outcomes]) -> Iterator[str]:
    yield "# One fault at any moment of a note's way\n"
    yield "Made by `scripts/faults validators`. Each cell: what became of the note, over all moments in that state.\n"
    for word, meaning in MEANINGS.items():
        yield f"- **{word}**: {meaning}."
    yield "\nAfter each fault all is mended, and the next customer's note is credited once.\n"
    for unit in dict.fromkeys(unit for unit, _ in found):
        yield from _table(
            unit, [(FAULTS[fault], one) for (name, fault), one in found.items() if name == unit]
        )


def _table(unit: str, found: list[tuple[Fault, Outcomes]]) -> Iterator[str]:
    states = list(dict.fromkeys(_state(moment) for _, outcomes in found for moment, _ in outcomes))
    slices = Counter(_state(moment) for moment in moments(UNITS[unit], FAULTS[0]))
    yield f"## {unit}\n"
    yield "| | validator, note, books | moments |"
    yield "|---|---|---|"
    for number, state in enumerate(states, 1):
        yield f"| {number} | {state} | {slices[state]} |"
    yield f"\n{sum(slices.values())} moments.\n"
    yield f"| fault | {' | '.join(str(number) for number in range(1, len(states) + 1))} |"
    yield f"|---|{'---|' * len(states)}"
    for fault, outcomes in found:
        cells = {
            state: Counter(became for moment, became in outcomes if _state(moment) == state)
            for state in states
        }
        yield f"| {fault.name} | {' | '.join('; '.join(sorted(cells[state])) or '-' for state in states)} |"
    yield ""


def _state(moment: Moment) -> str:
    return f"on its way {moment.way}: {moment.state}"


if __name__ == "__main__":
    faults()
