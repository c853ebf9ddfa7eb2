"""The driver against the simulator in virtual time: one document a payment, whatever breaks, and each reaction typed."""

import pytest
from receipts import DRIVE, receipt_of
from registrar_units import NOON

from devices.shtrih import tlv
from devices.shtrih.archive import tags_of
from devices.shtrih.driver import LINES_MAX
from devices.shtrih.memory import Truth
from devices.shtrih.protocol import Z_REPORT_MS, Form, Mode, Submode
from devices.shtrih.receipts import may_name
from devices.shtrih.registrar import BUSY_MAX_S, DOCUMENT_LEFT_S, SETTLE_DOCUMENTS_MAX, TELL_EVERY_S
from kassa.money import of_whole
from kassa.ports import (
    CloseShift,
    Document,
    DocumentRegistered,
    NotRegistered,
    PrintXReport,
    RegisterReceipt,
    RegistrarLost,
    RegistrarStatus,
    RegistrationStarting,
    ReportFailed,
    SettleReceipt,
    ShiftClosed,
    ShiftCounted,
    ShiftOpened,
    ShiftState,
    XReportPrinted,
)

OPEN_RECEIPT, CLOSE_RECEIPT = b"\x8d", b"\xff\x45"
STORY = (RegistrationStarting, DocumentRegistered, NotRegistered, ShiftOpened, ShiftClosed)


def ready(new_rig, **quirks):
    rig = new_rig(**quirks)
    rig.wait_ready()
    rig.core.facts.clear()
    rig.sim.commands.clear()
    return rig


def with_open_shift(rig):
    """One receipt was made, so that the next thing is a receipt and nothing else."""
    rig.pay(100)
    rig.settle()
    rig.core.facts.clear()
    rig.sim.commands.clear()
    rig.wire.sent.clear()
    return rig


def kinds(rig):
    return [record.form for record in rig.sim.truth.drive.documents]


# --- a receipt's way -------------------------------------------------------------------------------------------------


def test_a_payment_gets_its_document_and_the_facts_are_those_of_the_fiscal_memory(rig):
    payment = rig.pay(650)
    rig.settle()

    record = rig.sim.truth.drive.documents[-1]
    at = NOON
    assert rig.core.of(*STORY) == [
        ShiftOpened(1, 2, DRIVE),
        RegistrationStarting(payment, DRIVE, 2),
        DocumentRegistered(payment, Document(3, record.sign, at, of_whole(650), DRIVE, 1), printed=True),
    ]
    assert kinds(rig) == [Form.REGISTRATION, Form.SHIFT_OPEN, Form.RECEIPT]
    assert (record.sum, record.payment) == (65000, payment)
    rig.check_books()


def test_the_core_has_the_last_document_before_the_first_command_of_the_receipt_leaves(rig):
    seen = []
    rig.core.seen = lambda fact: (
        isinstance(fact, RegistrationStarting) and seen.append((list(rig.sim.commands), fact.last_document))
    )
    rig.pay()
    rig.settle()

    [(commands, last)] = seen
    assert OPEN_RECEIPT not in commands
    assert last == 2
    assert OPEN_RECEIPT in rig.sim.commands


def test_two_equal_payments_are_two_documents(rig):
    first, second = rig.pay(100), rig.pay(100)
    rig.settle()

    assert [record.payment for record in rig.receipts] == [first, second]
    rig.check_books()


def test_what_the_customer_reads_is_printed_whole(rig):
    payment = rig.pay(650)
    rig.settle()

    lines = rig.sim.truth.printed_receipt().lines
    assert f"Платёж {payment}" in lines
    assert any(line.split() == ["ИТОГ", "=650.00"] for line in lines)


@pytest.mark.parametrize(
    "quirks",
    [
        {"short_status_bytes": 16},
        {"acks_while_executing": False},
        {"ff_before_control": True},
        {"noise": b"\xff\x00"},
        {"answers_operator": False},
        {"prints_at_once": True},
        {"takes_tags": False},
        {"takes_lines": False},
        {"has_sensors": False},
        {"slow": {b"\xe0": 100.0}},
        {"slow": {b"\xff\x45": 25.0}},
    ],
    ids=str,
)
def test_every_kind_of_unit_makes_one_document(new_rig, quirks):
    rig = ready(new_rig, **quirks)
    rig.pay()
    rig.settle()

    assert len(rig.core.of(DocumentRegistered)) == 1
    assert not rig.core.of(NotRegistered, RegistrarLost)
    rig.check_books()


