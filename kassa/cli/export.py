"""`kassa export`: payment files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from kassa.cli.context import Context, pass_context
from kassa.cli.journal_access import open_journal, own_journal, reach
from kassa.cli.tables import print_table
from kassa.clock import SystemClock
from kassa.config import Config, load
from kassa.errors import KassaError
from kassa.export.writer import (
    described,
    file_of,
    make_folder,
    note_written,
    outgoing_folder,
    waiting,
    write,
)
from kassa.home import Home
from kassa.money import Money
from kassa.words import counted


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
    folder = _folder(context.home, config, out)
    with reach(context.home) as core:
        written = core.ask("export", folder=str(folder)) if core else _run(config, context.home, folder)
    if as_json:
        click.echo(json.dumps(written, ensure_ascii=False))
        return
    for one in written:
        click.echo(
            f"{one['file']}: {counted(one['payments'], 'payment')}, {one['total']} {config.terminal.currency}"
        )
    if not written:
        click.echo("there is nothing to write")


@export.command()
@click.argument("batch", type=click.IntRange(min=1))
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Default: the outgoing folder of kassa.toml.",
)
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@pass_context
def again(context: Context, batch: int, out: Path | None, as_json: bool) -> None:
    """Write BATCH once more, byte for byte as it was first written."""
    config = load(context.home.config)
    folder = _folder(context.home, config, out)
    with open_journal(context) as journal:
        if journal.batch(batch) is None:
            raise KassaError(f"there is no batch {batch}; see: kassa export list")
        file = file_of(journal, batch)
    write(file, folder)
    written = described(file, folder, config.terminal.currency)
    click.echo(
        json.dumps(written, ensure_ascii=False)
        if as_json
        else f"{written['file']}: {counted(written['payments'], 'payment')}, {written['total']} {config.terminal.currency}"
    )


def _folder(home: Home, config: Config, out: Path | None) -> Path:
    """Where to write: a folder that a person names is made; that of kassa.toml only inside the home."""
    if out is None:
        return outgoing_folder(home.path, config.outbox.folder)
    try:
        str(out).encode()
    except UnicodeError as error:
        raise KassaError(f"the name {str(out)!a} is not UTF-8; name another folder with --out") from error
    folder = out.absolute()
    make_folder(folder)
    return folder


def _run(config: Config, home: Home, folder: Path) -> list[dict[str, Any]]:
    """What the core does when it is asked, done without it."""
    with own_journal(home) as journal:
        files = waiting(journal, SystemClock(), config.terminal, config.outbox.encoding)
        for file in files:
            write(file, folder)
            note_written(journal, file.batch, file.name)
    return [described(file, folder, config.terminal.currency) for file in files]


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
    rows = [
        (
            str(one["batch"]), one["file"], str(one["payments"]), one["total"], one["until"],
            "yes" if one["written"] else "no",
        )
        for one in found
    ]  # fmt: skip
    print_table(("batch", "file", "payments", "total", "until", "written"), rows)
