"""A payment's receipt as data."""

import tomllib

import pytest

from kassa.config import parse
from kassa.fiscal.receipt import receipt
from kassa.fiscal.template import load_templates
from kassa.home import Home, data_folder
from kassa.money import of_whole

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
