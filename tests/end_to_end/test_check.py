"""`kassa device check` with a real validator's simulator: what it finds, and what it must never take away."""

import signal

import pytest

pytestmark = pytest.mark.slow


PROTOCOLS = pytest.mark.parametrize("protocol", ["ccnet", "id003", "ssp"])


def speak(terminal, protocol):
    """Let the terminal have a validator of this protocol."""
    if protocol != "ccnet":
        terminal.configure(('protocol = "ccnet"', f'protocol = "{protocol}"'))


@PROTOCOLS
def test_a_check_after_a_crash_leaves_the_note_that_nobody_acknowledged_to_the_core(idle, protocol):
    speak(idle, protocol)
    validator = idle.simulate_slowly(protocol)
    idle.start_core()
    idle.wait_for_view(screen="attract")
    idle.go_to_cash()
    idle.insert(500)
    idle.wait_for(lambda: validator.say("state")["status"] == "stacking", "the note to go in", 0.01)
    idle.stop_core(signal.SIGKILL)
    idle.core = None
    idle.wait_for(lambda: validator.say("state")["status"] == "stacked", "the note to lie in the cassette")

    checked = idle.call("device", "check", "validator", "--json")

    assert (checked.code, checked.data["ok"]) == (1, False)
    assert "run" in checked.data["remedy"]
    assert validator.say("state")["status"] == "stacked"
    idle.start_core()
    idle.wait_for(
        lambda: idle.view()["inserted"] == "500.00" and idle.view()["note"] == "none",
        "the note to be credited",
    )
    idle.touch("finish")
    idle.wait_for_view(screen="thanks")
    [payment] = idle.check_promises()
    assert payment["paid"] == "500.00"


def test_a_check_in_the_middle_of_a_note_does_not_move_it(idle):
    validator = idle.simulate_slowly("ccnet")
    idle.start_core()
    idle.wait_for_view(screen="attract")
    idle.go_to_cash()
    idle.stop_core(signal.SIGKILL)
    idle.core = None
    validator.say("insert 500")
    idle.wait_for(lambda: validator.say("state")["status"] == "escrow", "a note that no core knows of", 0.05)

    checked = idle.call("device", "check", "validator", "--json")

    assert (checked.code, checked.data["ok"]) == (1, False)
    assert validator.say("state")["status"] in ("escrow", "returning", "returned")
    assert validator.say("state")["notes"] == 0
    [step] = checked.data["steps"]
    assert (step["name"], step["result"]) == ("link", "problem")


def test_without_hands_the_steps_for_hands_are_skipped(bare):
    assert bare.validator.say("state")["power"]

    told = bare.shell("device", "check", "validator").out

    assert "     ok  identification: SM-RU1353" in told
    assert "skipped  escrow: needs somebody" in told
    assert told.splitlines()[-1].startswith("validator: good: SM-RU1353")
    verdict = bare.shell("device", "check", "validator", "--json").data
    assert {step["result"] for step in verdict["steps"]} == {"ok", "skipped"}
    assert "STACK" not in bare.shell("device", "log", "validator").out


@PROTOCOLS
def test_a_person_at_a_terminal_is_asked_for_a_note_and_gets_it_back(bare, protocol):
    speak(bare, protocol)
    assert bare.validator.say("state")["power"]
    with bare.at_console("device", "check", "validator", "--no-cassette") as console:
        console.wait_for("insert any note now")
        bare.insert(500)
        told = console.rest()

    assert "ok  escrow: 500.00 RUB was held at escrow and given back" in told
    assert "validator: good" in told
    state = bare.validator.say("state")
    assert (state["returned"], state["notes"], state["enabled"]) == ([500], 0, [])
