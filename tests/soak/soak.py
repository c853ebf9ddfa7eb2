"""One terminal of real processes, for hours: customers, a clerk, and everything that can befall it; then the promises.

The seed decides who comes, what befalls the terminal and when; what the processes make of it is their own affair, so
a seed brings the same troubles again, not the same microseconds.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random

from clerks_files import Clerk
from msgspec import Struct, field
from troubles import TROUBLES, Trouble, screen_pid, start_core
from visitors import AtGlass, AtSocket, Visitor
from watching import Memory, Watched

from kassa.control.client import AskRefused, CoreAbsent
from kassa.demo.stage import Stage
from kassa.demo.steered import DemoFailed, wait_until
from kassa.demo.summary import gather
from kassa.demo.visit import open_screen

STORM_SHARE = 0.25
"""Of the time; in it processes are killed, too. Afterwards they live, so that their memory can be watched."""
WARM_UP_SHARE = 0.15
"""Of the time: what is loaded at first use is no growth."""
WARM_UP_MAX_S = 900.0
VISITS_MIN = 2
"""However slow the machine is."""
TROUBLE_CHANCE, ERRAND_CHANCE = 0.6, 0.35
TROUBLE_WITHIN_S = 12.0
"""After a visit began."""
VISIT_MAX_S = 240.0
"""The longest visit, with a trouble in it and a time-out at its end, takes a minute."""
REST_MAX_S = 120.0
"""A terminal that does not rest so long after the last trouble ended is stuck."""
LOOK_EVERY_S = 0.15
POLL_GAP_MAX_S = 1.0
"""The validator is polled every 0.2 s at the latest, and a machine shared with others may be busy for a moment."""
SETTINGS = (("idle_timeout_s = 90", "idle_timeout_s = 15"), ("thanks_s = 15", "thanks_s = 5"))
"""Nobody waits for hours of time-outs."""
BAD_LOG_WORDS = ("Traceback", "nothing in the rules fits", "CRITICAL")


class Figures(Struct, kw_only=True):
    """What a soak found out. Nothing is wrong when `failures` is empty."""

    seed: int
    minutes: float
    visits: dict[str, int] = field(default_factory=dict)
    """At the glass, and at the socket."""
    troubles: dict[str, int] = field(default_factory=dict)
    notes_in_box: int = 0
    box_total: str = ""
    payments: int = 0
    documents: int = 0
    files: int = 0
    polls: int = 0
    """While nothing was done to validator or core."""
    longest_poll_gap_s: float = 0.0
    poll_gap_max_s: float = POLL_GAP_MAX_S
    longest_rest_s: float = 0.0
    """From the last visit's end to a terminal that waits for the next."""
    memory: list[Memory] = field(default_factory=list)
    series: dict[str, list[tuple[float, int, int]]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)


