"""What setup.cfg says is what the tree holds."""

import configparser
from pathlib import Path

from kassa.cli.main import COMMANDS
from kassa.home import data_folder

ROOT = Path(__file__).resolve().parent.parent.parent


def test_every_shared_file_is_installed():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    patterns = setup["options.data_files"].values()
    installed = {path for pattern in patterns for path in ROOT.glob(pattern)}

    there = {path for path in data_folder().rglob("*") if path.is_file()}

    assert there == installed


def test_every_package_has_its_kv_files_installed():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    listed = setup["options.package_data"]
    installed = {
        path
        for package, patterns in listed.items()
        for pattern in patterns.split(", ")
        for path in (ROOT / package.replace(".", "/")).glob(pattern)
    }

    assert set((ROOT / "kassa").rglob("*.kv")) <= installed


def test_the_top_level_is_what_the_house_agreed_on():
    tracked = {path.name for path in ROOT.iterdir() if path.is_dir() and (path / "__init__.py").exists()}
    assert tracked == {"kassa", "importers", "devices"}


def test_every_command_has_a_module_of_its_own():
    assert all(target.startswith("kassa.cli.") for target in COMMANDS.values())
