"""``@task.json2video_render`` inside Airflow's own runtime."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from airflow_provider_j2v.sandbox import Sandbox

Run = Callable[..., dict[str, Any]]


def test_what_a_function_returns_is_rendered_once(run_dag: Run, sandbox: Sandbox) -> None:
    run = run_dag("decorated")
    assert run["state"] == "success"
    results = {key: run["xcoms"][key] for key in (("plain", -1), ("typed", -1), ("number", 0), ("number", 1))}
    movies = {key: json.loads(sandbox.movies[result["project"]].submitted) for key, result in results.items()}
    assert movies["plain", -1]["variables"]["text"] == "Hello"
    assert movies["plain", -1]["variables"]["run"]
    assert movies["plain", -1]["scenes"][0]["elements"][0]["text"] == "{{text}} {{run}}"
    assert movies["plain", -1]["client-data"]["from"] == "decorated"
    assert movies["typed", -1]["scenes"][0]["elements"] == [{"type": "text", "text": "Hello"}]
    assert [movies["number", i]["comment"] for i in (0, 1)] == ["1", "2"]
    assert len(sandbox.journal.submissions) == 4
