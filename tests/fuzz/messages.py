"""Lines that other processes send: over the control socket in both directions, and out of the importer."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import threading
from collections.abc import Iterator
from functools import cache
from typing import Any

import msgspec
from counting_clock import CountingClock
from operator_files import place, terminal
from pieces import ERROR_MAX_CHARS, Pieces, Target, check_error

from kassa.control import messages as m
from kassa.control.client import AskRefused, Client, CoreAbsent
from kassa.control.server import Server
from kassa.errors import KassaError
from kassa.importing import ImporterFault, Outcome, read_outcome
from kassa.journal.store import Journal
from kassa.terminal import Devices, Terminal

CLIENT_MAX_S = 5.0


def line_to_server(data: bytes) -> None:
    try:
        message = m.decode_from_client(data)
    except msgspec.MsgspecError as error:
        check_error(error)
        return
    assert m.decode_from_client(m.encode(message)) == message


def line_to_client(data: bytes) -> None:
    try:
        message = m.decode_from_server(data)
    except msgspec.MsgspecError as error:
        check_error(error)
        return
    line = m.encode(message)
    assert line.count(b"\n") == 1
    assert m.encode(m.decode_from_server(line)) == line


def control_server(data: bytes) -> None:
    """Any caller, one that greets first or one that does not: he is answered in messages, and the core goes on."""
    pieces = Pieces(data)
    greeting = m.encode(m.Hello(m.VERSION, "fuzz")) if pieces.number(2) else b""
    answers, faults = core().serve(greeting + pieces.rest())
    assert not faults, f"a caller has stopped the core: {faults}"
    for line in answers.split(b"\n")[:-1]:
        m.decode_from_server(line)
    assert not answers or answers.endswith(b"\n")


class CheckedLog(logging.Handler):
    """A log that nobody reads but for its law: a line stays one line, and of a bearable length."""

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        assert text.isprintable(), text
        assert len(text) < ERROR_MAX_CHARS, text


@contextlib.contextmanager
def checked_log() -> Iterator[None]:
    """Check what Kassa logs, and leave its logger as it was: other tests of this process read theirs."""
    logger, handler = logging.getLogger("kassa"), CheckedLog()
    before = logger.propagate, logger.level
    logger.propagate = False
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.propagate, level = before
        logger.setLevel(level)


class Core:
    """A real terminal and a real server in an event loop of its own; each caller has a socket to it."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._faults: list[str] = []
        self._loop.set_exception_handler(lambda _, context: self._faults.append(repr(context)))
        journal = Journal.open(place().journal, CountingClock())
        devices = Devices(lambda _: None, lambda _: None, lambda: None)
        self._terminal = Terminal(terminal(), place(), journal, CountingClock(), devices)
        self._server = Server(self._terminal, {"status": self._status, "refuse": self._refuse})

    def serve(self, said: bytes) -> tuple[bytes, list[str]]:
        """All that one caller is answered who says this and hangs up, and what the loop's owner would hear."""
        self._faults.clear()
        with checked_log():
            answers = self._loop.run_until_complete(self._serve(said))
        return answers, list(self._faults)

    async def _serve(self, said: bytes) -> bytes:
        ours, theirs = socket.socketpair()
        reader, writer = await asyncio.open_connection(sock=ours, limit=m.LINE_MAX_BYTES)
        served = asyncio.create_task(self._server._serve(reader, writer))
        their_reader, their_writer = await asyncio.open_connection(sock=theirs, limit=m.LINE_MAX_BYTES)
        their_writer.write(said)
        their_writer.write_eof()
        answers = await their_reader.read()
        their_writer.close()
        await asyncio.wait([served])
        await asyncio.sleep(0)
        return answers

    async def _status(self, _values: Any) -> Any:
        return self._terminal.status()

    async def _refuse(self, _values: Any) -> Any:
        raise KassaError("not now")


@cache
def core() -> Core:
    return Core()


