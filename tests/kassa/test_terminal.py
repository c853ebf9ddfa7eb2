"""The terminal between its ports: facts in, entries and commands out."""

import random
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import apsw
import msgspec
import pytest
from entry_stories import visit
from simulated_disk import SimulatedDisk, plugged

from kassa.config import load
from kassa.fiscal.copy import CopyRefused
from kassa.fiscal.doubt import DoubtDecisionRefused, FoundDocument
from kassa.fiscal.late import LateDecisionRefused
from kassa.home import Home, data_folder
from kassa.journal import entries as e
from kassa.journal.store import CHECKED_AT_OPEN, Journal, JournalFailed, JournalFull
from kassa.money import of_whole
from kassa.ports import (
    CloseShift,
    CountShift,
    DisableNotes,
    Document,
    DocumentRegistered,
    EnableNotes,
    Evidence,
    ExportEnded,
    FileWritten,
    NoteEscrowed,
    NoteStacked,
    NotRegistered,
    PrintText,
    PrintXReport,
    RegisterReceipt,
    RegistrarLost,
    RegistrarStatus,
    RegistrationStarting,
    ReportFailed,
    ReturnNote,
    SettleReceipt,
    ShiftClosed,
    ShiftCounted,
    ShiftOpened,
    ShiftState,
    SnapshotReady,
    StackNote,
    TextPrinted,
    ValidatorChanged,
    ValidatorLost,
    ValidatorReady,
    ValidatorState,
)
from kassa.rules.view import NoteMotion, ScreenName
from kassa.terminal import Devices, IntentRefused, Terminal

NOTES = tuple(of_whole(units) for units in (50, 100, 500, 1000, 5000))
FIVE_HUNDRED = of_whole(500)
READY = RegistrarStatus("ШТРИХ", "9999078900001234", ShiftState.OPEN, 57, 1234, 0)
SAMPLE = data_folder() / "examples" / "subscribers.csv"


class HandClock:
    """Time that passes when the test says so."""

    def __init__(self):
        self.seconds = 1000.0

    def monotonic(self):
        return self.seconds

    def now(self):
        return datetime(2026, 11, 24, 12, tzinfo=UTC) + timedelta(seconds=self.seconds)


class Ports:
    """A terminal between ports that the test holds; `restart` is a crash: nothing is said goodbye to."""

    def __init__(self, path, import_sample):
        self.home = Home(path)
        self.home.make()
        import_sample(self.home)
        self.clock = HandClock()
        self.config = load(data_folder() / "examples" / "kassa.toml")
        self.journal = None
        self.start()

    def start(self):
        self.to_validator, self.to_registrar, self.exports = [], [], []
        self.journal = Journal.open(self.home.journal, self.clock)
        self.terminal = Terminal(
            self.config, self.home, self.journal, self.clock,
            self.devices(),
        )  # fmt: skip

    def devices(self):
        return Devices(self.to_validator.append, self.to_registrar.append, lambda: self.exports.append(1))

    def restart(self):
        self.journal.close()
        self.start()

    def make_ready(self, evidence=Evidence.NOTHING):
        self.terminal.dispatch(ValidatorReady("SM", "1", NOTES, evidence))
        self.terminal.dispatch(READY)

    def go_to_cash(self):
        self.terminal.intend("choose_service", {"service": "internet"})
        self.terminal.intend("enter_account", {"account": "4038172956"})
        self.terminal.intend("confirm_account", {})

    def insert(self, value):
        self.terminal.dispatch(NoteEscrowed(value))
        self.terminal.dispatch(NoteStacked(value))

    def wait(self, seconds):
        self.clock.seconds += seconds
        self.terminal.tick()

    @property
    def view(self):
        return self.terminal.view


@pytest.fixture(scope="session")
def sample_home(tmp_path_factory):
    """A home with the sample data, imported once by the real worker."""
    import subprocess
    import sys

    home = Home(tmp_path_factory.mktemp("sample") / "home")
    words = [sys.executable, "-m", "kassa.cli.main", "--home", str(home.path)]
    subprocess.run([sys.executable, "-m", "kassa.cli.main", "init", str(home.path), "--demo"], check=True)
    subprocess.run([*words, "import", "run", str(SAMPLE), "--profile", "kassa_csv"], check=True)
    return home


@pytest.fixture
def ports(tmp_path, sample_home):
    def import_sample(home):
        import shutil

        shutil.copytree(sample_home.snapshots, home.snapshots, symlinks=True, dirs_exist_ok=True)

    made = Ports(tmp_path / "home", import_sample)
    yield made
    made.journal.close()


def test_until_both_devices_have_spoken_nobody_can_pay(ports):
    assert ports.view.screen is ScreenName.OUT_OF_SERVICE
    assert ports.view.reason == "starting"
    ports.make_ready()
    assert ports.view.screen is ScreenName.ATTRACT


def test_a_device_that_never_speaks_is_named_after_a_while(ports):
    ports.terminal.dispatch(READY)
    ports.wait(16)
    ports.wait(4)
    assert ports.view.reason == "validator_lost"


def test_the_slot_opens_only_for_a_confirmed_account(ports):
    ports.make_ready()
    assert ports.to_validator == [DisableNotes()]
    ports.go_to_cash()
    assert ports.to_validator[-1] == EnableNotes(frozenset(NOTES))


def test_a_note_is_durable_before_the_validator_is_told_to_stack_it(ports):
    ports.make_ready()
    ports.go_to_cash()
    ports.terminal.dispatch(NoteEscrowed(FIVE_HUNDRED))

    assert ports.to_validator[-1] == StackNote()
    assert ports.journal.open_intent().value == 50000
    assert ports.view.note is NoteMotion.STACKING
    assert ports.view.inserted == "0.00"


