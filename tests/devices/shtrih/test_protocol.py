"""Shtrih-M frames, commands and answers: the published examples as tables, and the laws of the parser."""

import contextlib
from datetime import date, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from devices.shtrih import errors, tlv
from devices.shtrih import protocol as p
from devices.shtrih.errors import Reaction
from devices.shtrih.protocol import (
    ACK,
    ENQ,
    NAK,
    BadAnswer,
    Closed,
    Control,
    DriveExpiry,
    DriveStatus,
    Exchange,
    Form,
    FoundDocument,
    Frame,
    Junk,
    Mode,
    Nothing,
    Refused,
    Shift,
    Spoilt,
)  # fmt: skip

PW = 30
AT = datetime(2026, 11, 24, 14, 5)  # noqa: DTZ001 - the registrar's wall time has no zone
ITEM = "Услуги связи, ЛС 12345"
ITEM_HEX = "D3 F1 EB F3 E3 E8 20 F1 E2 FF E7 E8 2C 20 CB D1 20 31 32 33 34 35"
AGENT = (
    tlv.encode(1222, b"\x04")
    + tlv.text(1226, "7701234567  ")
    + tlv.encode(1224, tlv.text(1225, 'ООО "СОСЕД"') + tlv.text(1171, "+74951112233"))
    + tlv.encode(1223, tlv.text(1073, "+74990000001") + tlv.text(1074, "+74990000002"))
)
AGENT_HEX = (
    "C6 04 01 00 04 CA 04 0C 00 37 37 30 31 32 33 34 35 36 37 20 20"
    "C8 04 1F 00 C9 04 0B 00 8E 8E 8E 20 22 91 8E 91 85 84 22 93 04 0C 00 2B 37 34 39 35 31 31 31 32 32 33 33"
    "C7 04 20 00 31 04 0C 00 2B 37 34 39 39 30 30 30 30 30 30 31 32 04 0C 00 2B 37 34 39 39 30 30 30 30 30 30 32"
)

