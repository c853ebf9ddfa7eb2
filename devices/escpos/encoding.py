"""Rows of a receipt as the bytes of ESC/POS, by python-escpos; its printer keeps them in memory and knows no port."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from typing import Any

from escpos import capabilities
from escpos.constants import QR_ECLEVEL_M
from escpos.magicencode import Encoder
from escpos.printer import Dummy
from msgspec import Struct

from kassa.paper import GRIDS, Code, Line, Row, qr_dots, spelled, typeset

if "ESCPOS_CAPABILITIES_PICKLE_DIR" not in os.environ:  # else each start leaves one more folder in /tmp
    shutil.rmtree(capabilities.pickle_dir, ignore_errors=True)

EPSON = {
    "cp437": 0, "cp850": 2, "cp857": 13, "cp1252": 16, "cp866": 17, "cp852": 18, "cp858": 19, "cp1125": 44,
    "cp1250": 45, "cp1251": 46, "cp1254": 48, "cp1257": 51,
}  # fmt: skip
"""ESC t n. Source: Epson, "Character Code Tables"; other makers have lists of their own."""
SMALL_LETTERS = 64
"""From so many columns on the printer's second font is meant."""
PART_MAX_BYTES = 512
"""Printers with a small buffer have 4 kB; the driver waits after each part, so it is never full."""


class Paper(Struct, frozen=True):
    """A printer's paper and letters."""

    columns: int
    code_page: str
    code_page_number: int = 0
    """0: as Epson numbers it."""


def job(lines: Iterable[Line], paper: Paper) -> list[bytes]:
    """A whole piece of paper, cut off at its end; in parts of whole rows, each at most PART_MAX_BYTES or one row."""
    rows = typeset(spelled(lines, paper.code_page), paper.columns)
    parts = [b""]
    for piece in _pieces(rows, paper):
        if parts[-1] and len(parts[-1]) + len(piece) > PART_MAX_BYTES:
            parts.append(b"")
        parts[-1] += piece
    return parts


def _pieces(rows: Iterable[Row | Code], paper: Paper) -> Iterator[bytes]:
    name = paper.code_page.upper()
    number = paper.code_page_number or EPSON[paper.code_page]
    printer = Dummy(magic_encode_args={"encoder": Encoder({name: str(number)})})
    printer.hw("INIT")
    printer.charcode(name)
    printer.set(font="b" if paper.columns >= SMALL_LETTERS else "a")
    look: tuple[bool, bool] = (False, False)
    for row in rows:
        if isinstance(row, Code):
            printer.set(align="center")
            size = qr_dots(row.text, GRIDS[paper.columns].paper)
            printer.qr(row.text, ec=QR_ECLEVEL_M, size=size, native=True)
            printer.set(align="left")
        else:
            if look != (row.is_bold, row.is_large):
                look = (row.is_bold, row.is_large)
                size = 2 if row.is_large else 1
                printer.set(bold=row.is_bold, custom_size=True, width=size, height=size)
            printer.textln(row.text)
        yield _said(printer)
    printer.cut()
    yield _said(printer)


def _said(printer: Any) -> bytes:
    said: bytes = printer.output
    printer.clear()
    return said
