"""The recorder as Python sees it: compiled once, put before a process, and its log read back."""

from __future__ import annotations

import enum
import hashlib
import os
import shutil
import struct
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).with_name("recorder.c")
BUILD = Path(__file__).resolve().parents[2] / "build" / "recorder"
FLAGS = ("-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC")
LIBRARIES = ("-ldl", "-pthread")
_HEAD = struct.Struct("=6Iq")


class Kind(enum.Enum):
    """What was done; the values are those of recorder.c."""

    CREATED = "C"
    WRITTEN = "W"
    TRUNCATED = "T"
    SYNCED = "S"
    RENAMED = "R"
    REMOVED = "U"
    FOLDER_MADE = "M"
    LINKED = "L"
    SENT = "X"
    SENT_LESS = "Y"
    RECEIVED = "I"


SPOKEN = frozenset({Kind.SENT, Kind.SENT_LESS, Kind.RECEIVED})
"""These are between the process and the world, the others between it and the disk."""


@dataclass(frozen=True, slots=True)
class Record:
    """One thing that a process did. `at` is an offset, a size, or how many bytes were taken."""

    kind: Kind
    process: int
    descriptor: int
    name: str
    other: str
    at: int
    data: bytes

    def __str__(self) -> str:
        return f"{self.kind.name.lower()} {self.name}" + (f" -> {self.other}" if self.other else "")


def library() -> Path:
    """The compiled recorder; its name is the hash of all that it is made of, so that it is made once."""
    recipe = SOURCE.read_bytes() + " ".join(FLAGS + LIBRARIES).encode()
    made = BUILD / f"recorder-{hashlib.sha256(recipe).hexdigest()[:16]}.so"
    if not made.exists():
        compiler = shutil.which("gcc")
        assert compiler, "gcc is missing; scripts/environment.sh installs it"
        BUILD.mkdir(parents=True, exist_ok=True)
        coming = made.with_suffix(f".{os.getpid()}")
        subprocess.run([compiler, *FLAGS, "-o", coming, SOURCE, *LIBRARIES], check=True)
        coming.replace(made)
    return made


class Recorder:
    """Records what processes do below `folder`; they are started with `environment`."""

    def __init__(self, folder: Path, log: Path) -> None:
        assert folder == folder.resolve(), f"{folder} leads through a link"
        self._log = log
        self._log.touch()
        self.environment = {
            "LD_PRELOAD": str(library()),
            "RECORDER_FOLDER": str(folder),
            "RECORDER_LOG": str(log),
        }

    def records(self) -> list[Record]:
        """All that was done until now, in its order."""
        return list(_without_what_was_not_taken(_read(self._log.read_bytes())))


def _read(log: bytes) -> Iterator[Record]:
    at = 0
    while at < len(log):
        operation, process, descriptor, name_bytes, other_bytes, data_bytes, where = _HEAD.unpack_from(
            log, at
        )
        at += _HEAD.size
        name, at = log[at : at + name_bytes], at + name_bytes
        other, at = log[at : at + other_bytes], at + other_bytes
        data, at = log[at : at + data_bytes], at + data_bytes
        yield Record(
            Kind(chr(operation)), process, descriptor, os.fsdecode(name), os.fsdecode(other), where, data
        )


def _without_what_was_not_taken(records: Iterator[Record]) -> Iterator[Record]:
    """A byte that the kernel did not take has not left: it is sent again, by another record."""
    waiting: list[Record] = []
    for record in records:
        if record.kind is not Kind.SENT_LESS:
            waiting.append(record)
            continue
        place = next(
            place
            for place in reversed(range(len(waiting)))
            if waiting[place].kind is Kind.SENT
            and (waiting[place].process, waiting[place].descriptor) == (record.process, record.descriptor)
        )
        sent = waiting[place]
        waiting[place] = Record(
            sent.kind, sent.process, sent.descriptor, sent.name, sent.other, sent.at, sent.data[: record.at]
        )
    yield from waiting
