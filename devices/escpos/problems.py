"""What stands in the way of a receipt: a printer's status -> a condition's code and words for staff. Pure.

The codes are those of `kassa.ports.RegistrarStatus`.
"""

from __future__ import annotations

from dataclasses import dataclass

from devices.escpos.protocol import Status

NO_PAPER, COVER_OPEN, BUSY = "registrar_paper_out", "registrar_cover_open", "registrar_busy"
FAILED, PAPER_LOW = "registrar_failed", "registrar_paper_low"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The condition's code, None when it can print; `detail` is for staff."""

    problem: str | None
    detail: str = ""


NONE = Verdict(None)


def of(status: Status) -> Verdict:
    """What must be done first stands first."""
    if status.cutter_failed:
        return Verdict(FAILED, "the cutter is jammed; take the paper out, then switch the printer off and on")
    if status.has_failed:
        return Verdict(FAILED, "it reports an error that lasts; switch it off and on")
    if status.cover_is_open:
        return Verdict(COVER_OPEN, "the paper's cover is open")
    if status.paper_is_out:
        return Verdict(NO_PAPER, "the roll is at its end")
    if status.recovers:
        return Verdict(BUSY, "it waits, as its head is too hot")
    if status.is_in_error:
        return Verdict(FAILED, "it reports an error and does not say which; switch it off and on")
    if status.is_fed_by_hand:
        return Verdict(BUSY, "somebody presses its feed button")
    if status.is_offline:
        return Verdict(BUSY, "it is offline and does not say why")
    return NONE


def notices(status: Status) -> tuple[tuple[str, str], ...]:
    """What does not stop it yet."""
    return ((PAPER_LOW, "the roll is near its end"),) if status.paper_is_low else ()
