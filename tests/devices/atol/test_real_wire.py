"""The driver under asyncio: real HTTP over a real socket, and a real process with a library of the vendor's interface."""

import asyncio
import subprocess
import sys
import uuid
from datetime import datetime
from pathlib import Path

import msgspec
import pytest
from receipts import receipt_of
from simulator_process import WAIT_S, Simulated

from devices.atol.driver import AtolDriver
from devices.atol.lines import Settings
from devices.atol.piped import LibraryExchange
from devices.atol.web import WebExchange
from devices.link import CallLink, LinkLost, ProcessLink
from devices.steps import Pump
from kassa import wiring
from kassa.flight.reading import read
from kassa.home import Home, data_folder
from kassa.ports import (
    DocumentRegistered,
    NotRegistered,
    RegisterReceipt,
    RegistrarLost,
    RegistrarStatus,
    RegistrationStarting,
    SettleReceipt,
)

WRAPPER = Path(__file__).with_name("libfptr10.py")


class Server(Simulated):
    """The simulated web server in its own process."""

    port = 0

    async def start(self):
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", self._module,
            "--tcp", str(self.port), "--state", str(self.state), "--speed", "20",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        self.port = msgspec.json.decode(await asyncio.wait_for(self.process.stdout.readline(), WAIT_S))[
            "port"
        ]


class Host:
    """A pump, and what it heard."""

    def __init__(self, exchange, open_link):
        loop = asyncio.get_running_loop()
        self.facts = asyncio.Queue()
        driver = AtolDriver(exchange, "RUB", lambda: datetime.now().astimezone())
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

    async def end(self):
        self.pump.stop()


def web_host(server, secret="secret"):
    loop, port = asyncio.get_running_loop(), server.port
    exchange = lambda now: WebExchange(now, f"127.0.0.1:{port}", "kassa", secret, uuid.uuid4)
    return Host(exchange, lambda: CallLink("127.0.0.1", port, loop))


def library_host():
    loop = asyncio.get_running_loop()
    command = [sys.executable, "-m", "devices.atol.library", str(WRAPPER)]
    return Host(lambda now: LibraryExchange(now, Settings("1")), lambda: ProcessLink(command, loop))


@pytest.fixture
def run(tmp_path):
    """Run a story with a simulated web server, leaving no process behind."""

    def run(story):
        async def whole():
            server = Server("devices.atol.simulator", tmp_path)
            await server.start()
            try:
                await story(server)
            finally:
                await server.end()

        asyncio.run(whole())

    return run


def test_a_receipt_is_made_over_real_http(run):
    async def story(server):
        host = web_host(server)
        await host.be_ready()
        host.pump.order(RegisterReceipt(receipt_of("00042-0000000001", 650)))
        document = (await host.hear(DocumentRegistered)).document

        kept = [one for one in (await server.say("state"))["documents"] if one["kind"] == "receipt"]
        assert [(one["number"], one["sign"], one["sum"]) for one in kept] == [
            (document.number, document.sign, "650.00")
        ]
        assert "КАССОВЫЙ ЧЕК" in (await server.say("receipt"))["text"]
        await host.end()

    run(story)


def test_a_server_that_is_unplugged_within_the_receipt_tells_of_it_later(run):
    async def story(server):
        host = web_host(server)
        await host.be_ready()
        receipt = receipt_of("00042-0000000001", 650)
        host.pump.order(RegisterReceipt(receipt))
        begun = await host.hear(RegistrationStarting)
        await server.say("unplug")
        await host.hear(RegistrarLost)
        await server.say("plug")
        await host.hear(RegistrarStatus)
        host.pump.order(SettleReceipt(receipt, begun.drive_serial, begun.last_document))
        fact = await host.hear(DocumentRegistered, NotRegistered)

        assert isinstance(fact, DocumentRegistered) or fact.certain
        await host.end()

    run(story)


