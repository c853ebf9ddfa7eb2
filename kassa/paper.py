"""What stands on a receipt, and how it stands on paper so many characters wide. Pure.

A sum is the right half of a `Pair`: it stands whole on one row and ends at the paper's right margin, however long the
name at its left is.
"""

from __future__ import annotations

import codecs
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

Align = Literal["left", "center", "right"]
Columns = Literal[32, 36, 42, 48, 64]
"""Characters side by side: 58, 60 and 80 mm rolls in a printer's large letters, 80 mm in its small ones."""
LARGE = 2
"""A large letter is so many times as wide and as high as others."""


@dataclass(frozen=True, slots=True)
class Words:
    """Text on as many rows as it needs."""

    text: str
    align: Align = "left"
    is_bold: bool = False
    is_large: bool = False


@dataclass(frozen=True, slots=True)
class Pair:
    """A name at the left margin and what it is at the right one."""

    name: str
    value: str
    is_bold: bool = False
    is_large: bool = False
    """As long as the value fits."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One character from margin to margin."""

    letter: str = "-"


@dataclass(frozen=True, slots=True)
class Code:
    """A QR code in the middle."""

    text: str


@dataclass(frozen=True, slots=True)
class Feed:
    """Empty rows."""

    rows: int = 1


Line = Words | Pair | Rule | Code | Feed


@dataclass(frozen=True, slots=True)
class Row:
    """One row of letters from the left margin, its blanks among them."""

    text: str
    is_bold: bool = False
    is_large: bool = False

    @property
    def columns(self) -> int:
        """How much of the paper's width it takes."""
        return width(self.text) * (LARGE if self.is_large else 1)


# --- from lines to rows ---------------------------------------------------------------------------------------


