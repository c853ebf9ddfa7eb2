"""Laws of every file: what our rules write reads back the same; any bytes at all give an outcome in words."""

from __future__ import annotations

import csv
import io
import re
import shutil
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from importers.job import Job
from importers.profile import Profile, find_profile, parse_layout
from kassa import config
from kassa.home import Home, data_folder
from kassa.importing import Outcome
from kassa.subscribers import open_current

LETTERS = "абвгдеёжзийклмнопрстуфхцчшщъыьэюя"
SERVICES = ("internet", "tv", "telephone")

accounts = st.text("0123456789", min_size=1, max_size=20)
texts = st.text(st.sampled_from(LETTERS + LETTERS.upper() + " .,;\"'-/№\t|0123456789"), max_size=40)
kopecks = st.integers(-(10**13) + 1, 10**13 - 1)
rows = st.dictionaries(
    st.tuples(accounts, st.sampled_from(SERVICES)), st.tuples(texts, kopecks), min_size=1, max_size=30
)

Row = tuple[tuple[str, str], tuple[str, int]]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = Home(tmp_path_factory.mktemp("home"))
    home.make()
    shutil.copy(data_folder() / "examples" / "kassa.toml", home.config)
    return home


def load(home: Home, content: bytes, profile: Profile) -> Outcome:
    shutil.rmtree(home.snapshots)
    home.snapshots.mkdir()
    path = home.path / "base.csv"
    path.write_bytes(content)
    outcome = Job(home, config.load(home.config), profile, path, home.logs / "imports").run()
    assert not list(home.run.glob("*.spool"))
    assert not list(home.snapshots.glob("*.partial*"))
    return outcome


def layout(separator: str, encoding: str, decimal: str) -> Profile:
    document = {
        "kind": "csv",
        "encoding": encoding,
        "csv": {"separator": separator, "comment": "", "quote": '"'},
        "columns": {"account": "account", "name": "name", "service": "service", "balance": "balance"},
        "amount": {"decimal": decimal},
        "services": {one: one for one in SERVICES},
        "control": {},
    }
    return Profile("law", "0" * 64, parse_layout(document, "law.toml"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)
@given(
    rows=rows,
    separator=st.sampled_from([";", ",", "\t", "|"]),
    decimal=st.sampled_from([",", "."]),
    line_end=st.sampled_from(["\n", "\r\n", "\r"]),
    encoding=st.sampled_from(["utf-8", "cp1251"]),
    has_mark=st.booleans(),
    ends_with_line_end=st.booleans(),
)
def test_what_was_written_by_the_rules_reads_back_the_same(
    place: Home,
    rows: dict[tuple[str, str], tuple[str, int]],
    separator: str,
    decimal: str,
    line_end: str,
    encoding: Literal["utf-8", "cp1251"],
    has_mark: bool,
    ends_with_line_end: bool,
) -> None:
    written = io.StringIO()
    writer = csv.writer(written, delimiter=separator, lineterminator=line_end)
    writer.writerow(["service", "name", "balance", "account"])
    for (account, service), (name, minor) in rows.items():
        amount = str(Decimal(minor).scaleb(-2)).replace(".", decimal)
        writer.writerow([service, name, amount, account])
    text = written.getvalue() if ends_with_line_end else written.getvalue().removesuffix(line_end)
    mark = b"\xef\xbb\xbf" if has_mark and encoding == "utf-8" else b""

    outcome = load(place, mark + text.encode(encoding), layout(separator, encoding, decimal))

    if outcome.reason and ("он читается" in outcome.reason or "не читаются" in outcome.reason):
        return  # names of chance may look like another encoding; real ones are tried in test_encoding
    assert outcome.status == "imported", outcome.reason
    assert (outcome.accepted, outcome.refused) == (len(rows), 0)
    snapshot = open_current(place.snapshots)
    assert snapshot is not None
    try:
        for (account, service), (_, minor) in rows.items():
            found = snapshot.find(account)
            assert found is not None
            balance = found.balance(service)
            assert balance is not None
            assert balance.minor == minor
            names = {other for (one, _), (other, _) in rows.items() if one == account}
            assert found.name in {re.sub("\t+", " ", other.strip()) for other in names}
    finally:
        snapshot.close()


CSV = (data_folder() / "examples" / "subscribers.csv").read_bytes()
XML = (data_folder() / "examples" / "subscribers.xml").read_bytes()


def spoil(content: bytes) -> st.SearchStrategy[bytes]:
    """A good file with a piece taken out, put in twice or replaced by anything."""

    def apply(change: tuple[int, int, bytes]) -> bytes:
        start, size, piece = change
        return content[:start] + piece + content[start + size :]

    place_of = st.integers(0, len(content))
    piece = st.one_of(
        st.binary(max_size=40),
        st.text('";,\n\r\t#|\ufeff\0-0123456789.,<>&!?/=" ', max_size=20).map(lambda text: text.encode()),
        place_of.map(lambda start: content[start : start + 200]),
    )
    return st.tuples(place_of, st.integers(0, 300), piece).map(apply)


def judge(home: Home, content: bytes, profile: Profile) -> None:
    outcome = load(home, content, profile)

    assert outcome.status in ("imported", "refused")
    report = Path(outcome.report or "").read_text()
    assert report.startswith("Файл принят: " if outcome.status == "imported" else "Файл не принят: ")
    assert all(letter.isprintable() or letter == "\n" for letter in report)
    assert outcome.status == "imported" or (outcome.reason or "").endswith(".")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=300)
@given(content=st.one_of(st.binary(max_size=300), spoil(CSV), spoil(CSV.decode("cp1251").encode())))
def test_any_bytes_called_csv_give_an_outcome_in_words(
    place: Home, content: bytes, ready: Callable[[str], Profile]
) -> None:
    judge(place, content, ready("kassa_csv"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=300)
@given(content=st.one_of(st.binary(max_size=300), spoil(XML)))
def test_any_bytes_called_xml_give_an_outcome_in_words(
    place: Home, content: bytes, ready: Callable[[str], Profile]
) -> None:
    judge(place, content, ready("kassa_xml"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=200)
@given(content=st.one_of(st.binary(max_size=300), st.text("12;,\"'\r\n \t-", max_size=120).map(str.encode)))
@pytest.mark.parametrize("quote", ['"', ""])
def test_any_bytes_without_a_header_give_an_outcome_in_words(place: Home, content: bytes, quote: str) -> None:
    document = {
        "kind": "csv",
        "service": "internet",
        "csv": {"header": False, "quote": quote, "trailer": ["="], "trailer_count": 1, "trailer_sum": 2},
        "columns": {"account": 1, "balance": 2},
        "control": {"count": "COUNT"},
        "accept": {"bad_rows_max_share": 0.5, "duplicates": "same_row_ok"},
    }
    judge(place, content, Profile("law", "0" * 64, parse_layout(document, "law.toml")))


@pytest.fixture
def ready(place: Home) -> Callable[[str], Profile]:
    return lambda name: find_profile(place, name)
