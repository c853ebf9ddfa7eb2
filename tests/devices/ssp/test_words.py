"""What SSP frames say to a technician."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from validators import UNITS, Rig, ready

from devices.recording import recorded
from devices.ssp import protocol as p
from devices.ssp.protocol import Event, EventCode, Frame, Noise, Reply, Response
from devices.ssp.words import LANGUAGE, say
from devices.words import tell
from kassa.flight.ring import Kind, Record

COMMANDS = [
    (p.SYNC, "SYNC"),
    (p.POLL_WITH_ACK, "POLL WITH ACK"),
    (p.set_inhibits({1, 3}), "SET INHIBITS, accept 1, 3"),
    (p.set_inhibits(()), "SET INHIBITS, accept none"),
    (p.host_protocol_version(7), "HOST PROTOCOL VERSION 7"),
    (p.set_generator(982451653), "SET GENERATOR"),
    (b"\x7e" + bytes(32), "sealed packet of 32 bytes"),
    (b"\x7a\x01", "command 7A 01"),
]


def ok(*events):
    return p.encode_reply(Reply(Response.OK, p.encode_events(events)))


ANSWERS = [
    (p.ENABLE, ok(), "OK"),
    (p.HOLD, p.encode_reply(Reply(Response.CANNOT_PROCESS)), "CANNOT PROCESS"),
    (
        p.POLL,
        ok(Event(EventCode.STACKING), Event(EventCode.CREDIT_NOTE, 3), Event(EventCode.STACKED)),
        "OK: STACKING, CREDIT NOTE channel 3, STACKED",
    ),
    (p.POLL, ok(Event(EventCode.UNKNOWN, data=b"\x9a\x01")), "OK: UNKNOWN 9A 01"),
    (p.LAST_REJECT_CODE, b"\xf0\x13", "OK: escrow time-out: the host was silent (13)"),
    (p.GET_SERIAL_NUMBER, b"\xf0" + bytes(4), "OK, 4 bytes"),
    (p.POLL, b"\x42", "answer 42"),
    (p.POLL, b"\x7e" + bytes(16), "sealed packet of 16 bytes"),
]


@pytest.mark.parametrize(("data", "words"), COMMANDS)
def test_a_command_in_words(data, words):
    assert say(Frame(p.VALIDATOR, 0, data), Kind.SENT, None) == words


@pytest.mark.parametrize(("asked", "data", "words"), ANSWERS)
def test_an_answer_in_words(asked, data, words):
    assert say(Frame(p.VALIDATOR, 0, data), Kind.RECEIVED, Frame(p.VALIDATOR, 0, asked)) == words


def test_noise_is_no_frame_and_no_question():
    assert say(Noise(b"\x00"), Kind.RECEIVED, None) is None
    assert not LANGUAGE.is_question(Noise(b"\x00"))
    assert LANGUAGE.is_question(Frame(p.VALIDATOR, 1, p.POLL))


@given(
    st.binary(min_size=1, max_size=80),
    st.binary(min_size=1, max_size=3),
    st.sampled_from([Kind.SENT, Kind.RECEIVED]),
)
def test_whatever_passes_has_words(data, asked, kind):
    assert say(Frame(p.VALIDATOR, 0, data), kind, Frame(p.VALIDATOR, 0, asked)).isprintable()


def test_a_recording_of_sealed_packets_tells_what_they_said():
    rig = Rig(UNITS["ssp"])
    ready(rig)
    records = []
    write = lambda kind, data: records.append(Record(rig.time.time(), kind, data, "ssp"))
    rig.kill_host()
    rig.wire.open = recorded(rig.wire.open, "/dev/ttyUSB0", write)
    rig.core.is_ready = False
    rig.start_host()
    ready(rig)
    records.clear()
    rig.insert(500)
    rig.settle()

    words = [line.words for line in tell(records, {"ssp": LANGUAGE}.get)]
    for told in ("sealed: POLL WITH ACK", "sealed: OK: CREDIT NOTE channel 5", "sealed: EVENT ACK"):
        assert any(told in line for line in words), "\n".join(words)
    assert not any("sealed packet" in line for line in words[1:])  # the first belongs to a turn before
    raw = list(tell(records, {"ssp": LANGUAGE}.get, is_raw=True))
    for kind in (Kind.SENT, Kind.RECEIVED):
        assert b"".join(line.data for line in raw if line.kind is kind) == b"".join(
            record.data for record in records if record.kind is kind
        )
