"""One fault at any moment of a note's way, and what became of the note: each protocol, each fault, each state.

The moments are not chosen: they are what a simulated validator goes through with a note, cut into slices. The books are
those of `validators.Core`. After the fault all is mended, and the next customer's note must go in as if nothing had been.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from itertools import pairwise
from typing import Any

from validators import ALL, UNITS, Rig, Unit, ready

from devices.ccnet import simulator as ccnet_simulator
from devices.id003 import simulator as id003_simulator
from devices.ssp import simulator as ssp_simulator
from kassa.money import of_whole
from kassa.ports import DisableNotes, EnableNotes, NoteEscrowed, ReturnNote, StackNote, ValidatorLost

SLICE_S = 0.04
"""Of a state that lasts; polls come every 0.1 s."""
SLICES_MAX = 20
"""Of one state: a note may wait for ten seconds."""
REST_S = 0.4
"""The way is looked at for so long after its end."""
BAD_LINE_S = 4.0
"""Less than it takes until the link is given up, and long enough for a note's whole way."""
PATIENCE_S = 12.0
"""After this every validator has given back by itself what waited at escrow."""
COMMIT_S = 0.03
"""Of the journal; a host can die while it writes."""
NOTE, NEXT = 500, 100

KEPT = "kept"
CREDITED = "credited once"
ORPHAN = "orphan shown to staff"
MARKED = "credited once, marked"
LOST = "LOST"
DOUBLE = "DOUBLE"
STUCK = "STUCK"
"""The slot does not open again, or something is not as its own code says."""
MEANINGS = {
    KEPT: "the note is not in the cassette, and nothing was credited",
    CREDITED: "the note is in the cassette, and credited once",
    MARKED: "the same, yet nobody has told where the note is: it is marked for whoever counts at the next collection",
    ORPHAN: "the note is in the cassette, nobody asked for it, and staff see it as an orphan",
}
WAYS = {"in": StackNote, "back": ReturnNote, "waiting": lambda: None}
"""What the core decides about the note; what waits goes back when somebody has lost patience."""


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
        self.calm_at = 0.0
        """When the fault is over."""
        ready(rig)
        rig.core.commit_s = COMMIT_S
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

    def later(self, seconds, do):
        """What belongs to the fault and comes after it; the host goes on meanwhile, if it lives."""
        time = self.rig.time
        self.calm_at = max(self.calm_at, time.time() + seconds)
        time.call_later(seconds, do)

    def bad_line(self, **how):
        for name, value in how.items():
            setattr(self.line, name, value)
        self.later(BAD_LINE_S, self.line.mend)

    def cut_power(self, off_s=1.0):
        self.rig.do("cut_power")
        self.later(off_s, lambda: self.rig.do("restore_power"))

    def kill_host(self, away_s=1.0):
        self.rig.kill_host()
        self.later(away_s, self.rig.start_host)

    def finish(self):
        """All is mended, and the next customer comes."""
        while (left_s := self.calm_at - self.rig.time.time()) > 0:
            self.rig.time.run_for(left_s)
        if getattr(self.rig.sim, "is_offended", False):
            self.rig.time.run_until(self.is_said_to_be_switched_off_and_on)
            self.rig.power_cycle()
        self.rig.settle()
        self.rig.insert(NEXT)
        self.rig.settle()

    def is_said_to_be_switched_off_and_on(self):
        return any("off and on" in lost.reason for lost in self.rig.core.of(ValidatorLost))

    def outcome(self):
        """What became of the note, as a collector and the books see it."""
        core = self.rig.core
        box = Counter(self.rig.sim.truth.cassette)
        credited = {*core.certain, *core.uncertain}
        for one in (gone.truth for gone in self.former):
            box.update(one.cassette + ([one.stacker] if one.stacker else []))
            if one.head and of_whole(one.head) in credited:
                box[one.head] += (
                    1  # whoever took it away holds what is in its head, too: not for the customer, then
                )
        told = (box[NOTE], *(notes.count(of_whole(NOTE)) for notes in (core.certain, core.uncertain)))
        orphans = [one for one in core.orphans if one in (None, of_whole(NOTE))]
        is_next_credited = core.certain.count(of_whole(NEXT)) == box[NEXT] == 1
        all_told = len(core.certain) + len(core.uncertain) + len(core.orphans)
        is_all = all_told == sum(told[1:]) + len(orphans) + 1
        found = {
            (0, 0, 0, 0): KEPT, (1, 1, 0, 0): CREDITED, (1, 0, 0, 1): ORPHAN, (1, 0, 1, 0): MARKED,
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
    is_harmless: bool = False
    """All goes on as the core has decided."""
    may_leave_doubt: bool = False
    """What the validator knew of the note is gone with it, or it never knew."""
    is_unasked: bool = False
    """The validator takes what nobody sent in; without that nothing may end as an orphan."""

    def allows(self, way: str) -> frozenset[str]:
        """What may become of a note on this way."""
        if self.is_harmless:
            return frozenset({CREDITED if way == "in" else KEPT})
        found = {KEPT, CREDITED}
        if self.may_leave_doubt:
            found.add(MARKED)
        if self.is_unasked:
            found.add(ORPHAN)
        return frozenset(found)


def kill_as_it_decides(trial):
    """The intent is written, the command is not sent; whoever came too late for that moment is killed all the same."""
    core = trial.rig.core
    decides = core.decides

    def die(value):
        core.decides = decides
        trial.kill_host(PATIENCE_S)
        return decides(value)

    def die_all_the_same():
        if core.decides is die:
            core.decides = decides
            trial.kill_host(PATIENCE_S)

    core.decides = die
    trial.later(1.5, die_all_the_same)


def cut_both(trial):
    trial.cut_power(2.0)
    trial.kill_host(3.0)


def lose_acks(trial):
    trial.rig.sim.quirks.lost_acks = 5


def repeat_event(trial):
    """Nobody's acknowledgement is heard, and the next one who asks hears it all again."""
    quirks = trial.rig.sim.quirks
    quirks.lost_acks = 1000
    trial.later(1.0, lambda: trial.kill_host(0.2))
    trial.later(2.7, lambda: setattr(quirks, "lost_acks", 0))


def lose_answers(trial):
    trial.rig.sim.quirks.lost_answers = 3


def end_the_payment(trial):
    """The slot is closed, the note goes in all the same, and then the next customer is there."""

    def reopen():
        trial.rig.core.opens = ALL
        trial.rig.pump.order(EnableNotes(ALL))

    trial.rig.core.opens = frozenset()
    trial.rig.pump.order(DisableNotes())
    trial.later(0.15, lambda: trial.rig.do("take_unasked"))
    trial.later(3.0, reopen)


def hear_old_bytes(trial):
    """What the adapter has kept for the next who opens the port."""

    def start():
        trial.rig.wire._unheard = trial.line.said
        trial.rig.start_host()

    trial.rig.kill_host()
    trial.later(0.5, start)


def swap_validator(trial):
    """Another one stands there, with its own numbers for the same notes and nothing inside."""
    trial.rig.do("cut_power")
    trial.former.append(trial.rig.sim)
    trial.later(2.0, lambda: connect_new(trial))


def connect_new(trial):
    rig = trial.rig
    rig.sim = another(trial, tuple(reversed(TABLES[trial.unit.name])))
    trial.line.devices = [rig.sim]
    rig.wire.stir()


def another(trial, table):
    unit = trial.unit
    made = unit.simulator(trial.rig.time.time(), quirks=unit.quirks(**trial.quirks), table=table)
    made.serial_number = 7_000_001
    return made


def take_cassette(trial):
    trial.rig.do("take_cassette_out")
    trial.later(3.0, lambda: trial.rig.do("put_cassette_in"))


def connect_another(trial):
    """Two hear every command and answer it at once, until somebody pulls all plugs and puts one back."""

    def disconnect():
        trial.line.devices.remove(other)
        trial.cut_power()

    other = another(trial, TABLES[trial.unit.name])
    trial.line.devices.append(other)
    trial.rig.wire.stir()
    trial.later(BAD_LINE_S, disconnect)


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
    Fault("nothing", lambda trial: None, is_harmless=True),
    Fault("power cut of the validator", Trial.cut_power, may_leave_doubt=True),
    Fault("power cut of both", cut_both, may_leave_doubt=True),
    Fault(
        "power cut of one that clears its path in silence",
        Trial.cut_power,
        CLEARS_IN_SILENCE,
        may_leave_doubt=True,
    ),
    Fault(
        "power cut of both, and it clears its path in silence",
        cut_both,
        CLEARS_IN_SILENCE,
        may_leave_doubt=True,
    ),
    Fault("power cut of the terminal", Trial.kill_host),
    Fault(
        "terminal away until every validator has lost its patience", lambda trial: trial.kill_host(PATIENCE_S)
    ),
    Fault(
        "terminal killed between intent and STACK, and away as long", kill_as_it_decides, may_leave_doubt=True
    ),
    Fault("terminal killed, and the unit tells once", Trial.kill_host, TELLS_ONCE, may_leave_doubt=True),
    Fault("bytes from before the restart", hear_old_bytes),
    Fault("acknowledgements lost", lose_acks, is_harmless=True),
    Fault("event repeated to a new host", repeat_event),
    Fault("answers lost of a unit that tells once", lose_answers, TELLS_ONCE, may_leave_doubt=True),
    Fault("every answer twice", lambda trial: trial.bad_line(says_twice=True), is_harmless=True),
    Fault("1 % of the bytes wrong", lambda trial: trial.bad_line(bad_bytes=0.01), may_leave_doubt=True),
    Fault("10 % of the bytes wrong", lambda trial: trial.bad_line(bad_bytes=0.1), may_leave_doubt=True),
    Fault("frames cut and glued", lambda trial: trial.bad_line(cuts=True), may_leave_doubt=True),
    Fault("two validators answer", connect_another, may_leave_doubt=True),
    Fault("validator swapped", swap_validator, may_leave_doubt=True),
    Fault("cassette out", take_cassette, may_leave_doubt=True),
    Fault("stacked without escrow", lambda trial: trial.rig.do("take_unasked"), is_unasked=True),
    Fault("stacked when the payment is over", end_the_payment, is_unasked=True),
    Fault("returned after STACK", lambda trial: trial.rig.do("give_back_unasked")),
    Fault("fished out after STACK", lambda trial: trial.rig.do("fish_out"), may_leave_doubt=True),
)


