"""What the flight recorder holds, for the command line: which records a technician means, and how a line is shown."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain, dropwhile
from typing import Any

import click

from kassa.cli.context import Context
from kassa.cli.journal_access import open_journal
from kassa.clock import SystemClock
from kassa.errors import KassaError
from kassa.flight.keeper import END, KEEP_AFTER_S
from kassa.flight.kept import BEFORE_S
from kassa.flight.reading import follow, open_reader, read
from kassa.flight.ring import Kind, Record
from kassa.home import Home
from kassa.journal.records import StoryLine

PAYMENT = re.compile(r"[0-9]{1,12}-[0-9]{10}", re.ASCII)
TIME_OF_DAY = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])", re.ASCII)
LOOK_EVERY_S = 0.2
SILENCE_S = 3.0
"""A registrar is asked every second, a validator more often: after so long somebody is busy, or no core runs."""
WATCH_BACK_S = 5.0
"""What passed just before belongs to what is seen first."""
RUN_MAX_S = 5.0
"""While nothing changes `watch` still shows every so often that the line lives."""
SIGNS = {Kind.SENT: "->", Kind.RECEIVED: "<-", None: "  "}
WORDS_WIDTH = 40
"""Behind it stand the bytes."""


# --- which records --------------------------------------------------------------------------------------------


def of_time(home: Home, name: str, since: float) -> Iterator[Record]:
    """What the ring holds from then on. Raises KassaError when that is nothing."""
    _check_ring(home, name)
    ring = home.flight_ring(name)
    records = read(ring, since)
    if (first := next(records, None)) is not None:
        return chain((first,), records)
    newest = max(read(ring), key=lambda record: record.at, default=None)
    if newest is None:
        raise _nothing_yet(home, name)
    raise KassaError(
        f"nothing passed at the {name} since {_moment(since)}, the last of it at {_moment(newest.at)}; look further back"
        f" with --since HH:MM or --minutes N; does the core run? See: kassa --home {home.path} status"
    )


def of_payment(context: Context, name: str, payment: str) -> Iterator[Record]:
    """What passed during a payment: its copy, else what the ring still has of its time. Raises KassaError in words."""
    home = context.home
    copy = home.flight_of(payment, name)
    if copy.exists() and (kept := list(read(copy))):
        return iter(kept)
    with open_journal(context) as journal:
        record, story = journal.payment(payment), journal.story(payment)
    if record is None:
        raise KassaError(
            f"the journal knows no payment {payment}; see: kassa --home {home.path} payments list"
        )
    _check_ring(home, name)
    opened_at = datetime.fromisoformat(record.opened_at).timestamp()
    found = list(read(home.flight_ring(name), opened_at - BEFORE_S, _end(story)))
    oldest = next(read(home.flight_ring(name)), None)
    if not found:
        begins = f"begins at {_moment(oldest.at)}" if oldest is not None else "is empty"
        raise KassaError(
            f"payment {payment} began at {_moment(opened_at)}, and what passed at the {name} then is not kept any more: it"
            f" has no copy in {home.flight_payments}, and {home.flight_ring(name).name} {begins}"
        )
    if oldest is not None and oldest.at > opened_at:
        click.echo(f"the payment began at {_moment(opened_at)}: its beginning is not kept any more", err=True)
    return iter(found)


def as_it_passes(home: Home, name: str) -> Iterator[Record | None]:
    """What passes from now on, for ever; None when there is a silence."""
    _check_ring(home, name)
    since = SystemClock().now().timestamp() - WATCH_BACK_S
    with open_reader(home.flight_ring(name)) as reader:
        reader.skip_before(since)
        records = follow(reader, lambda: time.sleep(LOOK_EVERY_S), round(SILENCE_S / LOOK_EVERY_S))
        for record in dropwhile(lambda record: record is not None and record.at < since, records):
            if record is None:
                click.echo(
                    f"nothing passes for {SILENCE_S:.0f} s: the device is busy, or no core runs; see: kassa --home"
                    f" {home.path} status",
                    err=True,
                )
            yield record


def since_of(time_of_day: str | None, minutes: int) -> float:
    """The last time the clock showed `time_of_day`, else so many minutes ago."""
    now = SystemClock().now()
    if time_of_day is None:
        return (now - timedelta(minutes=minutes)).timestamp()
    match = TIME_OF_DAY.fullmatch(time_of_day)
    assert match is not None, time_of_day
    at = now.replace(hour=int(match[1]), minute=int(match[2]), second=0, microsecond=0)
    return (at if at <= now else at - timedelta(days=1)).timestamp()


def _end(story: Iterable[StoryLine]) -> float:
    ends = [line.at for line in story if isinstance(line.entry, END)]
    return datetime.fromisoformat(ends[-1]).timestamp() + KEEP_AFTER_S if ends else math.inf


def _check_ring(home: Home, name: str) -> None:
    if not home.flight_ring(name).exists():
        raise _nothing_yet(home, name)


def _nothing_yet(home: Home, name: str) -> KassaError:
    return KassaError(
        f"nothing was recorded of the {name} yet: start the core with: kassa --home {home.path} run"
        f" (if it runs, {home.logs / 'core.log'} says why nothing is recorded)"
    )


# --- how it is shown ------------------------------------------------------------------------------------------


def lines_of(records: Iterable[Record | None], *, is_raw: bool, run_max_s: float = math.inf) -> Iterator[str]:
    """One line after the other, as they come; the date stands above the first line of a day."""
    day = ""
    for line in _told(records, is_raw=is_raw, run_max_s=run_max_s):
        at = _local(line.at)
        if f"{at:%Y-%m-%d}" != day:
            day = f"{at:%Y-%m-%d}"
            yield f"--- {day} ---"
        shown = f"{at:%H:%M:%S}.{at.microsecond // 1000:03}  {SIGNS.get(line.kind, '--')} {line.words}"
        data = _hex(line.data)
        yield shown if not is_raw or line.words.endswith(data) else f"{shown:<{WORDS_WIDTH}}  {data}"


def fields_of(records: Iterable[Record | None]) -> Iterator[dict[str, Any]]:
    """Every item for machines: when, what sort (sent, received, opened, lost, closed), in words, its bytes."""
    for line in _told(records, is_raw=True):
        assert line.kind is not None
        yield {
            "at": _local(line.at).isoformat(timespec="milliseconds"),
            "kind": line.kind.name.lower(),
            "words": line.words,
            "data": line.data.hex(),
        }


def _told(records: Iterable[Record | None], *, is_raw: bool, run_max_s: float = math.inf) -> Iterator[Any]:
    from kassa import wiring  # it knows every protocol, and takes its time to load

    return wiring.in_words(records, is_raw=is_raw, run_max_s=run_max_s)


def _hex(data: bytes) -> str:
    return data.hex(" ").upper()


def _moment(at: float) -> str:
    return f"{_local(at):%Y-%m-%d %H:%M:%S}"


def _local(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC).astimezone()
