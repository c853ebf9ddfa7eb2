"""`kassa import`: subscriber files by hand, and what became of the earlier ones."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click
import msgspec

from kassa.cli.context import Context, pass_context
from kassa.control.client import AskRefused, Client, CoreAbsent
from kassa.home import Home
from kassa.importing import (
    EXIT_FAULT,
    EXIT_IMPORTED,
    EXIT_REFUSED,
    ImporterFault,
    Outcome,
    decode_outcome,
    read_outcome,
    worker_command,
    worker_environment,
)
from kassa.words import counted

WORKER_TIMEOUT_S = 600
"""As the core waits; the worker limits its own processor time."""

LOG_NAME = "imports.jsonl"


@click.group("import")
def imports() -> None:
    """Subscriber files: load one, check one, list what was loaded."""


# A file's name is taken as it is: links, folders and names that are no text are the worker's to refuse in words.
_file = click.argument("file", type=click.Path(path_type=Path))
_profile = click.option(
    "--profile",
    required=True,
    help="How the file is laid out: a name from data/profiles or the home's own profiles.",
)
_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


@imports.command()
@_file
@_profile
@_json
@pass_context
def run(context: Context, file: Path, profile: str, as_json: bool) -> None:
    """Load FILE. Exit code 0: imported, 2: refused, 1: our own fault."""
    outcome = _work(context.home, file, profile, check=False)
    if outcome.status == "imported":
        _tell_core(context.home, outcome)
    if as_json:
        click.echo(_as_json(outcome))
    elif outcome.status == "refused":
        click.echo(f"{outcome.file}: refused: {outcome.reason}\nreport: {outcome.report}", err=True)
    elif outcome.already_loaded:
        click.echo(f"{outcome.file}: already loaded, nothing changed")
    else:
        click.echo(
            f"{outcome.file}: imported {counted(outcome.accepted, 'row')} of {counted(outcome.accounts, 'account')}"
        )
        click.echo(f"report: {outcome.report}")
    sys.exit(EXIT_IMPORTED if outcome.status == "imported" else EXIT_REFUSED)


@imports.command()
@_file
@_profile
@_json
@pass_context
def check(context: Context, file: Path, profile: str, as_json: bool) -> None:
    """Read and judge FILE, say what it would change, and change nothing. Exit codes as for run."""
    outcome = _work(context.home, file, profile, check=True)
    if as_json:
        click.echo(_as_json(outcome))
    elif outcome.status == "refused":
        click.echo(f"{outcome.file}: would be refused: {outcome.reason}\nreport: {outcome.report}", err=True)
    else:
        click.echo(
            f"{outcome.file}: {counted(outcome.accepted, 'row')}, {counted(outcome.accounts, 'account')}, sum {outcome.total}"
        )
        if (found := outcome.difference) is not None:
            click.echo(
                f"against the loaded data: {found.new} new, {found.gone} gone, {found.changed} changed, {found.same} the same"
            )
    sys.exit(EXIT_IMPORTED if outcome.status == "imported" else EXIT_REFUSED)


@imports.command("list")
@click.option(
    "--last",
    type=click.IntRange(1, 100_000),
    default=20,
    show_default=True,
    help="How many, the newest last.",
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
@pass_context
def list_(context: Context, last: int, as_json: bool) -> None:
    """List the files that were loaded or refused, by the core or by hand."""
    outcomes, unreadable = read_log(context.home)
    outcomes = outcomes[-last:]
    if unreadable:
        click.echo(
            f"{context.home.logs / LOG_NAME}: {unreadable} lines cannot be read, a power cut perhaps",
            err=True,
        )
    if as_json:
        click.echo(msgspec.json.encode(outcomes).decode())
        return
    for one in outcomes:
        what = (
            one.reason
            if one.status == "refused"
            else f"{counted(one.accepted, 'row')}, {counted(one.accounts, 'account')}"
        )
        click.echo(
            f"{one.at}  {one.status:8}  {one.file}  {'already loaded' if one.already_loaded else what}"
        )
    if not outcomes:
        click.echo("no file was loaded yet")


def read_log(home: Home) -> tuple[list[Outcome], int]:
    """What became of the files so far, oldest first, and how many lines cannot be read."""
    try:
        lines = (home.logs / LOG_NAME).read_bytes().split(b"\n")
    except FileNotFoundError:
        return [], 0
    outcomes, unreadable = [], 0
    for line in filter(None, lines):
        try:
            outcomes.append(decode_outcome(line))
        except msgspec.DecodeError:
            unreadable += 1
    return outcomes, unreadable


def _tell_core(home: Home, outcome: Outcome) -> None:
    """A running core takes the new data into use as soon as no visit is going on."""
    try:
        with Client(home.socket, "import") as core:
            core.ask(
                "snapshot_changed",
                file=outcome.file,
                sha256=outcome.sha256 or "",
                accounts=str(outcome.accounts),
                rows=str(outcome.accepted),
            )
    except CoreAbsent:
        pass  # it will find the data when it starts
    except AskRefused as refused:
        click.echo(f"the running core did not take the new data: {refused}; restart it", err=True)


def _work(home: Home, file: Path, profile: str, *, check: bool) -> Outcome:
    """Run the worker; ends the command with code 1 when the fault is ours."""
    try:
        worker = subprocess.run(
            worker_command(home, profile, file, check=check),
            env=worker_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=WORKER_TIMEOUT_S,
            check=False,
        )
        return read_outcome(worker.returncode, worker.stdout, worker.stderr)
    except subprocess.TimeoutExpired:
        click.echo(f"import failed: the importer did not end within {WORKER_TIMEOUT_S} s", err=True)
    except ImporterFault as error:
        click.echo(f"import failed: {error}", err=True)
    sys.exit(EXIT_FAULT)


def _as_json(outcome: Outcome) -> str:
    return msgspec.json.encode(outcome).decode()
