"""A profile is refused by key and value, or it can be used; nothing in it breaks the reader."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from importers.profile import ProfileError, load_profile, parse_layout
from kassa.errors import KassaError


def document(**more: Any) -> dict[str, Any]:
    return {"kind": "csv", "service": "internet", "columns": {"account": "a", "balance": "b"}, **more}


def test_the_smallest_profile_can_be_used() -> None:
    assert parse_layout(document(), "x.toml").service == "internet"


@pytest.mark.parametrize(
    ("more", "key"),
    [
        ({"service": "internet\n"}, "service"),
        ({"services": {"TV": "tv\n"}}, "services"),
        ({"name_date": "(" * 900 + ")" * 900}, "name_date"),
        ({"account": {"pattern": "a{1,99999999999}"}}, "account.pattern"),
        ({"account": {"pattern": "(?<=a)b"}}, "account.pattern"),
        ({"account": {"pattern": "[[0-9]a]"}}, "account.pattern"),
        ({"a.b\x1b": 7}, r"a\.b\\x1b = 7"),
        ({"kind": "xml", "control": {"count": "a\0b"}}, "control.count"),
        ({"date": {"zone": "Europe"}}, "date.zone"),
        ({"date": {"zone": "x" * 3000}}, "date.zone"),
        ({"date": {"zone": "../UTC"}}, "date.zone"),
        ({"accept": {"bad_rows_max_share": float("nan")}}, "accept.bad_rows_max_share"),
    ],
)
def test_a_value_that_cannot_be_used_is_named_with_its_key(more: dict[str, Any], key: str) -> None:
    with pytest.raises(ProfileError, match=rf"^x\.toml: {key}"):
        parse_layout(document(**more), "x.toml")


def test_brackets_without_end_are_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_text("a = " + "[" * 2000 + "]" * 2000)

    with pytest.raises(KassaError, match=r"x\.toml cannot be read: tables or lists lie deeper"):
        load_profile(path)
