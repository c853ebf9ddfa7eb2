"""A home with the sample subscribers, and homes that share their data."""

import pytest
from world import own_home

from data import make_data


@pytest.fixture(scope="session")
def sample_home(tmp_path_factory):
    """A home into which the real worker imported the sample data."""
    folder = tmp_path_factory.mktemp("sample")
    make_data(folder)
    return folder


@pytest.fixture
def home(sample_home):
    with own_home(sample_home) as home:
        yield home
