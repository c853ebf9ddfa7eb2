"""Which payments are kept, and when: read out of a real journal, behind everything else."""

from contextlib import closing
from datetime import datetime

import pytest
from counting_clock import CountingClock
from entry_stories import credited, intended, opened, payment_number, registered, registering, stacked, visit
from virtual_time import VirtualTime

from kassa.flight.keeper import KEEP_AFTER_S, Keeper
from kassa.flight.reading import read
from kassa.flight.ring import Kind, Ring
from kassa.home import Home
from kassa.journal import entries as e
from kassa.journal.store import Journal

NAMES = ("validator", "registrar")


class Rig:
    """A terminal's journal and rings; each entry takes a quarter of a second, and something passes meanwhile."""

    def __init__(self, folder):
        self.home, self.time = Home(folder), VirtualTime()
        self.home.make()
        self.journal = Journal.open(self.home.journal, CountingClock())
        self.rings = {name: Ring(self.home.flight_ring(name)) for name in NAMES}
        self.passed = []

    def write(self, *entries):
        [*_, seq] = self.journal.append(*entries)
        at = datetime.fromisoformat(self.journal.entry(seq)[0]).timestamp()
        self.passed.append(seq)
        for name, ring in self.rings.items():
            ring.append(Kind.SENT, f"{name} at {seq}".encode(), at, "ccnet")

    def start(self):
        """A core's keeper."""
        return Keeper(self.home, self.journal, NAMES, self.time.call_later, 0)

    def kept(self, ordinal, name="validator"):
        """During which entries the kept bytes passed; None: there is no copy."""
        copy = self.home.flight_of(payment_number(ordinal), name)
        return [int(record.data.split()[-1]) for record in read(copy)] if copy.exists() else None

    def close(self):
        self.journal.close()
        for ring in self.rings.values():
            ring.close()


@pytest.fixture
def rig(tmp_path):
    with closing(Rig(tmp_path)) as rig:
        rig.write(e.Started(version="1.0.0", terminal="00042"))
        yield rig


def test_a_payment_is_kept_some_seconds_after_its_document_was_made(rig):
    keeper = rig.start()
    for step in visit(1, 1, (50000, 10000), 1001):
        rig.write(*step)
        keeper.look()

    rig.time.run_for(KEEP_AFTER_S - 0.1)
    before = rig.kept(1)
    rig.time.run_for(0.2)
    keeper.close()

    assert before is None
    assert rig.kept(1, "validator") == rig.kept(1, "registrar") == rig.passed


def test_a_core_that_is_told_to_stop_does_not_wait(rig):
    keeper = rig.start()
    for step in visit(1, 1, (50000,), 1001):
        rig.write(*step)
    keeper.look()

    keeper.close()

    assert rig.kept(1) == rig.passed


def test_what_ended_just_before_the_stop_is_kept_though_nobody_had_looked(rig):
    keeper = rig.start()
    for step in visit(1, 1, (50000,), 1001):
        rig.write(*step)

    keeper.close()
    keeper.close()

    assert rig.kept(1)


def test_a_journal_that_has_failed_keeps_no_core_from_ending(rig, caplog):
    keeper = rig.start()
    for step in visit(1, 1, (50000,), 1001):
        rig.write(*step)
    rig.journal._fail("the disk has failed")

    keeper.close()

    assert "is not kept" in caplog.text


@pytest.mark.parametrize(
    "end", [e.DocumentOwed(payment_number(1), "no paper"), e.PaymentAbandoned(payment_number(1))]
)
def test_owed_and_abandoned_payments_are_kept_as_well(rig, end):
    keeper = rig.start()
    rig.write(opened(1), intended(1, 1, 50000))
    if isinstance(end, e.PaymentAbandoned):
        rig.write(e.NoteReturned(payment=payment_number(1), note=1, reason="returned"))
    else:
        rig.write(stacked(1, 1, 50000))
        rig.write(credited(1, 50000))
    rig.write(end)
    keeper.look()
    keeper.close()

    assert rig.kept(1) == rig.passed


def test_a_payment_that_stands_open_is_not_kept_yet(rig):
    keeper = rig.start()
    rig.write(opened(1), intended(1, 1, 50000))
    rig.write(stacked(1, 1, 50000))
    keeper.look()
    keeper.close()

    assert rig.kept(1) is None


def test_a_document_that_comes_later_is_added(rig):
    keeper = rig.start()
    rig.write(opened(1), intended(1, 1, 50000))
    rig.write(stacked(1, 1, 50000))
    rig.write(credited(1, 50000))
    rig.write(e.DocumentOwed(payment_number(1), "no paper"))
    keeper.look()
    rig.time.run_for(KEEP_AFTER_S)
    rig.write(registering(1, 1000))
    rig.write(registered(1, 1001, 50000))
    keeper.look()
    rig.time.run_for(KEEP_AFTER_S)
    keeper.close()

    assert rig.kept(1) == rig.passed


def test_what_a_killed_core_had_not_kept_the_next_one_keeps(rig):
    for step in visit(1, 1, (50000,), 1001):
        rig.write(*step)  # and here the core is killed

    keeper = rig.start()
    keeper.look()
    rig.time.run_for(KEEP_AFTER_S)
    keeper.close()

    assert rig.kept(1) == rig.passed


def test_what_was_kept_before_the_start_is_not_kept_again(rig):
    first = rig.start()
    for step in visit(1, 1, (50000,), 1001):
        rig.write(*step)
    first.look()
    first.close()
    copy = rig.home.flight_of(payment_number(1), "validator")
    copy.write_bytes(copy.read_bytes() + bytes(4096))
    size = copy.stat().st_size

    second = rig.start()
    second.look()
    second.close()

    assert copy.stat().st_size == size


def test_what_cannot_be_kept_is_told_and_the_next_payment_is_kept(rig, caplog):
    keeper = rig.start()
    in_the_way = rig.home.flight_of(payment_number(1), "validator").with_suffix(".validator.part")
    in_the_way.mkdir()
    for ordinal in (1, 2):
        for step in visit(ordinal, ordinal, (50000,), 1000 + ordinal):
            rig.write(*step)
    keeper.look()
    keeper.close()

    assert "what passed during payment 00042-0000000001 is not kept" in caplog.text
    assert rig.kept(2) is not None
