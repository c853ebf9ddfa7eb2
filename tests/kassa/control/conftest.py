"""A control server with a real terminal behind it."""

import pytest
from served_terminal import Served


@pytest.fixture
def served(tmp_path):
    one = Served(tmp_path / "home")
    one.start()
    yield one
    one.stop()
