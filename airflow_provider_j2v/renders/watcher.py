"""Many renders, one poll loop: every wait of one account in one event loop shares a watcher and its client."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import os
import socket
import time
import weakref
import zlib
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from airflow_provider_j2v.api.account import Account
from airflow_provider_j2v.api.calls import Call
from airflow_provider_j2v.api.client import AsyncClient
from airflow_provider_j2v.api.reply import Reply
from airflow_provider_j2v.exceptions import ApiError, JSON2VideoError, ServerError, Unreachable
from airflow_provider_j2v.renders.plan import Heard, Planner, Silence
from airflow_provider_j2v.renders.polling import Outcome, Polling
from airflow_provider_j2v.renders.waiting import Report

log = logging.getLogger(__name__)

#: One call of a watcher may take this long, in seconds: others wait for its turn.
LONGEST_POLL = 15.0
#: So many waits go on in one turn of the event loop: others run in it too.
PORTION = 50
#: A wait ends so long after its deadline at the latest, whatever the service does, in seconds.
PATIENCE = 10.0
#: Nobody is asked for more often, in seconds; a sandbox on loopback takes more.
LEAST_INTERVAL = 5.0
LEAST_LOCAL_INTERVAL = 0.01


@dataclass
class _Waiter:
    polling: Polling
    stirred: asyncio.Event = field(default_factory=asyncio.Event)
    outcome: Outcome | None = None


class Watcher:
    """The renders of one account that somebody in this event loop waits for.

    :param client: of that account; closed by the watcher when nobody waits any more.
    :param on_end: called then.
    :param on_error: called for each poll that failed.
    :param silence: of the account, shared by all who ask for it.
    """

    def __init__(
        self,
        client: AsyncClient,
        on_end: Callable[[Watcher], None],
        on_error: Callable[[], object],
        silence: Silence,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._client = client
        self._on_end = on_end
        self._on_error = on_error
        self._clock = clock
        # So that many triggerers do not ask at the same moment for ever.
        me = f"{client.account.base_url} {socket.gethostname()} {os.getpid()}"
        jitter = 1 + 0.02 * (zlib.crc32(me.encode()) % 1000) / 1000
        self._planner = Planner(clock, jitter, silence)
        self._waiters: dict[object, _Waiter] = {}
        self._task: asyncio.Task[None] | None = None
        self._woken = asyncio.Event()

    async def wait(self, project: str, deadline: float, interval: float) -> Outcome:
        """Wait until the render ended or the wait did; changes of its status are logged as the caller's."""
        key = object()
        polling = Polling(project, deadline=deadline, interval=interval, now=self._clock())
        self._waiters[key] = waiter = _Waiter(polling)
        self._planner.add(key, polling, interval)
        self._woken.set()
        if self._task is None:
            # An empty context: the loop must not log as the task of whoever came first.
            self._task = asyncio.get_running_loop().create_task(self._run(), context=contextvars.Context())
        report = Report(polling)
        try:
            while waiter.outcome is None:
                try:
                    async with asyncio.timeout(max(deadline + PATIENCE - self._clock(), 0.0)):
                        await waiter.stirred.wait()
                except TimeoutError:  # the service does not answer: the deadline counts all the same
                    return waiter.outcome or polling.too_late()
                waiter.stirred.clear()
                report.on_change()
            return waiter.outcome
        finally:
            self._planner.remove(key)
            del self._waiters[key]
            if not self._waiters:
                self._on_end(self)
                self._task.cancel()
                await asyncio.wait([self._task])  # whoever goes last closes the door

    async def _run(self) -> None:
        try:
            async with self._client:
                while True:
                    await self._pause()
                    await self._tick()
        except Exception as e:
            self._on_end(self)  # who comes now needs another watcher
            log.exception("Watching renders failed")
            message = f"watching failed with {type(e).__name__}: {e}"
            for waiter in self._waiters.values():
                error = ServerError(None, f"Project {waiter.polling.project}: {message}")
                waiter.outcome = Outcome(waiter.polling.project, "lost", message, error=error)
                waiter.stirred.set()

    async def _pause(self) -> None:
        """Sleep until a tick is due; who joins may make it due sooner."""
        while (pause := self._planner.pause()) > 0:
            self._woken.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(min(pause, 3600.0)):
                    await self._woken.wait()

    async def _tick(self) -> None:
        tick = self._planner.tick()
        with suppress(StopIteration):
            calls = next(tick)
            while True:
                calls = tick.send(await asyncio.gather(*map(self._send, calls)))
                await self._deliver()
        await self._deliver()

    async def _deliver(self) -> None:
        """Hand on what a batch of answers told, while the rest of the tick is still to come."""
        told = [*((key, None) for key in self._planner.changed), *self._planner.ended]
        self._planner.ended.clear()
        self._planner.changed.clear()
        for i, (key, outcome) in enumerate(told, 1):
            if waiter := self._waiters.get(key):
                waiter.outcome = outcome
                waiter.stirred.set()
            if i % PORTION == 0:
                await asyncio.sleep(0)

    async def _send(self, call: Call[Any]) -> Heard:
        size = 0

        def read(reply: Reply) -> Any:
            nonlocal size
            size = len(reply.body)
            return call.read(reply)

        began = time.monotonic()
        result: Any
        try:
            async with asyncio.timeout(LONGEST_POLL):
                result = await self._client.send(replace(call, read=read))
        except ApiError as e:
            result = e
        except TimeoutError:
            result = Unreachable(f"{call.name}: no answer in {LONGEST_POLL:g} s", sent=True)
        except JSON2VideoError as e:
            result = ServerError(None, str(e))
        if isinstance(result, ApiError):
            self._on_error()
        return Heard(result, size, time.monotonic() - began)


