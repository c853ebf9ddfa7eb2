"""SSP frames and messages of a note validator: bytes <-> messages. No I/O, no clock.

Source: Innovative Technology, "SSP Interface Protocol" (GA138): transport layer, commands, events, reject codes. An
answer does not name the command it answers: whoever asks must remember what was asked. There is no command to stack a
note: with a note in escrow the next POLL accepts it, so nobody but the owner of that decision may poll.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from functools import lru_cache

from msgspec import Struct

from devices.checksums import crc16_ssp
from kassa.errors import KassaError
from kassa.money import MINOR_DIGITS, Money, of_whole

STX = 0x7F
VALIDATOR = 0x00
"""The address of a note validator, and of the payout unit that some have on their back."""
ADDRESS_MAX = 0x7D
DATA_MAX = 255
FRAME_SIZE_MAX = 1 + 2 * (2 + DATA_MAX + 2)
"""On the line, where every byte but the first may have to be doubled."""
SAID_MAX = 64
"""Hosts and devices say the same few things all day long: so many of them are remembered with their reading."""

_SEQUENCE = 0x80


class Frame(Struct, frozen=True):
    """A whole frame with the right checksum; an answer has the address and the sequence bit of its command."""

    address: int
    sequence: int
    """0 or 1; the same one again means "your answer did not arrive", and the device only repeats what it said."""
    data: bytes


class Noise(Struct, frozen=True):
    """Bytes that are no part of a frame."""

    data: bytes


@lru_cache(SAID_MAX)
def take(buffer: bytes) -> tuple[Frame | Noise | None, bytes]:
    """Take one item off the front of `buffer` and give it back with the rest; None: wait for more bytes.

    Inside a frame every 7F is sent twice: a single one starts a new frame, however much the last one still lacks.
    """
    if not buffer:
        return None, buffer
    if buffer[0] != STX:
        return _skip(buffer)
    content, at, size = bytearray(), 1, 0
    while at < len(buffer):
        byte = buffer[at]
        if byte == STX:
            at += 1
            if at == len(buffer):
                break  # only the next byte tells what this one is
            if buffer[at] != STX:
                return _skip(buffer)
        content.append(byte)
        at += 1
        if not size:
            if not _may_begin(content):
                return _skip(buffer)
            size = content[1] + 4 if len(content) > 1 else 0
        elif len(content) == size:
            frame = _checked(bytes(content))
            return (frame, buffer[at:]) if frame is not None else _skip(buffer)
    return None, buffer


def _skip(buffer: bytes) -> tuple[Noise, bytes]:
    """What does not begin a frame is noise up to the next 7F: a real one may start there."""
    start = buffer.find(STX, 1)
    end = len(buffer) if start < 0 else start
    return Noise(buffer[:end]), buffer[end:]


def _may_begin(content: bytearray) -> bool:
    return content[0] & ~_SEQUENCE <= ADDRESS_MAX and (len(content) < 2 or content[1] > 0)


def _checked(content: bytes) -> Frame | None:
    told = int.from_bytes(content[-2:], "little")
    if told != crc16_ssp(content[:-2]):
        return None
    return Frame(content[0] & ~_SEQUENCE, content[0] >> 7, content[2:-2])


@lru_cache(SAID_MAX)
def take_last(buffer: bytes) -> tuple[Frame | Noise, ...]:
    """Take everything off a buffer that nothing will be added to: what waits in vain for its end is noise."""
    items: list[Frame | Noise] = []
    while buffer:
        item, rest = take(buffer)
        if item is None:
            item, rest = _skip(buffer)
        items.append(item)
        buffer = rest
    return tuple(items)


@lru_cache(SAID_MAX)
def encode(frame: Frame) -> bytes:
    """The frame as it goes over the line."""
    assert 0 <= frame.address <= ADDRESS_MAX, frame.address
    assert frame.sequence in (0, 1), frame.sequence
    assert 1 <= len(frame.data) <= DATA_MAX, len(frame.data)
    content = bytes((frame.sequence << 7 | frame.address, len(frame.data))) + frame.data
    content += crc16_ssp(content).to_bytes(2, "little")
    return bytes((STX,)) + content.replace(bytes((STX,)), bytes((STX, STX)))


class Garbled(KassaError):
    """An answer, or a parameter, is not of the shape it must have: what it says is not to be used."""

    def __init__(self, what: str, data: bytes, due: str) -> None:
        said = data.hex(" ").upper() or "nothing"
        super().__init__(f"{said} came as {what}; due: {due}")


STEX = 0x7E
"""Begins the data of a sealed frame, see `devices.ssp.cipher`; no command and no response has this code."""


def is_sealed(data: bytes) -> bool:
    """Whether the data of a frame are a sealed packet."""
    return data[:1] == bytes((STEX,))


# --- commands -------------------------------------------------------------------------------------------------

RESET = b"\x01"
"""After its OK the device is gone for 1 to 20 s; keys, speed and protocol version are back to their defaults."""
BEZEL_ON = b"\x03"
BEZEL_OFF = b"\x04"
SETUP_REQUEST = b"\x05"
POLL = b"\x07"
"""Asks for events, and accepts the note in escrow. No response has this code: who answers POLL with it is an echo."""
REJECT = b"\x08"
"""The note in escrow goes back; CANNOT_PROCESS when there is none."""
DISABLE = b"\x09"
ENABLE = b"\x0a"
GET_SERIAL_NUMBER = b"\x0c"
UNIT_DATA = b"\x0d"
CHANNEL_VALUES = b"\x0e"
CHANNEL_SECURITY = b"\x0f"
SYNC = b"\x11"
"""The next command has sequence bit 0; the device forgets the answer it could have repeated."""
LAST_REJECT_CODE = b"\x17"
HOLD = b"\x18"
"""The note stays in escrow for another 10 s; CANNOT_PROCESS when there is none."""
GET_FIRMWARE_VERSION = b"\x20"
GET_DATASET_VERSION = b"\x21"
POLL_WITH_ACK = b"\x56"
"""As POLL, but what is money is repeated until EVENT_ACK. Only sealed."""
EVENT_ACK = b"\x57"
"""The repeated events arrived; CANNOT_PROCESS when there are none. Only sealed."""
GET_COUNTERS = b"\x58"
RESET_COUNTERS = b"\x59"
DEFAULT_FIXED_KEY = b"\x61"

SET_INHIBITS_CODE = 0x02
HOST_PROTOCOL_VERSION_CODE = 0x06
SET_GENERATOR_CODE = 0x4A
SET_MODULUS_CODE = 0x4B
REQUEST_KEY_EXCHANGE_CODE = 0x4C
SET_BAUD_RATE_CODE = 0x4D
CONFIGURE_BEZEL_CODE = 0x54
SET_FIXED_KEY_CODE = 0x60

CHANNELS = 16
"""Channels of a mask, counted from 1; the few models with 24 inhibit those that are not sent."""
MASK_BYTES = CHANNELS // 8
NUMBER_BYTES = 8
BAUD_CODES = {9600: 0, 38400: 1, 115200: 2}


def set_inhibits(channels: Iterable[int]) -> bytes:
    """Accept these channels and no others: a bit that is set accepts, channel 1 is bit 0 of the first byte."""
    bits = sum(1 << one - 1 for one in set(channels))
    return bytes((SET_INHIBITS_CODE,)) + bits.to_bytes(MASK_BYTES, "little")


def accepted(mask: bytes) -> frozenset[int]:
    """The channels that a mask of SET INHIBITS accepts."""
    bits = int.from_bytes(mask, "little")
    return frozenset(one for one in range(1, len(mask) * 8 + 1) if bits >> one - 1 & 1)


def host_protocol_version(version: int) -> bytes:
    """Speak this version until the next reset; FAIL or OUT_OF_RANGE when the device is too old for it."""
    return bytes((HOST_PROTOCOL_VERSION_CODE, version))


def set_generator(generator: int) -> bytes:
    """First step of the key exchange; OUT_OF_RANGE when it is no prime."""
    return bytes((SET_GENERATOR_CODE,)) + encode_number(generator)


def set_modulus(modulus: int) -> bytes:
    """Second step of the key exchange; OUT_OF_RANGE when it is no prime."""
    return bytes((SET_MODULUS_CODE,)) + encode_number(modulus)


def request_key_exchange(intermediate: int) -> bytes:
    """Third step of the key exchange; the answer is the device's own intermediate number."""
    return bytes((REQUEST_KEY_EXCHANGE_CODE,)) + encode_number(intermediate)


