"""Opening, writing, asking and closing the journal."""

import subprocess
import sys
from contextlib import closing
from datetime import datetime

import apsw
import pytest
from counting_clock import CountingClock
from entry_stories import payment_number, visit, visits

from kassa.journal import entries as e
from kassa.journal import store
from kassa.journal.pages import CHECKSUM_BYTES, PAGE_BYTES, SealedVFS
from kassa.journal.store import APPLICATION_ID, SCHEMA_VERSION, Journal, JournalBroken, JournalFailed
from kassa.journal.verify import verify

STARTED = e.Started(version="1.0.0", terminal="00042")


def raw(path, *statements):
    """Run statements on a closed journal behind its back."""
    sealed = SealedVFS("raw")
    with closing(apsw.Connection(str(path), vfs=sealed.name)) as db:
        db.execute("PRAGMA locking_mode = exclusive")
        answers = [db.execute(statement).get for statement in statements]
    sealed.unregister()
    return answers


def test_every_setting_is_followed_by_sqlite(journal):
    with journal.reading() as db:
        found = {
            name: db.execute(f"PRAGMA {name}").get
            for name in (
                "journal_mode",
                "synchronous",
                "locking_mode",
                "page_size",
                "foreign_keys",
                "trusted_schema",
                "cache_size",
                "cell_size_check",
                "wal_autocheckpoint",
            )
        }
    assert found == {
        "journal_mode": "wal", "synchronous": 2, "locking_mode": "exclusive", "page_size": PAGE_BYTES,
        "foreign_keys": 1, "trusted_schema": 0, "cache_size": -store.CACHE_KIB, "cell_size_check": 1,
        "wal_autocheckpoint": 0,
    }  # fmt: skip


def test_the_file_says_whose_it_is_and_is_closed_to_others(path, journal):
    journal.append(STARTED)
    journal.close()
    assert raw(path, "PRAGMA application_id", "PRAGMA user_version") == [APPLICATION_ID, SCHEMA_VERSION]
    assert path.parent.stat().st_mode & 0o077 == 0


def test_numbers_come_back_in_order_and_the_head_moves_with_them(journal):
    assert journal.head() == (0, "00" * 32)
    assert journal.append(STARTED, e.Stopped()) == (1, 2)
    assert journal.append(STARTED) == (3,)
    seq, hashed = journal.head()
    assert (seq, len(hashed)) == (3, 64)


def test_writing_nothing_changes_nothing_at_any_time(path, journal):
    assert journal.append() == ()
    journal.append(STARTED)
    head = journal.head()
    journal.checkpoint()
    assert journal.append() == ()
    assert journal.head() == head


def test_what_was_written_is_there_after_opening_again(path, journal):
    for entries in visits(3):
        journal.append(*entries)
    head, payments, totals = journal.head(), journal.payments(), journal.totals()
    journal.close()
    with closing(Journal.open(path, CountingClock())) as again:
        assert (again.head(), again.payments(), again.totals()) == (head, payments, totals)


def test_a_second_process_is_told_that_the_journal_is_in_use(path, journal):
    program = (
        "import sys; from pathlib import Path; from kassa.clock import SystemClock;"
        "from kassa.journal.store import Journal; Journal.open(Path(sys.argv[1]), SystemClock())"
    )
    second = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=False
    )
    assert second.returncode == 1
    assert "another process uses it; stop that one first" in second.stderr
    journal.append(STARTED)


def test_opening_a_journal_that_is_open_is_refused_and_harms_it_not(path, journal):
    with pytest.raises(JournalFailed, match="another process uses it; stop that one first"):
        Journal.open(path, CountingClock())
    journal.append(STARTED)
    assert journal.head()[0] == 1


@pytest.mark.parametrize(
    "change", [f"PRAGMA user_version = {SCHEMA_VERSION + 1}", "INSERT INTO kinds VALUES ('card_charged', 1)"]
)
def test_a_journal_of_a_newer_version_is_refused_in_words_and_left_alone(path, journal, change):
    journal.append(STARTED)
    journal.close()
    raw(path, change)
    before = path.read_bytes()
    with pytest.raises(JournalBroken, match="written by a newer version of Kassa"):
        Journal.open(path, CountingClock())
    assert path.read_bytes() == before


