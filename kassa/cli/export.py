"""`kassa export`: payment files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from kassa.cli.context import Context, pass_context
from kassa.cli.journal_access import open_journal, own_journal, reach
from kassa.clock import SystemClock
from kassa.config import Config, load
from kassa.errors import KassaError
from kassa.export.batch import freeze
from kassa.export.writer import unwritten, write
from kassa.home import Home
from kassa.money import Money


@click.group()
def export() -> None:
    """Files of payments, each payment in one of them."""


@export.command()
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Default: the outgoing folder of kassa.toml.",
)
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@pass_context
def run(context: Context, out: Path | None, as_json: bool) -> None:
    """Write what waits to be written now: new payments become a batch, its file appears in DIR."""
    config = load(context.home.config)
    folder = (out or context.home.path / config.outbox.folder).absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise KassaError(f"{folder} cannot be made: {error.strerror}; name another with --out") from error
    with reach(context.home) as core:
        written = core.ask("export", folder=str(folder)) if core else _run(config, context.home, folder)
    if as_json:
        click.echo(json.dumps(written, ensure_ascii=False))
        return
    for one in written:
        click.echo(f"{one['file']}: {one['payments']} payments, {one['total']} {config.terminal.currency}")
    if not written:
        click.echo("there is nothing to write")


def _run(config: Config, home: Home, folder: Path) -> list[dict[str, Any]]:
    """What the core does when it is asked, done without it."""
    terminal = config.terminal
    with own_journal(home) as journal:
        freeze(
            journal, terminal.operator, terminal.number, SystemClock(), config.outbox.encoding, terminal.currency
        )  # fmt: skip
        files = [write(journal, batch, folder) for batch in unwritten(journal)]
    return [
        {
            "file": str(file.path),
            "payments": file.payments,
            "total": Money(file.total, terminal.currency).decimal(),
        }
        for file in files
    ]


@export.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@pass_context
def list_(context: Context, as_json: bool) -> None:
    """List the batches, oldest first."""
    currency = load(context.home.config).terminal.currency
    with open_journal(context) as journal:
        found = [
            {
                "batch": batch.number,
                "file": batch.name,
                "payments": batch.payments,
                "total": Money(batch.total, currency).decimal(),
                "until": batch.until,
                "sha256": batch.sha256,
                "written": batch.is_written,
            }
            for batch in journal.batches()
        ]
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
    else:
        _print(found)


def _print(found: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("batch", "file", "payments", "total", "until", "written")
    for one in found:
        table.add_row(
            str(one["batch"]), one["file"], str(one["payments"]), one["total"], one["until"],
            "yes" if one["written"] else "no",
        )  # fmt: skip
    Console().print(table)
