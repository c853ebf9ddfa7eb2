"""The only module that knows everybody: configuration -> drivers, importer, screen -> one running terminal."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import logging.handlers
import os
import signal
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from datetime import tzinfo
from pathlib import Path
from typing import Any

import kassa
from devices.ccnet.driver import CcnetDriver
from devices.link import SerialLink
from devices.shtrih.driver import ShtrihDriver
from devices.steps import Driver, Pump
from importers.inbox import Inbox
from kassa.clock import SystemClock
from kassa.config import Config, load
from kassa.control.server import Server
from kassa.errors import KassaError
from kassa.home import Home
from kassa.journal.store import Journal
from kassa.ports import (
    RegistrarLost,
    RegistrarStatus,
    ScreenEnded,
    ScreenStarted,
    SnapshotReady,
    ValidatorChanged,
    ValidatorLost,
    ValidatorReady,
    ValidatorState,
)
from kassa.terminal import Devices, Terminal

log = logging.getLogger("kassa")

TICK_S = 0.5
STOP_MAX_S = 12.0
"""A validator gives a held note back after 10 s; whatever moves then moves no more."""
LOCK_WAIT_S = 5.0
"""A command that reads the journal itself holds the lock for moments only."""
LOCK_RETRY_S = 0.1
SCREEN_RESTART_S = (0.5, 1.0, 2.0, 5.0, 10.0)
"""How long the screen's process stays away after it ended again and again."""
SCREEN_LIVES_S = 30.0
"""A screen that lived so long ended for a new reason: it is restarted at once."""
LOG_BYTES = 5 << 20
LOG_FILES = 5


class AlreadyRunning(KassaError):
    """Another core holds this home."""


def run(home: Home, with_ui: bool) -> None:
    """Run the core until SIGTERM or SIGINT. Raises KassaError in words when it cannot start or must not go on."""
    assert __debug__, "assertions guard money: never run with -O"
    config = load(home.config)
    home.make()
    _log_to(home.logs / "core.log")
    with asyncio.Runner() as runner:
        runner.run(_run(config, home, with_ui))


async def _run(config: Config, home: Home, with_ui: bool) -> None:
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[None] = loop.create_future()
    loop.set_exception_handler(lambda _, context: _fail(ended, context))
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, lambda: ended.done() or ended.set_result(None))
    with _locked(home), contextlib.closing(Journal.open(home.journal, SystemClock())) as journal:
        core = _Core(config, home, journal, loop)
        await core.start()
        tasks = core.tasks(with_ui)
        for task in tasks:
            task.add_done_callback(lambda done: _watch(done, ended))
        log.info("kassa %s is ready, terminal %s", kassa.__version__, config.terminal.number)
        try:
            await ended
            await core.stop()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await core.close()


class _Core:
    """The parts of one running terminal and their lives."""

    def __init__(self, config: Config, home: Home, journal: Journal, loop: asyncio.AbstractEventLoop) -> None:
        self._config, self._home, self._journal, self._loop = config, home, journal, loop
        devices = Devices(
            lambda command: self._validator.order(command), lambda command: self._registrar.order(command)
        )
        self._terminal = Terminal(config, home, journal, SystemClock(), devices)
        self._validator = _pump(config, home, "validator", self._terminal.dispatch, loop)
        self._registrar = _pump(config, home, "registrar", self._terminal.dispatch, loop)
        self._server = Server(
            self._terminal,
            {
                "status": self._status,
                "export": self._export,
                "copy_journal": self._copy_journal,
                "shift_close": self._shift_close,
                "x_report": self._x_report,
                "snapshot_changed": self._snapshot_changed,
            },
        )

    async def start(self) -> None:
        await self._server.start(self._home.socket)
        self._validator.start()
        self._registrar.start()

    def tasks(self, with_ui: bool) -> list[asyncio.Task[None]]:
        inbox = Inbox(self._home, self._config, self._terminal.dispatch)
        lives = [inbox.run(), self._tick()]
        if with_ui:
            lives.append(self._keep_screen())
        return [self._loop.create_task(life) for life in lives]

    async def stop(self) -> None:
        """Let a note in flight find its end and a receipt be printed, within bounds."""
        self._terminal.begin_stop()
        give_up = self._loop.time() + STOP_MAX_S
        while not self._terminal.is_quiet and self._loop.time() < give_up:
            await asyncio.sleep(0.05)
        self._terminal.end()

    async def close(self) -> None:
        self._validator.stop()
        self._registrar.stop()
        await self._server.stop()
        self._home.socket.unlink(missing_ok=True)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            self._terminal.tick()

    async def _keep_screen(self) -> None:
        """Start the screen's process whenever it is not there; it ends by itself when our end of its stdin closes."""
        failures = 0
        command = [sys.executable, "-m", "kassa.cli.main", "--home", str(self._home.path), "ui", "--lifeline"]
        while True:
            with (self._home.logs / "ui.log").open("ab") as output:
                process = await asyncio.create_subprocess_exec(
                    *command, stdin=asyncio.subprocess.PIPE, stdout=output, stderr=output
                )
            self._terminal.dispatch(ScreenStarted())
            began = self._loop.time()
            try:
                code = await process.wait()
            except asyncio.CancelledError:
                process.terminate()
                raise
            failures = 0 if self._loop.time() - began > SCREEN_LIVES_S else failures + 1
            self._terminal.dispatch(ScreenEnded(f"it ended with {code}"))
            await asyncio.sleep(SCREEN_RESTART_S[min(failures, len(SCREEN_RESTART_S) - 1)])

    # --- what staff ask -------------------------------------------------------------------------------------

    async def _status(self, _values: Mapping[str, str]) -> Any:
        return self._terminal.status()

    async def _export(self, values: Mapping[str, str]) -> Any:
        folder = values.get("folder")
        return self._terminal.export(Path(folder) if folder else None)

    async def _copy_journal(self, _values: Mapping[str, str]) -> Any:
        path = self._home.run / f"journal-{uuid.uuid4().hex}.db"
        for _ in self._journal.copy_to(path):
            await asyncio.sleep(0)
        return {"path": str(path)}

    async def _shift_close(self, _values: Mapping[str, str]) -> Any:
        self._terminal.close_shift()

    async def _x_report(self, _values: Mapping[str, str]) -> Any:
        self._terminal.print_x_report()

    async def _snapshot_changed(self, values: Mapping[str, str]) -> Any:
        fact = SnapshotReady(values["file"], values["sha256"], int(values["accounts"]), int(values["rows"]))
        self._terminal.dispatch(fact)


