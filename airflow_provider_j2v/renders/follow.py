"""The loop that follows the movies of an account for ever: it never ends by itself and raises nothing."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any, Protocol

from airflow_provider_j2v.api.account import Account
from airflow_provider_j2v.api.calls import Call
from airflow_provider_j2v.api.client import AsyncClient
from airflow_provider_j2v.exceptions import ApiError, JSON2VideoError, RateLimited
from airflow_provider_j2v.renders.feed import Feed, Look, Wanted
from airflow_provider_j2v.renders.plan import Silence
from airflow_provider_j2v.renders.watcher import silence_of

log = logging.getLogger(__name__)

#: What was told is safe so many seconds later: whoever is told hands it to a database in between.
SAFE_AFTER = 30.0


class Memory(Protocol):
    """Where the state of a feed outlives the process."""

    async def load(self) -> Any:
        """What was saved last, or None."""

    async def save(self, state: Any) -> None:
        """Keep plain JSON."""


async def follow(
    wanted: Wanted,
    *,
    interval: float,
    least_interval: float,
    lookup: Callable[[], Awaitable[Account]],
    connect: Callable[[Account], AsyncClient],
    memory: Memory,
    on_error: Callable[[], object] = lambda: None,
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> AsyncGenerator[dict[str, Any]]:
    """Tell every movie that ends, at least once; a failure is logged once, and the next look comes later each time.

    :param interval: seconds between two looks.
    :param least_interval: seconds that the service wants at least; a sandbox on loopback takes any.
    :param lookup: finds the account, without blocking; asked again after each failure.
    :param connect: makes a client for it that sends each call once.
    :param memory: its failures are failures of a look: without what it holds, movies would be missed.
    :param on_error: called for each look that failed.
    """
    feed = Feed(wanted, interval=interval, clock=clock)
    client: AsyncClient | None = None
    silence = Silence()
    is_restored, stored, complaint = False, None, ""
    try:
        while True:
            told = False
            try:
                if not is_restored:
                    stored = await memory.load()
                    _restore(feed, stored)
                    is_restored = True
                if client is None:
                    account = await lookup()
                    client, silence = connect(account), silence_of(account)
                    feed.interval = interval if account.is_local else max(interval, least_interval)
                while (left := silence.until - clock()) > 0:
                    await sleep(left)
                steps = feed.look()
                call = _step(steps, None)
                while call is not None:
                    call = _step(steps, await _answer(client, call))
                    for event in feed.take():
                        told = True
                        yield event
            except Exception as e:
                feed.fail(e)
            complaint = _report(feed, complaint)
            if isinstance(feed.error, RateLimited):
                silence.extend(feed.error, clock() + (feed.error.retry_after or least_interval))
            if feed.error is not None:
                on_error()
                if client is not None:
                    await client.aclose()
                    client = None
            pause = feed.pause()
            if told:
                await sleep(min(pause, SAFE_AFTER))
                pause -= min(pause, SAFE_AFTER)
            stored = await _keep(feed, memory, stored)
            await sleep(pause)
    finally:
        if client is not None:
            await client.aclose()


def _step(steps: Look, answer: Any) -> Call[Any] | None:
    try:
        return steps.send(answer)
    except StopIteration:
        return None


async def _answer(client: AsyncClient, call: Call[Any]) -> Any:
    try:
        return await client.send(call)
    except ApiError as e:
        return e


def _report(feed: Feed, complaint: str) -> str:
    """Say what changed; what is complained of now."""
    error = feed.error
    words = f"{type(error).__name__}: {error}" if error else ""
    if words and words != complaint:
        trace = None if isinstance(error, JSON2VideoError) else error
        pause = feed.pause()
        log.warning("Looking for movies that ended failed, again in %.0f s: %s", pause, words, exc_info=trace)
    elif complaint and not words:
        log.info("Movies that end are seen again.")
    return words


def _restore(feed: Feed, stored: Any) -> None:
    if stored is not None:
        try:
            feed.restore(stored)
        except ValueError as e:
            log.warning("What was remembered of earlier movies cannot be read; it begins anew: %s", e)


async def _keep(feed: Feed, memory: Memory, stored: Any) -> Any:
    """Save what is new; what is stored now."""
    state = feed.state()
    if state is None or state == stored:
        return stored
    try:
        await memory.save(state)
    except Exception as e:
        log.warning("What was seen could not be saved; after a restart, movies may be told again: %s", e)
        return stored
    return state
