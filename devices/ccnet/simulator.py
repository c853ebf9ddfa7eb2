"""A simulated CCNET bill validator: what the machine says on the wire, and a wire that misbehaves on demand.

Sans I/O and without a clock: whoever runs it says what time it is. `python -m devices.ccnet.simulator --pty LINK`
puts it behind a real pseudo-terminal.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from devices.ccnet import protocol as p
from devices.ccnet.protocol import Bill, Frame, Identification, Noise
from devices.console import main
from devices.validator import machine
from devices.validator.dialect import POWER_UPS, Poll, Status
from devices.validator.machine import COMMANDS, Machine
from devices.validator.mechanics import Mechanics

QUIET_S = 0.02
"""What a host has to leave between its ACK and its next command."""

_RUSSIAN = {2: (1, 1), 3: (5, 1), 4: (1, 2), 5: (5, 2), 6: (1, 3), 7: (5, 3), 12: (2, 2), 13: (2, 3)}
RUSSIAN_TABLE: tuple[Bill | None, ...] = tuple(
    Bill("RUS", *_RUSSIAN[one]) if one in _RUSSIAN else None for one in range(p.BILL_TYPES)
)
WHO = Identification("SM-RU1353", "21K061234567")


@dataclass
class Quirks(machine.Quirks):
    """How this unit differs from the book."""

    holds_events: bool = True
    """Freeze in STACKED and RETURNED until the host's ACK; else show them for one poll."""
    after_event: Status | None = None
    """DISABLED or BUSY for a moment between an event and IDLING."""
    after_event_s: float = 0.3
    knows_set_security: bool = True
    tells_table_always: bool = False
    """Answer GET BILL TABLE in every state; by the book only at rest."""
    ack_window_s: float = 0.03
    """A later ACK is ignored."""
    is_strict_about_quiet: bool = False
    """Ignore a command that comes less than QUIET_S after the ACK."""
    table_records: int = p.BILL_TYPES


