"""From a frozen batch to its file: written whole, read back, compared, and only then noted as written.

The journal vouches for the file, never the medium for itself: what counts is the sha256 that was frozen.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from kassa.errors import KassaError
from kassa.export.batch import contents
from kassa.files import write_durably
from kassa.journal.entries import BatchWritten
from kassa.journal.store import Journal

READ_BYTES = 1 << 20


class ExportFailed(KassaError):
    """A payment file could not be written, or was not found on the medium as it was written; the batch stays."""


@dataclass(frozen=True, slots=True)
class Written:
    """A payment file that lies in its folder; `total` is minor units."""

    path: Path
    payments: int
    total: int
    sha256: str


def unwritten(journal: Journal) -> list[int]:
    """The batches that were frozen and not written yet, oldest first."""
    return [batch.number for batch in journal.batches(only_unwritten=True)]


def write(journal: Journal, batch: int, folder: Path) -> Written:
    """Write the file of a frozen batch into `folder`, for the first time or again: name and bytes are the same.

    Raises ExportFailed when the medium fails; then the batch can be written again, here or elsewhere.
    """
    frozen, pieces = contents(journal, batch)
    path = folder / frozen.name
    hashed = hashlib.sha256()
    try:
        with write_durably(path) as file:
            for piece in pieces:
                hashed.update(piece)
                file.write(piece)
            assert hashed.hexdigest() == frozen.sha256, f"batch {batch} gives other bytes than were frozen"
        found = _sha256(path)
    except OSError as error:
        raise ExportFailed(
            f"{path} cannot be written: {error.strerror}; see to the folder and repeat"
        ) from error
    if found != frozen.sha256:
        raise ExportFailed(f"{path} was written, but reads back otherwise; use another medium and repeat")
    record = journal.batch(batch)
    if record is not None and not record.is_written:
        journal.append(BatchWritten(batch=batch, name=frozen.name))
    return Written(path, frozen.count, frozen.total, frozen.sha256)


def _sha256(path: Path) -> str:
    hashed = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(READ_BYTES):
            hashed.update(piece)
    return hashed.hexdigest()
