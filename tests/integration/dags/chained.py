"""Movies that other tasks make, whole and in part."""

from __future__ import annotations

from airflow.sdk import dag, task

from airflow_provider_j2v.operators.catalog import JSON2VideoRefreshCatalogOperator
from airflow_provider_j2v.operators.movie import JSON2VideoRenderMovieOperator

SCENE = {"duration": 1, "elements": [{"type": "text", "text": "{{headline}} at {{ds}}"}]}


@dag(schedule=None)
def chained():
    @task
    def make() -> dict:
        return {"resolution": "sd", "variables": {"headline": "Hi", "ds": "noon"}, "scenes": [SCENE]}

    @task
    def scenes() -> list[dict]:
        return [SCENE, SCENE]

    catalog = JSON2VideoRefreshCatalogOperator(task_id="catalog")
    whole = JSON2VideoRenderMovieOperator(
        task_id="whole", movie=make(), catalog=catalog.output, poll_interval=0.1, deferrable=True
    )
    part = JSON2VideoRenderMovieOperator(
        task_id="part",
        movie={"resolution": "sd", "scenes": scenes()},
        variables={"headline": "{{ run_id }}", "ds": "{{ dag_run.run_after | ds }}"},
        poll_interval=0.1,
    )
    mapped = JSON2VideoRenderMovieOperator.partial(
        task_id="mapped", poll_interval=0.1, variables={"headline": "Hi", "ds": "noon"}
    ).expand(movie=[{"resolution": "sd", "scenes": [SCENE | {"duration": n}]} for n in (1, 2)])
    whole >> part >> mapped


chained()
