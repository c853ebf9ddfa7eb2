"""A whole terminal in virtual time: the real core and drivers, a journal on a simulated disk, both simulated devices.

The core can be killed between any two of its acts, and disk or stick can lose power before any of their operations.
What lies in the validator, in the fiscal drive, on disk and sticks outlives all of that, as it does in the world.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

from registrar_models import NOON, Model, Shtrih
from simulated_disk import CUTS, PowerCut, SimulatedDisk, SimulatedFiles, plugged
from timeline import Timeline, in_brief
from validators import UNITS, unit_of
from virtual_time import SlowHost, VirtualTime, Wire

from devices.link import Link
from devices.steps import Pump
from devices.validator.driver import ValidatorDriver
from devices.validator.machine import Quirks
from kassa.ballast import BALLAST_BYTES
from kassa.collection import CollectionRefused
from kassa.config import Config
from kassa.contact import masked
from kassa.errors import KassaError
from kassa.export.writer import ExportFailed, write
from kassa.fiscal.doubt import AT_FORMAT, DoubtDecisionRefused, FoundDocument
from kassa.fiscal.late import LateDecisionRefused
from kassa.fiscal.queue import waits_for_person
from kassa.fiscal.receipt import CORRECTION, ORDINARY
from kassa.home import Home
from kassa.journal.entries import Entry, SnapshotAdopted
from kassa.journal.records import PaymentRecord, PendingDocument
from kassa.journal.store import Journal, JournalFailed, JournalFull
from kassa.journal.words import in_words
from kassa.money import of_whole
from kassa.ports import ExportEnded, FileWritten, RegistrarStatus
from kassa.rules.view import ScreenName, View
from kassa.terminal import Devices, IntentRefused, Terminal

JOURNAL = Path("/journal.db")
STICK = Path("/media/stick")
TICK_S = 1.0
"""As late as a core may look at the time."""
CALM_MAX_S = 3600.0
CALM_LOOK_S = 2.0
IN_A_VISIT = ("account", "balance", "contact", "cash")
"""Screens of a customer for whom the subscriber data may not change any more."""
KNOWS_CONTACT = ("balance", "contact", "cash")
"""Screens between which a contact for the electronic receipt lasts."""
RETRY_S = 1.0
"""A core that could not start is started again."""

T = TypeVar("T")
_disks = count()


class Killed(Exception):
    """The core ends here and now, without a word."""


DEATHS = (Killed, JournalFailed, JournalFull, PowerCut)


class Clock:
    """The core's clocks, driven by virtual time."""

    def __init__(self, time: VirtualTime) -> None:
        self._time, self._began = time, time.time()
        self.jumped = timedelta(0)
        """How far somebody has moved the wall clock."""
        self.zone: timezone = UTC

    def monotonic(self) -> float:
        return self._time.time()

    def now(self) -> datetime:
        passed = timedelta(seconds=self._time.time() - self._began)
        return (NOON.replace(tzinfo=UTC) + passed + self.jumped).astimezone(self.zone)


class WatchedJournal(Journal):
    """The journal, and somebody who looks at what is appended."""

    appended: Callable[[Entry], None] | None = None

    def append(self, *entries: Entry) -> tuple[int, ...]:
        seqs = super().append(*entries)
        if self.appended is not None:
            for entry in entries:
                self.appended(entry)
        return seqs


NO_CORRECTION = "a correction of format 1.05"
"""So begins what a driver says of a correction that it cannot make."""


