"""The vendor's wrapper as far as our process uses it, with a simulated registrar behind it for which no time passes."""

from typing import Any

import msgspec

from devices.atol.machine import Machine, Outcome

TASK_MAX_S = 1e6


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

    def __init__(self, _path: str) -> None:
        self._machine, self._now, self._json = Machine(), 0.0, ""
        self._outcome = Outcome(0)

    def setSingleSetting(self, _name: str, value: str) -> None:
        assert value
        value.encode()

    def applySingleSettings(self) -> int:
        return 0

    def isOpened(self) -> bool:
        return True

    def open(self) -> int:
        return 0

    def close(self) -> int:
        return 0

    def setParam(self, _name: int, value: str) -> None:
        self._json = value

    def getParamString(self, _name: int) -> str:
        return self._json

    def processJson(self) -> int:
        self._machine.start(self._json.encode(), self._now)
        self._now += TASK_MAX_S
        self._machine.advance(self._now)
        assert self._machine.outcome is not None
        self._outcome = self._machine.outcome
        self._json = msgspec.json.encode(self._outcome.result).decode()
        return -1 if self._outcome.code else 0

    def errorCode(self) -> int:
        return self._outcome.code

    def errorDescription(self) -> Any:
        return self._outcome.description
