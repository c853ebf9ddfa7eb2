"""What a finger meant: an intent by its name becomes an event of the visit. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from kassa.rules import session as s

INTENTS = (
    "start, choose_service service=ID, enter_account account=NUMBER, confirm_account, ask_contact, "
    "enter_contact contact=PHONE|EMAIL, remove_contact, finish, cancel, touch, set_language language=ru|en"
)
"""All of them, as they are typed; the language is the terminal's own matter, not the visit's."""


def event_of(name: str, values: Mapping[str, str]) -> object | None:
    """The event that an intent means; None when it is none of the visit. Raises KeyError for a missing value."""
    match name:
        case "start":
            return s.Started()
        case "choose_service":
            return s.ServiceChosen(values["service"])
        case "enter_account":
            return s.AccountEntered(values["account"])
        case "confirm_account":
            return s.AccountConfirmed()
        case "ask_contact":
            return s.ContactWanted()
        case "enter_contact":
            return s.ContactEntered(values["contact"])
        case "remove_contact":
            return s.ContactRemoved()
        case "finish":
            return s.FinishPressed()
        case "cancel":
            return s.CancelPressed()
        case "touch":
            return s.Touched()
        case _:
            return None
