"""What the core says to the world, and which entry of the journal has to be durable before it may say so."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from recording import Kind, Record

from devices.ccnet import protocol as ccnet
from devices.shtrih import protocol as shtrih
from kassa.control.messages import Done, ViewChanged, decode_from_server
from kassa.journal import entries as e
from kassa.journal.chain import Link
from kassa.rules.view import View

Links = Sequence[Link]

NOTE_ENTRIES = (e.StackIntended, e.NoteStacked, e.NoteReturned, e.OrphanFound)
IN_CASSETTE = (e.NoteStacked, e.OrphanFound)
FISCAL_ENTRIES = (e.FiscalIntended, e.FiscalVoided, e.DocumentRegistered)
OPEN_RECEIPT, SELL, CLOSE_RECEIPT = b"\x8d", b"\xff\x46", b"\xff\x45"


@dataclass(frozen=True)
class Word:
    """Something that left the process. `backing` finds the entry that has to be durable, among those that are."""

    sort: str
    said: str
    backing: Callable[[Links], int | None]


class Listener:
    """Understands what the core says to validator, registrar and callers."""

    def __init__(self, ports: dict[str, str]) -> None:
        self._ports = ports
        self._rest: dict[tuple[str, Kind, int], bytes] = {}
        self._answer: ccnet.Poll | None = None
        """What the validator said last."""
        self._notes_in = 0

    def hear(self, record: Record) -> list[Word]:
        """What this record says; the words stand in the order in which they left."""
        key = (record.name, record.kind, record.descriptor)
        heard = self._rest.get(key, b"") + record.data
        match self._ports.get(record.name):
            case "validator":
                frames, rest = _taken(ccnet.take, heard)
                words = [word for frame in frames for word in self._at_validator(record.kind, frame)]
            case "registrar":
                frames, rest = _taken(shtrih.take, heard)
                words = [word for frame in frames for word in _at_registrar(record.kind, frame)]
            case _:
                *lines, rest = heard.split(b"\n")
                words = [word for line in lines for word in _at_caller(line)]
        self._rest[key] = rest
        return words

    def _at_validator(self, kind: Kind, frame: object) -> Iterator[Word]:
        if not isinstance(frame, ccnet.Frame):
            return
        if kind is Kind.RECEIVED:
            before, self._answer = self._answer, None
            if ccnet.is_poll_answer(frame.body):
                self._answer = ccnet.decode_poll(frame.body)
            if self._says_stacked and self._answer != before:  # else it only repeats itself
                self._notes_in += 1
        elif frame.body == ccnet.STACK:
            yield Word("STACK", "STACK", _open_intent)
        elif frame.body == ccnet.ACK and self._says_stacked:
            said = f"ACK of stacked note {self._notes_in}"
            yield Word("ACK of STACKED", said, _note_in_cassette(self._notes_in))

    @property
    def _says_stacked(self) -> bool:
        return self._answer is not None and self._answer.status is ccnet.Status.STACKED


def _at_registrar(kind: Kind, frame: object) -> Iterator[Word]:
    if kind is Kind.SENT and isinstance(frame, shtrih.Frame):
        for code in (OPEN_RECEIPT, SELL, CLOSE_RECEIPT):
            if frame.body.startswith(code):
                yield Word("receipt's command", f"registrar's command {code.hex().upper()}", _open_attempt)


def _at_caller(line: bytes) -> Iterator[Word]:
    match decode_from_server(line):
        case ViewChanged(view):
            yield from _in_view(view)
        case Done(data={"journal_head": head, "cassette": cassette}):
            yield Word("status", f"the journal's head {head:.12}", _first(lambda one: one.hash.hex() == head))
            if notes := sum(cassette.values()):
                yield Word("status", f"{notes} notes in the cassette", _note_in_cassette(notes))
        case Done(data=[{"file": _}, *_] as files):
            for file in files:
                yield _about_file(file["file"].rpartition("/")[2])


def _about_file(name: str) -> Word:
    return Word("export", f"payment file {name}", _first(lambda one: _notes_as_written(one, name)))


def _in_view(view: View) -> Iterator[Word]:
    if shown := _minor(view.inserted):
        yield Word("sum in a view", f"{view.inserted} inserted", _paid(shown, payment=view.payment))
    if view.paid_here:
        said = f"{view.paid_here} paid here"
        yield Word("sum in a view", said, _paid(_minor(view.paid_here), account=view.account))
    if view.document:
        number = view.document.number
        yield Word("document in a view", f"document {number}", _first(lambda one: _registers(one, number)))


def _notes_as_written(link: Link, name: str) -> bool:
    return isinstance(link.entry, e.BatchWritten) and link.entry.name == name


def _registers(link: Link, number: int) -> bool:
    return isinstance(link.entry, e.DocumentRegistered) and link.entry.number == number


def _minor(shown: str) -> int:
    return int(Decimal(shown) * 100)


# --- entries behind the words ----------------------------------------------------------------------------------


def _first(fits: Callable[[Link], bool]) -> Callable[[Links], int | None]:
    return lambda links: next((one.seq for one in links if fits(one)), None)


def _open_intent(links: Links) -> int | None:
    last = next((one for one in reversed(links) if isinstance(one.entry, NOTE_ENTRIES)), None)
    return last.seq if last and isinstance(last.entry, e.StackIntended) else None


def _open_attempt(links: Links) -> int | None:
    last = next((one for one in reversed(links) if isinstance(one.entry, FISCAL_ENTRIES)), None)
    return last.seq if last and isinstance(last.entry, e.FiscalIntended) else None


def _note_in_cassette(count: int) -> Callable[[Links], int | None]:
    def backing(links: Links) -> int | None:
        found = [one.seq for one in links if isinstance(one.entry, IN_CASSETTE)]
        return found[count - 1] if len(found) >= count else None

    return backing


def _paid(
    minor: int, *, payment: str | None = None, account: str | None = None
) -> Callable[[Links], int | None]:
    """Until the notes stacked for the payment, or for all payments of the account, make this sum."""

    def backing(links: Links) -> int | None:
        accounts: dict[str, str] = {}
        paid = 0
        for one in links:
            match one.entry:
                case e.PaymentOpened(payment=number, account=whose):
                    accounts[number] = whose
                case e.NoteStacked(payment=number, value=value) if (
                    number == payment if account is None else accounts[number] == account
                ):
                    paid += value
                    if paid >= minor:
                        return one.seq
        return None

    return backing


def _taken(take: Callable[[bytes], tuple[Any, bytes]], heard: bytes) -> tuple[list[object], bytes]:
    items: list[object] = []
    while True:
        item, heard = take(heard)
        if item is None:
            return items, heard
        items.append(item)
