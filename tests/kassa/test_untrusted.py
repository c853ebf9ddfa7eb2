"""JSON, TOML and numbers of others end in the one error their readers expect, whatever they are made of."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from kassa.errors import KassaError
from kassa.untrusted import TOML_DEPTH_MAX, TOML_LINE_MAX_CHARS, printable, read_json, read_toml, whole_number

ANYTHING = msgspec.json.Decoder()


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b'"\xff"', b"[" * 100_000 + b"]" * 100_000, b'{"a":' * 100_000 + b"1" + b"}" * 100_000],
)
def test_what_is_no_json_of_a_bearable_depth_is_refused_in_one_way(data: bytes) -> None:
    with pytest.raises(msgspec.MsgspecError):
        read_json(ANYTHING, data)


def test_a_number_that_is_none_to_its_reader_is_no_json_either() -> None:
    exact = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)
    with pytest.raises(msgspec.MsgspecError, match="no number"):
        read_json(exact, b'{"sum":1e99999999999999999999}')


def test_json_is_read_as_its_type_says() -> None:
    assert read_json(msgspec.json.Decoder(dict[str, int]), b'{"a":1}') == {"a": 1}
    with pytest.raises(msgspec.MsgspecError, match="Expected `int`"):
        read_json(msgspec.json.Decoder(dict[str, int]), b'{"a":"1"}')


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a = ", "Invalid value"),
        ("a = " + "[" * 2000 + "]" * 2000, "deeper"),
        ("a = [\n" + "[\n" * 5000 + "]\n" * 5001, "deeper"),
        (".".join("a" * 1000) + " = 1", "deeper"),
        ("a = " + "9" * 5000, "line 1 has"),
        ("a = 1\nb = '" + "x" * TOML_LINE_MAX_CHARS + "'", "line 2 has"),
    ],
)
def test_what_is_no_toml_of_a_persons_making_is_refused_in_one_way(text: str, words: str) -> None:
    with pytest.raises(tomllib.TOMLDecodeError, match=words):
        read_toml(text)


def test_tables_and_lists_may_lie_in_each_other_as_deep_as_any_of_ours() -> None:
    inner = "[" * (TOML_DEPTH_MAX - 1) + "]" * (TOML_DEPTH_MAX - 1)

    assert read_toml(f"a = {inner}\nb.c.d = {{ e = 1 }}")["b"] == {"c": {"d": {"e": 1}}}


@pytest.mark.parametrize(
    ("text", "shown"),
    [("Ёлкина", "Ёлкина"), ("\x1b[2J\n", "\\x1b[2J\\n"), ("b\udce1d", "b\\udce1d"), ("\u202e", "\\u202e")],
)
def test_what_would_steer_a_terminal_is_shown_as_an_escape(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_an_error_that_quotes_what_was_read_quotes_it_in_escapes() -> None:
    class Kind(msgspec.Struct, tag_field="kind", tag="a"):
        pass

    with pytest.raises(msgspec.MsgspecError) as refused:
        read_json(msgspec.json.Decoder(Kind), b'{"kind":"\x7f\xd7\x8d\xc2\x9b2J"}')

    assert str(refused.value).isprintable()


@pytest.mark.parametrize("text", ["-1", "1.0", " 1", "1\n", "\u0661", "1" * 19, "x" * 1000])
def test_what_is_no_number_of_ours_is_refused_and_never_cut_to_another_one(text: str) -> None:
    with pytest.raises(KassaError, match="is no number of at most 18 digits"):
        whole_number(text)


def test_a_number_may_be_left_out() -> None:
    assert (whole_number(""), whole_number("042"), whole_number("9" * 18)) == (None, 42, 10**18 - 1)
