"""One flipped byte anywhere in the journal's files is found, and the verdict says where."""

import random
import re
from contextlib import closing
from itertools import zip_longest
from multiprocessing import active_children
from pathlib import Path

import apsw
import pytest
from counting_clock import CountingClock
from entry_stories import credited, intended, opened, stacked, visits
from simulated_disk import SimulatedDisk, plugged

from kassa.export.batch import freeze
from kassa.journal import entries as e
from kassa.journal.chain import check, link
from kassa.journal.pages import PAGE_BYTES, SealedVFS, is_intact, seal
from kassa.journal.store import Journal, JournalBroken
from kassa.journal.verify import CHAIN_PARTS, Verdict, _beside, broken, verify

SAYS_WHERE = re.compile(
    r"(page|entry|payments|notes|documents|batches) \d+|schema \w+|database|log|mark", re.ASCII
)


def write(path, transactions=None):
    with closing(Journal.open(path, CountingClock())) as journal:
        for entries in transactions or visits(8):
            journal.append(*entries)


def leave_as_if_killed(path):
    """The files as a killed core leaves them: the newest entries only in the write-ahead log."""
    journal = Journal.open(path, CountingClock())
    for entries in visits(12)[len(visits(8)) :]:
        journal.append(*entries)
    left = {file.name: file.read_bytes() for file in path.parent.iterdir()}
    journal.close()
    for name, content in left.items():
        (path.parent / name).write_bytes(content)


def judge(path):
    try:
        with closing(Journal.open(path, CountingClock())) as journal:
            return verify(journal)
    except JournalBroken as error:
        return broken(error)


def flip(content, at, bit):
    return content[:at] + bytes([content[at] ^ 1 << bit]) + content[at + 1 :]


def test_a_sound_journal_is_whole(path):
    write(path)
    with closing(Journal.open(path, CountingClock())) as journal:
        freeze(journal, "90001", "00042", CountingClock(), "utf-8")
        entries, head = journal.head()
    assert judge(path) == Verdict(
        ok=True, entries=entries, payments=8, notes=16, documents=8, batches=1, head=head
    )


def test_any_flipped_bit_of_the_database_file_is_found_and_located(path):
    write(path)
    whole = path.read_bytes()
    chance = random.Random(4)
    # Every byte of the header, the ends of each page, and places at random: in trees, indexes, free space, seals.
    places = {*range(100), *(chance.randrange(len(whole)) for _ in range(150))}
    for page in range(0, len(whole), PAGE_BYTES):
        places |= {page, page + 7, page + PAGE_BYTES - 9, page + PAGE_BYTES - 1}
    for at in sorted(places):
        path.write_bytes(flip(whole, at, chance.randrange(8)))
        verdict = judge(path)
        assert not verdict.ok, f"byte {at} of {len(whole)}"
        assert SAYS_WHERE.fullmatch(verdict.at), (at, verdict)
    path.write_bytes(whole)
    assert judge(path).ok


