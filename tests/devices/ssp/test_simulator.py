"""The simulated SSP validator: what it does to notes, what it says only once, what it keeps through power cuts."""

import pytest

from devices.console import ConsoleError
from devices.ssp import cipher
from devices.ssp import protocol as p
from devices.ssp.protocol import Event, EventCode, Frame, Reply, Response
from devices.ssp.simulator import ESCROW_TIMED_OUT, REJECTED_BY_HOST, Quirks, Simulator
from devices.validator.machine import ESCROW_S
from devices.validator.mechanics import Mechanics

ALL = range(1, 9)
OK = Reply(Response.OK)
GENERATOR, MODULUS, SECRET = 982_451_653, 1_287_821, 12_345


class Bench:
    """A validator on a table, asked by hand."""

    def __init__(self, truth=None, **quirks):
        self.now = 0.0
        self.kept = []
        self.sequence = 1
        self.key, self.count = None, 0
        self.sim = Simulator(
            0.0, truth, quirks=Quirks(silent_after_reset_s=0, **quirks),
            changed=lambda now: self.kept.append(now.count()),
        )  # fmt: skip

    def wait(self, seconds):
        self.now += seconds
        self.sim.advance(self.now)

    def hear(self, data):
        """What comes back for one frame; None: nothing."""
        self.wait(0.01)
        found = p.take_last(self.sim.receive(p.encode(Frame(p.VALIDATOR, self.sequence, data)), self.now))
        assert len(found) <= 1
        return found[0].data if found else None

    def ask(self, command):
        data = command
        if self.key is not None:
            data = cipher.seal(self.key, self.count, command, bytes(15))
        said = self.hear(data)
        self.sequence ^= 1
        if self.key is not None and cipher.is_sealed(said):
            said, self.count = cipher.open_(self.key, self.count + 1, said), self.count + 2
        return p.decode_reply(said)

    def poll(self, command=p.POLL):
        reply = self.ask(command)
        assert reply.response is Response.OK
        return p.decode_events(reply.data, 8)

    def exchange_keys(self):
        assert self.ask(p.set_generator(GENERATOR)) == OK
        assert self.ask(p.set_modulus(MODULUS)) == OK
        told = self.ask(p.request_key_exchange(cipher.intermediate(GENERATOR, SECRET, MODULUS)))
        negotiated = cipher.negotiated(p.decode_number(told.data), SECRET, MODULUS)
        self.key, self.count = cipher.shared_key(cipher.FIXED_KEY, negotiated), 0

    def open(self):
        assert self.ask(p.SYNC) == OK
        self.sequence = 0
        assert self.ask(p.host_protocol_version(8)) == OK
        self.wait(5)
        self.poll()
        assert self.ask(p.set_inhibits(ALL)) == OK
        assert self.ask(p.ENABLE) == OK
        self.poll()
        return self

    def insert(self, units):
        return self.sim.insert(units, self.now)

    def hold(self):
        """A note of 500 lies at escrow, and the host knows."""
        assert self.insert(500) is None
        self.wait(0.8)
        assert self.poll() == (Event(EventCode.READ_NOTE, 0), Event(EventCode.READ_NOTE, 5))


@pytest.fixture
def bench():
    return Bench().open()


@pytest.fixture
def sealed():
    """One with keys, polled in the way that repeats money."""
    bench = Bench().open()
    bench.exchange_keys()
    return bench


# --- a note's way ---------------------------------------------------------------------------------------------------------


def test_the_poll_after_escrow_takes_the_note(bench):
    bench.hold()
    assert bench.poll() == (Event(EventCode.STACKING),)
    bench.wait(1)

    assert bench.poll() == (Event(EventCode.CREDIT_NOTE, 5), Event(EventCode.STACKED))
    assert bench.sim.truth.cassette == [500]


def test_the_first_poll_that_sees_a_note_at_escrow_does_not_take_it(bench):
    bench.insert(500)
    bench.wait(5)
    bench.poll()
    bench.wait(1)

    assert bench.sim.truth.cassette == []


def test_a_note_that_went_back_unheard_does_not_let_the_next_one_be_taken_at_once(bench):
    bench.insert(500)
    bench.wait(0.8)
    bench.ask(p.REJECT)
    bench.wait(1)
    assert Event(EventCode.READ_NOTE, 5) in bench.poll()
    bench.insert(100)
    bench.wait(0.8)

    assert Event(EventCode.READ_NOTE, 3) in bench.poll()
    assert bench.sim.truth.head == 100


def test_whatever_is_asked_but_a_poll_keeps_the_note_at_escrow(bench):
    bench.hold()
    for command in (p.HOLD, p.GET_SERIAL_NUMBER, p.GET_COUNTERS, p.SETUP_REQUEST, p.HOLD):
        bench.wait(ESCROW_S - 1)
        assert bench.ask(command).response is Response.OK

    assert bench.sim.truth.head == 500


