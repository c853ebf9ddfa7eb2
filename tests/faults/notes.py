"""The matrix of a note's way through each validator."""

from matrix import Matrix
from validator_faults import FAULTS, MEANINGS, is_allowed, moments, outcome
from validators import UNITS


def _state(moment):
    return f"on its way {moment.way}: {moment.state}"


def _place(moment):
    return f"{moment.at_s:.4f} s on its way {moment.way} ({moment.state})"


def _moments(unit, fault):
    return moments(UNITS[unit], fault)


def _outcome(unit, fault, moment):
    return outcome(UNITS[unit], fault, moment)


NOTES = Matrix(
    name="validators",
    help="Every fault at every moment of a note's way, with every protocol; exit code 1 when a note is lost, doubled or otherwise not as it must be.",
    file="faults.md",
    title="One fault at any moment of a note's way",
    things="notes",
    ending="After each fault all is mended, and the next customer's note is credited once.",
    units=tuple(UNITS),
    faults=FAULTS,
    meanings=MEANINGS,
    moments=_moments,
    outcome=_outcome,
    is_allowed=is_allowed,
    state=_state,
    place=_place,
)  # fmt: skip
