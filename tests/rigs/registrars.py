"""A kiosk's registrar in virtual time, whichever it is, and a core whose fiscal queue is the real one."""

from dataclasses import replace

from receipts import receipt_of
from registrar_units import AtolLibrary, AtolWeb, EscposUnit, ShtrihUnit
from virtual_time import VirtualTime

from devices.steps import Pump
from kassa.fiscal import queue as fiscal
from kassa.journal import entries as e
from kassa.journal.records import PendingDocument
from kassa.ports import RegistrarStatus, SettleReceipt

TICK_S = 0.5


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


UNITS = {"shtrih": ShtrihUnit, "atol_web": AtolWeb, "atol_library": AtolLibrary, "escpos": EscposUnit}
FISCAL = {name: unit for name, unit in UNITS.items() if unit.has_drive}
"""Registrars; the others are printers that keep nothing."""


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
        """Each payment has exactly one document, and what the core knows of it is what is kept of it.

        Of a plain printer nothing is kept but paper: what counts as printed came out, and nothing came out twice.
        """
        documents = self.core.documents
        assert sorted(documents) == sorted(self.core.asked)
        assert not self.core.queue.in_doubt
        kept = sorted((one.sum // 100, one.number, one.sign, one.shift) for one in self.receipts)
        told = [
            (self.core.asked[payment], one.number, one.sign, one.shift, one.printed)
            for payment, one in documents.items()
        ]
        assert len({one.number for one in self.receipts}) == len(kept) or self.unit.has_drive
        if self.unit.has_drive:
            assert sorted(one[:-1] for one in told) == kept
        else:
            assert {one[:-1] for one in told if one[-1]} <= set(kept) <= {one[:-1] for one in told}
        carried = {(one.number, one.sign): one.payment for one in self.receipts}
        for payment, one in documents.items():
            assert carried.get((one.number, one.sign)) in (None, payment), "another payment's document"

    @property
    def problems(self):
        """Each problem once as long as it lasts, None where there is none."""
        told = [fact.problem for fact in self.core.of(RegistrarStatus)]
        return [one for at, one in enumerate(told) if at == 0 or told[at - 1] != one]


def cut_after_each_write(unit):
    """Rigs whose host has just written the next part of a receipt: behind the first write, behind the second ..."""
    number = 1
    while True:
        rig = Rig(unit).with_open_shift()
        before = rig.unit.writes
        payment = rig.pay(650)
        rig.time.run_until(
            lambda rig=rig, before=before, payment=payment, number=number: (
                rig.unit.writes - before >= number or payment in rig.core.documents
            )
        )
        if rig.unit.writes - before < number:
            return
        yield rig
        number += 1


# --- what may happen to any of them ------------------------------------------------------------------------------------


def unplug(rig, for_s=0.3):
    rig.unit.unplug()
    rig.time.run_for(for_s)
    rig.unit.plug()


def power_cut(rig, for_s=0.5):
    rig.unit.do("cut_power")
    rig.time.run_for(for_s)
    rig.unit.do("restore_power")


def long_power_cut(rig):
    power_cut(rig, 60)


def kill_host(rig, for_s=0.3):
    rig.kill_host()
    rig.time.run_for(for_s)
    rig.start_host()


def kill_host_for_long(rig):
    kill_host(rig, 30)
