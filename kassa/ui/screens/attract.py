"""The first screen: what can be paid here, and a touch begins."""

from __future__ import annotations

from typing import Any

from kivy.properties import ListProperty, StringProperty

from kassa.rules.view import View
from kassa.ui.i18n import Translator
from kassa.ui.kv import load_beside
from kassa.ui.screens.page import Page
from kassa.ui.widgets.basics import Hero
from kassa.ui.widgets.touch import Touchable

TILES_MAX = 8
"""More would be too small; the rest is one touch further."""


class StartArea(Touchable, Hero):
    """The large inviting card."""


class AttractScreen(Page):
    """Nobody is there."""

    services = ListProperty()
    address = StringProperty("")
    terminal = StringProperty("")

    def show(self, view: View, tr: Translator) -> None:
        """Draw the operator's services and where the terminal stands."""
        self.services = list(view.services[:TILES_MAX])
        self.address = view.address
        self.terminal = tr("Terminal {number}", number=view.terminal)

    def on_touch_down(self, touch: Any) -> bool:
        """A touch between the tiles means: begin."""
        if super().on_touch_down(touch):
            return True
        self.start()
        return True

    def start(self) -> None:
        """Somebody is there."""
        self.send("start")

    def choose(self, service: str) -> None:
        """Straight to a service: the list of services is not needed."""
        self.send("choose_service", service=service)


load_beside(__file__)
