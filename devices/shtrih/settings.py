"""The registrar's own settings: which we need, how they should be, what staff hear of a difference. Pure.

A setting is never written by us: whoever registered the device answers for its tables.

Source: Shtrih-M, "Command protocol" 1.17 and the settings guide: tables 1, 17, 18 stand where the book says; others
move between models and are found by their names.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import NamedTuple

from devices.shtrih.protocol import text_of
from devices.shtrih.tags import Registered

MOVED_TABLES: tuple[int, ...] = (24, *range(19, 24), *range(25, 31))
"""Where the table of what is built into an automaton may stand, the number of most models first."""
FIELDS_MAX = 32
"""More fields of that table are not looked at."""


class Format(enum.IntEnum):
    """Versions of fiscal documents as table 17 numbers them."""

    V1_0_BETA = 0
    V1_0 = 1
    V1_05 = 2
    V1_1 = 3
    V1_2 = 4


class Wanted(NamedTuple):
    """One setting: its place, or by which words it is found among the fields of the automaton's table."""

    table: int | None
    field: int
    words: tuple[str, ...] = ()
    allowed: frozenset[int] = frozenset()
    """Empty: any value is good, we only want to know it."""
    advice: str = ""


class Setting(enum.Enum):
    """What is read. The words are those with which the vendor's names of such fields are written."""

    CUTS = Wanted(1, 7, allowed=frozenset({1, 2}), advice="1 or 2, or receipts stay joined together")
    PRINTS = Wanted(17, 7, allowed=frozenset({0}), advice="0, or customers get no paper")
    FORMAT = Wanted(17, 17, allowed=frozenset({2, 3, 4}), advice="2, 3 or 4 (formats 1.05, 1.1, 1.2)")
    ADDRESS = Wanted(18, 9)
    PLACE = Wanted(18, 14)
    AUTOMATON = Wanted(None, 1, ("НОМЕР", "АВТ"))
    CLOSES_ITSELF = Wanted(None, 9, ("АВТО", "ЗАКРЫТ"), frozenset({0}), "0, as the terminal closes the shift")
    OPENS_ITSELF = Wanted(None, 13, ("АВТО", "ОТКРЫТ"), frozenset({0}), "0, as the terminal opens the shift")


AUTOMATON_TABLE_WORDS = ("ВСТРАИВ",)


class Found(NamedTuple):
    """A setting as the device has it; `name` is the device's own, "" where nobody asked for it."""

    table: int
    field: int
    name: str
    value: bytes

    @property
    def number(self) -> int:
        """Its value, where that is no text."""
        return int.from_bytes(self.value, "little")

    def is_right(self, setting: Setting) -> bool:
        """Whether it is as we need it."""
        return not setting.value.allowed or self.number in setting.value.allowed


def is_named(name: str, words: tuple[str, ...]) -> bool:
    """Whether a table's or field's name holds all the words."""
    return all(word in name.upper() for word in words)


class Settings(NamedTuple):
    """What the device told; what it does not have is missing."""

    found: Mapping[Setting, Found]

    def number(self, setting: Setting) -> int | None:
        """A setting's number; None where the device does not have it."""
        found = self.found.get(setting)
        return None if found is None else found.number

    @property
    def registered(self) -> Registered:
        """Where the device works by its registration."""
        return Registered(
            self._text(Setting.AUTOMATON), self._text(Setting.ADDRESS), self._text(Setting.PLACE)
        )

    @property
    def leaves_paper_uncut(self) -> bool:
        """Whether nothing is cut at the end of a document."""
        return self.number(Setting.CUTS) == 0

    def differences(self) -> list[str]:
        """What is otherwise than we need it, each in words for staff."""
        told = []
        for setting, found in self.found.items():
            if not found.is_right(setting):
                name = f" ({found.name})" if found.name else ""
                told.append(
                    f"table {found.table}, field {found.field}{name} is {found.number}: "
                    f"set it to {setting.value.advice}"
                )
        return told

    def _text(self, setting: Setting) -> str | None:
        found = self.found.get(setting)
        return None if found is None else text_of(found.value)


UNKNOWN = Settings({})
