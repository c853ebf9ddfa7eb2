"""What is connected to a port: each protocol's most harmless questions, at each of its usual speeds.

Whoever scans does not know what hangs on the line, nor what it holds: a note at escrow, a note in the cassette that
nobody has acknowledged, a document half made. So a probe moves nothing, resets nothing, acknowledges nothing that a
device told of a note, and sends no byte that another protocol could take for a command. Each probe says why it is so;
`tests/devices/test_scan.py` shows it, each probe against each device.

At a wrong speed a device hears noise. A command could be in it by chance only: one in 65536 frames has the right check
sum of a validator's, and where a registrar is content with one byte, its commands need the password, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial

import serial
from msgspec import Struct

from devices.blocking import Port, PortGone, carry_out
from devices.ccnet import protocol as ccnet
from devices.id003 import protocol as id003
from devices.link import LineSettings, LinkLost
from devices.shtrih import protocol as shtrih
from devices.shtrih.exchange import Exchange
from devices.ssp import protocol as ssp
from devices.steps import Program, Time, flush, receive, send, sleep
from devices.validator.dialect import Bill
from kassa.errors import KassaError

TRIES = 2
"""So often a question is asked: the first may end what another protocol's question has begun."""
ANSWER_MS = 350
"""To the first byte; an adapter with a long latency and a slow unit together took 200 ms."""
GAP_MS = 60
"""Silence after which an answer that has begun will not go on; USB adapters deliver in lumps of 16 ms."""
REST_MS = 60
"""Between two questions: late answers arrive to be thrown away, and what a device has half heard is over for it."""
HEARD_MAX_BYTES = 512
"""More in one answer: it is not one of these devices that talks."""
SHOWN_BYTES = 12
"""Of what was heard and not understood, for the maker's support."""
ENQUIRIES, BUSY_MS = 8, 500
"""A registrar that says that it works is waited for: most commands take less than 4 s."""
COUNTED_IN = "RUB"
"""Any currency with two decimals will do to read a table: what is shown are numbers, the table names the country."""


class Note(Struct, frozen=True):
    """One record of a bill table; `value` as `Money.decimal` writes it."""

    bill_type: int
    country: str
    value: str


class Found(Struct, frozen=True):
    """A device, and what it told of itself. `notes`: None when it does not tell now, or has none as a registrar."""

    protocol: str
    line: LineSettings
    model: str = ""
    firmware: str = ""
    serial: str = ""
    notes: tuple[Note, ...] | None = None
    remark: str = ""
    """What it did not tell, why, and what to do."""


class Echo(Struct, frozen=True):
    """The port gives back what it is sent."""


class Strange(Struct, frozen=True):
    """Something was heard that is no answer in any protocol: with which settings, and what; the first of it."""

    line: LineSettings
    data: bytes


class Silent(Struct, frozen=True):
    """Nothing was heard, whatever was asked."""


class Vanished(Struct, frozen=True):
    """The port went away while it was being looked at."""

    reason: str


Outcome = Found | Echo | Strange | Silent | Vanished


class _Echoed(KassaError):
    """What came is what was sent."""


class Probe(Struct, frozen=True):
    """One protocol: its name in kassa.toml and among technicians, its lines, the usual one first, and its questions."""

    protocol: str
    name: str
    device: str
    """Whose section of kassa.toml it is: validator or registrar."""
    lines: tuple[LineSettings, ...]
    ask: Callable[[_Ear, LineSettings], Program[Found | None]]

    def program(self, now: Time, line: LineSettings) -> Program[Found | Echo | Strange | None]:
        """Put the questions; None when nothing was heard. Raises PortGone, no other LinkLost."""
        ear = _Ear(now)
        yield from sleep(REST_MS)
        try:
            found = yield from self.ask(ear, line)
        except _Echoed:
            return Echo()
        except PortGone:
            raise
        except LinkLost:  # what began as an answer did not go on as one
            found = None
        if found is None and ear.heard:
            return Strange(line, ear.heard)
        return found


