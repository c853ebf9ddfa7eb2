"""A simulated SSP bill validator: what the machine says on the wire, and a wire that misbehaves on demand.

Sans I/O and without a clock: whoever runs it says what time it is. `python -m devices.ssp.simulator --pty LINK`
puts it behind a real pseudo-terminal.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from devices.console import main
from devices.ssp import cipher
from devices.ssp import protocol as p
from devices.ssp.protocol import Channel, Counters, Event, EventCode, Frame, Noise, Reply, Response, Setup
from devices.validator import machine
from devices.validator.dialect import Poll, Status
from devices.validator.machine import COMMANDS, Machine
from devices.validator.mechanics import Mechanics

SERIAL_NUMBER = 1_873_452
ESCROW_TIMED_OUT, REJECTED_BY_HOST = 0x13, 0x08

RUSSIAN_TABLE = (10, 50, 100, 200, 500, 1000, 2000, 5000)
"""Whole roubles, channel 1 first."""
MULTIPLIER = 10
BYTE_VALUE_MAX = 255 * MULTIPLIER
"""Larger notes have no value in the set-up of an old protocol version."""
TOLD_UNTIL_ACK = (EventCode.CREDIT_NOTE, EventCode.CLEARED_TO_CASSETTE, EventCode.CHEATED)


@dataclass
class Quirks(machine.Quirks):
    """How this unit differs from the book."""

    version_max: int = 8
    """The newest protocol version it speaks."""
    has_encryption: bool = True
    wants_encryption: bool = False
    """Answer KEY_NOT_SET to whatever is not sealed, but for the exchange of keys."""
    has_acks: bool = True
    """Know POLL_WITH_ACK."""
    names_cleared: bool = True
    """What was cleared at power-up has its channel; else 0, or with `is_terse` no byte at all."""
    is_terse: bool = False
    repeats_faults: bool = False
    """Jam, full cassette and disabled with every answer; else once."""
    stacks_when_silent: bool = False
    """A note at escrow that nobody asks about is stacked after the time-out, not given back."""


class Simulator(Machine):
    """One SSP validator. `now` is monotonic seconds and never goes back."""

    buffer_max_bytes = 2 * p.FRAME_SIZE_MAX

    failure_code = EventCode.NOTE_PATH_OPEN
    not_recognised, not_wanted = 0x04, 0x0C

    def __init__(
        self,
        now: float = 0.0,
        truth: Mechanics | None = None,
        *,
        speed: float = 1.0,
        quirks: Quirks | None = None,
        table: Sequence[int] = RUSSIAN_TABLE,
        changed: Callable[[Mechanics], None] = lambda truth: None,
    ) -> None:
        self.quirks = quirks or Quirks()
        self.serial_number = SERIAL_NUMBER
        self._table = tuple(table)
        self._secrets = random.Random(len(table))
        super().__init__(now, truth, speed=speed, quirks=self.quirks, values=(None, *table), changed=changed)

    def _forget(self) -> None:
        super()._forget()
        self._last_sequence: int | None = None
        self._last_answer = b""
        self._version = 4
        self._events: list[Event] = []
        self._unacknowledged: bytes | None = None
        self._is_escrow_told = self._is_credit_told = False
        self._is_on = False
        self._channels: frozenset[int] = frozenset()
        self._reject_code = 0
        self._generator = self._modulus = 0
        self._key: bytes | None = None
        self._count = 0
        self.is_offended = False
        """A packet came that was sealed with another key: out of service until a reset."""

    def restore_power(self, now: float) -> None:
        """Come up, say so, and clear the path without being asked."""
        if self.has_power:
            return
        self.has_power = True
        self._initialize(now)

    # --- what becomes of a note -----------------------------------------------------------------------------------

    def _tell(self, code: EventCode, channel: int | None = None) -> None:
        self._events.append(Event(code, channel))

    def _initialize(self, at: float) -> None:
        self._is_on = False
        self._tell(EventCode.SLAVE_RESET)
        super()._initialize(at)

    def _rest(self, at: float) -> None:
        before = self._poll
        self._enable()
        super()._rest(at)
        if self._poll != before and (event := _FAULTS.get(self.status)) is not None:
            self._tell(event)
        if self.status is Status.DISABLED and before.status is not Status.DISABLED:
            self._tell(EventCode.DISABLED)

    def _enable(self) -> None:
        self._enabled = self._escrow = self._channels if self._is_on else frozenset()

    def insert(self, value: int, now: float) -> str | None:
        """Push a note (whole units) into the slot; None when the motor took it, else why not."""
        refusal = super().insert(value, now)
        if refusal is None:
            self._tell(EventCode.READ_NOTE, 0)
        return refusal

    def _wait_for_host(self, at: float) -> None:
        self._tell(EventCode.READ_NOTE, self._poll.detail)
        self._be_patient(at)

    def _be_patient(self, at: float) -> None:
        self._until, self._then = at + machine.ESCROW_S, self._lose_patience

    def _lose_patience(self, at: float) -> None:
        if self.quirks.stacks_when_silent:
            self._stack(at)
        else:
            self._reject_code = ESCROW_TIMED_OUT
            self._give_back(at)

    def _reject(self, at: float, reason: int) -> None:
        self._reject_code = reason
        self._tell(EventCode.REJECTING)
        super()._reject(at, reason)

    def _put_out(self, at: float) -> None:
        self._tell(EventCode.REJECTED)
        super()._put_out(at)

    def _give_back(self, at: float) -> None:
        self._is_escrow_told = False
        if not self._is_initializing:
            self._tell(EventCode.REJECTING)
        super()._give_back(at)

    def _stack(self, at: float) -> None:
        self._is_escrow_told = False
        self._tell(EventCode.STACKING)
        super()._stack(at)

    def _pass_gate(self, at: float) -> None:
        assert self.truth.head is not None
        channel = self._types[self.truth.head]
        super()._pass_gate(at)
        self._is_credit_told = False
        self._tell(EventCode.CREDIT_NOTE, channel)

    def _announce(self, status: Status, value: int, at: float) -> None:
        if self._is_initializing:
            if self.quirks.announces_after_reset:
                cleared = (
                    EventCode.CLEARED_FROM_FRONT
                    if status is Status.RETURNED
                    else EventCode.CLEARED_TO_CASSETTE
                )
                self._tell(cleared, self._cleared_channel(value))
            self._after_event(at)
        elif status is Status.RETURNED:
            self._tell(EventCode.REJECTED)
            self._after_event(at)
        else:
            self._tell(EventCode.STACKED)
            self._poll, self._until = Poll(Status.STACKED), None
            self._go_on(at)

    def _cleared_channel(self, value: int) -> int | None:
        if self.quirks.is_terse:
            return None
        return self._types.get(value, 0) if self.quirks.names_cleared else 0

    def _resume(self, now: float) -> None:
        super()._resume(now)
        self._go_on(now)

    def _go_on(self, at: float) -> None:
        """No further note before the host has heard of the last one's credit."""
        if self.status is Status.STACKED and self._is_credit_told:
            self._after_event(at)

    # --- hands that interfere ---------------------------------------------------------------------------------------

    def cheat(self, now: float) -> None:
        """Somebody pulls at the note."""
        if self.has_power:
            self._tell(EventCode.CHEATED, 0)
        super().cheat(now)

    def put_cassette_in(self, now: float) -> None:
        """The cassette is back; without a note inside nothing needs a test."""
        self._advance(now)
        if not self.truth.is_empty or not self._is_up:
            super().put_cassette_in(now)
        elif not self.truth.cassette_is_in:
            self._tell(EventCode.CASSETTE_REPLACED)
            self.truth.cassette_is_in = True
            self._changed(self.truth)
            if self.status is Status.CASSETTE_OUT:
                self._rest(now)

    # --- the wire -----------------------------------------------------------------------------------------------------

    def _take(self, buffer: bytes) -> tuple[Frame | Noise | None, bytes]:
        return p.take(buffer)

    def _obey(self, item: Frame | Noise, now: float) -> bytes:
        if not isinstance(item, Frame) or item.address != p.VALIDATOR:
            return b""
        return self._obey_frame(item, now)

    def _obey_frame(self, frame: Frame, now: float) -> bytes:
        if frame.data == p.SYNC:
            self._last_sequence = 1
            return self._send(frame, p.encode_reply(Reply(Response.OK)), now)
        if frame.sequence == self._last_sequence:
            return self._transmit(self._last_answer, now)
        command, is_sealed = frame.data, p.is_sealed(frame.data)
        if is_sealed:
            if self._key is None:
                return self._send(frame, p.encode_reply(Reply(Response.KEY_NOT_SET)), now)
            try:
                command = cipher.open_(self._key, self._count, frame.data)
            except cipher.OutOfStep:
                return b""
            except cipher.BadSeal:
                self.is_offended = True
        if self.is_offended or self._is_lost(command):
            return b""
        reply = p.encode_reply(self._answer(command, is_sealed, now))
        if is_sealed and self._key is not None:
            padding = self._secrets.randbytes(cipher.PADDING_MAX)
            reply = cipher.seal(self._key, self._count + 1, reply, padding)
            self._count += 2
        return self._send(frame, reply, now)

    def _send(self, frame: Frame, data: bytes, now: float) -> bytes:
        self._last_sequence = frame.sequence
        self._last_answer = p.encode(Frame(frame.address, frame.sequence, data))
        return self._transmit(self._last_answer, now)

    def _is_lost(self, command: bytes) -> bool:
        """Whether the line has swallowed it."""
        quirks = self.quirks
        if command == p.EVENT_ACK and quirks.lost_acks:
            quirks.lost_acks -= 1
            return True
        is_taking = command in (p.POLL, p.POLL_WITH_ACK) and self._is_escrow_told
        if is_taking and quirks.lost_stacks:
            quirks.lost_stacks -= 1
            return True
        return False

    def _answer(self, command: bytes, is_sealed: bool, now: float) -> Reply:
        """Carry out a command."""
        code = command[0]
        if code in (p.SET_GENERATOR_CODE, p.SET_MODULUS_CODE, p.REQUEST_KEY_EXCHANGE_CODE):
            return (
                self._exchange_keys(command)
                if self.quirks.has_encryption
                else Reply(Response.UNKNOWN_COMMAND)
            )
        if self.quirks.wants_encryption and not is_sealed:
            return Reply(Response.KEY_NOT_SET)
        is_poll = command in (p.POLL, p.POLL_WITH_ACK)
        if self.status is Status.ESCROW and not is_poll:
            self._be_patient(now)
        match command:
            case p.POLL:
                return self._show(now, until_ack=False)
            case p.POLL_WITH_ACK if is_sealed and self.quirks.has_acks:
                return self._show(now, until_ack=True)
            case p.EVENT_ACK if is_sealed and self.quirks.has_acks:
                return self._take_ack(now)
            case p.HOLD:
                return Reply(Response.OK if self._holds_note else Response.CANNOT_PROCESS)
            case p.REJECT if self._holds_note:
                self._resume(now)
                self._reject_code = REJECTED_BY_HOST
                self._give_back(now)
                return Reply(Response.OK)
            case p.REJECT:
                return Reply(Response.CANNOT_PROCESS)
            case p.ENABLE | p.DISABLE:
                return self._switch(command == p.ENABLE, now)
            case p.RESET:
                self._restart(now)
                return Reply(Response.OK)
            case p.SETUP_REQUEST:
                return Reply(Response.OK, p.encode_setup(self._setup()))
            case p.GET_SERIAL_NUMBER:
                return Reply(Response.OK, p.encode_serial_number(self.serial_number))
            case p.LAST_REJECT_CODE:
                return Reply(Response.OK, bytes((self._reject_code,)))
            case p.GET_COUNTERS:
                counters = Counters(self.truth.stacked, 0, 0, 0, len(self.truth.returned))
                return Reply(Response.OK, p.encode_counters(counters))
            case _ if code == p.SET_INHIBITS_CODE:
                self._channels = p.accepted(command[1:]) & frozenset(self._types.values())
                self._settle(now)
                return Reply(Response.OK)
            case _ if code == p.HOST_PROTOCOL_VERSION_CODE and len(command) == 2:
                if command[1] > self.quirks.version_max:
                    return Reply(Response.FAIL)
                self._version = command[1]
                return Reply(Response.OK)
            case _:
                return Reply(Response.UNKNOWN_COMMAND)

    @property
    def _holds_note(self) -> bool:
        """Whether a note is at escrow, also under somebody's hand."""
        poll = self._suspended[0] if self._suspended is not None else self._poll
        return poll.status is Status.ESCROW

    def _exchange_keys(self, command: bytes) -> Reply:
        number = p.decode_number(command[1:])
        match command[0]:
            case p.SET_GENERATOR_CODE | p.SET_MODULUS_CODE if not cipher.is_prime(number):
                return Reply(Response.OUT_OF_RANGE)
            case p.SET_GENERATOR_CODE:
                self._generator = number
                return Reply(Response.OK)
            case p.SET_MODULUS_CODE:
                self._modulus = number
                return Reply(Response.OK)
            case _ if not (self._generator and self._modulus):
                return Reply(Response.FAIL)
        secret = self._secrets.randrange(1, 2**16)
        told = cipher.intermediate(self._generator, secret, self._modulus)
        negotiated = cipher.negotiated(number, secret, self._modulus)
        self._key, self._count = cipher.shared_key(cipher.FIXED_KEY, negotiated), 0
        return Reply(Response.OK, p.encode_number(told))

    def _show(self, now: float, *, until_ack: bool) -> Reply:
        """The events since the last POLL; a note at escrow that was told of is taken."""
        self.polls.note(now)
        if self._unacknowledged is not None:
            return Reply(Response.OK, self._unacknowledged)
        if self.status is Status.ESCROW and self._is_escrow_told:
            self._stack(now)
        events, self._events = self._events, []
        codes = {event.code for event in events}
        if self.status is Status.ESCROW:  # else what is told is of a note that went back already
            self._is_escrow_told = True
        if until_ack and self._is_initializing:
            events.append(Event(EventCode.INITIALISING))
        lasting = _REPEATED.get(self.status) if self.quirks.repeats_faults else None
        if lasting is not None and lasting not in codes:
            events.append(Event(lasting))
        if lasting is EventCode.CASSETTE_REMOVED:
            events.append(Event(EventCode.DISABLED))  # a unit out of service says both
        data = p.encode_events(events)
        if until_ack and any(event.code in TOLD_UNTIL_ACK for event in events):
            self._unacknowledged = data
        elif EventCode.CREDIT_NOTE in codes:
            self._is_credit_told = True
            self._go_on(now)
        return Reply(Response.OK, data)

    def _take_ack(self, now: float) -> Reply:
        if self._unacknowledged is None:
            return Reply(Response.CANNOT_PROCESS)
        self._unacknowledged = None
        self._is_credit_told = True
        self._go_on(now)
        return Reply(Response.OK)

    def _switch(self, is_on: bool, now: float) -> Reply:
        if is_on and self._is_initializing:
            return Reply(Response.CANNOT_PROCESS)
        self._is_on = is_on
        if not is_on and self.status in (Status.ACCEPTING, Status.ESCROW):
            self._reject_code = self.not_wanted
            self._give_back(now)
        self._settle(now)
        return Reply(Response.OK)

    def _settle(self, now: float) -> None:
        if self.status in (Status.IDLING, Status.DISABLED):
            self._rest(now)

    def _restart(self, now: float) -> None:
        """All but the notes is forgotten."""
        truth_only = self.has_power
        self._forget()
        self.has_power = truth_only
        self._reset(now)

    def _setup(self) -> Setup:
        is_expanded = self._version >= p.EXPANDED_VERSION
        channels = tuple(
            Channel(
                number,
                "RUB" if is_expanded else "RUS",
                value if is_expanded or value <= BYTE_VALUE_MAX else 0,
                2,
            )
            for number, value in enumerate(self._table, 1)
        )
        return Setup(0, "0110", "RUS", 0 if is_expanded else MULTIPLIER, 100, self._version, channels)


_FAULTS = {
    Status.JAMMED: EventCode.UNSAFE_JAM,
    Status.FAILED: EventCode.NOTE_PATH_OPEN,
    Status.CASSETTE_OUT: EventCode.CASSETTE_REMOVED,
    Status.CASSETTE_FULL: EventCode.CASSETTE_FULL,
}
_REPEATED = _FAULTS | {Status.DISABLED: EventCode.DISABLED}


def _build(truth: Mechanics, speed: float, changed: Callable[[Mechanics], None]) -> Simulator:
    return Simulator(time.monotonic(), truth, speed=speed, changed=changed)


if __name__ == "__main__":
    sys.exit(main("devices.ssp.simulator", COMMANDS, Mechanics, _build))
