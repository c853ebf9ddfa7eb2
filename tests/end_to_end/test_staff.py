"""Staff at the real core: a PIN that is typed is seen by nobody, and the core that runs lets in or does not."""

PIN = "471180295"


def settle(terminal, payment):
    return ("payments", "settle", payment, "--as", "receipt", "--by", "Petrova", "--reason", "no paper")


def test_a_pin_is_typed_twice_unseen_and_opens_what_the_role_may_do(terminal):
    payment = terminal.pay(100)
    assert "nobody has a PIN here yet" in terminal.call(*settle(terminal, payment)).err

    with terminal.at_console("staff", "add", "Petrova", "--role", "accountant") as console:
        console.wait_for("new PIN of Petrova: ")
        console.type(f"{PIN}\n")
        console.wait_for("Repeat for confirmation: ")
        console.type(f"{PIN}\n")
        told = console.rest()
    assert "Petrova is accountant here" in told
    assert PIN not in told

    assert "a PIN is 4 to 12 digits" in terminal.call(*settle(terminal, payment)).err
    with terminal.at_console(*settle(terminal, payment)) as console:
        console.wait_for("PIN of Petrova: ")
        console.type("90125\n")
        assert "the name or the PIN is wrong" in console.rest()
    with terminal.at_console(*settle(terminal, payment)) as console:
        console.wait_for("PIN of Petrova: ")
        console.type(f"{PIN}\n")
        assert "waits for no document" in console.rest()
    assert terminal.shell("journal", "verify", "--json").data["ok"]
    assert PIN not in (terminal.home / "logs" / "core.log").read_text(encoding="utf-8")


def test_a_copy_of_a_fiscal_receipt_is_printed_and_the_shift_counts_it_not(terminal):
    payment = terminal.pay(100)
    terminal.shell("payments", "copy", payment, "--by", "Petrov")
    told = terminal.shell("device", "log", "registrar").out
    assert "КОПИЯ ЧЕКА" in told
    assert "ФИСКАЛЬНЫМ ДОКУМЕНТОМ" in told
    assert terminal.shell("shift", "compare", "--json").data["differ"] == 0
    terminal.check_promises()
