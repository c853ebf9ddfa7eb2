"""One command and its answer on a line that is written down byte by byte: nothing is sent twice that might be done twice."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.link import LinkLost
from devices.shtrih import protocol as p
from devices.shtrih.exchange import ENQUIRIES_MAX, SPARE_S, AnswerLost, Exchange
from devices.shtrih.protocol import ACK, ENQ, NAK, Closed, Refused, frame
from devices.steps import Flush, Receive, Send
from kassa.errors import KassaError

ENQ_, ACK_, NAK_ = bytes((ENQ,)), bytes((ACK,)), bytes((NAK,))
CLOSE = p.close_receipt(30, 65000, 0)
ASK = p.shift(30)
ORDER = frame(CLOSE.body)
ANSWER = frame(bytes.fromhex("FF 45 00 00 00 00 00 00 D2 04 00 00 BE BA BA AB"))
SHIFT_ANSWER = frame(bytes.fromhex("FF 40 00 01 39 00 0C 00"))
CLOSED = Closed(0, 1234, 2881141438, None)


class Line:
    """Gives the next of `replies` to each thing that is sent; time passes when nothing comes."""

    def __init__(self, *replies):
        self.replies, self.sent, self.time_s = list(replies), [], 0.0
        self.waiting = b""

    def run(self, command):
        program = Exchange(lambda: self.time_s).ask(command)
        answer = None
        try:
            while True:
                match program.send(answer):
                    case Send(data):
                        self.sent.append(data)
                        self.waiting += self.replies.pop(0) if self.replies else b""
                        self.time_s += 0.001
                        answer = None
                    case Receive(timeout_ms) if not self.waiting:
                        self.time_s += timeout_ms / 1000
                        answer = b""
                    case Receive():
                        answer, self.waiting = self.waiting, b""
                    case Flush():
                        self.waiting, answer = b"", None
        except StopIteration as end:
            return end.value


def test_a_healthy_line_is_asked_once_ordered_once_and_acknowledged():
    line = Line(NAK_, ACK_ + ANSWER)

    assert line.run(CLOSE) == CLOSED
    assert line.sent == [ENQ_, ORDER, ACK_]


def test_the_ff_of_usb_models_means_nothing():
    line = Line(b"\xff" + NAK_, b"\xff" + ACK_ + ANSWER)

    assert line.run(CLOSE) == CLOSED


def test_an_answer_to_an_earlier_command_is_taken_away_before_ours_is_sent():
    line = Line(ACK_ + ANSWER, b"", NAK_, ACK_ + ANSWER)

    assert line.run(CLOSE) == CLOSED
    assert line.sent == [ENQ_, ACK_, ENQ_, ORDER, ACK_]


def test_an_earlier_answer_to_the_same_command_is_not_taken_for_ours():
    refusal = frame(b"\xff\x45\x4e")
    line = Line(ACK_ + refusal, b"", NAK_, ACK_ + ANSWER)

    assert line.run(CLOSE) == CLOSED


def test_a_damaged_answer_is_asked_for_again_and_the_command_is_not():
    spoilt = ANSWER[:-1] + bytes((ANSWER[-1] ^ 1,))
    line = Line(NAK_, ACK_ + spoilt, b"", ACK_ + ANSWER)

    assert line.run(CLOSE) == CLOSED
    assert line.sent == [ENQ_, ORDER, NAK_, ENQ_, ACK_]


def test_an_answer_that_breaks_off_is_asked_for_again():
    line = Line(NAK_, ACK_ + ANSWER[:5], b"", ACK_ + ANSWER)

    assert line.run(CLOSE) == CLOSED
    assert line.sent.count(ORDER) == 1


def test_a_lost_acknowledgement_does_not_send_the_command_again():
    line = Line(NAK_, b"", ACK_ + ANSWER)

    assert line.run(CLOSE) == CLOSED
    assert line.sent == [ENQ_, ORDER, ENQ_, ACK_]


def test_a_command_that_was_damaged_on_its_way_is_sent_again():
    line = Line(NAK_, NAK_, NAK_, ACK_ + ANSWER)

    assert line.run(CLOSE) == CLOSED
    assert line.sent == [ENQ_, ORDER, ENQ_, ORDER, ACK_]


def test_a_command_nobody_knows_the_end_of_is_not_sent_again():
    line = Line(NAK_, b"", NAK_)

    with pytest.raises(AnswerLost, match="forgotten the answer to command FF45"):
        line.run(CLOSE)
    assert line.sent.count(ORDER) == 1


def test_a_harmless_command_nobody_knows_the_end_of_is_sent_again():
    line = Line(NAK_, b"", NAK_, ACK_ + SHIFT_ANSWER)

    assert line.run(ASK).number == 57
    assert line.sent.count(frame(ASK.body)) == 2


def test_a_late_answer_to_enq_is_not_taken_for_the_commands():
    line = Line(b"", NAK_ + NAK_, ACK_ + ANSWER)

    assert line.run(CLOSE) == CLOSED
    assert line.sent == [ENQ_, ENQ_, ORDER, ACK_]


def test_a_refusal_is_acknowledged_like_any_answer():
    line = Line(NAK_, ACK_ + frame(b"\xff\x45\x50"))

    with pytest.raises(Refused):
        line.run(CLOSE)
    assert line.sent[-1] == ACK_


def test_silence_is_a_lost_link_after_seconds():
    line = Line()

    with pytest.raises(LinkLost, match="does not answer; check its power, cable, port and speed"):
        line.run(CLOSE)
    assert line.sent == [ENQ_] * ENQUIRIES_MAX
    assert line.time_s < 10


def test_a_port_that_echoes_is_a_lost_link():
    class Echo(Line):
        def run(self, command):
            self.replies = [ENQ_] * 100
            return super().run(command)

    with pytest.raises(LinkLost):
        Echo().run(CLOSE)


def test_an_answer_of_another_shape_is_a_lost_link_in_words():
    line = Line(NAK_, ACK_ + frame(b"\xff\x40\x00\x01"))

    with pytest.raises(LinkLost, match="check the model and its firmware"):
        line.run(ASK)


replies = st.lists(
    st.sampled_from(
        [b"", NAK_, ACK_, ENQ_, b"\xff", ANSWER, SHIFT_ANSWER, ACK_ + ANSWER, ACK_ + SHIFT_ANSWER]
    )
    | st.binary(max_size=300),
    max_size=60,
)


@given(replies, st.sampled_from([CLOSE, ASK]))
def test_whatever_comes_the_exchange_ends_in_time_and_no_order_is_given_twice_unrefused(hostile, command):
    line = Line(*hostile)
    try:
        line.run(command)
    except KassaError:
        pass
    finally:
        assert line.time_s < 2 * command.timeout_ms / 1000 + SPARE_S + 20
        assert len(line.sent) < 300
    orders = line.sent.count(frame(command.body))
    assert orders <= 1 or command.is_repeatable or any(NAK in reply for reply in hostile)


class Babble(Line):
    """Silent at first; then one control byte follows the other, and there is always one more."""

    def __init__(self, byte):
        super().__init__(b"")
        self.byte = byte

    @property
    def waiting(self):
        self.time_s += 0.005
        assert self.time_s < 100, "nobody waits for its end"
        return self.byte if self.time_s > 0.5 else b""

    @waiting.setter
    def waiting(self, data):
        pass


@pytest.mark.parametrize("byte", [NAK_, ACK_, ENQ_], ids=["NAK", "ACK", "ENQ"])
def test_control_bytes_without_end_are_no_registrar(byte):
    with pytest.raises((LinkLost, AnswerLost)):
        Babble(byte).run(CLOSE)
