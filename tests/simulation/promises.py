"""What must hold after every simulated day: books against the truth that lies in devices, drives and on sticks."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from kiosk import Kiosk

from devices.shtrih import tlv
from devices.shtrih.memory import Record
from devices.shtrih.protocol import Form
from kassa.journal.verify import verify
from kassa.money import Money, of_whole

CONTACT = 1008
"""The tag that tells the data operator where the electronic receipt goes."""
TOTAL = re.compile(r"#TOTAL (\d+);(\d+)\.(\d\d)")


class PromiseBroken(AssertionError):
    """The terminal broke a promise; the message says which and how."""


@dataclass(frozen=True)
class Count:
    """What was counted on the way."""

    payments: int
    notes: int
    documents: int
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
    _check_documents(kiosk, credited)
    _check_contacts(kiosk)
    files = _check_files(kiosk, credited)
    _check_what_staff_see(kiosk)
    return Count(
        payments=len(credited), notes=len(kiosk.collected) + len(kiosk.validator.truth.cassette),
        documents=len(receipts(kiosk)), files=files, uncertain=uncertain, orphans=orphans, in_vain=in_vain,
    )  # fmt: skip


def receipts(kiosk: Kiosk) -> list[Record]:
    """Every receipt that any fiscal drive of the kiosk holds."""
    drives = [*kiosk.registrar.truth.former_drives, kiosk.registrar.truth.drive]
    return [one for drive in drives for one in drive.documents if one.form is Form.RECEIPT]


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


def _check_documents(kiosk: Kiosk, credited: list[Any]) -> None:
    without = [one.number for one in credited if one.document is None]
    _require(not without, f"without a document: {', '.join(without)}")
    told = Counter((one.document.number, one.document.sign, one.paid) for one in credited)
    kept = Counter((one.number, one.sign, one.sum) for one in receipts(kiosk))
    _require(
        told == kept, f"only in the journal: {dict(told - kept)}, only in the drive: {dict(kept - told)}"
    )


def _check_contacts(kiosk: Kiosk) -> None:
    """A document names where its own customer wants the electronic receipt, and nobody else's place.

    Only of documents that carry the payment's number: not every registrar takes tags.
    """
    assert kiosk.journal is not None
    with kiosk.journal.reading() as db:
        left = dict(db.execute("SELECT number, contact FROM payments"))
    told = {one.payment: tlv.find(one.tags, CONTACT) for one in receipts(kiosk) if one.payment is not None}
    named = {payment: value.decode("cp866") for payment, value in told.items() if value is not None}
    wrong = [payment for payment, contact in named.items() if contact != left[payment]]
    _require(not wrong, f"their receipts go to another address than the customer's: {', '.join(wrong)}")
    silent = [payment for payment in told if payment not in named and left[payment] is not None]
    _require(not silent, f"their receipts go to no address: {', '.join(map(str, silent))}")


def _check_files(kiosk: Kiosk, credited: list[Any]) -> int:
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
    register = sum(one.sum for one in receipts(kiosk))
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
