"""The second opinion: what the entries say, found again without SQL, agrees with the tables and with nothing else."""

from contextlib import closing

import apsw
import pytest
from counting_clock import CountingClock
from entry_stories import (
    DRIVE,
    credited,
    excluded,
    found,
    intended,
    opened,
    payment_number,
    registered,
    registering,
    stacked,
    visit,
    visits,
)  # fmt: skip
from hypothesis import given, settings
from hypothesis import strategies as st

from kassa.export.batch import freeze
from kassa.journal import entries as e
from kassa.journal import tables
from kassa.journal.replay import Replayed, replay
from kassa.journal.store import Journal
from kassa.journal.tables import EntryRefused, JournalBroken

FIRST, SECOND, THIRD = (payment_number(ordinal) for ordinal in (1, 2, 3))


def a_life():
    """Everything that can be said, but batches; what is left open at its end are a payment, a note and a document."""
    yield e.Started(version="1.0.0", terminal="00042")
    yield e.SnapshotAdopted(sha256="ab" * 32, file="a.csv", accounts=3, as_of="2026-11-24T06:00:00+03:00")
    yield e.SnapshotAdopted(sha256="cd" * 32, file="b.csv", accounts=4, as_of="2026-11-25T06:00:00+03:00")
    yield e.ImportRefused(file="c.csv", reason="test")
    yield e.ShiftClosed(number=56, document_number=999, drive_serial=DRIVE)  # opened before anybody asked
    yield e.ShiftOpened(number=57, document_number=1000, drive_serial=DRIVE)
    for entries in visit(1, 1, (50000, 10000), 1001):
        yield from entries
    yield opened(2)
    yield intended(2, 3, 10000)
    yield e.NoteReturned(payment=SECOND, note=3, reason="test")
    yield e.PaymentAbandoned(payment=SECOND)
    yield e.CassetteRemoved(last_note=2)
    yield e.CassetteInserted()
    yield e.CassettePutBack(removal=19, by="Petrov")
    yield e.CashCollected(
        collection=1, removal=None, last_note=2, notes=((10000, 1), (50000, 1)), by="Petrov"
    )
    yield e.OrphanFound(note=4, value=None, evidence="test")
    yield e.OrphanFound(note=5, value=10000, evidence="test")
    yield from (opened(3, account="0000003"), intended(3, 6, 5000))
    yield e.EvidenceFound(payment=THIRD, note=6, evidence="note_in_stacker")
    yield e.NoteStacked(payment=THIRD, note=6, value=10000, uncertain=True)  # the device's word counts
    yield credited(3, 10000)
    yield e.DocumentOwed(payment=THIRD, reason="test")
    yield registering(3, 1001)
    yield e.FiscalVoided(payment=THIRD, reason="test")
    yield e.ShiftCounted(
        number=57, receipts=1, total=60000, drive_serial="a new one"
    )  # seen for the first time
    yield e.ShiftCounted(number=57, receipts=1, total=50000, drive_serial=DRIVE)
    yield e.ShiftCounted(number=57, receipts=1, total=60000, drive_serial=DRIVE)
    yield e.ShiftClosed(number=57, document_number=1002, drive_serial=DRIVE)
    yield e.ShiftOpened(number=58, document_number=1003, drive_serial=DRIVE)
    yield e.LateDocumentDecided(payment=THIRD, document="correction", act="7", by="Petrov", reason="no paper")
    yield e.ConditionRaised(code="disk_low", detail="9 MB")
    yield e.ConditionRaised(code="disk_low", detail="8 MB")
    yield e.ConditionRaised(code="data_old", detail="")
    yield e.ConditionCleared(code="data_old")
    yield e.CassetteRemoved(last_note=6)
    yield e.CassetteInserted()
    yield e.CassetteRemoved(last_note=6)
    yield e.CassetteInserted()
    for ordinal, note in ((4, 7), (5, 8)):
        for entries in visit(ordinal, note, (10000,), 1000 + ordinal):
            yield from entries
    yield e.CashCollected(collection=2, removal=46, last_note=6, notes=((0, 1), (10000, 2)), by="Petrov")
    yield from (opened(6), intended(6, 9, 5000), stacked(6, 9, 5000), credited(6, 5000), registering(6, 1005))
    yield from (opened(7, contact="ivan@mail.ru"), intended(7, 10, 1), stacked(7, 10, 1), credited(7, 1))
    yield from (
        opened(8, contact="+79991234567"),
        intended(8, 11, 5000),
        stacked(8, 11, 5000),
        intended(8, 12, 10000),
    )
    yield e.CassetteRemoved(last_note=11)
    yield from (registering(7, 1005), excluded(7), registering(7, 1005), found(7, 1006))
    yield e.CopyPrinted(payment=FIRST, by="Petrov")
    yield e.CopyPrinted(payment=FIRST, by="Petrova")
    yield e.StaffPinSet(name="Petrov", role="clerk")
    for name in ("Petrov", "Petrova", "Petrova", "Sidorov", "Ivanova"):
        yield e.StaffRefused(name=name, act="settle_document")
    yield e.StaffAdmitted(name="Sidorov", role="administrator", act="settle_document")
    yield e.StaffRemoved(name="Ivanova")


