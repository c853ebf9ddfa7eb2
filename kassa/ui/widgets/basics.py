"""Words, icons and the grounds they stand on."""

from __future__ import annotations

from kivy.properties import ColorProperty, NumericProperty, StringProperty
from kivy.uix.anchorlayout import AnchorLayout
from kivy.uix.boxlayout import BoxLayout
from kivy.uix.label import Label
from kivy.uix.widget import Widget

from kassa.ui.kv import load_beside
from kassa.ui.theme import BRAND, BRAND_SOFT, PAPER


class Words(Label):
    """Text that wraps within its width and is as high as it needs to be."""


class OneLine(Label):
    """Text as wide as it is."""


class Icon(Label):
    """A glyph of the icon font in a square of `box` units."""

    name = StringProperty("")
    box = NumericProperty(40)


class IconTile(AnchorLayout):
    """An icon on a tinted, rounded square."""

    name = StringProperty("")
    box = NumericProperty(72)
    ground = ColorProperty(BRAND_SOFT)
    ink = ColorProperty(BRAND)


class Spring(Widget):
    """What is left over in a part of a wide screen; a part of a tall one is as high as it needs to be."""


class Plain(BoxLayout):
    """A rounded ground of one colour."""

    ground = ColorProperty(PAPER)
    radius = NumericProperty(20)


class Card(Plain):
    """A rounded ground with a soft shadow in two layers."""


class Hero(Card):
    """A card on the brand's gradient, with two faint discs."""

    disc = NumericProperty(0)


load_beside(__file__)
