"""Payment files: a million payments leave a journal, in as many batches as that takes."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from figures import Figure, Yardstick, spread
from long_journal import PAYMENTS, TERMINAL, Calendar

from kassa.config import Terminal
from kassa.export.batch import PAYMENTS_MAX
from kassa.export.writer import PaymentFile, note_written, waiting
from kassa.journal.records import BatchRow
from kassa.journal.store import Journal

T = TypeVar("T")

OWNER = Terminal(number=TERMINAL, operator="90001", owner="o", address="a", phone="p")


def measure(path: Path) -> Iterator[Figure]:
    """Export everything that is in the journal, and leave it so; beside each batch a plain script makes the same rows.

    They take turns in who is first to read the rows, as the second finds their pages in memory.
    """
    exported: list[float] = []
    plain: list[float] = []
    clock = Calendar()
    with closing(Journal.open(path, clock)) as journal:
        for batch in range(1, PAYMENTS // PAYMENTS_MAX + 1):
            ordinals = (PAYMENTS_MAX * (batch - 1) + 1, PAYMENTS_MAX * batch)

            def export() -> PaymentFile:
                [file] = waiting(journal, clock, OWNER, "utf-8")
                return file

            def by_hand(ordinals: tuple[int, int] = ordinals) -> bytes:
                return _through_csv(journal.batch_rows([ordinals], journal.head()[0] + 1))

            if batch % 2:
                file, rows = _timed(export, exported), _timed(by_hand, plain)
            else:
                rows, file = _timed(by_hand, plain), _timed(export, exported)
            assert rows in file.content, "the plain script writes other rows"
            note_written(journal, file.batch, file.name)
        assert journal.totals().unbatched == 0
    ratios = [one / other for one, other in zip(exported, plain, strict=True)]
    yield Figure(
        part="export", name="freeze and render 1,000,000 payments", value=round(sum(exported), 2), unit="s",
        yardstick=Yardstick("the same rows, read, formatted and through csv.writer", sum(plain)), ratio_at_most=1.5,
        detail=f"seconds of a core; ratio of {spread(ratios, '')} a batch",
    )  # fmt: skip


def _timed(act: Callable[[], T], taken: list[float]) -> T:
    """Seconds of a core, as others work on this machine as well."""
    began = time.process_time()
    found = act()
    taken.append(time.process_time() - began)
    return found


def _through_csv(rows: Iterable[BatchRow]) -> bytes:
    """What somebody would write who has nothing to prove."""
    file = io.StringIO()
    csv.writer(file, delimiter=";", lineterminator="\n").writerows(
        (seq, number, account, service, at[:19] + at[23:], f"{paid // 100}.{paid % 100:02}", "RUB", "cash", document, sign, "ok")
        for seq, (_, number, account, service, at, paid, document, sign) in enumerate(rows, 1)
    )  # fmt: skip
    return file.getvalue().encode()
