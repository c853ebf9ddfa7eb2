"""kassa.toml: what cannot be used is named with key, value and what is allowed."""

import tomllib

import pytest

from kassa.config import ConfigError, load, parse
from kassa.errors import KassaError
from kassa.home import data_folder


@pytest.fixture
def example():
    return tomllib.loads((data_folder() / "examples" / "kassa.toml").read_text(encoding="utf-8"))


def test_the_example_is_a_working_configuration(example):
    config = parse(example)
    assert config.terminal.number == "00042"
    assert config.find_service("internet").max == 15000


@pytest.mark.parametrize(
    ("section", "key", "value", "words"),
    [
        ("validator", "speed", 9601, ["validator.speed = 9601", "9600", "19200"]),
        ("validator", "sped", 9600, ["validator.sped", "no key of this name", "speed"]),
        ("terminal", "number", "abc", ["terminal.number = 'abc'", "digits"]),
        ("terminal", "currency", "XXX", ["terminal.currency", "RUB"]),
        ("registrar", "close_shift_at", "25:00", ["registrar.close_shift_at = '25:00'"]),
        ("receipt", "contact", "fax", ["receipt.contact = 'fax'", "'both'", "'phone'", "'email'", "'off'"]),
        ("cash", "idle_timeout_s", 0, ["cash.idle_timeout_s = 0", ">= 1"]),
        ("terminal", "number", "00042\n", ["terminal.number = '00042\\n'", "digits"]),
        ("registrar", "width", 40, ["registrar.width = 40", "32, 36, 42, 48, 64"]),
        ("registrar", "code_page", "koi8-r", ["registrar.code_page = 'koi8-r'", "'cp866'"]),
        ("registrar", "code_page_number", 256, ["registrar.code_page_number = 256", "<= 255"]),
        ("registrar", "protocol", "epson", ["registrar.protocol = 'epson'", "'shtrih'", "'escpos'"]),
        ("validator", "countries", [], ["validator.countries = []", "a list of length >= 1"]),
        ("validator", "countries", "RUS", ["validator.countries = 'RUS'", "a list"]),
        ("terminal", "address", "ул. Садовая\nд. 5", ["terminal.address", "one line", "fiscal documents"]),
        ("terminal", "place", " ", ["terminal.place", "at least a letter or a digit"]),
        ("terminal", "place", "я" * 257, ["terminal.place", "at most 256 characters"]),
        ("terminal", "automaton", "\t42", ["terminal.automaton", "at most 20 characters"]),
    ],
)
def test_an_error_names_key_value_and_what_is_allowed(example, section, key, value, words):
    example[section][key] = value

    with pytest.raises(ConfigError) as refused:
        parse(example)

    for word in words:
        assert word in str(refused.value)


def test_a_missing_key_is_named(example):
    del example["validator"]["port"]
    with pytest.raises(ConfigError, match=r"validator\.port is missing"):
        parse(example)


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        ({"sign": "paying_agent"}, ["service[0].agent.phones", "at least one", "tag 1073"]),
        ({"sign": "paying_subagent"}, ["service[0].agent.phones", "at least one", "tag 1073"]),
        (
            {"sign": "paying_subagent", "phones": ["+74990000001"]},
            ["service[0].agent.operator_phones", "at least one", "tag 1074"],
        ),
    ],
)
def test_an_agents_receipt_names_the_phones_that_the_law_wants(example, agent, words):
    supplier = {"name": "ООО Сосед", "inn": "7701234567", "phones": ["+74951112233"]}
    example["service"][0]["agent"] = {**agent, "supplier": supplier}

    with pytest.raises(ConfigError) as refused:
        parse(example)

    for word in words:
        assert word in str(refused.value)


def test_a_subject_of_payment_is_one_of_the_table(example):
    example["service"][0]["subject"] = 28
    with pytest.raises(
        ConfigError, match=r"service\[0\]\.subject = 28 cannot be used; allowed: 1, 2, .*27, 30"
    ):
        parse(example)


@pytest.mark.parametrize("name", ["Internet", {"ru": "Интернет", "de": "Internet"}, {"ru": 5}, {"ru": ""}])
def test_a_text_by_language_is_explained_and_nothing_but_it_is_shown(example, name):
    example["service"][0]["name"] = name

    with pytest.raises(ConfigError) as refused:
        parse(example)

    assert str(refused.value) == (
        f"kassa.toml: service[0].name = {name!r} cannot be used; "
        'allowed: texts by language, like { ru = "Интернет", en = "Internet" }'
    )


@pytest.mark.parametrize("name", ["", "я" * 101, "Аванс\nза услуги"])
def test_the_name_on_a_receipt_leaves_room_for_the_account(example, name):
    example["service"][0]["receipt_name"] = name
    with pytest.raises(ConfigError, match=r"service\[0\]\.receipt_name = .* 1 to 100 characters"):
        parse(example)


def test_a_service_is_named_by_its_place(example):
    example["service"][1]["max"] = 1
    with pytest.raises(ConfigError, match=r"service\[1\]\.max"):
        parse(example)


