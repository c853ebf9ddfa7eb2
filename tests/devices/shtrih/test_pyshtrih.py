"""A client that knows nothing of us drives our simulated registrar, over a real pseudo-terminal.

What it understands is what other people have made of the vendor's book and of real registrars; what the simulator's
fiscal drive and paper say of it is in the file that outlives its process.
"""

from contextlib import contextmanager
from datetime import datetime

import ffd
import pytest
from pyshtrih_client import (
    FD,
    CloseCheckError,
    Error,
    ItemSaleError,
    OpenCheckError,
    ShtrihM01F,
)
from receipts import DRIVE

from devices import truths
from devices.shtrih.archive import tags_of
from devices.shtrih.memory import Truth
from devices.shtrih.paper import Owner
from devices.shtrih.protocol import Form, Mode, Submode

PASSWORD = 30
PATIENCE_S = 10.0
"""A bound for a noisy machine: the answers come at once."""
SALE, SALE_RETURN = 0, 2
"""Kinds of receipts as the client opens them."""
CASH_SALES, CARD_SALES, OTHER_SALES, CASH_RETURNS, SALES_OF_DEPARTMENT = 193, 197, 201, 195, 121
DRAWER, PUT_IN, TAKEN_OUT = 241, 242, 243
RECEIPTS, RETURNS, MOVES_IN, CANCELLED, X_REPORTS = 144, 146, 153, 157, 158
INTERNET, TELEPHONE = ("Интернет, ЛС 4038172956", 1000, 65000), ("Телефон, минута", 2500, 199)
"""Name, thousandths of a piece, kopecks a piece."""


@contextmanager
def client_of(simulated, patience_s=PATIENCE_S):
    client = ShtrihM01F(str(simulated.link), 115200, patience_s, PASSWORD)
    client.connect()
    try:
        yield client
    finally:
        client.disconnect()


def truth_of(simulated):
    return truths.load(simulated.state, Truth)


def money(client, register):
    return client.request_monetary_register(register)["Содержимое регистра"]


def count(client, register):
    return client.request_operational_register(register)["Содержимое регистра"]


def sell(client, *items, kind=SALE, **paid):
    """A receipt as shop software makes it; the change."""
    client.open_check(kind)
    for item in items:
        (client.sale if kind == SALE else client.return_sale)(item)
    return client.close_check(**paid)["Сдача"]


def state_of(client):
    state = client.state()
    return Mode(state["Режим ФР"].num), Submode(state["Подрежим ФР"].state)


def test_the_status_is_understood(run):
    async def story(simulated):
        with client_of(simulated) as client:
            assert client.name == "PAY VKP-80K-FA"
            assert state_of(client) == (Mode.SHIFT_CLOSED, Submode.IDLE)
            told, drive = client.full_state(), client.fs_state()

            shown = datetime.combine(told["Дата"], told["Время"])
            assert shown.isoformat() <= (await simulated.say("state"))["clock"]
            assert (told["Версия ПО ФР"], told["Заводской номер"]) == ("C.2", 4201267)
            assert (drive["Номер ФН"].decode(), drive["Номер последнего ФД"]) == (DRIVE, 1)
            assert drive["Состояние фазы жизни"]["Открыт фискальный режим"]
            assert (drive["Текущий документ"], drive["Состояние смены"]) == (
                "нет открытого документа",
                "смена закрыта",
            )
            assert client.fs_expiration_time()["Срок действия"].year == 2035

            await simulated.say("paper out")
            assert state_of(client)[1] is Submode.NO_PAPER
            assert client.state()["Флаги ФР"]["Оптический датчик чековой ленты"] == 0

    run(story)


