"""Which JSON2Video Connection each AI element and each export destination uses.

A movie names Airflow Connections (``airflow:<conn id>``) where the service wants ids of its own, so that one DAG
runs in every environment. What an Airflow Connection stands for is looked up by a function that the caller gives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeGuard

from airflow_provider_j2v.catalog.models import Catalog
from airflow_provider_j2v.exceptions import UnresolvedConnection

#: Marks a value as the id of an Airflow Connection.
AIRFLOW = "airflow:"
#: Marks a value in a provider map as a JSON2Video Connection id as it is.
RAW = "j2v:"

#: ``lookup(conn_id)`` gives the JSON2Video Connection id, or None for "the managed service".
Lookup = Callable[[str], str | None]


@dataclass(frozen=True)
class Payer:
    """Who runs and bills one AI element: the account's Connection, or the managed service when it is None."""

    path: str
    model: str | None
    provider: str | None
    connection: str | None


@dataclass
class Resolution:
    """A movie with every connection named as the service knows it."""

    movie: dict[str, Any]
    payers: list[Payer] = field(default_factory=list)


def resolve(
    movie: Mapping[str, Any], *, providers: Mapping[str, str], lookup: Lookup, catalog: Catalog | None
) -> Resolution:
    """Replace references to Airflow Connections, and give elements of mapped providers their connection.

    :param movie: the document; it is not changed.
    :param providers: provider name → Airflow conn id, or ``j2v:<id>``.
    :param lookup: what an Airflow conn id stands for; raises ``UnresolvedConnection``.
    :param catalog: tells the providers of a model; needed only when ``providers`` is not empty.
    :raises UnresolvedConnection: something does not resolve, or would be billed unnoticed; names the place.
    """
    providers = {name.lower(): target for name, target in providers.items()}
    resolution = Resolution(dict(movie))
    if _objects(scenes := movie.get("scenes")):
        resolution.movie["scenes"] = [
            _with_elements(scene, f"movie.scenes[{i}]", providers, lookup, catalog, resolution.payers)
            for i, scene in enumerate(scenes)
        ]
    resolution.movie = _with_elements(resolution.movie, "movie", providers, lookup, catalog, resolution.payers)
    if _objects(exports := movie.get("exports")):
        resolution.movie["exports"] = [
            _with_destinations(export, f"movie.exports[{i}]", lookup) for i, export in enumerate(exports)
        ]
    elif exports is not None:
        resolution.movie["exports"] = _with_destinations(exports, "movie.exports", lookup)
    for path, value in _unresolved(resolution.movie, "movie"):
        raise UnresolvedConnection(
            f"{path}: {value!r} is not where a connection can be named: that is 'connection' of an element, or 'id' of "
            "a destination. Nothing was sent."
        )
    if movie.get("template") and providers:
        raise UnresolvedConnection(
            "A provider map cannot reach into the saved template: keep the movie in a file and use movie_file, or "
            "save one template per environment. Nothing was sent."
        )
    return resolution