@pytest.fixture
def life(tmp_path):
    """The tables of that life, with no trigger and no constraint in the way of a hand."""
    clock = CountingClock()
    with closing(Journal.open(tmp_path / "life.db", clock)) as journal:
        for number, entry in enumerate(a_life()):
            journal.append(entry)
            if number == 34:
                freeze(journal, "90001", "00042", clock, "utf-8")
                journal.append(e.BatchWritten(batch=1, name=journal.batch(1).name))
                journal.append(e.BatchWritten(batch=1, name=journal.batch(1).name))
        freeze(journal, "90001", "00042", clock, "utf-8")
        with closing(apsw.Connection(":memory:")) as db, journal.reading() as real:
            for table in tables.TABLES:
                name, columns = table._meta.table_name, ", ".join(table._meta.columns)
                rows = list(real.execute(f"SELECT {columns} FROM {name}"))
                db.execute(f"CREATE TABLE {name} ({columns})")
                db.executemany(
                    f"INSERT INTO {name} VALUES ({', '.join('?' * len(table._meta.columns))})", rows
                )
            yield db.serialize("main")


def replayed(life, *changes):
    """What a replay says after these changes."""
    with closing(apsw.Connection(":memory:")) as db:
        db.deserialize("main", life)
        for statement, values in changes:
            db.execute(statement, values)
        try:
            return replay(db)
        except JournalBroken as error:
            return str(error)


def keys_of(life, table):
    with closing(apsw.Connection(":memory:")) as db:
        db.deserialize("main", life)
        found = [
            key
            for (key,) in db.execute(
                f"SELECT {table._meta.primary_key.column_name} FROM {table._meta.table_name}"
            )
        ]
    assert found
    return found


def test_a_life_in_which_everything_happens_is_told_as_it_is(life):
    assert replayed(life) == Replayed(payments=8, notes=5, documents=4, batches=2)


@pytest.mark.parametrize("table", tables.DERIVED, ids=lambda table: table._meta.table_name)
def test_a_change_in_any_field_of_any_row_is_found_and_located(life, table):
    name, key = table._meta.table_name, table._meta.primary_key.column_name
    for row in keys_of(life, table):
        for column, field in table._meta.columns.items():
            if column != key:
                other = "another" if field.field_type == "TEXT" else 987654
                change = (f"UPDATE {name} SET {column} = ? WHERE {key} = ?", (other, row))
                assert (
                    replayed(life, change) == f"{name} {row} is wrong: it does not follow from the entries"
                ), column


@pytest.mark.parametrize("table", tables.DERIVED, ids=lambda table: table._meta.table_name)
def test_a_row_that_is_missing_or_was_added_is_found(life, table):
    name, key = table._meta.table_name, table._meta.primary_key.column_name
    keys = keys_of(life, table)
    for row in keys:
        gone = (f"DELETE FROM {name} WHERE {key} = ?", (row,))
        assert replayed(life, gone) == f"{name} {row} is missing: it does not follow from the entries"
    for new in ("A", "zzz") if isinstance(keys[0], str) else (-1, 987654):
        added = (
            (f"CREATE TABLE one AS SELECT * FROM {name} LIMIT 1", ()),
            (f"UPDATE one SET {key} = ?", (new,)),
            (f"INSERT INTO {name} SELECT * FROM one", ()),
        )
        assert replayed(life, *added) == f"{name} {new} should not exist: it does not follow from the entries"


# --- against the first opinion -------------------------------------------------------------------------------------

