"""Who an account belongs to and what it owes, as a customer at a kiosk may see it."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from kassa.journal.store import Journal
from kassa.money import Money
from kassa.rules.session import AccountFound, AccountUnknown, Identified
from kassa.subscribers import Snapshot, SnapshotError, SnapshotInfo, mask_address, mask_name

log = logging.getLogger("kassa.enquiry")


def look_up(
    snapshot: Snapshot | None, journal: Journal, service: str, account: str, now: datetime, warn_after_h: int
) -> AccountFound | AccountUnknown:
    """Find the account; what this terminal took since the data were made is added to every balance."""
    if snapshot is None:
        return AccountUnknown("data_missing")
    try:
        found = snapshot.find(account)
    except SnapshotError as error:
        log.error("%s", error)
        return AccountUnknown("data_missing")
    if found is None:
        return AccountUnknown("account_not_found")
    if all(known.service != service for known in found.services):
        return AccountUnknown("service_not_available")
    info = snapshot.info
    balances, paid_here = [], None
    for known in found.services:
        paid = Money(
            journal.paid_since(known.service, found.account, info.as_of, info.applied_batch),
            known.balance.currency,
        )
        balances.append((known.service, known.balance + paid))
        if known.service == service and paid:
            paid_here = paid
    return AccountFound(
        Identified(
            account=found.account,
            holder=mask_name(found.name) or None,
            place=mask_address(found.address) or None,
            balances=tuple(balances),
            paid_here=paid_here,
            data_at=info.as_of.isoformat(timespec="minutes"),
            data_is_old=is_old(info, now, warn_after_h),
        )
    )


def is_old(info: SnapshotInfo, now: datetime, warn_after_h: int) -> bool:
    """Whether the data are older than people should rely on without being told."""
    return now - info.as_of > timedelta(hours=warn_after_h)
