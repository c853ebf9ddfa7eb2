"""A simulated bill validator without its wire: mechanics that outlive their electronics, hands that interfere.

Sans I/O and without a clock: whoever runs it says what time it is. What it says of itself, and to whom, is each
protocol's own: `devices.ccnet.simulator` and its siblings.
"""

from __future__ import annotations

import enum
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from devices.console import ConsoleError, whole_number
from devices.validator.dialect import POWER_UPS, Poll, Status
from devices.validator.mechanics import Mechanics

ACCEPT_S, GATE_S, FALL_S, RETURN_S, REJECT_S = 0.7, 0.25, 0.25, 0.5, 0.4
INITIALIZE_S = 2.0
CHEATED_S = 0.6
"""How long motions take; `speed` makes them faster."""
ESCROW_S = 10.0
"""The electronics' own patience with a silent host; never made faster."""
GAP_S = 0.1
"""A frame that has begun and does not go on for so long is given up."""

COMMANDS = [
    "insert UNITS", "power off", "power on", "fault jam", "fault cassette_out", "fault cheat", "fault pause",
    "fault failure", "clear", "empty", "unplug", "plug", "polls", "state", "help",
]  # fmt: skip


@dataclass
class Quirks:
    """How this unit differs from the book. Numbers of things still to go wrong count themselves down."""

    announces_after_reset: bool = True
    """Say what became of a note that was inside at power-up; else bring it away in silence."""
    skips: frozenset[Status] = frozenset()
    """ACCEPTING, STACKING, RETURNING: too short for any poll to see."""
    silent_after_reset_s: float = 0.5
    answers_late_s: float = 0.0
    echoes: bool = False
    noise: bytes = b""
    """Comes before every answer."""
    jam_yields_to_reset: bool = False
    capacity_notes: int = 1000
    lost_acks: int = 0
    lost_stacks: int = 0
    """So many commands to stack never arrive."""
    lost_answers: int = 0
    damaged_answers: set[int] = field(default_factory=set)
    """Numbers of the answers, counted from 0, that arrive with a wrong byte."""


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


