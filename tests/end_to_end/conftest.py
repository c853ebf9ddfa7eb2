"""A terminal as a stranger has it: shell commands, the simulators' stdin and stdout, files.

Nothing of the program is imported here: what these tests hold is what scripts of other people rely on.
"""

import json
import os
import pty
import queue
import select
import shutil
import signal
import subprocess
import sys
import threading
import time
import tomllib
from collections import Counter
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
SUBSCRIBERS = PROJECT / "data" / "examples" / "subscribers.csv"
KASSA = Path(sys.executable).with_name("kassa")
SPEED = "8"
"""The simulated mechanics are so much faster than real ones; the terminal itself runs at its own speed."""
WAIT_MAX_S = 30.0
"""Everything that is waited for comes within a second or two; a busy machine may need longer."""
LOOK_EVERY_S = 0.1
"""A question more often than that would take the processor from those who are waited for."""


# A shell that runs the tests in its background has them ignore Ctrl-C, and whoever they start.
signal.signal(signal.SIGINT, signal.default_int_handler)


class Program:
    """A program that runs beside us; what it says is taken line by line, with a bound on the waiting."""

    def __init__(self, *words):
        self.process = subprocess.Popen(
            [str(word) for word in words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
        )
        self._lines = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            self._lines.put(line)
        self._lines.put(None)

    def line(self, wait_s=WAIT_MAX_S):
        """Its next line; None at its end. Raises queue.Empty when it says nothing for so long."""
        return self._lines.get(timeout=wait_s)

    def end(self, how=signal.SIGTERM):
        """Send a signal, wait for the end; its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        code = self.process.wait(WAIT_MAX_S)
        self._reader.join(WAIT_MAX_S)
        self.process.stdin.close()
        self.process.stdout.close()
        return code


class Simulator(Program):
    """One simulated device: a command a line in, a JSON object a line out."""

    def __init__(self, name, link, state, speed=SPEED):
        super().__init__(
            sys.executable, "-m", f"devices.{name}.simulator",
            "--pty", link, "--state", state, "--speed", speed,
        )  # fmt: skip
        self.say("state")

    def ask(self, command):
        """Its answer, whether it could do it or not."""
        self.process.stdin.write(f"{command}\n")
        self.process.stdin.flush()
        return json.loads(self.line())

    def say(self, command):
        """Its answer to what it can do."""
        answer = self.ask(command)
        assert answer["ok"], (command, answer)
        return answer


class Console:
    """A program at a terminal of its own, as a person has it; what it says is waited for with a bound."""

    def __init__(self, *words):
        self._master, slave = pty.openpty()
        self._process = subprocess.Popen(
            [str(word) for word in words], stdin=slave, stdout=slave, stderr=slave, start_new_session=True
        )
        os.close(slave)
        self._said = b""

    def wait_for(self, words):
        """Until it has said so."""
        while words not in self._text():
            assert self._hear(), f"it ended without {words!r}: {self._text()}"

    def type(self, text):
        """What the person types."""
        os.write(self._master, text.encode())

    def rest(self):
        """All that it says until it ends."""
        while self._hear():
            pass
        return self._text()

    def _hear(self):
        assert select.select([self._master], [], [], WAIT_MAX_S)[0], f"silence after {self._text()}"
        try:
            data = os.read(self._master, 4096)
        except OSError:  # so a pseudo-terminal says that the other end is closed
            return False
        self._said += data
        return bool(data)

    def _text(self):
        return self._said.decode("utf-8").replace("\r\n", "\n")

    def close(self):
        """End it, if it still runs."""
        self._process.kill()
        self._process.wait(WAIT_MAX_S)
        os.close(self._master)


class Done:
    """What a command left."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    @property
    def data(self):
        """What it says to machines."""
        return json.loads(self.out)


class Terminal:
    """One terminal in a folder of its own, with both devices; the core is started and stopped by the test."""

    def __init__(self, folder):
        self.folder, self.home = folder, folder / "home"
        self.core = self.follower = None
        self.started = []

    @cached_property
    def validator(self):
        """Its bill validator, which speaks as kassa.toml says; switched on by the first who needs it."""
        config = tomllib.loads((self.home / "kassa.toml").read_text(encoding="utf-8"))
        return self._simulate(config["validator"]["protocol"], "validator")

    @cached_property
    def registrar(self):
        """Its fiscal registrar, or what makes its receipts, likewise."""
        config = tomllib.loads((self.home / "kassa.toml").read_text(encoding="utf-8"))
        return self._simulate(config["registrar"]["protocol"], "registrar")

    def _simulate(self, model, name):
        return self._start(Simulator(model, self.home / "run" / name, self.folder / f"{name}.json"))

    def simulate_slowly(self, model):
        """A bill validator as slow as a real one, for who has to be quicker than a note; before any other is there."""
        link, state = self.home / "run" / "validator", self.folder / "validator.json"
        self.validator = self._start(Simulator(model, link, state, "1"))
        return self.validator

    def simulate_beside(self, model):
        """A device that no kassa.toml names, and its port."""
        port = self.folder / f"port-{model}"
        return self._start(Simulator(model, port, self.folder / f"{model}.json")), port

    @contextmanager
    def at_console(self, *words):
        """Somebody who calls `kassa --home DIR ...` at a terminal."""
        console = Console(KASSA, "--home", self.home, *words)
        try:
            yield console
        finally:
            console.close()

    def _start(self, program):
        self.started.append(program)
        return program

    def cut_everything(self):
        """The lights go out: the core's process and both devices at the same moment; what is on disk stays."""
        for program in (self.core, self.validator, self.registrar):
            program.process.kill()
        for program in (self.core, self.validator, self.registrar, self.follower):
            program.end(signal.SIGKILL)
        for name in ("validator", "registrar"):
            (
                self.home / "run" / name
            ).unlink()  # a stranger may get its terminal's number, and a new core the stranger
        del self.validator, self.registrar  # switched on by the first who needs them

    # --- commands -------------------------------------------------------------------------------------------------

    def call(self, *words):
        """`kassa --home DIR ...`, whatever comes of it; never a traceback."""
        done = subprocess.run(
            [KASSA, "--home", self.home, *words],
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=WAIT_MAX_S,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return Done(done.returncode, done.stdout, done.stderr)

    def shell(self, *words):
        """`kassa --home DIR ...` that must go well."""
        done = self.call(*words)
        assert done.code == 0, (words, done.code, done.out, done.err)
        return done

    def configure(self, *replaced):
        """Change kassa.toml as a technician does in an editor: pairs of what stands there and what shall."""
        path = self.home / "kassa.toml"
        text = path.read_text(encoding="utf-8")
        for old, new in replaced:
            assert old in text, old
            text = text.replace(old, new)
        path.write_text(text, encoding="utf-8")

    # --- the core -------------------------------------------------------------------------------------------------

    def start_core(self):
        """Switch both devices on, `kassa run --no-ui`, and wait until it shows a view."""
        assert self.validator.say("state")["power"]
        assert self.registrar.say("state")["power"]
        self.core = self._start(Program(KASSA, "--home", self.home, "run", "--no-ui"))
        self.wait_for(lambda: self.call("ctl", "view").code == 0, "the core to answer")
        self.follower = self._start(Program(KASSA, "--home", self.home, "ctl", "view", "--follow"))

    def stop_core(self, how=signal.SIGTERM):
        """Its exit code."""
        code = self.core.end(how)
        self.follower.end()
        return code

    def watch(self, device):
        """Somebody who watches what passes on a device's line."""
        return self._start(Program(KASSA, "--home", self.home, "device", "watch", device))

    def wait_for(self, is_so, what, every_s=LOOK_EVERY_S):
        """Ask until it is so."""
        give_up = time.monotonic() + WAIT_MAX_S
        while not (found := is_so()):
            assert time.monotonic() < give_up, f"waited in vain for {what}; {self.whereabouts()}"
            assert self.core is None or self.core.process.poll() is None, (
                f"the core ended; {self.whereabouts()}"
            )
            time.sleep(every_s)
        return found

    def wait_for_view(self, **wanted):
        """Follow the views until one has these values; that view."""
        give_up = time.monotonic() + WAIT_MAX_S
        while True:
            try:
                line = self.follower.line(max(give_up - time.monotonic(), 0.001))
            except queue.Empty:
                line = None
            assert line is not None, f"no view with {wanted}; {self.whereabouts()}"
            view = json.loads(line)
            if all(view[key] == value for key, value in wanted.items()):
                return view

    def whereabouts(self):
        """For the person who reads a failed test."""
        log = self.home / "logs" / "core.log"
        return "\n".join(log.read_text(encoding="utf-8").splitlines()[-20:]) if log.exists() else "no log"

    # --- a customer -----------------------------------------------------------------------------------------------

    def view(self):
        """What the customer sees."""
        return self.shell("ctl", "view").data

    def touch(self, intent, **values):
        """What a touch would send, and the view that follows."""
        return self.shell("ctl", "send", intent, *(f"{key}={value}" for key, value in values.items())).data

    def refused(self, intent, **values):
        """What the core says to a touch that cannot be."""
        done = self.call("ctl", "send", intent, *(f"{key}={value}" for key, value in values.items()))
        assert done.code == 1, (intent, done.out)
        return done.err.strip().removeprefix("kassa: refused: ")

    def go_to_cash(self, account="4038172956", service="internet"):
        """Up to the screen that takes notes, with the slot open."""
        self.touch("choose_service", service=service)
        self.touch("enter_account", account=account)
        assert self.touch("confirm_account")["screen"] == "cash"
        self.wait_for(lambda: self.validator.say("state")["enabled"], "the slot to open")

    def insert(self, units):
        """Put a note in as soon as the slot takes one."""
        self.wait_for(lambda: self.validator.ask(f"insert {units}")["ok"], f"the slot to take {units}")

    def pay(self, *notes, account="4038172956", service="internet"):
        """A whole visit; the number of its payment."""
        self.go_to_cash(account, service)
        for place, units in enumerate(notes, 1):
            self.insert(units)
            self.wait_for_view(inserted=f"{sum(notes[:place])}.00", note="none")
        self.touch("finish")
        payment = self.wait_for_view(screen="thanks")["payment"]
        self.touch("finish")
        self.wait_for_view(screen="attract")
        return payment

    # --- the promises ---------------------------------------------------------------------------------------------

    def check_promises(self):
        """What lies in the box, in the fiscal drive and in the files is what the payments say; the payments."""
        out = self.folder / "out"
        self.shell("export", "run", "--out", out)
        payments = self.shell("payments", "list", "--json").data
        notes = [note for payment in payments for note in payment["notes"] if note["state"] == "stacked"]
        credited = [payment for payment in payments if payment["paid"] != "0.00"]

        box = self.validator.say("state")
        assert Counter({f"{units}.00": count for units, count in box["cassette"].items()}) == Counter(
            note["value"] for note in notes
        )
        assert box["total"] == total(payment["paid"] for payment in payments)

        receipts = [one for one in self.registrar.say("state")["documents"] if one["kind"] == "receipt"]
        assert sorted((one["payment"], one["sum"], one["number"], one["sign"]) for one in receipts) == sorted(
            (one["payment"], one["paid"], one["document"], one["sign"]) for one in credited
        )

        rows = [row for file in sorted(out.glob("*.csv")) for row in payment_rows(file)]
        assert sorted(
            (row["payment"], row["account"], row["service"], row["amount"]) for row in rows
        ) == sorted((one["payment"], one["account"], one["service"], one["paid"]) for one in credited)
        assert self.shell("journal", "verify", "--json").data["ok"]
        return payments

    def close(self):
        """End whatever still runs."""
        for program in reversed(self.started):
            program.end(signal.SIGKILL)


def total(amounts):
    """The sum of money strings, without a float on the way."""
    minor = sum(int(amount.replace(".", "")) for amount in amounts)
    return f"{minor // 100}.{minor % 100:02}"


def payment_rows(file):
    """The payments of one outgoing file; its count and total agree with them."""
    lines = file.read_text(encoding="utf-8").splitlines()
    [columns] = [line.removeprefix("#COLUMNS ").split(";") for line in lines if line.startswith("#COLUMNS ")]
    rows = [dict(zip(columns, line.split(";"), strict=True)) for line in lines if not line.startswith("#")]
    assert f"#TOTAL {len(rows)};{total(row['amount'] for row in rows)}" in lines
    assert lines[-1] == "#END"
    return rows


def dated(sample, day, now):
    """The sample file with another date than its own."""
    content = sample.read_bytes()
    assert day in content
    return content.replace(day, now.encode())


@pytest.fixture(scope="session")
def subscribers():
    """A subscriber file as an operator's billing writes it, in windows-1251; of today, as the terminals' clock is real."""
    return dated(SUBSCRIBERS, b"24.11.2026", f"{datetime.now().astimezone():%d.%m.%Y}")


@pytest.fixture(scope="session")
def subscribers_xml():
    """The same subscribers as XML, a little newer."""
    now = datetime.now().astimezone().isoformat(timespec="seconds")
    return dated(SUBSCRIBERS.with_suffix(".xml"), b"2026-11-24T06:00:00+03:00", now)


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """What `kassa init --demo` makes; each test has a copy."""
    terminal = Terminal(tmp_path_factory.mktemp("made"))
    terminal.shell("init", terminal.home, "--demo")
    return terminal.home


@pytest.fixture(scope="session")
def loaded(made, subscribers, tmp_path_factory):
    """The same with the sample subscribers."""
    terminal = Terminal(tmp_path_factory.mktemp("loaded"))
    shutil.copytree(made, terminal.home, symlinks=True)
    sample = terminal.folder / SUBSCRIBERS.name
    sample.write_bytes(subscribers)
    terminal.shell("import", "run", sample, "--profile", "kassa_csv")
    return terminal.home


@pytest.fixture
def bare(made, tmp_path):
    """A terminal as it is made; no core runs yet, and no data are loaded."""
    terminal = Terminal(tmp_path)
    shutil.copytree(made, terminal.home, symlinks=True)
    yield terminal
    terminal.close()


@pytest.fixture
def idle(loaded, tmp_path):
    """A terminal with subscribers; no core runs yet."""
    terminal = Terminal(tmp_path)
    shutil.copytree(loaded, terminal.home, symlinks=True)
    yield terminal
    terminal.close()


@pytest.fixture
def terminal(idle):
    """A terminal with subscribers, ready for a customer."""
    idle.start_core()
    idle.wait_for_view(screen="attract")
    return idle
