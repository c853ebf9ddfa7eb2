"""`kassa shift`: the registrar's shifts and reports."""

from __future__ import annotations

import json
from typing import Any

import click

from kassa.cli.context import Context, pass_context
from kassa.cli.journal_access import open_journal
from kassa.cli.tables import print_table
from kassa.config import load
from kassa.control.client import AskRefused, Client, CoreAbsent
from kassa.journal.records import ShiftRecord
from kassa.money import Money
from kassa.words import counted

EXIT_DIFFERS = 1


@click.group()
def shift() -> None:
    """Shifts of the registrar; the running core prints reports between two payments."""


_json = click.option("--json", "as_json", is_flag=True, help="For machines.")
_last = click.option("--last", type=click.IntRange(min=1), help="Only the newest so many.")


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


@shift.command()
@_json
@pass_context
def set_clock(context: Context, as_json: bool) -> None:
    """Set the registrar's clock to this machine's; first look whether that one is right, and close the shift."""
    _order(context, "set_clock", "the registrar's clock is set", as_json)


@shift.command(name="list")
@_last
@_json
@pass_context
def list_(context: Context, last: int | None, as_json: bool) -> None:
    """List the shifts, oldest first: what the journal holds, and what the registrar counted at the end."""
    currency = load(context.home.config).terminal.currency
    with open_journal(context) as journal:
        found = [shift_fields(one, currency) for one in journal.shifts(last)]
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
    else:
        _print(found, currency)


@shift.command()
@_last
@_json
@pass_context
def compare(context: Context, last: int | None, as_json: bool) -> None:
    """Compare journal and registrar, the running shift included; exit code 1 when they differ."""
    currency = load(context.home.config).terminal.currency
    running, left_out = _count(context)
    with open_journal(context) as journal:
        records = journal.shifts(last)
        unsettled = len(journal.fiscal_pending())
    found = [shift_fields(one, currency) for one in records]
    if running is not None:
        _enter_count(found, running)
    differing = [one for one in found if one["differs"]]
    if as_json:
        click.echo(
            json.dumps(
                {
                    "shifts": found,
                    "differ": len(differing),
                    "payments_without_document": unsettled,
                    "running_left_out": left_out,
                },
                ensure_ascii=False,
            )
        )
    else:
        _print(found, currency)
        click.echo(_verdict(found, differing, unsettled))
        if left_out is not None:
            click.echo(f"the running shift is NOT compared: {left_out}")
    if differing:
        raise SystemExit(EXIT_DIFFERS)


def shift_fields(one: ShiftRecord, currency: str) -> dict[str, Any]:
    """One shift, for machines; `counted` is the registrar's own count, null where it was never asked."""
    told = one.counted_total
    return {
        "shift": one.number,
        "drive": one.drive_serial,
        "opened_at": one.opened_at,
        "closed_at": one.closed_at,
        "receipts": one.receipts,
        "total": Money(one.total, currency).decimal(),
        "counted": None
        if told is None
        else {"receipts": one.counted_receipts, "total": Money(told, currency).decimal()},
        "differs": one.differs,
    }


def _order(context: Context, what: str, done: str, as_json: bool) -> None:
    """Wait until it is done; the core's reason why it could not be is the error."""
    with Client(context.home.socket, "shift") as client:
        client.ask(what)
    click.echo(json.dumps({"done": what}) if as_json else done)


def _count(context: Context) -> tuple[dict[str, Any] | None, str | None]:
    """The running shift as the registrar counts it now, or why it cannot be compared; neither where none is open."""
    try:
        client = Client(context.home.socket, "shift")
    except CoreAbsent:
        return None, "the terminal does not run, so nobody can ask the registrar"
    with client:
        if client.ask("status")["shift"] == "closed":
            return None, None
        try:
            counted_now: dict[str, Any] = client.ask("shift_count")
        except AskRefused as error:
            return None, str(error)
        return counted_now, None


def _enter_count(found: list[dict[str, Any]], running: dict[str, Any]) -> None:
    """Put the registrar's count of the running shift beside the journal's."""
    told = {"receipts": running["receipts"], "total": running["total"]}
    for one in reversed(found):
        if one["shift"] == running["number"] and one["closed_at"] is None:
            one["counted"] = told
            one["differs"] = told != {"receipts": one["receipts"], "total": one["total"]}
            return
    nothing = {"receipts": 0, "total": Money(0).decimal()}
    found.append(
        {
            "shift": running["number"], "drive": "", "opened_at": None, "closed_at": None, **nothing,
            "counted": told, "differs": told != nothing,
        }
    )  # fmt: skip


def _print(found: list[dict[str, Any]], currency: str) -> None:
    columns = (
        "shift",
        "fiscal drive",
        "opened",
        "closed",
        "receipts",
        "sum",
        "registrar: receipts",
        "sum",
        "",
    )
    print_table(columns, [_row(one, currency) for one in found])


def _row(one: dict[str, Any], currency: str) -> tuple[str, ...]:
    told = one["counted"]
    return (
        str(one["shift"]), one["drive"] or "-", one["opened_at"] or "-", one["closed_at"] or "is open",
        str(one["receipts"]), f"{one['total']} {currency}", str(told["receipts"]) if told else "not asked",
        f"{told['total']} {currency}" if told else "-", "DIFFERS" if one["differs"] else "",
    )  # fmt: skip


def _verdict(found: list[dict[str, Any]], differing: list[dict[str, Any]], unsettled: int) -> str:
    compared = sum(one["counted"] is not None for one in found)
    if not compared:
        return "no shift was compared: the registrar has counted none that is over"
    if not differing:
        return f"{counted(compared, 'shift')} compared, all agree"
    numbers = ", ".join(str(one["shift"]) for one in differing)
    advice = (
        f"; {counted(unsettled, 'payment')} still without document (kassa payments owed) may explain it"
        if unsettled
        else "; receipts of another program, or a document nobody knows of: compare with kassa payments list"
    )
    return f"journal and registrar differ in shift {numbers}{advice}"
