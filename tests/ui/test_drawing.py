"""Every screen, in both languages and every form, drawn by real GL: whole, readable, and a picture of it in build/ui."""

import itertools

import msgspec
import pytest
import visits
from kivy.uix.label import Label
from kivy.uix.scrollview import ScrollView

from kassa.ui.widgets.basics import Plain
from kassa.ui.widgets.touch import Action, HeaderPill, ReceiptOffer, ServiceTile, Tab, Touchable

WIDE, TALL, SMALL = (1280, 1024), (1080, 1920), (1024, 768)
TOUCH_MIN_UNITS = 72
"""About 2 cm on a 17 inch panel of 1280 x 1024."""
ROUNDING_PX = 1.5
GROUNDS = Plain | Action | HeaderPill | ServiceTile | ReceiptOffer | Tab
LANGUAGES = ("ru", "en")
VIEWS = {language: dict(visits.views(language)) for language in LANGUAGES}
REASONS = [name for name in VIEWS["ru"] if name.startswith("out_")]
NAMES = [name for name in VIEWS["ru"] if name not in REASONS] + ["out_starting", "out_registrar_paper_out"]

in_both_languages = pytest.mark.parametrize("language", LANGUAGES)
in_both_forms = pytest.mark.parametrize("size", [WIDE, TALL], ids=lambda size: f"{size[0]}x{size[1]}")


@pytest.mark.parametrize("name", NAMES)
@in_both_languages
@in_both_forms
def test_a_screen_is_whole(bench, size, language, name):
    bench.resize(size)
    bench.show(VIEWS[language][name])
    bench.photograph(f"{name}_{size[0]}x{size[1]}_{language}")

    assert_it_is_whole(bench)
    assert_it_draws_nothing_again(bench, VIEWS[language][name])


@pytest.mark.parametrize("name", NAMES)
def test_a_screen_is_whole_on_an_old_small_panel(bench, name):
    bench.resize(SMALL)
    bench.show(VIEWS["ru"][name])

    assert_it_is_whole(bench)


@in_both_languages
@in_both_forms
def test_every_reason_has_room(bench, size, language):
    bench.resize(size)
    for name in REASONS:
        bench.show(VIEWS[language][name])
        assert_it_is_whole(bench)


@in_both_languages
@in_both_forms
def test_the_screen_without_a_core_is_whole(bench, size, language):
    bench.resize(size)
    bench.show(VIEWS[language]["cash"])
    bench.show(None)
    if bench.app.other_language == language:
        bench.tap(f"language.{language}")
    bench.rest()
    bench.photograph(f"waiting_{size[0]}x{size[1]}_{language}")

    assert visits.PAYMENT in bench.glass.texts()
    assert_it_is_whole(bench)


@pytest.mark.parametrize("name", ["services", "account", "balance_old", "cash_empty", "cash_long"])
@in_both_languages
@in_both_forms
def test_the_countdown_lies_over_no_button(bench, size, language, name):
    bench.resize(size)
    bench.show(visits.hurried(VIEWS[language][name]))
    bench.photograph(f"countdown_{name}_{size[0]}x{size[1]}_{language}")

    assert "more_time" in bench.glass.tappable()
    assert_no_text_is_cut(bench)
    assert_no_text_leaves_its_ground(bench)
    assert_fingers_find_one_thing(bench)


LONGEST = "w" * (64 - len("@gmail.com"))
"""With its ending as long as a receipt can hold, of the broadest letters."""


@pytest.mark.parametrize("kinds", [("phone", "email"), ("email",)], ids=len)
@pytest.mark.parametrize("address", ["ivan.petrov", LONGEST], ids=["usual", "longest"])
@in_both_languages
@in_both_forms
def test_what_is_typed_has_room(bench, size, language, address, kinds):
    bench.resize(size)
    bench.show(None)  # a fresh page
    bench.show(msgspec.structs.replace(VIEWS[language]["contact_phone"], contact_kinds=kinds))
    if len(kinds) > 1:
        for digit in "9991234567":
            bench.tap(f"key.{digit}")
        bench.photograph(f"typed_phone_{size[0]}x{size[1]}_{language}")
        assert_it_is_whole(bench)
        bench.tap("kind.email")
    for sign in [*address, "@gmail.com"]:
        bench.tap(f"key.{sign}")
    bench.rest()
    bench.photograph(f"typed_email_{len(address)}_{len(kinds)}_{size[0]}x{size[1]}_{language}")

    typed = f"{address}@gmail.com|"
    assert typed in bench.glass.texts()
    field = next(label for label in labels(bench) if label.markup and "@" in label.text)
    assert field._label.get_extents(typed)[0] <= field.width
    assert_it_is_whole(bench)


