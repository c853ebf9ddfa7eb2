"""A customer's visit: one state and one event in, the next state and the effects in their order out. Pure.

The order of effects is the order in the world: an entry stands before the act that it makes safe. What a note in
flight became is decided here and nowhere else, in a visit as after a crash: recovery only restores the state, and
the device's own evidence arrives as ordinary events.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from kassa.config import Service
from kassa.contact import Contact
from kassa.journal import entries as e
from kassa.money import Money
from kassa.ports import (
    COUNTS,
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
from kassa.rules.services import Rules, accepted_values, account_problem, contact_problem, refusal

EVIDENCE_WAIT_S = 3600
"""So long a lost or jammed validator may keep to itself what became of a note; longer than anybody holds one back."""

UNTOLD_MAX = 3
"""More notes than so cannot slip in between two starts; then somebody has changed the validator's count."""
RETURNED_BECAUSE = {
    Evidence.NOTE_IN_HEAD: "the validator had it in its head at a start",
    Evidence.NOT_STACKED: "the validator never had it stacked, as it would say so until it is heard",
}
# --- states ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Identified:
    """The subscriber that a customer pays for, as far as a stranger at a kiosk may see."""

    account: str
    holder: str | None = None
    place: str | None = None
    balances: tuple[tuple[str, Money], ...] = ()
    """Service id and balance to show, minus is a debt; this terminal's newer payments are included."""
    paid_here: Money | None = None
    data_at: str | None = None
    data_is_old: bool = False


@dataclass(frozen=True, slots=True)
class Attract:
    """Nobody is there."""


@dataclass(frozen=True, slots=True)
class ChoosingService:
    """The services are on the screen."""


@dataclass(frozen=True, slots=True)
class EnteringAccount:
    """The keypad is on the screen."""

    service: str
    notice: str | None = None


@dataclass(frozen=True, slots=True)
class ConfirmingAccount:
    """Name and balance are on the screen; the customer says whether this is the right account."""

    service: str
    subscriber: Identified
    contact: Contact | None = None
    """Where the electronic receipt goes, besides the paper."""


@dataclass(frozen=True, slots=True)
class EnteringContact:
    """The customer types a phone number or an e-mail address; then the screen comes back that he came from."""

    service: str
    subscriber: Identified
    is_taking_cash: bool
    """Whether he came from the cash; no note was inserted, and the slot is closed meanwhile."""
    contact: Contact | None = None
    """What was left before."""
    notice: str | None = None


@dataclass(frozen=True, slots=True)
class Intent:
    """A note on its way into the cassette, by our command."""

    note: int
    value: Money
    evidence: Evidence = Evidence.NOTHING
    """What the validator said of it at a start, and will not say again."""


@dataclass(frozen=True, slots=True)
class TakingCash:
    """Notes are taken for a confirmed account. The payment gets its number with the first note."""

    service: str
    subscriber: Identified
    paid: Money
    payment: str | None = None
    intent: Intent | None = None
    closing: str | None = None
    """Set when the payment ends as soon as the note in flight has settled: why it ends."""
    notice: str | None = None
    contact: Contact | None = None
    """Where the electronic receipt goes; written with the first note, and then it stays."""


@dataclass(frozen=True, slots=True)
class Printing:
    """The payment is credited; its fiscal document is being made."""

    service: str
    subscriber: Identified
    payment: str
    paid: Money


@dataclass(frozen=True, slots=True)
class Thanking:
    """The payment is over; without a document the receipt is owed."""

    service: str
    subscriber: Identified
    payment: str
    paid: Money
    document: Document | None


State = (
    Attract
    | ChoosingService
    | EnteringAccount
    | ConfirmingAccount
    | EnteringContact
    | TakingCash
    | Printing
    | Thanking
)

# --- events of the customer and of time; those of the devices are kassa.ports ----------------------------------


@dataclass(frozen=True, slots=True)
class Started:
    """The first screen was touched."""


@dataclass(frozen=True, slots=True)
class ServiceChosen:
    """A service was touched."""

    service: str


@dataclass(frozen=True, slots=True)
class AccountEntered:
    """An account number was typed and confirmed."""

    account: str


@dataclass(frozen=True, slots=True)
class AccountFound:
    """The look-up's answer."""

    subscriber: Identified


@dataclass(frozen=True, slots=True)
class AccountUnknown:
    """The look-up's answer: a code for the customer."""

    reason: str


@dataclass(frozen=True, slots=True)
class AccountConfirmed:
    """The customer knows the name on the screen."""


@dataclass(frozen=True, slots=True)
class ContactWanted:
    """An electronic receipt is wanted, or another contact for it, or none any more."""


