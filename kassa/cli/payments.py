"""`kassa payments`: what was paid here."""

from __future__ import annotations

import json
from typing import Any

import click

from kassa import staff
from kassa.cli.context import Context, pass_context
from kassa.cli.journal import payment_fields
from kassa.cli.journal_access import open_journal
from kassa.cli.pin import read_pin
from kassa.cli.tables import print_table
from kassa.config import load
from kassa.control.client import Client, CoreAbsent
from kassa.errors import KassaError
from kassa.fiscal.copy import unprinted_fields
from kassa.fiscal.late import DOCUMENTS, NO_ACT, owed_fields
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
    paper = ", no paper" if one["document"] and not one["printed"] and not one["copies"] else ""
    document = "owed" if one["owed"] else f"{one['document'] or '-'}{paper}"
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
    refused = _refusals(context)
    with open_journal(context) as journal:
        found = [
            owed_fields(waiting, currency, is_any_shift_right=is_any)
            | {"refused": refused.get(waiting.payment)}
            for waiting in journal.fiscal_pending()
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
@click.option("--by", required=True, metavar="NAME", help="Who says so: an accountant or administrator.")
@click.option("--reason", required=True, help="Why; it stands in the journal.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@pass_context
def settle(
    context: Context, payment: str, document: str, act: str, by: str, reason: str, as_json: bool
) -> None:
    """Say what document a payment gets whose shift is over; it is made as soon as the registrar can.

    NAME's PIN is asked for, or is a line on stdin; the running core checks it.
    """
    currency = load(context.home.config).terminal.currency
    if not staff.read(context.home):
        raise KassaError(
            f"nobody has a PIN here yet; begin with: kassa --home {context.home.path} staff add NAME --role accountant"
        )
    with Client(context.home.socket, "payments") as core:
        pin = read_pin(f"PIN of {by}")
        found = core.ask(
            "payment_settle", payment=payment, document=document, act=act, by=by, reason=reason, pin=pin
        )
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
    else:
        word = "a correction receipt" if document == CORRECTION else "an ordinary receipt"
        click.echo(f"payment {payment}, {found['total']} {currency}: {word} is made when the registrar can")


@payments.command()
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@pass_context
def unprinted(context: Context, as_json: bool) -> None:
    """List the documents that were made and did not get on paper; a copy takes its payment off the list."""
    currency = load(context.home.config).terminal.currency
    with open_journal(context) as journal:
        found = [unprinted_fields(made, currency) for made in journal.unprinted()]
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
    elif not found:
        click.echo("every document that was made got on paper, or a copy of it did")
    else:
        columns = ("payment", "made at", "account", "sum", "document", "electronic receipt")
        rows = [
            (
                one["payment"], one["document_at"], one["account"], f"{one['total']} {currency}", str(one["document"]),
                one["contact"] or "-",
            )
            for one in found
        ]  # fmt: skip
        print_table(columns, rows)
        click.echo("a copy for the customer: kassa payments copy PAYMENT --by NAME")


@payments.command()
@click.argument("payment")
@click.option("--by", required=True, metavar="NAME", help="Who asks for it; it stands in the journal.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@pass_context
def copy(context: Context, payment: str, by: str, as_json: bool) -> None:
    """Print a copy of PAYMENT's receipt, between two customers; it is marked as one, and is no fiscal document."""
    with Client(context.home.socket, "payments") as core:
        found = core.ask("payment_copy", payment=payment, by=by)
    if as_json:
        click.echo(json.dumps(found))
    else:
        click.echo(f"a copy of document {found['document']} of payment {payment} is printed")


def _refusals(context: Context) -> dict[str, dict[str, Any]]:
    """Why the registrar makes no document, by payment: the running core knows; without one nobody asks the registrar."""
    try:
        with Client(context.home.socket, "payments") as core:
            told = core.ask("status")["documents_refused"]
    except CoreAbsent:
        return {}
    return {one["payment"]: {key: one[key] for key in ("reason", "again_in_s")} for one in told}


def _print_owed(found: list[dict[str, Any]], currency: str) -> None:
    rows = [
        (one["payment"], one["credited_at"], f"{one['total']} {currency}", _what_it_waits_for(one))
        for one in found
    ]
    print_table(("payment", "credited", "sum", "waits for"), rows)
    if any(one["refused"] for one in found):
        click.echo(
            "What the registrar refuses it is asked again by itself: set right what it says, or have the service centre\n"
            "do it; switched off and on again, it is asked at once. Other payments do not wait for it. What was decided\n"
            "and is refused, the accountant can decide anew: kassa payments settle"
        )
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
    what = "the registrar" if one["decision"] is None else f"the registrar, as {one['decision']['document']}"
    if one["refused"]:
        return f"{what}; it REFUSES: {one['refused']['reason']} (again in {one['refused']['again_in_s']} s)"
    return what
