"""A receipt printer without fiscal functions, behind the port of a registrar: every payment has its receipt's number.

There is no archive to ask, so the number is made from the payment's own, and a receipt exists from the moment when its
registration is journalled. What became of the paper is told by `printed`; nothing is printed twice by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from devices.escpos import problems
from devices.escpos.exchange import Exchange
from devices.escpos.problems import Verdict
from devices.escpos.protocol import NO_AUTOMATIC_STATUS, Status
from devices.link import LinkLost
from devices.steps import Program, Time, await_command, report, send, sleep
from kassa.paper import Line, Words
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
    ShiftState,
    TextPrinted,
)

MODEL = "ESC/POS printer"
"""Of one that does not tell."""
POLL_MS = 1000
"""Paper and cover are looked at so often (ours)."""
TELL_EVERY_S = 3.0
"""The core hears of the printer at least so often."""
MARK_MS = 500
"""So long a mark is waited for before paper and cover are looked at again."""
PART_MAX_S = 20.0
"""A part of a receipt has some twelve rows; so long none of it came out with paper in and cover closed (ours)."""
PART_PAUSE_MS = 400
"""After each part to a printer without marks: at 10 rows a second, with a buffer of 4 kB, it keeps up (ours)."""
QUIET_S = 3.0
"""So long such a printer has to stay well after the last part for the receipt to count as printed (ours)."""
REST_MAX_S = 20.0
"""So long the rest of an interrupted receipt may print when paper is back; a printer that was switched off has forgotten
it."""
NO_SHIFT = "a printer without fiscal functions has no shift; the totals are in: kassa payments list"
NO_CLOCK = "a printer without fiscal functions has no clock; receipts show the terminal's"

Compose = Callable[[Receipt, Document], Sequence[Line]]
Encode = Callable[[Sequence[Line]], Sequence[bytes]]


class EscposDriver:
    """One printer. `wall` tells the time that receipts show; `compose` says what stands on one; `encode` makes the bytes.

    Implements `devices.steps.Driver`: commands and facts are those of `kassa.ports`.
    """

    def __init__(self, currency: str, wall: Callable[[], datetime], compose: Compose, encode: Encode) -> None:
        self._currency, self._wall = currency, wall
        self._compose, self._encode = compose, encode
        # It outlives the link: what was interrupted hangs out of the printer, and the next receipt must not begin on it.
        self._hangs = False

    def _begin_life(self, now: Time) -> None:
        self._now, self._line = now, Exchange(now)
        self._model = ""
        self._has_marks = False
        self._rest_since: float | None = None
        self._told: RegistrarStatus | None = None
        self._told_at = float("-inf")

    def lost(self, reason: str) -> RegistrarLost:
        """What the core hears when the link is gone; the next `program` begins anew."""
        return RegistrarLost(reason)

    def program(self, now: Time) -> Program[None]:
        """Talk to the printer from the moment its port is open; ends only by LinkLost."""
        self._begin_life(now)
        yield from send(NO_AUTOMATIC_STATUS)
        yield from self._line.calm()
        while True:
            yield from self._tell((yield from self._look()))
            command = yield from await_command(POLL_MS)
            if command is not None:
                yield from self._obey(command)

    def _obey(self, command: RegistrarCommand) -> Program[None]:
        match command:
            case RegisterReceipt(receipt):
                yield from self._register(receipt)
            case SettleReceipt():
                yield from self._settle(command)
            case PrintText(lines):
                yield from self._print_text(lines)
            case CloseShift() | PrintXReport() | CountShift():
                yield from report(ReportFailed(NO_SHIFT))
            case SetClock():
                yield from report(ReportFailed(NO_CLOCK))

    # --- a receipt ------------------------------------------------------------------------------------------------

    def _register(self, receipt: Receipt) -> Program[None]:
        """Print a payment's receipt; every way out of here is a fact, or the link is lost."""
        assert receipt.total.currency == self._currency, receipt
        verdict, _ = yield from self._look()
        if verdict.problem is not None:
            yield from report(NotRegistered(receipt.payment, verdict.detail, certain=True))
            return
        document = self._document(receipt)
        parts = self._encode(self._compose(receipt, document))
        yield from report(RegistrationStarting(receipt.payment, "", document.number - 1))
        try:
            is_printed = yield from self._print(parts)
        except LinkLost:
            yield from report(DocumentRegistered(receipt.payment, document, printed=False))
            raise
        yield from report(DocumentRegistered(receipt.payment, document, is_printed))

    def _settle(self, begun: SettleReceipt) -> Program[None]:
        """What was begun here exists; what a fiscal registrar began, only that one's drive can tell of."""
        payment = begun.receipt.payment
        if begun.drive_serial:
            why = f"it was begun on fiscal drive {begun.drive_serial}, and now there is a plain printer"
            yield from report(NotRegistered(payment, why, certain=False))
            return
        self._hangs = True
        yield from report(DocumentRegistered(payment, self._document(begun.receipt), printed=False))

    def _document(self, receipt: Receipt) -> Document:
        """The receipt is the payment's: its number is what stands behind the payment's dash."""
        ordinal = receipt.payment.rpartition("-")[2]
        assert ordinal.isdecimal(), receipt.payment
        return Document(int(ordinal), 0, self._wall(), receipt.total, drive_serial="", shift=0)

    def _print_text(self, lines: tuple[str, ...]) -> Program[None]:
        verdict, _ = yield from self._look()
        if verdict.problem is not None:
            yield from report(ReportFailed(verdict.detail))
        elif (yield from self._print(self._encode([Words(line) for line in lines]))):
            yield from report(TextPrinted())
        else:
            yield from report(ReportFailed("it was not printed to its end; look at the paper"))

    def _print(self, parts: Sequence[bytes]) -> Program[bool]:
        """Send part by part, each when the one before is on paper; False when paper, cover or patience ended."""
        self._hangs = True
        is_printed = yield from self._print_parts(parts)
        self._hangs = not is_printed
        return is_printed

    def _print_parts(self, parts: Sequence[bytes]) -> Program[bool]:
        for part in parts:
            if self._has_marks:
                yield from self._line.send_marked(part)
                is_through = yield from self._wait_for_mark()
            else:
                yield from send(part)
                yield from sleep(PART_PAUSE_MS)
                is_through = problems.of((yield from self._line.status())).problem in (None, problems.BUSY)
            if not is_through:
                return False
        return self._has_marks or (yield from self._stays_well())

    def _wait_for_mark(self) -> Program[bool]:
        give_up = self._now() + PART_MAX_S
        while not (yield from self._line.wait_for_marks(MARK_MS)):
            verdict = problems.of((yield from self._line.status()))
            if verdict.problem not in (None, problems.BUSY) or self._now() > give_up:
                # The mark may have come while the status was asked: then all of the part is on paper.
                return not self._line.marks_owed
        return True

    def _stays_well(self) -> Program[bool]:
        """Of a printer without marks no more is known than that nothing stopped it for a while."""
        well_at, give_up = self._now() + QUIET_S, self._now() + PART_MAX_S
        while self._now() < well_at:
            verdict = problems.of((yield from self._line.status()))
            if verdict.problem not in (None, problems.BUSY) or self._now() > give_up:
                return False
            if verdict.problem is not None:
                well_at = self._now() + QUIET_S
            yield from sleep(MARK_MS)
        return True

    # --- how it is ------------------------------------------------------------------------------------------------

    def _look(self) -> Program[tuple[Verdict, Status]]:
        """What stands in the way of a receipt, as the printer says now."""
        status = yield from self._line.status()
        verdict = problems.of(status)
        if verdict.problem is None and not self._model:
            yield from self._identify()
        verdict = self._with_rest(verdict)
        if verdict.problem is None and self._hangs and not (yield from self._print(self._encode(()))):
            verdict = Verdict(problems.BUSY, "what was interrupted cannot be cut off; look at the paper")
        return verdict, status

    def _identify(self) -> Program[None]:
        """Only a printer that could print answers to this."""
        self._model = (yield from self._line.model()) or MODEL
        self._has_marks = yield from self._line.has_marks()

    def _with_rest(self, verdict: Verdict) -> Verdict:
        """What was interrupted goes on when paper is back, and the next one waits for it."""
        if verdict.problem is not None or not self._line.marks_owed:
            self._rest_since = None
            return verdict
        if self._rest_since is None:
            self._rest_since = self._now()
        if self._now() - self._rest_since > REST_MAX_S:
            self._line.marks_owed = 0
            return verdict
        return Verdict(problems.BUSY, "it prints the rest of what was interrupted")

    def _tell(self, looked: tuple[Verdict, Status]) -> Program[None]:
        verdict, status = looked
        fact = RegistrarStatus(
            model=self._model or MODEL,
            drive_serial="",
            shift=ShiftState.CLOSED,
            shift_number=0,
            last_document=0,
            unsent_documents=0,
            problem=verdict.problem,
            detail=verdict.detail,
            notices=problems.notices(status),
        )
        at = self._now()
        if fact != self._told or at - self._told_at >= TELL_EVERY_S:
            self._told, self._told_at = fact, at
            yield from report(fact)
