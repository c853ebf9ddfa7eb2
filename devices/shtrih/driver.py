"""A Shtrih-M fiscal registrar as the core sees it: a receipt in, its one fiscal document out.

Three rules carry the promise of one document a payment. The number of the drive's last document is journalled before
the first command of a receipt leaves. After that, whatever goes wrong, only the fiscal drive's own archive says whether
the document exists. And what stands open is cancelled only when the archive has been read.

Source: Shtrih-M, "Command protocol" 1.17: modes, submodes, commands; the times marked "ours" are the host's own choice.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from devices.shtrih import errors, problems, receipts, tags, tlv
from devices.shtrih import protocol as p
from devices.shtrih.errors import Reaction, meaning
from devices.shtrih.exchange import AnswerLost
from devices.shtrih.protocol import Command, DriveStatus, Form, FoundDocument, Mode, Refused
from devices.shtrih.registrar import (
    BUSY_MAX_S,
    BUSY_MS,
    PAPER_INTERRUPTED,
    SETTLE_DOCUMENTS_MAX,
    AgentRefused,
    NotReady,
    Registrar,
)
from devices.shtrih.settings import Format, Setting
from devices.steps import Program, Time, await_command, flush, report, sleep
from kassa.errors import KassaError
from kassa.money import Money
from kassa.paper import spell
from kassa.ports import (
    Agent,
    ClockSet,
    CloseShift,
    Correction,
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
    RegistrationStarting,
    ReportFailed,
    SetClock,
    SettleReceipt,
    TextPrinted,
    XReportPrinted,
)

OPENING_MS = 50
"""Whoever had the port before us may just have spoken: let late answers arrive to be thrown away."""
POLL_MS = 1000
"""Paper and cover are looked at so often (ours)."""
SETTLE_TRIES_MAX = 4
SETTLE_PAUSE_MS = 1000
"""A refusal to read the archive passes, mostly; each payment that stays in doubt is work for a person (ours)."""
TAG_READS_MAX = 3
TAG_BLOCKS_MAX = 300
"""A receipt with its tags is smaller than 32 kB; some registrars hand out blocks forever."""
LINES_MAX = 20
"""Lines without fiscal meaning on one receipt (ours); they may not use up the paper."""
TEXT_LINES_MAX = 200
"""Lines of a text for staff (ours): a collector's slip has dozens."""
FEED_LINES = 5
"""Between the print head and the cutter (ours)."""
CLOCK_SET_WITHIN = timedelta(seconds=90)
"""So far the clock may be from what it was told: some models set the seconds to zero."""


class InDoubt(KassaError):
    """Neither can the document be found nor is it certain that there is none: a person has to look."""


