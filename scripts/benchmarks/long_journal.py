"""A journal of many years, written as a terminal writes one, only faster: what questions cost at the end of its life.

It is made through `Journal.append` alone, so it is whole in every respect; it takes minutes and is kept in the build
folder under a name that says what it was made of.
"""

from __future__ import annotations

import hashlib
import random
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from kassa.journal import entries as e
from kassa.journal.store import Journal

PAYMENTS = 1_000_000
PAYMENTS_A_DAY = 300
PAYMENTS_A_TRANSACTION = 50
"""A terminal needs a transaction for each entry or two; here one `at` and one sync serve many payments."""
ACCOUNTS = 30_000
NOTES_A_PAYMENT = (1, 1, 1, 2, 2, 3)
NOTE_VALUES = (5000, 10000, 10000, 10000, 50000, 100000)
TERMINAL, DRIVE = "00042", "9999078900001234"
SAMPLE_PAYMENTS = 700
"""Every kind of entry that the long journal has is in the first of them."""
SEED = 1


class Calendar:
    """The clock of the long journal: it stands where it was set."""

    def __init__(self) -> None:
        self._now = datetime(2017, 1, 1, 6, tzinfo=UTC)

    def monotonic(self) -> float:
        """Seconds that only grow."""
        return self._now.timestamp()

    def now(self) -> datetime:
        """Wall time."""
        return self._now

    def go_on(self) -> None:
        """Let the time of one transaction's payments pass."""
        self._now += timedelta(days=PAYMENTS_A_TRANSACTION / PAYMENTS_A_DAY)


def long_journal(build: Path) -> Path:
    """The journal's file; copy it before you change it."""
    kept = build / f"journal-{PAYMENTS}-{_sample()}"
    if not kept.exists():
        click.echo(f"making a journal of {PAYMENTS:,} payments, once; it takes minutes", err=True)
        for older in build.glob(f"journal-{PAYMENTS}-*"):
            shutil.rmtree(older)
        coming = kept.with_name(f"coming-{kept.name}")
        shutil.rmtree(coming, ignore_errors=True)
        write(coming / "journal.db", PAYMENTS)
        coming.replace(kept)
    return kept / "journal.db"


def copy_of(journal: Path, to: Path) -> None:
    """Lay the files of a closed journal at `to`."""
    to.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    for file in journal.parent.iterdir():
        shutil.copyfile(file, to.with_name(file.name.replace(journal.name, to.name)))


def write(path: Path, payments: int) -> None:
    """Write the first `payments` of the long journal: credited, with documents, in no batch."""
    calendar = Calendar()
    with closing(Journal.open(path, calendar)) as journal:
        for entries in transactions(payments):
            journal.append(*entries)
            calendar.go_on()


def transactions(payments: int) -> Iterator[list[e.Entry]]:
    """What a terminal writes until so many payments are made."""
    chance = random.Random(SEED)
    note, document, shift = 0, 0, 0
    for first in range(1, payments + 1, PAYMENTS_A_TRANSACTION):
        entries: list[e.Entry] = []
        if (first - 1) % PAYMENTS_A_DAY == 0:
            if shift:
                document += 1
                entries.append(e.ShiftClosed(number=shift, document_number=document))
            shift, document = shift + 1, document + 1
            entries += [
                e.Started(version="1.0.0", terminal=TERMINAL),
                e.SnapshotAdopted(
                    sha256=hashlib.sha256(b"%d" % shift).hexdigest(), file="subscribers.csv", accounts=ACCOUNTS,
                    as_of=f"day {shift}",
                ),
                e.ShiftOpened(number=shift, document_number=document),
            ]  # fmt: skip
        for ordinal in range(first, min(first + PAYMENTS_A_TRANSACTION, payments + 1)):
            values = chance.choices(NOTE_VALUES, k=chance.choice(NOTES_A_PAYMENT))
            document += 1
            entries += _visit(ordinal, f"{chance.randrange(ACCOUNTS):07}", note, values, document, shift)
            note += len(values)
        yield entries


def _visit(
    ordinal: int, account: str, note: int, values: list[int], document: int, shift: int
) -> Iterator[e.Entry]:
    payment, total = f"{TERMINAL}-{ordinal:010}", sum(values)
    yield e.PaymentOpened(payment=payment, service="internet", account=account, snapshot=None)
    for number, value in enumerate(values, note + 1):
        yield e.StackIntended(payment=payment, note=number, value=value)
        yield e.NoteStacked(payment=payment, note=number, value=value)
    yield e.PaymentCredited(payment=payment, total=total, reason="finish")
    yield e.FiscalIntended(payment=payment, drive_serial=DRIVE, last_document=document - 1)
    yield e.DocumentRegistered(
        payment=payment, number=document, sign=(document * 2654435761) % 2**32, at="2026-11-25T12:00:00+03:00",
        drive_serial=DRIVE, shift=shift, total=total, printed=True,
    )  # fmt: skip


def _sample() -> str:
    """What the first payments of the journal come to, tables and chain: another version of Kassa makes another journal."""
    hashed = hashlib.sha256()
    with tempfile.TemporaryDirectory(prefix="kassa-bench-") as folder:
        path = Path(folder) / "journal.db"
        write(path, SAMPLE_PAYMENTS)
        with closing(Journal.open(path, Calendar())) as journal, journal.reading() as db:
            tables = list(db.execute("SELECT name, sql FROM sqlite_schema ORDER BY name"))
            for name, text in tables:
                hashed.update(f"{name} {text}\n".encode())
                if text and text.startswith("CREATE TABLE"):
                    for row in db.execute(f"SELECT * FROM {name}"):
                        hashed.update(repr(row).encode())
    return hashed.hexdigest()[:12]
