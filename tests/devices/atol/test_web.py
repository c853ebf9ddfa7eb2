"""ATOL's web server: a request is one request however often it is sent, and what stands in its way is told in words."""

import contextlib
import uuid
from dataclasses import replace
from datetime import UTC

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from receipts import receipt_of
from registrar_units import AtolLibrary, AtolWeb
from registrars import Rig

from devices.atol import tasks
from devices.atol.exchange import Intent, Pending, Unavailable
from devices.atol.http import request
from devices.atol.lines import Settings
from devices.atol.piped import LibraryExchange
from devices.atol.simulator import WebQuirks
from devices.atol.tasks import BadAnswer, Refused
from devices.atol.web import WebExchange, attempt
from devices.link import LinkLost
from devices.steps import Receive
from kassa.ports import (
    CloseShift,
    DocumentRegistered,
    NotRegistered,
    Place,
    RegisterReceipt,
    RegistrarLost,
    RegistrationStarting,
    ReportFailed,
    SettleReceipt,
    ShiftClosed,
)

DRIVE = AtolWeb.drive


@pytest.fixture
def rig():
    one = Rig(AtolWeb).with_open_shift()
    one.unit.server.posts.clear()
    return one


def server(rig):
    return rig.unit.server


def until_sale(rig):
    rig.time.run_until(lambda: rig.unit.began[-1] == "sell" and not rig.unit.machine.is_idle)


@pytest.mark.parametrize("unit", [AtolWeb, AtolLibrary])
def test_a_registrar_that_is_away_is_told_and_comes_back(unit):
    rig = Rig(unit)
    rig.wait_ready()
    rig.unit.pull_cable()
    rig.wait_problem("registrar_failed")
    assert not rig.core.of(RegistrarLost)
    rig.unit.plug_cable()
    rig.wait_ready()


def test_the_same_payment_asked_for_by_hand_is_one_document(rig):
    rig.with_open_shift()
    receipt = receipt_of("00042-0000000009", 100)
    rig.core.asked["00042-0000000009"] = 100
    rig.order(RegisterReceipt(receipt))
    rig.settle()

    rig.check_books()


@pytest.mark.parametrize("generations", [("new",), ("old",), ("new", "old")], ids=str)
def test_both_generations_are_spoken(generations):
    rig = Rig(AtolWeb)
    rig.unit.server.quirks = WebQuirks(generations=generations)
    rig.wait_ready()
    rig.unit.refuse_receipt(46)
    rig.pay()
    rig.settle()

    assert "printer failed [46]" in rig.core.of(NotRegistered)[0].reason
    rig.check_books()


def test_a_server_without_web_requests_is_told():
    rig = Rig(AtolWeb)
    rig.unit.server.quirks = WebQuirks(generations=())

    assert "check the port of ATOL's web server" in rig.wait_for(RegistrarLost).reason


def test_web_requests_that_are_switched_off_are_told():
    rig = Rig(AtolWeb)
    rig.unit.server.quirks.is_active = False

    assert "activate them" in rig.wait_for(RegistrarLost).reason


@pytest.mark.parametrize("status", [400, 408, 503, 500, 302])
def test_a_receipt_that_the_server_does_not_take_is_made_later(rig, status):
    rig.core.seen = lambda fact: (
        isinstance(fact, RegistrationStarting)
        and len(rig.core.of(RegistrationStarting)) == 1
        and server(rig).quirks.answers.append(status)
    )
    rig.pay()
    rig.settle()

    assert len(rig.receipts) == 2
    rig.check_books()


def test_a_request_that_is_sent_twice_is_one(rig):
    rig.core.seen = lambda fact: (
        isinstance(fact, RegistrationStarting) and setattr(server(rig).quirks, "lost_answers", 1)
    )
    rig.pay()
    rig.settle()

    assert len(server(rig).posts) == 1
    rig.check_books()


def test_killed_within_the_receipt_the_server_tells_of_it(rig):
    rig.pay()
    until_sale(rig)
    rig.kill_host()
    rig.time.run_for(20)
    rig.start_host()
    rig.settle()

    assert rig.unit.began.count("sell") == 2
    rig.check_books()


