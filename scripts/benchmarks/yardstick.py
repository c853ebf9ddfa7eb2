"""What this machine can do: noise and slow disks are seen here, beside the figures that they spoil."""

from __future__ import annotations

import hashlib
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from figures import Figure, spread

HASHED_MB = 64
COMMITS = 50
RECORD_BYTES = 4096


def measure(build: Path) -> Iterator[Figure]:
    """How fast one core hashes, and how long a durable write of 4 KiB takes."""
    block = bytes(1 << 20)
    began = time.perf_counter()
    hashed = hashlib.sha256()
    for _ in range(HASHED_MB):
        hashed.update(block)
    speed = HASHED_MB / (time.perf_counter() - began)
    yield Figure(part="yardstick", name="sha256 on one core", value=round(speed), unit="MB/s")
    syncs = _sync_ms(build)
    middle = round(statistics.median(syncs), 2)
    detail = spread(syncs, "ms")
    yield Figure(part="yardstick", name="write + fdatasync of 4 KiB", value=middle, unit="ms", detail=detail)


def _sync_ms(build: Path) -> list[float]:
    found = []
    with tempfile.TemporaryFile(dir=build, buffering=0) as file:
        for _ in range(COMMITS):
            began = time.perf_counter()
            file.write(bytes(RECORD_BYTES))
            os.fdatasync(file.fileno())
            found.append((time.perf_counter() - began) * 1000)
    return found
