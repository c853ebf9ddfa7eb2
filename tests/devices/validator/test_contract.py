"""What every validator's driver owes the core, whatever protocol it speaks: each row of the recovery table, each fault.

Every test runs against the simulator of each protocol, in virtual time.
"""

import pytest
from validator_faults import Line
from validators import UNITS, Rig, ready

from kassa.money import of_whole
from kassa.ports import (
    DisableNotes,
    EnableNotes,
    Evidence,
    EvidenceFound,
    NoteEscrowed,
    NoteMissing,
    NoteRejected,
    NoteReturned,
    NoteStacked,
    ReturnNote,
    ValidatorChanged,
    ValidatorLost,
    ValidatorReady,
    ValidatorState,
)  # fmt: skip

RUB_500 = of_whole(500)
MONEY = (NoteEscrowed, NoteStacked, NoteReturned, NoteMissing)


@pytest.fixture(params=UNITS.values(), ids=UNITS.keys())
def unit(request):
    return request.param


@pytest.fixture
def new_rig(unit):
    return lambda **quirks: Rig(unit, **quirks)


@pytest.fixture
def rig(unit):
    """A terminal with its slot open."""
    return ready(Rig(unit))


@pytest.fixture
def plain_rig(rig):
    """One whose commands can be read on the line."""
    if rig.unit.is_stack is None:
        pytest.skip("what is repeated on this line is known by its sequence bit: see its own tests")
    return rig


def repeated(unit):
    """What is said of a note of 500 when nobody remembers it: not every protocol names it once more."""
    value = RUB_500 if unit.names_stacked else None
    return NoteStacked(value, at_start=True, is_named=unit.names_stacked)


def restart_when(rig, status):
    rig.insert(500)
    rig.wait_status(status)
    rig.kill_host()
    rig.core.facts.clear()
    rig.time.run_for(0.05)
    rig.start_host()
    rig.settle()


def test_a_note_is_offered_stacked_and_counted_once(rig):
    rig.insert(500)
    rig.settle()

    assert rig.core.of(*MONEY) == [NoteEscrowed(RUB_500), NoteStacked(RUB_500)]
    assert rig.sim.truth.cassette == [500]


def test_a_note_the_core_does_not_want_goes_back(rig):
    rig.core.decides = lambda value: ReturnNote()
    rig.insert(100)
    rig.settle()

    assert rig.core.of(*MONEY) == [NoteEscrowed(of_whole(100)), NoteReturned(of_whole(100))]
    assert rig.sim.truth.returned == [100]


def test_a_note_nobody_decides_about_goes_back_by_itself(rig):
    rig.core.decides = lambda value: None
    rig.insert(100)
    rig.settle()

    assert rig.core.of(*MONEY) == [NoteEscrowed(of_whole(100)), NoteReturned(of_whole(100))]


def test_two_equal_notes_are_two_notes(rig):
    for _ in range(2):
        rig.insert(500)
        rig.settle()

    assert rig.core.of(NoteStacked) == [NoteStacked(RUB_500)] * 2


def test_after_a_slow_commit_the_repeated_event_is_acknowledged(rig):
    rig.core.commit_s = 0.05
    rig.insert(500)
    rig.settle()

    assert rig.core.of(NoteStacked) == [NoteStacked(RUB_500)]
    assert rig.sim.status.name == "IDLING"


def test_states_are_told_when_they_change_and_not_at_every_poll(rig):
    rig.time.run_for(5)
    assert len(rig.core.of(ValidatorChanged)) <= 1
    rig.insert(500)
    rig.settle()

    assert rig.core.states[-2:] == [ValidatorState.HANDLING_NOTE, ValidatorState.IDLING]


