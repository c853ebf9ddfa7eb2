"""Files of other people are opened with distrust; our own are written so that a power cut leaves the old or the new one."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol

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


class Disk(Protocol):
    """How our own files reach a medium: the machine's, or one that a test can take the power from.

    All raise OSError where the medium fails.
    """

    def create(self, path: Path) -> BinaryIO:
        """Make a new file to be written; what stands under that name already is an error, a link too."""
        ...

    def open(self, path: Path) -> BinaryIO:
        """Read what the medium holds, not what the kernel still remembers of it."""
        ...

    def sync(self, file: BinaryIO) -> None:
        """Make what was written to the file durable."""
        ...

    def replace(self, source: Path, target: Path) -> None:
        """Give a file another name, in one step; durable when the folder is synced."""
        ...

    def remove(self, path: Path) -> None:
        """Take a name away, if there is one."""
        ...

    def sync_folder(self, folder: Path) -> None:
        """Make the folder's own entries durable."""
        ...

    def is_folder(self, path: Path) -> bool:
        """Whether there is such a folder."""
        ...

    def free_bytes(self, path: Path) -> int:
        """Room left on the medium of `path`."""
        ...


class MachineDisk:
    """The machine's own disks, sticks and shares."""

    def create(self, path: Path) -> BinaryIO:
        """See Disk."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        return open(os.open(path, flags, 0o666), "wb")

    def open(self, path: Path) -> BinaryIO:
        """See Disk."""
        file = path.open("rb")
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        return file

    def sync(self, file: BinaryIO) -> None:
        """See Disk."""
        file.flush()
        os.fsync(file.fileno())

    def replace(self, source: Path, target: Path) -> None:
        """See Disk."""
        source.replace(target)

    def remove(self, path: Path) -> None:
        """See Disk."""
        path.unlink(missing_ok=True)

    def sync_folder(self, folder: Path) -> None:
        """See Disk."""
        sync_folder(folder)

    def is_folder(self, path: Path) -> bool:
        """See Disk."""
        return path.is_dir()

    def free_bytes(self, path: Path) -> int:
        """See Disk."""
        return shutil.disk_usage(path).free


MACHINE = MachineDisk()


@contextmanager
def write_durably(path: Path, disk: Disk = MACHINE) -> Iterator[BinaryIO]:
    """Write `path` whole or not at all: temporary name, fsync, rename, fsync of the folder.

    An exception inside leaves whatever stood at `path` before. The folder may belong to others: a link that lies
    under either name is replaced, never followed.
    """
    temporary = path.with_name(path.name + ".part")
    disk.remove(temporary)  # of a write that a power cut ended
    try:
        with disk.create(temporary) as file:
            yield file
            disk.sync(file)
        disk.replace(temporary, path)
    except BaseException:
        disk.remove(temporary)
        raise
    disk.sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the folder's own entries durable: a rename is not, until this returns."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
