"""A disk in memory that may lose power before any operation: behind a VFS of SQLite, and for files.

What it may do at a cut is what a real disk may do: each 512-byte sector of a write that was not synced stays or goes
by itself, a new or removed name that was not synced with its folder is there or not. A sync that fails has lost the
data, and the next one says that all is well, as Linux does. A FAT writes its names in any order, and renames in two
steps.
"""

from __future__ import annotations

import errno
import io
import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import apsw

SECTOR_BYTES = 512
CUTS = ("lose", "keep", "prefix", "sectors", "sectors")
"""Nothing that was not synced stays, all of it, the first writes, or sectors at random."""


ROOM_BYTES = 8 << 30
"""Room on a disk that nobody has filled."""


class PowerCut(apsw.IOError):
    """The disk is gone."""


class Write(NamedTuple):
    """A write that was not synced, and what takes it back."""

    at: int
    data: bytes | None
    """None: cut off at the offset."""
    before: bytes
    """What stood there."""
    size_before: int


class Inode:
    def __init__(self, content: bytes = b"") -> None:
        self.live = bytearray(content)
        self.pending: list[Write] = []

    def write(self, at: int, data: bytes | None) -> None:
        live = self.live
        end = None if data is None else at + len(data)
        self.pending.append(Write(at, data, bytes(live[at:end]), len(live)))
        _apply(live, at, data)

    def durable(self) -> bytearray:
        """What was synced."""
        content = bytearray(self.live)
        for at, data, before, size_before in reversed(self.pending):
            content[at : None if data is None else at + len(data)] = before
            del content[size_before:]
        return content


class SimulatedDisk:
    """One medium. `cut_before` is the number of the operation before which power is lost."""

    def __init__(self, files: dict[str, bytes] | None = None, *, is_fat: bool = False) -> None:
        self.is_fat = is_fat
        self.names = {name: Inode(content) for name, content in (files or {}).items()}
        self.durable_names = dict(self.names)
        self.pending_names: list[dict[str, Inode | None]] = []
        """Changes of names that were not synced, each of them whole or not at all."""
        self.operations = 0
        self.cut_before: int | None = None
        self.room_bytes: int | None = None
        self.sync_fails = False
        self.writes_fail = False
        self.reads_fail = False
        self.lies = False
        """Syncs say that all is well, and do nothing."""
        self.is_dead = False

    def content(self, name: str) -> bytes:
        return bytes(self.names[name].live)

    def create(self, name: str) -> Inode:
        self._count()
        self.names[name] = inode = Inode()
        self.pending_names.append({name: inode})
        return inode

    def remove(self, name: str) -> None:
        self._count()
        del self.names[name]
        self.pending_names.append({name: None})

    def rename(self, name: str, new_name: str) -> None:
        self._count()
        inode = self.names.pop(name)
        self.names[new_name] = inode
        steps: list[dict[str, Inode | None]] = [{new_name: inode}, {name: None}]
        self.pending_names += steps if self.is_fat else [steps[0] | steps[1]]

    def read(self, inode: Inode, at: int, size: int) -> bytes:
        if self.reads_fail:
            raise apsw.IOError("the simulated disk cannot be read")
        return bytes(inode.live[at : at + size])

    def used_bytes(self) -> int:
        return sum(len(one.live) for one in self.names.values())

    def write(self, inode: Inode, at: int, data: bytes) -> None:
        self._count()
        if self.writes_fail:
            raise apsw.IOError("the simulated disk cannot be written")
        grown = max(0, at + len(data) - len(inode.live))
        if self.room_bytes is not None and grown and self.used_bytes() + grown > self.room_bytes:
            raise apsw.FullError("the simulated disk is full")
        inode.write(at, data)

    def truncate(self, inode: Inode, size: int) -> None:
        self._count()
        inode.write(size, None)

    def sync(self, inode: Inode) -> None:
        self._count()
        if self.sync_fails:
            self.sync_fails = False
            inode.live = inode.durable()
            inode.pending.clear()
            raise apsw.IOError("the simulated disk failed to sync")
        if self.lies:
            return
        inode.pending.clear()
        # A file's own name is made durable with it, and every change of names before that one.
        own = [place for place, names in enumerate(self.pending_names) if inode in names.values()]
        if own:
            self._settle_names(own[-1] + 1)

    def sync_folder(self) -> None:
        self._count()
        if self.lies:
            return
        self._settle_names(len(self.pending_names))

    def after_cut(self, how: str, chance: random.Random) -> SimulatedDisk:
        """The medium as the next start finds it."""
        names = dict(self.durable_names)
        for change in self._kept_names(how, chance):
            _rename(names, change)
        left = {name: _after_cut(inode, how, chance) for name, inode in names.items()}
        return SimulatedDisk(left, is_fat=self.is_fat)

    def _kept_names(self, how: str, chance: random.Random) -> list[dict[str, Inode | None]]:
        if how == "sectors" and self.is_fat:
            return [one for one in self.pending_names if chance.random() < 0.5]
        count = len(self.pending_names)
        return self.pending_names[: {"lose": 0, "keep": count}.get(how, chance.randint(0, count))]

    def _settle_names(self, count: int) -> None:
        for change in self.pending_names[:count]:
            _rename(self.durable_names, change)
        del self.pending_names[:count]

    def cut_now(self) -> None:
        """The power goes before the operation that is asked for."""
        self.cut_before = self.operations
        self._count()

    def _count(self) -> None:
        if self.operations == self.cut_before:
            self.is_dead = True
        if self.is_dead:
            raise PowerCut("no power")
        self.operations += 1


