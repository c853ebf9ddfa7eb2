"""The driver under asyncio over a real pseudo-terminal, against the simulator in its own process."""

import asyncio
import signal
from datetime import datetime

from receipts import DRIVE, receipt_of
from simulator_process import WAIT_S

from devices.link import LineSettings, SerialLink
from devices.shtrih.driver import ShtrihDriver
from devices.steps import Pump
from kassa.ports import (
    DocumentRegistered,
    NotRegistered,
    RegisterReceipt,
    RegistrarLost,
    RegistrarStatus,
    RegistrationStarting,
    SettleReceipt,
)


async def receipts(simulated):
    return [one for one in (await simulated.say("state"))["documents"] if one["kind"] == "receipt"]


class Host:
    """A pump, and what it heard."""

    def __init__(self, path):
        loop = asyncio.get_running_loop()
        self.facts = asyncio.Queue()
        driver = ShtrihDriver(30, "RUB", lambda: datetime.now().astimezone())
        open_link = lambda: SerialLink(str(path), LineSettings(115200), loop)
        self.pump = Pump(driver, open_link, self.facts.put_nowait, loop, 0.05)
        self.pump.start()

    async def hear(self, *kinds):
        async with asyncio.timeout(WAIT_S):
            while not isinstance(fact := await self.facts.get(), kinds):
                pass
            return fact

    async def be_ready(self):
        while (await self.hear(RegistrarStatus)).problem is not None:
            pass


def test_a_receipt_is_made_over_a_real_wire(run):
    async def story(simulated):
        host = Host(simulated.link)
        await host.be_ready()
        host.pump.order(RegisterReceipt(receipt_of("00042-0000000001", 650)))
        document = (await host.hear(DocumentRegistered)).document

        [kept] = await receipts(simulated)
        assert (kept["number"], kept["sign"], kept["sum"]) == (document.number, document.sign, "650.00")
        assert "КАССОВЫЙ ЧЕК" in (await simulated.say("receipt"))["text"]
        host.pump.stop()

    run(story)


def test_a_plug_pulled_within_the_receipt_leaves_it_to_the_archive(run):
    async def story(simulated):
        host = Host(simulated.link)
        await host.be_ready()
        receipt = receipt_of("00042-0000000001", 650)
        host.pump.order(RegisterReceipt(receipt))
        begun = await host.hear(RegistrationStarting)
        await simulated.say("unplug")
        await host.hear(RegistrarLost)
        await simulated.say("plug")
        await host.hear(RegistrarStatus)
        host.pump.order(SettleReceipt(receipt, begun.drive_serial, begun.last_document))
        fact = await host.hear(DocumentRegistered, NotRegistered)

        kept = await receipts(simulated)
        assert len(kept) == isinstance(fact, DocumentRegistered)
        assert isinstance(fact, DocumentRegistered) or fact.certain
        host.pump.stop()

    run(story)


def test_the_truth_outlives_a_killed_simulator(run):
    async def story(simulated):
        host = Host(simulated.link)
        await host.be_ready()
        receipt = receipt_of("00042-0000000001", 650)
        host.pump.order(RegisterReceipt(receipt))
        registered = await host.hear(DocumentRegistered)
        await simulated.end(signal.SIGKILL)
        await host.hear(RegistrarLost)
        await simulated.start()
        await host.be_ready()
        host.pump.order(SettleReceipt(receipt, DRIVE, registered.document.number - 1))

        assert (await host.hear(DocumentRegistered)).document == registered.document
        host.pump.stop()
        assert await simulated.end() == 0
        assert not simulated.link.is_symlink()

    run(story)
