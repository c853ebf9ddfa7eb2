"""Bytes that come over a serial line: to our drivers from whatever is plugged in, to the simulated devices from a host."""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields, replace
from datetime import UTC, date, datetime
from typing import Any, get_args

from pieces import ERROR_MAX_CHARS, PIECE_MAX_BYTES, Pieces, Target, check_error, string
from receipts import receipt_of
from virtual_time import Device

from devices.ccnet import exchange as ccnet_exchange
from devices.ccnet import protocol as ccnet
from devices.ccnet.dialect import CcnetDialect
from devices.ccnet.simulator import Simulator as Validator
from devices.checksums import lrc
from devices.console import ConsoleError
from devices.link import LinkLost
from devices.shtrih import exchange as shtrih_exchange
from devices.shtrih import protocol as shtrih
from devices.shtrih import tlv
from devices.shtrih.driver import ShtrihDriver
from devices.shtrih.exchange import AnswerLost
from devices.shtrih.simulator import Simulator as Registrar
from devices.steps import Await, Disclose, Flush, Program, Receive, Report, Send, Sleep
from devices.validator.dialect import Outcome
from devices.validator.driver import ValidatorDriver
from kassa.money import MINOR_DIGITS, MINOR_MAX, of_whole
from kassa.ports import (
    CloseShift,
    Correction,
    CountShift,
    DisableNotes,
    EnableNotes,
    NoteStacked,
    Place,
    PrintText,
    PrintXReport,
    RegisterReceipt,
    RegistrarFact,
    ReturnNote,
    SetClock,
    SettleReceipt,
    StackNote,
    ValidatorFact,
    ValidatorReady,
)

PASSWORD = 30
PLACE = Place("00042", "г. Примерск, ул. Садовая, д. 6", "Холл")
NOON = datetime(2026, 11, 24, 14, 5, tzinfo=UTC)
STEPS_MAX = 50_000
SILENT_MAX_S = 900.0
"""However confused by what came before, a driver gives a silent line up within this; a registrar that opens a shift may
take two minutes, several times."""


# --- CCNET --------------------------------------------------------------------------------------------------------


def ccnet_frames(data: bytes) -> None:
    items, rest = [], data
    while True:
        item, rest = ccnet.take(rest)
        if item is None:
            break
        items.append(item)
    wire = b"".join(ccnet.encode(item.body) if isinstance(item, ccnet.Frame) else item.data for item in items)
    assert wire + rest == data, "a byte was lost or invented"
    assert len(rest) < ccnet.FRAME_SIZE_MAX, "it waits for more than one frame"
    for last in ccnet.take_last(data):
        if isinstance(last, ccnet.Frame):
            ccnet_bodies(last.body)


def ccnet_bodies(body: bytes) -> None:
    """What a frame holds, whatever it answers."""
    if ccnet.is_poll_answer(body):
        poll = ccnet.decode_poll(body)
        assert poll.status is ccnet.Status.UNKNOWN or ccnet.encode_poll(poll) == body
        assert ccnet.rejection(poll.detail).isprintable()
        assert ccnet.failure(poll.detail).isprintable()
    if ccnet.is_bill_table(body):
        bills = ccnet.decode_bill_table(body)
        assert len(bills) * ccnet.RECORD_BYTES == len(body)
        assert ccnet.decode_bill_table(ccnet.encode_bill_table(bills)) == bills
        for currency in MINOR_DIGITS:
            values = [bill.money(currency) for bill in bills if bill is not None]
            assert all(value is None or 0 < value.minor <= MINOR_MAX for value in values)
    if ccnet.is_identification(body):
        who = ccnet.decode_identification(body)
        assert (who.part_number + who.serial).isascii()
        assert (who.part_number + who.serial).isprintable()
    if len(body) == ccnet.MASK_BYTES:
        assert ccnet.mask(ccnet.masked(body)) == body


def ccnet_answers(data: bytes) -> None:
    """One command after the other on a line that answers with anything."""
    pieces = Pieces(data)
    line = Line(pieces, ccnet.encode, ccnet.FRAME_SIZE_MAX - 5)
    exchange = ccnet_exchange.Exchange(line.now)
    try:
        while pieces.are_left:
            match pieces.number(4):
                case 0:
                    poll = line.run(exchange.poll())
                    assert poll is None or isinstance(poll, ccnet.Poll)
                case 1:
                    assert isinstance(line.run(exchange.order(ccnet.STACK)), Outcome)
                case 2:
                    table = line.run(exchange.ask(ccnet.GET_BILL_TABLE, ccnet.is_bill_table))
                    assert table is None or ccnet.is_bill_table(table)
                case _:
                    line.run(exchange.acknowledge())
    except LinkLost as error:
        check_error(error)


