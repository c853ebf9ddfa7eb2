"""What every screen is: it shows views and sends intents."""

from __future__ import annotations

from collections.abc import Callable

from kivy.properties import StringProperty
from kivy.uix.boxlayout import BoxLayout

from kassa.rules.view import View
from kassa.ui import theme
from kassa.ui.amounts import NBSP, short
from kassa.ui.i18n import Translator
from kassa.ui.i18n import message as _

Send = Callable[..., None]
"""`send(name, **values)`: tell the core what a finger meant."""


CONTACT_MAX_CHARS = 20
"""One line, which shrinks until it fits; what was left can be told from it."""
CONTACT_WAYS = {
    ("phone", "email"): _("SMS or e-mail"),
    ("phone",): _("In an SMS"),
    ("email",): _("By e-mail"),
}


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

    def leave(self) -> None:
        """Another page takes its place."""

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


def shown_contact(view: View) -> str:
    """Where the electronic receipt goes, masked, in one short line; empty where nothing was left."""
    return short(view.contact, CONTACT_MAX_CHARS).replace(" ", NBSP)


class PayingPage(ServicePage):
    """A page from which an electronic receipt can be asked for, or the contact for it changed."""

    offer_icon = StringProperty("")
    offer_title = StringProperty("")
    offer_text = StringProperty("")

    def show_offer(self, view: View, tr: Translator) -> None:
        """Offer what may be left now, or say where the electronic receipt goes; nothing where it is too late."""
        self.offer_icon = "email-outline" if "@" in (view.contact or "") else "cellphone"
        if not view.contact_kinds:
            self.offer_title = self.offer_text = ""
        elif view.contact is None:
            self.offer_title = tr("Electronic receipt")
            self.offer_text = tr(CONTACT_WAYS.get(view.contact_kinds, CONTACT_WAYS["phone", "email"]))
        else:
            self.offer_title = shown_contact(view)
            self.offer_text = tr("Receipt here · change")

    def ask_contact(self) -> None:
        """On to where a phone number or an e-mail address is typed."""
        self.send("ask_contact")
