"""What frames every screen: the header, the steps of a visit, the row of buttons, the countdown."""

from __future__ import annotations

from kivy.properties import NumericProperty, OptionProperty, StringProperty
from kivy.uix.boxlayout import BoxLayout
from kivy.uix.widget import Widget

from kassa.ui.kv import load_beside
from kassa.ui.widgets.basics import Card


class Frame(BoxLayout):
    """A whole screen: header above, body below."""


class Body(BoxLayout):
    """All below the header, with the margins that every screen has."""


class Halves(BoxLayout):
    """Two parts: side by side on a wide screen, one above the other on a tall one."""


class Actions(BoxLayout):
    """The buttons at the foot."""


class Header(BoxLayout):
    """Whose terminal it is, whom to call, the time, the language."""


class Step(BoxLayout):
    """One step of a visit."""

    number = NumericProperty(1)
    text = StringProperty("")
    state = OptionProperty("todo", options=["done", "now", "todo"])


class Dash(Widget):
    """Between two steps."""


class Steps(BoxLayout):
    """Where in a visit the customer is: service, account, cash, receipt."""

    now = NumericProperty(1)

    def state_of(self, number: int, now: int) -> str:
        """How step `number` is drawn while `now` is the present one."""
        return "done" if number < now else "now" if number == now else "todo"


class Countdown(Card):
    """Says what happens soon by itself, and offers more time; lies over the steps."""

    text = StringProperty("")


load_beside(__file__)
