"""Every command, with and without a running core; what goes wrong is one sentence and an exit code."""

import json
import threading
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import click
import pytest
from counting_clock import CountingClock
from entry_stories import DRIVE, credited, intended, opened, payment_number, stacked
from served_terminal import Served

import kassa as package
from kassa import wiring
from kassa.cli.main import COMMANDS, cli
from kassa.control.client import Client
from kassa.journal import entries as e
from kassa.journal.store import Journal
from kassa.ports import RegistrarStatus, ShiftState

WITHOUT_CORE = [
    ("status",),
    ("ctl", "view"),
    ("ctl", "send", "finish"),
    ("shift", "x"),
    ("shift", "z"),
    ("shift", "set-clock"),
]


def commands(command, words=()):
    """Every command and group under one, with the words that call it."""
    yield words, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from commands(found, (*words, name))


ALL = {words: command for words, command in commands(cli) if words and words[0] in COMMANDS}


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_every_command_has_help(kassa, words):
    done = kassa(*words, "--help")
    assert done.code == 0
    assert "Usage:" in done.out
    assert len(ALL[words].help or "") > 10


def test_every_command_that_answers_can_answer_a_machine():
    speakers = {"run", "ui", "demo", "init", "view", "send", "simulate"}  # they run, or speak JSON anyway
    for words, command in ALL.items():
        if not isinstance(command, click.Group) and not speakers & set(words):
            options = {name for option in command.params for name in option.opts}
            assert "--json" in options or words[0] == "import", words


def test_the_version_is_told(kassa):
    assert package.__version__ in kassa("--version").out


@pytest.mark.parametrize(
    "words",
    [("fly",), ("payments", "list", "--last", "0"), ("export", "again", "x"), ("device", "check", "printer"),
     ("journal", "show"), ("ctl", "send", "finish", "no_value"), ("status", "--xml")],
    ids=" ".join,
)  # fmt: skip
def test_what_is_called_wrongly_ends_with_code_2(kassa, home, words):
    done = kassa(*words)
    assert done.code == 2
    assert "Usage:" in done.err


@pytest.mark.parametrize("words", WITHOUT_CORE, ids=" ".join)
def test_what_needs_a_core_says_how_to_start_one(kassa, home, words):
    done = kassa(*words)
    assert done.code == 1
    assert done.err.startswith("kassa: no core answers at")
    assert f"kassa --home {home.path} run" in done.err


@pytest.mark.parametrize(
    "words", [("payments", "list"), ("journal", "verify"), ("export", "run"), ("status",)], ids=" ".join
)
def test_a_folder_that_is_no_home_is_told_in_a_sentence(kassa, words):
    done = kassa(*words)
    assert done.code == 1
    assert done.err.startswith("kassa: ")
    assert done.err.count("\n") == 1


def test_a_home_is_made_once(kassa, home):
    again = kassa("init", str(home.path))
    assert again.code == 1
    assert "never made twice" in again.err
    assert home.path.stat().st_mode & 0o077 == 0


