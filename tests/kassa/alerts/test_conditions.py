"""Conditions: the slot closes at once, people are told when it lasts."""

from datetime import UTC, datetime

import pytest

from kassa.alerts.catalogue import CATALOGUE
from kassa.alerts.conditions import Board, Cleared, Raised

WALL = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture
def board():
    return Board()


def test_the_slot_closes_at_once_and_people_are_told_when_it_lasts(board):
    board.observe("validator_lost", True, 0.0, WALL, "unplugged")
    assert board.blocked == "validator_lost"
    assert board.settle(1.0) == []
    assert board.out_of_service is None

    [raised] = board.settle(3.0)

    assert isinstance(raised, Raised)
    assert raised.condition.detail == "unplugged"
    assert board.out_of_service == "validator_lost"


def test_who_looks_sees_at_once_why_the_slot_is_closed(board):
    board.observe("validator_lost", True, 0.0, WALL, "unplugged")
    board.observe("import_refused", False, 0.0, WALL)
    assert [condition.code for condition in board.shown] == ["validator_lost"]

    board.observe("validator_lost", False, 1.0, WALL)
    assert board.shown == []


def test_a_glitch_alarms_nobody(board):
    board.observe("validator_lost", True, 0.0, WALL)
    board.observe("validator_lost", False, 1.0, WALL)
    assert board.settle(5.0) == []
    assert board.blocked is None


def test_what_is_mended_is_cleared_once(board):
    board.observe("registrar_paper_out", True, 0.0, WALL)
    board.settle(3.0)
    board.observe("registrar_paper_out", False, 4.0, WALL)

    assert [type(change) for change in board.settle(4.0)] == [Cleared]
    assert board.settle(5.0) == []
    assert board.shown == []


def test_a_condition_keeps_the_time_of_its_first_sight(board):
    board.observe("disk_low", True, 0.0, WALL)
    board.observe("disk_low", True, 9.0, WALL.replace(hour=13))
    board.settle(9.0)
    assert board.shown[0].since == WALL


def test_of_several_reasons_the_one_that_explains_most_is_told(board):
    for code in ("data_missing", "registrar_paper_out", "disk_low"):
        board.observe(code, True, 0.0, WALL)
    board.settle(60.0)
    assert board.out_of_service == "disk_low"


def test_a_warning_stops_no_cash(board):
    board.observe("data_old", True, 0.0, WALL)
    board.settle(0.0)
    assert board.blocked is None
    assert [condition.code for condition in board.shown] == ["data_old"]


def test_a_condition_restored_from_the_journal_is_cleared_when_it_is_gone(board):
    board.restore("registrar_lost", "", WALL, 0.0)
    assert board.out_of_service == "registrar_lost"
    board.observe("registrar_lost", False, 1.0, WALL)
    assert [type(change) for change in board.settle(1.0)] == [Cleared]


@pytest.mark.parametrize("code", CATALOGUE)
def test_every_condition_says_what_is_wrong_and_what_to_do(code):
    kind = CATALOGUE[code]
    assert kind.text
    assert kind.remedy
    assert kind.text != kind.remedy