def _pump(
    config: Config,
    home: Home,
    name: str,
    dispatch: Callable[[object], None],
    loop: asyncio.AbstractEventLoop,
) -> Pump:
    """One device of the configuration: its driver on its port. A port may be relative to the home."""
    currency = config.terminal.currency
    driver: Driver
    if name == "validator":
        port, speed = config.validator.port, config.validator.speed
        driver = CcnetDriver(currency, config.validator.countries)
    else:
        port, speed = config.registrar.port, config.registrar.speed
        driver = ShtrihDriver(config.registrar.password, currency, _local_zone())
    path = str(home.path / port)
    return Pump(driver, lambda: SerialLink(path, speed, loop), dispatch, loop)


def _local_zone() -> tzinfo:
    zone = SystemClock().now().tzinfo
    assert zone is not None
    return zone


def _fail(ended: asyncio.Future[None], context: Mapping[str, Any]) -> None:
    """A callback failed: nothing may go on as if it had not."""
    error = context.get("exception")
    log.critical("the core stops: %s", context.get("message"), exc_info=error)
    if not ended.done():
        ended.set_exception(
            error if isinstance(error, Exception) else KassaError(str(context.get("message")))
        )


def _watch(task: asyncio.Task[None], ended: asyncio.Future[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        _fail(ended, {"message": "a part of the core failed", "exception": error})


@contextlib.contextmanager
def _locked(home: Home) -> Iterator[None]:
    """Hold the home for ourselves. Raises AlreadyRunning."""
    descriptor = os.open(home.core_lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _wait_for_lock(descriptor, home)
        yield
    finally:
        os.close(descriptor)


def _wait_for_lock(descriptor: int, home: Home) -> None:
    clock = SystemClock()
    give_up = clock.monotonic() + LOCK_WAIT_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError as error:
            if clock.monotonic() > give_up:
                raise AlreadyRunning(
                    f"another core runs on {home.path}; see kassa status, or stop it first"
                ) from error
            time.sleep(LOCK_RETRY_S)


def _log_to(path: Path) -> None:
    handler = logging.handlers.RotatingFileHandler(
        path, maxBytes=LOG_BYTES, backupCount=LOG_FILES, encoding="utf-8"
    )
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler, logging.StreamHandler()])


VALIDATOR_FAULTS = frozenset(
    {ValidatorState.CASSETTE_OUT, ValidatorState.CASSETTE_FULL, ValidatorState.JAMMED, ValidatorState.FAILED}
)
CHECK_MAX_S = 60.0
"""A validator needs up to 40 s from its reset to its bill table."""


def check_device(home: Home, name: str) -> dict[str, Any]:
    """Talk to a device while no core runs, until it is ready, lost, or CHECK_MAX_S passed; a verdict in words."""
    config = load(home.config)
    with _locked(home), asyncio.Runner() as runner:
        return runner.run(_check_device(config, home, name))


async def _check_device(config: Config, home: Home, name: str) -> dict[str, Any]:
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[tuple[str | None, list[str]]] = loop.create_future()

    def hear(fact: object) -> None:
        verdict = _verdict(fact)
        if verdict is not None and not answer.done():
            answer.set_result(verdict)

    pump = _pump(config, home, name, hear, loop)
    pump.start()
    try:
        found, problems = await asyncio.wait_for(answer, CHECK_MAX_S)
    except TimeoutError:
        found, problems = None, [f"no answer within {CHECK_MAX_S:.0f} s: check power, cable, port and speed"]
    finally:
        pump.stop()
    return {"device": name, "ok": not problems, "found": found, "problems": problems}


def _verdict(fact: object) -> tuple[str | None, list[str]] | None:
    match fact:
        case ValidatorReady(model, serial, values):
            notes = ", ".join(value.decimal() for value in sorted(values))
            return f"{model} {serial}, notes {notes}", [] if values else [
                "its bill table has none of our notes"
            ]
        case ValidatorChanged(state, detail) if state in VALIDATOR_FAULTS:
            return state.value, [detail or state.value]
        case RegistrarStatus(model=model, drive_serial=serial, problem=problem, detail=detail):
            return f"{model}, fiscal drive {serial}", [f"{problem}: {detail}"] if problem else []
        case ValidatorLost(reason) | RegistrarLost(reason):
            return None, [reason]
        case _:
            return None
