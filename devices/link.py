"""Byte links to devices under asyncio: serial ports, pseudo-terminals, device files, TCP, processes; and in memory for tests."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import stat
import subprocess
import termios
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import serial

from kassa.errors import KassaError
from kassa.untrusted import printable

log = logging.getLogger("kassa")

READ_BYTES = 4096


class LinkLost(KassaError):
    """The port is gone or the device stopped answering; the driver starts anew when it is back."""


class Link(Protocol):
    """Bytes to and from one device."""

    def send(self, data: bytes) -> None:
        """Write all bytes. Raises LinkLost."""
        ...

    def disclose(self, data: bytes, *, is_ours: bool) -> None:
        """What a sealed packet says, for whoever records the line; nothing is sent."""
        ...

    def on_data(self, received: Callable[[bytes], None], lost: Callable[[str], None]) -> None:
        """Call `received` with bytes as they come, and `lost` once when the port is gone."""
        ...

    def close(self) -> None:
        """Give the port back; callbacks end."""
        ...


class LineSettings(NamedTuple):
    """How bytes go over a serial line: 8 data bits and no flow control, always."""

    speed: int
    parity: str = serial.PARITY_NONE
    stop_bits: int = 1

    def __str__(self) -> str:
        return f"{self.speed} baud, 8{self.parity}{self.stop_bits}"


PSEUDO = "/dev/pts/"


def parity_on(path: str, line: LineSettings) -> str:
    """The parity to ask for: none of a pseudo-terminal, which has none, and whose system refuses it now and then."""
    return serial.PARITY_NONE if os.path.realpath(path).startswith(PSEUDO) else line.parity


class SerialLink:
    """A serial port, or what looks like one, exclusive to us."""

    def __init__(self, path: str, line: LineSettings, loop: asyncio.AbstractEventLoop) -> None:
        self._path, self._loop = path, loop
        self._port = serial.Serial(
            None, line.speed, parity=parity_on(path, line), stopbits=line.stop_bits, timeout=0, write_timeout=0,
            exclusive=True,
        )  # fmt: skip
        self._port.port = path
        try:
            self._port.open()
            self._port.reset_input_buffer()
        except (OSError, serial.SerialException, termios.error) as error:  # the last is no OSError
            self._port.close()
            raise LinkLost(f"{path} cannot be opened: {_why(error)}") from error

    def send(self, data: bytes) -> None:
        """Write all bytes; a port that does not take them at once is lost."""
        try:
            written = os.write(self._port.fileno(), data)
        except OSError as error:
            raise LinkLost(f"{self._path}: {error.strerror}") from error
        if written != len(data):
            raise LinkLost(f"{self._path} took {written} of {len(data)} bytes")

    def disclose(self, data: bytes, *, is_ours: bool) -> None:
        """Nothing: this is a line, not a recorder."""

    def on_data(self, received: Callable[[bytes], None], lost: Callable[[str], None]) -> None:
        """Watch the port from the event loop."""
        descriptor = self._port.fileno()

        def readable() -> None:
            try:
                data = os.read(descriptor, READ_BYTES)
            except BlockingIOError:
                return
            except OSError as error:
                lost(f"{self._path}: {error.strerror}")
                return
            if data:
                received(data)
            else:
                lost(f"{self._path}: the device hung up")

        self._loop.add_reader(descriptor, readable)

    def close(self) -> None:
        """Stop watching and close."""
        if self._port.is_open:
            self._loop.remove_reader(self._port.fileno())
            self._port.close()


USB_MAJOR = 180
"""Device files of printers that hang on USB without being a serial port, `/dev/usb/lp0` or whatever udev calls it."""


EMPTY_PAUSE_S = 0.02
"""After nothing was read: some printers say so without end, and it must not take the processor."""


def is_usb_printer(path: str) -> bool:
    """Whether a file of `FileLink`'s kind is there now; False when nothing is."""
    try:
        found = os.stat(path)
    except OSError:
        return False
    return stat.S_ISCHR(found.st_mode) and os.major(found.st_rdev) == USB_MAJOR


