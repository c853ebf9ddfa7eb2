"""What the journal answers: every question, asked of a small story whose answer is known."""

from contextlib import closing
from datetime import datetime

import msgspec
import pytest
from counting_clock import CountingClock
from entry_stories import (
    DRIVE,
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
    visits,
)

from kassa.export.batch import contents, freeze
from kassa.journal import entries as e
from kassa.journal.records import (
    BatchRecord,
    BatchRow,
    CassetteRecord,
    ConditionRecord,
    DocumentRecord,
    DueCount,
    LastNote,
    LateDecision,
    NoteRecord,
    NoteToExplain,
    OpenIntent,
    OpenPayment,
    PaymentRecord,
    PendingDocument,
    SnapshotRecord,
    StoryLine,
    Totals,
    ValidatorCount,
    WrongPins,
)
from kassa.journal.store import Journal, JournalBroken
from kassa.journal.tables import EntryRefused

FIRST, SECOND, THIRD = (payment_number(ordinal) for ordinal in (1, 2, 3))
STARTED = e.Started(version="1.0.0", terminal="00042")


def write(journal, *transactions):
    for entries in transactions:
        journal.append(*entries)


def at(journal, seq):
    return journal.entry(seq)[0]


def freeze_all(journal, clock):
    return freeze(journal, "90001", "00042", clock, "utf-8")


def batch_written(journal, number):
    journal.append(e.BatchWritten(batch=number, name=journal.batch(number).name))


# --- money ---------------------------------------------------------------------------------------------------------


def test_a_new_journal_knows_of_nothing(journal):
    assert journal.open_intent() is None
    assert journal.open_payment() is None
    assert journal.last_note() is None
    assert journal.last_document() is None
    assert journal.last_snapshot() is None
    assert journal.payment(FIRST) is None
    assert journal.batch(1) is None
    assert journal.cassette() == {}
    assert journal.to_explain() == (0, 0)
    assert journal.payments() == journal.batches() == journal.conditions() == []
    assert journal.fiscal_pending() == ()
    assert (journal.next_payment(), journal.next_note(), journal.next_batch()) == (1, 1, 1)
    assert journal.totals() == Totals(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)


def test_a_note_in_flight_is_known_with_its_payment_until_it_has_a_fate(journal):
    journal.append(opened(1), intended(1, 1, 50000))
    assert journal.open_intent() == OpenIntent(FIRST, 1, 50000, None)
    assert journal.open_payment() == OpenPayment(FIRST, "internet", "0017742", 0)
    assert journal.last_note() == LastNote(1, 50000, "intended", FIRST, False)

    journal.append(stacked(1, 1, 50000))
    assert journal.open_intent() is None
    assert journal.open_payment() == OpenPayment(FIRST, "internet", "0017742", 50000)
    assert journal.last_note() == LastNote(1, 50000, "stacked", FIRST, False)

    journal.append(credited(1, 50000))
    assert journal.open_payment() is None


def test_a_contact_stays_with_its_payment_until_the_document_is_there(path, journal):
    write(journal, (opened(1), intended(1, 1, 1), stacked(1, 1, 1), credited(1, 1)))
    journal.append(opened(2, contact="+79991234567"), intended(2, 2, 50000))
    journal.close()
    with closing(Journal.open(path, CountingClock())) as again:
        assert again.open_payment() == OpenPayment(SECOND, "internet", "0017742", 0, "+79991234567")
        again.append(stacked(2, 2, 50000), credited(2, 50000))
        again.append(e.DocumentOwed(payment=SECOND, reason="test"), registering(2, 1000))
        assert [waiting.contact for waiting in again.fiscal_pending()] == [None, "+79991234567"]
        assert "9991234567" not in repr([again.fiscal_pending(), again.payments()])


def test_a_contact_stands_in_no_payment_file(journal, clock):
    write(journal, (opened(1, contact="ivan@example.ru"), intended(1, 1, 50000), stacked(1, 1, 50000)))
    write(journal, (credited(1, 50000), registering(1, 1000), registered(1, 1001, 50000)))
    freeze_all(journal, clock)
    assert b"example" not in b"".join(contents(journal, 1)[1])


def test_the_newest_evidence_of_the_note_in_flight_is_told_and_no_other_notes(journal):
    def evidence(note, what):
        return e.EvidenceFound(payment=FIRST, note=note, evidence=what)

    journal.append(opened(1), intended(1, 1, 50000))
    write(journal, (evidence(1, "note_in_head"),), (evidence(1, "note_in_stacker"),))
    assert journal.open_intent().evidence == "note_in_stacker"

    write(journal, (stacked(1, 1, 50000),), (intended(1, 2, 10000),))
    assert journal.open_intent() == OpenIntent(FIRST, 2, 10000, None)