def test_a_whole_shift_adds_up_in_registers_on_paper_and_in_the_fiscal_drive(run):
    async def story(simulated):
        with client_of(simulated) as client:
            client.open_shift()
            client.income(100000)
            assert sell(client, INTERNET, cash=100000) == 35000
            assert sell(client, INTERNET, TELEPHONE, cash=498, payment_type2=60000, payment_type3=5000) == 0
            assert sell(client, TELEPHONE, kind=SALE_RETURN, cash=498) == 0
            client.outcome(50000)

            assert money(client, CASH_SALES) == 65000 + 498
            assert (money(client, CARD_SALES), money(client, OTHER_SALES)) == (60000, 5000)
            assert money(client, SALES_OF_DEPARTMENT) == 65000 + 65498
            assert money(client, CASH_RETURNS) == 498
            assert money(client, DRAWER) == 100000 + 65000 + 498 - 498 - 50000
            assert (money(client, PUT_IN), money(client, TAKEN_OUT)) == (100000, 50000)
            assert [count(client, one) for one in (RECEIPTS, RETURNS, MOVES_IN)] == [2, 1, 1]
            assert client.fs_shift_params()["Номер чека"] == 3

            client.x_report()
            client.wait_printing()
            assert count(client, X_REPORTS) == 1
            client.z_report()
            client.wait_printing()
            assert state_of(client)[0] is Mode.SHIFT_CLOSED
            assert [money(client, one) for one in (CASH_SALES, CASH_RETURNS, DRAWER)] == [0, 0, 0]
            assert client.full_state()["Номер последней закрытой смены"] == 1

        truth = truth_of(simulated)
        assert [(one.form, one.sum, one.cash) for one in truth.drive.documents[1:]] == [
            (Form.SHIFT_OPEN, 0, 0),
            (Form.RECEIPT, 65000, 65000),
            (Form.RECEIPT, 65498, 498),
            (Form.RECEIPT, 498, 498),
            (Form.SHIFT_CLOSE, 0, 0),
        ]
        x_report, z_report = ("\n".join(sheet.lines) for sheet in truth.sheets[-2:])
        assert "СУТОЧНЫЙ ОТЧЁТ БЕЗ ГАШЕНИЯ" in x_report
        assert "ОТЧЁТ О ЗАКРЫТИИ СМЕНЫ" in z_report
        for report in (x_report, z_report):
            sums = [line.split("=")[1] for line in report.splitlines() if "НАЛИЧНЫМИ" in line]
            assert sums == ["654.98", "650.00", "4.98", "0.00"]

    run(story)


def test_the_items_of_a_receipt_are_the_ones_that_were_sold(run):
    async def story(simulated):
        with client_of(simulated) as client:
            client.open_shift()
            client.open_check(SALE)
            client.sale(INTERNET, tax1=12)
            client.sale(TELEPHONE)
            client.send_tlv_struct(FD({1008: "+79991234567"}).dump())
            client.close_check(cash=65498)
            client.wait_printing()
            number = client.fs_state()["Номер последнего ФД"]
            found = client.fs_find_document_by_num(number)

        drive = truth_of(simulated).drive
        receipt = drive.documents[-1]
        assert ffd.check(tags_of(receipt, drive, Owner()), "receipt", "1.2") == []
        assert [(one.name, one.quantity, one.sum, one.vat) for one in receipt.items] == [
            (INTERNET[0], 1_000_000, 65000, 12),
            (TELEPHONE[0], 2_500_000, 498, 6),
        ]
        assert (found["Тип фискального документа"], number) == (Form.RECEIPT, receipt.number)
        text = (await simulated.say("receipt"))["text"]
        assert "2.5 x 1.99 = 4.98" in text
        assert "+79991234567" in text

    run(story)


def test_a_cancelled_receipt_leaves_paper_and_no_document(run):
    async def story(simulated):
        with client_of(simulated) as client:
            client.open_shift()
            client.open_check(SALE)
            client.sale(INTERNET)
            mode = client.state()["Режим ФР"]
            assert (mode.num, mode.status) == (Mode.DOCUMENT_OPEN, SALE)
            client.cancel_check()
            client.wait_printing()

            assert state_of(client)[0] is Mode.SHIFT_OPEN
            assert [count(client, one) for one in (CANCELLED, RECEIPTS)] == [1, 0]
            assert money(client, CASH_SALES) == money(client, DRAWER) == 0
            assert sell(client, INTERNET, cash=65000) == 0

        truth = truth_of(simulated)
        assert [one.form for one in truth.drive.documents[1:]] == [Form.SHIFT_OPEN, Form.RECEIPT]
        assert any("ЧЕК АННУЛИРОВАН" in sheet.text for sheet in truth.sheets)

    run(story)


def test_paper_that_ends_within_a_receipt_is_one_document_and_a_second_piece_of_paper(run):
    async def story(simulated):
        with client_of(simulated) as client:
            client.open_shift()
            client.wait_printing()
            await simulated.say("paper left 10")
            assert sell(client, INTERNET, cash=65000) == 0
            while state_of(client)[1] is Submode.PRINTING:
                pass
            assert state_of(client)[1] is Submode.PAPER_RAN_OUT
            with pytest.raises(Error) as refused:
                client.protocol.command(0x40, PASSWORD)  # its own x_report() would wait for paper for ever
            assert refused.value.code == 0x72

            await simulated.say("paper in")
            assert state_of(client)[1] is Submode.WAITS_FOR_CONTINUE
            client.wait_printing()  # it continues what it finds interrupted
            client.x_report()
            client.wait_printing()

        truth = truth_of(simulated)
        assert [one.form for one in truth.drive.documents[1:]] == [Form.SHIFT_OPEN, Form.RECEIPT]
        torn, whole = [sheet for sheet in truth.sheets if sheet.document == 3]
        assert (torn.is_whole, whole.is_whole) == (False, True)
        assert whole.lines[: len(torn.lines)] == torn.lines

    run(story)


