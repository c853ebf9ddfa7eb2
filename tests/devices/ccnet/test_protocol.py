"""CCNET frames and messages: the published examples as a table, and the laws of the parser."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from devices.ccnet import protocol as p
from devices.ccnet.protocol import Bill, Frame, Identification, Noise, Poll, Status
from kassa.money import of_whole

RUSSIAN = {2: (1, 1), 3: (5, 1), 4: (1, 2), 5: (5, 2), 6: (1, 3), 7: (5, 3), 12: (2, 2), 13: (2, 3)}
RUSSIAN_TABLE = tuple(Bill("RUS", *RUSSIAN[one]) if one in RUSSIAN else None for one in range(24))

COMMANDS = [
    (p.ACK, "02 03 06 00 C2 82"),
    (p.NAK, "02 03 06 FF BA 8D"),
    (p.RESET, "02 03 06 30 41 B3"),
    (p.ILLEGAL, "02 03 06 30 41 B3"),
    (p.GET_STATUS, "02 03 06 31 C8 A2"),
    (b"\x00\x00\xfc\x00\x00\x00", "02 03 0B 00 00 FC 00 00 00 B7 87"),
    (p.set_security(()), "02 03 09 32 00 00 00 26 1F"),
    (p.POLL, "02 03 06 33 DA 81"),
    (p.enable_bill_types(range(2, 7), ()), "02 03 0C 34 00 00 7C 00 00 00 66 C1"),
    (p.enable_bill_types(range(2, 8), ()), "02 03 0C 34 00 00 FC 00 00 00 08 EC"),
    (p.enable_bill_types(range(24), range(24)), "02 03 0C 34 FF FF FF FF FF FF FE F7"),
    (p.enable_bill_types(range(24), ()), "02 03 0C 34 FF FF FF 00 00 00 B5 C1"),
    (p.enable_bill_types((), ()), "02 03 0C 34 00 00 00 00 00 00 17 0C"),
    (p.STACK, "02 03 06 35 EC E4"),
    (p.RETURN, "02 03 06 36 77 D6"),
    (p.IDENTIFICATION, "02 03 06 37 FE C7"),
    (p.HOLD, "02 03 06 38 09 3F"),
    (p.set_barcode(1, 6), "02 03 08 39 01 06 1C 96"),
    (p.EXTRACT_BARCODE, "02 03 06 3A 1B 1C"),
    (p.GET_BILL_TABLE, "02 03 06 41 4F D1"),
    (p.GET_CRC32, "02 03 06 51 CE C1"),
    (p.REQUEST_STATISTICS, "02 03 06 60 C4 E1"),
    (
        p.encode_identification(Identification("SM-RU1353", "21K061234567")),
        (
            "02 03 27 53 4D 2D 52 55 31 33 35 33 20 20 20 20 20 20 32 31 4B 30 36 31 32 33 34 35 36 37"
            "00 00 00 00 00 00 00 A5 C1"
        ),
    ),
    (
        p.encode_bill_table(RUSSIAN_TABLE),
        (
            "02 03 7D 00 00 00 00 00 00 00 00 00 00 01 52 55 53 01 05 52 55 53 01 01 52 55 53 02 05 52 55 53 02"
            "01 52 55 53 03 05 52 55 53 03 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00"
            "02 52 55 53 02 02 52 55 53 03 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00"
            "00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 D7 97"
        ),
    ),
]
POLLS = [
    (Poll(Status.POWER_UP), "02 03 06 10 43 92"),
    (Poll(Status.POWER_UP_IN_HEAD), "02 03 06 11 CA 83"),
    (Poll(Status.POWER_UP_IN_STACKER), "02 03 06 12 51 B1"),
    (Poll(Status.INITIALIZE), "02 03 06 13 D8 A0"),
    (Poll(Status.IDLING), "02 03 06 14 67 D4"),
    (Poll(Status.ACCEPTING), "02 03 06 15 EE C5"),
    (Poll(Status.STACKING), "02 03 06 17 FC E6"),
    (Poll(Status.RETURNING), "02 03 06 18 0B 1E"),
    (Poll(Status.DISABLED), "02 03 06 19 82 0F"),
    (Poll(Status.HOLDING), "02 03 06 1A 19 3D"),
    (Poll(Status.BUSY, 5), "02 03 07 1B 05 D4 99"),
    (Poll(Status.REJECTING, 0x60), "02 03 07 1C 60 77 E0"),
    (Poll(Status.REJECTING, 0x68), "02 03 07 1C 68 3F 6C"),
    (Poll(Status.CASSETTE_FULL), "02 03 06 41 4F D1"),
    (Poll(Status.CASSETTE_OUT), "02 03 06 42 D4 E3"),
    (Poll(Status.JAMMED), "02 03 06 43 5D F2"),
    (Poll(Status.CASSETTE_JAMMED), "02 03 06 44 E2 86"),
    (Poll(Status.CHEATED), "02 03 06 45 6B 97"),
    (Poll(Status.PAUSED), "02 03 06 46 F0 A5"),
    (Poll(Status.FAILED, 0x50), "02 03 07 47 50 AB E6"),
    (Poll(Status.ESCROW, 5), "02 03 07 80 05 21 64"),
    (Poll(Status.STACKED, 5), "02 03 07 81 05 F9 7D"),
    (Poll(Status.RETURNED, 5), "02 03 07 82 05 91 57"),
]

bodies = st.binary(min_size=1, max_size=p.FRAME_SIZE_MAX - 5)
near_misses = st.lists(
    st.sampled_from([b"\x02", b"\x02\x03", b"\x02\x03\x06", b"\x02\x03\x00\x50", b"\x02\x03\xfa", b"\x14"])
).map(b"".join)
lines = st.lists(st.binary(max_size=8) | near_misses | bodies.map(p.encode), max_size=8).map(b"".join)


def take_all(buffer):
    """Every item that can be taken, and what waits for more bytes."""
    items = []
    while True:
        item, rest = p.take(buffer)
        if item is None:
            assert rest == buffer
            return items, rest
        assert len(rest) < len(buffer), "no step without progress"
        items.append(item)
        buffer = rest


def bytes_of(item):
    return item.data if isinstance(item, Noise) else p.encode(item.body)


@pytest.mark.parametrize(("body", "wire"), COMMANDS)
def test_a_message_has_the_published_frame(body, wire):
    assert p.encode(body) == bytes.fromhex(wire)
    assert p.take(bytes.fromhex(wire)) == (Frame(body), b"")


@pytest.mark.parametrize(("poll", "wire"), POLLS)
def test_a_state_has_the_published_frame(poll, wire):
    item, rest = p.take(bytes.fromhex(wire))
    assert isinstance(item, Frame)
    assert p.decode_poll(item.body) == poll
    assert p.encode_poll(poll) == item.body
    assert rest == b""


@given(lines)
@example(b"\x02\x03\x00\x50\x02\x01\x09")
@example(b"\x02\x03\x05\x00\x00\x00")
def test_no_byte_is_lost_or_invented(line):
    items, rest = take_all(line)
    assert b"".join(map(bytes_of, items)) + rest == line


@given(lines)
def test_a_buffer_without_a_future_is_taken_to_its_last_byte(line):
    assert b"".join(map(bytes_of, p.take_last(line))) == line


@given(st.binary(max_size=300))
def test_a_line_never_waits_for_more_than_one_frame(line):
    _, rest = take_all(line)
    assert len(rest) < p.FRAME_SIZE_MAX


@given(st.lists(bodies, max_size=4), st.data())
def test_frames_arrive_whatever_the_split(sent, data):
    line = b"".join(map(p.encode, sent))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(line)), max_size=8)))
    buffer, found = b"", []
    for start, end in zip([0, *cuts], [*cuts, len(line)], strict=True):
        items, buffer = take_all(buffer + line[start:end])
        found += items
    assert found == [Frame(body) for body in sent]
    assert buffer == b""


@given(st.binary(max_size=6), bodies)
@example(b"\x02", b"\x14")
@example(b"\x02\x03\xfa", b"\x14")
def test_a_frame_behind_noise_is_found(noise, body):
    found = p.take_last(noise + p.encode(body))
    swallowed = any(isinstance(item, Frame) and p.encode(item.body) not in p.encode(body) for item in found)
    assert Frame(body) in found or swallowed


@given(bodies, st.data())
def test_a_flipped_bit_makes_no_frame_of_its_length(body, data):
    frame = bytearray(p.encode(body))
    bit = data.draw(st.integers(0, len(frame) * 8 - 1))
    frame[bit // 8] ^= 1 << bit % 8
    assert Frame(body) not in p.take_last(bytes(frame))


@given(st.sets(st.integers(0, 23)))
def test_a_mask_names_its_types(types):
    assert p.masked(p.mask(types)) == types


def test_the_first_byte_of_a_mask_holds_the_highest_types():
    assert p.mask({12}) == b"\x00\x10\x00"
    assert p.mask({23}) == b"\x80\x00\x00"


@pytest.mark.parametrize("body", [p.ACK, p.NAK, p.ILLEGAL, b"", bytes(120)])
def test_what_answers_other_commands_is_no_answer_to_poll(body):
    assert not p.is_poll_answer(body)


@given(st.binary(min_size=1, max_size=2).filter(p.is_poll_answer))
def test_every_possible_answer_to_poll_can_be_read(body):
    poll = p.decode_poll(body)
    assert poll.status is Status.UNKNOWN or p.encode_poll(poll) == body


def test_an_unknown_state_keeps_both_its_bytes():
    assert p.decode_poll(b"\x5a\x01") == Poll(Status.UNKNOWN, 0x5A01)


def test_a_stacked_note_without_its_type_is_incomplete():
    assert not p.decode_poll(b"\x81").is_complete
    assert p.decode_poll(b"\x1b").is_complete


@given(st.binary(min_size=5, max_size=120))
def test_any_bill_table_can_be_read(data):
    bills = p.decode_bill_table(data)
    assert len(bills) == len(data) // 5
    for bill in bills:
        if bill is not None:
            bill.money("RUB")


def test_the_russian_table_has_its_denominations():
    bills = p.decode_bill_table(p.encode_bill_table(RUSSIAN_TABLE))
    assert bills == RUSSIAN_TABLE
    values = {one: bill.money("RUB") for one, bill in enumerate(bills) if bill}
    assert values == {
        one: of_whole(units)
        for one, units in {2: 10, 3: 50, 4: 100, 5: 500, 6: 1000, 7: 5000, 12: 200, 13: 2000}.items()
    }


@pytest.mark.parametrize(
    ("bill", "minor"),
    [
        (Bill("RUS", 50, -2), 50),
        (Bill("RUS", 5, -3), None),
        (Bill("RUS", 0, 2), None),
        (Bill("RUS", 200, 0), 20000),
        (Bill("RUS", 1, 127), None),
    ],
)
def test_a_record_is_an_amount_only_when_the_currency_can_write_it(bill, minor):
    value = bill.money("RUB")
    assert (value.minor if value else None) == minor


@given(st.binary(max_size=64))
def test_any_identification_can_be_read(data):
    found = p.decode_identification(data)
    assert (found.part_number + found.serial).isascii()


def test_an_identification_padded_with_control_characters_reads_clean():
    assert p.decode_identification(b"C100\x00\x01RU\x00\x00\x00" + b"\x00" * 30).part_number == "C100 RU"


def test_codes_are_named_and_unknown_ones_shown():
    assert p.rejection(0x68) == "denomination not accepted now (68)"
    assert p.failure(0x50) == "stacker motor (50)"
    assert p.failure(0x77) == "code 77"
    assert p.rejection(None) == "without a code"
