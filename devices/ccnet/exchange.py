"""Commands and their answers on the line to one validator, from the host's side: one at a time, none repeated blindly.

The danger here is an answer taken for that of another command: an answer names nothing. So the line is flushed before
each command, and only what can answer this very command counts.

Source: CashCode, "CashCode NET Interface": ACK, NAK, times; the counts of tries are the host's own choice.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from devices.ccnet import protocol as p
from devices.ccnet.protocol import Frame, Poll
from devices.link import LinkLost
from devices.steps import Program, Time, flush, send, sleep
from devices.validator.dialect import Outcome
from devices.validator.listening import ECHO, Listener

ANSWER_MS = 300
"""To the last byte; documented are 10 ms, USB adapters and slow units need more."""
LONG_ANSWER_MS = 1500
"""For identification and bill table: 125 bytes are 130 ms at 9600 baud, and units think before."""
QUIET_S = 0.025
"""The line rests after our ACK or NAK; 20 ms are required."""
TRIES_MAX = 3
"""How often a harmless command is sent, and how often a damaged answer is asked for again."""


class Exchange:
    """The line during one life of the link."""

    def __init__(self, now: Time) -> None:
        self._now = now
        self._listener = Listener(now)
        self._quiet_until = 0.0

    def poll(self) -> Program[Poll | None]:
        """Ask for the state; None when no answer came. The answer still waits for `acknowledge`.

        Raises LinkLost when nothing valid came for too long, and when the port echoes.
        """
        body = yield from self._converse(p.POLL, p.is_poll_answer, ANSWER_MS)
        if body is None:
            return None
        poll = p.decode_poll(body)
        if not poll.is_complete:
            again = yield from self._ask_again(p.is_poll_answer, ANSWER_MS)
            poll = p.decode_poll(again) if again is not None else poll
        return poll

    def acknowledge(self) -> Program[None]:
        """Tell the device that its answer arrived: it may forget what it said."""
        yield from self._end(p.ACK)

    def order(self, command: bytes, tries: int = 1) -> Program[Outcome]:
        """Send a command that is answered by ACK or ILLEGAL; more than one try only for harmless ones."""
        for _ in range(tries):
            body = yield from self._converse(command, _is_verdict, ANSWER_MS, has_data=False)
            if body == p.ACK:
                return Outcome.ACCEPTED
            if body == p.ILLEGAL:
                return Outcome.REFUSED
        return Outcome.UNKNOWN

    def ask(self, command: bytes, is_answer: Callable[[bytes], bool]) -> Program[bytes | None]:
        """Ask for data and acknowledge them; None when the device refuses or stays silent."""

        def is_end(body: bytes) -> bool:
            return body in (p.ILLEGAL, p.NAK) or is_answer(body)

        for _ in range(TRIES_MAX):
            body = yield from self._converse(command, is_end, LONG_ANSWER_MS)
            if body == p.ILLEGAL:
                return None
            if body is not None and body != p.NAK:
                yield from self.acknowledge()
                return body
        return None

    def _converse(
        self, command: bytes, is_answer: Callable[[bytes], bool], timeout_ms: int, *, has_data: bool = True
    ) -> Program[bytes | None]:
        """One command and its answer; damaged data are asked for again, a damaged verdict is not."""
        yield from self._keep_quiet()
        yield from flush()
        yield from send(p.encode(command))
        body, is_damaged = yield from self._collect(is_answer, timeout_ms)
        for _ in range(TRIES_MAX - 1):
            if not (has_data and is_damaged):
                break
            body = yield from self._ask_again(is_answer, timeout_ms)
            is_damaged = body is None
        self._listener.watch_silence(body is not None)
        return body

    def _ask_again(self, is_answer: Callable[[bytes], bool], timeout_ms: int) -> Program[bytes | None]:
        """NAK: the device sends its last answer again."""
        yield from self._end(p.NAK)
        body, _ = yield from self._collect(is_answer, timeout_ms)
        return body

    def _collect(
        self, is_answer: Callable[[bytes], bool], timeout_ms: int
    ) -> Program[tuple[bytes | None, bool]]:
        """The answer that comes in time; else None, and whether something unreadable came."""
        return (yield from self._listener.collect(partial(_fitting, is_answer=is_answer), timeout_ms))

    def _keep_quiet(self) -> Program[None]:
        left_s = self._quiet_until - self._now()
        if left_s > 0:
            yield from sleep(round(left_s * 1000) + 1)

    def _end(self, verdict: bytes) -> Program[None]:
        yield from send(p.encode(verdict))
        self._quiet_until = self._now() + QUIET_S


def _fitting(buffer: bytes, is_answer: Callable[[bytes], bool]) -> tuple[list[bytes], bool]:
    """The frames that can be the answer, the latest first, and whether it stands at the end."""
    items = p.take_last(buffer)
    found: list[bytes] = []
    for item in reversed(items):
        if not isinstance(item, Frame):
            continue
        if item.body == p.POLL:
            raise LinkLost(ECHO)
        if is_answer(item.body):
            found.append(item.body)
    return found, bool(found) and items[-1] == Frame(found[0])


def _is_verdict(body: bytes) -> bool:
    return body in (p.ACK, p.ILLEGAL, p.NAK)
