"""The money is credited; the receipt is being printed."""

from __future__ import annotations

from kivy.properties import StringProperty

from kassa.rules.view import View
from kassa.ui.amounts import account_number, amount, number, symbol
from kassa.ui.i18n import Translator
from kassa.ui.kv import load_beside
from kassa.ui.screens.page import Page


class PrintingScreen(Page):
    """Nothing to press: the next screen comes with the paper."""

    paid_number = StringProperty("")
    paid_symbol = StringProperty("")
    service_name = StringProperty("")
    account = StringProperty("")
    payment = StringProperty("")

    def show(self, view: View, tr: Translator) -> None:
        """Draw the sum, whom it went to, and the payment's number."""
        self.paid_number = number(amount(view.inserted, view), view.language)
        self.paid_symbol = symbol(view.currency)
        self.service_name = view.service.name if view.service else ""
        self.account = account_number(view)
        self.payment = view.payment or ""


load_beside(__file__)
