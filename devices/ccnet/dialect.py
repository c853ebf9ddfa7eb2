"""CCNET as the driver of a bill validator speaks it.

Source: CashCode, "CashCode NET Interface": states and commands; the times marked "ours" are the host's own choice.
"""

from __future__ import annotations

from functools import lru_cache

from devices.ccnet import protocol as p
from devices.ccnet.exchange import TRIES_MAX, Exchange
from devices.link import LineSettings
from devices.steps import Program, Time, flush, sleep
from devices.validator.dialect import Bill, Identity, Outcome, Poll, Status

OPENING_MS = 50
"""Whoever had the port before us may just have spoken: let the line rest, and late answers arrive to be thrown away."""
RESET_PAUSE_MS = 300


class CcnetDialect:
    """One CCNET validator on the line; implements `devices.validator.dialect.Dialect`."""

    name = "CCNET"
    line = LineSettings(9600)
    holds_money = False
    """Some say it to one POLL only."""
    names_power_ups = True
    ack_fresh_s = 0.010
    """Ours; 20 ms are documented, and units differ."""

    def __init__(self, now: Time) -> None:
        self._line = Exchange(now)

    def begin(self) -> Program[None]:
        """There is nothing to say before the first POLL."""
        yield from sleep(OPENING_MS)
        yield from flush()

    def poll(self) -> Program[Poll | None]:
        """POLL; the answer waits for our ACK."""
        poll = yield from self._line.poll()
        return None if poll is None else _in_common_words(poll)

    def acknowledge(self) -> Program[None]:
        """ACK: until then an event is repeated."""
        yield from self._line.acknowledge()

    def stack(self) -> Program[Outcome]:
        """STACK; its ACK does not mean that the note is stacked."""
        return (yield from self._line.order(p.STACK))

    def give_back(self) -> Program[Outcome]:
        """RETURN."""
        return (yield from self._line.order(p.RETURN))

    def set_slot(self, bill_types: frozenset[int]) -> Program[Outcome]:
        """ENABLE BILL TYPES, each with escrow: no note is stacked unasked."""
        return (yield from self._line.order(p.enable_bill_types(bill_types, bill_types), TRIES_MAX))

    def reset(self) -> Program[None]:
        """RESET, and a moment of silence."""
        yield from self._line.order(p.RESET)
        yield from sleep(RESET_PAUSE_MS)

    def leave_power_up(self) -> Program[bool]:
        """It waits for RESET."""
        yield from self.reset()
        return True

    def identify(self) -> Program[Identity]:
        """IDENTIFICATION; a unit that does not answer it has no name."""
        body = yield from self._line.ask(p.IDENTIFICATION, p.is_identification)
        who = p.decode_identification(body or b"")
        return Identity(who.part_number, who.serial)

    def read_table(self) -> Program[tuple[Bill | None, ...] | None]:
        """GET BILL TABLE; by the book it is told at rest only."""
        body = yield from self._line.ask(p.GET_BILL_TABLE, p.is_bill_table)
        return None if body is None else p.decode_bill_table(body)

    def count(self) -> Program[int | None]:
        """There is no such count in this protocol."""
        yield from ()
        return None

    def rejection(self, reason: int | None) -> str:
        """The second byte of state 1C in words."""
        return p.rejection(reason)

    def failure(self, code: int | None) -> str:
        """The second byte of state 47 in words."""
        return p.failure(code)


@lru_cache(p.SAID_MAX)
def _in_common_words(poll: p.Poll) -> Poll:
    return Poll(Status[poll.status.name], poll.detail)
