"""A link whose bytes are written down as they pass, with what becomes of the port."""

from __future__ import annotations

from collections.abc import Callable

from devices.link import Link, LinkLost
from kassa.flight.ring import Kind

Write = Callable[[Kind, bytes], None]
"""Writes something down; it never raises, and takes microseconds."""


def recorded(
    open_link: Callable[[], Link], port: str, write: Write, keep: Callable[[bytes], bytes] = lambda sent: sent
) -> Callable[[], Link]:
    """`open_link`, with all its links recorded; `port` says for people what is opened.

    `keep`: what may be written down of what we send at once, where that can hold a password. While a port stays away it is tried twice a second: that is written down once, or the ring would hold nothing else.
    """
    told = ""

    def open_recorded() -> Link:
        nonlocal told
        try:
            link = open_link()
        except LinkLost as error:
            if str(error) != told:
                told = str(error)
                write(Kind.LOST, _bytes(told))
            raise
        told = ""
        write(Kind.OPENED, _bytes(port))
        return RecordingLink(link, write, keep)

    return open_recorded


class RecordingLink:
    """Hands everything on to the link that it wraps, and writes it down before that."""

    def __init__(self, link: Link, write: Write, keep: Callable[[bytes], bytes]) -> None:
        self._link, self._write, self._keep = link, write, keep
        self._is_open = True

    def send(self, data: bytes) -> None:
        """Send all bytes. Written down first: whatever the device does, what made it do so is known."""
        self._write(Kind.SENT, self._keep(data))
        try:
            self._link.send(data)
        except LinkLost as error:
            self._lose(str(error))
            raise

    def disclose(self, data: bytes, *, is_ours: bool) -> None:
        """Write down what a sealed packet says, beside its bytes."""
        self._write(Kind.SAID if is_ours else Kind.HEARD, data)

    def on_data(self, received: Callable[[bytes], None], lost: Callable[[str], None]) -> None:
        """Call back as the link does."""

        def hear(data: bytes) -> None:
            self._write(Kind.RECEIVED, data)
            received(data)

        def lose(reason: str) -> None:
            self._lose(reason)
            lost(reason)

        self._link.on_data(hear, lose)

    def close(self) -> None:
        """Give the port back."""
        if self._is_open:
            self._is_open = False
            self._write(Kind.CLOSED, b"")
        self._link.close()

    def _lose(self, reason: str) -> None:
        if self._is_open:
            self._is_open = False
            self._write(Kind.LOST, _bytes(reason))


def _bytes(words: str) -> bytes:
    """A path in them may be no text at all."""
    return words.encode("utf-8", "backslashreplace")
