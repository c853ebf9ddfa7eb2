"""A visit, one state and one event at a time."""

from dataclasses import replace
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kassa.config import load
from kassa.contact import Contact, Kind
from kassa.home import data_folder
from kassa.journal import entries as e
from kassa.journal.records import DueCount, OpenIntent, OpenPayment
from kassa.money import Money, of_whole
from kassa.ports import (
    Counted,
    Document,
    Evidence,
    EvidenceFound,
    NoteEscrowed,
    NoteMissing,
    NoteRejected,
    NoteReturned,
    NoteStacked,
    ReturnNote,
    StackNote,
    ValidatorLost,
    ValidatorReady,
)
from kassa.rules import recovery
from kassa.rules import session as s
from kassa.rules.services import Rules

CONFIG = load(data_folder() / "examples" / "kassa.toml")
NOTES = frozenset(of_whole(units) for units in (10, 50, 100, 500, 1000, 5000))
RULES = Rules(
    services={service.id: service for service in CONFIG.service},
    cash=CONFIG.cash,
    currency="RUB",
    known_values=NOTES,
    blocked=None,
    out_of_service=None,
    payment_number="00042-0000000001",
    note_number=1,
    last_is_in_cassette=False,
    last_is_uncertain=False,
    last_value=None,
    snapshot="ab" * 32,
    contact_kinds=(Kind.PHONE, Kind.EMAIL),
)
WHO = s.Identified("4038172956")
FIVE_HUNDRED, HUNDRED = of_whole(500), of_whole(100)
EMPTY = s.TakingCash("internet", WHO, of_whole(0))
MOVING = s.TakingCash("internet", WHO, of_whole(0), "00042-0000000001", s.Intent(1, FIVE_HUNDRED))
PAID = s.TakingCash("internet", WHO, FIVE_HUNDRED, "00042-0000000001")


def ready(evidence, counted=None):
    return ValidatorReady("SM", "1", tuple(NOTES), evidence, counted)


def written(effects):
    return [entry for effect in effects if isinstance(effect, s.Write) for entry in effect.entries]


def run(state, *events, rules=RULES):
    effects = []
    for event in events:
        state, more = s.step(state, event, rules)
        effects += more
    return state, effects


def test_a_visit_leads_from_service_to_account_to_cash():
    state, _ = run(
        s.Attract(),
        s.Started(),
        s.ServiceChosen("internet"),
        s.AccountEntered("4038172956"),
        s.AccountFound(WHO),
        s.AccountConfirmed(),
    )
    assert state == EMPTY


def test_the_intent_is_written_before_the_note_is_stacked():
    state, effects = run(EMPTY, NoteEscrowed(FIVE_HUNDRED))

    assert isinstance(effects[0], s.Write)
    assert effects[1] == StackNote()
    assert [type(entry) for entry in effects[0].entries] == [e.PaymentOpened, e.StackIntended]
    assert state.intent == s.Intent(1, FIVE_HUNDRED)


def test_the_second_note_belongs_to_the_same_payment():
    _, effects = run(PAID, NoteEscrowed(HUNDRED), rules=replace(RULES, note_number=2))
    assert written(effects) == [e.StackIntended(payment=PAID.payment, note=2, value=10000)]


def test_the_screen_shows_a_note_only_when_it_is_stacked():
    state, _ = run(EMPTY, NoteEscrowed(FIVE_HUNDRED))
    assert not state.paid

    state, effects = run(state, NoteStacked(FIVE_HUNDRED))
    assert state.paid == FIVE_HUNDRED
    assert written(effects) == [e.NoteStacked(payment=state.payment, note=1, value=50000)]


def test_what_the_validator_reports_is_credited_when_it_differs_from_the_intent():
    state, effects = run(MOVING, NoteStacked(HUNDRED))
    assert state.paid == HUNDRED
    assert written(effects)[0].value == 10000


def test_a_stacked_note_of_unknown_type_is_credited_as_intended():
    state, _ = run(MOVING, NoteStacked(None))
    assert state.paid == FIVE_HUNDRED


def test_a_note_over_the_maximum_goes_back():
    nearly_full = replace(PAID, paid=of_whole(14_900))
    state, effects = run(nearly_full, NoteEscrowed(FIVE_HUNDRED))
    assert effects == [ReturnNote()]
    assert state.notice == "note_returned_limit"


def test_a_denomination_that_the_service_does_not_take_goes_back():
    radio = replace(EMPTY, service="radio")
    state, effects = run(radio, NoteEscrowed(of_whole(5000)))
    assert effects == [ReturnNote()]
    assert state.notice == "note_returned_denomination"


def test_no_note_is_taken_while_the_registrar_is_not_ready():
    blocked = replace(RULES, blocked="registrar_paper_out")
    _, effects = run(EMPTY, NoteEscrowed(FIVE_HUNDRED), rules=blocked)
    assert effects == [ReturnNote()]
    assert s.open_values(EMPTY, blocked) == frozenset()


@pytest.mark.parametrize(
    "state",
    [s.Attract(), s.ChoosingService(), s.EnteringAccount("internet"), s.ConfirmingAccount("internet", WHO)],
)
def test_a_note_that_nobody_may_insert_goes_back(state):
    after, effects = run(state, NoteEscrowed(FIVE_HUNDRED))
    assert after == state
    assert effects == [ReturnNote()]


def test_paying_credits_all_that_was_inserted():
    state, effects = run(replace(PAID, paid=of_whole(650)), s.FinishPressed())
    assert written(effects) == [e.PaymentCredited(payment=PAID.payment, total=65000, reason="finish")]
    assert state == s.Printing("internet", WHO, PAID.payment, of_whole(650))


def test_paying_below_the_minimum_is_refused():
    wifi = replace(PAID, service="wifi", paid=of_whole(10))
    state, effects = run(wifi, s.FinishPressed())
    assert state == wifi
    assert effects == [s.Refuse("below_minimum")]


