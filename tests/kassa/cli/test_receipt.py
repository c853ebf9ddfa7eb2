"""`kassa receipt preview`: a sample as the templates make it."""

import json

import pytest
from PIL import Image


def test_a_preview_is_text_at_the_terminal(kassa, home):
    done = kassa("receipt", "preview")
    assert done.code == 0
    assert "КАССОВЫЙ ЧЕК" in done.out
    assert "Терминал 00042" in done.out
    assert max(len(row) for row in done.out.splitlines() if not row.startswith("[QR")) == 48


def test_of_a_printer_without_fiscal_functions_it_is_the_whole_receipt(kassa, home):
    text = home.config.read_text(encoding="utf-8").replace('protocol = "shtrih"', 'protocol = "escpos"')
    home.config.write_text(text.replace("width = 48", "width = 32"), encoding="utf-8")

    done = kassa("receipt", "preview", "--service", "telephone", "--kind", "agent", "--json")
    answer = json.loads(done.out)
    assert answer["width"] == 32
    assert "КВИТАНЦИЯ ОБ ОПЛАТЕ" in "".join(answer["rows"])
    assert any('ООО "Соседняя сеть"' in row for row in answer["rows"]), "in the letters of the code page"


@pytest.mark.parametrize(("width", "dots"), [("32", 384), ("64", 576)])
def test_a_picture_has_a_pixel_for_each_dot(kassa, home, tmp_path, width, dots):
    done = kassa("receipt", "preview", "--width", width, "--out", str(tmp_path / "receipt.png"))
    assert (done.code, done.out) == (0, "")
    with Image.open(tmp_path / "receipt.png") as picture:
        assert picture.width == dots + 48


def test_what_cannot_be_shown_is_told(kassa, home):
    assert "there are: internet, telephone" in kassa("receipt", "preview", "--service", "gas").err
    assert kassa("receipt", "preview", "--width", "40").code == 2
    (home.path / "receipts").mkdir()
    (home.path / "receipts" / "default.toml").write_text('registrar = []\nprinter = [{ text = "{x}" }]\n')
    done = kassa("receipt", "preview")
    assert done.code == 1
    assert "printer[0].text = '{x}' cannot be used" in done.err
