"""Variables against the JSON Schema that the service makes of a saved template.

Only that such a schema exists was seen, not what it looks like in every case: what cannot be read says nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from airflow_provider_j2v.api.reply import escape
from airflow_provider_j2v.movies.findings import child
from airflow_provider_j2v.movies.values import shown

_STRUCTURES = {"array": "a list", "object": "an object"}
#: So many mismatches are told.
_TOLD = 50


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A value that is not as the schema says.

    :param path: like ``movie.variables.offers[0].price``.
    :param structural: one of them is a list, an object, or neither, and the other is not.
    """

    path: str
    message: str
    structural: bool


def described(schema: Mapping[str, Any]) -> tuple[Mapping[str, Any], list[str]]:
    """The template's variables by name, and which of them are required and have no default."""
    properties = schema.get("properties")
    if not isinstance(properties, Mapping):
        return {}, []
    required = schema.get("required")
    names = [name for name in required if isinstance(name, str)] if isinstance(required, list) else []
    return properties, [name for name in names if "default" not in _mapping(properties.get(name))]


def mismatches(variables: Mapping[str, Any], schema: Mapping[str, Any]) -> list[Mismatch]:
    """Given values that are not as the schema says; text with placeholders fits everywhere."""
    properties, _ = described(schema)
    if not any(name in properties for name in variables):
        return []
    try:
        return list(islice(_mismatches(variables, schema), _TOLD))
    except Exception:  # a schema that cannot be understood is no reason to refuse the movie
        return []


def _mismatches(variables: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[Mismatch]:
    # Imported here, since most movies have no template. Airflow depends on it. An empty registry: nothing is fetched.
    from jsonschema.validators import Draft202012Validator, validator_for  # type: ignore[import-untyped]
    from referencing import Registry

    of_schema = validator_for(schema, default=Draft202012Validator)
    of_schema.check_schema(schema)
    for error in of_schema(schema, registry=Registry()).iter_errors(variables):
        at_top = not error.absolute_path
        if at_top or (isinstance(error.instance, str) and "{{" in error.instance):
            continue
        path = "movie.variables"
        for step in error.absolute_path:
            path = f"{path}[{step}]" if isinstance(step, int) else child(path, str(step))
        if error.validator == "type":
            yield _mistyped(path, error.instance, error.validator_value)
        else:
            yield Mismatch(path, f"is not as the template wants it: {escape(error.message, 200)}", False)


def _mistyped(path: str, value: Any, expected: Any) -> Mismatch:
    wanted = [kind for kind in (expected if isinstance(expected, list) else [expected]) if isinstance(kind, str)]
    structure = "array" if isinstance(value, list) else "object" if isinstance(value, Mapping) else None
    structural = structure not in {kind if kind in _STRUCTURES else None for kind in wanted}
    words = " or ".join(_STRUCTURES.get(kind, f"of type {kind}") for kind in wanted)
    return Mismatch(path, f"must be {words}, not {shown(value)}", structural)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
