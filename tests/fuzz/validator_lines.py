"""Bytes that come over the line of an ID-003 or SSP validator to our driver, from whatever is plugged in."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, get_args

from device_lines import TALK_MAX_BYTES, Line, overheard, talk_seeds
from pieces import Pieces, Target, check_error, string

from devices.id003 import exchange as id003_exchange
from devices.id003 import protocol as id003
from devices.id003.dialect import Id003Dialect
from devices.id003.simulator import RUSSIAN_TABLE, WHO
from devices.id003.simulator import Simulator as Id003Simulator
from devices.link import LinkLost
from devices.ssp import cipher
from devices.ssp import exchange as ssp_exchange
from devices.ssp import protocol as ssp
from devices.ssp.dialect import VERSIONS, SspDialect
from devices.ssp.protocol import Event, EventCode, Reply, Response
from devices.ssp.simulator import Quirks as SspQuirks
from devices.ssp.simulator import Simulator as SspSimulator
from devices.steps import Time
from devices.validator.dialect import Dialect, Outcome
from devices.validator.driver import ValidatorDriver
from kassa.money import MINOR_DIGITS, MINOR_MAX, of_whole
from kassa.ports import (
    DisableNotes,
    EnableNotes,
    NoteStacked,
    ReturnNote,
    StackNote,
    ValidatorFact,
    ValidatorReady,
)

COUNTRIES = ("RUS", "RUR", "RUB")
ENABLE = EnableNotes(frozenset(map(of_whole, (50, 500))))
KEY = bytes(range(cipher.KEY_BYTES))
PADDING = bytes(cipher.PADDING_MAX)


# --- ID-003 -------------------------------------------------------------------------------------------------------


def id003_frames(data: bytes) -> None:
    items, rest = [], data
    while True:
        item, rest = id003.take(rest)
        if item is None:
            break
        items.append(item)
    wire = b"".join(id003.encode(item.body) if isinstance(item, id003.Frame) else item.data for item in items)
    assert wire + rest == data, "a byte was lost or invented"
    assert len(rest) < id003.FRAME_SIZE_MAX, "it waits for more than one frame"
    for last in id003.take_last(data):
        if isinstance(last, id003.Frame):
            id003_bodies(last.body)


def id003_bodies(body: bytes) -> None:
    """What a frame holds, whatever it answers; a frame has one byte at least."""
    if not body:
        return
    id003.is_echo(body)
    if id003.is_poll_answer(body):
        poll = id003.decode_poll(body)
        assert id003.rejection(poll.detail).isprintable()
        assert id003.failure(poll.detail).isprintable()
    if id003.is_currency_table(body):
        bills = id003.decode_currency_table(body)
        assert len(bills) == id003.BILL_TYPES
        for currency in MINOR_DIGITS:
            values = [bill.money(currency) for bill in bills if bill is not None]
            assert all(value is None or 0 < value.minor <= MINOR_MAX for value in values)
    if id003.is_answer(id003.VERSION_REQUEST, body):
        who = id003.decode_version(body)
        assert (who.model + who.firmware).isascii()
        assert (who.model + who.firmware).isprintable()
    if id003.is_answer(id003.GET_BILL_TYPES, body):
        assert id003.enabled_bill_types(body) <= frozenset(range(id003.BILL_TYPES))
    if id003.is_answer(id003.GET_INHIBIT, body):
        id003.is_inhibited(body)
    if id003.is_answer(id003.GET_OPTIONS, body):
        id003.options_of(body)


def id003_answers(data: bytes) -> None:
    """One command after the other on a line that answers with anything."""
    pieces = Pieces(data)
    line = Line(pieces, id003.encode, id003.FRAME_SIZE_MAX - 4)
    exchange = id003_exchange.Exchange(line.now)
    settle = id003.inhibit(True)
    try:
        while pieces.are_left:
            match pieces.number(4):
                case 0:
                    poll = line.run(exchange.ask(id003.STATUS_REQUEST, id003.is_poll_answer, 400, 1))
                    assert poll is None or poll == id003.INVALID_COMMAND or id003.is_poll_answer(poll)
                case 1:
                    assert isinstance(line.run(exchange.order(id003.STACK_2)), Outcome)
                case 2:
                    echo = line.run(exchange.ask(settle, partial(id003.is_answer, settle), 400))
                    assert echo is None or echo == id003.INVALID_COMMAND or id003.is_answer(settle, echo)
                case _:
                    line.run(exchange.acknowledge())
    except LinkLost as error:
        check_error(error)


# --- SSP ------------------------------------------------------------------------------------------------------------


def ssp_frames(data: bytes) -> None:
    items, rest = [], data
    while True:
        item, rest = ssp.take(rest)
        if item is None:
            break
        items.append(item)
    wire = b"".join(ssp.encode(item) if isinstance(item, ssp.Frame) else item.data for item in items)
    assert wire + rest == data, "a byte was lost or invented"
    assert len(rest) < ssp.FRAME_SIZE_MAX, "it waits for more than one frame"
    for last in ssp.take_last(data):
        if isinstance(last, ssp.Frame):
            reply = ssp.decode_reply(last.data)
            assert reply.response is Response.UNKNOWN or ssp.encode_reply(reply) == last.data


def ssp_events(data: bytes) -> None:
    """A list of events, by each version that we speak: none is invented, none is read behind one that is unknown."""
    for version in VERSIONS:
        events = ssp.decode_events(data, version)
        assert ssp.encode_events(events) == data
        assert all(event.code is not EventCode.UNKNOWN for event in events[:-1])
        assert all(event.channel is None or 0 <= event.channel < ssp.CHANNEL_LIMIT for event in events)


def ssp_setup(data: bytes) -> None:
    """What a device says of itself: read, or refused in words."""
    for read in (ssp.decode_serial_number, ssp.decode_counters, ssp.decode_reject_code, ssp.decode_number):
        _read(read, data)
    for version in VERSIONS:
        _read(partial(ssp.decode_channel_values, version=version), data)
    setup = _read(ssp.decode_setup, data)
    if setup is None:
        return
    assert len(setup.channels) <= len(data)
    if setup.version < ssp.EXPANDED_VERSION:
        assert ssp.decode_setup(ssp.encode_setup(setup)) == setup
    for currency in MINOR_DIGITS:
        values = [setup.money(number, currency) for number in range(len(setup.channels) + 2)]
        assert all(value is None or 0 < value.minor <= MINOR_MAX for value in values)


def _read(read: Callable[[bytes], Any], data: bytes) -> Any:
    try:
        return read(data)
    except ssp.Garbled as error:
        check_error(error)
        return None


def ssp_packets(data: bytes) -> None:
    """A packet that somebody sealed, with our key or without; and what we seal can be opened."""
    pieces = Pieces(data)
    count, payload = pieces.number(), pieces.string()[: cipher.PAYLOAD_MAX]
    sealed = cipher.seal(KEY, count, payload, PADDING)
    assert cipher.open_(KEY, count, sealed) == payload
    packet = pieces.rest()
    for found in (packet, bytes((ssp.STEX,)) + packet, sealed[: len(packet)] + packet):
        try:
            assert len(cipher.open_(KEY, count, found)) <= cipher.PAYLOAD_MAX
        except (cipher.BadSeal, cipher.OutOfStep) as error:
            check_error(error)


def ssp_frame(data: bytes) -> bytes:
    """Well wrapped, under the sequence bit that the first byte tells."""
    return ssp.encode(ssp.Frame(ssp.VALIDATOR, data[0] & 1, data[1:] or b"\xf0"))


def ssp_answers(data: bytes) -> None:
    """One command after the other on a line that answers with anything."""
    pieces = Pieces(data)
    line = Line(pieces, ssp_frame, ssp.DATA_MAX)
    exchange = ssp_exchange.Exchange(line.now, cipher.FIXED_KEY, _draw())
    try:
        while pieces.are_left:
            match pieces.number(4):
                case 0:
                    assert isinstance(line.run(exchange.ask(ssp.POLL)), Reply)
                case 1:
                    line.run(exchange.synchronise())
                case 2:
                    assert line.run(exchange.exchange_keys()) in (exchange.is_sealed, False)
                case _:
                    line.run(exchange.restart())
    except LinkLost as error:
        check_error(error)


def _draw() -> Callable[[int], int]:
    """Chance that is the same every time: what was overheard once fits once more."""
    return random.Random(1).randrange


# --- the driver ---------------------------------------------------------------------------------------------------------


def _id003_dialect(now: Time) -> Dialect:
    return Id003Dialect(now, (10, 50, 0, 500))


def _ssp_dialect(now: Time) -> Dialect:
    return SspDialect(now, _draw())


def id003_driver(data: bytes) -> None:
    _drive(data, _id003_dialect, id003.encode, id003.FRAME_SIZE_MAX - 4)


def ssp_driver(data: bytes) -> None:
    _drive(data, _ssp_dialect, ssp_frame, ssp.DATA_MAX)


def _drive(
    data: bytes, dialect: Callable[[Time], Dialect], frame: Callable[[bytes], bytes], body_max: int
) -> None:
    """The whole driver, given commands at any moment, on a line that answers with anything and then falls silent."""
    pieces = Pieces(data)
    stacked = 0

    def command() -> object:
        return pieces.choice(None, ENABLE, StackNote(), ReturnNote(), DisableNotes())

    line = Line(pieces, frame, body_max, command)
    driver = ValidatorDriver(dialect, "RUB", COUNTRIES)
    for fact in line.run_to_the_end(driver.program(line.now)):
        assert isinstance(fact, get_args(ValidatorFact)), fact
        match fact:
            case ValidatorReady(model, serial, values):
                assert (model + serial).isprintable()
                assert all(0 < value.minor <= MINOR_MAX for value in values)
            case NoteStacked():
                stacked += 1
    assert stacked <= line.came_bytes, "a note was counted that nobody spoke of"


# --- seeds ----------------------------------------------------------------------------------------------------------------


def _talk(
    simulator: Id003Simulator | SspSimulator, dialect: Callable[[Time], Dialect]
) -> tuple[list[bytes], bytes]:
    """A note of 500 goes in, one of 50 comes back."""
    return overheard(
        simulator,
        ValidatorDriver(dialect, "RUB", COUNTRIES).program,
        2000,
        at_1=(1, ENABLE, None),
        at_20=(0, None, lambda at: simulator.insert(500, at)),
        at_40=(2, StackNote(), None),
        at_70=(0, None, lambda at: simulator.insert(50, at)),
        at_90=(3, ReturnNote(), None),
    )


def _id003_said() -> Iterator[bytes]:
    """All kinds of bodies that a validator sends."""
    yield from (id003.ACK, id003.INVALID_COMMAND, id003.COMMUNICATION_ERROR, id003.ENQ)
    yield from (id003.inhibit(True), id003.enable_bill_types({4}), id003.GET_INHIBIT + b"\0")
    for status in id003.Status:
        if status is not id003.Status.UNKNOWN:
            yield id003.encode_poll(id003.Poll(status))
    yield id003.encode_poll(id003.Poll(id003.Status.ESCROW, 4))
    yield id003.encode_poll(id003.Poll(id003.Status.REJECTING, 0x79))
    yield id003.encode_ticket("123456789012345678")
    yield id003.encode_currency_table(RUSSIAN_TABLE)
    yield id003.encode_version(WHO)


def _id003_frame_seeds() -> Iterator[bytes]:
    frames = [id003.encode(body) for body in _id003_said()]
    yield b"".join(frames)[:600]
    yield b"\xfc\x05" + b"\x00".join(frames[:8])
    yield frames[0][:-1] + b"\x55" + frames[-1]


def _id003_answer_seeds() -> Iterator[bytes]:
    for number, body in enumerate(_id003_said()):
        yield bytes((number % 3, 0)) + string(id003.encode(body))
    yield b"\1\2" + string(id003.COMMUNICATION_ERROR) + b"\2" + string(id003.ACK)


EVENTS = (
    Event(EventCode.SLAVE_RESET), Event(EventCode.READ_NOTE, 0), Event(EventCode.READ_NOTE, 3),
    Event(EventCode.STACKING), Event(EventCode.CREDIT_NOTE, 3), Event(EventCode.STACKED),
    Event(EventCode.CLEARED_FROM_FRONT, 3), Event(EventCode.CLEARED_TO_CASSETTE, 0),
    Event(EventCode.CLEARED_TO_CASSETTE), Event(EventCode.CHEATED, 2), Event(EventCode.REJECTING),
    Event(EventCode.REJECTED), Event(EventCode.DISABLED), Event(EventCode.UNSAFE_JAM), Event(EventCode.INITIALISING),
)  # fmt: skip


def _ssp_event_seeds() -> Iterator[bytes]:
    yield from (ssp.encode_events((event,)) for event in EVENTS)
    yield ssp.encode_events(EVENTS)
    yield b"\xee\x03\xf9\xee\x03"
    yield b"\xda\x01\x10\x27\0\0RUB\xee\x03"
    yield b"\xe6\x01\x10\x27\0\0RUB\xcc"


def _ssp_frame_seeds() -> Iterator[bytes]:
    frames = [
        ssp.encode(ssp.Frame(ssp.VALIDATOR, number & 1, ssp.encode_reply(Reply(Response.OK, data))))
        for number, data in enumerate(_ssp_event_seeds())
    ]
    yield b"".join(frames[:12])
    yield b"\x7f\x80" + b"\x00".join(frames[:6])
    yield ssp.encode(ssp.Frame(ssp.VALIDATOR, 1, b"\x7f\x7f\xf0")) + frames[0][:-1] + b"\x55"


def _ssp_setup_seeds() -> Iterator[bytes]:
    for version in VERSIONS:
        channels = tuple(ssp.Channel(number, "RUB", 10 * number, 2) for number in range(1, 9))
        multiplier = 0 if version >= ssp.EXPANDED_VERSION else 10
        yield ssp.encode_setup(ssp.Setup(0, "0110", "RUS", multiplier, 100, version, channels))
        values = [ssp.ChannelValue(one, "RUB", one * 10) for one in range(3)]
        yield ssp.encode_channel_values(values, version)
    yield ssp.encode_serial_number(1_873_452)
    yield ssp.encode_counters(ssp.Counters(17, 40, 35, 10, 16))
    yield ssp.encode_number(982_451_653)
    yield b"\x08"


def _ssp_packet_seeds() -> Iterator[bytes]:
    for payload in (ssp.POLL, b"\xf0\xef\x03", bytes(40)):
        yield b"\1" + string(payload) + cipher.seal(KEY, 1, payload, PADDING)
        yield b"\1" + string(payload) + cipher.seal(KEY, 2, payload, PADDING)[1:]


def _ssp_answer_seeds() -> Iterator[bytes]:
    ok = b"\2" + string(b"\1\xf0")
    yield b"\1" + ok + b"\0\2" + string(b"\0\xf0\xef\x03") + b"\0\2" + string(b"\1\xfa")
    yield b"\1" + ok + b"\2\2" + string(b"\0\xf0") + ok + b"\2" + string(b"\0\xf0" + bytes(8)) + b"\0"
    yield b"\3" + ok + b"\3\3\3" + ok


def _id003_talk() -> tuple[list[bytes], bytes]:
    return _talk(Id003Simulator(0.0), _id003_dialect)


def _ssp_talk(**quirks: Any) -> tuple[list[bytes], bytes]:
    return _talk(SspSimulator(0.0, quirks=SspQuirks(**quirks)), _ssp_dialect)


def _ssp_driver_seeds() -> Iterator[bytes]:
    yield from talk_seeds(_ssp_talk, TALK_MAX_BYTES)()
    yield from talk_seeds(partial(_ssp_talk, has_encryption=False), TALK_MAX_BYTES)()


TARGETS = {
    "id003_frames": Target(id003_frames, _id003_frame_seeds, size_max_bytes=600),
    "id003_bodies": Target(id003_bodies, _id003_said, size_max_bytes=246),
    "id003_answers": Target(id003_answers, _id003_answer_seeds),
    "id003_driver": Target(
        id003_driver, talk_seeds(_id003_talk, TALK_MAX_BYTES), size_max_bytes=TALK_MAX_BYTES
    ),
    "ssp_frames": Target(ssp_frames, _ssp_frame_seeds, size_max_bytes=1100),
    "ssp_events": Target(ssp_events, _ssp_event_seeds, size_max_bytes=255),
    "ssp_setup": Target(ssp_setup, _ssp_setup_seeds, size_max_bytes=255),
    "ssp_packets": Target(ssp_packets, _ssp_packet_seeds, size_max_bytes=600),
    "ssp_answers": Target(ssp_answers, _ssp_answer_seeds),
    "ssp_driver": Target(ssp_driver, _ssp_driver_seeds, size_max_bytes=TALK_MAX_BYTES),
}
