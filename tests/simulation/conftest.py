"""A home with the sample subscribers, and homes that share their data."""

import pytest

from data import make_data
from kassa.home import Home


@pytest.fixture(scope="session")
def sample_home(tmp_path_factory):
    """A home into which the real worker imported the sample data."""
    folder = tmp_path_factory.mktemp("sample")
    make_data(folder)
    return folder


@pytest.fixture
def home(tmp_path, sample_home):
    home = Home(tmp_path / "home")
    home.make()
    home.snapshots.rmdir()
    home.snapshots.symlink_to(sample_home / "snapshots")
    return home