def typeset(lines: Iterable[Line], columns: int) -> list[Row | Code]:
    """Every line on rows that are at most `columns` wide."""
    rows: list[Row | Code] = []
    for line in lines:
        match line:
            case Words(text, align, is_bold, is_large):
                room = columns // LARGE if is_large else columns
                rows += [Row(_aligned(part, align, room), is_bold, is_large) for part in wrap(text, room)]
            case Pair():
                rows += _pair(line, columns)
            case Rule(letter):
                rows.append(Row((legible(letter) or "-")[:1] * (columns // max(1, width(letter)))))
            case Feed(count):
                rows += [Row("")] * count
            case Code():
                rows.append(line)
    return rows


def _pair(pair: Pair, columns: int) -> list[Row]:
    """The value beside the end of the name where there is room, else on a row of its own."""
    value = legible(pair.value)
    is_large = pair.is_large and width(value) <= columns // LARGE
    room = columns // LARGE if is_large else columns
    names = wrap(pair.name, room) if legible(pair.name) else []
    if width(value) > room:
        parts = [*names, *(_aligned(part, "right", room) for part in wrap(value, room))]
    elif names and width(names[-1]) + 1 + width(value) <= room:
        last = names[-1]
        parts = [*names[:-1], last + " " * (room - width(last) - width(value)) + value]
    else:
        parts = [*names, _aligned(value, "right", room)]
    return [Row(part, pair.is_bold, is_large) for part in parts]


def _aligned(text: str, align: Align, room: int) -> str:
    left = {"left": 0, "center": (room - width(text)) // 2, "right": room - width(text)}[align]
    return " " * left + text


def wrap(text: str, room: int) -> list[str]:
    """The words of `text` on rows of at most `room`; one row at least. A word that is longer goes on in the next row."""
    rows = [""]
    for word in legible(text).split(" "):
        joined = f"{rows[-1]} {word}" if rows[-1] else word
        if width(joined) <= room:
            rows[-1] = joined
        elif width(word) <= room:
            rows.append(word)
        else:
            rows += _broken(word, room)
    return rows[1:] if len(rows) > 1 and not rows[0] else rows


def _broken(word: str, room: int) -> list[str]:
    parts = [""]
    for letter in word:
        if width(parts[-1]) + width(letter) > room:
            parts.append("")
        parts[-1] += letter
    return parts


# --- letters ----------------------------------------------------------------------------------------------------


@lru_cache(maxsize=4096)
def legible(text: str) -> str:
    """Words with one blank between them: no tabs, no ends of lines, nothing that steers a printer or has no width."""
    composed = unicodedata.normalize("NFC", text.encode("utf-8", "replace").decode("utf-8"))
    blanks = "".join(" " if unicodedata.category(letter) in _BLANK else letter for letter in composed)
    seen = "".join(letter for letter in blanks if unicodedata.category(letter)[0] not in "CM")
    return " ".join(seen.split())


_BLANK = ("Cc", "Zs", "Zl", "Zp")


def width(text: str) -> int:
    """Places that legible text takes: the letters of East Asia two each."""
    return (
        len(text) if text.isascii() else sum(1 + (unicodedata.east_asian_width(one) in "WF") for one in text)
    )


PLAIN = {
    "«": '"', "»": '"', "„": '"', "“": '"', "”": '"', "‘": "'", "’": "'", "–": "-", "—": "-", "−": "-", "‑": "-",
    "…": "...", "№": "N", "₽": "р.", "€": "EUR", "·": "*", "•": "*", "×": "x", "ё": "е", "Ё": "Е", "\u00ad": "",
}  # fmt: skip
"""How what a code page lacks is written all the same."""
MISSING = "?"


def spell(text: str, code_page: str) -> str:
    """Legible text in the letters that a code page has; MISSING for each that it lacks and PLAIN does not know."""
    text = legible(text)
    return text if text.isascii() else "".join(_spelled(letter, code_page) for letter in text)


@lru_cache(maxsize=4096)
def _spelled(letter: str, code_page: str) -> str:
    if _has(code_page, letter):
        return letter
    plain = PLAIN.get(letter, MISSING * width(letter))
    return plain if all(_has(code_page, one) for one in plain) else MISSING


def _has(code_page: str, letter: str) -> bool:
    try:
        return len(codecs.encode(letter, code_page)) == 1
    except UnicodeEncodeError:
        return False


def spelled(lines: Iterable[Line], code_page: str) -> list[Line]:
    """The lines in a code page's letters; a QR code is bytes, and stays as it is."""
    return [_rewritten(line, lambda text: spell(text, code_page)) for line in lines]


def _rewritten(line: Line, rewrite: Callable[[str], str]) -> Line:
    match line:
        case Words():
            return replace(line, text=rewrite(line.text))
        case Pair():
            return replace(line, name=rewrite(line.name), value=rewrite(line.value))
        case Rule():
            return replace(line, letter=rewrite(line.letter))
        case _:
            return line


# --- the QR code --------------------------------------------------------------------------------------------------

QR_BYTES = (14, 26, 42, 62, 84, 106, 122, 152, 180, 213)
"""What a code of version 1, 2, ... holds at error level M. ISO/IEC 18004, table 7, byte mode."""
QR_MAX_BYTES = QR_BYTES[-1]
QR_DOTS_MAX = 8
"""A module of one millimetre at 8 dots/mm; the smallest code of 21 modules is then the 20 mm that the law wants."""
QR_MARGIN_MODULES = 4
"""White on each side."""


def qr_dots(text: str, paper_dots: int) -> int:
    """How many dots a module of the code may have on paper so wide; QR_DOTS_MAX at most, 1 at least."""
    size = len(text.encode("utf-8"))
    version = next((number for number, room in enumerate(QR_BYTES, 1) if size <= room), len(QR_BYTES))
    modules = 17 + 4 * version + 2 * QR_MARGIN_MODULES
    return max(1, min(QR_DOTS_MAX, paper_dots // modules))


@dataclass(frozen=True, slots=True)
class Grid:
    """A printer's dots: of the paper's width, of one letter's place, and from one row to the next."""

    paper: int
    letter: tuple[int, int]
    row: int = 30
    """As ESC/POS printers feed unless they are told otherwise; large letters push the next row down."""


GRIDS: dict[int, Grid] = {
    32: Grid(384, (12, 24)),
    36: Grid(432, (12, 24)),
    42: Grid(512, (12, 24)),
    48: Grid(576, (12, 24)),
    64: Grid(576, (9, 17)),
}
"""By columns. The sizes of Epson's printers, which others follow: font A of 12 x 24 dots, font B of 9 x 17."""


def as_text(rows: Sequence[Row | Code]) -> list[str]:
    """For people at a terminal: large letters are spaced out, a code is named."""
    return [
        f"[QR {row.text}]" if isinstance(row, Code) else _spaced(row.text) if row.is_large else row.text
        for row in rows
    ]


def _spaced(text: str) -> str:
    return "".join(f"{letter} " for letter in text).rstrip()
