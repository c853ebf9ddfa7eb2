"""What the terminal sees of its devices, disk and data, turned into conditions; each raised or cleared one is written."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime

from kassa.alerts.catalogue import CATALOGUE
from kassa.alerts.conditions import Board, Condition, Raised
from kassa.clock import Clock
from kassa.config import Config
from kassa.enquiry import is_old
from kassa.files import MACHINE, Disk
from kassa.fiscal.queue import Queue
from kassa.home import Home
from kassa.journal import entries as e
from kassa.journal.records import ShiftRecord
from kassa.journal.store import Journal
from kassa.money import Money
from kassa.ports import (
    ImportRefused,
    RegistrarLost,
    RegistrarStatus,
    ScreenEnded,
    ScreenStarted,
    SnapshotReady,
    ValidatorChanged,
    ValidatorLost,
    ValidatorReady,
    ValidatorState,
)
from kassa.subscribers import SnapshotInfo
from kassa.words import counted

log = logging.getLogger("kassa.watch")

STARTING_MAX_S = 15.0
"""A device that said nothing for so long is not starting any more, it is lost."""
UNSENT_DAYS = {"fiscal_unsent": 3, "fiscal_unsent_long": 10, "fiscal_unsent_last": 20}
"""So many days without the data operator; after 30 the drive takes no document any more."""
CLOCK_AHEAD_MAX_MIN = 3
"""The law allows five minutes."""

VALIDATOR_CONDITIONS = {
    ValidatorState.CASSETTE_FULL: "validator_cassette_full",
    ValidatorState.CASSETTE_OUT: "validator_cassette_out",
    ValidatorState.JAMMED: "validator_jammed",
    ValidatorState.FAILED: "validator_failed",
    ValidatorState.STARTING: "validator_busy",
    ValidatorState.PAUSED: "validator_busy",
    ValidatorState.CHEATED: "cheated",
}
SEEN_AT_VALIDATOR = ("validator_lost", *dict.fromkeys(VALIDATOR_CONDITIONS.values()))
OVER_AT_START = ("stopping", "screen_down", "export_failed")
"""Conditions of the run before this one; the others last until an eye sees that they are gone."""
REGISTRAR_NOTICES = ("registrar_paper_low", "registrar_drive_ending", "registrar_settings")
"""What does not stop the registrar yet."""
REGISTRAR_CONDITIONS = tuple(
    code for code, kind in CATALOGUE.items() if code.startswith("registrar_") and kind.stops_cash
)


class Watch:
    """The board of one terminal and the eyes that feed it."""

    def __init__(
        self, config: Config, home: Home, journal: Journal, clock: Clock, disk: Disk = MACHINE
    ) -> None:
        self._config, self._home, self._journal, self._clock = config, home, journal, clock
        self._disk = disk
        self._board = Board()
        self._started_at = clock.monotonic()
        self.models: dict[str, str] = {}
        """What each device said it is; a device that never answered is missing."""
        self.values: frozenset[Money] = frozenset()
        """What the validator's bill table knows; empty while there is no validator."""
        self.note_may_come = False
        """Whether the validator was last seen with an open slot, or with a note on its way."""
        for known in journal.conditions():
            if known.code in CATALOGUE:
                since = datetime.fromisoformat(known.since)
                self._board.restore(known.code, known.detail, since, self._started_at)
        for code in OVER_AT_START:
            self.observe(code, False)
        self.observe("starting", True)
        self.look_at_cassette()
        self.look_at_disk()

    @property
    def blocked(self) -> str | None:
        """The code for which no note may be taken at this moment."""
        return self._board.blocked

    @property
    def out_of_service(self) -> str | None:
        """The code for which nobody may begin a payment."""
        return self._board.out_of_service

    @property
    def shown(self) -> list[Condition]:
        """What staff see when they look, the worst first."""
        return self._board.shown

    def observe(self, code: str, present: bool, detail: str = "") -> None:
        """Say whether a condition is there at this moment."""
        if not present and not self._board.is_known(code):
            return  # most looks find nothing, as before
        self._board.observe(code, present, self._clock.monotonic(), self._clock.now(), detail)

    def settle(self) -> bool:
        """Write what was raised or cleared; whether the terminal went out of service by it."""
        self._end_starting()
        before = self._board.out_of_service
        for change in self._board.settle(self._clock.monotonic()):
            condition = change.condition
            if isinstance(change, Raised):
                words = condition.detail or CATALOGUE[condition.code].text
                log.warning("condition %s raised: %s", condition.code, words)
                self._journal.append(e.ConditionRaised(code=condition.code, detail=condition.detail))
            else:
                log.warning("condition %s cleared", condition.code)
                self._journal.append(e.ConditionCleared(code=condition.code))
        return self._board.out_of_service is not None and before is None

    def hear(self, fact: object) -> None:
        """Take in what a fact says of the state of things."""
        match fact:
            case ValidatorLost(reason):
                self.note_may_come = False
                self.values = frozenset()
                self.models.setdefault("validator", "")
                self._see_validator("validator_lost", reason)
            case ValidatorChanged(state, detail):
                self.note_may_come = state in (ValidatorState.IDLING, ValidatorState.HANDLING_NOTE)
                self._see_validator(VALIDATOR_CONDITIONS.get(state), detail)
            case ValidatorReady(model, serial, values):
                self.note_may_come = False
                self.values = frozenset(values)
                self.models["validator"] = f"{model} {serial}".strip()
                self._see_validator(None, "")
            case RegistrarLost(reason):
                self.models.setdefault("registrar", "")
                self._see_registrar("registrar_lost", reason)
            case RegistrarStatus():
                self.models["registrar"] = f"{fact.model} {fact.drive_serial}".strip()
                self._see_registrar(fact.problem, fact.detail)
                self._see_what_is_unsent(fact.unsent_documents, fact.unsent_since)
                self._see_notices(fact)
            case SnapshotReady():
                self.observe("import_refused", False)
            case ImportRefused(file, reason):
                self.observe("import_refused", True, f"{file}: {reason}")
            case ScreenStarted():
                self.observe("screen_down", False)
            case ScreenEnded(detail):
                self.observe("screen_down", True, detail)
            case _:
                pass

    def look_at_disk(self) -> None:
        """Room for the journal."""
        free_mb = self._disk.free_bytes(self._home.path) >> 20
        self.observe("disk_low", free_mb < self._config.disk.free_min_mb, f"{free_mb} MB free")

    def look_at_data(self, info: SnapshotInfo | None) -> None:
        """Whether there are subscriber data, and how old they are."""
        self.observe("data_missing", info is None)
        old = info is not None and is_old(info, self._clock.now(), self._config.data.warn_after_h)
        self.observe("data_old", old, f"made {info.as_of:%d.%m.%Y %H:%M}" if info else "")

    def look_at_cassette(self) -> None:
        """The cassette left, or was collected: what is in it now, and whether somebody has to say where it was."""
        self._look_at_removals()
        self._orphans, self._uncertain = self._journal.to_explain()
        self.look_at_notes()

    def _look_at_removals(self) -> None:
        """The time that staff have to explain one begins when it happened, however often the core was started since."""
        removals = self._journal.removals()
        since = datetime.fromisoformat(removals[0].at) if removals else self._clock.now()
        ago_s = max(0.0, (self._clock.now() - since).total_seconds())
        if removals or self._board.is_known("cassette_unexplained"):
            detail = f"left at {removals[0].at}" if removals else ""
            seen_at = self._clock.monotonic() - ago_s
            self._board.observe("cassette_unexplained", bool(removals), seen_at, since, detail)

    def look_at_notes(self, written: Iterable[e.Entry] = ()) -> None:
        """Notes that a collector has to know of, and room in the cassette, after these entries."""
        for entry in written:
            self._orphans += isinstance(entry, e.OrphanFound)
            self._uncertain += isinstance(entry, e.NoteStacked) and entry.uncertain
        self.observe("orphan_note", self._orphans > 0, counted(self._orphans, "note"))
        self.observe("uncertain_note", self._uncertain > 0, counted(self._uncertain, "note"))
        notes, room = sum(self._journal.cassette().values()), self._config.validator.cassette_notes
        self.observe("cassette_nearly_full", notes * 10 >= room * 9, f"{notes} of {room} notes")

    def look_at_documents(self, owed: int, late: int, unprinted: int, queue: Queue) -> None:
        """Payments that wait for their document, those of them for which a person must decide, those where the registrar
        refuses or nobody knows; and documents without paper."""
        self.observe("documents_owed", owed > 0, counted(owed, "payment") if owed else "")
        self.observe("documents_late", late > 0, counted(late, "payment") if late else "")
        self.observe("document_unprinted", unprinted > 0, counted(unprinted, "document") if unprinted else "")
        self.observe("document_refused", bool(queue.refused), _refusals(queue))
        self.observe("document_in_doubt", bool(queue.in_doubt), ", ".join(sorted(queue.in_doubt)))

    def look_at_shifts(self, shifts: Iterable[ShiftRecord]) -> None:
        """Whether the registrar counted in the shift that was closed last what the journal holds of it."""
        over = [shift for shift in shifts if shift.closed_at is not None]
        differs = bool(over) and over[-1].differs
        self.observe("shift_differs", differs, f"shift {over[-1].number}" if differs else "")

    def _see_what_is_unsent(self, documents: int, since: datetime | None) -> None:
        days = (self._clock.now() - since).days if documents and since is not None else 0
        reached = [code for code, least in UNSENT_DAYS.items() if days >= least]
        for code in UNSENT_DAYS:
            present = reached[-1:] == [code]
            waiting = f"{counted(documents, 'document')}, the oldest for {counted(days, 'day')}"
            self.observe(code, present, waiting if present else "")

    def _see_notices(self, status: RegistrarStatus) -> None:
        notices = dict(status.notices)
        for code in REGISTRAR_NOTICES:
            self.observe(code, code in notices, notices.get(code, ""))
        ahead = status.clock_ahead_min
        is_off = abs(ahead) > CLOCK_AHEAD_MAX_MIN
        detail = (
            f"it is {counted(abs(ahead), 'minute')} {'ahead' if ahead > 0 else 'behind'}" if is_off else ""
        )
        self.observe("registrar_clock_off", is_off, detail)

    def _end_starting(self) -> None:
        """The start is over when both devices spoke, or had time enough to."""
        if not self._board.is_present("starting"):
            return
        is_late = self._clock.monotonic() > self._started_at + STARTING_MAX_S
        if len(self.models) == 2 or is_late:
            self.observe("starting", False)
            for name in ("validator", "registrar"):
                if name not in self.models:
                    self.observe(f"{name}_lost", True, "it said nothing since the start")

    def _see_validator(self, present: str | None, detail: str) -> None:
        for code in SEEN_AT_VALIDATOR:
            self.observe(code, code == present, detail if code == present else "")

    def _see_registrar(self, present: str | None, detail: str) -> None:
        assert present is None or present in REGISTRAR_CONDITIONS, present
        for code in REGISTRAR_CONDITIONS:
            self.observe(code, code == present, detail if code == present else "")


def _refusals(queue: Queue) -> str:
    """The oldest payment's reason; the others', kassa payments owed tells."""
    if not queue.refused:
        return ""
    payment = min(queue.refused)
    others = f"; and {len(queue.refused) - 1} more" if len(queue.refused) > 1 else ""
    return f"{payment}: {queue.refused[payment].reason}{others}"
