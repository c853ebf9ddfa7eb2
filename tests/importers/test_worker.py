"""The worker's own process: it may cost so much and not more, and it answers in words whatever happens."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import resource
import subprocess
import time
from pathlib import Path

import pytest

from importers.__main__ import ADDRESS_SPACE_BYTES, CPU_SECONDS, NICENESS
from importers.job import means_disk_full
from kassa.home import Home
from kassa.importing import ImporterFault, ImporterNotNow, read_outcome, worker_command, worker_environment
from kassa.subscribers import current_path, open_current

WAIT_MAX_S = 30.0
ROW = "{:07};Ёлкина А. П.;;Интернет;-350,50;24.11.2026\n"
HEADER = "Лицевой счёт;ФИО;Адрес;Услуга;Баланс;Дата\n"


def csv_file(path: Path, rows: int) -> Path:
    path.write_text(HEADER + "".join(map(ROW.format, range(rows))), encoding="cp1251")
    return path


def work(
    home: Home, file: Path, limits: str = "", profile: str = "kassa_csv"
) -> subprocess.CompletedProcess[bytes]:
    """Run a worker; `limits` are statements over its module `m`, before it begins."""
    command = worker_command(home, profile, file)
    if limits:
        start = f"import sys; import importers.__main__ as m; {limits}; sys.exit(m.main(sys.argv[1:]))"
        command = [command[0], "-c", start, *command[3:]]
    return subprocess.run(
        command, env=worker_environment(), capture_output=True, timeout=WAIT_MAX_S, check=False
    )


def test_its_limits_and_its_low_priority_are_real(home: Home, tmp_path: Path) -> None:
    with (home.run / "import.lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # so that it waits, and can be looked at
        worker = subprocess.Popen(
            worker_command(home, "kassa_csv", csv_file(tmp_path / "base.csv", 1)),
            env=worker_environment(),
            stdout=subprocess.DEVNULL,
        )
        try:
            give_up = time.monotonic() + WAIT_MAX_S
            while not _has_open(worker.pid, "import.lock"):
                assert time.monotonic() < give_up

            assert resource.prlimit(worker.pid, resource.RLIMIT_AS) == (
                ADDRESS_SPACE_BYTES,
                ADDRESS_SPACE_BYTES,
            )
            assert resource.prlimit(worker.pid, resource.RLIMIT_CPU)[0] == CPU_SECONDS
            assert resource.prlimit(worker.pid, resource.RLIMIT_CORE) == (0, 0)
            assert os.getpriority(os.PRIO_PROCESS, worker.pid) == NICENESS
        finally:
            worker.kill()
            worker.wait()


def _has_open(process: int, name: str) -> bool:
    for link in Path(f"/proc/{process}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            if link.readlink().name == name:
                return True
    return False


def test_a_file_that_needs_too_much_memory_is_a_fault_in_words(home: Home, tmp_path: Path) -> None:
    file = tmp_path / "base.xml"
    file.write_bytes(b"<subscribers>" + b"<a/>" * 200_000 + b"<s>" + b"x" * 9_000_000 + b"</s></subscribers>")

    done = work(home, file, "m.ADDRESS_SPACE_BYTES = 300 << 20", "kassa_xml")

    with pytest.raises(ImporterFault, match="memory"):
        read_outcome(done.returncode, done.stdout, done.stderr)
    assert current_path(home.snapshots) is None


def test_a_file_that_needs_too_much_time_is_a_fault_in_words(home: Home, tmp_path: Path) -> None:
    file = tmp_path / "base.xml"
    file.write_bytes(b"<subscribers>" + b"<a/>" * 3_000_000 + b"</subscribers>")

    done = work(home, file, "m.CPU_SECONDS = 1", "kassa_xml")

    with pytest.raises(ImporterFault, match="processor time"):
        read_outcome(done.returncode, done.stdout, done.stderr)
    assert current_path(home.snapshots) is None


def test_a_disk_that_fills_up_while_the_store_is_built_is_no_fault_of_the_file(
    home: Home, tmp_path: Path
) -> None:
    full = "import importers.snapshot as s; s._BUILDING += ('PRAGMA max_page_count = 20',)"  # SQLite's own SQLITE_FULL

    done = work(home, csv_file(tmp_path / "base.csv", 20_000), full)

    with pytest.raises(ImporterNotNow, match="мало места"):
        read_outcome(done.returncode, done.stdout, done.stderr)
    assert not list(home.run.glob("*.spool"))
    assert not list(home.snapshots.iterdir())


@pytest.mark.parametrize(
    ("code", "is_full"), [(errno.ENOSPC, True), (errno.EDQUOT, True), (errno.EIO, False)]
)
def test_an_error_of_the_system_says_whether_the_disk_is_full(code: int, is_full: bool) -> None:
    assert means_disk_full(OSError(code, "")) is is_full


def test_somebody_elses_import_is_waited_for_and_then_it_is_not_now(home: Home, tmp_path: Path) -> None:
    with (home.run / "import.lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = work(home, csv_file(tmp_path / "base.csv", 1), "m.LOCK_WAIT_S = 0.2")

    with pytest.raises(ImporterNotNow, match="другой импорт"):
        read_outcome(done.returncode, done.stdout, done.stderr)


def test_what_a_killed_worker_left_is_cleaned_up_by_the_next(home: Home, tmp_path: Path) -> None:
    (home.run / "import-123.spool").write_bytes(b"half a file")
    (home.snapshots / "123.db.partial").write_bytes(b"half a store")
    (home.snapshots / "current.partial").symlink_to("nowhere")

    done = work(home, csv_file(tmp_path / "base.csv", 3))

    outcome = read_outcome(done.returncode, done.stdout, done.stderr)
    assert outcome.accepted == 3
    assert not (home.run / "import-123.spool").exists()
    assert {path.name for path in home.snapshots.iterdir()} == {"current", Path(outcome.snapshot or "").name}


KILLER = """
import os, signal
steps = 0
def counted(real):
    def call(*arguments, **named):
        global steps
        steps += 1
        if steps == {at}:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*arguments, **named)
    return call
