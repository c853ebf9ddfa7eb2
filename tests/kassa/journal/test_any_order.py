"""Whatever happens in whatever order: the derived tables follow from the entries, and each prefix opens as it was."""

import random
from contextlib import closing
from pathlib import Path

import hypothesis.strategies as st
from counting_clock import CountingClock
from entry_stories import (
    DRIVE,
    credited,
    excluded,
    found,
    intended,
    opened,
    payment_number,
    registered,
    stacked,
    visits,
)
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from simulated_disk import SimulatedDisk, plugged

from kassa.clock import Clock
from kassa.export.batch import contents, freeze
from kassa.journal import entries as e
from kassa.journal.queries import Queries
from kassa.journal.store import Journal
from kassa.journal.verify import verify

PATH = Path("/journal.db")
VALUES = st.sampled_from([5000, 10000, 50000, 100000])
REMEMBERED = (
    Queries.last_note, Queries.next_payment, Queries.fiscal_pending, Queries.cassette, Queries.cassette_is_out,
    Queries.removals,
)  # fmt: skip


class AnyOrder(RuleBasedStateMachine):
    """A terminal that does everything the rules allow, on a disk that loses power now and then."""

    @initialize()
    def begin(self) -> None:
        self.clock: Clock = CountingClock()
        self.disk = SimulatedDisk()
        self.payment, self.note, self.document = 0, 0, 1000
        self.is_open, self.in_flight, self.paid = False, 0, 0
        self.without_document: list[tuple[int, int]] = []
        self.batches: dict[int, bytes] = {}
        self.cassette: dict[int, int] = {}
        self.collections, self.collected = 0, 0
        self.removals: dict[int, tuple[int, dict[int, int]]] = {}
        """Not explained yet: the last note then, and what lay there."""
        self.plug()

    def plug(self) -> None:
        self.plugged = plugged(self.disk, f"disk-{id(self):x}")
        self.journal = Journal.open(PATH, self.clock, vfs=self.plugged.__enter__())

    def unplug(self) -> None:
        self.journal.close()
        self.plugged.__exit__(None, None, None)

    def teardown(self) -> None:
        if hasattr(self, "journal"):
            assert verify(self.journal).ok
            for number, content in self.batches.items():
                assert b"".join(contents(self.journal, number)[1]) == content
            self.unplug()

    # --- what happens ---------------------------------------------------------------------------------------------

    @precondition(lambda self: not self.in_flight)
    @rule(value=VALUES)
    def a_note_comes(self, value: int) -> None:
        self.note += 1
        before: tuple[e.Entry, ...] = ()
        if not self.is_open:
            self.payment, self.is_open, self.paid = self.payment + 1, True, 0
            before = (opened(self.payment),)
        self.journal.append(*before, intended(self.payment, self.note, value))
        self.in_flight = value

    @precondition(lambda self: self.in_flight)
    @rule()
    def it_is_stacked(self) -> None:
        self.journal.append(stacked(self.payment, self.note, self.in_flight))
        self.paid += self.in_flight
        self.cassette[self.in_flight] = self.cassette.get(self.in_flight, 0) + 1
        self.in_flight = 0

    @precondition(lambda self: self.in_flight)
    @rule()
    def it_is_returned(self) -> None:
        self.journal.append(
            e.NoteReturned(payment=payment_number(self.payment), note=self.note, reason="test")
        )
        self.in_flight = 0

    @precondition(lambda self: not self.in_flight)
    @rule(value=st.none() | VALUES)
    def an_orphan_is_found(self, value: int | None) -> None:
        self.note += 1
        self.journal.append(e.OrphanFound(note=self.note, value=value, evidence="test"))
        self.cassette[value or 0] = self.cassette.get(value or 0, 0) + 1

    @rule()
    def the_cassette_leaves_and_is_put_in(self) -> None:
        lay = dict(self.cassette)
        last = self.note - bool(self.in_flight)
        self.journal.append(e.CassetteRemoved(last_note=last), e.CassetteInserted())
        self.removals[self.journal.head()[0] - 1] = (last, lay)

    @precondition(lambda self: self.removals)
    @rule(chance=st.randoms())
    def a_removal_is_explained(self, chance: random.Random) -> None:
        removal = chance.choice(list(self.removals))
        self.journal.append(e.CassettePutBack(removal=removal, by="test"))
        del self.removals[removal]

    @precondition(lambda self: self.removals)
    @rule(chance=st.randoms())
    def a_cassette_that_left_was_collected(self, chance: random.Random) -> None:
        removal = chance.choice(list(self.removals))
        self.collect(removal, *self.removals[removal])

    @precondition(lambda self: not self.in_flight)
    @rule()
    def the_cash_is_collected(self) -> None:
        self.collect(None, self.note, dict(self.cassette))

    def collect(self, removal: int | None, last_note: int, lay: dict[int, int]) -> None:
        self.collections += 1
        self.journal.append(
            e.CashCollected(
                collection=self.collections, removal=removal, last_note=last_note, notes=tuple(sorted(lay.items())),
                by="test",
            )
        )  # fmt: skip
        self.collected += sum(lay.values())
        self.cassette = _without(self.cassette, lay)
        self.removals = {
            seq: (last, _without(then, lay))
            for seq, (last, then) in self.removals.items()
            if last > last_note
        }

    @precondition(lambda self: self.is_open and not self.in_flight)
    @rule()
    def the_payment_ends(self) -> None:
        self.is_open = False
        if self.paid:
            self.journal.append(credited(self.payment, self.paid))
            self.without_document.append((self.payment, self.paid))
        else:
            self.journal.append(e.PaymentAbandoned(payment=payment_number(self.payment)))

    @precondition(lambda self: self.without_document)
    @rule(fails=st.booleans(), late=st.booleans(), by_hand=st.booleans())
    def a_document_is_made(self, fails: bool, late: bool, by_hand: bool) -> None:
        ordinal, total = self.without_document[0]
        payment = payment_number(ordinal)
        if late and not self.journal.payment(payment).owed:  # type: ignore[union-attr]
            self.journal.append(e.DocumentOwed(payment=payment, reason="test"))
        self.journal.append(
            e.FiscalIntended(payment=payment, drive_serial=DRIVE, last_document=self.document)
        )
        if fails:
            voided = e.FiscalVoided(payment=payment, reason="test")
            self.journal.append(excluded(ordinal) if by_hand else voided)
        else:
            self.document += 1
            made = registered(ordinal, self.document, total)
            self.journal.append(found(ordinal, self.document) if by_hand else made)
            self.without_document.pop(0)

    @rule()
    def a_batch_is_frozen(self) -> None:
        file = freeze(self.journal, "90001", "00042", self.clock, "utf-8")
        if file is not None:
            self.batches[file.batch] = file.content

    @rule(how=st.sampled_from(["lose", "keep", "prefix", "sectors"]), seed=st.integers(0, 2**16))
    def the_power_is_cut(self, how: str, seed: int) -> None:
        head, payments = self.journal.head(), self.journal.payments()
        left = self.disk.after_cut(how, random.Random(seed))
        self.unplug()
        self.disk = left
        self.plug()
        assert (self.journal.head(), self.journal.payments()) == (head, payments)

    @rule()
    def it_is_closed_and_opened(self) -> None:
        self.unplug()
        self.plug()

    # --- what always holds ----------------------------------------------------------------------------------------

    @invariant()
    def the_cassette_is_what_was_stacked(self) -> None:
        if hasattr(self, "journal"):
            assert self.journal.cassette() == dict(sorted(self.cassette.items()))

    @invariant()
    def what_is_remembered_is_what_the_tables_say(self) -> None:
        if hasattr(self, "journal"):
            for question in REMEMBERED:
                assert question(self.journal) == question.__wrapped__(self.journal)  # type: ignore[attr-defined]

    @invariant()
    def money_is_neither_made_nor_lost(self) -> None:
        if hasattr(self, "journal"):
            totals = self.journal.totals()
            orphans = (
                self.collected
                + sum(self.cassette.values())
                - sum(
                    1
                    for record in self.journal.payments()
                    for note in record.notes
                    if note.state == "stacked"
                )
            )
            stacked_sum = sum(
                note.value or 0
                for record in self.journal.payments()
                for note in record.notes
                if note.state == "stacked"
            )
            assert totals.credited + totals.paid_open == stacked_sum
            assert totals.orphans == orphans


def _without(cassette: dict[int, int], taken: dict[int, int]) -> dict[int, int]:
    left = {value: notes - taken.get(value, 0) for value, notes in cassette.items()}
    return {value: notes for value, notes in left.items() if notes}


AnyOrder.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
test_whatever_happens_the_journal_holds = AnyOrder.TestCase


def test_each_prefix_of_the_entries_gives_the_tables_it_gave_at_the_time(tmp_path):
    with closing(Journal.open(tmp_path / "all.db", CountingClock())) as journal:
        seen = []
        for entries in visits(4):
            journal.append(*entries)
            seen.append(
                (journal.payments(), journal.cassette(), journal.open_intent(), journal.open_payment())
            )
    for length in range(1, len(seen) + 1):
        with closing(Journal.open(tmp_path / f"{length}.db", CountingClock())) as journal:
            for entries in visits(4)[:length]:
                journal.append(*entries)
            found = (journal.payments(), journal.cassette(), journal.open_intent(), journal.open_payment())
            assert found == seen[length - 1]
