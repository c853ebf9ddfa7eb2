"""The driver under asyncio: real HTTP over a real socket, and a real process with a library of the vendor's interface."""

import asyncio
import base64
import subprocess
import sys
import uuid
from datetime import datetime
from pathlib import Path

import msgspec
import pytest
from receipts import receipt_of
from registrar_host import Host
from simulator_process import Simulated

from devices.atol.driver import AtolDriver
from devices.atol.lines import Settings
from devices.atol.piped import LibraryExchange
from devices.atol.web import WebExchange
from devices.link import CallLink, LinkLost, ProcessLink
from kassa import wiring
from kassa.flight.reading import read
from kassa.home import Home, data_folder
from kassa.ports import (
    RegisterReceipt,
    RegistrarLost,
)

WRAPPER = Path(__file__).with_name("libfptr10.py")


def wall():
    return datetime.now().astimezone()


def library_host(wrapper=WRAPPER):
    command = [sys.executable, "-m", "devices.atol.library", str(wrapper)]
    driver = AtolDriver(lambda now: LibraryExchange(now, Settings("1")), "RUB", wall)
    return Host(driver, lambda loop: ProcessLink(command, loop))


def test_a_wrong_secret_is_told_in_words(tmp_path):
    async def story():
        server = Simulated("devices.atol.simulator", tmp_path, is_in_network=True)
        await server.start()
        where = f"127.0.0.1:{server.port}"
        driver = AtolDriver(lambda now: WebExchange(now, where, "kassa", "wrong", uuid.uuid4), "RUB", wall)
        host = Host(driver, lambda loop: CallLink("127.0.0.1", server.port, loop))
        try:
            return (await host.hear(RegistrarLost)).reason
        finally:
            host.end()
            await server.end()

    assert "set registrar.user and registrar.secret" in asyncio.run(story())


def test_a_wrapper_that_is_not_there_is_told_in_words(tmp_path):
    async def story():
        host = library_host(tmp_path / "libfptr10.py")
        reason = (await host.hear(RegistrarLost)).reason
        host.end()
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
        host.end()
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
    kept = home.flight_ring("registrar").read_bytes()
    assert not any(secret in kept for secret in (b"secret", base64.b64encode(b"kassa:secret")))
