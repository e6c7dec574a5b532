"""Which JSON2Video Connection each AI element and each export destination uses.

A movie names Airflow Connections (``airflow:<conn id>``) where the service wants ids of its own, so that one DAG
runs in every environment. What an Airflow Connection stands for is looked up by functions that the caller gives.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, Literal, TypeGuard, TypeVar

from airflow_provider_j2v.api.reply import escape
from airflow_provider_j2v.catalog.models import Catalog, Model
from airflow_provider_j2v.exceptions import UnresolvedConnection
from airflow_provider_j2v.movies.document import undressed
from airflow_provider_j2v.movies.expressions import UNKNOWN, fill
from airflow_provider_j2v.movies.making import NOWHERE, ODD, PARTS, Made, appearances, has_braces, varies
from airflow_provider_j2v.movies.payers import AIRFLOW, Destination, Explanation, Payer, Why, quoted, shown_id
from airflow_provider_j2v.movies.scopes import Stage, generated, over

if TYPE_CHECKING:
    from airflow_provider_j2v.movies.movie import Movie

_T = TypeVar("_T")

#: Marks a value in a provider map as a JSON2Video Connection id as it is.
RAW = "j2v:"

#: ``lookup(conn_id)`` gives the JSON2Video Connection id, or None for "the managed service".
Lookup = Callable[[str], str | None]
#: ``describe(conn_id)`` gives what an Airflow Connection puts into a destination: an id, or host and credentials.
Describe = Callable[[str], Mapping[str, Any]]

_INSTEAD = "keep the movie in a file and use movie_file, or save one template per environment"
_SHOWN = 5
_HOLDERS = (dict, list)


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
    movie: Mapping[str, Any] | Movie,
    *,
    providers: Mapping[str, str],
    lookup: Lookup,
    catalog: Catalog | None,
    describe: Describe | None = None,
    template: Mapping[str, Any] | None = None,
) -> Resolution:
    """Replace references to Airflow Connections, and give elements of mapped providers their connection.

    An element that names a connection keeps it. With a map, any other AI element gets the connection of the first
    provider its model lists that is mapped; where none is, it stays managed. What comes from variables counts as if it
    were written there, for each time the element plays; one that never plays is left as it is.

    :param movie: the document, or a ``Movie``; it is not changed.
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
    movie: Mapping[str, Any] | Movie,
    *,
    providers: Mapping[str, str],
    catalog: Catalog | None,
    lookup: Lookup = as_named,
    describe: Describe | None = None,
    template: Mapping[str, Any] | None = None,
) -> Explanation:
    """Who pays for each AI element, and where the file goes; parameters as ``resolve``. What it refuses is listed."""
    return _examine(movie, providers, lookup, catalog, describe, template)[1]


def has_generated(*documents: Mapping[str, Any] | None) -> bool:
    """True when an AI model makes, or may make, something in one of these movies, so that models and prices matter."""
    return any(
        isinstance(element, dict) and generated(element, NOWHERE) is not False
        for document in map(undressed, documents)
        if document
        for holder in (document, *_listed(document, "scenes"))
        for part in PARTS
        for element in _listed(holder, part)
    )


