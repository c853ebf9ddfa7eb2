"""The ratios that were reached once, in the repository: a figure that got worse since is seen on any machine.

Times are of no use here, as they are the machine's; how many times its yardstick a figure takes is the program's.
"""

from __future__ import annotations

from enum import Enum
from pathlib import Path

import msgspec
from figures import Figure
from msgspec import Struct

FILE = Path(__file__).with_name("baseline.json")


class Reached(Struct, frozen=True):
    """What a figure came to, in yardsticks, and how much worse it may be."""

    ratio: float
    yardstick: str
    tolerance: float


class Trend(Enum):
    """How a figure stands to the baseline."""

    NEW = "new"
    BETTER = "better"
    SAME = "same"
    WORSE = "WORSE"


def read() -> dict[str, Reached]:
    """The baseline by `Figure.key`; empty where there is none yet."""
    return msgspec.json.decode(FILE.read_bytes(), type=dict[str, Reached]) if FILE.exists() else {}


def compare(figure: Figure, baseline: dict[str, Reached]) -> Trend | None:
    """None for a yardstick. Another yardstick than the baseline's makes a new figure of an old name."""
    if figure.ratio is None or figure.yardstick is None:
        return None
    reached = baseline.get(figure.key)
    if reached is None or reached.yardstick != figure.yardstick.name:
        return Trend.NEW
    if figure.ratio > reached.ratio * (1 + reached.tolerance):
        return Trend.WORSE
    return Trend.BETTER if figure.ratio * (1 + reached.tolerance) < reached.ratio else Trend.SAME


def write(figures: list[Figure]) -> None:
    """Make these the baseline; what was not measured now stays as it was."""
    found = read()
    for figure in figures:
        if figure.yardstick is not None and figure.ratio is not None:
            ratio = float(f"{figure.ratio:.3g}")
            found[figure.key] = Reached(ratio, figure.yardstick.name, figure.tolerance)
    encoded = msgspec.json.encode(dict(sorted(found.items())))
    FILE.write_bytes(msgspec.json.format(encoded) + b"\n")
