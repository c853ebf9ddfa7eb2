"""`kassa import` and `kassa account` as people and scripts call them: real processes, real exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from real_terminal import Rig, running, wait_until

from kassa.home import Home, data_folder

EXAMPLE = data_folder() / "examples" / "subscribers.csv"

Kassa = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def kassa(home: Home) -> Kassa:
    """Run a command in a ready home."""

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "kassa.cli.main", "--home", str(home.path), *words]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    done = run("init", str(home.path))
    assert done.returncode == 0, done.stderr
    return run


def answer(done: subprocess.CompletedProcess[str]) -> Any:
    assert "Traceback" not in done.stderr
    return json.loads(done.stdout)


def test_a_good_file_is_imported_with_code_0(kassa: Kassa) -> None:
    done = kassa("import", "run", str(EXAMPLE), "--profile", "kassa_csv", "--json")

    assert done.returncode == 0
    outcome = answer(done)
    assert (outcome["status"], outcome["accepted"], outcome["refused"]) == ("imported", 78, 0)
    assert Path(outcome["report"]).read_text().startswith("Файл принят: 78 строк")
    assert Path(outcome["snapshot"]).exists()


def test_a_bad_file_is_refused_with_code_2_and_a_report(kassa: Kassa, tmp_path: Path) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_bytes(EXAMPLE.read_bytes().replace(b"-350,50", b"a lot"))

    done = kassa("import", "run", str(bad), "--profile", "kassa_csv", "--json")

    assert done.returncode == 2
    outcome = answer(done)
    assert (outcome["status"], outcome["accepted"], outcome["refused"]) == ("refused", 0, 1)
    assert "«a lot»" in Path(outcome["report"]).read_text()


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("nowhere.csv", "--profile", "kassa_csv"), "Файла нет"),
        (("/dev/zero", "--profile", "kassa_csv"), "не обычный файл"),
        (("/", "--profile", "kassa_csv"), "папка"),
    ],
)
@pytest.mark.parametrize("verb", ["run", "check"])
def test_what_is_no_file_is_refused_with_code_2(
    kassa: Kassa, verb: str, words: tuple[str, ...], reason: str
) -> None:
    done = kassa("import", verb, *words)

    assert done.returncode == 2
    assert reason in done.stderr
    assert "Traceback" not in done.stderr


def test_a_profile_that_is_not_there_is_our_own_fault_and_names_those_that_are(kassa: Kassa) -> None:
    done = kassa("import", "run", str(EXAMPLE), "--profile", "nobody", "--json")

    assert done.returncode == 1
    assert "kassa_csv" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_profile_with_a_mistake_is_our_own_fault_and_names_key_and_value(kassa: Kassa, home: Home) -> None:
    (home.path / "profiles").mkdir()
    (home.path / "profiles" / "mine.toml").write_text('kind = "dbf"\n')

    done = kassa("import", "run", str(EXAMPLE), "--profile", "mine")

    assert done.returncode == 1
    assert "mine.toml: kind = 'dbf' cannot be used" in done.stderr


def test_a_broken_configuration_is_our_own_fault(kassa: Kassa, home: Home) -> None:
    home.config.write_text("[terminal\n")

    done = kassa("import", "run", str(EXAMPLE), "--profile", "kassa_csv")

    assert done.returncode == 1
    assert "kassa.toml" in done.stderr


def test_the_same_file_twice_is_imported_once(kassa: Kassa, home: Home) -> None:
    kassa("import", "run", str(EXAMPLE), "--profile", "kassa_csv")

    done = kassa("import", "run", str(EXAMPLE), "--profile", "kassa_csv", "--json")

    assert done.returncode == 0
    assert answer(done)["already_loaded"] is True
    assert len(list(home.snapshots.glob("*.db"))) == 1


def test_a_check_says_what_would_change_and_changes_nothing(kassa: Kassa, home: Home, tmp_path: Path) -> None:
    kassa("import", "run", str(EXAMPLE), "--profile", "kassa_csv")
    before = {path.name for path in home.snapshots.iterdir()}
    lines = EXAMPLE.read_bytes().replace(b"-350,50", b"-351,50").split(b"\r\n")
    other = tmp_path / "other.csv"
    other.write_bytes(b"\r\n".join([*lines[:-3], lines[-3].replace(b";", b"0;", 1), *lines[-2:]]))

    done = kassa("import", "check", str(other), "--profile", "kassa_csv", "--json")

    assert done.returncode == 0
    outcome = answer(done)
    assert outcome["checked_only"] is True
    assert outcome["difference"] == {"new": 1, "gone": 1, "changed": 1, "same": 76}
    assert {path.name for path in home.snapshots.iterdir()} == before
    assert [one["file"] for one in answer(kassa("import", "list", "--json"))] == ["subscribers.csv"]


def test_the_list_tells_every_file_and_survives_a_line_cut_by_a_power_cut(kassa: Kassa, home: Home) -> None:
    kassa("import", "run", str(EXAMPLE), "--profile", "kassa_csv")
    with (home.logs / "imports.jsonl").open("ab") as log:
        log.write(b'{"status":"impor')
    kassa("import", "run", "nowhere.csv", "--profile", "kassa_csv")

    done = kassa("import", "list", "--json")

    assert done.returncode == 0
    assert [one["status"] for one in answer(done)] == ["imported", "refused"]
    assert "1 lines cannot be read" in done.stderr
    assert "nowhere.csv" in kassa("import", "list").stdout


def test_nothing_loaded_is_an_empty_list(kassa: Kassa) -> None:
    assert answer(kassa("import", "list", "--json")) == []
    assert "no file" in kassa("import", "list").stdout


def test_an_account_is_found_with_its_services_and_balances(kassa: Kassa) -> None:
    kassa("import", "run", str(EXAMPLE), "--profile", "kassa_csv")

    done = kassa("account", "find", "4038 172956", "--json")

    assert done.returncode == 0
    (match,) = answer(done)
    assert match["account"] == "4038172956"
    assert match["name"] == "Иванов Иван Иванович"
    assert match["services"] == [
        {"service": "internet", "balance": "-1284.60"},
        {"service": "tv", "balance": "-250.00"},
        {"service": "telephone", "balance": "120.00"},
    ]


@pytest.mark.parametrize("number", ["0", "40381", "' OR 1=1 --", "%", "4038172956x"])
def test_an_account_nobody_has_is_an_empty_list(kassa: Kassa, number: str) -> None:
    kassa("import", "run", str(EXAMPLE), "--profile", "kassa_csv")

    done = kassa("account", "find", "--json", "--", number)

    assert done.returncode == 0
    assert answer(done) == []


def test_before_the_first_file_no_account_is_found_and_people_are_told_why(kassa: Kassa) -> None:
    assert answer(kassa("account", "find", "1", "--json")) == []
    assert "kassa import run" in kassa("account", "find", "1").stdout


def test_a_broken_store_is_told_in_words_with_code_1(kassa: Kassa, home: Home) -> None:
    kassa("import", "run", str(EXAMPLE), "--profile", "kassa_csv")
    store = next(home.snapshots.glob("*.db"))
    store.chmod(0o600)
    store.write_bytes(b"x" * 100_000)

    done = kassa("account", "find", "1", "--json")

    assert done.returncode == 1
    assert "load the operator's file again" in done.stderr
    assert "Traceback" not in done.stderr
    assert kassa("import", "run", str(EXAMPLE), "--profile", "kassa_csv").returncode == 0
    assert answer(kassa("account", "find", "4038172956", "--json"))


def test_a_running_core_takes_a_file_imported_by_hand_into_use(tmp_path: Path) -> None:
    newer = tmp_path / "newer.csv"
    newer.write_bytes(EXAMPLE.read_bytes().replace(b"-350,50", b"-351,50"))
    with running(tmp_path) as rig:
        rig.start_core()
        wait_until(lambda: file_in_use(rig) == "subscribers.csv", "the first file in use")

        rig.kassa("import", "run", str(newer), "--profile", "kassa_csv")

        wait_until(lambda: file_in_use(rig) == "newer.csv", "the new file in use")


def file_in_use(rig: Rig) -> str:
    done = rig.try_kassa("status", "--json")
    return str((json.loads(done.stdout)["data"] or {}).get("file")) if done.returncode == 0 else ""
