"""A process that writes many visits into a journal and says after each transaction which entry is durable."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path

from entry_stories import visits

from kassa.clock import SystemClock
from kassa.journal.store import Journal


def main() -> None:
    with closing(Journal.open(Path(sys.argv[1]), SystemClock())) as journal:
        for entries in visits(300):
            print(journal.append(*entries)[-1], flush=True)


if __name__ == "__main__":
    main()