class Kiosk:
    """One kiosk. Whatever ends the core starts it anew a moment later; without power, when the power is back."""

    def __init__(
        self,
        home: Home,
        config: Config,
        chance: random.Random,
        validator: Quirks | None = None,
        registrar: Callable[[VirtualTime, float], Model] = Shtrih,
        *,
        speed: float = 1.0,
        slowness: float = 1.0,
        timeline_last: int | None = 100,
    ) -> None:
        self.home, self.config, self.chance, self.speed = home, config, chance, speed
        self.time = VirtualTime()
        self._host = SlowHost(self.time, slowness)
        self.timeline = Timeline(self.time.time, timeline_last)
        self.clock = Clock(self.time)
        self.unit = unit_of(validator) if validator is not None else UNITS["ccnet"]
        self.validator = self.unit.simulator(self.time.time(), quirks=validator, speed=speed)
        self.model = registrar(self.time, speed)
        """Of the registrar."""
        self.registrar = self.model.device
        self.to_validator, self.to_registrar = Wire(self.validator, self.time), self.model.wire
        self.late_document: Callable[[], str] = lambda: "receipt"
        """What an accountant says that a payment shall have whose shift is over."""
        self.collected: list[int] = []
        """Notes that collectors took away, in whole units."""
        self.cassettes: list[list[int]] = []
        """The same, cassette by cassette."""
        self.is_cassette_in_hands = False
        """Whether somebody has the cassette, and has not said yet what became of it."""
        self.disk = SimulatedDisk()
        self.has_ballast = False
        self.stick: SimulatedFiles | None = self.new_stick()
        self.old_sticks: list[SimulatedDisk] = []
        """What was pulled, as somebody will find it."""
        self.acts_left: int | None = None
        """So many acts of the core until it is killed; None: it lives."""
        self.has_power = True
        self.devices_keep_power = False
        """When the power is cut: the computer has a supply of its own."""
        self.kills = self.cuts = self.failures = 0
        """Ends of the core: by a signal; by a loss of power; by a disk that failed or was full."""
        self.rest_after_death_s = 0.0
        self.view: View | None = None
        """What the customer sees; None: a dark screen."""
        self._shown: object = None
        """What was compared last of what the screen says and what the journal holds."""
        self.broken: list[str] = []
        """Promises that were seen broken on the way."""
        self.typed: str | None = None
        """The account that was typed last."""
        self.contact: str | None = None
        """What was typed for an electronic receipt in this visit."""
        self.payer: str | None = None
        """The account that the screen showed when the last note went in."""
        self.dropped_for: list[tuple[str | None, int]] = []
        """Whose note fell into a cassette: account and whole units."""
        self._note_inside = False
        self._fallen = 0
        self._life = 0
        self.journal: Journal | None = None
        self.terminal: Terminal | None = None
        self.pumps: list[Pump] = []
        self._plugged: Any = contextlib.nullcontext()
        self.live(self.start_core)

    # --- the core -------------------------------------------------------------------------------------------------

    @property
    def is_alive(self) -> bool:
        return self.terminal is not None

    @property
    def deaths(self) -> int:
        return self.kills + self.cuts + self.failures

    def start_core(self) -> None:
        self._life += 1
        life = self._life
        self._lay_ballast()
        self._plugged = plugged(self.disk, f"disk-{next(_disks)}")
        vfs = self._plugged.__enter__()
        self.journal = WatchedJournal.open(JOURNAL, self.clock, vfs=vfs, make_room=self._drop_ballast)
        self.journal.appended = self._appended
        devices = Devices(
            lambda command: self._order(0, command),
            lambda command: self._order(1, command),
            lambda: self.time.call_later(0, lambda: self._export(life)),
        )
        files = SimulatedFiles(self.disk, self.home.path)
        terminal = Terminal(self.config, self.home, self.journal, self.clock, devices, files)
        drivers = (
            ValidatorDriver(self.unit.dialect, "RUB", ("RUS", "RUB")),
            self.model.driver(self.clock.now),
        )
        ports: tuple[Callable[[], Link], ...] = (self.to_validator.open, self.model.open)
        self.pumps = [
            Pump(driver, port, self._dispatch, self._host)
            for driver, port in zip(drivers, ports, strict=True)
        ]
        self.terminal = terminal
        terminal.follow(self._show)
        self.timeline.note("core", "runs")
        for pump in self.pumps:
            pump.start()
        self._tick(life)

    def _appended(self, entry: Entry) -> None:
        self.timeline.tell("journal", lambda: in_words(entry, "RUB"))
        if isinstance(entry, SnapshotAdopted) and self.screen in IN_A_VISIT:
            self.time.call_later(0.0, self._check_visit_is_over)  # else the screen is about to change

    def _check_visit_is_over(self) -> None:
        if self.screen in IN_A_VISIT:
            self.broken.append(f"other subscriber data came into use on the screen {self.screen}")

    def _lay_ballast(self) -> None:
        if not self.has_ballast and self.disk.room_bytes is None:
            self.has_ballast = True

    def _drop_ballast(self) -> bool:
        had, self.has_ballast = self.has_ballast, False
        if had and self.disk.room_bytes is not None:
            self.disk.room_bytes += BALLAST_BYTES
        return had

    def _tick(self, life: int) -> None:
        if life == self._life and self.terminal is not None:
            self.time.call_later(TICK_S, lambda: self._tick(life))
            self.terminal.tick()

    def _export(self, life: int) -> None:
        """What the thread at the outgoing folder does, in no time."""
        if life != self._life or self.terminal is None:
            return
        try:
            for file in self.terminal.waiting_files():
                if self.stick is None:
                    raise ExportFailed("no stick")
                write(file, STICK, self.stick)
                self.timeline.tell("stick", lambda file=file: f"has {file.name} of {file.payments} payments")  # type: ignore[misc]
                self._dispatch(FileWritten(file.batch, file.name, str(STICK)))
        except ExportFailed as error:
            self._dispatch(ExportEnded(str(error)))
        else:
            self._dispatch(ExportEnded())

    def _dispatch(self, fact: object) -> None:
        self._act()
        if not isinstance(fact, RegistrarStatus):
            self.timeline.tell("fact", lambda: in_brief(fact))
        assert self.terminal is not None
        self.terminal.dispatch(fact)
        self._act()

    def tell_core(self, fact: object) -> None:
        """A fact of a part beside the devices."""
        if self.terminal is not None:
            self.live(lambda: self._dispatch(fact))

    def _order(self, place: int, command: object) -> None:
        self._act()
        self.timeline.tell("command", lambda: in_brief(command))
        self.pumps[place].order(command)
        self._act()

    def _act(self) -> None:
        if self.acts_left is not None:
            self.acts_left -= 1
            if self.acts_left < 0:
                raise Killed

    def live(self, act: Callable[[], Any]) -> None:
        """Do something, and should it end the core, start that anew a moment later."""
        try:
            act()
        except DEATHS as death:
            self._die(death)

    def kill(self) -> None:
        """The core ends without a word, and is started anew."""
        self._die(Killed())
        self.wait(self.rest_after_death_s)

    def _die(self, death: Exception) -> None:
        match death:
            case Killed():
                self.kills += 1
                self._bury("keep")
            case _ if self.disk.is_dead or isinstance(death, PowerCut):
                self._lose_all_power(self.chance.choice(CUTS))
                self.time.call_later(self.rest_after_death_s, self.restore_power)
                return
            case _:
                self.failures += 1
                self._bury("keep")
        self.timeline.note("core", f"died: {type(death).__name__}")
        life = self._life
        rest_s = self.rest_after_death_s if isinstance(death, Killed) else RETRY_S
        self.time.call_later(rest_s, lambda: self._rise(life))

    def _rise(self, life: int) -> None:
        if self.has_power and life == self._life and self.terminal is None:
            self.start_core()

    def _bury(self, how: str) -> None:
        self._life += 1
        self.acts_left = None
        self.terminal, self.view = None, None
        for pump in self.pumps:
            pump.stop()
        self.pumps = []
        self.model.core_ends()
        left = self.disk if how == "keep" and not self.disk.is_dead else self.disk.after_cut(how, self.chance)
        with contextlib.suppress(KassaError):
            if self.journal is not None:
                self.disk.is_dead = True  # a process that is gone writes nothing more
                self.journal.close()
        self.journal = None
        self._plugged.__exit__(None, None, None)
        self._plugged = contextlib.nullcontext()
        self.disk.is_dead = False
        self.disk = left
        self.disk.cut_before = None

    def stop(self) -> None:
        """The core is asked to end; whoever calls lets time pass and then calls `end`."""
        if self.terminal is not None:
            self.live(self.terminal.begin_stop)

    def end(self) -> None:
        """The core's last entry, then a start."""
        if self.terminal is None:
            return
        for pump in self.pumps:
            pump.stop()
        self.live(self.terminal.end)
        if self.terminal is not None:
            self._die(Killed())

    # --- power --------------------------------------------------------------------------------------------------------

    def cut_power(self, how: str) -> None:
        """All of the kiosk is dark."""
        if self.has_power:
            self._lose_all_power(how)

    def _lose_all_power(self, how: str) -> None:
        self.cuts += 1
        self.has_power = False
        self.timeline.note("power", f"lost ({how})")
        if not self.devices_keep_power:
            self._switch("cut_power")
        self._bury(how)
        self.model.computer_ends()
        if self.stick is not None:
            self.stick = SimulatedFiles(self.stick.disk.after_cut(how, self.chance), STICK)

    def restore_power(self) -> None:
        """Light again; the computer comes back with the devices."""
        if self.has_power:
            return
        self.has_power = True
        self.timeline.note("power", "back")
        self._switch("restore_power")
        self.model.computer_begins()
        self.live(self.start_core)

    def _switch(self, act: str) -> None:
        for wire in (self.to_validator, self.to_registrar):
            self.do(wire, act)

    def lose_power(self, off_s: float, how: str) -> None:
        """All of the kiosk is dark for a while."""
        self.cut_power(how)
        self.wait(off_s)
        self.restore_power()

    # --- sticks ---------------------------------------------------------------------------------------------------

    def new_stick(self) -> SimulatedFiles:
        return SimulatedFiles(SimulatedDisk(is_fat=True), STICK)

    def pull_stick(self) -> None:
        """The accountant takes the stick; what was not synced is there or not."""
        if self.stick is not None:
            self.old_sticks.append(self.stick.disk.after_cut(self.chance.choice(CUTS), self.chance))
            self.stick = None
            self.timeline.note("accountant", "takes the stick")

    def files(self) -> list[tuple[str, bytes]]:
        """Every payment file on every stick, whatever happened to it."""
        disks = [*self.old_sticks, *([self.stick.disk] if self.stick else [])]
        return [
            (Path(name).name, disk.content(name))
            for disk in disks
            for name in disk.names
            if name.endswith(".csv")
        ]

    def export_now(self) -> None:
        """Let what waits be written."""
        life = self._life
        self.live(lambda: self._export(life))

    def is_calm(self) -> bool:
        """Whether nobody pays and nothing that was begun waits for its end."""
        if self.terminal is None or self.journal is None or self.screen != "attract":
            return False
        return not self.journal.fiscal_pending() and self.terminal.is_quiet

    def calm_down(self) -> None:
        """Everybody has gone, everything works: what was begun finds its end, and all payments go out."""
        end = self.time.time() + CALM_MAX_S
        while not self.is_calm():
            stuck = self.terminal.status() if self.terminal else "the core does not start"
            assert self.time.time() < end, f"the terminal is stuck: {stuck}"
            self.decide_late_documents()
            self.wait(CALM_LOOK_S)
        self.wait(CALM_LOOK_S)
        self.export_now()

    def decide_late_documents(self) -> None:
        """The accountant says what becomes of payments without a document whose shift is over, or whose drive is gone.

        Not every registrar makes corrections of everything: whoever reads that takes a receipt.
        """
        self.live(self._decide_late_documents)

    def _decide_late_documents(self) -> None:
        terminal, journal = self.terminal, self.journal
        if terminal is None or journal is None:
            return
        for waiting in journal.fiscal_pending():
            if waits_for_person(waiting, is_any_shift_right=False):
                self._decide(waiting.payment, self.late_document())
            elif waiting.decision is not None and waiting.decision.document == CORRECTION:
                for refused in terminal.status()["documents_refused"]:
                    if refused["payment"] == waiting.payment and NO_CORRECTION in refused["reason"]:
                        self._decide(waiting.payment, ORDINARY)
        for waiting in journal.fiscal_pending():
            if waiting.intent is not None and waiting.payment in terminal.status()["documents_in_doubt"]:
                with contextlib.suppress(DoubtDecisionRefused):
                    self._end_doubt(terminal, journal, waiting)

    def _decide(self, payment: str, document: str) -> None:
        assert self.terminal is not None
        self.timeline.note("accountant", f"{payment} shall have a {document}")
        with contextlib.suppress(LateDecisionRefused):
            self.terminal.decide_late_document(payment, document, "", "Petrova", "night")

    def _end_doubt(self, terminal: Terminal, journal: Journal, waiting: PendingDocument) -> None:
        """The accountant looks into the drive that was taken away, and tells the terminal what is there."""
        assert waiting.intent is not None
        drive, last = waiting.intent
        others = journal.documents_after(drive, last)
        found = [
            one
            for one in self.model.kept
            if one.drive == drive and one.number > last and one.number not in others and one.is_ours
            and one.payment in (None, waiting.payment) and one.sum == waiting.total
        ]  # fmt: skip
        if not found:
            self.timeline.note("accountant", f"{waiting.payment} has no document on drive {drive}")
            terminal.exclude_document(waiting.payment, "Petrova", "looked", "accountant")
            return
        number, sign, shift = found[0].number, found[0].sign, found[0].shift
        self.timeline.note("accountant", f"{waiting.payment} has document {number} on drive {drive}")
        read = FoundDocument(number, sign, f"{self.clock.now():{AT_FORMAT}}", shift)
        terminal.find_document(waiting.payment, read, "Petrova", "looked", "accountant")

    def credited(self) -> list[PaymentRecord]:
        """The payments with money, oldest first."""
        assert self.journal is not None
        return [payment for payment in self.journal.payments() if payment.state == "credited"]

    def close(self) -> None:
        """This kiosk is not needed any more."""
        self._bury("keep")

    # --- time, hands, fingers ---------------------------------------------------------------------------------------

    def wait(self, seconds: float) -> None:
        end = self.time.time() + seconds
        while True:
            try:
                self.time.run_for(end - self.time.time())
                return
            except DEATHS as death:
                self._die(death)

    def touch(self, name: str, **values: str) -> None:
        if self.terminal is None:
            return
        terminal = self.terminal
        if name == "enter_account":
            self.typed = values["account"]
        if name == "enter_contact":
            self.contact = values["contact"]
        self.timeline.note("finger", " ".join([name, *values.values()]))

        def intend() -> None:
            with contextlib.suppress(IntentRefused):
                terminal.intend(name, values)

        self.live(intend)

    def do(self, wire: Wire, act: str, *values: Any, **named: Any) -> Any:
        """A hand does something to a device now."""
        if wire is self.to_registrar:
            return self.model.do(act, *values, **named)
        answer = getattr(wire.device, act)(*values, now=self.time.time(), **named)
        wire.stir()
        return answer

    @property
    def screen(self) -> str:
        return "dark" if self.view is None else self.view.screen.value

    def _show(self, view: View) -> None:
        before, self.view = self.view, view
        self.timeline.tell("screen", lambda: _seen(view))
        assert self.journal is not None
        shown = (view.screen, view.payment, view.account, view.contact, view.inserted, self.journal.head())
        if shown == self._shown:
            return
        self._shown = shown
        is_found = view.screen is ScreenName.BALANCE and (before is None or before.screen is not view.screen)
        if is_found and view.account != self.typed:
            self.broken.append(f"the screen shows account {view.account}, typed was {self.typed}")
        if view.screen.value not in KNOWS_CONTACT:
            self.contact = None
        if view.contact is not None and (self.contact is None or view.contact != masked(self.contact)):
            self.broken.append(
                f"the screen {view.screen.value} shows a contact that nobody left in this visit"
            )
        if view.payment is None or view.screen is ScreenName.OUT_OF_SERVICE:
            return
        with self.journal.reading() as db:
            held = db.execute("SELECT paid FROM payments WHERE number = ?", (view.payment,)).get or 0
        if round(float(view.inserted) * 100) != held:
            self.broken.append(
                f"the screen {view.screen.value} shows {view.inserted}, the journal holds {held}"
            )

    def wait_for_screen(self, name: str, within_s: float = 120.0) -> None:
        end = self.time.time() + within_s
        while self.screen != name:
            assert self.time.time() < end, f"the screen is {self.view}"
            self.wait(0.1)

    def go_to_cash(self, account: str = "4038172956", service: str = "internet") -> None:
        self.touch("choose_service", service=service)
        self.touch("enter_account", account=account)
        self.touch("confirm_account")

    def insert(self, units: int) -> bool:
        """Push a note in, if the slot takes it."""
        self.count_fallen()
        account = self.view.account if self.view is not None and self.screen == "cash" else None
        if self.do(self.to_validator, "insert", units) is not None:
            return False
        self.timeline.note("hand", f"pushes a note of {units} in")
        self.payer, self._note_inside = account, True
        return True

    def count_fallen(self) -> None:
        """Whose note it was that fell into the cassette since the last look."""
        fallen = len(self.validator.truth.cassette) + len(self.collected)
        assert fallen - self._fallen <= 1, "two notes fell at once"
        if fallen > self._fallen:
            assert self._note_inside
            self.dropped_for.append((self.payer, self.validator.truth.cassette[-1]))
        self._fallen, self._note_inside = fallen, not self.validator.truth.is_empty

    def empty_cassette(self) -> None:
        """The collector takes the full cassette with him and puts an empty one in."""
        self.count_fallen()
        taken = self.validator.empty_cassette()
        self.collected += taken
        self.cassettes.append(taken)
        self.timeline.note("collector", f"takes {len(taken)} notes away")
        self.do(self.to_validator, "put_cassette_in")

    def look(self, at: Callable[[Journal], T]) -> T | None:
        """What staff see in the journal; None when there is no core to ask, or it dies of the question."""
        seen: list[T] = []
        journal = self.journal
        if journal is not None:
            self.live(lambda: seen.append(at(journal)))
        return seen[0] if seen else None

    def staff_say(self, act: Callable[[Terminal], object]) -> None:
        """Tell the terminal what became of the cassette; whether it was written, only the journal tells."""
        terminal = self.terminal
        if terminal is None:
            return
        try:
            self.live(lambda: act(terminal))
        except CollectionRefused as refusal:
            self.timeline.note("terminal", str(refusal))


def _seen(view: View) -> str:
    parts = [view.screen.value, view.account, view.reason, view.notice]
    if view.screen.value in ("cash", "printing", "thanks"):
        parts.append(str(of_whole(int(float(view.inserted)))))
    return ", ".join(part for part in parts if part)