def test_long_lines_go_on_in_the_next_and_many_lines_do_not_use_up_the_roll(rig):
    with_open_shift(rig)
    receipt = receipt_of("00042-0000000009", 100)
    lines = ("Справки по телефону 8 800 000-00-00 круглосуточно и без выходных", *("ещё строка",) * 100)
    rig.order(RegisterReceipt(type(receipt)(receipt.payment, receipt.items, receipt.total, 0, lines)))
    rig.wait_for(DocumentRegistered)

    text = rig.sim.truth.printed_receipt().text
    assert "Справки по телефону 8 800 000-00-00\nкруглосуточно и без выходных\n" in text
    assert text.count("ещё строка") == LINES_MAX - 2


def test_a_registrar_that_adds_up_wrongly_makes_no_document(rig):
    with_open_shift(rig)
    rig.sim.quirks.doubled_items = 1
    rig.pay(100)
    refused = rig.wait_for(NotRegistered)

    assert refused.certain
    assert "adds up to 200.00 RUB, the receipt's total is 100.00 RUB" in refused.reason
    rig.settle()
    rig.check_books()


# --- the link and the power, cut at every moment of a receipt -------------------------------------------------------------


def unplug(rig):
    rig.wire.unplug()
    rig.time.run_for(0.3)
    rig.wire.plug()


def power_cut(rig):
    rig.power_cycle(0.5)


def kill_host(rig):
    rig.kill_host()
    rig.time.run_for(0.3)
    rig.start_host()


def writes_of_a_receipt(new_rig, **quirks):
    """How often the host writes from the payment to its document, on paper."""
    rig = with_open_shift(ready(new_rig, **quirks))
    rig.pay()
    rig.wait_for(DocumentRegistered)
    return len(rig.wire.sent)


@pytest.mark.parametrize(
    ("after_s", "unit"),
    [
        pytest.param(0.0, {}, id="on its way"),
        pytest.param(0.006, {}, id="heard"),
        pytest.param(0.016, {}, id="done"),
        pytest.param(0.006, {"keeps_open_document": False}, id="heard, open receipts are forgotten"),
        pytest.param(0.016, {"takes_tags": False}, id="done, without payment number"),
    ],
)
@pytest.mark.parametrize("cut", [unplug, power_cut, kill_host])
def test_cut_at_any_moment_of_a_receipt_there_is_one_document_in_the_end(new_rig, cut, after_s, unit):
    for number in range(1, writes_of_a_receipt(new_rig, **unit) + 1):
        rig = with_open_shift(ready(new_rig, **unit))
        rig.pay(650)
        rig.time.run_until(lambda rig=rig, number=number: len(rig.wire.sent) >= number)
        rig.time.run_for(after_s)
        cut(rig)
        rig.settle()

        assert len(rig.receipts) == 2, f"cut after write {number}"
        rig.check_books()


@pytest.mark.parametrize(
    "quirk", ["lost_commands", "lost_acks", "lost_answers", "forgotten_answers", "damaged_answers"]
)
def test_whatever_the_line_loses_of_a_receipt_there_is_one_document_in_the_end(new_rig, quirk):
    for count in range(40):
        rig = with_open_shift(ready(new_rig))
        rig.pay(650)
        rig.time.run_until(lambda rig=rig, count=count: len(rig.sim.commands) >= count)
        setattr(rig.sim.quirks, quirk, 1)
        rig.settle()

        assert len(rig.receipts) == 2, f"lost after command {count}"
        rig.check_books()


def test_an_answer_that_is_forgotten_after_the_document_was_made_is_found_in_the_archive(rig):
    with_open_shift(rig)
    rig.sim.quirks.forgets_after_record = 1
    payment = rig.pay(650)
    rig.settle()

    assert [type(fact) for fact in rig.core.of(*STORY)] == [RegistrationStarting, DocumentRegistered]
    assert rig.core.documents[payment].number == 4
    assert rig.sim.commands.count(CLOSE_RECEIPT) == 1
    rig.check_books()


# --- settling ---------------------------------------------------------------------------------------------------------


def settle(rig, payment, units, last, others=None):
    """Ask what became of a registration, as a core does whose journal has only the intent, and `others`."""
    rig.core.asked.pop(payment, None)
    rig.core.documents.pop(payment, None)
    rig.core.facts.clear()
    others = rig.core.others(payment) if others is None else others
    rig.order(SettleReceipt(receipt_of(payment, units), DRIVE, last, others))


def outcome(rig):
    return rig.time.run_until(lambda: rig.core.of(DocumentRegistered, NotRegistered), 300)[-1]


def test_settling_never_makes_a_document(rig):
    with_open_shift(rig)
    settle(rig, "00042-0000000777", 650, 3)

    assert outcome(rig) == NotRegistered("00042-0000000777", "the registration was interrupted", certain=True)
    assert not {OPEN_RECEIPT, CLOSE_RECEIPT, b"\xe0"} & set(rig.sim.commands)


