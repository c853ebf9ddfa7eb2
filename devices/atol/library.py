"""ATOL's own library in a process of its own: `python -m devices.atol.library WRAPPER`, lines in, lines out.

The library is closed code: whatever it does to its process, the core goes on. WRAPPER is the file `libfptr10.py` that
comes with the vendor's driver; the shared library is taken from beside it, if it lies there, else from the system.
Nothing but our lines goes to standard output, whatever the library prints. The end of standard input is our end, once a
task that runs is done.

Source: the interface `IFptr` of the vendor's driver 10.
"""

from __future__ import annotations

import fcntl
import importlib.util
import os
import sys
import time
from pathlib import Path
from typing import Any, BinaryIO

from msgspec import Raw

from devices.atol.lines import LINE_MAX_BYTES, Answered, BadLine, Fault, Said, Settings, line, read_said
from kassa.errors import KassaError

LOCK_WAIT_S = 150.0
"""Whoever had the device before us ends when its task is done; a task is waited for 120 s."""
LOCK_RETRY_S = 0.2
SHARED_LIBRARY = "libfptr10.so"


class Library:
    """The vendor's object and the errors it answers with."""

    def __init__(self, wrapper: Path) -> None:
        self._class = _load(wrapper)
        shared = wrapper.with_name(SHARED_LIBRARY)
        try:
            self._fptr = self._class(str(shared) if shared.exists() else "")
        except (OSError, RuntimeError) as error:
            raise KassaError(
                f"{SHARED_LIBRARY} cannot be loaded: {error}; install ATOL's driver 10 for this machine"
            ) from error

    def answer(self, said: Said) -> Answered:
        """Carry out one line."""
        if said.open is not None:
            return self._open(said.id, said.open)
        if bytes(said.task):
            return self._run(said.id, bytes(said.task).decode())
        raise BadLine("a line of the core asks for nothing")

    def _open(self, number: int, settings: Settings) -> Answered:
        fptr, names = self._fptr, self._class
        if fptr.isOpened():
            fptr.close()
        for name, value in (
            (names.LIBFPTR_SETTING_MODEL, settings.model),
            (names.LIBFPTR_SETTING_PORT, settings.port),
            (names.LIBFPTR_SETTING_COM_FILE, settings.com_file),
            (names.LIBFPTR_SETTING_BAUDRATE, settings.baud),
            (names.LIBFPTR_SETTING_IPADDRESS, settings.ip),
            (names.LIBFPTR_SETTING_IPPORT, settings.ip_port),
            (names.LIBFPTR_SETTING_ACCESS_PASSWORD, settings.access_password),
            (names.LIBFPTR_SETTING_USER_PASSWORD, settings.user_password),
        ):
            if value:
                fptr.setSingleSetting(name, value)
        fptr.applySingleSettings()
        return Answered(number) if fptr.open() >= 0 else self._fault(number)

    def _run(self, number: int, task: str) -> Answered:
        fptr, names = self._fptr, self._class
        fptr.setParam(names.LIBFPTR_PARAM_JSON_DATA, task)
        if fptr.processJson() < 0:
            return self._fault(number)
        result = fptr.getParamString(names.LIBFPTR_PARAM_JSON_DATA)
        return Answered(number, Raw(result.encode() or b"null"))

    def _fault(self, number: int) -> Answered:
        fault = Fault(self._fptr.errorCode(), str(self._fptr.errorDescription()))
        return Answered(number, error=fault)


def _load(wrapper: Path) -> Any:
    """The class `IFptr` of the vendor's file. Raises KassaError."""
    try:
        spec = importlib.util.spec_from_file_location("libfptr10", wrapper)
        if spec is None or spec.loader is None:
            raise ImportError("it is no Python file")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module.IFptr
    except (ImportError, OSError, SyntaxError, AttributeError) as error:
        raise KassaError(
            f"{wrapper} is not the Python file of ATOL's driver, {error}; set registrar.library"
        ) from error


def serve(wrapper: Path, heard: BinaryIO, said: BinaryIO) -> None:
    """Answer line after line until there are no more. Raises KassaError."""
    library = Library(wrapper)
    while text := heard.readline(LINE_MAX_BYTES):
        if not text.endswith(b"\n"):
            raise BadLine(f"a line of the core has no end within {LINE_MAX_BYTES} bytes")
        said.write(line(library.answer(read_said(text))))
        said.flush()


def _wait_for_the_device(wrapper: Path) -> int:
    """Be the only process of ours that has the library; the descriptor holds the lock. Raises KassaError."""
    try:
        descriptor = os.open(wrapper, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise KassaError(f"{wrapper} cannot be read: {error.strerror}; set registrar.library") from error
    give_up = time.monotonic() + LOCK_WAIT_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return descriptor
        except BlockingIOError as error:
            if time.monotonic() > give_up:
                raise KassaError(f"another process still uses {wrapper}; end it") from error
            time.sleep(LOCK_RETRY_S)


def main() -> int:
    """The process; its exit code."""
    if len(sys.argv) != 2:
        print("called as: python -m devices.atol.library WRAPPER", file=sys.stderr)
        return 2
    wrapper = Path(sys.argv[1])
    lines_fd = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what the library prints is no line of ours
    try:
        with os.fdopen(lines_fd, "wb") as said:
            _wait_for_the_device(wrapper)
            serve(wrapper, sys.stdin.buffer, said)
    except BrokenPipeError:
        return 0  # the core is gone
    except KassaError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
