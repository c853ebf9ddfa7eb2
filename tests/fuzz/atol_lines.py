"""Bytes around an ATOL registrar: from its web server, from its library's process, and to both from any host."""

from __future__ import annotations

import io
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC
from functools import partial
from pathlib import Path
from typing import Any, get_args
from uuid import UUID

import h11
import msgspec
from device_lines import NOON, PLACE, TALK_MAX_BYTES, Line, check_fact, overheard
from pieces import PIECE_MAX_BYTES, Pieces, Target, check_error, string
from receipts import DRIVE, receipt_of
from registrar_units import AtolWeb
from registrars import Rig

from devices.atol import http, lines, problems, tasks, words
from devices.atol.driver import AtolDriver
from devices.atol.exchange import Exchange, Intent, Pending, Unavailable
from devices.atol.library import serve
from devices.atol.lines import BadLine, Said, Settings
from devices.atol.machine import Machine
from devices.atol.piped import LibraryExchange
from devices.atol.simulator import SimulatedLibrary, WebQuirks, WebServer
from devices.atol.tasks import BadAnswer, Ffd, Refused, Task
from devices.atol.web import NEW, OLD, State, WebExchange
from devices.console import ConsoleError
from devices.link import LinkLost
from devices.steps import Time
from kassa.flight.ring import Kind
from kassa.money import MINOR_MAX
from kassa.ports import (
    CloseShift,
    Correction,
    CountShift,
    DocumentRegistered,
    NotRegistered,
    PrintText,
    PrintXReport,
    RegisterReceipt,
    RegistrarFact,
    RegistrationStarting,
    SetClock,
    SettleReceipt,
)
from kassa.untrusted import read_json

HOST = "127.0.0.1:16732"
USER, SECRET = "kassa", "secret"
PAYMENT = "00042-0000000001"
RECEIPT = receipt_of(PAYMENT, 650, "Аванс")
CORRECTION = replace(RECEIPT, correction=Correction(NOON.date(), "1"), place=PLACE)
SEND_MAX_BYTES = tasks.TASK_MAX_BYTES + 2048
"""A task and what is around it."""

END_S = 3600.0
"""So long after everything is mended no payment is left without its document."""
TASKS: tuple[Task[Any], ...] = (
    tasks.device_status(), tasks.device_info(), tasks.shift_status(), tasks.shift_totals(), tasks.fn_info(),
    tasks.fn_status(), tasks.ofd_exchange_status(), tasks.fn_document(3), tasks.open_shift(), tasks.close_shift(),
    tasks.x_report(), tasks.continue_print(), tasks.print_fn_document(3), tasks.set_date_time(NOON),
    tasks.non_fiscal(("Касса", "00042")), tasks.receipt(RECEIPT, Ffd.V1_2), tasks.receipt(CORRECTION, Ffd.V1_1),
    tasks.receipt(CORRECTION, Ffd.V1_05),
)  # fmt: skip


# --- results ------------------------------------------------------------------------------------------------------


def atol_results(data: bytes) -> None:
    """Any JSON as the result of any task: a value that can be counted with, or words."""
    pieces = Pieces(data)
    task, result = pieces.choice(*TASKS), pieces.rest()
    try:
        found = task.read(result)
        judged(found)
    except BadAnswer as error:
        check_error(error)


def judged(found: object) -> None:
    """What the driver makes of a result. Raises BadAnswer."""
    drive, status, ofd = tasks.FnInfo(DRIVE), tasks.DeviceStatus(), tasks.OfdStatus()
    match found:
        case tasks.Made():
            document = found.document("RUB", UTC)
            check_fact(document)
            assert isinstance(found.is_printed, bool)
        case tasks.FoundDocument(number=number, sign=sign, total=total):
            assert number >= 0
            assert 0 <= sign < 1 << 32
            assert total is None or abs(total) <= MINOR_MAX
            check_fact(tasks.moment(found.at, UTC))
        case tasks.DeviceStatus():
            status = found
        case tasks.FnInfo():
            drive = found
        case tasks.OfdStatus():
            ofd = found
        case tasks.ShiftTotals(receipts):
            for counter in receipts.values():
                assert abs(tasks.minor_of(counter.sum, "RUB")) <= MINOR_MAX
    now = tasks.wall_time(status.current_date_time) or NOON.replace(tzinfo=None)
    check_fact(tuple(problems.notices(drive, now)))
    check_fact(problems.of_printer(status))
    check_fact(problems.of_drive(status, drive, ofd, now))


