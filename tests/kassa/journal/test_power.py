"""The power is cut before any operation of the disk: what was acknowledged is there, and nothing is half there."""

import random
from collections import deque
from contextlib import closing, suppress
from pathlib import Path

import pytest
from counting_clock import CountingClock
from entry_stories import visits
from simulated_disk import CUTS, SimulatedDisk, plugged

from kassa.journal.entries import Started
from kassa.journal.store import Journal, JournalBroken, JournalFailed, JournalFull
from kassa.journal.verify import verify

PATH = Path("/journal.db")
TRANSACTIONS = visits(2)
CHECKPOINT_EVERY = 5


def open_on(vfs):
    return Journal.open(PATH, CountingClock(), vfs=vfs)


def write(disk, transactions=TRANSACTIONS):
    """Write until the power goes; how many transactions were reported as durable."""
    acknowledged = 0
    with plugged(disk) as vfs:
        try:
            with closing(open_on(vfs)) as journal:
                for entries in transactions:
                    journal.append(*entries)
                    acknowledged += 1
                    if acknowledged % CHECKPOINT_EVERY == 0:
                        journal.checkpoint()
        except JournalFailed:
            assert disk.is_dead
    return acknowledged


def entries_up_to(transactions):
    return sum(len(entries) for entries in TRANSACTIONS[:transactions])


@pytest.mark.slow
def test_a_power_cut_before_any_operation_loses_nothing_that_was_acknowledged():
    whole, chance = SimulatedDisk(), random.Random(1)
    write(whole)
    assert whole.operations > 100

    for operation in range(whole.operations):
        disk = SimulatedDisk()
        disk.cut_before = operation
        acknowledged = write(disk)
        for how in CUTS:
            left = disk.after_cut(how, chance)
            with plugged(left) as vfs, closing(open_on(vfs)) as journal:
                found = journal.head()[0]
                # The transaction in which the power went may be there, but only as a whole.
                assert found in (entries_up_to(acknowledged), entries_up_to(acknowledged + 1)), (
                    operation,
                    how,
                )
                assert verify(journal).ok, (operation, how)
                journal.append(Started(version="1.0.0", terminal="00042"))


def test_a_cut_in_the_middle_of_recovery_is_recovered_from_as_well():
    chance = random.Random(2)
    disk = SimulatedDisk()
    write(disk)
    disk.cut_before = disk.operations
    left = disk.after_cut("sectors", chance)
    for operation in range(60):
        again = SimulatedDisk({name: bytes(one.live) for name, one in left.names.items()})
        again.cut_before = operation
        write(again, ())
        last = again.after_cut("sectors", chance)
        with plugged(last) as vfs, closing(open_on(vfs)) as journal:
            assert journal.head()[0] == entries_up_to(len(TRANSACTIONS))
            assert verify(journal).ok, operation


STARTED = Started(version="1.0.0", terminal="00042")


def cut_at_the_sync_of(entries, disk, chance, before=lambda journal: journal.append(STARTED)):
    """The disk after a start, what came `before`, and a cut at the moment when the entries are to be made durable."""
    with plugged(disk) as vfs, suppress(JournalFailed), closing(open_on(vfs)) as journal:
        before(journal)
        log, sync = disk.names[f"{PATH}-wal"], disk.sync
        disk.sync = lambda inode: disk.cut_now() if inode is log else sync(inode)
        journal.append(*entries)
    assert disk.is_dead
    return disk.after_cut("sectors", chance)


def test_what_one_cut_left_of_a_commit_is_no_damage_after_the_next_cut():
    """Storm 27: the end of a long commit that never was durable stood in the log behind a short one, torn as well."""
    for seed in range(60):
        chance = random.Random(seed)
        once = cut_at_the_sync_of([STARTED] * 40, SimulatedDisk(), chance)
        twice = cut_at_the_sync_of([STARTED], once, chance)
        with plugged(twice) as vfs, closing(open_on(vfs)) as journal:
            assert verify(journal).ok, seed


def test_what_a_cut_left_of_a_commit_waits_for_a_start_with_room():
    for seed in range(20):
        left = cut_at_the_sync_of([STARTED] * 40, SimulatedDisk(), random.Random(seed))
        left.room_bytes = left.used_bytes()
        with plugged(left) as vfs:
            with closing(open_on(vfs)) as journal:
                assert journal.head()[0] == 1, seed
            left.room_bytes = None
            with closing(open_on(vfs)) as journal:
                journal.append(STARTED)
                assert verify(journal).ok, seed