COMMANDS = [
    (p.model(), "02 01 FC FD"),
    (p.short_status(PW), "02 05 10 1E 00 00 00 0B"),
    (p.long_status(PW), "02 05 11 1E 00 00 00 0A"),
    (p.drive_status(PW), "02 06 FF 01 1E 00 00 00 E6"),
    (p.drive_serial(PW), "02 06 FF 02 1E 00 00 00 E5"),
    (p.drive_expiry(PW), "02 06 FF 03 1E 00 00 00 E4"),
    (p.unsent_count(PW), "02 06 FF 3F 1E 00 00 00 D8"),
    (p.shift(PW), "02 06 FF 40 1E 00 00 00 A7"),
    (p.exchange(PW), "02 06 FF 39 1E 00 00 00 DE"),
    (p.open_shift(PW), "02 05 E0 1E 00 00 00 FB"),
    (p.z_report(PW), "02 05 41 1E 00 00 00 5A"),
    (p.x_report(PW), "02 05 40 1E 00 00 00 5B"),
    (p.open_receipt(PW), "02 06 8D 1E 00 00 00 00 95"),
    (
        p.sell(PW, ITEM, 50000, vat=6, method=3, subject=10),
        (
            "02 36 FF 46 1E 00 00 00 01 40 42 0F 00 00 00 50 C3 00 00 00 50 C3 00 00 00 FF FF FF FF FF 08 01 03 0A"
            f"{ITEM_HEX} 97"
        ),
    ),
    (
        p.send_tags(PW, tlv.text(1008, "+79991234567")),
        "02 16 FF 0C 1E 00 00 00 F0 03 0C 00 2B 37 39 39 39 31 32 33 34 35 36 37 11",
    ),
    (
        p.close_receipt(PW, 50000, tax_system=0),
        f"02 76 FF 45 1E 00 00 00 50 C3 00 00 00 {'00' * 75} 00 {'00' * 30} 01 40",
    ),
    (
        p.close_receipt(PW, 5000, tax_system=0),
        f"02 76 FF 45 1E 00 00 00 88 13 00 00 00 {'00' * 75} 00 {'00' * 30} 01 48",
    ),
    (p.find_document(PW, 1234), "02 0A FF 0A 1E 00 00 00 D2 04 00 00 37"),
    (p.announce_tags(PW, 1234), "02 0A FF 3A 1E 00 00 00 D2 04 00 00 07"),
    (p.read_tags(PW), "02 06 FF 3B 1E 00 00 00 DC"),
    (p.cancel_receipt(PW), "02 05 88 1E 00 00 00 93"),
    (p.cancel_drive_document(PW), "02 06 FF 08 1E 00 00 00 EF"),
    (p.continue_print(PW), "02 05 B0 1E 00 00 00 AB"),
    (p.cut(PW), "02 06 25 1E 00 00 00 00 3D"),
    (p.cut(PW, is_partial=True), "02 06 25 1E 00 00 00 01 3C"),
    (p.cash_register(PW, 241), "02 06 1A 1E 00 00 00 F1 F3"),
    (p.operation_register(PW, 152), "02 06 1B 1E 00 00 00 98 9B"),
    (p.read_table(PW, 17, 1, 7), "02 09 1F 1E 00 00 00 11 01 00 07 1F"),
    (p.write_table(PW, 17, 1, 7, b"\1"), "02 0A 1E 1E 00 00 00 11 01 00 07 01 1C"),
    (p.set_time(PW, AT.replace(second=9)), "02 08 21 1E 00 00 00 0E 05 09 35"),
    (p.set_date(PW, AT.date()), "02 08 22 1E 00 00 00 18 0B 1A 3D"),
    (p.confirm_date(PW, AT.date()), "02 08 23 1E 00 00 00 18 0B 1A 3C"),
]
SERIAL_HEX = "39 39 39 39 30 37 38 39 30 30 30 30 31 32 33 34"
ANSWERS = [
    (
        p.drive_status(PW),
        f"02 21 FF 01 00 03 00 00 01 00 1A 0B 18 0E 05 {SERIAL_HEX} D2 04 00 00 0B",
        DriveStatus(3, 0, True, 0, AT, "9999078900001234", 1234),
    ),
    (p.shift(PW), "02 08 FF 40 00 01 39 00 0C 00 83", Shift(True, 57, 12)),
    (
        p.exchange(PW),
        "02 10 FF 39 00 02 00 03 00 D0 04 00 00 1A 0B 18 0D 32 35",
        Exchange(3, 1232, AT.replace(hour=13, minute=50)),
    ),
    (p.sell(PW, ITEM, 50000, 6, 3, 10), "02 03 FF 46 00 BA", Nothing()),
    (
        p.close_receipt(PW, 50000, 0),
        "02 10 FF 45 00 00 00 00 00 00 D2 04 00 00 BE BA BA AB 69",
        Closed(0, 1234, 2881141438, None),
    ),
    (
        p.close_receipt(PW, 50000, 0),
        "02 15 FF 45 00 00 00 00 00 00 D2 04 00 00 BE BA BA AB 1A 0B 18 0E 05 6E",
        Closed(0, 1234, 2881141438, AT),
    ),
    (
        p.close_receipt(PW, 50000, 0),
        "02 10 FF 45 00 00 00 00 00 00 DC 45 00 00 B5 BC 48 11 63",
        Closed(0, 17884, 0x1148BCB5, None),
    ),
    (
        p.close_receipt(PW, 5000, 0),
        "02 10 FF 45 00 00 00 00 00 00 1D 00 00 00 F3 60 35 FF EE",
        Closed(0, 29, 0xFF3560F3, None),
    ),
    (
        p.find_document(PW, 1234),
        "02 18 FF 0A 00 03 00 1A 0B 18 0E 05 D2 04 00 00 BE BA BA AB 01 50 C3 00 00 00 BD",
        FoundDocument(Form.RECEIPT, False, AT, 1234, 2881141438, operation=1, total=50000),
    ),
]


def answer_of(command, wire):
    item, rest = p.take(bytes.fromhex(wire))
    assert isinstance(item, Frame)
    assert rest == b""
    return command.read(item.body)


# --- tables -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "wire"), COMMANDS, ids=lambda value: value[:14] if isinstance(value, str) else ""
)
def test_a_command_has_the_published_frame(command, wire):
    assert p.frame(command.body) == bytes.fromhex(wire)
    assert p.take(bytes.fromhex(wire)) == (Frame(command.body), b"")


@pytest.mark.parametrize(
    ("command", "wire", "answer"), ANSWERS, ids=lambda value: value[:14] if isinstance(value, str) else ""
)
def test_an_answer_is_read_as_published(command, wire, answer):
    assert answer_of(command, wire) == answer


def test_nested_tags_have_the_published_bytes():
    assert bytes.fromhex(AGENT_HEX) == AGENT


@pytest.mark.parametrize(
    ("tag", "wire"),
    [
        (tlv.encode(1222, b"\x04"), "C6 04 01 00 04"),
        (tlv.number(1043, 50000), "13 04 02 00 50 C3"),
        (tlv.number(1020, 0), "FC 03 01 00 00"),
    ],
)
def test_a_tag_has_the_published_bytes(tag, wire):
    assert tag == bytes.fromhex(wire)


def test_a_short_status_is_read_from_real_wires():
    shift_open = answer_of(p.short_status(PW), "02 10 10 00 1C 90 02 02 00 00 9D D7 D3 01 00 A0 02 00 B6")
    assert (shift_open.mode, shift_open.submode, shift_open.print_result) == (Mode.SHIFT_OPEN, 0, None)
    assert (shift_open.sees_paper, shift_open.sees_cover_open) == (True, False)

    document = answer_of(p.short_status(PW), "02 11 10 00 01 90 00 08 00 00 00 00 00 00 00 FF FF FF 00 67")
    assert (document.mode, document.print_result) == (Mode.DOCUMENT_OPEN, 0)