class Simulator(Machine):
    """One CCNET validator. `now` is monotonic seconds and never goes back."""

    buffer_max_bytes = 2 * p.FRAME_SIZE_MAX

    def __init__(
        self,
        now: float = 0.0,
        truth: Mechanics | None = None,
        *,
        speed: float = 1.0,
        quirks: Quirks | None = None,
        table: Sequence[Bill | None] = RUSSIAN_TABLE,
        changed: Callable[[Mechanics], None] = lambda truth: None,
    ) -> None:
        self.quirks = quirks or Quirks()
        self.breaches = 0
        """Commands that came too early after the host's ACK."""
        self._table = tuple(table)
        values = [None if bill is None else _units(bill) for bill in table]
        super().__init__(now, truth, speed=speed, quirks=self.quirks, values=values, changed=changed)

    def _forget(self) -> None:
        super()._forget()
        self._event_is_shown = False
        self._last_answer = b""
        self._answered_at = self._acknowledged_at = -1e9

    # --- what becomes of a note -----------------------------------------------------------------------------------

    def _announce(self, status: Status, value: int, at: float) -> None:
        if (one := self._types.get(value)) is None or (
            self._is_initializing and not self.quirks.announces_after_reset
        ):
            self._after_event(at)
            return
        self._poll, self._until, self._event_is_shown = Poll(status, one), None, False

    def _after_event(self, at: float) -> None:
        if self.quirks.after_event is not None and not self._is_initializing:
            self._go(Poll(self.quirks.after_event), at, self.quirks.after_event_s * self._speed, self._rest)
        else:
            super()._after_event(at)

    # --- the wire -----------------------------------------------------------------------------------------------------

    def _take(self, buffer: bytes) -> tuple[Frame | Noise | None, bytes]:
        return p.take(buffer)

    def _obey(self, item: Frame | Noise, now: float) -> bytes:
        return self._obey_frame(item.body, now) if isinstance(item, Frame) else b""

    def _obey_frame(self, body: bytes, now: float) -> bytes:
        if body == p.ACK:
            self._take_ack(now)
            return b""
        if body == p.NAK:
            return self._last_answer
        if now - self._acknowledged_at < QUIET_S - 1e-6:
            self.breaches += 1
            if self.quirks.is_strict_about_quiet:
                return b""
        if body == p.STACK and self.quirks.lost_stacks:
            self.quirks.lost_stacks -= 1
            return b""
        self._last_answer = p.encode(self._answer(body, now))
        self._answered_at = now + self.quirks.answers_late_s
        return self._transmit(self._last_answer, now)

    def _take_ack(self, now: float) -> None:
        if self.quirks.lost_acks:
            self.quirks.lost_acks -= 1
            return
        self._acknowledged_at = now
        is_event = self.status in (Status.STACKED, Status.RETURNED)
        is_in_time = now - self._answered_at <= self.quirks.ack_window_s
        if is_event and is_in_time and self._last_answer == p.encode(p.encode_poll(_on_the_wire(self._poll))):
            self._after_event(now)

    def _answer(self, body: bytes, now: float) -> bytes:
        """Carry out a command."""
        at_rest = self._is_initializing or self.status in _TELLS_ABOUT_ITSELF
        match body[0]:
            case 0x30:
                self._reset(now)
                return p.ACK
            case 0x31:
                return p.mask(self._enabled) + p.mask(())
            case p.SET_SECURITY_CODE:
                return p.ACK if self.quirks.knows_set_security else p.ILLEGAL
            case 0x33:
                self.polls.note(now)
                return p.encode_poll(_on_the_wire(self._show(now)))
            case p.ENABLE_BILL_TYPES_CODE if len(body) == 1 + 2 * p.MASK_BYTES:
                self._take_types(p.masked(body[1:4]), p.masked(body[4:7]), now)
                return p.ACK
            case 0x35 if self.status in (Status.ESCROW, Status.HOLDING):
                self._stack(now)
                return p.ACK
            case 0x36 if self.status in (Status.ESCROW, Status.HOLDING):
                self._give_back(now)
                return p.ACK
            case 0x38 if self.status in (Status.ESCROW, Status.HOLDING):
                self._poll = Poll(Status.HOLDING)
                self._wait_for_host(now)
                return p.ACK
            case 0x37 if at_rest:
                return p.encode_identification(WHO)
            case 0x41 if at_rest or self.quirks.tells_table_always:
                return p.encode_bill_table(self._table[: self.quirks.table_records])
            case _:
                return p.ILLEGAL

    def _show(self, now: float) -> Poll:
        """The state a POLL sees."""
        if self.status in (Status.STACKED, Status.RETURNED) and not self.quirks.holds_events:
            if self._event_is_shown:
                self._after_event(now)
            self._event_is_shown = True
        return self._poll


_TELLS_ABOUT_ITSELF = POWER_UPS | {
    Status.INITIALIZE, Status.DISABLED, Status.CASSETTE_FULL, Status.CASSETTE_OUT, Status.JAMMED,
    Status.CASSETTE_JAMMED, Status.CHEATED, Status.PAUSED, Status.FAILED,
}  # fmt: skip
"""Where IDENTIFICATION and GET BILL TABLE are answered; otherwise they are illegal."""


def _on_the_wire(poll: Poll) -> p.Poll:
    return p.Poll(p.Status[poll.status.name], poll.detail)


def _units(bill: Bill) -> int:
    assert bill.exponent >= 0, "a simulated note is a whole number of units"
    return int(bill.digits * 10**bill.exponent)


def _build(truth: Mechanics, speed: float, changed: Callable[[Mechanics], None]) -> Simulator:
    return Simulator(time.monotonic(), truth, speed=speed, changed=changed)


if __name__ == "__main__":
    sys.exit(main("devices.ccnet.simulator", COMMANDS, Mechanics, _build))
