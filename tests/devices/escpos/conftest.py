"""An ESC/POS driver and a simulated printer in virtual time, with a core whose fiscal queue is the real one."""

from datetime import UTC, datetime, timedelta

import pytest
from receipts import receipt_of
from virtual_time import VirtualTime, Wire

from devices.escpos.driver import EscposDriver
from devices.escpos.encoding import Paper, job
from devices.escpos.simulator import Quirks, Simulator
from devices.steps import Pump
from kassa.fiscal import queue as fiscal
from kassa.journal import entries as e
from kassa.journal.records import PendingDocument
from kassa.paper import Code, Pair, Words
from kassa.ports import DocumentRegistered

TICK_S = 0.5
OPENED_AT = datetime(2026, 11, 24, 14, 5, tzinfo=UTC)


def compose(receipt, document):
    """A receipt of some forty rows: several parts of bytes."""
    return [
        Words(f"Квитанция {document.number}", "center", is_bold=True),
        *(Words(f"строка {number} с какими-то словами о платеже") for number in range(30)),
        *(Pair(item.name, f"={item.price.decimal()}") for item in receipt.items),
        Pair("ИТОГ", f"={receipt.total.decimal()}", is_large=True),
        Code(receipt.payment),
    ]


class Rig:
    """One kiosk's receipt printer; its books outlive the driver, as a journal does."""

    def __init__(self, truth=None, **quirks):
        self.time = VirtualTime()
        self.sim = Simulator(self.time.time(), truth, quirks=Quirks(**quirks))
        self.wire = Wire(self.sim, self.time)
        self.facts, self.asked, self.intents, self.documents = [], {}, {}, {}
        self.start_host()
        self._tick()

    def _tick(self):
        self.feed()
        self.time.call_later(TICK_S, self._tick)

    # --- the host -----------------------------------------------------------------------------------------------------

    def start_host(self):
        self.queue = fiscal.Queue()
        driver = EscposDriver("RUB", self.wall, compose, lambda lines: job(lines, Paper(48, "cp866")))
        self.pump = Pump(driver, self.wire.open, self.dispatch, self.time)
        self.pump.start()

    def kill_host(self):
        self.pump.stop()

    def wall(self):
        return OPENED_AT + timedelta(seconds=self.time.time())

    def order(self, command):
        self.pump.order(command)

    def pay(self, units=650):
        payment = f"00042-{len(self.asked) + 1:010}"
        self.asked[payment] = units
        self.feed()
        return payment

    @property
    def pending(self):
        return [
            PendingDocument(payment, "internet", "4038172956", units * 100, self.intents.get(payment), False)
            for payment, units in self.asked.items()
            if payment not in self.documents
        ]

    def dispatch(self, fact):
        self.facts.append(fact)
        self.queue, entries = fiscal.hear(self.queue, fact, self.time.time())
        for entry in entries:
            match entry:
                case e.FiscalIntended(payment=payment, drive_serial=drive, last_document=last):
                    assert payment not in self.documents
                    self.intents[payment] = (drive, last)
                case e.DocumentRegistered(payment=payment, number=number):
                    assert payment not in self.documents
                    drive, last = self.intents.pop(payment)
                    assert (drive, last + 1) == (entry.drive_serial, number)
                    self.documents[payment] = entry
        self.feed()

    def feed(self):
        if not self.pump.is_up:
            return
        self.queue, command = fiscal.next_command(
            self.queue, self.pending, self.time.time(), lambda one: receipt_of(one.payment, one.total // 100)
        )
        if command is not None:
            self.pump.order(command)

    # --- waiting --------------------------------------------------------------------------------------------------------

    def of(self, *kinds):
        return [fact for fact in self.facts if isinstance(fact, kinds)]

    def do(self, name, *values, **named):
        """A hand does something to the printer now."""
        answer = getattr(self.sim, name)(*values, now=self.time.time(), **named)
        self.wire.stir()
        return answer

    @property
    def problem(self):
        return self.queue.status.problem if self.queue.status else "lost"

    def wait_ready(self, within_s=60):
        self.time.run_until(lambda: self.problem is None, within_s)

    def wait_problem(self, problem, within_s=30):
        self.time.run_until(lambda: self.problem == problem, within_s)

    def wait_registered(self, within_s=120):
        """The last payment's fact."""
        self.time.run_until(lambda: not self.pending, within_s)
        return self.of(DocumentRegistered)[-1]

    def run_until_printing(self, rows=5):
        """In the middle of a receipt."""
        self.time.run_until(lambda: len(self.sim.truth.hanging.rows) >= rows)

    # --- what is in people's hands ----------------------------------------------------------------------------------------

    @property
    def receipts(self):
        """The payments whose receipt was printed whole, in their order."""
        self.sim.advance(self.time.time())
        return [code for sheet in self.sim.truth.sheets if sheet.is_whole for code in sheet.codes]

    def check_books(self):
        """Each payment has one document, and nothing was printed twice; what counts as printed is on paper."""
        assert sorted(self.documents) == sorted(self.asked)
        assert len(set(self.receipts)) == len(self.receipts)
        told = [payment for payment, one in self.documents.items() if one.printed]
        assert set(told) <= set(self.receipts)
        assert not self.sim.overrun_bytes


@pytest.fixture
def new_rig():
    def build(**quirks):
        rig = Rig(**quirks)
        rig.wait_ready()
        rig.facts.clear()
        return rig

    return build


@pytest.fixture
def rig(new_rig):
    """A terminal whose printer is ready."""
    return new_rig()
