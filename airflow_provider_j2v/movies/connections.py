"""Which JSON2Video Connection each AI element and each export destination uses.

A movie names Airflow Connections (``airflow:<conn id>``) where the service wants ids of its own, so that one DAG
runs in every environment. What an Airflow Connection stands for is looked up by functions that the caller gives.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal, TypeGuard, TypeVar

from airflow_provider_j2v.api.reply import escape
from airflow_provider_j2v.catalog.models import Catalog, Model
from airflow_provider_j2v.exceptions import UnresolvedConnection
from airflow_provider_j2v.movies.payers import Destination, Explanation, Payer, Why

_T = TypeVar("_T")

#: Marks a value as the id of an Airflow Connection.
AIRFLOW = "airflow:"
#: Marks a value in a provider map as a JSON2Video Connection id as it is.
RAW = "j2v:"

#: ``lookup(conn_id)`` gives the JSON2Video Connection id, or None for "the managed service".
Lookup = Callable[[str], str | None]
#: ``describe(conn_id)`` gives what an Airflow Connection puts into a destination: an id, or host and credentials.
Describe = Callable[[str], Mapping[str, Any]]

_INSTEAD = "keep the movie in a file and use movie_file, or save one template per environment"
_SHOWN = 5
#: Where a movie and a scene have elements.
_PARTS = ("preload", "elements")


@dataclass(frozen=True)
class Resolution:
    """A movie with every connection named as the service knows it, and what that comes to.

    ``movie`` may hold the password of an inline destination: it is for the service alone.
    """

    movie: dict[str, Any] = field(repr=False)
    explanation: Explanation

    @property
    def payers(self) -> list[Payer]:
        """Who pays for each AI element, those of a template that was given included."""
        return self.explanation.payers


def as_named(conn_id: str) -> str:
    """A lookup for where there is no Airflow: the reference stands for itself."""
    return AIRFLOW + conn_id


def resolve(
    movie: Mapping[str, Any],
    *,
    providers: Mapping[str, str],
    lookup: Lookup,
    catalog: Catalog | None,
    describe: Describe | None = None,
    template: Mapping[str, Any] | None = None,
) -> Resolution:
    """Replace references to Airflow Connections, and give elements of mapped providers their connection.

    An element that names a connection keeps it. With a map, any other AI element gets the connection of the first
    provider its model lists that is mapped; where none is, it stays managed.

    :param movie: the document; it is not changed.
    :param providers: provider name → Airflow conn id, or ``j2v:<id>``.
    :param lookup: what an Airflow conn id stands for; raises ``UnresolvedConnection``.
    :param catalog: tells the providers and prices of a model; needed when ``providers`` is not empty.
    :param describe: what an Airflow conn id puts into a destination; raises ``UnresolvedConnection``. The default
        is the id that ``lookup`` gives.
    :param template: the movie of the saved template that ``movie`` names, when it was read. It cannot be changed from
        here, so it is refused where a map would have changed it.
    :raises UnresolvedConnection: something does not resolve, or would be billed unnoticed; names each place.
    """
    resolved, explanation = _examine(movie, providers, lookup, catalog, describe, template)
    if problems := explanation.problems:
        more = [f"and {len(problems) - _SHOWN} more"] if len(problems) > _SHOWN else []
        raise UnresolvedConnection(
            ("\n" if problems[1:] else " ").join([*problems[:_SHOWN], *more, "Nothing was sent."])
        )
    return Resolution(resolved, explanation)


def explain(
    movie: Mapping[str, Any],
    *,
    providers: Mapping[str, str],
    catalog: Catalog | None,
    lookup: Lookup = as_named,
    describe: Describe | None = None,
    template: Mapping[str, Any] | None = None,
) -> Explanation:
    """Who pays for each AI element, and where the file goes; parameters as ``resolve``. What it refuses is listed."""
    return _examine(movie, providers, lookup, catalog, describe, template)[1]


def is_generated(element: Mapping[str, Any]) -> bool:
    """True for an element an AI model makes: a voice, or an image or video with a prompt and no source."""
    kind = element.get("type")
    return kind == "voice" or (kind in ("image", "video") and bool(element.get("prompt")) and not element.get("src"))


def has_generated(*documents: Mapping[str, Any] | None) -> bool:
    """True when an AI model makes something in one of these movies, so that models and prices matter."""
    return any(
        isinstance(element, Mapping) and is_generated(element)
        for document in documents
        if document
        for holder in (document, *_listed(document, "scenes"))
        for part in _PARTS
        for element in _listed(holder, part)
    )


def _examine(
    movie: Mapping[str, Any],
    providers: Mapping[str, str],
    lookup: Lookup,
    catalog: Catalog | None,
    describe: Describe | None,
    template: Mapping[str, Any] | None,
) -> tuple[dict[str, Any], Explanation]:
    found = Explanation()
    names = {name.lower(): target for name, target in providers.items()}
    lookup, describe = cache(lookup), cache(describe or _id_of(lookup))
    resolved = _Walk("movie", names, lookup, catalog, describe, found).document(movie)
    if movie.get("template"):
        if template is not None:
            # The request's exports replace those of the template.
            seen = {k: v for k, v in template.items() if k != "exports" or movie.get("exports") is None}
            _Walk("template", names, lookup, catalog, describe, found).document(seen)
        elif providers:
            found.problems.append(f"A provider map cannot reach into the saved template: {_INSTEAD}.")
    if catalog:
        found.warnings.extend(_strangers(names, catalog))
    return resolved, found


@dataclass
class _Walk:
    """One way through a document; what it finds out goes into ``found``."""

    root: Literal["movie", "template"]
    providers: Mapping[str, str]
    lookup: Lookup
    catalog: Catalog | None
    describe: Describe
    found: Explanation
    visited: set[str] = field(default_factory=set)

    def document(self, movie: Mapping[str, Any]) -> dict[str, Any]:
        resolved: dict[str, Any] = self.holder(movie, self.root)
        if _is_list(scenes := movie.get("scenes")):
            resolved["scenes"] = [self.holder(scene, f"{self.root}.scenes[{i}]") for i, scene in enumerate(scenes)]
        exports = movie.get("exports")
        if _is_list(exports):
            resolved["exports"] = [self.export(e, f"{self.root}.exports[{i}]") for i, e in enumerate(exports)]
        elif exports is not None:
            resolved["exports"] = self.export(exports, f"{self.root}.exports")
        for place, value in _references(movie):
            if (path := self.root + place) not in self.visited:
                self.found.problems.append(
                    f"{escape(path)}: {value!r:.80} is not where a connection can be named: that is 'connection' of an "
                    "element, or 'id' of a destination."
                )
        return resolved

    def holder(self, holder: Any, path: str) -> Any:
        """A movie or a scene, its elements resolved."""
        if not isinstance(holder, Mapping):
            return holder
        resolved = dict(holder)
        for part in _PARTS:
            if _is_list(elements := holder.get(part)):
                resolved[part] = [self.element(e, f"{path}.{part}[{i}]") for i, e in enumerate(elements)]
        return resolved

    def element(self, element: Any, path: str) -> Any:
        if not isinstance(element, Mapping):
            return element
        named = element.get("connection")
        self.visited.add(f"{path}.connection")
        try:
            if is_generated(element):
                payer = self.payer(element, path)
                self.found.payers.append(payer)
                connection = payer.connection
            elif _refers(named):
                connection = self.referred(named, f"{path}.connection")
            else:
                return element
        except UnresolvedConnection as e:
            self.found.problems.append(str(e))
            return element
        rest = {key: value for key, value in element.items() if key != "connection"}
        return rest if connection is None else {**rest, "connection": connection}

    def payer(self, element: Mapping[str, Any], path: str) -> Payer:
        """Who pays for a generated element: what it names, else the map by its model's providers."""
        kind, named = str(element.get("type")), element.get("connection")
        written = element.get("model") or ("azure" if kind == "voice" else None)
        name = written if isinstance(written, str) else None
        model = self.catalog.resolve(name) if self.catalog and name else None
        provider, connection, why = self.choose(model, named, path)
        if provider is None and why == "provider not in the map":
            raise self.unknown(written, path)
        if self.root == "template" and why == "provider map" and connection:
            raise UnresolvedConnection(
                f"{path}: the provider map would give model {written!r:.80} the Connection {connection!r:.80}, but a "
                f"saved template cannot be changed from here: {_INSTEAD}."
            )
        credits, unit = (0.0, None) if connection else (model.credits, model.unit) if model else (None, None)
        return Payer(path, kind, name, provider, connection, why, credits, unit)

    def choose(self, model: Model | None, named: Any, path: str) -> tuple[str | None, str | None, Why]:
        """Provider, connection and what decided; no provider under a map means that it is not known."""
        listed = model.providers if model else ()
        first = next(iter(listed), None)
        if named not in (None, ""):
            connection = self.named(named, f"{path}.connection")
            provider = first if connection is None or len(listed) == 1 else None
            return provider, connection, "named in the movie" if self.root == "movie" else "named in the template"
        if not self.providers:
            return first, None, "no map"
        mapped = next((p for p in listed if p in self.providers), None)
        if mapped is None:
            return first, None, "provider not in the map"
        return mapped, self.mapped(mapped), "provider map"

    def named(self, named: Any, where: str) -> str | None:
        if not isinstance(named, str):
            raise UnresolvedConnection(f"{where} must be a connection's id, not {named!r:.80}.")
        return self.referred(named, where) if _refers(named) else named

    def referred(self, named: str, where: str) -> str | None:
        """What a reference in the document stands for."""
        if self.root == "template":
            raise UnresolvedConnection(
                f"{where}: {named!r:.80} names an Airflow connection, which nothing replaces in a saved template: "
                f"{_INSTEAD}."
            )
        return self.ask(self.lookup, named, where)

    def mapped(self, provider: str) -> str | None:
        target, where = self.providers[provider], f"the provider map's {provider!r}"
        if target == RAW:
            raise UnresolvedConnection(f"{where} names no connection.")
        if target.startswith(RAW):
            return target.removeprefix(RAW)
        return self.ask(self.lookup, target, where)

    def unknown(self, model: Any, path: str) -> UnresolvedConnection:
        near = self.catalog.near(model) if self.catalog and isinstance(model, str) else []
        return UnresolvedConnection(
            f"{path}: the provider of model {model!r:.80} is not known{_meant(near)}, so that the provider map cannot "
            'say who pays for it. Give the element a "connection", or a model of the catalog.'
        )

    def export(self, export: Any, path: str) -> Any:
        if not isinstance(export, Mapping) or not _is_list(destinations := export.get("destinations")):
            return export
        resolved = [self.destination(d, f"{path}.destinations[{j}]") for j, d in enumerate(destinations)]
        return {**export, "destinations": resolved}

    def destination(self, destination: Any, path: str) -> Any:
        """A destination with its reference replaced; what stands beside the reference wins."""
        if not isinstance(destination, Mapping):
            return destination
        target, conn_id, resolved = destination.get("id"), None, destination
        if _refers(target):
            self.visited.add(f"{path}.id")
            conn_id = target.removeprefix(AIRFLOW)
            try:
                if self.root == "template":
                    self.referred(target, f"{path}.id")
                own = {key: value for key, value in destination.items() if key != "id"}
                resolved = {**self.ask(self.describe, target, f"{path}.id"), **own}
            except UnresolvedConnection as e:
                self.found.problems.append(str(e))
                return destination
        self.found.destinations.append(Destination.of(path, conn_id, resolved))
        return resolved

    def ask(self, look: Callable[[str], _T], named: str, where: str) -> _T:
        try:
            return look(named.removeprefix(AIRFLOW))
        except UnresolvedConnection as e:
            raise UnresolvedConnection(f"{where}: {e}") from None


