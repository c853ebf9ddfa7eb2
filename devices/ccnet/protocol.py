"""CCNET frames of a bill validator: bytes <-> messages. No I/O, no clock.

Source: CashCode, "CashCode NET Interface": frame and CRC, commands, states, bill table, code tables. An answer does not
name the command it answers: whoever asks must remember what was asked, as 0x41 is a state and a command, too.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from functools import lru_cache

from msgspec import Struct

from devices.checksums import crc16_kermit
from kassa.money import MINOR_DIGITS, MINOR_MAX, Money

SYNC = 0x02
ADDRESS = 0x03
"""A bill validator's; it answers under its own address."""
FRAME_SIZE_MIN = 6
FRAME_SIZE_MAX = 250
"""Longer frames announce themselves with a length of 0 and only carry firmware, which we never load."""
SAID_MAX = 64
"""Hosts and devices say the same few things all day long: so many of them are remembered with their reading."""


class Frame(Struct, frozen=True):
    """A whole frame with the right checksum: command or answer, without the wrapping."""

    body: bytes


class Noise(Struct, frozen=True):
    """Bytes that are no part of a frame."""

    data: bytes


@lru_cache(SAID_MAX)
def take(buffer: bytes) -> tuple[Frame | Noise | None, bytes]:
    """Take one item off the front of `buffer` and give it back with the rest; None: wait for more bytes.

    There is no byte stuffing: a 0x02 may stand anywhere, so only length and checksum tell a frame from noise.
    """
    if not buffer:
        return None, buffer
    start = buffer.find(SYNC)
    if start != 0:
        end = len(buffer) if start < 0 else start
        return Noise(buffer[:end]), buffer[end:]
    if len(buffer) > 1 and buffer[1] != ADDRESS:
        return Noise(buffer[:1]), buffer[1:]
    if len(buffer) < 3:
        return None, buffer
    size = buffer[2]
    if not FRAME_SIZE_MIN <= size <= FRAME_SIZE_MAX:
        return Noise(buffer[:1]), buffer[1:]
    if len(buffer) < size:
        return None, buffer
    if crc16_kermit(buffer[:size]) != 0:
        return Noise(buffer[:1]), buffer[1:]  # a real frame may start at the very next byte
    return Frame(buffer[3 : size - 2]), buffer[size:]


@lru_cache(SAID_MAX)
def take_last(buffer: bytes) -> tuple[Frame | Noise, ...]:
    """Take everything off a buffer that nothing will be added to: what waits in vain for its end is noise."""
    items: list[Frame | Noise] = []
    while buffer:
        item, rest = take(buffer)
        if item is None:
            item, rest = Noise(buffer[:1]), buffer[1:]
        items.append(item)
        buffer = rest
    return tuple(items)


@lru_cache(SAID_MAX)
def encode(body: bytes) -> bytes:
    """The frame of a command or an answer."""
    size = len(body) + 5
    assert FRAME_SIZE_MIN <= size <= FRAME_SIZE_MAX, size
    head = bytes((SYNC, ADDRESS, size)) + body
    return head + crc16_kermit(head).to_bytes(2, "little")


# --- commands -------------------------------------------------------------------------------------------------

ACK = b"\x00"
"""Both ways: accepted, arrived. Never answered."""
NAK = b"\xff"
"""Both ways: the last frame was damaged, send it again."""
ILLEGAL = b"\x30"
"""An answer: command unknown or not allowed now. Byte for byte the RESET command."""
RESET = b"\x30"
GET_STATUS = b"\x31"
POLL = b"\x33"
"""No state has this code: who answers POLL with it is an echo."""
STACK = b"\x35"
RETURN = b"\x36"
IDENTIFICATION = b"\x37"
HOLD = b"\x38"
EXTRACT_BARCODE = b"\x3a"
GET_BILL_TABLE = b"\x41"
GET_CRC32 = b"\x51"
REQUEST_STATISTICS = b"\x60"

SET_SECURITY_CODE = 0x32
ENABLE_BILL_TYPES_CODE = 0x34
SET_BARCODE_CODE = 0x39

BILL_TYPES = 24
"""Records of the bill table, bits of a mask."""
MASK_BYTES = BILL_TYPES // 8


def mask(types: Iterable[int]) -> bytes:
    """Bill types as three bytes, the most significant first: type 0 is bit 0 of the last one."""
    return sum(1 << one for one in set(types)).to_bytes(MASK_BYTES, "big")


def masked(data: bytes) -> frozenset[int]:
    """The bill types of a mask."""
    bits = int.from_bytes(data, "big")
    return frozenset(one for one in range(len(data) * 8) if bits >> one & 1)


