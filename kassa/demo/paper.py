"""A printed receipt as a picture: the text as it stands on the paper, with its torn edge."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

COLUMNS = 48
"""Characters of an 80 mm roll."""
FONT_SIZE = 22
LINE_HEIGHT = 28
MARGIN = 36
TOOTH = 12
"""Pixels of one tooth of the torn edge."""
PAPER, INK, TABLE = (253, 252, 247), (38, 38, 44), (214, 220, 229)


def draw(text: str, path: Path) -> None:
    """Write the receipt `text` as a PNG."""
    lines = text.rstrip("\n").split("\n")
    font = ImageFont.truetype(str(_font()), FONT_SIZE)
    width = round(font.getlength("0") * max(COLUMNS, *map(len, lines))) + 2 * MARGIN
    height = LINE_HEIGHT * len(lines) + 2 * MARGIN
    picture = Image.new("RGB", (width + 2 * MARGIN, height + 2 * MARGIN), TABLE)
    pen = ImageDraw.Draw(picture)
    left, top, right, foot = MARGIN, MARGIN, MARGIN + width, MARGIN + height
    torn = [(right - step * TOOTH, foot + (TOOTH if step % 2 else 0)) for step in range(width // TOOTH + 1)]
    pen.polygon([(left, top), (right, top), *torn, (left, foot)], fill=PAPER)
    for number, line in enumerate(lines):
        pen.text((left + MARGIN, top + MARGIN + number * LINE_HEIGHT), line, font=font, fill=INK)
    picture.save(path)


def _font() -> Path:
    """A fixed-width font with Cyrillic, of those that Kivy brings."""
    kivy = find_spec("kivy")
    assert kivy is not None, "the screen is installed wherever a demonstration runs"
    assert kivy.submodule_search_locations is not None
    return Path(kivy.submodule_search_locations[0]) / "data" / "fonts" / "RobotoMono-Regular.ttf"
