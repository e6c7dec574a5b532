"""A movie with its variables filled in: placeholders, conditions, imported and repeated scenes.

Scopes are documented: element, then scene, then movie. Numbers of scenes and elements stay those of the
submitted movie, so that a message points at what the author wrote.
"""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from airflow_provider_j2v.movies.expressions import evaluate, text, truthy

Json = dict[str, Any]

_PLACEHOLDER = re.compile(r"\{\{([^{}]*)\}\}")
_NAME = re.compile(r"[A-Za-z0-9_]+")
_NOT_FILLED = ("variables", "client-data", "exports", "elements", "scenes")


@dataclass(frozen=True, slots=True)
class Part:
    """A scene (``number`` from 1) or the movie itself (0), and its numbered elements, conditions applied."""

    number: int
    data: Json
    elements: tuple[tuple[int, Json], ...]


def expand(movie: Json) -> tuple[Part, list[Part]]:
    """The movie's own part and its scenes in order of play."""
    scope = _scope({}, movie)
    whole = Part(0, fill(_without_lists(movie), scope), tuple(_elements(movie, scope)))
    scenes = [scene for scene in as_list(movie.get("scenes")) if isinstance(scene, dict)]
    by_id = {scene["id"]: scene for scene in scenes if isinstance(scene.get("id"), str)}
    return whole, [part for n, scene in enumerate(scenes, 1) for part in _played(n, scene, by_id, scope)]


def fill(value: Any, scope: Mapping[str, Any]) -> Any:
    """``value`` with its placeholders evaluated; a text that is one placeholder keeps the value's type."""
    if isinstance(value, str):
        whole = _PLACEHOLDER.fullmatch(value.strip())
        if whole:
            return evaluate(whole[1], scope)
        return _PLACEHOLDER.sub(lambda match: text(evaluate(match[1], scope)), value)
    if isinstance(value, dict):
        return {k: v if k in _NOT_FILLED else fill(v, scope) for k, v in value.items()}
    if isinstance(value, list):
        return [fill(item, scope) for item in value]
    return value


def as_list(value: Any) -> list[Any]:
    """The value if it is a list, else nothing."""
    return value if isinstance(value, list) else []


def _played(number: int, scene: Json, by_id: Mapping[str, Json], scope: Mapping[str, Any]) -> Iterator[Part]:
    for extra in _iterations(scene, scope):
        inner = _scope({**scope, **extra}, scene)
        data = fill(_without_lists(scene), inner)
        if not _kept(data):
            continue
        elements = list(_elements(scene, inner))
        imported = by_id.get(data.get("import") or "") if isinstance(data.get("import"), str) else None
        if imported is not None and imported is not scene:
            elements += _elements(imported, inner)
        yield Part(number, data, tuple(elements))


def _iterations(scene: Json, scope: Mapping[str, Any]) -> Iterator[Json]:
    """One mapping per repetition. Only objects repeat: without any the scene vanishes (third party)."""
    if not scene.get("iterate"):
        yield {}
        return
    name = text(fill(scene["iterate"], scope))
    items = as_list(scope.get(name))
    start, stop, step = (
        value if isinstance(value := fill(scene.get(f"iterate-{which}"), scope), int) else default
        for which, default in (("from", 0), ("to", len(items)), ("step", 1))
    )
    chosen = [item for item in items[max(0, start) : max(0, stop) : max(1, step)] if isinstance(item, dict)]
    for index, item in enumerate(chosen):
        counters = {
            "iteration": index,
            "first_iteration": index == 0,
            "last_iteration": index == len(chosen) - 1,
        }
        yield {**item, **counters}


def _elements(owner: Json, scope: Mapping[str, Any]) -> Iterator[tuple[int, Json]]:
    for number, element in enumerate(as_list(owner.get("elements")), 1):
        data = fill(element, _scope(scope, element)) if isinstance(element, dict) else {}
        if _kept(data):
            yield number, data


def _scope(outer: Mapping[str, Any], owner: Json) -> Mapping[str, Any]:
    own = owner.get("variables")
    if not isinstance(own, dict):
        return outer
    named = {name: fill(value, outer) for name, value in own.items() if _NAME.fullmatch(name)}
    return ChainMap(named, dict(outer))


def _kept(data: Json) -> bool:
    return "condition" not in data or truthy(data["condition"])


def _without_lists(owner: Json) -> Json:
    return {k: v for k, v in owner.items() if k not in _NOT_FILLED}
