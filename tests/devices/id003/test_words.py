"""What ID-003 frames say to a technician."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.id003 import protocol as p
from devices.id003.protocol import Bill, Frame, Identification, Poll, Status
from devices.id003.words import LANGUAGE, say
from kassa.flight.ring import Kind

COMMANDS = [
    (p.STATUS_REQUEST, "STATUS REQUEST"),
    (p.STACK_1, "STACK-1"),
    (p.RETURN, "RETURN"),
    (p.ACK, "ACK"),
    (p.VERSION_REQUEST, "VERSION REQUEST"),
    (p.enable_bill_types({1, 7}), "ENABLE BILL TYPES 1 7"),
    (p.enable_bill_types(()), "ENABLE BILL TYPES none"),
    (p.inhibit(True), "INHIBIT on"),
    (p.inhibit(False), "INHIBIT off"),
    (p.set_barcode(1, 18), "SET BARCODE 01 12"),
    (b"\x45", "command 45"),
    (b"\xc3", "command C3"),
]
ANSWERS = [
    (p.encode_poll(Poll(Status.IDLING)), "IDLING"),
    (p.encode_poll(Poll(Status.ESCROW, 4)), "ESCROW bill type 4"),
    (p.encode_ticket("0123"), "ESCROW no note of the currency table: 6F 30 31 32 33"),
    (p.encode_poll(Poll(Status.VEND_VALID)), "VEND VALID"),
    (p.encode_poll(Poll(Status.VEND_VALID, 4)), "VEND VALID bill type 4"),
    (p.encode_poll(Poll(Status.REJECTING, 0x76)), "REJECTING not recognised (76)"),
    (p.encode_poll(Poll(Status.FAILED, 0xA2)), "FAILED stacker motor (A2)"),
    (p.encode_poll(Poll(Status.POWER_UP_IN_STACKER)), "POWER UP IN STACKER"),
    (b"\x33\x01", "state 33 01"),
    (p.ACK, "ACK"),
    (p.INVALID_COMMAND, "INVALID COMMAND"),
    (p.COMMUNICATION_ERROR, "COMMUNICATION ERROR: our command arrived damaged"),
    (p.inhibit(True), "INHIBIT on"),
    (p.enable_bill_types({1, 7}), "ENABLE BILL TYPES 1 7"),
    (b"\x85\x02\x00", "OPTIONS 02 00"),
    (p.encode_version(Identification("UBA-10", "V1.03 24MAR26")), "VERSION UBA-10 V1.03 24MAR26"),
    (p.VERSION_REQUEST, "VERSION REQUEST: an echo, there is no validator"),
    (
        p.encode_currency_table([Bill(0x27, 10, 0), None, Bill(0x27, 10, 2), Bill(0x99, 5, 0)]),
        "CURRENCY TABLE 0: 10 RUB, 2: 1000 RUB, 3: 5 country 99",
    ),
    (bytes(60), "answer " + "00 " * 59 + "00"),
]


@pytest.mark.parametrize(("body", "words"), COMMANDS)
def test_a_command_in_words(body, words):
    assert say(Frame(body), Kind.SENT, None) == words


@pytest.mark.parametrize(("body", "words"), ANSWERS)
def test_an_answer_in_words(body, words):
    assert say(Frame(body), Kind.RECEIVED, None) == words


def test_an_acknowledgement_begins_no_turn():
    assert LANGUAGE.is_question(Frame(p.STATUS_REQUEST))
    assert not LANGUAGE.is_question(Frame(p.ACK))


@given(body=st.binary(min_size=1, max_size=246))
def test_every_frame_says_something(body):
    for kind in (Kind.SENT, Kind.RECEIVED):
        assert say(Frame(body), kind, None)
