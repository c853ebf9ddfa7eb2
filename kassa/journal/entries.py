"""What the journal can say: one frozen structure a kind of entry, in the past tense, written for ever.

Amounts (`value`, `total`) are minor units of the terminal's one currency. When something happened stands in the
journal's row, so an entry has a time only where it is a device's own. Entries outlive every version of this
program: a field may be added with a default, nothing may be renamed or removed, and what a version does not know
it refuses to open.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import get_args

import msgspec
from msgspec import Struct

from kassa.untrusted import read_json

_INNER_CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")


def kind_of(name: str) -> str:
    """`NoteStacked` -> `note_stacked`: the kind that stands in the journal."""
    return _INNER_CAPITAL.sub("_", name).lower()


class _Entry(
    Struct, frozen=True, tag_field="kind", tag=kind_of, forbid_unknown_fields=True, omit_defaults=True
):
    """`omit_defaults`: a field added later leaves the text of older entries as it was."""


# --- the program ----------------------------------------------------------------------------------------------


class Started(_Entry, frozen=True):
    """The core runs and is about to recover."""

    version: str
    terminal: str


class Stopped(_Entry, frozen=True):
    """The core ended by its own will; without this the next start follows a crash or a power cut."""


# --- payments and notes ---------------------------------------------------------------------------------------


class PaymentOpened(_Entry, frozen=True):
    """A confirmed account got its first note. `snapshot`: sha256 of the subscriber data that were on the screen.

    `contact`: where the customer wants the electronic receipt, in full; whoever shows it masks it.
    """

    payment: str
    service: str
    account: str
    snapshot: str | None
    contact: str | None = None


class StackIntended(_Entry, frozen=True):
    """The note at escrow is about to be sent into the cassette. `note` numbers notes 1, 2, 3 ... for ever.

    `counted`: the validator's serial number and how many notes it had stacked before, where it counts them.
    """

    payment: str
    note: int
    value: int
    counted: tuple[str, int] | None = None


class NoteStacked(_Entry, frozen=True):
    """The note lies in the cassette. `value` is what the device reported.

    `uncertain`: no evidence says so, and it is credited to the customer's benefit.
    """

    payment: str
    note: int
    value: int
    uncertain: bool = False


class NoteReturned(_Entry, frozen=True):
    """The note we meant to stack went back to the customer."""

    payment: str
    note: int
    reason: str


class EvidenceFound(_Entry, frozen=True):
    """What the validator said at a start of a note in flight, and will not say again.

    note_in_head, note_in_stacker; or power_lost: nothing, and that it is at rest afterwards says nothing either.
    """

    payment: str
    note: int
    evidence: str


class OrphanFound(_Entry, frozen=True):
    """A note lies in the cassette that belongs to no payment; `value` is None when its type is unknown."""

    note: int
    value: int | None
    evidence: str


class PaymentCredited(_Entry, frozen=True):
    """The sum of the stacked notes belongs to the account. `reason`: finish, timeout, limit, stop or recovery."""

    payment: str
    total: int
    reason: str


class PaymentAbandoned(_Entry, frozen=True):
    """The payment was opened, yet no note was ever stacked."""

    payment: str


# --- the cassette ---------------------------------------------------------------------------------------------


class CassetteRemoved(_Entry, frozen=True):
    """The validator saw its cassette leave. `last_note`: the last note that fell into it by now; 0 before the first."""

    last_note: int


class CassetteInserted(_Entry, frozen=True):
    """A cassette is in its place again, the same one or another."""


class CassettePutBack(_Entry, frozen=True):
    """The cassette of removal `removal` (the number of its entry) was put back as it was, says `by`."""

    removal: int
    by: str


class CashCollected(_Entry, frozen=True):
    """An empty cassette took the place of the one with all notes up to `last_note`, says `by`.

    `removal`: the number of the entry that tells when it left; None: nobody saw it, and it was counted by now.
    `notes`: how many of which value lay in it, by the journal; value 0 stands for those of unknown value.
    """

    collection: int
    removal: int | None
    last_note: int
    notes: tuple[tuple[int, int], ...]
    by: str


# --- fiscal documents -----------------------------------------------------------------------------------------


class FiscalIntended(_Entry, frozen=True):
    """The registrar is ready; the first command of the receipt is about to leave.

    `last_document` is the number of the last document on the fiscal drive just before.
    """

    payment: str
    drive_serial: str
    last_document: int


class FiscalVoided(_Entry, frozen=True):
    """That attempt left no document, this is certain; it may be tried again."""

    payment: str
    reason: str


class DocumentRegistered(_Entry, frozen=True):
    """The payment has its fiscal document; `at` is the registrar's own time, ISO 8601."""

    payment: str
    number: int
    sign: int
    at: str
    drive_serial: str
    shift: int
    total: int
    printed: bool


class DocumentOwed(_Entry, frozen=True):
    """The customer left without the document; it is made as soon as the registrar can."""

    payment: str
    reason: str


class LateDocumentDecided(_Entry, frozen=True):
    """The shift in which the money was taken was closed without the document; which kind is made now, says `by`.

    `document`: receipt or correction; `act`: the number of the paper that a correction is founded on; `role`: what `by`
    is here, who gave the right PIN.
    """

    payment: str
    document: str
    act: str
    by: str
    reason: str
    role: str = ""


