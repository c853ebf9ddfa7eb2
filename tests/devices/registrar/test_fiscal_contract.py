"""What the driver of a registrar with a fiscal drive owes the core beside that: tags, the archive, shifts, clock and limits."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from receipts import DRIVE, item, receipt_of, receipt_with
from registrar_units import NOON
from registrars import FISCAL, Rig, cut_after_each_write, unplug

from kassa.money import of_whole
from kassa.ports import (
    Agent,
    ClockSet,
    CloseShift,
    Correction,
    CountShift,
    DocumentRegistered,
    NotRegistered,
    Place,
    PrintText,
    PrintXReport,
    RegistrationStarting,
    ReportFailed,
    SetClock,
    SettleReceipt,
    ShiftClosed,
    ShiftCounted,
    ShiftOpened,
    ShiftState,
    Supplier,
    TextPrinted,
    XReportPrinted,
)

STORY = (RegistrationStarting, DocumentRegistered, NotRegistered, ShiftOpened, ShiftClosed)
PLACE = Place("000042", "г. Примерск, ул. Садовая, д. 5", "Платёжный терминал")


@pytest.fixture(params=FISCAL)
def unit(request):
    return FISCAL[request.param]


@pytest.fixture
def rig(unit):
    """A terminal whose registrar is ready."""
    one = Rig(unit)
    one.wait_ready()
    one.core.facts.clear()
    return one


def kinds(rig, *wanted):
    return [type(fact) for fact in rig.core.of(*(wanted or STORY))]


# --- one document a payment -------------------------------------------------------------------------------------------


def test_the_intent_is_told_before_the_receipt_begins(rig):
    rig.with_open_shift()
    before = len(rig.unit.began)
    seen = []
    rig.core.seen = lambda fact: (
        isinstance(fact, RegistrationStarting) and seen.append((rig.unit.began[before:], fact.last_document))
    )
    rig.pay()
    rig.settle()

    [(began, last)] = seen
    assert rig.unit.receipt_begins not in began
    assert last == 3
    assert rig.unit.receipt_begins in rig.unit.began[before:]


# --- what stands in a document --------------------------------------------------------------------------------------------


def test_contact_and_place_stand_in_the_tags(rig):
    rig.pay(
        650, lambda payment, units: replace(receipt_of(payment, units), place=PLACE, contact="+79991234567")
    )
    rig.settle()

    tags = rig.receipts[0].tags
    assert tags["1008"] == "+79991234567"
    assert [tags[tag] for tag in ("1036", "1009", "1187")] == ["000042", PLACE.address, PLACE.name]
    rig.check_books()


def test_items_and_agents_stand_in_the_tags(rig):
    supplier = Supplier("ООО СОСЕД", "7701234567", ("+74951112233",))
    agent = Agent(3, supplier, ("+74990000001",), ("+74990000002",))
    items = (item("Услуги связи, ЛС 12345", 60000, agent, vat=6), item("Вознаграждение", 5000, vat=11))
    rig.pay(650, lambda payment, units: receipt_with(payment, items))
    rig.settle()

    first, second = rig.receipts[0].tags["1059"]
    assert (first["1222"], first["1226"], first["1199"]) == (1 << 3, "7701234567", 6)
    assert first["1224"] == {"1225": "ООО СОСЕД", "1171": ["+74951112233"]}
    assert first["1223"] == {"1073": ["+74990000001"], "1074": ["+74990000002"]}
    assert (second["1030"], second["1199"], second["1214"], second["1212"]) == ("Вознаграждение", 11, 3, 10)
    assert "1222" not in second
    rig.check_books()


def test_a_correction_is_a_document_of_its_kind(rig):
    correction = Correction(date(2026, 11, 20), "б/н", is_ordered=False)
    payment = rig.pay(650, lambda payment, units: replace(receipt_of(payment, units), correction=correction))
    rig.settle()

    [kept] = rig.receipts
    assert (kept.tags["1173"], kept.tags["1174"]["1179"]) == (0, "б/н")
    assert rig.core.documents[payment].number == kept.number
    rig.check_books()


def test_whichever_answer_of_a_receipt_is_lost_there_is_one_document_in_the_end(unit):
    for rig in cut_after_each_write(unit):
        rig.unit.lose_answer()
        rig.settle(1800)
        rig.check_books()


# --- settling ---------------------------------------------------------------------------------------------------------


def settle(rig, payment, units, last, others=frozenset(), drive=None):
    """Ask what became of a registration, as a core does whose journal has only the intent."""
    rig.core.asked.pop(payment, None)
    rig.core.documents.pop(payment, None)
    rig.core.facts.clear()
    rig.order(SettleReceipt(receipt_of(payment, units), drive or rig.unit.drive, last, others))
    return rig.time.run_until(lambda: rig.core.of(DocumentRegistered, NotRegistered), 300)[-1]


def test_settling_never_makes_a_document(rig):
    rig.with_open_shift()
    before = len(rig.unit.kept)

    outcome = settle(rig, "00042-0000000777", 650, 3)

    assert outcome == NotRegistered("00042-0000000777", "the registration was interrupted", certain=True)
    rig.time.run_for(10)
    assert len(rig.unit.kept) == before


def test_settling_finds_the_payments_document_among_others_of_the_same_sum(rig):
    payments = [rig.pay(100) for _ in range(3)]
    rig.settle()
    documents = dict(rig.core.documents)

    found = settle(rig, payments[1], 100, documents[payments[1]].number - 1)

    assert found.document.number == documents[payments[1]].number
    assert found.document.sign == documents[payments[1]].sign


def test_another_programs_receipt_is_not_the_payments(rig):
    rig.with_open_shift()
    rig.unit.do("sell_elsewhere", 650)

    outcome = settle(rig, "00042-0000000777", 650, 3)

    assert isinstance(outcome, NotRegistered)
    assert outcome.certain


def test_on_another_drive_nothing_is_certain(rig):
    rig.with_open_shift()
    rig.unit.do("swap_drive", "9999078900009999")

    outcome = settle(rig, "00042-0000000777", 650, 3)

    assert not outcome.certain
    assert "9999078900009999" in outcome.reason


# --- paper ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("after_s", [0.05, 0.3, 0.49, 0.55, 0.6])
def test_paper_that_ends_within_a_receipt_costs_no_document(rig, after_s):
    rig.with_open_shift()
    rig.pay(650)
    rig.time.run_until(lambda: rig.unit.began[-1] == rig.unit.receipt_ends)
    rig.time.run_for(after_s)
    rig.unit.do("take_paper_out")
    rig.time.run_for(20)
    rig.unit.do("put_paper_in")
    rig.settle()

    assert rig.unit.is_on_paper
    rig.check_books()


def test_paper_that_ends_behind_the_document_is_told_and_the_rest_is_printed_later(rig):
    rig.with_open_shift()
    rig.unit.do("put_paper_in", lines=3)
    rig.pay(650)

    registered = rig.wait_for(DocumentRegistered)
    assert not registered.printed
    rig.wait_problem("registrar_paper_out")
    rig.unit.do("put_paper_in")
    rig.settle()
    rig.time.run_for(10)
    assert rig.unit.is_on_paper
    rig.check_books()


# --- shift ------------------------------------------------------------------------------------------------------------


def test_a_shift_older_than_a_day_is_closed_and_the_receipt_made_in_the_next(rig):
    rig.with_open_shift()
    rig.unit.do("move_clock", 25)
    rig.time.run_for(30)
    assert rig.status.shift is ShiftState.EXPIRED
    rig.core.facts.clear()
    rig.pay(650)
    rig.settle()

    assert kinds(rig) == [ShiftClosed, ShiftOpened, RegistrationStarting, DocumentRegistered]
    assert rig.core.of(ShiftCounted) == [ShiftCounted(1, 1, of_whole(100), DRIVE)]
    rig.check_books()


def test_the_shifts_beginning_is_known(rig):
    rig.with_open_shift()

    assert abs(rig.status.shift_opened_at - NOON) < timedelta(minutes=5)


def test_a_shift_is_counted_and_closed_and_told_once(rig):
    rig.pay(100)
    rig.pay(550)
    rig.settle()
    rig.core.facts.clear()
    rig.order(CloseShift())
    rig.wait_for(ShiftClosed)
    rig.time.run_for(20)

    assert kinds(rig, ShiftCounted, ShiftClosed) == [ShiftCounted, ShiftClosed]
    assert rig.core.of(ShiftCounted) == [ShiftCounted(1, 2, of_whole(650), DRIVE)]
    assert rig.status.shift is ShiftState.CLOSED


def test_a_closed_shift_is_neither_closed_nor_counted_nor_reported(rig):
    for command in (CloseShift(), PrintXReport(), CountShift()):
        rig.core.facts.clear()
        rig.order(command)
        assert "the shift is closed" in rig.wait_for(ReportFailed).reason


def test_the_running_shift_is_counted_without_paper(rig):
    rig.with_open_shift()
    sheets = len(rig.unit.texts)
    rig.order(CountShift())

    assert rig.wait_for(ShiftCounted) == ShiftCounted(1, 1, of_whole(100), DRIVE)
    assert len(rig.unit.texts) == sheets


def test_an_x_report_closes_nothing(rig):
    rig.with_open_shift()
    rig.order(PrintXReport())
    rig.wait_for(XReportPrinted)
    rig.time.run_for(5)

    assert rig.status.shift is ShiftState.OPEN
    assert any("100.00" in text for text in rig.unit.texts)


def test_killed_within_a_z_report_the_shift_is_told_closed_once(unit):
    for after_s in (0.0, 0.1, 0.3, 0.5, 0.6):
        rig = Rig(unit).with_open_shift()
        rig.order(CloseShift())
        rig.time.run_until(lambda rig=rig: rig.unit.began[-1] == rig.unit.shift_ends)
        rig.time.run_for(after_s)
        unplug(rig)
        rig.wait_ready()
        rig.time.run_for(30)
        if rig.status.shift is ShiftState.OPEN:
            rig.order(CloseShift())
        rig.time.run_for(30)

        assert len(rig.core.of(ShiftClosed)) == 1
        assert rig.status.shift is ShiftState.CLOSED


# --- clock and text -----------------------------------------------------------------------------------------------------


def test_the_clock_is_compared_and_set_while_the_shift_is_closed(rig):
    rig.unit.do("move_clock", 1)
    rig.time.run_until(lambda: rig.status.clock_ahead_min == 60, 2 * 3600)
    rig.order(SetClock(rig.unit.wall()))
    rig.wait_for(ClockSet)
    rig.time.run_for(5)

    assert rig.status.clock_ahead_min == 0


def test_in_an_open_shift_the_clock_is_not_set(rig):
    rig.with_open_shift()
    rig.order(SetClock(NOON))

    assert "close it first" in rig.wait_for(ReportFailed).reason


# --- what goes wrong ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["failed", "expired", "full"])
def test_a_drive_that_refuses_stops_the_cash_and_the_payment_waits_for_the_next(rig, how):
    rig.with_open_shift()
    rig.unit.break_drive(how)
    rig.pay(650)
    refused = rig.time.run_until(
        lambda: rig.core.of(NotRegistered) or rig.status.problem == "registrar_drive"
    )
    rig.wait_problem("registrar_drive")
    assert refused is True or refused[-1].certain

    rig.unit.break_drive(None)
    rig.unit.do("swap_drive", "9999078900009999")
    rig.settle()
    rig.check_books()


def test_documents_that_wait_too_long_for_the_data_operator_stop_the_cash(rig):
    rig.with_open_shift()
    rig.order(CloseShift())
    rig.wait_for(ShiftClosed)
    rig.unit.lose_operator()
    rig.pay(650)
    rig.settle()
    assert rig.status.unsent_documents == 2
    rig.unit.do("move_clock", 24 * 28)

    rig.wait_problem("registrar_drive")
    assert abs(rig.status.unsent_since - NOON) < timedelta(minutes=5)


def test_a_drive_near_its_end_is_told_before_it_stops(rig):
    rig.unit.machine.truth.drive.expires = (NOON + timedelta(days=20)).replace(tzinfo=None)
    rig.time.run_until(lambda: rig.status.drive_expires == date(2026, 12, 14), 2 * 3600)

    assert rig.status.notices[0][0] == "registrar_drive_ending"
    assert rig.status.problem is None


def test_a_refused_receipt_is_certainly_none_and_tried_again(rig):
    rig.with_open_shift()
    rig.unit.refuse_receipt(rig.unit.passing[0])
    rig.pay(650)

    refused = rig.wait_for(NotRegistered)
    assert refused.certain
    rig.settle()
    rig.check_books()


def test_a_receipt_that_is_refused_for_its_data_keeps_the_cash_away_for_a_while(rig):
    rig.with_open_shift()
    rig.unit.refuse_receipt(rig.unit.wrong_data[0])
    rig.pay(650)
    rig.wait_problem("registrar_failed")

    assert rig.unit.wrong_data_words in rig.status.detail
    rig.settle()
    rig.check_books()


def test_asked_in_a_row_the_commands_are_answered_in_a_row(rig):
    rig.with_open_shift()
    for command in (PrintXReport(), CountShift(), PrintText(("слова",)), CloseShift()):
        rig.order(command)
    rig.wait_for(ShiftClosed)

    wanted = (XReportPrinted, ShiftCounted, TextPrinted, ShiftClosed)
    assert kinds(rig, *wanted) == [XReportPrinted, ShiftCounted, TextPrinted, ShiftCounted, ShiftClosed]
