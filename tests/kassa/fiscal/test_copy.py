"""A copy of a document says that it is one, and all that the journal knows of the document."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import msgspec
import pytest

from kassa.config import load
from kassa.fiscal.copy import lines_of
from kassa.home import data_folder
from kassa.journal.records import DocumentRecord, LateDecision, MadeDocument

MOSCOW = timezone(timedelta(hours=3))
NOW = datetime(2026, 11, 30, 12, 0, tzinfo=MOSCOW)
DOCUMENT = DocumentRecord(
    "00042-0000000001", 1235, 77, "2026-11-24T14:05:00+03:00", "9999078900001234", 57, 65000, False
)
MADE = MadeDocument(DOCUMENT, "internet", "4038172956", None, None)


@pytest.fixture
def config():
    return load(data_folder() / "examples" / "kassa.toml")


def english(config):
    return msgspec.structs.replace(config, terminal=msgspec.structs.replace(config.terminal, language="en"))


def test_a_copy_says_at_both_ends_that_it_is_no_fiscal_document(config):
    lines = lines_of(MADE, config, NOW)
    assert lines[:2] == ("КОПИЯ ЧЕКА", "НЕ ЯВЛЯЕТСЯ ФИСКАЛЬНЫМ ДОКУМЕНТОМ")
    assert lines[-1] == "НЕ ЯВЛЯЕТСЯ ФИСКАЛЬНЫМ ДОКУМЕНТОМ"
    assert lines_of(MADE, english(config), NOW)[:2] == ("COPY OF A RECEIPT", "NOT A FISCAL DOCUMENT")


def test_a_copy_tells_all_that_the_document_did(config):
    lines = lines_of(MADE, config, NOW)
    for told in (
        "Примерсвязь", "г. Примерск, ул. Садовая, д. 5", "Терминал: 00042", "Платёж: 00042-0000000001",
        "Услуга: Аванс за услуги связи", "Лицевой счёт: 4038172956", "ИТОГ: 650.00 RUB",
        "Дата и время: 24.11.2026 14:05", "ФД: 1235", "ФПД: 0000000077", "ФН: 9999078900001234", "Смена: 57",
        "Копия напечатана: 30.11.2026 12:00",
    ):  # fmt: skip
        assert told in lines
    assert not [line for line in lines if "Электронный" in line]


def test_where_the_electronic_receipt_went_is_told_masked(config):
    lines = lines_of(replace(MADE, contact="ivan.petrov@example.ru"), config, NOW)
    assert "Электронный чек направлен на:" in " ".join(lines)
    assert "iv***@example.ru" in " ".join(lines)
    assert "petrov" not in " ".join(lines)


def test_a_copy_of_a_correction_says_so(config):
    made = replace(MADE, decision=LateDecision("correction", "7"))
    assert lines_of(made, config, NOW)[0] == "КОПИЯ ЧЕКА КОРРЕКЦИИ"
    assert lines_of(replace(MADE, decision=LateDecision("receipt", "7")), config, NOW)[0] == "КОПИЯ ЧЕКА"


def test_a_shift_that_nobody_knows_is_on_no_copy(config):
    found = replace(MADE, document=replace(DOCUMENT, shift=0))
    assert not [line for line in lines_of(found, config, NOW) if line.startswith("Смена")]


def test_a_printer_without_fiscal_functions_has_no_fiscal_numbers(config):
    plain = replace(MADE, document=replace(DOCUMENT, number=1, sign=0, drive_serial="", shift=0))
    lines = lines_of(plain, config, NOW)
    assert lines[0] == "КОПИЯ КВИТАНЦИИ"
    assert "Квитанция: 1" in lines
    assert not [line for line in lines if line.startswith(("ФД", "ФПД", "ФН", "Смена"))]


@pytest.mark.parametrize("width", [32, 36, 42, 48, 64])
def test_no_line_is_wider_than_the_paper_or_looks_otherwise_where_blanks_are_joined(config, width):
    narrow = msgspec.structs.replace(config, registrar=msgspec.structs.replace(config.registrar, width=width))
    lines = lines_of(replace(MADE, contact="ivan.petrov@example.ru", service="gone"), narrow, NOW)
    assert max(map(len, lines)) <= width
    assert list(lines) == [" ".join(line.split()) for line in lines]