def test_a_visit_ends_with_a_document_in_the_journal_and_thanks_on_the_screen(ports):
    ports.make_ready()
    ports.go_to_cash()
    ports.insert(FIVE_HUNDRED)
    assert ports.view.inserted == "500.00"
    ports.terminal.intend("finish", {})

    [asked] = ports.to_registrar
    assert isinstance(asked, RegisterReceipt)
    payment = asked.receipt.payment
    ports.terminal.dispatch(RegistrationStarting(payment, READY.drive_serial, 1234))
    document = Document(1235, 77, ports.clock.now(), FIVE_HUNDRED, READY.drive_serial, 57)
    ports.terminal.dispatch(DocumentRegistered(payment, document))

    assert ports.view.screen is ScreenName.THANKS
    assert ports.view.document.number == 1235
    assert ports.journal.payment(payment).document.number == 1235


# --- the electronic receipt ------------------------------------------------------------------------------------------


CONTACT = "ivan.petrov@example.ru"


def leave_contact(ports):
    ports.make_ready()
    ports.go_to_cash()
    ports.terminal.intend("ask_contact", {})
    ports.terminal.intend("enter_contact", {"contact": CONTACT})


def test_the_receipt_carries_the_contact_that_was_left(ports):
    leave_contact(ports)
    ports.insert(FIVE_HUNDRED)
    ports.terminal.intend("finish", {})
    assert [asked.receipt.contact for asked in ports.to_registrar] == [CONTACT]


def test_who_left_no_contact_has_none_on_the_receipt_and_nobody_elses(ports):
    test_the_receipt_carries_the_contact_that_was_left(ports)
    make_document(ports, 1235)
    ports.terminal.intend("finish", {})
    ports.go_to_cash()
    assert ports.view.contact is None
    ports.insert(FIVE_HUNDRED)
    ports.terminal.intend("finish", {})
    assert ports.to_registrar[-1].receipt.contact is None


def make_document(ports, number):
    payment = ports.to_registrar[-1].receipt.payment
    ports.terminal.dispatch(RegistrationStarting(payment, READY.drive_serial, number - 1))
    document = Document(number, 77, ports.clock.now(), FIVE_HUNDRED, READY.drive_serial, 57)
    ports.terminal.dispatch(DocumentRegistered(payment, document))


def test_the_contact_outlives_a_crash_with_the_note_in_flight(ports):
    leave_contact(ports)
    ports.terminal.dispatch(NoteEscrowed(FIVE_HUNDRED))
    ports.restart()
    ports.terminal.dispatch(NoteStacked(FIVE_HUNDRED, at_start=True))
    ports.make_ready()
    ports.terminal.intend("finish", {})
    assert ports.to_registrar[-1].receipt.contact == CONTACT


def test_a_receipt_that_is_owed_or_was_interrupted_carries_the_contact_after_a_restart(ports):
    leave_contact(ports)
    ports.insert(FIVE_HUNDRED)
    ports.terminal.intend("finish", {})
    ports.wait(41)
    assert ports.view.notice == "receipt_owed"

    ports.restart()
    ports.make_ready()
    assert ports.to_registrar[-1].receipt.contact == CONTACT
    ports.terminal.dispatch(
        RegistrationStarting(ports.to_registrar[-1].receipt.payment, READY.drive_serial, 1234)
    )
    ports.restart()
    ports.make_ready()
    assert isinstance(ports.to_registrar[-1], SettleReceipt)
    assert ports.to_registrar[-1].receipt.contact == CONTACT


def test_while_a_contact_is_typed_the_slot_is_closed_and_then_open_again(ports):
    ports.make_ready()
    ports.go_to_cash()
    ports.terminal.intend("ask_contact", {})
    assert ports.to_validator[-1] == DisableNotes()
    ports.terminal.intend("cancel", {})
    assert ports.to_validator[-1] == EnableNotes(frozenset(NOTES))


def test_who_walks_away_while_typing_leaves_the_first_screen_and_nothing_else(ports):
    leave_contact(ports)
    ports.terminal.intend("ask_contact", {})
    ports.terminal.intend("set_language", {"language": "en"})
    assert (ports.view.screen, ports.view.language) == (ScreenName.CONTACT, "en")
    ports.wait(61)
    assert ports.view.screen is ScreenName.ATTRACT
    assert ports.journal.payments() == []


def test_a_wrong_contact_is_answered_on_the_screen(ports):
    leave_contact(ports)
    ports.terminal.intend("ask_contact", {})
    with pytest.raises(IntentRefused) as refused:
        ports.terminal.intend("enter_contact", {"contact": "+74951234567"})
    assert refused.value.code == ports.view.notice == "contact_phone_wrong"


def test_what_was_left_is_in_no_log_no_status_and_on_no_screen(ports, caplog):
    caplog.set_level("DEBUG")
    seen = []
    ports.terminal.follow(seen.append)
    leave_contact(ports)
    ports.terminal.intend("ask_contact", {})
    with suppress(IntentRefused):
        ports.terminal.intend("enter_contact", {"contact": f"{CONTACT}@"})
    ports.terminal.intend("cancel", {})
    ports.insert(FIVE_HUNDRED)
    ports.restart()
    ports.make_ready()
    ports.terminal.intend("finish", {})
    make_document(ports, 1235)

    assert "an unfinished visit goes on" in caplog.text
    for told in (caplog.text, repr(ports.terminal.status()), repr(seen), repr(ports.journal.payments())):
        assert "ivan" not in told
        assert "petrov" not in told


def test_after_a_crash_with_a_note_in_flight_the_device_says_what_became_of_it(ports):
    ports.make_ready()
    ports.go_to_cash()
    ports.terminal.dispatch(NoteEscrowed(FIVE_HUNDRED))
    ports.restart()

    assert ports.view.screen is ScreenName.CASH
    ports.terminal.dispatch(NoteStacked(FIVE_HUNDRED, at_start=True))
    ports.make_ready()
    assert ports.view.inserted == "500.00"
    assert ports.journal.cassette() == {50000: 1}


def test_after_a_crash_behind_the_commit_the_repeated_event_is_no_second_credit(ports):
    ports.make_ready()
    ports.go_to_cash()
    ports.insert(FIVE_HUNDRED)
    ports.restart()

    ports.terminal.dispatch(NoteStacked(FIVE_HUNDRED, at_start=True))
    assert ports.view.inserted == "500.00"
    assert ports.journal.cassette() == {50000: 1}


