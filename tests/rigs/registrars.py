"""Every registrar that Kassa has a driver for, in virtual time, behind one set of hands; and a core with a real queue.

A unit is a driver, a simulated device and the wire between them. A new registrar is one more entry in UNITS.
"""

import random
import uuid
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from receipts import receipt_of
from virtual_time import VirtualTime, Wire

from devices.atol import machine as atol
from devices.atol.driver import AtolDriver
from devices.atol.lines import Settings
from devices.atol.piped import LibraryExchange
from devices.atol.simulator import SimulatedLibrary, WebQuirks, WebServer
from devices.atol.web import WebExchange
from devices.steps import Pump
from kassa.fiscal import queue as fiscal
from kassa.journal import entries as e
from kassa.journal.records import PendingDocument
from kassa.ports import RegistrarStatus, SettleReceipt

TICK_S = 0.5
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
OTHERS_GOODS = "Товар другой"


@dataclass(frozen=True)
class Kept:
    """A receipt or a correction as a fiscal drive keeps it; `sum` in minor units, `tags` as the driver tells them."""

    number: int
    sign: int
    sum: int
    shift: int
    payment: str | None
    is_ours: bool
    tags: dict


class Core:
    """Payments in, documents out, over the real fiscal queue. Its books outlive the driver, as a journal does."""

    def __init__(self):
        self.facts = []
        self.seen = lambda fact: None
        self.asked = {}
        """Units by payment, oldest first."""
        self.intents, self.documents = {}, {}
        self.voided = []
        self.receipts = {}
        """Receipts that are not the usual ones, by payment."""
        self.restart()

    def restart(self):
        self.queue = fiscal.Queue()

    @property
    def pending(self):
        return [
            PendingDocument(payment, "internet", "4038172956", units * 100, self.intents.get(payment), False)
            for payment, units in self.asked.items()
            if payment not in self.documents
        ]

    def dispatch(self, fact, rig):
        self.facts.append(fact)
        self.seen(fact)
        self.queue, entries = fiscal.hear(self.queue, fact, rig.time.time())
        for entry in entries:
            self._commit(entry)
        self.feed(rig)

    def _commit(self, entry):
        match entry:
            case e.FiscalIntended(payment=payment, drive_serial=drive, last_document=last):
                assert payment not in self.documents
                self.intents[payment] = (drive, last)
            case e.FiscalVoided(payment=payment, reason=reason):
                assert payment in self.intents, "nothing was begun"
                del self.intents[payment]
                self.voided.append((payment, reason))
            case e.DocumentRegistered(payment=payment):
                assert payment not in self.documents, f"{payment} has a document already"
                self.documents[payment] = entry
                self.intents.pop(payment, None)

    def feed(self, rig):
        self.queue, command = fiscal.next_command(
            self.queue, self.pending, rig.time.time(), lambda waiting: self.receipt(waiting.payment)
        )
        if isinstance(command, SettleReceipt):
            command = replace(command, others=self.others(command.receipt.payment))
        if command is not None:
            rig.pump.order(command)

    def receipt(self, payment):
        return self.receipts.get(payment) or receipt_of(payment, self.asked[payment])

    def others(self, payment):
        return frozenset(one.number for other, one in self.documents.items() if other != payment)

    def of(self, *kinds):
        return [fact for fact in self.facts if isinstance(fact, kinds)]


class AtolUnit:
    """An ATOL registrar; `moves` are the hands that any unit has."""

    drive = "9999078900001234"

    def __init__(self, time, **quirks):
        self.time = time
        self.machine = atol.Machine(time.time(), wall=NOON, quirks=atol.Quirks(**quirks))
        self.device = self._device()
        self.wire = Wire(self.device, time)
        self.chance = random.Random(7)

    def driver(self):
        wall = lambda: NOON + timedelta(seconds=self.time.time() - self.machine._started_at)
        return AtolDriver(self._exchange, "RUB", wall)

    def open(self):
        return self.wire.open()

    def do(self, name, *values, **named):
        answer = getattr(self.machine, name)(*values, now=self.time.time(), **named)
        self.device.advance(self.time.time())
        self.wire.stir()
        return answer

    def host_ends(self):
        """Whatever lives and dies with the core's process."""

    def unplug(self):
        self.wire.unplug()

    def plug(self):
        self.wire.plug()

    @property
    def writes(self):
        return len(self.wire.sent)

    def lose_answer(self):
        raise NotImplementedError

    def refuse_receipts(self, code):
        self.machine.quirks.refusals.setdefault("sell", []).append(code)

    def break_drive(self, code):
        self.machine.faults.drive = code

    @property
    def began(self):
        """The names of the device's tasks so far."""
        return list(self.machine.names)

    @property
    def kept(self):
        truth = self.machine.truth
        return [
            Kept(
                one.number, one.sign, one.sum, one.shift, one.payment,
                not any(name.startswith(OTHERS_GOODS) for name in one.names), one.tags,
            )
            for drive in (*truth.former_drives, truth.drive)
            for one in drive.documents
            if one.kind in ("receipt", "receiptCorrection")
        ]  # fmt: skip

    @property
    def is_on_paper(self):
        """Whether the last receipt came out whole."""
        last = self.kept[-1].number
        return self.machine.truth.printed_receipt(last) is not None

    @property
    def texts(self):
        return ["\n".join(sheet.lines) for sheet in self.machine.truth.sheets if sheet.is_whole]


