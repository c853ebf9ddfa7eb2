"""The cassette and what became of it: it leaves, it comes back, it is collected; each is an entry.

A count is taken when the cassette leaves its place, not when somebody gets round to say why: what comes in afterwards lies
in the next one. Where nobody saw it leave, as the power was off, it is taken when staff say so.
"""

from __future__ import annotations

from typing import Any

from kassa.errors import KassaError
from kassa.journal import entries as e
from kassa.journal.records import CassetteRecord, CollectionRecord
from kassa.journal.store import Journal
from kassa.money import Money
from kassa.ports import ValidatorState
from kassa.untrusted import printable

BY_MAX_CHARS = 64
IN_PLACE = (
    ValidatorState.IDLING, ValidatorState.DISABLED, ValidatorState.HANDLING_NOTE, ValidatorState.CASSETTE_FULL,
)  # fmt: skip
"""A validator says nothing of this kind with its cassette out; while it starts or has failed, it may."""


class CollectionRefused(KassaError):
    """Nothing was written: the message says why, and what to do."""


def follow(journal: Journal, state: ValidatorState) -> bool:
    """Write down that the cassette left, or is in its place again, when the validator's state says so; whether it did."""
    is_out = journal.cassette_is_out()
    if state is ValidatorState.CASSETTE_OUT and not is_out:
        journal.append(e.CassetteRemoved(last_note=journal.last_settled_note()))
    elif state in IN_PLACE and is_out:
        journal.append(e.CassetteInserted())
    else:
        return False
    return True


def collect(journal: Journal, by: str) -> CollectionRecord:
    """An empty cassette took the place of the full one. Raises CollectionRefused."""
    who = _name(by)
    removal = journal.removal()
    if removal is None and journal.open_intent() is not None:
        raise CollectionRefused(
            "a note is on its way into the cassette; wait until it lies there, then say it again"
        )
    lay = journal.lies_in_cassette(removal.last_note if removal else None)
    if removal is None and not lay.notes:
        raise CollectionRefused(
            "the cassette is empty by the journal: nothing was collected since the last time"
        )
    number = journal.next_collection()
    journal.append(e.CashCollected(collection=number, last_note=lay.last_note, notes=lay.notes, by=who))
    (collected,) = journal.collections(last=1)
    return collected


def put_back(journal: Journal, by: str) -> None:
    """The cassette that left went back as it was. Raises CollectionRefused."""
    who = _name(by)
    if journal.removal() is None:
        raise CollectionRefused(
            "the cassette did not leave its place, as far as the validator saw; nothing is to be said"
        )
    journal.append(e.CassettePutBack(by=who))


def cassette_fields(cassette: CassetteRecord, currency: str) -> dict[str, Any]:
    """What lies in a cassette, for machines; a value of "0.00" stands for notes of unknown value."""

    def money(minor: int) -> str:
        return Money(minor, currency).decimal()

    count = cassette.count
    return {
        "since": cassette.since,
        "notes": {money(value): notes for value, notes in cassette.notes},
        "count": sum(notes for _, notes in cassette.notes),
        "total": money(cassette.total),
        "orphans": [
            {"note": note.number, "value": None if note.value is None else money(note.value)}
            for note in cassette.to_explain
            if note.payment is None
        ],
        "uncertain": [
            {"note": note.number, "value": money(note.value or 0), "payment": note.payment}
            for note in cassette.to_explain
            if note.payment is not None
        ],
        "validator": count and {"unit": count.unit, "counted": count.counted, "booked": count.booked},
    }


def collection_fields(one: CollectionRecord, currency: str) -> dict[str, Any]:
    """One collection, for machines; `head` is the journal's anchor at that moment."""
    return {
        "collection": one.number,
        "at": one.at,
        "by": one.by,
        **cassette_fields(one.cassette, currency),
        "entry": one.head[0],
        "head": one.head[1],
    }


def _name(by: str) -> str:
    """Who says so, as it stands in the journal and on slips."""
    who = printable(by.strip())
    if not who or len(who) > BY_MAX_CHARS:
        raise CollectionRefused(f"say who you are, in 1 to {BY_MAX_CHARS} characters: --by NAME")
    return who
