"""Lines on paper: nothing is wider than the paper, a sum is whole and at its margin, and no word of a name is lost."""

import unicodedata
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kassa.money import MINOR_MAX, Money
from kassa.paper import (
    GRIDS,
    QR_DOTS_MAX,
    QR_MAX_BYTES,
    Code,
    Columns,
    Feed,
    Pair,
    Row,
    Rule,
    Words,
    as_text,
    legible,
    qr_dots,
    spell,
    spelled,
    typeset,
    width,
    wrap,
)

WIDTHS = get_args(Columns)
COLUMNS = st.sampled_from(WIDTHS)
TEXTS = (
    st.text(max_size=120)
    | st.text("абв ГД,-№1 ", max_size=200)
    | st.text("表 の\t\r\n\x1b\u0301a", max_size=60)
)
SUMS = st.integers(-MINOR_MAX, MINOR_MAX).map(lambda minor: f"={Money(minor).decimal()}")
LINES = st.one_of(
    st.builds(
        Words,
        TEXTS,
        st.sampled_from(("left", "center", "right")),
        is_bold=st.booleans(),
        is_large=st.booleans(),
    ),
    st.builds(Pair, TEXTS, TEXTS, is_bold=st.booleans(), is_large=st.booleans()),
    st.builds(Rule, st.characters()),
    st.builds(Feed, st.integers(1, 10)),
    st.builds(Code, TEXTS),
)


def texts(rows):
    return [row.text for row in rows]


@given(st.lists(LINES, max_size=10), COLUMNS)
def test_no_row_is_wider_than_the_paper_and_none_steers_the_printer(lines, columns):
    for row in typeset(lines, columns):
        if isinstance(row, Row):
            assert row.columns <= columns
            assert all(letter == " " or unicodedata.category(letter)[0] not in "CMZ" for letter in row.text)


@given(TEXTS, SUMS, COLUMNS, st.booleans())
def test_every_sum_is_whole_on_one_row_and_ends_at_the_right_margin(name, amount, columns, is_large):
    *_, last = typeset([Pair(name, amount, is_large=is_large)], columns)

    assert last.text.split()[-1] == amount or last.text.endswith(amount)
    assert last.columns == columns
    assert sum(amount in row.text for row in typeset([Pair("", amount, is_large=is_large)], columns)) == 1


@given(TEXTS, SUMS, COLUMNS, st.booleans())
def test_all_words_of_a_name_are_there_in_their_order(name, amount, columns, is_large):
    rows = texts(typeset([Pair(name, amount, is_large=is_large)], columns))
    rows[-1] = rows[-1][: len(rows[-1]) - len(amount)]

    assert "".join("".join(rows).split()) == "".join(legible(name).split())


@given(TEXTS, COLUMNS)
def test_a_word_that_fits_a_row_is_not_broken(text, columns):
    words = legible(text).split(" ")
    rows = wrap(text, columns)

    whole = [word for word in words if width(word) <= columns]
    found = " ".join(rows).split(" ")
    assert [word for word in whole if word not in found] == []


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("Интернет", ["Интернет                 =650.00"]),
        (
            "Аванс за услуги связи, ЛС 403",
            ["Аванс за услуги связи, ЛС 403", "                         =650.00"],
        ),
        (
            "Аванс за услуги связи и ещё за то",
            ["Аванс за услуги связи и ещё за", "то                       =650.00"],
        ),
        ("\tАванс\r\nза\x1b@ \x00связь ", ["Аванс за @ связь         =650.00"]),
        ("表" * 14, ["表" * 14, "                         =650.00"]),
        ("表" * 12, ["表" * 12 + " =650.00"]),
        ("", ["                         =650.00"]),
    ],
)
def test_a_name_of_any_length_keeps_its_sum(name, rows):
    assert texts(typeset([Pair(name, "=650.00")], 32)) == rows


def test_large_letters_take_two_places_each_and_a_sum_that_has_no_room_for_that_is_of_the_usual_size():
    [row] = typeset([Pair("ИТОГ", "=650.00", is_large=True)], 32)
    assert (row.text, row.columns, row.is_large) == ("ИТОГ     =650.00", 32, True)

    [row] = typeset([Pair("ИТОГ", "=1000000000000.00", is_large=True)], 32)
    assert (row.text, row.is_large) == ("ИТОГ           =1000000000000.00", False)


def test_a_value_that_is_no_sum_may_need_more_rows_and_keeps_to_the_right():
    rows = texts(typeset([Pair("ТЛФ. ПОСТ.", "+74951112233, +74951112234, +74951112235")], 32))
    phones = ("+74951112233, +74951112234,", "+74951112235")
    assert rows == ["ТЛФ. ПОСТ.", *(line.rjust(32) for line in phones)]


def test_text_stands_where_it_should():
    lines = [
        Words("ЧЕК", "left"),
        Words("ЧЕК", "center"),
        Words("ЧЕК", "right"),
        Rule("="),
        Feed(2),
        Words(""),
    ]
    assert texts(typeset(lines, 32)) == ["ЧЕК", " " * 14 + "ЧЕК", " " * 29 + "ЧЕК", "=" * 32, "", "", ""]


def test_letters_that_a_code_page_lacks_are_written_all_the_same():
    assert spell("ООО «Связь» — № 5, 100 ₽…", "cp866") == 'ООО "Связь" - № 5, 100 р....'
    assert spell("ООО «Связь» — №5", "cp1251") == "ООО «Связь» — №5"
    assert spell("表ü", "cp866") == "???"
    assert spell("Связь", "cp437") == "?????"


@given(TEXTS, st.sampled_from(("cp866", "cp1251", "cp437", "cp1257")))
def test_what_is_spelled_has_one_byte_a_letter_in_its_code_page(text, code_page):
    done = spell(text, code_page)
    assert len(done.encode(code_page)) == len(done) == width(done)


def test_all_of_a_line_is_spelled_but_for_a_code():
    lines = [Words("«»"), Pair("«", "»"), Rule("—"), Code("«»"), Feed()]
    assert spelled(lines, "cp866") == [Words('""'), Pair('"', '"'), Rule("-"), Code("«»"), Feed()]


@given(st.text(max_size=QR_MAX_BYTES // 4), COLUMNS)
def test_a_code_with_its_margins_is_narrower_than_the_paper(text, columns):
    dots = qr_dots(text, GRIDS[columns].paper)
    version = next(
        n for n in range(1, 11) if len(text.encode()) <= (14, 26, 42, 62, 84, 106, 122, 152, 180, 213)[n - 1]
    )
    assert 1 <= dots <= QR_DOTS_MAX
    assert dots * (17 + 4 * version + 8) <= GRIDS[columns].paper


def test_at_a_terminal_large_letters_are_spaced_out_and_a_code_is_named():
    rows = typeset([Words("ДА", is_large=True), Code("t=1"), Words("нет")], 32)
    assert as_text(rows) == ["Д А", "[QR t=1]", "нет"]
