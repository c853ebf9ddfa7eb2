"""Watched folders: a file appears, is complete, goes through the worker, and lies in `done` or in quarantine.

Runs inside the core, and loads nothing heavy: reading the file is the worker's business. Looking at the folder now
and then is the base; events only make it faster. A folder that is gone is no news about its files.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fnmatch
import logging
import os
import shutil
import stat
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from importers.watching import Events, sends_events
from importers.words import printable, say
from kassa.config import Config
from kassa.config import Inbox as InboxConfig
from kassa.files import UntrustedFileError, open_untrusted, sync_folder, write_durably
from kassa.home import Home
from kassa.importing import (
    ANSWER_MAX_BYTES,
    ImporterFault,
    Outcome,
    read_outcome,
    worker_command,
    worker_environment,
)
from kassa.ports import ImportFact, ImportRefused, SnapshotReady

LOOK_LOCAL_S = 30.0
"""Between looks at a folder whose events arrive: only against events that get lost."""

LOOK_REMOTE_S = 5.0
"""Between looks at a share; 1,000 files cost 6 ms."""

LOOK_MIN_S = 0.02
"""Between any two looks: a storm of events must not become a busy loop."""

WORKER_TIMEOUT_S = 600.0
"""The worker limits its own processor time; this is for a share that hangs while it copies."""

ATTEMPTS_MAX = 3
"""When the worker itself fails; then the file goes to quarantine, so that it cannot block those behind it."""

RETRY_S = 5.0
"""Before the worker is tried again."""

FILES_MAX = 1000
"""Entries of a folder that are looked at; a clerk's folder holds a few."""

DONE_KEPT = 10
"""Imported files kept in `done`; the oldest go, a terminal's disk is small."""

QUARANTINE_KEPT = 100
"""Refused files kept, with their reports."""

DONE = "done"
REPORT_SUFFIX = ".report.txt"
MACHINE_SUFFIX = ".report.json"

NAME_MAX_BYTES = 180
"""Of a file's name in quarantine before what we add to it."""

_UNFINISHED = (
    ".part",
    ".partial",
    ".tmp",
    ".temp",
    ".crdownload",
    ".download",
    ".filepart",
    ".opdownload",
    "~",
)
_SYSTEM_FILES = frozenset({"desktop.ini", "thumbs.db", "autorun.inf", "autorun.exe", "ehthumbs.db"})

_log = logging.getLogger(__name__)

_Identity = tuple[int, int, int, int]
"""Device, inode, size, time of change: the same for as long as nobody touched the file."""


def is_ours(name: str, patterns: tuple[str, ...]) -> bool:
    """Whether a name in a watched folder is one of the clerk's files: not hidden, unfinished, a report or the system's."""
    folded = name.casefold()
    if folded.startswith((".", "~$")) or folded.endswith((*_UNFINISHED, REPORT_SUFFIX, MACHINE_SUFFIX)):
        return False
    return folded not in _SYSTEM_FILES and any(
        fnmatch.fnmatchcase(folded, one.casefold()) for one in patterns
    )


@dataclass
class _Seen:
    """What is known of one file in a folder."""

    identity: _Identity
    since: float
    """Monotonic time since when it has not changed."""
    attempts: int = 0
    is_settled: bool = False
    """It was dealt with and could not be taken away; it is left alone until it changes."""
    is_closed: bool = False
    """Its writer is done with it: no need to wait."""


@dataclass
class _Folder:
    """One watched folder with its profile."""

    config: InboxConfig
    path: Path
    seen: dict[str, _Seen] = field(default_factory=dict)
    closed: set[str] = field(default_factory=set)
    events: Events | None = None
    is_missing: bool = False


