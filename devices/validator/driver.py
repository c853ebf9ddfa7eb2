"""A bill validator as the core sees it: commands in, facts out, no note lost on the way, whatever protocol it speaks.

Three rules carry the money. A note counts when the device says STACKED, never when it took our command. STACKED is
acknowledged after the core's journal has it, as the device repeats what nobody acknowledged. And a device that was
running while nobody listened is heard out before anything resets it.

The times are the host's own choice, unless it is said whose they are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from devices.link import LinkLost
from devices.steps import Program, Time, await_command, report, sleep
from devices.validator.dialect import POWER_UPS, Dialect, Outcome, Poll, Status
from kassa.money import Money
from kassa.ports import (
    Counted,
    DisableNotes,
    EnableNotes,
    Evidence,
    EvidenceFound,
    NoteEscrowed,
    NoteMissing,
    NoteRejected,
    NoteReturned,
    NoteStacked,
    ReturnNote,
    StackNote,
    ValidatorChanged,
    ValidatorCommand,
    ValidatorLost,
    ValidatorReady,
    ValidatorState,
)

POLL_OPEN_MS = 100
"""Notes move: a customer should not wait for us."""
POLL_CLOSED_MS = 200
REST_POLLS = 2
"""So many times at rest in a row, and what was said of a note is all that will be said."""
RETRY_S = 1.0
"""A unit that does not do what it accepted is told again after this."""
TELL_TRIES_MAX = 3
"""So often STACK or RETURN is sent for one note, and never without seeing the note still at escrow."""
ENABLE_TRIES_MAX = 5
"""So often a slot is told to open or close before the device counts as lost."""
INITIALIZE_MAX_S = 60.0
"""Slow units need 40 s; more means a weak power supply."""
FAULT_RESET_S = 4.0
"""A fault that lasts so long is worth a RESET: 20 polls, as deposit machines do it."""
NOTE_RESET_S = 30.0
"""The same with a note inside: a technician's hand is better evidence than a RESET."""
STUCK_S = 30.0
"""No motion takes so long; stacking takes 1 to 3 s."""
HAND_RESET_S = 60.0
"""So long a hand may lie on the slot before a RESET is tried."""
RESETS_MAX = 10
"""Then only a technician helps."""
RECOVERED_S = 60.0
"""At rest for so long, and the resets are counted from the beginning."""
REST_TRIES_MAX = 50
"""So many polls at rest are enough to close the slot and read the table."""
OWED_MAX = 100
"""Notes that wait for the bill table; in an ordinary life there is one at most."""

AT_ESCROW = (Status.ESCROW, Status.HOLDING)
EVENTS = (Status.STACKED, Status.RETURNED)
EVIDENCE = {
    Status.POWER_UP_IN_HEAD: Evidence.NOTE_IN_HEAD,
    Status.POWER_UP_IN_STACKER: Evidence.NOTE_IN_STACKER,
    Status.RETURNED: Evidence.NOTE_IN_HEAD,
    Status.STACKED: Evidence.NOTE_IN_STACKER,
}
"""What each says of the note that was in flight when the link went."""
RESTING = (Status.IDLING, Status.DISABLED, Status.ACCEPTING, Status.REJECTING)
"""The note before this one is no longer inside."""
NOTE_STATES = (*RESTING, Status.ESCROW, Status.HOLDING, Status.STACKING, Status.RETURNING)
"""An event that comes after one of these is another note's; the other states may interrupt an event's repetition."""
MOVING = (Status.ACCEPTING, Status.STACKING, Status.RETURNING, Status.HOLDING, Status.REJECTING, Status.BUSY)
FAULTS = (Status.JAMMED, Status.CASSETTE_JAMMED, Status.FAILED)
HANDS = (Status.CHEATED, Status.PAUSED)
TELLS_TABLE = (*FAULTS, Status.DISABLED, Status.INITIALIZE, Status.CASSETTE_FULL, Status.CASSETTE_OUT)
STATES = {
    Status.POWER_UP: ValidatorState.STARTING,
    Status.POWER_UP_IN_HEAD: ValidatorState.STARTING,
    Status.POWER_UP_IN_STACKER: ValidatorState.STARTING,
    Status.INITIALIZE: ValidatorState.STARTING,
    Status.IDLING: ValidatorState.IDLING,
    Status.ACCEPTING: ValidatorState.HANDLING_NOTE,
    Status.STACKING: ValidatorState.HANDLING_NOTE,
    Status.RETURNING: ValidatorState.HANDLING_NOTE,
    Status.DISABLED: ValidatorState.DISABLED,
    Status.HOLDING: ValidatorState.HANDLING_NOTE,
    Status.REJECTING: ValidatorState.HANDLING_NOTE,
    Status.CASSETTE_FULL: ValidatorState.CASSETTE_FULL,
    Status.CASSETTE_OUT: ValidatorState.CASSETTE_OUT,
    Status.JAMMED: ValidatorState.JAMMED,
    Status.CASSETTE_JAMMED: ValidatorState.JAMMED,
    Status.CHEATED: ValidatorState.CHEATED,
    Status.PAUSED: ValidatorState.PAUSED,
    Status.FAILED: ValidatorState.FAILED,
    Status.ESCROW: ValidatorState.HANDLING_NOTE,
    Status.UNKNOWN: ValidatorState.PAUSED,
}
"""BUSY is short and says nothing; STACKED and RETURNED are facts of their own."""
SILENT_AT_START = (ValidatorState.IDLING, ValidatorState.DISABLED, ValidatorState.HANDLING_NOTE)
"""Before ValidatorReady the core need not know more than that the validator is starting."""


