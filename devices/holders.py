"""Who has a port open, for a technician who finds it busy. Linux only, as is all of this."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from kassa.untrusted import printable

PROCESSES = Path("/proc")


def who_has(path: str) -> str:
    """`ModemManager (process 812)`; `another program` where nothing more can be seen: processes of other users."""
    port = os.path.realpath(path)
    for process in PROCESSES.glob("[0-9]*"):
        if int(process.name) != os.getpid() and _has_open(process, port):
            with suppress(OSError):  # it has just ended
                name = printable((process / "comm").read_text(errors="replace").strip())
                return f"{name} (process {process.name})"
    return "another program"


def _has_open(process: Path, port: str) -> bool:
    with suppress(OSError):
        return any(_target(descriptor) == port for descriptor in (process / "fd").iterdir())
    return False


def _target(descriptor: Path) -> str | None:
    with suppress(OSError):
        return str(descriptor.readlink())
    return None
