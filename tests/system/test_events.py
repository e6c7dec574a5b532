"""Movies that end run a DAG in a real Airflow, also when they ended while no triggerer was there to see it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from airflow_provider_j2v.sandbox import Sandbox
from dev.airflow_box import FAST_FAILOVER, AirflowBox
from tests.unit.context import HAS_STORE

EXAMPLES = Path(__file__).parents[2] / "example_dags"
DAG = "example_json2video_event"
CONFIG = FAST_FAILOVER | {"core.dags_are_paused_at_creation": "True"}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(port=0, speed=10, key="sandbox", render="off") as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def box(sandbox: Sandbox) -> Iterator[AirflowBox]:
    with AirflowBox(EXAMPLES, config=CONFIG) as box:
        box.add_connection("json2video_default", conn_type="json2video", host=sandbox.url, password="sandbox")
        yield box


def published(box: AirflowBox) -> dict[str, int]:
    """What came home so far: by project, in how many runs."""
    counts: dict[str, int] = {}
    for run in box.rest("GET", f"dags/{DAG}/dagRuns")["dag_runs"]:
        if run["state"] == "success":
            for movie in box.xcom(DAG, run["dag_run_id"], "movies"):
                counts[movie["project"]] = counts.get(movie["project"], 0) + 1
    return counts


def unpause(box: AirflowBox, dag_id: str) -> None:
    box.wait_for_dag(dag_id)
    box.rest("PATCH", f"dags/{dag_id}", json={"is_paused": False})


def submit(box: AirflowBox, sandbox: Sandbox) -> str:
    run_id = box.trigger(f"{DAG}_submit")
    assert box.wait(f"{DAG}_submit", run_id) == "success", box.task_log(f"{DAG}_submit", run_id, "submit")
    return list(sandbox.movies)[-1]


@pytest.fixture(scope="module")
def first(box: AirflowBox, sandbox: Sandbox) -> str:
    """A movie that was submitted when the watcher had looked for the first time."""
    for dag_id in (DAG, f"{DAG}_submit"):
        unpause(box, dag_id)
    box.until(lambda: sandbox.journal.requests["list"], 60, "the watcher to look")
    return submit(box, sandbox)


def test_a_movie_that_ends_is_published(box: AirflowBox, first: str) -> None:
    box.until(lambda: published(box) == {first: 1}, 60, "the movie to come home")
    (event,) = box.rest("GET", "assets/events")["asset_events"]
    assert event["extra"]["payload"]["project"] == first
    assert "http" not in str(event["extra"])


@pytest.mark.skipif(not HAS_STORE, reason="this Airflow keeps no state for assets")
def test_what_ends_while_no_triggerer_is_there_is_published_later_and_the_rest_not_again(
    box: AirflowBox, sandbox: Sandbox, first: str
) -> None:
    looks = sandbox.journal.requests["list"]
    box.until(lambda: sandbox.journal.requests["list"] > looks + 1, 60, "the place to be kept")
    box.kill("triggerer")
    second = submit(box, sandbox)
    box.start("triggerer")
    box.until(lambda: published(box) == {first: 1, second: 1}, 90, "the movie that ended meanwhile")
