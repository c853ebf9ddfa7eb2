"""ESC/POS as far as a receipt needs it: what a printer answers, and the commands in a stream of bytes. No I/O, no clock.

Source: Epson, "ESC/POS Application Programming Guide": DLE EOT, GS r, GS I, GS a and their answers; the lengths of the
commands that receipts are made of. An answer does not say what was asked, but its fixed bits tell the kinds apart:
0xx1xx10 real-time status, 0xx0xxxx paper sensors, 0xx1xx00 the first of four bytes of automatic status.
"""

from __future__ import annotations

from dataclasses import dataclass

DLE, ESC, GS, LF = 0x10, 0x1B, 0x1D, 0x0A
ASK_MARK = b"\x1dr\x01"
"""GS r 1: tell the paper sensors. It is carried out in its turn, so the answer says: what was before it is done."""
ASK_MODEL = b"\x1dIC"
"""GS I 67: tell the model's name."""
NO_AUTOMATIC_STATUS = b"\x1da\x00"
"""GS a 0: speak only when asked."""
MODEL_HEAD, MODEL_END = 0x5F, 0x00
MODEL_MAX_BYTES = 80
"""Longer names are none."""
CAUSES = (1, 2, 3, 4)
"""What DLE EOT n tells: printer, cause of being offline, error, paper."""


def ask_status(n: int) -> bytes:
    """DLE EOT n: told at once, whatever is still to be printed."""
    assert n in CAUSES, n
    return bytes((DLE, 0x04, n))


# --- what a printer answers -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RealTime:
    """The answer to DLE EOT."""

    byte: int


@dataclass(frozen=True, slots=True)
class Mark:
    """The answer to GS r."""

    byte: int

    @property
    def is_at_end(self) -> bool:
        """Whether there is no paper."""
        return bool(self.byte & 0x0C)


@dataclass(frozen=True, slots=True)
class Model:
    """The answer to GS I."""

    name: str


@dataclass(frozen=True, slots=True)
class Automatic:
    """Four bytes that nobody asked for."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Noise:
    """Bytes that are no answer: flow control, or a line at a wrong speed."""

    data: bytes


Answer = RealTime | Mark | Model | Automatic | Noise


def take(buffer: bytes) -> tuple[Answer | None, bytes]:
    """Take one answer off the front of `buffer` and give it back with the rest; None: wait for more bytes."""
    if not buffer:
        return None, buffer
    first = buffer[0]
    if first == MODEL_HEAD:
        return _take_model(buffer)
    if first & 0x93 == 0x12:
        return RealTime(first), buffer[1:]
    if first & 0x93 == 0x10:
        return _take_automatic(buffer)
    if first & 0x90 == 0:
        return Mark(first), buffer[1:]
    return Noise(buffer[:1]), buffer[1:]


def _take_model(buffer: bytes) -> tuple[Answer | None, bytes]:
    name, end, rest = buffer[1:].partition(bytes((MODEL_END,)))
    if any(not 0x20 <= letter < 0x7F for letter in name) or len(name) > MODEL_MAX_BYTES:
        return Noise(buffer[:1]), buffer[1:]
    return (Model(name.decode("ascii")), rest) if end else (None, buffer)


def _take_automatic(buffer: bytes) -> tuple[Answer | None, bytes]:
    if any(following & 0x90 for following in buffer[1:4]):
        return Noise(buffer[:1]), buffer[1:]
    return (Automatic(buffer[:4]), buffer[4:]) if len(buffer) >= 4 else (None, buffer)


@dataclass(frozen=True, slots=True)
class Status:
    """What the four answers to DLE EOT say together."""

    is_offline: bool
    is_fed_by_hand: bool
    cover_is_open: bool
    paper_is_out: bool
    paper_is_low: bool
    cutter_failed: bool
    has_failed: bool
    """Only switching it off and on mends it."""
    recovers: bool
    """Its head is too hot, or something else that ends by itself."""
    is_in_error: bool
    """Some error, whatever it is."""


NOTHING_TOLD = 0x12
"""An answer in which no bit says anything."""


def status_of(printer: int, offline: int, error: int, paper: int) -> Status:
    """The bytes of DLE EOT 1 to 4; NOTHING_TOLD for one that the printer does not answer."""
    return Status(
        is_offline=bool(printer & 0x08),
        is_fed_by_hand=bool(offline & 0x08),
        cover_is_open=bool(offline & 0x04),
        paper_is_out=bool(offline & 0x20 or paper & 0x60),
        paper_is_low=bool(paper & 0x0C),
        cutter_failed=bool(error & 0x08),
        has_failed=bool(error & 0x20),
        recovers=bool(error & 0x40),
        is_in_error=bool(offline & 0x40 or error & 0x04),
    )


# --- commands in a stream -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Print:
    """Letters of one row, in the printer's code page."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Command:
    """A command by its first bytes, and what follows them."""

    code: bytes
    arguments: bytes = b""


