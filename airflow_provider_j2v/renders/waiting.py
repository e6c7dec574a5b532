"""The two loops, blocking and not, that drive a ``Polling`` until it ends."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

from airflow_provider_j2v.api.calls import Call
from airflow_provider_j2v.api.reply import escape
from airflow_provider_j2v.exceptions import ApiError
from airflow_provider_j2v.renders.polling import KNOWN, Outcome, Polling
from airflow_provider_j2v.renders.sender import Sender

log = logging.getLogger(__name__)


class _Report:
    """Logs what changed, once: a status, an unknown one, a failed poll."""

    def __init__(self, polling: Polling) -> None:
        self._polling = polling
        self._status = polling.last_status

    def on(self, result: Any) -> None:
        project, status = self._polling.project, self._polling.last_status
        if isinstance(result, ApiError):
            log.info("Project %s: a poll failed, the wait goes on: %s", project, result)
        elif status != self._status:
            self._status = status
            log.info("Project %s: %s", project, escape(status or "no status"))
            if status not in KNOWN:
                log.warning("Project %s: status %r is not known; waiting on to the deadline.", project, status)


def wait(
    client: Sender,
    polling: Polling,
    *,
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
) -> Outcome:
    """Block until the render ended or the wait did. The first poll comes one interval from now."""
    report = _Report(polling)
    while True:
        sleep(polling.pause(clock()))
        if outcome := polling.overdue(clock()):
            return outcome
        try:
            result = client.send(polling.call())
        except ApiError as e:
            result = e
        outcome = polling.see(result, clock())
        if outcome is not None:
            return outcome
        report.on(result)


async def wait_async(
    send: Callable[[Call[Any]], Awaitable[Any]],
    polling: Polling,
    *,
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> Outcome:
    """``wait`` for an event loop; ``send`` is ``AsyncClient.send``."""
    report = _Report(polling)
    while True:
        await sleep(polling.pause(clock()))
        if outcome := polling.overdue(clock()):
            return outcome
        try:
            result = await send(polling.call())
        except ApiError as e:
            result = e
        outcome = polling.see(result, clock())
        if outcome is not None:
            return outcome
        report.on(result)
