"""A whole terminal in virtual time: the real core and drivers, a journal on a simulated disk, both simulated devices.

The core can be killed between any two of its acts, and the disk can lose power before any of its operations. What lies
in the validator, in the fiscal drive and on the disk outlives all of that, as it does in the world.
"""

from __future__ import annotations

import contextlib
import random
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from simulated_disk import CUTS, SimulatedDisk, plugged
from virtual_time import VirtualTime, Wire

from devices.ccnet import simulator as ccnet
from devices.ccnet.driver import CcnetDriver
from devices.shtrih import simulator as shtrih
from devices.shtrih.driver import ShtrihDriver
from devices.shtrih.protocol import Form
from devices.steps import Pump
from kassa.config import Config
from kassa.errors import KassaError
from kassa.export.writer import write
from kassa.home import Home
from kassa.journal.store import Journal, JournalFailed
from kassa.journal.verify import verify
from kassa.money import of_whole
from kassa.ports import FileWritten
from kassa.terminal import Devices, IntentRefused, Terminal

JOURNAL = Path("/journal.db")
TICK_S = 0.5
CALM_MAX_S = 3600.0
NOON = datetime(2026, 11, 24, 14, 5)  # noqa: DTZ001 - a registrar's wall time has no zone
"""What the registrar's clock shows when a story begins; the core's own shows the same."""

_disks = count()


class Killed(Exception):
    """The core ends here and now, without a word."""


class Clock:
    """The core's clocks, driven by virtual time."""

    def __init__(self, time: VirtualTime) -> None:
        self._time, self._began = time, time.time()
        self.jumped = timedelta(0)
        """How far somebody has moved the wall clock."""

    def monotonic(self) -> float:
        return self._time.time()

    def now(self) -> datetime:
        passed = timedelta(seconds=self._time.time() - self._began)
        return NOON.replace(tzinfo=UTC) + passed + self.jumped


