"""One fault at any moment of a note's way, and what became of the note: each protocol, each fault, each state.

The moments are not chosen: they are what a simulated validator goes through with a note, cut into slices. The books are
those of `validators.Core`. After the fault all is mended, and the next customer's note must go in as if nothing had been.
"""

import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from typing import Any

from validators import ALL, UNITS, Rig, Unit, ready

from devices.ccnet import simulator as ccnet_simulator
from devices.id003 import simulator as id003_simulator
from devices.ssp import simulator as ssp_simulator
from kassa.money import of_whole
from kassa.ports import DisableNotes, EnableNotes, NoteEscrowed, ReturnNote, StackNote

SLICE_S = 0.04
"""Of a state that lasts; polls come every 0.1 s."""
REST_S = 0.4
"""The way is at its end when nothing has moved for so long."""
BAD_LINE_S = 4.0
"""Less than it takes until the link is given up, and long enough for a note's whole way."""
NOTE, NEXT = 500, 100

KEPT = "kept"
CREDITED = "credited"
ORPHAN = "orphan"
IN_DOUBT = "in doubt"
LOST = "LOST"
DOUBLE = "DOUBLE"
ALLOWED = {
    KEPT: "the note is not in the cassette, and nothing was credited",
    CREDITED: "the note is in the cassette, and credited once",
    ORPHAN: "the note is in the cassette, nobody asked for it, and staff see it as an orphan",
    IN_DOUBT: "nobody knows where the note is: it is credited, and marked for the next collection",
}
WAYS = {"in": StackNote, "back": ReturnNote}
"""What the core decides about the note."""


@dataclass(frozen=True)
class Moment:
    """A slice of a note's way."""

    way: str
    at_s: float
    """After the note was pushed in."""
    state: str


class Line:
    """What stands between the wire and the validator, or two of them: it remembers what was said last, and may be bad."""

    def __init__(self, device):
        self.devices = [device]
        self.said = b""
        self.chance = random.Random(0)
        self.mend()

    def mend(self):
        self.bad_bytes = 0.0
        self.says_twice = self.cuts = False
        self.tail, self.tail_at = b"", None

    def receive(self, data, now):
        data = self._spoil(data)
        return self._carry(b"".join(one.receive(data, now) for one in self.devices), now)

    def advance(self, now):
        due = b""
        if self.tail_at is not None and self.tail_at <= now:
            due, self.tail, self.tail_at = self.tail, b"", None
        return due + self._carry(b"".join(one.advance(now) for one in self.devices), now)

    def wakes_at(self):
        times = [self.tail_at, *(one.wakes_at() for one in self.devices)]
        return min((at for at in times if at is not None), default=None)

    def _carry(self, answer, now):
        if not answer:
            return b""
        self.said = (self.said + answer)[-256:]
        answer = self._spoil(answer * 2 if self.says_twice else answer)
        if not self.cuts:
            return answer
        whole = self.tail + answer
        at = self.chance.randint(len(self.tail), len(whole))
        self.tail = whole[at:]
        self.tail_at = now + self.chance.choice([0.02, 0.045, 9.0])
        return whole[:at]

    def _spoil(self, data):
        return bytes(
            byte ^ self.chance.randint(1, 255) if self.chance.random() < self.bad_bytes else byte
            for byte in data
        )