def test_after_a_crash_in_a_receipt_it_is_settled_and_not_printed_again(ports):
    ports.make_ready()
    ports.go_to_cash()
    ports.insert(FIVE_HUNDRED)
    ports.terminal.intend("finish", {})
    payment = ports.to_registrar[0].receipt.payment
    ports.terminal.dispatch(RegistrationStarting(payment, READY.drive_serial, 1234))
    ports.restart()
    assert ports.view.screen is ScreenName.PRINTING

    ports.terminal.dispatch(READY)
    assert isinstance(ports.to_registrar[-1], SettleReceipt)
    assert ports.to_registrar[-1].last_document == 1234


def test_who_walks_away_has_his_money_credited(ports):
    ports.make_ready()
    ports.go_to_cash()
    ports.insert(FIVE_HUNDRED)
    ports.wait(91)
    [payment] = ports.journal.payments()
    assert (payment.state, payment.paid, payment.reason) == ("credited", 50000, "timeout")


def test_a_touch_gives_the_customer_more_time(ports):
    ports.make_ready()
    ports.go_to_cash()
    ports.insert(FIVE_HUNDRED)
    ports.wait(80)
    ports.terminal.intend("touch", {})
    ports.wait(80)
    assert ports.view.screen is ScreenName.CASH


def test_a_registrar_that_is_lost_closes_the_slot_at_once(ports):
    ports.make_ready()
    ports.go_to_cash()
    ports.terminal.dispatch(RegistrarLost("unplugged"))
    assert ports.to_validator[-1] == DisableNotes()
    assert ports.view.notice == "registrar_not_ready"


def test_a_validator_that_comes_back_gets_its_denominations_again(ports):
    ports.make_ready()
    ports.go_to_cash()
    ports.insert(FIVE_HUNDRED)
    ports.terminal.dispatch(ValidatorLost("unplugged"))
    ports.to_validator.clear()
    ports.terminal.dispatch(ValidatorReady("SM", "1", NOTES, Evidence.NOTHING))
    assert ports.to_validator == [EnableNotes(frozenset(NOTES))]
    assert ports.view.notice is None


def test_the_balance_counts_what_was_paid_here_since_the_data_were_made(ports):
    ports.make_ready()
    ports.go_to_cash()
    assert ports.view.balance == "-1284.60"
    ports.insert(FIVE_HUNDRED)
    ports.terminal.intend("finish", {})
    ports.wait(41)
    ports.wait(16)

    ports.go_to_cash()
    assert ports.view.balance == "-784.60"
    assert ports.view.paid_here == "500.00"


def test_an_unknown_account_is_refused_in_words_and_the_keypad_stays(ports):
    ports.make_ready()
    ports.terminal.intend("choose_service", {"service": "internet"})
    with pytest.raises(IntentRefused) as refused:
        ports.terminal.intend("enter_account", {"account": "9999999999"})
    assert refused.value.code == "account_not_found"
    assert ports.view.screen is ScreenName.ACCOUNT
    assert ports.view.notice == "account_not_found"


def test_new_data_wait_until_the_visit_is_over(ports):
    ports.make_ready()
    ports.go_to_cash()
    before = ports.view.data_at
    (ports.home.snapshots / "current").unlink()
    ports.terminal.dispatch(SnapshotReady("new.csv", "00" * 32, 1, 1))
    assert ports.view.data_at == before
    assert ports.terminal.status()["data"] is not None


def test_a_jam_that_lasts_takes_the_idle_terminal_out_of_service_and_is_cleared(ports):
    ports.make_ready()
    ports.terminal.dispatch(ValidatorChanged(ValidatorState.JAMMED, "note in the throat"))
    assert ports.view.screen is ScreenName.ATTRACT
    ports.wait(4)
    assert ports.view.reason == "validator_jammed"
    assert ports.journal.conditions()[0].code == "validator_jammed"

    ports.terminal.dispatch(ValidatorChanged(ValidatorState.DISABLED))
    assert ports.view.screen is ScreenName.ATTRACT
    assert ports.journal.conditions() == []


def test_notes_that_a_collector_must_know_of_are_counted_through_a_restart(ports):
    def told():
        return [
            one["detail"] for one in ports.terminal.status()["conditions"] if one["code"] == "orphan_note"
        ]

    ports.make_ready()
    for _ in range(2):
        ports.terminal.dispatch(NoteStacked(FIVE_HUNDRED))
    assert told() == ["2 notes"]
    ports.restart()
    ports.make_ready()
    ports.terminal.dispatch(NoteStacked(None))
    assert told() == ["3 notes"]


def test_who_takes_the_cassette_out_has_a_quarter_of_an_hour_to_say_what_became_of_it(ports):
    def is_shown():
        return "cassette_unexplained" in [one["code"] for one in ports.terminal.status()["conditions"]]

    ports.make_ready()
    ports.go_to_cash()
    ports.insert(FIVE_HUNDRED)
    ports.terminal.dispatch(ValidatorChanged(ValidatorState.CASSETTE_OUT))
    ports.terminal.dispatch(ValidatorReady("SM", "1", NOTES, Evidence.NOTHING))
    ports.terminal.dispatch(ValidatorChanged(ValidatorState.DISABLED))
    ports.wait(14 * 60)
    assert not is_shown()
    ports.restart()  # which does not begin the quarter of an hour anew
    assert not is_shown()
    ports.wait(61)
    assert is_shown()

    collected = ports.terminal.collect_cash("Petrov")
    assert collected.cassette.notes == ((50000, 1),)
    assert not is_shown()
    assert ports.terminal.status()["cassette"] == {}


def test_after_a_collection_the_notes_that_it_told_of_are_no_condition_any_more(ports):
    ports.make_ready()
    ports.terminal.dispatch(NoteStacked(FIVE_HUNDRED))
    assert [one.code for one in ports.journal.conditions()] == ["orphan_note"]
    ports.terminal.collect_cash("Petrov")
    assert ports.journal.conditions() == []


