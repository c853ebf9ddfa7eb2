"""The screen offscreen: real widgets, real touches, software GL; time passes when a test says so."""

import os
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

import msgspec
import pytest

from kassa.config import Ui
from kassa.ui.window import prepare

PICTURES = Path(__file__).resolve().parents[2] / "build" / "ui"
UNTHROTTLED = 0
WAIT_MAX_S = 20.0
LARGEST = msgspec.structs.replace(Ui(), width=1280, height=1920, fullscreen=False, fps=UNTHROTTLED)
"""An offscreen surface never grows: it is made so that every form fits into it."""

# Before any other import of Kivy: it reads its settings while it is imported.
os.environ["SDL_VIDEODRIVER"] = "offscreen"
prepare(PICTURES / "kivy", LARGEST)

from kivy.base import EventLoop
from kivy.clock import Clock
from kivy.core.window import Window
from kivy.lang import Builder
from visits import CONFIG

from kassa.demo.glass import Finger, Glass
from kassa.ui.app import KassaApp


class HandClock:
    """Time that passes when the test says so."""

    def __init__(self):
        self.seconds = 1000.0
        self.wall = datetime(2026, 11, 24, 14, 32, tzinfo=UTC)

    def monotonic(self):
        return self.seconds

    def now(self):
        return self.wall


class Bench:
    """The real app in a window, drawn frame by frame; what it tells the core is in `sent`."""

    def __init__(self):
        self.window = Window
        self.clock, self.sent = HandClock(), []
        self.app = KassaApp(CONFIG, lambda name, **values: self.sent.append((name, values)), self.clock)
        self.app._run_prepare()
        EventLoop.start()
        self.glass = Glass(self.app)

    def frames(self, count=3):
        for _ in range(count):
            EventLoop.idle()

    def settle(self):
        """What a frame does before it draws; software GL is slow, and most tests look at no picture."""
        Clock.tick()
        EventLoop.dispatch_input()
        Builder.sync()
        Clock.tick_draw()
        Builder.sync()

    def rest(self):
        """Let sizes and places find their end, within the bound of one frame."""
        self.settle()
        before = [(id(one), *one.pos, *one.size) for one in self.glass.shown()]
        self.settle()
        assert [(id(one), *one.pos, *one.size) for one in self.glass.shown()] == before

    def resize(self, size):
        if tuple(self.window.size) != size:
            self.window.size = size
            self.settle()
            assert tuple(self.window.size) == size

    def show(self, view):
        self.app.show(view)
        self.clock.seconds += 1  # what comes on a screen is looked at before it is touched
        self.rest()

    def tap(self, tag):
        self._press(self.glass.finger_on(tag))

    def touch(self, x, y):
        self._press(Finger(x, y))

    def _press(self, finger):
        finger.press()
        self.settle()
        finger.lift()
        self.settle()
        self.settle()

    def drag(self, start, end):
        finger = Finger(*start)
        finger.press()
        self.settle()
        for share in (0.1, 0.4, 0.7, 1):
            finger.slide(*(a + (b - a) * share for a, b in zip(start, end, strict=True)))
            self.settle()
        finger.lift()
        self.settle()

    def until(self, is_so):
        """Frames until it is so: a list takes its time to tell a touch from a drag, and to roll out."""
        give_up = monotonic() + WAIT_MAX_S
        while not is_so():
            assert monotonic() < give_up, "waited in vain"
            self.settle()

    def quits(self):
        return EventLoop.quit

    def photograph(self, name):
        PICTURES.mkdir(parents=True, exist_ok=True)
        self.glass.photograph(PICTURES / f"{name}.png")


@pytest.fixture(scope="session")
def _bench():
    return Bench()


@pytest.fixture
def bench(_bench):
    """A fresh customer: no core, nothing sent; the form is what the last test left."""
    _bench.app.show(None)
    _bench.sent.clear()
    return _bench
