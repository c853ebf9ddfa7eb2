"""Tasks for ATOL's driver and their results: what the core asks <-> JSON. No I/O, no clock.

Source: ATOL's driver 10, the scripts that it runs for each task: names, order and types of the fields are theirs. Money
is a JSON number in roubles there; here it is made of whole kopecks by exact decimal text, and read the same way.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator
from datetime import date, datetime, tzinfo
from decimal import Decimal
from typing import Annotated, Any, Generic, TypeVar

import msgspec
from msgspec import Meta, Raw, Struct, field

from devices.atol.errors import meaning
from kassa.errors import KassaError
from kassa.money import MINOR_DIGITS, MINOR_MAX, Money
from kassa.paper import spell
from kassa.ports import Agent, Document, Receipt, ReceiptItem
from kassa.untrusted import printable, read_json

T = TypeVar("T")

TASK_MAX_BYTES = 24_000
"""The driver refuses 32768 bytes by an estimate that is up to a quarter too high."""
WORDS_MAX = 300
"""What a device says of an error is shown to staff in one line."""
LINE_MAX = 256
"""Characters of one line without fiscal meaning; the device wraps it."""
LINES_MAX = 20
"""Lines without fiscal meaning on one receipt (ours); they may not use up the paper."""
NAME_MAX, PLACE_MAX, AUTOMATON_MAX, NUMBER_MAX = 128, 256, 20, 32
"""Characters of tags 1030, of 1009, 1187 and 1225, of 1036, of 1179."""
SIGN_MAX_DIGITS = 10
TOTAL_MAX_DIGITS = 15
PAYMENT_ATTRIBUTE = "Платёж"
"""Under this name our own payment number stands in a receipt's user attribute, tag 1084."""
OPERATION_SALE = 1
"""Tag 1054."""
PIECES = 0
"""Tag 2108: the item is counted in pieces."""

YEARS = range(1970, 9999)
"""Times of these can be counted with, in any zone."""
SALES = ("sell", "sellCorrection")
"""The counters of a shift that a kiosk's receipts are in."""

Number = Annotated[int, Meta(ge=0, lt=2**32)]
"""As documents, shifts and receipts are numbered and counted."""
DriveSerial = Annotated[str, Meta(pattern=r"^[ -~]{1,32}\Z")]

TAX_SYSTEMS = {0: "osn", 1: "usnIncome", 2: "usnIncomeOutcome", 3: "envd", 4: "esn", 5: "patent"}
VAT_NAMES = {
    1: "vat20", 2: "vat10", 3: "vat120", 4: "vat110", 5: "vat0", 6: "none", 7: "vat5", 8: "vat7", 9: "vat105",
    10: "vat107", 11: "vat22", 12: "vat122",
}  # fmt: skip
"""By the values of tag 1199."""
VAT_PERCENT = {1: 20, 2: 10, 3: 20, 4: 10, 7: 5, 8: 7, 9: 5, 10: 7, 11: 22, 12: 22}
METHODS = {
    1: "fullPrepayment", 2: "prepayment", 3: "advance", 4: "fullPayment", 5: "partialPayment", 6: "credit",
    7: "creditPayment",
}  # fmt: skip
SUBJECTS = {
    1: "commodity", 2: "excise", 3: "job", 4: "service", 5: "gamblingBet", 6: "gamblingPrize", 7: "lottery",
    8: "lotteryPrize", 9: "intellectualActivity", 10: "payment", 11: "agentCommission", 12: "pay", 13: "another",
    14: "proprietaryLaw", 15: "nonOperatingIncome", 16: "otherContributions", 17: "merchantTax", 18: "resortFee",
    19: "deposit",
}  # fmt: skip
"""By the values of tag 1212; the driver takes the others as a number in a text."""
AGENTS = {
    0: "bankPayingAgent", 1: "bankPayingSubagent", 2: "payingAgent", 3: "payingSubagent", 4: "attorney",
    5: "commissionAgent", 6: "another",
}  # fmt: skip
"""By the bit numbers of tag 1222."""


