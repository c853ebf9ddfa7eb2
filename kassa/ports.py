"""What the core needs of a bill validator and a fiscal registrar: commands to them, facts from them.

A fact is reported synchronously: when `report` comes back to the driver, the journal has committed what follows
from it. That is how a driver holds back an acknowledgement until the money is durable.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import date, datetime

from kassa.money import Money

# --- bill validator: commands ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class EnableNotes:
    """Open the slot for these denominations, each held at escrow until we decide."""

    values: frozenset[Money]


@dataclass(frozen=True, slots=True)
class DisableNotes:
    """Close the slot; a note already on its way is finished first."""


@dataclass(frozen=True, slots=True)
class StackNote:
    """Move the note at escrow into the cassette. Its intent is durable already."""


@dataclass(frozen=True, slots=True)
class ReturnNote:
    """Give the note at escrow back."""


ValidatorCommand = EnableNotes | DisableNotes | StackNote | ReturnNote

# --- bill validator: facts ------------------------------------------------------------------------------------


class ValidatorState(enum.Enum):
    """What the validator does, as far as anybody outside the driver cares."""

    STARTING = "starting"
    DISABLED = "disabled"
    IDLING = "idling"
    HANDLING_NOTE = "handling_note"
    PAUSED = "paused"
    CHEATED = "cheated"
    CASSETTE_FULL = "cassette_full"
    CASSETTE_OUT = "cassette_out"
    JAMMED = "jammed"
    FAILED = "failed"


class Evidence(enum.Enum):
    """What the validator said of a note in flight when the link came up, before it was reset or acknowledged."""

    NOTHING = "nothing"
    NOTE_IN_HEAD = "note_in_head"
    """It goes back to the customer, as power was lost with it in the head, or is back already."""
    NOTE_IN_STACKER = "note_in_stacker"
    """It ends in the cassette, as power was lost with it past the gate, or lies there already."""
    NOT_STACKED = "not_stacked"
    """The validator is at rest, kept its power, and would say of a stacked note until it is acknowledged: it is back."""
    POWER_LOST = "power_lost"
    """It has lost its power, and what it would have said with it: from now on, that it is at rest says nothing."""


COUNTS = 2**32
"""A validator's count begins anew after so many."""


@dataclass(frozen=True, slots=True)
class Counted:
    """A validator's own count of the notes it stacked in its life, and which one it is: for comparison, never for credit.

    Service may set it back, and it goes from COUNTS - 1 to 0.
    """

    unit: str
    stacked: int


@dataclass(frozen=True, slots=True)
class ValidatorLost:
    """The validator does not answer or its port is gone; every command given so far is void."""

    reason: str


@dataclass(frozen=True, slots=True)
class ValidatorChanged:
    """The validator went into another state; reported once a change, not once a poll."""

    state: ValidatorState
    detail: str = ""


@dataclass(frozen=True, slots=True)
class EvidenceFound:
    """What the validator says now of a note in flight, and will not say again; told before that is lost.

    Should nothing better follow, it counts when the validator is ready, in this run of the core or in the next.
    """

    evidence: Evidence


@dataclass(frozen=True, slots=True)
class ValidatorReady:
    """The link is up, notes in flight have been reported, the bill table is read; the slot is closed."""

    model: str
    serial: str
    values: tuple[Money, ...]
    evidence: Evidence
    counted: Counted | None = None
    """None: it does not count, or does not tell."""


@dataclass(frozen=True, slots=True)
class NoteEscrowed:
    """A recognised note waits for StackNote or ReturnNote; it goes back by itself after about 10 s."""

    value: Money
    counted: Counted | None = None
    """Before this note."""


@dataclass(frozen=True, slots=True)
class NoteStacked:
    """A note lies in the cassette. `value` is None when its bill type is unknown to us.

    `at_start`: the first the validator said of a note since the link came up, so it may repeat what was said before.
    `is_named` is False where the protocol does not say which note: it is the one in flight, or the last one.
    """

    value: Money | None
    at_start: bool = False
    is_named: bool = True


@dataclass(frozen=True, slots=True)
class NoteReturned:
    """The note that was at escrow is back in the customer's hand."""

    value: Money | None


@dataclass(frozen=True, slots=True)
class NoteRejected:
    """The validator itself did not like a note; it never was at escrow."""

    reason: str


