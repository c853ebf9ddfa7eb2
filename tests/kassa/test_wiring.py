"""The running core as one process: how it starts, ends, and what it says when it must not go on."""

import asyncio
import json
import logging
import signal
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from kassa import wiring
from kassa.clock import SystemClock
from kassa.control.client import AskRefused, Client, CoreAbsent
from kassa.errors import KassaError
from kassa.home import Home, data_folder
from kassa.journal.pages import PAGE_BYTES
from kassa.journal.store import Journal, JournalFailed

WAIT_MAX_S = 20.0


@pytest.fixture
def home(tmp_path):
    made = Home(tmp_path / "home")
    made.make()
    example = (data_folder() / "examples" / "kassa.toml").read_text(encoding="utf-8")
    made.config.write_text(example, encoding="utf-8")
    return made


class Outside(threading.Thread):
    """Somebody outside of the core, who does something when it answers, and then ends it."""

    def __init__(self, home, do):
        super().__init__(daemon=True)
        self.home, self.do, self.answer = home, do, None

    def run(self):
        try:
            self.answer = self._do_when_it_answers()
        finally:
            self.end_core()

    def _do_when_it_answers(self):
        give_up = time.monotonic() + WAIT_MAX_S
        while True:
            try:
                client = Client(self.home.socket)
            except CoreAbsent:
                assert time.monotonic() < give_up
                time.sleep(0.01)
            else:
                with client:
                    return self.do(client)

    def watch(self, end_class):
        """The class of the core's end, which tells us how to bring it about; a real signal could hit the tests."""
        outside = self

        class Watched(end_class):
            def __init__(self, home):
                super().__init__(home)
                loop = asyncio.get_running_loop()
                outside.end_core = lambda: loop.is_closed() or loop.call_soon_threadsafe(self.wanted.set)

        return Watched


@pytest.fixture
def run_while(home, monkeypatch):
    """Run the core; what is given is done from outside, then the core ends. The answer is what it gave."""

    def run(do):
        outside = Outside(home, do)
        with monkeypatch.context() as patched:
            patched.setattr(wiring, "_End", outside.watch(wiring._End))
            outside.start()
            try:
                wiring.run(home, with_ui=False)
            finally:
                outside.join(WAIT_MAX_S)
        return outside.answer

    return run


def entries(home):
    with closing(Journal.open(home.journal, SystemClock())) as journal, journal.reading() as db:
        return [kind for (kind,) in db.execute("SELECT kind FROM entries ORDER BY seq")]


def test_told_to_end_it_leaves_a_journal_that_says_so_and_no_socket(home, run_while):
    status = run_while(lambda client: client.ask("status"))
    assert status["terminal"] == "00042"
    found = entries(home)
    assert (found[0], found[-1]) == ("started", "stopped")
    assert not home.socket.exists()


def test_a_fault_in_a_part_stops_the_core_in_words(home, monkeypatch):
    async def fail(_self):
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(wiring.Inbox, "run", fail)
    with pytest.raises(KassaError, match=r"a fault of its own, ZeroDivisionError: division by zero; .*logs"):
        wiring.run(home, with_ui=False)
    assert "ZeroDivisionError" in (home.logs / "core.log").read_text(encoding="utf-8")
    assert entries(home)[-1] != "stopped"
    assert not home.socket.exists()


def test_a_part_that_ends_by_itself_is_a_fault_too(home, monkeypatch):
    async def end(_self):
        return

    monkeypatch.setattr(wiring.Inbox, "run", end)
    with pytest.raises(KassaError, match="a part of the core ended"):
        wiring.run(home, with_ui=False)


def test_a_disk_that_fails_stops_the_core_at_once_whoever_asked(home, monkeypatch, run_while):
    def fail(_self, *_entries):
        raise JournalFailed("the disk has failed")

    def ask(client):
        monkeypatch.setattr(Journal, "append", fail)
        try:
            client.ask("export")
        except CoreAbsent:
            return "hung up"

    monkeypatch.setattr("kassa.export.writer.freeze", lambda *_: fail(None))
    with pytest.raises(JournalFailed, match="the disk has failed"):
        run_while(ask)


def test_a_second_core_is_told_to_stay_away(home, monkeypatch):
    monkeypatch.setattr(wiring, "LOCK_WAIT_S", 0.05)
    with wiring._locked(home), pytest.raises(wiring.AlreadyRunning, match="another core runs on"):
        wiring.run(home, with_ui=False)


def test_a_broken_journal_stops_the_start_in_words_and_is_left_alone(home, run_while):
    run_while(lambda client: client.ask("status"))
    content = bytearray(home.journal.read_bytes())
    content[5000] ^= 1
    home.journal.write_bytes(content)
    with pytest.raises(KassaError, match="damaged"):
        wiring.run(home, with_ui=False)
    assert home.journal.read_bytes() == content


