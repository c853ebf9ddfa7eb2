"""What passed on a device's line, told in lines for a technician. Pure functions of records; no I/O, no clock.

A protocol has a `Language` for this, in its module `words`. Records are chunks as they came; here they become frames
again, frames become turns (a question with all that follows from it), and equal turns in a row become one line. What
nobody can read is told byte for byte: in a raw telling every recorded byte stands exactly once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from typing import Any

from msgspec import Struct

from kassa.flight.ring import Kind, Record
from kassa.untrusted import printable

GAP_S = 0.5
"""Silence inside a frame after which the rest will not come; no driver waits so long for it."""
TURN_MAX_ITEMS = 16
"""A question has a few answers; of a device that goes on talking every word stands for itself."""
NOISE_SHOWN_BYTES = 32
"""More of it in a row says no more."""
OTHER = {Kind.SENT: Kind.RECEIVED, Kind.RECEIVED: Kind.SENT}
SEALED = {Kind.SAID: Kind.SENT, Kind.HEARD: Kind.RECEIVED}
PORT = {Kind.OPENED: "port opened", Kind.LOST: "port lost", Kind.CLOSED: "port closed"}


class Spoken(Struct, frozen=True):
    """A frame, or bytes that are none, or what became of the port; `item` is the frame as its protocol has it."""

    at: float
    kind: Kind
    words: str
    data: bytes = b""
    item: Any = None


class Line(Struct, frozen=True):
    """What is shown in one line. `kind` None: a turn that came several times in a row."""

    at: float
    kind: Kind | None
    words: str
    data: bytes = b""


Turn = tuple[Spoken, ...]


class Language(Struct, frozen=True):
    """How one protocol reads."""

    take: Callable[[bytes], tuple[Any, bytes]]
    """The front item of a buffer and the rest; None: wait for more bytes."""
    say: Callable[[Any, Kind, Any], str | None]
    """An item in words, by its direction and by the question before it, if one is known. None: it is no frame."""
    is_question: Callable[[Any], bool]
    """Whether an item of the host begins a turn."""
    tidy: Callable[[Turn], Turn] = lambda turn: turn
    """A turn without what goes as it should and tells nothing."""
    unsealed: Callable[[bytes], Any] = lambda data: None
    """What a sealed packet says, as an item; None: it says nothing."""


UNKNOWN = Language(take=lambda buffer: (buffer, b""), say=lambda *_: None, is_question=lambda _: False)
"""Of a protocol that this version does not have."""


def tell(
    records: Iterable[Record | None],
    languages: Callable[[str], Language | None],
    *,
    is_raw: bool = False,
    run_max_s: float = math.inf,
) -> Iterator[Line]:
    """Lines in the order of the records. None among the records: nothing comes for now, tell what is held back.

    `languages` knows a protocol by its name. `is_raw`: every item in a line of its own, with its bytes. `run_max_s`:
    equal turns are told at least so often.
    """
    for protocol, part in groupby(records, _protocol_of()):
        language = languages(protocol) or UNKNOWN
        items = _items(part, language)
        if is_raw:
            yield from (_line(spoken) for spoken in items if spoken is not None)
        else:
            yield from _runs(_turns(items, language), run_max_s)


def _protocol_of() -> Callable[[Record | None], str]:
    """A pause belongs to what was spoken before it."""
    last = ""

    def of(record: Record | None) -> str:
        nonlocal last
        last = last if record is None else record.protocol
        return last

    return of


# --- records -> items -----------------------------------------------------------------------------------------


def _items(records: Iterable[Record | None], language: Language) -> Iterator[Spoken | None]:
    ear = _Ear(language)
    for record in records:
        if record is None:
            yield from ear.end()
            yield None
        elif record.kind in PORT:
            yield from ear.end()
            what = record.data.decode("utf-8", "replace")
            words = f"{PORT[record.kind]}: {what}" if what else PORT[record.kind]
            yield Spoken(record.at, record.kind, printable(words))
        elif record.kind in SEALED:
            yield from ear.overhear(record)
        else:
            yield from ear.hear(record)
    yield from ear.end()


class _Ear:
    """Both directions of a line: bytes that wait for the rest of their frame, and what was asked last."""

    def __init__(self, language: Language) -> None:
        self._language = language
        self._begun = {Kind.SENT: b"", Kind.RECEIVED: b""}
        self._heard_at = 0.0
        self._asked: Any = None

    def hear(self, record: Record) -> Iterator[Spoken]:
        """The items that end with these bytes."""
        yield from self._give_up(OTHER[record.kind])  # one speaks, then the other
        if record.at - self._heard_at > GAP_S:
            yield from self._give_up(record.kind)
        self._heard_at = record.at
        self._begun[record.kind] += record.data
        yield from self._read(record.kind, is_end=False)

    def overhear(self, record: Record) -> Iterator[Spoken]:
        """What a sealed packet says; its bytes are items of their own."""
        yield from self.end()
        kind = SEALED[record.kind]
        item = self._language.unsealed(record.data)
        words = None if item is None else self._language.say(item, kind, self._asked)
        if kind is Kind.SENT:
            self._asked = item
        said = _unreadable(record.data) if words is None else words
        yield Spoken(record.at, kind, printable(f"sealed: {said}"), item=item)

    def end(self) -> Iterator[Spoken]:
        """What waits in vain for its end."""
        yield from self._give_up(Kind.SENT)
        yield from self._give_up(Kind.RECEIVED)

    def _give_up(self, kind: Kind) -> Iterator[Spoken]:
        if self._begun[kind]:
            yield from self._read(kind, is_end=True)

    def _read(self, kind: Kind, *, is_end: bool) -> Iterator[Spoken]:
        """Take off what can be read; at the end all of it, as a frame may stand behind one that was broken off."""
        noise = b""
        while buffer := self._begun[kind]:
            item, rest = self._language.take(buffer)
            if item is None and not is_end:
                break
            if item is None:
                rest = buffer[1:]
            data, self._begun[kind] = buffer[: len(buffer) - len(rest)], rest
            words = None if item is None else self._language.say(item, kind, self._asked)
            if words is None:
                noise += data
                continue
            yield from self._noise(kind, noise)
            noise = b""
            if kind is Kind.SENT and self._language.is_question(item):
                self._asked = item
            yield Spoken(self._heard_at, kind, printable(words), data, item)
        yield from self._noise(kind, noise)

    def _noise(self, kind: Kind, data: bytes) -> Iterator[Spoken]:
        if data:
            yield Spoken(self._heard_at, kind, _unreadable(data), data)


def _unreadable(data: bytes) -> str:
    shown, more = data[:NOISE_SHOWN_BYTES].hex(" ").upper(), len(data) - NOISE_SHOWN_BYTES
    return f"not readable: {shown}" + (f" and {more} bytes more" if more > 0 else "")


# --- items -> turns -> lines ----------------------------------------------------------------------------------


def _turns(items: Iterable[Spoken | None], language: Language) -> Iterator[Turn | None]:
    """What belongs to no question is a turn of its own."""
    turn: Turn = ()
    for spoken in items:
        if spoken is not None and turn and len(turn) < TURN_MAX_ITEMS and _goes_on(spoken, language):
            turn += (spoken,)
            continue
        yield language.tidy(turn)
        turn = ()
        if spoken is None:
            yield None
        elif _is_question(spoken, language):
            turn = (spoken,)
        else:
            yield (spoken,)
    yield language.tidy(turn)


def _goes_on(spoken: Spoken, language: Language) -> bool:
    return spoken.kind not in PORT and not _is_question(spoken, language)


def _is_question(spoken: Spoken, language: Language) -> bool:
    return spoken.kind is Kind.SENT and spoken.item is not None and language.is_question(spoken.item)


def _runs(turns: Iterable[Turn | None], run_max_s: float) -> Iterator[Line]:
    first: Turn = ()
    times, last_at = 0, 0.0
    for turn in turns:
        if turn == ():
            continue
        if turn is not None and _said(turn) == _said(first) and turn[0].at - first[0].at <= run_max_s:
            times, last_at = times + 1, turn[-1].at
            continue
        yield from _told(first, times, last_at)
        first, times, last_at = (turn, 1, turn[-1].at) if turn else ((), 0, 0.0)
    yield from _told(first, times, last_at)


def _said(turn: Turn) -> list[tuple[Kind, str]]:
    return [(spoken.kind, spoken.words) for spoken in turn]


def _told(turn: Turn, times: int, last_at: float) -> Iterator[Line]:
    if times <= 1:
        yield from map(_line, turn)
        return
    words = " / ".join(spoken.words for spoken in turn)
    lasted_s = max(last_at - turn[0].at, 0.0)  # a clock may be set back
    yield Line(turn[0].at, None, f"{words} x {times}, {lasted_s:.1f} s")


def _line(spoken: Spoken) -> Line:
    return Line(spoken.at, spoken.kind, spoken.words, spoken.data)
