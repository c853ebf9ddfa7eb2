"""SSP and eSSP as the driver of a bill validator speaks it.

Here a POLL takes the note at escrow, so while one waits there HOLD is asked instead, and POLL is what stacks it. Events
come in lists and only once; what they say is made a state again, which lasts until the next event. Money is said until
it is acknowledged where the device has encryption; else the one answer that names it is repeated by the sequence bit
until it has arrived, and what the host lost by dying then, it does not hear again.

Source: Innovative Technology, "SSP Interface Protocol" (GA138): events, escrow, start-up; the times are the host's own
choice.
"""

from __future__ import annotations

from collections import deque

from devices.link import LineSettings, LinkLost
from devices.ssp import cipher
from devices.ssp import protocol as p
from devices.ssp.exchange import Draw, Exchange
from devices.ssp.protocol import Event, EventCode, Reply, Response, Setup
from devices.steps import Program, Time, flush, sleep
from devices.validator.dialect import Bill, Identity, Outcome, Poll, Status
from kassa.money import Money

OPENING_MS = 50
"""Whoever had the port before us may just have spoken."""
VERSIONS = (8, 7, 6, 5, 4)
"""Of the protocol, the most telling first: 9 has events of another shape, below 4 there are none in the field."""
FAULT_LASTS_S = 3.0
"""Some firmware repeats a fault with every answer: told no more for so long, it is over. Some tells it once; then it
lasts until something else is told, which a reset brings about."""
INITIALIZE_S = 10.0
"""So long after its start a device may keep to itself what it found in its path; then it has found nothing."""
FALL_S = 5.0
"""So long a note falls at most after its credit; only then is it counted."""
HOLD_MAX_S = 10.0
"""A note that nobody decides about goes back, as other validators do it by themselves."""
MONEY = (EventCode.CREDIT_NOTE, EventCode.CLEARED_TO_CASSETTE)
UNTIL_ACK = (*MONEY, EventCode.CHEATED)
"""Repeated, with all that came beside it, until EVENT ACK, where the device knows that."""

LEVELS = {
    EventCode.STACKING: Status.STACKING,
    EventCode.CASSETTE_FULL: Status.CASSETTE_FULL,
    EventCode.UNSAFE_JAM: Status.JAMMED,
    EventCode.SAFE_JAM: Status.CASSETTE_JAMMED,
    EventCode.NOTE_PATH_OPEN: Status.FAILED,
    EventCode.CHEATED: Status.CHEATED,
    EventCode.INITIALISING: Status.INITIALIZE,
}
LASTS_S = {
    Status.IDLING: 0.0,
    Status.DISABLED: 0.0,
    Status.REJECTING: 0.0,
    Status.BUSY: 0.0,
    Status.INITIALIZE: INITIALIZE_S,
    Status.CHEATED: FAULT_LASTS_S,
}
"""How long a state lasts without being told again; others last until another one is told."""
FAULTS = (Status.CASSETTE_FULL, Status.JAMMED, Status.CASSETTE_JAMMED, Status.FAILED)
TOLD_ONCE = (
    Status.STACKED, Status.RETURNED, Status.ESCROW, Status.ACCEPTING, Status.POWER_UP, Status.REJECTING,
    Status.UNKNOWN,
)  # fmt: skip
"""The driver must see each of these; of other states the last one in a list is enough."""
LASTING = (Status.ESCROW, Status.ACCEPTING)
"""Of these, what remains until something else is said."""