def probes(password: int) -> tuple[Probe, ...]:
    """All of them, in the order in which they are tried; the password is the registrar's."""
    registrar = partial(_ask_shtrih, password)
    return (
        Probe("ccnet", "CCNET", "validator", _lines((9600, 19200)), _ask_ccnet),
        Probe("id003", "ID-003", "validator", _lines((9600, 19200), serial.PARITY_EVEN), _ask_id003),
        Probe("ssp", "SSP", "validator", _lines((9600, 115200, 38400), stop_bits=2), _ask_ssp),
        Probe(
            "shtrih", "Shtrih-M", "registrar", _lines((115200, 57600, 38400, 19200, 9600, 4800, 2400)), registrar
        ),
    )  # fmt: skip


def _lines(
    speeds: Iterable[int], parity: str = serial.PARITY_NONE, stop_bits: int = 1
) -> tuple[LineSettings, ...]:
    return tuple(LineSettings(speed, parity, stop_bits) for speed in speeds)


def look(port: Port, all_probes: Iterable[Probe], tell: Callable[[str], None]) -> Outcome:
    """Find out what is connected to an open port; `tell` hears what is tried next. The first device found is the one."""
    strange: Strange | None = None
    try:
        for probe, line in _attempts(all_probes):
            tell(f"{probe.name} {line}")
            port.set_up(line)
            outcome = carry_out(probe.program(port.now, line), port)
            if isinstance(outcome, Found | Echo):
                return outcome
            strange = strange or outcome
    except PortGone as error:
        return Vanished(str(error))
    return strange or Silent()


def _attempts(all_probes: Iterable[Probe]) -> Iterator[tuple[Probe, LineSettings]]:
    """Each protocol with its usual line first: what is set as it left the factory is found at once."""
    told = tuple(all_probes)
    for place in range(max((len(probe.lines) for probe in told), default=0)):
        for probe in told:
            if place < len(probe.lines):
                yield probe, probe.lines[place]


# --- the questions -------------------------------------------------------------------------------------------


def _ask_ccnet(ear: _Ear, line: LineSettings) -> Program[Found | None]:
    """IDENTIFICATION and GET BILL TABLE, and no ACK behind their answers. No POLL.

    Both only ask, and are ILLEGAL, which is an answer, too, in every state that tells of a note. An event (80 to 82) is
    held until an ACK: none is sent, whatever came. And some units show an event to one POLL only; that one is the core's.
    """
    who = yield from ear.ask(ccnet.encode(ccnet.IDENTIFICATION), _ccnet_bodies, _is_ccnet_identification)
    if who is None:
        return None
    if who == ccnet.ILLEGAL:
        return Found("ccnet", line, remark=TELLS_AT_REST)
    told = ccnet.decode_identification(who)
    table = yield from ear.ask(ccnet.encode(ccnet.GET_BILL_TABLE), _ccnet_bodies, _is_ccnet_table)
    if table is None or table == ccnet.ILLEGAL:
        return Found("ccnet", line, told.part_number, serial=told.serial, remark=TELLS_AT_REST)
    notes = _notes(ccnet.decode_bill_table(table))
    return Found("ccnet", line, told.part_number, serial=told.serial, notes=notes)


TELLS_AT_REST = (
    "it tells more only at rest with its slot closed: start the terminal, which closes it and settles a note that may be"
    " inside; stop the terminal, scan again"
)


def _is_ccnet_identification(body: bytes) -> bool:
    return body == ccnet.ILLEGAL or ccnet.is_identification(body)


def _is_ccnet_table(body: bytes) -> bool:
    return body == ccnet.ILLEGAL or ccnet.is_bill_table(body)


def _ccnet_bodies(buffer: bytes) -> Iterable[bytes]:
    return (item.body for item in ccnet.take_last(buffer) if isinstance(item, ccnet.Frame))


