"""A DAG as a user writes it, for mypy --strict: what is right passes, and what is wrong is an error.

Nothing runs it. Each ``type: ignore`` is a mistake that mypy has to see: strict mode reports one that it does not.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import XComArg, dag, task

from airflow_provider_j2v.exceptions import JSON2VideoError, RenderFailed
from airflow_provider_j2v.hooks.json2video import JSON2VideoHook
from airflow_provider_j2v.movies import AnyElement, Destination, Export, Movie, Scene, Text, Transition, Voice
from airflow_provider_j2v.operators.catalog import JSON2VideoRefreshCatalogOperator
from airflow_provider_j2v.operators.movie import JSON2VideoRenderMovieOperator
from airflow_provider_j2v.sandbox import Sandbox
from airflow_provider_j2v.sensors.movie import JSON2VideoMovieSensor
from airflow_provider_j2v.triggers.movie import JSON2VideoMoviesTrigger, JSON2VideoMovieTrigger


def greeting(name: str) -> Movie:
    return Movie(
        resolution="full-hd",
        fps=30,
        scenes=[
            Scene(
                duration=3,
                background_color="#1c1640",
                transition=Transition(style="fade", duration=0.5),
                elements=[Text(text=f"Hello, {name}", start=0.5), Voice(text="Hello", voice="en-US-AriaNeural")],
            )
        ],
    )


def slides(lines: list[str]) -> Movie:
    elements: list[AnyElement] = [Text(text=line) for line in lines]
    saved = Destination(id="airflow:video_server", file="slides.mp4")  # its password is saved at JSON2Video
    return Movie(scenes=[Scene(elements=elements, condition=True)], exports=[Export(destinations=[saved])])


def wrong() -> None:
    Movie(scenes=[Text(text="an element is no scene")])  # type: ignore[list-item]
    Text(text=1)  # type: ignore[arg-type]
    Scene(dration=3)  # type: ignore[call-arg]
    JSON2VideoRenderMovieOperator(task_id="a", movie={}, preflight="maybe")  # type: ignore[arg-type]
    JSON2VideoHook().get_movie(7)  # type: ignore[arg-type]


@task
def spent(project: str) -> float | None:
    hook = JSON2VideoHook("json2video_prod")
    movie = hook.get_movie(project)
    ended: datetime | None = movie.ended_at
    seconds: float = movie.duration or 0.0
    quota = hook.get_quota()
    listed = [row.project for row in hook.list_movies(datetime.now(UTC) - timedelta(days=1))]
    return quota.time if quota and ended and seconds and listed else None


def submitted(movie: dict[str, Any]) -> str:
    try:
        return JSON2VideoHook().submit_movie(movie)
    except RenderFailed as e:
        return e.project
    except JSON2VideoError:
        raise


@dag(schedule="@daily", start_date=datetime(2026, 1, 1, tzinfo=UTC), catchup=False)
def typed() -> None:
    models = JSON2VideoRefreshCatalogOperator(task_id="models")
    render = JSON2VideoRenderMovieOperator(
        task_id="render",
        movie=greeting("{{who}}"),
        variables={"who": "{{ dag_run.run_after | ds }}"},
        catalog=models.output,
        connections={"elevenlabs": "elevenlabs_prod"},
        max_credits="{{ params.most }}",
        expected_duration=12.5,
        timeout=timedelta(minutes=20),
        deferrable=True,
        retries=2,
    )
    seen = JSON2VideoMovieSensor(task_id="seen", project=XComArg(render, "project"), poke_interval=30)
    render >> seen
    spent("0123456789abcdef")


def waits() -> list[dict[str, Any]]:
    one = JSON2VideoMovieTrigger("json2video_default", "0123456789abcdef", deadline=0.0)
    many = JSON2VideoMoviesTrigger("json2video_default", ["0123456789abcdef"], deadline=0.0)
    return [trigger.serialize()[1] for trigger in (one, many)]


def tried() -> list[str]:
    with Sandbox(port=0, speed=10) as sandbox:
        sandbox.faults.add("submit", "reset", after=True)
        sandbox.variants.bad_key_status = 401
        return list(sandbox.movies)


typed()