def test_a_copy_of_the_last_receipt_is_no_document(run):
    async def story(simulated):
        with client_of(simulated) as client:
            client.open_shift()
            sell(client, INTERNET, cash=65000)
            client.repeat()
            client.print_string("Спасибо за платёж")
            client.feed(5, cash_tape=True)
            client.cut()
            client.wait_printing()

        truth = truth_of(simulated)
        assert truth.drive.last == 3
        text, copy = truth.sheets[-1].lines, truth.sheets[-2].lines
        assert copy[0].strip() == "КОПИЯ"
        assert text == ["Спасибо за платёж", *[""] * 5]

    run(story)


@pytest.mark.parametrize(
    ("kind", "step", "code"),
    [
        (OpenCheckError, lambda client: client.open_check(SALE) and client.open_check(SALE), 0x4A),
        (ItemSaleError, lambda client: client.open_check(SALE_RETURN) and client.sale(INTERNET), 0x33),
        (CloseCheckError, lambda client: sell(client, INTERNET, cash=64999), 0x45),
        (CloseCheckError, lambda client: sell(client, INTERNET, payment_type2=65001), 0x4D),
        (CloseCheckError, lambda client: sell(client, INTERNET, kind=SALE_RETURN, cash=65000), 0x46),
        (Error, lambda client: client.outcome(1), 0x46),
        (Error, lambda client: client.open_shift(), 0x73),
    ],
)
def test_what_a_registrar_must_refuse_is_refused_and_makes_no_document(run, kind, step, code):
    async def story(simulated):
        with client_of(simulated) as client:
            client.open_shift()
            with pytest.raises(kind) as refused:
                step(client)
            assert refused.value.code == code

        assert truth_of(simulated).drive.last == 2

    run(story)


def test_after_24_hours_the_shift_can_only_be_closed(run):
    async def story(simulated):
        with client_of(simulated) as client:
            client.open_shift()
            await simulated.say("clock 24")
            assert state_of(client)[0] is Mode.SHIFT_EXPIRED
            with pytest.raises(OpenCheckError) as refused:
                client.open_check(SALE)
            assert refused.value.code == 0x4E
            client.z_report()
            client.wait_printing()
            client.open_shift()
            assert sell(client, INTERNET, cash=65000) == 0

        assert [one.shift for one in truth_of(simulated).drive.documents] == [0, 1, 1, 2, 2]

    run(story)


def test_a_receipt_whose_answer_was_lost_is_in_the_archive_once(run):
    async def story(simulated):
        with client_of(simulated, patience_s=1.0) as client:
            client.open_shift()
            client.open_check(SALE)
            client.sale(INTERNET)
            await simulated.say("fault lose_answer")
            with pytest.raises(CloseCheckError, match="Нет связи"):
                client.close_check(cash=65000)

            assert client.fs_state()["Номер последнего ФД"] == 3
            assert money(client, CASH_SALES) == 65000

        assert [one.sum for one in truth_of(simulated).drive.documents[2:]] == [65000]

    run(story)


def test_tables_are_read_by_the_structure_that_they_tell(run):
    async def story(simulated):
        with client_of(simulated) as client:
            regional = client.request_table_structure(17)
            assert (regional["Название таблицы"], regional["Количество рядов"]) == (
                "РЕГИОНАЛЬНЫЕ НАСТРОЙКИ",
                1,
            )
            field = client.request_field_structure(17, 17)
            assert (field["Название поля"], field["Тип поля"]) == ("ФОРМАТ ФД", int)
            assert (field["Минимальное значение поля"], field["Максимальное значение поля"]) == (0, 4)
            assert client.read_table(17, 1, 17, int)["Значение"] == 4
            name = client.request_field_structure(18, 7)
            assert name["Тип поля"] is str
            assert client.read_table(18, 1, 7, name["Тип поля"])["Значение"] == "ООО «ПРИМЕРСВЯЗЬ»"

            client.write_table(17, 1, 17, 2, int)
            assert client.read_table(17, 1, 17, int)["Значение"] == 2
            for table, number, code in ((17, 99, 0x5E), (99, 1, 0x5D)):
                with pytest.raises(Error) as refused:
                    client.read_table(table, 1, number, int)
                assert refused.value.code == code
            with pytest.raises(Error) as refused:
                client.write_table(17, 1, 17, 5, int)
            assert refused.value.code == 0x33

        assert truth_of(simulated).tables == {"17.17": 2}

    run(story)
