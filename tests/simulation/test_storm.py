"""Seeded lives of a whole terminal: customers come and go while everything fails; then calm, then the count.

A failure names its seed; `kassa simulate --kind KIND --seed SEED` lives it again to the byte.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from world import live


@pytest.mark.parametrize("seed", range(12))
def test_after_any_storm_no_note_no_document_and_no_file_is_lost_or_doubled(sample_home, seed):
    assert live(sample_home, seed, "storm").count.payments


@pytest.mark.parametrize("seed", range(4))
def test_the_same_with_an_atol_registrar(sample_home, seed):
    assert live(sample_home, seed, "atol").count.payments


@pytest.mark.parametrize("seed", range(8))
def test_crashes_and_cables_alone_leave_no_doubt_of_any_note(sample_home, seed):
    count = live(sample_home, seed, "crashes").count

    assert (count.uncertain, count.orphans) == (0, 0)


def test_on_a_fair_day_every_note_that_went_in_is_credited(sample_home):
    life = live(sample_home, 1, "fair")

    assert (life.kills, life.cuts, life.failures) == (0, 0, 0)
    assert life.count.documents == life.count.payments > 50


def test_the_same_seed_lives_the_same_life_whatever_order_python_gives_to_sets(sample_home):
    def hash_under(hash_seed):
        command = [
            sys.executable,
            str(Path(__file__).parent),
            "--data",
            str(sample_home),
            "--seed",
            "7",
            "--hash",
        ]
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout

    first = hash_under("1")
    assert len(first.strip()) == 64
    assert hash_under("2") == hash_under("777") == first