def test_who_walks_away_keeps_the_money_on_the_account_even_below_the_minimum():
    wifi = replace(PAID, service="wifi", paid=of_whole(10))
    _, effects = run(wifi, s.TimedOut())
    assert written(effects) == [e.PaymentCredited(payment=PAID.payment, total=1000, reason="timeout")]


def test_paying_with_a_note_in_flight_waits_for_its_fate():
    state, effects = run(replace(MOVING, paid=HUNDRED), s.FinishPressed())
    assert effects == []

    state, effects = run(state, NoteStacked(FIVE_HUNDRED))
    assert written(effects) == [
        e.NoteStacked(payment=MOVING.payment, note=1, value=50000),
        e.PaymentCredited(payment=MOVING.payment, total=60000, reason="finish"),
    ]
    assert state.paid == of_whole(600)


def test_a_note_after_pay_was_pressed_goes_back():
    closing = replace(MOVING, closing="finish")
    _, effects = run(closing, NoteEscrowed(HUNDRED))
    assert effects == [ReturnNote()]


def test_a_full_payment_ends_by_itself():
    nearly_full = replace(MOVING, paid=of_whole(14_500))
    state, effects = run(nearly_full, NoteStacked(FIVE_HUNDRED))
    assert written(effects)[-1] == e.PaymentCredited(payment=MOVING.payment, total=1_500_000, reason="limit")
    assert isinstance(state, s.Printing)


def test_cancelling_with_money_inside_is_refused_with_the_reason():
    state, effects = run(PAID, s.CancelPressed())
    assert effects == [s.Refuse("money_is_credited")]
    assert state.paid == PAID.paid


def test_cancelling_before_any_note_leaves_nothing_behind():
    assert run(EMPTY, s.CancelPressed()) == (s.Attract(), [])


def test_a_payment_whose_only_note_came_back_is_abandoned():
    state, effects = run(MOVING, NoteReturned(FIVE_HUNDRED), s.CancelPressed())
    assert state == s.Attract()
    assert [type(entry) for entry in written(effects)] == [e.NoteReturned, e.PaymentAbandoned]


def test_another_note_that_came_back_says_nothing_of_the_one_in_flight():
    """A validator that forgets what it said may have stacked ours, and then let the next customer push in his."""
    state, effects = run(MOVING, NoteReturned(HUNDRED), ready(Evidence.NOTHING))
    assert written(effects) == [e.NoteStacked(payment=MOVING.payment, note=1, value=50000, uncertain=True)]
    assert state.paid == FIVE_HUNDRED


def test_a_rejected_note_is_explained_and_nothing_is_written():
    state, effects = run(PAID, NoteRejected("crooked"))
    assert state.notice == "note_rejected"
    assert effects == []


CHOOSING, ENTERING = s.ChoosingService(), s.EnteringAccount("internet")
CONFIRMING = s.ConfirmingAccount("internet", WHO)
ASKING = s.EnteringContact("internet", WHO, is_taking_cash=False)
ASKING_AT_CASH = s.EnteringContact("internet", WHO, is_taking_cash=True)
PHONE, EMAIL = Contact("+79991234567"), Contact("ivan@mail.ru")


@pytest.mark.parametrize(
    ("state", "event", "after", "effects"),
    [
        (s.Attract(), s.ServiceChosen("tv"), s.EnteringAccount("tv"), []),  # one service only: no choice to make
        (CHOOSING, s.ServiceChosen("nonsense"), CHOOSING, [s.Refuse("service_unknown")]),
        (ENTERING, s.ServiceChosen("tv"), s.EnteringAccount("tv"), []),
        (ENTERING, s.AccountEntered("4038172956"), ENTERING, [s.LookUp("internet", "4038172956")]),
        (
            ENTERING, s.AccountEntered("123"),
            s.EnteringAccount("internet", "account_wrong_length"), [s.Refuse("account_wrong_length")],
        ),
        (
            ENTERING, s.AccountUnknown("account_not_found"),
            s.EnteringAccount("internet", "account_not_found"), [s.Refuse("account_not_found")],
        ),
        (CONFIRMING, s.CancelPressed(), ENTERING, []),
        (ENTERING, s.CancelPressed(), CHOOSING, []),
        (CHOOSING, s.CancelPressed(), s.Attract(), []),
        (s.Attract(), s.CancelPressed(), s.Attract(), []),
        (CHOOSING, s.AccountConfirmed(), CHOOSING, [s.Refuse("not_on_this_screen")]),
        (CONFIRMING, s.FinishPressed(), CONFIRMING, [s.Refuse("not_on_this_screen")]),
        (PAID, s.ServiceChosen("tv"), PAID, [s.Refuse("not_on_this_screen")]),
        (ENTERING, s.ContactWanted(), ENTERING, [s.Refuse("not_on_this_screen")]),
        (CONFIRMING, s.ContactEntered(PHONE.text), CONFIRMING, [s.Refuse("not_on_this_screen")]),
        (EMPTY, s.ContactRemoved(), EMPTY, [s.Refuse("not_on_this_screen")]),
        (EMPTY, s.ContactEntered(PHONE.text), EMPTY, [s.Refuse("not_on_this_screen")]),
        (ASKING, s.FinishPressed(), ASKING, [s.Refuse("not_on_this_screen")]),
        (ASKING, s.AccountConfirmed(), ASKING, [s.Refuse("not_on_this_screen")]),
    ],
)  # fmt: skip
def test_what_a_finger_means_depends_on_the_screen(state, event, after, effects):
    assert run(state, event) == (after, effects)


# --- the electronic receipt -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "asking"), [(CONFIRMING, ASKING), (EMPTY, ASKING_AT_CASH)], ids=["balance", "cash"]
)
def test_a_contact_leads_back_to_where_the_customer_came_from(before, asking):
    assert run(before, s.ContactWanted()) == (asking, [])
    assert run(asking, s.ContactEntered(PHONE.text)) == (replace(before, contact=PHONE), [])
    assert run(asking, s.CancelPressed()) == (before, [])


