"""How records become lines: frames that came in pieces, turns that repeat, and what nobody can read."""

from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.ccnet import protocol as ccnet
from devices.ccnet.words import LANGUAGE as CCNET
from devices.id003.words import LANGUAGE as ID003
from devices.shtrih.words import LANGUAGE as SHTRIH
from devices.words import TURN_MAX_ITEMS, tell
from kassa.flight.ring import Kind, Record

LANGUAGES = {"ccnet": CCNET, "id003": ID003, "shtrih": SHTRIH}
NOON = 1_795_000_000.0
POLL, ACK = ccnet.encode(ccnet.POLL), ccnet.encode(ccnet.ACK)
IDLING, ESCROW = ccnet.encode(b"\x14"), ccnet.encode(b"\x80\x05")
ANSWER_S, POLL_S = 0.01, 0.1


def sent(data, at=0.0, protocol="ccnet"):
    return Record(NOON + at, Kind.SENT, data, protocol)


def received(data, at=0.0, protocol="ccnet"):
    return Record(NOON + at, Kind.RECEIVED, data, protocol)


def polled(*answers):
    """A poll every tenth of a second, answered and acknowledged."""
    for turn, answer in enumerate(answers):
        at = turn * POLL_S
        yield from (sent(POLL, at), received(answer, at + ANSWER_S), sent(ACK, at + ANSWER_S))


def lines(records, **how):
    """As a technician reads them, without the time."""
    signs = {Kind.SENT: "-> ", Kind.RECEIVED: "<- ", None: ""}
    return [signs.get(line.kind, "-- ") + line.words for line in tell(records, LANGUAGES.get, **how)]


def test_equal_questions_and_answers_in_a_row_are_one_line():
    assert lines(polled(*[IDLING] * 41, ESCROW)) == [
        "POLL / IDLING / ACK x 41, 4.0 s",
        "-> POLL",
        "<- ESCROW bill type 5",
        "-> ACK",
    ]


def test_in_a_raw_telling_every_frame_has_its_own_line_and_its_bytes():
    told = list(tell(polled(IDLING, IDLING), LANGUAGES.get, is_raw=True))

    assert [(line.words, line.data) for line in told] == [
        ("POLL", POLL),
        ("IDLING", IDLING),
        ("ACK", ACK),
    ] * 2


def test_a_run_that_does_not_end_is_told_now_and_then():
    assert lines(polled(*[IDLING] * 50), run_max_s=2.0) == [
        "POLL / IDLING / ACK x 21, 2.0 s",
        "POLL / IDLING / ACK x 21, 2.0 s",
        "POLL / IDLING / ACK x 8, 0.7 s",
    ]


@pytest.mark.parametrize("size", range(1, len(ESCROW)))
def test_a_frame_that_came_in_pieces_is_one_line_at_the_time_of_its_last_piece(size):
    pieces = [received(ESCROW[at : at + size], 0.02 * at) for at in range(0, len(ESCROW), size)]

    [_, line] = tell([sent(POLL), *pieces], LANGUAGES.get)

    assert (line.words, line.at) == ("ESCROW bill type 5", pieces[-1].at)


def test_frames_that_came_in_one_piece_are_lines_of_their_own():
    assert lines([sent(POLL), received(IDLING + ESCROW)]) == ["-> POLL", "<- IDLING", "<- ESCROW bill type 5"]


def test_noise_and_wrong_check_sums_are_told_byte_for_byte():
    damaged = ESCROW[:-1] + b"\x00"

    assert lines([sent(POLL), received(b"\xff" + damaged + IDLING)]) == [
        "-> POLL",
        "<- not readable: FF 02 03 07 80 05 21 00",
        "<- IDLING",
    ]


def test_long_noise_is_cut_short_in_words_and_whole_in_its_bytes():
    told = list(tell([received(b"\xff" * 1000)], LANGUAGES.get))

    assert [line.data for line in told] == [b"\xff" * 1000]
    assert told[0].words == "not readable: " + "FF " * 32 + "and 968 bytes more"


