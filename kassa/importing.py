"""The importer as seen from outside: how the worker is called, and what it answers.

The worker is a process of its own (`python -m importers`): it may be slow, large and crash without consequence.
Whoever starts it, core or command line, imports nothing of it.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

import kassa
from kassa.errors import KassaError
from kassa.home import Home
from kassa.untrusted import printable, read_json

EXIT_IMPORTED = 0
EXIT_FAULT = 1
EXIT_REFUSED = 2
EXIT_NOT_NOW = 75
"""`EX_TEMPFAIL`: no room on the disk, or another import at work; the same file may be taken later."""

ANSWER_MAX_BYTES = 1 << 20
"""Of one JSON line; the worker's own answer has a few hundred bytes."""


class Difference(Struct, frozen=True):
    """What a file would change against the snapshot in use, in pairs of account and service."""

    new: int
    gone: int
    changed: int
    same: int


class Outcome(Struct, frozen=True, kw_only=True):
    """What became of one file: the worker's only line on its standard output."""

    status: Literal["imported", "refused"]
    file: str
    profile: str
    accepted: int = 0
    """Rows taken."""
    refused: int = 0
    """Rows that were not."""
    accounts: int = 0
    reason: str | None = None
    """One sentence for the clerk, in the terminal's language, when the file is refused."""
    report: str | None = None
    """Path of the report for people."""
    snapshot: str | None = None
    """Path of the store that is in use now."""
    sha256: str | None = None
    already_loaded: bool = False
    """The very same content is in use already; nothing changed."""
    checked_only: bool = False
    total: str | None = None
    """The sum of all balances, a decimal string."""
    as_of: str | None = None
    difference: Difference | None = None
    at: str | None = None
    seconds: float = 0.0


class ImporterFault(KassaError):
    """The worker itself failed: our own fault, or a file that costs more than any honest one."""


class ImporterNotNow(ImporterFault):
    """The machine cannot import anything at the moment; the file is not to blame and may be tried again."""


def worker_command(
    home: Home, profile: str, file: Path, reports: Path | None = None, *, check: bool = False
) -> list[str]:
    """The command line of a worker for one file."""
    command = [sys.executable, "-m", "importers", "--home", str(home.path), "--profile", profile]
    if reports is not None:
        command += ["--report", str(reports)]
    if check:
        command.append("--check")
    return [*command, "--", str(file)]


def worker_environment() -> dict[str, str]:
    """The worker's environment: it finds the packages where this process found them."""
    ours = str(Path(kassa.__file__).resolve().parent.parent)
    theirs = os.environ.get("PYTHONPATH")
    return os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, (ours, theirs)))}


def read_outcome(exit_code: int, answer: bytes, complaint: bytes) -> Outcome:
    """What the worker said. Raises ImporterFault when it failed or said nothing that can be read."""
    last = printable(complaint.decode("utf-8", "backslashreplace").strip().rpartition("\n")[2])
    if exit_code == EXIT_NOT_NOW:
        raise ImporterNotNow(last or "the importer does not say why")
    if exit_code < 0:
        raise ImporterFault(_DEATHS.get(-exit_code, f"the importer died of signal {-exit_code}"))
    if exit_code not in (EXIT_IMPORTED, EXIT_REFUSED):
        raise ImporterFault(f"the importer ended with code {exit_code}: {last or 'it said nothing'}")
    try:
        return decode_outcome(answer[:ANSWER_MAX_BYTES])
    except msgspec.DecodeError as error:
        raise ImporterFault(f"the importer's answer cannot be read: {error}") from error


def decode_outcome(line: bytes) -> Outcome:
    """One outcome, as the worker says it and the log of imports keeps it. Raises msgspec.DecodeError."""
    return read_json(_decoder, line)


_decoder: msgspec.json.Decoder[Outcome] = msgspec.json.Decoder(Outcome)

_DEATHS: dict[int, str] = {
    signal.SIGXCPU: "the file took more processor time than any honest one needs",
    signal.SIGKILL: "the importer was killed, perhaps as the machine had no memory left",
    signal.SIGABRT: "the importer gave up, perhaps as it had no memory left",
}
