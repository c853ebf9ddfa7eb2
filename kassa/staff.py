"""The staff of a terminal: who they are, what each role may do, and whether a PIN is somebody's.

A PIN of four digits is found out by whoever has its hash and an hour. So the hashes stand in a file of their own that
is closed to others, and not in the journal, of which copies are handed out. The journal has every change of the staff,
and every right and wrong PIN. Wrong ones are counted there, before the answer is told: neither a restart nor a power cut
gives new attempts, and there is no second file of which an old copy could be put back.
"""

from __future__ import annotations

import asyncio
import math
import os
import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from itertools import pairwise
from typing import Literal, get_args

import msgspec
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from msgspec import Struct

from kassa.clock import Clock
from kassa.errors import KassaError
from kassa.files import UntrustedFileError, open_untrusted, write_durably
from kassa.home import Home
from kassa.journal import entries as e
from kassa.journal.store import Journal
from kassa.untrusted import read_json
from kassa.words import counted

Role = Literal["clerk", "collector", "accountant", "technician", "service_centre", "administrator"]
ROLES: tuple[Role, ...] = get_args(Role)

SETTLE_DOCUMENT = "settle_document"
"""To decide what document a late payment gets, and to say what became of one in doubt."""
MAY: Mapping[str, tuple[Role, ...]] = {
    SETTLE_DOCUMENT: ("accountant", "administrator"),
}
"""Who may do what needs a PIN: the one place where it is said."""

PEOPLE_MAX = 100
FILE_MAX_BYTES = 1 << 16
"""A hundred people have 20 KB."""
NAME = re.compile(r"[^\W\d_][\w .'-]{0,63}")
"""A letter first: a PIN that was typed in the place of a name is none, and goes nowhere."""
PIN = re.compile(r"[0-9]{4,12}", re.ASCII)
KEYPAD_COLUMNS = ("2580", "0852")
REFUSED_AFTER_S = 1.0
"""A refusal comes so long after the question, whatever it was found by: its time tells nothing of names."""
WRONG_FREE = 4
"""So many wrong PINs are a finger's mistake."""
PAUSE_MIN_S, PAUSE_MAX_S = 60.0, 3600.0
STRANGERS_MAX = 1000
"""Names that nobody has and somebody tried: more are forgotten, the oldest first."""

# The least that OWASP's cheat sheet on password storage asks for: 60 ms on a desktop, under 0.5 s on the weakest box.
_hasher = PasswordHasher(time_cost=2, memory_cost=19 << 10, parallelism=1)


class ChangeRefused(KassaError):
    """A change of the staff cannot be made: the message says why, and what to do."""


class NotAdmitted(KassaError):
    """Name and PIN do not open this; the message says no more than whoever asks may know."""

    code = "not_admitted"


class Person(Struct, frozen=True, forbid_unknown_fields=True):
    """One of the staff; `pin` is its argon2id hash."""

    name: str
    role: Role
    pin: str


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    people: tuple[Person, ...]


_decoder = msgspec.json.Decoder(_File)


# --- who they are ---------------------------------------------------------------------------------------------


def read(home: Home) -> dict[str, Person]:
    """Everybody, by what `key_of` makes of the name; nobody where there is no file yet. Raises KassaError in words."""
    if not os.path.lexists(home.staff):
        return {}
    try:
        with open_untrusted(home.staff, FILE_MAX_BYTES) as file:
            found = read_json(_decoder, file.read())
    except (UntrustedFileError, OSError) as error:
        raise KassaError(f"the staff cannot be read: {error}") from error
    except msgspec.MsgspecError as error:
        raise KassaError(
            f"{home.staff} is damaged ({error}): put a good copy in its place, or move it away and add everybody anew:"
            " kassa staff add"
        ) from error
    return {key_of(person.name): person for person in found.people}


