"""A simulated registrar's printer, clock and fiscal drive: what is there whether or not somebody talks to it; and hands.

Sans I/O and without a clock: whoever runs it says what time it is.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from devices.console import ConsoleError, whole_number
from devices.shtrih import paper, tables
from devices.shtrih.memory import SHIFT_MAX, Drive, Item, Job, OpenDocument, Record, Sheet, Truth
from devices.shtrih.paper import Owner
from devices.shtrih.protocol import Form, Mode, Submode
from devices.shtrih.quirks import Faults, Quirks, Refusal

LINE_S = 0.02
"""How long one line prints."""
LOW_LINES = 200
"""So many lines before its end the roll's sensor says: low."""
ROLL_LINES = 20_000
STRIP_LINES_MAX = 2_000
"""More paper than this does not hang out of a printer: somebody tears it off."""
CLOCK_HOURS_MAX, YEARS_MAX = 100_000, 99
"""A hand moves the clock by so much at once; it has two digits for a year."""
DOCUMENTS_MAX = 200_000
"""A real drive's archive holds about as many."""
UNSENT_MAX = timedelta(days=30)


class Mechanics:
    """Fiscal drive and printer. `now` is monotonic seconds and never goes back; at `now` its clock shows `wall`."""

    def __init__(
        self,
        now: float,
        truth: Truth | None,
        wall: datetime,
        speed: float,
        quirks: Quirks | None,
        owner: Owner | None,
        changed: Callable[[Truth], None],
    ) -> None:
        self.truth = truth or Truth()
        self.quirks, self.faults, self.owner = quirks or Quirks(), Faults(), owner or Owner()
        self.has_power = False
        self._speed, self._changed = speed, changed
        self._started_at, self._wall = now, wall
        self._now = now
        self._forget()
        if not self.truth.drive.documents:
            self.truth.drive.record(Form.REGISTRATION, self.clock)
            self.truth.drive.confirmed = 1

    def _forget(self) -> None:
        """Lose what only a powered printer knows."""
        self._unread: bytes | None = None
        self._line_at: float | None = None
        self._closing_at: float | None = None
        self._printed = 0

    def _advance(self, now: float) -> None:
        """Let time pass; whoever knows of more than the printer says what happens in it."""
        raise NotImplementedError

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
        if self.truth.opened is not None and self.truth.opened.has_items:
            return Mode.DOCUMENT_OPEN  # a correction without items stands open in the fiscal drive only
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

    # --- printing ----------------------------------------------------------------------------------------------

    def _print(self, lines: list[str], document: int | None = None, *, is_cut: bool | None = None) -> None:
        """Begin to print; the truth is kept before anybody can hear of it. Documents are cut as table 1 says."""
        if is_cut is None:
            is_cut = tables.value(self.truth.tables, tables.CUTS) != 0
        self.truth.job, self.truth.is_interrupted = Job(lines, document, is_cut), False
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
        self.truth.strip += job.lines
        del self.truth.strip[:-STRIP_LINES_MAX]
        self.truth.strip_document = job.document or self.truth.strip_document
        if job.is_cut:
            self._cut()
        self.truth.job, self._printed = None, 0
        self._changed(self.truth)

    def _tear(self) -> None:
        """What was printed of the job so far is a piece of paper of its own."""
        job = self.truth.job
        if job is not None and self._printed:
            torn = self.truth.strip + job.lines[: self._printed]
            self.truth.strip, self.truth.strip_document = [], None
            self.truth.hand_out(Sheet(torn, job.document, is_whole=False))
        self._printed, self._line_at = 0, None

    def _cut(self) -> None:
        """What hangs out of the printer falls into a hand."""
        if self.truth.strip:
            self.truth.hand_out(Sheet(self.truth.strip, self.truth.strip_document, is_whole=True))
        self.truth.strip, self.truth.strip_document = [], None

    # --- the fiscal drive --------------------------------------------------------------------------------------

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
        if form is Form.SHIFT_CLOSE:
            self.truth.cash_in, self.truth.cash_out = [], []
            if tables.value(self.truth.tables, tables.CASH_IS_ZEROED):
                self.truth.drawer = 0

    # --- hands that interfere ----------------------------------------------------------------------------------

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

    def _open(self, document: OpenDocument) -> None:
        self.truth.opened = document
        self._changed(self.truth)

    def sell_elsewhere(self, units: int, now: float) -> None:
        """Another program makes a receipt, without payment number; what it finds open it cancels, as all do."""
        self.truth.opened = None
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

    def change_setting(self, table: int, field: int, value: str, now: float) -> None:
        """A technician changes a number in the tables."""
        self._advance(now)
        known = tables.TABLES.get(table)
        if known is None or field not in known.fields or known.fields[field].is_text:
            raise ConsoleError(f"there is no number in table {table}, field {field}")
        self.truth.tables[f"{table}.{field}"] = whole_number(value, 0, known.fields[field].highest)
        self._changed(self.truth)

    def let_drive_end(self, days: int, now: float) -> None:
        """The drive is good for so many days from now."""
        self._advance(now)
        self.truth.drive.expires = self.clock + timedelta(days=days)
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
