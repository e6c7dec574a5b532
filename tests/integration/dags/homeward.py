"""A render whose first try dies when its file has just come home."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import dag

from airflow_provider_j2v.operators.movie import JSON2VideoRenderMovieOperator


class DiesAtHome(JSON2VideoRenderMovieOperator):
    def execute(self, context):
        self.first_try = context["ti"].try_number == 1
        return super().execute(context)

    def _bring_home(self, *args):
        home = super()._bring_home(*args)
        if self.first_try:
            raise RuntimeError("the worker was lost")
        return home


@dag(schedule=None)
def homeward():
    DiesAtHome(
        task_id="render",
        movie={"resolution": "sd", "scenes": [{"duration": 1}]},
        destination="{{ dag_run.conf['folder'] }}/{{ run_id }}.mp4",
        poll_interval=0.1,
        retries=1,
        retry_delay=timedelta(seconds=0),
    )


homeward()
