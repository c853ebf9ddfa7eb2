"""SSP frames, answers and events: the published examples as tables, and the laws of the parser."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from devices.ssp import protocol as p
from devices.ssp.protocol import (
    Channel,
    ChannelValue,
    Counters,
    Event,
    EventCode,
    Frame,
    Garbled,
    Noise,
    Reply,
    Response,
    Setup,
)
from kassa.money import of_whole

COMMANDS = [
    (1, p.SYNC, "7F 80 01 11 65 82"),
    (0, p.SYNC, "7F 00 01 11 66 08"),
    (1, p.RESET, "7F 80 01 01 06 02"),
    (0, p.host_protocol_version(6), "7F 00 02 06 06 1B 94"),
    (0, p.host_protocol_version(7), "7F 00 02 06 07 1E 14"),
    (1, p.host_protocol_version(8), "7F 80 02 06 08 03 94"),
    (1, p.host_protocol_version(9), "7F 80 02 06 09 06 14"),
    (0, p.POLL, "7F 00 01 07 11 88"),
    (1, p.POLL, "7F 80 01 07 12 02"),
    (0, p.ENABLE, "7F 00 01 0A 3C 08"),
    (1, p.ENABLE, "7F 80 01 0A 3F 82"),
    (1, p.DISABLE, "7F 80 01 09 35 82"),
    (0, p.set_inhibits(range(1, 17)), "7F 00 03 02 FF FF 26 18"),
    (0, p.set_inhibits({*range(1, 8), *range(9, 17)}), "7F 00 03 02 7F 7F FF 2F 98"),
    (1, p.set_inhibits({1, 2, 3}), "7F 80 03 02 07 00 2B B6"),
    (1, p.set_inhibits(range(1, 17)), "7F 80 03 02 FF FF 25 A4"),
    (1, p.HOLD, "7F 80 01 18 53 82"),
    (0, p.REJECT, "7F 00 01 08 33 88"),
    (1, p.REJECT, "7F 80 01 08 30 02"),
    (1, p.LAST_REJECT_CODE, "7F 80 01 17 71 82"),
    (0, p.SETUP_REQUEST, "7F 00 01 05 1E 08"),
    (1, p.SETUP_REQUEST, "7F 80 01 05 1D 82"),
    (1, p.GET_SERIAL_NUMBER, "7F 80 01 0C 2B 82"),
    (1, p.GET_FIRMWARE_VERSION, "7F 80 01 20 C0 02"),
    (1, p.GET_DATASET_VERSION, "7F 80 01 21 C5 82"),
    (1, p.POLL_WITH_ACK, "7F 80 01 56 F7 83"),
    (1, p.EVENT_ACK, "7F 80 01 57 F2 03"),
    (1, p.GET_COUNTERS, "7F 80 01 58 D0 03"),
    (1, p.RESET_COUNTERS, "7F 80 01 59 D5 83"),
    (1, p.set_generator(982451653), "7F 80 09 4A C5 05 8F 3A 00 00 00 00 B2 73"),
    (1, p.set_modulus(1287821), "7F 80 09 4B 8D A6 13 00 00 00 00 00 6C F6"),
    (1, p.request_key_exchange(7554354432121), "7F 80 09 4C 79 C8 9C E2 DE 06 00 00 9D 52"),
    (0, p.set_generator(64007), "7F 00 09 4A 07 FA 00 00 00 00 00 00 ED 22"),
    (1, p.set_modulus(53777), "7F 80 09 4B 11 D2 00 00 00 00 00 00 40 4E"),
    (0, p.request_key_exchange(44895), "7F 00 09 4C 5F AF 00 00 00 00 00 00 33 E6"),
    (1, p.set_baud_rate(38400, survives_reset=False), "7F 80 03 4D 01 00 E4 27"),
    (1, p.configure_bezel(255, 0, 0, survives_reset=True) + b"\x00", "7F 80 06 54 FF 00 00 01 00 FB C9"),
    (1, p.set_fixed_key(0x0123456701234567), "7F 80 09 60 67 45 23 01 67 45 23 01 BF 6F"),
    (1, p.DEFAULT_FIXED_KEY, "7F 80 01 61 46 03"),
]
REPLIES = [
    (1, Reply(Response.OK), "7F 80 01 F0 23 80"),
    (0, Reply(Response.OK), "7F 00 01 F0 20 0A"),
    (0, Reply(Response.OUT_OF_RANGE), "7F 00 01 F4 3B 8A"),
    (1, Reply(Response.CANNOT_PROCESS), "7F 80 01 F5 3D 80"),
    (1, Reply(Response.FAIL), "7F 80 01 F8 10 00"),
    (
        1,
        Reply(Response.OK, b"NV02004141498000"),
        "7F 80 11 F0 4E 56 30 32 30 30 34 31 34 31 34 39 38 30 30 30 DE 55",
    ),
    (1, Reply(Response.OK, b"EUR01610"), "7F 80 09 F0 45 55 52 30 31 36 31 30 B8 2A"),
    (1, Reply(Response.OK, p.encode_serial_number(1873452)), "7F 80 05 F0 00 1C 96 2C D4 97"),
    (1, Reply(Response.OK, b"\x08"), "7F 80 02 F0 08 0C 20"),
    (0, Reply(Response.OK, p.encode_number(51908)), "7F 00 09 F0 C4 CA 00 00 00 00 00 00 86 06"),
    (1, Reply(Response.OK, p.encode_number(0xDB273CE5FA1B6823)), "7F 80 09 F0 23 68 1B FA E5 3C 27 DB 80 8A"),
    (
        1,
        Reply(Response.OK, p.encode_counters(Counters(17, 40, 35, 10, 16))),
        "7F 80 16 F0 05 11 00 00 00 28 00 00 00 23 00 00 00 0A 00 00 00 10 00 00 00 72 B7",
    ),
]
POUNDS = Setup(
    unit_type=0,
    firmware="0100",
    country="GBP",
    value_multiplier=1,
    real_multiplier=0x400000,
    version=5,
    channels=(Channel(1, "GBP", 5, 2), Channel(2, "GBP", 10, 2), Channel(3, "GBP", 20, 2)),
)
"""The manual's example, multiplier and all."""
ROUBLES = Setup(
    unit_type=0,
    firmware="0452",
    country="RUB",
    value_multiplier=0,
    real_multiplier=100,
    version=7,
    channels=tuple(
        Channel(at, "RUB", value, 0) for at, value in enumerate((10, 50, 100, 200, 500, 1000, 2000, 5000), 1)
    ),
)
EVENTS = [
    (1, (Event(EventCode.SLAVE_RESET),), "7F 80 02 F0 F1 1A 22"),
    (0, (Event(EventCode.SLAVE_RESET), Event(EventCode.DISABLED)), "7F 00 03 F0 F1 E8 BC 30"),
    (1, (Event(EventCode.SLAVE_RESET), Event(EventCode.DISABLED)), "7F 80 03 F0 F1 E8 BF 8C"),
    (1, (Event(EventCode.READ_NOTE, 0),), "7F 80 03 F0 EF 00 CF CA"),
    (0, (Event(EventCode.READ_NOTE, 3),), "7F 00 03 F0 EF 03 C6 76"),
    (1, (Event(EventCode.READ_NOTE, 3),), "7F 80 03 F0 EF 03 C5 CA"),
    (1, (Event(EventCode.STACKING),), "7F 80 02 F0 CC 97 A2"),
    (1, (Event(EventCode.CREDIT_NOTE, 4),), "7F 80 03 F0 EE 04 D7 CC"),
    (1, (Event(EventCode.STACKING), Event(EventCode.CREDIT_NOTE, 1)), "7F 80 04 F0 CC EE 01 62 AA"),
    (1, (Event(EventCode.STACKING), Event(EventCode.CREDIT_NOTE, 3)), "7F 80 04 F0 CC EE 03 6D 2A"),
    (1, (Event(EventCode.CREDIT_NOTE, 1), Event(EventCode.STACKED)), "7F 80 04 F0 EE 01 EB B9 48"),
    (
        0,
        (Event(EventCode.STACKING), Event(EventCode.CREDIT_NOTE, 3), Event(EventCode.STACKED)),
        "7F 00 05 F0 CC EE 03 EB 85 1F",
    ),
    (
        0,
        (Event(EventCode.SLAVE_RESET), Event(EventCode.CLEARED_TO_CASSETTE, 3), Event(EventCode.DISABLED)),
        "7F 00 05 F0 F1 E2 03 E8 76 BB",
    ),
    (1, (Event(EventCode.CLEARED_FROM_FRONT, 0),), "7F 80 03 F0 E1 00 CC 6E"),
    (1, (Event(EventCode.CLEARED_TO_CASSETTE, 2),), "7F 80 03 F0 E2 02 C3 E4"),
    (1, (Event(EventCode.CHEATED, 2),), "7F 80 03 F0 E6 02 C0 7C"),
    (1, (Event(EventCode.REJECTING),), "7F 80 02 F0 ED 51 A2"),
    (1, (Event(EventCode.REJECTED),), "7F 80 02 F0 EC 54 22"),
    (1, (Event(EventCode.STACKED),), "7F 80 02 F0 EB 45 A2"),
    (1, (Event(EventCode.UNSAFE_JAM),), "7F 80 02 F0 E9 4A 22"),
    (1, (Event(EventCode.DISABLED),), "7F 80 02 F0 E8 4F A2"),
    (1, (Event(EventCode.CASSETTE_FULL),), "7F 80 02 F0 E7 6D A2"),
    (1, (Event(EventCode.NOTE_PATH_OPEN),), "7F 80 02 F0 E0 7C 22"),
    (1, (Event(EventCode.ALL_CHANNELS_INHIBITED),), "7F 80 02 F0 B5 82 23"),
    (1, (Event(EventCode.INITIALISING),), "7F 80 02 F0 B6 88 23"),
]
LENGTHS = [
    *((code, version, 0) for code in b"\xb0\xb7\xc2\xc3\xc4\xc5\xc6\xc7\xc8\xcf\xdb" for version in (4, 8)),
    *((code, 5, 4) for code in b"\xb3\xb4\xd2\xd5\xd6\xd7\xd8\xd9\xda\xde\xdf"),
    *((code, 5, 8) for code in b"\xdc\xdd"),
    *((code, version, 7 * (version >= 6)) for code in b"\xc9\xcd" for version in (5, 6)),
    *((code, version, 7 * (version >= 8)) for code in b"\xca\xcb\xce" for version in (7, 8)),
    (0xB1, 6, 1),
]
"""A payout unit's events that have one length a version."""
LISTS = [
    *((code, 6, 7, 0) for code in b"\xb3\xb4\xd2\xd5\xd6\xd7\xd8\xd9\xda\xde\xdf"),
    *((code, 6, 11, 0) for code in b"\xdc\xdd"),
    (0xB1, 7, 7, 1),
]
"""Those that count their records, with the size of one and the bytes behind the last."""

