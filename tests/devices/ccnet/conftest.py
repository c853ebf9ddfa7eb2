"""A CCNET driver and a simulated validator in virtual time, with a core that keeps books as the real one does."""

from collections import Counter

import pytest
from virtual_time import VirtualTime, Wire

from devices.ccnet.dialect import CcnetDialect
from devices.ccnet.simulator import Quirks, Simulator
from devices.steps import Pump
from devices.validator.driver import ValidatorDriver
from kassa.money import of_whole
from kassa.ports import (
    EnableNotes,
    Evidence,
    NoteEscrowed,
    NoteMissing,
    NoteReturned,
    NoteStacked,
    StackNote,
    ValidatorChanged,
    ValidatorLost,
    ValidatorReady,
)

ALL = frozenset(map(of_whole, (10, 50, 100, 200, 500, 1000, 2000, 5000)))


class Core:
    """Facts in, commands out. Its books outlive the driver, as a journal does."""

    def __init__(self):
        self.facts = []
        self.opens = ALL
        self.decides = lambda value: StackNote()
        self.commit_s = 0.0
        self.seen = lambda fact: None
        self.is_ready = False
        self.intent = None
        self.last = None
        self.certain, self.uncertain, self.orphans = [], [], []

    def dispatch(self, fact, rig):
        rig.time.spend(self.commit_s)
        self.facts.append(fact)
        self.seen(fact)
        if isinstance(fact, ValidatorReady | ValidatorLost):
            self.is_ready = isinstance(fact, ValidatorReady)
        match fact:
            case ValidatorReady(evidence=evidence):
                self._settle_by(evidence)
                if self.opens:
                    rig.pump.order(EnableNotes(self.opens))
            case NoteEscrowed(value):
                command = self.decides(value)
                if isinstance(command, StackNote):
                    assert self.intent is None, "a note was offered while another one's fate is open"
                    self.intent = value
                if command is not None:
                    rig.pump.order(command)
            case NoteStacked(value, at_start):
                self._stacked(value, at_start)
            case NoteReturned(value):
                if self.intent is not None and value in (None, self.intent):
                    self.intent = self.last = None
            case NoteMissing() if self.intent is not None:
                self._credit(self.intent, self.uncertain)

    def _settle_by(self, evidence):
        if self.intent is not None:
            match evidence:
                case Evidence.NOTE_IN_STACKER:
                    self._credit(self.intent, self.certain)
                case Evidence.NOTE_IN_HEAD:
                    self.intent = self.last = None
                case Evidence.NOTHING:
                    self._credit(self.intent, self.uncertain)
        elif evidence is Evidence.NOTE_IN_STACKER and self.last is None:
            self.orphans.append(None)
            self.last = "unknown"

    def _stacked(self, value, at_start):
        if self.intent is not None:
            self._credit(value or self.intent, self.certain)
        elif not (at_start and self.last == value):
            self.orphans.append(value)
            self.last = value or "unknown"

    def _credit(self, value, where):
        where.append(value)
        self.intent, self.last = None, value

    def of(self, *kinds):
        return [fact for fact in self.facts if isinstance(fact, kinds)]

    @property
    def states(self):
        return [fact.state for fact in self.of(ValidatorChanged)]


class Rig:
    """One kiosk's money inlet."""

    def __init__(self, truth=None, **quirks):
        self.time = VirtualTime()
        self.sim = Simulator(self.time.time(), truth, quirks=Quirks(**quirks))
        self.wire = Wire(self.sim, self.time)
        self.core = Core()
        self.pump = None
        self.start_host()

    # --- the host -----------------------------------------------------------------------------------------------

    def start_host(self):
        self.driver = ValidatorDriver(CcnetDialect, "RUB", ("RUS", "RUR", "RUB"))
        self.pump = Pump(self.driver, self.wire.open, lambda fact: self.core.dispatch(fact, self), self.time)
        self.pump.start()

    def kill_host(self):
        self.pump.stop()

    # --- the device -----------------------------------------------------------------------------------------------

    def do(self, name, *values):
        """A hand does something to the validator now."""
        answer = getattr(self.sim, name)(*values, self.time.time())
        self.wire.stir()
        return answer

    def insert(self, units):
        """Push a note in as soon as the slot takes it."""
        self.time.run_until(lambda: self.sim.status.name == "IDLING", 120)
        self.time.run_for(0.05)
        assert self.do("insert", units) is None

    def power_cycle(self, off_s=1.0):
        self.do("cut_power")
        self.time.run_for(off_s)
        self.do("restore_power")

    # --- waiting -----------------------------------------------------------------------------------------------------

    def wait_ready(self):
        self.time.run_until(lambda: self.core.is_ready, 120)

    def wait_for(self, kind, count=1, within_s=60.0):
        return self.time.run_until(
            lambda: len(self.core.of(kind)) >= count and self.core.of(kind)[-1], within_s
        )

    def wait_status(self, name, within_s=60.0):
        self.time.run_until(lambda: self.sim.status.name == name, within_s)

    def settle(self):
        """All that moves comes to rest, and the slot is open again."""
        self.time.run_for(1.0)
        self.time.run_until(
            lambda: self.core.is_ready and self.core.intent is None and self.sim.status.name == "IDLING", 300
        )
        self.time.run_for(2.0)

    # --- the promise ---------------------------------------------------------------------------------------------------

    def check_books(self):
        """What lies in the cassette is credited or an orphan; only an uncertain note may lie elsewhere."""
        box = Counter(map(of_whole, self.sim.truth.cassette))
        told = Counter(self.core.certain) + Counter(one for one in self.core.orphans if one is not None)
        unknown = self.core.orphans.count(None)
        assert not told - box, f"credited, yet not in the cassette: {told - box}"
        unaccounted = box - told - Counter(self.core.uncertain)
        assert unaccounted.total() <= unknown, f"in the cassette, yet nowhere in the books: {unaccounted}"


@pytest.fixture
def new_rig():
    return Rig


@pytest.fixture
def rig():
    """A terminal with its slot open."""
    one = Rig()
    one.wait_ready()
    one.wait_status("IDLING")
    one.core.facts.clear()
    one.wire.sent.clear()
    return one
