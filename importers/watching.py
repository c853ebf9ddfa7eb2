"""How a folder is watched: by the kernel's events where it is local, by looking at it where it is not."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from watchdog.events import (
    DirCreatedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer

REMOTE_KINDS = frozenset(
    [
        "9p",
        "afs",
        "ceph",
        "cifs",
        "davfs",
        "fuse",
        "glusterfs",
        "lustre",
        "ncpfs",
        "nfs",
        "nfs4",
        "orangefs",
        "smb2",
        "smb3",
        "smbfs",
        "vboxsf",
        "virtiofs",
    ]
)
"""File systems on which others change files without this kernel's knowledge, so that it sends no events."""

MOUNTINFO = Path("/proc/self/mountinfo")

STOP_MAX_S = 2.0
"""For the watching thread to end; the core's own end never waits for it longer."""

_ESCAPE = re.compile(r"\\([0-7]{3})")


def is_remote(folder: Path, mountinfo: str) -> bool:
    """Whether `folder` (absolute) lies on a network share, by the text of /proc/self/mountinfo (proc(5))."""
    best, kind = -1, ""
    for line in mountinfo.split("\n"):
        before, dash, after = line.partition(" - ")
        if not dash:
            continue
        mount = Path(_ESCAPE.sub(lambda match: chr(int(match[1], 8)), before.split(" ")[4]))
        if folder.is_relative_to(mount) and len(mount.parts) >= best:  # of equal mounts the last lies on top
            best, kind = len(mount.parts), after.split(" ")[0]
    return kind in REMOTE_KINDS or kind.startswith("fuse.")


def sends_events(folder: Path, watch: Literal["auto", "events", "polling"]) -> bool:
    """Whether events can be relied on for this folder, by configuration or by the kind of its file system."""
    if watch != "auto":
        return watch == "events"
    try:
        return not is_remote(
            folder.resolve(), MOUNTINFO.read_text(encoding="utf-8", errors="surrogateescape")
        )
    except OSError:
        return False


class Events(FileSystemEventHandler):
    """The kernel's events of one folder, brought into the event loop.

    `arrived(name)`: it was renamed into place, so it is whole. `changed()`: something else happened. That a writer
    closed a file is no proof: copying programs close a new file when it is still empty, and open it again.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, arrived: Callable[[str], None], changed: Callable[[], None]
    ) -> None:
        self._loop, self._arrived, self._changed = loop, arrived, changed
        self._observer = Observer()

    def start(self, folder: Path) -> None:
        """Begin to watch. Raises OSError when the folder is not there or the kernel has no watches left."""
        self._observer.schedule(
            self,
            str(folder),
            # Not FileModified: a large copy would send thousands of them, and says when it is closed.
            event_filter=[FileClosedEvent, FileMovedEvent, FileCreatedEvent, DirMovedEvent, DirCreatedEvent],
        )
        self._observer.start()

    def stop(self) -> None:
        """End the watching thread."""
        if self._observer.is_alive():
            self._observer.stop()
            self._observer.join(STOP_MAX_S)

    def dispatch(self, event: FileSystemEvent) -> None:
        """Called in the watching thread."""
        if self._loop.is_closed():
            return
        if isinstance(event, FileMovedEvent | DirMovedEvent):
            self._loop.call_soon_threadsafe(self._arrived, os.path.basename(os.fsdecode(event.dest_path)))
        else:
            self._loop.call_soon_threadsafe(self._changed)
