"""Colours, fonts and icons: the one place where the look of the screens is decided.

Every pair of text and ground that a screen uses has a contrast of 4.5:1 or more (tests/ui holds the list).
"""

from __future__ import annotations

import json
from functools import cache

from kivy.core.text import Label as CoreLabel
from kivy.core.text import LabelBase
from kivy.graphics.texture import Texture

from kassa.home import data_folder

Colour = tuple[float, float, float, float]

GROUND: Colour = (0.945, 0.953, 0.969, 1)
PAPER: Colour = (1, 1, 1, 1)
SOFT: Colour = (0.962, 0.969, 0.982, 1)
"""The ground of boxes inside a card."""
INK: Colour = (0.067, 0.094, 0.153, 1)
MUTED: Colour = (0.34, 0.39, 0.48, 1)
LINE: Colour = (0.87, 0.89, 0.925, 1)
IDLE: Colour = (0.86, 0.885, 0.925, 1)
"""What waits for its turn: steps to come, buttons that cannot be pressed."""
IDLE_INK: Colour = (0.34, 0.385, 0.475, 1)

BRAND: Colour = (0.055, 0.38, 0.92, 1)
BRAND_DOWN: Colour = (0.03, 0.28, 0.74, 1)
BRAND_SOFT: Colour = (0.9, 0.94, 1, 1)
ON_BRAND: Colour = (1, 1, 1, 1)
ON_BRAND_MUTED: Colour = (0.9, 0.95, 1, 1)
VEIL: Colour = (1, 1, 1, 0.14)
"""A pill on the brand's ground."""

GOOD: Colour = (0.0, 0.44, 0.27, 1)
GOOD_SOFT: Colour = (0.89, 0.975, 0.935, 1)
CARE: Colour = (0.53, 0.3, 0.0, 1)
CARE_SOFT: Colour = (1, 0.955, 0.84, 1)
BAD: Colour = (0.71, 0.09, 0.09, 1)
BAD_SOFT: Colour = (1, 0.93, 0.925, 1)

HEADER_TOP: Colour = (0.04, 0.31, 0.82, 1)
HEADER_FOOT: Colour = (0.045, 0.35, 0.88, 1)
HERO_TOP: Colour = (0.03, 0.27, 0.76, 1)
HERO_FOOT: Colour = (0.05, 0.38, 0.92, 1)

TONES: dict[str, tuple[Colour, Colour]] = {
    "brand": (BRAND, BRAND_SOFT),
    "good": (GOOD, GOOD_SOFT),
    "care": (CARE, CARE_SOFT),
    "bad": (BAD, BAD_SOFT),
    "muted": (MUTED, SOFT),
}
"""Foreground and soft ground by meaning; a word or an icon always says the same beside the colour."""

GRADIENT_STEPS = 128
"""A texture of two texels has flat bands at both ends."""

MEASURED_PX = 64
HINTING = 1.03
"""So much wider may a word be when it is small, as every letter begins at a whole pixel."""

FONTS = {
    "regular": "GolosText_400Regular.ttf",
    "medium": "GolosText_500Medium.ttf",
    "semibold": "GolosText_600SemiBold.ttf",
    "bold": "GolosText_700Bold.ttf",
    "icons": "icons.ttf",
}
UNKNOWN_ICON = "receipt-text-outline"
"""Drawn for a service whose icon is not in the font: a wrong name must not stop the sale."""


def register_fonts() -> None:
    """Make the fonts known under the names that the .kv files use."""
    for name, file in FONTS.items():
        LabelBase.register(name, str(data_folder() / "assets" / "fonts" / file))


@cache
def icon_points() -> dict[str, str]:
    """Every icon of the font: its name and its character."""
    listed = json.loads((data_folder() / "assets" / "fonts" / "icons.json").read_text(encoding="utf-8"))
    return {name: chr(int(point, 16)) for name, point in listed.items()}


def icon(name: str) -> str:
    """The character of an icon in the font `icons`; nothing for no name."""
    points = icon_points()
    return points.get(name, points[UNKNOWN_ICON]) if name else ""


def width_of(text: str) -> float:
    """How wide a text is in the bold font at most, in font sizes. For what customers type: nothing remembers it."""
    measured: tuple[int, int] = CoreLabel(font_name="bold", font_size=MEASURED_PX).get_extents(text)
    return measured[0] * HINTING / MEASURED_PX


@cache
def breadth(word: str) -> float:
    """The same of a word that is drawn again and again."""
    return width_of(word)


@cache
def gradient(foot: Colour, top: Colour) -> Texture:
    """A vertical gradient, one pixel wide; the graphics card stretches it."""
    texture = Texture.create(size=(1, GRADIENT_STEPS), colorfmt="rgb")
    pixels = bytes(
        round(255 * (low + (high - low) * step / (GRADIENT_STEPS - 1)))
        for step in range(GRADIENT_STEPS)
        for low, high in zip(foot[:3], top[:3], strict=True)
    )
    texture.blit_buffer(pixels, colorfmt="rgb", bufferfmt="ubyte")
    texture.mag_filter = texture.min_filter = "linear"
    texture.wrap = "clamp_to_edge"
    return texture
