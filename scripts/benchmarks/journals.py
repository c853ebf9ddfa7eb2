"""The journal: a note's commit, and the start and the check of a terminal that has a million payments behind it."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import IO

import apsw
import yardstick
from figures import Figure, Yardstick, spread
from long_journal import PAYMENTS, TERMINAL

from kassa.clock import SystemClock
from kassa.demo.stage import Stage
from kassa.home import Home
from kassa.journal import entries as e
from kassa.journal.chain import link
from kassa.journal.store import Journal

NOTES = 500
NOTE_VALUE = 10000
DISK_NOISE = 1.0
"""A disk that others write to as well answers half as fast, and what it does for a growing file differs most."""
STARTS = 5
HASHED_ENTRIES = 500_000


def measure(stage: Stage, long: Path, build: Path) -> Iterator[Figure]:
    """Figures of a terminal without a payment, then of one with the long journal, which is moved to its place."""
    yield from _commits(long, build)
    new = [_start_s(stage) for _ in range(STARTS)]
    yield Figure(
        part="journal", name="start without a payment to ready for commands", value=round(max(new), 2), unit="s",
        yardstick=yardstick.in_seconds(yardstick.bare_process()), detail=spread(new, "s"),
    )  # fmt: skip
    _put_in_place(long, stage.home)
    old = [_start_s(stage) for _ in range(STARTS)]
    yield Figure(
        part="journal", name=f"start with {PAYMENTS:,} payments to ready for commands", value=round(max(old), 2),
        unit="s", yardstick=Yardstick("the start without a payment", max(new)), at_most=1.5, detail=spread(old, "s"),
    )  # fmt: skip
    yield _verify(stage.home)


def _put_in_place(journal: Path, home: Home) -> None:
    for old in home.journal.parent.glob(f"{home.journal.name}*"):
        old.unlink()
    for file in journal.parent.glob(f"{journal.name}*"):
        shutil.move(file, home.journal.with_name(file.name))


# --- a note's commit ---------------------------------------------------------------------------------------------


def _commits(path: Path, build: Path) -> Iterator[Figure]:
    """Commits of notes, each followed by plain writes of as many bytes: at a file's end, and where bytes were before."""
    commits, appends, overwrites = [], [], []
    with (
        closing(Journal.open(path, SystemClock())) as journal,
        tempfile.TemporaryFile(dir=build, buffering=0) as growing,
        tempfile.TemporaryFile(dir=build, buffering=0) as standing,
    ):
        standing.write(bytes(1 << 20))
        log = path.with_name(f"{path.name}-wal")
        _begin(journal)
        before = log.stat().st_size
        _commit_ms(journal)
        size = log.stat().st_size - before
        for _ in range(NOTES):
            _begin(journal)
            commits.append(_commit_ms(journal))
            appends.append(_write_ms(growing, size))
            standing.seek(0)
            overwrites.append(_write_ms(standing, size))
    yield Figure(
        part="journal", name="durable commit of a note", value=round(statistics.median(commits), 3), unit="ms",
        yardstick=Yardstick("append of as many bytes + fdatasync", statistics.median(appends)), ratio_at_most=2,
        detail=f"{size} bytes; {spread(commits, 'ms')}", tolerance=DISK_NOISE,
    )  # fmt: skip
    yield Figure(
        part="journal", name="durable commit of a note, against one in place", value=round(statistics.median(commits), 3),
        unit="ms", yardstick=Yardstick("overwrite of as many bytes + fdatasync", statistics.median(overwrites)),
        detail=f"the overwrites: {spread(overwrites, 'ms')}", tolerance=DISK_NOISE,
    )  # fmt: skip


def _begin(journal: Journal) -> None:
    """End the payment before; a new one, whose note is about to be stacked."""
    if before := journal.open_payment():
        journal.append(e.PaymentCredited(payment=before.number, total=before.paid, reason="finish"))
    payment, note = f"{TERMINAL}-{journal.next_payment():010}", journal.next_note()
    journal.append(
        e.PaymentOpened(payment=payment, service="internet", account="0017742", snapshot=None),
        e.StackIntended(payment=payment, note=note, value=NOTE_VALUE),
    )


def _commit_ms(journal: Journal) -> float:
    """The note that was begun falls into the cassette: what its acknowledgement waits for."""
    intent = journal.open_intent()
    assert intent is not None
    began = time.perf_counter()
    journal.append(e.NoteStacked(payment=intent.payment, note=intent.note, value=intent.value))
    return (time.perf_counter() - began) * 1000


def _write_ms(file: IO[bytes], size: int) -> float:
    content = bytes(size)
    began = time.perf_counter()
    file.write(content)
    os.fdatasync(file.fileno())
    return (time.perf_counter() - began) * 1000


# --- start and check ---------------------------------------------------------------------------------------------


def _start_s(stage: Stage) -> float:
    """From the process's start until the core takes commands, with nothing of the journal in memory."""
    if stage.home.journal.exists():
        _forget(stage.home.journal)
    began = time.perf_counter()
    stage.start_core()
    taken = time.perf_counter() - began
    stage.stop_core()
    return taken


def _forget(path: Path) -> None:
    """Let the machine read the file from its disk again."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _verify(home: Home) -> Figure:
    began = time.perf_counter()
    command = [
        sys.executable,
        "-m",
        "kassa.cli.main",
        "--home",
        str(home.path),
        "journal",
        "verify",
        "--json",
    ]
    done = subprocess.run(command, capture_output=True, check=False)
    taken = time.perf_counter() - began
    verdict = json.loads(done.stdout)
    if not verdict["ok"]:
        raise SystemExit(f"the long journal is not whole: {verdict}")
    hashed_s = _hash_all_s(home.journal, verdict["entries"])
    return Figure(
        part="journal", name=f"verify of {PAYMENTS:,} payments", value=round(taken, 1), unit="s", at_most=15,
        yardstick=Yardstick("each entry read and hashed, once, on one core", hashed_s),
        detail=f"{verdict['entries']:,} entries, {home.journal.stat().st_size >> 20} MiB",
    )  # fmt: skip


def _hash_all_s(journal: Path, entries: int) -> float:
    """How long the chain alone would take, from its first part."""
    with closing(apsw.Connection(str(journal))) as db:
        began = time.perf_counter()
        before = bytes(32)
        for row in db.execute(
            "SELECT seq, at, kind, body FROM entries ORDER BY seq LIMIT ?", (HASHED_ENTRIES,)
        ):
            before = link(before, *row)
        return (time.perf_counter() - began) * entries / HASHED_ENTRIES
