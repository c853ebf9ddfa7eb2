"""Who comes to a kiosk: customers of every patience, collectors, accountants with sticks, clerks with files. Each is a script of waits."""

from __future__ import annotations

import random
from collections.abc import Callable, Generator, Iterator

from kiosk import Kiosk

from kassa.journal.store import Journal
from kassa.terminal import Terminal

Script = Iterator[float]
"""Yields seconds to wait."""

NOTES_A_VISIT = (*(1,) * 16, 2, 3)
NOTES = (10, 50, 100, 100, 200, 500, 500, 1000, 5000)
FOREIGN = 3
KNOWN = (("4038172956", "internet"), ("4038172956", "tv"), ("0017990", "internet"), ("0017742", "internet"))
WRONG = (("9999999999", "internet"), ("0017742", "wifi"), ("12", "internet"))
THINKS_S = (0.05, 0.1, 0.2, 0.6)
GIVES_UP_S = 90.0
NOTE_SETTLES_S = 15.0
LOOKS_EVERY_S = 0.2
IS_IMPATIENT_WITHIN_S = 0.4
"""Some touch the button while their note is still on its way in."""
LEAVES_CONTACT = 0.3
"""So many want their receipt by SMS or e-mail, too."""
CHANGES_CASSETTE_S = (0.0, 0.5, 6.0)
"""The first is too fast for the validator to notice."""
SAYS_WITHIN_S = 120.0


class Customer:
    """One visit, from the first touch to the last look at the screen, or to the moment they lose their patience."""

    def __init__(self, kiosk: Kiosk, chance: random.Random, contacts: random.Random) -> None:
        self.kiosk, self.chance = kiosk, chance
        self.contacts = contacts
        """A chance of its own: what is drawn of it moves nothing else in a life."""

    def visit(self) -> Script:
        self.kiosk.timeline.note("customer", "comes")
        if not (yield from self._wait_for("attract", "services", "thanks", "account", "balance", "cash")):
            return
        yield from self._choose()
        if self.kiosk.screen == "cash" or self.chance.random() < 0.05:
            yield from self._pay()
            yield from self._leave()

    def _think(self) -> Script:
        yield self.chance.choice(THINKS_S)

    def _wait_for(self, *screens: str, patience_s: float = GIVES_UP_S) -> Iterator[float]:
        waited = 0.0
        while self.kiosk.screen not in screens:
            if waited > patience_s:
                return False
            yield LOOKS_EVERY_S
            waited += LOOKS_EVERY_S
        return True

    def _choose(self) -> Script:
        kiosk, chance = self.kiosk, self.chance
        if kiosk.screen == "thanks":
            kiosk.touch("finish")
        if kiosk.screen == "attract" and chance.random() < 0.5:
            kiosk.touch("start")
            yield from self._think()
        if kiosk.screen == "cash":
            return  # somebody left a payment open
        account, service = chance.choice(KNOWN)
        if chance.random() < 0.08:
            wrong, wrong_service = chance.choice(WRONG)
            kiosk.touch("choose_service", service=wrong_service)
            yield from self._think()
            kiosk.touch("enter_account", account=wrong)
            yield from self._think()
            kiosk.touch("cancel")
        kiosk.touch("choose_service", service=service)
        yield from self._think()
        kiosk.touch("enter_account", account=account)
        yield from self._think()
        if chance.random() < 0.03:
            kiosk.touch("cancel")
            return
        if self.contacts.random() < LEAVES_CONTACT:
            self._leave_contact()
        kiosk.touch("confirm_account")

    def _leave_contact(self) -> None:
        """In no time, so that the rest of the visit comes when it would have come."""
        kiosk, number = self.kiosk, self.contacts.randrange(10**9)
        kiosk.touch("ask_contact")
        match self.contacts.choice(("phone", "email", "wrong", "removed")):
            case "phone":
                kiosk.touch("enter_contact", contact=f"+79{number:09}")
            case "email":
                kiosk.touch("enter_contact", contact=f"ivan.petrov-{number}@mail.example.ru")
            case "wrong":
                kiosk.touch("enter_contact", contact=f"8{number}")
                kiosk.touch("cancel")
            case "removed":
                kiosk.touch("enter_contact", contact=f"+79{number:09}")
                kiosk.touch("ask_contact")
                kiosk.touch("remove_contact")

    def _pay(self) -> Script:
        for _ in range(self.chance.choice(NOTES_A_VISIT)):
            note = FOREIGN if self.chance.random() < 0.03 else self.chance.choice(NOTES)
            tries = 0
            while not self.kiosk.insert(note):
                tries += 1
                if tries > 20 or self.kiosk.screen not in ("cash", "dark"):
                    return
                yield LOOKS_EVERY_S
            if self.chance.random() < 0.08:
                yield self.chance.uniform(0.0, IS_IMPATIENT_WITHIN_S)
                self.kiosk.touch("finish")
            waited = 0.0
            while not self.kiosk.validator.truth.is_empty and waited < NOTE_SETTLES_S:
                yield LOOKS_EVERY_S
                waited += LOOKS_EVERY_S
            yield from self._think()

    def _leave(self) -> Script:
        kiosk, chance = self.kiosk, self.chance
        leaves = chance.random()
        if leaves < 0.07:
            return  # walks away; the time-out credits what was put in
        if leaves < 0.15:
            kiosk.touch("cancel")
            return
        kiosk.touch("finish")
        if leaves < 0.2:
            kiosk.insert(100)  # one more, after the end
        if (yield from self._wait_for("thanks", "attract", "out_of_service", patience_s=20)) and leaves < 0.9:
            yield from self._think()
            kiosk.touch("finish")


