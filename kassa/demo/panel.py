"""The side panel of a demonstration: hands that insert notes, jam the validator, tear the paper."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

import kassa
from kassa.config import Ui
from kassa.demo.stage import Stage
from kassa.demo.visit import drop_subscribers
from kassa.ui.window import prepare
from kassa.words import counted

SIZE = (310, 760)
"""Beside a customer screen of 1280 pixels in the middle of a display of 1920."""
LOOK_EVERY_S = 1.0
NOTES = (50, 100, 200, 500, 1000, 5000)


class Deed(NamedTuple):
    """A button: what it says, which device it troubles, and the console line that does it."""

    text: str
    device: str
    line: str


VALIDATOR_DEEDS = (
    Deed("Jam", "validator", "fault jam"),
    Deed("Clear jam", "validator", "clear"),
    Deed("Unplug", "validator", "unplug"),
    Deed("Plug in", "validator", "plug"),
)
REGISTRAR_DEEDS = (
    Deed("Tear paper", "registrar", "paper out"),
    Deed("New roll", "registrar", "paper in"),
    Deed("Unplug", "registrar", "unplug"),
    Deed("Plug in", "registrar", "plug"),
)


class Hands:
    """What the panel's buttons do to a stage, and what there is to see afterwards."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def insert(self, units: int) -> str:
        """Push a note in; what became of it."""
        answer = self._stage.validator.say(f"insert {units}")
        return f"the validator takes {units}" if answer["ok"] else str(answer["error"])

    def do(self, deed: Deed) -> str:
        """Trouble a device; what became of it."""
        device = self._stage.validator if deed.device == "validator" else self._stage.registrar
        answer = device.say(deed.line)
        return f"{deed.device}: {deed.line}" if answer["ok"] else str(answer["error"])

    def drop_file(self) -> str:
        """Put a subscriber file into the inbox."""
        return f"{drop_subscribers(self._stage).name} lies in the inbox"

    def truth(self) -> str:
        """What lies in the devices and in the outbox. Raises DemoFailed when a device is gone."""
        box, documents = (
            self._stage.validator.order("state"),
            self._stage.registrar.order("state")["documents"],
        )
        receipts = [Decimal(one["sum"]) for one in documents if one["kind"] == "receipt"]
        files = len(list(self._stage.home.outbox.glob("KASSA_*.csv")))
        return (
            f"In the box: {counted(box['notes'], 'note')}, {box['total']}\n"
            f"Fiscal drive: {counted(len(receipts), 'receipt')}, {sum(receipts, Decimal('0.00'))}\n"
            f"Outbox: {counted(files, 'payment file')}"
        )


def play(stage: Stage) -> None:
    """Show the panel until its window is closed."""
    width, height = SIZE
    prepare(stage.home.run / "kivy-panel", Ui(width=640, height=height, fullscreen=False))
    from kivy.config import Config

    Config.set("graphics", "width", width)
    Config.set("graphics", "position", "custom")
    Config.set("graphics", "left", 0)
    Config.set("graphics", "top", 0)
    from kassa.demo.panel_window import PanelApp  # Kivy opens its window while it is imported

    PanelApp(Hands(stage), title=f"Kassa {kassa.__version__}: the devices").run()