versions = st.integers(4, 9)
frames = st.builds(
    Frame,
    st.integers(0, p.ADDRESS_MAX),
    st.integers(0, 1),
    st.binary(min_size=1, max_size=p.DATA_MAX) | st.integers(1, p.DATA_MAX).map(lambda size: b"\x7f" * size),
)
near_misses = st.lists(
    st.sampled_from(
        [b"\x7f", b"\x7f\x7f", b"\x7f\x80", b"\x7f\x00\x02", b"\x7f\x80\x00", b"\x7f\x00\xff", b"\xf0"]
    )
).map(b"".join)
lines = st.lists(st.binary(max_size=8) | near_misses | frames.map(p.encode), max_size=8).map(b"".join)
event_lists = st.lists(
    st.sampled_from(b"\xee\xef\xe1\xe2\xe6\xeb\xcc\xf1\xda\xdc\xc9\xb1\x00\x01\x03\x1f\x20ERU")
).map(bytes)


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
    return item.data if isinstance(item, Noise) else p.encode(item)


def check_frame(frame, wire):
    assert p.encode(frame) == bytes.fromhex(wire)
    assert p.take(bytes.fromhex(wire)) == (frame, b"")


@pytest.mark.parametrize(("sequence", "data", "wire"), COMMANDS)
def test_a_command_has_the_published_frame(sequence, data, wire):
    check_frame(Frame(p.VALIDATOR, sequence, data), wire)


