"""The simulated validator: what it does to notes, what it keeps through power cuts, what it answers on its console."""

import pytest

from devices import truths
from devices.ccnet import protocol as p
from devices.ccnet.protocol import Frame, Poll, Status
from devices.ccnet.simulator import Quirks, Simulator
from devices.console import ConsoleError
from devices.validator.machine import ESCROW_S
from devices.validator.mechanics import Mechanics
from kassa.errors import KassaError

ALL = range(24)


class Bench:
    """A validator on a table, asked by hand."""

    def __init__(self, truth=None, **quirks):
        self.now = 0.0
        self.kept = []
        self.sim = Simulator(
            0.0, truth, quirks=Quirks(silent_after_reset_s=0, **quirks),
            changed=lambda now: self.kept.append(now.count()),
        )  # fmt: skip

    def wait(self, seconds):
        self.now += seconds
        self.sim.advance(self.now)

    def ask(self, command):
        self.wait(0.1)
        item, rest = p.take(self.sim.receive(p.encode(command), self.now))
        assert isinstance(item, Frame)
        assert rest == b""
        return item.body

    def poll(self):
        return p.decode_poll(self.ask(p.POLL))

    def acknowledge(self):
        assert self.sim.receive(p.encode(p.ACK), self.now) == b""

    def open(self, escrow=ALL):
        assert self.ask(p.RESET) == p.ACK
        self.wait(5)
        assert self.ask(p.enable_bill_types(ALL, escrow)) == p.ACK
        assert self.poll() == Poll(Status.IDLING)
        return self

    def insert(self, units):
        return self.sim.insert(units, self.now)


@pytest.fixture
def bench():
    return Bench().open()


def test_it_waits_for_reset_after_power_up_whatever_else_is_said():
    bench = Bench()
    assert bench.ask(p.enable_bill_types(ALL, ALL)) == p.ACK
    bench.wait(100)

    assert bench.poll() == Poll(Status.POWER_UP)
    assert bench.insert(500) == "the slot is closed: power_up"


def test_a_note_waits_at_escrow_and_falls_into_the_cassette_after_stack(bench):
    assert bench.insert(500) is None
    bench.wait(1)
    assert bench.poll() == Poll(Status.ESCROW, 5)
    assert bench.ask(p.STACK) == p.ACK
    bench.wait(1)

    assert bench.poll() == Poll(Status.STACKED, 5)
    assert bench.sim.truth.cassette == [500]


def test_without_its_escrow_bit_a_note_is_stacked_unasked():
    bench = Bench().open(escrow=())
    bench.insert(500)
    bench.wait(2)

    assert bench.poll() == Poll(Status.STACKED, 5)


def test_stacked_is_repeated_until_the_acknowledgement_comes_in_time(bench):
    bench.insert(500)
    bench.wait(1)
    bench.ask(p.STACK)
    bench.wait(1)
    for _ in range(3):
        assert bench.poll() == Poll(Status.STACKED, 5)
        bench.wait(0.2)
        bench.acknowledge()
    bench.poll()
    bench.acknowledge()

    assert bench.poll() == Poll(Status.IDLING)


def test_nak_brings_the_last_answer_again(bench):
    bench.poll()

    assert p.take(bench.sim.receive(p.encode(p.NAK), bench.now)) == (Frame(b"\x14"), b"")


def test_a_silent_host_loses_the_note_at_escrow_to_the_customer(bench):
    bench.insert(500)
    bench.wait(1 + ESCROW_S + 1)

    assert bench.poll() == Poll(Status.RETURNED, 5)
    assert bench.sim.truth.returned == [500]


@pytest.mark.parametrize("command", [p.STACK, p.RETURN, p.HOLD, p.GET_BILL_TABLE, p.IDENTIFICATION, b"\x99"])
def test_what_is_not_allowed_while_idling_is_illegal(bench, command):
    assert bench.ask(command) == p.ILLEGAL


@pytest.mark.parametrize(
    ("after_s", "status"),
    [
        (0.3, Status.POWER_UP_IN_HEAD),
        (1.0, Status.POWER_UP_IN_HEAD),
        (1.2, Status.POWER_UP_IN_HEAD),
        (1.45, Status.POWER_UP_IN_STACKER),
        (2.5, Status.POWER_UP),
    ],
)
def test_after_a_power_cut_it_says_where_the_note_is(bench, after_s, status):
    start = bench.now
    bench.insert(500)
    if after_s > 1.0:
        bench.wait(1.0)
        bench.ask(p.STACK)
    bench.wait(after_s - (bench.now - start))
    bench.sim.cut_power(bench.now)
    assert bench.sim.receive(p.encode(p.POLL), bench.now) == b""
    bench.sim.restore_power(bench.now)

    assert bench.poll() == Poll(status)
    assert bench.sim.enabled == []


