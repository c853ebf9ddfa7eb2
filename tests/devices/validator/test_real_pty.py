"""The driver under asyncio over a real pseudo-terminal, against the simulator in its own process."""

import asyncio
import signal

import pytest
from simulator_process import WAIT_S, Simulated
from validators import UNITS

from devices.link import LineSettings, SerialLink
from devices.steps import Pump
from devices.validator.driver import ValidatorDriver
from kassa.money import of_whole
from kassa.ports import (
    EnableNotes,
    NoteEscrowed,
    NoteStacked,
    StackNote,
    ValidatorChanged,
    ValidatorLost,
    ValidatorReady,
    ValidatorState,
)

pytestmark = pytest.mark.slow


class Host:
    """A pump that takes every note, and what it heard."""

    def __init__(self, simulated):
        loop = asyncio.get_running_loop()
        self.facts = asyncio.Queue()
        self.pump = Pump(
            ValidatorDriver(simulated.unit.dialect, "RUB", ("RUS", "RUB")),
            lambda: SerialLink(str(simulated.link), LineSettings(9600), loop),
            self.dispatch,
            loop,
            0.05,
        )
        self.pump.start()

    def dispatch(self, fact):
        self.facts.put_nowait(fact)
        if isinstance(fact, ValidatorReady):
            self.pump.order(EnableNotes(frozenset(fact.values)))
        elif isinstance(fact, NoteEscrowed):
            self.pump.order(StackNote())

    async def hear(self, kind):
        async with asyncio.timeout(WAIT_S):
            while not isinstance(fact := await self.facts.get(), kind):
                pass
            return fact

    async def open(self):
        while (await self.hear(ValidatorChanged)).state is not ValidatorState.IDLING:
            pass


@pytest.fixture(params=UNITS.values(), ids=UNITS.keys())
def run(request, tmp_path):
    """Run a story with a simulator, leaving no process behind."""

    def run(story):
        async def whole():
            simulated = Simulated(request.param.module, tmp_path)
            simulated.unit = request.param
            await simulated.start()
            try:
                await story(simulated)
            finally:
                if simulated.process.returncode is None:
                    await simulated.end()

        asyncio.run(whole())

    return run


def test_a_note_goes_in_over_a_real_wire(run):
    async def story(simulated):
        host = Host(simulated)
        await host.open()
        assert await simulated.say("insert 500") == {"ok": True, "taken": 500}
        assert await host.hear(NoteStacked) == NoteStacked(of_whole(500))

        state = await simulated.say("state")
        assert (state["cassette"], state["total"]) == ({"500": 1}, "500.00")
        host.pump.stop()

    run(story)


def test_a_pulled_plug_is_heard_and_the_notes_are_still_there_afterwards(run):
    async def story(simulated):
        host = Host(simulated)
        await host.open()
        await simulated.say("insert 500")
        await host.hear(NoteStacked)
        await simulated.say("unplug")
        await host.hear(ValidatorLost)
        assert not simulated.link.exists()
        await simulated.say("plug")
        await host.open()
        assert (await simulated.say("state"))["notes"] == 1
        host.pump.stop()

    run(story)


def test_the_truth_outlives_a_killed_simulator(run):
    async def story(simulated):
        host = Host(simulated)
        await host.open()
        await simulated.say("insert 500")
        await host.hear(NoteStacked)
        await simulated.end(signal.SIGKILL)
        assert simulated.link.is_symlink()
        await host.hear(ValidatorLost)
        await simulated.start()
        await host.open()
        state = await simulated.say("state")
        assert (state["notes"], state["status"]) == (1, "idling")
        host.pump.stop()
        assert await simulated.end() == 0
        assert not simulated.link.is_symlink()

    run(story)
