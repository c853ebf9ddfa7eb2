"""What may be asked of the journal; every answer comes from the derived tables, by an index where it is asked often."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from functools import wraps
from itertools import takewhile
from typing import Any, NamedTuple, TypeVar

import apsw

from kassa.journal import entries as e
from kassa.journal.records import (
    BatchRecord,
    BatchRow,
    CassetteRecord,
    CollectionRecord,
    ConditionRecord,
    DocumentRecord,
    DueCount,
    LastNote,
    LateDecision,
    MadeDocument,
    NoteRecord,
    NoteToExplain,
    OpenIntent,
    OpenPayment,
    PaymentRecord,
    PendingDocument,
    Removal,
    ShiftRecord,
    SnapshotRecord,
    StoryLine,
    Totals,
    ValidatorCount,
    WrongPins,
)
from kassa.journal.tables import NOTE_MAX, JournalBroken, collected, last_settled, lying, next_of
from kassa.ports import COUNTS

T = TypeVar("T")

_DOCUMENT = "d.payment, d.number, d.sign, d.at, d.drive_serial, d.shift, d.total, d.printed"
_PAYMENT = f"""
    SELECT p.ordinal, p.number, p.service, p.account, p.state, p.paid, p.reason, p.opened_at, p.credited_at,
           p.owed, p.intent_drive, p.intent_last, p.batch, b.name,
           (SELECT count(*) FROM copies c WHERE c.payment = p.number), {_DOCUMENT}
    FROM payments p LEFT JOIN documents d ON d.payment = p.number LEFT JOIN batches b ON b.number = p.batch
"""
_MADE = f"""
    SELECT p.service, p.account, p.contact, l.body, {_DOCUMENT}
    FROM documents d JOIN payments p ON p.number = d.payment LEFT JOIN entries l ON l.seq = p.decided_seq
"""
_BATCH = """
    SELECT number, name, payments, total, sha256, until, frozen_seq, written_seq IS NOT NULL FROM batches
"""
_BATCH_ROW = """
    SELECT p.ordinal, p.number, p.account, p.service, p.credited_at, p.paid, d.number, d.sign
    FROM payments p LEFT JOIN documents d ON d.payment = p.number AND d.seq < ?
"""


_COLLECTION = """
    SELECT c.number, c.seq, c.at, c.removal, coalesce(r.seq, c.seq), coalesce(r.at, c.at), c.last_note
    FROM collections c LEFT JOIN removals r ON r.seq = c.removal
"""


class _Edge(NamedTuple):
    """Where the notes of one cassette end: at the removal, or where nobody saw it, at entry `seq`."""

    removal: int | None
    seq: int
    at: str | None
    last_note: int


_BEGIN = _Edge(None, 0, None, 0)
SET_BACK = COUNTS // 2
"""A count that went on by so much has gone back: service did that."""


def _remembered(question: Callable[[Queries], T]) -> Callable[[Queries], T]:
    """A question that the core's loop asks all the time: the answer counts until something is written."""
    name = question.__name__

    @wraps(question)
    def answer(journal: Queries) -> T:
        known = journal._answers
        if name not in known:
            known[name] = question(journal)
        found: T = known[name]
        return found

    return answer


