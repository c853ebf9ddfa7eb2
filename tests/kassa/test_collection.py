"""The cassette and what became of it, on a journal of its own."""

import re
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


def leave(journal):
    collection.follow(journal, OUT)
    collection.follow(journal, IDLING)


def said(journal):
    """When the cassette left and came, as the journal tells it, oldest first."""
    return [
        entry
        for seq in range(1, journal.last_entry + 1)
        if isinstance(entry := journal.entry(seq)[1], e.CassetteRemoved | e.CassetteInserted)
    ]


def test_a_cassette_that_leaves_and_comes_back_is_two_entries(journal):
    pay(journal, 1, 1, 50000)
    told = [collection.follow(journal, state) for state in (IDLING, OUT, OUT, STARTING, IDLING, IDLING)]
    assert told == [False, True, False, False, True, False]
    assert said(journal) == [e.CassetteRemoved(last_note=1), e.CassetteInserted()]


def test_what_comes_in_after_the_cassette_was_changed_lies_in_the_next_one(journal):
    """The collector is gone before anybody says so, and customers are there."""
    pay(journal, 1, 1, 50000, 10000)
    leave(journal)
    pay(journal, 2, 3, 5000)

    (left,) = journal.removals()
    collected = collection.collect(journal, "Petrov")
    assert collected.cassette.notes == ((10000, 1), (50000, 1))
    assert collected.cassette.until == left.at
    assert journal.cassette() == {5000: 1}
    assert collection.collect(journal, "Petrov").number == 2


def test_where_nobody_saw_the_cassette_leave_it_is_counted_when_staff_say_so(journal):
    pay(journal, 1, 1, 50000)
    assert collection.collect(journal, "Petrov").cassette.notes == ((50000, 1),)
    assert journal.cassette() == {}


def test_a_cassette_that_was_put_back_keeps_what_is_in_it(journal):
    pay(journal, 1, 1, 50000)
    leave(journal)
    collection.put_back(journal, "Petrov")
    assert journal.removals() == ()
    assert journal.cassette() == {50000: 1}


def test_what_is_not_in_its_place_was_not_put_back(journal):
    pay(journal, 1, 1, 50000)
    collection.follow(journal, OUT)
    with pytest.raises(CollectionRefused, match="put it in until it clicks, then say it again"):
        collection.put_back(journal, "Petrov")


def test_of_several_removals_staff_say_which_one_they_mean(journal):
    pay(journal, 1, 1, 50000)
    leave(journal)
    pay(journal, 2, 2, 10000)
    leave(journal)
    jam, change = journal.removals()
    meant = rf"say which time is meant: --removal {jam.seq} left at {re.escape(jam.at)}; --removal {change.seq} left"
    for act in (collection.collect, collection.put_back):
        with pytest.raises(CollectionRefused, match=meant):
            act(journal, "Petrov")

    assert collection.put_back(journal, "the technician, of a jam", jam.seq) == jam
    assert collection.collect(journal, "Petrov").cassette.notes == ((10000, 1), (50000, 1))
    assert journal.removals() == ()


def test_a_removal_that_there_was_not_is_not_explained(journal):
    pay(journal, 1, 1, 50000)
    with pytest.raises(
        CollectionRefused, match="there is no removal 1 to be explained; see: kassa cash show"
    ):
        collection.collect(journal, "Petrov", 1)


def test_a_cassette_that_did_not_click_the_first_time_is_collected_once(journal):
    pay(journal, 1, 1, 50000)
    leave(journal)
    leave(journal)
    collection.collect(journal, "Petrov")
    assert journal.removals() == ()


def test_an_empty_cassette_may_leave_without_a_word(journal):
    collection.follow(journal, OUT)
    assert journal.removals() == ()
    collection.follow(journal, IDLING)
    pay(journal, 1, 1, 50000)
    collection.follow(journal, OUT)
    assert len(journal.removals()) == 1


def test_a_note_in_flight_is_not_counted_before_it_lies_somewhere(journal):
    pay(journal, 1, 1, 10000)
    journal.append(opened(2), intended(2, 2, 50000))
    with pytest.raises(
        CollectionRefused, match="a note is on its way into the cassette; wait until it lies there"
    ):
        collection.collect(journal, "Petrov")
    leave(journal)
    assert collection.collect(journal, "Petrov").cassette.notes == ((10000, 1),)
    journal.append(stacked(2, 2, 50000))
    assert journal.cassette() == {50000: 1}


def test_a_collection_that_is_said_twice_is_one(journal):
    pay(journal, 1, 1, 50000)
    collection.collect(journal, "Petrov")
    with pytest.raises(
        CollectionRefused, match="since the last collection; see it with: kassa cash list --last 1"
    ):
        collection.collect(journal, "Petrov")


def test_what_never_left_cannot_be_put_back(journal):
    with pytest.raises(CollectionRefused, match="explained already, or the validator saw none"):
        collection.put_back(journal, "Petrov")


@pytest.mark.parametrize("by", ["", " \t", "x" * 65])
def test_who_says_so_has_a_name(journal, by):
    pay(journal, 1, 1, 50000)
    with pytest.raises(CollectionRefused, match="--by NAME"):
        collection.collect(journal, by)
    assert journal.collections() == []


def test_a_name_may_be_long(journal):
    pay(journal, 1, 1, 50000)
    assert collection.collect(journal, "x" * 64).by == "x" * 64


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
        "until": told["at"],
        "notes": [
            {"value": None, "count": 1},
            {"value": "50.00", "count": 1},
            {"value": "100.00", "count": 1},
            {"value": "500.00", "count": 1},
        ],
        "count": 4,
        "total": "650.00",
        "orphans": [{"note": 3, "value": None}, {"note": 4, "value": "500.00"}],
        "uncertain": [{"note": 2, "value": "50.00", "payment": payment_number(1)}],
        "perhaps_in_the_one_before": [],
        "perhaps_of_the_one_behind": [],
        "validator": {"unit": "A", "counted": 2, "booked": 1},
        "entry": journal.head()[0],
        "head": journal.head()[1],
    }
    later = collection.cassette_fields(journal.lies_in_cassette(), "RUB")
    assert later == {
        "since": told["at"], "until": None, "notes": [], "count": 0, "total": "0.00", "orphans": [], "uncertain": [],
        "perhaps_in_the_one_before": [], "perhaps_of_the_one_behind": [], "validator": None,
    }  # fmt: skip


def test_sums_are_told_in_the_terminals_currency(journal):
    pay(journal, 1, 1, 50000)
    told = collection.cassette_fields(journal.lies_in_cassette(), "JPY")
    assert (told["notes"], told["total"]) == ([{"value": "50000", "count": 1}], "50000")


def counted_intent(ordinal, note, counted):
    return e.StackIntended(payment=payment_number(ordinal), note=note, value=10000, counted=("A", counted))