class Soak:
    """A soak in `folder`, which it makes; `speed` is that of the simulated mechanics, `tell` hears what goes on."""

    def __init__(
        self, folder: Path, seed: int, minutes: float, tell: Callable[[str], None], speed: float = 1.0
    ) -> None:
        self._chance, self._tell = Random(seed), tell
        self.figures = Figures(seed=seed, minutes=minutes)
        self._began = time.monotonic()
        self._lasts_s = minutes * 60
        self._stage = Stage(folder, speed)
        self._clerk = Clerk(self._stage.home, folder / "collected", Random(seed + 1))
        self._watched = (
            Watched("core", lambda: self._stage.core_pid, self._fail),
            Watched("screen", lambda: screen_pid(self._stage), self._fail),
        )
        self._visits: Counter[str] = Counter()
        self._troubles: Counter[str] = Counter()

    def run(self) -> Figures:
        """Everything; whatever went wrong is in the figures."""
        try:
            self._open()
            self._live()
            self._settle_up()
        except DemoFailed as error:  # stuck, or a process is gone: there is nothing to go on with
            self._fail(str(error))
        finally:
            self._stage.close()
            if hasattr(self, "_hand"):
                self._hand.end()
        self.figures.visits, self.figures.troubles = dict(self._visits), dict(sorted(self._troubles.items()))
        self.figures.minutes = round(self._passed_s / 60, 1)
        return self.figures

    # --- the time ---------------------------------------------------------------------------------------------

    def _open(self) -> None:
        config = self._stage.home.config
        text = config.read_text(encoding="utf-8")
        for usual, quick in SETTINGS:
            assert usual in text, usual
            text = text.replace(usual, quick)
        config.write_text(text, encoding="utf-8")
        start_core(self._stage)
        [good] = [one for one in self._clerk.errands if one.name == "good file"]
        good.begin(self._stage)
        self._hand = open_screen(self._stage)
        self._rest("the start")
        self._stage.validator.order("polls")

    def _live(self) -> None:
        storm_until = self._lasts_s * STORM_SHARE
        warm_until = storm_until + min(self._lasts_s * WARM_UP_SHARE, WARM_UP_MAX_S)
        is_warm = False
        while self._passed_s < self._lasts_s or self._visits.total() < VISITS_MIN:
            self._round(with_deaths=self._passed_s < storm_until)
            if not is_warm and self._passed_s >= warm_until:
                is_warm = True
                for one in self._watched:
                    one.forget()

    def _round(self, *, with_deaths: bool) -> None:
        """A visit with what befalls the terminal meanwhile, and a look at everything when it rests again."""
        chance = self._chance
        at_glass = self._visits.total() % 2 == 0
        finger = AtGlass(self._hand) if at_glass else AtSocket(self._stage)
        visitor = Visitor(self._stage, finger, chance)
        planned = []
        if chance.random() < TROUBLE_CHANCE:
            planned.append(chance.choice([one for one in TROUBLES if with_deaths or not one.is_deadly]))
        if chance.random() < ERRAND_CHANCE:
            planned.append(chance.choice(self._clerk.errands))
        what = " and ".join(one.name for one in planned) or "no trouble"
        self._tell(f"{self._minute}: a visit at the {'glass' if at_glass else 'socket'}, {what}")
        self._play(
            visitor, [Act(one, self._now + chance.uniform(0, TROUBLE_WITHIN_S), chance) for one in planned]
        )
        self._visits["glass" if at_glass else "socket"] += 1
        self._troubles.update(one.name for one in planned)
        is_steady = all(one.spares_polls for one in planned)
        if is_steady:
            self._look_at_polls()
        self._rest(what)
        if is_steady:
            self._look_at_polls()
        else:
            self._stage.validator.order("polls")
        for one in self._watched:
            one.look()

    def _play(self, visitor: Visitor, acts: list[Act]) -> None:
        """Let the visit and the troubles go on side by side, until both are over."""
        give_up = self._now + VISIT_MAX_S
        while not visitor.is_gone or not all(act.is_over for act in acts):
            for act in acts:
                act.go_on(self._stage, self._now)
            if not visitor.is_gone and not any(act.is_on and act.trouble.is_deaf for act in acts):
                visitor.step()
            if self._now > give_up:
                raise DemoFailed(f"a visit does not end; the customer sees {self._stage.view()}")
            time.sleep(LOOK_EVERY_S)

    # --- looking ----------------------------------------------------------------------------------------------

    def _rest(self, after: str) -> None:
        """Wait until the terminal would take the next customer."""
        began = self._now
        wait_until(self._is_at_rest, f"a terminal at rest after {after}", REST_MAX_S)
        self.figures.longest_rest_s = max(self.figures.longest_rest_s, round(self._now - began, 1))

    def _is_at_rest(self) -> bool:
        try:
            view, status = self._stage.view(), self._stage.status()
        except (CoreAbsent, AskRefused):
            return False
        is_free = view.screen.value == "attract" and not view.payment
        return bool(
            is_free
            and status["takes_cash"]
            and not status["documents_pending"]
            and screen_pid(self._stage) is not None
        )

    def _look_at_polls(self) -> None:
        """Nothing was done to the validator since the last look: it must have been asked all the time."""
        told = self._stage.validator.order("polls")
        self.figures.polls += told["polls"]
        self.figures.longest_poll_gap_s = max(
            self.figures.longest_poll_gap_s, round(told["longest_gap_s"], 3)
        )
        if told["longest_gap_s"] > POLL_GAP_MAX_S:
            self._fail(f"the validator was not polled for {told['longest_gap_s']:.2f} s")

    def _settle_up(self) -> None:
        """The promises, by what lies in devices and files."""
        for one in self._watched:
            if (memory := one.memory(Random(self.figures.seed))) is not None:
                self.figures.memory.append(memory)
                self.figures.series[one.name] = one.series()
                if memory.verdict == "grows":
                    self._fail(f"the memory of the {one.name} grows by {memory.percent_an_hour} % an hour")
        wait_until(self._has_newest_data, "the newest subscriber file to be in use")
        self._clerk.bring_back()
        found = gather(self._stage)
        self._look_at_polls()  # counting and comparing is nothing that a validator would notice
        for problem in (*self._clerk.problems, *found.disagreements):
            self._fail(problem)
        self.figures.notes_in_box = sum(found.notes_in_box.values())
        self.figures.box_total = found.box_total
        self.figures.payments, self.figures.documents = len(found.payments), len(found.documents)
        self.figures.files = len(found.files)
        if (code := self._stage.stop_core()) != 0:
            self._fail(f"told to end, the core ends with {code}")
        self._read_log()

    def _has_newest_data(self) -> bool:
        data = self._stage.status()["data"]
        return data is not None and data["sha256"] == self._clerk.newest_sha256

    def _read_log(self) -> None:
        """What no trouble from outside explains."""
        for path in sorted(self._stage.home.logs.glob("core.log*")):
            for line in path.read_text(encoding="utf-8").splitlines():
                if any(words in line for words in BAD_LOG_WORDS):
                    self._fail(f"{path.name}: {line}")

    def _fail(self, what: str) -> None:
        sentence = f"seed {self.figures.seed}, {self._minute}: {what}"
        self.figures.failures.append(sentence)
        self._tell(f"FAILED {sentence}")

    @property
    def _now(self) -> float:
        return time.monotonic()

    @property
    def _passed_s(self) -> float:
        return self._now - self._began

    @property
    def _minute(self) -> str:
        return f"minute {self._passed_s / 60:.1f}"


class Act:
    """One trouble on its way: it begins at `at`, and ends when it has lasted."""

    def __init__(self, trouble: Trouble, at: float, chance: Random) -> None:
        self.trouble, self._at = trouble, at
        self._ends_at = at + chance.uniform(*trouble.lasts_s)
        self.is_on = self.is_over = False

    def go_on(self, stage: Stage, now: float) -> None:
        """Do what is due."""
        if not self.is_on and not self.is_over and now >= self._at:
            self.is_on = True
            self.trouble.begin(stage)
        if self.is_on and now >= self._ends_at:
            self.is_on, self.is_over = False, True
            self.trouble.end(stage)
