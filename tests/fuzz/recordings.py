"""The flight recorder's files as a crash or a disk leaves them, and the bytes in them as lines for a technician."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from functools import cache
from pathlib import Path

from operator_files import place
from pieces import PIECE_MAX_BYTES, Pieces, Target, string
from stored_files import damage

from devices.atol import http
from devices.ccnet import protocol as ccnet
from devices.id003 import protocol as id003
from devices.shtrih import protocol as shtrih
from kassa.cli.device_log import fields_of, lines_of
from kassa.flight.reading import read
from kassa.flight.ring import BLOCK_BYTES, Kind, Record, Ring
from kassa.wiring import WORDS

RING_BYTES = 3 * BLOCK_BYTES
NOON = 1_795_000_000.0
PROTOCOLS = (*WORDS, "morse")


def flight_file(data: bytes) -> None:
    """A ring of any bytes: whatever is read of it can be shown, and it can be written on."""
    path = place().flight_ring("fuzzed")
    path.write_bytes(data)
    show(list(read(path)))
    go_on(path)


def flight_ring(data: bytes) -> None:
    """A ring that was written, with damage in it: nothing is read that was not written, and nothing twice."""
    pieces = Pieces(data)
    path = place().flight_ring("damaged")
    path.write_bytes(written_ring())
    while pieces.are_left:
        damage(path, pieces)
    left = iter(written_records())
    assert all(record in left for record in read(path)), "something else was read, or in another order"
    go_on(path)


def go_on(path: Path) -> None:
    """A core starts on this file and is killed."""
    new = [Record(NOON + number, Kind.SENT, b"new", "ccnet") for number in range(3)]
    with closing(Ring(path, RING_BYTES)) as ring:
        for record in new:
            ring.append(record.kind, record.data, record.at, record.protocol)
    assert list(read(path))[-3:] == new


@cache
def written_records() -> list[Record]:
    """More than the ring holds."""
    kinds = (Kind.SENT, Kind.RECEIVED)
    return [Record(NOON + at, kinds[at % 2], at.to_bytes(2, "big") * at, "ccnet") for at in range(150)]


@cache
def written_ring() -> bytes:
    path = place().flight_ring("written")
    with closing(Ring(path, RING_BYTES)) as ring:
        for record in written_records():
            ring.append(record.kind, record.data, record.at, record.protocol)
    return path.read_bytes()


def flight_words(data: bytes) -> None:
    """Anything, said by anybody in any protocol: every byte is told once, and what is shown steers no terminal."""
    pieces = Pieces(data)
    protocol = pieces.choice(*PROTOCOLS)
    records, at = [], NOON
    while pieces.are_left:
        kind, at = pieces.choice(*Kind), at + pieces.number() / 100
        records.append(Record(at, kind, pieces.string(), protocol))
    show(records)


def show(records: list[Record]) -> None:
    for is_raw in (False, True):
        assert all(line.isprintable() for line in lines_of(records, is_raw=is_raw))
    told = list(fields_of(records))
    for kind in (Kind.SENT, Kind.RECEIVED):
        wire = b"".join(record.data for record in records if record.kind is kind)
        assert "".join(one["data"] for one in told if one["kind"] == kind.name.lower()) == wire.hex()


# --- seeds ----------------------------------------------------------------------------------------------------------


def _file_seeds() -> Iterator[bytes]:
    yield written_ring()[BLOCK_BYTES : 2 * BLOCK_BYTES]
    yield written_ring()[: BLOCK_BYTES + 40]
    yield b"KFR1" + bytes(60)


def _ring_seeds() -> Iterator[bytes]:
    for kind in range(4):
        for at in (0, 0x40, 0xC0):
            yield bytes((kind, at, 0)) + string(b"\xff\0\1")


def _word_seeds() -> Iterator[bytes]:
    """A question and its answer in each protocol, then noise."""
    spoken = (
        (ccnet.encode(ccnet.POLL), ccnet.encode(b"\x80\x05")),
        (ccnet.encode(ccnet.GET_BILL_TABLE), ccnet.encode(bytes.fromhex("01 52 55 53 01") * 3)),
        (id003.encode(id003.STATUS_REQUEST), id003.encode(b"\x13\x65")),
        (id003.encode(id003.CURRENCY_REQUEST), id003.encode(b"\x8a\x61\x27\x0a\x00")),
        (
            shtrih.frame(shtrih.short_status(30).body),
            shtrih.frame(bytes.fromhex("10 00 1E 92 02 04 00 00 9D D7")),
        ),
        (shtrih.frame(shtrih.drive_status(30).body), shtrih.frame(b"\xff\x01\x16")),
    )
    for protocol in range(len(PROTOCOLS)):
        for question, answer in spoken:
            said = ((0, question), (1, b"\x06"), (1, answer[:3]), (1, answer[3:] + b"\xff\x02"), (3, b"gone"))
            yield bytes((protocol,)) + b"".join(
                bytes((kind, 1)) + string(data[:PIECE_MAX_BYTES]) for kind, data in said
            )
    asked = http.request("POST", "h", "/requests", "", "", b'{"uuid":"1","request":[{"type":"getFnStatus"}]}')
    for name, question, answer in (
        ("atol_web", asked, b'HTTP/1.1 200 OK\r\nContent-Length: 34\r\n\r\n{"results":[{"errorCode":44}]}    '),
        ("atol_library", b'{"id":1,"open":{"port":"1"}}\n{"id":2,"task":{"type":"sell"}}\n', b'{"id":1}\n{"id":2,"result":[]}\n'),
        ("escpos", b"\x1b@\x8a\xa0\xe1\n\x1dV\0\x10\4\4\x1dr\1", b"\x72\3_SIM\0\x10\0\0\0\xff"),
    ):  # fmt: skip
        yield bytes((PROTOCOLS.index(name),)) + b"".join(
            bytes((kind, 1)) + string(data)
            for kind, data in ((0, question), (1, answer[:9]), (1, answer[9:]))
        )


TARGETS = {
    "flight_file": Target(flight_file, _file_seeds, (b"KFR1", b"ccnet"), 8192),
    "flight_ring": Target(flight_ring, _ring_seeds, size_max_bytes=512),
    "flight_words": Target(flight_words, _word_seeds, size_max_bytes=1024),
}