@pytest.mark.parametrize("before", [CONFIRMING, EMPTY], ids=["balance", "cash"])
def test_a_contact_can_be_changed_kept_and_removed(before):
    left = replace(before, contact=PHONE)
    assert run(left, s.ContactWanted(), s.ContactEntered(EMAIL.text)) == (replace(before, contact=EMAIL), [])
    assert run(left, s.ContactWanted(), s.CancelPressed()) == (left, [])
    assert run(left, s.ContactWanted(), s.ContactRemoved()) == (before, [])


@pytest.mark.parametrize(
    ("kinds", "text", "code"),
    [
        ((Kind.PHONE, Kind.EMAIL), "+74951234567", "contact_phone_wrong"),
        ((Kind.PHONE, Kind.EMAIL), "+7", "contact_phone_wrong"),
        ((Kind.PHONE, Kind.EMAIL), "ivan@mail", "contact_email_wrong"),
        ((Kind.PHONE, Kind.EMAIL), "", "contact_email_wrong"),
        ((Kind.PHONE,), EMAIL.text, "contact_phone_wrong"),
        ((Kind.EMAIL,), PHONE.text, "contact_email_wrong"),
    ],
)
def test_a_wrong_contact_is_refused_with_the_reason_and_the_earlier_one_stays(kinds, text, code):
    asking, rules = replace(ASKING, contact=EMAIL), replace(RULES, contact_kinds=kinds)
    told = (replace(asking, notice=code), [s.Refuse(code)])
    assert run(asking, s.ContactEntered(text), rules=rules) == told
    assert run(told[0], s.CancelPressed()) == (replace(CONFIRMING, contact=EMAIL), [])


def test_the_contact_goes_with_the_customer_from_the_balance_to_the_cash():
    assert run(replace(CONFIRMING, contact=PHONE), s.AccountConfirmed()) == (
        replace(EMPTY, contact=PHONE),
        [],
    )


def test_another_account_is_another_matter():
    assert run(replace(CONFIRMING, contact=PHONE), s.CancelPressed()) == (ENTERING, [])


def test_the_contact_is_written_with_the_first_note_and_once():
    state, effects = run(replace(EMPTY, contact=PHONE), NoteEscrowed(FIVE_HUNDRED), NoteStacked(FIVE_HUNDRED))
    state, more = run(state, NoteEscrowed(HUNDRED), rules=replace(RULES, note_number=2))
    [opened] = [entry for entry in written([*effects, *more]) if isinstance(entry, e.PaymentOpened)]
    assert opened.contact == "+79991234567"


def test_without_a_contact_the_entry_is_what_it_always_was():
    _, effects = run(EMPTY, NoteEscrowed(FIVE_HUNDRED))
    assert "contact" not in e.encode(written(effects)[0])


@pytest.mark.parametrize(
    "state", [MOVING, PAID, replace(PAID, paid=of_whole(0)), replace(MOVING, closing="finish")]
)
def test_a_contact_comes_too_late_when_a_note_was_inserted(state):
    assert run(state, s.ContactWanted()) == (state, [s.Refuse("not_on_this_screen")])


@pytest.mark.parametrize("state", [CONFIRMING, EMPTY])
def test_where_no_contact_is_asked_for_none_can_be_left(state):
    off = replace(RULES, contact_kinds=())
    assert run(state, s.ContactWanted(), rules=off) == (state, [s.Refuse("not_on_this_screen")])


@pytest.mark.parametrize("state", [ASKING, ASKING_AT_CASH])
def test_while_a_contact_is_typed_the_slot_is_closed_and_a_note_goes_back(state):
    assert s.open_values(state, RULES) == frozenset()
    assert run(state, NoteEscrowed(FIVE_HUNDRED)) == (state, [ReturnNote()])


def test_a_note_in_flight_keeps_its_payments_contact_over_a_restart():
    paying = OpenPayment(PAID.payment, "internet", WHO.account, 50000, PHONE.text)
    state = recovery.restore(paying, OpenIntent(PAID.payment, 2, 10000), None, WHO, "RUB")
    state, effects = run(state, ready(Evidence.NOTE_IN_STACKER))
    assert state.contact == PHONE
    assert written(effects) == [e.NoteStacked(payment=PAID.payment, note=2, value=10000)]


def test_no_state_and_no_event_tells_a_log_what_was_typed():
    told = repr([replace(ASKING, contact=PHONE), replace(EMPTY, contact=EMAIL), s.ContactEntered(PHONE.text)])
    assert "1234" not in told
    assert "ivan" not in told


@pytest.mark.parametrize("state", [CHOOSING, ENTERING, CONFIRMING, ASKING, ASKING_AT_CASH, EMPTY])
@pytest.mark.parametrize("event", [s.TimedOut(), s.Stopping(), s.WentOutOfService()])
def test_a_screen_without_money_gives_way_to_the_first_one(state, event):
    assert run(state, event) == (s.Attract(), [])


@pytest.mark.parametrize("state", [s.Attract(), CHOOSING, ENTERING, CONFIRMING, ASKING, EMPTY, PAID, MOVING])
def test_a_touch_changes_nothing_but_the_time_that_is_left(state):
    assert run(state, s.Touched()) == (state, [])


@pytest.mark.parametrize("event", [s.Started(), s.ServiceChosen("internet"), s.AccountEntered("4038172956")])
def test_nobody_begins_a_payment_on_a_terminal_out_of_service(event):
    out = replace(RULES, out_of_service="registrar_lost")
    assert run(s.Attract(), event, rules=out) == (s.Attract(), [s.Refuse("registrar_lost")])


def test_a_payment_with_money_goes_on_when_the_terminal_goes_out_of_service():
    assert run(PAID, s.WentOutOfService()) == (PAID, [])
    assert run(MOVING, s.WentOutOfService()) == (MOVING, [])


