"""Tasks by ATOL's web server: it owns the device, keeps a queue, and knows each request by a UUID that we give it.

A registration's UUID is made of what the journal holds of it and the number of the attempt. So nothing need be
remembered: after any interruption the same UUIDs are made again and asked for, and a request that is sent twice is one.
Before a registration counts as over although the server does not know it, its UUID is taken by a harmless task: a
request that is still on its way finds the place occupied and makes no document.

Source: the vendor's web server in two generations, as open clients of both use it (`/requests` with flat errors,
`/api/v2/requests` with nested ones); the times are our own choice.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar
from uuid import UUID, uuid5

import msgspec
from msgspec import Raw, Struct

from devices.atol import tasks
from devices.atol.exchange import Intent, Meanwhile, Pending, Unavailable
from devices.atol.http import Answer, Silent, call, request
from devices.atol.tasks import BadAnswer, Made, Refused, Task
from devices.link import LinkLost
from devices.steps import Program, Time, sleep
from kassa.untrusted import printable, read_json

T = TypeVar("T")

NEW, OLD = "/api/v2/requests", "/requests"
OURS = UUID("4f5d3cf0-5c2a-5b8e-9a0e-6b6a73736101")
"""The name space of our UUIDs; any constant will do."""
TRIES_MAX = 3
"""A question without an answer is sent again so often: by its UUID it stays one request."""
POLL_MS = (30, 50, 100, 200, 300, 500, 1000)
"""Between two looks at a request; the last one goes on."""
ASK_MAX_S = 20.0
"""A question waits so long in the queue; then the queue stands."""
REGISTER_MAX_S = 180.0
RECALL_MAX_S = 20.0
"""So long a registration that is in the queue is waited for before the core is told that it is still there."""
TOLD_AFTER_S = 3.0
ATTEMPTS_MAX = 1000
"""Refused attempts of one payment behind one document; each day's Z-report lets the count begin anew."""
SHOWN_MAX = 200
OVER = frozenset({"ready", "error", "interrupted", "canceled"})
"""A state that we do not know is none of them: the task may yet be run."""


class _Error(Struct, frozen=True):
    code: int = 0
    description: str | None = None


class State(Struct, frozen=True, rename="camel"):
    """What became of a task: both generations' shapes of an error."""

    status: str = ""
    error_code: int | None = None
    error_description: str | None = None
    error: _Error | None = None
    result: Raw = Raw(b"null")

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come of it."""
        return self.status in OVER

    @property
    def refusal(self) -> Refused | None:
        """The error it ended with."""
        code = self.error.code if self.error else self.error_code or 0
        words = (self.error.description if self.error else self.error_description) or ""
        if self.status == "ready" and not code:
            return None
        return Refused(code, words or f"the request is {self.status[:20]}")


class _Found(Struct, frozen=True):
    results: list[State]


class _Accepted(Struct, frozen=True, rename="camel"):
    is_blocked: bool = False
    blocked_uuid: str | None = msgspec.field(default=None, name="blockedUUID")


_decode_found, _decode_accepted = msgspec.json.Decoder(_Found), msgspec.json.Decoder(_Accepted)


def attempt(intent: Intent, number: int) -> str:
    """The UUID of a registration's attempt, the same whenever it is asked for."""
    return str(uuid5(OURS, f"{intent.payment}/{intent.drive_serial}/{intent.last_document}/{number}"))


