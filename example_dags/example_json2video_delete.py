"""Nothing stays behind: the video comes home, and then the service's copy, with its public address, is removed.

Runs unchanged against the sandbox and the real service. It asks for one render of 2 seconds: 2 credits.
"""

from __future__ import annotations

import tempfile
from datetime import timedelta

from airflow.sdk import dag

from airflow_provider_j2v.operators.movie import JSON2VideoDeleteMovieOperator, JSON2VideoRenderMovieOperator

# Workers on several machines share a bucket instead: "s3://aws_default@my-bucket/videos", "gs://…", "abfs://…".
FOLDER = f"{tempfile.gettempdir()}/json2video-private"

MOVIE = {
    "resolution": "sd",
    "scenes": [{"background-color": "#7c2d12", "duration": 2, "elements": [{"type": "text", "text": "Confidential"}]}],
}


@dag(
    schedule=None,
    tags=["json2video", "example"],
    doc_md=__doc__,
    params={"folder": FOLDER},
    default_args={"retries": 2, "retry_delay": timedelta(seconds=30)},
)
def example_json2video_delete():
    # [START howto_delete]
    render = JSON2VideoRenderMovieOperator(
        task_id="render",
        movie=MOVIE,
        destination="{{ params.folder }}/{{ run_id }}.mp4",
        deferrable=True,
    )
    JSON2VideoDeleteMovieOperator(task_id="remove", project=render.output["project"])
    # [END howto_delete]


example_json2video_delete()
