"""The ring file: what was written is there, in order, whole or not at all, wherever the writing ended."""

import os
import struct
from contextlib import closing
from unittest.mock import patch
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kassa.flight.reading import RecordingUnreadable, read
from kassa.flight.ring import (
    AT_MAX_S,
    BLOCK_BYTES,
    DATA_MAX_BYTES,
    HEAD_BYTES,
    RECORD_HEAD_BYTES,
    RING_BYTES,
    Kind,
    Record,
    Ring,
    blocks_of,
    decode_head,
    decode_record,
    encode_head,
    encode_record,
)

BLOCKS = 3
SMALL_BYTES = BLOCKS * BLOCK_BYTES
NOON = 1_795_000_000.0

records_to_write = st.lists(
    st.builds(
        Record,
        at=st.floats(0.0, AT_MAX_S),
        kind=st.sampled_from(Kind),
        data=st.one_of(st.binary(max_size=40), st.binary(min_size=1000, max_size=DATA_MAX_BYTES)),
        protocol=st.sampled_from(["ccnet", "id003"]),
    ),
    max_size=40,
)


def write(path, records, size_bytes=SMALL_BYTES):
    with closing(Ring(path, size_bytes)) as ring:
        for record in records:
            ring.append(record.kind, record.data, record.at, record.protocol)


def in_last_blocks(records, count):
    """The records in the last so many blocks of those that all of them need."""
    blocks = list(blocks_of(records, 1))
    left_out = b"".join(blocks[:-count])
    return records[sum(1 for _ in records_in(left_out)) :]


def records_in(blocks):
    for start in range(0, len(blocks), BLOCK_BYTES):
        block, offset = blocks[start : start + BLOCK_BYTES], HEAD_BYTES
        while (record := decode_record(block, offset, decode_head(block))) is not None:
            offset += RECORD_HEAD_BYTES + len(record.data)
            yield record


def is_end_of(found, written):
    return found == written[len(written) - len(found) :]


class Killed(BaseException):
    """The process is gone in the middle of a system call."""


class KilledAt:
    """`os.pwrite` of a process that is killed when it has written so many bytes of that call."""

    def __init__(self, call, bytes_of_it):
        self.left, self.bytes_of_it, self.pwrite = call, bytes_of_it, os.pwrite

    def __call__(self, file, data, offset):
        if self.left == 0:
            self.pwrite(file, data[: self.bytes_of_it], offset)
            raise Killed
        self.left -= 1
        return self.pwrite(file, data, offset)


def write_until_killed(path, records, call, bytes_of_it):
    """How many records were written whole before; and one more may be, when the kill came behind its last byte."""
    at = KilledAt(call, bytes_of_it)
    try:
        with patch.object(os, "pwrite", at):
            write(path, records)
    except Killed:
        return call
    return len(records)


@given(records=records_to_write)
def test_what_was_written_last_is_there_in_its_order(tmp_path_factory, records):
    path = tmp_path_factory.mktemp("ring") / "ring"

    write(path, records)

    assert list(read(path)) == in_last_blocks(records, BLOCKS)
    assert path.stat().st_size == SMALL_BYTES


@given(
    records=records_to_write, call=st.integers(0, 40), bytes_of_it=st.integers(0, BLOCK_BYTES), later=records_to_write
)  # fmt: skip
def test_killed_at_any_byte_of_any_write_it_holds_all_that_was_written_before(
    tmp_path_factory, records, call, bytes_of_it, later
):
    path = tmp_path_factory.mktemp("ring") / "ring"

    whole = write_until_killed(path, records, call, bytes_of_it)
    found = list(read(path))
    write(path, later)
    found_later = list(read(path))

    written = records[: whole + 1] if is_end_of(found, records[: whole + 1]) else records[:whole]
    assert is_end_of(found, written)
    assert len(found) >= len(in_last_blocks(records[:whole], BLOCKS - 1)), "it forgets more than it has to"
    assert is_end_of(found_later, written + later), "what was torn came back behind the next start"


@given(
    records=records_to_write, damage=st.lists(st.tuples(st.integers(0, SMALL_BYTES - 1), st.integers(1, 255)))
)
def test_damaged_anywhere_it_holds_nothing_that_was_never_written(tmp_path_factory, records, damage):
    path = tmp_path_factory.mktemp("ring") / "ring"
    write(path, records)
    content = bytearray(path.read_bytes())
    for place, flipped in damage:
        content[place] ^= flipped
    path.write_bytes(content)

    left = iter(records)
    assert all(record in left for record in read(path)), "something else, or another order"