def test_an_archive_that_answers_with_another_document_is_not_believed(rig):
    with_open_shift(rig)
    payment = rig.pay(650)
    rig.settle()
    rig.sim.truth.drive.documents[-1].number = 2
    settle(rig, payment, 650, 3)

    assert not outcome(rig).certain


def test_settling_finds_the_payments_document_among_others_of_the_same_sum(rig):
    for _ in range(3):
        rig.pay(100)
    rig.settle()
    wanted = rig.core.of(DocumentRegistered)[1]
    rig.core.facts.clear()
    rig.kill_host()
    rig.start_host()
    rig.wait_ready()
    settle(rig, wanted.payment, 100, 2)

    assert outcome(rig) == wanted


def test_a_document_of_an_earlier_shift_is_told_with_its_own_shift(rig):
    payment = rig.pay(100)
    rig.settle()
    rig.order(CloseShift())
    rig.wait_for(ShiftClosed)
    rig.pay(200)
    rig.settle()
    settle(rig, payment, 100, 2)

    assert (outcome(rig).document.number, outcome(rig).document.shift) == (3, 1)


def test_another_drive_leaves_the_registration_in_doubt(rig):
    with_open_shift(rig)
    rig.pay(650)
    rig.wait_for(RegistrationStarting)
    rig.wire.unplug()
    rig.do("swap_drive", "9999078900009999")
    rig.wire.plug()
    found = outcome(rig)

    assert not found.certain
    assert "begun on fiscal drive 9999078900001234, and now there is 9999078900009999" in found.reason
    rig.time.run_for(200)
    assert rig.core.queue.in_doubt
    assert not [record for record in rig.sim.truth.drive.documents if record.form is Form.RECEIPT]


def test_a_strangers_receipt_of_the_same_sum_is_not_taken_for_the_payments(rig):
    with_open_shift(rig)
    rig.do("sell_elsewhere", 650)
    settle(rig, "00042-0000000777", 650, 3)

    assert outcome(rig).certain


def test_another_payments_receipt_of_the_same_sum_and_name_is_not_taken_for_the_payments(rig):
    with_open_shift(rig)
    rig.pay(650)
    rig.settle()
    rig.kill_host()
    rig.start_host()
    rig.wait_ready()
    settle(rig, "00042-0000000777", 650, 3)

    assert outcome(rig).certain


def test_the_archive_is_read_when_the_printer_rests(rig):
    with_open_shift(rig)
    rig.do("be_busy", 20)
    settle(rig, "00042-0000000777", 650, 2)
    rig.time.run_for(18)
    assert b"\xff\x0a" not in rig.sim.commands

    assert outcome(rig).certain


def test_a_document_that_appears_while_another_is_cancelled_leaves_doubt(new_rig):
    rig = with_open_shift(ready(new_rig, slow={b"\x88": 2.0}))
    rig.do("leave_document_open", 650)
    settle(rig, "00042-0000000777", 650, 3)
    rig.time.run_until(lambda: rig.sim._executing and rig.sim._executing[1][:1] == b"\x88")
    rig.sim._record(Form.RECEIPT, rig.sim.truth.opened)

    assert not outcome(rig).certain
    assert "document 4 appeared meanwhile" in outcome(rig).reason


def test_without_payment_numbers_the_next_receipt_with_sum_and_name_is_the_payments(new_rig):
    rig = with_open_shift(ready(new_rig, takes_tags=False))
    payment = rig.pay(650)
    rig.settle()
    rig.kill_host()
    rig.start_host()
    rig.wait_ready()
    settle(rig, payment, 650, 3)

    assert outcome(rig).document.number == 4


def test_without_payment_numbers_several_equal_receipts_are_left_to_a_person(new_rig):
    rig = with_open_shift(ready(new_rig, takes_tags=False))
    rig.pay(650)
    rig.pay(650)
    rig.settle()
    settle(rig, "00042-0000000777", 650, 3, others=frozenset())

    assert not outcome(rig).certain
    assert "documents 4, 5 carry no payment number" in outcome(rig).reason


def test_a_day_of_other_payments_does_not_hide_what_became_of_one_in_doubt(rig):
    with_open_shift(rig)
    drive = rig.sim.truth.drive
    after = drive.last
    for _ in range(SETTLE_DOCUMENTS_MAX + 1):
        drive.record(Form.RECEIPT, rig.sim.clock)
    settle(rig, "00042-0000000777", 650, after, others=frozenset(range(after + 1, drive.last + 1)))

    assert outcome(rig) == NotRegistered("00042-0000000777", "the registration was interrupted", certain=True)


