"""Questions to an ESC/POS printer and their answers, and the count of marks that are still to come.

A mark is a question in the middle of what is to be printed. It is answered when the printer comes to it, so each part of
a receipt waits for the mark behind the part before: the printer's buffer is never full, and what is printed is known.
"""

from __future__ import annotations

from typing import TypeVar

from devices.escpos.protocol import (
    ASK_MARK,
    ASK_MODEL,
    CAUSES,
    NOTHING_TOLD,
    Answer,
    Mark,
    Model,
    Noise,
    RealTime,
    Status,
    ask_status,
    status_of,
    take,
)
from devices.link import LinkLost
from devices.steps import Program, Time, receive, send

T = TypeVar("T", RealTime, Mark, Model)

ANSWER_MS = 500
"""Real-time questions are answered within some 20 ms; printers in a network have been seen to take 200."""
TRIES_MAX = 3
AT_ONCE_MS = 1
"""What is there already is there at once."""
CALM_MS = 60
"""After a silence: late answers arrive to be thrown away, else they would be taken for those to the next question."""
MODEL_MS = 500
FIRST_MARK_MS = 3000
"""Before the first mark the printer may have something to end; one that does not answer it has no marks."""
NOISE_MAX_BYTES = 512
"""More bytes without meaning in front of one answer: it is not a printer that talks."""


class Exchange:
    """The line to one printer during one life of the link."""

    def __init__(self, now: Time) -> None:
        self._now = now
        self._buffer = b""
        self._noise = 0
        self._told: dict[int, bool] = {}
        """Whether a kind of status has ever been told; the first printer in a network is a poor one."""
        self.marks_owed = 0
        """Marks that were sent and not answered: so much is still to be printed."""

    def status(self) -> Program[Status]:
        """How the printer is now. Raises LinkLost when it does not answer three times."""
        told = []
        for n in CAUSES:
            told.append((yield from self._ask(n)))
        return status_of(*told)

    def _ask(self, n: int) -> Program[int]:
        if self._told.get(n) is False:
            return NOTHING_TOLD
        for _ in range(TRIES_MAX):
            yield from self._send(ask_status(n))
            answer = yield from self._hear(RealTime, ANSWER_MS)
            if answer is not None:
                self._told[n] = True
                return answer.byte
            yield from self.calm()
        if n == CAUSES[0] or n in self._told:
            raise LinkLost(
                f"the printer did not answer {TRIES_MAX} times; check its power, cable, port and speed"
            )
        self._told[n] = False
        return NOTHING_TOLD

    def model(self) -> Program[str]:
        """What it calls itself; empty when it does not tell."""
        yield from self._send(ASK_MODEL)
        answer = yield from self._hear(Model, MODEL_MS)
        return answer.name if answer is not None else ""

    def has_marks(self) -> Program[bool]:
        """Whether it answers to a mark at all; asked while it has nothing to print."""
        yield from self._send(ASK_MARK)
        return (yield from self._hear(Mark, FIRST_MARK_MS)) is not None

    def send_marked(self, part: bytes) -> Program[None]:
        """Send a part of what is to be printed, and a mark behind it."""
        yield from self._send(part + ASK_MARK)
        self.marks_owed += 1

    def wait_for_marks(self, timeout_ms: int) -> Program[bool]:
        """Whether all marks have been answered; waits a while for them."""
        if self.marks_owed:
            yield from self._hear(Mark, timeout_ms)
        return not self.marks_owed

    def _send(self, question: bytes) -> Program[None]:
        """Ask. What came before is heard first, and answers nothing of it: one byte too many, or one that came late, would
        make each answer that of the question before.
        """
        self._buffer += yield from receive(AT_ONCE_MS)
        self._note_all()
        yield from send(question)

    def calm(self) -> Program[None]:
        """Until the line is silent; what comes meanwhile is heard, but answers nothing."""
        for _ in range(NOISE_MAX_BYTES):
            data = yield from receive(CALM_MS)
            if not data:
                return
            self._buffer += data
            self._note_all()

    def _hear(self, kind: type[T], timeout_ms: int) -> Program[T | None]:
        """The next answer of this kind; None when it does not come in time."""
        give_up = self._now() + timeout_ms / 1000
        self._noise = 0
        while True:
            while (item := self._take()) is not None:
                self._note(item)
                if isinstance(item, kind):
                    return item
            left_ms = round((give_up - self._now()) * 1000)
            data = b"" if left_ms <= 0 else (yield from receive(left_ms))
            if not data:
                self._buffer = b""  # what has begun will not go on
                return None
            self._buffer += data

    def _note_all(self) -> None:
        while (item := self._take()) is not None:
            self._note(item)

    def _take(self) -> Answer | None:
        item, self._buffer = take(self._buffer)
        return item

    def _note(self, item: Answer) -> None:
        if isinstance(item, Mark):
            self.marks_owed = max(0, self.marks_owed - 1)
        elif isinstance(item, Noise):
            self._noise += len(item.data)
            if self._noise > NOISE_MAX_BYTES:
                raise LinkLost("what it says is no ESC/POS; check the printer's model, speed and parity")
