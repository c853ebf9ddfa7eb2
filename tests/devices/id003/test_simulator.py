"""The simulated ID-003 validator: what it does to notes, what it keeps through power cuts, what it answers to a host."""

import pytest

from devices.console import ConsoleError
from devices.id003 import protocol as p
from devices.id003.protocol import Frame, Option, Poll, Status
from devices.id003.simulator import RUSSIAN_TABLE, STACKED_S, UNPOLLED_S, Quirks, Simulator
from devices.validator.machine import ESCROW_S
from devices.validator.mechanics import Mechanics

ALL = range(8)


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

    def watch(self, seconds):
        """Let time pass as a host that polls does it."""
        for _ in range(round(seconds)):
            self.wait(1)
            self.poll()

    def hear(self, command):
        self.wait(0.1)
        return p.take_last(self.sim.receive(p.encode(command), self.now))

    def ask(self, command):
        [item] = self.hear(command)
        assert isinstance(item, Frame)
        return item.body

    def poll(self):
        return p.decode_poll(self.ask(p.STATUS_REQUEST))

    def acknowledge(self):
        assert self.sim.receive(p.encode(p.ACK), self.now) == b""

    def open(self, options=Option.POWER_RECOVERY):
        assert self.ask(p.RESET) == p.ACK
        self.ask(p.enable_bill_types(ALL))
        self.ask(p.set_options(options))
        self.ask(p.inhibit(False))
        self.wait(5)
        self.ask(p.STATUS_REQUEST)
        return self

    def insert(self, units):
        return self.sim.insert(units, self.now)

    def send_in(self):
        """A note of 500 is on its way into the cassette."""
        assert self.insert(500) is None
        self.wait(0.8)
        assert self.ask(p.STACK_2) == p.ACK


@pytest.fixture
def bench():
    return Bench().open()


def test_it_waits_for_reset_after_power_up_and_obeys_nothing_else():
    bench = Bench()
    bench.acknowledge()
    assert bench.ask(p.inhibit(False)) == p.INVALID_COMMAND
    bench.wait(100)

    assert bench.poll() == Poll(Status.POWER_UP)
    assert bench.insert(500) == "the slot is closed: power_up"


def test_a_note_waits_at_escrow_and_is_money_when_it_lies_in_the_cassette(bench):
    assert bench.insert(500) is None
    assert bench.poll() == Poll(Status.ACCEPTING)
    bench.wait(1)
    assert bench.poll() == Poll(Status.ESCROW, 4)
    assert bench.ask(p.STACK_2) == p.ACK
    assert bench.poll() == Poll(Status.STACKING)
    assert bench.sim.truth.cassette == []
    bench.wait(1)

    assert bench.poll() == Poll(Status.VEND_VALID)
    assert bench.sim.truth.cassette == [500]


def test_money_is_said_until_the_acknowledgement_and_nothing_else_is_obeyed(bench):
    bench.send_in()
    bench.wait(60)
    assert bench.ask(p.inhibit(True)) == p.INVALID_COMMAND
    assert bench.insert(100) == "the slot is closed: stacked"
    assert bench.poll() == Poll(Status.VEND_VALID)
    bench.acknowledge()
    assert bench.poll() == Poll(Status.STACKED)
    bench.wait(STACKED_S)

    assert bench.poll() == Poll(Status.IDLING)


def test_money_that_was_not_acknowledged_outlasts_a_fault(bench):
    bench.send_in()
    bench.wait(1)
    bench.sim.jam(bench.now)
    assert bench.poll() == Poll(Status.JAMMED)
    bench.sim.clear(bench.now)
    bench.wait(5)

    assert bench.poll() == Poll(Status.VEND_VALID)


def test_a_lost_acknowledgement_changes_nothing():
    bench = Bench(lost_acks=1).open()
    bench.send_in()
    bench.wait(1)
    bench.acknowledge()
    assert bench.poll() == Poll(Status.VEND_VALID)
    bench.acknowledge()

    assert bench.poll() == Poll(Status.STACKED)