def test_a_document_known_as_another_payments_is_not_given_away_twice(new_rig):
    rig = with_open_shift(ready(new_rig, takes_tags=False))
    rig.pay(650)
    rig.settle()
    settle(rig, "00042-0000000777", 650, 3)

    assert outcome(rig) == NotRegistered("00042-0000000777", "the registration was interrupted", certain=True)


@pytest.mark.parametrize(
    "unit",
    [
        {"keeps_tags": False},
        {"told_tag_bytes": 20},
        {"told_tag_bytes": 120},
        {"takes_tags": False, "name_characters_max": 20},
    ],
    ids=str,
)
def test_tags_and_names_that_are_cut_leave_sum_and_place_to_decide(new_rig, unit):
    rig = with_open_shift(ready(new_rig, **unit))
    payment = rig.pay(650)
    rig.settle()
    rig.kill_host()
    rig.start_host()
    rig.wait_ready()
    settle(rig, payment, 650, 3)

    assert outcome(rig).document.number == 4


@pytest.mark.parametrize("name", ["Пакет «Ещё…» за 5 €", "Café за 100 ₽", "№ 7"])
def test_a_name_in_letters_that_the_archive_lacks_is_found_again(rig, name):
    with_open_shift(rig)
    receipt = receipt_of("00042-0000000777", 650, name)
    rig.order(RegisterReceipt(receipt))
    rig.wait_for(DocumentRegistered)
    record = rig.sim.truth.drive.documents[-1]
    archived = tags_of(record, rig.sim.truth.drive, rig.sim.owner)

    assert may_name(receipt, tlv.names_of(archived))
    assert not may_name(receipt_of("00042-0000000777", 650, "Телефон"), tlv.names_of(archived))


def test_an_archive_that_refuses_for_a_moment_is_asked_again(rig):
    with_open_shift(rig)
    rig.sim.quirks.refusals[b"\xff\x0a"] = [0x31, 0x02]
    rig.sim.quirks.forgets_after_record = 1
    rig.pay(650)
    rig.settle()

    assert not rig.core.of(NotRegistered)
    rig.check_books()


def test_an_archive_that_is_impossibly_far_ahead_or_behind_is_left_to_a_person(rig):
    with_open_shift(rig)
    settle(rig, "00042-0000000777", 650, 99)

    assert not outcome(rig).certain
    assert "would be after 99, and the last one is 3" in outcome(rig).reason


# --- paper ----------------------------------------------------------------------------------------------------------------


def test_without_paper_nothing_is_begun(rig):
    rig.do("take_paper_out")
    rig.wait_problem("registrar_paper_out")
    rig.order(RegisterReceipt(receipt_of("00042-0000000777", 100)))

    assert outcome(rig) == NotRegistered("00042-0000000777", "the roll is at its end", certain=True)
    assert not rig.core.of(RegistrationStarting)
    rig.do("put_paper_in")
    rig.wait_ready()


def test_paper_that_ends_within_a_document_is_told_and_the_document_is_printed_whole_later(rig):
    with_open_shift(rig)
    rig.do("put_paper_in", lines=10)
    payment = rig.pay(650)
    registered = rig.wait_for(DocumentRegistered)

    assert not registered.printed
    rig.wait_problem("registrar_paper_out")
    assert rig.sim.truth.printed_receipt(4) is None
    rig.do("put_paper_in")
    rig.settle()
    torn, whole = (sheet for sheet in rig.sim.truth.sheets if sheet.document == 4)
    assert (torn.is_whole, len(torn.lines), whole.is_whole) == (False, 10, True)
    assert rig.core.documents[payment].number == 4
    rig.check_books()


def test_paper_that_ends_while_lines_are_printed_one_by_one_leaves_no_document_behind(new_rig):
    rig = with_open_shift(ready(new_rig, prints_at_once=True))
    rig.do("put_paper_in", lines=2)
    rig.pay(650)
    refused = rig.wait_for(NotRegistered)

    assert refused.certain
    rig.do("put_paper_in")
    rig.settle()
    assert len(rig.receipts) == 2
    rig.check_books()


def test_paper_that_ends_after_the_document_takes_nothing_from_it(rig):
    with_open_shift(rig)
    rig.pay(650)
    rig.wait_for(DocumentRegistered)
    rig.do("take_paper_out")
    rig.wait_problem("registrar_paper_out")

    assert rig.core.of(DocumentRegistered)[0].printed
    assert rig.sim.truth.printed_receipt(4)


def test_a_found_document_that_waits_for_paper_is_told_as_not_printed(rig):
    with_open_shift(rig)
    rig.do("put_paper_in", lines=10)
    rig.sim.quirks.forgets_after_record = 1
    rig.pay(650)

    assert not rig.wait_for(DocumentRegistered).printed


