"""Airflow's own metrics of renders: they go where Airflow's go (StatsD, OpenTelemetry), and never break a render."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import Stats

if TYPE_CHECKING:
    from airflow_provider_j2v.renders.polling import Outcome

log = logging.getLogger(__name__)


def count_render(ti: Any, outcome: Outcome) -> None:
    """Count a render whose wait has ended: call it once, when a ``done`` or ``error`` is written down.

    :param ti: the task instance; its ``dag_id`` and ``task_id`` are the metrics' tags.
    """
    from airflow_provider_j2v.renders.result import charged_of

    tags = {"dag_id": ti.dag_id, "task_id": ti.task_id}
    _send("incr", f"json2video.renders.{outcome.status}", 1, tags)
    if outcome.movie is not None:
        if (seconds := outcome.movie.rendering_time) is not None:
            _send("timing", "json2video.renders.time", timedelta(seconds=seconds), tags)
        if charged := charged_of(outcome.movie.consumed_credits):
            _send("incr", "json2video.credits.charged", charged, tags)
    if outcome.quota is not None and outcome.quota.time is not None:
        _send("gauge", "json2video.credits.remaining", outcome.quota.time, {})


def count_failed_poll() -> None:
    """Count a question about renders that the service did not answer."""
    _send("incr", "json2video.polls.failed", 1, {})


def _send(kind: str, name: str, value: Any, tags: Mapping[str, str]) -> None:
    try:
        getattr(Stats, kind)(name, value, tags=dict(tags))
    except Exception as e:
        log.debug("The metric %s was not sent: %s", name, e)