# --- the matrix ----------------------------------------------------------------------------------------------------------


def moments(unit: Unit, fault: Fault) -> tuple[Moment, ...]:
    """All of a note's ways with a unit that this fault can happen to."""
    quirks = fault.quirks.get(unit.name, {})
    return tuple(one for way in WAYS for one in _moments(unit.name, way, tuple(quirks.items())))


@cache
def _moments(unit: str, way: str, quirks: tuple[tuple[str, Any], ...]) -> tuple[Moment, ...]:
    times = _happenings(Trial(UNITS[unit], way, dict(quirks)))
    middles = [
        begin + (end - begin) * (one + 0.5) / slices
        for begin, end in pairwise(times)
        for slices in [max(1, round((end - begin) / SLICE_S))]
        for one in range(slices)
    ]
    trial = Trial(UNITS[unit], way, dict(quirks))
    trial.rig.insert(NOTE)
    found: list[Moment] = []
    for at_s in middles:
        trial.rig.time.call_later(at_s, lambda at_s=at_s: found.append(Moment(way, at_s, trial.state())))
    trial.rig.time.run_for(times[-1])
    return tuple(_thinned(found))


def _thinned(found: list[Moment]) -> Iterator[Moment]:
    """No more than SLICES_MAX of one state, as far apart as they can be."""
    for state in dict.fromkeys(moment.state for moment in found):
        same = [moment for moment in found if moment.state == state]
        kept = min(len(same), SLICES_MAX)
        yield from (same[one * len(same) // kept] for one in range(kept))


def _happenings(trial: Trial) -> list[float]:
    """When anything moved or was said, from the note's insertion on until it has come to its end."""
    time, times = trial.rig.time, {0.0}
    call_later = time.call_later
    trial.rig.insert(NOTE)
    start = time.time()

    def told(callback):
        times.add(round(time.time() - start, 6))
        callback()

    time.call_later = lambda delay, callback: call_later(delay, partial(told, callback))
    time.run_until(lambda: trial.rig.sim.truth.is_empty and trial.rig.sim.status.name == "IDLING")
    time.run_for(REST_S)
    return sorted(times)


def outcome(unit: Unit, fault: Fault, moment: Moment) -> str:
    """What becomes of a note that this happens to."""
    trial = Trial(unit, moment.way, fault.quirks.get(unit.name, {}))
    trial.line.chance.seed(f"{unit.name} {fault.name} {moment.way} {moment.at_s:.4f}")
    trial.rig.insert(NOTE)
    found = []

    def strike():
        found.append(trial.state())
        fault.strike(trial)

    trial.rig.time.call_later(moment.at_s, strike)  # while the host writes, too
    try:
        trial.rig.time.run_for(moment.at_s)
        trial.finish()
    except AssertionError:
        return STUCK
    assert found == [moment.state], "the way is not the same every time"
    return trial.outcome()


def is_allowed(fault: Fault, moment: Moment, became: str) -> bool:
    """Whether this may become of a note."""
    return became in fault.allows(moment.way)
