"""Shtrih-M registrars with a fiscal drive: bytes <-> frames <-> commands and answers. No I/O, no clock.

Source: Shtrih-M, "Command protocol" 1.17: chapter 2 and appendices 2, 3 for the standard link layer ("protocol 1.0"),
chapter 3 for the commands. Numbers are little-endian, money is in minor units (kopecks), text is CP1251.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from datetime import date, datetime
from functools import lru_cache
from typing import Generic, TypeVar

from msgspec import Struct

from devices.checksums import lrc
from devices.shtrih.errors import meaning
from kassa.errors import KassaError
from kassa.untrusted import printable

T = TypeVar("T")

# --- link layer -----------------------------------------------------------------------------------------------

STX, ENQ, ACK, NAK = 0x02, 0x05, 0x06, 0x15
BODY_BYTES_MAX = 255
_FRAME_EXTRA = 3
"""STX, LEN and LRC around a body."""
SAID_MAX = 64
"""Hosts and registrars say the same few things all day long: so many of them are remembered with their reading."""


class Control(Struct, frozen=True):
    """One of ENQ, ACK, NAK outside a frame."""

    code: int


class Frame(Struct, frozen=True):
    """A whole frame; `body` runs from the command's code to its last parameter."""

    body: bytes


class Spoilt(Struct, frozen=True):
    """A whole frame whose check sum is wrong: to be answered with NAK."""

    data: bytes


class Junk(Struct, frozen=True):
    """Bytes that mean nothing here; USB models put an FF before a control byte, some hosts zeros before STX."""

    data: bytes


Item = Control | Frame | Spoilt | Junk


@lru_cache(SAID_MAX)
def frame(body: bytes) -> bytes:
    """`body` as it goes over the wire."""
    assert 1 <= len(body) <= BODY_BYTES_MAX, len(body)
    sized = bytes((len(body),)) + body
    return bytes((STX,)) + sized + bytes((lrc(sized),))


@lru_cache(SAID_MAX)
def take(buffer: bytes) -> tuple[Item | None, bytes]:
    """Take one item off the front of `buffer` and give it back with the rest; None: wait for more bytes."""
    if not buffer:
        return None, buffer
    if buffer[0] in (ENQ, ACK, NAK):
        return Control(buffer[0]), buffer[1:]
    if buffer[0] != STX:
        size = next((at for at, byte in enumerate(buffer) if byte in (STX, ENQ, ACK, NAK)), len(buffer))
        return Junk(buffer[:size]), buffer[size:]
    if len(buffer) < 2:
        return None, buffer
    if buffer[1] == 0:
        return Junk(buffer[:1]), buffer[1:]  # no frame is empty; a real one may start later
    size = buffer[1] + _FRAME_EXTRA
    if len(buffer) < size:
        return None, buffer
    whole, rest = buffer[:size], buffer[size:]
    if lrc(whole[1:]) != 0:
        return Spoilt(whole), rest
    return Frame(whole[2:-1]), rest


# --- modes ----------------------------------------------------------------------------------------------------


class Mode(enum.IntEnum):
    """What the registrar is in the middle of; the low half of its mode byte."""

    REPORT_FROM_BUFFER = 0
    DATA_OUTPUT = 1
    SHIFT_OPEN = 2
    SHIFT_EXPIRED = 3
    SHIFT_CLOSED = 4
    INSPECTOR_LOCK = 5
    DATE_UNCONFIRMED = 6
    DECIMAL_POINT = 7
    DOCUMENT_OPEN = 8
    TECHNICAL_RESET = 9
    SELF_TEST = 10
    FISCAL_REPORT = 11
    SLIP = 12
    SLIP_PRINTING = 13
    SLIP_READY = 14
    OTHER_REPORT = 15


TEXT_DOCUMENT = 4
"""`mode_detail` of DOCUMENT_OPEN when the open document has no fiscal meaning."""


class Submode(enum.IntEnum):
    """What the paper does."""

    IDLE = 0
    NO_PAPER = 1
    """Paper ran out while nothing was being printed."""
    PAPER_RAN_OUT = 2
    """Paper ran out in the middle of a print."""
    WAITS_FOR_CONTINUE = 3
    """There is paper again; command B0 prints the interrupted document once more, whole."""
    PRINTING_REPORT = 4
    PRINTING = 5


