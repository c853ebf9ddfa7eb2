"""The driver against the simulator in virtual time: one receipt a payment, none twice, and each fault in its own words."""

from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from receipts import receipt_of

from devices.escpos.driver import PART_MAX_S, REST_MAX_S, TELL_EVERY_S
from devices.escpos.exchange import TRIES_MAX
from kassa.money import of_whole
from kassa.ports import (
    CloseShift,
    CountShift,
    DocumentRegistered,
    NotRegistered,
    PrintText,
    PrintXReport,
    RegisterReceipt,
    RegistrarLost,
    RegistrarStatus,
    RegistrationStarting,
    ReportFailed,
    SetClock,
    SettleReceipt,
    ShiftState,
    TextPrinted,
)

STORY = (RegistrationStarting, DocumentRegistered, NotRegistered)
PAPER_OUT, COVER, BUSY, FAILED = (
    f"registrar_{name}" for name in ("paper_out", "cover_open", "busy", "failed")
)


# --- a receipt's way -------------------------------------------------------------------------------------------------


def test_a_payment_gets_the_receipt_of_its_own_number(rig):
    rig.pay(100)
    rig.wait_registered()
    payment = rig.pay(650)
    rig.facts.clear()
    fact = rig.wait_registered()

    assert rig.of(*STORY) == [RegistrationStarting(payment, "", 1), fact]
    document = fact.document
    assert (document.number, document.sign, document.shift, document.drive_serial) == (2, 0, 0, "")
    assert (document.total, fact.printed) == (of_whole(650), True)
    assert abs((rig.wall() - document.at).total_seconds()) < 5
    rig.check_books()


def test_what_the_customer_reads_is_printed_whole(rig):
    payment = rig.pay(650)
    rig.wait_registered()

    [sheet] = rig.sim.truth.sheets
    assert sheet.is_whole
    assert "Квитанция 1" in sheet.rows[0]
    assert [row.split() for row in sheet.rows if "=650.00" in row][-1] == ["ИТОГ", "=650.00"]
    assert sheet.codes == [payment]
    assert max(map(len, sheet.rows)) <= 48


def test_the_intent_is_told_before_anything_is_printed(rig):
    seen = []
    told = rig.dispatch
    rig.pump._dispatch = lambda fact: (seen.append((fact, rig.sim.truth.printed_rows)), told(fact))
    rig.pay()
    rig.wait_registered()
    assert [rows for fact, rows in seen if isinstance(fact, RegistrationStarting)] == [0]


def test_it_counts_as_printed_when_it_is_cut_off(rig):
    rig.pay()
    rig.run_until_printing()
    assert not rig.of(DocumentRegistered)
    rig.wait_registered()
    assert len(rig.receipts) == 1


@pytest.mark.parametrize(
    "quirks",
    [
        {"model": ""},
        {"has_marks": False},
        {"has_marks": False, "model": "", "status_kinds": (1,)},
        {"status_kinds": (1, 4)},
        {"automatic_status": True},
        {"flow_control": True},
        {"buffer_bytes": 1024},
        {"has_marks": False, "buffer_bytes": 2048},
    ],
    ids=str,
)
def test_every_kind_of_unit_prints_each_receipt_once_and_loses_no_byte(new_rig, quirks):
    rig = new_rig(**quirks)
    payments = [rig.pay(), rig.pay()]
    assert rig.wait_registered().printed

    rig.time.run_for(5)
    assert rig.receipts == payments
    assert not rig.of(NotRegistered, RegistrarLost)
    rig.check_books()


# --- what goes wrong ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "end", "problem"),
    [
        (("take_paper_out",), ("put_paper_in",), PAPER_OUT),
        (("leave_paper", 0), ("put_paper_in",), PAPER_OUT),
        (("open_cover",), ("close_cover",), COVER),
        (("set_fault", "cutter"), ("clear_faults",), FAILED),
        (("set_fault", "failure"), ("clear_faults",), FAILED),
        (("set_fault", "hot"), ("clear_faults",), BUSY),
        (("set_fault", "feed_is_pressed"), ("clear_faults",), BUSY),
    ],
    ids=str,
)
def test_before_a_receipt_a_fault_is_told_in_its_code_and_nothing_is_begun(rig, fault, end, problem):
    name, *values = fault
    rig.do(name, *values)
    rig.wait_problem(problem)
    assert rig.queue.status.detail

    receipt = receipt_of("00042-0000000099", 100)
    rig.order(RegisterReceipt(receipt))
    rig.time.run_until(lambda: rig.of(NotRegistered))
    assert rig.of(NotRegistered)[-1].certain
    assert not rig.of(RegistrationStarting)

    rig.do(*end)
    rig.wait_ready()
    rig.pay()
    assert rig.wait_registered().printed
    rig.check_books()


