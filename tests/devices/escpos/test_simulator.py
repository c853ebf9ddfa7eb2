"""The simulated printer keeps the physical truth, and its console does what a hand would."""

import pytest

from devices.console import ConsoleError
from devices.escpos import protocol as p
from devices.escpos.simulator import COMMANDS, FAULTS, Quirks, Simulator

RECEIPT = b"\x1b@\x1bt\x11" + "Оплата".encode("cp866") + b"\n=650.00\n\x1bd\x02\x1dV\x00"


def obey(sim, line, now=0.0):
    return sim.obey(line.split(), now)


def test_rows_come_out_one_by_one_and_the_cutter_makes_a_sheet():
    sim = Simulator()
    sim.receive(RECEIPT, 0.0)
    assert sim.truth.hanging.rows == ["Оплата"]
    sim.advance(10.0)
    assert [sheet.rows[:2] for sheet in sim.truth.sheets] == [["Оплата", "=650.00"]]
    assert sim.truth.sheets[0].is_whole


def test_real_time_questions_are_answered_while_it_is_offline_and_marks_are_not():
    sim = Simulator()
    obey(sim, "cover open")
    sim.receive(RECEIPT + p.ASK_MARK + p.ask_status(1)[:2], 0.0)
    sim.receive(p.ask_status(1)[2:] + p.ask_status(2), 0.0)
    assert sim.advance(1.0) == bytes((0x1A, 0x16))

    obey(sim, "cover close", 1.0)
    assert sim.advance(5.0) == b"\x00"
    assert sim.truth.sheets[0].is_whole


def test_power_takes_the_buffer_and_leaves_the_paper():
    sim = Simulator()
    sim.receive(RECEIPT, 0.0)
    sim.cut_power(0.01)
    assert sim.receive(p.ask_status(1), 0.02) == b""
    sim.restore_power(1.0)
    sim.advance(60.0)
    assert sim.truth.sheets == []
    assert sim.truth.hanging.rows == ["Оплата"]


def test_what_comes_while_the_buffer_is_full_is_lost_and_counted():
    sim = Simulator(quirks=Quirks(buffer_bytes=10))
    obey(sim, "paper out")
    sim.receive(b"x" * 25, 0.0)
    assert (sim.state(0.0)["buffered_bytes"], sim.overrun_bytes) == (10, 15)


def test_a_change_is_told_by_itself_until_it_is_told_not_to():
    sim = Simulator(quirks=Quirks(automatic_status=True))
    obey(sim, "cover open")
    assert sim.advance(1.0) == b"\x38\x00\x00\x00"
    obey(sim, "cover close", 1.0)
    sim.advance(2.0)
    sim.receive(p.NO_AUTOMATIC_STATUS, 2.0)
    obey(sim, "cover open", 3.0)
    assert sim.advance(4.0) == b""


@pytest.mark.parametrize(
    "line",
    ["power off", "paper out", "paper low", "paper left 7", "cover open", "feed press", "fault cutter", "fault hot",
     "fault failure", "fault mute", "fault garbage", "fault lose 3"],
)  # fmt: skip
def test_the_console_does_what_a_hand_would_and_a_technician_mends_it(line):
    sim = Simulator()
    before = (
        sim.truth.paper_is_in,
        sim.truth.paper_lines,
        sim.has_power,
        sim.is_offline,
        vars(sim.faults).copy(),
    )
    assert obey(sim, line) == {}
    assert (
        sim.truth.paper_is_in, sim.truth.paper_lines, sim.has_power, sim.is_offline, vars(sim.faults)
    ) != before  # fmt: skip
    for mended in ("power on", "paper in", "cover close", "feed release", "clear"):
        obey(sim, mended)
    sim.receive(RECEIPT, 1.0)
    sim.advance(10.0)
    assert obey(sim, "receipt", 10.0)["text"].startswith("Оплата")


@pytest.mark.parametrize(
    "line", ["print", "paper", "fault", "fault fire", "fault lose", "paper left -1", "receipt"]
)
def test_the_console_says_what_is_allowed(line):
    with pytest.raises(ConsoleError):
        obey(Simulator(), line)


def test_the_console_names_its_commands():
    assert obey(Simulator(), "help")["commands"] == COMMANDS
    assert all(f"fault {fault}" in COMMANDS for fault in FAULTS)


def test_what_is_torn_off_is_no_whole_sheet():
    sim = Simulator()
    sim.receive(b"abc\n", 0.0)
    sim.tear_off(1.0)
    assert [(sheet.rows, sheet.is_whole) for sheet in sim.truth.sheets] == [(["abc"], False)]
