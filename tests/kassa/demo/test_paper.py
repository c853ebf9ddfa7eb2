"""The picture of a receipt."""

from PIL import Image

from kassa.demo import paper

CODE = "t=20261125T0937&s=650.00&fn=9999078900001234&i=3&fp=3943735909&n=1"


def test_the_code_is_drawn_once_as_dots_instead_of_letters(tmp_path):
    spelt = f"ИТОГ =650.00\n{CODE[:48]}\n{CODE[48:]}\n"

    paper.draw(spelt, CODE, tmp_path / "spelt.png")
    paper.draw("ИТОГ =650.00\n", CODE, tmp_path / "left_out.png")

    assert (tmp_path / "spelt.png").read_bytes() == (tmp_path / "left_out.png").read_bytes()


def test_a_line_wider_than_the_paper_widens_the_picture(tmp_path):
    paper.draw("x" * 48, CODE, tmp_path / "fits.png")
    paper.draw("x" * 60, CODE, tmp_path / "wide.png")
    with Image.open(tmp_path / "fits.png") as fits, Image.open(tmp_path / "wide.png") as wide:
        assert wide.width > fits.width