class Machine:
    """One validator that nobody listens to. `now` is monotonic seconds and never goes back.

    A protocol's simulator adds what is said on the wire: it says `_announce` of a note's end, reads and obeys the host
    in `_take` and `_obey`, and calls `_stack`, `_give_back`, `_reset` and `_take_types` when it is told to.
    """

    failure_code = 0x50
    """What a broken part is called when nobody says which one broke: the stacker's motor."""
    not_recognised, not_wanted = 0x65, 0x68
    """Reasons of a rejection."""
    buffer_max_bytes: int
    """More of the host's bytes than two frames have wait for nothing."""

    def __init__(
        self,
        now: float,
        truth: Mechanics | None,
        *,
        speed: float,
        quirks: Quirks,
        values: Sequence[int | None],
        changed: Callable[[Mechanics], None],
    ) -> None:
        """`values` are whole units by bill type; `changed` is called when a note has moved, before anybody can hear of it."""
        self.truth = truth or Mechanics()
        self._quirks = quirks
        self.has_power = False
        self.dropped_at: float | None = None
        """When the last note fell into the cassette, for those who measure."""
        self.polls = Polls(now)
        self.resets = 0
        """How often the host has reset it, for those who test."""
        self._speed, self._changed = speed, changed
        self._types = {value: one for one, value in enumerate(values) if value is not None}
        self._halts: set[Halt] = set()
        self._failure = self.failure_code
        self._answers = 0
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
        self._suspended: tuple[Poll, float | None, Callable[[float], None]] | None = None
        self._silent_until = self._heard_at = -1e9
        self._buffer = b""
        """Of the host's bytes, what is no whole frame yet."""

    @property
    def status(self) -> Status:
        """What it is in."""
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
        self._forget()

    def restore_power(self, now: float) -> None:
        """Come up and know where a note is, until RESET."""
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
        self._until = at if poll.status in self._quirks.skips else at + lasts_s / self._speed
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
        if len(self.truth.cassette) >= self._quirks.capacity_notes:
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
            self._reject(at, self.not_recognised)
        elif one not in self._enabled:
            self._reject(at, self.not_wanted)
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
        """A note has come to its end: STACKED or RETURNED."""
        raise NotImplementedError

    def _after_event(self, at: float) -> None:
        """All was said of the note."""
        if self._is_initializing:
            self._go(Poll(Status.INITIALIZE), at, INITIALIZE_S / 2, self._rest)
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

    # --- what a host can do -----------------------------------------------------------------------------------------

    def _reset(self, now: float) -> None:
        self.resets += 1
        self._silent_until = now + self._quirks.silent_after_reset_s / self._speed
        if self._quirks.jam_yields_to_reset and self.truth.jam:
            self.truth.jam = False
            self._changed(self.truth)
        self._initialize(now)

    def _take_types(self, enabled: frozenset[int], escrow: frozenset[int], now: float) -> None:
        """Take notes of these types from now on; closing the slot over a note gives the note back."""
        if self._is_initializing or self.status in POWER_UPS:
            return  # acknowledged and forgotten, as real units do
        self._enabled, self._escrow = enabled & frozenset(self._types.values()), escrow
        if self.status in (Status.IDLING, Status.DISABLED):
            self._rest(now)
        elif self.status in (Status.ACCEPTING, Status.ESCROW) and not enabled:
            self._give_back(now)

    def receive(self, data: bytes, now: float) -> bytes:
        """Bytes of the host arrive; what goes back at once."""
        self._advance(now)
        if not self.has_power:
            return b""
        back = data if self._quirks.echoes else b""
        begun = self._buffer if now - self._heard_at <= GAP_S else b""
        self._heard_at, self._buffer = now, (begun + data)[-self.buffer_max_bytes :]
        while True:
            item, self._buffer = self._take(self._buffer)
            if item is None:
                return back
            if now >= self._silent_until:
                back += self._obey(item, now)

    def _take(self, buffer: bytes) -> tuple[Any, bytes]:
        """One item off the front of the host's bytes, as the protocol's `take` gives it."""
        raise NotImplementedError

    def _obey(self, item: Any, now: float) -> bytes:
        """Do what a frame says, and let noise be; what goes back at once."""
        raise NotImplementedError

    def _transmit(self, frame: bytes, now: float) -> bytes:
        """Send an answer, as well as this wire can; what of it leaves at once."""
        quirks = self._quirks
        number, self._answers = self._answers, self._answers + 1
        if number in quirks.damaged_answers:
            frame = frame[:-1] + bytes((frame[-1] ^ 0x55,))
        frame = quirks.noise + frame
        if quirks.lost_answers:
            quirks.lost_answers -= 1
            return b""
        if quirks.answers_late_s:
            self._outbox.append((now + quirks.answers_late_s, frame))
            return b""
        return frame

    # --- hands that interfere ---------------------------------------------------------------------------------------

    def jam(self, now: float) -> None:
        """Whatever moves gets stuck where it is."""
        self._advance(now)
        self.truth.jam = True
        self._changed(self.truth)
        if self._is_up and not self._is_initializing:
            self._rest(now)

    def fail(self, code: int, now: float) -> None:
        """Something breaks: FAILED with this code."""
        self._advance(now)
        self._halts.add(Halt.FAILED)
        self._failure = code
        if self._is_up:
            self._rest(now)

    def take_cassette_out(self, now: float) -> None:
        """A collector pulls the cassette."""
        self._advance(now)
        self.truth.cassette_is_in = False
        self._changed(self.truth)
        if self._is_up:
            self._enabled = self._escrow = frozenset()
            self._rest(now)

    def put_cassette_in(self, now: float) -> None:
        """The cassette is back; the validator tests itself."""
        self._advance(now)
        if self.truth.cassette_is_in:
            return
        self.truth.cassette_is_in = True
        self._changed(self.truth)
        if self._is_up:
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

    def take_unasked(self, now: float) -> None:
        """The note in the head is stacked at once, whatever the host has said or not said."""
        self._advance(now)
        if self._is_up and self.truth.head is not None and self.status is not Status.STACKING:
            self._suspended = None
            self._stack(now)

    def give_back_unasked(self, now: float) -> None:
        """The note in the head is not stacked but given back, whatever the host was promised."""
        self._advance(now)
        if self._is_up and self.truth.head is not None and self.status is not Status.RETURNING:
            self._suspended = None
            self._give_back(now)

    def fish_out(self, now: float) -> None:
        """Somebody pulls the note in the head out again; what has passed the gate stays."""
        self._advance(now)
        if not self._is_up or self.truth.head is None:
            return
        self._move(self.truth.push_out)
        self._rest(now)
        self.cheat(now)

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
        elif self._is_up:
            if was_stuck:
                self._initialize(now)
            elif was_paused:
                self._resume(now)

    @property
    def _is_up(self) -> bool:
        return self.has_power and self.status not in POWER_UPS

    def _suspend(self, poll: Poll, now: float) -> None:
        self._advance(now)
        if not self._is_up or self._suspended is not None:
            return
        left_s = None if self._until is None else self._until - now
        self._suspended = (self._poll, left_s, self._then)
        self._poll, self._until = poll, None

    def _resume(self, now: float) -> None:
        if self._suspended is None:
            return
        (self._poll, left_s, self._then), self._suspended = self._suspended, None
        self._until = None if left_s is None else now + left_s
        if self.status in (Status.IDLING, Status.DISABLED):
            self._rest(now)  # the host may have spoken meanwhile

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
                self.fail(self.failure_code, now)
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
