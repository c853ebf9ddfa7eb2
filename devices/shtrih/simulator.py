"""A simulated Shtrih-M registrar: a fiscal drive and a printer that outlive their electronics, and a wire that misbehaves.

Sans I/O and without a clock: whoever runs it says what time it is. `python -m devices.shtrih.simulator --pty LINK`
puts it behind a real pseudo-terminal.
"""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from devices.console import ConsoleError, main, whole_number
from devices.shtrih import errors, paper, tlv
from devices.shtrih import protocol as p
from devices.shtrih.memory import SHIFT_MAX, Drive, Item, Job, OpenDocument, Record, Sheet, Truth
from devices.shtrih.paper import Owner
from devices.shtrih.protocol import ACK, ENQ, NAK, Control, Form, Frame, Mode, Spoilt, Submode, frame
from kassa.errors import KassaError

ANSWER_S, CLOSE_S, OPEN_SHIFT_S, REPORT_S = 0.01, 0.35, 0.5, 0.6
"""How long commands take to their answer; `speed` makes them faster."""
LINE_S = 0.02
"""How long one line prints."""
BYTE_S = 1.0
"""The electronics' own patience with a frame that does not go on; never made faster."""
LOW_LINES = 200
"""So many lines before its end the roll's sensor says: low."""
ROLL_LINES = 20_000
TAGS_BLOCK_BYTES = 120
CLOCK_HOURS_MAX, YEARS_MAX = 100_000, 99
"""A hand moves the clock by so much at once; it has two digits for a year."""
COMMANDS_MAX = 100_000
"""Commands that are remembered for those who count them; a year has millions."""
DOCUMENTS_MAX = 200_000
"""A real drive's archive holds about as many."""
ITEMS_MAX, LINES_MAX, TAGS_BYTES_MAX = 200, 200, 4096
SUM_MAX = 10**10 - 1
"""What one receipt holds; in minor units, as ten digits are printed."""
UNSENT_MAX = timedelta(days=30)
TAX_BYTES = {code: vat for vat, code in p.VAT_CODES.items()}


@dataclass
class Quirks:
    """How this unit differs from the book. Numbers of things still to go wrong count themselves down."""

    password: int = 30
    short_status_bytes: int = 17
    acks_while_executing: bool = True
    """Answer ENQ during a command's work; else stay silent."""
    ff_before_control: bool = False
    """USB models put FF before a control byte."""
    answers_operator: bool = True
    """E0 tells the operator's number."""
    prints_at_once: bool = False
    """Print a receipt's lines as they come; else all of it at its end."""
    keeps_open_document: bool = True
    """Through a power cut; else it is cancelled at power-up."""
    finishes_after_s: float | None = None
    """So long after power-up a receipt is in the archive that was being closed when the power went; None: it is not."""
    takes_tags: bool = True
    keeps_tags: bool = True
    """Tell the tags of old documents; else they are gone, as after 30 days."""
    told_tag_bytes: int = 0xFFFF
    """After so many the block that follows is missing, whatever size was announced."""
    name_characters_max: int = p.NAME_CHARACTERS_MAX
    """Longer names are cut, on paper and in the archive."""
    takes_lines: bool = True
    has_sensors: bool = True
    opens_shift_itself: bool = True
    """When a receipt is opened while the shift is closed."""
    slow: dict[bytes, float] = field(default_factory=dict)
    """Seconds that a command takes, by its code."""
    refusals: dict[bytes, list[int]] = field(default_factory=dict)
    """Errors still to be given to a command, by its code."""
    lost_commands: int = 0
    """So many frames never arrive."""
    lost_acks: int = 0
    """So many frames arrive, and the host does not hear that."""
    lost_answers: int = 0
    """So many answers get lost on the wire; the registrar still holds them."""
    forgotten_answers: int = 0
    """So many answers get lost, and the registrar forgets them."""
    forgets_after_record: int = 0
    """The same, but only answers that tell of a new fiscal document."""
    damaged_answers: int = 0
    doubled_items: int = 0
    """So many operations are entered twice."""
    noise: bytes = b""
    """Comes before every frame."""


