"""One request on its way through the sandbox, with the transport for answers no framework would give."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def head(self, *, declared: bool = True) -> bytes:
        """Status line and headers as they go over the wire, with or without the length of the body."""
        length = {"content-length": str(len(self.body))} if declared else {}
        headers = {**self.headers, **length, "connection": "close"}
        lines = [f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")


def json_answer(status: int, body: object, headers: Mapping[str, str] | None = None) -> Answer:
    """An answer with a JSON body."""
    content = json.dumps(body).encode()
    return Answer(status, {"content-type": "application/json", **(headers or {})}, content)


class Exchange:
    """A request that the app, a fault or the bare transport answers, once.

    :param body: its body; None when that is too large to keep: then it is read on the way to the app.
    :param length: bytes that came, of which ``body`` may be the beginning.
    """

    def __init__(self, app: App, scope: Scope, receive: Receive, send: Send, body: bytes | None, length: int) -> None:
        self._app = app
        self._scope = scope
        self._receive = receive
        self._send = send
        self._body = body
        self._unread = body is None
        self._processed: Answer | None = None
        self.status: int | None = None
        self.bytes_in = length
        self.bytes_out = 0

    async def pass_on(self) -> None:
        """Let the app answer, unless :meth:`process` already made it: then that answer is sent."""
        if self._processed is not None:
            await self.answer(self._processed)
        else:
            await self._app(self._scope, self._body_once(), self._counted)

    async def process(self) -> Answer:
        """Have the request really processed, and keep the answer back."""
        if self._processed is None:
            held: list[Message] = []

            async def hold(message: Message) -> None:
                held.append(message)

            await self._app(self._scope, self._body_once(), hold)
            headers = {k.decode("latin-1"): v.decode("latin-1") for k, v in held[0].get("headers", ())}
            headers.pop("content-length", None)
            body = b"".join(message.get("body", b"") for message in held[1:])
            self._processed = Answer(held[0]["status"], headers, body)
        return self._processed

    @property
    def processed(self) -> Answer | None:
        return self._processed

    async def answer(self, answer: Answer) -> None:
        await self.begin(answer.status, {**answer.headers, "content-length": str(len(answer.body))})
        await self.more(answer.body, last=True)

    async def begin(self, status: int, headers: Mapping[str, str]) -> None:
        raw = [(k.lower().encode("latin-1"), v.encode("latin-1")) for k, v in headers.items()]
        await self._counted({"type": "http.response.start", "status": status, "headers": raw})

    async def more(self, body: bytes, *, last: bool = False) -> None:
        await self._counted({"type": "http.response.body", "body": body, "more_body": not last})

    def write(self, raw: bytes, *, body: int = 0) -> None:
        """Bytes straight to the client; ``body`` of them count as the answer's body."""
        self._transport().write(raw)
        self.bytes_out += body

    @property
    def open(self) -> bool:
        return not self._transport().is_closing()

    async def close(self) -> None:
        """End the connection in the orderly way, after what was written."""
        self._transport().close()
        await self.gone()

    async def reset(self) -> None:
        """End the connection with a TCP reset: lingering for zero seconds makes the close one."""
        transport = self._transport()
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
        await self.gone()

    async def gone(self) -> None:
        """Wait until the client has left, or the sandbox stops and cuts it off."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def wait(self, seconds: float) -> bool:
        """Wait in real time; False when the client left before."""
        try:
            await asyncio.wait_for(self.gone(), seconds)
        except TimeoutError:
            return True
        return False

    def _transport(self) -> asyncio.Transport:
        transport: asyncio.Transport = self._scope["state"]["transport"]
        return transport

    def _body_once(self) -> Receive:
        if self._body is None:
            return self._arriving
        pending: list[Message] = [{"type": "http.request", "body": self._body, "more_body": False}]

        async def receive() -> Message:
            return pending.pop() if pending else await self._receive()

        return receive

    async def _arriving(self) -> Message:
        message = await self._receive()
        self.bytes_in += len(message.get("body", b""))
        self._unread = bool(message.get("more_body"))
        return message

    async def _counted(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            while self._unread:  # a client that is still sending might not see the answer
                await self._arriving()
            self.status = message["status"]
        self.bytes_out += len(message.get("body", b""))
        await self._send(message)
