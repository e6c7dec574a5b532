"""Bring it home: the finished video and its subtitles are in a folder or a bucket of yours when the task has ended.

Runs unchanged against the sandbox and the real service. It asks for one render of about 3 seconds: 3 credits.
"""

from __future__ import annotations

import tempfile
from datetime import timedelta

from airflow.sdk import ObjectStoragePath, dag, task

from airflow_provider_j2v.operators.movie import JSON2VideoRenderMovieOperator

# Workers on several machines share a bucket instead: "s3://aws_default@my-bucket/videos", "gs://…", "abfs://…".
FOLDER = f"{tempfile.gettempdir()}/json2video-videos"

MOVIE = {
    "resolution": "sd",
    "scenes": [
        {
            "background-color": "#0f766e",
            "elements": [
                {"type": "text", "text": "Home", "duration": -2},
                {"type": "voice", "text": "This file comes home, and outlives its link."},
            ],
        }
    ],
    "elements": [{"type": "subtitles", "language": "en"}],
}


@dag(schedule=None, tags=["json2video", "example"], doc_md=__doc__, params={"folder": FOLDER})
def example_json2video_download():
    # [START howto_destination]
    render = JSON2VideoRenderMovieOperator(
        task_id="render",
        movie=MOVIE,
        destination="{{ params.folder }}/{{ run_id }}.mp4",
        subtitles=True,
        deferrable=True,
        retries=2,
        retry_delay=timedelta(seconds=30),
    )
    # [END howto_destination]

    @task
    def publish(movie: dict) -> str:
        size = ObjectStoragePath(movie["destination"]).stat().st_size
        print(f"{size} bytes are at {movie['destination']}, the subtitles at {movie['subtitles']}")
        return movie["destination"]

    publish(render.output)


example_json2video_download()
