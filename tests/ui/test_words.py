"""What the screens say: every text in every language, every code in words, every pair of colours readable."""

import ast
import string

import pytest
import translatable
from babel.messages.pofile import read_po

from kassa.alerts.catalogue import CATALOGUE
from kassa.config import LANGUAGES
from kassa.home import data_folder
from kassa.money import Money
from kassa.ui import theme
from kassa.ui.amounts import grouped, number, price, short
from kassa.ui.i18n import OWN_NAMES, SOURCE, translator
from kassa.ui.wording import NOTICES, REASONS

LOCALES = data_folder() / "assets" / "locales"
TRANSLATED = sorted(set(LANGUAGES) - {SOURCE})


def catalogue(language):
    with (LOCALES / language / "kassa.po").open("rb") as file:
        return {one.id if isinstance(one.id, str) else one.id[0]: one for one in read_po(file) if one.id}


@pytest.mark.parametrize("language", TRANSLATED)
def test_no_text_is_left_in_english(language):
    assert translatable.texts() - set(catalogue(language)) == set()


@pytest.mark.parametrize("language", TRANSLATED)
def test_no_translation_is_left_over(language):
    assert set(catalogue(language)) - translatable.texts() == set()


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_translation_shows_the_same_values(language):
    for source, one in catalogue(language).items():
        for said in [one.string] if isinstance(one.string, str) else one.string:
            assert said, source
            assert values(said) == values(source), source


@pytest.mark.parametrize("language", TRANSLATED)
def test_no_translation_is_marked_as_doubtful(language):
    assert [source for source, one in catalogue(language).items() if one.fuzzy] == []


def values(text):
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize(
    ("language", "count", "said"),
    [
        ("en", 1, "Back to the start in 1 second"),
        ("en", 12, "Back to the start in 12 seconds"),
        ("ru", 1, "Через 1 секунду вернёмся на главный экран"),
        ("ru", 3, "Через 3 секунды вернёмся на главный экран"),
        ("ru", 11, "Через 11 секунд вернёмся на главный экран"),
    ],
)
def test_numbers_bend_the_words(language, count, said):
    forms = ("Back to the start in {number} second", "Back to the start in {number} seconds")
    assert translator(language).count(*forms, count) == said


def test_every_language_knows_its_own_name():
    assert set(LANGUAGES) <= set(OWN_NAMES)


def test_an_unknown_language_speaks_english_and_goes_on():
    assert translator("xx")("Pay") == "Pay"


# --- codes --------------------------------------------------------------------------------------------------------


def test_every_condition_that_stops_cash_is_a_reason_in_words():
    assert {code for code, kind in CATALOGUE.items() if kind.stops_cash} == set(REASONS)


def test_every_notice_that_the_rules_give_is_said_in_words():
    assert notices_of_the_rules() == set(NOTICES)


def notices_of_the_rules():
    """Every code that can become a view's notice, as the source of the rules has it."""
    found = set()
    for path in [
        *(translatable.SCREENS.parent / "rules").glob("*.py"),
        translatable.SCREENS.parent / "enquiry.py",
    ]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.keyword(arg="notice", value=value):
                    found |= set(codes_in(value))
                case ast.Call(func=ast.Name("AccountUnknown"), args=[value]):
                    found |= set(codes_in(value))
                case ast.FunctionDef(name="refusal" | "account_problem" | "contact_problem" | "_cash_notice"):
                    found |= set(codes_in(node)) - {"registrar"}
    return found


def codes_in(tree):
    docstring = ast.get_docstring(tree) if isinstance(tree, ast.FunctionDef) else None
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value != docstring:
            yield node.value


# --- colours and amounts --------------------------------------------------------------------------------------------

READ = [
    ("INK", "PAPER"), ("INK", "GROUND"), ("INK", "SOFT"), ("MUTED", "PAPER"), ("MUTED", "GROUND"), ("MUTED", "SOFT"),
    ("IDLE_INK", "IDLE"), ("BRAND", "PAPER"), ("BRAND", "BRAND_SOFT"), ("INK", "BRAND_SOFT"),
    ("ON_BRAND", "BRAND"), ("ON_BRAND", "BRAND_DOWN"), ("ON_BRAND", "GOOD"),
    ("ON_BRAND", "HEADER_TOP"), ("ON_BRAND", "HEADER_FOOT"), ("ON_BRAND", "HERO_TOP"), ("ON_BRAND", "HERO_FOOT"),
    ("ON_BRAND_MUTED", "HEADER_TOP"), ("ON_BRAND_MUTED", "HEADER_FOOT"),
    ("ON_BRAND_MUTED", "HERO_TOP"), ("ON_BRAND_MUTED", "HERO_FOOT"),
    ("GOOD", "PAPER"), ("CARE", "PAPER"), ("BAD", "PAPER"),
]  # fmt: skip
"""Every pair of letters and ground that the .kv files draw."""


@pytest.mark.parametrize(("letters", "ground"), READ)
def test_letters_stand_out_from_their_ground(letters, ground):
    assert contrast(getattr(theme, letters), getattr(theme, ground)) >= 4.5


@pytest.mark.parametrize("tone", sorted(theme.TONES))
def test_a_tone_can_be_read_on_its_own_ground(tone):
    letters, ground = theme.TONES[tone]
    assert contrast(letters, ground) >= 4.5


def contrast(one, other):
    """WCAG 2: from 1 (the same) to 21 (black on white)."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour):
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour[:3]]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize(
    ("minor", "currency", "language", "said"),
    [
        (128_460, "RUB", "ru", "1 284,60 ₽"),
        (128_460, "RUB", "en", "1,284.60 ₽"),
        (-5_000, "RUB", "ru", "50 ₽"),
        (5, "RUB", "en", "0.05 ₽"),
        (123_456, "JPY", "en", "123,456 ¥"),
        (100_000, "UZS", "ru", "1 000 UZS"),
    ],
)
def test_money_is_written_as_people_read_it(minor, currency, language, said):
    assert price(Money(minor, currency), language).replace("\N{NO-BREAK SPACE}", " ") == said


def test_a_sum_is_never_broken_over_two_lines():
    assert " " not in price(Money(123_456_789), "ru")
    assert " " not in number(Money(123_456_789), "ru")


def test_an_account_is_grouped_as_on_the_bill():
    assert grouped("4038172956", (4, 3, 3)) == "4038 172 956"
    assert grouped("40381", (4, 3, 3)) == "4038 1"
    assert grouped("403817295600", (4, 3, 3)) == "4038 172 956 00"
    assert grouped("", (4, 3, 3)) == ""
    assert grouped("12345", ()) == "12345"


def test_a_text_that_is_too_long_says_so():
    assert short(None, 10) == ""
    assert short("0123456789", 10) == "0123456789"
    assert short("0123456789a", 10) == "012345678…"


@pytest.mark.parametrize("file", theme.FONTS.values())
def test_every_font_is_there(file):
    assert (data_folder() / "assets" / "fonts" / file).is_file()
