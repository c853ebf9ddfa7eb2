"""Documents in doubt: begun on a fiscal drive that was taken away. A person looks into its archive and says what is there.

Nothing is taken from a person that the registrar may still tell by itself: a wrong word costs a payment its document, or
gives it two.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, tzinfo

from kassa.errors import KassaError
from kassa.fiscal.queue import Queue
from kassa.journal import entries as e
from kassa.journal.records import PendingDocument
from kassa.journal.store import Journal
from kassa.money import Money
from kassa.ports import Document
from kassa.said import who, why
from kassa.untrusted import printable

AT_FORMAT = "%Y-%m-%d %H:%M"
NUMBER_MAX = SIGN_MAX = 2**32 - 1
"""Numbers and signs of fiscal documents have four bytes."""


class DoubtDecisionRefused(KassaError):
    """Nothing was written: the message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class FoundDocument:
    """What a person read in an archive; `at` is local time as AT_FORMAT has it, `shift` is 0 where it was not said."""

    number: int
    sign: int
    at: str
    shift: int = 0


def find(
    journal: Journal,
    queue: Queue,
    payment: str,
    found: FoundDocument,
    by: str,
    reason: str,
    role: str,
    *,
    zone: tzinfo | None,
    currency: str,
) -> Document:
    """Write down the payment's document, as somebody found it. Raises DoubtDecisionRefused."""
    total, (drive, last) = _in_doubt(journal, queue, payment)
    if not 1 <= found.number <= NUMBER_MAX:
        raise DoubtDecisionRefused(f"a document's number is 1 to {NUMBER_MAX}: --document")
    if not 0 <= found.sign <= SIGN_MAX:
        raise DoubtDecisionRefused(f"a document's fiscal sign is at most {SIGN_MAX}: --sign")
    if not 0 <= found.shift <= NUMBER_MAX:
        raise DoubtDecisionRefused(f"a shift's number is 1 to {NUMBER_MAX}: --shift")
    if found.number <= last:
        raise DoubtDecisionRefused(
            f"document {found.number} was there before the payment's was begun; look behind document {last}"
        )
    if found.number in journal.documents_after(drive, last):
        raise DoubtDecisionRefused(
            f"document {found.number} of fiscal drive {drive} is another payment's: kassa payments list --json"
        )
    at = _moment(found.at, zone)
    entry = e.DocumentFound(
        payment=payment,
        number=found.number,
        sign=found.sign,
        at=at.isoformat(),
        drive_serial=drive,
        by=who(by, DoubtDecisionRefused),
        role=role,
        reason=why(reason, DoubtDecisionRefused, "where you looked"),
        shift=found.shift,
    )
    journal.append(entry)
    return Document(found.number, found.sign, at, Money(total, currency), drive, found.shift)


def exclude(journal: Journal, queue: Queue, payment: str, by: str, reason: str, role: str) -> PendingDocument:
    """Write down that there is no document: the payment gets one like any other. Raises DoubtDecisionRefused."""
    _in_doubt(journal, queue, payment)
    entry = e.DocumentExcluded(
        payment=payment,
        by=who(by, DoubtDecisionRefused),
        role=role,
        reason=why(reason, DoubtDecisionRefused, "where you looked"),
    )
    journal.append(entry)
    return next(one for one in journal.fiscal_pending() if one.payment == payment)


def is_for_person(queue: Queue, waiting: PendingDocument) -> bool:
    """Whether the registrar has looked for the document in vain, and has not the drive any more that would hold it."""
    return (
        waiting.payment in queue.in_doubt
        and waiting.intent is not None
        and queue.status is not None
        and queue.status.drive_serial != waiting.intent[0]
    )


def _in_doubt(journal: Journal, queue: Queue, payment: str) -> tuple[int, tuple[str, int]]:
    """The payment's sum and its intent, if it is a person who has to end its doubt now. Raises DoubtDecisionRefused."""
    waiting = next((one for one in journal.fiscal_pending() if one.payment == payment), None)
    if waiting is None:
        raise DoubtDecisionRefused(
            f"payment {printable(payment)} waits for no document; those that do: kassa payments owed"
        )
    if waiting.intent is None:
        raise DoubtDecisionRefused(
            "no document of it was begun, so none is in doubt; what it waits for: kassa payments owed"
        )
    if queue.in_flight is not None and queue.in_flight.payment == payment:
        raise DoubtDecisionRefused("the registrar is just being asked for its document; wait a minute")
    if queue.status is None:
        raise DoubtDecisionRefused(
            "the registrar does not answer, and its fiscal drive may be the one that knows; check its cable and power"
        )
    if queue.status.drive_serial == waiting.intent[0]:
        raise DoubtDecisionRefused(
            f"fiscal drive {waiting.intent[0]}, on which it was begun, is in the registrar, which is asked again every"
            " minute; only of a drive that was taken away a person says what is on it"
        )
    if not is_for_person(queue, waiting):
        raise DoubtDecisionRefused("the registrar has not looked for its document yet; wait a minute")
    return waiting.total, waiting.intent


def _moment(at: str, zone: tzinfo | None) -> datetime:
    try:
        return datetime.strptime(at, AT_FORMAT).replace(tzinfo=zone)
    except ValueError as error:
        raise DoubtDecisionRefused(
            f"{printable(at[:40])!r} is no time; say the document's own, like 2026-11-24 14:05: --at"
        ) from error
