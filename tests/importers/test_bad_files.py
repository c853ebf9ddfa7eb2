"""Every bad file is refused in words, and what was loaded before stays."""

from __future__ import annotations

import gzip
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from kassa.home import Home, data_folder
from kassa.importing import Outcome
from kassa.subscribers import Snapshot, current_path

Load = Callable[..., Outcome]

HEADER = "Лицевой счёт;ФИО;Адрес;Услуга;Баланс;Дата"
ROW = "0017742;Ёлкина А. П.;г. Примерск, ул. Садовая, д. 5, кв. 12;Интернет;-350,50;24.11.2026"
EXAMPLES = data_folder() / "examples"
XML = (EXAMPLES / "subscribers.xml").read_bytes()
CSV = (EXAMPLES / "subscribers.csv").read_bytes()
MANY = "\r\n".join([HEADER, *(ROW.replace("0017742", f"{n:07}") for n in range(3000)), ""])


def lines(*rows: str) -> bytes:
    return "\r\n".join([HEADER, *rows, ""]).encode("cp1251")


LAUGHS = (
    b"""<?xml version="1.0"?><!DOCTYPE subscribers [<!ENTITY a "ha">%s]><subscribers><s account="&j;"/></subscribers>"""
    % (b"".join(b'<!ENTITY %c "%s">' % (c, b"&%c;" % (c - 1) * 10) for c in b"bcdefghij"))
)

BAD_CSV = {
    "empty": (b"", "0 байт"),
    "blank lines only": (b"\r\n\r\n", "ни одной строки"),
    "header only": (lines(), "ни одной строки"),
    "header without line end": (HEADER.encode("cp1251"), "ни одной строки"),
    "separators only": (lines(";;;;;", ";;;;;"), "ни одной строки"),
    "wrong columns": (lines(ROW).replace("Баланс".encode("cp1251"), "Итого к".encode("cp1251")), "«Баланс»"),
    "wrong separator": (lines(ROW).replace(b";", b"\t"), "TAB"),
    "column twice": (f"{HEADER};Баланс\n{ROW};1".encode("cp1251"), "дважды"),
    "cut in a row": (CSV[:-40], "ошибками 1"),
    "fewer rows than it says": (lines("#COUNT 2", ROW), "записей 2, а прочитано 1"),
    "another sum than it says": (lines("#SUM -350,51", ROW), "-350,51"),
    "another sum in its trailer": (lines(ROW, "ИТОГО;;;;-350,00;"), "-350.50"),
    "rows after the trailer": (lines(ROW, "ИТОГО;;;;-350,50;", ROW.replace("7742", "7743")), "склеены"),
    "a control value that is none": (lines("#COUNT two", ROW), "COUNT"),
    "cp866 instead of cp1251": (f"{HEADER}\n{ROW}\n".encode("cp866"), "cp866"),
    "KOI8-R instead of cp1251": (f"{HEADER}\n{ROW}\n".encode("koi8-r"), "koi8-r"),
    "UTF-8 read as cp1251": (f"{HEADER}\n{ROW}\n".encode().decode("cp1251", "ignore").encode(), "перекодировкой"),
    "UTF-16": (f"{HEADER}\n{ROW}\n".encode("utf-16"), "UTF-16"),
    "a byte that cp1251 has not": (lines(ROW.replace("А. П.", "А~П")).replace(b"~", b"\x98"), "строке 2"),
    "UTF-8 cut inside a letter": (f"{HEADER}\n{ROW}\n{ROW[:12]}".encode("utf-8-sig")[:-1], "строке 3"),
    "two files glued": (f"{HEADER}\n{ROW}\n\ufeff{HEADER}\n{ROW}\n".encode(), "строка 3"),
    "a NUL": (lines(ROW, ROW.replace("0017742", "00\x0017743")), "строке 3"),
    "a NUL far inside": (MANY.replace("0002999", "\x002999").encode("cp1251"), "строке 3001"),
    "an open quote": (lines(ROW.replace("Ёлкина", '"Ёлкина'), ROW.replace("7742", "7743")), "строке 2"),
    "an open quote far from the end": (MANY.replace("0000007;", '0000007;"').encode("cp1251"), "строке 9"),
    "a field of two lines": (lines(ROW.replace("Ёлкина А. П.", '"Ёлкина\r\nА. П."')), "кавычка"),
    "a huge field": (lines(ROW.replace("Ёлкина", "Ё" * 5_000_000)), "длиннее"),
    "a long field": (lines(ROW.replace("Ёлкина", "Ё" * 1000)), "ошибками 1"),
    "a long header": (b"x" * 100_000, "заголовка"),
    "an account that is a number": (lines(ROW.replace("0017742", "1,23457E+15")), "ошибками 1"),
    "an unknown service": (lines(ROW.replace("Интернет", "Страховка")), "ошибками 1"),
    "a bad amount": (lines(ROW.replace("-350,50", "350,505")), "ошибками 1"),
    "a date that is none": (lines(ROW.replace("24.11.2026", "31.02.2026")), "ошибками 1"),
    "a date to come": (lines(ROW.replace("2026", "2999")), "будущем"),
    "an account twice": (lines(ROW, ROW), "больше одного раза: 1"),
    "a date before computers": (lines(ROW.replace("2026", "1970")), "слишком старая"),
    "a count of ten thousand digits": (lines("#COUNT " + "9" * 10_000, ROW), "нельзя прочитать"),
    "a sum that is none": (lines("#SUM 1e9", ROW), "нельзя прочитать"),
    "a date of itself that is none": (lines("#DATE yesterday", ROW), "нельзя прочитать"),
    "a million columns": (lines(ROW + ";" * 1_000_000), "длиннее"),
    "sixty thousand columns": ((HEADER + ";" * 60_000 + "\r\n" + ROW).encode("cp1251"), "ошибками 1"),
    "a million lines of another width": (lines(ROW) + b"x\n" * 1_000_001, "1000000 строк"),
    "letters of no encoding": (lines(ROW).replace("Ёлкина".encode("cp1251"), bytes(range(0x80, 0x98)) + bytes(range(0x99, 0xC0)) * 4), "не читаются"),
    "a column that steers the terminal": (lines(ROW).replace("Баланс".encode("cp1251"), b"\x1b[2JSum"), "\\x1b[2JSum"),
    "a line end inside the header": (lines(ROW).replace(b";", b";\n", 1), "нет столбца"),
    "gzip": (gzip.compress(CSV), "gzip"),
    "a spreadsheet": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "CSV"),
    "bytes of chance": (bytes(range(1, 256)) * 20, ""),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_CSV)