def _ask_id003(ear: _Ear, line: LineSettings) -> Program[Found | None]:
    """VERSION REQUEST and CURRENCY REQUEST. No STATUS REQUEST, as its answer would decide nothing here.

    Both only ask; where the second is not allowed, INVALID COMMAND is its answer. VEND VALID lasts until the host's
    ACK, and none is sent. Nothing is set, either.
    """
    who = yield from ear.ask(id003.encode(id003.VERSION_REQUEST), _id003_bodies, _is_id003_version)
    if who is None:
        return None
    told = id003.Identification("", "") if who in _ID003_REFUSALS else id003.decode_version(who)
    table = yield from ear.ask(id003.encode(id003.CURRENCY_REQUEST), _id003_bodies, _is_id003_table)
    if table is None or table in _ID003_REFUSALS:
        return Found("id003", line, told.model, told.firmware, remark=TELLS_NO_TABLE)
    notes = _notes(None if bill is None else _Id003Bill(bill) for bill in id003.decode_currency_table(table))
    return Found("id003", line, told.model, told.firmware, notes=notes)


TELLS_NO_TABLE = (
    "it does not tell its bill table now: it may have to be started by the terminal first; if it never tells, name its"
    " notes in kassa.toml, in their order: validator.bill_table"
)
_ID003_REFUSALS = (id003.INVALID_COMMAND, id003.COMMUNICATION_ERROR)


class _Id003Bill:
    """A record with letters for its country, as `devices.validator.dialect.Bill` has it."""

    def __init__(self, bill: id003.Bill) -> None:
        self.country = bill.country or f"{bill.country_code:02X}"
        self.money = bill.money


def _is_id003_version(body: bytes) -> bool:
    return body in _ID003_REFUSALS or id003.is_answer(id003.VERSION_REQUEST, body)


def _is_id003_table(body: bytes) -> bool:
    return body in _ID003_REFUSALS or id003.is_currency_table(body)


def _id003_bodies(buffer: bytes) -> Iterable[bytes]:
    return (item.body for item in id003.take_last(buffer) if isinstance(item, id003.Frame))


def _ask_ssp(ear: _Ear, line: LineSettings) -> Program[Found | None]:
    """SYNC, SETUP REQUEST and GET SERIAL NUMBER, in clear. Never POLL, which takes the note at escrow.

    SYNC makes the device forget the answer it could have repeated; every host begins with it, so nobody would have asked
    for that answer again. Events wait for a POLL, and money that was told for its EVENT ACK. No keys are exchanged, no
    protocol version is set, and REJECT, which hosts begin with, is not sent: what lies at escrow stays there.
    """
    if (yield from ear.ask(_ssp_frame(1, ssp.SYNC), partial(_ssp_data, 1), _is_ssp_reply)) is None:
        return None
    said = yield from ear.ask(_ssp_frame(0, ssp.SETUP_REQUEST), partial(_ssp_data, 0), _is_ssp_reply)
    reply = ssp.decode_reply(said or b"")
    if reply.response is ssp.Response.KEY_NOT_SET:
        return Found("ssp", line, remark=WANTS_KEYS)
    try:
        setup = ssp.decode_setup(reply.data)
    except ssp.Garbled as error:
        return Found("ssp", line, remark=f"it does not say what it is: {error}")
    said = yield from ear.ask(_ssp_frame(1, ssp.GET_SERIAL_NUMBER), partial(_ssp_data, 1), _is_ssp_reply)
    try:
        number = str(ssp.decode_serial_number(ssp.decode_reply(said or b"").data))
    except ssp.Garbled:
        number = ""
    notes = tuple(
        Note(channel.number, channel.currency, f"{channel.value}.00")
        for channel in setup.channels
        if channel.value
    )
    is_short = len(notes) < len(setup.channels)
    firmware = f"{setup.firmware[:-2]}.{setup.firmware[-2:]}"
    return Found(
        "ssp", line, f"ITL {setup.country.strip()}", firmware, number, notes, SOME_NOTES_UNTOLD if is_short else ""
    )  # fmt: skip