@dataclass(frozen=True, slots=True)
class AtEscrow:
    """The core was told of the note and decides."""

    bill_type: int


@dataclass(frozen=True, slots=True)
class GoingIn:
    """STACK was sent."""

    bill_type: int
    tries: int
    sent_at: float
    outcome: Outcome
    may_be_heard: bool
    """Whether the device accepted, or may have accepted, any of our tries."""
    is_pulled: bool = False
    """The device has said since then that somebody pulls at the note."""
    was_silent: bool = False
    """A poll since then got no answer, in which the device may have told of the note."""


@dataclass(frozen=True, slots=True)
class GoingBack:
    """RETURN was sent, or the device gives the note back by itself. `is_known`: the core has heard of it, maybe in an
    earlier life of the link; a note that came in since then must not be taken for it."""

    bill_type: int | None
    is_known: bool
    tries: int = 0
    sent_at: float = 0.0


class ValidatorDriver:
    """One validator whose bill table calls `currency` by one of the names in `countries`.

    Implements `devices.steps.Driver`: commands and facts are those of `kassa.ports`.
    """

    def __init__(self, dialect: Callable[[Time], Dialect], currency: str, countries: tuple[str, ...]) -> None:
        self._dialect, self._currency, self._countries = dialect, currency, countries
        # These outlive the link: they are about money that the core has not heard of yet.
        self._values: tuple[Money | None, ...] = ()
        self._serial = ""
        self._owed: list[Poll] = []
        self._evidence = Evidence.NOTHING
        self._note: AtEscrow | GoingIn | GoingBack | None = None
        self._has_rested = False
        self._is_starting = True
        self._former_is_over = False

    def _begin_life(self, now: Time) -> None:
        self._now, self._line = now, self._dialect(now)
        self._was_reset = False
        self._resets = 0
        self._was_restarted = False
        """Whether the device was seen to begin anew in this life of the link."""
        self._has_told = False
        """Whether it said in this life of the link that a note was stacked."""
        self._is_news = False
        """Whether a note that is stacked now was not stacked before: it lay in the head at the power-up."""
        self._told: ValidatorChanged | None = None
        self._level: Poll | None = None
        self._level_since = 0.0
        self._rests = 0
        self._held: Poll | None = None
        self._wanted: frozenset[int] = frozenset()
        self._in_force: frozenset[int] | None = None
        self._closed_since_rest = False
        """Whether the core closed the slot after the device was last at rest with a slot to be open."""
        self._enabled_at = 0.0
        self._enable_tries = 0

    def lost(self, reason: str) -> ValidatorLost:
        """What the core hears when the link is gone; the next `program` begins anew."""
        return ValidatorLost(reason)

    def program(self, now: Time) -> Program[None]:
        """Talk to the validator from the moment its port is open; ends only by LinkLost."""
        self._begin_life(now)
        yield from self._line.begin()
        while True:
            yield from self._come_up()
            yield from self._serve()

    # --- the start, and every start of the device in between --------------------------------------------------------

    def _come_up(self) -> Program[None]:
        """Hear the device out, reset it only when it waits for that, learn its bill table, tell the core: ready."""
        self._former_is_over = (
            bool(self._owed)
            or (self._note is not None and self._has_rested)
            or (self._is_starting and self._former_is_over)
        )
        self._is_starting, self._note, self._has_rested = True, None, False
        self._wanted, self._in_force = frozenset(), None  # the core's commands are void
        tries = 0
        while True:
            poll = yield from self._turn()
            if poll is not None and self._owed:
                yield from self._learn_values_for_owed(poll.status)
            elif poll is not None and poll.status is Status.INITIALIZE and not self._values:
                yield from self._read_table()  # some do not tell it before, and a note may come out of this
            if poll is not None and poll.status in POWER_UPS:
                yield from self._leave_power_up(poll.status)
            elif poll is not None and self._rests >= REST_POLLS and self._note is None:
                tries += 1
                if tries > REST_TRIES_MAX:
                    raise LinkLost(
                        "the validator does not close its slot, or tells no bill table; check its firmware"
                    )
                if poll.status is Status.IDLING:
                    yield from self._line.set_slot(frozenset())
                elif poll.status is Status.DISABLED and (yield from self._get_ready()):
                    return
            yield from sleep(POLL_OPEN_MS)

    def _leave_power_up(self, status: Status) -> Program[None]:
        """The state is evidence of the note in flight, and it is gone after RESET: the core keeps it."""
        self._note = None  # there may be another one inside by now
        if status in EVIDENCE and not self._former_is_over:  # else this is about a note that came in since
            self._evidence, self._was_restarted = EVIDENCE[status], True
            yield from report(EvidenceFound(self._evidence))
        else:
            yield from self._lose_trust_in_rest()
            self._former_is_over |= self._line.names_power_ups
        yield from self._read_table()  # now, so that a note it announces while starting has its value
        self._is_news = status is Status.POWER_UP_IN_HEAD
        if (yield from self._line.leave_power_up()):
            self._resets += 1
        if self._resets > RESETS_MAX:
            raise LinkLost(
                f"the validator does not start, though it was reset {RESETS_MAX} times; switch it off and on"
            )

    def _lose_trust_in_rest(self) -> Program[None]:
        """A device that was reset may have forgotten what it would have said; the next life has to know that, too."""
        if self._line.holds_money and not self._was_restarted:
            self._was_restarted = True
            yield from report(EvidenceFound(Evidence.POWER_LOST))

    def _evidence_of_rest(self) -> Evidence:
        """What it means that a device came to rest in this life of the link without a word of a note."""
        says_nothing = self._was_restarted or self._has_told or not self._line.holds_money
        return Evidence.NOTHING if says_nothing else Evidence.NOT_STACKED

    def _get_ready(self) -> Program[bool]:
        """Identity and table; then the slot may be opened."""
        who = yield from self._line.identify()
        if not (yield from self._read_table()):
            return False
        values = sorted({value for value in self._values if value is not None})
        self._is_starting = self._is_news = False
        self._serial = who.serial
        counted = yield from self._count()
        if self._evidence is Evidence.NOTHING:
            self._evidence = self._evidence_of_rest()
        yield from report(ValidatorReady(who.model, who.serial, tuple(values), self._evidence, counted))
        self._evidence = Evidence.NOTHING
        return True

    def _count(self) -> Program[Counted | None]:
        stacked = yield from self._line.count()
        return None if stacked is None else Counted(self._serial, stacked)

    def _learn_values_for_owed(self, status: Status) -> Program[None]:
        """An event waits for its value: get to a state in which the device tells, without delay."""
        if status is Status.IDLING:
            yield from self._line.set_slot(frozenset())
        elif status in TELLS_TABLE:
            yield from self._read_table()

    def _read_table(self) -> Program[bool]:
        """Learn what the bill types are worth, and report what waited for it; False when the device refuses now."""
        bills = yield from self._line.read_table()
        if bills is None:
            return False
        self._values = tuple(
            bill.money(self._currency) if bill is not None and bill.country in self._countries else None
            for bill in bills
        )
        if not any(self._values):
            found = ", ".join(sorted({repr(bill.country) for bill in bills if bill is not None})) or "nothing"
            raise LinkLost(
                f"the validator's bill table has no note of {self._currency}: it names {found}; "
                f"kassa.toml: validator.countries allows {', '.join(map(repr, self._countries))}"
            )
        while self._owed:
            yield from self._report_event(self._owed[0])
            del self._owed[0]
        return True

    def _value(self, bill_type: int | None) -> Money | None:
        """What a note of this type is worth; None for a type that the table does not know in our currency."""
        return self._values[bill_type] if bill_type is not None and bill_type < len(self._values) else None

    # --- service -----------------------------------------------------------------------------------------------------

    def _serve(self) -> Program[None]:
        """Poll and obey, until the device starts anew."""
        self._was_reset = False
        while True:
            poll = yield from self._turn()
            if self._was_reset or (poll is not None and poll.status in POWER_UPS):
                return
            if poll is not None and poll.status in (Status.IDLING, Status.DISABLED) and self._note is None:
                yield from self._set_slot(poll)
            is_calm = self._note is None and not self._in_force
            command = yield from await_command(POLL_CLOSED_MS if is_calm else POLL_OPEN_MS)
            if command is not None:
                yield from self._obey(command)

    def _obey(self, command: ValidatorCommand) -> Program[None]:
        match command, self._note:
            case EnableNotes(values), _:
                self._wanted = frozenset(one for one, value in enumerate(self._values) if value in values)
                self._enable_tries = 0
            case DisableNotes(), _:
                self._wanted = frozenset()
                self._enable_tries = 0
                self._closed_since_rest = True
            case StackNote(), AtEscrow(bill_type):
                yield from self._stack(bill_type)
            case ReturnNote(), AtEscrow(bill_type):
                yield from self._send_back(bill_type, is_known=True)
            case _:
                pass  # the note went back by itself meanwhile, and the core has been told

    def _set_slot(self, poll: Poll) -> Program[None]:
        """Let the device take what the core wants, between two notes only; its state tells whether it does."""
        at = self._now()
        if self._wanted:
            self._closed_since_rest = (
                False  # at rest: a note that comes now comes into the slot as it is meant now
            )
        if self._in_force == self._wanted:
            if (poll.status is Status.IDLING) == bool(self._wanted):
                self._enable_tries = 0
                return
            if at - max(self._level_since, self._enabled_at) < RETRY_S:
                return
        if self._enable_tries >= ENABLE_TRIES_MAX:
            raise LinkLost(
                f"the validator does not {'open' if self._wanted else 'close'} its slot; check its firmware"
            )
        self._enable_tries += 1
        outcome = yield from self._line.set_slot(self._wanted)
        self._enabled_at = at
        if outcome is Outcome.ACCEPTED:
            self._in_force = self._wanted

    def _stack(self, bill_type: int, before: GoingIn | None = None) -> Program[None]:
        """Send STACK; the note is not in the cassette before the device says STACKED."""
        outcome = yield from self._line.stack()
        self._note = GoingIn(
            bill_type,
            tries=before.tries + 1 if before else 1,
            sent_at=self._now(),
            outcome=outcome,
            may_be_heard=outcome is not Outcome.REFUSED or (before is not None and before.may_be_heard),
        )

    def _send_back(self, bill_type: int | None, *, is_known: bool, tries: int = 0) -> Program[None]:
        yield from self._line.give_back()
        self._note = GoingBack(bill_type, is_known, tries + 1, self._now())

    def _reset(self) -> Program[None]:
        """Start the device anew; whatever it says then of a note may repeat what it said before."""
        self._resets += 1
        self._was_reset = True
        yield from self._line.reset()

    # --- what the device says -----------------------------------------------------------------------------------------

    def _turn(self) -> Program[Poll | None]:
        """One POLL, and all that follows from its answer; None: it gave none."""
        poll = yield from self._line.poll()
        if isinstance(self._note, GoingIn):
            self._watch_hands(self._note, poll)
        if poll is None:
            return None
        heard_at = self._now()
        if self._is_another(poll):
            yield from self._give_up_note()
        if poll.status in EVENTS:
            yield from self._hear_event(poll, heard_at)
        else:
            if poll.status in NOTE_STATES:
                self._held = None
            yield from self._line.acknowledge()
            yield from self._follow_note(poll)
        yield from self._hear_level(poll, heard_at)
        return poll

    def _hear_event(self, poll: Poll, heard_at: float) -> Program[None]:
        """The fact first, then the ACK: until then the device repeats it, so neither of us can forget."""
        self._rests = 0
        if not self._is_held(poll):
            yield from self._take_event(poll)
            self._held = poll
        if self._now() - heard_at <= self._line.ack_fresh_s:
            yield from self._line.acknowledge()

    def _is_held(self, poll: Poll) -> bool:
        """Whether the device only repeats itself: between two equal notes it shows some of NOTE_STATES."""
        held = self._held
        if held is None or held.status is not poll.status:
            return False
        return held.detail == poll.detail or None in (held.detail, poll.detail)

    def _take_event(self, poll: Poll) -> Program[None]:
        """A note lies in the cassette, or is back in the customer's hand.

        After a start of ours its value may be unknown, and a device by the book tells its table only at rest, for which
        it needs this event's ACK. Then the fact waits for the table: a repetition without value would look like
        another note. Should we die in between, the core has the evidence.
        """
        note, self._note = self._note, None
        self._has_told |= poll.status is Status.STACKED
        if poll.status is Status.RETURNED and not self._is_known(note):
            return
        if poll.detail is None and note is not None:
            poll = Poll(poll.status, note.bill_type)  # not every protocol names the note again
        if self._values or poll.detail is None or (yield from self._read_table()):
            yield from self._report_event(poll)
        elif len(self._owed) < OWED_MAX:
            if not self._former_is_over:
                yield from report(EvidenceFound(EVIDENCE[poll.status]))
            self._owed.append(poll)
        else:
            raise LinkLost("the validator tells of notes and never what they are worth; check its firmware")
        if self._is_starting:
            self._former_is_over = True
            self._evidence = Evidence.NOTHING  # the event says it all

    def _is_known(self, note: AtEscrow | GoingIn | GoingBack | None) -> bool:
        """Whether the core may have an intent for the note that is back: not for one put in while we were starting."""
        if isinstance(note, GoingBack):
            return note.is_known
        return note is not None or not (self._is_starting and self._former_is_over)

    def _report_event(self, poll: Poll) -> Program[None]:
        value = self._value(poll.detail)
        if poll.status is Status.STACKED:
            at_start = self._is_starting and not self._is_news
            yield from report(NoteStacked(value, at_start, is_named=poll.detail is not None))
        else:
            yield from report(NoteReturned(value))

    def _follow_note(self, poll: Poll) -> Program[None]:
        """What a state that is no event says of the note in flight; any state on the way may never be seen."""
        self._count_rests(poll.status)
        self._former_is_over |= poll.status is Status.ACCEPTING  # what is read now was never at escrow before
        match poll.status, self._note:
            case Status.ESCROW | Status.HOLDING, None:
                yield from self._offer(poll.detail)
            case Status.ESCROW | Status.HOLDING, GoingIn() | GoingBack():
                yield from self._tell_again()
            case Status.RETURNING, AtEscrow(bill_type) | GoingIn(bill_type):
                self._note = GoingBack(bill_type, is_known=True)
            case Status.RETURNING, None:
                self._has_rested = False
                self._note = GoingBack(None, is_known=self._is_starting and not self._former_is_over)
            case _, AtEscrow() | GoingIn() | GoingBack() if self._rests >= REST_POLLS:
                yield from self._give_up_note()
            case _:
                pass

    def _is_another(self, poll: Poll) -> bool:
        """Whether this is said of a note after the one we know: of another type, or the device was at rest in between.

        Not so with STACKED: there the type that is reported counts for the note that was sent in.
        """
        if self._note is None or poll.status not in (*AT_ESCROW, Status.RETURNING, Status.RETURNED):
            return False
        known = self._note.bill_type
        is_of_another_type = None not in (poll.detail, known) and poll.detail != known
        return self._has_rested or is_of_another_type

    def _count_rests(self, status: Status) -> None:
        self._rests = self._rests + 1 if status in RESTING else 0
        self._former_is_over |= self._rests > 0
        if status in AT_ESCROW:
            self._has_rested = False
        elif self._rests > 0:
            self._has_rested = True

    def _offer(self, bill_type: int | None) -> Program[None]:
        """A note waits at escrow: the core decides, unless nobody asked for such a note."""
        if self._is_starting:
            yield from self._send_back(bill_type, is_known=not self._former_is_over)
            return
        value = self._value(bill_type)
        if self._closed_since_rest:
            # A hand can hold a note in the slot until the next customer is there: it is the former one's. The order to
            # open may already be on its way to us: then the core would take this offer for the next customer's.
            yield from report(NoteRejected("the note came in before the slot was opened for this payment"))
            yield from self._send_back(bill_type, is_known=False)
        elif bill_type is None or value is None or bill_type not in (self._in_force or ()):
            yield from report(NoteRejected(f"bill type {bill_type} ({value or 'unknown'}) is not wanted"))
            yield from self._send_back(bill_type, is_known=False)
        else:
            self._note = AtEscrow(bill_type)
            yield from report(NoteEscrowed(value, (yield from self._count())))

    def _tell_again(self) -> Program[None]:
        """The note is still at escrow although we said where it goes: say so again, and in the end let it go back."""
        note, at = self._note, self._now()
        match note:
            case GoingIn(bill_type) if note.outcome is Outcome.UNKNOWN or at - note.sent_at > RETRY_S:
                if note.tries < TELL_TRIES_MAX:
                    yield from self._stack(bill_type, note)
                else:
                    yield from self._send_back(bill_type, is_known=True)
            case GoingBack(bill_type) if note.tries < TELL_TRIES_MAX and at - note.sent_at > RETRY_S:
                yield from self._send_back(bill_type, is_known=note.is_known, tries=note.tries)
            case _:
                pass  # it accepted and needs a moment; or, told three times, it gives the note back after 10 s

    def _give_up_note(self) -> Program[None]:
        """At rest, and the device never said what became of the note."""
        match self._note:
            case GoingIn() as note if note.may_be_heard and (note.was_silent or not note.is_pulled):
                self._note = None
                yield from report(NoteMissing())
            case AtEscrow(bill_type) | GoingIn(bill_type) | GoingBack(bill_type):
                yield from self._take_event(Poll(Status.RETURNED, bill_type))
            case None:
                pass

    def _watch_hands(self, note: GoingIn, poll: Poll | None) -> None:
        if poll is None:
            self._note = replace(note, was_silent=True)
        elif poll.status is Status.CHEATED:
            self._note = replace(note, is_pulled=True)

    # --- states that last ---------------------------------------------------------------------------------------------

    def _hear_level(self, poll: Poll, at: float) -> Program[None]:
        """A state repeats at every poll: facts come from its change, remedies from its lasting."""
        if poll != self._level:
            self._level, self._level_since = poll, at
            if poll.status is Status.REJECTING and not self._is_starting:
                yield from report(NoteRejected(self._line.rejection(poll.detail)))
        if poll.status in (Status.INITIALIZE, Status.CASSETTE_OUT):
            self._in_force = None  # the device forgets its masks
        if poll.status is Status.INITIALIZE:
            yield from self._lose_trust_in_rest()
        lasts_s = at - self._level_since
        yield from self._tell_level(poll, lasts_s)
        yield from self._remedy(poll, lasts_s)

    def _tell_level(self, poll: Poll, lasts_s: float) -> Program[None]:
        state = STATES.get(poll.status)
        if poll.status is Status.DISABLED and self._in_force and lasts_s < RETRY_S:
            return  # some units pass through here between two notes
        if state is None or (lasts_s > STUCK_S and poll.status in MOVING):
            return
        if self._is_starting and state in SILENT_AT_START:
            state = ValidatorState.STARTING
        yield from self._tell(state, self._explain(poll))

    def _tell(self, state: ValidatorState, detail: str) -> Program[None]:
        told = self._told
        if told is None or told.state is not state or told.detail != detail:
            self._told = ValidatorChanged(state, detail)
            yield from report(self._told)

    def _remedy(self, poll: Poll, lasts_s: float) -> Program[None]:
        """RESET heals some faults; it is the last thing to try while a note is inside, and it is not tried forever."""
        has_note = self._is_starting or self._note is not None
        if poll.status is Status.INITIALIZE and lasts_s > INITIALIZE_MAX_S:
            raise LinkLost(
                f"the validator tests itself for {INITIALIZE_MAX_S:.0f} s; check its power supply: 12 V, 2 A"
            )
        if poll.status in EVENTS and lasts_s > STUCK_S:
            raise LinkLost("the validator ignores every acknowledgement; switch it off and on")
        if poll.status in (Status.IDLING, Status.DISABLED) and lasts_s > RECOVERED_S:
            self._resets = 0
        patience_s = None
        if poll.status in FAULTS:
            patience_s = NOTE_RESET_S if has_note else FAULT_RESET_S
        elif poll.status in HANDS:
            patience_s = HAND_RESET_S
        elif poll.status in MOVING:
            patience_s = STUCK_S
        if patience_s is None or lasts_s <= patience_s:
            return
        if poll.status in MOVING:
            yield from self._tell(ValidatorState.JAMMED, f"{poll.status.name.lower()} does not end")
        if self._resets < RESETS_MAX:
            self._level = None
            yield from self._reset()

    def _explain(self, poll: Poll) -> str:
        """What staff should know beyond the state."""
        match poll.status:
            case Status.FAILED:
                return self._line.failure(poll.detail)
            case Status.CASSETTE_JAMMED:
                return "between head and cassette"
            case Status.UNKNOWN:
                return f"it says {poll.detail:04X}, which {self._line.name} does not know"
            case _:
                return ""