class DocumentFound(_Entry, frozen=True):
    """The payment has its fiscal document: `by` saw it in the archive of the intent's drive, which the core cannot ask.

    `at` is the registrar's own time, ISO 8601; `shift` is 0 where nobody said it; `role`: what `by` is here.
    """

    payment: str
    number: int
    sign: int
    at: str
    drive_serial: str
    by: str
    role: str
    reason: str
    shift: int = 0


class DocumentExcluded(_Entry, frozen=True):
    """That attempt left no document, says `by`, who looked into the archive of the intent's drive; it may be tried again."""

    payment: str
    by: str
    role: str
    reason: str


class CopyPrinted(_Entry, frozen=True):
    """A copy of the payment's document is on paper, for whom `by` asked for it; it is no fiscal document."""

    payment: str
    by: str


class ShiftOpened(_Entry, frozen=True):
    """A shift of the registrar began with this document."""

    number: int
    document_number: int
    drive_serial: str = ""


class ShiftClosed(_Entry, frozen=True):
    """A shift of the registrar ended with this document, the Z-report; 0: nobody saw it, by now it is over."""

    number: int
    document_number: int
    drive_serial: str = ""


class ShiftCounted(_Entry, frozen=True):
    """The registrar's own count of a shift just before it closes it: its receipts, and their sum."""

    drive_serial: str
    number: int
    receipts: int
    total: int


# --- staff ----------------------------------------------------------------------------------------------------


class StaffPinSet(_Entry, frozen=True):
    """This person belongs to the staff, in this role, and has a new PIN; wrong ones before it count no more."""

    name: str
    role: str


class StaffRemoved(_Entry, frozen=True):
    """This person belongs to the staff no more."""

    name: str


class StaffRefused(_Entry, frozen=True):
    """Somebody gave a wrong PIN in this person's name; `act` says what for."""

    name: str
    act: str


class StaffAdmitted(_Entry, frozen=True):
    """This person gave the right PIN. Whether the role may do `act` is another question."""

    name: str
    role: str
    act: str


# --- batches --------------------------------------------------------------------------------------------------


class SnapshotNamed(Struct, frozen=True, array_like=True):
    """The subscriber data in use when a batch was frozen; `as_of` is the operator's own time, ISO 8601."""

    as_of: str
    sha256: str


class BatchFrozen(_Entry, frozen=True):
    """These payments and this file belong together for ever.

    With the entries before it this one fixes every byte of the file. `payments` are ranges of the payments' ordinals,
    both ends included. A payment that has no document yet is `owed` in the file, and stays so. `since` and `until`
    (ISO 8601) are the period: from the batch before to this one. `sha256` is that of the whole file.
    """

    batch: int
    name: str
    operator: str
    terminal: str
    currency: str
    encoding: str
    since: str
    until: str
    snapshot: SnapshotNamed | None
    payments: tuple[tuple[int, int], ...]
    count: int
    total: int
    sha256: str


class BatchWritten(_Entry, frozen=True):
    """The batch's file lies in the outgoing folder, read back and found equal."""

    batch: int
    name: str


# --- subscriber data ------------------------------------------------------------------------------------------


class SnapshotAdopted(_Entry, frozen=True):
    """The terminal looks subscribers up in these data from now on; `as_of` is the operator's own time, ISO 8601."""

    sha256: str
    file: str
    accounts: int
    as_of: str


class ImportRefused(_Entry, frozen=True):
    """A subscriber file was not good enough; the data in use stayed."""

    file: str
    reason: str


# --- conditions -----------------------------------------------------------------------------------------------


class ConditionRaised(_Entry, frozen=True):
    """Something is wrong from now on; `code` names it for machines, `detail` for staff."""

    code: str
    detail: str


class ConditionCleared(_Entry, frozen=True):
    """It is no longer wrong."""

    code: str


Entry = (
    Started
    | Stopped
    | PaymentOpened
    | StackIntended
    | NoteStacked
    | NoteReturned
    | EvidenceFound
    | OrphanFound
    | PaymentCredited
    | PaymentAbandoned
    | CassetteRemoved
    | CassetteInserted
    | CassettePutBack
    | CashCollected
    | FiscalIntended
    | FiscalVoided
    | DocumentRegistered
    | DocumentOwed
    | LateDocumentDecided
    | DocumentFound
    | DocumentExcluded
    | CopyPrinted
    | ShiftOpened
    | ShiftClosed
    | ShiftCounted
    | StaffPinSet
    | StaffRemoved
    | StaffRefused
    | StaffAdmitted
    | BatchFrozen
    | BatchWritten
    | SnapshotAdopted
    | ImportRefused
    | ConditionRaised
    | ConditionCleared
)

KINDS: frozenset[str] = frozenset(kind_of(one.__name__) for one in get_args(Entry))
"""Every kind that this version can read."""

_encoder = msgspec.json.Encoder()
DECODER: msgspec.json.Decoder[Entry] = msgspec.json.Decoder(Entry)
"""For who reads millions of what `encode` wrote and a chain holds; `decode` is for everybody else."""
_kinds = {one: kind_of(one.__name__) for one in get_args(Entry)}


def kind(entry: Entry) -> str:
    """The entry's kind as it stands in the journal."""
    return _kinds[type(entry)]


def encode(entry: Entry) -> str:
    """The entry's one text: JSON, fields in the order of the structure, no spaces."""
    return _encoder.encode(entry).decode()


decode: Callable[[str], Entry] = partial(read_json, DECODER)
"""Read what `encode` wrote. Raises msgspec.MsgspecError on a kind or field that this version does not know."""