def test_a_language_lasts_as_long_as_the_visit(ports):
    ports.make_ready()
    ports.terminal.intend("set_language", {"language": "en"})
    ports.terminal.intend("start", {})
    assert ports.view.language == "en"
    ports.terminal.intend("cancel", {})
    assert ports.view.language == "ru"


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("fly", {}),
        ("set_language", {"language": "xx"}),
        ("set_language", {}),
        ("choose_service", {}),
        ("finish", {}),
    ],
)
def test_nonsense_is_refused_and_changes_nothing(ports, name, values):
    ports.make_ready()
    before = ports.view
    with pytest.raises(IntentRefused):
        ports.terminal.intend(name, values)
    assert ports.view == before


def test_the_view_is_told_to_followers_only_when_it_changed(ports):
    ports.make_ready()
    seen = []
    unfollow = ports.terminal.follow(seen.append)
    ports.wait(1)
    ports.wait(1)
    assert len(seen) == 1
    ports.terminal.intend("start", {})
    assert [view.screen for view in seen] == [ScreenName.ATTRACT, ScreenName.SERVICES]
    unfollow()
    ports.terminal.intend("cancel", {})
    assert len(seen) == 2


def test_what_the_registrar_repeats_is_logged_once(ports, caplog):
    caplog.set_level("INFO", "kassa.terminal")
    for _ in range(3):
        ports.terminal.dispatch(READY)
    assert sum("RegistrarStatus" in record.getMessage() for record in caplog.records) == 1


def test_a_stop_waits_until_the_slot_is_closed(ports):
    ports.make_ready()
    ports.go_to_cash()
    ports.terminal.dispatch(ValidatorChanged(ValidatorState.IDLING))
    ports.terminal.begin_stop()
    assert ports.to_validator[-1] == DisableNotes()
    assert ports.view.screen is not ScreenName.CASH
    assert not ports.terminal.is_quiet

    ports.terminal.dispatch(ValidatorChanged(ValidatorState.DISABLED))
    assert ports.terminal.is_quiet


def test_a_note_that_comes_while_the_terminal_stops_goes_back(ports):
    ports.make_ready()
    ports.go_to_cash()
    ports.insert(FIVE_HUNDRED)
    ports.terminal.begin_stop()
    ports.terminal.dispatch(NoteEscrowed(FIVE_HUNDRED))
    assert ports.to_validator[-1] == ReturnNote()
    assert ports.journal.payments()[0].paid == 50000


def test_a_note_that_is_being_stacked_while_the_terminal_stops_is_credited(ports):
    ports.make_ready()
    ports.go_to_cash()
    ports.terminal.dispatch(NoteEscrowed(FIVE_HUNDRED))
    ports.terminal.begin_stop()
    assert not ports.terminal.is_quiet
    ports.terminal.dispatch(NoteStacked(FIVE_HUNDRED))
    [payment] = ports.journal.payments()
    assert (payment.state, payment.paid, payment.reason) == ("credited", 50000, "stop")


def test_payment_files_are_asked_for_by_the_clock_and_what_lies_there_is_noted_once(ports):
    ports.make_ready()
    ports.go_to_cash()
    ports.insert(FIVE_HUNDRED)
    ports.terminal.intend("finish", {})
    ports.wait(41)
    assert ports.exports == []
    ports.wait(3600)
    assert ports.exports == [1]

    [file] = ports.terminal.waiting_files()
    assert [one.batch for one in ports.terminal.waiting_files()] == [file.batch]
    ports.terminal.dispatch(FileWritten(file.batch, file.name, "outbox"))
    ports.terminal.dispatch(FileWritten(file.batch, file.name, "outbox"))
    assert ports.terminal.waiting_files() == []
    assert ports.journal.batch(file.batch).is_written


def test_a_payment_file_that_cannot_be_written_is_a_condition_that_passes(ports):
    ports.make_ready()
    ports.terminal.dispatch(ExportEnded("the stick is not there"))
    assert [one.detail for one in ports.journal.conditions() if one.code == "export_failed"] == [
        "the stick is not there"
    ]

    ports.terminal.dispatch(ExportEnded())
    assert "export_failed" not in [condition.code for condition in ports.journal.conditions()]


def test_a_report_that_was_lost_with_the_registrar_holds_up_no_receipt(ports):
    ports.make_ready()
    ports.terminal.order_report(CloseShift())
    assert ports.terminal.report.is_waiting
    ports.terminal.dispatch(RegistrarLost("unplugged"))
    assert ports.terminal.report.problem == "unplugged"
    ports.terminal.dispatch(READY)

    ports.go_to_cash()
    ports.insert(FIVE_HUNDRED)
    ports.terminal.intend("finish", {})
    assert isinstance(ports.to_registrar[-1], RegisterReceipt)


def test_who_asks_for_a_report_learns_why_there_is_none(ports):
    ports.make_ready()
    ports.terminal.order_report(PrintXReport())
    with pytest.raises(IntentRefused, match="another report"):
        ports.terminal.order_report(CloseShift())
    ports.terminal.dispatch(ReportFailed("the shift is closed: there are no totals to print"))
    assert ports.terminal.report.problem == "the shift is closed: there are no totals to print"


def test_no_report_is_made_while_somebody_pays(ports):
    ports.make_ready()
    ports.go_to_cash()
    with pytest.raises(IntentRefused, match="a customer is paying"):
        ports.terminal.order_report(PrintXReport())


# --- what is remembered ----------------------------------------------------------------------------------------------


