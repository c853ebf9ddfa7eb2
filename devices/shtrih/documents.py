"""How a simulated registrar makes, cancels and finds documents."""

from __future__ import annotations

from dataclasses import replace

from devices.shtrih import errors, paper, tables, tlv
from devices.shtrih import protocol as p
from devices.shtrih.archive import tags_of
from devices.shtrih.mechanics import Mechanics
from devices.shtrih.memory import SHIFT_MAX, Item, OpenDocument, Record
from devices.shtrih.protocol import OPERATION_SALE, QUANTITY_ONE, Form, Mode
from devices.shtrih.quirks import Refusal
from devices.shtrih.settings import Format

TAGS_BLOCK_BYTES = 120
ITEMS_MAX, LINES_MAX, TAGS_BYTES_MAX, ITEM_TAGS_BYTES_MAX = 200, 200, 4096, 16_384
"""Of one document; the last two are what the host sends for all of it, and for all of its items."""
SUM_MAX = 10**10 - 1
"""What one receipt holds; in minor units, as ten digits are printed."""
TAX_BYTES = {code: vat for vat, code in p.VAT_CODES.items()}
TAX_GROUPS = dict(enumerate((6, 1, 2, 5, 6, 3, 4, 7, 8, 9, 10, 11, 12)))
"""Values of tag 1199 by the row of table 6, as the old commands name taxes; 0: none."""
FULL_PAYMENT, GOODS = 4, 1
"""What the old commands sell, where nobody says more: tags 1214 and 1212."""
RETURN = 2
"""Value of tag 1054 of a return."""
DOCUMENT_TAGS = {
    1008: 64, 1009: 256, 1021: 64, 1036: 20, 1057: 1, 1073: 19, 1074: 19, 1084: 320, 1117: 64, 1171: 19, 1173: 1,
    1174: 350, 1187: 256, 1192: 16, 1203: 12, 1256: 300,
}  # fmt: skip
ITEM_TAGS = {
    1191: 64,
    1197: 16,
    1222: 1,
    1223: 250,
    1224: 300,
    1226: 12,
    1229: 15,
    1230: 3,
    1231: 32,
    2108: 1,
}
"""What a host may send by FF0C and FF4D, with the bytes that each has at most."""
AGENT_TAGS = frozenset({1057, 1222, 1223, 1224, 1226})


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

    @property
    def _format(self) -> int:
        return tables.value(self.truth.tables, tables.FORMAT)

    # --- a receipt ---------------------------------------------------------------------------------------------

    def _open_receipt(self, kind: int) -> None:
        """Kinds are those of 8Dh: 0 sale, 2 return, 80h a sale's correction."""
        if kind not in (0, 2, 0x80) or (kind == 0x80 and self._format not in (Format.V1_1, Format.V1_2)):
            raise Refusal(0x33)
        if self.mode is Mode.SHIFT_EXPIRED:
            raise Refusal(0x4E)
        if self.mode is Mode.DOCUMENT_OPEN:
            raise Refusal(0x4A)
        if self.truth.opened is not None:
            raise Refusal(0x02)
        if self.mode is Mode.SHIFT_CLOSED and self.quirks.opens_shift_itself:
            self._report(Form.SHIFT_OPEN, "ОТЧЁТ ОБ ОТКРЫТИИ СМЕНЫ")
        self._need(Mode.SHIFT_OPEN)
        operation = RETURN if kind == 2 else OPERATION_SALE
        self._open(OpenDocument(operation=operation, is_correction=kind == 0x80))

    def _opened_receipt(self) -> OpenDocument:
        self._need(Mode.DOCUMENT_OPEN)
        assert self.truth.opened is not None
        if not self.truth.opened.is_receipt:
            raise Refusal(errors.WRONG_MODE)
        return self.truth.opened

    def _take_line(self, fields: bytes) -> None:
        """Outside of a receipt it is printed at once, and stays in the printer until somebody cuts."""
        self._size(fields, 1 + 40)
        if not self.quirks.takes_lines:
            raise Refusal(0x37)
        line = fields[1:].split(b"\0")[0].decode("cp1251", "replace")
        opened = self.truth.opened
        if opened is None or not opened.is_receipt:
            self._print([*paper.wrapped(line)], is_cut=False)
            return
        if self.quirks.prints_at_once:
            self._print([*paper.wrapped(line)])
        if len(opened.lines) >= LINES_MAX:
            raise Refusal(0x4B)
        opened.lines.append(line)

    def _sell(self, fields: bytes) -> bytes:
        self._size(fields, 26, 154)
        if self.truth.opened is None and self.quirks.opens_receipt_itself:
            self._need(Mode.SHIFT_OPEN)
            self._open_receipt(0)
        opened = self._opened_receipt()
        quantity, price, amount = number_of(fields[1:7]), number_of(fields[7:12]), number_of(fields[12:17])
        vat = TAX_BYTES.get(fields[22])
        expected = (price * quantity + QUANTITY_ONE // 2) // QUANTITY_ONE
        if fields[12:17] == b"\xff" * 5:
            amount = expected
        if fields[0] != opened.operation or vat is None or not 1 <= fields[24] <= 7:
            raise Refusal(0x33)
        if abs(amount - expected) > 1:
            raise Refusal(0x33)
        name = fields[26:].split(b"\0")[0].decode("cp1251", "replace")[: self.quirks.name_characters_max]
        self._enter(opened, Item(name, price, amount, vat, fields[24], fields[25], quantity))
        return b""

    def _sell_the_old_way(self, operation: int, fields: bytes) -> None:
        """80h, 82h: quantity in thousandths, price, department, four tax groups, name; a receipt opens by itself."""
        self._size(fields, 5 + 5 + 1 + 4 + 40)
        if self.truth.opened is None:
            self._open_receipt(2 if operation == RETURN else 0)
        opened = self._opened_receipt()
        quantity, price, group = number_of(fields[:5]), number_of(fields[5:10]), fields[11]
        if opened.operation != operation or group not in TAX_GROUPS:
            raise Refusal(0x33)
        total = (price * quantity + 500) // 1000
        name = fields[15:].split(b"\0")[0].decode("cp1251", "replace").strip()
        in_millionths = quantity * (QUANTITY_ONE // 1000)
        self._enter(opened, Item(name, price, total, TAX_GROUPS[group], FULL_PAYMENT, GOODS, in_millionths))

    def _enter(self, opened: OpenDocument, item: Item) -> None:
        if len(opened.items) >= ITEMS_MAX:
            raise Refusal(0x94)
        if opened.sum + item.sum > SUM_MAX:
            raise Refusal(0x48)
        if self.quirks.prints_at_once:
            self._print([*paper.wrapped(item.name)])
        opened.items.append(item)
        if self._counts_down("doubled_items"):
            opened.items.append(replace(item))
        self._changed(self.truth)

    # --- tags --------------------------------------------------------------------------------------------------

    def _take_tags(self, fields: bytes) -> bytes:
        """FF0C: for the document as a whole."""
        opened = self.truth.opened
        if opened is None or not opened.is_receipt:
            raise Refusal(0x02 if opened is None else errors.WRONG_MODE)
        self._check_tags(fields, DOCUMENT_TAGS)
        corrects = any(tag in (tlv.CORRECTION_KIND, tlv.CORRECTION_REASON) for tag, _ in tlv.decode(fields))
        if not self.quirks.takes_tags and not corrects:
            raise Refusal(0x33)
        if len(opened.tags) + len(fields) > TAGS_BYTES_MAX:
            raise Refusal(0x10)
        opened.tags += fields
        self._changed(self.truth)
        return b""

    def _take_item_tags(self, fields: bytes) -> bytes:
        """FF4D: for the item before it."""
        opened = self._opened_receipt()
        if not opened.items:
            raise Refusal(0x02)
        self._check_tags(fields, ITEM_TAGS)
        if sum(len(item.tags) for item in opened.items) + len(fields) > ITEM_TAGS_BYTES_MAX:
            raise Refusal(0x10)
        opened.items[-1].tags += fields
        self._changed(self.truth)
        return b""

    def _check_tags(self, fields: bytes, known: dict[int, int]) -> None:
        """Refuse what is no whole run of known tags, or says what this unit is not registered for."""
        found = list(tlv.decode(fields))
        if not found or sum(4 + len(value) for _, value in found) != len(fields):
            raise Refusal(0x33)
        refused = self.quirks.refused_tags | (
            frozenset() if self.quirks.is_registered_as_agent else AGENT_TAGS
        )
        if any(tag in refused or len(value) > known.get(tag, -1) for tag, value in found):
            raise Refusal(0x33)

    # --- the end of a receipt ----------------------------------------------------------------------------------

    def _close_receipt(self, fields: bytes) -> bytes:
        """FF45: cash and twelve kinds of cashless money; prepaid, credit and the rest are nobody's here."""
        self._size(fields, 112, 176)
        cash, system, cashless = number_of(fields[:5]), fields[111], _cashless(fields[5:65])
        if system.bit_count() != 1 or system > 1 << 5 or any(fields[65:80]):
            raise Refusal(0x33)
        record, change = self._close(cash, cashless, system.bit_length() - 1)
        time = time_of(record) if tables.value(self.truth.tables, tables.TELLS_TIME) else b""
        return bytes_of(change, 5) + bytes_of(record.number, 4) + bytes_of(record.sign, 4) + time

    def _close_the_old_way(self, fields: bytes) -> bytes:
        """85h: cash and three other sums, a discount that we do not give, taxes and a text; its answer is the change."""
        self._size(fields, 4 * 5 + 2 + 4 + 40)
        if any(fields[20:22]):
            raise Refusal(0x33)
        return bytes_of(self._close(number_of(fields[:5]), _cashless(fields[5:20]), 0)[1], 5)

    def _close(self, cash: int, cashless: dict[int, int], tax_system: int) -> tuple[Record, int]:
        """Make the document of the open receipt; the change to give."""
        opened, other = self._opened_receipt(), sum(cashless.values())
        if other > opened.sum:
            raise Refusal(0x4D)
        if cash + other < opened.sum:
            raise Refusal(0x45)
        if not opened.sum:
            raise Refusal(0x8E)
        if opened.operation == RETURN and self.truth.drawer < opened.sum - other:
            raise Refusal(0x46)
        if opened.is_correction:
            self._check_correction(opened)
        is_kept_apart = opened.is_correction and not self.quirks.corrections_are_receipts
        form = Form.CORRECTION if is_kept_apart else Form.RECEIPT
        record = self._make(form, opened, cashless, tax_system)
        return record, cash + other - record.sum

    def _make(
        self,
        form: Form,
        opened: OpenDocument,
        cashless: dict[int, int],
        tax_system: int,
        taxes: dict[int, int] | None = None,
    ) -> Record:
        """Record and print what stands open; what was not `cashless` of its sum was paid in cash."""
        drive = self.truth.drive
        opened_at = drive.shift_opened_at
        if opened_at is None or self.clock - opened_at >= SHIFT_MAX:
            raise Refusal(0x4E)
        record = self._record(form, opened)
        record.payment = tlv.payment_of(opened.tags)
        record.cashless, record.tax_system, record.version = cashless, tax_system, self._format
        record.taxes = taxes or {}
        self.truth.drawer += record.cash if record.is_sale else -record.cash
        self.truth.opened = None
        self._print(paper.receipt(record, opened, tax_system, drive, self.owner), record.number)
        return record

    def _cancel(self, *, is_receipt: bool) -> None:
        self._need(Mode.DOCUMENT_OPEN)
        opened = self.truth.opened
        assert opened is not None
        if opened.is_receipt is not is_receipt:
            raise Refusal(errors.WRONG_MODE)
        self.truth.opened = None
        if is_receipt:
            self.truth.cancelled += 1
        self._print(paper.cancelled(opened) if is_receipt else [*opened.lines, paper.RULE])

    # --- corrections of format 1.05 ------------------------------------------------------------------------------

    def _begin_correction(self) -> bytes:
        if self._format != Format.V1_05:
            raise Refusal(0x35)
        if self.mode is Mode.SHIFT_EXPIRED:
            raise Refusal(0x4E)
        self._need(Mode.SHIFT_OPEN)
        if self.truth.opened is not None:
            raise Refusal(0x02)
        self._open(OpenDocument(is_correction=True, has_items=False))
        return b""

    def _close_correction(self, fields: bytes) -> bytes:
        """FF4A: kind, sign, total, five sums of payment, six of taxes, tax system."""
        self._size(fields, 63)
        opened = self.truth.opened
        if opened is None or opened.has_items:
            raise Refusal(0x02)
        kind, operation, system = fields[0], fields[1], fields[62]
        total, cash, other, *others = (number_of(fields[at : at + 5]) for at in range(2, 32, 5))
        taxes = {
            vat: number_of(fields[32 + 5 * at : 37 + 5 * at]) for at, vat in enumerate(p.CORRECTION_VATS)
        }
        if system.bit_count() != 1 or system > 1 << 5 or operation != OPERATION_SALE or any(others):
            raise Refusal(0x33)
        if cash + other != total or not 0 < total <= SUM_MAX:
            raise Refusal(0x33)
        self._check_correction(opened)
        if tlv.find(opened.tags, tlv.CORRECTION_KIND) != bytes((kind,)):
            raise Refusal(0x33)
        tax_system = system.bit_length() - 1
        opened.total = total
        named = {vat: tax for vat, tax in taxes.items() if tax}
        record = self._make(Form.CORRECTION, opened, {2: other} if other else {}, tax_system, named)
        return bytes_of(record.receipt, 2) + bytes_of(record.number, 4) + bytes_of(record.sign, 4)

    def _check_correction(self, opened: OpenDocument) -> None:
        """A correction says by whose wish, of which day and by which act."""
        wanted = (
            (tlv.CORRECTION_KIND,),
            (tlv.CORRECTION_REASON, tlv.CORRECTED_ON),
            (tlv.CORRECTION_REASON, tlv.CORRECTION_NUMBER),
        )
        if any(tlv.find(opened.tags, *path) is None for path in wanted):
            raise Refusal(0x33)

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
            case Form.RECEIPT | Form.CORRECTION:
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
        self._unread = tags_of(record, self.truth.drive, self.owner)
        size = len(self._unread)
        self._unread = self._unread[: self.quirks.told_tag_bytes] or None
        return bytes_of(record.form, 2) + bytes_of(size, 2)

    def _read_tags(self) -> bytes:
        if self._unread is None:
            raise Refusal(errors.NO_DATA)
        block, self._unread = self._unread[:TAGS_BLOCK_BYTES], self._unread[TAGS_BLOCK_BYTES:] or None
        return block


def _cashless(fields: bytes) -> dict[int, int]:
    """Sums of five bytes, by the number of the kind of payment; cash is the first kind and stands before them."""
    sums = (number_of(fields[at : at + 5]) for at in range(0, len(fields), 5))
    return {kind: sum_ for kind, sum_ in enumerate(sums, 2) if sum_}


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
