"""The only module that knows everybody: configuration -> drivers, importer, screen -> one running terminal."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import logging.handlers
import math
import os
import secrets
import shutil
import signal
import sys
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

import kassa
from devices.atol import http as atol_http
from devices.atol import lines as atol_lines
from devices.atol import words as atol_words
from devices.atol.driver import AtolDriver
from devices.atol.exchange import Exchange
from devices.atol.lines import Settings
from devices.atol.piped import LibraryExchange
from devices.atol.web import WebExchange
from devices.ccnet import words as ccnet_words
from devices.ccnet.dialect import CcnetDialect
from devices.escpos import words as escpos_words
from devices.escpos.driver import EscposDriver
from devices.id003 import words as id003_words
from devices.id003.dialect import Id003Dialect
from devices.link import (
    CallLink,
    FileLink,
    LineSettings,
    Link,
    ProcessLink,
    SerialLink,
    TcpLink,
    is_usb_printer,
)
from devices.recording import recorded
from devices.shtrih import words as shtrih_words
from devices.shtrih.driver import ShtrihDriver
from devices.ssp import words as ssp_words
from devices.steps import Driver, Pump, Time
from devices.validator.dialect import Dialect
from devices.validator.driver import ValidatorDriver
from devices.words import Language, Line, tell
from importers.inbox import Inbox
from kassa.ballast import Ballast
from kassa.clock import SystemClock
from kassa.collection import collection_fields
from kassa.config import NETWORK, USB, Config, Registrar, Validator, load
from kassa.control.server import Server
from kassa.control.staff_asks import StaffAsks
from kassa.errors import KassaError
from kassa.export.outbox import Outbox
from kassa.export.writer import ExportFailed, described, outgoing_folder
from kassa.fiscal.facts import facts
from kassa.fiscal.receipt import template_of
from kassa.fiscal.template import load_templates, whole_receipt
from kassa.flight.keeper import Keeper
from kassa.flight.recorder import Recorder
from kassa.flight.ring import Record
from kassa.home import Home
from kassa.journal.store import Journal, JournalBroken, JournalFull
from kassa.paper import Line as PaperLine
from kassa.ports import (
    CloseShift,
    CountShift,
    Document,
    ExportEnded,
    PrintText,
    PrintXReport,
    Receipt,
    RegistrarLost,
    RegistrarStatus,
    ScreenEnded,
    ScreenStarted,
    SetClock,
    SnapshotReady,
)
from kassa.staff import Admission
from kassa.terminal import Devices, Report, ReportCommand, Terminal
from kassa.untrusted import whole_number

log = logging.getLogger("kassa")

TICK_S = 0.5
STOP_MAX_S = 12.0
"""A validator gives a held note back after 10 s; whatever moves then moves no more."""
STOP_LOOK_S = 0.05
TASKS_END_S = 5.0
"""The screen's process and an importer at work are ended in that time; no part may hold up the end for longer."""
REPORT_MAX_S = 90.0
"""A Z-report of a full day is a long piece of paper."""
REPORT_LOOK_S = 0.1
TEXT_LINES_MAX, TEXT_CHARACTERS_MAX = 200, 64
"""A slip of a metre; the widest paper takes so many characters."""
LOCK_WAIT_S = 5.0
"""A command that reads the journal itself holds the lock for moments only."""
LOCK_RETRY_S = 0.1
SCREEN_RESTART_S = (0.5, 1.0, 2.0, 5.0, 10.0)
"""How long the screen's process stays away after it ended again and again."""
SCREEN_ENDS_S = 3.0
"""A screen that was told to end and has not by then is killed."""
COPY_PREFIX = "journal-"
COPY_KEPT_S = 600.0
"""Nobody reads a copy of the journal for longer."""
SCREEN_LIVES_S = 30.0
"""A screen that lived so long ended for a new reason: it is restarted at once."""
LOG_BYTES = 5 << 20
LOG_FILES = 5

WORDS: Mapping[str, Language] = {
    "atol_web": atol_words.LANGUAGE,
    "atol_library": atol_words.LANGUAGE,
    "ccnet": ccnet_words.LANGUAGE,
    "escpos": escpos_words.LANGUAGE,
    "id003": id003_words.LANGUAGE,
    "shtrih": shtrih_words.LANGUAGE,
    "ssp": ssp_words.LANGUAGE,
}
"""How what passed on a device's line reads, by the protocol's name in kassa.toml."""


