"""The chain of hashes through the entries: whoever changes one has to change all that follow, and the anchors outside."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import NamedTuple

import apsw
import msgspec

from kassa.journal import entries as e
from kassa.journal.tables import JournalBroken

GENESIS = bytes(32)
"""The hash before the first entry."""


class Link(NamedTuple):
    """An entry whose place in the chain was found right."""

    seq: int
    at: str
    entry: e.Entry
    hash: bytes


def link(before: bytes, seq: int, at: str, kind: str, body: str) -> bytes:
    """The hash of an entry over the one before it; a text is preceded by its length, so no two entries look alike."""
    hashed = hashlib.sha256(before)
    hashed.update(seq.to_bytes(8, "big"))
    for text in (at, kind, body):
        raw = text.encode()
        hashed.update(len(raw).to_bytes(4, "big"))
        hashed.update(raw)
    return hashed.digest()


def walk(db: apsw.Connection, after: int = 0, before: bytes = GENESIS) -> Iterator[Link]:
    """Give every entry behind number `after`, whose hash is `before`. Raises JournalBroken at the first wrong one."""
    expected = after
    rows = db.execute("SELECT seq, at, kind, body, hash FROM entries WHERE seq > ? ORDER BY seq", (after,))
    for seq, at, kind, body, stored in rows:
        expected += 1
        if seq != expected:
            raise JournalBroken(
                f"entry {expected} is missing: entry {seq} follows entry {expected - 1}",
                at=f"entry {expected}",
            )
        if link(before, seq, at, kind, body) != stored:
            raise JournalBroken(
                f"entry {seq} ({kind}) does not fit the chain: it or its hash was changed", at=f"entry {seq}"
            )
        try:
            entry = e.decode(body)
        except msgspec.MsgspecError as error:
            raise JournalBroken(
                f"entry {seq} ({kind}) cannot be read by this version of Kassa: {error}", at=f"entry {seq}"
            ) from error
        if e.kind(entry) != kind:
            raise JournalBroken(
                f"entry {seq} calls itself {kind}, but says {e.kind(entry)}", at=f"entry {seq}"
            )
        before = stored
        yield Link(seq, at, entry, stored)
