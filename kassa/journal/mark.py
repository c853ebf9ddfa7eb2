"""The mark: number and hash of the last entry in a file of its own, which shows that the journal's end was lost.

A write-ahead log that vanished, or whose last transaction is damaged, looks to SQLite like a log that ended earlier:
nothing in the database says that there was more, and an older copy of the whole file looks just as sound. The mark is
written after each commit and never waited for. So a power cut may leave an older mark, which does no harm, but never
one that is ahead of the journal.
"""

from __future__ import annotations

import struct
from hashlib import blake2b

import apsw

_CONTENT = struct.Struct(">8sQ32s")
_MAGIC = b"KASSA-1\n"
_CHECKSUM_BYTES = 8
_MARK_BYTES = _CONTENT.size + _CHECKSUM_BYTES
"""Less than a sector, and written in place: a disk writes all of it or nothing."""


class MarkDamaged(Exception):
    """The file is there, yet it is no mark as we write it."""


class Mark:
    """The mark of one journal, open as long as the journal is; `base` names the disk, as APSW knows it."""

    def __init__(self, base: str, journal: str) -> None:
        # The name and flags of a log: then SQLite's own disk makes the folder's entry durable with the first sync.
        self.path = journal + "-mark"
        flags = [apsw.SQLITE_OPEN_WAL | apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE, 0]
        self._file = apsw.VFSFile(base, self.path, flags)

    def read(self) -> tuple[int, bytes] | None:
        """Number and hash of the entry that was written last; None: there is no mark. Raises MarkDamaged."""
        size = self._file.xFileSize()
        if size == 0:
            return None
        raw = self._file.xRead(_MARK_BYTES, 0) if size == _MARK_BYTES else b""
        content, checksum = raw[: _CONTENT.size], raw[_CONTENT.size :]
        if not content.startswith(_MAGIC) or _checksum(content) != checksum:
            raise MarkDamaged
        _, seq, hashed = _CONTENT.unpack(content)
        return seq, hashed

    def make(self, seq: int, hashed: bytes) -> None:
        """Write the first mark of a new journal; it is durable when this returns."""
        self.write(seq, hashed)
        self._file.xSync(apsw.SQLITE_SYNC_NORMAL)

    def write(self, seq: int, hashed: bytes) -> None:
        """Write where the journal ends now. Raises apsw.IOError."""
        content = _CONTENT.pack(_MAGIC, seq, hashed)
        try:
            self._file.xWrite(content + _checksum(content), 0)
        except apsw.FullError as error:
            # The entry is durable already, so nobody may hear "full", which means that nothing was written.
            raise apsw.IOError(f"{self.path} cannot be written: the disk is full") from error

    def close(self) -> None:
        """Give the file back."""
        self._file.xClose()


def _checksum(content: bytes) -> bytes:
    return blake2b(content, digest_size=_CHECKSUM_BYTES).digest()
