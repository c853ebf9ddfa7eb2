"""Which ports a scan looks at, what it says of them, and what it proposes for kassa.toml."""

import os
import pty
import tomllib
import tty
from contextlib import contextmanager

import pytest

from devices.link import LineSettings
from devices.scan import Echo, Found, Note, Silent, Strange, Vanished
from kassa import workbench
from kassa.config import load
from kassa.home import Home, data_folder
from kassa.journal.records import OpenIntent
from kassa.workbench import Port

LINE = LineSettings(9600)


@pytest.fixture
def home(tmp_path):
    made = Home(tmp_path / "home")
    made.make()
    example = (data_folder() / "examples" / "kassa.toml").read_text(encoding="utf-8")
    made.config.write_text(example, encoding="utf-8")
    return made


@pytest.fixture
def config(home):
    return load(home.config)


@pytest.fixture
def dev(tmp_path):
    """A /dev with two adapters, one of which has a name that lasts, and two built-in ports."""
    folder = tmp_path / "dev"
    (folder / "serial" / "by-id").mkdir(parents=True)
    for name in ("ttyUSB0", "ttyUSB1", "ttyACM0", "ttyS0", "ttyS1"):
        (folder / name).touch()
    (folder / "serial" / "by-id" / "usb-JCM").symlink_to("../../ttyUSB1")
    return folder


@contextmanager
def terminal():
    """The device's end of a pseudo-terminal, and the path of ours."""
    master, slave = pty.openpty()
    tty.setraw(slave)
    try:
        yield master, os.ttyname(slave)
    finally:
        os.close(master)
        os.close(slave)


def names(found):
    return [os.path.basename(port.name) for port in found]


def test_every_port_is_looked_at_once_by_the_name_that_lasts(home, dev):
    found = workbench.ports((), (str(dev / "ttyUSB1"), "run/validator"), home, dev)

    assert names(found) == ["usb-JCM", "ttyUSB0", "ttyACM0", "ttyS0", "ttyS1", "validator"]
    assert [port.is_guess for port in found] == [False, False, False, True, True, False]
    assert found[-1].path == str(home.run / "validator")


def test_only_named_ports_are_looked_at_when_there_are_some(home, dev):
    found = workbench.ports((str(dev / "ttyUSB1"), str(dev / "ttyUSB0")), ("run/validator",), home, dev)

    assert names(found) == ["usb-JCM", "ttyUSB0"]


def test_what_the_core_owns_is_known_by_any_name(home, config, dev):
    (home.path / "link").symlink_to(dev / "ttyUSB1")
    home.config.write_text(
        home.config.read_text(encoding="utf-8").replace("/dev/serial/by-id/usb-validator", "link"),
        encoding="utf-8",
    )

    taken = workbench.owned(load(home.config), home)

    assert Port("", str(dev / "serial" / "by-id" / "usb-JCM")).real in taken
    assert workbench.owned(None, home) == frozenset()


def test_what_cannot_be_opened_says_why_and_what_to_do(tmp_path, monkeypatch):
    absent = workbench.see(Port("/dev/x", str(tmp_path / "x")), None, print)
    assert (absent.what, "plug the device in" in absent.words) == ("absent", True)

    (tmp_path / "file").touch()
    assert workbench.see(Port("/dev/ttyS9", str(tmp_path / "file"), is_guess=True), None, print) is None
    assert workbench.see(Port("/dev/ttyS9", str(tmp_path / "file")), None, print).what == "absent"

    def deny(*_):
        raise workbench.PortGone("no", 13)

    monkeypatch.setattr(workbench, "SerialPort", deny)
    denied = workbench.see(Port("/dev/ttyUSB0", "/dev/ttyUSB0"), None, print)
    assert (denied.what, "dialout" in denied.words) == ("denied", True)


def test_a_busy_port_says_how_to_stop_who_has_it():
    with terminal() as (_, path):
        ours = workbench.SerialPort(path, LINE)
        for is_guess in (False, True):
            seen = workbench.see(Port(path, path, is_guess), None, print)
            assert (seen.what, seen.found, seen.paste) == ("busy", None, "")
            assert "systemctl stop kassa" in seen.words
            assert seen.words.startswith("another program has it open. If it is the terminal, stop it first")
        ours.close()


