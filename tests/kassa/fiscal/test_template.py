"""Templates of receipts: what they may say, and what is told of those that cannot be used."""

import tomllib
from dataclasses import replace
from datetime import UTC, date, datetime

import msgspec
import pytest

from kassa.config import parse
from kassa.errors import KassaError
from kassa.fiscal.receipt import AGENT_SIGNS, receipt
from kassa.fiscal.template import (
    PLACEHOLDERS,
    WORDS,
    TemplateError,
    find_template,
    load_templates,
    parse_template,
    whole_receipt,
)
from kassa.home import Home, data_folder
from kassa.money import of_whole
from kassa.paper import Code, Feed, Pair, Rule, Words, as_text, typeset
from kassa.ports import Agent, Correction, Document, Supplier

PAYMENT = "00042-0000000007"
AT = datetime(2026, 11, 24, 14, 5, tzinfo=UTC)


@pytest.fixture
def example():
    return tomllib.loads((data_folder() / "examples" / "kassa.toml").read_text(encoding="utf-8"))


@pytest.fixture
def config(example):
    return parse(example)


@pytest.fixture
def home(tmp_path):
    (tmp_path / "receipts").mkdir()
    return Home(tmp_path)


def template(printer, registrar="[]"):
    return parse_template(f"registrar = {registrar}\nprinter = [{printer}]\n", "own.toml")


def made(config, home, service="internet", **more):
    return receipt(
        PAYMENT, service, "4038172956", of_whole(650), config, templates=load_templates(config, home), **more
    )


def printed(config, home, one, name="default"):
    document = Document(7, 0, AT, one.total, "", 0)
    return as_text(typeset(whole_receipt(find_template(name, home), one, document, config), 48))


# --- what is on the paper ---------------------------------------------------------------------------------------------


def test_a_fiscal_registrar_gets_the_lines_above_the_items(config, home):
    assert made(config, home).lines == (
        "Терминал 00042",
        "г. Примерск, ул. Садовая, д. 5",
        f"Платёж {PAYMENT}",
        "Справки: 8 800 000-00-00",
    )


def test_a_plain_printer_gets_the_whole_receipt(config, home):
    lines = printed(config, home, made(config, home))

    assert [line.split() for line in lines if "=650.00" in line or line.startswith("И Т")] == [
        ["Аванс", "за", "услуги", "связи,", "ЛС", "4038172956", "=650.00"],
        list("ИТОГ") + list("=650.00"),
        ["НАЛИЧНЫМИ", "=650.00"],
    ]
    assert "Квитанция 7" + "24.11.2026 14:05".rjust(37) in lines
    assert lines[-1] == f"[QR {PAYMENT}]"
    assert not any("ИНН" in line or "КАССОВЫЙ" in line or "КОРРЕКЦИЯ" in line for line in lines)


def test_whose_money_it_is_stands_under_its_item(config, home):
    supplier = Supplier("ООО Сосед", "7701234567", ("+74951112233",))
    one = made(config, home)
    agent = Agent(3, supplier, ("+74990000001",), ("+74990000002",))
    one = replace(one, items=(replace(one.items[0], agent=agent),))

    lines = [" ".join(line.split()) for line in printed(config, home, one)]
    at = lines.index("Аванс за услуги связи, ЛС 4038172956 =650.00")
    assert lines[at + 1 : at + 7] == [
        "ПЛАТЁЖНЫЙ СУБАГЕНТ", "ПОСТАВЩИК ООО Сосед", "ИНН ПОСТАВЩИКА 7701234567", "ТЛФ. ПОСТ. +74951112233",
        "ТЛФ. ПЛ. АГЕНТА +74990000001", "ТЛФ. ОП. ПР. ПЛАТЕЖА +74990000002",
    ]  # fmt: skip


def test_contact_and_correction_are_told_where_there_are_any(config, home):
    correction = Correction(of=date(2026, 11, 23), number="17-К")
    one = made(config, home, contact="me@example.com", correction=correction)

    lines = [" ".join(line.split()) for line in printed(config, home, one)]
    assert {"КОРРЕКЦИЯ за 23.11.2026", "Основание, документ 17-К", "Электронная копия me@example.com"} <= set(
        lines
    )


def test_a_service_that_left_the_configuration_has_the_default_template(config, home):
    assert made(config, home, service="gone").lines == made(config, home).lines


def test_every_agents_sign_has_its_words_in_every_language():
    for words in WORDS.values():
        assert {f"agent_{sign}" for sign in AGENT_SIGNS.values()} <= words.keys()
        assert words.keys() == WORDS["ru"].keys()


def test_a_line_whose_placeholder_has_nothing_to_say_is_left_out(config, home):
    own = template(
        '{ text = "{tax_id}" }, { name = "Копия", value = "{contact}" }, { qr = "{contact}" }, { text = "{owner}" }'
    )
    one = made(config, home)
    assert whole_receipt(own, one, Document(7, 0, AT, one.total, "", 0), config) == [Words("Примерсвязь")]