class AlreadyRunning(KassaError):
    """Another core holds this home."""


def run(home: Home, with_ui: bool) -> None:
    """Run the core until SIGTERM or SIGINT. Raises KassaError in words when it cannot start or must not go on."""
    assert __debug__, "assertions guard money: never run with -O"
    config = load(home.config)
    home.make()
    with _logged(home.logs / "core.log"), asyncio.Runner() as runner:
        runner.run(_run(config, home, with_ui))


async def _run(config: Config, home: Home, with_ui: bool) -> None:
    loop = asyncio.get_running_loop()
    end = _End(home)
    loop.set_exception_handler(
        lambda _, context: end.by_fault(context.get("message"), context.get("exception"))
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end.wanted.set)
    ballast = Ballast(home.ballast)
    ballast.lay(config.disk.free_min_mb << 20)
    with (
        _locked(home),
        contextlib.closing(Journal.open(home.journal, SystemClock(), make_room=ballast.drop)) as journal,
    ):
        core = _Core(config, home, journal, loop)
        await core.start()
        tasks = core.tasks(with_ui)
        for task in tasks:
            task.add_done_callback(end.of_task)
        log.info("kassa %s is ready, terminal %s", kassa.__version__, config.terminal.number)
        try:
            await end.wanted.wait()
            await core.stop(lambda: end.fault is not None)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=TASKS_END_S)
            await core.close()
    if end.fault is not None:
        raise end.fault


class _End:
    """That the core has to end, and why: by a signal, or by its first fault, after which nothing may go on as before."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self.wanted = asyncio.Event()
        self.fault: KassaError | None = None

    def by_fault(self, what: object, error: object) -> None:
        """A part of the core failed."""
        log.critical("the core stops: %s", what, exc_info=error if isinstance(error, BaseException) else None)
        if self.fault is None:
            self.fault = _in_words(what, error, self._home)
        self.wanted.set()

    def of_task(self, task: asyncio.Task[None]) -> None:
        """The parts of the core live as long as it does."""
        if not task.cancelled():
            self.by_fault("a part of the core ended", task.exception())


def _in_words(what: object, error: object, home: Home) -> KassaError:
    if isinstance(error, KassaError):
        return error
    found = f"{type(error).__name__}: {error}" if isinstance(error, BaseException) else what
    fault = KassaError(f"the core stopped by a fault of its own, {found}; the whole of it is in {home.logs}")
    fault.__cause__ = error if isinstance(error, BaseException) else None
    return fault


def _report_failure(task: asyncio.Task[None]) -> None:
    """A fault of what runs beside the core's parts ends the core, too."""
    if not task.cancelled() and (error := task.exception()) is not None:
        task.get_loop().call_exception_handler({"message": "an export failed", "exception": error})


