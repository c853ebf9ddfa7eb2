"""The real core with a receipt printer without fiscal functions: the visit, the paper, the books, and what goes wrong."""

import signal

import pytest


@pytest.fixture
def plain(idle):
    """A terminal with subscribers and a plain printer, ready for a customer."""
    idle.configure(('protocol = "shtrih"', 'protocol = "escpos"'), ("width = 48", "width = 42"))
    idle.start_core()
    idle.wait_for_view(screen="attract", reason=None)
    return idle


def payments(terminal):
    return terminal.shell("payments", "list", "--json").data


def test_a_customer_gets_the_receipt_of_the_payments_number(plain):
    payment = plain.pay(500, 100)

    paper = plain.registrar.say("receipt")
    assert paper["qr"] == [payment]
    assert max(map(len, paper["text"].splitlines())) == 42
    assert "КВИТАНЦИЯ ОБ ОПЛАТЕ" in paper["text"]
    assert [row.split() for row in paper["text"].splitlines() if "ИТОГ" in row] == [["ИТОГ", "=600.00"]]
    [one] = payments(plain)
    assert (one["paid"], one["document"], one["sign"], one["state"]) == ("600.00", 1, 0, "credited")
    story = plain.shell("journal", "show", payment).out
    assert "receipt 1 about to be printed, without a fiscal drive" in story
    assert "receipt 1, 600.00 RUB, without a fiscal drive" in story
    out = plain.folder / "out"
    plain.shell("export", "run", "--out", out)
    [file] = out.glob("*.csv")
    assert ";1;0;ok" in file.read_text(encoding="utf-8")
    assert plain.shell("journal", "verify", "--json").data["ok"]

    status = plain.shell("status", "--json").data
    assert (status["registrar"], status["shift"], status["documents_unsent"]) == ("KASSA-SIM", "closed", 0)
    for report in ("x", "z"):
        done = plain.call("shift", report)
        assert (done.code, "has no shift" in done.err) == (1, True)
    told = plain.shell("device", "log", "registrar").out
    assert "STATUS PAPER" in told
    assert "print 'Примерсвязь" in told


def test_without_paper_no_cash_is_taken_and_a_receipt_that_broke_off_is_not_printed_again(plain):
    plain.go_to_cash()
    plain.insert(500)
    plain.wait_for_view(inserted="500.00", note="none")
    plain.registrar.say("paper left 5")
    plain.touch("finish")
    plain.wait_for_view(screen="thanks")
    plain.touch("finish")
    plain.wait_for_view(screen="out_of_service", reason="registrar_paper_out")
    [one] = payments(plain)
    assert (one["document"], one["paid"]) == (1, "500.00")
    assert ", not printed" in plain.shell("journal", "show", one["payment"]).out

    [unprinted] = plain.shell("payments", "unprinted", "--json").data
    assert (unprinted["payment"], unprinted["document"]) == (one["payment"], 1)
    assert "documents without paper: 1" in plain.call("status").out

    plain.registrar.say("paper in")
    plain.wait_for_view(screen="attract", reason=None)
    copied = plain.shell("payments", "copy", one["payment"], "--by", "Petrov").out
    assert copied == f"a copy of document 1 of payment {one['payment']} is printed\n"
    assert "КОПИЯ КВИТАНЦИИ" in plain.shell("device", "log", "registrar").out
    assert (
        "a copy of its document was printed for Petrov" in plain.shell("journal", "show", one["payment"]).out
    )
    assert plain.shell("payments", "unprinted", "--json").data == []

    payment = plain.pay(100)
    assert plain.registrar.say("receipt")["qr"] == [payment]
    assert plain.shell("journal", "verify", "--json").data["ok"]


def test_a_core_that_dies_within_a_receipt_settles_it_and_prints_nothing_again(plain):
    plain.go_to_cash()
    plain.insert(100)
    plain.wait_for_view(inserted="100.00", note="none")
    plain.touch("finish")
    plain.wait_for(
        lambda: "about to be printed" in plain.call("journal", "show", "00042-0000000001").out, "the intent"
    )
    assert plain.stop_core(signal.SIGKILL) == -signal.SIGKILL

    plain.start_core()
    plain.wait_for(lambda: payments(plain)[0]["document"] == 1, "the settlement")
    if plain.view()["screen"] == "thanks":
        plain.touch("finish")
    plain.wait_for_view(screen="attract", reason=None)
    second = plain.pay(500)
    assert plain.registrar.say("receipt")["qr"] == [second]
    assert plain.shell("journal", "verify", "--json").data["ok"]


def test_a_printer_is_checked_without_a_core(idle):
    idle.configure(('protocol = "shtrih"', 'protocol = "escpos"'))
    assert idle.registrar.say("state")["power"]
    assert idle.shell("device", "check", "registrar").out.startswith(
        "registrar: good: KASSA-SIM, without fiscal functions"
    )
    idle.registrar.say("cover open")
    done = idle.call("device", "check", "registrar")
    assert (done.code, "registrar_cover_open: the paper's cover is open" in done.out) == (1, True)
