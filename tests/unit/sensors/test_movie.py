"""The sensor: the same outcomes in all three modes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from airflow.exceptions import AirflowRescheduleException
from airflow.providers.common.compat.sdk import (
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
    TaskDeferred,
)

from airflow_provider_j2v.exceptions import NotFound
from airflow_provider_j2v.hooks.json2video import JSON2VideoHook
from airflow_provider_j2v.sandbox import Sandbox
from airflow_provider_j2v.sensors.movie import JSON2VideoMovieSensor
from tests.unit.context import a_context, connect

GOOD = {"resolution": "sd", "scenes": [{"duration": 2}]}
BROKEN = {"scenes": [{"elements": [{"type": "video"}]}]}

Run = Callable[..., Any]


@pytest.fixture
def submitted(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Callable[[dict], str]:
    connect(monkeypatch, sandbox)
    return lambda movie: JSON2VideoHook().submit_movie(movie)


@pytest.fixture(params=["poke", "reschedule", "deferrable"])
def run(request: pytest.FixtureRequest, sandbox: Sandbox) -> Run:
    """Runs a sensor to its end in one of the modes, the waiting between two looks left out."""

    def to_the_end(project: Any, event: str = "done", **kwargs: Any) -> Any:
        deferrable = request.param == "deferrable"
        mode = "poke" if deferrable else request.param
        kwargs = {"poke_interval": 0.02, "timeout": 60} | kwargs
        context = a_context(task_id="wait")
        while True:
            sensor = JSON2VideoMovieSensor(task_id="wait", project=project, mode=mode, deferrable=deferrable, **kwargs)
            try:
                return sensor.execute(context)
            except AirflowRescheduleException:
                continue
            except TaskDeferred as deferred:
                if event == "done":
                    sandbox.advance(600)
                event = {"project": project, "status": event, "message": "not finished at the deadline"}
                return sensor.resume_execution(deferred.method_name, {"event": event}, context)

    return to_the_end


def test_a_finished_render_is_what_the_operator_returns(run: Run, submitted: Run) -> None:
    project = submitted(GOOD)
    result = run(project)
    assert (result["project"], result["status"]) == (project, "done")
    assert result["url"].endswith(".mp4")


def test_a_failed_render_fails_without_retries(run: Run, submitted: Run) -> None:
    with pytest.raises(AirflowFailException, match="failed to render: Scene #1"):
        run(submitted(BROKEN))


def test_a_timeout_is_a_sensor_timeout(run: Run, submitted: Run, sandbox: Sandbox) -> None:
    sandbox.variants.never_finish = True
    with pytest.raises(AirflowSensorTimeout, match="goes on and is charged"):
        run(submitted(GOOD), event="timeout", timeout=0)


@pytest.mark.parametrize("fault", [{"status": 503}, {"status": 429, "headers": {"Retry-After": "600"}}], ids=str)
def test_a_wait_whose_time_is_over_is_a_sensor_timeout_although_the_service_is_down(
    submitted: Run, sandbox: Sandbox, fault: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow_provider_j2v.api.client._backoff", lambda _: 0.0)
    sandbox.variants.never_finish = True
    project = submitted(GOOD)
    sensor = JSON2VideoMovieSensor(task_id="wait", project=project, deferrable=True, poke_interval=5)
    with pytest.raises(TaskDeferred) as deferred:
        sensor.execute(a_context())
    sandbox.faults.add("get", "status", times=None, **fault)
    event = {"project": project, "status": "timeout", "message": "not finished at the deadline"}
    with pytest.raises(AirflowSensorTimeout, match="goes on and is charged"):
        sensor.resume_execution(deferred.value.method_name, {"event": event}, a_context())


@pytest.mark.parametrize("switch", ["soft_fail", "never_fail"])
@pytest.mark.parametrize("movie", [GOOD, BROKEN], ids=["timeout", "failed"])
def test_soft_fail_and_never_fail_skip(run: Run, submitted: Run, sandbox: Sandbox, switch: str, movie: dict) -> None:
    sandbox.variants.never_finish = movie is GOOD
    with pytest.raises(AirflowSkipException):
        run(submitted(movie), event="timeout" if movie is GOOD else "done", timeout=0, **{switch: True})


def test_a_project_that_is_no_id_is_one_clear_line(run: Run, submitted: Run) -> None:
    with pytest.raises(AirflowFailException, match="project must be the id of a render, not None"):
        run(None)


def test_a_project_that_does_not_exist_is_found_out_by_the_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("airflow_provider_j2v.renders.polling.NOT_FOUND_GRACE", 0.0)
    # One of its own: after some minutes the session's is more than a day ahead, and refuses so long a window.
    with Sandbox(port=0, key="sandbox", render="off") as sandbox:
        connect(monkeypatch, sandbox)
        JSON2VideoHook().submit_movie(GOOD)
        sensor = JSON2VideoMovieSensor(task_id="wait", project="0123456789abcdef", poke_interval=0.02)
        with pytest.raises(NotFound, match="neither asked for singly nor in the list"):
            sensor.execute(a_context())
        assert sandbox.journal.requests["list"] == 1


def test_a_finished_render_does_not_visit_the_triggerer(submitted: Run, sandbox: Sandbox) -> None:
    project = submitted(GOOD)
    sandbox.advance(600)
    sensor = JSON2VideoMovieSensor(task_id="wait", project=project, deferrable=True)
    assert sensor.execute(a_context())["status"] == "done"


@pytest.mark.parametrize("status", [503, 200])
def test_one_bad_poll_does_not_end_the_wait(run: Run, submitted: Run, sandbox: Sandbox, status: int) -> None:
    project = submitted(GOOD)
    sandbox.faults.add("get", "status", status=status, body="<html>", times=1)
    assert run(project)["status"] == "done"
