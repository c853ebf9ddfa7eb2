"""`kassa simulate`: simulated terminals under every fault. It lies beside the tests, so it needs the source tree."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click

import kassa
from kassa.errors import KassaError

MODELS = Path(kassa.__file__).resolve().parent.parent / "tests" / "simulation"


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def simulate(arguments: tuple[str, ...]) -> None:
    """Live simulated terminals' days under every fault, and check every promise; from the source tree only.

    The usual ones: --seeds 100, --seed 3 (live one again), --explain 3 (tell its first visit); all of them are told by
    scripts/simulate --help.
    """
    if not MODELS.is_dir():
        raise KassaError(
            "the simulation comes with Kassa's source, not with the installed program; run scripts/simulate there"
        )
    sys.exit(subprocess.run([sys.executable, str(MODELS), *arguments], check=False).returncode)
