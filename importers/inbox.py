"""Watched folders: a file appears, is complete, goes through the worker, and lies in `done` or in quarantine.

Runs inside the core, and loads nothing heavy: reading the file is the worker's business, and whatever touches a folder
of others runs in a thread, as a share may hang. Looking at the folder now and then is the base; events only make it
faster. A folder that is gone is no news about its files.
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
from importers.words import say
from kassa.config import Config
from kassa.config import Inbox as InboxConfig
from kassa.files import UntrustedFileError, open_untrusted, sync_folder, write_durably
from kassa.home import Home
from kassa.importing import (
    ANSWER_MAX_BYTES,
    ImporterFault,
    ImporterNotNow,
    Outcome,
    read_outcome,
    worker_command,
    worker_environment,
)
from kassa.ports import ImportFact, ImportRefused, SnapshotReady
from kassa.untrusted import printable

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

NOT_NOW_S = 60.0
"""Between attempts while the disk is full or somebody imports by hand; neither ends sooner."""

FILES_MAX = 1000
"""Entries of a folder that are looked at; a clerk's folder holds a few."""

DONE_KEPT = 10
"""Imported files kept in `done`; the oldest go, a terminal's disk is small."""

QUARANTINE_KEPT = 100
"""Refused files kept, with their reports."""

KEPT_MAX_BYTES = 1 << 30
"""Of all files in `done`, and of all in quarantine; the newest one is always kept."""

DONE = "done"
REPORT_SUFFIX = ".report.txt"
MACHINE_SUFFIX = ".report.json"

NAME_MAX_BYTES = 180
"""Of a file's name in `done` and quarantine before what we add to it."""

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


class _ChangedError(Exception):
    """What lies under a file's name is not what was dealt with."""


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
    """Monotonic time since when it has not changed, or was tried last."""
    attempts: int = 0
    is_waiting: bool = False
    """The machine could not import it yet; that was told."""
    is_settled: bool = False
    """It was dealt with and could not be taken away; it is left alone until it changes."""
    is_whole: bool = False
    """It was renamed into place, or is no file at all: no need to wait."""


