"""What lies in the devices and in the files, held against what the journal says: the three promises as figures."""

from __future__ import annotations

import json
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

from msgspec import Struct

from kassa.demo.stage import Stage
from kassa.demo.steered import wait_until


class Paid(Struct, frozen=True):
    """A credited payment by the journal."""

    payment: str
    account: str
    service: str
    paid: str
    document: int | None


class Fiscal(Struct, frozen=True):
    """A receipt in the fiscal drive's memory."""

    number: int
    sum: str
    sign: int


class PaymentFile(Struct, frozen=True):
    """A payment file in the outbox, added up anew."""

    name: str
    payments: list[str]
    total: str


class Summary(Struct, frozen=True, kw_only=True):
    """Everything that has to agree; `disagreements` is empty when it does."""

    notes_in_box: dict[str, int]
    """By denomination, as a collector would count them."""
    box_total: str
    credited_total: str
    payments: list[Paid]
    documents: list[Fiscal]
    files: list[PaymentFile]
    journal_is_whole: bool
    disagreements: list[str]


def gather(stage: Stage) -> Summary:
    """Ask the devices, the command line and the outbox of a terminal on which nobody pays."""
    wait_until(lambda: all(one["document"] for one in _credited(stage)), "a fiscal document for each payment")
    stage.kassa("export", "run")
    box = stage.validator.order("state")
    verdict = json.loads(stage.kassa("journal", "verify", "--json"))
    payments = [
        Paid(one["payment"], one["account"], one["service"], one["paid"], one["document"])
        for one in _credited(stage)
    ]
    documents = [
        Fiscal(one["number"], one["sum"], one["sign"])
        for one in stage.registrar.order("state")["documents"]
        if one["kind"] == "receipt"
    ]
    files = [_read(path) for path in sorted(stage.home.outbox.glob("KASSA_*.csv"))]
    found = Summary(
        notes_in_box=box["cassette"],
        box_total=box["total"],
        credited_total=str(sum((Decimal(one.paid) for one in payments), Decimal("0.00"))),
        payments=payments,
        documents=documents,
        files=files,
        journal_is_whole=verdict["ok"],
        disagreements=[],
    )
    found.disagreements.extend(disagreements(found))
    return found


def _credited(stage: Stage) -> list[dict[str, Any]]:
    return [one for one in stage.payments() if one["state"] == "credited"]


def _read(path: Path) -> PaymentFile:
    rows = [
        line.split(";") for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")
    ]
    return PaymentFile(
        path.name, [row[1] for row in rows], str(sum((Decimal(row[5]) for row in rows), Decimal("0.00")))
    )


def disagreements(found: Summary) -> list[str]:
    """Each broken promise as a sentence."""
    problems = []
    if Decimal(found.box_total) != Decimal(found.credited_total):
        problems.append(f"the cassette holds {found.box_total}, the journal credits {found.credited_total}")
    recorded = {one.number: Decimal(one.sum) for one in found.documents}
    for payment in found.payments:
        if recorded.pop(payment.document or 0, None) != Decimal(payment.paid):
            problems.append(f"payment {payment.payment} has no fiscal document of {payment.paid}")
    problems += [f"fiscal document {number} belongs to no payment" for number in recorded]
    standing = Counter(number for file in found.files for number in file.payments)
    for payment in found.payments:
        if (times := standing.pop(payment.payment, 0)) != 1:
            problems.append(f"payment {payment.payment} stands {times} times in the payment files")
    problems += [f"the payment files hold {number}, which nobody paid" for number in standing]
    if sum(Decimal(file.total) for file in found.files) != Decimal(found.credited_total):
        problems.append("the payment files' totals are not what the journal credits")
    if not found.journal_is_whole:
        problems.append("the journal is broken; see kassa journal verify")
    return problems
