"""A render that carries the password of an Airflow connection, and two Connections of the account."""

from __future__ import annotations

from airflow.sdk import dag

from airflow_provider_j2v.operators.movie import JSON2VideoRenderMovieOperator


@dag(schedule=None)
def confidential():
    JSON2VideoRenderMovieOperator(
        task_id="render",
        movie={
            "resolution": "sd",
            "scenes": [
                {
                    "duration": 1,
                    "elements": [
                        {"type": "voice", "model": "elevenlabs", "text": "Hello"},
                        {"type": "image", "model": "flux-pro", "prompt": "a cat", "connection": "airflow:replicate"},
                    ],
                }
            ],
        },
        exports=[{"destinations": [{"id": "airflow:my_sftp", "file": "a.mp4"}]}],
        connections={"elevenlabs": "elevenlabs"},
        deferrable=True,
        poll_interval=0.1,
    )


confidential()