@dataclass
class _Folder:
    """One watched folder with its profile."""

    config: InboxConfig
    path: Path
    seen: dict[str, _Seen] = field(default_factory=dict)
    arrived: set[str] = field(default_factory=set)
    """Names that were renamed into place since the last look."""
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    events: Events | None = None
    is_missing: bool = False

    def wait_s(self, seen: _Seen) -> float:
        """How long a file must have been left alone before it is tried."""
        if seen.is_waiting:
            return NOT_NOW_S
        return RETRY_S if seen.attempts else self.config.quiet_s


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
        self._free_min = config.disk.free_min_mb << 20
        self._one_at_a_time = asyncio.Lock()

    async def run(self) -> None:
        """Watch until cancelled; then the worker, if one is at work, is ended as well."""
        async with asyncio.TaskGroup() as watches:
            for folder in self._folders:  # each by itself: a share that hangs must not hold up the others
                watches.create_task(self._watch(folder))

    async def _watch(self, folder: _Folder) -> None:
        try:
            while True:
                folder.wake.clear()
                await self._look(folder)
                with contextlib.suppress(
                    TimeoutError
                ):  # not wait_for: under 3.11 an event may make it miss its end
                    async with asyncio.timeout(self._pause_s(folder)):
                        await folder.wake.wait()
                await asyncio.sleep(LOOK_MIN_S)
        finally:
            self._stop_events(folder)

    def _pause_s(self, folder: _Folder) -> float:
        """Until the next look: soon when a file is still growing, else as the folder needs it."""
        pause = LOOK_LOCAL_S if folder.events else LOOK_REMOTE_S
        now = self._monotonic()
        for seen in folder.seen.values():
            if not seen.is_settled:
                pause = min(pause, max(seen.since + folder.wait_s(seen) - now, LOOK_MIN_S))
        return pause

    async def _look(self, folder: _Folder) -> None:
        """One look at a folder; files that are complete are imported, the oldest first."""
        arrived, folder.arrived = folder.arrived, set()
        try:
            entries = await asyncio.to_thread(_scan, folder.path, folder.config.names)
        except OSError as error:
            if not folder.is_missing:
                _log.warning("inbox %s cannot be read: %s; its data stay in use", folder.path, error.strerror)
            folder.is_missing = True
            self._stop_events(folder)
            return
        folder.is_missing = False
        if folder.events is None and await asyncio.to_thread(sends_events, folder.path, folder.config.watch):
            self._start_events(folder)
        self._note(folder, entries, arrived)
        for name in self._complete(folder, entries):
            async with self._one_at_a_time:
                await self._take(folder, name)

    def _note(self, folder: _Folder, entries: dict[str, os.stat_result], arrived: set[str]) -> None:
        """Remember what is there, and since when it has been so."""
        now = self._monotonic()
        for name in folder.seen.keys() - entries.keys():
            del folder.seen[name]
        for name, found in entries.items():
            identity = _identity(found)
            seen = folder.seen.get(name)
            if seen is None or seen.identity != identity:
                folder.seen[name] = seen = _Seen(identity, now)
            seen.is_whole = name in arrived or not stat.S_ISREG(found.st_mode)

    def _complete(self, folder: _Folder, entries: dict[str, os.stat_result]) -> list[str]:
        now = self._monotonic()
        names = []
        for name, seen in folder.seen.items():
            is_fresh = not seen.attempts and not seen.is_waiting
            rests = now - seen.since >= folder.wait_s(seen) or (seen.is_whole and is_fresh)
            if rests and not seen.is_settled:
                names.append(name)
        return sorted(names, key=lambda name: entries[name].st_mtime_ns)

    async def _take(self, folder: _Folder, name: str) -> None:
        """Let the worker read one file, tell the core, put the file away."""
        file, seen = folder.path / name, folder.seen[name]
        reports = self._home.run / "reports"
        if not await asyncio.to_thread(_is_still, file, seen.identity):
            return  # it changed while others were imported; the next look begins anew with it
        try:
            outcome = await self._work(folder.config.profile, file, reports)
        except ImporterNotNow as reason:
            self._postpone(seen, name, str(reason))
            return
        except ImporterFault as fault:
            seen.attempts, seen.since = seen.attempts + 1, self._monotonic()
            _log.error(
                "import of %s, attempt %d of %d: %s", printable(name), seen.attempts, ATTEMPTS_MAX, fault
            )
            if seen.attempts < ATTEMPTS_MAX:
                return
            outcome = self._faulty(folder, name, reports, fault)
        if outcome.status == "imported":
            self._dispatch(_fact(outcome))
        elif not await asyncio.to_thread(_is_still, file, seen.identity):
            _log.warning("%s changed or went away while it was read: %s", printable(name), outcome.reason)
            return
        seen.is_settled = True
        report = Path(outcome.report) if outcome.report else None
        put_away = self._put_done if outcome.status == "imported" else self._put_in_quarantine
        try:
            report = await asyncio.to_thread(put_away, file, seen.identity, report)
        except (OSError, UntrustedFileError) as error:
            # A stick that is read-only, a share that went away: the file stays and is left alone until it changes.
            _log.warning("%s was dealt with but stays in the inbox: %s", printable(name), error)
        except _ChangedError:
            _log.warning("%s was replaced while it was read; the new one comes next", printable(name))
        if outcome.status == "refused":
            self._dispatch(ImportRefused(outcome.file, outcome.reason or "", str(report or "")))

    def _postpone(self, seen: _Seen, name: str, reason: str) -> None:
        """The machine cannot import now: the file stays where it is, and staff hear of it once."""
        seen.since = self._monotonic()
        if not seen.is_waiting:
            seen.is_waiting = True
            _log.warning("%s waits: %s", printable(name), reason)
            self._dispatch(ImportRefused(printable(name), reason[:1].upper() + reason[1:], ""))

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

    def _put_done(self, file: Path, identity: _Identity, report: Path | None) -> Path | None:
        """The report beside, the file into `done`; where the report lies now."""
        if report is not None:
            beside = file.parent / report.name
            with write_durably(beside) as copy:
                copy.write(report.read_bytes())
            _remove_report(report)
            report = beside
        with _own_folder(file.parent / DONE) as done:
            _complain_if_changed(file, identity)
            os.rename(file, _free_name(done, _safe(file.name)), dst_dir_fd=done)
            _prune(done, DONE_KEPT)
        return report

    def _put_in_quarantine(self, file: Path, identity: _Identity, report: Path | None) -> Path | None:
        """File and reports into quarantine, a copy of the report beside for the clerk; where the report lies now."""
        with _own_folder(self._home.quarantine) as quarantine:
            stem = _free_name(quarantine, _safe(file.name))
            if report is not None:
                with (
                    contextlib.suppress(OSError),
                    write_durably(file.parent / f"{_safe(file.name)}{REPORT_SUFFIX}") as copy,
                ):
                    copy.write(report.read_bytes())
                machine = report.with_name(_stem(report.name) + MACHINE_SUFFIX)
                if machine.exists():
                    machine.replace(self._home.quarantine / f"{stem}{MACHINE_SUFFIX}")
                report = report.replace(self._home.quarantine / f"{stem}{REPORT_SUFFIX}")
            try:
                self._move_over(file, identity, self._home.quarantine / stem)
            finally:
                sync_folder(self._home.quarantine)
                _prune(quarantine, QUARANTINE_KEPT)
        return report

    def _move_over(self, source: Path, identity: _Identity, target: Path) -> None:
        """Move a file, to another file system too; the source goes only when the copy is durable.

        Raises OSError, UntrustedFileError for what cannot be copied, such as a link on a stick, and _ChangedError.
        """
        _complain_if_changed(source, identity)
        try:
            source.replace(target)
            return
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
        with open_untrusted(source, self._size_max) as file:
            size = os.fstat(file.fileno()).st_size
            if shutil.disk_usage(target.parent).free - size < self._free_min:
                raise OSError(errno.ENOSPC, "no room to keep a copy in quarantine")
            with write_durably(target) as copy:
                shutil.copyfileobj(file, copy)
        _complain_if_changed(source, identity)
        source.unlink()

    def _start_events(self, folder: _Folder) -> None:
        def arrive(name: str) -> None:
            folder.arrived.add(name)
            folder.wake.set()

        events = Events(asyncio.get_running_loop(), arrive, folder.wake.set)
        try:
            events.start(folder.path)
        except OSError as error:
            _log.warning(
                "no events from %s: %s; it is looked at every %.0f s", folder.path, error, LOOK_REMOTE_S
            )
            return
        folder.events = events
        folder.wake.set()  # what came between the look and the first event

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


