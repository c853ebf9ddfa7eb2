"""What counts as a phone number or an e-mail address, and what others see of it."""

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kassa.contact import MAX_CHARS, Contact, Kind, is_contact, kind_of, masked

GOOD = [
    "+79991234567",
    "ivan@mail.ru",
    "i@example.ru",
    "ivan.petrov-1_x@mail.example.co",
    "007@x1-y2.ru",
    "a" * (MAX_CHARS - len("@mail.ru")) + "@mail.ru",
]
BAD = [
    "", "+", "+7", "+7999123456", "+799912345678", "+74951234567", "+89991234567", "89991234567", "+7 9991234567",
    "+7999123456７", "@", "ivan", "@mail.ru", "ivan@", "ivan@mail", "ivan@@mail.ru", "ivan@mail@mail.ru", "ivan@.ru",
    "ivan@mail.", "ivan@mail..ru", ".ivan@mail.ru", "ivan.@mail.ru", "iv..an@mail.ru", "ivan@-mail.ru", "ivan@mail-.ru",
    "ivan@mail.r", "ivan@mail.7", "iv an@mail.ru", "ivan@mail.ru\n", "\nivan@mail.ru", "иван@mail.ru", "ivan@почта.рф",
    "Ivan@mail.ru", "iv;an@mail.ru", "=ivan@mail.ru", "iv\x00an@mail.ru", "+79991234567\n",
    "a" * (MAX_CHARS + 1 - len("@mail.ru")) + "@mail.ru",
]  # fmt: skip
ADDRESS_LIKE = st.text("ab1.-_@+7 9Яü\n\x00", max_size=80)
NAMES = st.from_regex(r"\A[0-9a-z_-]{1,20}(\.[0-9a-z_-]{1,9}){0,2}\Z")
DOMAINS = st.from_regex(r"\A[0-9a-z]{1,9}(-[0-9a-z]{1,5})?\.[a-z]{2,6}\Z")
CONTACTS = st.one_of(
    st.from_regex(r"\A\+79[0-9]{9}\Z"), st.builds("{}@{}".format, NAMES, DOMAINS).filter(is_contact)
)


@pytest.mark.parametrize("text", GOOD)
def test_a_receipt_can_be_sent_there(text):
    assert is_contact(text)


@pytest.mark.parametrize("text", BAD)
def test_no_receipt_can_be_sent_there(text):
    assert not is_contact(text)


@given(st.one_of(st.text(max_size=80), ADDRESS_LIKE, CONTACTS))
@example("a@b.cc")
def test_what_is_accepted_fits_into_tag_1008_and_stands_in_every_code_page(text):
    if is_contact(text):
        assert len(text.encode("cp866")) <= MAX_CHARS
        assert text.encode("cp866") == text.encode("cp1251") == text.encode("ascii")
        assert text.isprintable()
        assert not set(text) & set(" ;,\"'=\t")


@pytest.mark.parametrize(
    "text",
    [
        "a" * 100_000,
        "a." * 50_000 + "@",
        "a@" + "b-" * 50_000,
        "a@" + "b." * 50_000,
        "+7" + "9" * 100_000,
        "a.a" * 21,
        "a@" + "a-a." * 15 + "1",
    ],
)
def test_a_hostile_text_is_refused_at_once(text):
    began = time.perf_counter()
    assert not is_contact(text)
    assert time.perf_counter() - began < 0.1


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("+79991234567", "+7 999 ***-**-67"),
        ("ivan@example.ru", "iv***@example.ru"),
        ("iv@example.ru", "i***@example.ru"),
        ("i@example.ru", "***@example.ru"),
        ("what is none of both", "***"),
        ("", "***"),
    ],
)
def test_others_see_enough_to_tell_whose_it_is_and_no_more(text, shown):
    assert masked(text) == shown


@given(CONTACTS)
def test_what_is_hidden_cannot_be_read_in_any_printed_form(text):
    contact = Contact(text)
    hidden = text[5:10] if kind_of(text) is Kind.PHONE else text
    for printed in (contact.masked, repr(contact), str(contact), f"{[contact]}"):
        assert hidden not in printed


def test_only_what_was_looked_at_becomes_a_contact():
    with pytest.raises(AssertionError):
        Contact("ivan")
