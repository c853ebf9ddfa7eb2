"""What a technician does to devices while no core runs: find out what is connected, and test the bill validator.

Beside `kassa.wiring` the only module that knows devices. Who has the core's lock calls it, and nothing here is a core: it
has no journal to write to, so nothing here may make a device forget what it has to tell (see `devices.scan` and
`devices.validator.check`).
"""

from __future__ import annotations

import errno
import json
import os
import secrets
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from devices.blocking import BUSY, PortGone, RecordedPort, SerialPort, carry_out
from devices.ccnet.dialect import CcnetDialect
from devices.holders import who_has
from devices.id003.dialect import Id003Dialect
from devices.link import LineSettings
from devices.scan import Echo, Found, Outcome, Probe, Silent, Strange, Vanished, look, probes
from devices.steps import Program, Time
from devices.validator.check import Check, Ending, Prompt, Result, Step
from devices.validator.dialect import Dialect
from kassa.clock import SystemClock
from kassa.config import Config, Validator
from kassa.flight.recorder import Recorder
from kassa.flight.ring import Kind
from kassa.home import Home
from kassa.journal.records import OpenIntent
from kassa.money import Money

BY_ID = "serial/by-id"
KINDS = (f"{BY_ID}/*", "ttyUSB*", "ttyACM*", "ttyS*")
"""Where ports are, under /dev: names that survive unplugging first."""
BUILT_IN = "ttyS"
"""The system names more of these than there are connectors: what cannot be opened is no port."""
CALLED = {
    "RUB": ("RUB", "RUR", "RUS"), "KZT": ("KZT", "KAZ"), "UZS": ("UZS", "UZB"), "TJS": ("TJS", "TJK"),
    "BYN": ("BYN", "BLR"), "KGS": ("KGS", "KGZ"), "USD": ("USD", "USA"), "EUR": ("EUR",), "JPY": ("JPY", "JPN"),
}  # fmt: skip
"""What bill tables call a currency. A name that is not here is never proposed: its notes would be credited as ours."""
STOP_IT = "stop it first: systemctl stop kassa, or Ctrl-C where kassa run was started"


# --- what is connected -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Port:
    """A port to look at, as it is called and as it is opened; `is_guess`: nobody has named it."""

    name: str
    path: str
    is_guess: bool = False

    @property
    def real(self) -> str:
        """The device behind all names."""
        return os.path.realpath(self.path)


@dataclass(frozen=True)
class Seen:
    """What came of one port: `what` for machines, `words` for people with what to do, `paste` for kassa.toml."""

    port: str
    what: str
    words: str
    found: Found | None = None
    paste: str = ""


def ports(
    named: Iterable[str], configured: Iterable[str], home: Home, devices: Path = Path("/dev")
) -> list[Port]:
    """The ports that were named, else all there are and those of kassa.toml; each once, by the name that lasts longest.

    Configured ones may be relative to the home.
    """
    wanted = [Port(name, os.path.abspath(name)) for name in named]
    if not wanted:
        wanted = [
            Port(str(path), str(path), path.name.startswith(BUILT_IN))
            for pattern in KINDS
            for path in sorted(devices.glob(pattern))
        ]
        wanted += [Port(name, str(home.path / name)) for name in configured]
    lasting = {os.path.realpath(path): str(path) for path in sorted(devices.glob(f"{BY_ID}/*"))}
    once: dict[str, Port] = {}
    for port in wanted:
        name, path = lasting.get(port.real, port.name), lasting.get(port.real, port.path)
        once.setdefault(port.real, Port(name, path, port.is_guess))
    return list(once.values())


def owned(config: Config | None, home: Home) -> frozenset[str]:
    """The real paths of the ports that a running core has."""
    named = () if config is None else (config.validator.port, config.registrar.port)
    return frozenset(os.path.realpath(home.path / name) for name in named)


def see(port: Port, config: Config | None, tell: Callable[[str], None]) -> Seen | None:
    """Look at one port; None for one that the system only pretends to have. `tell` hears what is tried."""
    tried = probes(30 if config is None else config.registrar.password)
    try:
        with closing(SerialPort(port.path, tried[0].lines[0])) as opened:
            outcome = look(opened, tried, tell)
    except PortGone as error:
        return None if port.is_guess and error.number not in BUSY else _unopened(port, error)
    return _seen(port.name, outcome, config)