def test_an_event_that_fits_nothing_is_told_and_changes_nothing():
    assert run(CHOOSING, s.AccountFound(WHO)) == (CHOOSING, [s.Unexpected(CHOOSING, s.AccountFound(WHO))])
    assert run(PAID, "nonsense") == (PAID, [s.Unexpected(PAID, "nonsense")])


def test_what_was_on_the_screen_is_written_with_the_first_note():
    state, effects = run(EMPTY, NoteEscrowed(FIVE_HUNDRED))
    assert written(effects) == [
        e.PaymentOpened(
            payment=RULES.payment_number, service="internet", account=WHO.account, snapshot="ab" * 32
        ),
        e.StackIntended(payment=RULES.payment_number, note=1, value=50000),
    ]
    assert state == MOVING


@pytest.mark.parametrize(
    ("state", "event", "notice"),
    [
        (EMPTY, NoteRejected("crooked"), "note_rejected"),
        (PAID, ValidatorLost("unplugged"), "validator_lost"),
        (EMPTY, NoteReturned(None), "note_returned"),
        (replace(PAID, notice="validator_lost"), ready(Evidence.NOTHING), None),
        (replace(PAID, notice="note_rejected"), NoteReturned(None), "note_rejected"),
        (PAID, s.CancelPressed(), "money_is_credited"),
        (replace(MOVING, notice="note_rejected"), NoteStacked(FIVE_HUNDRED), None),
        (MOVING, NoteReturned(FIVE_HUNDRED), "note_returned"),
        (MOVING, ready(Evidence.NOTE_IN_HEAD), "note_returned"),
        (replace(MOVING, notice="validator_lost"), ready(Evidence.NOTE_IN_STACKER), None),
        (replace(PAID, notice="note_rejected"), NoteEscrowed(HUNDRED), None),
        (MOVING, NoteEscrowed(HUNDRED), "note_returned_closing"),
        (PAID, NoteMissing(), None),
    ],
)  # fmt: skip
def test_the_customer_is_told_what_became_of_the_note(state, event, notice):
    assert run(state, event)[0].notice == notice


@pytest.mark.parametrize(("event", "reason"), [(s.TimedOut(), "timeout"), (s.Stopping(), "stop")])
def test_the_journal_says_why_a_payment_ended(event, reason):
    state, effects = run(PAID, event)
    assert written(effects) == [e.PaymentCredited(payment=PAID.payment, total=50000, reason=reason)]
    assert state == s.Printing("internet", WHO, PAID.payment, FIVE_HUNDRED)

    _, effects = run(MOVING, event, NoteStacked(None))
    assert written(effects)[-1].reason == reason


def test_paying_below_the_minimum_with_a_note_in_flight_leaves_the_payment_open():
    wifi = replace(MOVING, service="wifi", closing="finish")
    state, effects = run(wifi, NoteStacked(of_whole(10)))
    assert state == replace(wifi, paid=of_whole(10), intent=None, closing=None)
    assert [type(entry) for entry in written(effects)] == [e.NoteStacked]
    assert s.open_values(state, RULES)


def test_who_pays_exactly_the_minimum_has_paid_enough():
    wifi = replace(PAID, service="wifi", paid=of_whole(RULES.services["wifi"].min))
    assert isinstance(run(wifi, s.FinishPressed())[0], s.Printing)


def test_paying_with_no_money_inside_is_refused():
    assert run(EMPTY, s.FinishPressed()) == (EMPTY, [s.Refuse("below_minimum")])


def test_a_payment_for_a_service_that_is_gone_is_still_credited():
    gone = replace(PAID, service="gone")
    assert isinstance(run(gone, s.FinishPressed())[0], s.Printing)
    _, effects = run(gone, NoteEscrowed(HUNDRED))
    assert effects == [ReturnNote()]


def test_no_payment_is_full_while_nobody_knows_the_notes():
    """The validator was unplugged in the middle: what it takes is unknown, and so is whether anything still fits."""
    blind = replace(RULES, known_values=frozenset())
    state, effects = run(MOVING, NoteStacked(None), rules=blind)
    assert state == replace(PAID, notice=None)
    assert [type(entry) for entry in written(effects)] == [e.NoteStacked]


def test_a_single_note_of_all_that_a_service_takes_fills_the_payment():
    radio = msgspec.structs.replace(RULES.services["radio"], max=500, denominations=(500,))
    rules = replace(RULES, services={"radio": radio})
    _, effects = run(replace(MOVING, service="radio"), NoteStacked(FIVE_HUNDRED), rules=rules)
    assert written(effects)[-1].reason == "limit"


def test_a_terminal_takes_the_notes_of_its_own_currency():
    note = Money(10_000, "JPY")
    rules = replace(RULES, currency="JPY", known_values=frozenset({note}))
    state, _ = run(CONFIRMING, s.AccountConfirmed(), rules=rules)
    assert state.paid == Money(0, "JPY")
    state, effects = run(state, NoteEscrowed(note), NoteStacked(note), rules=rules)
    assert written(effects)[-1] == e.PaymentCredited(
        payment=RULES.payment_number, total=10_000, reason="limit"
    )


def test_a_payment_that_a_smaller_note_still_fits_is_not_full():
    nearly_full = replace(MOVING, paid=of_whole(14_490))
    state, _ = run(nearly_full, NoteStacked(FIVE_HUNDRED))
    assert s.open_values(state, RULES) == {of_whole(10)}


CASH = CONFIG.cash


@pytest.mark.parametrize(
    ("state", "seconds"),
    [
        (s.Attract(), None),
        *((state, CASH.choosing_timeout_s) for state in (CHOOSING, ENTERING, CONFIRMING, ASKING, EMPTY)),
        (PAID, CASH.idle_timeout_s),
        (MOVING, CASH.idle_timeout_s),
        (replace(MOVING, closing="finish"), CASH.idle_timeout_s),
        (replace(MOVING, closing="timeout"), s.EVIDENCE_WAIT_S),
        (s.Printing("internet", WHO, "00042-0000000001", FIVE_HUNDRED), CASH.receipt_wait_s),
        (s.Thanking("internet", WHO, "00042-0000000001", FIVE_HUNDRED, None), CASH.thanks_s),
    ],
)
def test_every_screen_waits_for_its_own_time(state, seconds):
    assert s.timeout_s(state, RULES) == seconds


