"""A simulated ESC/POS printer: paper that outlives its electronics, a buffer, a cover, and a cutter.

Sans I/O and without a clock: whoever runs it says what time it is. `python -m devices.escpos.simulator --pty LINK` or
`--tcp PORT` puts it behind a real line.
"""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from devices.console import ConsoleError, main, whole_number
from devices.escpos.protocol import (
    CODE_2D,
    CUT,
    DLE,
    MODEL_END,
    MODEL_HEAD,
    RASTER,
    Command,
    Print,
    take_command,
)

LINE_S = 0.03
"""How long one row prints; `speed` makes it faster."""
CUT_S = 0.2
ANSWER_S = 0.01
LOW_LINES = 200
"""So many rows before its end the roll's sensor says: low."""
ROLL_LINES = 20_000
BUFFER_BYTES = 4096
"""Bytes that come while it is full are lost, as on a wire without flow control."""
BUFFER_MAX_BYTES = 1 << 20
REAL_TIME_BYTES = 3
SHEETS_MAX = 500
"""How many pieces of paper are kept to be looked at."""
ROWS_MAX = 2000
"""Of one piece; the roll is longer, but nobody reads more."""
COLUMNS_MAX = 200
PAGES = {
    0: "cp437", 2: "cp850", 13: "cp857", 16: "cp1252", 17: "cp866", 18: "cp852", 19: "cp858", 44: "cp1125",
    45: "cp1250", 46: "cp1251", 48: "cp1254", 51: "cp1257",
}  # fmt: skip
"""ESC t n, as Epson numbers them."""
FAULTS = ["cutter", "failure", "hot", "mute", "garbage", "lose BYTES"]
COMMANDS = [
    "power off", "power on", "paper out", "paper in", "paper low", "paper left LINES", "cover open", "cover close",
    *(f"fault {fault}" for fault in FAULTS), "feed press", "feed release", "clear", "receipt", "unplug", "plug", "state",
    "help",
]  # fmt: skip


@dataclass
class Sheet:
    """A piece of paper in somebody's hand; `codes` are what its QR codes say."""

    rows: list[str] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)
    is_whole: bool = False
    """Cut off by the printer; else torn off."""

    @property
    def text(self) -> str:
        """What can be read on it."""
        return "\n".join(self.rows)


@dataclass
class Truth:
    """Where the paper is. All of it outlives power and process."""

    paper_lines: int = ROLL_LINES
    paper_is_in: bool = True
    cover_is_open: bool = False
    sheets: list[Sheet] = field(default_factory=list)
    hanging: Sheet = field(default_factory=Sheet)
    """What is printed and not cut off yet."""
    printed_rows: int = 0

    @property
    def has_paper(self) -> bool:
        """Whether the head has paper under it."""
        return self.paper_is_in and self.paper_lines > 0

    def cut(self, *, is_whole: bool) -> None:
        """What hangs out is in somebody's hand."""
        if self.hanging.rows or self.hanging.codes:
            self.hanging.is_whole = is_whole
            self.sheets.append(self.hanging)
            del self.sheets[:-SHEETS_MAX]
        self.hanging = Sheet()


@dataclass
class Quirks:
    """How this unit differs from the book."""

    model: str = "KASSA-SIM"
    """Empty: it does not tell."""
    has_marks: bool = True
    """Answers GS r."""
    status_kinds: tuple[int, ...] = (1, 2, 3, 4)
    """The kinds of DLE EOT that it answers."""
    buffer_bytes: int = BUFFER_BYTES
    automatic_status: bool = False
    """Says four bytes on every change, until it is told not to."""
    flow_control: bool = False
    """Sends XOFF and XON around what it prints."""


@dataclass
class Faults:
    """What stands in the way until a hand takes it away."""

    cutter: bool = False
    failure: bool = False
    hot: bool = False
    mute: bool = False
    """It hears and does not answer."""
    garbage: bool = False
    """It answers at another speed."""
    feed_is_pressed: bool = False
    lose_bytes: int = 0
    """So many bytes of the host still get lost."""


