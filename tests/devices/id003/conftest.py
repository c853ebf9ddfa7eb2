"""An ID-003 validator at its driver."""

from functools import partial

import pytest
from validators import UNITS, Rig, ready


@pytest.fixture
def new_rig():
    return partial(Rig, UNITS["id003"])


@pytest.fixture
def rig(new_rig):
    """A terminal with its slot open."""
    return ready(new_rig())
