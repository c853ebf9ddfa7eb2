"""After a start the visit goes on where the journal says it was."""

import pytest

from kassa.contact import Contact
from kassa.journal.records import OpenIntent, OpenPayment, PendingDocument
from kassa.money import Money, of_whole
from kassa.ports import Evidence
from kassa.rules.recovery import restore
from kassa.rules.session import Attract, Identified, Intent, Printing, TakingCash

NUMBER = "00042-0000000007"
OPEN = OpenPayment(NUMBER, "internet", "4038172956", 15000)
UNPRINTED = PendingDocument(NUMBER, "tv", "0017742", 65000, None, False)
WHO = Identified("4038172956", "Ив*** И. И.")


def test_a_terminal_where_nobody_paid_starts_with_its_first_screen():
    assert restore(None, None, None, None, "RUB") == Attract()
    assert restore(None, None, None, WHO, "RUB") == Attract()


def test_an_open_payment_goes_on_with_the_money_that_is_inside():
    assert restore(OPEN, None, None, WHO, "RUB") == TakingCash("internet", WHO, of_whole(150), NUMBER)


def test_the_electronic_receipt_goes_on_with_the_payment():
    left = OpenPayment(NUMBER, "internet", "4038172956", 15000, "ivan@mail.ru")
    assert restore(left, None, None, WHO, "RUB").contact == Contact("ivan@mail.ru")


def test_a_subscriber_who_is_gone_from_the_data_keeps_his_account():
    stranger = Identified("4038172956")
    assert restore(OPEN, None, None, None, "RUB") == TakingCash("internet", stranger, of_whole(150), NUMBER)
    assert restore(None, None, UNPRINTED, None, "RUB").subscriber == Identified("0017742")


@pytest.mark.parametrize(
    ("written", "evidence"),
    [
        (None, Evidence.NOTHING),
        ("note_in_head", Evidence.NOTE_IN_HEAD),
        ("note_in_stacker", Evidence.NOTE_IN_STACKER),
    ],
)
def test_a_note_in_flight_waits_for_its_fate_with_the_evidence_there_was(written, evidence):
    state = restore(OPEN, OpenIntent(NUMBER, 3, 50000, written), None, WHO, "RUB")
    assert state == TakingCash("internet", WHO, of_whole(150), NUMBER, Intent(3, of_whole(500), evidence))


def test_a_customer_who_waits_for_the_receipt_goes_on_waiting():
    assert restore(None, None, UNPRINTED, WHO, "RUB") == Printing("tv", WHO, NUMBER, of_whole(650))


def test_the_money_is_of_the_terminals_currency():
    assert restore(OPEN, OpenIntent(NUMBER, 3, 500), None, WHO, "JPY") == TakingCash(
        "internet", WHO, Money(15000, "JPY"), NUMBER, Intent(3, Money(500, "JPY"))
    )
    assert restore(None, None, UNPRINTED, WHO, "JPY").paid == Money(65000, "JPY")


def test_an_intent_of_another_payment_is_a_fault_of_ours():
    with pytest.raises(AssertionError):
        restore(OPEN, OpenIntent("00042-0000000008", 3, 50000), None, WHO, "RUB")
    with pytest.raises(AssertionError):
        restore(None, OpenIntent(NUMBER, 3, 50000), None, WHO, "RUB")