class Form(enum.IntEnum):
    """Kinds of fiscal documents as FF0A and FF3A name them (FF01 has other numbers for the same)."""

    REGISTRATION = 1
    SHIFT_OPEN = 2
    RECEIPT = 3
    SHIFT_CLOSE = 5
    DRIVE_CLOSE = 6
    REREGISTRATION = 11
    SETTLEMENT_STATE = 21
    CORRECTION = 31


OPERATION_SALE = 1
VAT_CODES = {
    1: 0x01,  2: 0x02,  3: 0x10,  4: 0x20,  5: 0x04,  6: 0x08,
    7: 0x81,  8: 0x82,  9: 0x84, 10: 0x88, 11: 0xCB, 12: 0xCC,
}  # fmt: skip
"""Tax byte of FF46 by the value of tag 1199 (1: 20 %, 6: none, 11: 22 %, 12: 22/122)."""

# --- answers --------------------------------------------------------------------------------------------------


class BadAnswer(KassaError):
    """An answer is not of the shape its command has."""


class Refused(KassaError):
    """The registrar answered with an error."""

    def __init__(self, command: bytes, code: int) -> None:
        super().__init__(
            f"the registrar refuses command {command.hex().upper()}: {meaning(code).english} (error {code:02X}h)"
        )
        self.code = code


class Nothing(Struct, frozen=True):
    """The command was carried out; the answer says no more."""


PRINT_RESULT_PRINTING = 5


class ShortStatus(Struct, frozen=True):
    """Answer to 10h. `mode` is the low half of the mode byte, `mode_detail` the high one."""

    flags: int
    mode: Mode
    mode_detail: int
    submode: int
    print_result: int | None
    """0 printed, 1 paper ran out, 2 printer error, 5 printing; None when the model does not tell."""

    @property
    def sees_paper(self) -> bool:
        """The optical sensor of the receipt paper; means something only when there is one."""
        return bool(self.flags >> 7 & 1)

    @property
    def sees_roll_low(self) -> bool:
        """The near-end sensor of the receipt paper; means something only when there is one."""
        return not self.flags >> 1 & 1

    @property
    def sees_cover_open(self) -> bool:
        """The sensor of the cover; means something only when there is one."""
        return bool(self.flags >> 10 & 1)


class LongStatus(Struct, frozen=True):
    """Answer to 11h, without what FN models no longer fill. `at` is the registrar's clock, None if it has no date."""

    firmware: str
    build: int
    mode: Mode
    submode: int
    at: datetime | None
    serial: int


class Model(Struct, frozen=True):
    """Answer to FCh."""

    kind: int
    model: int
    name: str


class Parameters(Struct, frozen=True):
    """Answer to F7h 01: what this model has, one bit a property."""

    bits: int

    @property
    def has_roll_sensor(self) -> bool:
        """Whether bit 1 of the status flags means something."""
        return bool(self.bits >> 1 & 1)

    @property
    def has_paper_sensor(self) -> bool:
        """Whether bit 7 of the status flags means something."""
        return bool(self.bits >> 3 & 1)

    @property
    def has_cover_sensor(self) -> bool:
        """Whether bit 10 of the status flags means something."""
        return bool(self.bits >> 4 & 1)

    @property
    def has_text_documents(self) -> bool:
        """Whether E2h and E3h open and close a document without fiscal meaning."""
        return bool(self.bits >> 22 & 1)


class DriveStatus(Struct, frozen=True):
    """Answer to FF01: the fiscal drive; `at` is the time of its last document."""

    life: int
    current_document: int
    is_shift_open: bool
    warnings: int
    at: datetime | None
    serial: str
    last_document: int

    @property
    def is_in_fiscal_mode(self) -> bool:
        """Registered with the tax service and not closed."""
        return self.life & 0b111 == 0b011

    @property
    def is_ending(self) -> bool:
        """It has to be replaced within 3 days or within 30, or its memory is nearly full."""
        return bool(self.warnings & 0b111)

    @property
    def is_critical(self) -> bool:
        """The drive reports a critical error of its own."""
        return bool(self.warnings >> 7 & 1)


class DriveExpiry(Struct, frozen=True):
    """Answer to FF03: the last day of the drive, None when it has no such day."""

    on: date | None