@dataclass
class Faults:
    """What stands in the way until a hand takes it away."""

    mode: Mode | None = None
    """A mode that only a technician ends."""
    drive: int | None = None
    """The error the fiscal drive gives to all that makes a document."""
    busy_until: float = 0.0
    loses_ofd: bool = False


class Refusal(KassaError):
    """The answer is an error."""

    def __init__(self, code: int) -> None:
        super().__init__(f"the registrar refuses: {errors.meaning(code).english} ({code:02X}h)")
        self.code = code


class Simulator:
    """One registrar. `now` is monotonic seconds and never goes back; at `now` its clock shows `wall`."""

    def __init__(
        self,
        now: float = 0.0,
        truth: Truth | None = None,
        *,
        wall: datetime = datetime(2026, 11, 24, 14, 5),  # noqa: DTZ001 - a registrar's wall time has no zone
        speed: float = 1.0,
        quirks: Quirks | None = None,
        owner: Owner | None = None,
        changed: Callable[[Truth], None] = lambda truth: None,
    ) -> None:
        self.truth = truth or Truth()
        self.quirks, self.faults, self.owner = quirks or Quirks(), Faults(), owner or Owner()
        self.has_power = False
        self.commands: deque[bytes] = deque(maxlen=COMMANDS_MAX)
        """The codes of what was carried out since the start, oldest first, the latest of them."""
        self._speed, self._changed = speed, changed
        self._started_at, self._wall = now, wall
        self._now = now
        self._forget()
        if not self.truth.drive.documents:
            self.truth.drive.record(Form.REGISTRATION, self.clock)
            self.truth.drive.confirmed = 1
        self.restore_power(now)

    # --- the electronics' memory: power takes it away ----------------------------------------------------------

    def _forget(self) -> None:
        self._buffer, self._heard_at = b"", 0.0
        self._executing: tuple[float, bytes] | None = None
        self._answer: bytes | None = None
        self._outbox = b""
        self._unread: bytes | None = None
        self._line_at: float | None = None
        self._closing_at: float | None = None
        self._printed = 0

    @property
    def clock(self) -> datetime:
        """What the registrar's clock shows."""
        return self._wall + timedelta(seconds=self._now - self._started_at + self.truth.clock_offset_s)

    @property
    def mode(self) -> Mode:
        """What it would answer to a status request."""
        drive, opened_at = self.truth.drive, self.truth.drive.shift_opened_at
        if self.faults.mode is not None:
            return self.faults.mode
        if self._unread is not None:
            return Mode.DATA_OUTPUT
        if self.truth.opened is not None:
            return Mode.DOCUMENT_OPEN
        if opened_at is not None and self.clock - opened_at >= SHIFT_MAX:
            return Mode.SHIFT_EXPIRED
        return Mode.SHIFT_OPEN if drive.shift_is_open else Mode.SHIFT_CLOSED

    @property
    def submode(self) -> Submode:
        """What the paper does."""
        if self.truth.job is not None and self.truth.is_interrupted:
            return Submode.WAITS_FOR_CONTINUE if self._has_paper else Submode.PAPER_RAN_OUT
        is_busy = self._closing_at is not None or self._now < self.faults.busy_until
        if self.truth.job is not None or is_busy:
            return Submode.PRINTING
        return Submode.IDLE if self._has_paper else Submode.NO_PAPER

    @property
    def _has_paper(self) -> bool:
        return self.truth.paper_is_in and self.truth.paper_lines > 0 and not self.truth.cover_is_open

    def cut_power(self, now: float) -> None:
        """Lose the electronics' memory, keep fiscal drive and paper; a sheet in the printer is torn."""
        self._advance(now)
        if not self.has_power:
            return
        self.has_power = False
        if self.quirks.finishes_after_s is not None and self._executing is not None:
            body = self._executing[1]
            if _code(body) == _CLOSE_RECEIPT:
                self.truth.closing = body
        self._tear()
        self._forget()

    def restore_power(self, now: float) -> None:
        """Come up; what was being printed is printed once more."""
        if self.has_power:
            return
        self._now = max(self._now, now)
        self.has_power = True
        opened = self.truth.opened
        if self.truth.closing is not None:
            self._closing_at = now + (self.quirks.finishes_after_s or 0.0) / self._speed
        elif opened is not None and not self.quirks.keeps_open_document:
            self.truth.opened = None
            if self.truth.job is None:
                self._print(paper.cancelled(opened))
        if self.truth.job is not None and not self.truth.is_interrupted:
            self._line_at = now + LINE_S / self._speed

    # --- time ---------------------------------------------------------------------------------------------------

    def advance(self, now: float) -> bytes:
        """Let time pass up to `now`; answers are due then."""
        self._advance(now)
        due, self._outbox = self._outbox, b""
        return due

    def wakes_at(self) -> float | None:
        """When something will happen by itself that others can see: nobody looks at each line of a job."""
        if self._executing is not None:
            return self._executing[0]
        if self._closing_at is not None:
            return self._closing_at
        if self._line_at is None:
            return None
        job = self.truth.job
        assert job is not None
        return self._line_at + (len(job.lines) - self._printed - 1) * LINE_S / self._speed

    def _next_at(self) -> float | None:
        at = self._line_at
        if self._executing is not None and (at is None or self._executing[0] < at):
            at = self._executing[0]
        if self._closing_at is not None and (at is None or self._closing_at < at):
            at = self._closing_at
        return at

    def _advance(self, now: float) -> None:
        while (at := self._next_at()) is not None and at <= now:
            self._now = max(self._now, at)
            if self._executing is not None and self._executing[0] == at:
                self._outbox += self._finish(self._executing[1])
            elif self._closing_at == at:
                self._close_at_last()
            else:
                self._print_line(at)
        self._now = max(self._now, now)
        if not self.faults.loses_ofd:
            self.truth.drive.confirmed = self.truth.drive.last

    # --- the wire -----------------------------------------------------------------------------------------------

    def receive(self, data: bytes, now: float) -> bytes:
        """Bytes of the host arrive; what goes back at once."""
        out = self.advance(now)
        if not self.has_power:
            return b""
        if now - self._heard_at > BYTE_S:
            self._buffer = b""
        self._heard_at = now
        self._buffer += data
        while True:
            item, self._buffer = p.take(self._buffer)
            match item:
                case None:
                    return out
                case Control(code) if code == ENQ:
                    out += self._hear_enquiry()
                case Control(code) if code == ACK:
                    self._answer = None
                case Frame(body):
                    out += self._hear_command(body)
                case Spoilt():
                    out += self._control(NAK)
                case _:
                    pass

    def _hear_enquiry(self) -> bytes:
        if self._executing is not None:
            return self._control(ACK) if self.quirks.acks_while_executing else b""
        if self._answer is not None:
            return self._control(ACK) + self._transmit(self._answer)
        return self._control(NAK)

    def _hear_command(self, body: bytes) -> bytes:
        if self._executing is not None or self._counts_down("lost_commands"):
            return b""
        self._answer = None
        lasts_s = self.quirks.slow.get(_code(body), _DURATIONS.get(_code(body), ANSWER_S))
        self._executing = (self._now + lasts_s / self._speed, body)
        return b"" if self._counts_down("lost_acks") else self._control(ACK)

    def _finish(self, body: bytes) -> bytes:
        """The command's work is done; its answer leaves."""
        self._executing = None
        last = self.truth.drive.last
        answer = self._carry_out(body)
        is_recorded = self.truth.drive.last > last
        if self._counts_down("forgotten_answers") or (
            is_recorded and self._counts_down("forgets_after_record")
        ):
            return b""
        self._answer = answer
        return b"" if self._counts_down("lost_answers") else self._transmit(answer)

    def _close_at_last(self) -> None:
        """What the power interrupted is done; nobody waits for an answer."""
        closing, self.truth.closing, self._closing_at = self.truth.closing, None, None
        assert closing is not None
        self._carry_out(closing)
        self._changed(self.truth)

    def _transmit(self, answer: bytes) -> bytes:
        wire = frame(answer)
        if self._counts_down("damaged_answers"):
            wire = wire[:-1] + bytes((wire[-1] ^ 0x55,))
        return self.quirks.noise + wire

    def _control(self, code: int) -> bytes:
        return bytes((0xFF, code) if self.quirks.ff_before_control else (code,))

    def _counts_down(self, quirk: str) -> bool:
        left: int = getattr(self.quirks, quirk)
        if left > 0:
            setattr(self.quirks, quirk, left - 1)
        return left > 0

    # --- printing -----------------------------------------------------------------------------------------------

    def _print(self, lines: list[str], document: int | None = None) -> None:
        """Begin to print; the truth is kept before anybody can hear of it."""
        self.truth.job, self.truth.is_interrupted = Job(lines, document), False
        self._line_at, self._printed = self._now + LINE_S / self._speed, 0
        self._changed(self.truth)

    def _print_line(self, at: float) -> None:
        job = self.truth.job
        assert job is not None
        self._line_at = None
        if not self._has_paper:
            self._tear()
            self.truth.is_interrupted = True
            self._changed(self.truth)
            return
        self._printed += 1
        self.truth.printed_lines += 1
        self.truth.paper_lines -= 1
        if self._printed < len(job.lines):
            self._line_at = at + LINE_S / self._speed
            return
        self.truth.hand_out(Sheet(job.lines, job.document, is_whole=True))
        self.truth.job, self._printed = None, 0
        self._changed(self.truth)

    def _tear(self) -> None:
        """What was printed of the job so far is a piece of paper of its own."""
        job = self.truth.job
        if job is not None and self._printed:
            self.truth.hand_out(Sheet(job.lines[: self._printed], job.document, is_whole=False))
        self._printed, self._line_at = 0, None

    # --- commands -------------------------------------------------------------------------------------------------

    def _carry_out(self, body: bytes) -> bytes:
        code = _code(body)
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
                return operator + _u(cash, 6)
            case 0x1B:
                self._size(fields, 1)
                return operator + _u(self.truth.drive.last & 0xFFFF if fields[0] == 152 else 0, 2)
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
                return operator + _u(self._opened_receipt().sum, 5)
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
                    + _u(min(waiting, 0xFFFF), 2)
                    + _u(first.number if first else 0, 4)
                    + _time(first)
                )
            case 0x3A:
                return self._announce_tags(fields)
            case 0x3B:
                return self._read_tags()
            case 0x3F:
                return _u(min(drive.last - drive.confirmed, 0xFFFF), 2)
            case 0x40:
                return bytes((drive.shift_is_open,)) + _u(drive.shift, 2) + _u(drive.receipts_in_shift, 2)
            case 0x45:
                return self._close_receipt(fields)
            case 0x46:
                return self._sell(fields)
            case _:
                raise Refusal(0x37)

    def _need(self, *modes: Mode) -> None:
        if self.mode not in modes:
            raise Refusal(errors.WRONG_MODE)

    def _size(self, fields: bytes, least: int, most: int = 255) -> None:
        if not least <= len(fields) <= most:
            raise Refusal(0x7E)

    # --- status -----------------------------------------------------------------------------------------------------

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
        head = _u(self._flags(), 2) + bytes((self._mode_byte(), submode, operations & 0xFF))
        result = {Submode.PRINTING: 5, Submode.PAPER_RAN_OUT: 1, Submode.WAITS_FOR_CONTINUE: 1}
        body = head + bytes((0x9D, 0xD7, 0, 0, operations >> 8, 0, 0, 0, result.get(submode, 0)))
        return body[: self.quirks.short_status_bytes - 3]

    def _long_status(self) -> bytes:
        at = self.clock
        clock = bytes((at.day, at.month, at.year - 2000, at.hour, at.minute, at.second))
        return (
            b"C2" + _u(34866, 2) + bytes((1, 1, 24, 1)) + _u(self.truth.drive.last & 0xFFFF, 2)
            + _u(self._flags(), 2) + bytes((self._mode_byte(), self.submode, 0)) + bytes(7) + clock + b"\0"
            + _u(4201267, 4) + _u(self.truth.drive.shift, 2) + bytes(2) + bytes((1, 10))
            + _u(int(self.owner.inn), 6) + _u(0, 2)
        )  # fmt: skip

    def _drive_status(self) -> bytes:
        drive = self.truth.drive
        life = 0b0111 if self.faults.drive == 0x05 else 0b0011
        current = 0x04 if self.truth.opened is not None and self.truth.opened.is_receipt else 0
        last = drive.documents[-1] if drive.documents else None
        state = bytes((life, current, 0, drive.shift_is_open, 0))
        return state + _time(last) + drive.serial.encode() + _u(drive.last, 4)

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

    # --- documents ---------------------------------------------------------------------------------------------------

    def _record(self, form: Form, opened: OpenDocument | None = None) -> Record:
        """The drive makes a document, or says why not; from here on the document exists."""
        drive, at = self.truth.drive, self.clock
        waiting = drive.documents[drive.confirmed].at if drive.confirmed < drive.last else at
        if self.faults.drive is not None:
            raise Refusal(self.faults.drive)
        if at.date() > drive.expires.date():
            raise Refusal(0x05)
        if drive.last >= DOCUMENTS_MAX:
            raise Refusal(0x06)
        if at - waiting > UNSENT_MAX and form is not Form.SHIFT_CLOSE:
            raise Refusal(0x15)
        if drive.last_at is not None and at < drive.last_at - timedelta(minutes=5):
            raise Refusal(0x07)
        return drive.record(form, at, opened)

    def _report(self, form: Form, title: str) -> None:
        record = self._record(form)
        self._print(paper.shift_report(title, record, self.truth.drive, self.owner), record.number)

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

    def _open(self, document: OpenDocument) -> None:
        self.truth.opened = document
        self._changed(self.truth)

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
        quantity, price, amount = _n(fields[1:7]), _n(fields[7:12]), _n(fields[12:17])
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
        cash, system = _n(fields[:5]), fields[111]
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
        return _u(cash - record.sum, 5) + _u(record.number, 4) + _u(record.sign, 4)

    def _cancel(self, *, is_receipt: bool) -> None:
        self._need(Mode.DOCUMENT_OPEN)
        opened = self.truth.opened
        assert opened is not None
        if opened.is_receipt is not is_receipt:
            raise Refusal(errors.WRONG_MODE)
        self.truth.opened = None
        self._print(paper.cancelled(opened))

    # --- the archive ---------------------------------------------------------------------------------------------------

    def _record_of(self, fields: bytes) -> Record:
        self._size(fields, 4, 4)
        number = _n(fields)
        if not 1 <= number <= self.truth.drive.last:
            raise Refusal(errors.NO_DATA)
        return self.truth.drive.documents[number - 1]

    def _find(self, fields: bytes) -> bytes:
        record = self._record_of(fields)
        is_at_ofd = record.number <= self.truth.drive.confirmed
        head = bytes((record.form, is_at_ofd)) + _time(record) + _u(record.number, 4) + _u(record.sign, 4)
        match record.form:
            case Form.RECEIPT:
                return head + bytes((record.operation,)) + _u(record.sum, 5)
            case Form.SHIFT_OPEN | Form.SHIFT_CLOSE:
                return head + _u(record.shift, 2)
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
        return _u(record.form, 2) + _u(size, 2)

    def _read_tags(self) -> bytes:
        if self._unread is None:
            raise Refusal(errors.NO_DATA)
        block, self._unread = self._unread[:TAGS_BLOCK_BYTES], self._unread[TAGS_BLOCK_BYTES:] or None
        return block

    # --- hands that interfere ---------------------------------------------------------------------------------------

    def take_paper_out(self, now: float) -> None:
        """Tear the roll out, or let it come to its end."""
        self._advance(now)
        self.truth.paper_is_in = False
        self._changed(self.truth)

    def put_paper_in(self, now: float, lines: int = ROLL_LINES) -> None:
        """A roll of so many lines."""
        self._advance(now)
        self.truth.paper_is_in, self.truth.paper_lines = True, lines
        self._changed(self.truth)

    def open_cover(self, now: float) -> None:
        """Nothing is printed under an open cover."""
        self._advance(now)
        self.truth.cover_is_open = True
        self._changed(self.truth)

    def close_cover(self, now: float) -> None:
        """It prints again."""
        self._advance(now)
        self.truth.cover_is_open = False
        self._changed(self.truth)

    def be_busy(self, seconds: float, now: float) -> None:
        """Print something that nobody asked for."""
        self._advance(now)
        self.faults.busy_until = now + seconds

    def leave_document_open(self, units: int, now: float, *, is_receipt: bool = True) -> None:
        """Another program begins a document and goes away; the shift is opened for it if need be."""
        self._advance(now)
        if self.truth.opened is None:
            if is_receipt and not self.truth.drive.shift_is_open:
                self._record(Form.SHIFT_OPEN)
            items = [Item("Товар другой программы", units * 100, units * 100, 6, 4, 1)] if is_receipt else []
            self._open(OpenDocument(is_receipt, ["Другая программа"], items))

    def sell_elsewhere(self, units: int, now: float) -> None:
        """Another program makes a receipt, without payment number."""
        self.leave_document_open(units, now)
        self._record(Form.RECEIPT, self.truth.opened)
        self.truth.opened = None
        self._changed(self.truth)

    def swap_drive(self, serial: str, now: float) -> None:
        """A technician puts another fiscal drive in and registers it."""
        self._advance(now)
        self.truth.former_drives.append(self.truth.drive)
        self.truth.drive = Drive(serial)
        self.truth.drive.record(Form.REGISTRATION, self.clock)
        self.truth.opened = None
        self._changed(self.truth)

    def move_clock(self, hours: float, now: float) -> None:
        """Let the registrar's clock jump, as if so many hours had passed."""
        self._advance(now)
        if abs(hours) > CLOCK_HOURS_MAX or (self.clock + timedelta(hours=hours)).year > 2000 + YEARS_MAX:
            raise ConsoleError(
                f"the clock shows {self.clock:%d.%m.%Y}; it goes to the end of {2000 + YEARS_MAX}"
            )
        self.truth.clock_offset_s += hours * 3600
        self._changed(self.truth)

    def clear(self, now: float) -> None:
        """A technician mends all that is wrong; the roll and the cover, too."""
        self._advance(now)
        self.faults = Faults(loses_ofd=self.faults.loses_ofd)
        self.quirks.refusals.clear()
        self.close_cover(now)
        if not self._has_paper:
            self.put_paper_in(now)

    # --- the console ------------------------------------------------------------------------------------------------

    def obey(self, words: list[str], now: float) -> dict[str, Any]:
        """Carry out one console line. Raises ConsoleError with what is allowed."""
        match words:
            case ["power", "off"]:
                self.cut_power(now)
            case ["power", "on"]:
                self.restore_power(now)
            case ["paper", "out"]:
                self.take_paper_out(now)
            case ["paper", "in"]:
                self.put_paper_in(now)
            case ["paper", "low"]:
                self.put_paper_in(now, LOW_LINES - 1)
            case ["paper", "left", lines]:
                self.put_paper_in(now, whole_number(lines, 0, ROLL_LINES))
            case ["cover", "open"]:
                self.open_cover(now)
            case ["cover", "close"]:
                self.close_cover(now)
            case ["fault", name, *values]:
                self._set_fault(name, values, now)
            case ["ofd", ("on" | "off") as state]:
                self.faults.loses_ofd = state == "off"
            case ["clock", hours]:
                self.move_clock(whole_number(hours, 1, CLOCK_HOURS_MAX), now)
            case ["leftover", units]:
                self.leave_document_open(whole_number(units, 1, 1_000_000), now)
            case ["drive", serial] if len(serial) == 16 and serial.isascii() and serial.isdecimal():
                self.swap_drive(serial, now)
            case ["clear"]:
                self.clear(now)
            case ["receipt", *number] if len(number) < 2:
                return self._show_receipt(whole_number(number[0], 1, DOCUMENTS_MAX) if number else None)
            case ["state"]:
                return self.state(now)
            case ["help"]:
                return {"commands": COMMANDS}
            case _:
                raise ConsoleError(f"{' '.join(words)!r} is no command; there are: {', '.join(COMMANDS)}")
        return {}

    def _set_fault(self, name: str, values: list[str], now: float) -> None:
        match name, values:
            case "lose_answer", []:
                self.quirks.lost_answers += 1
            case "forget_answer", []:
                self.quirks.forgets_after_record += 1
            case "busy", [seconds]:
                self.be_busy(whole_number(seconds, 1, 3600), now)
            case "refuse", [command, code]:
                self.quirks.refusals.setdefault(_hex(command), []).append(_hex(code)[0])
            case (("drive_failed" | "drive_full" | "drive_expired"), []):
                self.faults.drive = {"drive_failed": 0x30, "drive_full": 0x14, "drive_expired": 0x05}[name]
            case (("lock" | "clock" | "failure"), []):
                modes = {"lock": Mode.INSPECTOR_LOCK, "clock": Mode.DATE_UNCONFIRMED}
                self.faults.mode = modes.get(name, Mode.TECHNICAL_RESET)
            case _:
                raise ConsoleError(f"fault {name!r} is not known; there are: {', '.join(FAULTS)}")

    def _show_receipt(self, number: int | None) -> dict[str, Any]:
        sheet = self.truth.printed_receipt(number)
        if sheet is None or sheet.document is None:
            raise ConsoleError("no such receipt was printed to its end")
        record = self.truth.drive.documents[sheet.document - 1]
        return {"number": record.number, "text": sheet.text, "qr": paper.qr(record, self.truth.drive)}

    def state(self, now: float) -> dict[str, Any]:
        """The physical truth, and what the electronics make of it."""
        self._advance(now)
        return self.truth.count() | {
            "power": self.has_power,
            "mode": self.mode.name.lower() if self.has_power else "off",
            "submode": self.submode.name.lower() if self.has_power else "off",
            "clock": self.clock.isoformat(timespec="seconds"),
        }


