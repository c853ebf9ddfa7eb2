"""The parts that tell something: facts, figures, notices, progress, the grid of services."""

from __future__ import annotations

from collections.abc import Sequence

from kivy.properties import (
    BooleanProperty,
    ColorProperty,
    ListProperty,
    NumericProperty,
    OptionProperty,
    StringProperty,
)
from kivy.uix.boxlayout import BoxLayout
from kivy.uix.label import Label
from kivy.uix.widget import Widget

from kassa.rules.view import ServiceView
from kassa.ui.kv import load_beside
from kassa.ui.theme import INK, TONES
from kassa.ui.widgets.basics import Card, Plain
from kassa.ui.widgets.frame import Halves
from kassa.ui.widgets.touch import LargeTile, SmallTile

GLYPH_WIDTH = 0.64
"""Of the bold font, in font sizes: what a digit takes; separators take less."""


class Fact(BoxLayout):
    """An icon, what it is, and the value; takes no room while it has no value."""

    icon = StringProperty("")
    name = StringProperty("")
    value = StringProperty("")
    value_size = NumericProperty(27)
    value_color = ColorProperty(INK)


class Figure(Plain):
    """A small box: what it is above, the value below; takes no room while it has no value."""

    name = StringProperty("")
    value = StringProperty("")
    value_size = NumericProperty(29)


class Figures(BoxLayout):
    """Small boxes side by side; takes no room while it is not shown."""

    is_shown = BooleanProperty(True)


class Statement(Card):
    """A whole page that says one thing; what else helps stands below the words."""

    tone = OptionProperty("brand", options=list(TONES))
    icon = StringProperty("")
    kicker = StringProperty("")
    title = StringProperty("")
    text = StringProperty("")

    def add_widget(self, widget: Widget, *args: object, **kwargs: object) -> None:
        """Put what a page adds below the words; the first to come are our own parts."""
        if "more" in self.ids:
            self.ids.more.add_widget(widget, *args, **kwargs)
        else:
            super().add_widget(widget, *args, **kwargs)


class Paid(Halves):
    """What became of the money: the sum and the account on one side, the paper on the other."""

    tone = OptionProperty("brand", options=list(TONES))
    icon = StringProperty("")
    title = StringProperty("")
    text = StringProperty("")
    number = StringProperty("")
    symbol = StringProperty("")
    service = StringProperty("")
    account = StringProperty("")
    payment = StringProperty("")
    document_number = StringProperty("")
    document_sign = StringProperty("")


class Notice(Plain):
    """A heading and a sentence on a tinted ground; takes no room while it has no text."""

    tone = OptionProperty("care", options=list(TONES))
    icon = StringProperty("alert-circle-outline")
    title = StringProperty("")
    text = StringProperty("")
    words_size = NumericProperty(23)


class ServiceHead(BoxLayout):
    """The chosen service on top of a card."""

    icon = StringProperty("")
    name = StringProperty("")
    description = StringProperty("")


class Rule(Widget):
    """A hairline."""


class Progress(Widget):
    """How much of the debt is paid, 0 to 1."""

    share = NumericProperty(0)


class Amount(Label):
    """A large sum; the sign of the currency is smaller, and a long sum shrinks to its width."""

    number = StringProperty("")
    symbol = StringProperty("")
    largest = NumericProperty(118)

    def fitting_size(self, unit: float, width: float) -> float:
        """The font size in pixels that keeps the sum in one line."""
        glyphs = len(self.number) + 1.2 * len(self.symbol)
        largest = unit * float(self.largest)
        return min(largest, width / (glyphs * GLYPH_WIDTH)) if glyphs else largest


class ServiceGrid(BoxLayout):
    """Tiles in rows that are all full: seven services are a row of four and a row of three."""

    services = ListProperty()
    columns = NumericProperty(4)
    rows = NumericProperty(1)
    row_least = NumericProperty(0)
    """Pixels that the fullest tile needs; where that is too much for the place, the grid scrolls."""
    is_small = BooleanProperty(False)

    __events__ = ("on_choose",)

    def on_services(self, *_: object) -> None:
        """Draw the tiles of another list."""
        self._draw()

    def on_columns(self, *_: object) -> None:
        """Draw the tiles for another form of screen."""
        self._draw()

    def on_choose(self, service: str) -> None:
        """A tile was pressed."""

    def _draw(self) -> None:
        self.clear_widgets()
        kind = SmallTile if self.is_small else LargeTile
        parts = _spread(self.services, int(self.columns))
        self.rows = max(1, len(parts))
        for part in parts:
            row = ServiceRow()
            for service in part:
                tile = kind(
                    service=service.id, icon=service.icon, name=service.name, description=service.description,
                    tag=f"service.{service.id}",
                )  # fmt: skip
                tile.bind(on_release=lambda pressed: self.dispatch("on_choose", pressed.service))
                tile.bind(minimum_height=self._measure)
                row.add_widget(tile)
            self.add_widget(row)

    def _measure(self, *_tile: object) -> None:
        self.row_least = max(tile.minimum_height for row in self.children for tile in row.children)


class ServiceRow(BoxLayout):
    """Tiles side by side."""


def _spread(services: Sequence[ServiceView], columns: int) -> list[list[ServiceView]]:
    """Rows of nearly equal length, none longer than `columns`, the longer ones first."""
    rows = -(-len(services) // columns)
    parts, start = [], 0
    for row in range(rows):
        length = -(-(len(services) - start) // (rows - row))
        parts.append(list(services[start : start + length]))
        start += length
    return parts


load_beside(__file__)