def test_reject_gives_the_note_back_and_says_so(bench):
    bench.hold()
    assert bench.ask(p.REJECT) == OK
    bench.wait(1)

    assert bench.poll() == (Event(EventCode.REJECTING), Event(EventCode.REJECTED))
    assert bench.ask(p.LAST_REJECT_CODE) == Reply(Response.OK, bytes((REJECTED_BY_HOST,)))
    assert bench.sim.truth.returned == [500]


def test_without_a_note_there_is_nothing_to_hold_or_to_reject(bench):
    assert bench.ask(p.HOLD) == bench.ask(p.REJECT) == Reply(Response.CANNOT_PROCESS)


@pytest.mark.parametrize(("stacks", "cassette", "returned"), [(False, [], [500]), (True, [500], [])])
def test_a_silent_host_loses_the_note_at_escrow_to_the_customer_or_to_the_cassette(
    stacks, cassette, returned
):
    bench = Bench(stacks_when_silent=stacks).open()
    bench.hold()
    bench.wait(ESCROW_S + 2)

    assert (bench.sim.truth.cassette, bench.sim.truth.returned) == (cassette, returned)
    if not stacks:
        assert bench.ask(p.LAST_REJECT_CODE).data == bytes((ESCROW_TIMED_OUT,))


def test_an_event_is_said_once(bench):
    bench.insert(500)

    assert bench.poll() == (Event(EventCode.READ_NOTE, 0),)
    assert bench.poll() == ()


def test_no_further_note_goes_in_before_the_credit_was_heard(bench):
    bench.hold()
    bench.poll()
    bench.wait(1)
    assert bench.insert(100) == "the slot is closed: stacked"
    bench.poll()

    assert bench.insert(100) is None


def test_a_closed_slot_takes_nothing(bench):
    bench.ask(p.DISABLE)

    with pytest.raises(ConsoleError, match="the slot is closed: disabled"):
        bench.sim.obey(["insert", "500"], bench.now)
    assert bench.poll() == (Event(EventCode.DISABLED),)


def test_every_place_of_a_note_is_kept_before_anybody_can_hear_of_it(bench):
    bench.kept.clear()
    bench.hold()
    bench.poll()
    bench.wait(1)

    assert [(one["head"], one["stacker"], one["notes"]) for one in bench.kept] == [
        (500, None, 0),
        (None, 500, 0),
        (None, None, 1),
    ]


# --- the line ----------------------------------------------------------------------------------------------------------------


def test_the_same_sequence_bit_again_brings_the_same_answer_and_does_nothing_more(bench):
    bench.hold()
    first = bench.hear(p.POLL)
    second = bench.hear(p.POLL)

    assert first == second == p.encode_reply(OK) + p.encode_events((Event(EventCode.STACKING),))


def test_sync_discards_the_answer_that_could_be_repeated(bench):
    bench.insert(500)
    bench.hear(p.POLL)
    bench.ask(p.SYNC)
    bench.sequence = 0

    assert bench.poll() == ()


def test_another_address_is_not_answered(bench):
    wire = p.encode(Frame(0x10, bench.sequence, p.POLL))

    assert bench.sim.receive(wire, bench.now) == b""


def test_whatever_comes_over_the_wire_it_answers_the_next_command(bench):
    bench.sim.receive(b"\x7f\x00\x05\xff\x7f\x7f\x80" * 50, bench.now)
    bench.sim.receive(b"\0" * 600, bench.now)

    assert bench.poll() == ()


def test_a_frame_that_stops_in_its_middle_does_not_swallow_the_next_command(bench):
    bench.sim.receive(b"\x7f\x80\xff\x07", bench.now)
    bench.wait(0.2)

    assert bench.poll() == ()


@pytest.mark.parametrize("command", [b"\x99", p.POLL_WITH_ACK, p.EVENT_ACK])
def test_an_unknown_command_is_called_that(bench, command):
    assert bench.ask(command) == Reply(Response.UNKNOWN_COMMAND)


def test_versions_above_its_own_fail_and_leave_it_as_it_was():
    bench = Bench(version_max=6)
    assert bench.ask(p.host_protocol_version(7)) == Reply(Response.FAIL)
    assert bench.ask(p.host_protocol_version(6)) == OK

    assert p.decode_setup(bench.ask(p.SETUP_REQUEST).data).version == 6


# --- keys -------------------------------------------------------------------------------------------------------------------


def test_money_is_said_unchanged_until_its_acknowledgement(sealed):
    sealed.hold()
    sealed.poll(p.POLL_WITH_ACK)
    sealed.wait(0.4)
    first = sealed.poll(p.POLL_WITH_ACK)
    sealed.wait(1)
    assert sealed.poll(p.POLL_WITH_ACK) == first == (Event(EventCode.CREDIT_NOTE, 5),)
    assert sealed.ask(p.EVENT_ACK) == OK

    assert sealed.poll(p.POLL_WITH_ACK) == (Event(EventCode.STACKED),)
    assert sealed.ask(p.EVENT_ACK) == Reply(Response.CANNOT_PROCESS)