class Refused(KassaError):
    """The device or its driver says no; `code` is the driver's."""

    def __init__(self, code: int, words: str = "") -> None:
        known = meaning(code)
        said = printable(words)[:WORDS_MAX]
        told = f" ({said})" if said else ""
        super().__init__(
            f"the registrar refuses: {known.english} [{code}]{told}; {known.reaction.english} / "
            f"{known.russian}: {known.reaction.russian}"
        )
        self.code = code


class BadAnswer(KassaError):
    """An answer that is none of the driver's: another version, or another program."""


class Ffd(enum.IntEnum):
    """The version of the document formats that the device was registered with."""

    V1_0 = 100
    V1_05 = 105
    V1_1 = 110
    V1_2 = 120


_FFD = {"1.0": Ffd.V1_0, "1.05": Ffd.V1_05, "1.1": Ffd.V1_1, "1.2": Ffd.V1_2}


class Task(Struct, Generic[T], frozen=True):
    """One task: its name, its JSON, and how its result is read."""

    name: str
    body: bytes
    read: Callable[[bytes], T]
    """Raises BadAnswer."""


# --- results: what the driver's JSON holds ------------------------------------------------------------------------


class FiscalParams(Struct, frozen=True, rename="camel"):
    """A document that was made."""

    fiscal_document_number: Number
    fiscal_document_date_time: str
    fiscal_document_sign: str | int
    fn_number: DriveSerial
    total: Decimal | None = None
    shift_number: Number = 0


class Warnings(Struct, frozen=True, rename="camel"):
    """What went not quite as it should with a document that was made."""

    not_printed: bool | None = None
    recovered: bool | None = None


class Made(Struct, frozen=True, rename="camel"):
    """The result of a task that makes a fiscal document."""

    fiscal_params: FiscalParams
    warnings: Warnings | None = None

    @property
    def is_printed(self) -> bool:
        """Whether it is on paper."""
        return self.warnings is None or not self.warnings.not_printed

    @property
    def is_recovered(self) -> bool:
        """Whether the server lost sight of the task, and took the document for its own afterwards."""
        return self.warnings is not None and bool(self.warnings.recovered)

    def document(self, currency: str, zone: tzinfo) -> Document:
        """As the core keeps it. Raises BadAnswer."""
        params = self.fiscal_params
        return Document(
            params.fiscal_document_number,
            _sign(params.fiscal_document_sign),
            moment(params.fiscal_document_date_time, zone),
            Money(minor_of(params.total or Decimal(0), currency), currency),
            params.fn_number.strip(),
            params.shift_number,
        )


class DeviceStatus(Struct, frozen=True, rename="camel"):
    """Printer, clock and drive at a glance."""

    current_date_time: str = ""
    shift: str = ""
    blocked: bool = False
    cover_opened: bool = False
    paper_present: bool = True
    fiscal: bool = True
    fn_fiscal: bool = True
    fn_present: bool = True


class DeviceInfo(Struct, frozen=True, rename="camel"):
    """What was bought and how it is registered."""

    model_name: str = ""
    serial: str = ""
    firmware_version: str = ""
    ffd_version: str | None = None

    @property
    def ffd(self) -> Ffd:
        """Registrars that do not say are new ones."""
        return _FFD.get(self.ffd_version or "", Ffd.V1_2)


class ShiftStatus(Struct, frozen=True, rename="camel"):
    """The running shift or the last one; `expired_time`: when its 24 hours are over."""

    number: Number = 0
    state: str = "closed"
    expired_time: str | None = None


class FnWarnings(Struct, frozen=True, rename="camel"):
    """The fiscal drive's own warnings."""

    critical_error: bool = False
    memory_overflow: bool = False
    need_replacement: bool = False
    ofd_timeout: bool = False
    resource_exhausted: bool = False