def test_a_flipped_bit_in_a_page_behind_the_header_names_that_very_page(path):
    write(path)
    whole = path.read_bytes()
    for page in range(2, len(whole) // PAGE_BYTES + 1):
        path.write_bytes(flip(whole, (page - 1) * PAGE_BYTES + 1000, 3))
        assert judge(path).at == f"page {page}"


def test_a_flipped_bit_in_the_log_of_a_killed_core_is_found_or_held_no_information(path):
    write(path)
    leave_as_if_killed(path)
    files = {file: file.read_bytes() for file in path.parent.iterdir()}
    head = judge(path).head
    log = path.with_name(path.name + "-wal")
    chance = random.Random(5)
    frame = 24 + PAGE_BYTES
    missed = []
    for at in sorted({*range(32), *(chance.randrange(len(files[log])) for _ in range(150))}):
        for file, content in files.items():
            file.write_bytes(flip(content, at, chance.randrange(8)) if file == log else content)
        verdict = judge(path)
        if verdict.ok:
            missed.append(at)
            assert verdict.head == head, f"byte {at}: entries were lost silently"
        else:
            assert SAYS_WHERE.fullmatch(verdict.at), (at, verdict)
    # What is behind the last commit of this round is of an older one and means nothing.
    assert all(at >= 32 + frame for at in missed)
    assert len(missed) < 20, missed


def test_a_flipped_bit_in_the_mark_is_found(path):
    write(path)
    mark = path.with_name(path.name + "-mark")
    whole = mark.read_bytes()
    for at in range(len(whole)):
        mark.write_bytes(flip(whole, at, at % 8))
        assert judge(path).at == "mark"


def test_two_pages_that_changed_places_are_found(path):
    write(path)
    pages = [path.read_bytes()[at : at + PAGE_BYTES] for at in range(0, path.stat().st_size, PAGE_BYTES)]
    pages[4], pages[6] = pages[6], pages[4]
    path.write_bytes(b"".join(pages))
    assert judge(path).at == "page 5"


@pytest.mark.parametrize("lost_bytes", [1, PAGE_BYTES - 1, PAGE_BYTES, 5 * PAGE_BYTES])
def test_a_file_that_was_cut_off_is_found(path, lost_bytes):
    write(path)
    path.write_bytes(path.read_bytes()[:-lost_bytes])
    verdict = judge(path)
    assert not verdict.ok
    assert SAYS_WHERE.fullmatch(verdict.at)


def test_a_file_that_grew_or_became_empty_or_something_else_is_found(path):
    write(path)
    whole = path.read_bytes()
    for content in (whole + b"x", whole + whole[-PAGE_BYTES:], b"", b"no journal " * 1000):
        path.write_bytes(content)
        assert not judge(path).ok


# --- who knows the seals -------------------------------------------------------------------------------------------


def tamper(path, *statements):
    """Change the database as somebody would who knows how it is made: seals stay right, triggers are dropped."""
    sealed = SealedVFS("tamper")
    with closing(apsw.Connection(str(path), vfs=sealed.name)) as db:
        db.execute("PRAGMA locking_mode = exclusive")
        db.execute("PRAGMA foreign_keys = 0")
        triggers = list(db.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'"))
        for name, _ in triggers:
            db.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            db.execute(statement)
        for _, text in triggers:
            db.execute(text)
    sealed.unregister()


@pytest.mark.parametrize(
    ("statement", "at"),
    [
        ("UPDATE entries SET body = replace(body, '50000', '90000') WHERE seq = 3", "entry 3"),
        ("UPDATE entries SET at = '2026-11-25T09:00:00.000+00:00' WHERE seq = 5", "entry 5"),
        ("UPDATE entries SET hash = zeroblob(32) WHERE seq = 7", "entry 7"),
        ("DELETE FROM entries WHERE seq = 9", "entry 9"),
        ("UPDATE payments SET paid = paid + 100 WHERE ordinal = 2", "payments 2"),
        ("UPDATE payments SET account = '0000001' WHERE ordinal = 3", "payments 3"),
        ("UPDATE notes SET value = 500000 WHERE number = 4", "notes 4"),
        ("DELETE FROM notes WHERE number = 16", "notes 16"),
        ("UPDATE documents SET sign = 1 WHERE number = 1003", "documents"),
        ("UPDATE cassette SET notes = 7 WHERE value = 50000", "cassette 50000"),
        ("UPDATE kinds SET entries = 1 WHERE kind = 'note_stacked'", "kinds note_stacked"),
        ("INSERT INTO conditions VALUES ('disk_low', '', '')", "conditions disk_low"),
        ("INSERT INTO shifts VALUES (1, '', 1, 1, NULL, NULL, NULL, NULL)", "shifts 1"),
        ("DROP INDEX one_open_payment", "schema one_open_payment"),
        ("CREATE TABLE more (x)", "schema more"),
    ],
)
def test_who_changes_a_row_behind_the_journals_back_is_found_out(path, statement, at):
    write(path)
    tamper(path, statement)
    verdict = judge(path)
    assert verdict.ok is False
    assert verdict.at.startswith(at)


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("UPDATE payments SET paid = paid + 100 WHERE ordinal = 2", "payments 2 is wrong"),
        ("DELETE FROM notes WHERE number = 4", "notes 4 is missing"),
        ("DELETE FROM notes WHERE number = 16", "notes 16 is missing"),
        ("INSERT INTO cassette VALUES (20000, 1)", "cassette 20000 should not exist"),
        ("INSERT INTO cassette VALUES (100000, 1)", "cassette 100000 should not exist"),
        ("INSERT INTO shifts VALUES (1, '', 1, 1, NULL, NULL, NULL, NULL)", "shifts 1 should not exist"),
        ("DROP INDEX one_open_payment", "schema one_open_payment is missing"),
        ("CREATE TABLE more (x)", "schema more should not exist"),
        ("CREATE TABLE zzz (x)", "schema zzz should not exist"),
        (
            "DROP INDEX notes_of_payment; CREATE INDEX notes_of_payment ON notes (payment, value)",
            "schema notes_of_payment is wrong",
        ),
    ],
)
def test_the_verdict_says_what_is_wrong_with_which_row(path, statement, problem):
    write(path)
    tamper(path, statement)
    verdict = judge(path)
    assert verdict.problem == f"{problem}: it does not follow from the entries"
    assert problem.startswith(verdict.at)