@dataclass(frozen=True, slots=True)
class ContactEntered:
    """A phone number or an e-mail address was typed and confirmed."""

    contact: str = field(repr=False)
    """Whatever it is, it is no log's business."""


@dataclass(frozen=True, slots=True)
class ContactRemoved:
    """Paper alone will do."""


@dataclass(frozen=True, slots=True)
class FinishPressed:
    """Pay what was inserted; on the last screen: done."""


@dataclass(frozen=True, slots=True)
class CancelPressed:
    """One step back; with money inserted it is refused, as no note can be given back."""


@dataclass(frozen=True, slots=True)
class Touched:
    """The customer is still there."""


@dataclass(frozen=True, slots=True)
class TimedOut:
    """`timeout_s` of the state passed without an event."""


@dataclass(frozen=True, slots=True)
class Stopping:
    """The terminal is about to stop: end what can be ended."""


@dataclass(frozen=True, slots=True)
class WentOutOfService:
    """A condition has lasted that allows no payment."""


@dataclass(frozen=True, slots=True)
class ReceiptReady:
    """The fiscal queue has a payment's document; the journal has it too."""

    payment: str
    document: Document


# --- effects; StackNote and ReturnNote of kassa.ports are effects too ------------------------------------------


@dataclass(frozen=True, slots=True)
class Write:
    """Commit these entries in one transaction, before any later effect."""

    entries: tuple[e.Entry, ...]


@dataclass(frozen=True, slots=True)
class LookUp:
    """Find the account in the subscriber data; answered by AccountFound or AccountUnknown."""

    service: str
    account: str


@dataclass(frozen=True, slots=True)
class Refuse:
    """The customer's intent is not followed; a code says why."""

    code: str


@dataclass(frozen=True, slots=True)
class Unexpected:
    """Nothing in the rules fits this event: logged and counted, never silent."""

    state: State
    event: object


Effect = Write | StackNote | ReturnNote | LookUp | Refuse | Unexpected
Step = tuple[State, tuple[Effect, ...]]


def step(state: State, event: object, rules: Rules) -> Step:
    """Answer one event of a visit; the terminal carries the effects out in their order."""
    match state, event:
        case TakingCash(), _:
            return _take_cash(state, event, rules)
        case _, NoteEscrowed():
            return state, (ReturnNote(),)
        case _, NoteStacked():
            return state, _without_intent(event, rules)
        case _, ValidatorReady():
            return state, _ready_without_intent(event, rules)
        case _, NoteReturned() | NoteRejected() | NoteMissing() | ValidatorLost() | EvidenceFound():
            return state, ()
        case Printing(payment=payment), ReceiptReady(printed, document) if printed == payment:
            return Thanking(state.service, state.subscriber, payment, state.paid, document), ()
        case Printing(payment=payment), TimedOut() | Stopping():
            owed = e.DocumentOwed(payment=payment, reason="the customer left before the receipt")
            return Thanking(state.service, state.subscriber, payment, state.paid, None), (Write((owed,)),)
        case Thanking(payment=payment, document=None), ReceiptReady(printed, document) if printed == payment:
            return replace(state, document=document), ()
        case _, ReceiptReady() | Touched():
            return state, ()
        case Printing(), WentOutOfService():
            return state, ()
        case _, TimedOut() | Stopping():
            return Attract(), ()
        case Thanking(), WentOutOfService():
            return state, ()
        case _, WentOutOfService():
            return Attract(), ()
        case Thanking(), FinishPressed() | CancelPressed():
            return Attract(), ()
        case Printing(), _:
            return state, (Refuse("payment_is_being_printed"),)
        case _, Started() | ServiceChosen() | AccountEntered() | AccountConfirmed() if rules.out_of_service:
            return Attract(), (Refuse(rules.out_of_service),)
        case _:
            return _choose(state, event, rules)


