"""Damage done to the journal from outside is found, and its place is told."""

import pytest

PAGE_BYTES = 4096


@pytest.fixture
def ended(terminal):
    """A terminal after one payment, with its core stopped."""
    terminal.pay(500, 100)
    terminal.check_promises()
    assert terminal.stop_core() == 0
    return terminal


def test_any_flipped_byte_makes_verify_fail_and_say_where(ended):
    database = ended.home / "journal" / "journal.db"
    whole = database.read_bytes()
    places = range(1000, len(whole), max(len(whole) // 10, 1))

    for place in places:
        damaged = bytearray(whole)
        damaged[place] ^= 0x01
        database.write_bytes(damaged)

        verdict = ended.call("journal", "verify", "--json")
        assert verdict.code == 1, f"byte {place} of {len(whole)}"
        assert (verdict.data["ok"], verdict.data["at"]) == (False, f"page {place // PAGE_BYTES + 1}")
        assert verdict.data["problem"]
        assert database.read_bytes() == bytes(damaged), "a damaged journal is never written on"

    told = ended.call("journal", "verify").out
    assert "BROKEN" in told
    assert "ask for support" in told
    database.write_bytes(whole)
    assert ended.shell("journal", "verify", "--json").data["ok"]
