"""Staff at a shell: they are taken in, and decide on late documents with their PIN; copies are printed for customers."""

import io
import json
from contextlib import closing

import pytest
from counting_clock import CountingClock
from entry_stories import DRIVE, credited, intended, opened, payment_number, registering, stacked
from served_terminal import Served

from kassa import staff as rules
from kassa.journal import entries as e
from kassa.journal.store import Journal
from kassa.ports import NotRegistered, RegistrarStatus, ShiftState

PIN, OTHER = "4711", "90125"
LATE = payment_number(4)
FOUND = (
    "payments", "found", LATE, "--document", "1004", "--sign", "3141592653", "--at", "2026-11-24 14:05", "--by", "petrova",
    "--reason", "the OFD's site",
)  # fmt: skip
MISSING = ("payments", "missing", LATE, "--by", "petrova", "--reason", "the old drive's archive")
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


@pytest.fixture
def in_doubt(with_payments, serve):
    """The fourth payment's document was begun on a fiscal drive that is not in the registrar any more, which has looked."""
    with closing(Journal.open(with_payments.journal, CountingClock())) as journal:
        for entry in (
            opened(4), intended(4, 7, 50000), stacked(4, 7, 50000), credited(4, 50000), registering(4, 1003),
        ):  # fmt: skip
            journal.append(entry)
    served = serve()
    other = RegistrarStatus("KKT", "9999078900005678", ShiftState.OPEN, 1, 3, 0)
    served.call(lambda: served.terminal.dispatch(other))
    served.call(lambda: served.terminal.dispatch(NotRegistered(LATE, "another drive", certain=False)))
    return served


def test_who_asks_for_what_is_owed_learns_where_to_look_for_a_document_in_doubt(kassa, in_doubt):
    owed = " ".join(kassa("payments", "owed").out.split())
    assert "IN DOUBT" in owed
    assert DRIVE in owed
    assert "1003" in owed
    assert "500.00 RUB" in owed
    assert "kassa payments found PAYMENT --document N --sign S --at TIME --by NAME --reason TEXT" in owed
    assert "kassa payments missing PAYMENT --by NAME --reason TEXT" in owed

    [machine] = json.loads(kassa("payments", "owed", "--json").out)
    assert machine["is_in_doubt"] is True
    assert machine["begun_on"] == {"drive": DRIVE, "last_document": 1003}


def test_an_accountant_gives_a_payment_the_document_that_was_found(typed, kassa, in_doubt):
    assert "nobody has a PIN here yet" in typed(PIN, *FOUND).err
    typed(PIN, "staff", "add", "Petrova", "--role", "accountant")
    assert "the name or the PIN is wrong" in typed(OTHER, *FOUND).err
    assert "document 1003 was there before" in typed(PIN, *FOUND[:4], "1003", *FOUND[5:]).err
    assert "is no time" in typed(PIN, *FOUND[:8], "yesterday", *FOUND[9:]).err
    done = typed(PIN, *FOUND, "--shift", "57")
    assert done.out == f"payment {LATE}, 500.00 RUB: it has document 1004\n"

    assert "says Petrova (accountant): the OFD's site" in kassa("journal", "show", LATE).out
    assert "every payment has its fiscal document" in kassa("payments", "owed").out
    assert "waits for no document" in typed(PIN, *MISSING).err
    assert in_doubt.call(lambda: in_doubt.journal.payment(LATE).document.shift) == 57


def test_an_accountant_says_that_there_is_none_and_the_payment_gets_one(typed, kassa, in_doubt):
    typed(PIN, "staff", "add", "Petrova", "--role", "accountant")
    done = typed(PIN, *MISSING)
    assert done.out == f"payment {LATE}, 500.00 RUB: its document is made when the registrar can\n"
    assert (
        "left no document, says Petrova (accountant): the old drive's archive"
        in kassa("journal", "show", LATE).out
    )
    assert "none is in doubt" in typed(PIN, *FOUND).err


def test_where_the_shift_is_over_a_document_that_is_missing_has_to_be_decided_upon(typed, in_doubt):
    typed(PIN, "staff", "add", "Petrova", "--role", "accountant")
    closed = e.ShiftClosed(number=57, document_number=1005, drive_serial=DRIVE)
    in_doubt.call(lambda: in_doubt.journal.append(closed))
    assert (
        f"its shift is over, so decide which document it gets: kassa payments settle {LATE}"
        in typed(PIN, *MISSING).out
    )


@pytest.mark.parametrize("words", [FOUND, MISSING], ids=["found", "missing"])
def test_a_collector_ends_no_doubt(typed, in_doubt, words):
    typed(PIN, "staff", "add", "Petrova", "--role", "collector")
    assert "Petrova is collector here; this may do: accountant, administrator" in typed(PIN, *words).err


def test_what_the_journal_could_not_count_is_no_document(typed, in_doubt):
    assert typed(PIN, *FOUND[:4], "9" * 30, *FOUND[5:]).code == 2
