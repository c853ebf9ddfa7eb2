"""One import from the clerk's file to the verdict: spool, read, judge, swap in, report."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO

import msgspec
import pyarrow as pa

from importers.csv_reader import read_csv
from importers.profile import Profile
from importers.report import Report, decimal, file_sum, report_path, write_report
from importers.rows import Checker, Findings, read_date
from importers.snapshot import PARTIAL, Builder, compare, prune, swap_in
from importers.words import Language, Unusable, say
from importers.xml_reader import read_xml
from kassa.config import Config
from kassa.errors import KassaError
from kassa.files import UntrustedFileError, open_untrusted
from kassa.home import Home
from kassa.importing import Difference, Outcome
from kassa.money import MINOR_DIGITS
from kassa.subscribers import SnapshotError, SnapshotInfo, current_path, open_current
from kassa.untrusted import printable

COPY_BYTES = 1 << 20

FUTURE_MAX = timedelta(days=1)
"""Data may be dated ahead by a clock that is wrong or by the next accounting day, not by more."""

AS_OF_YEAR_MIN = 2000
"""Older data are a wrong date: a clock that was never set, a column that is another one."""

ROOM_FACTOR = 3
"""Our copy of the file, and a store that measured 1.0 times the file (UTF-8) to 1.6 (windows-1251), for every byte."""

COUNT_DIGITS_MAX = 9

MOMENT = "%d.%m.%Y %H:%M"

SPOOL_PREFIX = "import-"

LOG_NAME = "imports.jsonl"
LOG_MAX_BYTES = 4 << 20
"""Then the log becomes `imports.jsonl.1`; some ten thousand imports."""

_ARCHIVES = {
    b"\x1f\x8b": "gzip",
    b"PK\x03\x04": "ZIP",
    b"Rar!": "RAR",
    b"7z\xbc\xaf\x27\x1c": "7-Zip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
}
_DOCUMENTS = {b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "Microsoft Office", b"%PDF-": "PDF", b"{\\rtf": "RTF"}
_ZIPPED_DOCUMENTS = (b"xl/", b"[Content_Types].xml", b"mimetypeapplication/vnd.oasis")


class NotNowError(KassaError):
    """No file can be imported at the moment; the same one may be taken later."""


@dataclass(frozen=True)
class _Spooled:
    """Our own copy of the clerk's file: what is parsed is what was hashed."""

    path: Path
    modified_at: datetime


@dataclass(frozen=True)
class _Done:
    """What came of a file; nothing of it when the file was refused."""

    rows: int = 0
    accounts: int = 0
    total: str | None = None
    snapshot: str | None = None
    already_loaded: bool = False
    difference: Difference | None = None


