"""What the journal refuses: an entry that breaks a promise about money never becomes durable."""

from contextlib import closing

import apsw
import msgspec
import pytest
from counting_clock import CountingClock
from entry_stories import (
    credited,
    excluded,
    found,
    intended,
    opened,
    payment_number,
    registered,
    registering,
    stacked,
    visit,
)

from kassa.journal import entries as e
from kassa.journal.chain import link
from kassa.journal.pages import SealedVFS
from kassa.journal.store import EntryRefused, Journal
from kassa.journal.verify import verify

OPEN = (opened(1), intended(1, 1, 50000))
PAID = (*OPEN, stacked(1, 1, 50000), credited(1, 50000))
REGISTERING = (*PAID, registering(1, 1000))
REGISTERED = (*REGISTERING, registered(1, 1001, 50000))


def returned(ordinal, note):
    return e.NoteReturned(payment=payment_number(ordinal), note=note, reason="test")


def abandoned(ordinal):
    return e.PaymentAbandoned(payment=payment_number(ordinal))


def owed(ordinal):
    return e.DocumentOwed(payment=payment_number(ordinal), reason="test")


def voided(ordinal):
    return e.FiscalVoided(payment=payment_number(ordinal), reason="test")


def collected(last_note, *notes, collection=1, removal=None):
    return e.CashCollected(
        collection=collection, removal=removal, last_note=last_note, notes=notes, by="Petrov"
    )


def put_back(removal):
    return e.CassettePutBack(removal=removal, by="Petrov")


def frozen(*ranges, count, total, batch=1):
    return e.BatchFrozen(
        batch=batch, name=f"KASSA_{batch}.csv", operator="90001", terminal="00042", currency="RUB", encoding="utf-8",
        since="2026-11-25T09:00:00+00:00", until="2026-11-25T10:00:00+00:00", snapshot=None, payments=ranges,
        count=count, total=total, sha256="00" * 32,
    )  # fmt: skip


