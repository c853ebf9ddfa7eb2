"""Files of other people are opened with distrust; our own are written so that a power cut leaves the old or the new one."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from kassa.errors import KassaError


class UntrustedFileError(KassaError):
    """A file from outside is not an ordinary file of a bearable size."""


def open_untrusted(path: Path | bytes, size_max_bytes: int) -> BinaryIO:
    """Open a file that somebody else wrote: no links, regular files only, not larger than `size_max_bytes`.

    Never blocks on a FIFO or device. Raises UntrustedFileError in words; OSError where the medium itself fails.
    """
    name = os.fsdecode(path)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if os.path.islink(path):
            raise UntrustedFileError(f"{name!a} is a link; copy the file itself") from error
        raise UntrustedFileError(f"{name!a} cannot be opened: {error.strerror}") from error
    found = os.fstat(descriptor)
    problem = None
    if not stat.S_ISREG(found.st_mode):
        problem = "is not an ordinary file"
    elif found.st_size > size_max_bytes:
        problem = f"has {found.st_size} bytes; allowed are {size_max_bytes}"
    if problem:
        os.close(descriptor)
        raise UntrustedFileError(f"{name!a} {problem}")
    return os.fdopen(descriptor, "rb")


@contextmanager
def write_durably(path: Path) -> Iterator[BinaryIO]:
    """Write `path` whole or not at all: temporary name, fsync, rename, fsync of the folder.

    An exception inside leaves whatever stood at `path` before. The folder may belong to others: a link that lies
    under either name is replaced, never followed.
    """
    temporary = path.with_name(path.name + ".part")
    temporary.unlink(missing_ok=True)  # of a write that a power cut ended
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with open(os.open(temporary, flags, 0o666), "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the folder's own entries durable: a rename is not, until this returns."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