def ccnet_driver(data: bytes) -> None:
    """The whole driver, given commands at any moment, on a line that answers with anything and then falls silent."""
    pieces = Pieces(data)
    stacked: list[object] = []

    def command() -> object:
        return pieces.choice(
            None, EnableNotes(frozenset(map(of_whole, (50, 500)))), StackNote(), ReturnNote(), DisableNotes()
        )

    line = Line(pieces, ccnet.encode, ccnet.FRAME_SIZE_MAX - 5, command)
    driver = ValidatorDriver(CcnetDialect, "RUB", ("RUS", "RUR", "RUB"))
    for fact in line.run_to_the_end(driver.program(line.now)):
        assert isinstance(fact, get_args(ValidatorFact)), fact
        match fact:
            case ValidatorReady(model, serial, values):
                assert (model + serial).isprintable()
                assert all(0 < value.minor <= MINOR_MAX for value in values)
            case NoteStacked():
                stacked.append(fact)
    assert len(stacked) <= line.answers, "a note was counted that nobody spoke of"


def validator_simulator(data: bytes) -> None:
    """A host of any kind, and hands: the simulated validator goes on, and no note vanishes or appears."""
    pieces, now, inserted = Pieces(data), 0.0, []
    simulator = Validator(now)
    while pieces.are_left:
        match pieces.number(6):
            case 0:
                simulator.receive(pieces.string(), now)
            case 1:
                simulator.receive(ccnet.encode(pieces.string()[: ccnet.FRAME_SIZE_MAX - 5] or b"\0"), now)
            case 2:
                now += pieces.number() / 50
                simulator.advance(now)
            case 3:
                value = pieces.choice(10, 50, 500, 5000, 7)
                if simulator.insert(value, now) is None:
                    inserted.append(value)
            case _:
                inserted += _taken(obey(simulator, pieces.string(), now))
        wakes_at = simulator.wakes_at()
        assert wakes_at is None or wakes_at <= now + 3600
    simulator.advance(now + 60)
    truth = simulator.truth
    inside = [value for value in (truth.head, truth.stacker) if value is not None]
    assert Counter(inserted) >= Counter([*truth.cassette, *truth.returned, *inside])


def _taken(answer: dict[str, Any]) -> list[int]:
    return [answer["taken"]] if "taken" in answer else []


# --- Shtrih-M -------------------------------------------------------------------------------------------------------


def shtrih_frames(data: bytes) -> None:
    items, rest = [], data
    while True:
        item, rest = shtrih.take(rest)
        if item is None:
            break
        items.append(item)
    assert b"".join(map(_wire, items)) + rest == data, "a byte was lost or invented"
    assert len(rest) < shtrih.BODY_BYTES_MAX + 3, "it waits for more than one frame"


def _wire(item: shtrih.Item) -> bytes:
    match item:
        case shtrih.Control(code):
            return bytes((code,))
        case shtrih.Frame(body):
            return shtrih.frame(body)
        case shtrih.Spoilt(data):
            assert lrc(data[1:]) != 0
            return data
        case shtrih.Junk(data):
            return data


COMMANDS: tuple[shtrih.Command[Any], ...] = (
    shtrih.model(),
    shtrih.parameters(),
    *(
        make(PASSWORD)
        for make in (
            shtrih.short_status, shtrih.long_status, shtrih.drive_status, shtrih.drive_serial, shtrih.drive_expiry,
            shtrih.cancel_drive_document, shtrih.exchange, shtrih.read_tags, shtrih.unsent_count, shtrih.shift,
            shtrih.open_shift, shtrih.open_receipt, shtrih.subtotal, shtrih.cancel_receipt, shtrih.x_report,
            shtrih.z_report,
        )
    ),
    shtrih.find_document(PASSWORD, 1), shtrih.announce_tags(PASSWORD, 1), shtrih.close_receipt(PASSWORD, 50000, 0),
    shtrih.cash_register(PASSWORD, 241), shtrih.operation_register(PASSWORD, 152),
    shtrih.read_table(PASSWORD, 1, 1, 1),
    shtrih.open_receipt(PASSWORD, is_correction=True), shtrih.begin_correction(PASSWORD),
    shtrih.close_correction(PASSWORD, 50000, {6: 50000}, 0, is_ordered=False),
    shtrih.send_item_tags(PASSWORD, tlv.byte(tlv.AGENT, 4)), shtrih.open_text_document(PASSWORD),
    shtrih.close_text_document(PASSWORD), shtrih.table_structure(PASSWORD, 17),
    shtrih.field_structure(PASSWORD, 17, 17), shtrih.write_table(PASSWORD, 17, 1, 17, b"\2"),
)  # fmt: skip


