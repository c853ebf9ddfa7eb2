"""A control server with a real terminal behind it, in a thread of its own."""

import asyncio
import threading

from counting_clock import CountingClock

from kassa.config import load
from kassa.control.server import Server
from kassa.control.staff_asks import StaffAsks
from kassa.errors import KassaError
from kassa.home import Home, data_folder
from kassa.journal.store import Journal, JournalFailed
from kassa.staff import Admission
from kassa.terminal import Devices, Terminal


class Served:
    """What the core does with its server, without the core; `faults` are those that would stop it."""

    def __init__(self, path):
        self.home = Home(path)
        self.home.make()
        self.faults = []
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._live()), daemon=True)

    def start(self):
        self._thread.start()
        assert self._ready.wait(10)

    async def _live(self):
        self.loop = asyncio.get_running_loop()
        self.loop.set_exception_handler(lambda _, context: self.faults.append(context["exception"]))
        self._end = asyncio.Event()
        journal = self.journal = Journal.open(self.home.journal, CountingClock())
        config = load(data_folder() / "examples" / "kassa.toml")
        self.terminal = Terminal(
            config, self.home, journal, CountingClock(), Devices(lambda _: None, lambda _: None, lambda: None)
        )
        self.server = Server(
            self.terminal,
            {
                "status": self._status,
                "refuse": self._refuse,
                "fail": self._fail,
                "large": self._large,
                "copy_journal": self._copy_journal,
                **StaffAsks(
                    config, self.home, journal, self.terminal, Admission(self.home, journal, CountingClock())
                ).answers,
            },
        )
        await self.server.start(self.home.socket)
        self._ready.set()
        await self._end.wait()
        await self.server.stop()
        await asyncio.sleep(0)
        journal.close()

    async def _status(self, _values):
        return self.terminal.status()

    async def _copy_journal(self, _values):
        path = self.home.run / "copy.db"
        for _ in self.journal.copy_to(path):
            pass
        return {"path": str(path)}

    async def _refuse(self, _values):
        raise KassaError("not now")

    async def _fail(self, _values):
        raise JournalFailed("the disk has failed")

    async def _large(self, _values):
        return "x" * 500_000

    def call(self, do):
        """Do something in the loop's own thread and give its answer."""

        async def done():
            return do()

        return asyncio.run_coroutine_threadsafe(done(), self.loop).result(10)

    def stop(self):
        self.loop.call_soon_threadsafe(self._end.set)
        self._thread.join(10)
        assert not self._thread.is_alive()
