"""A simulated web server of ATOL's in front of a simulated registrar, and a simulated library in front of the same.

Sans I/O and without a clock: whoever runs it says what time it is. `python -m devices.atol.simulator --tcp PORT` puts the
web server behind a real socket. Tasks wait in a queue; what became of them outlives the server's process, if its
database does.
"""

from __future__ import annotations

import base64
import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

import h11
import msgspec
from msgspec import Raw

from devices.atol import machine as m
from devices.atol.errors import meaning
from devices.atol.lines import Answered, BadLine, Fault, line, read_said, take
from devices.atol.machine import FISCAL, Machine
from devices.atol.memory import Truth
from devices.console import ConsoleError, main, whole_number
from kassa.untrusted import read_json

RESOLVE_S = 0.5
"""What the server takes to ask the fiscal drive what became of a task, once the device is back."""
REQUESTS_MAX = 5000
"""Requests that the server's database keeps; the oldest that is over goes first."""
BODY_MAX_BYTES = 1 << 17
OVER = frozenset({"ready", "error", "interrupted", "canceled"})


@dataclass
class Request:
    """One request and what became of its tasks; `before` is the drive's last document when the running task began."""

    number: int
    tasks: list[str]
    states: list[dict[str, Any]]
    before: int = 0
    drive: str = ""

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come of it."""
        return all(state["status"] in OVER for state in self.states)


@dataclass
class Kept:
    """What outlives the server's process and the device's power."""

    truth: Truth = field(default_factory=Truth)
    requests: dict[str, Request] = field(default_factory=dict)


@dataclass
class WebQuirks:
    """How this server differs from the book. Numbers of things still to go wrong count themselves down."""

    generations: tuple[str, ...] = ("new", "old")
    user: str = "kassa"
    secret: str = "secret"
    is_active: bool = True
    queue_s: float = 0.0
    """So long a request waits before it is begun."""
    lost_requests: int = 0
    """So many requests never arrive."""
    lost_answers: int = 0
    """So many answers get lost on the wire."""
    lost_acceptances: int = 0
    """The same, but only answers to requests that make a fiscal document."""
    answers: list[int] = field(default_factory=list)
    """Statuses still to be given instead of an answer, without doing anything."""
    garbage: bytes = b""
    """Said instead of an answer, once."""


class WebServer:
    """The queue and its database. `now` is monotonic seconds and never goes back."""

    def __init__(
        self,
        machine: Machine,
        requests: dict[str, Request] | None = None,
        *,
        quirks: WebQuirks | None = None,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self.machine, self.quirks = machine, quirks or WebQuirks()
        self.requests = {} if requests is None else requests
        self._queue = deque(self.requests)
        """Requests that may have a task that waits, the oldest first."""
        self._changed = changed
        self._running: tuple[str, int] | None = None
        self._blocked_by: str | None = None
        self._resolves_at: float | None = None
        self._begins_at: float | None = None
        self._now = 0.0
        self.posts: list[str] = []
        """The UUIDs of accepted requests with fiscal tasks, in their order."""

    # --- time -------------------------------------------------------------------------------------------------------

    def advance(self, now: float) -> bytes:
        """Let time pass; a web server says nothing of its own."""
        while True:
            at = self.wakes_at()
            if at is None or at > now:
                break
            self._run(max(at, self._now))
        self._run(now)
        return b""

    def wakes_at(self) -> float | None:
        """When something will happen by itself."""
        moments = (self.machine.wakes_at(), self._resolves_at, self._begins_at)
        return min((at for at in moments if at is not None), default=None)

    def _run(self, now: float) -> None:
        self._now = now
        self.machine.advance(now)
        if self._running is not None and (outcome := self.machine.outcome) is not None:
            self.machine.outcome = None
            self._end(outcome)
        self._resolve()
        if self._running is None and self._blocked_by is None and self.machine.is_idle:
            self._begin()
        else:
            self._begins_at = None

    def _begin(self) -> None:
        """Start the first task that waits."""
        while self._queue:
            name = self._queue[0]
            request = self.requests.get(name)
            for at, state in enumerate(request.states if request else ()):
                if request and state["status"] == "wait":
                    self._start(name, request, at)
                    return
            self._queue.popleft()

    def _start(self, name: str, request: Request, at: int) -> None:
        if self._begins_at is None and self.quirks.queue_s:
            self._begins_at = self._now + self.quirks.queue_s
        if self._begins_at is not None and self._begins_at > self._now:
            return
        self._begins_at = None
        request.states[at]["status"] = "inProgress"
        request.before, request.drive = self.machine.truth.drive.last, self.machine.truth.drive.serial
        self._running = (name, at)
        self._changed()
        self.machine.start(request.tasks[at].encode(), self._now)
        self._run(self._now)

    def _end(self, outcome: m.Outcome) -> None:
        assert self._running is not None
        name, at = self._running
        self._running = None
        request = self.requests[name]
        if outcome.is_lost and _kind(request.tasks[at]) in FISCAL:
            request.states[at]["status"] = "blocked"
            self._blocked_by = name
            self._changed()
            return
        self._write(request, at, outcome)

    def _write(self, request: Request, at: int, outcome: m.Outcome) -> None:
        state = request.states[at]
        if outcome.code:
            state |= {"status": "error", "code": outcome.code, "words": outcome.description}
            for later in request.states[at + 1 :]:
                later["status"] = "interrupted"
        else:
            state |= {"status": "ready", "result": outcome.result}
        self._changed()

    def _resolve(self) -> None:
        """The device is back: its fiscal drive tells what became of the task that was running."""
        if self._blocked_by is None or not (self.machine.is_reachable and self.machine.is_idle):
            self._resolves_at = None
            return
        if self._resolves_at is None:
            self._resolves_at = self._now + RESOLVE_S
        if self._resolves_at > self._now:
            return
        request = self.requests[self._blocked_by]
        self._blocked_by = self._resolves_at = None
        for at, state in enumerate(request.states):
            if state["status"] == "blocked":
                self._write(request, at, self._found(request, _kind(request.tasks[at])))

    def _found(self, request: Request, kind: str) -> m.Outcome:
        drive = self.machine.truth.drive
        wanted = {"sell": "receipt", "sellCorrection": "receiptCorrection"}.get(kind, kind)
        if drive.serial == request.drive:
            for record in drive.documents[request.before :]:
                if record.kind == wanted:
                    result = self.machine.tell(record)
                    result["warnings"]["recovered"] = True
                    return m.Outcome(0, result=result)
        return m.Outcome(241, meaning(241).russian)

    # --- the server's own life ------------------------------------------------------------------------------------------

    def restart(self, now: float, *, keeps_base: bool = True) -> None:
        """The server's process is killed and started again."""
        self.advance(now)
        self.machine.abandon(now)
        self.machine.outcome = None
        self._running = self._blocked_by = None
        if not keeps_base:
            self.requests.clear()
        self.resume(now)
        self._changed()

    def resume(self, now: float) -> None:
        """Begin with a database that another process left behind."""
        self._now, self._queue = now, deque(self.requests)
        for name, request in self.requests.items():
            for at, state in enumerate(request.states):
                if state["status"] in ("inProgress", "blocked"):
                    is_fiscal = _kind(request.tasks[at]) in FISCAL
                    state["status"] = "blocked" if is_fiscal else "wait"
                    self._blocked_by = name if is_fiscal else self._blocked_by
        self._run(now)

    # --- HTTP -----------------------------------------------------------------------------------------------------------

    def connect(self) -> Connection:
        """Somebody calls."""
        return Connection(self)

    def handle(self, method: str, target: str, token: str, body: bytes) -> tuple[int, Any]:
        """Status and JSON of an answer."""
        path = target.partition("?")[0]
        base, is_new = (
            ("/api/v2/requests", True) if path.startswith("/api/v2/requests") else ("/requests", False)
        )
        if not path.startswith(base) or ("new" if is_new else "old") not in self.quirks.generations:
            return 404, {"error": {"code": 404, "description": "Not found"}}
        if token != base64.b64encode(f"{self.quirks.user}:{self.quirks.secret}".encode()).decode():
            return 401, {"error": {"code": 401, "description": "Unauthorized"}}
        if not self.quirks.is_active:
            return 403, {"error": {"code": 403, "description": "Not active"}}
        name = path.removeprefix(base).strip("/")
        if self.quirks.answers and method == "POST":
            return self.quirks.answers.pop(0), {}
        if method == "POST" and not name:
            return self._accept(body, is_new)
        if method == "GET" and name:
            request = self.requests.get(name)
            if request is None:
                return 404, {"error": {"code": 404, "description": "Request not found"}}
            return 200, {"results": [_shown(state, is_new) for state in request.states]}
        return 405, {}

    def _accept(self, body: bytes, is_new: bool) -> tuple[int, Any]:
        try:
            asked = read_json(_ASKED, body.decode())
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            return 400, {"error": {"code": 400, "description": str(error)}}
        if asked.uuid in self.requests:
            return 409, {"error": {"code": 409, "description": "Request exists"}}
        tasks = [bytes(task).decode() for task in asked.request]
        number = len(self.requests) + 1
        self.requests[asked.uuid] = Request(number, tasks, [{"status": "wait"} for _ in tasks])
        self._queue.append(asked.uuid)
        self._forget_old()
        if any(_kind(task) in FISCAL for task in tasks):
            self.posts.append(asked.uuid)
        self._changed()
        is_blocked = self._blocked_by is not None
        self._run(self._now)
        answer = {
            "uuid": asked.uuid,
            "number": number,
            "isBlocked": is_blocked,
            "blockedUUID": self._blocked_by,
        }
        return 201, answer if is_new else {"uuid": asked.uuid}

    def _forget_old(self) -> None:
        surplus = len(self.requests) - REQUESTS_MAX
        if surplus > 0:
            for name in list(islice(self.requests, surplus)):
                if self.requests[name].is_over:
                    del self.requests[name]

    def _loses(self, name: str) -> bool:
        left = getattr(self.quirks, name)
        setattr(self.quirks, name, max(0, left - 1))
        return bool(left)

    # --- the console ------------------------------------------------------------------------------------------------------

    def obey(self, words: list[str], now: float) -> dict[str, Any]:
        """Carry out one console line. Raises ConsoleError with what is allowed."""
        self.advance(now)
        match words:
            case ["restart", ("keep" | "lose") as base]:
                self.restart(now, keeps_base=base == "keep")
            case ["lose", "answers", count]:
                self.quirks.lost_answers = whole_number(count, 0, 1000)
            case ["lose", "requests", count]:
                self.quirks.lost_requests = whole_number(count, 0, 1000)
            case ["answer", status]:
                self.quirks.answers.append(whole_number(status, 200, 599))
            case ["active", ("on" | "off") as state]:
                self.quirks.is_active = state == "on"
            case ["queue", seconds]:
                self.quirks.queue_s = float(whole_number(seconds, 0, 3600))
            case ["help"]:
                return {"commands": COMMANDS}
            case _:
                answer = self.machine.obey(words, now)
                if answer is None:
                    raise ConsoleError(f"{' '.join(words)!r} is no command; there are: {', '.join(COMMANDS)}")
                self._run(now)
                if words == ["state"]:
                    answer |= {"requests": len(self.requests), "blocked": self._blocked_by}
                return answer
        self._run(now)
        return {}


