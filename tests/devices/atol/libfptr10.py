"""The vendor's wrapper as far as our process uses it, with a simulated registrar behind it.

The file beside it that the environment names keeps what outlives the process.
"""

import os
import time
from datetime import datetime
from pathlib import Path

import msgspec

from devices import truths
from devices.atol.machine import Machine
from devices.atol.memory import Truth

SPEED = 20.0


class IFptr:
    LIBFPTR_PARAM_JSON_DATA = 65645
    LIBFPTR_SETTING_MODEL = "Model"
    LIBFPTR_SETTING_PORT = "Port"
    LIBFPTR_SETTING_COM_FILE = "ComFile"
    LIBFPTR_SETTING_BAUDRATE = "BaudRate"
    LIBFPTR_SETTING_IPADDRESS = "IPAddress"
    LIBFPTR_SETTING_IPPORT = "IPPort"
    LIBFPTR_SETTING_ACCESS_PASSWORD = "AccessPassword"
    LIBFPTR_SETTING_USER_PASSWORD = "UserPassword"

    def __init__(self, path):
        print(
            "the vendor's library greets its user"
        )  # what a library should not do, and this one's kind does
        self._file = Path(os.environ["SIMULATED_REGISTRAR"])
        self._settings, self._params, self._outcome, self._is_open = {}, {}, None, False

    def setSingleSetting(self, name, value):
        assert isinstance(value, str)
        self._settings[name] = value

    def applySingleSettings(self):
        return 0

    def isOpened(self):
        return self._is_open

    def open(self):
        truth = truths.load(self._file, Truth)
        wall = datetime.now().astimezone()
        self._machine = Machine(
            time.monotonic(), truth, wall=wall, speed=SPEED, changed=lambda: truths.save(truth, self._file)
        )
        self._is_open = True
        return 0

    def close(self):
        self._is_open = False
        return 0

    def setParam(self, name, value):
        self._params[name] = value

    def getParamString(self, name):
        return self._params[name]

    def processJson(self):
        task = self._params[self.LIBFPTR_PARAM_JSON_DATA]
        if "crash" in task:
            os._exit(139)
        self._machine.start(task.encode(), time.monotonic())
        while self._machine.outcome is None:
            time.sleep(0.001)
            self._machine.advance(time.monotonic())
        self._outcome = self._machine.outcome
        self._params[self.LIBFPTR_PARAM_JSON_DATA] = msgspec.json.encode(self._outcome.result).decode()
        return -1 if self._outcome.code else 0

    def errorCode(self):
        return self._outcome.code

    def errorDescription(self):
        return self._outcome.description
