"""The door of the command line: `kassa [--home DIR] NOUN VERB`."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import click

import kassa
from kassa.cli.context import Context
from kassa.errors import KassaError
from kassa.home import Home, default_home

COMMANDS = {
    "account": "kassa.cli.account:account",
    "cash": "kassa.cli.cash:cash",
    "ctl": "kassa.cli.ctl:ctl",
    "demo": "kassa.cli.demo:demo",
    "device": "kassa.cli.device:device",
    "doctor": "kassa.cli.doctor:doctor",
    "export": "kassa.cli.export:export",
    "import": "kassa.cli.imports:imports",
    "init": "kassa.cli.init:init",
    "journal": "kassa.cli.journal:journal",
    "payments": "kassa.cli.payments:payments",
    "receipt": "kassa.cli.receipt:receipt",
    "run": "kassa.cli.run:run",
    "shift": "kassa.cli.shift:shift",
    "simulate": "kassa.cli.simulate:simulate",
    "staff": "kassa.cli.staff:staff",
    "status": "kassa.cli.status:status",
    "ui": "kassa.cli.ui:ui",
}


class _Commands(click.Group):
    """Loads a command's module when it is called: `kassa run` needs no tables, `kassa status` no drivers."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, name = COMMANDS[cmd_name].split(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command


@click.command(cls=_Commands)
@click.option(
    "--home",
    type=click.Path(path_type=Path, file_okay=False),
    help="The terminal's folder. Default: $KASSA_HOME, else the user's state folder.",
)
@click.version_option(kassa.__version__)
@click.pass_context
def cli(ctx: click.Context, home: Path | None) -> None:
    """An electronic cashier for internet providers and local telecom operators."""
    ctx.obj = Context(Home((home or default_home()).absolute()))


def main() -> None:
    """Run the command line; what a person can mend is one sentence on stderr and exit code 1."""
    try:
        cli()
    except KassaError as error:
        click.echo(f"kassa: {error}", err=True)
        sys.exit(1)
    except OSError as error:  # a folder that is not ours, a disk that is full or failing
        where = f"{error.filename}: " if error.filename else ""
        click.echo(f"kassa: {where}{error.strerror or error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
