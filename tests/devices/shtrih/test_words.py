"""What Shtrih-M frames say to a technician."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.shtrih import protocol as p
from devices.shtrih import tlv
from devices.shtrih.protocol import Control, Frame, Spoilt
from devices.shtrih.words import LANGUAGE, say
from devices.words import tell
from kassa.flight.ring import Kind, Record

PASSWORD = 12345678
NOON = 1_795_000_000.0

COMMANDS = [
    (p.short_status(PASSWORD), "SHORT STATUS"),
    (p.model(), "MODEL"),
    (p.parameters(), "PARAMETERS"),
    (p.find_document(PASSWORD, 1017), "FIND DOCUMENT 1017"),
    (p.open_receipt(PASSWORD), "OPEN RECEIPT"),
    (p.print_line(PASSWORD, "Терминал 00042"), "PRINT LINE 'Терминал 00042'"),
    (p.sell(PASSWORD, "Аванс, ЛС 4038", 65050, 12, 3, 10), "SELL 'Аванс, ЛС 4038', 650.50"),
    (p.send_tags(PASSWORD, tlv.payment("00042-0000000001")), "SEND TAGS payment 00042-0000000001"),
    (p.send_tags(PASSWORD, b"\x01\x02"), "SEND TAGS 01 02"),
    (p.close_receipt(PASSWORD, 65050, 0), "CLOSE RECEIPT cash 650.50"),
    (p.open_receipt(PASSWORD, is_correction=True), "OPEN RECEIPT 80"),
    (p.send_item_tags(PASSWORD, tlv.byte(tlv.AGENT, 4)), "SEND ITEM TAGS C6 04 01 00 04"),
    (p.begin_correction(PASSWORD), "BEGIN CORRECTION"),
    (p.close_correction(PASSWORD, 65050, {6: 65050}, 0, is_ordered=False), "CLOSE CORRECTION 650.50"),
    (p.feed(PASSWORD, 5), "FEED 05h lines"),
    (p.table_structure(PASSWORD, 24), "TABLE 24"),
    (p.continue_print(PASSWORD), "CONTINUE PRINT"),
    (p.z_report(PASSWORD), "Z-REPORT"),
    (p.read_table(PASSWORD, 17, 1, 36), "READ TABLE 11 01 00 24"),
]
ANSWERS = [
    ("10 00 1E 92 02 04 00 00 9D D7 00 00 00 00 00 00 00", "SHORT STATUS: mode shift closed, idle"),
    ("10 00 1E 92 02 02 09 00 9D D7 00 00 00 00 00 00 00", "SHORT STATUS: mode shift open, submode 9"),
    ("10 73", "SHORT STATUS: error 73, not in this mode"),
    ("10 00 1E", "SHORT STATUS: an answer of another shape: 10 00 1E"),
    ("8D 00 1E", "OPEN RECEIPT: done"),
    ("8D 6B", "OPEN RECEIPT: error 6B, no receipt paper"),
    (
        "FF 01 00 03 00 00 01 00 1A 0B 1D 09 2C" + b"9999078900001234".hex() + "F9 03 00 00",
        "DRIVE STATUS: drive 9999078900001234, last document 1017, shift open",
    ),
    (
        "FF 45 00" + "00" * 5 + "F9 03 00 00" + "15 CD 5B 07",
        "CLOSE RECEIPT: document 1017, sign 123456789, change 0.00",
    ),
    (
        "FF 0A 00 03 00 1A 0B 1D 09 2C F9 03 00 00 15 CD 5B 07 01 1A FE 00 00 00",
        "FIND DOCUMENT: document 1017, receipt, 650.50, sign 123456789",
    ),
    (
        "FF 4A 00 0C 00" + "F9 03 00 00" + "15 CD 5B 07",
        "CLOSE CORRECTION: document 1017, sign 123456789, receipt 12",
    ),
    (
        "2D 00" + "ВСТРАИВАЕМАЯ ТЕХНИКА".encode("cp1251").ljust(40, b"\0").hex() + "01 00 0D",
        "TABLE: 'ВСТРАИВАЕМАЯ ТЕХНИКА'",
    ),
    ("FF 40 00 01 39 00 07 00", "SHIFT: shift 57 open, 7 receipts"),
    ("89 00 1E 1A FE 00 00 00", "SUBTOTAL: 650.50"),
    ("EE 00 01", "answer EE 00 01"),
]


@pytest.mark.parametrize(("command", "words"), COMMANDS)
def test_a_command_in_words_without_its_password(command, words):
    assert say(Frame(command.body), Kind.SENT, None) == words


@pytest.mark.parametrize(("body", "words"), ANSWERS)
def test_an_answer_in_words(body, words):
    assert say(Frame(bytes.fromhex(body)), Kind.RECEIVED, None) == words


def test_control_bytes_and_damaged_frames_in_words():
    said = [
        say(item, Kind.RECEIVED, None)
        for item in (Control(p.ENQ), Control(p.NAK), Spoilt(b"\x02\x01\xfc\x00"))
    ]

    assert said == ["ENQ", "NAK", "damaged frame: 02 01 FC 00"]


ENQ, ACK, NAK = b"\x05", b"\x06", b"\x15"
ASKED = p.frame(p.short_status(PASSWORD).body)
ANSWERED = p.frame(bytes.fromhex("10 00 1E 92 02 04 00 00 9D D7 00 00 00 00 00 00 00"))


def lines(*exchanges):
    """What becomes of strings of bytes that host and device say by turns, a second between the exchanges."""
    kinds = (Kind.SENT, Kind.RECEIVED)
    records = [
        Record(NOON + second, kinds[place % 2], data, "shtrih")
        for second, exchange in enumerate(exchanges)
        for place, data in enumerate(exchange)
    ]
    return [line.words for line in tell(records, {"shtrih": LANGUAGE}.get)]


def test_the_control_bytes_of_an_exchange_that_goes_as_it_should_are_left_out():
    assert lines((ENQ, NAK, ASKED, ACK + ANSWERED, ACK)) == [
        "SHORT STATUS",
        "SHORT STATUS: mode shift closed, idle",
    ]


def test_exchanges_that_are_equal_are_one_line():
    good = (ENQ, NAK, ASKED, ACK + ANSWERED, ACK)

    assert lines(good, good, good) == ["SHORT STATUS / SHORT STATUS: mode shift closed, idle x 3, 2.0 s"]


def test_of_an_exchange_that_goes_otherwise_nothing_is_left_out():
    assert lines((ENQ, NAK, ASKED, NAK), (ENQ,), (ENQ,), (ENQ, ACK + ANSWERED, NAK, ANSWERED, ACK)) == [
        "ENQ", "NAK", "SHORT STATUS", "NAK", "ENQ x 2, 1.0 s", "ENQ", "ACK", "SHORT STATUS: mode shift closed, idle", "NAK",
        "SHORT STATUS: mode shift closed, idle", "ACK",
    ]  # fmt: skip


codes = st.sampled_from(
    [command.code for command, _ in COMMANDS] + [b"\xff\x03", b"\x11", b"\xfc", b"\xff\x39", b"\x1a"]
)


@given(code=st.one_of(codes, st.binary(min_size=1, max_size=2)), rest=st.binary(max_size=253))
def test_every_frame_says_something(code, rest):
    for kind in (Kind.SENT, Kind.RECEIVED):
        assert say(Frame(code + rest), kind, None)
        assert say(Frame(code + b"\0" + rest[:252]), kind, None)
