"""Is the journal what it was when it was written? Everything is looked at: pages, chain, tables.

What is read here trusts nothing that was derived: the chain is computed anew from the first entry, and every table is
rebuilt from the entries alone, in a database of its own, and compared row by row.
"""

from __future__ import annotations

from contextlib import closing
from itertools import zip_longest

import apsw
from msgspec import Struct
from peewee import Field, Model
from playhouse.apsw_ext import APSWDatabase

from kassa.journal import tables
from kassa.journal.chain import GENESIS, walk
from kassa.journal.store import Journal
from kassa.journal.tables import EntryRefused, JournalBroken

PROBLEMS_SHOWN = 3
"""Of SQLite's own findings, the rest usually follows from the first."""
SCHEMA = "SELECT name, type, tbl_name, sql FROM sqlite_schema ORDER BY name"
CACHE_KIB = 64 << 10
"""For the rebuilt tables; beyond it SQLite uses a temporary file."""


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
    try:
        journal.check_pages()
        with journal.reading() as db, closing(_empty()) as rebuilt:
            _check_structure(db)
            _compare("schema", SCHEMA, db, rebuilt)
            _rebuild(db, rebuilt, journal.head())
            for table in tables.DERIVED:
                _compare(*_in_order(table), db, rebuilt)
    except JournalBroken as error:
        return broken(error)
    totals = journal.totals()
    return Verdict(
        ok=True, entries=totals.entries, payments=totals.payments, notes=totals.notes, documents=totals.documents,
        batches=totals.batches, head=journal.head()[1],
    )  # fmt: skip


def _empty() -> apsw.Connection:
    """A database with all tables and nothing in them, in memory or a temporary file."""
    flags = apsw.SQLITE_OPEN_URI | apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
    database: APSWDatabase = APSWDatabase("file:", flags=flags)  # type: ignore[no-untyped-call]
    database.connect()
    tables.create(database)
    db: apsw.Connection = database.connection()  # type: ignore[no-untyped-call]
    db.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    db.execute("PRAGMA foreign_keys = 1")
    return db


def _check_structure(db: apsw.Connection) -> None:
    """SQLite's own check: trees, free list, indexes against tables, constraints."""
    found = [row[0] for row in db.execute(f"PRAGMA integrity_check({PROBLEMS_SHOWN})")]
    if found != ["ok"]:
        raise JournalBroken(f"the database is damaged: {'; '.join(found)}", at="database")


def _rebuild(db: apsw.Connection, rebuilt: apsw.Connection, head: tuple[int, str]) -> None:
    """Follow the whole chain and derive the tables from it once more."""
    last = (0, GENESIS.hex())
    rebuilt.execute("BEGIN")
    for found in walk(db):
        try:
            tables.apply(rebuilt, found.seq, found.at, found.entry)
        except (EntryRefused, apsw.ConstraintError) as error:
            words = f"entry {found.seq} contradicts the entries before it: {error}"
            raise JournalBroken(words, at=f"entry {found.seq}") from error
        last = (found.seq, found.hash.hex())
    rebuilt.execute("COMMIT")
    if last != head:
        raise JournalBroken(f"the chain ends with entry {last[0]}, not {head[0]}", at=f"entry {last[0]}")


def _in_order(table: type[Model]) -> tuple[str, str]:
    name, key = table._meta.table_name, table._meta.primary_key
    assert isinstance(key, Field)
    return name, f"SELECT {key.column_name}, * FROM {name} NOT INDEXED ORDER BY {key.column_name}"


def _compare(name: str, statement: str, db: apsw.Connection, rebuilt: apsw.Connection) -> None:
    """The rows must be the same; the first column, by which both are sorted, is what a row is called."""
    for found, expected in zip_longest(db.execute(statement), rebuilt.execute(statement)):
        if found == expected:
            continue
        if expected is None or (found is not None and found[0] < expected[0]):
            key, problem = found[0], "should not exist"
        elif found is None or found[0] > expected[0]:
            key, problem = expected[0], "is missing"
        else:
            key, problem = found[0], "is wrong"
        raise JournalBroken(
            f"{name} {key} {problem}: it does not follow from the entries", at=f"{name} {key}"
        )
