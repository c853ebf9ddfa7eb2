"""A summary that agrees when it should not would make every other test of money worthless."""

import msgspec
import pytest

from kassa.demo.summary import Fiscal, Paid, PaymentFile, Summary, disagreements

AGREEING = Summary(
    notes_in_box={"500": 1, "100": 1},
    box_total="600.00",
    credited_total="600.00",
    payments=[Paid("1", "0017742", "internet", "500.00", 7), Paid("2", "0017990", "tv", "100.00", 8)],
    documents=[Fiscal(7, "500.00", 11), Fiscal(8, "100.00", 12)],
    files=[PaymentFile("a.csv", ["1"], "500.00"), PaymentFile("b.csv", ["2"], "100.00")],
    journal_is_whole=True,
    disagreements=[],
)

LIES = {
    "a note too many in the box": {"box_total": "700.00"},
    "no document for a payment": {"documents": [Fiscal(7, "500.00", 11)]},
    "a document of another sum": {"documents": [Fiscal(7, "50.00", 11), Fiscal(8, "100.00", 12)]},
    "a document too many": {"documents": [*AGREEING.documents, Fiscal(9, "100.00", 13)]},
    "a payment in two files": {"files": [*AGREEING.files, PaymentFile("c.csv", ["2"], "0.00")]},
    "a payment in no file": {"files": [PaymentFile("a.csv", ["1"], "600.00")]},
    "a payment that nobody made": {"files": [PaymentFile("a.csv", ["1", "2", "3"], "600.00")]},
    "a file with another total": {"files": [PaymentFile("a.csv", ["1", "2"], "599.00")]},
    "a broken journal": {"journal_is_whole": False},
}


def test_what_agrees_agrees():
    assert disagreements(AGREEING) == []


@pytest.mark.parametrize("lie", LIES)
def test_each_broken_promise_is_told(lie):
    assert len(disagreements(msgspec.structs.replace(AGREEING, **LIES[lie]))) == 1
