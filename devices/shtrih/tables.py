"""The tables of settings that a simulated registrar has: their shape. Values lie in its truth and its owner's papers.

Source: Shtrih-M, "Command protocol" 1.17 and the settings guide; of each table the fields that a host looks at.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from devices.shtrih.settings import Format


@dataclass(frozen=True, slots=True)
class Field:
    """One field; a text has `size` bytes, a number is from 0 to `highest`."""

    name: str
    highest: int = 0
    default: int = 0
    size: int = 1
    source: str = ""
    """Where a text that nobody may change comes from: an attribute of the owner."""

    @property
    def is_text(self) -> bool:
        """Whether 2Eh calls it one."""
        return bool(self.source)


@dataclass(frozen=True, slots=True)
class Table:
    """A table of one row."""

    name: str
    fields: dict[int, Field]

    @property
    def size(self) -> int:
        """So many fields: the last one's number."""
        return max(self.fields)


TABLES: dict[int, Table] = {
    1: Table("ТИП И РЕЖИМ КАССЫ", {
        1: Field("НОМЕР АППАРАТА", 99, 1),
        2: Field("АВТООБНУЛЕНИЕ НАЛИЧНОСТИ", 1, 1),
        7: Field("ОТРЕЗКА ЧЕКА", 2, 2),
    }),
    17: Table("РЕГИОНАЛЬНЫЕ НАСТРОЙКИ", {
        7: Field("ПЕЧАТЬ ДОКУМЕНТА", 3, 0),
        17: Field("ФОРМАТ ФД", 4, Format.V1_2),
        36: Field("РАСШИРЕННЫЙ ОТВЕТ", 1, 0),
    }),
    18: Table("ФИСКАЛЬНЫЙ НАКОПИТЕЛЬ", {
        1: Field("ЗАВОДСКОЙ НОМЕР ККТ", size=20, source="serial"),
        2: Field("ИНН", size=12, source="inn"),
        3: Field("РЕГИСТРАЦИОННЫЙ НОМЕР ККТ", size=20, source="registration"),
        7: Field("ПОЛЬЗОВАТЕЛЬ", size=64, source="name"),
        9: Field("АДРЕС РАСЧЁТОВ", size=128, source="address"),
        13: Field("САЙТ ФНС", size=64, source="site"),
        14: Field("МЕСТО РАСЧЁТОВ", size=128, source="place"),
        15: Field("E-MAIL ОТПРАВИТЕЛЯ", size=64, source="sender"),
    }),
    23: Table("УДАЛЁННЫЙ МОНИТОРИНГ", {1: Field("РЕЖИМ", 1, 0)}),
    24: Table("ВСТРАИВАЕМАЯ ТЕХНИКА", {
        1: Field("ЗАВОДСКОЙ НОМЕР АВТОМАТА", size=20, source="device"),
        3: Field("РЕЖИМ ПРЕЗЕНТЕРА", 2, 2),
        9: Field("АВТОЗАКРЫТИЕ СМЕНЫ", 3, 0),
        13: Field("АВТООТКРЫТИЕ СМЕНЫ", 2, 0),
    }),
}  # fmt: skip
CASH_IS_ZEROED, CUTS, FORMAT, TELLS_TIME = (1, 2), (1, 7), (17, 17), (17, 36)
"""Places of settings that the simulated registrar itself obeys."""


def value(values: dict[str, int], place: tuple[int, int]) -> int:
    """A number as it was set, or as it left the factory."""
    table, field = place
    return values.get(f"{table}.{field}", TABLES[table].fields[field].default)


def shown(values: dict[str, int], owner: Any, table: int, number: int) -> bytes:
    """A field's value as 1Fh tells it."""
    field = TABLES[table].fields[number]
    if field.is_text:
        text: str = getattr(owner, field.source)
        return text.encode("cp1251", "replace")[: field.size].ljust(field.size, b"\0")
    return value(values, (table, number)).to_bytes(field.size, "little")
