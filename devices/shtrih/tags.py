"""What a receipt carries besides its items and sums, as tags for the registrar. Pure.

Source: order of the tax service ED-7-20/662@, annex 2: lengths and nesting; Shtrih-M, "Command protocol" 1.17: one
frame takes `TAGS_BYTES_MAX` bytes of tags, and a tag is not parted.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from devices.shtrih import tlv
from devices.shtrih.protocol import TAGS_BYTES_MAX
from kassa.paper import spell
from kassa.ports import Agent, Correction, Place, Receipt, Supplier

_HEADER_BYTES = 4
INN_CHARACTERS, AUTOMATON_CHARACTERS_MAX, CONTACT_CHARACTERS_MAX = 12, 20, 64
PLACE_CHARACTERS_MAX = TAGS_BYTES_MAX - _HEADER_BYTES
"""The format allows 256 of an address; no frame holds them."""
PHONE_CHARACTERS_MAX, NUMBER_CHARACTERS_MAX = 19, 32
CODE_PAGE = "cp866"
"""Of every text in a fiscal drive: letters that it lacks, like angle quotes, are written by others before they get lost."""
PHONES_MAX = 4
"""Of one kind; with as many there is still room for the supplier's name."""


class Registered(NamedTuple):
    """Where the registrar works by its registration; None: it does not tell."""

    automaton: str | None
    address: str | None
    place: str | None


def of_place(place: Place, registered: Registered) -> list[bytes]:
    """What differs from the registration, each to be sent by itself: a firmware may take one and refuse another."""
    wanted = (
        (tlv.AUTOMATON, place.automaton, registered.automaton, AUTOMATON_CHARACTERS_MAX),
        (tlv.ADDRESS, place.address, registered.address, PLACE_CHARACTERS_MAX),
        (tlv.PLACE, place.name, registered.place, PLACE_CHARACTERS_MAX),
    )
    return [
        tlv.text(tag, spell(text, CODE_PAGE)[:most])
        for tag, text, known, most in wanted
        if text and not _is_same(text, known)
    ]


def _is_same(text: str, known: str | None) -> bool:
    """Whether the registrar writes the same by itself; it keeps long texts cut and blanks as somebody typed them."""
    return known is not None and " ".join(text.split()).casefold() == " ".join(known.split()).casefold()


def of_contact(contact: str) -> bytes:
    """Where the data operator sends the receipt."""
    return tlv.text(tlv.CONTACT, contact[:CONTACT_CHARACTERS_MAX])


def of_correction(correction: Correction) -> list[bytes]:
    """What is corrected, and by whose wish."""
    reason = tlv.day(tlv.CORRECTED_ON, correction.of)
    reason += tlv.text(tlv.CORRECTION_NUMBER, spell(correction.number, CODE_PAGE)[:NUMBER_CHARACTERS_MAX])
    kind = tlv.byte(tlv.CORRECTION_KIND, int(correction.is_ordered))
    return [kind, tlv.encode(tlv.CORRECTION_REASON, reason)]


def of_receipt_agent(receipt: Receipt) -> bytes | None:
    """The agent's sign of the whole receipt, where all its items have the same one; None elsewhere."""
    signs = {item.agent.sign if item.agent is not None else None for item in receipt.items}
    [sign] = signs if len(signs) == 1 else (None,)
    return None if sign is None else tlv.byte(tlv.RECEIPT_AGENT, 1 << sign)


def of_agent(agent: Agent) -> list[bytes]:
    """What one item says of agent and supplier, in as few frames as hold it."""
    inn = agent.supplier.inn.ljust(INN_CHARACTERS)[:INN_CHARACTERS]
    tags = [tlv.byte(tlv.AGENT, 1 << agent.sign), tlv.text(tlv.SUPPLIER_INN, inn), _supplier(agent.supplier)]
    phones = _phones(tlv.AGENT_PHONE, agent.phones) + _phones(tlv.OPERATOR_PHONE, agent.operator_phones)
    if phones:
        tags.append(tlv.encode(tlv.AGENT_DATA, phones))
    return _packed(tags)


def _supplier(supplier: Supplier) -> bytes:
    phones = _phones(tlv.SUPPLIER_PHONE, supplier.phones)
    room = TAGS_BYTES_MAX - 2 * _HEADER_BYTES - len(phones)
    name = tlv.text(tlv.SUPPLIER_NAME, spell(supplier.name, CODE_PAGE)[:room])
    return tlv.encode(tlv.SUPPLIER, name + phones)


def _phones(tag: int, phones: Iterable[str]) -> bytes:
    return b"".join(tlv.text(tag, phone[:PHONE_CHARACTERS_MAX]) for phone in tuple(phones)[:PHONES_MAX])


def _packed(tags: list[bytes]) -> list[bytes]:
    """Tags in their order, as many to a frame as it takes."""
    frames = [b""]
    for tag in tags:
        if len(frames[-1]) + len(tag) > TAGS_BYTES_MAX:
            frames.append(b"")
        frames[-1] += tag
    return frames
