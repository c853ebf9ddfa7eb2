"""The recorder and what is built on it must be able to fail: what was not made durable is seen to be lost."""

import os
import random
import subprocess
import sys
import tty
from contextlib import closing, contextmanager

import pytest
from crash_states import DATA_LOST, KEEP, LOSE, NAMES_LOST, PREFIX, SECTORS, RecordedFolder, tree_of
from recording import SPOKEN, Kind, Recorder

CAREFULLY = """
import os, sys
with open("note", "wb") as file:
    file.write(b"500")
    file.flush()
    os.fsync(file.fileno())
folder = os.open(".", os.O_RDONLY | os.O_DIRECTORY)
os.fsync(folder)
os.write(int(sys.argv[1]), b"STACK")
"""


@pytest.fixture
def folder(tmp_path):
    found = tmp_path.resolve() / "folder"
    found.mkdir()
    return found


def records_of(program, folder, *arguments, passed=()):
    recorder = Recorder(folder, folder.with_name("records"))
    subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=folder, check=True, pass_fds=passed, env={**os.environ, **recorder.environment},
    )  # fmt: skip
    return recorder.records()


@contextmanager
def port():
    """A device at the end of a line; what is said to it stays in the line."""
    device, line = os.openpty()
    tty.setraw(line)
    with closing(os.fdopen(device, "rb")), closing(os.fdopen(line, "wb")):
        yield line


def left_when_it_spoke(program, folder):
    """What the worst cut leaves at the moment of the first byte to the device."""
    with port() as line:
        records = records_of(program, folder, str(line), passed=[line])
    followed = RecordedFolder(folder, {})
    for record in records:
        if record.kind is Kind.SENT:
            assert record.data == b"STACK"
            return followed.after_cut(LOSE, random.Random(1))
        followed.apply(record)
    raise AssertionError("nothing was said")


def test_what_was_synced_before_it_was_said_is_there(folder):
    assert left_when_it_spoke(CAREFULLY, folder) == {"note": b"500"}


@pytest.mark.parametrize(
    ("forgotten", "left"),
    [("    os.fsync(file.fileno())\n", {"note": b""}), ("os.fsync(folder)\n", {})],
    ids=["the file's sync", "the folder's sync"],
)
def test_a_process_that_speaks_without_a_sync_is_caught(forgotten, left, folder):
    assert forgotten in CAREFULLY
    assert left_when_it_spoke(CAREFULLY.replace(forgotten, ""), folder) == left


def test_a_process_that_speaks_before_it_syncs_is_caught(folder):
    *first, last = CAREFULLY.splitlines(keepends=True)
    assert left_when_it_spoke("".join([*first[:2], last, *first[2:]]), folder) == {}


EVERY_WAY = """
import os
from pathlib import Path
with open("written", "wb") as file:
    file.write(b"first")
with open("written", "ab") as file:
    file.write(b", appended")
with open("written", "r+b", buffering=0) as file:
    file.seek(2)
    file.write(b"RST")
    os.pwrite(file.fileno(), b"!", 40)
    os.ftruncate(file.fileno(), 30)
Path("deep/er").mkdir(parents=True)
here = os.open("deep", os.O_RDONLY | os.O_DIRECTORY)
os.close(os.open("inside", os.O_WRONLY | os.O_CREAT, dir_fd=here))
os.rename("inside", "er/moved", src_dir_fd=here, dst_dir_fd=here)
os.symlink("written", "link")
os.replace("link", "current")
Path("gone").write_bytes(b"gone")
os.unlink("gone")
Path("no folder").mkdir()
os.rmdir("no folder")
again = os.open("written", os.O_WRONLY)
os.rename("written", "renamed")
os.write(again, b"F")
Path("emptied").write_bytes(b"old")
Path("emptied").write_bytes(b"")
"""


def test_what_was_recorded_leads_to_what_lies_there(folder):
    followed = RecordedFolder(folder, {})
    for record in records_of(EVERY_WAY, folder):
        followed.apply(record)

    assert followed.live() == tree_of(folder)
    assert followed.live()["renamed"] == b"FiRST, appended".ljust(30, b"\0")
    assert followed.after_cut(KEEP, random.Random(1)) == followed.live()
    assert followed.after_cut(LOSE, random.Random(1)) == {}


def test_children_are_recorded_too_and_what_they_hear_of_a_device(folder):
    program = (
        "import subprocess, sys; subprocess.run([sys.executable, '-c',"
        '\'import os, sys; os.write(1, os.read(0, 9)); open("of-the-child", "w")\'], stdin=int(sys.argv[1]))'
    )
    device, line = os.openpty()
    tty.setraw(line)
    with closing(os.fdopen(device, "wb", buffering=0)) as other_end, closing(os.fdopen(line, "rb")):
        other_end.write(b"STACKED")
        records = records_of(program, folder, str(line), passed=[line])

    assert [record.data for record in records if record.kind is Kind.RECEIVED] == [b"STACKED"]
    assert [record.name for record in records if record.kind not in SPOKEN] == [str(folder / "of-the-child")]


RENAMED_UNSYNCED = """
import os
with open("file.part", "wb", buffering=0) as file:
    file.write(bytes([1]) * 512 + bytes([2]) * 512)
os.rename("file.part", "file")
"""


def test_each_cut_leaves_what_a_disk_may_leave(folder):
    followed = RecordedFolder(folder, {})
    for record in records_of(RENAMED_UNSYNCED, folder):
        followed.apply(record)
    first, second, nothing = bytes([1]) * 512, bytes([2]) * 512, bytes(512)

    def left(how):
        found = [followed.after_cut(how, random.Random(seed)) for seed in range(200)]
        return [tree for place, tree in enumerate(found) if tree not in found[:place]]

    assert left(KEEP) == [{"file": first + second}]
    assert left(LOSE) == left(NAMES_LOST) == [{}]
    assert left(DATA_LOST) == [{"file": b""}], "a rename that overtook the data"
    assert {len(tree) for tree in left(PREFIX)} == {0, 1}
    assert {"file.part": b""} in left(PREFIX)
    assert {"file": nothing + second} in left(SECTORS), "the second sector alone"
    assert {"file.part": first} in left(SECTORS)
