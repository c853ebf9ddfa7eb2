"""The tables derived from the entries, and the one function that derives them.

They answer the questions of the running terminal quickly and can be rebuilt from the entries alone. Constraints and
triggers say the promises once more, in the database's own words: an entry that breaks one is refused before it
becomes durable.
"""

from __future__ import annotations

import re
from typing import Any

import apsw
from peewee import SQL, BlobField, BooleanField, IntegerField, Model, SchemaManager, TextField
from playhouse.apsw_ext import APSWDatabase

from kassa.contact import is_contact
from kassa.errors import KassaError
from kassa.journal import entries as e

PAYMENT = re.compile(r"[0-9]{1,12}-([0-9]{10,12})", re.ASCII)
"""A payment's number: the terminal's, then the payment's ordinal; it goes into files of other people."""
SERVICE = re.compile(r"[a-z][a-z0-9_]{0,31}", re.ASCII)
ACCOUNT = re.compile(r"[0-9A-Za-zА-Яа-яЁё][0-9A-Za-zА-Яа-яЁё._/-]{0,63}")
"""An account goes into outgoing files unaltered, so what could break a line or a formula never gets in here."""

CONTACT_PROMISE = "a contact is a phone number or an e-mail address that fits into a receipt"

NOTE_MAX = 2**63 - 1
"""A number that no note has."""


class JournalBroken(KassaError):
    """The journal contradicts itself, so nothing in it can be relied on until a person has looked.

    `at` says where, for machines: `page 7`, `entry 12`, `payments 3`, `log`.
    """

    def __init__(self, message: str, at: str | None = None) -> None:
        super().__init__(message)
        self.at = at


class EntryRefused(JournalBroken):
    """An entry contradicts what the journal says already: a fault of this program. Nothing was written."""


# --- tables ---------------------------------------------------------------------------------------------------


def _check(condition: str) -> SQL:
    return SQL(f"CHECK ({condition})")


class _Table(Model):
    class Meta:
        legacy_table_names = False
        strict_tables = True


class Entries(_Table):
    """The truth; everything below follows from it."""

    seq = IntegerField(primary_key=True)
    at = TextField()
    kind = TextField()
    body = TextField()
    hash = BlobField(constraints=[_check("length(hash) = 32")])


class Kinds(_Table):
    """How many entries there are of each kind; an older program sees here what it cannot read."""

    kind = TextField(primary_key=True)
    entries = IntegerField()

    class Meta:  # noqa: D106
        without_rowid = True


class Payments(_Table):
    """One row a payment. `paid` is the sum of its stacked notes; `intent_*` stand while a document is being made.

    `contact` is where the electronic receipt goes: for the registrar, and for nobody else.
    `decided_seq`: the last entry by which a person decided what kind of document the payment gets so late.
    """

    ordinal = IntegerField(primary_key=True)
    number = TextField(unique=True)
    service = TextField()
    account = TextField()
    snapshot = TextField(null=True)
    state = TextField(constraints=[_check("state IN ('open', 'credited', 'abandoned')")])
    paid = IntegerField(constraints=[_check("paid >= 0")])
    opened_seq = IntegerField()
    opened_at = TextField()
    credited_seq = IntegerField(null=True)
    credited_at = TextField(null=True)
    reason = TextField(null=True)
    document = TextField(constraints=[_check("document IN ('none', 'intended', 'registered')")])
    owed = BooleanField(constraints=[_check("owed IN (0, 1)")])
    intent_drive = TextField(null=True)
    intent_last = IntegerField(null=True)
    batch = IntegerField(null=True)
    contact = TextField(null=True)
    decided_seq = IntegerField(null=True)

    class Meta:  # noqa: D106
        constraints = [  # noqa: RUF012
            _check("(state = 'credited') = (credited_seq IS NOT NULL)"),
            _check("state = 'credited' OR (document = 'none' AND NOT owed AND batch IS NULL)"),
            _check("state <> 'credited' OR paid > 0"),
            _check("state <> 'abandoned' OR paid = 0"),
            _check("(document = 'intended') = (intent_drive IS NOT NULL)"),
            _check("batch IS NULL OR document = 'registered' OR owed"),
        ]


class Notes(_Table):
    """One row a note that was about to be stacked, or was found. Orphans have no payment, perhaps no value."""

    number = IntegerField(primary_key=True)
    payment = TextField(null=True, constraints=[SQL("REFERENCES payments (number)")])
    value = IntegerField(null=True, constraints=[_check("value > 0")])
    state = TextField(constraints=[_check("state IN ('intended', 'stacked', 'returned', 'orphan')")])
    uncertain = BooleanField(constraints=[_check("uncertain IN (0, 1)")])

    class Meta:  # noqa: D106
        constraints = [_check("(state = 'orphan') = (payment IS NULL)")]  # noqa: RUF012