@pytest.mark.parametrize("version", range(SCHEMA_VERSION))
def test_a_journal_of_an_older_version_is_refused_in_words_and_left_alone(path, journal, version):
    journal.append(STARTED)
    journal.close()
    raw(path, f"PRAGMA user_version = {version}")
    before = path.read_bytes()
    with pytest.raises(
        JournalBroken, match=f"older version of Kassa \\(tables {version}, here {SCHEMA_VERSION}\\)"
    ):
        Journal.open(path, CountingClock())
    assert path.read_bytes() == before


def test_a_database_that_is_none_of_ours_is_refused_and_left_alone(path):
    path.parent.mkdir()
    with closing(apsw.Connection(str(path))) as other:
        other.execute("CREATE TABLE people (name)")
    before = path.read_bytes()
    with pytest.raises(JournalBroken):
        Journal.open(path, CountingClock())
    assert path.read_bytes() == before


def test_a_journal_that_is_read_only_is_never_made_and_never_written(path, journal, tmp_path):
    with pytest.raises(JournalFailed, match="missing"):
        Journal.open(tmp_path / "nothing.db", CountingClock(), read_only=True)
    journal.append(STARTED)
    list(journal.copy_to(tmp_path / "copy.db"))
    with closing(Journal.open(tmp_path / "copy.db", CountingClock(), read_only=True)) as copy:
        with pytest.raises(JournalFailed, match="reading only"):
            copy.append(STARTED)
        assert copy.head() == journal.head()


def test_folders_that_are_missing_are_made_for_us_alone(tmp_path):
    path = tmp_path / "deep" / "down" / "journal.db"
    with closing(Journal.open(path, CountingClock())) as journal:
        journal.append(STARTED)
    assert path.parent.stat().st_mode & 0o077 == 0


def test_two_journals_are_open_side_by_side_and_know_nothing_of_each_other(path, journal, tmp_path):
    with closing(Journal.open(tmp_path / "other.db", CountingClock())) as other:
        other.append(STARTED, e.Stopped())
    journal.append(STARTED)
    assert journal.head()[0] == 1
    assert verify(journal).ok
    list(journal.copy_to(tmp_path / "copy.db"))


def test_a_database_of_others_that_is_sealed_like_ours_is_refused_and_left_alone(path):
    path.parent.mkdir()
    sealed = SealedVFS("others")
    with closing(apsw.Connection(str(path), vfs=sealed.name)) as other:
        other.reserve_bytes(reserve=CHECKSUM_BYTES)
        other.execute(f"PRAGMA page_size = {PAGE_BYTES}")
        other.execute("CREATE TABLE people (name)")
    sealed.unregister()
    before = path.read_bytes()
    with pytest.raises(JournalBroken, match="is not a journal of Kassa; move it away"):
        Journal.open(path, CountingClock())
    assert path.read_bytes()[PAGE_BYTES:] == before[PAGE_BYTES:]
    assert raw(path, "SELECT group_concat(name) FROM sqlite_schema") == ["people"]


# --- a long journal, of which a start checks only the end ---------------------------------------------------------


@pytest.fixture
def long_journal(path, monkeypatch):
    """A closed journal of more entries than a start checks."""
    monkeypatch.setattr(store, "CHECKED_AT_OPEN", 5)
    with closing(Journal.open(path, CountingClock())) as journal:
        for entries in visits(3):
            journal.append(*entries)
        return journal.head()


def change_hash(path, seq):
    name = "entries_are_never_changed"
    [trigger] = raw(path, f"SELECT sql FROM sqlite_schema WHERE name = '{name}'")
    raw(path, f"DROP TRIGGER {name}", f"UPDATE entries SET hash = zeroblob(32) WHERE seq = {seq}", trigger)


def test_a_long_journal_is_opened_with_its_head(path, long_journal):
    with closing(Journal.open(path, CountingClock())) as journal:
        assert journal.head() == long_journal
        journal.append(STARTED)
        assert verify(journal).ok


@pytest.mark.parametrize("back", [0, 1, 4])
def test_a_wrong_entry_at_the_end_is_found_at_the_start(path, long_journal, back):
    seq = long_journal[0] - back
    change_hash(path, seq)
    with pytest.raises(JournalBroken, match="does not fit the chain") as broken:
        Journal.open(path, CountingClock())
    assert broken.value.at == f"entry {seq}"


