"""The core's loop, thin: a fact or an intent in, entries committed, commands out, the view shown.

Journal first, then act: every effect is carried out in the order in which the rules gave it, and an entry is durable
when `append` returns. A driver that reports a fact gets control back only then, so it can hold back its
acknowledgement until the money is safe.

All calls come from one thread, one after the other; nothing here waits. Time comes from the clock that is given.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import time
from typing import Any

import msgspec

import kassa
from kassa import collection
from kassa.clock import Clock
from kassa.config import LANGUAGES, Config
from kassa.enquiry import look_up
from kassa.errors import KassaError
from kassa.export import writer
from kassa.export.batch import PaymentFile
from kassa.files import MACHINE, Disk
from kassa.fiscal import copy, doubt, shift
from kassa.fiscal import queue as fiscal
from kassa.fiscal.late import LateDecisionRefused, decide
from kassa.fiscal.receipt import receipt_of
from kassa.fiscal.template import load_templates
from kassa.home import Home
from kassa.journal import entries as e
from kassa.journal.records import CollectionRecord, DocumentRecord, PendingDocument, Removal
from kassa.journal.store import Journal, JournalFailed
from kassa.money import Money
from kassa.ports import (
    ClockSet,
    CloseShift,
    CountShift,
    DisableNotes,
    Document,
    DocumentRegistered,
    EnableNotes,
    EvidenceFound,
    ExportEnded,
    FileWritten,
    ImportRefused,
    NoteEscrowed,
    NoteMissing,
    NoteRejected,
    NoteReturned,
    NoteStacked,
    NotRegistered,
    PrintText,
    PrintXReport,
    RegistrarCommand,
    RegistrarLost,
    RegistrarStatus,
    RegistrationStarting,
    ReportFailed,
    ReturnNote,
    SetClock,
    SettleReceipt,
    ShiftClosed,
    ShiftCounted,
    ShiftOpened,
    ShiftState,
    SnapshotReady,
    StackNote,
    TextPrinted,
    ValidatorChanged,
    ValidatorLost,
    ValidatorReady,
    XReportPrinted,
)
from kassa.rules import session as s
from kassa.rules.intents import INTENTS, event_of
from kassa.rules.recovery import restore
from kassa.rules.screens import show
from kassa.rules.services import CONTACT_KINDS, Rules
from kassa.rules.view import View
from kassa.said import who
from kassa.status import describe
from kassa.subscribers import Snapshot, SnapshotError, current_path
from kassa.watch import Watch

log = logging.getLogger("kassa.terminal")

DISK_LOOK_EVERY_S = 5.0
DATA_LOOK_EVERY_S = 60.0
SHIFT_LOOK_EVERY_S = 20.0
SHIFTS_COMPARED = 2
"""The running shift, and the one that was closed last."""
SHIFT_RETRY_S = 300.0
"""After a Z-report that failed."""
REPORT_MAX_S = 600.0
"""Longer than any driver waits for paper, a printer or a shift."""


ReportCommand = CloseShift | PrintXReport | CountShift | SetClock | PrintText


class IntentRefused(KassaError):
    """A customer's or staff's wish is not followed; `code` says why to machines."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(message or f"refused: {code}")
        self.code = code


@dataclass(frozen=True, slots=True)
class Report:
    """What became of the report, or of whatever else staff wanted of the registrar last."""

    command: RegistrarCommand | None = None
    """What it is busy with; None: it is done."""
    problem: str | None = None
    counted: ShiftCounted | None = None
    entry: e.Entry | None = None
    """What is true, and to be written, once it is done."""
    give_up_at: float = 0.0
    """Monotonic seconds at which it is not waited for any more: receipts stand behind it."""

    @property
    def is_waiting(self) -> bool:
        """Whether the registrar has still to answer."""
        return self.command is not None


@dataclass(frozen=True, slots=True)
class Devices:
    """How the terminal gives its devices a command."""

    validator: Callable[[object], None]
    registrar: Callable[[object], None]
    outbox: Callable[[], None]
    """Write `Terminal.waiting_files`, soon; answered by FileWritten for each, and ExportEnded."""


