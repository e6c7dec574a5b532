"""A video for each row: one movie saved at JSON2Video, its variables from the rows, by dynamic task mapping.

The default template is the sandbox's "hello". On a real account, save a movie that uses the variable ``name`` and
give its id as the DAG's parameter.
"""

from __future__ import annotations

from airflow.sdk import Param, dag, task

from airflow_provider_j2v.operators.movie import JSON2VideoRenderMovieOperator


@dag(
    schedule=None,
    tags=["json2video", "example"],
    doc_md=__doc__,
    params={"template_id": Param("hello000000000000000", type="string", minLength=1)},
)
def example_json2video_template():
    @task
    def rows() -> list[dict]:
        """In life: a query, a file, yesterday's orders."""
        return [{"name": "Ada"}, {"name": "Grace"}, {"name": "Linus"}]

    # [START howto_expand]
    JSON2VideoRenderMovieOperator.partial(
        task_id="render",
        template_id="{{ params.template_id }}",
        client_data={"night": "{{ run_id }}"},
        deferrable=True,
        max_active_tis_per_dagrun=8,
    ).expand(variables=rows())
    # [END howto_expand]


example_json2video_template()
