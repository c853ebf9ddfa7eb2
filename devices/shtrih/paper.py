"""What a simulated registrar prints: receipts and reports as lines of text. Pure.

Source: order of the tax service ED-7-20/662@, annex 2: what a printed receipt carries; the places are those of
48-column kiosk printers.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from devices.shtrih import tlv
from devices.shtrih.memory import Drive, Item, OpenDocument, Record
from devices.shtrih.protocol import QUANTITY_ONE
from kassa.money import Money

WIDTH = 48
RULE = "-" * WIDTH
SUBJECTS = {1: "ТОВАР", 3: "РАБОТА", 4: "УСЛУГА", 10: "ПЛАТЁЖ", 11: "АГЕНТСКОЕ ВОЗНАГРАЖДЕНИЕ", 12: "ВЫПЛАТА"}
METHODS = {
    1: "ПРЕДОПЛАТА 100%",
    2: "ПРЕДОПЛАТА",
    3: "АВАНС",
    4: "ПОЛНЫЙ РАСЧЁТ",
    5: "ЧАСТИЧНЫЙ РАСЧЁТ И КРЕДИТ",
    6: "ПЕРЕДАЧА В КРЕДИТ",
    7: "ОПЛАТА КРЕДИТА",
}
TAX_SYSTEMS = {0: "ОСН", 1: "УСН доход", 2: "УСН доход - расход", 3: "ЕНВД", 4: "ЕСХН", 5: "Патент"}
OPERATIONS = {1: "ПРИХОД", 2: "ВОЗВРАТ ПРИХОДА"}
VAT_NAMES = {
    1: "НДС 20%", 2: "НДС 10%", 3: "НДС 20/120", 4: "НДС 10/110", 5: "НДС 0%", 6: "БЕЗ НДС", 7: "НДС 5%",
    8: "НДС 7%", 9: "НДС 5/105", 10: "НДС 7/107", 11: "НДС 22%", 12: "НДС 22/122",
}  # fmt: skip
VAT_PERCENT = {1: 20, 2: 10, 3: 20, 4: 10, 7: 5, 8: 7, 9: 5, 10: 7, 11: 22, 12: 22}
"""Contained in the price; the rates that are missing here have no tax to show."""


@dataclass(frozen=True, slots=True)
class Owner:
    """What a registrar was told at its registration."""

    name: str = "ООО «ПРИМЕРСВЯЗЬ»"
    inn: str = "7701234567"
    address: str = "г. Примерск, ул. Садовая, д. 5"
    place: str = "Терминал оплаты услуг связи"
    device: str = "00042"
    registration: str = "0001234567012345"
    serial: str = "0493050004201267"
    site: str = "www.nalog.gov.ru"
    sender: str = "kassa@primersvyaz.ru"


def receipt(record: Record, opened: OpenDocument, tax_system: int, drive: Drive, owner: Owner) -> list[str]:
    """A receipt or a correction, of what was `opened`."""
    title = "КАССОВЫЙ ЧЕК КОРРЕКЦИИ" if opened.is_correction else "КАССОВЫЙ ЧЕК"
    lines = [*head(owner), *centred(title), *centred(OPERATIONS[record.operation])]
    for line in opened.lines:
        lines += wrapped(line)
    lines.append(RULE)
    for item in record.items:
        lines += wrapped(item.name)
        lines += pair("", f"{_quantity(item.quantity)} x {_sum(item.price)} = {_sum(item.sum)}")
        lines += _supplier(item)
        lines += pair(SUBJECTS.get(item.subject, f"ПРЕДМЕТ {item.subject}"), METHODS[item.method])
        lines += _vat(item.vat, item.sum)
    lines.append(RULE)
    lines += pair("ИТОГ", f"={_sum(record.sum)}")
    lines += pair("НАЛИЧНЫМИ", f"={_sum(record.cash)}")
    if record.cashless:
        lines += pair("БЕЗНАЛИЧНЫМИ", f"={_sum(record.sum - record.cash)}")
    for vat in sorted({item.vat for item in record.items}):
        total = sum(item.sum for item in record.items if item.vat == vat)
        lines += _vat(vat, total, "СУММА ")
    for vat, tax in record.taxes.items():
        lines += pair(f"СУММА {VAT_NAMES[vat]}", f"={_sum(tax)}")
    lines += pair("СНО", TAX_SYSTEMS[tax_system])
    for tag, word in ((tlv.CONTACT, "ЭЛ. АДР. ПОКУПАТЕЛЯ"), (tlv.ADDRESS, "АДРЕС"), (tlv.PLACE, "МЕСТО")):
        if (value := tlv.find(opened.tags, tag)) is not None:
            lines += pair(word, value.decode("cp866"))
    if (number := tlv.find(opened.tags, tlv.CORRECTION_REASON, tlv.CORRECTION_NUMBER)) is not None:
        lines += pair("ОСНОВАНИЕ КОРРЕКЦИИ", number.decode("cp866"))
    if record.payment is not None:
        lines += pair("Платёж", record.payment)
    lines += pair(f"СМЕНА {record.shift}", f"ЧЕК {drive.receipts_in_shift}")
    lines += [*_foot(record, drive, owner), *pair("САЙТ ФНС", owner.site), RULE]
    return lines + textwrap.wrap(qr(record, drive), WIDTH)


def qr(record: Record, drive: Drive) -> str:
    """What the receipt's QR code says."""
    return (
        f"t={record.at:%Y%m%dT%H%M}&s={_sum(record.sum)}&fn={drive.serial}"
        f"&i={record.number}&fp={record.sign}&n={record.operation}"
    )


