"""A Shtrih-M registrar as it stands there: how it is, what it waits for, its shifts, and the way to being ready.

Source: Shtrih-M, "Command protocol" 1.17: modes, submodes, commands; the times marked "ours" are the host's own choice.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from devices.shtrih import errors, problems
from devices.shtrih import protocol as p
from devices.shtrih.exchange import AnswerLost, Exchange
from devices.shtrih.problems import Verdict
from devices.shtrih.protocol import Command, DriveStatus, Form, Mode, Refused, Submode
from devices.shtrih.settings import (
    AUTOMATON_TABLE_WORDS,
    FIELDS_MAX,
    MOVED_TABLES,
    UNKNOWN,
    Found,
    Setting,
    Settings,
    is_named,
)
from devices.steps import Program, Time, report, sleep
from kassa.errors import KassaError
from kassa.money import MINOR_MAX, Money
from kassa.ports import RegistrarStatus, ShiftClosed, ShiftCounted, ShiftOpened, ShiftState

T = TypeVar("T")

LEARN_EVERY_S = 10.0
"""Drive, shift, clock and the queue for the OFD are looked at so often (ours)."""
TELL_EVERY_S = 3.0
"""The core hears of the registrar at least so often."""
BUSY_MS = 200
"""Between two looks at a registrar that prints."""
BUSY_TOLD_S = 3.0
"""A registrar that prints for a moment is no problem of anybody's."""
BUSY_MAX_S = 60.0
"""So long a printing registrar is waited for; one was seen to print forever."""
PRINT_MAX_S = 15.0
"""So long the customer's document may print before it counts as not printed (ours)."""
STEPS_MAX = 12
"""So many things the registrar may want before a document (continue, cancel, close, open); more is a circle."""
DOCUMENT_LEFT_S = 10.0
"""A document that stands open so long and that nobody asks to settle is somebody else's: it is cancelled (ours)."""
FAULT_S = 30.0
"""So long a refusal keeps the registrar out of service before it is tried again (ours)."""
REFUSALS_MAX = 2
"""So many refusals in a row, each of which a status should have explained, and it counts as a failure (ours)."""
SETTLE_DOCUMENTS_MAX = 200
"""A registration is settled before the next one begins: more documents after it mean that it was not we who waited."""
OTHER_REPORTS_MAX = 10
"""So many documents of a shift may be neither receipts nor its opening (ours); else its age stays unknown."""
RARELY_S = 3600.0
"""The drive's last day and the settings change when a technician was there: they are read so often (ours)."""
SALES_CASH, SALES_OTHER, SALE_RECEIPTS = 193, (197, 201, 205), 144
"""Registers of the running shift: sales by the four types of payment, and the number of sale receipts."""
PAPER_INTERRUPTED = (Submode.PAPER_RAN_OUT, Submode.WAITS_FOR_CONTINUE)


class NotReady(KassaError):
    """No document can be made now; the message says why to staff."""


class AgentRefused(KassaError):
    """The registrar does not take what an agent's item has to say; as the operator's own it must not be sold."""

    def __init__(self, error: Refused) -> None:
        super().__init__(
            f"the registrar does not take the agent's data: {error}; have it registered with the agent's sign "
            "(tag 1057), and leave the service in kassa.toml until this payment has its document"
        )


