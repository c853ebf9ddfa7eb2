"""What a simulated registrar makes of commands: each is carried out or refused."""

from __future__ import annotations

from collections import deque

from devices.shtrih import errors, paper, tables
from devices.shtrih import protocol as p
from devices.shtrih.documents import RETURN, Documents, bytes_of, number_of, time_of
from devices.shtrih.mechanics import LINE_S, LOW_LINES, YEARS_MAX
from devices.shtrih.memory import OpenDocument, Record
from devices.shtrih.protocol import OPERATION_SALE, Form, Mode, Submode
from devices.shtrih.quirks import Refusal

_RECEIPT, _CORRECTION = 0x04, 0x14
"""Documents that the drive has begun, as FF01 names them."""
_OLD_MEMORY = bytes((1, 0, 1, 0, 1, 1, 16))
"""Version, build and date of a fiscal memory that these models do not have; hosts want a date all the same."""
MOVES_MAX = 1000
"""Cash goes in and out so often in a shift, and no more."""
COMMANDS_MAX = 100_000
"""Commands that are remembered for those who count them; a year has millions."""


class Electronics(Documents):
    """A command in, its answer out, at once; time is the wire's matter."""

    commands: deque[bytes]
    """The codes of what was carried out since the start, oldest first, the latest of them."""

    def _carry_out(self, body: bytes) -> bytes:
        code = code_of(body)
        self.commands.append(code)
        try:
            data = self._obey_command(code, body[len(code) :])
        except Refusal as refusal:
            return code + bytes((refusal.code,))
        return code + b"\0" + data

    def _obey_command(self, code: bytes, parameters: bytes) -> bytes:
        """Carry out a command and give the data of its answer. Raises Refusal."""
        if waiting := self.quirks.refusals.get(code):
            raise Refusal(waiting.pop(0))
        match code:
            case b"\xfc":
                return bytes((0, 0, 1, 17, 93, 0)) + "PAY VKP-80K-FA".encode("cp1251")
            case b"\xf7":
                sensors = 0b0101_1010 if self.quirks.has_sensors else 0
                documents = 0x40 if self.quirks.has_text_documents else 0
                head = bytes((sensors, 0xA0, documents))
                return head + bytes.fromhex("0720 6C00000C18010C10000000000000001E00000000")
            case b"\x6b":
                return errors.meaning(parameters[0] if parameters else 0).russian.encode("cp1251", "replace")
        if len(parameters) < 4:
            raise Refusal(0x7E)
        if int.from_bytes(parameters[:4], "little") != self.quirks.password:
            raise Refusal(errors.WRONG_PASSWORD)
        self._check_paper(code)
        fields = parameters[4:]
        if code[0] == 0xFF:
            return self._obey_drive_command(code[1], fields)
        return self._obey_classic_command(code[0], fields)

    def _check_paper(self, code: bytes) -> None:
        """What prints must wait for the printer."""
        if code == b"\xb0":
            if self.submode is not Submode.WAITS_FOR_CONTINUE:
                raise Refusal(errors.WRONG_SUBMODE)
        elif code in _PRINTS and self.submode is not Submode.IDLE:
            raise Refusal(
                {
                    Submode.NO_PAPER: errors.NO_PAPER,
                    Submode.PAPER_RAN_OUT: errors.WRONG_SUBMODE,
                    Submode.WAITS_FOR_CONTINUE: errors.WAITS_FOR_CONTINUE,
                }.get(self.submode, errors.BUSY)
            )

    def _obey_classic_command(self, code: int, fields: bytes) -> bytes:
        if code in _WITHOUT_OPERATOR:
            return self._obey_settings_command(code, fields)
        return bytes((30,)) + self._obey_operator_command(code, fields)

    def _obey_settings_command(self, code: int, fields: bytes) -> bytes:
        """Commands whose answer names no operator."""
        match code:
            case 0x14:
                self._size(fields, 3)
            case 0x15:
                return bytes((6, 100))
            case 0x1E:
                self._write_table(fields)
            case 0x1F:
                return self._read_table(fields)
            case 0x21 | 0x22:
                self._size(fields, 3)
                self._set_clock(code, fields)
            case 0x23:
                self._confirm_date(fields)
            case 0x2D:
                return self._table_structure(fields)
            case 0x2E:
                return self._field_structure(fields)
            case 0xE0:
                self._need(Mode.SHIFT_CLOSED)
                self._report(Form.SHIFT_OPEN, "ОТЧЁТ ОБ ОТКРЫТИИ СМЕНЫ")
                return bytes((30,)) if self.quirks.answers_operator else b""
        return b""

    def _obey_operator_command(self, code: int, fields: bytes) -> bytes:
        """What follows the operator's number in the answer."""
        match code:
            case 0x10:
                return self._short_status()
            case 0x11:
                return self._long_status()
            case 0x13 | 0x28:
                pass
            case 0x17:
                self._take_line(fields)
            case 0x1A:
                return bytes_of(self._cash_register(fields), 6)
            case 0x1B:
                return bytes_of(self._operation_register(fields) & 0xFFFF, 2)
            case 0x25:
                self._cut()
                self._changed(self.truth)
            case 0x29:
                self._size(fields, 2)
                self._print([""] * max(fields[1], 1), is_cut=False)
            case 0x2B:
                if self.faults.mode is Mode.SELF_TEST:
                    self.faults.mode = None
            case 0x40:
                self._need(Mode.SHIFT_OPEN, Mode.SHIFT_EXPIRED)
                self.truth.x_reports += 1
                self._print(paper.x_report(self.clock, self.truth.drive, self.owner))
            case 0x41:
                self._need(Mode.SHIFT_OPEN, Mode.SHIFT_EXPIRED)
                self._report(Form.SHIFT_CLOSE, "ОТЧЁТ О ЗАКРЫТИИ СМЕНЫ")
            case 0x50 | 0x51:
                return self._move_cash(fields, is_out=code == 0x51)
            case 0x52:
                self._print(paper.head(self.owner), is_cut=False)
            case 0x53:
                self._print([paper.RULE])
            case 0x80 | 0x82:
                self._sell_the_old_way(RETURN if code == 0x82 else OPERATION_SALE, fields)
            case 0x85:
                return self._close_the_old_way(fields)
            case 0x88:
                self._cancel(is_receipt=True)
            case 0x89:
                return bytes_of(self._opened_receipt().sum, 5)
            case 0x8C:
                self._print_again()
            case 0x8D:
                self._size(fields, 1)
                self._open_receipt(fields[0])
            case 0xB0:
                self.truth.is_interrupted = False
                self._line_at = self._now + LINE_S / self._speed
                self._changed(self.truth)
            case 0xE2 if self.quirks.has_text_documents:
                self._need(Mode.SHIFT_OPEN, Mode.SHIFT_EXPIRED, Mode.SHIFT_CLOSED)
                self._open(OpenDocument(is_receipt=False))
            case 0xE3:
                self._cancel(is_receipt=False)
            case _:
                raise Refusal(0x37)
        return b""

    def _obey_drive_command(self, code: int, fields: bytes) -> bytes:
        drive = self.truth.drive
        if self.faults.drive == 0x30:
            raise Refusal(0x30)
        match code:
            case 0x01:
                return self._drive_status()
            case 0x02:
                return drive.serial.encode()
            case 0x03:
                expires = drive.expires
                return bytes((expires.year - 2000, expires.month, expires.day, 3, 1))
            case 0x08:
                if self.truth.closing is not None:
                    raise Refusal(errors.BUSY)
                self.truth.opened = None
                self._changed(self.truth)
                return b""
            case 0x0A:
                return self._find(fields)
            case 0x0C:
                return self._take_tags(fields)
            case 0x35:
                return self._begin_correction()
            case 0x39:
                first = drive.documents[drive.confirmed] if drive.confirmed < drive.last else None
                waiting = drive.last - drive.confirmed
                return (
                    bytes((0, 0))
                    + bytes_of(min(waiting, 0xFFFF), 2)
                    + bytes_of(first.number if first else 0, 4)
                    + time_of(first)
                )
            case 0x3A:
                return self._announce_tags(fields)
            case 0x3B:
                return self._read_tags()
            case 0x3F:
                return bytes_of(min(drive.last - drive.confirmed, 0xFFFF), 2)
            case 0x40:
                return (
                    bytes((drive.shift_is_open,))
                    + bytes_of(drive.shift, 2)
                    + bytes_of(drive.receipts_in_shift, 2)
                )
            case 0x45:
                return self._close_receipt(fields)
            case 0x46:
                return self._sell(fields)
            case 0x4A:
                return self._close_correction(fields)
            case 0x4D:
                return self._take_item_tags(fields)
            case _:
                raise Refusal(0x37)

    # --- status ------------------------------------------------------------------------------------------------

    def _flags(self) -> int:
        is_low = self.truth.paper_lines < LOW_LINES
        sees_paper = self.truth.paper_is_in and self.truth.paper_lines > 0
        paper_bits = (not is_low) << 1 | sees_paper << 7
        return 1 << 4 | 1 << 9 | paper_bits | self.truth.cover_is_open << 10

    def _mode_byte(self) -> int:
        mode, opened = self.mode, self.truth.opened
        if opened is None or mode is not Mode.DOCUMENT_OPEN:
            return mode
        detail = opened.operation & RETURN if opened.is_receipt else p.TEXT_DOCUMENT
        return mode | detail << 4

    def _short_status(self) -> bytes:
        operations = len(self.truth.opened.items) if self.truth.opened else 0
        submode = self.submode
        head = bytes_of(self._flags(), 2) + bytes((self._mode_byte(), submode, operations & 0xFF))
        result = {Submode.PRINTING: 5, Submode.PAPER_RAN_OUT: 1, Submode.WAITS_FOR_CONTINUE: 1}
        body = head + bytes((0x9D, 0xD7, 0, 0, operations >> 8, 0, 0, 0, result.get(submode, 0)))
        return body[: self.quirks.short_status_bytes - 3]

    def _long_status(self) -> bytes:
        at = self.clock
        clock = bytes((at.day, at.month, at.year - 2000, at.hour, at.minute, at.second))
        closed = self.truth.drive.shift - self.truth.drive.shift_is_open
        return (
            b"C2" + bytes_of(34866, 2) + bytes((1, 1, 24, 1)) + bytes_of(self.truth.drive.last & 0xFFFF, 2)
            + bytes_of(self._flags(), 2) + bytes((self._mode_byte(), self.submode, 0)) + _OLD_MEMORY + clock + b"\0"
            + bytes_of(4201267, 4) + bytes_of(closed & 0xFFFF, 2) + bytes(2) + bytes((1, 10))
            + bytes_of(int(self.owner.inn), 6) + bytes_of(0, 2)
        )  # fmt: skip

    def _drive_status(self) -> bytes:
        drive = self.truth.drive
        life = 0b0111 if self.faults.drive == 0x05 else 0b0011
        opened = self.truth.opened
        current = (
            0 if opened is None or not opened.is_receipt else _RECEIPT if opened.has_items else _CORRECTION
        )
        last = drive.documents[-1] if drive.documents else None
        state = bytes((life, current, 0, drive.shift_is_open, self._warnings()))
        return state + time_of(last) + drive.serial.encode() + bytes_of(drive.last, 4)

    def _warnings(self) -> int:
        """Of the drive's age: bit 0 in its last 3 days, bit 1 in its last 30."""
        days = (self.truth.drive.expires - self.clock).days
        return self.faults.drive_warnings | (days < 3) << 0 | (days < 30) << 1

    # --- registers and cash --------------------------------------------------------------------------------------

    def _counted(self, register: int) -> list[Record]:
        """Documents of the running shift that this firmware counts in the `register`-th of four that stand together."""
        if not self.truth.drive.shift_is_open:
            return []
        forms = (Form.RECEIPT, Form.CORRECTION) if self.quirks.counts_corrections else (Form.RECEIPT,)
        operation = _OPERATIONS.get(register)
        return [
            one for one in self.truth.drive.of_shift() if one.operation == operation and one.form in forms
        ]

    def _cash_register(self, fields: bytes) -> int:
        self._size(fields, 1, 2)
        if self.quirks.has_blank_registers:
            return (1 << 48) - 1
        match fields[0]:
            case number if 121 <= number < 125:
                return sum(one.sum for one in self._counted(number - 121))
            case number if 193 <= number < 197:
                return sum(one.cash for one in self._counted(number - 193))
            case number if 197 <= number < 209:
                kind, register = divmod(number - 193, 4)
                return sum(one.cashless.get(kind + 1, 0) for one in self._counted(register))
            case 241:
                return self.truth.drawer
            case 242:
                return sum(self.truth.cash_in)
            case 243:
                return sum(self.truth.cash_out)
            case _:
                return 0

    def _operation_register(self, fields: bytes) -> int:
        self._size(fields, 1)
        match fields[0]:
            case number if 144 <= number < 148:
                return len(self._counted(number - 144))
            case 148:
                return sum(one.is_sale for one in self.truth.drive.documents)
            case 152:
                return self.truth.drive.last
            case 153:
                return len(self.truth.cash_in)
            case 154:
                return len(self.truth.cash_out)
            case 157:
                return self.truth.cancelled
            case 158:
                return self.truth.x_reports
            case _:
                return 0

    def _move_cash(self, fields: bytes, *, is_out: bool) -> bytes:
        self._size(fields, 5)
        self._need(Mode.SHIFT_OPEN, Mode.SHIFT_EXPIRED, Mode.SHIFT_CLOSED)
        amount = number_of(fields[:5])
        if is_out and amount > self.truth.drawer:
            raise Refusal(0x46)
        moves = self.truth.cash_out if is_out else self.truth.cash_in
        if len(moves) >= MOVES_MAX:
            raise Refusal(0x8C)
        moves.append(amount)
        self.truth.drawer += -amount if is_out else amount
        self._print(paper.cash_moved(amount, self.clock, self.owner, is_out=is_out))
        return bytes_of(self.truth.drive.last & 0xFFFF, 2)

    def _print_again(self) -> None:
        """8Ch: the last receipt once more, which is no new document."""
        self._need(Mode.SHIFT_OPEN, Mode.SHIFT_EXPIRED)
        sheet = self.truth.printed_receipt()
        if sheet is None:
            raise Refusal(0x56)
        self._print(["КОПИЯ".center(paper.WIDTH).rstrip(), *sheet.lines])

    # --- tables --------------------------------------------------------------------------------------------------

    def _table(self, number: int) -> tables.Table:
        if not self.quirks.has_tables:
            raise Refusal(0x37)
        if number not in tables.TABLES:
            raise Refusal(0x5D)
        return tables.TABLES[number]

    def _field(self, table: int, row: int, number: int) -> tables.Field:
        field = self._table(table).fields.get(number)
        if row != 1 or field is None:
            raise Refusal(0x5E)
        return field

    def _table_structure(self, fields: bytes) -> bytes:
        self._size(fields, 1)
        table = self._table(fields[0])
        return _name(table.name) + bytes_of(1, 2) + bytes((table.size,))

    def _field_structure(self, fields: bytes) -> bytes:
        self._size(fields, 2)
        field = self._field(fields[0], 1, fields[1])
        head = _name(field.name) + bytes((field.is_text, field.size))
        return head + (b"" if field.is_text else bytes((0, field.highest)))

    def _read_table(self, fields: bytes) -> bytes:
        self._size(fields, 4)
        self._field(fields[0], number_of(fields[1:3]), fields[3])
        return tables.shown(self.truth.tables, self.owner, fields[0], fields[3])

    def _write_table(self, fields: bytes) -> None:
        self._size(fields, 5)
        field = self._field(fields[0], number_of(fields[1:3]), fields[3])
        if field.is_text:
            raise Refusal(0x7A)
        if self.mode in (Mode.DATA_OUTPUT, Mode.DOCUMENT_OPEN):
            raise Refusal(0xC7)
        value = number_of(fields[4:])
        if value > field.highest:
            raise Refusal(0x33)
        self.truth.tables[f"{fields[0]}.{fields[3]}"] = value
        self._changed(self.truth)

    # --- clock -------------------------------------------------------------------------------------------------

    def _set_clock(self, code: int, fields: bytes) -> None:
        self._need(Mode.SHIFT_CLOSED, Mode.DATE_UNCONFIRMED)
        if code == 0x22 and fields[2] > YEARS_MAX:
            raise Refusal(0x7D)
        try:
            if code == 0x21:
                wanted = self.clock.replace(hour=fields[0], minute=fields[1], second=fields[2])
            else:
                wanted = self.clock.replace(day=fields[0], month=fields[1], year=2000 + fields[2])
        except ValueError as error:
            raise Refusal(0x7D) from error
        if self.quirks.zeroes_seconds:
            wanted = wanted.replace(second=0)
        self.truth.clock_offset_s += (wanted - self.clock).total_seconds()
        if code == 0x22:
            self.faults.mode = Mode.DATE_UNCONFIRMED
        self._changed(self.truth)

    def _confirm_date(self, fields: bytes) -> None:
        self._need(Mode.DATE_UNCONFIRMED)
        at = self.clock
        if fields != bytes((at.day, at.month, at.year - 2000)):
            raise Refusal(0x7C)
        self.faults.mode = None


_OPERATIONS = {0: OPERATION_SALE, 2: RETURN}
"""Of four registers that stand together the second and the last are of purchases, which no kiosk makes."""
_WITHOUT_OPERATOR = frozenset({0x14, 0x15, 0x1E, 0x1F, 0x21, 0x22, 0x23, 0x2D, 0x2E, 0xE0})
_PRINTS = frozenset({
    b"\x17", b"\x25", b"\x29", b"\x40", b"\x41", b"\x50", b"\x51", b"\x52", b"\x53", b"\x80", b"\x82", b"\x85", b"\x88",
    b"\x8c", b"\x8d", b"\xe0", b"\xe2", b"\xe3", b"\xff\x45", b"\xff\x46", b"\xff\x4a",
})  # fmt: skip
"""Not possible while the printer is busy or without paper."""


def _name(name: str) -> bytes:
    return name.encode("cp1251").ljust(p.NAME_BYTES, b"\0")


def code_of(body: bytes) -> bytes:
    """The command's code: two bytes for those of the fiscal drive."""
    return body[:2] if body[0] == 0xFF else body[:1]