@dataclass(frozen=True, slots=True)
class NoteMissing:
    """STACK was accepted, yet the validator is idle again and said neither stacked nor returned."""


ValidatorFact = (
    ValidatorLost
    | ValidatorChanged
    | EvidenceFound
    | ValidatorReady
    | NoteEscrowed
    | NoteStacked
    | NoteReturned
    | NoteRejected
    | NoteMissing
)

# --- fiscal registrar: commands -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Supplier:
    """Whose service an agent takes money for: tags 1225, 1226 and 1171."""

    name: str
    inn: str
    phones: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Agent:
    """The registrar's owner takes this money for somebody else."""

    sign: int
    """Bit number of tag 1222: 2 paying agent, 3 paying sub-agent, 6 another agent."""
    supplier: Supplier
    phones: tuple[str, ...] = ()
    """Of the paying agent, tag 1073."""
    operator_phones: tuple[str, ...] = ()
    """Of the operator who takes payments for a sub-agent, tag 1074."""


@dataclass(frozen=True, slots=True)
class ReceiptItem:
    """One line of a receipt, sold once. `method` and `subject` are the values of tags 1214 and 1212, `vat` of tag 1199."""

    name: str
    price: Money
    method: int
    subject: int
    vat: int
    agent: Agent | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where the money was taken: tag 1036, and tags 1009 and 1187."""

    automaton: str
    address: str
    name: str


@dataclass(frozen=True, slots=True)
class Correction:
    """The document corrects what should have been registered earlier: tags 1173, 1178 and 1179."""

    of: date
    """The day on which the money was taken."""
    number: str
    """Of the act, or of the tax office's order."""
    is_ordered: bool = False
    """By the tax office; else of our own accord."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """A sale paid in cash; `payment` is our own number and travels in tag 1086 where the registrar can."""

    payment: str
    items: tuple[ReceiptItem, ...]
    total: Money
    tax_system: int
    """Bit number of tag 1055: 0 OSN, 1 USN income, 2 USN income minus expense, 4 ESHN, 5 patent."""
    lines: tuple[str, ...] = ()
    """Printed above the items, without fiscal meaning."""
    place: Place | None = None
    """None: as the registrar is registered."""
    contact: str | None = None
    """The customer's phone, +7 and ten digits, or e-mail address: tag 1008."""
    correction: Correction | None = None
    service: str = ""
    account: str = ""
    """What was paid for, by our own names: for who prints the whole receipt himself."""


@dataclass(frozen=True, slots=True)
class RegisterReceipt:
    """Make the fiscal document of a payment. Answered by RegistrationStarting, then one of the two outcomes."""

    receipt: Receipt


@dataclass(frozen=True, slots=True)
class SettleReceipt:
    """Find out what became of a registration that was interrupted; it never prints a new document.

    `drive_serial` and `last_document` are those of its RegistrationStarting; `others` are the documents after that one
    which belong to other payments.
    """

    receipt: Receipt
    drive_serial: str
    last_document: int
    others: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class CloseShift:
    """Print the Z-report and close the shift; nothing happens when it is closed already."""


@dataclass(frozen=True, slots=True)
class PrintXReport:
    """Print the totals of the running shift; nothing is closed."""


@dataclass(frozen=True, slots=True)
class CountShift:
    """Tell the running shift's totals without printing anything; answered by ShiftCounted or ReportFailed."""


@dataclass(frozen=True, slots=True)
class SetClock:
    """Set the registrar's clock, which goes while its shift is closed only; answered by ClockSet or ReportFailed."""

    at: datetime


@dataclass(frozen=True, slots=True)
class PrintText:
    """Print these lines without fiscal meaning and cut; answered by TextPrinted or ReportFailed."""

    lines: tuple[str, ...]


RegistrarCommand = (
    RegisterReceipt | SettleReceipt | CloseShift | PrintXReport | CountShift | SetClock | PrintText
)

# --- fiscal registrar: facts ----------------------------------------------------------------------------------


class ShiftState(enum.Enum):
    """A shift may stand open for 24 hours."""

    CLOSED = "closed"
    OPEN = "open"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Document:
    """A fiscal document as the fiscal drive keeps it.

    Of a printer without fiscal functions: the payment's own receipt, `number` counts the terminal's payments, there is no
    `sign` and no `shift` (0), and `drive_serial` is empty.
    """

    number: int
    sign: int
    at: datetime
    total: Money
    drive_serial: str
    shift: int


