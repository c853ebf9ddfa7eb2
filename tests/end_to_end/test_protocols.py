"""The real core with a validator of each protocol: a visit, a core that is killed with a note on its way, and the books."""

import signal

import pytest

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("protocol", ["id003", "ssp"])
def test_a_terminal_lives_with_a_validator_of_any_protocol(bare, subscribers, protocol):
    bare.configure(("quiet_s = 2.0", "quiet_s = 0.2"), ('protocol = "ccnet"', f'protocol = "{protocol}"'))
    (bare.home / "inbox" / "subscribers.csv").write_bytes(subscribers)
    bare.start_core()
    bare.wait_for_view(screen="attract", reason=None)

    bare.go_to_cash("4038172956", "internet")
    bare.insert(500)
    bare.wait_for_view(inserted="500.00", note="none")
    bare.insert(100)
    assert bare.stop_core(signal.SIGKILL) == -signal.SIGKILL
    bare.start_core()
    bare.wait_for(
        lambda: bare.validator.say("state")["status"] in ("idling", "disabled"), "the note to settle"
    )
    bare.wait_for_view(note="none")
    if bare.view()["screen"] == "cash":
        bare.touch("finish")
    bare.wait_for_view(screen="thanks")

    [payment] = bare.check_promises()
    assert payment["paid"] in ("500.00", "600.00")
    assert bare.stop_core() == 0
    bare.check_promises()