def set_security(types: Iterable[int]) -> bytes:
    """Measure these types more strictly; some firmware does not know the command."""
    return bytes((SET_SECURITY_CODE,)) + mask(types)


def enable_bill_types(types: Iterable[int], escrow: Iterable[int]) -> bytes:
    """Accept these types; those also in `escrow` wait for STACK or RETURN, the others are stacked unasked."""
    return bytes((ENABLE_BILL_TYPES_CODE,)) + mask(types) + mask(escrow)


def set_barcode(code: int, characters: int) -> bytes:
    """Format (1: interleaved 2 of 5) and length of bar-coded coupons."""
    return bytes((SET_BARCODE_CODE, code, characters))


# --- answers to POLL ------------------------------------------------------------------------------------------


class Status(enum.IntEnum):
    """First byte of an answer to POLL. A status is a level: it repeats at every poll until it changes."""

    POWER_UP = 0x10
    POWER_UP_IN_HEAD = 0x11
    POWER_UP_IN_STACKER = 0x12
    INITIALIZE = 0x13
    IDLING = 0x14
    ACCEPTING = 0x15
    STACKING = 0x17
    RETURNING = 0x18
    DISABLED = 0x19
    HOLDING = 0x1A
    BUSY = 0x1B
    REJECTING = 0x1C
    CASSETTE_FULL = 0x41
    CASSETTE_OUT = 0x42
    JAMMED = 0x43
    CASSETTE_JAMMED = 0x44
    CHEATED = 0x45
    PAUSED = 0x46
    FAILED = 0x47
    ESCROW = 0x80
    STACKED = 0x81
    RETURNED = 0x82
    UNKNOWN = 0x1FF
    """Not on the wire: any other byte. The detail holds all that was said."""


POWER_UPS = frozenset({Status.POWER_UP, Status.POWER_UP_IN_HEAD, Status.POWER_UP_IN_STACKER})
DETAILED = frozenset({Status.REJECTING, Status.FAILED, Status.ESCROW, Status.STACKED, Status.RETURNED})
"""These mean nothing without their second byte."""


class Poll(Struct, frozen=True):
    """An answer to POLL. `detail`: bill type of 80, 81, 82; reason of 1C; code of 47; BUSY's time in 100 ms."""

    status: Status
    detail: int | None = None

    @property
    def is_complete(self) -> bool:
        """Whether the second byte is there where there must be one."""
        return self.detail is not None or self.status not in DETAILED


def is_poll_answer(body: bytes) -> bool:
    """Whether a frame can be the answer to POLL: one or two bytes, but none of ACK, NAK, ILLEGAL."""
    return 1 <= len(body) <= 2 and body not in (ACK, NAK, ILLEGAL)


def decode_poll(body: bytes) -> Poll:
    """Read what `is_poll_answer` let through."""
    if body[0] in _STATUSES:
        return Poll(Status(body[0]), body[1] if len(body) > 1 else None)
    return Poll(Status.UNKNOWN, int.from_bytes(body, "big"))


def encode_poll(poll: Poll) -> bytes:
    """What a validator sends for this answer."""
    assert poll.status is not Status.UNKNOWN
    return bytes((poll.status,)) if poll.detail is None else bytes((poll.status, poll.detail))


_STATUSES = frozenset(Status) - {Status.UNKNOWN}


# --- bill table and identification ----------------------------------------------------------------------------

RECORD_BYTES = 5
_NEGATIVE = 0x80
_EXPONENT_MAX = 12
"""No banknote has more zeros; it keeps 10 ** 127 out of our arithmetic."""


class Bill(Struct, frozen=True):
    """One record of the bill table: `digits` times ten to the power of `exponent` of what `country` uses."""

    country: str
    digits: int
    exponent: int

    def money(self, currency: str) -> Money | None:
        """The value in `currency`; None when it is no amount of it."""
        if not self.digits or abs(self.exponent) > _EXPONENT_MAX:
            return None
        power = self.exponent + MINOR_DIGITS[currency]
        minor, rest = (self.digits * 10**power, 0) if power >= 0 else divmod(self.digits, 10**-power)
        return Money(minor, currency) if rest == 0 and minor <= MINOR_MAX else None


def is_bill_table(body: bytes) -> bool:
    """Whether a frame can be the answer to GET BILL TABLE; some devices send fewer than 24 records."""
    return RECORD_BYTES <= len(body) <= BILL_TYPES * RECORD_BYTES and len(body) % RECORD_BYTES == 0


