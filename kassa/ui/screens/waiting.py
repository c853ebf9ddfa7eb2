"""No core answers: it starts, or it starts again. Nothing can be paid, and nothing that was paid is lost."""

from __future__ import annotations

from kivy.properties import StringProperty

from kassa.ui.kv import load_beside
from kassa.ui.screens.page import Page


class WaitingScreen(Page):
    """Drawn without a view: all it knows is the last payment's number, for a customer who has to call."""

    payment = StringProperty("")


load_beside(__file__)
