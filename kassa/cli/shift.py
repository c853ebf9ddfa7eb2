"""`kassa shift`: the registrar's reports."""

from __future__ import annotations

import click

from kassa.cli.context import Context, pass_context
from kassa.control.client import Client


@click.group()
def shift() -> None:
    """X- and Z-reports; the running core prints them between two payments."""


@shift.command()
@pass_context
def x(context: Context) -> None:
    """Print the totals of the running shift; nothing is closed."""
    with Client(context.home.socket, "shift") as client:
        client.ask("x_report")
    click.echo("the X-report was ordered; what became of it: kassa status")


@shift.command()
@pass_context
def z(context: Context) -> None:
    """Print the Z-report and close the shift; the next payment opens a new one."""
    with Client(context.home.socket, "shift") as client:
        client.ask("shift_close")
    click.echo("the Z-report was ordered; what became of it: kassa status")
