"""A snapshot is opened whole or refused in words; a name is shown so that only its bearer knows it."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kassa.money import Money
from kassa.subscribers import (
    CURRENT,
    INDEX,
    SCHEMA,
    Snapshot,
    SnapshotError,
    SnapshotInfo,
    current_path,
    mask_address,
    mask_name,
    open_current,
)


def make_store(path: Path, *statements: str) -> Path:
    with apsw.Connection(str(path)) as connection:
        for statement in (*SCHEMA, *statements):
            connection.execute(statement)
    connection.close()
    return path


def test_no_file_was_ever_loaded(tmp_path: Path) -> None:
    assert current_path(tmp_path) is None
    assert open_current(tmp_path) is None


def test_a_link_to_a_store_that_is_gone_is_no_store(tmp_path: Path) -> None:
    (tmp_path / CURRENT).symlink_to("gone.db")

    assert open_current(tmp_path) is None


def bytes_of_chance(path: Path) -> None:
    path.write_bytes(bytes(range(256)) * 64)


def nothing(path: Path) -> None:
    path.write_bytes(b"")


def cut_off(path: Path) -> None:
    make_store(path)
    os.truncate(path, path.stat().st_size // 2)


def of_another_program(path: Path) -> None:
    make_store(path, "PRAGMA application_id = 7")


def of_another_version(path: Path) -> None:
    make_store(path, "PRAGMA user_version = 99")


def without_a_word_about_itself(path: Path) -> None:
    make_store(path)


def with_nonsense_about_itself(path: Path) -> None:
    make_store(path, "INSERT INTO info VALUES ('accounts', 'many')")


@pytest.mark.parametrize(
    "make",
    [
        bytes_of_chance,
        nothing,
        cut_off,
        of_another_program,
        of_another_version,
        without_a_word_about_itself,
        with_nonsense_about_itself,
        Path.mkdir,
    ],
)
def test_what_is_no_store_of_ours_is_refused_in_words(tmp_path: Path, make) -> None:  # type: ignore[no-untyped-def]
    make(tmp_path / "1.db")
    (tmp_path / CURRENT).symlink_to("1.db")

    with pytest.raises(SnapshotError, match=r"1\.db"):
        open_current(tmp_path)


INFO = SnapshotInfo(
    "base.csv", "0" * 64, "kassa_csv", "0" * 64, "RUB", datetime(2026, 11, 24, tzinfo=UTC), True,
    datetime(2026, 11, 25, tzinfo=UTC), 1, 1,
)  # fmt: skip
ROW = "INSERT INTO balance VALUES ('0017742', 'internet', 'Ёлкина А. П.', 'Садовая 5', -35050, 2)"


def make_finished_store(path: Path, *changes: str) -> Path:
    info = [f"INSERT INTO info VALUES ('{name}', '{value}')" for name, value in INFO.to_rows()]
    return make_store(path, *info, ROW, INDEX, *changes)


def test_a_finished_store_tells_what_was_put_into_it(tmp_path: Path) -> None:
    snapshot = Snapshot.open(make_finished_store(tmp_path / "1.db"))

    found = snapshot.find("0017742")

    assert found is not None
    assert found.balance("internet") == Money(-35050)
    assert snapshot.info == INFO


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE info SET value = CAST(7 AS INTEGER) WHERE name = 'as_of'",
        "UPDATE info SET value = x'ff' WHERE name = 'currency'",
        "UPDATE info SET value = x'3230' WHERE name = 'loaded_at'",
        "UPDATE info SET value = CAST(x'ff' AS TEXT) WHERE name = 'file'",
        "UPDATE info SET value = x'ff' WHERE name = 'file'",
        "DROP INDEX balance_of_account",
        "CREATE TABLE more (a)",
        "ALTER TABLE balance ADD COLUMN more",
    ],
)
def test_a_store_that_was_tampered_with_is_refused_when_it_is_opened(tmp_path: Path, change: str) -> None:
    with pytest.raises(SnapshotError, match=r"1\.db is broken"):
        Snapshot.open(make_finished_store(tmp_path / "1.db", change))


def test_what_a_damaged_store_says_cannot_steer_the_terminal_it_is_shown_on(tmp_path: Path) -> None:
    path = make_finished_store(tmp_path / "1.db")
    path.write_bytes(path.read_bytes().replace(b"-- normal form", b"\n\x1b)[2J\x1b[2J "))

    with pytest.raises(SnapshotError) as refused:
        Snapshot.open(path)

    assert str(refused.value).isprintable()


def test_a_view_that_answers_for_ever_is_not_asked(tmp_path: Path) -> None:
    endless = (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
        " SELECT '1' account, 'tv' service, '' name, '' address, 1 minor, i line FROM n"
    )
    store = make_finished_store(tmp_path / "1.db", "DROP TABLE balance", f"CREATE VIEW balance AS {endless}")

    with pytest.raises(SnapshotError, match="other tables than ours"):
        Snapshot.open(store)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE balance SET service = x'ff'",
        "UPDATE balance SET name = x'ff'",
        "UPDATE balance SET address = CAST(x'ff' AS TEXT)",
        "UPDATE balance SET minor = 'much'",
        "UPDATE balance SET minor = 1.5",
        "UPDATE balance SET minor = 100000000000001",
    ],
)
def test_a_row_that_no_importer_wrote_is_never_shown(tmp_path: Path, change: str) -> None:
    snapshot = Snapshot.open(make_finished_store(tmp_path / "1.db", change))

    with pytest.raises(SnapshotError, match=r"1\.db is broken"):
        snapshot.find("0017742")


def test_a_file_in_the_place_of_the_link_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / CURRENT).write_bytes(b"not a link")

    with pytest.raises(SnapshotError):
        open_current(tmp_path)


def test_a_store_with_a_name_that_means_something_in_an_address_is_opened(tmp_path: Path) -> None:
    folder = tmp_path / "a?b#c%20 d"
    folder.mkdir()
    shutil.move(make_store(tmp_path / "1.db"), folder / "1.db")

    with pytest.raises(SnapshotError, match="broken"):  # it was found, and it says nothing of itself
        Snapshot.open(folder / "1.db")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Ёлкина Анна Петровна", "Ёл*** А. П."),
        ("Ёлкина А. П.", "Ёл*** А. П."),
        ("Цой Виктор", "Ц*** В."),
        ("Ли", "Л***"),
        ("Салтыков-Щедрин Михаил", "Са*** М."),
        ('ООО "Ромашка"', "ООО Ро***"),
        ("ИП Иванов Иван Иванович", "ИП Ив*** И. И."),
        ("ООО", "ООО ***"),
        ("", ""),
        (" \t", ""),
    ],
)
def test_a_name_is_shown_so_that_its_bearer_recognises_it(name: str, shown: str) -> None:
    assert mask_name(name) == shown


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("г. Примерск, ул. Садовая, д. 5, кв. 12", "г. Примерск, ул. Садовая, д. *, кв. *"),
        ("г. Примерск, ул. 50 лет Октября, д. 5/2", "г. Примерск, ул. 50 лет Октября, д. *"),
        ("Садовая 5-12", "Садовая *"),
        ("", ""),
    ],
)
def test_an_address_keeps_the_street_and_hides_house_and_flat(address: str, shown: str) -> None:
    assert mask_address(address) == shown


@given(st.text())
def test_no_name_is_shown_whole(name: str) -> None:
    long = [word for word in name.split() if len(word) > 8]

    shown = mask_name(name)

    assert not any(word in shown for word in long)


@given(st.text())
def test_any_address_can_be_shown(address: str) -> None:
    assert isinstance(mask_address(address), str)
