"""Every screen a customer can meet, as the rules themselves show it: usual ones, and the hardest to draw."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import msgspec

from kassa.alerts.catalogue import CATALOGUE
from kassa.config import Config, load
from kassa.contact import Contact
from kassa.home import data_folder
from kassa.money import Money, of_whole
from kassa.ports import Document
from kassa.rules import session as s
from kassa.rules.screens import show
from kassa.rules.services import CONTACT_KINDS, Rules
from kassa.rules.view import View

CONFIG = load(data_folder() / "examples" / "kassa.toml")
NOTES = frozenset(of_whole(units) for units in (10, 50, 100, 200, 500, 1000, 2000, 5000))
PAYMENT = "00042-0000000317"
NOBODY_WAITS_S = 300

WHO = s.Identified(
    account="4038172956",
    holder="Ив*** И. И.",
    place="ул. С***, д. 1*, кв. 4*",
    balances=(("internet", Money(-128460)), ("tv", Money(-25000)), ("telephone", Money(12000))),
    data_at="2026-11-24T00:00",
)
IN_CREDIT = replace(WHO, balances=(("internet", Money(35050)),), paid_here=of_whole(500))
UNKNOWN = replace(WHO, balances=(), holder=None, place=None, data_at=None)
LONG = s.Identified(
    account="40381729560000000001",
    holder="Об*** с ограниченной ответственностью «Вел***»",
    place="пос. Верхняя С***, мкр. Северо-За***, ул. Академика К***, д. 1**, корп. 2*, кв. 1**",
    balances=(
        ("internet", Money(-99_999_999)), ("tv", Money(-1_234_567)), ("telephone", Money(7_654_321)),
        ("long_distance", Money(-1)), ("radio", Money(0)), ("wifi", Money(-1_500_000)),
        ("hotel", Money(-2_500_050)),
    ),
    paid_here=of_whole(14_950),
    data_at="2026-09-30T23:59",
)  # fmt: skip
OLD = replace(LONG, data_is_old=True)

PHONE, EMAIL = Contact("+79991234567"), Contact("ivan.petrov@example.ru")
LONG_EMAIL = Contact("a.very-long_name-of-somebody@a-domain-of-a-village-in.example.ru")
"""As long as a receipt can hold."""

CASH = s.TakingCash("internet", WHO, of_whole(1100), PAYMENT)
DOCUMENT = Document(
    1235, 3_482_910_576, datetime(2026, 11, 24, tzinfo=UTC), of_whole(650), "9999078900001234", 57
)

STATES: dict[str, s.State] = {
    "attract": s.Attract(),
    "services": s.ChoosingService(),
    "account": s.EnteringAccount("internet"),
    "account_not_found": s.EnteringAccount("internet", "account_not_found"),
    "account_without_service": s.EnteringAccount("long_distance", "service_not_available"),
    "balance_debt": s.ConfirmingAccount("internet", WHO),
    "balance_credit": s.ConfirmingAccount("internet", IN_CREDIT),
    "balance_unknown": s.ConfirmingAccount("internet", UNKNOWN),
    "balance_long": s.ConfirmingAccount("internet", LONG),
    "balance_old": s.ConfirmingAccount("internet", OLD),
    "balance_long_contact": s.ConfirmingAccount("internet", LONG, LONG_EMAIL),
    "balance_old_contact": s.ConfirmingAccount("internet", OLD, EMAIL),
    "contact_phone": s.EnteringContact("internet", WHO, is_taking_cash=False),
    "contact_phone_wrong": s.EnteringContact(
        "internet", WHO, is_taking_cash=False, notice="contact_phone_wrong"
    ),
    "contact_phone_change": s.EnteringContact("internet", WHO, is_taking_cash=True, contact=PHONE),
    "contact_email_change": s.EnteringContact("internet", WHO, is_taking_cash=True, contact=LONG_EMAIL),
    "contact_email_wrong": s.EnteringContact(
        "internet", WHO, is_taking_cash=True, contact=EMAIL, notice="contact_email_wrong"
    ),
    "cash_empty": replace(CASH, paid=of_whole(0), payment=None),
    "cash_empty_contact": replace(CASH, paid=of_whole(0), payment=None, contact=PHONE),
    "cash_contact": replace(CASH, contact=PHONE),
    "cash": CASH,
    "cash_over": replace(CASH, paid=of_whole(1500)),
    "cash_without_debt": s.TakingCash("internet", IN_CREDIT, of_whole(100), PAYMENT),
    "cash_long": s.TakingCash("internet", LONG, Money(99_999_999), PAYMENT),
    "cash_counting": replace(CASH, intent=s.Intent(3, of_whole(100))),
    "cash_returned_limit": replace(CASH, notice="note_returned_limit"),
    "cash_returned_denomination": replace(CASH, notice="note_returned_denomination"),
    "cash_rejected": replace(CASH, notice="note_rejected"),
    "cash_kept": replace(CASH, notice="money_is_credited"),
    "printing": s.Printing("internet", WHO, PAYMENT, of_whole(650)),
    "thanks": s.Thanking("internet", WHO, PAYMENT, of_whole(650), DOCUMENT),
    "thanks_owed": s.Thanking("internet", WHO, PAYMENT, of_whole(650), None),
    "thanks_long": s.Thanking("long_distance", LONG, PAYMENT, Money(99_999_999), DOCUMENT),
}
BLOCKED = ("validator_lost", "validator_jammed", "registrar_lost", "disk_low")
"""In the middle of a payment."""


def rules(blocked: str | None = None, config: Config = CONFIG) -> Rules:
    """The rules as they stand on a healthy terminal, or on one that this condition stops."""
    return Rules(
        services={service.id: service for service in config.service}, cash=config.cash, currency="RUB",
        known_values=NOTES, blocked=blocked, out_of_service=blocked, payment_number=PAYMENT, note_number=4,
        last_is_in_cassette=True, last_is_uncertain=False, last_value=None, snapshot=None,
        contact_kinds=CONTACT_KINDS[config.receipt.contact],
    )  # fmt: skip


def only(*services: str) -> Config:
    """A terminal that sells these services alone."""
    kept = tuple(service for service in CONFIG.service if service.id in services)
    return msgspec.structs.replace(CONFIG, service=kept)


def many() -> Config:
    """A terminal with more services than fit on a screen, and with names that need two lines."""
    long_names = [
        msgspec.structs.replace(
            service,
            id=f"{service.id}_{again}",
            name={"ru": "Междугородная телефонная связь", "en": "Long-distance telephone calls"},
            description={
                "ru": "Повременная и безлимитная, с выделенной линией",
                "en": "By the minute or unlimited",
            },
        )
        for again in range(2)
        for service in CONFIG.service
    ]
    return msgspec.structs.replace(CONFIG, service=tuple(long_names))


def views(language: str) -> Iterator[tuple[str, View]]:
    """Name and view of each."""
    for name, state in STATES.items():
        yield name, show(state, CONFIG, rules(), language, NOBODY_WAITS_S)
    for code in BLOCKED:
        yield f"cash_{code}", show(CASH, CONFIG, rules(code), language, NOBODY_WAITS_S)
    for code, kind in CATALOGUE.items():
        if kind.stops_cash:
            yield f"out_{code}", show(s.Attract(), CONFIG, rules(code), language, None)
    for name, config in (
        ("one", only("internet")),
        ("five", only("internet", "tv", "telephone", "wifi", "radio")),
        ("many", many()),
    ):
        yield f"attract_{name}", show(s.Attract(), config, rules(config=config), language, None)
        yield (
            f"services_{name}",
            show(s.ChoosingService(), config, rules(config=config), language, NOBODY_WAITS_S),
        )


def hurried(view: View) -> View:
    """The same view shortly before its time is up."""
    return msgspec.structs.replace(view, timeout_s=12)


def bare(view: View) -> View:
    """The same view with nothing in it that a view may leave out."""
    needed = ("screen", "language", "languages", "currency", "owner", "terminal", "address", "phone")
    return View(**{name: getattr(view, name) for name in needed})
