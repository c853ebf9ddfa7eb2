"""SSP for people: what a frame says, to whoever reads what passed on the line.

What a sealed packet says stands beside its bytes in a recording; without that it stays sealed.

Source: Innovative Technology, "SSP Interface Protocol" (GA138), as in `devices.ssp.protocol`.
"""

from __future__ import annotations

from devices.ssp import protocol as p
from devices.ssp.protocol import EventCode, Frame, Noise, Response
from devices.words import Language, Turn
from kassa.flight.ring import Kind

COMMANDS = {
    p.RESET: "RESET",
    p.BEZEL_ON: "BEZEL ON",
    p.BEZEL_OFF: "BEZEL OFF",
    p.SETUP_REQUEST: "SETUP REQUEST",
    p.POLL: "POLL",
    p.REJECT: "REJECT",
    p.DISABLE: "DISABLE",
    p.ENABLE: "ENABLE",
    p.GET_SERIAL_NUMBER: "GET SERIAL NUMBER",
    p.UNIT_DATA: "UNIT DATA",
    p.CHANNEL_VALUES: "CHANNEL VALUES",
    p.CHANNEL_SECURITY: "CHANNEL SECURITY",
    p.SYNC: "SYNC",
    p.LAST_REJECT_CODE: "LAST REJECT CODE",
    p.HOLD: "HOLD",
    p.GET_FIRMWARE_VERSION: "GET FIRMWARE VERSION",
    p.GET_DATASET_VERSION: "GET DATASET VERSION",
    p.POLL_WITH_ACK: "POLL WITH ACK",
    p.EVENT_ACK: "EVENT ACK",
    p.GET_COUNTERS: "GET COUNTERS",
}
EXCHANGES = {
    p.SET_GENERATOR_CODE: "SET GENERATOR",
    p.SET_MODULUS_CODE: "SET MODULUS",
    p.REQUEST_KEY_EXCHANGE_CODE: "REQUEST KEY EXCHANGE",
}
VERSION_READ = 8
"""Events of a validator have the same length in all versions; those of payout units are not told one by one."""


def say(item: Frame | Noise, kind: Kind, asked: Frame | None) -> str | None:
    """One frame; an answer is read by the command it follows, as it does not name it."""
    if isinstance(item, Noise):
        return None
    if p.is_sealed(item.data):
        return f"sealed packet of {len(item.data) - 1} bytes"
    return _command(item.data) if kind is Kind.SENT else _answer(item.data, asked.data if asked else b"")


def is_question(item: Frame | Noise) -> bool:
    """Whether it is a command: every frame of the host is one, and of a sealed one what it says."""
    return isinstance(item, Frame) and not p.is_sealed(item.data)


def unsealed(data: bytes) -> Frame | None:
    """What a sealed packet says, as if a frame had said it."""
    return Frame(p.VALIDATOR, 0, data) if data else None


def tidy(turn: Turn) -> Turn:
    """A turn without packets of which it is known what they say."""
    opened = [
        spoken for spoken in turn if not (isinstance(spoken.item, Frame) and p.is_sealed(spoken.item.data))
    ]
    return tuple(opened) or turn


LANGUAGE = Language(p.take, say, is_question, tidy, unsealed)


def _command(data: bytes) -> str:
    match data[0], data[1:]:
        case p.SET_INHIBITS_CODE, mask if mask:
            channels = sorted(p.accepted(mask))
            return f"SET INHIBITS, accept {', '.join(map(str, channels)) or 'none'}"
        case p.HOST_PROTOCOL_VERSION_CODE, version if len(version) == 1:
            return f"HOST PROTOCOL VERSION {version[0]}"
        case code, _ if code in EXCHANGES:
            return EXCHANGES[code]
        case _:
            return COMMANDS.get(data, f"command {data.hex(' ').upper()}")


def _answer(data: bytes, asked: bytes) -> str:
    reply = p.decode_reply(data)
    if reply.response is Response.UNKNOWN:
        return f"answer {data.hex(' ').upper()}"
    told = reply.response.name.replace("_", " ")
    if reply.response is not Response.OK or not reply.data:
        return told
    if asked in (p.POLL, p.POLL_WITH_ACK):
        return f"{told}: {', '.join(_event(event) for event in p.decode_events(reply.data, VERSION_READ))}"
    if asked == p.LAST_REJECT_CODE and len(reply.data) == 1:
        return f"{told}: {p.rejection(reply.data[0])}"
    return f"{told}, {len(reply.data)} bytes"


def _event(event: p.Event) -> str:
    if event.code in (EventCode.UNKNOWN, EventCode.PAYOUT_UNIT):
        return f"{event.code.name.replace('_', ' ')} {event.data.hex(' ').upper()}"
    name = event.code.name.replace("_", " ")
    return name if event.channel is None else f"{name} channel {event.channel}"
