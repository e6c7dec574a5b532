"""Mapped renders whose results are waited for, downloaded and deleted, each as a mapping."""

from __future__ import annotations

from airflow.sdk import dag

from airflow_provider_j2v.operators.movie import (
    JSON2VideoDeleteMovieOperator,
    JSON2VideoDownloadMovieOperator,
    JSON2VideoRenderMovieOperator,
)
from airflow_provider_j2v.sensors.movie import JSON2VideoMovieSensor

FOLDER = "{{ dag_run.conf['folder'] }}"
SCENES = [{"duration": 1}]


@dag(schedule=None)
def mapped_home():
    submit = JSON2VideoRenderMovieOperator.partial(task_id="submit", wait_for_completion=False).expand(
        movie=[{"resolution": "sd", "comment": name, "scenes": SCENES} for name in "ab"]
    )
    wait = JSON2VideoMovieSensor.partial(task_id="wait", poke_interval=0.1).expand(project=submit.output)
    home = JSON2VideoDownloadMovieOperator.partial(
        task_id="home", destination=FOLDER + "/{{ ti.map_index }}.mp4"
    ).expand(project=wait.output)
    JSON2VideoDeleteMovieOperator.partial(task_id="remove").expand(project=home.output)


mapped_home()
