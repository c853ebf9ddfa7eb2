"""Kassa's own payment file, version 1: what a frozen batch looks like in bytes. Pure.

    #KASSA-PAYMENTS 1
    #OPERATOR 90001
    #TERMINAL 00042
    #BATCH 00042-000317
    #PERIOD 2026-11-24T09:00:00+03:00/2026-11-24T10:00:00+03:00
    #SNAPSHOT 2026-11-24T06:00:00+03:00 sha256:1c0f...
    #COLUMNS seq;payment;account;service;paid_at;amount;currency;method;fiscal_doc;fiscal_sign;state
    1;00042-0000012345;0017742;internet;2026-11-24T09:15:00+03:00;350.00;RUB;cash;1207;3141592653;ok
    #TOTAL 1;350.00
    #HASH accounts:17742 chain:9f2c... sha256:7be1...
    #END

Lines end with LF. `state` is `ok`, or `owed` while there is no fiscal document; nothing is ever quoted or altered, as
no field can hold a separator. `accounts` adds up the digits of all accounts (the last ten figures of the sum): it finds
a changed account, which neither count nor total can. `chain` is the journal's hash before the batch was frozen, and
`sha256` that of every byte above its own line.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import islice

from kassa.journal.entries import BatchFrozen
from kassa.journal.records import BatchRow
from kassa.money import Money

COLUMNS = (
    "seq", "payment", "account", "service", "paid_at", "amount", "currency", "method", "fiscal_doc", "fiscal_sign",
    "state",
)  # fmt: skip
ROWS_A_PIECE = 1000
"""Rows that become one piece of bytes: memory stays small, and few calls are made."""
ACCOUNTS_MODULUS = 10**10
FIGURES = frozenset("0123456789")


def file_name(operator: str, terminal: str, day: str, batch: int) -> str:
    """The name of a batch's file; `day` is YYYYMMDD. It fits FAT and old FTP servers."""
    return f"KASSA_{operator}_{terminal}_{day}_{batch:06}.csv"


def render(batch: BatchFrozen, rows: Iterable[BatchRow], chain: str) -> Iterator[bytes]:
    """The file's bytes in pieces; `batch.sha256` is not looked at, as it follows from them.

    `rows` are exactly the batch's payments as they were when it was frozen, `chain` the journal's hash before that.
    Raises AssertionError when the rows are others than the batch says, or a field could break a line.
    """
    hashed = hashlib.sha256()
    head = _head(batch).encode(batch.encoding)
    hashed.update(head)
    yield head
    rows, count, total, accounts = iter(rows), 0, 0, 0
    while piece := list(islice(rows, ROWS_A_PIECE)):
        data = _lines(piece, count, batch.currency).encode(batch.encoding)
        count += len(piece)
        total += sum([row.paid for row in piece])
        accounts += _digits([row.account for row in piece])
        hashed.update(data)
        yield data
    assert (count, total) == (batch.count, batch.total), (
        f"batch {batch.batch} holds other payments than it froze"
    )
    foot = f"#TOTAL {count};{Money(total, batch.currency).decimal()}\n".encode(batch.encoding)
    hashed.update(foot)
    yield foot
    accounts %= ACCOUNTS_MODULUS
    yield f"#HASH accounts:{accounts} chain:{chain} sha256:{hashed.hexdigest()}\n#END\n".encode(
        batch.encoding
    )


def _head(batch: BatchFrozen) -> str:
    snapshot = f"{batch.snapshot.as_of} sha256:{batch.snapshot.sha256}" if batch.snapshot else "-"
    lines = (
        "#KASSA-PAYMENTS 1",
        f"#OPERATOR {batch.operator}",
        f"#TERMINAL {batch.terminal}",
        f"#BATCH {batch.terminal}-{batch.batch:06}",
        f"#PERIOD {batch.since}/{batch.until}",
        f"#SNAPSHOT {snapshot}",
        f"#COLUMNS {';'.join(COLUMNS)}",
    )
    text = "\n".join(lines) + "\n"
    assert text.count("\n") == len(lines), f"a line of the head is broken: {lines}"
    return text


def _lines(rows: list[BatchRow], before: int, currency: str) -> str:
    amount = cache(lambda paid: Money(paid, currency).decimal())  # people pay with notes: few amounts differ
    lines = [
        f"{seq};{payment};{account};{service};{seconds(at)};{amount(paid)};{currency};cash;"
        f"{';;owed' if document is None else f'{document};{sign};ok'}\n"
        for seq, (_, payment, account, service, at, paid, document, sign) in enumerate(rows, before + 1)
    ]
    text = "".join(lines)
    whole = text.count(";") == len(rows) * (len(COLUMNS) - 1) and text.count("\n") == len(rows)
    assert whole, f"a field between rows {before + 1} and {before + len(rows)} breaks its line"
    return text


def seconds(at: str) -> str:
    """A time of the journal without its milliseconds: 2026-11-24T09:15:00.250+03:00 -> 2026-11-24T09:15:00+03:00."""
    return at[:19] + at[23:]


def _digits(accounts: list[str]) -> int:
    """The sum of the accounts' digits, each account read as one number."""
    together = "".join(accounts)
    if not (together.isdecimal() and together.isascii()):
        accounts = ["0" + "".join(filter(FIGURES.__contains__, account)) for account in accounts]
    return sum(map(int, accounts))