@pytest.mark.parametrize(("sequence", "reply", "wire"), REPLIES)
def test_an_answer_has_the_published_frame(sequence, reply, wire):
    check_frame(Frame(p.VALIDATOR, sequence, p.encode_reply(reply)), wire)
    assert p.decode_reply(p.encode_reply(reply)) == reply


@pytest.mark.parametrize(("sequence", "events", "wire"), EVENTS)
@pytest.mark.parametrize("version", [4, 5, 6, 7, 8])
def test_events_have_the_published_frame_in_every_version(version, sequence, events, wire):
    data = p.encode_events(events)

    check_frame(Frame(p.VALIDATOR, sequence, p.encode_reply(Reply(Response.OK, data))), wire)
    assert p.decode_events(data, version) == events


# --- frames ---------------------------------------------------------------------------------------------------


@given(frames)
def test_a_frame_survives_the_line(frame):
    assert p.take(p.encode(frame)) == (frame, b"")


@given(frames)
def test_no_frame_is_longer_on_the_line_than_the_bound(frame):
    assert len(p.encode(frame)) <= p.FRAME_SIZE_MAX


def test_a_length_of_7f_is_stuffed_as_everything_else_is():
    wire = p.encode(Frame(0, 1, bytes(0x7F)))
    assert wire.startswith(b"\x7f\x80\x7f\x7f\x00\x00")
    assert p.take(wire) == (Frame(0, 1, bytes(0x7F)), b"")


