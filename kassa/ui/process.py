"""The screen as a process: one window, one connection to the core, and an end when whoever started it is gone."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable
from typing import BinaryIO

from kivy.clock import Clock as Frames

from kassa.clock import SystemClock
from kassa.config import Config
from kassa.home import Home
from kassa.ui.app import KassaApp
from kassa.ui.client import CoreClient

log = logging.getLogger("kassa.ui")

ANSWER_WAIT_S = 0.05
"""The core answers within milliseconds; for one that is busy the glass stands still no longer than this."""
LIFELINE_BYTES = 4096
END_MAX_S = 5.0
"""A graphics driver that hangs must not keep a screen alive that nobody holds any more."""


def open_screen(home: Home, config: Config) -> tuple[KassaApp, CoreClient]:
    """The app and its connection, joined; `run` lets them live."""

    def draw_news(*_frame: object) -> None:
        for news in client.take_news():
            app.show(news)

    def send(name: str, **values: str) -> None:
        """Tell the core, and let the next frame show its answer: not first the released button, then the answer."""
        client.send(name, **values)
        client.wait_for_answer(ANSWER_WAIT_S)
        draw_news()

    # Scheduling is the one thing of Kivy that another thread may do.
    client = CoreClient(home.socket, on_news=lambda: Frames.schedule_once(draw_news, -1))
    app = KassaApp(config, send, SystemClock())
    return app, client


def run(app: KassaApp, client: CoreClient) -> None:
    """Show the window until it is closed or the app is stopped."""
    client.start()
    try:
        app.run()
    finally:
        client.stop()


def end_with(lifeline: BinaryIO, stop: Callable[[], object]) -> None:
    """Stop the app when the other end of `lifeline` closes: a screen without its core must not stay behind."""

    def hold() -> None:
        with contextlib.suppress(OSError):
            while lifeline.read(LIFELINE_BYTES):
                pass
        log.info("the lifeline is closed: the screen ends")
        Frames.schedule_once(lambda _frame: stop(), 0)
        time.sleep(END_MAX_S)  # the process ends meanwhile, unless something holds it
        log.error("the window did not close in %s s", END_MAX_S)
        os._exit(1)

    threading.Thread(target=hold, name="lifeline", daemon=True).start()