class _Core:
    """The parts of one running terminal and their lives."""

    def __init__(self, config: Config, home: Home, journal: Journal, loop: asyncio.AbstractEventLoop) -> None:
        self._config, self._home, self._journal, self._loop = config, home, journal, loop
        devices = Devices(
            lambda command: self._validator.order(command),
            lambda command: self._registrar.order(command),
            self._begin_export,
        )
        self._terminal = Terminal(config, home, journal, SystemClock(), devices)
        self._outbox = Outbox(self._terminal.waiting_files, self._terminal.dispatch)
        self._exports: set[asyncio.Task[None]] = set()
        self._recorders = {name: _recorder(config, home, name) for name in ("validator", "registrar")}
        spare_bytes = config.disk.free_min_mb << 20
        self._keeper = Keeper(home, journal, self._recorders, loop.call_later, spare_bytes)
        self._validator, self._registrar = (
            _pump(config, home, name, self._terminal.dispatch, loop, recorder)
            for name, recorder in self._recorders.items()
        )
        self._server = Server(
            self._terminal,
            {
                "status": self._status,
                "export": self._export,
                "copy_journal": self._copy_journal,
                "cash_collect": self._cash_collect,
                "cash_put_back": self._cash_put_back,
                "shift_close": self._shift_close,
                "shift_count": self._shift_count,
                "x_report": self._x_report,
                "set_clock": self._set_clock,
                "print_text": self._print_text,
                "payment_copy": self._payment_copy,
                "snapshot_changed": self._snapshot_changed,
                **StaffAsks(
                    config, home, journal, self._terminal, Admission(home, journal, SystemClock())
                ).answers,
            },
        )

    async def start(self) -> None:
        _forget_copies(self._home, 0)
        await self._server.start(self._home.socket)
        self._validator.start()
        self._registrar.start()

    def tasks(self, with_ui: bool) -> list[asyncio.Task[None]]:
        inbox = Inbox(self._home, self._config, self._terminal.dispatch)
        lives = [inbox.run(), self._tick()]
        if with_ui:
            lives.append(self._keep_screen())
        return [self._loop.create_task(life) for life in lives]

    async def stop(self, is_broken: Callable[[], bool]) -> None:
        """Let a note in flight find its end, the slot close and a receipt be printed, within bounds.

        When the core is broken it goes at once: what the journal could not take, the devices say again at the next start.
        """
        if is_broken():
            return
        self._terminal.begin_stop()
        give_up = self._loop.time() + STOP_MAX_S
        while not self._terminal.is_quiet and not is_broken() and self._loop.time() < give_up:
            await asyncio.sleep(STOP_LOOK_S)
        await self.close()  # nothing may come in behind the last entry
        if not is_broken():
            self._terminal.end()

    async def close(self) -> None:
        """Leave devices, callers and the outgoing folder; a second call does nothing."""
        for export in self._exports:
            export.cancel()
        self._validator.stop()
        self._registrar.stop()
        self._keeper.close()
        for recorder in self._recorders.values():
            recorder.close()
        await self._server.stop()
        self._home.socket.unlink(missing_ok=True)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            self._terminal.tick()
            self._keeper.look()

    async def _keep_screen(self) -> None:
        """Start the screen's process whenever it is not there; it ends by itself when our end of its stdin closes."""
        failures = 0
        command = [sys.executable, "-m", "kassa.cli.main", "--home", str(self._home.path), "ui", "--lifeline"]
        while True:
            with _screen_log(self._home) as output:
                process = await asyncio.create_subprocess_exec(
                    *command, stdin=asyncio.subprocess.PIPE, stdout=output, stderr=output
                )
            self._terminal.dispatch(ScreenStarted())
            began = self._loop.time()
            try:
                code = await process.wait()
            except asyncio.CancelledError:
                await _end_screen(process)
                raise
            failures = 0 if self._loop.time() - began > SCREEN_LIVES_S else failures + 1
            self._terminal.dispatch(ScreenEnded(f"it ended with {code}"))
            await asyncio.sleep(SCREEN_RESTART_S[min(failures, len(SCREEN_RESTART_S) - 1)])

    # --- what staff ask -------------------------------------------------------------------------------------

    async def _status(self, _values: Mapping[str, str]) -> Any:
        return self._terminal.status()

    async def _export(self, values: Mapping[str, str]) -> Any:
        named = values.get("folder")
        folder = Path(named) if named else self._outgoing_folder()
        files = await self._outbox.export(folder)
        return [described(file, folder, self._config.terminal.currency) for file in files]

    def _outgoing_folder(self) -> Path:
        return outgoing_folder(self._home.path, self._config.outbox.folder)

    def _begin_export(self) -> None:
        task = self._loop.create_task(self._export_by_clock())
        self._exports.add(task)  # the loop itself would let it go
        task.add_done_callback(self._exports.discard)
        task.add_done_callback(_report_failure)

    async def _export_by_clock(self) -> None:
        """A failing medium is a condition, not the end; a failing journal is the end."""
        try:
            for file in await self._outbox.export(self._outgoing_folder()):
                log.info("wrote %s: %s payments", file.name, file.payments)
        except (ExportFailed, JournalFull) as error:
            log.warning("no payment file could be written: %s", error)
            self._terminal.dispatch(ExportEnded(str(error)))
        else:
            self._terminal.dispatch(ExportEnded())

    async def _copy_journal(self, _values: Mapping[str, str]) -> Any:
        """A copy for whoever asks, who deletes it; where the journal is damaged, if it is."""
        _forget_copies(self._home, COPY_KEPT_S)
        size, free = self._home.journal.stat().st_size, shutil.disk_usage(self._home.run).free
        if free - size < self._config.disk.free_min_mb << 20:
            raise KassaError(
                f"{free >> 20} MB are free: too little for a copy of the journal of {size >> 20} MB"
            )
        path = self._home.run / f"{COPY_PREFIX}{uuid.uuid4().hex}.db"
        try:
            for _ in self._journal.copy_to(path):
                await asyncio.sleep(0)
        except JournalBroken as error:
            path.unlink(missing_ok=True)
            return {"problem": str(error), "at": error.at}
        return {"path": str(path)}

    async def _cash_collect(self, values: Mapping[str, str]) -> Any:
        collected = self._terminal.collect_cash(values.get("by", ""), whole_number(values.get("removal", "")))
        return collection_fields(collected, self._config.terminal.currency)

    async def _cash_put_back(self, values: Mapping[str, str]) -> Any:
        return self._terminal.put_cassette_back(
            values.get("by", ""), whole_number(values.get("removal", ""))
        ).at

    async def _shift_close(self, _values: Mapping[str, str]) -> Any:
        await self._report(CloseShift())

    async def _x_report(self, _values: Mapping[str, str]) -> Any:
        await self._report(PrintXReport())

    async def _shift_count(self, _values: Mapping[str, str]) -> Any:
        counted = (await self._report(CountShift())).counted
        assert counted is not None, "a count is answered by a count or by a problem"
        return {"number": counted.number, "receipts": counted.receipts, "total": counted.total.decimal()}

    async def _set_clock(self, _values: Mapping[str, str]) -> Any:
        at = SystemClock().now()
        await self._report(SetClock(at))
        return at.isoformat(timespec="seconds")

    async def _print_text(self, values: Mapping[str, str]) -> Any:
        lines = values.get("text", "").splitlines()
        if not 0 < len(lines) <= TEXT_LINES_MAX or max(map(len, lines)) > TEXT_CHARACTERS_MAX:
            raise KassaError(
                f"1 to {TEXT_LINES_MAX} lines of at most {TEXT_CHARACTERS_MAX} characters can be printed"
            )
        await self._report(PrintText(tuple(lines)))

    async def _payment_copy(self, values: Mapping[str, str]) -> Any:
        document = self._terminal.order_copy(values.get("payment", ""), values.get("by", ""))
        await self._end_of_report()
        return {"payment": document.payment, "document": document.number}

    async def _report(self, command: ReportCommand) -> Report:
        """Have it done, and wait for its end. Raises KassaError with the reason why it could not be."""
        self._terminal.order_report(command)
        return await self._end_of_report()

    async def _end_of_report(self) -> Report:
        give_up = self._loop.time() + REPORT_MAX_S
        while self._terminal.report.is_waiting:
            if self._loop.time() > give_up:
                raise KassaError(f"no report came within {REPORT_MAX_S:.0f} s; see: kassa status")
            await asyncio.sleep(REPORT_LOOK_S)
        if problem := self._terminal.report.problem:
            raise KassaError(f"the registrar could not do it: {problem}")
        return self._terminal.report

    async def _snapshot_changed(self, values: Mapping[str, str]) -> Any:
        try:
            file, sha256 = values["file"], values["sha256"]
            fact = SnapshotReady(file, sha256, int(values["accounts"]), int(values["rows"]))
        except (KeyError, ValueError) as error:
            raise KassaError(f"that says nothing of a snapshot: {error!r}") from error
        self._terminal.dispatch(fact)


