"""`kassa payments`: what was paid here."""

from __future__ import annotations

import json
from typing import Any

import click

from kassa.cli.context import Context, pass_context
from kassa.cli.journal import payment_fields
from kassa.cli.journal_access import open_journal, own_journal, reach
from kassa.cli.tables import print_table
from kassa.config import load
from kassa.fiscal.late import DOCUMENTS, NO_ACT, decide, owed_fields
from kassa.fiscal.receipt import CORRECTION


@click.group()
def payments() -> None:
    """Payments of this terminal."""


@payments.command(name="list")
@click.option("--last", type=click.IntRange(min=1), help="Only the newest so many.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@pass_context
def list_(context: Context, last: int | None, as_json: bool) -> None:
    """List payments, oldest first."""
    currency = load(context.home.config).terminal.currency
    with open_journal(context) as journal:
        found = [payment_fields(record, currency) for record in journal.payments(last)]
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
    else:
        _print(found)


def _print(found: list[dict[str, Any]]) -> None:
    columns = ("payment", "credited", "service", "account", "paid", "notes", "state", "document", "file")
    print_table(columns, [_row(one) for one in found])


def _row(one: dict[str, Any]) -> tuple[str, ...]:
    document = "owed" if one["owed"] else str(one["document"] or "-")
    notes = " ".join(
        f"{note['value']}{'?' * note['uncertain']}" for note in one["notes"] if note["state"] == "stacked"
    )
    return (
        one["payment"], one["credited_at"] or "-", one["service"], one["account"], one["paid"], notes, one["state"],
        document, one["batch"] or "-",
    )  # fmt: skip


@payments.command()
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@pass_context
def owed(context: Context, as_json: bool) -> None:
    """List the payments that wait for their fiscal document, and what they wait for."""
    config = load(context.home.config)
    currency, is_any = config.terminal.currency, config.registrar.late_receipt == "any_shift"
    with open_journal(context) as journal:
        found = [
            owed_fields(waiting, currency, is_any_shift_right=is_any) for waiting in journal.fiscal_pending()
        ]
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
    elif not found:
        click.echo("every payment has its fiscal document")
    else:
        _print_owed(found, currency)


@payments.command()
@click.argument("payment")
@click.option(
    "--as",
    "document",
    type=click.Choice(DOCUMENTS),
    required=True,
    help="An ordinary receipt, or a correction receipt.",
)
@click.option("--act", default="", help=f"Number of the paper a correction is founded on; default {NO_ACT}.")
@click.option("--by", required=True, metavar="NAME", help="Who says so; it stands in the journal.")
@click.option("--reason", required=True, help="Why; it stands in the journal.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@pass_context
def settle(
    context: Context, payment: str, document: str, act: str, by: str, reason: str, as_json: bool
) -> None:
    """Say what document a payment gets whose shift is over; it is made as soon as the registrar can."""
    currency = load(context.home.config).terminal.currency
    with reach(context.home) as core:
        if core:
            found = core.ask(
                "payment_settle", payment=payment, document=document, act=act, by=by, reason=reason
            )
        else:
            with own_journal(context.home) as journal:
                decided = decide(journal, payment, document, act, by, reason)
            found = owed_fields(decided, currency, is_any_shift_right=False)
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
    else:
        word = "a correction receipt" if document == CORRECTION else "an ordinary receipt"
        click.echo(f"payment {payment}, {found['total']} {currency}: {word} is made when the registrar can")


def _print_owed(found: list[dict[str, Any]], currency: str) -> None:
    rows = [
        (one["payment"], one["credited_at"], f"{one['total']} {currency}", _what_it_waits_for(one))
        for one in found
    ]
    print_table(("payment", "credited", "sum", "waits for"), rows)
    if any(one["waits_for_person"] for one in found):
        click.echo(
            "kassa payments settle PAYMENT --as receipt|correction --by NAME --reason TEXT\n"
            "(which of the two is right so late, the accountant knows)"
        )


def _what_it_waits_for(one: dict[str, Any]) -> str:
    if one["is_begun"]:
        return "the registrar, which has to say whether it exists"
    if one["waits_for_person"]:
        return "a decision: its shift is over"
    return "the registrar" if one["decision"] is None else f"the registrar, as {one['decision']['document']}"