def anything(chance, ports):
    """One act of a customer, a device or time, whether it fits or not."""
    documents = [command.receipt for command in ports.to_registrar if isinstance(command, RegisterReceipt)]
    intents = (("choose_service", {"service": "internet"}), ("enter_account", {"account": "4038172956"}),
               ("confirm_account", {}), ("finish", {}), ("cancel", {}), ("set_language", {"language": "en"}),
               ("ask_contact", {}), ("enter_contact", {"contact": CONTACT}), ("remove_contact", {}))  # fmt: skip
    facts = (
        ValidatorLost("unplugged"), ValidatorReady("SM", "1", NOTES, Evidence.NOTHING), NoteEscrowed(FIVE_HUNDRED),
        NoteStacked(FIVE_HUNDRED), ValidatorChanged(ValidatorState.JAMMED), ValidatorChanged(ValidatorState.IDLING),
        READY, replace(READY, problem="registrar_paper_out"), RegistrarLost("unplugged"), SnapshotReady("", "", 1, 1),
    )  # fmt: skip
    match chance.choice(("visit", "visit", "visit", "intent", "fact", "time", "document")):
        case "visit":
            ports.make_ready()
            ports.go_to_cash()
            ports.insert(FIVE_HUNDRED)
        case "intent":
            ports.terminal.intend(*chance.choice(intents))
        case "fact":
            ports.terminal.dispatch(chance.choice(facts))
        case "time":
            ports.wait(chance.choice((1, 4, 20, 200)))
        case "document" if documents and ports.terminal.status()["documents_pending"]:
            receipt = documents[-1]
            ports.to_registrar.clear()
            at = ports.journal.last_document()
            number = at.number if at else 1234
            document = Document(number + 1, 1, ports.clock.now(), receipt.total, "9999078900001234", 57)
            ports.terminal.dispatch(RegistrationStarting(receipt.payment, "9999078900001234", number))
            ports.terminal.dispatch(DocumentRegistered(receipt.payment, document))


@pytest.mark.parametrize("seed", range(5))
def test_what_is_remembered_between_two_facts_is_what_is_so(ports, seed):
    """Rules, view and answers of the journal are made anew only when something has changed: nothing may be missed."""
    chance, shown = random.Random(seed), []
    ports.make_ready()
    ports.terminal.follow(shown.append)
    for _ in range(150):
        with suppress(IntentRefused):
            anything(chance, ports)

        remembered = ports.terminal._rules()
        ports.terminal._basis = None
        ports.journal._answers.clear()
        assert ports.terminal._rules() == remembered
        assert msgspec.structs.replace(shown[-1], timeout_s=None) == msgspec.structs.replace(
            ports.view, timeout_s=None
        )
    assert len({view.screen for view in shown}) > 5


# --- a disk that is full or fails ------------------------------------------------------------------------------------


@pytest.fixture
def on_a_bad_disk(ports):
    """The same terminal with its journal on a disk that the test can fill and break."""
    ports.journal.close()
    disk = SimulatedDisk()
    with plugged(disk) as vfs:
        ports.journal = Journal.open(Path("/journal.db"), ports.clock, vfs=vfs)
        config = load(data_folder() / "examples" / "kassa.toml")
        ports.terminal = Terminal(config, ports.home, ports.journal, ports.clock, ports.devices())
        ports.make_ready()
        ports.go_to_cash()
        ports.to_validator.clear()
        yield disk
        ports.journal.close()


def test_a_note_whose_intent_finds_no_room_is_never_stacked(ports, on_a_bad_disk):
    on_a_bad_disk.room_bytes = 0
    with pytest.raises(JournalFull):
        ports.terminal.dispatch(NoteEscrowed(FIVE_HUNDRED))
    assert StackNote() not in ports.to_validator


def test_a_note_whose_intent_could_not_be_synced_is_never_stacked(ports, on_a_bad_disk):
    on_a_bad_disk.sync_fails = True
    with pytest.raises(JournalFailed):
        ports.terminal.dispatch(NoteEscrowed(FIVE_HUNDRED))
    assert StackNote() not in ports.to_validator


def test_a_stacked_note_that_cannot_be_written_is_not_acknowledged_and_not_on_the_screen(
    ports, on_a_bad_disk
):
    """The driver gets the error instead of an answer, so the validator repeats the event at the next start."""
    shown = []
    ports.terminal.dispatch(NoteEscrowed(FIVE_HUNDRED))
    ports.terminal.follow(shown.append)
    on_a_bad_disk.sync_fails = True
    with pytest.raises(JournalFailed):
        ports.terminal.dispatch(NoteStacked(FIVE_HUNDRED))
    assert {view.inserted for view in shown} == {"0.00"}


def test_after_a_turn_that_was_torn_the_core_takes_in_nothing_more(ports, on_a_bad_disk):
    """The state is ahead of the journal then: the event, said again, would look like a second note."""
    ports.terminal.dispatch(NoteEscrowed(FIVE_HUNDRED))
    on_a_bad_disk.room_bytes = 0
    with pytest.raises(JournalFull):
        ports.terminal.dispatch(NoteStacked(FIVE_HUNDRED))

    on_a_bad_disk.room_bytes = None
    with pytest.raises(JournalFailed, match="start anew"):
        ports.terminal.dispatch(NoteStacked(FIVE_HUNDRED, at_start=True))
    assert ports.journal.open_intent() is not None
    assert ports.journal.cassette() == {}


# --- after many years ------------------------------------------------------------------------------------------------


@contextmanager
def what_statements_cost():
    """Steps of SQLite's machine for each statement that is carried out meanwhile, on any connection; the most of each."""
    steps: dict[str, int] = {}

    def count(event):
        found = event["stmt_status"]["SQLITE_STMTSTATUS_VM_STEP"]
        steps[event["sql"]] = max(found, steps.get(event["sql"], 0))

    def trace(connection):
        connection.trace_v2(apsw.SQLITE_TRACE_PROFILE, count)

    apsw.connection_hooks.append(trace)
    yield steps
    apsw.connection_hooks.remove(trace)


def live_a_day(ports, document):
    """A crash, a customer, a receipt that is asked for twice, a payment file, and all that staff see at a glance."""
    ports.restart()
    ports.make_ready(Evidence.NOTHING)
    ports.go_to_cash()
    ports.insert(FIVE_HUNDRED)
    ports.terminal.dispatch(NoteEscrowed(FIVE_HUNDRED))
    ports.restart()
    ports.terminal.dispatch(NoteStacked(FIVE_HUNDRED, at_start=True))
    ports.make_ready()
    ports.terminal.intend("finish", {})
    payment = ports.to_registrar[-1].receipt.payment
    ports.terminal.dispatch(RegistrationStarting(payment, READY.drive_serial, document - 1))
    ports.restart()
    ports.make_ready()
    made = Document(document, 77, ports.clock.now(), of_whole(1000), READY.drive_serial, 57)
    ports.terminal.dispatch(DocumentRegistered(payment, made))
    ports.wait(60)
    for file in ports.terminal.waiting_files():
        ports.terminal.dispatch(FileWritten(file.batch, file.name, "outbox"))
    ports.terminal.status()