def test_an_index_that_does_not_fit_its_table_is_damage_of_the_database(path):
    write(path)
    tamper(
        path,
        "PRAGMA writable_schema = 1",
        "UPDATE sqlite_schema SET sql = 'CREATE INDEX notes_of_payment ON notes (value)' WHERE name = 'notes_of_payment'",
    )
    verdict = judge(path)
    assert verdict.at == "database"
    assert "the database is damaged: row 1 missing from index notes_of_payment" in verdict.problem


def chained(journal, entry):
    """A row of the entries that fits the chain, though nobody asked whether the entry may stand there."""
    seq, before = journal.head()
    at, kind, body = "2026-11-25T10:00:00.000+00:00", e.kind(entry), e.encode(entry)
    return seq + 1, at, kind, body, link(bytes.fromhex(before), seq + 1, at, kind, body)


def test_an_entry_that_fits_the_chain_but_no_promise_is_found(path):
    write(path)
    with closing(Journal.open(path, CountingClock())) as journal:
        row = chained(journal, stacked(8, 16, 10000))  # it lies in the cassette already
        with journal.reading() as db:
            db.execute("INSERT INTO entries VALUES (?, ?, ?, ?, ?)", row)
    verdict = judge(path)
    assert verdict.at == f"entry {row[0]}"
    assert "contradicts the entries before it: a note is stacked once" in verdict.problem


@pytest.mark.parametrize(
    ("kind", "body", "problem"),
    [
        ("card_charged", '{"kind":"card_charged"}', "cannot be read by this version of Kassa"),
        ("stopped", '{"kind":"stopped","why":"x"}', "cannot be read by this version of Kassa"),
        (
            "stopped",
            '{"kind":"started","version":"1","terminal":"1"}',
            "calls itself stopped, but says started",
        ),
    ],
)
def test_an_entry_that_fits_the_chain_but_makes_no_sense_is_found(path, journal, kind, body, problem):
    journal.append(e.Stopped())
    seq, before = journal.head()
    at = "2026-11-25T10:00:00.000+00:00"
    row = (seq + 1, at, kind, body, link(bytes.fromhex(before), seq + 1, at, kind, body))
    with journal.reading() as db:
        db.execute("INSERT INTO entries VALUES (?, ?, ?, ?, ?)", row)
    journal.close()
    verdict = judge(path)
    assert (verdict.ok, verdict.at) == (False, "entry 2")
    assert problem in verdict.problem


def test_a_damaged_log_is_left_as_it_is_for_who_looks_into_it(path):
    write(path)
    leave_as_if_killed(path)
    log = path.with_name(path.name + "-wal")
    log.write_bytes(flip(log.read_bytes(), 10, 3))
    before = log.read_bytes()
    assert judge(path).at == "log"
    assert log.read_bytes() == before


def test_an_entry_that_came_behind_the_back_of_the_open_journal_is_found(path, journal):
    for entries in visits(1):
        journal.append(*entries)
    seq = journal.head()[0]
    row = chained(journal, e.Stopped())
    with journal.reading() as db:
        db.execute("INSERT INTO entries VALUES (?, ?, ?, ?, ?)", row)
    verdict = verify(journal)
    assert (verdict.ok, verdict.at) == (False, f"entry {seq + 1}")
    assert verdict.problem == f"the chain ends with entry {seq + 1}, not {seq}"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entries SET body = CAST(x'ff' AS TEXT) WHERE seq = 3",
        "UPDATE payments SET account = CAST(x'ff' AS TEXT) WHERE ordinal = 3",
    ],
)
def test_text_that_is_none_is_damage(path, statement):
    write(path)
    tamper(path, statement)
    verdict = judge(path)
    assert verdict.at == "database"
    assert "it is damaged ('utf-8' codec can't decode byte 0xff" in verdict.problem


