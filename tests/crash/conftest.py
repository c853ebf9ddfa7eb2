"""One real terminal for a test."""

import pytest
from real_terminal import running


@pytest.fixture
def rig(tmp_path):
    with running(tmp_path) as terminal:
        yield terminal
