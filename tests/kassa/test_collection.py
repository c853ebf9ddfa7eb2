"""The cassette and what became of it, on a journal of its own."""

from contextlib import closing

import pytest
from counting_clock import CountingClock
from entry_stories import intended, opened, payment_number, stacked, visit

from kassa import collection
from kassa.collection import CollectionRefused
from kassa.journal import entries as e
from kassa.journal.store import Journal
from kassa.ports import ValidatorState

OUT, IDLING, STARTING = ValidatorState.CASSETTE_OUT, ValidatorState.IDLING, ValidatorState.STARTING


@pytest.fixture
def journal(tmp_path):
    with closing(Journal.open(tmp_path / "journal.db", CountingClock())) as opened_journal:
        yield opened_journal


def pay(journal, ordinal, first_note, *values):
    for entries in visit(ordinal, first_note, values, 1000 + ordinal):
        journal.append(*entries)


def said(journal):
    """What the journal tells of the cassette, oldest first."""
    return [
        entry
        for seq in range(1, journal.last_entry + 1)
        if isinstance(
            entry := journal.entry(seq)[1], e.CassetteRemoved | e.CassetteInserted | e.CashCollected
        )
    ]


def test_a_cassette_that_leaves_and_comes_back_is_two_entries(journal):
    pay(journal, 1, 1, 50000)
    told = [collection.follow(journal, state) for state in (IDLING, OUT, OUT, STARTING, IDLING, IDLING)]
    assert told == [False, True, False, False, True, False]
    assert said(journal) == [e.CassetteRemoved(last_note=1), e.CassetteInserted()]


def test_what_comes_in_after_the_cassette_was_changed_lies_in_the_next_one(journal):
    """The collector is gone before anybody says so, and customers are there."""
    pay(journal, 1, 1, 50000, 10000)
    collection.follow(journal, OUT)
    collection.follow(journal, IDLING)
    pay(journal, 2, 3, 5000)

    collected = collection.collect(journal, "Petrov")
    assert collected.cassette.notes == ((10000, 1), (50000, 1))
    assert journal.cassette() == {5000: 1}


def test_where_nobody_saw_the_cassette_leave_it_is_counted_when_staff_say_so(journal):
    pay(journal, 1, 1, 50000)
    assert collection.collect(journal, "Petrov").cassette.notes == ((50000, 1),)
    assert journal.cassette() == {}


def test_a_cassette_that_was_put_back_keeps_what_is_in_it(journal):
    pay(journal, 1, 1, 50000)
    collection.follow(journal, OUT)
    collection.put_back(journal, "Petrov")
    collection.follow(journal, IDLING)
    assert journal.removal() is None
    assert journal.cassette() == {50000: 1}


def test_of_two_removals_each_is_explained_the_first_one_first(journal):
    pay(journal, 1, 1, 50000)
    collection.follow(journal, OUT)
    collection.follow(journal, IDLING)
    pay(journal, 2, 2, 10000)
    collection.follow(journal, OUT)
    collection.put_back(journal, "the technician, of a jam")
    assert journal.removal().last_note == 2
    assert collection.collect(journal, "Petrov").cassette.notes == ((10000, 1), (50000, 1))
    assert journal.removal() is None


def test_two_removals_with_nothing_in_between_are_explained_at_once(journal):
    """The cassette did not click the first time."""
    pay(journal, 1, 1, 50000)
    for state in (OUT, IDLING, OUT, IDLING):
        collection.follow(journal, state)
    collection.collect(journal, "Petrov")
    assert journal.removal() is None


def test_a_note_in_flight_is_not_counted_before_it_lies_somewhere(journal):
    journal.append(opened(1), intended(1, 1, 50000))
    with pytest.raises(
        CollectionRefused, match="a note is on its way into the cassette; wait until it lies there"
    ):
        collection.collect(journal, "Petrov")
    collection.follow(journal, OUT)
    collection.collect(journal, "Petrov")
    journal.append(stacked(1, 1, 50000))
    assert journal.cassette() == {50000: 1}


def test_a_collection_that_is_said_twice_is_one(journal):
    pay(journal, 1, 1, 50000)
    collection.collect(journal, "Petrov")
    with pytest.raises(CollectionRefused, match="nothing was collected since the last time"):
        collection.collect(journal, "Petrov")


def test_an_empty_cassette_that_was_seen_to_leave_may_be_collected(journal):
    collection.follow(journal, OUT)
    assert collection.collect(journal, "Petrov").cassette.notes == ()


def test_what_never_left_cannot_be_put_back(journal):
    with pytest.raises(CollectionRefused, match="did not leave its place, as far as the validator saw"):
        collection.put_back(journal, "Petrov")


@pytest.mark.parametrize("by", ["", " \t", "x" * 65])
def test_who_says_so_has_a_name(journal, by):
    pay(journal, 1, 1, 50000)
    with pytest.raises(CollectionRefused, match="--by NAME"):
        collection.collect(journal, by)
    assert journal.collections() == []


def test_a_name_cannot_steer_a_screen_or_a_slip(journal):
    pay(journal, 1, 1, 50000)
    assert collection.collect(journal, "Иванов\x1b[2J").by == "Иванов\\x1b[2J"


# --- for machines ------------------------------------------------------------------------------------------------------


def test_all_of_a_collection_is_told_to_machines(journal):
    journal.append(opened(1), counted_intent(1, 1, 70), stacked(1, 1, 10000))
    journal.append(counted_intent(1, 2, 72))
    journal.append(e.NoteStacked(payment=payment_number(1), note=2, value=5000, uncertain=True))
    journal.append(e.OrphanFound(note=3, value=None, evidence="test"))
    journal.append(e.OrphanFound(note=4, value=50000, evidence="test"))

    told = collection.collection_fields(collection.collect(journal, "Petrov"), "RUB")
    assert told == {
        "collection": 1,
        "at": told["at"],
        "by": "Petrov",
        "since": None,
        "notes": {"0.00": 1, "50.00": 1, "100.00": 1, "500.00": 1},
        "count": 4,
        "total": "650.00",
        "orphans": [{"note": 3, "value": None}, {"note": 4, "value": "500.00"}],
        "uncertain": [{"note": 2, "value": "50.00", "payment": payment_number(1)}],
        "validator": {"unit": "A", "counted": 2, "booked": 1},
        "entry": journal.head()[0],
        "head": journal.head()[1],
    }
    later = collection.cassette_fields(journal.lies_in_cassette(), "RUB")
    assert later == {
        "since": told["at"], "notes": {}, "count": 0, "total": "0.00", "orphans": [], "uncertain": [], "validator": None,
    }  # fmt: skip


def counted_intent(ordinal, note, counted):
    return e.StackIntended(payment=payment_number(ordinal), note=note, value=10000, counted=("A", counted))
