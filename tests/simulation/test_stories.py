"""What storms and doubts have shown, told as stories over a whole terminal."""

import contextlib
import random
from functools import partial

import msgspec
import pytest
from kiosk import Kiosk
from promises import check, receipts
from registrar_models import AtolLibrary, AtolWeb, Shtrih

from devices.ccnet import simulator as ccnet
from devices.shtrih import errors
from devices.shtrih import simulator as shtrih
from kassa.config import load
from kassa.home import data_folder
from kassa.journal import entries as e
from kassa.ports import CloseShift
from kassa.terminal import IntentRefused

CONFIG = load(data_folder() / "examples" / "kassa.toml")
HASTY = msgspec.structs.replace(
    CONFIG, cash=msgspec.structs.replace(CONFIG.cash, receipt_wait_s=5, thanks_s=1)
)
CANCEL, CLOSE = b"\x88", b"\xff\x45"


def pay(kiosk, *notes):
    kiosk.wait_for_screen("attract")
    kiosk.go_to_cash()
    for note in notes:
        insert(kiosk, note)
    kiosk.touch("finish")


def insert(kiosk, note):
    paid = kiosk.terminal.view.inserted
    while not kiosk.insert(note):
        kiosk.wait(0.1)
    while kiosk.terminal.view.inserted == paid:
        kiosk.wait(0.1)


def test_an_equal_payments_document_is_not_taken_for_that_of_one_in_doubt_after_a_restart(home):
    """Where receipts carry no payment number, only the journal knows whose document the next one is."""
    unit = shtrih.Quirks(takes_tags=False)
    kiosk = Kiosk(home, HASTY, random.Random(1), registrar=partial(Shtrih, quirks=unit))
    unit.refusals[CLOSE], unit.refusals[CANCEL] = [0x31], [errors.BUSY] * 8
    pay(kiosk, 500)
    while "document_in_doubt" not in [one.code for one in kiosk.journal.conditions()]:
        kiosk.wait(0.5)
    pay(kiosk, 500)
    while not kiosk.credited()[1].document:
        kiosk.wait(0.5)

    kiosk.kill()
    kiosk.calm_down()
    check(kiosk)


def test_power_that_flickers_during_the_recovery_takes_no_evidence_away(home):
    """A unit that gives the note back in silence; then the second cut, before it was ready to take money."""
    kiosk = Kiosk(home, CONFIG, random.Random(2), ccnet.Quirks(announces_after_reset=False))
    kiosk.wait_for_screen("attract")
    kiosk.go_to_cash()
    while not kiosk.insert(5000):
        kiosk.wait(0.1)
    while kiosk.journal.open_intent() is None:
        kiosk.wait(0.01)
    kiosk.lose_power(1.0, "lose")
    while not kiosk.validator.truth.returned:
        kiosk.wait(0.1)
    kiosk.lose_power(1.0, "lose")

    kiosk.calm_down()
    check(kiosk)
    assert kiosk.credited() == []


def test_who_holds_his_note_back_until_the_time_is_up_does_not_get_both(home):
    kiosk = Kiosk(home, CONFIG, random.Random(3))
    kiosk.wait_for_screen("attract")
    kiosk.go_to_cash()
    while not kiosk.insert(5000):
        kiosk.wait(0.1)
    while kiosk.journal.open_intent() is None:
        kiosk.wait(0.01)
    kiosk.do(kiosk.to_validator, "pause")
    kiosk.wait(200)
    assert kiosk.credited() == []

    kiosk.do(kiosk.to_validator, "clear")
    kiosk.calm_down()
    assert check(kiosk).uncertain == 0


def test_a_fiscal_drive_replaced_in_the_middle_of_a_receipt_leaves_that_one_in_doubt_and_the_others_go_on(
    home,
):
    """The new drive numbers from 1: nothing on it may be taken for the payment that was begun on the old one."""
    kiosk = Kiosk(home, HASTY, random.Random(4))
    kiosk.registrar.quirks.forgets_after_record = 1
    pay(kiosk, 500)
    while not receipts(kiosk):
        kiosk.wait(0.01)
    kiosk.lose_power(1.0, "lose")
    kiosk.do(kiosk.to_registrar, "swap_drive", "9999078900005678")
    pay(kiosk, 500)
    while not kiosk.credited()[1].document:
        kiosk.wait(0.5)

    first, second = kiosk.credited()
    assert first.document is None
    assert first.fiscal_intent is not None
    assert second.document.drive_serial == "9999078900005678"
    assert "document_in_doubt" in [one.code for one in kiosk.journal.conditions()]

    kiosk.calm_down()  # the accountant finds it on the old drive
    check(kiosk)
    first, _ = kiosk.credited()
    assert first.document.drive_serial == "9999078900001234"
    assert "document_in_doubt" not in [one.code for one in kiosk.journal.conditions()]


def test_a_fiscal_drive_replaced_before_the_document_was_made_leaves_a_payment_that_gets_it_on_the_new_one(
    home,
):
    kiosk = Kiosk(home, HASTY, random.Random(4))
    pay(kiosk, 500)
    while not [one for one in kiosk.journal.fiscal_pending() if one.intent is not None]:
        kiosk.wait(0.01)
    kiosk.lose_power(1.0, "keep")
    kiosk.do(kiosk.to_registrar, "swap_drive", "9999078900005678")

    kiosk.calm_down()  # the accountant finds nothing on the old drive
    check(kiosk)
    [payment] = kiosk.credited()
    assert payment.document.drive_serial == "9999078900005678"
    assert e.DocumentExcluded in [type(line.entry) for line in kiosk.journal.story(payment.number)]


