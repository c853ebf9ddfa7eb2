"""Receipts of payments that nobody made, one of every kind. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

from kassa.config import Config, Service
from kassa.fiscal.receipt import receipt, template_of
from kassa.fiscal.template import Templates, whole_receipt
from kassa.money import Money
from kassa.paper import Line
from kassa.ports import Agent, Correction, Document, Receipt, Supplier
from kassa.receipts.likeness import likeness

ORDINAL = 1207
AT = datetime(2026, 11, 24, 14, 5, tzinfo=UTC)
DRIVE, DOCUMENT, SIGN, SHIFT = "9999078900001234", 1234, 2881141438, 57
ACCOUNT = "4038172956"
MINOR = 650_00
AGENT = Agent(
    sign=2,
    supplier=Supplier("ООО «Соседняя сеть»", "7701234567", ("+74951112233", "+74951112234")),
    phones=("+74990000001",),
    operator_phones=("+74990000001",),
)
LONG_NAME = (
    "Аванс за услуги связи: домашний интернет, кабельное телевидение и телефон по договору "
    "№ 1234567890/2026-ПРИМЕРСВЯЗЬ"
)
KINDS = ("own", "items", "agent", "correction", "contact", "long_name")
"""Of the samples: the operator's own service, several items, money for somebody else, a correction, a customer who
wants the receipt by e-mail, and an item with a long name."""


def sample(kind: str, service: Service, config: Config, templates: Templates) -> Receipt:
    """A receipt of this kind for this service, over 650 roubles or what the currency is."""
    total = Money(MINOR, config.terminal.currency)
    number = f"{config.terminal.number}-{ORDINAL:010}"
    contact = "subscriber@example.com" if kind == "contact" else None
    correction = Correction(of=date(2026, 11, 23), number="17-К") if kind == "correction" else None
    made = receipt(number, service.id, ACCOUNT, total, config, contact, correction, templates=templates)
    (item,) = made.items
    match kind:
        case "items":
            fee = Money(15_50, total.currency)
            service_item = replace(item, price=total - fee)
            fee_item = replace(item, name="Вознаграждение агента", price=fee, method=4, subject=11)
            return replace(made, items=(service_item, fee_item))
        case "agent":
            return replace(made, items=(replace(item, agent=item.agent or AGENT),))
        case "long_name":
            return replace(made, items=(replace(item, name=LONG_NAME),))
        case _:
            return made


def printed(made: Receipt, config: Config, templates: Templates, *, is_fiscal: bool) -> list[Line]:
    """All that will stand on the paper, or with a fiscal registrar much like it."""
    if is_fiscal:
        document = Document(DOCUMENT, SIGN, AT, made.total, DRIVE, SHIFT)
        return likeness(made, document, config)
    document = Document(ORDINAL, 0, AT, made.total, "", 0)
    return whole_receipt(template_of(made.service, config, templates), made, document, config)
