"""A catalog that is refreshed only when it has changed, and a task that wants it in any case."""

from __future__ import annotations

from airflow.sdk import AssetAlias, dag, task

from airflow_provider_j2v.operators.catalog import JSON2VideoRefreshCatalogOperator


@dag(schedule=None)
def watched():
    catalog = JSON2VideoRefreshCatalogOperator(
        task_id="catalog", skip_if_unchanged=True, outlets=[AssetAlias("watched_changes")]
    )

    @task(trigger_rule="none_failed")
    def price(catalog: dict) -> float:
        return next(model["credits"] for model in catalog["models"] if model["name"] == "flux-pro")

    price(catalog.output)


watched()
