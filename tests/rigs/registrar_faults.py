"""One fault at any step of a receipt, and what became of its document: each registrar, each fault, each step.

The steps are not chosen: they are what a host writes while a receipt is made, each on its way, heard and done. After the fault
all is mended, and the next customer's receipt must come as if nothing had been.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from registrars import FISCAL, Rig

from kassa.fiscal.queue import DOUBT_RETRY_AFTER_S

PHASES_S = (0.0, 0.006, 0.016, *(count / 20 for count in range(1, 40)))
"""Behind a write: on its way, heard, done; a registrar needs 10 ms for most of what it does. Then on and on, while it works."""
AWAY_S, LONG_S = 1.0, 20.0
BAD_LINE_S = 4.0
SETTLED_S = 1800.0
FISCAL_PAID, NEXT_PAID = 650, 100

ONE = "one document"
COPY_DUE = "one document, shown as not printed"
IN_DOUBT = "in doubt, shown to staff"
TWO = "TWO"
NONE = "NONE"
STUCK = "STUCK"
WRONG = "WRONG"
MEANINGS = {
    ONE: "one fiscal document, on paper, in the journal with its number and sign",
    COPY_DUE: "the same, but it is not on paper, and staff see that",
    IN_DOUBT: "the drive that would hold it was taken away: a person has to look, staff see it, and nothing is printed anew",
}


@dataclass(frozen=True)
class Step:
    """A moment of a receipt: behind so many writes of the host, and what the registrar had begun by then."""

    writes: int
    after_s: float
    state: str


class Trial:
    """A registrar with an open shift, and a receipt that has begun."""

    def __init__(self, name: str):
        self.name = name
        self.rig = Rig(FISCAL[name]).with_open_shift()
        self.unit = self.rig.unit
        self.calm_at = 0.0
        self.chance = random.Random(name)
        self.unit.wire.sent.clear()
        self.began = len(self.unit.began)
        self.payment = self.rig.pay(FISCAL_PAID)

    def state(self):
        """What the registrar was told last, and whether the document is there."""
        begun = self.unit.began[self.began :]
        place = "recorded" if self.records else "not recorded"
        return f"{begun[-1] if begun else 'nothing yet'}, {place}"

    @property
    def records(self):
        return [one for one in self.rig.receipts if one.sum == FISCAL_PAID * 100]

    @property
    def is_over(self):
        return self.payment in self.rig.core.documents

    def go_to(self, writes, after_s):
        """The moment; False when the receipt is over before."""
        self.rig.time.run_until(lambda: self.unit.writes >= writes or self.is_over)
        if self.unit.writes < writes:
            return False
        self.rig.time.run_for(after_s)
        return True

    def later(self, seconds, do):
        """What belongs to the fault and comes after it; the host goes on meanwhile, if it lives."""
        time = self.rig.time
        self.calm_at = max(self.calm_at, time.time() + seconds)
        time.call_later(seconds, do)

    def do(self, name, *values, **named):
        self.unit.do(name, *values, **named)

    def finish(self):
        """All is mended, and the next customer comes."""
        time, core = self.rig.time, self.rig.core
        while (left_s := self.calm_at - time.time()) > 0:
            time.run_for(left_s)
        time.run_until(
            lambda: (
                core.queue.in_flight is None
                and all(one.payment in core.queue.in_doubt for one in core.pending)
            ),
            SETTLED_S,
        )
        if core.pending:  # whoever was asked in vain is asked again
            time.run_for(DOUBT_RETRY_AFTER_S * 2)
        self.rig.wait_ready(SETTLED_S)
        last = self.rig.pay(NEXT_PAID)
        time.run_until(lambda: last in core.documents, SETTLED_S)
        time.run_for(3.0)

    def outcome(self):
        """What became of the document, as a tax inspector and the books see it."""
        told, records = self.rig.core.documents.get(self.payment), self.records
        if len(records) > 1:
            return TWO
        if told is None:
            return IN_DOUBT if self.payment in self.rig.core.queue.in_doubt else NONE
        if not records:
            return NONE
        if (records[0].number, records[0].sign) != (told.number, told.sign):
            return WRONG
        return ONE if told.printed else COPY_DUE


# --- faults -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Fault:
    """What goes wrong at the step, and the registrars it goes wrong with."""

    name: str
    strike: Callable[[Trial], object]
    units: frozenset[str] = frozenset(FISCAL)
    may_leave_doubt: bool = False
    """The drive that would hold the document is gone."""

    def allows(self) -> frozenset[str]:
        """What may become of the document."""
        return frozenset({ONE, COPY_DUE, IN_DOUBT} if self.may_leave_doubt else {ONE, COPY_DUE})


def cut_link(trial):
    trial.unit.unplug()
    trial.later(AWAY_S, trial.unit.plug)


def cut_registrar(trial):
    trial.do("cut_power")
    trial.later(AWAY_S, lambda: trial.do("restore_power"))


def cut_terminal(trial):
    trial.rig.kill_host()
    trial.later(AWAY_S, trial.rig.start_host)


def cut_both(trial):
    trial.do("cut_power")
    trial.rig.kill_host()
    trial.later(AWAY_S, lambda: trial.do("restore_power"))
    trial.later(2 * AWAY_S, trial.rig.start_host)


def take_paper(trial):
    trial.do("take_paper_out")
    trial.later(LONG_S, lambda: trial.do("put_paper_in"))


def open_cover(trial):
    trial.do("open_cover")
    trial.later(LONG_S, lambda: trial.do("close_cover"))


def be_busy(trial):
    trial.do("be_busy", 60)
    trial.later(60, lambda: None)


def expire_shift(trial):
    trial.do("move_clock", 25)


def put_clock_back(trial):
    trial.do("move_clock", -30)
    trial.later(LONG_S, lambda: trial.do("move_clock", 30))


def replace_drive(how):
    """It takes nothing any more, and a technician brings a new one."""

    def strike(trial):
        def swap():
            trial.do("clear")
            trial.do("swap_drive", NEW_DRIVE)

        trial.unit.break_drive(how)
        trial.later(LONG_S, swap)

    return strike


def swap_drive(trial):
    trial.do("cut_power")
    trial.later(AWAY_S, lambda: trial.do("swap_drive", NEW_DRIVE))
    trial.later(2 * AWAY_S, lambda: trial.do("restore_power"))


def pull_drive(trial):
    """Out, and in again."""
    trial.unit.break_drive("gone")
    trial.later(LONG_S, lambda: trial.do("clear"))


def lose_operator(trial):
    trial.unit.lose_operator()
    trial.do("move_clock", 31 * 24)
    trial.later(LONG_S, trial.unit.find_operator)


def quirk(name, value):
    return lambda trial: setattr(trial.unit.machine.quirks, name, value)


def spoil_line(trial):
    """What the host sends arrives damaged, so the registrar says NAK over and over."""
    wire, device = trial.unit.wire, trial.unit.wire.device
    wire.device = Spoiling(device, trial.chance)
    trial.later(BAD_LINE_S, lambda: setattr(wire, "device", device))


class Spoiling:
    """Between a host and its registrar: of each write one byte is another one, but for single control bytes."""

    def __init__(self, device, chance):
        self._device, self._chance = device, chance
        self.advance, self.wakes_at = device.advance, device.wakes_at

    def receive(self, data, now):
        if len(data) > 1:
            at = self._chance.randrange(1, len(data))
            data = data[:at] + bytes((data[at] ^ 0x11,)) + data[at + 1 :]
        return self._device.receive(data, now)


NEW_DRIVE = "9999078900009999"
SHTRIH = frozenset({"shtrih"})

FAULTS = (
    Fault("nothing", lambda trial: None),
    Fault("link cut", cut_link),
    Fault("power cut of the registrar", cut_registrar),
    Fault("power cut of the terminal", cut_terminal),
    Fault("power cut of both", cut_both),
    Fault("answer lost", lambda trial: trial.unit.lose_answer()),
    Fault("answer forgotten, the document is recorded", quirk("forgets_after_record", 1), SHTRIH),
    Fault("busy for 60 s", be_busy),
    Fault("paper out", take_paper),
    Fault("cover open", open_cover),
    Fault("shift older than 24 hours", expire_shift),
    Fault("clock put back, and right again", put_clock_back),
    Fault("drive full, and replaced", replace_drive("full"), may_leave_doubt=True),
    Fault("drive expired, and replaced", replace_drive("expired"), may_leave_doubt=True),
    Fault("drive pulled out and put back", pull_drive),
    Fault("drive or registrar replaced by another", swap_drive, may_leave_doubt=True),
    Fault("data operator away for a month", lose_operator),
    Fault("what the host sends arrives damaged (NAK storm)", spoil_line, SHTRIH),
    Fault("answers with a wrong check sum", quirk("damaged_answers", 8), SHTRIH),
    Fault("acknowledgements lost", quirk("lost_acks", 8), SHTRIH),
)


# --- the matrix ----------------------------------------------------------------------------------------------------------


@cache
def steps(name: str) -> tuple[Step, ...]:
    """All moments of a receipt with this registrar."""
    found = []
    writes = 1
    while True:
        for after_s in PHASES_S:
            trial = Trial(name)
            is_reached = trial.go_to(writes, after_s)
            if trial.is_over:
                return tuple(found)
            if not is_reached or trial.unit.writes > writes:
                break  # the host goes on before
            found.append(Step(writes, after_s, trial.state()))
        writes += 1


def outcome(name: str, fault: Fault, step: Step) -> str:
    """What becomes of the document of a receipt that this happens to."""
    trial = Trial(name)
    try:
        assert trial.go_to(step.writes, step.after_s)
        fault.strike(trial)
        trial.finish()
    except AssertionError:
        return STUCK
    return trial.outcome()


def is_allowed(fault: Fault, became: str) -> bool:
    """Whether this may become of a document."""
    return became in fault.allows()
