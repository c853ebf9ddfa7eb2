"""A simulated ATOL registrar below its driver: tasks in, fiscal documents and paper out. Sans I/O and without a clock.

What runs the tasks is above it: a simulated web server (`devices.atol.simulator`) or a simulated library. A task has
three moments: it begins, the drive records its document, it is on paper; whatever happens in between leaves what it
would leave on a table of steel and paper.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from devices.atol import tasks
from devices.atol.errors import meaning
from devices.atol.memory import RECEIPTS, SHIFT_MAX, Drive, Job, Record, Truth
from devices.console import ConsoleError, whole_number
from kassa.errors import KassaError
from kassa.money import MINOR_MAX, Money
from kassa.untrusted import read_json

ASK_S, RECEIPT_S, SHIFT_S, REPORT_S = 0.01, 0.5, 0.4, 0.1
"""From a task's beginning to its act; `speed` makes all of it faster."""
CLOSE_S = 0.15
"""So long before the act the device has the command that closes the document: it carries it out whoever goes away."""
LINE_S = 0.02
ROLL_LINES = 20_000
CLOCK_HOURS_MAX = 100_000
YEAR_MAX = 2099
"""Of its clock."""
DOCUMENTS_MAX = 200_000
TASKS_MAX = 100_000
"""Tasks that are remembered for those who count them."""
UNSENT_MAX = timedelta(days=30)
AWAY = 2
"""The code of a device that is not there."""
SIGN_PREFIX = "0404"
"""Tag 1077 has two bytes before the sign."""
FORMATS = {"1.0": 1, "1.05": 2, "1.1": 3, "1.2": 4}
"""Values of tag 1209."""
REGISTERED = {
    "1009": "г. Примерск, ул. Садовая, д. 5",
    "1018": "7701234567",
    "1036": "00042",
    "1037": "0001234567012345",
    "1117": "kassa@primersvyaz.ru",
    "1187": "Терминал оплаты услуг связи",
}
"""Tags that a registrar fills in by itself, as it was registered."""
NOT_CASH = ("1081", "1215", "1216", "1217")
"""Tags of the sums that no kiosk takes."""
VAT_TOTALS = {1: "1102", 2: "1103", 5: "1104", 6: "1105", 3: "1106", 4: "1107"}
"""Tags of a document's taxes by the value of tag 1199; newer rates stand in a structure of their own."""
PRINTING = frozenset(
    {
        "sell",
        "sellCorrection",
        "openShift",
        "closeShift",
        "reportX",
        "nonFiscal",
        "continuePrint",
        "printFnDocument",
    }
)
FISCAL = frozenset({"sell", "sellCorrection", "openShift", "closeShift"})
DURATIONS = {
    "sell": RECEIPT_S, "sellCorrection": RECEIPT_S, "openShift": SHIFT_S, "closeShift": SHIFT_S, "reportX": REPORT_S,
    "nonFiscal": REPORT_S, "continuePrint": REPORT_S, "printFnDocument": REPORT_S,
}  # fmt: skip


@dataclass
class Quirks:
    """How this unit differs from the book. Numbers of things still to go wrong count themselves down."""

    ffd: str = "1.2"
    takes_place: bool = True
    """Takes number, address and place of the kiosk from the task; else refuses them."""
    keeps_tags: bool = True
    """Tell the tags of old documents; else they are gone, as after 30 days."""
    opens_shift_itself: bool = True
    slow: dict[str, float] = field(default_factory=dict)
    """Seconds from a task's beginning to its act, by its name."""
    refusals: dict[str, list[int]] = field(default_factory=dict)
    """Errors still to be given to a task, by its name."""
    fails_after_record: int = 0
    """So many tasks end with an error although their document was recorded."""


@dataclass
class Faults:
    """What stands in the way until a hand takes it away."""

    drive: int | None = None
    """The error that everything gets which makes a document."""
    busy_until: float = 0.0
    loses_ofd: bool = False
    is_locked: bool = False


class Refusal(KassaError):
    """The task ends with an error."""

    def __init__(self, code: int, words: str = "") -> None:
        super().__init__(words or meaning(code).russian)
        self.code = code


@dataclass
class Outcome:
    """How a task ended: `code` 0 for well. `is_lost`: the device went away within it."""

    code: int
    description: str = ""
    result: Any = None
    is_lost: bool = False


@dataclass
class _Running:
    task: dict[str, Any]
    name: str
    acts_at: float
    ends_at: float
    result: Any = None
    has_acted: bool = False
    job: Job | None = None
    is_heard: bool = True
    """Whether somebody waits for its end."""


