"""Shtrih-M's protocol for people: what a command asks and what an answer says, to whoever reads what passed on the line.

Source: Shtrih-M, "Command protocol" 1.17, as in `devices.shtrih.protocol`. The operator's password is never told.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from devices.shtrih import protocol as p
from devices.shtrih import tlv
from devices.shtrih.errors import meaning
from devices.shtrih.protocol import BadAnswer, Command, Control, Form, Frame, Item, Refused, Spoilt
from devices.words import Language, Spoken, Turn
from kassa.flight.ring import Kind

CONTROLS = {p.ENQ: "ENQ", p.ACK: "ACK", p.NAK: "NAK"}
PASSWORD_BYTES = 4
NO_TIME = datetime(2000, 1, 1, tzinfo=UTC)
"""Where a command is made for its code only."""


def say(item: Item, kind: Kind, _asked: Control | None) -> str | None:
    """One frame or control byte: an answer names its command."""
    match item:
        case Control(code):
            return CONTROLS[code]
        case Spoilt(data):
            return f"damaged frame: {data.hex(' ').upper()}"
        case Frame(body) if kind is Kind.SENT:
            return _command(body)
        case Frame(body):
            return _answer(body)
        case _:
            return None


def is_question(item: Item) -> bool:
    """Every exchange begins with the host's ENQ."""
    return item == Control(p.ENQ)


def tidy(turn: Turn) -> Turn:
    """Leave out the control bytes around a command and its answer where they are as they should be."""
    if [_sign(spoken) for spoken in turn] == _AS_IT_SHOULD_BE:
        return tuple(spoken for spoken in turn if isinstance(spoken.item, Frame))
    return turn


LANGUAGE = Language(p.take, say, is_question, tidy)


def _sign(spoken: Spoken) -> tuple[Kind, str]:
    return spoken.kind, "frame" if isinstance(spoken.item, Frame) else spoken.words


_AS_IT_SHOULD_BE = [
    (Kind.SENT, "ENQ"),
    (Kind.RECEIVED, "NAK"),
    (Kind.SENT, "frame"),
    (Kind.RECEIVED, "ACK"),
    (Kind.RECEIVED, "frame"),
    (Kind.SENT, "ACK"),
]


# --- commands and answers -------------------------------------------------------------------------------------


def name_of(command: bytes) -> str:
    """What a command is called, of which at least the code is given."""
    known = _known(command)
    return f"command {command[:2].hex().upper()}" if known is None else known.name


def _command(body: bytes) -> str:
    known = _known(body)
    if known is None:
        return name_of(body)
    parameters = body[len(known.command.code) + PASSWORD_BYTES :]
    detail = known.ask(parameters) if known.ask is not None else ""
    return f"{known.name} {detail}".rstrip()


def _answer(body: bytes) -> str:
    known = _known(body)
    if known is None:
        return f"answer {body.hex(' ').upper()}"
    try:
        answer = known.command.read(body)
    except Refused as error:
        return f"{known.name}: error {error.code:02X}, {meaning(error.code).english}"
    except BadAnswer:
        return f"{known.name}: an answer of another shape: {body.hex(' ').upper()}"
    return f"{known.name}: {known.tell(answer) if known.tell is not None else 'done'}"


class _Known(Struct, frozen=True):
    """A command that our driver uses: `ask` words its parameters behind the password, `tell` its answer."""

    name: str
    command: Command[Any]
    ask: Callable[[bytes], str] | None = None
    tell: Callable[[Any], str] | None = None


def _known(body: bytes) -> _Known | None:
    return _COMMANDS.get(body[:2]) or _COMMANDS.get(body[:1])


def _short_status(status: p.ShortStatus) -> str:
    return f"mode {_mode(status.mode)}, {_submode(status.submode)}"


def _long_status(status: p.LongStatus) -> str:
    at = f"{status.at:%Y-%m-%d %H:%M:%S}" if status.at is not None else "without a date"
    return f"mode {_mode(status.mode)}, clock {at}, firmware {status.firmware}, serial {status.serial}"


def _mode(mode: p.Mode) -> str:
    return mode.name.replace("_", " ").lower()


def _submode(submode: int) -> str:
    known = submode in frozenset(p.Submode)
    return p.Submode(submode).name.replace("_", " ").lower() if known else f"submode {submode}"


def _drive(status: p.DriveStatus) -> str:
    shift = "open" if status.is_shift_open else "closed"
    return f"drive {status.serial}, last document {status.last_document}, shift {shift}"


def _expiry(expiry: p.DriveExpiry) -> str:
    return f"until {expiry.on}" if expiry.on is not None else "without a date"


def _exchange(exchange: p.Exchange) -> str:
    return f"{exchange.unsent} documents wait for the OFD"


def _shift(shift: p.Shift) -> str:
    return f"shift {shift.number} {'open' if shift.is_open else 'closed'}, {shift.receipt} receipts"


def _found(found: p.FoundDocument) -> str:
    form = (
        Form(found.form).name.replace("_", " ").lower()
        if found.form in frozenset(Form)
        else f"form {found.form}"
    )
    total = f", {_money(found.total)}" if found.total is not None else ""
    return f"document {found.number}, {form}{total}, sign {found.sign}"


