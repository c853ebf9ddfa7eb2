"""What must hold after every simulated day: books against the truth that lies in devices, drives and on sticks."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from kiosk import Kiosk
from registrar_models import Kept

from kassa.fiscal.receipt import CORRECTION
from kassa.journal import entries as e
from kassa.journal.verify import verify
from kassa.money import Money, of_whole

TOTAL = re.compile(r"#TOTAL (\d+);(\d+)\.(\d\d)")


class PromiseBroken(AssertionError):
    """The terminal broke a promise; the message says which and how."""


@dataclass(frozen=True)
class Count:
    """What was counted on the way."""

    payments: int
    notes: int
    documents: int
    corrections: int
    """So many of the documents are, as their shift was over."""
    files: int
    uncertain: int
    orphans: int
    in_vain: int
    """Notes credited in doubt that are not in the box: what a collector finds missing, and the journal marks."""


def check(kiosk: Kiosk, *, whole_chain: bool = True) -> Count:
    """Raise PromiseBroken, or count. The kiosk must be calm."""
    journal = kiosk.journal
    _require(journal is not None, "the core runs")
    assert journal is not None
    _require(not kiosk.broken, "; ".join(kiosk.broken))
    if whole_chain:
        verdict = verify(journal)
        _require(verdict.ok, f"the journal is not whole: {verdict}")
    payments, credited = journal.payments(), kiosk.credited()
    uncertain, orphans, in_vain = _check_notes(kiosk, payments, credited)
    _check_cassettes(kiosk)
    _check_accounts(kiosk, credited)
    documents = receipts(kiosk)
    _check_documents(kiosk, credited, documents)
    _check_shifts(kiosk, credited)
    _check_contacts(kiosk, documents)
    _check_suppliers(kiosk, credited, documents)
    files = _check_files(kiosk, credited, sum(one.sum for one in documents))
    _check_what_staff_see(kiosk)
    return Count(
        payments=len(credited), notes=len(kiosk.collected) + len(kiosk.validator.truth.cassette),
        documents=len(documents), corrections=sum(one.is_correction for one in documents), files=files,
        uncertain=uncertain, orphans=orphans, in_vain=in_vain,
    )  # fmt: skip


def receipts(kiosk: Kiosk) -> list[Kept]:
    """Every receipt and correction of ours that any fiscal drive of the kiosk holds."""
    return [one for one in kiosk.model.kept if one.is_ours]


def _require(kept: bool, words: str) -> None:
    if not kept:
        raise PromiseBroken(words)


def _check_notes(kiosk: Kiosk, payments: list[Any], credited: list[Any]) -> tuple[int, int, int]:
    """What lies in the box is credited once or an orphan; only an uncertain note may lie elsewhere."""
    journal = kiosk.journal
    assert journal is not None
    box = Counter(of_whole(units).minor for units in [*kiosk.collected, *kiosk.validator.truth.cassette])
    stacked = [note for payment in payments for note in payment.notes if note.state == "stacked"]
    certain = Counter(note.value for note in stacked if not note.uncertain)
    uncertain = Counter(note.value for note in stacked if note.uncertain)
    books = Counter(journal.cassette())
    for collection in journal.collections():
        books.update(dict(collection.cassette.notes))
    orphans = books - certain - uncertain
    unknown = orphans.pop(0, 0)
    vain = certain + orphans - box
    _require(not vain, f"in the books, yet not in the box: {_notes(vain)}")
    missing = box - certain - orphans - uncertain
    _require(missing.total() <= unknown, f"in the box, yet not in the books: {_notes(missing)}")
    in_vain = certain + orphans + uncertain - box
    twice = in_vain & orphans
    _require(not twice, f"credited in doubt, and an orphan besides: {_notes(twice)}")
    total, notes = sum(one.paid for one in credited), sum(note.value for note in stacked)
    _require(total == notes, f"payments hold {total}, their notes {notes}")
    return uncertain.total(), orphans.total() + unknown, in_vain.total()


def _check_cassettes(kiosk: Kiosk) -> None:
    """Each cassette holds what the journal says of it, but for notes that it tells the collector to look for."""
    journal = kiosk.journal
    assert journal is not None
    said = [one.cassette for one in journal.collections()] + [journal.lies_in_cassette()]
    truth = [*kiosk.cassettes, kiosk.validator.truth.cassette]
    _require(len(said) == len(truth), f"{len(truth) - 1} collections, {len(said) - 1} in the journal")
    for number, (books, units) in enumerate(zip(said, truth, strict=True), 1):
        booked, box = Counter(dict(books.notes)), Counter(of_whole(one).minor for one in units)
        unknown = booked.pop(0, 0)
        uncertain = Counter(note.value for note in books.to_explain if note.payment is not None)
        missing, surplus = booked - box - uncertain, box - booked
        _require(not missing, f"cassette {number} lacks {_notes(missing)}")
        _require(
            surplus.total() <= unknown,
            f"cassette {number} holds {_notes(surplus)} more than the journal says",
        )


def _check_accounts(kiosk: Kiosk, credited: list[Any]) -> None:
    """A note is credited to the account that the screen showed when it went in."""
    kiosk.count_fallen()
    fallen = Counter((account, of_whole(units).minor) for account, units in kiosk.dropped_for)
    booked = Counter(
        (payment.account, note.value)
        for payment in credited
        for note in payment.notes
        if note.state == "stacked" and not note.uncertain
    )
    strange = booked - fallen
    _require(not strange, f"credited to another account than the one on the screen: {dict(strange)}")


def _check_documents(kiosk: Kiosk, credited: list[Any], documents: list[Kept]) -> None:
    """One for each payment, its own, and of the kind that is right."""
    without = [one.number for one in credited if one.document is None]
    _require(not without, f"without a document: {', '.join(without)}")
    told = Counter(
        (written.drive_serial, written.number, written.sign, written.shift, one.paid)
        for one in credited
        if (written := one.document)
    )
    kept = Counter((one.drive, one.number, one.sign, one.shift, one.sum) for one in documents)
    _require(
        told == kept, f"only in the journal: {dict(told - kept)}, only in the drive: {dict(kept - told)}"
    )
    payments = {(one.document.drive_serial, one.document.number): one.number for one in credited}
    own = {(one.drive, one.number): one for one in documents}
    strange = [name for place, name in payments.items() if own[place].payment not in (None, name)]
    _require(not strange, f"their documents are of other payments: {', '.join(strange)}")
    corrected = {payments[place] for place, one in own.items() if one.is_correction}
    decided = _decided(kiosk, CORRECTION)
    _require(
        corrected == decided, f"receipts where corrections are right, or corrections: {corrected ^ decided}"
    )


def _check_shifts(kiosk: Kiosk, credited: list[Any]) -> None:
    """No shift is closed between a document's beginning and the document."""
    assert kiosk.journal is not None
    with kiosk.journal.reading() as db:
        rows = db.execute("SELECT body FROM entries WHERE kind = 'fiscal_intended' ORDER BY seq")
        found = [e.decode(body) for (body,) in rows]
    begun = {one.payment: one for one in found if isinstance(one, e.FiscalIntended)}
    made = {one.number: one.document.number for one in credited}
    closings = kiosk.model.closings
    inside = [
        payment
        for payment, intent in begun.items()
        for drive, number in closings
        if drive == intent.drive_serial and intent.last_document < number < made[payment]
    ]
    _require(not inside, f"a shift was closed inside their receipts: {', '.join(inside)}")


