"""What frames every screen: the header, the steps of a visit, the row of buttons, the countdown."""

from __future__ import annotations

from kivy.properties import BooleanProperty, NumericProperty, OptionProperty, StringProperty
from kivy.uix.boxlayout import BoxLayout
from kivy.uix.widget import Widget

from kassa.ui.kv import load_beside
from kassa.ui.widgets.basics import Card
from kassa.ui.widgets.touch import ReceiptOffer


class Frame(BoxLayout):
    """A whole screen: header above, body below."""


class Body(BoxLayout):
    """All below the header, with the margins that every screen has."""


class Halves(BoxLayout):
    """Two parts: side by side on a wide screen, one above the other on a tall one."""


class Actions(BoxLayout):
    """The buttons at the foot."""


class Foot(BoxLayout):
    """The buttons, and with them the offer of an electronic receipt: between two on a wide screen, above on a tall one."""

    wide = BooleanProperty(True)
    offer_tag = StringProperty("contact")
    offer_icon = StringProperty("")
    offer_title = StringProperty("")
    """Empty: nothing is offered, and it takes no room."""
    offer_text = StringProperty("")
    words_size = NumericProperty(34)
    """Of the buttons, which make room for the offer."""

    __events__ = ("on_offer",)

    def __init__(self, **kwargs: object) -> None:
        self._offer = ReceiptOffer(tag=self.offer_tag)
        super().__init__(**kwargs)
        self._offer.bind(on_release=lambda _: self.dispatch("on_offer"))
        for name in ("tag", "icon", "title", "text"):
            self.bind(**{f"offer_{name}": self._offer.setter(name)})
        self.bind(wide=self._place, offer_title=self._place)

    def on_offer(self) -> None:
        """The offer was pressed."""

    def add_widget(self, widget: Widget, *args: object, **kwargs: object) -> None:
        """Put a page's buttons into the row; the first to come is that row."""
        if "row" in self.ids:
            self.ids.row.add_widget(widget, *args, **kwargs)
        else:
            super().add_widget(widget, *args, **kwargs)

    def _place(self, *_changed: object) -> None:
        if self._offer.parent is not None:
            self._offer.parent.remove_widget(self._offer)
        if not self.offer_title:
            return
        if self.wide:
            self.ids.row.add_widget(self._offer, index=1)
        else:
            super().add_widget(self._offer, index=1)


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
