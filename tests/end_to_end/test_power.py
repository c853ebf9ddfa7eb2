"""The core is killed and devices lose their wire or their power in the middle of a payment."""

import signal

import pytest

pytestmark = pytest.mark.slow


def test_killed_with_money_inside_it_comes_back_to_the_same_payment(terminal):
    terminal.go_to_cash()
    terminal.insert(500)
    before = terminal.wait_for_view(inserted="500.00", note="none")
    terminal.insert(100)
    terminal.wait_for(lambda: terminal.validator.say("state")["head"] is None, "the note to move on")
    terminal.stop_core(signal.SIGKILL)
    assert "takes" not in terminal.call("status").out

    terminal.start_core()

    terminal.wait_for(
        lambda: terminal.validator.say("state")["total"] == terminal.view()["inserted"], "the note's place"
    )
    after = terminal.view()
    assert (after["screen"], after["payment"]) == ("cash", before["payment"])
    terminal.insert(50)
    terminal.wait_for(lambda: terminal.view()["note"] == "none", "the note to lie in the box")
    terminal.touch("finish")
    terminal.wait_for_view(screen="thanks")
    [payment] = terminal.check_promises()
    assert payment["payment"] == before["payment"]


def test_killed_while_the_receipt_is_made_there_is_one_receipt(terminal):
    terminal.registrar.say("fault busy 2")
    terminal.go_to_cash()
    terminal.insert(500)
    terminal.wait_for_view(inserted="500.00", note="none")
    terminal.touch("finish")
    terminal.wait_for_view(screen="printing")
    terminal.stop_core(signal.SIGKILL)

    terminal.start_core()

    terminal.wait_for_view(screen="thanks")
    [payment] = terminal.check_promises()
    assert payment["paid"] == "500.00"


@pytest.mark.parametrize("moment", ["head", "stacker"])
def test_the_lights_go_out_while_a_note_moves(terminal, moment):
    terminal.go_to_cash()
    terminal.insert(500)
    terminal.wait_for_view(inserted="500.00", note="none")
    terminal.insert(100)
    terminal.wait_for(lambda: has_come_to(terminal, moment), f"the note to come to {moment}")
    terminal.cut_everything()

    terminal.start_core()

    terminal.wait_for(
        lambda: terminal.view()["note"] == "none" and takes_cash(terminal), "the note to be settled"
    )
    assert terminal.view()["inserted"] == terminal.validator.say("state")["total"]
    terminal.touch("finish")
    terminal.wait_for_view(screen="thanks")
    [payment] = terminal.check_promises()
    assert payment["paid"] in ("500.00", "600.00")


def has_come_to(terminal, moment):
    """The second note is at the head, or in the stacker; or it lies in the box already."""
    truth = terminal.validator.say("state")
    return truth[moment] or truth["notes"] == 2


def takes_cash(terminal):
    return terminal.call("status").code == 0


def test_both_devices_unplugged_with_money_inside_are_told_and_come_back(terminal):
    terminal.go_to_cash()
    terminal.insert(500)
    terminal.wait_for_view(inserted="500.00", note="none")

    terminal.validator.say("unplug")
    terminal.registrar.say("unplug")

    view = terminal.wait_for_view(notice="validator_lost")
    assert (view["screen"], view["inserted"], view["can_finish"]) == ("cash", "500.00", True)
    status = terminal.call("status", "--json")
    assert (status.code, status.data["takes_cash"], status.data["blocked"]) == (1, False, "validator_lost")
    checked = terminal.call("device", "check", "validator", "--json")
    assert (checked.code, checked.data["ok"]) == (1, False)
    assert terminal.touch("finish")["screen"] == "printing"

    terminal.validator.say("plug")
    terminal.registrar.say("plug")

    assert terminal.wait_for_view(screen="thanks")["document"] is not None
    terminal.touch("finish")
    terminal.wait_for_view(screen="attract", reason=None)
    assert terminal.shell("status", "--json").data["conditions"] == []
    terminal.check_promises()


def test_both_devices_without_power_are_told_and_come_back(terminal):
    for device in (terminal.validator, terminal.registrar):
        device.say("power off")
    terminal.wait_for_view(screen="out_of_service", reason="validator_lost")
    for name in ("validator", "registrar"):
        told = terminal.wait_for(lambda name=name: is_missed(terminal, name), f"the {name} to be missed")
        assert told.startswith(f"{name}: cannot be used")
    assert "PROBLEM  registrar_lost" in terminal.call("doctor").out

    for device in (terminal.validator, terminal.registrar):
        device.say("power on")

    terminal.wait_for_view(screen="attract", reason=None)
    terminal.wait_for(lambda: takes_cash(terminal), "both of them")


def is_missed(terminal, name):
    """What is said of a device that does not answer; None while it does."""
    told = terminal.call("device", "check", name).out
    return told if "does not answer" in told else None


def test_paper_that_ends_during_the_visit_delays_the_receipt_and_nothing_else(terminal):
    terminal.go_to_cash()
    terminal.insert(500)
    terminal.wait_for_view(inserted="500.00", note="none")
    terminal.registrar.say("paper out")
    terminal.wait_for_view(notice="registrar_not_ready")
    terminal.touch("finish")
    terminal.wait_for_view(screen="printing")

    terminal.registrar.say("paper in")

    assert terminal.wait_for_view(screen="thanks")["document"] is not None
    terminal.check_promises()