def add(home: Home, journal: Journal, name: str, role: str, pin: str) -> Person:
    """Take somebody in; `pin` is the hash. Raises ChangeRefused."""
    people, known_as = read(home), _full(name)
    if key_of(known_as) in people:
        raise ChangeRefused(f"{known_as} is there already; a new PIN is set with: kassa staff pin")
    if len(people) >= PEOPLE_MAX:
        raise ChangeRefused(f"there are {PEOPLE_MAX} people already; first: kassa staff remove NAME")
    found = next((one for one in ROLES if one == role), None)
    if found is None:
        raise ChangeRefused(f"a role is one of: {', '.join(ROLES)}")
    return _put(home, journal, people, Person(known_as, found, pin))


def change_pin(home: Home, journal: Journal, name: str, pin: str) -> Person:
    """Give somebody a new PIN, whose hash it is; a name that wrong ones had locked is open again. Raises ChangeRefused."""
    people = read(home)
    return _put(home, journal, people, msgspec.structs.replace(_known(people, name), pin=pin))


def remove(home: Home, journal: Journal, name: str) -> Person:
    """Somebody leaves. Raises ChangeRefused."""
    people = read(home)
    gone = _known(people, name)
    journal.append(e.StaffRemoved(name=gone.name))
    _write(home, {key: one for key, one in people.items() if one is not gone})
    return gone


def _put(home: Home, journal: Journal, people: Mapping[str, Person], person: Person) -> Person:
    """The journal first: a change that a power cut ends is told of and not made, never made and not told of."""
    journal.append(e.StaffPinSet(name=person.name, role=person.role))
    _write(home, {**people, key_of(person.name): person})
    return person


def _write(home: Home, people: Mapping[str, Person]) -> None:
    body = msgspec.json.format(msgspec.json.encode(_File(tuple(people.values()))), indent=2)
    try:
        with write_durably(home.staff) as file:
            os.fchmod(file.fileno(), 0o600)  # before its first byte
            file.write(body + b"\n")
    except OSError as error:
        raise KassaError(f"{home.staff} cannot be written: {error.strerror}; nothing was changed") from error


def _known(people: Mapping[str, Person], name: str) -> Person:
    found = people.get(key_of(_full(name)))
    if found is None:
        raise ChangeRefused(f"nobody here is called {_full(name)}; see: kassa staff list")
    return found


def fields(person: Person) -> dict[str, str]:
    """A person, for machines; the hash is nobody's business."""
    return {"name": person.name, "role": person.role}


def _full(name: str) -> str:
    """The name as it is kept. Raises ChangeRefused."""
    found = " ".join(unicodedata.normalize("NFC", name).split())
    if NAME.fullmatch(found) is None:
        raise ChangeRefused("a name is 1 to 64 letters, digits, blanks and .'-_ with a letter first")
    return found


def key_of(name: str) -> str:
    """Two names with one key are one person's."""
    return name.casefold()


# --- PINs -----------------------------------------------------------------------------------------------------


def hashed(pin: str, terminal: str) -> str:
    """The hash of a new PIN; it takes its time. Raises ChangeRefused, in words, for one that others would try first."""
    if PIN.fullmatch(pin) is None:
        raise ChangeRefused("a PIN is 4 to 12 digits")
    if problem := _what_makes_it_easy(pin, terminal):
        raise ChangeRefused(f"that PIN is among the first that others would try: {problem}; choose another")
    return _hasher.hash(pin)


