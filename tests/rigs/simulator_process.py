"""A device's simulator as a process of its own, with its console, for tests under asyncio."""

import asyncio
import contextlib
import json
import signal
import sys

WAIT_S = 30.0
"""A bound for a noisy machine; all of it takes a second."""


class Simulated:
    """One simulator at a pseudo-terminal, or in the network; what outlives its power is in `state`."""

    def __init__(self, module, folder, *, is_in_network=False):
        self._module, self._is_in_network = module, is_in_network
        self.link, self.state = folder / "port", folder / "state.json"
        self.port = 0

    async def start(self):
        place = ("--tcp", str(self.port)) if self._is_in_network else ("--pty", str(self.link))
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", self._module, *place, "--state", str(self.state), "--speed", "20",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        if self._is_in_network and not self.port:
            self.port = json.loads(await asyncio.wait_for(self.process.stdout.readline(), WAIT_S))["port"]
        assert (await self.say("state"))["ok"]

    async def say(self, line):
        self.process.stdin.write(line.encode() + b"\n")
        await self.process.stdin.drain()
        return json.loads(await asyncio.wait_for(self.process.stdout.readline(), WAIT_S))

    async def end(self, how=signal.SIGTERM):
        if (
            how == signal.SIGKILL and not self._is_in_network
        ):  # else a stranger may get its terminal's number, and our host the stranger
            self.link.unlink()
            self.link.symlink_to("/dev/pts/nobody")
        self.process.send_signal(how)
        code = await asyncio.wait_for(self.process.wait(), WAIT_S)
        self.process.stdin.close()
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            await self.process.stdin.wait_closed()
        return code