class FnInfo(Struct, frozen=True, rename="camel"):
    """The fiscal drive."""

    serial: DriveSerial
    validity_date: str | None = None
    live_phase: str = "fiscalMode"
    warnings: FnWarnings | None = None


class FnStatus(Struct, frozen=True, rename="camel"):
    """The number of the drive's last document."""

    fiscal_document_number: Number


class OfdStatus(Struct, frozen=True, rename="camel"):
    """What waits for the data operator."""

    not_sent_count: Number = 0
    not_sent_first_doc_date_time: str | None = None


class Counter(Struct, frozen=True):
    """Receipts of one kind in a shift; roubles."""

    count: Number = 0
    sum: Decimal = Decimal(0)


class ShiftTotals(Struct, frozen=True, rename="camel"):
    """Counters of the running shift by kind of receipt."""

    receipts: dict[str, Counter] = field(default_factory=dict)
    shift_number: Number | None = None

    def sold(self, currency: str) -> tuple[int, Money]:
        """How many receipts of a kiosk's kinds, and what they add up to. Raises BadAnswer."""
        sold = [self.receipts[kind] for kind in SALES if kind in self.receipts]
        minor = sum(minor_of(counter.sum, currency) for counter in sold)
        if abs(minor) > MINOR_MAX:
            raise BadAnswer(f"the registrar tells {Decimal(minor) / 100:.2f} for an amount of money")
        return sum(counter.count for counter in sold), Money(minor, currency)


class FoundDocument(Struct, frozen=True):
    """A document as the drive's archive tells it.

    A short one is what is left after the tags are gone: it has neither names nor our payment number, and its `total` is
    in whole roubles. `total` is in minor units, None where the document has none.
    """

    number: int
    kind: str
    sign: int
    at: str
    total: int | None
    operation: int | None
    payment: str | None
    names: tuple[str, ...]
    shift: int
    drive: str | None
    is_short: bool


# --- results: how they are read ---------------------------------------------------------------------------------------


class _DeviceStatus(Struct, rename="camel"):
    device_status: DeviceStatus


class _DeviceInfo(Struct, rename="camel"):
    device_info: DeviceInfo


class _ShiftStatus(Struct, rename="camel"):
    shift_status: ShiftStatus


class _FnInfo(Struct, rename="camel"):
    fn_info: FnInfo


class _FnStatus(Struct, rename="camel"):
    fn_status: FnStatus


class _OfdStatus(Struct):
    status: OfdStatus


class _ShiftTotals(Struct, rename="camel"):
    shift_totals: ShiftTotals


class _Document(Struct):
    documentTLV: dict[str, Any]


def _reader(kind: type[T]) -> Callable[[bytes], T]:
    decoder = msgspec.json.Decoder(kind, float_hook=Decimal)

    def read(data: bytes) -> T:
        try:
            return read_json(decoder, data)
        except msgspec.MsgspecError as error:
            raise BadAnswer(
                f"the registrar's driver answers in another shape, {error}; check its version"
            ) from error

    return read


_read_made, _read_document = _reader(Made), _reader(_Document)
_read_device_status, _read_device_info = _reader(_DeviceStatus), _reader(_DeviceInfo)
_read_shift_status, _read_shift_totals = _reader(_ShiftStatus), _reader(_ShiftTotals)
_read_fn_info, _read_fn_status, _read_ofd_status = _reader(_FnInfo), _reader(_FnStatus), _reader(_OfdStatus)


def _nothing(_data: bytes) -> None:
    """A result that says nothing but that it was done."""


def made_by(result: bytes) -> Made | None:
    """The document that a result tells of; None when it tells of none."""
    try:
        return _read_made(result)
    except BadAnswer:
        return None


# --- tasks ------------------------------------------------------------------------------------------------------------


def device_status() -> Task[DeviceStatus]:
    """Paper, cover, clock."""
    return _plain("getDeviceStatus", lambda data: _read_device_status(data).device_status)


