"""What each state shows."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from kassa.config import load
from kassa.contact import Contact, Kind
from kassa.home import data_folder
from kassa.money import Money, of_whole
from kassa.ports import Document
from kassa.rules import session as s
from kassa.rules.screens import show
from kassa.rules.services import Rules
from kassa.rules.view import NoteMotion, ScreenName

CONFIG = load(data_folder() / "examples" / "kassa.toml")
RULES = Rules(
    services={service.id: service for service in CONFIG.service},
    cash=CONFIG.cash,
    currency="RUB",
    known_values=frozenset(of_whole(units) for units in (50, 100, 500, 1000, 5000)),
    blocked=None,
    out_of_service=None,
    payment_number="00042-0000000001",
    note_number=1,
    last_is_in_cassette=False,
    last_is_uncertain=False,
    last_value=None,
    snapshot=None,
)
WHO = s.Identified("4038172956", "Ив*** И. И.", None, (("internet", Money(-128460)), ("tv", Money(0))))
CASH = s.TakingCash("internet", WHO, of_whole(650), "00042-0000000001")


def view(state, rules=RULES, language="ru"):
    return show(state, CONFIG, rules, language, 42)


@pytest.mark.parametrize(
    ("state", "screen"),
    [
        (s.Attract(), ScreenName.ATTRACT),
        (s.ChoosingService(), ScreenName.SERVICES),
        (s.EnteringAccount("internet"), ScreenName.ACCOUNT),
        (s.ConfirmingAccount("internet", WHO), ScreenName.BALANCE),
        (s.EnteringContact("internet", WHO, is_taking_cash=True), ScreenName.CONTACT),
        (CASH, ScreenName.CASH),
        (s.Printing("internet", WHO, "00042-0000000001", of_whole(650)), ScreenName.PRINTING),
        (s.Thanking("internet", WHO, "00042-0000000001", of_whole(650), None), ScreenName.THANKS),
    ],
)
def test_each_state_has_its_screen(state, screen):
    assert view(state).screen is screen


def test_the_sum_on_the_screen_is_the_sum_of_the_state():
    shown = view(CASH)
    assert shown.inserted == "650.00"
    assert shown.payment == "00042-0000000001"
    assert shown.balance == "-1284.60"
    assert shown.can_finish
    assert not shown.can_cancel


def test_nobody_can_pay_while_a_note_is_moving():
    shown = view(replace(CASH, intent=s.Intent(2, of_whole(100))))
    assert shown.note is NoteMotion.STACKING
    assert not shown.can_finish


def test_before_the_first_note_one_can_go_back_and_not_pay():
    shown = view(replace(CASH, paid=of_whole(0), payment=None))
    assert shown.can_cancel
    assert not shown.can_finish


def test_an_idle_terminal_without_paper_says_why_it_is_out_of_service():
    shown = view(
        s.Attract(), replace(RULES, blocked="registrar_paper_out", out_of_service="registrar_paper_out")
    )
    assert shown.screen is ScreenName.OUT_OF_SERVICE
    assert shown.reason == "registrar_paper_out"


def test_a_customer_with_money_inside_stays_on_the_cash_screen_and_is_told():
    broken = replace(RULES, blocked="validator_jammed", out_of_service="validator_jammed")
    shown = view(CASH, broken)
    assert shown.screen is ScreenName.CASH
    assert shown.notice == "validator_jammed"
    assert shown.can_finish


def test_names_come_in_the_customers_language():
    assert view(CASH, language="en").service.name == "Internet"
    assert view(CASH, language="ru").service.name == "Интернет"


def test_the_denominations_do_not_shrink_while_money_is_inserted():
    assert view(replace(CASH, paid=of_whole(14_000))).denominations == view(CASH).denominations


def test_a_service_that_left_the_configuration_still_shows_the_customers_money():
    shown = view(replace(CASH, service="gone"))
    assert shown.inserted == "650.00"
    assert shown.can_finish


def test_without_a_document_the_last_screen_says_that_the_receipt_is_owed():
    thanks = s.Thanking("internet", WHO, "00042-0000000001", of_whole(650), None)
    assert view(thanks).notice == "receipt_owed"

    document = Document(7, 8, datetime(2026, 11, 24, tzinfo=UTC), of_whole(650), "9999", 1)
    shown = view(replace(thanks, document=document))
    assert shown.notice is None
    assert shown.document.number == 7


def test_who_left_a_jam_behind_is_on_the_screen_no_longer():
    left = replace(CASH, intent=s.Intent(4, of_whole(500)), closing="timeout")
    shown = view(left, replace(RULES, blocked="validator_jammed", out_of_service="validator_jammed"))
    assert shown.screen is ScreenName.OUT_OF_SERVICE
    assert shown.reason == "validator_jammed"
    assert shown.account is shown.holder is None
    assert shown.payment == "00042-0000000001"


PHONE = Contact("+79991234567")
ASKING = replace(RULES, contact_kinds=(Kind.PHONE, Kind.EMAIL))


@pytest.mark.parametrize(
    "state",
    [
        s.ConfirmingAccount("internet", WHO, PHONE),
        s.EnteringContact("internet", WHO, is_taking_cash=False, contact=PHONE),
        s.TakingCash("internet", WHO, of_whole(0), contact=PHONE),
    ],
)
def test_before_the_first_note_the_contact_is_shown_masked_and_can_be_changed(state):
    shown = view(state, ASKING)
    assert shown.contact == "+7 999 ***-**-67"
    assert shown.contact_kinds == ("phone", "email")
    assert "1234" not in repr(shown)
    assert view(replace(state, contact=None), ASKING).contact is None


def test_where_nothing_is_asked_for_nothing_is_offered():
    assert view(s.ConfirmingAccount("internet", WHO)).contact_kinds == ()


@pytest.mark.parametrize("state", [CASH, replace(CASH, intent=s.Intent(2, of_whole(100)), closing="timeout")])
def test_when_money_is_in_nothing_is_offered_and_no_passer_by_sees_a_contact(state):
    shown = view(replace(state, contact=PHONE), ASKING)
    assert shown.contact is None
    assert shown.contact_kinds == ()
