"""The matrix of a receipt's way to its fiscal document with each registrar."""

from matrix import Matrix
from registrar_faults import FAULTS, MEANINGS, is_allowed, outcome, steps
from registrars import FISCAL


def _state(step):
    return step.state


def _place(step):
    return f"{step.after_s} s behind write {step.writes} ({step.state})"


def _steps(unit, fault):
    return steps(unit) if unit in fault.units else ()


def _is_allowed(fault, _, became):
    return is_allowed(fault, became)


RECEIPTS_MADE = Matrix(
    name="fiscal",
    help="Every fault at every step of a receipt, with every registrar; exit code 1 when a payment has two documents, or none and nobody knows.",
    file="faults-fiscal.md",
    title="One fault at any step of a receipt",
    things="receipts",
    ending="After each fault all is mended, and the next customer has one document.",
    units=tuple(FISCAL),
    faults=FAULTS,
    meanings=MEANINGS,
    moments=_steps,
    outcome=outcome,
    is_allowed=_is_allowed,
    state=_state,
    place=_place,
)  # fmt: skip
