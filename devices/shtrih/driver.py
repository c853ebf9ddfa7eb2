"""A Shtrih-M fiscal registrar as the core sees it: a receipt in, its one fiscal document out.

Three rules carry the promise of one document a payment. The number of the drive's last document is journalled before
the first command of a receipt leaves. After that, whatever goes wrong, only the fiscal drive's own archive says whether
the document exists. And what stands open is cancelled only when the archive has been read.

Source: Shtrih-M, "Command protocol" 1.17: modes, submodes, commands; the times marked "ours" are the host's own choice.
"""

from __future__ import annotations

import textwrap
from datetime import datetime, tzinfo
from typing import Any, TypeVar

from devices.shtrih import errors, problems, tlv
from devices.shtrih import protocol as p
from devices.shtrih.exchange import AnswerLost, Exchange
from devices.shtrih.problems import Verdict
from devices.shtrih.protocol import Closed, Command, DriveStatus, Form, FoundDocument, Mode, Refused, Submode
from devices.steps import Program, Time, await_command, flush, report, sleep
from kassa.errors import KassaError
from kassa.money import Money
from kassa.ports import (
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
    ShiftOpened,
    ShiftState,
    XReportPrinted,
)

T = TypeVar("T")

OPENING_MS = 50
"""Whoever had the port before us may just have spoken: let late answers arrive to be thrown away."""
POLL_MS = 1000
"""Paper and cover are looked at so often (ours)."""
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
SETTLE_TRIES_MAX = 4
SETTLE_PAUSE_MS = 1000
"""A refusal to read the archive passes, mostly; each payment that stays in doubt is work for a person (ours)."""
TAG_READS_MAX = 3
TAG_BLOCKS_MAX = 300
"""A receipt with its tags is smaller than 32 kB; some registrars hand out blocks forever."""
LINES_MAX = 20
"""Lines without fiscal meaning on one receipt (ours); they may not use up the paper."""
OTHER_REPORTS_MAX = 10
"""So many documents of a shift may be neither receipts nor its opening (ours); else its age stays unknown."""
EXPIRY_EVERY_S = 3600.0
PAPER_INTERRUPTED = (Submode.PAPER_RAN_OUT, Submode.WAITS_FOR_CONTINUE)


class NotReady(KassaError):
    """No document can be made now; the message says why to staff."""


class InDoubt(KassaError):
    """Neither can the document be found nor is it certain that there is none: a person has to look."""