def test_who_removes_a_trigger_is_found_out(path):
    write(path)
    tamper(path)
    sealed = SealedVFS("tamper")
    with closing(apsw.Connection(str(path), vfs=sealed.name)) as db:
        db.execute("PRAGMA locking_mode = exclusive")
        db.execute("DROP TRIGGER entries_are_never_changed")
    sealed.unregister()
    assert judge(path).at == "schema entries_are_never_changed"


def test_who_puts_another_trigger_in_its_place_is_found_out(path):
    write(path)
    name = "entries_are_never_changed"
    sealed = SealedVFS("tamper")
    with closing(apsw.Connection(str(path), vfs=sealed.name)) as db:
        db.execute("PRAGMA locking_mode = exclusive")
        db.execute(f"DROP TRIGGER {name}")
        db.execute(f"CREATE TRIGGER {name} BEFORE UPDATE ON entries BEGIN SELECT 1; END")
    sealed.unregister()
    assert judge(path).problem == f"schema {name} is wrong: it does not follow from the entries"


def test_entries_that_were_chained_anew_are_found_out_by_the_mark(path):
    """Whoever can rebuild the whole chain still has to reach what was kept elsewhere."""
    write(path)
    mark = path.with_name(path.name + "-mark").read_bytes()
    for file in path.parent.iterdir():
        file.unlink()
    forged = [(e.Started(version="1.0.0", terminal="00042"),)]
    forged += [(opened(1), intended(1, 1, 500000)), (stacked(1, 1, 500000),), (credited(1, 500000),)]
    write(path, forged)
    path.with_name(path.name + "-mark").write_bytes(mark)
    assert "older copy" in judge(path).problem


# --- while the core runs -------------------------------------------------------------------------------------------


def test_a_copy_of_an_open_journal_holds_the_same_and_what_comes_meanwhile(path, journal, tmp_path):
    for entries in visits(3):
        journal.append(*entries)
    copy = tmp_path / "copy.db"
    for number, _ in enumerate(journal.copy_to(copy, pages_per_step=2)):
        if number == 3:
            journal.append(e.Stopped())

    with closing(Journal.open(copy, CountingClock(), read_only=True)) as copied:
        assert copied.head() == journal.head()
        assert verify(copied).ok


def test_two_copies_at_once_and_entries_in_between_are_both_whole(journal, tmp_path):
    transactions = visits(6)
    for entries in transactions[:20]:
        journal.append(*entries)
    copies = [tmp_path / "one.db", tmp_path / "two.db"]
    steps = zip_longest(*(journal.copy_to(copy, pages_per_step=3) for copy in copies))
    for entries, _ in zip(transactions[20:], steps, strict=False):
        journal.append(*entries)
        journal.checkpoint()
    for _ in steps:
        pass
    for copy in copies:
        with closing(Journal.open(copy, CountingClock(), read_only=True)) as copied:
            assert verify(copied).ok


