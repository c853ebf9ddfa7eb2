"""The real screen beside a real core, both processes of their own; either may be killed."""

import subprocess
import sys

import pytest
from real_terminal import running

from kassa.demo.steered import Steered, wait_until

OFFSCREEN = {"SDL_VIDEODRIVER": "offscreen"}


@pytest.fixture(scope="module")
def rig(tmp_path_factory):
    with running(tmp_path_factory.mktemp("terminal")) as terminal:
        terminal.start_core()
        terminal.wait_for_service()
        yield terminal


@pytest.fixture
def hand(rig):
    screen = open_screen(rig)
    yield screen
    screen.kill()
    if not rig.core_runs:
        rig.start_core()
    rig.finish_whatever_is_open()


def open_screen(rig):
    return Steered("kassa.demo.hand", ["--home", str(rig.home.path)], rig.folder / "screen.log", **OFFSCREEN)


def wait_for(hand, screen, *words):
    """The tags of a screen, when it is there with these words."""

    def shown():
        found = hand.order("screen")
        said = " ".join(found["texts"]).replace("\N{NO-BREAK SPACE}", " ")
        return found["tags"] if found["screen"] == screen and all(word in said for word in words) else None

    return wait_until(shown, f"the screen {screen} with {words}")


def tap(hand, *tags):
    for tag in tags:
        wait_until(lambda tag=tag: hand.say(f"tap {tag}")["ok"], f"{tag} to be pressed")


def test_a_whole_visit_by_touch(rig, hand, tmp_path):
    wait_for(hand, "attract")
    tap(hand, "start", "service.internet", *(f"key.{digit}" for digit in "4038172956"), "enter")
    wait_for(hand, "balance", "4038 172 956", "Долг")
    tap(hand, "language.en")
    wait_for(hand, "balance", "Debt")
    tap(hand, "language.ru", "confirm")
    assert "finish" not in wait_for(hand, "cash", "Вставьте купюру")

    rig.insert(500)
    wait_for(hand, "cash", "Оплатить 500 ₽")
    hand.order(f"shot {tmp_path / 'cash.png'}")
    tap(hand, "finish")
    wait_for(hand, "thanks", "Заберите чек", "500 ₽")
    tap(hand, "finish")
    wait_for(hand, "attract")

    assert (tmp_path / "cash.png").read_bytes().startswith(b"\x89PNG")
    rig.check_promises()


def test_an_electronic_receipt_is_asked_for_by_touch_and_the_next_customer_sees_nothing_of_it(rig, hand):
    wait_for(hand, "attract")
    tap(hand, "service.internet", *(f"key.{digit}" for digit in "4038172956"), "enter")
    wait_for(hand, "balance", "Электронный чек")
    tap(hand, "contact", *(f"key.{digit}" for digit in "4951234567"), "enter")
    wait_for(hand, "contact", "Проверьте номер")
    tap(hand, "kind.email", *(f"key.{sign}" for sign in "ivan"), "key.@mail.ru", "enter")
    wait_for(hand, "balance", "iv***@mail.ru")
    tap(hand, "confirm")
    wait_for(hand, "cash", "iv***@mail.ru", "Вставьте купюру")
    tap(hand, "contact", "back")
    wait_for(hand, "cash", "iv***@mail.ru")

    rig.insert(50)
    wait_for(hand, "cash", "Оплатить 50 ₽")
    assert "iv***" not in " ".join(hand.order("screen")["texts"])
    tap(hand, "finish")
    wait_for(hand, "thanks", "Заберите чек")
    tap(hand, "start", "service.internet", *(f"key.{digit}" for digit in "4038172956"), "enter")
    wait_for(hand, "balance", "Электронный чек")
    assert "mail.ru" not in " ".join(hand.order("screen")["texts"])
    tap(hand, "back", "back", "back")
    wait_for(hand, "attract")
    rig.check_promises()


def test_an_account_that_nobody_has_is_answered_in_words(hand):
    wait_for(hand, "attract")
    tap(hand, "service.tv", *(f"key.{digit}" for digit in "9999999"), "enter")
    wait_for(hand, "account", "Такого лицевого счёта нет")


def test_a_killed_core_leads_to_the_waiting_screen_and_back_to_the_money(rig, hand):
    wait_for(hand, "attract")
    rig.go_to_cash()
    rig.insert(100)
    wait_for(hand, "cash", "Оплатить 100 ₽")
    payment = rig.view().payment

    rig.kill_core()
    wait_for(hand, "waiting", "Если вы уже внесли деньги, они учтены", payment)

    rig.start_core()
    wait_for(hand, "cash", "Оплатить 100 ₽", payment)
    tap(hand, "finish")
    wait_for(hand, "thanks", "100 ₽")
    rig.check_promises()


def test_a_killed_screen_comes_back_as_it_was(rig, hand):
    wait_for(hand, "attract")
    rig.go_to_cash()
    rig.insert(50)
    wait_for(hand, "cash", "Оплатить 50 ₽")

    hand.kill()
    rig.insert(100)
    rig.wait_for_sum(150)
    again = open_screen(rig)
    try:
        wait_for(again, "cash", "Оплатить 150 ₽")
    finally:
        again.kill()


def test_the_hand_says_what_it_cannot_do(hand, tmp_path):
    wait_for(hand, "attract")
    for line, why in (
        ("tap nothing.of.this", "these can: "),
        ("tap", "is none of"),
        ("dance", "is none of"),
        (f"shot {tmp_path}/missing/x.png", "missing"),
    ):
        answer = hand.say(line)
        assert not answer["ok"]
        assert why in answer["error"]


def test_a_screen_ends_with_its_lifeline(rig):
    command = [sys.executable, "-m", "kassa.cli.main", "--home", str(rig.home.path), "ui", "--lifeline"]
    with (rig.folder / "lifeline.log").open("wb") as log:
        screen = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=log)
    assert screen.stdin is not None
    try:
        wait_until(lambda: "showing attract" in (rig.folder / "lifeline.log").read_text(), "the first screen")
        screen.stdin.close()
        assert screen.wait(30) == 0
    finally:
        screen.kill()
        screen.wait()


def test_a_size_that_is_none_is_refused_in_words(rig):
    done = rig.try_kassa("ui", "--size", "large")
    assert done.returncode == 2
    assert "'large' is not a size; write it like 1280x1024" in done.stderr
