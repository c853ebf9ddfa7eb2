"""What a technician is told of a registrar that works."""

from dataclasses import replace
from datetime import UTC, date, datetime

from kassa.fiscal.facts import facts
from kassa.ports import RegistrarStatus, ShiftState

TODAY = date(2026, 11, 24)
OPEN = RegistrarStatus(
    "PAY VKP-80K-FA", "9999078900001234", ShiftState.OPEN, 57, 1240, 0,
    shift_opened_at=datetime(2026, 11, 24, 9, 0, tzinfo=UTC), drive_expires=date(2027, 12, 14),
)  # fmt: skip


def test_all_is_well():
    assert facts(OPEN, TODAY) == [
        "shift 57: open since 2026-11-24 09:00",
        "fiscal drive 9999078900001234: 1 240 documents, good until 2027-12-14 (385 days)",
        "data operator: has all documents",
        "clock: as this machine's",
    ]


def test_what_waits_how_long_and_whose_clock_is_ahead():
    status = replace(
        OPEN, unsent_documents=1, unsent_since=datetime(2026, 11, 20, 14, 5, tzinfo=UTC), clock_ahead_min=-1
    )

    assert facts(status, TODAY)[2:] == [
        "data operator: 1 document not sent yet, the oldest of 2026-11-20 14:05",
        "clock: 1 minute behind this machine's",
    ]


def test_a_drive_beyond_its_time():
    assert "1 240 documents, was good until 2027-12-14" in facts(OPEN, date(2028, 1, 1))[1]


def test_what_a_registrar_does_not_tell_is_left_out():
    status = replace(OPEN, shift=ShiftState.CLOSED, shift_opened_at=None, drive_expires=None)

    assert facts(status, TODAY)[:2] == ["shift 57: closed", "fiscal drive 9999078900001234: 1 240 documents"]


def test_a_plain_printer_has_none_of_it():
    assert facts(replace(OPEN, drive_serial=""), TODAY) == []
