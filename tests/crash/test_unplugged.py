"""A device goes away in the middle of a payment and comes back: the screen is honest, nothing is restarted."""

import contextlib
import os
import pty

from kassa.demo.stage import VALIDATOR
from kassa.demo.steered import wait_until

TERMINALS_MAX = 50
"""The kernel gives the lowest number that is free."""


def test_a_validator_unplugged_with_money_inside_is_told_and_comes_back(rig):
    rig.start_core()
    rig.wait_for_service()
    rig.go_to_cash()
    rig.insert(500)
    rig.wait_for_sum(500)

    rig.validator.say("unplug")
    view = wait_until(lambda: (v := rig.view()).notice == "validator_lost" and v, "an honest screen")
    assert view.screen.value == "cash"
    assert view.inserted == "500.00"
    assert view.can_finish

    rig.validator.say("plug")
    wait_until(lambda: rig.view().notice is None, "the notice to go")
    rig.insert(100)
    rig.wait_for_sum(600)
    rig.finish_whatever_is_open()
    rig.check_promises()


def test_a_validator_unplugged_while_a_note_moves_settles_the_note_when_it_is_back(rig):
    rig.start_core()
    rig.wait_for_service()
    rig.go_to_cash()
    rig.insert(500)
    wait_until(lambda: has_passed_the_gate(rig), "the note to move")

    rig.validator.say("unplug")
    wait_until(lambda: rig.view().notice == "validator_lost", "an honest screen")
    rig.validator.say("plug")

    rig.wait_for_sum(500)
    rig.finish_whatever_is_open()
    rig.check_promises()


def has_passed_the_gate(rig):
    """From there a note cannot come back, whatever happens to the wire."""
    truth = rig.validator.order("state")
    return truth["stacker"] or truth["notes"]


def test_a_validator_that_comes_back_under_another_name_is_found_with_its_note(rig):
    rig.start_core()
    rig.wait_for_service()
    rig.go_to_cash()
    rig.insert(500)
    wait_until(lambda: has_passed_the_gate(rig), "the note to move")
    port = rig.home.run / "validator"
    before = os.readlink(port)

    rig.validator.order("unplug")
    wait_until(lambda: rig.view().notice == "validator_lost", "an honest screen")
    with taken(before):
        rig.validator.order("plug")
        assert os.readlink(port) != before
        rig.wait_for_sum(500)
        wait_until(lambda: rig.view().notice is None, "the notice to go")
        rig.insert(100)
        rig.wait_for_sum(600)

    rig.finish_whatever_is_open()
    rig.check_promises()


@contextlib.contextmanager
def taken(name):
    """Another device has the terminal of this name now."""
    opened = [pty.openpty()]
    try:
        while os.ttyname(opened[-1][1]) != name and len(opened) < TERMINALS_MAX:
            opened.append(pty.openpty())
        yield
    finally:
        for descriptor in (one for pair in opened for one in pair):
            os.close(descriptor)


def test_another_validator_in_its_place_knows_nothing_of_the_note_and_the_customer_keeps_his_money(rig):
    rig.start_core()
    rig.wait_for_service()
    rig.go_to_cash()
    rig.insert(500)
    wait_until(lambda: has_passed_the_gate(rig), "the note to move")
    port, first = rig.home.run / "validator", rig.validator
    first.order("unplug")
    rig.wait_for_screen("cash")

    (rig.folder / "validator.json").rename(rig.folder / "first.json")
    rig.validator = rig.plug_in(VALIDATOR, port)

    rig.wait_for_sum(500)
    rig.finish_whatever_is_open()
    [payment] = rig.payments()
    assert [(note["value"], note["uncertain"]) for note in payment["notes"]] == [("500.00", True)]
    assert "uncertain_note" in [one["code"] for one in rig.status()["conditions"]]
    assert wait_until(lambda: first.order("state")["notes"], "the note in the box of the first") == 1
    first.end()


def test_a_registrar_unplugged_with_money_inside_closes_the_slot_and_the_receipt_comes_later(rig):
    rig.start_core()
    rig.wait_for_service()
    rig.go_to_cash()
    rig.insert(500)
    rig.wait_for_sum(500)

    rig.registrar.say("unplug")
    wait_until(lambda: rig.view().notice == "registrar_not_ready", "an honest screen")
    assert not rig.status()["takes_cash"]
    rig.intend("finish")
    assert rig.wait_for_screen("printing").inserted == "500.00"

    rig.registrar.say("plug")
    assert rig.wait_for_screen("thanks").document is not None
    rig.check_promises()


def test_without_paper_the_idle_terminal_is_out_of_service_with_the_reason(rig):
    rig.start_core()
    rig.wait_for_service()

    rig.registrar.say("paper out")
    view = rig.wait_for_screen("out_of_service")
    assert view.reason == "registrar_paper_out"

    rig.registrar.say("paper in")
    rig.wait_for_service()


def test_a_jammed_validator_takes_the_terminal_out_of_service_until_it_is_cleared(rig):
    rig.start_core()
    rig.wait_for_service()

    rig.validator.say("fault jam")
    assert rig.wait_for_screen("out_of_service").reason == "validator_jammed"

    rig.validator.say("clear")
    rig.wait_for_service()