WANTS_KEYS = "it speaks only encrypted: the terminal will agree on a key with it; see validator.fixed_key in kassa.toml"
SOME_NOTES_UNTOLD = "channels without a value are not shown; the terminal asks by a newer protocol version"


def _ssp_frame(sequence: int, command: bytes) -> bytes:
    return ssp.encode(ssp.Frame(ssp.VALIDATOR, sequence, command))


def _ssp_data(sequence: int, buffer: bytes) -> Iterable[bytes]:
    return (
        item.data
        for item in ssp.take_last(buffer)
        if isinstance(item, ssp.Frame) and (item.address, item.sequence) == (ssp.VALIDATOR, sequence)
    )


def _is_ssp_reply(data: bytes) -> bool:
    return ssp.decode_reply(data).response is not ssp.Response.UNKNOWN


def _ask_shtrih(password: int, ear: _Ear, line: LineSettings) -> Program[Found | None]:
    """ENQ; and to a registrar that waits for a command FCh, which names the model, and 11h, the long status.

    ENQ asks nothing but whether it waits. One that works on a command, or still holds the answer to one, is left
    alone: a further command would make it forget that. Neither command needs an open shift, prints, or touches a
    document. Their answers are acknowledged, being ours.
    """
    for _ in range(ENQUIRIES):
        said = (yield from ear.hear(_ENQ)).lstrip(b"\xff")  # USB models put it before a control byte
        if said != _ACK:
            break
        yield from sleep(BUSY_MS)
    if said[:1] == _ACK and isinstance(shtrih.take(said[1:])[0], shtrih.Frame):
        return Found("shtrih", line, remark=HOLDS_ANSWER)
    if said != _NAK:
        return None
    exchange = Exchange(ear.now)
    try:
        model = (yield from exchange.ask(shtrih.model())).name
    except shtrih.Refused:
        model = ""
    try:
        status = yield from exchange.ask(shtrih.long_status(password))
    except shtrih.Refused as error:
        return Found("shtrih", line, model, remark=f"{error}; see registrar.password in kassa.toml")
    return Found("shtrih", line, model, f"{status.firmware}.{status.build}", str(status.serial))


_ENQ, _ACK, _NAK = bytes((shtrih.ENQ,)), bytes((shtrih.ACK,)), bytes((shtrih.NAK,))
HOLDS_ANSWER = "it holds an answer that nobody fetched, so it was asked no more: the terminal will fetch that"


# --- hearing -------------------------------------------------------------------------------------------------


class _Ear:
    """What was heard of one device on one line, understood or not."""

    def __init__(self, now: Time) -> None:
        self.now = now
        self.heard = b""

    def ask(
        self, frame: bytes, read: Callable[[bytes], Iterable[bytes]], fits: Callable[[bytes], bool]
    ) -> Program[bytes | None]:
        """Put a question up to TRIES times; the last thing said that fits as its answer. Raises _Echoed."""
        for _ in range(TRIES):
            said = yield from self.hear(frame)
            if fitting := [body for body in read(said) if fits(body)]:
                return fitting[-1]
            yield from sleep(REST_MS)
        return None

    def hear(self, frame: bytes) -> Program[bytes]:
        """Send it; all that comes back before the line is silent again. Raises _Echoed."""
        yield from flush()
        yield from send(frame)
        said = b""
        while len(said) <= HEARD_MAX_BYTES:
            data = yield from receive(GAP_MS if said else ANSWER_MS)
            if not data:
                break
            said += data
        if said.startswith(frame) or (len(frame) > 1 and frame in said):
            raise _Echoed
        self.heard = self.heard or said[:SHOWN_BYTES]
        return said


def _notes(bills: Iterable[Bill | None]) -> tuple[Note, ...]:
    """What of a table is a note with a value."""
    return tuple(
        Note(bill_type, bill.country, value.decimal())
        for bill_type, bill in enumerate(bills)
        if bill is not None and (value := bill.money(COUNTED_IN)) is not None
    )