def test_an_open_cover_is_told_as_such(rig):
    rig.do("open_cover")
    rig.wait_problem("registrar_cover_open")
    rig.do("close_cover")
    rig.wait_ready()


# --- busy ---------------------------------------------------------------------------------------------------------------------


def test_a_registrar_that_prints_for_a_while_is_waited_for(rig):
    with_open_shift(rig)
    rig.do("be_busy", BUSY_MAX_S - 15)
    rig.order(RegisterReceipt(receipt_of("00042-0000000777", 100)))

    assert isinstance(outcome(rig), DocumentRegistered)


def test_a_registrar_that_prints_forever_is_given_up_with_certainty(rig):
    with_open_shift(rig)
    rig.do("be_busy", 10_000)
    rig.order(RegisterReceipt(receipt_of("00042-0000000777", 100)))
    refused = outcome(rig)

    assert refused.certain
    assert "busy for 60 s" in refused.reason
    rig.wait_problem("registrar_busy")


def test_the_core_goes_on_hearing_while_a_receipt_waits_for_the_printer(rig):
    with_open_shift(rig)
    rig.do("be_busy", 40)
    rig.order(RegisterReceipt(receipt_of("00042-0000000777", 100)))
    rig.time.run_for(35)

    told = rig.core.of(RegistrarStatus)
    assert len(told) >= 8
    assert told[-1].problem == "registrar_busy"


@pytest.mark.parametrize("acks", [True, False])
def test_a_document_that_is_still_being_made_when_the_link_is_back_is_waited_for(new_rig, acks):
    rig = with_open_shift(ready(new_rig, slow={CLOSE_RECEIPT: 25.0}, acks_while_executing=acks))
    rig.pay(650)
    rig.time.run_until(lambda: rig.sim._executing and rig.sim._executing[1].startswith(CLOSE_RECEIPT))
    rig.time.run_for(1)
    unplug(rig)
    rig.settle()

    assert not rig.core.of(NotRegistered)
    assert len(rig.receipts) == 2
    rig.check_books()


def test_printing_that_passes_is_nobodys_problem(rig):
    rig.do("be_busy", 2)
    rig.time.run_for(10)

    assert rig.problems == [None]


@pytest.mark.parametrize("command", [b"\x8d", b"\xff\x46", b"\xff\x0c", b"\xff\x45"])
def test_a_command_that_is_refused_as_busy_is_given_again_and_done_once(rig, command):
    with_open_shift(rig)
    rig.sim.quirks.refusals[command] = [0x50] * 5
    rig.pay(650)
    rig.settle()

    assert rig.sim.commands.count(command) == 6
    assert not rig.core.of(NotRegistered)
    rig.check_books()


# --- what else may stand open -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_receipt", [True, False])
def test_a_document_that_another_program_left_open_is_cancelled_when_nobody_asks_for_it(rig, is_receipt):
    rig.do("leave_document_open", 77, is_receipt=is_receipt)
    rig.wait_problem("registrar_document_open")
    rig.time.run_for(DOCUMENT_LEFT_S / 2)
    assert rig.sim.mode is Mode.DOCUMENT_OPEN
    rig.wait_ready()

    assert rig.sim.mode in (Mode.SHIFT_OPEN, Mode.SHIFT_CLOSED)
    assert Form.RECEIPT not in kinds(rig)


def test_a_document_that_stands_open_is_cancelled_before_a_receipt(rig):
    rig.do("leave_document_open", 77)
    rig.order(RegisterReceipt(receipt_of("00042-0000000777", 100)))
    registered = outcome(rig)

    assert registered.document.total == of_whole(100)
    assert [record.sum for record in rig.sim.truth.drive.documents if record.form is Form.RECEIPT] == [10000]


def test_a_document_that_stands_open_is_cancelled_only_after_the_archive_was_read(rig):
    with_open_shift(rig)
    rig.do("leave_document_open", 650)
    settle(rig, "00042-0000000777", 650, 2, others=frozenset())

    assert outcome(rig).certain
    assert rig.sim.commands.index(b"\xff\x0a") < rig.sim.commands.index(b"\x88")


def test_a_document_that_cannot_be_cancelled_is_certainly_none_and_takes_the_terminal_out_of_service(rig):
    with_open_shift(rig)
    rig.sim.quirks.refusals[CLOSE_RECEIPT] = [0x33]
    rig.sim.quirks.refusals[b"\x88"] = [0x59] * 3
    rig.pay(650)

    assert rig.wait_for(NotRegistered).certain
    rig.wait_problem("registrar_document_open")
    rig.settle()
    rig.check_books()