def _choose(state: State, event: object, rules: Rules) -> Step:
    """The screens before the money."""
    match state, event:
        case Attract() | Thanking(), Started():
            return ChoosingService(), ()
        case Attract() | ChoosingService() | EnteringAccount() | Thanking(), ServiceChosen(service):
            if service not in rules.services:
                return state, (Refuse("service_unknown"),)
            return EnteringAccount(service), ()
        case EnteringAccount(service), AccountEntered(account):
            if problem := account_problem(rules.services[service], account):
                return EnteringAccount(service, problem), (Refuse(problem),)
            return EnteringAccount(service), (LookUp(service, account),)
        case EnteringAccount(service), AccountFound(subscriber):
            return ConfirmingAccount(service, subscriber), ()
        case EnteringAccount(service), AccountUnknown(reason):
            return EnteringAccount(service, reason), (Refuse(reason),)
        case ConfirmingAccount(service, subscriber, contact), AccountConfirmed():
            return TakingCash(service, subscriber, Money(0, rules.currency), contact=contact), ()
        case ConfirmingAccount(service), CancelPressed():
            return EnteringAccount(service), ()
        case ConfirmingAccount(service, subscriber, contact), ContactWanted() if rules.contact_kinds:
            return EnteringContact(service, subscriber, is_taking_cash=False, contact=contact), ()
        case EnteringContact(), ContactEntered(text):
            if wrong := contact_problem(text, rules.contact_kinds):
                return replace(state, notice=wrong), (Refuse(wrong),)
            return _leave_contact(state, Contact(text), rules), ()
        case EnteringContact(), ContactRemoved():
            return _leave_contact(state, None, rules), ()
        case EnteringContact(contact=contact), CancelPressed():
            return _leave_contact(state, contact, rules), ()
        case EnteringAccount(), CancelPressed():
            return ChoosingService(), ()
        case ChoosingService() | Attract(), CancelPressed():
            return Attract(), ()
        case _, (
            Started() | ServiceChosen() | AccountEntered() | AccountConfirmed() | FinishPressed()
            | ContactWanted() | ContactEntered() | ContactRemoved()
        ):  # fmt: skip
            return state, (Refuse("not_on_this_screen"),)
        case _:
            return state, (Unexpected(state, event),)


def _leave_contact(state: EnteringContact, contact: Contact | None, rules: Rules) -> State:
    """Back to where the customer came from."""
    if state.is_taking_cash:
        return TakingCash(state.service, state.subscriber, Money(0, rules.currency), contact=contact)
    return ConfirmingAccount(state.service, state.subscriber, contact)


def may_leave_contact(state: TakingCash) -> bool:
    """Whether the contact can still be written: the entry that holds it comes with the first note."""
    return state.payment is None and state.closing is None


def _take_cash(state: TakingCash, event: object, rules: Rules) -> Step:
    """Money: what is written stands before what is done."""
    match state, event:
        case TakingCash(intent=None, closing=None), NoteEscrowed(value, counted):
            if reason := refusal(rules.services.get(state.service), state.paid, value, rules):
                return replace(state, notice=reason), (ReturnNote(),)
            return _stack(state, value, counted, rules)
        case _, NoteEscrowed():  # a second note while one is in flight, or after the customer pressed "pay"
            return replace(state, notice="note_returned_closing"), (ReturnNote(),)
        case TakingCash(payment=str() as payment, intent=Intent() as intent), NoteStacked(value):
            reported = value or intent.value
            stacked = e.NoteStacked(payment=payment, note=intent.note, value=reported.minor)
            return _settled(replace(state, paid=state.paid + reported, notice=None), (stacked,), rules)
        case _, NoteStacked():
            return state, _without_intent(event, rules)
        case TakingCash(intent=Intent(evidence=Evidence.NOTE_IN_STACKER)), NoteReturned():
            return state, ()  # what lies behind the stacker's door never comes back: it is another note
        case TakingCash(payment=str() as payment, intent=Intent() as intent), NoteReturned(value) if (
            value in (None, intent.value)  # else it is another note, pushed in while nobody listened
        ):
            back = e.NoteReturned(payment=payment, note=intent.note, reason="the validator gave it back")
            return _settled(replace(state, notice="note_returned"), (back,), rules)
        case TakingCash(intent=Intent(evidence=Evidence.NOTE_IN_HEAD) as intent), NoteReturned():
            return replace(state, intent=replace(intent, evidence=Evidence.NOTHING)), ()
        case TakingCash(intent=Intent()), NoteReturned():
            return state, ()
        case TakingCash(payment=str() as payment, intent=Intent() as intent), EvidenceFound(evidence):
            if intent.evidence is Evidence.NOTE_IN_STACKER:
                return state, ()  # it may be another note that came in since
            if evidence is Evidence.POWER_LOST and intent.evidence is not Evidence.NOTHING:
                return state, ()  # better evidence was heard before
            found = e.EvidenceFound(payment=payment, note=intent.note, evidence=evidence.value)
            return replace(state, intent=replace(intent, evidence=evidence)), (Write((found,)),)
        case TakingCash(intent=Intent(evidence=known)), ValidatorReady(evidence=evidence):
            told = _best_of(known, evidence)
            return _settle_by(told if told is not Evidence.NOTHING else _by_count(event, rules), state, rules)
        case TakingCash(intent=Intent()), NoteMissing():
            return _settle_by(Evidence.NOTHING, state, rules)
        case TakingCash(), ValidatorReady():
            return replace(state, notice=None), _ready_without_intent(event, rules)
        case TakingCash(notice=None), NoteReturned():
            return replace(state, notice="note_returned"), ()
        case TakingCash(), NoteReturned() | NoteMissing():
            return state, ()
        case TakingCash(), ValidatorLost():
            return replace(state, notice="validator_lost"), ()
        case TakingCash(), NoteRejected():
            return replace(state, notice="note_rejected"), ()
        case TakingCash(intent=Intent()), FinishPressed():
            return replace(state, closing="finish"), ()
        case TakingCash(), FinishPressed():
            return _finish(state, rules)
        case TakingCash(intent=Intent(evidence=known), closing="timeout"), TimedOut():
            # Nothing was heard of the note for EVIDENCE_WAIT_S.
            return _settle_by(_best_of(known, Evidence.NOTHING), state, rules)
        case TakingCash(intent=Intent()), TimedOut() | Stopping():
            # A hand can hold a note back for longer than a time-out: what the validator says of it is waited for,
            # in the next run if need be.
            return replace(state, closing=_reason(event)), ()
        case TakingCash(), TimedOut() | Stopping():
            return _end(state, _reason(event))
        case TakingCash(intent=None), CancelPressed() if not state.paid:
            return _end(state, "cancel")
        case TakingCash(), CancelPressed():
            return replace(state, notice="money_is_credited"), (Refuse("money_is_credited"),)
        case TakingCash(intent=None), WentOutOfService() if not state.paid:
            return _end(state, "cancel")
        case TakingCash(), ContactWanted() if rules.contact_kinds and may_leave_contact(state):
            entering = EnteringContact(state.service, state.subscriber, True, state.contact)
            return entering, ()
        case TakingCash(), Touched() | WentOutOfService() | ReceiptReady() | EvidenceFound():
            return state, ()
        case _, (
            Started() | ServiceChosen() | AccountEntered() | AccountConfirmed()
            | ContactWanted() | ContactEntered() | ContactRemoved()
        ):  # fmt: skip
            return state, (Refuse("not_on_this_screen"),)
        case _:
            return state, (Unexpected(state, event),)


