"""What stands in a payment's receipt."""

import tomllib

import msgspec
import pytest

from kassa.config import load, parse
from kassa.fiscal.receipt import NAME_MAX, receipt
from kassa.fiscal.template import load_templates
from kassa.home import Home, data_folder
from kassa.money import of_whole


@pytest.fixture
def config():
    return load(data_folder() / "examples" / "kassa.toml")


def name_on_receipt(config, tmp_path, account):
    templates = load_templates(config, Home(tmp_path))
    made = receipt("00042-0000000001", "internet", account, of_whole(650), config, templates=templates)
    return made.items[0].name


def test_the_item_names_the_account(config, tmp_path):
    assert name_on_receipt(config, tmp_path, "4038172956") == "Аванс за услуги связи, ЛС 4038172956"


def test_a_long_name_gives_way_to_the_account(config, tmp_path):
    service = msgspec.structs.replace(config.find_service("internet"), receipt_name="я" * 100)
    long = msgspec.structs.replace(config, service=(service,))

    name = name_on_receipt(long, tmp_path, "7" * 64)

    assert len(name) == NAME_MAX
    assert name.endswith(", ЛС " + "7" * 64)


SUPPLIER = {"name": "ООО Сосед", "inn": "7701234567", "phones": ["+74951112233"]}


@pytest.mark.parametrize(
    ("agent", "operator_phones"),
    [
        ({"sign": "paying_agent", "phones": ["+7499"]}, ("+7499",)),
        ({"sign": "paying_agent", "phones": ["+7499"], "operator_phones": ["+7812"]}, ("+7812",)),
        ({"sign": "paying_subagent", "phones": ["+7499"], "operator_phones": ["+7812"]}, ("+7812",)),
        ({"sign": "agent"}, ()),
    ],
)
def test_a_paying_agent_is_the_operator_who_takes_the_payments_unless_another_is_named(
    agent, operator_phones
):
    document = tomllib.loads((data_folder() / "examples" / "kassa.toml").read_text(encoding="utf-8"))
    document["service"][0]["agent"] = agent | {"supplier": SUPPLIER}
    config = parse(document)
    templates = load_templates(config, Home(data_folder()))

    made = receipt("00042-0000000001", "internet", "4038172956", of_whole(650), config, templates=templates)
    assert made.items[0].agent.operator_phones == operator_phones


@pytest.mark.parametrize(("rates", "vat"), [((6, 6), 6), ((7, 7), 7), ((6, 12), 12)])
def test_a_service_that_left_the_configuration_has_the_rate_that_all_others_have(
    config, tmp_path, rates, vat
):
    kept = zip(config.service, rates, strict=False)
    services = tuple(msgspec.structs.replace(service, vat=rate) for service, rate in kept)
    changed = msgspec.structs.replace(config, service=services)
    templates = load_templates(changed, Home(tmp_path))

    made = receipt("00042-0000000001", "gone", "40381", of_whole(650), changed, templates=templates)

    assert made.items[0].vat == vat