def test_what_cannot_be_cancelled_because_something_is_printed_may_still_be_the_document(rig):
    with_open_shift(rig)
    rig.do("leave_document_open", 650)
    rig.sim.quirks.refusals[b"\x88"] = [0x50] * 100
    settle(rig, "00042-0000000777", 650, 3)

    assert not outcome(rig).certain


def test_tags_that_somebody_asked_for_and_did_not_hear_are_read_to_their_end(rig):
    with_open_shift(rig)
    rig.sim._announce_tags((3).to_bytes(4, "little"))
    assert rig.sim.mode is Mode.DATA_OUTPUT
    rig.pay(100)
    rig.settle()

    rig.check_books()


# --- shifts and reports -----------------------------------------------------------------------------------------------------------


def test_an_expired_shift_is_closed_and_a_new_one_opened_before_the_receipt(rig):
    with_open_shift(rig)
    rig.do("move_clock", 25)
    rig.time.run_until(lambda: rig.core.queue.status.shift is ShiftState.EXPIRED)
    payment = rig.pay(650)
    rig.settle()

    assert rig.core.of(*STORY)[:3] == [
        ShiftClosed(1, 4, DRIVE),
        ShiftOpened(2, 5, DRIVE),
        RegistrationStarting(payment, DRIVE, 5),
    ]
    assert rig.core.documents[payment].shift == 2
    rig.check_books()


def test_a_shift_that_expires_within_the_receipt_costs_a_second_try(rig):
    with_open_shift(rig)
    rig.sim.quirks.refusals[CLOSE_RECEIPT] = [0x4E]
    rig.pay(650)

    assert rig.wait_for(NotRegistered).certain
    rig.settle()
    rig.check_books()


def test_the_shift_is_closed_on_demand(rig):
    with_open_shift(rig)
    rig.order(CloseShift())

    assert rig.wait_for(ShiftClosed) == ShiftClosed(1, 4, DRIVE)
    rig.time.run_until(lambda: rig.core.queue.status.shift is ShiftState.CLOSED)
    assert kinds(rig)[-1] is Form.SHIFT_CLOSE


def test_a_closed_shift_is_not_closed_again(rig):
    rig.order(CloseShift())

    assert "closed already" in rig.wait_for(ReportFailed).reason
    assert kinds(rig) == [Form.REGISTRATION]


@pytest.mark.parametrize("cut", [unplug, power_cut])
def test_the_z_report_is_told_once_whatever_is_cut(new_rig, cut):
    for moment_ms in range(0, 1600, 50):
        rig = with_open_shift(ready(new_rig))
        rig.order(CloseShift())
        rig.time.run_for(moment_ms / 1000)
        cut(rig)
        rig.time.run_for(Z_REPORT_MS / 1000 + 20)

        closings = kinds(rig).count(Form.SHIFT_CLOSE)
        assert rig.core.of(ShiftClosed) == [ShiftClosed(1, 4, DRIVE)] * closings
        assert closings <= 1


def test_a_forgotten_answer_to_the_z_report_prints_no_second_one(rig):
    with_open_shift(rig)
    rig.sim.quirks.forgets_after_record = 1
    rig.order(CloseShift())

    assert rig.wait_for(ShiftClosed) == ShiftClosed(1, 4, DRIVE)
    assert rig.sim.commands.count(b"\x41") == 1


def test_a_shift_that_somebody_else_closes_is_told(rig):
    with_open_shift(rig)
    rig.sim._report(Form.SHIFT_CLOSE, "ОТЧЁТ О ЗАКРЫТИИ СМЕНЫ")

    assert rig.wait_for(ShiftClosed) == ShiftClosed(1, 4, DRIVE)


def test_the_z_report_waits_for_paper_with_a_reason(rig):
    with_open_shift(rig)
    rig.do("take_paper_out")
    rig.order(CloseShift())

    assert rig.wait_for(ReportFailed).reason == "the roll is at its end"


def test_a_drive_that_takes_no_receipts_does_not_keep_the_shift_from_being_closed(rig):
    rig.sim.faults.loses_ofd = True
    with_open_shift(rig)
    rig.do("move_clock", 28 * 24)
    rig.wait_problem("registrar_drive")
    rig.order(CloseShift())

    assert rig.wait_for(ShiftClosed) == ShiftClosed(1, 4, DRIVE)