@dataclass(frozen=True, slots=True)
class RegistrarLost:
    """The registrar does not answer or its port is gone; every command given so far is void."""

    reason: str


@dataclass(frozen=True, slots=True)
class RegistrarStatus:
    """How the registrar is; reported when it changes and at least every few seconds.

    `problem` is None when a receipt can be made now, else a condition's code: `registrar_paper_out`,
    `registrar_cover_open`, `registrar_busy`, `registrar_drive`, `registrar_locked`, `registrar_clock`,
    `registrar_document_open`, `registrar_failed`; `detail` is for staff. `notices` are the codes and details of what
    does not stop it yet: `registrar_paper_low`, `registrar_drive_ending`, `registrar_settings`. A printer without fiscal
    functions has no drive (`drive_serial` is empty) and no shift: it is CLOSED, always.
    """

    model: str
    drive_serial: str
    shift: ShiftState
    shift_number: int
    last_document: int
    unsent_documents: int
    problem: str | None = None
    detail: str = ""
    shift_opened_at: datetime | None = None
    unsent_since: datetime | None = None
    """When the oldest document was made that the data operator has not confirmed."""
    drive_expires: date | None = None
    clock_ahead_min: int = 0
    """So many whole minutes its clock is ahead of ours; below 0: behind."""
    notices: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class RegistrationStarting:
    """The registrar is ready and asked; the first command of the receipt leaves when this has been journalled."""

    payment: str
    drive_serial: str
    last_document: int


@dataclass(frozen=True, slots=True)
class DocumentRegistered:
    """The payment has its fiscal document. `printed` is False when paper or link failed after it was recorded."""

    payment: str
    document: Document
    printed: bool = True


@dataclass(frozen=True, slots=True)
class NotRegistered:
    """No document came out. `certain`: none exists, it may be tried again; else it must be settled first."""

    payment: str
    reason: str
    certain: bool


@dataclass(frozen=True, slots=True)
class ShiftOpened:
    """A shift was opened, by us or by the device itself."""

    number: int
    document_number: int
    drive_serial: str


@dataclass(frozen=True, slots=True)
class ShiftClosed:
    """The Z-report is printed."""

    number: int
    document_number: int
    drive_serial: str


@dataclass(frozen=True, slots=True)
class ShiftCounted:
    """The registrar's own totals of a shift: its receipts, and what they add up to. Told when asked for, and before each
    Z-report of ours. Corrections count as receipts do."""

    number: int
    receipts: int
    total: Money
    drive_serial: str


@dataclass(frozen=True, slots=True)
class ClockSet:
    """The registrar's clock shows what it was told."""


@dataclass(frozen=True, slots=True)
class TextPrinted:
    """The lines are on paper."""


@dataclass(frozen=True, slots=True)
class ReportFailed:
    """What staff asked for could not be done; `reason` is for them."""

    reason: str


@dataclass(frozen=True, slots=True)
class XReportPrinted:
    """The X-report is printed."""


RegistrarFact = (
    RegistrarLost
    | RegistrarStatus
    | RegistrationStarting
    | DocumentRegistered
    | NotRegistered
    | ShiftOpened
    | ShiftClosed
    | ShiftCounted
    | ReportFailed
    | XReportPrinted
    | ClockSet
    | TextPrinted
)

# --- importer: facts ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SnapshotReady:
    """A new subscriber store lies under `current`; the core opens it when no visit is running.

    `sha256` is the hex digest of the file as the clerk dropped it.
    """

    file: str
    sha256: str
    accounts: int
    rows: int


@dataclass(frozen=True, slots=True)
class ImportRefused:
    """A file went to quarantine; the data in use did not change. `reason` is one sentence for the clerk."""

    file: str
    reason: str
    report: str


ImportFact = SnapshotReady | ImportRefused

# --- outgoing folder: facts -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FileWritten:
    """The payment file of a batch lies in `folder`, read back and found whole."""

    batch: int
    name: str
    folder: str


@dataclass(frozen=True, slots=True)
class ExportEnded:
    """What the clock asked for was done; `problem` says what was not, for staff."""

    problem: str | None = None


# --- customer screen: facts -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ScreenStarted:
    """The process that draws the customer screen was started."""


@dataclass(frozen=True, slots=True)
class ScreenEnded:
    """The process that draws the customer screen is gone; it is started again."""

    detail: str