class Cassette(_Table):
    """How many notes of a value lie in the cassette, all since the last collection; value 0: of unknown value."""

    value = IntegerField(primary_key=True)
    notes = IntegerField()


class Removals(_Table):
    """Each time a cassette with something in it left its place; `explained_seq`: staff said what became of it."""

    seq = IntegerField(primary_key=True)
    at = TextField()
    last_note = IntegerField()
    inserted_seq = IntegerField(null=True)
    explained_seq = IntegerField(null=True)


class Collections(_Table):
    """Cassettes that were collected: each holds the notes behind those of the one before, up to `last_note`."""

    number = IntegerField(primary_key=True)
    removal = IntegerField(null=True, constraints=[SQL("REFERENCES removals (seq)")])
    seq = IntegerField()
    at = TextField()
    last_note = IntegerField()


class Documents(_Table):
    """The fiscal document of a payment; one each way, for ever."""

    seq = IntegerField(primary_key=True)
    payment = TextField(unique=True, constraints=[SQL("REFERENCES payments (number)")])
    number = IntegerField()
    sign = IntegerField()
    at = TextField()
    drive_serial = TextField()
    shift = IntegerField()
    total = IntegerField()
    printed = BooleanField()

    class Meta:  # noqa: D106
        constraints = [SQL("UNIQUE (drive_serial, number)")]  # noqa: RUF012


class Copies(_Table):
    """Each time a copy of a document was put on paper."""

    seq = IntegerField(primary_key=True)
    payment = TextField(constraints=[SQL("REFERENCES payments (number)")])


class WrongPins(_Table):
    """Wrong PINs in a person's name since the last right or new one; `at`: when the last of them was given."""

    name = TextField(primary_key=True)
    count = IntegerField(constraints=[_check("count > 0")])
    at = TextField()

    class Meta:  # noqa: D106
        table_name = "wrong_pins"
        without_rowid = True


class Shifts(_Table):
    """Shifts of the registrar as it told them; `seq` is the entry that told of the shift first."""

    seq = IntegerField(primary_key=True)
    drive_serial = TextField()
    number = IntegerField()
    opened_document = IntegerField(null=True)
    closed_document = IntegerField(null=True)
    closed_seq = IntegerField(null=True)
    receipts = IntegerField(null=True)
    total = IntegerField(null=True)

    class Meta:  # noqa: D106
        constraints = [  # noqa: RUF012
            _check("(closed_document IS NULL) = (closed_seq IS NULL)"),
            _check("(receipts IS NULL) = (total IS NULL)"),
        ]


class Batches(_Table):
    """Frozen batches of payments; `written_seq` stands when the file was read back from its folder."""

    number = IntegerField(primary_key=True)
    name = TextField(unique=True)
    payments = IntegerField()
    total = IntegerField()
    sha256 = TextField()
    until = TextField()
    frozen_seq = IntegerField()
    written_seq = IntegerField(null=True)


class Snapshots(_Table):
    """Subscriber data the terminal worked with, oldest first."""

    seq = IntegerField(primary_key=True)
    sha256 = TextField()
    file = TextField()
    accounts = IntegerField()
    as_of = TextField()


class Conditions(_Table):
    """What is wrong now."""

    code = TextField(primary_key=True)
    detail = TextField()
    since = TextField()

    class Meta:  # noqa: D106
        without_rowid = True


TABLES: tuple[type[Model], ...] = (
    Entries, Kinds, Payments, Notes, Cassette, Removals, Collections, Documents, Copies, WrongPins, Shifts, Batches,
    Snapshots, Conditions,
)  # fmt: skip
DERIVED = TABLES[1:]

