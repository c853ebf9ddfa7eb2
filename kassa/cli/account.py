"""`kassa account`: what the terminal knows of its subscribers; for staff, so nothing is masked."""

from __future__ import annotations

import json

import click

from kassa.cli.context import Context, pass_context
from kassa.subscribers import Subscriber, open_current


@click.group()
def account() -> None:
    """Subscribers as the loaded file has them."""


@account.command()
@click.argument("number")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list of matches.")
@pass_context
def find(context: Context, number: str, as_json: bool) -> None:
    """Find the subscriber with account NUMBER: name, address and the balance of every service."""
    snapshot = open_current(context.home.snapshots)
    matches: list[Subscriber] = []
    if snapshot is not None:
        try:
            found = snapshot.find("".join(number.split()).upper())
        finally:
            snapshot.close()
        matches = [found] if found else []
    if as_json:
        click.echo(json.dumps([_as_data(one) for one in matches], ensure_ascii=False))
        return
    if snapshot is None:
        click.echo("no subscriber file was loaded yet; load one: kassa import run FILE --profile NAME")
    elif not matches:
        click.echo(f"no account {number} in the data of {snapshot.info.as_of:%d.%m.%Y %H:%M}")
    for one in matches:
        click.echo(f"{one.account}  {one.name}  {one.address}")
        for service in one.services:
            click.echo(f"  {service.service:16} {service.balance.decimal():>14} {service.balance.currency}")


def _as_data(subscriber: Subscriber) -> dict[str, object]:
    return {
        "account": subscriber.account,
        "name": subscriber.name,
        "address": subscriber.address,
        "services": [
            {"service": one.service, "balance": one.balance.decimal()} for one in subscriber.services
        ],
    }
