"""What the journal answers: one frozen record a question."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from kassa.journal.entries import Entry


@dataclass(frozen=True, slots=True)
class OpenIntent:
    """A note was about to be stacked, and has no fate yet; `evidence` is what the validator said of it at a start."""

    payment: str
    note: int
    value: int
    evidence: str | None = None


@dataclass(frozen=True, slots=True)
class OpenPayment:
    """A payment that takes notes; `paid` is the sum of those stacked so far."""

    number: str
    service: str
    account: str
    paid: int
    contact: str | None = field(default=None, repr=False)
    """Where the electronic receipt goes."""


@dataclass(frozen=True, slots=True)
class DueCount:
    """How many notes the validator `unit` should have stacked in its life, if the books hold all of them.

    A note in flight is not among them.
    """

    unit: str
    stacked: int


@dataclass(frozen=True, slots=True)
class LastNote:
    """The newest note: `state` is intended, stacked, returned or orphan; `value` is None for an unknown orphan."""

    number: int
    value: int | None
    state: str
    payment: str | None
    uncertain: bool


@dataclass(frozen=True, slots=True)
class LateDecision:
    """What kind of document a late payment gets: receipt or correction, the latter founded on this act."""

    document: str
    act: str


@dataclass(frozen=True, slots=True)
class ShiftRecord:
    """A shift of the registrar: by the journal, and by the registrar's own count just before its end.

    `receipts` and `total` are the journal's; the registrar's are None where nobody asked it, or it was another program
    that closed the shift. `opened_at` is None for a shift that stood open when the registrar was seen first.
    """

    drive_serial: str
    number: int
    opened_at: str | None
    closed_at: str | None
    receipts: int
    total: int
    counted_receipts: int | None
    counted_total: int | None

    @property
    def differs(self) -> bool:
        """Whether journal and registrar tell two stories of a shift that is over."""
        counted = (self.counted_receipts, self.counted_total)
        is_over = self.closed_at is not None and self.counted_total is not None
        return is_over and counted != (self.receipts, self.total)


@dataclass(frozen=True, slots=True)
class PendingDocument:
    """A credited payment that has no document yet.

    `intent` is the fiscal drive and its last document before an attempt whose end is unknown; None: no attempt is open.
    `is_late`: a shift was closed since the money was taken; `decision`: what a person has decided then.
    """

    payment: str
    service: str
    account: str
    total: int
    intent: tuple[str, int] | None
    owed: bool
    contact: str | None = field(default=None, repr=False)
    """Where the electronic receipt goes."""
    credited_at: str = ""
    is_late: bool = False
    decision: LateDecision | None = None


@dataclass(frozen=True, slots=True)
class NoteRecord:
    """A note and what became of it."""

    number: int
    value: int | None
    state: str
    uncertain: bool


@dataclass(frozen=True, slots=True)
class DocumentRecord:
    """The fiscal document of a payment; `at` is the registrar's own time, ISO 8601."""

    payment: str
    number: int
    sign: int
    at: str
    drive_serial: str
    shift: int
    total: int
    printed: bool


@dataclass(frozen=True, slots=True)
class MadeDocument:
    """A payment's document, and what else a copy of it tells."""

    document: DocumentRecord
    service: str
    account: str
    contact: str | None = field(repr=False)
    """Where the electronic receipt went."""
    decision: LateDecision | None


@dataclass(frozen=True, slots=True)
class WrongPins:
    """How many wrong PINs there were, and when the last of them was given, ISO 8601."""

    count: int
    at: str


@dataclass(frozen=True, slots=True)
class PaymentRecord:
    """All that is known of a payment now. `state`: open, credited or abandoned; times are ISO 8601."""

    ordinal: int
    number: str
    service: str
    account: str
    state: str
    paid: int
    reason: str | None
    opened_at: str
    credited_at: str | None
    owed: bool
    fiscal_intent: tuple[str, int] | None
    document: DocumentRecord | None
    batch: int | None
    batch_name: str | None
    notes: tuple[NoteRecord, ...]
    copies: int = 0
    """Of its document, on paper."""


@dataclass(frozen=True, slots=True)
class BatchRecord:
    """A frozen batch; `is_written` when its file was read back from the outgoing folder."""

    number: int
    name: str
    payments: int
    total: int
    sha256: str
    until: str
    frozen_seq: int
    is_written: bool


class BatchRow(NamedTuple):
    """A payment as it stands in its batch's file; without a document number its document is owed."""

    ordinal: int
    payment: str
    account: str
    service: str
    credited_at: str
    paid: int
    document: int | None
    sign: int | None


@dataclass(frozen=True, slots=True)
class SnapshotRecord:
    """Subscriber data the terminal adopted; `as_of` is the operator's own time, ISO 8601."""

    sha256: str
    file: str
    accounts: int
    as_of: str


@dataclass(frozen=True, slots=True)
class ConditionRecord:
    """Something that is wrong now, since when."""

    code: str
    detail: str
    since: str


@dataclass(frozen=True, slots=True)
class Removal:
    """A cassette left its place, and nobody said yet what became of it; `last_note` is the last that fell into it."""

    seq: int
    at: str
    last_note: int


@dataclass(frozen=True, slots=True)
class NoteToExplain:
    """A note that a collector should look for: without a payment, or credited without proof that it was stacked."""

    number: int
    value: int | None
    payment: str | None


@dataclass(frozen=True, slots=True)
class ValidatorCount:
    """How many notes the validator `unit` counted from its first word on these notes to its last; and the books."""

    unit: str
    counted: int
    booked: int


@dataclass(frozen=True, slots=True)
class CassetteRecord:
    """What lies, or lay, in one cassette by the books. `notes`: how many of which value, 0 for those of unknown value.

    `since` and `until`: when the one before left, and this one; None: it is the first one, it is in its place.
    `perhaps_before` and `perhaps_behind`: numbers of notes whose fate was settled while it left: counted here, they
    may lie in the cassette before; counted in the one behind, they may lie here.
    `count` is None where the validator told no count twice, or was set back.
    """

    last_note: int
    since: str | None
    until: str | None
    notes: tuple[tuple[int, int], ...]
    to_explain: tuple[NoteToExplain, ...]
    perhaps_before: tuple[int, ...]
    perhaps_behind: tuple[int, ...]
    count: ValidatorCount | None

    @property
    def total(self) -> int:
        """The sum of the notes whose value is known, in minor units."""
        return sum(value * notes for value, notes in self.notes)


@dataclass(frozen=True, slots=True)
class CollectionRecord:
    """A cassette that was collected; `at` and `by`: when that was said, and by whom; `head`: entry and hash of it."""

    number: int
    at: str
    by: str
    cassette: CassetteRecord
    head: tuple[int, str]


@dataclass(frozen=True, slots=True)
class Totals:
    """The journal in numbers; sums are minor units. `paid_open` was stacked, its payment is still open."""

    entries: int
    payments: int
    credited: int
    paid_open: int
    notes: int
    uncertain: int
    orphans: int
    documents: int
    documents_missing: int
    batches: int
    unbatched: int


@dataclass(frozen=True, slots=True)
class StoryLine:
    """One entry of a payment's story."""

    seq: int
    at: str
    entry: Entry