def test_a_lost_stack_command_is_sent_again_only_while_the_note_is_still_at_escrow(plain_rig):
    plain_rig.sim.quirks.lost_stacks = 1
    plain_rig.insert(500)
    plain_rig.settle()

    assert plain_rig.count(plain_rig.unit.is_stack) == 2
    assert plain_rig.core.of(NoteStacked) == [NoteStacked(RUB_500)]


def test_a_stack_command_that_is_never_heard_ends_with_the_note_given_back(rig):
    rig.sim.quirks.lost_stacks = 100
    rig.insert(500)
    rig.settle()

    assert rig.core.of(*MONEY)[0] == NoteEscrowed(RUB_500)
    assert rig.core.of(*MONEY)[1:] in ([NoteReturned(RUB_500)], [NoteReturned(None)])
    assert rig.sim.truth.cassette == []


def test_a_lost_answer_to_stack_is_not_a_second_stack(plain_rig):
    plain_rig.insert(500)
    plain_rig.core.seen = lambda fact: (
        isinstance(fact, NoteEscrowed) and setattr(plain_rig.sim.quirks, "lost_answers", 1)
    )
    plain_rig.settle()

    assert plain_rig.count(plain_rig.unit.is_stack) == 1
    assert plain_rig.core.of(NoteStacked) == [NoteStacked(RUB_500)]


def test_the_slot_is_closed_only_after_the_note_that_was_offered_before_lies_in_the_cassette(rig):
    rig.core.seen = lambda fact: isinstance(fact, NoteEscrowed) and rig.pump.order(DisableNotes())
    rig.insert(500)
    rig.wait_for(NoteStacked)
    rig.wait_status("DISABLED")

    assert rig.core.of(*MONEY) == [NoteEscrowed(RUB_500), NoteStacked(RUB_500)]
    assert rig.sim.truth.returned == []


def test_a_note_on_its_way_when_the_slot_is_closed_goes_back_and_then_it_is_closed(rig):
    rig.insert(500)
    rig.pump.order(DisableNotes())
    rig.wait_for(NoteRejected)
    rig.wait_status("DISABLED")

    assert rig.core.of(*MONEY) == []
    assert rig.sim.truth.returned == [500]


def test_a_note_from_before_the_slot_was_closed_is_not_offered_while_the_order_to_open_it_is_on_its_way(rig):
    rig.insert(500)
    rig.pump.order(DisableNotes())
    rig.core.seen = lambda fact: (
        isinstance(fact, NoteEscrowed | NoteRejected) and rig.pump.order(EnableNotes(rig.core.opens))
    )
    rig.settle()

    assert rig.core.of(NoteEscrowed) == []
    assert rig.sim.truth.returned == [500]


def test_a_note_from_before_the_slot_was_closed_is_not_offered_after_it_was_opened_again(rig):
    rig.insert(500)
    rig.time.run_for(0.2)
    rig.do("pause")
    rig.time.run_for(0.3)
    rig.pump.order(DisableNotes())
    rig.time.run_for(0.5)
    rig.pump.order(EnableNotes(rig.core.opens))
    rig.time.run_for(0.5)
    rig.do("clear")
    rig.settle()

    assert rig.core.of(NoteEscrowed) == []
    assert rig.sim.truth.returned == [500]
    rig.insert(100)
    rig.settle()
    assert rig.core.of(NoteEscrowed) == [NoteEscrowed(of_whole(100))]


def test_the_slot_opens_again_when_the_cassette_is_back(rig):
    rig.do("take_cassette_out")
    rig.time.run_for(2)
    assert rig.core.states[-1] is ValidatorState.CASSETTE_OUT
    rig.do("put_cassette_in")
    rig.settle()

    assert rig.core.states[-1] is ValidatorState.IDLING
    assert len(rig.sim.enabled) == 8
    assert not rig.core.of(ValidatorReady)


def test_a_slot_that_is_opened_and_closed_over_and_over_does_obey(rig):
    for _ in range(10):
        rig.pump.order(DisableNotes())
        rig.time.run_for(0.05)
        rig.pump.order(EnableNotes(rig.core.opens))
        rig.time.run_for(0.05)
    rig.settle()

    assert not rig.core.of(ValidatorLost)
    assert len(rig.sim.enabled) == 8


