"""Every registrar that Kassa has a driver for: the driver, a simulated device and the wire between them, behind one set of hands."""

import random
import re
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from virtual_time import Wire

from devices.atol import machine as atol
from devices.atol.driver import AtolDriver
from devices.atol.lines import Settings
from devices.atol.piped import LibraryExchange
from devices.atol.simulator import SimulatedLibrary, WebQuirks, WebServer
from devices.atol.web import WebExchange
from devices.escpos import simulator as escpos
from devices.escpos.driver import EscposDriver
from devices.escpos.encoding import Paper, job
from devices.shtrih import simulator as shtrih
from devices.shtrih import tlv, words
from devices.shtrih.archive import tags_of
from devices.shtrih.driver import ShtrihDriver
from devices.shtrih.protocol import Form
from kassa.paper import Code, Pair, Words

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
OTHERS_GOODS = "Товар другой"


@dataclass(frozen=True)
class Kept:
    """A receipt or a correction as a fiscal drive or a sheet of paper keeps it; `sum` in minor units, `tags` as JSON has them."""

    number: int
    sign: int
    sum: int
    shift: int
    payment: str | None
    is_ours: bool
    tags: dict


class Unit:
    """What hands can do to any registrar. `device` is what is at the end of the wire, `machine` what it stands for."""

    has_drive = True
    drive = "9999078900001234"
    receipt_begins = receipt_ends = "sell"
    shift_ends = "closeShift"
    """What is told of in `began`."""

    def __init__(self, time, **quirks):
        self.time = time
        self.started_at = time.time()
        self.chance = random.Random(7)
        self.machine = self._machine(**quirks)
        self.device = self._device()
        self.wire = Wire(self.device, time)

    def _device(self):
        return self.machine

    def wall(self):
        """The host's clock; the device's agrees with it until a hand moves that."""
        return NOON + timedelta(seconds=self.time.time() - self.started_at)

    def open(self):
        return self.wire.open()

    def do(self, name, *values, **named):
        """A hand does something to the device now."""
        answer = getattr(self.machine, name)(*values, now=self.time.time(), **named)
        self.device.advance(self.time.time())
        self.wire.stir()
        return answer

    def host_ends(self):
        """Whatever lives and dies with the core's process."""

    def unplug(self):
        self.wire.unplug()

    def plug(self):
        self.wire.plug()

    def pull_cable(self):
        """Between the registrar and whatever our line ends at."""
        self.unplug()

    def plug_cable(self):
        self.plug()

    @property
    def writes(self):
        return len(self.wire.sent)

    def lose_operator(self):
        self.machine.faults.loses_ofd = True

    def find_operator(self):
        self.machine.faults.loses_ofd = False

    def break_drive(self, how):
        """`how`: failed, expired, full, gone; None: it is mended."""
        self.machine.faults.drive = None if how is None else self.drive_errors[how]

    def refuse_receipt(self, code):
        """The next one; codes are those of `passing` and `wrong_data`."""
        self.machine.quirks.refusals.setdefault(self.refuses_at, []).append(code)


class ShtrihUnit(Unit):
    """A Shtrih-M at a serial port."""

    receipt_begins, receipt_ends, shift_ends = "OPEN RECEIPT", "CLOSE RECEIPT", "Z-REPORT"
    drive_errors = MappingProxyType({"failed": 0x03, "expired": 0x05, "full": 0x06, "gone": 0x30})
    refuses_at = b"\xff\x45"
    passing, wrong_data = (0x72, 0x50), (0x33,)
    wrong_data_words = "parameter"

    def _machine(self, truth=None, **quirks):
        wall = NOON.replace(tzinfo=None)
        return shtrih.Simulator(self.started_at, truth, wall=wall, quirks=shtrih.Quirks(**quirks))

    def driver(self):
        return ShtrihDriver(30, "RUB", self.wall)

    def lose_answer(self):
        self.machine.quirks.lost_answers += 1

    @property
    def began(self):
        return [words.name_of(code) for code in self.machine.commands]

    @property
    def kept(self):
        truth, owner = self.machine.truth, self.machine.owner
        return [
            Kept(
                one.number, one.sign, one.sum, one.shift, one.payment,
                not any(item.name.startswith(OTHERS_GOODS) for item in one.items),
                as_json(tags_of(one, drive, owner)),
            )
            for drive in (*truth.former_drives, truth.drive)
            for one in drive.documents
            if one.form in (Form.RECEIPT, Form.CORRECTION)
        ]  # fmt: skip

    @property
    def is_on_paper(self):
        """Whether the last receipt came out whole."""
        return self.machine.truth.printed_receipt(self.kept[-1].number) is not None

    @property
    def texts(self):
        return [sheet.text for sheet in self.machine.truth.sheets if sheet.is_whole]