@pytest.mark.parametrize("has_marks", [True, False])
@pytest.mark.parametrize(
    ("fault", "end"),
    [
        (("take_paper_out",), ("put_paper_in",)),
        (("open_cover",), ("close_cover",)),
        (("set_fault", "cutter"), ("clear_faults",)),
    ],
    ids=str,
)
def test_in_the_middle_of_a_receipt_it_is_not_printed_and_its_rest_comes_when_it_can(
    new_rig, has_marks, fault, end
):
    rig = new_rig(has_marks=has_marks)
    first = rig.pay()
    rig.run_until_printing(3)
    rig.do(*fault[:1], *fault[1:])
    assert not rig.wait_registered().printed
    rig.time.run_for(30)

    rig.do(*end)
    rig.wait_ready()
    second = rig.pay()
    assert rig.wait_registered().printed
    rig.time.run_for(5)
    assert [code for code in rig.receipts if code != first] == [second]
    rig.check_books()


def test_the_next_receipt_waits_for_the_rest_of_the_one_before_and_begins_on_paper_of_its_own(rig):
    first = rig.pay()
    rig.run_until_printing(3)
    rig.do("open_cover")
    rig.wait_registered()
    rig.do("close_cover")
    rig.time.run_for(0.1)
    rig.order(RegisterReceipt(receipt_of("00042-0000000099", 100)))
    rig.time.run_until(lambda: rig.of(NotRegistered))
    assert "the rest of what was interrupted" in rig.of(NotRegistered)[0].reason

    rig.wait_ready()
    second = rig.pay()
    assert rig.wait_registered().printed
    half, whole = rig.sim.truth.sheets
    assert ("Квитанция 1" in half.text, "Квитанция 2" in half.text) == (True, False)
    assert "Квитанция 2" in whole.rows[0]
    assert (first not in half.codes, whole.codes) == (True, [second])


def test_a_roll_that_ends_within_a_receipt_leaves_it_not_printed(rig):
    rig.do("leave_paper", 12)
    rig.pay()
    assert not rig.wait_registered().printed
    rig.wait_problem(PAPER_OUT)


def test_a_roll_that_is_low_is_told_and_stops_nothing(rig):
    rig.do("leave_paper", 150)
    rig.time.run_until(lambda: rig.queue.status.notices)
    assert rig.queue.status.notices == (("registrar_paper_low", "the roll is near its end"),)
    rig.pay()
    assert rig.wait_registered().printed


def test_a_head_that_is_hot_in_the_middle_is_waited_for(rig):
    rig.pay()
    rig.run_until_printing(3)
    rig.do("set_fault", "hot")
    rig.time.run_for(8)
    assert not rig.documents
    rig.do("clear_faults")
    assert rig.wait_registered().printed
    rig.check_books()


def test_bytes_that_got_lost_leave_the_receipt_not_printed(rig):
    rig.pay()
    rig.run_until_printing(2)
    rig.do("set_fault", "lose_bytes", value=600)
    began = rig.time.time()
    fact = rig.wait_registered()
    assert rig.time.time() - began < 3 * PART_MAX_S
    assert fact.printed in (True, False)
    assert sorted(rig.documents) == sorted(rig.asked)


def test_a_printer_that_says_nothing_three_times_is_lost(rig):
    rig.do("set_fault", "mute")
    rig.time.run_until(lambda: rig.of(RegistrarLost))
    assert f"did not answer {TRIES_MAX} times" in rig.of(RegistrarLost)[0].reason

    rig.do("clear_faults")
    rig.facts.clear()
    rig.time.run_until(lambda: rig.of(RegistrarStatus))
    rig.pay()
    assert rig.wait_registered().printed


def test_a_printer_that_goes_silent_within_a_receipt_leaves_it_not_printed(rig):
    rig.pay()
    rig.run_until_printing(3)
    rig.do("set_fault", "mute")
    rig.time.run_until(lambda: rig.of(RegistrarLost), 60)
    fact = rig.wait_registered()
    assert not fact.printed
    rig.check_books()


def test_a_printer_at_another_speed_is_told_so(new_rig):
    rig = new_rig()
    rig.do("set_fault", "garbage")
    rig.time.run_until(lambda: rig.of(RegistrarLost))
    assert "speed" in rig.of(RegistrarLost)[0].reason


def test_a_wire_that_is_pulled_within_a_receipt_leaves_it_not_printed(rig):
    payment = rig.pay()
    rig.run_until_printing(3)
    rig.wire.unplug()
    rig.time.run_for(5)
    assert rig.of(RegistrarLost)
    assert payment in rig.intents
    rig.wire.plug()

    fact = rig.wait_registered()
    assert (fact.payment, fact.printed, fact.document.number) == (payment, False, 1)
    rig.time.run_for(30)
    assert rig.receipts in ([], [payment])
    rig.check_books()


def test_power_that_fails_within_a_receipt_leaves_it_not_printed_and_the_next_one_is(rig):
    rig.pay()
    rig.run_until_printing(3)
    rig.do("cut_power")
    rig.time.run_for(2)
    rig.do("restore_power")
    assert not rig.wait_registered(60 + REST_MAX_S).printed
    second = rig.pay()
    assert rig.wait_registered(60 + REST_MAX_S).printed
    assert rig.receipts == [second]


