"""The screen's process is killed at any moment of a visit; a new one shows the same, and no money is touched."""

import os
import signal
from decimal import Decimal
from pathlib import Path

import pytest

from kassa.demo.steered import wait_until
from kassa.demo.visit import ACCOUNT, open_screen

NOTES = [100, 500, 50, 1000, 100, 200, 50, 100, 500, 50, 100, 200, 1000, 50, 100, 100]


class Screen:
    """A screen that is killed after each touch and opened again."""

    def __init__(self, rig):
        self._rig = rig
        self._hand = open_screen(rig)
        self.kills = 0

    def tap(self, tag):
        wait_until(lambda: tag in self._hand.order("screen")["tags"], f"{tag} to be touchable")
        self._hand.order(f"tap {tag}")

    def kill(self):
        """SIGKILL, and a new one."""
        self._hand.kill()
        self.kills += 1
        self._hand = open_screen(self._rig)

    def comes_back_to(self, screen, inserted="0.00"):
        def shows():
            found = self._hand.order("screen")
            return (found["screen"], found["inserted"]) == (screen, inserted)

        return wait_until(shows, f"the screen {screen} with {inserted}")

    def close(self):
        self._hand.end()


@pytest.fixture
def screen(rig):
    rig.start_core()
    rig.wait_for_service()
    opened = Screen(rig)
    yield opened
    opened.close()


@pytest.mark.slow
def test_killed_after_every_step_of_a_visit_the_screen_comes_back_to_it(rig, screen):
    screen.tap("start")
    screen.kill()
    screen.comes_back_to("services")
    screen.tap("service.internet")
    screen.kill()
    screen.comes_back_to("account")
    for digit in ACCOUNT:
        screen.tap(f"key.{digit}")
    screen.tap("enter")
    screen.kill()
    screen.comes_back_to("balance")
    screen.tap("confirm")
    screen.kill()
    screen.comes_back_to("cash")
    total = 0
    for units in NOTES:
        rig.insert(units)
        screen.kill()
        total += units
        screen.comes_back_to("cash", f"{total}.00")
    screen.tap("finish")
    screen.kill()
    screen.comes_back_to("thanks", f"{total}.00")

    assert screen.kills >= 20
    assert [Decimal(payment["paid"]) for payment in rig.payments()] == [total]
    rig.check_promises()


def test_the_core_starts_its_killed_screen_again_on_the_same_page(rig):
    rig.start_core(with_ui=True, SDL_VIDEODRIVER="offscreen")
    rig.wait_for_service()
    rig.go_to_cash()
    rig.insert(500)
    rig.wait_for_sum(500)
    wait_until(lambda: pages_shown(rig) == ["cash"], "the cash page")
    [screen] = children(rig.core_pid)

    os.kill(screen, signal.SIGKILL)

    wait_until(lambda: pages_shown(rig) == ["cash", "cash"], "the cash page again")
    assert children(rig.core_pid) != [screen]
    rig.finish_whatever_is_open()
    rig.check_promises()


def pages_shown(rig):
    """The pages that were drawn, but for the one that waits for the core."""
    lines = (rig.home.logs / "ui.log").read_text(encoding="utf-8").splitlines()
    pages = [line.rpartition("showing ")[2] for line in lines if "showing " in line]
    kept = [page for page in pages if page != "waiting"]
    return kept[kept.index("cash") :] if "cash" in kept else []


def children(pid):
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return sorted(int(child) for task in tasks for child in task.read_text(encoding="ascii").split())
