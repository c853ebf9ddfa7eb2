"""ID-003 frames of a bill validator: bytes <-> messages. No I/O, no clock.

Source: JCM, "ID-003 Protocol Specification": frame and CRC, commands, states, currency table, code tables. A code means
one thing from the host and another from the device: 0x42 is STACK_2 and a note in the stacker at power-up. So an echo
on the line would look like a device with money in it; `is_echo` must have its say before any state is believed.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from functools import lru_cache

from msgspec import Struct

from devices.checksums import crc16_kermit
from kassa.money import MINOR_DIGITS, MINOR_MAX, Money

SYNC = 0xFC
FRAME_SIZE_MIN = 5
FRAME_SIZE_MAX = 250
"""A table of 16 records has 69 bytes, almost all else less than 48. So many as this take 290 ms at 9600 baud, no longer
than one answer may: a damaged length keeps nobody waiting. And it is less than SYNC: of two in a row the second begins
the frame."""
SAID_MAX = 64
"""Hosts and devices say the same few things all day long: so many of them are remembered with their reading."""


class Frame(Struct, frozen=True):
    """A whole frame with the right checksum: command or answer, its code first, without the wrapping."""

    body: bytes


class Noise(Struct, frozen=True):
    """Bytes that are no part of a frame; some devices send single 0x00 while they power up."""

    data: bytes


@lru_cache(SAID_MAX)
def take(buffer: bytes) -> tuple[Frame | Noise | None, bytes]:
    """Take one item off the front of `buffer` and give it back with the rest; None: wait for more bytes.

    There is no byte stuffing and no address: only length and checksum tell a frame from noise.
    """
    if not buffer:
        return None, buffer
    start = buffer.find(SYNC)
    if start != 0:
        end = len(buffer) if start < 0 else start
        return Noise(buffer[:end]), buffer[end:]
    if len(buffer) < 2:
        return None, buffer
    size = buffer[1]
    if not FRAME_SIZE_MIN <= size <= FRAME_SIZE_MAX:
        return Noise(buffer[:1]), buffer[1:]
    if len(buffer) < size:
        return None, buffer
    if crc16_kermit(buffer[:size]) != 0:
        return Noise(buffer[:1]), buffer[1:]  # a real frame may start at the very next byte
    return Frame(buffer[2 : size - 2]), buffer[size:]


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
    size = len(body) + 4
    assert FRAME_SIZE_MIN <= size <= FRAME_SIZE_MAX, size
    head = bytes((SYNC, size)) + body
    return head + crc16_kermit(head).to_bytes(2, "little")


# --- commands and verdicts ------------------------------------------------------------------------------------

STATUS_REQUEST = b"\x11"
RESET = b"\x40"
STACK_1 = b"\x41"
"""VEND_VALID comes as the note passes the lever of the stacker."""
STACK_2 = b"\x42"
"""VEND_VALID comes when the note lies in the cassette."""
RETURN = b"\x43"
HOLD = b"\x44"
"""Ten more seconds at escrow."""

ACK = b"\x50"
"""Both ways. The device's: the command was accepted. The host's: VEND_VALID was written down; never answered."""
COMMUNICATION_ERROR = b"\x4a"
"""An answer: the command arrived damaged."""
INVALID_COMMAND = b"\x4b"
"""An answer: command unknown or not allowed now."""
ENQ = b"\x05"
"""Unasked, in the interrupt modes: the state has changed. Who polls need not care."""

VERSION_REQUEST = b"\x88"
BOOT_VERSION_REQUEST = b"\x89"
CURRENCY_REQUEST = b"\x8a"


def is_echo(body: bytes) -> bool:
    """Whether a frame is our own VERSION_REQUEST come back: a device answers it with text behind the code."""
    return body == VERSION_REQUEST


# --- settings -------------------------------------------------------------------------------------------------

GET_BILL_TYPES = b"\x80"
GET_SECURITY = b"\x81"
GET_COMMUNICATION_MODE = b"\x82"
GET_INHIBIT = b"\x83"
GET_DIRECTIONS = b"\x84"
GET_OPTIONS = b"\x85"
GET_BARCODE = b"\x86"
GET_BAR_INHIBIT = b"\x87"

ENABLE_BILL_TYPES_CODE = 0xC0
SET_SECURITY_CODE = 0xC1
SET_COMMUNICATION_MODE_CODE = 0xC2
INHIBIT_CODE = 0xC3
REFUSE_DIRECTIONS_CODE = 0xC4
SET_OPTIONS_CODE = 0xC5
SET_BARCODE_CODE = 0xC6
BAR_INHIBIT_CODE = 0xC7

BILL_TYPES = 16
"""Escrow codes, bits of a mask."""
MASK_BYTES = BILL_TYPES // 8
_DATA_BYTES = {0x80: MASK_BYTES, 0x81: MASK_BYTES, 0x85: 2, 0x86: 2}
"""Of the answers to requests; the others have one byte, or as many as there is text."""


class Mode(enum.IntEnum):
    """Who speaks first: the host always, or a device whose state changes, too."""

    POLLED = 0
    INTERRUPT_1 = 1
    INTERRUPT_2 = 2


class Direction(enum.IntFlag):
    """Ways to put a note in: which edge first, which side up."""

    FRONT_A = 0x01
    FRONT_B = 0x02
    BACK_A = 0x04
    BACK_B = 0x08


class Option(enum.IntFlag):
    """Optional functions; a device leaves those it does not have out of its echo."""

    HANGING = 0x01
    POWER_RECOVERY = 0x02
    """After a power cut in the stacker RESET ends in VEND_VALID."""
    AUTOMATIC_RETRY = 0x04
    LONG_BARCODES = 0x08
    NEAR_FULL = 0x20
    ENTRANCE_SENSOR = 0x40
    ENCRYPTION = 0x80


class Inserted(enum.IntFlag):
    """What a customer can put in."""

    NOTES = 0x01
    TICKETS = 0x02


def mask(types: Iterable[int]) -> bytes:
    """Bill types as two bytes: type 0, escrow code 0x61, is bit 0 of the first one."""
    return sum(1 << one for one in set(types)).to_bytes(MASK_BYTES, "little")


def masked(data: bytes) -> frozenset[int]:
    """The bill types of a mask."""
    bits = int.from_bytes(data, "little")
    return frozenset(one for one in range(len(data) * 8) if bits >> one & 1)


def enable_bill_types(types: Iterable[int]) -> bytes:
    """Accept these types and no others, once `inhibit` allows any. On the wire a set bit means disabled."""
    return bytes((ENABLE_BILL_TYPES_CODE, *(wanted ^ 0xFF for wanted in mask(types))))


def enabled_bill_types(body: bytes) -> frozenset[int]:
    """What an answer to `enable_bill_types` or GET_BILL_TYPES says is accepted."""
    return frozenset(range(BILL_TYPES)) - masked(body[1 : 1 + MASK_BYTES])


def set_security(types: Iterable[int]) -> bytes:
    """Measure these types more strictly."""
    return bytes((SET_SECURITY_CODE,)) + mask(types)


def set_communication_mode(mode: Mode) -> bytes:
    """Whether the device speaks unasked."""
    return bytes((SET_COMMUNICATION_MODE_CODE, mode))


def inhibit(is_inhibited: bool) -> bytes:
    """Close the slot to the next note, or open it to the enabled bill types."""
    return bytes((INHIBIT_CODE, is_inhibited))


def is_inhibited(body: bytes) -> bool:
    """Whether an answer to `inhibit` or GET_INHIBIT says that the slot is closed."""
    return body[1] != 0


def refuse_directions(directions: Direction) -> bytes:
    """Give notes back that are put in like this."""
    return bytes((REFUSE_DIRECTIONS_CODE, directions))


def set_options(options: Option) -> bytes:
    """Switch these on and all others off."""
    return bytes((SET_OPTIONS_CODE, options, 0))


def options_of(body: bytes) -> Option:
    """What an answer to `set_options` or GET_OPTIONS says is on."""
    return Option(body[1])


def set_barcode(code: int, characters: int) -> bytes:
    """Format (1: interleaved 2 of 5) and length of bar-coded tickets."""
    return bytes((SET_BARCODE_CODE, code, characters))


def bar_inhibit(refused: Inserted) -> bytes:
    """Refuse notes, tickets or both."""
    return bytes((BAR_INHIBIT_CODE, refused))


def is_answer(command: bytes, body: bytes) -> bool:
    """Whether a frame can be the answer to this setting or request: its code again, with data behind it.

    A setting comes back with what is now in force, and that may differ from what was sent. More data than expected is
    let through and never read.
    """
    size = len(command) if len(command) > 1 else 1 + _DATA_BYTES.get(command[0], 1)
    return body[:1] == command[:1] and len(body) >= size


# --- answers to STATUS_REQUEST --------------------------------------------------------------------------------


class Status(enum.IntEnum):
    """First byte of an answer to STATUS_REQUEST. A status is a level: it repeats at every poll until it changes."""

    IDLING = 0x11
    ACCEPTING = 0x12
    ESCROW = 0x13
    STACKING = 0x14
    VEND_VALID = 0x15
    """The note cannot come back: this is the money. It lasts until the host's ACK."""
    STACKED = 0x16
    """Follows the ACK of VEND_VALID and adds nothing to it."""
    REJECTING = 0x17
    RETURNING = 0x18
    HOLDING = 0x19
    DISABLED = 0x1A
    INITIALIZE = 0x1B
    POWER_UP = 0x40
    POWER_UP_IN_HEAD = 0x41
    POWER_UP_IN_STACKER = 0x42
    CASSETTE_FULL = 0x43
    CASSETTE_OUT = 0x44
    JAMMED = 0x45
    CASSETTE_JAMMED = 0x46
    PAUSED = 0x47
    CHEATED = 0x48
    FAILED = 0x49
    UNKNOWN = 0x1FF
    """Not on the wire: any other byte. The detail holds it and the one behind it."""