def _unresolved(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """References that nothing resolved: the service would not know them."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key in ("connection", "id") and _refers(item):
                yield f"{path}.{key}", item
            yield from _unresolved(item, f"{path}.{key}")
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from _unresolved(item, f"{path}[{i}]")


def _objects(value: Any) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def _with_elements(
    holder: Any,
    path: str,
    providers: Mapping[str, str],
    lookup: Lookup,
    catalog: Catalog | None,
    payers: list[Payer],
) -> Any:
    if not isinstance(holder, Mapping):
        return holder
    resolved: dict[str, Any] = dict(holder)
    for part in ("preload", "elements"):
        if _objects(elements := holder.get(part)):
            resolved[part] = [
                _resolved(element, f"{path}.{part}[{i}]", providers, lookup, catalog, payers)
                for i, element in enumerate(elements)
            ]
    return resolved


def _resolved(
    element: Any,
    path: str,
    providers: Mapping[str, str],
    lookup: Lookup,
    catalog: Catalog | None,
    payers: list[Payer],
) -> Any:
    if not isinstance(element, Mapping):
        return element
    if is_generated(element):
        element, payer = _generated(element, path, providers, lookup, catalog)
        payers.append(payer)
        return element
    if _refers(named := element.get("connection")):
        return _with_connection(element, _ask(lookup, named.removeprefix(AIRFLOW), f"{path}.connection"))
    return element


def is_generated(element: Mapping[str, Any]) -> bool:
    """True for an element an AI model makes: a voice, or an image or video with a prompt and no source."""
    kind = element.get("type")
    return kind == "voice" or (kind in ("image", "video") and bool(element.get("prompt")) and not element.get("src"))


def _generated(
    element: Mapping[str, Any], path: str, providers: Mapping[str, str], lookup: Lookup, catalog: Catalog | None
) -> tuple[dict[str, Any], Payer]:
    model = element.get("model") or ("azure" if element.get("type") == "voice" else None)
    known = catalog.resolve(model) if catalog and isinstance(model, str) else None
    named = element.get("connection")
    provider = None
    if _refers(named):
        connection = _ask(lookup, named.removeprefix(AIRFLOW), f"{path}.connection")
    elif named not in (None, ""):
        if not isinstance(named, str):
            raise UnresolvedConnection(f"{path}.connection must be a connection's id, not {named!r}. Nothing was sent.")
        connection = named
    else:
        provider = next((p for p in (known.providers if known else ()) if p in providers), None)
        connection = _mapped(providers[provider], provider, lookup) if provider else None
        if providers and not (known and known.providers):
            near = catalog.near(model) if catalog and isinstance(model, str) else []
            meant = f" (did you mean {', '.join(near)}?)" if near else ""
            raise UnresolvedConnection(
                f"{path}: the provider of model {model!r} is not known{meant}, so that the provider map cannot say who "
                'pays for it. Give the element a "connection", or a model of the catalog. Nothing was sent.'
            )
    provider = provider or (known.providers[0] if known and known.providers else None)
    payer = Payer(path, model if isinstance(model, str) else None, provider, connection)
    return _with_connection(element, connection), payer


def _refers(value: Any) -> TypeGuard[str]:
    return isinstance(value, str) and value.startswith(AIRFLOW)


def _with_connection(element: Mapping[str, Any], connection: str | None) -> dict[str, Any]:
    rest = {key: value for key, value in element.items() if key != "connection"}
    return rest if connection is None else {**rest, "connection": connection}


def _mapped(target: str, provider: str, lookup: Lookup) -> str | None:
    if target.startswith(RAW):
        if target == RAW:
            raise UnresolvedConnection(f"the provider map's {provider!r} names no connection. Nothing was sent.")
        return target.removeprefix(RAW)
    return _ask(lookup, target.removeprefix(AIRFLOW), f"the provider map's {provider!r}")


def _with_destinations(export: Any, path: str, lookup: Lookup) -> Any:
    if not isinstance(export, Mapping) or not _objects(destinations := export.get("destinations")):
        return export
    return {**export, "destinations": list(_destinations(destinations, path, lookup))}


def _destinations(destinations: list[Any], path: str, lookup: Lookup) -> Iterator[Any]:
    for j, destination in enumerate(destinations):
        target = destination.get("id") if isinstance(destination, Mapping) else None
        if not _refers(target):
            yield destination
            continue
        here = f"{path}.destinations[{j}].id"
        connection = _ask(lookup, target.removeprefix(AIRFLOW), here)
        if connection is None:
            raise UnresolvedConnection(f"{here}: a destination cannot be the managed service. Nothing was sent.")
        yield {**destination, "id": connection}


def _ask(lookup: Lookup, conn_id: str, where: str) -> str | None:
    try:
        return lookup(conn_id)
    except UnresolvedConnection as e:
        raise UnresolvedConnection(f"{where}: {e}") from None
