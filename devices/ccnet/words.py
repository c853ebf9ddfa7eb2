"""CCNET for people: what a frame says, to whoever reads what passed on the line.

Source: CashCode, "CashCode NET Interface", as in `devices.ccnet.protocol`.
"""

from __future__ import annotations

from collections.abc import Iterable

from devices.ccnet import protocol as p
from devices.ccnet.protocol import Frame, Noise, Status
from devices.words import Language
from kassa.flight.ring import Kind

COMMANDS = {
    p.ACK: "ACK",
    p.NAK: "NAK",
    p.RESET: "RESET",
    p.GET_STATUS: "GET STATUS",
    p.POLL: "POLL",
    p.STACK: "STACK",
    p.RETURN: "RETURN",
    p.IDENTIFICATION: "IDENTIFICATION",
    p.HOLD: "HOLD",
    p.EXTRACT_BARCODE: "EXTRACT BARCODE",
    p.GET_BILL_TABLE: "GET BILL TABLE",
    p.GET_CRC32: "GET CRC32",
    p.REQUEST_STATISTICS: "REQUEST STATISTICS",
}
VERDICTS = {p.ACK: "ACK", p.NAK: "NAK", p.ILLEGAL: "ILLEGAL COMMAND"}
WITH_BILL_TYPE = frozenset({Status.ESCROW, Status.STACKED, Status.RETURNED})


def say(item: Frame | Noise, kind: Kind, asked: Frame | None) -> str | None:
    """One frame; an answer is read by the command it follows, as it does not name it."""
    if isinstance(item, Noise):
        return None
    if kind is Kind.SENT:
        return _command(item.body)
    if item.body in VERDICTS:
        return VERDICTS[item.body]
    return _answer(item.body, asked.body if asked is not None else p.POLL)


def is_question(item: Frame | Noise) -> bool:
    """Whether it is a command, and no verdict on the answer before."""
    return isinstance(item, Frame) and item.body not in (p.ACK, p.NAK)


LANGUAGE = Language(p.take, say, is_question)


def _command(body: bytes) -> str:
    match body[0], body[1:]:
        case p.ENABLE_BILL_TYPES_CODE, data if len(data) == 2 * p.MASK_BYTES:
            types, escrow = p.masked(data[: p.MASK_BYTES]), p.masked(data[p.MASK_BYTES :])
            unasked = types - escrow
            stacked = f", without escrow {_listed(unasked)}" if unasked else ""
            return f"ENABLE BILL TYPES {_listed(types)}{stacked}"
        case p.SET_SECURITY_CODE, data if len(data) == p.MASK_BYTES:
            return f"SET SECURITY {_listed(p.masked(data))}"
        case _:
            return COMMANDS.get(body, f"command {body.hex(' ').upper()}")


def _answer(body: bytes, asked: bytes) -> str:
    if asked == p.POLL and body == p.POLL:
        return "POLL: an echo, there is no validator"
    if asked == p.POLL and p.is_poll_answer(body):
        return _state(p.decode_poll(body))
    if asked == p.IDENTIFICATION and p.is_identification(body):
        who = p.decode_identification(body)
        return f"IDENTIFICATION {who.part_number} {who.serial}"
    if asked == p.GET_BILL_TABLE and p.is_bill_table(body):
        return f"BILL TABLE {_bills(p.decode_bill_table(body))}"
    return f"answer {body.hex(' ').upper()}"


def _state(poll: p.Poll) -> str:
    name = poll.status.name.replace("_", " ")
    match poll.status, poll.detail:
        case Status.UNKNOWN, detail:
            return f"state {detail:02X}"
        case Status.REJECTING, detail:
            return f"{name} {p.rejection(detail)}"
        case Status.FAILED, detail:
            return f"{name} {p.failure(detail)}"
        case _, None:
            return name
        case status, detail if status in WITH_BILL_TYPE:
            return f"{name} bill type {detail}"
        case _, detail:
            return f"{name} {detail:02X}"


def _bills(bills: Iterable[p.Bill | None]) -> str:
    known = [f"{number}: {_bill(bill)}" for number, bill in enumerate(bills) if bill is not None]
    return ", ".join(known) or "empty"


def _bill(bill: p.Bill) -> str:
    return f"{bill.digits}{'0' * bill.exponent if bill.exponent >= 0 else f'e{bill.exponent}'} {bill.country}"


def _listed(types: Iterable[int]) -> str:
    return " ".join(map(str, sorted(types))) or "none"