class FileLink:
    """A device file that is read and written and has no line settings; what it does not take at once waits."""

    def __init__(self, path: str, loop: asyncio.AbstractEventLoop) -> None:
        self._path, self._loop = path, loop
        self._lost: Callable[[str], None] | None = None
        self._unsent = b""
        self._pause: asyncio.TimerHandle | None = None
        try:
            self._file = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
        except OSError as error:
            raise LinkLost(f"{path} cannot be opened: {_why(error)}") from error

    def send(self, data: bytes) -> None:
        """Write what is taken at once, the rest when there is room. Raises LinkLost, also when it piles up."""
        self._unsent += data
        if len(self._unsent) > UNSENT_MAX_BYTES:
            raise LinkLost(f"{self._path} takes no more bytes")
        if len(self._unsent) == len(data):
            self._write()
            if self._unsent:
                self._loop.add_writer(self._file, self._write_on)

    def disclose(self, data: bytes, *, is_ours: bool) -> None:
        """Nothing: this is a line, not a recorder."""

    def on_data(self, received: Callable[[bytes], None], lost: Callable[[str], None]) -> None:
        """Watch the file from the event loop. Nothing to read is no end: the kernel says so of a printer that is silent."""
        self._lost = lost

        def readable() -> None:
            try:
                data = os.read(self._file, READ_BYTES)
            except BlockingIOError:
                return
            except OSError as error:
                self._stop_watching()
                lost(f"{self._path}: {error.strerror}")
                return
            if data:
                received(data)
            else:
                self._loop.remove_reader(self._file)
                self._pause = self._loop.call_later(
                    EMPTY_PAUSE_S, self._loop.add_reader, self._file, readable
                )

        self._loop.add_reader(self._file, readable)

    def close(self) -> None:
        """Stop watching and close."""
        if self._file >= 0:
            self._stop_watching()
            os.close(self._file)
            self._file = -1

    def _write(self) -> None:
        try:
            self._unsent = self._unsent[os.write(self._file, self._unsent) :]
        except BlockingIOError:
            return
        except OSError as error:
            raise LinkLost(f"{self._path}: {error.strerror}") from error

    def _write_on(self) -> None:
        try:
            self._write()
        except LinkLost as error:
            self._stop_watching()
            if self._lost is not None:
                self._lost(str(error))
            return
        if not self._unsent:
            self._loop.remove_writer(self._file)

    def _stop_watching(self) -> None:
        if self._pause is not None:
            self._pause.cancel()
        self._loop.remove_reader(self._file)
        self._loop.remove_writer(self._file)


CONNECT_MAX_S = 5.0
UNSENT_MAX_BYTES = 1 << 20
"""Whoever takes nothing for so long is gone."""
ENDS_S = 0.1
"""A process that closed its output is gone in that time, mostly."""
KILLED_MAX_S = 1.0
"""A process is gone some milliseconds after it was killed, if the kernel lets go of it."""
WORDS_MAX_BYTES = 400
"""A process that ends says why in its last line."""


class TcpLink(asyncio.Protocol):
    """A connection to a device in the network. It is there at once: what is sent waits until the other end has answered."""

    def __init__(self, host: str, port: int, loop: asyncio.AbstractEventLoop) -> None:
        self._name, self._loop = f"{host}:{port}", loop
        self._received: Callable[[bytes], None] | None = None
        self._lost: Callable[[str], None] | None = None
        self._transport: asyncio.Transport | None = None
        self._unsent = b""
        self._connecting = loop.create_task(self._connect(host, port))

    async def _connect(self, host: str, port: int) -> None:
        try:
            async with asyncio.timeout(CONNECT_MAX_S):
                transport, _ = await self._loop.create_connection(lambda: self, host, port)
        except TimeoutError:
            self._end(f"{self._name} does not answer; check address, cable and power")
        except OSError as error:
            self._end(f"{self._name} cannot be reached: {error.strerror or error}")
        else:
            self._transport = transport
            transport.write(self._unsent)

    def send(self, data: bytes) -> None:
        """Hand the bytes to the system, now or as soon as the connection is there. Raises LinkLost when they pile up."""
        if self._transport is None:
            self._unsent += data
            return
        self._transport.write(data)
        if self._transport.get_write_buffer_size() > UNSENT_MAX_BYTES:
            raise LinkLost(f"{self._name} takes no more bytes")

    def disclose(self, data: bytes, *, is_ours: bool) -> None:
        """Nothing: this is a line, not a recorder."""

    def on_data(self, received: Callable[[bytes], None], lost: Callable[[str], None]) -> None:
        """Remember whom to call; nothing came before."""
        self._received, self._lost = received, lost

    def close(self) -> None:
        """Hang up; callbacks end."""
        self._received = self._lost = None
        self._connecting.cancel()
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """The loop has bytes of the device."""
        if self._received is not None:
            self._received(data)

    def connection_lost(self, error: Exception | None) -> None:
        """The loop has lost the connection."""
        self._end(f"{self._name} hung up" if error is None else f"{self._name}: {error}")

    def _end(self, reason: str) -> None:
        if self._lost is not None:
            self._lost(reason)


class CallLink:
    """A server in the network that is called anew for each question: what is sent at once goes over a connection of its own.

    A server that hangs up when it has spoken is no loss; one that cannot be reached, or hangs up without a word, is.
    """

    def __init__(self, host: str, port: int, loop: asyncio.AbstractEventLoop) -> None:
        self._host, self._port, self._loop = host, port, loop
        self._received: Callable[[bytes], None] | None = None
        self._lost: Callable[[str], None] | None = None
        self._call: TcpLink | None = None
        self._has_spoken = False

    def send(self, data: bytes) -> None:
        """Call, and say this; whatever still comes of the call before is not heard."""
        if self._call is not None:
            self._call.close()
        self._has_spoken = False
        self._call = TcpLink(self._host, self._port, self._loop)
        self._call.on_data(self._hear, self._end)
        self._call.send(data)

    def disclose(self, data: bytes, *, is_ours: bool) -> None:
        """Nothing: this is a line, not a recorder."""

    def on_data(self, received: Callable[[bytes], None], lost: Callable[[str], None]) -> None:
        """Remember whom to call back."""
        self._received, self._lost = received, lost

    def close(self) -> None:
        """Hang up; callbacks end."""
        self._received = self._lost = None
        if self._call is not None:
            self._call.close()

    def _hear(self, data: bytes) -> None:
        self._has_spoken = True
        if self._received is not None:
            self._received(data)

    def _end(self, reason: str) -> None:
        if self._lost is not None and not self._has_spoken:
            self._lost(reason)


