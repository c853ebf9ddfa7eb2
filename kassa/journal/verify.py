"""Is the journal what it was when it was written? Everything is looked at: pages, chain, tables.

What is read here trusts nothing that was derived: the chain is computed anew from the first entry, and every table is
held against the entries alone. Of a long journal each look is taken by a process of its own, all at the same time.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from itertools import zip_longest
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

import apsw
from msgspec import Struct
from playhouse.apsw_ext import APSWDatabase

from kassa.journal import chain, tables
from kassa.journal.chain import ALL
from kassa.journal.replay import Replayed, replay
from kassa.journal.store import Journal
from kassa.journal.tables import JournalBroken

T = TypeVar("T")

PROBLEMS_SHOWN = 3
"""Of SQLite's own findings, the rest usually follows from the first."""
SCHEMA = "SELECT name, type, tbl_name, sql FROM sqlite_schema ORDER BY name"
AT_ONCE_FROM = 100_000
"""Entries that are worth the start of more processes; fewer are looked through in a second."""
CHAIN_PARTS = 8
"""So that whoever is done with something else has a part of the chain left to take."""
NICENESS = 10
"""A customer at the screen comes first."""
CACHE_KIB = 64 << 10
"""For each process; an index of a million payments is looked up in no order."""
MAPPED_BYTES = 1 << 40
"""More than the file has: SQLite maps all of it, and the machine reads ahead."""


class Verdict(Struct, frozen=True, kw_only=True):
    """What `verify` found. `at` says where the first problem is: `page 7`, `entry 12`, `payments 3`."""

    ok: bool
    entries: int = 0
    payments: int = 0
    notes: int = 0
    documents: int = 0
    batches: int = 0
    head: str | None = None
    problem: str | None = None
    at: str | None = None


def broken(error: JournalBroken) -> Verdict:
    """The verdict on a journal that could not even be opened, or was found broken."""
    return Verdict(ok=False, problem=str(error), at=error.at)


def verify(journal: Journal) -> Verdict:
    """Check all of an open journal; a problem is a verdict, not an exception.

    Raises JournalFailed when the disk fails meanwhile.
    """
    entries, head = journal.head()
    at_once = journal.is_on_own_disk and entries >= AT_ONCE_FROM
    try:
        found = _look_at_once(journal) if at_once else _look_in_turn(journal)
    except JournalBroken as error:
        return broken(error)
    return Verdict(
        ok=True, entries=entries, payments=found.payments, notes=found.notes, documents=found.documents,
        batches=found.batches, head=head,
    )  # fmt: skip


def _look_in_turn(journal: Journal) -> Replayed:
    journal.check_pages()
    with journal.reading() as db:
        _check_structure(db)
        _check_end(chain.check(db), journal)
        return replay(db)


def _look_at_once(journal: Journal) -> Replayed:
    """The same, by as many processes as there are processors; what is found is told in the same order."""
    journal.carry_over()
    starts = range(0, journal.head()[0], -(-journal.head()[0] // CHAIN_PARTS))
    parts = [(start, ALL if start == starts[-1] else starts.step) for start in starts]
    spawned = get_context("spawn")
    with ProcessPoolExecutor(mp_context=spawned, initializer=_begin) as pool:
        # The longest first: nobody can share it.
        replayed = pool.submit(_beside, replay, journal.path)
        structure = pool.submit(_beside, _check_structure, journal.path)
        links = [pool.submit(_beside, chain.check, journal.path, *part) for part in parts]
        try:
            journal.check_pages()
            with journal.reading():
                structure.result()
                ends = [found.result() for found in links]
                _check_end(ends[-1], journal)
                return replayed.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _begin() -> None:
    """A process that looks: it gives way to others, and what it makes never goes round in circles."""
    os.nice(NICENESS)
    gc.disable()


def _beside(look: Callable[..., T], path: str, *values: int) -> T:
    """Take a look in a process of its own: at the file alone, which whoever has the journal open leaves alone meanwhile."""
    flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
    with closing(apsw.Connection(f"{Path(path).absolute().as_uri()}?immutable=1", flags=flags)) as db:
        for setting in (f"cache_size = -{CACHE_KIB}", f"mmap_size = {MAPPED_BYTES}"):
            db.execute(f"PRAGMA {setting}").fetchall()
        return look(db, *values)


def _check_structure(db: apsw.Connection) -> None:
    """SQLite's own check: trees, free list, indexes against tables, constraints; and that nobody changed the schema."""
    found = [row[0] for row in db.execute(f"PRAGMA integrity_check({PROBLEMS_SHOWN})")]
    if found != ["ok"]:
        raise JournalBroken(f"the database is damaged: {'; '.join(found)}", at="database")
    with closing(_empty()) as empty:
        _compare_schemas(db, empty)


def _check_end(last: tuple[int, bytes], journal: Journal) -> None:
    """Whether the chain ends where the journal does."""
    seq, hashed = last
    if (seq, hashed.hex()) != journal.head():
        raise JournalBroken(f"the chain ends with entry {seq}, not {journal.head()[0]}", at=f"entry {seq}")


def _empty() -> apsw.Connection:
    """A database with all tables and nothing in them."""
    flags = apsw.SQLITE_OPEN_URI | apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
    database: APSWDatabase = APSWDatabase("file:", flags=flags)  # type: ignore[no-untyped-call]
    database.connect()
    tables.create(database)
    db: apsw.Connection = database.connection()  # type: ignore[no-untyped-call]
    return db


def _compare_schemas(db: apsw.Connection, made_now: apsw.Connection) -> None:
    for found, expected in zip_longest(db.execute(SCHEMA), made_now.execute(SCHEMA)):
        if found == expected:
            continue
        if expected is None or (found is not None and found[0] < expected[0]):
            name, problem = found[0], "should not exist"
        elif found is None or found[0] > expected[0]:
            name, problem = expected[0], "is missing"
        else:
            name, problem = found[0], "is wrong"
        raise JournalBroken(
            f"schema {name} {problem}: it does not follow from the entries", at=f"schema {name}"
        )
