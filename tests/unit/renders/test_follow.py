"""The loop that follows an account: it goes on after anything, and remembers only what is safe."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import pytest

from airflow_provider_j2v.api.account import Account
from airflow_provider_j2v.api.calls import submit_movie
from airflow_provider_j2v.api.client import AsyncClient, Client
from airflow_provider_j2v.exceptions import RateLimited
from airflow_provider_j2v.renders.feed import LONGEST_PAUSE, Wanted
from airflow_provider_j2v.renders.follow import SAFE_AFTER, follow
from airflow_provider_j2v.renders.watcher import silence_of
from airflow_provider_j2v.sandbox import Sandbox

GOOD = {"resolution": "sd", "scenes": [{"duration": 2}]}
BROKEN = {"scenes": [{"elements": [{"type": "video"}]}]}


class Process:
    """One process after the other that follows the sandbox; what they keep outlives them."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.key = "sandbox"
        self.kept: str | None = None
        self.fails: list[str] = []
        self.clients: list[AsyncClient] = []
        self.pauses: list[float] = []
        self.errors = 0
        self.looked = asyncio.Event()

    async def load(self) -> Any:
        if "load" in self.fails:
            raise RuntimeError("the store is down")
        return None if self.kept is None else json.loads(self.kept)

    async def save(self, state: Any) -> None:
        if "save" in self.fails:
            raise RuntimeError("the store is down")
        self.kept = json.dumps(state)

    def account(self) -> Account:
        return Account.build(host=self.sandbox.url, schema=None, port=None, key=self.key, extra={})

    async def lookup(self) -> Account:
        if "lookup" in self.fails:
            raise RuntimeError("the database is down")
        return self.account()

    def connect(self, account: Account) -> AsyncClient:
        self.clients.append(AsyncClient(account, attempts=1))
        return self.clients[-1]

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.looked.set()
        await asyncio.sleep(0.01)

    def count(self) -> None:
        self.errors += 1

    def start(self) -> AsyncGenerator[dict[str, Any]]:
        self.looked.clear()
        return follow(
            Wanted(),
            interval=60,
            least_interval=5,
            lookup=self.lookup,
            connect=self.connect,
            memory=self,
            on_error=self.count,
            sleep=self.sleep,
        )

    async def submit(self, movie: Any = GOOD) -> str:
        def send() -> str:
            with Client(self.account()) as client:
                return client.send(submit_movie(movie)).project

        return await asyncio.to_thread(send)

    async def until_looked(self, times: int = 1) -> None:
        for _ in range(times):
            self.looked.clear()
            await asyncio.wait_for(self.looked.wait(), 20)


@pytest.fixture
async def process(sandbox: Sandbox) -> Process:
    return Process(sandbox)


async def first(events: AsyncGenerator[dict[str, Any]], count: int = 1) -> list[str]:
    async with asyncio.timeout(30):
        return [(await anext(events))["project"] for _ in range(count)]


async def test_what_ends_is_told_and_a_later_process_goes_on_where_it_stood(process: Process) -> None:
    async with aclosing(process.start()) as events:
        telling = asyncio.create_task(first(events))
        await process.until_looked()
        project = await process.submit()
        assert await telling == [project]
        telling = asyncio.create_task(first(events))
        await process.until_looked(3)
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)
    missed = await process.submit(BROKEN)
    await asyncio.sleep(0.1)
    async with aclosing(process.start()) as events:
        assert await first(events) == [missed]


