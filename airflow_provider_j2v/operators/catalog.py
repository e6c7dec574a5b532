"""The catalog of AI models as a task."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_provider_j2v.hooks.errors import final_errors
from airflow_provider_j2v.hooks.json2video import JSON2VideoHook

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

NO_CHANGES: dict[str, Any] = {"added": [], "removed": [], "repriced": {}, "realiased": {}}


class JSON2VideoRefreshCatalogOperator(BaseOperator):
    """Read the catalog of AI models and hand it on through XCom, so that many renders share one reading.

    Succeeds always when the connection is right: when the service's file cannot be read, the previous run's copy
    stands in, and in the end the snapshot in the package; ``source``, ``stale`` and ``age`` say which it is.

    Returns ``{models: [{name, category, credits, unit, providers, featured}], aliases: {alias: name}, fetched_at
    (ISO), source: "live" | "cache" | "previous" | "snapshot", stale, age (s), etag, changes: {added: [name],
    removed: [name], repriced: {name: [old, new]}, realiased: {alias: [old, new]}}}``; changes are against the
    previous run. Give it to render operators as ``catalog=``.

    :param json2video_conn_id: Airflow conn id of the account (str); its extra ``catalog_url`` may name another file.
    """

    template_fields: Sequence[str] = ("json2video_conn_id",)
    ui_color = "#e8e4fb"

    def __init__(self, *, json2video_conn_id: str = JSON2VideoHook.default_conn_name, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.json2video_conn_id = json2video_conn_id

    def execute(self, context: Context) -> dict[str, Any]:
        """Read, compare with the previous run, and say what changed."""
        from airflow_provider_j2v.catalog.source import Reading

        ti = context["ti"]
        map_index = -1 if ti.map_index is None else ti.map_index  # without it, every earlier run's value comes back
        before = ti.xcom_pull(task_ids=self.task_id, map_indexes=map_index, include_prior_dates=True)
        with final_errors():
            reading = JSON2VideoHook(self.json2video_conn_id).get_catalog(before)
        previous = Reading.from_dict(before)
        changes = reading.catalog.changes_since(previous.catalog) if previous else NO_CHANGES
        result = {**reading.to_dict(time.time()), "changes": changes}
        self.log.info(
            "%d AI models and %d aliases, source %s, %d s old%s.",
            len(reading.catalog.models),
            len(reading.catalog.aliases),
            reading.source,
            result["age"],
            ", stale" if reading.stale else "",
        )
        for kind, what in changes.items():
            if what:
                self.log.warning("Since the previous run %s: %s", kind, what)
        return result