def atol_states(data: bytes) -> None:
    """What a web server says became of a request, in the shapes of both generations."""
    try:
        state = read_json(msgspec.json.Decoder(State), data)
    except msgspec.MsgspecError:
        return
    if (refusal := state.refusal) is not None:
        check_error(refusal)
        check_fact(problems.of_error(refusal))
        assert isinstance(problems.is_lasting(refusal) or problems.is_passing(refusal), bool)
    assert state.status or not state.is_over


def atol_secrets(data: bytes) -> None:
    """Whatever is asked by whomever: of what is kept, all is as it was sent, but for user, secret and passwords."""
    pieces = Pieces(data)
    user, secret = pieces.string().hex(), f"hush-{pieces.string().hex()}"
    body = pieces.rest()
    method = "POST" if body else "GET"
    sent = http.request(method, HOST, NEW, user, secret, body)
    kept = http.without_secret(sent)
    call, rest = words.take(kept)
    assert call == words.Call(method, NEW, body)
    assert rest == b""
    assert http.without_secret(kept) == kept
    assert kept.count(b"Authorization: -\r\n") == 1 + body.count(b"Authorization: -\r\n")
    opened = lines.line(Said(1, open=Settings("2", ip=user, user_password=secret, access_password=secret)))
    kept = lines.without_secret(opened)
    assert kept == opened.replace(json.dumps(secret).encode(), b'"***"')
    said = words.say(words.Line(kept[:-1]), Kind.SENT, None)
    assert said == "OPEN port 2, model 500"


# --- the way to the device --------------------------------------------------------------------------------------


STATUSES = (200, 201, 404, 409, 401, 403, 400, 500, 503)
STATES = ("ready", "wait", "inProgress", "blocked", "error", "interrupted", "canceled")


