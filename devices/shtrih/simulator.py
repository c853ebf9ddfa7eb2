"""A simulated Shtrih-M registrar: a fiscal drive and a printer that outlive their electronics, and a wire that misbehaves.

Sans I/O and without a clock: whoever runs it says what time it is. `python -m devices.shtrih.simulator --pty LINK`
puts it behind a real pseudo-terminal. What it is made of: `mechanics`, `documents`, `electronics`, `wire`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from devices.console import ConsoleError, main, whole_number
from devices.shtrih import paper
from devices.shtrih.mechanics import CLOCK_HOURS_MAX, DOCUMENTS_MAX, LOW_LINES, ROLL_LINES
from devices.shtrih.memory import Truth
from devices.shtrih.protocol import Mode
from devices.shtrih.quirks import Quirks
from devices.shtrih.wire import Unit

__all__ = ["Quirks", "Simulator"]


class Simulator(Unit):
    """One registrar with its console."""

    def obey(self, words: list[str], now: float) -> dict[str, Any]:
        """Carry out one console line. Raises ConsoleError with what is allowed."""
        match words:
            case ["power", "off"]:
                self.cut_power(now)
            case ["power", "on"]:
                self.restore_power(now)
            case ["paper", "out"]:
                self.take_paper_out(now)
            case ["paper", "in"]:
                self.put_paper_in(now)
            case ["paper", "low"]:
                self.put_paper_in(now, LOW_LINES - 1)
            case ["paper", "left", lines]:
                self.put_paper_in(now, whole_number(lines, 0, ROLL_LINES))
            case ["cover", "open"]:
                self.open_cover(now)
            case ["cover", "close"]:
                self.close_cover(now)
            case ["fault", name, *values]:
                self._set_fault(name, values, now)
            case ["ofd", ("on" | "off") as state]:
                self.faults.loses_ofd = state == "off"
            case ["clock", hours]:
                self.move_clock(whole_number(hours, 1, CLOCK_HOURS_MAX), now)
            case ["settings", table, field, value]:
                self.change_setting(whole_number(table, 1, 255), whole_number(field, 1, 255), value, now)
            case ["leftover", units]:
                self.leave_document_open(whole_number(units, 1, 1_000_000), now)
            case ["drive", serial] if len(serial) == 16 and serial.isascii() and serial.isdecimal():
                self.swap_drive(serial, now)
            case ["drive", "ends", days]:
                self.let_drive_end(whole_number(days, 0, CLOCK_HOURS_MAX // 24), now)
            case ["clear"]:
                self.clear(now)
            case ["receipt", *number] if len(number) < 2:
                return self._show_receipt(whole_number(number[0], 1, DOCUMENTS_MAX) if number else None)
            case ["state"]:
                return self.state(now)
            case ["help"]:
                return {"commands": COMMANDS}
            case _:
                raise ConsoleError(f"{' '.join(words)!r} is no command; there are: {', '.join(COMMANDS)}")
        return {}

    def _set_fault(self, name: str, values: list[str], now: float) -> None:
        match name, values:
            case "lose_answer", []:
                self.quirks.lost_answers += 1
            case "forget_answer", []:
                self.quirks.forgets_after_record += 1
            case "busy", [seconds]:
                self.be_busy(whole_number(seconds, 1, 3600), now)
            case "refuse", [command, code]:
                self.quirks.refusals.setdefault(_hex(command), []).append(_hex(code)[0])
            case (("drive_failed" | "drive_full" | "drive_expired"), []):
                self.faults.drive = {"drive_failed": 0x30, "drive_full": 0x14, "drive_expired": 0x05}[name]
            case (("lock" | "clock" | "failure"), []):
                modes = {"lock": Mode.INSPECTOR_LOCK, "clock": Mode.DATE_UNCONFIRMED}
                self.faults.mode = modes.get(name, Mode.TECHNICAL_RESET)
            case _:
                raise ConsoleError(f"fault {name!r} is not known; there are: {', '.join(FAULTS)}")

    def _show_receipt(self, number: int | None) -> dict[str, Any]:
        sheet = self.truth.printed_receipt(number)
        if sheet is None or sheet.document is None:
            raise ConsoleError("no such receipt was printed to its end")
        record = self.truth.drive.documents[sheet.document - 1]
        return {"number": record.number, "text": sheet.text, "qr": paper.qr(record, self.truth.drive)}

    def state(self, now: float) -> dict[str, Any]:
        """The physical truth, and what the electronics make of it."""
        self._advance(now)
        return self.truth.count() | {
            "power": self.has_power,
            "mode": self.mode.name.lower() if self.has_power else "off",
            "submode": self.submode.name.lower() if self.has_power else "off",
            "clock": self.clock.isoformat(timespec="seconds"),
        }


FAULTS = [
    "lose_answer", "forget_answer", "busy SECONDS", "refuse COMMAND ERROR (hex)", "drive_failed", "drive_full",
    "drive_expired", "lock", "clock", "failure",
]  # fmt: skip
COMMANDS = [
    "power off", "power on", "paper out", "paper in", "paper low", "paper left LINES", "cover open",
    "cover close", *(f"fault {fault}" for fault in FAULTS), "clear", "ofd off", "ofd on", "clock HOURS",
    "leftover UNITS", "drive SERIAL", "drive ends DAYS", "settings TABLE FIELD VALUE", "receipt [NUMBER]",
    "unplug", "plug", "state", "help",
]  # fmt: skip


def _hex(text: str) -> bytes:
    try:
        found = bytes.fromhex(text)
    except ValueError as error:
        raise ConsoleError(f"{text!r} is no code in hexadecimal digits, like FF45 or 6B") from error
    if not found:
        raise ConsoleError("a code has two or four hexadecimal digits")
    return found


def _build(truth: Truth, speed: float, changed: Callable[[Truth], None]) -> Simulator:
    wall = datetime.now().astimezone().replace(tzinfo=None)
    return Simulator(time.monotonic(), truth, wall=wall, speed=speed, changed=changed)


if __name__ == "__main__":
    sys.exit(main("devices.shtrih.simulator", COMMANDS, Truth, _build))
