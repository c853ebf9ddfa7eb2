"""The screen's end of the control socket, against a core that behaves as badly as a dying one can."""

import socket
import threading
from contextlib import closing

import msgspec
import pytest
import visits

from kassa.control.messages import (
    VERSION,
    Done,
    Follow,
    Hello,
    Intent,
    ToServer,
    ViewChanged,
    Welcome,
    encode,
)
from kassa.ui.client import CoreClient

VIEW = dict(visits.views("ru"))["attract"]
OTHER = dict(visits.views("ru"))["services"]
WAIT_MAX_S = 20.0


class Core:
    """The core's end of the socket, in the test's hands."""

    def __init__(self, path):
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.settimeout(WAIT_MAX_S)
        self.listener.bind(str(path))
        self.listener.listen()

    def accept(self):
        connection, _ = self.listener.accept()
        connection.settimeout(WAIT_MAX_S)
        self.connection, self.lines = connection, connection.makefile("rb")
        assert self.hear() == Hello(VERSION, "ui")
        assert isinstance(self.hear(), Follow)
        self.say(Welcome(VERSION, "0"))

    def hear(self):
        return msgspec.json.decode(self.lines.readline(), type=ToServer)

    def say(self, message):
        self.connection.sendall(encode(message))

    def hang_up(self):
        self.lines.close()
        self.connection.close()


class Screen:
    """Waits for news as the app does."""

    def __init__(self, path):
        self.came = threading.Semaphore(0)
        self.client = CoreClient(path, self.came.release)
        self.client.start()

    def wait_for(self, wanted):
        """The next news that are `wanted`; older ones may be gone, as only the newest matter."""
        while True:
            assert self.came.acquire(timeout=WAIT_MAX_S), f"no {wanted}"
            if wanted in self.client.take_news():
                return


@pytest.fixture
def path(tmp_path):
    return tmp_path / "control.sock"


@pytest.fixture
def core(path):
    core = Core(path)
    with closing(core.listener):
        yield core


@pytest.fixture
def screen(path, core):
    screen = Screen(path)
    core.accept()
    yield screen
    screen.client.stop()
    core.hang_up()


def test_a_view_arrives_as_it_was_sent(core, screen):
    core.say(ViewChanged(VIEW))
    screen.wait_for(VIEW)


def test_an_intent_arrives_with_its_values(core, screen):
    core.say(ViewChanged(VIEW))
    screen.wait_for(VIEW)
    screen.client.send("choose_service", service="tv")
    heard = core.hear()
    assert (heard.name, heard.values) == ("choose_service", {"service": "tv"})


def test_of_many_views_only_the_newest_is_drawn(core, screen):
    for _ in range(50):
        core.say(ViewChanged(VIEW))
    core.say(ViewChanged(OTHER))
    screen.wait_for(OTHER)
    assert screen.client.take_news() == []


@pytest.mark.parametrize(
    "last_words", [b"", b'{"type":"view","vi', b"\xff\xfe\n", b"[]\n", b'{"type":"view","view":{}}\n']
)
def test_it_connects_again_whatever_the_core_said_last(core, screen, last_words):
    core.say(ViewChanged(VIEW))
    screen.wait_for(VIEW)

    core.connection.sendall(last_words)
    core.hang_up()
    screen.wait_for(None)

    core.accept()
    core.say(ViewChanged(OTHER))
    screen.wait_for(OTHER)


def test_a_core_that_does_not_read_never_blocks_the_screen(core, screen):
    core.say(ViewChanged(VIEW))
    screen.wait_for(VIEW)
    for _ in range(20_000):
        screen.client.send("enter_account", account="4038172956")
    screen.wait_for(None)


def test_a_touch_without_a_core_is_lost_and_nothing_else(path):
    screen = Screen(path)
    screen.client.send("start")
    screen.wait_for(None)
    screen.client.stop()


def test_intents_are_numbered(core, screen):
    core.say(ViewChanged(VIEW))
    screen.wait_for(VIEW)
    screen.client.send("start")
    screen.client.send("cancel")
    first, second = core.hear(), core.hear()
    assert isinstance(first, Intent)
    assert first.id < second.id
    core.say(Done(first.id))
