"""What each state of a visit shows. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kassa.config import LANGUAGES, Config, Service
from kassa.contact import Contact
from kassa.money import Money
from kassa.rules.services import Rules, accepted_values
from kassa.rules.session import (
    Attract,
    ChoosingService,
    ConfirmingAccount,
    EnteringAccount,
    EnteringContact,
    Identified,
    Printing,
    State,
    TakingCash,
    Thanking,
    may_leave_contact,
)
from kassa.rules.view import AccountMask, BalanceView, DocumentView, NoteMotion, ScreenName, ServiceView, View


def show(state: State, config: Config, rules: Rules, language: str, timeout_s: int | None) -> View:
    """The view of a state; sums come from the state alone, and the state's from the journal."""
    match state:
        case Attract() | ChoosingService() if rules.out_of_service:
            return _view(config, language, ScreenName.OUT_OF_SERVICE, None, reason=rules.out_of_service)
        case Attract():
            return _view(config, language, ScreenName.ATTRACT, None, services=_services(config, language))
        case ChoosingService():
            shown = _services(config, language)
            return _view(config, language, ScreenName.SERVICES, timeout_s, services=shown, can_cancel=True)
        case EnteringAccount(service, notice):
            chosen = rules.services[service]
            return _view(
                config, language, ScreenName.ACCOUNT, timeout_s, **_chosen(chosen, language),
                notice=notice, can_cancel=True,
            )  # fmt: skip
        case ConfirmingAccount(service, subscriber, contact):
            return _view(
                config, language, ScreenName.BALANCE, timeout_s, **_chosen(rules.services[service], language),
                **_subscriber(subscriber, service, config, language), **_contact(contact, rules),
                can_finish=True, can_cancel=True,
            )  # fmt: skip
        case EnteringContact(service, contact=contact, notice=notice):
            return _view(
                config, language, ScreenName.CONTACT, timeout_s, **_chosen(rules.services[service], language),
                **_contact(contact, rules), notice=notice, can_cancel=True,
            )  # fmt: skip
        case TakingCash(payment=payment, paid=paid, closing="timeout") if rules.out_of_service:
            # The customer has gone; only the validator can still say what became of the last note.
            return _view(
                config, language, ScreenName.OUT_OF_SERVICE, None, reason=rules.out_of_service, payment=payment,
                inserted=paid.decimal(),
            )  # fmt: skip
        case TakingCash():
            return _cash(state, config, rules, language, timeout_s)
        case Printing(service, subscriber, payment, paid):
            return _view(
                config, language, ScreenName.PRINTING, timeout_s, **_chosen(rules.services.get(service), language),
                account=subscriber.account, payment=payment, inserted=paid.decimal(),
            )  # fmt: skip
        case Thanking(service, subscriber, payment, paid, document):
            shown_document = DocumentView(document.number, document.sign) if document else None
            return _view(
                config, language, ScreenName.THANKS, timeout_s, **_chosen(rules.services.get(service), language),
                account=subscriber.account, payment=payment, inserted=paid.decimal(), document=shown_document,
                notice=None if document else "receipt_owed", can_finish=True,
            )  # fmt: skip


def _cash(state: TakingCash, config: Config, rules: Rules, language: str, timeout_s: int | None) -> View:
    service = rules.services.get(state.service)
    minimum = rules.money(service.min) if service else None
    maximum = rules.money(service.max) if service else None
    nothing = Money(0, rules.currency)
    # What would be taken of an empty payment: the list on the screen must not flicker with every note.
    denominations = sorted(accepted_values(service, nothing, rules))
    is_settled = state.intent is None
    return _view(
        config, language, ScreenName.CASH, timeout_s, **_chosen(service, language),
        **_subscriber(state.subscriber, state.service, config, language),
        **(_contact(state.contact, rules) if may_leave_contact(state) else {}),
        inserted=state.paid.decimal(),
        payment=state.payment,
        minimum=minimum.decimal() if minimum else None,
        maximum=maximum.decimal() if maximum else None,
        denominations=tuple(value.decimal() for value in denominations),
        note=NoteMotion.NONE if is_settled else NoteMotion.STACKING,
        can_finish=bool(state.paid) and is_settled and (minimum is None or state.paid >= minimum),
        can_cancel=not state.paid and is_settled,
        notice=_cash_notice(state, rules),
    )  # fmt: skip


def _contact(contact: Contact | None, rules: Rules) -> dict[str, Any]:
    """What was left for the electronic receipt, and what may be."""
    return {
        "contact": contact.masked if contact else None,
        "contact_kinds": tuple(kind.value for kind in rules.contact_kinds),
    }


def _cash_notice(state: TakingCash, rules: Rules) -> str | None:
    """What blocks the slot now outweighs what was said about the last note."""
    if rules.blocked is None:
        return state.notice
    if rules.blocked in ("validator_lost", "validator_jammed"):
        return rules.blocked
    if rules.blocked.startswith("registrar"):
        return "registrar_not_ready"
    return "cash_not_accepted"


def _view(config: Config, language: str, screen: ScreenName, timeout_s: int | None, **parts: Any) -> View:
    terminal = config.terminal
    return View(
        screen=screen,
        language=language,
        languages=LANGUAGES,
        currency=terminal.currency,
        owner=terminal.owner,
        terminal=terminal.number,
        address=terminal.address,
        phone=terminal.phone,
        timeout_s=timeout_s,
        **parts,
    )


def _services(config: Config, language: str) -> tuple[ServiceView, ...]:
    return tuple(_service(service, language) for service in config.service)


def _chosen(service: Service | None, language: str) -> dict[str, Any]:
    if service is None:
        return {}
    return {"service": _service(service, language), "mask": _mask(service, language)}


def _service(service: Service, language: str) -> ServiceView:
    return ServiceView(
        service.id, _say(service.name, language), _say(service.description, language), service.icon
    )


def _mask(service: Service, language: str) -> AccountMask:
    account = service.account
    return AccountMask(account.length_min, account.length_max, account.groups, _say(account.hint, language))


def _subscriber(subscriber: Identified, service: str, config: Config, language: str) -> dict[str, Any]:
    return {
        "account": subscriber.account,
        "holder": subscriber.holder,
        "place": subscriber.place,
        "balance": next(
            (balance.decimal() for code, balance in subscriber.balances if code == service), None
        ),
        "balances": tuple(_balances(subscriber.balances, config, language)),
        "paid_here": subscriber.paid_here.decimal() if subscriber.paid_here else None,
        "data_at": subscriber.data_at,
        "data_is_old": subscriber.data_is_old,
    }


def _balances(
    balances: tuple[tuple[str, Money], ...], config: Config, language: str
) -> Iterable[BalanceView]:
    for code, balance in balances:
        service = config.find_service(code)
        if service is not None:  # what this terminal does not sell is nobody's business here
            yield BalanceView(code, _say(service.name, language), balance.decimal())


def _say(texts: Any, language: str) -> str:
    """A configured text in this language, else in Russian, which every name has."""
    return str(texts.get(language) or texts.get("ru") or "")
