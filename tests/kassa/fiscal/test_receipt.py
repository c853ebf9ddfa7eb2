"""What stands in a payment's receipt."""

import msgspec
import pytest

from kassa.config import load
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
