"""The door of the sandbox: every call of the API is counted here and meets its faults here."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import parse_qs

from airflow_provider_j2v.sandbox.clock import Clock
from airflow_provider_j2v.sandbox.exchange import App, Exchange, Receive, Scope, Send
from airflow_provider_j2v.sandbox.faults import Fault, Faults
from airflow_provider_j2v.sandbox.journal import Entry, Journal

KEPT_BODY = 2 * 1024 * 1024 + 1
"""Of a request's body this much is kept: one byte over the limit is enough to refuse it."""


class Gate:
    """ASGI middleware. The dashboard and the control endpoints pass uncounted and unharmed."""

    def __init__(self, app: App, faults: Faults, journal: Journal, clock: Clock) -> None:
        self._app = app
        self._faults = faults
        self._journal = journal
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        call = name_of(scope)
        if call is None:
            await self._app(scope, receive, send)
            return
        self._journal.arrived(call)
        body, length = (None, 0) if call == "upload" else await _read(receive)
        exchange = Exchange(self._app, scope, receive, send, body, length)
        met: list[Fault] = []
        try:
            if not await self._misbehave(exchange, self._faults.meet(call), met):
                await exchange.pass_on()
        finally:
            self._journal.record(
                Entry(
                    time=self._clock.now(),
                    call=call,
                    method=scope["method"],
                    path=scope["path"],
                    status=exchange.status,
                    bytes_in=exchange.bytes_in,
                    bytes_out=exchange.bytes_out,
                    faults=tuple(fault.kind for fault in met),
                )
            )

    async def _misbehave(self, exchange: Exchange, faults: Iterable[Fault], met: list[Fault]) -> bool:
        for fault in faults:
            met.append(fault)
            if fault.after:
                await exchange.process()
            if await fault.action.play(exchange):
                return True
        return False


def name_of(scope: Scope) -> str | None:
    """The name of a call of the API, as faults and the journal use it; None for the sandbox's own pages."""
    path, method = scope["path"], scope["method"]
    if path == "/" or path.startswith("/sandbox/"):
        return None
    if path.rstrip("/") == "/v2/movies":
        query = parse_qs(scope["query_string"].decode("latin-1"))
        single = "project" in query or "id" in query
        return {"POST": "submit", "DELETE": "delete", "GET": "get" if single else "list"}.get(method, "other")
    if path.startswith("/v2/templates"):
        return "template" if method == "GET" else "template-write"
    if path.startswith("/v2/media"):
        return "media"
    if path.startswith("/storage/"):
        return "upload"
    if path.startswith(("/clients/", "/media/")):
        return "file"
    return "catalog" if path == "/data/ai/models.json" else "other"


async def _read(receive: Receive) -> tuple[bytes, int]:
    kept = bytearray()
    length = 0
    while True:
        message = await receive()
        chunk = message.get("body", b"")
        length += len(chunk)
        kept += chunk[: max(0, KEPT_BODY - len(kept))]
        if not message.get("more_body"):
            return bytes(kept), length
