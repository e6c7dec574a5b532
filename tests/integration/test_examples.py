"""Every example runs unchanged in Airflow's own runtime, against the sandbox."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow_provider_j2v.catalog import source
from airflow_provider_j2v.sandbox import Sandbox
from tests.integration.conftest import EXAMPLES

Run = Callable[..., dict[str, Any]]


def test_the_hello_movie_is_rendered_once_and_announced(run_dag: Run, sandbox: Sandbox) -> None:
    run = run_dag("example_json2video_render", EXAMPLES)
    assert run["state"] == "success"
    movie = run["xcoms"][("render", -1)]
    assert run["xcoms"][("seen", -1)]["project"] == movie["project"]
    assert movie["url"] in run["xcoms"][("announce", -1)]
    assert [s.project for s in sandbox.journal.submissions] == [movie["project"]]


def test_each_row_becomes_a_movie_of_its_own(run_dag: Run, sandbox: Sandbox) -> None:
    run = run_dag("example_json2video_template", EXAMPLES)
    assert run["state"] == "success"
    movies = [value for (task, _), value in run["xcoms"].items() if task == "render"]
    assert len({movie["project"] for movie in movies}) == len(sandbox.journal.submissions) == 3
    assert all(movie["client_data"]["night"] for movie in movies)
    assert sandbox.journal.duplicates == []


def test_what_one_task_submits_a_sensor_collects(run_dag: Run) -> None:
    run = run_dag("example_json2video_sensor", EXAMPLES)
    assert run["state"] == "success"
    submitted, seen = run["xcoms"][("submit", -1)], run["xcoms"][("wait", -1)]
    assert (submitted["status"], seen["status"]) == ("submitted", "done")
    assert submitted["project"] == seen["project"]


def test_the_catalog_travels_through_xcom(run_dag: Run) -> None:
    run = run_dag("example_json2video_catalog", EXAMPLES)
    assert run["state"] == "success"
    assert run["xcoms"][("cheapest_images", -1)][:2] == ["flux-schnell", "freepik-classic"]


def test_the_copy_of_the_newest_earlier_run_stands_in_for_a_catalog_that_is_down(
    run_dag: Run, sandbox: Sandbox
) -> None:
    noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
    for hour in range(3):
        source._cache.clear()
        run_dag("example_json2video_catalog", EXAMPLES, logical_date=noon + timedelta(hours=hour))
    source._cache.clear()
    sandbox.faults.add("catalog", "status", status=403, times=None)
    catalog = run_dag("example_json2video_catalog", EXAMPLES, logical_date=noon + timedelta(hours=4))["xcoms"]
    assert catalog[("catalog", -1)]["source"] == "previous"
