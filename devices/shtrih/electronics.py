"""What a simulated registrar makes of commands: each is carried out or refused."""

from __future__ import annotations

from collections import deque

from devices.shtrih import errors, paper
from devices.shtrih import protocol as p
from devices.shtrih.documents import Documents, bytes_of, time_of
from devices.shtrih.mechanics import LINE_S, LOW_LINES, YEARS_MAX
from devices.shtrih.protocol import Form, Mode, Submode
from devices.shtrih.quirks import Refusal

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
                return bytes((sensors,)) + bytes.fromhex("A0400720 6C00000C18010C10000000000000001E00000000")
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
        operator = bytes((30,))
        match code:
            case 0x10:
                return operator + self._short_status()
            case 0x11:
                return operator + self._long_status()
            case 0x17:
                self._take_line(fields)
            case 0x1A:
                self._size(fields, 1)
                cash = self.truth.drive.sum_of_shift()[1] if fields[0] in (193, 241) else 0
                return operator + bytes_of(cash, 6)
            case 0x1B:
                self._size(fields, 1)
                return operator + bytes_of(self.truth.drive.last & 0xFFFF if fields[0] == 152 else 0, 2)
            case 0x21 | 0x22:
                self._size(fields, 3)
                self._set_clock(code, fields)
                return b""
            case 0x23:
                self._confirm_date(fields)
                return b""
            case 0x25 | 0x29:
                pass
            case 0x40:
                self._need(Mode.SHIFT_OPEN, Mode.SHIFT_EXPIRED)
                self._print(paper.x_report(self.clock, self.truth.drive, self.owner))
            case 0x41:
                self._need(Mode.SHIFT_OPEN, Mode.SHIFT_EXPIRED)
                self._report(Form.SHIFT_CLOSE, "ОТЧЁТ О ЗАКРЫТИИ СМЕНЫ")
            case 0x88:
                self._cancel(is_receipt=True)
            case 0x89:
                return operator + bytes_of(self._opened_receipt().sum, 5)
            case 0x8D:
                self._size(fields, 1)
                self._open_receipt(fields[0])
            case 0xB0:
                self.truth.is_interrupted = False
                self._line_at = self._now + LINE_S / self._speed
            case 0xE0:
                self._need(Mode.SHIFT_CLOSED)
                self._report(Form.SHIFT_OPEN, "ОТЧЁТ ОБ ОТКРЫТИИ СМЕНЫ")
                return operator if self.quirks.answers_operator else b""
            case 0xE3:
                self._cancel(is_receipt=False)
            case _:
                raise Refusal(0x37)
        return operator

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
            case _:
                raise Refusal(0x37)

    # --- status ------------------------------------------------------------------------------------------------

    def _flags(self) -> int:
        is_low = self.truth.paper_lines < LOW_LINES
        sees_paper = self.truth.paper_is_in and self.truth.paper_lines > 0
        paper_bits = (not is_low) << 1 | sees_paper << 7
        return 1 << 4 | 1 << 9 | paper_bits | self.truth.cover_is_open << 10

    def _mode_byte(self) -> int:
        is_text = self.truth.opened is not None and not self.truth.opened.is_receipt
        mode = self.mode
        return mode | (p.TEXT_DOCUMENT if is_text and mode is Mode.DOCUMENT_OPEN else 0) << 4

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
        return (
            b"C2" + bytes_of(34866, 2) + bytes((1, 1, 24, 1)) + bytes_of(self.truth.drive.last & 0xFFFF, 2)
            + bytes_of(self._flags(), 2) + bytes((self._mode_byte(), self.submode, 0)) + bytes(7) + clock + b"\0"
            + bytes_of(4201267, 4) + bytes_of(self.truth.drive.shift, 2) + bytes(2) + bytes((1, 10))
            + bytes_of(int(self.owner.inn), 6) + bytes_of(0, 2)
        )  # fmt: skip

    def _drive_status(self) -> bytes:
        drive = self.truth.drive
        life = 0b0111 if self.faults.drive == 0x05 else 0b0011
        current = 0x04 if self.truth.opened is not None and self.truth.opened.is_receipt else 0
        last = drive.documents[-1] if drive.documents else None
        state = bytes((life, current, 0, drive.shift_is_open, 0))
        return state + time_of(last) + drive.serial.encode() + bytes_of(drive.last, 4)

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


_PRINTS = frozenset(
    {
        b"\x17",
        b"\x25",
        b"\x29",
        b"\x40",
        b"\x41",
        b"\x88",
        b"\x8d",
        b"\xe0",
        b"\xe3",
        b"\xff\x45",
        b"\xff\x46",
    }
)
"""Not possible while the printer is busy or without paper."""


def code_of(body: bytes) -> bytes:
    """The command's code: two bytes for those of the fiscal drive."""
    return body[:2] if body[0] == 0xFF else body[:1]
