"""A guided test of one bill validator while no core runs: what it is, whether it gives a note back, its cassette.

The one who tests keeps no journal. So whatever the validator says of a note that was not put in for this test ends it:
`look` raises NoteInside, and nothing is sent any more. STACKED is never acknowledged, a reset is only sent to a device
that waits for it and says that no note is inside, and a note is never stacked. What is left is for the core's next start.
"""

from __future__ import annotations

import enum
from collections.abc import Callable

from msgspec import Struct

from devices.link import LinkLost
from devices.scan import Echo, Found, Strange
from devices.steps import Program, Time, report, sleep
from devices.validator.dialect import Dialect, Poll, Status
from kassa.errors import KassaError
from kassa.money import Money

POLL_MS = 100
REST_POLLS = 2
"""So many times at rest in a row: some units pass through it between two notes."""
REST_MAX_S = 60.0
"""Slow units test themselves for 40 s."""
FAULT_S = 3.0
"""A fault that lasts so long is one; some pass with the self-test."""
POWER_UPS_MAX = 3
"""A device that comes up again and again has a weak power supply."""
NOTE_WAIT_S = 60.0
"""For whoever has to look for a note in a pocket."""
RETURN_MAX_S = 20.0
"""A note is back within a second or two; a unit that forgot RETURN gives it back after 10 s by itself."""
RETURN_AGAIN_S = 2.0
CASSETTE_WAIT_S = 60.0
"""For lock and key."""

OF_A_NOTE = {
    Status.POWER_UP_IN_HEAD: "it lost its power with a note in its head",
    Status.POWER_UP_IN_STACKER: "it lost its power with a note on its way into the cassette",
    Status.ESCROW: "a note waits at escrow",
    Status.HOLDING: "a note waits at escrow",
    Status.STACKING: "a note is on its way into the cassette",
    Status.STACKED: "a note lies in the cassette that it still has to tell the terminal of",
    Status.RETURNING: "a note is on its way back",
    Status.RETURNED: "a note went back that it still has to tell the terminal of",
}
"""What is evidence for the core, in words. POWER_UP alone is none."""
COMING = frozenset({Status.ESCROW, Status.HOLDING})
GOING_BACK = COMING | {Status.RETURNING, Status.RETURNED}
FAULTS = {
    Status.JAMMED: "something is stuck in it: open the head and clear the note's path",
    Status.CASSETTE_JAMMED: "something is stuck between head and cassette: take the cassette out and clear the path",
    Status.CHEATED: "somebody pulls at a note",
    Status.PAUSED: "something lies in the slot: take it out",
    Status.FAILED: "a part of it has failed",
    Status.CASSETTE_FULL: "the cassette is full: collect it",
    Status.CASSETTE_OUT: "the cassette is out: put it in",
}
OF_THE_CASSETTE = frozenset({Status.CASSETTE_FULL, Status.CASSETTE_OUT})


class NoteInside(KassaError):
    """The validator says something about a note: only the core may hear that, as it has the journal."""


class TellsOnce(KassaError):
    """Asking this validator for its state could take away what it tells the core only once."""


class Result(enum.Enum):
    """What came of a step."""

    OK = "ok"
    PROBLEM = "problem"
    SKIPPED = "skipped"


class Step(Struct, frozen=True):
    """One thing that was tried; `found` says what came of it, and what to do when it is a problem."""

    name: str
    result: Result
    found: str


class Prompt(Struct, frozen=True):
    """What whoever stands at the terminal shall do now."""

    text: str


class Ending(enum.Enum):
    """How the test ended."""

    DONE = "done"
    LOST = "lost"
    """The device or its port went away, or is not there."""
    NOTE_INSIDE = "note_inside"
    """For the core to settle, before anybody tests anything."""


Introduction = Callable[[Time], Program[Found | Echo | Strange | None]]
"""The scan's questions to a device of this protocol."""