POWER_UPS = frozenset({Status.POWER_UP, Status.POWER_UP_IN_HEAD, Status.POWER_UP_IN_STACKER})
NOTE_NAMING = frozenset({Status.ESCROW, Status.VEND_VALID})
"""Their detail is a bill type. Most devices say VEND_VALID without one: it is the note that was at escrow."""
DETAILED = NOTE_NAMING | {Status.REJECTING, Status.FAILED}

ESCROW_CODE_MIN = 0x61
"""Of bill type 0."""
TICKET_CODE = 0x6F
"""With characters behind it a bar-coded ticket, alone the note of bill type 14."""
TICKET_MAX_CHARACTERS = 24
POLL_ANSWER_MAX_BYTES = 2 + TICKET_MAX_CHARACTERS
NO_BILL_TYPE = 0xFF
"""A detail of ESCROW and VEND_VALID, not on the wire: something was named, and it is no note of the currency table. It
lies beyond every table, so whoever looks it up finds nothing."""


class Poll(Struct, frozen=True):
    """An answer to STATUS_REQUEST. `detail`: bill type of 13, 15; reason of 17; code of 49; None: not said."""

    status: Status
    detail: int | None = None


def is_poll_answer(body: bytes) -> bool:
    """Whether a frame can be the answer to STATUS_REQUEST, no verdict and no late answer to something else."""
    return 1 <= len(body) <= POLL_ANSWER_MAX_BYTES and body[0] not in _NO_STATES


