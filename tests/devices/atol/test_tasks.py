"""Tasks and results of ATOL's driver: what the vendor's scripts take and give, field for field."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from receipts import receipt_of

from devices.atol import tasks
from devices.atol.driver import _may_name
from devices.atol.errors import MEANINGS
from devices.atol.tasks import BadAnswer, Ffd, Refused
from kassa.money import Money, of_whole
from kassa.ports import Agent, Correction, Document, Place, ReceiptItem, Supplier

PAYMENT = "00042-0000001234"


def body(receipt, ffd=Ffd.V1_2, **named):
    return json.loads(tasks.receipt(receipt, ffd, **named).body)


def full_receipt():
    supplier = Supplier("ООО СОСЕД", "7701234567", ("+74951112233",))
    agent = Agent(2, supplier, ("+74990000001",), ("+74990000002",))
    items = (ReceiptItem("Услуги связи, ЛС 12345", of_whole(500), method=3, subject=10, vat=6, agent=agent),)
    place = Place("000042", "г. Примерск", "Терминал")
    return replace(receipt_of(PAYMENT, 500), items=items, lines=(), place=place, contact="+79991234567")


def test_a_kiosks_receipt_for_a_third_party_has_every_field_of_the_scripts():
    assert body(full_receipt()) == {
        "type": "sell", "taxationType": "osn", "ignoreNonFiscalPrintErrors": True, "machineNumber": "000042",
        "paymentsAddress": "г. Примерск", "paymentsPlace": "Терминал",
        "clientInfo": {"emailOrPhone": "+79991234567"},
        "items": [
            {
                "type": "position", "name": "Услуги связи, ЛС 12345", "price": 500.00, "quantity": 1, "amount": 500.00,
                "paymentMethod": "advance", "paymentObject": "payment", "tax": {"type": "none"}, "measurementUnit": 0,
                "agentInfo": {
                    "agents": ["payingAgent"], "payingAgent": {"phones": ["+74990000001"]},
                    "receivePaymentsOperator": {"phones": ["+74990000002"]},
                },
                "supplierInfo": {"name": "ООО СОСЕД", "vatin": "7701234567", "phones": ["+74951112233"]},
            },
            {"type": "userAttribute", "name": "Платёж", "value": PAYMENT},
        ],
        "payments": [{"type": "cash", "sum": 500.00}], "total": 500.00,
    }  # fmt: skip


def test_older_formats_have_the_agents_sign_at_the_receipt_and_no_unit_code():
    asked = body(full_receipt(), Ffd.V1_05)

    assert asked["agentInfo"] == {"agents": ["payingAgent"]}
    assert "measurementUnit" not in asked["items"][0]


@pytest.mark.parametrize(
    ("minor", "text"), [(1, b"0.01"), (10, b"0.10"), (12345678901, b"123456789.01"), (65000, b"650.00")]
)
def test_money_is_exact_text(minor, text):
    receipt = receipt_of(PAYMENT, 1)
    item = replace(receipt.items[0], price=Money(minor))
    task = tasks.receipt(replace(receipt, items=(item,), total=Money(minor)), Ffd.V1_2)

    assert b'"total":' + text in task.body
    assert b'"price":' + text in task.body


@pytest.mark.parametrize(
    ("vat", "name"), [(1, "vat20"), (6, "none"), (7, "vat5"), (10, "vat107"), (12, "vat122")]
)
def test_every_rate_has_its_name(vat, name):
    receipt = receipt_of(PAYMENT, 1)
    receipt = replace(receipt, items=(replace(receipt.items[0], vat=vat),))

    [position] = [item for item in body(receipt)["items"] if item["type"] == "position"]
    assert position["tax"] == {"type": name}


def test_the_whole_receipt_is_an_agents_only_if_each_of_its_items_is():
    full = full_receipt()
    own = replace(full.items[0], agent=None)

    assert body(replace(full, items=full.items[:1]), Ffd.V1_05)["agentInfo"] == {"agents": ["payingAgent"]}
    assert "agentInfo" not in body(replace(full, items=(full.items[0], own)), Ffd.V1_05)


@pytest.mark.parametrize(("ffd", "is_made"), [(Ffd.V1_05, False), (Ffd.V1_1, True), (Ffd.V1_2, True)])
def test_a_correction_that_cannot_name_the_supplier_is_not_made(ffd, is_made):
    correction = replace(full_receipt(), correction=Correction(date(2026, 11, 20), "1"))

    assert (tasks.what_forbids(correction, ffd) is None) is is_made


def test_a_name_in_letters_that_the_archive_lacks_is_found_again():
    receipt = receipt_of(PAYMENT, 650, "Пакет «Ещё…» за 5 €")

    [name] = [item["name"] for item in body(receipt)["items"] if item["type"] == "position"]
    assert name == 'Пакет "Ещё..." за 5 EUR'
    assert _may_name(receipt, (name,))


def test_a_correction_names_what_it_corrects():
    correction = Correction(date(2026, 11, 20), "б/н", is_ordered=True)
    asked = body(replace(receipt_of(PAYMENT, 122), correction=correction))

    assert asked["type"] == "sellCorrection"
    assert (asked["correctionType"], asked["correctionBaseDate"]) == ("instruction", "2026.11.20")
    assert asked["correctionBaseNumber"] == "б/н"
    assert asked["items"][-1]["value"] == PAYMENT


def test_a_correction_of_the_oldest_format_has_sums_and_no_items():
    correction = Correction(date(2026, 11, 20), "1")
    asked = body(replace(receipt_of(PAYMENT, 122), correction=correction), Ffd.V1_05)

    assert "items" not in asked
    assert asked["taxes"] == [{"type": "vat122", "sum": 22.00}]
    assert asked["correctionType"] == "self"


def test_a_receipt_may_go_without_its_place():
    asked = body(full_receipt(), with_place=False)

    assert not {"machineNumber", "paymentsAddress", "paymentsPlace"} & set(asked)


def test_the_clock_is_told_as_the_scripts_want_it():
    task = tasks.set_date_time(datetime(2026, 11, 24, 14, 5, 9, tzinfo=UTC))

    assert json.loads(task.body) == {"type": "setDateTime", "dateTime": "2026.11.24 14:05:09"}


MADE = (
    b'{"fiscalParams":{"total":650.5,"fiscalDocumentNumber":12,"fiscalDocumentDateTime":"2026-11-24T14:05:00+03:00",'
    b'"fiscalDocumentSign":"2881141438","fnNumber":"9999078900001234","shiftNumber":7},"warnings":{"notPrinted":true}}'
)


def test_a_document_that_was_made_is_read():
    made = tasks.open_shift().read(MADE)
    at = datetime.fromisoformat("2026-11-24T14:05:00+03:00")

    assert made.document("RUB", UTC) == Document(12, 2881141438, at, Money(65050), "9999078900001234", 7)
    assert not made.is_printed


def test_a_document_of_the_archive_is_read():
    found = tasks.fn_document(12).read(
        '{"documentTLV":{"1040":12,"1012":"2026-11-24T14:05:00+03:00","1077":"0404ABBA5EBE","1041":"9999078900001234 ",'
        '"1020":0.29,"1054":1,"1038":7,"1059":[{"1030":"Аванс"}],"1084":{"1085":"Платёж","1086":"P-1 "},'
        '"fiscalDocumentType":"receipt","short":false}}'.encode()
    )

    assert (found.number, found.sign, found.total, found.shift) == (12, 0xABBA5EBE, 29, 7)
    assert (found.payment, found.names, found.drive) == ("P-1", ("Аванс",), "9999078900001234")


def test_the_short_form_of_a_document_is_read():
    found = tasks.fn_document(12).read(
        b'{"documentTLV":{"1040":12,"1012":"2026-11-24T14:05:00","1077":"BA5EBE","1020":650,"1054":1,'
        b'"fiscalDocumentType":"receipt","short":true}}'
    )

    assert (found.sign, found.total, found.payment, found.is_short) == (0xBA5EBE, 65000, None, True)


@pytest.mark.parametrize("amount", ["1e999999", "NaN", "Infinity", "1000000000000000"])
def test_no_amount_of_money_is_refused(amount):
    with pytest.raises(BadAnswer, match="for an amount of money"):
        tasks.minor_of(Decimal(amount), "RUB")


@pytest.mark.parametrize(
    ("task", "result"),
    [
        (tasks.fn_status(), b'{"fnStatus":{"fiscalDocumentNumber":-1}}'),
        (tasks.fn_status(), b'{"fnStatus":{"fiscalDocumentNumber":4294967296}}'),
        (tasks.open_shift(), MADE.replace(b'"shiftNumber":7', b'"shiftNumber":-7')),
        (tasks.open_shift(), MADE.replace(b":12,", b":18446744073709551616,")),
        (tasks.open_shift(), MADE.replace(b"9999078900001234", b"9999\\u00078900001234")),
        (tasks.fn_info(), b'{"fnInfo":{"serial":"99990789\\n"}}'),
        (tasks.shift_totals(), b'{"shiftTotals":{"receipts":{"sell":{"count":-1,"sum":0}}}}'),
        (tasks.fn_document(1), b'{"documentTLV":{"1040":1,"1020":1e99999999999999999999}}'),
    ],
)
def test_numbers_that_no_drive_has_are_refused(task, result):
    with pytest.raises(BadAnswer, match="answers in another shape"):
        task.read(result)


@pytest.mark.parametrize("year", ["0001", "1969", "9999"])
def test_times_that_no_calendar_can_count_with_are_refused(year):
    made = tasks.open_shift().read(MADE.replace(b"2026-11-24", f"{year}-01-01".encode()))

    with pytest.raises(BadAnswer, match="for a time"):
        made.document("RUB", UTC)
    assert tasks.wall_time(f"{year}-01-01T00:00:00") is None
    assert tasks.day(f"{year}-12-31T00:00:00+03:00") is None


def test_totals_that_overflow_together_are_refused():
    counter = b'{"count":1,"sum":1000000000000}'
    totals = tasks.shift_totals().read(
        b'{"shiftTotals":{"receipts":{"sell":%b,"sellCorrection":%b}}}' % (counter, counter)
    )

    with pytest.raises(BadAnswer, match=r"2000000000000\.00 for an amount of money"):
        totals.sold("RUB")


def test_a_sum_of_doubles_is_rounded_to_its_kopeck():
    assert tasks.minor_of(Decimal("0.30000000000000004"), "RUB") == 30


def test_a_refusal_says_what_to_do_in_both_languages():
    words = str(Refused(44, "Нет бумаги"))

    assert "no paper [44]" in words
    assert "put paper in" in words
    assert "вставьте бумагу" in words


def test_every_error_has_words_in_both_languages():
    assert all(one.english and one.russian and one.reaction for one in MEANINGS.values())
