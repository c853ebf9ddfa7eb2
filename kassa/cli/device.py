"""`kassa device`: bill validator and fiscal registrar."""

from __future__ import annotations

import json
import sys
from contextlib import suppress

import click

from kassa.cli.context import Context, pass_context
from kassa.cli.device_hands import as_fields, by_core, by_hand, scanned
from kassa.cli.device_log import (
    PAYMENT,
    RUN_MAX_S,
    TIME_OF_DAY,
    as_it_passes,
    fields_of,
    lines_of,
    of_payment,
    of_time,
    since_of,
)
from kassa.cli.journal_access import reach
from kassa.config import load
from kassa.control.client import Client, CoreAbsent

NAMES = ("validator", "registrar")
MINUTES = 10
"""What `device log` tells when it is not asked for a time: a technician looks at what just happened."""


@click.group()
def device() -> None:
    """See and check the devices."""


@device.command("list")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@pass_context
def list_devices(context: Context, as_json: bool) -> None:
    """The configured devices, and what the running core knows of them."""
    config = load(context.home.config)
    try:
        with Client(context.home.socket, "device") as client:
            known = client.ask("status")
    except CoreAbsent:
        known = {}
    found = [
        {
            "name": name,
            "protocol": getattr(config, name).protocol,
            "port": getattr(config, name).port,
            "speed": getattr(config, name).speed,
            "model": known.get(name),
        }
        for name in NAMES
    ]
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
        return
    for one in found:
        model = one["model"] or ("not found yet" if known else "the core does not run")
        click.echo(f"{one['name']}: {one['protocol']} at {one['port']}, {one['speed']} baud: {model}")


@device.command()
@click.argument("name", type=click.Choice(NAMES))
@click.option("--no-note", is_flag=True, help="Do not ask for a note to be put in and given back.")
@click.option("--no-cassette", is_flag=True, help="Do not ask for the cassette to be taken out.")
@click.option("--json", "as_json", is_flag=True, help="For machines; nobody is asked for anything.")
@pass_context
def check(context: Context, name: str, no_note: bool, no_cassette: bool, as_json: bool) -> None:
    """Talk to one device and say what it is and what is wrong with it; exit code 1 when it cannot be used.

    While the core runs, it answers: a port has one owner. Else the bill validator is tested step by step: insert a note
    when you are asked to, it comes back. A validator that has something to tell of a note is left to the core.
    """
    has_hands = not as_json and sys.stdin.isatty()
    with reach(context.home) as core:
        if core is not None:
            verdict = by_core(name, core.ask("status"))
        elif name == "validator":
            verdict = by_hand(
                context.home, is_told=not as_json, has_hands=has_hands, with_note=not no_note,
                with_cassette=not no_cassette,
            )  # fmt: skip
        else:
            verdict = None
    if verdict is None:  # it takes the core's lock itself
        from kassa import wiring

        verdict = wiring.check_registrar(context.home)
    if as_json:
        click.echo(json.dumps(verdict, ensure_ascii=False))
    else:
        click.echo(
            f"{name}: {'good' if verdict['ok'] else 'cannot be used'}: {verdict['found'] or 'no answer'}"
        )
        for fact in verdict.get("facts", ()):
            click.echo(f"  {fact}")
        for words in verdict["problems"] if "steps" not in verdict else filter(None, [verdict["remedy"]]):
            click.echo(f"  {words}")
    raise SystemExit(0 if verdict["ok"] else 1)


@device.command()
@click.option(
    "--port", "named", multiple=True, help="Only this port; may be given again. Default: all there are."
)
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@pass_context
def scan(context: Context, named: tuple[str, ...], as_json: bool) -> None:
    """Find out what is connected to which port, and print the piece of kassa.toml for it; it disturbs no device.

    Exit code 1 when nothing was found. While the core runs its ports are left alone: stop it first.
    """
    seen = scanned(context.home, named)
    if as_json:
        click.echo(json.dumps([as_fields(one) for one in seen], ensure_ascii=False))
    else:
        for one in seen:
            click.echo(f"{one.port}: {one.words}")
        for one in seen:
            if one.paste:
                click.echo(f"\n{one.paste}")
        if not seen:
            click.echo("there is no port: plug the adapters in, or name one with --port")
    raise SystemExit(0 if any(one.found is not None for one in seen) else 1)


@device.command()
@click.argument("name", type=click.Choice(NAMES))
@click.option("--raw", "is_raw", is_flag=True, help="Every frame in a line of its own, with its bytes.")
@click.option("--json", "as_json", is_flag=True, help="For machines: one object a line.")
@pass_context
def watch(context: Context, name: str, is_raw: bool, as_json: bool) -> None:
    """Tell what passes on a device's line, as it passes, until Ctrl-C; it disturbs nobody.

    "->" is what the terminal says, "<-" what the device answers, "--" what becomes of the port. Equal questions and
    answers in a row are one line.
    """
    records = as_it_passes(context.home, name)
    with suppress(KeyboardInterrupt):
        if as_json:
            for fields in fields_of(records):
                click.echo(json.dumps(fields, ensure_ascii=False))
        else:
            for line in lines_of(records, is_raw=is_raw, run_max_s=RUN_MAX_S):
                click.echo(line)


@device.command()
@click.argument("name", type=click.Choice(NAMES))
@click.option("--payment", help="What passed during this payment; its number is on the receipt.")
@click.option("--since", help="From the last time the clock showed HH:MM.")
@click.option("--minutes", type=click.IntRange(min=1), help="The last N minutes. Default: 10.")
@click.option("--raw", "is_raw", is_flag=True, help="Every frame in a line of its own, with its bytes.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@pass_context
def log(
    context: Context,
    name: str,
    payment: str | None,
    since: str | None,
    minutes: int | None,
    is_raw: bool,
    as_json: bool,
) -> None:
    """Tell what passed on a device's line: lately, or during one payment.

    The last hours are there whatever became of the terminal meanwhile, and the time of each of the last payments.
    """
    if (payment is not None) + (since is not None) + (minutes is not None) > 1:
        raise click.UsageError("give one of --payment, --since and --minutes")
    if payment is not None and not PAYMENT.fullmatch(payment):
        raise click.BadParameter("it is printed on the receipt like 00042-0000000001", param_hint="--payment")
    if since is not None and not TIME_OF_DAY.fullmatch(since):
        raise click.BadParameter("a time of day like 23:05", param_hint="--since")
    if payment is not None:
        records = of_payment(context, name, payment)
    else:
        records = of_time(context.home, name, since_of(since, minutes or MINUTES))
    if as_json:
        click.echo(json.dumps(list(fields_of(records)), ensure_ascii=False))
    else:
        for line in lines_of(records, is_raw=is_raw):
            click.echo(line)
