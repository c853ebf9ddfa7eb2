"""What a customer types with: a keypad, a keyboard for e-mail addresses, and the field that shows what was typed."""

from __future__ import annotations

from collections.abc import Iterable

from kivy.properties import ColorProperty, NumericProperty, StringProperty
from kivy.uix.boxlayout import BoxLayout
from kivy.uix.gridlayout import GridLayout

from kassa.ui.kv import load_beside
from kassa.ui.theme import BRAND
from kassa.ui.widgets.touch import Key

CLEAR, ERASE = "clear", "backspace"
LETTERS = ("1234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm.-_")
"""As on the keyboards that people know; an address has no capitals that matter."""
DOMAINS = ("@mail.ru", "@yandex.ru", "@gmail.com")
"""Where most addresses of customers are: one key instead of nine."""
LETTER_SHARE, DOMAIN_SHARE = 0.66, 0.48
"""Of a digit of the keypad, as large are the signs of the keyboard."""
DOMAIN_WIDTH = 8 / 3
"""In keys: the three fill a row of ten with clear and @."""


class Keypad(GridLayout):
    """Ten digits, clear and backspace."""

    __events__ = ("on_key",)

    def __init__(self, **kwargs: object) -> None:
        super().__init__(**kwargs)
        keys = [Key(tag=f"key.{digit}", digit=digit) for digit in "123456789"]
        keys += [
            Key(tag=f"key.{CLEAR}", icon="close"),
            Key(tag="key.0", digit="0"),
            Key(tag=f"key.{ERASE}", icon="backspace-outline"),
        ]
        for key in keys:
            key.bind(on_release=lambda pressed: self.dispatch("on_key", pressed.tag.removeprefix("key.")))
            self.add_widget(key)

    def on_key(self, key: str) -> None:
        """A key was pressed: a digit, `clear` or `backspace`."""


class KeyRow(BoxLayout):
    """Keys side by side."""


class Keyboard(BoxLayout):
    """Letters, digits and signs of an e-mail address, its most frequent endings, clear and backspace."""

    __events__ = ("on_key",)

    def __init__(self, **kwargs: object) -> None:
        super().__init__(**kwargs)
        first, second, third, fourth = ([_letter(sign) for sign in row] for row in LETTERS)
        third.append(Key(tag=f"key.{ERASE}", icon="backspace-outline", share=LETTER_SHARE))
        last = [
            Key(tag=f"key.{CLEAR}", icon="close", share=LETTER_SHARE),
            _letter("@"),
            *(
                Key(tag=f"key.{domain}", digit=domain, share=DOMAIN_SHARE, size_hint_x=DOMAIN_WIDTH)
                for domain in DOMAINS
            ),
        ]
        for keys in (first, second, third, fourth, last):
            self._add_row(keys)

    def on_key(self, key: str) -> None:
        """A key was pressed: a sign, an ending with its @, `clear` or `backspace`."""

    def _add_row(self, keys: Iterable[Key]) -> None:
        row = KeyRow()
        for key in keys:
            key.bind(on_release=lambda pressed: self.dispatch("on_key", pressed.tag.removeprefix("key.")))
            row.add_widget(key)
        self.add_widget(row)


def _letter(sign: str) -> Key:
    return Key(tag=f"key.{sign}", digit=sign, share=LETTER_SHARE)


class TypingField(BoxLayout):
    """What was typed, large; above it what it is, or what is wrong with it."""

    name = StringProperty("")
    name_color = ColorProperty(BRAND)
    shown = StringProperty("")
    """With markup."""
    letters_size = NumericProperty(50)
    """In units."""


load_beside(__file__)
