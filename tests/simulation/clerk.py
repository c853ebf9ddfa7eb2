"""The clerk who drops subscriber files: fresh, late, broken, the same again. The real importer reads each."""

from __future__ import annotations

import os
import random
import re
from pathlib import Path

from kiosk import Kiosk
from people import Script

from importers.job import Job
from importers.profile import find_profile
from kassa.home import data_folder
from kassa.ports import ImportRefused, SnapshotReady
from kassa.subscribers import current_path

SAMPLE = (data_folder() / "examples" / "subscribers.csv").read_bytes()
DATE = b"24.11.2026"
MADE_AT = 1_795_500_000
"""Modification time of every file: the machine's own clock must not get into a seed's life."""


class Clerk:
    """One clerk of one kiosk; remembers the last good file."""

    def __init__(self, kiosk: Kiosk, chance: random.Random) -> None:
        self.kiosk, self.chance = kiosk, chance
        self._last = SAMPLE
        self._profile = find_profile(kiosk.home, "kassa_csv")

    def drop(self) -> Script:
        """One file into the inbox, while the next customer comes; without a core nobody looks there."""
        yield self.chance.choice((0.1, 0.5, 1.0, 2.0))
        if not self.kiosk.is_alive:
            return
        kind, content = self._any_file()
        before = current_path(self.kiosk.home.snapshots)
        file = self.kiosk.home.run / "subscribers.csv"
        file.write_bytes(content)
        os.utime(file, (MADE_AT, MADE_AT))
        outcome = self._import(file)
        self.kiosk.timeline.note("clerk", f"drops a {kind} file: {outcome.reason or 'taken'}")
        if outcome.status == "imported":
            self._last = content
            fact = SnapshotReady(outcome.file, outcome.sha256 or "", outcome.accounts, outcome.accepted)
            self.kiosk.tell_core(fact)
        else:
            if current_path(self.kiosk.home.snapshots) != before:
                self.kiosk.broken.append(f"a {kind} file was refused, yet the data in use changed")
            self.kiosk.tell_core(ImportRefused(outcome.file, outcome.reason or "", ""))

    def _import(self, file: Path):  # type: ignore[no-untyped-def]
        home = self.kiosk.home
        return Job(home, self.kiosk.config, self._profile, file, home.run / "reports").run()

    def _any_file(self) -> tuple[str, bytes]:
        chance = self.chance
        match chance.choice(["fresh", "fresh", "fresh", "half", "hostile", "late", "same", "garbled"]):
            case "half":
                return "half", self._last[: chance.randint(1, len(self._last) - 2)]
            case "hostile":
                return "hostile", bytes(chance.getrandbits(8) for _ in range(2000))
            case "late":
                return "late", self._last.replace(DATE, b"23.11.2026")
            case "same":
                return "same", self._last
            case "garbled":
                at = chance.randrange(len(self._last))
                return "garbled", self._last[:at] + b"\x00" + self._last[at + 1 :]
            case _:
                kopecks = b"%02d" % chance.randrange(100)
                return "fresh", re.sub(rb"(;-?\d+,)\d\d;", rb"\g<1>" + kopecks + b";", self._last)