def test_a_lost_acknowledgement_changes_nothing(sealed):
    sealed.hold()
    sealed.poll(p.POLL_WITH_ACK)
    sealed.wait(1)
    first = sealed.poll(p.POLL_WITH_ACK)
    sealed.sim.quirks.lost_acks = 1
    assert sealed.hear(cipher.seal(sealed.key, sealed.count, p.EVENT_ACK, bytes(15))) is None

    assert first == (Event(EventCode.CREDIT_NOTE, 5), Event(EventCode.STACKED))
    assert sealed.ask(p.EVENT_ACK) == OK


def test_a_sealed_command_without_a_key_is_refused(bench):
    assert p.decode_reply(bench.hear(cipher.seal(bytes(16), 0, p.POLL, bytes(15)))) == Reply(
        Response.KEY_NOT_SET
    )


def test_who_wants_encryption_carries_nothing_out_without():
    bench = Bench(wants_encryption=True)
    assert bench.ask(p.ENABLE) == Reply(Response.KEY_NOT_SET)
    bench.exchange_keys()

    assert bench.ask(p.GET_SERIAL_NUMBER).response is Response.OK


def test_a_packet_of_another_key_puts_it_out_of_service_until_its_power_was_off(sealed):
    assert sealed.hear(cipher.seal(bytes(16), 0, p.POLL, bytes(15))) is None
    assert sealed.hear(p.POLL) is None
    sealed.sim.cut_power(sealed.now)
    sealed.sim.restore_power(sealed.now)
    sealed.key = None

    assert sealed.ask(p.GET_SERIAL_NUMBER).response is Response.OK


def test_a_packet_whose_turn_it_is_not_is_passed_over(sealed):
    assert sealed.hear(cipher.seal(sealed.key, sealed.count + 2, p.POLL, bytes(15))) is None

    assert sealed.ask(p.GET_SERIAL_NUMBER).response is Response.OK


@pytest.mark.parametrize(
    ("command", "response"),
    [
        (p.set_generator(4), Response.OUT_OF_RANGE),
        (p.set_modulus(15), Response.OUT_OF_RANGE),
        (p.request_key_exchange(5), Response.FAIL),
    ],
)
def test_keys_that_cannot_be_exchanged_like_this_are_refused(bench, command, response):
    assert bench.ask(command).response is response


# --- power -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("quirks", "channel"), [({}, 5), ({"names_cleared": False}, 0), ({"is_terse": True}, None)]
)
@pytest.mark.parametrize(
    ("truth", "code"),
    [
        (Mechanics(head=500), EventCode.CLEARED_FROM_FRONT),
        (Mechanics(stacker=500), EventCode.CLEARED_TO_CASSETTE),
    ],
    ids=["front", "cassette"],
)
def test_after_a_power_cut_it_clears_its_path_and_says_where_the_note_went(quirks, channel, truth, code):
    bench = Bench(Mechanics(head=truth.head, stacker=truth.stacker), **quirks)
    bench.wait(5)

    assert bench.poll()[:2] == (Event(EventCode.SLAVE_RESET), Event(code, channel))
    assert bench.sim.truth.is_empty


def test_a_unit_that_clears_in_silence_says_only_that_it_has_come_up():
    bench = Bench(Mechanics(stacker=500), announces_after_reset=False)
    bench.wait(5)

    assert bench.poll() == (Event(EventCode.SLAVE_RESET), Event(EventCode.DISABLED))
    assert bench.sim.truth.cassette == [500]


def test_its_count_of_stacked_notes_needs_no_power(bench):
    bench.hold()
    bench.poll()
    bench.wait(1)
    bench.poll()
    bench.sim.cut_power(bench.now)
    bench.sim.restore_power(bench.now)

    assert p.decode_counters(bench.ask(p.GET_COUNTERS).data).stacked == 1


def test_power_takes_key_version_and_channels_away(sealed):
    sealed.sim.cut_power(sealed.now)
    sealed.sim.restore_power(sealed.now)
    sealed.key = None
    sealed.wait(5)

    assert p.decode_setup(sealed.ask(p.SETUP_REQUEST).data).version == 4
    assert sealed.sim.enabled == []


@pytest.mark.parametrize("repeats", [True, False])
def test_a_fault_is_said_once_or_with_every_answer(repeats):
    bench = Bench(repeats_faults=repeats).open()
    bench.sim.jam(bench.now)

    told = (Event(EventCode.UNSAFE_JAM),)
    assert [bench.poll(), bench.poll()] == [told, told if repeats else ()]


@pytest.mark.parametrize("fault", ["jam", "cassette_out", "cheat", "failure"])
def test_every_fault_of_the_console_is_said_and_can_be_cleared(bench, fault):
    bench.sim.obey(["fault", fault], bench.now)
    assert bench.poll()
    assert bench.insert(500) is not None
    bench.sim.obey(["clear"], bench.now)
    bench.wait(5)
    bench.ask(p.set_inhibits(ALL))
    bench.ask(p.ENABLE)

    assert bench.insert(500) is None
