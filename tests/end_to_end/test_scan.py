"""`kassa device scan` over real pseudo-terminals: each simulated device is found, and what is none is told apart."""

import os
import pty
import threading
import tomllib
import tty

import pytest

pytestmark = pytest.mark.slow

VALIDATORS = {"ccnet": ("SM-RU1353", ["RUS"]), "id003": ("U(RUS)-05-SS", None), "ssp": ("ITL RUS", ["RUS"])}


@pytest.mark.parametrize("protocol", VALIDATORS)
def test_each_validator_is_found_with_the_piece_of_configuration_for_it(bare, protocol):
    model, countries = VALIDATORS[protocol]
    device, port = bare.simulate_beside(protocol)

    [seen] = bare.shell("device", "scan", "--port", port, "--json").data

    assert (seen["port"], seen["what"]) == (str(port), "found")
    found = seen["found"]
    assert (found["protocol"], found["model"], found["line"]["speed"]) == (protocol, model, 9600)
    piece = tomllib.loads(seen["paste"])["validator"]
    assert (piece["port"], piece["protocol"], piece.get("countries")) == (str(port), protocol, countries)
    assert device.say("state")["notes"] == 0


def test_the_registrar_is_found(bare):
    _, port = bare.simulate_beside("shtrih")

    done = bare.shell("device", "scan", "--port", port)

    assert f"{port}: Shtrih-M registrar at 115200 baud, 8N1, PAY VKP-80K-FA, firmware" in done.out
    assert "[registrar]" in done.out
    assert f"{port}: CCNET 9600 baud, 8N1 ..." in done.err


def test_several_ports_are_told_one_after_the_other_and_a_missing_one_is_no_reason_to_stop(bare):
    _, first = bare.simulate_beside("ccnet")
    _, second = bare.simulate_beside("ssp")

    seen = bare.shell(
        "device", "scan", "--port", first, "--port", bare.folder / "nothing", "--port", second, "--json"
    ).data  # fmt: skip

    assert [one["what"] for one in seen] == ["found", "absent", "found"]


def test_a_scan_needs_no_kassa_toml(bare, tmp_path):
    _, port = bare.simulate_beside("ccnet")
    bare.home = tmp_path / "nobody"

    [seen] = bare.shell("device", "scan", "--port", port, "--json").data

    assert seen["found"]["protocol"] == "ccnet"


def test_a_running_core_keeps_its_ports(terminal):
    done = terminal.call("device", "scan", "--port", terminal.home / "run" / "validator", "--json")

    assert done.code == 1
    [seen] = done.data
    assert seen["what"] == "busy"
    assert "systemctl stop kassa" in seen["words"]
    assert terminal.view()["screen"] == "attract"


@pytest.fixture
def line():
    """A port, and our end of it."""
    master, slave = pty.openpty()
    tty.setraw(slave)
    yield master, os.ttyname(slave)
    os.close(slave)
    os.close(master)


def test_silence_is_told_with_what_to_check(bare, line):
    done = bare.call("device", "scan", "--port", line[1])

    assert done.code == 1
    assert f"{line[1]}: silent at all speeds" in done.out
    assert "DIP switches" in done.out
    assert "[validator]" not in done.out


def test_a_loop_back_is_told(bare, line):
    master, path = line

    def echo():
        try:
            while data := os.read(master, 100):
                os.write(master, data)
        except OSError:
            return

    threading.Thread(target=echo, daemon=True).start()

    done = bare.call("device", "scan", "--port", path, "--json")

    assert (done.code, done.data[0]["what"]) == (1, "echo")
