"""The validator's line: how steadily the running core polls, how long a note waits for its ACK, how fast frames are read.

What the core does is read from its flight recorder: real processes, a simulated validator on a pseudo-terminal.
"""

from __future__ import annotations

import os
import shutil
import statistics
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

import yardstick
from figures import Figure, Yardstick, spread

from devices.ccnet import protocol as ccnet
from devices.ccnet.dialect import CcnetDialect
from devices.ccnet.simulator import Simulator
from devices.id003 import protocol as id003
from devices.ssp import protocol as ssp
from devices.steps import Await, Flush, Receive, Report, Send, Sleep
from devices.validator.driver import ValidatorDriver
from kassa.clock import SystemClock
from kassa.config import load
from kassa.demo.stage import Stage
from kassa.demo.steered import wait_until
from kassa.demo.visit import ACCOUNT
from kassa.flight.reading import read
from kassa.flight.ring import Kind, Record
from kassa.home import data_folder
from kassa.journal.entries import Entry
from kassa.journal.store import Journal
from kassa.money import of_whole
from kassa.ports import Document, DocumentRegistered, RegistrarStatus, RegistrationStarting, ShiftState
from kassa.terminal import Devices, Terminal

OPEN_S = 40.0
"""Some 350 polls: less than an idle customer is given."""
NOTES = 100
UNPLUGGED = 5
UNPLUGGED_S = 1.0
FRAMES = 20_000
NOISE = 1.0
"""Processes that wait for each other and for the disk."""
IN_TIME = 0.999


def measure(stage: Stage, build: Path) -> Iterator[Figure]:
    """Figures of one stage without data yet: its core is started and stopped here."""
    yield from _decoding()
    shutil.copy(data_folder() / "examples" / "subscribers.csv", stage.home.inbox)
    stage.start_core()
    stage.wait_for_service()
    yield _recovery(stage)
    yield _polls(stage)
    stage.stop_core()
    yield _commits(stage, build)


# --- frames -------------------------------------------------------------------------------------------------------


def _decoding() -> Iterator[Figure]:
    """Every frame is another one: nothing that was read before helps."""
    loop = yardstick.python_loop()
    per_frame = Yardstick(f"a step of a loop of Python, {loop.name}", loop.value * 1000 / yardstick.STEPS)
    for name, frames, decode in _protocols():
        wire = b"".join(frames)
        pieces = [wire[at : at + 64] for at in range(0, len(wire), 64)]
        began = time.perf_counter()
        found = sum(1 for _ in _taken(pieces, decode))
        taken_us = (time.perf_counter() - began) * 1e6 / found
        assert found == FRAMES, (name, found)
        yield Figure(
            part="devices", name=f"{name}: a frame taken from the line and read", value=round(taken_us, 2), unit="us",
            at_most=20, yardstick=per_frame, detail=f"{1e6 / taken_us:,.0f} frames a second",
        )  # fmt: skip


Taken = tuple[object | None, bytes]
Decode = Callable[[bytes], Taken]


def _taken(pieces: list[bytes], take: Decode) -> Iterator[object]:
    """The frames in what comes in pieces, as a driver reads it."""
    buffer = b""
    for piece in pieces:
        buffer += piece
        while True:
            item, buffer = take(buffer)
            if item is None:
                break
            yield item


def _protocols() -> Iterator[tuple[str, list[bytes], Decode]]:
    numbers = [one.to_bytes(3, "big") for one in range(FRAMES)]

    def ccnet_one(buffer: bytes) -> Taken:
        item, rest = ccnet.take(buffer)
        return (None, rest) if item is None else (ccnet.decode_poll(_body(item)[:2]), rest)

    def id003_one(buffer: bytes) -> Taken:
        item, rest = id003.take(buffer)
        return (None, rest) if item is None else (id003.decode_poll(_body(item)[:2]), rest)

    def ssp_one(buffer: bytes) -> Taken:
        item, rest = ssp.take(buffer)
        if item is None:
            return None, rest
        assert isinstance(item, ssp.Frame)
        return ssp.decode_events(ssp.decode_reply(item.data).data[:2], 8), rest

    yield "CCNET", [ccnet.encode(b"\x80\x05" + one) for one in numbers], ccnet_one
    yield "ID-003", [id003.encode(b"\x13\x64" + one) for one in numbers], id003_one
    yield (
        "SSP",
        [ssp.encode(ssp.Frame(0, at & 1, b"\xf0\xef\x03" + one)) for at, one in enumerate(numbers)],
        ssp_one,
    )


