"""What the codes of a view mean, in words that a customer understands."""

from __future__ import annotations

from typing import NamedTuple

from kassa.rules.view import View
from kassa.ui.amounts import NBSP, amount, number, price, symbol
from kassa.ui.i18n import Translator
from kassa.ui.i18n import message as _


class Wording(NamedTuple):
    """A heading and what to do about it, in the language of the source."""

    title: str
    text: str


NOTICES = {
    "account_not_found": Wording(
        _("There is no such account"),
        _("Check the number on your contract or bill. Help: {phone}"),
    ),
    "account_wrong_length": Wording(
        _("The number is not complete"), _("Digits in the number: {digits}. Check it on your bill.")
    ),
    "service_not_available": Wording(
        _("This account does not have this service"),
        _("Go back and choose another service, or check the number. Help: {phone}"),
    ),
    "data_missing": Wording(
        _("Accounts cannot be looked up now"), _("Please come again later. Help: {phone}")
    ),
    "contact_phone_wrong": Wording(
        _("Check the number"), _("A mobile number begins with 9 and has ten digits.")
    ),
    "contact_email_wrong": Wording(_("Check the address"), _("It looks like this: ivan@mail.ru")),
    "note_returned_limit": Wording(
        _("Take your note back"),
        _("With it the payment would exceed {maximum}. Insert a smaller note or pay."),
    ),
    "note_returned_denomination": Wording(
        _("Take your note back"), _("This note is not accepted here. Accepted: {denominations}.")
    ),
    "note_returned_closing": Wording(
        _("Take your note back"),
        _("The payment was ending already. You can make another payment afterwards."),
    ),
    "note_returned": Wording(_("Take your note back"), _("Try again, or insert another note.")),
    "note_rejected": Wording(
        _("The note was not recognised"), _("Straighten it and insert it again, or try another note.")
    ),
    "validator_lost": Wording(
        _("Notes are not accepted right now"),
        _("Your money is recorded. Wait a minute or finish the payment. Help: {phone}"),
    ),
    "validator_jammed": Wording(
        _("Your note is stuck"),
        _("Your money is recorded, payment {payment}. Do not pull the note. Call {phone}"),
    ),
    "registrar_not_ready": Wording(
        _("Notes are not accepted right now"),
        _("The receipt printer is not ready. Wait a minute or finish the payment. Help: {phone}"),
    ),
    "cash_not_accepted": Wording(
        _("Notes are not accepted right now"),
        _("Wait a minute or finish the payment. Help: {phone}"),
    ),
    "receipt_owed": Wording(
        _("The receipt comes later"),
        _("Your payment is accepted. Keep the payment number: {payment}. Questions: {phone}"),
    ),
    "money_is_credited": Wording(
        _("Cash is not given back"),
        _("What you inserted goes to the account. Press the pay button to finish."),
    ),
}
ANY_NOTICE = Wording(_("Something went wrong"), _("Try again. Help: {phone}"))
"""For a code that a newer core knows and this screen does not."""

SOON = _("It goes on by itself in a minute or two.")
LATER = _("It needs our staff. Please come again later or pay in another way.")
REASONS = {
    "starting": Wording(_("The terminal is starting"), SOON),
    "stopping": Wording(_("The terminal is being serviced"), SOON),
    "validator_busy": Wording(_("The bill acceptor is getting ready"), SOON),
    "validator_lost": Wording(_("The bill acceptor does not work"), LATER),
    "validator_jammed": Wording(_("A note is stuck in the bill acceptor"), LATER),
    "validator_failed": Wording(_("The bill acceptor does not work"), LATER),
    "validator_cassette_full": Wording(_("There is no room for more notes"), LATER),
    "validator_cassette_out": Wording(_("The cash is being collected"), SOON),
    "registrar_lost": Wording(_("The receipt printer does not work"), LATER),
    "registrar_paper_out": Wording(_("The receipt paper has run out"), LATER),
    "registrar_cover_open": Wording(_("The receipt printer is open"), LATER),
    "registrar_busy": Wording(_("The receipt printer is getting ready"), SOON),
    "registrar_drive": Wording(_("Receipts cannot be made now"), LATER),
    "registrar_locked": Wording(_("Receipts cannot be made now"), LATER),
    "registrar_clock": Wording(_("Receipts cannot be made now"), LATER),
    "registrar_document_open": Wording(_("The receipt printer is getting ready"), SOON),
    "registrar_failed": Wording(_("The receipt printer does not work"), LATER),
    "disk_low": Wording(_("The terminal cannot record payments"), LATER),
    "disk_failed": Wording(_("The terminal cannot record payments"), LATER),
    "data_missing": Wording(_("The list of accounts is not here yet"), LATER),
}
ANY_REASON = Wording(_("A part of the terminal does not work"), LATER)


def notice(view: View, tr: Translator) -> Wording | None:
    """The view's notice in its language; None when there is nothing to say."""
    if view.notice is None:
        return None
    return _said(NOTICES.get(view.notice, ANY_NOTICE), view, tr)


def reason(view: View, tr: Translator) -> Wording:
    """Why the terminal is out of service and when to come again."""
    return _said(REASONS.get(view.reason or "", ANY_REASON), view, tr)


def denominations(view: View) -> str:
    """`50, 100, 500 ₽`."""
    values = ", ".join(number(amount(text, view), view.language) for text in view.denominations)
    return f"{values}{NBSP}{symbol(view.currency)}" if values else ""


def digits(view: View) -> str:
    """How many digits an account number has: `10` or `7–10`."""
    if view.mask is None:
        return ""
    shortest, longest = view.mask.length_min, view.mask.length_max
    return str(longest) if shortest == longest else f"{shortest}–{longest}"


def _said(wording: Wording, view: View, tr: Translator) -> Wording:
    values = {
        "phone": view.phone.replace(" ", NBSP),
        "payment": view.payment or "",
        "maximum": price(amount(view.maximum, view), view.language) if view.maximum else "",
        "denominations": denominations(view),
        "digits": digits(view),
    }
    return Wording(tr(wording.title, **values), tr(wording.text, **values))
