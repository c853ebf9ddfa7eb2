"""What staff see of documents that are missing, or are not on paper."""

import json
from contextlib import closing

import msgspec
import pytest
from counting_clock import CountingClock
from entry_stories import DRIVE, credited, intended, opened, payment_number, registered, registering, stacked
from served_terminal import Served

from kassa.journal import entries as e
from kassa.journal.store import Journal
from kassa.ports import NotRegistered, RegistrarStatus, ShiftState

FOURTH = payment_number(4)
READY = RegistrarStatus("KKT", DRIVE, ShiftState.OPEN, 57, 1003, 0)
REASON = "a correction of format 1.05 has no items"


def written(home, *entries):
    with closing(Journal.open(home.journal, CountingClock())) as journal:
        for entry in entries:
            journal.append(entry)


@pytest.fixture
def fourth(with_payments):
    """A fourth payment was credited, and has no document yet."""
    written(
        with_payments,
        opened(4, contact="ivan.petrov@example.ru"), intended(4, 7, 50000), stacked(4, 7, 50000), credited(4, 50000),
    )  # fmt: skip
    return with_payments


@pytest.fixture
def served(fourth):
    one = Served(fourth.path)
    one.start()
    yield one
    one.stop()


def test_what_the_registrar_refuses_is_told_with_its_reason_and_what_to_do(kassa, served):
    served.call(lambda: served.terminal.dispatch(READY))
    served.call(lambda: served.terminal.dispatch(NotRegistered(FOURTH, REASON, certain=True)))

    owed = kassa("payments", "owed").out
    assert "it REFUSES" in owed
    assert REASON in " ".join(owed.split())
    assert "switched off and on again, it is asked at once" in owed
    [machine] = json.loads(kassa("payments", "owed", "--json").out)
    assert machine["refused"]["reason"] == REASON
    assert f"the registrar REFUSES a document of payment {FOURTH}: {REASON}" in kassa("status").out


def test_without_a_core_nobody_asks_the_registrar_and_nothing_is_said_of_it(kassa, fourth):
    [machine] = json.loads(kassa("payments", "owed", "--json").out)
    assert machine["refused"] is None


def test_documents_without_paper_are_listed_everywhere_until_a_copy_is_printed(kassa, fourth):
    assert "every document that was made got on paper" in kassa("payments", "unprinted").out
    not_printed = msgspec.structs.replace(registered(4, 1004, 50000), printed=False)
    written(fourth, registering(4, 1003), not_printed)

    told = kassa("payments", "unprinted").out
    assert FOURTH in told
    assert "iv***@example.ru" in told
    assert "petrov" not in told
    assert "kassa payments copy PAYMENT --by NAME" in told
    assert "1004, no paper" in kassa("payments", "list", "--last", "1").out
    assert "1 document without paper: kassa payments unprinted" in kassa("cash", "show").out

    written(fourth, e.CopyPrinted(payment=FOURTH, by="Petrov"))
    assert json.loads(kassa("payments", "unprinted", "--json").out) == []
    [one] = json.loads(kassa("payments", "list", "--last", "1", "--json").out)
    assert (one["printed"], one["copies"]) == (False, 1)
    assert "a copy of its document was printed for Petrov" in kassa("journal", "show", FOURTH).out
    assert "without paper" not in kassa("cash", "show").out


def test_a_copy_needs_the_core_and_a_name(kassa, fourth):
    assert "no core answers at" in kassa("payments", "copy", FOURTH, "--by", "Petrov").err
    assert kassa("payments", "copy", FOURTH).code == 2


def test_a_running_shift_that_cannot_be_counted_is_told_of_with_its_reason(kassa, served):
    told = kassa("shift", "compare")
    assert "the running shift is NOT compared: nobody here answers 'shift_count'" in told.out
