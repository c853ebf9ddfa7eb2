"""What a driver's program can ask of the world, one step at a time; and the pump that carries the steps out.

A driver is written as plain, linear code in generators: `answer = yield from receive(200)`. It never touches a
port or a thread, and its clock is given to it, so the same code runs against a serial port under asyncio, against a
simulator in virtual time, and against bytes in a test.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator
from typing import Any, Protocol, TypeVar

from msgspec import Struct

from devices.link import Link, LinkLost

T = TypeVar("T")
BUFFER_MAX_BYTES = 1 << 17
"""Longer than any answer of any device; a line that babbles more is cut, oldest first."""


class Send(Struct, frozen=True):
    """Write bytes to the device."""

    data: bytes


class Receive(Struct, frozen=True):
    """Wait for bytes; answered with all that came, or b"" after `timeout_ms`."""

    timeout_ms: int


class Flush(Struct, frozen=True):
    """Throw away what came and was not received."""


class Await(Struct, frozen=True):
    """Wait for the next command of the core; answered with it, or None after `timeout_ms`."""

    timeout_ms: int


class Sleep(Struct, frozen=True):
    """Let time pass; bytes and commands wait."""

    ms: int


class Report(Struct, frozen=True):
    """Tell the core a fact; answered when all that follows from it is durable."""

    fact: Any


class Disclose(Struct, frozen=True):
    """Say what a sealed packet says, ours or the device's, to whoever records the line; nothing goes over it."""

    data: bytes
    is_ours: bool


_FLUSH = Flush()

Step = Send | Receive | Flush | Await | Sleep | Report | Disclose
Program = Generator[Step, Any, T]
Time = Callable[[], float]
"""Monotonic seconds, whoever's clock it is."""


def send(data: bytes) -> Program[None]:
    """Write bytes to the device."""
    yield Send(data)


def receive(timeout_ms: int) -> Program[bytes]:
    """All bytes that came, waiting at most `timeout_ms` for the first; b"" when none did."""
    data: bytes = yield Receive(timeout_ms)
    return data


def flush() -> Program[None]:
    """Throw away what came and was not received."""
    yield _FLUSH


def await_command(timeout_ms: int) -> Program[Any]:
    """The core's next command, or None when `timeout_ms` passed without one."""
    return (yield Await(timeout_ms))


def sleep(ms: int) -> Program[None]:
    """Let time pass."""
    yield Sleep(ms)


def report(fact: Any) -> Program[None]:
    """Tell the core a fact; when this returns, the journal has committed what follows from it."""
    yield Report(fact)


def disclose(data: bytes, *, is_ours: bool) -> Program[None]:
    """Say what a sealed packet says: ours before it is sent, the device's when it was opened."""
    yield Disclose(data, is_ours)


class Driver(Protocol):
    """One device's driver: a program for each life of the link."""

    def program(self, now: Time) -> Program[None]:
        """Talk to the device from the moment its link is open; ends only by an exception."""
        ...

    def lost(self, reason: str) -> object:
        """Forget what only a living link knows; the fact to tell the core."""
        ...


class Scheduler(Protocol):
    """What the pump needs of an event loop; asyncio has it, and so does a simulation."""

    def time(self) -> float:
        """Monotonic seconds."""
        ...

    def call_later(self, delay: float, callback: Callable[[], None]) -> Any:
        """Call back after `delay` seconds; the answer has `cancel()`."""
        ...


class Pump:
    """Runs a driver's program against a link, opens the link again when it is lost."""

    def __init__(
        self,
        driver: Driver,
        open_link: Callable[[], Link],
        dispatch: Callable[[object], None],
        scheduler: Scheduler,
        reopen_after_s: float = 0.5,
    ) -> None:
        self._driver, self._open_link = driver, open_link
        self._dispatch, self._scheduler, self._reopen_after_s = dispatch, scheduler, reopen_after_s
        self._commands: deque[Any] = deque()
        self._buffer = bytearray()
        self._program: Program[None] | None = None
        self._link: Link | None = None
        self._waits_for: type[Step] | None = None
        self._timer: Any = None
        self._told_lost: str | None = None
        self._stopped = False
        self._running = False

    def start(self) -> None:
        """Open the link, or keep trying."""
        self._timer = None
        try:
            self._link = self._open_link()
        except LinkLost as error:
            self._lose(str(error))
            return
        self._buffer.clear()
        self._commands.clear()
        self._link.on_data(self._received, self._lose)
        self._program = self._driver.program(self._scheduler.time)
        self._advance(None)

    def stop(self) -> None:
        """Close the link; the program ends where it stands."""
        self._stopped = True
        self._close()

    def order(self, command: Any) -> None:
        """Give the driver a command; void while the link is down, as the core was told by the `lost` fact."""
        if self._program is None:
            return
        self._commands.append(command)
        if self._waits_for is Await and self._timer is not None:
            # Not from within the core's own turn: what the driver reports next is another turn of the core.
            self._timer.cancel()
            self._timer = self._scheduler.call_later(0, self._serve)

    @property
    def is_up(self) -> bool:
        """Whether the link is open."""
        return self._program is not None

    def _received(self, data: bytes) -> None:
        self._buffer += data
        del self._buffer[:-BUFFER_MAX_BYTES]
        if self._waits_for is Receive:
            self._wake(self._take())

    def _take(self) -> bytes:
        data = bytes(self._buffer)
        self._buffer.clear()
        return data

    def _wake(self, answer: Any) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._advance(answer)

    def _serve(self) -> None:
        self._timer = None
        self._advance(self._commands.popleft())

    def _expire(self) -> None:
        self._timer = None
        self._advance(b"" if self._waits_for is Receive else None)

    def _advance(self, answer: Any) -> None:
        """Answer the program's last step and carry out the next ones, until one has to wait."""
        program = self._program
        assert program is not None
        assert not self._running, "a fact's consequences must not re-enter the driver"
        self._waits_for = None
        self._running = True
        try:
            while True:
                step = program.send(answer)
                answer = None
                if isinstance(step, Send):  # patterns take twice the time, and this is where a driver lives
                    assert self._link is not None
                    self._link.send(step.data)
                elif isinstance(step, Flush):
                    self._buffer.clear()
                elif isinstance(step, Report):
                    self._dispatch(step.fact)
                    self._told_lost = None
                elif isinstance(step, Disclose):
                    assert self._link is not None
                    self._link.disclose(step.data, is_ours=step.is_ours)
                elif isinstance(step, Receive) and self._buffer:
                    answer = self._take()
                elif isinstance(step, Await) and self._commands:
                    answer = self._commands.popleft()
                else:
                    self._waits_for = type(step)
                    wait_ms = step.ms if isinstance(step, Sleep) else step.timeout_ms
                    self._timer = self._scheduler.call_later(wait_ms / 1000, self._expire)
                    return
                if self._stopped or self._program is None:
                    return
        except LinkLost as error:
            self._running = False
            self._lose(str(error))
        finally:
            self._running = False

    def _lose(self, reason: str) -> None:
        """Close what is open, tell the core once for each reason, try again later."""
        if self._stopped:
            return
        self._close()
        if reason != self._told_lost:
            self._told_lost = reason
            self._dispatch(self._driver.lost(reason))
        self._timer = self._scheduler.call_later(self._reopen_after_s, self.start)

    def _close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._link is not None:
            self._link.close()
            self._link = None
        program, self._program = self._program, None
        self._waits_for = None
        self._commands.clear()
        if program is not None and not self._running:
            program.close()
