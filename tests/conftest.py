"""How every test runs."""

import os

import pytest
from hypothesis import Phase, settings

# The machine is shared and noisy: how long an example took says nothing. CI tries the same examples each time, so
# that a red run means a change; everybody else finds new ones.
settings.register_profile("kassa", deadline=None, derandomize=bool(os.environ.get("CI")), print_blob=True)
settings.load_profile("kassa")
# For scripts/mutation: always the same examples, and one that fails is enough.
settings.register_profile(
    "mutation", settings.get_profile("kassa"), derandomize=True, phases=[Phase.explicit, Phase.generate]
)


IN_REAL_TIME = ("crash", "recorder", "soak")
"""Folders whose tests wait for real processes that were killed, starved or recorded."""


@pytest.hookimpl(tryfirst=True)  # before pytest leaves out what `-m` does not want
def pytest_collection_modifyitems(items):
    """Files that take minutes begin first, so that no worker is left alone with one of them at the end."""
    for item in items:
        if item.path.parent.name in IN_REAL_TIME:
            item.add_marker("slow")
    slow = {item.path for item in items if item.get_closest_marker("slow") is not None}
    items.sort(key=lambda item: item.path not in slow)
