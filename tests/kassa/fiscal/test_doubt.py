"""A document in doubt, whose fiscal drive was taken away, ends by the word of a person who has looked."""

from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from counting_clock import CountingClock
from entry_stories import DRIVE, credited, intended, opened, payment_number, registered, registering, stacked

from kassa.fiscal.doubt import DoubtDecisionRefused, FoundDocument, exclude, find, is_for_person
from kassa.fiscal.queue import InFlight, Queue, forget_doubt
from kassa.journal import entries as e
from kassa.journal.store import Journal
from kassa.money import of_whole
from kassa.ports import Document, RegistrarStatus, ShiftState

FIRST, PAYMENT = payment_number(1), payment_number(2)
OTHER_DRIVE = RegistrarStatus("KKT", "9999078900005678", ShiftState.OPEN, 1, 3, 0)
MOSCOW = timezone(timedelta(hours=3))
IN_DOUBT = Queue(status=OTHER_DRIVE, in_doubt=frozenset({PAYMENT}))
FOUND = FoundDocument(1002, 3141592653, "2026-11-24 14:05", shift=57)


@pytest.fixture
def journal(tmp_path):
    """Two payments that were begun behind document 1000; only the first one's document is known."""
    with closing(Journal.open(tmp_path / "journal.db", CountingClock())) as made:
        for entry in (
            opened(1), intended(1, 1, 50000), stacked(1, 1, 50000), credited(1, 50000), registering(1, 1000),
            registered(1, 1001, 50000),
            opened(2), intended(2, 2, 50000), stacked(2, 2, 50000), credited(2, 50000), registering(2, 1000),
        ):  # fmt: skip
            made.append(entry)
        yield made


def found(journal, queue=IN_DOUBT, payment=PAYMENT, document=FOUND, by="Petrova", reason="the OFD's site"):
    return find(journal, queue, payment, document, by, reason, "accountant", zone=MOSCOW, currency="RUB")


def missing(journal, queue=IN_DOUBT, payment=PAYMENT, by="Petrova", reason="the drive's archive"):
    return exclude(journal, queue, payment, by, reason, "accountant")


def test_a_document_that_was_found_is_the_payments_and_who_found_it_stands_in_the_journal(journal):
    at = datetime(2026, 11, 24, 14, 5, tzinfo=MOSCOW)
    assert found(journal) == Document(1002, 3141592653, at, of_whole(500), DRIVE, 57)

    assert journal.entry(journal.head()[0])[1] == e.DocumentFound(
        payment=PAYMENT, number=1002, sign=3141592653, at="2026-11-24T14:05:00+03:00", drive_serial=DRIVE,
        by="Petrova", role="accountant", reason="the OFD's site", shift=57,
    )  # fmt: skip
    assert journal.fiscal_pending() == ()


def test_a_document_that_is_not_there_leaves_the_payment_to_the_ordinary_rules(journal):
    assert missing(journal).intent is None

    assert journal.entry(journal.head()[0])[1] == e.DocumentExcluded(
        payment=PAYMENT, by="Petrova", role="accountant", reason="the drive's archive"
    )
    [waiting] = journal.fiscal_pending()
    assert (waiting.payment, waiting.intent, waiting.is_late) == (PAYMENT, None, False)


@pytest.mark.parametrize("say", [found, missing])
@pytest.mark.parametrize(
    ("queue", "words"),
    [
        (replace(IN_DOUBT, in_doubt=frozenset()), "has not looked for its document yet; wait a minute"),
        (
            replace(IN_DOUBT, in_flight=InFlight(PAYMENT, is_settling=True, is_intended=True)),
            "just being asked for its document; wait a minute",
        ),
        (replace(IN_DOUBT, status=None), "does not answer, and its fiscal drive may be the one that knows"),
        (
            replace(IN_DOUBT, status=replace(OTHER_DRIVE, drive_serial=DRIVE)),
            f"{DRIVE}, on which it was begun, is in the registrar, which is asked again every minute",
        ),
    ],
    ids=["not looked", "in flight", "no registrar", "its own drive"],
)
def test_nothing_is_taken_from_a_person_that_the_registrar_may_still_tell(journal, say, queue, words):
    head = journal.head()
    with pytest.raises(DoubtDecisionRefused, match=words):
        say(journal, queue)
    assert journal.head() == head


@pytest.mark.parametrize("say", [found, missing])
@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"payment": FIRST}, f"payment {FIRST} waits for no document; those that do: kassa payments owed"),
        ({"payment": "\x1b[31m"}, r"\\x1b\[31m waits for no document"),
        ({"by": " "}, "say who you are, in 1 to 64 characters: --by"),
        ({"reason": "x" * 201}, "say where you looked, in 1 to 200 characters: --reason"),
    ],
)
def test_what_ends_no_doubt_is_refused_in_words_and_nothing_is_written(journal, say, told, words):
    head = journal.head()
    with pytest.raises(DoubtDecisionRefused, match=words):
        say(journal, **told)
    assert journal.head() == head


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"number": 1000},
            "document 1000 was there before the payment's was begun; look behind document 1000",
        ),
        ({"number": 1001}, f"document 1001 of fiscal drive {DRIVE} is another payment's"),
        ({"number": 0}, "a document's number is 1 to 4294967295: --document"),
        ({"sign": 2**32}, "fiscal sign is at most 4294967295: --sign"),
        ({"shift": 2**32}, "a shift's number is 1 to 4294967295: --shift"),
        ({"at": "24.11.2026 14:05"}, "is no time; say the document's own, like 2026-11-24 14:05: --at"),
        ({"at": "\x1b[31m"}, r"x1b\[31m' is no time"),
    ],
)
def test_a_document_that_cannot_be_the_payments_is_refused_in_words(journal, change, words):
    head = journal.head()
    with pytest.raises(DoubtDecisionRefused, match=words):
        found(journal, document=replace(FOUND, **change))
    assert journal.head() == head


@pytest.mark.parametrize("say", [found, missing])
def test_a_payment_of_which_nothing_was_begun_is_in_no_doubt(journal, say):
    journal.append(e.FiscalVoided(payment=PAYMENT, reason="test"))
    with pytest.raises(DoubtDecisionRefused, match="no document of it was begun, so none is in doubt"):
        say(journal)


@pytest.mark.parametrize("say", [found, missing])
def test_a_doubt_ends_once(journal, say):
    say(journal)
    for again in (found, missing):
        with pytest.raises(DoubtDecisionRefused, match=r"waits for no document|none is in doubt"):
            again(journal)


def test_only_a_drive_that_is_gone_leaves_a_payment_to_a_person(journal):
    [waiting] = journal.fiscal_pending()
    assert is_for_person(IN_DOUBT, waiting)
    assert not is_for_person(replace(IN_DOUBT, status=replace(OTHER_DRIVE, drive_serial=DRIVE)), waiting)
    assert not is_for_person(replace(IN_DOUBT, status=None), waiting)


def test_what_a_person_has_said_takes_the_payment_out_of_the_queues_memory_and_leaves_the_one_in_flight():
    busy = InFlight(FIRST, is_settling=False, is_intended=False)
    queue = replace(IN_DOUBT, in_flight=busy, not_before={PAYMENT: 60.0, FIRST: 5.0})
    assert forget_doubt(queue, PAYMENT) == Queue(status=OTHER_DRIVE, in_flight=busy, not_before={FIRST: 5.0})
