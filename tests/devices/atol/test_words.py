"""What ATOL's tasks and answers say to a technician, without secrets."""

from hypothesis import given
from hypothesis import strategies as st
from receipts import receipt_of

from devices.atol import tasks
from devices.atol.http import request, without_secret
from devices.atol.lines import Said, Settings, line
from devices.atol.lines import without_secret as lines_without_secret
from devices.atol.words import LANGUAGE
from devices.words import tell
from kassa.flight.ring import Kind, Record

NOON = 1_795_000_000.0
UUID = "4f5d3cf0-5c2a-5b8e-9a0e-6b6a73736101"


def lines(*said):
    kinds = (Kind.SENT, Kind.RECEIVED)
    records = [Record(NOON + at / 10, kinds[at % 2], data, "atol_web") for at, data in enumerate(said)]
    return [line.words for line in tell(records, {"atol_web": LANGUAGE}.get)]


def answer(body, status=b"200 OK"):
    return b"HTTP/1.1 " + status + b"\r\nContent-Length: " + str(len(body)).encode() + b"\r\n\r\n" + body


def test_a_receipts_way_through_the_web_server():
    sale = tasks.receipt(receipt_of("00042-0000000001", 650), tasks.Ffd.V1_2)
    posted = b'{"uuid":"' + UUID.encode() + b'","request":[' + sale.body + b"]}"
    made = (
        b'{"results":[{"status":"ready","errorCode":0,"result":{"fiscalParams":{"fiscalDocumentNumber":3,'
        b'"fiscalDocumentSign":"77"},"warnings":{"notPrinted":true}}}]}'
    )

    assert lines(
        request("POST", "h", "/requests", "kassa", "hush", posted), answer(b"{}", b"201 Created"),
        request("GET", "h", f"/requests/{UUID}", "kassa", "hush"), answer(made),
    ) == [
        "POST request 4f5d3cf0: sell 650.0 payment 00042-0000000001", "201 Created",
        "GET request 4f5d3cf0", "200 OK, ready: document 3, sign 77, not printed",
    ]  # fmt: skip


def test_errors_of_both_generations_read_the_same():
    flat = b'{"results":[{"status":"error","errorCode":44,"errorDescription":"x"}]}'
    nested = b'{"results":[{"status":"error","error":{"code":44,"description":"x"}}]}'
    asked = request("GET", "h", f"/requests/{UUID}", "kassa", "hush")

    assert (
        lines(asked, answer(flat))[1]
        == lines(asked, answer(nested))[1]
        == "200 OK, error: error 44, no paper"
    )


def test_lines_of_the_library_tell_no_password():
    told = lines(line(Said(1, open=Settings("1", user_password="hush"))), b'{"id":1}\n')

    assert told == ["OPEN port 1, model 500", "done"]


def test_of_a_request_all_is_kept_but_user_and_secret():
    asked = request("POST", "h", "/requests", "kassa", "hush", b"{}")

    assert without_secret(asked) == asked.replace(b"Basic a2Fzc2E6aHVzaA==", b"-")


def test_of_a_line_to_the_library_all_is_kept_but_passwords():
    task = line(Said(2, task=tasks.Raw(tasks.fn_document(7).body)))

    assert lines_without_secret(line(Said(1, open=Settings("1", user_password="hush")))) == (
        b'{"id":1,"open":{"port":"1","user_password":"***"}}\n'
    )
    assert lines_without_secret(task) == task


def test_lines_of_the_library_tell_tasks_and_errors():
    asked = line(Said(2, task=tasks.Raw(tasks.fn_document(7).body)))

    assert lines(asked, b'{"id":2,"error":{"code":2}}\n') == [
        "TASK getFnDocument 7",
        "error 2, no link to the device",
    ]


@given(
    st.lists(st.one_of(st.binary(max_size=80), st.sampled_from([answer(b"{}"), answer(b'{"results":[{}]}')])))
)
def test_whatever_passed_is_told(said):
    lines(*said)
