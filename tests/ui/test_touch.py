"""What a finger means: real touches on real widgets, and the intents that the core would get."""

from datetime import timedelta

import pytest
import visits

from kassa.demo.glass import NotOnGlass
from kassa.ui.app import PRESENCE_EVERY_S, SETTLE_S, WARN_S

VIEWS = dict(visits.views("ru"))
ENGLISH = dict(visits.views("en"))


@pytest.fixture
def wide(bench):
    bench.resize((1280, 1024))
    return bench


@pytest.mark.parametrize(
    ("name", "tag", "intent"),
    [
        ("attract", "start", ("start", {})),
        ("attract", "service.tv", ("choose_service", {"service": "tv"})),
        ("services", "service.hotel", ("choose_service", {"service": "hotel"})),
        ("services", "back", ("cancel", {})),
        ("account", "back", ("cancel", {})),
        ("balance_debt", "confirm", ("confirm_account", {})),
        ("balance_debt", "back", ("cancel", {})),
        ("cash_empty", "cancel", ("cancel", {})),
        ("cash", "finish", ("finish", {})),
        ("cash", "cancel", ("cancel", {})),
        ("thanks", "finish", ("finish", {})),
        ("thanks_owed", "start", ("start", {})),
        ("out_validator_lost", "language.en", ("set_language", {"language": "en"})),
        ("printing", "language.en", ("set_language", {"language": "en"})),
    ],
)
def test_a_touch_is_one_intent(wide, name, tag, intent):
    wide.show(VIEWS[name])
    wide.tap(tag)
    assert wide.sent == [intent]


def test_a_touch_beside_the_tiles_of_the_first_screen_begins(wide):
    wide.show(VIEWS["attract"])
    wide.touch(5, 5)
    assert wide.sent == [("start", {})]


@pytest.mark.parametrize("name", sorted(VIEWS))
def test_every_screen_offers_the_other_language(bench, name):
    bench.show(VIEWS[name])
    assert "language.en" in bench.glass.tappable()
    bench.show(ENGLISH[name])
    assert "language.ru" in bench.glass.tappable()


def test_a_long_list_can_be_dragged_and_a_drag_chooses_nothing(wide):
    wide.show(VIEWS["services_many"])
    assert "service.hotel_1" not in wide.glass.tappable()

    wide.drag((640, 300), (640, 900))
    assert wide.sent == []
    wide.until(lambda: "service.hotel_1" in wide.glass.tappable())

    wide.tap("service.hotel_1")
    wide.until(lambda: wide.sent)
    assert wide.sent == [("choose_service", {"service": "hotel_1"})]


def test_the_next_customer_sees_the_list_from_its_top(wide):
    wide.show(VIEWS["services_many"])
    wide.drag((640, 300), (640, 900))
    wide.until(lambda: "service.internet_0" not in wide.glass.tappable())

    wide.show(VIEWS["attract"])
    wide.show(VIEWS["services_many"])
    assert "service.internet_0" in wide.glass.tappable()


# --- the account number ------------------------------------------------------------------------------------------


def type_number(bench, number):
    for digit in number:
        bench.tap(f"key.{digit}")


def test_a_typed_number_goes_to_the_core_as_it_was_typed(wide):
    wide.show(VIEWS["account"])
    type_number(wide, "0017742")
    wide.tap("enter")
    assert wide.sent == [("enter_account", {"account": "0017742"})]


def test_a_number_that_is_too_short_cannot_be_entered(wide):
    wide.show(VIEWS["account"])
    type_number(wide, "001774")
    assert "enter" not in wide.glass.tappable()
    with pytest.raises(NotOnGlass, match="'enter' cannot be pressed on the screen account"):
        wide.glass.finger_on("enter")


def test_digits_beyond_the_longest_number_are_not_taken(wide):
    wide.show(VIEWS["account"])
    type_number(wide, "40381729561")
    wide.tap("enter")
    assert wide.sent == [("enter_account", {"account": "4038172956"})]


def test_backspace_takes_the_last_digit_and_clear_all(wide):
    wide.show(VIEWS["account"])
    type_number(wide, "12345678")
    wide.tap("key.backspace")
    wide.tap("enter")
    wide.tap("key.clear")

    assert wide.sent == [("enter_account", {"account": "1234567"})]
    assert "enter" not in wide.glass.tappable()


def test_the_number_stays_when_the_core_knows_no_such_account(wide):
    wide.show(VIEWS["account"])
    type_number(wide, "1234567")
    wide.show(VIEWS["account_not_found"])
    assert "enter" in wide.glass.tappable()
    assert "Такого лицевого счёта нет" in wide.glass.texts()

    wide.tap("key.backspace")
    assert "Такого лицевого счёта нет" not in wide.glass.texts()


@pytest.mark.parametrize("name", ["attract", "out_validator_lost", "thanks", None])
def test_the_next_customer_does_not_see_the_number(wide, name):
    wide.show(VIEWS["account"])
    type_number(wide, "1234567")
    wide.show(VIEWS[name] if name else None)
    wide.show(VIEWS["account"])
    assert "enter" not in wide.glass.tappable()


def test_a_switch_of_language_keeps_what_was_typed(wide):
    wide.show(VIEWS["account"])
    type_number(wide, "1234567")
    wide.show(ENGLISH["account"])
    assert "Enter your account number" in wide.glass.texts()
    assert "enter" in wide.glass.tappable()


