"""`kassa run`: the core."""

from __future__ import annotations

import click

from kassa.cli.context import Context, pass_context


@click.command()
@click.option("--no-ui", is_flag=True, help="Do not start the customer screen.")
@pass_context
def run(context: Context, no_ui: bool) -> None:
    """Run the terminal until SIGTERM: devices, journal, importer, payment files and the customer screen."""
    from kassa import wiring  # everything the core needs; other commands need nothing of it

    wiring.run(context.home, with_ui=not no_ui)
