"""The life of one process under watch: memory, descriptors and threads, looked at whenever the terminal rests."""

from __future__ import annotations

import os
from collections.abc import Callable
from random import Random

from msgspec import Struct
from trend import trend
from vitals import Vitals, look_at

from kassa.demo.steered import DemoFailed, wait_until

MEMORY_GROWTH_MAX = 1.0
"""Percent an hour, after the warm-up. The core's first 1,400 payments fill the journal's page cache of 4 MB, about
3 kB each: a soak that ends before has to see that as growth."""
SETTLE_MAX_S = 20.0
"""A connection that hung up and an importer that ended are put away in that time."""
POOL_THREADS = min(32, (os.cpu_count() or 1) + 4)
"""asyncio's own pool grows up to this when several things hang at once, and keeps what it has."""
LEVEL_RESTS = 3
"""So many rests say what the usual number of descriptors is."""


class Memory(Struct, frozen=True, kw_only=True):
    """What became of a process's memory after its warm-up."""

    process: str
    rests: int
    hours: float
    rss_mb: float
    pss_mb: float
    own_mb_first: float
    own_mb_last: float
    percent_an_hour: float | None
    low: float | None
    high: float | None
    """The true growth lies between these with a certainty of 90 %."""
    verdict: str
    descriptors: int
    threads: int
    cpu_percent: float


class Watched:
    """One process: `pid` tells which it is now; a new one begins its life anew. `complain` takes sentences."""

    def __init__(self, name: str, pid: Callable[[], int | None], complain: Callable[[str], None]) -> None:
        self.name, self._pid, self._complain = name, pid, complain
        self._life: list[Vitals] = []
        self._level: Vitals | None = None
        self._has_complained = False

    def look(self) -> None:
        """Look at it at rest; what it holds more than at its first rests is told once."""
        now = self._vitals()
        if now is None:
            return
        if self._life and self._life[0].pid != now.pid:
            self._life, self._level, self._has_complained = [], None, False
        self._life.append(now)
        if len(self._life) <= LEVEL_RESTS:
            if self._level is None or now.descriptors.total() > self._level.descriptors.total():
                self._level = now
        elif not self._has_complained:
            self._compare(now)

    def forget(self) -> None:
        """The warm-up is over: what follows is measured."""
        del self._life[:-1]

    def memory(self, chance: Random) -> Memory | None:
        """What is known of the life since the warm-up; None when there was none."""
        if len(self._life) < 2:
            return None
        first, last = self._life[0], self._life[-1]
        found = trend([(one.at_s, one.own_kb) for one in self._life], chance)
        return Memory(
            process=self.name,
            rests=len(self._life),
            hours=round((last.at_s - first.at_s) / 3600, 3),
            rss_mb=round(last.rss_kb / 1024, 1),
            pss_mb=round(last.pss_kb / 1024, 1),
            own_mb_first=round(first.own_kb / 1024, 2),
            own_mb_last=round(last.own_kb / 1024, 2),
            percent_an_hour=round(found.percent_an_hour, 2) if found else None,
            low=round(found.low, 2) if found else None,
            high=round(found.high, 2) if found else None,
            verdict=found.verdict(MEMORY_GROWTH_MAX) if found else "not shown",
            descriptors=last.descriptors.total(),
            threads=last.threads,
            cpu_percent=round(100 * (last.cpu_s - first.cpu_s) / (last.at_s - first.at_s), 2),
        )

    def series(self) -> list[tuple[float, int, int]]:
        """Seconds of life under watch, own memory and descriptors at each rest: for whoever wants to draw them."""
        return [
            (round(one.at_s - self._life[0].at_s, 1), one.own_kb, one.descriptors.total())
            for one in self._life
        ]

    def _compare(self, now: Vitals) -> None:
        level = self._level
        assert level is not None
        if now.threads > level.threads + POOL_THREADS:
            self._has_complained = True
            self._complain(f"{self.name} has {now.threads} threads; at its first rests {level.threads}")
        try:
            wait_until(lambda: self._is_at_level(level), "descriptors", SETTLE_MAX_S)
        except DemoFailed:
            after = self._vitals() or now
            more = ", ".join(
                f"{number} x {kind}" for kind, number in (after.descriptors - level.descriptors).items()
            )
            self._has_complained = True
            self._complain(f"{self.name} holds more descriptors than at its first rests: {more}")

    def _is_at_level(self, level: Vitals) -> bool:
        now = self._vitals()
        return now is None or now.descriptors.total() <= level.descriptors.total()

    def _vitals(self) -> Vitals | None:
        pid = self._pid()
        try:
            return None if pid is None else look_at(pid)
        except (FileNotFoundError, ProcessLookupError):
            return None