def test_a_long_status_is_read_from_a_real_wire():
    body = bytes.fromhex(
        "11 00 1E 43 32 31 88 0D 06 13 01 18 00 90 00 03 00 80 4E 41 00 00 01 01 10"
        "02 08 13 0F 30 0C 00 04 0E 00 00 24 00 00 00 00 00 A9 EA F2 CE B3 00 00 00"
    )
    status = p.long_status(PW).read(body)

    assert (status.firmware, status.build, status.mode) == ("C.2", 34865, Mode.SHIFT_EXPIRED)
    assert status.at == datetime(2019, 8, 2, 15, 48, 12)  # noqa: DTZ001 - the registrar's wall time


def test_the_sensors_of_a_real_model_are_known():
    wire = "02 23 F7 00 5A A0 40 07 20 6C 00 00 0C 18 01 0C 10 00 00 00 00 00 00 1E 00 00 00 00 06 FF 00 40 40 B6 03 12 13 7F"
    found = answer_of(p.parameters(), wire)

    assert (found.has_paper_sensor, found.has_cover_sensor) == (True, True)


@pytest.mark.parametrize("body", ["FF 03 00 1A 0B 18", "FF 03 00 1A 0B 18 03 01"])
def test_a_drives_last_day_is_read_from_both_lengths(body):
    assert p.drive_expiry(PW).read(bytes.fromhex(body)) == DriveExpiry(date(2026, 11, 24))


def test_a_drive_without_a_last_day_has_none():
    assert p.drive_expiry(PW).read(bytes.fromhex("FF 03 00 00 00 00")) == DriveExpiry(None)


@pytest.mark.parametrize("body", ["E0 00", "E0 00 1E"])
def test_an_opened_shift_is_read_with_and_without_operator(body):
    assert p.open_shift(PW).read(bytes.fromhex(body)) == Nothing()


def test_a_wrong_password_is_an_error_in_words():
    with pytest.raises(Refused, match=r"refuses command 10: wrong password \(error 4Fh\)") as refused:
        answer_of(p.short_status(PW), "02 02 10 4F 5D")
    assert refused.value.code == errors.WRONG_PASSWORD
    with pytest.raises(Refused, match="more than 24 hours"):
        answer_of(p.sell(PW, ITEM, 50000, 6, 3, 10), "02 03 FF 46 4E F4")


def test_a_shift_report_of_the_archive_tells_its_shift():
    body = bytes.fromhex("FF 0A 00 02 01 1A 0B 18 0E 05 D2 04 00 00 BE BA BA AB 39 00")

    assert p.find_document(PW, 1234).read(body) == FoundDocument(
        Form.SHIFT_OPEN, True, AT, 1234, 2881141438, shift=57
    )


@pytest.mark.parametrize("code", sorted(errors.MEANINGS))
def test_every_error_has_words_and_a_reaction(code):
    meaning = errors.meaning(code)
    assert meaning.english
    assert meaning.russian
    assert isinstance(meaning.reaction, Reaction)


def test_an_unknown_error_asks_for_the_status():
    assert errors.meaning(0xEE).reaction is Reaction.LOOK


def test_a_name_is_cut_at_what_the_tag_holds_and_a_control_character_ends_nothing():
    body = p.sell(PW, "Связь\n\0" + "я" * 200, 100, 6, 3, 10).body

    assert len(body) == 160
    assert body[32:39] == "Связь  ".encode("cp1251")


def test_a_line_is_cut_at_its_forty_places():
    assert p.print_line(PW, "щ" * 50).body[6:] == "щ".encode("cp1251") * 40
    assert p.print_line(PW, "a\x01b").body[6:9] == b"a b"


@pytest.mark.parametrize("vat", range(1, 13))
def test_every_rate_of_the_tax_has_its_byte(vat):
    assert p.sell(PW, "x", 1, vat, 3, 10).body[28] == p.VAT_CODES[vat]


# --- laws ---------------------------------------------------------------------------------------------------------

bodies = st.binary(min_size=1, max_size=255)
near_misses = st.lists(
    st.sampled_from([b"\x02", b"\x02\x00", b"\x02\x05\x10", b"\x02\xff", b"\x05", b"\x06", b"\x15", b"\xff"])
).map(b"".join)
lines = st.lists(st.binary(max_size=8) | near_misses | bodies.map(p.frame), max_size=6).map(b"".join)


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
    match item:
        case Control(code):
            return bytes((code,))
        case Frame(body):
            return p.frame(body)
        case Spoilt(data) | Junk(data):
            return data


