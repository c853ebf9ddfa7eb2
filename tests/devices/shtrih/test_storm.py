"""Seeded storms: power cuts, pulled cables, killed hosts, no paper and a bad line at any moment; then calm, then the count.

A failure names its seed: `run_storm(Rig, seed)` repeats it to the byte.
"""

import random

import pytest

from devices.shtrih import errors

SUMS = (50, 100, 100, 650)
EVENTS = 40
PAUSES_S = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 0.9, 1.3, 3.0)
REFUSED = (
    b"\x8d", b"\x17", b"\xff\x46", b"\xff\x0c", b"\x89", b"\xff\x45", b"\x10", b"\xff\x01", b"\xff\x0a",
    b"\xff\x3a", b"\xff\x3b", b"\xff\x40", b"\xe0", b"\x41", b"\x88", b"\xb0",
)  # fmt: skip


def any_unit(chance):
    """A registrar as the trade sells them."""
    return {
        "short_status_bytes": chance.choice([16, 17]),
        "acks_while_executing": chance.random() < 0.5,
        "ff_before_control": chance.random() < 0.3,
        "answers_operator": chance.random() < 0.7,
        "prints_at_once": chance.random() < 0.3,
        "finishes_after_s": chance.choice([None, 1.0, 20.0]),
        "keeps_open_document": chance.random() < 0.7,
        "takes_tags": chance.random() < 0.8,
        "keeps_tags": chance.random() < 0.9,
        "told_tag_bytes": chance.choice([0xFFFF, 0xFFFF, 0xFFFF, 120]),
        "name_characters_max": chance.choice([128, 128, 32]),
        "takes_lines": chance.random() < 0.8,
        "has_sensors": chance.random() < 0.7,
        "opens_shift_itself": chance.random() < 0.5,
        "noise": chance.choice([b"", b"", b"\x00", b"\xff\xff"]),
    }


class Storm:
    def __init__(self, rig, chance):
        self.rig, self.chance = rig, chance

    def pay(self):
        self.rig.pay(self.chance.choice(SUMS))

    def power_cut(self):
        self.rig.power_cycle(self.chance.choice([0.1, 1.0, 7.0, 20.0]))

    def unplug(self):
        self.rig.wire.unplug()
        self.rig.time.run_for(self.chance.choice([0.1, 1.0, 15.0]))
        self.rig.wire.plug()

    def kill_host(self):
        self.rig.kill_host()
        self.rig.time.run_for(self.chance.choice([0.0, 0.3, 15.0]))
        self.rig.start_host()

    def slow_disk(self):
        self.rig.core.commit_s = self.chance.choice([0.0, 0.005, 0.05])

    def bad_line(self):
        quirk = self.chance.choice(
            [
                "lost_commands",
                "lost_acks",
                "lost_answers",
                "forgotten_answers",
                "damaged_answers",
                "forgets_after_record",
            ]
        )
        setattr(self.rig.sim.quirks, quirk, self.chance.randint(1, 3))

    def no_paper(self):
        self.rig.do("take_paper_out")
        self.rig.time.run_for(self.chance.choice([0.1, 1.0, 30.0]))
        self.rig.do("put_paper_in")

    def little_paper(self):
        self.rig.do("put_paper_in", lines=self.chance.randint(0, 40))
        self.rig.time.run_for(self.chance.choice([1.0, 30.0]))
        self.rig.do("put_paper_in")

    def open_cover(self):
        self.rig.do("open_cover")
        self.rig.time.run_for(self.chance.choice([0.1, 5.0]))
        self.rig.do("close_cover")

    def busy(self):
        self.rig.do("be_busy", self.chance.choice([0.5, 5.0, 70.0]))

    def refuse(self):
        code = self.chance.choice([errors.BUSY, 0x02, 0x30, 0x31, 0x33, 0x37, 0x4F, errors.WRONG_MODE, 0x7E])
        self.rig.sim.quirks.refusals.setdefault(self.chance.choice(REFUSED), []).append(code)

    def leftover(self):
        self.rig.do("leave_document_open", 77, is_receipt=self.chance.random() < 0.7)

    def hours_pass(self):
        self.rig.do("move_clock", self.chance.choice([1, 12, 25]))

    def rage(self):
        often = [self.pay] * 6
        seldom = [
            self.power_cut, self.power_cut, self.unplug, self.unplug, self.kill_host, self.kill_host, self.slow_disk,
            self.bad_line, self.bad_line, self.no_paper, self.little_paper, self.open_cover, self.busy, self.refuse,
            self.refuse, self.leftover, self.hours_pass,
        ]  # fmt: skip
        for _ in range(EVENTS):
            self.chance.choice(often + seldom)()
            self.rig.time.run_for(self.chance.choice(PAUSES_S))

    def calm_down(self):
        quirks = self.rig.sim.quirks
        quirks.lost_commands = quirks.lost_acks = quirks.lost_answers = quirks.damaged_answers = 0
        quirks.forgotten_answers = quirks.forgets_after_record = 0
        quirks.refusals.clear()
        self.rig.core.commit_s = 0.0
        self.rig.settle()


SEEDS = [*range(20), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(20, 150))]


def run_storm(new_rig, seed):
    chance = random.Random(seed)
    rig = new_rig(**any_unit(chance))
    storm = Storm(rig, chance)
    storm.rage()
    storm.calm_down()
    return rig


@pytest.mark.parametrize("seed", SEEDS)
def test_after_any_storm_each_payment_has_one_document(new_rig, seed):
    run_storm(new_rig, seed).check_books()
