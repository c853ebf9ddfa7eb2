"""What a clerk or an attacker drops into the inbox: refused in words, and the data in use stay."""

import os
import shutil

import pytest

pytestmark = pytest.mark.slow

WORDS = {
    "truncated.csv": "столбцов",
    "utf16.csv": "UTF-16",
    "koi8.csv": "koi8-r",
    "columns.csv": "нет столбца «Услуга»",
    "headline.csv": "пустой файл не стирает базу",
    "zero.csv": "0 байт",
    "packed.csv": "gzip",
    "doctype.xml": "DOCTYPE",
    "half.xml": "оборван",
    "folder.csv": "папка",
    "link.csv": "ссылка",
    "pipe.csv": "не обычный файл",
    "\\udcd0\\udcff.csv": "не в UTF-8",
}


def drop_bad_files(inbox, good, good_xml):
    """One of each kind, made elsewhere and moved in whole."""
    text = good.decode("cp1251")
    contents = {
        "truncated.csv": good[:700],
        "utf16.csv": text.encode("utf-16"),
        "koi8.csv": text.encode("koi8-r", "replace"),
        "columns.csv": "\r\n".join(";".join(line.split(";")[:3]) for line in text.splitlines()).encode(
            "cp1251"
        ),
        "headline.csv": good.splitlines(keepends=True)[0],
        "zero.csv": b"",
        "packed.csv": b"\x1f\x8b\x08\x00" + bytes(20),
        "doctype.xml": good_xml.replace(
            b"?>", b'?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>', 1
        ),
        "half.xml": good_xml[:900],
    }
    for name, content in contents.items():
        (inbox / name).write_bytes(content)
    (inbox / "folder.csv").mkdir()
    (inbox / "link.csv").symlink_to("/etc/passwd")
    os.mkfifo(inbox / "pipe.csv")
    with open(os.path.join(os.fsencode(inbox), b"\xd0\xff.csv"), "wb") as file:
        file.write(good)


def test_bad_files_are_refused_in_words_and_the_data_stay(bare, subscribers, subscribers_xml):
    bare.configure(
        ("quiet_s = 2.0", "quiet_s = 0.2"), ('profile = "kassa_xml"', 'profile = "kassa_xml"\nquiet_s = 0.2')
    )
    inbox, quarantine = bare.home / "inbox", bare.home / "quarantine"
    (inbox / "good.csv").write_bytes(subscribers)
    bare.start_core()
    bare.wait_for_view(screen="attract")
    before = bare.shell("account", "find", "4038172956", "--json").data

    drop_bad_files(inbox, subscribers, subscribers_xml)
    bare.wait_for(lambda: set(WORDS) <= set(names(quarantine)), "all of them to be in quarantine")
    bare.wait_for(lambda: names(inbox) == ["done"], "the inbox to be empty")

    told = refusals(bare)
    assert told.keys() == WORDS.keys()
    for name, words in WORDS.items():
        assert words in told[name], name
        report = (inbox / f"{name}.report.txt").read_text(encoding="utf-8")
        assert words in report
    assert bare.shell("account", "find", "4038172956", "--json").data == before
    status = bare.shell("status", "--json").data
    assert status["takes_cash"]
    assert [condition["code"] for condition in status["conditions"]] == ["import_refused"]

    (inbox / "later.xml").write_bytes(subscribers_xml)
    bare.wait_for(lambda: "later.xml" in names(inbox / "done"), "the good file to be taken")
    status = bare.wait_for(lambda: all_is_well(bare), "the warning to go")
    assert (status["data"]["file"], status["data"]["accounts"]) == ("later.xml", 39)


def names(folder):
    """What lies there but for reports."""
    return sorted(one for one in os.listdir(folder) if ".report." not in one)


def all_is_well(terminal):
    """Its state, when nothing is wrong."""
    status = terminal.shell("status", "--json").data
    return status if not status["conditions"] else None


def refusals(terminal):
    """The reason by file."""
    listed = terminal.shell("import", "list", "--json").data
    return {one["file"]: one["reason"] for one in listed if one["status"] == "refused"}


@pytest.mark.parametrize(
    ("content", "code", "status"), [("good", 0, "imported"), ("bad", 2, "refused")], ids=["good", "bad"]
)
def test_a_file_loaded_by_hand_is_answered_by_exit_code_and_json(
    bare, subscribers, tmp_path, content, code, status
):
    file = tmp_path / "subscribers.csv"
    file.write_bytes(subscribers if content == "good" else subscribers[:700])

    checked = bare.call("import", "check", file, "--profile", "kassa_csv", "--json")
    done = bare.call("import", "run", file, "--profile", "kassa_csv", "--json")

    assert (checked.code, done.code) == (code, code)
    assert done.data["status"] == status
    assert {"accepted", "refused", "report"} <= done.data.keys()
    assert (bare.shell("account", "find", "4038172956", "--json").data != []) == (status == "imported")


def test_a_profile_that_is_not_there_is_our_own_fault(bare, subscribers, tmp_path):
    shutil.copy(tmp_path / "home" / "kassa.toml", tmp_path / "any.csv")
    done = bare.call("import", "run", tmp_path / "any.csv", "--profile", "nobodys")
    assert done.code == 1
    assert "there is no profile 'nobodys'" in done.err
    assert "kassa_csv" in done.err