def _apply(content: bytearray, at: int, data: bytes | None) -> None:
    end = at if data is None else at + len(data)
    if len(content) < end:
        content.extend(bytes(end - len(content)))
    if data is None:
        del content[at:]
    else:
        content[at:end] = data


def _rename(names: dict[str, Inode], change: dict[str, Inode | None]) -> None:
    for name, inode in change.items():
        if inode is None:
            names.pop(name, None)
        else:
            names[name] = inode


def _after_cut(inode: Inode, how: str, chance: random.Random) -> bytes:
    if how == "keep":
        return bytes(inode.live)
    pending = inode.pending if how != "lose" else []
    if how == "prefix":
        pending = pending[: chance.randint(0, len(pending))]
    content = inode.durable()
    for at, data, _, _ in pending:
        if how != "sectors":
            _apply(content, at, data)
        elif data is None:
            if chance.random() < 0.5:
                _apply(content, at, None)
        else:
            for sector, piece in _sectors(at, data):
                if chance.random() < 0.5:
                    _apply(content, sector, piece)
    return bytes(content)


def _sectors(at: int, data: bytes) -> Iterator[tuple[int, bytes]]:
    while data:
        size = SECTOR_BYTES - at % SECTOR_BYTES
        yield at, data[:size]
        at, data = at + size, data[size:]


class _File:
    """What APSW calls for one open file."""

    def __init__(self, disk: SimulatedDisk, inode: Inode, *, is_log: bool) -> None:
        self._disk, self._inode, self._syncs_folder = disk, inode, is_log

    def excepthook(self, *_: object) -> bool:
        return True

    def xRead(self, amount: int, offset: int) -> bytes:
        return self._disk.read(self._inode, offset, amount)

    def xWrite(self, data: bytes, offset: int) -> None:
        self._disk.write(self._inode, offset, bytes(data))

    def xTruncate(self, size: int) -> None:
        self._disk.truncate(self._inode, size)

    def xSync(self, _flags: int) -> None:
        self._disk.sync(self._inode)
        if self._syncs_folder:
            self._disk.sync_folder()
            self._syncs_folder = False

    def xFileSize(self) -> int:
        return len(self._inode.live)

    def xClose(self) -> None:
        pass

    def xLock(self, _level: int) -> None:
        pass

    def xUnlock(self, _level: int) -> None:
        pass

    def xCheckReservedLock(self) -> bool:
        return False

    def xSectorSize(self) -> int:
        return 4096

    def xDeviceCharacteristics(self) -> int:
        return int(apsw.SQLITE_IOCAP_POWERSAFE_OVERWRITE)

    def xFileControl(self, _operation: int, _pointer: int) -> bool:
        return False