REFUSED = {
    "a note is not credited without its intent": ((opened(1),), stacked(1, 1, 50000)),
    "a note is not credited twice": ((*OPEN, stacked(1, 1, 50000)), stacked(1, 1, 50000)),
    "a returned note is not credited": ((*OPEN, returned(1, 1)), stacked(1, 1, 50000)),
    "a credited note is not returned": ((*OPEN, stacked(1, 1, 50000)), returned(1, 1)),
    "a note of another payment is not credited": (OPEN, stacked(2, 1, 50000)),
    "no second note is stacked while one is in flight": (OPEN, intended(1, 2, 10000)),
    "notes are numbered without a hole": ((opened(1),), intended(1, 2, 50000)),
    "a note is worth something": (OPEN, stacked(1, 1, 0)),
    "no second payment while one is open": ((opened(1),), opened(2)),
    "payments are numbered without a hole": ((), opened(2)),
    "a contact fits into a receipt": ((), opened(1, contact="ivan@" + "a" * 57 + ".ru")),
    "a contact is an address and no other text": ((), opened(1, contact="=1+1")),
    "a payment's number is one": (
        (),
        e.PaymentOpened(payment="1", service="internet", account="1", snapshot=None),
    ),
    "an account cannot break a line of a file": ((), opened(1, account="1\n2")),
    "an account cannot break a field of a file": ((), opened(1, account="1;2")),
    "an account cannot be a formula": ((), opened(1, account="=1+1")),
    "a service cannot break a field of a file": ((), opened(1, service="a;b")),
    "a payment is not credited with another sum": (
        (*OPEN, stacked(1, 1, 50000)),
        credited(1, 60000),
    ),
    "a payment is not credited while a note is in flight": (OPEN, credited(1, 0)),
    "a payment with money is not credited while a note is in flight": (
        (*OPEN, stacked(1, 1, 50000), intended(1, 2, 10000)),
        credited(1, 50000),
    ),
    "a payment is not credited twice": (PAID, credited(1, 50000)),
    "an empty payment is not credited": ((opened(1),), credited(1, 0)),
    "a payment with money is not abandoned": ((*OPEN, stacked(1, 1, 50000)), abandoned(1)),
    "a payment with a note in flight is not abandoned": (OPEN, abandoned(1)),
    "a credited payment takes no note": (PAID, intended(1, 2, 10000)),
    "an open payment gets no document": ((opened(1),), registering(1, 1000)),
    "a document needs its intent": (PAID, registered(1, 1001, 50000)),
    "no second attempt while one is open": (REGISTERING, registering(1, 1001)),
    "a payment has one document": (REGISTERED, registered(1, 1002, 50000)),
    "a registered payment is not tried again": (REGISTERED, registering(1, 1001)),
    "a document is over the whole sum": (REGISTERING, registered(1, 1001, 40000)),
    "a document is newer than its intent": (REGISTERING, registered(1, 1000, 50000)),
    "a registered document cannot be voided": (REGISTERED, voided(1)),
    "a found document needs its intent": (PAID, found(1, 1001)),
    "a found document is newer than its intent": (REGISTERING, found(1, 1000)),
    "a found document is on the intent's fiscal drive": (REGISTERING, found(1, 1001, "another")),
    "a document is not found where there is one": (REGISTERED, found(1, 1002)),
    "a payment whose document was found gets no other": (
        (*REGISTERING, found(1, 1001)),
        registering(1, 1001),
    ),
    "what was not begun cannot be excluded": (PAID, excluded(1)),
    "a document that there is cannot be excluded": (REGISTERED, excluded(1)),
    "a document is not owed twice": ((*PAID, owed(1)), owed(1)),
    "a registered document is not owed": (REGISTERED, owed(1)),
    "a payment without a document is in no file": (PAID, frozen((1, 1), count=1, total=50000)),
    "an open payment is in no file": (OPEN, frozen((1, 1), count=1, total=0)),
    "a batch's total is that of its payments": (REGISTERED, frozen((1, 1), count=1, total=49999)),
    "a batch's count is that of its payments": (REGISTERED, frozen((1, 1), count=2, total=50000)),
    "a payment is in one file": (
        (*REGISTERED, frozen((1, 1), count=1, total=50000)),
        frozen((1, 1), count=1, total=50000, batch=2),
    ),
    "batches are numbered without a hole": (REGISTERED, frozen((1, 1), count=1, total=50000, batch=2)),
    "an open payment is not owed a document": (OPEN, owed(1)),
    "what was not begun cannot be voided": (PAID, voided(1)),
    "a note is not returned without its intent": ((opened(1),), returned(1, 1)),
    "a note is not returned to another payment": (OPEN, returned(2, 1)),
    "an orphan has the next number": ((opened(1),), e.OrphanFound(note=2, value=None, evidence="test")),
    "an orphan is worth something or unknown": ((), e.OrphanFound(note=1, value=0, evidence="test")),
    "one cassette is out at a time": ((e.CassetteRemoved(last_note=0),), e.CassetteRemoved(last_note=0)),
    "a cassette that is in its place is not inserted": ((), e.CassetteInserted()),
    "a note in flight does not leave with the cassette": (OPEN, e.CassetteRemoved(last_note=1)),
    "a cassette that never left is not put back": ((), put_back(1)),
    "a removal is explained once": (
        (e.CassetteRemoved(last_note=0), put_back(1)),
        put_back(1),
    ),
    "a collection names a removal that there was": (PAID, collected(1, (50000, 1), removal=1)),
    "a collection holds what its removal tells of": (
        (e.CassetteRemoved(last_note=0), *PAID),
        collected(1, (50000, 1), removal=1),
    ),
    "a note in flight is not collected": (OPEN, collected(1)),
    "a note is not collected twice": (
        (*PAID, collected(1, (50000, 1))),
        collected(1, (50000, 1), collection=2),
    ),
    "a note is not collected anew": ((*PAID, collected(1, (50000, 1))), collected(0, collection=2)),
    "a collection holds all that fell": (PAID, collected(1)),
    "a collection holds no more than fell": (PAID, collected(1, (50000, 2))),
    "collections are numbered without a hole": (PAID, collected(1, (50000, 1), collection=2)),
    "a document of another fiscal drive needs its own intent": (
        REGISTERING,
        msgspec.structs.replace(registered(1, 1001, 50000), drive_serial="another"),
    ),
    "a batch's name is used once": (
        (*REGISTERED, frozen((1, 1), count=1, total=50000)),
        msgspec.structs.replace(frozen(count=0, total=0, batch=2), name="KASSA_1.csv"),
    ),
    "a batch is written under its own name": (
        (*REGISTERED, frozen((1, 1), count=1, total=50000)),
        e.BatchWritten(batch=1, name="KASSA_2.csv"),
    ),
    "a batch holds payments that there are": (REGISTERED, frozen((1, 2), count=2, total=50000)),
    "a payment stands once in its batch": (REGISTERED, frozen((1, 1), (1, 1), count=2, total=100000)),
    "a batch that was not frozen is not written": ((), e.BatchWritten(batch=1, name="KASSA_1.csv")),
    "an entry that cannot be read again is not written": ((), e.Started(version="\ud800", terminal="1")),
}


