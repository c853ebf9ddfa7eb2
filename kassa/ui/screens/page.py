"""What every screen is: it shows views and sends intents."""

from __future__ import annotations

from collections.abc import Callable

from kivy.properties import StringProperty
from kivy.uix.boxlayout import BoxLayout

from kassa.rules.view import View
from kassa.ui import theme
from kassa.ui.i18n import Translator

Send = Callable[..., None]
"""`send(name, **values)`: tell the core what a finger meant."""


class Page(BoxLayout):
    """A screen of one name. It keeps nothing that the core would miss: kill it, and the next view restores it."""

    offers_more_time = False
    """Whether a countdown may lie over it before its time is up."""

    def __init__(self, name: str, send: Send) -> None:
        self.name, self.send = name, send
        super().__init__()

    def show(self, view: View, tr: Translator) -> None:
        """Draw what the core says; drawing it twice changes nothing."""

    def forget(self) -> None:
        """The customer is gone: nothing typed or scrolled may greet the next one."""

    def cancel(self) -> None:
        """One step back."""
        self.send("cancel")


class ServicePage(Page):
    """A page about the chosen service. One that left the configuration meanwhile has no name, and no earlier one's."""

    service_name = StringProperty("")
    service_description = StringProperty("")
    service_icon = StringProperty(theme.UNKNOWN_ICON)

    def show_service(self, view: View) -> None:
        """Draw the service on top of the page."""
        service = view.service
        self.service_name = service.name if service else ""
        self.service_description = service.description if service else ""
        self.service_icon = service.icon if service else theme.UNKNOWN_ICON
