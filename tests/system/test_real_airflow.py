"""One render in a real Airflow: separate processes, the connection in the database, a real triggerer."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import av
import httpx
import pytest

from airflow_provider_j2v.sandbox import Sandbox
from dev.airflow_box import AirflowBox

EXAMPLES = Path(__file__).parents[2] / "example_dags"
DAG = "example_json2video_render"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """A sandbox that draws real movies, slow enough to look at a task while it is deferred."""
    with Sandbox(port=0, speed=2, key="sandbox") as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def box(sandbox: Sandbox) -> Iterator[AirflowBox]:
    """An Airflow that knows the sandbox from its metadata database, as a triggerer must."""
    with AirflowBox(EXAMPLES, config={"scheduler.use_job_schedule": "False"}) as box:
        fields = ["--conn-type", "json2video", "--conn-host", sandbox.url, "--conn-password", "sandbox"]
        box.airflow("connections", "add", "json2video_default", *fields)
        yield box


def test_every_example_parses(box: AirflowBox) -> None:
    box.wait_for_dag(DAG)
    files = len(list(EXAMPLES.glob("*.py")))
    box.until(lambda: box.rest("GET", "dags")["total_entries"] >= files, 60, "all DAGs")
    assert box.rest("GET", "importErrors")["import_errors"] == []


def test_a_render_defers_shows_its_links_and_brings_a_movie(box: AirflowBox) -> None:
    run_id = box.trigger(DAG)

    box.wait_task(DAG, run_id, "render", "deferred")
    links = box.links(DAG, run_id, "render")
    assert links["Watch video"]
    assert links["Dashboard"]

    assert box.wait(DAG, run_id) == "success", box.task_log(DAG, run_id, "render")
    result = box.xcom(DAG, run_id, "render")
    assert result["status"] == "done"
    with av.open(io.BytesIO(httpx.get(result["url"]).content)) as movie:
        frame = next(movie.decode(video=0))
        assert (frame.width, frame.height) == (result["width"], result["height"])
