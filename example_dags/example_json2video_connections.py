"""One DAG, every environment: the managed AI service in development, your own accounts in production.

It needs three Airflow connections of type *JSON2Video Connection*: ``replicate``, ``elevenlabs`` and ``video_server``.
What they stand for differs from one environment to the next; the DAG does not. The documentation's page on connections
has both sets of them.
"""

from __future__ import annotations

from airflow.sdk import dag

from airflow_provider_j2v.operators.movie import JSON2VideoRenderMovieOperator


@dag(schedule=None, tags=["json2video", "example"], doc_md=__doc__)
def example_json2video_connections():
    # [START howto_connections]
    JSON2VideoRenderMovieOperator(
        task_id="render",
        movie_file="movies/morning.json",
        connections={"replicate": "replicate", "elevenlabs": "elevenlabs"},  # AI provider: Airflow conn id
        exports={"destinations": [{"id": "airflow:video_server", "file": "morning-__yyyy__-__mm__-__dd__.mp4"}]},
        deferrable=True,
    )
    # [END howto_connections]


example_json2video_connections()
