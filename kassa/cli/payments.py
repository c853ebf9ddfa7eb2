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
from kassa.fiscal.doubt import NUMBER_MAX, SIGN_MAX
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
    refused, in_doubt = _what_the_core_knows(context)
    with open_journal(context) as journal:
        found = [
            owed_fields(waiting, currency, is_any_shift_right=is_any)
            | {"refused": refused.get(waiting.payment), "is_in_doubt": waiting.payment in in_doubt}
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
    found = _ask_with_pin(
        context, "payment_settle", payment=payment, document=document, act=act, by=by, reason=reason
    )
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
    else:
        word = "a correction receipt" if document == CORRECTION else "an ordinary receipt"
        click.echo(f"payment {payment}, {found['total']} {currency}: {word} is made when the registrar can")


@payments.command()
@click.argument("payment")
@click.option(
    "--document",
    "number",
    type=click.IntRange(1, NUMBER_MAX),
    required=True,
    help="Its number on the fiscal drive.",
)
@click.option("--sign", type=click.IntRange(0, SIGN_MAX), required=True, help="Its fiscal sign.")
@click.option("--at", required=True, metavar="TIME", help='Its own time: "2026-11-24 14:05".')
@click.option("--shift", type=click.IntRange(1, NUMBER_MAX), help="Its shift, which then counts it too.")
@click.option("--by", required=True, metavar="NAME", help="Who says so: an accountant or administrator.")
@click.option("--reason", required=True, help="Where it was found; it stands in the journal.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@pass_context
def found(
    context: Context,
    payment: str,
    number: int,
    sign: int,
    at: str,
    shift: int | None,
    by: str,
    reason: str,
    as_json: bool,
) -> None:
    """Say that PAYMENT's document exists, of which the registrar cannot tell: its fiscal drive was taken away.

    NAME's PIN is asked for, or is a line on stdin; the running core checks it.
    """
    currency = load(context.home.config).terminal.currency
    told = _ask_with_pin(
        context, "payment_found",
        payment=payment, document=str(number), sign=str(sign), at=at, shift=str(shift or ""), by=by, reason=reason,
    )  # fmt: skip
    if as_json:
        click.echo(json.dumps(told))
    else:
        click.echo(f"payment {payment}, {told['total']} {currency}: it has document {told['document']}")


@payments.command()
@click.argument("payment")
@click.option("--by", required=True, metavar="NAME", help="Who says so: an accountant or administrator.")
@click.option("--reason", required=True, help="Where was looked for it; it stands in the journal.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@pass_context
def missing(context: Context, payment: str, by: str, reason: str, as_json: bool) -> None:
    """Say that PAYMENT has no document on the fiscal drive that was taken away; it gets one as any payment does.

    If there is one after all, the payment will have two: look at every document behind the one that is named by
    `kassa payments owed`. NAME's PIN is asked for, or is a line on stdin; the running core checks it.
    """
    currency = load(context.home.config).terminal.currency
    told = _ask_with_pin(context, "payment_missing", payment=payment, by=by, reason=reason)
    if as_json:
        click.echo(json.dumps(told, ensure_ascii=False))
    else:
        then = (
            f"its shift is over, so decide which document it gets: kassa payments settle {payment}"
            if told["waits_for_person"]
            else "its document is made when the registrar can"
        )
        click.echo(f"payment {payment}, {told['total']} {currency}: {then}")


def _ask_with_pin(context: Context, what: str, *, by: str, **values: str) -> Any:
    """What the core answers to `by`, whose PIN it checks."""
    if not staff.read(context.home):
        raise KassaError(
            f"nobody has a PIN here yet; begin with: kassa --home {context.home.path} staff add NAME --role accountant"
        )
    with Client(context.home.socket, "payments") as core:
        pin = read_pin(f"PIN of {by}")
        return core.ask(what, by=by, pin=pin, **values)


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


def _what_the_core_knows(context: Context) -> tuple[dict[str, dict[str, Any]], frozenset[str]]:
    """By payment why the registrar makes no document, and the payments that only a person can settle.

    Without a running core nobody asks the registrar.
    """
    try:
        with Client(context.home.socket, "payments") as core:
            told = core.ask("status")
    except CoreAbsent:
        return {}, frozenset()
    refused = {
        one["payment"]: {key: one[key] for key in ("reason", "again_in_s")}
        for one in told["documents_refused"]
    }
    return refused, frozenset(told["documents_in_doubt"])


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
    if any(one["is_in_doubt"] for one in found):
        click.echo(
            "Whether a document in doubt exists, only its fiscal drive knows, or the data operator: look among the documents\n"
            "behind the one that is named for one of that sum and time, then say what is there:\n"
            "kassa payments found PAYMENT --document N --sign S --at TIME --by NAME --reason TEXT\n"
            "kassa payments missing PAYMENT --by NAME --reason TEXT"
        )
    if any(one["waits_for_person"] for one in found):
        click.echo(
            "kassa payments settle PAYMENT --as receipt|correction --by NAME --reason TEXT\n"
            "(which of the two is right so late, the accountant knows)"
        )


def _what_it_waits_for(one: dict[str, Any]) -> str:
    if one["is_in_doubt"]:
        begun = one["begun_on"]
        return (
            f"somebody who looks: IN DOUBT, begun on fiscal drive {begun['drive'] or '-'}, which is not in the registrar now;"
            f" look behind document {begun['last_document']}"
        )
    if one["is_begun"]:
        return "the registrar, which has to say whether it exists"
    if one["waits_for_person"]:
        return "a decision: its shift is over"
    what = "the registrar" if one["decision"] is None else f"the registrar, as {one['decision']['document']}"
    if one["refused"]:
        return f"{what}; it REFUSES: {one['refused']['reason']} (again in {one['refused']['again_in_s']} s)"
    return what
