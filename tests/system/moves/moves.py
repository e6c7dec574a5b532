"""One render a run, long enough to be waited for; what it renders stands in an Airflow Variable of its own."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import dag, task_group

from airflow_provider_j2v.operators.movie import JSON2VideoRenderMovieOperator

MOVIE = {"resolution": "sd", "comment": "{{n}}", "scenes": [{"duration": 600}]}


def render(**kwargs):
    return JSON2VideoRenderMovieOperator(
        task_id="render",
        movie=MOVIE,
        variables={"n": "{{ var.value.get(params.case, 'first') }}"},
        deferrable=True,
        poll_interval=0.3,
        json2video_conn_id="{{ params.get('conn', 'json2video_default') }}",
        **kwargs,
    )


@dag(schedule=None, params={"case": "none", "conn": "json2video_default"}, max_active_runs=32)
def moves():
    render()


@dag(schedule=None, params={"case": "none"}, dagrun_timeout=timedelta(seconds=15))
def moves_run_timeout():
    render()


@dag(schedule=None, params={"case": "none"})
def moves_execution_timeout():
    render(execution_timeout=timedelta(seconds=6), retries=50, retry_delay=timedelta(seconds=1))


@dag(schedule=None, params={"case": "none"})
def moves_mapped():
    JSON2VideoRenderMovieOperator.partial(task_id="render", deferrable=True, poll_interval=0.3).expand(
        movie=[MOVIE, MOVIE, MOVIE]
    )


@dag(schedule=None, params={"case": "none"})
def moves_group():
    @task_group
    def one(number):
        JSON2VideoRenderMovieOperator(
            task_id="render",
            movie=MOVIE,
            client_data={"number": number},
            deferrable=True,
            poll_interval=0.3,
            timeout=6,
            retries=50,
            retry_delay=timedelta(seconds=1),
        )

    one.expand(number=[1, 2, 3])


moves()
moves_run_timeout()
moves_execution_timeout()
moves_mapped()
moves_group()
