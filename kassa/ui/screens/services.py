"""Choosing what to pay for."""

from __future__ import annotations

from typing import Any

from kivy.properties import ListProperty
from kivy.uix.scrollview import ScrollView

from kassa.rules.view import View
from kassa.ui.i18n import Translator
from kassa.ui.kv import load_beside
from kassa.ui.screens.page import Page


class ServiceScroll(ScrollView):
    """Its bar does not fade: half a second after every scroll that would draw the screen anew for a while."""

    def _bind_inactive_bar_color(self, *_: Any) -> None:
        """Nothing, where Kivy begins the fading."""


class ServicesScreen(Page):
    """A tile a service; it scrolls when there are many."""

    services = ListProperty()
    offers_more_time = True

    def show(self, view: View, tr: Translator) -> None:
        """Draw the services; the same list leaves the tiles and the scrolled place as they are."""
        self.services = list(view.services)

    def forget(self) -> None:
        """A new customer begins at the top of the list."""
        scroll = self.ids.scroll
        scroll.effect_y.velocity = 0  # the last finger's push ends with its visit
        scroll.scroll_y = 1

    def choose(self, service: str) -> None:
        """A tile was pressed."""
        self.send("choose_service", service=service)


load_beside(__file__)
