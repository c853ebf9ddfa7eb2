"""A fiscal document as a simulated drive keeps it: what the host said, and what the registrar itself adds. Pure.

Source: order of the tax service ED-7-20/662@, annex 2: the tags of receipts and corrections in formats 1.05 to 1.2.
"""

from __future__ import annotations

from devices.shtrih import tlv
from devices.shtrih.memory import Drive, Item, Record
from devices.shtrih.paper import VAT_PERCENT, Owner
from devices.shtrih.protocol import Form
from devices.shtrih.settings import Format

TOTALS = {1: 1102, 2: 1103, 5: 1104, 6: 1105, 3: 1106, 4: 1107}
"""Tags of a document's taxes by the value of tag 1199; newer rates stand in a structure of their own."""
PIECES = 0
"""Value of tag 2108: counted by the piece."""
QUANTITY_DECIMALS = 6


def tags_of(record: Record, drive: Drive, owner: Owner) -> bytes:
    """A document with all of its tags."""
    number = tlv.encode(tlv.DOCUMENT_NUMBER, _u32(record.number))
    shift = tlv.encode(tlv.SHIFT_NUMBER, _u32(record.shift))
    if record.form not in (Form.RECEIPT, Form.CORRECTION):
        return number + shift + tlv.number(tlv.TOTAL, record.sum)
    return (
        number + shift + _head(record, drive, owner) + _items(record) + _sums(record) + _rest(record, owner)
    )


def _head(record: Record, drive: Drive, owner: Owner) -> bytes:
    return (
        tlv.byte(tlv.FORMAT, record.version)
        + tlv.text(tlv.INN, owner.inn.ljust(12))
        + tlv.text(tlv.REGISTRATION, owner.registration.ljust(20))
        + tlv.text(tlv.DRIVE, drive.serial)
        + tlv.time(tlv.DATE_TIME, record.at)
        + tlv.encode(tlv.RECEIPT_NUMBER, _u32(record.receipt))
        + tlv.byte(tlv.OPERATION, record.operation)
        + tlv.byte(tlv.TAX_SYSTEM, 1 << record.tax_system)
    )


def _items(record: Record) -> bytes:
    return b"".join(tlv.encode(tlv.ITEM, _item(item, record.version)) for item in record.items)


def _item(item: Item, version: int) -> bytes:
    is_told = tlv.find(item.tags, tlv.UNIT) is not None
    unit = tlv.byte(tlv.UNIT, PIECES) if version == Format.V1_2 and not is_told else b""
    return (
        tlv.text(tlv.NAME, item.name)
        + tlv.number(tlv.PRICE, item.price)
        + tlv.encode(tlv.QUANTITY, _quantity(item.quantity))
        + tlv.number(tlv.COST, item.sum)
        + tlv.byte(tlv.VAT, item.vat)
        + tlv.byte(tlv.METHOD, item.method)
        + tlv.byte(tlv.SUBJECT, item.subject)
        + unit
        + item.tags
    )


def _sums(record: Record) -> bytes:
    """How it was paid, and the taxes in it."""
    paid = {
        tlv.CASH: record.cash,
        tlv.CASHLESS: record.sum - record.cash,
        tlv.PREPAID: 0,
        tlv.CREDIT: 0,
        tlv.OTHER: 0,
    }
    sums = tlv.number(tlv.TOTAL, record.sum) + b"".join(tlv.number(tag, sum_) for tag, sum_ in paid.items())
    newer = b""
    for vat, tax in (record.taxes or _taxes(record)).items():
        if vat in TOTALS:
            sums += tlv.number(TOTALS[vat], tax)
        else:
            newer += tlv.encode(tlv.VAT_TOTAL, tlv.byte(tlv.VAT, vat) + tlv.number(tlv.VAT_SUM, tax))
    return sums + (tlv.encode(tlv.VAT_TOTALS, newer) if newer else b"")


def _taxes(record: Record) -> dict[int, int]:
    """By rate, of the sum of its items and rounded half up; of a rate without a tax the turnover."""
    found: dict[int, int] = {}
    for vat in sorted({item.vat for item in record.items}):
        total, percent = sum(item.sum for item in record.items if item.vat == vat), VAT_PERCENT.get(vat)
        found[vat] = (
            total if percent is None else (2 * total * percent + 100 + percent) // (200 + 2 * percent)
        )
    return found


def _rest(record: Record, owner: Owner) -> bytes:
    """The host's tags and what belongs to them, and the drive's sign."""
    told = {tag for tag, _ in tlv.decode(record.tags)}
    registered = {tlv.AUTOMATON: owner.device}
    if record.version == Format.V1_2:
        registered |= {tlv.ADDRESS: owner.address, tlv.PLACE: owner.place}
    if tlv.CONTACT in told:
        registered[tlv.SENDER] = owner.sender
    own = b"".join(tlv.text(tag, text) for tag, text in registered.items() if tag not in told)
    sign = tlv.encode(tlv.DRIVE_SIGN, bytes((0x31, 0x04)) + record.sign.to_bytes(4, "big"))
    return record.tags + own + sign


def _quantity(millionths: int) -> bytes:
    """A number of decimals, then the number without its point, in as few bytes as hold it."""
    decimals = QUANTITY_DECIMALS
    while decimals and millionths % 10 == 0:
        millionths, decimals = millionths // 10, decimals - 1
    return bytes((decimals,)) + millionths.to_bytes(max(1, (millionths.bit_length() + 7) // 8), "little")


def _u32(value: int) -> bytes:
    return value.to_bytes(4, "little")
