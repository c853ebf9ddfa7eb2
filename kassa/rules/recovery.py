"""After a start: what the journal says of an unfinished visit becomes its state again. Pure.

Nothing is decided here about a note in flight: its intent stands in the restored state, and the validator's
evidence arrives as events of the session.
"""

from __future__ import annotations

from kassa.contact import Contact
from kassa.journal.records import OpenIntent, OpenPayment, PendingDocument
from kassa.money import Money
from kassa.ports import Evidence
from kassa.rules.session import Attract, Identified, Intent, Printing, State, TakingCash


def restore(
    payment: OpenPayment | None,
    intent: OpenIntent | None,
    unprinted: PendingDocument | None,
    subscriber: Identified | None,
    currency: str,
) -> State:
    """The state in which the visit goes on.

    `unprinted` is the last payment if it waits for its document and its customer has not been sent away;
    `subscriber` is who `payment` or `unprinted` is for.
    """
    if payment is not None:
        assert intent is None or intent.payment == payment.number
        return TakingCash(
            service=payment.service,
            subscriber=subscriber or Identified(payment.account),
            paid=Money(payment.paid, currency),
            payment=payment.number,
            intent=_intent(intent, currency) if intent else None,
            contact=Contact(payment.contact) if payment.contact else None,
        )
    assert intent is None, "an intent without its payment cannot be written"
    if unprinted is not None:
        who = subscriber or Identified(unprinted.account)
        return Printing(unprinted.service, who, unprinted.payment, Money(unprinted.total, currency))
    return Attract()


def _intent(intent: OpenIntent, currency: str) -> Intent:
    evidence = Evidence(intent.evidence) if intent.evidence else Evidence.NOTHING
    return Intent(intent.note, Money(intent.value, currency), evidence)
