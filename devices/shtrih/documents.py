"""How a simulated registrar makes, cancels and finds documents."""

from __future__ import annotations

from devices.shtrih import errors, paper, tlv
from devices.shtrih import protocol as p
from devices.shtrih.mechanics import Mechanics
from devices.shtrih.memory import SHIFT_MAX, Item, OpenDocument, Record
from devices.shtrih.protocol import Form, Mode
from devices.shtrih.quirks import Refusal

TAGS_BLOCK_BYTES = 120
ITEMS_MAX, LINES_MAX, TAGS_BYTES_MAX = 200, 200, 4096
SUM_MAX = 10**10 - 1
"""What one receipt holds; in minor units, as ten digits are printed."""
TAX_BYTES = {code: vat for vat, code in p.VAT_CODES.items()}


class Documents(Mechanics):
    """A receipt from its opening to its record, and the drive's archive. Fields are a command's, behind the password."""

    def _counts_down(self, quirk: str) -> bool:
        left: int = getattr(self.quirks, quirk)
        if left > 0:
            setattr(self.quirks, quirk, left - 1)
        return left > 0

    def _need(self, *modes: Mode) -> None:
        if self.mode not in modes:
            raise Refusal(errors.WRONG_MODE)

    def _size(self, fields: bytes, least: int, most: int = 255) -> None:
        if not least <= len(fields) <= most:
            raise Refusal(0x7E)

    def _open_receipt(self, kind: int) -> None:
        if kind != 0:
            raise Refusal(0x33)
        if self.mode is Mode.SHIFT_EXPIRED:
            raise Refusal(0x4E)
        if self.mode is Mode.DOCUMENT_OPEN:
            raise Refusal(0x4A)
        if self.mode is Mode.SHIFT_CLOSED and self.quirks.opens_shift_itself:
            self._report(Form.SHIFT_OPEN, "ОТЧЁТ ОБ ОТКРЫТИИ СМЕНЫ")
        self._need(Mode.SHIFT_OPEN)
        self._open(OpenDocument())

    def _opened_receipt(self) -> OpenDocument:
        self._need(Mode.DOCUMENT_OPEN)
        assert self.truth.opened is not None
        if not self.truth.opened.is_receipt:
            raise Refusal(errors.WRONG_MODE)
        return self.truth.opened

    def _take_line(self, fields: bytes) -> None:
        self._size(fields, 1 + 40)
        if not self.quirks.takes_lines:
            raise Refusal(0x37)
        line = fields[1:].split(b"\0")[0].decode("cp1251", "replace")
        if self.truth.opened is None or self.quirks.prints_at_once:
            self._print([*paper.wrapped(line)])
        if self.truth.opened is not None:
            if len(self.truth.opened.lines) >= LINES_MAX:
                raise Refusal(0x4B)
            self.truth.opened.lines.append(line)

    def _sell(self, fields: bytes) -> bytes:
        self._size(fields, 26, 154)
        opened = self._opened_receipt()
        quantity, price, amount = number_of(fields[1:7]), number_of(fields[7:12]), number_of(fields[12:17])
        vat = TAX_BYTES.get(fields[22])
        expected = price * quantity // p.QUANTITY_ONE
        if fields[0] != p.OPERATION_SALE or vat is None or not 1 <= fields[24] <= 7:
            raise Refusal(0x33)
        if fields[12:17] != b"\xff" * 5 and abs(amount - expected) > 1:
            raise Refusal(0x33)
        if len(opened.items) >= ITEMS_MAX:
            raise Refusal(0x94)
        if opened.sum + expected > SUM_MAX:
            raise Refusal(0x48)
        name = fields[26:].split(b"\0")[0].decode("cp1251", "replace")[: self.quirks.name_characters_max]
        if self.quirks.prints_at_once:
            self._print([*paper.wrapped(name)])
        opened.items.append(Item(name, price, expected, vat, fields[24], fields[25]))
        if self._counts_down("doubled_items"):
            opened.items.append(opened.items[-1])
        self._changed(self.truth)
        return b""

    def _take_tags(self, fields: bytes) -> bytes:
        opened = self._opened_receipt()
        if not self.quirks.takes_tags:
            raise Refusal(0x33)
        if len(opened.tags) + len(fields) > TAGS_BYTES_MAX:
            raise Refusal(0x10)
        opened.tags += fields
        self._changed(self.truth)
        return b""

    def _close_receipt(self, fields: bytes) -> bytes:
        self._size(fields, 112, 176)
        opened = self._opened_receipt()
        cash, system = number_of(fields[:5]), fields[111]
        if system.bit_count() != 1 or system > 1 << 5 or any(fields[5:80]):
            raise Refusal(0x33)
        if cash < opened.sum:
            raise Refusal(0x45)
        if not opened.sum:
            raise Refusal(0x8E)
        drive = self.truth.drive
        opened_at = drive.shift_opened_at
        if opened_at is None or self.clock - opened_at >= SHIFT_MAX:
            raise Refusal(0x4E)
        record = self._record(Form.RECEIPT, opened)
        record.payment = tlv.payment_of(opened.tags)
        self.truth.opened = None
        self._print(paper.receipt(record, opened, system.bit_length() - 1, drive, self.owner), record.number)
        return bytes_of(cash - record.sum, 5) + bytes_of(record.number, 4) + bytes_of(record.sign, 4)

    def _cancel(self, *, is_receipt: bool) -> None:
        self._need(Mode.DOCUMENT_OPEN)
        opened = self.truth.opened
        assert opened is not None
        if opened.is_receipt is not is_receipt:
            raise Refusal(errors.WRONG_MODE)
        self.truth.opened = None
        self._print(paper.cancelled(opened))

    # --- the archive -------------------------------------------------------------------------------------------

    def _record_of(self, fields: bytes) -> Record:
        self._size(fields, 4, 4)
        number = number_of(fields)
        if not 1 <= number <= self.truth.drive.last:
            raise Refusal(errors.NO_DATA)
        return self.truth.drive.documents[number - 1]

    def _find(self, fields: bytes) -> bytes:
        record = self._record_of(fields)
        is_at_ofd = record.number <= self.truth.drive.confirmed
        head = (
            bytes((record.form, is_at_ofd))
            + time_of(record)
            + bytes_of(record.number, 4)
            + bytes_of(record.sign, 4)
        )
        match record.form:
            case Form.RECEIPT:
                return head + bytes((record.operation,)) + bytes_of(record.sum, 5)
            case Form.SHIFT_OPEN | Form.SHIFT_CLOSE:
                return head + bytes_of(record.shift, 2)
            case _:
                return (
                    head
                    + self.owner.inn.ljust(12).encode()
                    + self.owner.registration.ljust(20).encode()
                    + b"\1\0"
                )

    def _announce_tags(self, fields: bytes) -> bytes:
        record = self._record_of(fields)
        if not self.quirks.keeps_tags:
            raise Refusal(errors.NO_DATA)
        self._unread = _tags(record)
        size = len(self._unread)
        self._unread = self._unread[: self.quirks.told_tag_bytes] or None
        return bytes_of(record.form, 2) + bytes_of(size, 2)

    def _read_tags(self) -> bytes:
        if self._unread is None:
            raise Refusal(errors.NO_DATA)
        block, self._unread = self._unread[:TAGS_BLOCK_BYTES], self._unread[TAGS_BLOCK_BYTES:] or None
        return block


def bytes_of(value: int, size: int) -> bytes:
    """A number as the wire has it."""
    return value.to_bytes(size, "little")


def number_of(data: bytes) -> int:
    """What a number of the wire is."""
    return int.from_bytes(data, "little")


def time_of(record: Record | None) -> bytes:
    """A document's time as the fiscal drive tells it; zeros where there is no document."""
    if record is None:
        return bytes(5)
    at = record.at
    return bytes((at.year - 2000, at.month, at.day, at.hour, at.minute))


def _tags(record: Record) -> bytes:
    """A document as FF3A tells it."""
    items = b"".join(
        tlv.encode(
            tlv.ITEM,
            tlv.text(tlv.NAME, item.name)
            + tlv.number(tlv.PRICE, item.price)
            + tlv.number(tlv.COST, item.sum),
        )
        for item in record.items
    )
    head = tlv.number(tlv.DOCUMENT_NUMBER, record.number) + tlv.number(tlv.SHIFT_NUMBER, record.shift)
    return head + tlv.number(tlv.TOTAL, record.sum) + items + record.tags
