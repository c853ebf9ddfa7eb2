"""A ring file: the last bytes that passed on one device's line, readable after any end of the process.

The file has a fixed size and is made of blocks; the newest block takes the place of the oldest. A block begins with its
number and the protocol that was spoken, records follow, none goes over a block's end. Little-endian:

    block   magic, CRC-32 of what follows in this head, number (from 1 on), protocol in ASCII, padded with zeros
    record  CRC-32 of what follows, begun with the head's own; size of the data, kind, 0, seconds since 1970; the data

As a record's check sum begins with that of its block's head, what a block held in the round before is no record of it,
even where the write that begins a block is torn.

Every record is written by one plain `pwrite` before the bytes go on their way. From then on the kernel has it: whatever
ends the process, nothing that was recorded is lost. Nothing is synced, because this stands in the way of money and may
cost microseconds. So a power cut takes what the kernel had not written by itself, the last half minute or so: the
journal holds the money, this only tells how it came.
"""

from __future__ import annotations

import enum
import errno
import os
import stat
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from zlib import crc32

from msgspec import Struct

BLOCK_BYTES = 4096
"""A page of the kernel's: a block that is written by one call is there whole or not at all while the machine lives."""
RING_BYTES = 8 << 20
"""A CCNET validator that is polled ten times a second fills it in three and a half hours, an idle registrar in eight."""
NUMBER_MAX = 2**48
"""No ring lives so long; a block of a larger number is none of ours."""
PROTOCOL_MAX_BYTES = 16
AT_MAX_S = 2.0**37
"""In the year 6325: a later time can be shown to nobody."""

_HEAD = struct.Struct(f"<4sIQ{PROTOCOL_MAX_BYTES}s")
_MAGIC = b"KFR1"
_CHECKED_FROM = 8
_RECORD = struct.Struct("<HBxd")
_CRC_BYTES = 4
HEAD_BYTES = _HEAD.size
RECORD_HEAD_BYTES = _CRC_BYTES + _RECORD.size
DATA_MAX_BYTES = BLOCK_BYTES - HEAD_BYTES - RECORD_HEAD_BYTES


class Kind(enum.IntEnum):
    """What a record tells of the line."""

    SENT = 1
    """Bytes that we are about to send."""
    RECEIVED = 2
    """Bytes of the device, as they came: a frame may lie in several records, several frames in one."""
    OPENED = 3
    """We have the port from now on; the data say which, for people."""
    LOST = 4
    """The port is gone, or cannot be opened; the data say why, for people."""
    CLOSED = 5
    """We gave the port back by our own will."""
    SAID = 6
    """What a sealed packet says that we are about to send."""
    HEARD = 7
    """What a sealed packet of the device says, behind the bytes of its frame."""


class Record(Struct, frozen=True):
    """One thing that happened on the line. `at`: wall time in seconds since 1970; it may go back when a clock is set."""

    at: float
    kind: Kind
    data: bytes
    protocol: str


class Head(Struct, frozen=True):
    """The beginning of a block. `checksum` is what the check sums of its records begin with."""

    number: int
    protocol: str
    checksum: int


