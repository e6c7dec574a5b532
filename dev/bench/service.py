"""The service of a measurement, a process of its own: the sandbox behind TLS, slower by a latency, counted at the door.

``python -m dev.bench.service SCENARIO FOLDER``: takes and prints lines, see ``main``.
"""

from __future__ import annotations

import asyncio
import json
import random
import socket
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any, ClassVar, cast

import httpx
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from airflow_provider_j2v.sandbox import Account, Sandbox, Variants
from airflow_provider_j2v.sandbox.exchange import App, Message, Receive, Scope, Send
from airflow_provider_j2v.sandbox.gate import name_of
from airflow_provider_j2v.sandbox.movie import Movie
from dev.bench.scenario import KEY, LATENCY, RENDER_SECONDS, SPREAD, WARM_KEY, Batch, Render, Scenario, Served

#: The sandbox's movies take this long, and as long as their output.
QUEUE_SECONDS = 0.5
OVERHEAD = QUEUE_SECONDS + 1.0
#: The shortest that there is.
QUICKEST = OVERHEAD + 1.0
#: Starts per second in a spread come in so many portions.
PORTIONS_A_SECOND = 10
#: Movies to learn from how long it takes to make one.
PROBES = 10

DBT_RUNS = "/api/v2/accounts/"
DBT_STATUS = {"pending": 1, "running": 3, "done": 10}


class HeldClock:
    """Real time, that can wait at a moment in the future: all movies made before are made at that moment."""

    def __init__(self) -> None:
        self.held_at = 0.0

    def now(self) -> float:
        return max(self.held_at, time.time())


class Connections(HttpToolsProtocol):
    """Counts the connections of the one server there is."""

    open: ClassVar[set[asyncio.BaseTransport]] = set()
    opened: ClassVar[int] = 0
    most: ClassVar[int] = 0

    @classmethod
    def reset(cls) -> None:
        """Begin to count."""
        cls.opened, cls.most = 0, len(cls.open)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """The TLS handshake is over."""
        kind = type(self)
        kind.open.add(transport)
        kind.opened += 1
        kind.most = max(kind.most, len(kind.open))
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.app_state = {**self.app_state, "transport": transport}  # as the sandbox's own server hands it to faults
        super().connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Either side has closed it."""
        self.open.discard(self.transport)
        super().connection_lost(exc)


class Door:
    """ASGI: counts what passes and lets it wait; beside the sandbox's API there is a view as dbt Cloud's."""

    def __init__(self, app: App, runs: dict[int, Movie], now: Callable[[], float]) -> None:
        self._app = app
        self._runs = runs
        self._now = now
        self.reset()

    def reset(self) -> None:
        """Begin to count."""
        self.requests: Counter[str] = Counter()
        self.bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def counted(message: Message) -> None:
            self.bytes += len(message.get("body", b""))
            await send(message)

        as_dbt = scope["path"].startswith(DBT_RUNS)
        self.requests["dbt run" if as_dbt else name_of(scope) or "other"] += 1
        await asyncio.sleep(LATENCY)
        await (self._dbt_run(scope, counted) if as_dbt else self._app(scope, receive, counted))

    async def _dbt_run(self, scope: Scope, send: Send) -> None:
        run_id = int(scope["path"].rstrip("/").rpartition("/")[2])
        movie, now = self._runs[run_id], self._now()
        status = "done" if now >= movie.due else "running" if now >= movie.starts else "pending"
        data = {"id": run_id, "status": DBT_STATUS[status], "is_complete": status == "done"}
        body = json.dumps({"status": {"code": 200, "is_success": True}, "data": data}).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


class Renders:
    """Makes the movies of a scenario in a sandbox, past its door."""

    def __init__(self, scenario: Scenario, sandbox: Sandbox, clock: HeldClock, seed: int) -> None:
        self.scenario = scenario
        self.runs: dict[int, Movie] = {}
        self.watched: list[Movie] = []
        self._sandbox = sandbox
        self._clock = clock
        self._chance = random.Random(seed)
        self._client = httpx.AsyncClient(
            transport=httpx.ASGITransport(cast("Any", sandbox.app())), base_url="http://127.0.0.1"
        )

    async def make(self, seconds: float, key: str = KEY) -> Render:
        """Submit a movie that takes so long."""
        document = {"scenes": [{"duration": round(seconds - OVERHEAD, 3)}], "comment": "x"}
        padding = self.scenario.movie_bytes - len(json.dumps(document))
        document["comment"] = "x" * max(1, padding)
        reply = await self._client.post("/v2/movies", json=document, headers={"x-api-key": key})
        movie = self._sandbox.movies[reply.raise_for_status().json()["project"]]
        self.runs[movie.sequence] = movie
        return Render(movie.project, movie.sequence)

    async def herd(self) -> Batch:
        """All at the same moment of service time, which is soon, among the foreign ones."""
        scenario = self.scenario
        kinds = [True] * scenario.renders + [False] * scenario.foreign
        self._chance.shuffle(kinds)
        began = time.monotonic()
        for _ in range(PROBES):
            await self.make(RENDER_SECONDS[0], WARM_KEY)
        allowance = 1.0 + 3 * len(kinds) * (time.monotonic() - began) / PROBES
        while True:
            self._clock.held_at = at = time.time() + allowance
            made = [(watched, await self.make(self._chance.uniform(*RENDER_SECONDS))) for watched in kinds]
            if time.time() <= at:
                return Batch(at, [self._note(render) for watched, render in made if watched], last=True)
            # Something else took the machine: all over again, with more time.
            allowance *= 2
            self._sandbox.movies.clear()
            self.runs.clear()

    async def spread(self, emit: Callable[[Batch], None]) -> None:
        """One after another, as time goes by."""
        began = time.time() + 0.1
        portions = int(SPREAD * PORTIONS_A_SECOND)
        total = self.scenario.renders
        for portion in range(portions):
            at = began + portion / PORTIONS_A_SECOND
            await asyncio.sleep(at - time.time())
            count = total * (portion + 1) // portions - total * portion // portions
            renders = [self._note(await self.make(self._chance.uniform(*RENDER_SECONDS))) for _ in range(count)]
            emit(Batch(at, renders, last=portion == portions - 1))

    def _note(self, render: Render) -> Render:
        self.watched.append(self._sandbox.movies[render.project])
        return render

    def positions(self) -> list[int]:
        """Of the watched movies, the oldest first: how many of the account's are newer."""
        account = self.watched[0].account
        projects = [movie.project for movie in self._sandbox.movies.values() if movie.account is account]
        newer = {project: len(projects) - 1 - index for index, project in enumerate(projects)}
        return [newer[movie.project] for movie in self.watched]

    async def single_bytes(self) -> int:
        """The size of the answer about the newest movie, as it is now."""
        return len((await self._answer(project=self.watched[-1].project, format="simple")).content)

    async def row_bytes(self) -> int:
        """The size of one row of the list."""
        row = (await self._answer(limit="1")).json()["movies"][0]
        return len(json.dumps(row, separators=(",", ":")))

    async def _answer(self, **params: str) -> httpx.Response:
        reply = await self._client.get("/v2/movies", params=params, headers={"x-api-key": KEY})
        return reply.raise_for_status()