def _decided(kiosk: Kiosk, document: str) -> set[str]:
    """Payments of which a person said that their late document shall be such a one."""
    assert kiosk.journal is not None
    with kiosk.journal.reading() as db:
        rows = db.execute("SELECT e.body FROM payments p JOIN entries e ON e.seq = p.decided_seq")
        found = [e.decode(entry) for (entry,) in rows]
    return {
        one.payment for one in found if isinstance(one, e.LateDocumentDecided) and one.document == document
    }


def _check_contacts(kiosk: Kiosk, documents: list[Kept]) -> None:
    """A document names where its own customer wants the electronic receipt, and nobody else's place.

    Only of documents that carry the payment's number: not every registrar takes tags.
    """
    assert kiosk.journal is not None
    with kiosk.journal.reading() as db:
        left = dict(db.execute("SELECT number, contact FROM payments"))
    told = {one.payment: one.contact for one in documents if one.payment is not None}
    named = {payment: contact for payment, contact in told.items() if contact is not None}
    wrong = [payment for payment, contact in named.items() if contact != left[payment]]
    _require(not wrong, f"their receipts go to another address than the customer's: {', '.join(wrong)}")
    silent = [payment for payment in told if payment not in named and left[payment] is not None]
    _require(not silent, f"their receipts go to no address: {', '.join(map(str, silent))}")


