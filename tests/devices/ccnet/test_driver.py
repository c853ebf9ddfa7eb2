"""What is CCNET's own: its quirks, events of which no ACK was heard, a table that is told at rest only."""

import pytest
from validators import in_words, ready

from devices.ccnet import protocol as p
from devices.validator.dialect import Status
from kassa.money import of_whole
from kassa.ports import (
    Evidence,
    EvidenceFound,
    NoteEscrowed,
    NoteMissing,
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


def ready_rig(new_rig, **quirks):
    return ready(new_rig(**quirks))


def restart_when(rig, status):
    rig.insert(500)
    rig.wait_status(status)
    rig.kill_host()
    rig.core.facts.clear()
    rig.time.run_for(0.05)
    rig.start_host()
    rig.settle()


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


def test_only_the_notes_that_were_asked_for_are_enabled_each_with_escrow(new_rig):
    rig = new_rig()
    rig.core.opens = frozenset({RUB_500, of_whole(1000)})
    rig.wait_ready()
    rig.wait_status("IDLING")

    assert rig.sim.enabled == [500, 1000]
    assert p.encode(p.enable_bill_types({5, 6}, {5, 6})) in rig.wire.sent


def test_masks_the_device_forgot_are_sent_again(rig):
    rig.sim._enabled = rig.sim._escrow = frozenset()
    rig.do("clear")
    rig.sim._rest(rig.time.time())
    rig.time.run_for(3)

    assert len(rig.sim.enabled) == 8


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


def test_a_device_that_answers_everything_with_ack_is_no_validator(new_rig):
    rig = new_rig()
    rig.sim._answer = lambda body, now: p.ACK

    assert "no valid answer" in rig.wait_for(ValidatorLost).reason


def test_a_device_that_tests_itself_forever_is_lost_with_a_hint_at_its_power_supply(new_rig):
    rig = new_rig()
    rig.sim._answer = lambda body, now: b"\x13"

    assert "power supply" in rig.wait_for(ValidatorLost, within_s=90).reason


def test_an_unknown_state_is_told_with_both_its_bytes(rig):
    rig.sim._answer = lambda body, now: b"\x5a\x01"
    rig.time.run_for(1)

    assert rig.core.of(ValidatorChanged)[-1].detail == "it says 5A01, which CCNET does not know"


def test_a_device_that_never_closes_its_slot_is_lost_in_words(new_rig):
    rig = new_rig()
    rig.sim._answer = lambda body, now: b"\x14" if body == p.POLL else p.ACK

    assert "does not close its slot" in rig.wait_for(ValidatorLost).reason


def test_a_device_without_a_bill_table_is_lost_in_words(new_rig):
    rig = new_rig()
    rig.sim._answer = lambda body, now: b"\x19" if body == p.POLL else p.ILLEGAL

    assert "no bill table" in rig.wait_for(ValidatorLost).reason
