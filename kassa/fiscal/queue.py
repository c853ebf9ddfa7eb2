"""Payments on their way to their one fiscal document: what to ask the registrar next, what to write of its answers. Pure.

A registration that was begun is settled before anything else is tried with its payment, so that no payment ever
gets a second document.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from kassa.journal import entries as e
from kassa.journal.records import PendingDocument
from kassa.ports import (
    DocumentRegistered,
    NotRegistered,
    Receipt,
    RegisterReceipt,
    RegistrarLost,
    RegistrarStatus,
    RegistrationStarting,
    SettleReceipt,
    ShiftState,
)

T = TypeVar("T")

RETRY_AFTER_S = 5.0
"""After a first refusal; long enough for a motor or a printing queue to finish."""
RETRY_MAX_S = 300.0
"""What is refused again and again waits for a person: each pause is twice the one before, up to this one."""
DOUBT_RETRY_AFTER_S = 60.0
"""After a document could be neither found nor excluded: only a person, or its own drive put back, changes that."""


@dataclass(frozen=True, slots=True)
class InFlight:
    """What the registrar is busy with by our command."""

    payment: str
    is_settling: bool
    is_intended: bool
    """Whether the journal holds an open intent for it."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why the registrar made no document of a payment the last time, and how long it is left alone since."""

    reason: str
    pause_s: float


@dataclass(frozen=True, slots=True)
class Queue:
    """What the queue knows besides the journal; empty at a start."""

    status: RegistrarStatus | None = None
    in_flight: InFlight | None = None
    not_before: dict[str, float] = field(default_factory=dict)
    """Monotonic seconds before which a payment is not tried again."""

    refused: dict[str, Refusal] = field(default_factory=dict)
    """Payments that it was asked for in vain; an attempt whose end is not known yet does not count."""

    in_doubt: frozenset[str] = frozenset()
    """Payments whose document could be neither found nor excluded."""


def hear(queue: Queue, fact: object, now: float) -> tuple[Queue, tuple[e.Entry, ...]]:
    """Take in a fact of the registrar: the queue after it, and the entries to commit."""
    match fact:
        case RegistrarStatus():
            return replace(queue, status=fact), ()
        case RegistrarLost():  # whoever switched it off and on again may have mended what it refused
            return replace(queue, status=None, in_flight=None, not_before={}), ()
        case RegistrationStarting(payment, drive_serial, last_document):
            intended = e.FiscalIntended(
                payment=payment, drive_serial=drive_serial, last_document=last_document
            )
            in_flight = InFlight(payment, is_settling=False, is_intended=True)
            return replace(queue, in_flight=in_flight), (intended,)
        case DocumentRegistered(payment, document, printed):
            registered = e.DocumentRegistered(
                payment=payment,
                number=document.number,
                sign=document.sign,
                at=document.at.isoformat(),
                drive_serial=document.drive_serial,
                shift=document.shift,
                total=document.total.minor,
                printed=printed,
            )
            return _without(forget_refusal(queue, payment), payment), (registered,)
        case NotRegistered(payment, reason, True):
            was_intended = queue.in_flight is not None and queue.in_flight.is_intended
            voided = (e.FiscalVoided(payment=payment, reason=reason),) if was_intended else ()
            return _refused(queue, payment, reason, now), voided
        case NotRegistered(payment, _, False) if queue.in_flight and not queue.in_flight.is_settling:
            return _delayed(_without(queue, payment), payment, now + RETRY_AFTER_S), ()
        case NotRegistered(payment, _, False):
            doubtful = replace(_without(queue, payment), in_doubt=queue.in_doubt | {payment})
            return _delayed(doubtful, payment, now + DOUBT_RETRY_AFTER_S), ()
        case _:
            return queue, ()


def next_command(
    queue: Queue,
    pending: Sequence[PendingDocument],
    now: float,
    receipt_of: Callable[[PendingDocument], Receipt],
    *,
    is_any_shift_right: bool = False,
) -> tuple[Queue, RegisterReceipt | SettleReceipt | None]:
    """What to ask the registrar now, oldest payment first; None: nothing, or not yet.

    One that was refused comes behind those that were not: whoever stands at the terminal does not wait for it.
    What was begun is settled before any other document is made: not every registrar's documents carry a payment number,
    and then only the next document after the intent can be told to be the payment's. One in doubt is for a person to
    settle, so the others do not wait for it. A late one waits for a person, too, unless `is_any_shift_right`.
    """
    if queue.status is None or queue.in_flight is not None:
        return queue, None
    begun = [waiting for waiting in pending if waiting.intent is not None]
    for waiting in begun:
        assert waiting.intent is not None
        if now >= queue.not_before.get(waiting.payment, 0.0):
            settle = SettleReceipt(receipt_of(waiting), *waiting.intent)
            return replace(queue, in_flight=InFlight(waiting.payment, True, True)), settle
    if queue.status.problem is not None or any(waiting.payment not in queue.in_doubt for waiting in begun):
        return queue, None
    for waiting in sorted(pending, key=lambda one: one.payment in queue.refused):
        if waits_for_person(waiting, is_any_shift_right=is_any_shift_right):
            continue
        if waiting.owed and queue.status.shift is ShiftState.EXPIRED and waiting.decision is None:
            continue  # its shift is over; whoever stands at the terminal now begins the next one
        if waiting.intent is None and now >= queue.not_before.get(waiting.payment, 0.0):
            register = RegisterReceipt(receipt_of(waiting))
            return replace(queue, in_flight=InFlight(waiting.payment, False, False)), register
    return queue, None


def waits_for_person(waiting: PendingDocument, *, is_any_shift_right: bool) -> bool:
    """Whether the shift in which the money was taken is over, and nobody has said what document is right so late."""
    is_in_time = is_any_shift_right or not waiting.is_late
    return not is_in_time and waiting.decision is None and waiting.intent is None


def forget_refusal(queue: Queue, payment: str) -> Queue:
    """Another kind of document is asked for from now on: what was said of the one before tells nothing of it."""
    return replace(
        queue,
        not_before=_but(queue.not_before, payment),
        refused=_but(queue.refused, payment),
    )


def forget_doubt(queue: Queue, payment: str) -> Queue:
    """A person has said what became of its document."""
    known = forget_refusal(queue, payment)
    return replace(known, in_doubt=known.in_doubt - {payment})


def _refused(queue: Queue, payment: str, reason: str, now: float) -> Queue:
    before = queue.refused.get(payment)
    pause_s = RETRY_AFTER_S if before is None else min(2 * before.pause_s, RETRY_MAX_S)
    refused = {**queue.refused, payment: Refusal(reason, pause_s)}
    return _delayed(replace(_without(queue, payment), refused=refused), payment, now + pause_s)


def _without(queue: Queue, payment: str) -> Queue:
    return replace(
        queue,
        in_flight=None,
        not_before=_but(queue.not_before, payment),
        in_doubt=queue.in_doubt - {payment},
    )


def _but(known: Mapping[str, T], payment: str) -> dict[str, T]:
    return {key: value for key, value in known.items() if key != payment}


def _delayed(queue: Queue, payment: str, until: float) -> Queue:
    return replace(queue, not_before={**queue.not_before, payment: until})