_INDEXES = (
    "CREATE UNIQUE INDEX one_open_payment ON payments (state) WHERE state = 'open'",
    "CREATE UNIQUE INDEX one_open_intent ON notes (state) WHERE state = 'intended'",
    "CREATE INDEX payments_of_account ON payments (account, service) WHERE state = 'credited'",
    "CREATE INDEX payments_without_document ON payments (ordinal) WHERE state = 'credited' AND document <> 'registered'",
    "CREATE INDEX payments_without_batch ON payments (ordinal) WHERE state = 'credited' AND batch IS NULL",
    "CREATE INDEX notes_of_payment ON notes (payment)",
    "CREATE INDEX notes_to_explain ON notes (number) WHERE state = 'orphan' OR uncertain",
    "CREATE INDEX batches_unwritten ON batches (number) WHERE written_seq IS NULL",
    "CREATE UNIQUE INDEX one_cassette_is_out ON removals (inserted_seq IS NULL) WHERE inserted_seq IS NULL",
    "CREATE INDEX removals_unexplained ON removals (seq) WHERE explained_seq IS NULL",
    "CREATE INDEX documents_of_shift ON documents (shift, drive_serial)",
    "CREATE INDEX documents_without_paper ON documents (seq) WHERE NOT printed",
    "CREATE INDEX copies_of_payment ON copies (payment)",
)


def _forbid(name: str, act: str, table: str, when: str, words: str) -> str:
    condition = f" WHEN {when}" if when else ""
    return (
        f"CREATE TRIGGER {name} BEFORE {act} ON {table}{condition} BEGIN SELECT RAISE(ABORT, '{words}'); END"
    )


_TRIGGERS = (
    _forbid("entries_are_never_changed", "UPDATE", "entries", "", "entries are never changed"),
    _forbid("entries_are_never_deleted", "DELETE", "entries", "", "entries are never deleted"),
    # REPLACE deletes without asking a DELETE trigger, so a number that exists is refused here.
    _forbid(
        "entries_have_no_hole", "INSERT", "entries",
        "NEW.seq <> (SELECT coalesce(max(seq), 0) + 1 FROM entries)", "entries are numbered without a hole",
    ),
    _forbid(
        "a_settled_note_stays", "UPDATE", "notes", "OLD.state <> 'intended'", "a settled note stays what it is",
    ),
    _forbid(
        "an_ended_payment_stays", "UPDATE OF state, paid, service, account, number", "payments",
        "OLD.state <> 'open'", "an ended payment stays what it is",
    ),
    _forbid(
        "a_contact_stays", "UPDATE OF contact", "payments", "", "a contact stays what it was when the payment was opened",
    ),
    _forbid(
        "a_registered_document_stays", "UPDATE OF document", "payments",
        "OLD.document = 'registered'", "a payment has one document",
    ),
    _forbid(
        "a_payment_has_one_batch", "UPDATE OF batch", "payments", "OLD.batch IS NOT NULL", "a payment has one batch",
    ),
    *(
        _forbid(f"{table}_are_never_deleted", "DELETE", table, "", f"{table} are never deleted")
        for table in ("payments", "notes", "documents", "copies", "batches", "removals", "collections")
    ),
    *(
        _forbid(f"{table}_are_never_changed", "UPDATE", table, "", f"{table} are never changed")
        for table in ("documents", "copies", "collections")
    ),
)  # fmt: skip


def create(database: APSWDatabase) -> None:
    """Make all tables, indexes and triggers in an empty database; to begin and to commit is the caller's."""
    db: apsw.Connection = database.connection()  # type: ignore[no-untyped-call]
    for table in TABLES:
        SchemaManager(table, database=database).create_all(safe=False)
    for statement in (*_INDEXES, *_TRIGGERS):
        db.execute(statement)


# --- from an entry to the tables ------------------------------------------------------------------------------


def ordinal(payment: str) -> int:
    """The ordinal inside a payment's number. Raises EntryRefused on anything else than a payment's number."""
    match = PAYMENT.fullmatch(payment)
    if match is None:
        raise EntryRefused(f"{payment!a} is no payment number; it must look like 00042-0000000001")
    return int(match[1])


