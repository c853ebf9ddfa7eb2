"""Asking a snapshot: who has this account, and what is its balance. Owns the store's schema and version.

A snapshot is one SQLite file that never changes once it has its name. The importer writes it aside and swaps it in;
the core opens it read-only and forgets it when a newer one is there.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

import apsw

from kassa.errors import KassaError
from kassa.money import MINOR_DIGITS, MINOR_MAX, Money
from kassa.untrusted import printable

STORE_VERSION = 1
"""Goes up with every change of the schema; another version is refused, never guessed at."""

APPLICATION_ID = 0x4B617373
"""`Kass`: marks the file as a subscriber store of ours."""

CURRENT = "current"
"""The link in the folder of snapshots that names the one in use."""

SERVICES_OF_ACCOUNT_MAX = 100
"""Rows of one account that are shown; as many services as a terminal can have."""

SCHEMA = (
    f"PRAGMA application_id = {APPLICATION_ID}",
    f"PRAGMA user_version = {STORE_VERSION}",
    "CREATE TABLE info (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    """CREATE TABLE balance (
        account TEXT NOT NULL,     -- normal form: what a customer types
        service TEXT NOT NULL,     -- our service id
        name TEXT NOT NULL,
        address TEXT NOT NULL,
        minor INTEGER NOT NULL,    -- kopecks, minus is a debt
        line INTEGER NOT NULL      -- where the row stood in the operator's file
    )""",
)
"""Run once, before the rows come in."""

INDEX = "CREATE UNIQUE INDEX balance_of_account ON balance (account, service)"
"""Made after the rows are in: a third of the time. It fails when an account has a service twice."""

TABLES = frozenset({INDEX, *(statement for statement in SCHEMA if statement.startswith("CREATE"))})
"""All that a finished store holds, in SQLite's own record of it."""


class SnapshotError(KassaError):
    """A subscriber store cannot be used: broken, or made by another version."""


@dataclass(frozen=True, slots=True)
class SnapshotInfo:
    """Where a snapshot comes from and how old it is."""

    file: str
    """Name of the operator's file, printable."""
    sha256: str
    """Hex digest of that file's bytes."""
    profile: str
    profile_sha256: str
    """Of the layout the file was read by: a mended profile reads the same file anew."""
    currency: str
    as_of: datetime
    """The moment the operator's data speak of, with offset."""
    as_of_is_certain: bool
    """False: the file did not say, its own time was taken."""
    loaded_at: datetime
    accounts: int
    rows: int
    """Pairs of account and service."""
    applied_batch: int | None = None
    """The last payment batch of this terminal that is already inside the balances; None: the file does not say."""

    def to_rows(self) -> list[tuple[str, str]]:
        """As the table `info` keeps it."""
        return [
            ("file", self.file),
            ("sha256", self.sha256),
            ("profile", self.profile),
            ("profile_sha256", self.profile_sha256),
            ("currency", self.currency),
            ("as_of", self.as_of.isoformat()),
            ("as_of_is_certain", str(int(self.as_of_is_certain))),
            ("loaded_at", self.loaded_at.isoformat()),
            ("accounts", str(self.accounts)),
            ("rows", str(self.rows)),
            ("applied_batch", "" if self.applied_batch is None else str(self.applied_batch)),
        ]

    @classmethod
    def from_rows(cls, rows: dict[str, str]) -> Self:
        """What `to_rows` wrote. Raises KeyError or ValueError when it is something else."""
        return cls(
            file=rows["file"],
            sha256=rows["sha256"],
            profile=rows["profile"],
            profile_sha256=rows["profile_sha256"],
            currency=rows["currency"],
            as_of=datetime.fromisoformat(rows["as_of"]),
            as_of_is_certain=rows["as_of_is_certain"] == "1",
            loaded_at=datetime.fromisoformat(rows["loaded_at"]),
            accounts=int(rows["accounts"]),
            rows=int(rows["rows"]),
            applied_batch=int(rows["applied_batch"]) if rows["applied_batch"] else None,
        )


@dataclass(frozen=True, slots=True)
class ServiceBalance:
    """The balance of one service of an account; minus is a debt."""

    service: str
    balance: Money


@dataclass(frozen=True, slots=True)
class Subscriber:
    """Whom an account belongs to, unmasked, with every service the operator's file named."""

    account: str
    name: str
    address: str
    services: tuple[ServiceBalance, ...]

    def balance(self, service: str) -> Money | None:
        """The balance of one service; None when the account does not have it."""
        return next((one.balance for one in self.services if one.service == service), None)