class Registrar:
    """One registrar whose documents are in `currency`; `wall` is the local time here, with its zone: as its clock shows."""

    def __init__(self, password: int, currency: str, wall: Callable[[], datetime]) -> None:
        self._password, self._currency, self._wall = password, currency, wall
        # These outlive the link: what the core has been told of shifts, and why receipts were refused.
        self._seen: tuple[str, int, p.Shift] | None = None
        self._opened_at: datetime | None = None
        self._fault: Verdict | None = None
        self._fault_until = 0.0
        self._refusals = 0

    def _begin_life(self, now: Time) -> None:
        self._now, self._line = now, Exchange(now)
        self._model, self._parameters = "", p.Parameters(0)
        self._drive: DriveStatus | None = None
        self._shift = p.Shift(is_open=False, number=0, receipt=0)
        self._exchange = p.Exchange(0, 0, None)
        self._clock: datetime | None = None
        self._clock_ahead_min = 0
        self._expiry = p.DriveExpiry(None)
        self._settings = UNKNOWN
        self._expiry_at = self._settings_at = self._learned_at = self._told_at = float("-inf")
        self._notices: tuple[problems.Notice, ...] = ()
        self._busy_since: float | None = None
        self._open_since: float | None = None
        self._told: RegistrarStatus | None = None

    def _ask(self, command: Command[T]) -> Program[T]:
        return (yield from self._line.ask(command))

    def _patiently(self, command: Command[T]) -> Program[T]:
        """Ask, and ask again while the registrar still prints what was before; that refusal means: nothing was done."""
        waited_ms = 0
        while True:
            try:
                return (yield from self._ask(command))
            except Refused as error:
                if error.code != errors.BUSY or waited_ms >= BUSY_MAX_S * 1000:
                    raise
            yield from sleep(BUSY_MS)
            waited_ms += BUSY_MS

    def _if_it_can(self, command: Command[p.Nothing]) -> Program[None]:
        """What a receipt can do without: not every firmware takes it."""
        try:
            yield from self._patiently(command)
        except Refused as error:
            if error.code not in errors.NOT_SUPPORTED:
                raise

    def _wait_for_print(self) -> Program[bool]:
        """Wait until the document is on paper; False when paper ran out, or when it takes too long."""
        give_up = self._now() + PRINT_MAX_S
        while self._now() < give_up:
            try:
                status = yield from self._ask(p.short_status(self._password))
            except Refused:
                return False
            is_printing = (
                status.submode in problems.PRINTING or status.print_result == p.PRINT_RESULT_PRINTING
            )
            if not is_printing:
                return status.submode not in PAPER_INTERRUPTED and not status.print_result
            yield from sleep(BUSY_MS)
        return False

    def _moment(self, at: datetime) -> datetime:
        """A time of the registrar's wall clock, with the zone that it has here."""
        return at.replace(tzinfo=self._wall().tzinfo)

    # --- getting ready -----------------------------------------------------------------------------------------------------

    def _get_ready(self, wanted: Mode | None) -> Program[DriveStatus]:
        """Bring the registrar into the mode `wanted`, shift open or closed, with nothing half done in it.

        One look, one step: whatever an answer's loss leaves unknown, the next look shows. None wants nothing but that
        the way is free. Raises NotReady, and Refused for what no status explains.
        """
        waited_ms = steps = 0
        while True:
            status = yield from self._ask(p.short_status(self._password))
            drive = yield from self._learn()
            step = self._next_step(status, drive, wanted)
            verdict = self._judge(status, is_for_receipt=wanted is Mode.SHIFT_OPEN)
            if step is None and verdict.problem is None:
                return drive
            if step is None:
                if verdict.problem != problems.BUSY:
                    raise NotReady(verdict.detail)
                if waited_ms >= BUSY_MAX_S * 1000:
                    raise NotReady(f"the registrar has been busy for {BUSY_MAX_S:.0f} s: {verdict.detail}")
                yield from self._wait_while_busy(waited_ms, verdict.detail)
                waited_ms += BUSY_MS
            elif steps >= STEPS_MAX:
                raise NotReady(f"the registrar does not get ready; it stays in mode {status.mode.name}")
            else:
                steps += 1
                if step.code == p.Z_REPORT:
                    yield from self._tell_count()
                yield from self._try(step)

    def _next_step(
        self, status: p.ShortStatus, drive: DriveStatus, wanted: Mode | None
    ) -> Command[Any] | None:
        """The one command that brings us nearer; None when there is none, because it is ready or must be waited for."""
        if status.submode == Submode.WAITS_FOR_CONTINUE:
            return p.continue_print(self._password)
        if status.submode in problems.PRINTING:
            return None
        if status.mode is Mode.DATA_OUTPUT:
            return p.read_tags(self._password)  # somebody asked for a document and did not hear the end of it
        if problems.of_printer(status, self._parameters).problem not in (None, problems.DOCUMENT_OPEN):
            return None
        if status.mode is Mode.DOCUMENT_OPEN:
            return self._cancellation(status)
        if drive.current_document:
            return p.cancel_drive_document(self._password)
        is_open = status.mode in (Mode.SHIFT_OPEN, Mode.SHIFT_EXPIRED)
        if is_open and wanted not in (status.mode, None):
            return p.z_report(self._password)
        if status.mode is Mode.SHIFT_CLOSED and wanted is Mode.SHIFT_OPEN:
            return None if self._judge(status).problem else p.open_shift(self._password)
        return None

    def _try(self, command: Command[Any]) -> Program[None]:
        """Ask for something whose effect the next status shows, so a lost answer or a passing refusal is no matter."""
        try:
            yield from self._ask(command)
        except AnswerLost:
            return
        except Refused as error:
            if error.code not in problems.PASSING and error.code != errors.NO_DATA:
                raise
            yield from sleep(BUSY_MS)

    def _cancellation(self, status: p.ShortStatus) -> Command[p.Nothing]:
        if status.mode_detail == p.TEXT_DOCUMENT:
            return p.close_text_document(self._password)
        return p.cancel_receipt(self._password)

    def _wait_while_busy(self, waited_ms: int, detail: str) -> Program[None]:
        """One pause; the core goes on hearing of a registrar that keeps a command waiting."""
        yield from sleep(BUSY_MS)
        if waited_ms >= BUSY_TOLD_S * 1000:
            yield from self._tell(Verdict(problems.BUSY, detail), is_expired=False)

    # --- how it is -----------------------------------------------------------------------------------------------------------

    def _identify(self) -> Program[None]:
        """Name and sensors; a model that does not tell has its submode to speak for it."""
        try:
            self._model = (yield from self._ask(p.model())).name
            self._parameters = yield from self._ask(p.parameters())
        except Refused:
            pass

    def _look(self) -> Program[None]:
        """One look at the registrar: what it waits for is given, what the core should know is told."""
        at = self._now()
        try:
            status = yield from self._ask(p.short_status(self._password))
            if self._drive is None or at - self._learned_at >= LEARN_EVERY_S:
                yield from self._learn()
            yield from self._tend(status, at)
            self._notices = problems.notices(
                status, self._parameters, self._drive, self._expiry.on, self._wall().date(), self._settings
            )
            verdict = self._judge(status)
            if verdict.problem is None and self._fault is not None and at < self._fault_until:
                verdict = self._fault
            is_expired = status.mode is Mode.SHIFT_EXPIRED
        except (Refused, AnswerLost) as error:
            verdict, is_expired = problems.of_error(error), False
        if verdict.problem != problems.BUSY:
            self._busy_since = None
        elif self._busy_since is None:
            self._busy_since = at
        if self._busy_since is not None and at - self._busy_since < BUSY_TOLD_S:
            verdict = problems.NONE
        yield from self._tell(verdict, is_expired)
        if verdict.problem is None and at - self._settings_at >= RARELY_S:
            yield from self._read_settings()

    def _tend(self, status: p.ShortStatus, at: float) -> Program[None]:
        """Paper is back: print on. A document that nobody asks for: cancel it."""
        is_left_open = status.mode is Mode.DOCUMENT_OPEN and status.submode == Submode.IDLE
        if not is_left_open:
            self._open_since = None
        elif self._open_since is None:
            self._open_since = at
        if status.submode == Submode.WAITS_FOR_CONTINUE:
            yield from self._try(p.continue_print(self._password))
        elif status.mode is Mode.DATA_OUTPUT:
            yield from self._try(p.read_tags(self._password))
        elif self._open_since is not None and at - self._open_since >= DOCUMENT_LEFT_S:
            self._open_since = at
            yield from self._try(self._cancellation(status))

    def _tell(self, verdict: Verdict, is_expired: bool) -> Program[None]:
        shift = ShiftState.OPEN if self._shift.is_open else ShiftState.CLOSED
        since = self._exchange.since
        fact = RegistrarStatus(
            model=self._model,
            drive_serial=self._drive.serial if self._drive else "",
            shift=ShiftState.EXPIRED if is_expired else shift,
            shift_number=self._shift.number,
            last_document=self._drive.last_document if self._drive else 0,
            unsent_documents=self._exchange.unsent,
            problem=verdict.problem,
            detail=verdict.detail,
            shift_opened_at=self._opened_at if self._shift.is_open else None,
            unsent_since=self._moment(since) if self._exchange.unsent and since is not None else None,
            drive_expires=self._expiry.on,
            clock_ahead_min=self._clock_ahead_min,
            notices=self._notices,
        )
        at = self._now()
        if fact != self._told or at - self._told_at >= TELL_EVERY_S:
            self._told, self._told_at = fact, at
            yield from report(fact)

    def _learn(self) -> Program[DriveStatus]:
        """Read what the fiscal drive says of itself, and tell the core of shifts that were opened or closed."""
        at = self._now()
        drive = yield from self._ask(p.drive_status(self._password))
        shift = yield from self._ask(p.shift(self._password))
        if shift.is_open != drive.is_shift_open:  # a report came in between: which number has it?
            drive = yield from self._ask(p.drive_status(self._password))
        yield from self._look_at_clock()
        if at - self._learned_at >= LEARN_EVERY_S:
            self._exchange = yield from self._ask_for_detail(p.exchange(self._password), self._exchange)
        if at - self._expiry_at >= RARELY_S:
            self._expiry = yield from self._ask_for_detail(p.drive_expiry(self._password), self._expiry)
            self._expiry_at = at
        yield from self._follow_shifts(drive, shift)
        self._drive, self._shift, self._learned_at = drive, shift, at
        return drive

    def _look_at_clock(self) -> Program[None]:
        self._clock = (yield from self._ask(p.long_status(self._password))).at
        if self._clock is not None:
            ahead_s = (self._moment(self._clock) - self._wall()).total_seconds()
            self._clock_ahead_min = round(ahead_s / 60)

    def _ask_for_detail(self, command: Command[T], known: T) -> Program[T]:
        """Ask for what is good to know; a model that does not tell it is not out of order for that."""
        try:
            return (yield from self._ask(command))
        except Refused as error:
            if error.code not in errors.NOT_SUPPORTED and error.code != errors.NO_DATA:
                raise
            return known

    # --- settings ------------------------------------------------------------------------------------------------------------

    def _read_settings(self) -> Program[None]:
        """Read the tables we depend on; what a model does not have stays unknown, and nothing is ever written."""
        found: dict[Setting, Found] = {}
        try:
            automaton_table = yield from self._find_automaton_table()
            for setting in Setting:
                place = yield from self._find_setting(setting, automaton_table)
                read = None if place is None else (yield from self._read_setting(*place, setting))
                if read is not None:
                    found[setting] = read
        except Refused as error:
            if error.code not in errors.NO_SETTING:
                self._settings_at = (
                    self._now() - RARELY_S + FAULT_S
                )  # it passes, mostly: it is read again soon
                return
        self._settings, self._settings_at = Settings(found), self._now()

    def _find_automaton_table(self) -> Program[int | None]:
        for table in MOVED_TABLES:
            structure = yield from self._unless_missing(p.table_structure(self._password, table))
            if structure is not None and is_named(structure.name, AUTOMATON_TABLE_WORDS):
                return table
        return None

    def _find_setting(
        self, setting: Setting, automaton_table: int | None
    ) -> Program[tuple[int, int, str] | None]:
        """Table and field, and the name by which it was found; None where the device has none that is called so."""
        wanted = setting.value
        if wanted.table is not None:
            return wanted.table, wanted.field, ""
        if automaton_table is None:
            return None
        for field in (wanted.field, *range(1, FIELDS_MAX + 1)):
            structure = yield from self._unless_missing(
                p.field_structure(self._password, automaton_table, field)
            )
            if structure is not None and is_named(structure.name, wanted.words):
                return automaton_table, field, structure.name
            if structure is None and field > wanted.field:
                return None
        return None

    def _read_setting(self, table: int, field: int, name: str, setting: Setting) -> Program[Found | None]:
        """What the device has there, with the device's own name of it where staff will hear of it."""
        value = yield from self._unless_missing(p.read_table(self._password, table, 1, field))
        if value is None:
            return None
        found = Found(table, field, name, value)
        if name or found.is_right(setting):
            return found
        structure = yield from self._unless_missing(p.field_structure(self._password, table, field))
        return found if structure is None else found._replace(name=structure.name)

    def _unless_missing(self, command: Command[T]) -> Program[T | None]:
        try:
            return (yield from self._ask(command))
        except Refused as error:
            if error.code not in errors.NO_SETTING:
                raise
            return None

    # --- shifts --------------------------------------------------------------------------------------------------------------

    def _follow_shifts(self, drive: DriveStatus, shift: p.Shift) -> Program[None]:
        """Each shift report since the last look is a fact; the first look of a driver's life only takes its bearings."""
        seen = self._seen
        if seen is None or seen[0] != drive.serial or seen[1] > drive.last_document:
            self._opened_at = (yield from self._find_opening(drive, shift)) if shift.is_open else None
        elif (seen[2].is_open, seen[2].number) != (shift.is_open, shift.number):
            yield from self._tell_shifts(*seen, drive.last_document)
        self._seen = (drive.serial, drive.last_document, shift)

    def _tell_shifts(self, serial: str, after: int, before: p.Shift, last: int) -> Program[None]:
        """Tell of each shift report after document `after`; what was told once is not told again in another life."""
        for number in range(max(after, last - SETTLE_DOCUMENTS_MAX) + 1, last + 1):
            found = yield from self._ask(p.find_document(self._password, number))
            if found.form == Form.SHIFT_OPEN and found.shift is not None:
                self._opened_at = self._moment(found.at)
                yield from report(ShiftOpened(found.shift, number, serial))
            elif found.form == Form.SHIFT_CLOSE and found.shift is not None:
                self._opened_at = None
                yield from report(ShiftClosed(found.shift, number, serial))
            self._seen = (serial, number, before)

    def _find_opening(self, drive: DriveStatus, shift: p.Shift) -> Program[datetime | None]:
        """When a shift was opened that stands open already.

        Its report lies as many documents back as the shift has receipts, or a few more: there are other reports.
        """
        nearest = drive.last_document - shift.receipt
        for number in range(nearest, max(0, nearest - OTHER_REPORTS_MAX), -1):
            found = yield from self._ask(p.find_document(self._password, number))
            if found.form == Form.SHIFT_OPEN:
                return self._moment(found.at)
        return None

    def _tell_count(self) -> Program[None]:
        """What the shift adds up to, before it is closed; a registrar that cannot tell is closed all the same."""
        try:
            counted = yield from self._count_shift()
        except (Refused, AnswerLost):
            return
        yield from report(counted)

    def _count_shift(self) -> Program[ShiftCounted]:
        """The running shift's receipts and corrections, and their sum. Raises Refused, AnswerLost.

        Registers count them quickly. Whether they count corrections is each firmware's own affair: where they know of
        fewer receipts than the fiscal drive does, or tell nothing, the drive's archive is read instead.
        """
        shift = yield from self._ask(p.shift(self._password))
        try:
            receipts = yield from self._ask(p.operation_register(self._password, SALE_RECEIPTS))
            total = 0
            for register in (SALES_CASH, *SALES_OTHER):
                total += yield from self._ask(p.cash_register(self._password, register))
        except Refused as error:
            if error.code not in errors.NOT_SUPPORTED:
                raise
            receipts = -1
        if receipts != shift.receipt or total > MINOR_MAX:
            receipts, total = yield from self._count_archive(shift)
        assert self._drive is not None, "who counts has looked at it"
        return ShiftCounted(shift.number, receipts, Money(total, self._currency), self._drive.serial)

    def _count_archive(self, shift: p.Shift) -> Program[tuple[int, int]]:
        """Sales and corrected sales back to the shift's opening, and their sum in minor units."""
        last = (yield from self._ask(p.drive_status(self._password))).last_document
        receipts = total = 0
        for number in range(last, max(0, last - shift.receipt - OTHER_REPORTS_MAX), -1):
            found = yield from self._ask(p.find_document(self._password, number))
            if found.form in (Form.SHIFT_OPEN, Form.SHIFT_CLOSE):
                break
            if found.operation == p.OPERATION_SALE:
                receipts, total = receipts + 1, total + (found.total or 0)
            if self._now() - self._told_at >= TELL_EVERY_S:
                yield from self._tell(Verdict(problems.BUSY, "the shift is being counted"), is_expired=False)
        return receipts, total

    # --- what is wrong -----------------------------------------------------------------------------------------------------

    def _judge(self, status: p.ShortStatus, *, is_for_receipt: bool = True) -> Verdict:
        """What stands in the way of a document; a shift may be closed where no receipt may be made."""
        verdict = problems.of_printer(status, self._parameters)
        if verdict.problem is None and is_for_receipt:
            return problems.of_drive(self._drive, self._clock, self._expiry.on, self._exchange)
        return verdict

    def _remember_refusal(self, error: KassaError) -> None:
        """Keep the terminal from taking money for receipts that are refused; what a status shows need not be kept."""
        if isinstance(error, AgentRefused):
            self._fault, self._fault_until = problems.of_refused_agent(error), self._now() + FAULT_S
        elif isinstance(error, Refused) and not problems.is_passing(error):
            self._refusals += 1
            if problems.is_lasting(error) or self._refusals >= REFUSALS_MAX:
                self._fault, self._fault_until = problems.of_error(error), self._now() + FAULT_S
