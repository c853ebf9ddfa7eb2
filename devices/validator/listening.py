"""Waiting for one answer on the line to a validator: all of it, in time, and no other; and how long silence may last."""

from __future__ import annotations

from collections.abc import Callable

from devices.link import LinkLost
from devices.steps import Program, Time, receive

GAP_MS = 50
"""Silence after which a frame that has begun will not go on; USB adapters deliver in lumps of 16 ms."""
ANSWER_MAX_BYTES = 1024
"""More in one answer: it is not a validator that talks."""
SILENCE_MAX_S = 5.0
"""The non-response time: without a valid answer for so long the link is lost."""
ECHO = "the port gives back what it is sent: a loop-back plug or an echoing adapter, no validator"
ADVICE = "check its power, cable, port, protocol and speed"

Read = Callable[[bytes], tuple[bytes | None, bool]]
"""The answer in what came so far, and whether nothing stands behind it."""


class Listener:
    """The host's ear during one life of the link."""

    def __init__(self, now: Time) -> None:
        self._now = now
        self._heard_at: float | None = None
        self.advice = ADVICE
        """What to do about silence, as far as is known."""

    def collect(self, read: Read, timeout_ms: int) -> Program[tuple[bytes | None, bool]]:
        """The answer that comes in time; else None, and whether something unreadable came. Raises LinkLost on babble."""
        give_up = self._now() + timeout_ms / 1000
        buffer = b""
        while (left_ms := round((give_up - self._now()) * 1000)) > 0:
            data = yield from receive(min(GAP_MS, left_ms) if buffer else left_ms)
            if not data:
                break
            buffer += data
            if len(buffer) > ANSWER_MAX_BYTES:
                raise LinkLost("nothing but noise comes from the validator; check port, speed and parity")
            found, is_last = read(buffer)
            if found is not None and is_last:
                return found, False
        found, _ = read(buffer)
        return found, found is None and bool(buffer)

    def watch_silence(self, was_heard: bool) -> None:
        """A question was answered or not. Raises LinkLost when none was for SILENCE_MAX_S."""
        at = self._now()
        if was_heard or self._heard_at is None:
            self._heard_at = at
        elif at - self._heard_at > SILENCE_MAX_S:
            raise LinkLost(f"the validator gave no valid answer for {SILENCE_MAX_S:.0f} s; {self.advice}")