def _what_makes_it_easy(pin: str, terminal: str) -> str | None:
    steps = {(int(second) - int(first)) % 10 for first, second in pairwise(pin)}
    if len(steps) == 1:
        return "the same digit again and again, or digits in even steps"
    if any(pin == pin[:size] * (len(pin) // size) for size in range(1, len(pin))):
        return "the same digits again and again"
    if pin in KEYPAD_COLUMNS:
        return "a column of the keys"
    if len(pin) == 4 and pin[:2] in ("19", "20"):
        return "a year"
    if pin.lstrip("0") == terminal.lstrip("0"):
        return "the terminal's own number"
    return None


def fits(person: Person | None, pin: str) -> bool:
    """Whether the PIN is this person's; it takes the same time where there is none."""
    if person is None:
        _hasher.hash(pin)
        return False
    try:
        return _hasher.verify(person.pin, pin)
    except (VerificationError, InvalidHashError):
        return False


def pause_s(wrong: int) -> float:
    """How long a name is locked after so many wrong PINs."""
    if wrong <= WRONG_FREE:
        return 0.0
    return float(min(PAUSE_MIN_S * 2 ** min(wrong - WRONG_FREE - 1, 10), PAUSE_MAX_S))


class Admission:
    """Lets staff in by name and PIN: one after the other, so that many callers have no more attempts than one.

    What a stranger makes up is counted like a name that somebody has, in memory alone: it must not fill the journal.
    """

    def __init__(self, home: Home, journal: Journal, clock: Clock) -> None:
        self._home, self._journal, self._clock = home, journal, clock
        self._one_at_a_time = asyncio.Lock()
        self._strangers: dict[str, tuple[int, float]] = {}
        """By key: how many wrong PINs, and the monotonic time of the last."""
        self._seen: dict[str, tuple[str, float]] = {}
        """By key: the wall time of the last wrong PIN, and the monotonic time at which we first knew of it."""

    async def admit(self, name: str, pin: str, act: str) -> Person:
        """Whose name and PIN these are, if the role may do `act`. Raises NotAdmitted."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            async with self._one_at_a_time:
                person = await self._admit(name, pin, act)
        except NotAdmitted:
            await asyncio.sleep(REFUSED_AFTER_S - (loop.time() - began))
            raise
        if person.role not in MAY[act]:
            may = ", ".join(role.replace("_", " ") for role in MAY[act])
            raise NotAdmitted(f"{person.name} is {person.role.replace('_', ' ')} here; this may do: {may}")
        return person

    async def _admit(self, name: str, pin: str, act: str) -> Person:
        people = read(self._home)
        if not people:
            raise NotAdmitted("nobody has a PIN here yet; begin with: kassa staff add NAME --role ROLE")
        try:
            known_as = _full(name)
        except ChangeRefused as error:
            raise NotAdmitted(str(error)) from error
        if PIN.fullmatch(pin) is None:
            raise NotAdmitted("a PIN is 4 to 12 digits; nothing was counted")
        key = key_of(known_as)
        person = people.get(key)
        if (left_s := self._left_s(key, person)) > 0:
            raise NotAdmitted(
                f"there were too many wrong PINs in the name of {known_as}: try again in {_in_words(left_s)}"
            )
        is_right = await asyncio.to_thread(fits, person, pin)
        person, asked = read(self._home).get(key), person
        if not is_right or person is None or person != asked:  # the staff may have changed meanwhile
            raise NotAdmitted(self._count(key, person, act))
        self._journal.append(e.StaffAdmitted(name=person.name, role=person.role, act=act))
        return person

    def _count(self, key: str, person: Person | None, act: str) -> str:
        """One more wrong PIN; what is said of it."""
        if person is not None:
            self._journal.append(e.StaffRefused(name=person.name, act=act))
        else:
            count, _ = self._strangers.pop(key, (0, 0.0))
            self._strangers[key] = count + 1, self._clock.monotonic()
            if len(self._strangers) > STRANGERS_MAX:
                del self._strangers[next(iter(self._strangers))]
        left_s = self._left_s(key, person)
        after = f"; too many were: try again in {_in_words(left_s)}" if left_s > 0 else ""
        return f"the name or the PIN is wrong{after}"

    def _left_s(self, key: str, person: Person | None) -> float:
        """How long the name is still locked.

        Of the wall clock and ours whichever says that more time has passed: the first outlives us, and may be set back.
        """
        now = self._clock.monotonic()
        if person is None:
            count, last = self._strangers.get(key, (0, now))
            return pause_s(count) - (now - last)
        wrong = self._journal.wrong_pins(person.name)
        if wrong is None:
            return 0.0
        if self._seen.get(key, ("", 0.0))[0] != wrong.at:
            self._seen[key] = wrong.at, now
        passed_s = max(
            (self._clock.now() - datetime.fromisoformat(wrong.at)).total_seconds(), now - self._seen[key][1]
        )
        return pause_s(wrong.count) - passed_s


def _in_words(seconds: float) -> str:
    return counted(math.ceil(seconds / 60), "minute")
