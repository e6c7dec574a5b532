"""The least that waiting can cost in Python: one connection, plain JSON, bare sweeps of the list, no safeguards.

It is no trigger anybody could use; its figures are the floor under those of the others.
"""

from __future__ import annotations

import asyncio
import json
import os
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

_waiting: dict[str, asyncio.Future[None]] = {}
_sweeping: list[asyncio.Task[None]] = []


class FloorTrigger:
    """Waits for one render; all of them share one task."""

    def __init__(self, conn_id: str, project: str, interval: float) -> None:
        self._conn_id = conn_id
        self._project = project
        self._interval = interval

    async def run(self) -> AsyncIterator[_Event]:
        """Wait to the end."""
        ended = _waiting[self._project] = asyncio.get_running_loop().create_future()
        if not _sweeping:
            _sweeping.append(asyncio.create_task(_sweep(self._conn_id, self._interval)))
        await ended
        yield _Event()


class _Event:
    payload = {"status": "done"}  # noqa: RUF012


async def _sweep(conn_id: str, interval: float) -> None:
    connection = json.loads(os.environ[f"AIRFLOW_CONN_{conn_id.upper()}"])
    host = urlsplit(connection["host"])
    start = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=1)
    streams = await asyncio.open_connection(host.hostname, host.port, ssl=ssl.create_default_context())
    while _waiting:
        await asyncio.sleep(interval)
        unseen = set(_waiting)
        token = None
        while unseen:
            query = {"from": start.isoformat(), "limit": 100} | ({"next_token": token} if token else {})
            page = await _get(streams, f"/v2/movies?{urlencode(query)}", connection["password"])
            for row in page["movies"]:
                unseen.discard(row["project"])
                if row["status"] == "done" and row["project"] in _waiting:
                    _waiting.pop(row["project"]).set_result(None)
            token = page["next_token"]
            if token is None:
                break
    streams[1].close()
    _sweeping.clear()


async def _get(streams: tuple[asyncio.StreamReader, asyncio.StreamWriter], path: str, key: str) -> dict[str, Any]:
    reader, writer = streams
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nx-api-key: {key}\r\n\r\n".encode())
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
    page: dict[str, Any] = json.loads(await reader.readexactly(length))
    return page