def test_a_host_that_died_within_a_receipt_does_not_print_it_again(rig):
    payment = rig.pay()
    rig.run_until_printing(3)
    rig.kill_host()
    rig.time.run_for(3)
    rig.start_host()

    fact = rig.wait_registered()
    assert (fact.payment, fact.printed) == (payment, False)
    rig.time.run_for(10)
    assert len(rig.receipts) <= 1
    rig.check_books()


def test_settling_answers_with_the_receipts_number_and_prints_nothing(rig):
    rig.intents["00042-0000000123"] = ("", 122)
    rig.order(SettleReceipt(receipt_of("00042-0000000123", 650), "", 122))
    rig.time.run_until(lambda: rig.of(DocumentRegistered))
    [fact] = rig.of(DocumentRegistered)
    assert (fact.document.number, fact.document.total, fact.printed) == (123, of_whole(650), False)
    rig.time.run_for(10)
    assert not any(row for sheet in rig.sim.truth.sheets for row in sheet.rows)


def test_what_a_fiscal_registrar_began_is_not_settled_by_a_printer(rig):
    rig.order(SettleReceipt(receipt_of("00042-0000000123", 650), "9999078900001234", 122))
    rig.time.run_until(lambda: rig.of(NotRegistered))

    [fact] = rig.of(NotRegistered)
    assert not fact.certain
    assert "9999078900001234" in fact.reason


FAULTS = st.sampled_from(
    ["take_paper_out", "put_paper_in", "open_cover", "close_cover", "clear_faults", "cut_power", "restore_power",
     "unplug", "plug", "kill", "hot", "mute", "pay"]
)  # fmt: skip


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(FAULTS, st.floats(0.01, 8.0)), max_size=12), st.booleans())
def test_whatever_happens_each_payment_has_one_receipt_and_none_is_printed_twice(new_rig, story, has_marks):
    rig = new_rig(has_marks=has_marks)
    rig.pay()
    for what, wait_s in story:
        match what:
            case "pay":
                rig.pay()
            case "unplug" | "plug":
                getattr(rig.wire, what)()
            case "kill":
                rig.kill_host()
                rig.start_host()
            case "hot" | "mute":
                rig.do("set_fault", what)
            case _:
                rig.do(what)
        rig.time.run_for(wait_s)
    rig.wire.plug()
    for mended in ("restore_power", "put_paper_in", "close_cover", "clear_faults"):
        rig.do(mended)

    rig.time.run_until(lambda: not rig.pending, 300)
    rig.wait_ready(120)
    last = rig.pay()
    assert rig.wait_registered().printed
    rig.time.run_for(5)
    assert rig.receipts[-1] == last
    assert sorted(rig.documents) == sorted(rig.asked)
    assert len(set(rig.receipts)) == len(rig.receipts)


# --- what else is asked ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "command",
    [CloseShift(), PrintXReport(), CountShift(), SetClock(datetime(2026, 11, 24, tzinfo=UTC))],
    ids=str,
)
def test_what_only_a_fiscal_registrar_can_do_is_refused_in_words(rig, command):
    rig.order(command)
    rig.time.run_until(lambda: rig.of(ReportFailed))
    assert "without fiscal functions" in rig.of(ReportFailed)[0].reason
    rig.time.run_for(5)
    assert rig.sim.truth.printed_rows == 0


def test_text_is_printed_and_cut_off(rig):
    rig.order(PrintText(("Инкассация 7", "Итого: 1 200.00", "")))
    rig.time.run_until(lambda: rig.of(TextPrinted))
    [sheet] = rig.sim.truth.sheets
    assert sheet.rows[:2] == ["Инкассация 7", "Итого: 1 200.00"]


def test_text_that_cannot_be_printed_is_told(rig):
    rig.do("open_cover")
    rig.order(PrintText(("x",)))
    rig.time.run_until(lambda: rig.of(ReportFailed))
    assert "cover is open" in rig.of(ReportFailed)[0].reason
    rig.do("close_cover")
    rig.wait_ready()
    rig.do("leave_paper", 3)
    rig.facts.clear()
    rig.order(PrintText(("x",) * 20))
    rig.time.run_until(lambda: rig.of(ReportFailed))
    assert "look at the paper" in rig.of(ReportFailed)[0].reason


def test_the_core_hears_of_it_all_the_time_and_there_never_is_a_shift(rig):
    rig.time.run_for(60)
    told = rig.of(RegistrarStatus)
    assert len(told) >= 60 / (TELL_EVERY_S + 1.5)
    assert {(one.shift, one.shift_opened_at, one.drive_serial) for one in told} == {
        (ShiftState.CLOSED, None, "")
    }
    assert told[-1].model == "KASSA-SIM"