def test_a_shift_report_that_was_told_is_not_told_again_after_a_lost_link(rig):
    with_open_shift(rig)
    rig.core.seen = lambda fact: isinstance(fact, ShiftClosed) and rig.time.call_later(0, lambda: unplug(rig))
    rig.wire.unplug()
    for form in (Form.SHIFT_CLOSE, Form.SHIFT_OPEN):
        rig.sim._report(form, "ОТЧЁТ")
        rig.wire.stir()
        rig.time.run_for(5)
    rig.wire.plug()
    rig.wait_for(ShiftOpened)
    rig.time.run_for(20)

    assert rig.core.of(ShiftClosed, ShiftOpened) == [ShiftClosed(1, 4, DRIVE), ShiftOpened(2, 5, DRIVE)]


def test_a_shift_that_closes_itself_between_two_questions_is_told_all_the_same(rig):
    with_open_shift(rig)
    drive_status = b"\xff\x01"
    rig.time.run_until(lambda: rig.sim.commands and rig.sim.commands[-1] == drive_status)
    rig.time.run_until(lambda: rig.sim._executing is None)
    rig.sim._report(Form.SHIFT_CLOSE, "ОТЧЁТ")
    rig.time.run_for(30)

    assert rig.core.of(ShiftClosed) == [ShiftClosed(1, 4, DRIVE)]


def test_registers_that_hold_no_money_are_not_counted(new_rig):
    rig = with_open_shift(ready(new_rig, has_blank_registers=True))
    rig.order(CloseShift())
    rig.wait_for(ShiftClosed)

    assert rig.core.of(ShiftCounted) == [ShiftCounted(1, 1, of_whole(100), DRIVE)]


def test_the_x_report_prints_and_closes_nothing(rig):
    with_open_shift(rig)
    rig.order(PrintXReport())
    rig.wait_for(XReportPrinted)

    assert kinds(rig)[-1] is Form.RECEIPT
    assert any("СУТОЧНЫЙ ОТЧЁТ БЕЗ ГАШЕНИЯ" in line for line in rig.sim.truth.sheets[-1].lines)


def test_an_x_report_that_is_not_printed_to_its_end_has_failed(rig):
    with_open_shift(rig)
    rig.do("put_paper_in", lines=3)
    rig.order(PrintXReport())

    assert "look at the paper" in rig.wait_for(ReportFailed).reason


def test_without_a_shift_there_is_no_x_report(rig):
    rig.order(PrintXReport())

    assert "closed" in rig.wait_for(ReportFailed).reason


def test_the_age_of_a_shift_is_known_after_a_restart_too(rig):
    with_open_shift(rig)
    rig.pay(100)
    rig.settle()
    rig.kill_host()
    rig.start_host()
    rig.wait_ready()

    status = rig.core.queue.status
    assert (status.shift, status.shift_number) == (ShiftState.OPEN, 1)
    assert status.shift_opened_at == NOON
    assert not rig.core.of(ShiftOpened), "it was opened before"


# --- status, and what is wrong --------------------------------------------------------------------------------------------------------


def test_the_status_is_told_at_least_every_few_seconds(rig):
    rig.time.run_for(60)

    told = rig.core.of(RegistrarStatus)
    assert 60 / (TELL_EVERY_S + 1) <= len(told) <= 60 / TELL_EVERY_S + 1
    assert len(set(told)) == 1


def test_a_model_that_tells_neither_its_name_nor_its_last_day_nor_the_queue_works_all_the_same(new_rig):
    unknown = {code: [0x37] * 1000 for code in (b"\xfc", b"\xf7", b"\xff\x39", b"\xff\x03")}
    rig = with_open_shift(ready(new_rig, refusals=unknown))
    rig.pay(650)
    rig.settle()

    assert rig.core.queue.status.model == ""
    rig.check_books()


def test_documents_that_wait_for_the_operator_of_data_are_counted(rig):
    rig.sim.faults.loses_ofd = True
    rig.pay()
    rig.settle()
    rig.time.run_for(10)

    assert rig.core.queue.status.unsent_documents == 2


@pytest.mark.parametrize(
    ("fault", "problem", "detail"),
    [
        ({"drive": 0x05}, "registrar_drive", "not in fiscal mode"),
        ({"drive": 0x30}, "registrar_drive", "does not answer"),
        ({"mode": Mode.INSPECTOR_LOCK}, "registrar_locked", "locked"),
        ({"mode": Mode.DATE_UNCONFIRMED}, "registrar_clock", "confirmed"),
        ({"mode": Mode.TECHNICAL_RESET}, "registrar_failed", "technician"),
        ({"mode": Mode.DECIMAL_POINT}, "registrar_failed", "technician"),
        ({"mode": Mode.SELF_TEST}, "registrar_busy", "mode 10"),
    ],
)
def test_what_is_wrong_is_told_and_no_receipt_is_begun(rig, fault, problem, detail):
    for name, value in fault.items():
        setattr(rig.sim.faults, name, value)
    rig.wait_problem(problem)
    assert detail in rig.core.queue.status.detail
    rig.order(RegisterReceipt(receipt_of("00042-0000000777", 100)))

    assert outcome(rig).certain
    assert not rig.core.of(RegistrationStarting)
    rig.do("clear")
    rig.wait_ready()


