"""A kiosk's life from one seed: days of customers while everything fails, evenings when all is mended and counted.

The same seed gives the same life to the byte. A day is a storm and then a calm: in the calm everything that was begun
has to find its end, and then the promises are checked.
"""

from __future__ import annotations

import contextlib
import hashlib
import random
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
from clerk import Clerk
from faults import ATOL_MODELS, MODELS, Faults, any_registrar, any_validator, good_registrar, good_validator
from kiosk import Kiosk
from people import Customer, Script, accountant, collector
from promises import Count, PromiseBroken, check

from kassa.config import Agent, Config, Supplier, load
from kassa.errors import KassaError
from kassa.home import Home, data_folder

DAYS = 3
CUSTOMERS_A_DAY = 60
FAULT_EVERY_S = 14.0
"""On average."""
VISIT_MAX_S = 600.0
BUGS = (AssertionError, ArithmeticError, LookupError, TypeError, ValueError, RuntimeError)
"""How a program that is wrong ends; a journal that refuses an entry or is not whole is a KassaError."""


@dataclass(frozen=True)
class Life:
    """What became of one seed."""

    seed: int
    count: Count
    kills: int
    cuts: int
    failures: int
    """Ends of the core by a disk that failed or was full."""
    struck: dict[str, int]
    """How often which fault came."""
    virtual_s: float
    hash: str
    """Of everything that happened: two runs of a seed have the same one."""


class SeedFailed(Exception):
    """A promise was broken, or the program was: with the seed, and what happened before."""

    def __init__(self, seed: int, kind: str, kiosk: Kiosk, reason: BaseException) -> None:
        super().__init__(f"seed {seed}: {type(reason).__name__}: {reason}")
        self.seed, self.kind, self.reason = seed, kind, reason
        self.timeline = kiosk.timeline.lines()


KINDS: dict[str, Callable[[Faults], list[Callable[[], Script]]]] = {
    "storm": Faults.all,
    "atol": Faults.all,
    "crashes": Faults.crashes,
    "fair": lambda _: [],
}
"""Everything fails; the same, and the registrar is one of ATOL's; only the core and its cables do, so that no doubt of any note may remain; nothing fails."""


CONFIG = load(data_folder() / "examples" / "kassa.toml")
AGENT = Agent("paying_agent", Supplier("ООО «Сосед»", "7701234567", ("+74951112233",)), ("+74990000001",))
"""Of the service that some take money for on behalf of somebody else."""
AGENTS_SERVICE = "tv"


def any_config(chance: random.Random) -> Config:
    """Customers with little patience, and a night that comes soon."""
    config = CONFIG
    cash = msgspec.structs.replace(
        config.cash,
        idle_timeout_s=chance.choice([3, 8]),
        choosing_timeout_s=5,
        thanks_s=2,
        receipt_wait_s=5,
    )
    return msgspec.structs.replace(
        config,
        cash=cash,
        registrar=msgspec.structs.replace(config.registrar, close_shift_at=f"14:{chance.randint(6, 20):02}"),
        outbox=msgspec.structs.replace(
            config.outbox, every_min=chance.choice([2, 10, 60]), after_each_payment=chance.random() < 0.15
        ),
    )


STORMS = {"storm": MODELS, "atol": ATOL_MODELS}
"""Which registrars are out in which storm."""
LATE_RECEIPTS_SHARE = 0.3
"""Of the operators so many let an owed receipt be printed whatever shift it is."""
AGENTS_SHARE = 0.3
CORRECTIONS_SHARE = 0.5
"""Of the documents whose shift is over so many become corrections."""


def with_agent(config: Config) -> Config:
    """One of the services is somebody else's."""
    services = tuple(
        msgspec.structs.replace(one, agent=AGENT) if one.id == AGENTS_SERVICE else one
        for one in config.service
    )
    return msgspec.structs.replace(config, service=services)


