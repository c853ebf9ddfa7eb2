"""The judge of fiscal documents, judged: it finds what is planted into a good document, and says whose fault it is."""

import ffd
import pytest
from fiscal_makers import maker

from kassa.money import of_whole
from kassa.ports import Agent, Receipt, ReceiptItem, Supplier


def tag(number, value):
    return number.to_bytes(2, "little") + len(value).to_bytes(2, "little") + value


def text(number, value):
    return tag(number, value.encode("cp866"))


ITEM = {
    1030: text(1030, "Услуги связи"),
    1079: tag(1079, b"\xe8\xfd"),
    1023: tag(1023, b"\x00\x01"),
    1043: tag(1043, b"\xe8\xfd"),
    1199: tag(1199, b"\x06"),
    1212: tag(1212, b"\x0a"),
    1214: tag(1214, b"\x03"),
    2108: tag(2108, b"\x00"),
}
AGENT = {
    1222: tag(1222, b"\x04"),
    1223: tag(1223, text(1073, "+74990000001") + text(1074, "+74990000002")),
    1224: tag(1224, text(1171, "+74951112233") + text(1225, "ООО СОСЕД")),
    1226: text(1226, "7701234567  "),
}
RECEIPT = {
    1209: tag(1209, b"\x04"),
    1018: text(1018, "7701234567  "),
    1037: text(1037, "0001234567012345    "),
    1041: text(1041, "9999078900001234"),
    1012: tag(1012, bytes(4)),
    1038: tag(1038, b"\x01\0\0\0"),
    1040: tag(1040, b"\x03\0\0\0"),
    1042: tag(1042, b"\x01\0\0\0"),
    1054: tag(1054, b"\x01"),
    1055: tag(1055, b"\x01"),
    1020: tag(1020, b"\xe8\xfd"),
    1031: tag(1031, b"\xe8\xfd"),
    **{number: tag(number, b"\0") for number in (1081, 1215, 1216, 1217)},
    1105: tag(1105, b"\xe8\xfd"),
    1036: text(1036, "000042"),
    1009: text(1009, "г. Примерск"),
    1187: text(1187, "Терминал"),
    1077: tag(1077, bytes(6)),
}
CORRECTED = {1173: tag(1173, b"\0"), 1174: tag(1174, tag(1178, bytes(4)))}


def complaints(document=None, item=None, place="receipt", version="1.2", **named):
    """Of a good document, but for what is said of its tags and of its item's; None takes a tag out."""
    items = {**ITEM, **(item or {})}
    told = {1059: tag(1059, joined(items)), **RECEIPT, **(CORRECTED if place == "correction" else {})}
    if version != "1.2":
        items.pop(2108, None)
        told |= {1059: tag(1059, joined(items)), 1209: tag(1209, {"1.05": b"\x02", "1.1": b"\x03"}[version])}
    return ffd.check(joined(told | (document or {})), place, version, **named)


def joined(tags):
    return b"".join(one for one in tags.values() if one is not None)


@pytest.mark.parametrize("place", ["receipt", "correction"])
@pytest.mark.parametrize("version", ["1.05", "1.1", "1.2"])
def test_a_good_document_has_no_complaint(place, version):
    assert complaints(place=place, version=version) == []


def test_an_agent_is_good_with_all_that_he_owes():
    assert complaints(item=AGENT) == []
    assert complaints({1057: tag(1057, b"\x04")}, AGENT, version="1.05") == []


