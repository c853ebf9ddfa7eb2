"""What a tax inspector and a customer would find of a simulated registrar: its fiscal drive and its paper."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any

from devices.shtrih.protocol import OPERATION_SALE, QUANTITY_ONE, Form
from devices.shtrih.settings import Format
from kassa.money import Money

SHEETS_MAX = 500
"""How many printed sheets are kept to be looked at; nobody collects more of them."""
SHIFT_MAX = timedelta(hours=24)


@dataclass
class Item:
    """One line of a receipt; `vat`, `method`, `subject` are the values of tags 1199, 1214, 1212; `quantity` in millionths."""

    name: str
    price: int
    sum: int
    vat: int
    method: int
    subject: int
    quantity: int = QUANTITY_ONE
    tags: bytes = b""
    """As the host sent them by FF4D."""


@dataclass
class Record:
    """One fiscal document in the drive's archive; sums in minor units, `at` is the registrar's own wall time."""

    number: int
    form: Form
    at: datetime
    sign: int
    shift: int
    sum: int = 0
    items: list[Item] = field(default_factory=list)
    payment: str | None = None
    """What stands in tag 1086."""
    tags: bytes = b""
    """As the host sent them by FF0C."""
    operation: int = OPERATION_SALE
    """Value of tag 1054."""
    receipt: int = 0
    """Its number in the shift, which receipts and corrections share."""
    cashless: dict[int, int] = field(default_factory=dict)
    """What of the sum was not paid in cash, by the number of the kind of payment from 2 on."""
    tax_system: int = 0
    """Bit number of tag 1055."""
    version: int = Format.V1_2
    """Format of the document."""
    taxes: dict[int, int] = field(default_factory=dict)
    """What a correction without items was told to contain, by the value of tag 1199."""

    @property
    def cash(self) -> int:
        """What of the sum was paid in cash."""
        return self.sum - sum(self.cashless.values())

    @property
    def is_sale(self) -> bool:
        """Whether money came in by it."""
        return self.form in (Form.RECEIPT, Form.CORRECTION) and self.operation == OPERATION_SALE


@dataclass
class OpenDocument:
    """A document that was begun; nothing of it is in the archive."""

    is_receipt: bool = True
    lines: list[str] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)
    tags: bytes = b""
    operation: int = OPERATION_SALE
    is_correction: bool = False
    has_items: bool = True
    """False: a correction of format 1.05, begun in the fiscal drive and not by opening a receipt."""
    total: int = 0
    """What such a correction is closed with."""

    @property
    def sum(self) -> int:
        """The subtotal."""
        return self.total or sum(item.sum for item in self.items)


@dataclass
class Job:
    """What is to be printed; `document` is the number of the fiscal document it shows."""

    lines: list[str]
    document: int | None = None
    is_cut: bool = True
    """At its end; else it stays in the printer until the next cut."""


@dataclass
class Sheet:
    """A piece of paper in the customer's hand, or torn off in the middle."""

    lines: list[str]
    document: int | None
    is_whole: bool

    @property
    def text(self) -> str:
        """What can be read on it."""
        return "\n".join(self.lines)


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
    receipts_in_shift: int = 0

    @property
    def last(self) -> int:
        """The number of the last document, 0 for a drive that is not registered yet."""
        return len(self.documents)

    @property
    def last_at(self) -> datetime | None:
        """When the last document was made."""
        return self.documents[-1].at if self.documents else None

    @property
    def shift_opened_at(self) -> datetime | None:
        """When the running shift was opened; since then there were receipts and nothing else."""
        return self.documents[-1 - self.receipts_in_shift].at if self.shift_is_open else None

    def record(self, form: Form, at: datetime, document: OpenDocument | None = None) -> Record:
        """Make one fiscal document: from here on it exists, whatever paper and link do."""
        number = self.last + 1
        if form is Form.SHIFT_OPEN:
            self.shift, self.shift_is_open, self.receipts_in_shift = self.shift + 1, True, 0
        elif form is Form.SHIFT_CLOSE:
            self.shift_is_open = False
        elif form in (Form.RECEIPT, Form.CORRECTION):
            self.receipts_in_shift += 1
        amount = document.sum if document else 0
        sign = zlib.crc32(f"{self.serial} {number} {form} {amount} {at.isoformat()}".encode())
        made = Record(number, form, at, sign, self.shift, amount)
        if document is not None:
            made.items, made.tags = list(document.items), document.tags
            made.operation, made.receipt = document.operation, self.receipts_in_shift
        self.documents.append(made)
        return made

    def of_shift(self) -> list[Record]:
        """Documents of the running or last shift, the last one first."""
        return list(takewhile(lambda one: one.shift == self.shift, reversed(self.documents)))


@dataclass
class Truth:
    """Where documents and paper are. All of it outlives power and process."""

    drive: Drive = field(default_factory=Drive)
    former_drives: list[Drive] = field(default_factory=list)
    opened: OpenDocument | None = None
    """Registrars keep a document that was begun through a power cut."""
    closing: bytes | None = None
    """The command that was closing the receipt when the power went, where the registrar ends that by itself."""
    job: Job | None = None
    """What is being printed; after a power cut it is printed once more."""
    is_interrupted: bool = False
    """Paper ran out in the middle of the job: it waits for the host's command to continue."""
    paper_is_in: bool = True
    paper_lines: int = 20_000
    """What is left of the roll."""
    printed_lines: int = 0
    """What the head has printed in its life."""
    cover_is_open: bool = False
    strip: list[str] = field(default_factory=list)
    """What is printed and not cut off yet."""
    strip_document: int | None = None
    """The fiscal document on it."""
    tables: dict[str, int] = field(default_factory=dict)
    """Settings that differ from the factory's, by `table.field`."""
    drawer: int = 0
    """Cash that ought to be there, minor units."""
    cash_in: list[int] = field(default_factory=list)
    cash_out: list[int] = field(default_factory=list)
    """What was put in and taken out in the running shift, minor units."""
    cancelled: int = 0
    """Receipts that were cancelled, ever."""
    x_reports: int = 0
    """Reports without closing that were made, ever."""
    sheets: list[Sheet] = field(default_factory=list)
    clock_offset_s: float = 0.0
    """How far the registrar's clock is from the machine's."""

    def hand_out(self, sheet: Sheet) -> None:
        """A sheet leaves the printer."""
        self.sheets.append(sheet)
        del self.sheets[:-SHEETS_MAX]

    def printed_receipt(self, number: int | None = None) -> Sheet | None:
        """The paper of a receipt, of the last one without `number`; None when it was never printed whole."""
        forms = (Form.RECEIPT, Form.CORRECTION)
        receipts = {one.number for one in self.drive.documents if one.form in forms}
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
            "total": Money(sum(one.sum for one in drive.documents if one.is_sale)).decimal(),
            "unsent": drive.last - drive.confirmed,
            "shift": {
                "number": drive.shift,
                "is_open": drive.shift_is_open,
                "receipts": drive.receipts_in_shift,
            },
            "document_is_open": self.opened is not None,
            "paper": self.paper_is_in and self.paper_lines > 0,
            "paper_lines": self.paper_lines,
            "printed_lines": self.printed_lines,
            "sheets": len(self.sheets),
            "cover_is_open": self.cover_is_open,
        }


def _shown(record: Record) -> dict[str, Any]:
    return {
        "kind": record.form.name.lower(),
        "number": record.number,
        "sum": Money(record.sum).decimal(),
        "sign": record.sign,
        "shift": record.shift,
        "at": record.at.isoformat(),
        "payment": record.payment,
    }
