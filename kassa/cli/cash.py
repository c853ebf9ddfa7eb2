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
from kassa.errors import KassaError
from kassa.journal.store import Journal
from kassa.words import counted


@click.group()
def cash() -> None:
    """The notes in the cassette, and where those before them went."""


_json = click.option("--json", "as_json", is_flag=True, help="For machines.")
_by = click.option("--by", required=True, metavar="NAME", help="Who says so; it stands in the journal.")
_removal = click.option(
    "--removal", type=click.IntRange(1), help="Which time, where it left more than once: see show."
)


@cash.command()
@click.option(
    "--collection", "number", type=click.IntRange(1), help="Show the slip of this collection again."
)
@_json
@pass_context
def show(context: Context, number: int | None, as_json: bool) -> None:
    """Show what lies in the cassette by the journal, or what lay in one that was collected."""
    currency = load(context.home.config).terminal.currency
    with open_journal(context) as journal:
        found = _contents(journal, currency) if number is None else _collection(journal, number, currency)
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
    elif number is not None:
        _print_slip(found, currency)
    else:
        _print_contents(found, currency)


def _contents(journal: Journal, currency: str) -> dict[str, Any]:
    removals = [
        {"removal": one.seq, **c.cassette_fields(journal.lies_in_cassette(one), currency)}
        for one in journal.removals()
    ]
    now = c.cassette_fields(journal.lies_in_cassette(), currency)
    return {
        **now,
        "is_out": journal.cassette_is_out(),
        "unexplained": removals,
        "documents_pending": len(journal.fiscal_pending()),
        "documents_unprinted": len(journal.unprinted()),
    }


def _collection(journal: Journal, number: int, currency: str) -> dict[str, Any]:
    found = [one for one in journal.collections() if one.number == number]
    if not found:
        raise KassaError(f"there is no collection {number}; see: kassa cash list")
    return c.collection_fields(found[0], currency)


@cash.command()
@_by
@_removal
@_json
@pass_context
def collect(context: Context, by: str, removal: int | None, as_json: bool) -> None:
    """Say that an empty cassette took the place of the full one; answered by what must lie in that."""
    currency = load(context.home.config).terminal.currency
    with reach(context.home) as core:
        if core:
            found = core.ask("cash_collect", by=by, removal=str(removal or ""))
        else:
            with own_journal(context.home) as journal:
                found = c.collection_fields(c.collect(journal, by, removal), currency)
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
    else:
        _print_slip(found, currency)


@cash.command()
@_by
@_removal
@_json
@pass_context
def put_back(context: Context, by: str, removal: int | None, as_json: bool) -> None:
    """Say that the cassette was put back as it was, and nothing was taken out of it."""
    with reach(context.home) as core:
        if core:
            left_at = core.ask("cash_put_back", by=by, removal=str(removal or ""))
        else:
            with own_journal(context.home) as journal:
                left_at = c.put_back(journal, by, removal).at
    done = f"written down: the cassette that left at {left_at} is back with all that was in it"
    click.echo(json.dumps({"left_at": left_at}) if as_json else done)


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
        ("collection", "left at", "said at", "by", "notes", "sum", "to look for"),
        [
            (
                str(one["collection"]), one["until"], one["at"], one["by"], str(one["count"]),
                f"{one['total']} {currency}", _to_look_for(one) or "-",
            )
            for one in found
        ],
    )  # fmt: skip


# --- how it is shown ------------------------------------------------------------------------------------------


def _print_contents(found: dict[str, Any], currency: str) -> None:
    for one in found["unexplained"]:
        click.echo(
            f"removal {one['removal']}: the cassette left at {one['until']}, and nobody said why; in it lay"
        )
        _print(one, currency)
    if found["unexplained"]:
        click.echo("it was changed for an empty one:  kassa cash collect --by NAME")
        click.echo("it was put back as it was:        kassa cash put-back --by NAME")
        click.echo("")
    place = "; the cassette is out of its place" if found["is_out"] else ""
    click.echo(f"all since {found['since'] or 'the first note'}{place}")
    _print(found, currency)
    if found["documents_pending"]:
        click.echo(f"{counted(found['documents_pending'], 'payment')} without document: kassa payments owed")
    if found["documents_unprinted"]:
        unprinted = counted(found["documents_unprinted"], "document")
        click.echo(f"{unprinted} without paper: kassa payments unprinted")


def _print_slip(found: dict[str, Any], currency: str) -> None:
    click.echo(f"collection {found['collection']}, by {found['by']}, said at {found['at']}")
    click.echo(f"the cassette left at {found['until']}, with all since {found['since'] or 'the first note'}")
    _print(found, currency)
    click.echo(f"journal: entry {found['entry']}, {found['head']}")


def _print(found: dict[str, Any], currency: str) -> None:
    """A cassette as the one who counts it needs it: notes by value, the sum, and what to look for."""
    rows = [
        (f"{one['value']} {currency}", str(one["count"]), str(Decimal(one["value"]) * one["count"]))
        if one["value"]
        else ("of unknown value", str(one["count"]), "?")
        for one in found["notes"]
    ]
    print_table(("note", "how many", "sum"), [*rows, ("all", str(found["count"]), found["total"])])
    for orphan in found["orphans"]:
        value = f"{orphan['value']} {currency}" if orphan["value"] else "of unknown value"
        click.echo(f"note {orphan['note']}, {value}: belongs to no payment; count it separately")
    for note in found["uncertain"]:
        click.echo(
            f"note {note['note']}, {note['value']} {currency}: credited without proof (payment {note['payment']});"
            " it may be missing"
        )
    for note in found["perhaps_in_the_one_before"]:
        click.echo(f"note {note} was on its way when the cassette before left; it may lie in that one")
    for note in found["perhaps_of_the_one_behind"]:
        click.echo(
            f"note {note} was on its way when this cassette left; counted in the next one, it may lie here"
        )
    if found["validator"]:
        click.echo(_compared(found["validator"]))


def _compared(count: dict[str, Any]) -> str:
    if count["counted"] == count["booked"]:
        return f"the count of validator {count['unit']} agrees, as far as it told one: {counted(count['booked'], 'note')}"
    told = f"the count of validator {count['unit']} DIFFERS: {counted(count['counted'], 'note')}"
    return f"{told} where the journal holds {count['booked']}; count the cassette twice"


def _to_look_for(one: dict[str, Any]) -> str:
    parts = []
    if one["orphans"]:
        parts.append(counted(len(one["orphans"]), "orphan"))
    if one["uncertain"]:
        parts.append(f"{len(one['uncertain'])} uncertain")
    if one["validator"] and one["validator"]["counted"] != one["validator"]["booked"]:
        parts.append("the validator's own count differs")
    return ", ".join(parts)
