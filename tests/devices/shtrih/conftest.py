"""A Shtrih-M driver and a simulated registrar in virtual time, with a core whose fiscal queue is the real one.

Or the simulator alone, in a process of its own behind a real pseudo-terminal.
"""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from receipts import receipt_of
from simulator_process import Simulated
from virtual_time import VirtualTime, Wire

from devices.shtrih.driver import ShtrihDriver
from devices.shtrih.protocol import Form
from devices.shtrih.simulator import Quirks, Simulator
from devices.steps import Pump
from kassa.fiscal import queue as fiscal
from kassa.journal import entries as e
from kassa.journal.records import PendingDocument
from kassa.ports import RegistrarStatus, SettleReceipt

TICK_S = 0.5
NOON = datetime(2026, 11, 24, 14, 5, tzinfo=UTC)


class Core:
    """Payments in, documents out, over the real fiscal queue. Its books outlive the driver, as a journal does."""

    def __init__(self):
        self.facts = []
        self.seen = lambda fact: None
        self.commit_s = 0.0
        self.asked = {}
        """Units by payment, oldest first."""
        self.intents, self.documents = {}, {}
        self.voided = []
        self.restart()

    def restart(self):
        self.queue = fiscal.Queue()

    def ask(self, payment, units):
        self.asked[payment] = units

    @property
    def pending(self):
        return [
            PendingDocument(payment, "internet", "4038172956", units * 100, self.intents.get(payment), False)
            for payment, units in self.asked.items()
            if payment not in self.documents
        ]

    def dispatch(self, fact, rig):
        rig.time.spend(self.commit_s)
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
            self.queue,
            self.pending,
            rig.time.time(),
            lambda waiting: receipt_of(waiting.payment, waiting.total // 100),
        )
        if isinstance(command, SettleReceipt):
            command = replace(command, others=self.others(command.receipt.payment))
        if command is not None:
            rig.pump.order(command)

    def others(self, payment):
        return frozenset(one.number for other, one in self.documents.items() if other != payment)

    def of(self, *kinds):
        return [fact for fact in self.facts if isinstance(fact, kinds)]

    @property
    def problems(self):
        """Each problem once as long as it lasts, None where there is none."""
        told = [fact.problem for fact in self.of(RegistrarStatus)]
        return [one for at, one in enumerate(told) if at == 0 or told[at - 1] != one]


class Rig:
    """One kiosk's receipt printer."""

    def __init__(self, truth=None, **quirks):
        self.time = VirtualTime()
        self.began, self.began_at = self.time.time(), NOON
        self.sim = Simulator(self.time.time(), truth, quirks=Quirks(**quirks))
        self.wire = Wire(self.sim, self.time)
        self.core = Core()
        self.payments = 0
        self.start_host()
        self._tick()

    def _tick(self):
        self.core.feed(self) if self.pump.is_up else None
        self.time.call_later(TICK_S, self._tick)

    # --- the host -----------------------------------------------------------------------------------------------

    def start_host(self):
        self.driver = ShtrihDriver(30, "RUB", self.wall)
        self.core.restart()
        self.pump = Pump(self.driver, self.wire.open, lambda fact: self.core.dispatch(fact, self), self.time)
        self.pump.start()

    def wall(self):
        """The host's own local time; its clock and the registrar's agree at the start."""
        return self.began_at + timedelta(seconds=self.time.time() - self.began)

    def kill_host(self):
        self.pump.stop()

    def order(self, command):
        self.pump.order(command)

    def pay(self, units=650):
        """A customer has paid; the number of the payment."""
        self.payments += 1
        payment = f"00042-{self.payments:010}"
        self.core.ask(payment, units)
        self.core.feed(self)
        return payment

    # --- the device -----------------------------------------------------------------------------------------------

    def do(self, name, *values, **named):
        """A hand does something to the registrar now."""
        answer = getattr(self.sim, name)(*values, now=self.time.time(), **named)
        self.wire.stir()
        return answer

    def power_cycle(self, off_s=1.0):
        self.do("cut_power")
        self.time.run_for(off_s)
        self.do("restore_power")

    # --- waiting -----------------------------------------------------------------------------------------------------

    def wait_ready(self, within_s=120):
        self.time.run_until(
            lambda: self.core.queue.status is not None and self.core.queue.status.problem is None, within_s
        )

    def wait_for(self, kind, count=1, within_s=120.0):
        return self.time.run_until(
            lambda: len(self.core.of(kind)) >= count and self.core.of(kind)[-1], within_s
        )

    def wait_problem(self, problem, within_s=60.0):
        self.time.run_until(
            lambda: self.core.queue.status and self.core.queue.status.problem == problem, within_s
        )

    def settle(self, within_s=600):
        """All payments have their document, and the registrar rests."""
        self.time.run_until(lambda: not self.core.pending and self.core.queue.in_flight is None, within_s)
        self.wait_ready()
        self.time.run_for(3.0)

    # --- the promise ---------------------------------------------------------------------------------------------------

    @property
    def receipts(self):
        """Receipts of our own in the fiscal memory, in all drives."""
        drives = [*self.sim.truth.former_drives, self.sim.truth.drive]
        return [
            record
            for drive in drives
            for record in drive.documents
            if record.form is Form.RECEIPT and not record.items[0].name.startswith("Товар другой")
        ]

    def check_books(self):
        """Each payment has exactly one document, and what the core knows of it is what the fiscal memory keeps."""
        kept = sorted(
            (record.sum // 100, record.number, record.sign, record.shift) for record in self.receipts
        )
        told = sorted(
            (self.core.asked[payment], one.number, one.sign, one.shift)
            for payment, one in self.core.documents.items()
        )
        assert told == kept
        assert sorted(self.core.documents) == sorted(self.core.asked)
        carried = {(record.number, record.sign): record.payment for record in self.receipts}
        for payment, one in self.core.documents.items():
            assert carried[one.number, one.sign] in (None, payment), "another payment's document"
        assert not self.core.queue.in_doubt


@pytest.fixture
def new_rig():
    return Rig


@pytest.fixture
def rig():
    """A terminal whose registrar is ready, the shift closed."""
    one = Rig()
    one.wait_ready()
    one.core.facts.clear()
    one.sim.commands.clear()
    return one


@pytest.fixture
def run(tmp_path):
    """Run a story with a simulator, leaving no process behind."""

    def run(story):
        async def whole():
            simulated = Simulated("devices.shtrih.simulator", tmp_path)
            await simulated.start()
            try:
                await story(simulated)
            finally:
                if simulated.process.returncode is None:
                    await simulated.end()

        asyncio.run(whole())

    return run
