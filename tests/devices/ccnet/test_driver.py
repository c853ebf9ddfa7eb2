"""The driver against the simulator in virtual time: each row of the recovery table, each quirk, the order of effects."""

import pytest

from devices.ccnet import protocol as p
from devices.validator.dialect import Status
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
    StackNote,
    ValidatorChanged,
    ValidatorLost,
    ValidatorReady,
    ValidatorState,
)

RUB_500 = of_whole(500)
MONEY = (NoteEscrowed, NoteStacked, NoteReturned, NoteMissing)


def ready_rig(new_rig, **quirks):
    rig = new_rig(**quirks)
    rig.wait_ready()
    rig.wait_status("IDLING")
    rig.core.facts.clear()
    rig.wire.sent.clear()
    return rig


def count(rig, command):
    return sum(frame == p.encode(command) for frame in rig.wire.sent)


# --- a note's way -------------------------------------------------------------------------------------------------


def test_a_note_is_offered_stacked_and_counted_once(rig):
    rig.insert(500)
    rig.settle()

    assert rig.core.of(*MONEY) == [NoteEscrowed(RUB_500), NoteStacked(RUB_500)]
    assert rig.sim.truth.cassette == [500]
    assert rig.sim.breaches == 0


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


def test_a_rejection_seen_in_many_polls_is_one_fact(rig):
    rig.insert(3)
    rig.settle()

    assert rig.core.of(NoteRejected) == [NoteRejected("not recognised (65)")]
    assert not rig.core.of(*MONEY)


def test_two_equal_notes_are_two_notes(rig):
    for _ in range(2):
        rig.insert(500)
        rig.settle()

    assert rig.core.of(NoteStacked) == [NoteStacked(RUB_500)] * 2


def test_the_acknowledgement_waits_for_the_journal(rig):
    seen = []
    rig.core.seen = lambda fact: (
        isinstance(fact, NoteStacked) and seen.append((list(rig.wire.sent), rig.sim.status))
    )
    rig.insert(500)
    rig.settle()

    [(sent, status)] = seen
    assert sent[-1] == p.encode(p.POLL)
    assert status is Status.STACKED


def test_after_a_slow_commit_the_repeated_event_is_acknowledged(rig):
    rig.core.commit_s = 0.05
    rig.insert(500)
    rig.settle()

    assert rig.core.of(NoteStacked) == [NoteStacked(RUB_500)]
    assert rig.sim.status is Status.IDLING


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


def test_states_are_told_when_they_change_and_not_at_every_poll(rig):
    rig.time.run_for(5)
    assert len(rig.core.of(ValidatorChanged)) <= 1
    rig.insert(500)
    rig.settle()

    assert rig.core.states[-2:] == [ValidatorState.HANDLING_NOTE, ValidatorState.IDLING]


# --- STACK, heard or not -------------------------------------------------------------------------------------------


def test_a_lost_stack_command_is_sent_again_only_while_the_note_is_still_at_escrow(rig):
    rig.sim.quirks.lost_stacks = 1
    rig.insert(500)
    rig.settle()

    assert count(rig, p.STACK) == 2
    assert rig.core.of(NoteStacked) == [NoteStacked(RUB_500)]


def test_a_stack_command_that_is_never_heard_ends_with_the_note_given_back(rig):
    rig.sim.quirks.lost_stacks = 100
    rig.insert(500)
    rig.settle()

    assert rig.core.of(*MONEY) == [NoteEscrowed(RUB_500), NoteReturned(RUB_500)]
    assert rig.sim.truth.cassette == []


def test_a_lost_answer_to_stack_is_not_a_second_stack(rig):
    rig.insert(500)
    rig.core.seen = lambda fact: isinstance(fact, NoteEscrowed) and setattr(rig.sim.quirks, "lost_answers", 1)
    rig.settle()

    assert count(rig, p.STACK) == 1
    assert rig.core.of(NoteStacked) == [NoteStacked(RUB_500)]


def test_an_accepted_note_of_which_nothing_is_heard_any_more_is_missing(new_rig):
    rig = ready_rig(new_rig, holds_events=False)
    rig.insert(500)
    rig.time.run_until(lambda: rig.sim.truth.stacker == 500)
    rig.sim.quirks.lost_answers = 5
    rig.settle()

    assert rig.core.of(NoteMissing) == [NoteMissing()]
    assert rig.core.uncertain == [RUB_500]