def test_a_copy_of_the_journal_is_whole_and_its_reader_deletes_it(home, run_while):
    def copy(client):
        path = client.ask("copy_journal")["path"]
        with closing(apsw.Connection(path, flags=apsw.SQLITE_OPEN_READONLY)) as db:
            return db.execute("PRAGMA integrity_check").get, db.execute("SELECT count(*) FROM entries").get

    integrity, count = run_while(copy)
    assert integrity == "ok"
    assert count >= 1


def test_damage_under_a_running_core_is_found_by_verify_and_the_core_goes_on(home, run_while):
    def verify():
        words = [
            sys.executable,
            "-m",
            "kassa.cli.main",
            "--home",
            str(home.path),
            "journal",
            "verify",
            "--json",
        ]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        return done.returncode, json.loads(done.stdout)

    def page_that_nobody_writes(client):
        copy = Path(client.ask("copy_journal")["path"])
        with closing(apsw.Connection(str(copy), flags=apsw.SQLITE_OPEN_READONLY)) as db:
            copy.unlink()
            return db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'batches'").get

    def ask(client):
        whole, page = verify(), page_that_nobody_writes(client)
        with home.journal.open("r+b") as file:
            file.seek((page - 1) * PAGE_BYTES + 100)
            file.write(b"?")
        return whole, verify(), page, client.ask("status")["terminal"]

    (code, verdict), (code_after, verdict_after), page, terminal = run_while(ask)
    assert (code, verdict["ok"]) == (0, True)
    assert (code_after, verdict_after["ok"], verdict_after["at"]) == (1, False, f"page {page}")
    assert terminal == "00042"
    assert list(home.run.glob("journal-*")) == []


def test_copies_that_nobody_deleted_are_gone_at_the_next_start(home, run_while):
    left = home.run / "journal-0123.db"
    left.write_bytes(b"left by a reader who was killed")
    run_while(lambda client: client.ask("status"))
    assert not left.exists()


def test_where_a_copy_would_fill_the_disk_there_is_none(home, run_while):
    text = home.config.read_text(encoding="utf-8")
    home.config.write_text(text.replace("free_min_mb = 200", "free_min_mb = 1000000"), encoding="utf-8")

    def ask(client):
        with pytest.raises(AskRefused, match="too little for a copy of the journal"):
            client.ask("copy_journal")
        return True

    assert run_while(ask)


def test_a_caller_who_talks_nonsense_of_data_is_refused_and_stops_nothing(home, run_while):
    def ask(client):
        with pytest.raises(AskRefused, match="says nothing of a snapshot"):
            client.ask("snapshot_changed", file="x")
        return client.ask("status")["terminal"]

    assert run_while(ask) == "00042"


def test_room_is_kept_for_a_full_disk(home, run_while):
    run_while(lambda client: client.ask("status"))
    assert home.ballast.stat().st_size > 1 << 20


def test_the_logs_are_bounded(home, monkeypatch):
    monkeypatch.setattr(wiring, "LOG_BYTES", 1000)
    with wiring._logged(home.logs / "core.log"):
        for number in range(200):
            logging.getLogger("kassa").info("entry %d", number)
    assert len(list(home.logs.glob("core.log*"))) == wiring.LOG_FILES + 1
    assert all(path.stat().st_size <= 1000 for path in home.logs.glob("core.log*"))

    (home.logs / "ui.log").write_bytes(b"x" * 2000)
    with wiring._screen_log(home) as log:
        log.write(b"new")
    assert (home.logs / "ui.log").read_bytes() == b"new"
    assert (home.logs / "ui.log.1").stat().st_size == 2000


def test_a_screen_that_does_not_end_when_told_is_killed(monkeypatch):
    monkeypatch.setattr(wiring, "SCREEN_ENDS_S", 0.2)
    stubborn = "import signal, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); sys.stdin.read()"

    async def live():
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", stubborn, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        assert process.stdout is not None
        await process.stdout.readline()
        await wiring._end_screen(process)
        return process.returncode

    assert asyncio.run(live()) == -signal.SIGKILL


def test_a_device_without_a_port_is_told_so_in_words(home):
    found = wiring.check_registrar(home)
    assert found["ok"] is False
    assert "cannot be opened" in found["problems"][0]
    assert json.dumps(found)


def test_a_printer_whose_library_is_not_installed_is_told_with_what_to_do(home, monkeypatch):
    text = home.config.read_text(encoding="utf-8").replace('protocol = "shtrih"', 'protocol = "escpos"')
    home.config.write_text(text, encoding="utf-8")
    monkeypatch.delitem(sys.modules, "devices.escpos.encoding", raising=False)
    monkeypatch.setitem(sys.modules, "escpos", None)
    with pytest.raises(KassaError, match=r"not installed \(escpos\); pip install 'kassa\[escpos\]'"):
        wiring.run(home, with_ui=False)


def test_a_receipt_template_that_cannot_be_used_stops_the_start_in_words(home):
    (home.path / "receipts").mkdir()
    (home.path / "receipts" / "default.toml").write_text('registrar = []\nprinter = [{ text = "{x}" }]\n')
    with pytest.raises(KassaError, match=r"default\.toml: printer\[0\]\.text = '\{x\}' cannot be used"):
        wiring.run(home, with_ui=False)
