"""Seeded storms over a whole terminal: customers come and go while everything fails; then calm, then the count.

A failure names its seed: `run_storm(home, seed)` repeats it to the byte.
"""

import random
from contextlib import suppress
from datetime import timedelta

import msgspec
import pytest
from simulated_disk import CUTS
from whole_terminal import WholeTerminal

from devices.ccnet import simulator as ccnet
from devices.ccnet.protocol import Status
from devices.shtrih import simulator as shtrih
from kassa.config import load
from kassa.home import data_folder
from kassa.terminal import IntentRefused

EVENTS = 60
NOTES = (10, 50, 100, 100, 500, 500, 1000, 5000)
ACCOUNTS = ("4038172956", "0017990", "0017742")
VALIDATOR_LINE = ("lost_acks", "lost_answers", "lost_stacks")
REGISTRAR_LINE = ("lost_commands", "lost_acks", "lost_answers", "forgets_after_record")
PAUSES_S = (0.0, 0.03, 0.2, 0.5, 0.9, 1.3, 3.0, 8.0)


def any_config(chance):
    """Customers with little patience, and a night that comes soon."""
    config = load(data_folder() / "examples" / "kassa.toml")
    cash = msgspec.structs.replace(
        config.cash,
        idle_timeout_s=chance.choice([5, 20]),
        choosing_timeout_s=10,
        thanks_s=3,
        receipt_wait_s=10,
    )
    return msgspec.structs.replace(
        config,
        cash=cash,
        registrar=msgspec.structs.replace(config.registrar, close_shift_at=f"14:{chance.randint(6, 20):02}"),
        outbox=msgspec.structs.replace(
            config.outbox, every_min=chance.choice([1, 60]), after_each_payment=chance.random() < 0.5
        ),
    )


def any_validator(chance):
    return ccnet.Quirks(
        announces_after_reset=chance.random() < 0.7,
        skips=frozenset(
            one for one in (Status.ACCEPTING, Status.STACKING, Status.RETURNING) if chance.random() < 0.2
        ),
        after_event=chance.choice([None, Status.DISABLED, Status.BUSY]),
        silent_after_reset_s=chance.choice([0.0, 0.5, 2.5]),
        jam_yields_to_reset=chance.random() < 0.5,
    )


def any_registrar(chance):
    return shtrih.Quirks(
        acks_while_executing=chance.random() < 0.5,
        prints_at_once=chance.random() < 0.3,
        keeps_open_document=chance.random() < 0.7,
        takes_tags=chance.random() < 0.7,
        keeps_tags=chance.random() < 0.9,
        takes_lines=chance.random() < 0.8,
        has_sensors=chance.random() < 0.7,
        opens_shift_itself=chance.random() < 0.5,
    )