class WholeTerminal:
    """One kiosk. `live` is how anything is done to it that lets the core work: whatever ends the core starts it anew."""

    def __init__(
        self,
        home: Home,
        config: Config,
        chance: random.Random,
        validator: ccnet.Quirks | None = None,
        registrar: shtrih.Quirks | None = None,
    ) -> None:
        self.home, self.config, self.chance = home, config, chance
        self.time = VirtualTime()
        self.clock = Clock(self.time)
        self.validator = ccnet.Simulator(self.time.time(), quirks=validator)
        self.registrar = shtrih.Simulator(self.time.time(), wall=NOON, quirks=registrar)
        self.to_validator, self.to_registrar = (
            Wire(self.validator, self.time),
            Wire(self.registrar, self.time),
        )
        self.disk = SimulatedDisk()
        self.acts_left: int | None = None
        """So many acts of the core until it is killed; None: it lives."""
        self.deaths = 0
        self.rest_after_death_s = 0.0
        self._life = 0
        self.live(self.start_core)

    # --- the core -------------------------------------------------------------------------------------------------

    def start_core(self) -> None:
        self._life += 1
        self._plugged = plugged(self.disk, f"disk-{next(_disks)}")
        self.journal: Journal | None = None
        self.pumps: list[Pump] = []
        self.journal = Journal.open(JOURNAL, self.clock, vfs=self._plugged.__enter__())
        life = self._life
        devices = Devices(
            lambda command: self._order(0, command),
            lambda command: self._order(1, command),
            lambda: self.time.call_later(0, lambda: self._export(life)),
        )
        self.terminal = Terminal(self.config, self.home, self.journal, self.clock, devices)
        drivers = CcnetDriver("RUB", ("RUS",)), ShtrihDriver(30, "RUB", UTC)
        wires = self.to_validator, self.to_registrar
        self.pumps = [
            Pump(driver, wire.open, self._dispatch, self.time)
            for driver, wire in zip(drivers, wires, strict=True)
        ]
        for pump in self.pumps:
            pump.start()
        self._tick(self._life)

    def _tick(self, life: int) -> None:
        if life == self._life:
            self.time.call_later(TICK_S, lambda: self._tick(life))
            self.terminal.tick()

    def _export(self, life: int) -> None:
        """What the thread at the outgoing folder does, in no time."""
        if life != self._life:
            return
        for file in self.terminal.waiting_files():
            write(file, self.home.outbox)
            self._dispatch(FileWritten(file.batch, file.name, str(self.home.outbox)))

    def _dispatch(self, fact: object) -> None:
        self._act()
        self.terminal.dispatch(fact)
        self._act()

    def _order(self, place: int, command: object) -> None:
        self._act()
        self.pumps[place].order(command)
        self._act()

    def _act(self) -> None:
        if self.acts_left is not None:
            self.acts_left -= 1
            if self.acts_left < 0:
                raise Killed

    def live(self, act: Callable[[], Any]) -> None:
        """Do something, and should it end the core, start that anew."""
        while True:
            try:
                act()
                return
            except Killed:
                self._bury("keep")
            except JournalFailed:
                assert self.disk.is_dead
                self._bury(self.chance.choice(CUTS))
            self.time.run_for(self.rest_after_death_s)
            act = self.start_core

    def kill(self) -> None:
        """The core ends without a word, and is started anew."""
        self._bury("keep")
        self.time.run_for(self.rest_after_death_s)
        self.live(self.start_core)

    def _bury(self, how: str) -> None:
        self.deaths += 1
        self._life += 1
        self.acts_left = None
        for pump in self.pumps:
            pump.stop()
        left = self.disk.after_cut(how, self.chance)
        with contextlib.suppress(KassaError):
            if self.journal is not None:
                self.journal.close()
        self._plugged.__exit__(None, None, None)
        self.disk = left

    def lose_power(self, off_s: float, how: str) -> None:
        """All of the kiosk is dark for a while; the computer comes back with the devices."""
        for device, wire in ((self.validator, self.to_validator), (self.registrar, self.to_registrar)):
            device.cut_power(self.time.time())
            wire.stir()
        self._bury(how)
        self.time.run_for(off_s)
        for device, wire in ((self.validator, self.to_validator), (self.registrar, self.to_registrar)):
            device.restore_power(self.time.time())
            wire.stir()
        self.live(self.start_core)

    # --- time, hands, fingers ---------------------------------------------------------------------------------------

    def wait(self, seconds: float) -> None:
        end = self.time.time() + seconds
        while self.time.time() < end:
            self.live(lambda: self.time.run_for(end - self.time.time()))

    def touch(self, name: str, **values: str) -> None:
        def intend() -> None:
            with contextlib.suppress(IntentRefused):
                self.terminal.intend(name, values)

        self.live(intend)

    def do(self, wire: Wire, act: str, *values: Any, **named: Any) -> Any:
        """A hand does something to a device now."""
        answer = getattr(wire.device, act)(*values, now=self.time.time(), **named)
        wire.stir()
        return answer

    @property
    def screen(self) -> str:
        return self.terminal.view.screen.value

    def wait_for_screen(self, name: str, within_s: float = 120.0) -> None:
        end = self.time.time() + within_s
        while self.screen != name:
            assert self.time.time() < end, f"the screen is {self.terminal.view}"
            self.wait(0.1)

    def go_to_cash(self, account: str = "4038172956", service: str = "internet") -> None:
        self.touch("choose_service", service=service)
        self.touch("enter_account", account=account)
        self.touch("confirm_account")

    def insert(self, units: int) -> bool:
        """Push a note in, if the slot takes it."""
        return self.do(self.to_validator, "insert", units) is None

    # --- calm, and the promises --------------------------------------------------------------------------------------

    def is_calm(self) -> bool:
        at_rest = self.screen == "attract" and self.journal is not None
        return at_rest and not self.journal.fiscal_pending() and self.terminal.is_quiet

    def calm_down(self) -> None:
        """Everybody has gone, everything works: what was begun finds its end."""
        end = self.time.time() + CALM_MAX_S
        while not self.is_calm():
            assert self.time.time() < end, (self.terminal.status(), self.terminal.view)
            self.wait(5.0)
        self.wait(5.0)
        self._export(self._life)

    def check_promises(self) -> None:
        assert self.journal is not None
        verdict = verify(self.journal)
        assert verdict.ok, verdict
        self._check_notes()
        self._check_documents()
        self._check_files()

    def _check_notes(self) -> None:
        """What lies in the box is credited once or an orphan; only an uncertain note may lie elsewhere."""
        box = Counter(of_whole(units).minor for units in self.validator.truth.cassette)
        notes = [note for payment in self.journal.payments() for note in payment.notes]
        stacked = [note for note in notes if note.state == "stacked"]
        certain = Counter(note.value for note in stacked if not note.uncertain)
        uncertain = Counter(note.value for note in stacked if note.uncertain)
        in_books = Counter(self.journal.cassette())
        orphans = in_books - certain - uncertain
        unknown = orphans.pop(0, 0)
        assert not certain + orphans - box, f"in the books, yet not in the box: {certain + orphans - box}"
        missing = box - certain - orphans - uncertain
        assert missing.total() <= unknown, f"in the box, yet not in the books: {missing}"
        self.uncertain, self.orphans = uncertain, orphans
        self.credited_in_vain = certain + orphans + uncertain - box
        """Credited in doubt, and not in the box: what a collector finds missing."""
        twice = self.credited_in_vain & orphans
        assert not twice, f"credited in doubt, and an orphan besides: {twice}"
        credited = sum(payment.paid for payment in self.journal.payments() if payment.state == "credited")
        assert credited == sum(note.value for note in stacked)

    @property
    def receipts(self) -> list[Any]:
        drives = [*self.registrar.truth.former_drives, self.registrar.truth.drive]
        return [one for drive in drives for one in drive.documents if one.form is Form.RECEIPT]

    @property
    def credited(self) -> list[Any]:
        return [payment for payment in self.journal.payments() if payment.state == "credited"]

    def _check_documents(self) -> None:
        told = sorted((one.document.number, one.document.sign, one.paid) for one in self.credited)
        kept = sorted((one.number, one.sign, one.sum) for one in self.receipts)
        assert told == kept

    def _check_files(self) -> None:
        rows = [
            line.split(";")
            for path in self.home.outbox.glob("KASSA_*.csv")
            for line in path.read_text(encoding="utf-8").splitlines()
            if not line.startswith("#")
        ]
        assert sorted(row[1] for row in rows) == sorted(one.number for one in self.credited)
