"""Every fault at every moment: run them all, and show what came of it as a table."""

from __future__ import annotations

import multiprocessing
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any

Outcomes = list[tuple[Any, str]]
Found = Mapping[tuple[str, int], Outcomes]
"""By unit and number of the fault: each moment, and what came of it."""


@dataclass(frozen=True)
class Matrix:
    """What can go wrong with one kind of thing, at which moments, and what may come of it."""

    name: str
    help: str
    file: str
    title: str
    things: str
    ending: str
    units: tuple[str, ...]
    faults: Sequence[Any]
    """Each has a `name`."""
    meanings: Mapping[str, str]
    moments: Callable[[str, Any], Sequence[Any]]
    outcome: Callable[[str, Any, Any], str]
    is_allowed: Callable[[Any, Any, str], bool]
    state: Callable[[Any], str]
    """A moment's column."""
    place: Callable[[Any], str]
    """The very moment, for whoever looks for it."""


def run(matrix: Matrix, units: Sequence[str], faults: Sequence[int], jobs: int) -> Found:
    """Go through all of them in so many processes; faults are functions, so the processes are forks that know them."""
    tasks = [(unit, number) for unit in units for number in faults]
    fork = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(jobs, fork, initializer=_take, initargs=(matrix,)) as pool:
        return dict(zip(tasks, pool.map(_run, tasks), strict=True))


_matrix: Matrix


def _take(matrix: Matrix) -> None:
    global _matrix
    _matrix = matrix


def _run(task: tuple[str, int]) -> Outcomes:
    unit, fault = task[0], _matrix.faults[task[1]]
    return [(moment, _matrix.outcome(unit, fault, moment)) for moment in _matrix.moments(unit, fault)]


def bad(matrix: Matrix, found: Found) -> Iterator[str]:
    """What is not as it must be, in a line each."""
    for (unit, number), outcomes in found.items():
        fault = matrix.faults[number]
        for moment, became in outcomes:
            if not matrix.is_allowed(fault, moment, became):
                yield f"{unit}: {fault.name}, {matrix.place(moment)}: {became}"


def page(matrix: Matrix, found: Found) -> Iterator[str]:
    """The table in Markdown, line by line."""
    yield f"# {matrix.title}\n"
    yield f"Made by `scripts/faults {matrix.name}`. Each cell: what became of it, over all moments in that state.\n"
    for word, meaning in matrix.meanings.items():
        yield f"- **{word}**: {meaning}."
    yield f"\n{matrix.ending}\n"
    for unit in dict.fromkeys(unit for unit, _ in found):
        yield from _table(
            matrix,
            unit,
            [(matrix.faults[number], one) for (name, number), one in found.items() if name == unit],
        )


def _table(matrix: Matrix, unit: str, found: list[tuple[Any, Outcomes]]) -> Iterator[str]:
    states = list(dict.fromkeys(matrix.state(moment) for _, outcomes in found for moment, _ in outcomes))
    slices = Counter(matrix.state(moment) for moment, _ in max((one for _, one in found), key=len))
    yield f"## {unit}\n"
    yield "| | state | moments |"
    yield "|---|---|---|"
    for number, state in enumerate(states, 1):
        yield f"| {number} | {state} | {slices[state]} |"
    yield f"\n{sum(slices.values())} moments.\n"
    yield f"| fault | {' | '.join(str(number) for number in range(1, len(states) + 1))} |"
    yield f"|---|{'---|' * len(states)}"
    for fault, outcomes in found:
        cells = {
            state: {became for moment, became in outcomes if matrix.state(moment) == state}
            for state in states
        }
        yield f"| {fault.name} | {' | '.join('; '.join(sorted(cells[state])) or '-' for state in states)} |"
    yield ""
