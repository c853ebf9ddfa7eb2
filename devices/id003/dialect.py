"""ID-003 as the driver of a bill validator speaks it.

VEND_VALID is what the driver knows as STACKED: STACK_2 is used, so it comes when the note lies in the cassette. There
is no event for a note that is back: the driver concludes it from RETURNING and rest.

Source: JCM, "ID-003 Protocol Specification": states, settings, power recovery; what is marked "ours" is the host's own
choice.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache, partial

from devices.id003 import protocol as p
from devices.id003.exchange import ANSWER_MS, LONG_ANSWER_MS, Exchange
from devices.link import LineSettings, LinkLost
from devices.steps import Program, Time, flush, sleep
from devices.validator.dialect import Bill, Identity, Outcome, Poll, Status
from kassa.money import Money, of_whole

OPENING_MS = 50
"""Whoever had the port before us may just have spoken."""
RESET_PAUSE_MS = 300
SETTINGS = (
    p.enable_bill_types(()),
    p.set_security(()),
    p.refuse_directions(p.Direction(0)),
    p.set_options(p.Option.POWER_RECOVERY),
    p.set_communication_mode(p.Mode.POLLED),
    p.inhibit(True),
)
"""In the order in which most hosts send them. Power recovery: a note that was past the gate is said again after RESET."""


class Id003Dialect:
    """One ID-003 validator on the line; implements `devices.validator.dialect.Dialect`.

    `table` are whole units of `currency` by bill type, 0 for an unused one: for devices that do not tell theirs.
    """

    name = "ID-003"
    line = LineSettings(9600, parity="E")
    holds_money = True
    names_power_ups = True
    ack_fresh_s = 1.0
    """Ours; VEND_VALID is repeated until it is acknowledged, and units have been seen that ignore an ACK after a minute."""

    def __init__(self, now: Time, table: Sequence[int] = (), currency: str = "RUB") -> None:
        self._line = Exchange(now)
        self._table = tuple(_Configured(units, currency) if units else None for units in table)
        self._status: p.Status | None = None
        self._is_configured = False

    def begin(self) -> Program[None]:
        """Make sure that this is a device and no echo: over one, STACK_2 would read as a note in the stacker."""
        yield from sleep(OPENING_MS)
        yield from flush()
        yield from self._line.ask(p.VERSION_REQUEST, _is_version, LONG_ANSWER_MS, 1)

    def poll(self) -> Program[Poll | None]:
        """STATUS REQUEST; a device that waits for its settings gets them."""
        is_slow = self._status in (None, p.Status.INITIALIZE)
        timeout_ms = LONG_ANSWER_MS if is_slow else ANSWER_MS
        body = yield from self._line.ask(p.STATUS_REQUEST, p.is_poll_answer, timeout_ms, 1)
        if body is None or body == p.INVALID_COMMAND:
            return None
        poll = p.decode_poll(body)
        is_new, self._status = self._status is not poll.status, poll.status
        if poll.status is p.Status.INITIALIZE and is_new:
            yield from self._configure()
        return _in_common_words(poll)

    def acknowledge(self) -> Program[None]:
        """ACK, which only VEND_VALID waits for."""
        if self._status is p.Status.VEND_VALID:
            yield from self._line.acknowledge()

    def stack(self) -> Program[Outcome]:
        """STACK_2: what follows is said when the note lies in the cassette."""
        return (yield from self._line.order(p.STACK_2))

    def give_back(self) -> Program[Outcome]:
        """RETURN."""
        return (yield from self._line.order(p.RETURN))

    def set_slot(self, bill_types: frozenset[int]) -> Program[Outcome]:
        """The denominations, then the slot; to close it, the slot alone."""
        if bill_types:
            echo = yield from self._set(p.enable_bill_types(bill_types))
            if echo is None or not p.enabled_bill_types(echo) <= bill_types:
                return Outcome.UNKNOWN
        echo = yield from self._set(p.inhibit(not bill_types))
        if echo is None or p.is_inhibited(echo) is bool(bill_types):
            return Outcome.UNKNOWN
        return Outcome.ACCEPTED

    def reset(self) -> Program[None]:
        """RESET, and a moment of silence; the settings are gone."""
        self._is_configured = False
        yield from self._line.order(p.RESET)
        yield from sleep(RESET_PAUSE_MS)

    def leave_power_up(self) -> Program[bool]:
        """It waits for RESET."""
        yield from self.reset()
        return True

    def identify(self) -> Program[Identity]:
        """The version's text. A device that ran before us gets its settings once more: whoever sent them may be gone."""
        if not self._is_configured:
            yield from self._configure()
        body = yield from self._line.ask(p.VERSION_REQUEST, _is_version, ANSWER_MS)
        if body is None or body == p.INVALID_COMMAND:
            return Identity("", "")
        who = p.decode_version(body)
        return Identity(f"{who.model} {who.firmware}".strip(), "")

    def read_table(self) -> Program[tuple[Bill | None, ...] | None]:
        """The currency table, or the configured one where the device does not know the request."""
        body = yield from self._line.ask(p.CURRENCY_REQUEST, p.is_currency_table, ANSWER_MS)
        if body is None:
            return None
        if body != p.INVALID_COMMAND:
            return tuple(map(_named, p.decode_currency_table(body)))
        if self._table:
            return self._table
        if self._status is not p.Status.DISABLED:
            return None  # it may tell at rest
        raise LinkLost(
            "the validator does not tell its bill table; name its notes in kassa.toml, in their order:"
            " validator.bill_table"
        )

    def count(self) -> Program[int | None]:
        """There is no such count in this protocol."""
        yield from ()
        return None

    def rejection(self, reason: int | None) -> str:
        """The second byte of state 17 in words."""
        return p.rejection(reason)

    def failure(self, code: int | None) -> str:
        """The second byte of state 49 in words."""
        return p.failure(code)

    def _configure(self) -> Program[None]:
        """Some devices wait for all of it, some know only a part: what one refuses it goes without."""
        self._is_configured = True
        for setting in SETTINGS:
            yield from self._set(setting)

    def _set(self, setting: bytes) -> Program[bytes | None]:
        """Send a setting; what is in force now, or None when the device did not take it."""
        body = yield from self._line.ask(setting, partial(p.is_answer, setting), ANSWER_MS)
        return None if body == p.INVALID_COMMAND else body


class _Record:
    """A record of the currency table with a name for its country, as `devices.validator.dialect.Bill` has it."""

    def __init__(self, bill: p.Bill) -> None:
        self.country = bill.country or f"{bill.country_code:02X}"
        self.money = bill.money


class _Configured:
    """A note that kassa.toml names; it is of our currency, whatever that is called."""

    def __init__(self, units: int, currency: str) -> None:
        self.country = currency
        self._value = of_whole(units, currency)

    def money(self, currency: str) -> Money | None:
        """The value in `currency`."""
        return self._value if self._value.currency == currency else None


def _named(bill: p.Bill | None) -> Bill | None:
    return None if bill is None else _Record(bill)


def _is_version(body: bytes) -> bool:
    return p.is_answer(p.VERSION_REQUEST, body)


@lru_cache(p.SAID_MAX)
def _in_common_words(poll: p.Poll) -> Poll:
    match poll.status:
        case p.Status.VEND_VALID:
            return Poll(Status.STACKED, poll.detail)
        case p.Status.STACKED:
            return Poll(Status.BUSY)  # it ends what VEND_VALID said
        case _:
            return Poll(Status[poll.status.name], poll.detail)
