"""An ATOL fiscal registrar as the core sees it: a receipt in, its one fiscal document out.

The rules are those of every registrar of ours. The number of the drive's last document is journalled before a receipt's
task leaves. After that, whatever goes wrong, first whoever has the task says what became of it, and then the fiscal
drive's own archive says whether the document exists. No task is ever run again before both have answered.

Source: ATOL's driver 10, its tasks and their results; the times marked "ours" are the host's own choice.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import datetime, timedelta, tzinfo
from typing import TypeVar

from devices.atol import errors, problems, tasks
from devices.atol.exchange import Exchange, Intent, Meanwhile, Pending, Unavailable
from devices.atol.problems import Verdict
from devices.atol.tasks import BadAnswer, FoundDocument, Made, Refused, Task
from devices.steps import Program, Time, await_command, flush, report, sleep
from kassa.errors import KassaError
from kassa.ports import (
    ClockSet,
    CloseShift,
    CountShift,
    Document,
    DocumentRegistered,
    NotRegistered,
    PrintText,
    PrintXReport,
    Receipt,
    RegisterReceipt,
    RegistrarCommand,
    RegistrarLost,
    RegistrarStatus,
    RegistrationStarting,
    ReportFailed,
    SetClock,
    SettleReceipt,
    ShiftClosed,
    ShiftCounted,
    ShiftOpened,
    ShiftState,
    TextPrinted,
    XReportPrinted,
)
from kassa.untrusted import printable

T = TypeVar("T")

OPENING_MS = 50
"""Whoever had the port before us may just have spoken: let late answers arrive to be thrown away."""
POLL_MS = 1500
"""Paper and cover are looked at so often (ours)."""
LEARN_EVERY_S = 15.0
"""Drive, shift, clock and the queue for the data operator are looked at so often (ours)."""
TELL_EVERY_S = 3.0
"""The core hears of the registrar at least so often."""
BUSY_MS = 300
"""Between two tries of what a busy registrar refused."""
BUSY_MAX_S = 60.0
"""So long a busy registrar is waited for."""
STEPS_MAX = 12
"""So many things the registrar may want before a document (continue, close, open); more is a circle."""
FAULT_S = 30.0
"""So long a refusal keeps the registrar out of service before it is tried again (ours)."""
REFUSALS_MAX = 2
"""So many refusals in a row, each of which a look should have explained, and it counts as a failure (ours)."""
SETTLE_DOCUMENTS_MAX = 200
"""A registration is settled before the next one begins: more documents after it mean that it was not we who waited."""
SETTLE_TRIES_MAX = 4
SETTLE_PAUSE_MS = 1000
"""A refusal to read the archive passes, mostly; each payment that stays in doubt is work for a person (ours)."""
NAME_COMPARED_MAX = 120
"""Firmware may cut a longer name."""
SHIFT_LASTS = timedelta(hours=24)
CLOCK_SET_MAX = timedelta(minutes=2)
"""A clock that was set shows the time it was told, and the time that passed since."""
RECEIPT_KINDS = frozenset({"receipt", "bso"})
CORRECTION_KINDS = frozenset({"receiptCorrection", "bsoCorrection"})
MODEL_MAX = 60
"""Characters of its name."""
LINES_MAX, TEXT_MAX_CHARS = 200, 10_000
"""What is printed without fiscal meaning at once: a slip, not a book (ours)."""


class NotReady(KassaError):
    """No document can be made now; the message says why to staff."""


class InDoubt(KassaError):
    """Neither can the document be found nor is it certain that there is none: a person has to look."""


Trouble = (NotReady, Refused, Unavailable, Pending, BadAnswer)
"""What a task may end with; only the loss of the link ends the program."""


class AtolDriver:
    """One registrar whose documents are in `currency`.

    `exchange` makes the way to the device for one life of the link; `wall` is our own clock, and the registrar's shows
    the time of the same zone. Implements `devices.steps.Driver`: commands and facts are those of `kassa.ports`.
    """

    def __init__(
        self, exchange: Callable[[Time], Exchange], currency: str, wall: Callable[[], datetime]
    ) -> None:
        self._exchange, self._currency, self._wall = exchange, currency, wall
        # These outlive the link: what the core has been told of shifts, and why receipts were refused.
        self._seen: tuple[str, int, tasks.ShiftStatus] | None = None
        self._fault: Verdict | None = None
        self._fault_until = 0.0
        self._refusals = 0
        self._sends_place = True
        self._is_half_printed = False

    def _begin_life(self, now: Time) -> None:
        self._now, self._line = now, self._exchange(now)
        self._is_opened = False
        self._info = tasks.DeviceInfo()
        self._status = tasks.DeviceStatus()
        self._ahead_min = 0
        self._drive: tasks.FnInfo | None = None
        self._last_document = 0
        self._shift = tasks.ShiftStatus()
        self._ofd = tasks.OfdStatus()
        self._learned_at = self._told_at = float("-inf")
        self._told: RegistrarStatus | None = None

    def lost(self, reason: str) -> RegistrarLost:
        """What the core hears when the link is gone; the next `program` begins anew."""
        return RegistrarLost(reason)

    def program(self, now: Time) -> Program[None]:
        """Talk to the registrar from the moment its link is open; ends only by LinkLost."""
        self._begin_life(now)
        yield from sleep(OPENING_MS)
        yield from flush()
        while True:
            yield from self._look()
            command = yield from await_command(POLL_MS)
            if command is not None:
                yield from self._obey(command)
                self._learned_at = float("-inf")  # whatever it was, things are not as they were

    def _obey(self, command: RegistrarCommand) -> Program[None]:
        match command:
            case RegisterReceipt(receipt):
                yield from self._register(receipt)
            case SettleReceipt():
                yield from self._settle(command, "the registration was interrupted", is_over=False)
            case CloseShift():
                yield from self._answer(self._close_shift())
            case PrintXReport():
                yield from self._answer(self._print_x_report())
            case CountShift():
                yield from self._answer(self._count_shift())
            case SetClock(at):
                yield from self._answer(self._set_clock(at))
            case PrintText(lines):
                yield from self._answer(self._print_text(lines))

    def _answer(self, work: Program[None]) -> Program[None]:
        """Do what staff asked for; whatever goes wrong is told to them."""
        try:
            yield from self._open()
            yield from work
        except Trouble as error:
            yield from report(ReportFailed(str(error)))

    def _ask(self, task: Task[T], meanwhile: Meanwhile | None = None) -> Program[T]:
        return (yield from self._line.ask(task, meanwhile))

    def _patiently(self, task: Task[T]) -> Program[T]:
        """Ask, and ask again while the registrar is busy with something else: that refusal means: nothing was done."""
        waited_ms = 0
        while True:
            try:
                return (yield from self._ask(task, self._tell_busy))
            except Refused as error:
                if error.code != errors.BUSY or waited_ms >= BUSY_MAX_S * 1000:
                    raise
            yield from sleep(BUSY_MS)
            waited_ms += BUSY_MS

    # --- a receipt ---------------------------------------------------------------------------------------------------

    def _register(self, receipt: Receipt) -> Program[None]:
        """Make the document of a payment; every way out of here is a fact, or the link is lost."""
        assert receipt.total.currency == self._currency, receipt
        try:
            yield from self._open()
            drive = yield from self._get_ready(ShiftState.OPEN)
            if (forbidden := tasks.what_forbids(receipt, self._info.ffd)) is not None:
                raise NotReady(forbidden)
            task = tasks.receipt(receipt, self._info.ffd, with_place=self._sends_place)
            if len(task.body) > tasks.TASK_MAX_BYTES:
                raise NotReady(
                    f"the receipt's task has {len(task.body)} bytes; at most {tasks.TASK_MAX_BYTES} fit"
                )
            intent = Intent(receipt.payment, drive.serial, self._last_document)
            name = yield from self._line.prepare(intent)
        except Trouble as error:
            self._remember_refusal(error)
            yield from report(NotRegistered(receipt.payment, str(error), certain=True))
            return
        yield from report(RegistrationStarting(receipt.payment, drive.serial, self._last_document))
        begun = SettleReceipt(receipt, intent.drive_serial, intent.last_document)
        try:
            made = yield from self._line.register(name, task, self._tell_busy)
            if made.is_recovered:
                raise NotReady("the server lost sight of the receipt")
            document = self._checked(begun, made)
        except Trouble as error:
            self._remember_refusal(error)
            yield from self._settle(begun, str(error), is_over=isinstance(error, Refused))
            return
        self._fault, self._refusals = None, 0
        is_printed = made.is_printed or (yield from self._finish_print())
        yield from report(DocumentRegistered(receipt.payment, document, is_printed))

    def _checked(self, begun: SettleReceipt, made: Made) -> Document:
        """The document that was made. Raises NotReady where it may not be the payment's: the archive will tell."""
        document = made.document(self._currency, self._zone)
        if document.drive_serial != begun.drive_serial or document.number <= begun.last_document:
            raise NotReady(
                f"document {document.number} of drive {document.drive_serial} is not the one that was made"
            )
        if document.total != begun.receipt.total:
            raise NotReady(f"document {document.number} has a total of {document.total}")
        return document

    def _finish_print(self) -> Program[bool]:
        """Print what stands half printed; whether nothing is left to print."""
        try:
            status = yield from self._ask(tasks.device_status())
            if problems.of_printer(status).problem is None:
                yield from self._patiently(tasks.continue_print())
                self._is_half_printed = False
                return True
        except Refused as error:
            if error.code not in errors.INTERRUPTED | errors.LINK_ERRORS | {errors.BUSY}:
                self._is_half_printed = False
                return True  # there is nothing to continue
        except (Unavailable, BadAnswer):
            return False
        self._is_half_printed = True
        return False

    # --- what became of a receipt ----------------------------------------------------------------------------------------

    def _settle(self, begun: SettleReceipt, why: str, *, is_over: bool) -> Program[None]:
        """Tell the core what is known of a payment and what the archive says of it; never make a document.

        `is_over`: whoever ran the task has told its end.
        """
        payment = begun.receipt.payment
        for attempt in range(SETTLE_TRIES_MAX):
            if attempt:
                yield from sleep(SETTLE_PAUSE_MS)
            try:
                yield from self._open()
                found = yield from self._find_out(begun, is_over)
            except (InDoubt, Pending) as error:
                yield from report(NotRegistered(payment, f"{why}; {error}", certain=False))
                return
            except (Refused, Unavailable, BadAnswer) as error:
                refusal = error
                continue
            yield from report(found or NotRegistered(payment, why, certain=True))
            return
        yield from report(NotRegistered(payment, f"{why}; {refusal}", certain=False))

    def _find_out(self, begun: SettleReceipt, is_over: bool) -> Program[DocumentRegistered | None]:
        """The payment's document; None when there certainly is none.

        Raises InDoubt, Pending, Refused, Unavailable, BadAnswer.
        """
        receipt = begun.receipt
        if not is_over:
            made = yield from self._line.recall(
                Intent(receipt.payment, begun.drive_serial, begun.last_document)
            )
            if made is not None and not made.is_recovered:  # by our payment number we know better whose it is
                try:
                    document = self._checked(begun, made)
                except NotReady as error:
                    raise InDoubt(str(error)) from error
                is_printed = made.is_printed or (yield from self._finish_print())
                return DocumentRegistered(receipt.payment, document, is_printed)
        drive = yield from self._learn()
        if drive.serial != begun.drive_serial:
            raise InDoubt(
                f"it was begun on fiscal drive {begun.drive_serial}, and now there is {drive.serial}"
            )
        first, last = begun.last_document + 1, self._last_document
        if not first - 1 <= last <= first + 2 * SETTLE_DOCUMENTS_MAX:
            raise InDoubt(f"its document would be after {begun.last_document}, and the last one is {last}")
        numbers = [number for number in range(first, last + 1) if number not in begun.others]
        if len(numbers) > SETTLE_DOCUMENTS_MAX:
            raise InDoubt(f"its document would be after {begun.last_document}, and the last one is {last}")
        documents = []
        for number in numbers:
            documents.append((yield from self._ask(tasks.fn_document(number))))
        if [each.number for each in documents] != numbers:
            raise InDoubt("the archive tells of other documents than it was asked for")
        found = _choose(receipt, documents)
        if found is None:
            again = (yield from self._ask(tasks.fn_status())).fiscal_document_number
            if again != last:
                raise InDoubt(f"document {again} appeared meanwhile")
            return None
        shift = found.shift or self._shift_of(found, documents)
        document = Document(
            found.number,
            found.sign,
            tasks.moment(found.at, self._zone),
            receipt.total,
            drive.serial,
            shift,
        )
        return DocumentRegistered(receipt.payment, document, (yield from self._finish_print()))

    def _shift_of(self, found: FoundDocument, documents: list[FoundDocument]) -> int:
        """A document belongs to the shift whose closing report comes after it, else to the running one."""
        closings = [
            each.shift for each in documents if each.kind == "closeShift" and each.number > found.number
        ]
        return closings[0] if closings else self._shift.number

    # --- getting ready -----------------------------------------------------------------------------------------------------

    def _get_ready(self, wanted: ShiftState | None) -> Program[tasks.FnInfo]:
        """Bring the registrar's shift into the state `wanted`, with nothing half printed.

        One look, one step: whatever an answer's loss leaves unknown, the next look shows. None wants nothing but that
        the way is free. Raises NotReady, and what no look explains.
        """
        steps = 0
        while True:
            yield from self._read_status()
            drive = yield from self._learn()
            if (verdict := problems.of_printer(self._status)).problem is not None:
                raise NotReady(verdict.detail)
            if wanted is ShiftState.OPEN and (verdict := self._judge_drive(drive)).problem is not None:
                raise NotReady(verdict.detail)
            state = _shift_state(self._shift)
            if not self._is_half_printed and (wanted is None or state is wanted):
                return drive
            steps += 1
            if steps > STEPS_MAX:
                raise NotReady(f"the registrar does not get ready; its shift stays {state.value}")
            yield from self._step(state)

    def _step(self, state: ShiftState) -> Program[None]:
        """One thing that brings us nearer."""
        if self._is_half_printed:
            yield from self._finish_print()
        elif state is ShiftState.CLOSED:
            yield from self._try(tasks.open_shift())
        else:
            with contextlib.suppress(Refused, Unavailable, BadAnswer):  # closed it is all the same
                yield from self._tell_count()
            yield from self._try(tasks.close_shift())

    def _try(self, task: Task[Made]) -> Program[None]:
        """Ask for something whose effect the next look shows, so that a lost answer or a passing refusal is no matter."""
        try:
            made = yield from self._ask(task, self._tell_busy)
            self._is_half_printed |= not made.is_printed
        except Unavailable:
            yield from sleep(BUSY_MS)
        except Refused as error:
            self._is_half_printed |= error.code in errors.INTERRUPTED
            if not problems.is_passing(error):
                raise
            yield from sleep(BUSY_MS)

    # --- reports and what else staff ask for ------------------------------------------------------------------------------

    def _close_shift(self) -> Program[None]:
        """The Z-report; that the shift is closed is told by `_learn`, whoever closed it."""
        yield from self._get_ready(None)
        if _shift_state(self._shift) is ShiftState.CLOSED:
            raise NotReady("the shift is closed already: there is nothing to report")
        yield from self._get_ready(ShiftState.CLOSED)

    def _print_x_report(self) -> Program[None]:
        yield from self._get_ready(None)
        if _shift_state(self._shift) is ShiftState.CLOSED:
            raise NotReady("the shift is closed: there are no totals to print")
        yield from self._print(tasks.x_report())
        yield from report(XReportPrinted())

    def _print(self, task: Task[None]) -> Program[None]:
        try:
            yield from self._patiently(task)
        except Refused as error:
            self._is_half_printed |= error.code in errors.INTERRUPTED
            raise

    def _count_shift(self) -> Program[None]:
        yield from self._learn()
        if _shift_state(self._shift) is ShiftState.CLOSED:
            raise NotReady("the shift is closed: there is nothing to count")
        yield from self._tell_count()

    def _tell_count(self) -> Program[None]:
        totals = yield from self._patiently(tasks.shift_totals())
        receipts, total = totals.sold(self._currency)
        assert self._drive is not None, "who counts has looked at it"
        number = totals.shift_number or self._shift.number
        yield from report(ShiftCounted(number, receipts, total, self._drive.serial))

    def _set_clock(self, at: datetime) -> Program[None]:
        yield from self._get_ready(None)
        if _shift_state(self._shift) is not ShiftState.CLOSED:
            raise NotReady("the clock goes only while the shift is closed; close it first")
        wanted = at.astimezone(self._zone).replace(tzinfo=None)
        yield from self._patiently(tasks.set_date_time(wanted))
        status = yield from self._ask(tasks.device_status())
        shown = tasks.wall_time(status.current_date_time)
        if shown is None or abs(shown - wanted) > CLOCK_SET_MAX:
            raise NotReady(f"the clock was told {wanted:%d.%m.%Y %H:%M}, and shows {shown or 'nothing'}")
        yield from report(ClockSet())

    def _print_text(self, lines: tuple[str, ...]) -> Program[None]:
        if len(lines) > LINES_MAX or sum(map(len, lines)) > TEXT_MAX_CHARS:
            raise NotReady(f"at most {LINES_MAX} lines with {TEXT_MAX_CHARS} characters are printed at once")
        yield from self._get_ready(None)
        yield from self._print(tasks.non_fiscal(lines))
        yield from report(TextPrinted())

    # --- how it is -----------------------------------------------------------------------------------------------------------

    def _open(self) -> Program[None]:
        """Find the way to the device, if that has not been done in this life. Raises what a task may end with."""
        if not self._is_opened:
            yield from self._line.open()
            self._info = yield from self._ask(tasks.device_info())
            self._is_opened = True

    def _look(self) -> Program[None]:
        """One look at the registrar: what it waits for is given, what the core should know is told."""
        at = self._now()
        try:
            yield from self._open()
            yield from self._read_status()
            if self._drive is None or at - self._learned_at >= LEARN_EVERY_S:
                yield from self._learn()
            verdict = problems.of_printer(self._status)
            if verdict.problem is None and self._is_half_printed:
                yield from self._finish_print()
            if verdict.problem is None:
                assert self._drive is not None
                verdict = self._judge_drive(self._drive)
            if verdict.problem is None and self._fault is not None and at < self._fault_until:
                verdict = self._fault
        except Trouble as error:
            verdict = problems.of_error(error)
        yield from self._tell(verdict)

    def _read_status(self) -> Program[None]:
        """Paper, cover, and by how much its clock is ahead at this moment: it tells whole seconds."""
        self._status = yield from self._patiently(tasks.device_status())
        self._ahead_min = round((self._shown_time() - self._our_time()).total_seconds() / 60)

    def _judge_drive(self, drive: tasks.FnInfo) -> Verdict:
        return problems.of_drive(self._status, drive, self._ofd, self._shown_time())

    def _shown_time(self) -> datetime:
        """What the registrar's clock shows, else ours."""
        return tasks.wall_time(self._status.current_date_time) or self._our_time()

    def _our_time(self) -> datetime:
        return self._wall().replace(tzinfo=None)

    @property
    def _zone(self) -> tzinfo:
        zone = self._wall().tzinfo
        assert zone is not None, "our clock has its zone"
        return zone

    def _tell_busy(self, detail: str) -> Program[None]:
        """The core goes on hearing of a registrar that keeps a command waiting."""
        yield from self._tell(Verdict(problems.BUSY, detail))

    def _tell(self, verdict: Verdict) -> Program[None]:
        since = problems.unsent_since(self._ofd)
        found = list(problems.notices(self._drive, self._shown_time()))
        if not self._sends_place:
            found.append(
                (problems.SETTINGS, "it takes place and number of the kiosk from its registration only")
            )
        fact = RegistrarStatus(
            model=printable(self._info.model_name[:MODEL_MAX]) or "ATOL",
            drive_serial=self._drive.serial if self._drive else "",
            shift=_shift_state(self._shift),
            shift_number=self._shift.number,
            last_document=self._last_document,
            unsent_documents=self._ofd.not_sent_count,
            problem=verdict.problem,
            detail=verdict.detail,
            shift_opened_at=self._opened_at(),
            unsent_since=since.replace(tzinfo=self._zone) if since else None,
            drive_expires=tasks.day(self._drive.validity_date) if self._drive else None,
            clock_ahead_min=self._ahead_min,
            notices=tuple(found),
        )
        at = self._now()
        if fact != self._told or at - self._told_at >= TELL_EVERY_S:
            self._told, self._told_at = fact, at
            yield from report(fact)

    def _opened_at(self) -> datetime | None:
        """The registrar tells when a shift's 24 hours are over."""
        ends = tasks.wall_time(self._shift.expired_time or "")
        if _shift_state(self._shift) is ShiftState.CLOSED or ends is None or ends.year <= 1970:
            return None
        return (ends - SHIFT_LASTS).replace(tzinfo=self._zone)

    def _learn(self) -> Program[tasks.FnInfo]:
        """Read what drive and shift say of themselves, and tell the core of shifts that were opened or closed."""
        at = self._now()
        drive = yield from self._patiently(tasks.fn_info())
        last = (yield from self._patiently(tasks.fn_status())).fiscal_document_number
        shift = yield from self._patiently(tasks.shift_status())
        if _is_open(shift) is not _is_open(self._shift):  # its report may have come between the two questions
            last = (yield from self._patiently(tasks.fn_status())).fiscal_document_number
        if at - self._learned_at >= LEARN_EVERY_S:
            self._ofd = yield from self._ask_for_detail(tasks.ofd_exchange_status(), self._ofd)
        if self._drive is not None and self._drive.serial != drive.serial:
            self._info = yield from self._ask(
                tasks.device_info()
            )  # another drive, maybe another document format
        yield from self._follow_shifts(drive.serial, last, shift)
        self._drive, self._last_document, self._shift = drive, last, shift
        self._learned_at = at
        return drive

    def _ask_for_detail(self, task: Task[T], known: T) -> Program[T]:
        """Ask for what is good to know; a model that does not tell it is not out of order for that."""
        try:
            return (yield from self._patiently(task))
        except Refused as error:
            if error.code not in errors.NO_SUCH_DATA:
                raise
            return known

    def _follow_shifts(self, serial: str, last: int, shift: tasks.ShiftStatus) -> Program[None]:
        """Each shift report since the last look is a fact; the first look of a driver's life only takes its bearings."""
        seen = self._seen
        if seen is not None and seen[0] == serial and seen[1] <= last:
            was = seen[2]
            if (_is_open(was), was.number) != (_is_open(shift), shift.number):
                yield from self._tell_shifts(serial, seen[1], was, last)
        self._seen = (serial, last, shift)

    def _tell_shifts(self, serial: str, after: int, before: tasks.ShiftStatus, last: int) -> Program[None]:
        """Tell of each shift report after document `after`; what was told once is not told again in another life."""
        for number in range(max(after, last - SETTLE_DOCUMENTS_MAX) + 1, last + 1):
            found = yield from self._ask(tasks.fn_document(number))
            if found.kind == "openShift":
                yield from report(ShiftOpened(found.shift, number, serial))
            elif found.kind == "closeShift":
                yield from report(ShiftClosed(found.shift, number, serial))
            self._seen = (serial, number, before)

    def _remember_refusal(self, error: KassaError) -> None:
        """Keep the terminal from taking money for receipts that are refused; what a look shows need not be kept."""
        if not isinstance(error, Refused):
            return
        self._is_half_printed |= error.code in errors.INTERRUPTED
        if error.code in errors.PROPERTY_REFUSED and self._sends_place:
            self._sends_place = False
        elif not problems.is_passing(error):
            self._refusals += 1
            if problems.is_lasting(error) or self._refusals >= REFUSALS_MAX:
                self._fault, self._fault_until = problems.of_error(error), self._now() + FAULT_S


