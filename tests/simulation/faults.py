"""What goes wrong at a kiosk. Each fault is a script of waits that puts right again what it has done."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta, timezone
from functools import partial
from itertools import count

from kiosk import Kiosk
from people import Script, say
from registrar_models import AtolLibrary, AtolWeb, Model, Shtrih
from simulated_disk import CUTS
from virtual_time import VirtualTime

from devices.atol import machine as atol
from devices.atol.simulator import WebQuirks
from devices.ccnet import simulator as ccnet
from devices.id003 import simulator as id003
from devices.id003.protocol import Option
from devices.shtrih import simulator as shtrih
from devices.ssp import simulator as ssp
from devices.validator.dialect import Status
from devices.validator.machine import Quirks
from kassa.errors import KassaError
from kassa.ports import CloseShift
from kassa.terminal import IntentRefused

VALIDATOR_LINE = ("lost_acks", "lost_answers", "lost_stacks")
STOPS_WITHIN_S = 12.0
NOTE_S = 1.6
"""From the hand to the cassette at the mechanics' usual speed; a fault after a part of it meets the note on its way."""
NOTICES_CASSETTE_S = 10.0
"""A validator, or a host, that is late has said by then that the cassette was out."""
RECEIPT_S = 1.0
"""From the opened receipt to its document, likewise."""
MODELS = (*("shtrih",) * 8, "atol_web", "atol_library")
"""As often as each stands in kiosks."""
ATOL_MODELS = ("atol_web", "atol_library")
DRIVE_CHANGE_S = 90.0
"""With the power off; a new one has to be registered, too."""
REFUSALS, REFUSED_MAX_S = 3, 20
"""So many tries to make a receipt are refused, and how long that takes."""
MONTH_H = 31 * 24
"""An unsent document that old stops the fiscal drive."""


def good_validator(chance: random.Random) -> Quirks:
    """One by the book, of any protocol."""
    return chance.choice([ccnet.Quirks, ccnet.Quirks, id003.Quirks, ssp.Quirks])()


def any_validator(chance: random.Random) -> Quirks:
    """One as the trade sells them."""
    common = {
        "announces_after_reset": chance.random() < 0.8,
        "skips": frozenset(
            one for one in (Status.ACCEPTING, Status.STACKING, Status.RETURNING) if chance.random() < 0.2
        ),
        "silent_after_reset_s": chance.choice([0.0, 0.5, 2.5]),
        "jam_yields_to_reset": chance.random() < 0.5,
    }
    match good_validator(chance):
        case ccnet.Quirks():
            return ccnet.Quirks(**common, after_event=chance.choice([None, Status.DISABLED, Status.BUSY]))
        case id003.Quirks():
            # Not stacks_from_head: what it says of a note that nobody sent in may be acknowledged before its worth is known.
            return id003.Quirks(
                **common,
                options=chance.choice([Option.POWER_RECOVERY, Option(0)]),
                names_the_note=chance.random() < 0.3,
                waits_for_settings=chance.random() < 0.5,
                is_open_by_default=chance.random() < 0.3,
                rejects_when_impatient=chance.random() < 0.7,
                shows_stacked=chance.random() < 0.7,
            )
        case _:
            has_encryption = chance.random() < 0.5
            return ssp.Quirks(
                **common,
                version_max=chance.choice([6, 7, 8]),
                has_encryption=has_encryption,
                wants_encryption=has_encryption and chance.random() < 0.3,
                has_acks=chance.random() < 0.8,
                names_cleared=chance.random() < 0.7,
                is_terse=chance.random() < 0.3,
                repeats_faults=chance.random() < 0.5,
            )


def good_registrar(chance: random.Random, seed: int) -> Callable[[VirtualTime, float], Model]:
    """One by the book, of any model."""
    match chance.choice(MODELS):
        case "shtrih":
            return Shtrih
        case "atol_web":
            return partial(AtolWeb, seed=seed)
        case _:
            return AtolLibrary


def any_registrar(
    chance: random.Random, seed: int, models: Sequence[str] = MODELS
) -> Callable[[VirtualTime, float], Model]:
    """One as the trade sells them."""
    match chance.choice(models):
        case "shtrih":
            return partial(Shtrih, quirks=_any_shtrih(chance))
        case "atol_web":
            server = WebQuirks(generations=chance.choice([("new", "old"), ("new",), ("old",)]))
            return partial(AtolWeb, quirks=_any_atol(chance), server=server, seed=seed)
        case _:
            return partial(AtolLibrary, quirks=_any_atol(chance))