class ShtrihDriver:
    """One registrar whose documents are in `currency` and whose clock shows the time of `zone`.

    Implements `devices.steps.Driver`: commands and facts are those of `kassa.ports`.
    """

    def __init__(self, password: int, currency: str, zone: tzinfo) -> None:
        self._password, self._currency, self._zone = password, currency, zone
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
        self._expiry = p.DriveExpiry(None)
        self._expiry_at = self._learned_at = self._told_at = float("-inf")
        self._busy_since: float | None = None
        self._open_since: float | None = None
        self._told: RegistrarStatus | None = None

    def lost(self, reason: str) -> RegistrarLost:
        """What the core hears when the link is gone; the next `program` begins anew."""
        return RegistrarLost(reason)

    def program(self, now: Time) -> Program[None]:
        """Talk to the registrar from the moment its port is open; ends only by LinkLost."""
        self._begin_life(now)
        yield from sleep(OPENING_MS)
        yield from flush()
        yield from self._identify()
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
                yield from self._settle(command, "the registration was interrupted")
            case CloseShift():
                yield from self._close_shift()
            case PrintXReport():
                yield from self._print_x_report()
            case CountShift() | SetClock() | PrintText():
                yield from report(ReportFailed(f"{type(command).__name__}: Shtrih-M does not do that yet"))

    def _ask(self, command: Command[T]) -> Program[T]:
        return (yield from self._line.ask(command))

    # --- a receipt ---------------------------------------------------------------------------------------------------

    def _register(self, receipt: Receipt) -> Program[None]:
        """Make the document of a payment; every way out of here is a fact, or the link is lost."""
        assert receipt.total.currency == self._currency, receipt
        if receipt.correction is not None or any(item.agent for item in receipt.items):
            # An ordinary receipt in their place would be a wrong document.
            why = "corrections and agents' receipts are not made by Shtrih-M yet"
            yield from report(NotRegistered(receipt.payment, why, certain=True))
            return
        try:
            drive = yield from self._get_ready(Mode.SHIFT_OPEN)
        except (NotReady, Refused) as error:
            self._remember_refusal(error)
            yield from report(NotRegistered(receipt.payment, str(error), certain=True))
            return
        yield from report(RegistrationStarting(receipt.payment, drive.serial, drive.last_document))
        try:
            closed = yield from self._make(receipt)
            found = yield from self._confirm(receipt, closed)
        except (NotReady, Refused, AnswerLost) as error:
            self._remember_refusal(error)
            begun = SettleReceipt(receipt, drive.serial, drive.last_document)
            yield from self._settle(begun, str(error))
            return
        self._fault, self._refusals = None, 0
        document = self._document(found, drive.serial, self._shift.number)
        is_printed = yield from self._wait_for_print()
        yield from report(DocumentRegistered(receipt.payment, document, is_printed))

    def _make(self, receipt: Receipt) -> Program[Closed]:
        """All commands of one receipt, from the opening to the fiscal document."""
        yield from self._patiently(p.open_receipt(self._password))
        for line in _wrapped(receipt.lines):
            yield from self._if_it_can(p.print_line(self._password, line))
        for item in receipt.items:
            yield from self._patiently(
                p.sell(self._password, item.name, item.price.minor, item.vat, item.method, item.subject)
            )
        yield from self._if_it_can(p.send_tags(self._password, tlv.payment(receipt.payment)))
        adds_up_to = yield from self._ask(p.subtotal(self._password))
        if adds_up_to != receipt.total.minor:
            found = Money(adds_up_to, self._currency)
            raise NotReady(f"the registrar adds up to {found}, the receipt's total is {receipt.total}")
        close = p.close_receipt(self._password, receipt.total.minor, receipt.tax_system)
        return (yield from self._patiently(close))

    def _confirm(self, receipt: Receipt, closed: Closed) -> Program[FoundDocument]:
        """What the drive keeps of the document that was just made: its time is nowhere else."""
        found = yield from self._ask(p.find_document(self._password, closed.number))
        if not _is_of(receipt, found):
            raise NotReady(f"document {closed.number} in the archive is not the one that was made")
        return found

    def _document(self, found: FoundDocument, drive_serial: str, shift: int) -> Document:
        total = Money(found.total or 0, self._currency)
        at = found.at.replace(tzinfo=self._zone)
        return Document(found.number, found.sign, at, total, drive_serial, shift)

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

    # --- what became of a receipt ----------------------------------------------------------------------------------------

    def _settle(self, begun: SettleReceipt, why: str) -> Program[None]:
        """Tell the core what the fiscal drive's archive says of a payment; never make a document."""
        payment = begun.receipt.payment
        for attempt in range(SETTLE_TRIES_MAX):
            if attempt:
                yield from sleep(SETTLE_PAUSE_MS)
            try:
                found = yield from self._find_out(begun)
            except InDoubt as error:
                yield from report(NotRegistered(payment, f"{why}; {error}", certain=False))
                return
            except (Refused, AnswerLost) as error:
                refusal = error
                continue
            if found is None:
                yield from report(NotRegistered(payment, why, certain=True))
            else:
                yield from report(found)
            return
        yield from report(NotRegistered(payment, f"{why}; {refusal}", certain=False))

    def _find_out(self, begun: SettleReceipt) -> Program[DocumentRegistered | None]:
        """The payment's document; None when there certainly is none. Raises InDoubt, Refused, AnswerLost."""
        yield from self._wait_for_calm()
        drive = yield from self._learn()
        if drive.serial != begun.drive_serial:
            raise InDoubt(
                f"it was begun on fiscal drive {begun.drive_serial}, and now there is {drive.serial}"
            )
        first, last = begun.last_document + 1, drive.last_document
        numbers = [number for number in range(first, last + 1) if number not in begun.others]
        if last < first - 1 or len(numbers) > SETTLE_DOCUMENTS_MAX:
            raise InDoubt(f"its document would be after {begun.last_document}, and the last one is {last}")
        documents = []
        for number in numbers:
            documents.append((yield from self._ask(p.find_document(self._password, number))))
        found = yield from self._choose(begun, documents)
        if found is None:
            yield from self._cancel_what_is_open()
            again = yield from self._ask(p.drive_status(self._password))
            if (again.serial, again.last_document) != (drive.serial, last):
                raise InDoubt(f"document {again.last_document} appeared meanwhile")
            return None
        document = self._document(found, drive.serial, self._shift_of(found, documents))
        return DocumentRegistered(begun.receipt.payment, document, (yield from self._wait_for_print()))

    def _choose(self, begun: SettleReceipt, documents: list[FoundDocument]) -> Program[FoundDocument | None]:
        """Which of the documents after the intent is the payment's; None: certainly none of them.

        Where the registrar cannot carry our payment number, it is the very next receipt, if sum and name agree.
        """
        receipt = begun.receipt
        receipts = [each for each in documents if each.form == Form.RECEIPT]
        candidates = []
        for each in receipts:
            if _is_of(receipt, each):
                tags = yield from self._tags_of(each.number)
                payment = tlv.payment_of(tags)
                if payment == receipt.payment:
                    return each
                if payment is None and _may_name(receipt, tlv.names_of(tags)):
                    candidates.append(each)
        if not candidates:
            return None
        if candidates != receipts[:1]:
            numbers = ", ".join(str(each.number) for each in candidates)
            raise InDoubt(f"documents {numbers} carry no payment number, and each could be the payment's")
        return candidates[0]

    def _tags_of(self, number: int) -> Program[bytes]:
        """The tags of one document; none when the drive has them no more, or not all of them.

        Half a document may lack what would make it the payment's, so it counts only with a payment number in it.
        """
        data = b""
        for _ in range(TAG_READS_MAX):
            try:
                announced = yield from self._ask(p.announce_tags(self._password, number))
                data = b""
                for _ in range(TAG_BLOCKS_MAX):
                    if len(data) >= announced.size_bytes:
                        break
                    data += yield from self._ask(p.read_tags(self._password))
                return data
            except Refused as error:
                if error.code in errors.NOT_SUPPORTED or error.code == errors.NO_DATA:
                    return data if tlv.payment_of(data) else b""
                raise
            except AnswerLost:
                continue  # a block is handed out once: begin again
        raise InDoubt(f"the tags of document {number} cannot be read")

    def _cancel_what_is_open(self) -> Program[None]:
        """Nothing of it is in the archive, so nothing can be lost; what cannot be cancelled now is before the next one."""
        status = yield from self._ask(p.short_status(self._password))
        if status.mode is not Mode.DOCUMENT_OPEN or status.submode in PAPER_INTERRUPTED:
            return
        try:
            yield from self._ask(self._cancellation(status))
        except AnswerLost:
            return
        except Refused as error:
            if error.code == errors.BUSY:
                raise  # whatever it does, it could still be our document

    def _shift_of(self, found: FoundDocument, documents: list[FoundDocument]) -> int:
        """A document belongs to the shift whose closing report comes after it, else to the running one."""
        closings = [
            each.shift for each in documents if each.form == Form.SHIFT_CLOSE and each.number > found.number
        ]
        return closings[0] if closings and closings[0] is not None else self._shift.number

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

    def _wait_for_calm(self) -> Program[None]:
        """Until it prints no more; after a minute the archive is asked all the same, as it does not print."""
        waited_ms = 0
        while waited_ms < BUSY_MAX_S * 1000:
            status = yield from self._ask(p.short_status(self._password))
            if status.mode is Mode.DATA_OUTPUT:
                yield from self._try(p.read_tags(self._password))
            elif status.submode not in problems.PRINTING:
                return
            yield from self._wait_while_busy(waited_ms, f"it prints (submode {status.submode})")
            waited_ms += BUSY_MS

    def _wait_while_busy(self, waited_ms: int, detail: str) -> Program[None]:
        """One pause; the core goes on hearing of a registrar that keeps a command waiting."""
        yield from sleep(BUSY_MS)
        if waited_ms >= BUSY_TOLD_S * 1000:
            yield from self._tell(Verdict(problems.BUSY, detail), is_expired=False)

    # --- reports -----------------------------------------------------------------------------------------------------------

    def _close_shift(self) -> Program[None]:
        """The Z-report; that the shift is closed is told by `_learn`, whoever closed it."""
        try:
            yield from self._get_ready(None)
            if not self._shift.is_open:
                yield from report(ReportFailed("the shift is closed already: there is nothing to report"))
            else:
                yield from self._get_ready(Mode.SHIFT_CLOSED)
        except (NotReady, Refused) as error:
            yield from report(ReportFailed(str(error)))

    def _print_x_report(self) -> Program[None]:
        try:
            yield from self._get_ready(None)
            if not self._shift.is_open:
                yield from report(ReportFailed("the shift is closed: there are no totals to print"))
                return
            yield from self._patiently(p.x_report(self._password))
        except (NotReady, Refused, AnswerLost) as error:
            yield from report(ReportFailed(str(error)))
            return
        if (yield from self._wait_for_print()):
            yield from report(XReportPrinted())
        else:
            yield from report(ReportFailed("the X-report was not printed to its end; look at the paper"))

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
        self._clock = (yield from self._ask(p.long_status(self._password))).at
        if at - self._learned_at >= LEARN_EVERY_S:
            self._exchange = yield from self._ask_for_detail(p.exchange(self._password), self._exchange)
        if at - self._expiry_at >= EXPIRY_EVERY_S:
            self._expiry = yield from self._ask_for_detail(p.drive_expiry(self._password), self._expiry)
            self._expiry_at = at
        yield from self._follow_shifts(drive, shift)
        self._drive, self._shift, self._learned_at = drive, shift, at
        return drive

    def _ask_for_detail(self, command: Command[T], known: T) -> Program[T]:
        """Ask for what is good to know; a model that does not tell it is not out of order for that."""
        try:
            return (yield from self._ask(command))
        except Refused as error:
            if error.code not in errors.NOT_SUPPORTED and error.code != errors.NO_DATA:
                raise
            return known

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
                self._opened_at = found.at.replace(tzinfo=self._zone)
                yield from report(ShiftOpened(found.shift, number))
            elif found.form == Form.SHIFT_CLOSE and found.shift is not None:
                self._opened_at = None
                yield from report(ShiftClosed(found.shift, number))
            self._seen = (serial, number, before)

    def _find_opening(self, drive: DriveStatus, shift: p.Shift) -> Program[datetime | None]:
        """When a shift was opened that stands open already.

        Its report lies as many documents back as the shift has receipts, or a few more: there are other reports.
        """
        nearest = drive.last_document - shift.receipt
        for number in range(nearest, max(0, nearest - OTHER_REPORTS_MAX), -1):
            found = yield from self._ask(p.find_document(self._password, number))
            if found.form == Form.SHIFT_OPEN:
                return found.at.replace(tzinfo=self._zone)
        return None

    # --- what is wrong -----------------------------------------------------------------------------------------------------

    def _judge(self, status: p.ShortStatus, *, is_for_receipt: bool = True) -> Verdict:
        """What stands in the way of a document; a shift may be closed where no receipt may be made."""
        verdict = problems.of_printer(status, self._parameters)
        if verdict.problem is None and is_for_receipt:
            return problems.of_drive(self._drive, self._clock, self._expiry.on, self._exchange)
        return verdict

    def _remember_refusal(self, error: KassaError) -> None:
        """Keep the terminal from taking money for receipts that are refused; what a status shows need not be kept."""
        if isinstance(error, Refused) and not problems.is_passing(error):
            self._refusals += 1
            if problems.is_lasting(error) or self._refusals >= REFUSALS_MAX:
                self._fault, self._fault_until = problems.of_error(error), self._now() + FAULT_S


def _is_of(receipt: Receipt, found: FoundDocument) -> bool:
    """Whether form, direction and sum are the receipt's."""
    is_sale = found.form == Form.RECEIPT and found.operation == p.OPERATION_SALE
    return is_sale and found.total == receipt.total.minor


def _may_name(receipt: Receipt, names: list[str]) -> bool:
    """Whether a document's items can be the receipt's; items that cannot be read can, and names may have been cut."""
    if not names:
        return True
    wanted = [_letters(item.name) for item in receipt.items]
    found = [_letters(name) for name in names]
    return len(found) == len(wanted) and all(
        one.startswith(other) or other.startswith(one) for one, other in zip(found, wanted, strict=True)
    )


def _letters(name: str) -> str:
    """What is left of a name in every code page and after every firmware's own ideas of quotes and blanks."""
    return "".join(filter(str.isalnum, name[: p.NAME_CHARACTERS_MAX])).casefold()


def _wrapped(lines: tuple[str, ...]) -> list[str]:
    """Lines as wide as the registrar takes them; a long one goes on in the next."""
    wrapped = [part for line in lines for part in textwrap.wrap(line, p.LINE_CHARACTERS_MAX) or [""]]
    return wrapped[:LINES_MAX]
