"""Files that people bring: an operator's subscribers, and what technicians write about them in TOML."""

from __future__ import annotations

import atexit
import re
import shutil
import tempfile
import tomllib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache
from io import BytesIO
from pathlib import Path

import pyarrow as pa
from pieces import Pieces, Target, check_error

from importers.csv_reader import read_csv
from importers.encoding import find_encoding
from importers.job import Job, is_older, read_applied, read_sum
from importers.profile import Layout, Profile, load_profile, parse_layout
from importers.rows import RAW, TEXT_COLUMNS, TEXT_MAX, Checker, Findings, read_date
from importers.words import Unusable
from importers.xml_reader import read_xml
from kassa import config
from kassa.errors import KassaError
from kassa.home import Home, data_folder
from kassa.layout import DateError, parse_date
from kassa.money import MINOR_DIGITS, MINOR_MAX, MoneyError, from_decimal
from kassa.subscribers import Snapshot, mask_address, mask_name, open_current

PROFILES = data_folder() / "profiles"
EXAMPLES = data_folder() / "examples"
CSV = (EXAMPLES / "subscribers.csv").read_bytes()
XML = (EXAMPLES / "subscribers.xml").read_bytes()
ROW_CSV = b"".join(CSV.splitlines(keepends=True)[:4])
KOPECKS_MAX = 10**13
"""Eleven digits of roubles; see importers.rows."""
ODD_CSV = {
    "kind": "csv",
    "service": "internet",
    "csv": {"header": False, "separator": ",", "trailer": ["="], "trailer_count": 1, "trailer_sum": 2},
    "columns": {"account": 1, "balance": 2, "name": 3, "as_of": 4},
    "account": {"letters": "latin", "pad_width": 8, "pattern": "[0-9A-Z-]{1,20}"},
    "amount": {
        "thousands": "apostrophe",
        "minus": ["leading", "trailing", "parentheses", "typographic"],
        "sign": "debt",
        "decimal": "any",
    },
    "control": {"count": "COUNT", "sum": "SUM", "as_of": "DATE", "applied": "APPLIED"},
    "accept": {"bad_rows_max_share": 0.5, "duplicates": "same_row_ok"},
}
BARE_CSV = {
    "kind": "csv",
    "encoding": "cp1251",
    "csv": {"separator": "\t", "quote": "", "comment": ""},
    "columns": {"account": "account", "balance": "balance", "service": "service"},
    "amount": {"thousands": "blank", "minus": []},
    "services": {"internet": "internet"},
}


@cache
def profiles() -> tuple[Profile, ...]:
    """Two that people use, and two that use every knob the others leave alone."""
    return (
        load_profile(PROFILES / "kassa_csv.toml"),
        Profile("odd", "0" * 64, parse_layout(ODD_CSV, "odd.toml")),
        Profile("bare", "0" * 64, parse_layout(BARE_CSV, "bare.toml")),
        load_profile(PROFILES / "kassa_xml.toml"),
    )


def csv_file(data: bytes) -> None:
    pieces = Pieces(data)
    read_by(profiles()[pieces.number(3)], pieces.rest())


def xml_file(data: bytes) -> None:
    read_by(profiles()[3], data)


def read_by(profile: Profile, content: bytes) -> None:
    """A file is rows that are all good, bad rows that are all named, or refused in words."""
    layout, findings = profile.layout, Findings()
    checker = Checker(profile, "RUB", findings)
    read = read_csv if layout.kind == "csv" else read_xml
    taken = 0
    try:
        for raw in read(BytesIO(content), layout, findings):
            good = checker.check(raw)
            check_good_rows(good, layout, lines=content.count(b"\n") + content.count(b"\r") + 1)
            taken += good.num_rows
    except Unusable as refusal:
        check_words(refusal.say)
        return
    assert findings.rows == taken + findings.bad_total, "a row is neither taken nor refused"
    for row in findings.bad_rows:
        check_words(row.as_words().say)


