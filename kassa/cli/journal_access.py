"""How a command reaches the journal: through the running core, which holds it alone, or else by itself."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from kassa.cli.context import Context
from kassa.clock import SystemClock
from kassa.control.client import Client, CoreAbsent
from kassa.errors import KassaError
from kassa.home import Home
from kassa.journal.store import Journal, JournalBroken

WAIT_S = 5.0
"""A core that starts or stops has the lock and no socket; neither takes longer."""
RETRY_S = 0.1


class NoJournal(KassaError):
    """There is nothing to read, or nobody can say now who has it."""


@contextmanager
def open_journal(context: Context) -> Iterator[Journal]:
    """The journal to read: a copy as of now when a core runs, else the journal itself with no core able to start.

    Raises JournalBroken when it is damaged, NoJournal when there is none.
    """
    with reach(context.home) as core:
        if core is None:
            with own_journal(context.home) as journal:
                yield journal
            return
        answer = core.ask("copy_journal")
        if "problem" in answer:
            raise JournalBroken(answer["problem"], at=answer["at"])
        copy = Path(answer["path"])
        try:
            with closing(Journal.open(copy, SystemClock(), read_only=True)) as journal:
                yield journal
        finally:
            copy.unlink(missing_ok=True)


@contextmanager
def own_journal(home: Home) -> Iterator[Journal]:
    """The journal itself, while `reach` says that no core runs."""
    if not home.journal.exists():
        raise NoJournal(f"{home.journal} does not exist yet; it begins with: kassa --home {home.path} run")
    with closing(Journal.open(home.journal, SystemClock())) as journal:
        yield journal


@contextmanager
def reach(home: Home) -> Iterator[Client | None]:
    """The running core; None: there is none, and none can start meanwhile, as the core's lock is ours."""
    give_up = time.monotonic() + WAIT_S
    while True:
        if (client := _call(home)) is not None:
            with client:
                yield client
            return
        if (lock := _take_lock(home)) is not None:
            try:
                yield None
            finally:
                os.close(lock)
            return
        if time.monotonic() > give_up:
            raise NoJournal(f"somebody holds {home.core_lock}, yet no core answers; see {home.logs}")
        time.sleep(RETRY_S)


def _call(home: Home) -> Client | None:
    with suppress(CoreAbsent):
        return Client(home.socket, "cli")
    return None


def _take_lock(home: Home) -> int | None:
    """The core's lock, given back by closing it; None when another process has it."""
    try:
        lock = os.open(home.core_lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except FileNotFoundError as error:
        raise NoJournal(
            f"{home.path} is no terminal's folder; make one with: kassa init {home.path}"
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    return lock