class Simulator:
    """One printer. `now` is monotonic seconds and never goes back."""

    def __init__(
        self,
        now: float = 0.0,
        truth: Truth | None = None,
        *,
        speed: float = 1.0,
        quirks: Quirks | None = None,
        changed: Callable[[Truth], None] = lambda truth: None,
    ) -> None:
        self.truth = truth or Truth()
        self.quirks, self.faults = quirks or Quirks(), Faults()
        self.has_power = False
        self.overrun_bytes = 0
        """What came while the buffer was full."""
        self._speed, self._changed = speed, changed
        self._now = now
        self.restore_power(now)

    # --- the electronics' memory: power takes it away -------------------------------------------------------------

    def _forget(self) -> None:
        self._buffer = b""
        self._urgent = b""
        self._answers: deque[tuple[float, bytes]] = deque()
        self._free_at = self._now
        self._tells_changes = self.quirks.automatic_status
        self._reset()

    def _reset(self) -> None:
        """ESC @."""
        self._row = ""
        self._page, self._is_large, self._align = "cp437", False, 0
        self._code = b""

    def cut_power(self, now: float) -> None:
        """Lose the electronics' memory; what hangs out of the printer stays."""
        self._advance(now)
        self.has_power = False
        self._forget()

    def restore_power(self, now: float) -> None:
        """Come up with an empty buffer."""
        if not self.has_power:
            self._now = max(self._now, now)
            self._forget()
            self.has_power = True

    # --- time -----------------------------------------------------------------------------------------------------

    @property
    def is_offline(self) -> bool:
        """Whether it stops in the middle of what it prints."""
        faults = self.faults
        is_hindered = faults.cutter or faults.failure or faults.hot or faults.feed_is_pressed
        return is_hindered or self.truth.cover_is_open or not self.truth.has_paper

    def advance(self, now: float) -> bytes:
        """Let time pass up to `now`; answers are due then."""
        self._advance(now)
        due = b""
        while self._answers and self._answers[0][0] <= now:
            due += self._answers.popleft()[1]
        return due

    def wakes_at(self) -> float | None:
        """When a row will be printed or an answer leave."""
        times = [at for at, _ in self._answers]
        if self._can_go_on:
            times.append(self._free_at)
        return min(times, default=None)

    @property
    def _can_go_on(self) -> bool:
        return self.has_power and not self.is_offline and take_command(self._buffer)[0] is not None

    def _advance(self, now: float) -> None:
        while self._can_go_on and self._free_at <= now:
            self._now = max(self._now, self._free_at)
            item, self._buffer = take_command(self._buffer)
            assert item is not None
            self._free_at = self._now + self._carry_out(item) / self._speed
        self._now = max(self._now, now)

    # --- the wire -------------------------------------------------------------------------------------------------

    def receive(self, data: bytes, now: float) -> bytes:
        """Bytes of the host arrive: real-time questions are answered now, the rest waits in the buffer."""
        due = self.advance(now)
        if not self.has_power:
            return b""
        lost = min(self.faults.lose_bytes, len(data))
        self.faults.lose_bytes -= lost
        rest = self._pick_questions(data[lost:])
        room = self.quirks.buffer_bytes - len(self._buffer)
        self.overrun_bytes += max(0, len(rest) - room)
        if not self._buffer and not self.is_offline:
            self._free_at = max(self._free_at, now)
        self._buffer += rest[:room]
        return due + self.advance(now)

    def _pick_questions(self, data: bytes) -> bytes:
        """Take out DLE EOT n wherever it stands; what is left is to be printed."""
        data, self._urgent = self._urgent + data, b""
        rest = bytearray()
        at = 0
        while at < len(data):
            piece = data[at : at + REAL_TIME_BYTES]
            if piece[:1] == bytes((DLE,)) and b"\x10\x04".startswith(piece[:2]):
                if len(piece) < REAL_TIME_BYTES:
                    self._urgent = piece
                    break
                self._tell_status(piece[2])
                at += REAL_TIME_BYTES
            else:
                rest.append(data[at])
                at += 1
        return bytes(rest)

    def _tell_status(self, n: int) -> None:
        if n not in self.quirks.status_kinds:
            return
        truth, faults = self.truth, self.faults
        has_error = faults.cutter or faults.failure or faults.hot
        is_low = (truth.paper_is_in and truth.paper_lines <= LOW_LINES) or not truth.has_paper
        bits = {
            1: self.is_offline << 3,
            2: truth.cover_is_open << 2
            | faults.feed_is_pressed << 3
            | (not truth.has_paper) << 5
            | has_error << 6,
            3: faults.cutter << 3 | faults.failure << 5 | faults.hot << 6,
            4: (0x0C if is_low else 0) | (0 if truth.has_paper else 0x60),
        }
        self._say(bytes((0x12 | bits[n],)))

    def _say(self, data: bytes) -> None:
        if self.faults.mute:
            return
        if self.faults.garbage:
            data = bytes(byte ^ 0xE5 for byte in data)
        self._answers.append((self._now + ANSWER_S, data))

    def _tell_change(self) -> None:
        """Automatic status back."""
        if self._tells_changes and self.has_power:
            truth = self.truth
            first = 0x10 | self.is_offline << 3 | truth.cover_is_open << 5
            self._say(bytes((first, 0, 0 if truth.has_paper else 0x0C, 0)))

    # --- what it prints -------------------------------------------------------------------------------------------

    def _carry_out(self, item: Print | Command) -> float:
        """One item of the buffer; how long it takes."""
        match item:
            case Print(data):
                self._row += data.decode(self._page, "replace")[:COLUMNS_MAX]
            case Command(b"\n"):
                return self._feed(2 if self._is_large else 1)
            case Command(b"\x1b@"):
                self._reset()
            case Command(b"\x1bt", arguments):
                self._page = PAGES.get(arguments[0], "cp437")
            case Command(b"\x1d!" | b"\x1b!", arguments):
                self._is_large = bool(arguments[0] & 0x10)
            case Command(b"\x1ba", arguments):
                self._align = arguments[0] % 48
            case Command(b"\x1bd", arguments):
                return sum(self._feed(1) for _ in range(arguments[0]))
            case Command(b"\x1da", arguments):
                self._tells_changes = bool(arguments[0])
            case Command(b"\x1dr"):
                if self.quirks.has_marks:
                    if self.quirks.flow_control:
                        self._say(b"\x13\x11")
                    self._say(bytes((0 if self.truth.paper_lines > LOW_LINES else 0x03,)))
            case Command(b"\x1dI"):
                if self.quirks.model:
                    self._say(bytes((MODEL_HEAD,)) + self.quirks.model.encode() + bytes((MODEL_END,)))
            case Command(code, arguments) if code == CUT:
                self._feed_row()
                self.truth.cut(is_whole=True)
                self._changed(self.truth)
                return CUT_S
            case Command(code, arguments) if code == CODE_2D:
                return self._take_code(arguments[2:])
            case Command(code, arguments) if code == RASTER:
                self.truth.hanging.rows.append(f"[picture {arguments[1] * 8} x {arguments[3]}]")
                return self._feed(4)
            case _:
                pass
        return 0.0

    def _take_code(self, data: bytes) -> float:
        """GS ( k: symbol, function, and what is stored or printed."""
        match data[:2]:
            case b"1P":
                self._code = data[3:]
            case b"1Q":
                text = self._code.decode("utf-8", "replace")
                self.truth.hanging.codes.append(text)
                self.truth.hanging.rows.append(f"[QR {text}]")
                return self._feed(8)
            case _:
                pass
        return 0.0

    def _feed(self, lines: int) -> float:
        """The row is on paper, and the paper moves on."""
        self._feed_row()
        self.truth.paper_lines = max(0, self.truth.paper_lines - lines)
        self.truth.printed_rows += 1
        if not self.truth.has_paper:
            self._tell_change()
        return LINE_S * lines

    def _feed_row(self) -> None:
        hanging = self.truth.hanging
        if self._row or hanging.rows:
            hanging.rows.append(self._row)
            del hanging.rows[:-ROWS_MAX]
        self._row = ""

    # --- hands ----------------------------------------------------------------------------------------------------

    def take_paper_out(self, now: float) -> None:
        """The roll is at its end, or out."""
        self._change(now, paper_is_in=False)

    def put_paper_in(self, now: float, lines: int = ROLL_LINES) -> None:
        """A new roll; what hung out is torn off by whoever changes it."""
        self._change(now, paper_is_in=True, paper_lines=lines)

    def leave_paper(self, lines: int, now: float) -> None:
        """So much is left of the roll."""
        self._change(now, paper_lines=lines)

    def open_cover(self, now: float) -> None:
        """A hand opens it."""
        self._change(now, cover_is_open=True)

    def close_cover(self, now: float) -> None:
        """A hand closes it."""
        self._change(now, cover_is_open=False)

    def _change(self, now: float, **values: object) -> None:
        self._advance(now)
        was_offline = self.is_offline
        for name, value in values.items():
            setattr(self.truth, name, value)
        self._go_on(now, was_offline)

    def set_fault(self, name: str, now: float, value: bool | int = True) -> None:
        """Something breaks."""
        self._advance(now)
        was_offline = self.is_offline
        setattr(self.faults, name, value)
        self._go_on(now, was_offline)

    def clear_faults(self, now: float) -> None:
        """A technician mends it."""
        self._advance(now)
        was_offline = self.is_offline
        self.faults = Faults()
        self._go_on(now, was_offline)

    def _go_on(self, now: float, was_offline: bool) -> None:
        if was_offline and not self.is_offline:
            self._free_at = max(self._free_at, now)
        self._tell_change()
        self._changed(self.truth)

    def tear_off(self, now: float) -> None:
        """Somebody pulls at what hangs out."""
        self._advance(now)
        self.truth.cut(is_whole=False)

    # --- the console ----------------------------------------------------------------------------------------------

    def obey(self, words: list[str], now: float) -> dict[str, Any]:
        """Carry out one console line; what to answer beside `ok`. Raises ConsoleError."""
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
                self.leave_paper(LOW_LINES, now)
            case ["paper", "left", lines]:
                self.leave_paper(whole_number(lines, 0, ROLL_LINES), now)
            case ["cover", "open"]:
                self.open_cover(now)
            case ["cover", "close"]:
                self.close_cover(now)
            case ["feed", ("press" | "release") as what]:
                self.set_fault("feed_is_pressed", now, what == "press")
            case ["fault", "lose", count]:
                self.set_fault("lose_bytes", now, whole_number(count, 1, BUFFER_MAX_BYTES))
            case ["fault", ("cutter" | "failure" | "hot" | "mute" | "garbage") as name]:
                self.set_fault(name, now)
            case ["fault", *_]:
                raise ConsoleError(f"there is no such fault; there are: {', '.join(FAULTS)}")
            case ["clear"]:
                self.clear_faults(now)
            case ["receipt"]:
                return self._show_receipt()
            case ["state"]:
                return self.state(now)
            case ["help"]:
                return {"commands": COMMANDS}
            case _:
                raise ConsoleError(f"{' '.join(words)!r} is no command; there are: {', '.join(COMMANDS)}")
        return {}

    def _show_receipt(self) -> dict[str, Any]:
        whole = [sheet for sheet in self.truth.sheets if sheet.is_whole]
        if not whole:
            raise ConsoleError("nothing was printed to its end")
        return {"text": whole[-1].text, "qr": whole[-1].codes}

    def state(self, now: float) -> dict[str, Any]:
        """The physical truth, and what the electronics make of it."""
        self._advance(now)
        truth = self.truth
        return {
            "power": self.has_power,
            "offline": self.is_offline,
            "paper": truth.has_paper,
            "paper_lines": truth.paper_lines,
            "cover_is_open": truth.cover_is_open,
            "sheets": len(truth.sheets),
            "whole_sheets": sum(sheet.is_whole for sheet in truth.sheets),
            "hanging_rows": len(truth.hanging.rows),
            "printed_rows": truth.printed_rows,
            "buffered_bytes": len(self._buffer),
            "overrun_bytes": self.overrun_bytes,
        }


def _build(truth: Truth, speed: float, changed: Callable[[Truth], None]) -> Simulator:
    return Simulator(time.monotonic(), truth, speed=speed, changed=changed)


if __name__ == "__main__":
    sys.exit(main("devices.escpos.simulator", COMMANDS, Truth, _build))
