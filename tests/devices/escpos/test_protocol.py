"""ESC/POS on the wire: the book's bytes, python-escpos's bytes, and any bytes at all."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.escpos import problems, words
from devices.escpos import protocol as p
from devices.escpos.encoding import EPSON, PART_MAX_BYTES, Paper, job
from devices.escpos.simulator import PAGES, Simulator
from kassa.flight.ring import Kind
from kassa.paper import Code, Feed, Pair, Words

ANY = st.binary(max_size=300)


def items(take, data):
    found = []
    while data:
        item, rest = take(data)
        if item is None:
            break
        assert len(rest) < len(data)
        found.append(item)
        data = rest
    return found, data


# --- out of the book -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "wire"),
    [
        ([Words("Оплата")], "1b 74 11 .. 8e af ab a0 e2 a0 0a"),
        ([Words("x", is_bold=True)], "1b 45 01 .. 78 0a"),
        ([Words("x", is_large=True)], "1d 21 11 .. 78 0a"),
        ([Words("x")], "1b 40 .. 1b 64 06 1d 56 00"),
        ([Code("t=1")], "1d 28 6b 04 00 31 41 32 00 .. 1d 28 6b 03 00 31 43 08 .. 1d 28 6b 03 00 31 45 31"),
        ([Code("t=1")], "1d 28 6b 06 00 31 50 30 74 3d 31 1d 28 6b 03 00 31 51 30"),
        ([Feed(2)], "0a 0a"),
    ],
    ids=str,
)  # fmt: skip
def test_a_receipt_is_the_bytes_of_the_book(lines, wire):
    data = b"".join(job(lines, Paper(48, "cp866")))
    at = 0
    for piece in wire.split(".."):
        at = data.index(bytes.fromhex(piece), at)


def test_the_small_letters_are_the_printers_second_font():
    assert b"\x1bM\x01" in job([Words("x")], Paper(64, "cp866"))[0]
    assert b"\x1bM\x00" in job([Words("x")], Paper(48, "cp866"))[0]


def test_another_makers_number_of_the_code_page_can_be_set():
    assert b"\x1bt\x2e" in job([Words("ж")], Paper(48, "cp1251"))[0]
    assert b"\x1bt\x06" in job([Words("ж")], Paper(48, "cp1251", 6))[0]


@pytest.mark.parametrize("code_page", EPSON)
def test_every_code_page_of_the_configuration_can_be_printed(code_page):
    assert PAGES[EPSON[code_page]] == code_page
    sim = Simulator(quirks=None)
    for part in job([Words("ABC äж№«»")], Paper(48, code_page)):
        sim.receive(part, 0.0)
    sim.advance(60.0)
    [sheet] = sim.truth.sheets
    assert sheet.rows[0].startswith("ABC ")
    assert "\ufffd" not in sheet.text


def test_a_long_receipt_goes_in_parts_of_whole_rows():
    lines = [Pair(f"строка {number}", "=1.00") for number in range(60)]
    parts = job(lines, Paper(48, "cp866"))
    assert len(parts) > 5
    assert max(map(len, parts)) <= PART_MAX_BYTES
    assert all(part.endswith(b"\n") for part in parts[:-1])


def test_no_receipt_holds_what_a_printer_takes_for_a_question():
    data = b"".join(
        job([Words("\x10\x04\x01"), Pair("\x1b@", "\x1dr\x01"), Code("\x10\x04\x04ж")], Paper(32, "cp866"))
    )
    found, rest = items(p.take_command, data)
    assert rest == b""
    assert not [one for one in found if isinstance(one, p.Command) and one.code in (b"\x10\x04", b"\x1dr")]


@pytest.mark.parametrize(
    ("data", "item"),
    [
        ("12", p.RealTime(0x12)),
        ("1a", p.RealTime(0x1A)),
        ("72", p.RealTime(0x72)),
        ("00", p.Mark(0)),
        ("0f", p.Mark(0x0F)),
        ("5f 54 4d 2d 54 38 38 00", p.Model("TM-T88")),
        ("18 00 0c 00", p.Automatic(b"\x18\x00\x0c\x00")),
        ("13", p.Noise(b"\x13")),
        ("ff", p.Noise(b"\xff")),
        ("5f 12", p.Noise(b"\x5f")),
        ("10 12", p.Noise(b"\x10")),
        ("5f 54 4d", None),
        ("18 00", None),
    ],
)
def test_answers_are_told_apart_by_their_fixed_bits(data, item):
    assert p.take(bytes.fromhex(data))[0] == item


@pytest.mark.parametrize(
    ("answers", "problem", "detail"),
    [
        ((0x12, 0x12, 0x12, 0x12), None, ""),
        ((0x1A, 0x16, 0x12, 0x12), "registrar_cover_open", "cover"),
        ((0x1A, 0x32, 0x12, 0x7E), "registrar_paper_out", "roll"),
        ((0x12, 0x12, 0x12, 0x72), "registrar_paper_out", "roll"),
        ((0x1A, 0x52, 0x1A, 0x12), "registrar_failed", "cutter"),
        ((0x1A, 0x52, 0x32, 0x12), "registrar_failed", "off and on"),
        ((0x1A, 0x52, 0x52, 0x12), "registrar_busy", "hot"),
        ((0x1A, 0x52, 0x12, 0x12), "registrar_failed", "does not say which"),
        ((0x1A, 0x1A, 0x12, 0x12), "registrar_busy", "button"),
        ((0x1A, 0x12, 0x12, 0x12), "registrar_busy", "offline"),
    ],
)
def test_a_status_is_the_condition_that_must_be_mended_first(answers, problem, detail):
    verdict = problems.of(p.status_of(*answers))
    assert verdict.problem == problem
    assert detail in verdict.detail


def test_a_roll_near_its_end_is_a_notice():
    assert problems.notices(p.status_of(0x12, 0x12, 0x12, 0x1E)) == (
        ("registrar_paper_low", "the roll is near its end"),
    )


# --- any bytes ---------------------------------------------------------------------------------------------------------------


@given(ANY)
def test_any_bytes_of_a_printer_are_answers_or_noise(data):
    found, rest = items(p.take, data)
    assert len(rest) <= p.MODEL_MAX_BYTES + 1
    assert len(found) >= (len(data) - len(rest)) // (p.MODEL_MAX_BYTES + 2)


@given(ANY)
def test_any_bytes_of_a_host_are_letters_or_commands(data):
    items(p.take_command, data)


@given(st.lists(ANY, max_size=5))
def test_a_printer_prints_whatever_it_is_sent(pieces):
    sim = Simulator()
    for at, piece in enumerate(pieces):
        sim.receive(piece, float(at))
    sim.advance(1e6)


@given(st.integers(0, 255), st.integers(0, 255), st.integers(0, 255), st.integers(0, 255))
def test_any_status_is_a_verdict(printer, offline, error, paper):
    assert problems.of(p.status_of(printer, offline, error, paper)).problem in (
        None, problems.NO_PAPER, problems.COVER_OPEN, problems.BUSY, problems.FAILED,
    )  # fmt: skip


@given(ANY, st.sampled_from((Kind.SENT, Kind.RECEIVED)), st.none() | ANY)
def test_any_bytes_can_be_told(data, kind, asked):
    told = words.say(data, kind, asked)
    assert told is None or told


# --- in words ----------------------------------------------------------------------------------------------------------------


def test_what_is_printed_asked_and_answered_is_told():
    first, *_ = job([Words("Оплата"), Code("t=1")], Paper(48, "cp866"))
    told = words.say(first + p.ASK_MARK, Kind.SENT, None)
    assert told is not None
    assert told.startswith("INIT, CODE PAGE 11, print 'Оплата', ")
    assert told.endswith("QR 't=1', QR 51, FEED 06, CUT 00, MARK 01")
    assert words.say(p.ask_status(4), Kind.SENT, None) == "STATUS PAPER"
    assert words.say(b"\x7e", Kind.RECEIVED, p.ask_status(4)) == "paper is out, paper is low (7E)"
    assert words.say(b"\x12", Kind.RECEIVED, p.ask_status(1)) == "well (12)"
    assert words.say(b"\x00", Kind.RECEIVED, first + p.ASK_MARK) == "all before the mark is done (00)"
    assert words.say(b"_X\x00\x12", Kind.RECEIVED, p.ASK_MODEL) == "model X, status 12"


def test_the_library_is_loaded_by_nobody_who_does_not_print_with_it():
    code = "import sys, kassa.terminal, kassa.wiring; print(sorted({'escpos', 'PIL', 'segno', 'qrcode'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
