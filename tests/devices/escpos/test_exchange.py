"""Questions to a printer and what answers them: never what came before they were asked."""

from devices.escpos.exchange import Exchange
from devices.escpos.protocol import ask_status
from devices.steps import Receive, Send

WELL, PAPER_OUT, MARK = b"\x12", b"\x72", b"\x00"


class Talk:
    """A printer that answers to each of these questions so, and is well where it is not said otherwise."""

    def __init__(self, **status):
        self.answers = {ask_status(n): status.get(f"of_{n}", WELL) for n in (1, 2, 3, 4)}
        self.came, self.at = b"", 0.0
        self.exchange = Exchange(lambda: self.at)

    def run(self, program):
        answer = None
        try:
            while True:
                step, answer = program.send(answer), None
                match step:
                    case Send(data):
                        self.came += self.answers.get(data, b"")
                    case Receive(timeout_ms):
                        answer, self.came = self.came, b""
                        self.at += 0 if answer else timeout_ms / 1000
        except StopIteration as end:
            return end.value


def test_marks_that_came_with_an_answer_do_not_say_that_what_is_sent_next_is_printed():
    talk = Talk(of_4=WELL + MARK * 3)
    talk.run(talk.exchange.status())

    talk.run(talk.exchange.send_marked(b"row\n"))

    assert not talk.run(talk.exchange.wait_for_marks(500))


def test_marks_that_nobody_has_listened_to_yet_do_not_say_it_either():
    talk = Talk()
    talk.came = MARK * 3

    talk.run(talk.exchange.send_marked(b"row\n"))

    assert not talk.run(talk.exchange.wait_for_marks(500))


def test_one_answer_too_many_is_not_that_of_the_next_question():
    talk = Talk(of_4=PAPER_OUT * 2)
    talk.run(talk.exchange.status())

    status = talk.run(talk.exchange.status())

    assert status.paper_is_out
    assert not status.has_failed
