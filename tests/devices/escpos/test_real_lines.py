"""The driver under asyncio over real lines, against the simulator in its own process: a pseudo-terminal, and a network."""

import asyncio
import contextlib
import os
import pty
import select
import socket
import sys
import tty
from datetime import UTC, datetime

import pytest
from receipts import receipt_of
from simulator_process import WAIT_S, Simulated

from devices.console import NetworkWire
from devices.escpos.driver import EscposDriver
from devices.escpos.encoding import Paper, job
from devices.link import (
    UNSENT_MAX_BYTES,
    FileLink,
    LineSettings,
    LinkLost,
    SerialLink,
    TcpLink,
    is_usb_printer,
)
from devices.steps import Pump
from kassa.paper import Code, Pair, Words
from kassa.ports import DocumentRegistered, RegisterReceipt, RegistrarLost, RegistrarStatus, SettleReceipt

RECEIPT = receipt_of("00042-0000000001", 650)
HOST = "127.0.0.1"


def compose(receipt, document):
    rows = [Words(f"строка {number} с какими-то словами") for number in range(40)]
    return [*rows, Pair("ИТОГ", f"={receipt.total.decimal()}"), Code(receipt.payment)]


class Host:
    """A pump, and what it heard."""

    def __init__(self, open_link):
        self.facts = asyncio.Queue()
        wall = lambda: datetime.now(UTC)
        driver = EscposDriver("RUB", wall, compose, lambda lines: job(lines, Paper(48, "cp866")))
        self.pump = Pump(driver, open_link, self.facts.put_nowait, asyncio.get_running_loop(), 0.05)
        self.pump.start()

    async def hear(self, *kinds):
        async with asyncio.timeout(WAIT_S):
            while not isinstance(fact := await self.facts.get(), kinds):
                pass
            return fact

    async def be_ready(self):
        while (await self.hear(RegistrarStatus)).problem is not None:
            pass


class InNetwork(Simulated):
    """A simulated printer that listens at a port of this machine."""

    def __init__(self, folder):
        super().__init__("devices.escpos.simulator", folder)
        with socket.create_server((HOST, 0)) as free:
            self.port = free.getsockname()[1]

    async def start(self):
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "devices.escpos.simulator", "--tcp", str(self.port), "--speed", "20",
            "--state", str(self.state), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert (await self.say("state"))["ok"]

    def open(self):
        return TcpLink(HOST, self.port, asyncio.get_running_loop())


class AtPort(Simulated):
    """A simulated printer behind a pseudo-terminal, as a serial port or as a device file."""

    def __init__(self, folder, kind):
        super().__init__("devices.escpos.simulator", folder)
        self.kind = kind

    def open(self):
        loop = asyncio.get_running_loop()
        if self.kind == "file":
            return FileLink(str(self.link), loop)
        return SerialLink(str(self.link), LineSettings(115200), loop)


@pytest.fixture(params=["network", "serial", "file"])
def run(request, tmp_path):
    """Run a story with a simulator, leaving no process behind."""

    def run(story):
        async def whole():
            simulated = InNetwork(tmp_path) if request.param == "network" else AtPort(tmp_path, request.param)
            await simulated.start()
            try:
                await story(simulated)
            finally:
                if simulated.process.returncode is None:
                    await simulated.end()

        asyncio.run(whole())

    return run


def test_a_receipt_is_printed_over_a_real_line(run):
    async def story(simulated):
        host = Host(simulated.open)
        await host.be_ready()
        host.pump.order(RegisterReceipt(RECEIPT))
        fact = await host.hear(DocumentRegistered)

        assert (fact.document.number, fact.printed) == (1, True)
        printed = await simulated.say("receipt")
        assert printed["qr"] == [RECEIPT.payment]
        assert printed["text"].count("строка") == 40
        host.pump.stop()

    run(story)


