"""Who the account belongs to and how it stands; the customer says whether that is right."""

from __future__ import annotations

from collections.abc import Iterable

from kivy.properties import ListProperty, StringProperty
from kivy.uix.boxlayout import BoxLayout

from kassa.money import Money
from kassa.rules.view import View
from kassa.ui.amounts import account_number, amount, moment, number, price, short, symbol
from kassa.ui.i18n import Translator
from kassa.ui.i18n import message as _
from kassa.ui.kv import load_beside
from kassa.ui.screens.page import PayingPage

OTHERS_MAX, OTHERS_BESIDE_WARNING_MAX = 4, 2
"""More services of one account than fit are left out; the chosen one stands above."""
OTHERS_ABOVE_OFFER_MAX = 2
"""On a tall screen, where the offer of an electronic receipt is a row of its own."""
HOLDER_MAX_CHARS, PLACE_MAX_CHARS = 48, 52
"""Two lines; whose account it is can be told from them."""


class OtherBalances(BoxLayout):
    """The account's other services, one line each."""

    lines = ListProperty()

    def on_lines(self, *_changed: object) -> None:
        """Draw another list."""
        self.clear_widgets()
        for name, text, tone in self.lines:
            self.add_widget(BalanceLine(name=name, text=text, tone=tone))


class BalanceLine(BoxLayout):
    """One other service."""

    name = StringProperty("")
    text = StringProperty("")
    tone = StringProperty("muted")


class BalanceScreen(PayingPage):
    """Is this your account?"""

    account = StringProperty("")
    holder = StringProperty("")
    place = StringProperty("")
    tone = StringProperty("muted")
    balance_icon = StringProperty("")
    balance_word = StringProperty("")
    balance_number = StringProperty("")
    balance_symbol = StringProperty("")
    data_text = StringProperty("")
    old_text = StringProperty("")
    others = ListProperty()
    advice_title = StringProperty("")
    advice_text = StringProperty("")
    offers_more_time = True

    def show(self, view: View, tr: Translator) -> None:
        """Draw the subscriber and the balance: a word, an icon and a colour say debt or credit, never colour alone."""
        self.show_service(view)
        self.show_offer(view, tr)
        self.account = account_number(view)
        self.holder, self.place = short(view.holder, HOLDER_MAX_CHARS), short(view.place, PLACE_MAX_CHARS)
        self._show_balance(view, tr)
        self.others = list(_others(view, tr))
        self.data_text, self.old_text = _age(view, tr)
        # Where other services stand there is no room, and they say much the same.
        self.advice_title = "" if self.others else tr("You can put in any sum")
        self.advice_text = "" if self.others else tr("Any extra goes to the account")

    def fitting_others(
        self, others: list[tuple[str, str, str]], has_offer: bool, is_wide: bool
    ) -> list[tuple[str, str, str]]:
        """As many of the other services as there is room for."""
        return others if is_wide or not has_offer else others[:OTHERS_ABOVE_OFFER_MAX]

    def confirm(self) -> None:
        """It is the right account: on to the money."""
        self.send("confirm_account")

    def _show_balance(self, view: View, tr: Translator) -> None:
        if view.balance is None:
            self.tone, self.balance_icon = "muted", "help-circle-outline"
            self.balance_word = tr("The balance is not known")
            self.balance_number = self.balance_symbol = ""
            return
        value = amount(view.balance, view)
        self.tone, word = _standing(value)
        self.balance_word = tr(word)
        self.balance_icon = "alert-circle-outline" if value.minor < 0 else "check-circle-outline"
        self.balance_number = number(value, view.language)
        self.balance_symbol = symbol(view.currency)


def _standing(value: Money) -> tuple[str, str]:
    """Tone and word of a balance, the word in the language of the source."""
    return ("bad", _("Debt")) if value.minor < 0 else ("good", _("On the account"))


def _others(view: View, tr: Translator) -> Iterable[tuple[str, str, str]]:
    chosen = view.service.id if view.service else None
    others = [one for one in view.balances if one.service != chosen]
    for one in others[: OTHERS_BESIDE_WARNING_MAX if view.data_is_old else OTHERS_MAX]:
        value = amount(one.balance, view)
        tone, word = _standing(value)
        yield one.name, f"{tr(word)} {price(value, view.language)}", tone


def _age(view: View, tr: Translator) -> tuple[str, str]:
    """The line about the data, and the warning when they are old; one of them is empty."""
    if view.data_at is None:
        return "", ""
    at = moment(view.data_at, view.language)
    if view.data_is_old:
        return "", tr("The data are of {at}: newer payments may be missing", at=at)
    if view.paid_here is not None:
        paid = price(amount(view.paid_here, view), view.language)
        return tr("As of {at}, with {paid} paid here since", at=at, paid=paid), ""
    return tr("As of {at}", at=at), ""


load_beside(__file__)
