"""The calling end of the control socket, for the command line: plain, blocking, one question at a time."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from kassa.control.address import reachable
from kassa.control.messages import (
    LINE_MAX_BYTES,
    VERSION,
    Ask,
    Done,
    Follow,
    Hello,
    Intent,
    Refused,
    ToClient,
    ToServer,
    ViewChanged,
    Welcome,
    decode_from_server,
    encode,
)
from kassa.errors import KassaError
from kassa.rules.view import View
from kassa.untrusted import printable

ANSWER_MAX_S = 120.0
"""A Z-report and a copy of a long journal take their time; nothing takes longer."""


HELLO_MAX_S = 10.0
"""A core that lives says welcome at once; one that does not is stopped or stuck."""
NOT_A_MESSAGE = 0
"""The number in a refusal of what could not be read."""


class CoreAbsent(KassaError):
    """No core listens at the control socket."""


class AskRefused(KassaError):
    """The core said no; `code` is for machines."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(printable(message) or f"the core refuses and does not say why ({printable(code)})")
        self.code = code


class Client:
    """A connection to the running core. Raises CoreAbsent when there is none, AskRefused when it is not for us."""

    def __init__(self, path: Path, name: str = "cli") -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(HELLO_MAX_S)
        try:
            with reachable(path) as address:
                self._socket.connect(address)
        except PermissionError as error:
            self._socket.close()
            raise AskRefused(
                "turned_away", f"{path} is closed to this user; call as the user that runs the terminal"
            ) from error
        except OSError as error:
            self._socket.close()
            raise CoreAbsent(
                f"no core answers at {path}; start it with: kassa --home {path.parent.parent} run"
            ) from error
        self._lines = self._socket.makefile("rb")
        self._next_id = 1
        try:
            self._greet(name)
        except BaseException:
            self.close()
            raise
        self._socket.settimeout(ANSWER_MAX_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Hang up."""
        self._lines.close()
        self._socket.close()

    def ask(self, what: str, /, **values: str) -> Any:
        """Put a staff question or order; its data. Raises AskRefused with the core's reason."""
        return self._answer(Ask(self._take_id(), what, values))

    def intend(self, name: str, /, **values: str) -> None:
        """Send what a touch would send. Raises AskRefused with the core's reason."""
        self._answer(Intent(self._take_id(), name, values))

    def views(self) -> Iterator[View]:
        """The view now and whenever it changes; blocks in between, for ever if need be."""
        self._send(Follow(self._take_id()))
        self._socket.settimeout(None)
        while True:
            message = self._receive()
            if isinstance(message, ViewChanged):
                yield message.view

    def view(self) -> View:
        """The view now."""
        return next(self.views())

    def _greet(self, name: str) -> None:
        with suppress(CoreAbsent):  # whoever turns us away may have said why before he hung up
            self._send(Hello(VERSION, name))
        welcome = self._receive()
        if isinstance(welcome, Refused):
            raise AskRefused(welcome.code, welcome.message)
        if not isinstance(welcome, Welcome):
            raise CoreAbsent(f"whoever listens there speaks otherwise: {type(welcome).__name__}")

    def _take_id(self) -> int:
        self._next_id += 1
        return self._next_id

    def _answer(self, question: Ask | Intent) -> Any:
        self._send(question)
        while True:
            match self._receive():
                case Done(id=number, data=data) if number == question.id:
                    return data
                case Refused(id=number, code=code, message=message) if number in (question.id, NOT_A_MESSAGE):
                    raise AskRefused(code, message)
                case _:
                    continue

    def _send(self, message: ToServer) -> None:
        try:
            self._socket.sendall(encode(message))
        except OSError as error:
            raise CoreAbsent("the core hung up; see its log") from error

    def _receive(self) -> ToClient:
        try:
            line = self._lines.readline(LINE_MAX_BYTES)
        except OSError as error:
            raise CoreAbsent("the core did not answer in time; see its log") from error
        if not line.endswith(b"\n"):
            raise CoreAbsent("the core hung up; see its log")
        try:
            return decode_from_server(line)
        except msgspec.MsgspecError as error:
            raise CoreAbsent(f"the core speaks another version: {error}") from error