def _free_name(folder: int, name: str) -> str:
    """The name itself, or with a number where the folder (a descriptor) has it already."""
    taken = {_stem(one) for one in os.listdir(folder)}
    return next(one for one in _numbered(name) if one not in taken)


def _numbered(name: str) -> Iterator[str]:
    yield name
    stem, suffix = os.path.splitext(name)
    number = 2
    while True:
        yield f"{stem}-{number}{suffix}"
        number += 1


def _fact(outcome: Outcome) -> SnapshotReady:
    return SnapshotReady(outcome.file, outcome.sha256 or "", accounts=outcome.accounts, rows=outcome.accepted)


def _identity(found: os.stat_result) -> _Identity:
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _is_still(file: Path, identity: _Identity) -> bool:
    """Whether the name still means the very file that was looked at, unchanged."""
    try:
        return _identity(os.lstat(file)) == identity
    except OSError:
        return False


def _complain_if_changed(file: Path, identity: _Identity) -> None:
    if not _is_still(file, identity):
        raise _ChangedError


@contextlib.contextmanager
def _own_folder(path: Path) -> Iterator[int]:
    """A folder of ours in a place of others, as a descriptor; made when it is missing.

    Raises UntrustedFileError for a link: what is cleaned up in it would be somebody else's files.
    """
    with contextlib.suppress(FileExistsError):
        path.mkdir()
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in (errno.ENOTDIR, errno.ELOOP):
            raise UntrustedFileError(f"{path} is not a folder; remove it") from error
        raise
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _prune(folder: int, kept: int) -> None:
    """Keep the newest files of a folder (a descriptor), each with what belongs to it: so many, and so many bytes."""
    found = {name: os.stat(name, dir_fd=folder, follow_symlinks=False) for name in os.listdir(folder)}
    newest_first = sorted(found, key=lambda name: found[name].st_ctime_ns, reverse=True)
    stems = list(dict.fromkeys(_stem(name) for name in newest_first))
    room = KEPT_MAX_BYTES
    for place, stem in enumerate(stems):
        names = [name for name in found if _stem(name) == stem]
        room -= sum(found[name].st_blocks * 512 for name in names)
        if place >= kept or (room < 0 and place > 0):
            for name in names:
                _remove(name, folder, is_folder=stat.S_ISDIR(found[name].st_mode))


def _stem(name: str) -> str:
    return name.removesuffix(REPORT_SUFFIX).removesuffix(MACHINE_SUFFIX)


def _remove(name: str, folder: int, *, is_folder: bool) -> None:
    if is_folder:
        shutil.rmtree(name, dir_fd=folder)
    else:
        os.unlink(name, dir_fd=folder)


def _remove_report(report: Path) -> None:
    for suffix in (REPORT_SUFFIX, MACHINE_SUFFIX):
        report.with_name(_stem(report.name) + suffix).unlink(missing_ok=True)