def test_the_slot_is_open_for_what_fits_while_cash_is_taken_and_else_closed():
    assert s.open_values(EMPTY, RULES) == NOTES
    assert s.open_values(replace(PAID, paid=of_whole(14_900)), RULES) == {
        of_whole(units) for units in (10, 50, 100)
    }
    for state in (s.Attract(), CHOOSING, CONFIRMING, replace(MOVING, closing="finish")):
        assert s.open_values(state, RULES) == frozenset()


# --- recovery: the device's evidence of a note in flight --------------------------------------------------------


def test_a_note_that_power_loss_left_past_the_gate_is_credited_for_certain():
    state, effects = run(MOVING, ready(Evidence.NOTE_IN_STACKER))
    assert written(effects) == [e.NoteStacked(payment=MOVING.payment, note=1, value=50000, uncertain=False)]
    assert state.paid == FIVE_HUNDRED


def test_a_note_that_power_loss_left_in_the_head_is_given_back():
    state, effects = run(MOVING, ready(Evidence.NOTE_IN_HEAD))
    assert isinstance(written(effects)[0], e.NoteReturned)
    assert not state.paid


@pytest.mark.parametrize("event", [ready(Evidence.NOTHING), NoteMissing()])
def test_without_evidence_the_customer_gets_the_benefit_of_the_doubt(event):
    state, effects = run(MOVING, event)
    assert written(effects) == [e.NoteStacked(payment=MOVING.payment, note=1, value=50000, uncertain=True)]
    assert state.paid == FIVE_HUNDRED


@pytest.mark.parametrize(
    ("evidence", "entry"),
    [(Evidence.NOTE_IN_HEAD, e.NoteReturned), (Evidence.NOTE_IN_STACKER, e.NoteStacked)],
)
def test_evidence_is_written_before_it_is_lost_and_counts_in_a_later_run(evidence, entry):
    state, effects = run(MOVING, EvidenceFound(evidence))
    assert written(effects) == [e.EvidenceFound(payment=MOVING.payment, note=1, evidence=evidence.value)]
    restored = recovery.restore(
        OpenPayment(MOVING.payment, "internet", WHO.account, 0),
        OpenIntent(MOVING.payment, 1, 50000, evidence.value), None, WHO, "RUB",
    )  # fmt: skip
    assert restored == state

    _, effects = run(restored, ready(Evidence.NOTHING))
    assert [type(one) for one in written(effects)] == [entry]
    assert not getattr(written(effects)[0], "uncertain", False)


def test_of_a_note_that_was_in_the_head_the_last_evidence_counts():
    found = EvidenceFound(Evidence.NOTE_IN_HEAD)
    assert run(MOVING, found, NoteReturned(HUNDRED))[0] == MOVING
    state, effects = run(MOVING, found, NoteReturned(HUNDRED), ready(Evidence.NOTHING))
    assert state.paid == FIVE_HUNDRED
    assert written(effects)[-1].uncertain

    state, _ = run(MOVING, found, ready(Evidence.NOTE_IN_STACKER))
    assert state.paid == FIVE_HUNDRED


@pytest.mark.parametrize(
    "other", [NoteReturned(HUNDRED), NoteReturned(FIVE_HUNDRED), EvidenceFound(Evidence.NOTE_IN_HEAD)]
)
@pytest.mark.parametrize("last", [Evidence.NOTHING, Evidence.NOTE_IN_HEAD])
def test_what_was_in_the_stacker_does_not_come_back(other, last):
    """Storm 148: the next note, pushed in while the core started, came back and was taken for the one in the box."""
    state, effects = run(MOVING, EvidenceFound(Evidence.NOTE_IN_STACKER), other, ready(last))
    assert state.paid == FIVE_HUNDRED
    assert written(effects)[1:] == [e.NoteStacked(payment=MOVING.payment, note=1, value=50000)]


def test_what_waited_an_hour_in_vain_is_settled_by_the_evidence_there_was():
    state, effects = run(MOVING, EvidenceFound(Evidence.NOTE_IN_HEAD), s.TimedOut(), s.TimedOut())
    assert state == s.Attract()
    assert isinstance(written(effects)[-1], e.PaymentAbandoned)


def test_a_lost_link_settles_nothing():
    state, effects = run(MOVING, ValidatorLost("unplugged"))
    assert state.intent == MOVING.intent
    assert effects == []


def test_a_note_that_a_hand_holds_back_is_not_credited_by_waiting():
    """Who holds a note in the validator's mouth until the time is up must not get both."""
    state, effects = run(MOVING, s.TimedOut())
    assert written(effects) == []
    assert s.open_values(state, RULES) == frozenset()

    _, effects = run(state, NoteReturned(FIVE_HUNDRED))
    assert [type(entry) for entry in written(effects)] == [e.NoteReturned, e.PaymentAbandoned]


def test_who_walked_away_from_a_jam_has_his_money_credited_when_the_validator_tells():
    state, _ = run(replace(MOVING, paid=HUNDRED), ValidatorLost("unplugged"), s.TimedOut())
    assert s.timeout_s(state, RULES) == s.EVIDENCE_WAIT_S

    _, effects = run(state, NoteStacked(FIVE_HUNDRED, at_start=True))
    assert [type(entry) for entry in written(effects)] == [e.NoteStacked, e.PaymentCredited]
    assert written(effects)[1].total == 60000
    assert written(effects)[1].reason == "timeout"


def test_a_stop_leaves_the_note_in_flight_to_the_next_run():
    state, effects = run(MOVING, s.Stopping())
    assert state.intent == MOVING.intent
    assert written(effects) == []