def control_client(data: bytes) -> None:
    """Any core, one that says welcome first or one that does not: the command line ends in words."""
    pieces = Pieces(data)
    greeting = m.encode(m.Welcome(m.VERSION, "1.0")) if pieces.number(2) else b""
    path = place().run / "fuzz.sock"
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(1)
        speaker = threading.Thread(target=_speak, args=(listener, greeting + pieces.rest()))
        speaker.start()
        try:
            with Client(path) as client:
                client.ask("status")
        except (AskRefused, CoreAbsent) as error:
            check_error(error)
        finally:
            speaker.join(CLIENT_MAX_S)


def _speak(listener: socket.socket, said: bytes) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.sendall(said)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(4096):
            pass


def importer_outcome(data: bytes) -> None:
    """What the worker says as it ends: its outcome, or a fault in words."""
    pieces = Pieces(data)
    code = pieces.choice(0, 2, 1, 75, -9, -11, 255)
    answer = pieces.rest()
    try:
        outcome = read_outcome(code, answer, answer[:200])
    except ImporterFault as error:
        check_error(error)
        return
    assert code in (0, 2)
    assert outcome.status in ("imported", "refused")
    assert read_outcome(code, msgspec.json.encode(outcome), b"") == outcome


# --- seeds ----------------------------------------------------------------------------------------------------------


def _to_server_seeds() -> Iterator[bytes]:
    yield m.encode(m.Hello(m.VERSION, "ui"))
    yield m.encode(m.Follow(1))
    yield m.encode(m.Intent(2, "enter_account", {"account": "0017742"}))
    yield m.encode(m.Ask(3, "status"))
    yield b'{"type":"ask","id":1,"what":"status","values":{"a":"\\u0041"},"x":[[{}]]}'


def _to_client_seeds() -> Iterator[bytes]:
    yield m.encode(m.Welcome(m.VERSION, "1.0"))
    yield m.encode(m.ViewChanged(core()._terminal.view))
    yield m.encode(m.Done(2, {"a": [1, 2.5, None, True, "x"]}))
    yield m.encode(m.Refused(2, "not_now", "not now"))


def _server_seeds() -> Iterator[bytes]:
    for seed in _to_server_seeds():
        yield b"\1" + seed
        yield b"\0" + seed
    yield b"\1" + b"".join(_to_server_seeds())
    for intent in (
        m.Intent(1, "start", {}), m.Intent(1, "choose_service", {"service": "internet"}),
        m.Intent(1, "set_language", {"language": "en"}), m.Intent(1, "enter_account", {}), m.Intent(1, "finish", {}),
    ):  # fmt: skip
        yield b"\1" + m.encode(m.Follow(9)) + m.encode(intent)


def _client_seeds() -> Iterator[bytes]:
    for seed in _to_client_seeds():
        yield b"\1" + seed
        yield b"\0" + seed


def _outcome_seeds() -> Iterator[bytes]:
    taken = Outcome(
        status="imported", file="base.csv", profile="kassa_csv", accepted=39, accounts=20, total="-350.50"
    )
    refused = Outcome(
        status="refused", file="bad.csv", profile="kassa_csv", refused=1, reason="Файл не принят."
    )
    yield b"\0" + msgspec.json.encode(taken) + b"\n"
    yield b"\1" + msgspec.json.encode(refused) + b"\n"
    yield b"\2Traceback\nMemoryError"
    yield b"\3no room"


JSON_WORDS = (
    b'{"type":"', b'"hello"', b'"intent"', b'"ask"', b'"follow"', b'"welcome"', b'"view"', b'"done"', b'"refused"',
    b'"id":', b'"values":{', b'"data":', b"null", b"true", b"[[[[", b"]]]]", b"\\ud800", b"1e999", b"-0", b"\n",
)  # fmt: skip
TARGETS = {
    "line_to_server": Target(line_to_server, _to_server_seeds, JSON_WORDS),
    "line_to_client": Target(line_to_client, _to_client_seeds, JSON_WORDS, 8192),
    "control_server": Target(control_server, _server_seeds, JSON_WORDS),
    "control_client": Target(control_client, _client_seeds, JSON_WORDS, 8192),
    "importer_outcome": Target(importer_outcome, _outcome_seeds, JSON_WORDS),
}
