"""The chain of hashes through the entries: whoever changes one has to change all that follow, and the anchors outside."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from typing import NamedTuple

import apsw
import msgspec

from kassa.journal import entries as e
from kassa.journal.tables import JournalBroken

GENESIS = bytes(32)
"""The hash before the first entry."""
ALL = -1
"""As a number of entries."""
_BEGIN = struct.Struct(">32sQI")
_LENGTH = struct.Struct(">I")


def link(before: bytes, seq: int, at: str, kind: str, body: str) -> bytes:
    """The hash of an entry over the one before it; a text is preceded by its length, so no two entries look alike."""
    raw_at, raw_kind, raw_body = at.encode(), kind.encode(), body.encode()
    parts = (
        _BEGIN.pack(before, seq, len(raw_at)), raw_at,
        _LENGTH.pack(len(raw_kind)), raw_kind,
        _LENGTH.pack(len(raw_body)), raw_body,
    )  # fmt: skip
    return hashlib.sha256(b"".join(parts)).digest()


class Link(NamedTuple):
    """An entry whose place in the chain was found right."""

    seq: int
    at: str
    entry: e.Entry
    hash: bytes


def walk(db: apsw.Connection, after: int = 0) -> Iterator[Link]:
    """Give every entry behind number `after`, all of whose chain is right. Raises JournalBroken at the first wrong one."""
    check(db, after)
    rows = db.execute("SELECT seq, at, kind, body, hash FROM entries WHERE seq > ? ORDER BY seq", (after,))
    for seq, at, kind, body, hashed in rows:
        yield Link(seq, at, read(seq, kind, body), hashed)


def read(seq: int, kind: str, body: str) -> e.Entry:
    """The entry in its row. Raises JournalBroken when it is none of that kind."""
    try:
        entry = e.decode(body)
    except msgspec.MsgspecError as error:
        words = f"entry {seq} ({kind}) cannot be read by this version of Kassa: {error}"
        raise JournalBroken(words, at=f"entry {seq}") from error
    if e.kind(entry) != kind:
        raise JournalBroken(f"entry {seq} calls itself {kind}, but says {e.kind(entry)}", at=f"entry {seq}")
    return entry


def check(db: apsw.Connection, after: int = 0, count: int = ALL) -> tuple[int, bytes]:
    """Whether `count` entries behind number `after` hang together; number and hash of the last one.

    A long chain can be checked in parts: each begins with the hash that is stored where the one before ends.
    Raises JournalBroken at the first wrong entry.
    """
    before = GENESIS if after == 0 else db.execute("SELECT hash FROM entries WHERE seq = ?", (after,)).get
    if before is None:
        raise JournalBroken(f"entry {after} is missing", at=f"entry {after}")
    last = after
    rows = db.execute(
        "SELECT seq, at, kind, body, hash FROM entries WHERE seq > ? ORDER BY seq LIMIT ?", (after, count)
    )
    for seq, at, kind, body, stored in rows:
        if seq != last + 1:
            words = f"entry {last + 1} is missing: entry {seq} follows entry {last}"
            raise JournalBroken(words, at=f"entry {last + 1}")
        if link(before, seq, at, kind, body) != stored:
            words = f"entry {seq} ({kind}) does not fit the chain: it or its hash was changed"
            raise JournalBroken(words, at=f"entry {seq}")
        last, before = seq, stored
    return last, before