def _closed(closed: p.Closed) -> str:
    return f"document {closed.number}, sign {closed.sign}, change {_money(closed.change)}"


def _corrected(corrected: p.Corrected) -> str:
    return f"document {corrected.number}, sign {corrected.sign}, receipt {corrected.receipt}"


def _kind(parameters: bytes) -> str:
    return "" if parameters == b"\0" else _hex(parameters)


def _corrected_sum(parameters: bytes) -> str:
    """Kind, sign, total (5), sums."""
    return _money(_number(parameters[2:7]))


def _sale(parameters: bytes) -> str:
    """Operation, quantity (6), price (5), sum (5), tax (5), four codes, text."""
    return f"{_text(parameters[26:])}, {_money(_number(parameters[7:12]))}"


def _cash(parameters: bytes) -> str:
    return f"cash {_money(_number(parameters[:5]))}"


def _asked_number(parameters: bytes) -> str:
    return str(_number(parameters))


def _tags(parameters: bytes) -> str:
    payment = tlv.payment_of(parameters)
    return f"payment {payment}" if payment is not None else parameters.hex(" ").upper()


def _money(minor: int) -> str:
    return f"{minor // 100}.{minor % 100:02}"


def _number(data: bytes) -> int:
    return int.from_bytes(data, "little")


def _text(data: bytes) -> str:
    return f"{data.decode('cp1251', 'replace').rstrip(chr(0))!r}"


def _hex(data: bytes) -> str:
    return data.hex(" ").upper()


_COMMANDS = {
    known.command.code: known
    for known in (
        _Known("MODEL", p.model(), tell=lambda model: model.name),
        _Known("PARAMETERS", p.parameters(), tell=lambda parameters: f"{parameters.bits:016X}"),
        _Known("SHORT STATUS", p.short_status(0), tell=_short_status),
        _Known("LONG STATUS", p.long_status(0), tell=_long_status),
        _Known("DRIVE STATUS", p.drive_status(0), tell=_drive),
        _Known("DRIVE SERIAL", p.drive_serial(0), tell=str),
        _Known("DRIVE EXPIRY", p.drive_expiry(0), tell=_expiry),
        _Known("CANCEL DRIVE DOCUMENT", p.cancel_drive_document(0)),
        _Known("FIND DOCUMENT", p.find_document(0, 0), _asked_number, _found),
        _Known("SEND TAGS", p.send_tags(0, b""), _tags),
        _Known("SEND ITEM TAGS", p.send_item_tags(0, b""), _tags),
        _Known("EXCHANGE", p.exchange(0), tell=_exchange),
        _Known("ANNOUNCE TAGS", p.announce_tags(0, 0), _asked_number, lambda tags: f"{tags.size_bytes} bytes"),
        _Known("READ TAGS", p.read_tags(0), tell=_hex),
        _Known("UNSENT COUNT", p.unsent_count(0), tell=str),
        _Known("SHIFT", p.shift(0), tell=_shift),
        _Known("OPEN SHIFT", p.open_shift(0)),
        _Known("OPEN RECEIPT", p.open_receipt(0), _kind),
        _Known("SELL", p.sell(0, "", 0, 1, 1, 1), _sale),
        _Known("SUBTOTAL", p.subtotal(0), tell=_money),
        _Known("CLOSE RECEIPT", p.close_receipt(0, 0, 0), _cash, _closed),
        _Known("BEGIN CORRECTION", p.begin_correction(0)),
        _Known("CLOSE CORRECTION", p.close_correction(0, 0, {}, 0, is_ordered=False), _corrected_sum, _corrected),
        _Known("CANCEL RECEIPT", p.cancel_receipt(0)),
        _Known("CONTINUE PRINT", p.continue_print(0)),
        _Known("OPEN TEXT DOCUMENT", p.open_text_document(0)),
        _Known("CLOSE TEXT DOCUMENT", p.close_text_document(0)),
        _Known("X-REPORT", p.x_report(0)),
        _Known("Z-REPORT", p.z_report(0)),
        _Known("PRINT LINE", p.print_line(0, ""), lambda asked: _text(asked[1:])),
        _Known("FEED", p.feed(0, 1), lambda asked: f"{asked[1:2].hex()}h lines"),
        _Known("CUT", p.cut(0)),
        _Known("CASH REGISTER", p.cash_register(0, 0), _asked_number, _money),
        _Known("OPERATION REGISTER", p.operation_register(0, 0), _asked_number, str),
        _Known("TABLE", p.table_structure(0, 0), _asked_number, lambda table: repr(table.name)),
        _Known("FIELD", p.field_structure(0, 0, 0), _hex, lambda field: repr(field.name)),
        _Known("READ TABLE", p.read_table(0, 0, 0, 0), _hex, _hex),
        _Known("WRITE TABLE", p.write_table(0, 0, 0, 0, b""), _hex),
        _Known("SET TIME", p.set_time(0, NO_TIME), _hex),
        _Known("SET DATE", p.set_date(0, NO_TIME), _hex),
        _Known("CONFIRM DATE", p.confirm_date(0, NO_TIME), _hex),
    )
}  # fmt: skip
