"""Money, account numbers and moments as a customer reads them."""

from __future__ import annotations

from datetime import datetime, time

from babel.dates import format_datetime

from kassa.money import MINOR_DIGITS, Money, from_decimal
from kassa.rules.view import MoneyText, View

NBSP = "\N{NO-BREAK SPACE}"
SYMBOLS = {"RUB": "₽", "KZT": "₸", "USD": "$", "EUR": "€", "JPY": "¥"}
"""Signs that our font has; other currencies go by their code."""
SEPARATORS = {"ru": (NBSP, ","), "en": (",", ".")}
"""Between thousands, and before the minor units."""


def amount(text: MoneyText, view: View) -> Money:
    """A view's money, to compare and to take apart."""
    return from_decimal(text, view.currency)


def number(value: Money, language: str) -> str:
    """`1 284,60` without sign and currency; minor units are dropped only when they are zero."""
    thousands, point = SEPARATORS.get(language, SEPARATORS["en"])
    digits = MINOR_DIGITS[value.currency]
    whole, minor = divmod(abs(value.minor), 10**digits)
    rest = f"{point}{minor:0{digits}}" if minor else ""
    return f"{whole:,}".replace(",", thousands) + rest


def symbol(currency: str) -> str:
    """`₽`, or the code of a currency whose sign the font lacks."""
    return SYMBOLS.get(currency, currency)


def price(value: Money, language: str) -> str:
    """`1 284,60 ₽`, never broken over two lines; the sign of a debt is said in words, not here."""
    return f"{number(value, language)}{NBSP}{symbol(value.currency)}"


def grouped(account: str, groups: tuple[int, ...], gap: str = " ") -> str:
    """`4038 172 956` for groups (4, 3, 3); what is longer than the groups follows as one more group."""
    parts, start = [], 0
    for size in groups:
        parts.append(account[start : start + size])
        start += size
    parts.append(account[start:])
    return gap.join(part for part in parts if part)


def short(text: str | None, max_chars: int) -> str:
    """A text that has a bound on the screen; what is cut off is replaced by an ellipsis."""
    text = text or ""
    return text if len(text) <= max_chars else text[: max_chars - 1].rstrip() + "…"


def account_number(view: View) -> str:
    """The view's account as the bill shows it; empty without one."""
    return grouped(view.account or "", view.mask.groups if view.mask else ())


def moment(iso: str, language: str) -> str:
    """`24 ноября 2026, 08:00`; the time is dropped when it is midnight: the data then had a date only."""
    at = datetime.fromisoformat(iso)
    pattern = "d MMMM y" if at.time() == time(0) else "d MMMM y, HH:mm"
    return format_datetime(at, pattern, locale=language)