for name in ("fsync", "replace", "symlink", "unlink"):
    setattr(os, name, counted(getattr(os, name)))
"""


def test_killed_at_any_step_the_data_in_use_are_the_old_or_the_new_ones_and_whole(
    home: Home, tmp_path: Path
) -> None:
    work(home, csv_file(tmp_path / "old.csv", 2))
    new = csv_file(tmp_path / "new.csv", 3)
    seen = []
    for at in range(1, 100):
        done = work(home, new, f"exec({KILLER.format(at=at)!r})")
        snapshot = open_current(home.snapshots)
        assert snapshot is not None
        assert snapshot.info.rows == len(
            {f"{number:07}" for number in range(3) if snapshot.find(f"{number:07}")}
        )
        seen.append(snapshot.info.file)
        snapshot.close()
        if done.returncode == 0:
            break
        assert done.returncode == -9

    assert seen[0] == "old.csv"
    assert seen[-1] == "new.csv"
    assert seen == sorted(seen, reverse=True)  # once new, it stays new
    assert not list(home.run.glob("*.spool"))
    assert not list(home.snapshots.glob("*.partial*"))


@pytest.mark.parametrize(
    ("code", "answer", "complaint", "words"),
    [
        (1, b"", b"Traceback\nValueError: x", "code 1: ValueError: x"),
        (1, b"", b"", "it said nothing"),
        (75, b"", b"", "does not say why"),
        (0, b"", b"", "cannot be read"),
        (2, b"usage: importers", b"", "cannot be read"),
        (-9, b"", b"", "killed"),
        (-11, b"", b"", "signal 11"),
        (0, b'{"status":"perhaps"}', b"", "cannot be read"),
        (0, b'{"status":"\xff"}', b"", "cannot be read"),
        (0, b'{"status":' + b"[" * 100_000 + b"]" * 100_000 + b"}", b"", "cannot be read"),
    ],
)
def test_whatever_a_worker_says_is_understood_or_a_fault(
    code: int, answer: bytes, complaint: bytes, words: str
) -> None:
    with pytest.raises(ImporterFault, match=words):
        read_outcome(code, answer, complaint)
