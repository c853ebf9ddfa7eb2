"""A fuzzer's bytes cut into what a target needs: choices, numbers, strings of bytes. And the other way, for seeds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from msgspec import Struct

T = TypeVar("T")
PIECE_MAX_BYTES = 255
ERROR_MAX_CHARS = 4000


class Target(Struct, frozen=True):
    """One parser under fuzz. `run` breaks its law by any exception; a refusal of the parser's own never leaves it."""

    run: Callable[[bytes], None]
    seeds: Callable[[], Iterable[bytes]]
    """Real frames and files, from which the first corpus is made."""
    words: tuple[bytes, ...] = ()
    """What the fuzzer should know of the language."""
    size_max_bytes: int = 2048


class Pieces:
    """Bytes that are taken from the front; when they are used up every number is 0 and every string empty."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    @property
    def are_left(self) -> bool:
        return self._at < len(self._data)

    def number(self, below: int = 256) -> int:
        """From 0 to `below`; of one byte, so not above 255."""
        taken = self._data[self._at : self._at + 1]
        self._at += 1
        return taken[0] % below if taken else 0

    def choice(self, *of: T) -> T:
        return of[self.number(len(of))]

    def string(self) -> bytes:
        """As many bytes as the first one says."""
        size = self.number()
        taken = self._data[self._at : self._at + size]
        self._at += size
        return taken

    def rest(self) -> bytes:
        taken, self._at = self._data[self._at :], len(self._data)
        return taken


def string(data: bytes) -> bytes:
    """What `Pieces.string` reads as `data`."""
    assert len(data) <= PIECE_MAX_BYTES
    return bytes((len(data),)) + data


def check_error(error: Exception) -> None:
    """A sentence of a length that a person reads, in which nothing can steer a terminal."""
    text = str(error)
    assert 0 < len(text) < ERROR_MAX_CHARS, text
    assert all(letter.isprintable() or letter == "\n" for letter in text), text
