"""`kassa device`: bill validator and fiscal registrar."""

from __future__ import annotations

import json
from contextlib import suppress

import click

from kassa.cli.context import Context, pass_context
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
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@pass_context
def check(context: Context, name: str, as_json: bool) -> None:
    """Talk to one device and say what it is and what is wrong with it; exit code 1 when it cannot be used.

    While the core runs, it answers: a port has one owner.
    """
    try:
        with Client(context.home.socket, "device") as client:
            status = client.ask("status")
    except CoreAbsent:
        from kassa import wiring

        verdict = wiring.check_device(context.home, name)
    else:
        problems = [
            f"{one['text']} ({one['detail']}): {one['remedy']}"
            if one["detail"]
            else f"{one['text']}: {one['remedy']}"
            for one in status["conditions"]
            if one["code"].startswith(name)
        ]
        if not status[name] and not problems:
            problems = ["the core has not found it yet: look again in a minute"]
        verdict = {"device": name, "ok": not problems, "found": status[name], "problems": problems}
    if as_json:
        click.echo(json.dumps(verdict, ensure_ascii=False))
    else:
        click.echo(
            f"{name}: {'good' if verdict['ok'] else 'cannot be used'}: {verdict['found'] or 'no answer'}"
        )
        for problem in verdict["problems"]:
            click.echo(f"  {problem}")
    raise SystemExit(0 if verdict["ok"] else 1)


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
