"""Receipts as the core asks a registrar for them."""

from dataclasses import replace

from kassa.money import of_whole
from kassa.ports import Receipt, ReceiptItem

DRIVE = "9999078900001234"
"""The fiscal drive of a new simulated registrar."""


def receipt_of(payment: str, units: int, name: str = "Аванс за услуги связи, ЛС 4038172956") -> Receipt:
    total = of_whole(units)
    item = ReceiptItem(name, total, method=3, subject=10, vat=12)
    lines = ("Терминал 00042", "г. Примерск, ул. Садовая, д. 5", f"Платёж {payment}")
    return Receipt(payment, (item,), total, 0, lines)


def item(name, minor, agent=None, vat=12):
    return ReceiptItem(name, replace(of_whole(1), minor=minor), method=3, subject=10, vat=vat, agent=agent)


def receipt_with(payment, items, **named):
    total = replace(of_whole(1), minor=sum(one.price.minor for one in items))
    return replace(receipt_of(payment, 1), items=items, total=total, **named)
