"""Bytes around a receipt printer that speaks ESC/POS: from it to our driver, and from any host to the simulated one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, get_args

from device_lines import NOON, TALK_MAX_BYTES, Line, check_fact, overheard
from pieces import Pieces, Target, check_error, string
from receipts import receipt_of

from devices.console import ConsoleError
from devices.escpos import protocol as p
from devices.escpos.driver import EscposDriver
from devices.escpos.encoding import PART_MAX_BYTES, Paper, job
from devices.escpos.exchange import Exchange
from devices.escpos.simulator import ROLL_LINES, Quirks, Simulator
from devices.link import LinkLost
from devices.steps import Await, Program, Receive, Send
from kassa.paper import Code, Words
from kassa.paper import Line as PaperLine
from kassa.ports import (
    CloseShift,
    CountShift,
    Document,
    DocumentRegistered,
    NotRegistered,
    PrintText,
    Receipt,
    RegisterReceipt,
    RegistrarFact,
    SetClock,
    SettleReceipt,
    TextPrinted,
)

PAYMENT = "00042-0000000001"
RECEIPT = receipt_of(PAYMENT, 650)
ROWS = 12
SEND_MAX_BYTES = 2 * PART_MAX_BYTES
"""A part is a row at least, and a code is one."""


# --- answers and commands -----------------------------------------------------------------------------------------


def escpos_answers(data: bytes) -> None:
    items, rest = [], data
    while True:
        item, rest = p.take(rest)
        if item is None:
            break
        items.append(item)
    assert b"".join(map(_wire, items)) + rest == data, "a byte was lost or invented"
    assert len(rest) <= p.MODEL_MAX_BYTES + 1, "it waits for more than one answer"


def _wire(item: p.Answer) -> bytes:
    match item:
        case p.RealTime(byte) | p.Mark(byte):
            return bytes((byte,))
        case p.Model(name):
            return bytes((p.MODEL_HEAD,)) + name.encode("ascii") + bytes((p.MODEL_END,))
        case p.Automatic(data) | p.Noise(data):
            return data


def escpos_commands(data: bytes) -> None:
    taken, rest = b"", data
    while True:
        item, rest = p.take_command(rest)
        if item is None:
            break
        taken += item.data if isinstance(item, p.Print) else item.code + item.arguments
    assert taken + rest == data, "a byte was lost or invented"
    assert not rest or rest[0] in (p.DLE, p.ESC, p.GS), "letters wait for more"


def escpos_exchange(data: bytes) -> None:
    """One question after the other on a line that answers with anything."""
    pieces = Pieces(data)
    line = Line(pieces, framed, PART_MAX_BYTES)
    exchange = Exchange(line.now)
    try:
        while pieces.are_left:
            match pieces.number(5):
                case 0:
                    assert isinstance(line.run(exchange.status()), p.Status)
                case 1:
                    assert line.run(exchange.model()).isprintable()
                case 2:
                    assert line.run(exchange.has_marks()) in (True, False)
                case 3:
                    line.run(exchange.send_marked(b"row\n"))
                case _:
                    are_there = line.run(exchange.wait_for_marks(500))
                    assert are_there == (exchange.marks_owed == 0)
            assert exchange.marks_owed >= 0
    except LinkLost as error:
        check_error(error)


WELL = bytes((p.NOTHING_TOLD,))


def framed(data: bytes) -> bytes:
    """What a printer says that is well, as often as the first byte tells, and then the rest."""
    return WELL * (data[0] % 8) + data[1:]


# --- the driver ---------------------------------------------------------------------------------------------------


class Witness:
    """Stands between driver and line, and says whether what was sent can have come out: it knows no state of the driver."""

    def __init__(self) -> None:
        self._forget()

    def _forget(self) -> None:
        self._has_marks = False
        self._unanswered = 0
        """Parts behind which a mark went out, and no answer to it came since."""
        self._is_well = True
        """Whether the printer has said anything of itself since the last part."""

    def watch(self, program: Program[None]) -> Program[None]:
        answer: Any = None
        while True:
            try:
                step = program.send(answer)
            except StopIteration:
                return
            match step:
                case Send(data) if data.endswith(p.ASK_MARK) and data != p.ASK_MARK:
                    self._has_marks, self._unanswered = True, self._unanswered + 1
                case Send(data) if not p.is_question(data):
                    self._is_well = False
            answer = yield step
            if isinstance(step, Await) and answer is not None:
                self._forget()
            elif isinstance(step, Receive):
                self._unanswered = max(0, self._unanswered - sum(byte & 0x90 == 0 for byte in answer))
                self._is_well |= any(byte & 0x93 == 0x12 for byte in answer)

    @property
    def can_be_printed(self) -> bool:
        return self._unanswered == 0 if self._has_marks else self._is_well


def compose(receipt: Receipt, document: Document) -> Sequence[PaperLine]:
    """Three parts of bytes."""
    rows = (Words(f"строка {number} с какими-то словами о платеже") for number in range(ROWS))
    return [Words(f"Квитанция {document.number}"), *rows, Code(receipt.payment)]


def make_driver() -> EscposDriver:
    return EscposDriver("RUB", lambda: NOON, compose, lambda lines: job(lines, Paper(48, "cp866")))


def escpos_driver(data: bytes) -> None:
    """The whole driver, given receipts at any moment, on a line that answers with anything and then falls silent."""
    pieces = Pieces(data)
    open_payments: list[str] = []

    def command() -> object:
        assert not open_payments, "a payment was left without a word"
        given = pieces.choice(
            None, RegisterReceipt(RECEIPT), SettleReceipt(RECEIPT, "", 0), PrintText(("Касса", "00042")), CloseShift(),
            CountShift(), SetClock(NOON),
        )  # fmt: skip
        if isinstance(given, RegisterReceipt | SettleReceipt):
            open_payments.append(given.receipt.payment)
        return given

    line = Line(pieces, framed, PART_MAX_BYTES, command, SEND_MAX_BYTES)
    witness = Witness()
    for fact in line.run_to_the_end(witness.watch(make_driver().program(line.now))):
        assert isinstance(fact, get_args(RegistrarFact)), fact
        check_fact(fact)
        match fact:
            case DocumentRegistered(payment, document, printed):
                open_payments.remove(payment)
                assert (document.number, document.total) == (1, RECEIPT.total)
                assert witness.can_be_printed or not printed, "it says that it printed what it cannot know of"
            case NotRegistered(payment, certain=certain):
                open_payments.remove(payment)
                assert certain
            case TextPrinted():
                assert witness.can_be_printed


# --- the simulated printer ------------------------------------------------------------------------------------------


def escpos_simulator(data: bytes) -> None:
    """A host of any kind, and hands: the simulated printer goes on, and what is on paper stays there."""
    pieces, now = Pieces(data), 0.0
    simulator = Simulator(
        now, quirks=Quirks(automatic_status=bool(pieces.number(2)), flow_control=bool(pieces.number(2)))
    )
    rows, sheets = 0, 0
    while pieces.are_left:
        match pieces.number(5):
            case 0:
                simulator.receive(pieces.string(), now)
            case 1:
                simulator.receive(pieces.choice(*PARTS) + pieces.string(), now)
            case 2:
                now += pieces.number() / 50
                simulator.advance(now)
            case _:
                said = pieces.string().decode("utf-8", "replace").split()
                try:
                    simulator.obey(said, now)
                except ConsoleError as error:
                    check_error(error)
        truth = simulator.truth
        assert truth.printed_rows >= rows
        assert len(truth.sheets) >= sheets
        rows, sheets = truth.printed_rows, len(truth.sheets)
        assert 0 <= truth.paper_lines <= ROLL_LINES
        assert simulator.state(now)["buffered_bytes"] <= simulator.quirks.buffer_bytes
        wakes_at = simulator.wakes_at()
        assert wakes_at is None or wakes_at <= now + 3600


PARTS = tuple(
    part + p.ASK_MARK
    for part in job(compose(RECEIPT, Document(1, 0, NOON, RECEIPT.total, "", 0)), Paper(48, "cp866"))
)


# --- seeds ----------------------------------------------------------------------------------------------------------


def _talk(**quirks: Any) -> tuple[list[bytes], bytes]:
    """Two receipts, a text, and a receipt of which nobody knows whether it was begun."""
    return overheard(
        Simulator(0.0, quirks=Quirks(**quirks)),
        make_driver().program,
        1200,
        at_1=(1, RegisterReceipt(RECEIPT), None),
        at_2=(3, PrintText(("Касса", "00042")), None),
        at_3=(2, SettleReceipt(RECEIPT, "", 0), None),
        at_5=(1, RegisterReceipt(RECEIPT), None),
    )  # fmt: skip


def _driver_seeds() -> Iterator[bytes]:
    for quirks in (
        {},
        {"has_marks": False},
        {"status_kinds": (1,), "model": ""},
        {"automatic_status": True, "flow_control": True},
    ):
        _, pieces = _talk(**quirks)
        yield from (pieces[:end] for end in (60, 300, 1500))


def _answer_seeds() -> Iterator[bytes]:
    yield b"\x12\x12\x12\x72\x03_KASSA-SIM\0\x14\0\0\0\x11\x13"
    yield b"_" + b"M" * 90 + b"\0"
    yield b"\x10\0\x80\x12"


def _command_seeds() -> Iterator[bytes]:
    yield from PARTS
    yield b"\x1dv0\0\x02\0\x03\0abcdef" + p.ask_status(4) + b"\x1b"
    yield b"\x1dVA\0\x1dV\0\x1b\xffx\n"


def _exchange_seeds() -> Iterator[bytes]:
    well = b"\0" + string(WELL)
    yield (
        b"\0"
        + well * 4
        + b"\1\0"
        + string(b"_KASSA-SIM\0")
        + b"\2\0"
        + string(b"\0")
        + b"\3\4\0"
        + string(b"\0")
    )
    yield b"\0\3\3\3" + b"\4\3" + b"\0\2" + string(b"\4")
    yield b"\0\0" + string(b"\x11\x13\x10\0\0\0\x72\x12") + well * 3


def _simulator_seeds() -> Iterator[bytes]:
    receipt = b"".join(bytes((1, number, 0, 2, 30)) for number in range(len(PARTS)))
    yield b"\0\0" + receipt
    yield (
        b"\1\1\0"
        + string(p.NO_AUTOMATIC_STATUS + p.ask_status(1) + p.ASK_MODEL + p.ASK_MARK)
        + b"\2\xff"
        + receipt
    )
    for said in (
        b"paper out", b"paper left 5", b"cover open", b"fault cutter", b"fault lose 7", b"fault garbage", b"feed press",
        b"power off", b"clear", b"receipt", b"state",
    ):  # fmt: skip
        yield (
            b"\0\1" + b"\1\0\0\2\5" + b"\3" + string(said) + receipt + b"\3" + string(b"power on") + b"\2\xff"
        )


TARGETS = {
    "escpos_answers": Target(escpos_answers, _answer_seeds, size_max_bytes=300),
    "escpos_commands": Target(escpos_commands, _command_seeds, (b"\x1dv0", b"\x1d(k", b"\x1dV"), 1100),
    "escpos_exchange": Target(escpos_exchange, _exchange_seeds, size_max_bytes=1024),
    "escpos_driver": Target(escpos_driver, _driver_seeds, size_max_bytes=TALK_MAX_BYTES // 2),
    "escpos_simulator": Target(escpos_simulator, _simulator_seeds, (b"paper", b"fault", b"power"), 1024),
}
