"""What can be paid, and with which notes."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from visits import NOTES, rules

from kassa.money import Money, of_whole
from kassa.rules.services import accepted_values, account_problem, refusal

RULES = rules()
INTERNET, RADIO, HOTEL = (RULES.services[name] for name in ("internet", "radio", "hotel"))


@pytest.mark.parametrize("account", ["1234", "12345678", "AB12"])
def test_an_account_of_the_services_length_may_be_one(account):
    assert account_problem(HOTEL, account) is None


@pytest.mark.parametrize("account", ["123", "123456789", "1"])
def test_an_account_of_another_length_is_told_so(account):
    assert account_problem(HOTEL, account) == "account_wrong_length"


@pytest.mark.parametrize("account", ["", "12 34", "12-34", "1234\n", "'; --", "ВЫЗОВ", "١٢٣٤"])
def test_what_no_keypad_of_ours_can_type_is_never_looked_up(account):
    assert account_problem(HOTEL, account) == "account_not_found"


@given(st.integers(0, 16_000), st.sampled_from(sorted(NOTES)), st.sampled_from([INTERNET, RADIO, HOTEL]))
def test_a_note_is_refused_exactly_when_the_slot_is_closed_for_it(paid, value, service):
    welcome = refusal(service, of_whole(paid), value, RULES) is None
    assert welcome is (value in accepted_values(service, of_whole(paid), RULES))
    if welcome:
        assert of_whole(paid) + value <= of_whole(service.max)
        assert not service.denominations or value.minor // 100 in service.denominations


def test_the_last_note_may_fill_the_payment_to_the_last_rouble():
    assert refusal(RADIO, of_whole(4500), of_whole(500), RULES) is None
    assert refusal(RADIO, of_whole(4501), of_whole(500), RULES) == "note_returned_limit"


def test_why_a_note_goes_back_is_told_by_what_is_wrong_with_it():
    blocked = replace(RULES, blocked="registrar_paper_out")
    assert refusal(RADIO, of_whole(0), of_whole(100), blocked) == "note_returned"
    assert refusal(RADIO, of_whole(0), of_whole(1000), RULES) == "note_returned_denomination"
    assert refusal(RADIO, of_whole(4000), of_whole(5000), RULES) == "note_returned_limit"
    assert refusal(RADIO, of_whole(0), of_whole(5000), RULES) == "note_returned_denomination"
    assert refusal(INTERNET, of_whole(0), of_whole(3), RULES) == "note_returned_denomination"


def test_a_service_that_is_gone_takes_no_note():
    assert accepted_values(None, of_whole(0), RULES) == frozenset()
    assert refusal(None, of_whole(0), of_whole(100), RULES) == "note_returned_denomination"


def test_without_a_validator_no_note_is_taken():
    nobody = replace(RULES, known_values=frozenset())
    assert accepted_values(RADIO, of_whole(0), nobody) == frozenset()


def test_limits_are_whole_units_of_the_terminals_own_currency():
    yen = replace(RULES, currency="JPY", known_values=frozenset({Money(1000, "JPY"), Money(10_000, "JPY")}))
    assert yen.money(15) == Money(15, "JPY")
    assert accepted_values(INTERNET, Money(6000, "JPY"), yen) == {Money(1000, "JPY")}