def test_a_line_that_breaks_within_a_receipt_leaves_it_not_printed(run):
    async def story(simulated):
        host = Host(simulated.open)
        await host.be_ready()
        await simulated.say("cover open")
        await host.hear(RegistrarStatus)
        await simulated.say("unplug")
        await host.hear(RegistrarLost)
        await simulated.say("plug")
        await simulated.say("cover close")
        await host.be_ready()
        host.pump.order(SettleReceipt(RECEIPT, "", 0))
        fact = await host.hear(DocumentRegistered)

        assert (fact.document.number, fact.printed) == (1, False)
        assert (await simulated.say("state"))["whole_sheets"] == 0
        host.pump.stop()

    run(story)


# --- a device file ------------------------------------------------------------------------------------------------------------


def test_what_a_device_file_does_not_take_at_once_waits_for_room():
    master, slave = pty.openpty()
    tty.setraw(slave)
    sent = bytes(range(256)) * 400

    async def talk():
        loop = asyncio.get_running_loop()
        link = FileLink(os.ttyname(slave), loop)
        link.on_data(lambda data: None, lambda reason: None)
        link.send(sent[:50_000])
        link.send(sent[50_000:])
        heard = b""
        os.set_blocking(master, False)
        async with asyncio.timeout(WAIT_S):
            while len(heard) < len(sent):
                with contextlib.suppress(BlockingIOError):
                    heard += os.read(master, 65536)
                await asyncio.sleep(0)
        link.close()
        link.close()
        return heard

    try:
        assert asyncio.run(talk()) == sent
    finally:
        os.close(master)
        os.close(slave)


def test_a_device_file_that_takes_nothing_is_given_up():
    master, slave = pty.openpty()
    tty.setraw(slave)

    async def talk():
        link = FileLink(os.ttyname(slave), asyncio.get_running_loop())
        link.on_data(lambda data: None, lambda reason: None)
        link.send(bytes(UNSENT_MAX_BYTES))
        try:
            with pytest.raises(LinkLost, match="takes no more bytes"):
                link.send(bytes(UNSENT_MAX_BYTES))
        finally:
            link.close()

    try:
        asyncio.run(talk())
    finally:
        os.close(master)
        os.close(slave)


def test_a_device_file_that_vanishes_is_told_to_who_writes():
    master, slave = pty.openpty()
    tty.setraw(slave)

    async def talk():
        link = FileLink(os.ttyname(slave), asyncio.get_running_loop())
        link.on_data(lambda data: None, lambda reason: None)
        os.close(slave)
        os.close(master)
        try:
            with pytest.raises(LinkLost, match="/dev/pts/"):
                link.send(b"?")
        finally:
            link.close()

    asyncio.run(talk())


def test_a_device_file_that_is_not_there_is_refused_and_no_usb_printer(tmp_path):
    async def talk():
        FileLink(str(tmp_path / "lp0"), asyncio.get_running_loop())

    with pytest.raises(LinkLost, match="lp0 cannot be opened: No such file"):
        asyncio.run(talk())
    assert not is_usb_printer(str(tmp_path / "lp0"))
    assert not is_usb_printer("/dev/null")


# --- the simulator's place in the network ------------------------------------------------------------------------------------


class Echo:
    """Says back what it hears."""

    def __init__(self) -> None:
        self.heard = b""

    def receive(self, data: bytes, now: float) -> bytes:
        self.heard += data
        return data


def test_a_simulated_device_in_the_network_has_one_host_after_another():
    with socket.create_server((HOST, 0)) as free:
        port = free.getsockname()[1]
    wire, device = NetworkWire(port), Echo()
    assert wire.readable() == []
    wire.plug()
    wire.plug()

    def hear():
        (end,) = select.select(wire.readable(), (), (), WAIT_S)[0]
        wire.hear(end, device)

    for said in (b"one", b"other"):
        with socket.create_connection((HOST, port), timeout=WAIT_S) as host:
            hear()
            host.sendall(said)
            hear()
            assert host.recv(100) == said
        hear()
    assert device.heard == b"oneother"
    wire.send(b"nobody hears it")
    wire.unplug()
    wire.unplug()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((HOST, port), timeout=WAIT_S)
