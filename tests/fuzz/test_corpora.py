"""Every input in the corpora is within its target's law; this needs no fuzzer, so each found case stays a test."""

from pathlib import Path

import pytest
from targets import TARGETS

CORPORA = Path(__file__).with_name("corpora")
SEEDS_MIN = 2


@pytest.mark.parametrize("name", TARGETS)
def test_every_input_of_the_corpus_is_within_the_law(name: str) -> None:
    files = sorted((CORPORA / name).iterdir())

    for file in files:
        try:
            TARGETS[name].run(file.read_bytes())
        except BaseException as error:
            error.add_note(f"see it again with: scripts/fuzz {name} --replay {file}")
            raise

    assert len(files) >= SEEDS_MIN


def test_every_corpus_belongs_to_a_target() -> None:
    assert {folder.name for folder in CORPORA.iterdir()} == set(TARGETS)


def test_no_input_is_longer_than_the_fuzzer_would_make_it() -> None:
    for name, target in TARGETS.items():
        for file in (CORPORA / name).iterdir():
            assert file.stat().st_size <= target.size_max_bytes, file


@pytest.mark.parametrize("name", TARGETS)
def test_a_seed_that_is_cut_off_or_has_a_byte_changed_is_within_the_law(name: str) -> None:
    target = TARGETS[name]

    for seed in target.seeds():
        middle = len(seed) // 2
        target.run(seed[:middle])
        target.run(seed[:middle] + b"\xff" + seed[middle + 1 :])
