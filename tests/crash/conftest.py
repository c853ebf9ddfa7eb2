"""One real terminal for a test."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from rig import running  # noqa: E402  (a module of this folder, found by the line above)


@pytest.fixture
def rig(tmp_path):
    with running(tmp_path) as terminal:
        yield terminal
