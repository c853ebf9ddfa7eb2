"""A customer who pays, at the glass or at the control socket: looks at what is shown, and does the next thing."""

from __future__ import annotations

import time
from decimal import Decimal
from random import Random
from typing import Protocol

from kassa.control.client import AskRefused, CoreAbsent
from kassa.demo.stage import Stage
from kassa.demo.steered import Steered
from kassa.rules.view import View

ACCOUNTS = (
    ("4038172956", "internet"),
    ("4038172956", "telephone"),
    ("0017742", "internet"),
    ("0017990", "tv"),
)
NOTES = (10, 50, 100, 200, 500, 1000)
NOTES_MAX = 6
WALKS_AWAY = 0.1
PATIENCE_S = 45.0
"""Whoever waits longer for the slot presses what can be pressed."""


class Finger(Protocol):
    """How a customer tells the terminal what he means; what cannot be done now comes to nothing."""

    def means(self, intent: str, **values: str) -> None:
        """Press what this intent belongs to."""
        ...


class AtSocket:
    """Sends intents, as a screen would."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def means(self, intent: str, **values: str) -> None:
        """Send it."""
        try:
            self._stage.intend(intent, **values)
        except (AskRefused, CoreAbsent):
            return  # not on this screen, or nobody there: look again


class AtGlass:
    """Touches the screen that `hand` holds."""

    def __init__(self, hand: Steered) -> None:
        self._hand = hand

    def means(self, intent: str, **values: str) -> None:
        """Touch what stands for it."""
        for tag in _tags(intent, values):
            if not self._hand.say(f"tap {tag}")["ok"]:
                return  # the screen has changed under the finger


def _tags(intent: str, values: dict[str, str]) -> list[str]:
    match intent:
        case "choose_service":
            return [f"service.{values['service']}"]
        case "enter_account":
            return ["key.clear", *(f"key.{digit}" for digit in values["account"]), "enter"]
        case "confirm_account":
            return ["confirm"]
        case _:
            return [intent]


class Visitor:
    """One customer with an account and some notes; `step` does the next thing, `is_gone` says that there is none."""

    def __init__(self, stage: Stage, finger: Finger, chance: Random) -> None:
        self._stage, self._finger = stage, finger
        self._account, self._service = chance.choice(ACCOUNTS)
        notes = [chance.choice(NOTES) for _ in range(chance.randint(1, NOTES_MAX))]
        self._notes = dict(zip(_sums(notes), notes, strict=True))
        self._walks_away = chance.random() < WALKS_AWAY
        self._has_paid = False
        """Came as far as the slot, or found that a visit before us did."""
        self._impatient_at: float | None = None
        self.is_gone = False
        self.inserted = 0
        """Notes that the motor drew in, whatever became of them."""

    def step(self) -> None:
        """Look, and do one thing. A core that does not answer is waited for."""
        try:
            view = self._stage.view()
        except (CoreAbsent, AskRefused):
            return
        match view.screen.value:
            case "attract" | "out_of_service" if self._has_paid and not view.payment:
                self.is_gone = True
            case "attract" | "services":
                self._finger.means("choose_service", service=self._service)
            case "account":
                self._finger.means("enter_account", account=self._account)
            case "balance":
                self._finger.means("confirm_account")
            case "cash":
                self._pay(view)
            case "thanks":
                self._has_paid = True
                self._finger.means("finish")
            case _:
                pass  # printing, out of service: wait

    def _pay(self, view: View) -> None:
        self._has_paid = True
        if self._impatient_at is None:
            self._impatient_at = time.monotonic() + PATIENCE_S
        note = self._notes.get(int(Decimal(view.inserted)))
        if note is not None and time.monotonic() < self._impatient_at:
            if view.note.value == "none" and self._stage.validator.say(f"insert {note}")["ok"]:
                self.inserted += 1
        elif self._walks_away:
            self.is_gone = view.note.value == "none"
        elif view.can_finish:
            self._finger.means("finish")
        elif view.can_cancel:
            self._finger.means("cancel")


def _sums(notes: list[int]) -> list[int]:
    """What has been inserted before each note."""
    return [sum(notes[:place]) for place in range(len(notes))]
