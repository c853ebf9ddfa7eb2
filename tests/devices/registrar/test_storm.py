"""Payments while everything goes wrong at random moments; in the end each has one document. A failure names its seed."""

import random

import pytest
from registrars import FISCAL, Rig

PAYMENTS = 12
SEEDS = (*range(12), 698)  # 698: a server that lost the device took a stranger's receipt for the payment's


def unplug(rig, chance):
    rig.unit.unplug()
    rig.time.run_for(chance.uniform(0.1, 8))
    rig.unit.plug()


def power(rig, chance):
    rig.unit.do("cut_power")
    rig.time.run_for(chance.uniform(0.1, 20))
    rig.unit.do("restore_power")


def cable(rig, chance):
    rig.unit.pull_cable()
    rig.time.run_for(chance.uniform(0.1, 20))
    rig.unit.plug_cable()


def paper(rig, chance):
    rig.unit.do("take_paper_out")
    rig.time.run_for(chance.uniform(0.1, 20))
    rig.unit.do("put_paper_in")


def host(rig, chance):
    rig.kill_host()
    rig.time.run_for(chance.uniform(0.0, 8))
    rig.start_host()


def lost_answer(rig, _chance):
    rig.unit.lose_answer()


def stranger(rig, chance):
    rig.unit.do("sell_elsewhere", chance.choice([100, 650]))


def refusal(rig, chance):
    rig.unit.refuse_receipt(chance.choice(rig.unit.passing + rig.unit.wrong_data))


def busy(rig, chance):
    rig.unit.do("be_busy", chance.uniform(1, 20))


HANDS = [unplug, power, cable, paper, host, host, lost_answer, stranger, refusal, busy]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("unit", FISCAL)
def test_in_a_storm_every_payment_gets_its_one_document(unit, seed):
    chance = random.Random(seed)
    rig = Rig(FISCAL[unit])
    rig.wait_ready()
    for _ in range(PAYMENTS):
        rig.pay(chance.choice([100, 650]))
        for _ in range(chance.randrange(4)):
            rig.time.run_for(chance.uniform(0, 3))
            chance.choice(HANDS)(rig, chance)
        rig.time.run_for(chance.uniform(0, 10))
    rig.settle(6 * 3600)

    assert len(rig.receipts) == PAYMENTS
    rig.check_books()
