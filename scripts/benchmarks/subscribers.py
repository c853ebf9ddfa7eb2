"""Import and look-up: a file of a million rows becomes a snapshot, accounts are found in it."""

from __future__ import annotations

import csv
import json
import random
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path

import apsw
import yardstick
from figures import Figure, Yardstick, spread

from kassa.home import Home
from kassa.subscribers import Snapshot, current_path

ROWS = 1_000_000
LOOK_UPS = 2000
SEED = 1


def make_file(build: Path) -> Path:
    """An invented subscriber file of ROWS rows as of today, made once a day."""
    path = build / f"subscribers-{ROWS}-{datetime.now().astimezone():%Y%m%d}.csv"
    if not path.exists():
        for older in build.glob(f"subscribers-{ROWS}-*"):
            older.unlink()
        maker = Path(__file__).resolve().parent.parent / "make-subscribers"
        day = f"{datetime.now().astimezone():%Y-%m-%dT00:00:00%z}"
        coming = path.with_suffix(".coming")
        subprocess.run([sys.executable, maker, str(ROWS), "--date", day, "--out", coming], check=True)
        coming.replace(path)
    return path


def import_into(home: Home, file: Path) -> float:
    """Seconds that `kassa import run` takes, from its start to its end."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "kassa.cli.main", "--home", str(home.path), "import", "run", str(file)]
    done = subprocess.run([*command, "--profile", "kassa_csv", "--json"], capture_output=True, check=False)
    taken = time.perf_counter() - began
    if done.returncode != 0 or json.loads(done.stdout)["accepted"] != ROWS:
        raise SystemExit(f"the import failed: {done.stdout.decode()}{done.stderr.decode()}")
    return taken


def measure(build: Path, home: Home) -> Iterator[Figure]:
    """Rows a second, memory of the worker, milliseconds a look-up."""
    file = make_file(build)
    before = _csv_reader_s(file)
    taken = import_into(home, file)
    plain = Yardstick("the same file through csv.reader", min(before, _csv_reader_s(file)))
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    yield Figure(
        part="import", name="CSV of 1,000,000 rows, windows-1251", value=round(taken, 2), unit="s",
        yardstick=plain, detail=f"{ROWS / taken:,.0f} rows/s, start of the process included",
    )  # fmt: skip
    yield Figure(
        part="import", name="memory of the import, at most", value=round(peak), unit="MB",
        yardstick=yardstick.megabyte(), tolerance=0.1,
    )  # fmt: skip
    accounts = _accounts(file)
    times, selects = _look_up_ms(home, accounts), _select_ms(home, accounts)
    yield Figure(
        part="import", name="look-up of an account", value=round(statistics.median(times), 4), unit="ms",
        yardstick=Yardstick("a bare SELECT of the account's rows", statistics.median(selects)),
        detail=spread(times, "ms"),
    )  # fmt: skip


def _csv_reader_s(file: Path) -> float:
    began = time.perf_counter()
    with file.open(encoding="cp1251", newline="") as lines:
        assert sum(1 for _ in csv.reader(lines, delimiter=";")) > ROWS
    return time.perf_counter() - began


def _accounts(file: Path) -> list[str]:
    """LOOK_UPS accounts from everywhere in the file, in no order."""
    with file.open(encoding="cp1251") as lines:
        found = [
            line.partition(";")[0] for number, line in enumerate(lines) if number % (ROWS // LOOK_UPS) == 1
        ]
    random.Random(SEED).shuffle(found)
    return found


def _look_up_ms(home: Home, accounts: list[str]) -> list[float]:
    path = current_path(home.snapshots)
    assert path is not None
    snapshot, times = Snapshot.open(path), []
    for account in accounts:
        began = time.perf_counter()
        assert snapshot.find(account) is not None
        times.append((time.perf_counter() - began) * 1000)
    snapshot.close()
    return times


def _select_ms(home: Home, accounts: list[str]) -> list[float]:
    path = current_path(home.snapshots)
    assert path is not None
    times = []
    with closing(apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)) as db:
        for account in accounts:
            began = time.perf_counter()
            assert db.execute("SELECT * FROM balance WHERE account = ?", (account,)).fetchall()
            times.append((time.perf_counter() - began) * 1000)
    return times