class Trial:
    """A rig with its slot open and a line that can be made bad."""

    def __init__(self, unit: Unit, way: str, quirks: Mapping[str, Any]):
        self.unit, self.quirks = unit, dict(quirks)
        self.rig = rig = Rig(unit, **quirks)
        self.line = rig.wire.device = Line(rig.sim)
        self.former: list[Any] = []
        """Validators that were taken away."""
        ready(rig)
        decision = WAYS[way]
        rig.core.decides = lambda value: decision() if value == of_whole(NOTE) else StackNote()

    def state(self):
        """What the validator is in, where the note is, what the books hold of it."""
        truth, core = self.rig.sim.truth, self.rig.core
        place = next(
            name
            for name, is_so in (
                ("in the head", truth.head), ("past the gate", truth.stacker), ("in the cassette", truth.cassette),
                ("with the customer", truth.returned),
            )
            if is_so
        )  # fmt: skip
        books = next(
            name
            for name, is_so in (
                ("intent", core.intent), ("credited", core.certain), ("offered", core.of(NoteEscrowed)), ("nothing", 1),
            )
            if is_so
        )  # fmt: skip
        return f"{self.rig.sim.status.name}, {place}, {books}"

    def bad_line(self, seconds=BAD_LINE_S, **how):
        for name, value in how.items():
            setattr(self.line, name, value)
        self.rig.time.run_for(seconds)
        self.line.mend()

    def restart_host(self, away_s=1.0):
        self.rig.kill_host()
        self.rig.time.run_for(away_s)
        self.rig.start_host()

    def finish(self):
        """All is mended, and the next customer comes."""
        self.rig.settle()
        self.rig.insert(NEXT)
        self.rig.settle()

    def outcome(self):
        """What became of the note, as a collector and the books see it."""
        core = self.rig.core
        box = Counter(self.rig.sim.truth.cassette)
        for one in self.former:
            box.update(one.truth.cassette)
            box.update([one.truth.stacker] if one.truth.stacker else [])
        told = (box[NOTE], *(notes.count(of_whole(NOTE)) for notes in (core.certain, core.uncertain)))
        orphans = [one for one in core.orphans if one in (None, of_whole(NOTE))]
        is_next_credited = core.certain.count(of_whole(NEXT)) == box[NEXT] == 1
        all_told = len(core.certain) + len(core.uncertain) + len(core.orphans)
        is_all = all_told == sum(told[1:]) + len(orphans) + 1
        found = {
            (0, 0, 0, 0): KEPT, (1, 1, 0, 0): CREDITED, (1, 0, 0, 1): ORPHAN, (0, 0, 1, 0): IN_DOUBT,
            (1, 0, 1, 0): IN_DOUBT,
        }.get((*told, len(orphans)))  # fmt: skip
        if found is None or not is_next_credited or not is_all:
            is_lost = box.total() > all_told
            return LOST if is_lost else DOUBLE
        return found


# --- faults -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Fault:
    """What goes wrong at the moment, and the units it goes wrong with."""

    name: str
    strike: Callable[[Trial], object]
    quirks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By protocol; none: a unit by the book."""


def cut_validator(trial):
    trial.rig.power_cycle(1.0)


def cut_both(trial):
    trial.rig.do("cut_power")
    trial.rig.kill_host()
    trial.rig.time.run_for(2.0)
    trial.rig.do("restore_power")
    trial.rig.time.run_for(1.0)
    trial.rig.start_host()


def lose_acks(trial):
    trial.rig.sim.quirks.lost_acks = 5


def repeat_event(trial):
    """Nobody's acknowledgement is heard, and the next one who asks hears it all again."""
    quirks = trial.rig.sim.quirks
    quirks.lost_acks = 1000
    trial.rig.time.run_for(1.0)
    trial.restart_host(0.2)
    trial.rig.time.run_for(1.5)
    quirks.lost_acks = 0


def lose_answers(trial):
    trial.rig.sim.quirks.lost_answers = 3


def end_the_payment(trial):
    """The slot is closed, the note goes in all the same, and then the next customer is there."""
    core = trial.rig.core
    core.opens = frozenset()
    trial.rig.pump.order(DisableNotes())
    trial.rig.time.run_for(0.15)
    trial.rig.do("take_unasked")
    trial.rig.time.run_for(3.0)
    core.opens = ALL
    trial.rig.pump.order(EnableNotes(ALL))


def hear_old_bytes(trial):
    """What the adapter has kept for the next who opens the port."""
    rig = trial.rig
    rig.kill_host()
    rig.time.run_for(0.5)
    rig.wire._unheard = trial.line.said
    rig.start_host()


def swap_validator(trial):
    """Another one stands there, with its own numbers for the same notes and nothing inside."""
    rig, unit = trial.rig, trial.unit
    rig.do("cut_power")
    trial.former.append(rig.sim)
    rig.time.run_for(2.0)
    table = tuple(reversed(TABLES[unit.name]))
    rig.sim = unit.simulator(rig.time.time(), quirks=unit.quirks(**trial.quirks), table=table)
    rig.sim.serial_number = 7_000_001
    trial.line.devices = [rig.sim]
    rig.wire.stir()


def take_cassette(trial):
    trial.rig.do("take_cassette_out")
    trial.rig.time.run_for(3.0)
    trial.rig.do("put_cassette_in")


