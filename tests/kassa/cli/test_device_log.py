"""`kassa device log` and `watch` as a technician uses them, without a core."""

import json
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from entry_stories import payment_number

from devices.ccnet.protocol import encode
from kassa.clock import SystemClock
from kassa.flight.kept import keep
from kassa.flight.ring import Kind, Ring

POLL, STACKED, ACK = (encode(body) for body in (b"\x33", b"\x81\x05", b"\x00"))
OPENED = datetime(2026, 11, 25, 9, tzinfo=UTC) + timedelta(seconds=0.5)
"""When payment 1 of `with_payments` was opened."""


def record(home, at, *data, name="validator"):
    """The validator was polled and said these things, one after the other in the same second."""
    with closing(Ring(home.flight_ring(name))) as ring:
        ring.append(Kind.SENT, POLL, at.timestamp(), "ccnet")
        for said in data:
            ring.append(Kind.RECEIVED, said, at.timestamp(), "ccnet")


def now():
    return SystemClock().now()


@pytest.mark.parametrize("words", [("log",), ("watch",), ("log", "--since", "00:00")], ids=" ".join)
def test_before_anything_was_recorded_it_says_how_to_begin(kassa, home, words):
    done = kassa("device", words[0], "validator", *words[1:])

    assert done.code == 1
    assert done.err.startswith(
        "kassa: nothing was recorded of the validator yet: start the core with: kassa --home"
    )
    assert f"{home.path} run" in done.err
    assert done.err.count("\n") == 1


def test_what_passed_lately_is_told(kassa, home):
    record(home, now() - timedelta(minutes=20), b"\xff")
    at = now() - timedelta(minutes=1)
    record(home, at, STACKED)

    done = kassa("device", "log", "validator")

    shown = f"{at:%H:%M:%S}.{at.microsecond // 1000:03}"
    assert done.out.splitlines() == [
        f"--- {at:%Y-%m-%d} ---",
        f"{shown}  -> POLL",
        f"{shown}  <- STACKED bill type 5",
    ]


@pytest.mark.parametrize(("words", "seen"), [(("--minutes", "5"), 1), (("--minutes", "60"), 2), ((), 1)])
def test_how_far_back_is_asked_for_in_minutes(kassa, home, words, seen):
    record(home, now() - timedelta(minutes=20))
    record(home, now() - timedelta(minutes=1))

    assert kassa("device", "log", "validator", "--raw", *words).out.count("POLL") == seen


def test_a_time_of_day_is_the_last_one_that_was(kassa, home):
    record(home, now() - timedelta(hours=30))
    record(home, now() - timedelta(hours=23))
    in_a_minute = now() + timedelta(minutes=1)

    done = kassa("device", "log", "validator", "--raw", "--since", f"{in_a_minute:%H:%M}")

    assert done.out.count("POLL") == 1


def test_a_time_in_which_nothing_passed_is_told_with_the_last_one_in_which_something_did(kassa, home):
    at = now() - timedelta(hours=3)
    record(home, at)

    done = kassa("device", "log", "validator")

    assert done.code == 1
    assert f"the last of it at {at:%Y-%m-%d %H:%M:%S}" in done.err
    assert "--minutes N" in done.err
    assert f"kassa --home {home.path} status" in done.err


def test_an_empty_ring_is_as_good_as_none(kassa, home):
    Ring(home.flight_ring("validator")).close()

    assert "nothing was recorded of the validator yet" in kassa("device", "log", "validator").err


def test_a_ring_that_is_none_is_refused_in_a_sentence(kassa, home):
    home.flight_ring("validator").mkdir()

    done = kassa("device", "log", "validator")

    assert (done.code, done.err.count("\n")) == (1, 1)
    assert "is not an ordinary file" in done.err


def test_the_bytes_are_shown_who_wants_them(kassa, home):
    record(home, now(), STACKED, b"\xfe\xff")

    lines = kassa("device", "log", "validator", "--raw").out.splitlines()

    assert lines[1].endswith("-> POLL                     02 03 06 33 DA 81")
    assert lines[2].endswith("<- STACKED bill type 5      02 03 07 81 05 F9 7D")
    assert lines[3].endswith("<- not readable: FE FF")


def test_a_byte_that_looks_like_the_time_is_shown_as_well(kassa, home):
    at = now().replace(second=5)
    with closing(Ring(home.flight_ring("registrar"))) as ring:
        ring.append(Kind.SENT, b"\x05", at.timestamp(), "shtrih")

    assert kassa("device", "log", "registrar", "--raw").out.endswith("-> ENQ                      05\n")


def test_a_machine_is_told_every_item_with_its_bytes(kassa, home):
    at = now()
    record(home, at, STACKED)

    told = json.loads(kassa("device", "log", "validator", "--json").out)

    when = at.isoformat(timespec="milliseconds")
    assert told == [
        {"at": when, "kind": "sent", "words": "POLL", "data": POLL.hex()},
        {"at": when, "kind": "received", "words": "STACKED bill type 5", "data": STACKED.hex()},
    ]


# --- of a payment -----------------------------------------------------------------------------------------------------


def test_a_kept_payment_is_told_from_its_copy(kassa, home):
    record(home, OPENED, STACKED)
    keep(home, payment_number(1), OPENED.timestamp(), OPENED.timestamp() + 60, ["validator"], 0)
    home.flight_ring("validator").unlink()

    done = kassa("device", "log", "validator", "--payment", payment_number(1))

    assert "<- STACKED bill type 5" in done.out


def test_a_payment_without_a_copy_is_looked_up_in_the_ring_by_the_journals_times(kassa, with_payments):
    record(with_payments, OPENED - timedelta(minutes=1), ACK)
    record(with_payments, OPENED + timedelta(seconds=1), STACKED)
    record(with_payments, OPENED + timedelta(minutes=1), ACK)

    done = kassa("device", "log", "validator", "--payment", payment_number(1))

    assert "<- STACKED bill type 5" in done.out
    assert "<- ACK" not in done.out


def test_a_payment_whose_beginning_is_gone_is_told_with_a_word_of_warning(kassa, with_payments):
    record(with_payments, OPENED + timedelta(seconds=1), STACKED)

    done = kassa("device", "log", "validator", "--payment", payment_number(1))

    assert "<- STACKED bill type 5" in done.out
    assert "its beginning is not kept any more" in done.err


def test_a_payment_of_which_nothing_is_left_is_told_so(kassa, with_payments):
    record(with_payments, OPENED + timedelta(days=3))

    done = kassa("device", "log", "validator", "--payment", payment_number(2))

    assert done.code == 1
    assert "what passed at the validator then is not kept any more" in done.err
    assert "validator.ring begins at 2026-11-28" in done.err
    assert done.err.count("\n") == 1


def test_a_payment_that_nobody_made_is_told_so(kassa, with_payments):
    done = kassa("device", "log", "validator", "--payment", payment_number(77))

    assert done.code == 1
    assert "the journal knows no payment 00042-0000000077; see: kassa" in done.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--payment", "../../kassa.toml"), "printed on the receipt like 00042-0000000001"),
        (("--payment", "1"), "printed on the receipt like 00042-0000000001"),
        (("--since", "25:00"), "a time of day like 23:05"),
        (("--since", "9:00", "--minutes", "5"), "one of --payment, --since and --minutes"),
        (("--minutes", "0"), "--minutes"),
    ],
)
def test_what_cannot_be_meant_ends_with_code_2(kassa, home, words, told):
    done = kassa("device", "log", "validator", *words)

    assert done.code == 2
    assert told in done.err