def test_the_validator_should_have_counted_what_it_said_before_a_note_and_what_lies_in_the_cassette_since(
    journal,
):
    def counting(note, stacked, payment=FIRST):
        return e.StackIntended(payment=payment, note=note, value=10000, counted=("1873452", stacked))

    assert journal.due_count() is None
    journal.append(opened(1), intended(1, 1, 50000), stacked(1, 1, 50000))
    assert journal.due_count() is None, "this validator does not tell"

    journal.append(counting(2, 40))
    assert journal.due_count() == DueCount("1873452", 40), "the note in flight is not among them"
    journal.append(stacked(1, 2, 10000))
    assert journal.due_count() == DueCount("1873452", 41)
    journal.append(counting(3, 41))
    journal.append(e.NoteReturned(payment=FIRST, note=3, reason="test"))
    assert journal.due_count() == DueCount("1873452", 41)
    journal.append(e.OrphanFound(note=4, value=None, evidence="test"))
    assert journal.due_count() == DueCount("1873452", 42)

    journal.append(credited(1, 60000), opened(2), intended(2, 5, 50000))
    assert journal.due_count() is None, "another validator, which does not tell"


def test_the_last_note_tells_whether_it_was_credited_in_doubt_or_belongs_to_nobody(journal):
    journal.append(opened(1), intended(1, 1, 50000))
    journal.append(e.NoteStacked(payment=FIRST, note=1, value=50000, uncertain=True))
    assert journal.last_note() == LastNote(1, 50000, "stacked", FIRST, True)

    journal.append(e.OrphanFound(note=2, value=None, evidence="test"))
    assert journal.last_note() == LastNote(2, None, "orphan", None, False)
    assert journal.cassette() == {0: 1, 50000: 1}


def test_the_next_numbers_follow_what_was_written(journal, clock):
    write(journal, *visits(3))
    freeze_all(journal, clock)
    assert (journal.next_payment(), journal.next_note(), journal.next_batch()) == (4, 7, 2)


def test_payments_up_to_the_applied_batch_are_in_the_data(journal, clock):
    write(journal, *visits(1))
    freeze_all(journal, clock)
    write(journal, *visit(2, 3, (10000,), 1002))
    freeze_all(journal, clock)
    write(journal, *visit(3, 4, (5000,), 1003))

    def newer(applied_batch):
        return journal.paid_since("internet", "0017742", None, applied_batch)

    assert [newer(batch) for batch in (0, 1, 2)] == [75000, 15000, 5000]


def test_only_money_that_was_credited_to_that_account_counts(journal):
    write(journal, *visit(1, 1, (50000,), 1001))
    journal.append(opened(2, account="0000001"), intended(2, 2, 10000))
    write(journal, (stacked(2, 2, 10000),))
    assert journal.paid_since("internet", "0017742", None) == 50000
    assert journal.paid_since("internet", "0000001", None) == 0


# --- payments ------------------------------------------------------------------------------------------------------


def test_a_payment_is_told_with_its_notes_its_document_and_its_batch(journal, clock):
    write(journal, *visit(1, 1, (50000, 10000), 1001))
    freeze_all(journal, clock)
    name = journal.batch(1).name
    document = DocumentRecord(
        FIRST, 1001, 3141592653, "2026-11-25T12:00:00+03:00", DRIVE, 57, 60000, True
    )  # fmt: skip
    notes = (NoteRecord(1, 50000, "stacked", False), NoteRecord(2, 10000, "stacked", False))
    assert journal.payment(FIRST) == PaymentRecord(
        1, FIRST, "internet", "0017742", "credited", 60000, "finish", at(journal, 1), at(journal, 6), False, None,
        document, 1, name, notes,
    )  # fmt: skip
    assert journal.payments() == [journal.payment(FIRST)]


def test_a_payment_without_a_document_tells_what_is_tried_for_it(journal):
    write(journal, (opened(1), intended(1, 1, 50000)))
    journal.append(e.NoteStacked(payment=FIRST, note=1, value=50000, uncertain=True))
    write(
        journal,
        (credited(1, 50000),),
        (e.DocumentOwed(payment=FIRST, reason="test"),),
        (registering(1, 1000),),
    )

    record = journal.payment(FIRST)
    assert (record.owed, record.fiscal_intent, record.document, record.batch) == (
        True,
        (DRIVE, 1000),
        None,
        None,
    )
    assert record.notes == (NoteRecord(1, 50000, "stacked", True),)


