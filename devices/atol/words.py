"""ATOL's tasks for people: what was asked and what was answered, to whoever reads what passed on the line.

Both ways are read: HTTP calls of the web server, and lines of the library's process. Passwords are never told.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw, Struct

from devices.atol.errors import meaning
from devices.atol.lines import Answered, BadLine, Said, read_answered, read_said
from devices.words import Language
from kassa.flight.ring import Kind
from kassa.untrusted import read_json

HEAD_END = b"\r\n\r\n"
HEAD_MAX_BYTES = 16_384
TEXT_MAX = 300
METHODS = (b"GET ", b"POST ", b"PUT ", b"DELETE ")
NAME_SHOWN = 8
"""So much of a UUID tells requests apart."""


class Call(Struct, frozen=True):
    """A request: `target` its path, `body` its JSON."""

    method: str
    target: str
    body: bytes


class Reply(Struct, frozen=True):
    """An answer of the web server."""

    status: str
    body: bytes


class Line(Struct, frozen=True):
    """A line of the library's process, or to it."""

    text: bytes


Item = Call | Reply | Line


def take(buffer: bytes) -> tuple[Item | None, bytes]:
    """The front item of a buffer and the rest; None: wait for more bytes."""
    if not buffer.startswith((*METHODS, b"HTTP/")):
        text, end, rest = buffer.partition(b"\n")
        return (Line(text), rest) if end else (None, buffer)
    head, end, rest = buffer.partition(HEAD_END)
    if not end:
        return (Line(buffer), b"") if len(buffer) > HEAD_MAX_BYTES else (None, buffer)
    size = _length(head)
    if len(rest) < size:
        return None, buffer
    first = head.split(b"\r\n", 1)[0].decode("utf-8", "replace").split(" ")
    body, rest = rest[:size], rest[size:]
    if head.startswith(b"HTTP/"):
        return Reply(" ".join(first[1:]), body), rest
    return Call(first[0], first[1] if len(first) > 1 else "", body), rest


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length" and value.strip().isdigit():
            return int(value.strip()[:9])
    return 0


def say(item: Item, kind: Kind, _asked: Any) -> str | None:
    """One call, answer or line."""
    match item:
        case Call(method, target, body):
            name = target.rstrip("/").rpartition("/")[2][:NAME_SHOWN]
            return f"{method} request {name}" if method == "GET" else _posted(method, body)
        case Reply(status, body):
            return f"{status}{_results(body)}"
        case Line(text) if kind is Kind.SENT:
            return _said(text)
        case Line(text):
            return _answered(text)
    return None


def is_question(item: Item) -> bool:
    """What the host sends is one."""
    return isinstance(item, Call | Line)


LANGUAGE = Language(take, say, is_question)


class _Posted(Struct):
    uuid: str = ""
    request: list[Raw] = []


class _Results(Struct):
    results: list[dict[str, Any]] = []


_POSTED, _RESULTS = msgspec.json.Decoder(_Posted), msgspec.json.Decoder(_Results)
_OBJECT = msgspec.json.Decoder(dict[str, Any])


def _posted(method: str, body: bytes) -> str:
    try:
        posted = read_json(_POSTED, body)
    except msgspec.MsgspecError:
        return f"{method} {len(body)} bytes that are no request"
    told = ", ".join(_task(bytes(task)) for task in posted.request)
    return f"{method} request {posted.uuid[:NAME_SHOWN]}: {told}"


def _task(task: bytes) -> str:
    """A task's name and what tells it apart from others of its name."""
    try:
        fields = read_json(_OBJECT, task)
    except msgspec.MsgspecError:
        return "no task"
    told = str(fields.get("type", "a task without a name"))[:40]
    for name in ("total", "fiscalDocumentNumber", "dateTime"):
        if name in fields:
            told += f" {str(fields[name])[:20]}"
    for item in fields.get("items") or ():
        if isinstance(item, dict) and item.get("type") == "userAttribute":
            told += f" payment {str(item.get('value'))[:40]}"
    return told


def _results(body: bytes) -> str:
    try:
        results = read_json(_RESULTS, body).results
    except msgspec.MsgspecError:
        return ""
    return "".join(f", {_state(state)}" for state in results)


def _state(state: dict[str, Any]) -> str:
    error = state.get("error")
    nested = error.get("code") if isinstance(error, dict) else None
    code = nested if isinstance(nested, int) else state.get("errorCode")
    if isinstance(code, int) and code:
        return f"{str(state.get('status'))[:20]}: error {code}, {meaning(code).english}"
    return f"{str(state.get('status'))[:20]}{_result(state.get('result'))}"


def _result(result: Any) -> str:
    """What a result says in a line: a document in words, else its fields."""
    if not isinstance(result, dict):
        return ""
    params = result.get("fiscalParams")
    if isinstance(params, dict):
        warnings = result.get("warnings")
        printed = ", not printed" if isinstance(warnings, dict) and warnings.get("notPrinted") else ""
        number, sign = params.get("fiscalDocumentNumber"), params.get("fiscalDocumentSign")
        return f": document {number}, sign {sign}{printed}"
    text = msgspec.json.encode(result).decode()
    return f": {text[:TEXT_MAX]}{'...' if len(text) > TEXT_MAX else ''}"


def _said(text: bytes) -> str | None:
    try:
        said: Said = read_said(text)
    except BadLine:
        return None
    if said.open is not None:
        return f"OPEN port {said.open.port}, model {said.open.model}"
    return f"TASK {_task(bytes(said.task))}"


def _answered(text: bytes) -> str | None:
    try:
        answered: Answered = read_answered(text)
    except BadLine:
        return None
    if answered.error is not None:
        return f"error {answered.error.code}, {meaning(answered.error.code).english}"
    try:
        return f"done{_result(msgspec.json.decode(answered.result))}"
    except msgspec.MsgspecError:
        return "done"
