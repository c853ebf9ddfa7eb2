"""Tags of fiscal documents: tag, length, value, as registrar and fiscal drive exchange them. Text is CP866.

Source: order of the tax service ED-7-20/662@, annex 2; the byte layout is that of Shtrih-M's command FF0C.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime

CONTACT, SENDER = 1008, 1117
ADDRESS, PLACE, AUTOMATON = 1009, 1187, 1036
DATE_TIME = 1012
INN, REGISTRATION, DRIVE = 1018, 1037, 1041
TOTAL, CASH, CASHLESS, PREPAID, CREDIT, OTHER = 1020, 1031, 1081, 1215, 1216, 1217
NAME, PRICE, QUANTITY, COST = 1030, 1079, 1023, 1043
VAT, METHOD, SUBJECT, UNIT = 1199, 1214, 1212, 2108
SHIFT_NUMBER, DOCUMENT_NUMBER, RECEIPT_NUMBER = 1038, 1040, 1042
OPERATION, TAX_SYSTEM, RECEIPT_AGENT = 1054, 1055, 1057
ITEM = 1059
DRIVE_SIGN = 1077
USER_ATTRIBUTE, USER_ATTRIBUTE_NAME, USER_ATTRIBUTE_VALUE = 1084, 1085, 1086
CORRECTION_KIND, CORRECTION_REASON, CORRECTED_ON, CORRECTION_NUMBER = 1173, 1174, 1178, 1179
FORMAT = 1209
AGENT, AGENT_DATA, AGENT_PHONE, OPERATOR_PHONE = 1222, 1223, 1073, 1074
SUPPLIER, SUPPLIER_NAME, SUPPLIER_PHONE, SUPPLIER_INN = 1224, 1225, 1171, 1226
VAT_TOTALS, VAT_TOTAL, VAT_SUM = 1115, 1119, 1120

PAYMENT_ATTRIBUTE = "Платёж"
"""Under this name our own payment number stands in a receipt's user attribute."""

_HEADER_BYTES = 4
_VALUE_BYTES_MAX = 0xFFFF


def encode(tag: int, value: bytes) -> bytes:
    """One tag with its value; nest by giving encoded tags as the value."""
    assert len(value) <= _VALUE_BYTES_MAX, tag
    return tag.to_bytes(2, "little") + len(value).to_bytes(2, "little") + value


def text(tag: int, value: str) -> bytes:
    """A tag with a text; a character that CP866 lacks becomes a question mark."""
    return encode(tag, value.encode("cp866", "replace"))


def number(tag: int, value: int) -> bytes:
    """A tag with a number in as few bytes as hold it, zero in one."""
    return encode(tag, value.to_bytes(max(1, (value.bit_length() + 7) // 8), "little"))


def byte(tag: int, value: int) -> bytes:
    """A tag with one byte."""
    return encode(tag, bytes((value,)))


def day(tag: int, on: date) -> bytes:
    """A tag with a day, as unix time of its beginning; the registrar takes its wall clock for UTC."""
    return time(tag, datetime(on.year, on.month, on.day, tzinfo=UTC))


def time(tag: int, at: datetime) -> bytes:
    """A tag with a moment: what the wall clock shows, taken for UTC, as unix time."""
    return encode(tag, int(at.replace(tzinfo=UTC).timestamp()).to_bytes(4, "little"))


def decode(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The tags of one level with their values; a tag that is cut short at the end is left out."""
    while len(data) >= _HEADER_BYTES:
        tag, size = int.from_bytes(data[:2], "little"), int.from_bytes(data[2:4], "little")
        if len(data) < _HEADER_BYTES + size:
            return
        yield tag, data[_HEADER_BYTES : _HEADER_BYTES + size]
        data = data[_HEADER_BYTES + size :]


def find(data: bytes, *path: int) -> bytes | None:
    """The value at `path`, the outer tag first; None when it is not there."""
    for tag in path:
        found = next((value for each, value in decode(data) if each == tag), None)
        if found is None:
            return None
        data = found
    return data


def payment(value: str) -> bytes:
    """The user attribute that carries our payment number."""
    inner = text(USER_ATTRIBUTE_NAME, PAYMENT_ATTRIBUTE) + text(USER_ATTRIBUTE_VALUE, value)
    return encode(USER_ATTRIBUTE, inner)


def payment_of(document: bytes) -> str | None:
    """The payment number in a document's tags, None when it carries none of ours."""
    for attribute in values(document, USER_ATTRIBUTE):
        value = find(attribute, USER_ATTRIBUTE_VALUE)
        if value is not None and find(attribute, USER_ATTRIBUTE_NAME) == PAYMENT_ATTRIBUTE.encode("cp866"):
            return value.decode("cp866").rstrip()
    return None


def names_of(document: bytes) -> list[str]:
    """The names of a receipt's items, in their order."""
    return [value.decode("cp866").rstrip() for value in values(document, NAME)]


_DEPTH_MAX = 4
"""Document, item, agent's data and the tags in them: nothing is nested deeper."""


def values(data: bytes, wanted: int, depth: int = _DEPTH_MAX) -> Iterator[bytes]:
    """Every value of the tag `wanted`, whatever tags it is wrapped in: some registrars wrap the whole document."""
    for tag, value in decode(data):
        if tag == wanted:
            yield value
        elif depth > 0 and _is_nested(value):
            yield from values(value, wanted, depth - 1)


def _is_nested(value: bytes) -> bool:
    """Whether a value is made of whole tags and nothing else."""
    sizes = [_HEADER_BYTES + len(inner) for _, inner in decode(value)]
    return bool(sizes) and sum(sizes) == len(value)
