"""Typing the account number."""

from __future__ import annotations

from itertools import cycle, islice

from kivy.properties import BooleanProperty, NumericProperty, StringProperty
from kivy.utils import get_hex_from_color

from kassa.rules.view import AccountMask, View
from kassa.ui import theme
from kassa.ui.amounts import grouped
from kassa.ui.i18n import Translator
from kassa.ui.kv import load_beside
from kassa.ui.screens.page import ServicePage
from kassa.ui.widgets.basics import Plain
from kassa.ui.widgets.keys import CLEAR, ERASE
from kassa.ui.wording import digits, notice

ANY_MASK = AccountMask(1, 20, (), "")
GAP = "\N{EN SPACE}"
EXAMPLE_DIGITS = "4038172956"
"""Of the picture of a bill: an example, nobody's number."""


class BillHint(Plain):
    """A miniature bill with the number marked on it, and words where to look; gives its room to a notice."""

    is_shown = BooleanProperty(True)
    example = StringProperty("")
    text = StringProperty("")


class AccountScreen(ServicePage):
    """The typed digits are the only thing in this process that the core does not know; they are worth nothing yet."""

    typed = StringProperty("")
    shown = StringProperty("")
    digits_share = NumericProperty(1)
    """How large the digits are drawn: long numbers are smaller."""
    hint = StringProperty("")
    hint_digits = StringProperty("")
    example = StringProperty("")
    notice_title = StringProperty("")
    notice_text = StringProperty("")
    is_complete = BooleanProperty(False)
    offers_more_time = True

    _mask = ANY_MASK
    _service = ""

    def show(self, view: View, tr: Translator) -> None:
        """Draw service, mask and notice. The digits stay as long as the service does."""
        mask = view.mask or ANY_MASK
        self.show_service(view)
        service = view.service.id if view.service else ""
        if service != self._service:
            self._service, self.typed = service, ""
        self._mask = mask
        self.hint = mask.hint
        self.hint_digits = tr("Digits in the number: {digits}", digits=digits(view))
        example = "".join(islice(cycle(EXAMPLE_DIGITS), mask.length_max))
        self.example = grouped(example, mask.groups)
        self.digits_share = min(1.0, 12 / (mask.length_max + max(0, len(mask.groups) - 1)))
        said = notice(view, tr)
        self.notice_title, self.notice_text = (said.title, said.text) if said else ("", "")
        self._draw()

    def forget(self) -> None:
        """The customer is gone: the next one must not see the number."""
        self.typed = ""
        self._draw()

    def press(self, key: str) -> None:
        """Take a digit, clear all, or erase the last; typing answers the notice."""
        if key == CLEAR:
            self.typed = ""
        elif key == ERASE:
            self.typed = self.typed[:-1]
        elif len(self.typed) < self._mask.length_max:
            self.typed += key
        self.notice_title = self.notice_text = ""
        self._draw()

    def enter(self) -> None:
        """Ask the core who that is."""
        self.send("enter_account", account=self.typed)

    def _draw(self) -> None:
        mask, length = self._mask, len(self.typed)
        self.typed = self.typed[: mask.length_max]
        self.is_complete = length >= mask.length_min
        cells = []
        for place in range(mask.length_max):
            if place < length:
                cells.append(self.typed[place])
            else:
                colour = theme.BRAND if place == length else theme.LINE
                cells.append(f"[color={get_hex_from_color(colour)}]_[/color]")
        starts = {sum(mask.groups[:count]) for count in range(1, len(mask.groups))}
        self.shown = "".join(f"{GAP}{cell}" if at in starts else cell for at, cell in enumerate(cells))


load_beside(__file__)