def device_info() -> Task[DeviceInfo]:
    """Model and document format."""
    return _plain("getDeviceInfo", lambda data: _read_device_info(data).device_info)


def shift_status() -> Task[ShiftStatus]:
    """The running shift."""
    return _plain("getShiftStatus", lambda data: _read_shift_status(data).shift_status)


def shift_totals() -> Task[ShiftTotals]:
    """Counters of the running shift."""
    return _plain("getShiftTotals", lambda data: _read_shift_totals(data).shift_totals)


def fn_info() -> Task[FnInfo]:
    """The fiscal drive, its age and its warnings."""
    return _plain("getFnInfo", lambda data: _read_fn_info(data).fn_info)


def fn_status() -> Task[FnStatus]:
    """The number of the last document."""
    return _plain("getFnStatus", lambda data: _read_fn_status(data).fn_status)


def ofd_exchange_status() -> Task[OfdStatus]:
    """What waits for the data operator."""
    return _plain("ofdExchangeStatus", lambda data: _read_ofd_status(data).status)


def fn_document(number: int) -> Task[FoundDocument]:
    """One document of the drive's archive."""
    return _plain("getFnDocument", _found, fiscalDocumentNumber=number, withRawData=False)


def open_shift() -> Task[Made]:
    """Open a shift."""
    return _plain("openShift", _read_made)


def close_shift() -> Task[Made]:
    """The Z-report."""
    return _plain("closeShift", _read_made)


def x_report() -> Task[None]:
    """Print the running shift's totals."""
    return _plain("reportX", _nothing)


def continue_print() -> Task[None]:
    """Finish what stands half printed."""
    return _plain("continuePrint", _nothing)


def print_fn_document(number: int) -> Task[None]:
    """Print a document of the archive."""
    return _plain("printFnDocument", _nothing, fiscalDocumentNumber=number)


def set_date_time(at: datetime) -> Task[None]:
    """Set the clock to the wall time that `at` shows."""
    return _plain("setDateTime", _nothing, dateTime=f"{at:%Y.%m.%d %H:%M:%S}")


def non_fiscal(lines: tuple[str, ...]) -> Task[None]:
    """Print lines without fiscal meaning."""
    return _plain("nonFiscal", _nothing, items=[_text(line) for line in lines], printFooter=False)


def receipt(asked: Receipt, ffd: Ffd, *, with_place: bool = True) -> Task[Made]:
    """The receipt of a payment in cash, or its correction.

    A correction by format 1.05 holds sums only: neither items nor our payment number. `with_place`: where the firmware
    refuses these tags, they come from the device's registration.
    """
    body: dict[str, Any] = {
        "type": "sell",
        "taxationType": TAX_SYSTEMS[asked.tax_system],
        "ignoreNonFiscalPrintErrors": True,
    }
    if asked.correction is not None:
        body |= {
            "type": "sellCorrection",
            "correctionType": "instruction" if asked.correction.is_ordered else "self",
            "correctionBaseDate": f"{asked.correction.of:%Y.%m.%d}",
            "correctionBaseNumber": spelled(asked.correction.number, NUMBER_MAX),
        }
    if with_place and asked.place is not None:
        body |= {
            "machineNumber": spelled(asked.place.automaton, AUTOMATON_MAX),
            "paymentsAddress": spelled(asked.place.address, PLACE_MAX),
            "paymentsPlace": spelled(asked.place.name, PLACE_MAX),
        }
    if asked.contact is not None:
        body["clientInfo"] = {"emailOrPhone": asked.contact}
    signs = {item.agent.sign if item.agent is not None else None for item in asked.items}
    [sign] = signs if len(signs) == 1 else (None,)
    if ffd < Ffd.V1_2 and sign is not None:
        body["agentInfo"] = {"agents": [AGENTS[sign]]}
    if asked.correction is not None and ffd < Ffd.V1_1:
        body["taxes"] = list(_taxes(asked.items))
    else:
        lines = [_text(line) for line in asked.lines[:LINES_MAX]]
        attribute = {"type": "userAttribute", "name": PAYMENT_ATTRIBUTE, "value": asked.payment}
        body["items"] = [*lines, *(_position(item, ffd) for item in asked.items), attribute]
    body["payments"] = [{"type": "cash", "sum": _roubles(asked.total)}]
    body["total"] = _roubles(asked.total)
    return Task(body["type"], msgspec.json.encode(body), _read_made)


