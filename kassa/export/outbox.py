"""The outgoing folder as a slow device: files are written in a thread of their own, and the core never waits for one.

The folder may be a stick or a network share, and a share that hangs holds whoever touches it, for minutes or for ever.
Meanwhile a note may wait at escrow.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from pathlib import Path

from kassa.export.batch import PaymentFile
from kassa.export.writer import ExportFailed, write
from kassa.ports import FileWritten

WRITE_MAX_S = 60.0
"""A slow stick takes a second for a megabyte; a folder that takes longer for one file does not answer."""


class Outbox:
    """Writes what waits, one export after the other; `dispatch` hears of each file in the event loop's thread.

    `write` is what touches the medium; it raises ExportFailed.
    """

    def __init__(
        self,
        waiting_files: Callable[[], list[PaymentFile]],
        dispatch: Callable[[object], None],
        write: Callable[[PaymentFile, Path], object] = write,
    ) -> None:
        self._waiting_files, self._dispatch, self._write_file = waiting_files, dispatch, write
        self._one_at_a_time = asyncio.Lock()
        self._thread: threading.Thread | None = None

    async def export(self, folder: Path) -> list[PaymentFile]:
        """Write every file that waits into `folder`; those that were. Raises ExportFailed at the first that fails."""
        async with self._one_at_a_time:
            files = self._waiting_files()
            for file in files:
                await self._write(file, folder)
                self._dispatch(FileWritten(file.batch, file.name, str(folder)))
            return files

    async def _write(self, file: PaymentFile, folder: Path) -> None:
        if self._thread is not None:
            raise ExportFailed(
                f"the folder of the last export still does not answer; see to it before {folder}"
            )
        loop = asyncio.get_running_loop()
        outcome: asyncio.Future[None] = loop.create_future()

        def settle(error: Exception | None) -> None:
            self._thread = None
            if outcome.done():
                return  # nobody waits any more; the file lies there, and is written again with the same bytes
            if error is None:
                outcome.set_result(None)
            else:
                outcome.set_exception(error)

        def run() -> None:
            try:
                self._write_file(file, folder)
                error = None
            except Exception as failure:  # noqa: BLE001 the outermost of this thread: the waiting side decides
                error = failure
            with contextlib.suppress(RuntimeError):  # the core has ended meanwhile
                loop.call_soon_threadsafe(settle, error)

        # A daemon: a thread that hangs in the kernel must not hold the end of the process.
        self._thread = threading.Thread(target=run, name="outbox", daemon=True)
        self._thread.start()
        try:
            async with asyncio.timeout(WRITE_MAX_S):
                await outcome
        except TimeoutError as error:
            raise ExportFailed(
                f"{folder} has not answered for {WRITE_MAX_S:.0f} s; see to it, then repeat"
            ) from error