def fill(ports, first, last):
    """The years in between: payments `first` to `last`, each with its document, all of them in payment files."""
    notes = ports.journal.next_note() - first
    for ordinal in range(first, last + 1):
        for entries in visit(ordinal, notes + ordinal, (10000,), 1000 + ordinal):
            ports.journal.append(*entries)
    for file in ports.terminal.waiting_files():
        ports.terminal.dispatch(FileWritten(file.batch, file.name, "outbox"))


def test_what_the_terminal_asks_of_the_journal_costs_the_same_after_many_payments(ports):
    fill(
        ports, 1, CHECKED_AT_OPEN // 6
    )  # each is six entries: more would not make the start's own look longer
    with what_statements_cost() as at_first:
        live_a_day(ports, 2000)
    fill(ports, ports.journal.next_payment(), 400)
    with what_statements_cost() as at_last:
        live_a_day(ports, 3000)

    assert at_first.keys() == at_last.keys()
    assert {sql: (was, at_last[sql]) for sql, was in at_first.items() if at_last[sql] > was + 20} == {}


# --- the registrar's own story ----------------------------------------------------------------------------------------


def raised(ports):
    return {condition.code: condition.detail for condition in ports.journal.conditions()}


@pytest.mark.parametrize(
    ("days", "code"),
    [(2, None), (3, "fiscal_unsent"), (10, "fiscal_unsent_long"), (20, "fiscal_unsent_last")],
)
def test_days_without_the_data_operator_are_counted_and_shown(ports, days, code):
    ports.make_ready()
    since = ports.clock.now() - timedelta(days=days, minutes=1)
    ports.terminal.dispatch(replace(READY, unsent_documents=17, unsent_since=since))

    found = {name: detail for name, detail in raised(ports).items() if name.startswith("fiscal_unsent")}
    assert found == ({code: f"17 documents, the oldest for {days} days"} if code else {})
    assert ports.view.screen is ScreenName.ATTRACT

    ports.terminal.dispatch(READY)
    assert not [name for name in raised(ports) if name.startswith("fiscal_unsent")]


def test_what_the_registrar_notices_is_shown_and_passes(ports):
    ports.make_ready()
    notices = (("registrar_paper_low", "about 40 receipts"), ("registrar_drive_ending", "12 days"))
    ports.terminal.dispatch(replace(READY, notices=notices, clock_ahead_min=-4))
    assert raised(ports) == dict(notices) | {"registrar_clock_off": "it is 4 minutes behind"}
    assert ports.view.screen is ScreenName.ATTRACT

    ports.terminal.dispatch(READY)
    assert raised(ports) == {}


def close_shift(ports, receipts, total):
    ports.terminal.order_report(CloseShift())
    ports.terminal.dispatch(ShiftCounted(57, receipts, of_whole(total), READY.drive_serial))
    ports.terminal.dispatch(ShiftClosed(57, 1240, READY.drive_serial))


def test_a_shift_of_which_the_registrar_counts_another_sum_is_a_condition_until_one_agrees(ports):
    ports.make_ready()
    close_shift(ports, 1, 500)
    assert raised(ports)["shift_differs"] == "shift 57"
    ports.restart()
    ports.make_ready()
    assert "shift_differs" in raised(ports)

    ports.terminal.dispatch(ShiftOpened(58, 1241, READY.drive_serial))
    ports.terminal.order_report(CloseShift())
    ports.terminal.dispatch(ShiftCounted(58, 0, of_whole(0), READY.drive_serial))
    ports.terminal.dispatch(ShiftClosed(58, 1242, READY.drive_serial))
    assert "shift_differs" not in raised(ports)


@pytest.mark.parametrize("is_configured", [True, False])
def test_a_collection_ends_the_shift_where_the_operator_wants_it(ports, is_configured):
    registrar = msgspec.structs.replace(ports.config.registrar, close_shift_at_collection=is_configured)
    ports.config = msgspec.structs.replace(ports.config, registrar=registrar)
    ports.restart()
    ports.make_ready()
    ports.terminal.dispatch(ShiftOpened(57, 1239, READY.drive_serial))
    ports.go_to_cash()
    ports.insert(FIVE_HUNDRED)
    ports.terminal.intend("finish", {})
    [begun] = ports.to_registrar
    document = Document(1240, 1, ports.clock.now(), of_whole(500), READY.drive_serial, 57)
    ports.terminal.dispatch(RegistrationStarting(begun.receipt.payment, READY.drive_serial, 1239))
    ports.terminal.dispatch(DocumentRegistered(begun.receipt.payment, document))
    for _ in range(4):
        ports.wait(300)
    asked = lambda: [one for one in ports.to_registrar if isinstance(one, CloseShift)]
    assert asked() == []

    ports.terminal.collect_cash("Petrov")
    ports.wait(300)
    assert asked() == [CloseShift()] * is_configured


def test_who_asks_for_a_count_has_it_and_nothing_is_written(ports):
    ports.make_ready()
    ports.terminal.order_report(CountShift())
    head = ports.journal.head()
    ports.terminal.dispatch(ShiftCounted(57, 3, of_whole(1800), READY.drive_serial))

    assert not ports.terminal.report.is_waiting
    assert ports.terminal.report.counted == ShiftCounted(57, 3, of_whole(1800), READY.drive_serial)
    assert ports.journal.head() == head


