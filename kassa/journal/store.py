"""The journal: the durable truth of the terminal, an append-only chain of entries and the tables derived from it.

It stores and answers, it decides nothing. When `append` returns, a power cut cannot take the entries away; when it
raises EntryRefused or JournalFull nothing was written; when it raises JournalFailed nobody knows, and the process must
stop: after a failed fsync the kernel forgets what it could not write, so trying again would only look like success.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import apsw
import msgspec
from peewee import PeeweeException
from playhouse.apsw_ext import APSWDatabase

from kassa.clock import Clock
from kassa.errors import KassaError
from kassa.files import sync_folder
from kassa.journal import entries as e
from kassa.journal import tables
from kassa.journal.chain import GENESIS, check, link, read
from kassa.journal.entries import Entry
from kassa.journal.mark import Mark, MarkDamaged
from kassa.journal.pages import CHECKSUM_BYTES, PAGE_BYTES, SealedVFS
from kassa.journal.queries import Queries
from kassa.journal.tables import EntryRefused, JournalBroken

__all__ = ["EntryRefused", "Journal", "JournalBroken", "JournalFailed", "JournalFull"]

APPLICATION_ID = 0x4B617373
"""`Kass`: what `file` and SQLite's header say this database is."""
SCHEMA_VERSION = 3
CHECKED_AT_OPEN = 512
"""Entries whose chain is checked at each start, about 10 ms; `verify` checks all."""
CHECKPOINT_PAGES = 1000
"""Pages in the write-ahead log before they are carried into the database file: SQLite's own default."""
CACHE_KIB = 4096
COPY_PAGES = 64
"""Pages a step of a copy takes: under 2 ms, so nobody waits for it."""


class JournalFull(KassaError):
    """The disk is full. Nothing was written, the journal is as it was."""


class JournalFailed(KassaError):
    """The disk failed. What was just written may or may not last: this process must stop and start anew."""


