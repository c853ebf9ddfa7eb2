"""What the stories of the journal share."""

import pytest
from counting_clock import CountingClock

from kassa.journal.store import Journal


@pytest.fixture
def clock():
    return CountingClock()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "journal" / "journal.db"


@pytest.fixture
def journal(path, clock):
    opened = Journal.open(path, clock)
    yield opened
    opened.close()
