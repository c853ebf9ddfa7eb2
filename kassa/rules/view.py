"""What each screen shows, as data: the one thing that UI, command line and web all draw from."""

from __future__ import annotations

import enum

from msgspec import Struct

MoneyText = str
"""Money in JSON: a decimal string with the currency's own number of decimals, `650.00`."""


class ScreenName(enum.Enum):
    """The screens a customer can meet."""

    ATTRACT = "attract"
    SERVICES = "services"
    ACCOUNT = "account"
    BALANCE = "balance"
    CONTACT = "contact"
    CASH = "cash"
    PRINTING = "printing"
    THANKS = "thanks"
    OUT_OF_SERVICE = "out_of_service"


class NoteMotion(enum.Enum):
    """Where the note is that the customer just inserted."""

    NONE = "none"
    STACKING = "stacking"


class ServiceView(Struct, frozen=True):
    """A service as a customer sees it, in the view's language."""

    id: str
    name: str
    description: str
    icon: str
    """A name of the icon font."""


class AccountMask(Struct, frozen=True):
    """How an account number is typed. `groups` are digits shown together: (4, 3, 3) for 4038 172 956."""

    length_min: int
    length_max: int
    groups: tuple[int, ...]
    hint: str
    """Where the number stands on the bill, in the view's language."""


class BalanceView(Struct, frozen=True):
    """What one service of the account shows; minus is a debt."""

    service: str
    name: str
    balance: MoneyText


class DocumentView(Struct, frozen=True):
    """The fiscal document of the payment; `sign` is 0 where a printer without fiscal functions made the receipt."""

    number: int
    sign: int


class View(Struct, frozen=True, kw_only=True):
    """One screen with all it shows. Parts that the screen does not need are None or empty.

    Drawing the same view twice changes nothing. Codes (`notice`, `reason`) are translated by whoever draws.
    """

    screen: ScreenName
    language: str
    languages: tuple[str, ...]
    currency: str
    owner: str
    """The operator's name as customers know it."""
    terminal: str
    address: str
    phone: str
    services: tuple[ServiceView, ...] = ()
    service: ServiceView | None = None
    mask: AccountMask | None = None
    account: str | None = None
    holder: str | None = None
    """The subscriber's name, masked."""
    place: str | None = None
    """The subscriber's address, masked."""
    balance: MoneyText | None = None
    """Of the chosen service, this terminal's newer payments included."""
    balances: tuple[BalanceView, ...] = ()
    paid_here: MoneyText | None = None
    """What this terminal took since the data were made, already inside `balance`; None when nothing."""
    data_at: str | None = None
    """When the operator made the data, ISO 8601."""
    data_is_old: bool = False
    contact: str | None = None
    """Where the electronic receipt goes, masked."""
    contact_kinds: tuple[str, ...] = ()
    """What the customer may leave now for an electronic receipt: `phone`, `email`; empty: nothing is offered."""
    inserted: MoneyText = "0.00"
    minimum: MoneyText | None = None
    maximum: MoneyText | None = None
    denominations: tuple[MoneyText, ...] = ()
    note: NoteMotion = NoteMotion.NONE
    payment: str | None = None
    document: DocumentView | None = None
    can_finish: bool = False
    can_cancel: bool = False
    notice: str | None = None
    """A code of something the customer should know now: `account_not_found`, `note_returned_limit` ..."""
    reason: str | None = None
    """Why the terminal is out of service: a condition's code."""
    timeout_s: int | None = None
    """Seconds until the terminal goes on by itself, counted from when this view was sent."""