@dataclass
class _Lookup:
    """A lookup under way, and how many wait for it."""

    task: asyncio.Future[Account]
    waiting: int = 0


@dataclass
class _Loop:
    """What one event loop shares while somebody waits: accounts by conn id, lookups under way, watchers.

    Only the silences that accounts asked for outlive the waits.
    """

    accounts: dict[str, Account] = field(default_factory=dict)
    lookups: dict[str, _Lookup] = field(default_factory=dict)
    watchers: dict[tuple[str, str], Watcher] = field(default_factory=dict)
    silences: dict[tuple[str, str], Silence] = field(default_factory=dict)

    def forget(self, key: tuple[str, str], watcher: Watcher) -> None:
        """Nobody waits on that account any more: the next one looks its connection up anew."""
        if self.watchers.get(key) is watcher:
            del self.watchers[key]
            self.accounts = {c: a for c, a in self.accounts.items() if (a.base_url, a.key) != key}


_loops: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Loop] = weakref.WeakKeyDictionary()


def _shared() -> _Loop:
    """That of the running event loop; what is left of closed ones goes."""
    for reference in _loops.keyrefs():
        if (loop := reference()) and loop.is_closed():
            _loops.pop(loop, None)
    return _loops.setdefault(asyncio.get_running_loop(), _Loop())


def silence_of(account: Account) -> Silence:
    """What the account was asked for by the service, shared by all in this event loop who ask for it."""
    return _shared().silences.setdefault((account.base_url, account.key), Silence())


async def watch(
    conn_id: str,
    project: str,
    deadline: float,
    interval: float,
    *,
    lookup: Callable[[], Awaitable[Account]],
    connect: Callable[[Account], AsyncClient],
    on_error: Callable[[], object] = lambda: None,
) -> Outcome:
    """Wait for one render among all that this event loop waits for.

    :param conn_id: names the account: looked up once while somebody waits, and again when its key is refused.
    :param interval: seconds between two looks, at least ``LEAST_INTERVAL``.
    :param lookup: finds the account, without blocking.
    :param connect: makes a client for it that sends each call once.
    :param on_error: called for each poll that failed.
    """
    shared = _shared()
    account = await _account(shared, conn_id, lookup)
    while True:
        least = LEAST_LOCAL_INTERVAL if account.is_local else LEAST_INTERVAL
        outcome = await _watcher(shared, account, connect, on_error).wait(project, deadline, max(least, interval))
        if outcome.status != "refused":
            return outcome
        if shared.accounts.get(conn_id) is account:
            del shared.accounts[conn_id]
        fresh = await _account(shared, conn_id, lookup)
        if fresh == account:
            shared.accounts.pop(conn_id, None)
            return outcome
        account = fresh


async def _account(shared: _Loop, conn_id: str, lookup: Callable[[], Awaitable[Account]]) -> Account:
    if conn_id not in shared.accounts:
        if conn_id not in shared.lookups:
            shared.lookups[conn_id] = _Lookup(asyncio.ensure_future(lookup()))
        mine = shared.lookups[conn_id]
        mine.waiting += 1
        try:
            shared.accounts[conn_id] = await asyncio.shield(mine.task)
        finally:
            mine.waiting -= 1
            if not mine.waiting:
                mine.task.cancel()  # nobody wants it any more; one that is done stays done
                del shared.lookups[conn_id]
    return shared.accounts[conn_id]


def _watcher(
    shared: _Loop, account: Account, connect: Callable[[Account], AsyncClient], on_error: Callable[[], object]
) -> Watcher:
    key = (account.base_url, account.key)
    if key not in shared.watchers:
        shared.watchers[key] = Watcher(
            connect(account), lambda watcher: shared.forget(key, watcher), on_error, silence_of(account)
        )
    return shared.watchers[key]