def test_a_story_tells_when_each_entry_was_written(journal):
    write(journal, (opened(1), intended(1, 1, 50000)), (stacked(1, 1, 50000),))
    assert journal.story(FIRST) == [
        StoryLine(1, at(journal, 1), opened(1)),
        StoryLine(2, at(journal, 2), intended(1, 1, 50000)),
        StoryLine(3, at(journal, 3), stacked(1, 1, 50000)),
    ]


def test_a_story_goes_on_to_its_file_and_passes_over_what_is_between(journal, clock):
    write(journal, *visits(2))
    freeze_all(journal, clock)
    batch_written(journal, 1)
    story = journal.story(FIRST)
    assert [e.kind(line.entry) for line in story[-3:]] == [
        "document_registered",
        "batch_frozen",
        "batch_written",
    ]
    assert all(getattr(line.entry, "payment", FIRST) == FIRST for line in story)


def test_the_story_of_a_payment_that_is_not_over_has_the_latest_restart(journal):
    write(journal, (opened(1), intended(1, 1, 50000)), (e.Stopped(),), (STARTED,))
    assert [e.kind(line.entry) for line in journal.story(FIRST)][-2:] == ["stopped", "started"]


# --- fiscal documents ----------------------------------------------------------------------------------------------


def test_payments_wait_for_their_document_oldest_first_and_tell_what_was_begun(journal):
    write(journal, *visit(1, 1, (50000,), 1001))
    for ordinal, note in ((2, 2), (3, 3)):
        write(journal, (opened(ordinal, service="tv"), intended(ordinal, note, 10000)))
        write(journal, (stacked(ordinal, note, 10000),), (credited(ordinal, 10000),))
    write(journal, (registering(2, 1001),), (e.DocumentOwed(payment=THIRD, reason="test"),))
    write(journal, (opened(4), intended(4, 4, 50000)))

    assert journal.fiscal_pending() == (
        PendingDocument(
            SECOND,
            "tv",
            "0017742",
            10000,
            (DRIVE, 1001),
            False,
            credited_at=journal.payment(SECOND).credited_at,
        ),
        PendingDocument(
            THIRD, "tv", "0017742", 10000, None, True, credited_at=journal.payment(THIRD).credited_at
        ),
    )


def test_a_payment_is_late_when_a_shift_was_closed_since_and_what_a_person_decided_last_counts(journal):
    journal.append(e.ShiftClosed(number=56, document_number=1000, drive_serial=DRIVE))
    write(journal, (opened(1), intended(1, 1, 50000)), (stacked(1, 1, 50000),), (credited(1, 50000),))
    assert not journal.fiscal_pending()[0].is_late

    journal.append(e.ShiftClosed(number=57, document_number=1001, drive_serial=DRIVE))
    [waiting] = journal.fiscal_pending()
    assert (waiting.is_late, waiting.decision) == (True, None)

    decided = e.LateDocumentDecided(
        payment=FIRST, document="correction", act="7", by="Petrov", reason="no paper"
    )
    journal.append(decided)
    assert journal.fiscal_pending()[0].decision == LateDecision("correction", "7")
    journal.append(registering(1, 1001))
    with pytest.raises(EntryRefused, match="no open intent"):
        journal.append(decided)
    journal.append(e.FiscalVoided(payment=FIRST, reason="refused"))
    journal.append(msgspec.structs.replace(decided, document="receipt"))
    assert journal.fiscal_pending()[0].decision == LateDecision("receipt", "7")


def unprinted(ordinal, number, total):
    return msgspec.structs.replace(registered(ordinal, number, total), printed=False)


def test_a_document_without_paper_is_told_until_a_copy_of_it_was_printed(journal):
    for ordinal, contact in ((1, None), (2, "ivan.petrov@example.ru")):
        write(journal, (opened(ordinal, contact=contact), intended(ordinal, ordinal, 50000)))
        write(journal, (stacked(ordinal, ordinal, 50000), credited(ordinal, 50000)))
        write(journal, (registering(ordinal, 1000 + ordinal), unprinted(ordinal, 1001 + ordinal, 50000)))
    first, second = journal.unprinted()
    assert (first.document.number, first.contact) == (1002, None)
    assert (second.document, second.contact) == (journal.payment(SECOND).document, "ivan.petrov@example.ru")
    assert "petrov" not in repr(second)

    journal.append(e.CopyPrinted(payment=FIRST, by="Petrov"))
    assert journal.unprinted() == (second,)
    assert journal.payment(FIRST).copies == 1
    assert journal.story(FIRST)[-1].entry == e.CopyPrinted(payment=FIRST, by="Petrov")
    assert journal.made_document(FIRST) == first


