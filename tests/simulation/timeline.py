"""What happened in a simulated life, in the order it happened: kept for people, and hashed to compare two runs."""

from __future__ import annotations

import dataclasses
import enum
import hashlib
import re
from collections import deque
from collections.abc import Callable

from kassa.money import Money
from kassa.ports import Receipt

SHOWN_LAST = 100
WHO_WIDTH = 10

Words = Callable[[], str]


class Timeline:
    """The last events, or all of them. What people read is worded only when somebody reads it."""

    def __init__(self, now: Callable[[], float], last: int | None = SHOWN_LAST) -> None:
        self._now, self._began = now, now()
        self._events: deque[tuple[float, str, str | Words]] = deque(maxlen=last)
        self._hashed = hashlib.sha256()

    def note(self, who: str, what: str) -> None:
        """Something that a seed decides: it is part of the hash."""
        self._hashed.update(f"{self._now():.3f} {who} {what}\n".encode())
        self._events.append((self._now(), who, what))

    def tell(self, who: str, what: Words) -> None:
        """Something that follows from the rest."""
        self._events.append((self._now(), who, what))

    @property
    def hash(self) -> str:
        """Two runs of a seed have the same one."""
        return self._hashed.hexdigest()

    def lines(self) -> list[str]:
        """One line an event: time since the beginning, who, what."""
        return [
            f"{_clock(at - self._began)}  {who:<{WHO_WIDTH}} {what if isinstance(what, str) else what()}"
            for at, who, what in self._events
        ]


def in_brief(thing: object) -> str:
    """A fact or a command as people read it: `NoteEscrowed` of 50 RUB is `note escrowed: 50.00 RUB`."""
    match thing:
        case Money():
            return str(thing)
        case enum.Enum():
            return str(thing.value).replace("_", " ")
        case Receipt():
            return f"{thing.payment}, {thing.total}"
        case frozenset() | tuple():
            return ", ".join(sorted(map(in_brief, thing))) or "none"
        case _ if dataclasses.is_dataclass(thing):
            name = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(thing).__name__).lower()
            values = [getattr(thing, one.name) for one in dataclasses.fields(thing)]
            said = [in_brief(value) for value in values if value not in (None, "", False)]
            return f"{name}: {'; '.join(said)}" if said else name
        case _:
            return str(thing)


def _clock(seconds: float) -> str:
    days, rest = divmod(seconds, 86_400)
    hours, rest = divmod(rest, 3600)
    minutes, rest = divmod(rest, 60)
    return f"{days:3.0f}d {hours:02.0f}:{minutes:02.0f}:{rest:06.3f}"
