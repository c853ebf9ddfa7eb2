"""Files of others are opened with distrust, our own are there whole or not at all."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from kassa.files import UntrustedFileError, open_untrusted, write_durably


def test_an_ordinary_file_is_opened(tmp_path: Path) -> None:
    (tmp_path / "base.csv").write_bytes(b"rows")

    with open_untrusted(tmp_path / "base.csv", 4) as file:
        assert file.read() == b"rows"


def test_a_name_that_is_not_utf_8_is_opened_by_its_bytes(tmp_path: Path) -> None:
    name = os.fsencode(tmp_path) + b"/\xe1\xe0\xe7\xe0.csv"
    Path(os.fsdecode(name)).write_bytes(b"rows")

    with open_untrusted(name, 4) as file:
        assert file.read() == b"rows"


def link(path: Path) -> None:
    path.with_name("secret").write_bytes(b"")
    path.symlink_to("secret")


def dangling_link(path: Path) -> None:
    path.symlink_to("nowhere")


def listening_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(path))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (link, "is a link"),
        (dangling_link, "is a link"),
        (os.mkdir, "is not an ordinary file"),
        (os.mkfifo, "is not an ordinary file"),
        (listening_socket, "cannot be opened"),
        (lambda path: path.write_bytes(b"12345"), "has 5 bytes; allowed are 4"),
        (lambda path: None, "No such file"),
    ],
)
def test_what_is_no_ordinary_small_file_is_refused_in_words(
    tmp_path: Path, make: Callable[[Path], object], words: str
) -> None:
    make(tmp_path / "odd")

    with pytest.raises(UntrustedFileError, match=words):
        open_untrusted(tmp_path / "odd", 4)


def test_a_device_is_refused() -> None:
    with pytest.raises(UntrustedFileError, match="is not an ordinary file"):
        open_untrusted(Path("/dev/zero"), 4)


def test_a_failure_half_way_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "kept"
    path.write_bytes(b"old")

    with pytest.raises(TypeError), write_durably(path) as file:
        file.writelines([b"new", "not bytes"])

    assert {one.name: one.read_bytes() for one in tmp_path.iterdir()} == {"kept": b"old"}


def test_what_a_power_cut_left_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "kept.part").write_bytes(b"half of something longer")

    with write_durably(tmp_path / "kept") as file:
        file.write(b"new")

    assert {one.name: one.read_bytes() for one in tmp_path.iterdir()} == {"kept": b"new"}


@pytest.mark.parametrize("planted", ["report", "report.part"])
def test_a_link_planted_where_we_write_is_replaced_and_not_followed(tmp_path: Path, planted: str) -> None:
    journal = tmp_path / "journal.db"
    journal.write_bytes(b"money")
    (tmp_path / planted).symlink_to(journal)

    with write_durably(tmp_path / "report") as file:
        file.write(b"words")

    assert journal.read_bytes() == b"money"
    assert (tmp_path / "report").read_bytes() == b"words"
    assert not (tmp_path / "report").is_symlink()


def test_a_folder_planted_where_we_write_is_an_error_of_the_medium(tmp_path: Path) -> None:
    (tmp_path / "report.part").mkdir()

    with pytest.raises(OSError, match=r"report\.part"), write_durably(tmp_path / "report"):
        pass
