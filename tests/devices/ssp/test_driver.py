"""What is SSP's own: a POLL that takes the note, events that come once, keys, and a count of what was stacked."""

import random
from dataclasses import replace
from itertools import pairwise

import pytest
from validators import UNITS, Rig, in_words, ready

from devices.ssp import cipher
from devices.ssp import protocol as p
from devices.ssp.dialect import SspDialect
from devices.ssp.protocol import Event, EventCode, Reply, Response
from devices.validator.dialect import Status
from devices.validator.mechanics import Mechanics
from kassa.money import of_whole
from kassa.ports import (
    NoteEscrowed,
    NoteMissing,
    NoteRejected,
    NoteReturned,
    NoteStacked,
    ReturnNote,
    StackNote,
    ValidatorChanged,
    ValidatorLost,
    ValidatorReady,
)

RUB_500 = of_whole(500)
MONEY = (NoteEscrowed, NoteStacked, NoteReturned, NoteMissing)
POLLS = (p.POLL, p.POLL_WITH_ACK)
CLEARED = [{}, {"names_cleared": False}, {"is_terse": True}]
"""The channel, 0, none."""


def listen(rig):
    """What the device carries out from now on, as it is when its seal is off."""
    heard = []
    answer = rig.sim._answer

    def overheard(command, is_sealed, now):
        heard.append(command)
        return answer(command, is_sealed, now)

    rig.sim._answer = overheard
    return heard


def answering(rig, replies):
    """Some commands are answered like this instead."""
    answer = rig.sim._answer
    rig.sim._answer = lambda command, is_sealed, now: (
        replies[command] if command in replies else answer(command, is_sealed, now)
    )


def frames(rig):
    """What the host has sent since its link was opened."""
    return [p.take(wire)[0] for wire in rig.wire.sent]


def with_fixed_key(key):
    return replace(UNITS["ssp"], dialect=lambda now: SspDialect(now, random.Random(1).randrange, key))


def lose_the_credit(rig):
    """The note's credit was said, and the host died before it heard."""
    rig.insert(500)
    rig.time.run_until(lambda: rig.sim._is_credit_told or rig.sim._unacknowledged)
    assert not rig.core.of(NoteStacked)
    rig.kill_host()
    rig.time.run_for(1)
    rig.start_host()
    rig.settle()


# --- escrow ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("quirks", [{}, {"has_acks": False}, {"has_encryption": False}], ids=str)
def test_between_escrow_and_the_decision_nobody_polls(new_rig, quirks):
    rig = ready(new_rig(**quirks))
    rig.core.decides = lambda value: None
    rig.insert(500)
    rig.wait_for(NoteEscrowed)
    heard = listen(rig)
    rig.time.run_for(5)

    assert set(heard) == {p.HOLD}
    assert len(heard) > 40
    rig.pump.order(StackNote())
    rig.settle()
    assert heard[heard.count(p.HOLD)] in POLLS
    assert rig.core.of(*MONEY) == [NoteEscrowed(RUB_500), NoteStacked(RUB_500)]


def test_a_note_that_goes_back_is_rejected_before_the_next_poll(rig):
    rig.core.decides = lambda value: ReturnNote()
    heard = listen(rig)
    rig.insert(500)
    rig.settle()

    after = heard[heard.index(p.REJECT) - 3 : heard.index(p.REJECT)]
    assert p.GET_COUNTERS in after
    assert not set(after[after.index(p.GET_COUNTERS) :]) & set(POLLS)
    assert rig.core.of(*MONEY) == [NoteEscrowed(RUB_500), NoteReturned(RUB_500)]


@pytest.mark.parametrize("quirks", [{}, {"has_encryption": False}, {"stacks_when_silent": True}], ids=str)
def test_a_start_gives_back_what_lies_at_escrow_before_the_first_poll(new_rig, quirks):
    rig = ready(new_rig(**quirks))
    rig.core.decides = lambda value: None
    rig.insert(500)
    rig.wait_for(NoteEscrowed)
    rig.kill_host()
    rig.time.run_for(1)
    heard = listen(rig)
    rig.start_host()
    rig.settle()

    first_poll = next(at for at, one in enumerate(heard) if one in POLLS)
    assert p.REJECT in heard[:first_poll]
    assert rig.sim.truth.returned == [500]
    assert rig.core.certain == rig.core.uncertain == rig.core.orphans == []


