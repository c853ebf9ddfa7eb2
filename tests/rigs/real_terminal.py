"""A whole terminal of real processes over pseudo-terminals: simulators, core, screen; killed at will."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from kassa.control.client import AskRefused, Client, CoreAbsent
from kassa.home import Home, data_folder

WAIT_MAX_S = 60.0
"""A bound on every wait of a test: a noisy machine may be slow, a stuck terminal must fail."""
LOOK_EVERY_S = 0.02


def wait_until(is_so: Callable[[], Any], what: str, within_s: float = WAIT_MAX_S) -> Any:
    """Look again and again until `is_so` is true, and give its answer."""
    give_up = time.monotonic() + within_s
    while True:
        found = is_so()
        if found:
            return found
        assert time.monotonic() < give_up, f"waited {within_s:.0f} s in vain for {what}"
        time.sleep(LOOK_EVERY_S)


class Simulated:
    """One simulated device in its own process; its truth outlives it in a file."""

    def __init__(self, module: str, link: Path, state: Path) -> None:
        self._command = [
            sys.executable, "-m", module, "--pty", str(link), "--state", str(state), "--speed", "8",
        ]  # fmt: skip
        self._link = link
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
        )
        wait_until(self._link.is_symlink, f"the link {self._link}")

    def say(self, line: str) -> dict[str, Any]:
        """One command, one answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(line.encode() + b"\n")
        self._process.stdin.flush()
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            assert selector.select(WAIT_MAX_S), f"no answer to {line!r}"
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with contextlib.suppress(BrokenPipeError):
                pipe.close()


class Rig:
    """One terminal."""

    def __init__(self, folder: Path) -> None:
        self.home = Home(folder / "home")
        self.kassa("init", str(self.home.path), "--demo")
        self.validator = Simulated(
            "devices.ccnet.simulator", self.home.run / "validator", folder / "validator.json"
        )
        self.registrar = Simulated(
            "devices.shtrih.simulator", self.home.run / "registrar", folder / "registrar.json"
        )
        self._core: subprocess.Popen[bytes] | None = None
        self._client: Client | None = None
        self._log = (folder / "core.out").open("ab")
        sample = data_folder() / "examples" / "subscribers.csv"
        self.kassa("import", "run", str(sample), "--profile", "kassa_csv")

    # --- the command line -----------------------------------------------------------------------------------

    def kassa(self, *words: str) -> str:
        """Run a command; it must succeed."""
        done = self.try_kassa(*words)
        assert done.returncode == 0, f"kassa {' '.join(words)}: {done.stdout}{done.stderr}"
        return done.stdout

    def try_kassa(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "kassa.cli.main", "--home", str(self.home.path), *words],
            capture_output=True, text=True, timeout=WAIT_MAX_S, check=False,
        )  # fmt: skip

    def payments(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.kassa("payments", "list", "--json"))
        return found

    # --- the core -------------------------------------------------------------------------------------------

    def start_core(self, *, with_ui: bool = False) -> None:
        words = [] if with_ui else ["--no-ui"]
        self._core = subprocess.Popen(
            [sys.executable, "-m", "kassa.cli.main", "--home", str(self.home.path), "run", *words],
            stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log, start_new_session=True,
            env={**os.environ, "SDL_VIDEODRIVER": "offscreen"},
        )  # fmt: skip
        wait_until(self._connects, "the core's control socket")

    def _connects(self) -> bool:
        assert self._core is not None
        assert self._core.poll() is None, f"the core ended with {self._core.returncode}; see {self._log.name}"
        try:
            self._client = Client(self.home.socket, "rig")
        except CoreAbsent:
            return False
        return True

    @property
    def client(self) -> Client:
        assert self._client is not None
        return self._client

    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = self.client.ask("status")
        return found

    def view(self) -> Any:
        with Client(self.home.socket, "rig-view") as client:
            return client.view()

    def kill_core(self) -> None:
        assert self._core is not None
        self._core.kill()
        self._core.wait()
        self._hang_up()

    def stop_core(self) -> int:
        """SIGTERM, as systemd does; the exit code."""
        assert self._core is not None
        self._core.send_signal(signal.SIGTERM)
        code = self._core.wait(WAIT_MAX_S)
        self._hang_up()
        return code

    def _hang_up(self) -> None:
        self._core = None
        if self._client is not None:
            self._client.close()
            self._client = None

    # --- a visit --------------------------------------------------------------------------------------------

    def wait_for_service(self) -> None:
        wait_until(
            lambda: self.view().screen.value == "attract" and self.status()["takes_cash"], "a ready terminal"
        )

    def wait_for_screen(self, *names: str) -> Any:
        def shown() -> Any:
            view = self.view()
            return view if view.screen.value in names else None

        return wait_until(shown, f"the screen {' or '.join(names)}")

    def go_to_cash(self, account: str = "4038172956", service: str = "internet") -> None:
        self.client.intend("choose_service", service=service)
        self.client.intend("enter_account", account=account)
        self.client.intend("confirm_account")

    def insert(self, units: int) -> None:
        """Push a note in until the validator takes it."""
        wait_until(lambda: self.validator.say(f"insert {units}")["ok"], f"the validator to take {units}")

    def wait_for_sum(self, units: int) -> Any:
        def shows() -> Any:
            view = self.view()
            return view if Decimal(view.inserted) == units else None

        return wait_until(shows, f"{units} on the screen")

    def finish_whatever_is_open(self) -> None:
        """Do what any customer would do: press what can be pressed until the terminal is free again."""

        def is_free() -> bool:
            view = self.view()
            if view.screen.value in ("attract", "out_of_service") and not view.payment:
                return True
            with contextlib.suppress(AskRefused):
                if view.can_finish:
                    self.client.intend("finish")
                elif view.can_cancel:
                    self.client.intend("cancel")
            return False

        wait_until(is_free, "the end of the visit")

    # --- the truth ------------------------------------------------------------------------------------------

    def check_promises(self) -> None:
        """Notes in the box = credited; one document a payment; each payment in exactly one file."""
        wait_until(lambda: self.status()["documents_pending"] == 0, "all documents")
        self.kassa("export", "run")
        payments = self.payments()
        credited = [payment for payment in payments if payment["state"] == "credited"]
        box = self.validator.say("state")
        documents = [one for one in self.registrar.say("state")["documents"] if one["kind"] == "receipt"]

        assert sum(Decimal(payment["paid"]) for payment in credited) == Decimal(box["total"])
        assert sorted(Decimal(payment["paid"]) for payment in credited) == sorted(
            Decimal(document["sum"]) for document in documents
        )
        assert sorted(payment["document"]["number"] for payment in credited) == sorted(
            document["number"] for document in documents
        )
        rows = [
            line.split(";")[1]
            for file in sorted(self.home.outbox.glob("KASSA_*"))
            for line in file.read_text(encoding="utf-8").splitlines()
            if line and not line.startswith("#")
        ]
        assert sorted(rows) == sorted(payment["payment"] for payment in credited)
        assert json.loads(self.kassa("journal", "verify", "--json"))["ok"]

    def close(self) -> None:
        if self._core is not None:
            self.kill_core()
        self._hang_up()
        self.validator.kill()
        self.registrar.kill()
        self._log.close()


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Rig]:
    """A rig that leaves nothing running."""
    rig = Rig(folder)
    try:
        yield rig
    finally:
        rig.close()
