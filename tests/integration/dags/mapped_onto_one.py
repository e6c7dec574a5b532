"""Mapped renders that would all go to one place, and some of a mapped group that would not."""

from __future__ import annotations

from airflow.sdk import dag, task_group

from airflow_provider_j2v.operators.movie import JSON2VideoRenderMovieOperator

MOVIE = {"resolution": "sd", "scenes": [{"duration": 1}]}


@dag(schedule=None)
def mapped_onto_one():
    JSON2VideoRenderMovieOperator.partial(task_id="one", destination="/dev/null/movie.mp4").expand(movie=[MOVIE, MOVIE])

    @task_group
    def group(name):
        JSON2VideoRenderMovieOperator(task_id="one", destination="/dev/null/movie.mp4", movie=MOVIE)
        JSON2VideoRenderMovieOperator(task_id="each", destination=name, movie=MOVIE)

    group.expand(name=["nowhere/a.mp4", "nowhere/b.mp4"])


mapped_onto_one()
