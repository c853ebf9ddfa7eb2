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