def _stack(state: TakingCash, value: Money, counted: Counted | None, rules: Rules) -> Step:
    """Durable intent first, then the command."""
    payment = state.payment or rules.payment_number
    opened = e.PaymentOpened(
        payment=payment, service=state.service, account=state.subscriber.account, snapshot=rules.snapshot,
        contact=state.contact.text if state.contact else None,
    )  # fmt: skip
    intended = e.StackIntended(
        payment=payment, note=rules.note_number, value=value.minor,
        counted=(counted.unit, counted.stacked) if counted else None,
    )  # fmt: skip
    written: tuple[e.Entry, ...] = (intended,) if state.payment else (opened, intended)
    moving = replace(state, payment=payment, intent=Intent(rules.note_number, value), notice=None)
    return moving, (Write(written), StackNote())


def _settle_by(evidence: Evidence, state: TakingCash, rules: Rules) -> Step:
    """Nothing better will be heard of the note in flight; without any evidence the customer has the benefit of the doubt."""
    assert state.payment is not None
    assert state.intent is not None
    payment, note, value = state.payment, state.intent.note, state.intent.value
    if evidence in RETURNED_BECAUSE:
        back = e.NoteReturned(payment=payment, note=note, reason=RETURNED_BECAUSE[evidence])
        return _settled(replace(state, notice="note_returned"), (back,), rules)
    is_uncertain = evidence is Evidence.NOTHING
    stacked = e.NoteStacked(payment=payment, note=note, value=value.minor, uncertain=is_uncertain)
    return _settled(replace(state, paid=state.paid + value, notice=None), (stacked,), rules)


def _settled(state: TakingCash, written: tuple[e.Entry, ...], rules: Rules) -> Step:
    """The note in flight has its fate; a payment that waited for it, or is full, ends now."""
    state = replace(state, intent=None)
    service = rules.services.get(state.service)
    is_full = bool(state.paid) and bool(rules.known_values) and _is_full(service, state.paid, rules)
    reason = state.closing or ("limit" if is_full else None)
    if reason is None or (reason == "finish" and not _may_finish(state, rules)):
        return replace(state, closing=None), (Write(written),)
    ended, effects = _end(state, reason)
    return ended, (Write(written), *effects)


def _is_full(service: Service | None, paid: Money, rules: Rules) -> bool:
    """Whether no note fits any more, though one fitted at the start."""
    nothing = Money(0, rules.currency)
    return not accepted_values(service, paid, rules) and bool(accepted_values(service, nothing, rules))


