"""One fault at any step of a receipt: one document in the end, or a person is told that the drive which holds it is gone.

This is every eighth step; `scripts/faults fiscal` goes through all of them and writes the table.
"""

import pytest
from registrar_faults import FAULTS, is_allowed, outcome, steps
from registrars import FISCAL

pytestmark = pytest.mark.slow

STEPS_MIN = 25
EVERY = 8


@pytest.mark.parametrize(
    ("unit", "fault"),
    [
        pytest.param(unit, fault, id=f"{unit}-{fault.name}")
        for unit in FISCAL
        for fault in FAULTS
        if unit in fault.units
    ],
)
def test_no_fault_at_any_step_loses_or_doubles_a_document(unit, fault):
    first = FAULTS.index(fault) % EVERY

    found = {step: outcome(unit, fault, step) for step in steps(unit)[first::EVERY]}

    assert {one: became for one, became in found.items() if not is_allowed(fault, became)} == {}


@pytest.mark.parametrize("unit", FISCAL)
def test_the_steps_are_many_and_lie_before_and_behind_the_document(unit):
    found = steps(unit)

    assert len(found) >= STEPS_MIN
    assert {step.state.rpartition(", ")[2] for step in found} == {"recorded", "not recorded"}
