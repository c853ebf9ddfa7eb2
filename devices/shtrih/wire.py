"""A simulated registrar in time and at the end of a wire: power, durations, and a line that misbehaves."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import datetime

from devices.shtrih import paper
from devices.shtrih import protocol as p
from devices.shtrih.electronics import COMMANDS_MAX, Electronics, code_of
from devices.shtrih.mechanics import LINE_S
from devices.shtrih.memory import Truth
from devices.shtrih.paper import Owner
from devices.shtrih.protocol import ACK, ENQ, NAK, Control, Frame, Spoilt, frame
from devices.shtrih.quirks import Quirks

ANSWER_S, CLOSE_S, OPEN_SHIFT_S, REPORT_S = 0.01, 0.35, 0.5, 0.6
"""How long commands take to their answer; `speed` makes them faster."""
BYTE_S = 1.0
"""The electronics' own patience with a frame that does not go on; never made faster."""


class Unit(Electronics):
    """One registrar. `now` is monotonic seconds and never goes back; at `now` its clock shows `wall`."""

    def __init__(
        self,
        now: float = 0.0,
        truth: Truth | None = None,
        *,
        wall: datetime = datetime(2026, 11, 24, 14, 5),  # noqa: DTZ001 - a registrar's wall time has no zone
        speed: float = 1.0,
        quirks: Quirks | None = None,
        owner: Owner | None = None,
        changed: Callable[[Truth], None] = lambda truth: None,
    ) -> None:
        super().__init__(now, truth, wall, speed, quirks, owner, changed)
        self.commands = deque(maxlen=COMMANDS_MAX)
        self.restore_power(now)

    def _forget(self) -> None:
        super()._forget()
        self._buffer, self._heard_at = b"", 0.0
        self._executing: tuple[float, bytes] | None = None
        self._answer: bytes | None = None
        self._outbox = b""

    # --- power -------------------------------------------------------------------------------------------------

    def cut_power(self, now: float) -> None:
        """Lose the electronics' memory, keep fiscal drive and paper; a sheet in the printer is torn."""
        self._advance(now)
        if not self.has_power:
            return
        self.has_power = False
        if self.quirks.finishes_after_s is not None and self._executing is not None:
            body = self._executing[1]
            if code_of(body) in _CLOSINGS:
                self.truth.closing = body
        self._tear()
        self._forget()

    def restore_power(self, now: float) -> None:
        """Come up; what was being printed is printed once more."""
        if self.has_power:
            return
        self._now = max(self._now, now)
        self.has_power = True
        opened = self.truth.opened
        if self.truth.closing is not None:
            self._closing_at = now + (self.quirks.finishes_after_s or 0.0) / self._speed
        elif opened is not None and not self.quirks.keeps_open_document:
            self.truth.opened = None
            if self.truth.job is None:
                self._print(paper.cancelled(opened))
        if self.truth.job is not None and not self.truth.is_interrupted:
            self._line_at = now + LINE_S / self._speed

    # --- time --------------------------------------------------------------------------------------------------

    def advance(self, now: float) -> bytes:
        """Let time pass up to `now`; answers are due then."""
        self._advance(now)
        due, self._outbox = self._outbox, b""
        return due

    def wakes_at(self) -> float | None:
        """When something will happen by itself that others can see: nobody looks at each line of a job."""
        if self._executing is not None:
            return self._executing[0]
        if self._closing_at is not None:
            return self._closing_at
        if self._line_at is None:
            return None
        job = self.truth.job
        assert job is not None
        return self._line_at + (len(job.lines) - self._printed - 1) * LINE_S / self._speed

    def _next_at(self) -> float | None:
        at = self._line_at
        if self._executing is not None and (at is None or self._executing[0] < at):
            at = self._executing[0]
        if self._closing_at is not None and (at is None or self._closing_at < at):
            at = self._closing_at
        return at

    def _advance(self, now: float) -> None:
        while (at := self._next_at()) is not None and at <= now:
            self._now = max(self._now, at)
            if self._executing is not None and self._executing[0] == at:
                self._outbox += self._finish(self._executing[1])
            elif self._closing_at == at:
                self._close_at_last()
            else:
                self._print_line(at)
        self._now = max(self._now, now)
        if not self.faults.loses_ofd:
            self.truth.drive.confirmed = self.truth.drive.last

    # --- the wire ----------------------------------------------------------------------------------------------

    def receive(self, data: bytes, now: float) -> bytes:
        """Bytes of the host arrive; what goes back at once."""
        out = self.advance(now)
        if not self.has_power:
            return b""
        if now - self._heard_at > BYTE_S:
            self._buffer = b""
        self._heard_at = now
        self._buffer += data
        while True:
            item, self._buffer = p.take(self._buffer)
            match item:
                case None:
                    return out
                case Control(code) if code == ENQ:
                    out += self._hear_enquiry()
                case Control(code) if code == ACK:
                    self._answer = None
                case Frame(body):
                    out += self._hear_command(body)
                case Spoilt():
                    out += self._control(NAK)
                case _:
                    pass

    def _hear_enquiry(self) -> bytes:
        if self._executing is not None:
            return self._control(ACK) if self.quirks.acks_while_executing else b""
        if self._answer is not None:
            return self._control(ACK) + self._transmit(self._answer)
        return self._control(NAK)

    def _hear_command(self, body: bytes) -> bytes:
        if self._executing is not None or self._counts_down("lost_commands"):
            return b""
        self._answer = None
        lasts_s = self.quirks.slow.get(code_of(body), _DURATIONS.get(code_of(body), ANSWER_S))
        self._executing = (self._now + lasts_s / self._speed, body)
        return b"" if self._counts_down("lost_acks") else self._control(ACK)

    def _finish(self, body: bytes) -> bytes:
        """The command's work is done; its answer leaves."""
        self._executing = None
        last = self.truth.drive.last
        answer = self._carry_out(body)
        is_recorded = self.truth.drive.last > last
        if self._counts_down("forgotten_answers") or (
            is_recorded and self._counts_down("forgets_after_record")
        ):
            return b""
        self._answer = answer
        return b"" if self._counts_down("lost_answers") else self._transmit(answer)

    def _close_at_last(self) -> None:
        """What the power interrupted is done; nobody waits for an answer."""
        closing, self.truth.closing, self._closing_at = self.truth.closing, None, None
        assert closing is not None
        self._carry_out(closing)
        self._changed(self.truth)

    def _transmit(self, answer: bytes) -> bytes:
        wire = frame(answer)
        if self._counts_down("damaged_answers"):
            wire = wire[:-1] + bytes((wire[-1] ^ 0x55,))
        return self.quirks.noise + wire

    def _control(self, code: int) -> bytes:
        return bytes((0xFF, code) if self.quirks.ff_before_control else (code,))


_CLOSE_RECEIPT = b"\xff\x45"
_CLOSINGS = frozenset({_CLOSE_RECEIPT, b"\xff\x4a", b"\x85"})
_DURATIONS = {
    **dict.fromkeys(_CLOSINGS, CLOSE_S),
    b"\xe0": OPEN_SHIFT_S,
    b"\x41": REPORT_S,
    b"\x40": REPORT_S,
}
