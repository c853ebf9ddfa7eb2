"""Which payments go out together: a batch is frozen in the journal before one byte of its file is written.

So a payment stands in exactly one file, whatever happens to folders and sticks, and the file can be written again from
the journal alone, byte for byte.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from datetime import datetime

import msgspec

from kassa.clock import Clock
from kassa.export.layout import file_name, render, seconds
from kassa.journal.entries import BatchFrozen, SnapshotNamed
from kassa.journal.store import Journal

PAYMENTS_MAX = 10_000
"""Payments in one batch: a freeze holds the core for a tenth of a second. What is left waits for the next batch."""


def freeze(
    journal: Journal, operator: str, terminal: str, clock: Clock, encoding: str, currency: str = "RUB"
) -> int | None:
    """Put every credited payment with a document, or with an owed one, into a new batch; its number.

    None when there is nothing to put in one. Raises what `Journal.append` raises.
    """
    ranges, count, total = _ranges(journal.batch_ready(PAYMENTS_MAX))
    if not ranges:
        return None
    head, chain = journal.head()
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
        payments=ranges,
        count=count,
        total=total,
        sha256="",
    )
    hashed = hashlib.sha256()
    for piece in render(batch, journal.batch_rows(ranges, head + 1), chain):
        hashed.update(piece)
    journal.append(msgspec.structs.replace(batch, sha256=hashed.hexdigest()))
    return number


def contents(journal: Journal, number: int) -> tuple[BatchFrozen, Iterator[bytes]]:
    """A frozen batch and its file's bytes in pieces, from the journal alone. The batch must exist."""
    record = journal.batch(number)
    assert record is not None, f"batch {number} was never frozen"
    _, batch, _ = journal.entry(record.frozen_seq)
    assert isinstance(batch, BatchFrozen)
    _, _, chain = journal.entry(record.frozen_seq - 1)  # there is one: that of a payment at least
    return batch, render(batch, journal.batch_rows(batch.payments, record.frozen_seq), chain.hex())


def _ranges(ready: Iterable[tuple[int, int]]) -> tuple[tuple[tuple[int, int], ...], int, int]:
    """Ordinals that follow one another become one range, both ends included; with the count and sum of all."""
    ranges: list[tuple[int, int]] = []
    count, total = 0, 0
    for ordinal, paid in ready:
        if ranges and ranges[-1][1] == ordinal - 1:
            ranges[-1] = (ranges[-1][0], ordinal)
        else:
            ranges.append((ordinal, ordinal))
        count, total = count + 1, total + paid
    return tuple(ranges), count, total


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
