"""The cassette and what became of it: it leaves, it comes back, it is collected; each is an entry.

A count is taken when the cassette leaves its place, not when somebody gets round to say why: what comes in afterwards lies
in the next one. Where nobody saw it leave, as the power was off, it is taken when staff say so.
"""

from __future__ import annotations

from typing import Any

from kassa.errors import KassaError
from kassa.journal import entries as e
from kassa.journal.records import CassetteRecord, CollectionRecord, Removal
from kassa.journal.store import Journal
from kassa.money import Money
from kassa.ports import ValidatorState
from kassa.said import who

IN_PLACE = (
    ValidatorState.IDLING, ValidatorState.DISABLED, ValidatorState.HANDLING_NOTE, ValidatorState.CASSETTE_FULL,
)  # fmt: skip
"""A validator says nothing of this kind with its cassette out; while it starts or has failed, it may."""


class CollectionRefused(KassaError):
    """Nothing was written: the message says why, and what to do."""


def follow(journal: Journal, state: ValidatorState) -> bool:
    """Write down that the cassette left, or is in its place again, when the validator's state says so; whether it did.

    An empty one may leave: nobody has to say what became of it.
    """
    is_out = journal.cassette_is_out()
    if state is ValidatorState.CASSETTE_OUT and not is_out and journal.cassette():
        journal.append(e.CassetteRemoved(last_note=journal.last_fallen_note()))
    elif state in IN_PLACE and is_out:
        journal.append(e.CassetteInserted())
    else:
        return False
    return True


def collect(journal: Journal, by: str, removal: int | None = None) -> CollectionRecord:
    """An empty cassette took the place of the one that left, by removal number `removal`. Raises CollectionRefused.

    Without a number it is the one removal that was not explained; where there is none, it left now.
    """
    by = who(by, CollectionRefused)
    left = _removal(journal, removal)
    if left is None and journal.open_intent() is not None:
        raise CollectionRefused(
            "a note is on its way into the cassette; wait until it lies there (if the terminal does not run, start it),"
            " then say it again"
        )
    lay = journal.lies_in_cassette(left)
    if not lay.notes:
        raise CollectionRefused(
            "by the journal nothing lies in the cassette since the last collection; see it with: kassa cash list --last 1"
        )
    entry = e.CashCollected(
        collection=journal.next_collection(),
        removal=left.seq if left else None,
        last_note=lay.last_note,
        notes=lay.notes,
        by=by,
    )
    journal.append(entry)
    (collected,) = journal.collections(last=1)
    return collected


def put_back(journal: Journal, by: str, removal: int | None = None) -> Removal:
    """The cassette that left by that removal went back as it was; which one it was. Raises CollectionRefused."""
    by = who(by, CollectionRefused)
    left = _removal(journal, removal)
    if left is None:
        raise CollectionRefused(
            "every removal of the cassette was explained already, or the validator saw none; nothing is to be said"
        )
    if journal.cassette_is_out() and left == journal.removals()[-1]:
        raise CollectionRefused(
            "the cassette is not in its place: put it in until it clicks, then say it again"
        )
    journal.append(e.CassettePutBack(removal=left.seq, by=by))
    return left


def _removal(journal: Journal, number: int | None) -> Removal | None:
    """The removal that is meant; None: there is none to be explained."""
    removals = journal.removals()
    if number is not None:
        found = [one for one in removals if one.seq == number]
        if not found:
            raise CollectionRefused(f"there is no removal {number} to be explained; see: kassa cash show")
        return found[0]
    if len({one.last_note for one in removals}) > 1:
        times = "; ".join(f"--removal {one.seq} left at {one.at}" for one in removals)
        raise CollectionRefused(f"the cassette left more than once, say which time is meant: {times}")
    return removals[0] if removals else None


def cassette_fields(cassette: CassetteRecord, currency: str) -> dict[str, Any]:
    """What lies in a cassette, for machines."""

    def money(minor: int | None) -> str | None:
        return Money(minor, currency).decimal() if minor else None

    count = cassette.count
    return {
        "since": cassette.since,
        "until": cassette.until,
        "notes": [{"value": money(value), "count": notes} for value, notes in cassette.notes],
        "count": sum(notes for _, notes in cassette.notes),
        "total": Money(cassette.total, currency).decimal(),
        "orphans": [
            {"note": note.number, "value": money(note.value)}
            for note in cassette.to_explain
            if note.payment is None
        ],
        "uncertain": [
            {"note": note.number, "value": money(note.value), "payment": note.payment}
            for note in cassette.to_explain
            if note.payment is not None
        ],
        "perhaps_in_the_one_before": list(cassette.perhaps_before),
        "perhaps_of_the_one_behind": list(cassette.perhaps_behind),
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