def _check_suppliers(kiosk: Kiosk, credited: list[Any], documents: list[Kept]) -> None:
    """A document names whose service it is, for as long as it has items: some corrections have none."""
    agents = {one.id: one.agent and one.agent.supplier.inn for one in kiosk.config.service}
    services = {(one.document.drive_serial, one.document.number): one.service for one in credited}
    wrong = [
        one.number
        for one in documents
        if any(inn != agents[services[one.drive, one.number]] for inn in one.suppliers)
    ]
    _require(not wrong, f"documents that name another supplier: {wrong}")


def _check_files(kiosk: Kiosk, credited: list[Any], register: int) -> int:
    """Each payment once; a batch may lie on several sticks, and at least once as it was frozen."""
    journal = kiosk.journal
    assert journal is not None
    copies: dict[str, list[bytes]] = {}
    for name, content in kiosk.files():
        copies.setdefault(name, []).append(content)
    rows: Counter[str] = Counter()
    said: set[tuple[str, str, str]] = set()
    total = 0
    for batch in journal.batches():
        _require(batch.is_written, f"{batch.name} was never written")
        # A stick that lied may hold a torn copy; whoever reads it finds that by its sum.
        whole = [one for one in copies.get(batch.name, []) if sha256(one).hexdigest() == batch.sha256]
        _require(bool(whole), f"{batch.name} lies nowhere as it was frozen")
        text = whole[0].decode()
        fields = [line.split(";") for line in text.splitlines() if not line.startswith("#")]
        numbers = [row[1] for row in fields]
        said |= {(row[1], row[2], row[5]) for row in fields}
        found = TOTAL.search(text)
        _require(found is not None and int(found[1]) == len(numbers), f"{batch.name} counts its rows wrongly")
        assert found is not None
        total += int(found[2]) * 100 + int(found[3])
        rows.update(numbers)
    twice = [number for number, times in rows.items() if times > 1]
    _require(not twice, f"in two files: {', '.join(twice)}")
    wanted = {one.number for one in credited}
    _require(rows.keys() == wanted, f"files and journal differ in {sorted(rows.keys() ^ wanted)}")
    meant = {(one.number, one.account, Money(one.paid).decimal()) for one in credited}
    _require(said == meant, f"rows say another account or sum than the journal: {sorted(said - meant)}")
    in_journal = sum(one.paid for one in credited)
    _require(
        total == in_journal == register,
        f"files hold {total}, the journal {in_journal}, the drives {register}",
    )
    return len(copies)


def _check_what_staff_see(kiosk: Kiosk) -> None:
    """Of this cassette; a collector was told of those before."""
    assert kiosk.journal is not None
    orphans, uncertain = kiosk.journal.to_explain()
    shown = {one.code for one in kiosk.journal.conditions()}
    _require(not orphans or "orphan_note" in shown, "an orphan note is shown to nobody")
    _require(not uncertain or "uncertain_note" in shown, "an uncertain note is shown to nobody")


def _notes(values: Counter[int]) -> str:
    return ", ".join(f"{count} x {value / 100:.0f}" for value, count in sorted(values.items()))
