"""The fiscal queue: one document a payment, whatever the registrar says or keeps to itself."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from kassa.fiscal.queue import (
    DOUBT_RETRY_AFTER_S,
    RETRY_AFTER_S,
    RETRY_MAX_S,
    InFlight,
    Queue,
    forget_refusal,
    hear,
    next_command,
)
from kassa.journal import entries as e
from kassa.journal.records import PendingDocument
from kassa.money import of_whole
from kassa.ports import (
    Document,
    DocumentRegistered,
    NoteEscrowed,
    NotRegistered,
    Receipt,
    RegisterReceipt,
    RegistrarLost,
    RegistrarStatus,
    RegistrationStarting,
    SettleReceipt,
    ShiftState,
)

READY = RegistrarStatus("KKT", "9999078900001234", ShiftState.OPEN, 57, 1234, 0)
FIRST = PendingDocument("00042-0000000001", "internet", "4038172956", 65000, None, False)
SECOND = PendingDocument("00042-0000000002", "tv", "0017742", 10000, None, False)
INTENDED = replace(FIRST, intent=("9999078900001234", 1234))
DOCUMENT = Document(1235, 77, datetime(2026, 11, 24, tzinfo=UTC), of_whole(650), "9999078900001234", 57)


def receipt_of(waiting):
    return Receipt(waiting.payment, (), of_whole(650), 0)


def ask(queue, *pending, now=0.0):
    return next_command(queue, list(pending), now, receipt_of)


def test_the_oldest_payment_comes_first():
    queue, command = ask(Queue(status=READY), FIRST, SECOND)
    assert command == RegisterReceipt(receipt_of(FIRST))
    assert queue.in_flight == InFlight(FIRST.payment, is_settling=False, is_intended=False)


def test_nothing_is_asked_while_something_is_in_flight():
    queue, _ = ask(Queue(status=READY), FIRST)
    assert ask(queue, FIRST, SECOND) == (queue, None)


def test_a_registration_that_was_begun_is_settled_before_it_is_tried_again():
    queue, command = ask(Queue(status=READY), INTENDED)
    assert command == SettleReceipt(receipt_of(INTENDED), "9999078900001234", 1234)
    assert queue.in_flight == InFlight(FIRST.payment, is_settling=True, is_intended=True)


def test_a_settled_attempt_that_left_no_document_is_voided():
    queue, _ = ask(Queue(status=READY), INTENDED)
    _, entries = hear(queue, NotRegistered(FIRST.payment, "no such document", certain=True), 0.0)
    assert entries == (e.FiscalVoided(payment=FIRST.payment, reason="no such document"),)


def test_what_the_registrar_says_of_itself_decides_whether_it_is_asked():
    queue, entries = hear(Queue(), READY, 0.0)
    assert entries == ()
    assert ask(queue, FIRST)[1] == RegisterReceipt(receipt_of(FIRST))

    queue, _ = hear(queue, replace(READY, problem="registrar_paper_out"), 0.0)
    assert ask(queue, FIRST)[1] is None


def test_what_is_no_word_of_the_registrar_changes_nothing():
    queue, _ = ask(Queue(status=READY), FIRST)
    assert hear(queue, NoteEscrowed(of_whole(500)), 0.0) == (queue, ())


def test_a_document_is_looked_for_even_without_paper_but_none_is_made():
    no_paper = Queue(status=replace(READY, problem="registrar_paper_out"))
    assert isinstance(ask(no_paper, INTENDED)[1], SettleReceipt)
    assert ask(no_paper, FIRST)[1] is None


def test_the_intent_is_written_with_the_last_document_before_the_receipt_begins():
    queue, _ = ask(Queue(status=READY), FIRST)
    queue, entries = hear(queue, RegistrationStarting(FIRST.payment, "9999078900001234", 1234), 0.0)
    assert entries == (
        e.FiscalIntended(payment=FIRST.payment, drive_serial="9999078900001234", last_document=1234),
    )
    assert queue.in_flight == InFlight(FIRST.payment, is_settling=False, is_intended=True)


def test_a_registered_document_frees_the_queue_for_the_next_payment():
    queue, _ = ask(Queue(status=READY), FIRST)
    queue, entries = hear(queue, DocumentRegistered(FIRST.payment, DOCUMENT), 1.0)
    assert entries == (
        e.DocumentRegistered(
            payment=FIRST.payment, number=1235, sign=77, at="2026-11-24T00:00:00+00:00",
            drive_serial="9999078900001234", shift=57, total=65000, printed=True,
        ),
    )  # fmt: skip
    assert ask(queue, SECOND)[1] == RegisterReceipt(receipt_of(SECOND))


def test_a_certain_failure_after_the_intent_voids_it_and_is_tried_again_later():
    queue, _ = ask(Queue(status=READY), FIRST)
    queue, _ = hear(queue, RegistrationStarting(FIRST.payment, "9999078900001234", 1234), 0.0)
    queue, entries = hear(queue, NotRegistered(FIRST.payment, "no paper", certain=True), 10.0)

    assert entries == (e.FiscalVoided(payment=FIRST.payment, reason="no paper"),)
    assert ask(queue, FIRST, now=10.0)[1] is None
    assert isinstance(ask(queue, FIRST, now=10.0 + RETRY_AFTER_S)[1], RegisterReceipt)


def test_a_certain_failure_before_any_intent_writes_nothing():
    queue, _ = ask(Queue(status=READY), FIRST)
    assert hear(queue, NotRegistered(FIRST.payment, "no paper", certain=True), 0.0)[1] == ()


def test_an_uncertain_failure_is_settled_and_never_voided_by_guess():
    queue, _ = ask(Queue(status=READY), FIRST)
    queue, _ = hear(queue, RegistrationStarting(FIRST.payment, "9999078900001234", 1234), 0.0)
    queue, entries = hear(queue, NotRegistered(FIRST.payment, "no answer", certain=False), 0.0)

    assert entries == ()
    assert isinstance(ask(queue, INTENDED, now=RETRY_AFTER_S)[1], SettleReceipt)


def test_a_payment_in_doubt_does_not_stop_the_next_one():
    queue, _ = ask(Queue(status=READY), INTENDED)
    queue, _ = hear(queue, NotRegistered(FIRST.payment, "another drive", certain=False), 0.0)

    assert queue.in_doubt == {FIRST.payment}
    assert ask(queue, INTENDED, SECOND)[1] == RegisterReceipt(receipt_of(SECOND))
    assert isinstance(ask(queue, INTENDED, now=DOUBT_RETRY_AFTER_S)[1], SettleReceipt)


def test_what_was_begun_is_settled_before_an_older_payment_gets_its_document():
    begun = replace(SECOND, intent=("9999078900001234", 1234))
    queue, command = ask(Queue(status=READY), FIRST, begun)
    assert command == SettleReceipt(receipt_of(begun), "9999078900001234", 1234)

    queue, _ = hear(queue, NotRegistered(SECOND.payment, "another drive", certain=False), 0.0)
    assert ask(queue, FIRST, begun)[1] == RegisterReceipt(receipt_of(FIRST))


def test_no_document_is_made_while_one_that_was_begun_waits_to_be_settled():
    queue, _ = ask(Queue(status=READY), SECOND)
    queue, _ = hear(queue, RegistrationStarting(SECOND.payment, "9999078900001234", 1234), 0.0)
    queue, _ = hear(queue, NotRegistered(SECOND.payment, "no answer", certain=False), 0.0)
    begun = replace(SECOND, intent=("9999078900001234", 1234))

    assert ask(queue, FIRST, begun, now=1.0)[1] is None
    assert isinstance(ask(queue, FIRST, begun, now=RETRY_AFTER_S)[1], SettleReceipt)


@pytest.mark.parametrize(
    "fact", [DocumentRegistered(FIRST.payment, DOCUMENT), NotRegistered(FIRST.payment, "none", certain=True)]
)
def test_a_doubt_that_was_settled_leaves_no_trace(fact):
    """What is kept of one payment only grows otherwise, in a process that runs for months."""
    queue, _ = ask(Queue(status=READY), INTENDED)
    queue, _ = hear(queue, NotRegistered(FIRST.payment, "another drive", certain=False), 0.0)
    queue, _ = hear(queue, NotRegistered(SECOND.payment, "another drive", certain=False), 0.0)

    queue, _ = ask(queue, INTENDED, now=DOUBT_RETRY_AFTER_S)
    queue, _ = hear(queue, fact, DOUBT_RETRY_AFTER_S)

    assert queue.in_doubt == {SECOND.payment}
    assert queue.not_before.get(FIRST.payment) in (None, DOUBT_RETRY_AFTER_S + RETRY_AFTER_S)
    assert (FIRST.payment in queue.not_before) is isinstance(fact, NotRegistered)
    assert queue.not_before[SECOND.payment] == DOUBT_RETRY_AFTER_S


def refuse(queue, payment, now, reason="no correction in this format"):
    """The registrar is asked for it and refuses up front."""
    queue, command = ask(queue, payment, now=now)
    assert isinstance(command, RegisterReceipt)
    queue, entries = hear(queue, NotRegistered(payment.payment, reason, certain=True), now)
    assert entries == ()
    return queue


def test_what_is_refused_again_and_again_is_asked_for_less_and_less_often_and_never_given_up():
    queue, now, pauses = Queue(status=READY), 0.0, []
    for _ in range(9):
        queue = refuse(queue, FIRST, now)
        pause = queue.refused[FIRST.payment].pause_s
        assert ask(queue, FIRST, now=now + pause - 0.1)[1] is None
        pauses.append(pause)
        now += pause
    assert pauses == [RETRY_AFTER_S * 2**times for times in range(6)] + [RETRY_MAX_S] * 3
    assert queue.refused[FIRST.payment].reason == "no correction in this format"


def test_one_that_is_refused_holds_nobody_up():
    queue = refuse(Queue(status=READY), FIRST, 0.0)
    assert ask(queue, FIRST, SECOND, now=1.0)[1] == RegisterReceipt(receipt_of(SECOND))
    assert ask(queue, FIRST, SECOND, now=RETRY_AFTER_S)[1] == RegisterReceipt(receipt_of(SECOND))
    assert ask(queue, FIRST, now=RETRY_AFTER_S)[1] == RegisterReceipt(receipt_of(FIRST))


def test_why_it_was_refused_is_forgotten_with_its_document():
    queue = refuse(Queue(status=READY), FIRST, 0.0)
    queue = refuse(queue, SECOND, 0.0)
    queue, _ = hear(queue, DocumentRegistered(FIRST.payment, DOCUMENT), 9.0)
    assert set(queue.refused) == set(queue.not_before) == {SECOND.payment}


def test_an_attempt_whose_end_is_not_known_makes_the_next_refusal_no_first_one():
    queue = refuse(Queue(status=READY), FIRST, 0.0)
    queue, _ = ask(queue, FIRST, now=RETRY_AFTER_S)
    queue, _ = hear(queue, RegistrationStarting(FIRST.payment, READY.drive_serial, 1234), RETRY_AFTER_S)
    queue, _ = hear(queue, NotRegistered(FIRST.payment, "no answer", certain=False), RETRY_AFTER_S)
    queue, _ = ask(queue, INTENDED, now=20.0)
    queue, _ = hear(queue, NotRegistered(FIRST.payment, "no document", certain=True), 20.0)
    assert queue.refused[FIRST.payment].pause_s == 2 * RETRY_AFTER_S


def test_another_kind_of_document_is_asked_for_at_once():
    queue = forget_refusal(refuse(Queue(status=READY), FIRST, 0.0), FIRST.payment)
    assert queue.refused == {}
    assert isinstance(ask(queue, FIRST, now=0.1)[1], RegisterReceipt)


def test_a_registrar_that_was_switched_off_and_on_is_asked_at_once_what_it_refused():
    queue = refuse(Queue(status=READY), FIRST, 0.0)
    queue, _ = hear(queue, RegistrarLost("switched off"), 1.0)
    queue, _ = hear(queue, READY, 2.0)
    queue = refuse(queue, FIRST, 2.0)
    assert queue.refused[FIRST.payment].pause_s == 2 * RETRY_AFTER_S


def test_a_lost_registrar_makes_every_command_void_and_is_asked_again_when_it_is_back():
    queue, _ = ask(Queue(status=READY), FIRST)
    queue, entries = hear(queue, RegistrarLost("unplugged"), 0.0)
    assert entries == ()
    assert ask(queue, FIRST)[1] is None

    queue, _ = hear(queue, READY, 0.0)
    assert ask(queue, FIRST)[1] == RegisterReceipt(receipt_of(FIRST))