def check_good_rows(good: pa.RecordBatch, layout: Layout, lines: int) -> None:
    account = re.compile(layout.account.pattern)
    services = {*layout.services.values(), layout.service}
    for row in good.to_pylist():
        assert account.fullmatch(row["account"]), row
        assert row["service"] in services, row
        assert abs(row["minor"]) < KOPECKS_MAX <= MINOR_MAX, row
        assert 1 <= row["line"] <= lines, row
        for text in (row["name"], row["address"]):
            assert len(text) <= TEXT_MAX, row
            assert not re.search("[\x00-\x1f\x7f]", text), row
            assert "\n" not in mask_name(text) + mask_address(text)
    seen = good["line"].to_pylist()
    assert seen == sorted(seen), "rows have changed their order"


def check_words(say: Callable[[str], str]) -> None:
    """A sentence for people, in which nothing of a file can steer the terminal it is printed on."""
    for language in ("ru", "en"):
        assert say(language).isprintable(), say(language)


def encoding(data: bytes) -> None:
    pieces = Pieces(data)
    declared = pieces.choice("auto", "utf-8", "cp1251")
    content = pieces.rest()
    try:
        found = find_encoding(BytesIO(content), declared)
    except Unusable as refusal:
        check_words(refusal.say)
        return
    assert declared in ("auto", found.name) or found.mark_bytes
    assert content[: found.mark_bytes] in (b"", b"\xef\xbb\xbf")


def values(data: bytes) -> None:
    """One raw value of each kind, and the same text as a date, a sum, a batch number."""
    pieces = Pieces(data)
    profile = profiles()[pieces.number(4)]
    text = pieces.rest().decode("utf-8", "replace")
    findings = Findings()
    raw = pa.record_batch([*([text],) * len(TEXT_COLUMNS), [1]], schema=RAW)
    try:
        good = Checker(profile, "RUB", findings).check(raw)
    except Unusable as refusal:
        check_words(refusal.say)
    else:
        check_good_rows(good, profile.layout, lines=1)
    for row in findings.bad_rows:
        check_words(row.as_words().say)
    check_date(profile, text)
    for currency in MINOR_DIGITS:
        minor = read_sum(text, currency)
        assert minor is None or abs(minor) < 10**20
        try:
            money = from_decimal(text, currency)
        except MoneyError:
            continue
        assert from_decimal(money.decimal(), currency) == money
        assert read_sum(text, currency) == money.minor, "one text, two sums"
    applied = read_applied(text, "00042")
    assert applied is None or 0 <= applied < 10**12


def check_date(profile: Profile, text: str) -> None:
    found = read_date(profile, text)
    if found is not None:
        assert found.tzinfo is not None
        now = datetime(2026, 11, 25, 9, tzinfo=UTC)
        assert isinstance(found > now, bool)
        assert isinstance(is_older(found, now), bool)
        assert found == datetime.fromisoformat(found.isoformat())
        assert found.strftime("%d.%m.%Y %H:%M:%S %z").isprintable()
        assert len({found, now}) == 2 or found == now
    for form in ("dd.mm.yyyy", "yyyymmdd", "iso"):
        try:
            parse_date(text, form)
        except DateError:
            continue


def profile_toml(data: bytes) -> None:
    """A profile is refused by key and value, or it is one that a file can be read by."""
    path = place().path / "fuzzed.toml"
    path.write_bytes(data)
    try:
        profile = load_profile(path)
    except KassaError as error:
        check_error(error)
        return
    layout = profile.layout
    for service in filter(None, (layout.service, *layout.services.values())):
        assert re.fullmatch("[a-z][a-z0-9_]{0,31}", service), service
    assert 0 <= layout.accept.bad_rows_max_share <= 0.5
    assert profile.zone is None or profile.zone.key == layout.date.zone
    read_by(profile, ROW_CSV if layout.kind == "csv" else XML)


def config_toml(data: bytes) -> None:
    """kassa.toml is refused by key and value, or every number in it is within its bounds."""
    path = place().path / "fuzzed.toml"
    path.write_bytes(data)
    try:
        loaded = config.load(path)
    except KassaError as error:
        check_error(error)
        return
    assert re.fullmatch("[0-9]{1,12}", loaded.terminal.number, re.ASCII)
    assert re.fullmatch("[0-9]{1,12}", loaded.terminal.operator, re.ASCII)
    for service in loaded.service:
        assert re.fullmatch("[a-z][a-z0-9_]{0,31}", service.id)
        assert 1 <= loaded.money(service.min).minor <= loaded.money(service.max).minor <= MINOR_MAX
        assert loaded.find_service(service.id) is service
        assert "\n" not in service.receipt_name
    for inbox in loaded.inbox:
        assert 0.1 <= inbox.quiet_s <= 600


