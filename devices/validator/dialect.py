"""The states that every bill validator knows, and the acts that the driver needs: a protocol is one way to say them.

What the protocols say differently is settled below this line (a denomination that an event does not repeat, events
that come in lists); what a note's way means for the money is decided above it, once for all of them.
"""

from __future__ import annotations

import enum
from typing import Protocol

from msgspec import Struct

from devices.link import LineSettings
from devices.steps import Program
from kassa.money import Money


class Status(enum.Enum):
    """What a validator says when it is asked. A status is a level: it repeats until it changes."""

    POWER_UP = "power_up"
    """It waits for a reset, and so do the next two."""
    POWER_UP_IN_HEAD = "power_up_in_head"
    """Power was lost with a note in it that the customer could still get back."""
    POWER_UP_IN_STACKER = "power_up_in_stacker"
    """Power was lost with a note past the gate."""
    INITIALIZE = "initialize"
    IDLING = "idling"
    ACCEPTING = "accepting"
    STACKING = "stacking"
    RETURNING = "returning"
    DISABLED = "disabled"
    HOLDING = "holding"
    """At escrow, as we asked for more time; otherwise like ESCROW."""
    BUSY = "busy"
    """Short; says nothing of a note."""
    REJECTING = "rejecting"
    CASSETTE_FULL = "cassette_full"
    CASSETTE_OUT = "cassette_out"
    JAMMED = "jammed"
    CASSETTE_JAMMED = "cassette_jammed"
    CHEATED = "cheated"
    PAUSED = "paused"
    FAILED = "failed"
    ESCROW = "escrow"
    STACKED = "stacked"
    """A note lies in the cassette; said until it is acknowledged, by most."""
    RETURNED = "returned"
    """The customer has the note back; not every protocol has it."""
    UNKNOWN = "unknown"
    """Something else; the detail holds what was said."""


POWER_UPS = frozenset({Status.POWER_UP, Status.POWER_UP_IN_HEAD, Status.POWER_UP_IN_STACKER})


class Poll(Struct, frozen=True):
    """An answer to the question for the state.

    `detail`: the bill type of ESCROW, STACKED and RETURNED, where the validator names it; the reason of REJECTING; the
    code of FAILED.
    """

    status: Status
    detail: int | None = None


class Outcome(enum.Enum):
    """What became of a command that changes something."""

    ACCEPTED = "accepted"
    """The device will do it; it need not be done."""
    REFUSED = "refused"
    """Not in this state: it will not be done."""
    UNKNOWN = "unknown"
    """No answer, or a damaged one: the next state tells whether it was heard."""


class Bill(Protocol):
    """One record of a bill table."""

    @property
    def country(self) -> str:
        """Whose note it is, in the table's own letters: RUS, RUB, EUR."""
        ...

    def money(self, currency: str) -> Money | None:
        """The value in `currency`; None when it is no amount of it."""
        ...


class Identity(Struct, frozen=True):
    """What the validator says it is: for people, nothing is decided by it."""

    model: str
    serial: str


class Dialect(Protocol):
    """One protocol during one life of the link. Every program here may raise LinkLost."""

    name: str
    """As technicians call it."""
    line: LineSettings
    """As its devices leave the factory."""
    holds_money: bool
    """Whether every device of this protocol says of a stacked note until it is acknowledged, as long as it has power."""
    names_power_ups: bool
    """Whether POWER_UP means that no note is inside, since with one in it the device says so."""
    ack_fresh_s: float
    """An acknowledgement that comes later after its event may not count: then the event is asked for once more."""

    def begin(self) -> Program[None]:
        """Find the device on the line; nothing that it has to say of a note may get lost by this."""
        ...

    def poll(self) -> Program[Poll | None]:
        """Ask for the state; None when no answer came. By itself this decides nothing about a note."""
        ...

    def acknowledge(self) -> Program[None]:
        """What the last poll said has arrived and is durable: the device may forget it."""
        ...

    def stack(self) -> Program[Outcome]:
        """Move the note at escrow into the cassette."""
        ...

    def give_back(self) -> Program[Outcome]:
        """Move the note at escrow back to the customer."""
        ...

    def set_slot(self, bill_types: frozenset[int]) -> Program[Outcome]:
        """Take notes of these types, each to escrow; none: close the slot."""
        ...

    def reset(self) -> Program[None]:
        """Start the device anew."""
        ...

    def leave_power_up(self) -> Program[bool]:
        """Let a device that has just come up begin its work; whether that took a reset."""
        ...

    def identify(self) -> Program[Identity]:
        """Who it is, as far as it says."""
        ...

    def read_table(self) -> Program[tuple[Bill | None, ...] | None]:
        """What each bill type is, by its number; None when the device does not tell now."""
        ...

    def count(self) -> Program[int | None]:
        """How many notes it has stacked in its life; None: it does not count, or does not tell."""
        ...

    def rejection(self, reason: int | None) -> str:
        """Why a note was not taken, for staff."""
        ...

    def failure(self, code: int | None) -> str:
        """What is broken, for staff."""
        ...