async def test_what_was_told_is_remembered_only_when_it_is_safe(process: Process) -> None:
    async with aclosing(process.start()) as events:
        telling = asyncio.create_task(first(events))
        await process.until_looked()
        project = await process.submit()
        await telling
        assert project not in json.loads(process.kept or "{}")["seen"]
    process.pauses.clear()
    async with aclosing(process.start()) as events:
        assert await first(events) == [project], "it was not safe, and is told again"
        telling = asyncio.create_task(first(events))
        await process.until_looked(3)
        assert process.pauses[:2] == [SAFE_AFTER, 60 - SAFE_AFTER]
        assert project in json.loads(process.kept or "")["seen"]
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "status": 503},
        {"kind": "status", "status": 200, "body": "<html>"},
        {"kind": "status", "status": 200, "body": '{"movies": 3}'},
        {"kind": "reset"},
    ],
    ids=str,
)
async def test_a_failing_service_is_reported_once_and_followed_on(
    process: Process, fault: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with aclosing(process.start()) as events:
        telling = asyncio.create_task(first(events))
        await process.until_looked()
        options = dict(fault)
        process.sandbox.faults.add("list", options.pop("kind"), times=None, **options)
        project = await process.submit()
        await process.until_looked(4)
        process.sandbox.faults.clear()
        assert await telling == [project]
    warnings = [r for r in caplog.records if r.levelno == logging.WARNING and "again in" in r.message]
    assert len(warnings) == 1
    assert process.errors >= 3
    assert all(client._http.is_closed for client in process.clients)


async def test_a_silence_that_others_were_asked_for_is_heeded(process: Process) -> None:
    async with aclosing(process.start()) as events:
        telling = asyncio.create_task(first(events))
        await process.until_looked(2)
        silence_of(process.account()).extend(RateLimited(429, "slow down"), time.time() + 600)
        await process.until_looked(2)
        asked = process.sandbox.journal.requests["list"]
        await process.until_looked(20)
        assert process.sandbox.journal.requests["list"] == asked
        assert 590 < process.pauses[-1] <= 600
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)


async def test_a_silence_that_it_was_asked_for_is_heeded_by_others(process: Process) -> None:
    process.sandbox.variants.never_finish = True
    project = await process.submit()
    async with aclosing(process.start()) as events:
        telling = asyncio.create_task(first(events))
        await process.until_looked(2)
        fault = process.sandbox.faults.add("list", "status", status=429, headers={"Retry-After": "1"}, times=1)
        process.sandbox.variants.never_finish = False
        while not fault.hits:
            await process.until_looked()
        silence = silence_of(process.account())
        assert 0 < silence.until - time.time() <= 1
        assert await telling == [project]
        assert time.time() >= silence.until


async def test_a_bad_key_is_retried_slowly_and_a_new_one_is_found(process: Process) -> None:
    project = await process.submit()
    process.sandbox.variants.never_finish = True
    process.key = "wrong"
    async with aclosing(process.start()) as events:
        telling = asyncio.create_task(first(events))
        await process.until_looked(3)
        assert set(process.pauses) == {LONGEST_PAUSE}
        process.key = "sandbox"
        await process.until_looked(2)
        process.sandbox.variants.never_finish = False
        assert await telling == [project]


async def test_what_could_not_be_saved_is_told_again(process: Process) -> None:
    async with aclosing(process.start()) as events:
        telling = asyncio.create_task(first(events))
        await process.until_looked(2)
        process.fails = ["save"]
        project = await process.submit()
        assert await telling == [project]
        telling = asyncio.create_task(first(events))
        await process.until_looked(3)
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)
    async with aclosing(process.start()) as events:
        assert await first(events) == [project]


@pytest.mark.parametrize("what", ["load", "lookup"])
async def test_a_store_or_a_database_that_is_down_loses_nothing(process: Process, what: str) -> None:
    process.sandbox.variants.never_finish = True
    project = await process.submit()
    async with aclosing(process.start()) as events:
        telling = asyncio.create_task(first(events))
        await process.until_looked(2)
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)
    assert project in json.loads(process.kept or "")["open"]
    process.fails = [what]
    process.sandbox.variants.never_finish = False
    async with aclosing(process.start()) as events:
        telling = asyncio.create_task(first(events))
        await process.until_looked(2)
        process.fails = []
        assert await telling == [project]


async def test_a_memory_that_makes_no_sense_is_a_new_beginning(process: Process) -> None:
    process.kept = '{"since": "yesterday"}'
    async with aclosing(process.start()) as events:
        telling = asyncio.create_task(first(events))
        await process.until_looked()
        project = await process.submit()
        assert await telling == [project]


async def test_a_cancelled_follower_leaves_no_task_and_no_connection(process: Process) -> None:
    before = asyncio.all_tasks()
    events = process.start()
    telling = asyncio.create_task(first(events))
    await process.until_looked(2)
    telling.cancel()
    await asyncio.gather(telling, return_exceptions=True)
    assert asyncio.all_tasks() == before
    assert len(process.clients) == 1
    assert process.clients[0]._http.is_closed