def test_no_copy_is_of_a_document_that_was_not_made(journal):
    write(journal, (opened(1), intended(1, 1, 50000), stacked(1, 1, 50000), credited(1, 50000)))
    assert journal.made_document(FIRST) is None
    for payment in (FIRST, SECOND):
        with pytest.raises(EntryRefused, match="a copy is of a document that was made"):
            journal.append(e.CopyPrinted(payment=payment, by="Petrov"))


@pytest.mark.parametrize(
    "ends",
    [
        e.StaffAdmitted(name="Petrov", role="administrator", act="settle_document"),
        e.StaffPinSet(name="Petrov", role="administrator"),
        e.StaffRemoved(name="Petrov"),
    ],
    ids=e.kind,
)
def test_wrong_pins_are_counted_by_name_until_a_right_or_a_new_one(journal, ends):
    assert journal.wrong_pins("Petrov") is None
    for name in ("Petrov", "Petrova", "Petrov"):
        journal.append(e.StaffRefused(name=name, act="settle_document"))
    assert journal.wrong_pins("Petrov") == WrongPins(2, journal.entry(journal.head()[0])[0])

    journal.append(ends)
    assert journal.wrong_pins("Petrov") is None
    assert journal.wrong_pins("Petrova").count == 1


def test_shifts_are_told_with_their_receipts_and_what_the_registrar_counted(journal):
    old, new = {"drive_serial": DRIVE}, {"drive_serial": "another"}
    write(journal, *visits(1))  # before anybody asked the registrar
    journal.append(e.ShiftCounted(**old, number=57, receipts=1, total=60000))
    journal.append(e.ShiftClosed(**old, number=57, document_number=1003))
    journal.append(e.ShiftOpened(**old, number=58, document_number=1004))
    journal.append(e.ShiftClosed(**old, number=58, document_number=1005))
    journal.append(e.ShiftOpened(**new, number=57, document_number=2))
    journal.append(e.ShiftCounted(**new, number=57, receipts=1, total=60000))
    journal.append(e.ShiftClosed(**new, number=57, document_number=3))
    journal.append(e.ShiftOpened(**new, number=58, document_number=4))

    found = journal.shifts()

    assert [(one.drive_serial, one.number, one.receipts, one.total) for one in found] == [
        (DRIVE, 57, 1, 60000), (DRIVE, 58, 0, 0), ("another", 57, 0, 0), ("another", 58, 0, 0),
    ]  # fmt: skip
    assert [(one.counted_receipts, one.counted_total, one.differs) for one in found] == [
        (1, 60000, False), (None, None, False), (1, 60000, True), (None, None, False),
    ]  # fmt: skip
    assert [(one.opened_at is None, one.closed_at is None) for one in found] == [
        (True, False), (False, False), (False, False), (False, True),
    ]  # fmt: skip
    assert journal.shifts(last=1) == found[-1:]


def test_an_attempt_that_left_no_document_is_no_longer_open(journal):
    write(journal, (opened(1), intended(1, 1, 50000)), (stacked(1, 1, 50000),), (credited(1, 50000),))
    write(journal, (registering(1, 1000),), (e.FiscalVoided(payment=FIRST, reason="test"),))
    [waiting] = journal.fiscal_pending()
    assert waiting.intent is None
    write(journal, (registering(1, 1000),), (registered(1, 1001, 50000),))
    assert journal.fiscal_pending() == ()


def test_a_document_that_a_person_found_is_the_payments_over_its_whole_sum_and_on_no_paper(journal):
    write(journal, (opened(1), intended(1, 1, 50000)), (stacked(1, 1, 50000),), (credited(1, 50000),))
    write(journal, (registering(1, 1000),), (found(1, 1001),))

    assert journal.fiscal_pending() == ()
    record = journal.payment(FIRST)
    assert record.fiscal_intent is None
    assert record.document == DocumentRecord(
        FIRST, 1001, 3141592653, "2026-11-25T12:00:00+03:00", DRIVE, 57, 50000, False
    )
    assert [made.document.payment for made in journal.unprinted()] == [FIRST]
    assert journal.documents_after(DRIVE, 1000) == {1001}
    assert [row.document for row in journal.batch_ready(10)] == [1001]
    assert journal.story(FIRST)[-1].entry == found(1, 1001)


