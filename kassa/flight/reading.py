"""Records out of a ring file or a kept copy, also while it is written. Nothing that stands in it is trusted."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from kassa.errors import KassaError
from kassa.files import UntrustedFileError, open_untrusted
from kassa.flight.ring import (
    BLOCK_BYTES,
    HEAD_BYTES,
    RECORD_HEAD_BYTES,
    RING_BYTES,
    Record,
    decode_head,
    decode_record,
    heads,
)

FILE_MAX_BYTES = 2 * RING_BYTES
"""A ring, or a kept copy: at most a whole ring for the payment and a little for a document that came later."""


class RecordingUnreadable(KassaError):
    """There is no such file, or it cannot be read."""


def read(path: Path, since: float = -math.inf, until: float = math.inf) -> Iterator[Record]:
    """The records of that time, in the order in which they were written. Raises RecordingUnreadable.

    Reading begins with the last block whose first record is older than `since`; where a clock was set back meanwhile,
    older records of that time are not found.
    """
    with open_reader(path) as reader:
        reader.skip_before(since)
        for record in reader.take():
            if since <= record.at <= until:
                yield record


@contextmanager
def open_reader(path: Path) -> Iterator[Reader]:
    """A reader that stands before the oldest record. Raises RecordingUnreadable, as all that the reader does."""
    with _in_words(path):
        file = open_untrusted(path, FILE_MAX_BYTES)
    with file:
        yield Reader(path, file)


class Reader:
    """A place in an open file from which one reads on."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self._path, self._file = path, file.fileno()
        self._number, self._place, self._offset = -1, 0, HEAD_BYTES
        self._newest = 0
        """Number of the last block when all of them were looked at."""

    def take(self) -> Iterator[Record]:
        """Every record that was not taken yet and is still there, oldest first."""
        with _in_words(self._path):
            for number, place in self._blocks_to_read():
                if number != self._number:
                    self._go_to(number, place)
                yield from self._rest_of_block()

    def skip_before(self, since: float) -> None:
        """Go to the block in which `since` lies: all of the blocks before it are older."""
        with _in_words(self._path):
            for number, place in reversed(self._known_blocks()):
                self._go_to(number, place)
                first = next(self._rest_of_block(), None)
                self._go_to(number, place)
                if first is not None and first.at < since:
                    return

    def _go_to(self, number: int, place: int) -> None:
        self._number, self._place, self._offset = number, place, HEAD_BYTES

    def _blocks_to_read(self) -> list[tuple[int, int]]:
        """The block we are in and those after it.

        They are looked up before any of them is read: a writer begins a block when the one before has its last record,
        so all but the last of these are finished.
        """
        if self._number == self._newest and not self._has_gone_on():
            return [(self._number, self._place)]  # the usual answer to who asks five times a second
        blocks = [(number, place) for number, place in self._known_blocks() if number >= self._number]
        self._newest = blocks[-1][0] if blocks else 0
        return blocks

    def _has_gone_on(self) -> bool:
        """Whether the writer has begun the next block, or has even come round and over ours."""
        return (
            self._number_at(self._next_place()) == self._number + 1
            or self._number_at(self._place) != self._number
        )

    def _known_blocks(self) -> list[tuple[int, int]]:
        return sorted({head.number: place for head, place in heads(self._file)}.items())

    def _number_at(self, place: int) -> int | None:
        head = decode_head(os.pread(self._file, HEAD_BYTES, place * BLOCK_BYTES))
        return head.number if head is not None else None

    def _next_place(self) -> int:
        blocks = os.fstat(self._file).st_size // BLOCK_BYTES
        return (self._place + 1) % max(blocks, 1)

    def _rest_of_block(self) -> Iterator[Record]:
        block = os.pread(self._file, BLOCK_BYTES, self._place * BLOCK_BYTES)
        head = decode_head(block)
        if head is None or head.number != self._number:
            return  # the writer has come round and overtaken us
        while (record := decode_record(block, self._offset, head)) is not None:
            self._offset += RECORD_HEAD_BYTES + len(record.data)
            yield record


@contextmanager
def _in_words(path: Path) -> Iterator[None]:
    try:
        yield
    except UntrustedFileError as error:
        raise RecordingUnreadable(str(error)) from error
    except OSError as error:
        raise RecordingUnreadable(f"{path} cannot be read: {error.strerror}") from error


def follow(reader: Reader, pause: Callable[[], None], quiet_pauses: int) -> Iterator[Record | None]:
    """Records as they come, for ever; None once when `quiet_pauses` pauses in a row brought nothing."""
    quiet = 0
    while True:
        for record in reader.take():
            quiet = 0
            yield record
        quiet += 1
        if quiet == quiet_pauses:
            yield None
        pause()