@given(content=st.binary(max_size=SMALL_BYTES), records=records_to_write)
def test_whatever_lay_there_before_it_is_written_on(tmp_path_factory, content, records):
    path = tmp_path_factory.mktemp("ring") / "ring"
    path.write_bytes(content)

    write(path, records)

    assert is_end_of(list(read(path)), records)


def test_bytes_that_fill_more_than_a_block_become_several_records(tmp_path):
    data = bytes(range(256)) * 40

    with closing(Ring(tmp_path / "ring", SMALL_BYTES)) as ring:
        ring.append(Kind.RECEIVED, data, NOON, "ccnet")

    found = list(read(tmp_path / "ring"))
    assert b"".join(record.data for record in found) == data
    assert {len(record.data) for record in found[:-1]} == {DATA_MAX_BYTES}


def test_its_whole_room_is_taken_before_the_first_record(tmp_path):
    Ring(tmp_path / "ring").close()

    found = (tmp_path / "ring").stat()
    assert found.st_size == RING_BYTES
    assert found.st_blocks * 512 >= RING_BYTES
    assert found.st_mode & 0o077 == 0


def test_a_record_of_the_round_before_is_no_record_of_its_block(tmp_path):
    old = [Record(NOON, Kind.SENT, b"old" * 10, "ccnet")] * 300
    write(tmp_path / "ring", old)
    new = [
        Record(NOON + 1, Kind.SENT, b"new" * 10, "ccnet")
    ]  # as long as an old one: the next old one lies behind it

    write(tmp_path / "ring", new)

    assert list(read(tmp_path / "ring"))[-2:] == [old[-1], new[-1]]


def test_only_the_records_of_a_time_are_read(tmp_path):
    records = [Record(NOON + second, Kind.SENT, bytes(500), "ccnet") for second in range(20)]
    write(tmp_path / "ring", records, 4 * SMALL_BYTES)

    assert list(read(tmp_path / "ring", NOON + 3, NOON + 12)) == records[3:13]
    assert list(read(tmp_path / "ring", NOON + 20)) == []


def test_records_can_stand_in_a_file_of_their_own(tmp_path):
    records = [Record(NOON, kind, bytes(900), protocol) for protocol in ("ccnet", "id003") for kind in Kind]

    (tmp_path / "copy").write_bytes(b"".join(blocks_of(records[:7], 1)) + b"".join(blocks_of(records[7:], 4)))

    assert list(read(tmp_path / "copy")) == records


def forged(number=1, at=NOON, kind=Kind.SENT, size=1):
    """A block of the right check sums, in which one thing cannot be."""
    head, block = encode_head(number, "ccnet")
    good = encode_record(Kind.SENT, b"?", NOON, head.checksum)
    body = struct.pack("<HBxd", size, kind, at) + b"?"
    bad = struct.pack("<I", crc32(body, head.checksum)) + body
    return (block + good + bad + good).ljust(BLOCK_BYTES, b"\0")


@pytest.mark.parametrize(
    "block",
    [
        forged(at=float("nan")),
        forged(at=float("inf")),
        forged(at=-1.0),
        forged(at=AT_MAX_S * 2),
        forged(kind=0),
        forged(kind=9),
        forged(size=0xFFFF),
    ],
)
def test_what_cannot_be_is_not_read_however_good_its_check_sum_is(tmp_path, block):
    (tmp_path / "ring").write_bytes(block)

    assert list(read(tmp_path / "ring")) == [Record(NOON, Kind.SENT, b"?", "ccnet")]


def test_a_block_of_a_number_that_no_ring_reaches_is_none_and_the_ring_goes_on(tmp_path):
    (tmp_path / "ring").write_bytes(forged(number=2**64 - 1))
    records = [Record(NOON, Kind.SENT, b"new", "ccnet")]

    write(tmp_path / "ring", records)

    assert list(read(tmp_path / "ring")) == records


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda path: None, "No such file"),
        (os.mkdir, "is not an ordinary file"),
        (os.mkfifo, "is not an ordinary file"),
        (lambda path: path.symlink_to("/etc/passwd"), "is a link"),
        (lambda path: os.truncate(os.open(path, os.O_CREAT | os.O_RDWR), 1 << 40), "allowed are"),
    ],
)
def test_what_is_no_recording_is_refused_in_words(tmp_path, make, told):
    make(tmp_path / "ring")

    with pytest.raises(RecordingUnreadable, match=told):
        list(read(tmp_path / "ring"))


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo, lambda path: path.symlink_to(path.with_name("other"))])
def test_what_is_no_ordinary_file_is_not_written(tmp_path, make):
    make(tmp_path / "ring")

    with pytest.raises(OSError, match=r"directory|not an ordinary file|symbolic links"):
        Ring(tmp_path / "ring")
