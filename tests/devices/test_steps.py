"""The pump: a driver's steps against a link, in virtual time."""

import pytest
from virtual_time import VirtualTime

from devices.link import LinkLost, MemoryLink
from devices.steps import (
    BUFFER_MAX_BYTES,
    Pump,
    await_command,
    flush,
    receive,
    report,
    send,
    sleep,
)


class Bench:
    """A pump around one program, its link, and what it told the core."""

    def __init__(self, program, react=lambda fact: None):
        self.time = VirtualTime(0.0)
        self.sent, self.facts, self.closed = [], [], 0
        self.is_there = True
        self.program, self.react = program, react
        self.pump = Pump(self, self.open, self.dispatch, self.time, reopen_after_s=0.5)
        self.pump.start()

    def open(self):
        if not self.is_there:
            raise LinkLost("no such port")
        self.link = MemoryLink(self.sent.append)
        return self.link

    def lost(self, reason):
        return ("lost", reason)

    def dispatch(self, fact):
        self.facts.append(fact)
        self.react(fact)


def test_bytes_are_answered_as_they_come_and_silence_as_nothing():
    def program(now):
        while True:
            yield from report((yield from receive(100)))

    bench = Bench(program)
    bench.link.deliver(b"ab")
    bench.time.run_for(0.1)

    assert bench.facts == [b"ab", b""]


def test_bytes_that_come_while_the_program_sleeps_wait_for_it():
    def program(now):
        yield from sleep(50)
        yield from report((yield from receive(100)))
        yield from sleep(1000)

    bench = Bench(program)
    bench.link.deliver(b"a")
    bench.link.deliver(b"b")
    bench.time.run_for(0.05)

    assert bench.facts == [b"ab"]


def test_flush_throws_away_what_came():
    def program(now):
        yield from sleep(50)
        yield from flush()
        yield from report((yield from receive(10)))
        yield from sleep(1000)

    bench = Bench(program)
    bench.link.deliver(b"stale")
    bench.time.run_for(0.1)

    assert bench.facts == [b""]


def test_a_line_that_babbles_fills_no_memory():
    def program(now):
        yield from sleep(50)
        yield from report(len((yield from receive(10))))
        yield from sleep(1000)

    bench = Bench(program)
    for _ in range(10):
        bench.link.deliver(bytes(BUFFER_MAX_BYTES))
    bench.time.run_for(0.1)

    assert bench.facts == [BUFFER_MAX_BYTES]


def test_commands_come_in_their_order_and_their_absence_is_none():
    def program(now):
        while True:
            yield from report((yield from await_command(100)))

    bench = Bench(program)
    bench.pump.order("first")
    bench.pump.order("second")
    bench.time.run_for(0.15)

    assert bench.facts == ["first", "second", None]


def test_a_command_given_while_a_fact_is_taken_in_is_the_next_one_heard():
    def start(now):
        yield from sleep(1)
        yield from report("fact")
        yield from report((yield from await_command(100)))
        yield from sleep(1000)

    def react(fact):
        if fact == "fact":
            bench.pump.order("command")

    bench = Bench(start, react)
    bench.time.run_for(0.01)

    assert bench.facts == ["fact", "command"]


def test_the_core_has_done_all_when_report_comes_back():
    done = []

    def program(now):
        yield from report("money")
        yield from send(b"ack" if done else b"too early")
        yield from sleep(1000)

    bench = Bench(program, react=done.append)

    assert bench.sent == [b"ack"]


def test_time_is_the_schedulers():
    def program(now):
        yield from sleep(250)
        yield from report(now())
        yield from sleep(1000)

    bench = Bench(program)
    bench.time.run_for(0.3)

    assert bench.facts == [0.25]


def test_a_lost_link_is_told_once_for_each_reason_and_opened_again():
    def program(now):
        yield from report("up")
        yield from sleep(1_000_000)

    bench = Bench(program)
    bench.is_there = False
    bench.link.unplug()
    bench.time.run_for(60)
    bench.is_there = True
    bench.time.run_for(1)

    assert bench.facts == ["up", ("lost", "unplugged"), ("lost", "no such port"), "up"]


def test_a_port_that_never_was_there_is_told_once():
    def program(now):
        yield from report("up")
        yield from sleep(1_000_000)

    bench = Bench(program)
    bench.facts.clear()
    bench.is_there = False
    bench.pump.stop()
    bench.pump = Pump(bench, bench.open, bench.dispatch, bench.time)
    bench.pump.start()
    bench.time.run_for(10)

    assert bench.facts == [("lost", "no such port")]


def test_a_program_that_gives_up_is_started_anew():
    def program(now):
        yield from report("up")
        raise LinkLost("it is silent")

    bench = Bench(program)
    bench.time.run_for(0.6)

    assert bench.facts == ["up", ("lost", "it is silent"), "up", ("lost", "it is silent")]


def test_commands_for_a_lost_link_are_void():
    def program(now):
        yield from report((yield from await_command(1000)))
        yield from sleep(1_000_000)

    bench = Bench(program)
    bench.link.unplug()
    bench.pump.order("old")
    bench.time.run_for(5)

    assert bench.facts == [("lost", "unplugged"), None]


def test_a_stopped_pump_is_silent_for_good():
    def program(now):
        while True:
            yield from send(b"?")
            yield from sleep(100)

    bench = Bench(program)
    bench.time.run_for(1)
    before = len(bench.sent)
    bench.pump.stop()
    bench.time.run_for(10)

    assert len(bench.sent) == before
    assert not bench.pump.is_up


def test_a_program_that_is_interrupted_may_clean_up():
    ends = []

    def program(now):
        try:
            yield from sleep(1_000_000)
        finally:
            ends.append("closed")

    bench = Bench(program)
    bench.pump.stop()

    assert ends == ["closed"]


def test_an_error_of_the_core_is_not_swallowed():
    def program(now):
        yield from sleep(10)
        yield from report("fact")

    def react(fact):
        raise ZeroDivisionError

    bench = Bench(program, react)

    with pytest.raises(ZeroDivisionError):
        bench.time.run_for(1)