def _pump(
    config: Config,
    home: Home,
    name: str,
    dispatch: Callable[[object], None],
    loop: asyncio.AbstractEventLoop,
    recorder: Recorder,
) -> Pump:
    """One device of the configuration: its driver on its port, recorded. A port may be relative to the home."""
    currency = config.terminal.currency
    driver: Driver
    if name == "validator":
        port = config.validator.port
        dialect, usual = _dialect(config.validator, currency)
        line = usual._replace(speed=config.validator.speed)
        driver = ValidatorDriver(dialect, currency, config.validator.countries)
    elif config.registrar.protocol in {"atol_web", "atol_library"}:
        return _atol_pump(config.registrar, home, currency, dispatch, loop, recorder)
    else:
        port, line = config.registrar.port, LineSettings(config.registrar.speed)
        driver = _registrar(config, home)
    write = partial(recorder.record, getattr(config, name).protocol)
    return Pump(driver, recorded(_link(home, port, line, loop), f"{port}, {line}", write), dispatch, loop)


def _atol_pump(
    registrar: Registrar,
    home: Home,
    currency: str,
    dispatch: Callable[[object], None],
    loop: asyncio.AbstractEventLoop,
    recorder: Recorder,
) -> Pump:
    """An ATOL registrar: by the vendor's web server, or by its library in a process of its own."""
    open_link: Callable[[], Link]
    exchange: Callable[[Time], Exchange]
    if registrar.protocol == "atol_web":
        address = urlsplit(registrar.port)
        host, port = address.hostname or "", address.port or 0
        open_link, keep = (lambda: CallLink(host, port, loop)), atol_http.without_secret
        exchange = lambda now: WebExchange(now, address.netloc, registrar.user, registrar.secret, uuid.uuid4)
    else:
        command = [sys.executable, "-m", "devices.atol.library", str(home.path / registrar.library)]
        open_link, keep = (lambda: ProcessLink(command, loop)), atol_lines.without_secret
        settings = _library_settings(registrar, home)
        exchange = lambda now: LibraryExchange(now, settings)
    driver = AtolDriver(exchange, currency, SystemClock().now)
    write = partial(recorder.record, registrar.protocol)
    return Pump(driver, recorded(open_link, registrar.port, write, keep), dispatch, loop)


