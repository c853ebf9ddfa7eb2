"""The payment is over: the receipt is there, or it comes later."""

from __future__ import annotations

from kivy.properties import BooleanProperty, StringProperty

from kassa.rules.view import View
from kassa.ui.amounts import account_number, amount, number, symbol
from kassa.ui.i18n import Translator
from kassa.ui.kv import load_beside
from kassa.ui.screens.page import Page
from kassa.ui.wording import notice


class ThanksScreen(Page):
    """The last page of a visit."""

    paid_number = StringProperty("")
    paid_symbol = StringProperty("")
    service_name = StringProperty("")
    account = StringProperty("")
    payment = StringProperty("")
    document_number = StringProperty("")
    document_sign = StringProperty("")
    has_receipt = BooleanProperty(False)
    notice_title = StringProperty("")
    notice_text = StringProperty("")

    def show(self, view: View, tr: Translator) -> None:
        """Draw the sum and the fiscal document, or say that the receipt is owed."""
        self.paid_number = number(amount(view.inserted, view), view.language)
        self.paid_symbol = symbol(view.currency)
        self.service_name = view.service.name if view.service else ""
        self.account = account_number(view)
        self.payment = view.payment or ""
        self.has_receipt = view.document is not None
        # Without a fiscal sign the receipt's number says nothing that the payment's does not.
        document = view.document if view.document is not None and view.document.sign else None
        self.document_number = str(document.number) if document else ""
        self.document_sign = str(document.sign) if document else ""
        said = notice(view, tr)
        self.notice_title, self.notice_text = (said.title, said.text) if said else ("", "")

    def again(self) -> None:
        """The next payment, without the first screen in between."""
        self.send("start")

    def finish(self) -> None:
        """The customer is done."""
        self.send("finish")


load_beside(__file__)
