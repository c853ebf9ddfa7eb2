"""ID-003 for people: what a frame says, to whoever reads what passed on the line.

Source: JCM, "ID-003 Protocol Specification", as in `devices.id003.protocol`.
"""

from __future__ import annotations

from collections.abc import Iterable

from devices.id003 import protocol as p
from devices.id003.protocol import Frame, Noise, Status
from devices.words import Language
from kassa.flight.ring import Kind

COMMANDS = {
    p.STATUS_REQUEST: "STATUS REQUEST",
    p.RESET: "RESET",
    p.STACK_1: "STACK-1",
    p.STACK_2: "STACK-2",
    p.RETURN: "RETURN",
    p.HOLD: "HOLD",
    p.ACK: "ACK",
    p.VERSION_REQUEST: "VERSION REQUEST",
    p.BOOT_VERSION_REQUEST: "BOOT VERSION REQUEST",
    p.CURRENCY_REQUEST: "CURRENCY REQUEST",
    p.GET_BILL_TYPES: "GET BILL TYPES",
    p.GET_SECURITY: "GET SECURITY",
    p.GET_COMMUNICATION_MODE: "GET COMMUNICATION MODE",
    p.GET_INHIBIT: "GET INHIBIT",
    p.GET_DIRECTIONS: "GET DIRECTIONS",
    p.GET_OPTIONS: "GET OPTIONS",
    p.GET_BARCODE: "GET BARCODE",
    p.GET_BAR_INHIBIT: "GET BAR INHIBIT",
}
VERDICTS = {
    p.ACK: "ACK",
    p.COMMUNICATION_ERROR: "COMMUNICATION ERROR: our command arrived damaged",
    p.INVALID_COMMAND: "INVALID COMMAND",
    p.ENQ: "ENQ",
}
SETTINGS = {
    p.ENABLE_BILL_TYPES_CODE: "ENABLE BILL TYPES",
    p.SET_SECURITY_CODE: "SET SECURITY",
    p.SET_COMMUNICATION_MODE_CODE: "SET COMMUNICATION MODE",
    p.INHIBIT_CODE: "INHIBIT",
    p.REFUSE_DIRECTIONS_CODE: "REFUSE DIRECTIONS",
    p.SET_OPTIONS_CODE: "SET OPTIONS",
    p.SET_BARCODE_CODE: "SET BARCODE",
    p.BAR_INHIBIT_CODE: "BAR INHIBIT",
}
"""The device answers each with the same code and what is now in force."""
REQUESTED = {
    command[0]: name.removeprefix("GET ") for command, name in COMMANDS.items() if name.startswith("GET ")
}


def say(item: Frame | Noise, kind: Kind, _asked: Frame | None) -> str | None:
    """One frame: an answer's own code tells what it is."""
    if isinstance(item, Noise):
        return None
    if kind is Kind.SENT:
        return COMMANDS.get(item.body) or _setting(item.body) or f"command {item.body.hex(' ').upper()}"
    return VERDICTS.get(item.body) or _setting(item.body) or _told(item.body)


def is_question(item: Frame | Noise) -> bool:
    """Whether it is a command, and not the acknowledgement of an answer."""
    return isinstance(item, Frame) and item.body != p.ACK


LANGUAGE = Language(p.take, say, is_question)


def _setting(body: bytes) -> str | None:
    name = SETTINGS.get(body[0])
    if name is None or len(body) == 1:
        return None
    if body[0] == p.ENABLE_BILL_TYPES_CODE and len(body) > p.MASK_BYTES:
        return f"{name} {_listed(p.enabled_bill_types(body))}"
    if body[0] == p.INHIBIT_CODE:
        return f"{name} {'on' if p.is_inhibited(body) else 'off'}"
    return f"{name} {body[1:].hex(' ').upper()}"


def _told(body: bytes) -> str:
    if p.is_echo(body):
        return "VERSION REQUEST: an echo, there is no validator"
    if body[:1] in (p.VERSION_REQUEST, p.BOOT_VERSION_REQUEST):
        who = p.decode_version(body)
        return f"VERSION {who.model} {who.firmware}"
    if p.is_currency_table(body):
        return f"CURRENCY TABLE {_bills(p.decode_currency_table(body))}"
    if body[0] in REQUESTED:
        return f"{REQUESTED[body[0]]} {body[1:].hex(' ').upper()}"
    if p.is_poll_answer(body):
        return _state(body)
    return f"answer {body.hex(' ').upper()}"


def _state(body: bytes) -> str:
    poll = p.decode_poll(body)
    name = poll.status.name.replace("_", " ")
    match poll.status, poll.detail:
        case Status.UNKNOWN, _:
            return f"state {body.hex(' ').upper()}"
        case Status.REJECTING, detail:
            return f"{name} {p.rejection(detail)}"
        case Status.FAILED, detail:
            return f"{name} {p.failure(detail)}"
        case _, None:
            return name
        case _, p.NO_BILL_TYPE:
            return f"{name} no note of the currency table: {body[1:].hex(' ').upper()}"
        case _, detail:
            return f"{name} bill type {detail}"


def _bills(bills: Iterable[p.Bill | None]) -> str:
    known = [f"{number}: {_bill(bill)}" for number, bill in enumerate(bills) if bill is not None]
    return ", ".join(known) or "empty"


def _bill(bill: p.Bill) -> str:
    return f"{bill.digits}{'0' * bill.exponent} {bill.country or f'country {bill.country_code:02X}'}"


def _listed(types: Iterable[int]) -> str:
    return " ".join(map(str, sorted(types))) or "none"