def test_a_note_that_nobody_decides_about_is_given_back_by_the_host_itself(rig):
    rig.core.decides = lambda value: None
    heard = listen(rig)
    rig.insert(500)
    rig.settle()

    assert heard.count(p.REJECT) == 1
    assert rig.core.of(*MONEY) == [NoteEscrowed(RUB_500), NoteReturned(RUB_500)]


def test_a_unit_that_stacks_for_a_silent_host_never_finds_one(new_rig):
    rig = ready(new_rig(stacks_when_silent=True))
    rig.core.decides = lambda value: None
    rig.insert(500)
    rig.settle()

    assert rig.sim.truth.returned == [500]
    assert rig.core.orphans == []


def test_a_repeated_escrow_event_does_not_offer_the_note_twice(new_rig):
    rig = ready(new_rig(has_encryption=False))
    rig.core.decides = lambda value: None
    rig.insert(500)
    rig.time.run_until(lambda: rig.sim.status is Status.ESCROW)
    rig.sim._tell(EventCode.READ_NOTE, 5)
    rig.time.run_for(1)
    rig.pump.order(StackNote())
    rig.settle()

    assert rig.core.of(*MONEY) == [NoteEscrowed(RUB_500), NoteStacked(RUB_500)]


# --- the sequence bit --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("quirks", [{}, {"has_encryption": False}], ids=str)
def test_a_command_whose_answer_was_lost_is_repeated_and_not_carried_out_twice(new_rig, quirks):
    rig = ready(new_rig(**quirks))
    rig.insert(500)
    rig.wait_for(NoteEscrowed)
    heard = listen(rig)
    rig.sim.quirks.lost_answers = 2
    rig.wire.sent.clear()
    rig.time.run_until(lambda: rig.sim.truth.stacker)
    rig.time.run_until(lambda: not rig.sim.quirks.lost_answers)
    rig.time.run_for(1.0)

    assert rig.wire.sent[0] == rig.wire.sent[1] == rig.wire.sent[2]
    assert heard[0] in POLLS
    rig.settle()
    assert rig.core.of(*MONEY) == [NoteEscrowed(RUB_500), NoteStacked(RUB_500)]


def test_every_answered_command_turns_the_sequence_bit(new_rig):
    rig = new_rig()
    rig.settle()

    sent = frames(rig)
    assert (sent[0].data, sent[1].sequence) == (p.SYNC, 0)
    assert all(one.sequence != other.sequence for one, other in pairwise(sent) if other.data != p.SYNC)


@pytest.mark.parametrize("quirks", [{"has_acks": False}, {"has_encryption": False}], ids=str)
def test_a_credit_whose_answer_was_damaged_is_heard_in_the_repetition(new_rig, quirks):
    rig = ready(new_rig(**quirks))
    rig.insert(500)
    rig.time.run_until(lambda: rig.sim.truth.stacker)
    start = rig.sim._answers
    rig.sim.quirks.damaged_answers = set(range(start, start + 5))
    rig.settle()

    assert rig.core.of(NoteStacked) == [NoteStacked(RUB_500)]


# --- keys ---------------------------------------------------------------------------------------------------------------------


def test_all_that_is_said_after_the_exchange_of_keys_is_sealed(new_rig):
    rig = new_rig()
    rig.settle()

    plain = [one.data[0] for one in frames(rig) if not cipher.is_sealed(one.data)]
    exchange = [p.SYNC[0], p.SET_GENERATOR_CODE, p.SET_MODULUS_CODE, p.REQUEST_KEY_EXCHANGE_CODE]
    assert plain == exchange * 2  # once more when it says that it has just come up
    assert rig.sim._key is not None


def test_without_encryption_all_is_said_in_plain(new_rig):
    rig = new_rig(has_encryption=False)
    rig.settle()

    assert not any(cipher.is_sealed(one.data) for one in frames(rig))


@pytest.mark.parametrize("quirks", [{}, {"wants_encryption": True}], ids=str)
def test_a_lost_key_is_told_and_negotiated_anew(new_rig, quirks):
    rig = ready(new_rig(**quirks))
    before, rig.sim._key = rig.sim._key, None
    rig.settle()

    assert "has lost its key" in rig.core.of(ValidatorLost)[0].reason
    assert rig.sim._key not in (None, before)
    rig.insert(500)
    rig.settle()
    assert rig.core.certain == [RUB_500]


def test_another_fixed_key_is_told_in_words_that_name_the_setting():
    rig = Rig(with_fixed_key(0x1122334455667788))

    assert "validator.fixed_key" in rig.wait_for(ValidatorLost).reason


