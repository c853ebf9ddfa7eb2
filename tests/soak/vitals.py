"""What the kernel knows of a running process: its memory, descriptors, threads and processor time."""

from __future__ import annotations

import os
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Vitals:
    """One look at a process."""

    pid: int
    at_s: float
    rss_kb: int
    pss_kb: int
    """Memory of its own, and its share of what it has in common with others: smaller when a neighbour starts."""
    own_kb: int
    """What no file stands behind: nobody else can make it grow."""
    descriptors: Counter[str]
    """By what they lead to."""
    threads: int
    cpu_s: float


def look_at(pid: int) -> Vitals:
    """Look at a process. Raises FileNotFoundError or ProcessLookupError when it is gone."""
    process = Path("/proc", str(pid))
    memory = dict(
        line.split(":", 1) for line in _read(process / "smaps_rollup").splitlines()[1:] if ":" in line
    )
    return Vitals(
        pid=pid,
        at_s=time.monotonic(),
        rss_kb=int(memory["Rss"].split()[0]),
        pss_kb=int(memory["Pss"].split()[0]),
        own_kb=int(memory["Pss_Anon"].split()[0]),
        descriptors=_descriptors(process / "fd"),
        threads=len(os.listdir(process / "task")),
        cpu_s=_cpu_s(process),
    )


def children(pid: int) -> dict[int, list[str]]:
    """The processes that one has started, each with its command line."""
    found = {}
    for task in Path("/proc", str(pid), "task").glob("*/children"):
        for child in _read(task).split():
            try:
                words = _read(Path("/proc", child, "cmdline")).split("\0")
            except FileNotFoundError:  # it ended meanwhile
                continue
            found[int(child)] = words
    return found


def _descriptors(folder: Path) -> Counter[str]:
    kinds: Counter[str] = Counter()
    for name in os.listdir(folder):
        try:
            kinds[_kind(os.readlink(folder / name))] += 1
        except FileNotFoundError:  # closed meanwhile
            continue
    return kinds


def _kind(target: str) -> str:
    """`socket:[733629]` -> `socket`; of a file its folder: snapshots and terminals have ever new names."""
    if not target.startswith("/"):
        return target.partition(":[")[0]
    is_deleted = target.endswith(" (deleted)")
    return f"{Path(target).parent.name}/{' (deleted)' if is_deleted else ''}"


def _cpu_s(process: Path) -> float:
    fields = _read(process / "stat").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_A_SECOND


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")
