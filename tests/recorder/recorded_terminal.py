"""A real `kassa run` under the recorder: people pay, a clerk brings a file, files go out, and it is all written down."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from crash_states import Tree, tree_of
from recording import Record, Recorder

from kassa.clock import SystemClock
from kassa.control.client import Client, CoreAbsent
from kassa.demo.stage import Stage
from kassa.demo.steered import ANSWER_MAX_S, wait_until
from kassa.demo.summary import gather
from kassa.errors import KassaError
from kassa.home import Home, data_folder
from kassa.journal.store import Journal

SPEED = 8.0
"""The simulated mechanics are so much faster than real ones."""
VISITS: tuple[tuple[str, tuple[int, ...]], ...] = (
    ("4038172956", (500, 100)),
    ("0017742", (50,)),
    ("4038172956", (1000, 100, 500)),
)
"""Whose account, and which notes; before the last one the clerk's file arrives."""
SAMPLE_DATE, NEWER_DATE = b"24.11.2026", b"25.11.2026"
SAMPLE_DEBT, NEWER_DEBT = b"-1284,60", b"-1300,00"
CLERKS_HAND = """
import os, sys
path = sys.argv[1]
with open(path + ".part", "wb") as file:
    file.write(sys.stdin.buffer.read())
    file.flush()
    os.fsync(file.fileno())
os.rename(path + ".part", path)
"""


@dataclass(frozen=True)
class Recording:
    """A run of a terminal. `before` and `after` are what lay in its home; `ports` names the devices' terminals."""

    home: Home
    before: Tree
    after: Tree
    records: tuple[Record, ...]
    ports: dict[str, str]
    second_core: tuple[int, int, str]
    """Process, exit code and last words of the one that was started beside the first."""
    stranger: str
    """What a stranger heard who opened the journal while the core ran."""


def record_visits(folder: Path) -> Recording:
    """Live one short day below `folder`, which must not lead through a link. Raises DemoFailed."""
    stage = Stage(folder, SPEED)
    try:
        return _record(stage, Recorder(stage.home.path, folder / "records"))
    finally:
        stage.close()


def _record(stage: Stage, recorder: Recorder) -> Recording:
    _export_by_hand_only(stage.home)
    sample = data_folder() / "examples" / "subscribers.csv"
    stage.kassa("import", "run", str(sample), "--profile", "kassa_csv")
    ports = {os.readlink(stage.home.run / name): name for name in ("validator", "registrar")}
    before = tree_of(stage.home.path)
    stage.start_core(with_ui=False, **recorder.environment)
    stage.wait_for_service()
    spectator = threading.Thread(target=_watch_every_view, args=(stage.home,))
    spectator.start()
    second = _start_second(stage, recorder)
    *first, last = VISITS
    for account, notes in first:
        _pay(stage, account, notes)
    _drop_newer_file(stage, recorder, sample)
    _pay(stage, *last, between_notes=lambda: stage.kassa("export", "run"))
    stage.kassa("export", "run")
    stranger = _stranger_at_the_journal(stage.home)
    said, _ = second.communicate(timeout=ANSWER_MAX_S)
    assert stage.status()["takes_cash"], "the first core goes on"
    assert stage.stop_core() == 0
    spectator.join(ANSWER_MAX_S)
    after, records = tree_of(stage.home.path), recorder.records()
    assert gather(stage).disagreements == []
    second_core = (second.pid, second.returncode, said.decode())
    return Recording(stage.home, before, after, tuple(records), ports, second_core, stranger)


def _export_by_hand_only(home: Home) -> None:
    """So that the recording knows who was told of which file."""
    settings = home.config.read_text(encoding="utf-8")
    at_once, by_hand = "after_each_payment = true", "after_each_payment = false"
    assert at_once in settings
    home.config.write_text(settings.replace(at_once, by_hand), encoding="utf-8")


def _stranger_at_the_journal(home: Home) -> str:
    try:
        Journal.open(home.journal, SystemClock(), read_only=True).close()
    except KassaError as error:
        return str(error)
    return "it opened"


def _watch_every_view(home: Home) -> None:
    """As the screen's process does: what is shown is recorded at the moment it changes."""
    with Client(home.socket, "spectator") as client, contextlib.suppress(CoreAbsent):
        for _ in client.views():
            pass


def _start_second(stage: Stage, recorder: Recorder) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "kassa.cli.main", "--home", str(stage.home.path), "run", "--no-ui"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env={**os.environ, **recorder.environment},
    )  # fmt: skip


def _pay(
    stage: Stage, account: str, notes: tuple[int, ...], between_notes: Callable[[], object] = lambda: None
) -> None:
    stage.intend("choose_service", service="internet")
    stage.intend("enter_account", account=account)
    stage.intend("confirm_account")
    inserted = 0
    for units in notes:
        stage.insert(units)
        between_notes()
        inserted += units
        wait_until(lambda: Decimal(stage.view().inserted) == inserted, f"{inserted} on the screen")  # noqa: B023
    stage.intend("finish")
    stage.wait_for_screen("thanks")
    stage.intend("finish")
    stage.wait_for_service()


def _drop_newer_file(stage: Stage, recorder: Recorder, sample: Path) -> None:
    content = sample.read_bytes()
    assert SAMPLE_DATE in content
    assert SAMPLE_DEBT in content
    newer = content.replace(SAMPLE_DATE, NEWER_DATE).replace(SAMPLE_DEBT, NEWER_DEBT)
    old = stage.status()["data"]["sha256"]
    subprocess.run(
        [sys.executable, "-c", CLERKS_HAND, str(stage.home.inbox / "newer.csv")],
        input=newer, check=True, env={**os.environ, **recorder.environment},
    )  # fmt: skip
    wait_until(lambda: stage.status()["data"]["sha256"] != old, "the newer data")