class AtolWeb(AtolUnit):
    """Behind the vendor's web server, which lives on when the core dies."""

    web_quirks = WebQuirks

    def _device(self):
        self.server = WebServer(self.machine, quirks=WebQuirks())
        return _Calls(self.server)

    def _exchange(self, now):
        draw = lambda: uuid.UUID(int=self.chance.getrandbits(128))
        return WebExchange(now, "127.0.0.1:16732", "kassa", "secret", draw)

    def lose_answer(self):
        self.server.quirks.lost_answers += 1


class _Calls:
    """A web server at the end of a wire in memory: each write is a call of its own, as over `CallLink`."""

    def __init__(self, server):
        self._server = server
        self.advance, self.wakes_at = server.advance, server.wakes_at

    def receive(self, data, now):
        return self._server.connect().receive(data, now)


class AtolLibrary(AtolUnit):
    """Behind the vendor's library, whose process dies with the core's."""

    def _device(self):
        return SimulatedLibrary(self.machine)

    def _exchange(self, now):
        return LibraryExchange(now, Settings("1"))

    def open(self):
        self.device.begin(self.time.time())
        return self.wire.open()

    def host_ends(self):
        self.device.begin(self.time.time())
        self.wire.stir()

    def unplug(self):
        self.wire.unplug()
        self.host_ends()

    def lose_answer(self):
        self.device.lost_answers += 1


UNITS = {"atol_web": AtolWeb, "atol_library": AtolLibrary}


class Rig:
    """One kiosk's registrar, its driver and its core."""

    def __init__(self, unit, **quirks):
        self.time = VirtualTime()
        self.unit = unit(self.time, **quirks)
        self.core = Core()
        self.payments = 0
        self.start_host()
        self._tick()

    def _tick(self):
        if self.pump.is_up:
            self.core.feed(self)
        self.time.call_later(TICK_S, self._tick)

    # --- the host -----------------------------------------------------------------------------------------------

    def start_host(self):
        self.core.restart()
        self.pump = Pump(
            self.unit.driver(), self.unit.open, lambda fact: self.core.dispatch(fact, self), self.time
        )
        self.pump.start()

    def kill_host(self):
        self.pump.stop()
        self.unit.host_ends()

    def order(self, command):
        self.pump.order(command)

    def pay(self, units=650, receipt=None):
        """A customer has paid; the number of the payment. `receipt` makes one of that number that is not the usual one."""
        self.payments += 1
        payment = f"00042-{self.payments:010}"
        self.core.asked[payment] = units
        if receipt is not None:
            self.core.receipts[payment] = receipt(payment, units)
        self.core.feed(self)
        return payment

    # --- waiting -----------------------------------------------------------------------------------------------------

    @property
    def status(self):
        return self.core.queue.status

    def wait_ready(self, within_s=120):
        self.time.run_until(lambda: self.status is not None and self.status.problem is None, within_s)

    def wait_for(self, kind, count=1, within_s=120.0):
        return self.time.run_until(
            lambda: len(self.core.of(kind)) >= count and self.core.of(kind)[-1], within_s
        )

    def wait_problem(self, problem, within_s=60.0):
        self.time.run_until(lambda: self.status and self.status.problem == problem, within_s)

    def settle(self, within_s=900):
        """All payments have their document, and the registrar rests."""
        self.time.run_until(lambda: not self.core.pending and self.core.queue.in_flight is None, within_s)
        self.wait_ready(300)  # a library that hangs is given two minutes
        self.time.run_for(3.0)

    def with_open_shift(self):
        """One receipt was made, so that the next thing is a receipt and nothing else."""
        self.wait_ready()
        self.pay(100)
        self.settle()
        self.core.facts.clear()
        return self

    # --- the promise ---------------------------------------------------------------------------------------------------

    @property
    def receipts(self):
        return [one for one in self.unit.kept if one.is_ours]

    def check_books(self):
        """Each payment has exactly one document, and what the core knows of it is what the fiscal memory keeps."""
        kept = sorted((one.sum // 100, one.number, one.sign, one.shift) for one in self.receipts)
        told = sorted(
            (self.core.asked[payment], one.number, one.sign, one.shift)
            for payment, one in self.core.documents.items()
        )
        assert told == kept
        assert sorted(self.core.documents) == sorted(self.core.asked)
        carried = {(one.number, one.sign): one.payment for one in self.receipts}
        for payment, one in self.core.documents.items():
            assert carried[one.number, one.sign] in (None, payment), "another payment's document"
        assert not self.core.queue.in_doubt

    @property
    def problems(self):
        """Each problem once as long as it lasts, None where there is none."""
        told = [fact.problem for fact in self.core.of(RegistrarStatus)]
        return [one for at, one in enumerate(told) if at == 0 or told[at - 1] != one]
