"""Tasks by ATOL's library, which lives in a process of its own behind a link of lines.

The library remembers nothing of a task whose result was lost, so there the fiscal drive's archive is all the evidence.

Source: the vendor's driver 10 (`processJson`); the times are our own choice.
"""

from __future__ import annotations

from typing import TypeVar

from msgspec import Raw

from devices.atol import errors
from devices.atol.exchange import Intent, Meanwhile, Unavailable
from devices.atol.lines import LINE_MAX_BYTES, Answered, BadLine, Said, Settings, line, read_answered, take
from devices.atol.tasks import Made, Refused, Task
from devices.link import LinkLost
from devices.steps import Program, Time, receive, send
from kassa.untrusted import printable

T = TypeVar("T")

OPEN_MAX_S = 60.0
"""The library tries several ways to find a device; loading it takes a second by itself."""
TASK_MAX_S = 120.0
"""A receipt takes three seconds, a Z-report of a full day and a device that comes back within a task much longer."""
WAIT_MS = 1000
"""The core is told in between that the task takes its time."""
TOLD_AFTER_S = 3.0


class LibraryExchange:
    """Implements `devices.atol.exchange.Exchange`."""

    def __init__(self, now: Time, settings: Settings) -> None:
        self._now, self._settings = now, settings
        self._number, self._buffer, self._is_open = 0, b"", False

    def open(self) -> Program[None]:
        """Let the library open its port. Raises Refused."""
        answer = yield from self._say(Said(self._next(), open=self._settings), OPEN_MAX_S, None)
        if answer.error is not None:
            raise Refused(answer.error.code, answer.error.description)
        self._is_open = True

    def ask(self, task: Task[T], meanwhile: Meanwhile | None = None) -> Program[T]:
        """Run a task; a port that the library has lost is opened again first."""
        if not self._is_open:
            yield from self.open()
        answer = yield from self._say(Said(self._next(), task=Raw(task.body)), TASK_MAX_S, meanwhile)
        if answer.error is not None:
            self._is_open = answer.error.code not in errors.LINK_ERRORS
            raise Refused(answer.error.code, answer.error.description)
        return task.read(bytes(answer.result))

    def prepare(self, intent: Intent) -> Program[str]:
        """It has no name: the library forgets it at once."""
        return ""
        yield

    def register(self, name: str, task: Task[Made], meanwhile: Meanwhile) -> Program[Made]:
        """Run the receipt's task. Raises Unavailable where the library lost the device within it."""
        try:
            return (yield from self.ask(task, meanwhile))
        except Refused as error:
            if error.code in errors.LINK_ERRORS:
                raise Unavailable(str(error)) from error
            raise

    def recall(self, intent: Intent) -> Program[Made | None]:
        """Nothing is known. While a task runs the library does nothing else, so whatever was begun is over."""
        return None
        yield

    def _next(self) -> int:
        self._number += 1
        return self._number

    def _say(self, said: Said, seconds: float, meanwhile: Meanwhile | None) -> Program[Answered]:
        yield from send(line(said))
        began = self._now()
        while (waited_s := self._now() - began) < seconds:
            text, self._buffer = take(self._buffer)
            if text is None:
                self._buffer += yield from receive(WAIT_MS)
                if len(self._buffer) > LINE_MAX_BYTES:
                    raise LinkLost(
                        "the library's process does not end its line; check the path in registrar.library"
                    )
                if meanwhile is not None and waited_s >= TOLD_AFTER_S:
                    yield from meanwhile("the registrar's library is at work")
                continue
            try:
                answer = read_answered(text)
            except BadLine as error:
                raise LinkLost(
                    f"{error}; it said {printable(text[:80].decode('utf-8', 'replace'))}"
                ) from error
            if answer.id == said.id:
                return answer
        raise LinkLost(
            f"the registrar's library gave no answer within {seconds:.0f} s; check power and cable"
        )
