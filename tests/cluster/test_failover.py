"""An Airflow of several machines, played by processes: one of them dies, no render is lost or paid for twice."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_j2v.sandbox import Sandbox
from dev import cluster
from dev.airflow_box import COMPONENTS, FAST_FAILOVER, AirflowBox

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(bool(cluster.missing()), reason=f"not installed: {cluster.missing()}"),
]

DAGS = Path(__file__).parents[1] / "system" / "dags"
DAG = "many"
RENDERS = int(os.environ.get("CLUSTER_RENDERS", "50"))


@contextmanager
def airflow(
    database: str, sandbox: Sandbox, more: Mapping[str, list[str]], config: Mapping[str, str]
) -> Iterator[AirflowBox]:
    settings = {**FAST_FAILOVER, "core.parallelism": "16", "scheduler.use_job_schedule": "False", **config}
    with AirflowBox(
        DAGS,
        sql_alchemy_conn=database,
        components={**COMPONENTS, **more},
        config={**settings, "api.maximum_page_limit": "1000"},
        env={"RENDERS": str(RENDERS)},
    ) as box:
        # Longer than any answer here takes: what is not answered was killed.
        extra = {"submit_timeout": 15, "adopt_wait": 3}
        fields = {"conn_type": "json2video", "host": sandbox.url, "password": "sandbox", "extra": extra}
        box.add_connection("json2video_default", **fields)
        yield box


def tasks(box: AirflowBox, run_id: str) -> list[dict[str, Any]]:
    found = box.rest("GET", f"dags/{DAG}/dagRuns/{run_id}/taskInstances", params={"limit": 1000})["task_instances"]
    return found if len(found) == RENDERS else []


def waited_for(found: list[dict[str, Any]]) -> bool:
    return bool(found) and all(task["state"] == "deferred" and task["triggerer_job"] for task in found)


def assert_one_movie_each(box: AirflowBox, sandbox: Sandbox, run_id: str) -> None:
    box.until(lambda: box.run_state(DAG, run_id) in ("success", "failed"), 300, f"{DAG} to end")
    assert [task["state"] for task in tasks(box, run_id)] == ["success"] * RENDERS
    paid = {movie.project: movie.client_data["number"] for movie in sandbox.movies.values()}
    assert sorted(paid.values()) == list(range(RENDERS))
    for index in range(RENDERS):
        assert paid[box.xcom(DAG, run_id, "render", map_index=index)["project"]] == index


@pytest.mark.parametrize("end", ["killed", "stopped", "frozen"])
def test_a_triggerer_that_is_gone_hands_its_renders_to_the_other(end: str) -> None:
    config = {
        "triggerer.capacity": str(RENDERS * 3 // 4),  # neither can take them all
        "scheduler.task_instance_heartbeat_timeout": "300",  # no worker dies here, however slow it is
    }
    with (
        cluster.postgres() as database,
        Sandbox(render="off") as sandbox,
        airflow(database, sandbox, {"triggerer-2": cluster.TRIGGERER}, config) as box,
    ):
        sandbox.variants.never_finish = True
        alive = {"job_type": "TriggererJob", "is_alive": True}
        box.until(lambda: box.rest("GET", "jobs", params=alive)["total_entries"] == 2, 60, "two triggerers")
        run_id = box.trigger(DAG)

        box.until(lambda: waited_for(tasks(box, run_id)), 300, "all renders to be waited for")
        frozen = box.family("triggerer-2") if end == "frozen" else set()
        for process in frozen:
            process.suspend()
        if not frozen:
            box.kill("triggerer-2", signal.SIGKILL if end == "killed" else signal.SIGTERM)
        sandbox.variants.never_finish = False

        assert_one_movie_each(box, sandbox, run_id)
        for process in frozen:  # it finds that the renders are no longer its own
            process.resume()
        assert_one_movie_each(box, sandbox, run_id)
        assert [task["try_number"] for task in tasks(box, run_id)] == [1] * RENDERS


def test_a_killed_celery_worker_leaves_its_renders_to_the_other() -> None:
    workers = {name: cluster.celery_worker(name) for name in ("worker-1", "worker-2")}
    with (
        cluster.postgres() as database,
        cluster.redis() as broker,
        Sandbox(render="off") as sandbox,
        airflow(database, sandbox, workers, {**cluster.CELERY_CONFIG, "celery.broker_url": broker}) as box,
    ):
        logs = [box.logs / f"{name}.log" for name in workers]
        box.until(lambda: all("@localhost ready" in log.read_text() for log in logs), 60, "two workers")
        # Every POST is under way for a while: some before the movie is taken, some after.
        answers = sandbox.faults.add("submit", "delay", seconds=5, after=True, probability=0.5, times=None)
        sandbox.faults.add("submit", "delay", seconds=5, times=None)
        run_id = box.trigger(DAG)
        box.until(lambda: answers.hits > 1 and len(box.tasks("worker-1")) > 1, 120, "worker-1 to be at work")
        box.kill("worker-1")

        assert_one_movie_each(box, sandbox, run_id)
        assert max(task["try_number"] for task in tasks(box, run_id)) > 1