def test_a_wrong_secret_is_told_in_words(run):
    async def story(server):
        host = web_host(server, secret="wrong")

        assert "set registrar.user and registrar.secret" in (await host.hear(RegistrarLost)).reason
        await host.end()

    run(story)


def test_a_receipt_is_made_by_a_library_in_its_own_process(tmp_path, monkeypatch):
    monkeypatch.setenv("SIMULATED_REGISTRAR", str(tmp_path / "registrar.json"))

    async def story():
        host = library_host()
        await host.be_ready()
        receipt = receipt_of("00042-0000000001", 650)
        host.pump.order(RegisterReceipt(receipt))
        registered = await host.hear(DocumentRegistered)
        await host.end()

        again = library_host()
        await again.be_ready()
        begun = SettleReceipt(receipt, registered.document.drive_serial, registered.document.number - 1)
        again.pump.order(begun)
        assert (await again.hear(DocumentRegistered)).document == registered.document
        await again.end()

    asyncio.run(story())


def test_a_wrapper_that_is_not_there_is_told_in_words(tmp_path):
    async def story():
        loop = asyncio.get_running_loop()
        command = [sys.executable, "-m", "devices.atol.library", str(tmp_path / "libfptr10.py")]
        host = Host(lambda now: LibraryExchange(now, Settings("1")), lambda: ProcessLink(command, loop))
        reason = (await host.hear(RegistrarLost)).reason
        await host.end()
        return reason

    assert "set registrar.library" in asyncio.run(story())


def test_a_process_that_cannot_be_started_is_a_lost_link():
    async def story():
        ProcessLink(["/no/such/program"], asyncio.get_running_loop())

    with pytest.raises(LinkLost, match="cannot be started: No such file"):
        asyncio.run(story())


def test_a_library_that_takes_its_process_down_is_a_lost_link_and_no_more(tmp_path, monkeypatch):
    monkeypatch.setenv("SIMULATED_REGISTRAR", str(tmp_path / "registrar.json"))

    async def story():
        host = library_host()
        await host.be_ready()
        host.pump.order(RegisterReceipt(receipt_of("crash", 650)))
        reason = (await host.hear(RegistrarLost)).reason
        await host.be_ready()
        await host.end()
        return reason

    assert "ended with 139" in asyncio.run(story())


@pytest.mark.parametrize("protocol", ["atol_web", "atol_library"])
def test_a_terminal_that_is_configured_for_it_finds_the_registrar(tmp_path, monkeypatch, protocol):
    monkeypatch.setenv("SIMULATED_REGISTRAR", str(tmp_path / "registrar.json"))
    home = Home(tmp_path / "home")
    home.make()
    example = (data_folder() / "examples" / "kassa.toml").read_text(encoding="utf-8")

    def check(port):
        text = example
        for old, new in (
            ('port = "/dev/serial/by-id/usb-registrar"', f'port = "{port}"'),
            ('protocol = "shtrih"', f'protocol = "{protocol}"'),
            ('user = ""', 'user = "kassa"'),
            ('secret = ""', 'secret = "secret"'),
            ('library = ""', f'library = "{WRAPPER}"'),
        ):
            assert old in text
            text = text.replace(old, new)
        home.config.write_text(text, encoding="utf-8")
        return wiring.check_registrar(home)

    if protocol == "atol_library":
        found = check("usb")
    else:
        process = subprocess.Popen(
            [sys.executable, "-m", "devices.atol.simulator", "--tcp", "0"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        with process:
            port = msgspec.json.decode(process.stdout.readline())["port"]
            found = check(f"http://127.0.0.1:{port}")
            process.terminate()

    assert found["ok"], found
    assert "АТОЛ 77Ф" in found["found"]
    told = [line.words for line in wiring.in_words(read(home.flight_ring("registrar")), is_raw=False)]
    assert any("getDeviceInfo" in words for words in told)
    assert not any("secret" in words for words in told)