def test_a_receipt_whose_shift_is_over_waits_for_a_person_and_is_made_as_decided(ports):
    ports.make_ready()
    ports.terminal.dispatch(replace(READY, problem="registrar_paper_out"))
    ports.terminal.dispatch(READY)
    ports.go_to_cash()
    ports.insert(FIVE_HUNDRED)
    ports.terminal.dispatch(replace(READY, problem="registrar_paper_out"))
    ports.terminal.intend("finish", {})
    ports.wait(60)  # the customer has gone
    ports.wait(60)
    ports.terminal.dispatch(ShiftClosed(57, 1240, READY.drive_serial))  # by another hand
    ports.terminal.dispatch(replace(READY, shift_number=58))
    assert ports.to_registrar == []
    assert raised(ports)["documents_late"] == "1 payment"

    [waiting] = ports.journal.fiscal_pending()
    ports.terminal.decide_late_document(waiting.payment, "correction", "", "Petrov", "no paper")
    [asked] = ports.to_registrar
    assert asked.receipt.correction is not None
    assert "documents_late" not in raised(ports)


@pytest.mark.parametrize(
    "status",
    [replace(READY, shift_number=58), replace(READY, shift=ShiftState.CLOSED)],
    ids=["next", "closed"],
)
def test_a_shift_that_was_closed_while_the_terminal_was_off_is_over_before_anything_is_printed(ports, status):
    ports.make_ready()
    ports.terminal.dispatch(ShiftOpened(57, 1234, READY.drive_serial))
    ports.go_to_cash()
    ports.insert(FIVE_HUNDRED)
    ports.terminal.dispatch(replace(READY, problem="registrar_paper_out"))
    ports.terminal.intend("finish", {})
    ports.wait(60)
    ports.wait(60)
    ports.restart()
    ports.terminal.dispatch(ValidatorReady("SM", "1", NOTES, Evidence.NOTHING))
    ports.terminal.dispatch(status)

    assert ports.to_registrar == []
    assert raised(ports)["documents_late"] == "1 payment"
    assert [shift.number for shift in ports.journal.shifts() if shift.closed_at] == [57]


def test_receipts_do_not_wait_for_ever_for_a_report_that_is_never_answered(ports):
    ports.make_ready()
    ports.terminal.order_report(PrintXReport())
    ports.to_registrar.clear()
    ports.go_to_cash()
    ports.insert(FIVE_HUNDRED)
    ports.terminal.intend("finish", {})
    assert ports.to_registrar == []
    ports.wait(599)
    assert ports.to_registrar == []
    ports.wait(1)

    [asked] = ports.to_registrar
    assert isinstance(asked, RegisterReceipt)
    assert "look at the paper" in ports.terminal.report.problem


def test_a_running_shift_goes_on_through_a_restart(ports):
    ports.make_ready()
    ports.terminal.dispatch(ShiftOpened(57, 1234, READY.drive_serial))
    ports.restart()
    ports.make_ready()

    assert [shift.closed_at for shift in ports.journal.shifts()] == [None]


def pay_without_paper(ports):
    """A payment whose document was made and did not get on paper; its number."""
    ports.make_ready()
    ports.go_to_cash()
    ports.insert(FIVE_HUNDRED)
    ports.terminal.intend("finish", {})
    payment = ports.view.payment
    ports.terminal.dispatch(RegistrationStarting(payment, READY.drive_serial, 1234))
    document = Document(1235, 77, ports.clock.now(), FIVE_HUNDRED, READY.drive_serial, 57)
    ports.terminal.dispatch(DocumentRegistered(payment, document, printed=False))
    ports.to_registrar.clear()
    return payment


def test_a_copy_is_written_down_when_it_is_on_paper_and_its_payment_is_off_the_list(ports):
    payment = pay_without_paper(ports)
    assert raised(ports)["document_unprinted"] == "1 document"
    assert ports.terminal.status()["documents_unprinted"] == 1

    ports.terminal.order_copy(payment, " Petrov ")
    [asked] = ports.to_registrar
    assert {"КОПИЯ ЧЕКА", "ФД: 1235", f"Платёж: {payment}"} <= set(asked.lines)
    assert len(ports.journal.unprinted()) == 1

    ports.terminal.dispatch(TextPrinted())
    assert ports.journal.unprinted() == ()
    assert ports.journal.story(payment)[-1].entry == e.CopyPrinted(payment=payment, by="Petrov")
    assert "document_unprinted" not in raised(ports)


@pytest.mark.parametrize("end", [ReportFailed("no paper"), RegistrarLost("unplugged")])
def test_a_copy_that_did_not_get_on_paper_either_stays_on_the_list(ports, end):
    payment = pay_without_paper(ports)
    ports.terminal.order_copy(payment, "Petrov")
    ports.terminal.dispatch(end)
    ports.terminal.dispatch(READY)
    ports.terminal.order_report(PrintText(("a slip",)))
    ports.terminal.dispatch(TextPrinted())
    assert len(ports.journal.unprinted()) == 1


def test_nobody_waits_at_the_screen_for_a_copy(ports):
    payment = pay_without_paper(ports)
    ports.terminal.intend("finish", {})
    ports.go_to_cash()
    with pytest.raises(IntentRefused, match="a customer is paying"):
        ports.terminal.order_copy(payment, "Petrov")


@pytest.mark.parametrize(
    ("payment", "by", "words"),
    [("00042-0000000009", "Petrov", "knows no payment"), ("00042-0000000001", " ", "say who you are")],
)
def test_a_copy_of_nothing_or_for_nobody_is_refused_in_words(ports, payment, by, words):
    pay_without_paper(ports)
    with pytest.raises(CopyRefused, match=words):
        ports.terminal.order_copy(payment, by)


def test_a_document_that_is_owed_has_no_copy(ports):
    ports.make_ready()
    ports.go_to_cash()
    ports.insert(FIVE_HUNDRED)
    ports.terminal.intend("finish", {})
    with pytest.raises(CopyRefused, match="has no document yet"):
        ports.terminal.order_copy(ports.view.payment, "Petrov")