def what_forbids(asked: Receipt, ffd: Ffd) -> str | None:
    """Why no document of this kind can be made by this format, in words for staff; None: it can."""
    if asked.correction is None or ffd >= Ffd.V1_1 or all(item.agent is None for item in asked.items):
        return None
    return "a correction of format 1.05 has no items and cannot name an agent's supplier; set format 1.2"


def _plain(name: str, read: Callable[[bytes], T], **fields: Any) -> Task[T]:
    return Task(name, msgspec.json.encode({"type": name} | fields), read)


def _position(item: ReceiptItem, ffd: Ffd) -> dict[str, Any]:
    position: dict[str, Any] = {
        "type": "position",
        "name": spelled(item.name, NAME_MAX),
        "price": _roubles(item.price),
        "quantity": 1,
        "amount": _roubles(item.price),
        "paymentMethod": METHODS[item.method],
        "paymentObject": SUBJECTS.get(item.subject, str(item.subject)),
        "tax": {"type": VAT_NAMES[item.vat]},
    }
    if ffd >= Ffd.V1_2:
        position["measurementUnit"] = PIECES
    if item.agent is not None:
        position |= _agent(item.agent)
    return position


def _agent(agent: Agent) -> dict[str, Any]:
    info: dict[str, Any] = {"agents": [AGENTS[agent.sign]]}
    if agent.phones:
        info["payingAgent"] = {"phones": list(agent.phones)}
    if agent.operator_phones:
        info["receivePaymentsOperator"] = {"phones": list(agent.operator_phones)}
    supplier: dict[str, Any] = {
        "name": spelled(agent.supplier.name, PLACE_MAX),
        "vatin": agent.supplier.inn,
    }
    if agent.supplier.phones:
        supplier["phones"] = list(agent.supplier.phones)
    return {"agentInfo": info, "supplierInfo": supplier}


def _taxes(items: tuple[ReceiptItem, ...]) -> Iterator[dict[str, Any]]:
    """Per rate the tax contained in its items; without tax, the turnover."""
    for vat in sorted({item.vat for item in items}):
        prices = [item.price for item in items if item.vat == vat]
        turnover = sum(price.minor for price in prices)
        percent = VAT_PERCENT.get(vat)
        tax = turnover if percent is None else contained(turnover, percent)
        yield {"type": VAT_NAMES[vat], "sum": _roubles(Money(tax, prices[0].currency))}


def contained(turnover: int, percent: int) -> int:
    """The tax in a price that contains it, rounded half up."""
    return (2 * turnover * percent + 100 + percent) // (2 * (100 + percent))


def _text(line: str) -> dict[str, Any]:
    return {"type": "text", "text": line[:LINE_MAX], "wrap": "words"}


def spelled(text: str, most: int) -> str:
    """In the letters that a fiscal drive has, CP866: those that it lacks are written by others before they get lost."""
    return spell(text, "cp866")[:most]


def _roubles(money: Money) -> Raw:
    """A JSON number of exactly the currency's decimals; no float ever holds it."""
    return Raw(money.decimal().encode())


# --- values -----------------------------------------------------------------------------------------------------------


