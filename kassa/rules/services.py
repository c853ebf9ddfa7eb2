"""What can be paid, with which notes, and when a note is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from kassa.config import Cash, Service
from kassa.contact import Kind, is_contact, kind_of
from kassa.journal.records import DueCount
from kassa.money import Money, of_whole


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the session decides by, as it stands at the moment of one event."""

    services: Mapping[str, Service]
    cash: Cash
    currency: str
    known_values: frozenset[Money]
    """What the validator's bill table knows; empty while there is no validator."""
    blocked: str | None
    """A condition's code: no note may be taken now. The slot is closed at once."""
    out_of_service: str | None
    """A condition's code that has lasted: nobody may begin a payment."""
    payment_number: str
    """The number the next payment would get."""
    note_number: int
    """The number the next note would get."""
    last_is_in_cassette: bool
    """Whether the last thing that happened to a note was that it went into the cassette."""
    last_is_uncertain: bool
    """Whether it was credited without proof that it is there."""
    last_value: Money | None
    """The value of that last note, where it is known."""
    due_count: DueCount | None = None
    """What the validator should have counted; known when it has just come up."""
    snapshot: str | None
    """Hex digest of the file that the subscriber data came from."""
    contact_kinds: tuple[Kind, ...] = ()
    """What a customer may leave for an electronic receipt."""

    def money(self, units: int) -> Money:
        """Whole units of the terminal's currency."""
        return of_whole(units, self.currency)


CONTACT_KINDS = {
    "both": (Kind.PHONE, Kind.EMAIL),
    "phone": (Kind.PHONE,),
    "email": (Kind.EMAIL,),
    "off": (),
}
"""By `receipt.contact` of the configuration."""


def accepted_values(service: Service | None, paid: Money, rules: Rules) -> frozenset[Money]:
    """The denominations that still fit into the payment."""
    if service is None:
        return frozenset()
    room = rules.money(service.max) - paid
    chosen = _values(service.denominations, rules.currency) or rules.known_values
    return frozenset(value for value in rules.known_values & chosen if value <= room)


@lru_cache
def _values(denominations: tuple[int, ...], currency: str) -> frozenset[Money]:
    return frozenset(of_whole(units, currency) for units in denominations)


def refusal(service: Service | None, paid: Money, value: Money, rules: Rules) -> str | None:
    """Why a note at escrow goes back, as a code for the customer; None: it is welcome."""
    if rules.blocked is not None:
        return "note_returned"
    if value in accepted_values(service, paid, rules):
        return None
    if service is not None and value > rules.money(service.max) - paid:
        return "note_returned_limit"
    return "note_returned_denomination"


def account_problem(service: Service, account: str) -> str | None:
    """Why this cannot be an account number of the service; None: it can."""
    if not (account.isascii() and account.isalnum()):
        return "account_not_found"
    if not service.account.length_min <= len(account) <= service.account.length_max:
        return "account_wrong_length"
    return None


def contact_problem(text: str, kinds: tuple[Kind, ...]) -> str | None:
    """Why no electronic receipt can be sent there, as a code for the customer; None: one can."""
    kind = kind_of(text)
    if kind in kinds and is_contact(text):
        return None
    asked = kind if kind in kinds else next(iter(kinds), kind)
    return "contact_phone_wrong" if asked is Kind.PHONE else "contact_email_wrong"
