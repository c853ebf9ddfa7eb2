"""`kassa simulate`: many seeds on all processors, the count, and where a seed fails, the way to live it again."""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import sys
import tempfile
import time
from collections import Counter, deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import asdict, fields
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "rigs"))

import click
import msgspec
from promises import Count
from rich.console import Console
from rich.table import Table
from world import DAYS, KINDS, Life, SeedFailed, World, live, own_home

from data import make_data

SEEDS_A_TASK = 1
YEAR_PAYMENTS = 300 * 365
"""A terminal-year: what a busy terminal takes in a year."""


@click.command()
@click.option(
    "--kind", type=click.Choice(list(KINDS)), default="storm", help="What goes wrong; default: all of it."
)
@click.option("--seeds", type=click.IntRange(1), default=100, help="How many lives; default 100.")
@click.option("--first", type=click.IntRange(0), default=0, help="The first seed; default 0.")
@click.option("--days", type=click.IntRange(1), default=DAYS, help=f"Days of each life; default {DAYS}.")
@click.option("--payments", type=click.IntRange(1), help="Live on until so many payments were credited.")
@click.option("--cuts", type=click.IntRange(1), help="Live on until the power was cut so many times.")
@click.option("--kills", type=click.IntRange(1), help="Live on until the core was killed so many times.")
@click.option(
    "--until-failure", is_flag=True, help="Seed after seed in one process, until the first one fails."
)
@click.option(
    "--jobs", type=click.IntRange(1), default=os.cpu_count() or 1, help="Processes; default: all processors."
)
@click.option("--seed", type=click.IntRange(0), help="Live this seed alone, and print its last 100 events.")
@click.option(
    "--explain", type=click.IntRange(0), metavar="SEED", help="Tell the first visit of this seed as a story."
)
@click.option(
    "--visit", type=click.IntRange(1), default=1, help="With --explain: which visit; default the first."
)
@click.option(
    "--hash", "only_hash", is_flag=True, help="With --seed: print only the hash of all that happened."
)
@click.option(
    "--json", "json_file", type=click.Path(path_type=Path, dir_okay=False), help="Write the count there, too."
)
@click.option(
    "--data",
    type=click.Path(path_type=Path, exists=True),
    help="A home with subscriber data; default: the sample.",
)
def simulate(
    kind: str, seeds: int, first: int, days: int, payments: int | None,
    cuts: int | None, kills: int | None, until_failure: bool, jobs: int, seed: int | None,
    explain: int | None, visit: int, only_hash: bool, json_file: Path | None, data: Path | None,
) -> None:  # fmt: skip
    """Live the days of simulated terminals, each from a seed, and check every promise after every day.

    Exit code 1 when a promise was broken.
    """
    logging.disable(logging.CRITICAL)
    with _data(data) as home:
        if explain is not None:
            _explain(home, explain, kind, visit)
        elif seed is not None:
            _one(home, seed, kind, days, only_hash)
        elif until_failure:
            _until_failure(home, kind, range(first, first + seeds), days)
        else:
            wanted = {"payments": payments, "cuts": cuts, "kills": kills}
            goals = {name: goal for name, goal in wanted.items() if goal is not None}
            _many(home, kind, range(first, first + seeds), days, goals, jobs, json_file)


@contextlib.contextmanager
def _data(given: Path | None) -> Iterator[Path]:
    if given is not None:
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="kassa-data-") as folder:
        make_data(Path(folder))
        yield Path(folder)


# --- one seed -----------------------------------------------------------------------------------------------------


def _one(home: Path, seed: int, kind: str, days: int, only_hash: bool) -> None:
    with own_home(home) as own:
        world = World(own, seed, kind)
        try:
            life = world.live(days)
        except SeedFailed as failure:
            _tell(failure)
            raise SystemExit(1) from None
    if only_hash:
        click.echo(life.hash)
        return
    click.echo("\n".join(world.kiosk.timeline.lines()))
    click.echo(f"seed {seed}: all promises kept; {_summary(life)}; hash {life.hash}")


def _explain(home: Path, seed: int, kind: str, visit: int) -> None:
    """The events from the customer's first touch until the next customer's."""
    with own_home(home) as own:
        world = World(own, seed, kind, timeline_last=None)
        broken: SeedFailed | None = None
        try:
            world.live(1)
        except SeedFailed as failure:
            broken = failure
        lines = world.kiosk.timeline.lines()
    begins = [place for place, line in enumerate(lines) if "  customer   comes" in line]
    if visit > len(begins):
        raise click.ClickException(f"seed {seed} has {len(begins)} visits on its first day")
    end = begins[visit] if visit < len(begins) else len(lines)
    click.echo("\n".join(lines[begins[visit - 1] : end]))
    if broken is not None:
        click.echo(f"\n{broken}", err=True)
        raise SystemExit(1)


# --- many ---------------------------------------------------------------------------------------------------------


