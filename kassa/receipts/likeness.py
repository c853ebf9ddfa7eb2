"""What a fiscal registrar's receipt will say, for people who choose its texts; the registrar's own layout differs. Pure.

Source: order of the tax service ED-7-20/662@, annex 2, the printed form of a receipt.
"""

from __future__ import annotations

from collections.abc import Iterator

from kassa.config import Config
from kassa.fiscal.template import WORDS, agent_lines, sum_of
from kassa.money import Money
from kassa.paper import Code, Feed, Line, Pair, Rule, Words
from kassa.ports import Document, Receipt, ReceiptItem

METHODS = {
    1: "ПРЕДОПЛАТА 100%", 2: "ПРЕДОПЛАТА", 3: "АВАНС", 4: "ПОЛНЫЙ РАСЧЁТ", 5: "ЧАСТИЧНЫЙ РАСЧЁТ И КРЕДИТ",
    6: "ПЕРЕДАЧА В КРЕДИТ", 7: "ОПЛАТА КРЕДИТА",
}  # fmt: skip
SUBJECTS = {
    1: "ТОВАР", 3: "РАБОТА", 4: "УСЛУГА", 10: "ПЛАТЁЖ", 11: "АГЕНТСКОЕ ВОЗНАГРАЖДЕНИЕ", 12: "ВЫПЛАТА",
    13: "ИНОЙ ПРЕДМЕТ РАСЧЁТА",
}  # fmt: skip
TAX_SYSTEMS = {0: "ОСН", 1: "УСН доход", 2: "УСН доход - расход", 4: "ЕСХН", 5: "Патент"}
VAT_NAMES = {
    1: "НДС 20%", 2: "НДС 10%", 3: "НДС 20/120", 4: "НДС 10/110", 5: "НДС 0%", 6: "БЕЗ НДС", 7: "НДС 5%",
    8: "НДС 7%", 9: "НДС 5/105", 10: "НДС 7/107", 11: "НДС 22%", 12: "НДС 22/122",
}  # fmt: skip
VAT_PERCENT = {1: 20, 2: 10, 3: 20, 4: 10, 7: 5, 8: 7, 9: 5, 10: 7, 11: 22, 12: 22}
"""By tag 1199; of the others there is no tax in the price."""


def likeness(receipt: Receipt, document: Document, config: Config) -> list[Line]:
    """All that the law wants on paper, and our own lines where the registrar prints them."""
    return [*_head(receipt, config), *_body(receipt), *_totals(receipt), *_foot(receipt, document)]


def _head(receipt: Receipt, config: Config) -> Iterator[Line]:
    yield Words(config.terminal.owner, "center")
    if receipt.place is not None:
        yield Words(receipt.place.address, "center")
        yield Words(receipt.place.name, "center")
    yield Words("КАССОВЫЙ ЧЕК" if receipt.correction is None else "КАССОВЫЙ ЧЕК КОРРЕКЦИИ", "center", True)
    yield Words("ПРИХОД", "center")
    if (correction := receipt.correction) is not None:
        yield Pair("ТИП КОРРЕКЦИИ", "ПО ПРЕДПИСАНИЮ" if correction.is_ordered else "САМОСТОЯТЕЛЬНО")
        yield Pair(f"ОСНОВАНИЕ ОТ {correction.of:%d.%m.%Y}", f"N {correction.number}")
    yield from (Words(line) for line in receipt.lines)
    yield Rule()


def _body(receipt: Receipt) -> Iterator[Line]:
    for item in receipt.items:
        yield Words(item.name)
        yield Pair("", f"1 x {item.price.decimal()} {sum_of(item.price)}")
        yield Pair(SUBJECTS.get(item.subject, f"ПРЕДМЕТ {item.subject}"), METHODS[item.method])
        yield Pair(VAT_NAMES[item.vat], sum_of(_tax(item)))
        if item.agent is not None:
            yield from agent_lines(item.agent, WORDS["ru"])
    yield Rule()


def _totals(receipt: Receipt) -> Iterator[Line]:
    yield Pair("ИТОГ", sum_of(receipt.total), is_bold=True, is_large=True)
    yield Pair("НАЛИЧНЫМИ", sum_of(receipt.total))
    for vat in sorted({item.vat for item in receipt.items}):
        taxes = [_tax(item) for item in receipt.items if item.vat == vat]
        yield Pair(f"СУММА {VAT_NAMES[vat]}", sum_of(sum(taxes, start=Money(0, receipt.total.currency))))
    yield Pair("СНО", TAX_SYSTEMS[receipt.tax_system])


def _foot(receipt: Receipt, document: Document) -> Iterator[Line]:
    yield Pair("Платёж", receipt.payment)
    if receipt.contact is not None:
        yield Pair("ЭЛ. АДР. ПОКУПАТЕЛЯ", receipt.contact)
    if receipt.place is not None:
        yield Pair("АВТОМАТ", receipt.place.automaton)
    yield Pair("СМЕНА", str(document.shift))
    yield Pair("ФН", document.drive_serial)
    yield Pair("ФД", str(document.number))
    yield Pair("ФПД", f"{document.sign:010}")
    yield Pair("ДАТА ВРЕМЯ", f"{document.at:%d.%m.%Y %H:%M}")
    yield Feed()
    yield Code(
        f"t={document.at:%Y%m%dT%H%M}&s={document.total.decimal()}&fn={document.drive_serial}"
        f"&i={document.number}&fp={document.sign}&n=1"
    )


def _tax(item: ReceiptItem) -> Money:
    """The tax contained in the price, rounded to a kopeck; of an item without tax its whole price, the turnover."""
    percent = VAT_PERCENT.get(item.vat)
    if percent is None:
        return item.price
    whole = 100 + percent
    return Money((2 * item.price.minor * percent + whole) // (2 * whole), item.price.currency)
