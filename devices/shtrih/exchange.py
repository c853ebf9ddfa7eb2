"""One command and its answer over the standard link layer, from the host's side.

The danger here is a command that is carried out twice, or one that is taken for lost although it was carried out.
So a frame is never sent again blindly: ENQ tells whether the registrar waits (NAK) or still holds an answer (ACK).

Source: Shtrih-M, "Command protocol" 1.17, appendix 3 (the host's diagram); the counts are the host's own choice.
"""

from __future__ import annotations

from typing import TypeVar

from devices.link import LinkLost
from devices.shtrih.protocol import (
    ACK,
    ENQ,
    NAK,
    BadAnswer,
    Command,
    Control,
    Frame,
    Item,
    Junk,
    Spoilt,
    frame,
    take,
)
from devices.steps import Program, Time, flush, receive, send
from kassa.errors import KassaError

T = TypeVar("T")

CONTROL_MS = 500
"""A healthy registrar answers ENQ within some 100 ms."""
ENQUIRIES_MAX = 12
"""6 s in all: a registrar that cuts paper was seen silent for more than 3 s."""
TRIES_MAX = 10
"""Rounds of ENQ, frame and answer for one command, as the vendor's own driver counts."""
BYTE_MS = 300
"""Silence inside a frame after which the rest will not come; some registrars stop for 100 ms."""
LATE_MS = 60
"""After a repeated ENQ: wait for the control byte of the one before, so that it isn't taken for the frame's."""
SPARE_S = 15.0
"""What a command may take over its own time-out, for repeated answers."""
JUNK_MAX_BYTES = 2048
"""More bytes without meaning than this in front of one item: it is not a registrar that talks."""
_ENQ, _ACK, _NAK = Control(ENQ), Control(ACK), Control(NAK)


class AnswerLost(KassaError):
    """The registrar has no answer to a command that it may have carried out: look what became of it."""

    def __init__(self, code: bytes) -> None:
        super().__init__(f"the registrar has forgotten the answer to command {code.hex().upper()}")


class Exchange:
    """The line to one registrar during one life of the link."""

    def __init__(self, now: Time) -> None:
        self._now = now
        self._buffer = b""

    def ask(self, command: Command[T]) -> Program[T]:
        """Carry out one command and read its answer.

        Raises Refused for the registrar's own errors; AnswerLost when a command that must not be repeated may have
        been carried out; LinkLost when the registrar is silent or speaks another language.
        """
        body = yield from self._converse(command)
        try:
            return command.read(body)
        except BadAnswer as error:
            raise LinkLost(f"{error}; check the model and its firmware") from error

    def _converse(self, command: Command[T]) -> Program[bytes]:
        is_sent = is_refused = False
        give_up = self._now() + command.timeout_ms / 1000 + SPARE_S
        for _ in range(TRIES_MAX):
            if self._now() > give_up:
                break
            item: Item | None = yield from self._enquire()
            if item == _NAK:
                if is_sent and not is_refused and not command.is_repeatable:
                    raise AnswerLost(command.code)
                self._buffer = b""
                yield from flush()
                yield from send(frame(command.body))
                is_sent, is_refused = True, False
                item = yield from self._item(CONTROL_MS)
                is_refused = item == _NAK
            if item == _ACK:
                item = yield from self._answer(command.timeout_ms)
            match item:
                case Frame(body) if is_sent and body.startswith(command.code):
                    yield from send(bytes((ACK,)))
                    return body
                case Frame():  # the answer to a command before this one, which somebody waited for in vain
                    yield from send(bytes((ACK,)))
                case Spoilt():
                    yield from send(bytes((NAK,)))
                case _:
                    pass  # ENQ will tell
        raise LinkLost(f"the registrar gives no answer to command {command.code.hex().upper()}")

    def _enquire(self) -> Program[Item]:
        """Ask until the registrar says that it waits (NAK) or that it has an answer (ACK, or the answer itself)."""
        for enquiry in range(ENQUIRIES_MAX):
            yield from send(bytes((ENQ,)))
            item = yield from self._item(CONTROL_MS)
            for _ in range(enquiry if item == _NAK else 0):  # no more can be late than were asked for
                late = yield from self._item(LATE_MS)
                item = late or item
                if late != _NAK:
                    break
            if item is not None and item != _ENQ:
                return item
        raise LinkLost("the registrar does not answer; check its power, cable, port and speed")

    def _answer(self, timeout_ms: int) -> Program[Item | None]:
        """The frame that follows an ACK; control bytes before it are late and mean nothing."""
        give_up = self._now() + timeout_ms / 1000
        while (left_ms := round((give_up - self._now()) * 1000)) > 0:
            item = yield from self._item(left_ms)
            if not isinstance(item, Control):
                return item
        return None

    def _item(self, timeout_ms: int) -> Program[Item | None]:
        """The next item that means something; None after `timeout_ms` of silence."""
        junk_bytes = 0
        while True:
            item, self._buffer = take(self._buffer)
            if isinstance(item, Junk):
                junk_bytes += len(item.data)
                if junk_bytes > JUNK_MAX_BYTES:
                    raise LinkLost("nothing but noise comes from the registrar; check port and speed")
            elif item is not None:
                return item
            else:
                data = yield from receive(BYTE_MS if self._buffer else timeout_ms)
                if not data and self._buffer:
                    broken_off, self._buffer = self._buffer, b""
                    return Spoilt(broken_off)
                if not data:
                    return None
                self._buffer += data
