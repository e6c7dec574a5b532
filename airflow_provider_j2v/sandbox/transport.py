"""uvicorn with two additions: the app can reach a connection's transport, and the server ends at once."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from typing import cast

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from airflow_provider_j2v.sandbox.exchange import App


class Protocol(H11Protocol):
    """Hands the transport to the app in ``scope["state"]``, for answers no framework would give."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.access_log = False  # also where other code configures logging anew: its lines hold signed addresses
        self.app_state = {**self.app_state, "transport": transport}
        # asyncio does this only for sockets that name their protocol; without it every answer waits 40 ms
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().connection_made(transport)


class Server(uvicorn.Server):
    """A server for a thread of its own: it can be waited for, and ended at once from another thread."""

    def __init__(self, app: App) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=cast("type[asyncio.Protocol]", Protocol),
                loop="asyncio",
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                timeout_keep_alive=75,  # longer than clients keep an idle connection
                server_header=False,
            )
        )
        self._ready = threading.Event()
        self._over = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._loop = asyncio.get_running_loop()
        self._ready.set()

    async def main_loop(self) -> None:
        # uvicorn asks ten times a second whether it is over; a test would rather not wait for that
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._over.wait(), 1.0)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # uvicorn would wait for open requests; those that hang on purpose must not hold the server back
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        if tasks := list(self.server_state.tasks):
            await asyncio.wait(tasks, timeout=1.0)

    def wait_ready(self, seconds: float) -> bool:
        """Wait until requests are answered."""
        return self._ready.wait(seconds)

    def end(self) -> None:
        """Cut every connection and stop."""
        self.should_exit = True
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._over.set)