def test_an_event_lost_on_the_line_does_not_let_the_next_note_pass_for_the_first(new_rig):
    rig = ready_rig(new_rig, holds_events=False, skips=frozenset({Status.ACCEPTING, Status.STACKING}))
    rig.insert(500)
    rig.wait_for(NoteEscrowed)
    rig.time.run_until(lambda: rig.sim.truth.cassette == [500])
    rig.sim.quirks.lost_answers = 2
    rig.time.run_until(lambda: rig.sim.status is Status.IDLING)
    rig.time.run_for(0.45)
    rig.do("insert", 500)
    rig.settle()

    assert len(rig.core.certain) + len(rig.core.uncertain) == 2


# --- the slot ------------------------------------------------------------------------------------------------------


def test_only_the_notes_that_were_asked_for_are_enabled_each_with_escrow(new_rig):
    rig = new_rig()
    rig.core.opens = frozenset({RUB_500, of_whole(1000)})
    rig.wait_ready()
    rig.wait_status("IDLING")

    assert rig.sim.enabled == [500, 1000]
    assert p.encode(p.enable_bill_types({5, 6}, {5, 6})) in rig.wire.sent


def test_the_slot_is_closed_only_after_the_note_on_its_way(rig):
    rig.insert(500)
    rig.pump.order(DisableNotes())
    rig.wait_for(NoteStacked)
    rig.wait_status("DISABLED")

    assert rig.core.of(*MONEY) == [NoteEscrowed(RUB_500), NoteStacked(RUB_500)]
    assert rig.sim.truth.returned == []


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


def test_masks_the_device_forgot_are_sent_again(rig):
    rig.sim._enabled = rig.sim._escrow = frozenset()
    rig.do("clear")
    rig.sim._rest(rig.time.time())
    rig.time.run_for(3)

    assert len(rig.sim.enabled) == 8


def test_closed_and_opened_again_by_order(rig):
    rig.pump.order(DisableNotes())
    rig.wait_status("DISABLED")
    rig.pump.order(EnableNotes(frozenset({RUB_500})))
    rig.wait_status("IDLING")

    assert rig.sim.enabled == [500]


# --- power cuts ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("announces", [True, False])
@pytest.mark.parametrize("holds", [True, False])
@pytest.mark.parametrize("moment_s", [0.05 * step for step in range(40)])
def test_a_power_cut_at_any_moment_of_a_note_loses_nothing(new_rig, moment_s, holds, announces):
    rig = ready_rig(new_rig, holds_events=holds, announces_after_reset=announces)
    rig.insert(500)
    rig.time.run_for(moment_s)
    rig.power_cycle()
    rig.settle()

    rig.check_books()
    assert len(rig.sim.truth.cassette) <= len(rig.core.certain + rig.core.uncertain) <= 1


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
    [("STACKING", Evidence.NOTE_IN_STACKER), ("ESCROW", Evidence.NOTE_IN_HEAD), ("IDLING", Evidence.NOTHING)],
)
def test_the_power_up_state_is_kept_as_evidence(new_rig, status, evidence):
    rig = ready_rig(new_rig, announces_after_reset=False, skips=frozenset({Status.RETURNING}))
    if status != "IDLING":
        rig.core.decides = (lambda value: None) if status == "ESCROW" else rig.core.decides
        rig.insert(500)
        rig.wait_status(status)
        rig.time.run_for(0.3)
    rig.power_cycle()
    rig.settle()

    assert rig.core.of(ValidatorReady)[-1].evidence is evidence


def test_what_is_announced_after_reset_is_the_evidence_itself(rig):
    rig.insert(500)
    rig.time.run_until(lambda: rig.sim.truth.stacker == 500)
    rig.power_cycle()
    rig.settle()

    assert rig.core.of(NoteStacked) == [NoteStacked(RUB_500, at_start=True)]
    assert rig.core.of(ValidatorReady)[-1].evidence is Evidence.NOTHING


@pytest.mark.parametrize(
    ("status", "evidence"),
    [("POWER_UP_IN_HEAD", Evidence.NOTE_IN_HEAD), ("POWER_UP_IN_STACKER", Evidence.NOTE_IN_STACKER)],
)
def test_evidence_is_told_before_the_reset_takes_it_away(new_rig, status, evidence):
    rig = ready_rig(new_rig)
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


