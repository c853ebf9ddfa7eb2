"""What this machine can do: noise and slow disks are seen here, beside the figures that they spoil."""

from __future__ import annotations

import hashlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from figures import Figure, Yardstick, spread

HASHED_MB = 64
COMMITS = 50
RECORD_BYTES = 4096
STEPS = 1_000_000
REPEATS = 5


def measure(build: Path) -> Iterator[Figure]:
    """How fast one core hashes and counts, what a process costs, and how long a durable write of 4 KiB takes."""
    block = bytes(1 << 20)
    began = time.perf_counter()
    hashed = hashlib.sha256()
    for _ in range(HASHED_MB):
        hashed.update(block)
    speed = HASHED_MB / (time.perf_counter() - began)
    yield Figure(part="yardstick", name="sha256 on one core", value=round(speed), unit="MB/s")
    for one in (python_loop(), bare_process()):
        yield Figure(part="yardstick", name=one.name, value=round(one.value, 1), unit="ms")
    syncs = _sync_ms(build)
    middle = round(statistics.median(syncs), 2)
    detail = spread(syncs, "ms")
    yield Figure(part="yardstick", name="write + fdatasync of 4 KiB", value=middle, unit="ms", detail=detail)


def python_loop() -> Yardstick:
    """Milliseconds for STEPS steps of a loop of Python: for all that waits for one core."""
    return Yardstick(f"{STEPS:,} steps of a loop of Python", 1000 * min(_loop_s() for _ in range(REPEATS)))


def bare_process() -> Yardstick:
    """Milliseconds for the start and the end of a Python that does nothing: for all that starts."""
    return Yardstick("python -c pass", 1000 * min(_process_s() for _ in range(REPEATS)))


def in_seconds(one: Yardstick) -> Yardstick:
    """The same for a figure in seconds."""
    return Yardstick(one.name, one.value / 1000)


def megabyte() -> Yardstick:
    """Sizes are the same on every machine, so they are their own ratio."""
    return Yardstick("1 MB", 1.0)


def _loop_s() -> float:
    began = time.perf_counter()
    found: dict[int, int] = {}
    for step in range(STEPS):
        found[step & 255] = step
    return time.perf_counter() - began


def _process_s() -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", "pass"], check=True)
    return time.perf_counter() - began


def _sync_ms(build: Path) -> list[float]:
    found = []
    with tempfile.TemporaryFile(dir=build, buffering=0) as file:
        for _ in range(COMMITS):
            began = time.perf_counter()
            file.write(bytes(RECORD_BYTES))
            os.fdatasync(file.fileno())
            found.append((time.perf_counter() - began) * 1000)
    return found
