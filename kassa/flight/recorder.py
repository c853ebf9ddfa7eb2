"""What writes down a device's line while the terminal runs; it may fail, the terminal may not by it."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

from kassa.clock import Clock
from kassa.flight.ring import RING_BYTES, Kind, Ring

log = logging.getLogger("kassa.flight")


class Recorder:
    """The ring file of one device. Nothing here raises: what cannot be written is said once, and then it is off."""

    def __init__(self, path: Path, clock: Clock, spare_bytes: int) -> None:
        """A ring that is not there yet is made only where `spare_bytes` are left besides: they belong to the money."""
        self._path, self._clock = path, clock
        self._ring: Ring | None = None
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            free = shutil.disk_usage(path.parent).free
            if path.exists() or free >= spare_bytes + RING_BYTES:
                self._ring = Ring(path)
            else:
                log.warning("%s is not recorded until the next start: %s MB are free", path.stem, free >> 20)
        except OSError as error:
            self._turn_off(error)

    def record(self, protocol: str, kind: Kind, data: bytes) -> None:
        """Write down what passes, or what became of the port; some microseconds."""
        if self._ring is None:
            return
        try:
            self._ring.append(kind, data, self._clock.now().timestamp(), protocol)
        except OSError as error:
            self._turn_off(error)

    def close(self) -> None:
        """Give the file back; nothing is recorded any more."""
        if self._ring is not None:
            self._ring.close()
            self._ring = None

    def _turn_off(self, error: OSError) -> None:
        self.close()
        log.warning(
            "%s is not recorded until the next start: %s: %s", self._path.stem, self._path, error.strerror
        )
