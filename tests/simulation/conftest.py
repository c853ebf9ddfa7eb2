"""A home with the sample subscribers, and whole terminals in it."""

import shutil
import subprocess
import sys

import pytest

from kassa.home import Home, data_folder


@pytest.fixture(scope="session")
def sample_snapshots(tmp_path_factory):
    """The sample data, imported once by the real worker."""
    home = Home(tmp_path_factory.mktemp("sample") / "home")
    sample = data_folder() / "examples" / "subscribers.csv"
    kassa = [sys.executable, "-m", "kassa.cli.main"]
    subprocess.run([*kassa, "init", str(home.path), "--demo"], check=True)
    subprocess.run(
        [*kassa, "--home", str(home.path), "import", "run", str(sample), "--profile", "kassa_csv"], check=True
    )
    return home.snapshots


@pytest.fixture
def home(tmp_path, sample_snapshots):
    home = Home(tmp_path / "home")
    home.make()
    shutil.copytree(sample_snapshots, home.snapshots, symlinks=True, dirs_exist_ok=True)
    return home
