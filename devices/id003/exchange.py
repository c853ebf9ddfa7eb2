"""Commands and their answers on the line to one ID-003 validator, from the host's side: one at a time.

Source: JCM, "ID-003 Protocol Specification": echo of settings, verdicts; times and counts of tries are the host's own
choice.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from devices.id003 import protocol as p
from devices.id003.protocol import Frame
from devices.link import LinkLost
from devices.steps import Program, Time, flush, send
from devices.validator.dialect import Outcome
from devices.validator.listening import ECHO, Listener

ANSWER_MS = 400
"""To the last byte; documented are some tens of ms, a table takes 80 ms at 9600 baud."""
LONG_ANSWER_MS = 1000
"""While it tests itself, and before it has said anything."""
TRIES_MAX = 3
"""How often a harmless command is sent, and any command of which the device says that it arrived damaged."""


class Exchange:
    """The line during one life of the link."""

    def __init__(self, now: Time) -> None:
        self._listener = Listener(now)

    def ask(
        self, command: bytes, is_answer: Callable[[bytes], bool], timeout_ms: int, tries: int = TRIES_MAX
    ) -> Program[bytes | None]:
        """The answer to a request or setting, INVALID_COMMAND when it is refused; None when none came.

        Raises LinkLost when nothing valid came for too long.
        """

        def is_end(body: bytes) -> bool:
            return body in (p.INVALID_COMMAND, p.COMMUNICATION_ERROR) or is_answer(body)

        for _ in range(tries):
            body = yield from self._converse(command, is_end, timeout_ms)
            if body is not None and body != p.COMMUNICATION_ERROR:
                return body
        return None

    def order(self, command: bytes) -> Program[Outcome]:
        """Send a command that moves something: again only when the device says that it could not read it."""
        for _ in range(TRIES_MAX):
            body = yield from self._converse(command, _is_verdict, ANSWER_MS)
            if body == p.ACK:
                return Outcome.ACCEPTED
            if body == p.INVALID_COMMAND:
                return Outcome.REFUSED
            if body is None:
                break
        return Outcome.UNKNOWN

    def acknowledge(self) -> Program[None]:
        """VEND_VALID has arrived; this is never answered."""
        yield from send(p.encode(p.ACK))

    def _converse(
        self, command: bytes, is_answer: Callable[[bytes], bool], timeout_ms: int
    ) -> Program[bytes | None]:
        yield from flush()
        yield from send(p.encode(command))
        body, _ = yield from self._listener.collect(partial(_fitting, is_answer=is_answer), timeout_ms)
        self._listener.watch_silence(body is not None)
        return body


def _fitting(buffer: bytes, is_answer: Callable[[bytes], bool]) -> tuple[list[bytes], bool]:
    """The frames that can be the answer, the latest first, and whether it stands at the end."""
    items = p.take_last(buffer)
    found: list[bytes] = []
    for item in reversed(items):
        if not isinstance(item, Frame):
            continue
        if p.is_echo(item.body):
            raise LinkLost(ECHO)
        if is_answer(item.body):
            found.append(item.body)
    return found, bool(found) and items[-1] == Frame(found[0])


def _is_verdict(body: bytes) -> bool:
    return body in (p.ACK, p.INVALID_COMMAND, p.COMMUNICATION_ERROR)