class Terminal:
    """One terminal: the session, the fiscal queue and the conditions, joined by the journal."""

    def __init__(
        self,
        config: Config,
        home: Home,
        journal: Journal,
        clock: Clock,
        devices: Devices,
        disk: Disk = MACHINE,
    ) -> None:
        self._config, self._home, self._journal = config, home, journal
        self._clock, self._devices = clock, devices
        self._services = {service.id: service for service in config.service}
        self._templates = load_templates(config, home)
        self._watch = Watch(config, home, journal, clock, disk)
        self._queue = fiscal.Queue()
        self._snapshot: Snapshot | None = None
        self._snapshot_is_stale = False
        self._open: frozenset[Money] | None = None
        self._language: str = config.terminal.language
        self._deadline: float | None = None
        self._outlook: tuple[s.State, Rules, str, float | None] | None = None
        """What the view was made of that was looked at last."""
        self._published: tuple[View, float | None] | None = None
        self._refused: str | None = None
        self._report = Report()
        self._stopping = False
        self._next_look: dict[str, float] = {}
        self._close_at = time.fromisoformat(config.registrar.close_shift_at)
        self._state: s.State = s.Attract()
        self._basis: tuple[object, ...] | None = None
        """What `_known_rules` were made of."""
        self._known_rules: Rules
        self._is_torn = False
        """Whether the state is ahead of the journal, because an entry could not be written."""
        self._followers: list[Callable[[View], None]] = []
        self._shift_seen: tuple[str, int, bool] | None = None
        """The registrar's drive and shift, and whether that is closed, when they were last compared with the journal."""
        self._start()

    # --- what comes in --------------------------------------------------------------------------------------

    def dispatch(self, fact: object) -> None:
        """Take in a fact of a device or of the importer; when this returns, what follows from it is durable."""
        if fact != self._queue.status:  # a registrar repeats how it is every few seconds
            log.info("fact %s", fact)
        self._watch.hear(fact)
        match fact:
            case ValidatorLost() | ValidatorReady():
                self._open = None
                self._step(fact)
            case (
                NoteEscrowed() | NoteStacked() | NoteReturned()
                | NoteRejected() | NoteMissing() | EvidenceFound()
            ):  # fmt: skip
                self._step(fact)
            case ValidatorChanged(state):
                if collection.follow(self._journal, state):
                    self._watch.look_at_cassette()
            case RegistrarStatus():
                self._end_shifts_unseen(fact)
                self._hear(fact)
            case RegistrationStarting() | NotRegistered():
                self._hear(fact)
            case RegistrarLost(reason):
                self._hear(fact)
                if (
                    self._report.is_waiting
                ):  # the order was lost with the registrar, and receipts wait behind it
                    self._report = Report(problem=reason)
            case DocumentRegistered(payment, document):
                self._hear(fact)
                self._take_document(payment, document)
            case ShiftOpened(number, document_number, drive_serial):
                self._journal.append(
                    e.ShiftOpened(number=number, document_number=document_number, drive_serial=drive_serial)
                )
            case ShiftClosed(number, document_number, drive_serial):
                if self._report.command is not None and isinstance(self._report.command, CloseShift):
                    self._report = Report()
                self._journal.append(
                    e.ShiftClosed(number=number, document_number=document_number, drive_serial=drive_serial)
                )
                self._look_at_shifts()
            case ShiftCounted():
                self._take_count(fact)
            case XReportPrinted() | ClockSet() | TextPrinted():
                done, self._report = self._report.entry, Report()
                if done is not None:
                    self._journal.append(done)
            case ReportFailed(reason):
                log.warning("no report: %s", reason)
                self._report = Report(problem=reason)
            case SnapshotReady():
                self._snapshot_is_stale = True
            case FileWritten(batch, name):
                writer.note_written(self._journal, batch, name)
            case ExportEnded(problem):
                self._watch.observe("export_failed", problem is not None, problem or "")
            case ImportRefused(file, reason):
                self._journal.append(e.ImportRefused(file=file, reason=reason))
            case _:
                pass
        self._follow_up()

    def intend(self, name: str, values: Mapping[str, str]) -> None:
        """Do what a finger meant. Raises IntentRefused with the reason."""
        log.info("intent %.40r", name)
        self._refused = None
        try:
            event = event_of(name, values)
        except KeyError as error:
            raise IntentRefused("intent_incomplete", f"{name} needs a value for {error}") from error
        if event is None:
            language = values.get("language", "")
            if name != "set_language" or language not in LANGUAGES:
                raise IntentRefused("intent_unknown", f"there is no such intent; there are: {INTENTS}")
            self._language = language
            event = s.Touched()
        self._step(event)
        self._follow_up()
        if self._refused is not None:
            raise IntentRefused(self._refused)

    def tick(self) -> None:
        """Let time pass: call it at least once a second."""
        now = self._clock.monotonic()
        if self._deadline is not None and now >= self._deadline:
            self._step(s.TimedOut())
        if self._report.is_waiting and now >= self._report.give_up_at:
            log.error("no end of %s was told in %.0f s", type(self._report.command).__name__, REPORT_MAX_S)
            self._report = Report(problem="the registrar does not say what became of it; look at the paper")
        if self._is_due("disk", DISK_LOOK_EVERY_S):
            self._watch.look_at_disk()
        if self._is_due("data", DATA_LOOK_EVERY_S):
            self._look_at_data()
        if self._is_due("shift", SHIFT_LOOK_EVERY_S):
            self._close_shift_when_due()
        if self._is_due("outbox", self._config.outbox.every_min * 60.0):
            self._devices.outbox()
        self._follow_up()

    # --- what staff ask -------------------------------------------------------------------------------------

    @property
    def view(self) -> View:
        """What the customer sees now."""
        now = self._clock.monotonic()
        left = None if self._deadline is None else max(0, round(self._deadline - now))
        return show(self._state, self._config, self._rules(), self._language, left)

    def status(self) -> dict[str, Any]:
        """How the terminal is, for `kassa status` and monitoring."""
        info = self._snapshot.info if self._snapshot else None
        return describe(
            self._config, self._watch, self._journal, self._queue, self._clock, info, self.view.screen
        )

    @property
    def report(self) -> Report:
        """What became of the report that was asked for last."""
        return self._report

    def order_report(self, command: ReportCommand, entry: e.Entry | None = None) -> None:
        """A report, a count, or something else of the registrar that is no receipt. Raises IntentRefused while somebody pays.

        `report` tells when it is done; then `entry` is written.
        """
        if not isinstance(self._state, s.Attract | s.Thanking) or self._queue.in_flight is not None:
            raise IntentRefused("busy", "a customer is paying; try again in a minute")
        if self._queue.status is None:
            raise IntentRefused("registrar_lost", "the registrar does not answer; check its cable and power")
        if self._report.is_waiting:
            raise IntentRefused("busy", "another report is being made; try again in a minute")
        self._report = Report(command, entry=entry, give_up_at=self._clock.monotonic() + REPORT_MAX_S)
        self._devices.registrar(command)

    def order_copy(self, payment: str, by: str) -> DocumentRecord:
        """A copy of the payment's document, on paper, for `by`. Raises CopyRefused; IntentRefused as `order_report`."""
        made = copy.find(self._journal, payment)
        entry = e.CopyPrinted(payment=payment, by=who(by, copy.CopyRefused))
        self.order_report(PrintText(copy.lines_of(made, self._config, self._clock.now())), entry)
        return made.document

    def decide_late_document(
        self, payment: str, document: str, act: str, by: str, reason: str, role: str = ""
    ) -> PendingDocument:
        """What document a payment gets whose shift is over, says `by`. Raises LateDecisionRefused."""
        if self._queue.in_flight is not None and self._queue.in_flight.payment == payment:
            raise LateDecisionRefused("the registrar is just being asked for its document; wait a minute")
        is_refused = payment in self._queue.refused
        decided = decide(self._journal, payment, document, act, by, reason, role, is_refused=is_refused)
        self._queue = fiscal.forget_refusal(self._queue, payment)
        self._follow_up()
        return decided

    def find_document(
        self, payment: str, found: doubt.FoundDocument, by: str, reason: str, role: str = ""
    ) -> Document:
        """The document of a payment in doubt is on the fiscal drive that was taken away, says `by`.

        Raises DoubtDecisionRefused.
        """
        zone, currency = self._clock.now().tzinfo, self._config.terminal.currency
        document = doubt.find(
            self._journal, self._queue, payment, found, by, reason, role, zone=zone, currency=currency
        )
        self._queue = fiscal.forget_doubt(self._queue, payment)
        self._take_document(payment, document)
        self._follow_up()
        return document

    def exclude_document(self, payment: str, by: str, reason: str, role: str = "") -> PendingDocument:
        """A payment in doubt has no document on the fiscal drive that was taken away, says `by`. Raises DoubtDecisionRefused."""
        excluded = doubt.exclude(self._journal, self._queue, payment, by, reason, role)
        self._queue = fiscal.forget_doubt(self._queue, payment)
        self._follow_up()
        return excluded

    def collect_cash(self, by: str, removal: int | None = None) -> CollectionRecord:
        """The cassette was changed for an empty one, says `by`. Raises CollectionRefused."""
        collected = collection.collect(self._journal, by, removal)
        self._watch.look_at_cassette()
        self._follow_up()
        return collected

    def put_cassette_back(self, by: str, removal: int | None = None) -> Removal:
        """The cassette that left is back as it was, says `by`; which time it was. Raises CollectionRefused."""
        explained = collection.put_back(self._journal, by, removal)
        self._watch.look_at_cassette()
        self._follow_up()
        return explained

    def waiting_files(self) -> list[PaymentFile]:
        """The payment files that are to be written now; new payments are frozen into one. Raises KassaError in words."""
        terminal, outbox = self._config.terminal, self._config.outbox
        return writer.waiting(self._journal, self._clock, terminal, outbox.encoding)

    def follow(self, follower: Callable[[View], None]) -> Callable[[], None]:
        """Show `follower` the view now and whenever it changes; the answer ends that."""
        self._followers.append(follower)
        follower(self.view)
        return lambda: self._followers.remove(follower)

    # --- the end --------------------------------------------------------------------------------------------

    def begin_stop(self) -> None:
        """Take no more notes; end what can be ended. The process may go when `is_quiet`."""
        self._stopping = True
        self._watch.observe("stopping", True)
        self._follow_up()

    @property
    def is_quiet(self) -> bool:
        """Whether no note moves or could come in, and no receipt is being made."""
        moving = isinstance(self._state, s.TakingCash | s.Printing) or self._watch.note_may_come
        return not moving and self._queue.in_flight is None

    def end(self) -> None:
        """Write that this run ended as it should; nothing may come in afterwards."""
        self._step(s.Stopping())
        self._journal.append(e.Stopped())
        if self._snapshot is not None:
            self._snapshot.close()

    # --- inside ---------------------------------------------------------------------------------------------

    def _start(self) -> None:
        self._journal.append(e.Started(version=kassa.__version__, terminal=self._config.terminal.number))
        self._open_snapshot()
        self._look_at_data()
        self._look_at_shifts()
        self._restore_session()
        self._arm()
        self._follow_up()

    def _restore_session(self) -> None:
        payment = self._journal.open_payment()
        pending = self._journal.fiscal_pending()
        last = pending[-1] if pending and not pending[-1].owed else None
        who = payment or last
        found = None
        if who is not None:
            found = look_up(
                self._snapshot, self._journal, who.service, who.account, self._clock.now(),
                self._config.data.warn_after_h,
            )  # fmt: skip
        subscriber = found.subscriber if isinstance(found, s.AccountFound) else None
        currency = self._config.terminal.currency
        self._state = restore(payment, self._journal.open_intent(), last, subscriber, currency)
        if not isinstance(self._state, s.Attract):
            log.warning("an unfinished visit goes on: %s", self._state)

    def _rules(self) -> Rules:
        """What the session decides by at this moment; made anew only when something in it has changed."""
        journal, watch, snapshot = self._journal, self._watch, self._snapshot
        basis = (journal.last_entry, watch.values, watch.blocked, watch.out_of_service, snapshot)
        if basis != self._basis:
            last, payment = journal.last_note(), journal.next_payment()
            currency = self._config.terminal.currency
            self._known_rules = Rules(
                services=self._services,
                cash=self._config.cash,
                currency=currency,
                known_values=watch.values,
                blocked=watch.blocked,
                out_of_service=watch.out_of_service,
                payment_number=f"{self._config.terminal.number}-{payment:010}",
                note_number=journal.next_note(),
                last_is_in_cassette=last is not None and last.state in ("stacked", "orphan"),
                last_is_uncertain=last is not None and last.uncertain,
                last_value=Money(last.value, currency) if last and last.value is not None else None,
                snapshot=snapshot.info.sha256 if snapshot else None,
                contact_kinds=CONTACT_KINDS[self._config.receipt.contact],
            )
            self._basis = basis
        return self._known_rules

    def _step(self, event: object) -> None:
        """One event of the visit, its effects carried out in their order. Raises what the journal raises, then for good."""
        if self._is_torn:
            raise JournalFailed("an entry could not be written; the core must end and start anew")
        before, rules = self._state, self._rules()
        if isinstance(event, ValidatorReady) and event.counted is not None:
            rules = replace(rules, due_count=self._journal.due_count())
        self._state, effects = s.step(before, event, rules)
        try:
            for effect in effects:
                self._carry_out(effect)
        except KassaError:
            self._is_torn = True
            raise
        if not isinstance(event, NoteRejected | ValidatorLost) or self._state != before:
            self._arm()

    def _carry_out(self, effect: s.Effect) -> None:
        match effect:
            case s.Write(entries):
                self._journal.append(*entries)
                if any(isinstance(entry, e.NoteStacked | e.OrphanFound) for entry in entries):
                    self._watch.look_at_notes(entries)
            case StackNote() | ReturnNote():
                self._devices.validator(effect)
            case s.LookUp(service, account):
                answer = look_up(
                    self._snapshot, self._journal, service, account, self._clock.now(),
                    self._config.data.warn_after_h,
                )  # fmt: skip
                self._step(answer)
            case s.Refuse(code):
                self._refused = code
            case s.Unexpected(state, event):
                log.error("nothing in the rules fits %s in %s", event, state)

    def _arm(self) -> None:
        seconds = s.timeout_s(self._state, self._rules())
        self._deadline = None if seconds is None else self._clock.monotonic() + seconds

    def _follow_up(self) -> None:
        """Whatever depends on how things are now: conditions, slot, registrar, screen."""
        pending = self._journal.fiscal_pending()
        late = sum(
            fiscal.waits_for_person(waiting, is_any_shift_right=self._is_any_shift_right)
            for waiting in pending
        )
        owed, unprinted = sum(waiting.owed for waiting in pending), len(self._journal.unprinted())
        self._watch.look_at_documents(owed, late, unprinted, self._queue)
        if self._watch.settle():
            self._step(s.WentOutOfService())
        if self._stopping and isinstance(self._state, s.TakingCash) and self._state.intent is None:
            self._step(s.Stopping())
        if isinstance(self._state, s.Attract | s.Thanking):
            if self._snapshot_is_stale:
                self._open_snapshot()
            if isinstance(self._state, s.Attract):
                self._language = self._config.terminal.language if self._nobody_chose() else self._language
        self._set_slot()
        self._feed_registrar(pending)
        self._publish()

    def _nobody_chose(self) -> bool:
        """A customer's language ends with the visit, but not while the first screen is being read in it."""
        return self._published is not None and self._published[0].screen.value not in (
            "attract",
            "out_of_service",
        )

    def _set_slot(self) -> None:
        """Level, not edge: the validator is told whenever what it should do differs from what it was told."""
        if not self._watch.values:
            return
        wanted = s.open_values(self._state, self._rules())
        if wanted != self._open:
            self._open = wanted
            self._devices.validator(EnableNotes(wanted) if wanted else DisableNotes())

    def _hear(self, fact: object) -> None:
        self._queue, entries = fiscal.hear(self._queue, fact, self._clock.monotonic())
        if entries:
            self._journal.append(*entries)

    def _take_document(self, payment: str, document: Document) -> None:
        """The journal has a payment's document: what else follows from that."""
        self._step(s.ReceiptReady(payment, document))
        if self._queue.status is not None and document.shift != self._queue.status.shift_number:
            self._look_at_shifts()  # it belongs to one that is over
        if self._config.outbox.after_each_payment:
            self._next_look["outbox"] = 0.0

    def _feed_registrar(self, pending: Sequence[PendingDocument]) -> None:
        if self._report.is_waiting:
            return
        self._queue, command = fiscal.next_command(
            self._queue,
            pending,
            self._clock.monotonic(),
            lambda waiting: receipt_of(waiting, self._config, self._templates),
            is_any_shift_right=self._is_any_shift_right,
        )
        if isinstance(command, SettleReceipt):
            others = self._journal.documents_after(command.drive_serial, command.last_document)
            command = replace(command, others=others)
        if command is not None:
            log.info("ask registrar: %s for %s", type(command).__name__, command.receipt.payment)
            self._devices.registrar(command)

    @property
    def _is_any_shift_right(self) -> bool:
        return self._config.registrar.late_receipt == "any_shift"

    def _take_count(self, fact: ShiftCounted) -> None:
        """The registrar's own totals: kept for ever when the shift ends with them, else for whoever asked."""
        if isinstance(self._report.command, CloseShift):
            self._journal.append(
                e.ShiftCounted(
                    drive_serial=fact.drive_serial,
                    number=fact.number,
                    receipts=fact.receipts,
                    total=fact.total.minor,
                )
            )
        else:
            self._report = Report(counted=fact)

    def _look_at_shifts(self) -> None:
        self._watch.look_at_shifts(self._journal.shifts(last=SHIFTS_COMPARED))

    def _end_shifts_unseen(self, status: RegistrarStatus) -> None:
        """What was closed while nobody looked is over for the journal, too, before anything is asked of the registrar."""
        seen = (status.drive_serial, status.shift_number, status.shift is ShiftState.CLOSED)
        if seen == self._shift_seen or not status.drive_serial:
            return
        self._shift_seen = seen
        running = None if seen[2] else status.shift_number
        ended = [
            number
            for number in self._journal.open_shifts(status.drive_serial)
            if number <= status.shift_number and number != running
        ]
        if ended:
            self._journal.append(
                *(
                    e.ShiftClosed(number=number, document_number=0, drive_serial=status.drive_serial)
                    for number in ended
                )
            )
            self._look_at_shifts()

    def _close_shift_when_due(self) -> None:
        status = self._queue.status
        if status is None or not isinstance(self._state, s.Attract) or self._report.is_waiting:
            return
        is_collected = self._config.registrar.close_shift_at_collection and self._journal.is_shift_collected()
        now = self._clock.now()
        if self._queue.in_flight is None and shift.is_due(status, now, self._close_at, is_asked=is_collected):
            log.info("the shift is due to be closed")
            self._next_look["shift"] = self._clock.monotonic() + SHIFT_RETRY_S
            self.order_report(CloseShift())

    # --- data and screen ---------------------------------------------------------------------------------------

    def _look_at_data(self) -> None:
        self._watch.look_at_data(self._snapshot.info if self._snapshot else None)

    def _open_snapshot(self) -> None:
        """Take the newest data into use; what cannot be read leaves the old data in use."""
        self._snapshot_is_stale = False
        path = current_path(self._home.snapshots)
        if path is None:
            return
        try:
            snapshot = Snapshot.open(path)
        except SnapshotError as error:
            log.error("the new subscriber data cannot be used: %s", error)
            self._watch.observe("import_refused", True, str(error))
            return
        before, self._snapshot = self._snapshot, snapshot
        if before is not None:
            before.close()
        if before is None or before.info.sha256 != snapshot.info.sha256:
            info = snapshot.info
            self._journal.append(
                e.SnapshotAdopted(
                    sha256=info.sha256, file=info.file, accounts=info.accounts, as_of=info.as_of.isoformat()
                )
            )
        self._look_at_data()

    def _is_due(self, what: str, every_s: float) -> bool:
        now = self._clock.monotonic()
        if now < self._next_look.setdefault(what, now + every_s):
            return False
        self._next_look[what] = now + every_s
        return True

    def _publish(self) -> None:
        outlook = (self._state, self._rules(), self._language, self._deadline)
        if outlook == self._outlook:
            return  # a view is made of these and of the time that is left
        self._outlook = outlook
        view = self.view
        key = (msgspec.structs.replace(view, timeout_s=None), self._deadline)
        if key == self._published:
            return
        self._published = key
        for follower in list(self._followers):
            follower(view)
