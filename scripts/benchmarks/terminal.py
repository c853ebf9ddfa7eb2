"""The running terminal: start, idle, look-up to screen, note to screen. Real processes, devices simulated in real time."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import yardstick
from figures import Figure, spread

from kassa.demo.stage import Stage
from kassa.demo.steered import Steered, wait_until
from kassa.demo.visit import ACCOUNT, open_screen

STARTS = 5
IDLE_S = 20.0
VISITS = 10
NOTES_A_VISIT = 3
NOISE = 0.5
"""Processes that wait for each other, and the worst of few times: such figures differ from run to run."""
TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


def measure(stage: Stage) -> Iterator[Figure]:
    """Figures of one stage whose snapshot has a million rows."""
    yield _start(stage)
    stage.wait_for_service()
    yield from _idle(stage)
    hand = open_screen(stage)
    try:
        yield from _visits(stage, hand)
    finally:
        hand.end()
    stage.stop_core()


def _start(stage: Stage) -> Figure:
    times = []
    for last in range(STARTS - 1, -1, -1):
        began = time.monotonic()
        stage.start_core()
        wait_until(lambda: stage.status()["takes_cash"], "a core that takes notes")
        times.append(time.monotonic() - began)
        if last:
            stage.stop_core()
    return Figure(
        part="core", name="start to ready for a note, 1 M rows", value=round(max(times), 2), unit="s", at_most=3,
        yardstick=yardstick.in_seconds(yardstick.bare_process()), tolerance=NOISE, detail=spread(times, "s"),
    )  # fmt: skip


def _idle(stage: Stage) -> Iterator[Figure]:
    process = Path(f"/proc/{stage.core_pid}")
    began, before = time.monotonic(), _cpu_s(process)
    time.sleep(IDLE_S)
    share = 100 * (_cpu_s(process) - before) / (time.monotonic() - began)
    yield Figure(
        part="core", name="idle, both devices polled", value=round(share, 2), unit="% of a core", at_most=3,
        yardstick=yardstick.python_loop(), tolerance=1.0,  # few ticks of the machine's clock
    )  # fmt: skip
    lines = (process / "status").read_text(encoding="ascii").splitlines()
    resident = next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))
    yield Figure(
        part="core", name="resident memory", value=round(resident / 1024, 1), unit="MB", at_most=80,
        yardstick=yardstick.megabyte(), tolerance=0.1,
    )  # fmt: skip


def _cpu_s(process: Path) -> float:
    fields = (process / "stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_A_SECOND


def _visits(stage: Stage, hand: Steered) -> Iterator[Figure]:
    balances, totals, loop = [], [], yardstick.python_loop()
    for _ in range(VISITS):
        balances.append(_to_balance(stage, hand))
        for number in range(1, NOTES_A_VISIT + 1):
            totals.append(_to_total(stage, hand, 100 * number))
        hand.order("tap finish")
        stage.wait_for_screen("thanks")
        _tap_when_there(hand, "finish")
        stage.wait_for_screen("attract")
    yield Figure(
        part="screen", name="last digit confirmed to balance drawn", value=round(max(balances), 1), unit="ms",
        at_most=100, yardstick=loop, tolerance=NOISE, detail=spread(balances, "ms"),
    )  # fmt: skip
    yield Figure(
        part="screen", name="note stacked to total drawn", value=round(max(totals), 1), unit="ms", at_most=150,
        detail=spread(totals, "ms"),
    )  # fmt: skip
    yield Figure(
        part="screen",
        name="note stacked to total drawn, median",
        value=round(statistics.median(totals), 1),
        unit="ms",
        yardstick=loop,
        tolerance=NOISE,
    )


def _to_balance(stage: Stage, hand: Steered) -> float:
    """Milliseconds from the touch of "enter" to the first frame with the balance."""
    for tag in ("start", "service.internet", *(f"key.{digit}" for digit in ACCOUNT)):
        _tap_when_there(hand, tag)
    touched = hand.order("tap enter")["at"]
    drawn = wait_until(lambda: _drawn_at(hand, "balance"), "the balance")
    _tap_when_there(hand, "confirm")
    stage.wait_for_screen("cash")
    return float((drawn - touched) * 1000)


def _to_total(stage: Stage, hand: Steered, units: int) -> float:
    """Milliseconds from the note's fall into the cassette to the first frame with the new total."""
    stage.insert(100)
    wait_until(lambda: stage.view().inserted == f"{units}.00", f"{units} credited")
    drawn = wait_until(lambda: _drawn_at(hand, "cash", f"{units}.00"), f"{units} on the screen")
    return float((drawn - stage.validator.order("state")["dropped_at"]) * 1000)


def _tap_when_there(hand: Steered, tag: str) -> None:
    wait_until(lambda: tag in hand.order("screen")["tags"], f"{tag} to be touchable")
    hand.order(f"tap {tag}")


def _drawn_at(hand: Steered, screen: str, inserted: str | None = None) -> float | None:
    """Monotonic seconds of the frame that showed this first, once it has been drawn."""
    shown = hand.order("screen")
    if shown["screen"] != screen or (inserted is not None and shown["inserted"] != inserted):
        return None
    at: float | None = shown["drawn_at"]
    return at
