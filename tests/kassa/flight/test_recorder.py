"""A recorder that cannot write is off, says so once, and stops nobody."""

import logging
import resource
from contextlib import contextmanager

import pytest
from counting_clock import CountingClock

from kassa.flight.reading import read
from kassa.flight.recorder import Recorder
from kassa.flight.ring import BLOCK_BYTES, RING_BYTES, Kind, Ring

SENT = b"\x02\x03\x06\x33\xda\x81"


@contextmanager
def files_no_longer_than(size_bytes):
    """As on a disk that is full: the kernel refuses to write behind so many bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "flight" / "validator.ring"


def test_what_passes_is_there_with_its_time_and_protocol(path):
    recorder = Recorder(path, CountingClock(), spare_bytes=0)

    recorder.record("ccnet", Kind.SENT, SENT)
    recorder.close()

    [record] = read(path)
    assert (record.kind, record.data, record.protocol) == (Kind.SENT, SENT, "ccnet")
    assert record.at == CountingClock().now().timestamp()


def test_without_room_for_the_ring_it_is_off_and_says_so_once(path, caplog):
    with files_no_longer_than(1 << 20):
        recorder = Recorder(path, CountingClock(), spare_bytes=0)
        recorder.record("ccnet", Kind.SENT, SENT)
        recorder.record("ccnet", Kind.SENT, SENT)
        recorder.close()

    [told] = caplog.records
    assert told.levelno == logging.WARNING
    assert told.getMessage() == f"validator is not recorded until the next start: {path}: File too large"


def test_the_room_that_belongs_to_the_money_is_not_taken(path, caplog):
    Recorder(path, CountingClock(), spare_bytes=1 << 60).close()

    assert not path.exists()
    assert "MB are free" in caplog.text


def test_a_ring_that_has_its_room_already_is_written_on_a_full_disk(path):
    path.parent.mkdir()
    Ring(path).close()

    recorder = Recorder(path, CountingClock(), spare_bytes=1 << 60)
    recorder.record("ccnet", Kind.SENT, SENT)
    recorder.close()

    assert len(list(read(path))) == 1
    assert path.stat().st_size == RING_BYTES


def test_a_disk_that_fails_in_the_middle_turns_it_off_and_keeps_what_was_written(path, caplog):
    recorder = Recorder(path, CountingClock(), spare_bytes=0)
    with files_no_longer_than(3 * BLOCK_BYTES):
        for _ in range(1000):
            recorder.record("ccnet", Kind.SENT, SENT)

    recorder.close()

    assert len(caplog.records) == 1
    assert 300 < len(list(read(path))) < 1000


def test_where_no_folder_can_be_made_it_is_off(tmp_path, caplog):
    (tmp_path / "flight").write_bytes(b"")

    recorder = Recorder(tmp_path / "flight" / "validator.ring", CountingClock(), spare_bytes=0)
    recorder.record("ccnet", Kind.SENT, SENT)

    assert "validator is not recorded" in caplog.text