@pytest.mark.parametrize("after_s", [0.1, 0.3, 0.4, 0.55, 0.62, 1.0])
@pytest.mark.parametrize("keeps_base", [True, False])
def test_a_server_that_starts_anew_makes_no_second_document(rig, keeps_base, after_s):
    rig.pay()
    until_sale(rig)
    rig.time.run_for(after_s)
    server(rig).restart(rig.time.time(), keeps_base=keeps_base)
    rig.unit.wire.stir()
    rig.settle()

    assert len(rig.receipts) == 2
    rig.check_books()


@pytest.mark.parametrize("after_s", [0.1, 0.4, 0.55])
def test_a_device_that_goes_away_within_the_receipt_blocks_the_queue_until_it_is_back(rig, after_s):
    rig.pay()
    until_sale(rig)
    rig.time.run_for(after_s)
    rig.unit.do("pull_cable")
    rig.time.run_for(30)
    assert not rig.core.of(DocumentRegistered)
    assert rig.status.problem is not None
    assert "its queue stands" in rig.status.detail
    rig.unit.do("plug_cable")
    rig.settle()

    assert len(rig.receipts) == 2
    rig.check_books()


def test_a_blocked_request_is_certainly_neither_made_nor_lost(rig):
    payment = rig.pay()
    until_sale(rig)
    rig.unit.do("pull_cable")
    rig.kill_host()
    rig.start_host()
    rig.time.run_for(120)

    assert payment not in rig.core.documents
    assert not any(fact.certain for fact in rig.core.of(NotRegistered))


def test_a_request_that_arrives_after_it_was_given_up_makes_no_document(rig):
    """The kernel sends a dead host's last bytes when it likes."""
    receipt = receipt_of("00042-0000000777", 650)
    late = tasks.receipt(receipt, tasks.Ffd.V1_2)
    name = attempt(Intent(receipt.payment, DRIVE, 3), 0)
    rig.order(SettleReceipt(receipt, DRIVE, 3))
    assert rig.wait_for(NotRegistered).certain

    body = b'{"uuid":"' + name.encode() + b'","request":[' + late.body + b"]}"
    wire = request("POST", "h", "/api/v2/requests", "kassa", "secret", body)
    answer = server(rig).connect().receive(wire, rig.time.time())
    rig.time.run_for(30)

    assert b"409" in answer.split(b"\r\n")[0]
    assert len(rig.receipts) == 1


def test_a_long_queue_is_waited_for(rig):
    server(rig).quirks.queue_s = 5.0
    rig.pay()
    rig.settle()

    assert rig.core.of(NotRegistered) == []
    rig.check_books()


def test_questions_do_not_pile_up_in_a_queue_that_stands(rig):
    server(rig)._blocked_by = "somebody"
    server(rig)._resolve = lambda: None
    rig.time.run_for(600)

    waiting = [one for one in server(rig).requests.values() if not one.is_over]
    assert len(waiting) == 1


def test_where_the_firmware_takes_the_place_from_its_registration_the_receipt_goes_without(rig):
    rig.unit.machine.quirks.takes_place = False
    place = Place("000042", "г. Примерск", "Терминал")
    rig.pay(650, lambda payment, units: replace(receipt_of(payment, units), place=place))
    rig.settle()

    assert "1036" not in rig.receipts[-1].tags
    assert rig.status.notices[0][0] == "registrar_settings"
    rig.check_books()


@pytest.mark.parametrize("keeps_tags", [True, False])
@pytest.mark.parametrize("ffd", ["1.05", "1.1", "1.2"])
def test_a_base_that_is_lost_behind_the_document_leaves_it_to_the_archive(ffd, keeps_tags):
    rig = Rig(AtolWeb, ffd=ffd, keeps_tags=keeps_tags).with_open_shift()
    payment = rig.pay()
    until_sale(rig)
    rig.kill_host()
    rig.time.run_for(20)
    server(rig).restart(rig.time.time(), keeps_base=False)
    rig.start_host()
    rig.settle()

    assert rig.core.documents[payment].number == 4
    rig.check_books()