_CLOSE_RECEIPT = b"\xff\x45"
_DURATIONS = {_CLOSE_RECEIPT: CLOSE_S, b"\xe0": OPEN_SHIFT_S, b"\x41": REPORT_S, b"\x40": REPORT_S}
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
FAULTS = [
    "lose_answer", "forget_answer", "busy SECONDS", "refuse COMMAND ERROR (hex)", "drive_failed", "drive_full",
    "drive_expired", "lock", "clock", "failure",
]  # fmt: skip
COMMANDS = [
    "power off", "power on", "paper out", "paper in", "paper low", "paper left LINES", "cover open",
    "cover close", *(f"fault {fault}" for fault in FAULTS), "clear", "ofd off", "ofd on", "clock HOURS",
    "leftover UNITS", "drive SERIAL", "receipt [NUMBER]", "unplug", "plug", "state", "help",
]  # fmt: skip


def _code(body: bytes) -> bytes:
    return body[:2] if body[0] == 0xFF else body[:1]


def _u(value: int, size: int) -> bytes:
    return value.to_bytes(size, "little")


def _n(data: bytes) -> int:
    return int.from_bytes(data, "little")


def _time(record: Record | None) -> bytes:
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


def _hex(text: str) -> bytes:
    try:
        found = bytes.fromhex(text)
    except ValueError as error:
        raise ConsoleError(f"{text!r} is no code in hexadecimal digits, like FF45 or 6B") from error
    if not found:
        raise ConsoleError("a code has two or four hexadecimal digits")
    return found


def _build(truth: Truth, speed: float, changed: Callable[[Truth], None]) -> Simulator:
    wall = datetime.now().astimezone().replace(tzinfo=None)
    return Simulator(time.monotonic(), truth, wall=wall, speed=speed, changed=changed)


if __name__ == "__main__":
    sys.exit(main("devices.shtrih.simulator", COMMANDS, Truth, _build))
