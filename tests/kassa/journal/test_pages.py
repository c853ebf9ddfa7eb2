"""Seals of pages, and what a crash left in the write-ahead log."""

import shutil
import struct
from contextlib import closing
from pathlib import Path

import apsw
import pytest
from counting_clock import CountingClock
from entry_stories import visits
from hypothesis import given
from hypothesis import strategies as st

from kassa.journal.pages import CHECKSUM_BYTES, PAGE_BYTES, SealedVFS, WalTail, is_intact, seal
from kassa.journal.store import Journal, JournalBroken

SALTS = (0x11111111, 0x22222222)


@pytest.fixture
def sealed():
    vfs = SealedVFS("test-pages")
    yield vfs
    vfs.unregister()


def sums(words):
    """The checksum of sqlite.org/fileformat2.html, 4.2."""
    first, second = 0, 0
    for one, two in zip(words[::2], words[1::2], strict=True):
        first = first + one + second & 0xFFFFFFFF
        second = second + two + first & 0xFFFFFFFF
    return first, second


def header(*, magic=0x377F0682, page_bytes=PAGE_BYTES, salts=SALTS, damage=(0, 0)):
    content = struct.pack(">6I", magic, 3007000, page_bytes, 5, *salts)
    order = ">" if magic & 1 else "<"
    first, second = sums(struct.unpack(order + "6I", content))
    return content + struct.pack(">2I", first ^ damage[0], second ^ damage[1])


def frame(pages_after_commit, salts=SALTS):
    return struct.pack(">6I", 2, pages_after_commit, *salts, 0, 0) + bytes(PAGE_BYTES)


def tail(sealed, tmp_path, *parts):
    (tmp_path / "journal.db").touch()
    (tmp_path / "journal.db-wal").write_bytes(b"".join(parts))
    return sealed.read_wal_tail(str(tmp_path / "journal.db"))


# --- the write-ahead log -------------------------------------------------------------------------------------------


def test_no_log_is_an_empty_one(sealed, tmp_path):
    assert sealed.read_wal_tail(str(tmp_path / "journal.db")) == WalTail(True, ())


@pytest.mark.parametrize("magic", [0x377F0682, 0x377F0683])
def test_the_frames_that_end_a_transaction_are_found_in_either_byte_order(sealed, tmp_path, magic):
    found = tail(sealed, tmp_path, header(magic=magic), frame(0), frame(3), frame(0), frame(4))
    assert found == WalTail(True, (2, 4))


@pytest.mark.parametrize("salts", [(SALTS[0], 0), (0, SALTS[1]), (SALTS[1], SALTS[0])])
def test_frames_of_an_older_round_of_the_log_do_not_count(sealed, tmp_path, salts):
    found = tail(sealed, tmp_path, header(), frame(3), frame(4, salts), frame(5, salts))
    assert found == WalTail(True, (1,))


@pytest.mark.parametrize("length", [0, 31, 32, 32 + 24 + PAGE_BYTES - 1])
def test_a_log_without_one_whole_frame_never_held_anything_durable(sealed, tmp_path, length):
    assert tail(sealed, tmp_path, (b"\xff" * 5000)[:length]) == WalTail(True, ())


def test_a_log_of_one_frame_is_read(sealed, tmp_path):
    assert tail(sealed, tmp_path, header(), frame(3)) == WalTail(True, (1,))


def test_a_frame_that_is_not_whole_is_none(sealed, tmp_path):
    assert tail(sealed, tmp_path, header(), frame(3), frame(4)[:-1]) == WalTail(True, (1,))


