"""What CCNET frames say to a technician."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.ccnet import protocol as p
from devices.ccnet.protocol import Bill, Frame, Identification
from devices.ccnet.words import LANGUAGE, say
from kassa.flight.ring import Kind

SERIAL = Identification("SM-RU1353", "21K061234567")
TABLE = (None, None, Bill("RUS", 1, 1), Bill("RUS", 5, 1), Bill("RUS", 1, 2), Bill("USA", 5, -1))

COMMANDS = [
    (p.POLL, "POLL"),
    (p.STACK, "STACK"),
    (p.RETURN, "RETURN"),
    (p.RESET, "RESET"),
    (p.ACK, "ACK"),
    (p.NAK, "NAK"),
    (p.enable_bill_types({2, 5, 12}, {2, 5, 12}), "ENABLE BILL TYPES 2 5 12"),
    (p.enable_bill_types({2, 5}, {5}), "ENABLE BILL TYPES 2 5, without escrow 2"),
    (p.enable_bill_types((), ()), "ENABLE BILL TYPES none"),
    (p.set_security({7}), "SET SECURITY 7"),
    (b"\x34\x00", "command 34 00"),
    (b"\x77", "command 77"),
]
ANSWERS = [
    (p.POLL, b"\x14", "IDLING"),
    (p.POLL, b"\x80\x05", "ESCROW bill type 5"),
    (p.POLL, b"\x80", "ESCROW"),
    (p.POLL, b"\x81\x05", "STACKED bill type 5"),
    (p.POLL, b"\x82\x05", "RETURNED bill type 5"),
    (p.POLL, b"\x41", "CASSETTE FULL"),
    (p.POLL, b"\x12", "POWER UP IN STACKER"),
    (p.POLL, b"\x1c\x65", "REJECTING not recognised (65)"),
    (p.POLL, b"\x1c", "REJECTING without a code"),
    (p.POLL, b"\x47\x50", "FAILED stacker motor (50)"),
    (p.POLL, b"\x1b\x0a", "BUSY 0A"),
    (p.POLL, b"\x99\x01", "state 9901"),
    (p.POLL, p.POLL, "POLL: an echo, there is no validator"),
    (p.POLL, bytes(9), "answer 00 00 00 00 00 00 00 00 00"),
    (p.STACK, p.ACK, "ACK"),
    (p.STACK, p.ILLEGAL, "ILLEGAL COMMAND"),
    (p.STACK, b"\x14", "answer 14"),
    (p.IDENTIFICATION, p.encode_identification(SERIAL), "IDENTIFICATION SM-RU1353 21K061234567"),
    (
        p.GET_BILL_TABLE,
        p.encode_bill_table(TABLE),
        "BILL TABLE 2: 10 RUS, 3: 50 RUS, 4: 100 RUS, 5: 5e-1 USA",
    ),
    (p.GET_BILL_TABLE, bytes(15), "BILL TABLE empty"),
    (p.GET_STATUS, bytes(6), "answer 00 00 00 00 00 00"),
]


@pytest.mark.parametrize(("body", "words"), COMMANDS)
def test_a_command_in_words(body, words):
    assert say(Frame(body), Kind.SENT, None) == words


@pytest.mark.parametrize(("asked", "body", "words"), ANSWERS)
def test_an_answer_is_read_by_the_command_before_it(asked, body, words):
    assert say(Frame(body), Kind.RECEIVED, Frame(asked)) == words


def test_an_answer_whose_question_is_not_known_is_taken_for_a_state():
    assert say(Frame(b"\x80\x05"), Kind.RECEIVED, None) == "ESCROW bill type 5"


def test_a_verdict_on_an_answer_begins_no_turn():
    assert [LANGUAGE.is_question(Frame(body)) for body in (p.POLL, p.STACK, p.ACK, p.NAK)] == [
        True,
        True,
        False,
        False,
    ]


@given(body=st.binary(min_size=1, max_size=245), asked=st.sampled_from([body for body, _ in COMMANDS]))
def test_every_frame_says_something(body, asked):
    for kind in (Kind.SENT, Kind.RECEIVED):
        assert say(Frame(body), kind, Frame(asked))