def test_a_frame_half_of_whose_header_is_from_an_older_round_is_no_commit():
    """Storm 27: a sector ends inside of every 64th header, and before the cut an older commit's may have stood there."""

    def fill(journal):
        journal.append(*[STARTED] * first)
        for _ in range(30):
            journal.append(STARTED)
        journal.checkpoint()  # the next entry begins at the front of the log, over what is in there
        for _ in range(20):
            journal.append(STARTED)

    for first in range(10, 100, 10):
        for seed in range(10):
            left = cut_at_the_sync_of([STARTED] * 20, SimulatedDisk(), random.Random(seed), fill)
            with plugged(left) as vfs, closing(open_on(vfs)) as journal:
                assert verify(journal).ok, (first, seed)


def test_a_sync_that_fails_stops_the_journal_for_good_and_the_next_start_knows_the_truth():
    disk = SimulatedDisk()
    with plugged(disk) as vfs:
        with closing(open_on(vfs)) as journal:
            journal.append(Started(version="1.0.0", terminal="00042"))
            disk.sync_fails = True
            with pytest.raises(JournalFailed, match="the disk has failed"):
                journal.append(Started(version="2.0.0", terminal="00042"))
            with pytest.raises(JournalFailed):  # the disk says that all is well now; it must not be believed
                journal.append(Started(version="3.0.0", terminal="00042"))
        assert "/journal.db-wal" in disk.names, "closing carried over what nobody knows the truth of"

        with closing(open_on(vfs)) as journal:
            assert journal.head()[0] == 1
            assert verify(journal).ok


def test_a_full_disk_writes_nothing_says_so_and_goes_on_when_there_is_room():
    disk = SimulatedDisk()
    with plugged(disk) as vfs, closing(open_on(vfs)) as journal:
        disk.room_bytes = sum(len(one.live) for one in disk.names.values()) + 60_000
        written, waiting = 0, deque(visits(50))
        with pytest.raises(JournalFull, match="the disk is full"):  # noqa: PT012
            while True:
                written += len(journal.append(*waiting[0]))
                waiting.popleft()
        assert 0 < written == journal.head()[0]

        disk.room_bytes = None
        for entries in waiting:
            journal.append(*entries)
        assert verify(journal).ok


def test_a_journal_closed_on_a_full_disk_keeps_its_entries_in_the_log():
    disk = SimulatedDisk()
    with plugged(disk) as vfs:
        with closing(open_on(vfs)) as journal:
            for entries in visits(3):
                journal.append(*entries)
            disk.room_bytes = 0
        disk.room_bytes = None
        with closing(open_on(vfs)) as journal:
            assert len(journal.payments()) == 3
            assert verify(journal).ok


def test_room_that_was_kept_for_this_moment_is_given_up_for_the_entry():
    disk, asked = SimulatedDisk(), []

    def make_room():
        asked.append(disk.room_bytes)
        disk.room_bytes = None
        return True

    with (
        plugged(disk) as vfs,
        closing(Journal.open(PATH, CountingClock(), vfs=vfs, make_room=make_room)) as journal,
    ):
        disk.room_bytes = 0
        journal.append(Started(version="1.0.0", terminal="00042"))
        assert asked == [0]
        assert journal.head()[0] == 1


@pytest.mark.parametrize("lost", ["/journal.db-wal", "/journal.db-mark"])
def test_a_file_that_vanished_after_a_crash_is_missed(lost):
    disk = SimulatedDisk()
    write(disk, TRANSACTIONS[:1])
    with plugged(disk) as vfs:
        journal = Journal.open(PATH, CountingClock(), vfs=vfs)
        journal.append(Started(version="1.0.0", terminal="00042"))
        left = disk.after_cut("keep", random.Random(3))
        journal.close()

    del left.names[lost]
    with plugged(left) as vfs, pytest.raises(JournalBroken) as broken:
        Journal.open(PATH, CountingClock(), vfs=vfs)
    assert broken.value.at == ("entry 2" if lost.endswith("-wal") else "mark")


def test_an_older_copy_put_in_its_place_is_refused():
    disk = SimulatedDisk()
    write(disk, TRANSACTIONS[:3])
    older = disk.content("/journal.db")
    write(disk, TRANSACTIONS[3:6])

    mixed = {"/journal.db": older, "/journal.db-mark": disk.content("/journal.db-mark")}
    with plugged(SimulatedDisk(mixed)) as vfs, pytest.raises(JournalBroken, match="an older copy"):
        Journal.open(PATH, CountingClock(), vfs=vfs)


def test_another_terminals_journal_put_in_its_place_is_refused():
    ours, theirs = SimulatedDisk(), SimulatedDisk()
    write(ours, TRANSACTIONS[:3])
    write(theirs, [(Started(version="9.9.9", terminal="00001"),), *TRANSACTIONS[1:6]])

    mixed = {
        "/journal.db": theirs.content("/journal.db"),
        "/journal.db-mark": ours.content("/journal.db-mark"),
    }
    with plugged(SimulatedDisk(mixed)) as vfs, pytest.raises(JournalBroken, match="another entry") as broken:
        Journal.open(PATH, CountingClock(), vfs=vfs)
    assert broken.value.at == f"entry {entries_up_to(3)}"
