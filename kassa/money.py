"""Money as integer minor units; one formatter a purpose."""

from __future__ import annotations

import re
from dataclasses import dataclass

from kassa.errors import KassaError

MINOR_DIGITS = {"RUB": 2, "KZT": 2, "UZS": 2, "TJS": 2, "BYN": 2, "KGS": 2, "USD": 2, "EUR": 2, "JPY": 0}
"""Digits behind the decimal point by ISO 4217 code; a currency that is not here cannot be configured."""

MINOR_MAX = 10**14
"""A bound on every amount, so that no sum of a journal's life leaves 64 bits."""

_DECIMAL = re.compile(r"(-?)(\d{1,15})(?:\.(\d{1,3}))?", re.ASCII)


class MoneyError(KassaError):
    """A text is not an amount of money, or two currencies were mixed."""


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units (kopecks) of one currency; minus means debt."""

    minor: int
    currency: str = "RUB"

    def __post_init__(self) -> None:
        assert type(self.minor) is int, "an amount is a whole number of minor units, never a float"
        assert self.currency in MINOR_DIGITS, self.currency
        assert abs(self.minor) <= MINOR_MAX, self.minor

    def __add__(self, other: Money) -> Money:
        return Money(self.minor + self._same(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.minor - self._same(other), self.currency)

    def __neg__(self) -> Money:
        return Money(-self.minor, self.currency)

    def __lt__(self, other: Money) -> bool:
        return self.minor < self._same(other)

    def __le__(self, other: Money) -> bool:
        return self.minor <= self._same(other)

    def __bool__(self) -> bool:
        return self.minor != 0

    def __str__(self) -> str:
        return f"{self.decimal()} {self.currency}"

    def decimal(self) -> str:
        """The amount as machines read it: `-350.50`, always with the currency's own number of decimals."""
        digits = MINOR_DIGITS[self.currency]
        whole, rest = divmod(abs(self.minor), 10**digits)
        sign = "-" if self.minor < 0 else ""
        return f"{sign}{whole}.{rest:0{digits}}" if digits else f"{sign}{whole}"

    def _same(self, other: Money) -> int:
        assert self.currency == other.currency, f"{self} and {other} are of two currencies"
        return other.minor


def from_decimal(text: str, currency: str = "RUB") -> Money:
    """Read what `Money.decimal` writes; fewer decimals are allowed, more are refused.

    Raises MoneyError: ASCII digits, an optional leading minus and a decimal point are all that is accepted, up to MINOR_MAX.
    """
    match = _DECIMAL.fullmatch(text)
    digits = MINOR_DIGITS[currency]
    if match is None or len(match[3] or "") > digits:
        raise MoneyError(f"{text!r} is not an amount in {currency}; write it like 1250.50")
    minor = int(match[2]) * 10**digits + int((match[3] or "").ljust(digits, "0") or "0")
    if minor > MINOR_MAX:
        raise MoneyError(
            f"{text} {currency} is more than any account holds; at most {Money(MINOR_MAX, currency)}"
        )
    return Money(-minor if match[1] else minor, currency)


def of_whole(units: int, currency: str = "RUB") -> Money:
    """`units` whole roubles (or what the currency is), as denominations are written."""
    return Money(units * 10 ** MINOR_DIGITS[currency], currency)


def total(amounts: list[Money], currency: str = "RUB") -> Money:
    """The sum, zero for an empty list."""
    return sum(amounts, start=Money(0, currency))