def belongs_to_core(port: Port) -> Seen:
    """What is said of a port that the running core has, without touching it."""
    return Seen(port.name, "busy", f"the running terminal has it open; {STOP_IT}, then scan again")


def _unopened(port: Port, error: PortGone) -> Seen:
    name = port.name
    match error.number:
        case number if number in BUSY:
            words = f"{who_has(port.path)} has it open. If it is the terminal, {STOP_IT}; else stop that one; then scan again"
            return Seen(name, "busy", words)
        case errno.ENOENT | errno.ENODEV | errno.ENXIO:
            return Seen(
                name, "absent", "it is not there: plug the device in, or look for another name in /dev"
            )
        case errno.EACCES | errno.EPERM:
            words = "this user may not open it: usermod -a -G dialout USER, then log in again"
            return Seen(name, "denied", words)
        case _:
            return Seen(name, "absent", str(error))


def _seen(name: str, outcome: Outcome, config: Config | None) -> Seen:
    match outcome:
        case Found():
            return Seen(name, "found", _described(outcome), outcome, _paste(name, outcome, config))
        case Echo():
            words = "it gives back what it is sent: a loop-back plug, or an adapter that echoes. No device hears us"
            return Seen(name, "echo", words)
        case Strange(line, data):
            words = (
                f"something answers at {line}, in no protocol known here ({data.hex(' ').upper()}). Its DIP switches may"
                " select another protocol, or it expects another parity: ID-003 has even parity, the others have none;"
                " or the cable is bad"
            )
            return Seen(name, "unknown", words)
        case Silent():
            words = (
                "silent at all speeds. Check the device's power, the cable at both ends, and the validator's DIP switches:"
                " they select the protocol, and one of them may hold it in its test mode"
            )
            return Seen(name, "silent", words)
        case Vanished(reason):
            return Seen(name, "absent", f"it went away meanwhile: {reason}")


def _described(found: Found) -> str:
    probe = _probe(found.protocol)
    firmware = f"firmware {found.firmware}" if found.firmware else ""
    serial = f"serial number {found.serial}" if found.serial else ""
    parts = (f"{probe.name} {probe.device} at {found.line}", found.model, firmware, serial, _noted(found))
    return ", ".join(filter(None, parts)) + (f"; {found.remark}" if found.remark else "")


def _noted(found: Found) -> str:
    by_country: dict[str, list[str]] = {}
    for note in found.notes or ():
        by_country.setdefault(note.country, []).append(note.value.removesuffix(".00"))
    return ", ".join(f"notes {country} {' '.join(values)}" for country, values in by_country.items())


def _probe(protocol: str, password: int = 30) -> Probe:
    return next(probe for probe in probes(password) if probe.protocol == protocol)


def _paste(name: str, found: Found, config: Config | None) -> str:
    """The piece of kassa.toml; countries only where they are known to mean the terminal's currency."""
    currency = "RUB" if config is None else config.terminal.currency
    lines = [
        f"[{_probe(found.protocol).device}]",
        f"port = {json.dumps(name, ensure_ascii=False)}",
        f'protocol = "{found.protocol}"',
        f"speed = {found.line.speed}",
    ]
    named = sorted({note.country for note in found.notes or ()})
    ours = [country for country in named if country in CALLED[currency]]
    if ours:
        lines.append(f"countries = {json.dumps(ours)}")
    elif named:
        lines.append(f"# its bill table names {', '.join(named)}: no name of {currency} that is known here")
    return "\n".join(lines)


# --- the bill validator ------------------------------------------------------------------------------------------


MARKS = {Result.OK: "     ok", Result.PROBLEM: "PROBLEM", Result.SKIPPED: "skipped"}
"""What stands before a step, as in `kassa doctor`."""