class Exchange(Struct, frozen=True):
    """Answer to FF39: documents that the OFD has not confirmed; `first` and `since` tell of the oldest."""

    unsent: int
    first: int
    since: datetime | None


class Shift(Struct, frozen=True):
    """Answer to FF40: the running shift, or the last one."""

    is_open: bool
    number: int
    receipt: int


class FoundDocument(Struct, frozen=True):
    """Answer to FF0A. `operation` and `total` belong to receipts and corrections, `shift` to shift reports."""

    form: int
    is_at_ofd: bool
    at: datetime
    number: int
    sign: int
    operation: int | None = None
    total: int | None = None
    shift: int | None = None


class Closed(Struct, frozen=True):
    """Answer to FF45: the receipt is a fiscal document. `at` comes only where table 17 field 36 asks for it."""

    change: int
    number: int
    sign: int
    at: datetime | None


class Corrected(Struct, frozen=True):
    """Answer to FF4A: the correction is a fiscal document; `receipt` is its number in the shift."""

    receipt: int
    number: int
    sign: int
    at: datetime | None


class TableStructure(Struct, frozen=True):
    """Answer to 2Dh: a table of settings."""

    name: str
    rows: int
    fields: int


class FieldStructure(Struct, frozen=True):
    """Answer to 2Eh: one field of a table; a number has `lowest` and `highest`, a text has zeros there."""

    name: str
    is_text: bool
    size_bytes: int
    lowest: int
    highest: int


class TagsAnnounced(Struct, frozen=True):
    """Answer to FF3A: as many bytes of tags follow by FF3B."""

    form: int
    size_bytes: int


