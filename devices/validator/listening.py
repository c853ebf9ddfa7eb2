"""Waiting for one answer on the line to a validator: all of it, in time, and of one device; and how long silence may last."""

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
CHOIRS_MAX = 2
"""So often in a row two different answers to one question. Once, one of them may have been a late one: it is asked again."""
ECHO = "the port gives back what it is sent: a loop-back plug or an echoing adapter, no validator"
CHOIR = "two validators answer on this line: leave one of them connected"
ADVICE = "check its power, cable, port, protocol and speed"

Read = Callable[[bytes], tuple[list[bytes], bool]]
"""What can be the answer in what came so far, the latest first, and whether nothing stands behind that."""


class Listener:
    """The host's ear during one life of the link."""

    def __init__(self, now: Time) -> None:
        self._now = now
        self._heard_at: float | None = None
        self._choirs = 0
        self.advice = ADVICE
        """What to do about silence, as far as is known."""

    def collect(self, read: Read, timeout_ms: int) -> Program[tuple[bytes | None, bool]]:
        """The answer that comes in time; else None, and whether something unreadable came. Raises LinkLost on babble,
        and when two devices answer: what one of them says of a note says nothing of the note in the other."""
        give_up = self._now() + timeout_ms / 1000
        buffer, found = b"", list[bytes]()
        while (left_ms := round((give_up - self._now()) * 1000)) > 0:
            data = yield from receive(min(GAP_MS, left_ms) if buffer else left_ms)
            if not data:
                break
            buffer += data
            if len(buffer) > ANSWER_MAX_BYTES:
                raise LinkLost("nothing but noise comes from the validator; check port, speed and parity")
            found, is_last = read(buffer)
            if found and is_last:
                break
        is_one = len(set(found)) == 1
        if found:
            self._choirs = 0 if is_one else self._choirs + 1
        if self._choirs >= CHOIRS_MAX:
            raise LinkLost(CHOIR)
        return found[0] if is_one else None, bool(buffer) and not is_one

    def watch_silence(self, was_heard: bool) -> None:
        """A question was answered or not. Raises LinkLost when none was for SILENCE_MAX_S."""
        at = self._now()
        if was_heard or self._heard_at is None:
            self._heard_at = at
        elif at - self._heard_at > SILENCE_MAX_S:
            raise LinkLost(f"the validator gave no valid answer for {SILENCE_MAX_S:.0f} s; {self.advice}")
