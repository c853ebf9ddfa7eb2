"""What a good row is: every form that a profile names is read to the kopeck, every other one is a bad row."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from importers.profile import Profile, parse_layout
from kassa.importing import Outcome
from kassa.money import MINOR_MAX
from kassa.subscribers import Snapshot, Subscriber

Load = Callable[..., Outcome]
Current = Callable[[], Snapshot]


def profile(**tables: dict[str, Any]) -> Profile:
    """Three columns by position, one service; `tables` say the rest."""
    document: dict[str, Any] = {
        "kind": "csv",
        "service": "internet",
        "csv": {"header": False},
        "columns": {"account": 1, "name": 2, "balance": 3},
        **tables,
    }
    return Profile("test", "0" * 64, parse_layout(document, "test.toml"))


def find(current: Current, account: str) -> Subscriber | None:
    snapshot = current()
    try:
        return snapshot.find(account)
    finally:
        snapshot.close()


EVERY_FORM = {
    "decimal": "any",
    "thousands": "blank",
    "minus": ["leading", "trailing", "parentheses", "typographic"],
}


@pytest.mark.parametrize(
    ("text", "balance"),
    [
        ("0", "0.00"),
        ("-0,00", "0.00"),
        ("-0", "0.00"),
        ("350", "350.00"),
        ("350,5", "350.50"),
        ("-350.05", "-350.05"),
        ("350,50-", "-350.50"),
        ("(350,50)", "-350.50"),
        ("\u2212350,50", "-350.50"),
        ("1 200,00", "1200.00"),
        ("1\u00a0200\u00a0000,01", "1200000.01"),
        ("1\u202f200", "1200.00"),
        ("  7 ", "7.00"),
        ("00012", "12.00"),
        ("99999999999,99", "99999999999.99"),
        ("-99999999999,99", "-99999999999.99"),
    ],
)
def test_an_amount_is_read_to_the_kopeck(load: Load, current: Current, text: str, balance: str) -> None:
    outcome = load(f"17742;Elkina;{text}\n".encode(), profile(amount=EVERY_FORM))

    assert outcome.status == "imported", outcome.reason
    found = find(current, "17742")
    assert found is not None
    assert found.services[0].balance.decimal() == balance


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "-", ",", "1e9", "1E+2", "3,5E+02", "NaN", "nan", "inf", "-inf", "NULL", "н/д", "#REF!", "350,505", ",50",
        "350,", "1,200.50", "1.200,50", "1 20,00", "12 34", "1 2000", "--1", "-(1)", "(-1)", "((1))", "1-2", "+1", "0x1F", "1_000",
        "١٢٣", "１２３", "²", "1\u200b0", "100000000000", "99999999999999999999999", "350,50 Д", "350 руб.", "\u2013350", "TRUE",
    ],
)  # fmt: skip
def test_what_is_no_amount_is_a_bad_row(load: Load, text: str) -> None:
    outcome = load(f"17742;Elkina;{text}\n".encode(), profile(amount=EVERY_FORM))

    assert outcome.status == "refused"
    assert outcome.refused == 1


@pytest.mark.parametrize(
    ("minus", "text"),
    [(["trailing"], "-5"), (["leading"], "5-"), (["leading"], "(5)"), ([], "-5"), ([], "5-")],
)
def test_only_the_minus_that_the_profile_names_is_taken(load: Load, minus: list[str], text: str) -> None:
    assert load(f"17742;Elkina;{text}\n".encode(), profile(amount={"minus": minus})).status == "refused"


def test_a_debt_without_a_sign_is_a_debt(load: Load, current: Current) -> None:
    load(b"17742;Elkina;350,50\n", profile(amount={"sign": "debt"}))

    found = find(current, "17742")
    assert found is not None
    assert found.services[0].balance.decimal() == "-350.50"


def test_no_balance_is_so_large_that_a_payment_onto_it_could_not_be_counted(
    load: Load, current: Current
) -> None:
    load(b"17742;Elkina;99999999999,99\n", profile())

    found = find(current, "17742")
    assert found is not None
    assert found.services[0].balance.minor * 2 < MINOR_MAX


def test_the_sum_of_hostile_amounts_is_exact(load: Load) -> None:
    rows = "".join(f"{number};x;99999999999,99\n" for number in range(100_000))

    outcome = load(rows.encode(), profile())

    assert outcome.total == "9999999999999000.00"


@pytest.mark.parametrize(
    ("text", "account"),
    [
        ("0017742", "0017742"),
        (" 0017742 ", "0017742"),
        ('="0017742"', "0017742"),
        ("'0017742", "0017742"),
        ("00 177\u00a042", "0017742"),
        ("12-1", "12-1"),
        ("12\u20131", "12-1"),
        ("ав-7", "AB-7"),
    ],
)
def test_an_account_is_brought_to_its_normal_form(
    load: Load, current: Current, text: str, account: str
) -> None:
    by = profile(
        account={"pattern": "[0-9A-Z-]{1,20}", "letters": "latin"}, csv={"header": False, "quote": ""}
    )

    outcome = load(f"{text};Elkina;5\n".encode(), by)

    assert outcome.status == "imported", outcome.reason
    assert find(current, account) is not None


@pytest.mark.parametrize(
    "text",
    ["1,23457E+15", "17742.0", "01.дек", "12.01.2026", "-17742", "１７７４２", "1" * 21, "17742;", "a"],
)
def test_what_is_no_account_is_a_bad_row(load: Load, text: str) -> None:
    outcome = load(f"1;x;5\n{text};Elkina;5\n".encode(), profile())

    assert outcome.status == "refused"


def test_a_comment_line_between_rows_is_told_in_the_report(load: Load) -> None:
    outcome = load(b"1;x;5\n#2;y;7\n", profile())

    assert outcome.accepted == 1
    assert "строки-примечания пропущены: 1" in Path(outcome.report or "").read_text()


def test_lost_zeros_come_back_where_the_width_is_fixed(load: Load, current: Current) -> None:
    load(b"17742;Elkina;5\n", profile(account={"pad_width": 7}))

    assert find(current, "0017742") is not None


def test_two_forms_of_one_account_are_one_account_twice(load: Load) -> None:
    outcome = load(b"17742;Elkina;5\n0017742;Elkina;5\n", profile(account={"pad_width": 7}))

    assert outcome.status == "refused"
    assert "0017742 в строке 2" in (outcome.reason or "")


@pytest.mark.parametrize(("rows", "taken"), [("1;x;5\n1;x;5\n", True), ("1;x;5\n1;x;6\n", False)])
def test_rows_that_are_the_same_count_once_where_the_profile_says_so(
    load: Load, rows: str, taken: bool
) -> None:
    outcome = load(rows.encode(), profile(accept={"duplicates": "same_row_ok"}))

    assert (outcome.status == "imported") is taken
    assert not taken or outcome.accepted == 1


@pytest.mark.parametrize(("share", "taken"), [(0.0, False), (0.4, False), (0.5, True)])
def test_bad_rows_are_left_out_where_the_profile_allows_a_share_of_them(
    load: Load, current: Current, share: float, taken: bool
) -> None:
    outcome = load(b"1;x;5\n2;x;five\n", profile(accept={"bad_rows_max_share": share}))

    assert (outcome.status == "imported") is taken
    assert outcome.refused == 1
    if taken:
        assert outcome.accepted == 1
        assert find(current, "2") is None


def test_text_comes_without_control_characters_and_is_never_cut(load: Load, current: Current) -> None:
    name = "Elkina\tA\x1b[31m" + "x" * 400

    load(f"1;  {name}  ;5\n".encode(), profile())

    found = find(current, "1")
    assert found is not None
    assert found.name == "Elkina A [31m" + "x" * 400
