"""A process that writes is killed at any moment: every entry it reported as durable is there."""

import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from counting_clock import CountingClock

from kassa.journal.store import Journal
from kassa.journal.verify import verify

WRITER = Path(__file__).parents[2] / "rigs" / "journal_writer.py"
KILLED_AFTER = [1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233]
"""Transactions reported before the kill; each run has a new journal."""


def test_killed_at_any_moment_all_acknowledged_entries_are_there(tmp_path):
    for transactions in KILLED_AFTER:
        path = tmp_path / str(transactions) / "journal.db"
        writer = subprocess.Popen(
            [sys.executable, str(WRITER), str(path)], stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )  # fmt: skip
        for _ in range(transactions):
            acknowledged = int(writer.stdout.readline())
        writer.kill()
        acknowledged = max([acknowledged, *(int(line) for line in writer.stdout.read().split(b"\n")[:-1])])
        writer.wait()
        writer.stdout.close()

        with closing(Journal.open(path, CountingClock())) as journal:
            found = journal.head()[0]
            # What was written and not reported yet may be there as well.
            assert acknowledged <= found <= acknowledged + 2
            assert verify(journal).ok
