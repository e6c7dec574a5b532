"""Every example, unchanged, is green in a real Airflow of separate processes, and each movie is paid once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from airflow_provider_j2v.sandbox import Sandbox
from dev.airflow_box import AirflowBox

EXAMPLES = Path(__file__).parents[2] / "example_dags"
#: Run by what the others tell: the DAG, and the one after whose run it runs.
LISTENERS = {
    "example_json2video_catalog_watch": "example_json2video_catalog",
    "example_json2video_event": "example_json2video_event_submit",
    "example_json2video_two_steps_collect": "example_json2video_two_steps",
}
STARTED = sorted({file.stem for file in EXAMPLES.glob("*.py")} - set(LISTENERS))
# Several of them share the machine: in turn, not all at once.
PATIENCE = 300


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(port=0, speed=10, key="sandbox", render="off") as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def box(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AirflowBox]:
    """An Airflow with the connections that the examples name; what they write goes to a folder of its own."""
    env = {"TMPDIR": str(tmp_path_factory.mktemp("examples"))}
    with AirflowBox(EXAMPLES, config={"operators.default_deferrable": "True"}, env=env) as box:
        box.add_connection("json2video_default", conn_type="json2video", host=sandbox.url, password="sandbox")
        for conn_id in ("replicate", "elevenlabs"):
            box.add_connection(conn_id, conn_type="json2video_connection", extra={"managed": True})
        box.add_connection("video_server", conn_type="json2video_connection", login="test-sftp")
        yield box


@pytest.fixture(scope="module")
def runs(box: AirflowBox, sandbox: Sandbox) -> dict[str, str]:
    """A run of each example that is started by hand, by DAG; the watcher of the account looked before."""
    box.wait_for_dag("example_json2video_event")
    box.until(lambda: sandbox.journal.requests["list"], 60, "the watcher to look")
    return {dag_id: box.trigger(dag_id) for dag_id in STARTED}


def failures(box: AirflowBox, dag_id: str, run_id: str) -> str:
    """The logs of the tasks that failed."""
    names = [name for name, state in box.task_states(dag_id, run_id).items() if state == "failed"]
    parts = [name.rstrip("]").partition("[") for name in names]
    return "\n".join(box.task_log(dag_id, run_id, task, int(index or -1)) for task, _, index in parts)


@pytest.mark.parametrize("dag_id", STARTED)
def test_an_example_is_green(box: AirflowBox, runs: dict[str, str], dag_id: str) -> None:
    assert box.wait(dag_id, runs[dag_id], PATIENCE) == "success", failures(box, dag_id, runs[dag_id])


@pytest.mark.parametrize("dag_id", LISTENERS)
def test_an_example_that_listens_is_run_and_green(
    box: AirflowBox, sandbox: Sandbox, runs: dict[str, str], dag_id: str
) -> None:
    teller = LISTENERS[dag_id]
    assert box.wait(teller, runs[teller], PATIENCE) == "success"
    if teller == "example_json2video_catalog":  # it tells of changes, and the first look has nothing to compare with
        sandbox.catalog.change(models={"flux-pro": {"credits": 25}})
        assert box.wait(teller, box.trigger(teller), PATIENCE) == "success"
    (heard,) = box.until(lambda: box.rest("GET", f"dags/{dag_id}/dagRuns")["dag_runs"], PATIENCE, f"{dag_id} to begin")
    run_id = heard["dag_run_id"]
    assert box.wait(dag_id, run_id, PATIENCE) == "success", failures(box, dag_id, run_id)


def test_no_example_paid_for_a_movie_twice(box: AirflowBox, sandbox: Sandbox, runs: dict[str, str]) -> None:
    for dag_id, run_id in runs.items():
        box.wait(dag_id, run_id, PATIENCE)
    assert len(sandbox.journal.submissions) > len(STARTED)
    assert sandbox.journal.duplicates == []
