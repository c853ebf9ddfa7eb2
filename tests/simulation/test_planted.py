"""Bugs are planted into a copy of the source, one at a time: the simulation has to find each of them.

So a green simulation says something. Every patch in planted/ is one bug, and its first lines say what it does; where two
guards hold the same promise it takes both away, and says so. What was found is written into build/figures/planted.json.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
PLANTED = sorted((Path(__file__).parent / "planted").glob("*.patch"))
COPIED = ("kassa", "devices", "importers", "data", "tests/rigs", "tests/simulation")
FIGURES = ROOT / "build" / "figures" / "planted.json"
PROMISE_MAX = 200
SEEDS_MAX = 200
"""A bug that so many lives do not show is a hole in the simulation."""
LIVES_MAX_S = 900
"""A bug that makes a life endless is found, too, though no promise is named."""

FALLS_IN = {
    "atol_error_counts_as_no_document": "atol",
    "atol_request_gets_a_new_name_when_its_answer_is_lost": "atol",
    "bytes_from_before_the_start_are_believed": "crashes",
    "id003_vend_valid_is_acknowledged_when_it_is_heard": "crashes",
    "lost_validator_voids_the_intent": "crashes",
    "note_is_stacked_before_its_intent_is_written": "crashes",
    "rows_are_rounded_to_hundreds": "fair",
    "screen_is_ahead_of_the_journal": "fair",
    "screen_rounds_the_sum": "fair",
    "ssp_money_is_acknowledged_when_it_is_heard": "crashes",
    "ssp_polls_while_a_note_is_at_escrow": "crashes",
    "ssp_start_takes_the_note_at_escrow": "crashes",
    "stacked_is_acknowledged_before_the_commit": "crashes",
}
"""The kind of life that shows a bug, where it is not the storm: good devices leave no doubt behind which a note may hide,
and few storms are over an ATOL registrar."""


@pytest.fixture(scope="module")
def found():
    """What was found, now or when a bug was looked for the last time; kept when the last test is over."""
    bugs: dict[str, dict[str, str | int]] = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
    yield bugs
    bugs = {patch.stem: bugs[patch.stem] for patch in PLANTED if patch.stem in bugs}
    FIGURES.parent.mkdir(parents=True, exist_ok=True)
    FIGURES.write_text(json.dumps(bugs, indent=2, sort_keys=True) + "\n")


def test_there_are_bugs_enough():
    assert len(PLANTED) >= 15
    assert FALLS_IN.keys() <= {patch.stem for patch in PLANTED}


@pytest.mark.parametrize("patch", PLANTED, ids=lambda patch: patch.stem)
def test_the_planted_bug_is_found(patch, sample_home, tmp_path, found):
    plant(patch, tmp_path)

    kind = FALLS_IN.get(patch.stem, "storm")
    lives = simulate(tmp_path, sample_home, kind)
    seed, promise = first_failure(lives.stderr)

    assert lives.returncode == 1, f"{SEEDS_MAX} lives of kind {kind!r} do not show it: {words_of(patch)}"
    assert seed is not None, lives.stderr
    found[patch.stem] = {
        "plants": words_of(patch),
        "kind": kind,
        "first_failing_seed": seed,
        "broke": promise,
    }


def plant(patch, folder):
    """The source with one bug, in `folder`."""
    for name in COPIED:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    applied = run(folder, "git", "apply", str(patch))
    assert applied.returncode == 0, (
        f"{patch.name} does not apply any more; plant its bug anew: {applied.stderr}"
    )


def simulate(folder, data, kind):
    """Life after life of the copy, until one fails."""
    where = run(
        folder, sys.executable, "-Pc", "import kassa, devices; print(kassa.__file__, devices.__file__)"
    )
    copy = f"{folder}/kassa/__init__.py {folder}/devices/__init__.py\n"
    assert where.stdout == copy, f"another source would run: {where}"
    lives = ["--kind", kind, "--first", "0", "--seeds", str(SEEDS_MAX), "--until-failure"]
    return run(folder, sys.executable, "tests/simulation", "--data", str(data), *lives)


def run(folder, *command):
    return subprocess.run(
        command, cwd=folder, env=environment(folder), check=False, capture_output=True, text=True,
        timeout=LIVES_MAX_S,
    )  # fmt: skip


def environment(folder):
    """The copy stands before what is installed; git must not take it for a part of the repository around it."""
    return {**os.environ, "PYTHONPATH": str(folder), "GIT_CEILING_DIRECTORIES": str(folder.parent)}


def first_failure(said):
    """The seed and the promise, or as much of it as a table holds."""
    named = re.search(r"^seed (\d+): (.+)$", said, re.MULTILINE)
    return (int(named[1]), named[2][:PROMISE_MAX]) if named else (None, None)


def words_of(patch):
    return " ".join(patch.read_text().partition("\n\n")[0].split())
