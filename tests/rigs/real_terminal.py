"""A whole terminal of real processes over pseudo-terminals, for tests that kill and unplug it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from kassa.control.client import AskRefused
from kassa.demo.stage import Stage
from kassa.demo.steered import wait_until
from kassa.demo.summary import gather
from kassa.home import data_folder

SPEED = 8.0
"""The simulated mechanics are so much faster than real ones."""


class Rig(Stage):
    """One terminal with the sample subscribers, and a customer for it."""

    def __init__(self, folder: Path, speed: float = SPEED) -> None:
        super().__init__(folder, speed)
        sample = data_folder() / "examples" / "subscribers.csv"
        self.kassa("import", "run", str(sample), "--profile", "kassa_csv")

    def go_to_cash(self, account: str = "4038172956", service: str = "internet") -> None:
        self.intend("choose_service", service=service)
        self.intend("enter_account", account=account)
        self.intend("confirm_account")

    def wait_for_sum(self, units: int) -> Any:
        def shows() -> Any:
            view = self.view()
            return view if Decimal(view.inserted) == units else None

        return wait_until(shows, f"{units} on the screen")

    def finish_whatever_is_open(self) -> None:
        """Do what any customer would do: press what can be pressed until the terminal is free again."""

        def is_free() -> bool:
            view = self.view()
            if view.screen.value in ("attract", "out_of_service") and not view.payment:
                return True
            with contextlib.suppress(AskRefused):
                if view.can_finish:
                    self.intend("finish")
                elif view.can_cancel:
                    self.intend("cancel")
            return False

        wait_until(is_free, "the end of the visit")

    def set_up(self, *replaced: tuple[str, str]) -> None:
        """Change kassa.toml before a start: what stands there, and what shall."""
        text = self.home.config.read_text(encoding="utf-8")
        for old, new in replaced:
            assert old in text, old
            text = text.replace(old, new)
        self.home.config.write_text(text, encoding="utf-8")

    def check_promises(self) -> None:
        """Notes in the box = credited; one document a payment; each payment in exactly one file; the journal whole."""
        assert gather(self).disagreements == []


@contextlib.contextmanager
def running(folder: Path, speed: float = SPEED) -> Iterator[Rig]:
    """A rig that leaves nothing running."""
    rig = Rig(folder, speed)
    try:
        yield rig
    finally:
        rig.close()
