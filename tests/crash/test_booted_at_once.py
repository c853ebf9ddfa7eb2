"""The core is killed and back before the note has stopped moving: the motion is waited for, not guessed at."""

import pytest
from real_terminal import running

from kassa.demo.steered import wait_until

SLOWLY = 0.1
"""A note needs several seconds on each side of the gate: longer than a start on a busy machine."""


@pytest.fixture
def slow(tmp_path):
    with running(tmp_path, SLOWLY) as rig:
        yield rig


@pytest.mark.parametrize("place", ["head", "stacker"])
def test_back_while_the_note_still_moves_the_core_credits_what_ends_in_the_box(slow, place):
    slow.start_core()
    slow.wait_for_service()
    slow.go_to_cash()
    slow.insert(500)
    wait_until(lambda: slow.validator.order("state")["status"] == "stacking", "the note to be stacked")
    wait_until(lambda: slow.validator.order("state")[place], f"the note in the {place}")

    slow.kill_core()
    slow.start_core()

    assert slow.validator.order("state")[place], "the start took longer than the motion"
    slow.wait_for_sum(500)
    slow.finish_whatever_is_open()
    slow.check_promises()
    [payment] = slow.payments()
    assert [(note["state"], note["uncertain"]) for note in payment["notes"]] == [("stacked", False)]