class _Fields:
    """Reads an answer's data from left to right. Raises BadAnswer when they are too short."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def take(self, size: int) -> bytes:
        if len(self._data) < size:
            raise BadAnswer(f"{size} bytes more are due, {len(self._data)} are left")
        taken, self._data = self._data[:size], self._data[size:]
        return taken

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "little")

    def rest(self) -> bytes:
        return self.take(len(self._data))

    def left(self) -> int:
        return len(self._data)

    def drive_time(self) -> datetime | None:
        """Year, month, day, hour, minute; None for what is no date, as an empty drive answers."""
        year, month, day, hour, minute = self.take(5)
        return _datetime(year, month, day, hour, minute, 0)

    def certain_drive_time(self) -> datetime:
        at = self.drive_time()
        if at is None:
            raise BadAnswer("a fiscal document without a date")
        return at


def _datetime(year: int, month: int, day: int, hour: int, minute: int, second: int) -> datetime | None:
    try:
        # The registrar's own local wall clock: it has no zone. The driver knows it and adds it.
        return datetime(2000 + year, month, day, hour, minute, second)  # noqa: DTZ001
    except ValueError:
        return None


def _nothing(_: _Fields) -> Nothing:
    return Nothing()


def _short_status(fields: _Fields) -> ShortStatus:
    fields.take(1)
    flags, mode, submode = fields.number(2), fields.number(1), fields.number(1)
    fields.take(9)
    print_result = fields.number(1) if fields.left() else None
    return ShortStatus(flags, Mode(mode & 0x0F), mode >> 4, submode, print_result)


def _long_status(fields: _Fields) -> LongStatus:
    fields.take(1)
    firmware, build = fields.take(2).decode("cp1251", "replace"), fields.number(2)
    fields.take(8)
    mode, submode = fields.number(1), fields.number(1)
    fields.take(8)
    (day, month, year), (hour, minute, second) = fields.take(3), fields.take(3)
    fields.take(1)
    serial = fields.number(4)
    at = _datetime(year, month, day, hour, minute, second)
    return LongStatus(f"{firmware[0]}.{firmware[1]}", build, Mode(mode & 0x0F), submode, at, serial)


def _model(fields: _Fields) -> Model:
    kind = fields.number(1)
    fields.take(3)
    model = fields.number(1)
    fields.take(1)
    return Model(kind, model, printable(fields.rest().decode("cp1251", "replace").strip("\0 ")))


def _parameters(fields: _Fields) -> Parameters:
    return Parameters(fields.number(8))


def _drive_status(fields: _Fields) -> DriveStatus:
    life, current = fields.number(1), fields.number(1)
    fields.take(1)
    is_open, warnings, at = fields.number(1) == 1, fields.number(1), fields.drive_time()
    return DriveStatus(life, current, is_open, warnings, at, _serial(fields), fields.number(4))


def _serial(fields: _Fields) -> str:
    return printable(fields.take(16).decode("ascii", "replace").strip("\0 "))


def _drive_expiry(fields: _Fields) -> DriveExpiry:
    year, month, day = fields.take(3)
    at = _datetime(year, month, day, 0, 0, 0)
    return DriveExpiry(at.date() if at is not None else None)


def _exchange(fields: _Fields) -> Exchange:
    fields.take(2)
    return Exchange(fields.number(2), fields.number(4), fields.drive_time())


def _shift(fields: _Fields) -> Shift:
    return Shift(fields.number(1) == 1, fields.number(2), fields.number(2))


def _found_document(fields: _Fields) -> FoundDocument:
    form, is_at_ofd = fields.number(1), fields.number(1) == 1
    at, number, sign = fields.certain_drive_time(), fields.number(4), fields.number(4)
    if form in (Form.RECEIPT, Form.CORRECTION):
        operation, total = fields.number(1), fields.number(5)
        return FoundDocument(form, is_at_ofd, at, number, sign, operation=operation, total=total)
    if form in (Form.SHIFT_OPEN, Form.SHIFT_CLOSE):
        return FoundDocument(form, is_at_ofd, at, number, sign, shift=fields.number(2))
    return FoundDocument(form, is_at_ofd, at, number, sign)


def _closed(fields: _Fields) -> Closed:
    change, number, sign = fields.number(5), fields.number(4), fields.number(4)
    return Closed(change, number, sign, fields.drive_time() if fields.left() else None)


def _corrected(fields: _Fields) -> Corrected:
    receipt, number, sign = fields.number(2), fields.number(4), fields.number(4)
    return Corrected(receipt, number, sign, fields.drive_time() if fields.left() else None)


def _table_structure(fields: _Fields) -> TableStructure:
    return TableStructure(_name(fields), fields.number(2), fields.number(1))


def _field_structure(fields: _Fields) -> FieldStructure:
    name, is_text, size = _name(fields), fields.number(1) == 1, fields.number(1)
    if is_text:
        return FieldStructure(name, is_text, size, 0, 0)
    return FieldStructure(name, is_text, size, fields.number(size), fields.number(size))


NAME_BYTES = 40
"""A table's or field's name, filled up with zeros or spaces."""


def _name(fields: _Fields) -> str:
    return text_of(fields.take(NAME_BYTES))


def text_of(data: bytes) -> str:
    """A text as tables hold it: CP1251 up to the first zero, without the spaces around it."""
    return data.split(b"\0")[0].decode("cp1251", "replace").strip()


def _tags_announced(fields: _Fields) -> TagsAnnounced:
    return TagsAnnounced(fields.number(2), fields.number(2))


def _number_of(size: int) -> Callable[[_Fields], int]:
    def parse(fields: _Fields) -> int:
        return fields.number(size)

    return parse


def _number_after_operator(size: int) -> Callable[[_Fields], int]:
    def parse(fields: _Fields) -> int:
        fields.take(1)
        return fields.number(size)

    return parse


def _rest(fields: _Fields) -> bytes:
    return fields.rest()


# --- commands -------------------------------------------------------------------------------------------------

QUICK_MS, USUAL_MS, X_REPORT_MS, Z_REPORT_MS, OPEN_SHIFT_MS = 3_000, 30_000, 30_000, 65_000, 120_000
"""How long the answer may take. Opening a shift: the device first waits for its key server when it has no network."""


class Command(Struct, Generic[T], frozen=True):
    """One command: its code (1 or 2 bytes), its parameters, and how its answer reads."""

    code: bytes
    parameters: bytes
    parse: Callable[[_Fields], T]
    timeout_ms: int = USUAL_MS
    is_repeatable: bool = False
    """Whether carrying it out twice is the same as once, so that it may be sent again when nobody knows."""

    @property
    def body(self) -> bytes:
        """What goes into the frame."""
        return self.code + self.parameters

    def read(self, body: bytes) -> T:
        """The answer in `body`. Raises Refused for the registrar's own errors, BadAnswer for what is none."""
        if not body.startswith(self.code) or len(body) == len(self.code):
            raise BadAnswer(f"{body.hex(' ').upper()} is no answer to command {self.code.hex().upper()}")
        if error := body[len(self.code)]:
            raise Refused(self.code, error)
        try:
            return self.parse(_Fields(body[len(self.code) + 1 :]))
        except BadAnswer as error_found:
            shown = body.hex(" ").upper()
            raise BadAnswer(
                f"answer {shown} to command {self.code.hex().upper()}: {error_found}"
            ) from error_found