def check_validator(
    config: Config,
    home: Home,
    held: OpenIntent | None,
    say: Callable[[str], object],
    *,
    has_hands: bool,
    with_note: bool,
    with_cassette: bool,
) -> dict[str, Any]:
    """Test the validator of kassa.toml, and say each step as it is done; the verdict, for machines.

    Not while `held`, a note of the journal, has no fate yet. What passes on the line is recorded as with a core.
    """
    steps: list[Step] = []

    def tell(told: Step | Prompt) -> None:
        if isinstance(told, Step):
            steps.append(told)
            say(f"{MARKS[told.result]}  {told.name}: {told.found}")
        else:
            say(f"         -> {told.text}")

    if held is not None:
        value = Money(held.value, config.terminal.currency)
        words = f"a note of {value} of payment {held.payment} was on its way when the terminal ended"
        tell(Step("journal", Result.PROBLEM, words))
        ending = Ending.NOTE_INSIDE
    else:
        check = Check(
            partial(_dialect, config.validator, config.terminal.currency),
            partial(_introduce, config.validator),
            config.terminal.currency,
            config.validator.countries,
            has_hands=has_hands,
            with_note=with_note,
            with_cassette=with_cassette,
        )
        ending = _carry_out(check, config, home, tell)
    return _verdict(steps, ending, home)


def _carry_out(check: Check, config: Config, home: Home, tell: Callable[[Step | Prompt], None]) -> Ending:
    validator = config.validator
    line = line_of(validator.protocol, validator.speed)
    recorder = Recorder(home.flight_ring("validator"), SystemClock(), config.disk.free_min_mb << 20)
    write = partial(recorder.record, validator.protocol)
    with closing(recorder):
        try:
            with closing(SerialPort(str(home.path / validator.port), line)) as port:
                write(Kind.OPENED, f"{validator.port}, {line}, by device check".encode("utf-8", "replace"))
                ending = carry_out(check.program(port.now), RecordedPort(port, write), tell)
                write(Kind.CLOSED, b"")
                return ending
        except PortGone as error:
            tell(Step("link", Result.PROBLEM, str(error)))
            return Ending.LOST


def _verdict(steps: Iterable[Step], ending: Ending, home: Home) -> dict[str, Any]:
    problems = [f"{one.name}: {one.found}" for one in steps if one.result is Result.PROBLEM]
    named = {one.name: one.found for one in steps if one.result is Result.OK}
    found = ", ".join(named[step] for step in ("identification", "bill table") if step in named)
    return {
        "device": "validator",
        "ok": not problems,
        "found": found or None,
        "problems": problems,
        "steps": [{"name": one.name, "result": one.result.value, "found": one.found} for one in steps],
        "remedy": _remedy(home, ending, bool(problems)),
    }


def _remedy(home: Home, ending: Ending, has_problems: bool) -> str:
    """What to do, in a sentence or two; nothing when all is well."""
    match ending:
        case Ending.NOTE_INSIDE:
            return (
                f"start the terminal first: kassa --home {home.path} run. It hears what the validator says of the note and"
                " books it; then check again. Until then do not reset, empty or replace the validator"
            )
        case Ending.LOST:
            return (
                "check power, cable, port, protocol and speed; kassa device scan finds out what is connected"
            )
        case Ending.DONE:
            return "mend what is named above, then check again" if has_problems else ""


def line_of(protocol: str, speed: int) -> LineSettings:
    """How bytes go over the line in this protocol at this speed."""
    return _probe(protocol).lines[0]._replace(speed=speed)


def _introduce(validator: Validator, now: Time) -> Program[Found | Echo | Strange | None]:
    return _probe(validator.protocol).program(now, line_of(validator.protocol, validator.speed))


def _dialect(validator: Validator, currency: str, now: Time) -> Dialect:
    """Who speaks the configured protocol, without what would take evidence away."""
    match validator.protocol:
        case "ccnet":
            return CcnetDialect(now)
        case "id003":
            return Id003Dialect(now, validator.bill_table, currency)
        case "ssp":
            from devices.ssp.careful import CarefulSspDialect  # its cipher takes its time to load

            return CarefulSspDialect(now, secrets.randbelow, int(validator.fixed_key, 16))
