"""The promises and the tables once more, from the entries alone and without SQL: a second opinion on `tables.apply`.

The two agree or the journal is broken: by a hand, by a disk, or by a fault in one of them that repeating the same
derivation would only have repeated. Nothing is built up beside the tables: a row of payments, notes or documents is
compared as soon as the entries have said all of it, and a few bytes are kept of each payment that no batch has yet.

What constraints say of a single row (a note's value, a document's number used once) is not said again here: SQLite's
own check holds the rows to them, and the rows are these.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import apsw
import msgspec
from peewee import Field, Model

from kassa.contact import is_contact
from kassa.journal import entries as e
from kassa.journal import tables
from kassa.journal.chain import read
from kassa.journal.tables import ACCOUNT, CONTACT_PROMISE, PAYMENT, SERVICE, EntryRefused, JournalBroken

Row = tuple[Any, ...]

NOT_FREE, FREE, FROZEN = 0, 1, 2
"""What a batch may make of a payment: nothing yet, take it, never again."""
NOT_FALLEN = -1
"""No value of a note: it went back, or is on its way."""


class Replayed(NamedTuple):
    """How much the entries told of; `notes` are those in the cassette."""

    payments: int
    notes: int
    documents: int
    batches: int


def replay(db: apsw.Connection) -> Replayed:
    """Compare every derived table with the entries. Raises JournalBroken at the first that does not follow from them."""
    told = _Replay(db)
    told.take_all(db.execute("SELECT seq, at, kind, body FROM entries ORDER BY seq"))
    return told.end()


class _Rows:
    """A table's rows in the order of its key."""

    def __init__(self, db: apsw.Connection, table: type[Model]) -> None:
        key = table._meta.primary_key
        assert isinstance(key, Field)
        self._name, name = table._meta.table_name, key.column_name
        # From the table itself, whose first column is the key: what an index says is SQLite's to compare.
        statement = f"SELECT * FROM {self._name} NOT INDEXED ORDER BY {name}"
        self._rows: Iterator[Row] = iter(db.execute(statement))

    def of(self, key: int | str) -> Row:
        """The next row, which is the one with this key."""
        found = next(self._rows, None)
        if found is None or found[0] > key:
            raise self.wrong(key, "is missing")
        if found[0] < key:
            raise self.wrong(found[0], "should not exist")
        return found

    def compare(self, key: int | str, expected: Row) -> None:
        """The next row is this one."""
        if self.of(key) != expected:
            raise self.wrong(key)

    def end(self) -> None:
        """There are no more."""
        for found in self._rows:
            raise self.wrong(found[0], "should not exist")

    def wrong(self, key: int | str, problem: str = "is wrong") -> JournalBroken:
        """How a row is told of that does not follow from the entries."""
        words = f"{self._name} {key} {problem}: it does not follow from the entries"
        return JournalBroken(words, at=f"{self._name} {key}")


@dataclass(slots=True)
class _Payment:
    """A payment that takes notes, or waits for its document; the first columns of its row were compared."""

    row: Row
    seq: int
    at: str
    paid: int = 0
    owed: bool = False
    intent: tuple[str, int] | None = None
    decided: int | None = None