def shtrih_answers(data: bytes) -> None:
    """Any body as the answer to any command: a value of the command's own kind, or an error of two."""
    pieces = Pieces(data)
    command = pieces.choice(*COMMANDS)
    body = pieces.rest()
    for answer in (body, command.code + b"\0" + body):
        try:
            found = command.read(answer)
        except (shtrih.BadAnswer, shtrih.Refused) as error:
            check_error(error)
            continue
        assert found == command.read(answer)
        if isinstance(found, shtrih.Closed):
            assert 0 <= found.change < 1 << 40


def shtrih_tags(data: bytes) -> None:
    """The tags of a document, nested as whoever wrote them liked."""
    found = list(tlv.decode(data))
    again = b"".join(tlv.encode(tag, value) for tag, value in found)
    assert data.startswith(again), "a tag was changed"
    tlv.payment_of(data)
    for name in tlv.names_of(data):
        assert len(name) <= len(data)
    for tag, value in found:
        assert tlv.find(data, tag) is not None
        tlv.find(data, tag, tlv.NAME)
        assert len(value) <= len(data)


def shtrih_exchange_answers(data: bytes) -> None:
    """One command after the other on a line that answers with anything."""
    pieces = Pieces(data)
    line = Line(pieces, shtrih.frame, shtrih.BODY_BYTES_MAX)
    exchange = shtrih_exchange.Exchange(line.now)
    while pieces.are_left:
        try:
            line.run(exchange.ask(pieces.choice(*COMMANDS)))
        except (LinkLost, AnswerLost, shtrih.Refused) as error:
            check_error(error)


def shtrih_driver(data: bytes) -> None:
    """The whole driver, given receipts at any moment, on a line that answers with anything and then falls silent."""
    pieces = Pieces(data)
    receipt = receipt_of("00042-0000000001", 650)

    def command() -> object:
        return pieces.choice(
            None, RegisterReceipt(receipt), SettleReceipt(receipt, "9999078900001234", 7), CloseShift(),
            PrintXReport(), CountShift(), SetClock(NOON), PrintText(("Касса", "00042")),
            RegisterReceipt(replace(receipt, correction=Correction(NOON.date(), "1"), place=PLACE)),
        )  # fmt: skip

    line = Line(pieces, shtrih.frame, shtrih.BODY_BYTES_MAX, command)
    driver = ShtrihDriver(PASSWORD, "RUB", lambda: NOON)
    for fact in line.run_to_the_end(driver.program(line.now)):
        assert isinstance(fact, get_args(RegistrarFact)), fact
        check_fact(fact)


def registrar_simulator(data: bytes) -> None:
    """A host of any kind, and hands: the simulated registrar goes on, and no document is ever lost or changed."""
    pieces, now = Pieces(data), 0.0
    simulator = Registrar(now)
    documents: list[tuple[int, int]] = []
    while pieces.are_left:
        match pieces.number(6):
            case 0:
                simulator.receive(pieces.string(), now)
            case 1:
                simulator.receive(shtrih.frame(pieces.string() or b"\0"), now)
            case 2:
                now += pieces.number() / 4
                simulator.advance(now)
            case 3:
                command = pieces.choice(*COMMANDS)
                simulator.receive(
                    shtrih.frame((command.body + pieces.string())[: shtrih.BODY_BYTES_MAX]), now
                )
                now += 1
                simulator.advance(now)
            case _:
                obey(simulator, pieces.string(), now)
        drives = [*simulator.truth.former_drives, simulator.truth.drive]
        kept = [(record.number, record.sign) for drive in drives for record in drive.documents]
        assert kept[: len(documents)] == documents
        documents = kept
        wakes_at = simulator.wakes_at()
        assert wakes_at is None or wakes_at <= now + 3600


# --- what they share --------------------------------------------------------------------------------------------------


