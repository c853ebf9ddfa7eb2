"""A recorded link does what the link does, and all of it is written down before."""

import pytest

from devices.link import LinkLost, MemoryLink
from devices.recording import recorded
from kassa.flight.ring import Kind

POLL, IDLING = b"\x02\x03\x06\x33\xda\x81", b"\x02\x03\x06\x14\x67\xd4"


class Line:
    """A device at the end of a wire, and what was written down of it."""

    def __init__(self):
        self.written, self.heard, self.lost = [], [], []
        self.is_there = True
        self.device = MemoryLink(self.hear)

    def open(self):
        return recorded(self._open, "ttyS0, 9600 baud", self.write)

    def _open(self):
        if not self.is_there:
            raise LinkLost("ttyS0 cannot be opened: No such file or directory")
        return self.device

    def hear(self, data):
        if not self.is_there:
            raise LinkLost("ttyS0: Input/output error")
        self.heard.append((data, len(self.written)))

    def write(self, kind, data):
        self.written.append((kind, data))

    def connect(self):
        link = self.open()()
        link.on_data(lambda data: self.heard.append((data, len(self.written))), self.lost.append)
        return link


@pytest.fixture
def line():
    return Line()


OPENED = (Kind.OPENED, b"ttyS0, 9600 baud")


def test_what_passes_is_handed_on_and_was_written_down_before(line):
    link = line.connect()

    link.send(POLL)
    line.device.deliver(IDLING)

    assert line.written == [OPENED, (Kind.SENT, POLL), (Kind.RECEIVED, IDLING)]
    assert line.heard == [(POLL, 2), (IDLING, 3)]


def test_a_password_goes_over_the_line_and_is_not_written_down(line):
    open_link = recorded(
        line._open, "ttyS0, 9600 baud", line.write, lambda sent: sent.replace(b"hush", b"***")
    )

    open_link().send(b"open hush")

    assert line.heard == [(b"open hush", 2)]
    assert line.written == [OPENED, (Kind.SENT, b"open ***")]


def test_a_wire_that_is_pulled_is_told_and_written_down_once(line):
    link = line.connect()

    line.device.unplug()
    link.close()

    assert line.lost == ["unplugged"]
    assert line.written == [OPENED, (Kind.LOST, b"unplugged")]


def test_a_port_that_fails_at_sending_is_written_down_and_raised(line):
    link = line.connect()
    line.is_there = False

    with pytest.raises(LinkLost, match="Input/output error"):
        link.send(POLL)

    assert line.written == [OPENED, (Kind.SENT, POLL), (Kind.LOST, b"ttyS0: Input/output error")]


def test_a_port_that_is_given_back_is_closed_for_the_link_too(line):
    link = line.connect()

    link.close()
    link.close()

    assert not line.device.is_open
    assert line.written == [OPENED, (Kind.CLOSED, b"")]


def test_a_port_that_stays_away_is_written_down_once_for_each_time_it_goes(line):
    open_again = line.open()
    line.is_there = False
    for _ in range(5):
        with pytest.raises(LinkLost, match="No such file"):
            open_again()
    line.is_there = True
    open_again().close()
    line.is_there = False
    with pytest.raises(LinkLost, match="No such file"):
        open_again()

    gone = (Kind.LOST, b"ttyS0 cannot be opened: No such file or directory")
    assert line.written == [gone, OPENED, (Kind.CLOSED, b""), gone]


def test_a_port_whose_name_is_no_text_can_be_recorded(line):
    recorded(line._open, "tty\udcff", line.write)()

    assert line.written == [(Kind.OPENED, b"tty\\udcff")]