def test_closed_and_opened_again_by_order(rig):
    rig.pump.order(DisableNotes())
    rig.wait_status("DISABLED")
    rig.pump.order(EnableNotes(frozenset({RUB_500})))
    rig.wait_status("IDLING")

    assert rig.sim.enabled == [500]


@pytest.mark.parametrize("away_s", [0.1, 15.0])
@pytest.mark.parametrize("moment_s", [0.05 * step for step in range(40)])
def test_a_host_killed_at_any_moment_of_a_note_loses_nothing(rig, moment_s, away_s):
    rig.insert(500)
    rig.time.run_for(moment_s)
    rig.kill_host()
    rig.time.run_for(away_s)
    rig.start_host()
    rig.settle()

    rig.check_books()
    assert rig.core.uncertain == rig.core.orphans == []


@pytest.mark.parametrize("moment_s", [0.05 * step for step in range(40)])
def test_a_cable_pulled_at_any_moment_of_a_note_loses_nothing(rig, moment_s):
    rig.insert(500)
    rig.time.run_for(moment_s)
    rig.wire.unplug()
    rig.time.run_for(1.0)
    rig.wire.plug()
    rig.settle()

    rig.check_books()
    assert rig.core.uncertain == rig.core.orphans == []


@pytest.mark.parametrize(
    ("status", "evidence"),
    [("POWER_UP_IN_HEAD", Evidence.NOTE_IN_HEAD), ("POWER_UP_IN_STACKER", Evidence.NOTE_IN_STACKER)],
)
def test_evidence_is_told_before_the_reset_takes_it_away(new_rig, status, evidence):
    rig = ready(new_rig())
    if not rig.unit.has_power_up_states:
        pytest.skip("it tells of a note's end as an event, and needs no reset for that")
    rig.core.seen = lambda fact: isinstance(fact, EvidenceFound) and seen.append((fact, rig.sim.status.name))
    seen = []
    rig.insert(500)
    if status == "POWER_UP_IN_STACKER":
        rig.time.run_until(lambda: rig.sim.truth.stacker)
    else:
        rig.wait_status("ACCEPTING")
    rig.power_cycle()
    rig.settle()

    assert seen == [(EvidenceFound(evidence), status)]


def test_a_note_found_at_escrow_is_returned(rig):
    restart_when(rig, "ESCROW")

    assert rig.core.of(*MONEY) in ([NoteReturned(RUB_500)], [NoteReturned(None)], [])
    assert rig.sim.truth.returned == [500]


@pytest.mark.parametrize(
    ("hand", "state"),
    [
        (("jam",), ValidatorState.JAMMED),
        (("fail", 0x50), ValidatorState.FAILED),
        (("take_cassette_out",), ValidatorState.CASSETTE_OUT),
        (("cheat",), ValidatorState.CHEATED),
        (("pause",), ValidatorState.PAUSED),
    ],
)
def test_a_fault_is_told_and_ends_when_it_is_cleared(rig, hand, state):
    if state is ValidatorState.PAUSED and not rig.unit.has_pause:
        pytest.skip("it has no word for that")
    rig.do(*hand)
    rig.time.run_for(0.5)
    assert rig.core.states[-1] is state
    rig.do("clear")
    rig.settle()

    assert rig.core.states[-1] is ValidatorState.IDLING
    rig.insert(500)
    rig.settle()
    rig.check_books()


def test_a_full_cassette_is_told(rig):
    rig.sim.quirks.capacity_notes = 1
    rig.insert(500)
    rig.wait_for(NoteStacked)
    rig.time.run_for(1)

    assert rig.core.states[-1] is ValidatorState.CASSETTE_FULL


