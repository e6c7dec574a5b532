"""Rules about variables and their names."""

from __future__ import annotations

import re
from typing import Any

from airflow_provider_j2v.api.reply import escape
from airflow_provider_j2v.movies.expressions import WORDS
from airflow_provider_j2v.movies.findings import Problem, child
from airflow_provider_j2v.movies.rules.places import Place
from airflow_provider_j2v.movies.rules.registry import DOCUMENTED, OURS, THIRD_PARTY, rule
from airflow_provider_j2v.movies.values import shown

_NAME = re.compile(r"[A-Za-z0-9_]+")


@rule(
    "variables-form",
    "error",
    f"{DOCUMENTED} (movie)",
    on=("movie", "scene", "element"),
    keys=("variables",),
)
def variables_form(place: Place, key: str, value: Any) -> Problem | None:
    """Variables that are no object."""
    if value is None or isinstance(value, dict):
        return None
    return place.problem(key, f"must be an object, not {shown(value)}", 'write {"name": value}')


@rule(
    "variable-name",
    "error",
    f"{DOCUMENTED} (movie); that it is dropped: {THIRD_PARTY}",
    on=("movie", "scene", "element"),
    keys=("variables",),
)
def variable_name(place: Place, key: str, value: Any) -> list[Problem]:
    """A variable with anything but letters, digits and underscores in its name: it is dropped in silence."""
    odd = [name for name in value if not _NAME.fullmatch(name)] if isinstance(value, dict) else []
    return [_misnamed(place, name) for name in odd]


def _misnamed(place: Place, name: str) -> Problem:
    plain = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_")[:60]
    hint = f"call it {plain}" if plain else "give it a name of letters, digits and underscores"
    what = "would be dropped in silence: names have only letters, digits and underscores"
    return Problem(child(f"{place.path}.variables", name), what, hint)


@rule("reserved-variable", "warning", OURS, on=("movie", "scene", "element"), keys=("variables",))
def reserved_variable(place: Place, key: str, value: Any) -> Problem | None:
    """A variable whose name is a word of expressions: and, or, not, true, false, null."""
    if not isinstance(value, dict) or WORDS.isdisjoint(value):
        return None
    name = next(name for name in value if name in WORDS)
    what = "has the name of a word of expressions, so that no placeholder may reach it"
    return Problem(f"{place.path}.variables.{name}", what, "call it something else")


@rule("field-name", "warning", OURS, on="scene", keys=("iterate",))
def field_name(place: Place, key: str, value: Any) -> Problem | None:
    """A field of repeated items that no placeholder can name."""
    items = place.whole.items(place.data)
    odd = place.whole.repeated(items).unnamed if items else ()
    if not odd:
        return None
    what = f"repeats items with the field '{escape(odd[0], 60)}', which no placeholder can name"
    return place.problem(key, what, "name fields with letters, digits and underscores")
