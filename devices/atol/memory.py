"""What a tax inspector and a customer would find of a simulated ATOL registrar: its fiscal drive and its paper."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from kassa.money import Money

SHEETS_MAX = 500
"""How many printed sheets are kept to be looked at; nobody collects more of them."""
SHIFT_MAX = timedelta(hours=24)
RECEIPTS = frozenset({"receipt", "receiptCorrection"})


@dataclass
class Record:
    """One fiscal document in the drive's archive; `at` is the registrar's own wall time, `sum` in minor units.

    `kind` is the driver's name of it, `tags` its tags by their numbers in text, as the driver tells them.
    """

    number: int
    kind: str
    at: datetime
    sign: int
    shift: int
    sum: int = 0
    tags: dict[str, Any] = field(default_factory=dict)

    @property
    def payment(self) -> str | None:
        """What stands in tag 1086."""
        attribute = self.tags.get("1084")
        return attribute.get("1086") if isinstance(attribute, dict) else None

    @property
    def names(self) -> list[str]:
        """Tag 1030 of each item."""
        return [item["1030"] for item in self.tags.get("1059", [])]


@dataclass
class Drive:
    """A fiscal drive; its documents are numbered from 1 without a gap and never change."""

    serial: str = "9999078900001234"
    expires: datetime = datetime(2035, 12, 31)  # noqa: DTZ001 - the registrar's own wall time has no zone
    documents: list[Record] = field(default_factory=list)
    confirmed: int = 0
    """The data operator has the documents up to this number."""
    shift: int = 0
    shift_is_open: bool = False
    shift_opened_at: datetime | None = None

    @property
    def last(self) -> int:
        """The number of the last document, 0 for a drive that is not registered yet."""
        return len(self.documents)

    def record(self, kind: str, at: datetime, amount: int = 0, tags: dict[str, Any] | None = None) -> Record:
        """Make one fiscal document: from here on it exists, whatever paper and link do."""
        number = self.last + 1
        if kind == "openShift":
            self.shift, self.shift_is_open, self.shift_opened_at = self.shift + 1, True, at
        elif kind == "closeShift":
            self.shift_is_open, self.shift_opened_at = False, None
        sign = zlib.crc32(f"{self.serial} {number} {kind} {amount} {at.isoformat()}".encode())
        made = Record(number, kind, at, sign, self.shift, amount, tags or {})
        self.documents.append(made)
        return made

    def of_shift(self) -> list[Record]:
        """Receipts of the running or last shift."""
        return [one for one in self.documents if one.shift == self.shift and one.kind in RECEIPTS]


@dataclass
class Job:
    """What is to be printed; `document` is the number of the fiscal document it shows."""

    lines: list[str]
    document: int | None = None


@dataclass
class Sheet:
    """A piece of paper in the customer's hand, or torn off in the middle."""

    lines: list[str]
    document: int | None
    is_whole: bool


@dataclass
class Truth:
    """Where documents and paper are. All of it outlives power and process."""

    drive: Drive = field(default_factory=Drive)
    former_drives: list[Drive] = field(default_factory=list)
    receipt_is_open: bool = False
    """A receipt was begun; nothing of it is in the archive."""
    job: Job | None = None
    """What stands half printed and waits to be continued."""
    paper_is_in: bool = True
    paper_lines: int = 20_000
    """What is left of the roll."""
    cover_is_open: bool = False
    sheets: list[Sheet] = field(default_factory=list)
    clock_offset_s: float = 0.0
    """How far the registrar's clock is from the machine's."""

    @property
    def has_paper(self) -> bool:
        """Whether a line could be printed now."""
        return self.paper_is_in and self.paper_lines > 0 and not self.cover_is_open

    def print(self, job: Job) -> bool:
        """Put a job on paper; False: the paper ended within it, and the rest waits."""
        if not self.has_paper or self.paper_lines < len(job.lines):
            self.sheets.append(Sheet(job.lines[: max(self.paper_lines, 0)], job.document, is_whole=False))
            self.job, self.paper_lines = job, 0 if self.has_paper else self.paper_lines
        else:
            self.sheets.append(Sheet(job.lines, job.document, is_whole=True))
            self.job, self.paper_lines = None, self.paper_lines - len(job.lines)
        del self.sheets[:-SHEETS_MAX]
        return self.job is None

    def printed_receipt(self, number: int | None = None) -> Sheet | None:
        """The paper of a receipt, of the last one without `number`; None when it was never printed whole."""
        receipts = {one.number for one in self.drive.documents if one.kind in RECEIPTS}
        for sheet in reversed(self.sheets):
            if sheet.is_whole and sheet.document in receipts and number in (None, sheet.document):
                return sheet
        return None

    def count(self) -> dict[str, Any]:
        """The truth for people and tests; sums like all money in JSON are strings with two decimals."""
        drive = self.drive
        return {
            "drive": drive.serial,
            "documents": [_shown(one) for one in drive.documents],
            "former_drives": {
                one.serial: [_shown(record) for record in one.documents] for one in self.former_drives
            },
            "total": Money(sum(one.sum for one in drive.documents)).decimal(),
            "unsent": drive.last - drive.confirmed,
            "shift": {
                "number": drive.shift,
                "is_open": drive.shift_is_open,
                "receipts": len(drive.of_shift()),
            },
            "document_is_open": self.receipt_is_open,
            "paper": self.paper_is_in and self.paper_lines > 0,
            "paper_lines": self.paper_lines,
            "sheets": len(self.sheets),
            "cover_is_open": self.cover_is_open,
        }


def _shown(record: Record) -> dict[str, Any]:
    return {
        "kind": record.kind,
        "number": record.number,
        "sum": Money(record.sum).decimal(),
        "sign": record.sign,
        "shift": record.shift,
        "at": record.at.isoformat(),
        "payment": record.payment,
    }
