"""Room kept for the moment when the disk is full."""

from kassa.ballast import BALLAST_BYTES, Ballast


def test_the_room_is_really_taken_and_given_back_once(tmp_path):
    ballast = Ballast(tmp_path / "ballast")
    ballast.lay(0)
    assert (tmp_path / "ballast").stat().st_blocks * 512 >= BALLAST_BYTES

    assert ballast.drop()
    assert not (tmp_path / "ballast").exists()
    assert not ballast.drop()


def test_no_room_is_taken_from_a_disk_that_has_little(tmp_path):
    ballast = Ballast(tmp_path / "ballast")
    ballast.lay(1 << 60)
    assert not ballast.drop()