def test_damage_that_happens_under_an_open_journal_is_found_by_the_next_copy(path, journal, tmp_path):
    for entries in visits(3):
        journal.append(*entries)
    journal.checkpoint()
    whole = path.read_bytes()
    for page in range(1, len(whole) // PAGE_BYTES + 1):
        with path.open("r+b") as file:
            file.write(flip(whole, (page - 1) * PAGE_BYTES + 2000, 1))
        with pytest.raises(JournalBroken) as found:
            list(journal.copy_to(tmp_path / "copy.db"))
        assert found.value.at == f"page {page}"
    path.write_bytes(whole)
    list(journal.copy_to(tmp_path / "copy.db"))


def test_a_copy_leaves_the_journal_locked_for_others(path, journal, tmp_path):
    list(journal.copy_to(tmp_path / "copy.db"))
    with pytest.raises(apsw.BusyError), closing(apsw.Connection(str(path))) as other:
        other.execute("SELECT * FROM sqlite_schema").fetchall()


def test_a_seal_fits_its_page_in_its_place_and_no_other():
    page = seal(bytes(range(256)) * 16, 7)
    assert len(page) == PAGE_BYTES
    assert seal(page, 7) == page
    assert is_intact(page, 7)
    assert not is_intact(page, 8)


# --- a long journal ------------------------------------------------------------------------------------------------


@pytest.fixture
def at_once(monkeypatch):
    """As if every journal were long: each look is taken by a process of its own."""

    def in_turn(_):
        raise AssertionError("one process looked at all of it")

    monkeypatch.setattr("kassa.journal.verify.AT_ONCE_FROM", 1)
    monkeypatch.setattr("kassa.journal.verify._look_in_turn", in_turn)
    monkeypatch.setattr("kassa.journal.store.CHECKED_AT_OPEN", 1)


def test_a_long_journal_is_looked_at_by_several_processes_with_the_same_verdict(path, monkeypatch):
    write(path)
    in_turn = judge(path)
    assert in_turn.ok
    at_once = []
    monkeypatch.setattr("kassa.journal.verify._look_in_turn", at_once.append)
    monkeypatch.setattr("kassa.journal.verify.AT_ONCE_FROM", in_turn.entries)
    assert judge(path) == in_turn
    assert at_once == []


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("is_whole", [True, False])
def test_with_the_verdict_on_a_long_journal_all_looks_at_it_are_over(path, is_whole):
    write(path)
    if not is_whole:
        path.write_bytes(flip(path.read_bytes(), PAGE_BYTES + 1000, 3))
    assert judge(path).ok is is_whole
    assert not active_children()


def test_a_journal_on_another_disk_is_looked_at_by_who_can_reach_it(monkeypatch):
    monkeypatch.setattr("kassa.journal.verify.AT_ONCE_FROM", 1)
    disk = SimulatedDisk()
    with (
        plugged(disk) as vfs,
        closing(Journal.open(Path("/journal.db"), CountingClock(), vfs=vfs)) as journal,
    ):
        for entries in visits(2):
            journal.append(*entries)
        assert verify(journal).ok


@pytest.mark.parametrize(
    ("changes", "at"),
    [
        (("UPDATE entries SET at = '' WHERE seq = 1",), "entry 1"),
        (("UPDATE entries SET body = replace(body, '50000', '90000') WHERE seq = 3",), "entry 3"),
        (("UPDATE entries SET hash = zeroblob(32) WHERE seq = 49",), "entry 49"),
        (("DELETE FROM entries WHERE seq = 40", "DELETE FROM notes WHERE number = 4"), "entry 40"),
        (
            ("DROP INDEX one_open_payment", "UPDATE entries SET at = '' WHERE seq = 5"),
            "schema one_open_payment",
        ),
        (("UPDATE notes SET value = 500000 WHERE number = 4",), "notes 4"),
        (("UPDATE notes SET payment = CAST(x'ff' AS TEXT) WHERE number = 4",), "database"),
    ],
)
def test_what_several_processes_find_is_told_in_the_order_in_which_one_looks(path, at_once, changes, at):
    write(path)
    tamper(path, *changes)
    assert judge(path).at == at


def test_a_damaged_page_of_a_long_journal_is_named_whatever_else_does_not_fit_then(path, at_once):
    write(path)
    whole = path.read_bytes()
    for page in (3, 7):
        path.write_bytes(flip(whole, (page - 1) * PAGE_BYTES + 1000, 3))
        assert judge(path).at == f"page {page}"


def test_entries_behind_the_end_of_a_long_journal_are_found(path, journal, at_once):
    for entries in visits(2):
        journal.append(*entries)
    while journal.head()[0] % CHAIN_PARTS:  # then no part of the chain is expected to go further
        journal.append(e.Stopped())
    row = chained(journal, e.Stopped())
    with journal.reading() as db:
        db.execute("INSERT INTO entries VALUES (?, ?, ?, ?, ?)", row)
    assert verify(journal).problem == f"the chain ends with entry {row[0]}, not {row[0] - 1}"


@pytest.mark.parametrize("name", ["journal.db", "a b#c?d%20é.db"])
def test_a_file_of_any_name_is_read_beside_whoever_has_it_open_and_never_written(tmp_path, name):
    with closing(Journal.open(tmp_path / name, CountingClock())) as journal:
        for entries in visits(2):
            journal.append(*entries)
        journal.carry_over()
        seq, head = journal.head()
        assert _beside(check, journal.path) == (seq, bytes.fromhex(head))
        assert _beside(check, journal.path, 0, 5) == (5, journal.entry(5)[2])
        with pytest.raises(apsw.ReadOnlyError):
            _beside(lambda db: db.execute("DELETE FROM entries"), journal.path)
        journal.append(e.Stopped())  # it is still ours
