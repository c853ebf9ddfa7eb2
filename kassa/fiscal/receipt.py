"""A payment's receipt as data. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from kassa import config as c
from kassa.config import Config
from kassa.fiscal.template import DEFAULT, Template, Templates, lines_above_items
from kassa.journal.records import PendingDocument
from kassa.money import Money
from kassa.ports import Agent, Correction, Place, Receipt, ReceiptItem, Supplier

NAME_MAX = 128
"""Tag 1030 holds no more characters."""
ORDINARY, CORRECTION = "receipt", "correction"
"""What a late payment's document can be, as the journal says it."""
VAT_GENERAL = 12
"""22/122, tag 1199."""
AGENT_SIGNS = {"paying_agent": 2, "paying_subagent": 3, "agent": 6}
"""Bit numbers of tag 1222."""


def receipt(
    payment: str,
    service_id: str,
    account: str,
    total: Money,
    config: Config,
    contact: str | None = None,
    correction: Correction | None = None,
    *,
    templates: Templates,
) -> Receipt:
    """The receipt of one payment: one item for the whole sum, as nothing of it is change or fee.

    A service that left the configuration since is printed as communication services in general, at the one rate that
    all the others have, else at the general one: the money must get its document all the same.
    """
    service = config.find_service(service_id)
    name = service.receipt_name if service else "Аванс за услуги связи"
    whose = f", ЛС {account}"
    item = ReceiptItem(
        name=name[: NAME_MAX - len(whose)] + whose,
        price=total,
        method=service.method if service else 3,
        subject=service.subject if service else 10,
        vat=service.vat if service else _usual_vat(config),
        agent=_agent(service.agent) if service and service.agent else None,
    )
    made = Receipt(
        payment=payment,
        items=(item,),
        total=total,
        tax_system=config.registrar.tax_system,
        place=place(config),
        contact=contact,
        correction=correction,
        service=service_id,
        account=account,
    )
    return replace(made, lines=lines_above_items(template_of(service_id, config, templates), made, config))


def _usual_vat(config: Config) -> int:
    """An operator who pays no VAT, or less of it, has that rate with all his services."""
    rates = {service.vat for service in config.service}
    return rates.pop() if len(rates) == 1 else VAT_GENERAL


def template_of(service_id: str, config: Config, templates: Templates) -> Template:
    """How a service's receipts look, also when it left the configuration since."""
    service = config.find_service(service_id)
    return templates[service.receipt_template if service else DEFAULT]


def receipt_of(waiting: PendingDocument, config: Config, templates: Templates) -> Receipt:
    """The receipt of a payment that waits for its document."""
    decision, correction = waiting.decision, None
    if decision is not None and decision.document == CORRECTION:
        correction = Correction(datetime.fromisoformat(waiting.credited_at).date(), decision.act)
    return receipt(
        waiting.payment,
        waiting.service,
        waiting.account,
        Money(waiting.total, config.terminal.currency),
        config,
        waiting.contact,
        correction,
        templates=templates,
    )


def place(config: Config) -> Place:
    """Where the money is taken."""
    terminal = config.terminal
    return Place(terminal.automaton or terminal.number, terminal.address, terminal.place)


def _agent(agent: c.Agent) -> Agent:
    supplier = Supplier(agent.supplier.name, agent.supplier.inn, agent.supplier.phones)
    is_operator = (
        agent.sign == "paying_agent"
    )  # who takes payments for suppliers themselves, and for nobody between
    operator_phones = agent.operator_phones or (agent.phones if is_operator else ())
    return Agent(AGENT_SIGNS[agent.sign], supplier, agent.phones, operator_phones)
