"""A journal with a few visits, and a folder for files."""

import pytest
from counting_clock import CountingClock
from entry_stories import visits

from kassa.config import Terminal
from kassa.journal.store import Journal


@pytest.fixture
def clock():
    return CountingClock()


@pytest.fixture
def journal(tmp_path, clock):
    opened = Journal.open(tmp_path / "journal" / "journal.db", clock)
    for entries in visits(3):
        opened.append(*entries)
    yield opened
    opened.close()


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "outbox"
    made.mkdir()
    return made


@pytest.fixture
def terminal():
    return Terminal(number="00042", operator="90001", owner="o", address="a", phone="p")