@pytest.mark.parametrize(
    ("status", "evidence"), [("RETURNED", Evidence.NOTE_IN_HEAD), ("STACKED", Evidence.NOTE_IN_STACKER)]
)
def test_evidence_is_told_before_an_event_whose_value_is_unknown_yet_is_acknowledged(rig, status, evidence):
    rig.core.decides = lambda value: StackNote() if status == "STACKED" else None
    rig.core.seen = lambda fact: isinstance(fact, EvidenceFound) and seen.append((fact, rig.sim.status.name))
    seen = []
    rig.insert(500)
    rig.wait_status(status)
    rig.kill_host()
    rig.time.run_for(0.05)
    rig.start_host()
    rig.settle()

    assert seen == [(EvidenceFound(evidence), status)]


# --- a device that ran while nobody listened -------------------------------------------------------------------------


def restart_when(rig, status):
    rig.insert(500)
    rig.wait_status(status)
    rig.kill_host()
    rig.core.facts.clear()
    rig.time.run_for(0.05)
    rig.start_host()
    rig.settle()


def test_a_note_found_at_escrow_is_returned(rig):
    restart_when(rig, "ESCROW")

    assert rig.core.of(*MONEY) == [NoteReturned(RUB_500)]
    assert rig.sim.truth.returned == [500]


def test_a_note_found_stacked_is_reported_with_its_value_before_the_link_is_ready(rig):
    restart_when(rig, "STACKED")

    assert rig.core.of(*MONEY, ValidatorReady)[0] == NoteStacked(RUB_500, at_start=True)
    assert count(rig, p.RESET) == 0


def test_a_note_found_on_its_way_into_the_cassette_is_waited_for(rig):
    restart_when(rig, "STACKING")

    assert rig.core.of(*MONEY, ValidatorReady)[0] == NoteStacked(RUB_500, at_start=True)


def test_a_stacked_note_whose_acknowledgement_was_lost_is_said_to_be_a_repetition(rig):
    rig.sim.quirks.lost_acks = 1000
    rig.insert(500)
    rig.wait_for(NoteStacked)
    rig.kill_host()
    rig.start_host()
    rig.time.run_for(1)
    rig.sim.quirks.lost_acks = 0
    rig.settle()

    assert rig.core.of(NoteStacked) == [NoteStacked(RUB_500), NoteStacked(RUB_500, at_start=True)]
    assert rig.core.certain == [RUB_500]
    assert rig.core.orphans == []


def test_a_table_that_is_told_in_any_state_is_asked_for_before_the_acknowledgement(rig):
    rig.sim.quirks.tells_table_always = True
    seen = []
    rig.core.seen = lambda fact: isinstance(fact, NoteStacked) and seen.append(rig.sim.status)
    restart_when(rig, "STACKED")

    assert seen == [Status.STACKED]


def test_a_note_put_in_while_the_terminal_starts_is_not_taken_for_the_one_before(new_rig):
    rig = ready_rig(new_rig, holds_events=False)
    rig.insert(500)
    rig.time.run_until(lambda: rig.sim.truth.stacker == 500)
    rig.kill_host()
    rig.time.run_for(0.5)
    rig.sim._after_event(rig.time.time())
    rig.do("insert", 100)
    rig.time.run_for(1)
    rig.start_host()
    rig.settle()

    assert rig.core.uncertain == [RUB_500]
    assert rig.sim.truth.returned == [100]
    rig.check_books()


# --- faults ---------------------------------------------------------------------------------------------------------


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
    rig.do(*hand)
    rig.time.run_for(0.5)
    assert rig.core.states[-1] is state
    rig.do("clear")
    rig.settle()

    assert rig.core.states[-1] is ValidatorState.IDLING
    rig.insert(500)
    rig.settle()
    rig.check_books()


def test_a_failure_names_its_part(rig):
    rig.do("fail", 0x50)
    rig.time.run_for(0.5)

    assert rig.core.of(ValidatorChanged)[-1] == ValidatorChanged(ValidatorState.FAILED, "stacker motor (50)")


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

    assert count(rig, p.RESET) == 1


def test_a_jam_is_not_reset_forever(rig):
    rig.time.run_for(70)  # at rest for so long, the resets of the start are forgiven
    rig.do("jam")
    rig.time.run_for(600)

    assert count(rig, p.RESET) == 10