class Ring:
    """A ring file to be written, by one process at a time."""

    def __init__(self, path: Path, size_bytes: int = RING_BYTES) -> None:
        """Open the file, or make it with all its room taken: a disk that is full later cannot stop it. Raises OSError."""
        assert size_bytes % BLOCK_BYTES == 0, size_bytes
        self._blocks = size_bytes // BLOCK_BYTES
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        self._file = os.open(path, flags, 0o600)
        try:
            if not stat.S_ISREG(os.fstat(self._file).st_mode):
                raise OSError(errno.EINVAL, "it is not an ordinary file", str(path))
            os.ftruncate(self._file, size_bytes)
            os.posix_fallocate(self._file, 0, size_bytes)
            newest = max((head for head, _ in heads(self._file)), key=lambda head: head.number, default=None)
        except BaseException:
            self.close()
            raise
        self._head = Head(newest.number if newest else 0, "", 0)
        self._used_bytes = BLOCK_BYTES  # the block that stands there may have a torn end: begin a new one

    def append(self, kind: Kind, data: bytes, at: float, protocol: str) -> None:
        """Record bytes or an event. Raises OSError: then the last record may be torn, and all before it are there."""
        for start in range(0, len(data) or 1, DATA_MAX_BYTES):
            piece = data[start : start + DATA_MAX_BYTES]
            size = RECORD_HEAD_BYTES + len(piece)
            if protocol == self._head.protocol and self._used_bytes + size <= BLOCK_BYTES:
                self._write(self._used_bytes, encode_record(kind, piece, at, self._head.checksum))
                self._used_bytes += size
            else:
                self._head, wire = encode_head(self._head.number + 1, protocol)
                wire += encode_record(kind, piece, at, self._head.checksum)
                self._write(0, wire.ljust(BLOCK_BYTES, b"\0"))  # nothing of an older block stays behind it
                self._used_bytes = HEAD_BYTES + size

    def close(self) -> None:
        """Give the file back; a second call does nothing."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _write(self, offset: int, wire: bytes) -> None:
        place = self._head.number % self._blocks
        if os.pwrite(self._file, wire, place * BLOCK_BYTES + offset) != len(wire):
            raise OSError(errno.EIO, "the disk did not take all bytes")


def blocks_of(records: Iterable[Record], first_number: int) -> Iterator[bytes]:
    """The same records in blocks of their own, for a file that does not go round."""
    block, head = b"", Head(first_number - 1, "", 0)
    for record in records:
        size = RECORD_HEAD_BYTES + len(record.data)
        if not block or record.protocol != head.protocol or len(block) + size > BLOCK_BYTES:
            if block:
                yield block.ljust(BLOCK_BYTES, b"\0")
            head, block = encode_head(head.number + 1, record.protocol)
        block += encode_record(record.kind, record.data, record.at, head.checksum)
    if block:
        yield block.ljust(BLOCK_BYTES, b"\0")


# --- bytes and what they mean ---------------------------------------------------------------------------------


def encode_head(number: int, protocol: str) -> tuple[Head, bytes]:
    """The beginning of a new block."""
    name = protocol.encode("ascii")
    assert len(name) <= PROTOCOL_MAX_BYTES, protocol
    checked = number.to_bytes(8, "little") + name.ljust(PROTOCOL_MAX_BYTES, b"\0")
    checksum = crc32(checked)
    return Head(number, protocol, checksum), _MAGIC + checksum.to_bytes(4, "little") + checked


def encode_record(kind: Kind, data: bytes, at: float, begun: int) -> bytes:
    """A record of the block whose head has the check sum `begun`."""
    body = _RECORD.pack(len(data), kind, min(max(at, 0.0), AT_MAX_S)) + data
    return crc32(body, begun).to_bytes(_CRC_BYTES, "little") + body


def decode_head(block: bytes) -> Head | None:
    """The head of what may be a block; None when it is none."""
    if len(block) < HEAD_BYTES:
        return None
    magic, checksum, number, name = _HEAD.unpack_from(block)
    if magic != _MAGIC or crc32(block[_CHECKED_FROM:HEAD_BYTES]) != checksum:
        return None
    if number > NUMBER_MAX or not name.isascii():
        return None
    return Head(number, name.rstrip(b"\0").decode("ascii"), checksum)


def decode_record(block: bytes, offset: int, head: Head) -> Record | None:
    """The record at `offset`; None where no whole record stands, as behind the last one."""
    data_at = offset + RECORD_HEAD_BYTES
    if data_at > len(block):
        return None
    size, kind, at = _RECORD.unpack_from(block, offset + _CRC_BYTES)
    end = data_at + size
    if end > len(block) or kind not in _KINDS or not 0.0 <= at <= AT_MAX_S:
        return None
    checksum = crc32(block[offset + _CRC_BYTES : end], head.checksum)
    if checksum != int.from_bytes(block[offset : offset + _CRC_BYTES], "little"):
        return None
    return Record(at, Kind(kind), block[data_at:end], head.protocol)


_KINDS = frozenset(Kind)


def heads(file: int) -> Iterator[tuple[Head, int]]:
    """The head of every block of an open file with its place, in the order of the file. Raises OSError."""
    for place in range(os.fstat(file).st_size // BLOCK_BYTES):
        head = decode_head(os.pread(file, HEAD_BYTES, place * BLOCK_BYTES))
        if head is not None:
            yield head, place
