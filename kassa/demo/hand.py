"""The customer's hand: the real screen in a process that obeys lines on stdin and answers each with a line of JSON.

    python -m kassa.demo.hand --home DIR [--size 1280x1024]

    tap TAG      a finger comes down and leaves at the centre of the widget with this tag; {"ok": true, "at": SECONDS}
    shot PATH    the window as a PNG at PATH; {"ok": true, "path": PATH}
    screen       {"ok": true, "screen": "cash", "tags": [what can be pressed now], "texts": [all that can be read],
                 "inserted": "500.00", "drawn_at": SECONDS}

SECONDS are monotonic: when the finger left, and of the first frame that showed the newest view.
What cannot be done is answered `{"ok": false, "error": WHY}`. Answers come in the order of the lines. It ends with stdin.

Tags of every page: `language.LANGUAGE` (the other one), and `more_time` while a countdown is shown. Of its own has

    attract     start, service.ID
    services    service.ID, back
    account     key.0 ... key.9, key.clear, key.backspace, enter, back
    balance     confirm, back, contact
    contact     kind.phone, kind.email, key.SIGN, key.@mail.ru ..., key.clear, key.backspace, enter, back, remove
    cash        finish, cancel, contact (until the first note)
    thanks      finish, start (the next payment)

and waiting, printing, out_of_service nothing.
"""

from __future__ import annotations

import json
import logging
import queue
import sys
import threading
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import click

from kassa.cli.ui import window_of
from kassa.config import load
from kassa.errors import KassaError
from kassa.home import Home

LINES_MAX = 100
"""More lines that wait for their answer make the sender wait too."""
LINE_MAX_CHARS = 4096
STEP_S = 1 / 60
FRAMES_TO_REST = 4
"""Until text that changed has found its size and its place."""


@click.command()
@click.option("--home", required=True, type=click.Path(path_type=Path, file_okay=False))
@click.option("--size", default="1280x1024", show_default=True)
def main(home: Path, size: str) -> None:
    """Show the customer screen of the terminal at HOME, and do with it what stdin says."""
    place, settings = Home(home.absolute()), window_of(size)
    config = load(place.config)
    place.make()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")

    from kassa.ui.window import prepare

    prepare(place.run / "kivy-hand", settings)
    from kivy.clock import Clock as Frames

    from kassa.demo.glass import Glass
    from kassa.ui import process

    app, client = process.open_screen(place, config)
    hand = Hand(Glass(app), app)
    hand.goes_on = Frames.create_trigger(hand.obey, STEP_S)
    threading.Thread(target=hand.listen, name="stdin", daemon=True).start()
    process.run(app, client)


class Hand:
    """Obeys one line after the other, a bit at a time: the window never waits for it."""

    def __init__(self, glass: Any, app: Any) -> None:
        self._glass, self._app = glass, app
        self.goes_on: Callable[[], object] = lambda: None
        """Has `obey` called in the next frame, once, however often it is asked."""
        self._lines: queue.Queue[str | None] = queue.Queue(LINES_MAX)
        self._doing: Generator[None, None, dict[str, Any]] | None = None

    def listen(self) -> None:
        """Take in lines until stdin ends; runs in a thread of its own."""
        while line := sys.stdin.readline(LINE_MAX_CHARS):
            self._lines.put(line.strip())
            self.goes_on()
        self._lines.put(None)
        self.goes_on()

    def obey(self, _frame: object) -> None:
        """Go on with what is being done, or begin the next line."""
        if self._doing is None:
            try:
                line = self._lines.get_nowait()
            except queue.Empty:
                return
            if line is None:
                self._app.stop()
                return
            self._doing = self._do(line)
        self.goes_on()
        try:
            next(self._doing)
        except StopIteration as done:
            self._answer({"ok": True, **done.value})
        except (KassaError, OSError) as error:
            self._answer({"ok": False, "error": str(error)})

    def _answer(self, answer: dict[str, Any]) -> None:
        self._doing = None
        print(json.dumps(answer, ensure_ascii=False), flush=True)

    def _do(self, line: str) -> Generator[None, None, dict[str, Any]]:
        """Do a line's work; every `yield` lets one frame pass."""
        word, _, rest = line.partition(" ")
        match word, rest:
            case "tap", tag if tag:
                while not self._app.is_settled:
                    yield
                finger = self._glass.finger_on(tag)
                finger.press()
                yield
                lifted_at = finger.lift()
                yield
                return {"at": lifted_at}
            case "shot", path if path:
                for _ in range(FRAMES_TO_REST):
                    yield
                self._glass.photograph(Path(path).absolute())
                return {"path": path}
            case "screen", "":
                for _ in range(FRAMES_TO_REST):
                    yield
                tags, texts = sorted(self._glass.tappable()), self._glass.texts()
                return {
                    "screen": self._app.screen,
                    "tags": tags,
                    "texts": texts,
                    "inserted": self._app.view.inserted if self._app.view else None,
                    "drawn_at": self._glass.drawn_at,
                }
            case _:
                raise KassaError(f"{line!r} is none of: tap TAG, shot PATH, screen")


if __name__ == "__main__":
    main()