def test_nobody_waits_for_ever_for_a_note_that_was_never_heard_of_again():
    state, effects = run(MOVING, ValidatorLost("unplugged"), s.TimedOut(), s.TimedOut())
    assert [type(entry) for entry in written(effects)] == [e.NoteStacked, e.PaymentCredited]
    assert written(effects)[0].uncertain
    assert isinstance(state, s.Printing)


def test_a_repeated_stacked_after_a_lost_acknowledgement_is_no_second_credit():
    known = replace(RULES, last_is_in_cassette=True, last_value=FIVE_HUNDRED)
    assert run(PAID, NoteStacked(FIVE_HUNDRED, at_start=True), rules=known) == (PAID, [])
    assert run(PAID, NoteStacked(None, at_start=True, is_named=False), rules=known) == (PAID, [])


@pytest.mark.parametrize("at_start", [True, False])
@pytest.mark.parametrize("value", [FIVE_HUNDRED, None])
def test_the_late_proof_of_a_note_that_was_credited_in_doubt_is_no_orphan(value, at_start):
    known = replace(RULES, last_is_in_cassette=True, last_is_uncertain=True, last_value=FIVE_HUNDRED)
    assert run(s.Attract(), NoteStacked(value, at_start), rules=known) == (s.Attract(), [])


IN_CASSETTE = replace(RULES, note_number=7, last_is_in_cassette=True, last_value=FIVE_HUNDRED)
IN_DOUBT = replace(IN_CASSETTE, last_is_uncertain=True)
GIVEN_BACK = replace(IN_CASSETTE, last_is_in_cassette=False)


@pytest.mark.parametrize("state", [s.Attract(), CHOOSING, PAID])
@pytest.mark.parametrize(
    ("rules", "event"),
    [
        (IN_CASSETTE, NoteStacked(FIVE_HUNDRED)),  # a second one: only a start says the same thing twice
        (IN_CASSETTE, NoteStacked(HUNDRED, at_start=True)),
        (IN_CASSETTE, NoteStacked(None, at_start=True)),
        (IN_CASSETTE, NoteStacked(None)),
        (GIVEN_BACK, NoteStacked(FIVE_HUNDRED, at_start=True)),
        (GIVEN_BACK, NoteStacked(FIVE_HUNDRED)),
        (GIVEN_BACK, NoteStacked(None)),
        (GIVEN_BACK, NoteStacked(None, at_start=True, is_named=False)),
        (IN_CASSETTE, NoteStacked(None, is_named=False)),
        (IN_DOUBT, NoteStacked(HUNDRED)),
        (IN_DOUBT, NoteStacked(HUNDRED, at_start=True)),
    ],
)
def test_a_stacked_note_that_nobody_sent_there_is_an_orphan(state, rules, event):
    evidence = "stacked at start" if event.at_start else "stacked without our command"
    orphan = e.OrphanFound(note=7, value=event.value and event.value.minor, evidence=evidence)
    assert run(state, event, rules=rules) == (state, [s.Write((orphan,))])


@pytest.mark.parametrize("state", [s.Attract(), PAID])
def test_a_note_in_the_stacker_without_an_intent_is_an_orphan_of_unknown_value(state):
    after, effects = run(state, ready(Evidence.NOTE_IN_STACKER), rules=GIVEN_BACK)
    assert after == state
    assert written(effects) == [e.OrphanFound(note=7, value=None, evidence="in the stacker at power-up")]


@pytest.mark.parametrize("state", [s.Attract(), PAID])
@pytest.mark.parametrize("evidence", [Evidence.NOTHING, Evidence.NOTE_IN_HEAD])
def test_a_note_that_did_not_reach_the_stacker_is_nobodys_money(state, evidence):
    assert run(state, ready(evidence), rules=GIVEN_BACK) == (state, [])


def test_a_note_in_the_stacker_that_is_credited_already_is_not_counted_again():
    for state in (s.Attract(), PAID):
        assert run(state, ready(Evidence.NOTE_IN_STACKER), rules=IN_CASSETTE) == (state, [])


# --- a validator that holds what it stacked -----------------------------------------------------------------------


def moving(evidence):
    return replace(MOVING, intent=replace(MOVING.intent, evidence=evidence))


BACK_AS_NEVER_STACKED = e.NoteReturned(
    payment="00042-0000000001",
    note=1,
    reason="the validator never had it stacked, as it would say so until it is heard",
)
CREDITED = e.NoteStacked(payment="00042-0000000001", note=1, value=50000)
CREDITED_IN_DOUBT = e.NoteStacked(payment="00042-0000000001", note=1, value=50000, uncertain=True)


@pytest.mark.parametrize(
    ("known", "now", "entry"),
    [
        (Evidence.NOTHING, Evidence.NOT_STACKED, BACK_AS_NEVER_STACKED),
        (Evidence.NOTE_IN_HEAD, Evidence.NOT_STACKED, BACK_AS_NEVER_STACKED),
        (Evidence.NOTE_IN_STACKER, Evidence.NOT_STACKED, CREDITED),
        (Evidence.POWER_LOST, Evidence.NOT_STACKED, CREDITED_IN_DOUBT),
        (Evidence.POWER_LOST, Evidence.NOTHING, CREDITED_IN_DOUBT),
        (Evidence.POWER_LOST, Evidence.NOTE_IN_STACKER, CREDITED),
    ],
)
def test_rest_is_evidence_only_of_a_validator_that_kept_its_power(known, now, entry):
    _, effects = run(moving(known), ready(now))
    assert written(effects)[0] == entry


def test_nobody_has_a_note_for_a_rest_without_an_intent():
    assert run(s.Attract(), ready(Evidence.NOT_STACKED)) == (s.Attract(), [])