def set_fixed_key(fixed: int) -> bytes:
    """Change the fixed half of the key, for good. Only sealed."""
    return bytes((SET_FIXED_KEY_CODE,)) + encode_number(fixed)


def set_baud_rate(baud: int, *, survives_reset: bool) -> bytes:
    """Another speed, after an OK that still comes at the old one."""
    return bytes((SET_BAUD_RATE_CODE, BAUD_CODES[baud], survives_reset))


def configure_bezel(red: int, green: int, blue: int, *, survives_reset: bool) -> bytes:
    """The colour of the light around the slot."""
    return bytes((CONFIGURE_BEZEL_CODE, red, green, blue, survives_reset))


def encode_number(number: int) -> bytes:
    """A number of the key exchange, as both sides send it."""
    return number.to_bytes(NUMBER_BYTES, "little")


def decode_number(data: bytes) -> int:
    """A number of the key exchange. Raises Garbled."""
    if len(data) != NUMBER_BYTES:
        raise Garbled("a number of the key exchange", data, f"{NUMBER_BYTES} bytes")
    return int.from_bytes(data, "little")


# --- answers --------------------------------------------------------------------------------------------------


class Response(enum.IntEnum):
    """First byte of every answer; data follow OK only, but for a reason byte of some CANNOT_PROCESS."""

    OK = 0xF0
    UNKNOWN_COMMAND = 0xF2
    WRONG_PARAMETERS = 0xF3
    """Too many or too few of them."""
    OUT_OF_RANGE = 0xF4
    CANNOT_PROCESS = 0xF5
    """Not now."""
    SOFTWARE_ERROR = 0xF6
    FAIL = 0xF8
    KEY_NOT_SET = 0xFA
    """Nothing was carried out: the device wants keys, or has lost them."""
    UNKNOWN = 0x1FF
    """Not on the wire: any other byte. The data hold all that was said."""


