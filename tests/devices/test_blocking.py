"""A blocking port over real pseudo-terminals, and a program's steps carried out over it."""

import errno
import fcntl
import os
import pty
import tty

import pytest

from devices.blocking import BUSY, PortGone, RecordedPort, SerialPort, carry_out
from devices.link import LineSettings
from devices.steps import await_command, flush, receive, report, send, sleep
from kassa.flight.ring import Kind

CCNET = LineSettings(9600)


@pytest.fixture
def terminal():
    """The device's end of a pseudo-terminal, and the path of ours."""
    master, slave = pty.openpty()
    tty.setraw(slave)
    yield master, os.ttyname(slave)
    os.close(master)
    os.close(slave)


@pytest.fixture
def port(terminal):
    opened = SerialPort(terminal[1], CCNET)
    yield opened
    opened.close()


def test_bytes_go_both_ways(terminal, port):
    def program():
        yield from sleep(1)
        yield from flush()
        yield from send(b"\x02\x03\x11\x13\x00")
        heard = os.read(terminal[0], 100)
        os.write(terminal[0], b"\xff\x00\x0d\x0a\x1a")
        answer = yield from receive(1000)
        silence = yield from receive(1)
        yield from report((heard, answer, silence))
        return "done"

    told = []

    assert carry_out(program(), port, told.append) == "done"
    assert told == [(b"\x02\x03\x11\x13\x00", b"\xff\x00\x0d\x0a\x1a", b"")]


class Asked:
    """Stands for pyserial's port: what it is asked for."""

    def __init__(self, *asked, **settings):
        self.asked = [settings | {"speed": asked[1]}]

    def open(self):
        pass

    def reset_input_buffer(self):
        pass

    def apply_settings(self, settings):
        self.asked.append(settings)


def test_settings_are_those_of_the_constructor_and_then_those_that_were_set(monkeypatch):
    monkeypatch.setattr("serial.Serial", Asked)
    port = SerialPort("/dev/ttyUSB0", LineSettings(19200, "E", 2))
    port.set_up(LineSettings(38400, "N", 1))

    first, second = port._serial.asked
    assert (first["speed"], first["parity"], first["stopbits"], first["exclusive"]) == (19200, "E", 2, True)
    assert second == {"baudrate": 38400, "parity": "N", "stopbits": 1}


def test_a_pseudo_terminal_takes_the_settings_of_any_line(terminal, port):
    for parity in "NENE":
        for stop_bits in (1, 2):
            port.set_up(LineSettings(9600, parity, stop_bits))


def test_what_came_before_is_thrown_away(terminal, port):
    os.write(terminal[0], b"late")
    port.set_up(CCNET)
    assert port.receive(1) == b""
    os.write(terminal[0], b"late")
    port.flush()
    assert port.receive(1) == b""


def test_a_port_that_is_taken_is_told_so(terminal, port):
    with pytest.raises(PortGone, match="another program has it open") as taken:
        SerialPort(terminal[1], CCNET)
    assert taken.value.number in BUSY


def test_a_port_that_is_locked_by_a_stranger_is_taken_too(terminal):
    stranger = os.open(terminal[1], os.O_RDWR | os.O_NOCTTY)
    fcntl.flock(stranger, fcntl.LOCK_EX)
    with pytest.raises(PortGone) as taken:
        SerialPort(terminal[1], CCNET)
    assert taken.value.number in BUSY
    os.close(stranger)


def test_a_port_that_is_not_there_and_what_is_no_port_are_told(tmp_path):
    with pytest.raises(PortGone, match="No such file") as absent:
        SerialPort(str(tmp_path / "port"), CCNET)
    assert absent.value.number == errno.ENOENT
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(PortGone, match="cannot be opened"):
        SerialPort(str(tmp_path / "file"), CCNET)


def test_a_port_that_goes_away_is_told_to_the_program():
    master, slave = pty.openpty()
    port = SerialPort(os.ttyname(slave), CCNET)
    os.close(slave)
    os.close(master)

    def program():
        try:
            yield from receive(100)
        except PortGone:
            return "gone"

    assert carry_out(program(), port) == "gone"
    with pytest.raises(PortGone):
        port.send(b"?")
    port.close()


def test_a_program_that_is_interrupted_can_still_clean_up(port):
    class Interrupted:
        def __getattr__(self, name):
            return getattr(port, name)

        def pause(self, ms):
            raise KeyboardInterrupt

    told = []

    def program():
        try:
            yield from sleep(100)
        finally:
            yield from report("slot closed")

    with pytest.raises(KeyboardInterrupt):
        carry_out(program(), Interrupted(), told.append)
    assert told == ["slot closed"]


def test_a_program_for_a_core_is_refused(port):
    with pytest.raises(AssertionError):
        carry_out(await_command(100), port)


def test_what_passes_is_written_down(terminal, port):
    written = []
    recorded = RecordedPort(port, lambda kind, data: written.append((kind, data)))
    recorded.set_up(CCNET)

    recorded.send(b"question")
    os.write(terminal[0], b"answer")
    assert recorded.receive(1000) == b"answer"
    os.write(terminal[0], b"late")
    recorded.flush()
    recorded.pause(0)

    assert written == [(Kind.SENT, b"question"), (Kind.RECEIVED, b"answer"), (Kind.RECEIVED, b"late")]
