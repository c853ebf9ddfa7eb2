"""What the core and the process that has the vendor's library say to each other: one JSON object a line. No I/O.

The core speaks `{"id": N, "open": {settings}}` and `{"id": N, "task": {...}}`; each is answered by one line of the same
number, `{"id": N, "result": ...}` or `{"id": N, "error": {"code": C, "description": "..."}}`.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw, Struct

from devices.atol.exchange import ANSWER_MAX_BYTES
from kassa.errors import KassaError
from kassa.untrusted import read_json

LINE_MAX_BYTES = ANSWER_MAX_BYTES + 1024
"""One answer and its envelope."""


class BadLine(KassaError):
    """A line that is none of this protocol."""


class Settings(Struct, frozen=True, omit_defaults=True):
    """How the library reaches the device, in the vendor's own words; a number is a text there, too.

    `port`: 0 a serial port, 1 USB, 2 the network. `model`: 500 lets the library find it out.
    """

    port: str
    model: str = "500"
    com_file: str = ""
    baud: str = "115200"
    ip: str = ""
    ip_port: str = "5555"
    access_password: str = ""
    user_password: str = ""


PASSWORDS = ("access_password", "user_password")


class Said(Struct, frozen=True):
    """One line of the core: `open` or `task`; a task that is empty is none."""

    id: int
    open: Settings | None = None
    task: Raw = Raw()


class Fault(Struct, frozen=True):
    """The driver's own error."""

    code: int
    description: str = ""


class Answered(Struct, frozen=True):
    """One line of the library's process."""

    id: int
    result: Raw = Raw(b"null")
    error: Fault | None = None


HIDDEN = "***"
"""Stands for a password in what is kept."""

_said, _answered = msgspec.json.Decoder(Said), msgspec.json.Decoder(Answered)


def line(item: Said | Answered) -> bytes:
    """One line with its end."""
    fields = {name: getattr(item, name) for name in item.__struct_fields__}
    fields = {name: value for name, value in fields.items() if value is not None and value != Raw()}
    return msgspec.json.encode(fields) + b"\n"


def without_secret(sent: bytes) -> bytes:
    """A line of the core as a recorder may keep it: that a password was told, and not which."""
    said = read_said(sent)
    if said.open is None:
        return sent
    passwords = {name: HIDDEN for name in PASSWORDS if getattr(said.open, name)}
    return line(Said(said.id, msgspec.structs.replace(said.open, **passwords)))


def take(buffer: bytes) -> tuple[bytes | None, bytes]:
    """The first line of `buffer` without its end, and the rest; None: wait for more."""
    head, end, rest = buffer.partition(b"\n")
    return (head, rest) if end else (None, buffer)


def read_said(data: bytes) -> Said:
    """A line of the core. Raises BadLine."""
    try:
        return read_json(_said, data.decode())  # into what is Raw the decoder does not look
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadLine(f"no line of the core: {error}") from error


def read_answered(data: bytes) -> Answered:
    """A line of the library's process. Raises BadLine."""
    try:
        return read_json(_answered, data.decode())
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadLine(f"no line of the library's process: {error}") from error