@pytest.mark.parametrize(
    "broken",
    [
        header(magic=0x377F0680), header(magic=0x377F0686), header(page_bytes=PAGE_BYTES // 2),
        header(damage=(1, 0)), header(damage=(0, 1)),
    ],
)  # fmt: skip
def test_a_log_whose_head_is_damaged_cannot_be_read(sealed, tmp_path, broken):
    found = tail(sealed, tmp_path, broken, frame(3), frame(4))
    assert found == WalTail(False, ())
    assert "header of the write-ahead log is damaged" in found.problem(0)


def test_the_log_of_a_journal_ends_every_transaction_once(path):
    with closing(Journal.open(path, CountingClock())) as journal:
        log = path.with_name(path.name + "-wal")
        before = journal._sealed.read_wal_tail(str(path)).commits
        for entries in visits(2):
            journal.append(*entries)
        found = journal._sealed.read_wal_tail(str(path))
        frames = (log.stat().st_size - 32) // (24 + PAGE_BYTES)
    assert len(found.commits) - len(before) == len(visits(2))
    assert found.commits[-1] == frames


@given(st.lists(st.integers(1, 40), unique=True, max_size=8).map(sorted), st.integers(0, 41))
def test_two_transactions_behind_the_last_readable_frame_prove_damage_and_one_does_not(commits, recovered):
    lost = [frame for frame in commits if frame > recovered]
    problem = WalTail(True, tuple(commits)).problem(recovered)
    assert (problem is not None) is (len(lost) >= 2)
    if problem:
        assert f"frames {recovered + 1} to {lost[-2]}: {len(lost) - 1} durable transactions" in problem


# --- seals ---------------------------------------------------------------------------------------------------------


@given(
    st.binary(min_size=64, max_size=64).map(lambda piece: piece * (PAGE_BYTES // 64)), st.integers(1, 2**40)
)
def test_a_sealed_page_is_intact_in_its_place_and_a_flipped_bit_shows(page, number):
    whole = seal(page, number)
    assert whole[:-CHECKSUM_BYTES] == page[:-CHECKSUM_BYTES]
    assert is_intact(whole, number)
    assert not is_intact(whole, number + 1)
    assert not is_intact(bytes([whole[0] ^ 1]) + whole[1:], number)
    assert not is_intact(whole[:-1] + bytes([whole[-1] ^ 1]), number)


def test_a_page_that_was_never_written_is_all_right_and_one_with_a_single_bit_is_not():
    assert is_intact(bytes(PAGE_BYTES), 9)
    assert not is_intact(bytes(PAGE_BYTES - 1) + b"\1", 9)


def test_the_page_that_was_found_damaged_is_named(path, sealed):
    with closing(Journal.open(path, CountingClock())) as journal:
        for entries in visits(8):
            journal.append(*entries)
    assert sealed.damaged is None
    assert all(sealed.look_at_pages(str(path)))

    whole = path.read_bytes()
    path.write_bytes(whole[: 5 * PAGE_BYTES + 1000] + b"?" + whole[5 * PAGE_BYTES + 1001 :])
    looks = list(sealed.look_at_pages(str(path)))
    assert [number for number, is_whole in enumerate(looks, 1) if not is_whole] == [6]
    with closing(apsw.Connection(str(path), vfs=sealed.name)) as db:
        db.execute("PRAGMA locking_mode = exclusive")
        with pytest.raises(apsw.IOError):
            db.execute("PRAGMA integrity_check").fetchall()
    assert sealed.damaged == 6


def test_what_is_behind_the_last_page_counts_as_a_page_that_is_damaged(path, sealed):
    with closing(Journal.open(path, CountingClock())) as journal:
        journal.append(*visits(1)[0])
    with path.open("ab") as file:
        file.write(b"x")
    looks = list(sealed.look_at_pages(str(path)))
    assert looks == [True] * (len(looks) - 1) + [False]
    assert len(looks) == path.stat().st_size // PAGE_BYTES + 1


@pytest.mark.parametrize(
    "spoil",
    [lambda database: database.write_bytes(b""), lambda database: database.write_bytes(b"S"), Path.unlink],
)
@pytest.mark.parametrize("spoil_log", [bytes, lambda log: b"\xff" + log[1:]])
def test_a_log_whose_database_is_gone_is_never_thrown_away(tmp_path, spoil, spoil_log):
    folder = tmp_path / "after the crash"
    with closing(Journal.open(tmp_path / "journal" / "journal.db", CountingClock())) as journal:
        for entries in visits(2):
            journal.append(*entries)
        shutil.copytree(tmp_path / "journal", folder)
    spoil(folder / "journal.db")
    (folder / "journal.db-mark").write_bytes(b"")
    log = spoil_log((folder / "journal.db-wal").read_bytes())
    (folder / "journal.db-wal").write_bytes(log)

    for _ in range(2):
        with pytest.raises(JournalBroken, match="is empty or gone, yet its log is not") as broken:
            Journal.open(folder / "journal.db", CountingClock())
        assert broken.value.at == "database"

    assert (folder / "journal.db-wal").read_bytes() == log