def test_a_unit_that_wants_encryption_and_has_none_to_offer_is_told_in_words(new_rig):
    rig = new_rig(has_encryption=False, wants_encryption=True)

    assert "validator.fixed_key" in rig.wait_for(ValidatorLost).reason


@pytest.mark.parametrize("answer", [b"", b"\x01\x02", bytes(9)], ids=repr)
def test_a_half_of_a_key_that_is_no_number_is_told_in_words(new_rig, answer):
    rig = new_rig()
    rig.sim._exchange_keys = lambda command: Reply(Response.OK, answer)

    assert "half of the key" in rig.wait_for(ValidatorLost).reason


def test_a_packet_out_of_step_is_not_believed(rig):
    rig.sim._count += 2
    reason = rig.wait_for(ValidatorLost).reason
    rig.settle()

    assert "no valid answer" in reason
    assert rig.core.is_ready


# --- acknowledgements ------------------------------------------------------------------------------------------------------


def test_event_ack_is_sent_after_the_journal_has_the_note(rig):
    heard = listen(rig)
    rig.core.commit_s = 0.3
    rig.core.seen = lambda fact: isinstance(fact, NoteStacked) and at_commit.append(list(heard))
    at_commit = []
    rig.insert(500)
    rig.settle()

    [before] = at_commit
    assert before[-1] == p.POLL_WITH_ACK
    assert p.EVENT_ACK not in before
    assert heard[len(before)] == p.EVENT_ACK
    assert heard.count(p.EVENT_ACK) == 1


def test_money_without_its_acknowledgement_is_said_again_after_a_restart(rig):
    lose_the_credit(rig)

    assert rig.core.of(NoteStacked) == [NoteStacked(RUB_500, at_start=True)]
    assert rig.core.certain == [RUB_500]


def test_a_unit_that_does_not_know_poll_with_ack_is_polled_in_plain(new_rig):
    rig = new_rig(has_acks=False)
    heard = listen(rig)
    rig.settle()

    assert heard.count(p.POLL_WITH_ACK) == 2  # in vain, after either introduction
    assert heard.count(p.POLL) > 10
    rig.insert(500)
    rig.settle()
    assert p.EVENT_ACK not in heard
    assert rig.core.certain == [RUB_500]


# --- starts ----------------------------------------------------------------------------------------------------------------


def test_after_a_start_of_the_device_all_is_agreed_upon_anew(new_rig):
    rig = ready(new_rig(has_encryption=False))
    heard = listen(rig)
    rig.power_cycle(0.1)
    rig.settle()

    assert heard.index(p.REJECT) < heard.index(p.host_protocol_version(8)) < heard.index(p.SETUP_REQUEST)
    assert rig.core.of(ValidatorReady)
    assert not rig.core.of(ValidatorLost)
    assert len(rig.sim.enabled) == 8


@pytest.mark.parametrize("version", [4, 5, 6, 7, 8])
def test_versions_are_stepped_down_to_the_one_the_device_has(new_rig, version):
    rig = new_rig(version_max=version)
    heard = listen(rig)
    rig.settle()

    asked = [one[1] for one in heard if one[0] == p.HOST_PROTOCOL_VERSION_CODE]
    assert asked == list(range(8, version - 1, -1)) * 2  # once more when it says that it has just come up
    assert rig.sim._version == version


def test_below_version_6_large_notes_have_no_value_and_are_never_let_in(new_rig):
    rig = ready(new_rig(version_max=5))

    assert rig.sim.enabled == [10, 50, 100, 200, 500, 1000, 2000]


def test_a_setup_that_cannot_be_read_is_told_in_words(new_rig):
    rig = new_rig()
    answering(rig, {p.SETUP_REQUEST: Reply(Response.OK, b"\0\0")})

    assert "does not say what it is" in rig.wait_for(ValidatorLost).reason


def test_a_unit_without_a_serial_number_works_without(new_rig):
    rig = new_rig()
    answering(rig, {p.GET_SERIAL_NUMBER: Reply(Response.UNKNOWN_COMMAND)})
    rig.wait_ready()

    assert rig.core.of(ValidatorReady)[-1].serial == ""


