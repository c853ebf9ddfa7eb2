"""The core is killed at any moment of a visit; what lies in the box is credited, once."""

import time
from decimal import Decimal

import pytest

from kassa.demo.steered import wait_until

MOMENTS_S = [0.0, 0.02, 0.05, 0.08, 0.11, 0.14, 0.17, 0.2, 0.24, 0.28, 0.34, 0.4, 0.5, 0.65]
"""After the note was pushed in: the simulated mechanics, eight times as fast as real ones, need about 0.2 s."""
RECEIPT_MOMENTS_S = [0.0, 0.03, 0.06, 0.1, 0.15, 0.2, 0.3, 0.45]


def go_on_after_a_kill(rig):
    """Start the core again, let the visit end, and give what the payment list says of the newest payment."""
    rig.start_core()
    wait_until(lambda: rig.status()["takes_cash"], "a terminal that takes cash again")
    rig.finish_whatever_is_open()


@pytest.mark.slow
def test_killed_while_a_note_is_on_its_way_the_terminal_loses_no_note(rig):
    for moment in MOMENTS_S:
        if not rig.core_runs:
            rig.start_core()
        rig.wait_for_service()
        rig.go_to_cash()
        rig.insert(500)
        time.sleep(moment)  # the moment of the kill is the very thing under test
        rig.kill_core()
        go_on_after_a_kill(rig)

    rig.check_promises()
    assert rig.validator.say("state")["notes"] > 0


@pytest.mark.slow
def test_killed_while_the_receipt_is_being_made_each_payment_has_one_document(rig):
    for moment in RECEIPT_MOMENTS_S:
        if not rig.core_runs:
            rig.start_core()
        rig.wait_for_service()
        rig.go_to_cash(account="0017742")
        rig.insert(100)
        rig.wait_for_sum(100)
        rig.intend("finish")
        time.sleep(moment)  # the moment of the kill is the very thing under test
        rig.kill_core()
        go_on_after_a_kill(rig)

    rig.check_promises()
    assert len(rig.payments()) == len(RECEIPT_MOMENTS_S)


def test_killed_with_money_inside_the_same_visit_goes_on(rig):
    rig.start_core()
    rig.wait_for_service()
    rig.go_to_cash()
    rig.insert(500)
    before = rig.wait_for_sum(500)

    rig.kill_core()
    rig.start_core()

    after = rig.wait_for_screen("cash")
    assert (after.payment, after.account, after.inserted) == (before.payment, before.account, before.inserted)
    wait_until(lambda: rig.status()["takes_cash"], "an open slot")
    rig.insert(100)
    rig.wait_for_sum(600)
    rig.finish_whatever_is_open()
    rig.check_promises()


def test_stopped_with_money_inside_the_payment_is_credited_and_has_its_receipt(rig):
    rig.start_core()
    rig.wait_for_service()
    rig.go_to_cash()
    rig.insert(500)
    rig.wait_for_sum(500)

    assert rig.stop_core() == 0

    [payment] = rig.payments()
    assert payment["state"] == "credited"
    assert Decimal(payment["paid"]) == 500
    assert payment["document"] is not None


def test_stopped_with_a_note_coming_in_it_is_returned_or_credited_never_both(rig):
    rig.start_core()
    rig.wait_for_service()
    rig.go_to_cash()
    rig.insert(500)

    assert rig.stop_core() == 0

    box = Decimal(rig.validator.say("state")["total"])
    credited = [payment for payment in rig.payments() if payment["state"] == "credited"]
    assert sum(Decimal(payment["paid"]) for payment in credited) == box


def test_a_second_core_leaves_the_first_unharmed(rig):
    rig.start_core()
    second = rig.try_kassa("run", "--no-ui")
    assert second.returncode == 1
    assert "another core runs" in second.stderr
    assert rig.view().screen.value in ("attract", "out_of_service")
