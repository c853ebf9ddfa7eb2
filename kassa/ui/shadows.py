"""Soft shadows, painted once and stretched: a shader that computes them anew costs a third of every frame without a GPU."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from kivy.graphics.texture import Texture
from PIL import Image, ImageChops, ImageDraw, ImageFilter


class Layer(NamedTuple):
    """One soft shape under a box, in units: how far it has sunk, how soft and how much smaller it is; its opacity."""

    sunk: float
    blur: float
    shrunk: float
    alpha: float


class Style(NamedTuple):
    """The shadow of one kind of box."""

    radius: float
    tint: tuple[float, float, float]
    layers: tuple[Layer, ...]


DUSK, BLUE = (0.06, 0.12, 0.28), (0.05, 0.25, 0.65)
STYLES = {
    "card": Style(28, DUSK, (Layer(14, 44, 6, 0.07), Layer(2, 8, 0, 0.06))),
    "tile": Style(24, DUSK, (Layer(8, 28, 3, 0.09),)),
    "key": Style(24, DUSK, (Layer(4, 14, 1, 0.10),)),
    "main": Style(24, BLUE, (Layer(8, 26, 0, 0.28),)),
    "side": Style(24, DUSK, (Layer(3, 10, 0, 0.08),)),
    "bill": Style(12, DUSK, (Layer(3, 12, 0, 0.12),)),
}


class Shadow(NamedTuple):
    """A painted shadow: it reaches `margin` pixels beyond its box, and its corners of `corner` pixels never stretch."""

    texture: Texture
    margin: int
    corner: int

    @property
    def border(self) -> tuple[int, int, int, int]:
        """As a BorderImage wants it."""
        return self.corner, self.corner, self.corner, self.corner


@cache
def shadow(kind: str, unit: float) -> Shadow:
    """The shadow of a kind of box where one unit has so many pixels. A window has one unit, so few are ever made."""
    style = STYLES[kind]
    margin = round(unit * max(layer.blur + layer.sunk for layer in style.layers))
    inner = round(unit * (style.radius + max(layer.blur for layer in style.layers)))
    corner = margin + inner
    side = 2 * corner + 2
    clear = Image.new("L", (side, side), 255)
    for layer in style.layers:
        clear = ImageChops.multiply(clear, ImageChops.invert(_soft(layer, style.radius, unit, margin, side)))
    red, green, blue = (round(255 * part) for part in style.tint)
    painted = Image.new("RGBA", (side, side), (red, green, blue, 0))
    painted.putalpha(ImageChops.invert(clear))
    texture = Texture.create(size=(side, side), colorfmt="rgba")
    texture.blit_buffer(painted.tobytes(), colorfmt="rgba", bufferfmt="ubyte")
    texture.flip_vertical()
    return Shadow(texture, margin, corner)


def _soft(layer: Layer, radius: float, unit: float, margin: int, side: int) -> Image.Image:
    """One layer in shades of its opacity."""
    image = Image.new("L", (side, side), 0)
    inset, down = margin + layer.shrunk * unit, layer.sunk * unit
    place = (inset, inset + down, side - 1 - inset, side - 1 - inset + down)
    ImageDraw.Draw(image).rounded_rectangle(place, radius * unit, fill=round(255 * layer.alpha))
    return image.filter(ImageFilter.GaussianBlur(layer.blur * unit / 2))
