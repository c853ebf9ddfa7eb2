"""Pictures of receipts: a pixel is a dot of the printer, nothing burns outside of the paper, and the code can be read."""

from typing import get_args

import pytest
import segno
from PIL import Image

from kassa.config import load
from kassa.fiscal.template import load_templates
from kassa.home import Home, data_folder
from kassa.paper import GRIDS, Code, Columns, Pair, Words, typeset
from kassa.receipts.picture import FEED_DOTS, MARGIN, draw, save
from kassa.receipts.samples import KINDS, printed, sample

WIDTHS = get_args(Columns)


def burnt(picture, box):
    return picture.crop(box).point(lambda shade: 255 - shade).getbbox()


@pytest.mark.parametrize("columns", WIDTHS)
def test_a_full_row_reaches_from_margin_to_margin_and_no_dot_lies_beyond(columns):
    grid = GRIDS[columns]
    picture = draw(typeset([Words("Ж" * columns)], columns), columns)

    assert picture.width == grid.paper + 2 * MARGIN
    left, top, right, foot = burnt(picture, (0, 0, *picture.size))
    assert MARGIN <= left <= MARGIN + 2
    assert grid.letter[0] * columns - 3 <= right - MARGIN <= grid.paper
    assert FEED_DOTS <= top < foot <= FEED_DOTS + grid.letter[1]


@pytest.mark.parametrize("columns", WIDTHS)
def test_each_letter_keeps_to_its_own_place(columns):
    places = GRIDS[columns].letter[0]
    picture = draw(typeset([Words("Ж.Ж", is_bold=True)], columns), columns)
    gap = burnt(picture, (MARGIN + places, FEED_DOTS, MARGIN + 2 * places, FEED_DOTS + 9))
    assert gap is None


def test_large_letters_are_twice_as_wide_and_high():
    box = (0, 0, 24, 24)
    small, large = (draw(typeset([Words("Ж", is_large=is_large)], 48), 48) for is_large in (False, True))
    corner = (MARGIN, FEED_DOTS)
    one = small.crop((*corner, corner[0] + 12, corner[1] + 24)).resize((24, 48), Image.Resampling.NEAREST)
    assert one.tobytes() == large.crop((*corner, corner[0] + 24, corner[1] + 48)).tobytes()
    assert one.getbbox() != box


def test_the_code_is_that_of_its_text_in_the_middle():
    picture = draw([Code("00042-0000000007")], 32)
    left, top, right, foot = burnt(picture, (0, 0, *picture.size))
    code = segno.make_qr("00042-0000000007", error="m", boost_error=False)
    dots = (right - left) // code.symbol_size(border=0)[0]
    modules = [
        [
            picture.getpixel((left + x * dots + dots // 2, top + y * dots + dots // 2)) == 0
            for x in range(len(row))
        ]
        for y, row in enumerate(code.matrix)
    ]
    assert modules == [[bool(dark) for dark in row] for row in code.matrix]
    assert abs((left - MARGIN) - (picture.width - MARGIN - right)) <= 1
    assert foot - top >= 160, "20 mm at 8 dots/mm"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("is_fiscal", [False, True])
def test_every_sample_fits_every_paper(kind, is_fiscal, tmp_path):
    examples = Home(data_folder() / "examples")
    config = load(examples.config)
    templates = load_templates(config, examples)
    made = sample(kind, config.service[0], config, templates)
    lines = printed(made, config, templates, is_fiscal=is_fiscal)

    assert sum(item.price.minor for item in made.items) == made.total.minor
    for columns in WIDTHS:
        rows = typeset(lines, columns)
        assert all(isinstance(row, Code) or row.columns <= columns for row in rows)
        save(rows, columns, tmp_path / "receipt.png")
        with Image.open(tmp_path / "receipt.png") as picture:
            assert (picture.mode, picture.width) == ("1", GRIDS[columns].paper + 2 * MARGIN)


def test_a_letter_without_a_picture_is_drawn_as_something(tmp_path):
    save(typeset([Pair("表\U0001f600", "=1.00")], 32), 32, tmp_path / "strange.png")