def apply(db: apsw.Connection, seq: int, at: str, entry: e.Entry) -> None:
    """Carry one entry into the derived tables. Raises EntryRefused or apsw.ConstraintError when it breaks a promise.

    What follows depends on the entries before this one and on nothing else, so a rebuild gives the same rows.
    """
    db.execute(
        "INSERT INTO kinds VALUES (?, 1) ON CONFLICT DO UPDATE SET entries = entries + 1", (e.kind(entry),)
    )
    match entry:
        case e.PaymentOpened():
            _open(db, seq, at, entry)
        case e.StackIntended():
            _next_note(db, entry.note)
            one(
                db, "an intent needs an open payment",
                "INSERT INTO notes SELECT ?, number, ?, 'intended', 0 FROM payments WHERE number = ? AND state = 'open'",
                (entry.note, entry.value, entry.payment),
            )  # fmt: skip
        case e.NoteStacked():
            _stack(db, entry)
        case e.NoteReturned():
            one(
                db, "only a note with an open intent can be returned",
                "UPDATE notes SET state = 'returned' WHERE number = ? AND payment = ? AND state = 'intended'",
                (entry.note, entry.payment),
            )  # fmt: skip
        case e.OrphanFound():
            _next_note(db, entry.note)
            db.execute("INSERT INTO notes VALUES (?, NULL, ?, 'orphan', 0)", (entry.note, entry.value))
            _into_cassette(db, entry.value or 0)
        case e.PaymentCredited():
            one(
                db, "a payment is credited once, with the sum of its stacked notes, when no note is in flight",
                "UPDATE payments SET state = 'credited', credited_seq = ?, credited_at = ?, reason = ?"
                " WHERE number = ? AND state = 'open' AND paid = ?"
                " AND NOT EXISTS (SELECT 1 FROM notes WHERE state = 'intended')",
                (seq, at, entry.reason, entry.payment, entry.total),
            )  # fmt: skip
        case e.PaymentAbandoned():
            one(
                db, "only an open payment without money and without a note in flight can be abandoned",
                "UPDATE payments SET state = 'abandoned' WHERE number = ? AND state = 'open' AND paid = 0"
                " AND NOT EXISTS (SELECT 1 FROM notes WHERE state = 'intended')",
                (entry.payment,),
            )  # fmt: skip
        case e.CassetteRemoved():
            _require(entry.last_note <= last_settled(db), "no note in flight lies in the cassette", entry)
            db.execute("INSERT INTO removals VALUES (?, ?, ?, NULL, NULL)", (seq, at, entry.last_note))
        case e.CassetteInserted():
            one(
                db, "only a cassette that is out can be inserted",
                "UPDATE removals SET inserted_seq = ? WHERE inserted_seq IS NULL", (seq,),
            )  # fmt: skip
        case e.CassettePutBack():
            one(
                db, "only a cassette that left can be put back, and only once",
                "UPDATE removals SET explained_seq = ? WHERE seq = ? AND explained_seq IS NULL", (seq, entry.removal),
            )  # fmt: skip
        case e.CashCollected():
            _collect(db, seq, at, entry)
        case e.FiscalIntended():
            one(
                db, "only a credited payment without document or open intent can be registered",
                "UPDATE payments SET document = 'intended', intent_drive = ?, intent_last = ?"
                " WHERE number = ? AND state = 'credited' AND document = 'none'",
                (entry.drive_serial, entry.last_document, entry.payment),
            )  # fmt: skip
        case e.FiscalVoided() | e.DocumentExcluded():
            one(
                db, "only an open intent can be voided",
                "UPDATE payments SET document = 'none', intent_drive = NULL, intent_last = NULL"
                " WHERE number = ? AND document = 'intended'",
                (entry.payment,),
            )  # fmt: skip
        case e.DocumentRegistered():
            _register(db, seq, entry, entry.total, printed=entry.printed)
        case e.DocumentFound():
            _register(db, seq, entry, None, printed=False)
        case e.DocumentOwed():
            one(
                db, "a document is owed once, for a credited payment that has none",
                "UPDATE payments SET owed = 1"
                " WHERE number = ? AND state = 'credited' AND document <> 'registered' AND NOT owed",
                (entry.payment,),
            )  # fmt: skip
        case e.LateDocumentDecided():
            one(
                db, "a late document is decided upon for a credited payment that has none and no open intent",
                "UPDATE payments SET decided_seq = ? WHERE number = ? AND state = 'credited' AND document = 'none'",
                (seq, entry.payment),
            )  # fmt: skip
        case e.CopyPrinted():
            one(
                db, "a copy is of a document that was made",
                "INSERT INTO copies SELECT ?, payment FROM documents WHERE payment = ?",
                (seq, entry.payment),
            )  # fmt: skip
        case e.StaffRefused():
            db.execute(
                "INSERT INTO wrong_pins VALUES (?, 1, ?)"
                " ON CONFLICT DO UPDATE SET count = count + 1, at = excluded.at",
                (entry.name, at),
            )
        case e.StaffAdmitted() | e.StaffPinSet() | e.StaffRemoved():
            db.execute("DELETE FROM wrong_pins WHERE name = ?", (entry.name,))
        case e.ShiftOpened():
            db.execute(
                "INSERT INTO shifts VALUES (?, ?, ?, ?, NULL, NULL, NULL, NULL)",
                (seq, entry.drive_serial, entry.number, entry.document_number),
            )
        case e.ShiftClosed():
            _change_shift(db, seq, entry, "closed_document = ?, closed_seq = ?", (entry.document_number, seq))
        case e.ShiftCounted():
            _change_shift(db, seq, entry, "receipts = ?, total = ?", (entry.receipts, entry.total))
        case e.BatchFrozen():
            _freeze(db, seq, entry)
        case e.BatchWritten():
            one(
                db, "only a frozen batch can be written, under its own name",
                "UPDATE batches SET written_seq = coalesce(written_seq, ?) WHERE number = ? AND name = ?",
                (seq, entry.batch, entry.name),
            )  # fmt: skip
        case e.SnapshotAdopted():
            db.execute(
                "INSERT INTO snapshots VALUES (?, ?, ?, ?, ?)",
                (seq, entry.sha256, entry.file, entry.accounts, entry.as_of),
            )
        case e.ConditionRaised():
            db.execute(
                "INSERT INTO conditions VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET detail = excluded.detail",
                (entry.code, entry.detail, at),
            )
        case e.ConditionCleared():
            db.execute("DELETE FROM conditions WHERE code = ?", (entry.code,))
        case e.Started() | e.Stopped() | e.EvidenceFound() | e.ImportRefused():
            pass


