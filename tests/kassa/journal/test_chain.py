"""The chain of hashes, and the three texts that stay as they are for ever: a chained entry, a sealed page, a mark."""

from contextlib import closing
from hashlib import blake2b

import apsw
import pytest
from entry_stories import visits
from hypothesis import given
from hypothesis import strategies as st
from simulated_disk import SimulatedDisk, plugged

from kassa.journal import entries as e
from kassa.journal.chain import GENESIS, check, link, walk
from kassa.journal.mark import Mark, MarkDamaged
from kassa.journal.pages import seal
from kassa.journal.tables import JournalBroken

TEXTS = st.text(max_size=20)


# --- what an older version wrote is read by every later one ---------------------------------------------------------


def test_a_chain_that_was_once_written_is_always_the_same():
    first = link(
        GENESIS, 1, "2026-11-25T09:00:00.250+00:00", "started",
        '{"kind":"started","version":"1.0.0","terminal":"00042"}',
    )  # fmt: skip
    second = link(first, 2, "2026-11-25T09:00:00.500+00:00", "stopped", '{"kind":"stopped"}')
    assert first.hex() == "fb6883904da4424f29e74c44fc2d2bd9e45c4859e4db969c2df3f14496404945"
    assert second.hex() == "61e8228d6111b82fc6fe41e7759d6c4fe2601a9343f079695760d98bc43e47d3"


@pytest.mark.parametrize(("number", "checksum"), [(7, "9f2b5eb0f73ccafc"), (2**40, "dd3b0e32aa2a4efd")])
def test_a_page_that_was_once_sealed_is_always_sealed_so(number, checksum):
    assert seal(bytes(range(256)) * 16, number)[-8:].hex() == checksum


def test_a_mark_that_was_once_written_is_always_the_same(tmp_path):
    base = tmp_path / "journal.db"
    base.touch()
    with closing(Mark("", str(base))) as mark:
        mark.make(7, bytes(range(32)))
        assert mark.read() == (7, bytes(range(32)))
    assert (tmp_path / "journal.db-mark").read_bytes().hex() == (
        "4b415353412d310a" "0000000000000007" + bytes(range(32)).hex() + "c5a6b97f5ecc89ad"
    )  # fmt: skip


def test_the_mark_of_another_version_is_none_of_ours(tmp_path):
    base = tmp_path / "journal.db"
    base.touch()
    content = b"KASSA-2\n" + (7).to_bytes(8, "big") + bytes(32)
    (tmp_path / "journal.db-mark").write_bytes(content + blake2b(content, digest_size=8).digest())
    with closing(Mark("", str(base))) as mark, pytest.raises(MarkDamaged):
        mark.read()


@pytest.mark.parametrize("name", ["NoteStacked", "Started", "FiscalIntended"])
def test_a_kind_is_the_entrys_name_in_small_letters(name):
    kind = e.kind_of(name)
    assert kind in e.KINDS
    assert kind.replace("_", "") == name.lower()


# --- the chain ------------------------------------------------------------------------------------------------------


@given(st.tuples(TEXTS, TEXTS, TEXTS), st.tuples(TEXTS, TEXTS, TEXTS), st.integers(1, 9), st.integers(1, 9))
def test_no_two_entries_have_the_same_hash(one, other, seq, other_seq):
    same = (one, seq) == (other, other_seq)
    assert (link(GENESIS, seq, *one) == link(GENESIS, other_seq, *other)) is same


@pytest.mark.parametrize(
    ("one", "other"), [(("ab", "c", ""), ("a", "bc", "")), (("", "ab", ""), ("", "a", "b"))]
)
def test_what_moves_from_one_field_to_the_next_changes_the_hash(one, other):
    assert link(GENESIS, 1, *one) != link(GENESIS, 1, *other)


def test_a_walk_gives_every_entry_behind_its_start_with_its_time_and_hash(journal):
    for entries in visits(1):
        journal.append(*entries)
    with journal.reading() as db:
        whole = list(walk(db))
        assert [found.seq for found in whole] == list(range(1, journal.head()[0] + 1))
        assert [(found.at, found.entry, found.hash) for found in whole] == [
            journal.entry(found.seq) for found in whole
        ]
        assert list(walk(db, 3)) == whole[3:]
        assert list(walk(db, whole[-1].seq)) == []