def _many(
    home: Path, kind: str, seeds: range, days: int, goals: dict[str, int], jobs: int, json_file: Path | None
) -> None:
    began = time.perf_counter()
    lives: list[Life] = []
    failures: list[_Failure] = []
    for result in _results(home, kind, seeds, days, goals, jobs):
        if isinstance(result, _Failure):
            failures.append(result)
        else:
            lives.append(result)
    figures = _figures(lives, time.perf_counter() - began, jobs)
    _show(kind, seeds.start, len(lives) + len(failures), figures)
    if json_file is not None:
        json_file.parent.mkdir(parents=True, exist_ok=True)
        last = seeds.start + len(lives) + len(failures) - 1
        found = {
            "kind": kind,
            "first_seed": seeds.start,
            "last_seed": last,
            **figures,
            "failed": len(failures),
            "faults": _struck(lives),
        }
        json_file.write_bytes(msgspec.json.format(msgspec.json.encode(found)))
    if failures:
        raise SystemExit(1)


class _Failure(msgspec.Struct):
    seed: int
    text: str


def _results(
    home: Path, kind: str, seeds: range, days: int, goals: dict[str, int], jobs: int
) -> Iterator[Life | _Failure]:
    """Seed by seed; with goals until all are reached, however many seeds that takes."""
    reached: Counter[str] = Counter()
    following = seeds.start
    with ProcessPoolExecutor(jobs, initializer=_begin) as pool:
        waiting: deque[Future[list[Life | _Failure]]] = deque()
        while True:
            while len(waiting) < 2 * jobs and (goals or following < seeds.stop):
                some = range(
                    following,
                    following + SEEDS_A_TASK if goals else min(following + SEEDS_A_TASK, seeds.stop),
                )
                waiting.append(pool.submit(_live_some, home, kind, some, days))
                following = some.stop
            if not waiting:
                return
            for result in waiting.popleft().result():
                if isinstance(result, _Failure):
                    click.echo(result.text, err=True)
                else:
                    reached.update(payments=result.count.payments, cuts=result.cuts, kills=result.kills)
                yield result
            if goals and all(reached[name] >= goal for name, goal in goals.items()):
                pool.shutdown(cancel_futures=True)  # what was begun in advance is not needed
                return


def _begin() -> None:
    logging.disable(logging.CRITICAL)
    gc.disable()  # a tenth of the time; what lives leave behind is collected after them
    gc.freeze()  # and the program itself is not looked at again each time


def _live_some(home: Path, kind: str, seeds: range, days: int) -> list[Life | _Failure]:
    results: list[Life | _Failure] = []
    for seed in seeds:
        try:
            results.append(live(home, seed, kind, days=days))
        except SeedFailed as failure:
            results.append(_Failure(seed, _words(failure)))
    gc.collect()
    return results


def _until_failure(home: Path, kind: str, seeds: range, days: int) -> None:
    _begin()
    for seed in seeds:
        (result,) = _live_some(home, kind, range(seed, seed + 1), days)
        if isinstance(result, _Failure):
            click.echo(result.text, err=True)
            raise SystemExit(1)
    click.echo(f"{kind}: seeds {seeds.start} to {seeds.stop - 1}: all promises kept")


def _words(failure: SeedFailed) -> str:
    return "\n".join(
        [
            *failure.timeline,
            "",
            str(failure),
            f"live it again: scripts/simulate --kind {failure.kind} --seed {failure.seed}",
        ]
    )


def _tell(failure: SeedFailed) -> None:
    click.echo(_words(failure), err=True)


# --- figures ------------------------------------------------------------------------------------------------------


def _figures(lives: list[Life], seconds: float, jobs: int) -> dict[str, float]:
    counts = {one.name: sum(getattr(life.count, one.name) for life in lives) for one in fields(Count)}
    ends = {name: sum(getattr(life, name) for life in lives) for name in ("kills", "cuts", "failures")}
    payments = counts["payments"]
    return {
        **counts,
        **ends,
        "virtual_days": round(sum(life.virtual_s for life in lives) / 86_400, 1),
        "seconds": round(seconds, 1),
        "payments_a_second": round(payments / seconds, 1),
        "terminal_years_a_minute_and_core": round(payments / YEAR_PAYMENTS / (seconds * jobs / 60), 3),
    }


NAMES = {
    "payments": "payments credited", "notes": "notes in cassettes", "documents": "fiscal documents",
    "corrections": "of those corrections, made later",
    "files": "payment files", "uncertain": "notes credited in doubt, marked", "orphans": "notes without a payment, shown",
    "in_vain": "of those in doubt, not in the box", "kills": "kills of the core", "cuts": "power cuts",
    "failures": "ends by a failed or full disk", "virtual_days": "virtual days", "seconds": "seconds it took",
    "payments_a_second": "payments a second", "terminal_years_a_minute_and_core": "terminal-years a minute and core",
}  # fmt: skip


def _struck(lives: list[Life]) -> dict[str, int]:
    """Which fault came how often, the most frequent first."""
    struck: Counter[str] = Counter()
    for life in lives:
        struck.update(life.struck)
    return dict(struck.most_common())


def _show(kind: str, first: int, lives: int, figures: dict[str, float]) -> None:
    table = Table("what", "how many", title=f"{kind}: seeds {first} to {first + lives - 1}")
    for name, value in figures.items():
        table.add_row(NAMES[name], f"{value:,}")
    Console().print(table)


def _summary(life: Life) -> str:
    found = asdict(life.count) | {"kills": life.kills, "cuts": life.cuts, "failures": life.failures}
    return ", ".join(f"{value} {NAMES[name]}" for name, value in found.items() if value)


if __name__ == "__main__":
    simulate()
