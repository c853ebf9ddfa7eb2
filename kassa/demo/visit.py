"""One visit through the real screens: a file is dropped, a customer pays, everything is looked at."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from itertools import accumulate
from pathlib import Path

from kassa.demo.stage import Stage
from kassa.demo.steered import Steered, wait_until
from kassa.home import data_folder

HAND = "kassa.demo.hand"
ACCOUNT = "4038172956"
NOTES = (500, 100, 50)
SAMPLE_DATE = b"24.11.2026"
"""The day of the sample file; the demonstration drops it as of today."""


def open_screen(stage: Stage, width: int = 1280, height: int = 1024) -> Steered:
    """The customer screen, drawn without a display, with a hand that touches it."""
    arguments = ["--home", str(stage.home.path), "--size", f"{width}x{height}"]
    return Steered(HAND, arguments, stage.folder / "screen.log", SDL_VIDEODRIVER="offscreen")


def drop_subscribers(stage: Stage) -> Path:
    """What a clerk does: copy a subscriber file into the inbox."""
    content = (data_folder() / "examples" / "subscribers.csv").read_bytes()
    path = stage.home.inbox / "subscribers.csv"
    coming = path.with_name(f".{path.name}.{os.getpid()}")
    coming.write_bytes(content.replace(SAMPLE_DATE, f"{datetime.now().astimezone():%d.%m.%Y}".encode()))
    coming.replace(path)
    return path


class Visit:
    """A customer at the screen; every screen becomes a numbered picture in `shots`."""

    def __init__(self, stage: Stage, hand: Steered, shots: Path, tell: Callable[[str], None]) -> None:
        self._stage, self._hand, self._shots, self._tell = stage, hand, shots, tell
        self._taken = 0

    def play(self) -> None:
        """From a terminal without data to the last screen of a visit. Raises DemoFailed where it does not go on."""
        wait_until(lambda: self._stage.view().reason == "data_missing", "a terminal that only misses data")
        self._see("out_of_service", "there are no subscriber data yet: out of service, and the reason")
        file = drop_subscribers(self._stage)
        self._tell(f"a clerk drops {file.name} into the inbox")
        self._see("attract", "the file is imported: the terminal is ready")
        self._tap("start")
        self._see("services", "a customer touches the screen")
        self._tap("service.internet")
        self._await("account")
        for digit in ACCOUNT[:6]:
            self._tap(f"key.{digit}")
        self._see("account", f"chooses Internet and types account {ACCOUNT}")
        for digit in ACCOUNT[6:]:
            self._tap(f"key.{digit}")
        self._tap("enter")
        self._see("balance", "sees the name, masked, and the balance")
        self._tap("language.en")
        self._see("balance", "tries the other language", "english")
        self._tap("language.ru")
        self._tap("confirm")
        self._see("cash", "confirms; the slot opens")
        for inserted in accumulate(NOTES):
            self._insert_up_to(inserted)
        self._see("cash", f"inserts {' + '.join(map(str, NOTES))}", "paid")
        self._tap("finish")
        self._see("printing", "presses pay; the receipt is being printed")
        self._see("thanks", "takes the receipt")
        self._tap("finish")
        self._await("attract")

    def _insert_up_to(self, total: int) -> None:
        """Push in the note that makes this total, and wait until the screen's source says so."""
        self._stage.insert(total - int(Decimal(self._stage.view().inserted)))
        wait_until(lambda: self._stage.view().inserted == f"{total}.00", f"{total} on the screen")

    def _tap(self, tag: str) -> None:
        wait_until(lambda: tag in self._hand.order("screen")["tags"], f"{tag} to be touchable")
        self._hand.order(f"tap {tag}")

    def _await(self, screen: str) -> None:
        wait_until(lambda: self._hand.order("screen")["screen"] == screen, f"the screen {screen}")

    def _see(self, screen: str, story: str, suffix: str = "") -> None:
        """Wait for a screen, say what happens, and keep its picture."""
        self._await(screen)
        self._taken += 1
        name = f"{self._taken:02}-{screen.replace('_', '-')}{f'-{suffix}' if suffix else ''}.png"
        self._hand.order(f"shot {self._shots / name}")
        self._tell(f"{story} ({name})")


def collect_files(stage: Stage, out: Path) -> list[Path]:
    """Copy the payment files beside the pictures."""
    return [Path(shutil.copy(path, out)) for path in sorted(stage.home.outbox.glob("KASSA_*.csv"))]
