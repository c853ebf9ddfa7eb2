"""The side panel's window."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from kivy.app import App
from kivy.clock import Clock as Frames
from kivy.core.window import Window
from kivy.properties import BooleanProperty, NumericProperty, StringProperty
from kivy.uix.boxlayout import BoxLayout
from kivy.uix.label import Label

from kassa.demo.panel import LOOK_EVERY_S, NOTES, REGISTRAR_DEEDS, VALIDATOR_DEEDS, Hands
from kassa.demo.steered import DemoFailed
from kassa.ui import theme
from kassa.ui.kv import load_beside
from kassa.ui.widgets.touch import Touchable


class Panel(BoxLayout):
    """All of the panel."""

    truth = StringProperty("")
    said = StringProperty("Drop the subscriber file first.")


class Group(BoxLayout):
    """A heading over buttons."""

    title = StringProperty("")
    columns = NumericProperty(2)
    rows = NumericProperty(1)


class PanelButton(Touchable, Label):
    """One deed."""


class PanelApp(App):
    """One small window beside the customer's screen."""

    u = NumericProperty(1.0)
    wide = BooleanProperty(False)

    def __init__(self, hands: Hands, title: str) -> None:
        super().__init__()
        self._hands, self.title = hands, title

    def build(self) -> Panel:
        """Every button, and the truth below them."""
        theme.register_fonts()
        Window.clearcolor = theme.GROUND
        self._panel = Panel()
        hands = self._hands
        notes = [(str(units), partial(hands.insert, units)) for units in NOTES]
        self._add("Insert a note", 3, notes)
        for title, deeds in (("Bill validator", VALIDATOR_DEEDS), ("Fiscal registrar", REGISTRAR_DEEDS)):
            self._add(title, 2, [(deed.text, partial(hands.do, deed)) for deed in deeds])
        self._add("Clerk", 1, [("Drop the subscriber file", hands.drop_file)])
        Frames.schedule_interval(self._look, LOOK_EVERY_S)
        return self._panel

    def _add(self, title: str, columns: int, buttons: Iterable[tuple[str, Callable[[], str]]]) -> None:
        group = Group(title=title, columns=columns)
        for text, act in buttons:
            button = PanelButton(text=text)
            button.bind(on_release=lambda _button, act=act: self._act(act))
            group.ids.grid.add_widget(button)
        group.rows = -(-len(group.ids.grid.children) // columns)
        self._panel.ids.groups.add_widget(group)

    def _act(self, act: Callable[[], str]) -> None:
        try:
            self._panel.said = act()
        except DemoFailed as error:
            self._panel.said = str(error)
        self._look()

    def _look(self, *_seconds: Any) -> None:
        try:
            self._panel.truth = self._hands.truth()
        except DemoFailed as error:
            self._panel.truth = str(error)


load_beside(__file__)
