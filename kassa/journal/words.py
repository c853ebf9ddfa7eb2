"""What an entry says, in one English line for staff."""

from __future__ import annotations

from kassa.contact import masked
from kassa.journal import entries as e
from kassa.money import Money
from kassa.words import counted

EVIDENCE = {
    "note_in_head": "in the head, or back, the validator said at its start",
    "note_in_stacker": "in the stacker, or behind it, the validator said at its start",
    "power_lost": "the validator began anew and said nothing of it",
}


def in_words(entry: e.Entry, currency: str) -> str:
    """One line, without the time and without the payment that the reader asked for."""

    def money(minor: int | None) -> str:
        return "a note of unknown value" if minor is None else str(Money(minor, currency))

    match entry:
        case e.Started():
            return f"terminal {entry.terminal} started, kassa {entry.version}"
        case e.Stopped():
            return "the terminal was stopped"
        case e.PaymentOpened():
            data = f"subscriber data {entry.snapshot[:12]}" if entry.snapshot else "no subscriber data"
            receipt = f", receipt also to {masked(entry.contact)}" if entry.contact else ""
            return f"payment opened: {entry.service}, account {entry.account}, {data}{receipt}"
        case e.StackIntended():
            before = f", the validator has counted {entry.counted[1]} before" if entry.counted else ""
            return f"note {entry.note}, {money(entry.value)}: about to be stacked{before}"
        case e.NoteStacked():
            doubt = ", UNCERTAIN: credited for the customer, no evidence" if entry.uncertain else ""
            return f"note {entry.note}, {money(entry.value)}: in the cassette{doubt}"
        case e.NoteReturned():
            return f"note {entry.note}: returned, {entry.reason}"
        case e.EvidenceFound():
            told = EVIDENCE.get(entry.evidence, entry.evidence)
            return f"note {entry.note}: {told}"
        case e.OrphanFound():
            return f"note {entry.note}, {money(entry.value)}: in the cassette without a payment, {entry.evidence}"
        case e.PaymentCredited():
            return f"credited {money(entry.total)} ({entry.reason})"
        case e.PaymentAbandoned():
            return "abandoned, no money was taken"
        case e.CassetteRemoved():
            return "the cassette was taken out"
        case e.CassetteInserted():
            return "a cassette is in its place"
        case e.CassettePutBack():
            return f"the cassette was put back as it was, says {entry.by}"
        case e.CashCollected():
            notes = sum(count for _, count in entry.notes)
            total = money(sum(value * count for value, count in entry.notes))
            return f"collection {entry.collection}: {counted(notes, 'note')}, {total}, by {entry.by}"
        case e.FiscalIntended():
            if not entry.drive_serial:
                return f"receipt {entry.last_document + 1} about to be printed, without a fiscal drive"
            drive = f"fiscal drive {entry.drive_serial}, last document {entry.last_document}"
            return f"receipt about to be registered: {drive}"
        case e.FiscalVoided():
            return f"that receipt left no document: {entry.reason}"
        case e.DocumentRegistered():
            paper = "" if entry.printed else ", not printed"
            if not entry.drive_serial:
                return f"receipt {entry.number}, {money(entry.total)}, without a fiscal drive{paper}"
            return f"document {entry.number}, sign {entry.sign}, {money(entry.total)}, shift {entry.shift}{paper}"
        case e.DocumentOwed():
            return f"document owed: {entry.reason}"
        case e.LateDocumentDecided():
            kind = "a correction receipt" if entry.document == "correction" else "an ordinary receipt"
            who = f"{entry.by} ({entry.role})" if entry.role else entry.by
            return f"its document will be {kind} (act {entry.act}), says {who}: {entry.reason}"
        case e.DocumentFound():
            where = (
                f"on fiscal drive {entry.drive_serial}" if entry.drive_serial else "without a fiscal drive"
            )
            found = f"document {entry.number}, sign {entry.sign}, of {entry.at}"
            return f"{found} was found {where}, says {entry.by} ({entry.role}): {entry.reason}"
        case e.DocumentExcluded():
            return f"that receipt left no document, says {entry.by} ({entry.role}): {entry.reason}"
        case e.CopyPrinted():
            return f"a copy of its document was printed for {entry.by}"
        case e.StaffPinSet():
            return f"{entry.name}, {entry.role}, has a new PIN"
        case e.StaffRemoved():
            return f"{entry.name} belongs to the staff no more"
        case e.StaffRefused():
            return f"a wrong PIN in the name of {entry.name}, for {entry.act}"
        case e.StaffAdmitted():
            return f"{entry.name}, {entry.role}, gave the right PIN, for {entry.act}"
        case e.ShiftOpened():
            return f"shift {entry.number} opened by document {entry.document_number}"
        case e.ShiftClosed(document_number=0):
            return f"shift {entry.number} was closed while the terminal did not see it"
        case e.ShiftClosed():
            return f"shift {entry.number} closed by document {entry.document_number}"
        case e.ShiftCounted():
            return f"the registrar counts in shift {entry.number}: {counted(entry.receipts, 'receipt')}, {money(entry.total)}"
        case e.BatchFrozen():
            return f"batch {entry.batch} frozen: {counted(entry.count, 'payment')}, {money(entry.total)}, {entry.name}"
        case e.BatchWritten():
            return f"batch {entry.batch} written: {entry.name}"
        case e.SnapshotAdopted():
            return f"subscriber data {entry.file}: {counted(entry.accounts, 'account')}, as of {entry.as_of}"
        case e.ImportRefused():
            return f"subscriber file {entry.file} refused: {entry.reason}"
        case e.ConditionRaised():
            return f"condition {entry.code}: {entry.detail}"
        case e.ConditionCleared():
            return f"condition {entry.code} is over"