def test_a_jam_without_a_note_is_healed_by_reset(rig):
    rig.sim.quirks.jam_yields_to_reset = True
    rig.do("jam")
    rig.settle()

    assert rig.sim.resets == 1


def test_a_jam_is_not_reset_forever(rig):
    rig.time.run_for(70)  # at rest for so long, the resets of the start are forgiven
    rig.do("jam")
    rig.time.run_for(600)

    assert rig.sim.resets == 10


def test_a_jam_with_a_note_inside_waits_for_a_technician_first(rig):
    if rig.unit.money_states != ("STACKED",):
        pytest.skip("its money is told at the gate")
    rig.insert(500)
    rig.time.run_until(lambda: rig.sim.truth.stacker == 500)
    rig.do("jam")
    rig.time.run_for(20)
    assert rig.sim.resets == 0
    assert not rig.core.of(NoteStacked, NoteMissing, NoteReturned)
    rig.do("clear")
    rig.settle()

    assert rig.core.of(NoteStacked) == [NoteStacked(RUB_500)]


def test_a_note_that_is_fished_out_is_not_credited(rig):
    rig.insert(500)
    rig.wait_status("STACKING")
    rig.do("fish_out")
    rig.settle()

    assert rig.core.of(*MONEY)[1:] == [NoteReturned(RUB_500)]


def test_a_note_that_somebody_pulls_at_in_vain_is_credited(rig):
    rig.insert(500)
    rig.time.run_until(lambda: rig.sim.truth.stacker == 500)
    rig.do("cheat")
    rig.settle()

    assert rig.core.of(*MONEY)[1:] == [NoteStacked(RUB_500)]


def test_whoever_is_silent_after_somebody_pulled_may_have_stacked_the_note(rig):
    if rig.unit.name == "ssp":
        pytest.skip("what it was asked last it is asked until its answer is heard")
    rig.insert(500)
    rig.wait_status("STACKING")
    rig.do("cheat")
    rig.time.run_for(0.2)
    rig.do("fish_out")
    rig.sim.quirks.lost_answers = 1
    rig.settle()

    assert rig.core.of(*MONEY)[1:] == [NoteMissing()]


def test_two_validators_on_one_line_are_told_and_neither_speaks_for_the_others_note(rig):
    other = rig.unit.simulator(rig.time.time())
    rig.insert(500)
    rig.wait_status("STACKING")
    both = Line(rig.sim)
    both.devices.append(other)
    rig.wire.device = both
    lost = rig.wait_for(ValidatorLost)
    assert "two validators answer" in lost.reason
    rig.time.run_for(10)
    assert not rig.core.of(NoteMissing, NoteReturned)
    both.devices.remove(other)
    rig.settle()

    assert rig.core.certain == [RUB_500]


def test_an_echoing_port_is_refused_in_words(new_rig):
    rig = new_rig(echoes=True)

    assert "loop-back plug" in rig.wait_for(ValidatorLost).reason


def test_a_silent_port_is_lost_in_words_and_found_again(rig):
    rig.do("cut_power")
    assert "no valid answer for 5 s" in rig.wait_for(ValidatorLost).reason
    rig.time.run_for(600)
    assert len(rig.core.of(ValidatorLost)) == 1
    rig.do("restore_power")
    rig.settle()

    assert rig.core.is_ready


def test_a_note_found_on_its_way_back_is_told_when_it_is_back(rig):
    rig.core.decides = lambda value: ReturnNote()
    restart_when(rig, "RETURNING")

    assert rig.core.of(*MONEY) in ([NoteReturned(RUB_500)], [NoteReturned(None)])
    assert rig.sim.truth.returned == [500]


def test_a_rejection_seen_in_many_polls_is_one_fact(rig):
    rig.insert(3)
    rig.settle()

    [rejected] = rig.core.of(NoteRejected)
    assert "not recognised" in rejected.reason
    assert not rig.core.of(*MONEY)


