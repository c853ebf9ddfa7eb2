"""The command line as a person uses it, in this process."""

import sys
from contextlib import closing

import pytest
from counting_clock import CountingClock
from entry_stories import visits

from kassa.cli.main import main
from kassa.home import Home
from kassa.journal.store import Journal


@pytest.fixture
def home(tmp_path, kassa):
    made = Home(tmp_path / "home")
    assert kassa("init", str(made.path), "--demo").code == 0
    return made


class Done:
    """What a command left."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err


@pytest.fixture
def kassa(tmp_path, monkeypatch, capsys):
    """Run a command with the home of this test."""

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["kassa", "--home", str(tmp_path / "home"), *words])
        capsys.readouterr()
        try:
            main()
        except SystemExit as end:
            code = end.code or 0
        else:
            code = 0
        out, err = capsys.readouterr()
        return Done(code, out, err)

    return run


@pytest.fixture
def with_payments(home):
    """Three payments were made here, and no core runs."""
    with closing(Journal.open(home.journal, CountingClock())) as journal:
        for entries in visits(3):
            journal.append(*entries)
    return home