class Reply(Struct, frozen=True):
    """An answer: its first byte and what follows."""

    response: Response
    data: bytes = b""


def decode_reply(data: bytes) -> Reply:
    """Read the data of an answer that is not sealed, or no longer; any bytes can be read."""
    if data and data[0] in _RESPONSES:
        return Reply(Response(data[0]), data[1:])
    return Reply(Response.UNKNOWN, data)


def encode_reply(reply: Reply) -> bytes:
    """What a device sends for this answer."""
    assert reply.response is not Response.UNKNOWN
    return bytes((reply.response,)) + reply.data


_RESPONSES = frozenset(Response) - {Response.UNKNOWN}

# --- set-up, serial number, counters --------------------------------------------------------------------------

EXPANDED_VERSION = 6
"""From this protocol version on values have four bytes and name their currency: they are "expanded"."""
HOPPERS = frozenset({0x03, 0x09})
"""Unit types whose set-up has another layout. A validator has 0; with a payout unit 6 or 7."""

_HEAD = 12
"""Unit type 1, firmware 4, country 3, value multiplier 3, number of channels 1."""
_TAIL = 4
"""Real multiplier 3, protocol version 1; between the two stand a value and a security byte for each channel."""
_LETTERS, _VALUE = 3, 4


class Channel(Struct, frozen=True):
    """What the data set has under one channel number, counted from 1. Below version 6 its currency is the country."""

    number: int
    currency: str
    value: int
    """In the data set's own units: see `Setup.money`."""
    security: int
    """0 unused, 1 low, 2 standard, 3 high, 4 inhibited; newer data sets have 0 everywhere. Decide nothing by it."""


