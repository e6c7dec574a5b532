"""What is counted of renders, and that counting never breaks one."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_j2v.api.answers import MovieStatus, Quota
from airflow_provider_j2v.hooks import metrics
from airflow_provider_j2v.hooks.metrics import count_failed_poll, count_render
from airflow_provider_j2v.operators.movie import JSON2VideoRenderMovieOperator
from airflow_provider_j2v.renders.polling import Outcome
from airflow_provider_j2v.sandbox import Sandbox
from tests.unit.context import a_context, connect

TI = SimpleNamespace(dag_id="nightly", task_id="render")
TAGS = {"dag_id": "nightly", "task_id": "render"}
PAGE = Path(__file__).parents[3] / "docs" / "events.md"


class Sink:
    """Stands for Airflow's ``Stats``."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str, Any, dict[str, str]]] = []

    def __getattr__(self, kind: str) -> Any:
        return lambda name, value, tags: self.sent.append((kind, name, value, tags))


@pytest.fixture
def sink(monkeypatch: pytest.MonkeyPatch) -> Sink:
    sink = Sink()
    monkeypatch.setattr(metrics, "Stats", sink)
    return sink


def test_a_finished_render_is_counted_with_its_time_and_its_credits(sink: Sink) -> None:
    movie = MovieStatus(status="done", rendering_time=8.1, consumed_credits=[{"credits": 5}, {"credits": 20}])
    count_render(TI, Outcome("p", "done", "", movie, Quota(time=975)))
    assert sink.sent == [
        ("incr", "json2video.renders.done", 1, TAGS),
        ("timing", "json2video.renders.time", timedelta(seconds=8.1), TAGS),
        ("incr", "json2video.credits.charged", 25, TAGS),
        ("gauge", "json2video.credits.remaining", 975, {}),
    ]


def test_what_the_service_does_not_say_is_not_counted(sink: Sink) -> None:
    count_render(TI, Outcome("p", "timeout", "too late"))
    count_render(TI, Outcome("p", "error", "", MovieStatus(status="error", consumed_credits=[]), Quota()))
    assert [name for _, name, _, _ in sink.sent] == ["json2video.renders.timeout", "json2video.renders.error"]


def test_a_metric_that_cannot_be_sent_breaks_nothing(monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox) -> None:
    def down(*_: Any, **__: Any) -> None:
        raise OSError("no such host")

    monkeypatch.setattr(metrics, "Stats", SimpleNamespace(incr=down, timing=down, gauge=down))
    count_failed_poll()
    connect(monkeypatch, sandbox)
    render = JSON2VideoRenderMovieOperator(task_id="render", movie={"scenes": [{"duration": 1}]}, poll_interval=0.02)
    assert render.execute(a_context())["status"] == "done"


def test_a_task_counts_its_render_once_and_each_failed_poll(
    monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox, sink: Sink
) -> None:
    connect(monkeypatch, sandbox)
    sandbox.faults.add("get", "status", status=400, body='{"message": "TypeError: null"}', times=2)
    render = JSON2VideoRenderMovieOperator(task_id="render", movie={"scenes": [{"duration": 1}]}, poll_interval=0.02)
    render.execute(a_context())
    names = [name for _, name, _, _ in sink.sent]
    assert names.count("json2video.renders.done") == 1
    assert names.count("json2video.polls.failed") == 2


def test_every_metric_is_on_its_page() -> None:
    written = set(re.findall(r'"(json2video\.[a-z.]+)(?:\{|")', Path(metrics.__file__).read_text("utf-8")))
    assert len(written) == 5
    page = PAGE.read_text("utf-8")
    assert [name for name in sorted(written) if f"`{name}" not in page] == []