def obey(simulator: Validator | Registrar, line: bytes, now: float) -> dict[str, Any]:
    """One console line, as devices.console takes it off stdin."""
    words = line.decode("utf-8", "replace").split()
    if not words:
        return {}
    try:
        return simulator.obey(words, now)
    except ConsoleError as error:
        return {"error": str(error)}


def check_fact(told: object) -> None:
    """What a fact says can be shown, written into a journal and counted with."""
    match told:
        case str():
            assert len(told) < ERROR_MAX_CHARS
            assert all(letter.isprintable() or letter == "\n" for letter in told), told
        case bool() | None | enum.Enum():
            pass
        case int():
            assert abs(told) < 1 << 60
        case datetime():
            told.astimezone(UTC)
        case date():
            pass
        case tuple():
            for one in told:
                check_fact(one)
        case _:
            for field in fields(told):  # type: ignore[arg-type]
                check_fact(getattr(told, field.name))


class Line:
    """A serial line whose other end sends the fuzzer's bytes, in virtual time; used up, it is silent.

    `frame` and `body_max`: some answers come well wrapped, so that checksums keep nobody out. What is sent at once has at
    most `send_max` bytes.
    """

    def __init__(
        self,
        pieces: Pieces,
        frame: Callable[[bytes], bytes],
        body_max: int,
        command: Callable[[], object] = lambda: None,
        send_max: int = PIECE_MAX_BYTES + 3,
    ) -> None:
        self._pieces, self._frame, self._body_max, self._command = pieces, frame, body_max, command
        self._send_max = send_max
        self._at = 0.0
        self.answers = self.came_bytes = 0
        """How often bytes came, and how many."""
        self.sent = b""
        """The last that was sent."""

    def now(self) -> float:
        return self._at

    def run(self, program: Program[Any]) -> Any:
        """What the program returns; whatever it raises comes through."""
        running = self._steps(program)
        try:
            while True:
                next(running)
        except StopIteration as end:
            return end.value

    def run_to_the_end(self, program: Program[None]) -> Iterator[object]:
        """The facts a driver's program reports until it gives the line up."""
        try:
            yield from self._steps(program)
        except LinkLost as error:
            check_error(error)
        else:
            raise AssertionError("a driver's program ends by LinkLost only")

    def _steps(self, program: Program[Any]) -> Iterator[object]:
        answer: Any = None
        silent_since = None
        for _ in range(STEPS_MAX):
            try:
                step = program.send(answer)
            except StopIteration as end:
                return end.value
            answer = None
            if not self._pieces.are_left:
                silent_since = self._at if silent_since is None else silent_since
                assert self._at - silent_since < SILENT_MAX_S, "nobody answers, and it goes on asking"
            match step:
                case Receive(timeout_ms):
                    answer = self._answer(timeout_ms)
                case Await(timeout_ms):
                    answer = self._command() if self._pieces.are_left else None
                    self._at += timeout_ms / 1000 if answer is None else 0
                case Sleep(ms):
                    self._at += ms / 1000
                case Report(fact):
                    yield fact
                case Send(sent):
                    assert 0 < len(sent) <= self._send_max
                    self.sent = sent
                case Flush() | Disclose():
                    pass
        raise AssertionError(f"not at its end after {STEPS_MAX} steps")

    def _answer(self, timeout_ms: int) -> bytes:
        assert timeout_ms > 0, "a wait without a time"
        kind = self._pieces.number(4) if self._pieces.are_left else 3
        if kind == 3:
            self._at += timeout_ms / 1000
            return b""
        self._at += min(timeout_ms, 5) / 1000
        data = self._pieces.string()
        self.answers += bool(data)
        self.came_bytes += len(data)
        return self._frame(data[: self._body_max]) if kind == 2 and data else data


# --- seeds: what real conversations look like ----------------------------------------------------------------------------