class Setup(Struct, frozen=True):
    """Answer to SETUP REQUEST. `version` is the protocol version in force: events must be read by it.

    `firmware` has four digits, `0110` is 1.10. `value_multiplier` is already in the values of the channels; it is 0
    where values are only told from version 6 on. `real_multiplier`: minor units in a unit of the values.
    """

    unit_type: int
    firmware: str
    country: str
    value_multiplier: int
    real_multiplier: int
    version: int
    channels: tuple[Channel, ...]

    def money(self, channel: int, currency: str) -> Money | None:
        """What a note on `channel` is worth if it is `currency`, which only the channel's letters can tell.

        None when the device has another number of minor units in a whole one than we have: a data set may mean 1000 by a
        1000 or 10.00, and the manual's own example has a multiplier of 4194304. A guess would credit a hundred times too
        much or too little.
        """
        if not 1 <= channel <= len(self.channels):
            return None
        found = self.channels[channel - 1]
        is_certain = self.real_multiplier == 10 ** MINOR_DIGITS[currency]
        # Values have 32 bits, or 8 times 24: of_whole has room for any of them.
        return of_whole(found.value, currency) if is_certain and found.value else None


def decode_setup(data: bytes) -> Setup:
    """Read the answer to SETUP REQUEST, whatever the version; bytes behind it are left alone.

    Raises Garbled when it is shorter than it promises, as with old firmware, or not a note validator's.
    """
    if len(data) < _HEAD + _TAIL:
        raise Garbled("the set-up", data, f"{_HEAD + _TAIL} bytes at least")
    if data[0] in HOPPERS:
        raise Garbled(
            "the set-up", data, "a note validator's, this is a coin hopper: check what is connected"
        )
    count = data[_HEAD - 1]
    values, security = data[_HEAD : _HEAD + count], data[_HEAD + count : _HEAD + 2 * count]
    tail = data[_HEAD + 2 * count :]
    is_expanded = len(tail) >= _TAIL and tail[_TAIL - 1] >= EXPANDED_VERSION
    due = _HEAD + 2 * count + _TAIL + (count * (_LETTERS + _VALUE) if is_expanded else 0)
    if len(data) < due:
        raise Garbled("the set-up", data, f"{due} bytes for {count} channels")
    country, multiplier = data[5:8].decode("latin-1"), int.from_bytes(data[8:11], "big")
    if is_expanded:
        told = _expanded(tail[_TAIL:], count)
    else:
        told = [(country, value * multiplier) for value in values]
    return Setup(
        unit_type=data[0],
        firmware=data[1:5].decode("latin-1"),
        country=country,
        value_multiplier=multiplier,
        real_multiplier=int.from_bytes(tail[:3], "big"),
        version=tail[3],
        channels=tuple(
            Channel(at + 1, currency, value, security[at]) for at, (currency, value) in enumerate(told)
        ),
    )


def encode_setup(setup: Setup) -> bytes:
    """What a validator sends as its set-up."""
    head = setup.firmware.encode("latin-1") + setup.country.encode("latin-1")
    assert len(head) == 7, head
    return b"".join(
        (
            bytes((setup.unit_type,)),
            head,
            setup.value_multiplier.to_bytes(3, "big"),
            bytes((len(setup.channels),)),
            bytes(_byte_value(one, setup.value_multiplier) for one in setup.channels),
            bytes(one.security for one in setup.channels),
            setup.real_multiplier.to_bytes(3, "big"),
            bytes((setup.version,)),
            _encode_expanded(setup.channels) if setup.version >= EXPANDED_VERSION else b"",
        )
    )


def _byte_value(channel: Channel, multiplier: int) -> int:
    value, rest = divmod(channel.value, multiplier) if multiplier else (0, 0)
    assert rest == 0, channel
    return value


def _expanded(data: bytes, count: int) -> list[tuple[str, int]]:
    """Currency and value of `count` channels: first all the letters, then all the values."""
    letters, values = data[: count * _LETTERS], data[count * _LETTERS :]
    return [
        (
            letters[at * _LETTERS : (at + 1) * _LETTERS].decode("latin-1"),
            int.from_bytes(values[at * _VALUE : (at + 1) * _VALUE], "little"),
        )
        for at in range(count)
    ]