def test_a_document_that_a_person_excluded_is_begun_anew_or_decided_upon(journal):
    write(journal, (opened(1), intended(1, 1, 50000)), (stacked(1, 1, 50000),), (credited(1, 50000),))
    write(journal, (registering(1, 1000),), (excluded(1),))

    [waiting] = journal.fiscal_pending()
    assert waiting.intent is None
    write(journal, (registering(1, 1000),), (registered(1, 1001, 50000),))
    assert journal.story(FIRST)[-3].entry == excluded(1)


def test_the_last_document_is_the_one_that_was_registered_last_whatever_its_number(journal):
    """Another fiscal drive begins with number 1."""
    write(journal, *visit(1, 1, (50000,), 1001))
    write(journal, (opened(2), intended(2, 2, 10000)), (stacked(2, 2, 10000),), (credited(2, 10000),))
    journal.append(e.FiscalIntended(payment=SECOND, drive_serial="another", last_document=0))
    journal.append(
        e.DocumentRegistered(
            payment=SECOND, number=1, sign=7, at="2026-11-26T12:00:00+03:00", drive_serial="another", shift=1,
            total=10000, printed=False,
        )
    )  # fmt: skip
    assert journal.last_document() == DocumentRecord(
        SECOND, 1, 7, "2026-11-26T12:00:00+03:00", "another", 1, 10000, False
    )  # fmt: skip


def test_documents_after_a_number_are_those_of_that_very_drive(journal):
    write(journal, *visits(3))
    assert journal.documents_after(DRIVE, 1001) == {1002, 1003}
    assert journal.documents_after(DRIVE, 1003) == frozenset()
    assert journal.documents_after("another", 0) == frozenset()


# --- batches -------------------------------------------------------------------------------------------------------


def test_batches_are_told_oldest_first_and_which_of_them_still_have_no_file(journal, clock):
    for ordinal in (1, 2, 3):
        write(journal, *visit(ordinal, ordinal, (10000 * ordinal,), 1000 + ordinal))
        freeze_all(journal, clock)
    batch_written(journal, 2)

    assert [(one.number, one.is_written) for one in journal.batches()] == [(1, False), (2, True), (3, False)]
    assert [one.number for one in journal.batches(only_unwritten=True)] == [1, 3]
    record = journal.batch(2)
    frozen = journal.entry(record.frozen_seq)[1]
    assert record == BatchRecord(
        2, frozen.name, 1, 20000, frozen.sha256, frozen.until, record.frozen_seq, True
    )
    assert record in journal.batches()


def test_what_may_go_into_a_batch_has_a_document_or_is_owed_one_and_is_in_none(journal, clock):
    write(journal, *visits(1))
    freeze_all(journal, clock)
    write(journal, *visit(2, 3, (10000,), 1002))
    for ordinal, note in ((3, 4), (4, 5)):
        write(journal, (opened(ordinal), intended(ordinal, note, 5000)))
        write(journal, (stacked(ordinal, note, 5000),), (credited(ordinal, 5000),))
    journal.append(e.DocumentOwed(payment=payment_number(4), reason="test"))

    assert [(row.ordinal, row.paid, row.document) for row in journal.batch_ready(10)] == [
        (2, 10000, 1002),
        (4, 5000, None),
    ]
    assert [row.ordinal for row in journal.batch_ready(1)] == [2]

    freeze_all(journal, clock)
    assert (journal.batch(2).payments, journal.batch(2).total) == (2, 15000)
    assert journal.batch_ready(10) == []


def test_a_payment_is_ready_with_its_document_when_nothing_has_come_after_it(journal):
    write(journal, *visits(1))
    assert isinstance(journal.entry(journal.head()[0])[1], e.DocumentRegistered)

    assert [row.document for row in journal.batch_ready(10)] == [1001]


def test_a_row_of_a_batch_shows_no_document_that_came_after_the_entry_it_was_frozen_by(journal):
    write(journal, *visits(2))
    seq = journal.head()[0]  # that of the second payment's document
    first, second = journal.payments()
    assert list(journal.batch_rows([(1, 1), (2, 2)], seq)) == [
        BatchRow(1, FIRST, "0017742", "internet", first.credited_at, 60000, 1001, 3141592653),
        BatchRow(2, SECOND, "0017742", "internet", second.credited_at, 60000, None, None),
    ]
    assert [row.document for row in journal.batch_rows([(1, 2)], seq + 1)] == [1001, 1002]


