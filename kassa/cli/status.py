"""`kassa status`: how the terminal is."""

from __future__ import annotations

import json
from typing import Any

import click

from kassa.cli.context import Context, pass_context
from kassa.cli.tables import print_table
from kassa.control.client import Client
from kassa.words import counted


@click.command()
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@pass_context
def status(context: Context, as_json: bool) -> None:
    """Say how the running terminal is and what is wrong; exit code 1 when it takes no cash."""
    with Client(context.home.socket, "status") as client:
        found = client.ask("status")
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
    else:
        _print(found)
    raise SystemExit(0 if found["takes_cash"] else 1)


def _print(found: dict[str, Any]) -> None:
    answer = "takes cash" if found["takes_cash"] else f"takes NO cash: {found['blocked']}"
    click.echo(f"terminal {found['terminal']}, kassa {found['version']}: {answer}; screen: {found['screen']}")
    click.echo(f"validator: {found['validator'] or '-'}")
    click.echo(f"registrar: {found['registrar'] or '-'}")
    for fact in found["registrar_facts"]:
        click.echo(f"  {fact}")
    data = found["data"]
    click.echo(
        f"subscriber data: {data['file']}, {counted(data['accounts'], 'account')}, as of {data['as_of']}" if data else
        "subscriber data: none"
    )  # fmt: skip
    notes = sum(found["cassette"].values())
    click.echo(
        f"cassette: {counted(notes, 'note')}; payments waiting for a document: {found['documents_pending']};"
        f" documents without paper: {found['documents_unprinted']}"
    )
    for one in found["documents_refused"]:
        click.echo(
            f"the registrar REFUSES a document of payment {one['payment']}: {one['reason']}; asked again in {one['again_in_s']} s"
        )
    if not found["conditions"]:
        click.echo("nothing is wrong")
        return
    print_table(
        ("since", "how bad", "what", "what to do"),
        [
            (
                condition["since"],
                condition["severity"],
                condition["text"] + (f" ({condition['detail']})" if condition["detail"] else ""),
                condition["remedy"],
            )
            for condition in found["conditions"]
        ],
    )
