"""A simulated device at a real pseudo-terminal or port of this machine, steered by lines on stdin: the host of every
`python -m ...simulator`."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import pty
import selectors
import signal
import socket
import sys
import time
import tty
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

from devices import truths
from kassa.errors import KassaError

T = TypeVar("T")

READ_BYTES = 4096
LINE_MAX_BYTES = 4096
"""A console line is a few words; more without an end is thrown away."""
SPEED_MIN, SPEED_MAX = 0.1, 1000.0
SLEEP_MAX_S = 1.0
"""An upper bound on one wait, so that a device that plans nothing still sees time pass."""
SLEEP_MIN_S = 0.001
"""A device that asks to be woken in the past must not spin the processor."""


class ConsoleError(KassaError):
    """A console line that cannot be obeyed; the message says what is allowed."""


class SimulatedDevice(Protocol):
    """What a simulator offers to its host. `now` is monotonic seconds, never going back."""

    def receive(self, data: bytes, now: float) -> bytes:
        """Take bytes of the host; what the device answers at once."""
        ...

    def advance(self, now: float) -> bytes:
        """Let time pass up to `now`; what the device sends of its own or late."""
        ...

    def wakes_at(self) -> float | None:
        """When `advance` will have something to do; None: nothing is planned."""
        ...

    def obey(self, words: list[str], now: float) -> dict[str, Any]:
        """Carry out one console line; what to answer beside `ok`. Raises ConsoleError."""
        ...


def main(
    module: str,
    commands: Sequence[str],
    truth: type[T],
    build: Callable[[T, float, Callable[[T], None]], SimulatedDevice],
) -> int:
    """`python -m MODULE (--pty LINK | --tcp PORT) [--state FILE] [--speed N]`; the exit code.

    A `truth` is what outlives the device's power: it is read from FILE, made new where there is none, and written
    whenever the device calls what `build` gets as its third argument. `build` gets the truth and the speed, too.
    """
    parser = argparse.ArgumentParser(
        prog=f"python -m {module}",
        description=f"A simulated device. Commands come on stdin, one a line: {', '.join(commands)}",
    )
    line = parser.add_mutually_exclusive_group(required=True)
    line.add_argument("--pty", type=Path, metavar="LINK", help="symbolic link to make")
    line.add_argument("--tcp", type=int, metavar="PORT", help="listen on this port of 127.0.0.1")
    parser.add_argument(
        "--state", type=Path, metavar="FILE", help="keep what outlives its power in this file"
    )
    parser.add_argument("--speed", type=float, default=1.0, help="how much faster than a real one")
    options = parser.parse_args()
    if not SPEED_MIN <= options.speed <= SPEED_MAX:
        parser.error(f"--speed: allowed are {SPEED_MIN:g} to {SPEED_MAX:g}")
    file: Path | None = options.state
    try:
        kept = truths.load(file, truth) if file else truth()
        device = build(kept, options.speed, lambda now: truths.save(now, file) if file else None)
        serve(device, Wire(options.pty) if options.pty else NetworkWire(options.tcp))
    except (KassaError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def whole_number(text: str, least: int, most: int) -> int:
    """A number of a console line. Raises ConsoleError with what is allowed."""
    if not (text.isascii() and text.isdecimal() and least <= int(text[:12]) <= most):
        raise ConsoleError(f"{text!r} is no whole number from {least} to {most}")
    return int(text)


def serve(device: SimulatedDevice, wire: AnyWire) -> None:
    """Run `device` at the end of `wire`, until SIGTERM or SIGINT.

    Console lines come on stdin, each answered with one JSON line on stdout: `{"ok": true, ...}` or
    `{"ok": false, "error": "..."}`. `unplug` and `plug` are the wire's own words. The end of stdin changes nothing.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    try:
        wire.plug()
        _run(device, wire)
    finally:
        wire.unplug()


def _run(device: SimulatedDevice, wire: AnyWire) -> None:
    lines = bytearray()
    stdin = sys.stdin.fileno()
    is_heard = True
    while True:
        with selectors.PollSelector() as selector:  # unlike epoll it takes a regular file as stdin, too
            if is_heard:
                selector.register(stdin, selectors.EVENT_READ)
            if wire.master is not None:
                selector.register(wire.master, selectors.EVENT_READ)
            ready = {key.fd for key, _ in selector.select(_wait_s(device))}
        wire.send(device.advance(time.monotonic()))
        if wire.master in ready:
            wire.send(device.receive(wire.receive(), time.monotonic()))
        if stdin in ready:
            data = os.read(stdin, READ_BYTES)
            is_heard = bool(data)
            lines += data
            _obey_lines(device, wire, lines)


