from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from importers.job import Job
from importers.profile import Profile, find_profile
from kassa import config
from kassa.home import Home, data_folder
from kassa.importing import Outcome
from kassa.subscribers import Snapshot, open_current

HEADER = "Лицевой счёт;ФИО;Адрес;Услуга;Баланс;Дата"
ELKINA = "0017742;Ёлкина А. П.;г. Примерск, ул. Садовая, д. 5, кв. 12;Интернет;-350,50;24.11.2026"
TSOI = "0017990;Цой Виктор;г. Примерск, пр. Мира, д. 1;ТВ;1 200,00;24.11.2026"
GOOD = f"{HEADER}\r\n{ELKINA}\r\n{TSOI}\r\n".encode("cp1251")

Load = Callable[..., Outcome]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "home")
    made.make()
    shutil.copy(data_folder() / "examples" / "kassa.toml", made.config)
    return made


@pytest.fixture
def load(home: Home, tmp_path: Path) -> Load:
    """Import bytes as a file, in this process, by a ready or a given profile."""

    def run(
        content: bytes | Path,
        profile: str | Profile = "kassa_csv",
        *,
        name: str = "base.csv",
        check_only: bool = False,
    ) -> Outcome:
        path = content if isinstance(content, Path) else tmp_path / name
        if isinstance(content, bytes):
            path.write_bytes(content)
        chosen = find_profile(home, profile) if isinstance(profile, str) else profile
        reports = home.logs / "imports"
        return Job(home, config.load(home.config), chosen, path, reports, check_only=check_only).run()

    return run


@pytest.fixture
def current(home: Home) -> Callable[[], Snapshot]:
    """The snapshot in use, open."""

    def opened() -> Snapshot:
        snapshot = open_current(home.snapshots)
        assert snapshot is not None
        return snapshot

    return opened