# --- events ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("quirks", CLEARED, ids=str)
def test_a_note_cleared_to_the_cassette_settles_the_one_in_flight(new_rig, quirks):
    rig = ready(new_rig(**quirks))
    rig.insert(500)
    rig.time.run_until(lambda: rig.sim.truth.stacker)
    rig.power_cycle()
    rig.settle()

    is_named = not quirks
    assert rig.core.of(NoteStacked) == [NoteStacked(RUB_500 if is_named else None, True, is_named)]
    assert rig.core.certain == [RUB_500]
    assert rig.core.orphans == rig.core.uncertain == []


@pytest.mark.parametrize("quirks", CLEARED, ids=str)
def test_a_note_cleared_from_the_front_is_back(new_rig, quirks):
    rig = ready(new_rig(**quirks))
    rig.insert(500)
    rig.wait_for(NoteEscrowed)
    rig.wait_status("STACKING")
    rig.power_cycle()
    rig.settle()

    assert rig.core.of(NoteReturned) == [NoteReturned(None if quirks else RUB_500)]
    assert rig.sim.truth.returned == [500]
    assert rig.core.certain == rig.core.orphans == rig.core.uncertain == []


def test_a_note_cleared_to_the_cassette_that_nobody_sent_in_is_an_orphan(rig):
    rig.sim.truth.head, rig.sim.truth.stacker = None, 200
    rig.power_cycle()
    rig.settle()

    assert rig.core.orphans == [of_whole(200)]


def test_stacked_without_a_credit_is_an_orphan_without_a_value(new_rig):
    rig = ready(new_rig(has_encryption=False))
    rig.sim._tell(EventCode.STACKED)
    rig.sim.truth.cassette.append(500)
    rig.sim.truth.stacked += 1
    rig.settle()

    assert rig.core.of(NoteStacked) == [NoteStacked(None, is_named=False)]
    assert rig.core.orphans == [None]


def test_a_credit_without_an_escrow_is_an_orphan_with_its_value(rig):
    rig.insert(500)
    rig.time.run_for(0.3)
    rig.do("take_unasked")
    rig.settle()

    assert rig.core.of(*MONEY) == [NoteStacked(RUB_500)]
    assert rig.core.orphans == [RUB_500]


def test_a_credit_of_another_channel_counts_as_it_is_told(rig):
    tell = rig.sim._tell
    rig.sim._tell = lambda code, channel=None: tell(code, 3 if code is EventCode.CREDIT_NOTE else channel)
    rig.insert(500)
    rig.settle()

    assert rig.core.of(NoteStacked) == [NoteStacked(of_whole(100))]


def test_an_unknown_event_is_told_with_its_bytes_and_nothing_behind_it_counts(new_rig):
    rig = ready(new_rig(has_encryption=False))
    rig.sim._events.append(Event(EventCode.UNKNOWN, data=b"\xf9\x01\xee\x05"))
    rig.time.run_for(0.5)

    assert "it says F901, which SSP does not know" in [one.detail for one in rig.core.of(ValidatorChanged)]
    assert not rig.core.of(*MONEY)


def test_events_of_a_payout_unit_are_passed_over(new_rig):
    rig = ready(new_rig(has_encryption=False))
    rig.sim._events.append(Event(EventCode.PAYOUT_UNIT, data=b"\xdb"))
    rig.insert(500)
    rig.settle()

    assert rig.core.certain == [RUB_500]


def test_a_rejection_is_told_with_its_reason(rig):
    rig.insert(3)
    rig.settle()

    assert rig.core.of(NoteRejected) == [NoteRejected(p.rejection(rig.sim.not_recognised))]


@pytest.mark.parametrize(
    "reply", [Reply(Response.OK), Reply(Response.UNKNOWN_COMMAND), Reply(Response.OK, b"\1\2")], ids=str
)
def test_a_rejection_without_a_readable_reason_is_told_without_one(rig, reply):
    answering(rig, {p.LAST_REJECT_CODE: reply})
    rig.insert(3)
    rig.settle()

    assert rig.core.of(NoteRejected) == [NoteRejected("without a code")]


# --- the count of stacked notes ---------------------------------------------------------------------------------------------


ALL_IN_ONE_ANSWER = frozenset({Status.STACKING})
"""Credit and STACKED: who lost the one has lost the other."""


@pytest.mark.parametrize("quirks", [{"has_acks": False}, {"has_encryption": False}], ids=str)
def test_a_credit_that_died_with_the_host_is_proved_by_the_count(new_rig, quirks):
    rig = ready(new_rig(skips=ALL_IN_ONE_ANSWER, **quirks))
    lose_the_credit(rig)

    assert not rig.core.of(NoteStacked, NoteMissing)
    assert rig.core.certain == [RUB_500]
    assert rig.core.uncertain == rig.core.orphans == []