def minor_of(amount: Decimal, currency: str) -> int:
    """Minor units of an amount in roubles. Raises BadAnswer for what is no amount of money.

    The driver counts in doubles: a sum may have a digit far behind the point that means nothing.
    """
    if not amount.is_finite() or amount.adjusted() > TOTAL_MAX_DIGITS:
        raise BadAnswer(f"the registrar tells {str(amount)[:40]} for an amount of money")
    minor = int((amount * 10 ** MINOR_DIGITS[currency]).to_integral_value())
    if abs(minor) > MINOR_MAX:
        raise BadAnswer(f"the registrar tells {str(amount)[:40]} for an amount of money")
    return minor


def moment(text: str, zone: tzinfo) -> datetime:
    """A time as the driver tells it, ISO 8601; without an offset it is of `zone`. Raises BadAnswer."""
    try:
        at = datetime.fromisoformat(text)
        if at.year not in YEARS:
            raise ValueError
    except ValueError as error:
        raise BadAnswer(f"the registrar tells {text[:40]!a} for a time") from error
    return at if at.tzinfo is not None else at.replace(tzinfo=zone)


def wall_time(text: str) -> datetime | None:
    """What the device's own clock shows, whatever zone somebody put behind it; None: it does not tell."""
    try:
        at = datetime.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        return None
    return at if at.year in YEARS else None


def day(text: str | None) -> date | None:
    """The day of a time, None: it does not tell."""
    at = wall_time(text or "")
    return at.date() if at is not None else None


def _sign(value: str | int) -> int:
    text = str(value).strip() if isinstance(value, str) or abs(value) < 10**SIGN_MAX_DIGITS else ""
    if not (text.isascii() and text.isdecimal() and len(text) <= SIGN_MAX_DIGITS):
        raise BadAnswer(f"the registrar tells {str(text)[:40]!a} for a fiscal sign")
    return int(text)


def _found(data: bytes) -> FoundDocument:
    """A document by its tags. Raises BadAnswer."""
    tags = _read_document(data).documentTLV
    items = tags.get("1059")
    names = [
        item.get("1030") for item in (items if isinstance(items, list) else [items]) if isinstance(item, dict)
    ]
    drive = tags.get("1041")
    total = _amount(tags.get("1020"))
    return FoundDocument(
        number=_number(tags, "1040"),
        kind=str(tags.get("fiscalDocumentType") or ""),
        sign=_archived_sign(tags.get("1077")),
        at=str(tags.get("1012") or ""),
        total=None if total is None else minor_of(total, "RUB"),
        operation=_number(tags, "1054") if "1054" in tags else None,
        payment=_payment(tags.get("1084")),
        names=tuple(name for name in names if isinstance(name, str)),
        shift=_number(tags, "1038") if "1038" in tags else 0,
        drive=drive.strip() if isinstance(drive, str) else None,
        is_short=tags.get("short") is True,
    )


def _number(tags: dict[str, Any], tag: str) -> int:
    value = tags.get(tag)
    if type(value) is not int or not 0 <= value < 2**32:
        raise BadAnswer(f"a document of the archive has {str(value)[:40]!a} in tag {tag}")
    return value


def _amount(value: Any) -> Decimal | None:
    if value is None:
        return None
    if isinstance(value, Decimal) or type(value) is int:
        return Decimal(value)
    raise BadAnswer(f"a document of the archive has {str(value)[:40]!a} for its total")


def _archived_sign(value: Any) -> int:
    """Tag 1077 in hexadecimal digits: two bytes that do not count, where they are there, and four that do."""
    try:
        if not isinstance(value, str) or len(value) > 16:
            raise ValueError
        return int.from_bytes(bytes.fromhex(value.rjust(8, "0"))[-4:])
    except ValueError as error:
        raise BadAnswer(f"a document of the archive has {str(value)[:40]!a} for its sign") from error


def _payment(attributes: Any) -> str | None:
    """Our payment number in the user attribute; None when there is none of ours."""
    for attribute in attributes if isinstance(attributes, list) else [attributes]:
        if isinstance(attribute, dict) and attribute.get("1085") == PAYMENT_ATTRIBUTE:
            value = attribute.get("1086")
            if isinstance(value, str):
                return value.strip()
    return None
