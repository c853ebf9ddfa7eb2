"""Every condition the terminal can be in: how bad it is, whether it stops cash, when it counts, and what to do."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Severity(enum.Enum):
    """How soon somebody has to come."""

    NOTICE = "notice"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class Kind:
    """One condition as staff know it."""

    severity: Severity
    stops_cash: bool
    raise_after_s: float
    """It must have lasted so long before anybody is told; the slot is closed at once all the same."""
    clear_after_s: float
    text: str
    remedy: str


def _stop(text: str, remedy: str, raise_after_s: float = 3, clear_after_s: float = 0) -> Kind:
    return Kind(Severity.CRITICAL, True, raise_after_s, clear_after_s, text, remedy)


def _warn(text: str, remedy: str, raise_after_s: float = 0, clear_after_s: float = 0) -> Kind:
    return Kind(Severity.WARNING, False, raise_after_s, clear_after_s, text, remedy)


def _note(text: str, remedy: str) -> Kind:
    return Kind(Severity.NOTICE, False, 0, 0, text, remedy)


CATALOGUE: dict[str, Kind] = {
    # In the order in which a reason is chosen when several stop cash: the first is what people are told.
    "stopping": _stop("the terminal is being stopped", "wait, or start it again", raise_after_s=0),
    "starting": _stop("the terminal is starting", "wait a minute", raise_after_s=0),
    "disk_failed": _stop(
        "the disk reported an error",
        "replace the disk; the journal holds all until this moment",
        raise_after_s=0,
    ),
    "disk_low": _stop("little disk space is left", "delete or move old files from the disk", raise_after_s=5),
    "validator_lost": _stop(
        "the bill validator does not answer", "check its cable and power; kassa device check validator"
    ),
    "validator_cassette_out": _stop(
        "the cassette is not in its place", "put the cassette in until it clicks"
    ),
    "validator_cassette_full": _stop("the cassette is full", "collect the cash and put in an empty cassette"),
    "validator_jammed": _stop(
        "a note is jammed in the validator",
        "open the validator, take the note out, note the payment's number",
    ),
    "validator_failed": _stop(
        "the bill validator reports a failure", "switch it off and on; then replace it"
    ),
    "validator_busy": _stop("the bill validator is starting or busy", "wait a minute", raise_after_s=60),
    "registrar_lost": _stop(
        "the fiscal registrar does not answer", "check its cable and power; kassa device check registrar"
    ),
    "registrar_paper_out": _stop("the registrar has no paper", "put in a new roll"),
    "registrar_cover_open": _stop("the registrar's cover is open", "close the cover"),
    "registrar_drive": _stop(
        "the fiscal drive refuses documents",
        "see the detail; the service centre replaces a full or expired drive",
    ),
    "registrar_locked": _stop("the registrar refuses the password", "set registrar.password in kassa.toml"),
    "registrar_clock": _stop(
        "the registrar's clock is wrong or unconfirmed", "set date and time, then restart"
    ),
    "registrar_document_open": _stop(
        "an unfinished document stands open in the registrar", "wait; else cancel it"
    ),
    "registrar_failed": _stop("the registrar reports a failure", "see the detail; switch it off and on"),
    "registrar_busy": _stop(
        "the registrar is busy", "wait; switch it off and on if it lasts", raise_after_s=60
    ),
    "data_missing": _stop("there are no subscriber data yet", "drop a subscriber file into the inbox", 0),
    # What does not stop cash.
    "data_old": _warn("the subscriber data are old", "drop a newer subscriber file into the inbox"),
    "import_refused": _warn(
        "the last subscriber file was refused", "read its report in the quarantine folder"
    ),
    "export_failed": _warn("a payment file could not be written", "check the outbox folder and its disk"),
    "documents_owed": _warn(
        "payments wait for their fiscal document",
        "they are printed when the registrar is ready; do not print by hand",
    ),
    "documents_late": _warn(
        "payments wait for their document, and their shift is over",
        "decide for each: kassa payments owed, then kassa payments settle PAYMENT",
    ),
    "document_refused": _warn(
        "the registrar refuses to make a payment's document",
        "the detail says what is to be set right; it is asked again by itself: kassa payments owed",
        raise_after_s=60,
    ),
    "document_unprinted": _note(
        "a document was made and did not get on paper",
        "print a copy for the customer: kassa payments unprinted",
    ),
    "document_in_doubt": _warn(
        "a payment's document can be neither found nor excluded",
        "look where kassa payments owed says, then: kassa payments found PAYMENT, or kassa payments missing PAYMENT",
    ),
    "orphan_note": _note(
        "a note without a payment lies in the cassette", "count it separately at the collection"
    ),
    "uncertain_note": _note(
        "a note was credited without proof that it was stacked", "compare the cassette at the collection"
    ),
    "cassette_unexplained": _warn(
        "the cassette was taken out, and nobody said what became of it",
        "kassa cash collect --by NAME, or if it was put back as it was: kassa cash put-back --by NAME",
        raise_after_s=15 * 60,
    ),
    "cassette_nearly_full": _warn("the cassette is nearly full", "plan a collection"),
    "shift_differs": _warn(
        "the registrar counted another sum in the last shift than the journal holds",
        "see both side by side: kassa shift compare",
    ),
    "registrar_paper_low": _note("the registrar's roll is near its end", "bring a new roll soon"),
    "registrar_drive_ending": _warn(
        "the fiscal drive comes to its end", "order its replacement at the service centre"
    ),
    "registrar_settings": _warn(
        "the registrar is not set as it should be", "see the detail; the service centre sets it"
    ),
    "registrar_clock_off": _warn(
        "the registrar's clock differs from this machine's; the law allows five minutes",
        "see which one is right; with the shift closed: kassa shift set-clock",
    ),
    "fiscal_unsent": _note(
        "fiscal documents have not reached the data operator for 3 days",
        "look after the registrar's network; the drive stops 30 days after the oldest",
    ),
    "fiscal_unsent_long": _warn(
        "fiscal documents have not reached the data operator for 10 days",
        "restore the registrar's network; the drive stops 30 days after the oldest",
    ),
    "fiscal_unsent_last": Kind(
        Severity.CRITICAL,
        False,
        0,
        0,
        "fiscal documents have not reached the data operator for 20 days",
        "restore the registrar's network at once; after 27 days no cash is taken",
    ),
    "cheated": _note("somebody tried to pull a note out", "look at the validator's slot"),
    "screen_down": _warn(
        "the customer screen does not run", "it is started again by itself; see logs/ui.log"
    ),
}

CONDITION_ORDER = {code: place for place, code in enumerate(CATALOGUE)}