class Inbox:
    """All watched folders of a terminal. One file is imported at a time."""

    def __init__(
        self,
        home: Home,
        config: Config,
        dispatch: Callable[[ImportFact], None],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._home, self._dispatch, self._monotonic = home, dispatch, monotonic
        self._folders = [_Folder(one, home.path / one.folder) for one in config.inbox]
        self._language = config.terminal.language
        self._size_max = config.data.size_max_mb << 20
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """Watch until cancelled; then the worker, if one is at work, is ended as well."""
        try:
            while True:
                self._wake.clear()
                for folder in self._folders:
                    await self._look(folder)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), self._pause_s())
                await asyncio.sleep(LOOK_MIN_S)
        finally:
            for folder in self._folders:
                self._stop_events(folder)

    def _pause_s(self) -> float:
        """Until the next look: soon when a file is still growing, else as the folder needs it."""
        pause = LOOK_LOCAL_S
        now = self._monotonic()
        for folder in self._folders:
            if folder.events is None:
                pause = min(pause, LOOK_REMOTE_S)
            for seen in folder.seen.values():
                if not seen.is_settled:
                    wait = RETRY_S if seen.attempts else folder.config.quiet_s
                    pause = min(pause, max(seen.since + wait - now, 0.02))
        return pause

    async def _look(self, folder: _Folder) -> None:
        """One look at a folder; files that are complete are imported, the oldest first."""
        closed, folder.closed = folder.closed, set()
        try:
            entries = await asyncio.to_thread(_scan, folder.path, folder.config.names)
        except OSError as error:
            if not folder.is_missing:
                _log.warning("inbox %s cannot be read: %s; its data stay in use", folder.path, error.strerror)
            folder.is_missing = True
            self._stop_events(folder)
            return
        folder.is_missing = False
        if folder.events is None and sends_events(folder.path, folder.config.watch):
            self._start_events(folder)
        self._note(folder, entries, closed)
        for name in self._complete(folder, entries):
            await self._take(folder, name)

    def _note(self, folder: _Folder, entries: dict[str, os.stat_result], closed: set[str]) -> None:
        """Remember what is there, and since when it has been so."""
        now = self._monotonic()
        for name in folder.seen.keys() - entries.keys():
            del folder.seen[name]
        for name, found in entries.items():
            identity = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)
            seen = folder.seen.get(name)
            if seen is None or seen.identity != identity:
                folder.seen[name] = seen = _Seen(identity, now)
            seen.is_closed = name in closed or not stat.S_ISREG(found.st_mode)

    def _complete(self, folder: _Folder, entries: dict[str, os.stat_result]) -> list[str]:
        now = self._monotonic()
        names = []
        for name, seen in folder.seen.items():
            wait = RETRY_S if seen.attempts else folder.config.quiet_s
            if not seen.is_settled and (now - seen.since >= wait or (seen.is_closed and not seen.attempts)):
                names.append(name)
        return sorted(names, key=lambda name: entries[name].st_mtime_ns)

    async def _take(self, folder: _Folder, name: str) -> None:
        """Let the worker read one file, tell the core, put the file away."""
        file, seen = folder.path / name, folder.seen[name]
        reports = self._home.run / "reports"
        try:
            outcome = await self._work(folder.config.profile, file, reports)
        except ImporterFault as fault:
            seen.attempts, seen.since = seen.attempts + 1, self._monotonic()
            _log.error(
                "import of %s, attempt %d of %d: %s", printable(name), seen.attempts, ATTEMPTS_MAX, fault
            )
            if seen.attempts < ATTEMPTS_MAX:
                return
            outcome = self._faulty(folder, name, reports, fault)
        seen.is_settled = True
        report = Path(outcome.report) if outcome.report else None
        try:
            if outcome.status == "imported":
                self._announce(outcome)
                self._put_done(file, report)
            else:
                self._put_in_quarantine(file, outcome, report)
        except (OSError, UntrustedFileError) as error:
            # A stick that is read-only, a share that went away: the file stays and is left alone until it changes.
            _log.warning("%s was dealt with but stays in the inbox: %s", printable(name), error)
            if outcome.status == "refused":
                self._dispatch(ImportRefused(outcome.file, outcome.reason or "", outcome.report or ""))

    async def _work(self, profile: str, file: Path, reports: Path) -> Outcome:
        """Run the worker. Raises ImporterFault."""
        worker = await asyncio.create_subprocess_exec(
            *worker_command(self._home, profile, file, reports),
            env=worker_environment(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=ANSWER_MAX_BYTES,
        )
        try:
            async with asyncio.timeout(WORKER_TIMEOUT_S):
                answer, complaint = await worker.communicate()
        except TimeoutError as error:
            raise ImporterFault(f"the importer did not end within {WORKER_TIMEOUT_S:.0f} s") from error
        finally:
            if worker.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    worker.kill()
                await worker.wait()
        assert worker.returncode is not None
        return read_outcome(worker.returncode, answer, complaint)

    def _faulty(self, folder: _Folder, name: str, reports: Path, fault: ImporterFault) -> Outcome:
        """The refusal of a file that the worker could not cope with, whatever the reason."""
        reason = say(self._language, "fault", attempts=ATTEMPTS_MAX, detail=fault)
        report = reports / f"{_safe(name)}{REPORT_SUFFIX}"
        reports.mkdir(mode=0o700, exist_ok=True)
        with write_durably(report) as file:
            file.write(f"{say(self._language, 'refused', reason=reason)}\n".encode())
        return Outcome(
            status="refused",
            file=printable(name),
            profile=folder.config.profile,
            reason=reason[:1].upper() + reason[1:],
            report=str(report),
        )

    def _announce(self, outcome: Outcome) -> None:
        self._dispatch(
            SnapshotReady(
                outcome.file, outcome.sha256 or "", accounts=outcome.accounts, rows=outcome.accepted
            )
        )

    def _put_done(self, file: Path, report: Path | None) -> None:
        """The report beside, the file into `done`."""
        if report is not None:
            _move_over(report, file.parent / report.name, self._size_max)
            report.with_name(_stem(report.name) + MACHINE_SUFFIX).unlink(missing_ok=True)
        done = file.parent / DONE
        done.mkdir(exist_ok=True)
        file.replace(done / _free_name(done, file.name))
        _prune(done, DONE_KEPT)

    def _put_in_quarantine(self, file: Path, outcome: Outcome, report: Path | None) -> None:
        """File and reports into quarantine, a copy of the report beside for the clerk, then tell the core."""
        stem = _free_name(self._home.quarantine, _safe(file.name))
        kept = self._home.quarantine / f"{stem}{REPORT_SUFFIX}"
        if report is not None:
            text = report.read_bytes()
            with (
                contextlib.suppress(OSError),
                write_durably(file.parent / f"{_safe(file.name)}{REPORT_SUFFIX}") as copy,
            ):
                copy.write(text)
            machine = report.with_name(_stem(report.name) + MACHINE_SUFFIX)
            if machine.exists():
                machine.replace(self._home.quarantine / f"{stem}{MACHINE_SUFFIX}")
            report.replace(kept)
        try:
            _move_over(file, self._home.quarantine / stem, self._size_max)
            sync_folder(self._home.quarantine)
        finally:
            self._dispatch(ImportRefused(outcome.file, outcome.reason or "", str(kept)))
        _prune(self._home.quarantine, QUARANTINE_KEPT)

    def _start_events(self, folder: _Folder) -> None:
        def complete(name: str) -> None:
            folder.closed.add(name)
            self._wake.set()

        events = Events(asyncio.get_running_loop(), complete, self._wake.set)
        try:
            events.start(folder.path)
        except OSError as error:
            _log.warning(
                "no events from %s: %s; it is looked at every %.0f s", folder.path, error, LOOK_REMOTE_S
            )
            return
        folder.events = events
        self._wake.set()  # what came between the look and the first event

    def _stop_events(self, folder: _Folder) -> None:
        if folder.events is not None:
            folder.events.stop()
            folder.events = None


def _scan(folder: Path, patterns: tuple[str, ...]) -> dict[str, os.stat_result]:
    """The clerk's files of a folder, links and folders of such names included. Raises OSError when it is gone."""
    found: dict[str, os.stat_result] = {}
    with os.scandir(folder) as entries:
        for entry in entries:
            if len(found) >= FILES_MAX:
                break
            if is_ours(entry.name, patterns):
                with contextlib.suppress(FileNotFoundError):  # gone since the folder was read
                    found[entry.name] = entry.stat(follow_symlinks=False)
    return found


def _safe(name: str) -> str:
    """A name of ours made from the clerk's: printable and not too long for what is added to it."""
    return printable(name).replace("/", "_").encode()[:NAME_MAX_BYTES].decode("utf-8", "ignore")


def _free_name(folder: Path, name: str) -> str:
    """The name itself, or with a number where the folder has it already."""
    taken = {path.name.removesuffix(REPORT_SUFFIX) for path in folder.iterdir()}
    return next(one for one in _numbered(name) if one not in taken)


def _numbered(name: str) -> Iterator[str]:
    yield name
    stem, suffix = os.path.splitext(name)
    number = 2
    while True:
        yield f"{stem}-{number}{suffix}"
        number += 1


def _move_over(source: Path, target: Path, size_max: int) -> None:
    """Move a file, to another file system too; the source goes only when the copy is durable.

    Raises OSError, and UntrustedFileError for what cannot be copied, such as a link on a stick.
    """
    try:
        source.replace(target)
        return
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
    with open_untrusted(source, size_max) as file, write_durably(target) as copy:
        shutil.copyfileobj(file, copy)
    source.unlink()


def _prune(folder: Path, kept: int) -> None:
    """Keep the newest files of a folder, each with what belongs to it."""
    paths = sorted(folder.iterdir(), key=lambda path: path.lstat().st_mtime_ns)
    stems = {_stem(path.name): None for path in reversed(paths)}
    for stem in list(stems)[kept:]:
        for path in paths:
            if _stem(path.name) == stem:
                _remove(path)


def _stem(name: str) -> str:
    return name.removesuffix(REPORT_SUFFIX).removesuffix(MACHINE_SUFFIX)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
