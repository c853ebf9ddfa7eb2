"""The clerk of a soaked terminal: drops subscriber files of every kind into the inbox, and collects payment files."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from random import Random

from troubles import Trouble

from kassa.demo.visit import SAMPLE_DATE
from kassa.home import Home, data_folder

NAME = "subscribers.csv"
COPYING_S = (0.3, 1.5)
"""A copy that pauses for less than the inbox's quiet time is still being copied."""


class Clerk:
    """`problems` are payment files that changed between two collections."""

    def __init__(self, home: Home, collected: Path, chance: Random) -> None:
        self._home, self._collected, self._chance = home, collected, chance
        self._sample = (data_folder() / "examples" / NAME).read_bytes()
        self._dropped = self._content()
        self.newest_sha256 = ""
        """Of the newest good file that was dropped; "" before the first."""
        self.problems: list[str] = []
        collected.mkdir()

    @property
    def errands(self) -> tuple[Trouble, ...]:
        """What a clerk may do to a terminal at any moment."""
        return (
            self._errand("good file", self._drop_good),
            self._errand("same file again", self._drop_again),
            self._errand("broken file", self._drop_broken),
            self._errand("half a file", self._drop_half),
            Trouble(
                "file copied slowly", lambda _: self._begin_copy(), lambda _: self._end_copy(), COPYING_S,
                spares_polls=True,
            ),
            self._errand("payment files collected", self.collect),
        )  # fmt: skip

    def collect(self) -> None:
        """Take the payment files away. One that comes again has to be the same, byte for byte."""
        for path in sorted(self._home.outbox.glob("KASSA_*.csv")):
            kept = self._collected / path.name
            if kept.exists() and kept.read_bytes() != path.read_bytes():
                self.problems.append(f"{path.name} was written twice, with other bytes")
            path.replace(kept)

    def bring_back(self) -> None:
        """Lay all payment files where they were written, to be compared with the journal."""
        self.collect()
        for path in sorted(self._collected.iterdir()):
            path.replace(self._home.outbox / path.name)

    def _errand(self, name: str, do: Callable[[], object]) -> Trouble:
        return Trouble(name, lambda _: do(), lambda _: None, (0.0, 0.0), spares_polls=True)

    def _content(self) -> bytes:
        """The sample as of this second, with a count that gives half a file away."""
        now = f"{datetime.now().astimezone():%d.%m.%Y %H:%M:%S}".encode()
        rows = self._sample.count(b"\n") - 1
        return b"#COUNT %d\n" % rows + self._sample.replace(SAMPLE_DATE, now)

    def _is_good(self, content: bytes) -> bytes:
        self._dropped, self.newest_sha256 = content, hashlib.sha256(content).hexdigest()
        return content

    def _drop(self, name: str, content: bytes) -> None:
        """As a program copies: under another name, then renamed."""
        coming = self._home.inbox / f".{name}.{os.getpid()}"
        coming.write_bytes(content)
        coming.replace(self._home.inbox / name)

    def _drop_good(self) -> None:
        self._drop(NAME, self._is_good(self._content()))

    def _drop_again(self) -> None:
        self._drop("again.csv", self._dropped)

    def _drop_broken(self) -> None:
        content = bytearray(self._content())
        for _ in range(3):
            place = self._chance.randrange(len(content))
            content[place : place + 1] = self._chance.choice((b"\0", b"", b"\n", b";;", b'"'))
        self._drop("broken.csv", bytes(content) + b"\nno row at all\n")

    def _drop_half(self) -> None:
        content = self._content()
        (self._home.inbox / "half.csv").write_bytes(
            content[: self._chance.randrange(1, len(content) * 9 // 10)]
        )

    def _begin_copy(self) -> None:
        content = self._is_good(self._content())
        (self._home.inbox / "copied.csv").write_bytes(content[: len(content) // 2])

    def _end_copy(self) -> None:
        with (self._home.inbox / "copied.csv").open("ab") as file:
            file.write(self._dropped[len(self._dropped) // 2 :])
