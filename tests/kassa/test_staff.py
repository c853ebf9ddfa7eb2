"""The staff: PINs that are hard to guess, few attempts however the power is cut, and no word about who works here."""

import asyncio
import stat
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from argon2 import extract_parameters

from kassa import staff
from kassa.errors import KassaError
from kassa.home import Home
from kassa.journal import entries as e
from kassa.journal.store import Journal
from kassa.staff import SETTLE_DOCUMENT, Admission, ChangeRefused, NotAdmitted

TERMINAL = "00042"
PIN, WRONG, OTHER = "4711", "4712", "90125"


class HandClock:
    """Time that passes when the test says so; the wall clock may be set."""

    def __init__(self):
        self.seconds = 1000.0
        self.ahead = timedelta(0)

    def monotonic(self):
        return self.seconds

    def now(self):
        return datetime(2026, 11, 24, 12, tzinfo=UTC) + timedelta(seconds=self.seconds) + self.ahead


class Door:
    """A terminal's staff at its door; `restart` is a power cut: what is in memory is gone."""

    def __init__(self, path):
        self.home = Home(path)
        self.home.make()
        self.clock = HandClock()
        self._open()

    def _open(self):
        self.journal = Journal.open(self.home.journal, self.clock)
        self.admission = Admission(self.home, self.journal, self.clock)

    def restart(self):
        self.journal.close()
        self.clock.seconds = 5.0 + self.clock.seconds - 1000.0  # a machine counts from its start
        self.clock.ahead += timedelta(seconds=995)
        self._open()

    def close(self):
        self.journal.close()

    def add(self, name, role, pin=PIN):
        return staff.add(self.home, self.journal, name, role, staff.hashed(pin, TERMINAL))

    def admit(self, name, pin, act=SETTLE_DOCUMENT):
        return asyncio.run(self.admission.admit(name, pin, act))

    def refusal(self, name, pin):
        with pytest.raises(NotAdmitted) as refused:
            self.admit(name, pin)
        return str(refused.value)

    def last(self):
        return self.journal.entry(self.journal.head()[0])[1]


@pytest.fixture
def door(tmp_path, monkeypatch):
    monkeypatch.setattr(staff, "REFUSED_AFTER_S", 0.0)
    made = Door(tmp_path / "home")
    with closing(made):
        yield made


def test_the_right_pin_lets_in_and_is_written_down_with_name_role_and_what_for(door):
    door.add("Petrova", "accountant")
    assert door.admit("petrova ", PIN).role == "accountant"
    assert door.last() == e.StaffAdmitted(name="Petrova", role="accountant", act=SETTLE_DOCUMENT)


def test_a_role_that_may_not_do_it_is_told_who_may(door):
    door.add("Sidorov", "service_centre")
    assert door.refusal("Sidorov", PIN) == (
        "Sidorov is service centre here; this may do: accountant, administrator"
    )


def test_every_role_that_the_table_names_is_one_that_can_be_given():
    assert {role for roles in staff.MAY.values() for role in roles} <= set(staff.ROLES)


def test_without_staff_the_refusal_says_how_to_begin(door):
    assert "begin with: kassa staff add" in door.refusal("Petrova", PIN)


def test_a_wrong_pin_is_durable_before_it_is_told(door):
    door.add("Petrova", "accountant")
    assert door.refusal("Petrova", WRONG) == "the name or the PIN is wrong"
    assert door.last() == e.StaffRefused(name="Petrova", act=SETTLE_DOCUMENT)


def test_what_is_no_pin_or_no_name_is_not_counted_and_kept_nowhere(door):
    door.add("Petrova", "accountant")
    head = door.journal.head()
    for name, pin in (("Petrova", ""), ("Petrova", "12a4"), (PIN, PIN), ("", PIN), ("\x1b[31m", PIN)):
        assert "the name or the PIN is wrong" not in door.refusal(name, pin)
    assert door.journal.head() == head


def test_the_fifth_wrong_pin_locks_the_name_for_a_minute_and_each_further_one_for_twice_as_long():
    assert [staff.pause_s(wrong) for wrong in (0, 1, 4, 5, 6, 7, 10, 11, 500)] == [
        0, 0, 0, 60, 120, 240, 1920, 3600, 3600,
    ]  # fmt: skip


