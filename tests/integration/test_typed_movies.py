"""Typed movies in Airflow's own runtime: parsed, serialized, shown and rendered like any other."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from airflow.sdk import DAG
from pydantic import ValidationError

from airflow_provider_j2v.movies import Movie, Scene, Text
from airflow_provider_j2v.operators.catalog import JSON2VideoRefreshCatalogOperator
from airflow_provider_j2v.sandbox import Sandbox

Run = Callable[..., dict[str, Any]]


def sent(sandbox: Sandbox, run: dict[str, Any], task: str, index: int = -1) -> Any:
    return json.loads(sandbox.movies[run["xcoms"][(task, index)]["project"]].submitted)


def test_typed_movies_are_sent_as_the_service_spells_them(run_dag: Run, sandbox: Sandbox) -> None:
    run = run_dag("typed")
    assert run["state"] == "success", run["tasks"]
    scene = {
        "duration": 1,
        "background-color": "#1c1640",
        "elements": [{"type": "text", "text": "Hello, {{who}}", "z-index": 2}],
    }
    for task, index, who in (("whole", -1, "typed"), ("part", -1, "part"), ("made", -1, "task"), ("mapped", 0, "Ada")):
        movie = sent(sandbox, run, task, index)
        assert movie["scenes"] == [scene]
        assert movie["variables"] == {"who": who}
    assert sent(sandbox, run, "jinja")["scenes"][0]["elements"][0]["text"] == "Hello, typed"
    exports = sent(sandbox, run, "whole")["exports"]
    assert exports == [{"destinations": [{"type": "webhook", "endpoint": "https://hooks.example.com/done"}]}]
    assert len(sandbox.journal.submissions) == 6


def test_a_typed_movie_takes_no_output_of_a_task() -> None:
    with DAG("outputs", schedule=None):
        output = JSON2VideoRefreshCatalogOperator(task_id="catalog").output
    for build in (lambda: Movie(scenes=output), lambda: Scene(duration=output), lambda: Text(text=output["models"])):
        with pytest.raises(ValidationError, match="another task's output"):
            build()
    with pytest.raises(ValidationError, match="JSON"):
        Movie(variables={"models": [output]})


def test_the_ui_shows_typed_movies_as_json(run_dag: Run) -> None:
    from airflow.models.renderedtifields import RenderedTaskInstanceFields
    from airflow.utils.session import create_session
    from sqlalchemy import select

    run_dag("typed")
    with create_session() as session:
        rows = session.scalars(select(RenderedTaskInstanceFields).filter_by(dag_id="typed"))
        shown = {row.task_id: row.rendered_fields["movie"] for row in rows if row.task_id != "make"}
    assert shown["whole"]["scenes"][0]["elements"] == [{"text": "Hello, {{who}}", "type": "text", "z-index": 2}]
    assert shown["part"]["scenes"][0]["background-color"] == "#1c1640"
    assert shown["jinja"]["scenes"][0]["elements"][0]["text"] == "Hello, typed"


def test_a_typed_movie_does_not_change_the_dag_s_hash_from_parse_to_parse() -> None:
    from airflow.serialization.helpers import serialize_template_field

    def movie() -> Movie:
        return Movie(fps=25, resolution="sd", scenes=[Scene(duration=1, elements=[Text(text="Hello", z_index=2)])])

    serialized = serialize_template_field(movie(), "movie")
    assert serialized == movie().model_dump()
    assert json.dumps(serialized) == json.dumps(serialize_template_field(movie(), "movie"))