ORDINALS, NOTES, VALUES = st.integers(1, 5), st.integers(1, 8), st.sampled_from([5000, 10000, 50000])
PAYMENTS = ORDINALS.map(payment_number)
DOCUMENTS = st.integers(1000, 1006)
TEXT = st.just("test")
SHIFTS, DRIVES = st.integers(56, 58), st.sampled_from([DRIVE, "x"])
STAFF = st.sampled_from(["Petrov", "Petrova"])
LYING = st.sampled_from([(), ((50000, 1),), ((10000, 1), (50000, 1)), ((5000, 1),)])
"""Of a visit the first notes are 500 and 100, and a collection has to tell of them as they are."""
ANYTHING = st.one_of(
    st.builds(opened, ORDINALS, contact=st.sampled_from([None, None, "+79991234567", "ivan@mail.ru", "ivan", ""])),
    st.builds(e.StackIntended, payment=PAYMENTS, note=NOTES, value=VALUES),
    st.builds(e.NoteStacked, payment=PAYMENTS, note=NOTES, value=VALUES, uncertain=st.booleans()),
    st.builds(e.NoteReturned, payment=PAYMENTS, note=NOTES, reason=TEXT),
    st.builds(e.OrphanFound, note=NOTES, value=st.none() | VALUES, evidence=TEXT),
    st.builds(e.PaymentCredited, payment=PAYMENTS, total=VALUES, reason=TEXT),
    st.builds(e.PaymentAbandoned, payment=PAYMENTS),
    st.builds(e.CassetteRemoved, last_note=NOTES),
    st.just(e.CassetteInserted()),
    st.builds(e.CassettePutBack, removal=st.integers(1, 20), by=TEXT),
    st.builds(
        e.CashCollected, collection=st.integers(1, 2), removal=st.none() | st.integers(1, 20), last_note=st.integers(0, 8),
        notes=LYING, by=TEXT,
    ),
    st.builds(e.FiscalIntended, payment=PAYMENTS, drive_serial=DRIVES, last_document=DOCUMENTS),
    st.builds(e.FiscalVoided, payment=PAYMENTS, reason=TEXT),
    st.builds(registered, ORDINALS, DOCUMENTS, VALUES),
    st.builds(found, ORDINALS, DOCUMENTS, DRIVES),
    st.builds(excluded, ORDINALS),
    st.builds(e.DocumentOwed, payment=PAYMENTS, reason=TEXT),
    st.builds(e.LateDocumentDecided, payment=PAYMENTS, document=st.just("receipt"), act=TEXT, by=TEXT, reason=TEXT),
    st.builds(e.CopyPrinted, payment=PAYMENTS, by=TEXT),
    st.builds(e.StaffPinSet, name=STAFF, role=TEXT),
    st.builds(e.StaffRemoved, name=STAFF),
    st.builds(e.StaffRefused, name=STAFF, act=TEXT),
    st.builds(e.StaffAdmitted, name=STAFF, role=TEXT, act=TEXT),
    st.builds(e.ShiftOpened, number=SHIFTS, document_number=DOCUMENTS, drive_serial=DRIVES),
    st.builds(e.ShiftClosed, number=SHIFTS, document_number=DOCUMENTS, drive_serial=DRIVES),
    st.builds(e.ShiftCounted, number=SHIFTS, receipts=NOTES, total=VALUES, drive_serial=DRIVES),
    st.builds(e.ConditionRaised, code=st.sampled_from("ab"), detail=st.sampled_from("xy")),
    st.builds(e.ConditionCleared, code=st.sampled_from("ab")),
)  # fmt: skip


class Tables:
    """Entries and tables in memory; an entry goes into both, or, forced, into the entries alone."""

    def __init__(self):
        database = tables.APSWDatabase(":memory:")
        database.connect()
        tables.create(database)
        self.db = database.connection()
        self.seq = 0

    def add(self, entry, *, forced=False):
        """Whether it was accepted."""
        self.db.execute("SAVEPOINT before")
        try:
            if not forced:
                tables.apply(self.db, self.seq + 1, f"at {self.seq + 1}", entry)
        except (EntryRefused, apsw.ConstraintError):
            self.db.execute("ROLLBACK TO before")
            return False
        self.seq += 1
        row = (self.seq, f"at {self.seq}", e.kind(entry), e.encode(entry), bytes(32))
        self.db.execute("INSERT INTO entries VALUES (?, ?, ?, ?, ?)", row)
        return True


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 14), st.lists(ANYTHING, max_size=12), ANYTHING)
def test_it_accepts_what_the_tables_accept_and_refuses_what_they_refuse(told, tried, last):
    both = Tables()
    for entries in visits(2)[:told]:
        for entry in entries:
            assert both.add(entry)
    for entry in tried:
        both.add(entry)
    replay(both.db)

    is_fine = both.add(last)
    if not is_fine:
        both.add(last, forced=True)
    if is_fine:
        replay(both.db)
    else:
        with pytest.raises(JournalBroken):
            replay(both.db)


def test_an_entry_that_no_table_tells_of_is_missed_by_the_count_of_its_kind():
    both = Tables()
    assert both.add(e.Stopped())
    both.add(e.Stopped(), forced=True)
    with pytest.raises(JournalBroken, match="kinds stopped is wrong"):
        replay(both.db)


@pytest.mark.parametrize(
    ("kind", "body", "words"),
    [
        (
            "stopped",
            '{"kind":"stopped","why":"x"}',
            "cannot be read by this version of Kassa: Object contains unknown",
        ),
        (
            "stopped",
            '{"kind":"started","version":"1","terminal":"1"}',
            "calls itself stopped, but says started",
        ),
    ],
)
def test_an_entry_that_makes_no_sense_is_told_of_in_words(kind, body, words):
    both = Tables()
    assert both.add(e.Stopped())
    both.db.execute(
        "INSERT INTO entries VALUES (2, '', ?, CAST(? AS TEXT), ?)",
        (kind, body.encode(errors="surrogateescape"), bytes(32)),
    )
    with pytest.raises(JournalBroken, match="entry 2") as found:
        replay(both.db)
    assert found.value.at == "entry 2"
    assert words in str(found.value)
