"""`kassa staff`: who works here, and their PINs."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta
from typing import Any

import click

from kassa import staff as s
from kassa.cli.context import Context, pass_context
from kassa.cli.journal_access import open_journal, reach
from kassa.cli.pin import read_pin
from kassa.cli.tables import print_table
from kassa.clock import SystemClock
from kassa.config import load
from kassa.home import Home
from kassa.journal.store import Journal


@click.group()
def staff() -> None:
    """Who works here: name, role and PIN; every change stands in the journal."""


_json = click.option("--json", "as_json", is_flag=True, help="For machines.")


@staff.command()
@click.argument("name")
@click.option("--role", type=click.Choice(s.ROLES), required=True, help="What they may do here.")
@_json
@pass_context
def add(context: Context, name: str, role: str, as_json: bool) -> None:
    """Take NAME in, with a PIN of 4 to 12 digits: typed twice, or a line on stdin."""
    terminal = load(context.home.config).terminal.number
    pin = read_pin(f"new PIN of {name}", is_new=True)
    found = _change(
        context.home,
        ("staff_add", {"name": name, "role": role, "pin": pin}),
        lambda journal: s.add(context.home, journal, name, role, s.hashed(pin, terminal)),
    )
    _tell(found, f"{found['name']} is {_role(found['role'])} here", as_json)


@staff.command()
@click.argument("name")
@_json
@pass_context
def pin(context: Context, name: str, as_json: bool) -> None:
    """Set a new PIN for NAME: typed twice, or a line on stdin; it ends a lock by wrong ones, too."""
    terminal = load(context.home.config).terminal.number
    new = read_pin(f"new PIN of {name}", is_new=True)
    found = _change(
        context.home,
        ("staff_pin", {"name": name, "pin": new}),
        lambda journal: s.change_pin(context.home, journal, name, s.hashed(new, terminal)),
    )
    _tell(found, f"{found['name']} has a new PIN", as_json)


@staff.command()
@click.argument("name")
@_json
@pass_context
def remove(context: Context, name: str, as_json: bool) -> None:
    """Let NAME go; what they decided stays in the journal."""
    found = _change(
        context.home,
        ("staff_remove", {"name": name}),
        lambda journal: s.remove(context.home, journal, name),
    )
    _tell(found, f"{found['name']} belongs to the staff no more", as_json)


@staff.command(name="list")
@_json
@pass_context
def list_(context: Context, as_json: bool) -> None:
    """List the staff, and whose name is locked by wrong PINs."""
    people = sorted(s.read(context.home).values(), key=lambda one: s.key_of(one.name))
    found: list[dict[str, Any]] = [{**s.fields(one), "wrong_pins": 0, "locked_until": None} for one in people]
    if context.home.journal.exists():
        with open_journal(context) as journal:
            found = [{**s.fields(one), **_lock(journal, one.name)} for one in people]
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
    elif not found:
        click.echo("nobody is known here yet: kassa staff add NAME --role ROLE")
    else:
        rows = [
            (one["name"], _role(one["role"]), str(one["wrong_pins"] or "-"), one["locked_until"] or "-")
            for one in found
        ]
        print_table(("name", "role", "wrong PINs", "locked until"), rows)


def _change(home: Home, ask: tuple[str, dict[str, str]], by_hand: Callable[[Journal], s.Person]) -> Any:
    """The running core does it, which has the journal; else we do, with no core able to start meanwhile.

    The journal may begin with this: staff are taken in before the first start.
    """
    with reach(home) as core:
        if core:
            what, values = ask
            return core.ask(what, **values)
        with closing(Journal.open(home.journal, SystemClock())) as journal:
            return s.fields(by_hand(journal))


def _lock(journal: Journal, name: str) -> dict[str, Any]:
    wrong = journal.wrong_pins(name)
    if wrong is None:
        return {"wrong_pins": 0, "locked_until": None}
    until = datetime.fromisoformat(wrong.at) + timedelta(seconds=s.pause_s(wrong.count))
    is_locked = until > SystemClock().now()
    return {
        "wrong_pins": wrong.count,
        "locked_until": until.isoformat(timespec="seconds") if is_locked else None,
    }


def _role(role: str) -> str:
    return role.replace("_", " ")


def _tell(found: dict[str, Any], words: str, as_json: bool) -> None:
    click.echo(json.dumps(found, ensure_ascii=False) if as_json else words)
