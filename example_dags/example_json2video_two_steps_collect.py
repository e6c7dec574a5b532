"""Submit now, collect later, the second step: what ``example_json2video_two_steps`` has submitted is brought home.

It runs on the event of each such run; triggered by hand, it takes the newest one again. It asks for no render, and
costs no credits.
"""

from __future__ import annotations

import tempfile
from datetime import timedelta

from airflow.sdk import Asset, dag, task, task_group

from airflow_provider_j2v.operators.movie import JSON2VideoDownloadMovieOperator
from airflow_provider_j2v.sensors.movie import JSON2VideoMovieSensor

# Workers on several machines share a bucket instead: "s3://aws_default@my-bucket/greetings", "gs://…", "abfs://…".
FOLDER = f"{tempfile.gettempdir()}/json2video-greetings"

# [START howto_collect]
SUBMITTED = Asset("submitted_greetings")


@dag(
    schedule=[SUBMITTED],
    tags=["json2video", "example"],
    doc_md=__doc__,
    params={"folder": FOLDER},
    default_args={"retries": 2, "retry_delay": timedelta(seconds=30)},
)
def example_json2video_two_steps_collect():
    @task(inlets=[SUBMITTED])
    def submitted(params: dict, triggering_asset_events=None, inlet_events=None) -> list[dict]:
        events = triggering_asset_events.get(SUBMITTED) or inlet_events[SUBMITTED][-1:]
        return [
            {"project": project, "destination": f"{params['folder']}/{name}-{project}.mp4"}
            for event in events
            for project, name in event.extra["projects"].items()
        ]

    @task_group
    def collect(project: str, destination: str):
        """One video: it comes home as soon as it is done, whatever becomes of the others."""
        wait = JSON2VideoMovieSensor(task_id="wait", project=project, deferrable=True, timeout=3600)
        download = JSON2VideoDownloadMovieOperator(task_id="download", project=project, destination=destination)
        wait >> download

    collect.expand_kwargs(submitted())
    # [END howto_collect]


example_json2video_two_steps_collect()
