"""How Kivy is set up. It reads its settings while it is imported, so this comes before the first other kivy import."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from kassa.config import Ui

SETTINGS_OF_KIVY = {
    "KIVY_NO_ARGS": "1",  # our command line is not Kivy's
    "KIVY_NO_CONFIG": "1",  # no file that somebody edited decides how a kiosk behaves
    "KIVY_NO_FILELOG": "1",
    "KIVY_LOG_MODE": "PYTHON",  # our handlers are the only ones
    "KIVY_METRICS_DENSITY": "1",  # sizes are pixels, whatever the monitor claims to be
    "KIVY_DPI": "96",
    "SDL_TOUCH_MOUSE_EVENTS": "0",  # a finger is a touch, not a touch and a mouse click
}


def prepare(home: Path, ui: Ui) -> None:
    """Decide everything about window and input; `home` is where Kivy may keep what it must."""
    os.environ.update(SETTINGS_OF_KIVY, KIVY_HOME=str(home))
    from kivy.config import Config

    Config.set("graphics", "width", ui.width)
    Config.set("graphics", "height", ui.height)
    Config.set("graphics", "fullscreen", "auto" if ui.fullscreen else "0")
    Config.set("graphics", "show_cursor", "0" if ui.fullscreen else "1")
    Config.set("graphics", "allow_screensaver", "0")
    Config.set("graphics", "multisamples", "0")  # the shapes are smooth by themselves
    Config.set("graphics", "maxfps", ui.fps)
    Config.set("kivy", "kivy_clock", "interrupt")  # a view is drawn when it comes, not at the next tick
    Config.set("kivy", "exit_on_escape", "0")
    Config.set("kivy", "pause_on_minimize", "0")
    for name, _provider in list(Config.items("input")):
        Config.remove_option("input", name)  # the window reports touches; a second reporter doubles them
    Config.set("input", "mouse", "mouse,disable_multitouch")
    logging.getLogger("kivy").setLevel(logging.WARNING)
    logging.getLogger("kivy").addFilter(_is_worth_a_line)


def _is_worth_a_line(record: logging.LogRecord) -> bool:
    """Kivy reports with a traceback that it misses a library for touch panels that we do not read."""
    return "MTDev" not in record.getMessage()