def test_what_the_registrar_refuses_is_told_with_its_reason_and_forgotten_with_the_decision(ports):
    ports.make_ready()
    ports.go_to_cash()
    ports.insert(FIVE_HUNDRED)
    ports.terminal.intend("finish", {})
    payment = ports.view.payment
    ports.terminal.dispatch(NotRegistered(payment, "format 1.05 cannot do it", certain=True))
    assert ports.terminal.status()["documents_refused"] == [
        {"payment": payment, "reason": "format 1.05 cannot do it", "again_in_s": 5}
    ]
    assert "document_refused" not in raised(ports)  # the next attempt may do

    for times, pause_s in enumerate((5, 10, 20, 40), 2):
        ports.wait(pause_s)
        assert len(ports.to_registrar) == times
        ports.terminal.dispatch(NotRegistered(payment, "format 1.05 cannot do it", certain=True))
    assert raised(ports)["document_refused"] == f"{payment}: format 1.05 cannot do it"

    ports.terminal.dispatch(ShiftClosed(57, 1240, READY.drive_serial))
    ports.terminal.decide_late_document(payment, "correction", "", "Petrova", "refused", "accountant")
    assert ports.terminal.status()["documents_refused"] == []
    assert ports.to_registrar[-1].receipt.correction is not None
    with pytest.raises(LateDecisionRefused, match="just being asked"):
        ports.terminal.decide_late_document(payment, "receipt", "", "Petrova", "refused", "accountant")

    ports.terminal.dispatch(NotRegistered(payment, "no correction in 1.05", certain=True))
    ports.terminal.decide_late_document(payment, "receipt", "", "Petrova", "refused", "accountant")
    assert ports.to_registrar[-1].receipt.correction is None


def test_a_shift_that_is_over_when_the_registrar_is_back_is_the_one_that_was_running(ports):
    ports.make_ready()
    ports.terminal.dispatch(ShiftOpened(57, 1234, READY.drive_serial))
    ports.terminal.order_report(CloseShift())
    ports.terminal.dispatch(ShiftCounted(57, 0, of_whole(0), READY.drive_serial))
    ports.terminal.dispatch(RegistrarLost("unplugged"))
    ports.terminal.dispatch(ShiftClosed(57, 1235, READY.drive_serial))  # before it says how it is

    [shift] = ports.journal.shifts()
    assert (shift.drive_serial, shift.number, shift.receipts) == (READY.drive_serial, 57, 0)
    assert shift.closed_at is not None


def begun_on_a_drive_that_was_taken_away(ports):
    """A payment whose receipt was begun and not heard of again; the registrar is back with another drive."""
    ports.make_ready()
    ports.go_to_cash()
    ports.insert(FIVE_HUNDRED)
    ports.terminal.intend("finish", {})
    payment = ports.view.payment
    ports.terminal.dispatch(RegistrationStarting(payment, READY.drive_serial, 1234))
    ports.terminal.dispatch(RegistrarLost("no power"))
    ports.terminal.dispatch(replace(READY, drive_serial="9999078900005678", last_document=2))
    assert isinstance(ports.to_registrar[-1], SettleReceipt)
    return payment


FOUND = FoundDocument(1235, 77, "2026-11-24 12:20")


def test_a_document_in_doubt_that_a_person_found_is_the_payments_and_the_visit_ends_with_it(ports):
    payment = begun_on_a_drive_that_was_taken_away(ports)
    with pytest.raises(DoubtDecisionRefused, match="just being asked"):
        ports.terminal.find_document(payment, FOUND, "Petrova", "archive", "accountant")
    ports.terminal.dispatch(NotRegistered(payment, "another drive", certain=False))
    assert raised(ports)["document_in_doubt"] == payment
    assert ports.terminal.status()["documents_in_doubt"] == [payment]
    ports.to_registrar.clear()

    ports.terminal.find_document(payment, FOUND, "Petrova", "archive", "accountant")
    assert ports.journal.payment(payment).document.number == 1235
    assert (ports.view.screen, ports.view.document.number) == (ScreenName.THANKS, 1235)
    assert "document_in_doubt" not in raised(ports)
    assert ports.terminal.status()["documents_in_doubt"] == []
    ports.wait(300)
    ports.wait(300)
    assert [one for one in ports.to_registrar if isinstance(one, RegisterReceipt | SettleReceipt)] == []


def test_a_document_in_doubt_that_a_person_excluded_is_made_at_once(ports):
    payment = begun_on_a_drive_that_was_taken_away(ports)
    ports.terminal.dispatch(NotRegistered(payment, "another drive", certain=False))
    ports.terminal.exclude_document(payment, "Petrova", "archive", "accountant")

    assert "document_in_doubt" not in raised(ports)
    assert isinstance(ports.to_registrar[-1], RegisterReceipt)
    assert ports.to_registrar[-1].receipt.payment == payment


def test_a_document_that_was_excluded_when_its_shift_is_over_waits_for_a_decision(ports):
    payment = begun_on_a_drive_that_was_taken_away(ports)
    ports.terminal.dispatch(NotRegistered(payment, "another drive", certain=False))
    ports.terminal.dispatch(ShiftClosed(57, 1236, READY.drive_serial))
    ports.to_registrar.clear()

    assert ports.terminal.exclude_document(payment, "Petrova", "archive", "accountant").is_late
    assert ports.to_registrar == []
    ports.terminal.decide_late_document(payment, "correction", "", "Petrova", "drive changed", "accountant")
    assert ports.to_registrar[-1].receipt.correction is not None


def test_after_a_restart_nobody_ends_a_doubt_before_the_registrar_has_looked_again(ports):
    payment = begun_on_a_drive_that_was_taken_away(ports)
    ports.terminal.dispatch(NotRegistered(payment, "another drive", certain=False))
    ports.restart()
    with pytest.raises(DoubtDecisionRefused, match="the registrar does not answer"):
        ports.terminal.exclude_document(payment, "Petrova", "archive", "accountant")

    ports.terminal.dispatch(READY)  # its own drive is back
    ports.terminal.dispatch(NotRegistered(payment, "busy", certain=False))
    with pytest.raises(DoubtDecisionRefused, match="is in the registrar, which is asked again"):
        ports.terminal.find_document(payment, FOUND, "Petrova", "archive", "accountant")
    document = Document(1235, 77, ports.clock.now(), FIVE_HUNDRED, READY.drive_serial, 57)
    ports.wait(60)
    ports.terminal.dispatch(DocumentRegistered(payment, document))
    assert ports.journal.payment(payment).document.number == 1235