def _encode_expanded(channels: Iterable[Channel | ChannelValue]) -> bytes:
    told = tuple(channels)
    letters = [one.currency.encode("latin-1") for one in told]
    assert all(len(one) == _LETTERS for one in letters), letters
    return b"".join(letters) + b"".join(one.value.to_bytes(_VALUE, "little") for one in told)


class ChannelValue(Struct, frozen=True):
    """One channel of the answer to CHANNEL VALUES. Below version 6: its byte alone, without currency and multiplier."""

    byte: int
    currency: str = ""
    value: int = 0


def decode_channel_values(data: bytes, version: int) -> tuple[ChannelValue, ...]:
    """Read the answer to CHANNEL VALUES, channel 1 first. Raises Garbled."""
    count = data[0] if data else 0
    is_expanded = version >= EXPANDED_VERSION
    due = 1 + count * (1 + _LETTERS + _VALUE if is_expanded else 1)
    if len(data) != due:
        raise Garbled("the channel values", data, f"{due} bytes for {count} channels at version {version}")
    numbers, expanded = data[1 : 1 + count], data[1 + count :]
    if not is_expanded:
        return tuple(ChannelValue(one) for one in numbers)
    told = zip(numbers, _expanded(expanded, count), strict=True)
    return tuple(ChannelValue(byte, currency, value) for byte, (currency, value) in told)


def encode_channel_values(values: Iterable[ChannelValue], version: int) -> bytes:
    """What a validator sends as its channel values."""
    told = tuple(values)
    head = bytes((len(told), *(one.byte for one in told)))
    return head + _encode_expanded(told) if version >= EXPANDED_VERSION else head


_SERIAL_BYTES = 4


def decode_serial_number(data: bytes) -> int:
    """Read the answer to GET SERIAL NUMBER; it stands the other way round than all other numbers. Raises Garbled."""
    if len(data) != _SERIAL_BYTES:
        raise Garbled("the serial number", data, f"{_SERIAL_BYTES} bytes")
    return int.from_bytes(data, "big")


def encode_serial_number(serial: int) -> bytes:
    """What a validator sends as its serial number."""
    return serial.to_bytes(_SERIAL_BYTES, "big")


COUNTERS = 5
_COUNTER_BYTES = 4


class Counters(Struct, frozen=True):
    """Answer to GET COUNTERS: numbers of notes, never values. They survive a power cut and go from 2**32 - 1 to 0."""

    stacked: int
    stored: int
    dispensed: int
    moved_to_stacker: int
    """Out of the payout unit's store."""
    rejected: int


def decode_counters(data: bytes) -> Counters:
    """Read the answer to GET COUNTERS. Raises Garbled, also for a hopper's, whose counters mean other things."""
    if len(data) != 1 + COUNTERS * _COUNTER_BYTES or data[0] != COUNTERS:
        raise Garbled("the counters", data, f"{COUNTERS} and {COUNTERS} numbers of {_COUNTER_BYTES} bytes")
    starts = range(1, len(data), _COUNTER_BYTES)
    return Counters(*(int.from_bytes(data[at : at + _COUNTER_BYTES], "little") for at in starts))


def encode_counters(counters: Counters) -> bytes:
    """What a validator sends as its counters."""
    numbers = (
        counters.stacked,
        counters.stored,
        counters.dispensed,
        counters.moved_to_stacker,
        counters.rejected,
    )
    return bytes((COUNTERS,)) + b"".join(one.to_bytes(_COUNTER_BYTES, "little") for one in numbers)


def decode_reject_code(data: bytes) -> int:
    """Read the answer to LAST REJECT CODE, for `rejection`. Raises Garbled."""
    if len(data) != 1:
        raise Garbled("the last reject code", data, "1 byte")
    return data[0]


# --- events ---------------------------------------------------------------------------------------------------