def model() -> Command[Model]:
    """FCh: what device this is."""
    return Command(b"\xfc", b"", _model, QUICK_MS, is_repeatable=True)


def parameters() -> Command[Parameters]:
    """F7h 01: which sensors and commands the model has."""
    return Command(b"\xf7", b"\x01", _parameters, QUICK_MS, is_repeatable=True)


def short_status(password: int) -> Command[ShortStatus]:
    """10h: mode, submode, sensors."""
    return Command(b"\x10", _password(password), _short_status, QUICK_MS, is_repeatable=True)


def long_status(password: int) -> Command[LongStatus]:
    """11h: the same with clock, firmware and serial number."""
    return Command(b"\x11", _password(password), _long_status, QUICK_MS, is_repeatable=True)


def drive_status(password: int) -> Command[DriveStatus]:
    """FF01: the fiscal drive with the number of its last document."""
    return Command(b"\xff\x01", _password(password), _drive_status, is_repeatable=True)


def drive_serial(password: int) -> Command[str]:
    """FF02: the fiscal drive's number, 16 digits."""
    return Command(b"\xff\x02", _password(password), _serial, is_repeatable=True)


def drive_expiry(password: int) -> Command[DriveExpiry]:
    """FF03: until when the fiscal drive works."""
    return Command(b"\xff\x03", _password(password), _drive_expiry, is_repeatable=True)


def cancel_drive_document(password: int) -> Command[Nothing]:
    """FF08: throw away the document that the drive has begun."""
    return Command(b"\xff\x08", _password(password), _nothing, is_repeatable=True)


def find_document(password: int, number: int) -> Command[FoundDocument]:
    """FF0A: the short record of one fiscal document."""
    return Command(b"\xff\x0a", _password(password) + _u(number, 4), _found_document, is_repeatable=True)


def send_tags(password: int, tags: bytes) -> Command[Nothing]:
    """FF0C: tags (see `devices.shtrih.tlv`) for the document that is open."""
    assert len(tags) <= TAGS_BYTES_MAX, len(tags)
    return Command(b"\xff\x0c", _password(password) + tags, _nothing)


def send_item_tags(password: int, tags: bytes) -> Command[Nothing]:
    """FF4D: tags for the item that was sold last; not repeatable, as the item would have them twice."""
    assert len(tags) <= TAGS_BYTES_MAX, len(tags)
    return Command(b"\xff\x4d", _password(password) + tags, _nothing)


TAGS_BYTES_MAX = 248
"""What fits into one frame beside code and password."""


def exchange(password: int) -> Command[Exchange]:
    """FF39: how many documents wait for the OFD."""
    return Command(b"\xff\x39", _password(password), _exchange, is_repeatable=True)


def announce_tags(password: int, number: int) -> Command[TagsAnnounced]:
    """FF3A: prepare the tags of one document for `read_tags`."""
    return Command(b"\xff\x3a", _password(password) + _u(number, 4), _tags_announced, is_repeatable=True)


def read_tags(password: int) -> Command[bytes]:
    """FF3B: the next block of the tags; error 08 at their end. A block is handed out once."""
    return Command(b"\xff\x3b", _password(password), _rest)


def unsent_count(password: int) -> Command[int]:
    """FF3F: how many documents wait for the OFD, and nothing else."""
    return Command(b"\xff\x3f", _password(password), _number_of(2), is_repeatable=True)


def shift(password: int) -> Command[Shift]:
    """FF40: the shift's state, number and receipts."""
    return Command(b"\xff\x40", _password(password), _shift, is_repeatable=True)