def overheard(
    simulator: Device,
    program: Callable[[Callable[[], float]], Program[Any]],
    steps: int,
    wrapped: Callable[[bytes], bytes] | None = None,
    **orders: Any,
) -> tuple[list[bytes], bytes]:
    """What a program and a simulated device say to each other: the host's bytes, and the pieces `Line` would read.

    `wrapped` makes of a whole answer what `Line` would wrap so; else the pieces are bytes as they are. `orders`: what a
    hand does or the core commands at the step of that number.
    """
    at, came, sent, pieces = 0.0, b"", [], b""
    running = program(lambda: at)
    answer: Any = None
    asked = 0
    for _ in range(steps):
        step = running.send(answer)
        answer = None
        match step:
            case Send(data):
                sent.append(data)
                at += 0.002
                came += simulator.receive(data, at)
            case Flush():
                came = b""
            case Receive(timeout_ms):
                give_up = at + timeout_ms / 1000
                came += simulator.advance(at)
                while not came and (wakes_at := simulator.wakes_at()) is not None and wakes_at <= give_up:
                    at = max(at, wakes_at)
                    came += simulator.advance(at)
                at = at if came else give_up
                if wrapped is not None and came:
                    answer, came = came, b""
                    pieces += b"\2" + string(wrapped(answer)[:PIECE_MAX_BYTES])
                    continue
                answer, came = came[:PIECE_MAX_BYTES], came[PIECE_MAX_BYTES:]
                pieces += b"\0" + string(answer) if answer else b"\3"
            case Await(timeout_ms):
                asked += 1
                number, answer, hand = orders.get(f"at_{asked}", (0, None, None))
                pieces += bytes((number,))
                if hand is not None:
                    hand(at)
                at += timeout_ms / 1000 if answer is None else 0
                came += simulator.advance(at)
            case Sleep(ms):
                at += ms / 1000
                came += simulator.advance(at)
            case Report():
                pass
    running.close()
    return sent, pieces


def _validator_talk() -> tuple[list[bytes], bytes]:
    simulator = Validator(0.0)
    enable = EnableNotes(frozenset(map(of_whole, (50, 500))))
    return overheard(
        simulator,
        ValidatorDriver(CcnetDialect, "RUB", ("RUS", "RUR", "RUB")).program,
        700,
        at_1=(1, enable, None),
        at_20=(0, None, lambda at: simulator.insert(500, at)),
        at_40=(2, StackNote(), None),
    )


def _registrar_talk() -> tuple[list[bytes], bytes]:
    receipt = receipt_of("00042-0000000001", 650)
    return overheard(
        Registrar(0.0),
        ShtrihDriver(PASSWORD, "RUB", lambda: NOON).program,
        900,
        at_1=(1, RegisterReceipt(receipt), None),
        at_3=(3, CloseShift(), None),
    )


def _ccnet_said() -> Iterator[bytes]:
    """All kinds of frames that a validator sends."""
    table = ccnet.encode_bill_table((None, None, ccnet.Bill("RUS", 1, 1), ccnet.Bill("RUS", 5, 1)))
    for body in (
        ccnet.ACK, ccnet.NAK, ccnet.ILLEGAL, ccnet.encode_poll(ccnet.Poll(ccnet.Status.ESCROW, 5)),
        ccnet.encode_poll(ccnet.Poll(ccnet.Status.IDLING)), ccnet.encode_poll(ccnet.Poll(ccnet.Status.REJECTING, 0x68)),
        table, ccnet.encode_identification(ccnet.Identification("SM-RU1353", "21K061234567")),
        ccnet.mask({2, 3, 23}),
    ):  # fmt: skip
        yield ccnet.encode(body)


def _ccnet_frame_seeds() -> Iterator[bytes]:
    frames = list(_ccnet_said())
    yield from frames
    yield b"\x02\x03" + b"\x00".join(frames)
    yield frames[0][:-1] + b"\x55" + frames[3]


def _ccnet_answer_seeds() -> Iterator[bytes]:
    for number, frame in enumerate(_ccnet_said()):
        yield bytes((number % 4, 0)) + string(frame)
    yield b"\0\2" + string(b"\x1c") + b"\2" + string(b"\x1c\x68")
    yield b"\0\1" + string(b"\x02\x03\x06\x14\xff\xff") + b"\2" + string(b"\x14")


def _validator_seeds() -> Iterator[bytes]:
    sent, _ = _validator_talk()
    unlike = list(dict.fromkeys(sent))
    yield b"".join(b"\0" + string(frame) + b"\2\5" for frame in unlike)
    yield (
        b"\2\xff\1"
        + string(ccnet.RESET)
        + b"\2\xff\2\xff"
        + b"\1"
        + string(ccnet.enable_bill_types({3, 5}, {3, 5}))
        + b"\3\1\2\x40\1"
        + string(ccnet.POLL)
        + b"\1"
        + string(ccnet.STACK)
        + b"\2\x40\1"
        + string(ccnet.POLL)
    )
    for words in (b"insert 500", b"power off", b"power on", b"fault jam", b"fault cheat", b"clear", b"state"):
        yield b"\4" + string(words) + b"\2\xff"


