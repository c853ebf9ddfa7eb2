"""The registrar of a simulated kiosk: each model that Kassa has a driver for, behind one small interface.

A model is a device with its hands, a wire to the core, and whatever stands between: a web server on the kiosk's computer, a
process with the vendor's library. What it keeps of documents is the fiscal truth that the promises are held against.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol
from uuid import UUID

from virtual_time import VirtualTime, Wire

from devices.atol import machine as atol
from devices.atol.driver import AtolDriver
from devices.atol.exchange import Exchange
from devices.atol.lines import Settings
from devices.atol.piped import LibraryExchange
from devices.atol.simulator import SimulatedLibrary, WebQuirks, WebServer
from devices.atol.web import WebExchange
from devices.link import Link
from devices.shtrih import simulator as shtrih
from devices.shtrih import tlv
from devices.shtrih.driver import ShtrihDriver
from devices.shtrih.protocol import Form
from devices.steps import Driver, Time

NOON = datetime(2026, 11, 24, 14, 5)  # noqa: DTZ001 - a registrar's wall time has no zone
"""What the registrar's clock shows when a story begins; the core's own shows the same."""
OTHERS_GOODS = "Товар другой"
"""So the goods of other programs begin."""
SHTRIH_COMMANDS = (b"\xff\x0a", b"\xff\x45", b"\x8d", b"\xff\x46", b"\xff\x3a")
ATOL_TASKS = ("sell", "sell", "sellCorrection", "openShift", "closeShift", "getFnDocument", "getFnStatus")
SHTRIH_LINE = ("lost_commands", "lost_acks", "lost_answers", "forgets_after_record")
HTTP_REFUSALS = (500, 503)

Wall = Callable[[], datetime]


@dataclass(frozen=True)
class Kept:
    """A receipt or a correction as a fiscal drive keeps it; `sum` in minor units."""

    drive: str
    number: int
    sign: int
    sum: int
    shift: int
    is_correction: bool
    payment: str | None
    contact: str | None
    suppliers: tuple[str | None, ...]
    """Tax number of each item's supplier; None: it is the operator's own."""
    is_ours: bool


class Model(Protocol):
    """What the simulation needs of a registrar."""

    device: Any
    """Its hands, its truth, its quirks and its faults."""
    wire: Wire
    drive_is_full: int
    """The error of a fiscal drive that has no room."""
    tells_payments: bool
    """Whether its archive tells whose a document is; else a stranger's receipt may leave ours in doubt for good."""

    def driver(self, wall: Wall) -> Driver: ...

    def open(self) -> Link: ...

    def do(self, act: str, *values: Any, **named: Any) -> Any:
        """A hand does something to it now."""

    def unplug(self) -> None:
        """Its cable to the core is pulled, or whatever stands for one."""

    def core_ends(self) -> None:
        """The core's process is gone."""

    def computer_ends(self) -> None:
        """The computer has no power."""

    def computer_begins(self) -> None: ...

    @property
    def is_at_work(self) -> bool:
        """Whether a receipt has been begun and is not a document yet."""

    @property
    def kept(self) -> list[Kept]:
        """Every receipt and correction in every drive it ever had."""

    @property
    def closings(self) -> list[tuple[str, int]]:
        """Drive and document number of every shift-closing report."""

    def spoil_line(self, chance: random.Random) -> None:
        """Some questions or answers will get lost."""

    def refuse(self, chance: random.Random) -> None:
        """Some commands will be refused."""

    def refuse_receipts(self, times: int) -> None:
        """So many receipts and corrections will be refused before they are begun."""

    def own_fault(self, chance: random.Random) -> tuple[str, Callable[[], None], Callable[[], None]]:
        """What only this model can suffer: its name, how it begins, how it is put right."""

    def mend(self) -> None:
        """What was spoilt or refused is so no more."""


