"""What stands in the way of a fiscal document: a registrar's answers -> a condition's code and words for staff. Pure.

The codes are those of `kassa.ports.RegistrarStatus.problem`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from devices.shtrih import errors
from devices.shtrih.errors import Reaction, meaning
from devices.shtrih.protocol import DriveStatus, Exchange, Mode, Parameters, Refused, ShortStatus, Submode
from devices.shtrih.settings import Settings
from kassa.errors import KassaError

NO_PAPER, COVER_OPEN, BUSY = "registrar_paper_out", "registrar_cover_open", "registrar_busy"
DRIVE, LOCKED, CLOCK = "registrar_drive", "registrar_locked", "registrar_clock"
DOCUMENT_OPEN, FAILED = "registrar_document_open", "registrar_failed"
PAPER_LOW, DRIVE_ENDING = "registrar_paper_low", "registrar_drive_ending"
SETTINGS = "registrar_settings"

UNSENT_MAX = timedelta(days=27)
"""After 30 days the drive stops by itself, and a customer would stand there with his money inside (ours)."""
DRIVE_ENDS_SOON_DAYS = 30
"""A new drive has to be ordered, put in and registered (ours; the drive warns as early)."""
CLOCK_BACK_MAX = timedelta(minutes=5)
"""The drive refuses a document that is older than its last one by its own timer."""
PRINTING = (Submode.PRINTING, Submode.PRINTING_REPORT)
PASSING = frozenset({errors.BUSY, errors.WAITS_FOR_CONTINUE, errors.WRONG_SUBMODE, errors.NO_PAPER})
"""Refusals that the next status explains."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The condition's code, None when a document can be made; `detail` is for staff."""

    problem: str | None
    detail: str = ""


NONE = Verdict(None)


def of_printer(status: ShortStatus, parameters: Parameters) -> Verdict:
    """What paper, cover and mode say."""
    sees_no_paper = parameters.has_paper_sensor and not status.sees_paper
    if parameters.has_cover_sensor and status.sees_cover_open:
        return Verdict(COVER_OPEN, "the paper's cover is open")
    if status.submode in (Submode.NO_PAPER, Submode.PAPER_RAN_OUT) or sees_no_paper:
        return Verdict(NO_PAPER, "the roll is at its end")
    if status.submode != Submode.IDLE:
        return Verdict(BUSY, f"it prints (submode {status.submode})")
    match status.mode:
        case Mode.SHIFT_OPEN | Mode.SHIFT_EXPIRED | Mode.SHIFT_CLOSED:
            return NONE
        case Mode.INSPECTOR_LOCK:
            return Verdict(LOCKED, "it is locked by a wrong tax inspector's password")
        case Mode.DATE_UNCONFIRMED:
            return Verdict(CLOCK, "its date has to be confirmed by a technician")
        case Mode.DOCUMENT_OPEN:
            return Verdict(DOCUMENT_OPEN, "a document stands open")
        case Mode.DECIMAL_POINT | Mode.TECHNICAL_RESET:
            return Verdict(FAILED, f"it needs a technician (mode {status.mode.value})")
        case _:
            return Verdict(BUSY, f"it does something else (mode {status.mode.value})")


def of_drive(
    drive: DriveStatus | None, clock: datetime | None, last_day: date | None, exchange: Exchange
) -> Verdict:
    """What the fiscal drive, its age, the registrar's clock and the unsent documents say."""
    if drive is None:
        return Verdict(FAILED, "it says nothing of its fiscal drive")
    if not drive.is_in_fiscal_mode:
        return Verdict(DRIVE, f"fiscal drive {drive.serial} is not in fiscal mode (phase {drive.life:02X}h)")
    if drive.is_critical:
        return Verdict(DRIVE, f"fiscal drive {drive.serial} reports a critical error")
    if clock is None or (drive.at is not None and clock < drive.at - CLOCK_BACK_MAX):
        return Verdict(CLOCK, f"its clock shows {clock or 'no time'}, its last document is of {drive.at}")
    if last_day is not None and clock.date() > last_day:
        return Verdict(DRIVE, f"fiscal drive {drive.serial} was good until {last_day:%d.%m.%Y}")
    since = exchange.since
    if exchange.unsent and since is not None and clock - since > UNSENT_MAX:
        waiting = f"{exchange.unsent} documents wait for the data operator"
        return Verdict(DRIVE, f"{waiting}, the oldest since {since:%d.%m.%Y}")
    return NONE


Notice = tuple[str, str]
"""A condition's code and its detail for staff: it does not stop us yet."""


def notices(
    status: ShortStatus,
    parameters: Parameters,
    drive: DriveStatus | None,
    last_day: date | None,
    today: date,
    settings: Settings,
) -> tuple[Notice, ...]:
    """What should be looked after before it becomes a problem."""
    found = []
    if parameters.has_roll_sensor and status.sees_roll_low:
        found.append((PAPER_LOW, "the roll is nearly at its end"))
    days_left = (last_day - today).days if last_day is not None else None
    ends_soon = days_left is not None and days_left <= DRIVE_ENDS_SOON_DAYS
    if drive is not None and (ends_soon or drive.is_ending):
        found.append((DRIVE_ENDING, f"fiscal drive {drive.serial}: {_what_ends(drive, days_left)}"))
    if differences := settings.differences():
        found.append((SETTINGS, "; ".join(differences)))
    return tuple(found)


def _what_ends(drive: DriveStatus, days_left: int | None) -> str:
    told = [words for bit, words in _WARNINGS.items() if drive.warnings >> bit & 1]
    if days_left is not None:
        told.append(f"{days_left} days are left")
    return ", ".join(told)


_WARNINGS = {
    0: "it has to be replaced within 3 days",
    1: "it has to be replaced within 30 days",
    2: "its memory is nearly full",
}


def of_error(error: KassaError) -> Verdict:
    """What a refusal means; an answer that got lost means no more than that the registrar is busy."""
    if not isinstance(error, Refused):
        return Verdict(BUSY, str(error))
    code, problem = error.code, FAILED
    if code == errors.WRONG_PASSWORD:
        problem = LOCKED
    elif code == errors.NO_PAPER:
        problem = NO_PAPER
    elif code in errors.DRIVE_ERRORS:
        problem = DRIVE
    elif code in errors.CLOCK_ERRORS:
        problem = CLOCK
    elif code in errors.DOCUMENT_IS_OPEN:
        problem = DOCUMENT_OPEN
    elif code in PASSING:
        problem = BUSY
    return Verdict(problem, f"{error}; {meaning(code).remedy.english}")


def of_refused_agent(error: KassaError) -> Verdict:
    """An agent's payment stays without its document until a person has changed something."""
    return Verdict(FAILED, str(error))


def is_lasting(error: Refused) -> bool:
    """Whether the next try will be refused as well, as far as the code tells."""
    return meaning(error.code).reaction in (Reaction.STOP, Reaction.MEND)


def is_passing(error: Refused) -> bool:
    """Whether the status tells all of it, so that it need not be remembered."""
    return error.code in PASSING or error.code in errors.SHIFT_OVER
