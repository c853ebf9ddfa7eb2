"""What lies on the glass of the customer screen: what can be pressed, what can be read, a finger, a photograph."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kivy.base import EventLoop
from kivy.core.window import Window
from kivy.graphics.opengl import glFinish
from kivy.input import MotionEvent
from kivy.uix.label import Label
from kivy.uix.scrollview import ScrollView
from kivy.uix.widget import Widget

from kassa.errors import KassaError
from kassa.rules.view import View
from kassa.ui.app import KassaApp
from kassa.ui.widgets.basics import Icon
from kassa.ui.widgets.frame import Countdown
from kassa.ui.widgets.touch import Key, Touchable


class NotOnGlass(KassaError):
    """Nothing of this tag can be pressed now."""


class Finger(MotionEvent):
    """One finger at one place, in window pixels; it goes Kivy's own way to the widgets."""

    def __init__(self, x: float, y: float) -> None:
        place = {"x": x / (Window.width - 1), "y": y / (Window.height - 1)}
        super().__init__("hand", 1, place, is_touch=True, type_id="touch")
        self.profile = ["pos"]

    def depack(self, args: dict[str, float]) -> None:
        """Take the place as Kivy hands it over."""
        self.sx, self.sy = args["x"], args["y"]
        super().depack(args)

    def press(self) -> None:
        """Come down."""
        EventLoop.post_dispatch_input("begin", self)

    def slide(self, x: float, y: float) -> None:
        """Move over the glass."""
        self.move({"x": x / (Window.width - 1), "y": y / (Window.height - 1)})
        EventLoop.post_dispatch_input("update", self)

    def lift(self) -> float:
        """Leave, as soon as the glass shows that it was pressed; monotonic seconds of that moment."""
        glFinish()
        lifted_at = time.monotonic()
        EventLoop.post_dispatch_input("end", self)
        return lifted_at


class Glass:
    """The window of an app as a customer meets it."""

    def __init__(self, app: KassaApp) -> None:
        self._app = app
        self._drawn: View | None = None
        self._drawn_at: float | None = None
        Window.bind(on_flip=self._note_frame)

    def shown(self) -> Iterator[Any]:
        """Every widget that can be seen, from back to front."""
        yield from _seen(self._app.root)

    def tappable(self) -> dict[str, Any]:
        """What can be pressed now, by tag."""
        return {
            widget.tag: widget
            for widget in self.shown()
            if isinstance(widget, Touchable)
            and widget.tag
            and not widget.disabled
            and self._is_reachable(widget)
        }

    def texts(self) -> list[str]:
        """What can be read now; without icons and keys."""
        labels = (widget for widget in self.shown() if isinstance(widget, Label))
        return [_plain(one) for one in labels if one.text and not isinstance(one, Icon | Key)]

    def finger_on(self, tag: str) -> Finger:
        """A finger over the centre of what has this tag. Raises NotOnGlass."""
        found = self.tappable()
        if tag not in found:
            raise NotOnGlass(
                f"{tag!r} cannot be pressed on the screen {self._app.screen}; these can: {', '.join(sorted(found))}"
            )
        widget = found[tag]
        return Finger(*widget.to_window(*widget.center))

    def photograph(self, path: Path) -> None:
        """Write what is shown as a PNG. Raises OSError."""
        Window.dispatch("on_draw")  # what was flipped away is nowhere: draw it again, and read that
        taken = Window.screenshot(name=str(path.parent / f".shot-{os.getpid()}-.png"))
        os.replace(taken, path)

    def _note_frame(self, *_flip: object) -> None:
        if self._drawn is not self._app.view:
            self._drawn = self._app.view
            glFinish()  # without a display nothing else waits for the last pixel
            self._drawn_at = time.monotonic()

    @property
    def drawn_at(self) -> float | None:
        """Monotonic seconds when the first frame with the newest view was complete; None: it is not yet."""
        return self._drawn_at if self._drawn is self._app.view else None

    def _is_reachable(self, widget: Any) -> bool:
        x, y = widget.to_window(*widget.center)
        if not (0 <= x < Window.width and 0 <= y < Window.height):
            return False
        for parent in _parents(widget):
            if isinstance(parent, Countdown):
                return True
            if isinstance(parent, ScrollView) and not parent.collide_point(*parent.parent.to_widget(x, y)):
                return False
        covers = (one for one in self._app.root.children if isinstance(one, Countdown))
        return not any(cover.collide_point(x, y) for cover in covers)


def _seen(widget: Any) -> Iterator[Any]:
    if widget.opacity and widget.width > 1 and widget.height > 1:
        yield widget
        for child in reversed(widget.children):
            yield from _seen(child)


def _parents(widget: Any) -> Iterator[Widget]:
    parent = widget.parent
    while parent is not None and parent is not Window:
        yield parent
        parent = parent.parent


def _plain(label: Any) -> str:
    """The words of a label, without its markup."""
    if not label.markup:
        return str(label.text)
    words, is_inside = [], False
    for sign in label.text:
        is_inside = (is_inside or sign == "[") and sign != "]"
        if not is_inside and sign != "]":
            words.append(sign)
    return "".join(words)