def decode_bill_table(data: bytes) -> tuple[Bill | None, ...]:
    """The records in order: the index is the bill type of the states 80, 81, 82. None: unused."""
    return tuple(
        _decode_record(data[at : at + RECORD_BYTES])
        for at in range(0, len(data) - RECORD_BYTES + 1, RECORD_BYTES)
    )


def encode_bill_table(bills: Iterable[Bill | None]) -> bytes:
    """What a validator sends as its bill table."""
    return b"".join(bytes(RECORD_BYTES) if bill is None else _encode_record(bill) for bill in bills)


def _decode_record(record: bytes) -> Bill | None:
    exponent = record[4] & ~_NEGATIVE & 0xFF
    country = record[1:4].decode("latin-1")
    return (
        Bill(country, record[0], -exponent if record[4] & _NEGATIVE else exponent)
        if any(record[:4])
        else None
    )


def _encode_record(bill: Bill) -> bytes:
    exponent = abs(bill.exponent) | (_NEGATIVE if bill.exponent < 0 else 0)
    return bytes((bill.digits,)) + bill.country.encode("latin-1") + bytes((exponent,))


class Identification(Struct, frozen=True):
    """What the device says it is. Makers fill the fields as they like: read it to people, decide nothing by it."""

    part_number: str
    serial: str


IDENTIFICATION_MIN_BYTES = 3
IDENTIFICATION_MAX_BYTES = 64
_PART_BYTES, _SERIAL_BYTES, _ASSET_BYTES = 15, 12, 7


def is_identification(body: bytes) -> bool:
    """Whether a frame can be the answer to IDENTIFICATION, and not a late one to something else."""
    return IDENTIFICATION_MIN_BYTES <= len(body) <= IDENTIFICATION_MAX_BYTES


def decode_identification(data: bytes) -> Identification:
    """15 characters part number, 12 serial number, 7 binary asset number; whatever is there of it."""
    part, serial = data[:_PART_BYTES], data[_PART_BYTES : _PART_BYTES + _SERIAL_BYTES]
    return Identification(_printable(part), _printable(serial))


def encode_identification(identification: Identification, asset: int = 0) -> bytes:
    """What a validator sends as its identification."""
    part = identification.part_number.encode("ascii").ljust(_PART_BYTES)
    serial = identification.serial.encode("ascii").ljust(_SERIAL_BYTES)
    assert (len(part), len(serial)) == (_PART_BYTES, _SERIAL_BYTES)
    return part + serial + asset.to_bytes(_ASSET_BYTES, "big")


def _printable(data: bytes) -> str:
    """ASCII text; the Creator pads with control characters."""
    return " ".join("".join(chr(byte) if 0x20 < byte < 0x7F else " " for byte in data).split())


# --- code tables ----------------------------------------------------------------------------------------------

REJECTIONS = {
    0x60: "inserted crookedly",
    0x61: "magnetic sensor",
    0x62: "a note is still in the head",
    0x63: "compensation",
    0x64: "transport",
    0x65: "not recognised",
    0x66: "not verified",
    0x67: "optical sensor",
    0x68: "denomination not accepted now",
    0x69: "capacity sensor",
    0x6A: "operation",
    0x6C: "wrong length",
    0x6D: "ultraviolet sensor",
    0x92: "bar code not recognised",
    0x93: "wrong number of bar-code characters",
    0x94: "bar code without its start",
    0x95: "bar code without its end",
}
FAILURES = {
    0x10: "firmware task",
    0x11: "firmware task",
    0x12: "firmware task",
    0x13: "firmware task",
    0x14: "firmware task",
    0x15: "memory",
    0x22: "recovery mode",
    0x23: "calibration",
    0x30: "firmware start",
    0x50: "stacker motor",
    0x51: "speed of the transport motor",
    0x52: "transport motor",
    0x53: "aligning motor",
    0x54: "cassette at start",
    0x55: "optical sensor",
    0x56: "magnetic sensor",
    0x57: "upper optical board",
    0x58: "lower optical board",
    0x59: "upper peripheral board",
    0x5A: "lower peripheral board",
    0x5F: "capacity sensor",
    0xF4: "stacker",
    0xFE: "cover open",
}


def rejection(code: int | None) -> str:
    """Why a note was not taken, for staff."""
    return _named(REJECTIONS, code)


def failure(code: int | None) -> str:
    """What is broken, for staff."""
    return _named(FAILURES, code)


def _named(names: dict[int, str], code: int | None) -> str:
    if code is None:
        return "without a code"
    return f"{names[code]} ({code:02X})" if code in names else f"code {code:02X}"