class EventCode(enum.IntEnum):
    """First byte of an event in the answer to POLL: a list, the oldest event first, and most come only once."""

    ALL_CHANNELS_INHIBITED = 0xB5
    INITIALISING = 0xB6
    """Not ready to be enabled yet; only in answers to POLL_WITH_ACK."""
    STACKING = 0xCC
    TICKET_ACKNOWLEDGED = 0xD1
    NOTE_PATH_OPEN = 0xE0
    CLEARED_FROM_FRONT = 0xE1
    """At power-up a note lay in the path; the customer has it."""
    CLEARED_TO_CASSETTE = 0xE2
    """At power-up a note lay in the path; it is in the box now, and that is money."""
    CASSETTE_REMOVED = 0xE3
    CASSETTE_REPLACED = 0xE4
    TICKET_VALIDATED = 0xE5
    CHEATED = 0xE6
    """The maker says "fraud attempt"."""
    CASSETTE_FULL = 0xE7
    """The maker says "stacker full"."""
    DISABLED = 0xE8
    UNSAFE_JAM = 0xE9
    """The customer may reach the note."""
    SAFE_JAM = 0xEA
    STACKED = 0xEB
    """In the box. It comes after CREDIT_NOTE and has no value: it credits nothing."""
    REJECTED = 0xEC
    REJECTING = 0xED
    CREDIT_NOTE = 0xEE
    """Past the point where the customer could get it back: this is the money."""
    READ_NOTE = 0xEF
    """Channel 0: still reading. Any other: in escrow, and the next POLL accepts it."""
    SLAVE_RESET = 0xF1
    """Protocol version, inhibits and keys are gone."""
    PAYOUT_UNIT = 0x1FE
    """Not on the wire: an event of a payout unit, which a terminal that only takes money reports and nothing more. The
    data hold it from its code on."""
    UNKNOWN = 0x1FF
    """Not on the wire, and always the last: a code without a known length, or an event cut short. The data hold it and
    all that follows. Nothing behind it may be acted upon, but a credit may be hidden there."""


class Event(Struct, frozen=True):
    """One event of a list. `channel`: 0 is an unknown one, None means that the event does not tell."""

    code: EventCode
    channel: int | None = None
    data: bytes = b""


CHANNEL_LIMIT = 0x20
"""No channel reaches it, and no event's code lies below: so a byte tells which of both it is."""

_CHANNEL = frozenset({EventCode.READ_NOTE, EventCode.CREDIT_NOTE})
_CHANNEL_MAYBE = frozenset({EventCode.CLEARED_FROM_FRONT, EventCode.CLEARED_TO_CASSETTE, EventCode.CHEATED})
"""Drivers disagree whether these have a channel: some firmware may send them bare."""
_BARE = frozenset(EventCode) - _CHANNEL - _CHANNEL_MAYBE - {EventCode.PAYOUT_UNIT, EventCode.UNKNOWN}

_UNIT_BARE = frozenset(b"\xb0\xb7\xc2\xc3\xc4\xc5\xc6\xc7\xc8\xcf\xdb")
_UNIT_VALUES = frozenset(b"\xb3\xb4\xd2\xd5\xd6\xd7\xd8\xd9\xda\xde\xdf")
"""A value; from version 6 on a list of values with their currencies."""
_UNIT_PAIRS = frozenset(b"\xdc\xdd")
"""The same with two values: dispensed and asked for."""
_UNIT_NOTES = {0xC9: 6, 0xCD: 6, 0xCA: 8, 0xCB: 8, 0xCE: 8}
"""Events of one note: from this version on they tell its value and currency, before they are bare."""
_UNIT_ERROR = 0xB1
_UNIT_ERROR_LIST_VERSION = 7


def decode_events(data: bytes, version: int) -> tuple[Event, ...]:
    """Read the data of an OK to POLL by the protocol version in force, see `Setup`; any bytes can be read.

    Only what has a known length is read on: whoever skips byte by byte takes a byte of a value for a credit.
    """
    events: list[Event] = []
    while data:
        size = _size(data, version)
        if size is None or size > len(data):
            events.append(Event(EventCode.UNKNOWN, data=data))
            break
        events.append(_event(data[:size]))
        data = data[size:]
    return tuple(events)


def encode_events(events: Iterable[Event]) -> bytes:
    """What a device sends behind its OK to POLL."""
    return b"".join(map(_encode_event, events))


def _encode_event(event: Event) -> bytes:
    if event.code in (EventCode.PAYOUT_UNIT, EventCode.UNKNOWN):
        return event.data
    channel = b"" if event.channel is None else bytes((event.channel,))
    return bytes((event.code,)) + channel + event.data


