"""`kassa demo`: a whole terminal with simulated devices, to play with or as a scripted visit."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from pathlib import Path

import click
import msgspec

from kassa.demo.stage import Stage
from kassa.demo.summary import Summary, gather
from kassa.errors import KassaError
from kassa.words import counted

MARK = ".kassa-demo"
"""Lies in every folder that a demonstration made: nothing else is ever emptied."""
SCRIPTED_SPEED = 3.0
"""A note takes a second, not three, and nobody is in a hurry."""


@click.command()
@click.option("--scripted", is_flag=True, help="Play one visit without a display, and check what came of it.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("build/demo"),
    show_default=True,
    help="Where pictures, receipt, payment file and the terminal's folder go; emptied first.",
)
def demo(scripted: bool, out: Path) -> None:
    """Start a whole terminal on this machine: simulated validator and registrar, core, importer, screen.

    With a display: a window to play with, and a panel to insert notes, jam the validator, tear the paper. Without
    one, or with --scripted: a visit through the real screens; exit code 1 when money, receipts and files disagree.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # nothing may stay behind
    folder = _emptied(out.absolute())
    if scripted or not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        _play_script(folder)
    else:
        _play(folder)


def _emptied(folder: Path) -> Path:
    """The folder, new or as good as new. Raises KassaError when it holds what is not ours."""
    if folder.exists() and any(folder.iterdir()) and not (folder / MARK).exists():
        raise KassaError(f"{folder} holds other files than a demonstration's; name another folder with --out")
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    (folder / MARK).touch()
    return folder


def _play_script(folder: Path) -> None:
    from kassa.demo import paper
    from kassa.demo.visit import Visit, collect_files, open_screen

    began = time.monotonic()

    def tell(story: str) -> None:
        click.echo(f"{time.monotonic() - began:5.1f} s  {story}")

    tell(f"a new terminal in {folder / 'home'}, its devices simulated")
    stage = Stage(folder, SCRIPTED_SPEED)
    try:
        stage.start_core()
        hand = open_screen(stage)
        try:
            Visit(stage, hand, folder, tell).play()
        finally:
            hand.end()
        summary = gather(stage)
        printed = stage.registrar.order("receipt")
        receipt = str(printed["text"])
        files = collect_files(stage, folder)
        stage.stop_core()
    finally:
        stage.close()
    (folder / "receipt.txt").write_text(receipt, encoding="utf-8")
    paper.draw(receipt, printed["qr"], folder / "receipt.png")
    (folder / "summary.json").write_bytes(msgspec.json.format(msgspec.json.encode(summary)))
    tell("the terminal is stopped")
    click.echo(f"\n{receipt.rstrip()}\n")
    for file in files:
        click.echo(f"{file.read_text(encoding='utf-8').rstrip()}\n")
    click.echo(in_words(summary))
    click.echo(f"\npictures, receipt and payment file: {folder}")
    if summary.disagreements:
        raise SystemExit(1)


def in_words(summary: Summary) -> str:
    """The summary as lines for a person."""
    notes = ", ".join(f"{count} x {value}" for value, count in summary.notes_in_box.items()) or "none"
    lines = [
        f"notes in the box     {notes}; {summary.box_total} in all",
        f"credited             {summary.credited_total} in {counted(len(summary.payments), 'payment')}",
    ]
    lines += [
        f"fiscal document      no. {one.number} of {one.sum}, sign {one.sign}" for one in summary.documents
    ]
    lines += [
        f"payment file         {one.name}: {counted(len(one.payments), 'payment')}, {one.total}"
        for one in summary.files
    ]
    lines.append(f"journal              {'whole' if summary.journal_is_whole else 'BROKEN'}")
    if summary.disagreements:
        return "\n".join(
            [*lines, "", "THEY DISAGREE:", *(f"  {problem}" for problem in summary.disagreements)]
        )
    return "\n".join([*lines, "", "All agree."])


def _play(folder: Path) -> None:
    from kassa.demo.panel import play

    stage = Stage(folder)
    try:
        stage.start_core(with_ui=True)
        play(stage)
        stage.stop_core()
    finally:
        stage.close()