def shift_report(title: str, record: Record, drive: Drive, owner: Owner) -> list[str]:
    """The report that opens or closes a shift."""
    lines = [*head(owner), *centred(title), *pair("СМЕНА", str(record.shift)), RULE]
    return [*lines, *_totals(drive), *_foot(record, drive, owner)]


def x_report(at: datetime, drive: Drive, owner: Owner) -> list[str]:
    """The running shift's totals; no fiscal document."""
    lines = [*head(owner), *centred("СУТОЧНЫЙ ОТЧЁТ БЕЗ ГАШЕНИЯ"), *pair("СМЕНА", str(drive.shift)), RULE]
    return [*lines, *_totals(drive), *pair("ДАТА ВРЕМЯ", f"{at:%d.%m.%Y %H:%M}")]


def cash_moved(amount: int, at: datetime, owner: Owner, *, is_out: bool) -> list[str]:
    """Cash that was put in or taken out; no fiscal document."""
    title = "ВЫПЛАТА" if is_out else "ВНЕСЕНИЕ"
    return [*head(owner), *centred(title), *pair("СУММА", f"={_sum(amount)}"), f"{at:%d.%m.%Y %H:%M}"]


def cancelled(opened: OpenDocument) -> list[str]:
    """What is left on paper of a receipt that never was."""
    lines = [part for line in opened.lines for part in wrapped(line)]
    return [
        *lines,
        *[part for item in opened.items for part in wrapped(item.name)],
        *centred("ЧЕК АННУЛИРОВАН"),
    ]


@lru_cache
def centred(text: str) -> tuple[str, ...]:
    """In the middle, on as many lines as it needs."""
    return tuple(line.center(WIDTH).rstrip() for line in textwrap.wrap(text, WIDTH))


@lru_cache
def wrapped(text: str) -> tuple[str, ...]:
    """From the left margin, on as many lines as it needs."""
    return tuple(textwrap.wrap(text, WIDTH)) or ("",)


def pair(left: str, right: str) -> list[str]:
    """A name at the left and its value at the right margin; the value is never cut and never broken if it fits a line."""
    if len(left) + 1 + len(right) <= WIDTH:
        return [left + right.rjust(WIDTH - len(left))]
    return [*(wrapped(left) if left else []), *(line.rjust(WIDTH) for line in textwrap.wrap(right, WIDTH))]


def head(owner: Owner) -> list[str]:
    """Whose registrar it is, and where it stands."""
    return [*centred(owner.name), *centred(owner.address), *centred(owner.place)]


def _totals(drive: Drive) -> list[str]:
    lines = []
    for operation, name in OPERATIONS.items():
        made = [one for one in drive.of_shift() if one.receipt and one.operation == operation]
        lines += [
            *pair(f"{name}, ЧЕКОВ", str(len(made))),
            *pair("НАЛИЧНЫМИ", f"={_sum(sum(one.cash for one in made))}"),
            *pair("БЕЗНАЛИЧНЫМИ", f"={_sum(sum(one.sum - one.cash for one in made))}"),
        ]
    return [*lines, *pair("НЕ ПЕРЕДАНО В ОФД", str(drive.last - drive.confirmed)), RULE]


def _foot(record: Record, drive: Drive, owner: Owner) -> list[str]:
    return [
        *pair("АВТОМАТ", owner.device),
        *pair("ИНН", owner.inn),
        *pair("РН ККТ", owner.registration),
        *pair("ЗН ККТ", owner.serial),
        *pair("ФН", drive.serial),
        *pair("ФД", str(record.number)),
        *pair("ФПД", f"{record.sign:010}"),
        *pair("ДАТА ВРЕМЯ", f"{record.at:%d.%m.%Y %H:%M}"),
    ]


def _supplier(item: Item) -> list[str]:
    """Whose service it is, where an agent takes the money."""
    name, inn = (
        tlv.find(item.tags, tlv.SUPPLIER, tlv.SUPPLIER_NAME),
        tlv.find(item.tags, tlv.SUPPLIER_INN),
    )
    if name is None or inn is None:
        return []
    return [*pair("ПОСТАВЩИК", name.decode("cp866")), *pair("ИНН ПОСТАВЩИКА", inn.decode("cp866").strip())]


def _quantity(millionths: int) -> str:
    whole, part = divmod(millionths, QUANTITY_ONE)
    return f"{whole}.{part:06}".rstrip("0").rstrip(".")


def _vat(vat: int, total: int, word: str = "") -> list[str]:
    """The tax contained in `total`; for a receipt without tax the turnover."""
    percent = VAT_PERCENT.get(vat)
    tax = total if percent is None else (2 * total * percent + 100 + percent) // (2 * (100 + percent))
    return pair(f"{word}{VAT_NAMES[vat]}", f"={_sum(tax)}")


def _sum(minor: int) -> str:
    return Money(minor).decimal()
