"""The subscribers of every simulated terminal: the project's sample file, imported once by the real worker."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from kassa.home import data_folder


def make_data(folder: Path) -> None:
    """Make a home in `folder`, with the sample subscribers in it."""
    sample = data_folder() / "examples" / "subscribers.csv"
    kassa = [sys.executable, "-m", "kassa.cli.main"]
    subprocess.run([*kassa, "init", str(folder), "--demo"], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(
        [*kassa, "--home", str(folder), "import", "run", str(sample), "--profile", "kassa_csv"],
        check=True,
        stdout=subprocess.DEVNULL,
    )
