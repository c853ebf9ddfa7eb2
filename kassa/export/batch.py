"""Which payments go out together: a batch is frozen in the journal before one byte of its file is written.

So a payment stands in exactly one file, whatever happens to folders and sticks, and the file can be written again from
the journal alone, byte for byte.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import msgspec

from kassa.clock import Clock
from kassa.export.layout import file_name, render, seconds
from kassa.journal.entries import BatchFrozen, SnapshotNamed
from kassa.journal.store import Journal

PAYMENTS_MAX = 10_000
"""Payments in one batch: a freeze holds the core for a tenth of a second. What is left waits for the next batch."""


@dataclass(frozen=True, slots=True)
class PaymentFile:
    """A frozen batch as the bytes that stand for it, for ever; `total` is minor units."""

    batch: int
    name: str
    payments: int
    total: int
    content: bytes


def freeze(
    journal: Journal, operator: str, terminal: str, clock: Clock, encoding: str, currency: str = "RUB"
) -> PaymentFile | None:
    """Put every credited payment with a document, or with an owed one, into a new batch; its file.

    None when there is nothing to put in one. Raises what `Journal.append` raises.
    """
    ready = journal.batch_ready(PAYMENTS_MAX)
    if not ready:
        return None
    chain = journal.head()[1]
    number, now = journal.next_batch(), clock.now()
    batch = BatchFrozen(
        batch=number,
        name=file_name(operator, terminal, f"{now:%Y%m%d}", number),
        operator=operator,
        terminal=terminal,
        currency=currency,
        encoding=encoding,
        since=_period_start(journal, number),
        until=now.isoformat(timespec="seconds"),
        snapshot=_snapshot(journal),
        payments=_ranges([row.ordinal for row in ready]),
        count=len(ready),
        total=sum([row.paid for row in ready]),
        sha256="",
    )
    content = b"".join(render(batch, ready, chain))
    journal.append(msgspec.structs.replace(batch, sha256=hashlib.sha256(content).hexdigest()))
    return PaymentFile(number, batch.name, batch.count, batch.total, content)


def contents(journal: Journal, number: int) -> tuple[BatchFrozen, Iterator[bytes]]:
    """A frozen batch and its file's bytes in pieces, from the journal alone. The batch must exist."""
    record = journal.batch(number)
    assert record is not None, f"batch {number} was never frozen"
    _, batch, _ = journal.entry(record.frozen_seq)
    assert isinstance(batch, BatchFrozen)
    _, _, chain = journal.entry(record.frozen_seq - 1)  # there is one: that of a payment at least
    return batch, render(batch, journal.batch_rows(batch.payments, record.frozen_seq), chain.hex())


def _ranges(ordinals: list[int]) -> tuple[tuple[int, int], ...]:
    """Ordinals that follow one another become one range, both ends included."""
    ranges: list[tuple[int, int]] = []
    first = last = ordinals[0]
    for ordinal in ordinals[1:]:
        if ordinal != last + 1:
            ranges.append((first, last))
            first = ordinal
        last = ordinal
    return (*ranges, (first, last))


def _period_start(journal: Journal, number: int) -> str:
    """Where the batch before ended; the first one begins with the journal."""
    before = journal.batch(number - 1)
    return before.until if before else seconds(journal.entry(1)[0])


def _snapshot(journal: Journal) -> SnapshotNamed | None:
    """The data in use; a time that is none would break the file's head, so then the batch names no data."""
    found = journal.last_snapshot()
    if found is None:
        return None
    try:
        return SnapshotNamed(datetime.fromisoformat(found.as_of).isoformat(), found.sha256)
    except ValueError:
        return None