@pytest.mark.parametrize(
    ("before", "entry"), REFUSED.values(), ids=[key.replace(" ", "_") for key in REFUSED]
)
def test_the_journal_refuses_and_stays_as_it_was(journal, before, entry):
    for one in before:
        journal.append(one)
    head = journal.head()

    with pytest.raises(EntryRefused):
        journal.append(entry)

    assert journal.head() == head
    assert verify(journal).ok
    journal.append(e.Stopped())


OF_A_ROW = {"a note is worth something", "an orphan is worth something or unknown"}
"""Held by a constraint, so the second opinion only sees that the row is another."""
UNREADABLE = "an entry that cannot be read again is not written"


@pytest.mark.parametrize("promise", sorted(REFUSED.keys() - {UNREADABLE}))
def test_whoever_forces_such_an_entry_into_the_chain_is_found_out(path, journal, promise):
    before, entry = REFUSED[promise]
    for one in before:
        journal.append(one)
    seq, head = journal.head()
    at, kind, body = "2026-11-25T10:00:00.000+00:00", e.kind(entry), e.encode(entry)
    row = (seq + 1, at, kind, body, link(bytes.fromhex(head), seq + 1, at, kind, body))
    with journal.reading() as db:
        db.execute("INSERT INTO entries VALUES (?, ?, ?, ?, ?)", row)
    journal.close()

    with closing(Journal.open(path, CountingClock())) as forged:
        verdict = verify(forged)
    if promise in OF_A_ROW:
        assert verdict.at == "notes 1"
    else:
        assert verdict.at == f"entry {seq + 1}"
        assert f"entry {seq + 1} contradicts the entries before it: " in verdict.problem


def test_a_document_number_is_used_once_on_a_fiscal_drive(journal):
    for one in REGISTERED:
        journal.append(one)
    for one in (
        opened(2),
        intended(2, 2, 50000),
        stacked(2, 2, 50000),
        credited(2, 50000),
        registering(2, 1000),
    ):
        journal.append(one)
    for again in (registered(2, 1001, 50000), found(2, 1001)):
        with pytest.raises(EntryRefused):
            journal.append(again)


def test_a_transaction_is_written_whole_or_not_at_all(journal):
    with pytest.raises(EntryRefused):
        journal.append(opened(1), intended(1, 1, 50000), stacked(1, 2, 50000))
    assert journal.head()[0] == 0
    assert journal.open_payment() is None


def test_a_note_may_turn_out_to_be_worth_something_else_than_intended(journal):
    for one in (*OPEN, stacked(1, 1, 10000), credited(1, 10000)):
        journal.append(one)
    assert journal.cassette() == {10000: 1}
    assert journal.payment(payment_number(1)).paid == 10000


def test_a_payment_without_its_document_goes_out_as_owed_and_the_document_may_follow(journal):
    for one in (
        *PAID,
        owed(1),
        frozen((1, 1), count=1, total=50000),
        registering(1, 1000),
        registered(1, 1001, 50000),
    ):
        journal.append(one)
    record = journal.payment(payment_number(1))
    assert (record.batch, record.document.number) == (1, 1001)
    assert verify(journal).ok


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entries SET body = '{}'",
        "DELETE FROM entries",
        "INSERT INTO entries VALUES (99, '', '', '', zeroblob(32))",
        "INSERT OR REPLACE INTO entries VALUES (1, '', '', '', zeroblob(32))",
        "UPDATE payments SET paid = 1",
        "UPDATE payments SET account = '1'",
        "UPDATE payments SET document = 'none'",
        "UPDATE payments SET batch = 2",
        "DELETE FROM payments",
        "UPDATE notes SET value = 1",
        "DELETE FROM notes",
        "UPDATE documents SET sign = 1",
        "DELETE FROM documents",
        "DELETE FROM batches",
    ],
)
def test_the_database_itself_refuses_what_is_never_done(path, journal, statement):
    for entries in visit(1, 1, (50000,), 1001):
        journal.append(*entries)
    journal.append(frozen((1, 1), count=1, total=50000))
    journal.close()

    sealed = SealedVFS("test")
    with closing(apsw.Connection(str(path), vfs=sealed.name)) as db:
        db.execute("PRAGMA locking_mode = exclusive")
        with pytest.raises(apsw.ConstraintError):
            db.execute(statement)
    sealed.unregister()