def test_a_jam_with_a_note_inside_waits_for_a_technician_first(rig):
    rig.insert(500)
    rig.time.run_until(lambda: rig.sim.truth.stacker == 500)
    rig.do("jam")
    rig.time.run_for(20)
    assert count(rig, p.RESET) == 0
    assert not rig.core.of(NoteStacked, NoteMissing, NoteReturned)
    rig.do("clear")
    rig.settle()

    assert rig.core.of(NoteStacked) == [NoteStacked(RUB_500)]


# --- quirks and lines ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "quirks",
    [
        {"holds_events": False},
        {"skips": frozenset({Status.ACCEPTING, Status.STACKING, Status.RETURNING})},
        {"after_event": Status.DISABLED},
        {"after_event": Status.BUSY},
        {"knows_set_security": False},
        {"is_strict_about_quiet": True},
        {"silent_after_reset_s": 3.0},
        {"answers_late_s": 0.2},
        {"noise": b"\x02"},
        {"noise": b"\x02\x03\xfa"},
        {"table_records": 14},
        {"lost_acks": 3},
        {"damaged_answers": {12, 13, 30, 31, 32, 33, 50}},
        {"ack_window_s": 0.009},
    ],
    ids=str,
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
    assert rig.core.certain == [RUB_500, RUB_500, of_whole(100)]
    assert rig.core.uncertain == rig.core.orphans == []


def test_a_late_damaged_event_is_asked_for_again_and_not_lost(new_rig):
    rig = ready_rig(new_rig, holds_events=False)
    rig.insert(500)
    rig.time.run_until(lambda: rig.sim.truth.stacker == 500)
    start = rig.sim._answers
    rig.sim.quirks.damaged_answers = set(range(start, start + 20))
    rig.time.run_until(lambda: rig.sim.status is Status.STACKED)
    rig.settle()

    assert rig.core.of(NoteStacked) == [NoteStacked(RUB_500)]


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


def test_a_validator_of_another_country_is_refused_with_what_it_said(new_rig):
    rig = new_rig()
    rig.driver._countries = ("KAZ",)

    reason = rig.wait_for(ValidatorLost).reason
    assert "'RUS'" in reason
    assert "validator.countries" in reason


def test_a_device_that_answers_everything_with_ack_is_no_validator(new_rig):
    rig = new_rig()
    rig.sim._answer = lambda body, now: p.ACK

    assert "no valid answer" in rig.wait_for(ValidatorLost).reason


def test_a_device_that_tests_itself_forever_is_lost_with_a_hint_at_its_power_supply(new_rig):
    rig = new_rig()
    rig.sim._answer = lambda body, now: b"\x13"

    assert "power supply" in rig.wait_for(ValidatorLost, within_s=90).reason


def test_who_and_what_is_told_when_the_link_is_ready(new_rig):
    rig = new_rig()
    rig.wait_ready()

    [ready] = rig.core.of(ValidatorReady)
    assert (ready.model, ready.serial) == ("SM-RU1353", "21K061234567")
    assert ready.values == tuple(map(of_whole, (10, 50, 100, 200, 500, 1000, 2000, 5000)))


def test_an_unknown_state_is_told_with_both_its_bytes(rig):
    rig.sim._answer = lambda body, now: b"\x5a\x01"
    rig.time.run_for(1)

    assert rig.core.of(ValidatorChanged)[-1].detail == "it says 5A01, which CCNET does not know"


def test_a_note_found_on_its_way_back_is_told_when_it_is_back(rig):
    rig.core.decides = lambda value: ReturnNote()
    restart_when(rig, "RETURNING")

    assert rig.core.of(*MONEY) == [NoteReturned(RUB_500)]


def test_a_device_that_never_closes_its_slot_is_lost_in_words(new_rig):
    rig = new_rig()
    rig.sim._answer = lambda body, now: b"\x14" if body == p.POLL else p.ACK

    assert "does not close its slot" in rig.wait_for(ValidatorLost).reason


def test_a_device_without_a_bill_table_is_lost_in_words(new_rig):
    rig = new_rig()
    rig.sim._answer = lambda body, now: b"\x19" if body == p.POLL else p.ILLEGAL

    assert "no bill table" in rig.wait_for(ValidatorLost).reason
