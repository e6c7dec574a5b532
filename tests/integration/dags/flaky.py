"""A render whose first try dies after the movie was submitted."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import dag

from airflow_provider_j2v.operators.movie import JSON2VideoRenderMovieOperator


class DiesOnce(JSON2VideoRenderMovieOperator):
    def _wait(self, context, *args):
        if context["ti"].try_number == 1:
            raise RuntimeError("the worker was lost")
        return super()._wait(context, *args)


@dag(schedule=None)
def flaky():
    DiesOnce(
        task_id="render",
        movie={"resolution": "sd", "scenes": [{"duration": 1}]},
        poll_interval=0.1,
        retries=1,
        retry_delay=timedelta(seconds=0),
    )


flaky()
