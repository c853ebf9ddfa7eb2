"""Room kept for the worst moment: a file that is given up when the disk is full.

The terminal refuses notes long before the disk is full. But whoever fills the disk may do so within a moment, with a
note on its way into the cassette: its entry has to find room all the same.
"""

from __future__ import annotations

import logging
import os
import shutil
from pathlib import Path

log = logging.getLogger("kassa.ballast")

BALLAST_BYTES = 16 << 20
"""Hundreds of entries; and no terminal misses so little."""


class Ballast:
    """The file at `path`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def lay(self, spare_bytes: int) -> None:
        """Take the room, if more than `spare_bytes` are left besides. A disk that has none is no error here."""
        if self._path.exists() or shutil.disk_usage(self._path.parent).free < spare_bytes + BALLAST_BYTES:
            return
        try:
            with self._path.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, BALLAST_BYTES)
        except OSError as error:
            log.warning("no room could be kept in %s: %s", self._path, error.strerror)
            self._path.unlink(missing_ok=True)

    def drop(self) -> bool:
        """Give the room back; whether there was any."""
        try:
            self._path.unlink()
        except FileNotFoundError:
            return False
        log.critical("the disk is full: the room kept in %s was given up", self._path)
        return True
