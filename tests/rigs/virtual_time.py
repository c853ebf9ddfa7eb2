"""Time that only passes when a test lets it: a scheduler, and a simulated device at the end of a wire in memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from heapq import heappop, heappush
from itertools import count
from typing import Any, Protocol

from msgspec import Struct

from devices.link import Link, LinkLost, MemoryLink

WIRE_S = 0.004
"""What a few bytes take at 9600 baud, and a device to think of its answer."""

SENT_MAX = 100_000
"""Sends that a wire remembers: a year of virtual time has millions."""
UNHEARD_MAX_BYTES = 256
"""What a USB adapter keeps."""


class Timer(Struct):
    """What `call_later` gives back."""

    callback: Callable[[], None] | None

    def cancel(self) -> None:
        self.callback = None


class VirtualTime:
    """A scheduler as `devices.steps.Pump` needs it; equal times run in the order they were asked for."""

    def __init__(self, start: float = 1000.0) -> None:
        self._now = start
        self._waiting: list[tuple[float, int, Timer]] = []
        self._order = count()

    def time(self) -> float:
        return self._now

    def call_later(self, delay: float, callback: Callable[[], None]) -> Timer:
        timer = Timer(callback)
        at = self._now + delay if delay > 0.0 else self._now
        heappush(self._waiting, (at, next(self._order), timer))
        return timer

    def spend(self, seconds: float) -> None:
        """Time passes while the caller works and the world goes on; for use inside a callback."""
        self.run_for(seconds)

    def run_for(self, seconds: float) -> None:
        """Let time pass, and all that is due in it happen."""
        end = self._now + seconds
        waiting = self._waiting
        while waiting and waiting[0][0] <= end:  # this is `_run_next`, which is asked for most of all
            at, _, timer = heappop(waiting)
            callback = timer.callback
            self._now = max(self._now, at)
            if callback is not None:
                callback()
        self._now = max(self._now, end)

    def run_until(self, is_so: Callable[[], Any], within_s: float = 60.0) -> Any:
        """Let time pass until `is_so` is true; its answer. Fails when `within_s` pass in vain."""
        end = self._now + within_s
        while not (found := is_so()):
            assert self._waiting, "nothing will ever happen again"
            assert self._waiting[0][0] <= end, f"waited {within_s} virtual seconds in vain"
            self._run_next()
        return found

    def _run_next(self) -> None:
        at, _, timer = heappop(self._waiting)
        callback = timer.callback
        self._now = max(self._now, at)
        if callback is not None:
            callback()


class SlowHost:
    """The same time as a busy host has it: whatever it means to do later, it does `slowness` times as late."""

    def __init__(self, time: VirtualTime, slowness: float) -> None:
        self.time, self._call_later, self._slowness = time.time, time.call_later, slowness

    def call_later(self, delay: float, callback: Callable[[], None]) -> Timer:
        return self._call_later(delay * self._slowness, callback)


class Device(Protocol):
    """A simulator, as `devices.console` runs it."""

    def receive(self, data: bytes, now: float) -> bytes: ...

    def advance(self, now: float) -> bytes: ...

    def wakes_at(self) -> float | None: ...


class Wire:
    """A device at the end of a wire that can be pulled. `open` is what a Pump calls."""

    def __init__(self, device: Device, time: VirtualTime, delay_s: float = WIRE_S) -> None:
        self.device, self.time, self.delay_s = device, time, delay_s
        self.is_plugged = True
        self.sent: deque[bytes] = deque(maxlen=SENT_MAX)
        """What the host wrote since the last `open`, the latest of it."""
        self._link: MemoryLink | None = None
        self._unheard = b""
        self._timer: Timer | None = None
        self._wakes_at: float | None = None
        """For when the timer is set."""
        self.stir()

    def open(self) -> Link:
        if not self.is_plugged:
            raise LinkLost("the port is gone")
        self.sent.clear()
        self._link = MemoryLink(self._carry)
        unheard, self._unheard = self._unheard, b""
        if unheard:
            self.time.call_later(self.delay_s, partial(self._link.deliver, unheard))
        return self._link

    def unplug(self) -> None:
        self.is_plugged, self._unheard = False, b""
        if self._link is not None:
            link, self._link = self._link, None
            link.unplug()

    def plug(self) -> None:
        self.is_plugged = True

    def stir(self) -> None:
        """Look after the device's own plans; call it when a test did something to the device."""
        wakes_at = self.device.wakes_at()
        if wakes_at == self._wakes_at:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._wakes_at = wakes_at
        self._timer = None
        if wakes_at is not None:
            self._timer = self.time.call_later(wakes_at - self.time.time(), self._advance)

    def poke(self) -> None:
        """The same, for a device that may have to say something about it."""
        self._deliver(self.device.advance(self.time.time()))
        self.stir()

    def _carry(self, data: bytes) -> None:
        """The device hears at once and is heard after both ways' time: one event instead of two."""
        self.sent.append(data)
        if self.is_plugged:
            self._deliver(self.device.receive(data, self.time.time()))
            self.stir()

    def _advance(self) -> None:
        self._timer = self._wakes_at = None
        self._deliver(self.device.advance(self.time.time()))
        self.stir()

    def _deliver(self, data: bytes) -> None:
        if data:
            self.time.call_later(2 * self.delay_s, partial(self._arrive, data))

    def _arrive(self, data: bytes) -> None:
        """At whoever has the port by now; what nobody hears waits in the adapter for the next who opens it."""
        if self._link is not None and self._link.is_open:
            self._link.deliver(data)
        elif self.is_plugged:
            self._unheard = (self._unheard + data)[-UNHEARD_MAX_BYTES:]
