"""Every kind of receipt, made by the real drivers, is a document as the format of fiscal documents wants it.

The fiscal drives are simulated ones; what their documents say is judged by `ffd`, a table and nothing but that.
"""

import tomllib
from copy import deepcopy
from dataclasses import replace
from datetime import date

import pytest
from fiscal_makers import MAKERS, Maker, maker
from hypothesis import given, reject
from hypothesis import strategies as st
from receipts import receipt_of

from kassa.config import ConfigError, parse
from kassa.contact import is_contact
from kassa.fiscal.receipt import AGENT_SIGNS, receipt
from kassa.fiscal.template import load_templates
from kassa.home import Home, data_folder
from kassa.money import Money, of_whole
from kassa.ports import Agent, Correction, Place, ReceiptItem, Supplier

VERSIONS = ("1.05", "1.1", "1.2")
SUPPLIER = Supplier("ООО «СОСЕД»", "7701234567", ("+74951112233", "88001112233"))
PHONES, OPERATOR_PHONES = ("+74990000001",), ("+74990000002", "+74990000003")
PLACE = Place("000042", "г. Примерск, ул. Полевая, д. 7", "Терминал у входа")
BY_THEMSELVES = Correction(date(2026, 11, 20), "б/н")
BY_ORDER = Correction(date(2026, 11, 20), "02-17/1234", is_ordered=True)


def item(units=650, *, sign=None, **named):
    agent = None if sign is None else Agent(sign, SUPPLIER, PHONES, OPERATOR_PHONES)
    return ReceiptItem(
        **{
            "name": "Аванс за услуги связи, ЛС 4038172956",
            "price": of_whole(units),
            "method": 3,
            "subject": 10,
        }
        | {"vat": 6, "agent": agent}
        | named
    )


