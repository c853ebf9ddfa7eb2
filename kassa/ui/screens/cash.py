"""Taking notes: how much is in, how much is left, what the slot takes, and what became of the last note."""

from __future__ import annotations

from kivy.properties import BooleanProperty, NumericProperty, StringProperty

from kassa.money import Money
from kassa.rules.view import NoteMotion, View
from kassa.ui.amounts import account_number, amount, number, price, short, symbol
from kassa.ui.i18n import Translator
from kassa.ui.kv import load_beside
from kassa.ui.screens.page import PayingPage
from kassa.ui.wording import denominations, notice

BLOCKING = frozenset({"validator_lost", "validator_jammed", "registrar_not_ready", "cash_not_accepted"})
"""Notices that last: no note is taken while they stand."""
HOLDER_MAX_CHARS = 24
"""One line: the customer said already that it is the right account."""


class CashScreen(PayingPage):
    """The sum on it changes only when the note is in the cassette and in the journal."""

    account = StringProperty("")
    holder = StringProperty("")
    standing_name = StringProperty("")
    standing = StringProperty("")
    payment = StringProperty("")
    paid_number = StringProperty("")
    paid_symbol = StringProperty("")
    rest = StringProperty("")
    has_debt = BooleanProperty(False)
    share = NumericProperty(0)
    scale_from = StringProperty("")
    scale_to = StringProperty("")
    slot_tone = StringProperty("good")
    slot_icon = StringProperty("")
    slot_title = StringProperty("")
    slot_text = StringProperty("")
    shows_limits = BooleanProperty(True)
    minimum = StringProperty("")
    maximum = StringProperty("")
    commission = StringProperty("")
    pay = StringProperty("")
    can_finish = BooleanProperty(False)
    can_cancel = BooleanProperty(False)
    offers_more_time = True

    def show(self, view: View, tr: Translator) -> None:
        """Draw what the core says; drawing it twice changes nothing."""
        self.show_service(view)
        self.show_offer(view, tr)
        self.account, self.holder = account_number(view), short(view.holder, HOLDER_MAX_CHARS)
        self.payment = view.payment or ""
        paid = amount(view.inserted, view)
        self.paid_number, self.paid_symbol = number(paid, view.language), symbol(view.currency)
        self._show_rest(paid, view, tr)
        self._show_slot(view, tr)
        self.minimum = _price_or_dash(view.minimum, view)
        self.maximum = _price_or_dash(view.maximum, view)
        self.commission = price(Money(0, view.currency), view.language)
        self.pay = tr("Pay {sum}", sum=price(paid, view.language)) if paid else tr("Pay")
        self.can_finish, self.can_cancel = view.can_finish, view.can_cancel

    def finish(self) -> None:
        """Tell the core what the finger meant; its next view is the answer."""
        self.send("finish")

    def _show_rest(self, paid: Money, view: View, tr: Translator) -> None:
        """What is left of the debt; without one, that any sum is welcome."""
        balance = amount(view.balance, view) if view.balance is not None else None
        self.has_debt = balance is not None and balance.minor < 0
        self.standing_name = tr("Debt") if self.has_debt else tr("On the account")
        self.standing = price(balance, view.language) if balance is not None else "—"
        nothing = Money(0, view.currency)
        if balance is None or not self.has_debt:
            self.share, self.scale_from, self.scale_to = 0, "", ""
            self.rest = tr("Any sum goes to the account")
            return
        left = -balance - paid
        self.share = min(1.0, paid.minor / -balance.minor)
        self.scale_from, self.scale_to = price(nothing, view.language), price(-balance, view.language)
        if left > nothing:
            self.rest = tr("Left to pay: {sum}", sum=price(left, view.language))
        elif left < nothing:
            self.rest = tr(
                "The debt is covered, {sum} more goes to the account", sum=price(left, view.language)
            )
        else:
            self.rest = tr("The debt is covered")

    def _show_slot(self, view: View, tr: Translator) -> None:
        """One thing at a time: what is wrong outweighs a note that moves, and that the invitation."""
        said = notice(view, tr)
        self.shows_limits = said is None
        if said is not None:
            is_blocked = view.notice in BLOCKING
            self.slot_tone = "bad" if is_blocked else "care"
            self.slot_icon = "cash-remove" if is_blocked else "cash-refund"
            self.slot_title, self.slot_text = said.title, said.text
        elif view.note is not NoteMotion.NONE:
            self.slot_tone, self.slot_icon = "brand", "cash-sync"
            self.slot_title = tr("The note is being counted")
            self.slot_text = tr("One moment, please")
        else:
            self.slot_tone, self.slot_icon = "good", "cash-plus"
            self.slot_title = tr("Insert a note")
            self.slot_text = tr("One by one: {denominations}", denominations=denominations(view))


def _price_or_dash(text: str | None, view: View) -> str:
    return price(amount(text, view), view.language) if text is not None else "—"


load_beside(__file__)
