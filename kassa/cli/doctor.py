"""`kassa doctor`: whether this machine and this home can serve customers, and what to do where they cannot."""

from __future__ import annotations

import ctypes.util
import json
import os
import platform
import shutil
import stat
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import apsw
import click

import kassa
from kassa.cli.context import Context, pass_context
from kassa.cli.journal_access import own_journal, reach
from kassa.clock import SystemClock
from kassa.config import NETWORK, USB, WEB, Config, load
from kassa.enquiry import is_old
from kassa.errors import KassaError
from kassa.fiscal.template import load_templates
from kassa.home import Home, data_folder
from kassa.subscribers import Snapshot, current_path
from kassa.words import counted

CLOCK_BEHIND_MAX = timedelta(minutes=5)
"""A clock that is so far behind the journal's last entry has forgotten the time; corrections are smaller."""


@dataclass(frozen=True)
class Finding:
    """One thing looked at; `remedy` says what to do when it is not good."""

    what: str
    ok: bool
    found: str
    remedy: str = ""


@click.command()
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@pass_context
def doctor(context: Context, as_json: bool) -> None:
    """Look at all that a working terminal needs; exit code 1 when something is missing, with what to do about it."""
    findings = list(_look(context.home))
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings], ensure_ascii=False))
    else:
        for finding in findings:
            click.echo(f"{'     ok' if finding.ok else 'PROBLEM'}  {finding.what}: {finding.found}")
            if not finding.ok:
                click.echo(f"         -> {finding.remedy}")
    raise SystemExit(0 if all(finding.ok for finding in findings) else 1)


def _look(home: Home) -> Iterator[Finding]:
    versions = (
        f"kassa {kassa.__version__}, Python {platform.python_version()}, SQLite {apsw.sqlite_lib_version()}"
    )
    yield Finding("versions", True, versions)
    yield _try("shared data", lambda: str(data_folder()), "install kassa again")
    yield _graphics()
    try:
        config = load(home.config)
    except KassaError as error:
        yield Finding("configuration", False, str(error), "correct kassa.toml, then look again")
        return
    yield Finding("configuration", True, f"terminal {config.terminal.number} of {config.terminal.owner}")
    yield from _folders(home, config)
    yield _disk(home, config)
    yield from _ports(home, config)
    yield _profiles(home, config)
    yield _try(
        "receipts",
        lambda: ", ".join(load_templates(config, home)),
        "correct it; see it with: kassa receipt preview",
    )
    yield _data(home, config)
    yield from _core_and_journal(home)


def _try(what: str, look: Callable[[], str], remedy: str) -> Finding:
    try:
        return Finding(what, True, look())
    except KassaError as error:
        return Finding(what, False, str(error), remedy)


def _graphics() -> Finding:
    missing = [f"lib{name}" for name in ("GL", "EGL") if ctypes.util.find_library(name) is None]
    if missing:
        words = f"{' and '.join(missing)} missing"
        return Finding(
            "graphics", False, words, "apt-get install libgl1 libegl1; without them there is no screen"
        )
    return Finding("graphics", True, "libGL and libEGL are there")


def _folders(home: Home, config: Config) -> Iterator[Finding]:
    own = (home.snapshots, home.journal.parent, home.quarantine, home.logs, home.run)
    theirs = (home.path / config.outbox.folder, *(home.path / inbox.folder for inbox in config.inbox))
    missing = [str(folder) for folder in (*own, *theirs) if not folder.is_dir()]
    closed = [
        str(folder)
        for folder in (*own, *theirs)
        if folder.is_dir() and not os.access(folder, os.R_OK | os.W_OK | os.X_OK)
    ]
    if missing:
        words, remedy = f"missing: {', '.join(missing)}", "make them, or plug in the medium they are on"
    elif closed:
        words, remedy = (
            f"cannot write to {', '.join(closed)}",
            f"give this user rights to them, or run as {_owner(home)}",
        )
    else:
        words, remedy = str(home.path), ""
    yield Finding("folders", not missing and not closed, words, remedy)

    open_to_others = stat.S_IMODE(home.path.stat().st_mode) & 0o007
    yield Finding(
        "permissions", not open_to_others,
        f"{home.path} is open to every user of this machine" if open_to_others else f"{home.path} is closed to others",
        f"chmod o= {home.path}",
    )  # fmt: skip


def _owner(home: Home) -> str:
    try:
        return home.path.owner()
    except KeyError:
        return f"user {home.path.stat().st_uid}"


def _disk(home: Home, config: Config) -> Finding:
    free_mb = shutil.disk_usage(home.path).free >> 20
    enough = free_mb >= config.disk.free_min_mb
    remedy = f"free {config.disk.free_min_mb} MB or more: no cash is taken until then"
    return Finding("disk", enough, f"{free_mb} MB free", remedy)


