"""A program of its own that obeys lines on stdin and answers each with one JSON line: a simulated device, a hand."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any

from kassa.errors import KassaError

ANSWER_MAX_S = 60.0
"""A bound on every wait: a noisy machine may be slow, a stuck program must be told of."""
END_MAX_S = 5.0
LOOK_EVERY_S = 0.02
ANSWER_BYTES = 1 << 16


class DemoFailed(KassaError):
    """Something did not happen that should have."""


def wait_until(is_so: Callable[[], Any], what: str, within_s: float = ANSWER_MAX_S) -> Any:
    """Look again and again until `is_so` gives something true, and give that. Raises DemoFailed."""
    give_up = time.monotonic() + within_s
    while not (found := is_so()):
        if time.monotonic() > give_up:
            raise DemoFailed(f"waited {within_s:.0f} s in vain for {what}")
        time.sleep(LOOK_EVERY_S)
    return found


class Steered:
    """One run of `python -m MODULE ARGUMENTS`; what it prints beside its answers goes to `log`."""

    def __init__(self, module: str, arguments: Sequence[str], log: Path, **environment: str) -> None:
        self._module, self._rest = module, b""
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=output, start_new_session=True,
                env={**os.environ, **environment},
            )  # fmt: skip

    def say(self, line: str) -> dict[str, Any]:
        """One line, and its answer: `ok`, and `error` when it was not obeyed. Raises DemoFailed when there is none."""
        try:
            self._pipe(self._process.stdin).write(line.encode() + b"\n")
            self._pipe(self._process.stdin).flush()
        except BrokenPipeError as error:
            raise DemoFailed(f"{self._module} is gone: it cannot obey {line!r}") from error
        answer: dict[str, Any] = json.loads(self._read_line(line))
        return answer

    def order(self, line: str) -> dict[str, Any]:
        """One line that has to be obeyed. Raises DemoFailed with the program's reason."""
        answer = self.say(line)
        if not answer["ok"]:
            raise DemoFailed(f"{self._module} does not {line}: {answer['error']}")
        return answer

    def end(self) -> None:
        """SIGTERM; SIGKILL when that is not enough."""
        self._process.terminate()
        try:
            self._process.wait(END_MAX_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._close()

    def kill(self) -> None:
        """SIGKILL: the program has no say."""
        self._process.kill()
        self._close()

    def _read_line(self, asked: str) -> bytes:
        output = self._pipe(self._process.stdout)
        give_up = time.monotonic() + ANSWER_MAX_S
        with selectors.DefaultSelector() as selector:
            selector.register(output, selectors.EVENT_READ)
            while b"\n" not in self._rest:
                if not selector.select(max(0.0, give_up - time.monotonic())):
                    raise DemoFailed(f"{self._module} does not answer {asked!r}")
                if not (data := os.read(output.fileno(), ANSWER_BYTES)):
                    raise DemoFailed(f"{self._module} ended instead of answering {asked!r}; see its log")
                self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        return line

    def _close(self) -> None:
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(BrokenPipeError):
                self._pipe(pipe).close()

    @staticmethod
    def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
        assert pipe is not None
        return pipe