def assert_it_is_whole(bench):
    assert_no_text_is_cut(bench)
    assert_no_word_is_broken(bench)
    assert_no_text_leaves_its_ground(bench)
    assert_no_texts_overlap(bench)
    assert_fingers_find_one_thing(bench)


def assert_no_text_is_cut(bench):
    for label in labels(bench):
        assert label.texture_size[0] <= label.width + ROUNDING_PX, f"too wide: {label.text!r}"
        assert label.texture_size[1] <= label.height + ROUNDING_PX, f"too high: {label.text!r}"
        assert not label.is_shortened, f"shortened: {label.text!r}"


def assert_no_word_is_broken(bench):
    for label in labels(bench):
        if label.text_size[0] and not label.markup:
            for word in label.text.split(" "):
                assert label._label.get_extents(word)[0] <= label.width, f"broken: {word!r}"


def assert_no_text_leaves_its_ground(bench):
    """What stands on a card, a button or a tile stands inside it, and inside the window."""
    for label in labels(bench):
        for parent in parents(label):
            if isinstance(parent, ScrollView):
                break  # what is further down is a scroll away
            if isinstance(parent, GROUNDS):
                assert is_inside(ink(label), box(parent)), (
                    f"{label.text!r} leaves its {type(parent).__name__}"
                )
        else:
            window = (0, 0, *bench.window.size)
            assert is_inside(ink(label), window), f"{label.text!r} leaves the window"


def assert_no_texts_overlap(bench):
    places = [(one.text, ink(one)) for one in labels(bench)]
    for (text, place), (other_text, other) in itertools.combinations(places, 2):
        assert not overlap(place, other), f"{text!r} lies over {other_text!r}"


def assert_fingers_find_one_thing(bench):
    """Nothing to press is small or lies over another, but the start area, where any touch will do."""
    found = bench.glass.tappable()
    least = TOUCH_MIN_UNITS * bench.app.u - ROUNDING_PX
    for tag, widget in found.items():
        assert widget.width >= least, f"{tag} is too narrow for a finger"
        assert widget.height >= least, f"{tag} is too low for a finger"
    places = [(tag, box(widget)) for tag, widget in found.items()]
    for (tag, place), (other_tag, other) in itertools.combinations(places, 2):
        assert not overlap(place, other), f"{tag} lies over {other_tag}"
    shown = [widget for widget in bench.glass.shown() if isinstance(widget, Touchable)]
    assert all(widget.tag for widget in shown)
    assert len({widget.tag for widget in shown}) == len(shown)


def assert_it_draws_nothing_again(bench, view):
    bench.frames(2)
    assert not bench.window.canvas.needs_redraw
    bench.app.show(view)
    bench.rest()
    assert not bench.window.canvas.needs_redraw


def labels(bench):
    return [one for one in bench.glass.shown() if isinstance(one, Label) and one.text and is_in_sight(one)]


def parents(widget):
    while (widget := widget.parent) is not None and hasattr(widget, "ids"):
        yield widget


def ink(label):
    """Where the letters of a label are, in window pixels: left, bottom, right, top."""
    wide, high = label.texture_size
    left, bottom, right, top = whole_box(label)
    middle = (bottom + top) / 2
    if label.halign == "left":
        right = min(right, left + wide)
    elif label.halign == "right":
        left = max(left, right - wide)
    return as_far_as_scrolled(label, (left, middle - high / 2, right, middle + high / 2))


def is_in_sight(widget):
    _, bottom, _, top = box(widget)
    return top > bottom


def box(widget):
    return as_far_as_scrolled(widget, whole_box(widget))


def whole_box(widget):
    left, bottom = widget.to_window(*widget.pos)
    return left, bottom, left + widget.width, bottom + widget.height


def as_far_as_scrolled(widget, rectangle):
    """What of it can be seen: a list cuts off what lies beyond its ends."""
    for parent in parents(widget):
        if isinstance(parent, ScrollView):
            _, foot, _, head = box(parent)
            left, bottom, right, top = rectangle
            return left, max(bottom, foot), right, min(top, head)
    return rectangle


def is_inside(inner, outer):
    return (
        inner[0] >= outer[0] - ROUNDING_PX
        and inner[1] >= outer[1] - ROUNDING_PX
        and inner[2] <= outer[2] + ROUNDING_PX
        and inner[3] <= outer[3] + ROUNDING_PX
    )


def overlap(one, other):
    return (
        min(one[2], other[2]) - max(one[0], other[0]) > ROUNDING_PX
        and min(one[3], other[3]) - max(one[1], other[1]) > ROUNDING_PX
    )