async def serve(scenario: Scenario, folder: str, seed: int) -> None:
    """Play a scenario: see ``main``."""
    clock = HeldClock()
    sandbox = Sandbox(
        render="off",
        queue_seconds=QUEUE_SECONDS,
        seconds_per_second=1.0,
        accounts=[Account(key=key, credits=10**9) for key in (KEY, WARM_KEY)],
        variants=Variants(list_order=scenario.list_order),
        clock=clock.now,
    )
    renders = Renders(scenario, sandbox, clock, seed)
    door = Door(sandbox.app(), renders.runs, clock.now)
    server = uvicorn.Server(
        uvicorn.Config(
            cast("Any", door),
            host="127.0.0.1",
            port=0,
            http=Connections,
            ws="none",
            lifespan="off",
            log_level="warning",
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=60,
            ssl_certfile=f"{folder}/certificate.pem",
            ssl_keyfile=f"{folder}/key.pem",
        )
    )
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110  # uvicorn has no event for it
        await asyncio.sleep(0.01)
    commands = _lines()
    warm = await renders.make(QUICKEST, WARM_KEY)
    _print({"port": server.servers[0].sockets[0].getsockname()[1], "warm": asdict(warm)})
    await asyncio.to_thread(next, commands)
    door.reset()
    Connections.reset()
    if scenario.start == "herd":
        _print(asdict(await renders.herd()))
    else:
        await renders.spread(lambda batch: _print(asdict(batch)))
    running_bytes = await renders.single_bytes()
    if scenario.huge_megabytes:
        sandbox.faults.add("*", "big", megabytes=scenario.huge_megabytes)
    await asyncio.to_thread(next, commands)
    served = Served(
        requests=dict(door.requests),
        bytes=door.bytes,
        opened=Connections.opened,
        most_open=Connections.most,
        renders={movie.project: (movie.created, movie.due) for movie in renders.watched},
        positions=renders.positions(),
        running_bytes=running_bytes,
        done_bytes=await renders.single_bytes(),
        row_bytes=await renders.row_bytes(),
    )
    _print(asdict(served))
    server.should_exit = True
    await serving
    sandbox.stop()


def _lines() -> Iterator[str]:
    return iter(sys.stdin.readline, "")


def _print(message: dict[str, Any]) -> None:
    print(json.dumps(message), flush=True)


def main(scenario: str, folder: str, seed: str) -> None:
    """Print the port and a render to get warm with; at a line of input make the renders and print them in batches;
    at the next line print what was served, and end.
    """
    asyncio.run(serve(Scenario(**json.loads(scenario)), folder, int(seed)))


if __name__ == "__main__":
    main(*sys.argv[1:])
