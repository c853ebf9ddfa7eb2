"""Who has a port open: asked of real processes and a real pseudo-terminal."""

import os
import pty
import subprocess
import sys

import pytest

from devices.blocking import PortGone, SerialPort
from devices.holders import who_has
from devices.link import LineSettings

HOLDS = """
import serial, sys, time
port = serial.Serial(sys.argv[1], exclusive=True)
print("open", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def port():
    ours, theirs = pty.openpty()
    name = os.ttyname(theirs)
    yield name
    os.close(ours)
    os.close(theirs)


@pytest.fixture
def holder(port):
    words = [sys.executable, "-c", HOLDS, port]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "open\n"
        yield process
        process.stdin.close()


def test_a_busy_port_names_the_process_that_has_it(port, holder):
    assert who_has(port).endswith(f"(process {holder.pid})")
    with pytest.raises(PortGone, match=rf"cannot be opened: python\S* \(process {holder.pid}\) has it open"):
        SerialPort(port, LineSettings(9600))


def test_a_port_that_is_reached_by_another_name_is_the_same_port(port, holder, tmp_path):
    (tmp_path / "by-id").symlink_to(port)
    assert f"(process {holder.pid})" in who_has(str(tmp_path / "by-id"))


def test_a_port_that_nobody_can_be_seen_to_have_is_another_programs(tmp_path):
    assert who_has(str(tmp_path / "ttyUSB0")) == "another program"