def _event(whole: bytes) -> Event:
    code, rest = whole[0], whole[1:]
    if code not in _BARE | _CHANNEL | _CHANNEL_MAYBE:
        return Event(EventCode.PAYOUT_UNIT, data=whole)
    return Event(EventCode(code), rest[0]) if len(rest) == 1 else Event(EventCode(code), data=rest)


def _size(data: bytes, version: int) -> int | None:
    """Bytes of the event at the front, its code among them; None: unknown. It may be more than there are."""
    code, rest = data[0], data[1:]
    if code in _BARE:
        return 1
    if code in _CHANNEL:
        return 2 if _starts_with_channel(rest) else None
    if code in _CHANNEL_MAYBE:
        if code == EventCode.CHEATED and version >= EXPANDED_VERSION and _is_value_list(rest):
            return _list_size(rest, _LETTERS + _VALUE)
        return 2 if _starts_with_channel(rest) else 1
    return _unit_size(code, rest, version)


def _unit_size(code: int, rest: bytes, version: int) -> int | None:
    if code in _UNIT_BARE:
        return 1
    if code in _UNIT_VALUES:
        return _list_size(rest, _VALUE + _LETTERS) if version >= EXPANDED_VERSION else 1 + _VALUE
    if code in _UNIT_PAIRS:
        return _list_size(rest, 2 * _VALUE + _LETTERS) if version >= EXPANDED_VERSION else 1 + 2 * _VALUE
    if code in _UNIT_NOTES:
        return 1 + _VALUE + _LETTERS if version >= _UNIT_NOTES[code] else 1
    if code == _UNIT_ERROR:
        size = _list_size(rest, _VALUE + _LETTERS) if version >= _UNIT_ERROR_LIST_VERSION else 1
        return None if size is None else size + 1  # the kind of error comes last
    return None


def _list_size(rest: bytes, record: int) -> int | None:
    """Of an event whose first byte counts the records that follow."""
    return 2 + rest[0] * record if rest else None


def _starts_with_channel(rest: bytes) -> bool:
    return bool(rest) and rest[0] < CHANNEL_LIMIT


def _is_value_list(rest: bytes) -> bool:
    """Whether a payout unit tells of cheating by values; letters cannot stand in a validator's list of events."""
    size = _list_size(rest, _VALUE + _LETTERS)
    if size is None or not rest[0] or len(rest) < size - 1:
        return False
    records = (rest[at : at + _VALUE + _LETTERS] for at in range(1, size - 1, _VALUE + _LETTERS))
    return all(record[_VALUE:].isalpha() and record[_VALUE:].isupper() for record in records)


# --- code tables ----------------------------------------------------------------------------------------------

REJECTIONS = {
    0x00: "accepted",
    0x01: "wrong length",
    0x02: "not recognised: average",
    0x03: "not recognised: coastline",
    0x04: "not recognised: graph",
    0x05: "not recognised: buried",
    0x06: "channel inhibited in the data set",
    0x07: "a second note was put in",
    0x08: "rejected by the host",
    0x09: "fits more than one channel",
    0x0A: "rear sensor",
    0x0B: "too long",
    0x0C: "channel not accepted now",
    0x0D: "slow mechanism",
    0x0E: "pulled on a string",
    0x0F: "fraud channel",
    0x10: "no note was seen",
    0x11: "not recognised: peak",
    0x12: "not recognised: twisted",
    0x13: "escrow time-out: the host was silent",
    0x14: "bar code not recognised",
    0x15: "did not reach the sensors",
    0x16: "not recognised: slot 1",
    0x17: "not recognised: slot 2",
    0x18: "moved too fast to be read",
    0x19: "wrong width",
    0x1A: "too short",
    0x1B: "paid out",
    0x1C: "two notes at once",
    0x1D: "could not be stacked",
    0x1F: "credit card",
}


def rejection(code: int | None) -> str:
    """Why a note was not taken, for staff."""
    if code is None:
        return "without a code"
    return f"{REJECTIONS[code]} ({code:02X})" if code in REJECTIONS else f"code {code:02X}"
