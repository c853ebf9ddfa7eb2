"""How the terminal is, as data: what `kassa status`, the doctor and monitoring show."""

from __future__ import annotations

from typing import Any

import kassa
from kassa.alerts.catalogue import CATALOGUE
from kassa.alerts.conditions import Condition
from kassa.clock import Clock
from kassa.config import Config
from kassa.fiscal.doubt import is_for_person
from kassa.fiscal.facts import facts
from kassa.fiscal.queue import Queue
from kassa.journal.store import Journal
from kassa.money import Money
from kassa.rules.view import ScreenName
from kassa.subscribers import SnapshotInfo
from kassa.watch import Watch


def describe(
    config: Config,
    watch: Watch,
    journal: Journal,
    queue: Queue,
    clock: Clock,
    info: SnapshotInfo | None,
    screen: ScreenName,
) -> dict[str, Any]:
    """Everything staff ask of a terminal at a glance; plain values, as they go through the control socket."""
    registrar, today = queue.status, clock.now().date()
    pending = journal.fiscal_pending()
    return {
        "version": kassa.__version__,
        "terminal": config.terminal.number,
        "screen": screen.value,
        "takes_cash": watch.blocked is None,
        "blocked": watch.blocked,
        "conditions": [_condition(condition) for condition in watch.shown],
        "validator": watch.models.get("validator"),
        "registrar": watch.models.get("registrar"),
        "shift": registrar.shift.value if registrar else None,
        "documents_unsent": registrar.unsent_documents if registrar else None,
        "registrar_facts": facts(registrar, today) if registrar else [],
        "data": _data(info) if info else None,
        "cassette": _cassette(journal, config),
        "documents_pending": len(pending),
        "documents_in_doubt": [one.payment for one in pending if is_for_person(queue, one)],
        "documents_refused": [
            _refusal(queue, payment, clock.monotonic()) for payment in sorted(queue.refused)
        ],
        "documents_unprinted": len(journal.unprinted()),
        "journal_head": journal.head()[1],
    }


def _refusal(queue: Queue, payment: str, now: float) -> dict[str, Any]:
    """Why the registrar makes no document of a payment, and in how many seconds it is asked again."""
    again_in_s = max(0, round(queue.not_before.get(payment, now) - now))
    return {"payment": payment, "reason": queue.refused[payment].reason, "again_in_s": again_in_s}


def _condition(condition: Condition) -> dict[str, str | bool]:
    kind = CATALOGUE[condition.code]
    return {
        "code": condition.code,
        "severity": kind.severity.value,
        "stops_cash": kind.stops_cash,
        "since": condition.since.isoformat(timespec="seconds"),
        "text": kind.text,
        "detail": condition.detail,
        "remedy": kind.remedy,
    }


def _cassette(journal: Journal, config: Config) -> dict[str, int]:
    """How many notes of each value lie there; "0.00": of a value that nobody knows."""
    currency = config.terminal.currency
    return {Money(minor, currency).decimal(): notes for minor, notes in journal.cassette().items()}


def _data(info: SnapshotInfo) -> dict[str, Any]:
    return {
        "file": info.file,
        "as_of": info.as_of.isoformat(timespec="seconds"),
        "accounts": info.accounts,
        "sha256": info.sha256,
    }