class Check:
    """One test. `dialect` begins a conversation; for SSP it is one that cannot POLL without acknowledgements.

    With `has_hands` somebody stands there and does what Prompts say; `with_note`, `with_cassette` leave steps out.
    """

    def __init__(
        self,
        dialect: Callable[[Time], Dialect],
        introduce: Introduction,
        currency: str,
        countries: tuple[str, ...],
        *,
        has_hands: bool,
        with_note: bool = True,
        with_cassette: bool = True,
    ) -> None:
        self._dialect, self._introduce = dialect, introduce
        self._currency, self._countries = currency, countries
        self._has_hands, self._with_note, self._with_cassette = has_hands, with_note, with_cassette
        self._trying = "link"
        self._values: tuple[Money | None, ...] = ()

    def program(self, now: Time) -> Program[Ending]:
        """All steps, each reported as a Step when it is done, and each Prompt when its time has come."""
        self._now = now
        try:
            yield from self._test()
        except NoteInside as error:
            yield from self._tell(Result.PROBLEM, str(error))
            return Ending.NOTE_INSIDE
        except LinkLost as error:
            yield from self._tell(Result.PROBLEM, str(error))
            return Ending.LOST
        return Ending.DONE

    def _test(self) -> Program[None]:
        status = yield from self._connect()
        self._trying = "identification"
        found = yield from self._identify()
        self._trying = "bill table"
        yield from self._read_table()
        self._trying = "escrow"
        yield from self._try_escrow(status)
        self._trying = "cassette"
        yield from self._try_cassette(status)
        self._trying = "firmware"
        if found is not None and found.firmware:
            yield from self._tell(Result.OK, found.firmware)
        else:
            yield from self._tell(Result.SKIPPED, "it tells no version of it; its model may name one")

    def _tell(self, result: Result, found: str) -> Program[None]:
        yield from report(Step(self._trying, result, found))

    # --- what it is -----------------------------------------------------------------------------------------------

    def _connect(self) -> Program[Status | None]:
        """The state it rests in; None when it must not be asked for it."""
        self._line = self._dialect(self._now)
        yield from self._line.begin()
        try:
            poll = yield from self._come_to_rest()
        except TellsOnce:
            yield from self._tell(Result.OK, f"it speaks {self._line.name}")
            return None
        fault = FAULTS.get(poll.status)
        yield from self._tell(Result.OK, f"it speaks {self._line.name}, slot closed")
        if fault is not None and poll.status not in OF_THE_CASSETTE:
            self._trying = "state"
            detail = f" ({self._line.failure(poll.detail)})" if poll.status is Status.FAILED else ""
            yield from self._tell(Result.PROBLEM, f"{fault}{detail}")
        return poll.status

    def _identify(self) -> Program[Found | None]:
        """By the scan's questions, which tell model from firmware; then the conversation begins anew."""
        found = yield from self._introduce(self._now)
        found = found if isinstance(found, Found) else None
        self._line = self._dialect(self._now)
        yield from self._line.begin()
        if found is not None and found.model:
            model, serial = found.model, found.serial
        else:
            who = yield from self._line.identify()
            model, serial = who.model, who.serial
        named = f"{model}, serial number {serial}" if serial else model
        yield from self._tell(Result.OK if model else Result.SKIPPED, named or "it does not say what it is")
        return found

    def _read_table(self) -> Program[None]:
        bills = yield from self._line.read_table()
        if bills is None:
            yield from self._tell(Result.PROBLEM, "it does not tell its bill table; switch it off and on")
            return
        self._values = tuple(
            bill.money(self._currency) if bill is not None and bill.country in self._countries else None
            for bill in bills
        )
        values = sorted({value for value in self._values if value is not None})
        if values:
            notes = ", ".join(value.decimal() for value in values)
            yield from self._tell(Result.OK, f"notes {notes} {self._currency}")
            return
        named = ", ".join(sorted({repr(bill.country) for bill in bills if bill is not None})) or "nothing"
        yield from self._tell(
            Result.PROBLEM,
            f"it has no note of {self._currency}: it names {named}; kassa.toml: validator.countries allows"
            f" {', '.join(map(repr, self._countries))}",
        )

    # --- a note in, and back ----------------------------------------------------------------------------------------

    def _try_escrow(self, status: Status | None) -> Program[None]:
        if reason := self._why_no_note(status):
            yield from self._tell(Result.SKIPPED, reason)
            return
        yield from report(
            Prompt(f"insert any note now; it will be given back ({NOTE_WAIT_S:.0f} s, Ctrl-C ends)")
        )
        wanted = frozenset(one for one, value in enumerate(self._values) if value is not None)
        try:
            yield from self._line.set_slot(wanted)
            told = yield from self._wait_for_note(wanted)
        finally:
            yield from self._line.set_slot(frozenset())
        yield from self._come_to_rest(GOING_BACK)
        if told is None:
            yield from self._tell(Result.SKIPPED, f"no note came within {NOTE_WAIT_S:.0f} s")
        else:
            yield from self._tell(Result.OK, f"{told} was held at escrow and given back")

    def _why_no_note(self, status: Status | None) -> str:
        if status is None:
            return "this validator tells of each note only once: its state is for the terminal alone; see kassa status"
        if not self._with_note:
            return "not wanted"
        if not self._has_hands:
            return "needs somebody to insert a note: run it at a terminal, without --json"
        if not any(self._values):
            return "without a bill table it takes no note"
        if status is not Status.DISABLED:
            return f"it takes no note now: {FAULTS.get(status, status.value)}"
        return ""

    def _wait_for_note(self, wanted: frozenset[int]) -> Program[str | None]:
        """The note that was held, in words; None: none came. The device may forget one opening: it is told again."""
        began = opened = self._now()
        refused: Poll | None = None
        while self._now() - began <= NOTE_WAIT_S:
            poll = yield from self._look(GOING_BACK)
            if poll is not None and poll.status in COMING:
                return (yield from self._give_back(poll))
            if poll is not None and poll.status is Status.REJECTING and poll != refused:
                why = self._line.rejection(poll.detail)
                yield from report(Prompt(f"it refused the note ({why}): try it once more, or another one"))
            refused = poll if poll is not None and poll.status is Status.REJECTING else None
            if poll is not None and poll.status is Status.DISABLED and self._now() - opened > RETURN_AGAIN_S:
                yield from self._line.set_slot(wanted)
                opened = self._now()
            yield from sleep(POLL_MS)
        return None

    def _give_back(self, held: Poll) -> Program[str]:
        """RETURN, again while the note is still there; the note's own RETURNED is the one event that is acknowledged."""
        bill_type = held.detail
        value = self._values[bill_type] if bill_type is not None and bill_type < len(self._values) else None
        give_up, told_at = self._now() + RETURN_MAX_S, float("-inf")
        poll: Poll | None = held
        while self._now() < give_up:
            if poll is not None and poll.status in COMING and self._now() - told_at > RETURN_AGAIN_S:
                yield from self._line.give_back()
                told_at = self._now()
            elif poll is not None and poll.status not in GOING_BACK:
                return str(value) if value is not None else f"bill type {bill_type}"
            yield from sleep(POLL_MS)
            poll = yield from self._look(GOING_BACK)
        raise LinkLost("it does not give the note back; open the head and take it out")

    # --- the cassette -----------------------------------------------------------------------------------------------

    def _try_cassette(self, status: Status | None) -> Program[None]:
        if status is None:
            yield from self._tell(Result.SKIPPED, self._why_no_note(None))
        elif self._has_hands and self._with_cassette and status in (Status.DISABLED, Status.CASSETTE_OUT):
            yield from self._swap_cassette(is_out=status is Status.CASSETTE_OUT)
        elif status in OF_THE_CASSETTE:
            yield from self._tell(Result.PROBLEM, FAULTS[status])
        else:
            yield from self._tell(Result.OK, "in its place; whether its sensor works needs hands")

    def _swap_cassette(self, *, is_out: bool) -> Program[None]:
        if not is_out:
            yield from report(Prompt(f"take the cassette out now ({CASSETTE_WAIT_S:.0f} s)"))
            if not (yield from self._wait_for_cassette(is_out=True)):
                yield from self._tell(
                    Result.SKIPPED,
                    f"it did not come out within {CASSETTE_WAIT_S:.0f} s; if it did, the validator does not see that",
                )
                return
        yield from report(Prompt(f"put the cassette in now ({CASSETTE_WAIT_S:.0f} s)"))
        if not (yield from self._wait_for_cassette(is_out=False)):
            yield from self._tell(Result.PROBLEM, FAULTS[Status.CASSETTE_OUT])
            return
        poll = yield from self._come_to_rest()
        if poll.status is Status.DISABLED:
            yield from self._tell(Result.OK, "taken out and put in, and the validator saw it")
        else:
            yield from self._tell(Result.PROBLEM, FAULTS.get(poll.status, poll.status.value))

    def _wait_for_cassette(self, *, is_out: bool) -> Program[bool]:
        give_up = self._now() + CASSETTE_WAIT_S
        while self._now() < give_up:
            poll = yield from self._look()
            if poll is not None and (poll.status is Status.CASSETTE_OUT) is is_out:
                return True
            yield from sleep(POLL_MS)
        return False

    # --- its state --------------------------------------------------------------------------------------------------

    def _come_to_rest(self, expected: frozenset[Status] = frozenset()) -> Program[Poll]:
        """Wait until nothing moves and the slot is closed, or a fault lasts; a device that waits for RESET gets it."""
        began, since, rests, power_ups = self._now(), self._now(), 0, 0
        last: Poll | None = None
        while self._now() - began <= REST_MAX_S:
            poll = yield from self._look(expected)
            if poll is not None:
                since = since if poll == last else self._now()
                last = poll
                rests = rests + 1 if poll.status is Status.DISABLED else 0
                if rests >= REST_POLLS or (poll.status in FAULTS and self._now() - since >= FAULT_S):
                    return poll
                if poll.status is Status.POWER_UP and power_ups < POWER_UPS_MAX:
                    power_ups += 1
                    yield from self._line.leave_power_up()
                elif poll.status is Status.IDLING:
                    yield from self._line.set_slot(frozenset())
                elif poll.status in COMING:
                    yield from self._line.give_back()  # ours: it came in as the slot was closed
            yield from sleep(POLL_MS)
        state = "silent" if last is None else last.status.value
        raise LinkLost(
            f"it does not come to rest within {REST_MAX_S:.0f} s, it is {state}; switch it off and on"
        )

    def _look(self, expected: frozenset[Status] = frozenset()) -> Program[Poll | None]:
        """Ask for the state; None: no answer. The only place that acknowledges, and never what it did not expect.

        Raises NoteInside when a note is told of that is not `expected`.
        """
        poll = yield from self._line.poll()
        if poll is None:
            return None
        if poll.status in OF_A_NOTE and poll.status not in expected:
            raise NoteInside(OF_A_NOTE[poll.status])
        assert poll.status is not Status.STACKED, "nobody who tests expects it"
        if poll.status is not Status.UNKNOWN:
            yield from self._line.acknowledge()
        return poll
