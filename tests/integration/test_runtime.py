"""What only Airflow's own runtime can show: outputs in movies, mapping, and the store that outlives a try."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from airflow_provider_j2v.sandbox import Sandbox

Run = Callable[..., dict[str, Any]]


def sent(sandbox: Sandbox, project: str) -> dict[str, Any]:
    return json.loads(sandbox.movies[project].submitted)


def test_outputs_of_other_tasks_fill_a_movie_and_placeholders_stay(run_dag: Run, sandbox: Sandbox) -> None:
    run = run_dag("chained")
    assert run["state"] == "success"
    whole = sent(sandbox, run["xcoms"][("whole", -1)]["project"])
    part = sent(sandbox, run["xcoms"][("part", -1)]["project"])
    texts = [e["text"] for movie in (whole, part) for scene in movie["scenes"] for e in scene["elements"]]
    assert texts == ["{{headline}} at {{ds}}"] * 3
    assert "{{" not in part["variables"]["headline"] + part["variables"]["ds"]


def test_mapped_movies_are_rendered_once_each(run_dag: Run, sandbox: Sandbox) -> None:
    run = run_dag("chained")
    projects = [run["xcoms"][("mapped", index)]["project"] for index in (0, 1)]
    assert [sent(sandbox, p)["client-data"]["airflow"]["map_index"] for p in projects] == [0, 1]
    assert sandbox.journal.duplicates == []


def test_a_retry_waits_for_the_project_that_its_predecessor_paid_for(run_dag: Run, sandbox: Sandbox) -> None:
    run = run_dag("flaky")
    assert run["state"] == "success"
    assert [s.project for s in sandbox.journal.submissions] == [run["xcoms"][("render", -1)]["project"]]