def test_a_stacked_event_after_a_start_is_the_credit_that_nobody_lived_to_tell(new_rig):
    rig = ready(new_rig(has_encryption=False))
    lose_the_credit(rig)

    assert rig.core.of(NoteStacked) == [NoteStacked(None, at_start=True, is_named=False)]
    assert rig.core.certain == [RUB_500]


def test_a_note_in_flight_that_was_not_counted_is_back(new_rig):
    rig = ready(new_rig(has_encryption=False, announces_after_reset=False))
    rig.insert(500)
    rig.wait_for(NoteEscrowed)
    rig.wait_status("STACKING")
    rig.kill_host()
    rig.power_cycle(1.0)
    rig.time.run_for(5)
    rig.start_host()
    rig.settle()

    assert rig.sim.truth.returned == [500]
    assert rig.core.certain == rig.core.uncertain == rig.core.orphans == []


@pytest.mark.parametrize("jump", [-1, 4, 1000])
def test_a_count_that_jumps_settles_nothing_and_finds_nothing(new_rig, jump):
    rig = ready(new_rig())
    for _ in range(2):
        rig.insert(500)
        rig.settle()
    rig.kill_host()
    rig.sim.truth.stacked += jump
    rig.start_host()
    rig.settle()

    assert rig.core.certain == [RUB_500, RUB_500]
    assert rig.core.uncertain == rig.core.orphans == []


@pytest.mark.parametrize("jump", [-2, 2, 1000])
def test_a_note_in_flight_is_in_doubt_when_the_count_jumps(new_rig, jump):
    rig = ready(new_rig(Mechanics(stacked=10), has_encryption=False, skips=ALL_IN_ONE_ANSWER))
    rig.insert(500)
    rig.time.run_until(lambda: rig.sim._is_credit_told)
    rig.kill_host()
    rig.time.run_for(1)
    rig.sim.truth.stacked += jump
    rig.start_host()
    rig.settle()

    assert rig.core.uncertain == [RUB_500]
    assert rig.core.certain == rig.core.orphans == []


@pytest.mark.parametrize("surplus", [1, 2, 3])
def test_notes_that_were_counted_and_never_told_are_orphans(rig, surplus):
    rig.insert(500)
    rig.settle()
    rig.kill_host()
    rig.sim.truth.stacked += surplus
    rig.sim.truth.cassette.extend([100] * surplus)
    rig.start_host()
    rig.settle()

    assert rig.core.orphans == [None] * surplus
    rig.check_books()


def test_a_unit_that_does_not_count_is_believed_without(new_rig):
    rig = new_rig()
    answering(rig, {p.GET_COUNTERS: Reply(Response.UNKNOWN_COMMAND)})
    rig.settle()
    rig.insert(500)
    rig.settle()

    assert rig.core.counted is None
    assert rig.core.certain == [RUB_500]


# --- quirks ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "quirks",
    [
        {"skips": frozenset({Status.ACCEPTING, Status.STACKING, Status.RETURNING})},
        {"announces_after_reset": False},
        {"version_max": 6},
        {"version_max": 4},
        {"has_encryption": False},
        {"wants_encryption": True},
        {"has_acks": False},
        {"names_cleared": False},
        {"is_terse": True},
        {"repeats_faults": True},
        {"stacks_when_silent": True},
        {"silent_after_reset_s": 3.0},
        {"answers_late_s": 0.2},
        {"noise": b"\x7f"},
        {"noise": b"\x7f\x80\x11"},
        {"noise": b"\0\xff"},
        {"lost_acks": 3},
        {"lost_stacks": 2},
        {"lost_answers": 5},
        {"damaged_answers": {12, 13, 30, 31, 32, 33, 50}},
        {"jam_yields_to_reset": True},
    ],
    ids=in_words,
)
def test_with_every_quirk_notes_go_in_and_come_back(new_rig, quirks):
    rig = new_rig(**quirks)
    rig.wait_ready()
    for units in (500, 500, 100):
        rig.insert(units)
        rig.settle()
    rig.core.decides = lambda value: ReturnNote()
    rig.insert(50)
    rig.settle()

    assert rig.sim.truth.cassette == [500, 500, 100]
    assert rig.sim.truth.returned == [50]
    assert rig.core.certain == [RUB_500, RUB_500, of_whole(100)]
    assert rig.core.uncertain == rig.core.orphans == []
