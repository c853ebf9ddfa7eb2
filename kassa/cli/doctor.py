"""`kassa doctor`: whether this machine and this home can serve customers."""

from __future__ import annotations

import ctypes.util
import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

import click

from kassa.cli.context import Context, pass_context
from kassa.config import Config, load
from kassa.control.client import Client, CoreAbsent
from kassa.enquiry import is_old
from kassa.errors import KassaError
from kassa.home import Home, data_folder
from kassa.subscribers import Snapshot, current_path


@dataclass(frozen=True)
class Finding:
    """One thing looked at."""

    what: str
    ok: bool
    found: str
    remedy: str = ""


@click.command()
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@pass_context
def doctor(context: Context, as_json: bool) -> None:
    """Look at all that a working terminal needs, and say what to do where something is missing."""
    findings = list(_look(context.home))
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings], ensure_ascii=False))
    else:
        for finding in findings:
            click.echo(f"{'  ok' if finding.ok else 'FAIL'}  {finding.what}: {finding.found}")
            if not finding.ok:
                click.echo(f"      -> {finding.remedy}")
    raise SystemExit(0 if all(finding.ok for finding in findings) else 1)


def _look(home: Home) -> Iterator[Finding]:
    yield _try("shared data", lambda: str(data_folder()), "install kassa again")
    yield _graphics()
    try:
        config = load(home.config)
    except KassaError as error:
        yield Finding("configuration", False, str(error), "correct kassa.toml, then look again")
        return
    yield Finding("configuration", True, f"terminal {config.terminal.number} of {config.terminal.owner}")
    yield _folders(home)
    yield _disk(home, config)
    yield from _ports(home, config)
    yield _data(home, config)
    yield _core(home)


def _try(what: str, look: Callable[[], str], remedy: str) -> Finding:
    try:
        return Finding(what, True, look())
    except KassaError as error:
        return Finding(what, False, str(error), remedy)


def _graphics() -> Finding:
    missing = [name for name in ("GL", "EGL") if ctypes.util.find_library(name) is None]
    if missing:
        return Finding("graphics", False, f"lib{missing[0]} is missing", "apt-get install libgl1 libegl1")
    return Finding("graphics", True, "libGL and libEGL are there")


def _folders(home: Home) -> Finding:
    closed = [
        str(folder)
        for folder in (
            home.inbox,
            home.outbox,
            home.snapshots,
            home.journal.parent,
            home.quarantine,
            home.run,
        )
        if not os.access(folder, os.W_OK | os.X_OK)
    ]
    if closed:
        return Finding(
            "folders", False, f"cannot write to {', '.join(closed)}", f"give this user rights to {home.path}"
        )
    return Finding("folders", True, str(home.path))


def _disk(home: Home, config: Config) -> Finding:
    free_mb = shutil.disk_usage(home.path).free >> 20
    enough = free_mb >= config.disk.free_min_mb
    return Finding("disk", enough, f"{free_mb} MB free", f"free {config.disk.free_min_mb} MB or more")


def _ports(home: Home, config: Config) -> Iterator[Finding]:
    for name, port in (("validator", config.validator.port), ("registrar", config.registrar.port)):
        path = Path(home.path / port)
        usable = path.exists() and os.access(path, os.R_OK | os.W_OK)
        yield Finding(
            f"{name} port",
            usable,
            str(path),
            f"plug it in, set {name}.port, add this user to the group dialout",
        )


def _data(home: Home, config: Config) -> Finding:
    remedy = f"drop a subscriber file into {home.inbox}"
    try:
        path = current_path(home.snapshots)
        if path is None:
            return Finding("subscriber data", False, "none", remedy)
        snapshot = Snapshot.open(path)
    except KassaError as error:
        return Finding("subscriber data", False, str(error), remedy)
    info = snapshot.info
    snapshot.close()
    old = is_old(info, datetime.now().astimezone(), config.data.warn_after_h)
    found = f"{info.accounts} accounts as of {info.as_of:%d.%m.%Y %H:%M}"
    return Finding("subscriber data", not old, found, remedy)


def _core(home: Home) -> Finding:
    try:
        with Client(home.socket, "doctor") as client:
            status = client.ask("status")
    except CoreAbsent:
        return Finding("core", False, "does not run", "start it with: kassa run")
    if status["takes_cash"]:
        return Finding("core", True, "runs and takes cash")
    return Finding("core", False, f"takes no cash: {status['blocked']}", "see: kassa status")
