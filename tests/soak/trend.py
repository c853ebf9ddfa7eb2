"""How fast a figure grows, and how sure that is: a robust slope with an interval. Pure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from random import Random

POINTS_MAX = 60
"""Samples are gathered into so many medians at most: the pairs of a whole night would be millions."""
POINTS_MIN = 8
"""Fewer say nothing of their own spread."""
RESAMPLES = 200
CERTAINTY = 0.9
"""So often the true slope lies within the interval."""
HOURS_MIN = 0.5
"""A shorter look sees the last of the warm-up, and would call it growth."""
SECONDS_AN_HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Trend:
    """Growth in percent an hour; the true one lies between `low` and `high` with CERTAINTY."""

    percent_an_hour: float
    low: float
    high: float
    hours: float
    """How long was looked at."""

    def verdict(self, at_most: float) -> str:
        """`holds`, `grows`, or `not shown`: the look was too short or too noisy to say."""
        if self.hours < HOURS_MIN:
            return "not shown"
        if self.low > at_most:
            return "grows"
        return "holds" if self.high <= at_most else "not shown"


def trend(samples: Sequence[tuple[float, float]], chance: Random) -> Trend | None:
    """The slope of (seconds, value) by Theil and Sen; None when there are too few samples.

    The interval comes from resampled blocks of what the line leaves over: memory grows in steps, so that neighbours
    are alike, and samples taken one by one would promise more than they know.
    """
    points = _thinned(samples)
    if len(points) < POINTS_MIN:
        return None
    slope = _slope(points)
    middle = statistics.median(value - slope * at for at, value in points)
    left_over = [value - middle - slope * at for at, value in points]
    slopes = sorted(
        _slope(
            [
                (at, middle + slope * at + rest)
                for (at, _), rest in zip(points, _blocks(left_over, chance), strict=True)
            ]
        )
        for _ in range(RESAMPLES)
    )
    outside = round(RESAMPLES * (1 - CERTAINTY) / 2)
    in_percent = 100 * SECONDS_AN_HOUR / points[0][1]
    hours = (samples[-1][0] - samples[0][0]) / SECONDS_AN_HOUR
    return Trend(slope * in_percent, slopes[outside] * in_percent, slopes[-1 - outside] * in_percent, hours)


def _thinned(samples: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Medians of equal shares of the samples, in their order."""
    size = max(1, math.ceil(len(samples) / POINTS_MAX))
    shares = [samples[first : first + size] for first in range(0, len(samples), size)]
    return [
        (statistics.fmean(at for at, _ in share), statistics.median(value for _, value in share))
        for share in shares
    ]


def _slope(points: Sequence[tuple[float, float]]) -> float:
    return statistics.median((b[1] - a[1]) / (b[0] - a[0]) for a, b in combinations(points, 2))


def _blocks(values: Sequence[float], chance: Random) -> list[float]:
    """As many values, drawn in runs of neighbours."""
    size = math.ceil(math.sqrt(len(values)))
    drawn: list[float] = []
    while len(drawn) < len(values):
        first = chance.randrange(len(values) - size + 1)
        drawn += values[first : first + size]
    return drawn[: len(values)]
