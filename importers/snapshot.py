"""Validated batches -> a finished subscriber store, built aside and swapped in by one rename.

Built by ADBC's SQLite driver, read back by APSW only after ADBC has let the file go: two SQLite libraries never hold
one file in one process.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import adbc_driver_manager
import adbc_driver_sqlite.dbapi as adbc
import apsw
import pyarrow as pa

from importers.rows import ROWS, Findings
from importers.words import Unusable
from kassa.files import sync_folder
from kassa.importing import Difference
from kassa.subscribers import CURRENT, INDEX, SCHEMA, SnapshotInfo

SNAPSHOTS_KEPT = 3
"""The one in use and two before it: a bad export is found within days."""

PARTIAL = ".partial"
"""Ends the name of a store that is not finished, and of a link not yet renamed."""

CACHE_KIB = 32_768
"""For building the index."""

_BUILDING = (
    # The file is nobody's until it is renamed: after a power cut it is thrown away, so it needs no journal.
    "PRAGMA journal_mode = OFF",
    "PRAGMA synchronous = OFF",
    "PRAGMA locking_mode = EXCLUSIVE",
    "PRAGMA temp_store = MEMORY",
    f"PRAGMA cache_size = -{CACHE_KIB}",
)


class Builder:
    """A store on its way; `close` it before anybody else opens the file."""

    def __init__(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        self.path = path
        self._connection = adbc.connect(f"file:{quote(os.fsencode(path))}", autocommit=True)
        self._cursor = self._connection.cursor()
        for statement in (*_BUILDING, *SCHEMA):
            self._run(statement)

    def take(self, batches: Iterable[pa.RecordBatch]) -> None:
        """Store all batches (schema ROWS). What the iterable raises comes through."""
        failure: list[BaseException] = []

        def watched() -> Iterable[pa.RecordBatch]:
            try:
                yield from batches
            except BaseException as error:
                failure.append(error)  # on its way through Arrow it would lose its class
                raise

        reader = pa.RecordBatchReader.from_batches(ROWS, watched())
        # In a transaction of ours: the driver's own ends with a failing rollback, which hides that the disk was full.
        self._connection.adbc_connection.set_autocommit(False)
        try:
            self._cursor.adbc_ingest("balance", reader, mode="append")
        except BaseException:
            if failure:
                raise failure[0] from None
            raise
        self._connection.adbc_connection.set_autocommit(True)

    def settle_duplicates(self, findings: Findings, *, same_row_ok: bool) -> None:
        """Make the index over account and service. Raises Unusable when a pair is there twice.

        `same_row_ok`: rows that agree in everything stored count once.
        """
        try:
            self._run(INDEX)
            return
        except adbc_driver_manager.Error:
            if not self._count_duplicates():
                raise
        if same_row_ok:
            before = self._number("SELECT count(*) FROM balance")
            self._run(
                "DELETE FROM balance WHERE rowid NOT IN"
                " (SELECT min(rowid) FROM balance GROUP BY account, service, name, address, minor)"
            )
            findings.fixes["fix_same_row"] += before - self._number("SELECT count(*) FROM balance")
        if count := self._count_duplicates():
            account, line = self._rows(
                "SELECT account, max(line) FROM balance GROUP BY account, service HAVING count(*) > 1"
                " ORDER BY min(line) LIMIT 1"
            )[0]
            raise Unusable("duplicates", count=count, account=account, line=line)
        self._run(INDEX)

    def totals(self) -> tuple[int, int, int]:
        """Rows, accounts, and the sum of all balances in minor units."""
        rows, accounts = self._rows("SELECT count(*), count(DISTINCT account) FROM balance")[0]
        # In two halves: a sum of hostile amounts may leave 64 bits.
        high, low = self._rows("SELECT sum(minor / 1000000), sum(minor % 1000000) FROM balance")[0]
        return rows, accounts, (high or 0) * 1_000_000 + (low or 0)

    def describe(self, info: SnapshotInfo) -> None:
        """Say in the store itself where it comes from."""
        for row in info.to_rows():
            self._cursor.execute("INSERT INTO info VALUES (?, ?)", row)

    def close(self) -> None:
        """Let the file go; it may be called twice."""
        self._cursor.close()
        self._connection.close()

    def _count_duplicates(self) -> int:
        return self._number(
            "SELECT count(*) FROM (SELECT 1 FROM balance GROUP BY account, service HAVING count(*) > 1)"
        )

    def _number(self, query: str) -> int:
        return int(self._rows(query)[0][0])

    def _rows(self, query: str) -> list[Any]:
        self._cursor.execute(query)
        return list(self._cursor.fetchall())

    def _run(self, statement: str) -> None:
        self._cursor.execute(statement)
        self._cursor.fetchall()


def swap_in(built: Path, snapshots: Path, name: str) -> Path:
    """Give a built store its name and make it the current one; durable when this returns.

    Killed at any point, `current` names the old store or the new one, each of them whole.
    """
    descriptor = os.open(built, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fchmod(descriptor, 0o400)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    path = snapshots / name
    built.replace(path)
    sync_folder(snapshots)
    link = snapshots / (CURRENT + PARTIAL)
    link.unlink(missing_ok=True)
    link.symlink_to(name)
    link.replace(snapshots / CURRENT)
    sync_folder(snapshots)
    return path


def prune(snapshots: Path, in_use: Path) -> None:
    """Remove all stores but the newest SNAPSHOTS_KEPT; never the one in use."""
    stores = sorted(snapshots.glob("*.db"), key=lambda path: path.stat().st_mtime_ns)
    for store in stores[:-SNAPSHOTS_KEPT]:
        if store != in_use:
            store.unlink(missing_ok=True)


def compare(new: Path, current: Path | None, rows: int) -> Difference:
    """What would change, in pairs of account and service. Both files are finished and only read."""
    if current is None:
        return Difference(new=rows, gone=0, changed=0, same=0)
    connection = apsw.Connection(_read_only(new), flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI)
    try:
        connection.execute("ATTACH ? AS old", (_read_only(current),))
        counts: list[Any] = connection.execute(
            "SELECT count(*), coalesce(sum(n.minor <> o.minor OR n.name <> o.name OR n.address <> o.address), 0)"
            " FROM main.balance n JOIN old.balance o USING (account, service)"
            " UNION ALL SELECT count(*), 0 FROM old.balance"
        ).fetchall()
    finally:
        connection.close()
    (both, changed), (old_rows, _) = counts
    return Difference(new=rows - both, gone=old_rows - both, changed=changed, same=both - changed)


def _read_only(path: Path) -> str:
    return f"file:{quote(os.fsencode(path.absolute()))}?immutable=1"
