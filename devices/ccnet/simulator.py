"""A simulated CCNET bill validator: mechanics that outlive their electronics, and a wire that misbehaves on demand.

Sans I/O and without a clock: whoever runs it says what time it is. `python -m devices.ccnet.simulator --pty LINK`
puts it behind a real pseudo-terminal.
"""

from __future__ import annotations

import enum
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from devices.ccnet import protocol as p
from devices.ccnet.protocol import Bill, Frame, Identification, Poll, Status
from devices.console import ConsoleError, main, whole_number
from devices.validator.mechanics import Mechanics

ACCEPT_S, GATE_S, FALL_S, RETURN_S, REJECT_S = 0.7, 0.25, 0.25, 0.5, 0.4
INITIALIZE_S = 2.0
CHEATED_S = 0.6
"""How long motions take; `speed` makes them faster."""
ESCROW_S = 10.0
"""The electronics' own patience with a silent host; never made faster."""
QUIET_S = 0.02
"""What a host has to leave between its ACK and its next command."""
BUFFER_MAX_BYTES = 2 * p.FRAME_SIZE_MAX

_RUSSIAN = {2: (1, 1), 3: (5, 1), 4: (1, 2), 5: (5, 2), 6: (1, 3), 7: (5, 3), 12: (2, 2), 13: (2, 3)}
RUSSIAN_TABLE: tuple[Bill | None, ...] = tuple(
    Bill("RUS", *_RUSSIAN[one]) if one in _RUSSIAN else None for one in range(p.BILL_TYPES)
)
WHO = Identification("SM-RU1353", "21K061234567")


@dataclass
class Quirks:
    """How this unit differs from the book. Numbers of things still to go wrong count themselves down."""

    holds_events: bool = True
    """Freeze in STACKED and RETURNED until the host's ACK; else show them for one poll."""
    announces_after_reset: bool = True
    """Say STACKED or RETURNED for a note that was inside at power-up; else bring it away in silence."""
    skips: frozenset[Status] = frozenset()
    """ACCEPTING, STACKING, RETURNING: too short for any poll to see."""
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
    silent_after_reset_s: float = 0.5
    answers_late_s: float = 0.0
    echoes: bool = False
    noise: bytes = b""
    """Comes before every answer."""
    table_records: int = p.BILL_TYPES
    jam_yields_to_reset: bool = False
    capacity_notes: int = 1000
    lost_acks: int = 0
    lost_stacks: int = 0
    """So many STACK commands never arrive."""
    lost_answers: int = 0
    damaged_answers: set[int] = field(default_factory=set)
    """Numbers of the answers, counted from 0, whose checksum is wrong."""


@dataclass
class Polls:
    """How steadily the host asks, counted from `last` on."""

    last: float = 0.0
    count: int = 0
    longest_gap_s: float = 0.0

    def note(self, now: float) -> None:
        """The host asked once more."""
        self.longest_gap_s = max(self.longest_gap_s, now - self.last)
        self.last, self.count = now, self.count + 1


class Halt(enum.Enum):
    """What stands in the way of the note until a hand takes it away."""

    PAUSED = "paused"
    FAILED = "failed"


