"""Typed movies: whole, in part, mapped, returned by a task, and with Jinja."""

from __future__ import annotations

from airflow.sdk import dag, task

from airflow_provider_j2v.movies import Destination, Export, Movie, Scene, Text
from airflow_provider_j2v.operators.movie import JSON2VideoRenderMovieOperator

GREETING = Scene(duration=1, background_color="#1c1640", elements=[Text(text="Hello, {{who}}", z_index=2)])


@dag(schedule=None)
def typed():
    @task
    def make() -> dict:
        return Movie(resolution="sd", variables={"who": "task"}, scenes=[GREETING]).model_dump()

    whole = JSON2VideoRenderMovieOperator(
        task_id="whole",
        movie=Movie(resolution="sd", variables={"who": "nobody"}, scenes=[GREETING]),
        variables={"who": "{{ dag.dag_id }}"},
        exports=Export(destinations=[Destination(type="webhook", endpoint="https://hooks.example.com/done")]),
        poll_interval=0.1,
    )
    part = JSON2VideoRenderMovieOperator(
        task_id="part",
        movie={"resolution": "sd", "variables": {"who": "part"}, "scenes": [GREETING]},
        poll_interval=0.1,
    )
    made = JSON2VideoRenderMovieOperator(task_id="made", movie=make(), poll_interval=0.1)
    mapped = JSON2VideoRenderMovieOperator.partial(task_id="mapped", poll_interval=0.1).expand(
        movie=[Movie(resolution="sd", variables={"who": who}, scenes=[GREETING]) for who in ("Ada", "Grace")]
    )
    jinja = JSON2VideoRenderMovieOperator(
        task_id="jinja",
        movie=Movie(resolution="sd", scenes=[Scene(duration=1, elements=[Text(text="Hello, {{ dag.dag_id }}")])]),
        jinja=True,
        poll_interval=0.1,
    )
    [whole, part, made, jinja] >> mapped


typed()
