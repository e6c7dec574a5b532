"""The blocking wait for one render; many that must not block share a watcher."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from airflow_provider_j2v.api.reply import escape
from airflow_provider_j2v.exceptions import ApiError
from airflow_provider_j2v.renders.polling import KNOWN, Outcome, Polling
from airflow_provider_j2v.renders.sender import Sender

log = logging.getLogger(__name__)


class Report:
    """Logs each change of a render's status once."""

    def __init__(self, polling: Polling) -> None:
        self._polling = polling
        self._status = polling.last_status

    def on_change(self) -> None:
        """Say what is new, if anything."""
        project, status = self._polling.project, self._polling.last_status
        if status is None or status == self._status:
            return
        self._status = status
        log.info("Project %s: %s", project, escape(status))
        if status not in KNOWN:
            log.warning("Project %s: status %r is not known; waiting on to the deadline.", project, status)


def wait(
    client: Sender,
    polling: Polling,
    *,
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
    on_error: Callable[[], object] = lambda: None,
) -> Outcome:
    """Block until the render ended or the wait did. The first poll comes one interval from now.

    :param on_error: called for each poll that failed.
    """
    report = Report(polling)
    while True:
        sleep(polling.pause(clock()))
        if outcome := polling.overdue(clock()):
            return outcome
        try:
            result = client.send(polling.call())
        except ApiError as e:
            log.info("Project %s: a poll failed, the wait goes on: %s", polling.project, e)
            result = e
            on_error()
        outcome = polling.see(result, clock())
        if outcome is not None:
            return outcome
        report.on_change()