@dataclass
class Job:
    """One file to be imported, or only checked."""

    home: Home
    config: Config
    profile: Profile
    path: Path
    reports: Path
    check_only: bool = False
    findings: Findings = field(default_factory=Findings)
    sha256: str | None = None
    as_of: datetime | None = None
    as_of_is_certain: bool = False

    def run(self) -> Outcome:
        """Import the file, report, log. A file that cannot be taken is an outcome, no exception.

        The caller holds the import lock. Raises OSError and the like where the machine fails.
        """
        started = time.monotonic()
        refusal, done = None, _Done()
        self._remove_leftovers()
        try:
            done = self._import()
        except Unusable as unusable:
            refusal = unusable
        finally:
            self._remove_leftovers()
        outcome = self._outcome(done, refusal, time.monotonic() - started)
        report = Report(outcome, self.findings, refusal, self._currency, self.as_of, self.as_of_is_certain)
        write_report(self.reports, report, self.config.terminal.language)
        if not self.check_only:
            append_to_log(self.home.logs / LOG_NAME, outcome)
        return outcome

    def _import(self) -> _Done:
        """The steps, in their order. Raises Unusable."""
        spooled = self._spool()
        loaded = self._loaded()
        if loaded and (loaded.sha256, loaded.profile_sha256) == (self.sha256, self.profile.sha256):
            self.as_of, self.as_of_is_certain = loaded.as_of, loaded.as_of_is_certain
            return self._already(loaded)
        builder = Builder(self.home.snapshots / f"{os.getpid()}.db{PARTIAL}")
        try:
            with spooled.path.open("rb") as source:
                builder.take(self._good_rows(source))
            self._judge_rows()
            builder.settle_duplicates(
                self.findings, same_row_ok=self.profile.layout.accept.duplicates == "same_row_ok"
            )
            rows, accounts, minor = builder.totals()
            self._judge_controls()
            self._judge_date(spooled, loaded)
            builder.describe(self._info(rows, accounts))
        finally:
            builder.close()
        total = decimal(minor, self._currency)
        current = current_path(self.home.snapshots)
        if self.check_only:
            return _Done(
                rows, accounts, total, difference=compare(builder.path, current if loaded else None, rows)
            )
        name = f"{datetime.now().astimezone():%Y%m%dT%H%M%S}-{self.sha256:.12}.db"
        store = swap_in(builder.path, self.home.snapshots, name)
        prune(self.home.snapshots, store)
        return _Done(rows, accounts, total, snapshot=str(store))

    def _spool(self) -> _Spooled:
        """Copy the file to our own disk while hashing it; refuse what is no file of rows at all."""
        size_max = self.config.data.size_max_mb << 20
        complain_if_not_a_file(self.path, size_max)
        self._require_room()
        spool = self.home.run / f"{SPOOL_PREFIX}{os.getpid()}.spool"
        digest = hashlib.sha256()
        try:
            source = open_untrusted(self.path, size_max)
        except UntrustedFileError as error:
            raise Unusable("missing", detail=str(error)) from error
        with (
            source,
            open(os.open(spool, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as copy,
        ):
            before = os.fstat(source.fileno())
            while piece := _read(source):
                digest.update(piece)
                copy.write(piece)
                if copy.tell() > size_max:
                    raise Unusable("too_large", size=copy.tell(), allowed=size_max)
            after = os.fstat(source.fileno())
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            raise Unusable("changed_while_read")
        self.sha256 = digest.hexdigest()
        complain_if_not_text(spool)
        return _Spooled(spool, datetime.fromtimestamp(after.st_mtime).astimezone())

    def _require_room(self) -> None:
        """Journal and payments come first on this disk. Raises NotNowError."""
        size = os.lstat(self.path).st_size
        free = shutil.disk_usage(self.home.path).free - (self.config.disk.free_min_mb << 20)
        if ROOM_FACTOR * size > free:
            raise NotNowError(no_room(self.config.terminal.language, self.home))

    def _good_rows(self, source: BinaryIO) -> Iterator[pa.RecordBatch]:
        layout = self.profile.layout
        read = read_csv if layout.kind == "csv" else read_xml
        checker = Checker(self.profile, self._currency, self.findings)
        for batch in read(source, layout, self.findings):
            good = checker.check(batch)
            if good.num_rows:
                yield good

    def _judge_rows(self) -> None:
        """Enough rows, and not too many bad ones."""
        found, accept = self.findings, self.profile.layout.accept
        if found.bad_total > accept.bad_rows_max_share * found.rows:
            allowed = int(accept.bad_rows_max_share * found.rows)
            first = min(found.bad_rows, key=lambda row: row.line).as_words()
            raise Unusable("bad_rows", bad=found.bad_total, rows=found.rows, allowed=allowed, first=first)
        if found.rows == found.bad_total:
            raise Unusable("no_rows")

    def _judge_controls(self) -> None:
        """What the file says of itself must be what was read, bad rows included."""
        found, names = self.findings, self.profile.layout.control
        for name in names.required:
            if name not in found.control:
                raise Unusable("control_missing", name=getattr(names, name))
        if (declared := found.control.get("count")) is not None:
            if not (declared.isascii() and declared.isdigit() and len(declared) <= COUNT_DIGITS_MAX):
                raise Unusable("control_unreadable", name=names.count or "count", value=declared[:80])
            records = found.rows if found.records is None else found.records
            if int(declared) != records:
                raise Unusable("count_differs", declared=declared, found=records)
        if (declared := found.control.get("sum")) is not None:
            minor = read_sum(declared, self._currency)
            if minor is None:
                raise Unusable("control_unreadable", name=names.sum or "sum", value=declared[:80])
            if minor != found.file_minor:
                raise Unusable("sum_differs", declared=declared, found=file_sum(found, self._currency))

    def _judge_date(self, spooled: _Spooled, loaded: SnapshotInfo | None) -> None:
        """Settle what moment the data speak of, and refuse what is older than the data in use."""
        told, now = self._find_date(), datetime.now().astimezone()
        self.as_of, self.as_of_is_certain = told or min(spooled.modified_at, now), told is not None
        if told is None:  # the file's own time proves nothing: sticks keep it in steps, or in 1980
            return
        if told.year < AS_OF_YEAR_MIN:
            raise Unusable("as_of_ancient", as_of=told.strftime(MOMENT))
        if told > now + FUTURE_MAX:
            raise Unusable("as_of_future", as_of=self.as_of.strftime(MOMENT))
        if loaded and loaded.as_of_is_certain and is_older(self.as_of, loaded.as_of):
            raise Unusable(
                "as_of_older", as_of=self.as_of.strftime(MOMENT), loaded=loaded.as_of.strftime(MOMENT)
            )

    def _find_date(self) -> datetime | None:
        """As the file says of itself, else its rows (the oldest), else its name; None: it does not say."""
        if (told := self.findings.control.get("as_of")) is not None:
            if found := read_date(self.profile, told):
                return found
            raise Unusable("as_of_unreadable", value=told[:80])
        if self.findings.dates:
            return min(self.findings.dates)
        pattern = self.profile.layout.name_date
        if pattern and (match := re.search(pattern, self.path.name)):
            return read_date(self.profile, match[1] or "")
        return None

    def _info(self, rows: int, accounts: int) -> SnapshotInfo:
        assert self.sha256 is not None
        assert self.as_of is not None
        return SnapshotInfo(
            file=printable(self.path.name),
            sha256=self.sha256,
            profile=self.profile.name,
            profile_sha256=self.profile.sha256,
            currency=self._currency,
            as_of=self.as_of,
            as_of_is_certain=self.as_of_is_certain,
            loaded_at=datetime.now().astimezone(),
            accounts=accounts,
            rows=rows,
            applied_batch=read_applied(self.findings.control.get("applied", ""), self.config.terminal.number),
        )

    def _loaded(self) -> SnapshotInfo | None:
        """The data in use; a broken store counts as none, so that a good file can mend it."""
        try:
            snapshot = open_current(self.home.snapshots)
        except SnapshotError:
            return None
        if snapshot is None:
            return None
        try:
            return snapshot.info
        finally:
            snapshot.close()

    def _already(self, loaded: SnapshotInfo) -> _Done:
        return _Done(
            rows=loaded.rows,
            accounts=loaded.accounts,
            snapshot=str(current_path(self.home.snapshots)),
            already_loaded=True,
            difference=Difference(new=0, gone=0, changed=0, same=loaded.rows) if self.check_only else None,
        )

    def _outcome(self, done: _Done, refusal: Unusable | None, seconds: float) -> Outcome:
        return Outcome(
            status="refused" if refusal else "imported",
            file=printable(self.path.name),
            profile=self.profile.name,
            accepted=done.rows,
            refused=self.findings.bad_total,
            accounts=done.accounts,
            reason=_as_sentence(refusal.say(self.config.terminal.language)) if refusal else None,
            report=str(report_path(self.reports, printable(self.path.name))),
            snapshot=done.snapshot,
            sha256=self.sha256,
            already_loaded=done.already_loaded,
            checked_only=self.check_only,
            total=done.total,
            as_of=self.as_of.isoformat() if self.as_of else None,
            difference=done.difference,
            at=datetime.now().astimezone().isoformat(timespec="seconds"),
            seconds=round(seconds, 3),
        )

    def _remove_leftovers(self) -> None:
        """What this or a killed worker left unfinished; the lock says that nobody else is at work."""
        for spool in self.home.run.glob(f"{SPOOL_PREFIX}*.spool"):
            spool.unlink(missing_ok=True)
        for partial in self.home.snapshots.glob(f"*{PARTIAL}*"):
            partial.unlink(missing_ok=True)

    @property
    def _currency(self) -> str:
        return self.config.terminal.currency


def _read(source: BinaryIO) -> bytes:
    """The next piece of the clerk's file. Raises Unusable: a medium that fails is no fault of ours."""
    try:
        return source.read(COPY_BYTES)
    except OSError as error:
        raise Unusable("missing", detail=error.strerror) from error


def no_room(language: Language, home: Home) -> str:
    """The sentence for a disk that is too full."""
    return say(language, "no_room", free_mb=shutil.disk_usage(home.path).free >> 20)


def means_disk_full(error: Exception) -> bool:
    """Whether an error of the system or of SQLite says so."""
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    return "database or disk is full" in str(error)


def _as_sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def is_older(new: datetime, loaded: datetime) -> bool:
    """Whether data are older than those in use; a date without a time may be any time of its day."""
    if (new.hour, new.minute, new.second) == (0, 0, 0):
        return new.date() < loaded.astimezone(new.tzinfo).date()
    return new < loaded


def complain_if_not_a_file(path: Path, size_max: int) -> None:
    """Say in the clerk's words what `open_untrusted` would refuse anyway, and a name that is no text."""
    try:
        found = os.lstat(path)
    except OSError as error:
        raise Unusable("missing", detail=error.strerror) from error
    if stat.S_ISLNK(found.st_mode):
        raise Unusable("link")
    if stat.S_ISDIR(found.st_mode):
        raise Unusable("folder")
    if not stat.S_ISREG(found.st_mode):
        raise Unusable("not_ordinary")
    if found.st_size > size_max:
        raise Unusable("too_large", size=found.st_size, allowed=size_max)
    try:
        path.name.encode("utf-8")
    except UnicodeEncodeError as error:
        raise Unusable("name_not_text") from error
    if found.st_size == 0:
        raise Unusable("empty")


def complain_if_not_text(path: Path) -> None:
    """Archives, spreadsheets and documents are told from text by how they begin."""
    with path.open("rb") as file:
        head = file.read(4096)
    if not head:
        raise Unusable("empty")
    for magic, kind in _DOCUMENTS.items():
        if head.startswith(magic):
            raise Unusable("spreadsheet", kind=kind)
    for magic, kind in _ARCHIVES.items():
        if head.startswith(magic):
            zipped = kind == "ZIP" and any(mark in head for mark in _ZIPPED_DOCUMENTS)
            raise Unusable("spreadsheet", kind="xlsx, ods") if zipped else Unusable("archive", kind=kind)


_SUM = re.compile(r"(-?)([0-9]{1,18})(?:[.,]([0-9]{1,2}))?", re.ASCII)


def read_sum(text: str, currency: str) -> int | None:
    """A control sum in minor units: digits with comma or point, blanks between thousands; None: it is none."""
    match = _SUM.fullmatch(re.sub("[ \u00a0\u202f]", "", text))
    digits = MINOR_DIGITS[currency]
    if match is None or len(match[3] or "") > digits:
        return None
    minor = int(match[2] + (match[3] or "").ljust(digits, "0"))
    return -minor if match[1] else minor


def read_applied(text: str, terminal: str) -> int | None:
    """This terminal's batch number out of `00042-000316 00043-000120`; None when it is not named."""
    for number, batch in re.findall(r"\b([0-9]{1,12})-([0-9]{1,12})\b", text, re.ASCII):
        if number == terminal:
            return int(batch)
    return None


def append_to_log(path: Path, outcome: Outcome) -> None:
    """One line an import: the history that `kassa import list` prints."""
    if path.exists() and path.stat().st_size > LOG_MAX_BYTES:
        path.replace(path.with_name(path.name + ".1"))
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    with open(descriptor, "r+b") as file:
        # A power cut may have left half a line: it must not spoil this one.
        whole = file.seek(0, os.SEEK_END) == 0 or (file.seek(-1, os.SEEK_END), file.read(1))[1] == b"\n"
        file.write(b"" if whole else b"\n")
        file.write(msgspec.json.encode(outcome) + b"\n")