class Queries(ABC):
    """The journal's questions; `Journal` gives the connection and the words for its errors."""

    _db: apsw.Connection
    _answers: dict[str, Any]
    """What `_remembered` questions were answered; `Journal` forgets it whenever it writes, and when it fails."""

    @abstractmethod
    def _in_words(self, act: str) -> AbstractContextManager[None]:
        """What SQLite complains of meanwhile becomes a sentence; `act` says what was tried."""

    @abstractmethod
    def head(self) -> tuple[int, str]:
        """Number and hash of the last entry."""

    # --- money ------------------------------------------------------------------------------------------------

    def open_intent(self) -> OpenIntent | None:
        """The note that was about to be stacked and has no fate yet."""
        row = self._row(
            "SELECT n.payment, n.number, n.value, (SELECT json_extract(body, '$.evidence') FROM entries"
            " WHERE seq > p.opened_seq AND kind = 'evidence_found' AND json_extract(body, '$.note') = n.number"
            " ORDER BY seq DESC LIMIT 1)"
            " FROM notes n JOIN payments p ON p.number = n.payment WHERE n.state = 'intended'"
        )
        return row and OpenIntent(*row)

    def open_payment(self) -> OpenPayment | None:
        """The payment that takes notes."""
        row = self._row("SELECT number, service, account, paid, contact FROM payments WHERE state = 'open'")
        return row and OpenPayment(*row)

    def due_count(self) -> DueCount | None:
        """What the validator should have counted, by the last intent that tells its count and the notes since."""
        row = self._row(
            "SELECT json_extract(i.body, '$.counted[0]'), json_extract(i.body, '$.counted[1]')"
            " + (SELECT count(*) FROM notes WHERE number >= n.number AND state IN ('stacked', 'orphan'))"
            " FROM (SELECT number, payment FROM notes WHERE payment IS NOT NULL ORDER BY number DESC LIMIT 1) n"
            " JOIN payments p ON p.number = n.payment"
            " JOIN entries i ON i.seq > p.opened_seq AND i.kind = 'stack_intended'"
            " AND json_extract(i.body, '$.note') = n.number"
            " AND json_extract(i.body, '$.counted') IS NOT NULL"
        )
        return row and DueCount(*row)

    @_remembered
    def last_note(self) -> LastNote | None:
        """The note with the largest number."""
        row = self._row(
            "SELECT number, value, state, payment, uncertain FROM notes ORDER BY number DESC LIMIT 1"
        )
        return row and LastNote(*(*row[:-1], bool(row[-1])))

    @_remembered
    def next_payment(self) -> int:
        """The ordinal of the payment that is opened next."""
        with self._in_words("be read"):
            return next_of(self._db, "payments", "ordinal")

    def next_note(self) -> int:
        """The number of the note that is intended, or found, next."""
        last = self.last_note()
        return last.number + 1 if last is not None else 1

    def to_explain(self) -> tuple[int, int]:
        """How many notes since the last collection are orphans, and how many were credited without evidence."""
        found = self._to_explain(self._collected(), NOTE_MAX)
        orphans = sum(note.payment is None for note in found)
        return orphans, len(found) - orphans

    # --- the cassette -----------------------------------------------------------------------------------------

    @_remembered
    def cassette(self) -> dict[int, int]:
        """How many notes of a value lie in the cassette, orphans included; value 0: of unknown value."""
        return dict(self._rows("SELECT value, notes FROM cassette ORDER BY value"))

    @_remembered
    def cassette_is_out(self) -> bool:
        """Whether the validator saw its cassette leave, and none come."""
        return self._row("SELECT 1 FROM removals WHERE inserted_seq IS NULL") is not None

    @_remembered
    def removals(self) -> tuple[Removal, ...]:
        """Those of which staff have to say what became of the cassette, oldest first."""
        rows = self._rows("SELECT seq, at, last_note FROM removals WHERE explained_seq IS NULL ORDER BY seq")
        return tuple(Removal(*row) for row in rows)

    def next_collection(self) -> int:
        """The number of the collection that comes next."""
        with self._in_words("be read"):
            return next_of(self._db, "collections", "number")

    def lies_in_cassette(self, removal: Removal | None = None) -> CassetteRecord:
        """What fell into the cassette since the last collection, until it left; None: until now."""
        last = self._row(f"{_COLLECTION} ORDER BY c.number DESC LIMIT 1")
        after = _Edge(*last[3:]) if last else _BEGIN
        if removal is None:
            return self._cassette(after, _Edge(None, NOTE_MAX, None, self.last_fallen_note()))
        return self._cassette(after, _Edge(removal.seq, removal.seq, removal.at, removal.last_note))

    def last_fallen_note(self) -> int:
        """The newest note that lies in a cassette, as far as the fate of all before it is known; 0: there is none."""
        with self._in_words("be read"):
            settled = last_settled(self._db)
        (found,) = self._row(
            "SELECT coalesce(max(number), 0) FROM notes WHERE number <= ? AND state IN ('stacked', 'orphan')",
            (settled,),
        )
        return int(found)

    def collections(self, last: int | None = None) -> list[CollectionRecord]:
        """All collections, or the newest `last` of them, oldest first."""
        rows = list(self._rows(f"{_COLLECTION} ORDER BY c.number"))
        edges = [_BEGIN, *(_Edge(*row[3:]) for row in rows)]
        first = len(rows) - last if last is not None else 0
        return [
            self._collection(number, seq, at, edges[place], edges[place + 1])
            for place, (number, seq, at, *_) in enumerate(rows)
            if place >= first
        ]

    def _collection(self, number: int, seq: int, at: str, after: _Edge, until: _Edge) -> CollectionRecord:
        _, entry, hashed = self.entry(seq)
        assert isinstance(entry, e.CashCollected), entry
        return CollectionRecord(number, at, entry.by, self._cassette(after, until), (seq, hashed.hex()))

    def _cassette(self, after: _Edge, until: _Edge) -> CassetteRecord:
        with self._in_words("be read"):
            notes = lying(self._db, after.last_note, until.last_note)
        return CassetteRecord(
            until.last_note, after.at, until.at, notes, self._to_explain(after.last_note, until.last_note),
            self._settled_while_it_left(after), self._settled_while_it_left(until), self._validator_count(after, until),
        )  # fmt: skip

    def _to_explain(self, after: int, last_note: int) -> tuple[NoteToExplain, ...]:
        rows = self._rows(
            "SELECT number, value, payment FROM notes WHERE (state = 'orphan' OR uncertain) AND number > ? AND number <= ?"
            " ORDER BY number",
            (after, last_note),
        )
        return tuple(NoteToExplain(*row) for row in rows)

    def _settled_while_it_left(self, edge: _Edge) -> tuple[int, ...]:
        """Notes that were on their way when a cassette left, or were found before the next one came to escrow."""
        if edge.removal is None:
            return ()
        rows = self._rows(
            "SELECT json_extract(body, '$.note') FROM entries WHERE seq > ?1 AND kind IN ('note_stacked', 'orphan_found')"
            " AND seq < coalesce((SELECT seq FROM entries WHERE seq > ?1 AND kind = 'stack_intended' ORDER BY seq LIMIT 1), ?2)",
            (edge.removal, NOTE_MAX),
        )
        return tuple(note for (note,) in rows)

    def _validator_count(self, after: _Edge, until: _Edge) -> ValidatorCount | None:
        """By the first and the last intent of the unit that spoke last, if no other one spoke in between."""
        told = list(
            self._rows(
                "SELECT json_extract(body, '$.counted[0]'), json_extract(body, '$.counted[1]'), json_extract(body, '$.note')"
                " FROM entries WHERE seq > ? AND seq <= ? AND kind = 'stack_intended'"
                " AND json_extract(body, '$.counted') IS NOT NULL AND json_extract(body, '$.note') <= ? ORDER BY seq DESC",
                (after.seq, until.seq, until.last_note),
            )
        )
        same = list(takewhile(lambda one: one[0] == told[0][0], told))
        if len(same) < 2:
            return None
        (unit, last_count, last_told), (_, first_count, first_told) = same[0], same[-1]
        (booked,) = self._row(
            "SELECT count(*) FROM notes WHERE number >= ? AND number < ? AND state IN ('stacked', 'orphan')",
            (first_told, last_told),
        )
        counted = (last_count - first_count) % COUNTS
        return ValidatorCount(unit, counted, booked) if counted < SET_BACK else None

    def _collected(self) -> int:
        with self._in_words("be read"):
            return collected(self._db)

    def paid_since(
        self, service: str, account: str, as_of: datetime | None, applied_batch: int | None = None
    ) -> int:
        """The sum of an account's credited payments that subscriber data do not contain yet.

        `applied_batch`: the data contain every batch up to this one. Else they contain what was credited up to
        `as_of`, a time with its offset; without either they contain nothing.
        """
        rows = self._rows(
            "SELECT paid, credited_at, batch FROM payments WHERE account = ? AND service = ? AND state = 'credited'",
            (account, service),
        )
        if applied_batch is not None:
            return sum(paid for paid, _, batch in rows if batch is None or batch > applied_batch)
        return sum(paid for paid, at, _ in rows if as_of is None or datetime.fromisoformat(at) > as_of)

    # --- payments ---------------------------------------------------------------------------------------------

    def payment(self, number: str) -> PaymentRecord | None:
        """All that is known of a payment."""
        row = self._row(_PAYMENT + "WHERE p.number = ?", (number,))
        return row and self._payment(row)

    def payments(self, last: int | None = None) -> list[PaymentRecord]:
        """All payments, or the newest `last` of them, oldest first."""
        rows = list(self._rows(_PAYMENT + "ORDER BY p.ordinal DESC LIMIT ?", (-1 if last is None else last,)))
        return [self._payment(row) for row in reversed(rows)]

    def story(self, number: str) -> list[StoryLine]:
        """Every entry of a payment, with the starts and stops in between; empty for an unknown one."""
        found = self._row(
            "SELECT p.state, p.opened_seq, d.seq, b.frozen_seq, b.written_seq FROM payments p"
            " LEFT JOIN documents d ON d.payment = p.number LEFT JOIN batches b ON b.number = p.batch"
            " WHERE p.number = ?",
            (number,),
        )
        if found is None:
            return []
        state, opened, registered, frozen, written = found
        rows = self._rows(
            "SELECT seq, at, body FROM entries WHERE seq BETWEEN ? AND ?"
            " AND (kind IN ('started', 'stopped') OR json_extract(body, '$.payment') = ?)"
            " UNION SELECT seq, at, body FROM entries WHERE seq IN (?, ?)"
            " UNION SELECT seq, at, body FROM entries WHERE seq IN (SELECT seq FROM copies WHERE payment = ?) ORDER BY seq",
            (opened, registered or self.head()[0], number, frozen, written, number),
        )
        story = [StoryLine(seq, at, e.decode(body)) for seq, at, body in rows]
        while state == "abandoned" and isinstance(story[-1].entry, e.Started | e.Stopped):
            story.pop()  # what came after its end is none of its story
        return story

    # --- fiscal documents -------------------------------------------------------------------------------------

    @_remembered
    def fiscal_pending(self) -> tuple[PendingDocument, ...]:
        """Credited payments without a document, oldest first."""
        rows = self._rows(
            "SELECT p.number, p.service, p.account, p.paid, p.intent_drive, p.intent_last, p.owed, p.contact, p.credited_at,"
            " p.credited_seq < (SELECT coalesce(max(closed_seq), 0) FROM shifts), d.body"
            " FROM payments p LEFT JOIN entries d ON d.seq = p.decided_seq"
            " WHERE p.state = 'credited' AND p.document <> 'registered' ORDER BY p.ordinal"
        )
        return tuple(map(_pending, rows))

    def shifts(self, last: int | None = None) -> list[ShiftRecord]:
        """The registrar's shifts as far as they were seen, or the newest `last` of them, oldest first."""
        rows = self._rows(
            "SELECT s.drive_serial, s.number, o.at, c.at, count(d.seq), coalesce(sum(d.total), 0), s.receipts, s.total"
            " FROM shifts s LEFT JOIN entries o ON o.seq = s.seq AND s.opened_document IS NOT NULL"
            " LEFT JOIN entries c ON c.seq = s.closed_seq"
            " LEFT JOIN documents d ON d.shift = s.number AND d.drive_serial = s.drive_serial"
            " GROUP BY s.seq ORDER BY s.seq DESC LIMIT ?",
            (-1 if last is None else last,),
        )
        return [ShiftRecord(*row) for row in rows][::-1]

    def open_shifts(self, drive_serial: str) -> list[int]:
        """The numbers of this fiscal drive's shifts whose end was not told yet, oldest first."""
        rows = self._rows(
            "SELECT number FROM shifts WHERE drive_serial = ? AND closed_seq IS NULL ORDER BY seq",
            (drive_serial,),
        )
        return [number for (number,) in rows]

    def is_shift_collected(self) -> bool:
        """Whether a cassette was collected since the running shift was opened."""
        [(found,)] = self._rows(
            "SELECT EXISTS (SELECT 1 FROM collections"
            " WHERE seq > (SELECT max(seq) FROM shifts WHERE closed_seq IS NULL))"
        )
        return bool(found)

    def last_document(self) -> DocumentRecord | None:
        """The document that was registered last."""
        row = self._row(f"SELECT {_DOCUMENT} FROM documents d ORDER BY seq DESC LIMIT 1")
        return row and _document(row)

    def made_document(self, payment: str) -> MadeDocument | None:
        """The payment's document, once it is made."""
        row = self._row(f"{_MADE} WHERE d.payment = ?", (payment,))
        return row and _made(row)

    @_remembered
    def unprinted(self) -> tuple[MadeDocument, ...]:
        """Documents that were made and did not get on paper, oldest first; those of which a copy was printed are none."""
        rows = self._rows(
            f"{_MADE} WHERE NOT d.printed AND NOT EXISTS (SELECT 1 FROM copies c WHERE c.payment = d.payment)"
            " ORDER BY d.seq"
        )
        return tuple(map(_made, rows))

    def documents_after(self, drive_serial: str, number: int) -> frozenset[int]:
        """The payments' documents that this fiscal drive made after document `number`."""
        rows = self._rows(
            "SELECT number FROM documents WHERE drive_serial = ? AND number > ?", (drive_serial, number)
        )
        return frozenset(found for (found,) in rows)

    # --- staff ------------------------------------------------------------------------------------------------

    def wrong_pins(self, name: str) -> WrongPins | None:
        """Those in a person's name since the last right or new one; None: there were none."""
        row = self._row("SELECT count, at FROM wrong_pins WHERE name = ?", (name,))
        return row and WrongPins(*row)

    # --- batches ----------------------------------------------------------------------------------------------

    def next_batch(self) -> int:
        """The number of the batch that is frozen next."""
        with self._in_words("be read"):
            return next_of(self._db, "batches", "number")

    def batches(self, *, only_unwritten: bool = False) -> list[BatchRecord]:
        """Frozen batches, oldest first."""
        where = "WHERE written_seq IS NULL " if only_unwritten else ""
        return [_batch(row) for row in self._rows(f"{_BATCH}{where}ORDER BY number")]

    def batch(self, number: int) -> BatchRecord | None:
        """One frozen batch."""
        row = self._row(_BATCH + "WHERE number = ?", (number,))
        return row and _batch(row)

    def batch_ready(self, at_most: int) -> list[BatchRow]:
        """The oldest payments that may go into a batch: not in one, with a document or owed one."""
        rows = self._rows(
            f"{_BATCH_ROW} WHERE p.state = 'credited' AND p.batch IS NULL AND (p.document = 'registered' OR p.owed)"
            " ORDER BY p.ordinal LIMIT ?",
            (self.head()[0] + 1, at_most),
        )
        return list(map(BatchRow._make, rows))

    def batch_rows(self, ranges: Iterable[tuple[int, int]], before_seq: int) -> Iterator[BatchRow]:
        """The payments of these ranges of ordinals, as entry `before_seq` found them: no later document shows."""
        for first, last in ranges:
            rows = self._rows(
                f"{_BATCH_ROW} WHERE p.ordinal BETWEEN ? AND ? ORDER BY p.ordinal", (before_seq, first, last)
            )
            yield from map(BatchRow._make, rows)

    # --- the rest ---------------------------------------------------------------------------------------------

    def entry(self, seq: int) -> tuple[str, e.Entry, bytes]:
        """When, what and the hash of one entry."""
        row = self._row("SELECT at, body, hash FROM entries WHERE seq = ?", (seq,))
        if row is None:
            raise JournalBroken(f"entry {seq} is missing from the journal", at=f"entry {seq}")
        return row[0], e.decode(row[1]), row[2]

    def last_snapshot(self) -> SnapshotRecord | None:
        """The subscriber data adopted last."""
        row = self._row("SELECT sha256, file, accounts, as_of FROM snapshots ORDER BY seq DESC LIMIT 1")
        return row and SnapshotRecord(*row)

    def conditions(self) -> list[ConditionRecord]:
        """What is wrong now, by code."""
        return [ConditionRecord(*row) for row in self._rows("SELECT code, detail, since FROM conditions")]

    def totals(self) -> Totals:
        """The journal in numbers; it reads every payment and note, so it is asked by people, not by a loop."""
        payments = self._row(
            "SELECT count(*), coalesce(sum(paid) FILTER (WHERE state = 'credited'), 0),"
            " coalesce(sum(paid) FILTER (WHERE state = 'open'), 0),"
            " count(*) FILTER (WHERE state = 'credited' AND document <> 'registered'),"
            " count(*) FILTER (WHERE state = 'credited' AND batch IS NULL) FROM payments"
        )
        notes = self._row(
            "SELECT count(*) FILTER (WHERE state IN ('stacked', 'orphan')), count(*) FILTER (WHERE uncertain),"
            " count(*) FILTER (WHERE state = 'orphan') FROM notes"
        )
        others = self._row("SELECT (SELECT count(*) FROM documents), (SELECT count(*) FROM batches)")
        count, credited, paid_open, undocumented, unbatched = payments
        in_box, uncertain, orphans = notes
        documents, batches = others
        return Totals(
            entries=self.head()[0], payments=count, credited=credited, paid_open=paid_open, notes=in_box,
            uncertain=uncertain, orphans=orphans, documents=documents, documents_missing=undocumented,
            batches=batches, unbatched=unbatched,
        )  # fmt: skip

    def _payment(self, row: Any) -> PaymentRecord:
        number, name, service, account, state, paid, reason, opened_at, credited_at = row[:9]
        owed, drive, last, batch, batch_name, copies = row[9:15]
        notes = self._rows(
            "SELECT number, value, state, uncertain FROM notes WHERE payment = ? ORDER BY number", (name,)
        )
        return PaymentRecord(
            number, name, service, account, state, paid, reason, opened_at, credited_at, bool(owed),
            None if drive is None else (drive, last), None if row[15] is None else _document(row[15:]),
            batch, batch_name, tuple(NoteRecord(n, value, fate, bool(unsure)) for n, value, fate, unsure in notes),
            copies,
        )  # fmt: skip

    def _row(self, statement: str, values: tuple[Any, ...] = ()) -> Any:
        with self._in_words("be read"):
            return next(self._db.execute(statement, values), None)

    def _rows(self, statement: str, values: tuple[Any, ...] = ()) -> Iterator[Any]:
        with self._in_words("be read"):
            yield from self._db.execute(statement, values)


def _pending(row: Any) -> PendingDocument:
    number, service, account, paid, drive, last, owed, contact, credited_at, is_late, decided = row
    intent = None if drive is None else (drive, last)
    return PendingDocument(
        number,
        service,
        account,
        paid,
        intent,
        bool(owed),
        contact,
        credited_at,
        bool(is_late),
        _decision(decided),
    )


def _decision(body: str | None) -> LateDecision | None:
    if body is None:
        return None
    entry = e.decode(body)
    assert isinstance(entry, e.LateDocumentDecided), entry
    return LateDecision(entry.document, entry.act)


def _made(row: Any) -> MadeDocument:
    service, account, contact, decided, *document = row
    return MadeDocument(_document(document), service, account, contact, _decision(decided))


def _document(row: Any) -> DocumentRecord:
    return DocumentRecord(*(*row[:-1], bool(row[-1])))


def _batch(row: Any) -> BatchRecord:
    return BatchRecord(*(*row[:-1], bool(row[-1])))
