"""Whatever happens in whatever order: what lies in the box is in the books, once.

The real session and the real journal on a disk that loses power, against a validator without faults of its own: it
repeats what nobody acknowledged, and says after a power cut where a note was. Its cable, its power and the core may go
at any moment, the core also in the middle of a turn.
"""

import random
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import hypothesis.strategies as st
from counting_clock import CountingClock
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from simulated_disk import SimulatedDisk, plugged
from visits import NOTES, WHO
from visits import rules as healthy_rules

from kassa.journal.store import Journal
from kassa.money import Money
from kassa.ports import (
    Evidence,
    EvidenceFound,
    NoteEscrowed,
    NoteReturned,
    NoteStacked,
    ReturnNote,
    StackNote,
    ValidatorLost,
    ValidatorReady,
)
from kassa.rules import session as s
from kassa.rules.recovery import restore

PATH = Path("/journal.db")


class Died(Exception):
    """The core is gone in the middle of a turn."""


class Validator:
    """Where the note is; `head`, `stacker`, `box` outlive its power."""

    def __init__(self):
        self.box, self.returned = [], []
        self.head = self.stacker = None
        self.is_moving = False
        self.event = None
        self.evidence = Evidence.NOTHING

    @property
    def is_free(self):
        return self.head is None and self.stacker is None and self.event is None

    def pass_gate(self):
        self.head, self.stacker = None, self.head

    def drop(self):
        value, self.stacker, self.is_moving = self.stacker, None, False
        self.box.append(value)
        self.event = ("stacked", value)

    def give_back(self):
        value, self.head, self.is_moving = self.head, None, False
        self.returned.append(value)
        self.event = ("returned", value)

    def lose_power(self):
        self.event, self.is_moving = None, False
        if self.stacker is not None:
            self.evidence = Evidence.NOTE_IN_STACKER
        elif self.head is not None:
            self.evidence = Evidence.NOTE_IN_HEAD

    def finish_motion(self):
        """All that is inside finds its end: after a reset, or because time passed."""
        if self.is_moving and self.head is not None:
            self.pass_gate()
        if self.stacker is not None:
            self.drop()
        elif self.head is not None:
            self.give_back()


