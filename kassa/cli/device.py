"""`kassa device`: bill validator and fiscal registrar."""

from __future__ import annotations

import json

import click

from kassa.cli.context import Context, pass_context
from kassa.config import load
from kassa.control.client import Client, CoreAbsent

NAMES = ("validator", "registrar")


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