# --- the rest ------------------------------------------------------------------------------------------------------


def test_an_entry_is_told_with_its_time_and_its_hash(journal):
    journal.append(STARTED)
    written_at, entry, hashed = journal.entry(1)
    assert datetime.fromisoformat(written_at).utcoffset() is not None
    assert (entry, hashed.hex()) == (STARTED, journal.head()[1])


def test_an_entry_that_is_not_there_breaks_the_journal_at_its_number(journal):
    with pytest.raises(JournalBroken, match="entry 7 is missing") as broken:
        journal.entry(7)
    assert broken.value.at == "entry 7"


def test_the_data_in_use_are_those_adopted_last(journal):
    for number in (1, 2):
        journal.append(
            e.SnapshotAdopted(sha256=f"{number}" * 64, file=f"{number}.csv", accounts=number, as_of="x")
        )
    assert journal.last_snapshot() == SnapshotRecord("2" * 64, "2.csv", 2, "x")


def test_conditions_are_told_by_their_code(journal):
    for code in ("printer_paper_out", "disk_low"):
        journal.append(e.ConditionRaised(code=code, detail=code.upper()))
    assert journal.conditions() == [
        ConditionRecord("disk_low", "DISK_LOW", at(journal, 2)),
        ConditionRecord("printer_paper_out", "PRINTER_PAPER_OUT", at(journal, 1)),
    ]


def shifts(journal):
    with journal.reading() as db:
        return [
            tuple(row)
            for row in db.execute("SELECT seq, number, opened_document, closed_document FROM shifts")
        ]


def test_a_shift_is_one_row_from_its_opening_to_its_end(journal):
    write(
        journal,
        (e.ShiftOpened(number=57, document_number=900),),
        (e.ShiftClosed(number=57, document_number=990),),
    )
    write(journal, (e.ShiftOpened(number=58, document_number=991),))
    assert shifts(journal) == [(1, 57, 900, 990), (3, 58, 991, None)]


def test_a_shift_that_was_opened_before_we_knew_the_registrar_gets_its_row_at_its_end(journal):
    write(journal, (STARTED,), (STARTED,), (e.ShiftClosed(number=56, document_number=880),))
    write(journal, (e.ShiftOpened(number=57, document_number=881),))
    assert shifts(journal) == [(3, 56, None, 880), (4, 57, 881, None)]


def test_a_shift_with_the_number_of_an_older_one_is_another_shift(journal):
    """A new fiscal drive counts its shifts anew."""
    for document in (900, 1):
        write(journal, (e.ShiftOpened(number=1, document_number=document),))
        write(journal, (e.ShiftClosed(number=1, document_number=document + 9),))
    assert shifts(journal) == [(1, 1, 900, 909), (3, 1, 1, 10)]


def test_the_latest_of_two_open_shifts_of_one_number_is_closed(journal):
    for document in (900, 1):
        write(journal, (e.ShiftOpened(number=1, document_number=document),))
    write(journal, (e.ShiftClosed(number=1, document_number=10),))
    assert shifts(journal) == [(1, 1, 900, None), (2, 1, 1, 10)]


def test_every_kind_of_entry_is_counted(journal):
    refused = e.ImportRefused(file="x.csv", reason="test")
    write(journal, (STARTED,), (e.Stopped(),), (STARTED, refused), *visit(1, 1, (50000, 10000), 1001))
    with journal.reading() as db:
        counted = dict(db.execute("SELECT kind, entries FROM kinds").fetchall())
    assert counted == {
        "started": 2, "stopped": 1, "import_refused": 1, "payment_opened": 1, "stack_intended": 2, "note_stacked": 2,
        "payment_credited": 1, "fiscal_intended": 1, "document_registered": 1,
    }  # fmt: skip


def test_a_file_that_was_written_again_was_written_when_it_was_first(journal, clock):
    write(journal, *visits(1))
    freeze_all(journal, clock)
    batch_written(journal, 1)
    seq = journal.head()[0]
    batch_written(journal, 1)
    with journal.reading() as db:
        assert db.execute("SELECT written_seq FROM batches").get == seq


