"""A template as code: the movie lives in the repository, this DAG saves it at JSON2Video and renders from it.

Runs unchanged against the sandbox and the real service, where the key must be of role Editor. A second run finds the
template unchanged and only renders: 3 seconds, 3 credits.
"""

from __future__ import annotations

from airflow.sdk import dag

from airflow_provider_j2v.operators.movie import JSON2VideoRenderMovieOperator
from airflow_provider_j2v.operators.template import JSON2VideoSyncTemplateOperator


@dag(schedule=None, tags=["json2video", "example"], doc_md=__doc__, params={"headline": "Hello from a template"})
def example_json2video_template_sync():
    # [START howto_sync_template]
    deploy = JSON2VideoSyncTemplateOperator(
        task_id="deploy",
        name="Airflow example: headline",
        movie_file="movies/hello.json",
        tags=["airflow", "example"],
    )
    JSON2VideoRenderMovieOperator(
        task_id="render",
        template_id=deploy.output["template_id"],
        variables={"headline": "{{ params.headline }}"},
        deferrable=True,
    )
    # [END howto_sync_template]


example_json2video_template_sync()
