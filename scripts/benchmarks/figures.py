"""A measured figure, its bound, and what it is compared with."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from msgspec import Struct

TOLERANCE = 0.25
"""So much worse than the baseline's a ratio may be before it is one: machines that do other things as well differ so."""


class Yardstick(Struct, frozen=True):
    """What the same machine needed for something plain, in the same run and in the figure's own unit."""

    name: str
    value: float


class Figure(Struct, frozen=True, kw_only=True):
    """One line of the table. `at_most` bounds the value, `ratio_at_most` its ratio to the yardstick."""

    part: str
    name: str
    value: float
    unit: str
    yardstick: Yardstick | None = None
    at_most: float | None = None
    ratio_at_most: float | None = None
    tolerance: float = TOLERANCE
    detail: str = ""

    @property
    def key(self) -> str:
        """What the figure is called in the baseline."""
        return f"{self.part}: {self.name}"

    @property
    def ratio(self) -> float | None:
        """How many times the yardstick; None: it is a yardstick itself."""
        return self.value / self.yardstick.value if self.yardstick else None

    @property
    def holds(self) -> bool | None:
        """Whether it is within its bounds; None: there is none."""
        if self.at_most is None and self.ratio_at_most is None:
            return None
        is_small = self.at_most is None or self.value <= self.at_most
        return is_small and (self.ratio_at_most is None or (self.ratio or 0) <= self.ratio_at_most)


def spread(values: Sequence[float], unit: str) -> str:
    """How the single measurements lie: median and extremes."""
    middle, least, most = (f"{value:.3g}" for value in (statistics.median(values), min(values), max(values)))
    return f"{len(values)} x; median {middle}, {least} to {most} {unit}"
