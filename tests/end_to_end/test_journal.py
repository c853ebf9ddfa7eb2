"""Damage done to the journal from outside is found, and its place is told."""

import pytest


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

        told = ended.call("journal", "verify")
        assert told.code == 1, f"byte {place} of {len(whole)}"
        assert f"page {place // 4096 + 1}" in told.out + told.err, (place, told.out, told.err)

    database.write_bytes(whole)
    assert ended.shell("journal", "verify", "--json").data["ok"]


def test_a_damaged_journal_is_never_written_on(ended):
    database = ended.home / "journal" / "journal.db"
    damaged = bytearray(database.read_bytes())
    damaged[len(damaged) // 2] ^= 0x01
    database.write_bytes(damaged)

    verdict = ended.call("journal", "verify", "--json")

    assert (verdict.code, verdict.data["ok"]) == (1, False)
    assert verdict.data["problem"]
    assert verdict.data["at"]
    assert database.read_bytes() == bytes(damaged)
