"""The core is stopped for a while, or the system gives it no more descriptors or memory: the money is kept."""

import contextlib
import os
import resource
import signal
import time
from decimal import Decimal
from pathlib import Path

from vitals import look_at

from kassa.control.client import AskRefused, CoreAbsent
from kassa.demo.steered import wait_until

ESCROW_S = 10.0
"""A validator whose host keeps silent gives the note at escrow back after that; see its simulator."""


def in_cash_with_500(rig):
    rig.start_core()
    rig.wait_for_service()
    rig.go_to_cash()
    rig.insert(500)
    rig.wait_for_sum(500)


def test_stopped_for_longer_than_a_note_is_held_it_goes_on_with_what_lies_in_the_box(rig):
    in_cash_with_500(rig)
    rig.insert(100)

    os.kill(rig.core_pid, signal.SIGSTOP)
    stopped_at = time.monotonic()
    wait_until(
        lambda: is_at_rest(rig) and time.monotonic() - stopped_at > ESCROW_S, "the validator's patience"
    )
    os.kill(rig.core_pid, signal.SIGCONT)

    wait_until(lambda: rig.status()["takes_cash"] and rig.view().note.value == "none", "the core to go on")
    assert Decimal(rig.view().inserted) == Decimal(rig.validator.order("state")["total"])
    rig.insert(50)
    wait_until(lambda: has_credited_the_box(rig), "the next note")
    rig.finish_whatever_is_open()
    rig.check_promises()


def is_at_rest(rig):
    truth = rig.validator.order("state")
    return truth["head"] is None and truth["stacker"] is None


def has_credited_the_box(rig):
    view, truth = rig.view(), rig.validator.order("state")
    return view.note.value == "none" and is_at_rest(rig) and Decimal(view.inserted) == Decimal(truth["total"])


def test_without_a_descriptor_left_the_money_is_kept(rig):
    in_cash_with_500(rig)
    held = look_at(rig.core_pid).descriptors.total()
    resource.prlimit(rig.core_pid, resource.RLIMIT_NOFILE, (held, held))

    rig.insert(100)
    with contextlib.suppress(CoreAbsent, AskRefused):
        rig.view()
    wait_until(lambda: is_at_rest(rig), "the note's end")

    comes_back_with_everything(rig)


def test_without_memory_left_the_money_is_kept(rig):
    in_cash_with_500(rig)
    held = address_space(rig.core_pid)
    resource.prlimit(rig.core_pid, resource.RLIMIT_AS, (held, held))

    rig.insert(100)
    wait_until(lambda: is_at_rest(rig), "the note's end")
    with contextlib.suppress(CoreAbsent, AskRefused):
        rig.intend("finish")
    wait_until(lambda: has_ended(rig), "a core that cannot start the thread which writes the payment file")

    comes_back_with_everything(rig)


def has_ended(rig):
    """Not yet waited for by us, who started it."""
    return Path(f"/proc/{rig.core_pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] == "Z"


def address_space(pid):
    pages = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[0]
    return int(pages) * resource.getpagesize()


def comes_back_with_everything(rig):
    """Killed, if it has not ended by itself, and started with what it needs."""
    rig.kill_core()
    rig.start_core()
    wait_until(lambda: rig.status()["takes_cash"], "a terminal that takes cash again")
    rig.finish_whatever_is_open()
    rig.check_promises()
    assert sum(Decimal(payment["paid"]) for payment in rig.payments()) >= 500