def test_every_kind_of_line_and_every_placeholder_can_be_used(config, home):
    every = " ".join(f"{{{name}}}" for name in PLACEHOLDERS)
    own = template(
        f'{{ text = "{every}", align = "right", bold = true, large = true }}, {{ rule = "*" }}, {{ feed = 3 }}, '
        '{ name = "a", value = "b" }, { qr = "t={date}" }, { show = "items" }, { show = "totals" }'
    )
    correction = Correction(date(2026, 11, 23), "1")
    one = made(config, home, contact="+79001234567", correction=correction)
    terminal = msgspec.structs.replace(config.terminal, tax_id="ИНН 7701234567")
    config = msgspec.structs.replace(config, terminal=terminal)

    words, *rest = whole_receipt(own, one, Document(7, 0, AT, one.total, "", 0), config)
    assert isinstance(words, Words)
    assert (words.align, words.is_bold, words.is_large) == ("right", True, True)
    assert "ИНН 7701234567" in words.text
    assert "Интернет 4038172956 650.00 RUB +79001234567 23.11.2026 1 7 24.11.2026 14:05" in words.text
    assert rest[:4] == [Rule("*"), Feed(3), Pair("a", "b"), Code("t=24.11.2026")]


def test_a_template_speaks_of_the_place_that_the_receipt_names(config, home):
    one = made(config, home)
    one = replace(one, place=replace(one.place, address="на складе"))
    assert any("на складе" in line for line in printed(config, home, one))


# --- whose template ----------------------------------------------------------------------------------------------------


def test_the_homes_own_template_comes_first_and_a_service_names_another(example, home):
    example["service"][1]["receipt_template"] = "short"
    config = parse(example)
    (home.path / "receipts" / "short.toml").write_text(
        'registrar = ["{service}"]\nprinter = [{ feed = 1 }]\n'
    )
    (home.path / "receipts" / "default.toml").write_text('registrar = []\nprinter = [{ text = "{total}" }]\n')

    assert made(config, home, service="telephone").lines == ("Телефон",)
    assert made(config, home, service="internet").lines == ()
    assert printed(config, home, made(config, home)) == ["650.00"]


def test_a_template_that_is_not_there_is_told_with_those_that_are(example, home):
    example["service"][0]["receipt_template"] = "beautiful"
    with pytest.raises(
        KassaError, match=r"no receipt template 'beautiful' in .*receipts.*; known are: default"
    ):
        load_templates(parse(example), home)


# --- what cannot be used --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("printer", "words"),
    [
        ('{ text = "{owners}" }', "printer[0].text = '{owners}' cannot be used; allowed: text with {owner}, {tax_id}"),
        ('{ text = "{owner" }', "printer[0].text"),
        ('{ feed = 1 }, { text = "x", align = "middle" }', "printer[1].align = 'middle' cannot be used; allowed: 'left', "),
        ('{ show = "all" }', "allowed: 'items', 'totals'"),
        ('{ text = "x", rule = "-" }', "printer[0] = {'text': 'x', 'rule': '-'} cannot be used; allowed: exactly one of"),
        ('{ name = "x" }', "name with value"),
        ('{ value = "x" }', "exactly one of"),
        ("{ bold = true }", "exactly one of"),
        ('{ color = "red" }', "printer[0].color = 'red' cannot be used; allowed: no key of this name; there are: text,"),
        ("{ feed = 11 }", "printer[0].feed = 11 cannot be used; allowed: int <= 10"),
        ('{ rule = "--" }', "printer[0].rule"),
        ('{ text = "" }', "printer[0].text"),
        ("", "printer = [] cannot be used; allowed: array of length >= 1"),
        (", ".join(["{ feed = 1 }"] * 61), "printer = [{'feed': 1}, "),
    ],
)  # fmt: skip
def test_an_error_names_file_and_key_and_what_is_allowed(printer, words):
    with pytest.raises(TemplateError) as refused:
        template(printer)
    assert str(refused.value).startswith("own.toml: ")
    assert words in str(refused.value)


def test_a_fiscal_registrar_prints_its_lines_before_there_is_a_document():
    with pytest.raises(TemplateError, match=r"registrar\[0\] = '\{number\}' cannot be used") as refused:
        template("{ feed = 1 }", '["{number}"]')
    assert "{date}" not in str(refused.value).partition("allowed")[2]


def test_what_is_missing_is_named():
    with pytest.raises(TemplateError, match=r"own\.toml: printer is missing; allowed: a value"):
        parse_template("registrar = []", "own.toml")


def test_what_is_no_toml_is_told_with_its_line():
    with pytest.raises(KassaError, match=r"own\.toml cannot be read: .*line 2"):
        parse_template("registrar = []\nprinter = text", "own.toml")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"registrar = []\nprinter = [ { text = '\xff' } ]", "line 2 is not UTF-8"),
        (b"#" * (1 << 17), "larger than 64 KB"),
        (b"a = " + b"[" * 2000 + b"]" * 2000, "cannot be read"),
    ],
)
def test_a_file_that_is_none_is_refused_in_words(home, content, words):
    (home.path / "receipts" / "default.toml").write_bytes(content)
    with pytest.raises(KassaError, match=words) as refused:
        find_template("default", home)
    assert str(refused.value).isprintable()
