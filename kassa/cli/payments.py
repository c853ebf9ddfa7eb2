"""`kassa payments`: what was paid here."""

from __future__ import annotations

import json
from typing import Any

import click

from kassa.cli.context import Context, pass_context
from kassa.cli.journal import payment_fields
from kassa.cli.journal_access import open_journal
from kassa.cli.tables import print_table
from kassa.config import load


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
