"""`kassa ctl`: the running core's view and intents, from a shell."""

from __future__ import annotations

import click
import msgspec

from kassa.cli.context import Context, pass_context
from kassa.control.client import Client
from kassa.rules.view import View


@click.group()
def ctl() -> None:
    """See what the customer sees, and send what a touch would send."""


@ctl.command()
@click.option("--follow", is_flag=True, help="Print every change, one line each, until interrupted.")
@pass_context
def view(context: Context, follow: bool) -> None:
    """Print the current view as JSON."""
    with Client(context.home.socket, "ctl") as client:
        for shown in client.views():
            click.echo(_as_json(shown))
            if not follow:
                return


@ctl.command()
@click.argument("intent")
@click.argument("values", nargs=-1, metavar="[KEY=VALUE]...")
@pass_context
def send(context: Context, intent: str, values: tuple[str, ...]) -> None:
    """Send INTENT: start, choose_service service=ID, enter_account account=NUMBER, confirm_account, ask_contact,
    enter_contact contact=PHONE|EMAIL, remove_contact, finish, cancel, touch, set_language language=ru|en.

    Prints the view that follows. Exit code 1 when the core refuses, with its reason.
    """
    pairs = _pairs(values)
    with Client(context.home.socket, "ctl") as client:
        client.intend(intent, **pairs)
        click.echo(_as_json(client.view()))


def _pairs(values: tuple[str, ...]) -> dict[str, str]:
    pairs = {}
    for value in values:
        key, separator, text = value.partition("=")
        if not separator:
            raise click.BadParameter(f"{value!r} is not KEY=VALUE")
        pairs[key] = text
    return pairs


def _as_json(shown: View) -> str:
    return msgspec.json.encode(shown).decode()
