"""Payments whose shift is over and whose document is still owed: a person says what kind of document is right now.

The law wants the document at the moment of payment. What is made behind the shift's end is a correction in one reading and
a late receipt in another, so neither is made by itself.
"""

from __future__ import annotations

from typing import Any

from kassa.errors import KassaError
from kassa.fiscal.queue import waits_for_person
from kassa.fiscal.receipt import CORRECTION, ORDINARY
from kassa.journal import entries as e
from kassa.journal.records import PendingDocument
from kassa.journal.store import Journal
from kassa.money import Money
from kassa.said import said, who, why
from kassa.untrusted import printable

DOCUMENTS = (ORDINARY, CORRECTION)
ACT_MAX_CHARS = 32
"""Tag 1179 holds no more."""
NO_ACT = "б/н"
"""A correction of our own accord, founded on no numbered paper, as accountants write it."""


class LateDecisionRefused(KassaError):
    """Nothing was written: the message says why, and what to do."""


def decide(
    journal: Journal,
    payment: str,
    document: str,
    act: str,
    by: str,
    reason: str,
    role: str = "",
    *,
    is_refused: bool = False,
) -> PendingDocument:
    """Write down what document a late payment gets; it is made as soon as the registrar can. Raises LateDecisionRefused.

    It is decided once, and anew only where the registrar refuses what was decided (`is_refused`).
    """
    waiting = next((one for one in journal.fiscal_pending() if one.payment == payment), None)
    if waiting is None:
        raise LateDecisionRefused(
            f"payment {printable(payment)} waits for no document; those that do: kassa payments owed"
        )
    if document not in DOCUMENTS:
        raise LateDecisionRefused(f"a document is one of: {', '.join(DOCUMENTS)}")
    if waiting.intent is not None:
        raise LateDecisionRefused(
            "its document may exist already, and the registrar has not been able to say so; wait until it has, and where"
            " its fiscal drive was taken away, see: kassa payments owed"
        )
    if waiting.decision is not None and not is_refused:
        raise LateDecisionRefused(
            f"that was decided before ({waiting.decision.document}); it is made when the registrar can"
        )
    if not waiting.is_late:
        raise LateDecisionRefused(
            "its shift is still open: its receipt is printed as soon as the registrar can"
        )
    entry = e.LateDocumentDecided(
        payment=payment,
        document=document,
        act=said(act or NO_ACT, ACT_MAX_CHARS, "--act", "the number of the paper", LateDecisionRefused),
        by=who(by, LateDecisionRefused),
        reason=why(reason, LateDecisionRefused),
        role=role,
    )
    journal.append(entry)
    return next(one for one in journal.fiscal_pending() if one.payment == payment)


def owed_fields(waiting: PendingDocument, currency: str, *, is_any_shift_right: bool) -> dict[str, Any]:
    """A payment that waits for its document, for machines."""
    return {
        "payment": waiting.payment,
        "credited_at": waiting.credited_at,
        "service": waiting.service,
        "account": waiting.account,
        "total": Money(waiting.total, currency).decimal(),
        "is_owed": waiting.owed,
        "is_begun": waiting.intent is not None,
        "begun_on": waiting.intent and {"drive": waiting.intent[0], "last_document": waiting.intent[1]},
        "waits_for_person": waits_for_person(waiting, is_any_shift_right=is_any_shift_right),
        "decision": waiting.decision and {"document": waiting.decision.document, "act": waiting.decision.act},
    }
