"""What a finger means: real touches on real widgets, and the intents that the core would get."""

from datetime import timedelta

import msgspec
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
        ("balance_debt", "contact", ("ask_contact", {})),
        ("cash_empty", "contact", ("ask_contact", {})),
        ("cash_empty_contact", "contact", ("ask_contact", {})),
        ("contact_phone", "back", ("cancel", {})),
        ("contact_phone_change", "remove", ("remove_contact", {})),
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


# --- the electronic receipt ---------------------------------------------------------------------------------------


def test_a_typed_phone_number_goes_to_the_core_with_its_prefix(wide):
    wide.show(VIEWS["contact_phone"])
    type_number(wide, "999123456")
    assert "enter" not in wide.glass.tappable()
    type_number(wide, "70")
    wide.tap("enter")
    assert wide.sent == [("enter_contact", {"contact": "+79991234567"})]


@pytest.mark.parametrize("habit", ["8", "7", "87"])
def test_who_begins_with_8_or_7_by_habit_means_the_prefix_that_stands_there(wide, habit):
    wide.show(VIEWS["contact_phone"])
    type_number(wide, f"{habit}9991234567")
    wide.tap("enter")
    assert wide.sent == [("enter_contact", {"contact": "+79991234567"})]


def test_a_typed_address_goes_to_the_core_as_it_was_typed(wide):
    wide.show(VIEWS["contact_phone"])
    wide.tap("kind.email")
    assert "enter" not in wide.glass.tappable()
    type_number(wide, "ivan.p-1_x@a.ru")
    wide.tap("enter")
    assert wide.sent == [("enter_contact", {"contact": "ivan.p-1_x@a.ru"})]


def test_one_key_types_a_whole_ending_and_another_one_takes_its_place(wide):
    wide.show(VIEWS["contact_phone"])
    wide.tap("kind.email")
    for key in ("@mail.ru", "i", "v", "@", "@", "y", "@mail.ru", "@yandex.ru", "backspace"):
        wide.tap(f"key.{key}")
    wide.tap("enter")
    assert wide.sent == [("enter_contact", {"contact": "iv@yandex.r"})]


def test_clear_begins_the_address_anew_and_the_number_is_another_matter(wide):
    wide.show(VIEWS["contact_phone"])
    type_number(wide, "9991234567")
    wide.tap("kind.email")
    type_number(wide, "ivan")
    wide.tap("key.clear")
    assert "enter" not in wide.glass.tappable()
    wide.tap("kind.phone")
    assert "enter" in wide.glass.tappable()


@pytest.mark.parametrize(
    ("name", "words"), [("contact_phone", "Проверьте номер"), ("contact_email", "Проверьте адрес")]
)
def test_what_is_wrong_is_said_and_typing_on_answers_it(wide, name, words):
    wide.show(VIEWS[f"{name}_change"])
    type_number(wide, "9112223344" if name == "contact_phone" else "petr")
    wide.show(VIEWS[f"{name}_wrong"])
    assert words in " ".join(wide.glass.texts())
    assert "enter" in wide.glass.tappable(), "what was typed stays"

    wide.tap("key.backspace")
    assert words not in " ".join(wide.glass.texts())


def test_a_switch_of_language_keeps_the_contact_that_was_typed(wide):
    wide.show(VIEWS["contact_phone"])
    wide.tap("kind.email")
    type_number(wide, "petr@x")
    wide.show(ENGLISH["contact_phone"])
    assert "E-mail address" in wide.glass.texts()
    assert "petr@x|" in wide.glass.texts()


@pytest.mark.parametrize(
    "name", [*sorted(set(VIEWS) - {one for one in VIEWS if one.startswith("contact_")}), None]
)
def test_what_was_typed_is_gone_as_soon_as_another_screen_comes(wide, name):
    wide.show(VIEWS["contact_phone"])
    type_number(wide, "9112223344")
    wide.tap("kind.email")
    type_number(wide, "petr@x")
    wide.show(VIEWS[name] if name else None)
    wide.show(VIEWS["contact_phone"])
    assert_nothing_is_typed(wide)
    wide.tap("kind.email")
    assert_nothing_is_typed(wide)


def assert_nothing_is_typed(bench):
    said = " ".join(bench.glass.texts())
    assert "enter" not in bench.glass.tappable()
    assert "911" not in said
    assert "petr" not in said


def test_who_walks_away_while_typing_is_asked_first(wide):
    wide.show(visits.hurried(VIEWS["contact_phone"]))
    wide.tap("more_time")
    assert wide.sent == [("touch", {})]


@pytest.mark.parametrize(("kinds", "first"), [(("phone",), "key.1"), (("email",), "key.q")])
def test_where_there_is_no_choice_none_is_shown(wide, kinds, first):
    wide.show(msgspec.structs.replace(VIEWS["contact_phone"], contact_kinds=kinds))
    found = wide.glass.tappable()
    assert first in found
    assert not {"kind.phone", "kind.email"} & set(found)


def test_where_nothing_is_asked_for_nothing_is_offered(bench):
    for size in ((1280, 1024), (1080, 1920)):
        bench.resize(size)
        for name in ("balance_debt", "cash_empty"):
            bench.show(VIEWS[name])
            assert "contact" in bench.glass.tappable()
            bench.show(msgspec.structs.replace(VIEWS[name], contact_kinds=()))
            assert "contact" not in bench.glass.tappable()


def test_the_contact_that_was_left_is_shown_masked_before_the_money_and_not_after(wide):
    wide.show(VIEWS["cash_empty_contact"])
    assert "+7\N{NO-BREAK SPACE}999\N{NO-BREAK SPACE}***-**-67" in wide.glass.texts()
    wide.show(VIEWS["cash_contact"])
    assert "***-**-67" not in " ".join(wide.glass.texts())


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
    names = {
        "account",
        "balance_long_contact",
        "contact_email_change",
        "cash_empty_contact",
        "cash",
        "thanks",
        "printing",
    }
    for name in names:
        wide.show(VIEWS[name])
    for name in names:
        wide.show(visits.bare(VIEWS[name]))
        said = " ".join(wide.glass.texts())
        for word in (
            "Интернет",
            "4038 172 956",
            "Ив***",
            "Об***",
            "284,60",
            visits.PAYMENT,
            "3482910576",
            "***-**-67",
            "a.***",
        ):
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
