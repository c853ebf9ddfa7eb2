"""Each driver under asyncio over every real line it may have, against its simulator in a process of its own."""

import asyncio
import signal
import sys
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest
from receipts import receipt_of
from registrar_host import Host
from registrar_units import printed
from simulator_process import Simulated

from devices.atol.driver import AtolDriver
from devices.atol.lines import Settings
from devices.atol.piped import LibraryExchange
from devices.atol.web import WebExchange
from devices.escpos.driver import EscposDriver
from devices.escpos.encoding import Paper, job
from devices.link import CallLink, FileLink, LineSettings, ProcessLink, SerialLink, TcpLink
from devices.shtrih.driver import ShtrihDriver
from kassa.ports import (
    DocumentRegistered,
    NotRegistered,
    RegisterReceipt,
    RegistrarLost,
    RegistrarStatus,
    RegistrationStarting,
    SettleReceipt,
)

RECEIPT = receipt_of("00042-0000000001", 650)
WRAPPER = Path(__file__).parent.with_name("atol") / "libfptr10.py"
HOST = "127.0.0.1"


def wall():
    return datetime.now().astimezone()


def shtrih(_simulated):
    return ShtrihDriver(30, "RUB", wall)


def escpos(_simulated):
    return EscposDriver("RUB", wall, printed, lambda lines: job(lines, Paper(48, "cp866")))


def atol_web(simulated):
    where = f"{HOST}:{simulated.port}"
    return AtolDriver(lambda now: WebExchange(now, where, "kassa", "secret", uuid.uuid4), "RUB", wall)


def serial(simulated, loop):
    return SerialLink(str(simulated.link), LineSettings(115200), loop)


def device_file(simulated, loop):
    return FileLink(str(simulated.link), loop)


def network(simulated, loop):
    return TcpLink(HOST, simulated.port, loop)


def calls(simulated, loop):
    return CallLink(HOST, simulated.port, loop)


@dataclass(frozen=True)
class Way:
    """A driver, the simulator it talks to, and over what."""

    module: str
    driver: Callable
    open_link: Callable
    has_drive: bool = True

    @property
    def is_in_network(self):
        return self.open_link in (network, calls)


WAYS = {
    "Shtrih-M at a serial port": Way("devices.shtrih.simulator", shtrih, serial),
    "Shtrih-M in the network": Way("devices.shtrih.simulator", shtrih, network),
    "ATOL's web server": Way("devices.atol.simulator", atol_web, calls),
    "a printer at a serial port": Way("devices.escpos.simulator", escpos, serial, has_drive=False),
    "a printer on USB": Way("devices.escpos.simulator", escpos, device_file, has_drive=False),
    "a printer in the network": Way("devices.escpos.simulator", escpos, network, has_drive=False),
}


async def kept(way, simulated):
    """How many receipts there are, on paper where nothing else keeps them."""
    state = await simulated.say("state")
    if not way.has_drive:
        return state["whole_sheets"]
    return sum(one["kind"] == "receipt" for one in state["documents"])


@pytest.fixture(params=WAYS)
def run(request, tmp_path):
    """Run a story with a simulator and a host, leaving no process behind."""
    way = WAYS[request.param]

    def run(story):
        async def whole():
            simulated = Simulated(way.module, tmp_path, is_in_network=way.is_in_network)
            await simulated.start()
            host = Host(way.driver(simulated), lambda loop: way.open_link(simulated, loop))
            try:
                await host.be_ready()
                await story(way, simulated, host)
            finally:
                host.end()
                if simulated.process.returncode is None:
                    await simulated.end()

        asyncio.run(whole())

    return run


def test_a_receipt_is_made_over_a_real_line(run):
    async def story(way, simulated, host):
        host.pump.order(RegisterReceipt(RECEIPT))
        registered = await host.hear(DocumentRegistered)

        assert registered.printed
        assert await kept(way, simulated) == 1
        assert "650.00" in (await simulated.say("receipt"))["text"]

    run(story)


def test_a_plug_pulled_within_a_receipt_leaves_one_receipt_or_none_and_it_is_known_which(run):
    async def story(way, simulated, host):
        host.pump.order(RegisterReceipt(RECEIPT))
        begun = await host.hear(RegistrationStarting)
        await simulated.say("unplug")
        await host.hear(RegistrarLost)
        await simulated.say("plug")
        await host.hear(RegistrarStatus)
        host.pump.order(SettleReceipt(RECEIPT, begun.drive_serial, begun.last_document))
        fact = await host.hear(DocumentRegistered, NotRegistered)

        there_are = await kept(way, simulated)
        if way.has_drive:
            assert there_are == isinstance(fact, DocumentRegistered)
            assert isinstance(fact, DocumentRegistered) or fact.certain
        else:
            assert fact.document.number == 1
            assert not fact.printed
            assert there_are <= 1

    run(story)


def test_what_is_kept_outlives_a_killed_simulator(run):
    async def story(way, simulated, host):
        host.pump.order(RegisterReceipt(RECEIPT))
        registered = await host.hear(DocumentRegistered)
        await simulated.end(signal.SIGKILL)
        await host.hear(RegistrarLost)
        await simulated.start()
        await host.be_ready()
        host.pump.order(
            SettleReceipt(RECEIPT, registered.document.drive_serial, registered.document.number - 1)
        )

        again = await host.hear(DocumentRegistered)
        assert again.document.number == registered.document.number
        assert again.document == registered.document or not way.has_drive
        assert await simulated.end() == 0
        assert not simulated.link.is_symlink()

    run(story)


# --- the maker's library, in a process that lives and dies with ours ----------------------------------------------------------


def test_a_library_in_its_own_process_makes_a_receipt_and_finds_it_in_another_life(tmp_path, monkeypatch):
    monkeypatch.setenv("SIMULATED_REGISTRAR", str(tmp_path / "registrar.json"))
    command = [sys.executable, "-m", "devices.atol.library", str(WRAPPER)]

    def host():
        driver = AtolDriver(lambda now: LibraryExchange(now, Settings("1")), "RUB", wall)
        return Host(driver, lambda loop: ProcessLink(command, loop))

    async def story():
        first = host()
        await first.be_ready()
        first.pump.order(RegisterReceipt(RECEIPT))
        registered = await first.hear(DocumentRegistered)
        first.end()

        second = host()
        await second.be_ready()
        begun = SettleReceipt(RECEIPT, registered.document.drive_serial, registered.document.number - 1)
        second.pump.order(begun)
        assert (await second.hear(DocumentRegistered)).document == registered.document
        second.end()

    asyncio.run(story())
