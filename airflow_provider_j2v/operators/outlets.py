"""What an asset event tells of a movie."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import Asset, AssetAlias

from airflow_provider_j2v.operators.lineage import Place

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import BaseOperator, Context


def movie_facts(result: Mapping[str, Any]) -> dict[str, Any]:
    """What asset events carry of a render's result: ``project``, ``status`` and, as far as they are known, ``url``,
    ``expires_at`` (ISO), ``duration`` (s), ``credits`` (charged) and ``file`` (the destination).
    """
    from airflow_provider_j2v.renders.result import charged_of

    names = ("project", "status", "url", "expires_at", "duration")
    facts = {name: result.get(name) for name in names}
    facts["credits"] = charged_of((result.get("credits") or {}).get("consumed"))
    facts["file"] = result.get("destination")
    return {name: value for name, value in facts.items() if value is not None}


def tell_outlets(
    operator: BaseOperator, context: Context, facts: Mapping[str, Any], *, file: str | None = None
) -> None:
    """Lay facts over the extra of every outlet's asset event; Airflow sends the events when the task succeeds.

    :param facts: plain JSON, small; everybody who may see assets in the UI sees it.
    :param file: a path or URL that an ``AssetAlias`` among the outlets gets an event for, as an asset of its own.
    """
    for outlet in operator.outlets or ():
        if isinstance(outlet, Asset):
            event = context["outlet_events"][outlet]
            event.extra = {**event.extra, **facts}
        elif isinstance(outlet, AssetAlias) and file is not None:
            context["outlet_events"][outlet].add(Asset(Place.of_file(file).uri), extra=dict(facts))
