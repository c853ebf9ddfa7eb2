"""A recording held against the promises: nothing is said before it is durable, and after any cut all of it is whole."""

from __future__ import annotations

import hashlib
import random
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec
from crash_states import CUTS, LOSE, PREFIX, SECTORS, RecordedFolder, Tree, lay_out
from msgspec import Struct
from recorded_terminal import Recording
from recording import SPOKEN, Kind, Record
from spoken import Links, Listener, Word

from kassa.clock import SystemClock
from kassa.errors import KassaError
from kassa.export.writer import file_of
from kassa.journal import entries as e
from kassa.journal.chain import Link, walk
from kassa.journal.store import Journal
from kassa.journal.verify import verify
from kassa.subscribers import CURRENT, Snapshot, SnapshotError

JUDGED = ("journal", "outbox", "snapshots")
"""Where a power cut could harm money or data; the rest of the home is logs and what lives while the core runs."""
HOLDS_NO_DATA = "journal/ballast"
"""It is made by fallocate, which no recorder has to see."""
CUTS_PER_POINT = (*CUTS, PREFIX, SECTORS, SECTORS)
"""Where chance decides, it does so more than once."""
CUT_IN_WRITES = 0.15
"""Of the writes between two syncs so many are cut points, too; every sync and every change of a name is one."""
PROBLEMS_MAX = 20
"""What follows rarely says anything new."""
FAST_DISK = Path("/dev/shm")


class Figures(Struct, kw_only=True):
    """What a recording was found to hold."""

    seed: int
    records: int
    words: dict[str, int] = msgspec.field(default_factory=dict)
    """Frames to devices and answers to callers that stand for an entry of the journal, by their sort."""
    cut_points: int = 0
    crash_states: int = 0
    distinct_states: int = 0
    entries: int = 0
    acknowledged_entries: int = 0
    """The last entry that somebody outside has heard of; it and all before it must be in every later state."""
    payment_files: int = 0
    spoken_too_early: int = 0
    lost_acknowledged: int = 0
    other_problems: int = 0
    problems: list[str] = msgspec.field(default_factory=list)


class Broken(Exception):
    """A crash state that no start may find."""


class Lost(Broken):
    """It has fewer entries than somebody has heard of."""


def judge(recording: Recording, seed: int, cuts: Sequence[str] = CUTS_PER_POINT) -> Figures:
    """Go through the recording once, from its first record to its last; `cuts` are tried at every cut point."""
    with _scratch() as scratch:
        return _Judge(recording, seed, cuts, scratch).go_through()


