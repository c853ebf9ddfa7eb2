"""A simulated device on a technician's bench: a port that blocks, in time that only passes while somebody waits."""

from devices.link import LineSettings

STEP_S = 0.01
"""So finely time passes for a device that plans nothing."""
MINUTE_S = 60.0


class BenchPort:
    """Implements `devices.blocking.Port`. `line`: the only settings that the device understands; None: all of them.

    `is_frozen`: for the device no time passes, so whatever is another way afterwards, the questions have done it.
    """

    def __init__(self, device, line=None, *, is_frozen=False, start=1000.0):
        self.device, self.line, self.is_frozen = device, line, is_frozen
        self.sent, self.lines = [], []
        self._start = self._now = start
        self._came = b""
        self._hands = []

    def at(self, seconds, hand):
        """A hand does something in so many seconds."""
        self._hands.append((self._now + seconds, hand))
        self._hands.sort(key=lambda one: one[0])

    @property
    def device_time(self):
        return self._start if self.is_frozen else self._now

    def set_up(self, line):
        assert isinstance(line, LineSettings)
        self.lines.append(line)
        self._came = b""

    def send(self, data):
        self.sent.append(data)
        if self.line is None or self.lines[-1] == self.line:
            self._came += self.device.receive(data, self.device_time)

    def receive(self, timeout_ms):
        end = self._now + timeout_ms / 1000
        while not self._came and self._now < end:
            self._pass(min(STEP_S, end - self._now))
        came, self._came = self._came, b""
        return came

    def disclose(self, data, *, is_ours):
        pass

    def flush(self):
        self._came = b""

    def pause(self, ms):
        end = self._now + ms / 1000
        while self._now < end:
            self._pass(min(STEP_S, end - self._now))

    def now(self):
        return self._now

    def _pass(self, seconds):
        self._now += seconds
        while self._hands and self._hands[0][0] <= self._now:
            self._hands.pop(0)[1](self._now)
        self._came += self.device.advance(self.device_time)


class Silence:
    """Nothing is connected."""

    def receive(self, data, now):
        return b""

    def advance(self, now):
        return b""


class LoopBack(Silence):
    """What is sent comes back."""

    def receive(self, data, now):
        return data


class Babbler(Silence):
    """Something else hangs on the line: it answers everything with these bytes."""

    def __init__(self, said):
        self.said = said

    def receive(self, data, now):
        return self.said
