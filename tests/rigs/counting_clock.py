"""Time that passes by being looked at."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class CountingClock:
    """Each look at it is a quarter of a second later than the one before."""

    def __init__(self) -> None:
        self.looks = 0

    def monotonic(self) -> float:
        return self.now().timestamp()

    def now(self) -> datetime:
        self.looks += 1
        return datetime(2026, 11, 25, 9, tzinfo=UTC) + timedelta(milliseconds=250 * self.looks)
