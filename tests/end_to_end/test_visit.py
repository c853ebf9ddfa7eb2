"""A whole visit from a shell: files in, a customer, files out; the three promises looked at from outside."""

import signal


def test_from_an_empty_folder_to_the_payment_file(bare, subscribers):
    bare.configure(("quiet_s = 2.0", "quiet_s = 0.2"))
    bare.start_core()
    bare.wait_for_view(screen="out_of_service", reason="data_missing")
    (bare.home / "inbox" / "subscribers.csv").write_bytes(subscribers)
    bare.wait_for_view(screen="attract", reason=None)
    [found] = bare.shell("account", "find", "4038172956", "--json").data
    assert {"service": "internet", "balance": "-1284.60"} in found["services"]

    assert bare.touch("start")["screen"] == "services"
    assert bare.refused("choose_service", service="parking") == "service_unknown"
    assert bare.touch("choose_service", service="internet")["screen"] == "account"
    assert bare.refused("enter_account", account="403817") == "account_wrong_length"
    assert bare.refused("enter_account", account="4038172957") == "account_not_found"
    balance = bare.touch("enter_account", account="4038172956")
    assert (balance["screen"], balance["balance"], balance["payment"]) == ("balance", "-1284.60", None)
    assert "Иванов" not in balance["holder"]
    assert bare.touch("confirm_account")["screen"] == "cash"
    assert bare.refused("finish") == "below_minimum"
    for note, inserted in ((500, "500.00"), (100, "600.00"), (50, "650.00")):
        bare.insert(note)
        cash = bare.wait_for_view(inserted=inserted, note="none")
    assert bare.refused("cancel") == "money_is_credited"
    assert bare.touch("finish")["screen"] == "printing"
    thanks = bare.wait_for_view(screen="thanks")

    assert thanks["payment"] == cash["payment"] == "00042-0000000001"
    paper = bare.registrar.say("receipt")
    assert paper["number"] == thanks["document"]["number"]
    assert all(words in paper["text"] for words in ("650.00", "4038172956", thanks["payment"]))
    [payment] = bare.check_promises()
    assert (payment["state"], payment["paid"], payment["reason"]) == ("credited", "650.00", "finish")
    story = bare.shell("journal", "show", payment["payment"]).out
    assert story.index("about to be stacked") < story.index("in the cassette") < story.index("credited")
    assert "KASSA_90001_00042" in story
    assert bare.stop_core() == 0
    bare.check_promises()  # the same without a core


def test_each_service_keeps_its_own_rules(terminal):
    terminal.touch("choose_service", service="hotel")
    assert terminal.refused("enter_account", account="0017742") == "service_not_available"
    terminal.touch("cancel")

    terminal.go_to_cash("00041207", "hotel")
    terminal.insert(50)
    terminal.wait_for_view(inserted="50.00", note="none")
    assert terminal.refused("finish") == "below_minimum"
    terminal.insert(100)
    terminal.wait_for_view(inserted="150.00", note="none")
    terminal.touch("finish")
    terminal.wait_for_view(screen="thanks")
    terminal.touch("finish")

    terminal.go_to_cash("0017742", "radio")
    terminal.insert(1000)  # not among the notes of this service
    terminal.wait_for(lambda: 1000 in terminal.validator.say("state")["returned"], "the note to come back")
    terminal.insert(500)
    terminal.wait_for_view(inserted="500.00", note="none")
    terminal.touch("finish")
    terminal.wait_for_view(screen="thanks")

    assert [payment["paid"] for payment in terminal.check_promises()] == ["150.00", "500.00"]


def test_payments_stand_in_one_file_however_often_files_are_written(terminal, tmp_path):
    first = terminal.pay(500)
    terminal.check_promises()
    second = terminal.pay(100, 50, account="0017742", service="radio")
    terminal.check_promises()
    terminal.check_promises()

    batches = terminal.shell("export", "list", "--json").data
    assert [(batch["payments"], batch["total"]) for batch in batches] == [(1, "500.00"), (1, "150.00")]
    terminal.shell("export", "again", "1", "--out", tmp_path / "again")
    [again] = (tmp_path / "again").iterdir()
    assert again.read_bytes() == (tmp_path / "out" / again.name).read_bytes()
    listed = terminal.shell("payments", "list", "--json").data
    assert [(one["payment"], one["batch"]) for one in listed] == [
        (payment, batch["file"]) for payment, batch in zip((first, second), batches, strict=True)
    ]


def test_shifts_are_reported_and_closed_from_the_shell(terminal):
    terminal.pay(500)
    assert "X-report" in terminal.shell("shift", "x").out
    assert "Z-report" in terminal.shell("shift", "z").out
    terminal.wait_for(
        lambda: terminal.shell("status", "--json").data["shift"] == "closed", "the registrar to say so itself"
    )
    assert "closed already" in terminal.call("shift", "z").err

    terminal.pay(100)

    kinds = [one["kind"] for one in terminal.registrar.say("state")["documents"]]
    assert kinds == ["registration", "shift_open", "receipt", "shift_close", "shift_open", "receipt"]
    terminal.check_promises()


def test_told_to_stop_it_credits_what_lies_in_the_box_and_prints_the_receipt(terminal):
    terminal.go_to_cash()
    terminal.insert(500)
    terminal.wait_for_view(inserted="500.00", note="none")

    assert terminal.stop_core(signal.SIGTERM) == 0

    assert terminal.validator.say("state")["enabled"] == []
    [payment] = terminal.check_promises()
    assert (payment["paid"], payment["document"] is not None) == ("500.00", True)


def test_who_walks_away_has_paid_what_he_put_in(idle):
    idle.configure(("idle_timeout_s = 90", "idle_timeout_s = 2"))
    idle.start_core()
    idle.wait_for_view(screen="attract")
    idle.go_to_cash("00041207", "hotel")
    idle.insert(50)  # less than the least sum of this service
    idle.wait_for_view(inserted="50.00", note="none")

    idle.wait_for_view(screen="thanks")

    [payment] = idle.check_promises()
    assert (payment["account"], payment["paid"], payment["reason"]) == ("00041207", "50.00", "timeout")
