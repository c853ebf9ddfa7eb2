"""What goes over the control socket: JSON lines, one message a line, each way typed.

A client opens with Hello; the server answers Welcome or Refused and closes. Then each Intent or Ask is answered
by Done or Refused with the same `id`; after Follow, a ViewChanged comes whenever the view changes.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct, field

from kassa.rules.view import View
from kassa.untrusted import read_json

VERSION = 1
LINE_MAX_BYTES = 1 << 20
"""Longer than any view; a client that sends a longer line is cut off."""


class Hello(Struct, tag="hello", frozen=True):
    """Who calls, and which version of these messages it speaks."""

    version: int
    client: str


class Intent(Struct, tag="intent", frozen=True):
    """What a finger meant: `choose_service` with service=ID, `enter_account` with account=NUMBER, `finish` ..."""

    id: int
    name: str
    values: dict[str, str] = field(default_factory=dict)


class Ask(Struct, tag="ask", frozen=True):
    """A question or order of staff: `status`, `copy_journal`, `export`, `shift_close` ..."""

    id: int
    what: str
    values: dict[str, str] = field(default_factory=dict)


class Follow(Struct, tag="follow", frozen=True):
    """Send the view now and whenever it changes."""

    id: int


class Welcome(Struct, tag="welcome", frozen=True):
    """The core lives and speaks this version."""

    version: int
    kassa: str


class ViewChanged(Struct, tag="view", frozen=True):
    """The view as it is now."""

    view: View


class Done(Struct, tag="done", frozen=True):
    """It was done; `data` is the answer to an Ask."""

    id: int
    data: Any = None


class Refused(Struct, tag="refused", frozen=True):
    """It was not done; `message` says why, for a person."""

    id: int
    code: str
    message: str


ToServer = Hello | Intent | Ask | Follow
ToClient = Welcome | ViewChanged | Done | Refused

_encoder = msgspec.json.Encoder()
_from_client: msgspec.json.Decoder[ToServer] = msgspec.json.Decoder(ToServer)
_from_server: msgspec.json.Decoder[ToClient] = msgspec.json.Decoder(ToClient)


def encode(message: ToServer | ToClient) -> bytes:
    """One line, its end included."""
    return _encoder.encode(message) + b"\n"


def decode_from_client(line: bytes) -> ToServer:
    """Raises msgspec.MsgspecError on anything that is not one of ours."""
    return read_json(_from_client, line)


def decode_from_server(line: bytes) -> ToClient:
    """Raises msgspec.MsgspecError on anything that is not one of ours."""
    return read_json(_from_server, line)
