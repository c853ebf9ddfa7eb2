"""A printed receipt as a picture: the text as it stands on the paper, with its torn edge."""

from __future__ import annotations

import io
from importlib.util import find_spec
from pathlib import Path

import segno
from PIL import Image, ImageDraw, ImageFont

COLUMNS = 48
"""Characters of an 80 mm roll."""
FONT_SIZE = 22
LINE_HEIGHT = 28
MARGIN = 36
QR_DOT = 6
"""Pixels of one dot of the QR code."""
TOOTH = 12
"""Pixels of one tooth of the torn edge."""
PAPER, INK, TABLE = (253, 252, 247), (38, 38, 44), (214, 220, 229)


def draw(text: str, code: str, path: Path) -> None:
    """Write a receipt as a PNG: its `text`, and under it the QR code in place of the last lines that spell `code`."""
    lines = _without(code, text.rstrip("\n").split("\n"))
    font = ImageFont.truetype(str(_font()), FONT_SIZE)
    square = _qr(code)
    width = round(font.getlength("0") * max(COLUMNS, *map(len, lines))) + 2 * MARGIN
    height = LINE_HEIGHT * len(lines) + square.height + 3 * MARGIN
    picture = Image.new("RGB", (width + 2 * MARGIN, height + 2 * MARGIN), TABLE)
    pen = ImageDraw.Draw(picture)
    left, top, right, foot = MARGIN, MARGIN, MARGIN + width, MARGIN + height
    torn = [(right - step * TOOTH, foot + (TOOTH if step % 2 else 0)) for step in range(width // TOOTH + 1)]
    pen.polygon([(left, top), (right, top), *torn, (left, foot)], fill=PAPER)
    for number, line in enumerate(lines):
        pen.text((left + MARGIN, top + MARGIN + number * LINE_HEIGHT), line, font=font, fill=INK)
    picture.paste(square, ((picture.width - square.width) // 2, foot - MARGIN - square.height))
    picture.save(path)


def _without(code: str, lines: list[str]) -> list[str]:
    """The lines but for the last ones, if these spell the code."""
    rest, spelt = list(lines), ""
    while rest and spelt != code and code.endswith(rest[-1].strip() + spelt):
        spelt = rest.pop().strip() + spelt
    return rest if spelt == code else lines


def _qr(code: str) -> Image.Image:
    drawn = io.BytesIO()
    segno.make_qr(code).save(drawn, kind="png", scale=QR_DOT, border=0, dark=INK, light=PAPER)
    return Image.open(drawn)


def _font() -> Path:
    """A fixed-width font with Cyrillic, of those that Kivy brings."""
    kivy = find_spec("kivy")
    assert kivy is not None, "the screen is installed wherever a demonstration runs"
    assert kivy.submodule_search_locations is not None
    return Path(kivy.submodule_search_locations[0]) / "data" / "fonts" / "RobotoMono-Regular.ttf"
