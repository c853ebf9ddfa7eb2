"""The control socket: what our own people are answered, and what a stranger or a broken caller cannot do."""

import asyncio
import json
import os
import socket
import stat
import subprocess
import sys
import threading
import time
from contextlib import ExitStack

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from served_terminal import Served

from kassa.control import server as control
from kassa.control.client import AskRefused, Client, CoreAbsent
from kassa.control.messages import LINE_MAX_BYTES, VERSION
from kassa.control.server import Server
from kassa.errors import KassaError
from kassa.journal.store import JournalFailed

HELLO = b'{"type":"hello","version":%d,"client":"test"}\n' % VERSION
WAIT_MAX_S = 10.0


def call(served, *lines):
    """Send these bytes on a new connection, hang up the sending half, and give every answer until the server's end."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(WAIT_MAX_S)
        connection.connect(str(served.home.socket))
        try:
            for line in lines:
                connection.sendall(line)
            connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # the server has hung up already; what it said before is to be read
        with connection.makefile("rb") as answers:
            try:
                return [json.loads(answer) for answer in answers]
            except ConnectionResetError:
                return []


def wait_until(is_so):
    give_up = time.monotonic() + WAIT_MAX_S
    while not is_so():
        assert time.monotonic() < give_up
        time.sleep(0.01)


def is_alive(served):
    with Client(served.home.socket) as client:
        return client.ask("status")["terminal"] == "00042"


def test_a_question_is_answered_and_an_intent_carried_out(served):
    with Client(served.home.socket, "test") as client:
        assert client.ask("status")["terminal"] == "00042"
        client.intend("set_language", language="en")
        assert client.view().language == "en"


def test_a_refusal_comes_with_its_code_and_its_words(served):
    with Client(served.home.socket) as client:
        with pytest.raises(AskRefused, match="not now"):
            client.ask("refuse")
        with pytest.raises(AskRefused, match="nobody here answers 'dance'; known: status"):
            client.ask("dance")
        with pytest.raises(AskRefused) as refused:
            client.intend("fly")
        assert refused.value.code == "intent_unknown"
        assert client.ask("status")


def test_the_socket_is_open_to_its_own_user_only(served):
    assert stat.S_IMODE(served.home.socket.stat().st_mode) == 0o600
    assert stat.S_IMODE(served.home.run.stat().st_mode) == 0o700


def test_another_user_is_turned_away_whatever_the_sockets_mode(served, monkeypatch):
    monkeypatch.setattr(control.os, "getuid", lambda: 12345)
    monkeypatch.setattr(control, "ROOT", 54321)
    with pytest.raises(AskRefused, match="its own user and root only"):
        Client(served.home.socket)


def test_a_socket_that_is_closed_to_us_is_not_taken_for_an_absent_core(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("kassa.control.client.reachable", refuse)
    with pytest.raises(AskRefused, match="closed to this user"):
        Client(tmp_path / "run" / "control.sock")


@pytest.mark.parametrize(
    "first",
    [
        b"",
        b"\n",
        b"{}\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x00\xff\xfe\n",
        b'{"type":"hello"}\n',
        b'{"type":"hello","version":"1","client":"x"}\n',
        b'{"type":"intent","id":1,"name":"finish"}\n',
        b"[" * 100_000 + b"\n",
        HELLO[:20],
    ],
)
def test_who_does_not_say_hello_gets_one_refusal_at_most_and_is_hung_up_on(served, first):
    answers = call(served, first)
    assert [answer["type"] for answer in answers] in ([], ["refused"])
    assert is_alive(served)


def test_another_version_is_refused_in_words(served):
    [answer] = call(served, b'{"type":"hello","version":99,"client":"x"}\n')
    assert answer["message"] == f"this core speaks version {VERSION} of the control messages"


def test_half_a_line_means_nothing(served):
    answers = call(
        served, HELLO, b'{"type":"intent","id":1,"name":"set_language","values":{"language":"en"}}'
    )
    assert [answer["type"] for answer in answers] == ["welcome"]
    with Client(served.home.socket) as client:
        assert client.view().language == "ru"


def test_a_line_may_come_in_pieces(served):
    answers = call(served, *(bytes([one]) for one in HELLO + b'{"type":"ask","id":7,"what":"status"}\n'))
    assert [answer["type"] for answer in answers] == ["welcome", "done"]


def test_a_line_without_end_is_cut_off(served):
    answers = call(served, HELLO, b"x" * (LINE_MAX_BYTES + 100_000))
    assert [answer["type"] for answer in answers][-1:] in (["refused"], [])
    assert is_alive(served)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.binary(max_size=200), max_size=5))
def test_no_garbage_harms_the_core(served, lines):
    call(served, HELLO, *lines)
    assert is_alive(served)
    assert served.faults == []


@pytest.mark.parametrize(
    "line",
    [
        b'{"type":"ask","id":1,"what":"status","more":' + b"[" * 100_000 + b"]" * 100_000 + b"}\n",
        b'{"type":"ask","id":1,"what":"\xff"}\n',
    ],
)
@pytest.mark.parametrize("greeting", [b"", HELLO])
def test_a_line_that_breaks_its_reader_ends_its_caller_and_not_the_core(served, greeting, line):
    answers = call(served, greeting + line)
    assert answers[-1]["code"] == "not_a_message"
    assert is_alive(served)
    assert served.faults == []


def test_what_a_core_refuses_with_cannot_steer_the_terminal_it_is_shown_on():
    assert str(AskRefused("not_now", "no\x1b[2J")) == "no\\x1b[2J"
    assert str(AskRefused("not\x1b", "")) == "the core refuses and does not say why (not\\x1b)"


def test_no_caller_can_write_a_line_of_his_own_into_the_log(served, caplog):
    caplog.set_level("INFO", "kassa")
    name = "x\\n2026-11-25 09:00:00 INFO kassa.terminal: all is well\\u001b[2J" * 50
    hello = HELLO.replace(b"test", name.encode())
    intent = b'{"type":"intent","id":1,"name":"%s"}\n' % name.encode()
    call(served, hello, intent, b'{"type":"%s"}\n' % name.encode())
    assert len(caplog.messages) > 1
    assert all(message.isprintable() for message in caplog.messages), caplog.messages


@pytest.mark.parametrize(
    "line",
    [b'{"type":"done","id":1,"data":' + b"[" * 100_000 + b"]" * 100_000 + b"}\n", b'{"type":"\xff"}\n'],
)
def test_a_core_whose_words_break_their_reader_is_no_core_for_us(tmp_path, line):
    path = tmp_path / "control.sock"
    with socket.socket(socket.AF_UNIX) as strange, ExitStack() as open_ends:
        strange.bind(str(path))
        strange.listen()

        def speak():
            connection, _ = strange.accept()
            open_ends.enter_context(connection)
            connection.sendall(line)

        speaker = threading.Thread(target=speak)
        speaker.start()
        with pytest.raises(CoreAbsent, match="speaks another version"):
            Client(path)
        speaker.join(WAIT_MAX_S)


def test_a_caller_who_never_reads_is_cut_off_and_nobody_waits_for_him(served, monkeypatch):
    monkeypatch.setattr(control, "UNSENT_MAX_BYTES", 100_000)
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.connect(str(served.home.socket))
        deaf.sendall(HELLO + b'{"type":"follow","id":1}\n')
        wait_until(lambda: "test" in served.server.clients)
        with Client(served.home.socket, "hasty") as client:
            for turn in range(1000):
                client.intend("set_language", language=("en", "ru")[turn % 2])
        wait_until(lambda: "test" not in served.server.clients)
    assert served.faults == []


def test_a_caller_who_takes_no_answers_only_holds_up_himself(served):
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.connect(str(served.home.socket))
        deaf.sendall(HELLO + b'{"type":"ask","id":1,"what":"large"}\n' * 200)
        assert is_alive(served)


def test_callers_beyond_the_limit_are_turned_away_and_those_before_go_on(served):
    with Client(served.home.socket, "first") as first, ExitStack() as crowd:
        for _ in range(1000):
            one = crowd.enter_context(socket.socket(socket.AF_UNIX))
            one.connect(str(served.home.socket))
        assert first.ask("status")
        assert len(served.server.clients) <= control.CLIENTS_MAX
        with pytest.raises(AskRefused, match="16 callers are served already"):
            Client(served.home.socket)
    wait_until(lambda: not served.server.clients)
    assert is_alive(served)


def test_who_connects_and_says_nothing_loses_his_place(served, monkeypatch):
    monkeypatch.setattr(control, "HELLO_MAX_S", 0.05)
    with socket.socket(socket.AF_UNIX) as silent:
        silent.settimeout(WAIT_MAX_S)
        silent.connect(str(served.home.socket))
        assert silent.recv(1) == b""
    assert is_alive(served)


def test_a_caller_with_many_lines_lets_others_in_between(served):
    with socket.socket(socket.AF_UNIX) as eager:
        eager.connect(str(served.home.socket))
        eager.sendall(HELLO + b'{"type":"ask","id":1,"what":"status"}\n' * 500)
        with Client(served.home.socket, "other") as other:
            assert other.ask("status")


def test_a_fault_of_the_core_itself_is_nobodys_answer_and_stops_it(served):
    with Client(served.home.socket) as client, pytest.raises(CoreAbsent, match="hung up"):
        client.ask("fail")
    wait_until(lambda: served.faults)
    assert isinstance(served.faults[0], JournalFailed)


def test_a_fault_in_an_intent_stops_the_core_too(served, monkeypatch):
    def fail(*_):
        raise JournalFailed("the disk has failed")

    monkeypatch.setattr(served.terminal, "intend", fail)
    with Client(served.home.socket) as client, pytest.raises(CoreAbsent):
        client.intend("start")
    wait_until(lambda: served.faults)


def test_the_socket_that_a_killed_core_left_is_replaced(tmp_path):
    one = Served(tmp_path / "home")
    program = "import socket, sys, os; s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); os._exit(9)"
    subprocess.run([sys.executable, "-c", program, str(one.home.socket)], check=False)
    assert one.home.socket.exists()
    with pytest.raises(CoreAbsent, match="start it with"):
        Client(one.home.socket)
    one.start()
    try:
        assert is_alive(one)
    finally:
        one.stop()


def test_a_home_as_deep_as_any_folder_is_served(tmp_path):
    one = Served(tmp_path / ("deep" * 40) / "home")
    one.start()
    try:
        assert is_alive(one)
    finally:
        one.stop()


def test_a_socket_that_cannot_be_made_is_told_in_words(tmp_path):
    missing = tmp_path / "gone" / "control.sock"
    with pytest.raises(KassaError, match="cannot be the control socket"):
        asyncio.run(Server(None, {}).start(missing))
    with pytest.raises(CoreAbsent):
        Client(missing)


def test_a_core_that_is_stopped_does_not_hold_its_callers_for_ever(tmp_path, monkeypatch):
    monkeypatch.setattr("kassa.control.client.HELLO_MAX_S", 0.05)
    path = tmp_path / "control.sock"
    with socket.socket(socket.AF_UNIX) as mute:
        mute.bind(str(path))
        mute.listen()
        with pytest.raises(CoreAbsent, match="did not answer in time"):
            Client(path)


def test_root_may_call_whoever_runs_the_core(served, monkeypatch):
    monkeypatch.setattr(control, "ROOT", os.getuid())
    monkeypatch.setattr(control.os, "getuid", lambda: 12345)
    assert is_alive(served)
