"""Entries as a terminal writes them, in the order in which things happen."""

from __future__ import annotations

from kassa.journal import entries as e

DRIVE = "9999078900001234"


def payment_number(ordinal: int) -> str:
    return f"00042-{ordinal:010}"


def opened(
    ordinal: int, account: str = "0017742", service: str = "internet", contact: str | None = None
) -> e.PaymentOpened:
    return e.PaymentOpened(
        payment=payment_number(ordinal), service=service, account=account, snapshot=None, contact=contact
    )


def intended(ordinal: int, note: int, value: int) -> e.StackIntended:
    return e.StackIntended(payment=payment_number(ordinal), note=note, value=value)


def stacked(ordinal: int, note: int, value: int) -> e.NoteStacked:
    return e.NoteStacked(payment=payment_number(ordinal), note=note, value=value)


def credited(ordinal: int, total: int) -> e.PaymentCredited:
    return e.PaymentCredited(payment=payment_number(ordinal), total=total, reason="finish")


def registering(ordinal: int, last_document: int) -> e.FiscalIntended:
    return e.FiscalIntended(payment=payment_number(ordinal), drive_serial=DRIVE, last_document=last_document)


def registered(ordinal: int, number: int, total: int) -> e.DocumentRegistered:
    return e.DocumentRegistered(
        payment=payment_number(ordinal), number=number, sign=3141592653, at="2026-11-25T12:00:00+03:00",
        drive_serial=DRIVE, shift=57, total=total, printed=True,
    )  # fmt: skip


def found(ordinal: int, number: int, drive: str = DRIVE) -> e.DocumentFound:
    return e.DocumentFound(
        payment=payment_number(ordinal), number=number, sign=3141592653, at="2026-11-25T12:00:00+03:00",
        drive_serial=drive, by="Petrova", role="accountant", reason="the old drive's archive", shift=57,
    )  # fmt: skip


def excluded(ordinal: int) -> e.DocumentExcluded:
    return e.DocumentExcluded(
        payment=payment_number(ordinal), by="Petrova", role="accountant", reason="the old drive's archive"
    )


def visit(ordinal: int, first_note: int, values: tuple[int, ...], document: int) -> list[tuple[e.Entry, ...]]:
    """One customer's visit, a transaction an element: as many notes as values, then the fiscal document."""
    steps: list[tuple[e.Entry, ...]] = [(opened(ordinal), intended(ordinal, first_note, values[0]))]
    for note, value in enumerate(values, first_note):
        if note > first_note:
            steps.append((intended(ordinal, note, value),))
        steps.append((stacked(ordinal, note, value),))
    total = sum(values)
    return [
        *steps,
        (credited(ordinal, total),),
        (registering(ordinal, document - 1),),
        (registered(ordinal, document, total),),
    ]


def visits(count: int) -> list[tuple[e.Entry, ...]]:
    """The first visits of a new journal, two notes each."""
    found: list[tuple[e.Entry, ...]] = [(e.Started(version="1.0.0", terminal="00042"),)]
    for ordinal in range(1, count + 1):
        found += visit(ordinal, 2 * ordinal - 1, (50000, 10000), 1000 + ordinal)
    return found
