"""The one place where wall and monotonic time are read."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Time as the core sees it; a simulation gives its own."""

    def monotonic(self) -> float:
        """Seconds that only grow; for time-outs and intervals."""
        ...

    def now(self) -> datetime:
        """Local wall time with its offset; for records and people, never for order."""
        ...


class SystemClock:
    """The machine's own clocks."""

    def monotonic(self) -> float:
        """Seconds that only grow."""
        return time.monotonic()

    def now(self) -> datetime:
        """Local wall time with its offset."""
        return datetime.now().astimezone()
