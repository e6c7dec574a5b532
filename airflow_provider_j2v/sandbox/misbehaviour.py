"""The kinds of faults: each a small class whose fields are the fault's details.

``play`` answers true when the request is done with, false when it shall go its normal way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Literal, Protocol

from airflow_provider_j2v.sandbox.exchange import Answer, Exchange, json_answer

MEGABYTE = 1024 * 1024

BODIES: dict[str, bytes] = {
    "empty": b"",
    "html": b"<!DOCTYPE html><html><body><h1>502 Bad Gateway</h1></body></html>",
    "nan": b'{"success": true, "movie": {"status": "done", "duration": NaN}}',
    "deep": b'{"success": true, "movie": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "huge-int": b'{"success": true, "movie": {"status": "done", "size": ' + b"9" * 5000 + b"}}",
    "bad-utf8": b'{"success": true, "message": "\xff\xfe\xfa"}',
    "null": b"null",
    "array": b"[]",
}
"""Answers that are no answer, by name."""


class Misbehaviour(Protocol):
    """A kind of fault."""

    async def play(self, exchange: Exchange) -> bool: ...


@dataclass(frozen=True, slots=True)
class Status:
    """An HTTP status with a body (JSON, text or bytes) and headers such as ``Retry-After``."""

    status: int = 500
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)

    async def play(self, exchange: Exchange) -> bool:
        body = {"message": HTTPStatus(self.status).phrase} if self.body is None else self.body
        if isinstance(body, str | bytes):
            content = body.encode() if isinstance(body, str) else body
            await exchange.answer(Answer(self.status, {"content-type": "text/plain", **self.headers}, content))
        else:
            await exchange.answer(json_answer(self.status, body, self.headers))
        return True


@dataclass(frozen=True, slots=True)
class Reset:
    """A TCP reset instead of an answer; with ``orderly`` the connection is just closed."""

    orderly: bool = False

    async def play(self, exchange: Exchange) -> bool:
        await (exchange.close() if self.orderly else exchange.reset())
        return True


@dataclass(frozen=True, slots=True)
class Truncate:
    """An answer that declares more bytes than come before the connection is closed, or none at all."""

    keep: float = 0.5
    """Share of the body that is sent."""

    declared: bool = True
    """Without a length only the end of the connection ends the body."""

    async def play(self, exchange: Exchange) -> bool:
        answer = exchange.processed or json_answer(200, {"success": True, "project": "0123456789abcdef"})
        sent = answer.body[: int(len(answer.body) * self.keep)]
        exchange.status = answer.status
        exchange.write(answer.head(declared=self.declared) + sent, body=len(sent))
        await exchange.close()
        return True


@dataclass(frozen=True, slots=True)
class Body:
    """Arbitrary bytes: a name from :data:`BODIES`, or the ``body`` itself."""

    name: str = ""
    body: str | bytes = b""
    status: int = 200
    content_type: str = "application/json"

    def __post_init__(self) -> None:
        if self.name and self.name not in BODIES:
            raise ValueError(f"name must be one of {', '.join(BODIES)}, not {self.name!r}")

    async def play(self, exchange: Exchange) -> bool:
        own = self.body.encode() if isinstance(self.body, str) else self.body
        content = BODIES[self.name] if self.name else own
        await exchange.answer(Answer(self.status, {"content-type": self.content_type}, content))
        return True


@dataclass(frozen=True, slots=True)
class Hang:
    """No answer, until the client leaves or the sandbox stops."""

    async def play(self, exchange: Exchange) -> bool:
        await exchange.gone()
        return True


@dataclass(frozen=True, slots=True)
class Delay:
    """The normal answer, but ``seconds`` of real time later."""

    seconds: float = 1.0

    async def play(self, exchange: Exchange) -> bool:
        return not await exchange.wait(self.seconds)


@dataclass(frozen=True, slots=True)
class Big:
    """A JSON answer of about ``megabytes``, streamed and never held in memory."""

    megabytes: int = 100
    status: int = 200

    async def play(self, exchange: Exchange) -> bool:
        await exchange.begin(self.status, {"content-type": "application/json"})
        await exchange.more(b'{"success": true, "padding": "')
        block = b"x" * MEGABYTE
        for _ in range(self.megabytes):
            if not exchange.open:
                return True
            await exchange.more(block)
        await exchange.more(b'"}', last=True)
        return True


@dataclass(frozen=True, slots=True)
class Drip:
    """The real answer, with a byte of its headers or body every ``interval`` seconds."""

    part: Literal["headers", "body"] = "body"
    interval: float = 0.05

    async def play(self, exchange: Exchange) -> bool:
        answer = await exchange.process()
        head = answer.head()
        exchange.status = answer.status
        slow, rest = (head, answer.body) if self.part == "headers" else (answer.body, b"")
        if self.part == "body":
            exchange.write(head)
        for at in range(len(slow)):
            exchange.write(slow[at : at + 1], body=int(self.part == "body"))
            if not await exchange.wait(self.interval):
                return True
        exchange.write(rest, body=len(rest))
        await exchange.close()
        return True


KINDS: dict[str, Callable[..., Misbehaviour]] = {
    "status": Status,
    "reset": Reset,
    "truncate": Truncate,
    "body": Body,
    "hang": Hang,
    "delay": Delay,
    "big": Big,
    "drip": Drip,
}
