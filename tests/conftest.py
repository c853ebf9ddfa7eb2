"""How every test runs."""

import os

from hypothesis import Phase, settings

# The machine is shared and noisy: how long an example took says nothing. CI tries the same examples each time, so
# that a red run means a change; everybody else finds new ones.
settings.register_profile("kassa", deadline=None, derandomize=bool(os.environ.get("CI")), print_blob=True)
settings.load_profile("kassa")
# For scripts/mutation: always the same examples, and one that fails is enough.
settings.register_profile(
    "mutation", settings.get_profile("kassa"), derandomize=True, phases=[Phase.explicit, Phase.generate]
)


def pytest_collection_modifyitems(items):
    """Files that take minutes begin first, so that no worker is left alone with one of them at the end."""
    slow = {item.path for item in items if item.get_closest_marker("slow") is not None}
    items.sort(key=lambda item: item.path not in slow)