def test_a_chain_can_be_checked_in_parts_each_of_which_begins_where_the_one_before_ends(journal):
    for entries in visits(2):
        journal.append(*entries)
    seq, head = journal.head()
    with journal.reading() as db:
        assert check(db) == check(db, 0, seq) == check(db, 5) == check(db, seq) == (seq, bytes.fromhex(head))
        assert check(db, 0, 5) == (5, journal.entry(5)[2])
        assert check(db, 5, 1) == (6, journal.entry(6)[2])
        with pytest.raises(JournalBroken, match=f"entry {seq + 1} is missing") as broken:
            check(db, seq + 1)
        assert broken.value.at == f"entry {seq + 1}"


def test_an_entry_that_is_not_there_is_missed_by_its_number(journal):
    for entries in visits(1):
        journal.append(*entries)
    with journal.reading() as db, closing(apsw.Connection(":memory:")) as other:
        other.execute("CREATE TABLE entries (seq INTEGER PRIMARY KEY, at, kind, body, hash)")
        other.executemany(
            "INSERT INTO entries VALUES (?, ?, ?, ?, ?)", list(db.execute("SELECT * FROM entries"))
        )
        other.execute("DELETE FROM entries WHERE seq = 5")
        with pytest.raises(JournalBroken, match="entry 5 is missing: entry 6 follows entry 4") as broken:
            check(other)
    assert broken.value.at == "entry 5"


def test_an_entry_that_cannot_be_read_is_named(journal):
    for entries in visits(1):
        journal.append(*entries)
    with journal.reading() as db, closing(apsw.Connection(":memory:")) as other:
        other.execute("CREATE TABLE entries (seq INTEGER PRIMARY KEY, at, kind, body, hash)")
        rows = list(db.execute("SELECT seq, at, kind, body, hash FROM entries WHERE seq < 4"))
        body = '{"kind":"from_the_future"}'
        hashed = link(rows[-1][4], 4, rows[-1][1], "from_the_future", body)
        rows.append((4, rows[-1][1], "from_the_future", body, hashed))
        other.executemany("INSERT INTO entries VALUES (?, ?, ?, ?, ?)", rows)
        with pytest.raises(JournalBroken, match=r"entry 4 .from_the_future. cannot be read") as broken:
            list(walk(other))
    assert broken.value.at == "entry 4"


# --- the mark -------------------------------------------------------------------------------------------------------

BASE = "/journal.db"


def test_a_mark_that_was_never_written_is_none(tmp_path):
    (tmp_path / "journal.db").touch()
    with closing(Mark("", str(tmp_path / "journal.db"))) as mark:
        assert mark.read() is None


@pytest.mark.parametrize("change", [lambda raw: raw[:-1], lambda raw: raw + b"x", lambda raw: raw[:8]])
def test_a_mark_of_another_size_is_damaged(change):
    disk = SimulatedDisk()
    with plugged(disk) as vfs, closing(Mark(vfs, BASE)) as mark:
        mark.make(7, bytes(32))
        whole = disk.content(mark.path)
        disk.names[mark.path].live[:] = change(whole)
        with pytest.raises(MarkDamaged):
            mark.read()


def test_the_first_mark_is_durable_when_it_is_made_and_a_later_one_is_never_waited_for():
    disk = SimulatedDisk()
    with plugged(disk) as vfs, closing(Mark(vfs, BASE)) as mark:
        mark.make(0, GENESIS)
        assert disk.durable_names[mark.path].durable() == disk.names[mark.path].live
        durable = disk.names[mark.path].durable()
        mark.write(1, bytes(range(32)))
        assert mark.read() == (1, bytes(range(32)))
        assert disk.names[mark.path].durable() == durable


def test_a_mark_that_finds_no_room_is_a_failure_and_never_a_full_disk():
    """Full means that nothing was written; but the entry that the mark is for is durable."""
    disk = SimulatedDisk()
    with plugged(disk) as vfs, closing(Mark(vfs, BASE)) as mark:
        disk.room_bytes = 0
        with pytest.raises(apsw.IOError, match=r"journal\.db-mark cannot be written: the disk is full"):
            mark.write(1, GENESIS)