def connect_another(trial):
    """Two hear every command and answer it at once, until somebody pulls all plugs and one is put back."""
    rig, unit = trial.rig, trial.unit
    other = unit.simulator(rig.time.time(), quirks=unit.quirks(**trial.quirks))
    other.serial_number = 7_000_002
    trial.line.devices.append(other)
    rig.wire.stir()
    rig.time.run_for(BAD_LINE_S)
    trial.line.devices.remove(other)
    rig.power_cycle(1.0)


TABLES = {
    "ccnet": ccnet_simulator.RUSSIAN_TABLE,
    "id003": id003_simulator.RUSSIAN_TABLE,
    "ssp": ssp_simulator.RUSSIAN_TABLE,
}
CLEARS_IN_SILENCE = {unit: {"announces_after_reset": False} for unit in UNITS}
TELLS_ONCE = {
    "ccnet": {"holds_events": False},
    "id003": {"announces_after_reset": False, "shows_stacked": False},
    "ssp": {"has_encryption": False},
}
"""ID-003 has no such units: its money is always said until it is acknowledged."""

FAULTS = (
    Fault("nothing", lambda trial: None),
    Fault("power cut of the validator", cut_validator),
    Fault("power cut of one that clears its path in silence", cut_validator, CLEARS_IN_SILENCE),
    Fault("power cut of both, and it clears its path in silence", cut_both, CLEARS_IN_SILENCE),
    Fault("power cut of the terminal", Trial.restart_host),
    Fault("power cut of both", cut_both),
    Fault("acknowledgements lost", lose_acks),
    Fault("event repeated to a new host", repeat_event),
    Fault("every answer twice", lambda trial: trial.bad_line(says_twice=True)),
    Fault("answers lost of a unit that tells once", lose_answers, TELLS_ONCE),
    Fault("terminal killed, and the unit tells once", Trial.restart_host, TELLS_ONCE),
    Fault("stacked without escrow", lambda trial: trial.rig.do("take_unasked")),
    Fault("returned after STACK", lambda trial: trial.rig.do("give_back_unasked")),
    Fault("fished out after STACK", lambda trial: trial.rig.do("fish_out")),
    Fault("stacked when the payment is over", end_the_payment),
    Fault("1 % of the bytes wrong", lambda trial: trial.bad_line(bad_bytes=0.01)),
    Fault("10 % of the bytes wrong", lambda trial: trial.bad_line(bad_bytes=0.1)),
    Fault("frames cut and glued", lambda trial: trial.bad_line(cuts=True)),
    Fault("bytes from before the restart", hear_old_bytes),
    Fault("validator swapped", swap_validator),
    Fault("cassette out", take_cassette),
    Fault("two validators answer", connect_another),
)


# --- the matrix ----------------------------------------------------------------------------------------------------------


def moments(unit: Unit, fault: Fault) -> tuple[Moment, ...]:
    """All of a note's ways with a unit that this fault can happen to."""
    quirks = fault.quirks.get(unit.name, {})
    return tuple(one for way in WAYS for one in _moments(unit.name, way, tuple(quirks.items())))


@cache
def _moments(unit: str, way: str, quirks: tuple[tuple[str, Any], ...]) -> tuple[Moment, ...]:
    trial = Trial(UNITS[unit], way, dict(quirks))
    time = trial.rig.time
    trial.rig.insert(NOTE)
    start = moved_at = time.time()
    seen = [(start, trial.state())]
    while time.time() - moved_at < REST_S or trial.rig.sim.status.name != "IDLING":
        time._run_next()
        state = trial.state()
        if state != seen[-1][1]:
            moved_at = time.time()
        if time.time() > seen[-1][0]:
            seen.append((time.time(), state))
        else:
            seen[-1] = (seen[-1][0], state)
    return tuple(
        Moment(way, round(begin - start + (end - begin) * (one + 0.5) / slices, 6), state)
        for (begin, state), (end, _) in pairwise(seen)
        for slices in [max(1, round((end - begin) / SLICE_S))]
        for one in range(slices)
    )


def outcome(unit: Unit, fault: Fault, moment: Moment) -> str:
    """What becomes of a note that this happens to."""
    trial = Trial(unit, moment.way, fault.quirks.get(unit.name, {}))
    trial.line.chance.seed(f"{unit.name} {fault.name} {moment.way} {moment.at_s}")
    trial.rig.insert(NOTE)
    trial.rig.time.run_for(moment.at_s)
    assert trial.state() == moment.state, "the way is not the same every time"
    fault.strike(trial)
    trial.finish()
    return trial.outcome()