def test_money_is_named_only_by_units_that_do(bench):
    bench = Bench(names_the_note=True).open()
    bench.send_in()
    bench.wait(1)

    assert bench.poll() == Poll(Status.VEND_VALID, 4)


def test_a_host_that_asks_and_does_not_decide_sees_the_note_rejected(bench):
    bench.insert(500)
    bench.watch(ESCROW_S + 2)
    assert bench.sim.truth.returned == [500]

    bench = Bench(rejects_when_impatient=False).open()
    bench.insert(500)
    bench.watch(ESCROW_S + 2)
    assert bench.sim.truth.returned == [500]


@pytest.mark.parametrize(
    ("rejects", "status"), [(True, Poll(Status.REJECTING, 0x79)), (False, Poll(Status.RETURNING))]
)
def test_the_end_of_its_patience_is_a_rejection_or_a_return(rejects, status):
    bench = Bench(rejects_when_impatient=rejects).open()
    bench.insert(500)
    seen = []
    for _ in range(130):
        seen.append(bench.poll())

    assert status in seen


def test_a_silent_host_loses_the_note_at_escrow_to_the_customer_much_sooner(bench):
    bench.insert(500)
    bench.wait(0.8)
    bench.poll()
    bench.wait(UNPOLLED_S + 1)

    assert bench.poll() == Poll(Status.IDLING)
    assert bench.sim.truth.returned == [500]


def test_hold_gives_ten_seconds_more(bench):
    bench.insert(500)
    bench.watch(ESCROW_S - 2)
    assert bench.ask(p.HOLD) == p.ACK
    assert bench.poll() == Poll(Status.HOLDING)
    bench.watch(ESCROW_S - 2)
    assert bench.ask(p.STACK_2) == p.ACK
    bench.wait(1)

    assert bench.sim.truth.cassette == [500]


@pytest.mark.parametrize(
    "command", [p.STACK_1, p.STACK_2, p.RETURN, p.HOLD, b"\x99", b"\xc0", p.BOOT_VERSION_REQUEST]
)
def test_what_is_not_allowed_while_idling_is_invalid(bench, command):
    assert bench.ask(command) == p.INVALID_COMMAND


def test_a_setting_comes_back_as_it_is_in_force(bench):
    assert bench.ask(p.set_options(Option.POWER_RECOVERY | Option.ENCRYPTION)) == p.set_options(
        Option.POWER_RECOVERY
    )
    assert bench.ask(p.enable_bill_types({4})) == p.enable_bill_types({4})
    assert bench.ask(p.GET_BILL_TYPES) == b"\x80" + p.enable_bill_types({4})[1:]
    assert bench.ask(p.GET_INHIBIT) == b"\x83\0"
    assert bench.sim.enabled == [500]


def test_without_its_settings_it_takes_nothing_unless_it_is_open_by_default():
    for quirks, enabled in (
        ({}, []),
        ({"is_open_by_default": True}, [10, 50, 100, 200, 500, 1000, 2000, 5000]),
    ):
        bench = Bench(**quirks)
        bench.ask(p.RESET)
        bench.wait(5)
        assert bench.sim.enabled == enabled


def test_it_stays_in_initialize_until_it_has_its_settings_when_it_waits_for_them():
    bench = Bench(waits_for_settings=True)
    bench.ask(p.RESET)
    bench.wait(60)
    assert bench.poll() == Poll(Status.INITIALIZE)
    bench.open()

    assert bench.poll() == Poll(Status.IDLING)


def test_the_table_is_told_unless_it_is_not_known(bench):
    assert p.decode_currency_table(bench.ask(p.CURRENCY_REQUEST))[: len(RUSSIAN_TABLE)] == RUSSIAN_TABLE
    bench.sim.quirks.tells_table = False

    assert bench.ask(p.CURRENCY_REQUEST) == p.INVALID_COMMAND