def _finish(state: TakingCash, rules: Rules) -> Step:
    if not _may_finish(state, rules):
        return state, (Refuse("below_minimum"),)
    return _end(state, "finish")


def _may_finish(state: TakingCash, rules: Rules) -> bool:
    service = rules.services.get(state.service)
    return bool(state.paid) and (service is None or state.paid >= rules.money(service.min))


def _end(state: TakingCash, reason: str) -> Step:
    """Credit what is in the cassette to the confirmed account, or leave when nothing is."""
    if state.payment is None:
        return Attract(), ()
    if not state.paid:
        return Attract(), (Write((e.PaymentAbandoned(payment=state.payment),)),)
    credited = e.PaymentCredited(payment=state.payment, total=state.paid.minor, reason=reason)
    return Printing(state.service, state.subscriber, state.payment, state.paid), (Write((credited,)),)


def _reason(event: object) -> str:
    return "stop" if isinstance(event, Stopping) else "timeout"


def _without_intent(event: NoteStacked, rules: Rules) -> tuple[Effect, ...]:
    """A note in the cassette that we did not send there: said again after a lost acknowledgement, or an orphan.

    Or the proof, too late, of the note that was credited without one.
    """
    may_be_last = event.value == rules.last_value or not event.is_named
    is_repeated = event.at_start and rules.last_is_in_cassette and may_be_last
    is_proof = rules.last_is_uncertain and event.value in (None, rules.last_value)
    if is_repeated or is_proof:
        return ()
    value = event.value.minor if event.value else None
    evidence = "stacked at start" if event.at_start else "stacked without our command"
    return (Write((e.OrphanFound(note=rules.note_number, value=value, evidence=evidence),)),)


def _ready_without_intent(event: ValidatorReady, rules: Rules) -> tuple[Effect, ...]:
    """Power was lost while a note was stacked that no intent is open for, or notes were stacked that nobody told of."""
    untold = _untold(event, rules)
    if untold is not None:
        found = tuple(
            e.OrphanFound(note=rules.note_number + one, value=None, evidence="counted by the validator")
            for one in range(untold if untold <= UNTOLD_MAX else 0)
        )
        return (Write(found),) if found else ()
    if event.evidence is not Evidence.NOTE_IN_STACKER or rules.last_is_in_cassette:
        return ()  # nothing was in flight, or it was the last note, which is written already
    return (
        Write((e.OrphanFound(note=rules.note_number, value=None, evidence="in the stacker at power-up"),)),
    )


def _best_of(known: Evidence, now: Evidence) -> Evidence:
    """What counts of a note in flight: what was heard of it before, or what is heard now that the validator is ready."""
    if known is Evidence.POWER_LOST:
        return Evidence.NOTHING if now is Evidence.NOT_STACKED else now
    known_counts = now is Evidence.NOTHING or known is Evidence.NOTE_IN_STACKER
    return known if known_counts else now


def _by_count(event: ValidatorReady, rules: Rules) -> Evidence:
    """What the validator's own count says of the note in flight; any other difference than that one note says nothing."""
    match _untold(event, rules):
        case 0:
            return Evidence.NOTE_IN_HEAD
        case 1:
            return Evidence.NOTE_IN_STACKER
        case _:
            return Evidence.NOTHING


def _untold(event: ValidatorReady, rules: Rules) -> int | None:
    """How many more notes the validator has counted than the books hold; None when the two cannot be compared."""
    counted, due = event.counted, rules.due_count
    if counted is None or due is None or counted.unit != due.unit:
        return None
    return (counted.stacked - due.stacked) % COUNTS


def timeout_s(state: State, rules: Rules) -> int | None:
    """Seconds without an event after which TimedOut comes; None: never."""
    match state:
        case Attract():
            return None
        case TakingCash(intent=Intent(), closing="timeout"):
            return EVIDENCE_WAIT_S
        case TakingCash(payment=str()):
            return rules.cash.idle_timeout_s
        case ChoosingService() | EnteringAccount() | ConfirmingAccount() | EnteringContact() | TakingCash():
            return rules.cash.choosing_timeout_s
        case Printing():
            return rules.cash.receipt_wait_s
        case Thanking():
            return rules.cash.thanks_s


def open_values(state: State, rules: Rules) -> frozenset[Money]:
    """The denominations for which the slot stands open now; empty: closed."""
    match state:
        case TakingCash(closing=None) if rules.blocked is None:
            return accepted_values(rules.services.get(state.service), state.paid, rules)
        case _:
            return frozenset()
