"""Rules about AI models and who pays for them."""

from __future__ import annotations

import re
from typing import Any

from airflow_provider_j2v.movies.findings import Problem
from airflow_provider_j2v.movies.payers import AIRFLOW
from airflow_provider_j2v.movies.rules.places import Place
from airflow_provider_j2v.movies.rules.registry import DOCUMENTED, OURS, rule
from airflow_provider_j2v.movies.values import shown

#: The categories of models that an element can be made by. That avatars are videos is our reading.
_CATEGORIES = {"image": ("image",), "video": ("video", "avatar"), "voice": ("voice",)}
_CONNECTION = re.compile(r"[^\sA-Z]+")


@rule(
    "unknown-model",
    "warning",
    f"{DOCUMENTED} (AI models), but the catalog changes",
    on="element",
    keys=("model",),
    types=("image", "video", "voice"),
)
def unknown_model(place: Place, key: str, value: Any) -> Problem | None:
    """A model that is not in the catalog."""
    catalog = place.whole.catalog
    if catalog is None or not isinstance(value, str) or not value or "{{" in value or catalog.resolve(value):
        return None
    near = place.whole.meant(value, catalog.near)
    return place.problem(key, f"is {shown(value)}, which the catalog does not know", f"{near}see the catalog of models")


@rule(
    "model-category",
    "warning",
    f"{DOCUMENTED} (AI models)",
    on="element",
    keys=("model",),
    types=("image", "video", "voice"),
)
def model_category(place: Place, key: str, value: Any) -> Problem | None:
    """A model that makes something else than the element is."""
    catalog = place.whole.catalog
    model = catalog.resolve(value) if catalog is not None and isinstance(value, str) else None
    wanted = _CATEGORIES[place.kind or ""]
    if catalog is None or model is None or model.category is None or model.category in wanted:
        return None
    other = catalog.suggest(wanted[0])
    hint = f'for example "{other.name}"' if other else "see the catalog of models"
    return place.problem(key, f"is {shown(value)}, a model for {model.category}, not for {' or '.join(wanted)}", hint)


@rule("model-unset", "warning", OURS, on="element", keys=("prompt",), types=("image", "video"))
def model_unset(place: Place, key: str, value: Any) -> Problem | None:
    """A prompt without a model: no document of the service says which one makes it, and for what price."""
    if not value or place.data.get("model") or place.data.get("src"):
        return None
    catalog = place.whole.catalog
    featured = catalog.suggest(place.kind or "") if catalog is not None else None
    hint = f'name the model, for example "{featured.name}"' if featured else "name the model"
    return place.problem("model", "is not set, and no document says which model is taken, at what price", hint)


@rule("connection-id", "warning", f"{DOCUMENTED} (connections)", on="element", keys=("connection",))
def connection_id(place: Place, key: str, value: Any) -> Problem | None:
    """The connection of an element that is no id as the dashboard makes them: lower case, without spaces."""
    return strange_connection(place, key, value)


def strange_connection(place: Place, key: str, value: Any) -> Problem | None:
    """The problem of something that can be no connection's id."""
    if not isinstance(value, str) or not value or value.startswith(AIRFLOW) or "{{" in value:
        return None
    if _CONNECTION.fullmatch(value):
        return None
    hint = 'take the id from the dashboard, or write "airflow:<conn id>"'
    return place.problem(key, f"is {shown(value)}, and ids of connections are lower case without spaces", hint)
