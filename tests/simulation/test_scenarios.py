"""The faults that every kiosk meets one day, each told once over a whole terminal; docs/reliability.md lists them."""

import random
from datetime import UTC, datetime, timedelta
from itertools import count

import msgspec
import pytest
from clerk import SAMPLE
from kiosk import NOON, Kiosk
from promises import check, receipts
from registrar_models import AtolLibrary, AtolWeb, Shtrih
from virtual_time import Wire

from devices.ccnet import simulator as ccnet
from devices.ccnet.protocol import Poll, Status, encode, encode_poll
from importers.job import Job
from importers.profile import find_profile
from kassa.config import load
from kassa.home import data_folder
from kassa.ports import SnapshotReady

CONFIG = load(data_folder() / "examples" / "kassa.toml")
HASTY = msgspec.structs.replace(
    CONFIG, cash=msgspec.structs.replace(CONFIG.cash, idle_timeout_s=20, receipt_wait_s=10, thanks_s=1)
)
"""The money of who walks away is credited soon."""
FIRST, SECOND = "4038172956", "0017990"
OPERATIONS_MAX = 400
"""Of a disk, or acts of the core, in any story here: more would mean that a story does not end."""
TYPE_OF_5000 = 7
"""In the table of a Russian validator."""
WAIT_MAX_S = 200.0
NOTICED_S = 1.0
"""A validator says so within this time that its cassette has left."""
LOST_OR_KEPT = ("lose", "keep", "prefix", "sectors")
LOST_OR_TORN = ("lose", "sectors")
MODELS, MODEL_NAMES = (Shtrih, AtolWeb, AtolLibrary), ("shtrih", "atol_web", "atol_library")


@pytest.fixture
def kiosk(home):
    kiosk = Kiosk(home, HASTY, random.Random(1))
    yield kiosk
    kiosk.close()


@pytest.fixture(params=MODELS, ids=MODEL_NAMES)
def any_kiosk(home, request):
    """With each registrar in turn."""
    kiosk = Kiosk(home, HASTY, random.Random(1), registrar=request.param)
    yield kiosk
    kiosk.close()


def until(kiosk, is_so, step_s=0.01):
    """Let time pass until it is so."""
    end = kiosk.time.time() + WAIT_MAX_S
    while not is_so():
        assert kiosk.time.time() < end, f"waited in vain; the screen is {kiosk.view}"
        kiosk.wait(step_s)


def come(kiosk, account=FIRST):
    kiosk.wait_for_screen("attract")
    kiosk.go_to_cash(account)


def push(kiosk, note):
    until(kiosk, lambda: kiosk.insert(note), 0.1)


def put_in(kiosk, note):
    """Push a note in and see it on the screen."""
    paid = kiosk.terminal.view.inserted
    push(kiosk, note)
    until(kiosk, lambda: kiosk.terminal.view.inserted != paid, 0.1)


def pay(kiosk, *notes, account=FIRST):
    come(kiosk, account)
    for note in notes:
        put_in(kiosk, note)
    kiosk.touch("finish")


def pay_to_the_end(kiosk, *notes, account=FIRST):
    done = len(receipts(kiosk))
    pay(kiosk, *notes, account=account)
    until(kiosk, lambda: len(receipts(kiosk)) > done, 0.1)
    kiosk.calm_down()


def note_is(kiosk, place):
    """Whether the note of which an intent tells is there."""
    truth = kiosk.validator.truth
    intended = kiosk.journal is not None and kiosk.journal.open_intent() is not None
    match place:
        case "held":
            return intended and truth.head is not None
        case "past the gate":
            return intended and truth.stacker is not None
        case "in the box":
            return intended and bool(truth.cassette)


def shown(kiosk):
    return {one.code for one in kiosk.journal.conditions()}