class Simulator:
    """One validator. `now` is monotonic seconds and never goes back."""

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
        self.truth = truth or Mechanics()
        self.quirks = quirks or Quirks()
        self.has_power = False
        self.breaches = 0
        """Commands that came too early after the host's ACK."""
        self.dropped_at: float | None = None
        """When the last note fell into the cassette, for those who measure."""
        self.polls = Polls(now)
        self._speed, self._table, self._changed = speed, tuple(table), changed
        self._types = {_units(bill): one for one, bill in enumerate(table) if bill is not None}
        self._halts: set[Halt] = set()
        self._failure = 0x50
        self._answers = 0
        self._buffer = b""
        self._outbox: deque[tuple[float, bytes]] = deque()
        self._forget()
        self.restore_power(now)

    # --- the electronics' memory: power takes it away ----------------------------------------------------------

    def _forget(self) -> None:
        self._poll = Poll(Status.POWER_UP)
        self._until: float | None = None
        self._then: Callable[[float], None] = self._rest
        self._enabled: frozenset[int] = frozenset()
        self._escrow: frozenset[int] = frozenset()
        self._is_initializing = False
        self._event_is_shown = False
        self._suspended: tuple[Poll, float | None, Callable[[float], None]] | None = None
        self._last_answer = b""
        self._answered_at = self._acknowledged_at = self._silent_until = -1e9

    @property
    def status(self) -> Status:
        """What it would answer to POLL."""
        return self._poll.status

    @property
    def enabled(self) -> list[int]:
        """The notes it takes, in whole units."""
        return sorted(value for value, one in self._types.items() if one in self._enabled)

    def cut_power(self, now: float) -> None:
        """Lose the electronics' memory, keep the mechanics'."""
        self._advance(now)
        self.has_power = False
        self._outbox.clear()
        self._buffer = b""
        self._forget()

    def restore_power(self, now: float) -> None:
        """Come up and say where a note is, until RESET."""
        if self.has_power:
            return
        self.has_power = True
        if self.truth.stacker is not None:
            self._poll = Poll(Status.POWER_UP_IN_STACKER)
        elif self.truth.head is not None:
            self._poll = Poll(Status.POWER_UP_IN_HEAD)

    # --- time ---------------------------------------------------------------------------------------------------

    def advance(self, now: float) -> bytes:
        """Let time pass up to `now`; answers that were late are due then."""
        self._advance(now)
        due = b""
        while self._outbox and self._outbox[0][0] <= now:
            due += self._outbox.popleft()[1]
        return due

    def wakes_at(self) -> float | None:
        """When something will happen by itself."""
        if not self._outbox:
            return self._until
        answers_at = min(at for at, _ in self._outbox)
        return answers_at if self._until is None else min(answers_at, self._until)

    def _advance(self, now: float) -> None:
        while self._until is not None and self._until <= now:
            at, self._until = self._until, None
            self._then(at)

    def _go(self, poll: Poll, at: float, lasts_s: float, then: Callable[[float], None]) -> None:
        """Be in a state for a while."""
        self._poll = poll
        self._until = at if poll.status in self.quirks.skips else at + lasts_s / self._speed
        self._then = then

    def _rest(self, at: float) -> None:
        """The state in which nothing moves."""
        self._until = self._suspended = None
        self._is_initializing = False
        if (fault := self._fault()) is not None:
            self._poll = fault
        else:
            self._poll = Poll(Status.IDLING if self._enabled else Status.DISABLED)

    def _fault(self) -> Poll | None:
        if self.truth.jam:
            return Poll(Status.JAMMED)
        if not self.truth.cassette_is_in:
            return Poll(Status.CASSETTE_OUT)
        if Halt.FAILED in self._halts:
            return Poll(Status.FAILED, self._failure)
        if len(self.truth.cassette) >= self.quirks.capacity_notes:
            return Poll(Status.CASSETTE_FULL)
        return None

    # --- a note's way ---------------------------------------------------------------------------------------------

    def insert(self, value: int, now: float) -> str | None:
        """Push a note (whole units) into the slot; None when the motor took it, else why not."""
        self._advance(now)
        if not self.has_power:
            return "no power"
        if self.status is not Status.IDLING:
            return f"the slot is closed: {self.status.name.lower()}"
        assert self.truth.is_empty
        self._move(self.truth.draw_in, value)
        self._go(Poll(Status.ACCEPTING), now, ACCEPT_S, self._measure)
        return None

    def _move(self, motion: Callable[..., object], *values: int) -> None:
        """A note changes its place: the truth is kept before anybody can hear of it."""
        motion(*values)
        self._changed(self.truth)

    def _measure(self, at: float) -> None:
        assert self.truth.head is not None
        one = self._types.get(self.truth.head)
        if one is None:
            self._reject(at, 0x65)
        elif one not in self._enabled:
            self._reject(at, 0x68)
        elif one in self._escrow:
            self._poll = Poll(Status.ESCROW, one)
            self._wait_for_host(at)
        else:
            self._stack(at)

    def _wait_for_host(self, at: float) -> None:
        self._until, self._then = at + ESCROW_S, self._give_back

    def _reject(self, at: float, reason: int) -> None:
        self._go(Poll(Status.REJECTING, reason), at, REJECT_S, self._put_out)

    def _put_out(self, at: float) -> None:
        self._move(self.truth.push_out)
        self._rest(at)

    def _stack(self, at: float) -> None:
        self._go(Poll(Status.STACKING), at, GATE_S, self._pass_gate)

    def _pass_gate(self, at: float) -> None:
        self._move(self.truth.pass_gate)
        self._go(Poll(Status.STACKING), at, FALL_S, self._drop)

    def _drop(self, at: float) -> None:
        if not self.truth.cassette_is_in:
            self._rest(at)
            return
        value = self.truth.stacker
        assert value is not None
        self._move(self.truth.drop)
        self.dropped_at = at
        self._announce(Status.STACKED, value, at)

    def _give_back(self, at: float) -> None:
        self._go(Poll(Status.RETURNING), at, RETURN_S, self._leave)

    def _leave(self, at: float) -> None:
        value = self.truth.head
        assert value is not None
        self._move(self.truth.push_out)
        self._announce(Status.RETURNED, value, at)

    def _announce(self, status: Status, value: int, at: float) -> None:
        if (one := self._types.get(value)) is None or (
            self._is_initializing and not self.quirks.announces_after_reset
        ):
            self._after_event(at)
            return
        self._poll, self._until, self._event_is_shown = Poll(status, one), None, False

    def _after_event(self, at: float) -> None:
        if self._is_initializing:
            self._go(Poll(Status.INITIALIZE), at, INITIALIZE_S / 2, self._rest)
        elif self.quirks.after_event is not None:
            self._go(Poll(self.quirks.after_event), at, self.quirks.after_event_s * self._speed, self._rest)
        else:
            self._rest(at)

    def _initialize(self, at: float) -> None:
        """The self-test; a note that is still inside goes where its way leads."""
        self._enabled = self._escrow = frozenset()
        self._suspended = None
        self._is_initializing = True
        if self.truth.jam or not self.truth.cassette_is_in or self.truth.is_empty:
            self._go(Poll(Status.INITIALIZE), at, INITIALIZE_S, self._rest)
        else:
            out = self._drop if self.truth.stacker is not None else self._give_back
            self._go(Poll(Status.INITIALIZE), at, INITIALIZE_S / 2, out)

    # --- hands that interfere ---------------------------------------------------------------------------------------

    def jam(self, now: float) -> None:
        """Whatever moves gets stuck where it is."""
        self._advance(now)
        self.truth.jam = True
        self._changed(self.truth)
        if self.has_power and self.status not in p.POWER_UPS and not self._is_initializing:
            self._rest(now)

    def fail(self, code: int, now: float) -> None:
        """Something breaks: state 47 with this code."""
        self._advance(now)
        self._halts.add(Halt.FAILED)
        self._failure = code
        if self.has_power and self.status not in p.POWER_UPS:
            self._rest(now)

    def take_cassette_out(self, now: float) -> None:
        """A collector pulls the cassette."""
        self._advance(now)
        self.truth.cassette_is_in = False
        self._changed(self.truth)
        if self.has_power and self.status not in p.POWER_UPS:
            self._enabled = self._escrow = frozenset()
            self._rest(now)

    def put_cassette_in(self, now: float) -> None:
        """The cassette is back; the validator tests itself."""
        self._advance(now)
        if self.truth.cassette_is_in:
            return
        self.truth.cassette_is_in = True
        self._changed(self.truth)
        if self.has_power and self.status not in p.POWER_UPS:
            self._initialize(now)

    def empty_cassette(self) -> list[int]:
        """Take all notes out."""
        notes, self.truth.cassette = self.truth.cassette, []
        self._changed(self.truth)
        return notes

    def cheat(self, now: float) -> None:
        """Somebody pulls at the note; after a moment all goes on."""
        self._suspend(Poll(Status.CHEATED), now)
        self._until, self._then = now + CHEATED_S / self._speed, self._resume

    def pause(self, now: float) -> None:
        """A second note pushed in, a hand in the way: all waits."""
        self._halts.add(Halt.PAUSED)
        self._suspend(Poll(Status.PAUSED), now)

    def clear(self, now: float) -> None:
        """A technician takes all that is in the way out of the way and puts the cassette in."""
        self._advance(now)
        was_stuck = self.truth.jam or Halt.FAILED in self._halts
        was_paused = Halt.PAUSED in self._halts
        self.truth.jam = False
        self._halts.clear()
        self._changed(self.truth)
        if not self.truth.cassette_is_in:
            self.put_cassette_in(now)
        elif self.has_power and self.status not in p.POWER_UPS:
            if was_stuck:
                self._initialize(now)
            elif was_paused:
                self._resume(now)

    def _suspend(self, poll: Poll, now: float) -> None:
        self._advance(now)
        if not self.has_power or self.status in p.POWER_UPS or self._suspended is not None:
            return
        left_s = None if self._until is None else self._until - now
        self._suspended = (self._poll, left_s, self._then)
        self._poll, self._until = poll, None

    def _resume(self, now: float) -> None:
        if self._suspended is None:
            return
        (self._poll, left_s, self._then), self._suspended = self._suspended, None
        self._until = None if left_s is None else now + left_s

    # --- the wire -----------------------------------------------------------------------------------------------------

    def receive(self, data: bytes, now: float) -> bytes:
        """Bytes of the host arrive; what goes back at once."""
        self._advance(now)
        if not self.has_power:
            return b""
        back = data if self.quirks.echoes else b""
        self._buffer = (self._buffer + data)[-BUFFER_MAX_BYTES:]
        while True:
            item, self._buffer = p.take(self._buffer)
            if item is None:
                return back
            if isinstance(item, Frame) and now >= self._silent_until:
                back += self._obey_frame(item.body, now)

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
        return self._transmit(p.encode(self._answer(body, now)), now)

    def _transmit(self, frame: bytes, now: float) -> bytes:
        """Send an answer, as well as this wire can."""
        self._last_answer, self._answered_at = frame, now + self.quirks.answers_late_s
        number, self._answers = self._answers, self._answers + 1
        if number in self.quirks.damaged_answers:
            frame = frame[:-1] + bytes((frame[-1] ^ 0x55,))
        frame = self.quirks.noise + frame
        if self.quirks.lost_answers:
            self.quirks.lost_answers -= 1
            return b""
        if self.quirks.answers_late_s:
            self._outbox.append((self._answered_at, frame))
            return b""
        return frame

    def _take_ack(self, now: float) -> None:
        if self.quirks.lost_acks:
            self.quirks.lost_acks -= 1
            return
        self._acknowledged_at = now
        is_event = self.status in (Status.STACKED, Status.RETURNED)
        is_in_time = now - self._answered_at <= self.quirks.ack_window_s
        if is_event and is_in_time and self._last_answer == p.encode(p.encode_poll(self._poll)):
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
                return p.encode_poll(self._show(now))
            case p.ENABLE_BILL_TYPES_CODE if len(body) == 1 + 2 * p.MASK_BYTES:
                self._set_masks(p.masked(body[1:4]), p.masked(body[4:7]), now)
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

    def _reset(self, now: float) -> None:
        self._silent_until = now + self.quirks.silent_after_reset_s / self._speed
        if self.quirks.jam_yields_to_reset and self.truth.jam:
            self.truth.jam = False
            self._changed(self.truth)
        self._initialize(now)

    def _show(self, now: float) -> Poll:
        """The state a POLL sees."""
        if self.status in (Status.STACKED, Status.RETURNED) and not self.quirks.holds_events:
            if self._event_is_shown:
                self._after_event(now)
            self._event_is_shown = True
        return self._poll

    def _set_masks(self, enabled: frozenset[int], escrow: frozenset[int], now: float) -> None:
        if self._is_initializing or self.status in p.POWER_UPS:
            return  # acknowledged and forgotten, as real units do
        self._enabled, self._escrow = enabled & frozenset(self._types.values()), escrow
        if self.status in (Status.IDLING, Status.DISABLED):
            self._rest(now)
        elif self.status in (Status.ACCEPTING, Status.ESCROW) and not enabled:
            self._give_back(now)  # closing the slot over a note gives the note back

    # --- the console ----------------------------------------------------------------------------------------------

    def obey(self, words: list[str], now: float) -> dict[str, Any]:
        """Carry out one console line. Raises ConsoleError with what is allowed."""
        match words:
            case ["insert", value]:
                units = whole_number(value, 1, 1_000_000)
                if (refusal := self.insert(units, now)) is not None:
                    raise ConsoleError(refusal)
                return {"taken": units}
            case ["power", "off"]:
                self.cut_power(now)
            case ["power", "on"]:
                self.restore_power(now)
            case ["fault", "jam"]:
                self.jam(now)
            case ["fault", "cassette_out"]:
                self.take_cassette_out(now)
            case ["fault", "cheat"]:
                self.cheat(now)
            case ["fault", "pause"]:
                self.pause(now)
            case ["fault", "failure"]:
                self.fail(0x50, now)
            case ["clear"]:
                self.clear(now)
            case ["empty"]:
                return {"taken_out": self.empty_cassette()}
            case ["polls"]:
                told, self.polls = self.polls, Polls(now)
                return {"polls": told.count, "longest_gap_s": max(told.longest_gap_s, now - told.last)}
            case ["state"]:
                return self.state(now)
            case ["help"]:
                return {"commands": COMMANDS}
            case _:
                raise ConsoleError(f"{' '.join(words)!r} is no command; there are: {', '.join(COMMANDS)}")
        return {}

    def state(self, now: float) -> dict[str, Any]:
        """The physical truth, and what the electronics make of it."""
        self._advance(now)
        return self.truth.count() | {
            "power": self.has_power,
            "status": self.status.name.lower() if self.has_power else "off",
            "enabled": self.enabled,
            "dropped_at": self.dropped_at,
        }


_TELLS_ABOUT_ITSELF = p.POWER_UPS | {
    Status.INITIALIZE, Status.DISABLED, Status.CASSETTE_FULL, Status.CASSETTE_OUT, Status.JAMMED,
    Status.CASSETTE_JAMMED, Status.CHEATED, Status.PAUSED, Status.FAILED,
}  # fmt: skip
"""Where IDENTIFICATION and GET BILL TABLE are answered; otherwise they are illegal."""

COMMANDS = [
    "insert UNITS", "power off", "power on", "fault jam", "fault cassette_out", "fault cheat", "fault pause",
    "fault failure", "clear", "empty", "unplug", "plug", "polls", "state", "help",
]  # fmt: skip


def _units(bill: Bill) -> int:
    assert bill.exponent >= 0, "a simulated note is a whole number of units"
    return int(bill.digits * 10**bill.exponent)


def _build(truth: Mechanics, speed: float, changed: Callable[[Mechanics], None]) -> Simulator:
    return Simulator(time.monotonic(), truth, speed=speed, changed=changed)


if __name__ == "__main__":
    sys.exit(main("devices.ccnet.simulator", COMMANDS, Mechanics, _build))