def test_a_bad_csv_is_refused_in_words(load: Load, current: Callable[[], Snapshot], case: str) -> None:
    load(CSV)
    content, words = BAD_CSV[case]

    outcome = load(content, name="bad.csv")

    assert outcome.status == "refused"
    assert words in (outcome.reason or "")
    assert (outcome.reason or "").isprintable()
    assert current().info.file == "base.csv"
    assert Path(outcome.report or "").read_text().startswith("Файл не принят: ")


BAD_XML = {
    "cut off": (XML[:-30], "оборван"),
    "cut inside a letter": (XML[:150], "оборван"),
    "fewer records than it says": (XML.replace(b'count="39"', b'count="40"'), "40"),
    "a DOCTYPE": (XML.replace(b"<subscribers", b'<!DOCTYPE s SYSTEM "file:///etc/passwd"><subscribers', 1), "DOCTYPE"),
    "billion laughs": (LAUGHS, "DOCTYPE"),
    "a DOCTYPE in UTF-16": (LAUGHS.decode().replace("1.0", '1.0" encoding="utf-16').encode("utf-16"), "UTF-16"),
    "an external entity": (b'<!DOCTYPE s [<!ENTITY x SYSTEM "file:///etc/passwd">]><subscribers>&x;</subscribers>', "DOCTYPE"),
    "another root": (b"<people/>", "people"),
    "no record": (b"<subscribers/>", "ни одной строки"),
    "an encoding that lies": (XML.replace(b"UTF-8", b"windows-1251", 1), "как UTF-8"),
    "windows-1251 named nothing": (XML.decode().replace(' encoding="UTF-8"', "").encode("cp1251"), "испорчен"),
    "an encoding of nobody": (XML.replace(b"UTF-8", b"../../x", 1), "../../x"),
    "an encoding that would hide tags": (XML.replace(b"UTF-8", b"UTF-7", 1), "UTF-7"),
    "UTF-16": (XML.decode().replace("UTF-8", "UTF-16").encode("utf-16"), "UTF-16"),
    "UTF-16 without a mark": (XML.decode().replace("UTF-8", "UTF-16").encode("utf-16-le"), "UTF-16"),
    "a NUL": (XML.replace("Цой".encode(), b"\0", 1), "испорчен"),
    "two roots": (XML + XML.partition(b"\n")[2], "испорчен"),
    "cp866 named windows-1251": (
        XML.decode().replace("UTF-8", "windows-1251").encode("cp866"), "cp866"),
    "an encoding we do not take": (XML.replace(b"UTF-8", b"iso-8859-5", 1), "iso-8859-5"),
    "XInclude": (
        b'<subscribers xmlns:x="http://www.w3.org/2001/XInclude"><x:include href="/etc/passwd"/></subscribers>', "XInclude"),
    "too many attributes": (b"<subscribers><s " + b" ".join(b'a%d=""' % n for n in range(65)) + b"/></subscribers>", "64"),
    "too deep": (b"<subscribers>" + b"<a>" * 20 + b"</a>" * 20 + b"</subscribers>", "16"),
    "a record of many children": (b"<subscribers><s>" + b"<a/>" * 1001 + b"</s></subscribers>", "1000"),
    "a huge attribute": (b'<subscribers><s account="' + b"1" * 11_000_000 + b'"/></subscribers>', ""),
    "a gzip bomb": (gzip.compress(b"<subscribers>" + b" " * 50_000_000), "gzip"),
    "a wrong account": (XML.replace(b"4038172956", b"40-38"), "ошибками 3"),
    "a million elements outside of records": (b"<subscribers>" + b"<a/>" * 1_000_000 + b"</subscribers>", "ни одной строки"),
    "a record in a record": (b'<subscribers><s account="1"><s account="2"/></s></subscribers>', "ошибками 1 из 1"),
    "entities of nobody": (b'<subscribers><s account="&amp;1"><name>&nbsp;</name></s></subscribers>', "испорчен"),
    "not XML": (CSV, "XML испорчен"),
    "empty": (b"", "0 байт"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_XML)
def test_a_bad_xml_is_refused_in_words(load: Load, current: Callable[[], Snapshot], case: str) -> None:
    load(CSV)
    content, words = BAD_XML[case]

    outcome = load(content, "kassa_xml", name="bad.xml")

    assert outcome.status == "refused"
    assert words in (outcome.reason or "")
    assert current().info.file == "base.csv"


def make_folder(path: Path) -> Path:
    path.mkdir()
    return path


def make_link(path: Path) -> Path:
    path.symlink_to(EXAMPLES / "subscribers.csv")
    return path


def make_pipe(path: Path) -> Path:
    os.mkfifo(path)
    return path


def make_bytes_name(path: Path) -> Path:
    named = Path(os.fsdecode(os.fsencode(path.parent) + b"/\xe1\xe0\xe7\xe0.csv"))
    named.write_bytes(CSV)
    return named


def make_sparse_giant(path: Path) -> Path:
    with path.open("wb") as file:
        file.truncate(1 << 40)
    return path


def make_workbook(path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
    return path


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (make_folder, "папка"),
        (make_link, "ссылка"),
        (make_pipe, "канал"),
        (make_bytes_name, "не в UTF-8"),
        (make_sparse_giant, "size_max_mb"),
        (make_workbook, "CSV"),
        (lambda path: path, "файла нет"),
    ],
)
def test_what_is_no_ordinary_file_is_refused_in_words(
    load: Load, tmp_path: Path, home: Home, make: Callable[[Path], Path], words: str
) -> None:
    outcome = load(make(tmp_path / "odd.csv"))

    assert outcome.status == "refused"
    assert words in (outcome.reason or "").lower() or words in (outcome.reason or "")
    assert current_path(home.snapshots) is None
    assert not list(home.run.glob("*.spool"))


@pytest.mark.parametrize("line", ["#COUNT \x1b[2J\x07", "#SUM \x1b[2J\x07", "ИТОГО;;;;\x1b[2J\x07;"])
def test_what_a_file_says_of_itself_cannot_steer_the_terminal_its_report_is_read_on(
    load: Load, line: str
) -> None:
    outcome = load(lines(ROW, line))

    report = Path(outcome.report or "").read_text()
    assert "\\x1b[2J\\x07" in report
    assert "\x1b" not in report
