"""What storms and doubts have shown, told as stories over a whole terminal."""

import random
from functools import partial

import msgspec
from kiosk import Kiosk
from promises import check, receipts
from registrar_models import Shtrih

from devices.ccnet import simulator as ccnet
from devices.shtrih import errors
from devices.shtrih import simulator as shtrih
from kassa.config import load
from kassa.home import data_folder
from kassa.journal import entries as e

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