def test_a_note_that_a_hand_holds_at_the_slot_until_the_next_customer_is_there_goes_back(home):
    """Seed 399: pushed in after "pay", held by the hand on the slot, and credited to whoever came next."""
    kiosk = Kiosk(home, CONFIG, random.Random(3))
    pay(kiosk, 500)
    assert kiosk.insert(100)
    kiosk.wait(0.1)
    kiosk.do(kiosk.to_validator, "pause")
    kiosk.wait_for_screen("thanks")
    kiosk.touch("finish")
    kiosk.go_to_cash("0017742")
    kiosk.wait(1.0)
    kiosk.do(kiosk.to_validator, "clear")
    kiosk.wait(3.0)

    assert kiosk.validator.truth.returned == [100]
    insert(kiosk, 50)
    kiosk.touch("finish")
    kiosk.calm_down()
    check(kiosk)
    assert [(one.account, one.paid) for one in kiosk.credited()] == [
        ("4038172956", 50_000),
        ("0017742", 5_000),
    ]


MODELS = pytest.mark.parametrize(
    "model", [Shtrih, AtolWeb, AtolLibrary], ids=["shtrih", "atol_web", "atol_library"]
)


def owe(kiosk):
    """A payment whose document the registrar refuses until its shift is over; its number."""
    kiosk.model.refuse_receipts(3)
    pay(kiosk, 500)
    while not any(one.owed and one.intent is None for one in kiosk.journal.fiscal_pending()):
        kiosk.wait(0.1)
    [waiting] = kiosk.journal.fiscal_pending()
    while not kiosk.journal.fiscal_pending()[0].is_late:
        with contextlib.suppress(IntentRefused):
            kiosk.terminal.order_report(CloseShift())
        kiosk.wait(1.0)
    return waiting.payment


@MODELS
def test_a_payment_whose_shift_is_over_waits_for_a_person_and_gets_the_correction_that_is_decided(
    home, model
):
    kiosk = Kiosk(home, HASTY, random.Random(5), registrar=model)
    kiosk.late_document = lambda: "correction"
    pay(kiosk, 100)
    kiosk.calm_down()
    payment = owe(kiosk)
    kiosk.wait(600)
    assert [one.payment for one in kiosk.journal.fiscal_pending()] == [payment]

    kiosk.calm_down()
    assert check(kiosk).corrections == 1
    [correction] = [one for one in receipts(kiosk) if one.is_correction]
    assert (correction.payment, correction.sum) == (payment, 50_000)


@MODELS
@pytest.mark.parametrize("after_s", [0.0, 0.2, 0.5, 1.0, 3.0])
def test_the_lights_go_out_in_a_correction_and_there_is_one(home, model, after_s):
    kiosk = Kiosk(home, HASTY, random.Random(6), registrar=model)
    kiosk.late_document = lambda: "correction"
    pay(kiosk, 100)
    kiosk.calm_down()
    owe(kiosk)
    kiosk.decide_late_documents()
    while not kiosk.model.is_at_work:
        kiosk.wait(0.01)
    kiosk.wait(after_s)
    kiosk.lose_power(1.0, "lose")

    kiosk.calm_down()
    assert check(kiosk).corrections == 1


@pytest.mark.parametrize("keeps_base", [True, False])
@pytest.mark.parametrize("after_s", [0.0, 0.2, 0.4, 0.6, 1.0])
def test_atols_server_is_killed_in_the_receipt_with_or_without_its_base(home, after_s, keeps_base):
    kiosk = Kiosk(home, HASTY, random.Random(7), registrar=AtolWeb)
    pay(kiosk, 500)
    while not kiosk.model.is_at_work:
        kiosk.wait(0.01)
    kiosk.wait(after_s)
    kiosk.model.server.restart(kiosk.time.time(), keeps_base=keeps_base)
    kiosk.to_registrar.poke()

    kiosk.calm_down()
    assert check(kiosk).documents == 1


def test_a_receipt_that_atols_server_is_still_at_when_the_core_dies_is_not_asked_for_again(home):
    kiosk = Kiosk(home, HASTY, random.Random(8), registrar=AtolWeb)
    kiosk.registrar.quirks.slow["sell"] = 40.0
    pay(kiosk, 500)
    while not kiosk.model.is_at_work:
        kiosk.wait(0.01)
    kiosk.kill()
    kiosk.wait(10.0)
    assert not receipts(kiosk)

    kiosk.calm_down()
    assert check(kiosk).documents == 1


@pytest.mark.parametrize("model", [AtolWeb, AtolLibrary], ids=["web", "library"])
def test_a_task_that_fails_behind_its_document_is_not_run_again(home, model):
    kiosk = Kiosk(home, HASTY, random.Random(9), registrar=model)
    pay(kiosk, 100)
    kiosk.calm_down()
    kiosk.registrar.quirks.fails_after_record = 1
    pay(kiosk, 500)

    kiosk.calm_down()
    assert check(kiosk).documents == 2


def test_atols_library_that_hangs_in_the_receipt_is_killed_and_the_archive_tells(home):
    kiosk = Kiosk(home, HASTY, random.Random(10), registrar=AtolLibrary)
    pay(kiosk, 500)
    while not kiosk.model.is_at_work:
        kiosk.wait(0.01)
    kiosk.model.process.lost_answers = 1

    kiosk.calm_down()
    assert check(kiosk).documents == 1