def _body(item: object) -> bytes:
    assert isinstance(item, ccnet.Frame | id003.Frame), item
    return item.body


# --- the running core ---------------------------------------------------------------------------------------------


def _go_to_cash(stage: Stage) -> None:
    stage.intend("choose_service", service="internet")
    stage.intend("enter_account", account=ACCOUNT)
    stage.intend("confirm_account")
    wait_until(lambda: stage.validator.order("state")["enabled"], "the slot to open")


def _records(stage: Stage, since: float) -> list[Record]:
    return list(read(stage.home.flight_ring("validator"), since))


def _polls(stage: Stage) -> Figure:
    """By how much a poll comes later than the others, with the slot open and a customer who thinks."""
    _go_to_cash(stage)
    stage.insert(100)
    wait_until(lambda: stage.view().inserted == "100.00", "the note")
    began = time.time()
    time.sleep(OPEN_S)
    poll = ccnet.encode(ccnet.POLL)
    times = [one.at for one in _records(stage, began) if one.kind is Kind.SENT and one.data == poll]
    periods = [(after - before) * 1000 for before, after in pairwise(times)]
    middle = statistics.median(periods)
    late = sorted(period - middle for period in periods)
    worst = late[min(len(late) - 1, int(len(late) * IN_TIME))]
    return Figure(
        part="devices", name="a poll of 100 ms comes late, 99.9 % of them by less than", value=round(worst, 2), unit="ms",
        at_most=20, yardstick=yardstick.python_loop(), tolerance=2 * NOISE, detail=f"periods: {spread(periods, 'ms')}",
    )  # fmt: skip


def _commits(stage: Stage, build: Path) -> Figure:
    """From the bytes of STACKED in the driver's hand to the entry that is durable; beside plain writes of as many bytes.

    The same driver, rules and journal as in the core, without the waits in between.
    """
    waits, appends = [], []
    with (
        closing(_TimedJournal.open(stage.home.journal, SystemClock())) as journal,
        tempfile.TemporaryFile(dir=build, buffering=0) as growing,
    ):
        line = _Line(stage, journal)
        for _ in range(NOTES):
            line.go_to_cash()
            waits.append(line.note_ms())
            size = journal.commit_bytes
            start = time.perf_counter()
            growing.write(bytes(size))
            os.fdatasync(growing.fileno())
            appends.append((time.perf_counter() - start) * 1000)
    return Figure(
        part="devices", name="STACKED to its durable entry", value=round(statistics.median(waits), 2), unit="ms",
        yardstick=Yardstick("append of as many bytes + fdatasync", statistics.median(appends)), ratio_at_most=2,
        detail=f"{spread(waits, 'ms')}; the appends: {spread(appends, 'ms')}", tolerance=NOISE,
    )  # fmt: skip


class _TimedJournal(Journal):
    """A journal, when its last entry was durable, and how many bytes such a commit writes."""

    written_at = 0.0
    commit_bytes = 0

    def append(self, *entries: Entry) -> tuple[int, ...]:
        log = Path(f"{self.path}-wal")
        before = log.stat().st_size
        seqs = super().append(*entries)
        self.written_at = time.perf_counter()
        if (grown := log.stat().st_size - before) > 0:  # else an older round is written over
            self.commit_bytes = grown
        return seqs


