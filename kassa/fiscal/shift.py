"""When the shift has to be closed. Pure."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from kassa.ports import RegistrarStatus, ShiftState

AGE_MAX = timedelta(hours=23, minutes=30)
"""The law allows 24 hours; half an hour is left for a customer to finish and for paper to be changed."""


def is_due(status: RegistrarStatus, now: datetime, close_at: time, *, is_asked: bool = False) -> bool:
    """Whether the Z-report should be printed now, if nobody is paying; `is_asked`: something else ends the shift."""
    if status.shift is ShiftState.CLOSED:
        return False
    if status.shift is ShiftState.EXPIRED or is_asked:
        return True
    if status.shift_opened_at is None:
        return False  # the device itself says when the 24 hours are over
    opened = status.shift_opened_at - timedelta(minutes=status.clock_ahead_min)
    boundary = now.replace(hour=close_at.hour, minute=close_at.minute, second=0, microsecond=0)
    if boundary > now:
        boundary -= timedelta(days=1)
    return opened < boundary or now - opened >= AGE_MAX