@pytest.mark.parametrize(
    ("document", "item", "words"),
    [
        # what must be there
        ({1054: None}, {}, "receipt: 1054 (признак расчета) is missing; the host owes it"),
        ({1077: None}, {}, "receipt: 1077 (ФПД) is missing; the registrar owes it"),
        ({1009: None}, {}, "1009 (адрес расчетов) is missing; the host, or the registrar by its registration, owes it"),
        ({}, {1214: None}, "receipt/1059: 1214 (признак способа расчета) is missing; the host owes it"),
        ({}, {2108: None}, "receipt/1059: 2108 (мера количества предмета расчета) is missing"),
        ({1105: None}, {}, "none of 1102, 1103, 1104, 1105, 1106, 1107, 1115 stands here; the registrar owes it"),
        # what must not
        ({1173: tag(1173, b"\0")}, {}, "1173 (тип коррекции) must not stand here in format 1.2"),
        ({1057: tag(1057, b"\x04")}, AGENT, "1057 (признак агента) must not stand here in format 1.2"),
        ({1192: text(1192, "P-1")}, {}, "receipt: 1192 must not stand here"),
        ({}, {1197: text(1197, "шт")}, "1197 (единица измерения предмета расчета) must not stand here in format 1.2"),
        ({}, {1008: text(1008, "+79991234567")}, "receipt/1059: 1008 (телефон или электронный адрес покупателя) must not"),
        ({9: tag(1054, b"\x01")}, {}, "1054 (признак расчета) stands here 2 times"),
        # types and lengths
        ({1036: text(1036, "0" * 21)}, {}, "has 21 bytes; at most 20 are allowed"),
        ({}, {1030: text(1030, "я" * 129)}, "has 129 bytes; at most 128 are allowed"),
        ({1018: text(1018, "7701234567")}, {}, "1018 (ИНН пользователя) = '7701234567' has 10 bytes, not 12"),
        ({1038: tag(1038, b"\x01")}, {}, "1038 (номер смены) = 01 has 1 bytes, not 4"),
        ({1054: tag(1054, b"\x05")}, {}, "1054 (признак расчета) = 05 is none of 1, 2, 3, 4"),
        ({1055: tag(1055, b"\x03")}, {}, "1055 (применяемая система налогообложения) = 03 has not exactly one of the bits"),
        ({1081: tag(1081, b"\0\0")}, {}, "1081 (сумма по чеку (БСО) безналичными) = 00 00 is longer than it needs to be"),
        ({1081: tag(1081, b"")}, {}, "has no digits"),
        ({1009: text(1009, "г. Примерск\nул. Садовая")}, {}, "is not of the form of a line that shows something"),
        ({1187: text(1187, " ")}, {}, "is not of the form of a line that shows something"),
        ({1008: text(1008, "8 (999) 123-45-67")}, {}, "1008 (телефон или электронный адрес покупателя) = '8 (999)"),
        ({1084: tag(1084, b"\x01")}, {}, "receipt/1084: 01 is no run of whole tags"),
        # what depends on what
        ({}, AGENT | {1226: None}, "1226 (ИНН поставщика) is missing: an agent names whose service it is; the host owes it"),
        ({}, AGENT | {1224: tag(1224, text(1171, "+7495"))}, "1225 (наименование поставщика) is missing"),
        ({}, AGENT | {1223: tag(1223, text(1074, "+7495"))}, "1073 (телефон платежного агента) is missing: a paying agent"),
        ({}, AGENT | {1222: None}, "1226 (ИНН поставщика) stands here: agent's and supplier's data stand only where"),
        ({1008: text(1008, "a@b.ru")}, {}, "1117 (адрес электронной почты отправителя чека) is missing: who sends"),
        # sums
        ({1031: tag(1031, b"\xe7\xfd")}, {}, "1020 (сумма расчета, указанного в чеке (БСО)) = 65000, and 1031 + 1081 + 1215"),
        ({}, {1043: tag(1043, b"\xea\xfd")}, "1043 (стоимость предмета расчета с учетом скидок и наценок) = 65002, and"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_found_and_named(document, item, words):
    assert any(words in complaint for complaint in complaints(document, item))


@pytest.mark.parametrize(
    ("document", "item", "words"),
    [
        ({}, AGENT, "1057 (признак агента) is missing: each item has 1222"),
        ({1057: tag(1057, b"\x08")}, AGENT, "1057 (признак агента) = 8, and not each item has 1222"),
        ({1057: tag(1057, b"\x04")}, {}, "1057 (признак агента) = 4, and not each item has 1222"),
        (
            {},
            {2108: tag(2108, b"\0")},
            "2108 (мера количества предмета расчета) must not stand here in format 1.05",
        ),
        ({1256: tag(1256, b"")}, {}, "1256 must not stand here in format 1.05"),
        ({}, {}, "1209 (номер версии ФФД) = 4: the version is the one of the format"),
    ],
)
def test_each_format_has_rules_of_its_own(document, item, words):
    tags = {**ITEM, 2108: None, **item}
    found = ffd.check(joined({**RECEIPT, 1059: tag(1059, joined(tags)), **document}), "receipt", "1.05")

    assert any(words in complaint for complaint in found)


@pytest.mark.parametrize(
    ("document", "version", "words"),
    [
        ({1174: None}, "1.2", "correction: 1174 (основание для коррекции) is missing"),
        (
            {1174: tag(1174, text(1179, "1"))},
            "1.2",
            "1178 (дата совершения корректируемого расчета) is missing",
        ),
        (
            {1173: tag(1173, b"\x01")},
            "1.2",
            "1179 (номер предписания налогового органа) is missing: an order",
        ),
        ({1059: None}, "1.2", "correction: 1059 (предмет расчета) is missing"),
        ({1054: tag(1054, b"\x02")}, "1.05", "1054 (признак расчета) = 2: a correction of format 1.05"),
        (
            {1059: None, 1057: tag(1057, b"\x04")},
            "1.05",
            "1171 (телефон поставщика) is missing: an agent without items",
        ),
    ],
)
def test_a_correction_says_what_it_corrects(document, version, words):
    assert any(words in complaint for complaint in complaints(document, place="correction", version=version))


def test_a_correction_of_format_1_05_needs_no_items():
    assert complaints({1059: None}, place="correction", version="1.05") == []


def test_whoever_owes_nothing_of_it_is_not_blamed():
    by_registrar = {1077: None, 1041: None, 1105: None}

    assert complaints(by_registrar, owed_by={ffd.HOST, ffd.EITHER}) == []
    assert len(complaints(by_registrar, owed_by={ffd.REGISTRAR})) == 3
    assert complaints({1054: None}, owed_by={ffd.REGISTRAR}) == []


def test_bytes_that_are_no_tags_are_one_complaint():
    assert ffd.check(b"\x01\x02\x03", "receipt", "1.2") == ["receipt: 01 02 03 is no run of whole tags"]


def test_kopecks_may_be_dropped_from_the_total_and_no_more():
    assert complaints({1020: tag(1020, b"\x85\xfd"), 1031: tag(1031, b"\x85\xfd")}) == []
    assert complaints({1020: tag(1020, b"\x84\xfd"), 1031: tag(1031, b"\x84\xfd")}) != []


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ({"1054": "1"}, "1054 (признак расчета) = '1' is no byte: str"),
        ({"1020": 650.005}, "is no vln"),
        ({"1030": 7}, "1030 (наименование предмета расчета) = 7 is no string"),
        ({"1036": "界"}, "1036 (номер автомата) = '界' is no string"),
        ({"1012": "yesterday"}, "1012 (дата, время) = 'yesterday' is no unixtime"),
        ({"1059": "item"}, "1059 (предмет расчета) = 'item' is no stlv: str"),
        ({"4711": 1}, "4711 is no tag of the table"),
    ],
)
def test_a_document_that_was_told_in_values_must_have_the_right_ones(tags, words):
    assert any(words in complaint for complaint in ffd.check_told(tags, "receipt", "1.2"))


def test_every_tag_has_a_place_and_every_rule_speaks_of_tags_that_there_are():
    known, standing = set(ffd.TABLE["tags"]), set().union(*ffd.TABLE["places"].values())
    spoken_of = set()
    for kind in ("rules", "shared", "one_of", "sums", "products"):
        for rule in ffd.TABLE[kind]:
            ways = [rule.get(one, ()) for one in ("wants", "forbids", "tags", "parts", "factors")]
            ways += [[rule[one]] for one in ("when", "unless", "of", "as", "total", "result") if one in rule]
            spoken_of |= {step for way in ways for one in way for step in one.split("/")}

    assert standing == known
    assert spoken_of <= known
    assert set(ffd.TABLE["places"]) - {"receipt", "correction"} == {
        number for number, tag in ffd.TABLE["tags"].items() if tag["type"] == "stlv"
    }


def test_the_product_is_found_out_when_it_forgets_a_paying_agents_phone():
    supplier = Supplier("ООО СОСЕД", "7701234567", ("+74951112233",))
    item = ReceiptItem("Услуги связи", of_whole(650), 3, 10, 6, Agent(2, supplier))
    receipt = Receipt("00042-0000000001", (item,), of_whole(650), 0)

    found = maker("shtrih", "1.2").complaints(receipt, {ffd.HOST})
    assert [complaint.split(" is missing")[0] for complaint in found] == [
        "receipt/1059: 1073 (телефон платежного агента)",
        "receipt/1059: 1074 (телефон оператора по приему платежей)",
    ]
