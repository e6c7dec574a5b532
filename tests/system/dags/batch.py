"""Many rows in one task; the conf of the DAG run says which, and where the manifest goes."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import dag

from airflow_provider_j2v.operators.movie import JSON2VideoRenderMoviesOperator

MOVIE = {
    "resolution": "sd",
    "scenes": [{"duration": "{{seconds}}", "elements": [{"type": "text", "text": "{{text}}"}]}],
}


@dag(schedule=None)
def batch():
    JSON2VideoRenderMoviesOperator(
        task_id="render",
        items="{{ dag_run.conf['items'] }}",
        key="key",
        movie=MOVIE,
        destination="{{ dag_run.conf['folder'] }}/{key}-{version}.mp4",
        manifest="{{ dag_run.conf['folder'] }}/manifest.jsonl",
        max_in_flight=100,
        on_failure="10%",
        preflight="warn",
        deferrable=True,
        poll_interval=0.5,
        retries=9,
        retry_delay=timedelta(seconds=0),
    )


batch()
