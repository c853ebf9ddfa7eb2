"""A driver and a simulated validator of any protocol in virtual time, with a core that keeps books as the real one does."""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from virtual_time import SlowHost, VirtualTime, Wire

from devices.ccnet import protocol as ccnet
from devices.ccnet import simulator as ccnet_simulator
from devices.ccnet.dialect import CcnetDialect
from devices.id003 import protocol as id003
from devices.id003 import simulator as id003_simulator
from devices.id003.dialect import Id003Dialect
from devices.ssp import simulator as ssp_simulator
from devices.ssp.dialect import SspDialect
from devices.steps import Pump
from devices.validator.dialect import Status
from devices.validator.driver import ValidatorDriver
from kassa.money import of_whole
from kassa.ports import (
    EnableNotes,
    Evidence,
    EvidenceFound,
    NoteEscrowed,
    NoteMissing,
    NoteReturned,
    NoteStacked,
    StackNote,
    ValidatorChanged,
    ValidatorLost,
    ValidatorReady,
)


def any_ccnet(chance):
    """A unit as the trade sells them, as quirks."""
    return {
        "holds_events": chance.random() < 0.7,
        "announces_after_reset": chance.random() < 0.5,
        "skips": frozenset(
            one for one in (Status.ACCEPTING, Status.STACKING, Status.RETURNING) if chance.random() < 0.2
        ),
        "after_event": chance.choice([None, Status.DISABLED, Status.BUSY]),
        "knows_set_security": chance.random() < 0.5,
        "tells_table_always": chance.random() < 0.3,
        "is_strict_about_quiet": chance.random() < 0.5,
        "silent_after_reset_s": chance.choice([0.0, 0.5, 2.5]),
        "answers_late_s": chance.choice([0.0, 0.0, 0.02, 0.2]),
        "noise": chance.choice([b"", b"", b"\x02", b"\x00\xff"]),
        "table_records": chance.choice([14, 24]),
        "jam_yields_to_reset": chance.random() < 0.5,
    }


def any_id003(chance):
    """A unit as the trade sells them, as quirks."""
    names_the_note = chance.random() < 0.3
    return {
        "announces_after_reset": chance.random() < 0.7,
        "options": chance.choice([id003.Option.POWER_RECOVERY, id003.Option(0)]),
        "skips": frozenset(
            one for one in (Status.ACCEPTING, Status.STACKING, Status.RETURNING) if chance.random() < 0.2
        ),
        "names_the_note": names_the_note,
        "stacks_from_head": names_the_note and chance.random() < 0.5,  # else nobody can know which note it is
        "waits_for_settings": chance.random() < 0.5,
        "is_open_by_default": chance.random() < 0.3,
        "rejects_when_impatient": chance.random() < 0.7,
        "shows_stacked": chance.random() < 0.7,
        "zeros_at_start": chance.random() < 0.5,
        "tells_enq": chance.random() < 0.2,
        "silent_after_reset_s": chance.choice([0.0, 0.5, 2.5]),
        "answers_late_s": chance.choice([0.0, 0.0, 0.02, 0.2]),
        "noise": chance.choice([b"", b"", b"\xfc", b"\x00\xff"]),
        "jam_yields_to_reset": chance.random() < 0.5,
    }


def any_ssp(chance):
    """A unit as the trade sells them, as quirks."""
    has_encryption = chance.random() < 0.7
    return {
        "announces_after_reset": chance.random() < 0.8,
        "skips": frozenset(
            one for one in (Status.ACCEPTING, Status.STACKING, Status.RETURNING) if chance.random() < 0.2
        ),
        "version_max": chance.choice([6, 7, 8]),
        "has_encryption": has_encryption,
        "wants_encryption": has_encryption and chance.random() < 0.3,
        "has_acks": chance.random() < 0.8,
        "names_cleared": chance.random() < 0.7,
        "is_terse": chance.random() < 0.3,
        "repeats_faults": chance.random() < 0.5,
        "silent_after_reset_s": chance.choice([0.0, 0.5, 2.5]),
        "answers_late_s": chance.choice([0.0, 0.0, 0.02, 0.2]),
        "noise": chance.choice([b"", b"", b"\x7f", b"\x00\xff"]),
        "jam_yields_to_reset": chance.random() < 0.5,
    }