class MoneyIsKept(RuleBasedStateMachine):
    """One kiosk. A rule that lets the core work may end it, if that was decided before."""

    @initialize()
    def begin(self):
        self.clock, self.disk, self.validator = CountingClock(), SimulatedDisk(), Validator()
        self.effects_left = None
        self.doubts = 0
        """How often nobody can know what became of a note: its word was lost with the power, or waited for too long."""
        self.start()

    def teardown(self):
        if hasattr(self, "journal"):
            self._unplug_disk()

    # --- the core -------------------------------------------------------------------------------------------------

    def start(self):
        self.plugged = plugged(self.disk, f"disk-{id(self):x}")
        self.journal = Journal.open(PATH, self.clock, vfs=self.plugged.__enter__())
        pending = self.journal.fiscal_pending()
        last = pending[-1] if pending and not pending[-1].owed else None
        self.state = restore(self.journal.open_payment(), self.journal.open_intent(), last, None, "RUB")
        self._link_is_down()

    def _link_is_down(self):
        self.is_linked, self.was_heard, self.was_offered = False, False, False

    def _unplug_disk(self):
        self.journal.close()
        self.plugged.__exit__(None, None, None)

    def as_it_stands(self):
        last = self.journal.last_note()
        return replace(
            healthy_rules(),
            known_values=NOTES if self.is_linked else frozenset(),
            payment_number=f"00042-{self.journal.next_payment():010}",
            note_number=self.journal.next_note(),
            last_is_in_cassette=last is not None and last.state in ("stacked", "orphan"),
            last_is_uncertain=last is not None and last.uncertain,
            last_value=Money(last.value) if last and last.value is not None else None,
        )

    def step(self, event):
        """One turn of the core. Raises Died when it ends in the middle."""
        self.state, effects = s.step(self.state, event, self.as_it_stands())
        for effect in effects:
            self._die_if_due()
            if isinstance(effect, s.Write):
                self.journal.append(*effect.entries)
            elif isinstance(effect, StackNote | ReturnNote):
                self._obey(effect)
            assert not (isinstance(effect, s.Unexpected) and isinstance(event, NoteStacked | NoteReturned))
        self._die_if_due()

    def _die_if_due(self):
        if self.effects_left is not None:
            self.effects_left -= 1
            if self.effects_left < 0:
                self.the_core_is_killed("keep", 0)
                raise Died

    def try_step(self, event):
        with suppress(Died):
            self.step(event)

    # --- the customer and time ------------------------------------------------------------------------------------

    @rule(
        event=st.sampled_from(
            [s.FinishPressed(), s.CancelPressed(), s.TimedOut(), s.Stopping(), s.WentOutOfService()]
        )
    )
    def something_ends(self, event):
        waits = isinstance(self.state, s.TakingCash) and self.state.closing == "timeout" and self.state.intent
        is_hour = bool(waits) and isinstance(event, s.TimedOut)
        if not (is_hour and self.is_linked):  # in an hour it has said all
            self.doubts += is_hour
            self.try_step(event)

    # --- a note ---------------------------------------------------------------------------------------------------

    @rule(steps=st.integers(1, 9), which=st.integers(0, 99), ack_is_lost=st.booleans())
    def all_goes_on(self, steps, which, ack_is_lost):
        """What would happen next if nothing went wrong, so many times."""
        for _ in range(steps):
            self._go_on(which, ack_is_lost)

    def _go_on(self, which, ack_is_lost):
        validator, opened = self.validator, sorted(s.open_values(self.state, self.as_it_stands()))
        if not self.is_linked:
            self.the_link_comes_up()
        elif validator.event:
            self._hear_event(at_start=False, ack_is_lost=ack_is_lost and not self.was_heard)
        elif validator.head and not self.was_offered:
            self.was_offered = True
            self.try_step(NoteEscrowed(validator.head))
        elif validator.head and validator.is_moving:
            validator.pass_gate()
        elif validator.head:
            validator.give_back()  # nobody decided within ten seconds
        elif validator.stacker:
            validator.drop()
        elif opened:
            validator.head, self.was_offered = opened[which % len(opened)], False
        elif isinstance(self.state, s.TakingCash | s.Printing):
            self.try_step(s.TimedOut())
        else:
            self.state = s.ConfirmingAccount("internet", WHO)
            self.try_step(s.AccountConfirmed())

    def _obey(self, command):
        """The validator does at once what it is told: nothing that the core writes afterwards comes in time."""
        if self.is_linked and self.validator.head is not None and not self.validator.is_moving:
            if isinstance(command, StackNote):
                self.validator.is_moving = True
            else:
                self.validator.give_back()

    def _hear_event(self, *, at_start, ack_is_lost=False):
        what, value = self.validator.event
        with suppress(Died):
            if not self.was_heard:
                self.was_heard = True
                self.step(NoteStacked(value, at_start) if what == "stacked" else NoteReturned(value))
            if not ack_is_lost:
                self.validator.event, self.was_heard = None, False

    # --- cables, power, crashes -----------------------------------------------------------------------------------

    @precondition(lambda self: self.is_linked)
    @rule()
    def the_cable_is_pulled(self):
        self._link_is_down()
        self.try_step(ValidatorLost("unplugged"))

    def the_link_comes_up(self):
        """The driver hears the device out, resets it when it waits for that, and tells the core: ready."""
        life, evidence = self.plugged, self.validator.evidence
        if evidence is not Evidence.NOTHING:
            self.try_step(EvidenceFound(evidence))
            if self.plugged is not life:
                return
        self.validator.evidence = Evidence.NOTHING
        self.validator.finish_motion()
        if evidence is not Evidence.NOTHING:
            self.validator.event = None  # this unit starts in silence
        elif self.validator.event:
            self._hear_event(at_start=True)
            if self.plugged is not life:
                return
        self.is_linked = True
        self.try_step(ValidatorReady("SM", "1", tuple(NOTES), evidence))

    @rule()
    def the_validator_loses_power(self):
        self.doubts += self.validator.event is not None
        self.validator.lose_power()
        if self.is_linked:
            self.the_cable_is_pulled()

    @rule(effects=st.integers(0, 3))
    def the_core_will_die_in_a_turn(self, effects):
        self.effects_left = effects

    @rule(how=st.sampled_from(["lose", "keep", "sectors"]), seed=st.integers(0, 99))
    def the_core_is_killed(self, how, seed):
        self.effects_left = None
        left = self.disk.after_cut(how, random.Random(seed))
        self._unplug_disk()
        self.disk = left
        self.start()

    # --- what always holds ----------------------------------------------------------------------------------------

    @invariant()
    def the_box_is_in_the_books_once(self):
        if not hasattr(self, "journal"):
            return
        notes = [note for payment in self.journal.payments() for note in payment.notes]
        stacked = [note for note in notes if note.state == "stacked"]
        certain = Counter(note.value for note in stacked if not note.uncertain)
        uncertain = Counter(note.value for note in stacked if note.uncertain)
        orphans = Counter(self.journal.cassette()) - certain - uncertain
        box = Counter(value.minor for value in [*self.validator.box, self.validator.stacker] if value)

        assert not orphans, f"this validator stacks nothing by itself, yet there are {orphans}"
        assert not certain - box, f"in the books, yet not in the box: {certain - box}"
        assert uncertain.total() <= self.doubts, "credited in doubt without need"
        in_flight = Counter(note.value for note in notes if note.state == "intended")
        assert not box - certain - uncertain - in_flight, "in the box, yet not in the books"
        assert sum(payment.paid for payment in self.journal.payments()) == sum(note.value for note in stacked)


MoneyIsKept.TestCase.settings = settings(max_examples=120, stateful_step_count=50, deadline=None)
test_whatever_happens_money_is_kept = MoneyIsKept.TestCase