class Machine:
    """One registrar. `now` is monotonic seconds and never goes back; at `now` its clock shows `wall`."""

    def __init__(
        self,
        now: float = 0.0,
        truth: Truth | None = None,
        *,
        wall: datetime = datetime(2026, 11, 24, 14, 5, tzinfo=UTC),
        speed: float = 1.0,
        quirks: Quirks | None = None,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self.truth, self.quirks, self.faults = truth or Truth(), quirks or Quirks(), Faults()
        self.has_power = self.is_connected = True
        self.names: deque[str] = deque(maxlen=TASKS_MAX)
        """Of the tasks that were begun, oldest first."""
        self._speed, self._changed = speed, changed
        self._started_at, self._wall, self._now = now, wall, now
        self._running: _Running | None = None
        self.outcome: Outcome | None = None
        """Of the last task that somebody waits for, once it is there; who takes it sets None."""
        if not self.truth.drive.documents:
            self.truth.drive.record("registration", self.clock)
            self.truth.drive.confirmed = 1

    # --- time ---------------------------------------------------------------------------------------------------

    @property
    def clock(self) -> datetime:
        """What the registrar's clock shows."""
        return self._shown.replace(tzinfo=None)

    @property
    def _shown(self) -> datetime:
        return self._wall + timedelta(seconds=self._now - self._started_at + self.truth.clock_offset_s)

    def _iso(self, at: datetime) -> str:
        """As the driver tells a time: with the zone of the machine that it runs on."""
        return at.replace(tzinfo=self._wall.tzinfo).isoformat(timespec="seconds")

    @property
    def is_reachable(self) -> bool:
        """Whether the driver has a link to it."""
        return self.has_power and self.is_connected

    @property
    def is_idle(self) -> bool:
        """Whether nothing runs."""
        return self._running is None

    def wakes_at(self) -> float | None:
        """When something will happen by itself."""
        running = self._running
        if running is None:
            return None
        return running.ends_at if running.has_acted else running.acts_at

    def advance(self, now: float) -> None:
        """Let time pass up to `now`."""
        while (at := self.wakes_at()) is not None and at <= now:
            self._now = max(self._now, at)
            running = self._running
            assert running is not None
            if running.has_acted:
                self._end(running)
            else:
                self._act(running)
        self._now = max(self._now, now)
        if not self.faults.loses_ofd:
            self.truth.drive.confirmed = self.truth.drive.last

    # --- tasks --------------------------------------------------------------------------------------------------

    def start(self, body: bytes, now: float) -> None:
        """Begin a task; its `outcome` comes later. Nothing else runs."""
        self.advance(now)
        assert self._running is None
        self.outcome = None
        try:
            task = _read(body)
            name = str(task.get("type"))
            if name not in _TASKS:
                raise Refusal(501, f'Некорректное значение поля "type" ({name[:40]})')
            self.names.append(name)
            self._check(task, name)
        except Refusal as error:
            self.outcome = Outcome(error.code, str(error))
            return
        lasts_s = self.quirks.slow.get(name, DURATIONS.get(name, ASK_S)) / self._speed
        if name in ("sell", "sellCorrection"):
            self.truth.receipt_is_open = True
        self._running = _Running(task, name, self._now + lasts_s, self._now + lasts_s)

    def _check(self, task: dict[str, Any], name: str) -> None:
        """What stops a task before it begins. Raises Refusal."""
        if not self.is_reachable:
            raise Refusal(AWAY)
        if self._now < self.faults.busy_until:
            raise Refusal(55)
        if refusals := self.quirks.refusals.get(name):
            raise Refusal(refusals.pop(0))
        if name in PRINTING:
            if self.truth.cover_is_open:
                raise Refusal(45)
            if not self.truth.has_paper:
                raise Refusal(44)
            if self.truth.job is not None and name != "continuePrint":
                raise Refusal(177)
            self.truth.receipt_is_open = False  # the driver cancels it first
        if name in FISCAL and self.faults.drive is not None:
            raise Refusal(self.faults.drive)
        if name in ("sell", "sellCorrection"):
            _check_receipt(task, name, self.quirks)
            if self.is_expired:
                raise Refusal(68)
            if not self.truth.drive.shift_is_open and not self.quirks.opens_shift_itself:
                raise Refusal(73)

    @property
    def is_expired(self) -> bool:
        """Whether the shift stands open for more than a day."""
        opened_at = self.truth.drive.shift_opened_at
        return opened_at is not None and self.clock - opened_at >= SHIFT_MAX

    def _act(self, running: _Running) -> None:
        """The moment in which it happens."""
        running.has_acted = True
        try:
            running.result = _TASKS[running.name](self, running)
        except Refusal as error:
            running.result = Outcome(error.code, str(error))
        if running.job is not None:
            running.ends_at = self._now + len(running.job.lines) * LINE_S / self._speed
        self._changed()

    def _end(self, running: _Running) -> None:
        self._running = None
        is_printed = True
        if running.job is not None:
            is_printed = self.truth.print(running.job)
            self._changed()
        outcome = running.result if isinstance(running.result, Outcome) else Outcome(0, result=running.result)
        if running.name in FISCAL and not outcome.code:
            if not is_printed:
                outcome.result["warnings"]["notPrinted"] = True
            if self.quirks.fails_after_record > 0:
                self.quirks.fails_after_record -= 1
                outcome = Outcome(115, meaning(115).russian)
        elif not is_printed:
            outcome = Outcome(44, meaning(44).russian)
        if running.is_heard:
            self.outcome = outcome

    def abandon(self, now: float, *, is_lost: bool = False) -> None:
        """Whoever ran the task is gone: what the device was told already it does, the rest never comes."""
        self.advance(now)
        running = self._running
        if running is not None:
            if is_lost:
                self.outcome = Outcome(AWAY, meaning(AWAY).russian, is_lost=True)
            running.is_heard = False
            if not running.has_acted and now < running.acts_at - CLOSE_S / self._speed:
                self._running = None  # a receipt that was begun stays open

    # --- what the tasks do ----------------------------------------------------------------------------------------

    def _record(
        self, running: _Running, kind: str, amount: int, tags: dict[str, Any], title: str
    ) -> dict[str, Any]:
        drive = self.truth.drive
        record = drive.record(kind, self.clock, amount, tags)
        running.job = Job(_paper(title, record, drive), record.number)
        self.truth.receipt_is_open = False
        return self.tell(record)

    def tell(self, record: Record) -> dict[str, Any]:
        """A document as the result of the task that made it."""
        drive = self.truth.drive
        return {
            "fiscalParams": {
                "total": record.sum / 100,
                "fiscalDocumentNumber": record.number,
                "fiscalDocumentDateTime": self._iso(record.at),
                "fiscalDocumentSign": str(record.sign),
                "fnNumber": drive.serial,
                "registrationNumber": REGISTERED["1037"],
                "shiftNumber": record.shift,
                "fiscalReceiptNumber": len(drive.of_shift()),
                "fnsUrl": "www.nalog.gov.ru",
            },
            "warnings": {},
        }

    def _open_shift(self, running: _Running) -> Any:
        if self.truth.drive.shift_is_open:
            raise Refusal(83)
        return self._record(running, "openShift", 0, {}, "ОТЧЁТ ОБ ОТКРЫТИИ СМЕНЫ")

    def _close_shift(self, running: _Running) -> Any:
        if not self.truth.drive.shift_is_open:
            raise Refusal(73)
        return self._record(running, "closeShift", 0, {}, "ОТЧЁТ О ЗАКРЫТИИ СМЕНЫ")

    def _sell(self, running: _Running) -> Any:
        if not self.truth.drive.shift_is_open:
            self.truth.drive.record("openShift", self.clock)
        tags, amount = _tags(running.task), _minor(running.task["total"], "total")
        kind, title = "receipt", "КАССОВЫЙ ЧЕК"
        if running.name == "sellCorrection":
            kind, title = "receiptCorrection", "КАССОВЫЙ ЧЕК КОРРЕКЦИИ"
        return self._record(running, kind, amount, tags, title)

    def _x_report(self, running: _Running) -> Any:
        receipts = self.truth.drive.of_shift()
        total = Money(sum(one.sum for one in receipts)).decimal()
        running.job = Job(["ОТЧЁТ БЕЗ ГАШЕНИЯ", f"ЧЕКОВ {len(receipts)}", f"ПРИХОД ={total}"])

    def _non_fiscal(self, running: _Running) -> Any:
        items = _objects(running.task.get("items", []), "items")
        running.job = Job([str(item.get("text", "")) for item in items])

    def _continue_print(self, running: _Running) -> Any:
        if self.truth.job is None:
            raise Refusal(12)
        running.job = self.truth.job

    def _print_document(self, running: _Running) -> Any:
        record = self._find(running.task)
        running.job = Job(_paper("КОПИЯ", record, self.truth.drive), record.number)

    def _device_status(self, _running: _Running) -> Any:
        drive = self.truth.drive
        return {
            "deviceStatus": {
                "currentDateTime": self._iso(self.clock),
                "shift": self._shift_state,
                "blocked": self.faults.is_locked,
                "coverOpened": self.truth.cover_is_open,
                "paperPresent": self.truth.paper_is_in and self.truth.paper_lines > 0,
                "fiscal": True,
                "fnFiscal": bool(drive.documents),
                "fnPresent": True,
                "cashDrawerOpened": False,
            }
        }

    @property
    def _shift_state(self) -> str:
        if not self.truth.drive.shift_is_open:
            return "closed"
        return "expired" if self.is_expired else "opened"

    def _device_info(self, _running: _Running) -> Any:
        return {
            "deviceInfo": {
                "firmwareVersion": "5.17.13",
                "model": 67,
                "modelName": "АТОЛ 77Ф",
                "serial": "00106701234567",
                "receiptLineLength": 48,
                "ffdVersion": self.quirks.ffd,
                "fnFfdVersion": "1.2",
            }
        }

    def _shift_status(self, _running: _Running) -> Any:
        drive = self.truth.drive
        ends = drive.shift_opened_at + SHIFT_MAX if drive.shift_opened_at else datetime(1970, 1, 1)  # noqa: DTZ001
        state = {"number": drive.shift, "state": self._shift_state, "expiredTime": self._iso(ends)}
        return {"shiftStatus": state}

    def _shift_totals(self, _running: _Running) -> Any:
        receipts = {}
        for name, kind in (("sell", "receipt"), ("sellCorrection", "receiptCorrection"), ("buy", "")):
            sold = [one.sum for one in self.truth.drive.of_shift() if one.kind == kind]
            receipts[name] = {
                "count": len(sold),
                "sum": sum(sold) / 100,
                "payments": {"cash": sum(sold) / 100},
            }
        return {"shiftTotals": {"receipts": receipts, "shiftNumber": self.truth.drive.shift}}

    def _fn_info(self, _running: _Running) -> Any:
        drive = self.truth.drive
        warnings = {
            "criticalError": self.faults.drive == 118,
            "memoryOverflow": self.faults.drive == 121,
            "needReplacement": False,
            "ofdTimeout": self._is_unsent_for(timedelta(days=2)),
            "resourceExhausted": False,
        }
        return {
            "fnInfo": {
                "serial": drive.serial,
                "validityDate": self._iso(drive.expires),
                "livePhase": "fiscalMode",
                "warnings": warnings,
            }
        }

    def _is_unsent_for(self, span: timedelta) -> bool:
        drive = self.truth.drive
        return drive.confirmed < drive.last and self.clock - drive.documents[drive.confirmed].at > span

    def _fn_status(self, _running: _Running) -> Any:
        return {
            "fnStatus": {
                "fiscalDocumentNumber": self.truth.drive.last,
                "fiscalReceiptNumber": 1,
                "warnings": {},
            }
        }

    def _ofd_status(self, _running: _Running) -> Any:
        drive = self.truth.drive
        first = drive.documents[drive.confirmed] if drive.confirmed < drive.last else None
        return {
            "status": {
                "notSentCount": drive.last - drive.confirmed,
                "notSentFirstDocNumber": first.number if first else 0,
                "notSentFirstDocDateTime": self._iso(first.at if first else datetime(1970, 1, 1)),  # noqa: DTZ001
            },
            "errors": {},
            "warnings": {},
        }

    def _find(self, task: dict[str, Any]) -> Record:
        number = task.get("fiscalDocumentNumber")
        if type(number) is not int or not 1 <= number <= self.truth.drive.last:
            raise Refusal(123)
        return self.truth.drive.documents[number - 1]

    def _fn_document(self, running: _Running) -> Any:
        record = self._find(running.task)
        tags: dict[str, Any] = {
            "1012": self._iso(record.at),
            "1040": record.number,
            "1077": f"{record.sign:08X}",
            "fiscalDocumentType": record.kind,
            "short": not self.quirks.keeps_tags,
        }
        if record.kind in ("openShift", "closeShift"):
            tags["1038"] = record.shift
        elif record.kind in ("receipt", "receiptCorrection"):
            tags |= {"1054": 1, "1020": record.sum // 100}
        if self.quirks.keeps_tags:
            tags |= self.tags_of(record)
        return {"documentTLV": tags}

    def tags_of(self, record: Record) -> dict[str, Any]:
        """A document with all of its tags: what the task said, and what the registrar itself adds."""
        own: dict[str, Any] = {
            "1012": self._iso(record.at),
            "1038": record.shift,
            "1040": record.number,
            "1041": self.truth.drive.serial,
            "1077": f"{SIGN_PREFIX}{record.sign:08X}",
            "1209": FORMATS[self.quirks.ffd],
            "1018": REGISTERED["1018"],
            "1037": REGISTERED["1037"],
        }
        if record.kind not in RECEIPTS:
            return own
        of_shift = [one for one in self.truth.drive.documents if one.shift == record.shift]
        ordinal = sum(one.kind in RECEIPTS and one.number <= record.number for one in of_shift)
        own |= {"1042": ordinal, "1020": record.sum / 100} | dict.fromkeys(NOT_CASH, 0)
        places = ("1036", "1009", "1187") if self.quirks.ffd == "1.2" else ("1036",)
        senders = ("1117",) if "1008" in record.tags else ()
        return own | {tag: REGISTERED[tag] for tag in (*places, *senders)} | record.tags

    def _set_date_time(self, running: _Running) -> Any:
        if self.truth.drive.shift_is_open:
            raise Refusal(83)
        try:
            wanted = datetime.strptime(str(running.task.get("dateTime")), "%Y.%m.%d %H:%M:%S")  # noqa: DTZ007
        except ValueError as error:
            raise Refusal(501, 'Некорректное значение поля "dateTime"') from error
        if wanted.year > YEAR_MAX:
            raise Refusal(35)
        self.truth.clock_offset_s += (wanted - self.clock).total_seconds()

    # --- hands that interfere ---------------------------------------------------------------------------------------

    def cut_power(self, now: float) -> None:
        """Whatever it does ends here; a job that was on its way to paper is printed once more when power is back."""
        self.advance(now)
        running = self._running
        if running is not None:
            self._running = None
            if running.is_heard:
                self.outcome = Outcome(AWAY, meaning(AWAY).russian, is_lost=True)
            if running.job is not None:
                self.truth.job = running.job
        self.has_power = False

    def restore_power(self, now: float) -> None:
        """Come up; what was being printed is printed."""
        self.advance(now)
        self.has_power = True
        if self.truth.job is not None and self.truth.has_paper:
            self.truth.print(self.truth.job)
        self._changed()

    def pull_cable(self, now: float) -> None:
        """The driver loses the device; the device keeps its power."""
        self.abandon(now, is_lost=True)
        self.is_connected = False

    def plug_cable(self, now: float) -> None:
        """They have each other again."""
        self.advance(now)
        self.is_connected = True

    def take_paper_out(self, now: float) -> None:
        """Tear the roll out, or let it come to its end."""
        self.advance(now)
        self.truth.paper_is_in = False
        self._changed()

    def put_paper_in(self, now: float, lines: int = ROLL_LINES) -> None:
        """A roll of so many lines."""
        self.advance(now)
        self.truth.paper_is_in, self.truth.paper_lines = True, lines
        self._changed()

    def open_cover(self, now: float) -> None:
        """Nothing is printed under an open cover."""
        self.advance(now)
        self.truth.cover_is_open = True

    def close_cover(self, now: float) -> None:
        """It prints again."""
        self.advance(now)
        self.truth.cover_is_open = False

    def be_busy(self, seconds: float, now: float) -> None:
        """Do something that nobody asked for."""
        self.advance(now)
        self.faults.busy_until = now + seconds

    def sell_elsewhere(self, units: int, now: float) -> None:
        """Another program makes a receipt, without payment number."""
        self.advance(now)
        drive = self.truth.drive
        if not drive.shift_is_open:
            drive.record("openShift", self.clock)
        item = {"1030": "Товар другой программы", "1043": units, "1079": units}
        drive.record("receipt", self.clock, units * 100, {"1054": 1, "1020": units, "1059": [item]})
        self._changed()

    def swap_drive(self, serial: str, now: float) -> None:
        """A technician puts another fiscal drive in and registers it."""
        self.advance(now)
        self.truth.former_drives.append(self.truth.drive)
        self.truth.drive = Drive(serial)
        self.truth.drive.record("registration", self.clock)
        self.truth.receipt_is_open = False
        self._changed()

    def move_clock(self, hours: float, now: float) -> None:
        """Let the registrar's clock jump, as if so many hours had passed."""
        self.advance(now)
        if (self.clock + timedelta(hours=hours)).year > YEAR_MAX:
            raise ConsoleError(f"the clock shows {self.clock:%d.%m.%Y}; it goes to the end of {YEAR_MAX}")
        self.truth.clock_offset_s += hours * 3600
        self._changed()

    def clear(self, now: float) -> None:
        """A technician mends all that is wrong; the roll and the cover, too."""
        self.advance(now)
        self.faults = Faults(loses_ofd=self.faults.loses_ofd)
        self.quirks.refusals.clear()
        self.truth.cover_is_open = False
        if not self.truth.has_paper:
            self.put_paper_in(now)

    def obey(self, words: list[str], now: float) -> dict[str, Any] | None:
        """Carry out one console line; None: it is not one of the device's own. Raises ConsoleError."""
        match words:
            case ["power", "off"]:
                self.cut_power(now)
            case ["power", "on"]:
                self.restore_power(now)
            case ["cable", "out"]:
                self.pull_cable(now)
            case ["cable", "in"]:
                self.plug_cable(now)
            case ["paper", "out"]:
                self.take_paper_out(now)
            case ["paper", "in"]:
                self.put_paper_in(now)
            case ["paper", "left", lines]:
                self.put_paper_in(now, whole_number(lines, 0, ROLL_LINES))
            case ["cover", "open"]:
                self.open_cover(now)
            case ["cover", "close"]:
                self.close_cover(now)
            case ["fault", "busy", seconds]:
                self.be_busy(whole_number(seconds, 1, 3600), now)
            case ["fault", "refuse", name, code] if name in _TASKS:
                self.quirks.refusals.setdefault(name, []).append(whole_number(code, 1, 999))
            case ["fault", ("drive_failed" | "drive_full" | "drive_expired") as name]:
                self.faults.drive = {"drive_failed": 118, "drive_full": 121, "drive_expired": 120}[name]
            case ["fault", "lock"]:
                self.faults.is_locked = True
            case ["ofd", ("on" | "off") as state]:
                self.faults.loses_ofd = state == "off"
            case ["clock", hours]:
                self.move_clock(whole_number(hours, 1, CLOCK_HOURS_MAX), now)
            case ["elsewhere", units]:
                self.sell_elsewhere(whole_number(units, 1, 1_000_000), now)
            case ["drive", serial] if len(serial) == 16 and serial.isascii() and serial.isdecimal():
                self.swap_drive(serial, now)
            case ["clear"]:
                self.clear(now)
            case ["receipt", *number] if len(number) < 2:
                return self._show_receipt(whole_number(number[0], 1, DOCUMENTS_MAX) if number else None)
            case ["state"]:
                self.advance(now)
                return self.truth.count() | {
                    "power": self.has_power,
                    "cable": self.is_connected,
                    "clock": self.clock.isoformat(timespec="seconds"),
                }
            case _:
                return None
        return {}

    def _show_receipt(self, number: int | None) -> dict[str, Any]:
        sheet = self.truth.printed_receipt(number)
        if sheet is None or sheet.document is None:
            raise ConsoleError("no such receipt was printed to its end")
        return {"number": sheet.document, "text": "\n".join(sheet.lines)}


COMMANDS = [
    "power off", "power on", "cable out", "cable in", "paper out", "paper in", "paper left LINES", "cover open",
    "cover close", "fault busy SECONDS", "fault refuse TASK CODE", "fault drive_failed", "fault drive_full",
    "fault drive_expired", "fault lock", "clear", "ofd off", "ofd on", "clock HOURS", "elsewhere UNITS",
    "drive SERIAL", "receipt [NUMBER]", "state", "help",
]  # fmt: skip

_TASKS: dict[str, Callable[[Machine, _Running], Any]] = {
    "openShift": Machine._open_shift,
    "closeShift": Machine._close_shift,
    "sell": Machine._sell,
    "sellCorrection": Machine._sell,
    "reportX": Machine._x_report,
    "nonFiscal": Machine._non_fiscal,
    "continuePrint": Machine._continue_print,
    "printFnDocument": Machine._print_document,
    "getDeviceStatus": Machine._device_status,
    "getDeviceInfo": Machine._device_info,
    "getShiftStatus": Machine._shift_status,
    "getShiftTotals": Machine._shift_totals,
    "getFnInfo": Machine._fn_info,
    "getFnStatus": Machine._fn_status,
    "getFnDocument": Machine._fn_document,
    "ofdExchangeStatus": Machine._ofd_status,
    "setDateTime": Machine._set_date_time,
}

# --- reading a task as the driver's scripts do ----------------------------------------------------------------------

_DECODER = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)


def _read(body: bytes) -> dict[str, Any]:
    try:
        return read_json(_DECODER, body)
    except msgspec.MsgspecError as error:
        raise Refusal(501, f"Ошибка разбора JSON: {error}") from error


def _must(value: Any, kinds: type | tuple[type, ...], path: str) -> Any:
    """The field's value. Raises Refusal with the path of the field, as the driver does."""
    if value is None:
        raise Refusal(501, f'Поле "{path}" отсутствует')
    if not isinstance(value, kinds) or isinstance(value, bool):
        raise Refusal(501, f'Поле "{path}" имеет неверный тип')
    return value


_NUMBER = (int, Decimal)


def _minor(value: Any, path: str) -> int:
    exact = Decimal(_must(value, _NUMBER, path))
    if exact.adjusted() > tasks.TOTAL_MAX_DIGITS:
        raise Refusal(227)
    minor = int(exact * 100)
    if exact * 100 != minor or not 0 <= minor <= MINOR_MAX:
        raise Refusal(227)
    return minor


def _known(value: Any, names: Container[str], path: str) -> str:
    if not isinstance(value, str) or value not in names:
        raise Refusal(501, f'Некорректное значение поля "{path}"')
    return value


def _objects(value: Any, path: str) -> list[dict[str, Any]]:
    return [_must(one, dict, f"{path}[{at}]") for at, one in enumerate(_must(value, list, path))]


def _check_texts(fields: Any, names: Iterable[str], path: str) -> None:
    for name in names:
        _must(_must(fields, dict, path).get(name), str, f"{path}.{name}")


def _check_receipt(task: dict[str, Any], name: str, quirks: Quirks) -> None:
    """Fields, sums and what this device does not take. Raises Refusal."""
    total = _minor(task.get("total"), "total")
    _known(task.get("taxationType"), _SYSTEMS, "taxationType")
    _check_texts(task, _PLAIN_TAGS.keys() & task, name)
    if "clientInfo" in task:
        _check_texts(task["clientInfo"], ("emailOrPhone",), "clientInfo")
    if name == "sellCorrection":
        _check_texts(task, ("correctionType", "correctionBaseDate", "correctionBaseNumber"), name)
    has_sums_only = name == "sellCorrection" and quirks.ffd == "1.05"
    items = enumerate(_objects(task.get("items", [] if has_sums_only else None), "items"))
    added = sum(_check_item(item, f"items[{at}]") for at, item in items)
    if has_sums_only:
        for tax in _objects(task.get("taxes"), "taxes"):
            _minor(tax.get("sum"), "taxes[].sum")
    elif added != total:
        raise Refusal(227)
    payments = _objects(task.get("payments", []), "payments")
    if sum(_minor(one.get("sum"), "payments[].sum") for one in payments) < total:
        raise Refusal(66)
    if not quirks.takes_place and "machineNumber" in task:
        raise Refusal(158)


def _check_item(item: dict[str, Any], path: str) -> int:
    """What it adds to the total; only a position does. Raises Refusal."""
    kind = _must(item.get("type"), str, f"{path}.type")
    if kind == "userAttribute":
        _check_texts(item, ("name", "value"), path)
    if kind != "position":
        return 0
    _check_texts(item, ("name",), path)
    for field_name in ("price", "quantity"):
        _minor(item.get(field_name), f"{path}.{field_name}")
    _known(_must(item.get("tax"), dict, f"{path}.tax").get("type"), _VATS, f"{path}.tax.type")
    _known(item.get("paymentMethod"), _METHODS, f"{path}.paymentMethod")
    _known(item.get("paymentObject"), _SUBJECTS, f"{path}.paymentObject")
    if "agentInfo" in item:
        _check_agent(item, path)
    return _minor(item.get("amount"), f"{path}.amount")


def _check_agent(item: dict[str, Any], path: str) -> None:
    if "supplierInfo" not in item:
        raise Refusal(167)
    _check_texts(item["supplierInfo"], ("name", "vatin"), f"{path}.supplierInfo")
    info = _must(item["agentInfo"], dict, f"{path}.agentInfo")
    for agent in _must(info.get("agents"), list, f"{path}.agentInfo.agents") or [None]:
        _known(agent, _SIGNS, f"{path}.agentInfo.agents")
    for name in ("payingAgent", "receivePaymentsOperator"):
        _must(info.get(name, {}), dict, f"{path}.agentInfo.{name}")


_METHODS = {name: code for code, name in tasks.METHODS.items()}
_SUBJECTS = {str(code): code for code in range(1, 256)} | {
    name: code for code, name in tasks.SUBJECTS.items()
}
_VATS = {name: code for code, name in tasks.VAT_NAMES.items()}
_SYSTEMS = {name: 1 << bit for bit, name in tasks.TAX_SYSTEMS.items()}
_SIGNS = {name: 1 << bit for bit, name in tasks.AGENTS.items()}
_PLAIN_TAGS = {"machineNumber": "1036", "paymentsAddress": "1009", "paymentsPlace": "1187"}


def _tags(task: dict[str, Any]) -> dict[str, Any]:
    """What the drive's archive keeps of a receipt's task; money as the driver tells it."""
    total = _minor(task["total"], "total") / 100
    tags: dict[str, Any] = {
        "1054": 1,
        "1020": total,
        "1031": total,
        "1055": _SYSTEMS[task["taxationType"]],
    }
    if "agentInfo" in task:
        tags["1057"] = _SIGNS[task["agentInfo"]["agents"][0]]
    tags |= {tag: task[name] for name, tag in _PLAIN_TAGS.items() if name in task}
    if "clientInfo" in task:
        tags["1008"] = task["clientInfo"]["emailOrPhone"]
    if task["type"] == "sellCorrection":
        tags["1173"] = int(task["correctionType"] == "instruction")
        tags["1174"] = {"1178": task["correctionBaseDate"], "1179": task["correctionBaseNumber"]}
    items = task.get("items", [])
    if positions := [_item_tags(item) for item in items if item["type"] == "position"]:
        tags["1059"] = positions
    for item in items:
        if item["type"] == "userAttribute":
            tags["1084"] = {"1085": item["name"], "1086": item["value"]}
    return tags | _vat_totals(task)


def _vat_totals(task: dict[str, Any]) -> dict[str, Any]:
    """Taxes as the task tells them, else of its positions by rate; of a rate without a tax the turnover."""
    sums: dict[int, int] = {}
    for item in task.get("items", []):
        if item["type"] == "position":
            vat = _VATS[item["tax"]["type"]]
            sums[vat] = sums.get(vat, 0) + _minor(item["amount"], "amount")
    for vat, turnover in sums.items():
        percent = tasks.VAT_PERCENT.get(vat)
        sums[vat] = turnover if percent is None else tasks.contained(turnover, percent)
    for tax in task.get("taxes", []):
        sums[_VATS[tax["type"]]] = _minor(tax["sum"], "sum")
    newer = [{"1199": vat, "1120": tax / 100} for vat, tax in sums.items() if vat not in VAT_TOTALS]
    tags: dict[str, Any] = {VAT_TOTALS[vat]: tax / 100 for vat, tax in sums.items() if vat in VAT_TOTALS}
    return tags | ({"1115": {"1119": newer}} if newer else {})


def _item_tags(item: dict[str, Any]) -> dict[str, Any]:
    tags: dict[str, Any] = {
        "1030": item["name"],
        "1079": _minor(item["price"], "price") / 100,
        "1023": float(item["quantity"]),
        "1043": _minor(item["amount"], "amount") / 100,
        "1199": _VATS[item["tax"]["type"]],
        "1214": _METHODS[item["paymentMethod"]],
        "1212": _SUBJECTS[item["paymentObject"]],
    }
    if "measurementUnit" in item:
        tags["2108"] = item["measurementUnit"]
    if "agentInfo" in item:
        info, supplier = item["agentInfo"], item["supplierInfo"]
        tags |= {"1222": _SIGNS[info["agents"][0]], "1226": supplier["vatin"]}
        tags["1224"] = _told({"1225": supplier["name"], "1171": supplier.get("phones")})
        tags["1223"] = _told({
            "1073": info.get("payingAgent", {}).get("phones"),
            "1074": info.get("receivePaymentsOperator", {}).get("phones"),
        })  # fmt: skip
    return _told(tags)


def _told(tags: dict[str, Any]) -> dict[str, Any]:
    """Without those of which nothing was said."""
    return {tag: value for tag, value in tags.items() if value not in (None, [], {})}


def _paper(title: str, record: Record, drive: Drive) -> list[str]:
    items = [f"{item['1030']} ={item['1043']:.2f}" for item in record.tags.get("1059", [])]
    attribute = record.tags.get("1084")
    own = [f"{attribute['1085']} {attribute['1086']}"] if attribute else []
    foot = [
        f"ФН {drive.serial}",
        f"ФД {record.number}",
        f"ФПД {record.sign:010}",
        f"{record.at:%d.%m.%Y %H:%M}",
    ]
    return [title, *items, f"ИТОГ ={Money(record.sum).decimal()}", *own, f"СМЕНА {record.shift}", *foot]
