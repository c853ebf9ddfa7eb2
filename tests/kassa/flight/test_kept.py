"""Copies with the payments: of the right time, added to when a document comes late, and never too many."""

from contextlib import closing

import pytest

from kassa.errors import KassaError
from kassa.flight.kept import BEFORE_S, forget_oldest, keep
from kassa.flight.reading import read
from kassa.flight.ring import BLOCK_BYTES, Kind, Record, Ring
from kassa.home import Home

PAYMENT = "00042-0000000001"
NOON = 1_795_000_000.0


def seconds(first, last):
    """A record a second."""
    return [Record(NOON + at, Kind.SENT, f"{at}".encode(), "ccnet") for at in range(first, last + 1)]


@pytest.fixture
def home(tmp_path):
    """A terminal whose validator was recorded for an hour."""
    home = Home(tmp_path)
    home.flight.mkdir()
    with closing(Ring(home.flight_ring("validator"))) as ring:
        for record in seconds(0, 3600):
            ring.append(record.kind, record.data, record.at, record.protocol)
    return home


def kept(home, name="validator"):
    return list(read(home.flight_of(PAYMENT, name)))


def test_the_way_of_the_first_note_and_the_printing_are_in_the_copy(home):
    keep(home, PAYMENT, NOON + 100, NOON + 160, ["validator"], 0)

    assert kept(home) == seconds(100 - int(BEFORE_S), 160)


def test_a_device_that_was_not_recorded_then_has_no_copy(home):
    Ring(home.flight_ring("registrar")).close()

    keep(home, PAYMENT, NOON + 100, NOON + 160, ["validator", "registrar", "dispenser"], 0)

    assert [copy.name for copy in home.flight_payments.iterdir()] == [f"{PAYMENT}.validator"]


def test_a_document_that_comes_late_is_added_with_what_led_to_it(home):
    keep(home, PAYMENT, NOON + 100, NOON + 160, ["validator"], 0)

    keep(home, PAYMENT, NOON + 100, NOON + 2000, ["validator"], 0)

    assert kept(home) == seconds(100 - int(BEFORE_S), 160) + seconds(2000 - int(BEFORE_S), 2000)


def test_one_that_comes_at_once_is_added_without_a_gap_and_nothing_is_kept_twice(home):
    keep(home, PAYMENT, NOON + 100, NOON + 160, ["validator"], 0)

    keep(home, PAYMENT, NOON + 100, NOON + 163, ["validator"], 0)
    keep(home, PAYMENT, NOON + 100, NOON + 163, ["validator"], 0)

    assert kept(home) == seconds(100 - int(BEFORE_S), 163)


def test_a_copy_that_cannot_be_read_is_made_anew(home):
    home.flight_payments.mkdir()
    home.flight_of(PAYMENT, "validator").write_bytes(b"\0" * BLOCK_BYTES)

    keep(home, PAYMENT, NOON + 100, NOON + 160, ["validator"], 0)

    assert kept(home) == seconds(100 - int(BEFORE_S), 160)


def test_the_room_that_belongs_to_the_money_is_not_taken(home):
    with pytest.raises(KassaError, match=r"only \d+ MB are free"):
        keep(home, PAYMENT, NOON + 100, NOON + 160, ["validator"], 1 << 60)

    assert list(home.flight_payments.iterdir()) == []


@pytest.fixture
def copies(tmp_path):
    """Of payments 1 to 5, by two terminal numbers, 100 bytes each."""
    for ordinal, terminal in enumerate(("00042", "00042", "00042", "00007", "00007"), 1):
        for name in ("registrar", "validator"):
            (tmp_path / f"{terminal}-{ordinal:010}.{name}").write_bytes(bytes(100))
    return tmp_path


@pytest.mark.parametrize(("at_most", "at_most_bytes"), [(4, 10_000), (100, 400), (5, 499)])
def test_the_oldest_payments_are_forgotten_first_whatever_the_terminals_number_was(
    copies, at_most, at_most_bytes
):
    forget_oldest(copies, at_most, at_most_bytes)

    names = sorted(copy.name for copy in copies.iterdir())
    assert len(names) == 4
    assert {name[:5] for name in names} == {"00007"}


def test_what_is_within_bounds_is_left_alone(copies):
    forget_oldest(copies, 10, 1000)

    assert len(list(copies.iterdir())) == 10