def test_a_checksum_with_7f_at_its_end_waits_for_the_second_one():
    frame = next(
        found
        for number in range(1 << 16)
        if p.encode(found := Frame(0, 0, number.to_bytes(2, "big"))).endswith(b"\x7f\x7f")
    )
    wire = p.encode(frame)
    assert p.take(wire[:-1]) == (None, wire[:-1])
    assert p.take(wire) == (frame, b"")


@given(lines)
@example(b"\x7f\x7f\x00\x01\x07\x11\x88")
@example(b"\x7f\x80\x05\xf0\x7f\x7f\x00\x01\x07\x11\x88")
@example(b"\x7f\x80\x00\x7f\x7f")
def test_no_byte_is_lost_or_invented(line):
    items, rest = take_all(line)
    assert b"".join(map(bytes_of, items)) + rest == line


@given(lines)
def test_a_buffer_without_a_future_is_taken_to_its_last_byte(line):
    assert b"".join(map(bytes_of, p.take_last(line))) == line


@given(st.binary(max_size=700) | lines)
def test_a_line_never_waits_for_more_than_one_frame(line):
    _, rest = take_all(line)
    assert len(rest) < p.FRAME_SIZE_MAX


@given(st.lists(frames, max_size=4), st.data())
def test_frames_arrive_whatever_the_split(sent, data):
    line = b"".join(map(p.encode, sent))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(line)), max_size=8)))
    buffer, found = b"", []
    for start, end in zip([0, *cuts], [*cuts, len(line)], strict=True):
        items, buffer = take_all(buffer + line[start:end])
        found += items
    assert found == sent
    assert buffer == b""


def test_a_pair_that_two_reads_split_is_one_byte():
    wire = bytes.fromhex("7F 00 03 02 7F 7F FF 2F 98")
    for at in range(1, len(wire)):
        assert p.take(wire[:at]) == (None, wire[:at])
    assert p.take(wire) == (Frame(0, 0, b"\x02\x7f\xff"), b"")


@given(frames, frames, st.data())
def test_a_new_frame_starts_wherever_the_last_one_broke_off(broken, whole, data):
    wire = p.encode(broken)
    part = wire[: data.draw(st.integers(1, len(wire) - 1))]
    found = p.take_last(part + p.encode(whole))
    assert found[-1] == whole


@given(frames, frames)
def test_a_whole_frame_does_not_wait_for_the_end_of_a_broken_one(broken, whole):
    part = p.encode(broken)[:3]
    items, rest = take_all(part + p.encode(whole))
    assert items[-1] == whole
    assert rest == b""


@given(st.binary(max_size=6), frames)
@example(b"\x7f", Frame(0, 0, b"\x07"))
@example(b"\x7f\x00\xff", Frame(0, 0, b"\x07"))
def test_a_frame_behind_noise_is_found(noise, frame):
    assert frame in p.take_last(noise + p.encode(frame))