def accountant(kiosk: Kiosk, chance: random.Random) -> Script:
    """Comes with a stick, waits or does not, takes it away."""
    if kiosk.stick is not None and chance.random() < 0.5:
        kiosk.pull_stick()
        yield chance.choice((1.0, 10.0))
    if kiosk.stick is None:
        kiosk.stick = kiosk.new_stick()
        kiosk.timeline.note("accountant", "plugs a stick in")
        disk = kiosk.stick.disk
        match chance.random():
            case luck if luck < 0.15:
                kiosk.stick.pulled_before = disk.operations + chance.randint(0, 12)
            case luck if luck < 0.3:
                disk.lies = True
            case luck if luck < 0.4:
                disk.room_bytes = chance.randint(0, 400)
            case luck if luck < 0.45:
                disk.writes_fail = True
    yield chance.choice((1.0, 10.0))
    kiosk.export_now()  # what the accountant came for
    if kiosk.stick is not None and not _is_sound(kiosk):
        kiosk.pull_stick()


def _is_sound(kiosk: Kiosk) -> bool:
    assert kiosk.stick is not None
    disk = kiosk.stick.disk
    return (
        kiosk.stick.pulled_before is None
        and not disk.lies
        and disk.room_bytes is None
        and not disk.writes_fail
    )


def collector(kiosk: Kiosk, chance: random.Random) -> Generator[float, None, Script | None]:
    """Changes the cassette when nobody is there, and says so before the next customer comes.

    Where the terminal saw it, that has time: then the answer is the script of saying it.
    """
    is_quiet = kiosk.screen == "attract" and kiosk.validator.truth.is_empty
    if not is_quiet or kiosk.is_cassette_in_hands or not kiosk.validator.truth.cassette:
        return None
    kiosk.is_cassette_in_hands = True
    kiosk.do(kiosk.to_validator, "take_cassette_out")
    yield chance.choice(CHANGES_CASSETTE_S)
    kiosk.empty_cassette()
    saying = say(
        kiosk,
        lambda terminal: terminal.collect_cash("collector"),
        lambda journal: len(journal.collections()) == len(kiosk.cassettes),
    )
    if kiosk.look(lambda journal: journal.removals()):
        return saying
    yield from saying
    return None


def say(kiosk: Kiosk, act: Callable[[Terminal], object], is_said: Callable[[Journal], bool]) -> Script:
    """Tell the terminal of the cassette, however often it dies at that."""
    waited = 0.0
    while not kiosk.look(is_said) and waited < SAYS_WITHIN_S:
        kiosk.staff_say(act)
        yield LOOKS_EVERY_S
        waited += LOOKS_EVERY_S
    kiosk.is_cassette_in_hands = False
