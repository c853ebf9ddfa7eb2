"""Everything that befalls a terminal: each trouble begins, lasts a while, and ends, as a hand would bring it about."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass

from vitals import children

from kassa.demo.stage import Stage


@dataclass(frozen=True, slots=True)
class Trouble:
    """`begin` and `end` are what is done to the terminal; in between `lasts_s` pass, at least and at most."""

    name: str
    begin: Callable[[Stage], object]
    end: Callable[[Stage], object]
    lasts_s: tuple[float, float]
    is_deadly: bool = False
    """It ends a process whose memory is being watched."""
    is_deaf: bool = False
    """Meanwhile the core answers nobody."""
    spares_polls: bool = False
    """The validator is asked as steadily as ever."""


def start_core(stage: Stage) -> None:
    """`kassa run` with its screen, which nobody sees."""
    stage.start_core(with_ui=True, SDL_VIDEODRIVER="offscreen")


def screen_pid(stage: Stage) -> int | None:
    """The process of the core's own screen; None while it is being started again."""
    found = [pid for pid, words in children(stage.core_pid).items() if "ui" in words]
    return found[0] if found else None


def _signal_screen(number: signal.Signals) -> Callable[[Stage], None]:
    def send(stage: Stage) -> None:
        if (pid := screen_pid(stage)) is not None:
            os.kill(pid, number)

    return send


def _signal_core(number: signal.Signals) -> Callable[[Stage], None]:
    return lambda stage: os.kill(stage.core_pid, number)


def _validator(line: str) -> Callable[[Stage], object]:
    return lambda stage: stage.validator.order(line)


def _registrar(line: str) -> Callable[[Stage], object]:
    return lambda stage: stage.registrar.order(line)


def _nothing(_stage: Stage) -> None:
    """It ends by itself."""


def _lights_out(stage: Stage) -> None:
    stage.validator.order("power off")
    stage.kill_core()
    stage.registrar.order("power off")


def _lights_on(stage: Stage) -> None:
    stage.validator.order("power on")
    stage.registrar.order("power on")
    start_core(stage)


TROUBLES = (
    Trouble("core killed", Stage.kill_core, start_core, (0.0, 4.0), is_deadly=True, is_deaf=True),
    Trouble("lights out", _lights_out, _lights_on, (0.5, 4.0), is_deadly=True, is_deaf=True),
    Trouble(
        "screen killed", _signal_screen(signal.SIGKILL), _nothing, (0.0, 0.0), is_deadly=True, spares_polls=True
    ),
    Trouble(
        "core stopped", _signal_core(signal.SIGSTOP), _signal_core(signal.SIGCONT), (1.0, 15.0), is_deaf=True
    ),
    Trouble(
        "screen stopped", _signal_screen(signal.SIGSTOP), _signal_screen(signal.SIGCONT), (1.0, 15.0),
        spares_polls=True,
    ),
    Trouble("validator unplugged", _validator("unplug"), _validator("plug"), (0.2, 8.0)),
    Trouble("validator without power", _validator("power off"), _validator("power on"), (0.2, 8.0)),
    Trouble("note jammed", _validator("fault jam"), _validator("clear"), (1.0, 8.0)),
    Trouble("cassette out", _validator("fault cassette_out"), _validator("clear"), (1.0, 8.0)),
    Trouble("note pulled at", _validator("fault cheat"), _nothing, (1.0, 1.0)),
    Trouble("registrar unplugged", _registrar("unplug"), _registrar("plug"), (0.2, 8.0), spares_polls=True),
    Trouble(
        "registrar without power", _registrar("power off"), _registrar("power on"), (0.2, 8.0),
        spares_polls=True,
    ),
    Trouble("paper out", _registrar("paper out"), _registrar("paper in"), (1.0, 8.0), spares_polls=True),
)  # fmt: skip