@cache
def place() -> Home:
    """A terminal's folder of our own, in memory where there is such a file system."""
    memory = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="kassa-fuzz-", dir=memory if memory.is_dir() else None))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    home = Home(folder)
    home.make()
    shutil.copy(EXAMPLES / "kassa.toml", home.config)
    return home


@cache
def terminal() -> config.Config:
    return config.load(place().config)


def whole_import(data: bytes) -> None:
    """From the clerk's file to the store in use, with the report beside it."""
    pieces, home = Pieces(data), place()
    profile = profiles()[pieces.number(4)]
    shutil.rmtree(home.snapshots)
    home.snapshots.mkdir()
    file = home.path / "base.csv"
    file.write_bytes(pieces.rest())
    outcome = Job(home, terminal(), profile, file, home.logs / "imports").run()
    report = Path(outcome.report or "").read_text(encoding="utf-8")
    assert all(letter.isprintable() or letter == "\n" for letter in report)
    assert not list(home.run.glob("*.spool"))
    assert not list(home.snapshots.glob("*.partial*"))
    snapshot = open_current(home.snapshots)
    if outcome.status == "refused":
        assert (outcome.reason or "").endswith(".")
        assert snapshot is None, "a file was refused and taken"
        return
    assert snapshot is not None
    try:
        check_store(snapshot, profile)
        assert snapshot.info.rows == outcome.accepted > 0
    finally:
        snapshot.close()


def check_store(snapshot: Snapshot, profile: Profile) -> None:
    assert snapshot.info.currency == "RUB"
    assert snapshot.info.accounts <= snapshot.info.rows
    assert snapshot.find("no such account") is None
    assert snapshot.info.profile == profile.name


# --- seeds ----------------------------------------------------------------------------------------------------------


def _csv_seeds() -> Iterator[bytes]:
    yield b"\0" + ROW_CSV
    yield b"\0" + ROW_CSV.decode("cp1251").encode("utf-8-sig")
    yield b"\0" + ROW_CSV + "#COUNT 3\r\n#DATE 24.11.2026\r\nИТОГО;;;;-350,50;\r\n".encode("cp1251")
    yield b"\0" + ROW_CSV.replace(b"\r\n", b"\n") + b'"0017742";"a;b";"";tv;"1\xa0200,00";24.11.2026\n'
    yield b'\1#COUNT=2\n0017742,(350.50),Name,24.11.2026\nAB-1,1\'000.00-,"a ""b""",2026-11-24\n'
    yield b"\1=3,100.00\n1,2\n1,2\n,,,\n\x1a"
    yield b"\2account\tbalance\tservice\n1\t2\tinternet\n"


def _xml_seeds() -> Iterator[bytes]:
    yield XML[: XML.index(b"</s>") + 4] + b"</subscribers>"
    yield (
        b'<?xml version="1.0" encoding="windows-1251"?><subscribers count="1" sum="-350.50" as-of="2026-11-24">'
        + '<s account="0017742"><name>Ёлкина</name><service code="1" balance="-350,50"/></s></subscribers>'.encode(
            "cp1251"
        )
    )
    yield b'<a:subscribers xmlns:a="urn:x"><a:s a:account="0017742"><name><![CDATA[x]]></name></a:s></a:subscribers>'
    yield b'<!DOCTYPE s [<!ENTITY x "y">]><subscribers><s account="&x;"/></subscribers>'
    yield b"<subscribers><s account='1'><s account='2'/></s><!-- x --><?pi x?></subscribers>"


def _encoding_seeds() -> Iterator[bytes]:
    text = "Ёлкина А. П.; Привалов Пётр; Цой Виктор\n"
    for number, name in enumerate(
        ("utf-8", "cp1251", "cp866", "koi8-r", "mac-cyrillic", "utf-8-sig", "utf-16")
    ):
        yield bytes((number % 3,)) + text.encode(name)
    yield b"\0" + text.encode().decode("cp1251", "ignore").encode()