def open_shift(password: int) -> Command[Nothing]:
    """E0h: open a shift and print its report. The answer has an operator number or has none."""
    return Command(b"\xe0", _password(password), _nothing, OPEN_SHIFT_MS)


_SALE, _SALE_CORRECTED = b"\x00", b"\x80"


def open_receipt(password: int, *, is_correction: bool = False) -> Command[Nothing]:
    """8Dh: open a sale's receipt; a correction of a sale where the format of documents is 1.1 or 1.2."""
    return Command(b"\x8d", _password(password) + (_SALE_CORRECTED if is_correction else _SALE), _nothing)


QUANTITY_ONE = 1_000_000
_NOT_GIVEN = b"\xff" * 5
NAME_CHARACTERS_MAX = 128


def sell(password: int, name: str, price_minor: int, vat: int, method: int, subject: int) -> Command[Nothing]:
    """FF46: one item, once; `vat`, `method`, `subject` are the values of tags 1199, 1214, 1212.

    `name` is cut at 128 characters; what CP1251 lacks becomes a question mark. The registrar computes the tax.
    """
    sums = _u(price_minor, 5) + _u(price_minor, 5) + _NOT_GIVEN
    codes = bytes((VAT_CODES[vat], DEPARTMENT, method, subject))
    text = _text(name, NAME_CHARACTERS_MAX)
    parameters = _password(password) + bytes((OPERATION_SALE,)) + _u(QUANTITY_ONE, 6) + sums + codes + text
    return Command(b"\xff\x46", parameters, _nothing)


DEPARTMENT = 1
"""The only section that is used; it is counted in the registers of the first department."""


def subtotal(password: int) -> Command[int]:
    """89h: the open receipt's total, minor units."""
    return Command(b"\x89", _password(password), _number_after_operator(5), is_repeatable=True)


def close_receipt(password: int, cash_minor: int, tax_system: int) -> Command[Closed]:
    """FF45: pay in cash and make the fiscal document; the registrar computes the taxes.

    `tax_system` is the bit number of tag 1055.
    """
    cashless, rounding, taxes = bytes(15 * 5), bytes(1), bytes(6 * 5)
    sums = _u(cash_minor, 5) + cashless + rounding + taxes
    return Command(b"\xff\x45", _password(password) + sums + bytes((1 << tax_system,)), _closed)


def begin_correction(password: int) -> Command[Nothing]:
    """FF35: begin a correction where the format of documents is 1.05; its tags follow by FF0C."""
    return Command(b"\xff\x35", _password(password), _nothing)


CORRECTION_VATS = (1, 2, 5, 6, 3, 4)
"""Values of tag 1199 in the order of FF4A's tax sums; newer rates have no place there."""


def close_correction(
    password: int, cash_minor: int, taxes_minor: Mapping[int, int], tax_system: int, *, is_ordered: bool
) -> Command[Corrected]:
    """FF4A: make the correction's fiscal document, a sale paid in cash.

    `taxes_minor`: by the value of tag 1199 the tax contained, of 5 and 6 the turnover; `tax_system`: a bit's number.
    """
    assert set(taxes_minor) <= set(CORRECTION_VATS), taxes_minor
    kind, sums = bytes((is_ordered, OPERATION_SALE)), _u(cash_minor, 5) * 2 + bytes(4 * 5)
    taxes = b"".join(_u(taxes_minor.get(vat, 0), 5) for vat in CORRECTION_VATS)
    parameters = _password(password) + kind + sums + taxes + bytes((1 << tax_system,))
    return Command(b"\xff\x4a", parameters, _corrected)


def cancel_receipt(password: int) -> Command[Nothing]:
    """88h: cancel the open receipt; no fiscal document comes of it."""
    return Command(b"\x88", _password(password), _nothing)


def continue_print(password: int) -> Command[Nothing]:
    """B0h: after paper ran out in the middle, print the interrupted document once more."""
    return Command(b"\xb0", _password(password), _nothing)


def open_text_document(password: int) -> Command[Nothing]:
    """E2h: begin a document without fiscal meaning, where the model has them."""
    return Command(b"\xe2", _password(password), _nothing)


def close_text_document(password: int) -> Command[Nothing]:
    """E3h: end a document without fiscal meaning that somebody left open."""
    return Command(b"\xe3", _password(password), _nothing)


