"""The catalog of AI models as a task."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from airflow.providers.common.compat.sdk import AirflowSkipException, Asset, AssetAlias, BaseOperator

from airflow_provider_j2v.hooks.errors import final_errors
from airflow_provider_j2v.hooks.json2video import JSON2VideoHook

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_j2v.catalog.changes import Changes
    from airflow_provider_j2v.catalog.source import Reading


class JSON2VideoRefreshCatalogOperator(BaseOperator):
    """Read the catalog of AI models and hand it on through XCom, so that many renders share one reading.

    Succeeds always when the connection is right: when the service's file cannot be read, the previous run's copy
    stands in, and in the end the snapshot in the package; ``source``, ``stale`` and ``age`` say which it is.

    Returns ``{models: [{name, category, credits, unit, providers, featured}], aliases: {alias: name}, fetched_at
    (ISO), source: "live" | "cache" | "previous" | "snapshot", stale, age (s), etag, doubted_since (ISO or None),
    changes: {added: [name], removed: [name], repriced: {name: [{credits, unit}, {credits, unit}]}, realiased: {alias:
    [old, new]}}}``; changes are against the previous run. Give it to render operators as ``catalog=``.

    Each ``AssetAlias`` among its ``outlets`` gets an event when, and only when, something changed: for the asset of
    ``catalog_asset``, with ``{"changes": …, "told": [sentence], "fetched_at": …}`` as its extra.

    :param json2video_conn_id: Airflow conn id of the account (str); its extra ``catalog_url`` may name another file.
    :param skip_if_unchanged: end as skipped when there was a previous run and nothing has changed since (bool,
        default False). The XCom is there all the same.
    """

    template_fields: Sequence[str] = ("json2video_conn_id",)
    ui_color = "#e8e4fb"

    def __init__(
        self,
        *,
        json2video_conn_id: str = JSON2VideoHook.default_conn_name,
        skip_if_unchanged: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.json2video_conn_id = json2video_conn_id
        self.skip_if_unchanged = skip_if_unchanged

    def execute(self, context: Context) -> dict[str, Any]:
        """Read, compare with the previous run, and say what changed."""
        from airflow.sdk.bases.xcom import BaseXCom  # not by Airflow's old name for the key: that loads its models

        from airflow_provider_j2v.catalog.changes import compare, no_changes, told
        from airflow_provider_j2v.catalog.source import Reading

        ti = context["ti"]
        map_index = -1 if ti.map_index is None else ti.map_index  # without it, every earlier run's value comes back
        before = ti.xcom_pull(task_ids=self.task_id, map_indexes=map_index, include_prior_dates=True)
        hook = JSON2VideoHook(self.json2video_conn_id)
        with final_errors():
            reading = hook.get_catalog(before)
        previous = Reading.from_dict(before)
        changes = compare(previous.catalog, reading.catalog) if previous else no_changes()
        result = {**reading.to_dict(time.time()), "changes": changes}
        self._log(reading, result["age"], changes)
        if any(changes.values()):
            extra = {"changes": changes, "told": told(changes), "fetched_at": result["fetched_at"]}
            for outlet in self.outlets:
                if isinstance(outlet, AssetAlias):
                    context["outlet_events"][outlet].add(catalog_asset(hook.account.catalog_url), extra=extra)
        elif previous and self.skip_if_unchanged:
            ti.xcom_push(BaseXCom.XCOM_RETURN_KEY, result)
            raise AirflowSkipException("The AI model catalog is that of the previous run.")
        return result

    def _log(self, reading: Reading, age: int, changes: Changes) -> None:
        from airflow_provider_j2v.catalog.changes import told

        self.log.info(
            "%d AI models and %d aliases, source %s, %d s old%s.",
            len(reading.catalog.models),
            len(reading.catalog.aliases),
            reading.source,
            age,
            ", stale" if reading.stale else "",
        )
        for name in changes["added"]:
            self.log.info("Since the previous run: Model %s is new.", name)
        for sentence in told({**changes, "added": []}):
            self.log.warning("Since the previous run: %s", sentence)


def catalog_asset(url: str) -> Asset:
    """The asset that stands for the catalog published at ``url``.

    Its name and URI are that address with the scheme ``x-json2video``, without credentials and query:
    ``x-json2video://cdn.json2video.com/data/ai/models.json``.
    """
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return Asset(f"x-json2video://{host}{parts.path}")