def paid(kiosk):
    """Account and whole units of each payment with money."""
    return [(one.account, one.paid // 100) for one in kiosk.credited()]


def settle(kiosk):
    kiosk.calm_down()
    return check(kiosk)


# --- money in ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", LOST_OR_KEPT)
def test_the_lights_go_out_before_an_accepted_note_has_moved_and_the_customer_has_it_back(kiosk, how):
    come(kiosk)
    push(kiosk, 500)
    until(kiosk, lambda: note_is(kiosk, "held"))
    kiosk.lose_power(1.0, how)

    count = settle(kiosk)
    assert kiosk.validator.truth.returned == [500]
    assert (paid(kiosk), count.uncertain) == ([], 0)


@pytest.mark.parametrize("how", LOST_OR_KEPT)
def test_the_lights_go_out_while_a_note_falls_and_it_is_credited_once_to_its_own_payment(kiosk, how):
    come(kiosk)
    put_in(kiosk, 100)
    push(kiosk, 500)
    until(kiosk, lambda: note_is(kiosk, "past the gate"))
    kiosk.lose_power(1.0, how)

    count = settle(kiosk)
    assert paid(kiosk) == [(FIRST, 600)]
    assert (count.uncertain, count.orphans) == (0, 0)


@pytest.mark.parametrize("operation", range(4))
def test_the_computer_dies_before_stacked_is_durable_and_the_validator_says_it_again(kiosk, operation):
    kiosk.devices_keep_power = True
    come(kiosk)
    push(kiosk, 500)
    until(kiosk, lambda: note_is(kiosk, "in the box") or paid(kiosk))
    kiosk.disk.cut_before = kiosk.disk.operations + operation

    count = settle(kiosk)
    assert kiosk.cuts == 1
    assert paid(kiosk) == [(FIRST, 500)]
    assert count.uncertain == 0


def test_a_note_that_fell_unheard_into_a_box_that_forgets_is_credited_and_marked_as_doubtful(kiosk):
    """A validator without a counter has no evidence once the note is in the box; the doubt is the customer's."""
    come(kiosk)
    push(kiosk, 500)
    until(kiosk, lambda: note_is(kiosk, "in the box"))
    kiosk.lose_power(1.0, "lose")

    count = settle(kiosk)
    assert paid(kiosk) == [(FIRST, 500)]
    assert (count.uncertain, count.in_vain) == (1, 0)


def test_stacked_that_is_repeated_after_the_commit_is_no_second_credit(kiosk):
    kiosk.validator.quirks.lost_acks = 3
    come(kiosk)
    push(kiosk, 500)
    until(kiosk, lambda: kiosk.journal.cassette())
    kiosk.kill()

    settle(kiosk)
    assert paid(kiosk) == [(FIRST, 500)]


@pytest.mark.parametrize("rest_s", [0.0, 0.2])
@pytest.mark.parametrize("place", ["held", "past the gate", "in the box"])
def test_a_core_that_is_back_while_the_note_still_moves_waits_for_its_fate(kiosk, place, rest_s):
    kiosk.rest_after_death_s = rest_s
    come(kiosk)
    push(kiosk, 500)
    until(kiosk, lambda: note_is(kiosk, place))
    kiosk.kill()

    count = settle(kiosk)
    truth = kiosk.validator.truth
    assert (count.uncertain, count.orphans) == (0, 0)
    assert len(truth.returned) + len(kiosk.credited()) == 1


def test_killed_before_any_act_of_a_note_the_core_comes_back_to_the_same_money(home):
    for acts in count():
        assert acts < OPERATIONS_MAX
        kiosk = Kiosk(home, HASTY, random.Random(acts))
        come(kiosk)
        put_in(kiosk, 100)
        push(kiosk, 500)
        kiosk.acts_left = acts
        until(kiosk, lambda kiosk=kiosk: kiosk.validator.truth.is_empty)
        kiosk.wait(1.0)
        was_killed, kiosk.acts_left = kiosk.kills, None

        counted = settle(kiosk)
        notes = 600 - sum(kiosk.validator.truth.returned)
        assert paid(kiosk) == [(FIRST, notes)], f"killed before act {acts}"
        assert (counted.uncertain, counted.orphans) == (0, 0)
        if not was_killed:
            break


def test_on_a_line_that_damages_every_third_answer_each_note_counts_once(home):
    line = ccnet.Quirks(damaged_answers=set(range(0, 100_000, 3)), noise=b"\x00\x02\x03\xff")
    kiosk = Kiosk(home, HASTY, random.Random(1), line)
    pay(kiosk, 500, 500)

    count = settle(kiosk)
    assert paid(kiosk) == [(FIRST, 1000)]
    assert (count.uncertain, count.orphans) == (0, 0)


@pytest.mark.parametrize("status", [Status.ESCROW, Status.STACKED, Status.POWER_UP_IN_STACKER])
def test_what_the_validator_said_before_the_crash_is_not_heard_by_the_next_start(kiosk, status):
    """The port still holds an answer that the dead core never read; it would be a second note."""
    come(kiosk)
    put_in(kiosk, 500)
    stale = encode(encode_poll(Poll(status, TYPE_OF_5000)))
    wire, heard = kiosk.to_validator, []

    def open_port():
        link = Wire.open(wire)
        kiosk.time.call_later(0.0, lambda: heard.append(link.deliver(stale)))
        return link

    wire.open = open_port
    kiosk.kill()

    count = settle(kiosk)
    assert heard
    assert paid(kiosk) == [(FIRST, 500)]
    assert (count.uncertain, count.orphans) == (0, 0)


def test_a_note_that_slips_in_while_the_terminal_is_dark_belongs_to_nobody_and_is_shown(kiosk):
    for note in (500, 1000):
        come(kiosk)
        push(kiosk, note)
        until(kiosk, lambda: kiosk.validator.truth.head is not None)
        assert kiosk.journal.open_intent() is None
        kiosk.cut_power("keep")
        kiosk.validator.truth.pass_gate()
        kiosk.restore_power()
        kiosk.calm_down()

    count = settle(kiosk)
    assert (paid(kiosk), count.orphans) == ([], 2)
    assert "orphan_note" in shown(kiosk)


@pytest.mark.parametrize("place", ["held", "past the gate"])
def test_who_pulls_at_an_accepted_note_is_noted_and_gets_no_more_than_the_box_holds(kiosk, place):
    come(kiosk)
    push(kiosk, 500)
    until(kiosk, lambda: note_is(kiosk, place))
    kiosk.do(kiosk.to_validator, "cheat")
    until(kiosk, lambda: "cheated" in shown(kiosk))

    count = settle(kiosk)
    assert sum(units for _, units in paid(kiosk)) == sum(kiosk.validator.truth.cassette)
    assert count.uncertain == 0


def test_an_accepted_note_that_jams_and_is_given_back_is_no_credit(kiosk):
    come(kiosk)
    push(kiosk, 500)
    until(kiosk, lambda: note_is(kiosk, "held"))
    kiosk.do(kiosk.to_validator, "jam")
    kiosk.wait(30.0)
    kiosk.do(kiosk.to_validator, "clear")

    settle(kiosk)
    assert (paid(kiosk), kiosk.validator.truth.returned) == ([], [500])


@pytest.mark.parametrize("off_s", [0.5, 30.0])
@pytest.mark.parametrize("place", ["held", "past the gate"])
def test_a_cassette_that_is_taken_out_under_a_moving_note_costs_nobody_the_note(kiosk, place, off_s):
    come(kiosk)
    push(kiosk, 500)
    until(kiosk, lambda: note_is(kiosk, place))
    kiosk.do(kiosk.to_validator, "take_cassette_out")
    kiosk.wait(off_s)
    kiosk.do(kiosk.to_validator, "put_cassette_in")

    count = settle(kiosk)
    assert (count.uncertain, count.orphans) == (0, 0)
    assert len(kiosk.validator.truth.returned) + len(kiosk.credited()) == 1


def test_each_cassette_is_written_down_with_what_lies_in_it(kiosk):
    pay_to_the_end(kiosk, 500)
    kiosk.do(kiosk.to_validator, "take_cassette_out")
    kiosk.wait(NOTICED_S)
    kiosk.empty_cassette()
    kiosk.calm_down()
    pay_to_the_end(kiosk, 100, account=SECOND)
    kiosk.staff_say(lambda terminal: terminal.collect_cash("collector"))
    kiosk.do(kiosk.to_validator, "take_cassette_out")
    kiosk.wait(NOTICED_S)
    kiosk.do(kiosk.to_validator, "put_cassette_in")
    until(kiosk, lambda: not kiosk.journal.cassette_is_out())
    kiosk.staff_say(lambda terminal: terminal.put_cassette_back("technician"))

    settle(kiosk)
    (collection,) = kiosk.journal.collections()
    assert (collection.by, collection.cassette.notes) == ("collector", ((50000, 1),))
    assert (kiosk.journal.cassette(), kiosk.journal.removals()) == ({10000: 1}, ())


def test_a_note_that_fell_unheard_into_a_cassette_that_left_is_named_on_both_slips(kiosk):
    pay_to_the_end(kiosk, 100)
    come(kiosk)
    push(kiosk, 500)
    until(kiosk, lambda: note_is(kiosk, "past the gate"))
    kiosk.rest_after_death_s = 8.0
    kiosk.time.call_later(6.0, lambda: kiosk.do(kiosk.to_validator, "take_cassette_out"))
    kiosk.kill()
    kiosk.wait(NOTICED_S)
    kiosk.empty_cassette()
    kiosk.calm_down()
    kiosk.staff_say(lambda terminal: terminal.collect_cash("collector"))

    assert kiosk.collected == [100, 500]
    (collection,) = kiosk.journal.collections()
    assert collection.cassette.notes == ((10000, 1),)
    assert collection.cassette.perhaps_behind == kiosk.journal.lies_in_cassette().perhaps_before == (2,)


# --- journal and disk -------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("how", LOST_OR_TORN)
def test_the_disk_loses_power_before_any_operation_of_a_visit_and_its_file(home, how, monkeypatch):
    for operation in count():
        assert operation < OPERATIONS_MAX
        kiosk = Kiosk(home, HASTY, random.Random(operation))
        kiosk.wait_for_screen("attract")
        monkeypatch.setattr(kiosk.chance, "choice", lambda _: how)
        kiosk.disk.cut_before = kiosk.disk.operations + operation
        visit_until_cut(kiosk)
        was_cut, kiosk.disk.cut_before = kiosk.cuts, None

        check_with_one_visit(kiosk)
        if not was_cut:
            break


def visit_until_cut(kiosk):
    """A visit of one note and its file; whoever finds the screen dark goes home."""
    kiosk.go_to_cash(FIRST)
    while kiosk.screen == "cash" and not kiosk.cuts and not kiosk.insert(500):
        kiosk.wait(0.1)
    while kiosk.screen == "cash" and not kiosk.cuts and not kiosk.view.inserted.startswith("500"):
        kiosk.wait(0.1)
    kiosk.touch("finish")
    kiosk.wait(20.0)
    kiosk.export_now()


def check_with_one_visit(kiosk):
    settle(kiosk)
    assert sum(units for _, units in paid(kiosk)) == sum(kiosk.validator.truth.cassette)


@pytest.mark.parametrize("place", ["held", "past the gate", "in the box"])
def test_after_a_sync_that_failed_the_core_ends_and_begins_with_what_the_disk_holds(kiosk, place):
    come(kiosk)
    push(kiosk, 500)
    until(kiosk, lambda: note_is(kiosk, place))
    kiosk.disk.sync_fails = True

    count = settle(kiosk)
    assert kiosk.failures == 1
    assert (count.uncertain, count.orphans) == (0, 0)
    assert sum(units for _, units in paid(kiosk)) == sum(kiosk.validator.truth.cassette)


@pytest.mark.parametrize("how", LOST_OR_KEPT)
def test_the_disk_loses_power_before_any_operation_of_a_checkpoint(home, how, monkeypatch):
    kiosk = Kiosk(home, HASTY, random.Random(1))
    monkeypatch.setattr(kiosk.chance, "choice", lambda _: how)
    for operation in count():
        assert operation < OPERATIONS_MAX
        pay_to_the_end(kiosk, 100)
        head, cuts = kiosk.journal.head(), kiosk.cuts
        kiosk.disk.cut_before = kiosk.disk.operations + operation
        kiosk.live(kiosk.journal.checkpoint)
        was_cut, kiosk.disk.cut_before = kiosk.cuts > cuts, None
        until(kiosk, lambda: kiosk.journal is not None)

        assert kiosk.journal.head() >= head
        if not was_cut:
            break
    settle(kiosk)
    assert len(kiosk.credited()) == operation + 1


# --- fiscal -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", MODELS, ids=MODEL_NAMES)
def test_killed_before_any_act_of_a_receipt_there_is_one_document(home, model):
    for acts in count():
        assert acts < OPERATIONS_MAX
        kiosk = Kiosk(home, HASTY, random.Random(acts), registrar=model)
        come(kiosk)
        put_in(kiosk, 500)
        kiosk.acts_left = acts
        kiosk.touch("finish")
        kiosk.wait(20.0)
        was_killed, kiosk.acts_left = kiosk.kills, None

        assert settle(kiosk).documents == 1
        if not was_killed:
            break


@pytest.mark.parametrize("after_s", [0.05, 0.1, 0.2, 0.4, 0.8, 1.5, 3.0, 6.0])
def test_the_lights_go_out_while_the_receipt_is_made_and_there_is_one_document(any_kiosk, after_s):
    pay(any_kiosk, 500)
    any_kiosk.wait(after_s)
    any_kiosk.lose_power(1.0, "lose")

    assert settle(any_kiosk).documents == 1


@pytest.mark.parametrize("lines", [1, 5, 10, 20, 30])
def test_paper_that_ends_in_the_receipt_makes_no_second_document(any_kiosk, lines):
    any_kiosk.do(any_kiosk.to_registrar, "put_paper_in", lines=lines)
    come(any_kiosk)
    put_in(any_kiosk, 500)
    any_kiosk.touch("finish")
    any_kiosk.wait(60.0)
    any_kiosk.do(any_kiosk.to_registrar, "put_paper_in")

    assert settle(any_kiosk).documents == 1


def test_a_cover_that_is_opened_in_the_receipt_makes_no_second_document(any_kiosk):
    pay(any_kiosk, 500)
    any_kiosk.wait(0.3)
    any_kiosk.do(any_kiosk.to_registrar, "open_cover")
    any_kiosk.wait(60.0)
    any_kiosk.do(any_kiosk.to_registrar, "close_cover")

    assert settle(any_kiosk).documents == 1


def test_while_the_registrar_is_dead_no_note_is_taken_and_what_is_owed_gets_its_document_later(any_kiosk):
    come(any_kiosk)
    put_in(any_kiosk, 500)
    any_kiosk.live(any_kiosk.to_registrar.unplug)
    any_kiosk.touch("finish")
    until(any_kiosk, lambda: any_kiosk.screen == "out_of_service")
    any_kiosk.wait(3600.0)
    assert any_kiosk.validator.enabled == []
    assert not any_kiosk.insert(500)
    any_kiosk.to_registrar.plug()

    settle(any_kiosk)
    assert paid(any_kiosk) == [(FIRST, 500)]


def test_a_shift_that_is_older_than_a_day_is_closed_and_the_receipt_made_in_the_next(any_kiosk):
    pay_to_the_end(any_kiosk, 100)
    come(any_kiosk)
    put_in(any_kiosk, 500)
    any_kiosk.do(any_kiosk.to_registrar, "move_clock", 25)
    any_kiosk.touch("finish")

    assert settle(any_kiosk).documents == 2
    assert len({one.shift for one in receipts(any_kiosk)}) == 2


def test_a_full_fiscal_drive_stops_the_cash_and_the_payment_waits_for_the_next_drive(any_kiosk):
    come(any_kiosk)
    put_in(any_kiosk, 500)
    any_kiosk.registrar.faults.drive = any_kiosk.model.drive_is_full
    any_kiosk.touch("finish")
    until(any_kiosk, lambda: "registrar_drive" in shown(any_kiosk))
    assert any_kiosk.validator.enabled == []
    assert not receipts(any_kiosk)
    any_kiosk.do(any_kiosk.to_registrar, "swap_drive", "9999078900005678")
    any_kiosk.do(any_kiosk.to_registrar, "clear")

    assert settle(any_kiosk).documents == 1


def test_a_new_fiscal_drive_numbers_from_one_and_no_payment_is_taken_for_registered(any_kiosk):
    pay_to_the_end(any_kiosk, 500)
    any_kiosk.do(any_kiosk.to_registrar, "swap_drive", "9999078900005678")
    pay_to_the_end(any_kiosk, 500)

    assert settle(any_kiosk).documents == 2
    assert [one.document.drive_serial for one in any_kiosk.credited()] == [
        "9999078900001234",
        "9999078900005678",
    ]


# --- files out --------------------------------------------------------------------------------------------------------


def test_a_stick_that_is_pulled_before_any_operation_costs_no_payment_its_file(home):
    for operation in count():
        assert operation < OPERATIONS_MAX
        kiosk = Kiosk(home, HASTY, random.Random(operation))
        pay(kiosk, 500)
        until(kiosk, lambda kiosk=kiosk: receipts(kiosk) and kiosk.is_calm())
        first = kiosk.stick
        first.pulled_before = first.disk.operations + operation
        kiosk.export_now()
        was_refused = kiosk.journal.batches(only_unwritten=True)
        kiosk.pull_stick()
        kiosk.stick = kiosk.new_stick()

        settle(kiosk)
        if not was_refused:
            break


@pytest.mark.parametrize("how", LOST_OR_TORN)
def test_the_disk_loses_power_between_the_file_and_its_mark_and_the_same_bytes_are_written_again(
    home, how, monkeypatch
):
    for operation in count():
        assert operation < OPERATIONS_MAX
        kiosk = Kiosk(home, HASTY, random.Random(operation))
        monkeypatch.setattr(kiosk.chance, "choice", lambda _: how)
        pay(kiosk, 500)
        until(kiosk, lambda kiosk=kiosk: receipts(kiosk) and kiosk.is_calm())
        kiosk.disk.cut_before = kiosk.disk.operations + operation
        kiosk.export_now()
        was_cut, kiosk.disk.cut_before = kiosk.cuts, None
        kiosk.pull_stick()
        kiosk.stick = kiosk.new_stick()

        settle(kiosk)
        if not was_cut:
            break


@pytest.mark.parametrize(
    "trouble", [{"room_bytes": 100}, {"writes_fail": True}, {"reads_fail": True}, {"lies": True}]
)
def test_a_stick_that_cannot_be_written_or_lies_is_told_and_the_batch_waits_for_the_next(kiosk, trouble):
    for name, value in trouble.items():
        setattr(kiosk.stick.disk, name, value)
    pay(kiosk, 500)
    until(kiosk, lambda: receipts(kiosk) and kiosk.is_calm())
    kiosk.export_now()

    until(kiosk, lambda: "export_failed" in shown(kiosk))
    assert [one.is_written for one in kiosk.journal.batches()] == [False]
    kiosk.pull_stick()
    kiosk.stick = kiosk.new_stick()
    settle(kiosk)
    until(kiosk, lambda: "export_failed" not in shown(kiosk))


# --- files in ---------------------------------------------------------------------------------------------------------


def test_new_data_in_the_middle_of_a_visit_are_for_the_next_customer(kiosk):
    kiosk.wait_for_screen("attract")
    kiosk.touch("choose_service", service="internet")
    kiosk.touch("enter_account", account=FIRST)
    before = kiosk.journal.last_snapshot()
    load_file(kiosk, SAMPLE.replace(FIRST.encode(), b"4038172957"))

    kiosk.touch("confirm_account")
    put_in(kiosk, 500)
    assert kiosk.journal.last_snapshot() == before
    kiosk.touch("finish")
    settle(kiosk)
    assert kiosk.journal.last_snapshot() != before
    assert paid(kiosk) == [(FIRST, 500)]
    kiosk.touch("choose_service", service="internet")
    kiosk.touch("enter_account", account=FIRST)
    assert kiosk.screen == "account"


def load_file(kiosk, content):
    """The real importer takes a file, and the core hears of it."""
    home = kiosk.home
    file = home.run / "subscribers.csv"
    file.write_bytes(content)
    outcome = Job(home, HASTY, find_profile(home, "kassa_csv"), file, home.run / "reports").run()
    assert outcome.status == "imported"
    kiosk.tell_core(SnapshotReady(outcome.file, outcome.sha256, outcome.accounts, outcome.accepted))


# --- time, cuts, people -----------------------------------------------------------------------------------------------

WALL_CLOCKS = (
    NOON.replace(year=2016),
    NOON + timedelta(hours=1),
    NOON - timedelta(hours=1),
    datetime(2038, 1, 19, 3, 14, 5),  # noqa: DTZ001 - what a wall shows
    datetime(2028, 2, 29, 23, 59, 58),  # noqa: DTZ001 - what a wall shows
)


@pytest.mark.parametrize("wall", WALL_CLOCKS, ids=str)
def test_a_clock_that_jumps_in_a_payment_changes_neither_its_end_nor_the_order(kiosk, wall):
    come(kiosk)
    put_in(kiosk, 500)
    kiosk.clock.jumped += wall.replace(tzinfo=UTC) - kiosk.clock.now()
    began = kiosk.time.time()
    until(kiosk, kiosk.credited)
    waited_s = kiosk.time.time() - began
    pay_to_the_end(kiosk, 100, account=SECOND)

    assert HASTY.cash.idle_timeout_s - 1 <= waited_s <= HASTY.cash.idle_timeout_s + 2
    settle(kiosk)
    assert paid(kiosk) == [(FIRST, 500), (SECOND, 100)]


@pytest.mark.parametrize("wall", WALL_CLOCKS, ids=str)
def test_a_clock_that_is_wrong_at_a_start_changes_nothing_of_a_note_in_flight(kiosk, wall):
    come(kiosk)
    push(kiosk, 500)
    until(kiosk, lambda: note_is(kiosk, "past the gate"))
    kiosk.cut_power("lose")
    kiosk.clock.jumped += wall.replace(tzinfo=UTC) - kiosk.clock.now()
    kiosk.restore_power()

    settle(kiosk)
    assert paid(kiosk) == [(FIRST, 500)]


def test_twenty_cuts_within_a_minute_lose_no_note_and_no_document(kiosk):
    come(kiosk)
    put_in(kiosk, 100)
    push(kiosk, 500)
    until(kiosk, lambda: note_is(kiosk, "past the gate"))
    for turn in range(20):
        kiosk.lose_power(0.5, LOST_OR_KEPT[turn % len(LOST_OR_KEPT)])
        kiosk.wait(0.1 * turn)

    count = settle(kiosk)
    assert paid(kiosk) == [(FIRST, 600)]
    assert (count.uncertain, count.orphans, kiosk.cuts) == (0, 0, 20)


@pytest.mark.slow
@pytest.mark.parametrize("how", LOST_OR_TORN)
def test_the_power_goes_in_the_recovery_and_again_in_the_recovery_of_that(home, how, monkeypatch):
    for operation in count():
        assert operation < OPERATIONS_MAX
        kiosk = Kiosk(home, HASTY, random.Random(operation))
        monkeypatch.setattr(kiosk.chance, "choice", lambda _: how)
        come(kiosk)
        push(kiosk, 500)
        until(kiosk, lambda kiosk=kiosk: note_is(kiosk, "past the gate"))
        kiosk.cut_power(how)
        for _ in range(2):
            kiosk.disk.cut_before = operation
            kiosk.restore_power()
            until(kiosk, lambda kiosk=kiosk: not kiosk.has_power or kiosk.is_calm(), 0.5)
        was_cut, kiosk.disk.cut_before = kiosk.cuts > 1, None
        kiosk.restore_power()

        counted = settle(kiosk)
        assert paid(kiosk) == [(FIRST, 500)], f"cut before operation {operation} of the recovery"
        assert (counted.uncertain, counted.orphans) == (0, 0)
        if not was_cut:
            break


def test_who_walks_away_has_his_own_money_and_the_next_customer_has_his(kiosk):
    come(kiosk, FIRST)
    put_in(kiosk, 500)
    kiosk.touch("cancel")
    kiosk.touch("choose_service", service="internet")
    assert kiosk.view.account == FIRST
    until(kiosk, lambda: kiosk.credited())
    pay_to_the_end(kiosk, 100, account=SECOND)

    settle(kiosk)
    assert paid(kiosk) == [(FIRST, 500), (SECOND, 100)]


@pytest.mark.parametrize("how", LOST_OR_KEPT)
def test_a_cassette_that_is_changed_in_an_open_payment_and_a_cut_meanwhile_lose_no_note(kiosk, how):
    come(kiosk)
    put_in(kiosk, 500)
    kiosk.count_fallen()
    kiosk.do(kiosk.to_validator, "take_cassette_out")
    kiosk.wait(NOTICED_S)
    kiosk.empty_cassette()
    kiosk.lose_power(1.0, how)
    kiosk.calm_down()
    pay_to_the_end(kiosk, 100, account=SECOND)
    kiosk.staff_say(lambda terminal: terminal.collect_cash("collector"))

    settle(kiosk)
    assert (kiosk.collected, kiosk.validator.truth.cassette) == ([500], [100])
    assert paid(kiosk) == [(FIRST, 500), (SECOND, 100)]
    assert [one.cassette.notes for one in kiosk.journal.collections()] == [((50000, 1),)]
    assert kiosk.journal.cassette() == {10000: 1}


def test_killed_before_any_act_of_a_collection_it_is_written_once_or_not_at_all(home):
    for act in count():
        kiosk = Kiosk(home, HASTY, random.Random(act))
        pay_to_the_end(kiosk, 500)
        kiosk.do(kiosk.to_validator, "take_cassette_out")
        kiosk.wait(NOTICED_S)
        kiosk.empty_cassette()
        kiosk.acts_left = act
        kiosk.staff_say(lambda terminal: terminal.collect_cash("collector"))
        was_killed, kiosk.acts_left = kiosk.kills > 0, None
        kiosk.calm_down()
        if not kiosk.journal.collections():
            kiosk.staff_say(lambda terminal: terminal.collect_cash("collector"))
        settle(kiosk)
        assert [one.cassette.notes for one in kiosk.journal.collections()] == [((50000, 1),)]
        kiosk.close()
        if not was_killed:
            return
