"""A payment's receipt as data. Pure."""

from __future__ import annotations

from kassa.config import Config
from kassa.money import Money
from kassa.ports import Receipt, ReceiptItem

NAME_MAX = 128
"""Tag 1030 holds no more characters."""


def receipt(payment: str, service_id: str, account: str, total: Money, config: Config) -> Receipt:
    """The receipt of one payment: one item for the whole sum, as nothing of it is change or fee.

    A service that left the configuration since is printed as communication services in general, without VAT details
    of its own: the money must get its document all the same.
    """
    service = config.find_service(service_id)
    name = service.receipt_name if service else "Аванс за услуги связи"
    item = ReceiptItem(
        name=f"{name}, ЛС {account}"[:NAME_MAX],
        price=total,
        method=service.method if service else 3,
        subject=service.subject if service else 10,
        vat=service.vat if service else 12,
    )
    lines = (
        f"Терминал {config.terminal.number}",
        config.terminal.address,
        f"Платёж {payment}",
        f"Справки: {config.terminal.phone}",
    )
    return Receipt(payment, (item,), total, config.registrar.tax_system, lines)
