"""Staff at a shell: they are taken in, and decide on late documents with their PIN; copies are printed for customers."""

import io
import json
from contextlib import closing

import pytest
from counting_clock import CountingClock
from entry_stories import DRIVE, credited, intended, opened, payment_number, stacked
from served_terminal import Served

from kassa import staff as rules
from kassa.journal import entries as e
from kassa.journal.store import Journal

PIN, OTHER = "4711", "90125"
LATE = payment_number(4)
SETTLE = ("payments", "settle", LATE, "--as", "correction", "--by", "petrova", "--reason", "no paper")


@pytest.fixture
def typed(kassa, monkeypatch):
    """Run a command with a PIN on stdin."""

    def run(pin, *words):
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{pin}\n"))
        return kassa(*words)

    monkeypatch.setattr(rules, "REFUSED_AFTER_S", 0.0)
    return run


@pytest.fixture
def late(with_payments):
    """The fourth payment has no document, and its shift is over."""
    with closing(Journal.open(with_payments.journal, CountingClock())) as journal:
        for entry in (
            opened(4), intended(4, 7, 50000), stacked(4, 7, 50000), credited(4, 50000),
            e.ShiftClosed(number=57, document_number=1004, drive_serial=DRIVE),
        ):  # fmt: skip
            journal.append(entry)
    return with_payments


@pytest.fixture
def serve(home):
    started = []

    def start():
        started.append(Served(home.path))
        started[-1].start()
        return started[-1]

    yield start
    for one in started:
        one.stop()


def test_staff_are_taken_in_before_the_first_start_and_stand_in_the_journal(typed, kassa, home):
    assert "nobody is known here yet: kassa staff add" in kassa("staff", "list").out
    done = typed(PIN, "staff", "add", "Petrova", "--role", "accountant")
    assert (done.code, done.out) == (0, "Petrova is accountant here\n")
    assert json.loads(kassa("staff", "list", "--json").out) == [
        {"name": "Petrova", "role": "accountant", "wrong_pins": 0, "locked_until": None}
    ]
    with closing(Journal.open(home.journal, CountingClock())) as journal:
        assert journal.entry(1)[1] == e.StaffPinSet(name="Petrova", role="accountant")
    assert kassa("journal", "verify").code == 0


@pytest.mark.parametrize("is_served", [False, True])
def test_the_staff_change_with_and_without_a_running_core(typed, kassa, home, serve, is_served):
    if is_served:
        serve()
    assert typed(PIN, "staff", "add", "Petrova", "--role", "accountant").code == 0
    assert typed(OTHER, "staff", "add", "Sidorov", "--role", "service_centre").code == 0
    assert "is there already" in typed(PIN, "staff", "add", "PETROVA", "--role", "clerk").err
    assert "the terminal's own number" in typed("00042", "staff", "pin", "Petrova").err
    assert "4 to 12 digits" in typed("", "staff", "pin", "Petrova").err
    assert typed(OTHER, "staff", "pin", "petrova").out == "Petrova has a new PIN\n"
    assert "service centre" in kassa("staff", "list").out
    assert kassa("staff", "remove", "Sidorov").out == "Sidorov belongs to the staff no more\n"
    assert "nobody here is called Sidorov" in kassa("staff", "remove", "Sidorov").err


def test_a_pin_is_never_an_argument(kassa, home):
    assert kassa("staff", "add", "Petrova", PIN, "--role", "accountant").code == 2
    assert kassa("staff", "add", "Petrova", "--role", "accountant", "--pin", PIN).code == 2


def test_without_staff_nobody_decides_and_the_first_step_is_said(typed, late):
    done = typed(PIN, *SETTLE)
    assert done.code == 1
    assert f"kassa --home {late.path} staff add NAME --role accountant" in done.err


def test_a_decision_needs_the_core_which_checks_the_pin(typed, late):
    typed(PIN, "staff", "add", "Petrova", "--role", "accountant")
    assert "no core answers at" in typed(PIN, *SETTLE).err


def test_an_accountant_decides_with_the_pin_and_stands_in_the_journal(typed, kassa, late, serve):
    served = serve()
    typed(PIN, "staff", "add", "Petrova", "--role", "accountant")
    assert "the name or the PIN is wrong" in typed(OTHER, *SETTLE).err
    done = typed(PIN, *SETTLE)
    assert done.out == f"payment {LATE}, 500.00 RUB: a correction receipt is made when the registrar can\n"

    [written] = [
        line.entry
        for line in served.call(lambda: served.journal.story(LATE))
        if isinstance(line.entry, e.LateDocumentDecided)
    ]
    assert (written.by, written.role) == ("Petrova", "accountant")
    assert "says Petrova (accountant): no paper" in kassa("journal", "show", LATE).out
    [owed] = json.loads(kassa("payments", "owed", "--json").out)
    assert owed["decision"] == {"document": "correction", "act": "б/н"}
    assert "was decided before" in typed(PIN, *SETTLE).err


def test_a_collector_does_not_decide_on_documents(typed, late, serve):
    serve()
    typed(PIN, "staff", "add", "Petrova", "--role", "collector")
    assert "Petrova is collector here; this may do: accountant, administrator" in typed(PIN, *SETTLE).err


def test_a_locked_name_is_seen_by_those_who_look(typed, kassa, late, serve):
    serve()
    typed(PIN, "staff", "add", "Petrova", "--role", "accountant")
    told = [typed(OTHER, *SETTLE).err for _ in range(6)]
    assert "too many were: try again in 1 minute" in told[4]
    assert "too many wrong PINs in the name of petrova" in told[5]
    [one] = json.loads(kassa("staff", "list", "--json").out)
    assert one["wrong_pins"] == 5