def decode_poll(body: bytes) -> Poll:
    """Read what `is_poll_answer` let through."""
    if body[0] not in _STATUSES:
        return Poll(Status.UNKNOWN, int.from_bytes(body[:2], "big"))
    status = Status(body[0])
    if len(body) == 1 or status not in DETAILED:
        return Poll(status)
    return Poll(status, _bill_type(body[1:]) if status in NOTE_NAMING else body[1])


def encode_poll(poll: Poll) -> bytes:
    """What a validator sends for this answer."""
    assert poll.status is not Status.UNKNOWN
    if poll.detail is None:
        return bytes((poll.status,))
    assert poll.status in DETAILED, poll
    if poll.status not in NOTE_NAMING:
        return bytes((poll.status, poll.detail))
    assert 0 <= poll.detail < BILL_TYPES, poll
    return bytes((poll.status, ESCROW_CODE_MIN + poll.detail))


def encode_ticket(characters: str) -> bytes:
    """What a validator sends for a bar-coded ticket at escrow."""
    assert 1 <= len(characters) <= TICKET_MAX_CHARACTERS, characters
    return bytes((Status.ESCROW, TICKET_CODE)) + characters.encode("ascii")


def _bill_type(named: bytes) -> int:
    """Only a code that stands alone is a note: a ticket has its characters behind it."""
    bill_type = named[0] - ESCROW_CODE_MIN
    return bill_type if len(named) == 1 and 0 <= bill_type < BILL_TYPES else NO_BILL_TYPE


_STATUSES = frozenset(Status) - {Status.UNKNOWN}
_NO_STATES = frozenset(
    (*ACK, *COMMUNICATION_ERROR, *INVALID_COMMAND, *ENQ, *range(0x80, 0x90), *range(0xC0, 0xD0))
)
"""Verdicts, requests and settings."""


# --- currency table and version -------------------------------------------------------------------------------

RECORD_BYTES = 4
_EXPONENT_MAX = 12
"""No banknote has more zeros; it keeps 10 ** 255 out of our arithmetic."""