class ShtrihDriver(Registrar):
    """Carries out the core's commands. Implements `devices.steps.Driver`: commands and facts are those of `kassa.ports`."""

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
            case CountShift():
                yield from self._count_on_demand()
            case SetClock(at):
                yield from self._set_clock(at)
            case PrintText(lines):
                yield from self._print_text(lines)

    # --- a receipt ---------------------------------------------------------------------------------------------------

    def _register(self, receipt: Receipt) -> Program[None]:
        """Make the document of a payment; every way out of here is a fact, or the link is lost."""
        assert receipt.total.currency == self._currency, receipt
        try:
            yield from self._look_what_is_allowed(receipt)
            drive = yield from self._get_ready(Mode.SHIFT_OPEN)
        except (NotReady, Refused) as error:
            self._remember_refusal(error)
            yield from report(NotRegistered(receipt.payment, str(error), certain=True))
            return
        yield from report(RegistrationStarting(receipt.payment, drive.serial, drive.last_document))
        try:
            number = yield from self._make(receipt)
            found = yield from self._confirm(receipt, number, drive.last_document)
        except (NotReady, AgentRefused, Refused, AnswerLost) as error:
            self._remember_refusal(error)
            begun = SettleReceipt(receipt, drive.serial, drive.last_document)
            yield from self._settle(begun, str(error))
            return
        self._fault, self._refusals = None, 0
        document = self._document(found, drive.serial, self._shift.number)
        is_printed = yield from self._wait_for_print()
        yield from report(DocumentRegistered(receipt.payment, document, is_printed))
        if is_printed and self._settings.leaves_paper_uncut:
            yield from self._cut_off()

    def _look_what_is_allowed(self, receipt: Receipt) -> Program[None]:
        """Know the settings that a receipt depends on. Raises NotReady where no document of this kind can be made."""
        if self._settings_at == float("-inf") or receipt.correction is not None:
            yield from self._read_settings()
        forbidden = receipts.what_forbids(receipt, self._settings.number(Setting.FORMAT))
        if forbidden is not None:
            raise NotReady(forbidden)

    def _make(self, receipt: Receipt) -> Program[int]:
        """All commands of one receipt, from the opening to the fiscal document; its number."""
        correction = receipt.correction
        if correction is not None and self._settings.number(Setting.FORMAT) == Format.V1_05:
            return (yield from self._make_correction(receipt, correction))
        yield from self._patiently(p.open_receipt(self._password, is_correction=correction is not None))
        for line in receipts.wrapped(receipt.lines)[:LINES_MAX]:
            yield from self._if_it_can(p.print_line(self._password, line))
        for item in receipt.items:
            name = spell(item.name, tags.CODE_PAGE)
            yield from self._patiently(
                p.sell(self._password, name, item.price.minor, item.vat, item.method, item.subject)
            )
            if item.agent is not None:
                yield from self._name_agent(item.agent)
        if correction is not None:
            yield from self._name_correction(correction)
        yield from self._name_particulars(receipt)
        adds_up_to = yield from self._ask(p.subtotal(self._password))
        if adds_up_to != receipt.total.minor:
            found = Money(adds_up_to, self._currency)
            raise NotReady(f"the registrar adds up to {found}, the receipt's total is {receipt.total}")
        close = p.close_receipt(self._password, receipt.total.minor, receipt.tax_system)
        return (yield from self._patiently(close)).number

    def _make_correction(self, receipt: Receipt, correction: Correction) -> Program[int]:
        """The same in format 1.05, where a correction has totals and no items."""
        yield from self._patiently(p.begin_correction(self._password))
        yield from self._name_correction(correction)
        yield from self._name_particulars(receipt)
        close = p.close_correction(
            self._password,
            receipt.total.minor,
            receipts.taxes(receipt),
            receipt.tax_system,
            is_ordered=correction.is_ordered,
        )
        return (yield from self._patiently(close)).number

    def _name_agent(self, agent: Agent) -> Program[None]:
        """Whose service the last item is. Raises AgentRefused: without it the item would be the operator's own."""
        for frame in tags.of_agent(agent):
            try:
                yield from self._patiently(p.send_item_tags(self._password, frame))
            except Refused as error:
                if meaning(error.code).reaction is Reaction.MEND:
                    raise AgentRefused(error) from error
                raise

    def _name_correction(self, correction: Correction) -> Program[None]:
        """What is corrected; without it there is no correction, so a refusal is one."""
        for tag in tags.of_correction(correction):
            yield from self._patiently(p.send_tags(self._password, tag))

    def _name_particulars(self, receipt: Receipt) -> Program[None]:
        """What a document can do without, each tag by itself."""
        named = [tlv.payment(receipt.payment)]
        if receipt.contact is not None:
            named.append(tags.of_contact(receipt.contact))
        if receipt.place is not None:
            named += tags.of_place(receipt.place, self._settings.registered)
        agent = tags.of_receipt_agent(receipt)
        if agent is not None and self._settings.number(Setting.FORMAT) == Format.V1_05:
            named.append(agent)
        for tag in named:
            yield from self._if_it_can(p.send_tags(self._password, tag))

    def _confirm(self, receipt: Receipt, number: int, last: int) -> Program[FoundDocument]:
        """What the drive keeps of the document that was just made behind `last`: its time is nowhere else."""
        found = yield from self._ask(p.find_document(self._password, number))
        if found.number != number or number <= last or not receipts.is_of(receipt, found):
            raise NotReady(f"document {number} in the archive is not the one that was made")
        return found

    def _document(self, found: FoundDocument, drive_serial: str, shift: int) -> Document:
        total = Money(found.total or 0, self._currency)
        return Document(found.number, found.sign, self._moment(found.at), total, drive_serial, shift)

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
        if [each.number for each in documents] != numbers:
            raise InDoubt("the archive tells of other documents than it was asked for")
        found = yield from self._choose(begun, documents)
        if found is None:
            yield from self._cancel_what_is_open(drive)
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
        of_kind = [each for each in documents if each.form in receipts.forms_of(receipt)]
        candidates = []
        for each in of_kind:
            if receipts.is_of(receipt, each):
                tags = yield from self._tags_of(each.number)
                payment = tlv.payment_of(tags)
                if payment == receipt.payment:
                    return each
                if payment is None and receipts.may_name(receipt, tlv.names_of(tags)):
                    candidates.append(each)
        if not candidates:
            return None
        if candidates != of_kind[:1]:
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

    def _cancel_what_is_open(self, drive: DriveStatus) -> Program[None]:
        """Nothing of it is in the archive, so nothing can be lost; what cannot be cancelled now is before the next one."""
        status = yield from self._ask(p.short_status(self._password))
        if status.submode in PAPER_INTERRUPTED:
            return
        command: Command[p.Nothing]
        if status.mode is Mode.DOCUMENT_OPEN:
            command = self._cancellation(status)
        elif drive.current_document:
            command = p.cancel_drive_document(self._password)
        else:
            return
        try:
            yield from self._ask(command)
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

    # --- what staff ask ------------------------------------------------------------------------------------------------------

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

    def _count_on_demand(self) -> Program[None]:
        try:
            yield from self._wait_for_calm()
            yield from self._learn()
            if not self._shift.is_open:
                yield from report(ReportFailed("the shift is closed: there is nothing to count"))
                return
            counted = yield from self._count_shift()
        except (Refused, AnswerLost) as error:
            yield from report(ReportFailed(str(error)))
            return
        yield from report(counted)

    def _set_clock(self, at: datetime) -> Program[None]:
        """Set date and time to `at` and what has passed since it was said; the clock itself tells whether it worked."""
        asked_at = self._now()
        try:
            drive = yield from self._get_ready_for_clock()
            local = at.astimezone(self._wall().tzinfo).replace(tzinfo=None)
            wanted = local + timedelta(seconds=self._now() - asked_at)
            if drive.at is not None and wanted < drive.at:
                raise NotReady(
                    f"its last document is of {drive.at:%d.%m.%Y %H:%M}: the clock cannot be set back "
                    f"to {wanted:%d.%m.%Y %H:%M}"
                )
            yield from self._put_clock(wanted)
            yield from self._look_at_clock()
            wanted = local + timedelta(seconds=self._now() - asked_at)
            if self._clock is None or abs(self._clock - wanted) > CLOCK_SET_WITHIN:
                raise NotReady(f"its clock shows {self._clock or 'no time'} and not {wanted:%d.%m.%Y %H:%M}")
        except (NotReady, Refused, AnswerLost) as error:
            yield from report(ReportFailed(str(error)))
            return
        yield from report(ClockSet())

    def _get_ready_for_clock(self) -> Program[DriveStatus]:
        """With the shift closed and no date unconfirmed. Raises NotReady."""
        yield from self._wait_for_calm()
        status = yield from self._ask(p.short_status(self._password))
        if status.mode is Mode.DATE_UNCONFIRMED:
            yield from self._look_at_clock()
            if self._clock is not None:
                yield from self._try(p.confirm_date(self._password, self._clock.date()))
            status = yield from self._ask(p.short_status(self._password))
        if status.mode is not Mode.SHIFT_CLOSED:
            shown = status.mode.name.replace("_", " ").lower()
            raise NotReady(f"the clock is set with the shift closed only: close it first (mode {shown})")
        return (yield from self._ask(p.drive_status(self._password)))

    def _put_clock(self, wanted: datetime) -> Program[None]:
        """Date first, as its confirmation takes its time; what answers lose, the clock tells afterwards."""
        if self._clock is None or self._clock.date() != wanted.date():
            yield from self._ask(p.set_date(self._password, wanted.date()))
            yield from self._try(p.confirm_date(self._password, wanted.date()))
        yield from self._try(p.set_time(self._password, wanted))

    def _print_text(self, lines: tuple[str, ...]) -> Program[None]:
        wrapped = receipts.wrapped(lines)
        if len(wrapped) > TEXT_LINES_MAX:
            reason = f"the text has {len(wrapped)} lines, a registrar prints {TEXT_LINES_MAX} at most"
            yield from report(ReportFailed(reason))
            return
        try:
            yield from self._get_ready(None)
            is_document = yield from self._open_text()
            for line in wrapped:
                yield from self._patiently(p.print_line(self._password, line))
            if is_document:
                yield from self._patiently(p.close_text_document(self._password))
            is_printed = yield from self._wait_for_print()
            if is_printed and (not is_document or self._settings.leaves_paper_uncut):
                is_printed = yield from self._cut_off()
        except (NotReady, Refused, AnswerLost) as error:
            yield from report(ReportFailed(str(error)))
            return
        if is_printed:
            yield from report(TextPrinted())
        else:
            yield from report(ReportFailed("the text was not printed to its end; look at the paper"))

    def _open_text(self) -> Program[bool]:
        """Begin a document without fiscal meaning where the model has such: its end is cut like a receipt's."""
        if not self._parameters.has_text_documents:
            return False
        try:
            yield from self._patiently(p.open_text_document(self._password))
        except Refused as error:
            if error.code not in errors.NOT_SUPPORTED:
                raise
            return False
        return True

    def _cut_off(self) -> Program[bool]:
        """Feed what is printed past the cutter and cut; False when it did not, which the next status tells of."""
        try:
            yield from self._patiently(p.feed(self._password, FEED_LINES))
            yield from self._patiently(p.cut(self._password))
        except (Refused, AnswerLost) as error:
            self._remember_refusal(error)
            return False
        return True
