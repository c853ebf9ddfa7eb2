"""Typing a phone number or an e-mail address for the electronic receipt; the paper receipt comes in any case."""

from __future__ import annotations

from typing import Any

from kivy.properties import BooleanProperty, ListProperty, NumericProperty, ObjectProperty, StringProperty
from kivy.uix.boxlayout import BoxLayout
from kivy.utils import escape_markup, get_hex_from_color

from kassa.contact import COUNTRY, MAX_CHARS, PHONE_DIGITS, Kind
from kassa.rules.view import View
from kassa.ui import theme
from kassa.ui.i18n import Translator
from kassa.ui.kv import load_beside
from kassa.ui.screens.page import Page, Send, shown_contact
from kassa.ui.widgets.keys import CLEAR, ERASE
from kassa.ui.wording import notice

PHONE, EMAIL = Kind.PHONE.value, Kind.EMAIL.value
SEPARATORS = {0: "\N{EN SPACE}", 3: "\N{EN SPACE}", 6: "-", 8: "-"}
"""What stands before which digit: +7 999 123-45-67."""
CURSOR = "|"
TYPED_BY_HABIT = frozenset("78")
"""First digits that no mobile number has behind +7: who begins with 8 or 7 means what stands there already."""


class KindTabs(BoxLayout):
    """Phone or e-mail, where there is a choice; takes no room where there is none."""

    kinds = ListProperty()
    kind = StringProperty(PHONE)

    __events__ = ("on_choose",)

    def on_choose(self, kind: str) -> None:
        """The other way was touched."""


class PhonePart(BoxLayout):
    """The number beside a keypad, as the account number is typed."""

    page = ObjectProperty(None, rebind=True)


class EmailPart(BoxLayout):
    """The address above a keyboard."""

    page = ObjectProperty(None, rebind=True)


class ContactScreen(Page):
    """What is typed here is known to nobody until it is confirmed, and forgotten as soon as another page comes."""

    kind = StringProperty(PHONE)
    kinds = ListProperty()
    shown = StringProperty("")
    email_width = NumericProperty(1)
    """Of the address and its cursor, in font sizes: a long one is written smaller."""
    notice_title = StringProperty("")
    notice_text = StringProperty("")
    is_complete = BooleanProperty(False)
    removable = StringProperty("")
    """The contact that can be taken back, masked; empty: there is none."""
    offers_more_time = True

    def __init__(self, name: str, send: Send) -> None:
        self._typed = {PHONE: "", EMAIL: ""}
        self._is_here = False
        super().__init__(name, send)
        self._parts: dict[str, Any] = {PHONE: PhonePart(page=self), EMAIL: EmailPart(page=self)}
        self._draw()

    def show(self, view: View, tr: Translator) -> None:
        """Draw notice and choices; what was typed stays as long as this page does."""
        self.kinds = list(view.contact_kinds)
        if not self._is_here:
            self._is_here = True
            self.kind = EMAIL if "@" in (view.contact or "") else PHONE
        if self.kinds and self.kind not in self.kinds:
            self.kind = self.kinds[0]
        self.removable = shown_contact(view)
        said = notice(view, tr)
        self.notice_title, self.notice_text = (said.title, said.text) if said else ("", "")
        self._draw()

    def leave(self) -> None:
        """A stranger may be the next to look."""
        self.forget()

    def forget(self) -> None:
        """Nothing typed stays."""
        self._typed = {PHONE: "", EMAIL: ""}
        self._is_here = False
        self.kind = PHONE
        self.removable = self.notice_title = self.notice_text = ""
        self._draw()

    def choose(self, kind: str) -> None:
        """The other way: phone or e-mail."""
        self.kind = kind
        self.notice_title = self.notice_text = ""
        self._draw()

    def press(self, key: str) -> None:
        """Take a sign, clear all, or erase the last; typing answers the notice."""
        typed = self._typed[self.kind]
        if key == CLEAR:
            typed = ""
        elif key == ERASE:
            typed = typed[:-1]
        elif self.kind == PHONE:
            is_habit = not typed and key in TYPED_BY_HABIT
            typed = typed if is_habit or len(typed) == PHONE_DIGITS else typed + key
        elif not key.startswith("@"):
            typed = (typed + key)[:MAX_CHARS]
        elif typed:  # an address has one @, and a name before it
            typed = (typed.partition("@")[0] + key)[:MAX_CHARS] if key != "@" or "@" not in typed else typed
        self._typed[self.kind] = typed
        self.notice_title = self.notice_text = ""
        self._draw()

    def enter(self) -> None:
        """Tell the core, which looks at it and goes back to where the customer came from."""
        typed = self._typed[self.kind]
        self.send("enter_contact", contact=COUNTRY + typed if self.kind == PHONE else typed)

    def remove(self) -> None:
        """Paper alone will do."""
        self.send("remove_contact")

    def _draw(self) -> None:
        typed = self._typed[self.kind]
        if self.kind == PHONE:
            self.is_complete = len(typed) == PHONE_DIGITS
            self.shown = _phone_cells(typed)
        else:
            self.is_complete = bool(typed)
            self.email_width = theme.width_of(typed + CURSOR)
            self.shown = f"{escape_markup(typed)}[color={get_hex_from_color(theme.BRAND)}]{CURSOR}[/color]"
        part = self._parts[self.kind]
        if part.parent is None:
            self.ids.place.clear_widgets()
            self.ids.place.add_widget(part)


def _phone_cells(typed: str) -> str:
    """`+7 999 12_-__-__`: the next digit's place stands out."""
    cells = [COUNTRY]
    for place in range(PHONE_DIGITS):
        cells.append(SEPARATORS.get(place, ""))
        if place < len(typed):
            cells.append(typed[place])
        else:
            colour = theme.BRAND if place == len(typed) else theme.LINE
            cells.append(f"[color={get_hex_from_color(colour)}]_[/color]")
    return "".join(cells)


load_beside(__file__)
