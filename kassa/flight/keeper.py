"""When a payment has come to its end, what passed on the lines meanwhile is kept with it.

The journal is only read here, behind all that handles money and some seconds later; the copying is done by a thread.
What fails is logged, and no reason to stop taking money.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from functools import partial
from typing import Any

from kassa.errors import KassaError
from kassa.flight.kept import keep
from kassa.home import Home
from kassa.journal import entries as e
from kassa.journal.store import Journal

log = logging.getLogger("kassa.flight")

KEEP_AFTER_S = 5.0
"""Behind its end a receipt is still being printed, and a validator says once more what nobody had acknowledged."""
LOOK_BACK_ENTRIES = 64
"""At a start: a core that was killed within KEEP_AFTER_S has not kept the payments before."""
END = e.DocumentRegistered | e.DocumentOwed | e.PaymentAbandoned
CallLater = Callable[[float, Callable[[], None]], Any]
"""Calls back after so many seconds; the answer has `cancel()`."""


class Keeper:
    """Looks which payments have ended, and has what passed meanwhile copied one after the other."""

    def __init__(
        self, home: Home, journal: Journal, names: Iterable[str], call_later: CallLater, spare_bytes: int
    ) -> None:
        self._home, self._journal, self._names = home, journal, tuple(names)
        self._call_later, self._spare_bytes = call_later, spare_bytes
        self._before_start = journal.last_entry
        self._seen = max(0, journal.last_entry - LOOK_BACK_ENTRIES)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="flight")
        self._is_closed = False
        self._waiting: dict[str, tuple[Any, Callable[[], None]]] = {}

    def look(self) -> None:
        """See what ended since the last look; where nothing was written this costs one comparison."""
        while self._seen < self._journal.last_entry:
            self._seen += 1
            at, entry, _ = self._journal.entry(self._seen)
            if isinstance(entry, END) and not self._is_kept_already(entry.payment):
                self._keep_soon(entry.payment, datetime.fromisoformat(at).timestamp())

    def close(self) -> None:
        """Keep at once what still waits or has just ended, and wait for it; a second call does nothing."""
        if self._is_closed:
            return
        self._is_closed = True
        try:
            self.look()
        except KassaError as error:  # the journal has failed, which is why the core ends
            log.warning("what ended last is not kept: %s", error)
        for timer, begin in list(self._waiting.values()):
            timer.cancel()
            begin()
        self._thread.shutdown()

    def _is_kept_already(self, payment: str) -> bool:
        is_old = self._seen <= self._before_start
        return is_old and any(self._home.flight_of(payment, name).exists() for name in self._names)

    def _keep_soon(self, payment: str, ended_at: float) -> None:
        """A payment that ended twice within moments, its document owed and then made, is copied once."""
        record = self._journal.payment(payment)
        assert record is not None, payment
        opened_at = datetime.fromisoformat(record.opened_at).timestamp()
        until = ended_at + KEEP_AFTER_S
        job = partial(keep, self._home, payment, opened_at, until, self._names, self._spare_bytes)

        def begin() -> None:
            del self._waiting[payment]
            self._thread.submit(job).add_done_callback(partial(_tell_failure, payment))

        if payment in self._waiting:
            self._waiting[payment][0].cancel()
        self._waiting[payment] = self._call_later(KEEP_AFTER_S, begin), begin


def _tell_failure(payment: str, done: Future[None]) -> None:
    if (error := done.exception()) is not None:
        log.warning("what passed during payment %s is not kept: %s", payment, error, exc_info=error)
