"""What every registrar's driver owes the core, fiscal or not: one document a payment, and its paper, whatever is pulled."""

import pytest
from receipts import item, receipt_with
from registrars import (
    UNITS,
    Rig,
    cut_after_each_write,
    kill_host,
    kill_host_for_long,
    long_power_cut,
    power_cut,
    unplug,
)

from kassa.money import of_whole
from kassa.ports import (
    DocumentRegistered,
    PrintText,
    RegistrarLost,
    RegistrationStarting,
    ReportFailed,
    TextPrinted,
)


@pytest.fixture(params=UNITS)
def unit(request):
    return UNITS[request.param]


@pytest.fixture
def rig(unit):
    """A terminal whose registrar is ready."""
    one = Rig(unit)
    one.wait_ready()
    one.core.facts.clear()
    return one


def test_a_payment_gets_one_document_and_its_paper(rig):
    rig.pay(650)
    rig.settle()

    assert [type(one) for one in rig.core.of(RegistrationStarting, DocumentRegistered)] == [
        RegistrationStarting,
        DocumentRegistered,
    ]
    [registered] = rig.core.of(DocumentRegistered)
    assert registered.printed
    assert registered.document.total == of_whole(650)
    assert registered.document.at.utcoffset() is not None
    assert rig.unit.is_on_paper
    rig.check_books()


def test_two_equal_payments_are_two_documents(rig):
    first, second = rig.pay(100), rig.pay(100)
    rig.settle()

    assert [one.payment for one in rig.receipts] == [first, second]
    rig.check_books()


def test_kopecks_are_exact(rig):
    odd = lambda payment, units: receipt_with(payment, (item("Аванс", units * 100 + 7),))
    payment = rig.pay(8, odd)
    rig.time.run_until(lambda: rig.core.of(DocumentRegistered))

    assert rig.core.documents[payment].total == 807
    assert [one.sum for one in rig.receipts] == [807]


# --- cut at every moment of a receipt -------------------------------------------------------------------------------------


CUTS = [unplug, power_cut, long_power_cut, kill_host, kill_host_for_long]


@pytest.mark.parametrize(
    "after_s", [0.0, 0.006, 0.2, 0.4, 0.52, 0.62], ids=lambda after_s: f"{after_s} s later"
)
@pytest.mark.parametrize("cut", CUTS)
def test_cut_at_any_moment_of_a_receipt_there_is_one_document_in_the_end(unit, cut, after_s):
    for rig in cut_after_each_write(unit):
        rig.time.run_for(after_s)
        cut(rig)
        rig.settle()
        rig.check_books()


def test_cut_again_and_again_there_is_one_document_in_the_end(unit):
    for rig in cut_after_each_write(unit):
        for _ in range(4):
            kill_host(rig)
            rig.time.run_for(0.7)
            unplug(rig)
            rig.time.run_for(0.9)
        rig.settle()
        rig.check_books()


# --- paper ------------------------------------------------------------------------------------------------------------


def test_without_paper_nothing_begins_and_with_it_the_receipt_comes(rig):
    rig.unit.do("take_paper_out")
    rig.wait_problem("registrar_paper_out")
    rig.pay(650)
    rig.time.run_for(30)
    assert not rig.core.of(RegistrationStarting)

    rig.unit.do("put_paper_in")
    rig.settle()
    rig.check_books()


def test_an_open_cover_is_told_and_closed_again(rig):
    rig.unit.do("open_cover")
    rig.wait_problem("registrar_cover_open")
    rig.unit.do("close_cover")
    rig.wait_ready()


# --- text, and what is not for it ---------------------------------------------------------------------------------------


def test_text_without_fiscal_meaning_is_printed(rig):
    rig.order(PrintText(("Инкассация", "100 x 5 = 500")))
    rig.wait_for(TextPrinted)

    assert "Инкассация\n100 x 5 = 500" in rig.unit.texts[-1]
    assert rig.unit.kept == []


def test_text_without_paper_fails_in_words(rig):
    rig.unit.do("take_paper_out")
    rig.order(PrintText(("Инкассация",)))

    assert "roll" in rig.wait_for(ReportFailed).reason


def test_a_lost_link_voids_nothing_that_was_told(rig):
    rig.with_open_shift()
    unplug(rig)
    rig.wait_ready()
    rig.pay(650)
    rig.settle()

    assert len(rig.core.of(RegistrarLost)) == 1
    rig.check_books()
