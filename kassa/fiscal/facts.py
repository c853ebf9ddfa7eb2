"""What staff want to know of a registrar before anything is wrong with it. Pure."""

from __future__ import annotations

from datetime import date

from kassa.ports import RegistrarStatus
from kassa.words import counted

DAY, MINUTE = "%Y-%m-%d", "%Y-%m-%d %H:%M"


def facts(status: RegistrarStatus, today: date) -> list[str]:
    """Shift, fiscal drive, unsent documents and clock, a sentence each; nothing of a printer without fiscal functions."""
    if not status.drive_serial:
        return []
    return [_shift(status), _drive(status, today), _unsent(status), _clock(status.clock_ahead_min)]


def _shift(status: RegistrarStatus) -> str:
    opened = status.shift_opened_at
    since = f" since {opened:{MINUTE}}" if opened is not None else ""
    return f"shift {status.shift_number}: {status.shift.value}{since}"


def _drive(status: RegistrarStatus, today: date) -> str:
    told = f"fiscal drive {status.drive_serial}: {counted(status.last_document, 'document')}"
    ends = status.drive_expires
    if ends is None:
        return told
    if ends < today:
        return f"{told}, was good until {ends:{DAY}}"
    return f"{told}, good until {ends:{DAY}} ({counted((ends - today).days, 'day')})"


def _unsent(status: RegistrarStatus) -> str:
    if not status.unsent_documents:
        return "data operator: has all documents"
    since = status.unsent_since
    oldest = f", the oldest of {since:{MINUTE}}" if since is not None else ""
    return f"data operator: {counted(status.unsent_documents, 'document')} not sent yet{oldest}"


def _clock(ahead_min: int) -> str:
    if not ahead_min:
        return "clock: as this machine's"
    return f"clock: {counted(abs(ahead_min), 'minute')} {'ahead of' if ahead_min > 0 else 'behind'} this machine's"
