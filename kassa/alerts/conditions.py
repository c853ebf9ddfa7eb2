"""What is wrong now: raised and cleared with delays, so that one glitch alarms nobody. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from kassa.alerts.catalogue import CATALOGUE, CONDITION_ORDER


@dataclass(frozen=True, slots=True)
class Condition:
    """One thing that is or was just wrong."""

    code: str
    detail: str
    since: datetime
    seen_at: float
    """Monotonic seconds of the first sight."""
    raised: bool = False
    gone_at: float | None = None
    """Monotonic seconds since which it is not seen any more, while it waits to be cleared."""


@dataclass(frozen=True, slots=True)
class Raised:
    """Staff should know now."""

    condition: Condition


@dataclass(frozen=True, slots=True)
class Cleared:
    """It is over."""

    condition: Condition


class Board:
    """The one list of what is wrong; it decides whether cash may be taken."""

    def __init__(self) -> None:
        self._conditions: dict[str, Condition] = {}
        self.blocked: str | None = None
        """The code for which no note may be taken at this moment, delays or not."""
        self.out_of_service: str | None = None
        """The code for which nobody may begin a payment: it stops cash and has lasted."""

    def observe(self, code: str, present: bool, now: float, wall: datetime, detail: str = "") -> None:
        """Say whether a condition is there at this moment; what follows from it comes with `settle`."""
        assert code in CATALOGUE, code
        known = self._conditions.get(code)
        if present and known is None:
            self._conditions[code] = Condition(code, detail, wall, now)
        elif present and known is not None:
            self._conditions[code] = replace(known, detail=detail or known.detail, gone_at=None)
        elif known is not None and known.gone_at is None:
            self._conditions[code] = replace(known, gone_at=now)
        else:
            return
        self._decide()

    def settle(self, now: float) -> list[Raised | Cleared]:
        """What was raised or cleared by the passing of time; call it after observations and once a second."""
        changes: list[Raised | Cleared] = []
        if not self._conditions:
            return changes  # as nearly always
        for code, condition in list(self._conditions.items()):
            kind = CATALOGUE[code]
            if condition.gone_at is not None:
                if not condition.raised or now >= condition.gone_at + kind.clear_after_s:
                    del self._conditions[code]
                    if condition.raised:
                        changes.append(Cleared(condition))
            elif not condition.raised and now >= condition.seen_at + kind.raise_after_s:
                condition = replace(condition, raised=True)
                self._conditions[code] = condition
                changes.append(Raised(condition))
        self._decide()
        return changes

    def restore(self, code: str, detail: str, since: datetime, now: float) -> None:
        """A condition that the journal knows as raised; it is cleared like any other when it is not seen again."""
        self._conditions[code] = Condition(code, detail, since, now, raised=True)
        self._decide()

    def is_known(self, code: str) -> bool:
        """Whether it is there, or was until now: whether its absence changes anything."""
        assert code in CATALOGUE, code
        return code in self._conditions

    def is_present(self, code: str) -> bool:
        """Whether it is there at this moment, raised or not."""
        condition = self._conditions.get(code)
        return condition is not None and condition.gone_at is None

    @property
    def shown(self) -> list[Condition]:
        """What staff see when they look, the worst first: what was raised, and whatever keeps the slot closed now."""
        found = [
            condition
            for condition in self._conditions.values()
            if condition.raised or (condition.gone_at is None and CATALOGUE[condition.code].stops_cash)
        ]
        return sorted(found, key=lambda condition: CONDITION_ORDER[condition.code])

    def _decide(self) -> None:
        """What the core's loop asks all the time is found out when something has changed."""
        stopping = [one for one in self._conditions.values() if CATALOGUE[one.code].stops_cash]
        self.blocked = _worst(one.code for one in stopping if one.gone_at is None)
        self.out_of_service = _worst(one.code for one in stopping if one.raised)


def _worst(codes: Iterable[str]) -> str | None:
    return min(codes, key=CONDITION_ORDER.__getitem__, default=None)
