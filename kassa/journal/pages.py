"""A checksum in every page of the journal's file, and a look at what a crash left in its write-ahead log.

SQLite notices damage only where it stumbles over it. Here each page carries a checksum in its last bytes (SQLite
reserves them on request and keeps its hands off), checked whenever the page is read, so that not one flipped bit
goes unseen, be it in free space. Frames of the write-ahead log have SQLite's own checksums; but there a damaged
frame looks like the log's end, and what follows it would be forgotten silently: `WalTail` finds that.

Source of the log's layout: sqlite.org/fileformat2.html, section 4.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import apsw

PAGE_BYTES = 4096
CHECKSUM_BYTES = 8
"""Reserved at the end of each page; 64 bits leave no chance for an accidental match."""

_EMPTY_PAGE = bytes(PAGE_BYTES)


def seal(page: bytes, number: int) -> bytes:
    """The page with its checksum, over its number as well: a page that the disk put elsewhere is damaged too."""
    content = page[:-CHECKSUM_BYTES]
    return content + _checksum(content, number)


def is_intact(page: bytes, number: int) -> bool:
    """Whether the page is as it was sealed; a page that never was written is empty, and that is all right."""
    content, checksum = page[:-CHECKSUM_BYTES], page[-CHECKSUM_BYTES:]
    return _checksum(content, number) == checksum or page == _EMPTY_PAGE


def _checksum(content: bytes, number: int) -> bytes:
    return blake2b(content, digest_size=CHECKSUM_BYTES, salt=number.to_bytes(8, "big")).digest()


class SealedVFS(apsw.VFS):
    """SQLite's door to the disk with a seal on every page of a main database; all else passes unchanged.

    `damaged` is the number (from 1) of the page last found damaged. The instance must outlive its connections.
    """

    def __init__(self, name: str, base: str = "") -> None:
        self.name = name
        self.base = base
        self.damaged: int | None = None
        super().__init__(name, base)

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:
        """Seal main databases, leave logs and temporary files alone."""
        if flags[0] & apsw.SQLITE_OPEN_MAIN_DB:
            return _SealedFile(self, name, flags)
        return super().xOpen(name, flags)

    def look_at_pages(self, path: str) -> Iterator[bool]:
        """Whether each page's seal is whole, from the file itself; a rest behind the last page counts as one.

        The write-ahead log must have been carried over before: a page that waits in there may be torn in the file.
        """
        file = apsw.VFSFile(self.base, path, [apsw.SQLITE_OPEN_MAIN_DB | apsw.SQLITE_OPEN_READONLY, 0])
        try:
            size = file.xFileSize()
            for number, at in enumerate(range(0, size, PAGE_BYTES), 1):
                yield is_intact(file.xRead(min(PAGE_BYTES, size - at), at), number)
        finally:
            file.xClose()

    def has_log_only(self, path: str) -> bool:
        """Whether a write-ahead log lies beside a database that is gone or empty, as SQLite sees it: of one byte, too."""
        if not self.xAccess(path + "-wal", apsw.SQLITE_ACCESS_EXISTS):
            return False
        if not self.xAccess(path, apsw.SQLITE_ACCESS_EXISTS):
            return True
        file = apsw.VFSFile(self.base, path, [apsw.SQLITE_OPEN_MAIN_DB | apsw.SQLITE_OPEN_READONLY, 0])
        try:
            return file.xFileSize() == 0
        finally:
            file.xClose()

    def read_wal_tail(self, path: str) -> WalTail:
        """Look at the log beside the database `path`, before SQLite opens it. No log is an empty one."""
        if not self.xAccess(path + "-wal", apsw.SQLITE_ACCESS_EXISTS):
            return WalTail(True, ())
        file = apsw.VFSFile(self.base, path + "-wal", [apsw.SQLITE_OPEN_WAL | apsw.SQLITE_OPEN_READONLY, 0])
        try:
            size = file.xFileSize()
            if size < _LOG_HEADER.size + _FRAME_BYTES:  # not one whole frame: nothing was ever durable in it
                return WalTail(True, ())
            header = file.xRead(_LOG_HEADER.size, 0)
            return _wal_tail(header, _frames(file, size))
        finally:
            file.xClose()


class _SealedFile(apsw.VFSFile):
    def __init__(self, vfs: SealedVFS, name: Any, flags: list[int]) -> None:
        self._vfs = vfs
        super().__init__(vfs.base, name, flags)

    def excepthook(self, *_: object) -> bool:
        """The error reaches whoever called SQLite; printing it as well helps nobody."""
        return True

    def xRead(self, amount: int, offset: int) -> bytes:
        data = super().xRead(amount, offset)
        number = offset // PAGE_BYTES + 1
        if amount == PAGE_BYTES == len(data) and not is_intact(data, number):
            self._vfs.damaged = number
            raise apsw.exception_for(apsw.SQLITE_IOERR_DATA)
        return data

    def xWrite(self, data: bytes, offset: int) -> None:
        is_page = len(data) == PAGE_BYTES
        super().xWrite(seal(bytes(data), offset // PAGE_BYTES + 1) if is_page else data, offset)


_LOG_HEADER = struct.Struct(">IIIIIIII")
_LOG_MAGIC = 0x377F0682
_FRAME = struct.Struct(f">IIII8x{PAGE_BYTES}x")
"""A frame's page number, pages after a commit, and two salts; its checksums and its page are SQLite's to look at."""
_FRAME_BYTES = _FRAME.size
_FRAMES_A_READ = 256
_MARK_BYTES = 8
"""Page number and pages after a commit; the salts follow."""
_SECTOR_BYTES = 512
"""What a disk writes whole; a larger sector ends where one of these ends."""


@dataclass(frozen=True)
class WalTail:
    """What a write-ahead log held before SQLite recovered from it.

    `commits` are the frames (from 1) that end a transaction and belong to the log's present round.
    """

    header_ok: bool
    commits: tuple[int, ...]

    def problem(self, recovered: int) -> str | None:
        """What is wrong, when SQLite recovered this many frames; None: a power cut explains all of it.

        Each commit is on the disk before the next one begins. So behind the last readable frame one commit may lie
        torn, the one that a power cut interrupted; two prove that one was durable and is damaged.
        """
        if not self.header_ok:
            return "the header of the write-ahead log is damaged, so its transactions cannot be read"
        beyond = [frame for frame in self._beyond(recovered) if not _may_be_two_halves(frame)]
        if len(beyond) < 2:
            return None
        return (
            f"the write-ahead log is damaged in one of the frames {recovered + 1} to {beyond[-2]}:"
            f" {len(beyond) - 1} durable transactions or more cannot be read"
        )

    def is_torn(self, recovered: int) -> bool:
        """Whether the end of a commit stands in it that SQLite could not recover, and will write over only in part."""
        return bool(self._beyond(recovered))

    def _beyond(self, recovered: int) -> list[int]:
        return [frame for frame in self.commits if frame > recovered]


def _frames(file: apsw.VFSFile, size: int) -> Iterator[tuple[int, int, int, int]]:
    """The headers of all whole frames; a megabyte is read at a time."""
    end = size - (size - _LOG_HEADER.size) % _FRAME_BYTES
    most = _FRAMES_A_READ * _FRAME_BYTES
    for at in range(_LOG_HEADER.size, end, most):
        yield from _FRAME.iter_unpack(file.xRead(min(most, end - at), at))


def _wal_tail(header: bytes, frames: Iterable[tuple[int, int, int, int]]) -> WalTail:
    magic, _, page_bytes, _, salt1, salt2, *_ = _LOG_HEADER.unpack(header)
    if magic & ~1 != _LOG_MAGIC or page_bytes != PAGE_BYTES or not _header_sum_fits(header):
        return WalTail(False, ())
    commits = []
    for number, (_, pages_after_commit, *salts) in enumerate(frames, 1):
        if pages_after_commit and salts == [salt1, salt2]:
            commits.append(number)
    return WalTail(True, tuple(commits))


def _may_be_two_halves(number: int) -> bool:
    """Whether a sector ends between this frame's mark of a commit and its salts: a power cut can leave an older mark."""
    at = _LOG_HEADER.size + (number - 1) * _FRAME_BYTES
    return at % _SECTOR_BYTES == _SECTOR_BYTES - _MARK_BYTES


def _header_sum_fits(header: bytes) -> bool:
    """The log's own checksum over its first 24 bytes; the magic's last bit says in which byte order it counts."""
    order = ">" if header[3] & 1 else "<"
    first, second = 0, 0
    words = struct.unpack(order + "6I", header[:24])
    for one, two in zip(words[::2], words[1::2], strict=True):
        first = (first + one + second) & 0xFFFFFFFF
        second = (second + two + first) & 0xFFFFFFFF
    return (first, second) == struct.unpack(">2I", header[24:])
