"""A list of people is read in the encoding it was written in, or refused; never read as other letters."""

from __future__ import annotations

import io
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from importers.encoding import OTHERS, Found, find_encoding
from importers.words import Unusable

NAMES = (
    "Абрамов Алексей Борисович", "Белова Вера Петровна", "Ёлкина Анна Петровна", "Щукин Пётр Семёнович",
    "Цой Виктор", "Соловьёва Юлия Эдуардовна", "Жуков Хасан Ибрагимович", "Подъячев Игорь Фёдорович",
)  # fmt: skip
CASES = {"as written": str, "capitals": str.upper, "small letters": str.lower}
Declared = Literal["utf-8", "cp1251", "auto"]

lists = st.lists(st.sampled_from(NAMES), min_size=8, max_size=60)


def content(names: list[str], case: str, encoding: str) -> bytes:
    lines = [f"{number:07};{CASES[case](name)};-350,50" for number, name in enumerate(names)]
    return "\r\n".join(lines).encode(encoding)


def find(raw: bytes, declared: Declared = "auto") -> Found:
    return find_encoding(io.BytesIO(raw), declared)


@given(names=lists, case=st.sampled_from(list(CASES)), declared=st.sampled_from(["cp1251", "auto"]))
def test_windows_1251_is_taken_for_what_it_is(names: list[str], case: str, declared: Declared) -> None:
    assert find(content(names, case, "cp1251"), declared) == Found("cp1251", 0)


@given(names=lists, case=st.sampled_from(list(CASES)))
def test_utf_8_is_taken_for_what_it_is(names: list[str], case: str) -> None:
    assert find(content(names, case, "utf-8")) == Found("utf-8", 0)


@given(
    names=lists,
    case=st.sampled_from(list(CASES)),
    encoding=st.sampled_from(["cp866", "koi8-r", "iso8859-5"]),
    declared=st.sampled_from(["cp1251", "auto"]),
)
def test_other_russian_encodings_are_named(
    names: list[str], case: str, encoding: str, declared: Declared
) -> None:
    with pytest.raises(Unusable) as refused:
        find(content(names, case, encoding), declared)

    assert refused.value.code == "encoding_mismatch"
    assert refused.value.values["likely"] == encoding


@pytest.mark.parametrize("encoding", OTHERS)
def test_both_readings_stand_in_the_refusal(encoding: str) -> None:
    with pytest.raises(Unusable, match="Абрамов Алексей") as refused:
        find(content(list(NAMES), "as written", encoding))

    assert encoding in refused.value.say("ru")


def test_letters_that_come_late_are_looked_at_as_well() -> None:
    plain = b"0017742;ELKINA A P;-350,50\n" * 20_000

    with pytest.raises(Unusable, match="cp866"):
        find(plain + content(list(NAMES), "as written", "cp866"))


def test_a_broken_byte_far_inside_does_not_turn_utf_8_into_another_encoding() -> None:
    raw = content(list(NAMES) * 1000, "as written", "utf-8")

    assert find(raw[:-20] + b"\xff" + raw[-20:]) == Found("utf-8", 0)


def test_utf_8_in_a_profile_of_windows_1251_is_refused_with_both_readings() -> None:
    with pytest.raises(Unusable, match="Абрамов"):
        find(content(list(NAMES), "as written", "utf-8"), "cp1251")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_wide_encodings_are_refused_by_name(encoding: str) -> None:
    with pytest.raises(Unusable) as refused:
        find(content(["Elkina A P"] * 8, "as written", encoding))

    assert refused.value.code == "utf16"


def test_letters_of_no_encoding_are_refused() -> None:
    with pytest.raises(Unusable) as refused:
        find(bytes(range(0x80, 0xC0)) * 3)

    assert refused.value.code == "letters_strange"


@pytest.mark.parametrize(
    "name", ["Іваненко Їжак Єва Ґалаґан", "Ҳасан Ўктам", 'ООО "Ромашка" № 5 — «Тест»', "Müller", ""]
)
def test_a_few_letters_of_other_alphabets_are_no_reason_to_refuse(name: str) -> None:
    raw = "\n".join([*NAMES, name]).encode("cp1251", "replace")

    assert find(raw, "cp1251") == Found("cp1251", 0)
