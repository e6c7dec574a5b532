"""The catalog of AI models once a run: what each model costs, and what changed since the run before."""

from __future__ import annotations

from airflow.sdk import dag, task

from airflow_provider_j2v.operators.catalog import JSON2VideoRefreshCatalogOperator


@dag(schedule=None, tags=["json2video", "example"], doc_md=__doc__)
def example_json2video_catalog():
    # [START howto_catalog]
    catalog = JSON2VideoRefreshCatalogOperator(task_id="catalog")
    # [END howto_catalog]

    @task
    def cheapest_images(catalog: dict) -> list[str]:
        images = [model for model in catalog["models"] if model["category"] == "image"]
        print(f"{len(images)} image models from the {catalog['source']} catalog, {catalog['age']} s old")
        return [model["name"] for model in sorted(images, key=lambda m: (m["credits"], m["name"]))[:3]]

    cheapest_images(catalog.output)


example_json2video_catalog()