def _value_seeds() -> Iterator[bytes]:
    for number, text in enumerate(
        (
            "0017742", '="0017742"', "1,23457E+15", "-350,50", "1 200,00", "(1'000.5)", "−7", "24.11.2026",
            "2026-11-24T06:00:00+03:00", "00042-000316 00043-000120", "АВС-77", "20261124", "99999999999,99",
            "0001-01-01T00:00:00+23:59",
        )
    ):  # fmt: skip
        yield bytes((number % 4,)) + text.encode()


def _profile_seeds() -> Iterator[bytes]:
    for path in sorted(PROFILES.glob("*.toml")):
        text = path.read_text(encoding="utf-8")
        yield re.sub(r"(?m)\s*#.*$|^\s+", "", text).encode()
    yield b'kind="csv"\nservice="internet"\ncsv.header=false\ncolumns={account=1,balance=2}\nname_date="([0-9]{8})"\n'
    yield b'kind="xml"\nservice="tv"\ncolumns={account="@a",balance="b/c"}\ndate={zone="Europe/Moscow",forms=["iso"]}\n'


def _config_seeds() -> Iterator[bytes]:
    text = (EXAMPLES / "kassa.toml").read_text(encoding="utf-8")
    short = re.sub(r"(?m)\s+#.*$|^#.*\n", "", text)
    assert tomllib.loads(short) == tomllib.loads(text)
    first_service = short.index("[[service]]", short.index("[[service]]") + 1)
    yield short[:first_service].encode()
    yield (
        b'terminal={number="1",operator="2",owner="o",address="a",phone="p"}\nvalidator.port="v"\nregistrar.port="r"\n'
        b'[[service]]\nid="tv"\nname={ru="TV"}\nicon="tv"\nmin=1\nmax=2\n'
    )


def _import_seeds() -> Iterator[bytes]:
    yield from _csv_seeds()
    for seed in _xml_seeds():
        yield b"\3" + seed
    yield b"\0\x1f\x8b\x08"


CSV_WORDS = (
    b"#COUNT ", b"#SUM ", b"#DATE ", b"#APPLIED 00042-000316", "ИТОГО".encode("cp1251"), b"\r\n", b'""', b'="', b"E+15",
    b"\xef\xbb\xbf", b"\xe2\x88\x92", b"24.11.2026", b"-350,50", b"1\xa0200,00",
)  # fmt: skip
XML_WORDS = (
    b"<subscribers ", b"</subscribers>", b"<s ", b"</s>", b"<service ", b"account=", b"balance=", b"code=", b"count=",
    b"sum=", b"as-of=", b"applied=", b"<!DOCTYPE", b"<!ENTITY", b"<![CDATA[", b"]]>", b"<?xml ", b"encoding=",
    b"windows-1251", b"UTF-8", b"&amp;", b"&#10;", b"xmlns:", b"http://www.w3.org/2001/XInclude",
)  # fmt: skip
TOML_WORDS = (
    b"[[", b"]]", b'"""', b"'''", b" = ", b"true", b"false", b"nan", b"inf", b"1979-05-27T07:32:00Z", b"0x", b"1e9",
    b"[terminal]", b"[[service]]", b"[[inbox]]", b"[columns]", b"kind=", b"pattern=", b"name_date=", b"zone=", b"services",
    b"header=", b"quote=", b"trailer=", b"minus=", b"forms=", b"required=", b"\\u0000", b"\\U0010ffff",
)  # fmt: skip
TARGETS = {
    "csv_file": Target(csv_file, _csv_seeds, CSV_WORDS, 4096),
    "xml_file": Target(xml_file, _xml_seeds, XML_WORDS, 4096),
    "encoding": Target(encoding, _encoding_seeds),
    "values": Target(values, _value_seeds, CSV_WORDS, 256),
    "profile_toml": Target(profile_toml, _profile_seeds, TOML_WORDS, 4096),
    "config_toml": Target(config_toml, _config_seeds, TOML_WORDS, 4096),
    "whole_import": Target(whole_import, _import_seeds, CSV_WORDS + XML_WORDS, 4096),
}
