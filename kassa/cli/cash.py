"""`kassa cash`: what lies in the cassette, and its collections."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import click

from kassa import collection as c
from kassa.cli.context import Context, pass_context
from kassa.cli.journal_access import open_journal, own_journal, reach
from kassa.cli.tables import print_table
from kassa.config import load
from kassa.words import counted

UNKNOWN = "0.00"


@click.group()
def cash() -> None:
    """The notes in the cassette, and where those before them went."""


_json = click.option("--json", "as_json", is_flag=True, help="For machines.")
_by = click.option(
    "--by", required=True, metavar="NAME", help="Who says so; it stands in the journal and on the slip."
)


@cash.command()
@_json
@pass_context
def show(context: Context, as_json: bool) -> None:
    """Show what lies in the cassette by the journal."""
    currency = load(context.home.config).terminal.currency
    with open_journal(context) as journal:
        removal = journal.removal()
        found = {
            **c.cassette_fields(journal.lies_in_cassette(), currency),
            "is_out": journal.cassette_is_out(),
            "unexplained_since": removal and removal.at,
        }
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
        return
    click.echo(f"since {found['since'] or 'the first note'}")
    _print(found, currency)
    if found["unexplained_since"]:
        where = "is out of its place" if found["is_out"] else "was out of its place"
        click.echo(f"the cassette {where} ({found['unexplained_since']}), and nobody said what became of it:")
        click.echo("  it was changed for an empty one:  kassa cash collect --by NAME")
        click.echo("  it was put back as it was:        kassa cash put-back --by NAME")


@cash.command()
@_by
@_json
@pass_context
def collect(context: Context, by: str, as_json: bool) -> None:
    """Say that an empty cassette took the place of the full one; print what must lie in that."""
    currency = load(context.home.config).terminal.currency
    with reach(context.home) as core:
        if core:
            found = core.ask("cash_collect", by=by)
        else:
            with own_journal(context.home) as journal:
                found = c.collection_fields(c.collect(journal, by), currency)
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
        return
    click.echo(f"collection {found['collection']}, {found['at']}, by {found['by']}")
    click.echo(f"notes since {found['since'] or 'the first one'}")
    _print(found, currency)
    click.echo(f"journal: entry {found['entry']}, {found['head']}")


@cash.command()
@_by
@_json
@pass_context
def put_back(context: Context, by: str, as_json: bool) -> None:
    """Say that the cassette was put back as it was, and nothing was taken out of it."""
    with reach(context.home) as core:
        if core:
            core.ask("cash_put_back", by=by)
        else:
            with own_journal(context.home) as journal:
                c.put_back(journal, by)
    done = "written down: the cassette is back, with all that was in it"
    click.echo(json.dumps({"done": "put_back"}) if as_json else done)


@cash.command(name="list")
@click.option("--last", type=click.IntRange(min=1), help="Only the newest so many.")
@_json
@pass_context
def list_(context: Context, last: int | None, as_json: bool) -> None:
    """List the collections, oldest first."""
    currency = load(context.home.config).terminal.currency
    with open_journal(context) as journal:
        found = [c.collection_fields(one, currency) for one in journal.collections(last)]
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
        return
    print_table(
        ("collection", "when", "by", "notes", "sum", "to look for"),
        [
            (
                str(one["collection"]), one["at"], one["by"], str(one["count"]), f"{one['total']} {currency}",
                _to_look_for(one) or "-",
            )
            for one in found
        ],
    )  # fmt: skip


def _print(found: dict[str, Any], currency: str) -> None:
    """A cassette as the one who counts it needs it: notes by value, the sum, and what to look for."""
    known = {value: notes for value, notes in found["notes"].items() if value != UNKNOWN}
    rows = [
        (f"{value} {currency}", str(notes), str(Decimal(value) * notes)) for value, notes in known.items()
    ]
    if UNKNOWN in found["notes"]:
        rows.append(("of unknown value", str(found["notes"][UNKNOWN]), "?"))
    print_table(("note", "how many", "sum"), [*rows, ("all", str(found["count"]), found["total"])])
    for orphan in found["orphans"]:
        value = f"{orphan['value']} {currency}" if orphan["value"] else "of unknown value"
        click.echo(f"note {orphan['note']}, {value}: belongs to no payment; count it separately")
    for note in found["uncertain"]:
        click.echo(
            f"note {note['note']}, {note['value']} {currency}: credited without proof (payment {note['payment']});"
            " it may be missing"
        )
    if found["validator"]:
        click.echo(_compared(found["validator"]))


def _compared(count: dict[str, Any]) -> str:
    if count["counted"] == count["booked"]:
        return f"validator {count['unit']} has counted as many notes as the journal"
    told = f"validator {count['unit']} has counted {counted(count['counted'], 'note')}"
    return f"{told} where the journal holds {count['booked']}: COUNT THE CASSETTE TWICE"


def _to_look_for(one: dict[str, Any]) -> str:
    parts = []
    if one["orphans"]:
        parts.append(counted(len(one["orphans"]), "orphan"))
    if one["uncertain"]:
        parts.append(f"{len(one['uncertain'])} uncertain")
    if one["validator"] and one["validator"]["counted"] != one["validator"]["booked"]:
        parts.append("the validator's own count differs")
    return ", ".join(parts)