class Journal(Queries):
    """One open journal, used from one thread. Questions are answered by `Queries`."""

    def __init__(
        self, path: str, clock: Clock, vfs: str, *, read_only: bool, make_room: Callable[[], bool]
    ) -> None:
        self.path = path
        self._clock = clock
        self._make_room = make_room
        self._read_only = read_only
        self._failed: str | None = None
        self._wal_pages = 0
        self._head = (0, GENESIS)
        self._answers = {}
        self._sealed = SealedVFS(f"kassa-journal-{id(self):x}", vfs)
        self._database: APSWDatabase | None = None
        self._mark: Mark | None = None
        try:
            with self._in_words("be opened"):
                self._open()
        except BaseException:
            self.close()
            raise

    @classmethod
    def open(
        cls, path: Path, clock: Clock, *, vfs: str | None = None, read_only: bool = False,
        make_room: Callable[[], bool] = lambda: False,
    ) -> Journal:  # fmt: skip
        """Open the journal, or make it where there is none; with `read_only` it must exist, and `append` fails.

        `vfs` names another disk than the machine's own, registered with APSW. `make_room` is asked when the disk is
        full, and says whether it freed some.
        Raises JournalBroken when the end of the chain, the log or a page is damaged, or a newer version wrote here;
        JournalFailed when the disk fails or another process has the journal; JournalFull.
        """
        if vfs is None and not read_only and not path.parent.exists():
            path.parent.mkdir(mode=0o700, parents=True)
            sync_folder(path.parent.parent)
        return cls(str(path), clock, vfs or "", read_only=read_only, make_room=make_room)

    def append(self, *entries: Entry) -> tuple[int, ...]:
        """Write all these entries or none, in one transaction; they are durable when their numbers come back.

        Raises EntryRefused when one contradicts the journal, JournalFull: both wrote nothing. JournalFailed: stop.
        """
        at = self._clock.now().isoformat(timespec="milliseconds")
        with self._in_words("be written"):
            try:
                head = self._transact(at, entries)
            except apsw.FullError:
                if not self._make_room():
                    raise
                head = self._transact(at, entries)
        first = self._head[0] + 1
        self._head = head
        with self._in_words("be marked"):
            assert self._mark is not None, "a journal that is read only was written"
            self._mark.write(*head)
        if self._wal_pages >= CHECKPOINT_PAGES:
            self.checkpoint()
        return tuple(range(first, head[0] + 1))

    def checkpoint(self) -> None:
        """Carry the write-ahead log into the database file; done by itself now and then, and best when nobody waits.

        A full disk only puts it off. Raises JournalFailed.
        """
        try:
            with self._in_words("be carried over from its log"):
                self._db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
                self._wal_pages = 0
        except JournalFull:
            return

    def copy_to(self, path: Path, pages_per_step: int = COPY_PAGES) -> Iterator[None]:
        """Copy the journal to `path`, a few pages a step; the copy is whole and consistent when the iterator ends.

        Entries appended between two steps are in the copy. The file's own pages are checked first, as damage to one
        that SQLite holds in memory would not show in the copy.
        Raises JournalBroken at a damaged page of the journal.
        """
        yield from self._check_pages(pages_per_step)
        copy = apsw.Connection(str(path), vfs=self._sealed.name)
        try:
            copy.execute("PRAGMA synchronous = OFF")  # made for one reader, then deleted: nothing to lose
            with self._in_words("be copied"), copy.backup("main", self._db, "main") as backup:
                while not backup.done:
                    backup.step(pages_per_step)
                    yield
            copy.execute("PRAGMA journal_mode = DELETE")
        finally:
            copy.close()

    def carry_over(self) -> None:
        """Carry all of the write-ahead log into the database file. Raises JournalFull, JournalFailed."""
        if not self._read_only:
            with self._in_words("be carried over from its log"):
                self._db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_FULL)

    def check_pages(self) -> None:
        """Read every page of the file itself, free ones too. Raises JournalBroken at the first damaged one."""
        for _ in self._check_pages(COPY_PAGES):
            pass

    def _check_pages(self, pages_per_step: int) -> Iterator[None]:
        self.carry_over()
        with self._in_words("be checked"):
            for number, is_whole in enumerate(self._sealed.look_at_pages(self.path), 1):
                if not is_whole:
                    raise JournalBroken(f"{self.path}: page {number} is damaged", at=f"page {number}")
                if number % pages_per_step == 0:
                    yield

    @property
    def is_on_own_disk(self) -> bool:
        """Whether other processes of this machine can read the file as well."""
        return not self._sealed.base

    @contextmanager
    def reading(self) -> Iterator[apsw.Connection]:
        """The connection itself, to compare what it holds; its errors come in words."""
        with self._in_words("be read"):
            yield self._db

    @property
    def last_entry(self) -> int:
        """Number of the last entry: as long as it is the same, so is every answer of the journal."""
        return self._head[0]

    def head(self) -> tuple[int, str]:
        """Number and hash of the last entry: what anchors the whole journal outside of it."""
        seq, hashed = self._head
        return seq, hashed.hex()

    def close(self) -> None:
        """Give the file back; whole if nothing failed before. Closing twice is no harm."""
        self._answers.clear()
        database, self._database = self._database, None
        mark, self._mark = self._mark, None
        try:
            if database is not None:
                database.close()
        except (apsw.Error, PeeweeException) as error:
            if not isinstance(words := self._explained("be closed", error), JournalFull):
                raise words from error  # without room the log stays beside the file, which is no harm
        finally:
            if mark is not None:
                mark.close()
            self._sealed.unregister()

    # --- opening ----------------------------------------------------------------------------------------------

    def _open(self) -> None:
        flags = (
            apsw.SQLITE_OPEN_READONLY
            if self._read_only
            else apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
        )
        if self._sealed.has_log_only(self.path):
            # SQLite would make a new database and throw the log away, which is all the evidence there is.
            words = f"{self.path} is empty or gone, yet its log is not; keep the files and ask for support"
            raise JournalBroken(words, at="database")
        tail = self._sealed.read_wal_tail(self.path)
        self._database = _connect(self.path, vfs=self._sealed.name, flags=flags)
        self._db: apsw.Connection = self._database.connection()  # type: ignore[no-untyped-call]
        self._keep_log(True)  # until it is known to be whole: it is the evidence
        self._set_up()
        self._check_kind_of_file()
        recovered, _ = (
            self._db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_NOOP) if not self._read_only else (0, 0)
        )
        if problem := tail.problem(max(recovered, 0)):
            raise JournalBroken(f"{self.path}: {problem}; keep the files and ask for support", at="log")
        self._read_head()
        if not self._read_only:
            if tail.is_torn(max(recovered, 0)):
                self._clear_log()
            self._mark = Mark(self._sealed.base, self.path)
            self._check_mark(self._mark)
            self._db.set_wal_hook(self._note_wal_pages)
        self._keep_log(False)

    def _clear_log(self) -> None:
        """Begin the log anew: what the last power cut left of a commit in it, the next one would make look like damage."""
        with suppress(apsw.FullError):  # put off until a start with room
            self._db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)

    def _set_up(self) -> None:
        """Every setting by a statement of its own, read back: SQLite stays silent about one it does not follow."""
        if not self._read_only:
            # Before the file is touched for the first time: then the log's index needs no shared memory.
            self._db.execute("PRAGMA locking_mode = exclusive")
            self._db.reserve_bytes(reserve=CHECKSUM_BYTES)
        wanted: list[tuple[str, Any]] = [] if self._read_only else [
            ("locking_mode", "exclusive"), ("page_size", PAGE_BYTES), ("journal_mode", "wal"),
            ("synchronous", 2), ("wal_autocheckpoint", 0),
        ]  # fmt: skip
        wanted += [
            ("cache_size", -CACHE_KIB),
            ("foreign_keys", 1),
            ("cell_size_check", 1),
            ("trusted_schema", 0),
        ]
        for name, value in wanted:
            self._db.execute(f"PRAGMA {name} = {value}").fetchall()
            found = self._db.execute(f"PRAGMA {name}").get
            if found != value:
                raise JournalFailed(f"{self.path}: SQLite keeps {name} = {found!r} instead of {value!r}")

    def _check_kind_of_file(self) -> None:
        """Make the tables in a new file; refuse what is not ours or comes from a newer version."""
        assert self._database is not None
        found = self._db.execute("PRAGMA application_id").get, self._db.execute("PRAGMA user_version").get
        if found == (0, 0) and not self._db.execute("SELECT count(*) FROM sqlite_schema").get:
            self._db.execute("BEGIN IMMEDIATE")
            tables.create(self._database)
            self._db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            self._db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            self._db.execute("COMMIT")
            return
        if found[0] != APPLICATION_ID:
            raise JournalBroken(
                f"{self.path} is not a journal of Kassa; move it away and restore the right file"
            )
        if found[1] < SCHEMA_VERSION:
            raise JournalBroken(
                f"{self.path} was written by an older version of Kassa (tables {found[1]}, here {SCHEMA_VERSION}), which"
                " was never released; keep the file, and begin a new journal by moving its folder away"
            )
        unknown = {kind for (kind,) in self._db.execute("SELECT kind FROM kinds")} - e.KINDS
        if found[1] != SCHEMA_VERSION or unknown:
            raise JournalBroken(
                f"{self.path} was written by a newer version of Kassa (tables {found[1]}, here {SCHEMA_VERSION};"
                f" unknown entries: {', '.join(sorted(unknown)) or 'none'}); install that version again"
            )

    def _read_head(self) -> None:
        """Check the end of the chain, where a crash could have left its mark."""
        last = self._db.execute("SELECT coalesce(max(seq), 0) FROM entries").get
        start = max(0, last - CHECKED_AT_OPEN)
        self._head = check(self._db, start)
        for row in self._db.execute("SELECT seq, kind, body FROM entries WHERE seq > ?", (start,)):
            read(*row)

    def _check_mark(self, mark: Mark) -> None:
        """Whether the journal still reaches as far as it was written."""
        keep = "keep all files of its folder and ask for support"
        try:
            marked = mark.read()
        except MarkDamaged as error:
            raise JournalBroken(f"{mark.path} is damaged; {keep}", at="mark") from error
        last, hashed = self._head
        if marked is None and last == 0:
            mark.make(last, hashed)
            return
        if marked is None:
            raise JournalBroken(f"{mark.path}, the mark of the last entry, is gone; {keep}", at="mark")
        seq, expected = marked
        if seq > last:
            raise JournalBroken(
                f"{self.path} ends with entry {last}, yet entry {seq} was written: the end of its log was lost, or"
                f" an older copy was put in its place; {keep}",
                at=f"entry {last + 1}",
            )
        if expected != (self.entry(seq)[2] if seq else GENESIS):
            raise JournalBroken(
                f"{self.path} has another entry {seq} than was written: an other journal was put in its place; {keep}",
                at=f"entry {seq}",
            )

    def _note_wal_pages(self, _: apsw.Connection, __: str, pages: int) -> int:
        self._wal_pages = pages
        return apsw.SQLITE_OK

    # --- writing ----------------------------------------------------------------------------------------------

    def _transact(self, at: str, entries: tuple[Entry, ...]) -> tuple[int, bytes]:
        seq, hashed = self._head
        self._answers.clear()
        self._db.execute("BEGIN IMMEDIATE")
        try:
            for entry in entries:
                kind, body = e.kind(entry), _readable(entry)
                seq += 1
                hashed = link(hashed, seq, at, kind, body)
                self._db.execute("INSERT INTO entries VALUES (?, ?, ?, ?, ?)", (seq, at, kind, body, hashed))
                tables.apply(self._db, seq, at, entry)
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise
        return seq, hashed

    def _in_words(self, act: str) -> _InWords:
        """Say in Kassa's words what SQLite's errors mean."""
        return _InWords(self, act)

    def _explained(self, act: str, error: Exception) -> KassaError:
        # peewee, which opens and closes the file, puts an error of its own in front of SQLite's.
        found = error.__context__ if isinstance(error, PeeweeException) else error
        match found:
            case apsw.ConstraintError():
                return EntryRefused(f"{self.path}: an entry contradicts the journal: {error}")
            case apsw.FullError():
                return JournalFull(f"{self.path} cannot {act}: the disk is full; free some space")
            case apsw.BusyError() | apsw.LockedError():
                return JournalFailed(
                    f"{self.path} cannot {act}: another process uses it; stop that one first"
                )
            case apsw.CantOpenError():
                return JournalFailed(f"{self.path} cannot {act}: it is missing, or not allowed to us")
            case apsw.ReadOnlyError():
                return JournalFailed(f"{self.path} cannot {act}: it was opened for reading only")
            case apsw.CorruptError() | apsw.NotADBError() | UnicodeDecodeError():  # all our text is UTF-8
                self._fail(words := f"{self.path} cannot {act}: it is damaged ({error})")
                return JournalBroken(words, at="database")
            case _ if page := self._sealed.damaged:
                self._fail(words := f"{self.path} cannot {act}: page {page} is damaged")
                return JournalBroken(words, at=f"page {page}")
            case _:
                is_disk = isinstance(found, apsw.IOError)
                self._fail(
                    words := f"{self.path} cannot {act}: {error};"
                    f" {'the disk has failed' if is_disk else 'this is a fault of Kassa'}"
                )
                return JournalFailed(words)

    def _keep_log(self, kept: bool) -> None:
        """Whether closing leaves the write-ahead log as it is, instead of carrying it over."""
        if self._database is not None:
            self._db.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, int(kept))

    def _fail(self, words: str) -> None:
        """From now on every call fails, and closing leaves the files as they are."""
        self._failed = words
        self._answers.clear()
        self._keep_log(True)


class _InWords:
    """What `Journal._in_words` gives; a class, as a generator takes twice the time, at every question."""

    __slots__ = ("_act", "_journal")

    def __init__(self, journal: Journal, act: str) -> None:
        self._journal, self._act = journal, act

    def __enter__(self) -> None:
        if self._journal._failed:
            raise JournalFailed(self._journal._failed)

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, apsw.Error | PeeweeException | UnicodeDecodeError):
            raise self._journal._explained(self._act, error) from error


def _readable(entry: Entry) -> str:
    """The entry's text, which can be read again. Raises EntryRefused."""
    try:
        body = e.encode(entry)
        e.decode(body)
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise EntryRefused(f"an entry could never be read again: {entry!a} ({error})") from error
    return body


def _connect(path: str, *, vfs: str, flags: int) -> APSWDatabase:
    """Nobody else may have the file open, so there is nobody to wait for."""
    database: APSWDatabase = APSWDatabase(path, timeout=0, vfs=vfs, flags=flags)  # type: ignore[no-untyped-call]
    database.connect()
    return database
