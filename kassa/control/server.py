"""The answering end of the control socket, in the core's event loop."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

import kassa
from kassa.control.address import reachable
from kassa.control.messages import (
    LINE_MAX_BYTES,
    VERSION,
    Ask,
    Done,
    Follow,
    Hello,
    Intent,
    Refused,
    ToClient,
    ToServer,
    ViewChanged,
    Welcome,
    decode_from_client,
    encode,
)
from kassa.errors import KassaError
from kassa.journal.store import JournalBroken, JournalFailed
from kassa.rules.view import View
from kassa.terminal import IntentRefused, Terminal
from kassa.untrusted import printable

log = logging.getLogger("kassa.control")

CLIENTS_MAX = 16
"""A screen, a web panel and a few shells; more is a leak or an attack."""
UNSENT_MAX_BYTES = 4 * LINE_MAX_BYTES
"""A client that reads no more than so late is cut off: views must not pile up in the core."""

HELLO_MAX_S = 5.0
"""A caller that connects and says nothing holds a place that the screen may need."""

NAME_MAX_CHARS = 40
"""Of a caller's name, as the log shows it."""

ROOT = 0

Answer = Callable[[Mapping[str, str]], Awaitable[Any]]


class Server:
    """Serves views and intents of one terminal, and the questions of staff in `asks`."""

    def __init__(self, terminal: Terminal, asks: Mapping[str, Answer]) -> None:
        self._terminal, self._asks = terminal, asks
        self._server: asyncio.Server | None = None
        self._clients: dict[asyncio.StreamWriter, str] = {}

    async def start(self, path: Path) -> None:
        """Listen at `path`, readable by our own user alone; a stale socket of a dead core is replaced."""
        path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX)
        mask = os.umask(0o177)  # from its first moment on
        try:
            with reachable(path) as address:
                listener.bind(address)
        except OSError as error:
            listener.close()
            raise KassaError(f"{path} cannot be the control socket: {error}") from error
        finally:
            os.umask(mask)
        self._server = await asyncio.start_unix_server(self._serve, sock=listener, limit=LINE_MAX_BYTES)

    async def stop(self) -> None:
        """Hang up on everybody."""
        if self._server is not None:
            self._server.close()
        for writer in list(self._clients):
            writer.close()

    @property
    def clients(self) -> list[str]:
        """Who is connected, by the name each gave."""
        return list(self._clients.values())

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if (reason := self._why_not(writer)) is not None:
            log.warning("a caller at the control socket was turned away: %s", reason)
            _send(writer, Refused(0, "turned_away", reason))
            writer.close()
            return
        task = asyncio.current_task()
        assert task is not None
        task.add_done_callback(_report_failure)
        self._clients[writer] = "?"
        unfollow: Callable[[], None] | None = None
        try:
            async with asyncio.timeout(HELLO_MAX_S):
                if not await self._greet(reader, writer):
                    return
            while (line := await reader.readline()).endswith(b"\n"):  # half a line means nothing
                message = decode_from_client(line)
                if isinstance(message, Follow):
                    if unfollow is None:
                        unfollow = self._terminal.follow(lambda view: self._show(writer, view))
                else:
                    _send(writer, await self._answer(message))
                await writer.drain()
                await asyncio.sleep(
                    0
                )  # a caller with a thousand lines waits for the devices, not they for him
        except (msgspec.MsgspecError, ValueError) as error:  # ValueError: the line is longer than the limit
            log.warning("%s sent what is no message: %s", self._clients[writer], error)
            _send(writer, Refused(0, "not_a_message", f"that is no message of version {VERSION}: {error}"))
        except (ConnectionError, TimeoutError) as error:
            log.info("%s hung up: %s", self._clients[writer], error)
        finally:
            if unfollow is not None:
                unfollow()
            self._clients.pop(writer, None)
            writer.close()

    def _why_not(self, writer: asyncio.StreamWriter) -> str | None:
        if not _is_ours(writer):
            return "the core serves its own user and root only; call as the user that runs the terminal"
        if len(self._clients) >= CLIENTS_MAX:
            return f"{CLIENTS_MAX} callers are served already; end one, then call again"
        return None

    async def _greet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        hello = decode_from_client(await reader.readline() or b"{}")
        if not isinstance(hello, Hello) or hello.version != VERSION:
            _send(
                writer, Refused(0, "version", f"this core speaks version {VERSION} of the control messages")
            )
            return False
        self._clients[writer] = printable(hello.client)[:NAME_MAX_CHARS]
        _send(writer, Welcome(VERSION, kassa.__version__))
        return True

    def _show(self, writer: asyncio.StreamWriter, view: View) -> None:
        if writer.transport.get_write_buffer_size() > UNSENT_MAX_BYTES:
            log.warning("%s does not read its views and is cut off", self._clients.get(writer))
            writer.transport.abort()
            return
        _send(writer, ViewChanged(view))

    async def _answer(self, message: ToServer) -> ToClient:
        match message:
            case Intent(number, name, values):
                try:
                    self._terminal.intend(name, values)
                except IntentRefused as error:
                    return Refused(number, error.code, str(error))
                return Done(number)
            case Ask(number, what, values) if what in self._asks:
                try:
                    return Done(number, await self._asks[what](values))
                except (JournalFailed, JournalBroken):
                    raise  # that is nobody's answer: the core must stop
                except KassaError as error:
                    return Refused(number, getattr(error, "code", "failed"), str(error))
            case Ask(number, what):
                return Refused(
                    number, "unknown", f"nobody here answers {what!r}; known: {', '.join(self._asks)}"
                )
            case _:
                return Refused(0, "out_of_order", "say hello once, then ask")


def _send(writer: asyncio.StreamWriter, message: ToClient) -> None:
    if not writer.is_closing():
        writer.write(encode(message))


def _report_failure(task: asyncio.Task[Any]) -> None:
    """A fault while a caller was served is the core's own: the loop's owner decides, not the caller's end."""
    if not task.cancelled() and (error := task.exception()) is not None:
        task.get_loop().call_exception_handler(
            {"message": "a caller could not be served", "exception": error}
        )


def _is_ours(writer: asyncio.StreamWriter) -> bool:
    """Whether the caller is our own user or root, by the kernel's word."""
    peer: socket.socket = writer.get_extra_info("socket")
    raw = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _pid, uid, _gid = struct.unpack("3i", raw)
    return uid in (ROOT, os.getuid())
