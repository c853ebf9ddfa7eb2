"""Nothing can be paid now: why, in words, and whom to call."""

from __future__ import annotations

from kivy.properties import StringProperty

from kassa.rules.view import View
from kassa.ui.i18n import Translator
from kassa.ui.kv import load_beside
from kassa.ui.screens.page import Page
from kassa.ui.wording import reason


class OutOfServiceScreen(Page):
    """The reason, and where help is."""

    title = StringProperty("")
    text = StringProperty("")

    def show(self, view: View, tr: Translator) -> None:
        """Say the reason in the customer's words."""
        said = reason(view, tr)
        self.title, self.text = said.title, said.text


load_beside(__file__)