TEXTS = frozenset(
    {1008, 1009, 1018, 1030, 1036, 1037, 1041, 1073, 1074, 1085, 1086, 1117, 1171, 1179, 1187, 1225, 1226}
)
STRUCTURES = frozenset({tlv.ITEM, tlv.AGENT_DATA, tlv.SUPPLIER, tlv.CORRECTION_REASON, tlv.USER_ATTRIBUTE})
REPEATED = frozenset({tlv.ITEM, tlv.AGENT_PHONE, tlv.OPERATOR_PHONE, tlv.SUPPLIER_PHONE})


def as_json(document):
    """Tags as ATOL's tasks tell them: by the number's digits, what may be repeated as a list."""
    found = {}
    for tag, data in tlv.decode(document):
        if tag in STRUCTURES:
            value = as_json(data)
        elif tag in TEXTS:
            value = data.decode("cp866").rstrip()
        else:
            value = int.from_bytes(data, "little")
        if tag in REPEATED:
            found.setdefault(str(tag), []).append(value)
        else:
            found[str(tag)] = value
    return found


class AtolUnit(Unit):
    """An ATOL registrar below whatever runs its tasks."""

    drive_errors = MappingProxyType({"failed": 118, "expired": 120, "full": 121, "gone": 166})
    refuses_at = "sell"
    passing, wrong_data = (46, 55, 115), (144, 241)
    wrong_data_words = "налога"

    def _machine(self, **quirks):
        return atol.Machine(self.started_at, wall=NOON, quirks=atol.Quirks(**quirks))

    def driver(self):
        return AtolDriver(self._exchange, "RUB", self.wall)

    def pull_cable(self):
        self.do("pull_cable")

    def plug_cable(self):
        self.do("plug_cable")

    @property
    def began(self):
        return list(self.machine.names)

    @property
    def kept(self):
        truth = self.machine.truth
        return [
            Kept(
                one.number, one.sign, one.sum, one.shift, one.payment,
                not any(name.startswith(OTHERS_GOODS) for name in one.names), one.tags,
            )
            for drive in (*truth.former_drives, truth.drive)
            for one in drive.documents
            if one.kind in ("receipt", "receiptCorrection")
        ]  # fmt: skip

    @property
    def is_on_paper(self):
        return self.machine.truth.printed_receipt(self.kept[-1].number) is not None

    @property
    def texts(self):
        return ["\n".join(sheet.lines) for sheet in self.machine.truth.sheets if sheet.is_whole]


class AtolWeb(AtolUnit):
    """Behind the vendor's web server, which lives on when the core dies."""

    def _device(self):
        self.server = WebServer(self.machine, quirks=WebQuirks())
        return _Calls(self.server)

    def _exchange(self, now):
        draw = lambda: uuid.UUID(int=self.chance.getrandbits(128))
        return WebExchange(now, "127.0.0.1:16732", "kassa", "secret", draw)

    def lose_answer(self):
        self.server.quirks.lost_answers += 1


class _Calls:
    """A web server at the end of a wire in memory: each write is a call of its own, as over `CallLink`."""

    def __init__(self, server):
        self._server = server
        self.advance, self.wakes_at = server.advance, server.wakes_at

    def receive(self, data, now):
        return self._server.connect().receive(data, now)


class AtolLibrary(AtolUnit):
    """Behind the vendor's library, whose process dies with the core's."""

    def _device(self):
        return SimulatedLibrary(self.machine)

    def _exchange(self, now):
        return LibraryExchange(now, Settings("1"))

    def open(self):
        self.device.begin(self.time.time())
        return self.wire.open()

    def host_ends(self):
        self.device.begin(self.time.time())
        self.wire.stir()

    def unplug(self):
        self.wire.unplug()
        self.host_ends()

    def lose_answer(self):
        self.device.lost_answers += 1


class EscposUnit(Unit):
    """A printer without fiscal functions: its receipts are sheets of paper, known by the payment in their QR code."""

    has_drive = False
    drive = ""

    def _machine(self, **quirks):
        return escpos.Simulator(self.started_at, quirks=escpos.Quirks(**quirks))

    def driver(self):
        return EscposDriver("RUB", self.wall, printed, lambda lines: job(lines, Paper(48, "cp866")))

    @property
    def kept(self):
        self.machine.advance(self.time.time())
        return [
            Kept(int(payment.rpartition("-")[2]), 0, _sum_on(sheet.text), 0, payment, True, {})
            for sheet in self.machine.truth.sheets
            if sheet.is_whole
            for payment in sheet.codes
        ]

    @property
    def is_on_paper(self):
        return bool(self.kept)

    @property
    def texts(self):
        return [sheet.text.strip() for sheet in self.machine.truth.sheets if sheet.is_whole]


def printed(receipt, document):
    """A receipt of some forty rows: several parts of bytes."""
    return [
        Words(f"Квитанция {document.number}", "center", is_bold=True),
        *(Words(f"строка {number} с какими-то словами о платеже") for number in range(30)),
        Pair("ИТОГ", f"={receipt.total.decimal()}"),
        Code(receipt.payment),
    ]


def _sum_on(text):
    whole, minor = re.search(r"ИТОГ +=(\d+)\.(\d\d)", text).groups()
    return int(whole) * 100 + int(minor)
