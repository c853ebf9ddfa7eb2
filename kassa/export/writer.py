"""From a frozen batch to its file: written whole, read back, compared, and only then noted as written.

The journal vouches for the file, never the medium for itself: what counts is the sha256 that was frozen.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from kassa import config
from kassa.clock import Clock
from kassa.errors import KassaError
from kassa.export.batch import contents, freeze
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


def unwritten(journal: Journal) -> list[int]:
    """The batches that were frozen and not written yet, oldest first."""
    return [batch.number for batch in journal.batches(only_unwritten=True)]


def write_waiting(
    journal: Journal, clock: Clock, terminal: config.Terminal, encoding: str, folder: Path
) -> list[Written]:
    """Freeze the payments that are in no batch yet, then write every file that was not written; the files.

    Raises ExportFailed, and what `Journal.append` raises; what was frozen stays frozen, what was written stays written.
    """
    freeze(journal, terminal.operator, terminal.number, clock, encoding, terminal.currency)
    return [write(journal, batch, folder) for batch in unwritten(journal)]


def write(journal: Journal, batch: int, folder: Path) -> Written:
    """Write the file of a frozen batch into `folder`, and note that it lies there.

    Raises ExportFailed when the medium fails; then the batch can be written again, here or elsewhere.
    """
    written = write_again(journal, batch, folder)
    record = journal.batch(batch)
    if record is not None and not record.is_written:
        journal.append(BatchWritten(batch=batch, name=written.path.name))
    return written


def write_again(journal: Journal, batch: int, folder: Path) -> Written:
    """Write the file of a frozen batch into `folder`; name and bytes are always the same. Raises ExportFailed."""
    frozen, pieces = contents(journal, batch)
    path = folder / frozen.name
    hashed = hashlib.sha256()
    try:
        if not folder.is_dir():  # never made here: it may be the place where a stick should be
            raise ExportFailed(f"{folder} is not there; plug the medium in or make the folder, then repeat")
        with write_durably(path) as file:
            for piece in pieces:
                hashed.update(piece)
                file.write(piece)
            if hashed.hexdigest() != frozen.sha256:
                raise ExportFailed(
                    f"batch {batch} gives other bytes than were frozen, so {path} was not written; write it with the"
                    " version of Kassa that froze it"
                )
        found = _sha256(path)
    except OSError as error:
        raise ExportFailed(
            f"{path} cannot be written: {error.strerror}; see to the folder, then repeat"
        ) from error
    if found != frozen.sha256:
        raise ExportFailed(f"{path} was written, but reads back otherwise; use another medium, then repeat")
    return Written(path, frozen.count, frozen.total, frozen.sha256)


def _sha256(path: Path) -> str:
    """Of what the medium gives back; the kernel is asked to forget what it still remembers of the file."""
    hashed = hashlib.sha256()
    with path.open("rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        while piece := file.read(READ_BYTES):
            hashed.update(piece)
    return hashed.hexdigest()