class Connection:
    """One caller's connection."""

    def __init__(self, server: WebServer) -> None:
        self._server = server
        self._http = h11.Connection(h11.SERVER)
        self._head: h11.Request | None = None
        self._body = b""
        self.is_over = False
        """Whether the server hangs up."""

    def receive(self, data: bytes, now: float) -> bytes:
        """Bytes of the caller; what the server answers at once."""
        self._server.advance(now)
        out = b""
        try:
            self._http.receive_data(data)
            while not self.is_over:
                event = self._http.next_event()
                if event is h11.NEED_DATA or isinstance(event, h11.ConnectionClosed) or event is h11.PAUSED:
                    self.is_over = event is not h11.NEED_DATA
                    return out
                if isinstance(event, h11.Request):
                    self._head, self._body = event, b""
                elif isinstance(event, h11.Data):
                    self._body += event.data
                    if len(self._body) > BODY_MAX_BYTES:
                        self.is_over = True
                elif isinstance(event, h11.EndOfMessage):
                    out += self._answer()
        except h11.RemoteProtocolError:
            self.is_over = True
        return out

    def _answer(self) -> bytes:
        head = self._head
        assert head is not None
        if self._server._loses("lost_requests"):
            self.is_over = False
            return b""
        headers = {name.decode().lower(): value.decode("latin-1") for name, value in head.headers}
        token = headers.get("authorization", "").removeprefix("Basic ")
        posts = len(self._server.posts)
        status, answer = self._server.handle(head.method.decode(), head.target.decode(), token, self._body)
        is_fiscal = len(self._server.posts) > posts
        if self._server._loses("lost_answers") or (is_fiscal and self._server._loses("lost_acceptances")):
            return b""
        if garbage := self._server.quirks.garbage:
            self._server.quirks.garbage = b""
            return garbage
        body = msgspec.json.encode(answer)
        out = self._http.send(
            h11.Response(
                status_code=status,
                headers=[("Content-Type", "application/json"), ("Content-Length", str(len(body)))],
            )
        )
        out = (out or b"") + (self._http.send(h11.Data(data=body)) or b"")
        out += self._http.send(h11.EndOfMessage()) or b""
        if self._http.our_state is h11.MUST_CLOSE:
            self.is_over = True
        else:
            self._http.start_next_cycle()
        return out


