"""A measured figure, its bound, and whether it holds."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from msgspec import Struct


class Figure(Struct, frozen=True, kw_only=True):
    """One line of the table. A figure without a bound is there to compare the others with."""

    part: str
    name: str
    value: float
    unit: str
    at_most: float | None = None
    detail: str = ""

    @property
    def holds(self) -> bool | None:
        """None: there is no bound."""
        return None if self.at_most is None else self.value <= self.at_most


def spread(values: Sequence[float], unit: str) -> str:
    """How the single measurements lie: median and extremes."""
    middle, least, most = (f"{value:.3g}" for value in (statistics.median(values), min(values), max(values)))
    return f"{len(values)} x; median {middle}, {least} to {most} {unit}"
