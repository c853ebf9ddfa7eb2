"""The flight recorder as a technician has it: what passed, live, lately, during a payment, and after a crash."""

import signal

import pytest

pytestmark = pytest.mark.slow


def test_a_notes_way_is_told_with_its_payment_while_the_core_runs_and_when_it_has_ended(terminal):
    payment = terminal.pay(500, 100)

    from_the_ring = terminal.shell("device", "log", "validator", "--payment", payment).out
    assert terminal.stop_core() == 0
    copies = terminal.home / "flight" / "payments"
    assert {copy.name for copy in copies.iterdir()} == {f"{payment}.validator", f"{payment}.registrar"}
    (terminal.home / "flight" / "validator.ring").unlink()
    from_the_copy = terminal.shell("device", "log", "validator", "--payment", payment).out

    for told in (from_the_ring, from_the_copy):
        way = [
            "<- ESCROW bill type 5",
            "-> STACK\n",
            "<- STACKED bill type 5",
            "<- ESCROW bill type 4",
            "<- STACKED bill type 4",
        ]
        places = [told.index(words) for words in way]
        assert places == sorted(places), told
    receipt = terminal.shell("device", "log", "registrar", "--payment", payment).out
    assert f"-> SEND TAGS payment {payment}" in receipt
    assert "<- CLOSE RECEIPT: document" in receipt


def test_what_passed_before_the_core_was_killed_is_there(terminal):
    terminal.go_to_cash()
    terminal.insert(500)
    terminal.wait_for_view(inserted="500.00", note="none")

    terminal.stop_core(signal.SIGKILL)

    before = terminal.shell("device", "log", "validator").out
    assert "<- STACKED bill type 5" in before
    terminal.start_core()
    terminal.wait_for_view(inserted="500.00")
    after = terminal.shell("device", "log", "validator").out
    assert after.count("-- port opened") == 2
    assert after.startswith("\n".join(before.splitlines()[:-1])), "the last line was a run, perhaps"


def test_who_watches_sees_a_note_on_its_way_and_disturbs_nobody(terminal):
    watch = terminal.watch("validator")
    watch.line()
    payment = terminal.pay(500)

    wanted = [
        "ENABLE BILL TYPES 2",
        "ESCROW bill type 5",
        "STACK\n",
        "STACKED bill type 5",
        "ENABLE BILL TYPES none",
    ]
    while wanted:
        if wanted[0] in watch.line():
            del wanted[0]

    assert watch.end(signal.SIGINT) == 0
    assert [one["payment"] for one in terminal.check_promises()] == [payment]
