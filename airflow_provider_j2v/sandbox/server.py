"""The sandbox as a server: a thread with uvicorn, ready when it is entered, gone when it is left."""

from __future__ import annotations

import asyncio
import logging
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from airflow_provider_j2v.sandbox.accounts import Account
from airflow_provider_j2v.sandbox.clock import Clock
from airflow_provider_j2v.sandbox.faults import Faults
from airflow_provider_j2v.sandbox.hosts import is_loopback, reachable
from airflow_provider_j2v.sandbox.journal import Journal
from airflow_provider_j2v.sandbox.media import Media
from airflow_provider_j2v.sandbox.movie import Movie
from airflow_provider_j2v.sandbox.rendering import CannedRenderer, DrawingRenderer, RenderMode
from airflow_provider_j2v.sandbox.service import Service
from airflow_provider_j2v.sandbox.templates import Templates
from airflow_provider_j2v.sandbox.variants import Variants

if TYPE_CHECKING:
    from airflow_provider_j2v.sandbox.catalog import Catalog
    from airflow_provider_j2v.sandbox.exchange import App
    from airflow_provider_j2v.sandbox.transport import Server

log = logging.getLogger(__name__)

START_SECONDS = 30.0
EXPOSED = """\
the sandbox listens on %s, so other machines can reach it. Anyone with the key can render here,
and anyone at all can see the dashboard and fetch the videos. The control endpoints are switched off."""


class Sandbox:
    """JSON2Video in a box::

        with Sandbox(speed=10) as sandbox:
            httpx.post(f"{sandbox.url}/v2/movies", headers={"x-api-key": "sandbox"}, json=movie)

    :param port: of the server; 0 takes a free one.
    :param host: what to listen on. Others than this machine get in on an address that is not loopback.
    :param speed: how much faster than real time the service's clock runs.
    :param key: the API key of the one account, unless ``accounts`` are given.
    :param credits: of that account; one is a second of output.
    :param accounts: all accounts, instead of ``key`` and ``credits``.
    :param render: ``full`` draws and encodes every movie, ``off`` serves one small canned file.
    :param clock: epoch seconds, for tests that rule over time.
    :param queue_seconds: of service time that a movie is ``pending``.
    :param seconds_per_second: of service time that a second of output takes, after one second for any movie.
    """

    def __init__(
        self,
        port: int = 0,
        *,
        host: str = "127.0.0.1",
        speed: float = 1.0,
        key: str = "sandbox",
        credits: int = 12_000,
        accounts: Sequence[Account] | None = None,
        render: RenderMode = "full",
        variants: Variants | None = None,
        clock: Callable[[], float] = time.time,
        queue_seconds: float = 1.0,
        seconds_per_second: float = 0.5,
    ) -> None:
        self.variants = variants or Variants()
        self.faults = Faults()
        self.journal = Journal()
        self.clock = Clock(clock, speed)
        self._host = host
        self._port = port
        self._folder = tempfile.TemporaryDirectory(prefix="json2video-sandbox-", ignore_cleanup_errors=True)
        folder = Path(self._folder.name)
        media = Media(folder / "media", self.clock, self.variants)
        self._renderer = (
            CannedRenderer()
            if render == "off"
            else DrawingRenderer(folder, media.behind, fetch_loopback=self.on_loopback)
        )
        self._service = Service(
            accounts=accounts or [Account(key=key, credits=credits)],
            clock=self.clock,
            renderer=self._renderer,
            media=media,
            variants=self.variants,
            journal=self.journal,
            queue_seconds=queue_seconds,
            seconds_per_second=seconds_per_second,
        )
        self._server: Server | None = None
        self._thread: threading.Thread | None = None
        self.url = ""
        """``http://host:port`` without a slash; the API is below ``/v2``."""

    @property
    def on_loopback(self) -> bool:
        return is_loopback(self._host)

    @property
    def accounts(self) -> list[Account]:
        return self._service.accounts

    @property
    def movies(self) -> dict[str, Movie]:
        """Every accepted movie by its project, in order of submission."""
        return self._service.movies

    @property
    def catalog(self) -> Catalog:
        """What ``models.json`` says; its ``document`` and ``raw`` may be set."""
        return self._service.catalog

    @property
    def templates(self) -> Templates:
        """The saved templates; ``all`` may be edited."""
        return self._service.templates

    @property
    def media(self) -> Media:
        """The files that accounts keep; ``drive(account)`` is one account's."""
        return self._service.media

    def advance(self, seconds: float, timeout: float = 60.0) -> None:
        """Move the service's time forward, once all movies that are due by then have really been drawn.

        :param timeout: real seconds to wait for them before a TimeoutError.
        """
        self._service.advance(seconds, timeout)

    def app(self) -> App:
        """The ASGI application, for use without a server (faults that touch the connection need one)."""
        from airflow_provider_j2v.sandbox.app import create_app
        from airflow_provider_j2v.sandbox.control import controls, pages
        from airflow_provider_j2v.sandbox.gate import Gate

        app = create_app(self._service, self.clock)
        app.include_router(pages(self._service, self.clock))
        if self.on_loopback:
            app.include_router(controls(self._service, self.faults, self.journal, self.clock))
        return Gate(app, self.faults, self.journal, self.clock)

    def start(self) -> Self:
        """Listen; returns when requests are answered."""
        from airflow_provider_j2v.sandbox.transport import Server

        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        listener = socket.create_server((self._host, self._port), family=family, backlog=2048)
        port = listener.getsockname()[1]
        shown = reachable(self._host)
        self.url = f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"
        self._server = Server(self.app())
        self._thread = threading.Thread(target=self._run, args=(self._server, listener), daemon=True)
        self._thread.start()
        if not self._server.wait_ready(START_SECONDS):
            self.stop()
            raise RuntimeError("the sandbox did not start")
        if not self.on_loopback:
            log.warning(EXPOSED, self._host)
        return self

    def stop(self) -> None:
        """Cut off open requests, give up renders that are under way and remove the files."""
        server, self._server = self._server, None
        if server is not None and self._thread is not None:
            server.end()
            self._thread.join()
        self._renderer.stop()
        self._folder.cleanup()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @staticmethod
    def _run(server: Server, listener: socket.socket) -> None:
        asyncio.run(server.serve([listener]))
