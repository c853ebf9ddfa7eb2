"""Receipts through a real driver into a simulated fiscal drive, and what its document says against the table of tags.

A maker is one registrar with its driver in virtual time, made once for many receipts.
"""

from datetime import UTC, datetime, timedelta
from functools import cache

import ffd
from registrars import AtolWeb
from virtual_time import VirtualTime, Wire

from devices.shtrih.archive import tags_of
from devices.shtrih.driver import ShtrihDriver
from devices.shtrih.memory import Truth
from devices.shtrih.settings import Format
from devices.shtrih.simulator import Simulator
from devices.steps import Pump
from kassa.ports import DocumentRegistered, NotRegistered, RegisterReceipt, RegistrarStatus

FORMATS = {"1.05": int(Format.V1_05), "1.1": int(Format.V1_1), "1.2": int(Format.V1_2)}


class Shtrih:
    """A Shtrih-M registrar."""

    def __init__(self, version, time):
        noon = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
        began = time.time()
        truth = Truth(tables={"17.17": FORMATS[version]})
        self.simulator = Simulator(began, truth, wall=noon.replace(tzinfo=None))
        self.driver = ShtrihDriver(30, "RUB", lambda: noon + timedelta(seconds=time.time() - began))
        self.open = Wire(self.simulator, time).open

    def _document(self, number):
        truth = self.simulator.truth
        return tags_of(truth.drive.documents[number - 1], truth.drive, self.simulator.owner)

    def complaints(self, number, place, version, owed_by):
        return ffd.check(self._document(number), place, version, owed_by)

    def texts(self, number):
        """All that can be read in a document."""
        return self._document(number).decode("cp866")


class Atol:
    """An ATOL registrar behind its web server."""

    def __init__(self, version, time):
        self.unit = AtolWeb(time, ffd=version)
        self.driver, self.open = self.unit.driver(), self.unit.open

    def _document(self, number):
        machine = self.unit.machine
        return machine.tags_of(machine.truth.drive.documents[number - 1])

    def complaints(self, number, place, version, owed_by):
        return ffd.check_told(self._document(number), place, version, owed_by)

    def texts(self, number):
        """All that can be read in a document."""
        return str(self._document(number))


MAKERS = {"shtrih": Shtrih, "atol": Atol}


class Maker:
    """One registrar with documents of `version`, ready for receipts."""

    def __init__(self, brand, version):
        self.time, self.version = VirtualTime(), version
        self.registrar = MAKERS[brand](version, self.time)
        self.facts = []
        self._pump = Pump(self.registrar.driver, self.registrar.open, self.facts.append, self.time)
        self._pump.start()
        self._wait_for(RegistrarStatus)

    def make(self, receipt):
        """The number of the document; None where the driver says that there can be none."""
        self.facts.clear()
        self._pump.order(RegisterReceipt(receipt))
        fact = self._wait_for(DocumentRegistered, NotRegistered)
        if isinstance(fact, NotRegistered):
            assert fact.certain, fact
            self.refusal = fact.reason
            return None
        return fact.document.number

    def complaints(self, receipt, owed_by=ffd.EVERYBODY):
        """Make the receipt, and say what is wrong with its document."""
        number = self.make(receipt)
        assert number is not None, self.refusal
        place = "receipt" if receipt.correction is None else "correction"
        return self.registrar.complaints(number, place, self.version, owed_by)

    def _wait_for(self, *kinds):
        return self.time.run_until(
            lambda: next((fact for fact in self.facts if isinstance(fact, kinds)), None), 900
        )


maker = cache(Maker)
"""The maker of a brand and a version, kept for the whole run."""