def test_reset_ends_the_way_of_a_note_that_was_inside():
    bench = Bench(Mechanics(stacker=500))
    bench.ask(p.RESET)
    bench.wait(5)
    assert bench.poll() == Poll(Status.STACKED, 5)
    assert bench.sim.truth.cassette == [500]

    bench = Bench(Mechanics(head=500), announces_after_reset=False).open()
    assert bench.sim.truth.returned == [500]


def test_every_place_of_a_note_is_kept_before_anybody_can_hear_of_it(bench):
    bench.kept.clear()
    bench.insert(500)
    bench.wait(1)
    bench.ask(p.STACK)
    bench.wait(1)

    assert [(one["head"], one["stacker"], one["notes"]) for one in bench.kept] == [
        (500, None, 0),
        (None, 500, 0),
        (None, None, 1),
    ]


def test_the_truth_survives_in_its_file(tmp_path):
    truth = Mechanics(cassette=[500, 100], stacker=50, returned=[10])
    truths.save(truth, tmp_path / "state.json")

    assert truths.load(tmp_path / "state.json", Mechanics) == truth
    assert truths.load(tmp_path / "nothing.json", Mechanics) == Mechanics()


def test_a_file_that_is_no_truth_is_refused_in_words(tmp_path):
    (tmp_path / "state.json").write_text("{broken")

    with pytest.raises(KassaError, match="delete it"):
        truths.load(tmp_path / "state.json", Mechanics)


def test_a_host_that_leaves_no_quiet_after_its_acknowledgement_is_counted(bench):
    bench.poll()
    bench.acknowledge()
    bench.sim.receive(p.encode(p.POLL), bench.now + 0.001)

    assert bench.sim.breaches == 1


def test_the_console_tells_the_physical_truth(bench):
    assert bench.sim.obey(["insert", "500"], bench.now) == {"taken": 500}
    bench.wait(1)
    bench.ask(p.STACK)
    bench.wait(1)

    state = bench.sim.obey(["state"], bench.now)
    assert (state["cassette"], state["total"], state["notes"]) == ({"500": 1}, "500.00", 1)
    assert (state["head"], state["power"], state["status"]) == (None, True, "stacked")
    assert 500 in state["enabled"]


def test_the_console_tells_how_steadily_it_was_polled_since_it_was_asked_last(bench):
    bench.sim.obey(["polls"], bench.now)
    for pause in (0.1, 0.7, 0.1):
        bench.now += pause
        bench.poll()
    bench.now += 0.3

    found = bench.sim.obey(["polls"], bench.now)

    assert (found["polls"], found["longest_gap_s"]) == (3, pytest.approx(0.7, abs=0.15))
    assert bench.sim.obey(["polls"], bench.now + 0.9) == {"polls": 0, "longest_gap_s": pytest.approx(0.9)}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("insert 500", "no power"),
        ("insert five", "no whole number"),
        ("insert ٥٠٠", "no whole number"),
        ("dance", "is no command; there are: insert UNITS"),
    ],
)
def test_the_console_refuses_in_words(bench, line, words):
    bench.sim.obey(["power", "off"], bench.now)

    with pytest.raises(ConsoleError, match=words):
        bench.sim.obey(line.split(), bench.now)


@pytest.mark.parametrize("fault", ["jam", "cassette_out", "cheat", "pause", "failure"])
def test_every_fault_of_the_console_can_be_cleared(bench, fault):
    bench.sim.obey(["fault", fault], bench.now)
    assert bench.poll().status not in (Status.IDLING, Status.DISABLED)
    bench.sim.obey(["clear"], bench.now)
    bench.wait(5)

    assert bench.poll().status in (Status.IDLING, Status.DISABLED)


def test_a_closed_slot_takes_nothing(bench):
    bench.ask(p.enable_bill_types((), ()))

    with pytest.raises(ConsoleError, match="the slot is closed: disabled"):
        bench.sim.obey(["insert", "500"], bench.now)


def test_whatever_comes_over_the_wire_it_answers_the_next_command(bench):
    bench.sim.receive(b"\x02\x03\x00\xff\x02\x03\x05" * 50, bench.now)

    assert bench.poll() == Poll(Status.IDLING)


def test_a_frame_that_stops_in_its_middle_does_not_swallow_the_next_command(bench):
    bench.sim.receive(b"\x02\x03\xfa\x33", bench.now)
    bench.wait(0.2)

    assert bench.poll() == Poll(Status.IDLING)