def test_a_wrong_entry_further_back_is_found_by_verify(path, long_journal):
    change_hash(path, 2)
    with closing(Journal.open(path, CountingClock())) as journal:
        assert journal.head() == long_journal
        assert verify(journal).at == "entry 2"


def test_a_copy_takes_its_steps_by_pages(path, journal, tmp_path):
    """A step is what others wait for."""
    for entries in visits(8):
        journal.append(*entries)
    journal.checkpoint()
    pages = path.stat().st_size // PAGE_BYTES
    assert pages > 10
    for a_step in (1, 3, 7):
        copy = tmp_path / f"{a_step}.db"
        assert len(list(journal.copy_to(copy, pages_per_step=a_step))) == pages // a_step + -(
            -pages // a_step
        )


def test_closing_twice_is_no_harm(journal):
    journal.close()
    journal.close()


def test_the_log_is_carried_over_before_it_grows_without_bound(path, journal):
    for entries in visits(60):
        journal.append(*entries)
    assert path.with_name(path.name + "-wal").stat().st_size < 2000 * PAGE_BYTES
    assert path.stat().st_size > 40 * PAGE_BYTES


# --- what may be asked ---------------------------------------------------------------------------------------------


def test_a_story_has_every_entry_of_its_payment_in_order_and_the_restarts_in_between(journal):
    [opening, stacking, *rest] = visit(1, 1, (50000,), 1001)
    journal.append(STARTED)
    journal.append(*opening)
    journal.append(STARTED)
    for entries in (stacking, *rest):
        journal.append(*entries)
    journal.append(e.Stopped())
    for entries in visit(2, 2, (10000,), 1002):
        journal.append(*entries)

    story = journal.story(payment_number(1))
    assert [e.kind(line.entry) for line in story] == [
        "payment_opened", "stack_intended", "started", "note_stacked", "payment_credited", "fiscal_intended",
        "document_registered",
    ]  # fmt: skip
    assert [line.seq for line in story] == sorted(line.seq for line in story)
    assert journal.story("00042-0000000099") == []


def test_the_story_of_an_abandoned_payment_ends_with_it(journal):
    journal.append(*visit(1, 1, (50000,), 1001)[0])
    journal.append(e.NoteReturned(payment=payment_number(1), note=1, reason="test"))
    journal.append(e.PaymentAbandoned(payment=payment_number(1)))
    for _ in range(5):
        journal.append(STARTED)
    assert [e.kind(line.entry) for line in journal.story(payment_number(1))][-1] == "payment_abandoned"


def test_the_newest_payments_come_in_the_order_in_which_they_were_made(journal):
    for entries in visits(5):
        journal.append(*entries)
    assert [record.ordinal for record in journal.payments(2)] == [4, 5]
    assert [record.ordinal for record in journal.payments()] == [1, 2, 3, 4, 5]


def test_payments_are_added_to_a_balance_only_where_the_data_do_not_hold_them(journal):
    for entries in visits(3):
        journal.append(*entries)
    times = [record.credited_at for record in journal.payments()]
    assert journal.paid_since("internet", "0017742", None) == 180000
    assert journal.paid_since("internet", "0017742", datetime.fromisoformat(times[0])) == 120000
    assert journal.paid_since("internet", "0017742", datetime.fromisoformat(times[2])) == 0
    assert journal.paid_since("tv", "0017742", None) == 0
    assert journal.paid_since("internet", "0017742", None, applied_batch=0) == 180000


def test_a_condition_lasts_from_its_first_sight_until_it_is_cleared(journal):
    journal.append(e.ConditionRaised(code="disk_low", detail="100 MB"))
    [first] = journal.conditions()
    journal.append(e.ConditionRaised(code="disk_low", detail="50 MB"))
    [again] = journal.conditions()
    assert (again.since, again.detail) == (first.since, "50 MB")
    journal.append(e.ConditionCleared(code="disk_low"))
    assert journal.conditions() == []


def test_an_entry_keeps_its_text_when_a_field_with_a_default_is_added_later():
    assert e.encode(e.NoteStacked(payment="1", note=1, value=5)) == (
        '{"kind":"note_stacked","payment":"1","note":1,"value":5}'
    )