def test_a_note_above_the_maximum_is_no_denomination_of_the_service(example):
    example["service"][0]["denominations"] = [100, 50000]
    with pytest.raises(ConfigError, match=r"service\[0\]\.denominations = \[50000\] .* at most 15000"):
        parse(example)


def test_the_name_of_a_receipts_template_is_no_path(example):
    example["service"][0]["receipt_template"] = "../secret"
    with pytest.raises(ConfigError, match=r"service\[0\]\.receipt_template = '\.\./secret'"):
        parse(example)


def test_a_file_belongs_to_one_inbox(example):
    example["inbox"][1]["names"] = ["*.xml", "*.CSV"]
    with pytest.raises(ConfigError, match=r"inbox\[1\]\.names = \['\*\.csv'\] .* no other inbox"):
        parse(example)

    example["inbox"][1]["folder"] = "another"
    parse(example)


def test_a_service_id_stands_once(example):
    example["service"][1]["id"] = example["service"][0]["id"]
    with pytest.raises(ConfigError, match=r"each id once"):
        parse(example)


def test_a_missing_file_says_how_to_make_one(tmp_path):
    with pytest.raises(KassaError, match="kassa init"):
        load(tmp_path / "kassa.toml")


def test_broken_toml_says_where(tmp_path):
    path = tmp_path / "kassa.toml"
    path.write_text("[terminal\n")
    with pytest.raises(KassaError, match="line 1"):
        load(path)


def test_a_byte_order_mark_of_an_editor_does_no_harm(tmp_path):
    path = tmp_path / "kassa.toml"
    path.write_bytes(b"\xef\xbb\xbf" + (data_folder() / "examples" / "kassa.toml").read_bytes())
    assert load(path).terminal.number == "00042"


def test_a_file_in_another_encoding_says_where_and_what_to_do(tmp_path):
    path = tmp_path / "kassa.toml"
    path.write_bytes('[terminal]\nowner = "Примерсвязь"\n'.encode("cp1251"))
    with pytest.raises(KassaError, match="line 2 is not UTF-8; save it as UTF-8"):
        load(path)


def test_a_table_in_the_wrong_place_is_shown_by_its_beginning(example):
    example["terminale"] = example["terminal"]
    with pytest.raises(ConfigError, match=r"terminale = \{'number': '00042'.* \.\.\. cannot be used"):
        parse(example)


def test_a_file_that_is_no_configuration_is_not_read_to_its_end(tmp_path):
    path = tmp_path / "kassa.toml"
    path.write_bytes((data_folder() / "examples" / "kassa.toml").read_bytes() + b"#" * (1 << 20))
    with pytest.raises(KassaError, match="larger than 256 KB"):
        load(path)


@pytest.mark.parametrize(
    "text",
    ["a = " + "[" * 2000 + "]" * 2000, "terminal." + ".".join("a" * 1000) + " = 1", "a = " + "9" * 5000],
)
def test_a_file_that_would_break_its_reader_is_refused_in_words(tmp_path, text):
    path = tmp_path / "kassa.toml"
    path.write_text(text)
    with pytest.raises(KassaError, match=r"kassa\.toml cannot be read"):
        load(path)


def test_an_unknown_key_is_shown_with_its_value_whatever_it_is_made_of(example):
    example["terminal"]["a.b\x1b[2J"] = 7
    with pytest.raises(
        ConfigError, match=r"terminal\.a\.b\\x1b\[2J = 7 cannot be used; allowed: no key"
    ) as refused:
        parse(example)
    assert str(refused.value).isprintable()


@pytest.mark.parametrize(
    ("registrar", "words"),
    [
        ({"protocol": "atol_web", "port": "/dev/ttyUSB0"}, "http://127.0.0.1:16732"),
        ({"protocol": "atol_web", "port": "http://127.0.0.1"}, "http://127.0.0.1:16732"),
        ({"protocol": "atol_web", "port": "http://kassa:hush@127.0.0.1:16732"}, "http://127.0.0.1:16732"),
        ({"protocol": "atol_web", "port": "http://127.0.0.1:16732", "user": "a:b"}, "without a colon"),
        ({"protocol": "atol_library", "port": "usb"}, "libfptr10.py"),
        ({"protocol": "atol_library", "port": "tcp://", "library": "/x.py"}, "tcp://HOST:PORT"),
    ],
)
def test_a_registrars_port_has_to_suit_its_protocol(example, registrar, words):
    example["registrar"] |= registrar

    with pytest.raises(ConfigError, match=words):
        parse(example)


def test_atol_is_configured_by_web_server_or_by_library(example):
    example["registrar"] |= {
        "protocol": "atol_web",
        "port": "http://127.0.0.1:16732",
        "user": "kassa",
        "secret": "s",
    }
    assert parse(example).registrar.user == "kassa"
    example["registrar"] |= {"protocol": "atol_library", "port": "usb", "library": "/opt/atol/libfptr10.py"}
    assert parse(example).registrar.library == "/opt/atol/libfptr10.py"