@pytest.mark.parametrize(
    ("after_s", "status"),
    [
        (0.3, Status.POWER_UP_IN_HEAD),
        (0.8, Status.POWER_UP_IN_HEAD),
        (1.1, Status.POWER_UP_IN_HEAD),
        (1.25, Status.POWER_UP_IN_STACKER),
        (2.5, Status.POWER_UP),
    ],
)
def test_after_a_power_cut_it_says_where_the_note_is(bench, after_s, status):
    start = bench.now
    bench.insert(500)
    if after_s > 0.8:
        bench.wait(0.8)
        bench.ask(p.STACK_2)
    bench.wait(after_s - (bench.now - start))
    bench.sim.cut_power(bench.now)
    assert bench.sim.receive(p.encode(p.STATUS_REQUEST), bench.now) == b""
    bench.sim.restore_power(bench.now)

    assert bench.poll() == Poll(status)
    assert bench.sim.enabled == []


@pytest.mark.parametrize(
    ("quirks", "options", "says_it"),
    [
        ({}, Option.POWER_RECOVERY, True),
        ({}, Option(0), False),
        ({"options": Option(0)}, Option.POWER_RECOVERY, False),
        ({"announces_after_reset": False}, Option.POWER_RECOVERY, False),
    ],
)
def test_a_note_past_the_gate_is_said_after_reset_when_recovery_is_on(quirks, options, says_it):
    bench = Bench(Mechanics(stacker=500), **quirks)
    bench.open(options)
    bench.wait(5)

    assert bench.sim.truth.cassette == [500]
    assert (bench.poll() == Poll(Status.VEND_VALID)) is says_it


def test_a_note_in_the_head_goes_back_after_reset_or_is_stacked_and_said():
    bench = Bench(Mechanics(head=500)).open()
    assert bench.sim.truth.returned == [500]

    bench = Bench(Mechanics(head=500), stacks_from_head=True).open()
    assert bench.sim.truth.cassette == [500]
    assert bench.poll() == Poll(Status.VEND_VALID)


def test_every_place_of_a_note_is_kept_before_anybody_can_hear_of_it(bench):
    bench.kept.clear()
    bench.send_in()
    bench.wait(1)

    assert [(one["head"], one["stacker"], one["notes"]) for one in bench.kept] == [
        (500, None, 0),
        (None, 500, 0),
        (None, None, 1),
    ]


def test_a_unit_that_tells_more_than_it_is_asked_says_enq_and_zeros():
    bench = Bench(tells_enq=True, zeros_at_start=True)

    assert bench.sim.receive(p.encode(p.STATUS_REQUEST), 0.0) == b"\0\0" + p.encode(p.ENQ) + p.encode(b"\x40")
    assert [item.body for item in bench.hear(p.STATUS_REQUEST)] == [p.ENQ, b"\x40"]


def test_a_lost_stack_leaves_the_note_at_escrow(bench):
    bench.sim.quirks.lost_stacks = 1
    bench.insert(500)
    bench.wait(0.8)
    assert bench.hear(p.STACK_2) == ()

    assert bench.poll() == Poll(Status.ESCROW, 4)


def test_without_power_nobody_answers_and_nothing_goes_in(bench):
    bench.sim.cut_power(bench.now)

    assert bench.hear(p.STATUS_REQUEST) == ()
    with pytest.raises(ConsoleError, match="no power"):
        bench.sim.obey(["insert", "500"], bench.now)


@pytest.mark.parametrize("fault", ["jam", "cassette_out", "cheat", "pause", "failure"])
def test_every_fault_of_the_console_can_be_cleared(bench, fault):
    bench.sim.obey(["fault", fault], bench.now)
    assert bench.poll().status not in (Status.IDLING, Status.DISABLED)
    bench.sim.obey(["clear"], bench.now)
    bench.wait(5)

    assert bench.poll().status in (Status.IDLING, Status.DISABLED)


def test_whatever_comes_over_the_wire_it_answers_the_next_command(bench):
    bench.sim.receive(b"\xfc\x05\x00\xff\xfc\xfa\x11" * 50, bench.now)
    bench.sim.receive(b"\0" * 250, bench.now)

    assert bench.poll() == Poll(Status.IDLING)


def test_a_frame_that_stops_in_its_middle_does_not_swallow_the_next_command(bench):
    bench.sim.receive(b"\xfc\xfa\x11", bench.now)
    bench.wait(0.2)

    assert bench.poll() == Poll(Status.IDLING)
