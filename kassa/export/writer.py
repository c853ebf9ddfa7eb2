"""From a frozen batch to its file: written whole, read back, compared, and only then noted as written.

The journal vouches for the file, never the medium for itself: what counts is the sha256 that was frozen.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from kassa import config
from kassa.clock import Clock
from kassa.errors import KassaError
from kassa.export.batch import PaymentFile, contents, freeze
from kassa.files import MACHINE, Disk, write_durably
from kassa.journal.entries import BatchWritten
from kassa.journal.store import Journal
from kassa.money import Money

READ_BYTES = 1 << 20


class ExportFailed(KassaError):
    """A payment file could not be written, or was not found on the medium as it was written; the batch stays."""


def outgoing_folder(home: Path, name: str) -> Path:
    """The configured folder; it is made inside of the home only, elsewhere it may be where a stick should be.

    Raises ExportFailed.
    """
    folder = home / name
    if folder.is_relative_to(home):
        make_folder(folder)
    return folder


def make_folder(folder: Path) -> None:
    """Make a folder for payment files, where there is none. Raises ExportFailed."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ExportFailed(f"{folder} cannot be made: {error.strerror}; name another folder") from error


def waiting(journal: Journal, clock: Clock, terminal: config.Terminal, encoding: str) -> list[PaymentFile]:
    """Freeze the payments that are in no batch yet; every file that was not written, oldest first.

    Raises ExportFailed, and what `Journal.append` raises; what was frozen stays frozen.
    """
    fresh = freeze(journal, terminal.operator, terminal.number, clock, encoding, terminal.currency)
    return [
        fresh if fresh is not None and fresh.batch == batch.number else file_of(journal, batch.number)
        for batch in journal.batches(only_unwritten=True)
    ]


def file_of(journal: Journal, batch: int) -> PaymentFile:
    """The file of a frozen batch, from the journal alone. Raises ExportFailed when it would be another than was frozen."""
    frozen, pieces = contents(journal, batch)
    content = b"".join(pieces)
    if hashlib.sha256(content).hexdigest() != frozen.sha256:
        raise ExportFailed(
            f"batch {batch} gives other bytes than were frozen, so {frozen.name} was not written; write it with the"
            " version of Kassa that froze it"
        )
    return PaymentFile(batch, frozen.name, frozen.count, frozen.total, content)


def write(file: PaymentFile, folder: Path, disk: Disk = MACHINE) -> Path:
    """Write the file into `folder` and read it back; name and bytes are always the same. Touches nothing but the medium.

    Raises ExportFailed when the medium fails; then the file can be written again, here or elsewhere.
    """
    path = folder / file.name
    try:
        if not disk.is_folder(folder):  # never made here: it may be the place where a stick should be
            raise ExportFailed(f"{folder} is not there; plug the medium in or make the folder, then repeat")
        with write_durably(path, disk) as written:
            written.write(file.content)
        found = _sha256(path, disk)
    except OSError as error:
        raise ExportFailed(
            f"{path} cannot be written: {error.strerror}; see to the folder, then repeat"
        ) from error
    if found != hashlib.sha256(file.content).hexdigest():
        raise ExportFailed(f"{path} was written, but reads back otherwise; use another medium, then repeat")
    return path


def described(file: PaymentFile, folder: Path, currency: str) -> dict[str, Any]:
    """The file as the command line tells of it."""
    total = Money(file.total, currency).decimal()
    return {"file": str(folder / file.name), "payments": file.payments, "total": total}


def note_written(journal: Journal, batch: int, name: str) -> None:
    """Write into the journal that the file lies where it should; once."""
    record = journal.batch(batch)
    if record is not None and not record.is_written:
        journal.append(BatchWritten(batch=batch, name=name))


def _sha256(path: Path, disk: Disk) -> str:
    hashed = hashlib.sha256()
    with disk.open(path) as file:
        while piece := file.read(READ_BYTES):
            hashed.update(piece)
    return hashed.hexdigest()
