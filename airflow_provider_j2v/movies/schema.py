"""The schema of a movie: what in a document deviates from it, and the JSON Schema for editors.

``python -m airflow_provider_j2v.movies.schema`` prints the JSON Schema.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import NoneType
from typing import Annotated, Any, get_args, get_origin

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from airflow_provider_j2v.movies.document import undressed
from airflow_provider_j2v.movies.elements import ELEMENTS, Element
from airflow_provider_j2v.movies.findings import child
from airflow_provider_j2v.movies.movie import Movie
from airflow_provider_j2v.movies.parts import Part, spelled
from airflow_provider_j2v.movies.values import (
    DeviationKind,
    Expression,
    Textual,
    Value,
    is_expression,
    kebab,
    near_match,
    shown,
)

#: Hints cost time: so many deviations get one.
_HINTED = 1000


@dataclass(frozen=True, slots=True)
class Deviation:
    """One place where a document is not as the schema says.

    ``path`` is like ``movie.scenes[0].elements[1].font-size``; ``message`` goes on after it; ``hint`` says what to
    write instead, when that is known. ``kind``: a property that is not known, a value of the wrong type, out of its
    range or not one of its words, or something that the service no longer has.
    """

    path: str
    kind: DeviationKind
    message: str
    hint: str | None = None


def deviations(movie: Mapping[str, Any] | Movie) -> list[Deviation]:
    """What the schema finds in a document as it is, in its order. Says nothing of what is missing.

    An element without a ``type`` is the exception: kind ``enum``, at its ``.type``.

    :param movie: any JSON object, or a ``Movie``; nothing in it makes this raise.
    """
    found: list[Deviation] = []
    _part(movie, _shape(Movie), "movie", found)
    return found


@dataclass(frozen=True, slots=True)
class _Nested:
    """A property that holds parts. ``shape`` is None for elements, which are told by their type."""

    shape: _Shape | None
    is_list: bool
    expression: bool

    def check(self, value: Any, path: str, found: list[Deviation]) -> None:
        if self.expression and is_expression(value):
            return
        if not self.is_list:
            self._item(value, path, found)
        elif isinstance(value, list | tuple):
            for i, item in enumerate(value):
                self._item(item, f"{path}[{i}]", found)
        else:
            found.append(Deviation(path, "type", f"must be a list of objects, not {shown(value)}"))

    def _item(self, value: Any, path: str, found: list[Deviation]) -> None:
        if self.shape is None:
            _element(value, path, found)
        else:
            _part(value, self.shape, path, found)


@dataclass(frozen=True, slots=True)
class _Shape:
    """A model taken apart: what each plain property holds, and the properties that hold parts."""

    model: type[Part]
    values: Mapping[str, Value]
    parts: Mapping[str, _Nested]
    names: frozenset[str]
    formerly: Mapping[str, str]


@cache
def _shape(model: type[Part]) -> _Shape:
    values: dict[str, Value] = {}
    parts: dict[str, _Nested] = {}
    for attribute, field in model.model_fields.items():
        name = spelled(attribute)
        holds = next((m for m in field.metadata if isinstance(m, Value)), None)
        if holds is not None:
            values[name] = holds
        elif name == "type":  # it chose the model
            values[name] = Textual()
        else:
            parts[name] = _nested(field.annotation)
    lineage = [cls for cls in reversed(model.__mro__) if issubclass(cls, Part)]
    formerly = {name: hint for cls in lineage for name, hint in cls._formerly.items()}
    return _Shape(model, values, parts, frozenset(values) | frozenset(parts), formerly)


def _nested(annotation: Any) -> _Nested:
    """``Part``, ``Sequence[Part]`` or ``Sequence`` of any element, each perhaps with an expression beside it."""
    options = [option for option in get_args(annotation) if option is not NoneType]
    expression = any(_is_expression(option) for option in options)
    held = next(option for option in options if not _is_expression(option))
    is_list = get_origin(held) is Sequence
    item = get_args(held)[0] if is_list else held
    return _Nested(_shape(item) if isinstance(item, type) else None, is_list, expression)


def _is_expression(option: Any) -> bool:
    return get_origin(option) is Annotated and any(isinstance(m, Expression) for m in option.__metadata__)


def _part(value: Any, shape: _Shape, path: str, found: list[Deviation], *, is_open: bool = False) -> None:
    value = value if isinstance(value, dict) else undressed(value)
    if not isinstance(value, dict):
        found.append(Deviation(path, "type", f"must be an object, not {shown(value)}"))
        return
    values = shape.values
    for key, item in value.items():
        holds = values.get(key)
        if holds is not None:
            misfit = holds.misfit(item)
            if misfit is not None:
                found.append(Deviation(f"{path}.{key}", *misfit))
        elif key in shape.parts:
            shape.parts[key].check(item, f"{path}.{key}", found)
        elif not (is_open or shape.model._open):
            found.append(_stray(key, shape, path, hinted=len(found) < _HINTED))


def _element(value: Any, path: str, found: list[Deviation]) -> None:
    value = value if isinstance(value, dict) else undressed(value)
    kind = value.get("type") if isinstance(value, dict) else "text"
    model = ELEMENTS.get(kind) if isinstance(kind, str) else None
    if model is None and not is_expression(kind):
        found.append(_odd_type(kind, f"{path}.type"))
    _part(value, _shape(model or Element), path, found, is_open=model is None)


def _odd_type(kind: Any, path: str) -> Deviation:
    if kind == "template":
        return Deviation(path, "retired", "is no element type any more", 'write "component" and name a component')
    words = ", ".join(ELEMENTS)
    if kind is None:
        return Deviation(path, "enum", f"is missing; it must be one of {words}")
    near = near_match(kind, frozenset(ELEMENTS)) if isinstance(kind, str) else None
    return Deviation(path, "enum", f"must be one of {words}, not {shown(kind)}", near and f'write "{near}"')


def _stray(key: Any, shape: _Shape, path: str, *, hinted: bool) -> Deviation:
    """The deviation of a name that is not a property here."""
    name, called = str(key), shape.model._called
    path = child(path, name)
    if name in shape.formerly:
        return Deviation(path, "retired", f"is not, or no longer, a property of {called}", shape.formerly[name])
    hint = _meant(name, shape) if hinted else None
    return Deviation(path, "unknown", f"is not a known property of {called}", hint)


def _meant(name: str, shape: _Shape) -> str | None:
    settings = shape.parts.get("settings")
    if settings and settings.shape and kebab(name) in settings.shape.names:
        return f'put "{kebab(name)}" into "settings"'
    near = near_match(name, shape.names)
    return near and f'write "{near}"'


class _ForEditors(GenerateJsonSchema):
    """As pydantic makes it, without null and defaults, which no author of a movie needs."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def tagged_union_schema(self, schema: core_schema.TaggedUnionSchema) -> JsonSchemaValue:
        made = super().tagged_union_schema(schema)
        made.pop("discriminator")  # a word of OpenAPI's
        return made

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        made = super().model_schema(schema)
        if issubclass(schema["cls"], Element):
            made["required"] = ["type", *made.get("required", ())]
        return made


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a movie file."""
    made = Movie.model_json_schema(schema_generator=_ForEditors)
    return {
        "$schema": GenerateJsonSchema.schema_dialect,
        **made,
        "title": "JSON2Video movie",
        "anyOf": [{"required": ["scenes"]}, {"required": ["template"]}],
    }


if __name__ == "__main__":
    print(json.dumps(json_schema(), indent=2, ensure_ascii=False))