class ProcessLink:
    """Standard input and output of a process of ours; what it says on standard error goes to the log.

    Its end is the link's loss, and the link's end is the process's: it is killed, as it may hang in a library that nobody
    can interrupt. No process outlives its link.
    """

    def __init__(self, command: Sequence[str], loop: asyncio.AbstractEventLoop) -> None:
        self._name, self._loop = Path(command[0]).name, loop
        self._lost: Callable[[str], None] | None = None
        self._words = b""
        pipe = subprocess.PIPE
        try:
            self._process = subprocess.Popen(command, bufsize=0, stdin=pipe, stdout=pipe, stderr=pipe)
        except OSError as error:
            raise LinkLost(f"{self._name} cannot be started: {error.strerror or error}") from error
        pipes = (self._process.stdin, self._process.stdout, self._process.stderr)
        self._pipes = [end for end in pipes if end is not None]
        for end in self._pipes:
            os.set_blocking(end.fileno(), False)

    def send(self, data: bytes) -> None:
        """Write all bytes; a process that does not take them at once is lost."""
        try:
            written = os.write(self._pipes[0].fileno(), data)
        except OSError as error:
            raise LinkLost(f"{self._name}: {error.strerror}") from error
        if written != len(data):
            raise LinkLost(f"{self._name} took {written} of {len(data)} bytes")

    def disclose(self, data: bytes, *, is_ours: bool) -> None:
        """Nothing: this is a line, not a recorder."""

    def on_data(self, received: Callable[[bytes], None], lost: Callable[[str], None]) -> None:
        """Watch what the process says from the event loop."""
        self._lost = lost
        _, stdout, stderr = (end.fileno() for end in self._pipes)
        self._loop.add_reader(stdout, self._read, stdout, received)
        self._loop.add_reader(stderr, self._read, stderr, self._log)

    def close(self) -> None:
        """End the process and wait for its end; callbacks end."""
        self._lost = None
        for end in self._pipes[1:]:
            if not end.closed:
                self._loop.remove_reader(end.fileno())
        self._process.kill()
        try:
            self._process.wait(KILLED_MAX_S)
        except subprocess.TimeoutExpired:
            log.error("%s (process %s) cannot be killed; see its port", self._name, self._process.pid)
        for end in self._pipes:
            end.close()

    def _read(self, descriptor: int, hear: Callable[[bytes], None]) -> None:
        try:
            data = os.read(descriptor, READ_BYTES)
        except BlockingIOError:
            return
        if data:
            hear(data)
        else:
            self._loop.remove_reader(descriptor)
            if hear != self._log:
                self._loop.call_later(
                    ENDS_S, self._end
                )  # it says why, and its exit code comes, a moment later

    def _end(self) -> None:
        if self._lost is not None:
            words = self._words.decode("utf-8", "replace").strip()
            code = self._process.poll()
            how = "hung up" if code is None else f"ended with {code}"
            self._lost(f"{self._name} {how}: {printable(words) or 'it gave no reason'}")

    def _log(self, data: bytes) -> None:
        """Keep the end of what it says, which tells why it ended."""
        self._words = (self._words + data)[-WORDS_MAX_BYTES:]
        for line in data.decode("utf-8", "replace").splitlines():
            log.warning("%s: %s", self._name, printable(line))


def _why(error: Exception) -> str:
    """The system's own words; pyserial wraps them twice and names the port each time."""
    number = error.args[0] if error.args else None
    if number == errno.EAGAIN:
        return "another program has it open"
    return os.strerror(number) if isinstance(number, int) else str(error)


class MemoryLink:
    """One end of a wire in memory; what is sent goes straight to `peer`, a function of bytes."""

    def __init__(self, peer: Callable[[bytes], None]) -> None:
        self._peer = peer
        self._received: Callable[[bytes], None] | None = None
        self._lost: Callable[[str], None] | None = None

    def send(self, data: bytes) -> None:
        """Hand the bytes to the peer."""
        self._peer(data)

    def disclose(self, data: bytes, *, is_ours: bool) -> None:
        """Nothing: this is a line, not a recorder."""

    def on_data(self, received: Callable[[bytes], None], lost: Callable[[str], None]) -> None:
        """Remember whom to call."""
        self._received, self._lost = received, lost

    @property
    def is_open(self) -> bool:
        """Whether somebody hears what arrives."""
        return self._received is not None

    def deliver(self, data: bytes) -> None:
        """Bytes from the peer arrive."""
        if self._received is not None:
            self._received(data)

    def unplug(self) -> None:
        """The wire is pulled."""
        if self._lost is not None:
            self._lost("unplugged")

    def close(self) -> None:
        """Callbacks end."""
        self._received = self._lost = None