def _shtrih_said() -> Iterator[bytes]:
    """The answers of a registrar to every command that is read."""
    for number, command in enumerate(COMMANDS):
        registrar = Registrar(0.0)
        registrar.receive(shtrih.frame(command.body), 0.0)
        answer = registrar.advance(300.0)
        yield bytes((number,)) + shtrih.take(answer)[0].body[len(command.code) + 1 :]  # type: ignore[union-attr]


def _shtrih_frame_seeds() -> Iterator[bytes]:
    for said in list(_shtrih_said())[:6]:
        yield shtrih.frame(said)
    yield bytes((shtrih.ENQ, shtrih.ACK, 0xFF, shtrih.NAK)) + shtrih.frame(b"\x10\0\x1e") + b"\x02\x02\x10"
    yield shtrih.frame(b"\xfc\0")[:-1] + b"\x55"


def _tag_seeds() -> Iterator[bytes]:
    item = (
        tlv.text(tlv.NAME, "Аванс за услуги связи")
        + tlv.number(tlv.PRICE, 65000)
        + tlv.number(tlv.COST, 65000)
    )
    yield tlv.payment("00042-0000000001")
    yield tlv.encode(tlv.ITEM, item)
    yield tlv.encode(
        3, tlv.encode(tlv.ITEM, item) + tlv.payment("00042-0000000001") + tlv.number(tlv.TOTAL, 65000)
    )
    yield tlv.text(tlv.NAME, "x") + b"\x06\x04\xff\xff"


def _shtrih_exchange_seeds() -> Iterator[bytes]:
    for said in _shtrih_said():
        answer = COMMANDS[said[0]].code + b"\0" + said[1:]
        yield said[:1] + b"\0\1\x15\0\1\x06\2" + string(answer)


def _registrar_seeds() -> Iterator[bytes]:
    sent, _ = _registrar_talk()
    unlike = list(dict.fromkeys(sent))
    yield b"".join(b"\0" + string(frame) + b"\2\x10" for frame in unlike)[:4000]
    for number in range(len(COMMANDS)):
        yield bytes((3, number, 0)) + b"\2\x10"
    line = shtrih.print_line(PASSWORD, "x" * shtrih.LINE_CHARACTERS_MAX).body
    yield b"\1" + string(line.replace(b"x", b"\x98")) + b"\2\x10"
    yield (
        (b"\4" + string(b"clock 100000")) * 25 + b"\1" + string(shtrih.long_status(PASSWORD).body) + b"\2\x10"
    )
    for words in (
        b"paper out",
        b"clock 25",
        b"leftover 500",
        b"fault refuse FF45 33",
        b"receipt 1",
        b"state",
    ):
        yield b"\4" + string(words) + b"\2\x10"


def talk_seeds(talk: Callable[[], tuple[list[bytes], bytes]], size_max: int) -> Callable[[], Iterable[bytes]]:
    def seeds() -> Iterator[bytes]:
        _, pieces = talk()
        for end in (50, 200, 600, 1500, size_max):
            yield pieces[:end]

    return seeds


TALK_MAX_BYTES = 8192
TARGETS = {
    "ccnet_frames": Target(ccnet_frames, _ccnet_frame_seeds, size_max_bytes=600),
    "ccnet_bodies": Target(
        ccnet_bodies, lambda: (frame[3:-2] for frame in _ccnet_said()), size_max_bytes=245
    ),
    "ccnet_answers": Target(ccnet_answers, _ccnet_answer_seeds),
    "ccnet_driver": Target(
        ccnet_driver, talk_seeds(_validator_talk, TALK_MAX_BYTES), size_max_bytes=TALK_MAX_BYTES
    ),
    "validator_simulator": Target(validator_simulator, _validator_seeds),
    "shtrih_frames": Target(shtrih_frames, _shtrih_frame_seeds, size_max_bytes=600),
    "shtrih_answers": Target(shtrih_answers, _shtrih_said, size_max_bytes=300),
    "shtrih_tags": Target(shtrih_tags, _tag_seeds),
    "shtrih_exchange": Target(shtrih_exchange_answers, _shtrih_exchange_seeds),
    "shtrih_driver": Target(
        shtrih_driver, talk_seeds(_registrar_talk, TALK_MAX_BYTES), size_max_bytes=TALK_MAX_BYTES
    ),
    "registrar_simulator": Target(registrar_simulator, _registrar_seeds, size_max_bytes=4096),
}