def _library_settings(registrar: Registrar, home: Home) -> Settings:
    """How ATOL's library reaches the registrar, in its own words."""
    secret = registrar.secret
    if registrar.port == USB:
        return Settings("1", user_password=secret)
    if registrar.port.startswith(NETWORK):
        address = urlsplit(registrar.port)
        return Settings("2", ip=address.hostname or "", ip_port=str(address.port), user_password=secret)
    file = str(home.path / registrar.port)
    return Settings("0", com_file=file, baud=str(registrar.speed), user_password=secret)


def _link(home: Home, port: str, line: LineSettings, loop: asyncio.AbstractEventLoop) -> Callable[[], Link]:
    """How the device at `port` is reached: over the network, or over a port of this machine."""
    if port.startswith(NETWORK):
        address = urlsplit(port)
        return lambda: TcpLink(address.hostname or "", address.port or 0, loop)
    path = str(home.path / port)
    return lambda: FileLink(path, loop) if is_usb_printer(path) else SerialLink(path, line, loop)


def _registrar(config: Config, home: Home) -> Driver:
    """What makes the receipts."""
    registrar, currency = config.registrar, config.terminal.currency
    match registrar.protocol:
        case "shtrih":
            return ShtrihDriver(registrar.password, currency, SystemClock().now)
        case _:
            return EscposDriver(currency, SystemClock().now, _composer(config, home), _encoder(registrar))


def _composer(config: Config, home: Home) -> Callable[[Receipt, Document], list[PaperLine]]:
    """What stands on a receipt that is printed without a fiscal registrar."""
    templates = load_templates(config, home)

    def compose(made: Receipt, document: Document) -> list[PaperLine]:
        return whole_receipt(template_of(made.service, config, templates), made, document, config)

    return compose


def _encoder(registrar: Registrar) -> Callable[[Sequence[PaperLine]], list[bytes]]:
    """Lines as bytes of the printer's language; its library is there only where it is needed, and takes its time."""
    try:
        from devices.escpos.encoding import Paper, job
    except ModuleNotFoundError as error:
        raise KassaError(
            f"kassa.toml: registrar.protocol = 'escpos' needs what is not installed ({error.name}); "
            "pip install 'kassa[escpos]'"
        ) from error
    paper = Paper(registrar.width, registrar.code_page, registrar.code_page_number)
    return lambda lines: job(lines, paper)


def _recorder(config: Config, home: Home, name: str) -> Recorder:
    return Recorder(home.flight_ring(name), SystemClock(), config.disk.free_min_mb << 20)


