"""One suite for both clients and for two services: the sandbox, or the real one when there is a key.

With ``JSON2VIDEO_API_KEY`` in the environment the real service is asked, or the one at ``JSON2VIDEO_HOST``. It renders
one tiny movie in the whole run, and what needs faults, variants or a clock that can be moved is skipped.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from airflow_provider_j2v.api.account import PUBLIC_URL, Account
from airflow_provider_j2v.api.calls import Call, delete_movie, get_movie, submit_movie
from airflow_provider_j2v.api.client import AsyncClient, Client
from airflow_provider_j2v.sandbox import Sandbox

KEY = "c0ntract-k3y-that-must-never-show"
REAL_KEY = os.environ.get("JSON2VIDEO_API_KEY", "").strip()
REAL_HOST = os.environ.get("JSON2VIDEO_HOST") or None
REAL_PATIENCE = 300.0


def pytest_report_collectionfinish() -> str:
    service = f"the service at {REAL_HOST or PUBLIC_URL}" if REAL_KEY else "the sandbox (JSON2VIDEO_API_KEY is not set)"
    return f"contract tests talk to {service}"


class Driver:
    """Either client behind one blocking ``send``; its pauses are noted instead of slept."""

    def __init__(self, kind: str, account: Account) -> None:
        self.kind = kind
        self.account = account
        self.pauses: list[float] = []
        self._exit = contextlib.ExitStack()
        self._runner = self._exit.enter_context(asyncio.Runner()) if kind == "async" else None
        self._client: Client | AsyncClient | None = None

    def with_account(self, **changes: Any) -> Driver:
        """The same kind of client for a changed account."""
        other = Driver(self.kind, replace(self.account, **changes))
        self._exit.callback(other.close)
        return other

    def open(self, **options: Any) -> Client | AsyncClient:
        """The client, made at the first use."""
        if self._client is None:
            if self._runner is None:
                self._client = Client(self.account, sleep=self.pauses.append, **options)
            else:
                self._client = AsyncClient(self.account, sleep=self._note, **options)
        return self._client

    def send(self, call: Call[Any], *, before_send: Callable[[], None] | None = None, **options: Any) -> Any:
        client = self.open(**options)
        if isinstance(client, Client):
            return client.send(call, before_send=before_send)
        assert self._runner is not None
        return self._runner.run(client.send(call, before_send=before_send))

    def close(self) -> None:
        if isinstance(self._client, Client):
            self._client.close()
        elif self._client is not None and self._runner is not None:
            self._runner.run(self._client.aclose())
        self._exit.close()

    async def _note(self, seconds: float) -> None:
        self.pauses.append(seconds)


@dataclass(frozen=True)
class Seen:
    """A request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    port: int


@dataclass
class Recorder:
    """A bare HTTP server on loopback that notes what arrives and answers the same to everything."""

    url: str = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b'{"success": true, "project": "0123456789abcdef", "movie": {"status": "done"}, "movies": []}'
    seen: list[Seen] = field(default_factory=list)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A sandbox of the test's own, which draws nothing."""
    if REAL_KEY:
        pytest.skip("needs faults, variants or a clock of its own, which only the sandbox has")
    with Sandbox(port=0, key=KEY, render="off") as server:
        yield server


def real_account() -> Account:
    """The account that ``JSON2VIDEO_API_KEY`` opens."""
    return Account.build(host=REAL_HOST, schema=None, port=None, key=REAL_KEY, extra={})


@pytest.fixture
def account(request: pytest.FixtureRequest) -> Account:
    """The real account when there is a key for it, else the sandbox's."""
    if REAL_KEY:
        return real_account()
    server: Sandbox = request.getfixturevalue("sandbox")
    return Account.build(host=server.url, schema=None, port=None, key=KEY, extra={})


@pytest.fixture
def confirming(request: pytest.FixtureRequest) -> None:
    """The sandbox confirms uploaded content at once; the real service takes its time."""
    if not REAL_KEY:
        request.getfixturevalue("sandbox").variants.media_pending = 0


@pytest.fixture(params=["sync", "async"])
def driver(request: pytest.FixtureRequest, account: Account) -> Iterator[Driver]:
    made = Driver(request.param, account)
    yield made
    made.close()


@pytest.fixture
def send(driver: Driver) -> Callable[..., Any]:
    return driver.send


@pytest.fixture
def movie() -> dict[str, Any]:
    """The cheapest movie that renders everywhere: one second, ``sd``."""
    text = {"type": "text", "text": "contract", "duration": 1}
    return {
        "resolution": "sd",
        "comment": "contract test",
        "client-data": {"airflow": {"tag": "contract"}, "row": 7},
        "scenes": [{"duration": 1, "elements": [text]}],
    }


@pytest.fixture(scope="session")
def paid() -> Iterator[dict[str, str]]:
    """The project of the one movie that a run pays for at the real service; deleted at the end."""
    made: dict[str, str] = {}
    yield made
    if made:
        with Client(real_account()) as client:
            client.send(delete_movie(made["project"]))


@pytest.fixture
def project(account: Account, movie: dict[str, Any], paid: dict[str, str]) -> str:
    """A submitted movie; at the real service the same one for the whole run."""
    if "project" in paid:
        return paid["project"]
    with Client(account) as client:
        made: str = client.send(submit_movie(movie)).project
    if REAL_KEY:
        paid["project"] = made
    return made


@pytest.fixture
def finished(account: Account, project: str, request: pytest.FixtureRequest) -> str:
    """The same, when it has ended."""
    if not REAL_KEY:
        request.getfixturevalue("sandbox").advance(60)
        return project
    ends = time.monotonic() + REAL_PATIENCE
    with Client(account) as client:
        while client.send(get_movie(project)).movie.status not in ("done", "error") and time.monotonic() < ends:
            time.sleep(5)  # the real service asks for this pause
    return project


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    noted = Recorder()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            noted.seen.append(Seen(self.command, self.path, headers, body, self.client_address[1]))
            self.send_response(noted.status)
            for name, value in noted.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(noted.body)))
            self.end_headers()
            self.wfile.write(noted.body)

        do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815

        def log_message(self, *args: Any) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        noted.url = f"http://127.0.0.1:{server.server_address[1]}"
        yield noted
        server.shutdown()
        thread.join()
