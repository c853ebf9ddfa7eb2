"""A receipt as a picture: the dots that a thermal printer burns, one pixel each."""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import segno
from PIL import Image, ImageDraw, ImageFont

from kassa.home import data_folder
from kassa.paper import GRIDS, LARGE, Code, Grid, Row, qr_dots, width

MARGIN = 24
"""Paper that no printer reaches, on each side; 3 mm."""
FEED_DOTS = 60
"""White before the first row and behind the last one."""
SIZES = {12: 24, 9: 16}
"""Of the bitmap font, by the width of a letter's place: 12 x 24 fills it, 8 x 16 leaves a dot to the next letter."""
PAPER, INK = 255, 0


def draw(rows: Sequence[Row | Code], columns: int) -> Image.Image:
    """The paper as it comes out of the printer, between its margins."""
    grid = GRIDS[columns]
    codes = {row.text: _qr(row.text, grid.paper) for row in rows if isinstance(row, Code)}
    heights = [codes[row.text].height if isinstance(row, Code) else _height(row, grid) for row in rows]
    paper = Image.new("L", (grid.paper + 2 * MARGIN, sum(heights) + 2 * FEED_DOTS), PAPER)
    top = FEED_DOTS
    for row, height in zip(rows, heights, strict=True):
        if isinstance(row, Code):
            code = codes[row.text]
            paper.paste(code, (MARGIN + (grid.paper - code.width) // 2, top))
        else:
            _draw_row(paper, row, grid.letter, top)
        top += height
    return paper


def save(rows: Sequence[Row | Code], columns: int, path: Path) -> None:
    """Write the picture as a PNG of black and white dots."""
    draw(rows, columns).convert("1").save(path)


def _height(row: Row, grid: Grid) -> int:
    return grid.row + (grid.letter[1] * (LARGE - 1) if row.is_large else 0)


def _draw_row(paper: Image.Image, row: Row, letter: tuple[int, int], top: int) -> None:
    """Letter by letter, each in its own place, as the printer has them."""
    left = MARGIN
    step = letter[0] * (LARGE if row.is_large else 1)
    for one in row.text:
        place = _letter(one, letter, row.is_bold)
        if row.is_large:
            place = place.resize((place.width * LARGE, place.height * LARGE), Image.Resampling.NEAREST)
        paper.paste(place, (left, top))
        left += step * width(one)


@lru_cache(maxsize=2048)
def _letter(one: str, letter: tuple[int, int], is_bold: bool) -> Image.Image:
    font = _font(SIZES[letter[0]], is_bold)
    place = Image.new("1", (letter[0] * width(one), letter[1]), 1)
    pen = ImageDraw.Draw(place)
    pen.fontmode = "1"
    pen.text((0, 0), one, font=font, fill=0)
    return place.convert("L")


@lru_cache(maxsize=8)
def _font(size: int, is_bold: bool) -> ImageFont.FreeTypeFont:
    name = "terminus-bold.otb" if is_bold else "terminus-normal.otb"
    return ImageFont.truetype(
        str(data_folder() / "assets" / "fonts" / name), size, layout_engine=ImageFont.Layout.BASIC
    )


def _qr(text: str, paper_dots: int) -> Image.Image:
    drawn = io.BytesIO()
    segno.make_qr(text, error="m", boost_error=False).save(
        drawn, kind="png", scale=qr_dots(text, paper_dots), border=0
    )
    return Image.open(drawn).convert("L")
