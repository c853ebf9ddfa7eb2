"""What a finger can press. Each has a `tag`, a stable name for tests and the demonstration."""

from __future__ import annotations

from kivy.properties import BooleanProperty, NumericProperty, StringProperty
from kivy.uix.behaviors import ButtonBehavior
from kivy.uix.boxlayout import BoxLayout
from kivy.uix.label import Label

from kassa.ui import theme
from kassa.ui.kv import load_beside


class Touchable(ButtonBehavior):
    """Pressed when the finger leaves it where it came: sliding off means no."""

    tag = StringProperty("")


class Action(Touchable, BoxLayout):
    """A large button of the bottom row. `kind`: `main`, `side`, or `faint` for what is not possible now."""

    kind = StringProperty("main")
    text = StringProperty("")
    icon = StringProperty("")
    icon_after = StringProperty("")
    words_size = NumericProperty(34)
    radius = NumericProperty(20)


class Key(Touchable, Label):
    """A key of the keypad or the keyboard: a digit, a letter, a word, or an icon."""

    digit = StringProperty("")
    icon = StringProperty("")
    share = NumericProperty(1)
    """How large it is written: a digit of the keypad is 1."""
    radius = NumericProperty(20)


class Tab(Touchable, BoxLayout):
    """One of a few ways, side by side; one is chosen."""

    icon = StringProperty("")
    text = StringProperty("")
    is_chosen = BooleanProperty(False)
    radius = NumericProperty(20)


class ReceiptOffer(Touchable, BoxLayout):
    """An electronic receipt besides the paper: small and beside the way, as nobody needs it to pay."""

    icon = StringProperty("")
    title = StringProperty("")
    text = StringProperty("")
    radius = NumericProperty(20)

    def fitting_size(self, text: str, largest: float, width: float) -> float:
        """The font size in pixels at which a text fits into a line."""
        return min(largest, width / theme.width_of(text)) if text else largest


class HeaderPill(Touchable, BoxLayout):
    """A button in the header."""

    icon = StringProperty("")
    text = StringProperty("")


class ServiceTile(Touchable, BoxLayout):
    """A service that can be chosen."""

    service = StringProperty("")
    icon = StringProperty("")
    name = StringProperty("")
    description = StringProperty("")
    radius = NumericProperty(20)

    def fitting_size(self, largest: float, width: float) -> float:
        """The font size in pixels at which the longest word of the name fits into a line."""
        widest = max((theme.breadth(word) for word in self.name.split()), default=0)
        return min(largest, width / widest) if widest else largest


class LargeTile(ServiceTile):
    """A service with what it is."""


class SmallTile(ServiceTile):
    """A service in one line: its picture and its name."""


load_beside(__file__)