def _shift_state(shift: tasks.ShiftStatus) -> ShiftState:
    match shift.state:
        case "opened":
            return ShiftState.OPEN
        case "expired":
            return ShiftState.EXPIRED
        case _:
            return ShiftState.CLOSED


def _is_open(shift: tasks.ShiftStatus) -> bool:
    return _shift_state(shift) is not ShiftState.CLOSED


def _choose(receipt: Receipt, documents: list[FoundDocument]) -> FoundDocument | None:
    """Which of the documents after the intent is the payment's; None: certainly none of them. Raises InDoubt.

    Where a document cannot carry our payment number, it is the very next one of its kind, if sum and names agree.
    """
    kinds = CORRECTION_KINDS if receipt.correction is not None else RECEIPT_KINDS
    receipts = [each for each in documents if each.kind in kinds]
    candidates = []
    for each in receipts:
        if _is_of(receipt, each):
            if each.payment == receipt.payment:
                return each
            if each.payment is None and _may_name(receipt, each.names):
                candidates.append(each)
    if not candidates:
        return None
    if candidates != receipts[:1]:
        numbers = ", ".join(str(each.number) for each in candidates)
        raise InDoubt(f"documents {numbers} carry no payment number, and each could be the payment's")
    return candidates[0]


def _is_of(receipt: Receipt, found: FoundDocument) -> bool:
    """Whether direction and sum are the receipt's; of a short document whole roubles are left."""
    total = receipt.total.minor
    totals = {total, total - total % 100} if found.is_short else {total}
    return found.operation == tasks.OPERATION_SALE and found.total in totals


def _may_name(receipt: Receipt, names: tuple[str, ...]) -> bool:
    """Whether a document's items can be the receipt's; items that cannot be read can, and names may have been cut."""
    if not names:
        return True
    wanted = [_letters(tasks.spelled(item.name, tasks.NAME_MAX)) for item in receipt.items]
    found = [_letters(name) for name in names]
    return len(found) == len(wanted) and all(
        one.startswith(other) or other.startswith(one) for one, other in zip(found, wanted, strict=True)
    )


def _letters(name: str) -> str:
    """What is left of a name after every firmware's own ideas of quotes and blanks."""
    return "".join(filter(str.isalnum, name[:NAME_COMPARED_MAX])).casefold()