class Storm:
    def __init__(self, kiosk, chance):
        self.kiosk, self.chance = kiosk, chance

    # --- a customer -------------------------------------------------------------------------------------------------

    def customer(self):
        """Whoever stands there does what can be done on this screen, or something else."""
        chance, kiosk = self.chance, self.kiosk
        match kiosk.screen:
            case "cash" if chance.random() < 0.7:
                kiosk.insert(chance.choice((*NOTES, 3)))
            case "cash":
                kiosk.touch(chance.choice(["finish", "finish", "cancel", "touch"]))
            case "attract" | "services" | "account":
                kiosk.go_to_cash(chance.choice(ACCOUNTS))
            case "balance":
                kiosk.touch("confirm_account")
            case _:
                kiosk.touch(chance.choice(["finish", "start", "cancel"]))

    # --- what can go wrong ------------------------------------------------------------------------------------------

    @property
    def wire(self):
        return self.chance.choice([self.kiosk.to_validator, self.kiosk.to_registrar])

    def unplug(self):
        wire = self.wire
        self.kiosk.live(wire.unplug)
        self.kiosk.wait(self.chance.choice([0.1, 1.0, 15.0, 40.0]))
        wire.plug()

    def power_of_a_device(self):
        wire = self.wire
        self.kiosk.do(wire, "cut_power")
        self.kiosk.wait(self.chance.choice([0.1, 1.0, 7.0]))
        self.kiosk.do(wire, "restore_power")

    def power_of_the_kiosk(self):
        self.kiosk.lose_power(self.chance.choice([0.1, 1.0, 7.0]), self.chance.choice(CUTS))

    def kill(self):
        self.kiosk.rest_after_death_s = self.chance.choice([0.0, 0.3, 3.0, 15.0])
        self.kiosk.acts_left = self.chance.randint(0, 12)

    def disk_dies(self):
        self.kiosk.rest_after_death_s = self.chance.choice([0.0, 3.0])
        self.kiosk.disk.cut_before = self.kiosk.disk.operations + self.chance.randint(0, 30)

    def stop(self):
        """The core ends as it should, within its bound, and is started anew."""
        kiosk = self.kiosk
        kiosk.live(lambda: kiosk.terminal.begin_stop())
        end = kiosk.time.time() + 12
        while not kiosk.terminal.is_quiet and kiosk.time.time() < end:
            kiosk.wait(0.1)
        for pump in kiosk.pumps:
            pump.stop()
        kiosk.live(lambda: kiosk.terminal.end())
        kiosk.kill()

    def jam(self):
        self.kiosk.do(self.kiosk.to_validator, "jam")
        self.kiosk.wait(self.chance.choice([0.5, 6.0, 40.0]))
        self.kiosk.do(self.kiosk.to_validator, "clear")

    def pause(self):
        self.kiosk.do(self.kiosk.to_validator, "pause")
        self.kiosk.wait(self.chance.choice([0.5, 6.0]))
        self.kiosk.do(self.kiosk.to_validator, "clear")

    def cheat(self):
        self.kiosk.do(self.kiosk.to_validator, "cheat")

    def cassette(self):
        self.kiosk.do(self.kiosk.to_validator, "take_cassette_out")
        self.kiosk.wait(self.chance.choice([0.5, 6.0]))
        self.kiosk.do(self.kiosk.to_validator, "put_cassette_in")

    def no_paper(self):
        self.kiosk.do(self.kiosk.to_registrar, "take_paper_out")
        self.kiosk.wait(self.chance.choice([0.1, 1.0, 30.0]))
        self.kiosk.do(self.kiosk.to_registrar, "put_paper_in")

    def little_paper(self):
        self.kiosk.do(self.kiosk.to_registrar, "put_paper_in", lines=self.chance.randint(0, 40))
        self.kiosk.wait(self.chance.choice([1.0, 30.0]))
        self.kiosk.do(self.kiosk.to_registrar, "put_paper_in")

    def bad_line(self):
        for quirks, names in (
            (self.kiosk.validator.quirks, VALIDATOR_LINE),
            (self.kiosk.registrar.quirks, REGISTRAR_LINE),
        ):
            setattr(quirks, self.chance.choice(names), self.chance.randint(1, 3))

    def busy(self):
        self.kiosk.do(self.kiosk.to_registrar, "be_busy", self.chance.choice([0.5, 5.0, 70.0]))

    def refuse(self):
        code = self.chance.choice([b"\xff\x0a", b"\xff\x45", b"\x8d", b"\xff\x46", b"\xff\x3a"])
        self.kiosk.registrar.quirks.refusals.setdefault(code, []).extend([0x31] * self.chance.randint(1, 5))

    def hours_pass(self):
        self.kiosk.do(self.kiosk.to_registrar, "move_clock", self.chance.choice([1, 25]))

    def clock_jumps(self):
        self.kiosk.clock.jumped = timedelta(days=self.chance.choice([-400, -1, 0, 1, 366]))

    def night(self):
        def close():
            with suppress(IntentRefused):
                self.kiosk.terminal.close_shift()

        self.kiosk.live(close)

    def crashes(self):
        """What only the core and its cables suffer."""
        return [self.unplug, self.kill, self.kill, self.disk_dies, self.stop, self.night, self.clock_jumps]

    def all_that_fails(self):
        return [
            self.unplug, self.unplug, self.power_of_a_device, self.power_of_a_device, self.power_of_the_kiosk,
            self.kill, self.kill, self.kill, self.disk_dies, self.disk_dies, self.stop, self.jam, self.pause,
            self.cheat, self.cassette, self.no_paper, self.little_paper, self.bad_line, self.bad_line, self.busy,
            self.refuse, self.hours_pass, self.clock_jumps, self.night,
        ]  # fmt: skip

    def rage(self, seldom):
        often = [self.customer] * 2 * len(seldom)
        for _ in range(EVENTS):
            self.chance.choice(often + seldom)()
            self.kiosk.wait(self.chance.choice(PAUSES_S))

    def calm_down(self):
        kiosk = self.kiosk
        kiosk.acts_left = kiosk.disk.cut_before = None
        for quirks, names in (
            (kiosk.validator.quirks, VALIDATOR_LINE),
            (kiosk.registrar.quirks, REGISTRAR_LINE),
        ):
            for name in names:
                setattr(quirks, name, 0)
        kiosk.do(kiosk.to_registrar, "clear")
        kiosk.do(kiosk.to_validator, "clear")
        kiosk.calm_down()


def run_storm(home, seed):
    chance = random.Random(seed)
    kiosk = WholeTerminal(home, any_config(chance), chance, any_validator(chance), any_registrar(chance))
    storm = Storm(kiosk, chance)
    storm.rage(storm.all_that_fails())
    storm.calm_down()
    return kiosk


def run_crashes(home, seed):
    """Good devices, which keep their power."""
    chance = random.Random(seed)
    kiosk = WholeTerminal(home, any_config(chance), chance)
    storm = Storm(kiosk, chance)
    storm.rage(storm.crashes())
    storm.calm_down()
    return kiosk


@pytest.mark.parametrize("seed", range(20))
def test_after_any_storm_no_note_no_document_and_no_file_is_lost_or_doubled(home, seed):
    run_storm(home, seed).check_promises()


@pytest.mark.parametrize("seed", range(10))
def test_crashes_and_cables_alone_leave_no_doubt_of_any_note(home, seed):
    kiosk = run_crashes(home, seed)

    kiosk.check_promises()
    assert not kiosk.uncertain
    assert not kiosk.orphans