class _Judge:
    def __init__(self, recording: Recording, seed: int, cuts: Sequence[str], scratch: Path) -> None:
        self._recording, self._cuts, self._scratch = recording, cuts, scratch
        self._chance = random.Random(seed)
        self._folder = RecordedFolder(recording.home.path, _judged(recording.before))
        self._listener = Listener(recording.ports)
        self._links = self._read_links(recording.after)
        self._entries_of: dict[bytes, int] = {}
        """By the hash of a crash state that was found whole: how many entries its journal has."""
        self._certain: int | None = None
        """Entries in the worst state; None: something was synced since."""
        self._acknowledged = 0
        self._figures = Figures(seed=seed, records=len(recording.records), entries=len(self._links))

    def go_through(self) -> Figures:
        for record in self._recording.records:
            if record.kind in SPOKEN:
                for word in self._listener.hear(record):
                    self._hold(word)
            elif self._is_judged(record):
                is_point = record.kind is not Kind.WRITTEN or self._chance.random() < CUT_IN_WRITES
                if is_point:
                    self._cut(f"before {record}")
                self._folder.apply(record)
                if record.kind is Kind.SYNCED:
                    self._certain = None
                if is_point and record.kind is not Kind.WRITTEN:
                    self._cut(f"after {record}")
        self._check_nothing_was_missed()
        figures = self._figures
        figures.acknowledged_entries = self._acknowledged
        figures.distinct_states = len(self._entries_of)
        figures.payment_files = sum(
            name.endswith(".csv") for name in self._recording.after if name.startswith("outbox/")
        )
        return figures

    def _is_judged(self, record: Record) -> bool:
        below = record.name.removeprefix(f"{self._recording.home.path}/")
        return below.partition("/")[0] in JUDGED

    # --- what was said ----------------------------------------------------------------------------------------

    def _hold(self, word: Word) -> None:
        """A cut at this very moment, and the worst of all: does the journal know what was said?"""
        words = self._figures.words
        words[word.sort] = words.get(word.sort, 0) + 1
        if self._certain is None:
            try:
                self._certain = self._entries_in(self._folder.after_cut(LOSE, self._chance))
            except Broken as error:
                self._certain = len(self._links)  # one broken state is one problem, not one with every word
                self._blame("other_problems", f"when {word.said} left: {error}")
        backing = word.backing(self._links[: self._certain])
        if backing is None:
            self._blame("spoken_too_early", f"{word.said} left before the journal had it for certain")
        else:
            self._acknowledged = max(self._acknowledged, backing)

    # --- what is left -----------------------------------------------------------------------------------------

    def _cut(self, when: str) -> None:
        self._figures.cut_points += 1
        for how in self._cuts:
            self._figures.crash_states += 1
            try:
                entries = self._entries_in(self._folder.after_cut(how, self._chance))
                if entries < self._acknowledged:
                    raise Lost(f"{entries} entries are left, {self._acknowledged} were acknowledged")
            except Lost as error:
                self._blame("lost_acknowledged", f"cut {when}, {how}: {error}")
            except Broken as error:
                self._blame("other_problems", f"cut {when}, {how}: {error}")

    def _entries_in(self, tree: Tree) -> int:
        """How many entries a crash state holds. Raises Broken when anything in it is not whole."""
        state = _digest(tree)
        if state not in self._entries_of:
            with self._journal_of(tree) as journal:
                verdict = verify(journal)
                if not verdict.ok:
                    raise Broken(f"the journal is broken: {verdict.problem}")
                seq, head = journal.head()
                if seq and (seq > len(self._links) or self._links[seq - 1].hash.hex() != head):
                    raise Broken(f"entry {seq} is none that was ever written")
                _check_payment_files(tree, journal, self._links[:seq])
            self._check_store(tree, self._links[:seq])
            self._entries_of[state] = seq
        return self._entries_of[state]

    @contextmanager
    def _journal_of(self, tree: Tree) -> Iterator[Journal]:
        home = self._scratch / "journal-of"
        shutil.rmtree(home, ignore_errors=True)
        lay_out(tree, home, below="journal")
        try:
            with closing(Journal.open(home / "journal" / "journal.db", SystemClock())) as journal:
                yield journal
        except KassaError as error:
            raise Broken(f"the journal cannot be used: {error}") from error

    def _check_store(self, tree: Tree, links: Links) -> None:
        """Behind `current` lies the old store or the new one, whole, and not the old one once the new one was adopted."""
        target = tree.get(f"snapshots/{CURRENT}")
        if not isinstance(target, str) or not isinstance(content := tree.get(f"snapshots/{target}"), bytes):
            raise Broken(f"no subscriber store behind {CURRENT} -> {target!r}")
        stores = [_store_in(self._recording.before), _store_in(self._recording.after)]
        if content not in stores:
            raise Broken(f"the subscriber store {target} is neither the old one nor the new one")
        path = self._scratch / "store.db"
        path.write_bytes(content)
        try:
            with closing(Snapshot.open(path)) as snapshot:
                sha256 = snapshot.info.sha256
        except SnapshotError as error:
            raise Broken(str(error)) from error
        adopted = [one.entry.sha256 for one in links if isinstance(one.entry, e.SnapshotAdopted)]
        if adopted and sha256 != adopted[-1] and content != stores[-1]:
            raise Broken(f"the journal adopted {adopted[-1][:12]}, the store is {sha256[:12]}")

    def _read_links(self, tree: Tree) -> list[Link]:
        with self._journal_of(tree) as journal, journal.reading() as db:
            return list(walk(db))

    def _check_nothing_was_missed(self) -> None:
        """What the records lead to is what lies there: no way of writing went past the recorder."""
        found, expected = self._folder.live(), _judged(self._recording.after)
        for name in sorted(found.keys() | expected.keys()):
            if name != HOLDS_NO_DATA and found.get(name, b"-") != expected.get(name, b"-"):
                self._blame("other_problems", f"the recorder missed something that was done to {name}")

    def _blame(self, count: str, problem: str) -> None:
        setattr(self._figures, count, getattr(self._figures, count) + 1)
        if len(self._figures.problems) < PROBLEMS_MAX:
            self._figures.problems.append(problem)


def _check_payment_files(tree: Tree, journal: Journal, links: Links) -> None:
    """A file under its final name is the batch's, whole; and what is noted as written is there."""
    frozen = {one.entry.name: one.entry for one in links if isinstance(one.entry, e.BatchFrozen)}
    for name, content in tree.items():
        folder, _, file = name.partition("/")
        if folder != "outbox" or not file.endswith(".csv"):
            continue
        if file not in frozen:
            raise Broken(f"{file} is there, and no batch of that name was frozen")
        if content != file_of(journal, frozen[file].batch).content:
            raise Broken(f"{file} has {len(content or b'')} bytes that are not those of its batch")
    for one in links:
        if isinstance(one.entry, e.BatchWritten) and f"outbox/{one.entry.name}" not in tree:
            raise Broken(f"{one.entry.name} is noted as written, and is not there")


def _judged(tree: Tree) -> Tree:
    return {name: found for name, found in tree.items() if name.partition("/")[0] in JUDGED}


def _store_in(tree: Tree) -> bytes:
    target = tree[f"snapshots/{CURRENT}"]
    assert isinstance(target, str)
    content = tree[f"snapshots/{target}"]
    assert isinstance(content, bytes)
    return content


def _digest(tree: Tree) -> bytes:
    hashed = hashlib.sha256()
    for name, found in sorted(tree.items()):
        content = found if isinstance(found, bytes) else repr(found).encode()
        hashed.update(f"{name}\0{type(found)}{len(content)}\0".encode())
        hashed.update(content)
    return hashed.digest()


@contextmanager
def _scratch() -> Iterator[Path]:
    """A folder for crash states; in memory where that is possible, as each is written only to be read once."""
    with tempfile.TemporaryDirectory(
        prefix="kassa-recorder-", dir=FAST_DISK if FAST_DISK.is_dir() else None
    ) as found:
        yield Path(found)
