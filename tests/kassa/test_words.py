"""English for staff."""

import pytest

from kassa.words import counted


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (counted(0, "note"), "0 notes"),
        (counted(1, "note"), "1 note"),
        (counted(1, "entry", "entries"), "1 entry"),
        (counted(21, "entry", "entries"), "21 entries"),
        (counted(1234567, "row"), "1 234 567 rows"),
    ],
)
def test_one_is_no_many(said, words):
    assert said == words