def test_a_frame_that_is_broken_off_does_not_swallow_the_next_one():
    after_a_gap = [sent(POLL), received(ESCROW[:4]), received(IDLING, 1.0)]
    after_the_next_question = [sent(POLL), received(ESCROW[:4]), sent(POLL), received(IDLING)]

    assert lines(after_a_gap)[1:] == ["<- not readable: 02 03 07 80", "<- IDLING"]
    assert lines(after_the_next_question)[1:] == ["<- not readable: 02 03 07 80", "-> POLL", "<- IDLING"]


def test_a_pause_brings_out_what_was_held_back():
    def and_then_nothing():
        yield from polled(IDLING, IDLING)
        yield None
        pytest.fail("somebody waits in vain for the line")

    told = tell(and_then_nothing(), LANGUAGES.get)

    assert next(told).words == "POLL / IDLING / ACK x 2, 0.1 s"


def test_what_became_of_the_port_stands_between_the_frames():
    records = [
        Record(NOON, Kind.OPENED, b"run/validator, 9600 baud", "ccnet"),
        *polled(IDLING),
        Record(NOON + 1, Kind.LOST, "отключён\x1b[2J".encode(), "ccnet"),
        Record(NOON + 2, Kind.CLOSED, b"", "ccnet"),
    ]

    assert lines(records) == [
        "-- port opened: run/validator, 9600 baud",
        "-> POLL",
        "<- IDLING",
        "-> ACK",
        r"-- port lost: отключён\x1b[2J",
        "-- port closed",
    ]


def test_each_record_is_read_in_its_own_protocol_and_an_unknown_one_byte_for_byte():
    records = [sent(POLL), sent(bytes.fromhex("FC 05 11 27 56"), 1.0, "id003"), sent(b"\x05", 2.0, "morse")]

    assert lines(records) == ["-> POLL", "-> STATUS REQUEST", "-> not readable: 05"]


def test_who_talks_without_being_asked_is_told_all_the_same():
    asked = lines([sent(POLL), *[received(IDLING, turn * POLL_S) for turn in range(50)]])
    unasked = lines([received(IDLING + ESCROW), *[received(IDLING, turn * POLL_S) for turn in range(50)]])

    assert asked == ["-> POLL", *["<- IDLING"] * (TURN_MAX_ITEMS - 1), "IDLING x 35, 3.4 s"]
    assert unasked == ["<- IDLING", "<- ESCROW bill type 5", "IDLING x 50, 4.9 s"]


def test_a_clock_that_is_set_back_makes_no_negative_time():
    assert lines([sent(POLL, 9.0), sent(POLL, 3.0)]) == ["POLL x 2, 0.0 s"]


wires = st.one_of(
    st.binary(max_size=12),
    st.sampled_from(
        [POLL, ACK, IDLING, ESCROW, bytes.fromhex("FC 05 11 27 56"), b"\x05", b"\x02\x01\xfc\xfd"]
    ),
)


@given(
    said=st.lists(st.tuples(st.sampled_from([Kind.SENT, Kind.RECEIVED]), wires, st.sampled_from([0.0, 0.01, 1.0]))),
    protocol=st.sampled_from([*LANGUAGES, "morse"]),
)  # fmt: skip
def test_no_byte_is_left_out_or_invented_or_told_under_the_other_sign(said, protocol):
    times = accumulate(after for _, _, after in said)
    records = [Record(at, kind, data, protocol) for (kind, data, _), at in zip(said, times, strict=True)]

    told = list(tell(records, LANGUAGES.get, is_raw=True))

    for kind in (Kind.SENT, Kind.RECEIVED):
        wire = b"".join(record.data for record in records if record.kind is kind)
        assert b"".join(line.data for line in told if line.kind is kind) == wire
    assert [line.at for line in told] == sorted(line.at for line in told)
    assert all(line.words.isprintable() for line in tell(records, LANGUAGES.get))