@given(lines)
@example(b"\x02\x00\x02\x01\xfc\xfd")
@example(b"\x00\x00\x00\x00\x02\x01\xfc\xfd")
def test_no_byte_is_lost_or_invented(line):
    items, rest = take_all(line)
    assert b"".join(map(bytes_of, items)) + rest == line


@given(st.binary(max_size=600))
def test_a_line_never_waits_for_more_than_one_frame(line):
    _, rest = take_all(line)
    assert len(rest) < 255 + 3


@given(st.lists(bodies, max_size=4), st.data())
def test_frames_arrive_whatever_the_split(sent, data):
    line = b"".join(map(p.frame, sent))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(line)), max_size=8)))
    buffer, found = b"", []
    for start, end in zip([0, *cuts], [*cuts, len(line)], strict=True):
        items, buffer = take_all(buffer + line[start:end])
        found += items
    assert found == [Frame(body) for body in sent]
    assert buffer == b""


@given(bodies, st.data())
def test_a_flipped_bit_behind_the_start_is_noticed(body, data):
    wire = bytearray(p.frame(body))
    bit = data.draw(st.integers(8, len(wire) * 8 - 1))
    wire[bit // 8] ^= 1 << bit % 8
    items, _ = take_all(bytes(wire))
    assert Frame(body) not in items


@pytest.mark.parametrize("code", [ENQ, ACK, NAK])
def test_control_bytes_stand_for_themselves_behind_what_usb_models_put_before_them(code):
    assert take_all(bytes((0xFF, code))) == ([Junk(b"\xff"), Control(code)], b"")


EVERY_COMMAND = [command for command, _ in COMMANDS] + [
    p.parameters(),
    p.subtotal(PW),
    p.close_text_document(PW),
]


@given(st.sampled_from(EVERY_COMMAND), st.binary(max_size=80))
@example(p.long_status(PW), bytes(48))
@example(p.find_document(PW, 1), b"\x03\x00" + bytes(30))
def test_any_answer_is_read_or_refused_in_words(command, data):
    with contextlib.suppress(BadAnswer):
        command.read(command.code + b"\0" + data)


@given(st.binary(min_size=30, max_size=40))
@example(b"9999\x00\x1b[2J" + bytes(22))
def test_what_it_calls_itself_and_its_drive_steers_no_screen(data):
    assert p.model().read(b"\xfc\0" + data).name.isprintable()
    assert p.drive_serial(PW).read(b"\xff\x02\0" + data).isprintable()
    assert p.drive_status(PW).read(b"\xff\x01\0" + data).serial.isprintable()


@given(st.binary(max_size=10))
def test_what_answers_another_command_is_no_answer(data):
    with pytest.raises(BadAnswer):
        p.short_status(PW).read(b"\x11" + data)


# --- tags ---------------------------------------------------------------------------------------------------------

tag_numbers = st.integers(0, 0xFFFF)
flat_tags = st.lists(st.tuples(tag_numbers, st.binary(max_size=20)), max_size=6)


@given(flat_tags)
def test_tags_are_read_as_they_were_written(pairs):
    data = b"".join(tlv.encode(tag, value) for tag, value in pairs)
    assert list(tlv.decode(data)) == pairs


@given(st.binary(max_size=200))
def test_any_bytes_can_be_looked_through_for_tags(data):
    tlv.payment_of(data)
    assert all(isinstance(name, str) for name in tlv.names_of(data))
    assert sum(4 + len(value) for _, value in tlv.decode(data)) <= len(data)


@given(st.from_regex(r"[0-9]{5}-[0-9]{10}", fullmatch=True))
def test_a_payment_number_comes_back_out_of_a_document(payment):
    item = tlv.encode(tlv.ITEM, tlv.text(tlv.NAME, "Аванс за услуги связи"))
    document = tlv.number(tlv.TOTAL, 65000) + item + tlv.payment(payment)

    assert tlv.payment_of(document) == payment
    assert tlv.payment_of(tlv.encode(3, document)) == payment, "some registrars wrap the whole document"
    assert tlv.names_of(document) == ["Аванс за услуги связи"]
    assert len(tlv.payment(payment)) <= p.TAGS_BYTES_MAX


def test_another_programs_attribute_is_no_payment_number():
    inner = tlv.text(tlv.USER_ATTRIBUTE_NAME, "Заказ") + tlv.text(
        tlv.USER_ATTRIBUTE_VALUE, "00042-0000000001"
    )

    assert tlv.payment_of(tlv.encode(tlv.USER_ATTRIBUTE, inner)) is None


def test_what_a_device_calls_itself_steers_no_terminal():
    told = b"\xfc\x00" + bytes(6) + b"PAY\x1b[2J"

    assert p.model().read(told).name == "PAY\\x1b[2J"