def of(*items, **named):
    total = of_whole(sum(one.price.minor for one in items) // 100)
    return replace(receipt_of("00042-0000000001", 650), items=items, total=total, **named)


RECEIPTS = {
    "own service": of(item(vat=12)),
    "several items": of(item(600, vat=12), item(50, name="Вознаграждение", method=4, subject=11, vat=11)),
    "with place": of(item(), place=PLACE),
    "to a phone": of(item(), contact="+79991234567"),
    "to an e-mail address": of(item(), contact="ivanov@example.ru"),
    **{f"agent of sign {sign}": of(item(sign=sign)) for sign in sorted(AGENT_SIGNS.values())},
    "agent with fee": of(item(600, sign=2), item(50, name="Вознаграждение", subject=11)),
    "agents of two kinds": of(item(600, sign=2), item(50, sign=6)),
    "agent of two suppliers": of(
        item(600, sign=3),
        item(50, agent=Agent(3, Supplier("ИП Иванов", "770123456789", ("+7495",)), PHONES, OPERATOR_PHONES)),
    ),
    **{f"rate {vat}": of(item(vat=vat)) for vat in range(1, 13)},
    **{f"method {method}": of(item(method=method)) for method in range(1, 8)},
    **{f"subject {subject}": of(item(subject=subject)) for subject in (1, 3, 4, 11, 12, 13, 26, 33)},
    "correction": of(item(), correction=BY_THEMSELVES),
    "correction by order": of(item(), correction=BY_ORDER),
    "correction with place and contact": of(item(), correction=BY_ORDER, place=PLACE, contact="+79991234567"),
    "correction of several items": of(item(600), item(50, vat=1), correction=BY_THEMSELVES),
}


@pytest.fixture(params=MAKERS)
def brand(request):
    return request.param


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", RECEIPTS)
def test_a_receipt_of_any_kind_is_as_its_format_wants_it(brand, version, kind):
    assert maker(brand, version).complaints(RECEIPTS[kind]) == []


@pytest.mark.parametrize("sign", sorted(AGENT_SIGNS.values()))
def test_a_correction_names_the_agent_or_is_not_made(brand, sign):
    correction = of(item(sign=sign), correction=BY_THEMSELVES)

    assert maker(brand, "1.2").complaints(correction) == []
    assert maker(brand, "1.1").complaints(correction) == []
    without_items = Maker(brand, "1.05")
    assert without_items.make(correction) is None
    assert "cannot name an agent's supplier; set format 1.2" in without_items.refusal


def test_letters_that_a_fiscal_drive_lacks_are_written_by_others(brand):
    texts = Place("№ 7", "г. Примерск — «Центр»", "Терминал „Связь“")
    made = of(item(name="Пакет «Ещё…» за 5 €", sign=2), place=texts)
    one = Maker(brand, "1.2")
    number = one.make(made)

    told = str(one.registrar.texts(number))
    for text in (
        'Пакет "Ещё..." за 5 EUR',
        'ООО "СОСЕД"',
        'г. Примерск - "Центр"',
        'Терминал "Связь"',
        "№ 7",
    ):
        assert text in told


# --- whatever kassa.toml lets through -------------------------------------------------------------------------------------

EXAMPLE = tomllib.loads((data_folder() / "examples" / "kassa.toml").read_text(encoding="utf-8"))
TEMPLATES = load_templates(parse(EXAMPLE), Home(data_folder()))

letters = st.sampled_from("абвЯёЁaZ09 №«»—…€\u00a0\u200b\u0301?\"'/界🙂")


def texts(most):
    """Often at its limit, as that is where tags are cut; now and then what no line may hold."""
    any_length, at_limit = (st.text(letters, min_size=least, max_size=most) for least in (1, most))
    return any_length | at_limit | st.text(min_size=1, max_size=most)


phones = st.from_regex(r"\A\+?[0-9]{3,18}\Z")
agents = st.fixed_dictionaries(
    {
        "sign": st.sampled_from(sorted(AGENT_SIGNS)),
        "supplier": st.fixed_dictionaries(
            {
                "name": texts(256),
                "inn": st.from_regex(r"\A([0-9]{10}|[0-9]{12})\Z"),
                "phones": st.lists(phones, min_size=1, max_size=4),
            }
        ),
        "phones": st.lists(phones, max_size=4),
        "operator_phones": st.lists(phones, max_size=4),
    }
)
terminals = st.fixed_dictionaries(
    {
        "number": st.from_regex(r"\A[0-9]{1,12}\Z"),
        "address": texts(256),
        "place": texts(256),
        "automaton": st.just("") | texts(20),
    }
)
services = st.fixed_dictionaries(
    {
        "receipt_name": texts(100),
        "method": st.integers(1, 7),
        "subject": st.integers(1, 33),
        "vat": st.integers(1, 12),
    },
    optional={"agent": agents},
)
contacts = st.none() | st.from_regex(r"\A\+79[0-9]{9}\Z") | st.emails().filter(is_contact)
corrections = st.none() | st.builds(
    Correction, st.dates(date(2020, 1, 1), date(2026, 11, 23)), texts(32), st.booleans()
)


@given(
    terminals,
    services,
    st.sampled_from([0, 1, 2, 4, 5]),
    st.from_regex(r"\A[0-9]{1,20}\Z"),
    st.integers(1_00, 15_000_00),
    contacts,
    corrections,
    st.sampled_from(VERSIONS),
    st.sampled_from(sorted(MAKERS)),
)
def test_what_the_configuration_lets_through_is_a_document_without_fault(
    terminal, service, tax_system, account, minor, contact, correction, version, brand
):
    document = deepcopy(EXAMPLE)
    document["terminal"] |= terminal
    document["service"][0] |= service
    document["registrar"]["tax_system"] = tax_system
    try:
        config = parse(document)
    except ConfigError:
        reject()
    payment = f"{terminal['number']}-0000000001"
    made = receipt(
        payment, "internet", account, Money(minor), config, contact, correction, templates=TEMPLATES
    )
    one = maker(brand, version)
    if correction is not None and version == "1.05" and one.make(made) is None:
        assert "set format 1.2" in one.refusal
        return

    assert one.complaints(made) == []