def test_a_home_that_cannot_be_made_is_told_in_a_sentence(kassa, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    done = kassa("init", str(tmp_path / "file" / "home"))
    assert done.code == 1
    assert "Not a directory" in done.err


# --- the journal and its files, without a core ---------------------------------------------------------------------


def test_before_the_first_start_there_is_no_journal_to_read(kassa, home):
    done = kassa("payments", "list")
    assert (done.code, "does not exist yet" in done.err) == (1, True)


def test_a_whole_journal_is_verified(kassa, with_payments):
    done = kassa("journal", "verify", "--json")
    assert done.code == 0
    verdict = json.loads(done.out)
    assert (verdict["ok"], verdict["payments"], verdict["notes"]) == (True, 3, 6)
    assert "whole: 25 entries, 3 payments, 6 notes in the cassette" in kassa("journal", "verify").out


@pytest.mark.parametrize("page", [2, 5, 9])
def test_one_flipped_byte_makes_it_fail_and_say_where(kassa, with_payments, page):
    content = bytearray(with_payments.journal.read_bytes())
    content[(page - 1) * 4096 + 777] ^= 0x10
    with_payments.journal.write_bytes(content)
    done = kassa("journal", "verify", "--json")
    assert done.code == 1
    assert (json.loads(done.out)["ok"], json.loads(done.out)["at"]) == (False, f"page {page}")
    assert f"BROKEN: {with_payments.journal}" in (words := kassa("journal", "verify").out)
    assert f"page {page} is damaged" in words


def test_a_payments_story_is_told_in_order(kassa, with_payments):
    done = kassa("journal", "show", "00042-0000000002")
    lines = done.out.splitlines()
    assert lines[0].endswith("no subscriber data")
    told = " ".join(lines)
    places = [
        told.index(words)
        for words in ("opened", "about to be stacked", "in the cassette", "credited", "document 1002")
    ]
    assert places == sorted(places)

    as_json = json.loads(kassa("journal", "show", "00042-0000000002", "--json").out)
    assert (as_json["paid"], as_json["document"], len(as_json["story"])) == ("600.00", 1002, 8)
    money = [line[key] for line in as_json["story"] for key in ("value", "total") if key in line]
    assert money == ["500.00", "500.00", "100.00", "100.00", "600.00", "600.00"]
    assert [line["at"] for line in as_json["story"]] == sorted(line["at"] for line in as_json["story"])
    assert sum("document_at" in line for line in as_json["story"]) == 1


def test_where_the_electronic_receipt_went_is_told_masked_in_the_story_and_else_nowhere(kassa, home):
    with closing(Journal.open(home.journal, CountingClock())) as journal:
        journal.append(opened(1, contact="ivan.petrov@example.ru"), intended(1, 1, 50000))
    story = kassa("journal", "show", payment_number(1)).out
    told = json.loads(kassa("journal", "show", payment_number(1), "--json").out)

    assert "receipt also to iv***@example.ru" in story
    assert told["story"][0]["contact"] == "iv***@example.ru"
    assert "petrov" not in story + json.dumps(told)
    for words in (("payments", "list"), ("payments", "list", "--json")):
        assert "example.ru" not in kassa(*words).out


def test_an_unknown_payment_is_told_in_a_sentence(kassa, with_payments):
    done = kassa("journal", "show", "00042-9999999999\x1b[31m")
    assert done.code == 1
    assert "knows no payment '00042-9999999999\\x1b[31m'" in done.err


def test_payments_are_listed_for_people_and_machines(kassa, with_payments):
    found = json.loads(kassa("payments", "list", "--json").out)
    assert [one["paid"] for one in found] == ["600.00"] * 3
    assert all(one["document"] and one["state"] == "credited" for one in found)
    assert "00042-0000000003" in kassa("payments", "list", "--last", "1").out


def test_files_are_written_listed_and_written_again(kassa, with_payments, tmp_path):
    [first] = json.loads(kassa("export", "run", "--out", str(tmp_path / "stick"), "--json").out)
    assert (first["payments"], first["total"]) == (3, "1800.00")
    assert "there is nothing to write" in kassa("export", "run").out

    again = json.loads(kassa("export", "again", "1", "--out", str(tmp_path / "other"), "--json").out)
    assert Path(first["file"]).read_bytes() == Path(again["file"]).read_bytes()
    [batch] = json.loads(kassa("export", "list", "--json").out)
    assert (batch["written"], batch["payments"]) == (True, 3)
    assert "KASSA_90001_00042" in kassa("export", "list").out
    assert "there is no batch 7" in kassa("export", "again", "7").err


def test_a_folder_whose_name_is_no_text_is_told_in_a_sentence(kassa, with_payments, tmp_path):
    done = kassa("export", "run", "--out", str(tmp_path / "\udcff"))
    assert done.code == 1
    assert "is not UTF-8" in done.err


def test_a_configured_folder_outside_the_home_is_never_made(kassa, with_payments, tmp_path):
    stick = tmp_path / "stick" / "kassa"
    text = with_payments.config.read_text(encoding="utf-8")
    with_payments.config.write_text(
        text.replace('folder = "outbox"', f'folder = "{stick}"'), encoding="utf-8"
    )
    done = kassa("export", "run")
    assert done.code == 1
    assert "plug the medium in" in done.err
    assert not stick.parent.exists()


# --- with a core ---------------------------------------------------------------------------------------------------


@pytest.fixture
def served(home):
    one = Served(home.path)
    one.start()
    yield one
    one.stop()


def test_the_view_and_intents_go_through_the_core(kassa, served):
    view = json.loads(kassa("ctl", "view").out)
    assert {"screen", "inserted", "payment", "reason"} <= view.keys()
    assert (view["screen"], view["inserted"], view["payment"]) == ("out_of_service", "0.00", None)

    assert json.loads(kassa("ctl", "send", "set_language", "language=en").out)["language"] == "en"
    refused = kassa("ctl", "send", "finish")
    assert (refused.code, refused.err) == (1, "kassa: refused: not_on_this_screen\n")
    assert "there is no such intent; there are: start, choose_service" in kassa("ctl", "send", "fly").err


def test_the_state_of_the_terminal_is_told_for_people_and_machines(kassa, served):
    done = kassa("status", "--json")
    assert done.code == 1
    assert json.loads(done.out)["blocked"] == "starting"
    told = kassa("status")
    assert "takes NO cash: starting" in told.out
    assert "drop a subscriber file into the inbox" in told.out


def test_what_closes_the_slot_is_told_before_it_has_lasted(kassa, served):
    served.call(lambda: served.terminal._watch.observe("starting", False))
    served.call(lambda: served.terminal._watch.observe("data_missing", False))
    served.call(lambda: served.terminal._watch.observe("validator_lost", True, "no answer"))

    told = kassa("status")
    assert "takes NO cash: validator_lost" in told.out
    assert "the bill validator does not answer (no answer)" in told.out
    checked = kassa("device", "check", "validator")
    assert (checked.code, "does not answer (no answer): check its cable" in checked.out) == (1, True)
    assert "has not found it yet" in kassa("device", "check", "registrar").out


def test_a_notice_is_told_and_the_registrar_is_good_all_the_same(kassa, served):
    def hear():
        served.terminal.dispatch(
            RegistrarStatus(
                "PAY VKP-80K-FA",
                DRIVE,
                ShiftState.OPEN,
                57,
                1240,
                3,
                notices=(("registrar_paper_low", "nearly at its end"),),
            )
        )

    served.call(hear)

    told = kassa("device", "check", "registrar")
    assert told.code == 0
    assert "registrar: good: PAY VKP-80K-FA" in told.out
    assert "data operator: 3 documents not sent yet" in told.out
    assert "bring a new roll soon" in told.out
    assert "shift 57: open" in kassa("status").out


def test_the_cassette_is_told_by_denomination_as_money(kassa, with_payments, served):
    assert json.loads(kassa("status", "--json").out)["cassette"] == {"100.00": 3, "500.00": 3}


def test_a_condition_is_text_and_no_command_to_the_console(kassa, served):
    served.call(lambda: served.terminal._watch.observe("import_refused", True, "[red]x[/blue] :smile:"))
    served.call(served.terminal.tick)
    assert "([red]x[/blue] :smile:)" in kassa("status").out


def test_devices_are_listed_with_and_without_a_core(kassa, served):
    found = json.loads(kassa("device", "list", "--json").out)
    assert [one["name"] for one in found] == ["validator", "registrar"]
    assert "not found yet" in kassa("device", "list").out


def test_a_device_is_checked_without_a_core(kassa, home):
    done = kassa("device", "check", "validator", "--json")
    assert done.code == 1
    assert "cannot be opened" in json.loads(done.out)["problems"][0]
    assert "cannot be used" in kassa("device", "check", "validator").out


def test_reading_waits_for_a_core_that_starts_and_gives_up_in_words(kassa, with_payments, monkeypatch):
    monkeypatch.setattr("kassa.cli.journal_access.WAIT_S", 0.05)
    with wiring._locked(with_payments):
        done = kassa("payments", "list")
    assert done.code == 1
    assert "yet no core answers" in done.err


# --- the doctor ----------------------------------------------------------------------------------------------------


def findings(kassa):
    done = kassa("doctor", "--json")
    found = {one["what"]: one for one in json.loads(done.out)}
    assert done.code == (0 if all(one["ok"] for one in found.values()) else 1)
    return found


def test_the_doctor_says_of_each_thing_what_to_do(kassa, home):
    found = findings(kassa)
    assert found["configuration"]["ok"]
    assert found["folders"]["ok"]
    assert found["permissions"]["ok"]
    assert found["disk"]["ok"]
    assert found["journal"]["ok"]
    for what in ("validator port", "registrar port", "subscriber data", "core"):
        assert not found[what]["ok"]
    assert all(one["remedy"] for one in found.values() if not one["ok"])
    told = kassa("doctor").out
    assert "PROBLEM  validator port:" in told
    assert "-> plug it in and switch it on" in told


def test_the_doctor_finds_a_wrong_configuration(kassa, home):
    text = home.config.read_text(encoding="utf-8")
    home.config.write_text(text.replace("speed = 9600", "speed = 9601"), encoding="utf-8")
    found = findings(kassa)
    assert "validator.speed = 9601 cannot be used" in found["configuration"]["found"]
    assert "journal" not in found


def test_the_doctor_finds_a_profile_that_is_not_there(kassa, home):
    assert findings(kassa)["profiles"]["found"] == "kassa_csv, kassa_xml"
    text = home.config.read_text(encoding="utf-8")
    home.config.write_text(text.replace('"kassa_xml"', '"kassa_xlm"'), encoding="utf-8")
    assert "kassa_xlm: neither in" in findings(kassa)["profiles"]["found"]

    (home.path / "profiles").mkdir()
    (home.path / "profiles" / "kassa_xlm.toml").touch()
    assert findings(kassa)["profiles"]["ok"]


def test_the_doctor_finds_a_broken_journal_and_a_clock_that_forgot_the_time(
    kassa, with_payments, monkeypatch
):
    monkeypatch.setattr("kassa.cli.doctor.CLOCK_BEHIND_MAX", timedelta(days=-10_000))
    assert not findings(kassa)["clock"]["ok"]

    with_payments.journal.write_bytes(with_payments.journal.read_bytes()[:-4096])
    found = findings(kassa)
    assert not found["journal"]["ok"]
    assert "ask for support" in found["journal"]["remedy"]


def test_the_doctor_finds_missing_and_open_folders(kassa, home):
    home.quarantine.rmdir()
    home.path.chmod(0o755)
    found = findings(kassa)
    assert str(home.quarantine) in found["folders"]["found"]
    assert "chmod o=" in found["permissions"]["remedy"]


def test_the_doctor_asks_a_running_core(kassa, served):
    found = findings(kassa)
    assert found["core"]["found"] == "takes no cash: starting"
    assert found["data_missing"]["remedy"] == "drop a subscriber file into the inbox"
    assert found["journal"]["ok"]


def test_following_the_view_prints_every_change(kassa, served, monkeypatch):
    seen = []

    def views(self):
        for view in original(self):
            seen.append(view)
            yield view
            if len(seen) == 2:
                return
            threading.Thread(
                target=lambda: served.call(lambda: served.terminal.intend("set_language", {"language": "en"}))
            ).start()

    original = Client.views
    monkeypatch.setattr(Client, "views", views)
    done = kassa("ctl", "view", "--follow")
    assert [json.loads(line)["language"] for line in done.out.splitlines()] == ["ru", "en"]


# --- the cassette --------------------------------------------------------------------------------------------------


def test_a_collector_gets_a_slip_of_what_must_lie_in_the_cassette(kassa, with_payments):
    before = kassa("cash", "show")
    assert before.code == 0
    assert before.out.startswith("all since the first note")

    slip = kassa("cash", "collect", "--by", "Petrov")
    assert slip.code == 0
    assert slip.out.startswith("collection 1, ")
    assert "by Petrov" in slip.out
    machine = json.loads(kassa("cash", "list", "--json").out)
    assert [(one["collection"], one["by"], one["total"]) for one in machine] == [(1, "Petrov", "1800.00")]
    assert f"journal: entry {machine[0]['entry']}, {machine[0]['head']}" in slip.out
    assert json.loads(kassa("cash", "show", "--json").out)["notes"] == []
    assert kassa("cash", "show", "--collection", "1").out == slip.out
    assert "there is no collection 2; see: kassa cash list" in kassa("cash", "show", "--collection", "2").err


def test_a_collection_without_a_name_or_without_money_is_refused(kassa, with_payments):
    assert kassa("cash", "collect").code == 2
    kassa("cash", "collect", "--by", "Petrov")
    again = kassa("cash", "collect", "--by", "Petrov")
    assert (again.code, again.out) == (1, "")
    assert "see it with: kassa cash list --last 1" in again.err
    assert "the validator saw none" in kassa("cash", "put-back", "--by", "Petrov").err


# --- shifts and owed documents ----------------------------------------------------------------------------------------


def written(home, *entries):
    with closing(Journal.open(home.journal, CountingClock())) as journal:
        for entry in entries:
            journal.append(entry)


def test_shifts_are_listed_with_what_the_registrar_counted(kassa, with_payments):
    drive = {"drive_serial": DRIVE, "number": 57}
    written(
        with_payments,
        e.ShiftCounted(**drive, receipts=3, total=180000),
        e.ShiftClosed(**drive, document_number=1004),
    )
    [shift] = json.loads(kassa("shift", "list", "--json").out)
    assert (shift["receipts"], shift["total"]) == (3, "1800.00")
    assert shift["counted"] == {"receipts": 3, "total": "1800.00"}

    same = kassa("shift", "compare")
    assert (same.code, "1 shift compared, all agree" in same.out) == (0, True)
    assert "the running shift is NOT compared: the terminal does not run" in same.out
    machine = json.loads(kassa("shift", "compare", "--json").out)
    assert machine["running_left_out"].startswith("the terminal does not run")


def test_a_shift_that_differs_is_named_and_ends_with_code_1(kassa, with_payments):
    drive = {"drive_serial": DRIVE, "number": 57}
    written(
        with_payments,
        e.ShiftCounted(**drive, receipts=4, total=190000),
        e.ShiftClosed(**drive, document_number=1005),
    )
    differs = kassa("shift", "compare")
    assert differs.code == 1
    assert "DIFFERS" in differs.out
    assert "differ in shift 57" in differs.out


def test_who_owes_a_document_learns_what_it_waits_for(kassa, with_payments):
    assert "every payment has its fiscal document" in kassa("payments", "owed").out
    written(with_payments, opened(4), intended(4, 7, 50000), stacked(4, 7, 50000), credited(4, 50000))
    assert "the registrar" in kassa("payments", "owed").out

    written(with_payments, e.ShiftClosed(number=57, document_number=1004, drive_serial=DRIVE))
    waiting = kassa("payments", "owed").out
    assert "a decision: its shift is over" in waiting
    assert "kassa payments settle PAYMENT --as" in waiting

    assert "Missing option '--reason'" in kassa("payments", "settle", "1", "--as", "receipt", "--by", "P").err
