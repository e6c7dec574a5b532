"""The catalog of AI models: what each model costs, and a word to other DAGs when that has changed.

In life it would have ``schedule="@daily"``; ``example_json2video_catalog_watch`` is the DAG that listens.
"""

from __future__ import annotations

from airflow.sdk import AssetAlias, dag, task

from airflow_provider_j2v.operators.catalog import JSON2VideoRefreshCatalogOperator


@dag(schedule=None, tags=["json2video", "example"], doc_md=__doc__)
def example_json2video_catalog():
    # [START howto_catalog]
    catalog = JSON2VideoRefreshCatalogOperator(
        task_id="catalog",
        outlets=[AssetAlias("json2video_catalog_changes")],  # gets an event only when something has changed
    )
    # [END howto_catalog]

    @task
    def cheapest_images(catalog: dict) -> list[str]:
        images = [model for model in catalog["models"] if model["category"] == "image"]
        print(f"{len(images)} image models from the {catalog['source']} catalog, {catalog['age']} s old")
        return [model["name"] for model in sorted(images, key=lambda m: (m["credits"], m["name"]))[:3]]

    cheapest_images(catalog.output)


example_json2video_catalog()
