"""Where the control socket is, in the 107 bytes that the kernel has for a Unix socket's address."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

ADDRESS_MAX_BYTES = 107
"""`sun_path` of unix(7), less its closing zero."""


@contextlib.contextmanager
def reachable(path: Path) -> Iterator[str]:
    """`path` as an address for bind and connect; a longer one leads through a descriptor of its folder.

    Raises OSError when the folder of a long path cannot be opened.
    """
    if len(os.fsencode(path)) <= ADDRESS_MAX_BYTES:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