class _Line:
    """Driver and terminal on one end, a simulated validator on the other, and no time that passes by itself."""

    def __init__(self, stage: Stage, journal: _TimedJournal) -> None:
        self._journal, self._at, self._heard_at = journal, 1000.0, 0.0
        self._commands: deque[object] = deque()
        self._waiting = b""
        self._answer: Any = None
        self._documents = 1_000_000  # more than the core's own registrar has made
        config = load(stage.home.config)
        devices = Devices(self._commands.append, lambda command: None, lambda: None)
        self._terminal = Terminal(config, stage.home, journal, SystemClock(), devices)
        self._validator = Simulator(self._at, speed=1000.0)
        driver = ValidatorDriver(CcnetDialect, config.terminal.currency, config.validator.countries)
        self._program = driver.program(lambda: self._at)
        self._tell_registrar()
        self._run_until(lambda: self._validator.enabled == [] and self._terminal.status()["takes_cash"])

    def go_to_cash(self) -> None:
        """The slot is open for a new payment; what came before is paid."""
        if self._terminal.view.screen.value == "cash":
            self._terminal.intend("finish", {})
            self._register()
            self._terminal.intend("finish", {})
            self._run_until(lambda: not self._validator.enabled)
        self._terminal.intend("choose_service", {"service": "internet"})
        self._terminal.intend("enter_account", {"account": ACCOUNT})
        self._terminal.intend("confirm_account", {})
        self._run_until(lambda: self._validator.enabled)

    def note_ms(self) -> float:
        """A note's fall, as long as the journal takes for it."""
        refusal = self._validator.insert(100, self._at)
        assert refusal is None, refusal
        cassette = self._validator.truth.cassette
        fallen = len(cassette) + 1
        self._run_until(lambda: len(cassette) == fallen and self._terminal.view.inserted == "100.00")
        return (self._journal.written_at - self._heard_at) * 1000

    def _tell_registrar(self) -> None:
        self._terminal.dispatch(RegistrarStatus("bench", DRIVE, ShiftState.OPEN, 1, self._documents, 0))

    def _register(self) -> None:
        """What a registrar says of the payment that waits for it."""
        payment = self._terminal.view.payment
        assert payment is not None
        self._terminal.dispatch(RegistrationStarting(payment, DRIVE, self._documents))
        self._documents += 1
        now = SystemClock().now().replace(tzinfo=None)
        document = Document(self._documents, 1, now, of_whole(100), DRIVE, 1)
        self._terminal.dispatch(DocumentRegistered(payment, document))
        self._tell_registrar()

    def _run_until(self, is_so: Callable[[], Any]) -> None:
        for _ in range(STEPS_MAX):
            if is_so():
                return
            self._step()
        raise AssertionError("it waits in vain")

    def _step(self) -> None:
        step, self._answer = self._program.send(self._answer), None
        match step:
            case Send(data):
                self._waiting += self._validator.receive(data, self._at)
            case Flush():
                self._waiting = b""
            case Receive(timeout_ms):
                if not self._waiting:
                    self._pass(timeout_ms)
                self._answer, self._waiting = self._waiting, b""
                if _is_stacked(self._answer):
                    self._heard_at = time.perf_counter()
            case Await(timeout_ms):
                if self._commands:
                    self._answer = self._commands.popleft()
                else:
                    self._pass(timeout_ms)
            case Sleep(ms):
                self._pass(ms)
            case Report(fact):
                self._terminal.dispatch(fact)

    def _pass(self, ms: int) -> None:
        self._at += ms / 1000
        self._waiting += self._validator.advance(self._at)


STEPS_MAX = 10_000
DRIVE = "9999078900005555"


def _is_stacked(data: bytes) -> bool:
    item, _ = ccnet.take(data)
    return isinstance(item, ccnet.Frame) and item.body[:1] == bytes((ccnet.Status.STACKED,))


def _recovery(stage: Stage) -> Figure:
    """From the moment when the wire is back to a validator that is ready."""
    times = []
    for _ in range(UNPLUGGED):
        stage.validator.order("unplug")
        wait_until(lambda: not stage.status()["takes_cash"], "the loss to be noticed")
        time.sleep(UNPLUGGED_S)
        stage.validator.order("plug")
        began = time.perf_counter()
        wait_until(lambda: stage.status()["takes_cash"], "the validator to be ready")
        times.append(time.perf_counter() - began)
    return Figure(
        part="devices", name="wire back to a ready validator", value=round(max(times), 2), unit="s", at_most=2,
        yardstick=yardstick.in_seconds(yardstick.bare_process()), detail=spread(times, "s"), tolerance=NOISE,
    )  # fmt: skip
