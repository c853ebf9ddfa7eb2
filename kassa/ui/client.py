"""The screen's end of the control socket: a thread that reads, and a send that never waits.

The thread connects for ever; only the newest news matters, so one slot holds it and nothing can pile up.
"""

from __future__ import annotations

import itertools
import logging
import socket
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path

import msgspec

from kassa.control.address import reachable
from kassa.control.messages import (
    LINE_MAX_BYTES,
    VERSION,
    Done,
    Follow,
    Hello,
    Intent,
    Refused,
    ToServer,
    ViewChanged,
    Welcome,
    decode_from_server,
    encode,
)
from kassa.rules.view import View

log = logging.getLogger("kassa.ui")

BACK_OFF_S = (0.1, 0.2, 0.5, 1.0)
"""Between attempts to connect; a core that restarts is back within seconds and must not wait for us."""
NEWS_MAX = 1
"""A view replaces the one before."""


class CoreClient:
    """Follows the core's view. `on_news` is called from the reading thread; then `take_news` in the screen's own."""

    def __init__(self, path: Path, on_news: Callable[[], object]) -> None:
        self._path, self._on_news = path, on_news
        self._news: deque[View | None] = deque(maxlen=NEWS_MAX)
        self._socket: socket.socket | None = None
        self._ids = itertools.count(1)
        self._asked = self._answered = 0
        self._answers = threading.Condition()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._live, name="core", daemon=True)

    def start(self) -> None:
        """Begin to connect."""
        self._thread.start()

    def stop(self) -> None:
        """Hang up; a second call does nothing."""
        self._stopping.set()
        if self._socket is not None:
            _hang_up(self._socket)

    def take_news(self) -> list[View | None]:
        """What came since the last call: a view, or None for a connection that is gone."""
        try:
            return [self._news.popleft()]
        except IndexError:
            return []

    def send(self, name: str, **values: str) -> None:
        """Tell the core what a finger meant; the next view is the answer. Without a core it is logged, no more."""
        if self._socket is None:
            log.warning("there is no core to hear %s", name)
            return
        self._asked = next(self._ids)
        self._say(self._socket, Intent(self._asked, name, values))

    def wait_for_answer(self, seconds: float) -> None:
        """Wait until the core has answered the last intent, so long at most; the view that followed is news then."""
        with self._answers:
            self._answers.wait_for(lambda: self._answered >= self._asked, seconds)

    def _say(self, connection: socket.socket, message: ToServer) -> None:
        line = encode(message)
        try:
            sent = connection.send(line, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
        except OSError as error:
            log.warning("the core does not listen: %s", error)
            sent = 0
        if sent < len(line):
            _hang_up(connection)  # the reader then notices, and connects again

    def _live(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            failures = 0 if self._follow() else failures + 1
            self._put(None)
            self._stopping.wait(BACK_OFF_S[min(failures, len(BACK_OFF_S) - 1)])

    def _follow(self) -> bool:
        """Follow one connection to its end; whether it brought a view."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            try:
                with reachable(self._path) as address:
                    connection.connect(address)
            except OSError as error:
                log.debug("no core listens yet: %s", error)
                return False
            self._socket = connection
            try:
                self._say(connection, Hello(VERSION, "ui"))
                self._say(connection, Follow(next(self._ids)))
                return self._read(connection)
            except (OSError, msgspec.MsgspecError) as error:
                log.warning("the core's words end: %s", error)
                return True
            finally:
                self._socket = None
                self._note_answer(self._asked)  # nobody answers any more

    def _read(self, connection: socket.socket) -> bool:
        """Put up every view that comes; whether there was one."""
        has_view = False
        with connection.makefile("rb") as lines:
            while (line := lines.readline(LINE_MAX_BYTES)).endswith(b"\n"):
                match decode_from_server(line):
                    case Welcome(kassa=version):
                        log.info("connected to the core, kassa %s", version)
                    case ViewChanged(view):
                        has_view = True
                        self._put(view)
                    case Done(number):
                        self._note_answer(number)
                    case Refused(number, code, text):
                        log.info("refused: %s (%s)", text, code)
                        self._note_answer(number)
        return has_view

    def _note_answer(self, number: int) -> None:
        with self._answers:
            self._answered = number
            self._answers.notify()

    def _put(self, news: View | None) -> None:
        self._news.append(news)
        self._on_news()


def _hang_up(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError as error:
        log.debug("it was closed already: %s", error)
