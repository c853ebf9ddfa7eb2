"""Where a customer wants the electronic receipt: a Russian mobile number or an e-mail address, tag 1008. Pure.

It is a stranger's personal datum: it is told to the fiscal registrar in full, and to everybody else masked.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass, field

COUNTRY = "+7"
PHONE_DIGITS = 10
"""Behind the country's prefix; a mobile number, which alone takes a message, begins with 9."""
MAX_CHARS = 64
"""Tag 1008 holds no more."""

_PHONE = re.compile(rf"\{COUNTRY}9[0-9]{{{PHONE_DIGITS - 1}}}", re.ASCII)
_ATOM, _LABEL = r"[0-9a-z_-]+", r"[0-9a-z]+(?:-+[0-9a-z]+)*"
_EMAIL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}\.)+[a-z]{{2,}}", re.ASCII)
"""What the keys of the screen can type and every mail server takes.

Between any two repetitions stands a sign that neither of them matches, so a wrong text is not tried in many ways.
Possessive repetition is left alone: groups of it match wrongly before Python 3.11.5, and Debian 12 has 3.11.2.
"""
_SHOWN_CHARS = 2
"""Of the name before the @."""


class Kind(enum.Enum):
    """What a contact is."""

    PHONE = "phone"
    EMAIL = "email"


@dataclass(frozen=True, slots=True)
class Contact:
    """A contact that was found usable. Printed, as logs do it, it is masked."""

    text: str = field(repr=False)
    """+7 and ten digits, or an e-mail address."""

    def __post_init__(self) -> None:
        assert is_contact(self.text), "only what was looked at becomes a contact"

    def __repr__(self) -> str:
        return f"Contact({self.masked})"

    @property
    def masked(self) -> str:
        """`+7 999 ***-**-67` or `iv***@example.ru`: enough for who left it."""
        return masked(self.text)


def is_contact(text: str) -> bool:
    """Whether a receipt can be sent there; such a text fits into tag 1008 in any code page."""
    return len(text) <= MAX_CHARS and bool(_PHONE.fullmatch(text) or _EMAIL.fullmatch(text))


def kind_of(text: str) -> Kind:
    """What a text is, or means to be."""
    return Kind.PHONE if text.startswith(COUNTRY[0]) else Kind.EMAIL


def masked(text: str) -> str:
    """A contact as others may see it. Whatever else it should be is hidden altogether."""
    if not is_contact(text):
        return "***"
    if kind_of(text) is Kind.PHONE:
        return f"{COUNTRY} {text[2:5]} ***-**-{text[-2:]}"
    name, _, domain = text.partition("@")
    return f"{name[: min(_SHOWN_CHARS, len(name) - 1)]}***@{domain}"