def x_report(password: int) -> Command[Nothing]:
    """40h: print the running shift's totals."""
    return Command(b"\x40", _password(password), _nothing, X_REPORT_MS)


Z_REPORT = b"\x41"


def z_report(password: int) -> Command[Nothing]:
    """41h: print the totals and close the shift."""
    return Command(Z_REPORT, _password(password), _nothing, Z_REPORT_MS)


LINE_CHARACTERS_MAX = 40
_ON_RECEIPT, _ON_RECEIPT_WRAPPED = 0x02, 0x42


def print_line(password: int, text: str) -> Command[Nothing]:
    """17h: one line of text, at most 40 characters; inside a receipt it is printed with it."""
    line = _text(text, LINE_CHARACTERS_MAX).ljust(LINE_CHARACTERS_MAX, b"\0")
    return Command(b"\x17", _password(password) + bytes((_ON_RECEIPT_WRAPPED,)) + line, _nothing)


def feed(password: int, lines: int) -> Command[Nothing]:
    """29h: move the receipt's paper on by so many lines, 1 to 255."""
    return Command(b"\x29", _password(password) + bytes((_ON_RECEIPT, lines)), _nothing)


def cut(password: int, is_partial: bool = False) -> Command[Nothing]:
    """25h: cut the paper."""
    return Command(b"\x25", _password(password) + bytes((is_partial,)), _nothing)


def cash_register(password: int, number: int) -> Command[int]:
    """1Ah: a money counter, minor units; 241 is the cash that ought to be in the drawer."""
    return Command(
        b"\x1a", _password(password) + _u(number, 1), _number_after_operator(6), is_repeatable=True
    )


def operation_register(password: int, number: int) -> Command[int]:
    """1Bh: a counter of operations; 152 is the through number of documents."""
    return Command(
        b"\x1b", _password(password) + _u(number, 1), _number_after_operator(2), is_repeatable=True
    )


def table_structure(password: int, table: int) -> Command[TableStructure]:
    """2Dh: name and size of a table; error 5D where there is none of this number."""
    return Command(b"\x2d", _password(password) + _u(table, 1), _table_structure, is_repeatable=True)


def field_structure(password: int, table: int, field: int) -> Command[FieldStructure]:
    """2Eh: name and kind of one field of a table."""
    place = _u(table, 1) + _u(field, 1)
    return Command(b"\x2e", _password(password) + place, _field_structure, is_repeatable=True)


def read_table(password: int, table: int, row: int, field: int) -> Command[bytes]:
    """1Fh: one setting, as bytes of the field's own type."""
    place = _u(table, 1) + _u(row, 2) + _u(field, 1)
    return Command(b"\x1f", _password(password) + place, _rest, is_repeatable=True)


def write_table(password: int, table: int, row: int, field: int, value: bytes) -> Command[Nothing]:
    """1Eh: change one setting."""
    place = _u(table, 1) + _u(row, 2) + _u(field, 1)
    return Command(b"\x1e", _password(password) + place + value, _nothing, is_repeatable=True)


def set_time(password: int, at: datetime) -> Command[Nothing]:
    """21h: set the clock's time; only with the shift closed."""
    return Command(b"\x21", _password(password) + bytes((at.hour, at.minute, at.second)), _nothing)


def set_date(password: int, on: date) -> Command[Nothing]:
    """22h: set the clock's date; only with the shift closed, and `confirm_date` must follow."""
    return Command(b"\x22", _password(password) + _date(on), _nothing, is_repeatable=True)


def confirm_date(password: int, on: date) -> Command[Nothing]:
    """23h: confirm the clock's date; it must be the one that the registrar has."""
    return Command(b"\x23", _password(password) + _date(on), _nothing)


def _text(text: str, characters_max: int) -> bytes:
    """Text as the registrar prints it: a control character would end the line, so it becomes a space."""
    printable = "".join(max(each, " ") for each in text[:characters_max])
    return printable.encode("cp1251", "replace")


def _password(password: int) -> bytes:
    return _u(password, 4)


def _date(on: date) -> bytes:
    return bytes((on.day, on.month, on.year - 2000))


def _u(value: int, size: int) -> bytes:
    return value.to_bytes(size, "little")
