"""When the Z-report is due."""

from dataclasses import replace
from datetime import datetime, time, timedelta, timezone

import pytest

from kassa.fiscal.shift import is_due
from kassa.ports import RegistrarStatus, ShiftState

ZONE = timezone(timedelta(hours=3))
NIGHT = time(3, 0)
OPEN = RegistrarStatus("KKT", "9999", ShiftState.OPEN, 57, 1234, 0)


def at(day, hour, minute=0):
    return datetime(2026, 11, day, hour, minute, tzinfo=ZONE)


@pytest.mark.parametrize(
    ("opened", "now", "due"),
    [
        (at(24, 9), at(24, 23), False),
        (at(24, 9), at(25, 2, 59), False),
        (at(24, 9), at(25, 3), True),
        (at(24, 3, 1), at(25, 2, 30), False),
        (at(24, 2), at(24, 3), True),
        (at(24, 3), at(25, 2, 31), True),
    ],
)
def test_a_shift_ends_at_night_and_never_lives_a_whole_day(opened, now, due):
    assert is_due(replace(OPEN, shift_opened_at=opened), now, NIGHT) is due


@pytest.mark.parametrize("ahead_min", [-7 * 60, 7 * 60])
def test_a_registrar_whose_clock_shows_another_zone_closes_each_shift_once(ahead_min):
    opened = at(24, 4) + timedelta(minutes=ahead_min)
    status = replace(OPEN, shift_opened_at=opened, clock_ahead_min=ahead_min)

    assert not is_due(status, at(24, 4, 1), NIGHT)
    assert is_due(status, at(25, 3), NIGHT)


def test_an_expired_shift_is_due_whenever_it_was_opened():
    assert is_due(replace(OPEN, shift=ShiftState.EXPIRED), at(24, 12), NIGHT)


def test_a_closed_shift_is_never_due():
    assert not is_due(replace(OPEN, shift=ShiftState.CLOSED), at(24, 12), NIGHT)


def test_a_shift_that_something_else_ends_is_due_at_once():
    assert is_due(replace(OPEN, shift_opened_at=at(24, 9)), at(24, 10), NIGHT, is_asked=True)
    assert not is_due(replace(OPEN, shift=ShiftState.CLOSED), at(24, 10), NIGHT, is_asked=True)
