"""The simulated registrar: what it records, what it keeps through power cuts, what it prints, what its console answers."""

from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices import truths
from devices.console import ConsoleError
from devices.shtrih import documents, errors, paper, tlv
from devices.shtrih import protocol as p
from devices.shtrih.mechanics import ROLL_LINES
from devices.shtrih.memory import Item, OpenDocument, Truth
from devices.shtrih.paper import WIDTH, Owner
from devices.shtrih.protocol import ACK, ENQ, NAK, Control, Form, Frame, Mode, Refused, Submode, frame
from devices.shtrih.simulator import Quirks, Simulator
from kassa.errors import KassaError

PW = 30
SELL = p.sell(PW, "Аванс за услуги связи, ЛС 4038172956", 65000, vat=12, method=3, subject=10)


class Bench:
    """A registrar on a table, asked by hand."""

    def __init__(self, truth=None, **quirks):
        self.now = 0.0
        self.kept = []
        self.sim = Simulator(
            0.0,
            truth,
            quirks=Quirks(**quirks),
            changed=lambda now: self.kept.append(now.count()["documents"]),
        )

    @property
    def drive(self):
        return self.sim.truth.drive

    def wait(self, seconds):
        self.now += seconds
        return self.sim.advance(self.now)

    def say(self, *codes):
        return self.sim.receive(bytes(codes), self.now)

    def ask(self, command, lasts_s=3.0):
        """The answer to a command; after it the printer rests."""
        assert self.say(ENQ) == bytes((NAK,))
        assert self.sim.receive(frame(command.body), self.now) == bytes((ACK,))
        item, rest = p.take(self.wait(lasts_s))
        assert isinstance(item, Frame)
        assert rest == b""
        assert self.say(ACK) == b""
        return command.read(item.body)

    def refuses(self, command):
        with pytest.raises(Refused) as refused:
            self.ask(command)
        return refused.value.code

    def open(self):
        self.ask(p.open_shift(PW))
        return self

    def sell(self, payment="00042-0000000001"):
        self.ask(p.open_receipt(PW))
        self.ask(SELL)
        self.ask(p.send_tags(PW, tlv.payment(payment)))
        return self.ask(p.close_receipt(PW, 65000, 0))


@pytest.fixture
def bench():
    return Bench().open()


# --- documents -----------------------------------------------------------------------------------------------------


def test_a_sale_is_in_the_archive_with_what_was_answered(bench):
    closed = bench.sell()
    found = bench.ask(p.find_document(PW, closed.number))

    assert (found.form, found.number, found.sign, found.total) == (Form.RECEIPT, 3, closed.sign, 65000)
    assert bench.ask(p.shift(PW)).receipt == 1
    assert bench.ask(p.cash_register(PW, 241)) == 65000
    assert bench.ask(p.drive_status(PW)).last_document == 3


def test_the_truth_is_kept_before_anybody_hears_of_a_document(bench):
    bench.ask(p.open_receipt(PW))
    bench.ask(SELL)
    bench.say(ENQ)
    bench.sim.receive(frame(p.close_receipt(PW, 65000, 0).body), bench.now)
    kept = len(bench.kept[-1])
    answer = bench.wait(1)

    assert kept == 2
    assert len(bench.kept[-1]) == 3
    assert answer


def test_tags_come_back_block_by_block(bench):
    closed = bench.sell("00042-0000000077")
    announced = bench.ask(p.announce_tags(PW, closed.number))
    assert bench.sim.mode is Mode.DATA_OUTPUT
    data = b""
    while len(data) < announced.size_bytes:
        data += bench.ask(p.read_tags(PW))

    assert tlv.payment_of(data) == "00042-0000000077"
    assert bench.refuses(p.read_tags(PW)) == errors.NO_DATA
    assert bench.sim.mode is Mode.SHIFT_OPEN


def test_the_shift_opens_and_closes_with_documents_of_its_own(bench):
    bench.sell()
    bench.ask(p.z_report(PW))

    assert [record.form for record in bench.drive.documents] == [
        Form.REGISTRATION, Form.SHIFT_OPEN, Form.RECEIPT, Form.SHIFT_CLOSE,
    ]  # fmt: skip
    assert bench.refuses(p.z_report(PW)) == errors.WRONG_MODE