# --- cash ---------------------------------------------------------------------------------------------------------


def test_nobody_can_pay_before_the_core_allows_it(wide):
    wide.show(VIEWS["cash_empty"])
    assert "finish" not in wide.glass.tappable()
    wide.show(VIEWS["cash_counting"])
    assert "finish" not in wide.glass.tappable()
    wide.show(VIEWS["cash"])
    assert "finish" in wide.glass.tappable()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("cash", "Осталось внести 184,60 ₽"),
        ("cash_over", "Долг погашен, ещё 215,40 ₽ зачислим на счёт"),
        ("cash_long", "Долг погашен полностью"),
        ("cash_without_debt", "Зачислим на счёт любую сумму"),
        ("cash_counting", "Купюра принимается"),
        ("cash_returned_limit", "Заберите купюру"),
        ("cash_registrar_lost", "Купюры сейчас не принимаются"),
    ],
)
def test_the_cash_screen_says_how_it_stands(wide, name, words):
    wide.show(VIEWS[name])
    assert words in [text.replace("\N{NO-BREAK SPACE}", " ") for text in wide.glass.texts()]


# --- time ---------------------------------------------------------------------------------------------------------


def test_the_second_half_of_a_double_tap_confirms_nothing(wide):
    wide.show(VIEWS["balance_debt"])
    wide.app.show(VIEWS["cash"])
    wide.rest()
    wide.tap("finish")
    assert wide.sent == []

    wide.clock.seconds += 2 * SETTLE_S
    wide.tap("finish")
    assert wide.sent == [("finish", {})]


def test_a_note_that_comes_in_does_not_make_the_buttons_deaf(wide):
    wide.show(VIEWS["cash"])
    wide.app.show(VIEWS["cash_over"])
    wide.rest()
    wide.tap("finish")
    assert wide.sent == [("finish", {})]


def test_the_countdown_comes_when_the_time_runs_out(wide):
    wide.show(VIEWS["services"])
    assert "more_time" not in wide.glass.tappable()

    wide.clock.seconds += visits.NOBODY_WAITS_S - WARN_S
    wide.app.tick()
    wide.rest()
    assert "Через 19 секунд вернёмся на главный экран" in wide.glass.texts()

    wide.tap("more_time")
    assert wide.sent == [("touch", {})]
    wide.show(VIEWS["services"])
    assert "more_time" not in wide.glass.tappable()


def test_with_money_inside_the_countdown_says_where_it_goes(wide):
    wide.show(visits.hurried(VIEWS["cash"]))
    wide.app.tick()
    words = "Через 11 секунд 1 100 ₽ зачислим на счёт 4038 172 956"
    assert words in [text.replace("\N{NO-BREAK SPACE}", " ") for text in wide.glass.texts()]


def test_on_the_last_screen_nothing_is_counted_down(wide):
    wide.show(visits.hurried(VIEWS["thanks"]))
    assert "more_time" not in wide.glass.tappable()


def test_who_types_slowly_is_still_there(wide):
    wide.show(VIEWS["account"])
    wide.tap("key.1")
    assert wide.sent == []

    wide.clock.seconds += PRESENCE_EVERY_S
    wide.tap("key.2")
    wide.tap("key.3")
    assert wide.sent == [("touch", {})]


def test_the_time_of_day_goes_on(wide):
    wide.show(VIEWS["attract"])
    wide.clock.wall += timedelta(minutes=27)
    wide.app.tick()
    assert "14:59" in wide.glass.texts()
    wide.clock.wall -= timedelta(minutes=27)


# --- without a core -----------------------------------------------------------------------------------------------


def test_without_a_core_the_language_changes_all_the_same(wide):
    wide.show(None)
    there = next(tag for tag in wide.glass.tappable() if tag.startswith("language."))
    before = wide.glass.texts()
    wide.tap(there)

    assert there not in wide.glass.tappable()
    assert wide.glass.texts() != before
    assert wide.sent == []


def test_the_screen_that_waits_promises_only_what_is_true(wide):
    wide.show(VIEWS["cash"])
    wide.show(None)
    assert wide.app.screen == "waiting"
    assert visits.PAYMENT in wide.glass.texts()
    assert "1 100" not in " ".join(wide.glass.texts()).replace("\N{NO-BREAK SPACE}", " ")
    assert "Если вы уже внесли деньги, они учтены" in wide.glass.texts()


def test_nothing_of_an_earlier_view_stays(wide):
    names = {"account", "balance_long", "cash", "thanks", "printing"}
    for name in names:
        wide.show(VIEWS[name])
    for name in names:
        wide.show(visits.bare(VIEWS[name]))
        said = " ".join(wide.glass.texts())
        for word in ("Интернет", "4038 172 956", "Ив***", "Об***", "284,60", visits.PAYMENT, "3482910576"):
            assert word not in said, name


def test_every_part_of_a_view_may_be_missing(bench):
    for name, view in VIEWS.items():
        bench.show(visits.bare(view))
        assert bench.app.screen == view.screen.value, name
        assert "language.en" in bench.glass.tappable()


def test_f1_and_escape_do_nothing_on_a_kiosk(wide):
    wide.show(VIEWS["attract"])
    before = list(wide.app.root.children)
    for key in (282, 27):
        wide.window.dispatch("on_keyboard", key, 0, "", [])
    wide.frames(2)
    assert list(wide.app.root.children) == before
    assert not wide.quits()