def _examine(
    movie: Mapping[str, Any] | Movie,
    providers: Mapping[str, str],
    lookup: Lookup,
    catalog: Catalog | None,
    describe: Describe | None,
    template: Mapping[str, Any] | None,
) -> tuple[dict[str, Any], Explanation]:
    found, document = Explanation(), undressed(movie)
    names = {name.lower(): target for name, target in providers.items()}
    lookup, describe = cache(lookup), cache(describe or _id_of(lookup))
    resolved = _Walk("movie", names, lookup, catalog, describe, found).document(document)
    if document.get("template"):
        if template is not None:
            # The request's exports replace those of the template.
            whole = over(template, document)
            seen = {k: v for k, v in whole.items() if k != "exports" or document.get("exports") is None}
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
    stage: Stage = field(init=False)

    def document(self, movie: Mapping[str, Any]) -> dict[str, Any]:
        self.stage = Stage(movie, self.root)
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
                    f"{escape(path)}: {quoted(value)} is not where a connection can be named: that is 'connection' of "
                    "an element, or 'id' of a destination."
                )
        return resolved

    def holder(self, holder: Any, path: str) -> Any:
        """A movie or a scene, its elements resolved."""
        if not isinstance(holder, dict):
            return holder
        resolved = dict(holder)
        for part in PARTS:
            if _is_list(elements := holder.get(part)):
                resolved[part] = [self.element(e, f"{path}.{part}[{i}]") for i, e in enumerate(elements)]
        return resolved

    def element(self, element: Any, path: str) -> Any:
        if not isinstance(element, dict):
            return element
        named = element.get("connection")
        self.visited.add(f"{path}.connection")
        if generated(element, NOWHERE) is False and not (_refers(named) or has_braces(named)):
            return element
        try:
            return self.paid(element, path)
        except UnresolvedConnection as e:
            self.found.problems.append(str(e))
            return element

    def paid(self, element: Mapping[str, Any], path: str) -> Mapping[str, Any]:
        """The element with its connection: one for all the times it plays."""
        ends: dict[Made, str | None] = {}
        payers = []
        for made in self.times(element, path):
            if made.made is not False:
                payers.append(self.payer(made, element, path))
                ends[made] = payers[-1].connection
            elif _refers(made.named):
                ends[made] = self.referred(made.named, f"{path}.connection")
        as_written = has_braces(element.get("connection")) and all(made.named == end for made, end in ends.items())
        if len(set(ends.values())) > 1 and not as_written:
            raise self.torn(ends, path)
        self.found.payers.extend(dict.fromkeys(payers))
        if as_written or not ends:
            return element
        connection = next(iter(ends.values()))
        rest = {key: value for key, value in element.items() if key != "connection"}
        return rest if connection is None else {**rest, "connection": connection}

    def times(self, element: Mapping[str, Any], path: str) -> Iterable[Made]:
        """What the element comes to each time it plays, every difference once; as it is written if it never does."""
        if not varies(element):
            return (Made.of(element, NOWHERE),)
        return self.appearances.get(path) or (Made.of(element, NOWHERE)._replace(made=False),)

    @cached_property
    def appearances(self) -> Mapping[str, Mapping[Made, None]]:
        return appearances(self.stage)

    def payer(self, made: Made, element: Mapping[str, Any], path: str) -> Payer:
        """Who pays for a generated element: what it names, else the map by its model's providers."""
        if made.named is UNKNOWN:
            raise UnresolvedConnection(
                f"{path}.connection: {quoted(element['connection'])} cannot be computed, since a variable is not "
                "given, so that nobody can say who pays. Give the variable a value, or write the id."
            )
        if made.named is ODD:
            raise UnresolvedConnection(f"{path}.connection must be the id of a connection, as a text.")
        written = made.model or ("azure" if made.kind == "voice" else None)
        name = written if isinstance(written, str) else None
        model = self.catalog.resolve(name) if self.catalog and name else None
        provider, connection, why = self.choose(model, made.named, path)
        if provider is None and why == "provider not in the map":
            raise self.unknown(written, path)
        if self.root == "template" and why == "provider map" and connection:
            raise UnresolvedConnection(
                f"{path}: the provider map would give model {escape(name or '', 80)!r} the Connection "
                f"{quoted(connection)}, but a saved template cannot be changed from here: {_INSTEAD}."
            )
        credits, unit = (0.0, None) if connection else (model.credits, model.unit) if model else (None, None)
        return Payer(path, made.kind, name, provider, connection, why, credits, unit)

    def choose(self, model: Model | None, named: str | None, path: str) -> tuple[str | None, str | None, Why]:
        """Provider, connection and what decided; no provider under a map means that it is not known."""
        listed = model.providers if model else ()
        first = next(iter(listed), None)
        if named is not None:
            connection = self.referred(named, f"{path}.connection") if _refers(named) else named
            provider = first if connection is None or len(listed) == 1 else None
            return provider, connection, "named in the movie" if self.root == "movie" else "named in the template"
        if not self.providers:
            return first, None, "no map"
        mapped = next((p for p in listed if p in self.providers), None)
        if mapped is None:
            return first, None, "provider not in the map"
        return mapped, self.mapped(mapped), "provider map"

    def referred(self, named: str, where: str) -> str | None:
        """What a reference in the document stands for."""
        if self.root == "template":
            raise UnresolvedConnection(
                f"{where}: {quoted(named)} names an Airflow connection, which nothing replaces in a saved template: "
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
        """The refusal of an element under a map that cannot say who pays; ``model`` as in ``Made``."""
        what = {None: "it names no model", UNKNOWN: "its model cannot be computed, since a variable is not given"}
        why = what.get(model, "its model is no text")
        if isinstance(model, str):
            near = self.catalog.near(model) if self.catalog else []
            why = f"the provider of model {escape(model, 80)!r} is not known{_meant(near)}"
        return UnresolvedConnection(
            f"{path}: {why}, so that the provider map cannot say who pays for it. Give the element a "
            '"connection", or a model of the catalog.'
        )

    def torn(self, ends: Mapping[Made, str | None], path: str) -> UnresolvedConnection:
        """The refusal of an element that would need another connection each time."""
        needs: dict[str, None] = {}
        for made, end in ends.items():
            who = f"the Connection {quoted(end)}" if end else "the managed service"
            needs[f"{who} for {escape(made.model if isinstance(made.model, str) else made.kind, 80)}"] = None
        return UnresolvedConnection(
            f"{path}: an element has one connection, and as often as this one plays it would need "
            f'{", ".join([*needs][:_SHOWN])}. Give it a "connection" of its own, or split the scene.'
        )

    def export(self, export: Any, path: str) -> Any:
        if not isinstance(export, dict) or not _is_list(destinations := export.get("destinations")):
            return export
        resolved = [self.destination(d, f"{path}.destinations[{j}]") for j, d in enumerate(destinations)]
        return {**export, "destinations": resolved}

    def destination(self, destination: Any, path: str) -> Any:
        """A destination with its reference replaced; what stands beside the reference wins."""
        if not isinstance(destination, dict):
            return destination
        target, conn_id, resolved = fill(destination.get("id"), self.stage.whole.scope), None, destination
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
        conn_id = named.removeprefix(AIRFLOW)
        try:
            if "://" in conn_id:  # what looks it up may log it
                raise UnresolvedConnection("not an id")
            return look(conn_id)
        except UnresolvedConnection as e:
            why = str(e)
            if shown_id(conn_id) != conn_id:
                why = f"{quoted(conn_id)} is no id of an Airflow connection: the id goes here, and secrets go there."
            raise UnresolvedConnection(f"{where}: {why}") from None


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
        yield f"The provider map names {quoted(name)}, which no AI model of the catalog runs at{_meant(near)}."


def _meant(near: list[str]) -> str:
    return f" (did you mean {escape(', '.join(near))}?)" if near else ""


def _references(value: Any, *, in_exports: bool = False) -> Iterator[tuple[str, str]]:
    """Every reference inside a value, with its path. The author's data is left alone, and ``id`` outside exports."""
    if isinstance(value, dict):
        for key, item in value.items():
            if isinstance(item, str):
                if _refers(item) and (key == "connection" or (key == "id" and in_exports)):
                    yield f".{key}", item
            elif isinstance(item, _HOLDERS) and key not in ("variables", "client-data"):
                for path, found in _references(item, in_exports=in_exports or key == "exports"):
                    yield f".{key}{path}", found
    elif isinstance(value, list):
        for i, item in enumerate(value):
            for path, found in _references(item, in_exports=in_exports):
                yield f"[{i}]{path}", found


def _listed(holder: Any, part: str) -> list[Any]:
    items = holder.get(part) if isinstance(holder, dict) else None
    return items if _is_list(items) else []


def _is_list(value: Any) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def _refers(value: Any) -> TypeGuard[str]:
    return isinstance(value, str) and value.startswith(AIRFLOW)