class SspDialect:
    """One SSP validator on the line; implements `devices.validator.dialect.Dialect`.

    `fixed_key` is the half of the key that both sides know beforehand; `draw` makes random numbers.
    """

    name = "SSP"
    line = LineSettings(9600, stop_bits=2)
    holds_money = False
    """Only those with POLL WITH ACK; the count tells of all."""
    names_power_ups = False
    """Events that come later tell of a note."""
    ack_fresh_s = 60.0
    """An event waits for its acknowledgement as long as it takes."""

    def __init__(self, now: Time, draw: Draw, fixed_key: int = cipher.FIXED_KEY) -> None:
        self._now = now
        self._line = Exchange(now, fixed_key, draw)
        self._setup: Setup | None = None
        self._has_acks = False
        self._has_come_up = False
        """It has said so, and nothing was agreed upon since."""
        self._waiting: deque[Event] = deque()
        """Events that were heard and not yet told."""
        self._unacknowledged: Poll | None = None
        self._owes_ack = False
        self._is_at_escrow = False
        self._escrow_since = 0.0
        self._channel: int | None = None
        """Of the note that came to escrow last, until something is said of its end."""
        self._goes_back = True
        """A note is on its way back, so its end is a return and no rejection. What was inside when we came is."""
        self._is_credited = False
        """Money was told, and STACKED will follow it."""
        self._is_enabled = False
        self._is_cassette_out = False
        """Said in the answer whose events are told."""
        self._level = Poll(Status.DISABLED)
        self._level_since = 0.0
        self._times_told = 0
        """How often in a row."""

    # --- the start ------------------------------------------------------------------------------------------------

    def begin(self) -> Program[None]:
        """Synchronise, exchange keys, and give back what may lie at escrow before any POLL could take it."""
        yield from sleep(OPENING_MS)
        yield from flush()
        yield from self._introduce()

    def _introduce(self) -> Program[None]:
        yield from self._line.synchronise()
        self._has_acks = yield from self._line.exchange_keys()
        reply = yield from self._line.ask(p.REJECT)
        if reply.response is Response.KEY_NOT_SET:
            raise LinkLost(
                "the validator wants encryption and refuses the key; see validator.fixed_key in kassa.toml"
            )
        for version in VERSIONS:
            reply = yield from self._line.ask(p.host_protocol_version(version))
            if reply.response is Response.OK:
                break
        self._setup = yield from self._read_setup()
        yield from self._close()
        self._has_come_up = False

    def _read_setup(self) -> Program[Setup]:
        reply = yield from self._line.ask(p.SETUP_REQUEST)
        try:
            return p.decode_setup(reply.data)
        except p.Garbled as error:
            raise LinkLost(f"the validator does not say what it is: {error}") from error

    # --- what it says -----------------------------------------------------------------------------------------------

    def poll(self) -> Program[Poll | None]:
        """What is new since the last time, else the state that lasts; a note at escrow stays there."""
        if self._has_come_up:
            return Poll(Status.POWER_UP)  # until somebody sees to it, as other validators say it
        if self._unacknowledged is not None:
            return self._unacknowledged
        if not self._waiting:
            if self._is_at_escrow and (yield from self._hold()):
                return Poll(Status.ESCROW, self._channel)
            yield from self._listen()
        while self._waiting:
            if self._is_unannounced(self._waiting[0]):
                self._waiting.appendleft(Event(EventCode.READ_NOTE, 0))
            poll = yield from self._tell(self._waiting.popleft())
            if poll.status in (Status.STACKED, Status.RETURNED):
                self._unacknowledged = poll
            if poll.status in TOLD_ONCE:
                return poll
        return self._level

    def _is_unannounced(self, event: Event) -> bool:
        """Whether a note comes to escrow whose coming in nobody has heard of: it is another one than the one before."""
        is_at_escrow = event.code is EventCode.READ_NOTE and bool(event.channel)
        return is_at_escrow and self._channel is None and self._level.status is not Status.ACCEPTING

    def _hold(self) -> Program[bool]:
        """Keep the note at escrow; False when there is none any more."""
        is_in_time = self._now() - self._escrow_since <= HOLD_MAX_S
        if is_in_time and (yield from self._line.ask(p.HOLD)).response is Response.OK:
            return True
        self._is_at_escrow = False
        # Should it be there after all, a POLL would take it: nobody has decided that.
        self._goes_back = (yield from self._line.ask(p.REJECT)).response is Response.OK or self._goes_back
        return False

    def _listen(self) -> Program[Reply]:
        """POLL, in the way that repeats money until it is acknowledged where there is one."""
        command = p.POLL_WITH_ACK if self._has_acks else p.POLL
        reply = yield from self._line.ask(command)
        if reply.response is Response.UNKNOWN_COMMAND and self._has_acks:
            self._has_acks = False
            reply = yield from self._line.ask(p.POLL)
        if reply.response is Response.KEY_NOT_SET:
            raise LinkLost("the validator wants encryption; keys are exchanged anew")
        if reply.response is Response.OK:
            assert self._setup is not None, "its version says how long events are"
            events = p.decode_events(reply.data, self._setup.version)
            self._waiting.extend(events)
            self._is_cassette_out = False
            self._owes_ack = self._has_acks and any(event.code in UNTIL_ACK for event in events)
            if not any(event.code in MONEY for event in events):
                yield from self._pay_ack()
            self._rest_unless_told()
        return reply

    def _rest_unless_told(self) -> None:
        """What lasts: a fault for a while after it was told last, a note's motion until its end is told."""
        lasts_s = LASTS_S.get(self._level.status)
        if self._level.status in FAULTS and self._times_told > 1:
            lasts_s = FAULT_LASTS_S
        if self._level.status is Status.STACKING and self._is_credited:
            lasts_s = FALL_S
        if lasts_s is not None and self._now() - self._level_since > lasts_s:
            self._rest()

    def _rest(self) -> None:
        self._level = Poll(Status.IDLING if self._is_enabled else Status.DISABLED)

    def _tell(self, event: Event) -> Program[Poll]:
        """One event as a state; it becomes the level."""
        poll = yield from self._translate(event)
        self._times_told = self._times_told + 1 if poll == self._level else 1
        self._level, self._level_since = poll, self._now()
        if poll.status is Status.POWER_UP:
            self._level = Poll(Status.INITIALIZE)
        elif self._is_credited and poll.status is Status.STACKED:
            self._level = Poll(Status.STACKING)
        elif poll.status in TOLD_ONCE and poll.status not in LASTING:
            self._rest()
        return poll

    def _translate(self, event: Event) -> Program[Poll]:
        match event.code:
            case EventCode.READ_NOTE if event.channel:
                if not self._is_at_escrow:
                    self._escrow_since = self._now()
                self._is_at_escrow, self._channel, self._goes_back = True, event.channel, False
                return Poll(Status.ESCROW, event.channel)
            case EventCode.READ_NOTE:
                self._forget_note()
                return Poll(Status.ACCEPTING)
            case EventCode.CREDIT_NOTE | EventCode.CLEARED_TO_CASSETTE:
                self._forget_note()
                self._is_credited = event.code is EventCode.CREDIT_NOTE
                return Poll(Status.STACKED, event.channel or None)
            case EventCode.STACKED if not self._is_credited:
                # Whoever heard of its credit did not live to tell, or nobody has.
                channel = self._channel
                self._forget_note()
                return Poll(Status.STACKED, channel)
            case EventCode.STACKED:
                self._is_credited = False
                return Poll(Status.BUSY)
            case EventCode.CLEARED_FROM_FRONT:
                self._forget_note()
                return Poll(Status.RETURNED, event.channel or None)
            case EventCode.REJECTING:
                self._is_at_escrow = False
                self._goes_back = self._goes_back or self._channel is not None
                return Poll(Status.RETURNING if self._goes_back else Status.ACCEPTING)
            case EventCode.REJECTED if self._goes_back or self._channel is not None:
                channel = self._channel
                self._forget_note()
                return Poll(Status.RETURNED, channel)
            case EventCode.REJECTED:
                return Poll(Status.REJECTING, (yield from self._read_reject_code()))
            case EventCode.SLAVE_RESET:
                self._forget_note()
                self._is_enabled, self._has_come_up = False, True
                return Poll(Status.POWER_UP)
            case EventCode.CASSETTE_REMOVED:
                self._is_cassette_out = True
                return Poll(Status.CASSETTE_OUT)
            case EventCode.DISABLED if self._is_cassette_out:
                self._is_enabled = False  # and that is why
                return Poll(Status.CASSETTE_OUT)
            case EventCode.DISABLED | EventCode.ALL_CHANNELS_INHIBITED:
                self._is_enabled = False  # should it be from before our ENABLE, that is sent once more
                return Poll(Status.DISABLED)
            case EventCode.CASSETTE_REPLACED:
                self._is_cassette_out = False
                return Poll(Status.BUSY)
            case EventCode.UNKNOWN:
                return Poll(Status.UNKNOWN, int.from_bytes(event.data[:2], "big"))
            case code if code in LEVELS:
                return Poll(LEVELS[code], code if code is EventCode.NOTE_PATH_OPEN else None)
            case _:
                return self._level  # tickets and payout units: nothing of ours

    def _forget_note(self) -> None:
        self._is_at_escrow = self._goes_back = False
        self._channel = None

    def _read_reject_code(self) -> Program[int | None]:
        reply = yield from self._line.ask(p.LAST_REJECT_CODE)
        try:
            return p.decode_reject_code(reply.data)
        except p.Garbled:
            return None

    def acknowledge(self) -> Program[None]:
        """EVENT ACK, which only money waits for."""
        told, self._unacknowledged = self._unacknowledged, None
        if told is not None and not any(event.code in MONEY for event in self._waiting):
            yield from self._pay_ack()

    def _pay_ack(self) -> Program[None]:
        if self._owes_ack:
            yield from self._line.ask(p.EVENT_ACK)
            self._owes_ack = False

    # --- what it is told --------------------------------------------------------------------------------------------

    def stack(self) -> Program[Outcome]:
        """The POLL that takes the note."""
        self._is_at_escrow = False
        reply = yield from self._listen()
        return Outcome.ACCEPTED if reply.response is Response.OK else Outcome.REFUSED

    def give_back(self) -> Program[Outcome]:
        """REJECT."""
        reply = yield from self._line.ask(p.REJECT)
        if reply.response is not Response.OK:
            return Outcome.REFUSED
        self._is_at_escrow, self._goes_back = False, True
        return Outcome.ACCEPTED

    def set_slot(self, bill_types: frozenset[int]) -> Program[Outcome]:
        """The channels, then the slot."""
        if not bill_types:
            return (yield from self._close())
        for command in (p.set_inhibits(bill_types), p.ENABLE):
            reply = yield from self._line.ask(command)
            if reply.response is not Response.OK:
                return Outcome.REFUSED
        self._is_enabled = True
        self._rest_unless_told()
        return Outcome.ACCEPTED

    def _close(self) -> Program[Outcome]:
        reply = yield from self._line.ask(p.DISABLE)
        self._is_enabled = False
        self._rest_unless_told()
        return Outcome.ACCEPTED if reply.response is Response.OK else Outcome.REFUSED

    def reset(self) -> Program[None]:
        """RESET; afterwards all has to be agreed upon anew."""
        yield from self._line.restart()
        yield from self._introduce()

    def leave_power_up(self) -> Program[bool]:
        """It begins by itself, and has forgotten what was agreed upon."""
        yield from self._introduce()
        return False

    def identify(self) -> Program[Identity]:
        """Firmware and serial number."""
        assert self._setup is not None
        reply = yield from self._line.ask(p.GET_SERIAL_NUMBER)
        try:
            serial = str(p.decode_serial_number(reply.data))
        except p.Garbled:
            serial = ""
        version = self._setup.firmware.strip()
        return Identity(f"ITL {self._setup.country} {version[:-2]}.{version[-2:]}", serial)

    def read_table(self) -> Program[tuple[Bill | None, ...] | None]:
        """The channels of the set-up; they are counted from 1."""
        yield from ()
        setup = self._setup
        assert setup is not None
        return (None, *(_Channel(setup, one.number, one.currency) for one in setup.channels))

    def count(self) -> Program[int | None]:
        """GET COUNTERS; a note at escrow stays there."""
        reply = yield from self._line.ask(p.GET_COUNTERS)
        try:
            return p.decode_counters(reply.data).stacked
        except p.Garbled:
            return None

    def rejection(self, reason: int | None) -> str:
        """The last reject code in words."""
        return p.rejection(reason)

    def failure(self, code: int | None) -> str:
        """What is broken; SSP knows one kind."""
        return "note path open" if code == EventCode.NOTE_PATH_OPEN else f"code {code}"


class _Channel:
    """A channel of the set-up, as `devices.validator.dialect.Bill` has it."""

    def __init__(self, setup: Setup, number: int, currency: str) -> None:
        self._setup, self._number, self.country = setup, number, currency

    def money(self, currency: str) -> Money | None:
        """The value in `currency`."""
        return self._setup.money(self._number, currency)