@dataclass(frozen=True)
class Unit:
    """A protocol: who speaks it on either side, and what a few of its frames look like."""

    name: str
    module: str
    simulator: Any
    quirks: Any
    dialect: Any
    draw: Callable[[random.Random], dict[str, Any]]
    is_stack: Callable[[bytes], bool] | None
    is_reset: Callable[[bytes], bool] | None
    is_poll: Callable[[bytes], bool] | None
    """None: what is sent cannot be read."""
    who: tuple[str, str]
    failure: str
    """The part that breaks in the simulator."""
    names_stacked: bool
    """Whether it says what a note is worth once more when it is stacked."""
    has_power_up_states: bool
    """Whether it says where a note was until it is reset."""
    has_pause: bool
    money_states: tuple[str, ...]
    """What it is in when it tells of the money and waits for the acknowledgement."""
    memories: tuple[dict[str, Any], ...]
    """What units of this kind may know of a note after their power was lost, as quirks."""


UNITS = {
    "ccnet": Unit(
        "ccnet", "devices.ccnet.simulator", ccnet_simulator.Simulator, ccnet_simulator.Quirks, CcnetDialect,
        draw=any_ccnet,
        is_stack=ccnet.encode(ccnet.STACK).__eq__,
        is_reset=ccnet.encode(ccnet.RESET).__eq__,
        is_poll=ccnet.encode(ccnet.POLL).__eq__,
        who=("SM-RU1353", "21K061234567"),
        failure="stacker motor",
        has_power_up_states=True,
        has_pause=True,
        money_states=("STACKED",),
        names_stacked=True,
        memories=tuple(
            {"holds_events": holds, "announces_after_reset": announces}
            for holds in (True, False)
            for announces in (True, False)
        ),
    ),
    "id003": Unit(
        "id003", "devices.id003.simulator", id003_simulator.Simulator, id003_simulator.Quirks, Id003Dialect,
        draw=any_id003,
        is_stack=id003.encode(id003.STACK_2).__eq__,
        is_reset=id003.encode(id003.RESET).__eq__,
        is_poll=id003.encode(id003.STATUS_REQUEST).__eq__,
        failure="stacker motor",
        has_power_up_states=True,
        has_pause=True,
        money_states=("STACKED",),
        who=("U(RUS)-05-SS ID003-05V123-45 01JAN20 A5C3", ""),
        names_stacked=False,
        memories=(
            {}, {"announces_after_reset": False}, {"options": id003.Option(0)}, {"stacks_from_head": True},
            {"names_the_note": True}, {"waits_for_settings": True},
        ),
    ),
    "ssp": Unit(
        "ssp", "devices.ssp.simulator", ssp_simulator.Simulator, ssp_simulator.Quirks,
        lambda now: SspDialect(now, random.Random(1).randrange),
        draw=any_ssp,
        is_stack=None,
        is_reset=None,
        is_poll=None,
        failure="note path open",
        has_power_up_states=False,
        has_pause=False,
        money_states=("STACKING", "STACKED"),
        who=("ITL RUS 01.10", "1873452"),
        names_stacked=True,
        memories=(
            {}, {"has_acks": False}, {"has_encryption": False}, {"names_cleared": False}, {"is_terse": True},
            {"announces_after_reset": False}, {"wants_encryption": True}, {"version_max": 6},
        ),
    ),
}  # fmt: skip


def unit_of(quirks: Any) -> Unit:
    """The unit that can have these quirks."""
    return next(unit for unit in UNITS.values() if isinstance(quirks, unit.quirks))


