"""A registrar's driver under asyncio, and what it tells."""

import asyncio

from simulator_process import WAIT_S

from devices.steps import Pump
from kassa.ports import RegistrarStatus


class Host:
    """A pump, and what it heard."""

    def __init__(self, driver, open_link):
        loop = asyncio.get_running_loop()
        self.facts = asyncio.Queue()
        self.pump = Pump(driver, lambda: open_link(loop), self.facts.put_nowait, loop, 0.05)
        self.pump.start()

    async def hear(self, *kinds):
        async with asyncio.timeout(WAIT_S):
            while not isinstance(fact := await self.facts.get(), kinds):
                pass
            return fact

    async def be_ready(self):
        while (await self.hear(RegistrarStatus)).problem is not None:
            pass

    def end(self):
        self.pump.stop()
