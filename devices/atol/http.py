"""One HTTP/1.1 call over a byte link: a request goes out in one piece, and its answer comes back. No I/O of its own.

Each request is a connection of its own (`devices.link.CallLink`), so an answer must tell its length.
"""

from __future__ import annotations

import base64
import re

import h11
from msgspec import Struct

from devices.atol.exchange import ANSWER_MAX_BYTES
from devices.link import LinkLost
from devices.steps import Program, Time, flush, receive, send
from kassa.errors import KassaError
from kassa.untrusted import printable

ANSWER_MS = 5000
"""The server answers at once, as it only puts a task into its queue or looks one up."""
CALL_MAX_S = 20.0
"""A server that sends its answer drop by drop, or one preliminary answer after the other, is not waited for."""
HEAD_MAX_BYTES = 16_384


class Silent(KassaError):
    """No answer came in time."""


class Answer(Struct, frozen=True):
    """Status and body."""

    status: int
    body: bytes


def request(method: str, host: str, target: str, user: str, secret: str, body: bytes = b"") -> bytes:
    """All bytes of a request."""
    token = base64.b64encode(f"{user}:{secret}".encode())
    headers = [
        (b"Host", host.encode()),
        (b"Authorization", b"Basic " + token),
        (b"Accept", b"application/json"),
        (b"Connection", b"close"),
    ]
    if body:
        headers += [(b"Content-Type", b"application/json"), (b"Content-Length", str(len(body)).encode())]
    connection = h11.Connection(h11.CLIENT)
    data = connection.send(h11.Request(method=method, target=target, headers=headers)) or b""
    if body:
        data += connection.send(h11.Data(data=body)) or b""
    return data + (connection.send(h11.EndOfMessage()) or b"")


_AUTHORIZATION = re.compile(rb"(?<=\r\nAuthorization: )[^\r]*")


def without_secret(sent: bytes) -> bytes:
    """A request of ours, or what else was sent, as a recorder may keep it: user and secret are left out."""
    return _AUTHORIZATION.sub(b"-", sent, count=1)


def call(data: bytes, now: Time, timeout_ms: int = ANSWER_MS) -> Program[Answer]:
    """Send a request and take its answer. Raises Silent, and LinkLost for what is no HTTP."""
    yield from flush()
    yield from send(data)
    connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=HEAD_MAX_BYTES)
    connection.send(h11.Request(method="GET", target="/", headers=[(b"Host", b"-")]))
    connection.send(h11.EndOfMessage())
    status, body, give_up = 0, b"", now() + CALL_MAX_S
    while True:
        try:
            event = connection.next_event()
        except h11.RemoteProtocolError as error:
            raise LinkLost(
                f"what answers is no web server, {printable(str(error))}; check host and port"
            ) from error
        if event is h11.NEED_DATA:
            heard = yield from receive(timeout_ms)
            if not heard or now() >= give_up:
                raise Silent(f"the registrar's server gave no whole answer within {timeout_ms / 1000:.0f} s")
            connection.receive_data(heard)
        elif isinstance(event, h11.Response):
            status = event.status_code
        elif isinstance(event, h11.Data):
            body += event.data
            if len(body) > ANSWER_MAX_BYTES:
                raise LinkLost(f"the registrar's server sends more than {ANSWER_MAX_BYTES >> 10} KB at once")
        elif isinstance(event, h11.EndOfMessage):
            return Answer(status, bytes(body))
