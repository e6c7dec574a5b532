"""Rules about the variables given to a saved template."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from airflow_provider_j2v.movies.findings import Problem, child
from airflow_provider_j2v.movies.rules.places import Place
from airflow_provider_j2v.movies.rules.registry import LIVE, rule
from airflow_provider_j2v.movies.template_variables import described

_SCHEMA = f"{LIVE} (a template's `format=jsonschema`)"


@rule("template-variable-missing", "error", _SCHEMA, on="movie")
def template_variable_missing(place: Place) -> Iterator[Problem]:
    """A variable that the template requires, has no default for, and is not given."""
    _, required = described(place.whole.schema)
    for name in required:
        if name not in place.whole.variables:
            yield Problem(child("movie.variables", name), "is missing, and the template requires it", "give it a value")


@rule("template-variable-unknown", "warning", _SCHEMA, on="movie")
def template_variable_unknown(place: Place) -> Iterator[Problem]:
    """A variable that the template does not have."""
    whole = place.whole
    properties, _ = described(whole.schema)
    if not properties or whole.schema.get("additionalProperties"):
        return
    inherited = (whole.template or {}).get("variables")
    known = {*properties, *(inherited if isinstance(inherited, dict) else ())}
    for name in whole.given:
        if name not in known:
            near = whole.meant(name, lambda word: get_close_matches(word, known, 1))
            what = "is no variable of the template, so that nothing uses it"
            yield Problem(child("movie.variables", name), what, f"{near}see the template's variables")


@rule("template-variable-structure", "error", _SCHEMA, on="movie")
def template_variable_structure(place: Place) -> Iterator[Problem]:
    """A text or a number where the template has a list or an object, or the reverse."""
    for found in place.whole.mismatches:
        if found.structural:
            yield Problem(found.path, found.message, "give what the template repeats or takes apart")


@rule("template-variable-value", "warning", _SCHEMA, on="movie")
def template_variable_value(place: Place) -> Iterator[Problem]:
    """A variable whose value is not as the template's schema says: of another type, or none of the options."""
    for found in place.whole.mismatches:
        if not found.structural:
            yield Problem(found.path, found.message, "see the template's variables")