def test_a_shift_that_closes_itself_between_two_questions_is_told_all_the_same(rig):
    rig.time.run_until(lambda: rig.unit.began[-1] == "getFnStatus")
    rig.time.run_until(lambda: rig.unit.machine.is_idle)
    rig.unit.machine.truth.drive.record("closeShift", rig.unit.machine.clock)
    rig.time.run_for(60)

    assert [fact.document_number for fact in rig.core.of(ShiftClosed)] == [4]


def test_a_shift_that_cannot_be_counted_is_closed_all_the_same(rig):
    rig.unit.machine.quirks.refusals["getShiftTotals"] = [11] * 9
    rig.order(CloseShift())

    assert rig.wait_for(ShiftClosed).number == 1
    assert not rig.core.of(ReportFailed)


# --- whatever a server says -----------------------------------------------------------------------------------------------


def converse(program, answers):
    """Run a program whose device says these things; what it ends with."""
    left, step = list(answers), None
    try:
        step = next(program)
        while True:
            step = program.send((left.pop(0) if left else b"") if isinstance(step, Receive) else None)
    except StopIteration as end:
        return end.value


TYPED = (LinkLost, Refused, Unavailable, Pending, BadAnswer)
pieces = st.one_of(
    st.binary(max_size=200),
    st.sampled_from(
        [
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
            b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}",
            b'HTTP/1.1 200 OK\r\nContent-Length: 31\r\n\r\n{"results":[{"status":"ready"}]}',
            b"HTTP/1.1 100 Continue\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz",
            b'{"id":1}\n',
            b'{"id":2,"result":{"deviceStatus":7}}\n',
            b'{"id":2,"error":{"code":-5}}\n',
            b"\n",
        ]
    ),
)


def clock():
    time = iter(range(10**9))
    return lambda: float(next(time))


@given(st.lists(pieces, max_size=12))
@settings(max_examples=300, deadline=None)
def test_whatever_a_server_says_ends_in_an_answer_or_a_typed_error(said):
    exchange = WebExchange(clock(), "h:1", "u", "s", lambda: uuid.UUID(int=1))
    for program in (
        exchange.open(),
        exchange.ask(tasks.device_status()),
        exchange.recall(Intent("p", "d", 1)),
    ):
        with contextlib.suppress(TYPED):
            converse(program, said)


@given(st.lists(pieces, max_size=12))
@settings(max_examples=300, deadline=None)
def test_whatever_a_library_says_ends_in_an_answer_or_a_typed_error(said):
    exchange = LibraryExchange(clock(), Settings("1"))
    with contextlib.suppress(TYPED):
        converse(exchange.ask(tasks.fn_document(3)), said)


@pytest.mark.parametrize("status", ["", "executing", "Ready"])
def test_a_state_that_nobody_knows_is_not_the_end_of_a_receipt(status):
    body = msgspec.json.encode({"results": [{"status": status}]})
    told = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    exchange = WebExchange(clock(), "h:1", "u", "s", lambda: uuid.UUID(int=1))

    with pytest.raises(Pending):
        converse(exchange.recall(Intent("p", "d", 1)), [told] * 100)


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(
            ["documentTLV", "1040", "1077", "1020", "1084", "1085", "1059", "1030", "fiscalParams", "fnInfo", "serial",
             "fiscalDocumentNumber", "fiscalDocumentSign", "fiscalDocumentDateTime", "fnNumber", "total", "shiftTotals"]
        ) | st.text(max_size=3), inner, max_size=5,
    ), max_leaves=20,
)  # fmt: skip
READERS = [
    tasks.device_status(), tasks.device_info(), tasks.shift_status(), tasks.shift_totals(), tasks.fn_info(),
    tasks.fn_status(), tasks.ofd_exchange_status(), tasks.fn_document(1), tasks.open_shift(),
]  # fmt: skip


@given(value=json, raw=st.binary(max_size=60))
@settings(max_examples=300, deadline=None)
def test_any_result_is_read_or_refused(value, raw):
    for task in READERS:
        for data in (msgspec.json.encode(value), raw):
            try:
                read = task.read(data)
                if isinstance(read, tasks.Made):
                    read.document("RUB", UTC)
            except BadAnswer:
                pass
