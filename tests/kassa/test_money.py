"""Money never loses a kopeck and never reads what is no amount."""

import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kassa.money import MINOR_DIGITS, MINOR_MAX, Money, MoneyError, from_decimal, of_whole, total

AMOUNTS = st.builds(Money, st.integers(-MINOR_MAX, MINOR_MAX), st.sampled_from(sorted(MINOR_DIGITS)))

HALVES = st.integers(-MINOR_MAX // 2, MINOR_MAX // 2)
CURRENCIES = st.sampled_from(sorted(MINOR_DIGITS))


@given(AMOUNTS)
def test_what_was_written_is_read_back(amount):
    assert from_decimal(amount.decimal(), amount.currency) == amount


@given(st.lists(st.integers(-(10**9), 10**9)), CURRENCIES)
def test_a_total_is_the_sum_of_its_parts_to_the_kopeck(minors, currency):
    assert total([Money(minor, currency) for minor in minors], currency) == Money(sum(minors), currency)


@given(HALVES, HALVES, CURRENCIES)
def test_money_is_added_taken_away_and_compared_as_its_kopecks_are(first, second, currency):
    one, other = Money(first, currency), Money(second, currency)
    assert one + other == Money(first + second, currency)
    assert one - other == Money(first - second, currency)
    assert -one == Money(-first, currency)
    assert (one < other, one <= other, one > other) == (first < second, first <= second, first > second)
    assert not one < Money(first, currency)
    assert bool(one) is (first != 0)


@pytest.mark.parametrize("minor", [-1, 1])
def test_a_single_kopeck_is_money_too(minor):
    assert Money(minor)
    assert not Money(0)


@given(st.integers(0, 10_000), CURRENCIES)
def test_whole_units_are_written_without_a_fraction(units, currency):
    amount = of_whole(units, currency)
    assert (amount.currency, Decimal(amount.decimal())) == (currency, Decimal(units))


def test_what_says_no_currency_is_roubles():
    assert of_whole(500) == Money(50000, "RUB")
    assert total([]) == from_decimal("0") == Money(0, "RUB")


@given(st.text(alphabet="0123456789.,-+ e_\n\u0661", max_size=12))
def test_an_amount_is_read_only_from_the_one_form_that_has_no_second_meaning(text):
    is_amount = re.fullmatch(r"-?[0-9]{1,12}(\.[0-9]{1,2})?", text) is not None and "\n" not in text
    if is_amount:
        assert from_decimal(text).minor == round(Decimal(text) * 100)
    else:
        with pytest.raises(MoneyError, match=re.escape(repr(text))):
            from_decimal(text)


@pytest.mark.parametrize(
    ("text", "minor"), [("12", 1200), ("12.5", 1250), ("12.05", 1205), ("-0.5", -50), ("007.10", 710)]
)
def test_a_single_decimal_means_tens_of_kopecks(text, minor):
    assert from_decimal(text) == Money(minor)


@pytest.mark.parametrize(
    "text", ["", "1,50", "1.505", "١٢", "1_000", " 1", "1 ", "1\n", "NaN", "1e3", "+1", "--1", ".5", "5."]
)
def test_dirt_is_no_money(text):
    with pytest.raises(MoneyError):
        from_decimal(text)


@pytest.mark.parametrize(("text", "currency"), [("1000000000000.01", "RUB"), ("100000000000001", "JPY")])
def test_more_than_any_account_holds_is_refused(text, currency):
    with pytest.raises(MoneyError, match="more than any account holds"):
        from_decimal(text, currency)


@pytest.mark.parametrize(
    ("minor", "written"), [(0, "0.00"), (5, "0.05"), (-5, "-0.05"), (65000, "650.00"), (-128460, "-1284.60")]
)
def test_the_minus_stands_before_the_whole_amount(minor, written):
    assert Money(minor).decimal() == written


def test_a_currency_without_small_change_has_no_point():
    assert Money(1500, "JPY").decimal() == "1500"
    assert of_whole(500, "RUB").minor == 50000


@pytest.mark.parametrize("act", [Money.__add__, Money.__sub__, Money.__lt__])
def test_two_currencies_are_never_mixed(act):
    with pytest.raises(AssertionError):
        act(Money(1, "RUB"), Money(1, "USD"))


@pytest.mark.parametrize("minor", [MINOR_MAX + 1, -MINOR_MAX - 1])
def test_no_amount_is_beyond_the_bound(minor):
    with pytest.raises(AssertionError):
        Money(minor)


def test_a_float_is_never_money():
    with pytest.raises(AssertionError):
        Money(1.5)  # type: ignore[arg-type]