def test_the_totals_tell_every_note_payment_document_and_batch_once(journal, clock):
    write(journal, *visits(2))
    freeze_all(journal, clock)
    write(journal, *visit(3, 5, (5000,), 1003))
    write(journal, (opened(4), intended(4, 6, 1000)))
    journal.append(e.NoteStacked(payment=payment_number(4), note=6, value=1000, uncertain=True))
    journal.append(credited(4, 1000))
    journal.append(e.OrphanFound(note=7, value=10000, evidence="test"))
    write(journal, (opened(5), intended(5, 8, 500)), (stacked(5, 8, 500),), (intended(5, 9, 100),))
    journal.append(e.NoteReturned(payment=payment_number(5), note=9, reason="test"))

    assert journal.totals() == Totals(
        entries=journal.head()[0], payments=5, credited=126000, paid_open=500, notes=8, uncertain=1, orphans=1,
        documents=3, documents_missing=1, batches=1, unbatched=2,
    )  # fmt: skip
    assert journal.to_explain() == (1, 1)


def collect(journal, number, removal=None):
    lay = journal.lies_in_cassette(removal)
    journal.append(
        e.CashCollected(
            collection=number, removal=removal and removal.seq, last_note=lay.last_note, notes=lay.notes, by="Petrov"
        )
    )  # fmt: skip


def leave(journal):
    journal.append(e.CassetteRemoved(last_note=journal.last_fallen_note()))
    journal.append(e.CassetteInserted())
    return journal.removals()[-1]


def test_a_collection_takes_what_lay_there_when_the_cassette_left(journal):
    write(journal, *visit(1, 1, (50000, 10000), 1001))
    left = leave(journal)
    write(journal, *visit(2, 3, (10000,), 1002))
    collect(journal, 1, left)
    assert journal.cassette() == {10000: 1}
    assert journal.lies_in_cassette().notes == ((10000, 1),)
    (collection,) = journal.collections()
    assert (collection.by, collection.cassette.notes, collection.cassette.total) == (
        "Petrov", ((10000, 1), (50000, 1)), 60000,
    )  # fmt: skip
    assert collection.head == journal.head()
    assert journal.lies_in_cassette().since == collection.cassette.until == left.at


def test_a_collector_is_told_of_the_notes_of_this_cassette_alone(journal):
    write(journal, (opened(1), intended(1, 1, 1000)))
    journal.append(e.NoteStacked(payment=payment_number(1), note=1, value=1000, uncertain=True))
    journal.append(e.OrphanFound(note=2, value=None, evidence="test"))
    assert journal.to_explain() == (1, 1)
    collect(journal, 1)
    journal.append(e.OrphanFound(note=3, value=10000, evidence="test"))
    assert journal.to_explain() == (1, 0)
    assert journal.lies_in_cassette().to_explain == (NoteToExplain(3, 10000, None),)
    (collection,) = journal.collections()
    assert collection.cassette.to_explain == (
        NoteToExplain(1, 1000, payment_number(1)), NoteToExplain(2, None, None),
    )  # fmt: skip


def test_collections_are_numbered_and_told_from_the_oldest_on(journal):
    found = []
    for number in (1, 2):
        assert journal.next_collection() == number
        write(journal, *visit(number, number, (50000,), 1000 + number))
        collect(journal, number)
        at, _, hashed = journal.entry(journal.head()[0])
        found.append((number, at, "Petrov", ((50000, 1),), (journal.head()[0], hashed.hex())))
    told = [(one.number, one.at, one.by, one.cassette.notes, one.head) for one in journal.collections()]
    assert told == found
    assert [one.number for one in journal.collections(last=1)] == [2]
    assert [one.number for one in journal.collections(last=2)] == [1, 2]


def test_a_cassette_that_left_is_told_before_anybody_says_why(journal):
    write(journal, (opened(1), note_of("A", 1, 70), stacked(1, 1, 1000)))
    write(journal, (note_of("A", 2, 71), stacked(1, 2, 1000)), (note_of("A", 3, 72),))
    left = leave(journal)
    write(journal, (stacked(1, 3, 1000),), (note_of("A", 4, 73), stacked(1, 4, 1000)))
    assert journal.lies_in_cassette(left) == CassetteRecord(
        last_note=2, since=None, until=left.at, notes=((1000, 2),), to_explain=(), perhaps_before=(),
        perhaps_behind=(3,), count=ValidatorCount("A", 1, 1),
    )  # fmt: skip


