"""A port for somebody who may wait: a program's steps carried out one after the other, without an event loop.

For a technician's commands while no core runs. The terminal itself has `devices.link` and `devices.steps.Pump`.
"""

from __future__ import annotations

import errno
import os
import select
import termios
import time
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

import serial

from devices.holders import who_has
from devices.link import READ_BYTES, LineSettings, LinkLost, parity_on
from devices.recording import Write
from devices.steps import Disclose, Flush, Program, Receive, Report, Send, Sleep
from kassa.flight.ring import Kind

T = TypeVar("T")
BUSY = frozenset({errno.EAGAIN, errno.EBUSY})
"""What the system says of a port that another program has locked, or has taken for itself alone."""


class PortGone(LinkLost):
    """The port cannot be opened, or is no longer there; `number` is the system's reason, where it gave one."""

    def __init__(self, words: str, number: int | None = None) -> None:
        super().__init__(words)
        self.number = number


class Port(Protocol):
    """Bytes to and from whatever is connected, and the time that passes meanwhile."""

    def set_up(self, line: LineSettings) -> None:
        """Speak with these settings from now on; what came before is thrown away. Raises PortGone."""
        ...

    def send(self, data: bytes) -> None:
        """Write all bytes. Raises PortGone."""
        ...

    def disclose(self, data: bytes, *, is_ours: bool) -> None:
        """What a sealed packet says, for whoever records the line; nothing is sent."""
        ...

    def receive(self, timeout_ms: int) -> bytes:
        """All that came, waiting at most `timeout_ms` for the first byte; b"" when none did. Raises PortGone."""
        ...

    def flush(self) -> None:
        """Throw away what came and was not received. Raises PortGone."""
        ...

    def pause(self, ms: int) -> None:
        """Let time pass."""
        ...

    def now(self) -> float:
        """Monotonic seconds."""
        ...


def carry_out(program: Program[T], port: Port, tell: Callable[[Any], None] = lambda fact: None) -> T:
    """Run a program to its end on a port; its answer. What it reports is told at once.

    What ends it early, a lost port or Ctrl-C, is raised inside of it: so it can still close a slot that it has opened.
    Commands of a core it cannot await: there is none.
    """
    answer: Any = None
    failure: BaseException | None = None
    while True:
        try:
            step = program.send(answer) if failure is None else program.throw(failure)
        except StopIteration as end:
            value: T = end.value
            return value
        answer = failure = None
        try:
            match step:
                case Send(data):
                    port.send(data)
                case Receive(timeout_ms):
                    answer = port.receive(timeout_ms)
                case Flush():
                    port.flush()
                case Sleep(ms):
                    port.pause(ms)
                case Report(fact):
                    tell(fact)
                case Disclose(data, is_ours):
                    port.disclose(data, is_ours=is_ours)
                case _:
                    raise AssertionError(f"{step} is for a program that a core gives commands to")
        except (LinkLost, KeyboardInterrupt) as error:
            failure = error


class SerialPort:
    """A serial port, or what looks like one, exclusive to us; implements `Port`."""

    def __init__(self, path: str, line: LineSettings) -> None:
        """Open it. Raises PortGone."""
        self._path = path
        self._serial = serial.Serial(
            None, line.speed, parity=parity_on(path, line), stopbits=line.stop_bits, timeout=0, write_timeout=0,
            exclusive=True,
        )  # fmt: skip
        self._serial.port = path
        try:
            self._serial.open()
            self._serial.reset_input_buffer()
        except (OSError, serial.SerialException, termios.error) as error:  # the last is no OSError
            self._serial.close()
            number = error.args[0] if error.args and isinstance(error.args[0], int) else None
            raise PortGone(f"{path} cannot be opened: {_why(path, error, number)}", number) from error

    def set_up(self, line: LineSettings) -> None:
        """Speak with these settings from now on."""
        try:
            self._serial.apply_settings(
                {"baudrate": line.speed, "parity": parity_on(self._path, line), "stopbits": line.stop_bits}
            )
            self._serial.reset_input_buffer()
        except (OSError, ValueError, serial.SerialException, termios.error) as error:
            raise PortGone(f"{self._path} cannot be set to {line}: {error}") from error

    def send(self, data: bytes) -> None:
        """Write all bytes; a port that does not take them at once is gone."""
        try:
            written = os.write(self._serial.fileno(), data)
        except OSError as error:
            raise PortGone(f"{self._path}: {error.strerror}", error.errno) from error
        if written != len(data):
            raise PortGone(f"{self._path} took {written} of {len(data)} bytes")

    def disclose(self, data: bytes, *, is_ours: bool) -> None:
        """Nothing: this is a port, not a recorder."""

    def receive(self, timeout_ms: int) -> bytes:
        """All that came, waiting at most `timeout_ms` for the first byte."""
        descriptor = self._serial.fileno()
        if not select.select([descriptor], [], [], timeout_ms / 1000)[0]:
            return b""
        try:
            data = os.read(descriptor, READ_BYTES)
        except BlockingIOError:
            return b""
        except OSError as error:
            raise PortGone(f"{self._path}: {error.strerror}", error.errno) from error
        if not data:
            raise PortGone(f"{self._path}: the device hung up")
        return data

    def flush(self) -> None:
        """Throw away what came and was not received."""
        while self.receive(0):
            pass

    def pause(self, ms: int) -> None:
        """Let time pass."""
        time.sleep(ms / 1000)

    def now(self) -> float:
        """Monotonic seconds."""
        return time.monotonic()

    def close(self) -> None:
        """Give the port back."""
        self._serial.close()


def _why(path: str, error: Exception, number: int | None) -> str:
    """The system's own words; pyserial wraps them twice and names the port each time."""
    if number in BUSY:
        return f"{who_has(path)} has it open"
    return os.strerror(number) if number is not None else str(error)


class RecordedPort:
    """Hands everything on to the port that it wraps, and writes down what passes."""

    def __init__(self, port: Port, write: Write) -> None:
        self._port, self._write = port, write

    def set_up(self, line: LineSettings) -> None:
        """Speak with these settings from now on."""
        self._port.set_up(line)

    def send(self, data: bytes) -> None:
        """Write all bytes. Written down first: whatever the device does, what made it do so is known."""
        self._write(Kind.SENT, data)
        self._port.send(data)

    def disclose(self, data: bytes, *, is_ours: bool) -> None:
        """Write down what a sealed packet says, beside its bytes."""
        self._write(Kind.SAID if is_ours else Kind.HEARD, data)

    def receive(self, timeout_ms: int) -> bytes:
        """All that came."""
        data = self._port.receive(timeout_ms)
        if data:
            self._write(Kind.RECEIVED, data)
        return data

    def flush(self) -> None:
        """Throw away what came, which is written down all the same."""
        while self.receive(0):
            pass

    def pause(self, ms: int) -> None:
        """Let time pass."""
        self._port.pause(ms)

    def now(self) -> float:
        """Monotonic seconds."""
        return self._port.now()