@pytest.mark.parametrize(
    ("outcome", "what", "words"),
    [
        (Silent(), "silent", "DIP switches"),
        (Echo(), "echo", "loop-back"),
        (Strange(LINE, b"\x15\x0a"), "unknown", "(15 0A)"),
        (Strange(LINE, b"\x15"), "unknown", "parity"),
        (Vanished("hung up"), "absent", "hung up"),
    ],
)
def test_what_is_no_device_is_told_with_what_to_check(outcome, what, words):
    seen = workbench._seen("/dev/ttyUSB0", outcome, None)

    assert (seen.what, seen.found, seen.paste) == (what, None, "")
    assert words in seen.words


NOTES = (Note(3, "RUS", "50.00"), Note(4, "RUS", "100.00"))


def pasted(found, config=None, name="/dev/serial/by-id/usb-CCNET"):
    return tomllib.loads(workbench._seen(name, found, config).paste)


def test_a_validator_is_proposed_as_kassa_toml_takes_it(config):
    found = Found("ccnet", LineSettings(19200), "SM-RU1353", "", "21K", NOTES)

    seen = workbench._seen("/dev/serial/by-id/usb-CCNET", found, config)

    assert pasted(found, config) == {
        "validator": {
            "port": "/dev/serial/by-id/usb-CCNET", "protocol": "ccnet", "speed": 19200, "countries": ["RUS"],
        }
    }  # fmt: skip
    assert "CCNET validator at 19200 baud, 8N1, SM-RU1353, serial number 21K, notes RUS 50 100" in seen.words


def test_a_registrar_is_proposed_for_its_own_section():
    found = Found("shtrih", LineSettings(115200), "PAY VKP-80K-FA", "C.1", "17")

    assert pasted(found) == {
        "registrar": {"port": "/dev/serial/by-id/usb-CCNET", "protocol": "shtrih", "speed": 115200}
    }
    assert "Shtrih-M registrar" in workbench._seen("x", found, None).words


def test_money_of_others_is_never_proposed_as_ours(config):
    euros = Found("ccnet", LINE, notes=(Note(1, "EUR", "5.00"),))
    both = Found("ccnet", LINE, notes=(*NOTES, Note(1, "EUR", "5.00")))

    assert "countries" not in pasted(euros, config)["validator"]
    assert "# its bill table names EUR" in workbench._seen("x", euros, config).paste
    assert pasted(both, config)["validator"]["countries"] == ["RUS"]


def test_every_currency_that_can_be_configured_has_a_name_in_bill_tables():
    from kassa.money import MINOR_DIGITS

    assert set(workbench.CALLED) == set(MINOR_DIGITS)


def test_a_strange_name_of_a_port_is_text_and_nothing_else():
    name = '/dev/"x"\n[terminal]'

    assert pasted(Found("ccnet", LINE), name=name)["validator"]["port"] == name


# --- the check -----------------------------------------------------------------------------------------------


def checked(config, home, held=None, said=None):
    return workbench.check_validator(
        config, home, held, [].append if said is None else said.append,
        has_hands=False, with_note=True, with_cassette=True,
    )  # fmt: skip


def test_with_a_note_in_flight_the_port_is_not_even_opened(home, config, monkeypatch):
    monkeypatch.setattr(workbench, "SerialPort", None)

    verdict = checked(config, home, OpenIntent("00042-0000000001", 1, 50000))

    assert verdict["ok"] is False
    assert "500.00 RUB of payment 00042-0000000001" in verdict["problems"][0]
    assert f"kassa --home {home.path} run" in verdict["remedy"]


def test_a_validator_without_a_port_is_told_so_in_words(home, config):
    said = []

    verdict = checked(config, home, said=said)

    assert (verdict["ok"], verdict["found"]) == (False, None)
    assert "cannot be opened" in verdict["problems"][0]
    assert "device scan" in verdict["remedy"]
    assert said[0].startswith("PROBLEM  link: ")


@pytest.mark.parametrize(
    ("protocol", "line"),
    [
        ("ccnet", (9600, "N", 1)),
        ("id003", (9600, "E", 1)),
        ("ssp", (9600, "N", 2)),
        ("shtrih", (9600, "N", 1)),
    ],
)
def test_each_protocol_has_its_line(protocol, line):
    assert workbench.line_of(protocol, 9600) == LineSettings(*line)