class _Asked(msgspec.Struct):
    uuid: str
    request: list[Raw]


_ASKED = msgspec.json.Decoder(_Asked)


class _Kind(msgspec.Struct):
    type: str = ""


_KIND = msgspec.json.Decoder(_Kind)


def _kind(task: str) -> str:
    try:
        return read_json(_KIND, task).type
    except msgspec.MsgspecError:
        return ""


def _shown(state: dict[str, Any], is_new: bool) -> dict[str, Any]:
    code, words = state.get("code", 0), state.get("words", "")
    error = (
        {"error": {"code": code, "description": words}}
        if is_new
        else {"errorCode": code, "errorDescription": words}
    )
    return {"status": state["status"], "result": state.get("result")} | error


# --- the library ------------------------------------------------------------------------------------------------------


class SimulatedLibrary:
    """The process that has the vendor's library, in front of a simulated registrar: lines in, lines out."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.lost_answers = 0
        """So many answers never come, as of a library that hangs."""
        self.opened = 0
        self._buffer = b""
        self._waiting: int | None = None

    def begin(self, now: float) -> None:
        """The process is killed, if one runs, and a new one started."""
        self.machine.abandon(now)
        self.machine.outcome = None
        self._buffer, self._waiting = b"", None

    def receive(self, data: bytes, now: float) -> bytes:
        """Bytes of the core; what the process answers at once."""
        out = self.advance(now)
        self._buffer += data
        while self._waiting is None:
            text, self._buffer = take(self._buffer)
            if text is None:
                break
            out += self._hear(text, now)
        return out

    def _hear(self, text: bytes, now: float) -> bytes:
        said = read_said(text)
        if said.open is not None:
            self.opened += 1
            if self.machine.is_reachable:
                return line(Answered(said.id))
            return line(Answered(said.id, error=Fault(m.AWAY, meaning(m.AWAY).russian)))
        if not bytes(said.task):
            raise BadLine("a line of the core asks for nothing")
        self._waiting = said.id
        if self.machine.is_idle:
            self.machine.start(bytes(said.task), now)
        else:  # what the process before us began is still at work in the device
            self.machine.outcome = m.Outcome(55, meaning(55).russian)
        return self.advance(now)

    def advance(self, now: float) -> bytes:
        """Let time pass; the answer is due when the task is over."""
        self.machine.advance(now)
        if self._waiting is None or (outcome := self.machine.outcome) is None:
            return b""
        number, self._waiting, self.machine.outcome = self._waiting, None, None
        if self.lost_answers > 0:
            self.lost_answers -= 1
            return b""
        if outcome.code:
            return line(Answered(number, error=Fault(outcome.code, outcome.description)))
        return line(Answered(number, Raw(msgspec.json.encode(outcome.result))))

    def wakes_at(self) -> float | None:
        """When something will happen by itself."""
        return self.machine.wakes_at()


COMMANDS = [
    "restart keep", "restart lose", "lose answers COUNT", "lose requests COUNT", "answer STATUS", "active off",
    "active on", "queue SECONDS", *m.COMMANDS,
]  # fmt: skip


def _build(kept: Kept, speed: float, changed: Callable[[Kept], None]) -> WebServer:
    wall, now = datetime.now().astimezone(), time.monotonic()
    keep: Callable[[], None] = lambda: changed(kept)
    machine = Machine(now, kept.truth, wall=wall, speed=speed, changed=keep)
    server = WebServer(machine, kept.requests, changed=keep)
    server.resume(now)
    return server


if __name__ == "__main__":
    sys.exit(main("devices.atol.simulator", COMMANDS, Kept, _build, is_server=True))