class _Replay:
    """What the entries have said so far, as far as later ones or the tables have to fit it."""

    def __init__(self, db: apsw.Connection) -> None:
        self._payment_rows, self._note_rows = _Rows(db, tables.Payments), _Rows(db, tables.Notes)
        self._document_rows = _Rows(db, tables.Documents)
        self._open: _Payment | None = None
        self._note_in_flight: Row | None = None
        self._notes = 0
        self._without_document: dict[str, _Payment] = {}
        # By ordinal, from 0: what was paid, whether a batch may take it, and the batch that its row names.
        self._paid, self._state, self._batch_in_row = array("q"), bytearray(), array("q")
        # Small tables are held as they should be, and compared at the end.
        self._kinds = dict.fromkeys(e.KINDS, 0)
        # By note behind the last one that was collected: the value of what fell into the cassette, else NOT_FALLEN.
        self._fallen, self._collected = array("q"), 0
        self._removals: dict[int, Row] = {}
        self._unexplained: list[int] = []
        self._is_out: int | None = None
        """The removal of the cassette that is out of its place."""
        self._collections: dict[int, Row] = {}
        self._copies: dict[int, Row] = {}
        self._wrong_pins: dict[str, Row] = {}
        self._shifts: dict[int, Row] = {}
        self._batches: dict[int, Row] = {}
        self._batch_names: set[str] = set()
        self._snapshots: dict[int, Row] = {}
        self._conditions: dict[str, Row] = {}
        self._small: tuple[tuple[type[Model], Callable[[], dict[Any, Row]]], ...] = (
            (tables.Kinds, lambda: {kind: (kind, count) for kind, count in self._kinds.items() if count}),
            (
                tables.Cassette,
                lambda: {value: (value, count) for value, count in _lying(self._fallen)},
            ),
            (tables.Removals, lambda: self._removals),
            (tables.Collections, lambda: self._collections),
            (tables.Copies, lambda: self._copies),
            (tables.WrongPins, lambda: self._wrong_pins),
            (tables.Shifts, lambda: self._shifts),
            (tables.Batches, lambda: self._batches),
            (tables.Snapshots, lambda: self._snapshots),
            (tables.Conditions, lambda: self._conditions),
        )
        self._db = db
        self._acts = self._by_type()

    def take_all(self, entries: Iterator[Row]) -> None:
        """Follow the entries. Raises JournalBroken at one that cannot be, or at a row that is not what they say."""
        acts, kinds, decode = self._acts, self._kinds, e.DECODER.decode  # millions of times
        for seq, at, stored_kind, body in entries:
            try:
                entry = decode(body)
                kind, act = acts[type(entry)]
                if kind != stored_kind:
                    read(seq, stored_kind, body)
                kinds[kind] += 1
                act(seq, at, entry)
            except msgspec.MsgspecError:
                read(seq, stored_kind, body)  # says it in words
            except EntryRefused as error:
                words = f"entry {seq} contradicts the entries before it: {error}"
                raise JournalBroken(words, at=f"entry {seq}") from error

    def end(self) -> Replayed:
        """There are no more entries: compare what was left open, and the small tables."""
        if self._open is not None:
            self._compare_unended(self._open, "open")
        if self._note_in_flight is not None and self._note_in_flight[3:] != ("intended", 0):
            raise self._note_rows.wrong(self._note_in_flight[0])
        for payment in self._without_document.values():
            state = "intended" if payment.intent else "none"
            if payment.row[12:16] != (state, payment.owed, *(payment.intent or (None, None))):
                raise self._payment_rows.wrong(payment.row[0])
            self._compare_decision(payment)
        for ordinal, batch in enumerate(self._batch_in_row, 1):
            if batch:
                raise self._payment_rows.wrong(ordinal)
        for rows in (self._payment_rows, self._note_rows, self._document_rows):
            rows.end()
        for table, expected in self._small:
            rows = _Rows(self._db, table)
            for key, row in sorted(expected().items()):
                rows.compare(key, row)
            rows.end()
        documents = sum(
            self._kinds[e.kind_of(one.__name__)] for one in (e.DocumentRegistered, e.DocumentFound)
        )
        return Replayed(
            len(self._state),
            len(self._fallen) - self._fallen.count(NOT_FALLEN),
            documents,
            len(self._batches),
        )

    def _by_type(self) -> dict[type, tuple[str, Callable[[int, str, Any], object]]]:
        acts: dict[type, Callable[[int, str, Any], object]] = {
            e.Started: _nothing_follows,
            e.Stopped: _nothing_follows,
            e.PaymentOpened: self._open_payment,
            e.StackIntended: self._intend_note,
            e.NoteStacked: self._stack_note,
            e.NoteReturned: self._return_note,
            e.EvidenceFound: _nothing_follows,
            e.OrphanFound: self._find_orphan,
            e.PaymentCredited: self._credit_payment,
            e.PaymentAbandoned: self._abandon_payment,
            e.CassetteRemoved: self._remove_cassette,
            e.CassetteInserted: self._insert_cassette,
            e.CassettePutBack: self._put_cassette_back,
            e.CashCollected: self._collect_cash,
            e.FiscalIntended: self._intend_document,
            e.FiscalVoided: self._void_document,
            e.DocumentRegistered: self._register_document,
            e.DocumentOwed: self._owe_document,
            e.LateDocumentDecided: self._decide_document,
            e.DocumentFound: self._find_document,
            e.DocumentExcluded: self._void_document,
            e.CopyPrinted: self._print_copy,
            e.ShiftOpened: self._open_shift,
            e.ShiftClosed: self._close_shift,
            e.ShiftCounted: self._count_shift,
            e.StaffPinSet: self._forget_wrong_pins,
            e.StaffRemoved: self._forget_wrong_pins,
            e.StaffRefused: self._refuse_pin,
            e.StaffAdmitted: self._forget_wrong_pins,
            e.BatchFrozen: self._freeze_batch,
            e.BatchWritten: self._write_batch,
            e.SnapshotAdopted: self._adopt_snapshot,
            e.ImportRefused: _nothing_follows,
            e.ConditionRaised: self._raise_condition,
            e.ConditionCleared: self._clear_condition,
        }
        return {one: (e.kind_of(one.__name__), act) for one, act in acts.items()}

    # --- payments and notes -----------------------------------------------------------------------------------

    def _open_payment(self, seq: int, at: str, entry: e.PaymentOpened) -> None:
        if self._open is not None:
            raise EntryRefused("one payment is open at a time")
        ordinal = len(self._state) + 1
        match = PAYMENT.fullmatch(entry.payment)
        if match is None or int(match[1]) != ordinal:
            raise EntryRefused("payments are numbered without a hole")
        if not (SERVICE.fullmatch(entry.service) and ACCOUNT.fullmatch(entry.account)):
            raise EntryRefused("a service and an account go into files as they are")
        if entry.contact is not None and not is_contact(entry.contact):
            raise EntryRefused(CONTACT_PROMISE)
        row = self._payment_rows.of(ordinal)
        told = (ordinal, entry.payment, entry.service, entry.account, entry.snapshot, entry.contact)
        if (*row[:5], row[17]) != told:
            raise self._payment_rows.wrong(ordinal)
        self._open = _Payment(row, seq, at)
        self._state.append(NOT_FREE)
        self._paid.append(0)
        self._batch_in_row.append(row[16] or 0)

    def _intend_note(self, _: int, __: str, entry: e.StackIntended) -> None:
        self._number_note(entry.note)
        if self._note_in_flight is not None:
            raise EntryRefused("one note is in flight at a time")
        if self._open is None or self._open.row[1] != entry.payment:
            raise EntryRefused("an intent needs an open payment")
        row = self._note_rows.of(entry.note)
        if row[1] != entry.payment or (row[3] != "stacked" and row[2] != entry.value):
            raise self._note_rows.wrong(entry.note)
        self._note_in_flight = row

    def _number_note(self, note: int) -> None:
        self._notes += 1
        if note != self._notes:
            raise EntryRefused("notes are numbered without a hole")
        self._fallen.append(NOT_FALLEN)

    def _settle_note(self, payment: str, note: int) -> Row:
        """The row of the note in flight, which is this one and is so no more."""
        row, self._note_in_flight = self._note_in_flight, None
        if row is None or row[0] != note or row[1] != payment:
            raise EntryRefused("a note is stacked once or returned once, after its intent")
        return row

    def _stack_note(self, _: int, __: str, entry: e.NoteStacked) -> None:
        row = self._settle_note(entry.payment, entry.note)
        if row[2:] != (entry.value, "stacked", entry.uncertain):
            raise self._note_rows.wrong(entry.note)
        assert self._open is not None, "a note is in flight for an open payment only"
        self._open.paid += entry.value
        self._fallen[entry.note - self._collected - 1] = entry.value

    def _return_note(self, _: int, __: str, entry: e.NoteReturned) -> None:
        row = self._settle_note(entry.payment, entry.note)
        if row[3:] != ("returned", 0):
            raise self._note_rows.wrong(entry.note)

    def _find_orphan(self, _: int, __: str, entry: e.OrphanFound) -> None:
        self._number_note(entry.note)
        self._note_rows.compare(entry.note, (entry.note, None, entry.value, "orphan", 0))
        self._fallen[entry.note - self._collected - 1] = entry.value or 0

    def _end_payment(self, payment: str) -> _Payment:
        """The open payment, which is this one and is so no more."""
        ended, self._open = self._open, None
        if ended is None or ended.row[1] != payment:
            raise EntryRefused("a payment ends once")
        if self._note_in_flight is not None:
            raise EntryRefused("a payment does not end while a note is in flight")
        return ended

    def _credit_payment(self, seq: int, at: str, entry: e.PaymentCredited) -> None:
        ended = self._end_payment(entry.payment)
        if not 0 < ended.paid == entry.total:
            raise EntryRefused("a payment is credited with the sum of its stacked notes")
        if ended.row[5:12] != ("credited", ended.paid, ended.seq, ended.at, seq, at, entry.reason):
            raise self._payment_rows.wrong(ended.row[0])
        self._paid[-1] = ended.paid
        self._without_document[entry.payment] = ended

    def _abandon_payment(self, _: int, __: str, entry: e.PaymentAbandoned) -> None:
        ended = self._end_payment(entry.payment)
        if ended.paid:
            raise EntryRefused("a payment with money is not abandoned")
        self._compare_unended(ended, "abandoned")

    def _compare_unended(self, payment: _Payment, state: str) -> None:
        """The row of a payment that was not credited."""
        expected = (
            state,
            payment.paid,
            payment.seq,
            payment.at,
            None,
            None,
            None,
            "none",
            0,
            None,
            None,
            None,
            None,
        )
        if (*payment.row[5:17], payment.row[18]) != expected:
            raise self._payment_rows.wrong(payment.row[0])

    # --- the cassette -----------------------------------------------------------------------------------------

    def _remove_cassette(self, seq: int, at: str, entry: e.CassetteRemoved) -> None:
        if entry.last_note > self._last_settled():
            raise EntryRefused("no note in flight lies in the cassette")
        if self._is_out is not None:
            raise EntryRefused("one cassette is out at a time")
        self._removals[seq] = (seq, at, entry.last_note, None, None)
        self._unexplained.append(seq)
        self._is_out = seq

    def _insert_cassette(self, seq: int, _: str, __: e.CassetteInserted) -> None:
        out, self._is_out = self._is_out, None
        if out is None:
            raise EntryRefused("only a cassette that is out can be inserted")
        *left, _, explained = self._removals[out]
        self._removals[out] = (*left, seq, explained)

    def _put_cassette_back(self, seq: int, _: str, entry: e.CassettePutBack) -> None:
        if entry.removal not in self._unexplained:
            raise EntryRefused("only a cassette that left can be put back, and only once")
        self._explain(seq, entry.removal)

    def _collect_cash(self, seq: int, at: str, entry: e.CashCollected) -> None:
        if entry.collection != len(self._collections) + 1:
            raise EntryRefused("collections are numbered without a hole")
        if not self._collected <= entry.last_note <= self._last_settled():
            raise EntryRefused("a collection holds the notes behind the last one's")
        count = entry.last_note - self._collected
        if entry.notes != _lying(self._fallen[:count]):
            raise EntryRefused("a collection's notes must agree")
        left = {number for number in self._unexplained if self._removals[number][2] <= entry.last_note}
        if entry.removal is not None and (
            entry.removal not in left or self._removals[entry.removal][2] != entry.last_note
        ):
            raise EntryRefused("a collection is that of a removal which was not explained")
        del self._fallen[:count]
        self._collected = entry.last_note
        self._collections[entry.collection] = (entry.collection, entry.removal, seq, at, entry.last_note)
        for number in left:
            self._explain(seq, number)

    def _explain(self, seq: int, removal: int) -> None:
        *left, _ = self._removals[removal]
        self._removals[removal] = (*left, seq)
        self._unexplained.remove(removal)

    def _last_settled(self) -> int:
        return self._notes if self._note_in_flight is None else self._note_in_flight[0] - 1

    # --- fiscal documents -------------------------------------------------------------------------------------

    def _intend_document(self, _: int, __: str, entry: e.FiscalIntended) -> None:
        waiting = self._without_document.get(entry.payment)
        if waiting is None or waiting.intent is not None:
            raise EntryRefused("only a credited payment without document or open intent can be registered")
        waiting.intent = (entry.drive_serial, entry.last_document)

    def _void_document(self, _: int, __: str, entry: e.FiscalVoided | e.DocumentExcluded) -> None:
        waiting = self._without_document.get(entry.payment)
        if waiting is None or waiting.intent is None:
            raise EntryRefused("only an open intent can be voided")
        waiting.intent = None

    def _register_document(self, seq: int, _: str, entry: e.DocumentRegistered) -> None:
        self._make_document(seq, entry, entry.total, entry.printed)

    def _find_document(self, seq: int, _: str, entry: e.DocumentFound) -> None:
        self._make_document(seq, entry, None, False)

    def _make_document(
        self, seq: int, entry: e.DocumentRegistered | e.DocumentFound, total: int | None, is_printed: bool
    ) -> None:
        waiting = self._without_document.pop(entry.payment, None)
        if waiting is None or waiting.intent is None:
            raise EntryRefused("a document follows its intent")
        drive, last = waiting.intent
        if drive != entry.drive_serial or last >= entry.number or total not in (None, waiting.paid):
            raise EntryRefused("a document is made by the intent's fiscal drive, later, over the whole sum")
        if waiting.row[12:16] != ("registered", waiting.owed, None, None):
            raise self._payment_rows.wrong(waiting.row[0])
        self._compare_decision(waiting)
        self._document_rows.compare(
            seq,
            (
                seq, entry.payment, entry.number, entry.sign, entry.at, entry.drive_serial, entry.shift, waiting.paid,
                is_printed,
            ),
        )  # fmt: skip
        self._set_free(waiting)

    def _owe_document(self, _: int, __: str, entry: e.DocumentOwed) -> None:
        waiting = self._without_document.get(entry.payment)
        if waiting is None or waiting.owed:
            raise EntryRefused("a document is owed once, for a credited payment that has none")
        waiting.owed = True
        self._set_free(waiting)

    def _decide_document(self, seq: int, _: str, entry: e.LateDocumentDecided) -> None:
        waiting = self._without_document.get(entry.payment)
        if waiting is None or waiting.intent is not None:
            raise EntryRefused(
                "a late document is decided upon for a credited payment that has none and no open intent"
            )
        waiting.decided = seq

    def _compare_decision(self, payment: _Payment) -> None:
        if payment.row[18] != payment.decided:
            raise self._payment_rows.wrong(payment.row[0])

    def _set_free(self, payment: _Payment) -> None:
        at = payment.row[0] - 1
        if self._state[at] == NOT_FREE:
            self._state[at] = FREE

    def _print_copy(self, seq: int, _: str, entry: e.CopyPrinted) -> None:
        """Of a payment that has its document no more is kept than its sum: the number's first part is the tables' to check."""
        match = PAYMENT.fullmatch(entry.payment)
        ordinal = int(match[1]) if match is not None else 0
        is_credited = 0 < ordinal <= len(self._paid) and self._paid[ordinal - 1] > 0
        if not is_credited or entry.payment in self._without_document:
            raise EntryRefused("a copy is of a document that was made")
        self._copies[seq] = (seq, entry.payment)

    # --- staff ------------------------------------------------------------------------------------------------

    def _refuse_pin(self, _: int, at: str, entry: e.StaffRefused) -> None:
        _, before, _ = self._wrong_pins.get(entry.name, ("", 0, ""))
        self._wrong_pins[entry.name] = (entry.name, before + 1, at)

    def _forget_wrong_pins(
        self, _: int, __: str, entry: e.StaffPinSet | e.StaffRemoved | e.StaffAdmitted
    ) -> None:
        self._wrong_pins.pop(entry.name, None)

    # --- shifts -----------------------------------------------------------------------------------------------

    def _open_shift(self, seq: int, _: str, entry: e.ShiftOpened) -> None:
        self._shifts[seq] = (
            seq,
            entry.drive_serial,
            entry.number,
            entry.document_number,
            None,
            None,
            None,
            None,
        )

    def _close_shift(self, seq: int, _: str, entry: e.ShiftClosed) -> None:
        found = self._running_shift(seq, entry.drive_serial, entry.number)
        self._shifts[found[0]] = (*found[:4], entry.document_number, seq, *found[6:])

    def _count_shift(self, seq: int, _: str, entry: e.ShiftCounted) -> None:
        found = self._running_shift(seq, entry.drive_serial, entry.number)
        self._shifts[found[0]] = (*found[:6], entry.receipts, entry.total)

    def _running_shift(self, seq: int, drive: str, number: int) -> Row:
        """A shift that was opened before the registrar was known is told of by its count or its end."""
        for found in reversed(self._shifts.values()):
            if found[1:3] == (drive, number) and found[5] is None:
                return found
        return (seq, drive, number, None, None, None, None, None)

    # --- batches and the rest ---------------------------------------------------------------------------------

    def _freeze_batch(self, seq: int, _: str, entry: e.BatchFrozen) -> None:
        if entry.batch != len(self._batches) + 1 or entry.name in self._batch_names:
            raise EntryRefused("batches are numbered without a hole, and each has a name of its own")
        count, total = 0, 0
        for first, last in entry.payments:
            total += self._freeze_range(first, last)
            count += last - first + 1
        if (count, total) != (entry.count, entry.total):
            raise EntryRefused("a batch's count and total must agree")
        for first, last in entry.payments:
            self._compare_batch(entry.batch, first, last)
        self._batch_names.add(entry.name)
        self._batches[entry.batch] = (
            entry.batch, entry.name, count, total, entry.sha256, entry.until, seq, None,
        )  # fmt: skip

    def _freeze_range(self, first: int, last: int) -> int:
        """Put the payments `first` to `last` into a batch; their sum."""
        if not 0 < first <= last <= len(self._state):
            raise EntryRefused("a batch holds payments that there are")
        payments, count = slice(first - 1, last), last - first + 1
        if self._state[payments].count(FREE) != count:
            raise EntryRefused("only free payments can be frozen")
        self._state[payments] = bytes([FROZEN]) * count
        return sum(self._paid[payments])

    def _compare_batch(self, batch: int, first: int, last: int) -> None:
        """The rows of the payments `first` to `last` name this batch."""
        payments = slice(first - 1, last)
        for ordinal, found in enumerate(self._batch_in_row[payments], first):
            if found != batch:
                raise self._payment_rows.wrong(ordinal)
        self._batch_in_row[payments] = array("q", bytes(8 * (last - first + 1)))  # nothing is left to compare

    def _write_batch(self, seq: int, _: str, entry: e.BatchWritten) -> None:
        frozen = self._batches.get(entry.batch)
        if frozen is None or frozen[1] != entry.name:
            raise EntryRefused("only a frozen batch can be written, under its own name")
        if frozen[7] is None:
            self._batches[entry.batch] = (*frozen[:7], seq)

    def _adopt_snapshot(self, seq: int, _: str, entry: e.SnapshotAdopted) -> None:
        self._snapshots[seq] = (seq, entry.sha256, entry.file, entry.accounts, entry.as_of)

    def _raise_condition(self, _: int, at: str, entry: e.ConditionRaised) -> None:
        _, _, since = self._conditions.get(entry.code, ("", "", at))
        self._conditions[entry.code] = (entry.code, entry.detail, since)

    def _clear_condition(self, _: int, __: str, entry: e.ConditionCleared) -> None:
        self._conditions.pop(entry.code, None)


def _nothing_follows(_: int, __: str, ___: e.Entry) -> None:
    """No table tells of it."""


def _lying(fallen: array[int]) -> tuple[tuple[int, int], ...]:
    """How many of which value are among these notes."""
    notes = Counter(fallen)
    del notes[NOT_FALLEN]
    return tuple(sorted(notes.items()))