class World:
    """One seed, lived day by day."""

    def __init__(self, home: Home, seed: int, kind: str = "storm", timeline_last: int | None = 100) -> None:
        self.seed, self.kind = seed, kind
        self.chance = chance = random.Random(f"{kind} {seed}")
        self.contacts = random.Random(f"contacts {kind} {seed}")
        config = any_config(chance)
        if random.Random(f"late {seed}").random() < LATE_RECEIPTS_SHARE:
            config = msgspec.structs.replace(
                config, registrar=msgspec.structs.replace(config.registrar, late_receipt="any_shift")
            )
        papers = random.Random(f"papers {kind} {seed}")
        """A chance of its own, too: what is drawn of it moves nothing else in a life."""
        if papers.random() < AGENTS_SHARE:
            config = with_agent(config)
        self.is_stormy = kind in STORMS
        self.kiosk = Kiosk(
            home, config, chance, any_validator(chance) if self.is_stormy else good_validator(chance),
            any_registrar(papers, seed, STORMS[kind]) if self.is_stormy else good_registrar(papers, seed),
            speed=chance.choice([1.0, 4.0, 4.0, 8.0, 8.0, 16.0, 16.0, 16.0]),
            slowness=chance.choice([1.0, 2.0, 4.0]), timeline_last=timeline_last,
        )  # fmt: skip
        self.kiosk.late_document = lambda: "correction" if papers.random() < CORRECTIONS_SHARE else "receipt"
        self._began = self.kiosk.time.time()
        self.faults = Faults(self.kiosk, chance)
        self.clerk = Clerk(self.kiosk, chance)
        self._choices = KINDS[kind](self.faults)
        self._is_day = False
        self._running = 0

    def live(self, days: int = DAYS, customers: int = CUSTOMERS_A_DAY) -> Life:
        """All days. Raises SeedFailed."""
        kiosk = self.kiosk
        try:
            for day in range(days):
                kiosk.timeline.note("world", f"day {day + 1}")
                self._day(customers)
                self._calm()
                count = check(kiosk, whole_chain=day == days - 1)
                if self.kind == "crashes" and (count.uncertain or count.orphans):
                    raise PromiseBroken("good devices kept their power, yet a note is in doubt")
        except (*BUGS, KassaError) as error:
            raise SeedFailed(self.seed, self.kind, kiosk, error) from error
        life = Life(
            self.seed, count, kiosk.kills, kiosk.cuts, kiosk.failures, dict(self.faults.struck),
            kiosk.time.time() - self._began, self._hash(),
        )  # fmt: skip
        kiosk.close()
        return life

    def _day(self, customers: int) -> None:
        self._is_day = True
        self._start(self._visitors(customers))
        if self._choices:
            self._start(self._weather())
        end = self.kiosk.time.time() + customers * VISIT_MAX_S
        while self._is_day:
            assert self.kiosk.time.time() < end, "the customers' day does not end"
            self.kiosk.wait(5.0)
        while self._running:
            assert self.kiosk.time.time() < end, "somebody's errand does not end"
            self.kiosk.wait(1.0)

    def _visitors(self, customers: int) -> Script:
        for _ in range(customers):
            yield self.chance.choice([0.0, 0.0, 0.1, 1.0])
            yield from Customer(self.kiosk, self.chance, self.contacts).visit()
            if self.is_stormy and self.chance.random() < 0.05:
                yield from accountant(self.kiosk, self.chance)
                self.kiosk.decide_late_documents()
            if self.chance.random() < 0.01:
                self._start(self.clerk.drop())
            if self.chance.random() < 0.02:
                saying = yield from collector(self.kiosk, self.chance)
                if saying is not None:
                    self._start(self._later(saying))
        self._is_day = False

    def _later(self, script: Script) -> Script:
        yield self.chance.choice([0.0, 5.0, 60.0])
        yield from script

    def _weather(self) -> Script:
        while self._is_day:
            yield self.chance.expovariate(1 / FAULT_EVERY_S)
            yield from self.faults.strike(self.chance.choice(self._choices))

    def _start(self, script: Script) -> None:
        self._running += 1
        self.kiosk.time.call_later(0.0, lambda: self._go_on(script))

    def _go_on(self, script: Script) -> None:
        for seconds in script:
            self.kiosk.time.call_later(seconds, lambda: self._go_on(script))
            return
        self._running -= 1

    def _calm(self) -> None:
        self.kiosk.timeline.note("world", "calm")
        self.faults.mend()
        self.kiosk.calm_down()

    def _hash(self) -> str:
        kiosk = self.kiosk
        assert kiosk.journal is not None
        hashed = hashlib.sha256(kiosk.timeline.hash.encode())
        hashed.update(repr(kiosk.journal.head()).encode())
        hashed.update(repr((kiosk.collected, kiosk.validator.truth.cassette)).encode())
        hashed.update(repr(kiosk.registrar.truth.drive.documents).encode())
        for name, content in sorted(kiosk.files()):
            hashed.update(name.encode() + content)
        return hashed.hexdigest()


@contextlib.contextmanager
def own_home(home_of_data: Path) -> Iterator[Home]:
    """A home for one life, with the subscribers of another."""
    with tempfile.TemporaryDirectory(prefix="kassa-life-") as folder:
        home = Home(Path(folder))
        home.make()
        shutil.copytree(home_of_data / "snapshots", home.snapshots, symlinks=True, dirs_exist_ok=True)
        yield home


def live(
    home_of_data: Path, seed: int, kind: str = "storm", *, days: int = DAYS, last: int | None = 100
) -> Life:
    """One seed's life in a home of its own, with the sample subscribers. Raises SeedFailed."""
    with own_home(home_of_data) as home:
        return World(home, seed, kind, last).live(days)
