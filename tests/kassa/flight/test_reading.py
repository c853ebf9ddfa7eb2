"""Reading while somebody writes: every record once, in order, and nothing twice."""

import math
from contextlib import closing
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kassa.flight.reading import follow, open_reader
from kassa.flight.ring import BLOCK_BYTES, Kind, Record, Ring

NOON = 1_795_000_000.0
SMALL_BYTES = 3 * BLOCK_BYTES


def numbered(first, count, size=200):
    return [
        Record(NOON + n, Kind.RECEIVED, n.to_bytes(4, "big") * (size // 4), "ccnet")
        for n in range(first, first + count)
    ]


def write(ring, records):
    for record in records:
        ring.append(record.kind, record.data, record.at, record.protocol)


@pytest.fixture
def ring(tmp_path):
    with closing(Ring(tmp_path / "ring", SMALL_BYTES)) as made:
        yield made


@given(parts=st.lists(st.integers(0, 30), max_size=20), size=st.integers(1, 300).map(lambda n: 4 * n))
def test_who_keeps_up_with_the_writer_reads_every_record_once(tmp_path_factory, parts, size):
    path = tmp_path_factory.mktemp("ring") / "ring"
    at_once = min(
        30, BLOCK_BYTES * 2 // (size + 16) - 2
    )  # more would come round and over what was not read yet
    read, number = [], 0

    with closing(Ring(path, SMALL_BYTES)) as ring, open_reader(path) as reader:
        for part in parts:
            write(ring, numbered(number, min(part, at_once), size))
            number += min(part, at_once)
            read += reader.take()

    assert read == numbered(0, number, size)


def test_who_was_overtaken_goes_on_with_the_oldest_that_is_there(tmp_path, ring):
    write(ring, numbered(0, 5))
    with open_reader(tmp_path / "ring") as reader:
        first = list(reader.take())
        write(ring, numbered(5, 200))

        rest = list(reader.take())

    assert first == numbered(0, 5)
    assert rest[-1] == numbered(204, 1)[0]
    assert rest == numbered(205 - len(rest), len(rest))
    assert len(rest) > 30


def test_a_core_that_starts_again_is_read_on(tmp_path, ring):
    write(ring, numbered(0, 3))
    with open_reader(tmp_path / "ring") as reader:
        assert list(reader.take()) == numbered(0, 3)

        ring.close()
        with closing(Ring(tmp_path / "ring", SMALL_BYTES)) as again:
            write(again, numbered(3, 3))

        assert list(reader.take()) == numbered(3, 3)


@pytest.mark.parametrize("since", [-math.inf, NOON + 1])
def test_a_torn_block_hides_neither_those_before_nor_those_behind_it(tmp_path, ring, since):
    records = numbered(0, 40)
    write(ring, records)
    content = bytearray((tmp_path / "ring").read_bytes())
    content[2 * BLOCK_BYTES + 20] ^= 1  # the second block, as they are numbered from 1
    (tmp_path / "ring").write_bytes(content)

    with open_reader(tmp_path / "ring") as reader:
        reader.skip_before(since)
        found = list(reader.take())

    assert found == records[:18] + records[36:]


def test_a_reader_may_begin_near_the_end(tmp_path, ring):
    write(ring, numbered(0, 40))

    with open_reader(tmp_path / "ring") as reader:
        reader.skip_before(NOON + 38)
        found = list(reader.take())

    assert found == numbered(36, 4)


def test_following_tells_what_comes_and_once_that_nothing_comes(tmp_path, ring):
    to_come = [numbered(0, 2), [], [], [], [], numbered(2, 1), []]

    def pause():
        write(ring, to_come.pop(0))

    with open_reader(tmp_path / "ring") as reader:
        followed = list(islice(follow(reader, pause, quiet_pauses=3), 4))

    assert followed == [*numbered(0, 2), None, *numbered(2, 1)]
    assert to_come == [[]]
