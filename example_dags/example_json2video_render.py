"""Hello, movie: one task renders a video, the next one has its address.

Runs unchanged against the sandbox and the real service. It asks for one render of 5 seconds: 5 credits.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import dag, task

from airflow_provider_j2v.operators.movie import JSON2VideoRenderMovieOperator
from airflow_provider_j2v.sensors.movie import JSON2VideoMovieSensor

MOVIE = {
    "resolution": "hd",
    "fps": 25,
    "scenes": [
        {
            "background-color": "#1c1640",
            "duration": 3,
            "elements": [
                {
                    "type": "text",
                    "text": "Hello, {{who}}!",
                    "settings": {"font-size": "88px", "font-color": "#ffffff"},
                }
            ],
        },
        {
            "background-color": "#0f766e",
            "duration": 2,
            "elements": [{"type": "text", "text": "One task, one movie, one charge."}],
        },
    ],
}


@dag(schedule=None, tags=["json2video", "example"], doc_md=__doc__, params={"who": "Airflow"})
def example_json2video_render():
    # [START howto_render]
    render = JSON2VideoRenderMovieOperator(
        task_id="render",
        movie=MOVIE,
        variables={"who": "{{ params.who }}"},
        deferrable=True,
        poll_interval=5,
        retries=2,
        retry_delay=timedelta(seconds=30),
    )
    # [END howto_render]

    # A second look by project id: elsewhere this would be another DAG, see example_json2video_sensor.
    seen = JSON2VideoMovieSensor(task_id="seen", project=render.output["project"], deferrable=True)

    @task
    def announce(movie: dict) -> str:
        message = f"{movie['duration']} s of video until {movie['expires_at']}: {movie['url']}"
        print(message)
        return message

    announce(seen.output)


example_json2video_render()
