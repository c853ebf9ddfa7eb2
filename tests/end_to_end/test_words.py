"""What a stranger types and reads: the commands of the documents exist, a mistake is answered by one sentence."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
WORD = re.compile(r"[A-Za-z]+(-[a-z]+)?")
KASSA = Path(sys.executable).with_name("kassa")


def documented():
    """Every `kassa ...` of the documents: its nouns and verbs, and the options it is shown with."""
    found = {}
    for document in (PROJECT / "README.md", PROJECT / "docs" / "operating.md"):
        text = document.read_text(encoding="utf-8")
        shown = re.findall(r"^    (kassa .*)$", text, re.MULTILINE) + re.findall(r"`(kassa [^`]*)`", text)
        for line in shown:
            for call in re.findall(r"kassa [^#;]*", line):
                words = re.sub(r"--home \S+", "", call).split()[1:]
                verbs = tuple(
                    words[: next((i for i, word in enumerate(words) if not WORD.fullmatch(word)), None)]
                )
                verbs = tuple(word for word in verbs if word.islower())[:2]
                found.setdefault(verbs, set()).update(word for word in words if word.startswith("--"))
    return found


@pytest.mark.parametrize(
    ("verbs", "options"),
    documented().items(),
    ids=lambda one: " ".join(sorted(one)) if isinstance(one, set) else str(one),
)
def test_what_the_documents_show_can_be_typed(verbs, options):
    helped = subprocess.run(
        [KASSA, *verbs, "--help"], capture_output=True, text=True, timeout=30, check=False
    )
    assert helped.returncode == 0, helped.stderr
    for option in options:
        assert option in helped.stdout


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('number = "00042"', "number = 42", "terminal.number = 42 cannot be used; allowed: 1 to 12 digits in quotes"),
        ("speed = 9600", "speed = 9601", "validator.speed = 9601 cannot be used; allowed: 2400, 4800, 9600"),
        ('owner = "Прим', 'owmer = "Прим', "terminal.owmer = 'Примерсвязь' cannot be used; allowed: no key of this name"),
        ("min = 10  ", "min = 99999", "service[0].max = 15000 cannot be used; allowed: 99999 (the minimum) or more"),
        ("[registrar]", "[registrar", "kassa.toml cannot be read: "),
    ],
)  # fmt: skip
def test_a_mistake_in_kassa_toml_is_one_sentence(bare, old, new, told):
    bare.configure((old, new))

    done = bare.call("run", "--no-ui")

    assert done.code == 1
    assert told in done.err
    assert len(done.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("status",), "no core answers"),
        (("ctl", "send", "start"), "no core answers"),
        (("shift", "z"), "no core answers"),
        (("payments", "list"), "does not exist yet"),
        (("journal", "verify"), "does not exist yet"),
    ],
)
def test_without_a_core_every_question_is_answered_with_what_to_do(bare, words, told):
    done = bare.call(*words)
    assert done.code == 1
    assert told in done.err
    assert f"kassa --home {bare.home} run" in done.err
    assert len(done.err.splitlines()) == 1


def test_the_home_may_come_from_the_environment(bare):
    done = subprocess.run(
        [KASSA, "device", "list"],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
        env=os.environ | {"KASSA_HOME": str(bare.home)},
    )
    assert "validator: ccnet at run/validator" in done.stdout


def test_devices_are_checked_while_no_core_runs(bare):
    checked = bare.call("device", "check", "validator", "--json")
    assert (checked.code, checked.data["ok"]) == (1, False)
    assert "No such file" in checked.data["problems"][0]
    for name in ("validator", "registrar"):
        assert getattr(bare, name).say("state")["power"]
        assert f"{name}: good" in bare.shell("device", "check", name).out


def test_the_simulators_say_what_they_cannot_do(bare):
    for device in (bare.validator, bare.registrar):
        answer = device.ask("dance")
        assert answer["ok"] is False
        assert "there are: " in answer["error"]
        assert set(device.say("help")["commands"]) > {"power off", "power on", "clear", "state"}
    assert "the slot is closed" in bare.validator.ask("insert 500")["error"]