def _dialect(validator: Validator, currency: str) -> tuple[Callable[[Time], Dialect], LineSettings]:
    """How a validator of this protocol is spoken to, and over what line."""
    match validator.protocol:
        case "ccnet":
            return CcnetDialect, CcnetDialect.line
        case "id003":
            return partial(Id003Dialect, table=validator.bill_table, currency=currency), Id003Dialect.line
        case "ssp":
            from devices.ssp.dialect import SspDialect  # its cipher takes its time to load

            key = int(validator.fixed_key, 16)
            return partial(SspDialect, draw=secrets.randbelow, fixed_key=key), SspDialect.line


def _screen_log(home: Home) -> BinaryIO:
    """Where the screen's process writes; a long log makes room for a new one."""
    path = home.logs / "ui.log"
    if path.exists() and path.stat().st_size > LOG_BYTES:
        path.replace(path.with_suffix(".log.1"))
    return path.open("ab")


async def _end_screen(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), SCREEN_ENDS_S)
    except TimeoutError:
        process.kill()
        await process.wait()


def _forget_copies(home: Home, older_than_s: float) -> None:
    """Delete the copies of the journal whose readers were killed."""
    for copy in home.run.glob(f"{COPY_PREFIX}*"):
        with contextlib.suppress(FileNotFoundError):
            if SystemClock().now().timestamp() - copy.stat().st_mtime >= older_than_s:
                copy.unlink()


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


@contextlib.contextmanager
def _logged(path: Path) -> Iterator[None]:
    """Write what happens into a file that is bounded, and to whoever started us."""
    file = logging.handlers.RotatingFileHandler(
        path, maxBytes=LOG_BYTES, backupCount=LOG_FILES, encoding="utf-8"
    )
    file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    handlers = (file, logging.StreamHandler())
    root = logging.getLogger()
    root.setLevel(logging.INFO)
    for handler in handlers:
        root.addHandler(handler)
    try:
        yield
    finally:
        for handler in handlers:
            root.removeHandler(handler)
            handler.close()


CHECK_MAX_S = 60.0
"""A registrar that prints is waited for."""


def check_registrar(home: Home) -> dict[str, Any]:
    """Talk to the registrar while no core runs, until it tells, is lost, or CHECK_MAX_S passed; a verdict in words.

    Its driver may do so without a core: the fiscal drive's archive is its evidence, and nothing takes that away. A bill
    validator's driver must not: it acknowledges what was told, and here nobody keeps it (see `kassa.workbench`).
    """
    config = load(home.config)
    with _locked(home), asyncio.Runner() as runner:
        return runner.run(_check_registrar(config, home))


async def _check_registrar(config: Config, home: Home) -> dict[str, Any]:
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[RegistrarStatus | RegistrarLost] = loop.create_future()

    def hear(fact: object) -> None:
        if isinstance(fact, RegistrarStatus | RegistrarLost) and not answer.done():
            answer.set_result(fact)

    recorder = _recorder(config, home, "registrar")
    pump = _pump(config, home, "registrar", hear, loop, recorder)
    pump.start()
    try:
        return _verdict(await asyncio.wait_for(answer, CHECK_MAX_S))
    except TimeoutError:
        silence = f"no answer within {CHECK_MAX_S:.0f} s: check power, cable, port and speed"
        return _verdict(RegistrarLost(silence))
    finally:
        pump.stop()
        recorder.close()


def _verdict(fact: RegistrarStatus | RegistrarLost) -> dict[str, Any]:
    found, told, problems = None, [], []
    if isinstance(fact, RegistrarLost):
        problems = [fact.reason]
    else:
        drive = f"fiscal drive {fact.drive_serial}" if fact.drive_serial else "without fiscal functions"
        found, told = f"{fact.model}, {drive}", facts(fact, SystemClock().now().date())
        stopping = [(fact.problem, fact.detail)] if fact.problem else []
        problems = [f"{code}: {detail}" for code, detail in (*stopping, *fact.notices)]
    is_good = isinstance(fact, RegistrarStatus) and fact.problem is None
    return {"device": "registrar", "ok": is_good, "found": found, "facts": told, "problems": problems}


def in_words(
    records: Iterable[Record | None], *, is_raw: bool, run_max_s: float = math.inf
) -> Iterator[Line]:
    """What passed on a device's line, each record told in the words of its protocol; see `devices.words.tell`."""
    return tell(records, WORDS.get, is_raw=is_raw, run_max_s=run_max_s)
