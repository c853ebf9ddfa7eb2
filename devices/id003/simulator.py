"""A simulated ID-003 bill validator: what the machine says on the wire, and a wire that misbehaves on demand.

Sans I/O and without a clock: whoever runs it says what time it is. `python -m devices.id003.simulator --pty LINK`
puts it behind a real pseudo-terminal.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from devices.console import main
from devices.id003 import protocol as p
from devices.id003.protocol import Bill, Frame, Identification, Noise, Option
from devices.validator import machine
from devices.validator.dialect import POWER_UPS, Poll, Status
from devices.validator.machine import COMMANDS, ESCROW_S, INITIALIZE_S, Machine
from devices.validator.mechanics import Mechanics

UNPOLLED_S = 3.0
"""A note is given back to a host that does not ask for so long."""
STACKED_S = 0.2
"""How long 16 is shown after the ACK."""

_RUSSIAN = ((10, 0), (50, 0), (10, 1), (20, 1), (50, 1), (10, 2), (20, 2), (50, 2))
RUSSIAN_TABLE: tuple[Bill | None, ...] = tuple(Bill(0x27, *one) for one in _RUSSIAN)
WHO = Identification("U(RUS)-05-SS", "ID003-05V123-45 01JAN20 A5C3")


@dataclass
class Quirks(machine.Quirks):
    """How this unit differs from the book."""

    options: Option = Option.POWER_RECOVERY
    """What it has of the optional functions; the echo leaves the others out."""
    names_the_note: bool = False
    """VEND_VALID with an escrow code."""
    stacks_from_head: bool = False
    """A note that was in the head at power-up is stacked after RESET, and said; else it is given back."""
    waits_for_settings: bool = False
    """Stay in INITIALIZE until the denominations and the slot have been set."""
    is_open_by_default: bool = False
    """Take all notes after INITIALIZE unless told otherwise."""
    rejects_when_impatient: bool = True
    """After ESCROW_S the note at escrow is rejected (79), not returned."""
    tells_table: bool = True
    shows_stacked: bool = True
    """16 after the ACK; else rest at once."""
    zeros_at_start: bool = False
    """Bytes 00 before the first answers."""
    tells_enq: bool = False
    """ENQ before an answer, though it is polled."""


class Simulator(Machine):
    """One ID-003 validator. `now` is monotonic seconds and never goes back."""

    buffer_max_bytes = 2 * p.FRAME_SIZE_MAX

    failure_code = 0xA2
    not_recognised, not_wanted = 0x76, 0x79

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
        self._table = tuple(table)
        values = [None if bill is None else bill.digits * 10**bill.exponent for bill in table]
        super().__init__(now, truth, speed=speed, quirks=self.quirks, values=values, changed=changed)

    def _forget(self) -> None:
        super()._forget()
        self._is_bare = True
        """Nothing was answered since power came."""
        self._untold: Poll | None = None
        """VEND VALID that nobody has acknowledged; it outlasts a fault."""
        self._escrow_ends = self._asked_at = -1e9
        self._set_defaults()

    def _set_defaults(self) -> None:
        self._bill_types = frozenset(range(p.BILL_TYPES)) if self.quirks.is_open_by_default else frozenset()
        self._is_inhibited = False
        self._options = Option(0)
        self._was_set: set[int] = set()

    def cut_power(self, now: float) -> None:
        """Lose the electronics' memory; who stacks notes unasked at a start remembers that they were not heard of."""
        untold = self._untold if self.quirks.stacks_from_head else None
        super().cut_power(now)
        self._untold = untold

    # --- what becomes of a note -----------------------------------------------------------------------------------

    def _announce(self, status: Status, value: int, at: float) -> None:
        one = self._types.get(value)
        is_recovered = not self._is_initializing or self.quirks.stacks_from_head or self._recovers
        if status is Status.STACKED and one is not None and is_recovered:
            self._untold = self._poll = Poll(status, one)
            self._until = None
        else:
            self._after_event(at)

    @property
    def _recovers(self) -> bool:
        return self.quirks.announces_after_reset and bool(self._options & Option.POWER_RECOVERY)

    def _initialize(self, at: float) -> None:
        was_in_head = self.status is Status.POWER_UP_IN_HEAD and self.truth.head in self._types
        self._set_defaults()
        super()._initialize(at)
        if was_in_head and self.quirks.stacks_from_head and not self.truth.jam:
            self._go(Poll(Status.INITIALIZE), at, INITIALIZE_S / 2, self._stack)

    def _rest(self, at: float) -> None:
        if self._is_initializing and self.quirks.waits_for_settings and not self._was_set >= _WAITED_FOR:
            self._go(Poll(Status.INITIALIZE), at, INITIALIZE_S / 4, self._rest)
            return
        self._enable()
        super()._rest(at)
        if self._untold is not None and self.status in (Status.IDLING, Status.DISABLED):
            self._poll = self._untold

    def _enable(self) -> None:
        wanted = frozenset() if self._is_inhibited else self._bill_types
        self._enabled = self._escrow = wanted & frozenset(self._types.values())

    def _wait_for_host(self, at: float) -> None:
        self._escrow_ends = at + ESCROW_S
        self._be_patient()

    def _be_patient(self) -> None:
        self._until = min(self._escrow_ends, self._asked_at + UNPOLLED_S)
        self._then = self._lose_patience

    def _lose_patience(self, at: float) -> None:
        if self.quirks.rejects_when_impatient and at >= self._escrow_ends:
            self._reject(at, self.not_wanted)
        else:
            self._give_back(at)

    # --- the wire -----------------------------------------------------------------------------------------------------

    def _take(self, buffer: bytes) -> tuple[Frame | Noise | None, bytes]:
        return p.take(buffer)

    def _obey(self, item: Frame | Noise, now: float) -> bytes:
        return self._obey_frame(item.body, now) if isinstance(item, Frame) else b""

    def _obey_frame(self, body: bytes, now: float) -> bytes:
        if body == p.ACK:
            self._take_ack(now)
            return b""
        if body in (p.STACK_1, p.STACK_2) and self.quirks.lost_stacks:
            self.quirks.lost_stacks -= 1
            return b""
        frame = p.encode(self._answer(body, now))
        if self.quirks.tells_enq:
            frame = p.encode(p.ENQ) + frame
        if self.quirks.zeros_at_start and self._is_bare:
            frame = b"\0\0" + frame
        self._is_bare = False
        return self._transmit(frame, now)

    def _take_ack(self, now: float) -> None:
        if self.quirks.lost_acks:
            self.quirks.lost_acks -= 1
            return
        if self.status is not Status.STACKED:
            return
        self._untold = None
        if self.quirks.shows_stacked and not self._is_initializing:
            self._go(Poll(Status.BUSY), now, STACKED_S, self._after_event)
        else:
            self._after_event(now)

    def _answer(self, body: bytes, now: float) -> bytes:
        """Carry out a command."""
        if body == p.STATUS_REQUEST:
            self.polls.note(now)
            self._asked_at = now
            if self.status in (Status.ESCROW, Status.HOLDING):
                self._be_patient()
            return p.encode_poll(self._on_the_wire())
        if body == p.RESET:
            self._reset(now)
            return p.ACK
        if body == p.VERSION_REQUEST:
            return p.encode_version(WHO)
        if self.status is Status.STACKED or self.status in POWER_UPS:
            return p.INVALID_COMMAND
        is_at_escrow = self.status in (Status.ESCROW, Status.HOLDING)
        match body:
            case p.STACK_1 | p.STACK_2 if is_at_escrow:
                self._stack(now)
                return p.ACK
            case p.RETURN if is_at_escrow:
                self._give_back(now)
                return p.ACK
            case p.HOLD if is_at_escrow:
                self._poll = Poll(Status.HOLDING)
                self._wait_for_host(now)
                return p.ACK
            case p.CURRENCY_REQUEST if self.quirks.tells_table:
                return p.encode_currency_table(self._table)
            case p.GET_BILL_TYPES:
                return p.GET_BILL_TYPES + p.enable_bill_types(self._bill_types)[1:]
            case p.GET_INHIBIT:
                return p.GET_INHIBIT + p.inhibit(self._is_inhibited)[1:]
            case _ if body[0] in _SETTINGS and len(body) > 1:
                return self._set(body, now)
            case _:
                return p.INVALID_COMMAND

    def _set(self, body: bytes, now: float) -> bytes:
        """Take a setting; the echo says what is in force."""
        echo = body
        match body[0]:
            case p.ENABLE_BILL_TYPES_CODE:
                self._bill_types = p.enabled_bill_types(body)
            case p.INHIBIT_CODE:
                self._is_inhibited = p.is_inhibited(body)
            case p.SET_OPTIONS_CODE:
                self._options = p.options_of(body) & self.quirks.options
                echo = p.set_options(self._options)
        self._was_set.add(body[0])
        if self.status in (Status.IDLING, Status.DISABLED):
            self._rest(now)
        return echo

    def _on_the_wire(self) -> p.Poll:
        poll = self._poll
        match poll.status:
            case Status.STACKED:
                return p.Poll(p.Status.VEND_VALID, poll.detail if self.quirks.names_the_note else None)
            case Status.BUSY:
                return p.Poll(p.Status.STACKED)
            case _:
                return p.Poll(p.Status[poll.status.name], poll.detail)


_SETTINGS = frozenset(range(p.ENABLE_BILL_TYPES_CODE, p.BAR_INHIBIT_CODE + 1))
_WAITED_FOR = frozenset({p.ENABLE_BILL_TYPES_CODE, p.INHIBIT_CODE})


def _build(truth: Mechanics, speed: float, changed: Callable[[Mechanics], None]) -> Simulator:
    return Simulator(time.monotonic(), truth, speed=speed, changed=changed)


if __name__ == "__main__":
    sys.exit(main("devices.id003.simulator", COMMANDS, Mechanics, _build))
