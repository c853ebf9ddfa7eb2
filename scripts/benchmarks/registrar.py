"""The registrar's line: what our driver adds to a receipt, how fast frames are read, how soon a start finds a document.

A simulated registrar in its own process on a pseudo-terminal, as slow as a real one. What it needs by itself is measured by
whoever sends it the very same frames, one as soon as the last was answered.
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import serial
import yardstick
from figures import Figure, Yardstick, spread

from devices.link import LineSettings, Link, SerialLink
from devices.recording import recorded
from devices.shtrih import protocol as p
from devices.shtrih.driver import ShtrihDriver
from devices.steps import Pump
from kassa.clock import SystemClock
from kassa.flight.ring import Kind
from kassa.money import of_whole
from kassa.ports import (
    DocumentRegistered,
    Receipt,
    ReceiptItem,
    RegisterReceipt,
    RegistrarStatus,
    RegistrationStarting,
    SettleReceipt,
)

T = TypeVar("T")

RECEIPTS = 5
FRAMES = 20_000
PASSWORD = 30
LINE = LineSettings(115200)
WAIT_S = 60.0
LOOK_S = 0.005
"""So often it is asked whether it still prints."""
NOISE = 1.0


def measure() -> Iterator[Figure]:
    """Figures of a registrar of its own; nothing else need run."""
    yield _frames()
    with _simulator() as port:
        found = asyncio.run(_measure(port))
        alone = [_replay(port, one) for one in found.frames]
    yield Figure(
        part="fiscal", name="a receipt of one item", value=round(statistics.median(found.receipts_s), 3), unit="s",
        yardstick=Yardstick("the same frames without a driver", statistics.median(alone)), ratio_at_most=1.05,
        detail=f"{spread(found.receipts_s, 's')}; the registrar alone: {spread(alone, 's')}",
    )  # fmt: skip
    yield Figure(
        part="fiscal", name="a start to the document of an interrupted receipt", value=round(max(found.recoveries_s), 3),
        unit="s", at_most=1, yardstick=yardstick.in_seconds(yardstick.bare_process()), detail=spread(found.recoveries_s, "s"),
        tolerance=NOISE,
    )  # fmt: skip


def _frames() -> Figure:
    """A command is put into its frame, and its answer taken from the line and read: every one is another one."""
    loop = yardstick.python_loop()
    answers = [
        p.frame(b"\xff\x0a\x00\x03\x00\x1a\x0b\x18\x0e\x05" + number.to_bytes(4, "little") + bytes(10))
        for number in range(FRAMES)
    ]
    began = time.perf_counter()
    for number, answer in enumerate(answers):
        command = p.find_document(PASSWORD, number)
        p.frame(command.body)
        item, _ = p.take(answer)
        assert isinstance(item, p.Frame)
        assert command.read(item.body).number == number
    each_us = (time.perf_counter() - began) * 1e6 / FRAMES
    return Figure(
        part="fiscal", name="a command framed and its answer read", value=round(each_us, 2), unit="us", at_most=50,
        yardstick=Yardstick(f"a step of a loop of Python, {loop.name}", loop.value * 1000 / yardstick.STEPS),
        detail=f"{1e6 / each_us:,.0f} a second",
    )  # fmt: skip


@contextmanager
def _simulator() -> Iterator[Path]:
    """The port of a simulated registrar that takes as long as a real one."""
    with tempfile.TemporaryDirectory(prefix="kassa-bench-") as folder:
        port = Path(folder) / "port"
        process = subprocess.Popen(
            [
                sys.executable, "-m", "devices.shtrih.simulator",
                "--pty", str(port), "--state", str(Path(folder) / "state.json"), "--speed", "1",
            ],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(b"state\n")
            process.stdin.flush()
            process.stdout.readline()
            yield port
        finally:
            process.terminate()
            process.wait()


class _Found:
    """What was measured with our driver, and the frames that it sent for each receipt."""

    def __init__(self) -> None:
        self.receipts_s: list[float] = []
        self.recoveries_s: list[float] = []
        self.frames: list[list[bytes]] = []


class _Host:
    """Our driver on the port, and all that it sends and tells."""

    def __init__(self, port: Path) -> None:
        self.sent: list[bytes] = []
        self.facts: asyncio.Queue[object] = asyncio.Queue()
        loop = asyncio.get_running_loop()

        def open_link() -> Link:
            return SerialLink(str(port), LINE, loop)

        driver = ShtrihDriver(PASSWORD, "RUB", SystemClock().now)
        self.pump = Pump(driver, recorded(open_link, str(port), self._write), self.facts.put_nowait, loop)

    def _write(self, kind: Kind, data: bytes) -> None:
        if kind is Kind.SENT and data[:1] == bytes((p.STX,)):
            self.sent.append(data)

    async def hear(self, kind: type[T]) -> T:
        async with asyncio.timeout(WAIT_S):
            while not isinstance(fact := await self.facts.get(), kind):
                pass
            return fact

    async def be_ready(self) -> None:
        while (await self.hear(RegistrarStatus)).problem is not None:
            pass


async def _measure(port: Path) -> _Found:
    found = _Found()
    host = _Host(port)
    host.pump.start()
    await host.be_ready()
    for number in range(RECEIPTS + 1):
        host.sent.clear()
        began = time.perf_counter()
        host.pump.order(RegisterReceipt(_receipt(number)))
        intent = await host.hear(RegistrationStarting)
        await host.hear(DocumentRegistered)
        if number:  # the first one opens the shift
            found.receipts_s.append(time.perf_counter() - began)
            found.frames.append(list(host.sent))
        await host.be_ready()
    host.pump.stop()
    settle = SettleReceipt(_receipt(RECEIPTS), intent.drive_serial, intent.last_document)
    for _ in range(RECEIPTS):
        host = _Host(port)
        began = time.perf_counter()
        host.pump.start()
        await host.be_ready()
        host.pump.order(settle)
        await host.hear(DocumentRegistered)
        found.recoveries_s.append(time.perf_counter() - began)
        host.pump.stop()
    return found


def _receipt(number: int) -> Receipt:
    total = of_whole(500)
    item = ReceiptItem("Аванс за услуги связи, ЛС 4038172956", total, method=3, subject=10, vat=12)
    payment = f"00042-{number:010}"
    return Receipt(payment, (item,), total, 0, ("Терминал 00042", f"Платёж {payment}"))


def _replay(port: Path, frames: list[bytes]) -> float:
    """Seconds that the registrar needs for these frames and for its paper, when nobody makes it wait."""
    status = p.frame(p.short_status(PASSWORD).body)
    with serial.Serial(str(port), LINE.speed, timeout=WAIT_S) as line:
        began = time.perf_counter()
        for one in frames:
            if one != status:
                _talk(line, one)
        while p.short_status(PASSWORD).read(_talk(line, status)).submode:
            time.sleep(LOOK_S)
        return time.perf_counter() - began


def _talk(line: serial.Serial, frame: bytes) -> bytes:
    line.write(frame)
    while line.read(1) != bytes((p.ACK,)):
        pass
    head = line.read(2)
    body = line.read(head[1] + 1)
    line.write(bytes((p.ACK,)))
    return bytes(body[:-1])