def test_a_receipt_opens_the_shift_where_the_model_does_so():
    bench = Bench()
    bench.ask(p.open_receipt(PW))

    assert bench.drive.shift_is_open
    assert Bench(opens_shift_itself=False).refuses(p.open_receipt(PW)) == errors.WRONG_MODE


def test_after_24_hours_only_the_z_report_is_taken(bench):
    bench.sim.move_clock(24, bench.now)

    assert bench.refuses(p.open_receipt(PW)) == 0x4E
    assert bench.sim.mode is Mode.SHIFT_EXPIRED
    bench.ask(p.z_report(PW))
    assert bench.sim.mode is Mode.SHIFT_CLOSED


def test_a_receipt_that_stands_open_over_the_24th_hour_cannot_be_closed(bench):
    bench.ask(p.open_receipt(PW))
    bench.ask(SELL)
    bench.sim.move_clock(24, bench.now)

    assert bench.refuses(p.close_receipt(PW, 65000, 0)) == 0x4E
    bench.ask(p.cancel_receipt(PW))
    assert bench.drive.last == 2


@pytest.mark.parametrize(("cost", "kept"), [(b"\xff" * 5, 334), ((333).to_bytes(5, "little"), 333)])
def test_the_cost_of_an_item_is_the_one_that_was_told_if_it_is_within_a_kopeck(bench, cost, kept):
    bench.ask(p.open_receipt(PW))
    third = p.sell(PW, "Треть", 1001, vat=6, method=4, subject=4)
    fields = third.parameters[:5] + (333_333).to_bytes(6, "little") + third.parameters[11:16] + cost
    bench.ask(p.Command(third.code, fields + third.parameters[21:], third.parse))
    bench.ask(p.close_receipt(PW, kept, 0))

    assert bench.drive.documents[-1].sum == kept


def test_too_little_money_makes_no_document(bench):
    bench.ask(p.open_receipt(PW))
    assert bench.refuses(p.close_receipt(PW, 0, 0)) == 0x8E
    bench.ask(SELL)

    assert bench.refuses(p.close_receipt(PW, 64999, 0)) == 0x45
    assert bench.drive.last == 2


def test_documents_wait_for_the_operator_of_data_and_stop_the_drive_after_30_days(bench):
    bench.sim.faults.loses_ofd = True
    bench.sell()
    assert bench.ask(p.unsent_count(PW)) == 1
    bench.ask(p.z_report(PW))
    bench.sim.move_clock(31 * 24, bench.now)

    assert bench.refuses(p.open_shift(PW)) == 0x15
    bench.sim.faults.loses_ofd = False
    assert bench.ask(p.exchange(PW)).unsent == 0


def test_the_clock_is_set_with_the_shift_closed_and_then_confirmed():
    bench = Bench()
    on = datetime(2026, 11, 25).date()  # noqa: DTZ001 - the registrar's wall time has no zone
    bench.ask(p.set_date(PW, on))
    assert bench.sim.mode is Mode.DATE_UNCONFIRMED
    assert bench.refuses(p.confirm_date(PW, on.replace(day=26))) == 0x7C
    bench.ask(p.confirm_date(PW, on))
    bench.open()

    assert bench.drive.documents[-1].at.date() == on
    assert bench.refuses(p.set_date(PW, on)) == errors.WRONG_MODE


