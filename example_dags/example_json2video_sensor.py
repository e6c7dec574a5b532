"""Submit now, collect later: one task submits and ends, a sensor waits for the project wherever it came from."""

from __future__ import annotations

from airflow.sdk import dag

from airflow_provider_j2v.operators.movie import JSON2VideoRenderMovieOperator
from airflow_provider_j2v.sensors.movie import JSON2VideoMovieSensor


@dag(schedule=None, tags=["json2video", "example"], doc_md=__doc__)
def example_json2video_sensor():
    submit = JSON2VideoRenderMovieOperator(
        task_id="submit",
        movie_file="movies/hello.json",
        wait_for_completion=False,
    )
    # [START howto_sensor]
    JSON2VideoMovieSensor(
        task_id="wait",
        project=submit.output["project"],
        mode="reschedule",
        poke_interval=10,
        timeout=30 * 60,
    )
    # [END howto_sensor]


example_json2video_sensor()
