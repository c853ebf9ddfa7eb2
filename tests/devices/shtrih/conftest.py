"""A Shtrih-M driver and a simulated registrar in virtual time, with a core whose fiscal queue is the real one.

Or the simulator alone, in a process of its own behind a real pseudo-terminal.
"""

import asyncio

import pytest
import registrars
from registrar_units import ShtrihUnit
from simulator_process import Simulated


class Rig(registrars.Rig):
    """One kiosk's Shtrih-M."""

    def __init__(self, truth=None, **quirks):
        super().__init__(ShtrihUnit, truth=truth, **quirks)

    @property
    def sim(self):
        return self.unit.machine

    @property
    def wire(self):
        return self.unit.wire

    def do(self, name, *values, **named):
        return self.unit.do(name, *values, **named)

    def power_cycle(self, off_s=1.0):
        registrars.power_cut(self, off_s)


@pytest.fixture
def new_rig():
    return Rig


@pytest.fixture
def rig():
    """A terminal whose registrar is ready, the shift closed."""
    one = Rig()
    one.wait_ready()
    one.core.facts.clear()
    one.sim.commands.clear()
    return one


@pytest.fixture
def run(tmp_path):
    """Run a story with a simulator, leaving no process behind."""

    def run(story):
        async def whole():
            simulated = Simulated("devices.shtrih.simulator", tmp_path)
            await simulated.start()
            try:
                await story(simulated)
            finally:
                if simulated.process.returncode is None:
                    await simulated.end()

        asyncio.run(whole())

    return run
