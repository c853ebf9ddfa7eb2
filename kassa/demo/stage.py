"""A whole terminal of real processes: its home, two simulated devices on pseudo-terminals, the core."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from kassa.control.client import Client, CoreAbsent
from kassa.demo.steered import ANSWER_MAX_S, DemoFailed, Steered, wait_until
from kassa.home import Home
from kassa.rules.view import View

VALIDATOR, REGISTRAR = "devices.ccnet.simulator", "devices.shtrih.simulator"
"""Run by name, in processes of their own: nothing in kassa imports them."""


class Stage:
    """One terminal below `folder`; `speed` is how much faster than real ones the simulated mechanics are.

    The devices keep their truth in files beside the home, as cassette and fiscal drive do.
    """

    def __init__(self, folder: Path, speed: float = 1.0) -> None:
        self.folder, self.home, self._speed = folder, Home(folder / "home"), speed
        self._core: subprocess.Popen[bytes] | None = None
        self.kassa("init", str(self.home.path), "--demo")
        self._export_at_once()
        self.validator = self.plug_in(VALIDATOR, self.home.run / "validator")
        self.registrar = self.plug_in(REGISTRAR, self.home.run / "registrar")

    def _export_at_once(self) -> None:
        """A payment file appears as soon as there is a receipt: nobody watches a demonstration for an hour."""
        settings = self.home.config.read_text(encoding="utf-8")
        hourly, at_once = "after_each_payment = false", "after_each_payment = true"
        assert hourly in settings
        self.home.config.write_text(settings.replace(hourly, at_once), encoding="utf-8")

    def plug_in(self, module: str, port: Path) -> Steered:
        """Start a simulated device at `port`; it remembers what an earlier one there kept."""
        truth = self.folder / f"{port.name}.json"
        arguments = ["--pty", str(port), "--state", str(truth), "--speed", str(self._speed)]
        device = Steered(module, arguments, self.folder / f"{port.name}.log")
        wait_until(port.is_symlink, f"the simulated device at {port}")
        return device

    def close(self) -> None:
        """End what still runs."""
        if self._core is not None:
            self.kill_core()
        self.validator.end()
        self.registrar.end()

    # --- the command line -------------------------------------------------------------------------------------

    def kassa(self, *words: str) -> str:
        """What a command prints. Raises DemoFailed when it does not exit with 0."""
        done = self.try_kassa(*words)
        if done.returncode != 0:
            raise DemoFailed(
                f"kassa {' '.join(words)} exits with {done.returncode}: {done.stdout}{done.stderr}"
            )
        return done.stdout

    def try_kassa(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A command run to its end, whatever that is."""
        return subprocess.run(
            self._command(*words), capture_output=True, text=True, timeout=ANSWER_MAX_S, check=False
        )

    def payments(self) -> list[dict[str, Any]]:
        """All payments, as `kassa payments list` knows them."""
        found: list[dict[str, Any]] = json.loads(self.kassa("payments", "list", "--json"))
        return found

    def _command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "kassa.cli.main", "--home", str(self.home.path), *words]

    # --- the core ---------------------------------------------------------------------------------------------

    def start_core(self, *, with_ui: bool = False, **environment: str) -> None:
        """Start `kassa run` and wait until it listens. Raises DemoFailed when it ends instead."""
        words = ["run"] if with_ui else ["run", "--no-ui"]
        with (self.folder / "core.log").open("ab") as output:
            self._core = subprocess.Popen(
                self._command(*words), stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                start_new_session=True, env={**os.environ, **environment},
            )  # fmt: skip
        wait_until(self._listens, "the core's control socket")

    @property
    def core_runs(self) -> bool:
        """Whether a core was started and neither stopped nor killed."""
        return self._core is not None

    @property
    def core_pid(self) -> int:
        """The process of the running core."""
        assert self._core is not None
        return self._core.pid

    def stop_core(self) -> int:
        """SIGTERM, as systemd does; the exit code."""
        assert self._core is not None
        self._core.send_signal(signal.SIGTERM)
        code = self._core.wait(ANSWER_MAX_S)
        self._core = None
        return code

    def kill_core(self) -> None:
        """SIGKILL, as a power cut would."""
        assert self._core is not None
        self._core.kill()
        self._core.wait()
        self._core = None

    def intend(self, name: str, **values: str) -> None:
        """What a touch would send. Raises AskRefused with the core's reason."""
        with Client(self.home.socket, "stage") as client:
            client.intend(name, **values)

    def status(self) -> dict[str, Any]:
        """How the core is."""
        with Client(self.home.socket, "stage") as client:
            found: dict[str, Any] = client.ask("status")
            return found

    def view(self) -> View:
        """What the customer sees."""
        with Client(self.home.socket, "stage") as client:
            return client.view()

    def wait_for_screen(self, *names: str) -> View:
        """The view, as soon as it is one of these screens."""

        def shown() -> View | None:
            view = self.view()
            return view if view.screen.value in names else None

        found: View = wait_until(shown, f"the screen {' or '.join(names)}")
        return found

    def wait_for_service(self) -> None:
        """Until a customer could pay."""
        wait_until(
            lambda: self.view().screen.value == "attract" and self.status()["takes_cash"], "a ready terminal"
        )

    def insert(self, units: int) -> None:
        """Push a note in until the validator takes it."""
        wait_until(lambda: self.validator.say(f"insert {units}")["ok"], f"the validator to take {units}")

    def _listens(self) -> bool:
        assert self._core is not None
        if (code := self._core.poll()) is not None:
            raise DemoFailed(f"the core ended with {code}; see {self.folder / 'core.log'}")
        try:
            Client(self.home.socket, "stage").close()
        except CoreAbsent:
            return False
        return True