class WebExchange:
    """Implements `devices.atol.exchange.Exchange`. `draw` is chance: a UUID that nobody had before."""

    def __init__(self, now: Time, host: str, user: str, secret: str, draw: Callable[[], UUID]) -> None:
        self._now, self._host, self._user, self._secret, self._draw = now, host, user, secret, draw
        self._base = NEW
        self._unanswered: str | None = None

    def open(self) -> Program[None]:
        """Find out which generation answers."""
        for base in (NEW, OLD):
            self._base = base
            answer = yield from self._post(str(self._draw()), tasks.device_info())
            if answer is not None:
                return
        raise LinkLost(
            f"{self._host} answers, but has no {NEW} and no {OLD}; check the port of ATOL's web server"
        )

    def ask(self, task: Task[T], meanwhile: Meanwhile | None = None) -> Program[T]:
        """One question at a time: what stands in the queue is not piled up."""
        if self._unanswered is not None:
            left = yield from self._wait(self._unanswered, ASK_MAX_S, meanwhile)
            if left is not None and not left.is_over:
                raise _standing(left, self._unanswered)
            self._unanswered = None
        name = str(self._draw())
        if (yield from self._post(name, task)) is None:
            raise LinkLost(f"{self._host} no longer has {self._base}; check ATOL's web server")
        self._unanswered = name
        state = yield from self._wait(name, ASK_MAX_S, meanwhile)
        if state is None:
            self._unanswered = None
            raise Unavailable(
                "the registrar's server has forgotten a request; its database may have been lost"
            )
        if not state.is_over:
            raise _standing(state, name)
        self._unanswered = None
        return _result(state, task)

    # --- registrations ------------------------------------------------------------------------------------------------

    def prepare(self, intent: Intent) -> Program[str]:
        """The first attempt that the server does not know, or that may yet be run."""
        for number in range(ATTEMPTS_MAX):
            name = attempt(intent, number)
            state = yield from self._look(name)
            if state is None or not state.is_over or _document_in(state) is not None:
                return name
        raise Unavailable(
            f"the receipt was refused {ATTEMPTS_MAX} times; mend what is wrong, then close the shift"
        )

    def register(self, name: str, task: Task[Made], meanwhile: Meanwhile) -> Program[Made]:
        """Put the task into the queue and wait for its end.

        It is sent once. A server that was given it and knows it no more may have run it before its database was lost.
        """
        if (yield from self._post(name, task, tries=1)) is None:
            raise LinkLost(f"{self._host} no longer has {self._base}; check ATOL's web server")
        state = yield from self._wait(name, REGISTER_MAX_S, meanwhile)
        if state is None:
            raise Unavailable(
                "the registrar's server has forgotten the receipt; its database may have been lost"
            )
        if not state.is_over:
            raise Pending(f"the receipt is still in the server's queue ({state.status[:20]})")
        return _result(state, task)

    def recall(self, intent: Intent) -> Program[Made | None]:
        """The last attempt's document; an attempt that never came is made impossible."""
        name = state = None
        for number in range(ATTEMPTS_MAX):
            name = attempt(intent, number)
            found = yield from self._look(name)
            if found is None:
                break
            state = found
            if not found.is_over or _document_in(found) is not None:
                break
        assert name is not None
        if state is None or (state.is_over and _document_in(state) is None):
            answer = yield from self._post(name, tasks.device_status())
            state = yield from self._look(name)
            if answer is None or state is None:
                raise Pending("the registrar's server forgets what it was given")
        if not state.is_over:
            state = yield from self._wait(name, RECALL_MAX_S, None)
        if state is None or not state.is_over:
            raise Pending("the receipt is still in the queue of the registrar's server")
        return _document_in(state)

    # --- the server ---------------------------------------------------------------------------------------------------

    def _wait(self, name: str, seconds: float, meanwhile: Meanwhile | None) -> Program[State | None]:
        """The state of a request as soon as it is over, or after so many seconds; None: the server does not know it."""
        began, looks = self._now(), 0
        while True:
            yield from sleep(POLL_MS[min(looks, len(POLL_MS) - 1)])
            looks += 1
            state = yield from self._look(name)
            waited_s = self._now() - began
            if state is None or state.is_over or waited_s >= seconds:
                return state
            if meanwhile is not None and waited_s >= TOLD_AFTER_S:
                yield from meanwhile(str(_standing(state, name)))

    def _look(self, name: str) -> Program[State | None]:
        answer = yield from self._call("GET", f"{self._base}/{name}")
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise _unexpected(answer, "does not tell of a request")
        try:
            results = read_json(_decode_found, answer.body).results
        except msgspec.MsgspecError as error:
            raise BadAnswer(
                f"the registrar's server answers in another shape, {error}; check its version"
            ) from error
        if not results:
            raise BadAnswer("the registrar's server tells of a request without a task")
        return results[0]

    def _post(self, name: str, task: Task[T], tries: int = TRIES_MAX) -> Program[_Accepted | None]:
        """Put a task into the queue, where it may be already; None: there is no such address."""
        body = msgspec.json.encode({"uuid": name, "request": [Raw(task.body)]})
        answer = yield from self._call("POST", self._base, body, tries)
        if answer.status in (404, 405):
            return None
        if answer.status == 409:
            return _Accepted()
        if answer.status not in (200, 201):
            raise _unexpected(answer, f"does not take the task {task.name}")
        try:
            return read_json(_decode_accepted, answer.body)
        except msgspec.MsgspecError:
            return _Accepted()  # the older generation says nothing; that it was accepted is what counts

    def _call(self, method: str, target: str, body: bytes = b"", tries: int = TRIES_MAX) -> Program[Answer]:
        data = request(method, self._host, target, self._user, self._secret, body)
        for _ in range(tries):
            try:
                answer = yield from call(data, self._now)
            except Silent as error:
                silence = error
                continue
            if answer.status in (401, 403):
                raise LinkLost(_DENIED[answer.status].format(host=self._host))
            return answer
        raise LinkLost(f"{silence}; check the server and the network")


_DENIED = {
    401: "{host} does not accept user and secret; set registrar.user and registrar.secret as on the server",
    403: "{host} has its web requests switched off; activate them on the server's page of settings",
}
_AWAY = frozenset({400, 408, 502, 503, 504})
"""The request was not accepted; another one may be, later."""


def _unexpected(answer: Answer, what: str) -> Exception:
    said = printable(answer.body[:SHOWN_MAX].decode("utf-8", "replace"))
    words = f"the registrar's server {what}: HTTP {answer.status} {said}".rstrip()
    return Unavailable(words) if answer.status in _AWAY else LinkLost(words)


def _standing(state: State, name: str) -> Unavailable:
    if state.status == "blocked":
        return Unavailable(
            f"the server lost the registrar within request {name} and its queue stands; check power and cable, "
            "or unblock the queue on the server's page"
        )
    return Unavailable(
        f"the queue of the registrar's server stands ({state.status[:20]}); see the server's page"
    )


def _result(state: State, task: Task[T]) -> T:
    if (refusal := state.refusal) is not None:
        raise refusal
    return task.read(bytes(state.result))


def _document_in(state: State) -> Made | None:
    return tasks.made_by(bytes(state.result)) if state.refusal is None else None