LENGTHS = {
    b"\x1b@": 0, b"\x1b!": 1, b"\x1bE": 1, b"\x1bG": 1, b"\x1b-": 1, b"\x1bM": 1, b"\x1bR": 1, b"\x1bt": 1,
    b"\x1ba": 1, b"\x1bd": 1, b"\x1bJ": 1, b"\x1b2": 0, b"\x1b3": 1, b"\x1b{": 1, b"\x1b=": 1, b"\x1b$": 2,
    b"\x1bp": 3, b"\x1d!": 1, b"\x1dB": 1, b"\x1da": 1, b"\x1dI": 1, b"\x1dr": 1, b"\x1dL": 2, b"\x1dW": 2,
    b"\x10\x04": 1, b"\x10\x05": 1,
}  # fmt: skip
"""How many bytes follow; those that tell their own length are taken apart below."""
CUT, BLOCK, RASTER, CODE_2D = b"\x1dV", b"\x1d(", b"\x1dv0", b"\x1d(k"
_FEEDS_BEFORE_CUT = (65, 66)
ROW_MAX_BYTES = 256
"""No printer has so long a row; what is longer is taken in pieces."""


def take_command(buffer: bytes) -> tuple[Print | Command | None, bytes]:
    """Take letters or one command off the front of `buffer`; None: wait for more bytes.

    A command that is not known is its first two bytes; the next item may be wrong then.
    """
    if not buffer:
        return None, buffer
    if buffer[0] == LF:
        return Command(b"\n"), buffer[1:]
    if buffer[0] not in (DLE, ESC, GS):
        end = next((at for at, byte in enumerate(buffer[:ROW_MAX_BYTES]) if byte in (LF, DLE, ESC, GS)), None)
        end = min(len(buffer), ROW_MAX_BYTES) if end is None else end
        return Print(buffer[:end]), buffer[end:]
    code = buffer[:2]
    if len(code) < 2:
        return None, buffer
    head, length = _extent(buffer, code)
    if length is None or len(buffer) < len(head) + length:
        return None, buffer
    return Command(head, buffer[len(head) : len(head) + length]), buffer[len(head) + length :]


def _extent(buffer: bytes, code: bytes) -> tuple[bytes, int | None]:
    """A command's code and the number of bytes behind it; None while that cannot be told."""
    if code == CUT:
        if len(buffer) < 3:
            return code, None
        return code, 2 if buffer[2] in _FEEDS_BEFORE_CUT else 1
    if code == BLOCK:
        return buffer[:3], 2 + buffer[3] + (buffer[4] << 8) if len(buffer) >= 5 else None
    if code == RASTER[:2]:
        if len(buffer) < 8:
            return buffer[:3], None
        across, down = buffer[4] + (buffer[5] << 8), buffer[6] + (buffer[7] << 8)
        return buffer[:3], 5 + across * down
    return code, LENGTHS.get(code, 0)


def is_question(data: bytes) -> bool:
    """Whether the printer answers what ends so."""
    return data[-3:-1] in (b"\x10\x04", b"\x1dr", b"\x1dI")
