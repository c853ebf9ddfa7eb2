"""SSP for one who tests a validator while no core runs: it cannot take a note, nor hear what is told only once.

`devices.ssp.dialect` does both, as it has a core to tell. Here three commands cannot be sent at all, whatever happens.
"""

from __future__ import annotations

from devices.ssp import cipher
from devices.ssp import protocol as p
from devices.ssp.dialect import SspDialect
from devices.ssp.exchange import Draw, Exchange
from devices.ssp.protocol import Reply, Response
from devices.steps import Program, Time
from devices.validator.check import NoteInside, TellsOnce


class CarefulExchange(Exchange):
    """The line, without POLL, EVENT ACK and RESET."""

    def ask(self, command: bytes) -> Program[Reply]:
        """Send what takes no evidence away. Raises TellsOnce and NoteInside instead of the rest."""
        if command == p.POLL:  # its answer is told once: a credit in it would be gone with us
            raise TellsOnce("without POLL WITH ACK its events are for the core alone")
        if command in (p.EVENT_ACK, p.RESET):
            raise NoteInside("it tells of a note, and repeats it until the terminal acknowledges it")
        return (yield from super().ask(command))


class CarefulSspDialect(SspDialect):
    """One validator whose notes are somebody else's; implements `devices.validator.dialect.Dialect`."""

    def __init__(self, now: Time, draw: Draw, fixed_key: int = cipher.FIXED_KEY) -> None:
        super().__init__(now, draw, fixed_key)
        self._line = CarefulExchange(now, fixed_key, draw)

    def _introduce(self) -> Program[None]:
        """As for a core, which begins with REJECT; but HOLD tells first whether a note is there, and leaves it there."""
        yield from self._line.synchronise()
        yield from self._line.exchange_keys()
        reply = yield from self._line.ask(p.HOLD)
        if reply.response is Response.OK:
            raise NoteInside("a note waits at escrow")
        yield from super()._introduce()