def one(db: apsw.Connection, promise: str, statement: str, values: tuple[Any, ...]) -> None:
    """Run a statement that must touch exactly one row, or the promise is broken."""
    db.execute(statement, values)
    _require(db.changes() == 1, promise, values)


def _require(kept: bool, promise: str, values: object) -> None:
    if not kept:
        raise EntryRefused(f"{promise}; refused with {values}")


def _open(db: apsw.Connection, seq: int, at: str, entry: e.PaymentOpened) -> None:
    number = ordinal(entry.payment)
    _require(
        number == next_of(db, "payments", "ordinal"), "payments are numbered without a hole", entry.payment
    )
    _require(
        SERVICE.fullmatch(entry.service) is not None, "a service is lower-case ASCII letters", entry.service
    )
    _require(
        ACCOUNT.fullmatch(entry.account) is not None, "an account is letters, digits and ._/-", entry.account
    )
    _require(entry.contact is None or is_contact(entry.contact), CONTACT_PROMISE, entry.payment)
    db.execute(
        "INSERT INTO payments VALUES"
        " (?, ?, ?, ?, ?, 'open', 0, ?, ?, NULL, NULL, NULL, 'none', 0, NULL, NULL, NULL, ?, NULL)",
        (number, entry.payment, entry.service, entry.account, entry.snapshot, seq, at, entry.contact),
    )


def next_of(db: apsw.Connection, table: str, column: str) -> int:
    """One more than the largest number so far."""
    found: int = db.execute(f"SELECT coalesce(max({column}), 0) + 1 FROM {table}").get
    return found


def _next_note(db: apsw.Connection, note: int) -> None:
    _require(note == next_of(db, "notes", "number"), "notes are numbered without a hole", note)


def _stack(db: apsw.Connection, entry: e.NoteStacked) -> None:
    one(
        db, "a note is stacked once, after its intent",
        "UPDATE notes SET state = 'stacked', value = ?, uncertain = ?"
        " WHERE number = ? AND payment = ? AND state = 'intended'",
        (entry.value, entry.uncertain, entry.note, entry.payment),
    )  # fmt: skip
    one(
        db, "a note is stacked for an open payment",
        "UPDATE payments SET paid = paid + ? WHERE number = ? AND state = 'open'",
        (entry.value, entry.payment),
    )  # fmt: skip
    _into_cassette(db, entry.value)


def _into_cassette(db: apsw.Connection, value: int) -> None:
    db.execute("INSERT INTO cassette VALUES (?, 1) ON CONFLICT DO UPDATE SET notes = notes + 1", (value,))


_LYING = """
    SELECT coalesce(value, 0), count(*) FROM notes WHERE number > ? AND number <= ? AND state IN ('stacked', 'orphan')
    GROUP BY 1 ORDER BY 1
"""


def lying(db: apsw.Connection, after: int, last: int) -> tuple[tuple[int, int], ...]:
    """How many notes of which value, of those numbered from `after` + 1 to `last`, lie in a cassette."""
    return tuple(db.execute(_LYING, (after, last)))


def collected(db: apsw.Connection) -> int:
    """The last note that went away with a collection."""
    found: int = db.execute("SELECT coalesce(max(last_note), 0) FROM collections").get
    return found