def test_a_receipt_holds_no_more_than_its_bounds(bench):
    bench.ask(p.open_receipt(PW))
    assert bench.refuses(p.sell(PW, "x", 10**10, 6, 3, 10)) == 0x48
    for _ in range(documents.ITEMS_MAX):
        bench.ask(p.sell(PW, "x", 1, 6, 3, 10))
    assert bench.refuses(p.sell(PW, "x", 1, 6, 3, 10)) == 0x94
    full = tlv.encode(tlv.USER_ATTRIBUTE, bytes(p.TAGS_BYTES_MAX - 4))
    for _ in range(documents.TAGS_BYTES_MAX // p.TAGS_BYTES_MAX):
        bench.ask(p.send_tags(PW, full))
    assert bench.refuses(p.send_tags(PW, full)) == 0x10

    number = bench.ask(p.close_receipt(PW, documents.ITEMS_MAX, 0), lasts_s=20).number
    assert bench.ask(p.announce_tags(PW, number)).size_bytes < 0xFFFF


@pytest.mark.parametrize(
    "command", [p.drive_status, p.short_status, p.open_receipt, p.z_report], ids=lambda one: one.__name__
)
def test_another_password_gets_nothing(bench, command):
    assert bench.refuses(command(29)) == errors.WRONG_PASSWORD


@given(st.binary(min_size=1, max_size=255))
def test_any_command_is_answered_and_no_hostile_one_makes_a_document(body):
    bench = Bench()
    bench.sim.receive(frame(body), 0.0)
    item, _ = p.take(bench.wait(60))

    assert isinstance(item, Frame)
    assert bench.drive.last == 1 or body.startswith((b"\xe0\x1e\0\0\0", b"\x8d\x1e\0\0\0\0"))


@given(
    st.sampled_from([b"\xff\x46", b"\xff\x45", b"\xff\x0c", b"\x17", b"\x8d", b"\x22"]),
    st.binary(max_size=180),
)
def test_any_parameters_are_taken_or_refused(code, fields):
    bench = Bench().open()
    bench.ask(p.open_receipt(PW))
    bench.sim.receive(frame(code + b"\x1e\0\0\0" + fields), bench.now)

    assert isinstance(p.take(bench.wait(60))[0], Frame)
    assert Form.RECEIPT not in [record.form for record in bench.drive.documents]


# --- the wire ------------------------------------------------------------------------------------------------------


def test_an_answer_that_nobody_acknowledged_is_given_again_at_enq(bench):
    bench.sim.receive(frame(p.short_status(PW).body), bench.now)
    answer = bench.wait(1)

    assert bench.say(ENQ) == bytes((ACK,)) + answer
    bench.say(ACK)
    assert bench.say(ENQ) == bytes((NAK,))


def test_a_command_at_work_is_no_new_one(bench):
    bench.sim.receive(frame(p.z_report(PW).body), bench.now)

    assert bench.say(ENQ) == bytes((ACK,))
    assert bench.sim.receive(frame(p.z_report(PW).body), bench.now) == b""
    bench.wait(5)
    assert [record.form for record in bench.drive.documents].count(Form.SHIFT_CLOSE) == 1


def test_zeros_before_a_frame_are_forgiven_and_damage_is_not(bench):
    assert bench.sim.receive(bytes(4) + frame(p.short_status(PW).body), bench.now) == bytes((ACK,))
    bench.wait(1)
    bench.say(ACK)
    broken = bytearray(frame(p.short_status(PW).body))
    broken[-1] ^= 1
    assert bench.sim.receive(bytes(broken), bench.now) == bytes((NAK,))


def test_half_a_frame_is_forgotten_after_a_while(bench):
    assert bench.sim.receive(frame(p.short_status(PW).body)[:4], bench.now) == b""
    bench.wait(2)

    assert bench.say(ENQ) == bytes((NAK,))


# --- power ----------------------------------------------------------------------------------------------------------


def test_a_cut_before_the_record_leaves_the_receipt_open_and_no_document(bench):
    bench.ask(p.open_receipt(PW))
    bench.ask(SELL)
    bench.sim.receive(frame(p.close_receipt(PW, 65000, 0).body), bench.now)
    bench.wait(0.1)
    bench.sim.cut_power(bench.now)
    assert bench.say(ENQ) == b""
    bench.sim.restore_power(bench.now)

    assert bench.say(ENQ) == bytes((NAK,))
    assert (bench.drive.last, bench.sim.mode) == (2, Mode.DOCUMENT_OPEN)


def test_a_cut_after_the_record_leaves_the_document_and_prints_it_again(bench):
    bench.ask(p.open_receipt(PW))
    bench.ask(SELL)
    bench.sim.receive(frame(p.close_receipt(PW, 65000, 0).body), bench.now)
    bench.wait(0.6)
    bench.sim.cut_power(bench.now)
    bench.sim.restore_power(bench.now)
    bench.wait(5)

    assert bench.drive.last == 3
    torn, whole = bench.sim.truth.sheets[-2:]
    assert (torn.is_whole, whole.is_whole, whole.document) == (False, True, 3)
    assert whole.lines[: len(torn.lines)] == torn.lines


def test_a_model_that_forgets_open_receipts_prints_them_as_cancelled():
    bench = Bench(keeps_open_document=False).open()
    bench.ask(p.open_receipt(PW))
    bench.ask(SELL)
    bench.sim.cut_power(bench.now)
    bench.sim.restore_power(bench.now)
    bench.wait(5)

    assert bench.sim.mode is Mode.SHIFT_OPEN
    assert bench.sim.truth.sheets[-1].lines[-1].strip() == "ЧЕК АННУЛИРОВАН"


# --- paper ---------------------------------------------------------------------------------------------------------------


def test_paper_that_ends_in_the_middle_stops_the_print_until_the_host_continues_it(bench):
    bench.sim.put_paper_in(bench.now, lines=10)
    bench.sell()
    assert bench.sim.submode is Submode.PAPER_RAN_OUT
    assert bench.refuses(p.x_report(PW)) == errors.WRONG_SUBMODE
    assert bench.refuses(p.continue_print(PW)) == errors.WRONG_SUBMODE
    bench.sim.put_paper_in(bench.now)
    assert bench.sim.submode is Submode.WAITS_FOR_CONTINUE
    assert bench.refuses(p.x_report(PW)) == errors.WAITS_FOR_CONTINUE
    bench.ask(p.continue_print(PW))

    assert bench.sim.submode is Submode.IDLE
    assert [sheet.is_whole for sheet in bench.sim.truth.sheets[-2:]] == [False, True]


def test_without_paper_nothing_that_prints_is_done(bench):
    bench.sim.take_paper_out(bench.now)

    assert bench.refuses(p.open_receipt(PW)) == errors.NO_PAPER
    assert bench.ask(p.drive_status(PW)).last_document == 2
    assert not bench.ask(p.short_status(PW)).sees_paper


def test_while_it_prints_nothing_else_is_printed(bench):
    bench.ask(p.x_report(PW), lasts_s=0.7)

    assert bench.refuses(p.open_receipt(PW)) == errors.BUSY


def test_paper_is_used_line_by_line(bench):
    before = bench.sim.truth.paper_lines
    bench.sell()

    assert before - bench.sim.truth.paper_lines == len(bench.sim.truth.sheets[-1].lines)


def printed(names, prices, vat=12, lines=(), payment="00042-0000000001"):
    items = [Item(name, price, price, vat, 3, 10) for name, price in zip(names, prices, strict=True)]
    opened = OpenDocument(True, list(lines), items, tlv.payment(payment))
    truth = Truth()
    truth.drive.record(Form.SHIFT_OPEN, datetime(2026, 11, 24, 9, 0))  # noqa: DTZ001 - no zone
    record = truth.drive.record(Form.RECEIPT, datetime(2026, 11, 24, 14, 5), opened)  # noqa: DTZ001 - no zone
    record.payment = payment
    return paper.receipt(record, opened, 0, truth.drive, Owner()), record


def test_a_receipt_carries_what_the_law_wants_on_paper():
    lines, record = printed(["Аванс за услуги связи, ЛС 4038172956"], [65000], lines=["Терминал 00042"])
    pairs = [tuple(line.split("  ")[0::1]) for line in lines if "  " in line.strip()]
    text = "\n".join(lines)

    assert [line.strip() for line in lines[:5]] == [
        "ООО «ПРИМЕРСВЯЗЬ»",
        "г. Примерск, ул. Садовая, д. 5",
        "Терминал оплаты услуг связи",
        "КАССОВЫЙ ЧЕК",
        "ПРИХОД",
    ]
    for name, value in (
        ("ИТОГ", "=650.00"), ("НАЛИЧНЫМИ", "=650.00"), ("НДС 22/122", "=117.21"), ("СНО", "ОСН"),
        ("АВТОМАТ", "00042"), ("ИНН", "7701234567"), ("ФН", "9999078900001234"), ("ФД", "2"),
        ("ФПД", f"{record.sign:010}"), ("СМЕНА 1", "ЧЕК 1"), ("ДАТА ВРЕМЯ", "24.11.2026 14:05"),
        ("Платёж", "00042-0000000001"), ("ПЛАТЁЖ", "АВАНС"),
    ):  # fmt: skip
        assert any(pair[0] == name and pair[-1].strip() == value for pair in pairs), name
    assert f"t=20261124T1405&s=650.00&fn=9999078900001234&i=2&fp={record.sign}&n=1" in text.replace("\n", "")


@given(
    st.lists(
        st.tuples(st.text(st.characters(codec="cp1251"), max_size=128), st.integers(1, 10**10)),
        min_size=1,
        max_size=3,
    ),
    st.sampled_from(sorted(p.VAT_CODES)),
    st.lists(st.text(st.characters(codec="cp1251"), max_size=100), max_size=3),
)
def test_every_line_fits_the_paper_and_no_sum_is_cut(items, vat, lines):
    names, prices = zip(*items, strict=True)
    printed_lines, record = printed(names, prices, vat, lines)

    assert all(len(line) <= WIDTH for line in printed_lines)
    whole = f"={record.sum // 100}.{record.sum % 100:02}"
    assert sum(line.endswith(whole) for line in printed_lines) >= 2


@pytest.mark.parametrize(
    ("vat", "total", "tax"),
    [
        (12, 65000, "=117.21"),
        (11, 65000, "=117.21"),
        (1, 12000, "=20.00"),
        (9, 100, "=0.05"),
        (6, 65000, "=650.00"),
    ],
)
def test_the_tax_is_the_part_of_the_price_that_the_law_says(vat, total, tax):
    lines, _ = printed(["Связь"], [total], vat)

    assert sum(line.startswith(paper.VAT_NAMES[vat]) and line.endswith(tax) for line in lines) == 1


# --- its memory and its console ----------------------------------------------------------------------------------------


def test_the_truth_outlives_the_process(bench, tmp_path):
    closed = bench.sell()
    truths.save(bench.sim.truth, tmp_path / "state.json")
    again = Bench(truths.load(tmp_path / "state.json", Truth))

    assert again.sim.truth == bench.sim.truth
    assert again.sim.truth.count()["documents"][-1]["sign"] == closed.sign


def test_a_file_that_is_no_truth_is_refused_in_words(tmp_path):
    path = tmp_path / "state.json"
    path.write_text("{")

    with pytest.raises(KassaError, match="no state of this simulated device; delete it"):
        truths.load(path, Truth)
    assert truths.load(tmp_path / "none.json", Truth) == Truth()


def obey(bench, line):
    return bench.sim.obey(line.split(), bench.now)


def test_the_console_tells_the_documents(bench):
    bench.sell("00042-0000000077")
    state = obey(bench, "state")

    assert state["documents"][-1] == {
        "kind": "receipt", "number": 3, "sum": "650.00", "sign": bench.drive.documents[-1].sign, "shift": 1,
        "at": state["documents"][-1]["at"], "payment": "00042-0000000077",
    }  # fmt: skip
    assert (state["total"], state["unsent"], state["mode"], state["submode"]) == (
        "650.00",
        0,
        "shift_open",
        "idle",
    )


def test_the_console_shows_the_last_receipt(bench):
    with pytest.raises(ConsoleError, match="no such receipt"):
        obey(bench, "receipt")
    bench.sell()

    assert obey(bench, "receipt")["text"].splitlines()[3].strip() == "КАССОВЫЙ ЧЕК"
    assert obey(bench, "receipt")["qr"].startswith("t=20261124T")
    assert obey(bench, "receipt 3") == obey(bench, "receipt")


@pytest.mark.parametrize(
    ("line", "is_so"),
    [
        ("power off", lambda sim: not sim.has_power),
        ("paper out", lambda sim: sim.submode is Submode.NO_PAPER),
        ("paper low", lambda sim: not sim._flags() >> 1 & 1),
        ("paper left 7", lambda sim: sim.truth.paper_lines == 7),
        ("cover open", lambda sim: sim.truth.cover_is_open),
        ("fault busy 5", lambda sim: sim.submode is Submode.PRINTING),
        ("fault lock", lambda sim: sim.mode is Mode.INSPECTOR_LOCK),
        ("fault clock", lambda sim: sim.mode is Mode.DATE_UNCONFIRMED),
        ("fault failure", lambda sim: sim.mode is Mode.TECHNICAL_RESET),
        ("fault drive_full", lambda sim: sim.faults.drive == 0x14),
        ("fault refuse FF45 6B", lambda sim: sim.quirks.refusals == {b"\xff\x45": [0x6B]}),
        ("fault lose_answer", lambda sim: sim.quirks.lost_answers == 1),
        ("fault forget_answer", lambda sim: sim.quirks.forgets_after_record == 1),
        ("clock 25", lambda sim: sim.mode is Mode.SHIFT_EXPIRED),
        ("leftover 100", lambda sim: sim.mode is Mode.DOCUMENT_OPEN),
        ("drive 9999078900009999", lambda sim: sim.truth.drive.serial == "9999078900009999"),
        ("ofd off", lambda sim: sim.faults.loses_ofd),
    ],
)
def test_the_console_does_what_a_hand_would_and_a_technician_mends_it(bench, line, is_so):
    assert obey(bench, line) == {}
    assert is_so(bench.sim)
    obey(bench, "power on")
    obey(bench, "clear")
    bench.wait(10)

    assert bench.sim.submode is Submode.IDLE
    assert bench.sim.truth.paper_lines in (7, 199) or bench.sim.truth.paper_lines > ROLL_LINES - 100


@pytest.mark.parametrize(
    "line",
    [
        "",
        "print",
        "paper",
        "fault",
        "fault nonsense",
        "fault refuse X 1",
        "fault refuse FF45",
        "clock x",
        "drive 12",
        "receipt 1 2",
        "fault busy 0",
    ],
)
def test_the_console_says_what_is_allowed(bench, line):
    with pytest.raises(ConsoleError):
        obey(bench, line)


def test_the_console_names_its_commands(bench):
    assert "paper out" in obey(bench, "help")["commands"]


def test_control_bytes_without_meaning_are_left_alone(bench):
    assert bench.say(ACK, NAK, 0x99) == b""
    assert p.take(bytes((ENQ,)))[0] == Control(ENQ)


def test_a_byte_that_is_no_letter_of_its_alphabet_is_printed_as_a_sign_of_that(bench):
    line = p.print_line(PW, "x" * 40)
    bench.ask(p.Command(line.code, line.parameters.replace(b"x", b"\x98"), line.parse))
    bench.ask(p.open_receipt(PW))
    bench.ask(
        p.Command(SELL.code, SELL.parameters.replace("Аванс".encode("cp1251"), b"\x98" * 5), SELL.parse)
    )
    bench.ask(p.close_receipt(PW, 65000, 0))
    assert bench.drive.documents[-1].items[0].name.startswith("\ufffd" * 5 + " за услуги")


def test_the_clock_never_leaves_the_century_that_it_can_show(bench):
    hours = ["clock", "100000"]
    for _ in range(6):
        bench.sim.obey(hours, bench.now)
    with pytest.raises(ConsoleError, match="it goes to the end of 2099"):
        bench.sim.obey(hours, bench.now)
    assert bench.ask(p.long_status(PW)).at.year == bench.sim.clock.year == 2095


def test_a_year_beyond_the_century_is_no_date():
    closed = Bench()
    command = p.set_date(PW, date(2099, 12, 31))
    late = p.Command(command.code, command.parameters[:-1] + b"\x64", command.parse)
    assert closed.refuses(late) == 0x7D


def test_counters_of_two_bytes_do_not_break_when_there_is_more_to_count(bench):
    bench.sim.faults.loses_ofd = True
    bench.drive.documents *= 70_000
    assert bench.ask(p.operation_register(PW, 152)) == bench.drive.last & 0xFFFF
    assert bench.ask(p.unsent_count(PW)) == 0xFFFF
    assert bench.ask(p.exchange(PW)).unsent == 0xFFFF
