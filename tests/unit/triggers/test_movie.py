"""The trigger: one small event, always, and nothing secret in its arguments."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest
from airflow.triggers.base import TriggerEvent

from airflow_provider_j2v.hooks.json2video import JSON2VideoHook
from airflow_provider_j2v.sandbox import Sandbox
from airflow_provider_j2v.triggers.movie import JSON2VideoMoviesTrigger, JSON2VideoMovieTrigger
from tests.unit.context import connect

GOOD = {"resolution": "sd", "scenes": [{"duration": 2}]}
BROKEN = {"scenes": [{"elements": [{"type": "video"}]}]}


@pytest.fixture
def connected(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    connect(monkeypatch, sandbox)
    return sandbox


async def events(project: str, seconds: float = 30, conn_id: str = "json2video_default") -> list[Any]:
    trigger = JSON2VideoMovieTrigger(conn_id, project, deadline=time.time() + seconds, poll_interval=0.02)
    return [event async for event in trigger.run()]


def test_it_comes_back_from_the_database_as_it_was() -> None:
    trigger = JSON2VideoMovieTrigger("conn", "p", deadline=5.0, poll_interval=7.0)
    path, kwargs = trigger.serialize()
    assert path == "airflow_provider_j2v.triggers.movie.JSON2VideoMovieTrigger"
    again = JSON2VideoMovieTrigger(**json.loads(json.dumps(kwargs)))
    assert again.serialize() == (path, kwargs)


@pytest.mark.parametrize(("movie", "status"), [(GOOD, "done"), (BROKEN, "error")])
async def test_its_event_is_small_and_has_no_url(connected: Sandbox, movie: dict, status: str) -> None:
    project = await asyncio.to_thread(JSON2VideoHook().submit_movie, movie)
    (event,) = await events(project)
    assert isinstance(event, TriggerEvent)
    assert set(event.payload) == {"project", "status", "message"}
    assert (event.payload["project"], event.payload["status"]) == (project, status)
    assert "http" not in json.dumps(event.payload)


async def test_a_deadline_is_an_event(connected: Sandbox) -> None:
    connected.variants.never_finish = True
    project = await asyncio.to_thread(JSON2VideoHook().submit_movie, GOOD)
    (event,) = await events(project, seconds=0.1)
    assert event.payload["status"] == "timeout"
    assert "last status" in event.payload["message"]


async def test_a_connection_that_is_gone_is_an_event(connected: Sandbox) -> None:
    (event,) = await events("p", conn_id="nowhere")
    assert event.payload["status"] == "refused"
    assert "no Airflow connection 'nowhere'" in event.payload["message"]


async def test_a_revoked_key_stops_at_once(connected: Sandbox) -> None:
    connected.faults.add("get", "status", status=400, body='{"message": "Error: Invalid API Key"}', times=None)
    (event,) = await events("p")
    assert event.payload["status"] == "refused"
    assert connected.journal.requests["get"] == 1


async def test_a_cancelled_trigger_leaves_nothing_behind(connected: Sandbox) -> None:
    connected.variants.never_finish = True
    project = await asyncio.to_thread(JSON2VideoHook().submit_movie, GOOD)
    before = asyncio.all_tasks()
    task = asyncio.create_task(events(project))
    await asyncio.sleep(0.2)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert asyncio.all_tasks() == before


async def many(projects: list[str], seconds: float = 30, min_finished: int | None = None) -> dict[str, Any]:
    deadline = time.time() + seconds
    trigger = JSON2VideoMoviesTrigger("json2video_default", projects, deadline, 0.02, min_finished)
    (event,) = [event async for event in trigger.run()]
    return event.payload


async def test_many_renders_are_one_event_with_each_outcome(connected: Sandbox) -> None:
    submit = JSON2VideoHook().submit_movie
    projects = [await asyncio.to_thread(submit, movie) for movie in (GOOD, BROKEN, GOOD)]
    event = await many(projects)
    assert [event["outcomes"][project]["status"] for project in projects] == ["done", "error", "done"]
    assert event["pending"] == []


async def test_the_event_comes_when_enough_have_ended(connected: Sandbox) -> None:
    submit = JSON2VideoHook().submit_movie
    projects = [await asyncio.to_thread(submit, GOOD) for _ in range(3)]
    connected.movies[projects[1]].fate.never_finish = True
    event = await many(projects, min_finished=2)
    assert set(event["outcomes"]) == {projects[0], projects[2]}
    assert event["pending"] == [projects[1]]


async def test_a_project_that_is_given_twice_counts_once(connected: Sandbox) -> None:
    submit = JSON2VideoHook().submit_movie
    first, second = [await asyncio.to_thread(submit, GOOD) for _ in range(2)]
    connected.movies[second].fate.never_finish = True
    event = await many([first, first, second], seconds=1, min_finished=2)
    assert {project: outcome["status"] for project, outcome in event["outcomes"].items()} == {
        first: "done",
        second: "timeout",
    }
    assert event["pending"] == []


async def test_a_cancelled_trigger_for_many_leaves_nothing_behind(connected: Sandbox) -> None:
    connected.variants.never_finish = True
    projects = [await asyncio.to_thread(JSON2VideoHook().submit_movie, GOOD) for _ in range(3)]
    before = asyncio.all_tasks()
    task = asyncio.create_task(many(projects))
    await asyncio.sleep(0.2)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert asyncio.all_tasks() == before


async def test_what_has_not_ended_at_the_deadline_is_told(connected: Sandbox) -> None:
    connected.variants.never_finish = True
    projects = [await asyncio.to_thread(JSON2VideoHook().submit_movie, GOOD) for _ in range(2)]
    event = await many(projects, seconds=0.2)
    assert {outcome["status"] for outcome in event["outcomes"].values()} == {"timeout"}


def test_a_trigger_for_many_comes_back_from_the_database_as_it_was() -> None:
    trigger = JSON2VideoMoviesTrigger("conn", ["a", "b"], 5.0, 7.0, 1)
    path, kwargs = trigger.serialize()
    assert path == "airflow_provider_j2v.triggers.movie.JSON2VideoMoviesTrigger"
    assert JSON2VideoMoviesTrigger(**json.loads(json.dumps(kwargs))).serialize() == (path, kwargs)