@pytest.mark.parametrize("known", [Evidence.NOTE_IN_HEAD, Evidence.NOTE_IN_STACKER, Evidence.POWER_LOST])
def test_that_power_was_lost_is_written_once_and_never_over_better_evidence(known):
    assert run(moving(known), EvidenceFound(Evidence.POWER_LOST)) == (moving(known), [])
    lost = e.EvidenceFound(payment="00042-0000000001", note=1, evidence="power_lost")
    assert run(MOVING, EvidenceFound(Evidence.POWER_LOST)) == (
        moving(Evidence.POWER_LOST),
        [s.Write((lost,))],
    )


def test_another_note_that_came_back_does_not_give_power_back():
    assert run(moving(Evidence.POWER_LOST), NoteReturned(HUNDRED)) == (moving(Evidence.POWER_LOST), [])


def test_of_a_note_that_is_never_heard_of_again_a_lost_power_is_no_evidence():
    state = replace(moving(Evidence.POWER_LOST), closing="timeout")
    _, effects = run(state, s.TimedOut())
    assert written(effects)[0] == CREDITED_IN_DOUBT


# --- what the validator has counted itself ---------------------------------------------------------------------

DUE = replace(RULES, note_number=7, due_count=DueCount("1", 40))


def counts(stacked, unit="1", evidence=Evidence.NOTHING):
    return ready(evidence, Counted(unit, stacked))


def test_the_validators_count_before_the_note_stands_in_its_intent():
    _, effects = run(EMPTY, NoteEscrowed(FIVE_HUNDRED, Counted("1", 40)))
    assert written(effects)[-1].counted == ("1", 40)
    _, effects = run(EMPTY, NoteEscrowed(FIVE_HUNDRED))
    assert written(effects)[-1].counted is None


@pytest.mark.parametrize(
    ("event", "entry"),
    [
        (counts(41), e.NoteStacked(payment="00042-0000000001", note=1, value=50000)),
        (counts(40), e.NoteReturned(
            payment="00042-0000000001", note=1, reason="the validator had it in its head at a start"
        )),
        *((event, e.NoteStacked(payment="00042-0000000001", note=1, value=50000, uncertain=True)) for event in (
            counts(42), counts(39), counts(0), counts(41, "2"), ready(Evidence.NOTHING)
        )),
        (counts(40, evidence=Evidence.NOTE_IN_STACKER), e.NoteStacked(
            payment="00042-0000000001", note=1, value=50000
        )),
        (counts(41, evidence=Evidence.NOTE_IN_HEAD), e.NoteReturned(
            payment="00042-0000000001", note=1, reason="the validator had it in its head at a start"
        )),
    ],
)  # fmt: skip
def test_without_better_evidence_the_validators_count_tells_the_fate_of_the_note_in_flight(event, entry):
    _, effects = run(MOVING, event, rules=DUE)
    assert written(effects)[0] == entry


@pytest.mark.parametrize("state", [s.Attract(), PAID])
@pytest.mark.parametrize(
    ("stacked", "orphans"), [(40, 0), (41, 1), (43, 3), (44, 0), (39, 0), (2**32 - 1, 0)]
)
def test_notes_that_only_the_validator_has_counted_are_orphans_and_a_count_that_jumps_is_none(
    state, stacked, orphans
):
    after, effects = run(state, counts(stacked), rules=DUE)
    assert after == state
    assert written(effects) == [
        e.OrphanFound(note=7 + one, value=None, evidence="counted by the validator") for one in range(orphans)
    ]
    assert len(effects) == bool(orphans), "an empty transaction says nothing"


def test_a_count_goes_from_its_last_number_to_zero():
    _, effects = run(MOVING, counts(0), rules=replace(DUE, due_count=DueCount("1", 2**32 - 1)))
    assert written(effects)[0] == e.NoteStacked(payment="00042-0000000001", note=1, value=50000)


def test_a_note_in_the_stacker_that_was_counted_already_is_no_second_orphan():
    rules = replace(DUE, last_is_in_cassette=False)
    assert run(s.Attract(), counts(40, evidence=Evidence.NOTE_IN_STACKER), rules=rules) == (s.Attract(), [])


@pytest.mark.parametrize("counted", [None, Counted("2", 45)])
def test_what_another_unit_has_counted_says_nothing(counted):
    _, effects = run(s.Attract(), ready(Evidence.NOTE_IN_STACKER, counted), rules=DUE)
    assert written(effects) == [e.OrphanFound(note=7, value=None, evidence="in the stacker at power-up")]


# --- receipts ---------------------------------------------------------------------------------------------------

PRINTING = s.Printing("internet", WHO, "00042-0000000001", FIVE_HUNDRED)
THANKING = s.Thanking("internet", WHO, "00042-0000000001", FIVE_HUNDRED, None)
DOCUMENT = Document(1235, 77, datetime(2026, 11, 24, tzinfo=UTC), FIVE_HUNDRED, "9999078900001234", 57)


def test_a_customer_who_waits_too_long_is_told_that_the_receipt_is_owed():
    state, effects = run(PRINTING, s.TimedOut())
    assert isinstance(written(effects)[0], e.DocumentOwed)
    assert state.document is None


def test_a_receipt_of_another_payment_changes_nothing():
    other = s.ReceiptReady("00042-0000000000", DOCUMENT)
    for state in (s.Attract(), PAID, PRINTING, THANKING):
        assert run(state, other) == (state, [])


def test_the_document_ends_the_wait_and_is_on_the_last_screen():
    ready_at_last = s.ReceiptReady(PRINTING.payment, DOCUMENT)
    assert run(PRINTING, ready_at_last) == (replace(THANKING, document=DOCUMENT), [])
    assert run(THANKING, ready_at_last) == (replace(THANKING, document=DOCUMENT), [])


def test_the_document_on_the_screen_stays():
    thanks = replace(THANKING, document=DOCUMENT)
    assert run(thanks, s.ReceiptReady(PRINTING.payment, replace(DOCUMENT, number=1236))) == (thanks, [])


@pytest.mark.parametrize("event", [s.TimedOut(), s.Stopping()])
def test_who_leaves_before_the_receipt_is_owed_one(event):
    owed = e.DocumentOwed(payment=PRINTING.payment, reason="the customer left before the receipt")
    assert run(PRINTING, event) == (THANKING, [s.Write((owed,))])