def _id_of(lookup: Lookup) -> Describe:
    def describe(conn_id: str) -> Mapping[str, Any]:
        connection = lookup(conn_id)
        if connection is None:
            raise UnresolvedConnection("a destination cannot be the managed service.")
        return {"id": connection}

    return describe


def _strangers(providers: Mapping[str, str], catalog: Catalog) -> Iterator[str]:
    """Providers of the map that run no model of the catalog: probably misspelt."""
    known = sorted({provider for model in catalog.models.values() for provider in model.providers})
    for name in sorted(providers.keys() - set(known)):
        near = difflib.get_close_matches(name, known, n=1)
        yield f"The provider map names {name!r}, which no AI model of the catalog runs at{_meant(near)}."


def _meant(near: list[str]) -> str:
    return f" (did you mean {escape(', '.join(near))}?)" if near else ""


def _references(value: Any, *, in_exports: bool = False) -> Iterator[tuple[str, str]]:
    """Every reference inside a value, with its path. The author's data is left alone, and ``id`` outside exports."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if _refers(item):
                if key == "connection" or (key == "id" and in_exports):
                    yield f".{key}", item
            elif isinstance(item, Mapping | list) and key not in ("variables", "client-data"):
                for path, found in _references(item, in_exports=in_exports or key == "exports"):
                    yield f".{key}{path}", found
    elif isinstance(value, list):
        for i, item in enumerate(value):
            for path, found in _references(item, in_exports=in_exports):
                yield f"[{i}]{path}", found


def _listed(holder: Any, part: str) -> list[Any]:
    items = holder.get(part) if isinstance(holder, Mapping) else None
    return items if _is_list(items) else []


def _is_list(value: Any) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def _refers(value: Any) -> TypeGuard[str]:
    return isinstance(value, str) and value.startswith(AIRFLOW)
