"""A document whose shift is over waits for a person, who decides once and in words."""

from contextlib import closing
from dataclasses import replace
from datetime import date

import pytest
from counting_clock import CountingClock
from entry_stories import DRIVE, credited, intended, opened, payment_number, registering, stacked

from kassa.config import load
from kassa.fiscal.late import LateDecisionRefused, decide, owed_fields
from kassa.fiscal.queue import Queue, next_command
from kassa.fiscal.receipt import receipt_of
from kassa.fiscal.template import load_templates
from kassa.home import Home, data_folder
from kassa.journal import entries as e
from kassa.journal.records import LateDecision, PendingDocument
from kassa.journal.store import Journal
from kassa.ports import Correction, RegisterReceipt, RegistrarStatus, ShiftState

PAYMENT = payment_number(1)
READY = RegistrarStatus("KKT", DRIVE, ShiftState.OPEN, 58, 1234, 0)
LATE = PendingDocument(
    PAYMENT, "internet", "0017742", 50000, None, True, credited_at="2026-11-24T23:50:00+03:00", is_late=True
)
DECIDED = replace(LATE, decision=LateDecision("correction", "7"))


@pytest.fixture
def config():
    return load(data_folder() / "examples" / "kassa.toml")


@pytest.fixture
def journal(tmp_path):
    """A payment that has no document, and whose shift was closed."""
    with closing(Journal.open(tmp_path / "journal.db", CountingClock())) as made:
        for entries in (
            (opened(1), intended(1, 1, 50000)), (stacked(1, 1, 50000),), (credited(1, 50000),),
            (e.DocumentOwed(payment=PAYMENT, reason="test"),),
            (e.ShiftClosed(number=57, document_number=1001, drive_serial=DRIVE),),
        ):  # fmt: skip
            made.append(*entries)
        yield made


@pytest.fixture
def command_for(config, tmp_path):
    """What the queue asks next for these payments."""
    templates = load_templates(config, Home(tmp_path))

    def ask(*pending, status=READY, **policy):
        _, command = next_command(
            Queue(status=status), pending, 0.0, lambda one: receipt_of(one, config, templates), **policy
        )
        return command

    return ask


def test_a_late_document_is_not_made_by_itself(command_for):
    assert command_for(LATE) is None


def test_nobody_waits_behind_one_that_waits_for_a_person(command_for):
    now = replace(LATE, payment=payment_number(2), is_late=False, owed=False)
    assert command_for(LATE, now).receipt.payment == now.payment


def test_where_the_accountant_allows_it_it_is_made_in_any_shift(command_for):
    assert isinstance(command_for(LATE, is_any_shift_right=True), RegisterReceipt)


def test_an_owed_document_does_not_begin_a_shift_whose_own_has_run_out(command_for):
    expired = replace(READY, shift=ShiftState.EXPIRED)
    owed = replace(LATE, is_late=False)
    assert command_for(owed, status=expired) is None
    assert command_for(replace(owed, owed=False), status=expired) is not None


def test_what_was_decided_is_made(command_for):
    receipt = command_for(DECIDED).receipt
    assert receipt.correction == Correction(of=date(2026, 11, 24), number="7")

    ordinary = replace(DECIDED, decision=LateDecision("receipt", "б/н"))
    assert command_for(ordinary).receipt.correction is None


def test_a_decision_is_written_down_with_who_and_why(journal):
    decided = decide(journal, PAYMENT, "correction", "7", "Petrov", "no paper all night")

    assert decided.decision == LateDecision("correction", "7")
    assert journal.entry(journal.head()[0])[1] == e.LateDocumentDecided(
        payment=PAYMENT, document="correction", act="7", by="Petrov", reason="no paper all night"
    )
    assert owed_fields(decided, "RUB", is_any_shift_right=False)["waits_for_person"] is False


def test_without_a_paper_the_correction_says_so(journal):
    assert decide(journal, PAYMENT, "correction", "", "Petrov", "no paper").decision.act == "б/н"


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"payment": payment_number(9)}, "waits for no document"),
        ({"payment": "\x1b[31m"}, r"\\x1b\[31m waits for no document"),
        ({"document": "refund"}, "one of: receipt, correction"),
        ({"by": " "}, "say who you are, in 1 to 64 characters: --by"),
        ({"reason": "x" * 201}, "say why, in 1 to 200 characters: --reason"),
        ({"act": "x" * 33}, "1 to 32 characters: --act"),
    ],
)
def test_what_makes_no_decision_is_refused_in_words_and_nothing_is_written(journal, changed, words):
    head = journal.head()
    told = {
        "payment": PAYMENT, "document": "receipt", "act": "", "by": "Petrov", "reason": "no paper",
    } | changed  # fmt: skip
    with pytest.raises(LateDecisionRefused, match=words):
        decide(journal, **told)
    assert journal.head() == head


def test_a_decision_is_made_once(journal):
    decide(journal, PAYMENT, "receipt", "", "Petrov", "no paper")
    with pytest.raises(LateDecisionRefused, match=r"decided before \(receipt\)"):
        decide(journal, PAYMENT, "correction", "", "Petrov", "no paper")


def test_a_decision_that_the_registrar_refuses_is_made_anew(journal):
    decide(journal, PAYMENT, "correction", "", "Petrov", "no paper")
    anew = decide(journal, PAYMENT, "receipt", "", "Petrova", "no correction in 1.05", is_refused=True)
    assert anew.decision.document == "receipt"


def test_nobody_decides_while_the_document_may_exist(journal):
    journal.append(registering(1, 1001))
    with pytest.raises(LateDecisionRefused, match="may exist already"):
        decide(journal, PAYMENT, "receipt", "", "Petrov", "no paper")


def test_nobody_need_decide_while_the_shift_is_open(journal):
    journal.append(opened(2), intended(2, 2, 10000))
    journal.append(stacked(2, 2, 10000))
    journal.append(credited(2, 10000))
    with pytest.raises(LateDecisionRefused, match="shift is still open"):
        decide(journal, payment_number(2), "receipt", "", "Petrov", "no paper")