def last_settled(db: apsw.Connection) -> int:
    """The newest note up to which the fate of all is known; 0: there is none."""
    found: int = db.execute(
        "SELECT coalesce((SELECT number - 1 FROM notes WHERE state = 'intended'),"
        " (SELECT max(number) FROM notes), 0)"
    ).get
    return found


def _collect(db: apsw.Connection, seq: int, at: str, entry: e.CashCollected) -> None:
    after = collected(db)
    is_next = entry.collection == next_of(db, "collections", "number")
    _require(is_next, "collections are numbered without a hole", entry)
    is_settled = after <= entry.last_note <= last_settled(db)
    _require(is_settled, "a collection holds the notes behind the last one's", entry)
    _require(entry.notes == lying(db, after, entry.last_note), "a collection's notes must agree", entry)
    left = "SELECT 1 FROM removals WHERE seq = ? AND last_note = ? AND explained_seq IS NULL"
    is_told = entry.removal is None or db.execute(left, (entry.removal, entry.last_note)).get is not None
    _require(is_told, "a collection is that of a removal which was not explained", entry)
    db.execute(
        "INSERT INTO collections VALUES (?, ?, ?, ?, ?)",
        (entry.collection, entry.removal, seq, at, entry.last_note),
    )
    # Whatever left before that one did so with fewer notes, and came back.
    db.execute(
        "UPDATE removals SET explained_seq = ? WHERE explained_seq IS NULL AND last_note <= ?",
        (seq, entry.last_note),
    )
    db.execute("DELETE FROM cassette")
    db.execute(f"INSERT INTO cassette {_LYING}", (entry.last_note, NOTE_MAX))


def _register(
    db: apsw.Connection,
    seq: int,
    entry: e.DocumentRegistered | e.DocumentFound,
    total: int | None,
    *,
    printed: bool,
) -> None:
    """`total`: what the registrar says; None: a person has found it, and it is the payment's sum."""
    one(
        db, "a document follows its intent, on the same fiscal drive, over the payment's whole sum",
        "UPDATE payments SET document = 'registered', intent_drive = NULL, intent_last = NULL"
        " WHERE number = ? AND document = 'intended' AND intent_drive = ? AND intent_last < ? AND paid = coalesce(?, paid)",
        (entry.payment, entry.drive_serial, entry.number, total),
    )  # fmt: skip
    db.execute(
        "INSERT INTO documents SELECT ?, number, ?, ?, ?, ?, ?, paid, ? FROM payments WHERE number = ?",
        (
            seq, entry.number, entry.sign, entry.at, entry.drive_serial, entry.shift, printed, entry.payment,
        ),
    )  # fmt: skip


def _change_shift(
    db: apsw.Connection, seq: int, entry: e.ShiftClosed | e.ShiftCounted, change: str, values: tuple[int, int]
) -> None:
    """A shift that was opened before we knew the registrar gets its row now."""
    running = (
        "(SELECT max(seq) FROM shifts WHERE number = ? AND drive_serial = ? AND closed_document IS NULL)"
    )
    who = (entry.number, entry.drive_serial)
    if db.execute(f"SELECT {running}", who).get is None:
        db.execute(
            "INSERT INTO shifts VALUES (?, ?, ?, NULL, NULL, NULL, NULL, NULL)",
            (seq, entry.drive_serial, entry.number),
        )
    db.execute(f"UPDATE shifts SET {change} WHERE seq = {running}", (*values, *who))


def _freeze(db: apsw.Connection, seq: int, entry: e.BatchFrozen) -> None:
    _require(
        entry.batch == next_of(db, "batches", "number"), "batches are numbered without a hole", entry.batch
    )
    count, total = 0, 0
    for first, last in entry.payments:
        db.execute(
            "UPDATE payments SET batch = ? WHERE ordinal BETWEEN ? AND ? AND batch IS NULL"
            " AND state = 'credited' AND (document = 'registered' OR owed)",
            (entry.batch, first, last),
        )
        _require(db.changes() == last - first + 1, "only free payments can be frozen", (first, last))
        count += last - first + 1
        total += db.execute("SELECT sum(paid) FROM payments WHERE ordinal BETWEEN ? AND ?", (first, last)).get
    _require(
        (count, total) == (entry.count, entry.total), "a batch's count and total must agree", entry.batch
    )
    db.execute(
        "INSERT INTO batches VALUES (?, ?, ?, ?, ?, ?, ?, NULL)",
        (entry.batch, entry.name, count, total, entry.sha256, entry.until, seq),
    )