class _VFS(apsw.VFS):
    def __init__(self, name: str, disk: SimulatedDisk) -> None:
        self._disk = disk
        super().__init__(name, "")

    def excepthook(self, *_: object) -> bool:
        return True

    def xFullPathname(self, name: str) -> str:
        return name

    def xOpen(self, name: Any, flags: list[int]) -> Any:
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        if self._disk.is_dead:
            raise apsw.CantOpenError("no power")
        inode = self._disk.names.get(path)
        if inode is None:
            if not flags[0] & apsw.SQLITE_OPEN_CREATE:
                raise apsw.CantOpenError(path)
            inode = self._disk.create(path)
        flags[1] = flags[0]
        return _File(self._disk, inode, is_log=bool(flags[0] & apsw.SQLITE_OPEN_WAL))

    def xDelete(self, name: str, sync_folder: bool) -> None:
        if name not in self._disk.names:
            raise apsw.exception_for(apsw.SQLITE_IOERR_DELETE_NOENT)
        self._disk.remove(name)
        if sync_folder:
            self._disk.sync_folder()

    def xAccess(self, path: str, _flags: int) -> bool:
        return path in self._disk.names


class _Written(io.BytesIO):
    """A file being written; it reaches the medium in one piece when it is synced or closed."""

    def __init__(self, files: SimulatedFiles, inode: Inode) -> None:
        super().__init__()
        self._files, self._inode, self._handed_over = files, inode, 0

    def hand_over(self) -> Inode:
        with self._files.in_words():
            data = self.getvalue()[self._handed_over :]
            if data:
                self._files.disk.write(self._inode, self._handed_over, data)
                self._handed_over += len(data)
        return self._inode


class SimulatedFiles:
    """A simulated medium as `kassa.files.Disk`; a stick can be pulled before any of its operations."""

    def __init__(self, disk: SimulatedDisk, folder: Path) -> None:
        self.disk, self.folder = disk, folder
        self.pulled_before: int | None = None

    @contextmanager
    def in_words(self) -> Iterator[None]:
        if self.pulled_before is not None and self.disk.operations >= self.pulled_before:
            raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))
        try:
            yield
        except PowerCut:
            raise
        except apsw.FullError as error:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
        except apsw.IOError as error:
            raise OSError(errno.EIO, os.strerror(errno.EIO)) from error

    def create(self, path: Path) -> BinaryIO:
        with self.in_words():
            return _Written(self, self.disk.create(str(path)))

    def open(self, path: Path) -> BinaryIO:
        with self.in_words():
            inode = self.disk.names[str(path)]
            if self.disk.lies:
                return io.BytesIO(bytes(inode.durable()))
            return io.BytesIO(self.disk.read(inode, 0, len(inode.live)))

    def sync(self, file: BinaryIO) -> None:
        assert isinstance(file, _Written)
        inode = file.hand_over()
        with self.in_words():
            self.disk.sync(inode)

    def replace(self, source: Path, target: Path) -> None:
        with self.in_words():
            self.disk.rename(str(source), str(target))

    def remove(self, path: Path) -> None:
        with self.in_words():
            if str(path) in self.disk.names:
                self.disk.remove(str(path))

    def sync_folder(self, folder: Path) -> None:
        with self.in_words():
            self.disk.sync_folder()

    def is_folder(self, path: Path) -> bool:
        with self.in_words():
            return path == self.folder

    def free_bytes(self, path: Path) -> int:
        room = ROOM_BYTES if self.disk.room_bytes is None else self.disk.room_bytes
        return max(0, room - self.disk.used_bytes())


@contextmanager
def plugged(disk: SimulatedDisk, name: str = "simulated-disk") -> Iterator[str]:
    """The disk under a name that APSW knows."""
    vfs = _VFS(name, disk)
    try:
        yield name
    finally:
        vfs.unregister()