@pytest.mark.parametrize("event", [s.FinishPressed(), s.CancelPressed(), s.Started(), s.ServiceChosen("tv")])
def test_nothing_is_begun_while_the_receipt_is_printed(event):
    assert run(PRINTING, event) == (PRINTING, [s.Refuse("payment_is_being_printed")])


@pytest.mark.parametrize("state", [PRINTING, THANKING])
def test_a_payment_that_is_over_stays_on_the_screen_when_the_terminal_goes_out_of_service(state):
    assert run(state, s.WentOutOfService()) == (state, [])


@pytest.mark.parametrize("event", [s.FinishPressed(), s.CancelPressed(), s.TimedOut(), s.Stopping()])
def test_the_last_screen_gives_way_to_the_first_one(event):
    assert run(THANKING, event) == (s.Attract(), [])


def test_the_next_customer_may_begin_on_the_last_screen():
    assert run(THANKING, s.Started()) == (CHOOSING, [])
    assert run(THANKING, s.ServiceChosen("tv")) == (s.EnteringAccount("tv"), [])


@pytest.mark.parametrize("state", [s.Attract(), PRINTING, THANKING])
@pytest.mark.parametrize(
    "event",
    [
        NoteReturned(None),
        NoteRejected("62"),
        NoteMissing(),
        ValidatorLost("x"),
        EvidenceFound(Evidence.NOTE_IN_HEAD),
    ],
)
def test_where_no_money_is_taken_the_validators_words_change_nothing(state, event):
    assert run(state, event) == (state, [])


# --- laws -------------------------------------------------------------------------------------------------------

EVENTS = st.sampled_from(
    [
        s.Started(), s.ServiceChosen("internet"), s.ServiceChosen("nonsense"), s.AccountEntered("4038172956"),
        s.AccountEntered("x'; --"), s.AccountFound(WHO), s.AccountUnknown("account_not_found"), s.AccountConfirmed(),
        s.FinishPressed(), s.CancelPressed(), s.Touched(), s.TimedOut(), s.Stopping(), s.WentOutOfService(),
        s.ReceiptReady("00042-0000000001", None), NoteEscrowed(FIVE_HUNDRED), NoteEscrowed(of_whole(2000)),
        NoteStacked(FIVE_HUNDRED), NoteStacked(None), NoteStacked(HUNDRED, at_start=True), NoteReturned(None),
        NoteRejected("62"), NoteMissing(), ValidatorLost("x"), ready(Evidence.NOTHING), ready(Evidence.NOTE_IN_HEAD),
        ready(Evidence.NOTE_IN_STACKER), EvidenceFound(Evidence.NOTE_IN_HEAD), EvidenceFound(Evidence.NOTE_IN_STACKER),
        s.ContactWanted(), s.ContactEntered("+79991234567"), s.ContactEntered("ivan"), s.ContactRemoved(),
    ]
)  # fmt: skip


@given(st.lists(EVENTS, max_size=60))
def test_whatever_happens_credited_money_is_what_was_stacked(events):
    state, stacked, credited, intents = s.Attract(), 0, 0, 0
    for number, event in enumerate(events):
        state, effects = s.step(state, event, replace(RULES, note_number=number + 1))
        for entry in written(effects):
            match entry:
                case e.StackIntended():
                    intents += 1
                case e.NoteStacked(value=value):
                    stacked += value
                    intents -= 1
                case e.NoteReturned():
                    intents -= 1
                case e.PaymentCredited(total=amount):
                    credited += amount
            assert 0 <= intents <= 1
        open_sum = state.paid.minor if isinstance(state, s.TakingCash) else 0
        assert credited + open_sum == stacked


@given(st.lists(EVENTS, max_size=60))
def test_a_note_is_stacked_only_right_after_its_intent_was_written(events):
    state = s.Attract()
    for event in events:
        state, effects = s.step(state, event, RULES)
        for place, effect in enumerate(effects):
            if effect == StackNote():
                assert isinstance(effects[place - 1].entries[-1], e.StackIntended)


@given(st.lists(EVENTS, max_size=60))
def test_the_terminal_is_never_stuck(events):
    state, _ = run(s.Attract(), *events)
    for _ in range(6):
        state, _ = s.step(state, s.TimedOut(), RULES)
    assert state == s.Attract()


VISIT = st.sampled_from(
    [
        s.ServiceChosen("internet"), s.AccountFound(WHO), s.AccountConfirmed(), s.ContactWanted(), s.ContactRemoved(),
        s.ContactEntered("a new one"), s.ContactEntered("a new one"), NoteEscrowed(FIVE_HUNDRED), NoteStacked(FIVE_HUNDRED),
        NoteReturned(FIVE_HUNDRED), s.FinishPressed(), s.CancelPressed(), s.TimedOut(), s.Started(),
    ]
)  # fmt: skip
CUSTOMER = st.tuples(
    *map(st.just, (s.ServiceChosen("internet"), s.AccountFound(WHO))),
    *[VISIT] * 12,
)


@given(st.lists(CUSTOMER, max_size=5))
def test_what_one_customer_left_is_on_no_screen_and_in_no_entry_of_the_next_one(customers):
    state, left = s.Attract(), set()
    for number, event in enumerate(event for customer in customers for event in customer):
        if isinstance(event, s.ContactEntered):
            event = s.ContactEntered(f"+7900{number:07}")
            left.add(event.contact)
        state, effects = s.step(state, event, replace(RULES, note_number=number + 1))
        told = {entry.contact for entry in written(effects) if isinstance(entry, e.PaymentOpened)} - {None}
        assert told <= left
        if isinstance(state, s.Attract | s.ChoosingService | s.EnteringAccount | s.Printing | s.Thanking):
            left.clear()
        contact = getattr(state, "contact", None)
        assert contact is None or contact.text in left
