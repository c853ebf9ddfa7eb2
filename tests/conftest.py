"""How every test runs."""

import os

from hypothesis import settings

# The machine is shared and noisy: how long an example took says nothing. CI tries the same examples each time, so
# that a red run means a change; everybody else finds new ones.
settings.register_profile("kassa", deadline=None, derandomize=bool(os.environ.get("CI")), print_blob=True)
settings.load_profile("kassa")