def _ports(home: Home, config: Config) -> Iterator[Finding]:
    for name, port in (("validator", config.validator.port), ("registrar", config.registrar.port)):
        path = Path(home.path / port)
        if port.startswith((NETWORK, WEB)):
            words, remedy = f"{port}, in the network", ""
        elif port == USB:
            words, remedy = f"{port}, where the maker's library finds it", ""
        elif not path.exists():
            words, remedy = (
                f"{path} is not there",
                f"plug it in and switch it on, or set {name}.port in kassa.toml",
            )
        elif not path.is_char_device():
            words, remedy = f"{path} is no port", f"set {name}.port in kassa.toml"
        elif not os.access(path, os.R_OK | os.W_OK):
            words, remedy = (
                f"{path} is not open to this user",
                "usermod -a -G dialout USER, then log in again",
            )
        else:
            words, remedy = str(path), ""
        yield Finding(f"{name} port", not remedy, words, remedy)


def _profiles(home: Home, config: Config) -> Finding:
    """A profile that is not there would be found out by the clerk's first file, which is quarantined for it."""
    folders = (home.path / "profiles", data_folder() / "profiles")
    names = sorted({inbox.profile for inbox in config.inbox})
    missing = [name for name in names if not any((folder / f"{name}.toml").is_file() for folder in folders)]
    if missing:
        words = f"{', '.join(missing)}: neither in {folders[0]} nor in {folders[1]}"
        return Finding("profiles", False, words, "correct inbox.profile in kassa.toml, or write the profile")
    return Finding("profiles", True, ", ".join(names) or "no folder is watched")


def _data(home: Home, config: Config) -> Finding:
    remedy = f"drop a new subscriber file into {home.inbox}; kassa import list says what became of the last"
    try:
        path = current_path(home.snapshots)
        if path is None:
            return Finding("subscriber data", False, "none yet", remedy)
        snapshot = Snapshot.open(path)
    except KassaError as error:
        return Finding("subscriber data", False, str(error), remedy)
    info = snapshot.info
    snapshot.close()
    old = is_old(info, SystemClock().now(), config.data.warn_after_h)
    found = f"{counted(info.accounts, 'account')} as of {info.as_of:%d.%m.%Y %H:%M}"
    return Finding("subscriber data", not old, f"{found}, too old" if old else found, remedy)


def _core_and_journal(home: Home) -> Iterator[Finding]:
    """The running core answers for the journal; without one we look ourselves."""
    try:
        with reach(home) as core:
            if core is not None:
                yield from _core(core.ask("status"))
                return
            yield Finding("core", False, "does not run", f"start it: kassa --home {home.path} run")
            yield from _journal(home)
    except KassaError as error:
        yield Finding("core", False, str(error), f"see {home.logs / 'core.log'}")


def _core(status: dict[str, Any]) -> Iterator[Finding]:
    if status["version"] != kassa.__version__:
        yield Finding("core", False, f"runs version {status['version']}", "stop it and start it again")
    elif status["takes_cash"]:
        yield Finding("core", True, "runs and takes cash")
    else:
        yield Finding("core", False, f"takes no cash: {status['blocked']}", "see the problems below")
    for condition in status["conditions"]:
        detail = f" ({condition['detail']})" if condition["detail"] else ""
        yield Finding(condition["code"], False, condition["text"] + detail, condition["remedy"])
    head = status["journal_head"]
    yield Finding(
        "journal",
        True,
        f"the core writes it, head {head[:12]}; all of it is checked by: kassa journal verify",
    )


def _journal(home: Home) -> Iterator[Finding]:
    """Its end, its log and its mark, which opening checks; every page and entry is for `kassa journal verify`."""
    if not home.journal.exists():
        yield Finding("journal", True, "none yet: it begins with the first start")
        return
    try:
        with own_journal(home) as journal:
            seq, hashed = journal.head()
            last = journal.entry(seq)[0] if seq else None
    except KassaError as error:
        yield Finding(
            "journal", False, str(error), f"keep {home.journal.parent} as it is and ask for support"
        )
        return
    yield Finding(
        "journal",
        True,
        f"{counted(seq, 'entry', 'entries')}, head {hashed[:12]}; all of it is checked by: kassa journal verify",
    )
    if last is not None:
        now = SystemClock().now()
        behind = datetime.fromisoformat(last) - now > CLOCK_BEHIND_MAX
        words = f"{now:%d.%m.%Y %H:%M}" + (f", yet the last entry is of {last}" if behind else "")
        yield Finding("clock", not behind, words, "set date and time, and look at the board's battery")