def lock(door, name):
    for _ in range(4):
        assert "too many" not in door.refusal(name, WRONG)
    assert "too many were: try again in 1 minute" in door.refusal(name, WRONG)


@pytest.mark.parametrize("name", ["Petrova", "Nobody"])
def test_a_locked_name_is_told_so_whether_somebody_has_it_or_not_and_even_the_right_pin_waits(door, name):
    door.add("Petrova", "accountant")
    lock(door, name)
    head = door.journal.head()

    door.clock.seconds += 59
    assert door.refusal(name, PIN) == (
        f"there were too many wrong PINs in the name of {name}: try again in 1 minute"
    )
    assert door.journal.head() == head
    door.clock.seconds += 2
    assert "try again in 2 minutes" in door.refusal(name, WRONG)


def test_the_right_pin_after_the_pause_makes_all_attempts_free_again(door):
    door.add("Petrova", "accountant")
    lock(door, "Petrova")
    door.clock.seconds += 61
    door.admit("Petrova", PIN)
    lock(door, "Petrova")


def test_one_persons_wrong_pins_do_not_lock_another(door):
    door.add("Petrova", "accountant")
    door.add("Sidorov", "administrator", OTHER)
    lock(door, "Petrova")
    assert door.admit("Sidorov", OTHER).name == "Sidorov"


def test_a_power_cut_gives_no_new_attempts(door):
    door.add("Petrova", "accountant")
    lock(door, "Petrova")
    door.restart()
    assert "too many wrong PINs" in door.refusal("Petrova", PIN)
    door.clock.seconds += 61
    assert "try again in 2 minutes" in door.refusal("Petrova", WRONG)


def test_a_wall_clock_that_is_set_back_locks_nobody_for_longer(door):
    door.add("Petrova", "accountant")
    lock(door, "Petrova")
    door.clock.ahead = timedelta(days=-365)
    door.restart()
    assert "try again in 1 minute" in door.refusal("Petrova", PIN)
    door.clock.seconds += 61
    assert door.admit("Petrova", PIN)


def test_a_new_pin_ends_a_lock(door):
    door.add("Petrova", "accountant")
    lock(door, "Petrova")
    staff.change_pin(door.home, door.journal, "petrova", staff.hashed(OTHER, TERMINAL))
    assert door.last() == e.StaffPinSet(name="Petrova", role="accountant")
    assert door.admit("Petrova", OTHER)
    assert door.refusal("Petrova", PIN) == "the name or the PIN is wrong"


def test_many_callers_at_once_have_no_more_attempts_than_one(door):
    door.add("Petrova", "accountant")

    async def storm():
        tries = [door.admission.admit("Petrova", WRONG, SETTLE_DOCUMENT) for _ in range(12)]
        return await asyncio.gather(*tries, return_exceptions=True)

    told = asyncio.run(storm())
    assert all(isinstance(one, NotAdmitted) for one in told)
    assert door.journal.wrong_pins("Petrova").count == 5


@pytest.mark.parametrize("is_removed", [False, True])
def test_a_pin_that_ends_while_it_is_checked_opens_nothing(door, is_removed):
    door.add("Petrova", "accountant")
    other = staff.hashed(OTHER, TERMINAL)

    async def meanwhile():
        checked = asyncio.create_task(door.admission.admit("Petrova", PIN, SETTLE_DOCUMENT))
        await asyncio.sleep(0)
        if is_removed:
            staff.remove(door.home, door.journal, "Petrova")
        else:
            staff.change_pin(door.home, door.journal, "Petrova", other)
        await checked

    with pytest.raises(NotAdmitted):
        asyncio.run(meanwhile())


def test_strangers_fill_neither_journal_nor_memory(door, monkeypatch):
    monkeypatch.setattr(staff, "STRANGERS_MAX", 3)
    door.add("Petrova", "accountant")
    head = door.journal.head()
    for name in ("Anna", "Boris", "Vera", "Gleb", "Darja"):
        door.refusal(name, WRONG)
    assert len(door.admission._strangers) == 3
    assert door.journal.head() == head