COUNTRIES = {
    0x01: "USD",
    0x08: "CAD",
    0x16: "CHF",
    0x27: "RUB",
    0x2D: "CNY",
    0x30: "HUF",
    0x51: "KZT",
    0x5C: "UAH",
    0x63: "INR",
    0x78: "IRR",
    0x7E: "MDL",
    0x86: "UZS",
    0xE0: "EUR",
}
"""Whose money a record of the currency table means: ISO 4217 by JCM's country code."""


class Bill(Struct, frozen=True):
    """One record of the currency table: `digits` times ten to the power of `exponent` of what the country uses."""

    country_code: int
    digits: int
    exponent: int

    @property
    def country(self) -> str | None:
        """Letters of `COUNTRIES`; None for a code that nobody told us."""
        return COUNTRIES.get(self.country_code)

    def money(self, currency: str) -> Money | None:
        """The value if it is `currency`, which only `country` can tell; None when it is no amount of it."""
        if not self.digits or self.exponent > _EXPONENT_MAX:
            return None
        minor = self.digits * 10 ** (self.exponent + MINOR_DIGITS[currency])
        return Money(minor, currency) if minor <= MINOR_MAX else None


def is_currency_table(body: bytes) -> bool:
    """Whether a frame can be the answer to CURRENCY_REQUEST; devices send as many records as they like."""
    return is_answer(CURRENCY_REQUEST, body) and len(body) % RECORD_BYTES == 1


def decode_currency_table(body: bytes) -> tuple[Bill | None, ...]:
    """The record of each bill type, whatever their order. None: unused, absent, or named twice and not the same."""
    found: dict[int, Bill | None] = {}
    for at in range(1, len(body) - RECORD_BYTES + 1, RECORD_BYTES):
        code, country_code, digits, exponent = body[at : at + RECORD_BYTES]
        bill = Bill(country_code, digits, exponent) if digits else None
        bill_type = code - ESCROW_CODE_MIN
        found[bill_type] = bill if found.get(bill_type, bill) == bill else None
    return tuple(found.get(bill_type) for bill_type in range(BILL_TYPES))


def encode_currency_table(bills: Iterable[Bill | None]) -> bytes:
    """What a validator sends as its currency table, one record for each bill type."""
    return CURRENCY_REQUEST + b"".join(
        bytes((ESCROW_CODE_MIN + bill_type,))
        + (bytes((bill.country_code, bill.digits, bill.exponent)) if bill else bytes(3))
        for bill_type, bill in enumerate(bills)
    )


class Identification(Struct, frozen=True):
    """What the device says it is. Makers write it as they like: read it to people, decide nothing by it."""

    model: str
    firmware: str


VERSION_MAX_BYTES = 64
"""The documented form has some 45 characters."""


def decode_version(body: bytes) -> Identification:
    """Read an answer to VERSION_REQUEST or BOOT_VERSION_REQUEST: the model is the first word."""
    model, _, firmware = _printable(body[1 : 1 + VERSION_MAX_BYTES]).partition(" ")
    return Identification(model, firmware)


def encode_version(identification: Identification) -> bytes:
    """What a validator sends as its version."""
    text = f"{identification.model} {identification.firmware}".encode("ascii")
    assert len(text) <= VERSION_MAX_BYTES, text
    return VERSION_REQUEST + text


def _printable(data: bytes) -> str:
    """ASCII text, its words one space apart."""
    return " ".join("".join(chr(byte) if 0x20 < byte < 0x7F else " " for byte in data).split())


# --- code tables ----------------------------------------------------------------------------------------------

REJECTIONS = {
    0x71: "inserted crookedly",
    0x72: "magnetic sensor",
    0x73: "a note is still in the head",
    0x74: "compensation",
    0x75: "transport",
    0x76: "not recognised",
    0x77: "optical pattern",
    0x78: "optical level",
    0x79: "not accepted now",
    0x7A: "for no named reason",
    0x7B: "operation",
    0x7C: "a note is still in the stacker",
    0x7D: "wrong length",
    0x7E: "optical pattern or colour",
    0x7F: "mark of a true note",
    0x98: "several notes at once",
    0x9B: "ticket upside down",
}
FAILURES = {
    0xA2: "stacker motor",
    0xA5: "speed of the transport motor",
    0xA6: "transport motor",
    0xA7: "aligning solenoid",
    0xA8: "cassette unit",
    0xAB: "cassette not ready",
    0xAC: "optical sensor",
    0xAD: "magnetic sensor",
    0xAF: "head removed",
    0xB0: "boot memory",
    0xB1: "external memory",
    0xB2: "memory",
    0xB3: "writing the external memory",
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
