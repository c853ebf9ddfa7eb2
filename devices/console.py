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


class Conversation(Protocol):
    """One caller's connection to a simulated server."""

    is_over: bool
    """Whether the server hangs up."""

    def receive(self, data: bytes, now: float) -> bytes:
        """Take bytes of the caller; what is answered at once."""
        ...


class SimulatedServer(Protocol):
    """What a simulator in the network offers to its host: as a device, but everybody who calls is heard alone."""

    def connect(self) -> Conversation:
        """Somebody calls."""
        ...

    def advance(self, now: float) -> bytes:
        """Let time pass up to `now`; a server says nothing of its own."""
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
    build: Callable[[T, float, Callable[[T], None]], SimulatedDevice | SimulatedServer],
    *,
    is_server: bool = False,
) -> int:
    """`python -m MODULE (--pty LINK | --tcp PORT) [--state FILE] [--speed N]`, a server only with `--tcp`; the exit code.

    A `truth` is what outlives the device's power: it is read from FILE, made new where there is none, and written
    whenever the device calls what `build` gets as its third argument. `build` gets the truth and the speed, too.
    """
    parser = argparse.ArgumentParser(
        prog=f"python -m {module}",
        description=f"A simulated device. Commands come on stdin, one a line: {', '.join(commands)}",
    )
    line = parser.add_mutually_exclusive_group(required=True)
    if not is_server:
        line.add_argument("--pty", type=Path, metavar="LINK", help="symbolic link to make")
    line.add_argument(
        "--tcp", type=int, metavar="PORT", help="listen on this port of 127.0.0.1; 0: any that is free"
    )
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
        serve(device, _outlet(options, is_server))
    except (KassaError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _outlet(options: argparse.Namespace, is_server: bool) -> Outlet:
    if is_server:
        return Door(options.tcp)
    return Wire(options.pty) if options.pty else NetworkWire(options.tcp)


def whole_number(text: str, least: int, most: int) -> int:
    """A number of a console line. Raises ConsoleError with what is allowed."""
    if not (text.isascii() and text.isdecimal() and least <= int(text[:12]) <= most):
        raise ConsoleError(f"{text!r} is no whole number from {least} to {most}")
    return int(text)


class Outlet(Protocol):
    """Where the host of a device can be reached."""

    def plug(self) -> None:
        """Be there; nothing when it is there already."""
        ...

    def unplug(self) -> None:
        """Be gone; nothing when it is gone already."""
        ...

    def readable(self) -> list[int]:
        """Descriptors to wait for."""
        ...

    def hear(self, descriptor: int, device: Any) -> None:
        """One of them has something for the device."""
        ...

    def send(self, data: bytes) -> None:
        """Say what the device says of its own."""
        ...


def serve(device: SimulatedDevice | SimulatedServer, wire: Outlet) -> None:
    """Run `device` at the outlet until SIGTERM or SIGINT.

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


def _run(device: SimulatedDevice | SimulatedServer, wire: Outlet) -> None:
    lines = bytearray()
    stdin = sys.stdin.fileno()
    is_heard = True
    while True:
        with selectors.PollSelector() as selector:  # unlike epoll it takes a regular file as stdin, too
            if is_heard:
                selector.register(stdin, selectors.EVENT_READ)
            for descriptor in wire.readable():
                selector.register(descriptor, selectors.EVENT_READ)
            ready = {key.fd for key, _ in selector.select(_wait_s(device))}
        wire.send(device.advance(time.monotonic()))
        for descriptor in ready - {stdin}:
            wire.hear(descriptor, device)
        if stdin in ready:
            data = os.read(stdin, READ_BYTES)
            is_heard = bool(data)
            lines += data
            _obey_lines(device, wire, lines)


def _wait_s(device: SimulatedDevice | SimulatedServer) -> float:
    wakes_at = device.wakes_at()
    if wakes_at is None:
        return SLEEP_MAX_S
    return min(max(wakes_at - time.monotonic(), SLEEP_MIN_S), SLEEP_MAX_S)


def _obey_lines(device: SimulatedDevice | SimulatedServer, wire: Outlet, lines: bytearray) -> None:
    """Carry out the whole lines in `lines` and leave the rest of a last one there."""
    while (end := lines.find(b"\n")) >= 0:
        words = lines[:end].decode("utf-8", "replace").split()
        del lines[: end + 1]
        if words:
            _answer(_obey(device, wire, words))
    if len(lines) > LINE_MAX_BYTES:
        lines.clear()
        _answer({"ok": False, "error": f"a line has at most {LINE_MAX_BYTES} bytes"})


def _obey(device: SimulatedDevice | SimulatedServer, wire: Outlet, words: list[str]) -> dict[str, Any]:
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

    def readable(self) -> list[int]:
        """Our end, while it is plugged in."""
        return [] if self.master is None else [self.master]

    def hear(self, descriptor: int, device: SimulatedDevice) -> None:
        """The host has written."""
        if descriptor == self.master:
            self.send(device.receive(self.receive(), time.monotonic()))

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


class _Listener:
    """A TCP port of this machine. With port 0 the system chooses one, for as long as the device lives.

    Where it was left to the system, the port is told in the first line.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self._listener: socket.socket | None = None

    def plug(self) -> None:
        """Listen; nothing when plugged in already. Raises OSError when somebody else has the port."""
        if self._listener is not None:
            return
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._listener.setblocking(False)
        if self.port == 0:
            self.port = self._listener.getsockname()[1]
            _answer({"ok": True, "port": self.port})

    def _accept(self) -> socket.socket | None:
        """Who calls; None when he has hung up already."""
        assert self._listener is not None
        try:
            caller, _ = self._listener.accept()
        except BlockingIOError:
            return None
        caller.setblocking(False)
        return caller

    def _close(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None


class NetworkWire(_Listener):
    """A device in the network, for one host at a time; unplugged, nobody answers at its port."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self._host: socket.socket | None = None

    def unplug(self) -> None:
        """Hang up, and answer no more; nothing when unplugged already."""
        self._hang_up()
        self._close()

    def readable(self) -> list[int]:
        """The host's connection, or the port where one may call."""
        end = self._host or self._listener
        return [end.fileno()] if end is not None else []

    def hear(self, descriptor: int, device: SimulatedDevice) -> None:
        """A host calls, or says something."""
        if self._host is None:
            self._host = self._accept()
        elif descriptor == self._host.fileno():
            self.send(device.receive(self._receive(), time.monotonic()))

    def send(self, data: bytes) -> None:
        """To the host; what it does not take at once is lost, and without a host all of it."""
        if data and self._host is not None:
            try:
                self._host.send(data)
            except BlockingIOError:
                pass
            except OSError:
                self._hang_up()

    def _receive(self) -> bytes:
        assert self._host is not None
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


CALLERS_MAX = 32
"""A driver has one connection at a time; whoever has more open is hung up on, oldest first."""


class Door(_Listener):
    """Behind a TCP port of this machine everybody who calls has a conversation of his own."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self._callers: dict[int, tuple[socket.socket, Conversation]] = {}

    def unplug(self) -> None:
        """Hang up on everybody, and listen no more."""
        for descriptor in list(self._callers):
            self._hang_up(descriptor)
        self._close()

    def readable(self) -> list[int]:
        """The listening socket and all callers."""
        return [*self._callers, *([self._listener.fileno()] if self._listener else [])]

    def hear(self, descriptor: int, device: SimulatedServer) -> None:
        """Somebody calls, or says something."""
        if self._listener is not None and descriptor == self._listener.fileno():
            if (caller := self._accept()) is not None:
                self._callers[caller.fileno()] = (caller, device.connect())
            for oldest in list(self._callers)[:-CALLERS_MAX]:
                self._hang_up(oldest)
        elif descriptor in self._callers:
            caller, conversation = self._callers[descriptor]
            try:
                data = caller.recv(READ_BYTES)
                answer = conversation.receive(data, time.monotonic()) if data else b""
                if answer:
                    caller.sendall(answer)
            except OSError:  # reset by the caller, or he takes nothing
                data = b""
            if not data or conversation.is_over:
                self._hang_up(descriptor)

    def send(self, data: bytes) -> None:
        """A server says nothing of its own."""
        assert not data

    def _hang_up(self, descriptor: int) -> None:
        caller, _ = self._callers.pop(descriptor)
        caller.close()
