"""`kassa ui`: the customer screen."""

from __future__ import annotations

import logging
import re
import sys

import click
import msgspec

from kassa.cli.context import Context, pass_context
from kassa.config import Ui, load


@click.command()
@click.option("--lifeline", is_flag=True, help="End when stdin closes: so the core takes its screen along.")
@click.option("--size", metavar="WxH", help="A window of this size instead of the screen of kassa.toml.")
@pass_context
def ui(context: Context, lifeline: bool, size: str | None) -> None:
    """Show the customer screen. It needs a running core to show more than that it waits for one."""
    config = load(context.home.config)
    settings = window_of(size) if size else config.ui
    context.home.make()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")

    from kassa.ui.window import prepare

    prepare(context.home.run / "kivy", settings)
    from kassa.ui import process  # Kivy opens its window while it is imported, as it was prepared to

    app, client = process.open_screen(context.home, config)
    if lifeline:
        process.end_with(sys.stdin.buffer, app.stop)
    process.run(app, client)


def window_of(size: str) -> Ui:
    """Settings for a plain window of `WxH` pixels. Raises BadParameter."""
    match = re.fullmatch(r"(\d{3,4})x(\d{3,4})", size, re.ASCII)
    if match is None:
        raise click.BadParameter(f"{size!r} is not a size; write it like 1280x1024", param_hint="--size")
    return msgspec.structs.replace(Ui(), width=int(match[1]), height=int(match[2]), fullscreen=False)