def test_the_acknowledgement_waits_for_the_journal(rig):
    seen = []
    rig.core.seen = lambda fact: (
        isinstance(fact, NoteStacked) and seen.append((list(rig.wire.sent), rig.sim.status.name))
    )
    rig.insert(500)
    rig.settle()

    [(sent, status)] = seen
    assert status in rig.unit.money_states
    assert rig.unit.is_poll is None or rig.unit.is_poll(sent[-1])


def test_a_hand_on_the_slot_does_not_make_one_note_two(rig):
    rig.sim.quirks.lost_acks = 100
    rig.insert(500)
    rig.wait_for(NoteStacked)
    rig.do("pause")
    rig.wait_for(ValidatorChanged)
    rig.time.run_for(0.5)
    rig.do("clear")
    rig.time.run_for(0.5)
    rig.sim.quirks.lost_acks = 0
    rig.settle()

    assert rig.core.of(NoteStacked) == [NoteStacked(RUB_500)]


def test_only_the_notes_that_were_asked_for_are_enabled(new_rig):
    rig = new_rig()
    rig.core.opens = frozenset({RUB_500, of_whole(1000)})
    rig.wait_ready()
    rig.wait_status("IDLING")

    assert rig.sim.enabled == [500, 1000]


@pytest.mark.parametrize("moment_s", [0.05 * step for step in range(40)])
def test_a_power_cut_at_any_moment_of_a_note_loses_nothing(unit, moment_s):
    for quirks in unit.memories:
        rig = ready(Rig(unit, **quirks))
        rig.insert(500)
        rig.time.run_for(moment_s)
        rig.power_cycle()
        rig.settle()

        rig.check_books()
        told = rig.core.certain + rig.core.uncertain + rig.core.orphans
        assert len(rig.sim.truth.cassette) <= len(told) <= 1, quirks
        assert not rig.core.orphans or quirks.get("stacks_from_head"), quirks


def test_a_note_found_stacked_is_reported_before_the_link_is_ready(rig):
    restart_when(rig, rig.unit.money_states[0])

    assert rig.core.of(*MONEY, ValidatorReady)[0] == repeated(rig.unit)
    assert rig.sim.resets == 0


def test_a_note_found_on_its_way_into_the_cassette_is_waited_for(rig):
    restart_when(rig, "STACKING")

    assert rig.core.of(*MONEY, ValidatorReady)[0] == repeated(rig.unit)


def test_a_stacked_note_whose_acknowledgement_was_lost_is_said_to_be_a_repetition(rig):
    rig.sim.quirks.lost_acks = 1000
    rig.insert(500)
    rig.wait_for(NoteStacked)
    rig.kill_host()
    rig.start_host()
    rig.time.run_for(1)
    rig.sim.quirks.lost_acks = 0
    rig.settle()

    assert rig.core.of(NoteStacked) == [NoteStacked(RUB_500), repeated(rig.unit)]
    assert rig.core.certain == [RUB_500]
    assert rig.core.orphans == []


def test_a_failure_names_its_part(rig):
    rig.do("fail", rig.sim.failure_code)
    rig.time.run_for(0.5)

    assert rig.unit.failure in rig.core.of(ValidatorChanged)[-1].detail


def test_a_validator_of_another_country_is_refused_with_what_it_said(new_rig):
    rig = new_rig()
    rig.driver._countries = ("KAZ",)

    reason = rig.wait_for(ValidatorLost).reason
    assert "'RU" in reason
    assert "validator.countries" in reason


def test_who_and_what_is_told_when_the_link_is_ready(new_rig):
    rig = new_rig()
    rig.wait_ready()

    [found] = rig.core.of(ValidatorReady)
    assert (found.model, found.serial) == rig.unit.who
    assert found.values == tuple(map(of_whole, (10, 50, 100, 200, 500, 1000, 2000, 5000)))
