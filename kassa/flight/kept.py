"""Copies of what passed during each payment: the ring forgets within hours, a complaint comes after days."""

from __future__ import annotations

import logging
import math
import shutil
from collections.abc import Iterable
from pathlib import Path

from kassa.errors import KassaError
from kassa.files import write_durably
from kassa.flight.reading import FILE_MAX_BYTES, RecordingUnreadable, read
from kassa.flight.ring import BLOCK_BYTES, Record, blocks_of
from kassa.home import Home

log = logging.getLogger("kassa.flight")

KEPT_MAX = 1000
"""Copies, of all devices together: some weeks of a busy kiosk with two devices; a copy has 20 to 80 KB."""
KEPT_MAX_BYTES = 64 << 20
"""Of all copies together: a payment that stood open for hours has a whole ring's length."""
BEFORE_S = 20.0
"""A payment begins in the journal when its first note is at escrow; that note's way in began some seconds before. And
so much is kept of what led to a document that came later."""


def keep(
    home: Home, payment: str, opened_at: float, until: float, names: Iterable[str], spare_bytes: int
) -> None:
    """Copy what passed on the lines of these devices while the payment was made, and forget the oldest copies.

    Where there is a copy already, what led to this end is added to it: a document that was owed has come.
    Raises KassaError or OSError: then there is no copy, or the one of before.
    """
    home.flight_payments.mkdir(mode=0o700, parents=True, exist_ok=True)
    if (free := shutil.disk_usage(home.flight_payments).free) < spare_bytes:
        raise KassaError(f"only {free >> 20} MB are free")
    for name in names:
        if home.flight_ring(name).exists():
            _keep_one(home.flight_ring(name), home.flight_of(payment, name), opened_at - BEFORE_S, until)
    forget_oldest(home.flight_payments)


def _keep_one(ring: Path, copy: Path, since: float, until: float) -> None:
    before, known = _known(copy)
    if known:
        since = max(math.nextafter(known[-1].at, math.inf), until - BEFORE_S)
    blocks = list(blocks_of(read(ring, since, until), len(before) // BLOCK_BYTES + 1))
    if not blocks or len(before) + len(blocks) * BLOCK_BYTES > FILE_MAX_BYTES:
        return
    with write_durably(copy) as file:
        file.write(before)
        file.writelines(blocks)


def _known(copy: Path) -> tuple[bytes, list[Record]]:
    """The copy that is there already; one that cannot be read is made anew."""
    try:
        records = list(read(copy))
    except RecordingUnreadable:
        return b"", []
    return (copy.read_bytes(), records) if records else (b"", [])


def forget_oldest(folder: Path, at_most: int = KEPT_MAX, at_most_bytes: int = KEPT_MAX_BYTES) -> None:
    """Delete copies until so many are left, the oldest payments first. Raises OSError."""
    copies = sorted(folder.iterdir(), key=_ordinal)
    sizes = [copy.lstat().st_size for copy in copies]
    left_bytes = sum(sizes)
    for left, copy, size in zip(range(len(copies), 0, -1), copies, sizes, strict=True):
        if left <= at_most and left_bytes <= at_most_bytes:
            return
        copy.unlink(missing_ok=True)
        left_bytes -= size


def _ordinal(copy: Path) -> tuple[str, str]:
    """Payments are numbered for ever, whatever number the terminal itself has."""
    _, _, ordinal = copy.name.partition("-")
    return ordinal, copy.name
