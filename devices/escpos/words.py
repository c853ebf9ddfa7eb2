"""ESC/POS for people: what a printer was asked, what it answered, and what it was given to print.

Both directions share their bytes' values, so a piece is read as it was recorded, by who said it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

from devices.escpos import protocol as p
from devices.words import Language
from kassa.flight.ring import Kind

CODE_PAGE = "cp866"
"""Which page the printer was told to use stands in the first part of a receipt only; most are this one."""
SHOWN_MAX = 200
"""Letters of one part; the receipt as a whole is on paper."""
CAUSES = {1: "PRINTER", 2: "OFFLINE", 3: "ERROR", 4: "PAPER"}
NAMES = {
    b"\x1b@": "INIT", b"\x1bE": "BOLD", b"\x1bt": "CODE PAGE", b"\x1ba": "ALIGN", b"\x1bM": "FONT",
    b"\x1bd": "FEED", b"\x1d!": "SIZE", b"\x1dV": "CUT", b"\x1da": "AUTOMATIC STATUS", b"\x1dr": "MARK",
    b"\x1dI": "MODEL",
}  # fmt: skip
UNTOLD = frozenset({b"\n", b"\x1bE", b"\x1ba", b"\x1bM", b"\x1d!"})
"""How letters look is for the paper to show."""


def say(item: bytes, kind: Kind, asked: bytes | None) -> str | None:
    """One piece as it was recorded."""
    told = list(_sent(item) if kind is Kind.SENT else _received(item, asked))
    return ", ".join(told) if told else None


LANGUAGE = Language(take=lambda buffer: (buffer, b""), say=say, is_question=p.is_question)


def _sent(data: bytes) -> Iterator[str]:
    letters = ""
    while data:
        item, data = p.take_command(data)
        if item is None:
            break
        if isinstance(item, p.Print):
            letters += f" {item.data.decode(CODE_PAGE, 'replace').strip()}"
        elif item.code not in UNTOLD:
            if letters:
                yield _shown(letters)
                letters = ""
            yield _command(item)
    if letters:
        yield _shown(letters)
    if data:
        yield f"the beginning of a command: {data.hex(' ').upper()}"


def _shown(letters: str) -> str:
    letters = letters.strip()
    return f"print {letters[:SHOWN_MAX]!r}" + (" ..." if len(letters) > SHOWN_MAX else "")


def _command(command: p.Command) -> str:
    code, arguments = command.code, command.arguments
    if code == b"\x10\x04":
        return f"STATUS {CAUSES.get(arguments[0], str(arguments[0]))}"
    if code == p.CODE_2D:
        what = arguments[3:4]
        return (
            f"QR {arguments[5:].decode('utf-8', 'replace')!r}" if what == b"P" else f"QR {what.hex().upper()}"
        )
    if code == p.RASTER:
        return "PICTURE"
    name = NAMES.get(code, f"command {code.hex(' ').upper()}")
    return f"{name} {arguments.hex(' ').upper()}".rstrip()


def _received(data: bytes, asked: bytes | None) -> Iterator[str]:
    while data:
        item, data = p.take(data)
        match item:
            case p.RealTime(byte):
                yield _status(byte, asked)
            case p.Mark(byte):
                paper = " and the roll is at its end" if item.is_at_end else ""
                yield f"all before the mark is done{paper} ({byte:02X})"
            case p.Model(name):
                yield f"model {name}"
            case p.Automatic(told):
                yield f"automatic status {told.hex(' ').upper()}"
            case p.Noise(noise):
                yield f"no answer: {noise.hex(' ').upper()}"
            case None:
                yield f"the beginning of an answer: {data.hex(' ').upper()}"
                return


def _status(byte: int, asked: bytes | None) -> str:
    cause = asked[-1] if asked is not None and asked[-3:-1] == b"\x10\x04" else 0
    if cause not in p.CAUSES:
        return f"status {byte:02X}"
    told = dict.fromkeys(p.CAUSES, p.NOTHING_TOLD) | {cause: byte}
    status = p.status_of(told[1], told[2], told[3], told[4])
    found = [
        one.name.removeprefix("is_").replace("_", " ") for one in fields(status) if getattr(status, one.name)
    ]
    return f"{', '.join(found) or 'well'} ({byte:02X})"
