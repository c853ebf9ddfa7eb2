"""What stands in the way of a fiscal document: an ATOL registrar's answers -> conditions and words for staff. Pure.

The codes are those of `kassa.ports.RegistrarStatus`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from devices.atol import errors, tasks
from devices.atol.errors import Reaction, meaning
from devices.atol.tasks import DeviceStatus, FnInfo, OfdStatus, Refused
from kassa.errors import KassaError
from kassa.untrusted import printable

NO_PAPER, COVER_OPEN, BUSY = "registrar_paper_out", "registrar_cover_open", "registrar_busy"
DRIVE, LOCKED, CLOCK = "registrar_drive", "registrar_locked", "registrar_clock"
DOCUMENT_OPEN, FAILED = "registrar_document_open", "registrar_failed"
DRIVE_ENDING, SETTINGS = "registrar_drive_ending", "registrar_settings"

UNSENT_MAX = timedelta(days=27)
"""After 30 days the drive stops by itself, and a customer would stand there with his money inside (ours)."""
ENDING = timedelta(days=30)
"""So long before the drive's last day staff are told (ours)."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The condition's code, None when a document can be made; `detail` is for staff."""

    problem: str | None
    detail: str = ""


NONE = Verdict(None)


def of_printer(status: DeviceStatus) -> Verdict:
    """What paper, cover and lock say."""
    if status.cover_opened:
        return Verdict(COVER_OPEN, "the paper's cover is open")
    if not status.paper_present:
        return Verdict(NO_PAPER, "the roll is at its end")
    if status.blocked:
        return Verdict(LOCKED, "it is locked; call a technician")
    return NONE


def of_drive(status: DeviceStatus, drive: FnInfo, ofd: OfdStatus, now: datetime) -> Verdict:
    """What the fiscal drive, its age and the unsent documents say. `now`: wall time, without a zone."""
    if not status.fn_present:
        return Verdict(DRIVE, "it has no fiscal drive")
    if drive.live_phase != "fiscalMode" or not status.fn_fiscal:
        return Verdict(
            DRIVE, f"fiscal drive {drive.serial} is not in fiscal mode ({printable(drive.live_phase[:20])})"
        )
    if drive.warnings is not None and drive.warnings.critical_error:
        return Verdict(DRIVE, f"fiscal drive {drive.serial} reports a critical error")
    last_day = tasks.day(drive.validity_date)
    if last_day is not None and now.date() > last_day:
        return Verdict(DRIVE, f"fiscal drive {drive.serial} was good until {last_day:%d.%m.%Y}")
    since = unsent_since(ofd)
    if since is not None and now - since > UNSENT_MAX:
        waiting = f"{ofd.not_sent_count} documents wait for the data operator"
        return Verdict(DRIVE, f"{waiting}, the oldest since {since:%d.%m.%Y}")
    return NONE


def unsent_since(ofd: OfdStatus) -> datetime | None:
    """When the oldest document was made that the data operator has not confirmed: the registrar's own wall time."""
    return tasks.wall_time(ofd.not_sent_first_doc_date_time or "") if ofd.not_sent_count > 0 else None


def notices(drive: FnInfo | None, now: datetime) -> Iterator[tuple[str, str]]:
    """What does not stop it yet."""
    if drive is None:
        return
    last_day = tasks.day(drive.validity_date)
    warnings = drive.warnings or tasks.FnWarnings()
    if last_day is not None and now.date() + ENDING >= last_day:
        yield DRIVE_ENDING, f"fiscal drive {drive.serial} is good until {last_day:%d.%m.%Y}"
    elif warnings.need_replacement or warnings.resource_exhausted:
        yield DRIVE_ENDING, f"fiscal drive {drive.serial} asks to be replaced"
    elif warnings.memory_overflow:
        yield DRIVE_ENDING, f"the archive of fiscal drive {drive.serial} is nearly full"


def of_error(error: KassaError) -> Verdict:
    """What a refusal means; what is not known of a task means that the registrar is away."""
    if not isinstance(error, Refused):
        return Verdict(FAILED, str(error))
    code, problem = error.code, FAILED
    if code == errors.NO_PAPER:
        problem = NO_PAPER
    elif code == errors.COVER_OPEN:
        problem = COVER_OPEN
    elif code in errors.DRIVE_ERRORS:
        problem = DRIVE
    elif code in errors.CLOCK_ERRORS:
        problem = CLOCK
    elif code in errors.PASSING:
        problem = BUSY
    return Verdict(problem, str(error))


def is_lasting(error: Refused) -> bool:
    """Whether the next try will be refused as well, as far as the code tells."""
    return meaning(error.code).reaction in (Reaction.MEND, Reaction.DRIVE, Reaction.STOP, Reaction.CLOCK)


def is_passing(error: Refused) -> bool:
    """Whether the next look tells all of it, so that it need not be remembered."""
    return error.code in errors.PASSING