class Shtrih:
    """A Shtrih-M registrar at a serial port."""

    drive_is_full = 0x14

    def __init__(self, time: VirtualTime, speed: float = 1.0, quirks: shtrih.Quirks | None = None) -> None:
        self._time = time
        self.device = shtrih.Simulator(time.time(), wall=NOON, quirks=quirks, speed=speed)
        self.wire = Wire(self.device, time)
        self.tells_payments = self.device.quirks.takes_tags and self.device.quirks.keeps_tags

    def driver(self, wall: Wall) -> ShtrihDriver:
        return ShtrihDriver(30, "RUB", wall)

    def open(self) -> Link:
        return self.wire.open()

    def do(self, act: str, *values: Any, **named: Any) -> Any:
        answer = getattr(self.device, act)(*values, now=self._time.time(), **named)
        self.wire.stir()
        return answer

    def unplug(self) -> None:
        self.wire.unplug()

    def core_ends(self) -> None:
        """The registrar does not notice."""

    def computer_ends(self) -> None:
        """It does not notice that either."""

    def computer_begins(self) -> None:
        """Nor that."""

    @property
    def is_at_work(self) -> bool:
        return self.device.truth.opened is not None

    @property
    def kept(self) -> list[Kept]:
        truth = self.device.truth
        found = []
        for drive in (*truth.former_drives, truth.drive):
            for one in drive.documents:
                if one.form in (Form.RECEIPT, Form.CORRECTION):
                    contact = tlv.find(one.tags, tlv.CONTACT)
                    inns = [tlv.find(item.tags, tlv.SUPPLIER_INN) for item in one.items]
                    kept = Kept(
                        drive.serial, one.number, one.sign, one.sum, one.shift,
                        is_correction=tlv.find(one.tags, tlv.CORRECTION_KIND) is not None,
                        payment=one.payment,
                        contact=None if contact is None else contact.decode("cp866"),
                        suppliers=tuple(None if inn is None else inn.decode("cp866").strip() for inn in inns),
                        is_ours=not any(item.name.startswith(OTHERS_GOODS) for item in one.items),
                    )  # fmt: skip
                    found.append(kept)
        return found

    @property
    def closings(self) -> list[tuple[str, int]]:
        truth = self.device.truth
        drives = (*truth.former_drives, truth.drive)
        return [
            (drive.serial, one.number)
            for drive in drives
            for one in drive.documents
            if one.form is Form.SHIFT_CLOSE
        ]

    def spoil_line(self, chance: random.Random) -> None:
        setattr(self.device.quirks, chance.choice(SHTRIH_LINE), chance.randint(1, 3))

    def refuse(self, chance: random.Random) -> None:
        errors = [0x31] * chance.randint(1, 5)
        self.device.quirks.refusals.setdefault(chance.choice(SHTRIH_COMMANDS), []).extend(errors)

    def refuse_receipts(self, times: int) -> None:
        self.device.quirks.refusals.setdefault(b"\x8d", []).extend([0x31] * times)

    def own_fault(self, chance: random.Random) -> tuple[str, Callable[[], None], Callable[[], None]]:
        units = chance.choice([10, 100, 500])
        return "somebody's open document", lambda: self.do("leave_document_open", units), lambda: None

    def mend(self) -> None:
        for name in SHTRIH_LINE:
            setattr(self.device.quirks, name, 0)
        self.device.quirks.refusals.clear()


class Atol:
    """An ATOL registrar, whoever runs its tasks."""

    drive_is_full = 121
    device: atol.Machine
    wire: Wire

    def __init__(self, time: VirtualTime, speed: float, quirks: atol.Quirks | None) -> None:
        self._time = time
        self.device = atol.Machine(time.time(), wall=NOON.replace(tzinfo=UTC), quirks=quirks, speed=speed)
        self.tells_payments = self.device.quirks.keeps_tags

    def driver(self, wall: Wall) -> AtolDriver:
        return AtolDriver(self._exchange, "RUB", wall)

    def _exchange(self, now: Time) -> Exchange:
        raise NotImplementedError

    def do(self, act: str, *values: Any, **named: Any) -> Any:
        answer = getattr(self.device, act)(*values, now=self._time.time(), **named)
        self.wire.poke()
        return answer

    @property
    def is_at_work(self) -> bool:
        runs = not self.device.is_idle and self.device.names[-1] in atol.FISCAL
        return runs or self.device.truth.receipt_is_open

    @property
    def kept(self) -> list[Kept]:
        truth = self.device.truth
        return [
            Kept(
                drive.serial, one.number, one.sign, one.sum, one.shift,
                is_correction=one.kind == "receiptCorrection",
                payment=one.payment,
                contact=one.tags.get("1008"),
                suppliers=tuple(item.get("1226") for item in one.tags.get("1059", [])),
                is_ours=not any(name.startswith(OTHERS_GOODS) for name in one.names),
            )
            for drive in (*truth.former_drives, truth.drive)
            for one in drive.documents
            if one.kind in ("receipt", "receiptCorrection")
        ]  # fmt: skip

    @property
    def closings(self) -> list[tuple[str, int]]:
        truth = self.device.truth
        drives = (*truth.former_drives, truth.drive)
        return [
            (drive.serial, one.number)
            for drive in drives
            for one in drive.documents
            if one.kind == "closeShift"
        ]

    def refuse(self, chance: random.Random) -> None:
        errors = [chance.choice([46, 55, 115, 144, 241])] * chance.randint(1, 5)
        self.device.quirks.refusals.setdefault(chance.choice(ATOL_TASKS), []).extend(errors)

    def refuse_receipts(self, times: int) -> None:
        self.device.quirks.refusals.setdefault("sell", []).extend([144] * times)

    def own_fault(self, chance: random.Random) -> tuple[str, Callable[[], None], Callable[[], None]]:
        return "cable of the device", lambda: self.do("pull_cable"), lambda: self.do("plug_cable")

    def mend(self) -> None:
        self.device.quirks.fails_after_record = 0
        self.device.quirks.refusals.clear()
        self.do("plug_cable")


