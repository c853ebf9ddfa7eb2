"""What a customer is shown: the balance of the operator's file, and what this terminal took since."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import apsw
import pytest
from counting_clock import CountingClock
from entry_stories import credited, intended, opened, payment_number, registered, registering, stacked

from kassa.enquiry import is_old, look_up
from kassa.export import batch as batches
from kassa.journal.store import Journal
from kassa.money import Money
from kassa.rules.session import AccountFound, AccountUnknown
from kassa.subscribers import INDEX, SCHEMA, Snapshot, SnapshotInfo

Make = Callable[..., Snapshot]
NOW = datetime.fromisoformat("2026-11-26T12:00:00+03:00")


def info(as_of: datetime, applied_batch: int | None = None) -> SnapshotInfo:
    return SnapshotInfo(
        file="base.csv", sha256="0" * 64, profile="kassa_csv", profile_sha256="1" * 64, currency="RUB", as_of=as_of,
        as_of_is_certain=True, loaded_at=NOW, accounts=1, rows=2, applied_batch=applied_batch,
    )  # fmt: skip


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """A store with one subscriber of two services."""
    opened: list[Snapshot] = []

    def store(
        as_of: datetime = NOW - timedelta(hours=5),
        applied_batch: int | None = None,
        balances: tuple[tuple[str, object], ...] = (("internet", -35_050), ("tv", 0)),
    ) -> Snapshot:
        path = tmp_path / "store.db"
        with apsw.Connection(str(path)) as connection:
            for statement in (*SCHEMA, INDEX):
                connection.execute(statement)
            rows = info(as_of, applied_batch).to_rows()
            connection.executemany("INSERT INTO info VALUES (?, ?)", rows)
            connection.executemany(
                "INSERT INTO balance VALUES ('0017742', ?, 'Ёлкина Анна Петровна', 'ул. Садовая, д. 5', ?, ?)",
                [(service, minor, line) for line, (service, minor) in enumerate(balances)],
            )
        connection.close()
        opened.append(Snapshot.open(path))
        return opened[-1]

    yield store
    for one in opened:
        one.close()


class Till:
    """A journal into which payments fall."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self._count = 0

    def pay(self, roubles: int, service: str = "internet", account: str = "0017742") -> datetime:
        """A credited payment; the moment it was credited."""
        self._count += 1
        number, value = self._count, roubles * 100
        for entries in (
            (opened(number, account, service), intended(number, number, value)),
            (stacked(number, number, value),),
            (credited(number, value),),
            (registering(number, number - 1),),
            (registered(number, number, value),),
        ):
            self.journal.append(*entries)
        record = self.journal.payment(payment_number(number))
        assert record is not None
        assert record.credited_at is not None
        return datetime.fromisoformat(record.credited_at)


@pytest.fixture
def till(tmp_path: Path) -> Iterator[Till]:
    journal = Journal.open(tmp_path / "journal" / "journal.db", CountingClock())
    yield Till(journal)
    journal.close()


def ask(snapshot: Snapshot | None, till: Till, service: str = "internet") -> AccountFound | AccountUnknown:
    return look_up(snapshot, till.journal, service, "0017742", NOW, 48)


def balances(answer: AccountFound | AccountUnknown) -> dict[str, str]:
    assert isinstance(answer, AccountFound)
    return {service: balance.decimal() for service, balance in answer.subscriber.balances}


def test_without_a_payment_the_balance_is_the_files(make: Make, till: Till) -> None:
    answer = ask(make(), till)

    assert balances(answer) == {"internet": "-350.50", "tv": "0.00"}
    assert isinstance(answer, AccountFound)
    assert answer.subscriber.paid_here is None
    assert answer.subscriber.holder == "Ёл*** А. П."


def test_what_was_paid_after_the_data_were_made_is_added_and_told(make: Make, till: Till) -> None:
    first = till.pay(100)
    till.pay(50)
    till.pay(7, service="tv")
    till.pay(1000, account="0017743")

    answer = ask(make(as_of=first), till)

    assert balances(answer) == {"internet": "-300.50", "tv": "7.00"}
    assert isinstance(answer, AccountFound)
    assert answer.subscriber.paid_here == Money(5_000)


def test_what_was_paid_before_the_data_were_made_is_in_them(make: Make, till: Till) -> None:
    last = till.pay(100)

    assert balances(ask(make(as_of=last + timedelta(seconds=1)), till)) == {
        "internet": "-350.50",
        "tv": "0.00",
    }


def test_the_offset_of_a_date_counts_not_its_digits(make: Make, till: Till) -> None:
    paid = till.pay(100)
    far_east = timezone(timedelta(hours=12))  # its clocks show a later hour at the same moment

    earlier = (paid - timedelta(minutes=1)).astimezone(far_east)

    assert balances(ask(make(as_of=earlier), till))["internet"] == "-250.50"


def test_data_that_name_our_last_batch_contain_it_whatever_their_date_says(make: Make, till: Till) -> None:
    till.pay(100)
    batches.freeze(till.journal, "90001", "00042", CountingClock(), "utf-8")
    till.pay(50)

    answer = ask(make(as_of=datetime.fromisoformat("2000-01-01T00:00:00+00:00"), applied_batch=1), till)

    assert balances(answer)["internet"] == "-300.50"


def test_a_service_the_account_does_not_have_is_told(make: Make, till: Till) -> None:
    assert ask(make(), till, "telephone") == AccountUnknown("service_not_available")


def test_without_data_and_without_the_account_nobody_is_shown(make: Make, till: Till) -> None:
    assert ask(None, till) == AccountUnknown("data_missing")
    assert look_up(make(), till.journal, "internet", "1", NOW, 48) == AccountUnknown("account_not_found")


@pytest.mark.parametrize("minor", [10**15, -(10**15), "much", 1.5])
def test_a_store_that_turns_out_broken_is_no_data_and_no_crash(make: Make, till: Till, minor: object) -> None:
    assert ask(make(balances=(("internet", minor),)), till) == AccountUnknown("data_missing")


@pytest.mark.parametrize(("hours", "old"), [(47, False), (49, True)])
def test_old_data_are_told_to_be_old(make: Make, till: Till, hours: int, old: bool) -> None:
    snapshot = make(as_of=NOW - timedelta(hours=hours))

    assert is_old(snapshot.info, NOW, 48) is old
    answer = ask(snapshot, till)
    assert isinstance(answer, AccountFound)
    assert answer.subscriber.data_is_old is old