def test_the_removals_to_be_explained_are_told_oldest_first(journal):
    write(journal, *visit(1, 1, (50000,), 1001))
    first = leave(journal)
    write(journal, *visit(2, 2, (10000,), 1002))
    second = leave(journal)
    assert journal.removals() == (first, second)
    assert (first.last_note, second.last_note) == (1, 2)
    journal.append(e.CassettePutBack(removal=first.seq, by="Petrov"))
    assert journal.removals() == (second,)


def test_who_collects_a_later_cassette_says_that_the_earlier_ones_came_back(journal):
    write(journal, *visit(1, 1, (50000,), 1001))
    leave(journal)
    write(journal, *visit(2, 2, (10000,), 1002))
    collect(journal, 1, leave(journal))
    assert journal.removals() == ()


def test_a_note_that_was_given_back_does_not_make_another_cassette(journal):
    write(journal, *visit(1, 1, (50000,), 1001), (opened(2), intended(2, 2, 10000)))
    first = leave(journal)
    journal.append(e.NoteReturned(payment=payment_number(2), note=2, reason="test"))
    assert leave(journal).last_note == first.last_note == 1


def test_notes_that_were_settled_while_a_cassette_left_may_lie_in_either(journal):
    write(journal, *visit(1, 1, (50000,), 1001), (opened(2), intended(2, 2, 10000)))
    left = leave(journal)
    write(journal, (stacked(2, 2, 10000),))
    journal.append(e.OrphanFound(note=3, value=None, evidence="test"))
    write(journal, (intended(2, 4, 10000),), (stacked(2, 4, 10000),))
    collect(journal, 1, left)
    (collection,) = journal.collections()
    assert (collection.cassette.perhaps_before, collection.cassette.perhaps_behind) == ((), (2, 3))
    now = journal.lies_in_cassette()
    assert (now.perhaps_before, now.perhaps_behind) == ((2, 3), ())


def note_of(unit, number, counted):
    return e.StackIntended(payment=payment_number(1), note=number, value=1000, counted=(unit, counted))


def test_the_validators_own_count_is_held_against_the_notes_of_this_cassette(journal):
    write(journal, (opened(1), note_of("A", 1, 70), stacked(1, 1, 1000)))
    assert journal.lies_in_cassette().count is None
    write(
        journal, (note_of("B", 2, 2**32 - 1), stacked(1, 2, 1000)), (note_of("B", 3, 0), stacked(1, 3, 1000))
    )
    assert journal.lies_in_cassette().count == ValidatorCount("B", 1, 1)
    write(journal, (note_of("B", 4, 2), stacked(1, 4, 1000)))
    assert journal.lies_in_cassette().count == ValidatorCount("B", 3, 2)
    collect(journal, 1)
    assert journal.lies_in_cassette().count is None
    assert journal.collections()[0].cassette.count == ValidatorCount("B", 3, 2)


def test_what_was_counted_before_a_late_collection_was_said_is_compared_in_the_next(journal):
    write(journal, (opened(1), note_of("A", 1, 70), stacked(1, 1, 1000)))
    left = leave(journal)
    write(journal, (note_of("A", 2, 71), stacked(1, 2, 1000)), (note_of("A", 3, 72), stacked(1, 3, 1000)))
    collect(journal, 1, left)
    assert journal.lies_in_cassette().count == ValidatorCount("A", 1, 1)


@pytest.mark.parametrize(
    ("told", "count"),
    [
        ((("A", 70), ("B", 5), ("A", 71), ("A", 72)), ValidatorCount("A", 1, 1)),
        ((("A", 70), ("A", 1)), None),
        ((("A", 0), ("A", 2**31)), None),
        ((("A", 0), ("A", 2**31 - 1)), ValidatorCount("A", 2**31 - 1, 1)),
    ],
    ids=["another unit came and went", "service set it back", "just so far", "not quite"],
)
def test_a_count_that_cannot_be_compared_alarms_nobody(journal, told, count):
    write(journal, (opened(1),))
    for number, (unit, counted) in enumerate(told, 1):
        write(journal, (note_of(unit, number, counted), stacked(1, number, 1000)))
    assert journal.lies_in_cassette().count == count


def test_every_answer_is_the_same_after_the_journal_was_opened_again(path, journal, clock):
    write(journal, *visits(2))
    freeze_all(journal, clock)
    journal.append(e.ConditionRaised(code="disk_low", detail=""))

    def answers(one):
        return (
            one.totals(),
            one.payments(),
            one.batches(),
            one.conditions(),
            one.last_document(),
            one.last_note(),
        )

    before = answers(journal)
    journal.close()
    with closing(Journal.open(path, CountingClock())) as again:
        assert answers(again) == before