def in_words(quirks: dict[str, Any]) -> str:
    """Quirks as a test's name: the same in every process, whatever its order of sets."""
    return ", ".join(
        f"{name} {sorted(one.name for one in value) if isinstance(value, frozenset) else value!r}"
        for name, value in quirks.items()
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
        self.known = Evidence.NOTHING
        """What was heard of the note in flight, in this life of the host or in an earlier one."""
        self.counted = None
        """What the validator should have counted, the note in flight left out, and which validator it is."""

    def dispatch(self, fact, rig):
        deaths = rig.deaths
        rig.time.spend(self.commit_s)
        if rig.deaths != deaths:
            return  # the host was killed before this was durable
        counted = getattr(fact, "counted", None)
        if counted is not None:
            fact = replace(fact, counted=None)
        self.facts.append(fact)
        self.seen(fact)
        if isinstance(fact, ValidatorReady | ValidatorLost):
            self.is_ready = isinstance(fact, ValidatorReady)
        match fact:
            case EvidenceFound(evidence) if self.intent is not None:
                is_known = evidence is Evidence.POWER_LOST and self.known is not Evidence.NOTHING
                if self.known is not Evidence.NOTE_IN_STACKER and not is_known:
                    self.known = evidence
            case ValidatorReady(evidence=evidence):
                self._settle_by(evidence, counted)
                if self.opens:
                    rig.pump.order(EnableNotes(self.opens))
            case NoteEscrowed(value):
                command = self.decides(value)
                if isinstance(command, StackNote):
                    assert self.intent is None, "a note was offered while another one's fate is open"
                    self.intent, self.counted, self.known = value, counted, Evidence.NOTHING
                if command is not None:
                    rig.pump.order(command)
            case NoteStacked():
                self._stacked(fact)
            case NoteReturned(value):
                if self.intent is not None and value in (None, self.intent):
                    self.intent = self.last = None
                elif self.known is Evidence.NOTE_IN_HEAD:
                    self.known = Evidence.NOTHING  # it was another note's
            case NoteMissing() if self.intent is not None:
                self._credit(self.intent, self.uncertain)

    def _settle_by(self, evidence, counted):
        untold = self._untold(counted)
        if self.known is Evidence.POWER_LOST:
            evidence = Evidence.NOTHING if evidence is Evidence.NOT_STACKED else evidence
        elif evidence is Evidence.NOTHING or self.known is Evidence.NOTE_IN_STACKER:
            evidence = self.known
        if self.intent is not None:
            if evidence is Evidence.NOTHING and untold in (0, 1):
                evidence = Evidence.NOTE_IN_STACKER if untold else Evidence.NOTE_IN_HEAD
            match evidence:
                case Evidence.NOTE_IN_STACKER:
                    self._credit(self.intent, self.certain)
                case Evidence.NOTE_IN_HEAD | Evidence.NOT_STACKED:
                    self.intent = self.last = None
                case Evidence.NOTHING | Evidence.POWER_LOST:
                    self._credit(self.intent, self.uncertain)
        elif untold is not None:
            for _ in range(untold if untold <= 3 else 0):
                self._find(None)
        elif evidence is Evidence.NOTE_IN_STACKER and self.last is None:
            self._find(None)

    def _untold(self, counted):
        if None in (counted, self.counted) or counted.unit != self.counted.unit:
            return None
        return counted.stacked - self.counted.stacked

    def _stacked(self, fact):
        value, may_be_last = (
            fact.value,
            self.last is not None and (not fact.is_named or fact.value == self.last),
        )
        if self.intent is not None:
            self._credit(value or self.intent, self.certain)
        elif not (fact.at_start and may_be_last):
            self._find(value)

    def _find(self, value):
        self.orphans.append(value)
        self.last = value or "unknown"
        self._count()

    def _credit(self, value, where):
        where.append(value)
        self.intent, self.last = None, value
        self._count()

    def _count(self):
        if self.counted is not None:
            self.counted = replace(self.counted, stacked=self.counted.stacked + 1)

    def of(self, *kinds):
        return [fact for fact in self.facts if isinstance(fact, kinds)]

    @property
    def states(self):
        return [fact.state for fact in self.of(ValidatorChanged)]


class Rig:
    """One kiosk's money inlet."""

    def __init__(self, unit, truth=None, **quirks):
        self.unit = unit
        self.time = VirtualTime()
        self.sim = unit.simulator(self.time.time(), truth, quirks=unit.quirks(**quirks))
        self.wire = Wire(self.sim, self.time)
        self.core = Core()
        self.pump = None
        self.deaths = 0
        """How often the host was killed."""
        self.start_host()

    # --- the host -----------------------------------------------------------------------------------------------

    def start_host(self, slowness=1.0):
        self.driver = ValidatorDriver(self.unit.dialect, "RUB", ("RUS", "RUR", "RUB"))
        self.pump = Pump(
            self.driver,
            self.wire.open,
            lambda fact: self.core.dispatch(fact, self),
            SlowHost(self.time, slowness),
        )
        self.pump.start()

    def kill_host(self):
        self.deaths += 1
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

    def count(self, is_it):
        """How often the host has sent it since its link was opened."""
        return sum(map(is_it, self.wire.sent))

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


def ready(rig):
    """The slot is open, and nothing is remembered of how that came about."""
    rig.wait_ready()
    rig.wait_status("IDLING")
    rig.core.facts.clear()
    rig.wire.sent.clear()
    rig.sim.resets = 0
    return rig
