"""ID-003 frames and messages: the known frames as a table, and the laws of the parser."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from devices.id003 import protocol as p
from devices.id003.protocol import (
    Bill,
    Direction,
    Frame,
    Identification,
    Inserted,
    Mode,
    Noise,
    Option,
    Poll,
    Status,
)
from kassa.money import of_whole

EURO = {1: (5, 0), 2: (10, 0), 3: (20, 0), 4: (50, 0), 5: (10, 1), 6: (20, 1), 7: (50, 1)}
EURO_TABLE = tuple(Bill(0xE0, *EURO[one]) if one in EURO else None for one in range(8))
RUSSIAN = [(10, 0), (50, 0), (10, 1), (20, 1), (50, 1), (10, 2), (20, 2), (50, 2)]
RUSSIAN_TABLE = tuple(Bill(0x27, *one) for one in RUSSIAN)
ALL_TYPES = frozenset(range(16))
ALL_WAYS = Direction(0)

MESSAGES = [
    ("status request", p.STATUS_REQUEST, "FC 05 11 27 56"),
    ("ACK", p.ACK, "FC 05 50 AA 05"),
    ("reset", p.RESET, "FC 05 40 2B 15"),
    ("stack 1", p.STACK_1, "FC 05 41 A2 04"),
    ("stack 2", p.STACK_2, "FC 05 42 39 36"),
    ("return", p.RETURN, "FC 05 43 B0 27"),
    ("hold", p.HOLD, "FC 05 44 0F 53"),
    ("wait, which we never send", b"\x45", "FC 05 45 86 42"),
    ("enable all", p.enable_bill_types(ALL_TYPES), "FC 07 C0 00 00 2D B5"),
    ("disable codes 62 and 68", p.enable_bill_types(ALL_TYPES - {1, 7}), "FC 07 C0 82 00 51 0A"),
    ("no security", p.set_security(()), "FC 07 C1 00 00 F1 EF"),
    ("polled mode", p.set_communication_mode(Mode.POLLED), "FC 06 C2 00 DC CF"),
    ("interrupt mode 1", p.set_communication_mode(Mode.INTERRUPT_1), "FC 06 C2 01 55 DE"),
    ("inhibit", p.inhibit(True), "FC 06 C3 01 8D C7"),
    ("inhibit no more", p.inhibit(False), "FC 06 C3 00 04 D6"),
    ("all directions", p.refuse_directions(ALL_WAYS), "FC 06 C4 00 0C 9B"),
    ("no options", p.set_options(Option(0)), "FC 07 C5 00 00 90 8C"),
    ("power recovery", p.set_options(Option.POWER_RECOVERY), "FC 07 C5 02 00 20 BF"),
    ("bar code 01 12", p.set_barcode(1, 18), "FC 07 C6 01 12 BF 49"),
    ("notes and tickets", p.bar_inhibit(Inserted(0)), "FC 06 C7 00 64 B1"),
    ("enabled types?", p.GET_BILL_TYPES, "FC 05 80 27 D3"),
    ("version?", p.VERSION_REQUEST, "FC 05 88 6F 5F"),
    ("boot version?", p.BOOT_VERSION_REQUEST, "FC 05 89 E6 4E"),
    ("currency table?", p.CURRENCY_REQUEST, "FC 05 8A 7D 7C"),
    ("communication error", p.COMMUNICATION_ERROR, "FC 05 4A 71 BA"),
    ("invalid command", p.INVALID_COMMAND, "FC 05 4B F8 AB"),
    ("ENQ", p.ENQ, "FC 05 05 82 00"),
    (
        "a euro unit's table",
        p.encode_currency_table(EURO_TABLE),
        (
            "FC 25 8A 61 00 00 00 62 E0 05 00 63 E0 0A 00 64 E0 14 00"
            "65 E0 32 00 66 E0 0A 01 67 E0 14 01 68 E0 32 01 05 C1"
        ),
    ),
    (
        "a rouble unit's table",
        p.encode_currency_table(RUSSIAN_TABLE),
        (
            "FC 25 8A 61 27 0A 00 62 27 32 00 63 27 0A 01 64 27 14 01"
            "65 27 32 01 66 27 0A 02 67 27 14 02 68 27 32 02 DF 68"
        ),
    ),
]
POLLS = [
    (Poll(Status.IDLING), "FC 05 11 27 56"),
    (Poll(Status.ACCEPTING), "FC 05 12 BC 64"),
    (Poll(Status.ESCROW, 3), "FC 06 13 64 1D AC"),
    (Poll(Status.STACKING), "FC 05 14 8A 01"),
    (Poll(Status.VEND_VALID), "FC 05 15 03 10"),
    (Poll(Status.STACKED), "FC 05 16 98 22"),
    (Poll(Status.REJECTING, 0x71), "FC 06 17 71 51 8C"),
    (Poll(Status.RETURNING), "FC 05 18 E6 CB"),
    (Poll(Status.HOLDING), "FC 05 19 6F DA"),
    (Poll(Status.DISABLED), "FC 05 1A F4 E8"),
    (Poll(Status.INITIALIZE), "FC 05 1B 7D F9"),
    (Poll(Status.POWER_UP), "FC 05 40 2B 15"),
    (Poll(Status.POWER_UP_IN_HEAD), "FC 05 41 A2 04"),
    (Poll(Status.POWER_UP_IN_STACKER), "FC 05 42 39 36"),
    (Poll(Status.CASSETTE_FULL), "FC 05 43 B0 27"),
    (Poll(Status.CASSETTE_OUT), "FC 05 44 0F 53"),
    (Poll(Status.JAMMED), "FC 05 45 86 42"),
    (Poll(Status.CASSETTE_JAMMED), "FC 05 46 1D 70"),
    (Poll(Status.PAUSED), "FC 05 47 94 61"),
    (Poll(Status.CHEATED), "FC 05 48 63 99"),
    (Poll(Status.FAILED, 0xA2), "FC 06 49 A2 A0 21"),
]

bodies = st.binary(min_size=1, max_size=p.FRAME_SIZE_MAX - 4)
near_misses = st.lists(
    st.sampled_from([b"\x00", b"\xfc", b"\xfc\x05", b"\xfc\x05\x15", b"\xfc\xfa", b"\xfc\x04\x11", b"\x15"])
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


# --- frames -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("body", "wire"), [row[1:] for row in MESSAGES], ids=[row[0] for row in MESSAGES])
def test_a_message_has_the_known_frame(body, wire):
    assert p.encode(body) == bytes.fromhex(wire)
    assert p.take(bytes.fromhex(wire)) == (Frame(body), b"")


@pytest.mark.parametrize(("poll", "wire"), POLLS)
def test_a_state_has_the_known_frame(poll, wire):
    item, rest = p.take(bytes.fromhex(wire))
    assert isinstance(item, Frame)
    assert p.is_poll_answer(item.body)
    assert p.decode_poll(item.body) == poll
    assert p.encode_poll(poll) == item.body
    assert rest == b""


def test_every_state_has_a_known_frame():
    assert {poll.status for poll, _ in POLLS} == set(Status) - {Status.UNKNOWN}


@given(lines)
@example(b"\xfc\x00\xfc\x04\xfc\xfb")
@example(b"\xfc\xfc\x05\x15\x03\x10")
@example(b"\x00\x00\xfc\x05\x40\x2b\x15")
def test_no_byte_is_lost_or_invented(line):
    items, rest = take_all(line)
    assert b"".join(map(bytes_of, items)) + rest == line


@given(lines)
def test_a_buffer_without_a_future_is_taken_to_its_last_byte(line):
    assert b"".join(map(bytes_of, p.take_last(line))) == line


@given(st.binary(max_size=300))
@example(b"\xfc\xfa" * 150)
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


@pytest.mark.parametrize("size", range(5))
def test_a_frame_is_waited_for_to_its_last_byte(size):
    begun = bytes.fromhex("FC 05 15 03 10")[:size]
    assert p.take(begun) == (None, begun)


@given(st.binary(max_size=6), bodies)
@example(b"\xfc", b"\x15")
@example(b"\xfc\xfa", b"\x15")
def test_a_frame_behind_noise_is_found(noise, body):
    found = p.take_last(noise + p.encode(body))
    swallowed = any(isinstance(item, Frame) and p.encode(item.body) not in p.encode(body) for item in found)
    assert Frame(body) in found or swallowed


def test_zeros_of_a_powering_up_device_are_noise():
    assert take_all(bytes(3) + p.encode(b"\x40")) == ([Noise(bytes(3)), Frame(b"\x40")], b"")


def test_of_two_sync_the_second_begins_the_frame():
    assert take_all(b"\xfc" + p.encode(b"\x15")) == ([Noise(b"\xfc"), Frame(b"\x15")], b"")


@given(bodies, st.data())
def test_a_flipped_bit_makes_no_frame_of_its_length(body, data):
    frame = bytearray(p.encode(body))
    bit = data.draw(st.integers(0, len(frame) * 8 - 1))
    frame[bit // 8] ^= 1 << bit % 8
    assert Frame(body) not in p.take_last(bytes(frame))


# --- settings and requests ----------------------------------------------------------------------------------------


@given(st.sets(st.integers(0, 15)))
def test_a_mask_names_its_types(types):
    assert p.masked(p.mask(types)) == types


def test_the_first_byte_of_a_mask_holds_the_lowest_types():
    assert p.mask({0}) == b"\x01\x00"
    assert p.mask({8, 15}) == b"\x00\x81"


@given(st.sets(st.integers(0, 15)))
def test_a_device_that_echoes_what_it_was_told_accepts_what_is_wanted(types):
    assert p.enabled_bill_types(p.enable_bill_types(types)) == types


def test_no_wanted_type_means_that_every_bit_is_set():
    assert p.enable_bill_types(()) == b"\xc0\xff\xff"
    assert p.enabled_bill_types(b"\x80\xff\xff") == frozenset()


def test_a_type_without_a_bit_is_a_bug_and_not_left_out():
    with pytest.raises(OverflowError):
        p.enable_bill_types({16})


def test_an_echo_tells_what_is_in_force():
    assert p.options_of(p.set_options(Option.POWER_RECOVERY | Option.NEAR_FULL)) == 0x22
    assert Option.POWER_RECOVERY not in p.options_of(b"\xc5\x00\x00")
    assert p.is_inhibited(p.inhibit(True))
    assert not p.is_inhibited(b"\x83\x00")


@pytest.mark.parametrize(
    ("command", "body"),
    [
        (p.enable_bill_types({1}), b"\xc0\xfd\xff"),
        (p.set_options(Option.POWER_RECOVERY), b"\xc5\x00\x00"),
        (p.inhibit(True), b"\xc3\x01"),
        (p.GET_BILL_TYPES, b"\x80\x82\x00"),
        (p.GET_INHIBIT, b"\x83\x01"),
        (p.GET_OPTIONS, b"\x85\x02\x00"),
        (p.VERSION_REQUEST, b"\x88U"),
        (p.GET_INHIBIT, b"\x83\x01\x00"),
    ],
)
def test_a_setting_or_request_is_answered_by_its_own_code_and_data(command, body):
    assert p.is_answer(command, body)


@pytest.mark.parametrize(
    ("command", "body"),
    [
        (p.enable_bill_types({1}), p.ACK),
        (p.enable_bill_types({1}), b"\xc0\xfd"),
        (p.enable_bill_types({1}), b"\xc1\xfd\xff"),
        (p.GET_BILL_TYPES, b"\x80\x82"),
        (p.GET_BILL_TYPES, p.enable_bill_types({1})),
        (p.GET_INHIBIT, p.GET_INHIBIT),
        (p.VERSION_REQUEST, p.VERSION_REQUEST),
        (p.VERSION_REQUEST, p.INVALID_COMMAND),
        (p.VERSION_REQUEST, b""),
    ],
)
def test_what_answers_something_else_is_not_taken_for_the_answer(command, body):
    assert not p.is_answer(command, body)


def test_a_version_request_that_comes_back_bare_is_an_echo():
    assert p.is_echo(p.VERSION_REQUEST)
    assert not p.is_echo(p.VERSION_REQUEST + b"U(RUS)-24-SS")
    assert not p.is_echo(p.INVALID_COMMAND)


# --- states -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b"",
        p.ACK,
        p.COMMUNICATION_ERROR,
        p.INVALID_COMMAND,
        p.ENQ,
        p.VERSION_REQUEST,
        p.enable_bill_types(()),
        p.encode_currency_table(EURO_TABLE),
        b"\x11" * 27,
    ],
)
def test_what_answers_other_commands_is_no_state(body):
    assert not p.is_poll_answer(body)


@given(st.binary(min_size=1, max_size=p.POLL_ANSWER_MAX_BYTES).filter(p.is_poll_answer))
@example(b"\x13\x6f")
@example(b"\x15\x61")
@example(b"\x11\x11")
def test_every_possible_state_can_be_read(body):
    poll = p.decode_poll(body)
    if poll.status is not Status.UNKNOWN and poll.detail != p.NO_BILL_TYPE:
        assert body.startswith(p.encode_poll(poll))


@given(st.integers(0, 15), st.sampled_from([Status.ESCROW, Status.VEND_VALID]))
def test_a_note_is_named_by_its_escrow_code(bill_type, status):
    assert p.encode_poll(Poll(status, bill_type)) == bytes((status, 0x61 + bill_type))
    assert p.decode_poll(bytes((status, 0x61 + bill_type))) == Poll(status, bill_type)


@given(st.text("0123456789", min_size=1, max_size=24))
def test_a_ticket_is_never_taken_for_a_note(characters):
    ticket = p.encode_ticket(characters)
    assert p.is_poll_answer(ticket)
    assert p.decode_poll(ticket) == Poll(Status.ESCROW, p.NO_BILL_TYPE)


def test_the_code_of_tickets_alone_is_the_note_of_type_14():
    assert p.decode_poll(b"\x13\x6f") == Poll(Status.ESCROW, 14)


@pytest.mark.parametrize("named", [b"\x60", b"\x71", b"\x00", b"\xff", b"\x61\x00", b"\x6f123"])
@pytest.mark.parametrize("status", [Status.ESCROW, Status.VEND_VALID])
def test_what_is_no_escrow_code_is_beyond_every_table(status, named):
    poll = p.decode_poll(bytes((status,)) + named)
    assert poll == Poll(status, p.NO_BILL_TYPE)
    assert poll.detail not in range(len(p.decode_currency_table(p.encode_currency_table(EURO_TABLE))))


def test_a_note_without_its_code_has_no_type():
    assert p.decode_poll(b"\x13") == Poll(Status.ESCROW)
    assert p.decode_poll(b"\x15") == Poll(Status.VEND_VALID)


def test_bytes_behind_a_state_that_has_none_change_nothing():
    assert p.decode_poll(b"\x16\x64") == Poll(Status.STACKED)


def test_an_unknown_state_keeps_its_first_two_bytes():
    assert p.decode_poll(b"\xf0\x20\x07") == Poll(Status.UNKNOWN, 0xF020)


@pytest.mark.parametrize(
    "poll", [Poll(Status.UNKNOWN, 0x5A), Poll(Status.ESCROW, p.NO_BILL_TYPE), Poll(Status.STACKED, 3)]
)
def test_what_no_device_can_say_is_not_encoded(poll):
    with pytest.raises(AssertionError):
        p.encode_poll(poll)


# --- currency table -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", [EURO_TABLE, RUSSIAN_TABLE])
def test_a_table_is_read_as_it_was_written(table):
    body = p.encode_currency_table(table)
    assert p.is_currency_table(body)
    assert p.decode_currency_table(body) == table + (None,) * 8


@given(st.binary(max_size=p.FRAME_SIZE_MAX - 5).map(lambda data: p.CURRENCY_REQUEST + data))
def test_any_currency_table_can_be_read(body):
    bills = p.decode_currency_table(body)
    assert len(bills) == 16
    for bill in bills:
        if bill is not None:
            bill.money("RUB")


def test_the_rouble_table_has_its_denominations():
    bills = p.decode_currency_table(p.encode_currency_table(RUSSIAN_TABLE))
    assert {bill.country for bill in bills if bill} == {"RUB"}
    assert [bill.money("RUB") for bill in bills if bill] == [
        of_whole(units) for units in (10, 50, 100, 200, 500, 1000, 2000, 5000)
    ]


def test_a_record_belongs_to_the_code_it_names_and_not_to_its_place():
    bills = p.decode_currency_table(bytes.fromhex("8A 70 27 0A 02  61 27 0A 00"))
    assert bills == (Bill(0x27, 10, 0), *(None,) * 14, Bill(0x27, 10, 2))


@pytest.mark.parametrize(
    "records",
    [
        "61 27 0A 00 61 27 0A 02",
        "61 27 0A 02 61 27 0A 00",
        "61 27 0A 02 61 00 00 00",
        "61 00 00 00 61 27 0A 02",
        "61 27 0A 00 61 27 0A 02 61 27 0A 00",
    ],
)
def test_a_code_that_is_named_twice_and_not_the_same_is_worth_nothing(records):
    assert p.decode_currency_table(b"\x8a" + bytes.fromhex(records)) == (None,) * 16


@pytest.mark.parametrize("code", [0x00, 0x60, 0x71, 0xFF])
def test_a_record_of_no_escrow_code_is_left_out(code):
    assert p.decode_currency_table(b"\x8a" + bytes((code, 0x27, 10, 0))) == (None,) * 16


@pytest.mark.parametrize(
    "body", [b"", b"\x8a", b"\x4b", b"\x8a\x61\x27\x0a", b"\x8a\x61\x27\x0a\x00\x62", b"\x88\x61\x27\x0a\x00"]
)
def test_what_has_no_whole_records_is_no_currency_table(body):
    assert not p.is_currency_table(body)


@pytest.mark.parametrize(
    ("bill", "minor"),
    [
        (Bill(0x27, 50, 2), 500000),
        (Bill(0x27, 200, 0), 20000),
        (Bill(0x27, 0, 2), None),
        (Bill(0x27, 1, 12), 10**14),
        (Bill(0x27, 2, 12), None),
        (Bill(0x27, 1, 0xFF), None),
    ],
)
def test_a_record_is_an_amount_only_when_an_account_can_hold_it(bill, minor):
    value = bill.money("RUB")
    assert (value.minor if value else None) == minor


def test_a_country_that_nobody_told_us_has_no_name():
    assert Bill(0xE0, 5, 0).country == "EUR"
    assert Bill(0x99, 5, 0).country is None


# --- version and code tables --------------------------------------------------------------------------------------


def test_a_version_names_model_and_firmware():
    found = p.decode_version(b"\x88U(RUS)-24-SS ID003-03V216-21 21SEP04 9FE8")
    assert found == Identification("U(RUS)-24-SS", "ID003-03V216-21 21SEP04 9FE8")
    assert p.decode_version(p.encode_version(found)) == found


@given(st.binary(max_size=p.FRAME_SIZE_MAX - 5))
def test_any_version_can_be_read(data):
    found = p.decode_version(p.VERSION_REQUEST + data)
    text = found.model + found.firmware
    assert text == "" or (text.isascii() and text.isprintable())
    assert len(text) <= p.VERSION_MAX_BYTES


def test_a_version_with_control_characters_reads_clean():
    assert p.decode_version(b"\x88BDP\x00\x01 V1\x1b[2J\xff") == Identification("BDP", "V1 [2J")


def test_codes_are_named_and_unknown_ones_shown():
    assert p.rejection(0x79) == "not accepted now (79)"
    assert p.failure(0xA2) == "stacker motor (A2)"
    assert p.failure(0x77) == "code 77"
    assert p.rejection(None) == "without a code"
