"""One target under atheris, in a process of its own: `python drive.py TARGET LIBFUZZER-ARGUMENTS`."""

from __future__ import annotations

import shlex
import sys
import warnings
from pathlib import Path

import atheris

OURS = ["kassa", "importers", "devices", "tomllib"]
"""Whose branches guide the fuzzer. tomllib is not ours, yet it is what reads two of our files, in Python."""


def main(name: str, arguments: list[str]) -> None:
    sys.path.append(str(Path(__file__).parent.with_name("rigs")))
    with atheris.instrument_imports(include=OURS):
        from targets import TARGETS
    warnings.simplefilter("error")  # as in every test: what Python only warns of is wrong
    # To minimize a corpus libFuzzer starts itself again, through a shell, by what is called its program here.
    program = shlex.join([sys.executable, __file__, name])
    atheris.Setup([program, *arguments], TARGETS[name].run)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
