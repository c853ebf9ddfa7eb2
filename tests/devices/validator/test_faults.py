"""One fault at any moment of a note's way: the note is kept, credited once, an orphan or marked, and never lost or doubled.

This is every fifth moment; `scripts/faults validators` goes through all of them and writes the table.
"""

import pytest
from validator_faults import FAULTS, is_allowed, moments, outcome
from validators import UNITS

pytestmark = pytest.mark.slow

MOMENTS_MIN = 60
EVERY = 5

faulty = pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
any_unit = pytest.mark.parametrize("unit", UNITS.values(), ids=UNITS.keys())


@any_unit
@faulty
def test_no_fault_at_any_moment_loses_or_doubles_a_note(unit, fault):
    first = FAULTS.index(fault) % EVERY

    found = {moment: outcome(unit, fault, moment) for moment in moments(unit, fault)[first::EVERY]}

    assert {one: became for one, became in found.items() if not is_allowed(fault, one, became)} == {}


@any_unit
def test_the_moments_are_many_and_of_every_state(unit):
    found = moments(unit, FAULTS[0])

    assert len(found) >= MOMENTS_MIN
    seen = {moment.state.partition(",")[0] for moment in found}
    assert seen >= {"ACCEPTING", "ESCROW", "STACKING", "RETURNING", "IDLING"}