def http_answer(data: bytes) -> bytes:
    """Well wrapped, in a shape that the first byte tells: as it is, as a request's result, or as what became of one."""
    kind, rest = data[0], data[1:]
    match kind % 3:
        case 0:
            return http_wrapped(STATUSES[kind // 3 % len(STATUSES)], rest)
        case 1:
            return http_wrapped(200, b'{"results":[{"status":"ready","result":%b}]}' % (rest or b"null"))
        case _:
            state, code = STATES[kind // 3 % len(STATES)], int.from_bytes(rest[:2])
            return http_wrapped(
                200, b'{"results":[{"status":"%b","error":{"code":%d}}]}' % (state.encode(), code)
            )


def http_wrapped(status: int, body: bytes) -> bytes:
    return b"HTTP/1.1 %d OK\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body)


def library_answer(line: Line, data: bytes) -> bytes:
    """The line that answers what was said last, with a result or the code of an error."""
    said = lines.read_said(line.sent) if line.sent else Said(0)
    kind, rest = data[0], data[1:]
    if kind % 2:
        return b'{"id":%d,"error":{"code":%d}}\n' % (said.id, int.from_bytes(rest[:2]))
    return b'{"id":%d,"result":%b}\n' % (said.id, rest.replace(b"\n", b" ") or b"null")


def web_exchange(now: Time) -> Exchange:
    chance = random.Random(7)
    return WebExchange(now, HOST, USER, SECRET, lambda: UUID(int=chance.getrandbits(128)))


def library_exchange(now: Time) -> Exchange:
    return LibraryExchange(now, Settings("1", user_password=SECRET))


def web_line(pieces: Pieces, command: Callable[[], object] = lambda: None) -> Line:
    return Line(pieces, http_answer, PIECE_MAX_BYTES, command, SEND_MAX_BYTES)


def library_line(pieces: Pieces, command: Callable[[], object] = lambda: None) -> Line:
    line: Line
    line = Line(pieces, lambda data: library_answer(line, data), PIECE_MAX_BYTES, command, SEND_MAX_BYTES)
    return line


def answers(
    data: bytes, make_line: Callable[[Pieces], Line], make_exchange: Callable[[Time], Exchange]
) -> None:
    """One thing after the other is asked of whoever answers with anything: a value of its kind, or an error of ours."""
    pieces = Pieces(data)
    line = make_line(pieces)
    exchange = make_exchange(line.now)
    intent = Intent(PAYMENT, DRIVE, 7)
    while pieces.are_left:
        try:
            match pieces.number(5):
                case 0:
                    line.run(exchange.open())
                case 1:
                    line.run(exchange.ask(pieces.choice(*TASKS)))
                case 2:
                    assert isinstance(line.run(exchange.prepare(intent)), str)
                case 3:
                    task = tasks.receipt(RECEIPT, Ffd.V1_2)
                    made = line.run(exchange.register(PAYMENT, task, lambda _: iter(())))  # type: ignore[arg-type,return-value]
                    assert isinstance(made, tasks.Made)
                case _:
                    made = line.run(exchange.recall(intent))
                    assert made is None or isinstance(made, tasks.Made)
        except (LinkLost, Refused, Unavailable, Pending, BadAnswer) as error:
            check_error(error)


def atol_web_answers(data: bytes) -> None:
    answers(data, web_line, web_exchange)


def atol_library_answers(data: bytes) -> None:
    answers(data, library_line, library_exchange)


# --- the driver ---------------------------------------------------------------------------------------------------


def drive(
    data: bytes,
    make_line: Callable[[Pieces, Callable[[], object]], Line],
    make_exchange: Callable[[Time], Exchange],
) -> None:
    """The whole driver, given receipts at any moment, by whoever answers with anything and then falls silent.

    Who lies in the driver's own language is believed; what he says can be written down all the same.
    """
    pieces = Pieces(data)
    open_payments: list[str] = []

    def command() -> object:
        assert not open_payments, "a payment was left without a word"
        given = pieces.choice(
            None, RegisterReceipt(RECEIPT), SettleReceipt(RECEIPT, DRIVE, 2), CloseShift(), PrintXReport(), CountShift(),
            SetClock(NOON), PrintText(("Касса", "00042")), RegisterReceipt(CORRECTION), SettleReceipt(CORRECTION, DRIVE, 3),
        )  # fmt: skip
        if isinstance(given, RegisterReceipt | SettleReceipt):
            open_payments.append(given.receipt.payment)
        return given

    line = make_line(pieces, command)
    driver = AtolDriver(make_exchange, "RUB", lambda: NOON)
    for fact in line.run_to_the_end(driver.program(line.now)):
        assert isinstance(fact, get_args(RegistrarFact)), fact
        check_fact(fact)
        match fact:
            case DocumentRegistered(payment, document):
                open_payments.remove(payment)
                assert document.total == RECEIPT.total
                assert document.number > 0
            case NotRegistered(payment):
                open_payments.remove(payment)
            case RegistrationStarting(payment):
                assert payment in open_payments


def atol_web_driver(data: bytes) -> None:
    drive(data, web_line, web_exchange)


def atol_library_driver(data: bytes) -> None:
    drive(data, library_line, library_exchange)


# --- the core and a true registrar ------------------------------------------------------------------------------------


class Storm:
    """A core with the real fiscal queue, its driver, and a registrar that nobody lies about; in between goes wrong what can."""

    def __init__(self, pieces: Pieces) -> None:
        self._pieces = pieces
        self._rig = Rig(AtolWeb)
        self._rig.wait_ready()

    def step(self) -> None:
        rig, machine, quirks = self._rig, self._rig.unit.machine, self._rig.unit.server.quirks
        now = rig.time.time()
        match self._pieces.number(14):
            case 0 | 1:
                rig.pay(self._pieces.choice(100, 650))
            case 2 | 3 | 4:
                rig.time.run_for(self._pieces.number() / 32)
            case 5:
                quirks.garbage = self._pieces.string()
            case 6:
                quirks.answers.append(self._pieces.choice(200, 400, 404, 409, 500, 503))
            case 7:
                quirks.lost_answers += 1
            case 8:
                quirks.lost_requests += 1
            case 9:
                rig.unit.server.restart(now, keeps_base=bool(self._pieces.number(2)))
            case 10:
                rig.unit.do(self._pieces.choice("cut_power", "restore_power", "pull_cable", "plug_cable"))
            case 11:
                rig.unit.do(
                    self._pieces.choice("take_paper_out", "put_paper_in", "open_cover", "close_cover")
                )
            case 12:
                rig.kill_host()
                rig.time.run_for(self._pieces.number() / 32)
                rig.start_host()
            case _:
                kind = self._pieces.choice(
                    "sell", "openShift", "getFnDocument", "getFnStatus", "getDeviceStatus"
                )
                machine.quirks.refusals.setdefault(kind, []).append(
                    self._pieces.choice(44, 46, 55, 115, 144, 241)
                )
        self.check()

    def end(self) -> None:
        """All is mended, and time passes."""
        machine, now = self._rig.unit.machine, self._rig.time.time()
        self._rig.unit.do("restore_power")
        self._rig.unit.do("plug_cable")
        machine.clear(now)
        self._rig.unit.server.quirks = WebQuirks()
        core = self._rig.core
        self._rig.time.run_until(lambda: set(core.asked) == set(core.documents) | core.queue.in_doubt, END_S)
        self.check()

    def check(self) -> None:
        """Each document that was told lies in the drive, is the payment's, and no payment has two."""
        kept = {one.number: one for one in self._rig.receipts}
        payments = [one.payment for one in kept.values()]
        assert len(set(payments)) == len(payments), "a payment has two documents"
        for payment, told in self._rig.core.documents.items():
            one = kept[told.number]
            assert (one.payment, one.sum, one.sign) == (payment, told.total, told.sign), "another document"


def atol_storm(data: bytes) -> None:
    pieces = Pieces(data)
    storm = Storm(pieces)
    while pieces.are_left:
        storm.step()
    storm.end()


# --- the simulated server and the library's process -----------------------------------------------------------------


def request_of(pieces: Pieces, number: int) -> bytes:
    """A task that may have been changed, in a request that is well wrapped."""
    task, keep, change = pieces.choice(*TASKS).body, pieces.number(), pieces.string()
    if change:
        at = keep * len(task) // 256
        task = task[:at] + change + task[at + len(change) :]
    body = b'{"uuid":"%d","request":[%b]}' % (number, task)
    return http.request("POST", HOST, pieces.choice(NEW, OLD), USER, SECRET, body)


def atol_server(data: bytes) -> None:
    """Hosts of any kind, and hands: the simulated server answers in HTTP or hangs up, and no document is lost or changed."""
    pieces, now = Pieces(data), 0.0
    machine = Machine(now)
    server = WebServer(machine)
    call, asked, documents = server.connect(), 0, []
    while pieces.are_left:
        match pieces.number(6):
            case 0:
                check_http(call.receive(pieces.string(), now))
                if call.is_over:
                    call = server.connect()
            case 1:
                check_http(server.connect().receive(request_of(pieces, asked), now))
                asked += 1
            case 2:
                name = str(pieces.number())
                check_http(
                    server.connect().receive(http.request("GET", HOST, f"{NEW}/{name}", USER, SECRET), now)
                )
            case 3:
                now += pieces.number() / 50
                server.advance(now)
            case _:
                obey(server, pieces.string(), now)
        documents = check_books(machine, documents)
        wakes_at = server.wakes_at()
        assert wakes_at is None or wakes_at <= now + 7200


def obey(server: WebServer, line: bytes, now: float) -> None:
    """One console line, as devices.console takes it off stdin."""
    said = line.decode("utf-8", "replace").split()
    if said:
        try:
            server.obey(said, now)
        except ConsoleError as error:
            check_error(error)


def check_http(data: bytes) -> None:
    """A whole answer, as any client reads it, or none."""
    client = h11.Connection(h11.CLIENT)
    client.receive_data(data)
    while data:
        client.send(h11.Request(method="GET", target="/", headers=[(b"Host", b"-")]))
        client.send(h11.EndOfMessage())
        body = b""
        while not isinstance(event := client.next_event(), h11.EndOfMessage):
            assert event is not h11.NEED_DATA, "an answer without its end"
            body += event.data if isinstance(event, h11.Data) else b""
        msgspec.json.decode(body)
        if client.trailing_data[0] == b"":
            return
        client.start_next_cycle()


def check_books(machine: Machine, known: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """All documents of all drives: numbered without a gap, and none that was known is gone or changed."""
    drives = [*machine.truth.former_drives, machine.truth.drive]
    for one in drives:
        assert [record.number for record in one.documents] == list(range(1, one.last + 1))
        assert all(0 <= record.sum <= MINOR_MAX for record in one.documents)
    kept = [
        (record.number, record.kind, record.sign, record.sum) for one in drives for record in one.documents
    ]
    assert kept[: len(known)] == known
    return kept


WRAPPER = Path(__file__).with_name("libfptr10.py")


def atol_process(data: bytes) -> None:
    """Lines of any core, or none: the library's process answers each with its number, or ends in words."""
    heard, said = io.BytesIO(data), io.BytesIO()
    try:
        serve(WRAPPER, heard, said)
    except BadLine as error:
        check_error(error)
    asked = [line for line in data.split(b"\n") if line]
    told = said.getvalue().splitlines()
    assert len(told) <= len(asked)
    for line, answer in zip(asked, told, strict=False):
        assert lines.read_answered(answer).id == lines.read_said(line).id


# --- seeds ----------------------------------------------------------------------------------------------------------


class Calls:
    """A web server at the end of a wire in memory: each write is a call of its own, as over `devices.link.CallLink`."""

    def __init__(self, server: WebServer) -> None:
        self._server = server
        self.advance, self.wakes_at = server.advance, server.wakes_at

    def receive(self, data: bytes, now: float) -> bytes:
        return self._server.connect().receive(data, now)


def web_talk() -> bytes:
    return talk(Calls(WebServer(Machine(wall=NOON))), web_exchange, web_said)


def library_talk() -> bytes:
    return talk(SimulatedLibrary(Machine(wall=NOON)), library_exchange, library_said)


def talk(
    device: Calls | SimulatedLibrary,
    make_exchange: Callable[[Time], Exchange],
    said: Callable[[bytes], bytes],
) -> bytes:
    """A receipt, the question what became of it, and each report."""
    program = AtolDriver(make_exchange, "RUB", lambda: NOON).program
    _, pieces = overheard(
        device, program, 2000, said,
        at_1=(1, RegisterReceipt(RECEIPT), None), at_2=(2, SettleReceipt(RECEIPT, DRIVE, 2), None),
        at_3=(5, CountShift(), None), at_4=(4, PrintXReport(), None), at_5=(7, PrintText(("Касса",)), None),
        at_6=(3, CloseShift(), None), at_7=(6, SetClock(NOON), None),
    )  # fmt: skip
    return pieces


def web_said(answer: bytes) -> bytes:
    """What `http_answer` wraps like this answer."""
    head, _, body = answer.partition(b"\r\n\r\n")
    status, told = int(head.split()[1]), msgspec.json.decode(body)
    if not told.get("results"):
        return bytes((3 * STATUSES.index(status),)) + b"{}"
    [state] = told["results"]
    if state["status"] == "ready":
        return b"\1" + pruned(state["result"])
    return bytes((2 + 3 * STATES.index(state["status"]),)) + state["error"]["code"].to_bytes(2)


def library_said(answer: bytes) -> bytes:
    told = lines.read_answered(answer)
    if told.error is not None:
        return b"\1" + told.error.code.to_bytes(2)
    return b"\0" + pruned(msgspec.json.decode(told.result))


UNREAD = frozenset({
    "registrationNumber", "fnsUrl", "fiscalReceiptNumber", "cashDrawerOpened", "model", "receiptLineLength", "buy",
    "fnFfdVersion", "payments", "errors", "notSentFirstDocNumber", "1031", "1041", "1055", "1043", "1079", "1199", "1212", "1214",
})  # fmt: skip
"""Fields that our driver does not read: without them an answer is short enough for `string`."""


def pruned(result: Any) -> bytes:
    return msgspec.json.encode(_pruned(result))


def _pruned(value: Any) -> Any:
    if isinstance(value, list):
        return [_pruned(one) for one in value]
    if isinstance(value, dict):
        return {name: _pruned(inner) for name, inner in value.items() if name not in UNREAD}
    return value


def cut(talk: Callable[[], bytes]) -> Iterator[bytes]:
    pieces = talk()
    yield from (pieces[:end] for end in (60, 400, 1500, 4000, TALK_MAX_BYTES))


def results() -> Iterator[tuple[int, bytes]]:
    """What a machine with a receipt in its drive answers to each task."""
    for number, task in enumerate(TASKS):
        machine = Machine(wall=NOON)
        for at, one in ((0.0, TASKS[15]), (60.0, task)):
            machine.start(one.body, at)
            machine.advance(at + 60.0)
        assert machine.outcome is not None
        yield number, pruned(machine.outcome.result)


def _result_seeds() -> Iterator[bytes]:
    yield from (bytes((number,)) + result for number, result in results())


def _state_seeds() -> Iterator[bytes]:
    yield b'{"status":"ready","errorCode":0,"errorDescription":"","result":{"fnStatus":{"fiscalDocumentNumber":3}}}'
    yield b'{"status":"error","error":{"code":44,"description":"\xd0\x9d\xd0\xb5\xd1\x82 \xd0\xb1\xd1\x83\xd0\xbc\xd0\xb0\xd0\xb3\xd0\xb8"}}'
    yield b'{"status":"inProgress","result":null}'


def _secret_seeds() -> Iterator[bytes]:
    yield string(b"kassa") + string(b"swordfish") + b'{"uuid":"1","request":[{"type":"getFnStatus"}]}'
    yield string(b"") + string(b"") + b""
    yield string(b"x") + string(b"y") + b"\r\nAuthorization: Basic a2Fzc2E6aHVzaA==\r\n\r\n"


def _web_answer_seeds() -> Iterator[bytes]:
    accepted = b"\2" + string(bytes((3,)) + b"{}")
    for number, result in results():
        yield bytes((1, number)) + accepted + b"\2" + string((b"\1" + result)[:PIECE_MAX_BYTES])
    raw = http_wrapped(201, b'{"uuid":"1","number":1,"isBlocked":false,"blockedUUID":null}')
    yield b"\0\0" + string(raw[:30]) + b"\0" + string(raw[30:][:PIECE_MAX_BYTES])
    for operation in (2, 3, 4):
        yield (
            bytes((operation,))
            + accepted
            + b"\2"
            + string((b"\1" + dict(results())[15])[:PIECE_MAX_BYTES])
            + accepted
        )
        yield bytes((operation,)) + b"\2" + string(b"\6") + accepted + b"\2" + string(b"\5\0\0")


def _library_answer_seeds() -> Iterator[bytes]:
    opened = b"\0\2" + string(b"\0null")
    for number, result in results():
        yield opened + bytes((1, number)) + b"\2" + string((b"\0" + result)[:PIECE_MAX_BYTES])
    yield opened + b"\3\2" + string(b"\1\0\2") + opened
    yield b"\0\0" + string(b'{"id":0}\n{"id":7,"result":{}}\n{"id":') + b"\0" + string(b"1}\n")


def _storm_seeds() -> Iterator[bytes]:
    for trouble in (
        b"\5\4HTTP", b"\5\x0cHTTP/1.1 200", b"\6\1", b"\7", b"\x08", b"\x09\0", b"\x09\1", b"\x0a\0\2\xff\x0a\1",
        b"\x0a\2\2\xff\x0a\3", b"\x0b\0\2\xff\x0b\1", b"\x0c\x10", b"\x0d\0\0",
    ):  # fmt: skip
        for early in (b"", b"\2\x10"):
            yield b"\0\1" + early + trouble + b"\2\x60\0\0\2\xff"


def _server_seeds() -> Iterator[bytes]:
    for number in range(len(TASKS)):
        yield bytes((1, 15, 0, 0, 0, 3, 50, 1, number, 0, 0, 1, 3, 50, 2, 0, 2, 1))
        yield bytes((1, number, 120)) + string(b'":[],"') + b"\0\3\xff\2\0"
    raw = http.request("POST", HOST, NEW, USER, SECRET, b'{"uuid":"9","request":[' + TASKS[0].body + b"]}")
    yield b"\0" + string(raw[:150]) + b"\0" + string(raw[150:][:PIECE_MAX_BYTES]) + b"\3\x10\2\x09"
    for said in (
        b"cable out", b"paper left 3", b"fault refuse sell 44", b"clock 25", b"restart lose", b"elsewhere 7", b"answer 503",
        b"drive 9999078900001235", b"receipt", b"power off",
    ):  # fmt: skip
        yield b"\1\x0f\0\0\0\3\x10" + b"\4" + string(said[:PIECE_MAX_BYTES]) + b"\3\x30\1\x0f\0\0\0\3\xff\2\1"


def _process_seeds() -> Iterator[bytes]:
    opened = lines.line(Said(1, open=Settings("1", user_password="hush")))
    said = [lines.line(Said(number, task=msgspec.Raw(task.body))) for number, task in enumerate(TASKS, 2)]
    yield opened + b"".join(said)
    yield from (opened + one for one in said)
    yield opened + b'{"id":2}\n'
    yield said[0][:-1]


JSON = (
    b'"fiscalParams"', b'"fiscalDocumentNumber"', b'"fiscalDocumentDateTime"', b'"fiscalDocumentSign"', b'"fnNumber"',
    b'"documentTLV"', b'"1084"', b'"1085"', b'"1086"', b'"receipt"', b"0001-01-01T00:00:00", b"9999-12-31T23:59:59+00:00",
    b"1e999", b"null", b'"results"', b"true", b"[{}]", b"\\u0000", b"18446744073709551616",
)  # fmt: skip
TARGETS = {
    "atol_results": Target(atol_results, _result_seeds, JSON, 600),
    "atol_states": Target(atol_states, _state_seeds, (b'"status"', b'"error"', b'"errorCode"'), 300),
    "atol_secrets": Target(atol_secrets, _secret_seeds, (b"Authorization: ", b"\r\n\r\n"), 600),
    "atol_web_answers": Target(atol_web_answers, _web_answer_seeds, JSON),
    "atol_library_answers": Target(atol_library_answers, _library_answer_seeds, JSON),
    "atol_web_driver": Target(atol_web_driver, partial(cut, web_talk), JSON, TALK_MAX_BYTES),
    "atol_library_driver": Target(atol_library_driver, partial(cut, library_talk), JSON, TALK_MAX_BYTES),
    "atol_storm": Target(atol_storm, _storm_seeds, size_max_bytes=64),
    "atol_server": Target(atol_server, _server_seeds, size_max_bytes=1024),
    "atol_process": Target(atol_process, _process_seeds, (b'"task"', b'"open"', b'"id"'), 4096),
}