def test_a_drive_that_is_full_keeps_the_terminal_from_taking_money(rig):
    with_open_shift(rig)
    rig.sim.faults.drive = 0x14
    rig.pay(650)

    assert rig.wait_for(NotRegistered).certain
    rig.wait_problem("registrar_drive")
    assert "OFD" in rig.core.queue.status.detail
    rig.do("clear")
    rig.settle()
    rig.check_books()


@pytest.mark.parametrize("hours", [28 * 24, 10 * 365 * 24])
def test_a_drive_that_is_about_to_stop_stops_the_money_first(rig, hours):
    rig.sim.faults.loses_ofd = hours < 1000
    with_open_shift(rig)
    rig.kill_host()
    rig.do("move_clock", hours)
    rig.start_host()

    rig.wait_problem("registrar_drive")


def test_a_clock_that_went_back_behind_the_last_document_is_told(rig):
    with_open_shift(rig)
    rig.do("move_clock", -2)

    rig.wait_problem("registrar_clock")


def test_a_wrong_password_is_told_as_such(new_rig):
    rig = new_rig(password=29)
    rig.wait_problem("registrar_locked")
    rig.order(RegisterReceipt(receipt_of("00042-0000000777", 100)))

    assert outcome(rig).certain
    assert "wrong password" in rig.core.queue.status.detail
    rig.order(CloseShift())
    assert "wrong password" in rig.wait_for(ReportFailed).reason


def test_a_receipt_that_is_refused_for_good_is_not_tried_every_moment(rig):
    with_open_shift(rig)
    rig.sim.quirks.refusals[b"\xff\x46"] = [0x35] * 1000
    rig.pay(650)
    rig.time.run_for(120)

    assert rig.sim.commands.count(b"\xff\x46") <= 6
    assert "registrar_failed" in rig.problems
    assert rig.sim.mode is Mode.SHIFT_OPEN


def test_a_silent_registrar_is_lost_within_seconds_and_comes_back_by_itself(rig):
    rig.do("cut_power")
    rig.wait_for(RegistrarLost, within_s=10)
    rig.do("restore_power")
    rig.wait_ready(10)


def test_printing_goes_on_after_a_power_cut(rig):
    with_open_shift(rig)
    rig.pay(650)
    rig.time.run_until(lambda: rig.sim.submode is Submode.PRINTING and rig.sim.truth.drive.last == 4)
    rig.time.run_for(0.2)
    rig.power_cycle()
    rig.settle()

    assert rig.sim.truth.printed_receipt(4)
    rig.check_books()


@pytest.mark.parametrize("finishes_after_s", [0.3, 3.0, 20.0])
def test_a_receipt_that_the_registrar_ends_by_itself_after_a_power_cut_is_not_made_again(
    new_rig, finishes_after_s
):
    rig = new_rig(finishes_after_s=finishes_after_s)
    with_open_shift(rig)
    rig.pay(650)
    rig.time.run_until(lambda: any(b"\xff\x45" in sent for sent in rig.wire.sent))
    rig.power_cycle()
    assert rig.sim.truth.drive.last == 3
    rig.settle()

    assert rig.sim.truth.drive.last == 4
    rig.check_books()


def test_a_port_that_talks_nonsense_is_lost_in_words(new_rig):
    rig = new_rig(noise=b"\x00" * 3000)
    lost = rig.wait_for(RegistrarLost)

    assert "nothing but noise" in lost.reason


def test_a_setting_that_is_not_as_we_need_it_is_told_by_the_devices_own_name(new_rig):
    truth = Truth(tables={"1.7": 0, "24.9": 2})
    rig = new_rig(truth)
    told = lambda: [words for _, words in rig.core.queue.status.notices]
    rig.time.run_until(lambda: rig.core.queue.status and told(), 60)

    differs = ("table 1, field 7 (ОТРЕЗКА ЧЕКА) is 0", "table 24, field 9 (АВТОЗАКРЫТИЕ СМЕНЫ) is 2")
    assert [one.partition(":")[0] for one in told()[0].split("; ")] == list(differs)


def test_a_start_asks_for_few_settings(new_rig):
    """Each question is a moment in which nobody can pay."""
    rig = new_rig()
    rig.wait_ready()
    rig.time.run_for(5.0)

    asked = [command[:1] for command in rig.sim.commands if command[:1] in (b"\x1f", b"\x2d", b"\x2e")]
    assert len(asked) <= 12
