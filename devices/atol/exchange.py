"""What the driver needs of whoever runs its tasks: the vendor's web server, or the vendor's library in its own process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from devices.atol.tasks import Made, Task
from devices.steps import Program
from kassa.errors import KassaError

T = TypeVar("T")

ANSWER_MAX_BYTES = 1 << 16
"""The longest answer is a document of the archive with its tags, which hold at most 32 kB."""
Meanwhile = Callable[[str], Program[None]]
"""Tells the core what is waited for, while a task takes longer than usual."""


class Unavailable(KassaError):
    """The task was not run, or nothing is known of it: the device is away, or the queue in front of it stands."""


class Pending(KassaError):
    """The task may yet be run, so nobody may say that there is no document."""


@dataclass(frozen=True, slots=True)
class Intent:
    """What the journal holds of a registration that was begun: no more is needed to find out what became of it."""

    payment: str
    drive_serial: str
    last_document: int


class Exchange(Protocol):
    """The way to one device during one life of the link. Everything may raise LinkLost."""

    def open(self) -> Program[None]:
        """Find out how to talk to the device. Raises Unavailable, Refused."""
        ...

    def ask(self, task: Task[T], meanwhile: Meanwhile | None = None) -> Program[T]:
        """Run a task that may be repeated, or whose effect the next look shows. Raises Refused, Unavailable, BadAnswer."""
        ...

    def prepare(self, intent: Intent) -> Program[str]:
        """What the task of this registration will be called; nothing is run yet. Raises Unavailable."""
        ...

    def register(self, name: str, task: Task[Made], meanwhile: Meanwhile) -> Program[Made]:
        """Run the task of a registration, once. Raises Refused, Unavailable, Pending, BadAnswer.

        Refused means that it is over: what the archive says from now on is final.
        """
        ...

    def recall(self, intent: Intent) -> Program[Made | None]:
        """What is known of a registration that was begun; None: it is over, and only the archive can tell.

        Raises Pending while it may yet be run; Unavailable.
        """
        ...