def test_a_refusal_takes_as_long_for_a_stranger_as_for_one_of_us(door, monkeypatch):
    monkeypatch.setattr(staff, "REFUSED_AFTER_S", 1.0)
    slept = []

    async def sleep(seconds):
        slept.append(seconds)

    monkeypatch.setattr(staff.asyncio, "sleep", sleep)
    door.add("Petrova", "accountant")

    async def both():
        loop = asyncio.get_running_loop()
        ends = []
        for name in ("Petrova", "Nobody"):
            began = loop.time()
            with pytest.raises(NotAdmitted):
                await door.admission.admit(name, WRONG, SETTLE_DOCUMENT)
            ends.append(loop.time() - began + slept[-1])
        return ends

    assert asyncio.run(both()) == pytest.approx([1.0, 1.0], abs=0.05)


# --- PINs ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pin", "words"),
    [
        ("", "4 to 12 digits"), ("123", "4 to 12 digits"), ("1234567890123", "4 to 12 digits"),
        ("12a4", "4 to 12 digits"), ("١٢٣٤", "4 to 12 digits"),
        ("0000", "same digit"), ("1111", "same digit"), ("1234", "even steps"), ("7890", "even steps"),
        ("4321", "even steps"), ("2468", "even steps"), ("1212", "same digits"), ("471471", "same digits"),
        ("2580", "a column"), ("1987", "a year"), ("00042", "terminal's own number"), ("0042", "terminal's own number"),
    ],
)  # fmt: skip
def test_a_pin_that_others_would_try_first_is_refused_in_words(pin, words):
    with pytest.raises(ChangeRefused, match=words):
        staff.hashed(pin, TERMINAL)


def test_a_hash_is_argon2id_and_fits_into_a_small_box():
    found = extract_parameters(staff.hashed(PIN, TERMINAL))
    assert found.type.name == "ID"
    assert found.memory_cost < 64 << 10


# --- the file -----------------------------------------------------------------------------------------------------


def test_the_file_is_closed_to_others_and_the_journal_has_no_hash(door):
    door.add("Petrova", "accountant")
    assert stat.S_IMODE(door.home.staff.stat().st_mode) == 0o600
    assert "$argon2id$" in door.home.staff.read_text(encoding="utf-8")
    assert PIN not in door.home.staff.read_text(encoding="utf-8")
    door.journal.carry_over()
    assert b"argon2" not in door.home.journal.read_bytes()


def test_a_name_is_one_persons_however_it_is_written(door):
    door.add(" Иванова  А. П. ", "accountant")
    with pytest.raises(ChangeRefused, match=r"ИВАНОВА А\. П\. is there already"):
        door.add("ИВАНОВА А. П.", "clerk")


@pytest.mark.parametrize("name", ["", "4711", "-x", "a\nb\x00", "x" * 65])
def test_what_is_no_name_is_refused(door, name):
    with pytest.raises(ChangeRefused, match="a letter first"):
        door.add(name, "clerk")


def test_who_leaves_has_no_pin_any_more(door):
    door.add("Petrova", "accountant")
    door.add("Sidorov", "administrator", OTHER)
    staff.remove(door.home, door.journal, "Petrova")
    assert door.last() == e.StaffRemoved(name="Petrova")
    assert [one.name for one in staff.read(door.home).values()] == ["Sidorov"]
    assert door.refusal("Petrova", PIN) == "the name or the PIN is wrong"
    with pytest.raises(ChangeRefused, match="nobody here is called Petrova"):
        staff.remove(door.home, door.journal, "Petrova")


@pytest.mark.parametrize(
    "content", [b"", b"{}", b'{"people":[{"name":"x","role":"king","pin":""}]}', b"\xff"]
)
def test_a_damaged_file_lets_nobody_in_and_says_what_to_do(door, content):
    door.home.staff.write_bytes(content)
    with pytest.raises(KassaError, match=r"staff\.json is damaged .*kassa staff add"):
        door.admit("Petrova", PIN)


def test_a_link_in_the_place_of_the_file_is_not_followed(door, tmp_path):
    door.add("Petrova", "accountant")
    door.home.staff.rename(tmp_path / "elsewhere")
    door.home.staff.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(KassaError, match="is a link"):
        door.admit("Petrova", PIN)


def test_a_change_that_the_disk_refuses_leaves_everybody_as_they_were(door, monkeypatch):
    door.add("Petrova", "accountant")
    before = door.home.staff.read_bytes()

    def fail(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("kassa.files.os.fsync", fail)
    with pytest.raises(KassaError, match=r"staff\.json cannot be written: No space left on device"):
        door.add("Sidorov", "administrator", OTHER)
    assert door.home.staff.read_bytes() == before
