"""`kassa status`: how the terminal is."""

from __future__ import annotations

import json
from typing import Any

import click

from kassa.cli.context import Context, pass_context
from kassa.control.client import Client


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
    from rich.console import Console
    from rich.table import Table

    console = Console()
    answer = "takes cash" if found["takes_cash"] else f"takes NO cash: {found['blocked']}"
    console.print(
        f"terminal {found['terminal']}, kassa {found['version']}: {answer}; screen: {found['screen']}"
    )
    data = found["data"]
    console.print(f"validator: {found['validator'] or '-'}; registrar: {found['registrar'] or '-'}")
    console.print(
        f"subscriber data: {data['file']}, {data['accounts']} accounts, as of {data['as_of']}" if data else
        "subscriber data: none"
    )  # fmt: skip
    notes = sum(found["cassette"].values())
    console.print(f"cassette: {notes} notes; payments waiting for a document: {found['documents_pending']}")
    if not found["conditions"]:
        console.print("nothing is wrong")
        return
    table = Table("since", "how bad", "what", "what to do")
    for condition in found["conditions"]:
        what = condition["text"] + (f" ({condition['detail']})" if condition["detail"] else "")
        table.add_row(condition["since"], condition["severity"], what, condition["remedy"])
    console.print(table)