def _wait_s(device: SimulatedDevice) -> float:
    wakes_at = device.wakes_at()
    if wakes_at is None:
        return SLEEP_MAX_S
    return min(max(wakes_at - time.monotonic(), SLEEP_MIN_S), SLEEP_MAX_S)


def _obey_lines(device: SimulatedDevice, wire: AnyWire, lines: bytearray) -> None:
    """Carry out the whole lines in `lines` and leave the rest of a last one there."""
    while (end := lines.find(b"\n")) >= 0:
        words = lines[:end].decode("utf-8", "replace").split()
        del lines[: end + 1]
        if words:
            _answer(_obey(device, wire, words))
    if len(lines) > LINE_MAX_BYTES:
        lines.clear()
        _answer({"ok": False, "error": f"a line has at most {LINE_MAX_BYTES} bytes"})


def _obey(device: SimulatedDevice, wire: AnyWire, words: list[str]) -> dict[str, Any]:
    try:
        match words:
            case ["unplug"]:
                wire.unplug()
                return {"ok": True}
            case ["plug"]:
                wire.plug()
                return {"ok": True}
            case _:
                now = time.monotonic()
                answer = device.obey(words, now)
                wire.send(device.advance(now))
                return {"ok": True, **answer}
    except KassaError as error:
        return {"ok": False, "error": str(error)}


def _answer(answer: dict[str, Any]) -> None:
    with contextlib.suppress(BrokenPipeError):  # whoever gave the orders is gone; the device lives on
        print(json.dumps(answer, ensure_ascii=False), flush=True)


class Wire:
    """A pseudo-terminal and the link to it; unplugged, the host sees its port vanish."""

    def __init__(self, link: Path) -> None:
        self._link = link
        self.master: int | None = None
        self._slave = -1

    def plug(self) -> None:
        """Open a new pseudo-terminal and let the link lead to it; nothing when plugged in already."""
        if self.master is not None:
            return
        # Our own end of the slave stays open: else reading fails whenever no host has the port open.
        self.master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self.master, False)
        fresh = self._link.with_name(f".{self._link.name}.{os.getpid()}")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(os.ttyname(self._slave))
        fresh.replace(self._link)

    def unplug(self) -> None:
        """Close the pseudo-terminal and take our link away; nothing when unplugged already."""
        if self.master is None:
            return
        if self._link.is_symlink() and os.readlink(self._link) == os.ttyname(self._slave):
            self._link.unlink()
        os.close(self.master)
        os.close(self._slave)
        self.master = None

    def send(self, data: bytes) -> None:
        """Write to the host; what nobody reads is lost when the terminal's buffer is full, as on a real wire."""
        if data and self.master is not None:
            with contextlib.suppress(BlockingIOError):
                os.write(self.master, data)

    def receive(self) -> bytes:
        """What the host has written."""
        assert self.master is not None
        try:
            return os.read(self.master, READ_BYTES)
        except BlockingIOError:
            return b""


class NetworkWire:
    """A device in the network, for one host at a time; unplugged, nobody answers at its port."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._listener: socket.socket | None = None
        self._host: socket.socket | None = None

    @property
    def master(self) -> int | None:
        """What becomes readable when a host comes, or says something."""
        end = self._host or self._listener
        return end.fileno() if end is not None else None

    def plug(self) -> None:
        """Answer at the port; nothing when plugged in already. Raises OSError when somebody else has it."""
        if self._listener is None:
            self._listener = socket.create_server(("127.0.0.1", self._port), backlog=1)

    def unplug(self) -> None:
        """Hang up, and answer no more; nothing when unplugged already."""
        self._hang_up()
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def send(self, data: bytes) -> None:
        """To the host; what it does not take at once is lost, and without a host all of it."""
        if data and self._host is not None:
            try:
                self._host.send(data)
            except BlockingIOError:
                pass
            except OSError:
                self._hang_up()

    def receive(self) -> bytes:
        """What the host has said; b"" when one came or went."""
        if self._host is None:
            assert self._listener is not None
            self._host, _ = self._listener.accept()
            self._host.setblocking(False)
            return b""
        try:
            data = self._host.recv(READ_BYTES)
        except OSError:
            data = b""
        if not data:
            self._hang_up()
        return data

    def _hang_up(self) -> None:
        if self._host is not None:
            self._host.close()
            self._host = None


AnyWire = Wire | NetworkWire