class AtolWeb(Atol):
    """Behind the vendor's web server, which outlives the core and dies with the computer; its database outlives that."""

    def __init__(
        self,
        time: VirtualTime,
        speed: float = 1.0,
        quirks: atol.Quirks | None = None,
        server: WebQuirks | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(time, speed, quirks)
        self._chance = random.Random(f"uuids {seed}")
        self.server = WebServer(self.device, quirks=server)
        self._calls = _Calls(self.server, self.device)
        self.wire = Wire(self._calls, time)

    def _exchange(self, now: Time) -> WebExchange:
        draw = lambda: UUID(int=self._chance.getrandbits(128), version=4)
        return WebExchange(now, "127.0.0.1:16732", "kassa", "secret", draw)

    def open(self) -> Link:
        return self.wire.open()

    def unplug(self) -> None:
        self.wire.unplug()

    def core_ends(self) -> None:
        """The server goes on with what it was given."""

    def computer_ends(self) -> None:
        self.device.abandon(self._time.time())
        self._calls.is_on = False
        self.wire.poke()

    def computer_begins(self) -> None:
        self._calls.is_on = True
        self.server.restart(self._time.time())
        self.wire.poke()

    def spoil_line(self, chance: random.Random) -> None:
        times = chance.randint(1, 3)
        match chance.choice(("requests", "answers", "acceptances", "acceptances", "statuses", "device")):
            case "requests":
                self.server.quirks.lost_requests = times
            case "answers":
                self.server.quirks.lost_answers = times
            case "acceptances":
                self.server.quirks.lost_acceptances = times
            case "statuses":
                self.server.quirks.answers = [chance.choice(HTTP_REFUSALS)] * times
            case "device":
                self.device.quirks.fails_after_record = times

    def own_fault(self, chance: random.Random) -> tuple[str, Callable[[], None], Callable[[], None]]:
        match chance.choice(("cable", "restart", "base", "queue")):
            case "restart":
                return "restart of the server", lambda: self._restart(keeps_base=True), lambda: None
            case "base":
                return "loss of the server's base", lambda: self._restart(keeps_base=False), lambda: None
            case "queue":
                queue_s = chance.choice([2.0, 30.0])
                return "queue of the server", lambda: self._hold(queue_s), lambda: self._hold(0.0)
            case _:
                return super().own_fault(chance)

    def _restart(self, *, keeps_base: bool) -> None:
        if self._calls.is_on:
            self.server.restart(self._time.time(), keeps_base=keeps_base)
            self.wire.poke()

    def _hold(self, seconds: float) -> None:
        self.server.quirks.queue_s = seconds

    def mend(self) -> None:
        super().mend()
        quirks = self.server.quirks
        quirks.lost_requests = quirks.lost_answers = quirks.lost_acceptances = 0
        quirks.queue_s, quirks.answers = 0.0, []


class _Calls:
    """The computer that the web server runs on, as the core calls it: each write is a call of its own."""

    def __init__(self, server: WebServer, device: atol.Machine) -> None:
        self._server, self._device = server, device
        self.is_on = True
        """A dark computer answers nobody, and has nothing done."""

    def receive(self, data: bytes, now: float) -> bytes:
        return self._server.connect().receive(data, now) if self.is_on else b""

    def advance(self, now: float) -> bytes:
        if self.is_on:
            return self._server.advance(now)
        self._device.advance(now)
        return b""

    def wakes_at(self) -> float | None:
        return self._server.wakes_at() if self.is_on else self._device.wakes_at()


class AtolLibrary(Atol):
    """Behind the vendor's library, whose process is the core's child and dies with it."""

    def __init__(self, time: VirtualTime, speed: float = 1.0, quirks: atol.Quirks | None = None) -> None:
        super().__init__(time, speed, quirks)
        self.process = SimulatedLibrary(self.device)
        self.wire = Wire(self.process, time)

    def _exchange(self, now: Time) -> LibraryExchange:
        return LibraryExchange(now, Settings("1"))

    def open(self) -> Link:
        self.process.begin(self._time.time())
        return self.wire.open()

    def unplug(self) -> None:
        self.wire.unplug()
        self.core_ends()

    def core_ends(self) -> None:
        self.process.begin(self._time.time())
        self.wire.stir()

    def computer_ends(self) -> None:
        """Its end is the core's."""

    def computer_begins(self) -> None:
        """The core begins it."""

    def spoil_line(self, chance: random.Random) -> None:
        times = chance.randint(1, 2)
        if chance.random() < 0.5:
            self.process.lost_answers = times
        else:
            self.device.quirks.fails_after_record = times

    def mend(self) -> None:
        super().mend()
        self.process.lost_answers = 0
