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


@dataclass(frozen=True)
class Resolution:
    """A movie with every connection named as the service knows it, and who pays for each generated element."""

    movie: dict[str, Any]
    payers: list[Payer]


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
    resolver = _Resolver({name.lower(): target for name, target in providers.items()}, lookup, catalog)
    resolved = resolver.movie(movie)
    for path, value in _unresolved(resolved, "movie"):
        raise UnresolvedConnection(
            f"{path}: {value!r} is not where a connection can be named: that is 'connection' of an element, or 'id' of "
            "a destination. Nothing was sent."
        )
    if movie.get("template") and providers:
        raise UnresolvedConnection(
            "A provider map cannot reach into the saved template: keep the movie in a file and use movie_file, or "
            "save one template per environment. Nothing was sent."
        )
    return Resolution(resolved, resolver.payers)


def is_generated(element: Mapping[str, Any]) -> bool:
    """True for an element an AI model makes: a voice, or an image or video with a prompt and no source."""
    kind = element.get("type")
    return kind == "voice" or (kind in ("image", "video") and bool(element.get("prompt")) and not element.get("src"))


@dataclass
class _Resolver:
    providers: Mapping[str, str]
    lookup: Lookup
    catalog: Catalog | None
    payers: list[Payer] = field(default_factory=list)

    def movie(self, movie: Mapping[str, Any]) -> dict[str, Any]:
        scenes = movie.get("scenes")
        if _is_list(scenes):
            scenes = [self.holder(scene, f"movie.scenes[{i}]") for i, scene in enumerate(scenes)]
        resolved: dict[str, Any] = self.holder({**movie, "scenes": scenes} if "scenes" in movie else movie, "movie")
        exports = movie.get("exports")
        if _is_list(exports):
            resolved["exports"] = [self.export(export, f"movie.exports[{i}]") for i, export in enumerate(exports)]
        elif exports is not None:
            resolved["exports"] = self.export(exports, "movie.exports")
        return resolved

    def holder(self, holder: Any, path: str) -> Any:
        """A movie or a scene, its elements resolved."""
        if not isinstance(holder, Mapping):
            return holder
        resolved = dict(holder)
        for part in ("preload", "elements"):
            if _is_list(elements := holder.get(part)):
                resolved[part] = [self.element(e, f"{path}.{part}[{i}]") for i, e in enumerate(elements)]
        return resolved

    def element(self, element: Any, path: str) -> Any:
        if not isinstance(element, Mapping):
            return element
        if is_generated(element):
            connection = self.payer(element, path).connection
        elif _refers(named := element.get("connection")):
            connection = self.ask(named.removeprefix(AIRFLOW), f"{path}.connection")
        else:
            return element
        rest = {key: value for key, value in element.items() if key != "connection"}
        return rest if connection is None else {**rest, "connection": connection}

    def payer(self, element: Mapping[str, Any], path: str) -> Payer:
        """Who pays for a generated element: what it names, else the map by its model's providers."""
        model = element.get("model") or ("azure" if element.get("type") == "voice" else None)
        known = self.catalog.resolve(model) if self.catalog and isinstance(model, str) else None
        listed = known.providers if known else ()
        provider = next(iter(listed), None)
        named = element.get("connection")
        connection: str | None = None
        if _refers(named):
            connection = self.ask(named.removeprefix(AIRFLOW), f"{path}.connection")
        elif named not in (None, ""):
            if not isinstance(named, str):
                what = f"{path}.connection must be a connection's id, not {named!r}"
                raise UnresolvedConnection(f"{what}. Nothing was sent.")
            connection = named
        elif self.providers:
            if not listed:
                raise self.unknown(model, path)
            mapped = next((p for p in listed if p in self.providers), None)
            if mapped:
                provider, connection = mapped, self.mapped(mapped)
        payer = Payer(path, model if isinstance(model, str) else None, provider, connection)
        self.payers.append(payer)
        return payer

    def unknown(self, model: Any, path: str) -> UnresolvedConnection:
        near = self.catalog.near(model) if self.catalog and isinstance(model, str) else []
        meant = f" (did you mean {', '.join(near)}?)" if near else ""
        return UnresolvedConnection(
            f"{path}: the provider of model {model!r} is not known{meant}, so that the provider map cannot say who "
            'pays for it. Give the element a "connection", or a model of the catalog. Nothing was sent.'
        )

    def mapped(self, provider: str) -> str | None:
        target = self.providers[provider]
        if target == RAW:
            raise UnresolvedConnection(f"the provider map's {provider!r} names no connection. Nothing was sent.")
        if target.startswith(RAW):
            return target.removeprefix(RAW)
        return self.ask(target.removeprefix(AIRFLOW), f"the provider map's {provider!r}")

    def export(self, export: Any, path: str) -> Any:
        if not isinstance(export, Mapping) or not _is_list(destinations := export.get("destinations")):
            return export
        resolved = [self.destination(d, f"{path}.destinations[{j}].id") for j, d in enumerate(destinations)]
        return {**export, "destinations": resolved}

    def destination(self, destination: Any, path: str) -> Any:
        target = destination.get("id") if isinstance(destination, Mapping) else None
        if not _refers(target):
            return destination
        connection = self.ask(target.removeprefix(AIRFLOW), path)
        if connection is None:
            raise UnresolvedConnection(f"{path}: a destination cannot be the managed service. Nothing was sent.")
        return {**destination, "id": connection}

    def ask(self, conn_id: str, where: str) -> str | None:
        try:
            return self.lookup(conn_id)
        except UnresolvedConnection as e:
            raise UnresolvedConnection(f"{where}: {e}") from None


def _unresolved(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """References that nothing resolved: the service would not know them. The author's own data is left alone."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key in ("connection", "id") and _refers(item):
                yield f"{path}.{key}", item
            if key not in ("variables", "client-data"):
                yield from _unresolved(item, f"{path}.{key}")
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from _unresolved(item, f"{path}[{i}]")


def _is_list(value: Any) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def _refers(value: Any) -> TypeGuard[str]:
    return isinstance(value, str) and value.startswith(AIRFLOW)
