"""`kassa shift`: the registrar's reports."""

from __future__ import annotations

import json

import click

from kassa.cli.context import Context, pass_context
from kassa.control.client import Client


@click.group()
def shift() -> None:
    """X- and Z-reports; the running core prints them between two payments."""


_json = click.option("--json", "as_json", is_flag=True, help="For machines.")


@shift.command()
@_json
@pass_context
def x(context: Context, as_json: bool) -> None:
    """Print the totals of the running shift; nothing is closed."""
    _order(context, "x_report", "the X-report is printed", as_json)


@shift.command()
@_json
@pass_context
def z(context: Context, as_json: bool) -> None:
    """Print the Z-report and close the shift; the next payment opens a new one."""
    _order(context, "shift_close", "the Z-report is printed, the shift is closed", as_json)


def _order(context: Context, what: str, done: str, as_json: bool) -> None:
    """Wait for the report; the core's reason why there is none is the error."""
    with Client(context.home.socket, "shift") as client:
        client.ask(what)
    click.echo(json.dumps({"done": what}) if as_json else done)
