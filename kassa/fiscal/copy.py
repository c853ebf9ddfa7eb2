"""A copy of a document that was made and did not get on paper: what the journal knows of it, for the customer.

It is no fiscal document and says so twice. Every line begins at the left margin and has single blanks only: so it looks
the same on every registrar and printer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from kassa.config import Config
from kassa.contact import masked
from kassa.errors import KassaError
from kassa.fiscal.receipt import CORRECTION, place
from kassa.journal.records import MadeDocument
from kassa.journal.store import Journal
from kassa.money import Money
from kassa.paper import wrap


class CopyRefused(KassaError):
    """There is nothing to make a copy of, or nobody for whom: the message says what to do."""


def find(journal: Journal, payment: str) -> MadeDocument:
    """The document to copy. Raises CopyRefused."""
    made = journal.made_document(payment)
    if made is not None:
        return made
    if journal.payment(payment) is None:
        raise CopyRefused(f"the journal knows no payment {payment!a}; see: kassa payments list")
    raise CopyRefused(
        f"payment {payment} has no document yet, so there is no copy of it: kassa payments owed"
    )


def lines_of(made: MadeDocument, config: Config, now: datetime) -> tuple[str, ...]:
    """The copy's rows, as wide as the configured paper."""
    words = WORDS[config.terminal.language]
    return tuple(
        row for line in _lines(made, config, now, words) for row in wrap(line, config.registrar.width)
    )


def _lines(made: MadeDocument, config: Config, now: datetime, words: Mapping[str, str]) -> Iterator[str]:
    document, where = made.document, place(config)
    service = config.find_service(made.service)
    is_correction = made.decision is not None and made.decision.document == CORRECTION
    is_fiscal = bool(document.drive_serial)
    yield words["correction" if is_correction else "receipt" if is_fiscal else "slip"]
    yield words["not_fiscal"]
    yield ""
    yield config.terminal.owner
    yield where.name
    yield where.address
    yield f"{words['terminal']}: {where.automaton}"
    yield f"{words['payment']}: {made.document.payment}"
    yield f"{words['service']}: {service.receipt_name if service else made.service}"
    yield f"{words['account']}: {made.account}"
    yield ""
    yield f"{words['total']}: {Money(document.total, config.terminal.currency)}"
    yield f"{words['made_at']}: {datetime.fromisoformat(document.at):%d.%m.%Y %H:%M}"
    if is_fiscal:
        yield f"{words['number']}: {document.number}"
        yield f"{words['sign']}: {document.sign:010}"
        yield f"{words['drive']}: {document.drive_serial}"
        if document.shift:  # whoever found a document in an archive may not have said it
            yield f"{words['shift']}: {document.shift}"
    else:
        yield f"{words['slip_number']}: {document.number}"
    if made.contact is not None:
        yield f"{words['contact']}: {masked(made.contact)}"
    yield ""
    yield f"{words['printed_at']}: {now:%d.%m.%Y %H:%M}"
    yield f"{words['phone']}: {config.terminal.phone}"
    yield words["not_fiscal"]


WORDS: Mapping[str, Mapping[str, str]] = {
    "ru": {
        "receipt": "КОПИЯ ЧЕКА",
        "correction": "КОПИЯ ЧЕКА КОРРЕКЦИИ",
        "slip": "КОПИЯ КВИТАНЦИИ",
        "not_fiscal": "НЕ ЯВЛЯЕТСЯ ФИСКАЛЬНЫМ ДОКУМЕНТОМ",
        "terminal": "Терминал",
        "payment": "Платёж",
        "service": "Услуга",
        "account": "Лицевой счёт",
        "total": "ИТОГ",
        "made_at": "Дата и время",
        "number": "ФД",
        "sign": "ФПД",
        "drive": "ФН",
        "shift": "Смена",
        "slip_number": "Квитанция",
        "contact": "Электронный чек направлен на",
        "printed_at": "Копия напечатана",
        "phone": "Справки",
    },
    "en": {
        "receipt": "COPY OF A RECEIPT",
        "correction": "COPY OF A CORRECTION RECEIPT",
        "slip": "COPY OF A SLIP",
        "not_fiscal": "NOT A FISCAL DOCUMENT",
        "terminal": "Terminal",
        "payment": "Payment",
        "service": "Service",
        "account": "Account",
        "total": "TOTAL",
        "made_at": "Date and time",
        "number": "Fiscal document",
        "sign": "Fiscal sign",
        "drive": "Fiscal drive",
        "shift": "Shift",
        "slip_number": "Slip",
        "contact": "Electronic receipt sent to",
        "printed_at": "Copy printed",
        "phone": "Enquiries",
    },
}
"""By the terminal's language; the shortened Russian names are those of the fiscal documents' printed forms."""


def unprinted_fields(made: MadeDocument, currency: str) -> dict[str, Any]:
    """A document without paper, for machines."""
    document = made.document
    return {
        "payment": document.payment,
        "document_at": document.at,
        "service": made.service,
        "account": made.account,
        "total": Money(document.total, currency).decimal(),
        "document": document.number,
        "contact": None if made.contact is None else masked(made.contact),
    }
