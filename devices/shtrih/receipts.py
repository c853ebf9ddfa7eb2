"""What a receipt asks of the registrar before it is begun, and which document in the archive can be its own. Pure."""

from __future__ import annotations

import textwrap

from devices.shtrih import protocol as p
from devices.shtrih.protocol import Form, FoundDocument
from devices.shtrih.settings import Format
from devices.shtrih.tags import CODE_PAGE
from kassa.paper import spell
from kassa.ports import Receipt

VAT_PERCENT = {1: 20, 2: 10, 3: 20, 4: 10}
"""Contained in the price, by the value of tag 1199: the rates that a correction of format 1.05 has a place for."""


def what_forbids(receipt: Receipt, version: int | None) -> str | None:
    """Why no document of this kind can be made with documents of format `version`, in words for staff; None: it can."""
    if receipt.correction is None:
        return None
    if version is None or version < Format.V1_05:
        found = "none that is known" if version is None else f"{version}"
        return f"its format of documents (table 17, field 17) is {found}: no correction can be made by it"
    if version != Format.V1_05:
        return None
    if any(item.agent is not None for item in receipt.items):
        return "a correction of format 1.05 has no items and cannot name an agent's supplier; set format 1.2"
    if rates := sorted({item.vat for item in receipt.items} - set(p.CORRECTION_VATS)):
        return f"a correction of format 1.05 has no place for the tax of rate {rates[0]} (tag 1199); set format 1.2"
    return None


def taxes(receipt: Receipt) -> dict[int, int]:
    """Minor units of tax by the value of tag 1199; of a rate without a tax the turnover."""
    sums: dict[int, int] = {}
    for item in receipt.items:
        sums[item.vat] = sums.get(item.vat, 0) + item.price.minor
    return {vat: _contained(total, VAT_PERCENT.get(vat)) for vat, total in sums.items()}


def _contained(total: int, percent: int | None) -> int:
    """The tax in `total`, rounded half up as the registrar does."""
    return total if percent is None else (2 * total * percent + 100 + percent) // (2 * (100 + percent))


def forms_of(receipt: Receipt) -> tuple[Form, ...]:
    """As which forms the archive may keep its document: corrections of format 1.2 are opened like receipts."""
    return (Form.RECEIPT,) if receipt.correction is None else (Form.CORRECTION, Form.RECEIPT)


def is_of(receipt: Receipt, found: FoundDocument) -> bool:
    """Whether form, direction and sum are the receipt's."""
    is_sale = found.form in forms_of(receipt) and found.operation == p.OPERATION_SALE
    return is_sale and found.total == receipt.total.minor


def may_name(receipt: Receipt, names: list[str]) -> bool:
    """Whether a document's items can be the receipt's; items that cannot be read can, and names may have been cut."""
    if not names:
        return True
    wanted = [_letters(spell(item.name, CODE_PAGE)) for item in receipt.items]
    found = [_letters(name) for name in names]
    return len(found) == len(wanted) and all(
        one.startswith(other) or other.startswith(one) for one, other in zip(found, wanted, strict=True)
    )


def _letters(name: str) -> str:
    """What is left of a name in every code page and after every firmware's own ideas of quotes and blanks."""
    return "".join(filter(str.isalnum, name[: p.NAME_CHARACTERS_MAX])).casefold()


def wrapped(lines: tuple[str, ...]) -> list[str]:
    """Lines as wide as the registrar takes them; a long one goes on in the next."""
    return [part for line in lines for part in textwrap.wrap(line, p.LINE_CHARACTERS_MAX) or [""]]