@given(frames, st.data())
def test_a_flipped_bit_makes_no_other_frame_of_its_length(frame, data):
    wire = bytearray(p.encode(frame))
    bit = data.draw(st.integers(0, len(wire) * 8 - 1))
    wire[bit // 8] ^= 1 << bit % 8
    found = [item for item in p.take_last(bytes(wire)) if isinstance(item, Frame)]
    assert all(len(item.data) < len(frame.data) for item in found)


# --- commands and answers -------------------------------------------------------------------------------------


@given(st.sets(st.integers(1, p.CHANNELS)))
def test_a_mask_names_its_channels(channels):
    command = p.set_inhibits(channels)
    assert len(command) == 1 + p.MASK_BYTES
    assert p.accepted(command[1:]) == channels


@pytest.mark.parametrize(
    ("channels", "mask"),
    [
        (range(1, 17), "FFFF"),
        ({*range(1, 8), *range(9, 17)}, "7FFF"),
        ({16}, "0080"),
        ({8}, "8000"),
        ((), "0000"),
    ],
)
def test_the_first_byte_of_a_mask_holds_the_lowest_channels(channels, mask):
    assert p.set_inhibits(channels) == b"\x02" + bytes.fromhex(mask)


@given(st.binary(max_size=64))
def test_any_answer_can_be_read(data):
    reply = p.decode_reply(data)
    if reply.response is Response.UNKNOWN:
        assert reply.data == data
    else:
        assert p.encode_reply(reply) == data


def test_an_echo_is_no_answer():
    assert p.decode_reply(p.POLL) == Reply(Response.UNKNOWN, p.POLL)


def test_the_reason_of_a_refusal_is_kept():
    assert p.decode_reply(b"\xf5\x03") == Reply(Response.CANNOT_PROCESS, b"\x03")


# --- set-up, serial number, counters --------------------------------------------------------------------------


def test_the_published_set_up_is_read():
    wire = "7F 80 17 F0 00 30 31 30 30 47 42 50 00 00 01 03 05 0A 14 02 02 02 40 00 00 05 61 81"
    check_frame(Frame(0, 1, b"\xf0" + p.encode_setup(POUNDS)), wire)
    assert p.decode_setup(p.encode_setup(POUNDS)) == POUNDS


def test_a_set_up_since_version_6_has_values_that_no_byte_holds():
    data = bytes.fromhex(
        "00 30 34 35 32 52 55 42 00 00 00 08 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 64 07"
        "52 55 42 52 55 42 52 55 42 52 55 42 52 55 42 52 55 42 52 55 42 52 55 42 0A 00 00 00 32 00 00 00"
        "64 00 00 00 C8 00 00 00 F4 01 00 00 E8 03 00 00 D0 07 00 00 88 13 00 00"
    )
    assert p.decode_setup(data) == ROUBLES
    assert p.encode_setup(ROUBLES) == data
    assert ROUBLES.money(1, "RUB") == of_whole(10)
    assert ROUBLES.money(8, "RUB") == of_whole(5000)


channels = st.lists(
    st.tuples(st.text("ABCDEUR", min_size=3, max_size=3), st.integers(0, 255), st.integers(0, 4)), max_size=16
)


@given(channels, st.integers(1, 2**16), st.integers(0, 2**24 - 1), versions)
def test_a_set_up_is_read_as_it_was_written(told, multiplier, real, version):
    setup = Setup(
        unit_type=0,
        firmware="0110",
        country="EUR",
        value_multiplier=multiplier,
        real_multiplier=real,
        version=version,
        channels=tuple(
            Channel(at, letters if version >= 6 else "EUR", byte * multiplier, security)
            for at, (letters, byte, security) in enumerate(told, 1)
        ),
    )
    assert p.decode_setup(p.encode_setup(setup)) == setup
    assert p.decode_setup(p.encode_setup(setup) + b"\x00more") == setup


@given(st.binary(max_size=p.DATA_MAX) | st.binary(min_size=16, max_size=64).map(lambda data: b"\x00" + data))
def test_any_set_up_is_read_or_garbled(data):
    try:
        setup = p.decode_setup(data)
    except Garbled:
        return
    for channel in range(-1, 300):
        setup.money(channel, "RUB")


@pytest.mark.parametrize("setup", [POUNDS, ROUBLES])
def test_a_set_up_shorter_than_it_promises_is_garbled(setup):
    data = p.encode_setup(setup)
    for size in range(len(data)):
        with pytest.raises(Garbled):
            p.decode_setup(data[:size])


def test_a_hopper_is_no_note_validator():
    with pytest.raises(Garbled, match="coin hopper"):
        p.decode_setup(b"\x03" + p.encode_setup(ROUBLES)[1:])


@pytest.mark.parametrize(
    ("real_multiplier", "letters", "currency", "value"),
    [
        (100, "RUB", "RUB", of_whole(500)),
        (1, "JPY", "JPY", of_whole(500, "JPY")),
        (1, "RUB", "RUB", None),
        (100, "JPY", "JPY", None),
        (0x400000, "RUB", "RUB", None),
        (0, "RUB", "RUB", None),
    ],
)
def test_a_note_has_a_value_only_when_nothing_about_it_is_a_guess(real_multiplier, letters, currency, value):
    setup = Setup(0, "0110", letters, 0, real_multiplier, 6, (Channel(1, letters, 500, 0),))
    assert p.decode_setup(p.encode_setup(setup)).money(1, currency) == value


def test_a_channel_that_is_unused_or_not_there_is_worth_nothing():
    setup = Setup(0, "0110", "RUB", 0, 100, 6, (Channel(1, "RUB", 0, 0), Channel(2, "RUB", 100, 0)))
    assert [setup.money(channel, "RUB") for channel in (-1, 0, 1, 3)] == [None] * 4
    assert setup.money(2, "RUB") == of_whole(100)


@pytest.mark.parametrize(
    ("version", "values", "data"),
    [
        (5, (ChannelValue(5), ChannelValue(10)), "02 05 0A"),
        (6, (ChannelValue(0, "RUB", 5000),), "01 00 52 55 42 88 13 00 00"),
        (
            8,
            (ChannelValue(1, "RUB", 10), ChannelValue(2, "EUR", 5)),
            "02 01 02 52 55 42 45 55 52 0A 00 00 00 05 00 00 00",
        ),
    ],
)
def test_channel_values_have_their_letters_since_version_6(version, values, data):
    assert p.encode_channel_values(values, version) == bytes.fromhex(data)
    assert p.decode_channel_values(bytes.fromhex(data), version) == values


@given(st.binary(max_size=64), versions)
def test_any_channel_values_are_read_or_garbled(data, version):
    try:
        values = p.decode_channel_values(data, version)
    except Garbled:
        return
    assert p.encode_channel_values(values, version) == data


def test_the_published_serial_number_and_counters_are_read():
    assert p.decode_serial_number(bytes.fromhex("00 1C 96 2C")) == 1873452
    counters = bytes.fromhex("05 11 00 00 00 28 00 00 00 23 00 00 00 0A 00 00 00 10 00 00 00")
    assert p.decode_counters(counters) == Counters(
        stacked=17, stored=40, dispensed=35, moved_to_stacker=10, rejected=16
    )


@pytest.mark.parametrize(
    "hopper",
    [
        "086E00000073000000060000000000000000000000000000000100000003000000",
        "020000000300000004000000050000000600000007000000",
    ],
)
def test_the_counters_of_hoppers_are_no_counters_of_notes(hopper):
    with pytest.raises(Garbled):
        p.decode_counters(bytes.fromhex(hopper))


@given(st.binary(max_size=32))
@pytest.mark.parametrize(
    ("decode", "encode"),
    [
        (p.decode_serial_number, p.encode_serial_number),
        (p.decode_counters, p.encode_counters),
        (p.decode_number, p.encode_number),
        (p.decode_reject_code, lambda code: bytes((code,))),
    ],
)
def test_any_small_answer_is_read_or_garbled(decode, encode, data):
    try:
        found = decode(data)
    except Garbled:
        return
    assert encode(found) == data


@given(st.builds(Counters, *[st.integers(0, 2**32 - 1)] * 5))
def test_counters_are_read_as_they_were_written(counters):
    assert p.decode_counters(p.encode_counters(counters)) == counters


def test_what_is_garbled_says_what_came_and_what_is_due():
    with pytest.raises(Garbled, match="00 1C came as the serial number; due: 4 bytes"):
        p.decode_serial_number(b"\x00\x1c")
    with pytest.raises(Garbled, match="nothing came as the last reject code"):
        p.decode_reject_code(b"")


# --- events ---------------------------------------------------------------------------------------------------


@given(st.binary(max_size=p.DATA_MAX - 1) | event_lists, versions)
def test_no_byte_of_a_list_of_events_is_lost_or_invented(data, version):
    events = p.decode_events(data, version)
    assert p.encode_events(events) == data
    assert len(events) <= len(data)
    assert all(event.code is not EventCode.UNKNOWN for event in events[:-1])


@given(st.binary(max_size=p.DATA_MAX - 1) | event_lists, versions)
def test_money_is_never_without_its_channel(data, version):
    for event in p.decode_events(data, version):
        if event.code in (EventCode.CREDIT_NOTE, EventCode.READ_NOTE):
            assert event.channel is not None
            assert 0 <= event.channel < p.CHANNEL_LIMIT


def test_nothing_new_is_an_empty_list():
    assert p.decode_events(b"", 7) == ()


@pytest.mark.parametrize(
    ("data", "events"),
    [
        ("E2", (Event(EventCode.CLEARED_TO_CASSETTE),)),
        ("E2 E8", (Event(EventCode.CLEARED_TO_CASSETTE), Event(EventCode.DISABLED))),
        ("E2 00 E8", (Event(EventCode.CLEARED_TO_CASSETTE, 0), Event(EventCode.DISABLED))),
        ("E1 E2 03", (Event(EventCode.CLEARED_FROM_FRONT), Event(EventCode.CLEARED_TO_CASSETTE, 3))),
        ("E6 EE 02", (Event(EventCode.CHEATED), Event(EventCode.CREDIT_NOTE, 2))),
        ("E6 02 EE 02", (Event(EventCode.CHEATED, 2), Event(EventCode.CREDIT_NOTE, 2))),
    ],
)
def test_some_events_may_have_a_channel_or_none(data, events):
    assert p.decode_events(bytes.fromhex(data), 7) == events


def test_a_credit_after_an_event_of_unknown_length_is_no_credit():
    events = p.decode_events(b"\xeb\xa7\xee\x03", 7)
    assert events == (Event(EventCode.STACKED), Event(EventCode.UNKNOWN, data=b"\xa7\xee\x03"))


@pytest.mark.parametrize("data", ["EE", "EF", "EE EB", "EF 20", "EE 52 55 42 0A 00 00 00"])
def test_a_note_without_its_channel_is_unknown(data):
    assert p.decode_events(bytes.fromhex(data), 9) == (Event(EventCode.UNKNOWN, data=bytes.fromhex(data)),)


@pytest.mark.parametrize(("code", "version", "size"), LENGTHS)
def test_an_event_of_a_payout_unit_has_the_length_of_its_version(code, version, size):
    event = bytes((code,)) + b"\xee" * size
    following = (Event(EventCode.CREDIT_NOTE, 1),)

    assert p.decode_events(event + b"\xee\x01", version) == (
        Event(EventCode.PAYOUT_UNIT, data=event),
        *following,
    )
    if size:
        assert p.decode_events(event[:-1], version) == (Event(EventCode.UNKNOWN, data=event[:-1]),)


@pytest.mark.parametrize(("code", "version", "record", "more"), LISTS)
@pytest.mark.parametrize("count", [0, 1, 2])
def test_an_event_of_a_payout_unit_may_count_its_records(code, version, record, more, count):
    event = bytes((code, count)) + b"\xee" * (count * record + more)

    assert p.decode_events(event + b"\xeb", version) == (
        Event(EventCode.PAYOUT_UNIT, data=event),
        Event(EventCode.STACKED),
    )
    for size in range(1, len(event)):
        assert p.decode_events(event[:size], version) == (Event(EventCode.UNKNOWN, data=event[:size]),)


def test_the_published_cheating_at_a_payout_unit_tells_values_and_no_channel():
    data = bytes.fromhex("E6 01 FA 05 00 00 45 55 52")
    assert p.decode_events(data + b"\xeb", 6) == (
        Event(EventCode.CHEATED, data=data[1:]),
        Event(EventCode.STACKED),
    )


def test_a_value_that_looks_like_a_credit_is_none():
    data = bytes.fromhex("E6 01 EE 03 00 00 45 55 52")
    assert p.decode_events(data, 6) == (Event(EventCode.CHEATED, data=data[1:]),)


def test_codes_are_named_and_unknown_ones_shown():
    assert p.rejection(0x08) == "rejected by the host (08)"
    assert p.rejection(0x77) == "code 77"
    assert p.rejection(None) == "without a code"
    assert set(range(0x1E)) <= set(p.REJECTIONS)