class Snapshot:
    """One subscriber store, open for reading. Not to be shared between threads."""

    info: SnapshotInfo

    def __init__(self, connection: apsw.Connection, path: Path) -> None:
        self._connection, self._path = connection, path
        version = connection.pragma("user_version")
        if connection.pragma("application_id") != APPLICATION_ID or version != STORE_VERSION:
            raise SnapshotError(
                f"{path} is not a subscriber store of version {STORE_VERSION}; load the operator's file again: kassa import run"
            )
        found = {sql for (sql,) in connection.execute("SELECT sql FROM sqlite_schema")}
        if found != TABLES:  # a view in the place of a table could answer for ever
            raise ValueError("other tables than ours")
        info = dict(connection.execute("SELECT name, value FROM info"))
        if {type(value) for value in info.values()} - {str}:
            raise ValueError("values that are no text")
        self.info = SnapshotInfo.from_rows(info)
        if self.info.currency not in MINOR_DIGITS or self.info.as_of.tzinfo is None:
            raise ValueError("currency or date")

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open a finished store read-only, without locks: nobody ever writes to it again. Raises SnapshotError."""
        try:
            connection = apsw.Connection(
                f"file:{quote(os.fsencode(path.absolute()))}?immutable=1",
                flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI,
            )
        except apsw.Error as error:
            raise SnapshotError(f"{path} cannot be opened: {printable(str(error))}") from error
        try:
            return cls(connection, path)
        except (apsw.Error, KeyError, ValueError) as error:
            connection.close()
            raise SnapshotError(
                f"{path} is broken ({printable(str(error))}); load the operator's file again: kassa import run"
            ) from error
        except SnapshotError:
            connection.close()
            raise

    def find(self, account: str) -> Subscriber | None:
        """The subscriber with exactly this account number, its services in the file's own order.

        Raises SnapshotError when the store turns out to be broken.
        """
        try:
            rows: list[Any] = self._connection.execute(
                "SELECT service, minor, name, address FROM balance WHERE account = ? ORDER BY line LIMIT ?",
                (account, SERVICES_OF_ACCOUNT_MAX),
            ).fetchall()
        except (apsw.Error, UnicodeDecodeError) as error:
            raise SnapshotError(
                f"{self._path} is broken ({printable(str(error))}); load the operator's file again"
            ) from error
        if not rows:
            return None
        if not all(map(_is_sound, rows)):
            raise SnapshotError(
                f"{self._path} is broken (a row of {account}); load the operator's file again"
            )
        services = tuple(
            ServiceBalance(service, Money(minor, self.info.currency)) for service, minor, _, _ in rows
        )
        return Subscriber(account, rows[0][2], rows[0][3], services)

    def close(self) -> None:
        """Give the file back."""
        self._connection.close()


def _is_sound(row: tuple[object, ...]) -> bool:
    """Whether service, balance, name and address are what the importer stores; SQLite's types bind nobody."""
    service, minor, name, address = row
    return (
        type(minor) is int and abs(minor) <= MINOR_MAX and {type(service), type(name), type(address)} == {str}
    )


def current_path(snapshots: Path) -> Path | None:
    """The store in use, behind the link `current`; None when no file was ever loaded."""
    link = snapshots / CURRENT
    try:
        path = snapshots / os.readlink(link)
    except FileNotFoundError:
        return None
    except OSError:
        return link  # not a link of ours: whoever opens it learns that it is no store
    return path if path.exists() else None


def open_current(snapshots: Path) -> Snapshot | None:
    """Open the store in use; None when no file was ever loaded. Raises SnapshotError."""
    path = current_path(snapshots)
    return Snapshot.open(path) if path else None


_STARS = "***"
"""Always three, so that the length of a name is not shown either."""

_LEGAL_FORMS = frozenset(
    ["ООО", "ОАО", "ПАО", "ЗАО", "АО", "НАО", "ИП", "ТСЖ", "ТСН", "СНТ", "МУП", "ГУП", "ФГУП", "НКО", "ГБУ", "МБУ",
     "ФГБУ", "LLC", "LTD"]
)  # fmt: skip


def mask_name(name: str) -> str:
    """A name in which its bearer recognises himself and nobody else does: `Ёл*** А. П.`.

    The surname keeps two letters (one, when it is short), the other words their first. A company keeps its legal
    form: `ООО Ро***`.
    """
    words = re.findall(r"\w+(?:[-'’]\w+)*", name)
    legal = [word for word in words[:1] if word.upper() in _LEGAL_FORMS]
    first, *others = words[len(legal) :] or [""]
    if not first:
        return " ".join([*legal, _STARS]) if legal else ""
    shown = first[: 2 if len(first) > 3 else 1] + _STARS
    initials = [] if legal and legal[0].upper() != "ИП" else [f"{word[0].upper()}." for word in others[:2]]
    return " ".join([*legal, shown, *initials])


_HOUSE = re.compile(
    r"(?<!\w)(?:д|дом|кв|квартира|корп|корпус|к|стр|строение|оф|офис|ком|комн|комната|под|подъезд|эт|этаж|вл|лит|литера)"
    r"(?:\.|\s|(?=\d))",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\d[\w/\\-]*")
_LAST_NUMBER = re.compile(r"(?<!\w)\d[\w/\\-]*(?=\W*$)")


def mask_address(address: str) -> str:
    """Town and street stay, the numbers of house and flat do not: `г. Примерск, ул. Садовая, д. *, кв. *`.

    A number inside a street's name (`ул. 50 лет Октября`) stays where house and flat are set off by commas.
    """
    parts = [part.strip() for part in address.split(",")]
    return ", ".join(
        (_NUMBER if _HOUSE.search(part) else _LAST_NUMBER).sub("*", part) for part in parts if part
    )