def _any_atol(chance: random.Random) -> atol.Quirks:
    return atol.Quirks(
        ffd=chance.choice(["1.05", "1.1", "1.2", "1.2"]),
        takes_place=chance.random() < 0.7,
        keeps_tags=chance.random() < 0.8,
        opens_shift_itself=chance.random() < 0.5,
        slow=chance.choice([{}, {}, {"sell": 8.0}, {"closeShift": 20.0}]),
    )


def _any_shtrih(chance: random.Random) -> shtrih.Quirks:
    return shtrih.Quirks(
        acks_while_executing=chance.random() < 0.5,
        prints_at_once=chance.random() < 0.3,
        finishes_after_s=chance.choice([None, 1.0, 20.0]),
        keeps_open_document=chance.random() < 0.7,
        takes_tags=chance.random() < 0.7,
        keeps_tags=chance.random() < 0.9,
        takes_lines=chance.random() < 0.8,
        has_sensors=chance.random() < 0.7,
        opens_shift_itself=chance.random() < 0.5,
        corrections_are_receipts=chance.random() < 0.3,
        counts_corrections=chance.random() < 0.7,
    )


class Faults:
    """All of them, with how often each comes."""

    def __init__(self, kiosk: Kiosk, chance: random.Random) -> None:
        self.kiosk, self.chance = kiosk, chance
        self.struck: Counter[str] = Counter()
        """How often which came."""
        self._drives = (f"99990789{number:08}" for number in count(2))

    def crashes(self) -> list[Callable[[], Script]]:
        """What only the core and its cables suffer."""
        self.kiosk.devices_keep_power = True
        return [
            self.unplug, *[self.kill] * 4, *[self.disk_dies] * 5, self.stop, self.night, self.clock_jumps, self.zone_changes,
            self.disk_is_full, self.sync_fails, self.reads_fail,
        ]  # fmt: skip

    def all(self) -> list[Callable[[], Script]]:
        """Everything; what is there twice comes twice as often."""
        return [
            *[self.power_of_the_kiosk] * 6, *[self.disk_dies] * 7, *[self.kill] * 6, self.stick_dies,
            self.unplug, self.unplug, self.power_of_a_device, self.power_of_a_device, self.stop, self.jam, self.pause,
            self.cheat, self.cassette, self.no_paper, self.little_paper, self.cover, self.bad_line, self.bad_line,
            self.busy, self.refuse, self.own_fault_of_the_registrar, self.drive_is_full, self.data_operator_is_away,
            *[self.strangers_receipt] * self.kiosk.model.tells_payments,
            self.hours_pass, self.registrar_clock_slips, self.clock_jumps, self.zone_changes, self.night,
            self.night_over_a_debt, self.night_over_a_debt, self.disk_is_full, self.sync_fails, self.reads_fail,
        ]  # fmt: skip

    def strike(self, fault: Callable[[], Script]) -> Script:
        """The fault, often in the very moment when a note moves or a receipt is made."""
        match self.chance.random():
            case luck if luck < 0.5:
                yield from self._wait_for(lambda: not self.kiosk.validator.truth.is_empty)
                yield self.chance.uniform(0.0, NOTE_S / self.kiosk.speed)
            case luck if luck < 0.65:
                yield from self._wait_for(lambda: self.kiosk.model.is_at_work)
                yield self.chance.uniform(0.0, RECEIPT_S / self.kiosk.speed)
        name = fault.__name__.replace("_", " ")
        self.struck[name] += 1
        self.kiosk.timeline.note("fault", name)
        yield from fault()

    @staticmethod
    def _wait_for(is_so: Callable[[], bool]) -> Script:
        for _ in range(100):
            if is_so():
                break
            yield 0.1

    # --- power and processes --------------------------------------------------------------------------------------

    def power_of_the_kiosk(self) -> Script:
        self.kiosk.cut_power(self.chance.choice(CUTS))
        yield self.chance.choice([0.1, 1.0, 7.0])
        self.kiosk.restore_power()

    def disk_dies(self) -> Script:
        """The power goes before one of the next operations of the disk."""
        self.kiosk.rest_after_death_s = self.chance.choice([0.1, 3.0])
        self.kiosk.disk.cut_before = self.kiosk.disk.operations + self.chance.randint(0, 30)
        yield 0.0

    def stick_dies(self) -> Script:
        """The power goes before one of the next operations of the stick."""
        if self.kiosk.stick is not None:
            disk = self.kiosk.stick.disk
            disk.cut_before = disk.operations + self.chance.randint(0, 12)
        yield 0.0

    def kill(self) -> Script:
        self.kiosk.rest_after_death_s = self.chance.choice([0.0, 0.3, 3.0])
        self.kiosk.acts_left = self.chance.randint(0, 12)
        yield 0.0

    def stop(self) -> Script:
        """The core ends as it should, within its bound, and is started anew."""
        life = self.kiosk.deaths
        self.kiosk.stop()
        waited = 0.0
        while self.kiosk.deaths == life and waited < STOPS_WITHIN_S:
            if self.kiosk.terminal is None or self.kiosk.terminal.is_quiet:
                break
            yield 0.1
            waited += 0.1
        if self.kiosk.deaths == life:
            self.kiosk.end()

    # --- devices ----------------------------------------------------------------------------------------------------

    def unplug(self) -> Script:
        wire = self.chance.choice([self.kiosk.to_validator, self.kiosk.to_registrar])
        self.kiosk.live(self.kiosk.model.unplug if wire is self.kiosk.to_registrar else wire.unplug)
        yield self.chance.choice([0.1, 1.0, 15.0])
        wire.plug()

    def power_of_a_device(self) -> Script:
        wire = self.chance.choice([self.kiosk.to_validator, self.kiosk.to_registrar])
        self.kiosk.do(wire, "cut_power")
        yield self.chance.choice([0.1, 1.0, 7.0])
        if self.kiosk.has_power:
            self.kiosk.do(wire, "restore_power")

    def jam(self) -> Script:
        yield from self._hold("jam", self.chance.choice([0.5, 6.0, 20.0]))

    def pause(self) -> Script:
        yield from self._hold("pause", self.chance.choice([0.5, 6.0]))

    def _hold(self, act: str, seconds: float) -> Script:
        self.kiosk.do(self.kiosk.to_validator, act)
        yield seconds
        self.kiosk.do(self.kiosk.to_validator, "clear")

    def cheat(self) -> Script:
        self.kiosk.do(self.kiosk.to_validator, "cheat")
        yield 0.0

    def cassette(self) -> Script:
        """Somebody takes it out, puts it back as it is, and says so if the terminal saw it."""
        kiosk = self.kiosk
        if kiosk.is_cassette_in_hands:
            return
        kiosk.is_cassette_in_hands = True
        kiosk.do(kiosk.to_validator, "take_cassette_out")
        yield self.chance.choice([0.5, 6.0])
        kiosk.do(kiosk.to_validator, "put_cassette_in")
        yield NOTICES_CASSETTE_S
        yield from say(
            kiosk,
            lambda terminal: terminal.put_cassette_back("technician"),
            lambda journal: not journal.removals(),
        )

    def no_paper(self) -> Script:
        self.kiosk.do(self.kiosk.to_registrar, "take_paper_out")
        yield self.chance.choice([0.1, 1.0, 20.0])
        self.kiosk.do(self.kiosk.to_registrar, "put_paper_in")

    def little_paper(self) -> Script:
        self.kiosk.do(self.kiosk.to_registrar, "put_paper_in", lines=self.chance.randint(0, 40))
        yield self.chance.choice([1.0, 20.0])
        self.kiosk.do(self.kiosk.to_registrar, "put_paper_in")

    def cover(self) -> Script:
        self.kiosk.do(self.kiosk.to_registrar, "open_cover")
        yield self.chance.choice([0.1, 1.0, 20.0])
        self.kiosk.do(self.kiosk.to_registrar, "close_cover")

    def bad_line(self) -> Script:
        validator = self.kiosk.validator.quirks
        setattr(validator, self.chance.choice(VALIDATOR_LINE), self.chance.randint(1, 3))
        self.kiosk.model.spoil_line(self.chance)
        yield 0.0

    def busy(self) -> Script:
        self.kiosk.do(self.kiosk.to_registrar, "be_busy", self.chance.choice([0.5, 5.0, 70.0]))
        yield 0.0

    def refuse(self) -> Script:
        self.kiosk.model.refuse(self.chance)
        yield 0.0

    def own_fault_of_the_registrar(self) -> Script:
        name, begin, end = self.kiosk.model.own_fault(self.chance)
        self.kiosk.timeline.note("fault", name)
        begin()
        yield self.chance.choice([0.1, 1.0, 7.0, 40.0])
        end()

    def drive_is_full(self) -> Script:
        """A technician comes with another one, or it was a slip of the electronics."""
        faults = self.kiosk.registrar.faults
        faults.drive = self.kiosk.model.drive_is_full
        yield self.chance.choice([1.0, 20.0])
        faults.drive = None
        if self.chance.random() < 0.5:
            yield from self._change_drive()

    def _change_drive(self) -> Script:
        """With the power off; whether the old one holds a document that nobody knows of, the accountant finds out."""
        kiosk = self.kiosk
        kiosk.do(kiosk.to_registrar, "cut_power")
        yield DRIVE_CHANGE_S
        if not kiosk.registrar.has_power:
            kiosk.timeline.note("technician", "changes the fiscal drive")
            kiosk.do(kiosk.to_registrar, "swap_drive", next(self._drives))
        if kiosk.has_power:
            kiosk.do(kiosk.to_registrar, "restore_power")

    def data_operator_is_away(self) -> Script:
        """Nobody takes its documents, for a month perhaps."""
        faults = self.kiosk.registrar.faults
        faults.loses_ofd = True
        yield self.chance.choice([1.0, 20.0])
        if self.chance.random() < 0.3:
            self.kiosk.do(self.kiosk.to_registrar, "move_clock", MONTH_H)
            yield self.chance.choice([1.0, 20.0])
        faults.loses_ofd = False

    def strangers_receipt(self) -> Script:
        """Another program makes one, when the registrar has time for it."""
        if not self.kiosk.model.is_at_work and self.kiosk.registrar.has_power:
            with suppress(KassaError):
                self.kiosk.do(self.kiosk.to_registrar, "sell_elsewhere", self.chance.choice([10, 100, 500]))
        yield 0.0

    # --- time -------------------------------------------------------------------------------------------------------

    def hours_pass(self) -> Script:
        self.kiosk.do(self.kiosk.to_registrar, "move_clock", self.chance.choice([1, 25]))
        yield 0.0

    def registrar_clock_slips(self) -> Script:
        """Back, before the last document, until somebody sets it right."""
        self.kiosk.do(self.kiosk.to_registrar, "move_clock", -2)
        yield self.chance.choice([1.0, 20.0])
        self.kiosk.do(self.kiosk.to_registrar, "move_clock", 2)

    def clock_jumps(self) -> Script:
        """An hour, a day, a year, a decade; a step of NTP."""
        days = self.chance.choice(
            [-3650, -400, -1, -1 / 24, -1 / 86_400, 0, 1 / 86_400, 1 / 24, 1, 366, 3650]
        )
        self.kiosk.clock.jumped = timedelta(days=days)
        yield 0.0

    def zone_changes(self) -> Script:
        self.kiosk.clock.zone = timezone(timedelta(hours=self.chance.choice([0, 3, 5, 12, -11])))
        yield 0.0

    def night(self) -> Script:
        self._close_shift()
        yield 0.0

    def night_over_a_debt(self) -> Script:
        """The shift is closed while a payment has no document: a person has to say what is right now."""
        self.kiosk.model.refuse_receipts(REFUSALS)
        for _ in range(REFUSALS * REFUSED_MAX_S):
            owes = self.kiosk.look(
                lambda journal: [one for one in journal.fiscal_pending() if not one.intent]
            )
            if owes and self._close_shift():
                return
            yield 1.0

    def _close_shift(self) -> bool:
        """Whether the terminal has time for it."""
        terminal, asked = self.kiosk.terminal, []

        def close() -> None:
            assert terminal is not None
            with suppress(IntentRefused):
                terminal.order_report(CloseShift())
                asked.append(True)

        if terminal is not None:
            self.kiosk.live(close)
        return bool(asked)

    # --- disk -------------------------------------------------------------------------------------------------------

    def disk_is_full(self) -> Script:
        disk = self.kiosk.disk
        disk.room_bytes = disk.used_bytes() + self.chance.choice([0, 0, 5000, 60_000])
        yield self.chance.choice([1.0, 10.0, 30.0])
        self.kiosk.disk.room_bytes = None

    def sync_fails(self) -> Script:
        self.kiosk.disk.sync_fails = True
        yield 0.0

    def reads_fail(self) -> Script:
        self.kiosk.disk.reads_fail = True
        yield self.chance.choice([0.5, 5.0])
        self.kiosk.disk.reads_fail = False

    # --- and all of it is put right ---------------------------------------------------------------------------------

    def mend(self) -> None:
        """Everything works: what was unplugged is plugged, what was full has room."""
        kiosk = self.kiosk
        kiosk.acts_left = kiosk.disk.cut_before = kiosk.disk.room_bytes = None
        kiosk.disk.sync_fails = kiosk.disk.reads_fail = False
        kiosk.rest_after_death_s = 0.0
        for name in VALIDATOR_LINE:
            setattr(kiosk.validator.quirks, name, 0)
        kiosk.model.mend()
        kiosk.restore_power()
        for wire in (kiosk.to_validator, kiosk.to_registrar):
            wire.plug()
            kiosk.do(wire, "restore_power")
            kiosk.do(wire, "clear")
        kiosk.do(kiosk.to_registrar, "put_paper_in")
        kiosk.do(kiosk.to_validator, "put_cassette_in")
        if kiosk.stick is None or kiosk.stick.disk.cut_before is not None:
            kiosk.pull_stick()
            kiosk.stick = kiosk.new_stick()
