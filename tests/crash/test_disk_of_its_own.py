"""The disk fills up under a running core, and the outgoing share hangs or vanishes. Real mounts, so these need root."""

import contextlib
import os
import subprocess

import pytest
from real_terminal import running

from kassa.demo.steered import wait_until

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount")

HOME_MB, FREE_MIN_MB = 256, 200
"""The second is what kassa.toml says has to stay free; the ballast needs 16 MB more."""
SLOWLY = 0.5
"""Half a second passes between the gate and the cassette: time enough to fill the disk."""


@contextlib.contextmanager
def mounted(where, *words):
    where.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", *words, where], check=True)
    try:
        yield where
    finally:
        subprocess.run(["umount", "--lazy", where], check=False, stderr=subprocess.DEVNULL)


@pytest.fixture
def small(tmp_path):
    """A terminal on a disk of its own, which has little room."""
    with (
        mounted(tmp_path / "home", "-t", "tmpfs", "-o", f"size={HOME_MB}m", "tmpfs"),
        running(tmp_path, SLOWLY) as rig,
    ):
        yield rig


def free_bytes(rig):
    found = os.statvfs(rig.home.path)
    return found.f_bavail * found.f_frsize


def fill(rig, leave_bytes):
    """Somebody else's data; the last bytes that fit when `leave_bytes` is 0."""
    with (rig.home.path / "others").open("ab", buffering=0) as file, contextlib.suppress(OSError):
        os.posix_fallocate(file.fileno(), file.tell(), max(1, free_bytes(rig) - leave_bytes))
    if not leave_bytes:
        assert free_bytes(rig) == 0


def make_room(rig):
    (rig.home.path / "others").unlink()


def test_notes_are_refused_before_the_disk_is_full_and_taken_again_when_there_is_room(small):
    small.start_core()
    small.wait_for_service()
    small.go_to_cash()
    small.insert(500)
    small.wait_for_sum(500)

    fill(small, (FREE_MIN_MB - 2) << 20)
    view = wait_until(lambda: (v := small.view()).notice == "cash_not_accepted" and v, "an honest screen")
    assert (view.inserted, view.can_finish) == ("500.00", True)
    assert small.status()["blocked"] == "disk_low"
    wait_until(lambda: small.validator.order("state")["enabled"] == [], "a closed slot")
    assert free_bytes(small) > 100 << 20, "refused long before it is full"

    make_room(small)
    wait_until(lambda: small.status()["takes_cash"], "the core to see that, too")
    small.insert(100)
    small.wait_for_sum(600)
    small.finish_whatever_is_open()
    small.check_promises()


def test_a_note_that_is_being_stacked_while_the_disk_fills_up_is_recorded_in_the_room_kept_for_it(small):
    small.start_core()
    small.wait_for_service()
    small.go_to_cash()
    assert small.home.ballast.exists()
    small.insert(500)
    wait_until(lambda: small.validator.order("state")["stacker"], "the note behind the gate")

    fill(small, 0)

    small.wait_for_sum(500)
    pay_on_the_full_disk(small)
    assert not small.home.ballast.exists(), "the room was given up"
    make_room(small)
    small.wait_for_service()
    small.check_promises()


def pay_on_the_full_disk(rig):
    rig.intend("finish")
    rig.wait_for_screen("thanks")
    rig.intend("finish")


def test_a_core_that_ends_on_a_full_disk_without_ballast_loses_no_note(small):
    small.start_core()
    small.wait_for_service()
    small.go_to_cash()
    small.insert(500)
    small.wait_for_sum(500)
    small.insert(100)
    wait_until(lambda: small.validator.order("state")["stacker"], "the note behind the gate")

    small.home.ballast.unlink()
    fill(small, 0)
    wait_until(lambda: small.validator.order("state")["stacker"] is None, "the note in the box")
    small.kill_core()
    make_room(small)
    small.start_core()

    small.wait_for_sum(600)
    small.finish_whatever_is_open()
    small.check_promises()


# --- the share ---------------------------------------------------------------------------------------------------


SHARE_MB, BLOCK_BYTES = 16, 1024


@pytest.fixture
def share(tmp_path):
    """A share that can hang: whoever writes to a frozen file system is held in the kernel."""
    image = tmp_path / "share.img"
    with image.open("wb") as file:
        file.truncate(SHARE_MB << 20)
    subprocess.run(["mkfs.ext4", "-q", "-F", "-b", str(BLOCK_BYTES), image], check=True)
    with mounted(tmp_path / "share", "-o", "loop", image) as folder:
        yield folder


@contextlib.contextmanager
def hanging(share):
    """It lets go in any case: whom it holds, no signal can end."""
    subprocess.run(["fsfreeze", "--freeze", share], check=True)
    try:
        yield
    finally:
        subprocess.run(["fsfreeze", "--unfreeze", share], check=True)


@pytest.fixture
def rig_with_share(tmp_path, share):
    with running(tmp_path / "terminal") as rig:
        rig.set_up(('folder = "outbox" ', f'folder = "{share}" '))
        rig.start_core()
        rig.wait_for_service()
        yield rig


def pay(rig, units):
    rig.go_to_cash()
    rig.insert(units)
    rig.wait_for_sum(units)
    rig.intend("finish")
    rig.wait_for_screen("thanks")
    rig.intend("finish")
    rig.wait_for_service()


def files_of(share):
    return sorted(path.name for path in share.glob("KASSA_*"))


def test_while_the_share_hangs_customers_pay_and_no_half_file_stands_under_its_name(rig_with_share, share):
    rig = rig_with_share
    with hanging(share):
        pay(rig, 500)
        wait_until(lambda: is_held(rig), "an export that hangs")
        pay(rig, 100)
        assert files_of(share) == []

    wait_until(lambda: files_of(share), "the file of the first payment")
    rig.kassa("export", "run")
    collect(rig, share)
    rig.check_promises()


def is_held(rig):
    """Whether a thread of the core waits in the kernel for the share."""
    tasks = f"/proc/{rig.core_pid}/task"
    for task in os.listdir(tasks):
        with contextlib.suppress(OSError), open(f"{tasks}/{task}/stat", encoding="ascii") as file:
            if file.read().rpartition(")")[2].split()[0] == "D":
                return True
    return False


def collect(rig, share):
    """What the operator fetched, where the promises are looked for."""
    for path in share.glob("KASSA_*.csv"):
        (rig.home.outbox / path.name).write_bytes(path.read_bytes())


def test_a_share_that_vanished_holds_nobody_up_and_gets_its_files_when_it_is_back(
    rig_with_share, share, tmp_path
):
    rig = rig_with_share
    subprocess.run(["umount", share], check=True)
    share.rmdir()
    pay(rig, 500)
    wait_until(lambda: "export_failed" in conditions(rig), "staff to be told")
    pay(rig, 100)
    assert not share.exists(), "what is put in the place of a share is lost under it"

    share.mkdir()
    subprocess.run(["mount", "-o", "loop", tmp_path / "share.img", share], check=True)
    rig.kassa("export", "run")
    collect(rig, share)
    rig.check_promises()


def test_a_share_without_room_gets_no_half_file(rig_with_share, share):
    rig = rig_with_share
    with (share / "others").open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(BLOCK_BYTES))
    pay(rig, 500)
    wait_until(lambda: "export_failed" in conditions(rig), "staff to be told")
    assert files_of(share) == []

    (share / "others").unlink()
    rig.kassa("export", "run")
    collect(rig, share)
    rig.check_promises()


def conditions(rig):
    return [one["code"] for one in rig.status()["conditions"]]
